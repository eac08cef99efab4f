//! What a long computation is told from outside while it goes on, and what it tells.

use compose_io::files::Drafts;
use std::sync::atomic::AtomicBool;

/// How far a run is, in pixels of all outputs together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Progress {
    pub done: u64,
    pub total: u64,
}

/// What a run is told from outside while it goes on.
pub struct Control<'a> {
    /// Set to stop: no output is left behind.
    pub cancelled: &'a AtomicBool,
    /// Called after every block.
    pub progress: &'a dyn Fn(Progress),
    /// What the run has on the disk before its files have their names; of this run alone.
    pub drafts: &'a Drafts,
}
