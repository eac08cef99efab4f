//! Control of a long computation: cancellation, progress, drafts.

use compose_io::files::Drafts;
use std::sync::atomic::AtomicBool;

/// Progress of a run, in pixels of all outputs together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Progress {
    pub done: u64,
    pub total: u64,
}

/// The connection of a run to its caller.
pub struct Control<'a> {
    /// Set to stop: no output is left behind.
    pub cancelled: &'a AtomicBool,
    /// Called after every block.
    pub progress: &'a dyn Fn(Progress),
    /// The drafts and locks that this run has on the disk.
    pub drafts: &'a Drafts,
}
