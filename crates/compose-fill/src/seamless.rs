#![doc = include_str!("seamless.md")]

use crate::donors::{Direction, Reach};
use crate::membrane::Tension;
use crate::predict::checked_donors;
use crate::surveyed::{Wanted, bind};
use compose_core::fill_strategy::FillKind;
use compose_core::{FillBinding, FillStrategy, KindError, Problem, SettingsTable, StackFacts};
use schemars::JsonSchema;
use serde::Deserialize;

/// The kind `seamless`.
pub const KIND: FillKind = FillKind {
    name: "seamless",
    page: include_str!("seamless.md"),
    schema: &|| schemars::schema_for!(Seamless),
    parse: &|table, _| parse(table),
};

/// Settings of `seamless`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Seamless {
    /// The most days between the target and a donor; no limit where absent.
    pub within_days: Option<u32>,
    /// On which side of the target date donors are looked for.
    #[serde(default)]
    pub direction: Direction,
    /// Donors that one pixel may rest on, 1 to 4.
    #[serde(default = "donors")]
    pub donors: usize,
    /// How unlike two neighbours may be to be bound together, in standard deviations of the donors' bands.
    #[serde(default = "sigma")]
    pub sigma: f32,
    /// How strongly the most unlike neighbours still are bound together; the most alike are with 1.
    #[serde(default = "epsilon")]
    pub epsilon: f32,
    /// How soon the correction fades away from the border: its reach is about 1/√lambda pixels.
    #[serde(default = "lambda")]
    pub lambda: f32,
}

/// A third and a fourth donor cost as much as the first two, and change next to nothing once the membrane is there.
fn donors() -> usize {
    2
}

fn sigma() -> f32 {
    0.2
}

fn epsilon() -> f32 {
    0.003
}

fn lambda() -> f32 {
    0.001
}

fn parse(table: &SettingsTable<'_>) -> Result<Box<dyn FillStrategy>, Vec<Problem>> {
    let what = "fill \"seamless\"";
    let settings: Seamless = table.read(what)?;
    let mut problems = Vec::new();
    problems.extend(checked_donors(table, what, settings.donors).err());
    let limits = [
        ("sigma", settings.sigma, 0.01, 100.0),
        ("epsilon", settings.epsilon, 1e-4, 1.0),
        // A reach of 100 px; more would be cut off by the halo.
        ("lambda", settings.lambda, 1e-4, 100.0),
    ];
    for (key, value, least, most) in limits {
        if !(least..=most).contains(&value) {
            let message = format!("{what}: {key} is {value}, expected {least} to {most}");
            problems.push(table.problem_at(key, message));
        }
    }
    if problems.is_empty() { Ok(Box::new(settings)) } else { Err(problems) }
}

impl FillStrategy for Seamless {
    fn bind(&self, stack: &StackFacts<'_>) -> Result<FillBinding, KindError> {
        let reach = Reach { within_days: self.within_days, direction: self.direction };
        let tension = Tension { sigma: self.sigma, epsilon: self.epsilon, lambda: self.lambda };
        bind(Wanted { reach, most: self.donors, membrane: Some(tension) }, stack)
    }
}
