//! Why a call failed.

use std::fmt;

/// Why a call failed: what the user reads.
///
/// compose adds the plugin, its version, the scene and the block. `?` turns texts and the usual errors of `std`
/// into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    message: String,
    cancelled: bool,
}

impl Error {
    /// A failure with that message: what was found, what was expected, what to do.
    pub fn new(message: impl Into<String>) -> Self {
        Error { message: message.into(), cancelled: false }
    }

    /// No failure, but the answer to [`Host::cancelled`](crate::Host::cancelled).
    pub fn cancelled() -> Self {
        Error { message: "cancelled".into(), cancelled: true }
    }

    /// Whether this is [`Error::cancelled`].
    pub fn is_cancelled(&self) -> bool {
        self.cancelled
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<&str> for Error {
    fn from(message: &str) -> Self {
        Error::new(message)
    }
}

impl From<String> for Error {
    fn from(message: String) -> Self {
        Error::new(message)
    }
}

macro_rules! from_errors_of_std {
    ($($error:ty),*) => {
        $(impl From<$error> for Error {
            fn from(error: $error) -> Self {
                Error::new(error.to_string())
            }
        })*
    };
}
from_errors_of_std!(
    std::io::Error,
    std::fmt::Error,
    std::num::ParseFloatError,
    std::num::ParseIntError,
    std::num::TryFromIntError,
    std::str::Utf8Error,
    std::string::FromUtf8Error
);
