//! Locks beside outputs: no two runs write one file at a time.
//!
//! A lock is a hidden file `.NAME.lock` in the real folder of the output, so that links to folders do not hide it. It says
//! who holds it, and the system's own advisory lock (`flock`, which NFS passes to the server) is held on it: however a
//! run ends, the system lets go of that, and a file that is left is known to be stale. The locks of one run in a folder
//! are one file under several names, so that a run of many outputs has few files open. Without
//! advisory locks of the file system, the existence of the file is the lock.
//!
//! **Runs on many hosts that share the tiles of a folder** claim them. A claim is a lock that says "beats": its run
//! touches the file while it goes on. One that another host left without a beat for minutes is taken over. Two runs that
//! both believe that they hold a tile do no harm: each writes drafts of its own and moves whole files, and the
//! slower one finds out at its next beat.

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_claims;

use super::beside::{drafts_of, place};
use super::drafts::Drafts;
use super::holder::{State, touch};
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

/// How often a claim is tried. A run that clears it wants it too, so whoever waits would wait in vain.
const LOOKS_OF_A_CLAIM: u32 = 2;

/// How often a run tries for a lock that other runs take and release meanwhile.
const TRIES: u32 = 50;

/// How a run takes its locks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    pub looks: u32,
    /// Whether it touches them while it goes on, and takes over those that are no longer touched.
    pub beats: bool,
    /// Asks the system for the advisory lock.
    pub lock: fn(&File) -> Result<(), TryLockError>,
}

impl Manner {
    const RUN: Self = Self { looks: LOOKS, beats: false, lock: File::try_lock };
    pub const CLAIM: Self = Self { looks: LOOKS_OF_A_CLAIM, beats: true, lock: File::try_lock };
}

/// The locks of a run. Dropped, they are gone.
#[derive(Debug)]
pub struct Locks {
    drafts: Drafts,
    manner: Manner,
    held: Vec<Held>,
    notes: Vec<String>,
}

/// Outputs that a run wanted for itself.
#[derive(Debug)]
pub enum Claim {
    /// It has them.
    Ours(Locks),
    /// Another run has one of them: which run.
    Others(String),
}

/// One file, and the locks that are names of it.
#[derive(Debug)]
struct Held {
    file: File,
    owner: Owner,
    names: Vec<PathBuf>,
    /// What the first name locks.
    output: PathBuf,
}

