//! The ways in which a model of the target is made, and the features that it weighs.

use serde::{Deserialize, Serialize};

/// Beyond so many bands there are no products: there would be too many.
pub(super) const MOST_BANDS_OF_PRODUCTS: usize = 12;

/// The features of a pixel, which are then weighted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Features {
    /// The donor's bands.
    Bands,
    /// The bands, those of the eight neighbours, and the products of any two bands, all standardised.
    Surroundings,
}

impl Features {
    /// Their number.
    pub fn count(self, bands: usize) -> usize {
        match self {
            Self::Bands => bands,
            Self::Surroundings => {
                9 * bands + if bands <= MOST_BANDS_OF_PRODUCTS { bands * (bands + 1) / 2 } else { 0 }
            }
        }
    }
}

/// The way in which a model of the target is made: the richest that the pixels in common allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Method {
    /// From a donor's bands, their neighbours, and products of bands.
    Surroundings,
    /// From a donor's bands.
    Linear,
    /// Each band from the same band of a donor.
    PerBand,
    /// A donor, plus the mean difference.
    Offset,
    /// A donor as it is.
    Copy,
    /// From several donors.
    Joint,
}

impl Method {
    /// As the plan and the report say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Surroundings => "surroundings",
            Self::Linear => "linear",
            Self::PerBand => "per-band",
            Self::Offset => "offset",
            Self::Copy => "copy",
            Self::Joint => "joint",
        }
    }

    /// The features of a donor's pixel that the model weighs.
    pub fn features(self) -> Features {
        if self == Self::Surroundings { Features::Surroundings } else { Features::Bands }
    }
}
