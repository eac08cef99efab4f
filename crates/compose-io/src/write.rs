//! Writes rasters strip by strip; a file gets its name only if all of it was written.
//!
//! | module | for |
//! |---|---|
//! | [`publish`] | a file under a temporary name, moved to its own name when everything is done |
//! | `spec` | what is to be written |
//! | [`options`] | creation options: ours, the user's, and which of them GDAL knows |
//! | `sample` | the types of samples on disk |
//! | `tiles` | samples are kept until a tile is whole, so a tile is compressed exactly once |
//! | `cog` | the layout of a COG, made of files whose tiles are copied as they are |
//! | `pyramid` | overviews, made of tiles as they are written (`levels`: which pixels; `reduce`: averages; `seams`, `parts`: what waits) |
//! | `holes` | pixels that never come: tiles of nothing else are left out |
//! | `mosaic` | a VRT and a tile index over the tiles of one grid |
//! | `verify` | is every tile really in the file |
//! | `refusal` | why the system took no more |
//!
//! **Tiles do not go through GDAL's block cache.** GDAL 3.6 swallows the error of a tile that its cache
//! writes later (another thread, or the close, which then "succeeds" with half a file). Handing over whole
//! blocks makes the error come back from the very call, and keeps the bytes of a file independent of the
//! sizes in which its pixels arrive.

mod cog;
mod error;
mod holes;
mod levels;
mod mosaic;
pub mod options;
mod parts;
pub mod publish;
mod pyramid;
mod reduce;
mod refusal;
mod sample;
mod seams;
mod spec;
#[cfg(test)]
mod tests;
mod tiles;
mod verify;

pub use error::WriteError;
pub use holes::Holes;
pub use mosaic::{MOSAIC_TAG, MosaicTile, write_tile_index, write_vrt};
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
use options::Overviews;
use parts::Parts;
use pyramid::Pyramid;
use reduce::Resampling;
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
        let (width, height) = options::block_size(&self.first(Route::of(self)));
        (width.clamp(1, self.grid.width), height.clamp(1, self.grid.height))
    }

    /// Whether a block of the file that takes the tiles holds all bands.
    pub fn is_pixel_interleaved(&self) -> bool {
        let first = self.first(Route::of(self));
        self.bands.len() > 1 && options::is(&first, "INTERLEAVE", "PIXEL")
    }

    /// Memory that a writer needs at most when pixels come in the order of writing, rows of `width` pixels in all
    /// bands of a range: one row of tiles, and the tiles being compressed.
    pub fn buffer_bytes(&self, width: usize, bands: usize) -> u64 {
        let (across, down) = self.tile();
        let tile = (across * down * self.dtype.bytes()) as u64;
        // A job of GDAL's holds a tile and its compressed form; those of a COG hold all bands.
        let all_bands = self.format == Format::Cog || self.is_pixel_interleaved();
        let in_a_job = if all_bands { self.bands.len() } else { 1 } as u64;
        let overviews = match Route::of(self) {
            Route::Staged(_) => {
                levels::sizes((self.grid.width, self.grid.height), across.max(down)).len() as u64
            }
            Route::Plain | Route::Driver => 0,
        };
        // The first overview is compressed in as many threads; each has a tile of all bands in hand.
        let jobs = 2 * self.threads as u64 * (1 + overviews.min(1));
        let codecs = self.threads as u64 * options::codec_bytes(self);
        tile * (width.div_ceil(across) * bands) as u64 + (jobs + overviews) * in_a_job * tile + codecs
    }

    /// The file that takes the tiles.
    fn first(&self, route: Route) -> Self {
        match route {
            Route::Plain => self.clone(),
            Route::Staged(_) => options::stage(self, false),
            Route::Driver => self.collector(),
        }
    }

    /// The overviews that tiles are made into while they are written, the largest first, each with a file beside the draft.
    fn staged_overviews(&self, draft: &Draft) -> Vec<(PathBuf, Self)> {
        let side = options::block_size(&options::stage(self, false)).0;
        let sizes = levels::sizes((self.grid.width, self.grid.height), side);
        let file = |(nth, (width, height)): (usize, (usize, usize))| {
            // What is above the first is a twelfth of all pixels.
            let threads = if nth == 0 { self.threads } else { 1 };
            let grid = Grid { width, height, ..self.grid.clone() };
            let spec = options::stage(&Self { grid, threads, ..self.clone() }, true);
            (draft.beside(&format!("overview-{nth}")), spec)
        };
        sizes.into_iter().enumerate().map(file).collect()
    }

    /// The file that collects the strips of a COG that GDAL's driver makes: it can only copy.
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

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    /// Its tiles are those of the file.
    Plain,
    /// Tiles and those of overviews are compressed as they come, into files of their own, and copied as they are.
    Staged(Overviews),
    /// GDAL's driver copies a file, compresses it anew and makes overviews.
    Driver,
}

