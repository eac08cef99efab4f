//! Dates of one product whose numbers lie an offset apart: Sentinel-2 from baseline 04.00 on has 1000 more, unless the offset
//! was applied, and catalogues do not always say which.

use crate::plan::{BandId, Plan, SceneId};
use compose_core::Survey;
use compose_core::survey::{DOUBTFUL, SampledScene, is_inner};
use std::ops::RangeInclusive;

/// The offset of Sentinel-2's baseline 04.00, as a reflectance.
const OFFSET: f64 = 0.1;
/// Dates differ by haze and season as well: in every band by less than this part of the offset.
const LIKE: RangeInclusive<f64> = 0.5..=1.5;
/// The fewest pixels that two scenes must both see.
const ENOUGH: usize = 100;

/// A remark that names the scenes of a product with a baseline whose numbers lie an offset above or below those of the others,
/// in every band: by the median over the pixels that both see.
pub fn remark(plan: &Plan, reference: SceneId, survey: &Survey) -> Option<String> {
    let stack = &plan.stack;
    let step: Vec<f64> = stack.facts[reference].bands[..stack.bands.len()]
        .iter()
        .map(|band| band.scale_offset.map(|(scale, _)| OFFSET / scale))
        .collect::<Option<_>>()?;
    let sampled = |scene: SceneId| survey.scenes.get(scene.index())?.as_ref();
    let scenes: Vec<(SceneId, &SampledScene)> = stack
        .scene_ids()
        .filter(|scene| stack.by_baseline[*scene])
        .filter_map(|scene| Some((scene, sampled(scene)?)))
        .collect();
    let clear = |of: &SampledScene| of.state.iter().filter(|state| **state >= DOUBTFUL).count();
    let (base, widest) = scenes.iter().max_by_key(|(_, of)| clear(of))?;
    let mut groups = [Vec::new(), vec![*base], Vec::new()];
    for (scene, of) in scenes.iter().filter(|(scene, _)| scene != base) {
        groups[apart(widest, of, &step)?].push(*scene);
    }
    told(plan, step[0], groups)
}

/// 0: an offset below, 1: alike or not to be told, 2: an offset above; `None` if the scenes have other bands.
fn apart(base: &SampledScene, of: &SampledScene, step: &[f64]) -> Option<usize> {
    let seen =
        |scene: &SampledScene, pixel: usize| scene.state.get(pixel).is_some_and(|state| *state >= DOUBTFUL);
    let both: Vec<usize> = (0..of.state.len())
        .filter(|pixel| is_inner(*pixel) && seen(of, *pixel) && seen(base, *pixel))
        .collect();
    if both.len() < ENOUGH {
        return Some(1);
    }
    let parts: Vec<f64> = step
        .iter()
        .enumerate()
        .map(|(band, step)| {
            let band = BandId(band);
            let mut differences: Vec<f32> =
                both.iter().map(|pixel| of.pixel(*pixel)[band] - base.pixel(*pixel)[band]).collect();
            let middle = differences.len() / 2;
            f64::from(*differences.select_nth_unstable_by(middle, f32::total_cmp).1) / step
        })
        .collect();
    let all = |sign: f64| parts.iter().all(|part| LIKE.contains(&(sign * part)));
    Some(if all(1.0) { 2 } else { usize::from(!all(-1.0)) })
}

/// The remark: the largest group is as it should be.
fn told(plan: &Plan, step: f64, groups: [Vec<SceneId>; 3]) -> Option<String> {
    let usual = (0..3).max_by_key(|nth| (groups[*nth].len(), *nth == 1))?;
    let words = |(nth, scenes): (usize, Vec<SceneId>)| {
        let ids: Vec<&str> = scenes.iter().map(|scene| plan.stack.facts[*scene].id.as_str()).collect();
        let how = if nth > usual { "higher" } else { "lower" };
        (nth != usual && !ids.is_empty()).then(|| format!("{how} in {}", ids.join(", ")))
    };
    let told: Vec<String> = groups.into_iter().enumerate().filter_map(words).collect();
    (!told.is_empty()).then(|| {
        format!(
            "the numbers of all bands are about an offset of {OFFSET} ({step:.0} numbers) {} than in the other scenes: the offset \
             that names or a catalogue tell may be wrong there; offset in [scenes] or [[scene]] says what holds",
            told.join(", and ")
        )
    })
}
