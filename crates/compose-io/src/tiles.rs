//! Pixels: every tile decoded once and shared by the workers, within a budget of bytes.
//!
//! A file's tiles rarely line up with the output's blocks, so one tile serves up to four of them. The store
//! keeps decoded tiles in their native type; a worker copies its window out of them. Two workers that want
//! the same tile wait for one decoding. What falls out of the budget (`cache`) is decoded again when it is
//! needed, or waits in a scratch file where there is one (`scratch_file`). Bands that lie together in a file's blocks (pixel-interleaved) share their tiles.

mod band;
mod buffer;
mod cache;
mod copy;
mod files;
mod reading;
mod scratch_file;

#[cfg(test)]
mod tests;

pub use self::band::BandRef;
pub use self::copy::Valid;
pub use self::reading::{Reading, RunPosition};

use self::band::Reader;
use self::buffer::{Buffers, SPARE_BYTES, Tile};
use self::cache::{Evicted, TileCache};
use self::copy::{Outside, Part, clear_masked, copy_codes, copy_data};
use self::files::OpenFiles;
use self::scratch_file::{ScratchFile, TileOnDisk};
use crate::IoError;
use crate::access;
use crate::direct::{DirectFile, LeftToGdal, Scratch};
use crate::header::{Fingerprint, MaskSource};
use crate::messages::checked;
use compose_core::{DataType, Window};
use gdal::Dataset;
use gdal::raster::{GdalType, RasterBand};
use std::collections::{HashSet, VecDeque};
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    path: Arc<PathBuf>,
    number: usize,
    mask: bool,
    col: i64,
    row: i64,
}

/// A place for a tile; whoever holds its lock and finds it empty decodes.
type Slot = Arc<Mutex<Option<Held>>>;

/// Where a decoded tile is.
#[derive(Clone)]
enum Held {
    Memory(Arc<Tile>),
    Disk(Arc<TileOnDisk>),
}

impl Held {
    fn window(&self) -> Window {
        match self {
            Self::Memory(tile) => tile.window,
            Self::Disk(tile) => tile.window,
        }
    }
}

/// The shared tiles.
pub struct TileStore {
    cache: Mutex<TileCache<Key, Slot>>,
    idle: Mutex<VecDeque<(Arc<PathBuf>, Dataset)>>,
    /// The tiles that were decoded, by a hash of their keys, and how often.
    decoded: Mutex<(HashSet<u64>, u64)>,
    buffers: Arc<Buffers>,
    open_files: usize,
    files: OpenFiles,
    scratch: Mutex<Vec<Scratch>>,
    disk: ScratchFile,
}

impl TileStore {
    /// A store that keeps at most about `budget` bytes for decoded tiles, and `open_files` files open between
    /// reads; others are closed and opened again (about 30 µs each).
    pub fn new(budget: u64, open_files: usize) -> Self {
        Self {
            open_files,
            cache: Mutex::new(TileCache::new(budget.saturating_sub(SPARE_BYTES as u64))),
            idle: Mutex::new(VecDeque::new()),
            decoded: Mutex::default(),
            buffers: Arc::default(),
            files: OpenFiles::default(),
            scratch: Mutex::default(),
            disk: ScratchFile::default(),
        }
    }

    /// The same, where tiles beyond the budget wait in a file without a name in `folder`, if there is one: it takes half of
    /// the free bytes at most.
    pub fn with_scratch(self, folder: Option<PathBuf>) -> Self {
        Self { disk: ScratchFile::new(folder), ..self }
    }

    /// Bytes of tiles that were written to the scratch file so far.
    pub fn waited(&self) -> u64 {
        self.disk.written()
    }

    /// The number of decoded tiles so far, and the number of repeats among them.
    pub fn decoded(&self) -> (u64, u64) {
        let (tiles, times) = &*self.decoded.lock().unwrap_or_else(PoisonError::into_inner);
        (*times, times - tiles.len() as u64)
    }

    /// Gives the memory of all tiles back, and the bytes of the scratch file.
    pub fn let_go(&self) {
        self.cache().clear();
        self.disk.release();
        self.buffers.clear();
    }

