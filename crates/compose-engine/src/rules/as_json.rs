//! A rules file as JSON, for reports and hashes.

use serde_json::{Value, json};

/// A rules file as JSON.
pub fn tables(text: &str) -> Value {
    text.parse::<toml::Table>().map_or(Value::Null, |t| plain(toml::Value::Table(t)))
}

/// TOML as JSON; dates become strings.
fn plain(value: toml::Value) -> Value {
    match value {
        toml::Value::Datetime(date) => json!(date.to_string()),
        toml::Value::Array(items) => items.into_iter().map(plain).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(key, v)| (key, plain(v))).collect(),
        toml::Value::String(s) => json!(s),
        toml::Value::Integer(i) => json!(i),
        toml::Value::Float(f) => json!(f),
        toml::Value::Boolean(b) => json!(b),
    }
}
