//! Locks beside outputs: no two runs write one file at a time.
//!
//! A lock is a hidden file `.NAME.lock` in the real folder of the output, so that links to folders do not hide it. It says
//! who holds it, and the system's own advisory lock (`flock`, which NFS passes to the server) is held on it: however a
//! run ends, the system lets go of that, and a file that is left is known to be stale. The locks of one run in a folder
//! are one file under several names, so that a run of many outputs has few files open. Without
//! advisory locks of the file system, the existence of the file is the lock.

#[cfg(test)]
mod tests;

use super::beside::{clear, place};
use super::drafts::Drafts;
use super::owner::Owner;
use crate::write::WriteError;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often, and how far apart, a lock is tried before its holder counts as running: a run that clears a stale lock
/// holds it for a moment too.
const LOOKS: u32 = 6;
const APART: Duration = Duration::from_millis(20);

/// How often a run tries for a lock that other runs take and release meanwhile.
const TRIES: u32 = 50;

/// The locks of a run. Dropped, they are gone.
#[derive(Debug)]
pub struct Locks {
    drafts: Drafts,
    held: Vec<Held>,
    notes: Vec<String>,
}

/// One file, and the locks that are names of it.
#[derive(Debug)]
struct Held {
    file: File,
    names: Vec<PathBuf>,
}

impl Locks {
    /// Takes the locks of all these outputs, or none.
    ///
    /// # Errors
    /// [`WriteError::Locked`] where another run holds one; the folder is missing or cannot be written to.
    pub fn take<'a>(
        outputs: impl IntoIterator<Item = &'a Path>,
        drafts: &Drafts,
    ) -> Result<Self, WriteError> {
        // In one order for all runs: of two that want some of the same files, one gets all of its own.
        let mut wanted = BTreeMap::new();
        for output in outputs {
            wanted.insert(lock_of(output)?, output);
        }
        drafts.check()?;
        let mut locks = Self { drafts: drafts.clone(), held: Vec::new(), notes: Vec::new() };
        for (lock, output) in wanted {
            locks.take_one(&lock, output)?;
        }
        Ok(locks)
    }

    /// The drafts of the same run.
    pub(super) fn drafts(&self) -> &Drafts {
        &self.drafts
    }

    /// Stale locks that were cleared: notes about the runs that left them.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Writes into the locks that files get their names from now on. A later run that finds such a lock stale knows
    /// that new files may lie beside old ones.
    ///
    /// # Errors
    /// The system cannot write it.
    pub fn begin_naming(&mut self) -> std::io::Result<()> {
        self.held.iter_mut().try_for_each(|held| held.file.write_all(super::owner::NAMING.as_bytes()))
    }

    fn take_one(&mut self, lock: &Path, output: &Path) -> Result<(), WriteError> {
        for _ in 0..TRIES {
            if self.link(lock) || self.create(lock, output)? {
                return Ok(());
            }
            self.clear(lock, output)?;
        }
        Err(WriteError::Locked { path: output.to_owned(), by: "runs that come and go".into() })
    }

    /// Makes `lock` another name of one that is held in its folder.
    fn link(&mut self, lock: &Path) -> bool {
        let near = self.held.iter_mut().find(|held| held.names[0].parent() == lock.parent());
        let Some(held) = near.filter(|held| fs::hard_link(&held.names[0], lock).is_ok()) else {
            return false;
        };
        self.drafts.add_lock(lock);
        held.names.push(lock.to_owned());
        true
    }

    /// Makes the file; false where there is one.
    fn create(&mut self, lock: &Path, output: &Path) -> Result<bool, WriteError> {
        let failed = |cause| {
            let folder = lock.parent().unwrap_or(lock).to_owned();
            WriteError::Folder { path: output.to_owned(), folder, cause }
        };
        let mut file = match File::options().read(true).append(true).create_new(true).open(lock) {
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => return Ok(false),
            result => result.map_err(failed)?,
        };
        match file.try_lock() {
            // Another run took it for one that was left behind, before it was locked.
            Ok(()) if !is_at(&file, lock) => return Ok(false),
            Err(TryLockError::WouldBlock) => return Ok(false),
            // Without advisory locks, the existence of the file is the lock.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        self.drafts.add_lock(lock);
        let written = Owner::of_this_process(&file).and_then(|owner| file.write_all(owner.text().as_bytes()));
        self.held.push(Held { file, names: vec![lock.to_owned()] });
        written.map_err(failed)?;
        Ok(true)
    }

    /// Takes a lock away whose run has ended; its drafts too.
    fn clear(&mut self, lock: &Path, output: &Path) -> Result<(), WriteError> {
        let path = || output.to_owned();
        if fs::symlink_metadata(lock).is_ok_and(|at| !at.is_file()) {
            return Err(WriteError::NotALock { path: path(), lock: lock.to_owned() });
        }
        for look in 1..=LOOKS {
            let file = match File::options().read(true).open(lock) {
                Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(()),
                result => result.map_err(|cause| WriteError::System { path: lock.to_owned(), cause })?,
            };
            let locked = file.try_lock();
            if !is_at(&file, lock) {
                return Ok(());
            }
            let owner = Owner::read(&file);
            // A run that was killed before it had said who it is leaves an empty file; anything else is not ours.
            if owner.is_none() && !is_empty_file(lock) {
                return Err(WriteError::NotALock { path: path(), lock: lock.to_owned() });
            }
            match locked {
                Ok(()) if owner.as_ref().is_none_or(Owner::is_on_this_host) => {
                    if let Some(owner) = owner {
                        clear_others(&file, lock, owner.process);
                        clear(output, owner.process);
                        self.notes.push(format!("{}: {}", output.display(), owner.left_behind()));
                    }
                    return fs::remove_file(lock)
                        .map_err(|cause| WriteError::System { path: lock.to_owned(), cause });
                }
                Err(TryLockError::WouldBlock) if look < LOOKS => std::thread::sleep(APART),
                Err(TryLockError::WouldBlock) => {
                    let by = owner.map_or("a run that has just begun".into(), |owner| owner.to_string());
                    return Err(WriteError::Locked { path: path(), by });
                }
                // Advisory locks may not reach from host to host, or not be there at all.
                Ok(()) | Err(TryLockError::Error(_)) => {
                    let by = owner.map_or("a run that is not known".into(), |owner| owner.to_string());
                    return Err(WriteError::LockedElsewhere { path: path(), by, lock: lock.to_owned() });
                }
            }
        }
        Ok(())
    }
}

