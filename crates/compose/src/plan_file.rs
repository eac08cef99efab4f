//! `--save-plan` and `--from-plan`.

use crate::args::RunArgs;
use crate::rules::{parse_rules, refuse_tile_options};
use crate::{heap, screen};
use compose_engine::{EngineError, Fitted, Options, Plan, PlanFile, Registry, Rules, SavedPlan, Unit};
use compose_io::files::Drafts;
use std::path::{Path, PathBuf};

/// Hexadecimal digits of a hash that are told.
const TOLD: usize = 12;

/// All that a run needs.
pub struct Planned {
    /// The rules.
    pub rules: Rules,
    /// The options, those of the plan file among them.
    pub options: Options,
    /// The plan, fitted to its survey.
    pub fitted: Fitted,
}

/// Makes the plan of a plan file again. From here on the working folder is the one in which the plan was made.
pub fn read(path: &Path, anew: Options, registry: &Registry, args: &RunArgs) -> Result<Planned, EngineError> {
    let file = PlanFile::read(path)?;
    go_to(&file, args.quiet)?;
    file.check_inputs()?;
    let rules = parse_rules(file.rules_file(), registry)?;
    refuse_tile_options(args, &rules)?;
    let options = file.options(&rules, anew)?;
    let fitted = file.fitted(&rules, &options, &Plan::make(&rules, &options)?)?;
    drop(file);
    heap::give_back();
    Ok(Planned { rules, options, fitted })
}

/// Relative paths of a plan start from the folder in which it was made.
pub fn go_to(file: &PlanFile, quiet: bool) -> Result<(), EngineError> {
    let folder = &file.plan.folder;
    if working_folder().is_ok_and(|here| here == *folder) {
        return Ok(());
    }
    std::env::set_current_dir(folder).map_err(|cause| EngineError::Plan {
        path: file.path.clone(),
        message: format!("its paths start from {}, which cannot be entered: {cause}", folder.display()),
    })?;
    if !quiet {
        screen::tell(&format!("note: paths start from {}, where the plan was made", folder.display()));
    }
    Ok(())
}

fn working_folder() -> std::io::Result<PathBuf> {
    std::env::current_dir()?.canonicalize()
}

/// The tiles of a plan. That is all that is kept of what a file would hold.
pub fn units(planned: &Planned) -> Result<Vec<Unit>, EngineError> {
    let Planned { rules, options, fitted } = planned;
    let folder = working_folder().map_err(|cause| unknown_folder(&rules.file.path, &cause))?;
    let saved = SavedPlan::of(&folder, rules, options, fitted)?;
    let hash = fitted.plan.hash.clone().unwrap_or_else(|| saved.hash());
    Ok(saved.units(&hash, fitted))
}

fn unknown_folder(path: &Path, cause: &std::io::Error) -> EngineError {
    EngineError::Plan {
        path: path.to_owned(),
        message: format!("the working folder, from which its paths start, is not known: {cause}"),
    }
}

/// Writes the plan file, and says where it is.
pub fn save(path: &Path, planned: &Planned, drafts: &Drafts, args: &RunArgs) -> Result<(), EngineError> {
    let Planned { rules, options, fitted } = planned;
    let folder = working_folder().map_err(|cause| unknown_folder(path, &cause))?;
    if args.verbose > 0 {
        screen::tell(&fitted.to_string());
    }
    let saved = SavedPlan::of(&folder, rules, options, fitted)?;
    let (bytes, hash) = saved.write(path, (args.overwrite, &fitted.plan.inputs), drafts)?;
    if !args.quiet {
        let kilobytes = bytes.div_ceil(1 << 10);
        screen::tell(&format!("wrote {}: {kilobytes} kB, plan {}", path.display(), &hash[..TOLD]));
    }
    Ok(())
}
