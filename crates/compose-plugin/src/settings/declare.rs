//! Declarations of settings, as the macro writes them and as C has them.

use super::default_value::{DefaultOf, DefaultValue, unset};
use super::limits::Limits;
use super::types::{Choice, SettingType};
use crate::raw::{leak_slice, leak_text};
use crate::{Error, abi};
use std::marker::PhantomData;

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

#[cfg(test)]
mod tests {
    use super::super::types::Band;
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