impl Route {
    fn of(spec: &RasterSpec) -> Self {
        match spec.format {
            Format::GTiff => Self::Plain,
            Format::Cog => options::staged(spec).map_or(Self::Driver, Self::Staged),
        }
    }
}

/// A raster being written. Dropped before [`RasterWriter::finish`], it leaves nothing behind.
pub struct RasterWriter {
    // Closed before the draft removes the folder it lies in.
    dataset: Dataset,
    tiles: Box<dyn Tiles>,
    file: PathBuf,
    overviews: Vec<PathBuf>,
    draft: Draft,
    spec: RasterSpec,
    route: Route,
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
        let route = match Route::of(&spec) {
            // A tile of all bands would be compressed once for each range.
            Route::Staged(_) if order.band_ranges.len() > 1 => Route::Driver,
            Route::Staged(_) if !order.is_right_and_down(spec.grid.width) => Route::Driver,
            route => route,
        };
        Self::create_by(route, spec, order, holes, drafts)
    }

    fn create_by(
        route: Route,
        spec: RasterSpec,
        order: &WriteOrder,
        holes: Option<&Holes>,
        drafts: &Drafts,
    ) -> Result<Self, WriteError> {
        spec.check()?;
        let spec = if holes.is_some() { options::sparse(spec) } else { spec };
        let draft = Draft::new(&spec.path, drafts)?;
        let first = spec.first(route);
        let first = if holes.is_some() { options::sparse(first) } else { first };
        let (file, overviews) = match route {
            Route::Plain => (draft.file().to_owned(), Vec::new()),
            Route::Staged(_) => (draft.beside("tiles"), spec.staged_overviews(&draft)),
            Route::Driver => (draft.beside("strips"), Vec::new()),
        };
        let start = Start { file: &file, spec: &first, route, overviews: &overviews };
        let (dataset, tiles) =
            start.typed(order, holes).map_err(|cause| WriteError::create(&spec.path, &cause))?;
        let overviews = overviews.into_iter().map(|(file, _)| file).collect();
        Ok(Self { dataset, tiles, file, overviews, draft, spec, route })
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
        let mut left_out = vec![self.tiles.left_out()];
        let of_overviews = self.tiles.overviews();
        let Self { dataset, file, overviews, draft, spec, route, .. } = self;
        let refused = |file: &Path, cause: String| WriteError::refused(&spec.path, file, &cause);
        close(dataset).map_err(|cause| refused(&file, cause))?;
        for ((dataset, empty), file) in of_overviews.into_iter().zip(&overviews) {
            close(dataset).map_err(|cause| refused(file, cause))?;
            left_out.push(empty);
        }
        match route {
            Route::Plain => verify::whole(&file, &spec, &left_out, None)?,
            Route::Staged(_) => {
                let levels: Vec<&Path> = overviews.iter().map(PathBuf::as_path).collect();
                cog::assemble(draft.file(), &file, &levels, options::may_grow(&spec))
                    .map_err(|cause| refused(draft.file(), cause))?;
                verify::whole(draft.file(), &spec, &left_out, None)?;
            }
            Route::Driver => {
                verify::whole(&file, &spec, &left_out, None)?;
                copy_to_cog(&file, draft.file(), &spec).map_err(|cause| refused(draft.file(), cause))?;
                verify::whole(draft.file(), &spec, &left_out, Some(&file))?;
            }
        }
        // They would keep their space on the disk until the last output is done.
        for file in overviews.iter().chain(Some(&file).filter(|_| route != Route::Plain)) {
            std::fs::remove_file(file).map_err(|cause| WriteError::System { path: file.clone(), cause })?;
        }
        draft.finish()
    }
}

