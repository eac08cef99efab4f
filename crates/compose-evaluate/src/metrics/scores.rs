//! The figures of a fill.

use super::means::{mean_of, ratio};
use serde::{Deserialize, Serialize};

/// All figures of one fill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Pixels of the gap.
    pub hidden: usize,
    /// The hidden pixels that got a value.
    pub filled: usize,
    /// `filled / hidden`; `None` where nothing was hidden.
    pub fill_rate: Option<f64>,
    /// Mean over bands of each figure, over those bands that have it.
    pub mean: BandScores,
    /// Mean spectral angle in degrees.
    pub sam: Option<f64>,
    /// Relative error of all bands in percent, with a ratio of pixel sizes of 1.
    pub ergas: Option<f64>,
    /// Each band by itself.
    pub bands: Vec<BandScores>,
}

/// The figures of a band, or their means over bands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct BandScores {
    /// Root of the mean squared error.
    pub rmse: Option<f64>,
    /// Mean absolute error.
    pub mae: Option<f64>,
    /// Mean of fill − truth: above 0 where the fill is too bright.
    pub bias: Option<f64>,
    /// Pearson's correlation of fill and truth; `None` where either is constant.
    pub correlation: Option<f64>,
    /// Structural similarity.
    pub ssim: Option<f64>,
    /// Steps across the gap's edge over those of the truth.
    pub jump: Option<f64>,
    /// Root of the mean squared error over gap and clear pixels together.
    pub whole_rmse: Option<f64>,
}

impl Scores {
    /// This fill's error over that of another fill of the same gap, such as a plain copy: below 1 is better.
    /// The quotient of the two `mean.rmse`; `None` where one is not defined or the other fill has no error.
    /// A strategy that fills fewer pixels is judged on fewer: see `fill_rate`.
    pub fn ratio_to(&self, baseline: &Self) -> Option<f64> {
        ratio(self.mean.rmse?, baseline.mean.rmse?)
    }
}

impl BandScores {
    /// The mean of each figure over those that have it.
    pub(crate) fn mean_of(all: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> Option<f64>| mean_of(all.iter().map(figure));
        Self {
            rmse: of(|s| s.rmse),
            mae: of(|s| s.mae),
            bias: of(|s| s.bias),
            correlation: of(|s| s.correlation),
            ssim: of(|s| s.ssim),
            jump: of(|s| s.jump),
            whole_rmse: of(|s| s.whole_rmse),
        }
    }
}
