//! Values that a rules file may write in more than one way, each with a message that says which.

use chrono::NaiveDate;
use compose_core::Day;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use toml::Value;

fn found(value: &Value) -> String {
    match value {
        Value::String(s) => format!("the string \"{s}\""),
        Value::Array(_) => "an array".into(),
        Value::Table(_) => "a table".into(),
        Value::Float(f) => format!("the number {f}").to_lowercase(),
        other => format!("the {} {other}", other.type_str()),
    }
}

macro_rules! schema {
    ($type:ty, $name:literal, $($json:tt)+) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($($json)+)
            }
            fn inline_schema() -> bool {
                true
            }
        }
    };
}

/// A calendar date: `2016-07-07`, quoted or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date(pub Day);
schema!(Date, "Date", { "type": "string", "format": "date" });

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(d)?;
        let text = match &value {
            Value::Datetime(t) => t.to_string(),
            Value::String(s) => s.clone(),
            other => {
                return Err(D::Error::custom(format!(
                    "found {}, expected a date such as 2016-07-07",
                    found(other)
                )));
            }
        };
        let date = NaiveDate::parse_from_str(&text, "%Y-%m-%d");
        date.map(|date| Self(date.into()))
            .map_err(|_| D::Error::custom(format!("found \"{text}\", expected a date such as 2016-07-07")))
    }
}

/// One string or several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strings(pub Vec<String>);
schema!(Strings, "Strings", { "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] });

impl<'de> Deserialize<'de> for Strings {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(d)?;
        let wrong = |verb: &str, v: &Value| {
            D::Error::custom(format!("{verb} {}, expected a string or a list of strings", found(v)))
        };
        match &value {
            Value::String(s) => Ok(Self(vec![s.clone()])),
            Value::Array(items) => items
                .iter()
                .map(|i| i.as_str().map(str::to_owned).ok_or_else(|| wrong("holds", i)))
                .collect::<Result<_, _>>()
                .map(Self),
            other => Err(wrong("is", other)),
        }
    }
}

/// Where a band is found in a file of many bands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BandChoice {
    /// By number, from 1.
    Number(usize),
    /// By description.
    Description(String),
}

/// Wanted bands: names, or a table of where each is found in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bands {
    /// Names in output order.
    Names(Vec<String>),
    /// Names with their number or description, in output order.
    Table(Vec<(String, BandChoice)>),
}
schema!(Bands, "Bands", { "anyOf": [
    { "type": "array", "items": { "type": "string" } },
    { "type": "object", "additionalProperties": { "anyOf": [{ "type": "integer", "minimum": 1 }, { "type": "string" }] } }
] });

impl<'de> Deserialize<'de> for Bands {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(d)?;
        match value {
            Value::Table(table) => table
                .into_iter()
                .map(|(name, v)| band_choice(&name, v).map(|c| (name, c)))
                .collect::<Result<_, _>>()
                .map(Self::Table),
            Value::Array(items) if items.is_empty() => Err("is empty; name at least one band".into()),
            Value::Array(items) => match items.iter().find(|i| !i.is_str()) {
                None => Ok(Self::Names(items.iter().filter_map(|i| i.as_str().map(str::to_owned)).collect())),
                Some(other) => Err(format!("holds {}, {BANDS}", found(other))),
            },
            other => Err(format!("is {}, {BANDS}", found(&other))),
        }
        .map_err(D::Error::custom)
    }
}

const BANDS: &str = "expected a list of band names, or a table such as { red = 1, nir = \"B08\" }";

fn band_choice(name: &str, value: Value) -> Result<BandChoice, String> {
    match value {
        Value::Integer(n) if n >= 1 => Ok(BandChoice::Number(n as usize)),
        Value::String(s) => Ok(BandChoice::Description(s)),
        other => {
            let found = found(&other);
            Err(format!("{name} is {found}, expected a band number (from 1) or a band description"))
        }
    }
}

/// The meaning of codes: a layout by name, or classes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayoutOrClasses {
    /// A layout that is known.
    Name(String),
    /// Each number with its class.
    Classes(Vec<(u32, String)>),
}
schema!(LayoutOrClasses, "LayoutOrClasses", { "anyOf": [
    { "type": "string" },
    { "type": "object", "patternProperties": { "^[0-9]+$": { "type": "string" } }, "additionalProperties": false }
] });

