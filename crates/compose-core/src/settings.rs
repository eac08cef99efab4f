//! Reading tables of a rules file: spans kept, unknown keys refused, mistakes said with a suggestion.

mod words;

pub use words::described;

use crate::suggest::did_you_mean;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One mistake in a rules file: where (byte range), and what was found, expected and suggested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Bytes of the file that it is about.
    pub span: Range<usize>,
    /// Found, expected, suggestion, in one breath.
    pub message: String,
}

impl Problem {
    /// A mistake at `span`.
    pub fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { span, message: message.into() }
    }
}

/// The places of a table and of the values of its keys in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans {
    /// Bytes of the whole table.
    pub table: Range<usize>,
    keys: Vec<(String, Range<usize>)>,
}

impl Spans {
    /// The place of the value of `key`, if it is there.
    pub fn get(&self, key: &str) -> Option<Range<usize>> {
        self.keys.iter().find(|(k, _)| k == key).map(|(_, span)| span.clone())
    }

    /// The place of the value of `key`; the span of the table if it is absent.
    pub fn of(&self, key: &str) -> Range<usize> {
        self.get(key).unwrap_or(self.table.clone())
    }
}

/// A TOML table whose keys and values know where they stand in the file.
#[derive(Clone)]
pub struct SettingsTable<'a> {
    /// Bytes of the whole table.
    pub span: Range<usize>,
    table: DeTable<'a>,
}

impl<'a> SettingsTable<'a> {
    /// The table of a spanned value, or a mistake that says what it is instead.
    pub fn from_value(value: &Spanned<DeValue<'a>>, what: &str) -> Result<Self, Problem> {
        match value.get_ref() {
            DeValue::Table(table) => Ok(Self { span: value.span(), table: table.clone() }),
            other => {
                Err(Problem::new(value.span(), format!("{what} is {}, expected a table", described(other))))
            }
        }
    }

    /// Wraps a parsed file or table.
    pub fn new(span: Range<usize>, table: DeTable<'a>) -> Self {
        Self { span, table }
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Spanned<DeValue<'a>>> {
        self.table.get(key)
    }

    /// Takes `key` out of the table, so that a kind sees only its own settings.
    pub fn take(&mut self, key: &str) -> Option<Spanned<DeValue<'a>>> {
        self.table.remove(key)
    }

    /// The place of `key` itself; the span of the table if it is absent.
    pub fn key_span(&self, key: &str) -> Range<usize> {
        self.table.iter().find(|(k, _)| k.get_ref() == key).map_or(self.span.clone(), |(k, _)| k.span())
    }

    /// All keys, with where they stand.
    pub fn keys(&self) -> impl Iterator<Item = (&str, Range<usize>)> {
        self.table.iter().map(|(k, _)| (k.get_ref().as_ref(), k.span()))
    }

    /// The places of the table and its values.
    pub fn spans(&self) -> Spans {
        let keys = self.table.iter().map(|(key, value)| (key.get_ref().to_string(), value.span()));
        Spans { table: self.span.clone(), keys: keys.collect() }
    }

    /// A mistake about this table as a whole.
    pub fn problem(&self, message: impl Into<String>) -> Problem {
        Problem::new(self.span.clone(), message)
    }

    /// A mistake about the value of `key` (or the table, if it is absent).
    pub fn problem_at(&self, key: &str, message: impl Into<String>) -> Problem {
        Problem::new(self.get(key).map_or(self.span.clone(), Spanned::span), message)
    }

    /// Takes a string out of the table.
    pub fn take_str(&mut self, key: &str) -> Result<Option<Spanned<String>>, Problem> {
        let Some(value) = self.take(key) else { return Ok(None) };
        match value.get_ref() {
            DeValue::String(s) => Ok(Some(Spanned::new(value.span(), s.to_string()))),
            other => {
                Err(Problem::new(value.span(), format!("{key} is {}, expected a string", described(other))))
            }
        }
    }

    /// Reads the table as the settings struct `T`; every unknown key is a mistake of its own.
    ///
    /// `what` names the table in messages, such as `mask "cloud"`.
    pub fn read<T: DeserializeOwned + JsonSchema>(&self, what: &str) -> Result<T, Vec<Problem>> {
        let known = property_names(&schemars::schema_for!(T));
        let unknown: Vec<Problem> = self
            .keys()
            .filter(|(key, _)| !known.iter().any(|k| k == key))
            .map(|(key, span)| Problem::new(span, unknown_key(what, key, &known)))
            .collect();
        if !unknown.is_empty() {
            return Err(unknown);
        }
        let value = Spanned::new(self.span.clone(), DeValue::Table(self.table.clone()));
        T::deserialize(toml::de::ValueDeserializer::from(value)).map_err(|e| {
            let span = e.span().filter(|s| !s.is_empty()).unwrap_or(self.span.clone());
            let message = words::plain(e.message(), self.value_at(&span), &span);
            vec![Problem::new(span, format!("{what}: {message}"))]
        })
    }

    /// The key and value that these bytes belong to.
    fn value_at(&self, span: &Range<usize>) -> Option<(&str, &Spanned<DeValue<'a>>)> {
        let holds =
            |value: &Spanned<DeValue<'a>>| value.span().start <= span.start && span.end <= value.span().end;
        self.table.iter().find(|(_, value)| holds(value)).map(|(key, value)| (key.get_ref().as_ref(), value))
    }
}

/// The message about a key that a table does not have.
pub fn unknown_key(what: &str, key: &str, known: &[String]) -> String {
    let hint = did_you_mean(key, known.iter().map(String::as_str));
    if known.is_empty() {
        return format!("{what}: unknown key \"{key}\"; it has no settings");
    }
    let separator = if hint.is_empty() { ";" } else { "" };
    format!("{what}: unknown key \"{key}\"{hint}{separator} known keys: {}", known.join(", "))
}

/// The property names of an object schema, in declaration order.
pub fn property_names(schema: &schemars::Schema) -> Vec<String> {
    let properties = schema.get("properties").and_then(serde_json::Value::as_object);
    properties.map_or_else(Vec::new, |p| p.keys().cloned().collect())
}