/// The files that take tiles.
struct Start<'a> {
    file: &'a Path,
    spec: &'a RasterSpec,
    route: Route,
    overviews: &'a [(PathBuf, RasterSpec)],
}

/// A dataset, and the tiles that go into it.
type Started = (Dataset, Box<dyn Tiles>);

impl Start<'_> {
    fn typed(&self, order: &WriteOrder, holes: Option<&Holes>) -> Result<Started, String> {
        match self.spec.dtype {
            DataType::UInt8 => self.start::<u8>(order, holes),
            DataType::UInt16 => self.start::<u16>(order, holes),
            DataType::Int16 => self.start::<i16>(order, holes),
            DataType::UInt32 => self.start::<u32>(order, holes),
            DataType::Int32 => self.start::<i32>(order, holes),
            DataType::Float32 => self.start::<f32>(order, holes),
            DataType::Float64 => self.start::<f64>(order, holes),
            other => Err(format!("no writer for {other}")),
        }
    }

    fn start<T: Sample>(&self, order: &WriteOrder, holes: Option<&Holes>) -> Result<Started, String> {
        let (spec, bands) = (self.spec, self.spec.bands.len());
        let mut dataset = new_file::<T>(self.file, spec)?;
        // All tags before the first pixel: GDAL would otherwise write the directory twice.
        checked(|| describe(&mut dataset, spec))?;
        // Asked, not assumed: the user's creation options may have set another size.
        let tile = checked(|| Ok(dataset.rasterband(1)?.block_size()))?;
        // GDAL reads a tile that is not there as nodata, and without such a value as 0.
        let implied = options::is_sparse(spec).then(|| spec.nodata.unwrap_or(0.0));
        let size = (spec.grid.width, spec.grid.height);
        let overviews = match self.route {
            Route::Staged(how) => Some(self.pyramid::<T>(how, tile, implied)?),
            Route::Plain | Route::Driver => None,
        };
        let interleaved = bands > 1 && options::is(spec, "INTERLEAVE", "PIXEL");
        let expected = Expected::new(holes, implied);
        let board = TileBoard::<T>::new((size, bands, interleaved), tile, order, expected, overviews);
        Ok((dataset, Box::new(board)))
    }

    fn pyramid<T: Sample>(
        &self,
        how: Overviews,
        tile: (usize, usize),
        implied: Option<f64>,
    ) -> Result<Pyramid<T>, String> {
        let mut datasets = Vec::new();
        for (file, spec) in self.overviews {
            let dataset = new_file::<T>(file, spec)?;
            if let Some(nodata) = spec.nodata {
                checked(|| dataset.rasterband(1)?.set_no_data_value(Some(nodata)))?;
            }
            datasets.push(dataset);
        }
        let how = match how {
            Overviews::Nearest => Resampling::Nearest,
            Overviews::Average => Resampling::Average { nodata: self.spec.nodata.map(T::from_f64) },
        };
        let folder = self.file.parent().unwrap_or(Path::new("."));
        let parts =
            Parts::new(folder, Pyramid::<T>::part_bytes(tile)).map_err(|cause| refusal::in_words(&cause))?;
        let raster = ((self.spec.grid.width, self.spec.grid.height), self.spec.bands.len(), tile);
        Ok(Pyramid::new(raster, datasets, parts, how, implied.map(T::from_f64)))
    }
}

/// Creates a file that takes tiles.
fn new_file<T: Sample>(file: &Path, spec: &RasterSpec) -> Result<Dataset, String> {
    let (Grid { width, height, .. }, bands) = (&spec.grid, spec.bands.len());
    checked(|| {
        let driver = DriverManager::get_driver_by_name(Format::GTiff.driver())?;
        let options = options::for_gdal(spec)?;
        driver.create_with_band_type_with_options::<T, _>(file, *width, *height, bands, &options)
    })
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
