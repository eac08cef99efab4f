//! The drafts and locks of a run. They are listed here so that a signal handler can remove all of them.

use super::beside::{folder_of, temporary};
use super::owner::Owner;
use crate::write::WriteError;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tempfile::TempDir;

/// The temporary folders and locks of one run. Every run has its own; clones are of the same run.
///
/// The files of a run get their names as one set, or as several, one after the other ([`Drafts::next_set`]).
#[derive(Clone, Debug, Default)]
pub struct Drafts(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    progress: Mutex<Progress>,
    there: Mutex<There>,
}

/// How far the files of a run are.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// Of the set that is in work.
    stage: Stage,
    /// Whether there is no set after this one.
    ends: bool,
    /// Sets whose files all have their names.
    named: usize,
}

/// The progress of a set of files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// None has its name.
    #[default]
    Unnamed,
    /// All have their names.
    Named,
    /// None will ever have a name.
    Abandoned,
}

/// The drafts and locks on the disk.
#[derive(Debug, Default)]
struct There {
    abandoned: bool,
    folders: Vec<PathBuf>,
    locks: Vec<(PathBuf, Owner)>,
}

/// Held while the files of a run get their names: [`Drafts::abandon`] waits until it is dropped, so that either all
/// files get names or none does.
pub(super) struct Naming<'a>(MutexGuard<'a, Progress>);

impl Naming<'_> {
    /// Says that all files have their names.
    pub fn complete(&mut self) {
        self.0.stage = Stage::Named;
        self.0.named += 1;
    }
}

impl Drafts {
    /// Removes everything of this run that is on the disk, although others still work on it, and sees to it that no file
    /// gets its name from then on. Where files are just being named, this waits for them.
    ///
    /// False where the files of the set in work have got their names: then nothing was done, and the run goes on, but
    /// begins no further set.
    pub fn abandon(&self) -> bool {
        let mut progress = locked(&self.0.progress);
        progress.ends = true;
        if progress.stage == Stage::Named {
            return false;
        }
        progress.stage = Stage::Abandoned;
        let mut there = locked(&self.0.there);
        there.abandoned = true;
        for folder in there.folders.drain(..) {
            // A file that is just being made may keep the folder from going at the first try.
            (0..10).any(|_| fs::remove_dir_all(&folder).is_ok() || !folder.exists());
        }
        // A run that took the output over has a lock of its own there.
        let ours = |(lock, owner): &(PathBuf, Owner)| Owner::at(lock).is_none_or(|at| at.is(owner));
        for (lock, _) in there.locks.drain(..).filter(ours) {
            // A lock that cannot be removed is stale, and the next run says so.
            let _ = fs::remove_file(lock);
        }
        true
    }

    /// Begins to give the files their names.
    ///
    /// # Errors
    /// The run was abandoned.
    pub(super) fn begin_naming(&self) -> Result<Naming<'_>, WriteError> {
        let progress = locked(&self.0.progress);
        if progress.stage == Stage::Abandoned { Err(WriteError::Abandoned) } else { Ok(Naming(progress)) }
    }

    /// Begins the next set of files of the run. Until these have their names, the run can be abandoned; earlier sets keep
    /// theirs.
    ///
    /// # Errors
    /// [`WriteError::Abandoned`]: it was abandoned, or was to be while the last set had its names already.
    pub fn next_set(&self) -> Result<(), WriteError> {
        let mut progress = locked(&self.0.progress);
        if progress.ends {
            return Err(WriteError::Abandoned);
        }
        progress.stage = Stage::Unnamed;
        Ok(())
    }

    /// The number of sets whose files have their names.
    pub fn sets_named(&self) -> usize {
        locked(&self.0.progress).named
    }

    /// Makes a temporary folder for a draft of the file at `path`, which is called `name`.
    ///
    /// # Errors
    /// The folder cannot be made, or the run was abandoned.
    pub(crate) fn folder(&self, path: &Path, name: &str) -> Result<Folder, WriteError> {
        // Held meanwhile: what is abandoned is either in the list, or not yet made.
        let mut there = locked(&self.0.there);
        there.check()?;
        let folder = temporary(name, folder_of(path)).map_err(|cause| WriteError::folder(path, cause))?;
        let path = folder.path().to_owned();
        there.folders.push(path.clone());
        Ok(Folder { drafts: self.clone(), folder: Some(folder), path })
    }

    /// Refuses to go on with a run that was abandoned.
    ///
    /// # Errors
    /// [`WriteError::Abandoned`].
    pub(super) fn check(&self) -> Result<(), WriteError> {
        locked(&self.0.there).check()
    }

    /// Remembers a lock that was taken, with what it says.
    pub(super) fn add_lock(&self, lock: &Path, owner: &Owner) {
        locked(&self.0.there).locks.push((lock.to_owned(), owner.clone()));
    }

    /// Removes those locks that are `ours`, and forgets all: in one step, so that nobody who abandons the run takes a lock
    /// away that another run has put in its place.
    pub(super) fn remove_locks(&self, names: &[PathBuf], ours: impl Fn(&Path) -> bool) {
        let mut there = locked(&self.0.there);
        for name in names.iter().filter(|name| ours(name)) {
            let _ = fs::remove_file(name);
        }
        there.locks.retain(|(lock, _)| !names.contains(lock));
    }
}

impl There {
    fn check(&self) -> Result<(), WriteError> {
        if self.abandoned { Err(WriteError::Abandoned) } else { Ok(()) }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A temporary folder of a run. Dropped, it is removed.
#[derive(Debug)]
pub(crate) struct Folder {
    drafts: Drafts,
    folder: Option<TempDir>,
    path: PathBuf,
}

impl Folder {
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the folder.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn close(mut self) -> io::Result<()> {
        self.folder.take().map_or(Ok(()), TempDir::close)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.folder.take();
        locked(&self.drafts.0.there).folders.retain(|path| *path != self.path);
    }
}
