//! Writing rasters: strips come in from the top, a whole file comes out or nothing does.
//!
//! | module | for |
//! |---|---|
//! | [`publish`] | a file under a temporary name, moved to its own name when everything is done |
//! | `spec` | what is to be written |
//! | [`options`] | creation options: ours, the user's, and which of them GDAL knows |
//! | `sample` | the types of samples on disk |
//! | `tiles` | samples are kept until a tile is whole, so a tile is compressed exactly once |
//! | `holes` | pixels that never come: tiles of nothing else are left out |
//! | `verify` | is every tile really in the file |
//! | `refusal` | why the system took no more |
//!
//! **Tiles do not go through GDAL's block cache.** GDAL 3.6 swallows the error of a tile that its cache
//! writes later (another thread, or the close, which then "succeeds" with half a file). Handing over whole
//! blocks makes the error come back from the very call, and keeps the bytes of a file independent of the
//! sizes in which its pixels arrive.

mod error;
mod holes;
pub mod options;
pub mod publish;
mod refusal;
mod sample;
mod spec;
#[cfg(test)]
mod tests;
mod tiles;
mod verify;

pub use error::WriteError;
pub use holes::Holes;
pub use publish::{Draft, Pending, check_folder, refuse_existing};
pub use spec::{Compression, Format, OutputBand, RasterSpec};
pub use tiles::{Samples, TYPES as SAMPLE_TYPES, WriteOrder};

use crate::files::Drafts;
use crate::messages::checked;
use compose_core::{DataType, Grid, Window};
use gdal::errors::GdalError;
use gdal::{Dataset, DriverManager, Metadata};
use holes::Expected;
use ndarray::{ArrayView3, s};
use sample::Sample;
use std::path::{Path, PathBuf};
use tiles::{TileBoard, Tiles};

/// Endings of a GeoTIFF's name, in any letters: those that GDAL's GTiff and COG drivers state.
pub const ENDINGS: [&str; 2] = ["tif", "tiff"];

impl RasterSpec {
    /// Refuses what GDAL could not write as asked. Needs no file and no pixel.
    ///
    /// # Errors
    /// A sample type, nodata value, compression, level or creation option that cannot be had.
    pub fn check(&self) -> Result<(), WriteError> {
        let path = || self.path.clone();
        if !tiles::TYPES.contains(&self.dtype) {
            return Err(WriteError::SampleType { path: path(), dtype: self.dtype });
        }
        if let Some(nodata) = self.nodata.filter(|n| !self.dtype.holds(*n)) {
            return Err(WriteError::Nodata { path: path(), nodata, dtype: self.dtype });
        }
        options::check(self)
    }

    /// Width and height of the file's blocks in pixels, at most the raster's own.
    pub fn tile(&self) -> (usize, usize) {
        let first = if self.format == Format::Cog { &self.collector() } else { self };
        let (width, height) = options::block_size(first);
        (width.clamp(1, self.grid.width), height.clamp(1, self.grid.height))
    }

    /// Whether a block of the file holds all bands.
    pub fn is_pixel_interleaved(&self) -> bool {
        self.bands.len() > 1 && self.format == Format::GTiff && options::is(self, "INTERLEAVE", "PIXEL")
    }

    /// Memory that a writer needs at most when pixels come in the order of writing, rows of `width` pixels in all
    /// bands of a range: one row of tiles, and the tiles being compressed.
    pub fn buffer_bytes(&self, width: usize, bands: usize) -> u64 {
        let (across, down) = self.tile();
        let tile = (across * down * self.dtype.bytes()) as u64;
        // A job of GDAL's holds a tile and its compressed form; those of a COG hold all bands.
        let in_a_job = if self.format == Format::Cog { self.bands.len() } else { 1 };
        let jobs =
            (2 * in_a_job * self.threads) as u64 * tile + self.threads as u64 * options::codec_bytes(self);
        tile * (width.div_ceil(across) * bands) as u64 + jobs
    }

    /// The file that collects the strips of a COG, whose driver can only copy.
    fn collector(&self) -> Self {
        let zstd = options::driver_accepts(Format::GTiff, "COMPRESS", "ZSTD");
        Self {
            format: Format::GTiff,
            // Level 1 of zstd: about 300 MB/s at the size of deflate.
            compression: if zstd { Compression::Zstd } else { Compression::Deflate },
            level: Some(1),
            creation_options: Vec::new(),
            ..self.clone()
        }
    }
}

