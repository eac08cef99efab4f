//! Fill strategies: where replacements come from. One strategy, one file, its page beside it.
//!
//! A strategy that copies chooses an order of donors and binds to `copy_in_order`; one that computes gives a
//! `statistic` to the walk over the gaps, or looks at all bands of a pixel together in `spectra`; one that predicts says
//! in `surveyed` how many donors it takes, and whether a `membrane` fits the predictions of `predict` to the gap's edge.
//! [`KINDS`] lists them all. Scores, which some strategies ask for, are in [`scores`].

pub mod best_score;
mod copy_in_order;
mod donors;
pub mod geomedian;
pub mod interpolate;
mod lanes;
pub mod mean_stack;
pub mod median_stack;
pub mod medoid;
pub mod medoid_msd;
mod membrane;
pub mod multi_regress;
pub mod nearest_date;
mod network;
mod ordered;
#[cfg(test)]
mod pages;
pub mod percentile;
mod predict;
/// The strategy `latest` of the recipe in CONTRIBUTING.md: compiled and run as it stands there.
#[cfg(test)]
#[path = "../recipe/latest.rs"]
mod recipe;
pub mod regress;
pub mod scores;
pub mod seamless;
pub mod single_donor;
mod spectra;
mod statistic;
mod surveyed;
#[cfg(test)]
mod testing;
mod weiszfeld;

pub use donors::Direction;
pub use scores::SCORES;

use compose_core::fill_strategy::FillKind;
use compose_core::suggest::{nearest, unknown_kind};
use compose_core::{FillStrategy, Problem, ScoreKind, SettingsTable};

/// The strategies of this crate, by name.
pub static KINDS: &[FillKind] = &[
    best_score::KIND,
    geomedian::KIND,
    interpolate::KIND,
    mean_stack::KIND,
    median_stack::KIND,
    medoid::KIND,
    medoid_msd::KIND,
    multi_regress::KIND,
    nearest_date::KIND,
    percentile::KIND,
    regress::KIND,
    seamless::KIND,
    single_donor::KIND,
];

/// Reads one `[[fill]]` table with the kind that its `strategy` names, and returns that name.
///
/// `what` names the table in messages, such as `fill 2`; `kinds` and `scores` are those of this crate and of plugins.
///
/// # Errors
/// Every mistake in the table, with where it stands.
pub fn parse_fill(
    mut table: SettingsTable<'_>,
    what: &str,
    kinds: &[&FillKind],
    scores: &[&ScoreKind],
) -> Result<(String, Box<dyn FillStrategy>), Vec<Problem>> {
    let names = kinds.iter().map(|kind| kind.name);
    let list = names.clone().collect::<Vec<_>>().join(", ");
    let Some(name) = table.take_str("strategy").map_err(|problem| vec![problem])? else {
        return Err(vec![no_strategy(&table, what, &list)]);
    };
    let Some(kind) = kinds.iter().find(|kind| kind.name == name.get_ref()) else {
        let known: Vec<&str> = names.collect();
        let rest = unknown_kind(name.get_ref(), &known, "strategies");
        let message = format!("{what}: unknown strategy \"{}\"{rest}", name.get_ref());
        return Err(vec![Problem::new(name.span(), message)]);
    };
    Ok((name.into_inner(), (kind.parse)(&table, scores)?))
}

fn no_strategy(table: &SettingsTable<'_>, what: &str, list: &str) -> Problem {
    match table.keys().find(|(key, _)| nearest(key, ["strategy"]).is_some()) {
        Some((key, span)) => {
            Problem::new(span, format!("{what}: unknown key \"{key}\"; did you mean \"strategy\"?"))
        }
        None => table.problem(format!("{what}: no strategy; say strategy = one of {list}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use compose_core::page::{fences, summary};
    use compose_core::settings::property_names;
    use std::fs;

    /// Names of the kinds that have a file or a page in this crate, listed or not.
    fn names_on_disk() -> Vec<String> {
        let files = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
        let is_kind = |path: &std::path::Path| {
            path.extension().is_some_and(|e| e == "md")
                || fs::read_to_string(path).unwrap().contains("pub const KIND: FillKind")
        };
        let paths = files
            .map(|file| file.unwrap().path())
            .filter(|path| path.is_file() && !path.ends_with("lib.rs") && is_kind(path));
        paths.map(|path| path.file_stem().unwrap().to_str().unwrap().to_string()).collect()
    }

    #[test]
    fn every_file_of_a_kind_is_listed() {
        for file in names_on_disk() {
            let listed = KINDS.iter().any(|kind| kind.name.replace('-', "_") == file);
            assert!(
                listed,
                "src/{file}.rs or its page is not in KINDS: add `pub mod {file};` and its KIND in src/lib.rs"
            );
        }
    }

    #[test]
    fn every_page_has_its_sections_in_order_and_names_every_setting() {
        for kind in KINDS.iter().chain([&recipe::KIND]) {
            let headings: Vec<_> = kind.page.lines().filter(|line| line.starts_with("## ")).collect();
            let sections = ["## What it does", "## Why", "## Settings", "## Example", "## Edge cases"];
            assert_eq!(headings, sections, "{}", kind.name);
            assert!(summary(kind.page).ends_with('.') && fences(kind.page).len() > 3, "{}", kind.name);
            for key in property_names(&(kind.schema)()) {
                assert!(
                    kind.page.contains(&format!("\n| `{key}` |")),
                    "{}: {key} has no row in Settings",
                    kind.name
                );
            }
        }
    }

    fn mistakes(toml: &str) -> Vec<String> {
        testing::strategy(toml).unwrap_err()
    }

    fn all() -> String {
        KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn a_table_without_a_strategy_is_told_which_there_are() {
        let message = format!("fill 1: no strategy; say strategy = one of {}", all());
        assert_eq!(mistakes("at-least = 3"), [message]);
    }

    #[test]
    fn a_misspelt_strategy_is_told_which_was_meant() {
        let all = all();
        let message = format!(
            "fill 1: unknown strategy \"median-stak\"; did you mean \"median-stack\"? strategies: {all}"
        );
        assert_eq!(mistakes("strategy = \"median-stak\""), [message]);
    }

    #[test]
    fn a_key_of_another_kind_is_refused_by_name() {
        let message = "fill \"nearest-date\": unknown key \"at-least\"; known keys: within-days, direction";
        assert_eq!(mistakes("strategy = \"nearest-date\"\nat-least = 3"), [message]);
    }

    #[test]
    fn a_mistake_points_at_its_value() {
        let toml = "strategy = \"mean-stack\"\nat-least = 0";
        let table = toml::de::DeTable::parse(toml).unwrap().into_inner();
        let kinds: Vec<_> = KINDS.iter().collect();
        let problems =
            parse_fill(SettingsTable::new(0..toml.len(), table), "fill 1", &kinds, &[]).unwrap_err();
        assert_eq!(&toml[problems[0].span.clone()], "0");
    }
}
