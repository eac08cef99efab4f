//! Values that count where the rules file says none.

use crate::abi;
use crate::raw::{leak_slice, leak_text};

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

/// What can be written as the default of a setting of type `T`.
#[diagnostic::on_unimplemented(message = "a setting of type `{T}` has no default of type `{Self}`")]
pub trait DefaultOf<T> {
    /// The value.
    fn value(self) -> DefaultValue;
}

/// No value.
pub(super) fn unset() -> abi::Value {
    let (text, items) = (std::ptr::null(), std::ptr::null());
    abi::Value { is_set: 0, count: 0, integer: 0, number: 0.0, text, items }
}

impl DefaultValue {
    /// The value as C has it; of a choice, with its place among the choices. It stays where it is for ever.
    pub(super) fn leak(&self, choices: &[&str]) -> abi::Value {
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
