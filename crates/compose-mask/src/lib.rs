//! Mask rules: what makes a pixel unusable. One rule, one file, its page beside it; [`KINDS`] lists them all.
//!
//! A rules file's `[[mask]]` table is a boolean [`tree`] of kinds, with morphology at every node. A new kind
//! needs its `.rs`, its `.md`, its `mod` line and its entry in [`KINDS`]; nothing else knows it by name.

pub mod bits;
pub mod donor_residual;
pub mod hot_jump;
pub mod length;
pub mod morph;
pub mod range;
pub mod shadow_geometry;
pub mod spectral;
pub mod tdom;
pub mod tree;
pub mod values;

mod audit;
mod band;
mod comparing;
#[cfg(test)]
mod fixture;
mod nestable;
#[cfg(test)]
mod recipe;

pub use tree::{evaluation_grid, parse_rule};

use compose_core::mask_rule::MaskKind;

/// The kinds of this crate.
pub static KINDS: &[MaskKind] = &[
    bits::KIND,
    values::KIND,
    range::KIND,
    spectral::KIND,
    shadow_geometry::KIND,
    donor_residual::KIND,
    hot_jump::KIND,
    tdom::KIND,
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    /// Files of `src` that are kinds: a page, or code that makes a `MaskKind`.
    fn kind_files() -> BTreeSet<(String, String)> {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let paths = fs::read_dir(src).unwrap().map(|entry| entry.unwrap().path());
        let part = |p: &Path| (stem(p), p.extension().unwrap_or_default().to_string_lossy().into_owned());
        paths.filter(|p| is_kind(p)).map(|p| part(&p)).collect()
    }

    fn stem(path: &Path) -> String {
        path.file_stem().unwrap_or_default().to_string_lossy().replace('_', "-")
    }

    fn is_kind(path: &Path) -> bool {
        let rust = path.extension().is_some_and(|e| e == "rs");
        let makes = || fs::read_to_string(path).unwrap().contains("pub const KIND: MaskKind");
        path.extension().is_some_and(|e| e == "md") || (rust && stem(path) != "lib" && makes())
    }

    #[test]
    fn every_kind_in_src_is_in_kinds_and_has_its_page() {
        for (name, extension) in kind_files() {
            let file = format!("src/{name}.{extension}");
            assert!(KINDS.iter().any(|k| k.name == name), "{file}: add it to KINDS in src/lib.rs");
            for other in ["rs", "md"] {
                let pair = (name.clone(), other.to_string());
                assert!(kind_files().contains(&pair), "{file}: src/{name}.{other} is missing or no kind");
            }
        }
        assert_eq!(kind_files().len(), 2 * KINDS.len());
    }

    #[test]
    fn every_kind_that_holds_no_rule_itself_may_stand_inside_another() {
        let nestable = nestable::NESTABLE.iter().map(|kind| kind.name);
        let others = KINDS.iter().map(|kind| kind.name).filter(|name| *name != shadow_geometry::KIND.name);
        assert!(
            others.eq(nestable),
            "src/nestable.rs: list every kind but shadow-geometry, in the order of KINDS"
        );
    }

    #[test]
    fn every_page_has_the_five_sections_and_names_every_setting() {
        for kind in KINDS {
            let headings: Vec<&str> = kind.page.lines().filter_map(|l| l.strip_prefix("## ")).collect();
            let expected = ["What it does", "Why", "Settings", "Example", "Edge cases"];
            assert_eq!(headings, expected, "{}.md", kind.name);
            let settings = kind.page.split("## ").nth(3).unwrap();
            for name in compose_core::settings::property_names(&(kind.schema)()) {
                assert!(settings.contains(&format!("| `{name}` |")), "{}.md: `{name}`", kind.name);
            }
        }
    }
}
