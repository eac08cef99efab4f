//! A kind's settings: from the rules file, held against the declaration, to the values that `create` gets.

#![allow(unsafe_code)]

use crate::call::c_text;
use crate::descriptor::{Declared, Setting, SettingKind, Value};
use compose_core::settings::{described, unknown_key};
use compose_core::suggest::did_you_mean;
use compose_core::{KindError, Problem, SceneFacts, SettingsTable};
use compose_plugin::abi;
use serde_json::{Value as Json, json};
use std::ffi::{CStr, CString};
use std::fmt::Write;
use toml::Spanned;
use toml::de::DeValue;

/// Settings that have been read, in the order of their declarations; and as the other side sees them.
pub(crate) struct Values {
    values: Vec<Option<Value>>,
    raw: Vec<abi::Value>,
    /// The targets of the pointers in `raw`, with the items.
    texts: Vec<CString>,
    _items: Vec<Vec<abi::Value>>,
}

// SAFETY: the pointers in `raw` lead to `texts` and `_items`, which are never changed.
unsafe impl Send for Values {}
// SAFETY: as above.
unsafe impl Sync for Values {}

impl Values {
    /// Reads a table of the rules file.
    ///
    /// # Errors
    /// Every mistake in the table, with where it stands.
    pub fn read(declared: &Declared, table: &SettingsTable<'_>, what: &str) -> Result<Self, Vec<Problem>> {
        let known: Vec<String> = declared.settings.iter().map(|s| s.key.clone()).collect();
        let unknown = table.keys().filter(|(key, _)| !known.iter().any(|k| k == key));
        let mut problems: Vec<Problem> =
            unknown.map(|(key, span)| Problem::new(span, unknown_key(what, key, &known))).collect();
        let mut values = Vec::new();
        for setting in &declared.settings {
            match read(setting, table) {
                Ok(value) => values.push(value.or_else(|| setting.default.clone())),
                Err(problem) => {
                    problems.push(Problem::new(problem.span, format!("{what}: {}", problem.message)));
                }
            }
        }
        if problems.is_empty() { Ok(Self::new(values)) } else { Err(problems) }
    }

    /// Makes what the other side sees.
    pub fn new(values: Vec<Option<Value>>) -> Self {
        let (mut texts, mut items) = (Vec::new(), Vec::new());
        let raw =
            values.iter().map(|v| v.as_ref().map_or(UNSET, |v| raw(v, &mut texts, &mut items))).collect();
        Self { values, raw, texts, _items: items }
    }

    pub fn as_raw(&self) -> &[abi::Value] {
        &self.raw
    }

    pub fn into_values(self) -> Vec<Option<Value>> {
        self.values
    }

    /// Overwrites all text, for whoever keeps pointers that were lent to see it change.
    pub fn spoil(&mut self) {
        for text in &mut self.texts {
            let at = std::mem::take(text).into_raw();
            // SAFETY: `into_raw` gave it away, so nobody else owns it; bytes before the zero byte may change to any
            // but zero, and it is taken back with its length as it was.
            unsafe {
                let length = CStr::from_ptr(at).count_bytes();
                at.cast::<u8>().write_bytes(b'?', length);
                *text = CString::from_raw(at);
            }
        }
    }

    /// Refuses a band that the scene does not have; `among` are its bands that count.
    pub fn check_bands(
        &self,
        declared: &'static Declared,
        scene: &SceneFacts,
        among: usize,
    ) -> Result<(), KindError> {
        let bands = &scene.bands[..among];
        for (setting, value) in declared.settings.iter().zip(&self.values) {
            let is_band = |kind: &SettingKind| *kind == SettingKind::Band;
            let names: Vec<&String> = match (&setting.kind, value) {
                (SettingKind::Band, Some(Value::Text(name))) => vec![name],
                (SettingKind::List(element), Some(Value::List(items))) if is_band(element) => items
                    .iter()
                    .filter_map(|i| if let Value::Text(name) = i { Some(name) } else { None })
                    .collect(),
                _ => continue,
            };
            if let Some(name) = names.into_iter().find(|name| !bands.iter().any(|b| b.is_called(name))) {
                let list: Vec<&str> = bands.iter().map(|b| b.name.as_str()).collect();
                let hint = did_you_mean(name, list.iter().copied());
                let separator = if hint.is_empty() { ";" } else { "" };
                let message = format!("no band \"{name}\"{hint}{separator} bands: {}", list.join(", "));
                return Err(KindError::new(message).about(&setting.key));
            }
        }
        Ok(())
    }

