//! Shared code of the rules that compare a scene with others of the stack.

use crate::band;
use compose_core::mask_rule::{Compared, OtherScene};
use compose_core::{Block, KindError, MaskStack, PlannedMask, Problem, SceneFacts, SettingsTable};
use ndarray::{Array2, Axis, Zip};
use std::ops::RangeInclusive;

/// Index of the output band that a setting names: rules that compare see no other bands of the stack.
pub(crate) fn output_band(scene: &SceneFacts, name: &str, setting: &'static str) -> Result<usize, KindError> {
    let index = band::choose(scene, Some(name))
        .map_err(|e| KindError::new(format!("{}; name it with {setting}", e.message)).about(setting))?;
    if index < scene.wanted {
        return Ok(index);
    }
    let found = &scene.bands[index].name;
    Err(KindError::new(format!(
        "{found} is no band of the output, and a rule that compares scenes sees those alone; add {found} to bands, or name \
         another with {setting}"
    ))
    .about(setting))
}

/// Scale and offset of some bands of a scene, for a rule that works in reflectance.
pub(crate) fn scales(
    scene: &SceneFacts,
    bands: impl IntoIterator<Item = usize>,
    kind: &str,
) -> Result<Vec<(f64, f64)>, KindError> {
    let of = |band: usize| {
        let facts = &scene.bands[band];
        facts.scale_offset.filter(|(scale, _)| *scale != 0.0).ok_or_else(|| {
            KindError::new(format!(
                "{kind} works in reflectance, but the scale of {} is unknown; say scale and offset in [scenes]",
                facts.name
            ))
        })
    };
    bands.into_iter().map(of).collect()
}

/// The other scenes of the stack, the nearest in time first, of two equally near the earlier; those without a date
/// last, in the order of the stack. With `within_days`, only scenes with a date within that limit.
pub(crate) fn nearest_first(stack: &MaskStack<'_>, within_days: Option<u32>) -> Vec<usize> {
    let own = stack.scenes[stack.scene].day;
    let distance = |scene: usize| Some(stack.scenes[scene].day?.distance(own?));
    let near =
        |scene: &usize| within_days.is_none_or(|most| distance(*scene).is_some_and(|days| days <= most));
    let mut others: Vec<usize> = (0..stack.scenes.len()).filter(|s| *s != stack.scene).filter(near).collect();
    // The stack is in order of dates, and the sort is stable.
    others.sort_by_key(|scene| distance(*scene).unwrap_or(u32::MAX));
    others
}

/// The scenes that a rule asked for, in its own order, out of those that the engine hands over for the whole tree.
pub(crate) fn ranked<'a>(stack: &'a Compared<'a>, scenes: &[usize]) -> Vec<&'a OtherScene<'a>> {
    scenes.iter().filter_map(|scene| stack.others.iter().find(|other| other.scene == *scene)).collect()
}

/// 1 where a pixel is valid in all these bands.
pub(crate) fn seen(block: &Block, bands: &[usize]) -> Array2<u8> {
    let planes = block.valid.dim().0;
    let mut seen = block.valid.index_axis(Axis(0), if planes == 1 { 0 } else { bands[0] }).to_owned();
    for band in bands.iter().skip(1).filter(|_| planes > 1) {
        let plane = block.valid.index_axis(Axis(0), *band);
        Zip::from(&mut seen).and(plane).for_each(|seen, valid| *seen &= *valid);
    }
    seen
}

/// The mistake of a number that must lie in a range.
pub(crate) fn outside(
    table: &SettingsTable<'_>,
    key: &str,
    value: f64,
    range: RangeInclusive<f64>,
) -> Option<Problem> {
    let (low, high) = range.clone().into_inner();
    (!range.contains(&value))
        .then(|| table.problem_at(key, format!("{key} is {value}, expected a number from {low} to {high}")))
}

/// A rule that compares, fitted to a survey.
pub(crate) struct Fitted<B, K> {
    /// The rule as it was bound.
    pub bound: B,
    /// The facts from the stack and the survey.
    pub known: K,
    /// Remarks.
    pub notes: Vec<String>,
}

impl<B: PlannedMask, K: Send + Sync> PlannedMask for Fitted<B, K> {
    fn bands(&self) -> &[usize] {
        self.bound.bands()
    }

    fn halo(&self) -> usize {
        self.bound.halo()
    }

    fn compares(&self, stack: &MaskStack<'_>) -> Vec<usize> {
        self.bound.compares(stack)
    }

    fn needs_neutral(&self) -> bool {
        self.bound.needs_neutral()
    }

    fn describe(&self) -> String {
        self.bound.describe()
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::scene;
    use compose_core::{DataType, Day, ValidityMode};

    fn of_days(days: &[Option<i32>]) -> Vec<SceneFacts> {
        let of = |day: &Option<i32>| SceneFacts { day: day.map(Day), ..scene("", DataType::UInt8) };
        days.iter().map(of).collect()
    }

    #[test]
    fn of_two_scenes_equally_near_the_earlier_comes_first_and_undated_ones_last() {
        let scenes = of_days(&[Some(1), Some(8), Some(10), Some(12), None]);
        let stack = MaskStack { scenes: &scenes, scene: 2, reference: 0 };
        assert_eq!(nearest_first(&stack, None), [1, 3, 0, 4]);
        assert_eq!(nearest_first(&stack, Some(2)), [1, 3]);
        assert_eq!(nearest_first(&MaskStack { scene: 4, ..stack }, None), [0, 1, 2, 3]);
    }

    #[test]
    fn a_band_that_is_not_of_the_output_is_refused_by_name() {
        let scene = scene("", DataType::UInt8);
        assert_eq!(output_band(&scene, "red", "red"), Ok(0));
        let message = output_band(&scene, "QA_PIXEL", "red").unwrap_err().to_string();
        assert!(message.starts_with("QA_PIXEL is no band of the output"), "{message}");
        let message = output_band(&scene, "nir", "nir").unwrap_err().to_string();
        assert_eq!(message, "no band \"nir\"; bands: B4, QA_PIXEL; name it with nir");
    }

    #[test]
    fn a_pixel_is_seen_where_all_bands_are_valid_jointly_or_one_by_one() {
        let mut block = Block::empty(3, ValidityMode::PerBand, 1, 3);
        block.valid.fill(1);
        block.valid[[0, 0, 0]] = 0;
        block.valid[[2, 0, 1]] = 0;
        assert_eq!(seen(&block, &[1, 2]).as_slice().unwrap(), [1, 0, 1]);
        let mut block = Block::empty(3, ValidityMode::Joint, 1, 2);
        block.valid[[0, 0, 1]] = 1;
        assert_eq!(seen(&block, &[1, 2]).as_slice().unwrap(), [0, 1]);
    }
}
