//! Opening a vector file, read-only, with one of the few drivers that areas are read by.

use super::crs_link::has_crs_link;
use super::drivers::AREA_DRIVERS;
use super::open::plain_name;
use crate::IoError;
use crate::messages::checked;
use crate::text::regular;
use gdal::{Dataset, DatasetOptions, GdalOpenFlags};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What a GeoPackage begins with.
const SQLITE: &[u8] = b"SQLite format 3\0";
/// A GeoPackage is read as it lies there: without locks, and without files beside it.
const AS_IT_LIES: [&str; 1] = ["NOLOCK=YES"];

/// Opens a vector file. No address is opened, and no raster.
pub(crate) fn open_vector(path: &Path) -> Result<Dataset, IoError> {
    regular(path)?;
    let name = plain_name(path)?;
    let refuse = |message| IoError::Area { path: path.to_owned(), message };
    let system = |cause| IoError::System { path: path.to_owned(), cause };
    let mut file = File::open(path).map_err(system)?;
    let mut head = Vec::new();
    file.by_ref().take(SQLITE.len() as u64).read_to_end(&mut head).map_err(system)?;
    let is_geopackage = head == SQLITE;
    if !is_geopackage && has_crs_link(head.chain(file)).map_err(system)? {
        return Err(refuse(
            "its crs is a link to an address, which is not opened; expected a name such as EPSG:32613".into(),
        ));
    }
    let options = DatasetOptions {
        open_flags: GdalOpenFlags::GDAL_OF_VECTOR | GdalOpenFlags::GDAL_OF_VERBOSE_ERROR,
        allowed_drivers: Some(&AREA_DRIVERS),
        open_options: is_geopackage.then_some(&AS_IT_LIES),
        ..Default::default()
    };
    checked(|| Dataset::open_ex(&name, options)).map_err(|cause| {
        refuse(format!(
            "not a vector file that GDAL can open: {cause}; expected GeoJSON, a GeoPackage, a Shapefile or FlatGeobuf"
        ))
    })
}
