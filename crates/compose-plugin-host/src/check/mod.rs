//! The conformance kit: tries a library before a run depends on it.
//!
//! Trials run in another process, so that a crash, an endless loop or an `exit` is a finding:
//! [`check`] (in the process that reports) starts the program again with `--trials-from KIND/TRIAL`, where [`trial`]
//! loads the library, does trial after trial until one finds a fault, and prints what it found; the lines of
//! `findings::Line` get across what a plugin prints in between. After a fault the next trial begins in a new process.
//!
//! Data flow in a trial: made-up scenes (`fixtures`) and settings (`sample_settings`) → an instance that has planned
//! (`setup::Setup`) → calls (`call`) of windows, with rows, surroundings and invalid samples laid out so that
//! reading or writing where it is not allowed shows → answers, held against the header and against each other.
//!
//! The functions are called directly, not through the kinds that a run uses: these would hide a fault that only
//! shows with other strides, and refuse what the kit wants to name.

mod bench;
mod buffers;
mod call;
mod calls;
mod findings;
mod fixtures;
mod kind;
mod parent;
mod process;
mod random;
mod sample_settings;
mod setup;
mod stop;
mod trial;
mod trials;
mod user_settings;
mod violations;

pub use findings::{Fault, Outcome, Tried};
pub use parent::{CheckError, Report, check};
pub use process::Request;
pub use trial::{Trials, trial};
