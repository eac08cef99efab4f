#![doc = include_str!("above.md")]

use crate::band;
use compose_core::mask_rule::MaskKind;
use compose_core::{
    BoundMask, KindError, MaskBinding, MaskInput, MaskRule, Plane, PlannedMask, Problem, SceneFacts,
    SettingsTable,
};
use ndarray::{ArrayViewMut2, Zip};
use schemars::JsonSchema;
use serde::Deserialize;

/// The kind `above`.
pub const KIND: MaskKind = MaskKind {
    name: "above",
    page: include_str!("above.md"),
    schema: &|| schemars::schema_for!(Settings),
    parse: &parse,
};

/// Settings of `above`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// The data band to read.
    pub band: String,
    /// Pixels with a larger number are marked.
    pub limit: f32,
}

fn parse(table: &SettingsTable<'_>) -> Result<Box<dyn MaskRule>, Vec<Problem>> {
    let settings: Settings = table.read("above")?;
    if !settings.limit.is_finite() {
        return Err(vec![table.problem_at("limit", "limit is not finite, expected a number")]);
    }
    Ok(Box::new(settings))
}

impl MaskRule for Settings {
    fn bind(&self, scene: &SceneFacts) -> Result<MaskBinding, KindError> {
        let index = band::choose(scene, Some(&self.band))?;
        Ok(MaskBinding::ready(Bound { bands: [index], settings: self.clone() }))
    }
}

struct Bound {
    bands: [usize; 1],
    settings: Settings,
}

impl PlannedMask for Bound {
    fn bands(&self) -> &[usize] {
        &self.bands
    }

    fn describe(&self) -> String {
        format!("{}: above {}", self.settings.band, self.settings.limit)
    }
}

impl BoundMask for Bound {
    fn mark(&self, input: &MaskInput<'_>, mut marked: ArrayViewMut2<'_, u8>) -> Result<(), KindError> {
        let [Plane::Data { values, valid }] = input.planes else {
            return Err(KindError::new(format!("{} did not come as one data band", self.settings.band)));
        };
        Zip::from(&mut marked)
            .and(values)
            .and(valid)
            .for_each(|m, value, valid| *m = u8::from(*value > self.settings.limit) & valid);
        Ok(())
    }
}
