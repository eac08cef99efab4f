//! The polygons of a vector file, and how they come onto the map of an output.
//!
//! A file is read once. Each polygon stays by itself: two that overlap are not joined, so that nothing depends on their
//! order. What is no valid polygon is refused by name, with the place where GEOS tells one.

mod bend;
mod layer;
mod polygon;
mod turns;

pub use bend::Onto;
pub use layer::Choice;
pub use polygon::Polygon;

use crate::IoError;
use crate::crs::{CrsRegistry, Transformer};
use compose_core::{Crs, CrsUnit};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files that belong to a Shapefile, by their endings.
const OF_A_SHAPEFILE: [&str; 5] = ["shx", "dbf", "prj", "cpg", "qix"];

/// The polygons of a layer, in its own coordinate system.
#[derive(Clone, Debug)]
pub struct AreaFile {
    /// The file.
    pub path: PathBuf,
    /// The layer that they are of.
    pub layer: String,
    /// The coordinate system.
    pub crs: Arc<Crs>,
    /// The polygons, in the order of the file.
    pub polygons: Vec<Polygon>,
}

impl AreaFile {
    /// Reads the polygons of a layer. Rings of a geographic system that jump over the antimeridian go on beyond 180°.
    ///
    /// # Errors
    /// The file is absent, is no vector file, or has no such layer; no feature fits the filter; there is no polygon,
    /// or something else; a polygon is not valid; there is no coordinate system.
    pub fn read(path: &Path, choice: &Choice, systems: &CrsRegistry) -> Result<Self, IoError> {
        let refuse = |message| IoError::Area { path: path.to_owned(), message };
        let _nothing_beside = NothingBeside::new();
        let dataset = crate::access::open_vector(path)?;
        let mut layer = layer::choose(&dataset, choice).map_err(refuse)?;
        let name = layer::name(&layer);
        let in_layer = |message: String| refuse(format!("layer \"{name}\": {message}"));
        let wkt = layer::wkt(&layer).map_err(in_layer)?;
        let crs = systems.from_wkt(&wkt).map_err(|e| in_layer(e.to_string()))?;
        let geographic = crs.unit == CrsUnit::Angle;
        let polygons = layer::polygons(&mut layer, choice, geographic).map_err(in_layer)?;
        Ok(Self { path: path.to_owned(), layer: name, crs, polygons })
    }

    /// The polygons on the map of an output. Edges that are straight in the system of the file and bent in that of the
    /// output get so many vertices that they are within a hundredth of a pixel.
    ///
    /// # Errors
    /// A vertex has no place in that system; there would be too many vertices.
    pub fn on(&self, onto: &Onto) -> Result<Vec<Polygon>, IoError> {
        let refuse = |message| IoError::Area {
            path: self.path.clone(),
            message: format!("layer \"{}\": {message}", self.layer),
        };
        let transformer = match Arc::ptr_eq(&self.crs, &onto.crs) {
            true => None,
            false => Some(Transformer::new(&self.crs, &onto.crs).map_err(|_| {
                refuse(format!(
                    "nothing leads from {} to {}, the system of the grid",
                    self.crs.label, onto.crs.label
                ))
            })?),
        };
        bend::all(&self.polygons, transformer.as_ref(), onto).map_err(refuse)
    }
}

/// Keeps GDAL from writing `.aux.xml` files beside what this thread reads, as it does for GeoPackages from 3.10 on.
struct NothingBeside;

impl NothingBeside {
    const KEY: &str = "GDAL_PAM_ENABLED";

    fn new() -> Self {
        // Setting an option that every GDAL knows cannot fail.
        drop(gdal::config::set_thread_local_config_option(Self::KEY, "NO"));
        Self
    }
}

impl Drop for NothingBeside {
    fn drop(&mut self) {
        drop(gdal::config::clear_thread_local_config_option(Self::KEY));
    }
}

/// An area file, and what is read with it.
pub fn files_of(path: &Path) -> Vec<PathBuf> {
    let mut files = vec![path.to_owned()];
    if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("shp")) {
        let beside = OF_A_SHAPEFILE.iter().flat_map(|ending| [(*ending).to_owned(), ending.to_uppercase()]);
        files.extend(beside.map(|ending| path.with_extension(ending)).filter(|file| file.is_file()));
    }
    files
}

#[cfg(test)]
mod tests;
