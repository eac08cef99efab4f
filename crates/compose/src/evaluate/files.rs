//! What an evaluation leaves in its folder: the table as CSV and JSON, the cases, and a picture of each case.

use super::{Filled, Trial};
use compose_engine::EngineError;
use compose_evaluate::strip::{Fill, Scene, strip};
use compose_evaluate::table::Report;
use compose_io::files::{commit_all, text_file};
use compose_io::quicklook;
use compose_io::write::{Pending, WriteError, refuse_existing};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Files under temporary names, until all are there.
pub struct Files<'a> {
    folder: &'a Path,
    overwrite: bool,
    pending: Vec<Pending>,
    pictures: Vec<Value>,
}

impl<'a> Files<'a> {
    /// A folder that is there, or can be made; files in it are not replaced unless that is wanted.
    pub fn new(folder: &'a Path, overwrite: bool) -> Result<Self, EngineError> {
        std::fs::create_dir_all(folder)
            .map_err(|cause| WriteError::System { path: folder.to_owned(), cause })?;
        let files = Self { folder, overwrite, pending: Vec::new(), pictures: Vec::new() };
        for name in ["evaluation.csv", "evaluation.json", "cases.toml"] {
            files.place(name)?;
        }
        Ok(files)
    }

    fn place(&self, name: &str) -> Result<PathBuf, EngineError> {
        let path = self.folder.join(name);
        refuse_existing(&path, self.overwrite)?;
        Ok(path)
    }

    /// Paints a case: the truth, what was hidden, each fill, and their errors.
    pub fn strip(&mut self, name: &str, trial: &Trial<'_>, fills: &[Filled]) -> Result<(), EngineError> {
        let bands = trial.target.values.dim().0;
        let scene = Scene {
            truth: trial.target.values.view(),
            hidden: trial.hidden.pixels.view(),
            clear: trial.clear.view(),
            rgb: if bands >= 3 { [2, 1, 0] } else { [0, 0, 0] },
        };
        let fills: Vec<Fill<'_>> = fills
            .iter()
            .map(|fill| Fill { name: &fill.strategy, filled: fill.values.view(), got: fill.got.view() })
            .collect();
        let Some(strip) = strip(&scene, &fills) else { return Ok(()) };
        let file = format!("{}.png", name.replace([' ', '/', '\\'], "_"));
        self.pending.push(quicklook::coloured(&self.place(&file)?, strip.pixels.view())?);
        self.pictures.push(json!({
            "case": name, "file": file, "panels": strip.panels, "white": strip.white, "step": strip.step, "zoom": strip.zoom,
        }));
        Ok(())
    }

    /// Writes the tables, and gives every file its name.
    pub fn finish(mut self, report: &Report, cases: &str) -> Result<&'a Path, EngineError> {
        let table = serde_json::to_value(report).map_err(|e| EngineError::Sidecar {
            path: self.folder.join("evaluation.json"),
            cause: e.into(),
        })?;
        let all = json!({ "evaluation": table, "pictures": self.pictures });
        let texts = [
            ("evaluation.csv", report.csv()),
            ("evaluation.json", format!("{all:#}\n")),
            ("cases.toml", cases.to_owned()),
        ];
        for (name, text) in texts {
            self.pending.push(text_file(&self.place(name)?, &text)?);
        }
        commit_all(self.pending)?;
        Ok(self.folder)
    }
}
