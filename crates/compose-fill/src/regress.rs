#![doc = include_str!("regress.md")]

use crate::donors::{Direction, Reach};
use crate::surveyed::{Wanted, bind};
use compose_core::fill_strategy::FillKind;
use compose_core::{FillBinding, FillStrategy, KindError, StackFacts};
use schemars::JsonSchema;
use serde::Deserialize;

/// The kind `regress`.
pub const KIND: FillKind = FillKind {
    name: "regress",
    page: include_str!("regress.md"),
    schema: &|| schemars::schema_for!(Regress),
    parse: &|table, _| Ok(Box::new(table.read::<Regress>("fill \"regress\"")?)),
};

/// Settings of `regress`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Regress {
    /// The most days between the target and a donor; no limit where absent.
    pub within_days: Option<u32>,
    /// On which side of the target date donors are looked for.
    #[serde(default)]
    pub direction: Direction,
}

impl FillStrategy for Regress {
    fn bind(&self, stack: &StackFacts<'_>) -> Result<FillBinding, KindError> {
        let reach = Reach { within_days: self.within_days, direction: self.direction };
        bind(Wanted { reach, most: 1, membrane: None }, stack)
    }
}
