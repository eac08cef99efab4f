//! From files with names to scenes: each band once.

use super::DiscoverError;
use super::names::Named;
use crate::preset::{Preset, Sensor};
use crate::scene::{FoundFile, FoundScene, ScenesQuery};
use compose_core::Day;
use regex::Regex;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A file with what its name says.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    pub path: PathBuf,
    pub named: Named,
}

/// Groups files by scene; `hits` are sorted by path.
pub(super) fn by_scene(query: &ScenesQuery, hits: Vec<Hit>) -> Result<Vec<FoundScene>, DiscoverError> {
    let mut scenes: BTreeMap<String, Vec<Hit>> = BTreeMap::new();
    for hit in hits {
        scenes.entry(hit.named.id.clone()).or_default().push(hit);
    }
    scenes.into_iter().map(|(id, hits)| one(query, id, hits)).collect()
}

fn one(query: &ScenesQuery, id: String, hits: Vec<Hit>) -> Result<FoundScene, DiscoverError> {
    let day = days_agree(&id, &hits)?;
    let first = hits[0].clone();
    let sensor = sensor(query.preset, Some(&first.named), &id, &first.path);
    let (files, notes) = each_band_once(query.preset, sensor, &id, hits)?;
    Ok(FoundScene { day, notes, ..scene(query, id, files, Some(&first.named)) })
}

/// A scene without a day, from its files and what the name of the first one says.
pub(super) fn scene(
    query: &ScenesQuery,
    id: String,
    mut files: Vec<FoundFile>,
    named: Option<&Named>,
) -> FoundScene {
    let first = files.first().map(|f| f.path.clone()).unwrap_or_default();
    let sensor = sensor(query.preset, named, &id, &first);
    let baseline = named.and_then(|n| n.baseline).or_else(|| baseline(&first));
    files.sort_by_key(|f| f.band.is_some());
    FoundScene { id, files, sensor, baseline, ..FoundScene::default() }
}

fn sensor(
    preset: Option<&'static Preset>,
    named: Option<&Named>,
    id: &str,
    file: &Path,
) -> Option<&'static Sensor> {
    let said = named.and_then(|n| n.sensor.as_deref());
    let file = file.file_name().unwrap_or_default().to_string_lossy();
    let preset = preset?;
    said.into_iter().chain([id, &file]).find_map(|name| preset.sensor(name))
}

/// The processing baseline of Sentinel-2 in any part of a path, such as `N0400`; the last one counts.
fn baseline(path: &Path) -> Option<u32> {
    static BASELINE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"(?:^|[_/.-])N(0\d{3})(?:$|[_/.-])").expect("a pattern of ours"));
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    path.iter().rev().find_map(|part| BASELINE.captures(&part.to_string_lossy())?[1].parse().ok())
}

fn days_agree(id: &str, hits: &[Hit]) -> Result<Option<Day>, DiscoverError> {
    let mut days: Vec<_> = hits.iter().filter_map(|h| h.named.day).collect();
    days.sort_unstable();
    match (days.first(), days.last()) {
        (Some(first), Some(last)) if first != last => {
            Err(DiscoverError::Dates { id: id.into(), first: first.to_string(), second: last.to_string() })
        }
        (first, _) => Ok(first.copied()),
    }
}

/// Of files of one band at several resolutions (Sentinel-2 gives B02 at 10, 20 and 60 m) the finest; other
/// repeats are refused.
fn each_band_once(
    preset: Option<&Preset>,
    sensor: Option<&'static Sensor>,
    id: &str,
    hits: Vec<Hit>,
) -> Result<(Vec<FoundFile>, Vec<String>), DiscoverError> {
    let mut bands: BTreeMap<Option<String>, Vec<Hit>> = BTreeMap::new();
    for hit in hits {
        // SR_B4 and B4 are one band.
        let spec = |band: &str| preset.and_then(|p| p.band(sensor, band));
        let band = hit.named.band.clone().map(|b| spec(&b).map_or(b, |s| s.name.to_owned()));
        bands.entry(band).or_default().push(hit);
    }
    let (mut files, mut finest) = (Vec::new(), Vec::new());
    for (band, mut hits) in bands {
        hits.sort_by_key(|h| h.named.metres);
        if let [first, second, ..] = hits.as_slice() {
            finest.push(finer(id, band.as_deref(), first, second)?);
        }
        let hit = hits.swap_remove(0);
        files.push(FoundFile { metres: hit.named.metres, ..FoundFile::new(hit.path, band) });
    }
    files.sort_by_cached_key(|f| natural(f.band.as_deref().unwrap_or_default()));
    let note = || format!("of files at several resolutions the finest are taken: {}", finest.join(", "));
    let notes = finest.first().map(|_| note()).into_iter().collect();
    Ok((files, notes))
}

/// `B02 10 m`, where the first of two files of a band is the finer one.
fn finer(id: &str, band: Option<&str>, first: &Hit, second: &Hit) -> Result<String, DiscoverError> {
    match (band, first.named.metres, second.named.metres) {
        (Some(band), Some(fine), Some(coarse)) if fine < coarse => Ok(format!("{band} {fine} m")),
        _ => {
            let band = band.map_or_else(String::new, |b| format!("band {b} of "));
            let (first, second) = (first.path.clone(), second.path.clone());
            Err(DiscoverError::Twice { what: format!("{band}scene {id}"), first, second })
        }
    }
}

/// A key that puts `B2` before `B10`.
fn natural(name: &str) -> (String, u64, String) {
    let digits = name.find(|c: char| c.is_ascii_digit()).unwrap_or(name.len());
    let (head, tail) = name.split_at(digits);
    let end = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
    (head.to_owned(), tail[..end].parse().unwrap_or(0), tail[end..].to_owned())
}
