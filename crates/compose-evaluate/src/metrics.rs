//! Figures of a fill whose truth is known.
//!
//! G is the gap (pixels that were hidden), V the clear pixels around it. All figures but the last are of those
//! pixels of G that got a value; how many did not is told by [`Scores::fill_rate`].
//!
//! | figure | of | unit |
//! |---|---|---|
//! | `rmse`, `mae`, `bias` | fill − truth | that of the samples |
//! | `correlation` | fill and truth (Pearson) | 1 is best |
//! | `ssim` | local structure, see [`similarity`] | 1 is best |
//! | `jump` | steps across the gap's edge over those of the truth, see [`seam`] | 1 is invisible |
//! | `sam`, `ergas` | spectra, see [`spectral`] | degrees, percent |
//! | `whole_rmse` | fill − truth over G and V | that of the samples |
//!
//! A figure that is not defined (no pixel, a constant truth) is `None`, never NaN.

mod compared;
mod means;
mod scores;
pub mod seam;
pub mod similarity;
pub mod spectral;

pub use compared::Compared;
pub(crate) use compared::Pixel;
pub(crate) use means::mean_of;
pub use scores::{BandScores, Scores};

use means::{mean, ratio};
use ndarray::{Array2, ArrayView1, ArrayView2, Axis};

impl Compared<'_> {
    /// All figures.
    ///
    /// A truth that is not finite counts as unknown, a fill that is not finite as none.
    ///
    /// # Panics
    /// When the arrays are not of one size.
    pub fn scores(&self) -> Scores {
        assert_eq!(self.truth.dim(), self.filled.dim(), "truth and fill are of one size");
        let pixels = self.pixels();
        let count = |wanted: Pixel| pixels.iter().filter(|p| **p == wanted).count();
        let filled = count(Pixel::Filled);
        let hidden = filled + count(Pixel::Open);
        let bands: Vec<BandScores> = (0..self.truth.dim().0).map(|b| self.of_band(b, &pixels)).collect();
        Scores {
            hidden,
            filled,
            fill_rate: ratio(filled as f64, hidden as f64),
            mean: BandScores::mean_of(&bands),
            sam: spectral::angle(self.truth, self.filled, &pixels),
            ergas: spectral::ergas(self.truth, &bands, &pixels),
            bands,
        }
    }

    fn of_band(&self, band: usize, pixels: &Array2<Pixel>) -> BandScores {
        let truth = self.truth.index_axis(Axis(0), band);
        let filled = self.filled.index_axis(Axis(0), band);
        let of_gap = |pixel| pixel == Pixel::Filled;
        let squares = |sum: f64, (truth, fill): (f64, f64)| sum + (fill - truth).powi(2);
        BandScores {
            rmse: mean(pairs(truth, filled, pixels, of_gap), squares).map(f64::sqrt),
            mae: mean(pairs(truth, filled, pixels, of_gap), |sum, (t, f)| sum + (f - t).abs()),
            bias: mean(pairs(truth, filled, pixels, of_gap), |sum, (t, f)| sum + (f - t)),
            correlation: correlation(truth, filled, pixels),
            ssim: similarity::ssim(truth, filled, pixels),
            jump: seam::jump(truth, filled, pixels),
            whole_rmse: mean(
                pairs(truth, filled, pixels, |p| matches!(p, Pixel::Filled | Pixel::Clear)),
                squares,
            )
            .map(f64::sqrt),
        }
    }
}

/// Truth and fill of the wanted pixels, row after row.
fn pairs<'a>(
    truth: ArrayView2<'a, f32>,
    filled: ArrayView2<'a, f32>,
    pixels: &'a Array2<Pixel>,
    wanted: impl Fn(Pixel) -> bool + 'a,
) -> impl Iterator<Item = (f64, f64)> + 'a {
    let rows = truth.into_outer_iter().zip(filled.into_outer_iter()).zip(pixels.outer_iter());
    rows.flat_map(|((truth, filled), pixels)| row(truth, filled, pixels))
        .filter(move |(pixel, _)| wanted(*pixel))
        .map(|(_, pair)| pair)
}

fn row<'a>(
    truth: ArrayView1<'a, f32>,
    filled: ArrayView1<'a, f32>,
    pixels: ArrayView1<'a, Pixel>,
) -> impl Iterator<Item = (Pixel, (f64, f64))> + 'a {
    let both = truth.into_iter().zip(filled);
    both.zip(pixels).map(|((truth, fill), pixel)| (*pixel, (f64::from(*truth), f64::from(*fill))))
}

