//! Refuses outputs that are read, exist, are written twice, or have the wrong ending.

use crate::error::EngineError;
use crate::options::Options;
use crate::plan::output::refuse;
use crate::plan::{Job, Stack};
use crate::rules::Rules;
use compose_io::files::Inputs;
use compose_io::header::companions_of;
use compose_io::write::{ENDINGS, WriteError, check_folder, refuse_existing};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Every file that a run of `rules` reads.
pub fn inputs(rules: &Rules, stack: &Stack, options: &Options) -> Inputs {
    let like = like_files(rules, options);
    let earlier = options.earlier.iter().map(|earlier| earlier.file.clone());
    let plugins = rules.plugins.iter().map(|plugin| plugin.path.clone());
    let area = stack.area.iter().flat_map(|area| area.files.iter().cloned());
    let all =
        stack.inputs.iter().cloned().chain(area).chain([rules.file.path.clone()]).chain(plugins).chain(like);
    Inputs::new(all.chain(earlier))
}

/// The file whose grid is taken, and what is read with it.
pub fn like_files(rules: &Rules, options: &Options) -> Vec<PathBuf> {
    let like = options.like.clone().or(rules.grid.value.like.as_ref().map(|l| rules.file.resolve(l)));
    let access = rules.access();
    let with_companions = |file: PathBuf| [companions_of(&file, &access), vec![file]].concat();
    like.into_iter().flat_map(with_companions).collect()
}

/// Refuses outputs that exist, clash with one another or with an input, or cannot be written.
/// Gives remarks where only a plan is wanted.
pub fn refuse_clashes(
    rules: &Rules,
    jobs: &[Job],
    inputs: &Inputs,
    options: &Options,
) -> Result<Vec<String>, EngineError> {
    let refuse = |setting: &str, file: &Path, message: &str| {
        refuse(rules, options, setting, &format!("{setting}: {}{message}", file.display()))
    };
    let mut seen: HashMap<&Path, &str> = HashMap::new();
    let over_tiles: Vec<(&str, PathBuf)> = jobs.iter().flat_map(Job::mosaic_files).collect();
    let over_tiles = over_tiles.iter().map(|(setting, file)| (*setting, file.as_path(), None));
    let of_outputs = jobs.iter().flat_map(|job| job.output.files_by_setting());
    let of_outputs = of_outputs.map(|(setting, file)| (setting, file, wrong_ending(setting, file)));
    for (setting, file, wrong_ending) in of_outputs.chain(over_tiles) {
        if let Some(other) = seen.insert(file, setting) {
            let message = if other == setting {
                " would be written for more than one target; put {id} into it, such as \"{id}_filled.tif\""
                    .into()
            } else {
                format!(" would be written twice, as {other} and as {setting}")
            };
            return Err(refuse(setting, file, &message));
        }
        if let Some(message) = inputs.clash(file).or(wrong_ending) {
            return Err(refuse(setting, file, &message));
        }
    }
    for job in jobs.iter().filter(|job| job.tiling.is_some()) {
        refuse_read_tiles(job, inputs, &refuse)?;
    }
    let mut notes = Vec::new();
    for (setting, file) in jobs.iter().flat_map(|j| j.output.files_by_setting()) {
        // Which tiles are there is known when they are begun.
        match refuse_existing(file, options.overwrite) {
            Err(WriteError::Exists { path }) if options.plan_only => {
                notes.push(format!("{} exists: a run needs --overwrite", path.display()));
            }
            result => result?,
        }
        check_folder(file).map_err(|e| self::refuse(rules, options, setting, &format!("{setting}: {e}")))?;
    }
    Ok(notes)
}

/// Refuses tiles that are read.
fn refuse_read_tiles(
    job: &Job,
    inputs: &Inputs,
    refuse: &dyn Fn(&str, &Path, &str) -> EngineError,
) -> Result<(), EngineError> {
    let all = job.tiling.iter().flat_map(|tiling| tiling.tiles().map(move |tile| (tiling, tile)));
    for (tiling, tile) in all {
        let output = job.output.for_tile(&tiling.id(tile));
        let clash =
            output.files_by_setting().find_map(|(setting, file)| Some((setting, file, inputs.clash(file)?)));
        if let Some((setting, file, message)) = clash {
            return Err(refuse(setting, file, &message));
        }
    }
    Ok(())
}

/// Why a path cannot be that of an output, which follows it in a message: a raster is a GeoTIFF, a report JSON.
///
/// A word that was meant for something else (a command, a rules file) does not become a file that way.
fn wrong_ending(setting: &str, path: &Path) -> Option<String> {
    let endings: &[&str] = match setting {
        "path" | "provenance" | "mask" | "uncertainty" => &ENDINGS,
        "sidecar" => &["json"],
        // Named by the program itself.
        _ => return None,
    };
    let expected = || endings.iter().map(|e| format!(".{e}")).collect::<Vec<_>>().join(" or ");
    let text = path.to_string_lossy();
    if path.is_dir() || text.ends_with(std::path::is_separator) {
        return Some(format!(" is a folder; expected the path of a file that ends in {}", expected()));
    }
    match path.extension() {
        Some(found) if endings.iter().any(|e| found.eq_ignore_ascii_case(e)) => None,
        Some(found) if !found.is_empty() => {
            Some(format!(" ends in .{}; expected a name that ends in {}", found.display(), expected()))
        }
        _ => Some(format!(" has no ending; expected a name that ends in {}", expected())),
    }
}
