//! `compose check`: whether the files of a run are the ones that its report is of.

use crate::args::CheckSetsArgs;
use crate::exit_code::FAILED;
use crate::screen;
use compose_engine::EngineError;
use compose_engine::run::set::{self, Checked, Found};
use std::path::Path;
use std::process::ExitCode;

/// Tells of every file of every report how it was found.
pub fn check(args: &CheckSetsArgs) -> Result<ExitCode, EngineError> {
    let mut whole = true;
    for report in &args.reports {
        match set::check(report) {
            Ok(files) => whole &= say(report, &files)?,
            // The others are looked at all the same.
            Err(error) => {
                screen::tell_error(&error);
                whole = false;
            }
        }
    }
    Ok(if whole { ExitCode::SUCCESS } else { ExitCode::from(FAILED) })
}

/// Whether all files of a set are what was written.
fn say(report: &Path, files: &[Checked]) -> Result<bool, EngineError> {
    let whole = files.iter().all(|file| file.found == Found::Whole);
    screen::say(&format!("{}: {}", report.display(), if whole { "whole" } else { "not whole" }))?;
    for Checked { file, found } in files {
        screen::say(&match found {
            Found::Whole => format!("  ok       {file}"),
            Found::Missing => format!("  missing  {file}"),
            Found::Differs(how) => format!("  differs  {file}: {how}"),
            Found::Foreign => format!("  foreign  {file}: of another run, it is not in this report"),
        })?;
    }
    Ok(whole)
}
