//! The files of an evaluation: the table as CSV and JSON, the cases, and a picture of each case.

use super::holdout::{Filled, Holdout};
use compose_engine::EngineError;
use compose_engine::run::set;
use compose_evaluate::strip::{Fill, Scene, strip};
use compose_evaluate::table::Report;
use compose_io::files::{Drafts, Inputs, Locks, Naming, commit_all, text_file};
use compose_io::quicklook;
use compose_io::write::{Draft, Pending, WriteError, refuse_existing};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Files under temporary names, until all are there.
pub struct Files<'a> {
    folder: &'a Path,
    drafts: Drafts,
    overwrite: bool,
    inputs: Inputs,
    /// Whether the cases were read from where they would be written, and stay as they are.
    has_cases: bool,
    pending: Vec<Pending>,
    pictures: Vec<Value>,
    // Last: held until the others are gone.
    locks: Locks,
}

const TABLE: &str = "evaluation.csv";
const REPORT: &str = "evaluation.json";
const CASES: &str = "cases.toml";

impl<'a> Files<'a> {
    /// A folder that is there, or can be made; files in it are not replaced unless that is wanted, and those that are
    /// read never.
    pub fn new(
        (folder, drafts): (&'a Path, Drafts),
        overwrite: bool,
        mut inputs: Inputs,
        cases: Option<&Path>,
    ) -> Result<Self, EngineError> {
        std::fs::create_dir_all(folder)
            .map_err(|cause| WriteError::System { path: folder.to_owned(), cause })?;
        let own = Inputs::new(cases.map(Path::to_owned));
        let has_cases = own.find(&folder.join(CASES)).is_some();
        cases.into_iter().for_each(|cases| inputs.add(cases.to_owned()));
        let all = [TABLE, REPORT, CASES].map(|name| folder.join(name));
        let locks = Locks::take(all.iter().map(PathBuf::as_path), &drafts)?;
        let files = Self {
            folder,
            drafts,
            overwrite,
            inputs,
            has_cases,
            pending: Vec::new(),
            pictures: Vec::new(),
            locks,
        };
        for name in [TABLE, REPORT, CASES].into_iter().filter(|name| !(has_cases && *name == CASES)) {
            files.place(name)?;
        }
        Ok(files)
    }

    /// Files of earlier evaluations.
    pub fn notes(&self) -> &[String] {
        self.locks.notes()
    }

    fn place(&self, name: &str) -> Result<PathBuf, EngineError> {
        let path = self.folder.join(name);
        self.inputs.refuse(&path)?;
        refuse_existing(&path, self.overwrite)?;
        Ok(path)
    }

    /// Paints a case: the truth, what was hidden, each fill, and their errors.
    pub fn strip(&mut self, name: &str, holdout: &Holdout<'_>, fills: &[Filled]) -> Result<(), EngineError> {
        let bands = holdout.target.values.dim().0;
        let scene = Scene {
            truth: holdout.target.values.view(),
            hidden: holdout.hidden.pixels.view(),
            clear: holdout.clear.view(),
            rgb: if bands >= 3 { [2, 1, 0] } else { [0, 0, 0] },
        };
        let fills: Vec<Fill<'_>> = fills
            .iter()
            .map(|fill| Fill { name: &fill.strategy, filled: fill.values.view(), got: fill.got.view() })
            .collect();
        let Some(strip) = strip(&scene, &fills) else { return Ok(()) };
        let file = format!("{}.png", name.replace([' ', '/', '\\'], "_"));
        let draft = Draft::new(&self.place(&file)?, &self.drafts)?;
        self.pending.push(quicklook::coloured(draft, strip.pixels.view())?);
        self.pictures.push(json!({
            "case": name, "file": file, "panels": strip.panels, "white": strip.white, "step": strip.step, "zoom": strip.zoom,
        }));
        Ok(())
    }

    /// Writes the tables, and gives every file its name: first that which lists the others.
    pub fn finish(mut self, report: &Report, cases: &str) -> Result<&'a Path, EngineError> {
        let path = self.place(REPORT)?;
        let failed =
            |cause: serde_json::Error| EngineError::Sidecar { path: path.clone(), cause: cause.into() };
        let table = serde_json::to_value(report).map_err(failed)?;
        self.pending.push(text_file(&self.place(TABLE)?, &report.csv(), &self.drafts)?);
        if !self.has_cases {
            self.pending.push(text_file(&self.place(CASES)?, cases, &self.drafts)?);
        }
        let listed: Result<Vec<Value>, _> = self.pending.iter().map(|f| set::entry(&path, "", f)).collect();
        let all = json!({ "evaluation": table, "pictures": self.pictures, "files": listed? });
        self.pending.insert(0, text_file(&path, &format!("{all:#}\n"), &self.drafts)?);
        let naming = Naming {
            overwrite: self.overwrite,
            inputs: &self.inputs,
            locks: &mut self.locks,
            named: &|_| (),
        };
        commit_all(self.pending, naming)?;
        Ok(self.folder)
    }
}
