//! Days since 1970-01-01: ISO dates outside, whole days inside.

use chrono::{Datelike, NaiveDate};
use std::fmt;

/// A calendar day, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

impl Day {
    /// The calendar date of this day.
    pub fn date(self) -> NaiveDate {
        NaiveDate::from_epoch_days(self.0).expect("a Day is only made from a calendar date")
    }

    /// Whole days between two days, never negative.
    pub fn distance(self, other: Self) -> u32 {
        self.0.abs_diff(other.0)
    }

    /// Day of the year, 1 to 366.
    pub fn ordinal(self) -> u32 {
        self.date().ordinal()
    }

    /// Calendar year.
    pub fn year(self) -> i32 {
        self.date().year()
    }

    /// Month, 1 to 12.
    pub fn month(self) -> u32 {
        self.date().month()
    }
}

impl From<NaiveDate> for Day {
    fn from(date: NaiveDate) -> Self {
        Self(date.to_epoch_days())
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.date().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_from_1970_and_print_as_iso_dates() {
        let day = Day::from(NaiveDate::from_ymd_opt(1970, 3, 1).unwrap());
        assert_eq!((day.0, day.to_string().as_str(), day.ordinal()), (59, "1970-03-01", 60));
    }
}
