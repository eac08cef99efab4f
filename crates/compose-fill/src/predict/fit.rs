//! From the survey to predictions: each donor translated into the target's terms, donors ranked by how well that
//! explains the target, and a regression for every set of donors that pixels are likely to be seen by.

use super::learned::{Learned, LearnedDonor, LearnedSet};
use super::sample::Sample;
use super::sets::sets;
use super::several::Several;
use super::single::Single;
use super::summary::{agreement, fallbacks};
use super::weights::in_lanes;
use crate::lanes::Lanes;

/// Ranks donors and fits models; a prediction may rest on `most` donors.
pub(crate) fn fit(sample: &Sample<'_>, most: usize) -> Learned {
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
    let fallbacks = fallbacks(sample, &singles, refused);
    let contrast = |sd: &f64| if *sd > 0.0 { (1.0 / sd) as f32 } else { 0.0 };
    let donor = |single: Single| LearnedDonor {
        agreement: agreement(&single),
        scene: single.scene,
        scale: single.scale,
        believed: single.believed,
        fit: single.fit,
    };
    Learned {
        low,
        high,
        believed: sample.believed(sample.target),
        contrast: sample.deviations().iter().map(contrast).collect(),
        donors: singles.into_iter().map(donor).collect(),
        sets: joint.into_iter().map(|set| LearnedSet { ranks: set.ranks, fit: set.fit }).collect(),
        fallbacks,
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
        let fitted = fit(&Sample { survey: &survey, target: 0, donors: &[1, 2] }, 1);
        assert!(fitted.donors().eq([2, 1]));
        let predictor = fitted.predictor(&[f32::INFINITY]);
        let (low, high) = predictor.range[0];
        assert_eq!((low[0], high[0]), (100.0, 300.0));
        assert!(predictor.contrast[0] > 0.0);
    }

    /// A sample misses single pixels of nodata that nobody declared: no prediction may come of them, nor of them as
    /// neighbours.
    #[test]
    fn a_value_far_beyond_the_sample_is_no_look_and_no_neighbour() {
        let land = |i: usize| (i * 37 % 101) as f32;
        let scenes = [doubtful(|i| 100.0 + 2.0 * land(i)), doubtful(land)].map(Some).into_iter().collect();
        let survey = Survey { scenes, pixels: 60 * SQUARE };
        let fitted = fit(&Sample { survey: &survey, target: 0, donors: &[1] }, 1);
        let predictor = fitted.predictor(&[f32::INFINITY]);
        let observations = |stray: f32, valid: u8| {
            let mut values =
                Array3::from_shape_fn((1, 3, 3), |(_, row, col)| (20 + 7 * row + 3 * col) as f32);
            values[[0, 1, 1]] = stray;
            let mut block = Block { values, valid: Array3::ones((1, 3, 3)) };
            block.valid[[0, 1, 1]] = valid;
            let mut observations = Observations::new(1, 1, 3, 3);
            let wanted = Array2::ones((3, 3));
            let part = DonorPart { block: &block, wanted: &wanted, corner: (0, 0) };
            predictor.translations[0].observe(0, &part, &mut observations);
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
