//! Whether bands fit together: spectral angle and ERGAS.

use super::compared::Pixel;
use super::means::{mean, ratio};
use super::scores::BandScores;
use ndarray::{Array2, ArrayView3};

/// The mean angle in degrees between the spectra of fill and truth (spectral angle mapper, Kruse and others 1993)
/// over filled pixels of the gap. A pixel that is zero in all bands has no angle. `None` without any, or with one
/// band, where there is no direction to differ in.
pub(crate) fn angle(
    truth: ArrayView3<'_, f32>,
    filled: ArrayView3<'_, f32>,
    pixels: &Array2<Pixel>,
) -> Option<f64> {
    let bands = truth.dim().0;
    if bands < 2 {
        return None;
    }
    let at = |image: ArrayView3<'_, f32>, (row, col): (usize, usize)| -> Vec<f64> {
        (0..bands).map(|band| f64::from(image[[band, row, col]])).collect()
    };
    let gap = pixels.indexed_iter().filter(|(_, pixel)| **pixel == Pixel::Filled);
    let angles = gap.filter_map(|(place, _)| between(&at(truth, place), &at(filled, place)));
    mean(angles, |sum, angle| sum + angle).map(f64::to_degrees)
}

/// The angle between two vectors: 2·atan2(|u − v|, |u + v|) of their directions (Kahan), because the arc cosine
/// of a number near 1 has half the digits.
fn between(a: &[f64], b: &[f64]) -> Option<f64> {
    let length = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let (of_a, of_b) = (length(a), length(b));
    if of_a == 0.0 || of_b == 0.0 {
        return None;
    }
    let (mut apart, mut together) = (0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let (u, v) = (a / of_a, b / of_b);
        apart += (u - v) * (u - v);
        together += (u + v) * (u + v);
    }
    Some(2.0 * apart.sqrt().atan2(together.sqrt()))
}

/// ERGAS (Wald 2000) in percent: 100·(h/l)·√(mean over bands of (RMSE / mean of the truth)²), over filled pixels of
/// the gap. h/l, the ratio of two pixel sizes where images are sharpened, is 1 here. `None` where a band has no
/// error or a mean of 0.
pub(crate) fn ergas(truth: ArrayView3<'_, f32>, bands: &[BandScores], pixels: &Array2<Pixel>) -> Option<f64> {
    let relative = truth.outer_iter().zip(bands).map(|(truth, scores)| {
        let gap = truth.into_iter().zip(pixels).filter(|(_, pixel)| **pixel == Pixel::Filled);
        ratio(scores.rmse?, mean(gap, |sum, (sample, _)| sum + f64::from(*sample))?)
    });
    let relative: Vec<f64> = relative.collect::<Option<_>>()?;
    mean(relative.iter(), |sum, r| sum + r * r).map(|mean| 100.0 * mean.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_angle_does_not_depend_on_brightness() {
        let degrees = |a: &[f64], b: &[f64]| between(a, b).unwrap().to_degrees();
        assert!((degrees(&[1.0, 0.0], &[5.0, 5.0]) - 45.0).abs() < 1e-12);
        assert!(degrees(&[1.0, 2.0, 3.0], &[7.0, 14.0, 21.0]) < 1e-7);
        assert!((degrees(&[1.0, 0.0], &[-2.0, 0.0]) - 180.0).abs() < 1e-12);
        assert_eq!(between(&[0.0, 0.0], &[1.0, 0.0]), None);
    }

    #[test]
    fn tiny_angles_keep_their_digits() {
        let angle = between(&[1.0, 0.0], &[1.0, 1e-10]).unwrap();
        assert!((angle - 1e-10).abs() < 1e-20, "{angle:e}");
    }

    #[test]
    fn one_band_has_no_angle_and_a_mean_of_zero_no_relative_error() {
        let truth = ndarray::arr3(&[[[1.0, -1.0]]]);
        let pixels = ndarray::arr2(&[[Pixel::Filled, Pixel::Filled]]);
        assert_eq!(angle(truth.view(), truth.view(), &pixels), None);
        let scores = BandScores { rmse: Some(1.0), ..BandScores::default() };
        assert_eq!(ergas(truth.view(), &[scores], &pixels), None);
    }
}
