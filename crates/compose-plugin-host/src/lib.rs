//! Turns a shared library into kinds that a rules file can ask for like built-in ones.
//!
//! Data flow: `[[plugin]]` → [`PluginHost::load`] (file, versions, descriptors: [`Plugin`]) → kinds with the seams of
//! `compose-core` → (per scene or output) an instance that has planned → (per block) a call.
//! The other side of the border is `compose_plugin.h` in `compose-plugin`, which is the specification.
//!
//! A library is never unloaded, for its thread-local destructors would outlive its code. So what is made of it may
//! live as long as the program too: names and kinds are leaked once per library.
//!
//! `unsafe` is needed where the other side's pointers are followed and its functions called; each block says why it
//! may. What a library says once is read once, when it is loaded: `descriptor` copies it.

#![warn(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]

mod call;
pub mod check;
mod descriptor;
mod exit;
mod facts;
mod fill;
mod instance;
mod library;
mod library_context;
mod load_error;
mod open;
mod plan_checks;
mod planes;
mod scene_rule;
mod search;
mod settings;

pub use call::{Busy, PluginHost};
pub use exit::{ExitWatch, end_now};
pub use library::{Plugin, PluginKind};
pub use load_error::{LoadError, SEARCH_VARIABLE};
pub use open::KindSort;
pub use search::{find, libraries};
