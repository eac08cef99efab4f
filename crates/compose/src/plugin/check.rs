//! `compose plugin check`: tries a plugin in other processes, and says what is wrong with it.

use crate::args::CheckArgs;
use crate::rules::registry;
use crate::screen::say;
use compose_engine::EngineError;
use compose_io::text::{LARGEST_TEXT, read_text};
use compose_plugin_host::check::{Fault, Outcome, Report, Request, Trials, Tried, check as try_all, trial};
use std::ffi::OsString;
use std::fmt::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

/// Something is wrong with the plugin, or it could not be tried.
const FOUND: u8 = 1;

/// Checks a library; or does trials, where this is the process of them.
pub fn check(args: &CheckArgs) -> Result<ExitCode, EngineError> {
    let alone = args.trial.as_deref().map(Trials::Alone);
    if let Some(trials) = alone.or(args.trials_from.as_deref().map(Trials::From)) {
        let registry = registry(&Arc::default(), true);
        let (masks, scores) = (registry.masks.iter().map(|k| k.name), registry.scores.iter().map(|k| k.name));
        let taken: Vec<&str> = masks.chain(scores).chain(registry.fills.iter().map(|k| k.name)).collect();
        trial(&args.file, args.rules.as_deref(), &taken, trials);
        return Ok(ExitCode::SUCCESS);
    }
    let refuse = |message: String| EngineError::Option { option: "plugin check".into(), message };
    let mut arguments: Vec<OsString> = vec!["plugin".into(), "check".into()];
    if let Some(rules) = &args.rules {
        // Every trial reads it: once for all, whether it can be read.
        read_text(rules, LARGEST_TEXT)?;
        arguments.extend(["--rules".into(), rules.into()]);
    }
    // The name of the file is never taken for an option.
    arguments
        .push(args.file.canonicalize().map_err(|e| refuse(format!("{}: {e}", args.file.display())))?.into());
    let request = Request {
        program: std::env::current_exe().map_err(|e| refuse(e.to_string()))?,
        arguments,
        timeout: Duration::from_secs(args.timeout),
    };
    let mut told = Told::default();
    let mut printed = Ok(());
    let tell = |report: &Report| {
        let lines = told.lines(report);
        if printed.is_ok() {
            printed = say(lines.trim_end());
        }
    };
    try_all(&request, tell).map_err(|e| refuse(e.to_string()))?;
    printed?;
    say(&told.summary())?;
    Ok(if told.faults + told.untried > 0 { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

/// What has been said so far.
#[derive(Default)]
struct Told {
    kinds: Vec<Tried>,
    trials: usize,
    faults: usize,
    untried: usize,
    /// Why trials of the last kind were not done: said once.
    why: Vec<String>,
}

impl Told {
    /// What is to be said of a trial.
    fn lines(&mut self, report: &Report) -> String {
        let mut text = String::new();
        if let Some(kind) = report.kind.as_ref().filter(|kind| self.kinds.last() != Some(*kind)) {
            // Writing to a String cannot fail, here and below.
            let _ = writeln!(text, "{} \"{}\" {}", kind.sort, kind.id, kind.version);
            self.kinds.push(kind.clone());
            self.why.clear();
        }
        self.trials += 1;
        let _ = write!(text, "  {:<11} ", report.trial);
        match &report.outcome {
            Outcome::Sound => text += "ok",
            Outcome::NotApplicable(why) => {
                let _ = write!(text, "not tried ({why})");
            }
            Outcome::Untried(why) => {
                self.untried += 1;
                text += &self.once(why);
            }
            Outcome::Fault(Fault { found, expected, advice }) => {
                self.faults += 1;
                let _ =
                    write!(text, "FAULT {found}\n{:14}expected: {expected}\n{:14}to do: {advice}", "", "");
            }
        }
        text
    }

    /// A reason, the first time that it is given.
    fn once(&mut self, why: &str) -> String {
        if self.why.iter().any(|said| said == why) {
            return "NOT TRIED (for the same reason)".into();
        }
        self.why.push(why.to_owned());
        format!("NOT TRIED ({why})")
    }

    /// `hot-haze 1.0.0: 16 trials, 1 fault`
    fn summary(&self) -> String {
        let names: Vec<String> =
            self.kinds.iter().map(|kind| format!("{} {}", kind.id, kind.version)).collect();
        let names = if names.is_empty() { "the library".to_owned() } else { names.join(", ") };
        let many = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let faults = if self.faults == 0 { "no fault".into() } else { many(self.faults, "fault") };
        let mut text = format!("{names}: {}, {faults}", many(self.trials, "trial"));
        if self.untried > 0 {
            let _ = write!(text, ", {} not tried", self.untried);
        }
        text
    }
}