impl<'de> Deserialize<'de> for LayoutOrClasses {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let class = |(code, name): (String, Value)| match (code.parse(), &name) {
            (Ok(code), Value::String(name)) => Ok((code, name.clone())),
            (Ok(_), other) => Err(format!("{code} is {}, expected the name of a class", found(other))),
            (Err(_), _) => {
                Err(format!("\"{code}\" is no code, expected a whole number such as 1 = \"cloud\""))
            }
        };
        match Value::deserialize(d)? {
            Value::String(name) => Ok(Self::Name(name)),
            Value::Table(table) => table.into_iter().map(class).collect::<Result<_, _>>().map(Self::Classes),
            other => Err(format!(
                "is {}, expected the name of a layout, or classes such as {{ 1 = \"cloud\" }}",
                found(&other)
            )),
        }
        .map_err(D::Error::custom)
    }
}

/// Nodata of the inputs: what the rules file says of it.
#[derive(Clone, Debug, PartialEq)]
pub struct NodataValues(pub Vec<f64>);
schema!(NodataValues, "Nodata", { "anyOf": [
    { "type": "number" }, { "type": "array", "items": { "type": "number" } }, { "enum": ["none", "nan"] }
] });

impl<'de> Deserialize<'de> for NodataValues {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(d)?;
        let wrong = |verb: &str, v: &Value| {
            let found = found(v);
            D::Error::custom(format!("{verb} {found}, expected a number, a list of numbers or \"none\""))
        };
        match &value {
            // NaN is always invalid, so "nan" adds nothing to look for.
            Value::String(s) if s == "none" || s == "nan" => Ok(Self(Vec::new())),
            Value::Array(items) => items
                .iter()
                .map(|i| number(i).ok_or_else(|| wrong("holds", i)))
                .collect::<Result<_, _>>()
                .map(Self),
            other => number(other).map(|n| Self(vec![n])).ok_or_else(|| wrong("is", other)),
        }
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|i| i as f64))
}

/// A factor: any number but 0, which would make all values one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale(pub f64);
schema!(Scale, "Scale", { "type": "number", "not": { "const": 0 } });

impl<'de> Deserialize<'de> for Scale {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(d)?;
        let stated = number(&value).filter(|n| n.is_finite() && *n != 0.0).map(Self);
        stated
            .ok_or_else(|| D::Error::custom(format!("is {}, expected a number other than 0", found(&value))))
    }
}

/// A share of a whole, 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Percent(pub f64);
schema!(Percent, "Percent", { "type": "number", "minimum": 0, "maximum": 100 });

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(d)?;
        let stated = number(&value).filter(|n| (0.0..=100.0).contains(n)).map(Self);
        stated.ok_or_else(|| D::Error::custom(format!("is {}, expected percent, 0 to 100", found(&value))))
    }
}

/// A number that is neither infinite nor NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finite(pub f64);
schema!(Finite, "Finite", { "type": "number" });

impl<'de> Deserialize<'de> for Finite {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(d)?;
        let stated = number(&value).filter(|n| n.is_finite()).map(Self);
        stated.ok_or_else(|| D::Error::custom(format!("is {}, expected a finite number", found(&value))))
    }
}

/// Exactly `N` values: serde's own arrays pass over what follows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exactly<T, const N: usize>(pub [T; N]);

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for Exactly<T, N> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let values = Vec::<T>::deserialize(d)?;
        let count = values.len();
        let plural = if count == 1 { "value" } else { "values" };
        values
            .try_into()
            .map(Self)
            .map_err(|_| D::Error::custom(format!("has {count} {plural}, expected {N}")))
    }
}

impl<T: JsonSchema, const N: usize> JsonSchema for Exactly<T, N> {
    fn schema_name() -> Cow<'static, str> {
        format!("Exactly{N}").into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let items = generator.subschema_for::<T>();
        json_schema!({ "type": "array", "items": items, "minItems": N, "maxItems": N })
    }
    fn inline_schema() -> bool {
        true
    }
}

