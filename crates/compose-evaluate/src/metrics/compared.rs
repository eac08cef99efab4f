//! A fill beside the truth, and what each pixel is to the comparison.

use ndarray::{Array2, ArrayView2, ArrayView3};

/// A fill beside the truth; all arrays of one height and width.
#[derive(Clone, Copy)]
pub struct Compared<'a> {
    /// The truth, (band, row, col).
    pub truth: ArrayView3<'a, f32>,
    /// The product, (band, row, col). Outside the gap only `whole_rmse` looks at it.
    pub filled: ArrayView3<'a, f32>,
    /// 1 = in the gap G, and the truth is known.
    pub hidden: ArrayView2<'a, u8>,
    /// 1 = in V: the truth is known and was not hidden. A pixel that is in both counts as hidden.
    pub clear: ArrayView2<'a, u8>,
    /// 1 = the product has a value here. A hidden pixel without one is "not filled".
    pub got: ArrayView2<'a, u8>,
}

/// The role of a pixel in the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pixel {
    /// Its truth is not known: no figure looks at it.
    Unknown,
    /// In V.
    Clear,
    /// In V, but the product has no value.
    Lost,
    /// In G, with a value.
    Filled,
    /// In G, without a value.
    Open,
}

impl Pixel {
    pub(crate) fn is_clear(self) -> bool {
        matches!(self, Self::Clear | Self::Lost)
    }
}

impl Compared<'_> {
    /// The role of each pixel.
    pub(crate) fn pixels(&self) -> Array2<Pixel> {
        let (_, height, width) = self.truth.dim();
        for mask in [self.hidden, self.clear, self.got] {
            assert_eq!(mask.dim(), (height, width), "masks are of the scene's size");
        }
        Array2::from_shape_fn((height, width), |at| {
            let (row, col) = at;
            let finite =
                |image: ArrayView3<'_, f32>| (0..image.dim().0).all(|b| image[[b, row, col]].is_finite());
            let (hidden, clear) = (self.hidden[at] != 0, self.clear[at] != 0);
            if !(hidden || clear) || !finite(self.truth) {
                return Pixel::Unknown;
            }
            match (hidden, self.got[at] != 0 && finite(self.filled)) {
                (true, true) => Pixel::Filled,
                (true, false) => Pixel::Open,
                (false, true) => Pixel::Clear,
                (false, false) => Pixel::Lost,
            }
        })
    }
}
