//! A program that exits while a plugin is at work: because the plugin exits, or because nobody waits for it.

#![allow(unsafe_code)]

use crate::call::{Busy, PluginHost};
use std::ffi::c_int;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

unsafe extern "C" {
    fn atexit(function: extern "C" fn()) -> c_int;
    fn _exit(status: c_int) -> !;
}

/// Whether an end of the program is not meant.
static WATCHED: AtomicBool = AtomicBool::new(false);

/// The calls in progress, and the function to call when the process ends.
static ON_EXIT: OnceLock<(Busy, OnExit)> = OnceLock::new();

/// Cleans up and says what has happened, given the calls that had not returned; the exit status.
pub type OnExit = fn(&[String]) -> i32;

/// While it lives, a plugin that calls `exit` does not end the program with success and without a word.
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
