//! How far the runs of a plan are: from the plan file and the reports beside the outputs, without a scene.

use super::old_tiles::others;
use super::report::JobReport;
use super::set::{self, Found, Look};
use super::tile_state::{TileState, state_of};
use crate::error::EngineError;
use crate::fitted::Unit;
use crate::plan::Tiling;
use crate::saved::{PlanFile, SavedFile, SavedOutput};
use compose_io::files::{Locks, folder_of};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// How far an output is.
#[derive(Clone, Debug)]
pub struct OutputStatus {
    /// The image, or the pattern of the tiles' images.
    pub image: PathBuf,
    /// Whether it comes in tiles.
    pub tiled: bool,
    /// What is done.
    pub done: usize,
    /// Tiles that are done, and have no pixel.
    pub empty: Vec<String>,
    /// What a run is at work on, and which run.
    pub running: Vec<(String, String)>,
    /// What is missing: nothing is there, or not all of its files.
    pub missing: Vec<String>,
    /// What is of another plan.
    pub foreign: Vec<String>,
    /// The counts of all that is done, together.
    pub counts: Option<JobReport>,
}

impl OutputStatus {
    /// The number of tiles that may have pixels; 1 for an image.
    pub fn all(&self) -> usize {
        self.done + self.running.len() + self.missing.len() + self.foreign.len()
    }

    /// Whether nothing is left to be done.
    pub fn is_done(&self) -> bool {
        self.done == self.all()
    }
}

/// What is there of a tile, or of an image.
enum There {
    /// It is whole; its counts, and whether it is a report alone.
    Done(Box<JobReport>, bool),
    Foreign,
    Missing,
}

impl OutputStatus {
    fn add(&mut self, name: String, report: &Path, there: There) {
        match (there, Locks::holder(report)) {
            (There::Done(_, blank), _) => {
                self.done += 1;
                if blank {
                    self.empty.push(name);
                }
            }
            (_, Some(by)) => self.running.push((name, by)),
            (There::Foreign, None) => self.foreign.push(name),
            (There::Missing, None) => self.missing.push(name),
        }
    }
}

/// How far each output of a plan is. Paths of the plan start from the working folder.
///
/// # Errors
/// The plan names no report for an output, so that nobody can tell.
pub fn status(file: &PlanFile) -> Result<Vec<OutputStatus>, EngineError> {
    let composed = (0..file.plan.outputs.len()).filter(|nth| !file.plan.is_left_out(*nth));
    composed.map(|nth| of_output(file, nth)).collect()
}

fn of_output(file: &PlanFile, nth: usize) -> Result<OutputStatus, EngineError> {
    let output = &file.plan.outputs[nth];
    let path = |setting: &str| output.files.iter().find(|of| of.setting == setting).map(|of| of.file.clone());
    let (Some(image), Some(report)) = (path("path"), path("sidecar")) else {
        let message = "it has no report ([output] sidecar = false), which would tell whether it is done";
        return Err(EngineError::Plan { path: file.path.clone(), message: message.into() });
    };
    let mut status = OutputStatus {
        image,
        tiled: output.tiles.is_some(),
        done: 0,
        empty: Vec::new(),
        running: Vec::new(),
        missing: Vec::new(),
        foreign: Vec::new(),
        counts: None,
    };
    match output.tiling() {
        Some(tiling) => add_tiles(&mut status, file, nth, (&tiling, &report)),
        None => {
            let there = of_image(&report, &file.hash);
            if let There::Done(counts, _) = &there {
                status.counts = Some((**counts).clone());
            }
            status.add(status.image.display().to_string(), &report, there);
        }
    }
    Ok(status)
}

fn add_tiles(status: &mut OutputStatus, file: &PlanFile, nth: usize, (tiling, report): (&Tiling, &Path)) {
    let output = &file.plan.outputs[nth];
    let units = file.plan.units_of(nth, &file.hash, nth);
    let mut counts: Vec<JobReport> = Vec::new();
    // Pixels that no scene reaches: those of the area, and those outside it.
    let (mut gaps, mut outside) = output.pixels();
    for unit in &units {
        let reached = output.pixels_of(tiling, unit.tile);
        (gaps, outside) = (gaps.saturating_sub(reached.0), outside.saturating_sub(reached.1));
        let there = of_tile(unit, output, tiling);
        if let There::Done(of, _) = &there {
            counts.push((**of).clone());
        }
        status.add(unit.identity.id.clone(), &tiling.path(report, unit.tile), there);
    }
    for (report, found) in others(report, units.iter()) {
        status.add(found.tile.id, &report, There::Foreign);
    }
    let planes = if file.plan.validity == "joint" { 1 } else { file.plan.bands.len() as u64 };
    // The shares of all tiles are those of the grid, with what no scene reaches.
    let all = |counts: JobReport| {
        if status.is_done() { counts.with_gaps(gaps * planes, outside * planes) } else { counts }
    };
    status.counts = JobReport::together(&counts).map(all);
}

/// What is there of a tile; its files must be as long as its report says.
fn of_tile(unit: &Unit, output: &SavedOutput, tiling: &Tiling) -> There {
    let path = |of: &SavedFile| (of.setting.clone(), tiling.path(&of.file, unit.tile));
    let files: Vec<(String, PathBuf)> = output.files.iter().map(path).collect();
    let files = files.iter().map(|(setting, file)| (setting.as_str(), file.as_path()));
    match state_of(files, &unit.identity, Look::Lengths) {
        TileState::Done(record) => {
            let blank = record.is_blank();
            There::Done(Box::new(record.result), blank)
        }
        TileState::Other(_, Some(record)) if record.tile.hash == unit.identity.hash => There::Missing,
        TileState::Other(..) => There::Foreign,
        TileState::Absent => There::Missing,
    }
}

/// What the report of an image says: whether a run of this plan wrote it.
fn of_image(report: &Path, hash: &str) -> There {
    let Ok(found) = set::read(report) else {
        return if report.symlink_metadata().is_ok() { There::Foreign } else { There::Missing };
    };
    let result = serde_json::from_value::<JobReport>(found["result"].clone());
    match (result, found["files"].as_array()) {
        (Ok(result), Some(files)) if found["plan"] == hash => {
            if are_there(report, files) {
                There::Done(Box::new(result), false)
            } else {
                There::Missing
            }
        }
        _ => There::Foreign,
    }
}

/// Whether all files that a report lists are there, and as long as it says.
fn are_there(report: &Path, files: &[Value]) -> bool {
    let is_there = |(name, written)| {
        set::held_against(&folder_of(report).join(name), &written, Look::Lengths) == Found::Whole
    };
    files.iter().all(|file| set::entry_of(file).is_some_and(is_there))
}
