//! The types that a setting can have.

use super::default_value::{DefaultOf, DefaultValue};
use super::value::Value;
use crate::abi;
use std::fmt;
use std::ops::Deref;

/// A type of settings.
#[diagnostic::on_unimplemented(message = "`{Self}` is no type of settings")]
pub trait SettingType: Sized {
    /// As the header numbers types.
    const TYPE: u32;
    /// The type of a list's elements.
    const ELEMENT: u32 = 0;
    /// Whether the rules file need not say a value though there is no default.
    const OPTIONAL: bool = false;
    /// What ranges are made of.
    type Number;
    /// Reads a value that is set, unless the type is optional.
    fn read(value: Value<'_>) -> Self;
}

/// A type that a setting may have as `Option`.
pub trait Scalar: SettingType {}

/// A type that a setting may have a list of.
pub trait Element: SettingType {
    /// How a value is written as a default.
    type Written: DefaultOf<Self>;
}

/// What types without ranges have ranges of.
pub enum NoNumber {}

/// The name or alias of a band. It is a text: `scene.find(&settings.band)?`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Band(String);

/// One of the texts that a setting can choose from. It is a text: `settings.mode == "mean"`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Choice(String);

macro_rules! is_text {
    ($($type:ident),*) => {
        $(
            impl $type {
                /// The text.
                pub fn as_str(&self) -> &str {
                    &self.0
                }
            }
            impl Deref for $type {
                type Target = str;
                fn deref(&self) -> &str {
                    &self.0
                }
            }
            impl From<&str> for $type {
                fn from(text: &str) -> Self {
                    $type(text.into())
                }
            }
            impl PartialEq<str> for $type {
                fn eq(&self, other: &str) -> bool {
                    self.0 == other
                }
            }
            impl PartialEq<&str> for $type {
                fn eq(&self, other: &&str) -> bool {
                    self.0 == *other
                }
            }
            impl fmt::Display for $type {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    self.0.fmt(f)
                }
            }
        )*
    };
}
is_text!(Band, Choice);

macro_rules! scalar {
    ($($type:ty, $number:ty, $tag:ident, $value:ident => $read:expr;)*) => {
        $(
            impl SettingType for $type {
                const TYPE: u32 = abi::$tag;
                type Number = $number;
                fn read($value: Value<'_>) -> Self {
                    $read
                }
            }
            impl Scalar for $type {}
        )*
    };
}
scalar! {
    i64, i64, TYPE_INT, value => value.integer();
    f64, f64, TYPE_FLOAT, value => value.number();
    bool, NoNumber, TYPE_BOOL, value => value.integer() != 0;
    String, NoNumber, TYPE_STRING, value => value.text().into();
    Choice, NoNumber, TYPE_CHOICE, value => Choice(value.text().into());
    Band, NoNumber, TYPE_BAND, value => Band(value.text().into());
}

impl Element for i64 {
    type Written = i64;
}
impl Element for f64 {
    type Written = f64;
}
impl Element for String {
    type Written = &'static str;
}
impl Element for Band {
    type Written = &'static str;
}

impl<T: Element> SettingType for Vec<T> {
    const TYPE: u32 = abi::TYPE_LIST;
    const ELEMENT: u32 = T::TYPE;
    type Number = T::Number;
    fn read(value: Value<'_>) -> Self {
        value.items().map(T::read).collect()
    }
}

impl<T: Scalar> SettingType for Option<T> {
    const TYPE: u32 = T::TYPE;
    const OPTIONAL: bool = true;
    type Number = T::Number;
    fn read(value: Value<'_>) -> Self {
        value.is_set().then(|| T::read(value))
    }
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