    fn count(&self, key: &Key) {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let (tiles, times) = &mut *self.decoded.lock().unwrap_or_else(PoisonError::into_inner);
        tiles.insert(hasher.finish());
        *times += 1;
    }

    /// Reads measurements (which may lie outside the raster) row by row: samples as stored, and 1 where a pixel is
    /// inside, not nodata, not NaN and not masked by the file itself.
    ///
    /// # Errors
    /// [`IoError::Read`] with file, band and block; [`IoError::Changed`].
    ///
    /// # Panics
    /// When a slice has not as many elements as the window has pixels.
    pub fn read_data(
        &self,
        band: &BandRef,
        at: Reading,
        values: &mut [f32],
        mut valid: Valid<'_>,
    ) -> Result<(), IoError> {
        let outside = Outside::of(at.window, band);
        outside.fill(values, 0.0);
        outside.fill(valid.all(), 0);
        self.each_tile(band, false, at, |tile, plane, part| {
            copy_data(tile, plane, part, &band.nodata, values, &mut valid);
        })?;
        if band.mask != MaskSource::None {
            self.each_tile(band, true, at, |tile, _, part| clear_masked(tile, part, valid.all()))?;
        }
        Ok(())
    }

    /// Reads codes row by row: as stored (signed ones as their two's complement at the band's width), and 1
    /// where inside the raster. Nodata tags and masks are ignored: codes speak for themselves.
    ///
    /// # Errors
    /// As [`TileStore::read_data`].
    ///
    /// # Panics
    /// As [`TileStore::read_data`].
    pub fn read_quality(
        &self,
        band: &BandRef,
        at: Reading,
        codes: &mut [u32],
        inside: &mut [u8],
    ) -> Result<(), IoError> {
        let outside = Outside::of(at.window, band);
        outside.fill(codes, 0);
        outside.fill(inside, 0);
        self.each_tile(band, false, at, |tile, plane, part| copy_codes(tile, plane, part, codes, inside))
    }

    fn each_tile(
        &self,
        band: &BandRef,
        mask: bool,
        at: Reading,
        mut visit: impl FnMut(&Tile, usize, &Part),
    ) -> Result<(), IoError> {
        let window = at.window;
        let Some(inside) = window.intersect(Window::whole(band.width, band.height)) else { return Ok(()) };
        let plane = if mask { 0 } else { band.plane() };
        for (col, row) in band.tiles_of(inside) {
            let whole = band.tile_window(col, row);
            let common = whole.intersect(inside).expect("the tile was chosen because it meets the window");
            let mut see = |tile: &Tile, plane: usize| {
                let common = tile.window.intersect(common).expect("a tile holds a part of what is wanted");
                visit(tile, plane, &Part { tile: tile.window, common, window });
            };
            let (key, held) = self.tile(band, mask, (whole, common), at)?;
            match held {
                Held::Memory(tile) => see(&tile, plane),
                Held::Disk(tile) if tile.visit(plane, common, &self.buffers, |piece| see(piece, 0)) => {}
                Held::Disk(_) => {
                    // The disk fails: the file has the pixels still.
                    self.disk.give_up();
                    self.cache().forget(&key);
                    see(&*self.decode(band, mask, whole)?, plane);
                }
            }
        }
        Ok(())
    }

    /// A tile, or as much of it as `part` needs.
    fn tile(
        &self,
        band: &BandRef,
        mask: bool,
        (whole, part): (Window, Window),
        at: Reading,
    ) -> Result<(Key, Held), IoError> {
        let number = if mask { band.number } else { band.together[0] };
        let key = Key { path: band.path.clone(), number, mask, col: whole.col, row: whole.row };
        let slot = self.cache().get_or_insert(&key, at.extent(whole), at.place);
        let mut place = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = place.as_ref().filter(|held| held.window().intersect(part) == Some(part)) {
            return Ok((key, held.clone()));
        }
        self.count(&key);
        let decoded = self.decode(band, mask, whole).inspect_err(|_| self.cache().forget(&key))?;
        *place = Some(Held::Memory(decoded.clone()));
        // Not to hold one tile while waiting for another.
        drop(place);
        let evicted = self.cache().make_room(&key, decoded.bytes(), self.disk.accepts_tiles());
        for (key, slot, how) in evicted {
            match how {
                Evicted::Cut(row) => self.cut(&key, &slot, row),
                Evicted::Moved => self.move_to_disk(&key, &slot),
            }
        }
        Ok((key, Held::Memory(decoded)))
    }

