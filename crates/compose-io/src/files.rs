//! Several files that get their names together, and files that must stay as they are.
//!
//! | module | for |
//! |---|---|
//! | `inputs` | what is read, which no output may replace |
//! | `lock` | what another run is writing (`owner`: who) |
//! | `digest` | size and hash, by which a set of files is known again |

mod digest;
mod inputs;
mod lock;
mod owner;

pub use digest::Digest;
pub use inputs::Inputs;
pub use lock::Locks;

pub(crate) use lock::abandon;

use crate::write::draft::{Named, naming};
use crate::write::{Draft, Pending, WriteError, refuse_existing};
use std::path::Path;

/// A text file under a temporary name.
///
/// # Errors
/// The folder cannot be written to, or the disk is full.
pub fn text_file(path: &Path, text: &str) -> Result<Pending, WriteError> {
    let draft = Draft::new(path)?;
    std::fs::write(draft.file(), text)
        .map_err(|cause| WriteError::System { path: path.to_owned(), cause })?;
    draft.finish()
}

/// How files get their names.
pub struct Naming<'a> {
    /// Whether they may replace others.
    pub overwrite: bool,
    /// What they may not replace.
    pub inputs: &'a Inputs,
    /// The locks of all of them.
    pub locks: &'a mut Locks,
    /// Called after each.
    pub named: &'a dyn Fn(&Path),
}

/// Gives every file its name, in this order. When one fails, those that have theirs are taken away again, and what they
/// replaced is put back.
///
/// # Errors
/// The first that cannot be given its name: a file that is read, or without `overwrite` any file, has come to its place.
pub fn commit_all(files: Vec<Pending>, how: Naming<'_>) -> Result<(), WriteError> {
    // From here on the program is not ended from outside of this function.
    let mut all_named = naming();
    for path in files.iter().map(Pending::path) {
        how.inputs.refuse(path)?;
        refuse_existing(path, how.overwrite)?;
    }
    let Some(first) = files.first().map(|file| file.path().to_owned()) else { return Ok(()) };
    how.locks.begin_naming().map_err(|cause| WriteError::System { path: first, cause })?;
    let mut done: Vec<Named> = Vec::new();
    for file in files {
        let path = file.path().to_owned();
        match file.name(how.overwrite) {
            Ok(named) => done.push(named),
            Err(error) => {
                // The first error is the one to report.
                done.into_iter().rev().for_each(Named::undo);
                return Err(error);
            }
        }
        (how.named)(&path);
    }
    *all_named = true;
    done.into_iter().try_for_each(Named::settle)
}
