//! Files that must stay what they were from the plan to the end of the run.

use crate::IoError;
use crate::header::Fingerprint;
use std::path::{Path, PathBuf};

/// Files, each with what it was like when it was planned.
#[derive(Clone, Debug, Default)]
pub struct Watched(Vec<(PathBuf, Fingerprint)>);

impl Watched {
    /// The files at these paths as they are now; without those that are not there.
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let known = |path: PathBuf| Fingerprint::of(&path).ok().map(|fingerprint| (path, fingerprint));
        Self(paths.into_iter().filter_map(known).collect())
    }

    /// The files, each with what it was like.
    pub fn files(&self) -> impl Iterator<Item = (&Path, &Fingerprint)> {
        self.0.iter().map(|(path, fingerprint)| (path.as_path(), fingerprint))
    }

    /// Leaves those out that need not stay.
    pub fn retain(&mut self, stays: impl Fn(&Path) -> bool) {
        self.0.retain(|(path, _)| stays(path));
    }

    /// Checks that all of them are what they were.
    ///
    /// # Errors
    /// [`IoError::Changed`], or a file is gone.
    pub fn check_unchanged(&self) -> Result<(), IoError> {
        let changed = |(path, known): &(PathBuf, Fingerprint)| match Fingerprint::of(path) {
            Ok(now) if now == *known => Ok(()),
            Ok(_) => Err(IoError::Changed { path: path.clone() }),
            Err(error) => Err(error),
        };
        self.0.iter().try_for_each(changed)
    }
}