/// A single number, or `"nan"`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NumberOrNan(pub f64);
schema!(NumberOrNan, "NumberOrNan", { "anyOf": [{ "type": "number" }, { "const": "nan" }] });

impl<'de> Deserialize<'de> for NumberOrNan {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(d)?;
        let nan = value.as_str() == Some("nan");
        let stated = if nan { Some(f64::NAN) } else { number(&value) };
        stated
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("found {}, expected a number or \"nan\"", found(&value))))
    }
}

/// `true`, `false`, or the path of a file to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extra {
    /// Written beside the image, or not.
    Wanted(bool),
    /// Written here.
    Path(String),
}
schema!(Extra, "Extra", { "anyOf": [{ "type": "boolean" }, { "type": "string" }] });

impl<'de> Deserialize<'de> for Extra {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        match Value::deserialize(d)? {
            Value::Boolean(b) => Ok(Self::Wanted(b)),
            Value::String(s) => Ok(Self::Path(s)),
            other => {
                Err(D::Error::custom(format!("found {}, expected true, false or a path", found(&other))))
            }
        }
    }
}

/// A pixel size in map units: one number, or `[x, y]`; both positive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolution(pub f64, pub f64);
schema!(Resolution, "Resolution", { "anyOf": [
    { "type": "number", "exclusiveMinimum": 0 },
    { "type": "array", "items": { "type": "number", "exclusiveMinimum": 0 }, "minItems": 2, "maxItems": 2 }
] });

impl<'de> Deserialize<'de> for Resolution {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(d)?;
        let stated = match value.as_array().map(Vec::as_slice) {
            Some([x, y]) => number(x).zip(number(y)),
            Some(_) => None,
            None => number(&value).map(|n| (n, n)),
        };
        let positive = |v: f64| v.is_finite() && v > 0.0;
        stated.filter(|(x, y)| positive(*x) && positive(*y)).map(|(x, y)| Self(x, y)).ok_or_else(|| {
            D::Error::custom(format!(
                "found {}, expected a positive number or [x, y] in map units",
                found(&value)
            ))
        })
    }
}

/// One file per band, in the order named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files(pub Vec<(String, String)>);
schema!(Files, "Files", { "type": "object", "additionalProperties": { "type": "string" } });

impl<'de> Deserialize<'de> for Files {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(d)?;
        let Value::Table(table) = value else {
            return Err(D::Error::custom(format!(
                "found {}, expected a table such as {{ B2 = \"a.tif\" }}",
                found(&value)
            )));
        };
        let path = |(name, v): (String, Value)| match v {
            Value::String(path) => Ok((name, path)),
            other => {
                Err(D::Error::custom(format!("{name} is {}, expected the path of a file", found(&other))))
            }
        };
        table.into_iter().map(path).collect::<Result<_, _>>().map(Self)
    }
}

/// The side of a tile: pixels, or a length on the ground such as `100 km`.
#[derive(Clone, Debug, PartialEq)]
pub enum TileSize {
    /// Pixels.
    Pixels(usize),
    /// Metres, and the words that say so.
    Metres(f64, String),
}
schema!(TileSize, "TileSize", { "anyOf": [
    { "type": "integer", "minimum": 1 }, { "type": "string", "pattern": "^[0-9.]+ *(km|m)$" }
] });

impl<'de> Deserialize<'de> for TileSize {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(d)?;
        let metres = |text: &str| {
            let (number, unit) = text.split_at(text.find(|c: char| c.is_alphabetic())?);
            let factor = match unit {
                "km" => 1000.0,
                "m" => 1.0,
                _ => return None,
            };
            let length = number.trim().parse::<f64>().ok()? * factor;
            (length.is_finite() && length > 0.0).then_some(length)
        };
        let stated = match &value {
            Value::Integer(n) => usize::try_from(*n).ok().filter(|n| *n > 0).map(Self::Pixels),
            Value::String(text) => metres(text).map(|length| Self::Metres(length, text.clone())),
            _ => None,
        };
        stated.ok_or_else(|| {
            let found = found(&value);
            D::Error::custom(format!(
                "is {found}, expected pixels such as 4096, or a length such as \"100 km\""
            ))
        })
    }
}
