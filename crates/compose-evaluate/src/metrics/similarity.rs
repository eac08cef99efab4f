//! Structural similarity (SSIM; Wang, Bovik, Sheikh and Simoncelli 2004) of fill and truth.
//!
//! The definition is the paper's, as scikit-image's `structural_similarity(gaussian_weights=True, sigma=1.5,
//! use_sample_covariance=False)` computes it, to which a test holds it: an 11 × 11 Gaussian window, mirrored at the
//! image's edge (the edge pixel twice), C1 = (0.01·L)² and C2 = (0.03·L)². L is the range of the truth over gap and
//! clear pixels. The mean is taken over filled pixels of the gap, whose windows reach over its edge.
//!
//! Outside those pixels both images hold the same: the truth where it is known (the gap is judged, not what the
//! product holds beside it, and an unfilled pixel is neither an error nor a merit), and the mean of the known
//! truth where it is not.

use super::compared::Pixel;
use super::means::mean;
use ndarray::{Array1, Array2, ArrayView2, Zip, s};
use std::ops::Range;

const SIGMA: f64 = 1.5;
/// Pixels to each side of the window: 3.5 σ, rounded.
const RADIUS: usize = 5;
/// Rows that are worked on at a time, so that a large scene costs little memory.
const STRIP: usize = 256;

/// Mean SSIM of one band over filled pixels of the gap; `None` without any, or where the truth is constant.
pub(crate) fn ssim(
    truth: ArrayView2<'_, f32>,
    filled: ArrayView2<'_, f32>,
    pixels: &Array2<Pixel>,
) -> Option<f64> {
    let (rows, cols) = around_the_gap(pixels)?;
    let known = || truth.iter().zip(pixels).filter(|(_, pixel)| **pixel != Pixel::Unknown).map(|(t, _)| *t);
    let range = range(known());
    let elsewhere = mean(known(), |sum, sample| sum + f64::from(sample))?;
    if range <= 0.0 {
        return None;
    }
    let scene = Scene { truth, filled, pixels, range, elsewhere };
    let strips = rows.clone().step_by(STRIP).map(|row| row..(row + STRIP).min(rows.end));
    mean(strips.flat_map(|rows| scene.of_filled(rows, cols.clone())), |sum, similar| sum + similar)
}

/// One band, with what SSIM has to know of the whole of it.
struct Scene<'a> {
    truth: ArrayView2<'a, f32>,
    filled: ArrayView2<'a, f32>,
    pixels: &'a Array2<Pixel>,
    range: f64,
    /// Stands for the truth where it is not known.
    elsewhere: f64,
}

impl Scene<'_> {
    /// SSIM at filled pixels of these rows and columns, which hold every filled pixel's window along rows.
    fn of_filled(&self, rows: Range<usize>, cols: Range<usize>) -> Vec<f64> {
        let around = reach(rows.start, rows.end, self.truth.nrows());
        let part = s![around.clone(), cols.clone()];
        let (truth, filled, pixels) =
            (self.truth.slice(part), self.filled.slice(part), self.pixels.slice(part));
        let of_truth = Zip::from(truth).and(pixels).map_collect(|truth, pixel| match pixel {
            Pixel::Unknown => self.elsewhere,
            _ => f64::from(*truth),
        });
        let of_fill =
            Zip::from(&of_truth).and(filled).and(pixels).map_collect(|truth, fill, pixel| match pixel {
                Pixel::Filled => f64::from(*fill),
                _ => *truth,
            });
        let similar = map(&of_truth, &of_fill, self.range);
        let inner = s![rows.start - around.start..rows.end - around.start, ..];
        let both = similar.slice(inner).into_iter().zip(pixels.slice(inner)).map(|(s, p)| (*s, *p));
        both.filter(|(_, pixel)| *pixel == Pixel::Filled).map(|(similar, _)| similar).collect()
    }
}

/// Rows of the filled gap, and columns with the windows around its pixels.
fn around_the_gap(pixels: &Array2<Pixel>) -> Option<(Range<usize>, Range<usize>)> {
    let width = pixels.ncols();
    let mut found: Option<[usize; 4]> = None;
    for ((row, col), _) in pixels.indexed_iter().filter(|(_, pixel)| **pixel == Pixel::Filled) {
        let [top, bottom, left, right] = found.unwrap_or([row, row, col, col]);
        found = Some([top.min(row), bottom.max(row), left.min(col), right.max(col)]);
    }
    let [top, bottom, left, right] = found?;
    Some((top..bottom + 1, reach(left, right + 1, width)))
}

/// A range with the windows around it.
fn reach(from: usize, to: usize, size: usize) -> Range<usize> {
    from.saturating_sub(RADIUS)..(to + RADIUS).min(size)
}

fn range(samples: impl Iterator<Item = f32>) -> f64 {
    let (low, high) = samples.fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), s| (l.min(s), h.max(s)));
    f64::from(high) - f64::from(low)
}

