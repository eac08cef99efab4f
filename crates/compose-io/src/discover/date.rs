//! Dates from names, MTL files and metadata items.

use chrono::NaiveDate;
use chrono::format::{Item, StrftimeItems};
use compose_core::Day;

/// The format of dates in metadata; a time may follow after `T` or a blank.
const METADATA: [&str; 4] = ["%Y-%m-%d", "%Y:%m:%d", "%Y/%m/%d", "%Y%m%d"];

/// In messages: what [`in_metadata`] understands.
pub(super) const EXPECTED: &str = "2016-07-07, 2016:07:07 or 20160707, with or without a time";

/// The day in an item such as `2016:07:07 17:42:05` (`TIFFTAG_DATETIME`) or `2016-07-07T17:42:05Z`, as
/// written; of several joined by `;` (`SENSING_TIME` of HLS) the first one.
pub(super) fn in_metadata(text: &str) -> Option<Day> {
    let first = text.split([';', ',']).next()?.trim();
    let date = first.split(['T', ' ']).next()?.trim_end_matches('Z');
    // chrono takes fewer digits than the format has: `2016-7-7` may be meant, `201677` may not.
    let whole = matches!(date.len(), 8 | 10);
    let mut dates = METADATA.iter().filter_map(|format| NaiveDate::parse_from_str(date, format).ok());
    dates.next().filter(|_| whole).map(Day::from)
}

/// The day in the text of a `date` group.
pub(super) fn in_name(text: &str, format: &str) -> Option<Day> {
    NaiveDate::parse_from_str(text, format).ok().map(Day::from)
}

/// The day of year, month, day.
pub(super) fn of_month(year: &str, month: &str, day: &str) -> Option<Day> {
    let date = NaiveDate::from_ymd_opt(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
    date.map(Day::from)
}

/// The day of year and day of the year.
pub(super) fn of_year(year: &str, ordinal: &str) -> Option<Day> {
    NaiveDate::from_yo_opt(year.parse().ok()?, ordinal.parse().ok()?).map(Day::from)
}

/// The mistake in a strptime format.
pub(super) fn flaw(format: &str) -> Option<String> {
    if StrftimeItems::new(format).any(|item| item == Item::Error) {
        return Some("it has a field that does not exist".into());
    }
    // A format that cannot read what it writes does not determine a day.
    let probe = NaiveDate::from_ymd_opt(2016, 12, 30)?;
    let written = probe.and_hms_opt(17, 42, 5)?.and_utc().format(format).to_string();
    (in_name(&written, format) != Some(probe.into())).then(|| "its fields do not make a day".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iso(day: Option<Day>) -> String {
        day.map_or_else(|| "none".into(), |d| d.to_string())
    }

    #[test]
    fn metadata_dates_are_read_in_every_usual_spelling() {
        for text in [
            "2016:07:07 17:42:05",
            "2016-07-07T17:42:05.123Z",
            "2016-07-07 17:42:05",
            "2016-07-07Z",
            " 20160707 ",
            "20160707T174205",
            "2016-07-07T14:40:27.1Z; 2016-07-07T14:40:51.0Z",
        ] {
            assert_eq!(iso(in_metadata(text)), "2016-07-07", "{text}");
        }
        for text in ["", "2016-13-07", "7 July 2016", "201677", "2016189", "12016-07-07"] {
            assert_eq!(iso(in_metadata(text)), "none", "{text}");
        }
    }

    #[test]
    fn names_give_dates_by_format_by_month_or_by_day_of_the_year() {
        assert_eq!(iso(in_name("2015343", "%Y%j")), "2015-12-09");
        assert_eq!(iso(in_name("07Jul16", "%d%b%y")), "2016-07-07");
        assert_eq!(iso(in_name("20160707T174205", "%Y%m%dT%H%M%S")), "2016-07-07");
        assert_eq!(iso(in_name("20161307", "%Y%m%d")), "none");
        assert_eq!(iso(of_year("2016", "366")), "2016-12-31");
        assert_eq!(iso(of_year("2015", "366")), "none");
        assert_eq!(iso(of_month("2016", "02", "29")), "2016-02-29");
    }

    #[test]
    fn a_format_that_does_not_make_a_day_is_refused() {
        assert_eq!(flaw("%Y%j"), None);
        assert_eq!(flaw("%Y%m%dT%H%M%S"), None);
        assert_eq!(flaw("%Y%m").as_deref(), Some("its fields do not make a day"));
        assert_eq!(flaw("YYYYMMDD").as_deref(), Some("its fields do not make a day"));
        assert_eq!(flaw("%Y%Q").as_deref(), Some("it has a field that does not exist"));
    }
}
