//! A process of trials: started, followed line by line, and stopped where one trial takes too long.

use super::findings::Line;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// The plugin to check, and the command that starts a trial.
pub struct Request {
    /// The program, which does trials when it is called so: `program ARGUMENTS --trials-from KIND/TRIAL`, or one trial:
    /// `program ARGUMENTS --trial KIND/TRIAL`.
    pub program: PathBuf,
    /// The arguments before `--trial`.
    pub arguments: Vec<std::ffi::OsString>,
    /// The time that one trial may take.
    pub timeout: Duration,
}

/// The end of a process.
pub enum Ended {
    /// It ended by itself, or by a signal.
    Itself(ExitStatus),
    /// A trial took longer than the timeout, and the process was killed.
    Killed,
}

/// How often a process is looked at: short beside the time that it takes to start one.
const LOOK: Duration = Duration::from_millis(4);

/// The most that is read at one look: a plugin may print without end.
const AT_ONCE: u64 = 1 << 24;

/// The longest line of ours.
const LONGEST_LINE: usize = 1 << 20;

/// Runs `program ARGUMENTS MODE FIRST` to its end; `each` gets every line of ours as soon as it is there.
///
/// The timeout begins anew with every trial. Returns how the process ended, and the last line on its standard error.
pub fn run(
    request: &Request,
    mode: &str,
    first: &str,
    mut each: impl FnMut(Line),
) -> io::Result<(Ended, Option<String>)> {
    // Files, not pipes: a child of the plugin that lives on keeps no pipe open.
    let said = tempfile::NamedTempFile::new()?;
    let mut told = tempfile::tempfile()?;
    let mut reader = Reader { file: said.reopen()?, begun: Vec::new() };
    let mut child = Command::new(&request.program)
        .args(&request.arguments)
        .args([mode, first])
        .stdin(Stdio::null())
        .stdout(said.as_file().try_clone()?)
        .stderr(told.try_clone()?)
        .spawn()?;
    let ended = wait(&mut child, request.timeout, || {
        let mut next = false;
        for line in reader.lines(AT_ONCE)? {
            next |= matches!(line, Line::Trial(_));
            each(line);
        }
        Ok(next)
    });
    if ended.is_err() {
        // No process of ours is left running; the error that came first is the one to tell.
        let _ = child.kill();
        let _ = child.wait();
    }
    let ended = ended?;
    while reader.has_more()? {
        reader.lines(AT_ONCE)?.into_iter().for_each(&mut each);
    }
    let last_words = last(&mut told, AT_ONCE)?;
    let last_words = String::from_utf8_lossy(&last_words).trim().lines().last().map(str::to_owned);
    Ok((ended, last_words))
}

/// Waits for the end; `look` says whether another trial has begun.
fn wait(
    child: &mut Child,
    timeout: Duration,
    mut look: impl FnMut() -> io::Result<bool>,
) -> io::Result<Ended> {
    let mut waited = Duration::ZERO;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Ended::Itself(status));
        }
        if look()? {
            waited = Duration::ZERO;
        } else if waited >= timeout {
            child.kill()?;
            child.wait()?;
            return Ok(Ended::Killed);
        }
        std::thread::sleep(LOOK);
        waited += LOOK;
    }
}

/// Reads on in what a process prints.
struct Reader {
    file: File,
    /// The beginning of a line whose end is not there yet.
    begun: Vec<u8>,
}

impl Reader {
    /// The lines of ours that have come to their end, in at most `most` bytes more.
    fn lines(&mut self, most: u64) -> io::Result<Vec<Line>> {
        let mut bytes = std::mem::take(&mut self.begun);
        (&self.file).take(most).read_to_end(&mut bytes)?;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        self.begun = bytes.split_off(whole);
        if self.begun.len() > LONGEST_LINE {
            self.begun.clear();
        }
        Ok(Line::read_all(&bytes))
    }

    fn has_more(&mut self) -> io::Result<bool> {
        Ok(self.file.stream_position()? < self.file.metadata()?.len())
    }
}

/// The last bytes of a file, `most` of them.
fn last(file: &mut File, most: u64) -> io::Result<Vec<u8>> {
    let behind = file.metadata()?.len().saturating_sub(most);
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(behind))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}