/// SSIM at each pixel.
fn map(x: &Array2<f64>, y: &Array2<f64>, range: f64) -> Array2<f64> {
    let (c1, c2) = ((0.01 * range).powi(2), (0.03 * range).powi(2));
    let (mean_x, mean_y) = (smooth(x), smooth(y));
    let (xx, yy, xy) = (smooth(&(x * x)), smooth(&(y * y)), smooth(&(x * y)));
    Array2::from_shape_fn(x.dim(), |at| {
        let (mx, my) = (mean_x[at], mean_y[at]);
        let (vx, vy, vxy) = (xx[at] - mx * mx, yy[at] - my * my, xy[at] - mx * my);
        (2.0 * mx * my + c1) * (2.0 * vxy + c2) / ((mx * mx + my * my + c1) * (vx + vy + c2))
    })
}

/// The Gaussian mean around each pixel: along columns, then along rows.
fn smooth(image: &Array2<f64>) -> Array2<f64> {
    let weights = weights();
    let (height, width) = image.dim();
    let mut smoothed = Array2::zeros((height, width));
    let mut down = Array1::zeros(width);
    for (row, mut out) in smoothed.outer_iter_mut().enumerate() {
        down.fill(0.0);
        for (k, weight) in weights.iter().enumerate() {
            down.scaled_add(*weight, &image.row(mirrored(row as i64 + k as i64 - RADIUS as i64, height)));
        }
        let reach = -(RADIUS as i64)..(width + RADIUS) as i64;
        let padded: Array1<f64> = reach.map(|col| down[mirrored(col, width)]).collect();
        for (k, weight) in weights.iter().enumerate() {
            out.scaled_add(*weight, &padded.slice(s![k..k + width]));
        }
    }
    smoothed
}

fn weights() -> [f64; 2 * RADIUS + 1] {
    let bell = |k: usize| (-0.5 * ((k as f64 - RADIUS as f64) / SIGMA).powi(2)).exp();
    let sum: f64 = (0..=2 * RADIUS).map(bell).sum();
    std::array::from_fn(|k| bell(k) / sum)
}

/// The pixel that stands for `at` in a row of `size`: `… 1 0 | 0 1 2 | 2 1 …`.
fn mirrored(at: i64, size: usize) -> usize {
    let (size, turn) = (size as i64, 2 * size as i64);
    let at = at.rem_euclid(turn);
    (if at < size { at } else { turn - 1 - at }) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_mirrored_with_the_edge_pixel_twice() {
        let places: Vec<usize> = (-4..7).map(|at| mirrored(at, 3)).collect();
        assert_eq!(places, [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]);
    }

    #[test]
    fn smoothing_keeps_what_is_constant() {
        let image = Array2::from_elem((3, 20), 7.0);
        assert!(smooth(&image).iter().all(|s| (s - 7.0).abs() < 1e-14));
    }

    /// An image with a gap, whatever lies around it.
    fn scene(height: usize, width: usize) -> (Array2<f32>, Array2<f32>, Array2<Pixel>) {
        let truth = Array2::from_shape_fn((height, width), |(r, c)| ((r * 37 + c * 91) % 50) as f32);
        let filled = truth.mapv(|t| t * 0.5 + 3.0);
        let pixels = Array2::from_shape_fn((height, width), |(r, c)| match (r, c) {
            (12..15, 14..19) => Pixel::Filled,
            (0, _) => Pixel::Unknown,
            _ => Pixel::Clear,
        });
        (truth, filled, pixels)
    }

    #[test]
    fn what_the_product_holds_beside_the_gap_does_not_matter() {
        let (truth, mut filled, pixels) = scene(30, 40);
        let before = ssim(truth.view(), filled.view(), &pixels);
        filled
            .indexed_iter_mut()
            .filter(|(at, _)| pixels[*at] != Pixel::Filled)
            .for_each(|(_, f)| *f = f32::NAN);
        assert_eq!(ssim(truth.view(), filled.view(), &pixels), before);
        assert!(before.is_some_and(|s| s > 0.0 && s < 1.0), "{before:?}");
    }

    #[test]
    fn strips_give_what_the_whole_gives() {
        let (truth, filled, pixels) = scene(30, 40);
        let scene = |range| Scene {
            truth: truth.view(),
            filled: filled.view(),
            pixels: &pixels,
            range,
            elsewhere: 20.0,
        };
        let whole = scene(49.0).of_filled(0..30, 0..40);
        for height in [1, 4, 13] {
            let strips = (0..30).step_by(height).map(|row| row..(row + height).min(30));
            let parts: Vec<f64> = strips.flat_map(|rows| scene(49.0).of_filled(rows, 9..24)).collect();
            assert_eq!(parts, whole, "{height} rows");
        }
    }

    #[test]
    fn an_image_smaller_than_the_window_is_mirrored_over_and_over() {
        let truth = ndarray::arr2(&[[1.0, 2.0]]);
        let filled = ndarray::arr2(&[[1.0, 1.0]]);
        let pixels = ndarray::arr2(&[[Pixel::Clear, Pixel::Filled]]);
        assert!(ssim(truth.view(), filled.view(), &pixels).unwrap().is_finite());
    }
}
