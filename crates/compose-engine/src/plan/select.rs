//! Selection of scenes by date, month and season.

use crate::rules::settings::Scenes;
use compose_core::Day;
use serde::Serialize;

/// Whether a scene takes part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Takes part.
    Used,
    /// Left out, with the reason.
    Skipped(String),
}

/// A scene that was found, and whether it takes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SceneStatus {
    /// The scene.
    pub id: String,
    /// Its date.
    pub day: Option<Day>,
    /// Used or skipped.
    pub status: Status,
}

/// Why the scene of this day is left out by the selection; `None` where it stays.
///
/// A scene without a date cannot be judged: that is an error, said by name.
pub fn left_out(settings: &Scenes, day: Option<Day>) -> Result<Option<String>, String> {
    let selects = settings.from.is_some()
        || settings.to.is_some()
        || settings.months.is_some()
        || settings.days_of_year.is_some();
    let Some(day) = day else {
        return if selects { Err(NO_DATE.into()) } else { Ok(None) };
    };
    if let Some(from) = settings.from.filter(|f| day < f.0) {
        return Ok(Some(format!("{day} is before from = {}", from.0)));
    }
    if let Some(to) = settings.to.filter(|t| day > t.0) {
        return Ok(Some(format!("{day} is after to = {}", to.0)));
    }
    if let Some(months) = settings.months.as_ref().filter(|m| !m.contains(&day.month())) {
        return Ok(Some(format!("month {} is not among months = {months:?}", day.month())));
    }
    let outside = |[first, last]: [u32; 2]| {
        let n = day.ordinal();
        if first <= last { !(first..=last).contains(&n) } else { n < first && n > last }
    };
    if let Some(days) = settings.days_of_year.map(|d| d.0).filter(|d| outside(*d)) {
        return Ok(Some(format!("day {} of the year is outside days-of-year = {days:?}", day.ordinal())));
    }
    Ok(None)
}

const NO_DATE: &str = "has no date, and the selection by date needs one; say date in [[scene]], or date-from, \
                       pattern and date-format in [scenes]";

/// The settings that select by date.
pub const SETTINGS: [&str; 4] = ["from", "to", "months", "days-of-year"];

/// A contradiction within a selection, and the setting that it is about.
pub fn contradiction(settings: &Scenes) -> Option<(&'static str, String)> {
    if let (Some(from), Some(to)) = (settings.from, settings.to)
        && from.0 > to.0
    {
        return Some(("from", format!("from = {} is after to = {}", from.0, to.0)));
    }
    if let Some(months) = &settings.months
        && (months.is_empty() || months.iter().any(|m| !(1..=12).contains(m)))
    {
        return Some(("months", format!("months = {months:?}, expected numbers from 1 to 12")));
    }
    let days = settings.days_of_year?.0;
    let wrong = days.iter().any(|d| !(1..=366).contains(d));
    let message = || format!("days-of-year = {days:?}, expected [first, last], each from 1 to 366");
    wrong.then(|| ("days-of-year", message()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::values::{Date, Exactly};
    use chrono::NaiveDate;

    fn day(text: &str) -> Day {
        NaiveDate::parse_from_str(text, "%Y-%m-%d").unwrap().into()
    }

    #[test]
    fn a_season_may_go_over_new_year() {
        let settings = Scenes { days_of_year: Some(Exactly([300, 60])), ..Scenes::default() };
        for (text, stays) in [("2016-12-24", true), ("2017-02-01", true), ("2016-07-07", false)] {
            assert_eq!(left_out(&settings, Some(day(text))).unwrap().is_none(), stays, "{text}");
        }
    }

    #[test]
    fn both_ends_of_a_period_belong_to_it() {
        let settings = Scenes {
            from: Some(Date(day("2016-05-01"))),
            to: Some(Date(day("2016-09-30"))),
            ..Scenes::default()
        };
        assert_eq!(left_out(&settings, Some(day("2016-05-01"))), Ok(None));
        assert_eq!(left_out(&settings, Some(day("2016-09-30"))), Ok(None));
        assert!(left_out(&settings, Some(day("2016-10-01"))).unwrap().is_some());
        assert!(left_out(&settings, None).is_err());
    }

    #[test]
    fn a_period_that_ends_before_it_starts_is_a_contradiction() {
        let settings = Scenes {
            from: Some(Date(day("2016-05-02"))),
            to: Some(Date(day("2016-05-01"))),
            ..Scenes::default()
        };
        assert!(contradiction(&settings).unwrap().1.contains("after"));
    }
}
