//! From the survey to predictions: each donor translated into the target's terms, donors ranked by how well that
//! explains the target, and a regression for every set of donors that pixels are likely to be seen by.

use super::predictor::{Model, Predictor, key};
use super::sample::Sample;
use super::sets::sets;
use super::several::Several;
use super::single::Single;
use super::summary::fit_summary;
use super::weights::{in_lanes, weights};
use crate::lanes::Lanes;
use compose_core::FitSummary;

/// Scenes in the order in which they are to be taken, and their predictions.
pub(crate) struct Fitted {
    pub donors: Vec<usize>,
    pub predictor: Predictor,
    pub fit_summary: FitSummary,
}

/// Ranks donors and fits models; a prediction may rest on `most` donors.
pub(crate) fn fit(sample: &Sample<'_>, most: usize) -> Fitted {
    let (low, high) = sample.range();
    let range: Vec<(Lanes, Lanes)> = in_lanes(&low, 0.0).into_iter().zip(in_lanes(&high, 0.0)).collect();
    let mut singles: Vec<Single> =
        sample.donors.iter().map(|donor| Single::of(sample, *donor, &range)).collect();
    // Donors come by date, and the sort is stable: of two that agree equally well the nearer goes first.
    singles.sort_by(|a, b| a.disagreement.total_cmp(&b.disagreement));
    let mut refused = 0;
    let mut joint = Vec::new();
    for ranks in sets(sample, &singles, most) {
        match Several::of(sample, &singles, &ranks) {
            Some(several) => joint.push(several),
            None => refused += 1,
        }
    }
    let fit_summary = fit_summary(sample, &singles, &joint, refused);
    let donors = singles.iter().map(|single| single.scene).collect();
    Fitted { donors, predictor: predictor(sample, singles, joint, range), fit_summary }
}

fn predictor(
    sample: &Sample<'_>,
    singles: Vec<Single>,
    joint: Vec<Several>,
    range: Vec<(Lanes, Lanes)>,
) -> Predictor {
    let alone =
        singles.iter().enumerate().map(|(rank, single)| single.fit.model(vec![rank as u16], Vec::new()));
    let joint =
        joint.iter().map(|several| several.fit.model(several.ranks.clone(), weights(&several.solution)));
    let models: Vec<Model> = alone.chain(joint).collect();
    let contrast = |sd: &f64| if *sd > 0.0 { (1.0 / sd) as f32 } else { 0.0 };
    Predictor {
        by_ranks: models.iter().enumerate().map(|(number, model)| (key(&model.ranks), number)).collect(),
        models,
        bands: sample.bands(),
        full: sample.full.to_vec(),
        believed: sample.believed(sample.target),
        range,
        contrast: sample.deviations().iter().map(contrast).collect(),
        translations: singles.into_iter().map(|single| single.translation).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use compose_core::survey::{CLEAR, DOUBTFUL, SQUARE, SampledScene};
    use compose_core::{Block, DonorPart, Observations, Survey};
    use ndarray::{Array2, Array3};

    /// One band; nothing is beyond doubt but one pixel of the middle value.
    fn doubtful(of: impl Fn(usize) -> f32) -> SampledScene {
        let pixels = 60 * SQUARE;
        let values = Array2::from_shape_fn((pixels, 1), |(i, _)| of(i));
        let state = (0..pixels).map(|i| if i == SQUARE + 9 { CLEAR } else { DOUBTFUL }).collect();
        SampledScene { values, state }
    }

    #[test]
    fn a_pixel_beyond_doubt_does_not_speak_for_all() {
        let land = |i: usize| (i * 37 % 101) as f32;
        let noise = doubtful(|i| (i * 61 % 97) as f32);
        let scenes =
            [doubtful(|i| 100.0 + 2.0 * land(i)), noise, doubtful(land)].map(Some).into_iter().collect();
        let survey = Survey { scenes, pixels: 60 * SQUARE };
        let fitted = fit(&Sample { survey: &survey, target: 0, donors: &[1, 2], full: &[f32::INFINITY] }, 1);
        assert_eq!(fitted.donors, [2, 1]);
        let (low, high) = fitted.predictor.range[0];
        assert_eq!((low[0], high[0]), (100.0, 300.0));
        assert!(fitted.predictor.contrast[0] > 0.0);
    }

    /// A sample misses single pixels of nodata that nobody declared: no prediction may come of them, nor of them as
    /// neighbours.
    #[test]
    fn a_value_far_beyond_the_sample_is_no_look_and_no_neighbour() {
        let land = |i: usize| (i * 37 % 101) as f32;
        let scenes = [doubtful(|i| 100.0 + 2.0 * land(i)), doubtful(land)].map(Some).into_iter().collect();
        let survey = Survey { scenes, pixels: 60 * SQUARE };
        let fitted = fit(&Sample { survey: &survey, target: 0, donors: &[1], full: &[f32::INFINITY] }, 1);
        let observations = |stray: f32, valid: u8| {
            let mut values =
                Array3::from_shape_fn((1, 3, 3), |(_, row, col)| (20 + 7 * row + 3 * col) as f32);
            values[[0, 1, 1]] = stray;
            let mut block = Block { values, valid: Array3::ones((1, 3, 3)) };
            block.valid[[0, 1, 1]] = valid;
            let mut observations = Observations::new(1, 1, 3, 3);
            let wanted = Array2::ones((3, 3));
            let part = DonorPart { block: &block, wanted: &wanted, corner: (0, 0) };
            fitted.predictor.translations[0].observe(0, &part, &mut observations);
            observations
        };
        let (stray, without) = (observations(1e30, 1), observations(0.0, 0));
        for at in (0..9).map(|i| (i / 3, i % 3)) {
            assert_eq!(stray.ranks(at), without.ranks(at), "{at:?}");
            assert_eq!(stray.observation(at, 0), without.observation(at, 0), "{at:?}");
        }
        // A roof that the sample missed is one all the same.
        assert_eq!(observations(900.0, 1).ranks((1, 1)), [0]);
    }
}
