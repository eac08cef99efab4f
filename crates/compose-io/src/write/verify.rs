//! Is every tile really in the file? A full disk can leave a file that opens and reads as zeros.

use super::error::WriteError;
use super::holes::LeftOut;
use super::options;
use super::spec::RasterSpec;
use crate::messages::checked;
use compose_core::Window;
use gdal::raster::RasterBand;
use gdal::{Dataset, Metadata};
use std::path::Path;

/// Checks a closed file: its size, the place of each tile of each band and overview, and that the last tile
/// of each can be decoded. Tiles lie in the file in the order in which they were written.
///
/// Those that are `left_out` may be missing: of the raster, and of its overviews where they are told. In a copy of the file
/// (`of`), which may have other tiles and has overviews, a missing one must hold nothing there.
pub(super) fn whole(
    file: &Path,
    spec: &RasterSpec,
    left_out: &[LeftOut],
    of: Option<&Path>,
) -> Result<(), WriteError> {
    let broken = |what| WriteError::Incomplete { path: spec.path.clone(), what };
    let length =
        std::fs::metadata(file).map_err(|cause| WriteError::System { path: spec.path.clone(), cause })?;
    let open =
        |path: &Path| checked(|| Dataset::open(path)).map_err(|cause| broken(format!("the file ({cause})")));
    let (dataset, of) = (open(file)?, of.map(open).transpose()?);
    let found = (dataset.raster_size(), dataset.raster_count());
    if found != ((spec.grid.width, spec.grid.height), spec.bands.len()) {
        return Err(broken(format!("the file (size and bands are {found:?})")));
    }
    let nodata = spec.nodata.unwrap_or(0.0);
    let averages = !spec.categorical && options::said(spec, "OVERVIEW_RESAMPLING").is_none();
    let file = File { dataset, of, length: length.len(), nodata, averages, left_out };
    (0..spec.bands.len())
        .try_for_each(|band| file.check(band).map_err(|what| broken(format!("band {}, {what}", band + 1))))
}

/// A file that is checked.
struct File<'a> {
    dataset: Dataset,
    /// The one that it is a copy of.
    of: Option<Dataset>,
    length: u64,
    nodata: f64,
    /// Whether overviews are averages of all pixels below (true), or take the nearest of them (false, for codes).
    averages: bool,
    left_out: &'a [LeftOut],
}

