//! Declarations of settings, as the macro writes them and as C has them.

use super::types::{Element, NoNumber};
use super::{Band, Choice, SettingType};
use crate::raw::{leak_slice, leak_text};
use crate::{Error, abi};
use std::marker::PhantomData;
use std::ops::{RangeFrom, RangeInclusive, RangeToInclusive};

/// The declaration of a setting.
pub struct Declaration {
    key: String,
    doc: String,
    kind: u32,
    element: u32,
    optional: bool,
    default: Option<DefaultValue>,
    choices: &'static [&'static str],
    limits: Option<(f64, f64)>,
}

/// A value that counts where the rules file says none.
#[derive(Clone, Debug, PartialEq)]
pub enum DefaultValue {
    /// Of whole numbers and booleans.
    Integer(i64),
    /// Of numbers.
    Number(f64),
    /// Of texts, choices and bands.
    Text(&'static str),
    /// Of lists.
    List(Vec<DefaultValue>),
}

/// The declaration of a setting of type `T`, so that defaults and ranges are of that type.
pub struct Declared<T>(Declaration, PhantomData<T>);

impl<T: SettingType> Declared<T> {
    /// A setting without default, range and choices.
    pub fn new(field: &str, docs: &[&str]) -> Self {
        let lines =
            docs.iter().flat_map(|doc| doc.split('\n')).map(str::trim).skip_while(|line| line.is_empty());
        let declaration = Declaration {
            key: field.strip_prefix("r#").unwrap_or(field).replace('_', "-"),
            doc: lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" "),
            kind: T::TYPE,
            element: T::ELEMENT,
            optional: T::OPTIONAL,
            default: None,
            choices: &[],
            limits: None,
        };
        Declared(declaration, PhantomData)
    }

    /// With a value that counts where the rules file says none.
    pub fn default(mut self, value: impl DefaultOf<T>) -> Self {
        self.0.default = Some(value.value());
        self
    }

    /// With a range that numbers are held to.
    pub fn range(mut self, range: impl Limits<T::Number>) -> Self {
        self.0.limits = Some(range.limits());
        self
    }

    /// The declaration.
    pub fn done(self) -> Declaration {
        self.0
    }
}

impl Declared<Choice> {
    /// With the texts to choose from.
    pub fn choices(mut self, choices: &'static [&'static str]) -> Self {
        self.0.choices = choices;
        self
    }
}

impl Declared<Option<Choice>> {
    /// With the texts to choose from.
    pub fn choices(mut self, choices: &'static [&'static str]) -> Self {
        self.0.choices = choices;
        self
    }
}

impl Declaration {
    /// Refuses what only shows at run time.
    ///
    /// # Errors
    /// What is wrong with it, for the author of the plugin.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let mistake = |what: String| Err(Error::new(format!("the plugin's setting {} {what}", self.key)));
        if self.kind == abi::TYPE_CHOICE && self.choices.is_empty() {
            return mistake("is a choice and has no choices: say `, of [\"…\"]`".into());
        }
        if let Some((min, max)) = self.limits.filter(|(min, max)| min.is_nan() || max.is_nan() || min > max) {
            return mistake(format!("has a range without numbers, {min} to {max}"));
        }
        match self.default.iter().find(|default| !self.takes(default)) {
            Some(default) => mistake(format!("has a default that it does not take, {default:?}")),
            None => Ok(()),
        }
    }

    fn takes(&self, value: &DefaultValue) -> bool {
        let within = |number: f64| self.limits.is_none_or(|(min, max)| min <= number && number <= max);
        match value {
            DefaultValue::Integer(integer) => within(*integer as f64),
            DefaultValue::Number(number) => number.is_finite() && within(*number),
            DefaultValue::Text(text) if self.kind == abi::TYPE_CHOICE => self.choices.contains(text),
            DefaultValue::Text(text) => !text.contains('\0'),
            DefaultValue::List(items) => items.iter().all(|item| self.takes(item)),
        }
    }

    /// The declaration as C has it. It stays where it is for ever.
    pub(crate) fn leak(&self) -> abi::Setting {
        let (min, max) = self.limits.unwrap_or_default();
        abi::Setting {
            key: leak_text(&self.key),
            doc: leak_text(&self.doc),
            kind: self.kind,
            element: self.element,
            default_value: self.default.as_ref().map_or(unset(), |value| value.leak(self.choices)),
            required: u32::from(self.default.is_none() && !self.optional),
            choice_count: self.choices.len() as u32,
            choices: leak_slice(self.choices.iter().map(|choice| leak_text(choice)).collect()),
            min,
            max,
        }
    }
}

fn unset() -> abi::Value {
    let (text, items) = (std::ptr::null(), std::ptr::null());
    abi::Value { is_set: 0, count: 0, integer: 0, number: 0.0, text, items }
}

