//! Where pixels lie, and when.

#![allow(unsafe_code)]

use crate::{abi, raw};

/// A north-up (or south-up) raster grid.
#[derive(Clone, Copy)]
pub struct Grid<'a>(pub(crate) &'a abi::Grid);

impl<'a> Grid<'a> {
    /// Width in pixels.
    pub fn width(&self) -> i64 {
        self.0.width
    }

    /// Height in pixels.
    pub fn height(&self) -> i64 {
        self.0.height
    }

    /// In map units, at the corners of pixels: x = `[0]` + column × `[1]`, y = `[3]` + row × `[5]`.
    pub fn geotransform(&self) -> [f64; 6] {
        self.0.geotransform
    }

    /// Metres in a map unit; none where the map's unit is an angle, or unknown.
    pub fn metres_per_unit(&self) -> Option<f64> {
        (self.0.metres_per_unit != 0.0).then_some(self.0.metres_per_unit)
    }

    /// Width and height of a pixel in metres; none where [`Grid::metres_per_unit`] is.
    pub fn pixel_metres(&self) -> Option<(f64, f64)> {
        let [_, width, _, _, _, height] = self.0.geotransform;
        self.metres_per_unit().map(|metres| (width.abs() * metres, height.abs() * metres))
    }

    /// Such as `EPSG:32613`, or empty.
    pub fn crs_name(&self) -> &'a str {
        // SAFETY: a text of the grid, which lives as long as it.
        unsafe { raw::text(self.0.crs_name) }
    }

    /// The coordinate system as WKT, or empty.
    pub fn crs_wkt(&self) -> &'a str {
        // SAFETY: a text of the grid, which lives as long as it.
        unsafe { raw::text(self.0.crs_wkt) }
    }
}

/// Pixels (col, row) … (col + width − 1, row + height − 1) of a grid; col and row may lie outside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first column.
    pub col: i64,
    /// The first row.
    pub row: i64,
    /// How many columns.
    pub width: usize,
    /// How many rows.
    pub height: usize,
}

impl Window {
    pub(crate) fn new(window: &abi::Window) -> Self {
        debug_assert!(window.width >= 0 && window.height >= 0, "the host passed a window of negative size");
        let abi::Window { col, row, width, height } = *window;
        Window { col, row, width: width as usize, height: height as usize }
    }
}

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Such as 2024.
    pub year: i32,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
}

impl Date {
    /// The date of a day, given in days since 1970-01-01.
    ///
    /// After H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
    pub fn from_day(day: i32) -> Self {
        let days = i64::from(day) + 719_468;
        let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        // Years begin in March here, so that the leap day is the last.
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        Date {
            year: (year_of_era + era * 400 + i64::from(month <= 2)) as i32,
            month: month as u32,
            day: (of_year - (153 * from_march + 2) / 5 + 1) as u32,
        }
    }

    /// 1 on the first of January, to 365 or 366.
    pub fn day_of_year(&self) -> u32 {
        const BEFORE: [u32; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        BEFORE[self.month as usize - 1] + self.day + u32::from(leap && self.month > 2)
    }
}

#[cfg(test)]
mod tests {
    use super::Date;

    #[test]
    fn days_become_dates_on_both_sides_of_1970_and_of_leap_days() {
        let date = |year, month, day| Date { year, month, day };
        assert_eq!(Date::from_day(0), date(1970, 1, 1));
        assert_eq!(Date::from_day(-1), date(1969, 12, 31));
        assert_eq!(Date::from_day(11_016), date(2000, 2, 29));
        assert_eq!(Date::from_day(19_783), date(2024, 3, 1));
        assert_eq!(Date::from_day(-25_509), date(1900, 2, 28));
        assert_eq!(Date::from_day(-25_508), date(1900, 3, 1));
    }

    #[test]
    fn the_day_of_the_year_counts_on_without_a_hole() {
        let mut before = Date::from_day(-1).day_of_year();
        for day in 0..200_000 {
            let date = Date::from_day(day);
            let expected = if (date.month, date.day) == (1, 1) { 1 } else { before + 1 };
            assert_eq!(date.day_of_year(), expected, "{date:?}");
            before = expected;
        }
    }
}
