//! Plan files: `--save-plan` and `--from-plan`.
//!
//! | module | asks |
//! |---|---|
//! | `same` | does a plan file give the bits that its rules give? |
//! | `refused` | is every plan file refused that does not fit what is there, by name, and nothing left behind? |

mod refused;
mod same;

use crate::support::program::Program;
use crate::support::{compose, listing, root, stderr};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

/// A folder with a rules file, `out` for what it writes, and `plan.json`.
struct Work {
    folder: tempfile::TempDir,
}

impl Work {
    fn new(rules: &str) -> Self {
        let work = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(work.path("out")).unwrap();
        std::fs::write(work.path("rules.toml"), rules).unwrap();
        work
    }

    /// The scenes of an example lie in `scenes`.
    fn with_scenes_of(example: &str, rules: &str) -> Self {
        let work = Self::new(rules);
        let scenes = root().join("examples").join(example).join("scenes");
        std::fs::create_dir(work.path("scenes")).unwrap();
        for name in listing(&scenes) {
            std::fs::copy(scenes.join(&name), work.path("scenes").join(&name)).unwrap();
        }
        work
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn program(&self, args: &[&str]) -> Program {
        let mut program = compose();
        program.current_dir(self.folder.path()).args(args);
        program
    }

    fn compose(&self, args: &[&str]) -> Output {
        self.program(args).output().unwrap()
    }

    /// Saves the plan, and insists on success; what was said.
    fn save(&self, more: &[&str]) -> String {
        let args = [&["--rules", "rules.toml", "--save-plan", "plan.json"], more].concat();
        let output = self.compose(&args);
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(self.files(), BTreeMap::new(), "--save-plan writes nothing else");
        stderr(&output)
    }

    /// Runs, and insists on success; every file of `out`, which is empty again.
    fn outputs(&self, program: &mut Program) -> BTreeMap<String, Vec<u8>> {
        let output = program.output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let files = self.files();
        std::fs::remove_dir_all(self.path("out")).unwrap();
        std::fs::create_dir(self.path("out")).unwrap();
        files
    }

    /// Every file of `out`; of reports all but the command line and the plan's hash.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let content = |name: &String| {
            let path = self.path("out").join(name);
            if name.ends_with(".json") { without_plan(&path) } else { std::fs::read(path).unwrap() }
        };
        listing(&self.path("out")).iter().map(|name| (name.clone(), content(name))).collect()
    }

    /// Insists that a plan is refused with exit status 2 and nothing left behind; gives the message, which is one line and
    /// names the plan file.
    fn refused(&self, args: &[&str]) -> String {
        let before = listing(self.folder.path());
        let output = self.compose(args);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
        assert_eq!((listing(self.folder.path()), self.files()), (before, BTreeMap::new()), "{said}");
        said
    }
}

/// A report without what a run from a plan says otherwise.
fn without_plan(report: &Path) -> Vec<u8> {
    let text = std::fs::read_to_string(report).unwrap();
    let mut value: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
    value.shift_remove("command-line");
    value.shift_remove("plan");
    serde_json::to_vec(&value).unwrap()
}