impl DefaultValue {
    fn leak(&self, choices: &[&str]) -> abi::Value {
        let set = abi::Value { is_set: 1, ..unset() };
        match self {
            DefaultValue::Integer(integer) => abi::Value { integer: *integer, ..set },
            DefaultValue::Number(number) => abi::Value { number: *number, ..set },
            DefaultValue::Text(text) => {
                let choice = choices.iter().position(|choice| choice == text).unwrap_or(0);
                abi::Value { text: leak_text(text), count: choice as u32, ..set }
            }
            DefaultValue::List(items) => {
                let values = items.iter().map(|item| item.leak(&[])).collect();
                abi::Value { items: leak_slice(values), count: items.len() as u32, ..set }
            }
        }
    }
}

/// What can be written as the default of a setting of type `T`.
#[diagnostic::on_unimplemented(message = "a setting of type `{T}` has no default of type `{Self}`")]
pub trait DefaultOf<T> {
    /// The value.
    fn value(self) -> DefaultValue;
}

macro_rules! default_of {
    ($($type:ty, $written:ty => $value:expr;)*) => {
        $(impl DefaultOf<$type> for $written {
            fn value(self) -> DefaultValue {
                $value(self)
            }
        })*
    };
}
default_of! {
    i64, i64 => DefaultValue::Integer;
    f64, f64 => DefaultValue::Number;
    bool, bool => |value| DefaultValue::Integer(i64::from(value));
    String, &'static str => DefaultValue::Text;
    Choice, &'static str => DefaultValue::Text;
    Band, &'static str => DefaultValue::Text;
}

impl<T: Element, const N: usize> DefaultOf<Vec<T>> for [T::Written; N] {
    fn value(self) -> DefaultValue {
        DefaultValue::List(self.into_iter().map(DefaultOf::value).collect())
    }
}

/// A range of numbers, its ends included.
#[diagnostic::on_unimplemented(message = "a setting of `{N}` has no range of type `{Self}`")]
pub trait Limits<N> {
    /// Smallest and largest number, infinite where the range is open.
    fn limits(self) -> (f64, f64);
}

/// A type of numbers that have ranges.
pub trait Number {
    /// As the header has it.
    fn limit(self) -> f64;
}
impl Number for i64 {
    fn limit(self) -> f64 {
        self as f64
    }
}
impl Number for f64 {
    fn limit(self) -> f64 {
        self
    }
}
impl Number for NoNumber {
    fn limit(self) -> f64 {
        match self {}
    }
}

impl<N: Number> Limits<N> for RangeInclusive<N> {
    fn limits(self) -> (f64, f64) {
        let (min, max) = self.into_inner();
        (min.limit(), max.limit())
    }
}
impl<N: Number> Limits<N> for RangeFrom<N> {
    fn limits(self) -> (f64, f64) {
        (self.start.limit(), f64::INFINITY)
    }
}
impl<N: Number> Limits<N> for RangeToInclusive<N> {
    fn limits(self) -> (f64, f64) {
        (f64::NEG_INFINITY, self.end.limit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(declaration: Declaration) -> String {
        declaration.check().unwrap_err().to_string()
    }

    #[test]
    fn the_first_paragraph_of_a_doc_comment_is_one_line() {
        let docs = [" The band", " to read.", "", " More of it."];
        let declaration = Declared::<Band>::new("blue_band", &docs).done();
        assert_eq!((&*declaration.key, &*declaration.doc), ("blue-band", "The band to read."));
        assert_eq!(Declared::<i64>::new("r#type", &["x"]).done().key, "type");
    }

    #[test]
    fn a_default_that_the_setting_would_not_take_is_refused() {
        let outside = Declared::<i64>::new("radius", &["x"]).default(7).range(0..=5).done();
        assert_eq!(
            mistake(outside),
            "the plugin's setting radius has a default that it does not take, Integer(7)"
        );
        let listed = Declared::<Vec<f64>>::new("weights", &["x"]).default([0.5, f64::NAN]).done();
        assert!(mistake(listed).contains("List([Number(0.5), Number(NaN)])"));
        let misspelt =
            Declared::<Choice>::new("mode", &["x"]).default("maen").choices(&["mean", "max"]).done();
        assert!(mistake(misspelt).contains("Text(\"maen\")"));
        let zero = Declared::<String>::new("note", &["x"]).default("a\0b").done();
        assert!(mistake(zero).contains("does not take"));
    }

    #[test]
    fn a_choice_without_choices_and_a_range_upside_down_are_refused() {
        assert!(mistake(Declared::<Choice>::new("mode", &["x"]).done()).contains("has no choices"));
        #[allow(clippy::reversed_empty_ranges)]
        let upside_down = Declared::<f64>::new("limit", &["x"]).range(1.0..=0.0).done();
        assert!(mistake(upside_down).contains("has a range without numbers, 1 to 0"));
    }
}
