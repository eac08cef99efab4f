//! Several donors at once: their translations weighed against each other.

use super::method::Method;
use super::model_fit::ModelFit;
use super::sample::{PER_FEATURE, Sample};
use super::single::Single;
use compose_regression::{Rows, solve};

/// Ridge parameter. It keeps donors that are nearly equal from getting large weights of opposite signs.
const RIDGE_OF_SEVERAL: f64 = 1e-2;

/// Several donors, by rank.
pub(super) struct Several {
    pub ranks: Vec<u16>,
    pub fit: ModelFit,
}

impl Several {
    /// Several donors at once; `None` where they share too few pixels.
    pub fn of(sample: &Sample<'_>, singles: &[Single], ranks: &[u16]) -> Option<Self> {
        let donors: Vec<&Single> = ranks.iter().map(|rank| &singles[usize::from(*rank)]).collect();
        let scenes: Vec<usize> = donors.iter().map(|donor| donor.scene).collect();
        let bands = sample.bands();
        let features = donors.len() * bands;
        let pixels = sample.common(&scenes, PER_FEATURE * (features + 1));
        if pixels.len() < PER_FEATURE * (features + 1) {
            return None;
        }
        let shares = shares(&donors, bands);
        let mut numbers = Vec::with_capacity(pixels.len() * (features + bands));
        for pixel in &pixels {
            let of = |donor: &Single, band: usize| donor.translated[pixel * bands + band];
            numbers.extend(donors.iter().flat_map(|donor| (0..bands).map(move |band| of(donor, band))));
            let mean = |band: usize| -> f64 {
                donors
                    .iter()
                    .zip(&shares)
                    .map(|(donor, shares)| shares[band] * f64::from(of(donor, band)))
                    .sum()
            };
            let target = sample.scene(sample.target).pixel(*pixel);
            numbers.extend((0..bands).map(|band| (f64::from(target[band]) - mean(band)) as f32));
        }
        let rows = Rows { width: features + bands, features, numbers };
        let mut solution = solve(&rows, RIDGE_OF_SEVERAL);
        let residuals = solution.residuals(&rows);
        for (band, of_band) in solution.coefficients.iter_mut().enumerate() {
            shares.iter().enumerate().for_each(|(nth, shares)| of_band[nth * bands + band] += shares[band]);
        }
        let nth = |pixel: usize| pixels.binary_search(&pixel).expect("asked of its own pixels");
        let fit = ModelFit::new(Method::Joint, &pixels, &solution, bands, |pixel, band| {
            residuals[nth(pixel) * bands + band]
        });
        Some(Self { ranks: ranks.to_vec(), fit })
    }
}

/// The weight of each donor in each band before the regression: the inverse of its unexplained part, squared.
fn shares(donors: &[&Single], bands: usize) -> Vec<Vec<f64>> {
    let weight = |donor: &&Single, band: usize| 1.0 / donor.fit.sigma[band].powi(2).max(1e-30);
    let sums: Vec<f64> =
        (0..bands).map(|band| donors.iter().map(|donor| weight(donor, band)).sum()).collect();
    donors.iter().map(|donor| (0..bands).map(|band| weight(donor, band) / sums[band]).collect()).collect()
}
