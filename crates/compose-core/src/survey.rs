//! The survey: a sample of scenes on a fixed lattice of the target grid, taken before the run.
//!
//! A strategy that needs whole-scene facts (a regression, a ranking of donors) gets them from here, so that its
//! answer cannot depend on blocks or threads.

use ndarray::Array2;

/// Not to be used: masked, nodata or outside.
pub const UNUSABLE: u8 = 0;
/// Clear, but at the end of what the sample type holds: the true value may lie beyond.
pub const SATURATED: u8 = 1;
/// Clear, but near something unusable.
pub const DOUBTFUL: u8 = 2;
/// Clear, at least [`RIM`] pixels from anything unusable, and not saturated.
pub const CLEAR: u8 = 3;

/// Pixels this near to an unusable one are doubtful: masks seldom reach to the last of a cloud.
pub const RIM: usize = 2;

/// Pixels come in squares of this side, row by row. The outermost are there for their neighbours alone: a pixel of the
/// sample has all eight around it.
pub const SIDE: usize = 8;

/// Pixels of a square.
pub const SQUARE: usize = SIDE * SIDE;

/// The eight pixels around one, as steps along the sample: row by row from the upper left.
pub const AROUND: [isize; 8] = [
    -(SIDE as isize) - 1,
    -(SIDE as isize),
    1 - SIDE as isize,
    -1,
    1,
    SIDE as isize - 1,
    SIDE as isize,
    SIDE as isize + 1,
];

/// Whether a pixel belongs to the sample, not to the frame of its square.
pub fn is_inner(pixel: usize) -> bool {
    let inner = 1..SIDE - 1;
    inner.contains(&(pixel % SQUARE / SIDE)) && inner.contains(&(pixel % SIDE))
}

/// Samples of the stack. Pixel `i` is the same place in every scene; those of a square outside the grid are unusable.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// One per scene of the stack; `None` if no kind asked for it.
    pub scenes: Vec<Option<SampledScene>>,
    /// Number of pixels.
    pub pixels: usize,
}

/// One scene's samples.
#[derive(Clone, Debug, PartialEq)]
pub struct SampledScene {
    /// In the numbers of the reference scene, (pixel, band).
    pub values: Array2<f32>,
    /// [`UNUSABLE`], [`SATURATED`], [`DOUBTFUL`] or [`CLEAR`], per pixel. A pixel is judged by all wanted bands.
    pub state: Vec<u8>,
}

impl SampledScene {
    /// Samples of one pixel, band by band.
    pub fn pixel(&self, pixel: usize) -> &[f32] {
        let bands = self.values.dim().1;
        &self.values.as_slice().expect("samples are in standard layout")[pixel * bands..][..bands]
    }
}
