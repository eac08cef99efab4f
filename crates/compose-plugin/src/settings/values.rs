//! The values of settings, as compose passes them.

#![allow(unsafe_code)]

use super::types::SettingType;
use super::value::Value;
use crate::{Error, abi, raw};

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
