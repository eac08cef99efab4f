//! Reading and writing plan files, and the way back to a fitted plan.

use super::form::SavedPlan;
use super::text::{ANEW, EXPECTED, is_plan, read, text_of};
use super::{found, surveyed};
use crate::error::EngineError;
use crate::fitted::Fitted;
use crate::found::EarlierPlan;
use crate::options::Options;
use crate::plan::{Plan, mosaic_path};
use crate::rules::{Rules, RulesFile};
use compose_io::files::{Drafts, Inputs, Locks, Naming, commit_all, text_file};
use compose_io::text::{LARGEST_TEXT, read_text, regular};
use compose_io::write::refuse_existing;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// No plan is larger.
const LARGEST: u64 = 2 << 30;

/// A plan file that was read.
pub struct PlanFile {
    /// The file, as it was named.
    pub path: PathBuf,
    /// The same, absolute: the working folder may become another.
    place: PathBuf,
    /// Its hash: the SHA-256 of all its bytes before the last line, in hexadecimal digits.
    pub hash: String,
    /// What stands in it.
    pub plan: SavedPlan,
}

impl PlanFile {
    /// Reads a plan file. No other file is looked at.
    ///
    /// # Errors
    /// It cannot be read; it is no plan file, one of another version, cut off, or changed since it was written.
    pub fn read(path: &Path) -> Result<Self, EngineError> {
        let refuse = |message| EngineError::Plan { path: path.to_owned(), message };
        let bytes = regular(path)?;
        if bytes > LARGEST_TEXT && !is_plan(path) {
            return Err(refuse(format!(
                "is no plan file (it has {bytes} bytes, and does not begin like one); {EXPECTED}"
            )));
        }
        let (plan, hash) = read(&read_text(path, LARGEST)?).map_err(refuse)?;
        let place = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Ok(Self { path: path.to_owned(), place, hash, plan })
    }

    /// The rules file as the plan was made of it; that on the disk may have changed.
    pub fn rules_file(&self) -> RulesFile {
        RulesFile { path: self.plan.rules.file.clone(), text: self.plan.rules.text.clone() }
    }

    /// Checks that all files that the plan is of are there, and as they were. No raster is opened, and no plugin loaded.
    ///
    /// # Errors
    /// The first that is not, by name.
    pub fn check_inputs(&self) -> Result<(), EngineError> {
        self.plan.touched().map_or(Ok(()), |message| Err(self.refuse(message)))
    }

    /// The options of a run of this plan. Of `anew` come memory, workers, the size of blocks, how files are read, and
    /// whether files that exist may be replaced.
    ///
    /// # Errors
    /// Its scenes are of other rules.
    pub fn options(&self, rules: &Rules, anew: Options) -> Result<Options, EngineError> {
        let found = found::restored(&self.plan, rules);
        let found = found.map_err(|message| self.refuse(format!("{message}; {ANEW}")))?;
        let earlier = EarlierPlan { file: self.place.clone(), hash: self.hash.clone(), found };
        Ok(Options { earlier: Some(Arc::new(earlier)), ..self.plan.options.above(anew) })
    }

    /// The fitted plan, without a survey. `plan` is made of the rules and options that this file gives, in the folder that
    /// it names.
    ///
    /// # Errors
    /// Something was decided otherwise when the plan was made.
    pub fn fitted(&self, rules: &Rules, options: &Options, plan: &Plan) -> Result<Fitted, EngineError> {
        let now = SavedPlan::decided(&self.plan.folder, rules, options, plan)?;
        if let Some(message) = self.plan.decided_otherwise(&now) {
            return Err(self.refuse(message));
        }
        surveyed::restored(plan, &self.plan.survey, |message| self.refuse(format!("{message}; {ANEW}")))
    }

    fn refuse(&self, message: String) -> EngineError {
        EngineError::Plan { path: self.path.clone(), message }
    }
}

impl SavedPlan {
    /// The hash that its file has.
    pub fn hash(&self) -> String {
        text_of(self).1
    }

    /// Writes the plan file: its size in bytes, and its hash. An earlier plan file is replaced; any other file with
    /// `overwrite` alone, and one of `inputs` never.
    ///
    /// # Errors
    /// The path is that of a file that may not be replaced; the folder cannot be written to, or the disk is full.
    pub fn write(
        &self,
        path: &Path,
        (overwrite, inputs): (bool, &Inputs),
        drafts: &Drafts,
    ) -> Result<(u64, String), EngineError> {
        self.refuse_place(path, inputs)?;
        refuse_existing(path, overwrite || is_plan(path))?;
        let (text, hash) = text_of(self);
        let mut locks = Locks::take([path], drafts)?;
        let pending = text_file(path, &text, drafts)?;
        let naming = Naming { overwrite: true, inputs, locks: &mut locks, named: &|_| () };
        commit_all(vec![pending], naming)?;
        Ok((text.len() as u64, hash))
    }

    /// Refuses a path that is read, or that a run of the plan writes.
    fn refuse_place(&self, path: &Path, inputs: &Inputs) -> Result<(), EngineError> {
        inputs.refuse(path)?;
        let mut written =
            self.outputs.iter().flat_map(|output| output.files.iter().map(move |file| (output, file)));
        let is_path = |file: PathBuf| Inputs::new([file]).find(path).is_some();
        let same = written.find(|(output, file)| {
            let tiles = output.tiling();
            let over_tiles = tiles.as_ref().map(|_| mosaic_path(&file.file, "json"));
            let named = tiles.iter().flat_map(|of| of.tiles().map(|tile| of.path(&file.file, tile)));
            let mut named = named.filter(|file| file.file_name() == path.file_name());
            is_path(file.file.clone()) || over_tiles.is_some_and(is_path) || named.any(is_path)
        });
        let message = match same {
            Some((_, file)) => {
                format!("is written by a run of this plan, as {}; choose another path", file.setting)
            }
            None if path.extension().is_none_or(|ending| !ending.eq_ignore_ascii_case("json")) => {
                "is no name of a plan file; expected one that ends in .json".to_owned()
            }
            None => return Ok(()),
        };
        Err(EngineError::Plan { path: path.to_owned(), message })
    }
}
