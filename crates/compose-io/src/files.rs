//! Several files that get their names together, and files that must stay as they are.

mod inputs;

pub use inputs::Inputs;

use crate::write::{Draft, Pending, WriteError};
use std::path::{Path, PathBuf};

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

/// Gives every file its name, in this order; when one fails, those that were new are taken away again.
///
/// # Errors
/// The first that cannot be given its name.
pub fn commit_all(files: Vec<Pending>) -> Result<(), WriteError> {
    // From here on the program is not ended from outside of this function.
    let mut named = crate::write::draft::naming();
    let mut fresh: Vec<PathBuf> = Vec::new();
    for file in files {
        let path = file.path().to_owned();
        let existed = path.symlink_metadata().is_ok();
        if let Err(error) = file.commit() {
            for path in fresh {
                // The first error is the one to report.
                let _ = std::fs::remove_file(path);
            }
            return Err(error);
        }
        if !existed {
            fresh.push(path);
        }
    }
    *named = true;
    Ok(())
}
