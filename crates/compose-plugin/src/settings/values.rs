//! The values of settings, as compose passes them.

#![allow(unsafe_code)]

use super::SettingType;
use crate::{Error, abi, raw};

/// The value of a setting.
#[derive(Clone, Copy)]
pub struct Value<'a>(&'a abi::Value);

impl<'a> Value<'a> {
    /// Whether the rules file or a default says a value.
    pub fn is_set(self) -> bool {
        self.0.is_set != 0
    }

    /// Of whole numbers and booleans.
    pub fn integer(self) -> i64 {
        self.0.integer
    }

    /// Of numbers.
    pub fn number(self) -> f64 {
        self.0.number
    }

    /// Of texts, choices and bands; empty for other types.
    pub fn text(self) -> &'a str {
        // SAFETY: a text of the host, see `Values::new`.
        if self.0.text.is_null() { "" } else { unsafe { raw::text(self.0.text) } }
    }

    /// Of lists; none for other types.
    pub fn items(self) -> impl Iterator<Item = Value<'a>> {
        let len = if self.0.items.is_null() { 0 } else { self.0.count };
        // SAFETY: values of the host, see `Values::new`.
        unsafe { raw::slice(self.0.items, len) }.iter().map(Value)
    }
}

/// The values of all settings of a kind, in the order of their declarations.
pub struct Values<'a>(std::slice::Iter<'a, abi::Value>);

impl<'a> Values<'a> {
    /// # Safety
    /// `values` must point at `count` values, which are as the header says and live unchanged for `'a`.
    pub(crate) unsafe fn new(values: *const abi::Value, count: u32) -> Self {
        // SAFETY: the caller vouches for the values.
        Values(unsafe { raw::slice(values, count) }.iter())
    }

    /// How many are left.
    pub fn left(&self) -> usize {
        self.0.len()
    }

    /// The next value, that of `field`.
    ///
    /// # Errors
    /// Where there is none, which is a fault of the host.
    pub fn next<T: SettingType>(&mut self, field: &str) -> Result<T, Error> {
        let value = self.0.next().map(Value).filter(|value| T::OPTIONAL || value.is_set());
        value.map(T::read).ok_or_else(|| Error::new(format!("the host passed no value for setting {field}")))
    }
}
