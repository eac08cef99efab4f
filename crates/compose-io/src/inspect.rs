//! Recognises a file by its content and name, for `compose inspect`.

use crate::access::Access;
use crate::crs::CrsRegistry;
use crate::discover::find_scenes;
use crate::preset::{PRESETS, Part, Preset};
use crate::scene::ScenesQuery;
use crate::{BandHeader, BandRef, FileHeader, IoError, Reading, TileStore};
use compose_core::{Day, Layout, Window};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Rows that are counted at a time.
const ROWS: usize = 512;

/// A product that a file's name belongs to.
pub struct Recognised {
    /// The product.
    pub preset: &'static Preset,
    /// The scene.
    pub id: String,
    /// Its date.
    pub day: Option<Day>,
    /// The band that the file holds, where its name says so.
    pub band: Option<String>,
    /// The meaning of its codes, where the band is a quality band.
    pub layout: Option<&'static Layout>,
}

/// The product that the file's name belongs to, if any preset knows it.
pub fn recognise(path: &Path, systems: &CrsRegistry, access: &Access) -> Option<Recognised> {
    let query = |preset| ScenesQuery {
        base: ".".into(),
        preset: Some(preset),
        access: access.clone(),
        paths: vec![glob::Pattern::escape(&path.to_string_lossy())],
        ..ScenesQuery::default()
    };
    PRESETS.iter().find_map(|preset| {
        let scene = find_scenes(&query(preset), systems).ok()?.scenes.pop()?;
        let band = scene.files.first()?.band.clone();
        let spec = band.as_ref().and_then(|b| preset.band(scene.sensor, b));
        let layout = spec.filter(|s| s.part == Part::Quality).and_then(|s| s.layout());
        Some(Recognised { preset, id: scene.id, day: scene.day, band, layout })
    })
}

/// The layout of a quality band that is known by its description (`SCL`, `Fmask`), if all presets agree.
pub fn layout_of_description(description: &str) -> Option<&'static Layout> {
    let sensors = PRESETS.iter().flat_map(|p| p.sensors);
    let specs = sensors.filter_map(|s| s.band(description)).filter(|b| b.part == Part::Quality);
    let mut layouts = specs.filter_map(|b| b.layout());
    let first = layouts.next()?;
    layouts.all(|l| std::ptr::eq(l, first)).then_some(first)
}

/// The number of pixels of each code in a quality band.
///
/// # Errors
/// [`IoError::QualityType`], or a block that cannot be read.
pub fn code_counts(file: &FileHeader, band: &BandHeader) -> Result<BTreeMap<u32, u64>, IoError> {
    if !band.dtype.is_integer() || band.dtype.bytes() > 4 {
        return Err(IoError::QualityType { path: file.path.clone(), band: band.number, dtype: band.dtype });
    }
    let store = TileStore::new(64 << 20, 1);
    let source = BandRef::new(Arc::new(file.clone()), band, Vec::new());
    let (width, height) = (file.grid.width, file.grid.height);
    let mut counts = BTreeMap::new();
    for top in (0..height).step_by(ROWS) {
        let rows = ROWS.min(height - top);
        let (mut codes, mut inside) = (vec![0; rows * width], vec![0; rows * width]);
        let window = Window { col: 0, row: top as i64, width, height: rows };
        store.read_quality(&source, Reading::once(window), &mut codes, &mut inside)?;
        for code in &codes {
            *counts.entry(*code).or_insert(0) += 1;
        }
    }
    Ok(counts)
}
