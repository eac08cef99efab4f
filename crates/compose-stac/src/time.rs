//! Times as documents write them.

use chrono::{DateTime, NaiveDateTime, Utc};

/// What [`utc`] understands, for messages.
pub(crate) const EXPECTED: &str = "a time such as 2023-08-20T09:58:11Z (RFC 3339)";

/// A time of RFC 3339, and whether its zone is missing: then it is taken as UTC, as STAC has all times.
pub(crate) fn utc(text: &str) -> Option<(DateTime<Utc>, bool)> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some((time.to_utc(), false));
    }
    let local = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];
    let local = local.iter().find_map(|format| NaiveDateTime::parse_from_str(text, format).ok());
    local.map(|time| (time.and_utc(), true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_zone_and_without() {
        for (text, time, without) in [
            ("2023-08-20T09:58:11.072000Z", "2023-08-20T09:58:11.072Z", false),
            ("2023-08-20T11:58:11+02:00", "2023-08-20T09:58:11Z", false),
            ("2023-08-20T09:58:11", "2023-08-20T09:58:11Z", true),
            ("2023-08-20 09:58:11.5", "2023-08-20T09:58:11.500Z", true),
        ] {
            let (read, zoneless) = utc(text).unwrap_or_else(|| panic!("{text}"));
            let read = read.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
            assert_eq!((read.as_str(), zoneless), (time, without), "{text}");
        }
        // A day alone does not say which solar day it is.
        for text in ["", "2023-08-20", "20 August 2023", "2023-13-20T00:00:00Z", "2023-08-20T09:58:11Zx"] {
            assert!(utc(text).is_none(), "{text}");
        }
    }
}
