//! A donor's pixels, as a fill strategy gets them.

use crate::{Block, Day};
use ndarray::Array2;

/// One donor's pixels on the target grid.
#[derive(Clone, Copy)]
pub struct Donor<'a> {
    /// Index into [`crate::StackFacts::scenes`].
    pub scene: usize,
    /// Its date, where known.
    pub day: Option<Day>,
    /// Its pixels, on [`crate::FillInput::window`], masked unless the strategy asked otherwise.
    pub block: &'a Block,
    /// Whether values are the donor's own numbers (no resampling, no change of radiometry).
    pub exact: bool,
    /// The score of each pixel of the block, if the strategy asked for it.
    pub score: Option<&'a Array2<f32>>,
}