    /// `limit 0.02, radius 3`, for the plan.
    pub fn describe(&self, declared: &Declared) -> String {
        let said = declared.settings.iter().zip(&self.values);
        let said = said.filter_map(|(s, v)| Some(format!("{} {}", s.key, v.as_ref()?)));
        said.collect::<Vec<_>>().join(", ")
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Int(n) => write!(f, "{n}"),
            Self::Float(n) => write!(f, "{n}"),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Text(text) | Self::Choice(_, text) => write!(f, "\"{text}\""),
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
        }
    }
}

const UNSET: abi::Value = abi::Value {
    is_set: 0,
    count: 0,
    integer: 0,
    number: 0.0,
    text: std::ptr::null(),
    items: std::ptr::null(),
};

fn raw(value: &Value, texts: &mut Vec<CString>, items: &mut Vec<Vec<abi::Value>>) -> abi::Value {
    let set = abi::Value { is_set: 1, ..UNSET };
    let mut keep = |text: &str| {
        texts.push(c_text(text));
        texts[texts.len() - 1].as_ptr()
    };
    match value {
        Value::Int(integer) => abi::Value { integer: *integer, ..set },
        Value::Float(number) => abi::Value { number: *number, ..set },
        Value::Bool(b) => abi::Value { integer: i64::from(*b), ..set },
        Value::Text(text) => abi::Value { text: keep(text), ..set },
        Value::Choice(index, text) => abi::Value { count: *index, text: keep(text), ..set },
        Value::List(list) => {
            let raws: Vec<abi::Value> = list.iter().map(|v| raw(v, texts, items)).collect();
            let raws_at = if raws.is_empty() { std::ptr::null() } else { raws.as_ptr() };
            items.push(raws);
            abi::Value { count: list.len() as u32, items: raws_at, ..set }
        }
    }
}

fn read(setting: &Setting, table: &SettingsTable<'_>) -> Result<Option<Value>, Problem> {
    let Some(found) = table.get(&setting.key) else {
        return match setting.required {
            true => Err(table.problem(format!("{} is missing", setting.key))),
            false => Ok(None),
        };
    };
    let value = typed(&setting.kind, found.get_ref()).map_err(|expected| {
        let holds = if expected.inside { "holds" } else { "is" };
        Problem::new(
            found.span(),
            format!("{} {holds} {}, expected {}", setting.key, expected.found, expected.expected),
        )
    })?;
    match setting.out_of_range(&value) {
        None => Ok(Some(value)),
        Some(message) => Err(Problem::new(found.span(), format!("{} is {message}", setting.key))),
    }
}

/// A value of another type than the one declared.
struct Mismatch {
    found: String,
    expected: String,
    /// Whether it is an element of a list.
    inside: bool,
}

