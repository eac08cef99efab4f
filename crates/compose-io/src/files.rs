//! Several files that get their names together, and files that must stay as they are.
//!
//! | module | for |
//! |---|---|
//! | `inputs` | what is read, which no output may replace |
//! | `watched` | what must stay as it was planned |
//! | `drafts` | what a run has on the disk before its files have their names (`beside`: where) |
//! | `lock` | what another run is writing (`owner`: who; `holder`: does it still run), and the tiles that runs share among them |
//! | `digest` | size and hash, by which a set of files is known again |

pub(crate) mod beside;
mod digest;
pub(crate) mod drafts;
mod holder;
mod inputs;
mod lock;
mod owner;
#[cfg(test)]
mod tests;
mod watched;

pub use beside::{folder_of, from_folder_of};
pub use digest::Digest;
pub use drafts::Drafts;
pub use inputs::Inputs;
pub use lock::{Claim, Locks};
pub use watched::Watched;

use crate::write::publish::Named;
use crate::write::{Draft, Pending, WriteError, refuse_existing};
use std::path::Path;

/// A text file of a run under a temporary name.
///
/// # Errors
/// The folder cannot be written to, or the disk is full.
pub fn text_file(path: &Path, text: &str, drafts: &Drafts) -> Result<Pending, WriteError> {
    let draft = Draft::new(path, drafts)?;
    std::fs::write(draft.file(), text)
        .map_err(|cause| WriteError::System { path: path.to_owned(), cause })?;
    draft.finish()
}

/// The conditions under which files get their final names.
pub struct Naming<'a> {
    /// Whether they may replace others.
    pub overwrite: bool,
    /// The files that they must not replace.
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
    let drafts = how.locks.drafts().clone();
    // From here on the run is not abandoned before all files have their names, or none.
    let mut naming = drafts.begin_naming()?;
    for path in files.iter().map(Pending::path) {
        how.inputs.refuse(path)?;
        refuse_existing(path, how.overwrite)?;
    }
    let Some(first) = files.first().map(|file| file.path().to_owned()) else { return Ok(()) };
    how.locks.beat()?;
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
    naming.complete();
    done.into_iter().try_for_each(Named::settle)
}
