#![doc = include_str!("latest.md")]

use crate::copy_in_order::CopyInOrder;
use crate::donors::{Choice, Reach, notes_of};
use compose_core::fill_strategy::FillKind;
use compose_core::{FillBinding, FillStrategy, KindError, Problem, SettingsTable, StackFacts};
use schemars::JsonSchema;
use serde::Deserialize;
use std::cmp::Reverse;

/// The kind `latest`.
pub const KIND: FillKind = FillKind {
    name: "latest",
    page: include_str!("latest.md"),
    schema: &|| schemars::schema_for!(Latest),
    parse: &|table, _| parse(table),
};

/// Settings of `latest`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Latest {
    /// The most donors that are tried; all where absent.
    #[schemars(range(min = 1))]
    pub at_most: Option<usize>,
}

fn parse(table: &SettingsTable<'_>) -> Result<Box<dyn FillStrategy>, Vec<Problem>> {
    let settings: Latest = table.read("fill \"latest\"")?;
    if settings.at_most == Some(0) {
        return Err(vec![table.problem_at("at-most", "fill \"latest\": at-most is 0, expected 1 or more")]);
    }
    Ok(Box::new(settings))
}

impl FillStrategy for Latest {
    fn bind(&self, stack: &StackFacts<'_>) -> Result<FillBinding, KindError> {
        let Choice { mut donors, mut skipped } = Choice::within(Reach::default(), stack)?;
        // Scenes without a date come last.
        donors.sort_by_key(|donor| Reverse(stack.scenes[donor.scene].day));
        let most = self.at_most.unwrap_or(usize::MAX).min(donors.len());
        let earlier = donors.split_off(most);
        skipped
            .extend(earlier.iter().map(|donor| (donor.scene, format!("at-most = {most} scenes are later"))));
        Ok(FillBinding::ready(CopyInOrder { notes: notes_of(&donors), donors, skipped }))
    }
}
