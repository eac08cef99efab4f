//! Values and serde's messages in the words of a rules file: no Rust types, the key named, a suggestion.

use crate::suggest::did_you_mean;
use std::ops::Range;
use toml::Spanned;
use toml::de::DeValue;

/// `the string "x"`, `the number 3`, `an array`: what was found, for messages.
pub fn described(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(s) => format!("the string \"{s}\""),
        DeValue::Integer(i) => format!("the integer {}", i.as_str()),
        DeValue::Float(f) => format!("the number {}", f.as_str()),
        DeValue::Boolean(b) => format!("the boolean {b}"),
        DeValue::Datetime(d) => format!("the date {d}"),
        DeValue::Array(_) => "an array".into(),
        DeValue::Table(_) => "a table".into(),
    }
}

/// `message` of serde, about the bytes `span` of the value of a key.
pub(super) fn plain(message: &str, at: Option<(&str, &Spanned<DeValue<'_>>)>, span: &Range<usize>) -> String {
    if let Some(field) = quoted(message.strip_prefix("missing field ").unwrap_or_default()).first() {
        return format!("{field} is missing");
    }
    if let Some(names) = message.strip_prefix("unknown field ").map(quoted) {
        return unknown("unknown key ", &names, "known keys:");
    }
    let Some((key, value)) = at else { return message.to_owned() };
    let whole = value.span() == *span;
    let verb = if whole { "is" } else { "holds" };
    if let Some(names) = message.strip_prefix("unknown variant ").map(quoted) {
        let expected = if names.len() > 2 { "expected one of" } else { "expected" };
        return unknown(&format!("{key} {verb} "), &names, expected);
    }
    let serde = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    if let Some((found, expected)) = serde.and_then(|m| m.split_once(", expected ")) {
        let found = if whole { described(value.get_ref()) } else { article(found) };
        return format!("{key} {verb} {found}, expected {}", wanted(expected));
    }
    match message.split_once(' ') {
        // The toml crate's words for an enum that is neither.
        Some(("wanted", "string or table")) => {
            format!("{key} {verb} {}, expected a string", described(value.get_ref()))
        }
        Some(("found", rest)) => format!("{key} {verb} {rest}"),
        Some(("is" | "has" | "holds", _)) => format!("{key} {message}"),
        _ => format!("{key}: {message}"),
    }
}

/// The names between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn unknown(start: &str, names: &[&str], list: &str) -> String {
    let Some((found, known)) = names.split_first() else { return start.trim().to_owned() };
    let hint = did_you_mean(found, known.iter().copied());
    let separator = if hint.is_empty() { ";" } else { "" };
    format!("{start}\"{found}\"{hint}{separator} {list} {}", known.join(", "))
}

/// ``integer `3` `` as ``the integer 3``.
fn article(found: &str) -> String {
    match found {
        "sequence" => "a list".into(),
        "map" => "a table".into(),
        _ => format!("the {}", found.replace('`', "").replace("floating point", "number")),
    }
}

fn wanted(expected: &str) -> &str {
    match expected {
        "f32" | "f64" => "a number",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" => "a whole number",
        "a sequence" => "a list",
        "a boolean" => "true or false",
        "a map" => "a table",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::SettingsTable;
    use schemars::JsonSchema;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields, rename_all = "kebab-case")]
    #[allow(dead_code)]
    struct Settings {
        limit: f64,
        months: Option<Vec<u32>>,
        side: Option<Side>,
        ends: Option<Ends>,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(rename_all = "kebab-case")]
    enum Side {
        Before,
        After,
    }

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code)]
    struct Ends {
        first: i64,
    }

    fn refused(toml: &str) -> String {
        let table = toml::de::DeTable::parse(toml).unwrap().into_inner();
        let read = SettingsTable::new(0..toml.len(), table).read::<Settings>("t");
        read.unwrap_err().remove(0).message
    }

    #[test]
    fn a_wrong_value_is_said_with_its_key_and_without_rust() {
        assert_eq!(refused("limit = '3'"), "t: limit is the string \"3\", expected a number");
        assert_eq!(refused("limit = 2016-07-07"), "t: limit is the date 2016-07-07, expected a number");
        assert_eq!(refused("limit = 1\nmonths = 5"), "t: months is the integer 5, expected a list");
        assert_eq!(
            refused("limit = 1\nmonths = [5, -1]"),
            "t: months holds the integer -1, expected a whole number, 0 or more"
        );
        assert_eq!(
            refused("limit = 1\nmonths = [['May']]"),
            "t: months holds a list, expected a whole number, 0 or more"
        );
        assert_eq!(refused("limit = 1\nside = 3"), "t: side is the integer 3, expected a string");
    }

    #[test]
    fn an_unknown_word_is_answered_with_the_nearest_and_all() {
        assert_eq!(
            refused("limit = 1\nside = 'befor'"),
            "t: side is \"befor\"; did you mean \"before\"? expected one of before, after"
        );
        assert_eq!(refused("limit = 1\nside = 'left'"), "t: side is \"left\"; expected one of before, after");
        assert_eq!(
            refused("limit = 1\nends = { frist = 1 }"),
            "t: unknown key \"frist\"; did you mean \"first\"? known keys: first"
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(refused("months = []"), "t: limit is missing");
        assert_eq!(refused("limit = 1\nends = {}"), "t: first is missing");
    }
}
