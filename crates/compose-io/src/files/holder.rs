//! What a lock tells about the run that holds it.

use super::owner::Owner;
use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

/// The age of a beat from which a run on another host counts as ended. A run beats at every block that it writes, which
/// takes seconds, at times a minute; clients of a network file system may see a time that is a minute old. A run that
/// is taken over too early does one tile in vain, and one that is taken over late keeps a tile waiting so long.
pub(super) const SILENT: Duration = Duration::from_secs(300);

/// The run that made a lock, as far as can be told from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Running,
    /// It ran on this host.
    Ended,
    /// It beats no more, since so long.
    Silent(Duration),
    Unknown,
}

impl State {
    /// From what the system says about the advisory lock alone: enough for runs that do not beat.
    pub fn by_lock(locked: &Result<(), TryLockError>, owner: Option<&Owner>) -> Self {
        match locked {
            Ok(()) if owner.is_none_or(Owner::is_on_this_host) => Self::Ended,
            Err(TryLockError::WouldBlock) => Self::Running,
            // Advisory locks may not reach from host to host, or not be there at all.
            Ok(()) | Err(TryLockError::Error(_)) => Self::Unknown,
        }
    }

    /// From the beats as well.
    ///
    /// # Errors
    /// No file can be made in the folder of the lock, or the lock has no time.
    pub fn by_beats(
        locked: &Result<(), TryLockError>,
        owner: Option<&Owner>,
        (file, lock): (&File, &Path),
    ) -> io::Result<Self> {
        let here = owner.map(Owner::is_on_this_host);
        match (Self::by_lock(locked, owner), here) {
            (Self::Running, None | Some(true)) => return Ok(Self::Running),
            (Self::Ended, Some(_)) => return Ok(Self::Ended),
            // An empty lock may be of a run elsewhere that has yet to say who it is.
            (state, _) if owner.is_some_and(|owner| !owner.beats) => return Ok(state),
            _ => {}
        }
        let age = age(file, lock)?;
        Ok(if age < SILENT { Self::Running } else { Self::Silent(age) })
    }
}

/// The time since a lock was touched, by the clock of its file system: the clocks of hosts differ.
fn age(file: &File, lock: &Path) -> io::Result<Duration> {
    let now = tempfile::tempfile_in(super::beside::folder_of(lock))?.metadata()?.modified()?;
    // A beat of this very moment may be later than the file.
    Ok(now.duration_since(file.metadata()?.modified()?).unwrap_or_default())
}

/// Touches a lock. The file system says the time.
pub(super) fn touch(file: &File) {
    use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT, futimens};
    let stamp = |nanoseconds| Timespec { tv_sec: 0, tv_nsec: nanoseconds };
    // A beat that is lost only makes the lock look older; who is taken over for that finds out at the next one.
    let _ =
        futimens(file, &Timestamps { last_access: stamp(UTIME_OMIT), last_modification: stamp(UTIME_NOW) });
}
