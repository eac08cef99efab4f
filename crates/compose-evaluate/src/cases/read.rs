//! Reading a file of cases: every mistake is told, with its line.

use super::case::{Case, Shape, is_name};
use compose_core::suggest::did_you_mean;
use compose_core::{Problem, SettingsTable};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::BTreeSet;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A mistake in a file of cases, with its line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {message}")]
pub struct Mistake {
    /// The file, as given.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Found, expected, suggestion.
    pub message: String,
}

/// A `[[case]]` as written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Settings {
    name: String,
    shape: Name,
    seed: Option<u64>,
    size: Option<f64>,
    period: Option<f64>,
    angle: Option<f64>,
    count: Option<usize>,
    share: Option<f64>,
    scene: Option<String>,
    shift: Option<[i64; 2]>,
    donors: Option<usize>,
    shadow: Option<f32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Name {
    Stripes,
    Disc,
    Discs,
    Clouds,
    MaskOf,
}

/// Keys that every case may have.
const COMMON: [&str; 4] = ["name", "shape", "donors", "shadow"];

impl Name {
    /// Its own keys.
    fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Stripes => &["size", "period", "angle", "seed"],
            Self::Disc => &["size", "seed"],
            Self::Discs => &["size", "count", "seed"],
            Self::Clouds => &["share", "size", "seed"],
            Self::MaskOf => &["scene", "shift"],
        }
    }
}

/// Reads the text of a file of cases; `file` names it in messages.
///
/// # Errors
/// Every mistake, in the order of the file.
pub fn parse(file: &str, text: &str) -> Result<Vec<Case>, Vec<Mistake>> {
    let told = |problem: &Problem| {
        let before = &text.as_bytes()[..problem.span.start.min(text.len())];
        let line = 1 + before.iter().filter(|b| **b == b'\n').count();
        Mistake { file: file.to_owned(), line, message: problem.message.trim().replace('\n', " ") }
    };
    read(text).map_err(|mut problems| {
        problems.sort_by_key(|p| p.span.start);
        problems.iter().map(told).collect()
    })
}

fn read(text: &str) -> Result<Vec<Case>, Vec<Problem>> {
    let parsed =
        DeTable::parse(text).map_err(|e| vec![Problem::new(e.span().unwrap_or(0..0), e.message())])?;
    let mut root = SettingsTable::new(parsed.span(), parsed.into_inner());
    let tables = root.take("case");
    let mut problems: Vec<Problem> = root
        .keys()
        .map(|(key, span)| {
            let hint = did_you_mean(key, ["case"]);
            let message = format!("unknown table \"{key}\"{hint}; a file of cases has [[case]] tables only");
            Problem::new(span, message.replace("?;", "?"))
        })
        .collect();
    let mut cases = Vec::new();
    let mut names = BTreeSet::new();
    for (nth, table) in tables.map_or_else(Vec::new, each).iter().enumerate() {
        match case(table, nth + 1, &mut names) {
            Ok(case) => cases.push(case),
            Err(wrong) => problems.extend(wrong),
        }
    }
    if cases.is_empty() && problems.is_empty() {
        problems.push(Problem::new(0..0, "no cases: expected [[case]] tables"));
    }
    if problems.is_empty() { Ok(cases) } else { Err(problems) }
}

/// The tables of an array of tables, or the only one.
fn each(value: Spanned<DeValue<'_>>) -> Vec<Spanned<DeValue<'_>>> {
    let span = value.span();
    match value.into_inner() {
        DeValue::Array(items) => items.into_iter().collect(),
        other => vec![Spanned::new(span, other)],
    }
}

fn case(
    value: &Spanned<DeValue<'_>>,
    nth: usize,
    names: &mut BTreeSet<String>,
) -> Result<Case, Vec<Problem>> {
    let table = SettingsTable::from_value(value, "case").map_err(|p| vec![p])?;
    let settings: Settings = table.read(&format!("case {nth}"))?;
    let what = format!("case \"{}\"", settings.name);
    let checked = Checked { table: &table, what: &what };
    let mut problems = checked.strangers(settings.shape);
    problems.extend(checked.name(&settings.name, names));
    problems.extend(checked.common(&settings));
    match checked.shape(&settings) {
        Ok(shape) if problems.is_empty() => {
            Ok(Case { name: settings.name, shape, donors: settings.donors, shadow: settings.shadow })
        }
        Ok(_) => Err(problems),
        Err(wrong) => {
            problems.push(wrong);
            Err(problems)
        }
    }
}

/// A table whose values are checked.
struct Checked<'a> {
    table: &'a SettingsTable<'a>,
    what: &'a str,
}

