//! GDAL's messages, caught per call instead of printed.
//!
//! GDAL calls its error handler on the thread that met the error, so a thread-local list tells which call a
//! message belongs to.

use crate::text::one_line;
use gdal::errors::{CplErrType, GdalError};
use std::cell::{Cell, RefCell};
use std::sync::Once;

thread_local! {
    static CAUGHT: RefCell<Vec<Message>> = const { RefCell::new(Vec::new()) };
    /// The number of calls of [`heard`] that wait for messages.
    static LISTENING: Cell<usize> = const { Cell::new(0) };
}

/// Something that GDAL said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// Whether it is an error, not a warning.
    pub failure: bool,
    /// Its text, on one line.
    pub text: String,
}

fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        gdal::config::set_error_handler(|class, _number, message| {
            let failure = matches!(class, CplErrType::Failure | CplErrType::Fatal);
            let said = matches!(class, CplErrType::Warning) || failure;
            let message = Message { failure, text: shown(message) };
            CAUGHT.with_borrow_mut(|caught| caught.extend(Some(message).filter(|_| said)));
        });
    });
}

/// A message of GDAL on one line: drivers pass on what stands in files.
fn shown(text: &str) -> String {
    const LONGEST: usize = 400;
    one_line(text, LONGEST)
}

/// Runs calls that may succeed while GDAL complains; what they give, and every message.
pub(crate) fn heard<T>(calls: impl FnOnce() -> T) -> (T, Vec<Message>) {
    install();
    let before = CAUGHT.with_borrow(Vec::len);
    LISTENING.set(LISTENING.get() + 1);
    let result = calls();
    LISTENING.set(LISTENING.get() - 1);
    (result, CAUGHT.with_borrow_mut(|caught| caught.split_off(before.min(caught.len()))))
}

/// Runs `call` and turns a failure into its message. A call that "succeeds" while GDAL reported a failure
/// is a failure too: its pixels cannot be trusted.
pub(crate) fn checked<T>(call: impl FnOnce() -> Result<T, GdalError>) -> Result<T, String> {
    let (result, caught) = heard(call);
    let failure = caught.iter().find(|message| message.failure).map(|message| message.text.clone());
    let last = caught.last().map(|message| message.text.clone());
    if LISTENING.get() > 0 {
        CAUGHT.with_borrow_mut(|all| all.extend(caught));
    }
    match (result, failure) {
        (Ok(value), None) => Ok(value),
        (_, Some(text)) => Err(text),
        (Err(error), None) => Err(last.unwrap_or_else(|| shown(&plain(&error)))),
    }
}

fn plain(error: &GdalError) -> String {
    match error {
        GdalError::CplError { msg, .. } | GdalError::NullPointer { msg, .. } if !msg.is_empty() => {
            msg.clone()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_hears_what_inner_calls_heard_as_well() {
        let driver = gdal::DriverManager::get_driver_by_name("GTiff").unwrap();
        let fails = || driver.create("/no/such/folder/x.tif", 1, 1, 1).map(|_| ());
        let (inner, said) = heard(|| checked(fails));
        assert_eq!(inner.unwrap_err(), said.last().unwrap().text);
        let (_, said) = heard(|| ());
        assert_eq!(said, []);
        assert!(checked(|| Ok(())).is_ok());
    }
}
