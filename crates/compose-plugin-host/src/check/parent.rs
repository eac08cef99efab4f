//! The process that reports: it starts another one for every trial, and survives them all.

use super::findings::{FENCED, Fault, LIST, Line, Outcome, Tried};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// What to check, and how to start a trial.
pub struct Request {
    /// The program, which does one trial when it is called so: `program ARGUMENTS --trial KIND/TRIAL`.
    pub program: PathBuf,
    /// What comes before `--trial`.
    pub arguments: Vec<std::ffi::OsString>,
    /// How long one trial may take.
    pub timeout: Duration,
}

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The kind that it is about; `None` for the library itself.
    pub kind: Option<Tried>,
    /// The name of the trial.
    pub trial: String,
    /// How it ended.
    pub outcome: Outcome,
}

/// Why a library could not be checked.
#[derive(Debug)]
pub enum CheckError {
    /// It is no library, or a rules file does not fit.
    Unusable(String),
    /// The trials cannot be started.
    Start(io::Error),
}

impl std::fmt::Display for CheckError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unusable(why) => f.write_str(why),
            Self::Start(cause) => write!(f, "a trial cannot be started: {cause}"),
        }
    }
}

impl std::error::Error for CheckError {}

/// How a process came to its end.
enum Ended {
    Itself(ExitStatus),
    Killed,
}

/// What a process has left.
struct Left {
    ended: Ended,
    lines: Vec<Line>,
    /// The last line on its standard error.
    last_words: Option<String>,
}

/// How often a process is looked at: short beside what it takes to start one.
const LOOK: Duration = Duration::from_millis(4);

/// Tries a library; `tell` is called with every finding as soon as it is there.
///
/// # Errors
/// It is no library, or no trial can be started.
pub fn check(request: &Request, mut tell: impl FnMut(&Report)) -> Result<(), CheckError> {
    let mut left = run(request, LIST).map_err(CheckError::Start)?;
    let lines = std::mem::take(&mut left.lines);
    if let Some(Line::Unusable(why)) = lines.iter().find(|l| matches!(l, Line::Unusable(_))) {
        return Err(CheckError::Unusable(why.clone()));
    }
    let outcome = judge(request, &lines, &left);
    if outcome != Outcome::Sound {
        tell(&Report { kind: None, trial: "load".into(), outcome });
        return Ok(());
    }
    for line in lines {
        let Line::Kind(kind, trials) = line else { continue };
        for trial in trials {
            let left = run(request, &format!("{}/{trial}", kind.id)).map_err(CheckError::Start)?;
            let outcome = judge(request, &left.lines, &left);
            tell(&Report { kind: Some(kind.clone()), trial, outcome });
        }
    }
    Ok(())
}

/// Runs one trial to its end, or to the end of the time that it has.
fn run(request: &Request, trial: &str) -> io::Result<Left> {
    // Files, not pipes: nobody need read along while the trial runs.
    let (mut said, mut told) = (tempfile::tempfile()?, tempfile::tempfile()?);
    let mut child = Command::new(&request.program)
        .args(&request.arguments)
        .args(["--trial", trial])
        .stdin(Stdio::null())
        .stdout(said.try_clone()?)
        .stderr(told.try_clone()?)
        .spawn()?;
    let ended = wait(&mut child, request.timeout)?;
    let last_words = String::from_utf8_lossy(&read(&mut told)?).trim().lines().last().map(str::to_owned);
    Ok(Left { ended, lines: Line::read_all(&read(&mut said)?), last_words })
}

fn wait(child: &mut Child, timeout: Duration) -> io::Result<Ended> {
    let mut waited = Duration::ZERO;
    while waited < timeout {
        if let Some(status) = child.try_wait()? {
            return Ok(Ended::Itself(status));
        }
        std::thread::sleep(LOOK);
        waited += LOOK;
    }
    child.kill()?;
    child.wait()?;
    Ok(Ended::Killed)
}

fn read(file: &mut File) -> io::Result<Vec<u8>> {
    // A plugin that prints without end does not fill our memory; what counts comes last.
    let before = file.metadata()?.len().saturating_sub(1 << 26);
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(before))?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// How a trial ended, by what its process has left.
fn judge(request: &Request, lines: &[Line], left: &Left) -> Outcome {
    let outcome = lines.iter().find_map(|l| if let Line::Outcome(o) = l { Some(o.clone()) } else { None });
    let step =
        lines.iter().rev().find_map(|l| if let Line::Step(step) = l { Some(step.as_str()) } else { None });
    let place = match (&outcome, step) {
        (Some(_), _) => "when the program ended",
        (None, None) => "while the library was loaded",
        (None, Some(step)) => step,
    };
    let fault =
        |found: String, expected: &str, advice: &str| Outcome::Fault(Fault::new(found, expected, advice));
    match (&left.ended, outcome) {
        (Ended::Itself(status), Some(outcome)) if status.success() => outcome,
        (Ended::Killed, _) => fault(
            format!("did not return within {} s: {place}", request.timeout.as_secs()),
            "every function returns",
            "look for a loop without end; give --timeout SECONDS if it only needs longer",
        ),
        (Ended::Itself(status), _) => match signal(*status) {
            Some(signal) => {
                let words =
                    left.last_words.as_ref().map_or_else(String::new, |w| format!("; its last words: {w}"));
                let found = format!("crashed ({signal}): {place}{words}");
                match place.contains(FENCED) {
                    true => fault(
                        found,
                        "nothing behind the last sample of a plane is read or written",
                        "check the loops' ends, and whether the halo is as large as what is looked at",
                    ),
                    false => fault(
                        found,
                        "no call ends the program",
                        "run the trial under a debugger, or build the plugin with -fsanitize=address,undefined",
                    ),
                }
            }
            None => fault(
                format!("ended the program ({status}): {place}"),
                "functions return; none ends the program",
                "look for exit, _exit and quick_exit; report failures with host->set_error and COMPOSE_ERROR",
            ),
        },
    }
}

/// `signal 11, segmentation fault`, where a signal ended a process.
#[cfg(unix)]
fn signal(status: ExitStatus) -> Option<String> {
    let number = std::os::unix::process::ExitStatusExt::signal(&status)?;
    let bus = if cfg!(target_os = "linux") { 7 } else { 10 };
    let name = match number {
        4 => "illegal instruction",
        6 => "aborted",
        8 => "arithmetic error",
        9 => "killed",
        11 => "segmentation fault",
        n if n == bus => "bus error",
        _ => return Some(format!("signal {number}")),
    };
    Some(format!("signal {number}, {name}"))
}

#[cfg(not(unix))]
fn signal(status: ExitStatus) -> Option<String> {
    // An unhandled exception's code has the two highest bits set.
    status.code().filter(|code| *code < 0).map(|code| format!("exception {code:#x}"))
}