    /// Lets the rows of a tile go that lie above `row`: the next strip begins there.
    fn cut(&self, key: &Key, slot: &Slot, row: i64) {
        let mut place = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Held::Memory(tile)) = &*place else { return };
        // Without memory for the rest the tile stays as it is.
        let Ok(Some(rest)) = tile.below(row) else { return };
        let bytes = rest.bytes();
        *place = Some(Held::Memory(Arc::new(rest)));
        drop(place);
        self.cache().shrink(key, row, bytes);
    }

    /// Lets a tile wait on the disk; where there is no room it is decoded again.
    fn move_to_disk(&self, key: &Key, slot: &Slot) {
        let mut place = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Held::Memory(tile)) = &*place else { return };
        *place = self.disk.write(tile).map(|tile| Held::Disk(Arc::new(tile)));
        let gone = place.is_none();
        drop(place);
        if gone {
            self.cache().forget(key);
        }
    }

    fn cache(&self) -> MutexGuard<'_, TileCache<Key, Slot>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn decode(&self, band: &BandRef, mask: bool, at: Window) -> Result<Arc<Tile>, IoError> {
        if let (Reader::Direct(direct), false) = (&band.reader, mask)
            && let Some(tile) = self.decode_directly(band, direct, at)?
        {
            return Ok(Arc::new(tile));
        }
        let dataset = self.take_dataset(band)?;
        let tile = decode(&self.buffers, &dataset, band, mask, at)?;
        self.give_back(band, dataset);
        Ok(Arc::new(tile))
    }

    /// `None` where GDAL is to do it.
    fn decode_directly(
        &self,
        band: &BandRef,
        direct: &DirectFile,
        at: Window,
    ) -> Result<Option<Tile>, IoError> {
        let file = self.files.get(band)?;
        let Ok(mut tile) = Tile::new(&self.buffers, band.dtype, band.together.len(), at) else {
            return Ok(None);
        };
        let mut scratch = self.scratch().pop().unwrap_or_default();
        let whole = read_blocks(direct, &file, &mut scratch, band, &mut tile);
        self.scratch().push(scratch);
        Ok(whole.is_ok().then_some(tile))
    }

    fn scratch(&self) -> MutexGuard<'_, Vec<Scratch>> {
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_dataset(&self, band: &BandRef) -> Result<Dataset, IoError> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) =
            idle.iter().rposition(|(path, _)| Arc::ptr_eq(path, &band.path) || *path == band.path)
        {
            return Ok(idle.remove(at).expect("the position was just found").1);
        }
        drop(idle);
        self.check_unchanged(band)?;
        access::open(&band.path, band.access())
    }

    fn give_back(&self, band: &BandRef, dataset: Dataset) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.push_back((band.path.clone(), dataset));
        if idle.len() > self.open_files {
            idle.pop_front();
        }
    }

    /// Checks that the file behind `band` is still the one that was planned.
    ///
    /// # Errors
    /// [`IoError::Changed`], or the file is gone.
    pub fn check_unchanged(&self, band: &BandRef) -> Result<(), IoError> {
        if Fingerprint::of(&band.path)? == *band.fingerprint() {
            return Ok(());
        }
        Err(IoError::Changed { path: band.path.to_path_buf() })
    }
}

/// Reads the blocks that a tile is made of: one, or several one below the other.
fn read_blocks(
    direct: &DirectFile,
    file: &File,
    scratch: &mut Scratch,
    band: &BandRef,
    tile: &mut Tile,
) -> Result<(), LeftToGdal> {
    let window = tile.window;
    let (col, mut row) = band.block_at(window);
    let plane = window.pixels() * tile.dtype.bytes();
    let mut done = 0;
    while done < plane {
        let (width, height) = direct.block_size((col, row));
        let bytes = width * height * tile.dtype.bytes();
        let mut places: Vec<Option<&mut [u8]>> =
            std::iter::repeat_with(|| None).take(band.file_bands()).collect();
        for (number, samples) in band.together.iter().zip(tile.bytes_mut().chunks_mut(plane)) {
            places[number - 1] = Some(&mut samples[done..done + bytes]);
        }
        direct.read_block(file, scratch, (col, row), &mut places)?;
        (done, row) = (done + bytes, row + 1);
    }
    Ok(())
}

