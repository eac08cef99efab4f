//! The end of the process while a call of a plugin runs: the plugin itself calls `exit`, or the program stops without
//! waiting for the call.

#![allow(unsafe_code)]

use crate::call::{Busy, PluginHost};
use std::ffi::c_int;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

unsafe extern "C" {
    fn atexit(function: extern "C" fn()) -> c_int;
    fn _exit(status: c_int) -> !;
}

/// True while an [`ExitWatch`] lives: an `exit` then comes from a plugin.
static WATCHED: AtomicBool = AtomicBool::new(false);

/// The calls in progress, and the function to call when the process ends.
static ON_EXIT: OnceLock<(Busy, OnExit)> = OnceLock::new();

/// Cleans up and reports what has happened, given the calls that had not returned; returns the exit status.
pub type OnExit = fn(&[String]) -> i32;

/// While it lives, a call of `exit` by a plugin runs the function `on_exit`, whose result is the exit status. Without
/// it the program would end silently, with the status that the plugin chose.
#[must_use = "dropped at once it watches nothing"]
pub struct ExitWatch(());

impl PluginHost {
    /// Has `on_exit` called where a plugin ends the program. Only one watch lives at a time.
    pub fn watch_exit(&self, on_exit: OnExit) -> ExitWatch {
        if ON_EXIT.set((self.busy(), on_exit)).is_ok() {
            // SAFETY: the function is there for ever and takes nothing. Should it not be taken (there is room for
            // 32), a plugin that calls `exit` is not noticed.
            unsafe { atexit(exiting) };
        }
        WATCHED.store(true, Ordering::SeqCst);
        ExitWatch(())
    }
}

impl Drop for ExitWatch {
    fn drop(&mut self) {
        WATCHED.store(false, Ordering::SeqCst);
    }
}

extern "C" fn exiting() {
    if WATCHED.swap(false, Ordering::SeqCst)
        && let Some((busy, on_exit)) = ON_EXIT.get()
    {
        end_now(on_exit(&busy.calls()));
    }
}

/// Ends the program at once: no destructor of a library runs, for others may still be in it.
pub fn end_now(status: i32) -> ! {
    // SAFETY: takes a number and does not return.
    unsafe { _exit(status) }
}
