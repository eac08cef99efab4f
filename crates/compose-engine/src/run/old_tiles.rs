//! Tiles of an earlier plan that this one does not have: no scene reaches them any more, or tiles have another size.

use super::set;
use super::tile_state::{TileRecord, record};
use super::tiles::{Existing, TiledRun};
use crate::control::Control;
use crate::error::EngineError;
use crate::fitted::Unit;
use crate::plan::path_of;
use compose_io::files::{Claim, Locks, folder_of};
use compose_io::write::WriteError;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Reports of tiles beside those of this plan: `pattern` is that of its reports, `units` are its tiles. By name.
pub fn others<'a>(pattern: &Path, units: impl Iterator<Item = &'a Unit>) -> Vec<(PathBuf, TileRecord)> {
    let own: BTreeSet<PathBuf> = units.map(|unit| path_of(pattern, &unit.identity.id)).collect();
    let name = pattern.file_name().unwrap_or_default().to_string_lossy();
    let (before, after) =
        (name.split('{').next().unwrap_or_default(), name.rsplit('}').next().unwrap_or_default());
    let files = std::fs::read_dir(folder_of(pattern)).into_iter().flatten().flatten();
    let files = files.map(|file| pattern.with_file_name(file.file_name())).filter(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(before) && name.ends_with(after) && !own.contains(file)
    });
    // Another output may have names that begin alike: a tile's own name tells.
    let of_tile = |file: PathBuf| {
        let record = record(&file)?;
        (path_of(pattern, &record.tile.id) == file).then_some((file, record))
    };
    let mut others: Vec<(PathBuf, TileRecord)> = files.filter_map(of_tile).collect();
    others.sort_by(|a, b| a.0.cmp(&b.0));
    others
}

impl TiledRun<'_> {
    /// Removes such tiles with all files of their sets, so that nothing lies beside the tiles of this plan that is not of it;
    /// their names. Where nothing may be replaced, they are refused.
    ///
    /// # Errors
    /// They are refused, or a file cannot be removed.
    pub(super) fn remove_others(&self, control: &Control<'_>) -> Result<Vec<String>, EngineError> {
        let mut removed = Vec::new();
        for (nth, of) in self.fitted.jobs.iter().enumerate() {
            let Some(pattern) = &of.job.output.sidecar else { continue };
            for (report, found) in others(pattern, self.units.iter().filter(|unit| unit.output == nth)) {
                let id = found.tile.id.clone();
                if self.existing == Existing::Refuse {
                    let why =
                        format!("{} is of another plan, and this one has no such tile", report.display());
                    return Err(EngineError::Tile { tile: id, why });
                }
                control.drafts.next_set()?;
                let claim = Locks::try_take([report.as_path()], control.drafts)?;
                let Claim::Ours(_locks) = claim else { continue };
                // The report goes last: after a kill the rest is still known.
                let output = of.job.output.for_tile(&id);
                let files = output.files().map(Path::to_owned).chain(set::beside(&output.path));
                let files: Vec<PathBuf> = files.filter(|file| *file != report).collect();
                found.own(&report, files).iter().try_for_each(|file| self.remove(file))?;
                self.remove(&report)?;
                removed.push(id);
            }
        }
        Ok(removed)
    }

    /// Removes a file of an earlier run, if it is there. A file that is read stays.
    pub(super) fn remove(&self, file: &Path) -> Result<(), EngineError> {
        if self.fitted.plan.inputs.find(file).is_some() {
            return Ok(());
        }
        match std::fs::remove_file(file) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                Err(WriteError::System { path: file.to_owned(), cause }.into())
            }
            _ => Ok(()),
        }
    }
}
