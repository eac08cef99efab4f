//! Settings: a struct whose fields the rules file sets, and their declarations for compose.

mod declare;
mod default_value;
pub(crate) mod key;
mod limits;
mod types;
mod value;
mod values;

pub use declare::{Declaration, Declared};
pub use key::check;
pub use types::{Band, Choice};
pub use values::Values;

use crate::Error;

/// A struct of settings, made with [`settings!`](crate::settings!), or `()` for none.
pub trait Settings: Sized {
    /// What the settings are, in the order of the fields.
    #[doc(hidden)]
    fn declare() -> Vec<Declaration>;

    /// Reads one value for each declaration.
    #[doc(hidden)]
    fn read(values: &mut Values<'_>) -> Result<Self, Error>;
}

impl Settings for () {
    fn declare() -> Vec<Declaration> {
        Vec::new()
    }

    fn read(_: &mut Values<'_>) -> Result<Self, Error> {
        Ok(())
    }
}

/// Makes a struct of settings, with public fields, and declares them to compose, which checks the rules file.
///
/// A field is `name: Type`, then `= default`, then `, in range` or `, of [choices]`, then `;`. The key in the rules
/// file is the field's name with `-` for `_`. The first paragraph of its doc comment, which it must have, is what
/// users read: what the setting means, and its unit. Without a default the rules file must say a value, except for
/// `Option`, which has no default and is `None` where nothing is said.
///
/// | type | in the rules file | default | |
/// |---|---|---|---|
/// | `i64` | a whole number | `3` | `, in 0..=9`, `, in 0..`, `, in ..=9` |
/// | `f64` | a number | `0.3` | `, in 0.0..=1.0`, and open ends as above |
/// | `bool` | `true`, `false` | `true` | |
/// | `String` | any text | `"text"` | |
/// | [`Choice`] | one of the texts | `"mean"` | `, of ["mean", "max"]` |
/// | [`Band`] | name or alias of a band | `"red"` | |
/// | `Vec` of `i64`, `f64`, `String`, [`Band`] | a list | `[1, 2]`, `[]` | a range holds for each number |
/// | `Option` of any but `Vec` | as without it | | as without it |
///
/// The struct has `Clone`, `Debug` and `PartialEq`.
///
/// ```
/// use compose_plugin::{Band, Choice};
///
/// compose_plugin::settings! {
///     /// Settings of `haze`.
///     pub struct Settings {
///         /// The band to read.
///         band: Band;
///         /// Larger reflectances are marked.
///         limit: f64 = 0.3, in 0.0..=1.0;
///         /// How neighbours count.
///         mode: Choice = "mean", of ["mean", "max"];
///         /// The months to look at; empty for all.
///         months: Vec<i64> = [], in 1..=12;
///         /// The most donors to use.
///         at_most: Option<i64>, in 1..;
///     }
/// }
/// # let settings = Settings {
/// #     band: "red".into(), limit: 0.3, mode: "mean".into(), months: vec![], at_most: None
/// # };
/// assert_eq!(settings.mode, "mean");
/// ```
///
/// A field that cannot be a setting is refused when the plugin is compiled:
///
/// ```compile_fail
/// compose_plugin::settings! {
///     struct Settings {
///         /// Tables of rules files have a key `kind` of their own.
///         kind: String;
///     }
/// }
/// # impl Settings { fn check() { <Settings as compose_plugin::Settings>::declare(); } }
/// ```
///
/// So is one without a doc comment, and a default or range of another type:
///
/// ```compile_fail
/// compose_plugin::settings! { struct Settings { radius: i64; } }
/// # impl Settings { fn check() { <Settings as compose_plugin::Settings>::declare(); } }
/// ```
/// ```compile_fail
/// compose_plugin::settings! {
///     struct Settings {
///         /// Pixels.
///         radius: i64 = 0.5;
///     }
/// }
/// ```
#[macro_export]
macro_rules! settings {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $doc:expr])*
                $field:ident : $type:ty
                $(= $default:expr)? $(, in $range:expr)? $(, of [$($choice:expr),+ $(,)?])? ;
            )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $name {
            $($(#[doc = $doc])* pub $field: $type,)*
        }

        $(const _: () = $crate::macros::check(stringify!($field), &[$($doc),*], &[$($($choice),+)?]);)*

        impl $crate::Settings for $name {
            fn declare() -> ::std::vec::Vec<$crate::macros::Declaration> {
                ::std::vec![$(
                    $crate::macros::Declared::<$type>::new(stringify!($field), &[$($doc),*])
                        $(.default($default))? $(.range($range))? $(.choices(&[$($choice),+]))?
                        .done()
                ),*]
            }

            fn read(
                values: &mut $crate::macros::Values<'_>,
            ) -> ::std::result::Result<Self, $crate::Error> {
                let _ = &values;
                ::std::result::Result::Ok($name { $($field: values.next(stringify!($field))?,)* })
            }
        }
    };
}
