#![doc = include_str!("band.md")]

use compose_core::suggest::did_you_mean;
use compose_core::{BoundScore, KindError, Plane, SceneFacts, Score, ScoreInput, ScoreKind};
use ndarray::{ArrayViewMut2, Zip};
use schemars::JsonSchema;
use serde::Deserialize;

/// The score `band`.
pub const KIND: ScoreKind = ScoreKind {
    name: "band",
    page: include_str!("band.md"),
    schema: &|| schemars::schema_for!(Band),
    parse: &|table| Ok(Box::new(table.read::<Band>("score \"band\"")?)),
};

/// Settings of `band`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Band {
    /// The data band whose numbers decide.
    pub band: String,
    /// Which numbers are best.
    #[serde(default)]
    pub best: Best,
}

/// Which numbers are best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Best {
    /// The largest.
    #[default]
    Highest,
    /// The smallest.
    Lowest,
}

impl Score for Band {
    fn bind(&self, scene: &SceneFacts) -> Result<Box<dyn BoundScore>, KindError> {
        let band = scene.band(&self.band).ok_or_else(|| {
            let names: Vec<&str> = scene.bands.iter().map(|b| b.name.as_str()).collect();
            let hint = did_you_mean(&self.band, names.iter().copied());
            let separator = if hint.is_empty() { ";" } else { "" };
            let message = format!("no band \"{}\"{hint}{separator} bands: {}", self.band, names.join(", "));
            KindError::new(message).about("band")
        })?;
        if scene.bands[band].role != compose_core::BandRole::Data {
            let message = format!("{} is a quality band; its codes have no order", self.band);
            return Err(KindError::new(message).about("band"));
        }
        // The numbers of scenes are compared with one another, so they are brought to physical values where
        // these are known.
        let (scale, offset) = scene.bands[band].scale_offset.unwrap_or((1.0, 0.0));
        let sign = if self.best == Best::Highest { 1.0 } else { -1.0 };
        Ok(Box::new(Bound { bands: [band], factor: sign * scale, summand: sign * offset }))
    }
}

struct Bound {
    bands: [usize; 1],
    factor: f64,
    summand: f64,
}

impl BoundScore for Bound {
    fn bands(&self) -> &[usize] {
        &self.bands
    }

    fn rate(&self, input: &ScoreInput<'_>, mut scores: ArrayViewMut2<'_, f32>) -> Result<(), KindError> {
        let [Plane::Data { values, valid }] = input.planes else {
            return Err(KindError::new("the band did not come as numbers"));
        };
        Zip::from(&mut scores).and(values).and(valid).for_each(|score, value, valid| {
            if *valid != 0 {
                *score = (f64::from(*value) * self.factor + self.summand) as f32;
            }
        });
        Ok(())
    }
}
