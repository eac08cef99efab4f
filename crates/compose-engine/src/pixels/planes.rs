//! One band's pixels on the grid of a mask rule or a score.

use compose_core::{BandRole, Plane};
use ndarray::Array2;

/// The reason why an array can be taken as a slice.
pub const LAYOUT: &str = "pixels are read into arrays in standard layout";

/// The planes of one band on a mask's grid.
pub enum Owned {
    Data(Array2<f32>, Array2<u8>),
    Quality(Array2<u32>, Array2<u8>),
}

impl Owned {
    pub fn nothing(role: BandRole, shape: (usize, usize)) -> Self {
        match role {
            BandRole::Data => Self::Data(Array2::zeros(shape), Array2::zeros(shape)),
            BandRole::Quality => Self::Quality(Array2::zeros(shape), Array2::zeros(shape)),
        }
    }

    pub fn plane(&self) -> Plane<'_> {
        match self {
            Self::Data(values, valid) => Plane::Data { values: values.view(), valid: valid.view() },
            Self::Quality(codes, inside) => Plane::Quality { codes: codes.view(), inside: inside.view() },
        }
    }
}
