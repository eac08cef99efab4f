//! A scene's pixels on one piece of the target grid.

use ndarray::Array3;
use std::ops::Range;

/// The validity of a pixel: of all bands together, or band by band.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ValidityMode {
    /// Valid when valid in every wanted band: one validity plane.
    #[default]
    Joint,
    /// Each band by itself: one validity plane per band.
    PerBand,
}

impl ValidityMode {
    /// Number of validity planes for this many bands.
    pub fn planes(self, bands: usize) -> usize {
        match self {
            Self::Joint => 1,
            Self::PerBand => bands,
        }
    }
}

/// A scene's pixels: samples (band, row, col), and 1 where valid (plane, row, col) with one plane (joint) or
/// one per band. Samples under a 0 are arbitrary; a valid sample is never NaN. Both arrays are in standard
/// layout (a row's pixels side by side), as every constructor of `ndarray` makes them.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Samples, (band, row, col).
    pub values: Array3<f32>,
    /// 1 where valid, (plane, row, col).
    pub valid: Array3<u8>,
}

impl Block {
    /// A block without a valid pixel.
    pub fn empty(bands: usize, mode: ValidityMode, height: usize, width: usize) -> Self {
        Self {
            values: Array3::zeros((bands, height, width)),
            valid: Array3::zeros((mode.planes(bands), height, width)),
        }
    }

    /// Samples of one row of one band.
    pub fn values_row(&self, band: usize, row: usize) -> &[f32] {
        &self.values.as_slice().expect(LAYOUT)[row_span(self.values.dim(), band, row)]
    }

    /// 1 where valid, for one row of one validity plane.
    pub fn valid_row(&self, plane: usize, row: usize) -> &[u8] {
        &self.valid.as_slice().expect(LAYOUT)[row_span(self.valid.dim(), plane, row)]
    }
}

pub(crate) const LAYOUT: &str = "a block's arrays are in standard layout";

/// The range of one row in an array of this shape.
pub(crate) fn row_span((_, height, width): (usize, usize, usize), plane: usize, row: usize) -> Range<usize> {
    let start = (plane * height + row) * width;
    start..start + width
}
