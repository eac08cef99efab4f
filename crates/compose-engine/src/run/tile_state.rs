//! What is on the disk of a tile.

use super::report::JobReport;
use super::set::{self, Found, Look};
use crate::fitted::TileIdentity;
use compose_io::files::{folder_of, from_folder_of};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What is on the disk of a tile.
#[derive(Debug)]
pub enum TileState {
    /// Nothing.
    Absent,
    /// The tile of this plan, whole.
    Done(Box<TileRecord>),
    /// Not all of its files, or something else: what, for a message; and what its report tells, where it is one of a tile.
    Other(String, Option<Box<TileRecord>>),
}

/// What a tile's report tells of it.
#[derive(Debug, Deserialize)]
pub struct TileRecord {
    /// Which tile of which plan it is.
    pub tile: TileIdentity,
    /// The counts.
    pub result: JobReport,
    /// The mask rules.
    pub masks: Vec<MaskRecord>,
    /// The files of its set.
    pub files: Vec<Value>,
}

/// What a tile's report tells of a mask rule.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct MaskRecord {
    /// Its name.
    pub name: String,
    /// Whether it took no pixel of anything that was read.
    pub took_nothing: bool,
}

impl TileRecord {
    /// Those of some files that it lists, and that are as they were written.
    pub fn own(&self, report: &Path, files: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
        let is_own = |file: &PathBuf| {
            let name = from_folder_of(report, file);
            let mut listed = self.files.iter().filter_map(set::entry_of);
            let entry = listed.find(|(listed, _)| Path::new(listed) == name);
            entry
                .is_some_and(|(_, written)| set::held_against(file, &written, Look::Contents) == Found::Whole)
        };
        files.into_iter().filter(is_own).collect()
    }

    /// Whether it is a report alone.
    pub fn is_blank(&self) -> bool {
        self.files.is_empty()
    }
}

/// Reads what a report tells of its tile; `None` where there is no report, or none of a tile.
pub fn record(report: &Path) -> Option<TileRecord> {
    let record: TileRecord = serde_json::from_value(set::read(report).ok()?).ok()?;
    let is_hash = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let entries = record.files.iter().all(|file| set::entry_of(file).is_some());
    (is_hash(&record.tile.plan) && is_hash(&record.tile.hash) && entries).then_some(record)
}

/// Looks at the files of a tile: `files` are all that a run would write, by setting.
pub fn state_of<'s, 'p>(
    files: impl Iterator<Item = (&'s str, &'p Path)> + Clone,
    identity: &TileIdentity,
    look: Look,
) -> TileState {
    let Some((_, report)) = files.clone().find(|(setting, _)| *setting == "sidecar") else {
        return TileState::Other("it has no report".into(), None);
    };
    let name = report.display();
    if report.symlink_metadata().is_err() {
        let there = files.map(|(_, file)| file).find(|file| file.symlink_metadata().is_ok());
        return there.map_or(TileState::Absent, |file| {
            TileState::Other(format!("{} is there without its report {name}", file.display()), None)
        });
    }
    let Some(found) = record(report).map(Box::new) else {
        return TileState::Other(format!("{name} is no report of a tile"), None);
    };
    let wrong = if found.tile.id != identity.id {
        Some(format!("{name} is of tile {}", found.tile.id))
    } else if found.tile.hash != identity.hash {
        let plan: String = found.tile.plan.chars().take(12).collect();
        Some(format!("{name} is of another plan ({plan}…)"))
    } else {
        let images = files.filter(|(setting, _)| *setting != "sidecar").map(|(_, file)| file);
        what_is_wrong(report, &found, images, look)
    };
    match wrong {
        Some(why) => TileState::Other(why, Some(found)),
        None => TileState::Done(found),
    }
}

/// What is not as it was written of the files of a tile, or not as it is to be.
fn what_is_wrong<'a>(
    report: &Path,
    found: &TileRecord,
    images: impl Iterator<Item = &'a Path>,
    look: Look,
) -> Option<String> {
    let listed: BTreeSet<PathBuf> =
        found.files.iter().filter_map(set::entry_of).map(|(name, _)| name.into()).collect();
    let expected: BTreeSet<PathBuf> = images.map(|file| from_folder_of(report, file)).collect();
    if listed != expected && !(found.is_blank() && found.result.is_empty()) {
        return Some(format!("{} lists other files than those of the tile", report.display()));
    }
    let whole = |(name, digest)| (name, set::held_against(&folder_of(report).join(name), &digest, look));
    let mut files = found.files.iter().filter_map(set::entry_of).map(whole);
    let (name, _) = files.find(|(_, found)| *found != Found::Whole)?;
    Some(format!("{}: {name} is not as it was written", report.display()))
}
