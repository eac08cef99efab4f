//! The parts of a file name: scene, band, date; under a preset also sensor, baseline and resolution.

use super::{DiscoverError, date};
use crate::scene::ScenesQuery;
use compose_core::Day;
use compose_core::suggest::nearest;
use regex::{Captures, Regex};
use std::path::Path;

/// The named groups that a pattern may have.
const GROUPS: [&str; 9] = ["id", "date", "year", "month", "day", "doy", "band", "sensor", "baseline"];
/// Only presets know it, as only they know what the resolutions of one band mean.
const RESOLUTION: &str = "resolution";

/// Where neither preset nor pattern is given: a file is a scene.
const ANY_RASTER: &str = r"(?P<id>.+)\.(?i:tiff?|gtiff?|jp2|vrt|img|dat|bil|bip|bsq|png|asc)";

/// The patterns of a query, and how the dates in them are written.
#[derive(Debug)]
pub(super) struct Names {
    patterns: Vec<Pattern>,
    date_format: String,
    read_dates: bool,
    expected: String,
}

#[derive(Debug)]
struct Pattern {
    /// Matches the whole name.
    regex: Regex,
    /// Matches anywhere.
    part: Regex,
    whole_path: bool,
}

/// The parts of a name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Named {
    pub id: String,
    pub band: Option<String>,
    pub day: Option<Day>,
    pub sensor: Option<String>,
    pub baseline: Option<u32>,
    pub metres: Option<u32>,
}

impl Names {
    /// The patterns that `query` asks for, checked.
    pub(super) fn new(query: &ScenesQuery) -> Result<Self, DiscoverError> {
        let texts: Vec<&str> = match (&query.pattern, query.preset) {
            (Some(pattern), _) => vec![pattern],
            (None, Some(preset)) => preset.patterns.to_vec(),
            (None, None) => vec![ANY_RASTER],
        };
        let date_format = query.date_format.clone();
        let date_format =
            date_format.unwrap_or_else(|| query.preset.map_or("%Y%m%d", |p| p.date_format).into());
        if let Some(cause) = date::flaw(&date_format) {
            return Err(DiscoverError::DateFormat { format: date_format, cause });
        }
        Ok(Self {
            patterns: texts.iter().map(|t| Pattern::new(t)).collect::<Result<_, _>>()?,
            date_format,
            read_dates: query.date_from.as_deref().is_none_or(|from| from == "name"),
            expected: match (&query.pattern, query.preset) {
                (Some(pattern), _) => format!("pattern \"{pattern}\""),
                (None, Some(preset)) => format!("{} (preset {})", preset.example, preset.name),
                (None, None) => "that of a raster (.tif, .jp2, .vrt, …)".into(),
            },
        })
    }

    /// The form that names should have, for messages.
    pub(super) fn expected(&self) -> String {
        self.expected.clone()
    }

    /// The parts of the name of `path`; `None` if no pattern matches.
    pub(super) fn read(&self, path: &Path) -> Option<Result<Named, DiscoverError>> {
        // A folder's name counts even where the program was started inside that folder.
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let whole = whole.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
        let name = path.file_name()?.to_string_lossy();
        self.patterns.iter().find_map(|p| {
            let groups = p.regex.captures(if p.whole_path { &whole } else { &name })?;
            Some(self.named(path, &groups))
        })
    }

    /// A pattern that matches part of the name is a likely slip.
    pub(super) fn hint(&self, path: &Path) -> String {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let partly = self.patterns.iter().any(|p| !p.whole_path && p.part.is_match(&name));
        let hint = "; a pattern must match the whole name: write .* where anything may stand";
        if partly { hint.into() } else { String::new() }
    }

    fn named(&self, path: &Path, groups: &Captures<'_>) -> Result<Named, DiscoverError> {
        let get = |name| groups.name(name).map(|m| m.as_str());
        let own = |name| get(name).map(str::to_owned);
        let day = if self.read_dates { self.day(path, groups)? } else { None };
        let stem = || path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let dates: Vec<&str> = ["date", "year", "month", "day", "doy"].into_iter().filter_map(get).collect();
        let dated = || Some(dates.join("-")).filter(|d| !d.is_empty());
        let id = own("id").or_else(|| if get("band").is_none() { Some(stem()) } else { dated() });
        Ok(Named {
            id: id.unwrap_or_else(stem),
            band: own("band"),
            day,
            sensor: own("sensor"),
            baseline: get("baseline").and_then(|b| b.trim_start_matches('N').parse().ok()),
            metres: get(RESOLUTION).and_then(|m| m.parse().ok()),
        })
    }

    fn day(&self, path: &Path, groups: &Captures<'_>) -> Result<Option<Day>, DiscoverError> {
        let get = |name| groups.name(name).map(|m| m.as_str());
        let (day, text, expected) = if let Some(text) = get("date") {
            (
                date::in_name(text, &self.date_format),
                text.to_owned(),
                format!("date-format {}", self.date_format),
            )
        } else {
            match (get("year"), get("month"), get("day"), get("doy")) {
                (Some(y), _, _, Some(doy)) => {
                    (date::of_year(y, doy), format!("{y} {doy}"), "year and day of year".into())
                }
                (Some(y), Some(m), Some(d), _) => {
                    (date::of_month(y, m, d), format!("{y}-{m}-{d}"), "year, month and day".into())
                }
                _ => return Ok(None),
            }
        };
        let wrong = || DiscoverError::Date { path: path.into(), text, at: " in its name".into(), expected };
        day.map(Some).ok_or_else(wrong)
    }
}

impl Pattern {
    fn new(text: &str) -> Result<Self, DiscoverError> {
        let wrong = |cause: String| DiscoverError::Pattern { pattern: text.into(), cause };
        let compiled = |text: &str| Regex::new(text).map_err(|e| wrong(last_line(&e.to_string())));
        // Compiled by itself first, so that a message is about what was written.
        let part = compiled(text)?;
        let groups: Vec<&str> = part.capture_names().flatten().collect();
        if let Some(cause) = check_groups(&groups) {
            return Err(wrong(cause));
        }
        let whole_path = text.contains('/');
        let start = if whole_path { "(?:^|/)" } else { "^" };
        let regex = compiled(&format!("{start}(?:{text})$"))?;
        Ok(Self { regex, part, whole_path })
    }
}

/// The mistake in the named groups of a pattern.
fn check_groups(groups: &[&str]) -> Option<String> {
    let has = |name: &str| groups.contains(&name);
    if let Some(unknown) = groups.iter().find(|g| !GROUPS.contains(g) && **g != RESOLUTION) {
        let meant = nearest(unknown, GROUPS).map_or_else(String::new, |g| format!("; did you mean \"{g}\"?"));
        let groups = GROUPS.join(", ");
        let separator = if meant.is_empty() { ";" } else { "" };
        return Some(format!(
            "it has a group \"{unknown}\"{meant}{separator} named groups: {groups} ((?:…) groups without a name)"
        ));
    }
    let partial = ["year", "month", "day", "doy"].iter().any(|g| has(g));
    let complete = has("year") && (has("doy") || has("month") && has("day"));
    if partial && !complete {
        return Some(
            "its date is incomplete; expected year with doy, or year with month and day, or date".into(),
        );
    }
    let anonymous = has("band") && !has("id") && !has("date") && !complete;
    anonymous.then(|| "nothing in it tells scenes apart; expected a group id or date besides band".into())
}

/// The last line of a regex's message says what is wrong; those before it draw an arrow.
fn last_line(message: &str) -> String {
    message.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}
