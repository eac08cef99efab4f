//! One fitted regression: its coefficients, and what it leaves unexplained.

use super::method::Method;
use super::predictor::Model;
use super::sample::FOR_AN_OFFSET;
use crate::lanes::Lanes;
use compose_core::{SurveyedModel, exact};
use compose_regression::Solution;
use serde::{Deserialize, Serialize};

/// One fitted regression.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelFit {
    pub method: Method,
    /// Pixels that it rests on.
    pub pixels: usize,
    /// Per band: standard deviation of what it leaves unexplained.
    #[serde(with = "exact")]
    pub sigma: Vec<f64>,
    /// Per band: the part of it that differs between neighbours.
    #[serde(with = "exact")]
    pub roughness: Vec<f64>,
    /// The same from the median of the differences, on which edges and changes have no influence.
    #[serde(with = "exact")]
    pub noise: Vec<f64>,
    /// Per band: the intercept and the coefficients.
    #[serde(with = "exact")]
    coefficients: Vec<Vec<f64>>,
    /// Mean and standard deviation of the donor's bands, where they are standardised.
    #[serde(with = "exact")]
    pub standard: Option<[Vec<f64>; 2]>,
}

impl ModelFit {
    /// `residual` is the target less the prediction, of a pixel and a band.
    pub fn new(
        method: Method,
        pixels: &[usize],
        solution: &Solution,
        bands: usize,
        residual: impl Fn(usize, usize) -> f64,
    ) -> Self {
        let learned = solution.coefficients[0].len() + 1;
        // Too few pixels to estimate an error.
        let left = if pixels.len() < FOR_AN_OFFSET {
            f64::NAN
        } else {
            pixels.len().saturating_sub(learned).max(1) as f64
        };
        let rms = |band: usize| {
            (pixels.iter().map(|pixel| residual(*pixel, band).powi(2)).sum::<f64>() / left).sqrt()
        };
        let sigma: Vec<f64> = (0..bands).map(rms).collect();
        let (mut roughness, mut noise) = (Vec::new(), Vec::new());
        for (band, sigma) in sigma.iter().enumerate() {
            let (rms, median) = steps(pixels, |pixel| residual(pixel, band)).unwrap_or((*sigma, *sigma));
            roughness.push(if rms > *sigma { *sigma } else { rms });
            noise.push(if median > *sigma { *sigma } else { median });
        }
        Self {
            method,
            pixels: pixels.len(),
            roughness,
            noise,
            sigma,
            coefficients: solution.lines(),
            standard: None,
        }
    }

    /// The simpler way that a donor was translated in, and why; `None` where it got the usual regression.
    pub fn fallback(&self) -> Option<String> {
        let why = format!("only {} clear pixels in common with the target", self.pixels);
        match self.method {
            Method::Linear => Some(format!("{why}: its bands alone, without surroundings and products")),
            Method::PerBand => Some(format!("{why}: each band from the same band alone")),
            Method::Offset => Some(format!("{why}: copied, plus the mean difference")),
            Method::Copy => Some(format!("{why}: copied as it is")),
            Method::Surroundings | Method::Joint => None,
        }
    }

    /// The regression itself.
    pub fn solution(&self) -> Solution {
        Solution::of_lines(&self.coefficients)
    }

    /// Whether it has so many numbers as a regression of these bands on so many features.
    pub fn has(&self, bands: usize, features: usize) -> bool {
        let per_band = [&self.sigma, &self.roughness, &self.noise];
        per_band.iter().all(|of| of.len() == bands)
            && self.coefficients.len() == bands
            && self.coefficients.iter().all(|of| of.len() == features + 1)
            && self.standard.iter().flatten().all(|of| of.len() == bands)
    }

    /// The model that predicts pixels.
    pub fn model(&self, ranks: Vec<u16>, weights: Vec<Vec<Lanes>>) -> Model {
        Model {
            ranks,
            weights,
            sigma: single_precision(&self.sigma),
            roughness: single_precision(&self.roughness),
            noise: single_precision(&self.noise),
        }
    }

    /// The regression for the plan and the report.
    pub fn surveyed(&self, donors: Vec<usize>) -> SurveyedModel {
        SurveyedModel {
            donors,
            method: self.method.name(),
            pixels: self.pixels,
            sigma: self.sigma.clone(),
            coefficients: self.coefficients.clone(),
            standard: self.standard.clone(),
        }
    }
}

/// Converts to f32; values that do not fit become NaN.
fn single_precision(of: &[f64]) -> Vec<f32> {
    of.iter().map(|v| *v as f32).map(|v| if v.is_finite() { v } else { f32::NAN }).collect()
}

/// The difference between neighbours in a row as a standard deviation of one of them: from its mean square, and from the
/// median (1.4826 of it, as for a normal distribution); `None` without any.
fn steps(pixels: &[usize], of: impl Fn(usize) -> f64) -> Option<(f64, f64)> {
    // Pixels one after the other in the sample are neighbours: the frames of squares are not among them.
    let pairs = pixels.windows(2).filter(|pair| pair[0] + 1 == pair[1]);
    let mut steps: Vec<f64> = pairs.map(|pair| (of(pair[1]) - of(pair[0])).abs()).collect();
    if steps.is_empty() {
        return None;
    }
    let squares: f64 = steps.iter().map(|step| step * step).sum();
    let middle = steps.len() / 2;
    let (_, median, _) = steps.select_nth_unstable_by(middle, f64::total_cmp);
    let median = 1.4826 * *median / 2.0_f64.sqrt();
    Some(((squares / 2.0 / steps.len() as f64).sqrt(), median))
}
