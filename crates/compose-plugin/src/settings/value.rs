//! The value of a setting, as compose passes it.

#![allow(unsafe_code)]

use crate::{abi, raw};

/// The value of a setting.
#[derive(Clone, Copy)]
pub struct Value<'a>(pub(super) &'a abi::Value);

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
        // SAFETY: a text of the host, see `super::values::Values::new`.
        if self.0.text.is_null() { "" } else { unsafe { raw::text(self.0.text) } }
    }

    /// Of lists; none for other types.
    pub fn items(self) -> impl Iterator<Item = Value<'a>> {
        let len = if self.0.items.is_null() { 0 } else { self.0.count };
        // SAFETY: values of the host, see `super::values::Values::new`.
        unsafe { raw::slice(self.0.items, len) }.iter().map(Value)
    }
}
