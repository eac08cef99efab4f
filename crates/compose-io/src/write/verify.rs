//! Is every tile really in the file? A full disk can leave a file that opens and reads as zeros.

use super::error::WriteError;
use super::spec::RasterSpec;
use crate::messages::checked;
use gdal::raster::RasterBand;
use gdal::{Dataset, Metadata};
use std::path::Path;

/// Checks a closed file: its size, the place of each tile of each band and overview, and that the last tile
/// of each can be decoded. Tiles lie in the file in the order in which they were written.
pub(super) fn whole(file: &Path, spec: &RasterSpec) -> Result<(), WriteError> {
    let broken = |what| WriteError::Incomplete { path: spec.path.clone(), what };
    let length =
        std::fs::metadata(file).map_err(|cause| WriteError::System { path: spec.path.clone(), cause })?;
    let dataset = checked(|| Dataset::open(file)).map_err(|cause| broken(format!("the file ({cause})")))?;
    let found = (dataset.raster_size(), dataset.raster_count());
    if found != ((spec.grid.width, spec.grid.height), spec.bands.len()) {
        return Err(broken(format!("the file (size and bands are {found:?})")));
    }
    let sparse = may_be_sparse(spec);
    for number in 1..=spec.bands.len() {
        each_level(&dataset, number, |band| check_band(band, length.len(), sparse))
            .map_err(|what| broken(format!("band {number}, {what}")))?;
    }
    Ok(())
}

/// With this option GDAL leaves out tiles of nothing but nodata.
fn may_be_sparse(spec: &RasterSpec) -> bool {
    spec.creation_options.iter().any(|(name, _)| name.eq_ignore_ascii_case("SPARSE_OK"))
}

fn each_level(
    dataset: &Dataset,
    number: usize,
    check: impl Fn(&RasterBand<'_>) -> Result<(), String>,
) -> Result<(), String> {
    let band = checked(|| dataset.rasterband(number))?;
    check(&band)?;
    for overview in 0..checked(|| band.overview_count())?.max(0) as usize {
        let level = checked(|| band.overview(overview))?;
        check(&level).map_err(|what| format!("overview {overview}, {what}"))?;
    }
    Ok(())
}

fn check_band(band: &RasterBand<'_>, length: u64, sparse: bool) -> Result<(), String> {
    let ((width, height), (tile_width, tile_height)) = (band.size(), band.block_size());
    for row in 0..height.div_ceil(tile_height) {
        for col in 0..width.div_ceil(tile_width) {
            match place(band, col, row) {
                None if sparse => {}
                Some((offset, size)) if size > 0 && offset + size <= length => {}
                _ => return Err(format!("tile {col}, {row}")),
            }
        }
    }
    let mut last = [0.0_f64];
    let corner = (width as isize - 1, height as isize - 1);
    checked(|| band.read_into_slice(corner, (1, 1), (1, 1), &mut last, None))
        .map_err(|cause| format!("last tile ({cause})"))
}

/// The offset and size in bytes of a tile in a TIFF file (items of GDAL's GTiff driver).
fn place(band: &RasterBand<'_>, col: usize, row: usize) -> Option<(u64, u64)> {
    let item = |name: &str| band.metadata_item(&format!("BLOCK_{name}_{col}_{row}"), "TIFF")?.parse().ok();
    Some((item("OFFSET")?, item("SIZE")?))
}
