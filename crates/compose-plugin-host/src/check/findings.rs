//! The findings of a trial, and their way from the process of the trial to the one that reports.

use serde_json::{Value as Json, json};

/// Something that is wrong with a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The finding, and its place.
    pub found: String,
    /// The requirement of the header.
    pub expected: String,
    /// The advice.
    pub advice: String,
}

impl Fault {
    pub(super) fn new(
        found: impl Into<String>,
        expected: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { found: found.into(), expected: expected.into(), advice: advice.into() }
    }
}

/// The end of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing is wrong.
    Sound,
    /// Something is wrong.
    Fault(Fault),
    /// The trial does not apply to this kind, by what the kind itself declares.
    NotApplicable(String),
    /// The kind could not be tried, so nothing is known.
    Untried(String),
}

/// The option of a process that does one trial.
pub(super) const ALONE: &str = "--trial";

/// The option of a process that does a trial and those after it, until one finds a fault.
pub(super) const FROM: &str = "--trials-from";

/// The trial that lists kinds and their trials.
pub(super) const LIST: &str = "list";

/// In a step: nothing behind the last sample of a plane can be touched.
pub(super) const FENCED: &str = "planes at the end of memory";

/// A kind as the report names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The name in the rules file.
    pub id: String,
    /// The plugin's version.
    pub version: String,
    /// Mask rule, score or fill strategy.
    pub sort: String,
}

/// A line of what a process of trials says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Line {
    /// The trial that begins, as `KIND/TRIAL`.
    Trial(String),
    /// The next step; the last one tells where a process failed.
    Step(String),
    /// A kind, and the trials that it is to undergo.
    Kind(Tried, Vec<String>),
    /// The library cannot be looked at.
    Unusable(String),
    /// The end of the trial.
    Outcome(Outcome),
}

/// Begins every line of ours: a plugin may print to the same place.
const MARK: &str = "\u{1}compose-check ";

impl Line {
    /// Prints it, apart from whatever the plugin prints.
    pub fn say(&self) {
        use std::io::Write;
        let mut out = std::io::stdout().lock();
        // Without a reader there is nobody to tell.
        let _ = writeln!(out, "\n{MARK}{}", self.json());
        let _ = out.flush();
    }

    fn json(&self) -> Json {
        match self {
            Self::Trial(name) => json!({ "trial": name }),
            Self::Step(step) => json!({ "step": step }),
            Self::Kind(Tried { id, version, sort }, trials) => {
                json!({ "kind": id, "version": version, "sort": sort, "trials": trials })
            }
            Self::Unusable(why) => json!({ "unusable": why }),
            Self::Outcome(Outcome::Sound) => json!({ "sound": true }),
            Self::Outcome(Outcome::Fault(Fault { found, expected, advice })) => {
                json!({ "found": found, "expected": expected, "advice": advice })
            }
            Self::Outcome(Outcome::NotApplicable(why)) => json!({ "needless": why }),
            Self::Outcome(Outcome::Untried(why)) => json!({ "untried": why }),
        }
    }

    /// All lines of ours in what a process has printed.
    pub fn read_all(printed: &[u8]) -> Vec<Self> {
        let printed = String::from_utf8_lossy(printed);
        let ours = printed.lines().filter_map(|line| line.strip_prefix(MARK));
        ours.filter_map(|json| Self::read(&serde_json::from_str(json).ok()?)).collect()
    }

    fn read(json: &Json) -> Option<Self> {
        let text = |key: &str| json.get(key).and_then(Json::as_str).map(str::to_owned);
        if let Some(name) = text("trial") {
            return Some(Self::Trial(name));
        }
        if let Some(step) = text("step") {
            return Some(Self::Step(step));
        }
        if let Some(id) = text("kind") {
            let trials = json.get("trials")?.as_array()?.iter();
            let trials = trials.filter_map(|t| Some(t.as_str()?.to_owned())).collect();
            return Some(Self::Kind(Tried { id, version: text("version")?, sort: text("sort")? }, trials));
        }
        if let Some(why) = text("unusable") {
            return Some(Self::Unusable(why));
        }
        Some(Self::Outcome(if let Some(found) = text("found") {
            Outcome::Fault(Fault { found, expected: text("expected")?, advice: text("advice")? })
        } else if let Some(why) = text("needless") {
            Outcome::NotApplicable(why)
        } else if let Some(why) = text("untried") {
            Outcome::Untried(why)
        } else {
            json.get("sound").map(|_| Outcome::Sound)?
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_again_among_what_a_plugin_prints() {
        let tried = Tried { id: "a".into(), version: "1".into(), sort: "score".into() };
        let lines = [
            Line::Trial("a/plan".into()),
            Line::Step("mark".into()),
            Line::Kind(tried, vec!["plan".into()]),
            Line::Unusable("no".into()),
            Line::Outcome(Outcome::Sound),
            Line::Outcome(Outcome::Fault(Fault::new("a \"b\"\n\\", "c", "d"))),
            Line::Outcome(Outcome::NotApplicable("e".into())),
            Line::Outcome(Outcome::Untried("f".into())),
        ];
        let said: Vec<String> = lines.iter().map(|l| format!("chatter\n{MARK}{}\n{{}}", l.json())).collect();
        assert_eq!(Line::read_all(said.concat().as_bytes()), lines);
    }
}
