//! The prediction of a scene from a donor: a robust regression of the scene's bands on all of the donor's.

use compose_core::survey::{CLEAR, DOUBTFUL, SampledScene};
use compose_core::{Block, Survey, exact};
use compose_regression::{RIDGE, Rows, Solution, solve};
use serde::{Deserialize, Serialize};

/// Pixels that a regression needs for each of its features.
const PER_FEATURE: usize = 10;
/// Pixels that it rests on at most: more would cost time and change nothing.
const ENOUGH: usize = 1 << 16;
/// Robust standard deviations beyond which a pixel has changed, and does not teach.
const CHANGED: f64 = 3.5;
/// Standard deviation of a normal distribution whose median absolute deviation is 1.
const NORMAL: f64 = 1.4826;
/// Least residual, as a share of the band's spread: what is explained better is noise of rounding.
const FLOOR: f64 = 0.01;

/// A donor, and what it says of each band that is judged.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Model {
    /// Index of the donor.
    pub donor: usize,
    /// Share of the scene's spread that it does not explain, mean over the bands.
    #[serde(with = "exact")]
    pub unexplained: f64,
    /// Per band: the intercept, then a coefficient for each band of the donor.
    #[serde(with = "exact")]
    lines: Vec<Vec<f64>>,
    /// Median of the residuals, per band.
    #[serde(with = "exact")]
    median: Vec<f64>,
    /// Robust standard deviation of the residuals, per band; 0 where the band is constant.
    #[serde(with = "exact")]
    sigma: Vec<f64>,
}

impl Model {
    /// Learns what `donor` says of some bands of `own`.
    ///
    /// # Errors
    /// Too few common pixels: how many there are, and how many it takes.
    pub fn learn(survey: &Survey, own: usize, donor: usize, bands: &[usize]) -> Result<Self, (usize, usize)> {
        let scene = |of: usize| survey.scenes.get(of).and_then(Option::as_ref);
        let (Some(target), Some(features)) = (scene(own), scene(donor)) else { return Err((0, PER_FEATURE)) };
        let needed = PER_FEATURE * (features.values.dim().1 + 1);
        let pixels = common(survey.pixels, [target, features], needed);
        if pixels.len() < needed {
            return Err((pixels.len(), needed));
        }
        let rows = rows(target, features, bands, &pixels);
        let mut solution = solve(&rows, RIDGE);
        let kept = unchanged(&rows, &solution);
        if kept.len() >= needed {
            solution = solve(&kept, RIDGE);
        }
        let residuals = solution.residuals(&rows);
        let (median, mut sigma) = median_and_sigma(&residuals, bands.len());
        let spreads = deviations(&rows);
        sigma.iter_mut().zip(&spreads).for_each(|(sigma, spread)| *sigma = sigma.max(FLOOR * spread));
        let shares = sigma.iter().zip(&spreads).map(|(sigma, sd)| if *sd > 0.0 { sigma / sd } else { 0.0 });
        let unexplained = shares.sum::<f64>() / bands.len() as f64;
        Ok(Self { donor, unexplained, lines: solution.lines(), median, sigma })
    }

    /// By how many robust standard deviations band number `nth` of those that are judged differs from what the donor's
    /// pixel makes one expect.
    pub fn z(&self, nth: usize, value: f32, donor: &Block, (row, col): (usize, usize)) -> f64 {
        if self.sigma[nth] == 0.0 {
            return 0.0;
        }
        let (intercept, coefficients) =
            self.lines[nth].split_first().expect("a line begins with its intercept");
        let terms = coefficients.iter().enumerate();
        let predicted = terms.fold(*intercept, |sum, (band, coefficient)| {
            sum + coefficient * f64::from(donor.values[[band, row, col]])
        });
        (f64::from(value) - predicted - self.median[nth]) / self.sigma[nth]
    }

    /// Whether it judges so many bands by so many of the donor's.
    pub fn has(&self, judged: usize, of_donor: usize) -> bool {
        let lines = self.lines.iter().all(|line| line.len() == of_donor + 1);
        lines && [self.lines.len(), self.median.len(), self.sigma.len()] == [judged; 3]
    }
}

/// Pixels that both show: those beyond doubt where there are enough, else all; evenly thinned where they are many.
fn common(pixels: usize, scenes: [&SampledScene; 2], needed: usize) -> Vec<usize> {
    let at_least =
        |level: u8| (0..pixels).filter(|i| scenes.iter().all(|s| s.state[*i] >= level)).collect::<Vec<_>>();
    let clear = at_least(CLEAR);
    let pixels = if clear.len() >= needed { clear } else { at_least(DOUBTFUL) };
    let every = pixels.len().div_ceil(ENOUGH).max(1);
    pixels.into_iter().step_by(every).collect()
}

