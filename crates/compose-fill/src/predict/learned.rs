//! What the survey teaches a strategy that predicts: all that its predictions and its summary are made of.

use super::method::Method;
use super::model_fit::ModelFit;
use super::predictor::{Model, Predictor, key};
use super::translation::{Scale, Translation};
use super::weights::{in_lanes, weights};
use crate::lanes::Lanes;
use compose_core::exact;
use serde::{Deserialize, Serialize};

/// What the survey taught. A plan file keeps it as it is.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Learned {
    /// Per band: the least value that the target shows.
    #[serde(with = "exact")]
    pub(super) low: Vec<f64>,
    /// Per band: the greatest.
    #[serde(with = "exact")]
    pub(super) high: Vec<f64>,
    /// Per band: the plausible range of the target.
    #[serde(with = "exact")]
    pub(super) believed: Vec<(f32, f32)>,
    /// Per band: one over the target's standard deviation; 0 where it is constant.
    #[serde(with = "exact")]
    pub(super) contrast: Vec<f32>,
    /// Donors in the order in which they are to be taken.
    pub(super) donors: Vec<LearnedDonor>,
    /// Regressions on several donors.
    pub(super) sets: Vec<LearnedSet>,
    /// Simpler ways that were taken, and why.
    pub(super) fallbacks: Vec<String>,
}

/// One donor by itself.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LearnedDonor {
    /// Index of the scene.
    pub scene: usize,
    /// How it was judged.
    pub agreement: String,
    pub scale: Scale,
    /// Per band: the plausible range of the donor.
    #[serde(with = "exact")]
    pub believed: Vec<(f32, f32)>,
    pub fit: ModelFit,
}

/// Several donors at once.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LearnedSet {
    /// Ranks of the donors, rising.
    pub ranks: Vec<u16>,
    pub fit: ModelFit,
}

impl Learned {
    /// Scenes in the order in which they are to be taken.
    pub fn donors(&self) -> impl Iterator<Item = usize> {
        self.donors.iter().map(|donor| donor.scene)
    }

    /// The predictions; `full` is per band the greatest sample that the target's type holds.
    pub fn predictor(&self, full: &[f32]) -> Predictor {
        let low = in_lanes(&self.low, 0.0);
        let range: Vec<(Lanes, Lanes)> = low.into_iter().zip(in_lanes(&self.high, 0.0)).collect();
        let alone = self.donors.iter().enumerate();
        let alone = alone.map(|(rank, donor)| donor.fit.model(vec![rank as u16], Vec::new()));
        let joint =
            self.sets.iter().map(|set| set.fit.model(set.ranks.clone(), weights(&set.fit.solution())));
        let models: Vec<Model> = alone.chain(joint).collect();
        let translation = |donor: &LearnedDonor| {
            let (scale, believed) = (donor.scale.clone(), donor.believed.clone());
            Translation::new(donor.fit.method, scale, &donor.fit.solution(), &range, believed)
        };
        Predictor {
            by_ranks: models.iter().enumerate().map(|(number, model)| (key(&model.ranks), number)).collect(),
            models,
            bands: self.low.len(),
            full: full.to_vec(),
            believed: self.believed.clone(),
            contrast: self.contrast.clone(),
            translations: self.donors.iter().map(translation).collect(),
            range,
        }
    }

    /// Whether all of it fits together, for so many bands and these donors.
    pub fn fits(&self, bands: usize, donors: &[usize]) -> bool {
        let donor_fits = |donor: &LearnedDonor| {
            let per_band = [donor.scale.mean.len(), donor.scale.factor.len(), donor.believed.len()];
            donors.contains(&donor.scene)
                && donor.fit.method != Method::Joint
                && per_band == [bands; 3]
                && donor.fit.has(bands, donor.fit.method.features().count(bands))
        };
        let set_fits = |set: &LearnedSet| {
            let known = set.ranks.iter().all(|rank| usize::from(*rank) < self.donors.len());
            known && set.ranks.len() > 1 && set.fit.has(bands, set.ranks.len() * bands)
        };
        bands > 0
            && [self.low.len(), self.high.len(), self.believed.len(), self.contrast.len()] == [bands; 4]
            && self.donors.len() == donors.len()
            && self.donors.iter().all(donor_fits)
            && self.sets.iter().all(set_fits)
    }
}
