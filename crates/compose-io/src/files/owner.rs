//! The owner of a lock, as its file names it.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};

/// The line that is added when files begin to get their names.
pub(super) const NAMING: &str = "naming\n";

/// More than any lock of ours says.
const LONGEST: u64 = 4096;

/// The run that made a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub process: u32,
    host: String,
    since: String,
    naming: bool,
}

impl Owner {
    /// This process, since the file was made.
    pub fn of_this_process(file: &File) -> io::Result<Self> {
        // The file's own time: what it says needs no clock of ours.
        let made = chrono::DateTime::<chrono::Utc>::from(file.metadata()?.modified()?);
        let since = made.format("%Y-%m-%d %H:%M:%S UTC").to_string();
        Ok(Self { process: std::process::id(), host: Self::this_host(), since, naming: false })
    }

    pub fn this_host() -> String {
        rustix::system::uname().nodename().to_string_lossy().into_owned()
    }

    pub fn is_on_this_host(&self) -> bool {
        self.host == Self::this_host()
    }

    pub fn text(&self) -> String {
        format!("process {}\nhost {}\nsince {}\n", self.process, self.host, self.since)
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
            naming: text.ends_with(NAMING),
        })
    }

    /// The note about an owner that ended and left its lock.
    pub fn left_behind(&self) -> String {
        let Self { process, since, naming, .. } = self;
        let what = if *naming {
            "; it stopped while it moved its files into place, so old and new files may be mixed: run compose check on its \
             report"
        } else {
            "; its lock and drafts are cleared away"
        };
        format!("the run of process {process}, started {since}, was stopped before it finished{what}")
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {} since {}", self.process, self.host, self.since)
    }
}
