#![doc = include_str!("multi_regress.md")]

use crate::donors::{Direction, Reach};
use crate::predict::{MOST_DONORS, checked_donors};
use crate::surveyed::{Wanted, bind};
use compose_core::fill_strategy::FillKind;
use compose_core::{FillBinding, FillStrategy, KindError, Problem, SettingsTable, StackFacts};
use schemars::JsonSchema;
use serde::Deserialize;

/// The kind `multi-regress`.
pub const KIND: FillKind = FillKind {
    name: "multi-regress",
    page: include_str!("multi_regress.md"),
    schema: &|| schemars::schema_for!(MultiRegress),
    parse: &|table, _| parse(table),
};

/// Settings of `multi-regress`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MultiRegress {
    /// The most days between the target and a donor; no limit where absent.
    pub within_days: Option<u32>,
    /// On which side of the target date donors are looked for.
    #[serde(default)]
    pub direction: Direction,
    /// Donors that one pixel may rest on, 1 to 4.
    #[serde(default = "most_donors")]
    pub donors: usize,
}

fn most_donors() -> usize {
    MOST_DONORS
}

fn parse(table: &SettingsTable<'_>) -> Result<Box<dyn FillStrategy>, Vec<Problem>> {
    let what = "fill \"multi-regress\"";
    let settings: MultiRegress = table.read(what)?;
    checked_donors(table, what, settings.donors).map_err(|problem| vec![problem])?;
    Ok(Box::new(settings))
}

impl FillStrategy for MultiRegress {
    fn bind(&self, stack: &StackFacts<'_>) -> Result<FillBinding, KindError> {
        let reach = Reach { within_days: self.within_days, direction: self.direction };
        bind(Wanted { reach, most: self.donors, membrane: None }, stack)
    }
}
