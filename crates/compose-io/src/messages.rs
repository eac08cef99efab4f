//! GDAL's messages, caught per call instead of printed.
//!
//! GDAL calls its error handler on the thread that met the error, so a thread-local list tells which call a
//! message belongs to.

use gdal::errors::{CplErrType, GdalError};
use std::cell::RefCell;
use std::sync::Once;

thread_local! {
    static CAUGHT: RefCell<Vec<(bool, String)>> = const { RefCell::new(Vec::new()) };
}

fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        gdal::config::set_error_handler(|class, _number, message| {
            let failure = matches!(class, CplErrType::Failure | CplErrType::Fatal);
            CAUGHT.with_borrow_mut(|caught| caught.push((failure, message.trim().to_owned())));
        });
    });
}

/// Runs `call` and turns a failure into its message. A call that "succeeds" while GDAL reported a failure
/// is a failure too: its pixels cannot be trusted.
pub(crate) fn checked<T>(call: impl FnOnce() -> Result<T, GdalError>) -> Result<T, String> {
    install();
    CAUGHT.with_borrow_mut(Vec::clear);
    let result = call();
    let caught = CAUGHT.with_borrow_mut(std::mem::take);
    let failure = caught.iter().find(|(failure, _)| *failure).map(|(_, text)| text.clone());
    match (result, failure) {
        (Ok(value), None) => Ok(value),
        (_, Some(text)) => Err(text),
        (Err(error), None) => Err(caught.last().map_or_else(|| plain(&error), |(_, text)| text.clone())),
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
