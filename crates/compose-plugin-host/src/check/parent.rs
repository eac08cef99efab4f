//! The process that reports: it starts others that do the trials, and survives them all.

use super::findings::{ALONE, FENCED, FROM, Fault, LIST, Line, Outcome, Tried};
use super::process::{self, Ended, Request};
use std::io;
use std::process::ExitStatus;

/// One line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The kind that it is about; `None` for the library itself.
    pub kind: Option<Tried>,
    /// The name of the trial.
    pub trial: String,
    /// Its end.
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

/// The contents of the lines of a process so far.
#[derive(Default)]
struct Heard {
    /// What came before the first trial.
    before: Vec<Line>,
    /// How many trials have begun.
    trials: usize,
    /// What the last of them has said.
    last: Vec<Line>,
}

/// The output of a process.
struct Left {
    ended: Ended,
    /// The last line on its standard error.
    last_words: Option<String>,
}

/// Tries a library; `tell` is called with every finding, in the order of the trials.
///
/// One process does trial after trial until one finds a fault; the next trial begins in a new process. If a process
/// crashes, its last trial is repeated alone, so that a crash caused by an earlier trial is not blamed on it.
///
/// # Errors
/// It is no library, or no trial can be started.
pub fn check(request: &Request, tell: impl FnMut(&Report)) -> Result<(), CheckError> {
    let mut checking = Checking { request, list: Vec::new(), told: 0, tell };
    let (heard, left) = checking.run(ALONE, LIST)?;
    if let Some(Line::Unusable(why)) = heard.before.iter().find(|l| matches!(l, Line::Unusable(_))) {
        return Err(CheckError::Unusable(why.clone()));
    }
    let outcome = judge(request, &heard.before, &left);
    if outcome != Outcome::Sound {
        (checking.tell)(&Report { kind: None, trial: "load".into(), outcome });
        return Ok(());
    }
    while let Some(next) = checking.next() {
        let (heard, left) = checking.run(FROM, &next)?;
        let outcome = checking.last_outcome(&heard, &left)?;
        checking.report(outcome);
    }
    Ok(())
}

/// A check that is under way.
struct Checking<'a, F> {
    request: &'a Request,
    /// The trials of every kind, in their order.
    list: Vec<(Tried, String)>,
    /// How many of them have been reported.
    told: usize,
    tell: F,
}

impl<F: FnMut(&Report)> Checking<'_, F> {
    /// Runs a process that begins with `first`, and reports every trial but its last.
    fn run(&mut self, mode: &str, first: &str) -> Result<(Heard, Left), CheckError> {
        let mut heard = Heard::default();
        let request = self.request;
        let ended = process::run(request, mode, first, |line| match line {
            Line::Trial(_) => {
                let lines = std::mem::take(&mut heard.last);
                if heard.trials > 0 {
                    self.report(said(&lines).unwrap_or_else(|| Outcome::Untried("it said nothing".into())));
                }
                heard.trials += 1;
            }
            line if heard.trials > 0 => heard.last.push(line),
            line => {
                if let Line::Kind(kind, trials) = &line {
                    self.list.extend(trials.iter().map(|trial| (kind.clone(), trial.clone())));
                }
                heard.before.push(line);
            }
        });
        let (ended, last_words) = ended.map_err(CheckError::Start)?;
        Ok((heard, Left { ended, last_words }))
    }

    fn report(&mut self, outcome: Outcome) {
        if let Some((kind, trial)) = self.list.get(self.told).cloned() {
            (self.tell)(&Report { kind: Some(kind), trial, outcome });
        }
        self.told += 1;
    }

    /// The trial that is to be reported next.
    fn next(&self) -> Option<String> {
        self.list.get(self.told).map(|(kind, trial)| format!("{}/{trial}", kind.id))
    }

    /// How the last trial of a process ended. After a crash in company of others it is done again alone.
    fn last_outcome(&self, heard: &Heard, left: &Left) -> Result<Outcome, CheckError> {
        // Without a trial it ended while the library was loaded: that is the finding of the trial that it was for.
        let lines = if heard.trials == 0 { &heard.before } else { &heard.last };
        let outcome = judge(self.request, lines, left);
        let crashed = matches!(left.ended, Ended::Itself(status) if signal(status).is_some());
        let Some(name) = self.next().filter(|_| crashed && heard.trials > 1) else { return Ok(outcome) };
        let mut lines = Vec::new();
        let alone = process::run(self.request, ALONE, &name, |line| lines.push(line));
        let (ended, last_words) = alone.map_err(CheckError::Start)?;
        Ok(match (judge(self.request, &lines, &Left { ended, last_words }), outcome) {
            (Outcome::Sound, Outcome::Fault(fault)) => Outcome::Fault(Fault {
                found: format!("{} (after other trials in the same process; not alone)", fault.found),
                ..fault
            }),
            (alone, _) => alone,
        })
    }
}

/// The outcome that a trial has printed.
fn said(lines: &[Line]) -> Option<Outcome> {
    lines.iter().find_map(|l| if let Line::Outcome(o) = l { Some(o.clone()) } else { None })
}

/// The end of a trial, from the output of its process.
fn judge(request: &Request, lines: &[Line], left: &Left) -> Outcome {
    let outcome = said(lines);
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