/// A raster being written. Dropped before [`RasterWriter::finish`], it leaves nothing behind.
pub struct RasterWriter {
    // Closed before the draft removes the folder it lies in.
    dataset: Dataset,
    tiles: Box<dyn Tiles>,
    file: PathBuf,
    draft: Draft,
    spec: RasterSpec,
}

impl RasterWriter {
    /// Starts a file of a run under a temporary name in the folder where it will be.
    ///
    /// # Errors
    /// As [`RasterSpec::check`]; the folder is missing or cannot be written to; GDAL cannot create the file.
    pub fn create(spec: RasterSpec, order: &WriteOrder, drafts: &Drafts) -> Result<Self, WriteError> {
        Self::create_with(spec, order, None, drafts)
    }

    /// Starts a file of which some pixels never come: tiles that hold nothing but nodata are left out of it.
    ///
    /// # Errors
    /// As [`RasterWriter::create`].
    pub fn create_with(
        spec: RasterSpec,
        order: &WriteOrder,
        holes: Option<&Holes>,
        drafts: &Drafts,
    ) -> Result<Self, WriteError> {
        spec.check()?;
        let sparse = |spec: RasterSpec| if holes.is_some() { options::sparse(spec) } else { spec };
        let draft = Draft::new(&spec.path, drafts)?;
        let (file, first) = match spec.format {
            Format::GTiff => (draft.file().to_owned(), sparse(spec.clone())),
            Format::Cog => (draft.beside("strips"), sparse(spec.collector())),
        };
        let spec = sparse(spec);
        let (dataset, tiles) =
            start(&file, &first, order, holes).map_err(|cause| WriteError::create(&spec.path, &cause))?;
        Ok(Self { dataset, tiles, file, draft, spec })
    }

    /// Takes the samples of `band` (from 0) in `window`, converted with `as`: they are final.
    ///
    /// Windows may come in any order and size, but each pixel once. Tiles that are not whole, or come before
    /// their turn, are kept: memory is least when windows come in the [`WriteOrder`].
    ///
    /// # Errors
    /// [`WriteError::Write`], e.g. when the disk is full; [`WriteError::Twice`].
    ///
    /// # Panics
    /// When `band`, `window` and the shape of `values` do not fit the raster or each other.
    pub fn write<'a>(
        &mut self,
        band: usize,
        window: Window,
        values: impl Into<Samples<'a>>,
    ) -> Result<(), WriteError> {
        let values = values.into();
        let (Grid { width, height, .. }, path) = (&self.spec.grid, &self.spec.path);
        assert!(band < self.spec.bands.len(), "band {band} of {}", self.spec.bands.len());
        assert_eq!(window.intersect(Window::whole(*width, *height)), Some(window), "inside the raster");
        assert_eq!(values.dim(), (window.height, window.width), "as many samples as the window has pixels");
        if !self.tiles.put(band, window, values) {
            return Err(WriteError::Twice { path: path.clone(), row: window.row });
        }
        self.tiles.flush(&self.dataset).map_err(|cause| WriteError::refused(path, &self.file, &cause))
    }

    /// Takes the bands from `first` on of `window` (band, row, col).
    ///
    /// # Errors
    /// As [`RasterWriter::write`].
    pub fn write_bands<'a, T>(
        &mut self,
        first: usize,
        window: Window,
        values: ArrayView3<'a, T>,
    ) -> Result<(), WriteError>
    where
        Samples<'a>: From<ndarray::ArrayView2<'a, T>>,
    {
        (0..values.dim().0)
            .try_for_each(|band| self.write(first + band, window, values.slice_move(s![band, .., ..])))
    }

    /// Completes the file under its temporary name and checks that every tile is in it.
    ///
    /// # Errors
    /// Rows that never came, and whatever went wrong while GDAL wrote the rest.
    pub fn finish(mut self) -> Result<Pending, WriteError> {
        let last = self.tiles.flush(&self.dataset);
        last.map_err(|cause| WriteError::refused(&self.spec.path, &self.file, &cause))?;
        if let Some(row) = self.tiles.unwritten() {
            return Err(WriteError::MissingRows { path: self.spec.path.clone(), row });
        }
        let left_out = self.tiles.left_out();
        let Self { dataset, file, draft, spec, .. } = self;
        close(dataset).map_err(|cause| WriteError::refused(&spec.path, &file, &cause))?;
        verify::whole(&file, &spec, &left_out, None)?;
        if spec.format == Format::Cog {
            copy_to_cog(&file, draft.file(), &spec)
                .map_err(|cause| WriteError::refused(&spec.path, draft.file(), &cause))?;
            verify::whole(draft.file(), &spec, &left_out, Some(&file))?;
            // It would keep its space on the disk until the last output is done.
            std::fs::remove_file(&file).map_err(|cause| WriteError::System { path: file, cause })?;
        }
        draft.finish()
    }
}

