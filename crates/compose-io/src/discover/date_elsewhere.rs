//! Dates that names do not give: from MTL files, then from metadata items. And which MTL file is a scene's.

use super::{DiscoverError, date};
use crate::FileHeader;
use crate::access::Access;
use crate::crs::CrsRegistry;
use crate::mtl::{self, Mtl};
use crate::scene::{FoundScene, ScenesQuery};
use compose_core::Day;
use compose_core::suggest::did_you_mean;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Where GDAL's reader of satellite metadata puts the date (domain `IMAGERY`).
const ACQUISITION: &str = "ACQUISITIONDATETIME";
/// Where an MTL file has it.
const DATE_ACQUIRED: &str = "DATE_ACQUIRED";

/// Finds the MTL file of every scene, and gives a day to each that has none, where one is found.
pub(super) fn fill_in(
    scenes: &mut [FoundScene],
    query: &ScenesQuery,
    systems: &CrsRegistry,
) -> Result<(), DiscoverError> {
    let mut folders = Folders::of(scenes);
    for scene in scenes.iter_mut() {
        scene.mtl = folders.mtl_of(scene);
    }
    for scene in scenes.iter_mut().filter(|s| s.day.is_none()) {
        scene.day = match query.date_from.as_deref() {
            Some("name") => None,
            Some("mtl") => Some(asked_of_mtl(scene)?),
            Some(item) => Some(asked_of_item(scene, item, systems, &query.access)?),
            None => match from_mtl(scene)? {
                None => from_item(scene, systems, &query.access)?,
                day => day,
            },
        };
    }
    Ok(())
}

fn from_mtl(scene: &mut FoundScene) -> Result<Option<Day>, DiscoverError> {
    let Some(path) = &scene.mtl else { return Ok(None) };
    let mtl = Mtl::read(path)?;
    let Some(text) = mtl.date_acquired() else {
        scene.notes.push(format!("{} has no {DATE_ACQUIRED}", path.display()));
        return Ok(None);
    };
    day(text, path, DATE_ACQUIRED).map(Some)
}

fn from_item(
    scene: &FoundScene,
    systems: &CrsRegistry,
    access: &Access,
) -> Result<Option<Day>, DiscoverError> {
    let Some(file) = scene.files.first() else { return Ok(None) };
    let header = FileHeader::read(&file.path, systems, access)?;
    header.tag(ACQUISITION).map(|text| day(text, &file.path, ACQUISITION)).transpose()
}

/// `date-from = "mtl"`: a scene without it is refused, for nothing else is looked at.
fn asked_of_mtl(scene: &FoundScene) -> Result<Day, DiscoverError> {
    let path = scene.mtl.as_deref().ok_or_else(|| DiscoverError::NoMtl { scene: scene.id.clone() })?;
    let mtl = Mtl::read(path)?;
    match mtl.date_acquired() {
        Some(text) => day(text, path, DATE_ACQUIRED),
        None => Err(no_item(scene, DATE_ACQUIRED, path, String::new())),
    }
}

/// `date-from = "TIFFTAG_DATETIME"`: a scene without the item is refused, for nothing else is looked at.
fn asked_of_item(
    scene: &FoundScene,
    item: &str,
    systems: &CrsRegistry,
    access: &Access,
) -> Result<Day, DiscoverError> {
    let path = scene.files.first().map(|f| f.path.as_path()).unwrap_or(Path::new(""));
    let header = FileHeader::read(path, systems, access)?;
    match header.tag(item) {
        Some(text) => day(text, path, item),
        None => {
            let hint = did_you_mean(item, header.tags.iter().map(|t| t.key.as_str()));
            Err(no_item(scene, item, path, hint))
        }
    }
}

fn no_item(scene: &FoundScene, item: &str, path: &Path, hint: String) -> DiscoverError {
    DiscoverError::NoItem { scene: scene.id.clone(), item: item.into(), path: path.into(), hint }
}

fn day(text: &str, path: &Path, item: &str) -> Result<Day, DiscoverError> {
    date::in_metadata(text).ok_or_else(|| DiscoverError::Date {
        path: path.into(),
        text: text.into(),
        at: format!(" in {item}"),
        expected: date::EXPECTED.into(),
    })
}

/// The folders that scenes lie in, with their MTL files once asked for.
struct Folders {
    scenes: BTreeMap<PathBuf, usize>,
    mtl: BTreeMap<PathBuf, Vec<PathBuf>>,
}

impl Folders {
    fn of(scenes: &[FoundScene]) -> Self {
        let mut count = BTreeMap::new();
        for folder in scenes.iter().flat_map(folders_of) {
            *count.entry(folder).or_insert(0) += 1;
        }
        Self { scenes: count, mtl: BTreeMap::new() }
    }

    /// The MTL file beside a scene's files: one that the scene's name begins, else the only one in a folder
    /// that no other scene lies in.
    fn mtl_of(&mut self, scene: &FoundScene) -> Option<PathBuf> {
        folders_of(scene).into_iter().find_map(|folder| {
            let alone = self.scenes.get(&folder) == Some(&1);
            let found = self.mtl.entry(folder.clone()).or_insert_with(|| mtl_files(&folder));
            let own = found.iter().find(|path| begins(&scene.id, path));
            own.or_else(|| found.first().filter(|_| alone && found.len() == 1)).cloned()
        })
    }
}

fn folders_of(scene: &FoundScene) -> BTreeSet<PathBuf> {
    scene.files.iter().filter_map(|f| f.path.parent().map(Path::to_owned)).collect()
}

fn mtl_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_mtl = |path: &PathBuf| {
        let name = path.to_string_lossy().to_lowercase();
        name.ends_with(&mtl::ENDING.to_lowercase())
    };
    let mut found: Vec<PathBuf> = entries.map(|e| e.path()).filter(is_mtl).collect();
    found.sort();
    found
}

fn begins(id: &str, path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.strip_prefix(id).is_some_and(|rest| rest.starts_with('_'))
}