impl Held {
    /// Whether the lock of this name is still ours. A number of a file may be given to another file on a server, so
    /// what it says counts too.
    fn is_ours(&self, name: &Path) -> bool {
        match File::open(name) {
            Ok(at) => is_at(&self.file, name) && Owner::read(&at).is_none_or(|owner| owner.is(&self.owner)),
            Err(cause) => cause.kind() != ErrorKind::NotFound,
        }
    }
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
        Self::take_by(Manner::RUN, outputs, drafts)
    }

    /// Claims all these outputs, or none. What another run writes, on this host or another, is no error. Locks are
    /// cleared that runs of this host left, and those of other hosts that have not been touched for five minutes. Who
    /// claims calls [`Locks::beat`] at every block that is written.
    ///
    /// # Errors
    /// [`WriteError::LockedElsewhere`] where a run of another host that does not beat holds one; the folder is missing or
    /// cannot be written to.
    pub fn try_take<'a>(
        outputs: impl IntoIterator<Item = &'a Path>,
        drafts: &Drafts,
    ) -> Result<Claim, WriteError> {
        match Self::take_by(Manner::CLAIM, outputs, drafts) {
            Ok(locks) => Ok(Claim::Ours(locks)),
            Err(WriteError::Locked { by, .. }) => Ok(Claim::Others(by)),
            Err(error) => Err(error),
        }
    }

    pub(super) fn take_by<'a>(
        manner: Manner,
        outputs: impl IntoIterator<Item = &'a Path>,
        drafts: &Drafts,
    ) -> Result<Self, WriteError> {
        // In one order for all runs: of two that want some of the same files, one gets all of its own.
        let mut wanted = BTreeMap::new();
        for output in outputs {
            wanted.insert(lock_of(output)?, output);
        }
        drafts.check()?;
        let mut locks = Self { drafts: drafts.clone(), manner, held: Vec::new(), notes: Vec::new() };
        for (lock, output) in wanted {
            locks.take_one(&lock, output)?;
        }
        Ok(locks)
    }

    /// Whether one of these outputs has a lock, of a run that goes on or of one that was killed.
    pub fn are_there<'a>(outputs: impl IntoIterator<Item = &'a Path>) -> bool {
        let is_there = |output| lock_of(output).is_ok_and(|lock| fs::symlink_metadata(lock).is_ok());
        outputs.into_iter().any(is_there)
    }

    /// The run that writes an output now, in words; `None` where there is none, or it has ended.
    pub fn holder(output: &Path) -> Option<String> {
        let lock = lock_of(output).ok()?;
        let file = File::open(&lock).ok()?;
        let owner = Owner::read(&file);
        // Shared: two that ask do not see each other, and a run that wants the lock looks again.
        let locked = file.try_lock_shared();
        let state = State::by_beats(&locked, owner.as_ref(), (&file, &lock)).unwrap_or(State::Unknown);
        matches!(state, State::Running | State::Unknown).then(|| in_words(owner.as_ref()))
    }

    /// Says that the run goes on, so that no run of another host takes its claims over. Costs microseconds on a local disk,
    /// and a few messages to the server on a network file system. Locks that [`Locks::take`] took need none.
    ///
    /// # Errors
    /// [`WriteError::TakenOver`]: another run has them, because this one was silent for too long. What was written is
    /// of no more use, and the outputs are that run's.
    pub fn beat(&self) -> Result<(), WriteError> {
        for held in self.held.iter().filter(|_| self.manner.beats) {
            if !held.is_ours(&held.names[0]) {
                let by = in_words(Owner::at(&held.names[0]).as_ref());
                return Err(WriteError::TakenOver { path: held.output.clone(), by });
            }
            touch(&held.file);
        }
        Ok(())
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
        self.drafts.add_lock(lock, &held.owner);
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
        for look in 1..=LOOKS {
            match (self.manner.lock)(&file) {
                // Another run took it for one that was left behind, before it was locked.
                Ok(()) if !is_at(&file, lock) => return Ok(false),
                // Who looks at it lets go of it, or takes it away.
                Err(TryLockError::WouldBlock) if look < LOOKS => std::thread::sleep(APART),
                Err(TryLockError::WouldBlock) => return Ok(false),
                // Without advisory locks, the existence of the file is the lock.
                Ok(()) | Err(TryLockError::Error(_)) => break,
            }
        }
        let owner = Owner::of_this_process(&file, self.manner.beats).map_err(failed)?;
        self.drafts.add_lock(lock, &owner);
        let written = file.write_all(owner.text().as_bytes());
        // Other hosts see what is on the server.
        let written = written.and_then(|()| if owner.beats { file.sync_data() } else { Ok(()) });
        self.held.push(Held { file, owner, names: vec![lock.to_owned()], output: output.to_owned() });
        written.map_err(failed)?;
        Ok(true)
    }

    /// Takes a lock away whose run has ended; its drafts too.
    fn clear(&mut self, lock: &Path, output: &Path) -> Result<(), WriteError> {
        let path = || output.to_owned();
        let system = |cause| WriteError::System { path: lock.to_owned(), cause };
        if fs::symlink_metadata(lock).is_ok_and(|at| !at.is_file()) {
            return Err(WriteError::NotALock { path: path(), lock: lock.to_owned() });
        }
        for look in 1..=self.manner.looks {
            let file = match File::options().read(true).open(lock) {
                Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(()),
                result => result.map_err(system)?,
            };
            let locked = (self.manner.lock)(&file);
            if !is_at(&file, lock) {
                return Ok(());
            }
            // Asked first: its run may be just about to say who it is.
            let was_empty = is_empty_file(lock);
            let owner = Owner::read(&file);
            // A run that was killed before it had said who it is leaves an empty file; anything else is not ours.
            if owner.is_none() && !was_empty {
                return Err(WriteError::NotALock { path: path(), lock: lock.to_owned() });
            }
            let state = if self.manner.beats {
                State::by_beats(&locked, owner.as_ref(), (&file, lock)).map_err(system)?
            } else {
                State::by_lock(&locked, owner.as_ref())
            };
            let by = || in_words(owner.as_ref());
            let here = (lock, output);
            match state {
                State::Ended => return self.clear_ended(&file, here, owner.as_ref(), None).map_err(system),
                State::Silent(age) if locked.is_ok() => {
                    // Nobody else finds it silent while its drafts are removed.
                    touch(&file);
                    return self.clear_ended(&file, here, owner.as_ref(), Some(age)).map_err(system);
                }
                // Who holds it may be about to clear it.
                State::Running | State::Silent(_) if look < self.manner.looks => {
                    // Who has just made it wants to lock it.
                    drop(file);
                    std::thread::sleep(APART);
                }
                State::Silent(age) => return self.take_over(&file, here, owner.as_ref(), age),
                State::Running => return Err(WriteError::Locked { path: path(), by: by() }),
                State::Unknown => {
                    let by = owner.map_or("a run that is not known".into(), |owner| owner.to_string());
                    return Err(WriteError::LockedElsewhere { path: path(), by, lock: lock.to_owned() });
                }
            }
        }
        Ok(())
    }

    /// Takes the lock of a run away that has ended. The advisory lock is held meanwhile.
    fn clear_ended(
        &mut self,
        stale: &File,
        (lock, output): (&Path, &Path),
        owner: Option<&Owner>,
        silent: Option<Duration>,
    ) -> std::io::Result<()> {
        if let Some(owner) = owner {
            Left::by(owner, stale, (lock, output)).remove(stale);
            let note = silent.map_or_else(|| owner.left_behind(), |age| owner.silent(age));
            self.notes.push(format!("{}: {note}", output.display()));
        }
        if is_at(stale, lock) { fs::remove_file(lock) } else { Ok(()) }
    }

    /// Takes the lock of a run away that is silent, where the advisory lock cannot be had. It is moved first: of many runs
    /// that do so, one moves it, and who moves the new lock of that one puts it back.
    fn take_over(
        &mut self,
        silent: &File,
        (lock, output): (&Path, &Path),
        owner: Option<&Owner>,
        age: Duration,
    ) -> Result<(), WriteError> {
        touch(silent);
        // Listed before the next owner can have drafts, which may be those of a process of the same number.
        let left = owner.map(|owner| Left::by(owner, silent, (lock, output)));
        let folder = self.drafts.folder(output, &output.file_name().unwrap_or_default().to_string_lossy())?;
        let aside = folder.path().join("lock");
        match fs::rename(lock, &aside) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(()),
            result => result.map_err(|cause| WriteError::System { path: lock.to_owned(), cause })?,
        }
        let said = Owner::at(&aside);
        let same = match (&said, owner) {
            (Some(said), Some(owner)) => said.is(owner),
            (said, owner) => said.is_none() && owner.is_none(),
        };
        if !same || !is_at(silent, &aside) {
            // If that fails, its owner finds out, and another run does what it leaves.
            let _ = fs::hard_link(&aside, lock);
            return Ok(());
        }
        left.iter().for_each(|left| left.remove(silent));
        self.notes.extend(owner.map(|owner| format!("{}: {}", output.display(), owner.silent(age))));
        Ok(())
    }
}