fn typed(kind: &SettingKind, value: &DeValue<'_>) -> Result<Value, Mismatch> {
    let expected = |expected: String| Mismatch { found: described(value), expected, inside: false };
    Ok(match (kind, value) {
        (SettingKind::Int, DeValue::Integer(n)) => Value::Int(
            i64::from_str_radix(n.as_str(), n.radix()).map_err(|_| expected("a smaller number".into()))?,
        ),
        (SettingKind::Int, _) => return Err(expected("a whole number".into())),
        (SettingKind::Float, DeValue::Integer(n)) => {
            let whole = i64::from_str_radix(n.as_str(), n.radix());
            Value::Float(whole.map_err(|_| expected("a smaller number".into()))? as f64)
        }
        (SettingKind::Float, DeValue::Float(n)) => match n.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() => Value::Float(number),
            _ => return Err(expected("a finite number".into())),
        },
        (SettingKind::Float, _) => return Err(expected("a number".into())),
        (SettingKind::Bool, DeValue::Boolean(b)) => Value::Bool(*b),
        (SettingKind::Bool, _) => return Err(expected("true or false".into())),
        // C cannot say it, and half a text is not what was meant.
        (_, DeValue::String(text)) if text.contains('\0') => {
            return Err(expected("text without a zero byte".into()));
        }
        (SettingKind::Text | SettingKind::Band, DeValue::String(text)) => Value::Text(text.to_string()),
        (SettingKind::Text, _) => return Err(expected("a string".into())),
        (SettingKind::Band, _) => return Err(expected("the name of a band".into())),
        (SettingKind::Choice(choices), DeValue::String(text)) => {
            match choices.iter().position(|c| c == text.as_ref()) {
                Some(index) => Value::Choice(index as u32, text.to_string()),
                None => {
                    let hint = did_you_mean(text, choices.iter().map(String::as_str));
                    return Err(expected(format!("one of {}{hint}", choices.join(", "))));
                }
            }
        }
        (SettingKind::Choice(choices), _) => return Err(expected(format!("one of {}", choices.join(", ")))),
        (SettingKind::List(element), DeValue::Array(items)) => {
            let items = items.iter().map(|item: &Spanned<DeValue<'_>>| typed(element, item.get_ref()));
            Value::List(items.collect::<Result<_, _>>().map_err(|m| Mismatch { inside: true, ..m })?)
        }
        (SettingKind::List(_), _) => return Err(expected("a list".into())),
    })
}

/// The JSON schema of a kind's settings.
pub(crate) fn schema(declared: &Declared) -> schemars::Schema {
    let property = |setting: &Setting| {
        let mut schema = of_kind(&setting.kind, setting.range);
        if let Some(object) = schema.as_object_mut() {
            object.insert("description".into(), json!(setting.doc));
        }
        (setting.key.clone(), schema)
    };
    let properties: serde_json::Map<String, Json> = declared.settings.iter().map(property).collect();
    let required: Vec<&str> =
        declared.settings.iter().filter(|s| s.required).map(|s| s.key.as_str()).collect();
    let schema = json!({
        "description": declared.summary, "type": "object", "additionalProperties": false,
        "properties": properties, "required": required,
    });
    // An object is always a schema.
    schemars::Schema::try_from(schema).unwrap_or_default()
}

fn of_kind(kind: &SettingKind, range: Option<(f64, f64)>) -> Json {
    let mut schema = match kind {
        SettingKind::Int => json!({ "type": "integer" }),
        SettingKind::Float => json!({ "type": "number" }),
        SettingKind::Bool => json!({ "type": "boolean" }),
        SettingKind::Text | SettingKind::Band => json!({ "type": "string" }),
        SettingKind::Choice(choices) => json!({ "enum": choices }),
        SettingKind::List(element) => return json!({ "type": "array", "items": of_kind(element, range) }),
    };
    if let (Some((low, high)), Some(object)) = (range, schema.as_object_mut()) {
        let ends = [("minimum", low), ("maximum", high)].into_iter().filter(|(_, end)| end.is_finite());
        object.extend(ends.map(|(key, end)| (key.to_owned(), json!(end))));
    }
    schema
}

/// The page that the kind brings, or one made of its settings.
pub(crate) fn page_of(declared: &'static Declared) -> &'static str {
    declared.page.as_deref().unwrap_or_else(|| String::leak(page(declared)))
}

/// The page of a kind that brings none of its own.
fn page(declared: &Declared) -> String {
    let mut page = format!("# {}\n\n{}\n\n## Settings\n\n", declared.id, declared.summary);
    if declared.settings.is_empty() {
        page += "None.\n";
        return page;
    }
    page += "| key | meaning | default |\n|---|---|---|\n";
    for setting in &declared.settings {
        let default = match (&setting.default, setting.required) {
            (Some(value), _) => format!("`{value}`"),
            (None, true) => "required".into(),
            (None, false) => "none".into(),
        };
        let doc = setting.doc.trim_end_matches('.').replace('|', "\\|");
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| `{}` | {doc}: {} | {default} |", setting.key, setting.wanted());
    }
    page
}