/// Pearson's correlation, in two passes: the means first, so that large means cost no digits.
fn correlation(
    truth: ArrayView2<'_, f32>,
    filled: ArrayView2<'_, f32>,
    pixels: &Array2<Pixel>,
) -> Option<f64> {
    let of_gap = || pairs(truth, filled, pixels, |pixel| pixel == Pixel::Filled);
    let mean_truth = mean(of_gap(), |sum, (t, _)| sum + t)?;
    let mean_fill = mean(of_gap(), |sum, (_, f)| sum + f)?;
    let [mut both, mut truths, mut fills] = [0.0; 3];
    for (truth, fill) in of_gap() {
        let (t, f) = (truth - mean_truth, fill - mean_fill);
        both += t * f;
        truths += t * t;
        fills += f * f;
    }
    ratio(both, (truths * fills).sqrt()).map(|r| r.clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array3, arr2, arr3};

    /// One row of one band: truth, fill, and `g` gap, `o` gap without a value, `v` clear, `x` lost, `.` unknown.
    fn scores(truth: &[f32], filled: &[f32], what: &str) -> Scores {
        let width = truth.len();
        let image = |samples: &[f32]| Array3::from_shape_vec((1, 1, width), samples.to_vec()).unwrap();
        let mask = |letters: &str| {
            Array2::from_shape_vec((1, width), what.chars().map(|c| u8::from(letters.contains(c))).collect())
                .unwrap()
        };
        let (truth, filled) = (image(truth), image(filled));
        let (hidden, clear, got) = (mask("go"), mask("vx"), mask("gv"));
        let (hidden, clear, got) = (hidden.view(), clear.view(), got.view());
        Compared { truth: truth.view(), filled: filled.view(), hidden, clear, got }.scores()
    }

    #[test]
    fn errors_are_of_filled_pixels_of_the_gap_alone() {
        let scores = scores(&[1.0, 2.0, 3.0, 9.0, 5.0], &[9.0, 3.0, 6.0, 0.0, 0.0], "vggo.");
        assert_eq!((scores.hidden, scores.filled, scores.fill_rate), (3, 2, Some(2.0 / 3.0)));
        assert_eq!(scores.mean.mae, Some(2.0));
        assert_eq!(scores.mean.bias, Some(2.0));
        assert_eq!(scores.mean.rmse, Some(5_f64.sqrt()));
        assert_eq!(scores.mean.correlation, Some(1.0));
    }

    #[test]
    fn the_whole_image_counts_clear_pixels_too_unless_the_product_has_none() {
        let scores = scores(&[1.0, 2.0, 3.0], &[1.0, 4.0, 99.0], "vgx");
        assert_eq!(scores.mean.whole_rmse, Some(2_f64.sqrt()));
    }

    #[test]
    fn without_a_gap_there_are_no_figures() {
        let scores = scores(&[1.0, 2.0], &[1.0, 2.0], "vv");
        assert_eq!((scores.fill_rate, scores.sam, scores.ergas), (None, None, None));
        let whole_rmse = Some(0.0);
        assert_eq!(scores.mean, BandScores { whole_rmse, ..BandScores::default() });
    }

    #[test]
    fn a_gap_without_a_fill_has_a_rate_of_nothing() {
        let scores = scores(&[1.0, 2.0], &[0.0, 2.0], "ov");
        assert_eq!((scores.fill_rate, scores.mean.rmse), (Some(0.0), None));
    }

    #[test]
    fn a_constant_truth_has_errors_but_neither_correlation_nor_structure_nor_jump() {
        let scores = scores(&[4.0, 4.0, 4.0, 4.0], &[4.0, 5.0, 3.0, 4.0], "vggv");
        assert_eq!(scores.mean.rmse, Some(1.0));
        assert_eq!((scores.mean.correlation, scores.mean.ssim, scores.mean.jump), (None, None, None));
    }

    #[test]
    fn numbers_that_are_none_make_no_figure_one() {
        let nan = f32::NAN;
        let scores = scores(&[1.0, nan, 3.0, 4.0, 6.0], &[1.0, 2.0, nan, 5.0, f32::INFINITY], "vgggg");
        assert_eq!((scores.hidden, scores.filled, scores.mean.bias), (3, 1, Some(1.0)));
        let text = serde_json::to_string(&scores).unwrap();
        assert!(text.contains("\"correlation\":null") && !text.contains("NaN"), "{text}");
    }

    #[test]
    fn a_perfect_fill_is_perfect() {
        let samples = [1.0, 5.0, 2.0, 8.0, 3.0];
        let mean = scores(&samples, &samples, "vgggv").mean;
        assert_eq!((mean.rmse, mean.mae, mean.bias), (Some(0.0), Some(0.0), Some(0.0)));
        assert_eq!((mean.correlation, mean.ssim, mean.jump), (Some(1.0), Some(1.0), Some(1.0)));
    }

    #[test]
    fn means_are_over_the_bands_that_have_the_figure() {
        let truth = arr3(&[[[1.0, 2.0, 3.0]], [[7.0, 7.0, 7.0]]]);
        let filled = arr3(&[[[1.0, 2.0, 3.0]], [[7.0, 9.0, 5.0]]]);
        let (hidden, clear, got) = (arr2(&[[0, 1, 1]]), arr2(&[[1, 0, 0]]), arr2(&[[1, 1, 1]]));
        let (hidden, clear, got) = (hidden.view(), clear.view(), got.view());
        let scores = Compared { truth: truth.view(), filled: filled.view(), hidden, clear, got }.scores();
        assert_eq!((scores.mean.rmse, scores.mean.correlation), (Some(1.0), Some(1.0)));
        assert_eq!(scores.bands[1].correlation, None);
    }

    #[test]
    fn a_ratio_needs_two_errors_of_which_the_second_is_not_zero() {
        let half = scores(&[1.0, 2.0], &[1.0, 3.0], "vg");
        let copy = scores(&[1.0, 2.0], &[1.0, 4.0], "vg");
        let perfect = scores(&[1.0, 2.0], &[1.0, 2.0], "vg");
        let nothing = scores(&[1.0, 2.0], &[1.0, 2.0], "vo");
        assert_eq!(half.ratio_to(&copy), Some(0.5));
        assert_eq!((half.ratio_to(&perfect), half.ratio_to(&nothing)), (None, None));
        assert_eq!((perfect.ratio_to(&copy), nothing.ratio_to(&copy)), (Some(0.0), None));
    }
}
