//! Tiles of an earlier plan that this one does not have: no scene reaches them any more.

use super::set;
use super::tile_state::record;
use super::tiles::{Existing, TiledRun};
use crate::control::Control;
use crate::error::EngineError;
use crate::plan::Tile;
use compose_io::files::{Claim, Locks};
use compose_io::write::WriteError;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

impl TiledRun<'_> {
    /// Removes such tiles with all files of their sets, so that nothing lies beside the tiles of this plan that is not of it;
    /// their names. Where nothing may be replaced, they are refused.
    pub(super) fn remove_unreached(&self, control: &Control<'_>) -> Result<Vec<String>, EngineError> {
        let mut removed = Vec::new();
        for (nth, of) in self.fitted.jobs.iter().enumerate() {
            let (Some(tiling), Some(pattern)) = (&of.job.tiling, &of.job.output.sidecar) else { continue };
            let reached: BTreeSet<Tile> =
                self.units.iter().filter(|unit| unit.output == nth).map(|unit| unit.tile).collect();
            for tile in tiling.tiles().filter(|tile| !reached.contains(tile)) {
                let (report, id) = (tiling.path(pattern, tile), tiling.id(tile));
                let Some(found) = record(&report).filter(|found| found.tile.id == id) else { continue };
                if self.existing == Existing::Refuse {
                    let why =
                        format!("{} is of another plan; no scene reaches this tile now", report.display());
                    return Err(EngineError::Tile { tile: id, why });
                }
                control.drafts.next_set()?;
                let Claim::Ours(_locks) = Locks::try_take([report.as_path()], control.drafts)? else {
                    continue;
                };
                // The report goes last: after a kill the rest is still known.
                let output = of.job.output.for_tile(tiling, tile);
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
