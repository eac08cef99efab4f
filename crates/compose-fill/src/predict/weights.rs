//! Numbers per band, and the coefficients of a regression, in groups of lanes.

use crate::lanes::{LANES, Lanes};
use compose_regression::Solution;

/// Per group of bands: the intercepts, then a weight for each feature.
pub(super) fn weights(solution: &Solution) -> Vec<Vec<Lanes>> {
    let mut groups: Vec<Vec<Lanes>> =
        in_lanes(&solution.intercepts, 0.0).into_iter().map(|lanes| vec![lanes]).collect();
    for feature in 0..solution.coefficients[0].len() {
        let of_bands: Vec<f64> = solution.coefficients.iter().map(|of_band| of_band[feature]).collect();
        groups.iter_mut().zip(in_lanes(&of_bands, 0.0)).for_each(|(group, lanes)| group.push(lanes));
    }
    groups
}

/// Numbers band by band as groups of lanes; `rest` stands in past the last band.
pub(super) fn in_lanes(of_bands: &[f64], rest: f32) -> Vec<Lanes> {
    let lanes = |bands: &[f64]| {
        let mut lanes = [rest; LANES];
        lanes.iter_mut().zip(bands).for_each(|(lane, v)| *lane = *v as f32);
        lanes
    };
    of_bands.chunks(LANES).map(lanes).collect()
}