impl Drop for Locks {
    fn drop(&mut self) {
        for held in &self.held {
            // Removed while the advisory lock is held: a run that waits for it finds the name gone.
            self.drafts.remove_locks(&held.names, |name| is_at(&held.file, name));
        }
    }
}

/// Clears the other locks of a run that has ended, and the drafts of their outputs: while a lock is there, nobody else
/// writes that output.
fn clear_others(stale: &File, lock: &Path, process: u32) {
    let Some(folder) = lock.parent() else { return };
    for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(output) = name.strip_prefix('.').and_then(|name| name.strip_suffix(".lock")) else {
            continue;
        };
        if cfg!(unix) && path != lock && is_at(stale, &path) {
            clear(&folder.join(output), process);
            // A lock that cannot be removed is stale, and the next run says so.
            let _ = fs::remove_file(&path);
        }
    }
}

/// Whether there is nothing in a file, or no file.
fn is_empty_file(path: &Path) -> bool {
    fs::symlink_metadata(path).map_or(true, |at| at.is_file() && at.len() == 0)
}

/// The path of the lock of an output.
fn lock_of(output: &Path) -> Result<PathBuf, WriteError> {
    let name = output.file_name().ok_or_else(|| WriteError::NotAFile { path: output.to_owned() })?;
    let Some(place) = place(output) else {
        let folder = output.parent().unwrap_or(Path::new(".")).to_owned();
        return Err(WriteError::NoFolder { path: output.to_owned(), folder });
    };
    Ok(place.with_file_name(lock_name(&name.to_string_lossy())))
}

/// `.NAME.lock`; of a name that would become too long its beginning and a hash of all of it.
fn lock_name(name: &str) -> String {
    if name.len() <= 120 {
        return format!(".{name}.lock");
    }
    let hash = format!("{:x}", Sha256::digest(name.as_bytes()));
    let begin: String = name.chars().take(20).collect();
    format!(".{begin}-{}.lock", &hash[..16])
}

/// Whether an open file is the one of this name.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let number = |of: std::io::Result<fs::Metadata>| of.ok().map(|of| (of.dev(), of.ino()));
    let open = number(file.metadata());
    open.is_some() && open == number(fs::symlink_metadata(path))
}

#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> bool {
    // There are no inode numbers here. An open file cannot be renamed, so it is the same file.
    true
}
