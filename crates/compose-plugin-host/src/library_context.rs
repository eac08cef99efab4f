//! Loaded libraries and the kinds made of them: they outlive every run.

use crate::call::PluginHost;
use std::sync::RwLock;

/// The state that the kinds of one library share.
#[derive(Clone, Copy)]
pub(crate) struct LibraryContext {
    pub host: PluginHost,
    /// Locked for writing by calls of kinds that allow only one call into the library at a time; other calls lock it
    /// for reading.
    pub lock: &'static RwLock<()>,
}

/// Leaks a value: kinds live as long as the library, which is never unloaded.
pub(crate) fn leak<T>(thing: T) -> &'static T {
    Box::leak(Box::new(thing))
}
