//! The process that does trials: loads the library, does one after the other, says what it found.

use super::bench::Bench;
use super::findings::{Fault, LIST, Line, Outcome, Tried};
use super::fixtures::Fixtures;
use super::kind::Kind;
use super::stop::End;
use super::trials::{TRIALS, Trial};
use super::user_settings::user_settings;
use crate::call::PluginHost;
use crate::load_error::LoadError;
use crate::open::{Opened, Supplied, open};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Which trials a process does.
#[derive(Clone, Copy, Debug)]
pub enum Trials<'a> {
    /// This one (`KIND/TRIAL`), or `list` for the list of kinds and their trials.
    Alone(&'a str),
    /// This one and those after it, until one finds a fault.
    From(&'a str),
}

/// Does trials of the library at `path`, and prints the outcome of each.
///
/// `rules` gives settings; `taken` are names that kinds of the program have already.
pub fn trial(path: &Path, rules: Option<&Path>, taken: &[&str], trials: Trials) {
    let opened = match open(path, None) {
        Ok(opened) => opened,
        Err(error) => return not_opened(&error).say(),
    };
    let (first, alone) = match trials {
        Trials::Alone(first) => (first, true),
        Trials::From(first) => (first, false),
    };
    if first == LIST {
        return list(&opened, rules, taken).iter().for_each(Line::say);
    }
    let kinds = opened.supplied.iter().enumerate();
    let all = kinds.flat_map(|(nth, kind)| {
        TRIALS.iter().filter(|trial| trial.is_for(kind.sort)).map(move |trial| (nth, trial))
    });
    let name = |nth: usize, trial: &Trial| format!("{}/{}", opened.supplied[nth].declared.id, trial.name);
    let mut wanted = all.skip_while(|(nth, trial)| name(*nth, trial) != first).peekable();
    if wanted.peek().is_none() {
        return Line::Outcome(Outcome::Untried(format!("there is no trial {first}"))).say();
    }
    let fixtures = Arc::new(Fixtures::default());
    for (nth, trial) in wanted {
        Line::Trial(name(nth, trial)).say();
        Line::Step("before its first call".into()).say();
        let outcome = outcome(&opened, nth, rules, trial, &fixtures);
        let fault = matches!(outcome, Outcome::Fault(_));
        Line::Outcome(outcome).say();
        if alone || fault {
            return;
        }
    }
}

fn outcome(
    opened: &Opened,
    nth: usize,
    rules: Option<&Path>,
    trial: &Trial,
    fixtures: &Arc<Fixtures>,
) -> Outcome {
    match bench(opened, nth, rules, fixtures) {
        Ok(bench) => match (trial.run)(&bench) {
            Ok(()) => Outcome::Sound,
            Err(End::NotApplicable(why)) => Outcome::NotApplicable(why),
            Err(End::Untried(why)) => Outcome::Untried(why),
            Err(End::Fault(fault)) => Outcome::Fault(fault),
        },
        Err(why) => Outcome::Untried(why),
    }
}

fn not_opened(error: &LoadError) -> Line {
    let (expected, advice) = match error {
        LoadError::Version { .. } => (
            "a version of the interface that this program speaks",
            "build it with the header of this program",
        ),
        LoadError::NoEntry { .. } => (
            "a library that exports one symbol, compose_plugin_entry",
            "define `const compose_entry compose_plugin_entry = {…};` after including compose_plugin.h",
        ),
        LoadError::Malformed { .. } => {
            ("descriptors as compose_plugin.h asks for them", "correct the descriptor that is named")
        }
        _ => return Line::Unusable(error.to_string()),
    };
    Line::Outcome(Outcome::Fault(Fault::new(error.to_string(), expected, advice)))
}

fn list(opened: &Opened, rules: Option<&Path>, taken: &[&str]) -> Vec<Line> {
    let mut lines = vec![Line::Step("after the library was loaded".into())];
    for Supplied { sort, declared, .. } in &opened.supplied {
        if taken.contains(&declared.id.as_str()) {
            let found = format!("a {sort} is called \"{}\", as a kind of the program is", declared.id);
            let fault = Fault::new(found, "a name of its own", "choose another id");
            return vec![Line::Outcome(Outcome::Fault(fault))];
        }
        if let Some(Err(why)) = rules.map(|rules| user_settings(rules, *sort, declared)) {
            return vec![Line::Unusable(why)];
        }
        let tried =
            Tried { id: declared.id.clone(), version: declared.version.clone(), sort: sort.to_string() };
        let trials = TRIALS.iter().filter(|trial| trial.is_for(*sort)).map(|trial| trial.name.to_owned());
        lines.push(Line::Kind(tried, trials.collect()));
    }
    lines.push(Line::Outcome(Outcome::Sound));
    lines
}

fn bench(
    opened: &Opened,
    nth: usize,
    rules: Option<&Path>,
    fixtures: &Arc<Fixtures>,
) -> Result<Bench, String> {
    let Supplied { sort, declared, raw } = opened.supplied[nth];
    let from_user = rules.map_or(Ok(None), |rules| user_settings(rules, sort, declared))?;
    let cancelled = Arc::new(AtomicBool::new(false));
    let host = PluginHost::new(cancelled.clone(), |_| ());
    let quiet = AtomicBool::new(false);
    let kind = Kind { host, cancelled, sort, declared, raw, quiet };
    let index = opened.supplied[..nth].iter().filter(|kind| kind.sort == sort).count();
    Ok(Bench::new(kind, from_user, opened.entry.get_factory, index as u32, fixtures.clone()))
}
