//! The process of one trial: loads the library, does the trial, says what it found.

use super::bench::Bench;
use super::findings::{Fault, LIST, Line, Outcome, Tried};
use super::kind::Kind;
use super::stop::End;
use super::trials::TRIALS;
use super::user_settings::user_settings;
use crate::call::PluginHost;
use crate::load_error::LoadError;
use crate::open::{Opened, Supplied, open};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Does one trial (`list`, or `KIND/TRIAL`) of the library at `path`, and prints what comes of it.
///
/// `rules` gives settings; `taken` are names that kinds of the program have already.
pub fn trial(path: &Path, rules: Option<&Path>, taken: &[&str], trial: &str) {
    let opened = match open(path, None) {
        Ok(opened) => opened,
        Err(error) => return not_opened(&error).say(),
    };
    if trial == LIST {
        return list(&opened, rules, taken).iter().for_each(Line::say);
    }
    let (id, name) = trial.split_once('/').unwrap_or((trial, ""));
    let found = opened.supplied.iter().position(|kind| kind.declared.id == id);
    let known = TRIALS.iter().find(|trial| trial.name == name);
    let (Some(nth), Some(known)) = (found, known) else {
        return Line::Outcome(Outcome::Untried(format!("there is no trial {trial}"))).say();
    };
    let outcome = match bench(&opened, nth, rules) {
        Ok(bench) => match (known.run)(&bench) {
            Ok(()) => Outcome::Sound,
            Err(End::Needless(why)) => Outcome::Needless(why),
            Err(End::Untried(why)) => Outcome::Untried(why),
            Err(End::Fault(fault)) => Outcome::Fault(fault),
        },
        Err(why) => Outcome::Untried(why),
    };
    Line::Outcome(outcome).say();
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

fn bench(opened: &Opened, nth: usize, rules: Option<&Path>) -> Result<Bench, String> {
    let Supplied { sort, declared, raw } = opened.supplied[nth];
    let from_user = rules.map_or(Ok(None), |rules| user_settings(rules, sort, declared))?;
    let cancelled = Arc::new(AtomicBool::new(false));
    let host = PluginHost::new(cancelled.clone(), |_| ());
    let quiet = AtomicBool::new(false);
    let kind = Kind { host, cancelled, sort, declared, raw, quiet };
    let index = opened.supplied[..nth].iter().filter(|kind| kind.sort == sort).count();
    Ok(Bench::new(kind, from_user, opened.entry.get_factory, index as u32))
}
