//! The number of donors that one prediction may use.

use compose_core::{Problem, SettingsTable};

/// The most donors that one prediction rests on.
pub(crate) const MOST_DONORS: usize = 4;

/// Refuses a number of donors that no model can rest on.
pub(crate) fn checked_donors(table: &SettingsTable<'_>, what: &str, donors: usize) -> Result<(), Problem> {
    if (1..=MOST_DONORS).contains(&donors) {
        return Ok(());
    }
    Err(table.problem_at("donors", format!("{what}: donors is {donors}, expected 1 to {MOST_DONORS}")))
}