fn rows(target: &SampledScene, features: &SampledScene, bands: &[usize], pixels: &[usize]) -> Rows {
    let count = features.values.dim().1;
    let mut numbers = Vec::with_capacity(pixels.len() * (count + bands.len()));
    for pixel in pixels {
        numbers.extend_from_slice(features.pixel(*pixel));
        numbers.extend(bands.iter().map(|band| target.pixel(*pixel)[*band]));
    }
    Rows { width: count + bands.len(), features: count, numbers }
}

/// The rows whose residual is within bounds in every band.
fn unchanged(rows: &Rows, solution: &Solution) -> Rows {
    let (residuals, bands) = (solution.residuals(rows), rows.width - rows.features);
    let (median, sigma) = median_and_sigma(&residuals, bands);
    let within = |of: &[f64]| (0..bands).all(|b| (of[b] - median[b]).abs() <= CHANGED * sigma[b]);
    let pairs = rows.numbers.chunks_exact(rows.width).zip(residuals.chunks_exact(bands));
    let numbers = pairs.filter(|(_, of)| within(of)).flat_map(|(row, _)| row.iter().copied()).collect();
    Rows { width: rows.width, features: rows.features, numbers }
}

/// Median and robust standard deviation of every band's residuals.
fn median_and_sigma(residuals: &[f64], bands: usize) -> (Vec<f64>, Vec<f64>) {
    let of = |band: usize| {
        let mut values: Vec<f64> = residuals.iter().skip(band).step_by(bands).copied().collect();
        let middle = median(&mut values);
        values.iter_mut().for_each(|v| *v = (*v - middle).abs());
        (middle, NORMAL * median(&mut values))
    };
    (0..bands).map(of).unzip()
}

/// The middle value, or the mean of the two in the middle.
fn median(values: &mut [f64]) -> f64 {
    let half = values.len() / 2;
    let even = values.len().is_multiple_of(2);
    let (below, middle, _) = values.select_nth_unstable_by(half, f64::total_cmp);
    if even { (*middle + below.iter().copied().fold(f64::NEG_INFINITY, f64::max)) / 2.0 } else { *middle }
}

/// Standard deviation of every target.
fn deviations(rows: &Rows) -> Vec<f64> {
    let of = |column: usize| {
        let values = || rows.numbers.iter().skip(column).step_by(rows.width).map(|v| f64::from(*v));
        let mean = values().sum::<f64>() / rows.len() as f64;
        (values().map(|v| (v - mean).powi(2)).sum::<f64>() / rows.len() as f64).sqrt()
    };
    (rows.features..rows.width).map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    /// Two scenes of one band; the second is the target, of which every tenth pixel is much darker.
    fn survey(pixels: usize) -> Survey {
        let donor = |i: usize| (i * 37 % 101) as f32;
        let noise = |i: usize| ((i * 29) % 7) as f32 - 3.0;
        let target =
            |i: usize| 50.0 + 2.0 * donor(i) + noise(i) - if i.is_multiple_of(10) { 400.0 } else { 0.0 };
        let scene = |of: &dyn Fn(usize) -> f32| {
            let values = Array2::from_shape_fn((pixels, 1), |(i, _)| of(i));
            Some(SampledScene { values, state: vec![CLEAR; pixels] })
        };
        Survey { scenes: vec![scene(&donor), scene(&target)], pixels }
    }

    #[test]
    fn changed_pixels_do_not_teach() {
        let model = Model::learn(&survey(2000), 1, 0, &[0]).unwrap();
        assert!((model.lines[0][1] - 2.0).abs() < 0.01, "{model:?}");
        assert!((model.lines[0][0] - 50.0).abs() < 0.5, "{model:?}");
    }

    #[test]
    fn a_donor_that_shares_too_few_pixels_is_refused() {
        assert_eq!(Model::learn(&survey(19), 1, 0, &[0]).unwrap_err(), (19, 20));
        assert!(Model::learn(&survey(20), 1, 0, &[0]).is_ok());
    }

    #[test]
    fn the_median_of_an_even_count_is_between_the_two_in_the_middle() {
        assert_eq!(median(&mut [4.0, 1.0, 3.0, 10.0]), 3.5);
        assert_eq!(median(&mut [4.0, 1.0, 3.0]), 3.0);
    }
}
