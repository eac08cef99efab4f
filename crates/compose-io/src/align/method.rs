//! The methods of resampling.

use super::error::AlignError;
use std::fmt;
use std::str::FromStr;

/// The method for values between native pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resampling {
    /// The pixel that holds the place.
    Nearest,
    /// The four pixels around it, by distance.
    #[default]
    Bilinear,
    /// Cubic convolution over 4 × 4 pixels; bilinear where one of them is not valid.
    Cubic,
}

impl Resampling {
    /// The number of pixels around the nearest one that the kernel touches.
    pub(super) fn reach(self) -> usize {
        match self {
            Self::Nearest => 0,
            Self::Bilinear => 1,
            Self::Cubic => 2,
        }
    }
}

impl FromStr for Resampling {
    type Err = AlignError;

    fn from_str(text: &str) -> Result<Self, AlignError> {
        match text {
            "near" | "nearest" => Ok(Self::Nearest),
            "bilinear" => Ok(Self::Bilinear),
            "cubic" => Ok(Self::Cubic),
            _ => Err(AlignError::UnknownResampling { got: text.to_owned() }),
        }
    }
}

impl fmt::Display for Resampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nearest => "nearest",
            Self::Bilinear => "bilinear",
            Self::Cubic => "cubic",
        })
    }
}
