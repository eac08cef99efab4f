//! The files over all tiles of an output: an index for each raster, and the report of all tiles together.
//!
//! Whoever has done its share writes them from what is there. The report comes with the last tile.

use super::report::{JobReport, Tally};
use super::set;
use super::sidecar::{self, Results, TilesTold};
use super::stac;
use super::tile_state::{TileRecord, record};
use super::tiles::{Existing, TiledRun};
use crate::control::Control;
use crate::error::EngineError;
use crate::fitted::{FittedJob, Unit};
use crate::plan::specs::rasters;
use crate::plan::{TILE_INDEX, VRT, mosaic_path};
use compose_io::files::{Claim, Locks, Naming, commit_all};
use compose_io::write::{
    MOSAIC_TAG, MosaicTile, Pending, RasterSpec, WriteError, write_tile_index, write_vrt,
};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often the files over all tiles are tried for while another process writes them.
const PATIENCE: Duration = Duration::from_millis(50);

/// What was written over the tiles of an output.
#[derive(Clone, Debug)]
pub struct Mosaic {
    /// The index of the image.
    pub index: PathBuf,
    /// Tiles that are not there yet.
    pub missing: usize,
    /// The counts of all tiles together, when all are there.
    pub counts: Option<JobReport>,
}

impl TiledRun<'_> {
    /// Refuses files of others where those over all tiles are to be.
    ///
    /// # Errors
    /// Such a file is there, and nobody said that it may be replaced.
    pub(super) fn refuse_foreign_mosaics(&self) -> Result<(), EngineError> {
        if self.existing == Existing::Replace {
            return Ok(());
        }
        let files = self.fitted.jobs.iter().flat_map(|of| of.job.mosaic_files());
        let foreign =
            files.map(|(_, file)| file).find(|file| file.symlink_metadata().is_ok() && !is_ours(file));
        foreign.map_or(Ok(()), |path| Err(WriteError::Exists { path }.into()))
    }

    /// Writes the files over all tiles of every output.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub fn write_mosaics(&self, control: &Control<'_>) -> Result<Vec<Mosaic>, EngineError> {
        (0..self.fitted.jobs.len()).map(|output| self.mosaic(output, control)).collect()
    }

    /// What is there of the tiles of an output, in their order.
    fn there(&self, output: usize) -> Vec<(&Unit, Option<TileRecord>)> {
        let job = &self.fitted.jobs[output].job;
        let look = |unit: &Unit| {
            let report = job.tiling.as_ref()?.path(job.output.sidecar.as_deref()?, unit.tile);
            record(&report).filter(|record| record.tile.hash == unit.identity.hash)
        };
        self.units.iter().filter(|unit| unit.output == output).map(|unit| (unit, look(unit))).collect()
    }

    fn mosaic(&self, output: usize, control: &Control<'_>) -> Result<Mosaic, EngineError> {
        let of = &self.fitted.jobs[output];
        let files: Vec<PathBuf> = of.job.mosaic_files().into_iter().map(|(_, file)| file).collect();
        loop {
            if control.cancelled.load(Ordering::Relaxed) {
                return Err(EngineError::Interrupted);
            }
            control.drafts.next_set()?;
            let claim = Locks::try_take(files.iter().map(PathBuf::as_path), control.drafts)?;
            let Claim::Ours(mut locks) = claim else {
                std::thread::sleep(PATIENCE);
                continue;
            };
            let there = self.there(output);
            self.remove_stale_report(of, &there)?;
            let (pending, mosaic) = self.drafts_of_mosaic(of, output, &there, control)?;
            let inputs = &self.fitted.plan.inputs;
            commit_all(pending, Naming { overwrite: true, inputs, locks: &mut locks, named: &|_| () })?;
            // A tile that came meanwhile may be missing: who wrote it could have been waiting for these files.
            let count =
                |there: &[(&Unit, Option<TileRecord>)]| there.iter().filter(|(_, r)| r.is_some()).count();
            if count(&self.there(output)) == count(&there) {
                return Ok(mosaic);
            }
        }
    }

    /// Removes the report of all tiles that an earlier plan left, if it is no longer that of the tiles that are there, and
    /// the indexes that it lists. Those of this plan are written anew.
    fn remove_stale_report(
        &self,
        of: &FittedJob,
        there: &[(&Unit, Option<TileRecord>)],
    ) -> Result<(), EngineError> {
        let plan = there.first().map(|(unit, _)| unit.identity.plan.as_str());
        let Some(path) = of.job.mosaic_report().filter(|path| is_ours(path)) else { return Ok(()) };
        let Ok(report) = set::read(&path) else { return Ok(()) };
        if report["plan"].as_str() == plan {
            return Ok(());
        }
        let new: Vec<PathBuf> = of.job.mosaic_files().into_iter().map(|(_, file)| file).collect();
        let indexes = report["files"].as_array().into_iter().flatten().filter(|file| file["is"] == "index");
        let names = indexes.filter_map(set::entry_of).map(|(name, _)| path.with_file_name(name));
        let old = names.filter(|file| file.parent() == path.parent() && !new.contains(file) && is_ours(file));
        old.collect::<Vec<_>>().iter().try_for_each(|file| self.remove(file))?;
        self.remove(&path)
    }

    fn drafts_of_mosaic(
        &self,
        of: &FittedJob,
        output: usize,
        there: &[(&Unit, Option<TileRecord>)],
        control: &Control<'_>,
    ) -> Result<(Vec<Pending>, Mosaic), EngineError> {
        let (plan, job) = (&self.fitted.plan, &of.job);
        let tiling = job.tiling.as_ref().ok_or_else(|| EngineError::Bug("a mosaic without tiles".into()))?;
        let records = || there.iter().filter_map(|(unit, record)| Some((*unit, record.as_ref()?)));
        let (with_image, empty): (Vec<_>, Vec<_>) = records().partition(|(_, record)| !record.is_blank());
        let mut pending = Vec::new();
        for spec in rasters(&plan.stack, job, &plan.plugins, plan.memory.compressors) {
            let tile = |(unit, _): &(&Unit, &TileRecord)| MosaicTile {
                path: tiling.path(&spec.path, unit.tile),
                window: tiling.window(unit.tile, &job.view.grid),
            };
            let tiles: Vec<MosaicTile> = with_image.iter().map(tile).collect();
            let at = |ending: &str| RasterSpec { path: mosaic_path(&spec.path, ending), ..spec.clone() };
            pending.push(write_vrt(&at(VRT), &tiles, control.drafts)?);
            pending.extend(write_tile_index(&at(TILE_INDEX), &tiles, control.drafts)?);
        }
        let missing = there.iter().filter(|(_, record)| record.is_none()).count();
        let index = mosaic_path(&job.output.path, VRT);
        let Some(path) = job.mosaic_report().filter(|_| missing == 0) else {
            return Ok((pending, Mosaic { index, missing, counts: None }));
        };
        let counts: Vec<JobReport> = records().map(|(_, record)| record.result.clone()).collect();
        let counts = JobReport::new(plan, of, &Tally::of_tiles(job, &counts));
        let idle_rules = idle_rules(&plan.stack.mask_names, there);
        let told = TilesTold {
            size: tiling.size,
            count: tiling.count,
            written: with_image.len(),
            empty: empty.iter().map(|(unit, _)| unit.identity.id.clone()).collect(),
            not_reached: tiling.count.0 * tiling.count.1 - there.len(),
        };
        if let Some(path) = job.output.collection.clone() {
            let pattern = job.output.stac.as_deref().unwrap_or(&path);
            let item = |unit: &Unit| (unit.identity.id.clone(), tiling.path(pattern, unit.tile));
            let items = with_image.iter().map(|(unit, _)| item(unit));
            let of = (self.rules, self.fitted, output, &counts);
            pending.push(stac::write_collection((&path, control.drafts), of, items.collect())?);
        }
        let mut files: Vec<Value> =
            pending.iter().map(|file| set::entry(&path, "index", file)).collect::<Result<_, _>>()?;
        files.extend(records().flat_map(|(_, record)| record.files.iter().cloned()));
        let results = Results { counts: &counts, idle_rules: &idle_rules, files: Value::Array(files) };
        let hash = there.first().map_or("", |(unit, _)| unit.identity.plan.as_str());
        let report = sidecar::write_of_tiles(
            (&path, control.drafts),
            self.rules,
            self.fitted,
            output,
            (hash, told),
            results,
        )?;
        pending.insert(0, report);
        Ok((pending, Mosaic { index, missing, counts: Some(counts) }))
    }
}

/// The mask rules that took no pixel of any tile.
fn idle_rules(names: &[String], there: &[(&Unit, Option<TileRecord>)]) -> Vec<String> {
    let records = || there.iter().filter_map(|(_, record)| record.as_ref());
    let idle = |name: &&String| {
        records().all(|record| record.masks.iter().all(|mask| mask.name != **name || mask.took_nothing))
    };
    names.iter().filter(idle).cloned().collect()
}

/// Whether a file over all tiles is one of ours: another run may replace it.
fn is_ours(path: &Path) -> bool {
    let holds = |words: &str| match std::fs::read(path) {
        Ok(bytes) => bytes.windows(words.len()).any(|at| at == words.as_bytes()),
        // Another run is just replacing it.
        Err(cause) => cause.kind() == std::io::ErrorKind::NotFound,
    };
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("json") => {
            let of_tiles = |report: Value| {
                report["compose"].is_string()
                    && (report["tiles"].is_object() || report["type"] == "Collection")
            };
            set::read(path).map_or_else(|_| path.symlink_metadata().is_err(), of_tiles)
        }
        Some("vrt") => holds(MOSAIC_TAG),
        _ => holds("LOCATION_FIELD"),
    }
}
