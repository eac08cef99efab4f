//! Opening a raster with one of the permitted drivers.

use super::drivers::Access;
use super::first_bytes::{first_bytes, foreign_driver, is_vrt};
use super::local::{local, quoted};
use super::vrt::Reference;
use crate::IoError;
use crate::messages::checked;
use gdal::{Dataset, DatasetOptions, GdalOpenFlags, Metadata};
use std::path::{Path, PathBuf};

/// Opens a raster read-only with one of the permitted drivers; an error holds GDAL's message. The files that it refers
/// to must have been checked with `check_references` before.
pub(crate) fn open(path: &Path, access: &Access) -> Result<Dataset, IoError> {
    let head = first_bytes(path)?;
    let openers = access.openers(is_vrt(&head));
    let options = DatasetOptions {
        open_flags: GdalOpenFlags::GDAL_OF_RASTER | GdalOpenFlags::GDAL_OF_VERBOSE_ERROR,
        allowed_drivers: Some(&openers),
        ..Default::default()
    };
    let name = plain_name(path)?;
    let dataset = checked(|| Dataset::open_ex(&name, options)).map_err(|cause| {
        let Some(driver) = foreign_driver(&head).filter(|driver| !access.takes(driver)) else {
            return IoError::Open { path: path.to_owned(), cause };
        };
        let message = format!(
            "looks like a file of GDAL's driver {driver}, which is not among those for scenes: it may open more than \
             the file; convert it to a GeoTIFF, or set drivers = [\"{driver}\"] in [scenes]"
        );
        IoError::Access { path: path.to_owned(), message }
    })?;
    // GDAL opens it without a further look when it wants a mask or an overview.
    match dataset.metadata_item("OVERVIEW_FILE", "OVERVIEWS") {
        Some(named) => check_overviews(path, &named, access).map(|()| dataset),
        None => Ok(dataset),
    }
}

/// The path in a form that GDAL takes for a file on disk: without a folder before it, `http:/x` or `NETCDF:x` is none.
pub(super) fn plain_name(path: &Path) -> Result<PathBuf, IoError> {
    let text = path.to_string_lossy();
    if text.starts_with("/vsi") {
        let message = "GDAL takes this path for a virtual file; move the file to another folder".into();
        return Err(IoError::Access { path: path.to_owned(), message });
    }
    let odd = text.contains(':') || text.starts_with(['<', '{', '[']);
    Ok(if odd && path.is_relative() { Path::new(".").join(path) } else { path.to_owned() })
}

/// Checks what the metadata of the raster at `path` name as its overviews.
fn check_overviews(path: &Path, named: &str, access: &Access) -> Result<(), IoError> {
    let refused = |why: String| {
        let message = format!("its metadata name {} as its overviews: {why}", quoted(named));
        IoError::Access { path: path.to_owned(), message }
    };
    let beside = named.get(..10).is_some_and(|start| start.eq_ignore_ascii_case(":::BASE:::"));
    let named = Reference { text: named[if beside { 10 } else { 0 }..].into(), relative: beside, raw: false };
    let Some(file) = local(&named, path, access.network).map_err(&refused)? else { return Ok(()) };
    let head = first_bytes(&file).map_err(|e| refused(e.to_string()))?;
    if is_vrt(&head) || foreign_driver(&head).is_some() {
        return Err(refused("expected a raster that names no other".into()));
    }
    Ok(())
}
