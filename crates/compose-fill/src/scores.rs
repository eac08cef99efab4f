//! Scores: how good a pixel of a scene is, for strategies that take the best. One score, one file, its page
//! beside it; [`SCORES`] lists them all.

pub mod band;
pub mod bap;

use compose_core::suggest::unknown_kind;
use compose_core::{Problem, Score, ScoreKind, SettingsTable, Spans};

/// The scores of this crate, by name.
pub static SCORES: &[ScoreKind] = &[band::KIND, bap::KIND];

/// A score, and where its settings stand.
pub(crate) type Placed = (Box<dyn Score>, Spans);

/// Reads the table `score = { kind = "…", … }` of a strategy.
///
/// # Errors
/// Every mistake in the table, with where it stands.
pub(crate) fn parse_score(
    table: &SettingsTable<'_>,
    what: &str,
    kinds: &[&ScoreKind],
) -> Result<Placed, Vec<Problem>> {
    let names = || kinds.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ");
    let Some(value) = table.get("score") else {
        let message = format!("{what}: no score; say score = {{ kind = \"…\" }} with one of {}", names());
        return Err(vec![table.problem(message)]);
    };
    let mut table =
        SettingsTable::from_value(value, &format!("{what}: score")).map_err(|problem| vec![problem])?;
    let Some(name) = table.take_str("kind").map_err(|problem| vec![problem])? else {
        let message = format!("{what}: score has no kind; say kind = one of {}", names());
        return Err(vec![table.problem(message)]);
    };
    let Some(kind) = kinds.iter().find(|kind| kind.name == name.get_ref()) else {
        let known: Vec<&str> = kinds.iter().map(|kind| kind.name).collect();
        let rest = unknown_kind(name.get_ref(), &known, "scores");
        let message = format!("{what}: unknown score \"{}\"{rest}", name.get_ref());
        return Err(vec![Problem::new(name.span(), message)]);
    };
    Ok(((kind.parse)(&table)?, table.spans()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn every_file_of_a_score_is_listed_and_has_its_page() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/scores");
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let rust: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "rs")).collect();
        assert_eq!(rust.len(), SCORES.len(), "{rust:?}");
        for kind in SCORES {
            let page = fs::read_to_string(format!("{folder}/{}.md", kind.name.replace('-', "_"))).unwrap();
            assert_eq!(page, kind.page);
        }
    }
}
