//! Panics, as errors: none may cross the border.

use crate::Error;
use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::sync::Once;

#[cfg(panic = "abort")]
compile_error!("compose plugins need panic = \"unwind\": a panic that aborts takes compose with it");

thread_local! {
    /// Whether a shim of this layer is running on this thread.
    static RUNNING: Cell<bool> = const { Cell::new(false) };
    /// What the hook heard of since that shim began.
    static HEARD: Cell<Option<String>> = const { Cell::new(None) };
}

/// Runs `body`; a panic in it becomes an error that says where.
pub(crate) fn catch<T>(body: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    HEARD.set(None);
    let before = RUNNING.replace(true);
    // Unwind safe: after an error the host only destroys the instance.
    let result = panic::catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| Err(error_of(payload)));
    RUNNING.set(before);
    result
}

fn error_of(payload: Box<dyn Any + Send>) -> Error {
    // The hook does not hear of `resume_unwind`.
    let message = HEARD.take().unwrap_or_else(|| format!("panicked: {}", text_of(&*payload)));
    // What was thrown may panic when it is dropped, and so may what it throws then: there it ends.
    if let Err(another) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(another);
    }
    Error::new(message)
}

/// Listens to panics, once: a panic within [`catch`] is kept for its error, others go where they went before.
pub(crate) fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            // A second panic within one shim may end the process: this is the last chance to tell of it.
            if !RUNNING.get() || HEARD.replace(Some(describe(info))).is_some() {
                previous(info);
            }
        }));
    });
}

fn describe(info: &PanicHookInfo<'_>) -> String {
    let said = text_of(info.payload());
    info.location().map_or_else(|| format!("panicked: {said}"), |at| format!("panicked at {at}: {said}"))
}

fn text_of(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}