impl Checked<'_> {
    fn wrong(&self, key: &str, found: impl std::fmt::Display, expected: &str) -> Problem {
        self.table.problem_at(key, format!("{}: {key} is {found}, expected {expected}", self.what))
    }

    /// Keys that belong to other shapes.
    fn strangers(&self, shape: Name) -> Vec<Problem> {
        let known = |key: &str| COMMON.contains(&key) || shape.keys().contains(&key);
        let strangers = self.table.keys().filter(|(key, _)| !known(key));
        let tell = |(key, span)| {
            let keys = shape.keys().join(", ");
            Problem::new(span, format!("{}: {key} is of no use to this shape; its keys: {keys}", self.what))
        };
        strangers.map(tell).collect()
    }

    fn name(&self, name: &str, names: &mut BTreeSet<String>) -> Option<Problem> {
        if !is_name(name) {
            let expected = "up to 64 letters, digits, \"-\", \"_\" and \".\", for files are named after it";
            return Some(self.wrong("name", format!("\"{name}\""), expected));
        }
        let again = !names.insert(name.to_lowercase());
        again.then(|| self.wrong("name", "that of an earlier case", "one of its own"))
    }

    fn common(&self, settings: &Settings) -> Vec<Problem> {
        let donors = settings.donors.filter(|n| *n == 0).map(|n| self.wrong("donors", n, "1 or more"));
        let shadow = settings.shadow.filter(|s| !(0.0..1.0).contains(s));
        let shadow = shadow.map(|s| self.wrong("shadow", s, "a factor from 0 to less than 1, such as 0.5"));
        donors.into_iter().chain(shadow).collect()
    }

    fn shape(&self, settings: &Settings) -> Result<Shape, Problem> {
        let seed = settings.seed.unwrap_or(0);
        Ok(match settings.shape {
            Name::Stripes => {
                let period = self.within("period", settings.period, 2.0..=100_000.0)?;
                let size = self.within("size", settings.size, 1.0..=100_000.0)?;
                if size >= period {
                    return Err(self.wrong("size", size, &format!("less than period, {period}")));
                }
                let angle = self.within("angle", settings.angle.or(Some(0.0)), -90.0..=90.0)?;
                Shape::Stripes { size, period, angle, seed }
            }
            Name::Disc => Shape::Disc { size: self.diameter(settings.size)?, seed },
            Name::Discs => {
                let count = self.within("count", settings.count.map(|c| c as f64), 1.0..=1000.0)? as usize;
                Shape::Discs { size: self.diameter(settings.size)?, count, seed }
            }
            Name::Clouds => {
                let share = self.within("share", settings.share, 0.001..=0.8)?;
                Shape::Clouds { share, size: self.within("size", settings.size, 4.0..=100_000.0)?, seed }
            }
            Name::MaskOf => {
                Shape::MaskOf { scene: settings.scene.clone(), shift: settings.shift.unwrap_or([0, 0]) }
            }
        })
    }

    /// The number of a key that must be there and lie in a range.
    fn within(
        &self,
        key: &str,
        value: Option<f64>,
        range: std::ops::RangeInclusive<f64>,
    ) -> Result<f64, Problem> {
        let value = value.ok_or_else(|| self.table.problem(format!("{}: {key} is missing", self.what)))?;
        let expected = || format!("a number from {} to {}", range.start(), range.end());
        if range.contains(&value) { Ok(value) } else { Err(self.wrong(key, value, &expected())) }
    }

    /// The `size` of a disc.
    fn diameter(&self, size: Option<f64>) -> Result<usize, Problem> {
        let size = self.within("size", size, 12.0..=10_000.0)?;
        if size.fract() != 0.0 {
            return Err(self.wrong("size", size, "whole pixels"));
        }
        Ok(size as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(text: &str) -> Vec<String> {
        parse("c.toml", text).unwrap_err().iter().map(ToString::to_string).collect()
    }

    /// What is said of one case with these lines after its name, which is in line 2.
    fn of(text: &str) -> Vec<String> {
        mistakes(&format!("[[case]]\nname = \"a\"\n{text}"))
    }

    #[test]
    fn all_shapes_are_read_and_what_is_not_said_has_its_default() {
        let text = |rest: &str| format!("[[case]]\nname = \"a\"\n{rest}");
        let shape = |rest: &str| parse("c.toml", &text(rest)).unwrap().remove(0).shape;
        let stripes = Shape::Stripes { size: 2.0, period: 9.0, angle: 0.0, seed: 0 };
        assert_eq!(shape("shape = \"stripes\"\nsize = 2\nperiod = 9"), stripes);
        let discs = Shape::Discs { size: 40, count: 3, seed: 7 };
        assert_eq!(shape("shape = \"discs\"\nsize = 40\ncount = 3\nseed = 7"), discs);
        let clouds = Shape::Clouds { share: 0.25, size: 30.0, seed: 0 };
        assert_eq!(shape("shape = \"clouds\"\nshare = 0.25\nsize = 30"), clouds);
        let mask_of = Shape::MaskOf { scene: Some("X".into()), shift: [0, 0] };
        assert_eq!(shape("shape = \"mask-of\"\nscene = \"X\""), mask_of);
    }

    #[test]
    fn unknown_keys_and_tables_are_told_with_the_nearest() {
        let known =
            "known keys: name, shape, seed, size, period, angle, count, share, scene, shift, donors, shadow";
        let unknown = format!("c.toml:4: case 1: unknown key \"elephant\"; {known}");
        assert_eq!(of("shape = \"disc\"\nelephant = 40"), [unknown]);
        assert!(of("shape = \"disc\"\nseeed = 40")[0].contains("did you mean \"seed\"? known keys"));
        let told = "c.toml:1: unknown table \"cases\"; did you mean \"case\"? a file of cases has [[case]] tables only";
        assert_eq!(mistakes("[[cases]]\nname = \"a\""), [told]);
        assert_eq!(mistakes("# nothing"), ["c.toml:1: no cases: expected [[case]] tables"]);
    }

    #[test]
    fn a_key_of_another_shape_is_refused() {
        let told = "c.toml:5: case \"a\": period is of no use to this shape; its keys: size, seed";
        assert_eq!(of("shape = \"disc\"\nsize = 40\nperiod = 3"), [told]);
    }

    #[test]
    fn wrong_values_are_told_at_their_line() {
        let cases = [
            (
                "shape = \"ring\"",
                "3: case 1: shape is \"ring\"; expected one of stripes, disc, discs, clouds, mask-of",
            ),
            ("shape = \"disc\"", "1: case \"a\": size is missing"),
            ("shape = \"disc\"\nsize = \"big\"", "4: case 1: size is the string \"big\", expected a number"),
            ("shape = \"disc\"\nsize = 3", "4: case \"a\": size is 3, expected a number from 12 to 10000"),
            ("shape = \"disc\"\nsize = 40.5", "4: case \"a\": size is 40.5, expected whole pixels"),
            (
                "shape = \"clouds\"\nsize = 40\nshare = 40",
                "5: case \"a\": share is 40, expected a number from 0.001 to 0.8",
            ),
            (
                "shape = \"clouds\"\nsize = nan\nshare = 0.4",
                "4: case \"a\": size is NaN, expected a number from 4 to 100000",
            ),
            (
                "shape = \"stripes\"\nsize = 9\nperiod = 9",
                "4: case \"a\": size is 9, expected less than period, 9",
            ),
            ("shape = \"mask-of\"\ndonors = 0", "4: case \"a\": donors is 0, expected 1 or more"),
            (
                "shape = \"mask-of\"\nshadow = 1",
                "4: case \"a\": shadow is 1, expected a factor from 0 to less than 1, such as 0.5",
            ),
        ];
        for (text, told) in cases {
            assert_eq!(of(text), [format!("c.toml:{told}")]);
        }
    }

    #[test]
    fn names_are_unique_and_fit_for_files() {
        let twice =
            "[[case]]\nname = \"a\"\nshape = \"mask-of\"\n[[case]]\nname = \"A\"\nshape = \"mask-of\"\n";
        let told = "c.toml:5: case \"A\": name is that of an earlier case, expected one of its own";
        assert_eq!(mistakes(twice), [told]);
        for name in ["", "../a", ".a", "a b", "ä"] {
            let told = mistakes(&format!("[[case]]\nname = \"{name}\"\nshape = \"mask-of\""));
            assert!(told[0].contains("expected up to 64 letters"), "{told:?}");
        }
    }

    #[test]
    fn every_mistake_is_told_in_the_order_of_the_file() {
        let text = "[[case]]\nname = \"a\"\nshape = \"disc\"\nsize = 1\nperiod = 2\ndonors = 0\n[[case]]\nname = \"b\"\n";
        let lines: Vec<usize> = parse("c.toml", text).unwrap_err().iter().map(|m| m.line).collect();
        assert_eq!(lines, [4, 5, 6, 7]);
    }

    #[test]
    fn what_is_no_toml_is_told_with_its_line() {
        assert!(mistakes("[[case]]\nname = ")[0].starts_with("c.toml:2: "));
    }
}