impl File<'_> {
    /// A band (from 0) and its overviews.
    fn check(&self, number: usize) -> Result<(), String> {
        let band = checked(|| self.dataset.rasterband(number + 1))?;
        self.check_level(&band, |tile| self.may_miss(number, tile))?;
        let told = |nth: usize| self.left_out.get(nth + 1);
        let levels = checked(|| band.overview_count())?.max(0) as usize;
        if self.left_out.len() > 1 && levels + 1 != self.left_out.len() {
            return Err(format!("its overviews (there are {levels})"));
        }
        let level = |nth: usize| checked(|| band.overview(nth));
        for nth in 0..levels {
            let finer = if nth == 0 { None } else { Some(level(nth - 1)?) };
            let finer = finer.as_ref().unwrap_or(&band);
            let may_miss = |tile: &Tile| match told(nth) {
                Some(left_out) => Ok(left_out.covers(number, tile.window)),
                None => self.may_miss_above(number, tile, finer),
            };
            let checked = self.check_level(&level(nth)?, may_miss);
            checked.map_err(|what| format!("overview {nth}, {what}"))?;
        }
        Ok(())
    }

    fn check_level(
        &self,
        band: &RasterBand<'_>,
        may_miss: impl Fn(&Tile) -> Result<bool, String>,
    ) -> Result<(), String> {
        let (size, (across, down)) = (band.size(), band.block_size());
        for row in 0..size.1.div_ceil(down) {
            for col in 0..size.0.div_ceil(across) {
                let window = Window {
                    col: (col * across) as i64,
                    row: (row * down) as i64,
                    width: across.min(size.0 - col * across),
                    height: down.min(size.1 - row * down),
                };
                let tile = Tile { window, of: size };
                let whole = match place(band, col, row) {
                    Some((offset, bytes)) => bytes > 0 && offset + bytes <= self.length,
                    None => may_miss(&tile)?,
                };
                if !whole {
                    return Err(format!("tile {col}, {row}"));
                }
            }
        }
        let mut last = [0.0_f64];
        let corner = (size.0 as isize - 1, size.1 as isize - 1);
        checked(|| band.read_into_slice(corner, (1, 1), (1, 1), &mut last, None))
            .map_err(|cause| format!("last tile ({cause})"))
    }

    /// Whether a tile at full resolution may be missing: it was left out, or the file that this is a copy of has nodata alone
    /// there.
    fn may_miss(&self, band: usize, tile: &Tile) -> Result<bool, String> {
        if self.left_out.first().is_some_and(|left_out| left_out.covers(band, tile.window)) {
            return Ok(true);
        }
        let Some(of) = &self.of else { return Ok(false) };
        Ok(self.samples(&checked(|| of.rasterband(band + 1))?, tile.window)? == 0)
    }

    /// Whether a tile of an overview may hold nothing, by the level below it.
    fn may_miss_above(&self, band: usize, tile: &Tile, finer: &RasterBand<'_>) -> Result<bool, String> {
        let below_all = |left_out: &LeftOut| left_out.covers(band, tile.on(left_out.size));
        if self.left_out.first().is_some_and(below_all) {
            return Ok(true);
        }
        let below = tile.on(finer.size());
        let data = self.data(finer, below)?;
        let samples = data.iter().filter(|is_data| **is_data).count();
        if self.averages || samples == 0 {
            return Ok(samples == 0);
        }
        // Of codes one is picked, which may be the one without data: a few are missed, and those of a narrow strip.
        Ok(samples < below.pixels() / 64 || !tile.has_solid_pixel(below, finer.size(), &data))
    }

    /// How many samples of a window are not nodata.
    fn samples(&self, band: &RasterBand<'_>, window: Window) -> Result<usize, String> {
        Ok(self.data(band, window)?.iter().filter(|is_data| **is_data).count())
    }

    /// Whether each sample of a window is something else than nodata, row by row.
    fn data(&self, band: &RasterBand<'_>, window: Window) -> Result<Vec<bool>, String> {
        let (at, size) = ((window.col as isize, window.row as isize), (window.width, window.height));
        let read = checked(|| band.read_as::<f64>(at, size, size, None))?;
        let nothing = |v: &f64| *v == self.nodata || (v.is_nan() && self.nodata.is_nan());
        Ok(read.data().iter().map(|v| !nothing(v)).collect())
    }
}

/// A tile of a level of so many pixels.
struct Tile {
    window: Window,
    of: (usize, usize),
}

impl Tile {
    /// The same part of a finer level.
    fn on(&self, size: (usize, usize)) -> Window {
        let part = |first: i64, length: usize, of: usize, fine: usize| {
            let (first, end) = (first as usize * fine / of, ((first as usize + length) * fine).div_ceil(of));
            (first as i64, end.min(fine) - first)
        };
        let (col, width) = part(self.window.col, self.window.width, self.of.0, size.0);
        let (row, height) = part(self.window.row, self.window.height, self.of.1, size.1);
        Window { col, row, width, height }
    }

    /// Whether some pixel of this overview tile covers data alone: then the tile must be there. `data` says of
    /// each pixel of `below`, the tile's part of a finer level of `size` pixels, whether it is data.
    fn has_solid_pixel(&self, below: Window, size: (usize, usize), data: &[bool]) -> bool {
        let w = self.window;
        let pixel = |n: usize| Window {
            col: w.col + (n % w.width) as i64,
            row: w.row + (n / w.width) as i64,
            width: 1,
            height: 1,
        };
        (0..w.pixels()).any(|n| {
            let part = Tile { window: pixel(n), of: self.of }.on(size);
            let (col, row) = ((part.col - below.col) as usize, (part.row - below.row) as usize);
            (row..row + part.height)
                .all(|row| data[row * below.width + col..][..part.width].iter().all(|d| *d))
        })
    }
}

/// The offset and size in bytes of a tile in a TIFF file (items of GDAL's GTiff driver).
fn place(band: &RasterBand<'_>, col: usize, row: usize) -> Option<(u64, u64)> {
    let item = |name: &str| band.metadata_item(&format!("BLOCK_{name}_{col}_{row}"), "TIFF")?.parse().ok();
    Some((item("OFFSET")?, item("SIZE")?))
}