impl Drop for Locks {
    fn drop(&mut self) {
        for held in &self.held {
            // Removed while the advisory lock is held: a run that waits for it finds the name gone.
            self.drafts.remove_locks(&held.names, |name| held.is_ours(name));
        }
    }
}

/// What a run that has ended left beside one of its locks: its other locks, and the drafts of all outputs.
struct Left {
    locks: Vec<PathBuf>,
    drafts: Vec<PathBuf>,
}

impl Left {
    /// While a lock is there, nobody else writes that output.
    fn by(owner: &Owner, stale: &File, (lock, output): (&Path, &Path)) -> Self {
        let mut left = Self { locks: Vec::new(), drafts: drafts_of(output, owner.process) };
        let Some(folder) = lock.parent().filter(|_| cfg!(unix)) else { return left };
        for path in fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let Some(output) = name.strip_prefix('.').and_then(|name| name.strip_suffix(".lock")) else {
                continue;
            };
            if path != lock && is_at(stale, &path) {
                left.drafts.extend(drafts_of(&folder.join(output), owner.process));
                left.locks.push(path);
            }
        }
        left
    }

    fn remove(&self, stale: &File) {
        for draft in &self.drafts {
            // A draft that cannot be removed only takes space.
            let _ = fs::remove_dir_all(draft);
        }
        for lock in self.locks.iter().filter(|lock| is_at(stale, lock)) {
            // A lock that cannot be removed is stale, and the next run says so.
            let _ = fs::remove_file(lock);
        }
    }
}

/// The owner of a lock, for messages.
fn in_words(owner: Option<&Owner>) -> String {
    owner.map_or("a run that has just begun".into(), Owner::to_string)
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