/// Creates the file that takes the strips.
fn start(
    file: &Path,
    spec: &RasterSpec,
    order: &WriteOrder,
    holes: Option<&Holes>,
) -> Result<(Dataset, Box<dyn Tiles>), String> {
    match spec.dtype {
        DataType::UInt8 => start_as::<u8>(file, spec, order, holes),
        DataType::UInt16 => start_as::<u16>(file, spec, order, holes),
        DataType::Int16 => start_as::<i16>(file, spec, order, holes),
        DataType::UInt32 => start_as::<u32>(file, spec, order, holes),
        DataType::Int32 => start_as::<i32>(file, spec, order, holes),
        DataType::Float32 => start_as::<f32>(file, spec, order, holes),
        DataType::Float64 => start_as::<f64>(file, spec, order, holes),
        other => Err(format!("no writer for {other}")),
    }
}

fn start_as<T: Sample>(
    file: &Path,
    spec: &RasterSpec,
    order: &WriteOrder,
    holes: Option<&Holes>,
) -> Result<(Dataset, Box<dyn Tiles>), String> {
    let (Grid { width, height, .. }, bands) = (&spec.grid, spec.bands.len());
    let mut dataset = checked(|| {
        let driver = DriverManager::get_driver_by_name(Format::GTiff.driver())?;
        let options = options::for_gdal(spec)?;
        driver.create_with_band_type_with_options::<T, _>(file, *width, *height, bands, &options)
    })?;
    // All tags before the first pixel: GDAL would otherwise write the directory twice.
    checked(|| describe(&mut dataset, spec))?;
    // Asked, not assumed: the user's creation options may have set another size.
    let tile = checked(|| Ok(dataset.rasterband(1)?.block_size()))?;
    // GDAL reads a tile that is not there as nodata, and without such a value as 0.
    let implied = options::is_sparse(spec).then(|| spec.nodata.unwrap_or(0.0));
    let raster = ((*width, *height), bands, spec.is_pixel_interleaved());
    Ok((dataset, Box::new(TileBoard::<T>::new(raster, tile, order, Expected::new(holes, implied)))))
}

fn describe(dataset: &mut Dataset, spec: &RasterSpec) -> Result<(), GdalError> {
    if spec.georeferenced {
        let t = spec.grid.transform;
        dataset.set_geo_transform(&[t.x0, t.dx, 0.0, t.y0, 0.0, t.dy])?;
    }
    if let Some(crs) = &spec.grid.crs {
        dataset.set_projection(&crs.wkt)?;
    }
    for (key, value) in &spec.tags {
        dataset.set_metadata_item(key, value, "")?;
    }
    for (index, said) in spec.bands.iter().enumerate() {
        let mut band = dataset.rasterband(index + 1)?;
        band.set_description(&said.description)?;
        if let Some((scale, offset)) = said.scale_offset {
            band.set_scale(scale)?;
            band.set_offset(offset)?;
        }
        if let Some(nodata) = spec.nodata {
            band.set_no_data_value(Some(nodata))?;
        }
    }
    Ok(())
}

/// GDAL 3.6 returns nothing from a flush or a close: a failure is known by its message alone.
fn close(mut dataset: Dataset) -> Result<(), String> {
    checked(move || {
        dataset.flush_cache()?;
        dataset.close()
    })
}

fn copy_to_cog(from: &Path, to: &Path, spec: &RasterSpec) -> Result<(), String> {
    let copy = checked(|| {
        let driver = DriverManager::get_driver_by_name(Format::Cog.driver())?;
        Dataset::open(from)?.create_copy(&driver, to, &options::for_gdal(spec)?)
    })?;
    close(copy)
}