fn decode(
    buffers: &Arc<Buffers>,
    dataset: &Dataset,
    band: &BandRef,
    mask: bool,
    at: Window,
) -> Result<Tile, IoError> {
    let failed = |number: usize, cause: String| IoError::Read {
        path: band.path.to_path_buf(),
        band: number,
        col: at.col as usize,
        row: at.row as usize,
        cause,
    };
    let (dtype, bands) =
        if mask { (DataType::UInt8, 1) } else { (stored_as(band.dtype), band.together.len()) };
    let tile = Tile::new(buffers, dtype, bands, at);
    let mut tile = tile.map_err(|e| failed(band.number, e.to_string()))?;
    if mask {
        read_mask(dataset, band, at, &mut tile).map_err(|cause| failed(band.number, cause))?;
        return Ok(tile);
    }
    for (plane, number) in band.together.iter().enumerate() {
        read_band(dataset, *number, at, (&mut tile, plane)).map_err(|cause| failed(*number, cause))?;
    }
    Ok(tile)
}

fn read_mask(dataset: &Dataset, band: &BandRef, at: Window, tile: &mut Tile) -> Result<(), String> {
    let raster = checked(|| dataset.rasterband(band.number))?;
    let mask = checked(|| match band.mask {
        MaskSource::Alpha(number) => dataset.rasterband(number),
        _ => raster.open_mask_band(),
    })?;
    fill::<u8>(&mask, at, (tile, 0))
}

fn read_band(dataset: &Dataset, number: usize, at: Window, to: (&mut Tile, usize)) -> Result<(), String> {
    let raster = checked(|| dataset.rasterband(number))?;
    match to.0.dtype {
        DataType::UInt8 => fill::<u8>(&raster, at, to),
        DataType::Int8 => fill_signed_bytes(&raster, at, to),
        DataType::UInt16 => fill::<u16>(&raster, at, to),
        DataType::Int16 => fill::<i16>(&raster, at, to),
        DataType::UInt32 => fill::<u32>(&raster, at, to),
        DataType::Int32 => fill::<i32>(&raster, at, to),
        _ => fill::<f32>(&raster, at, to),
    }
}

/// The type that samples are kept in: their own, or `f32` for what is accepted at single precision.
fn stored_as(dtype: DataType) -> DataType {
    match dtype {
        DataType::UInt64 | DataType::Int64 | DataType::Float64 | DataType::Complex => DataType::Float32,
        other => other,
    }
}

/// GDAL before 3.7 returns signed bytes as unsigned ones; later versions return them as signed ones, and a read as
/// unsigned bytes would clamp negative values to 0. Read as 16 bits and cut to 8, both give the byte that is in the
/// file.
fn fill_signed_bytes(
    band: &RasterBand<'_>,
    at: Window,
    (tile, plane): (&mut Tile, usize),
) -> Result<(), String> {
    let (origin, size) = ((at.col as isize, at.row as isize), (at.width, at.height));
    let mut wide = vec![0_i16; at.width * at.height];
    checked(|| band.read_into_slice(origin, size, size, &mut wide, None))?;
    tile.samples_mut::<u8>(plane).iter_mut().zip(wide).for_each(|(byte, wide)| *byte = wide as u8);
    Ok(())
}

fn fill<T: GdalType + bytemuck::Pod>(
    band: &RasterBand<'_>,
    at: Window,
    (tile, plane): (&mut Tile, usize),
) -> Result<(), String> {
    let (origin, size) = ((at.col as isize, at.row as isize), (at.width, at.height));
    checked(|| band.read_into_slice(origin, size, size, tile.samples_mut::<T>(plane), None))
}
