//! Lengths in a rules file: `"3 px"`, `"90 m"`, or a bare number of pixels.

use crate::morph::Disc;
use compose_core::settings::described;
use compose_core::{Grid, Problem};
use serde::Deserialize;
use std::fmt;
use toml::Spanned;
use toml::de::{DeValue, ValueDeserializer};

/// The longest radius, in pixels: more is a slip of the unit, and the halo would swallow the scene.
pub const LONGEST_PX: f64 = 10_000.0;

/// A radius as the rules file states it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Length {
    /// Pixels of the grid that the rule runs on.
    Pixels(f64),
    /// Metres on the ground; an ellipse of pixels where these are not square.
    Metres(f64),
}

impl Length {
    /// Reads the value of `key`.
    ///
    /// # Errors
    /// A value that is no length, or a length that is negative, not finite or absurd.
    pub fn read(key: &str, value: &Spanned<DeValue<'_>>) -> Result<Self, Problem> {
        let wrong = |message| Problem::new(value.span(), message);
        let length = match value.get_ref() {
            DeValue::String(text) => Self::parse(text),
            DeValue::Integer(_) | DeValue::Float(_) => {
                f64::deserialize(ValueDeserializer::from(value.clone())).ok().map(Self::Pixels)
            }
            _ => None,
        };
        let found = described(value.get_ref());
        let Some(length) = length else {
            return Err(wrong(format!("{key} is {found}, expected a length such as \"3 px\" or \"90 m\"")));
        };
        length.check().map_err(|why| wrong(format!("{key} is {found}, which is {why}")))?;
        Ok(length)
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let (number, unit): (&str, fn(f64) -> Self) = match text.strip_suffix("px") {
            Some(number) => (number, Self::Pixels),
            None => (text.strip_suffix('m')?, Self::Metres),
        };
        number.trim().parse().ok().map(unit)
    }

    fn check(self) -> Result<(), String> {
        let (Self::Pixels(n) | Self::Metres(n)) = self;
        match self {
            _ if !n.is_finite() => Err("not finite".into()),
            _ if n < 0.0 => Err("negative; to take pixels away use shrink, to add some use grow".into()),
            Self::Pixels(n) if n > LONGEST_PX => Err(format!("longer than {LONGEST_PX} px")),
            _ => Ok(()),
        }
    }

    /// The disc of this radius on `grid`.
    ///
    /// # Errors
    /// Metres on a grid whose pixels have no size in metres, or more than [`LONGEST_PX`].
    pub fn disc(self, grid: &Grid) -> Result<Disc, String> {
        let (cols, rows) = match self {
            Self::Pixels(n) => (n, n),
            Self::Metres(n) => {
                let (x, y) = grid.pixel_metres().ok_or_else(|| self.no_metres(grid))?;
                (n / x, n / y)
            }
        };
        if cols.max(rows) > LONGEST_PX {
            return Err(format!("{self} is {:.0} px here, longer than {LONGEST_PX} px", cols.max(rows)));
        }
        Ok(Disc::new(cols, rows))
    }

    fn no_metres(self, grid: &Grid) -> String {
        let why = match &grid.crs {
            Some(crs) => format!("{} is geographic", crs.label),
            None => "the scene states no CRS".into(),
        };
        format!("{self} has no fixed size in pixels, because {why}; say it in pixels, such as \"3 px\"")
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pixels(n) => write!(f, "{n} px"),
            Self::Metres(n) => write!(f, "{n} m"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{geographic, utm};

    fn read(toml: &str) -> Result<Length, String> {
        Length::read("grow", &DeValue::parse(toml).unwrap()).map_err(|p| p.message)
    }

    #[test]
    fn pixels_metres_and_bare_numbers_are_lengths() {
        assert_eq!(read("'3 px'"), Ok(Length::Pixels(3.0)));
        assert_eq!(read("'2.5px'"), Ok(Length::Pixels(2.5)));
        assert_eq!(read("'90 m'"), Ok(Length::Metres(90.0)));
        assert_eq!(read("' 90m '"), Ok(Length::Metres(90.0)));
        assert_eq!((read("3"), read("1.5")), (Ok(Length::Pixels(3.0)), Ok(Length::Pixels(1.5))));
    }

    #[test]
    fn what_is_no_length_is_refused_with_an_example() {
        let expected = "grow is the string \"3\", expected a length such as \"3 px\" or \"90 m\"";
        assert_eq!(read("'3'"), Err(expected.into()));
        for toml in ["'3 km'", "'px'", "''", "true", "[3]", "'three px'"] {
            assert!(read(toml).unwrap_err().contains("expected a length"), "{toml}");
        }
    }

    #[test]
    fn negative_infinite_and_absurd_lengths_are_refused() {
        assert!(read("'-3 px'").unwrap_err().contains("is negative"));
        assert!(read("-1").unwrap_err().contains("is negative"));
        assert!(read("'nan m'").unwrap_err().ends_with("not finite"));
        assert!(read("inf").unwrap_err().ends_with("not finite"));
        assert!(read("'10001 px'").unwrap_err().ends_with("longer than 10000 px"));
        let far = Length::Metres(4e5).disc(&utm(30.0, 30.0)).unwrap_err();
        assert_eq!(far, "400000 m is 13333 px here, longer than 10000 px");
    }

    #[test]
    fn metres_are_refused_by_name_where_pixels_have_no_size_in_metres() {
        let message = Length::Metres(90.0).disc(&geographic()).unwrap_err();
        assert!(message.contains("EPSG:4326 is geographic") && message.contains("\"3 px\""), "{message}");
        let unknown = Grid { crs: None, ..utm(30.0, 30.0) };
        assert!(Length::Metres(90.0).disc(&unknown).unwrap_err().contains("states no CRS"));
        assert!(Length::Pixels(3.0).disc(&geographic()).is_ok());
    }

    #[test]
    fn metres_make_an_ellipse_where_pixels_are_not_square() {
        let disc = Length::Metres(60.0).disc(&utm(30.0, 20.0)).unwrap();
        assert!(disc.covers(2, 0) && disc.covers(0, 3));
        assert!(!disc.covers(3, 0) && !disc.covers(0, 4) && !disc.covers(2, 1));
    }
}
