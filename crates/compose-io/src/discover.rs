//! From settings to scenes: which files there are, what their names say, what their headers say.
//!
//! ```text
//! ScenesQuery ──find_scenes──▶ FoundScene (names, dates) ──open_scene──▶ SceneSource (headers)
//! ExplicitScene ──find_explicit──▶ ┘
//! ```
//!
//! Finding opens no raster, unless a scene's date stands nowhere but in its metadata items; what a date
//! filter drops is never opened. All that was decided on the way is in the notes.

mod bands;
mod beside;
mod date;
mod date_elsewhere;
mod error;
mod group;
mod headers;
mod meaning;
mod names;
mod open;
mod paths;
mod stac;
mod superseded;

pub use error::DiscoverError;
pub use meaning::wanted_names;
pub use open::open_scene;

use crate::crs::CrsRegistry;
use crate::scene::{ExplicitFiles, ExplicitScene, Found, FoundFile, FoundScene, ScenesQuery};
use compose_core::quality;
use group::Hit;
use names::Names;
use paths::Listed;
use std::path::{Path, PathBuf};

/// The most names in a message.
const SHOWN: usize = 3;

/// Finds the scenes of `query` by name; dates come from names, then MTL files, then the metadata item
/// `ACQUISITIONDATETIME`, unless `date_from` says which.
///
/// # Errors
/// A path without files, a pattern that is wrong or fits nothing, a band that is there twice, a date that is
/// none, a layout that does not exist, a catalogue that cannot be read.
pub fn find_scenes(query: &ScenesQuery, systems: &CrsRegistry) -> Result<Found, DiscoverError> {
    check_layout(query)?;
    if let Some(source) = &query.stac {
        let mut found = stac::find(query, source)?;
        beside::attach(&mut found.scenes, query)?;
        return Ok(found);
    }
    let names = Names::new(query)?;
    let files = paths::expand(&query.base, &query.paths)?;
    let (hits, strangers) = read_names(&names, &files)?;
    if hits.is_empty() {
        return Err(no_match(&names, &strangers));
    }
    let mut scenes = group::by_scene(query, hits)?;
    date_elsewhere::fill_in(&mut scenes, query, systems)?;
    beside::attach(&mut scenes, query)?;
    scenes.sort_by(|a, b| (a.day.is_none(), a.day, &a.id).cmp(&(b.day.is_none(), b.day, &b.id)));
    let notes = strangers.first().map(|_| passed_over(&names, &strangers));
    Ok(Found { scenes, notes: notes.into_iter().collect(), documents: Vec::new() })
}

/// Finds a scene that is said outright.
///
/// # Errors
/// As [`find_scenes`], and where nothing names the scene.
pub fn find_explicit(scene: &ExplicitScene, systems: &CrsRegistry) -> Result<FoundScene, DiscoverError> {
    let query = &scene.query;
    check_layout(query)?;
    let names = Names::new(query)?;
    let files = explicit_files(scene)?;
    // Without a pattern any name fits, and that of one band's file is no name for a scene.
    let tells = query.pattern.is_some() || query.preset.is_some() || scene.files.stack.is_some();
    let named = files.first().filter(|_| tells).and_then(|f| names.read(&f.path));
    // The rules file names the scene and its day: the file may have any name.
    let named = match named.transpose() {
        Err(error) if scene.day.is_none() => return Err(error),
        named => named.ok().flatten(),
    };
    let first = files.first().map(|f| f.path.clone()).unwrap_or_default();
    let id = scene.id.clone().or_else(|| named.as_ref().map(|n| n.id.clone()));
    let id = id.ok_or(DiscoverError::NoId { path: first })?;
    let mut found = group::scene(query, id, files, named.as_ref());
    found.day = scene.day.or_else(|| named.and_then(|n| n.day));
    date_elsewhere::fill_in(std::slice::from_mut(&mut found), query, systems)?;
    beside::attach(std::slice::from_mut(&mut found), query)?;
    Ok(found)
}

fn explicit_files(scene: &ExplicitScene) -> Result<Vec<FoundFile>, DiscoverError> {
    let base = &scene.query.base;
    let one = |band: Option<&String>, path: &String| {
        let setting = if band.is_some() { "files" } else { "file" };
        let at: PathBuf = base.join(path);
        if !at.is_file() {
            let found = if at.is_dir() { "a folder" } else { "nothing of this name" };
            return Err(DiscoverError::NoFile { path: path.clone(), found, base: base.clone(), setting });
        }
        Ok(FoundFile::new(at, band.cloned()))
    };
    let ExplicitFiles { stack, per_band } = &scene.files;
    let stack = stack.iter().map(|path| one(None, path));
    stack.chain(per_band.iter().map(|(band, path)| one(Some(band), path))).collect()
}

fn check_layout(query: &ScenesQuery) -> Result<(), DiscoverError> {
    let layout = query.layout.as_deref().map(quality::find).transpose();
    layout.map(|_| ()).map_err(|message| DiscoverError::Layout { message })
}

/// The files whose names fit, and those whose do not.
fn read_names(names: &Names, files: &[Listed]) -> Result<(Vec<Hit>, Vec<PathBuf>), DiscoverError> {
    let (mut hits, mut strangers) = (Vec::new(), Vec::new());
    for file in files {
        match names.read(&file.path) {
            Some(named) => hits.push(Hit { path: file.path.clone(), named: named? }),
            None if file.outright => return Err(not_like(names, &file.path)),
            None => strangers.push(file.path.clone()),
        }
    }
    Ok((hits, strangers))
}

fn not_like(names: &Names, path: &Path) -> DiscoverError {
    DiscoverError::FileName { path: path.into(), expected: names.expected(), hint: names.hint(path) }
}

fn no_match(names: &Names, strangers: &[PathBuf]) -> DiscoverError {
    let first = strangers.first().map(PathBuf::as_path).unwrap_or(Path::new(""));
    DiscoverError::NoMatch {
        count: strangers.len(),
        found: file_name(first),
        expected: names.expected(),
        hint: names.hint(first),
    }
}

fn passed_over(names: &Names, strangers: &[PathBuf]) -> String {
    let shown: Vec<String> = strangers.iter().take(SHOWN).map(|p| file_name(p)).collect();
    let more = if strangers.len() > SHOWN { ", …" } else { "" };
    let count = if strangers.len() == 1 { "1 file".into() } else { format!("{} files", strangers.len()) };
    format!("{count} passed over, not named like {}: {}{more}", names.expected(), shown.join(", "))
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_open;
