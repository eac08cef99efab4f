//! What compose does for a plugin.

#![allow(unsafe_code)]

use crate::{Error, abi, raw};

/// What compose does for a plugin during a call.
///
/// It stays on the thread of the call: compose must not be called from threads of the plugin's own.
#[derive(Clone, Copy)]
pub struct Host<'a>(&'a abi::Host);

/// How much a text of [`Host::log`] matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Level {
    /// Worth knowing.
    Info = abi::LOG_INFO,
    /// Probably not what the user wants.
    Warning = abi::LOG_WARNING,
}

impl<'a> Host<'a> {
    /// # Safety
    /// `host` must be the pointer that compose passed to the current call, and `'a` must end with the call.
    pub(crate) unsafe fn new(host: *const abi::Host) -> Self {
        debug_assert!(!host.is_null(), "the host passed no host");
        // SAFETY: the header promises a host that is valid for ever and never changes.
        Host(unsafe { &*host })
    }

    /// The program's name.
    pub fn name(&self) -> &'a str {
        // SAFETY: a text of the host, valid for ever.
        unsafe { raw::text(self.0.name) }
    }

    /// The program's version.
    pub fn version(&self) -> &'a str {
        // SAFETY: a text of the host, valid for ever.
        unsafe { raw::text(self.0.version) }
    }

    /// Tells the user something that is no failure. Equal texts are shown once.
    pub fn log(&self, level: Level, message: &str) {
        let message = raw::c_string(message);
        if let Some(log) = self.0.log {
            // SAFETY: the host's function, its own pointer, and a text that lives until it returns.
            unsafe { log(self.0, level as u32, message.as_ptr()) };
        }
    }

    /// Whether the user has asked to stop. Ask every few milliseconds in long calls.
    pub fn cancelled(&self) -> bool {
        // SAFETY: the host's function with its own pointer.
        self.0.cancelled.is_some_and(|cancelled| unsafe { cancelled(self.0) } != 0)
    }

    /// [`Host::cancelled`] for `?`: `host.check_cancelled()?`.
    ///
    /// # Errors
    /// [`Error::cancelled`] once the user has asked to stop.
    pub fn check_cancelled(&self) -> Result<(), Error> {
        if self.cancelled() { Err(Error::cancelled()) } else { Ok(()) }
    }

    /// Says why the current call fails.
    pub(crate) fn set_error(&self, error: &Error) {
        let message = raw::c_string(&error.to_string());
        if let Some(set_error) = self.0.set_error {
            // SAFETY: the host's function, its own pointer, and a text that lives until it returns.
            unsafe { set_error(self.0, message.as_ptr()) };
        }
    }
}
