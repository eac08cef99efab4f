//! Predictions from any set of donors, and how they read the observations at a pixel.

use super::translation::Translation;
use crate::lanes::{LANES, Lanes};
use compose_core::Observations;
use compose_core::observations::NONE;
use std::collections::HashMap;
use std::ops::Range;

/// Band = intercept + Σ coefficient × band of a donor's translation, for every band.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    /// Ranks of its donors, rising.
    pub ranks: Vec<u16>,
    /// Per group of [`LANES`] bands: the intercepts, then the coefficients of each donor's bands; none where there is one
    /// donor, whose translation it is.
    pub(super) weights: Vec<Vec<Lanes>>,
    /// Per band: standard deviation of what it leaves unexplained.
    pub sigma: Vec<f32>,
    /// Per band: the part of it that differs between neighbouring pixels.
    pub roughness: Vec<f32>,
    /// The same, of most pixels: edges, and what has changed, do not count.
    pub noise: Vec<f32>,
}

/// Predictions from any set of donors.
#[derive(Clone, Debug)]
pub(crate) struct Predictor {
    /// By rank.
    pub translations: Vec<Translation>,
    pub(super) models: Vec<Model>,
    pub(super) by_ranks: HashMap<u64, usize>,
    pub(super) bands: usize,
    /// Per group of bands: the least and the greatest value that the target shows.
    pub range: Vec<(Lanes, Lanes)>,
    /// Per band: the greatest sample that the target's type holds.
    pub full: Vec<f32>,
    /// Per band: the range of the target. Values beyond it are no measurements.
    pub believed: Vec<(f32, f32)>,
    /// One over the standard deviation of each of the target's bands; 0 where it is constant.
    pub contrast: Vec<f32>,
}

impl Predictor {
    /// Number of the model for the donors that are clear at a pixel. Where no model uses all of them, the lowest-ranked are
    /// dropped one by one. `None` without a donor.
    pub fn model_of(&self, ranks: &[u16]) -> Option<usize> {
        (1..=ranks.len()).rev().find_map(|n| self.by_ranks.get(&key(&ranks[..n])).copied())
    }

    pub fn model(&self, number: usize) -> &Model {
        &self.models[number]
    }

    /// Groups of bands.
    pub fn groups(&self) -> usize {
        self.bands.div_ceil(LANES)
    }

    /// The prediction of a model for a group of bands at a pixel, clipped to the range of the target.
    pub fn predict(
        &self,
        model: usize,
        observations: &Observations,
        at: (usize, usize),
        group: usize,
    ) -> Lanes {
        let model = &self.models[model];
        let observation =
            |rank: u16| observation_of(observations, rank, at).expect("the donors of a model see the pixel");
        if let [rank] = model.ranks[..] {
            let mut lanes = [0.0; LANES];
            let bands = self.bands_of(group);
            lanes[..bands.len()].copy_from_slice(&observation(rank)[bands]);
            return lanes;
        }
        let weights = &model.weights[group];
        let mut sum = weights[0];
        let mut of_donor = &weights[1..];
        for rank in &model.ranks {
            let (of_bands, rest) = of_donor.split_at(self.bands);
            for (value, weights) in observation(*rank).iter().zip(of_bands) {
                sum.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight * value);
            }
            of_donor = rest;
        }
        self.clip_from(sum, None, group)
    }

    /// Clips values to the range of the target, widened to hold the prediction where that lies outside.
    pub fn clip_from(&self, mut values: Lanes, predicted: Option<&Lanes>, group: usize) -> Lanes {
        let (low, high) = &self.range[group];
        for (lane, value) in values.iter_mut().enumerate() {
            let beyond = predicted
                .map_or((low[lane], high[lane]), |p| (low[lane].min(p[lane]), high[lane].max(p[lane])));
            // Not `clamp`, which would panic of a range without a value.
            *value = value.max(beyond.0).min(beyond.1);
        }
        values
    }

    /// The bands of a group.
    pub fn bands_of(&self, group: usize) -> Range<usize> {
        group * LANES..((group + 1) * LANES).min(self.bands)
    }
}

/// The observation of the donor of this rank at a pixel: its translation, band by band.
#[inline]
pub(crate) fn observation_of(observations: &Observations, rank: u16, at: (usize, usize)) -> Option<&[f32]> {
    let observation = observations.ranks(at).iter().position(|of| *of == rank)?;
    Some(observations.observation(at, observation))
}

/// Ranks of the donors that see a pixel.
#[inline]
pub(crate) fn ranks_at(observations: &Observations, at: (usize, usize)) -> &[u16] {
    let ranks = observations.ranks(at);
    &ranks[..ranks.iter().position(|rank| *rank == NONE).unwrap_or(ranks.len())]
}

/// Ranks of up to [`super::MOST_DONORS`] donors as one number.
pub(super) fn key(ranks: &[u16]) -> u64 {
    ranks.iter().fold(0, |key, rank| key << 16 | (u64::from(*rank) + 1))
}
