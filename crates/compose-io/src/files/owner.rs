//! The owner of a lock, as its file names it.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

/// The line that is added when files begin to get their names.
pub(super) const NAMING: &str = "naming\n";

/// The line of a run whose lock is touched while it goes on.
const BEATS: &str = "beats\n";

/// More than any lock of ours says.
const LONGEST: u64 = 4096;

/// The run that made a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub process: u32,
    host: String,
    since: String,
    /// Whether it touches its lock while it goes on: only then does the age of a lock say anything.
    pub beats: bool,
    naming: bool,
}

impl Owner {
    /// This process, since the file was made.
    pub fn of_this_process(file: &File, beats: bool) -> io::Result<Self> {
        // The file's own time: what it says needs no clock of ours.
        let made = chrono::DateTime::<chrono::Utc>::from(file.metadata()?.modified()?);
        let since = made.format("%Y-%m-%d %H:%M:%S UTC").to_string();
        Ok(Self { process: std::process::id(), host: Self::this_host(), since, beats, naming: false })
    }

    pub fn this_host() -> String {
        rustix::system::uname().nodename().to_string_lossy().into_owned()
    }

    pub fn is_on_this_host(&self) -> bool {
        self.host == Self::this_host()
    }

    pub fn text(&self) -> String {
        let beats = if self.beats { BEATS } else { "" };
        format!("process {}\nhost {}\nsince {}\n{beats}", self.process, self.host, self.since)
    }

    /// Whether both are one run.
    pub fn is(&self, other: &Self) -> bool {
        (self.process, &self.host, &self.since) == (other.process, &other.host, &other.since)
    }

    /// The owner that the lock at a path names.
    pub fn at(lock: &Path) -> Option<Self> {
        Self::read(&File::open(lock).ok()?)
    }

    /// The owner that a lock names; `None` if it names none yet, or is not from this program.
    pub fn read(file: &File) -> Option<Self> {
        let mut text = String::new();
        file.take(LONGEST).read_to_string(&mut text).ok()?;
        let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key));
        Some(Self {
            process: value("process ")?.parse().ok()?,
            host: value("host ")?.to_owned(),
            since: value("since ")?.to_owned(),
            beats: text.contains(BEATS),
            naming: text.ends_with(NAMING),
        })
    }

    /// The note about an owner that ended and left its lock.
    pub fn left_behind(&self) -> String {
        let Self { process, since, .. } = self;
        let what = self.cleared();
        format!("the run of process {process}, started {since}, was stopped before it finished; {what}")
    }

    /// The note about an owner on another host that counts as ended, because it gave no sign for so long.
    pub fn silent(&self, age: Duration) -> String {
        let (minutes, what) = (age.as_secs() / 60, self.cleared());
        format!("the run of {self} has given no sign for {minutes} minutes and counts as ended; {what}")
    }

    fn cleared(&self) -> &'static str {
        if self.naming {
            "it stopped while it moved its files into place, so old and new files may be mixed: run compose check on its report"
        } else {
            "its lock and drafts are cleared away"
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {} since {}", self.process, self.host, self.since)
    }
}
