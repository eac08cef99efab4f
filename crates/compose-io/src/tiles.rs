//! Pixels: every tile decoded once and shared by the workers, within a budget of bytes.
//!
//! A file's tiles rarely line up with the output's blocks, so one tile serves up to four of them. The store
//! keeps decoded tiles in their native type; a worker copies its window out of them. Two workers that want
//! the same tile wait for one decoding. What falls out of the budget (`shelf`) is decoded again when it is
//! needed.

mod shelf;

use self::shelf::{Need, Shelf};
use crate::header::{self, Fingerprint, MaskSource};
use crate::messages::checked;
use crate::{BandHeader, FileHeader, IoError};
use compose_core::{DataType, Window};
use gdal::Dataset;
use gdal::raster::{GdalType, RasterBand};
use memmap2::MmapMut;
use ndarray::ArrayViewMut2;
use std::collections::VecDeque;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A strip of one row is no unit to share: rows are taken together up to about this many pixels.
const SMALLEST_TILE: usize = 128 * 1024;
/// A natural block larger than this is read in pieces of `PIECE`² through GDAL's own cache.
const LARGEST_TILE: usize = 4096 * 4096;
const PIECE: usize = 512;

/// A band of a file, with all that reading it needs.
#[derive(Clone, Debug)]
pub struct BandRef {
    /// The file.
    pub path: Arc<PathBuf>,
    /// Band number, from 1.
    pub number: usize,
    /// Sample type on disk.
    pub dtype: DataType,
    /// Values that mean "no data".
    pub nodata: Vec<f64>,
    /// Mask or alpha band.
    pub mask: MaskSource,
    width: usize,
    height: usize,
    tile: (usize, usize),
    open_bytes: u64,
    fingerprint: Fingerprint,
}

impl BandRef {
    /// A reference to `band` of `file`; `nodata` are the values that count as missing.
    pub fn new(file: &FileHeader, band: &BandHeader, nodata: Vec<f64>) -> Self {
        let (width, height) = (file.grid.width, file.grid.height);
        Self {
            path: Arc::new(file.path.clone()),
            number: band.number,
            dtype: band.dtype,
            nodata,
            mask: band.mask,
            width,
            height,
            tile: tile_size(band.block, width, height),
            open_bytes: open_bytes(file, band),
            fingerprint: file.fingerprint.clone(),
        }
    }

    /// Size of the shared tiles, width × height.
    pub fn tile_size(&self) -> (usize, usize) {
        self.tile
    }

    /// Bytes that GDAL keeps while the file is open: a block on disk, compressed and not.
    pub fn open_bytes(&self) -> u64 {
        self.open_bytes
    }

    /// Bytes of one decoded tile.
    pub fn tile_bytes(&self) -> u64 {
        (self.tile.0 * self.tile.1 * self.dtype.bytes().min(4)) as u64
    }

    fn tile_window(&self, col: usize, row: usize) -> Window {
        let (width, height) = self.tile;
        let (left, top) = (col * width, row * height);
        Window {
            col: left as i64,
            row: top as i64,
            width: width.min(self.width - left),
            height: height.min(self.height - top),
        }
    }
}

fn open_bytes(file: &FileHeader, band: &BandHeader) -> u64 {
    let bands = if band.pixel_interleaved { file.bands.len() } else { 1 };
    let block = band.block.0 * band.block.1 * bands * band.dtype.bytes();
    // Half as much again for the compressed bytes, and what any open dataset takes.
    (block + block / 2) as u64 + (64 << 10)
}

fn tile_size(block: (usize, usize), width: usize, height: usize) -> (usize, usize) {
    let (w, h) = (block.0.clamp(1, width), block.1.clamp(1, height));
    if w * h > LARGEST_TILE {
        return (PIECE.min(width), PIECE.min(height));
    }
    let blocks = (SMALLEST_TILE / (w * h)).max(1);
    (w, (h * blocks).min(height))
}

/// Decoded samples of one tile, in a type that keeps them exact.
///
/// The buffer comes from [`Buffers`] and goes back there. It is mapped memory: tiles are made by one thread and
/// dropped by another, come in a few sizes and live long, which leaves an allocator's heap full of holes.
struct Tile {
    /// `None` only while it is dropped.
    buffer: Option<MmapMut>,
    samples: usize,
    dtype: DataType,
    buffers: Arc<Buffers>,
}

/// Buffers of tiles that were dropped, to be used again.
#[derive(Default)]
struct Buffers(Mutex<Vec<MmapMut>>);

impl Buffers {
    fn take(&self, bytes: usize) -> std::io::Result<MmapMut> {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = free.iter().rposition(|b| b.len() == bytes) {
            return Ok(free.swap_remove(at));
        }
        // None of this size: let one of another size go, so that no more is kept than was in use.
        let gone = free.pop();
        drop((free, gone));
        MmapMut::map_anon(bytes)
    }
}

impl Tile {
    fn new(buffers: &Arc<Buffers>, dtype: DataType, samples: usize) -> std::io::Result<Self> {
        let buffer = Some(buffers.take(samples * dtype.bytes())?);
        Ok(Self { buffer, samples, dtype, buffers: buffers.clone() })
    }

    fn samples<T: bytemuck::Pod>(&self) -> &[T] {
        // A mapping starts on a page, so it suits every sample type.
        self.buffer.as_deref().map_or(&[], |b| &bytemuck::cast_slice(b)[..self.samples])
    }

    fn samples_mut<T: bytemuck::Pod>(&mut self) -> &mut [T] {
        self.buffer.as_deref_mut().map_or(&mut [], |b| &mut bytemuck::cast_slice_mut(b)[..self.samples])
    }

    fn bytes(&self) -> u64 {
        (self.samples * self.dtype.bytes()) as u64
    }
}

impl Drop for Tile {
    fn drop(&mut self) {
        self.buffers.0.lock().unwrap_or_else(PoisonError::into_inner).extend(self.buffer.take());
    }
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    path: Arc<PathBuf>,
    number: usize,
    mask: bool,
    col: i64,
    row: i64,
}

/// A place for a tile; whoever holds its lock and finds it empty decodes.
type Slot = Arc<Mutex<Option<Arc<Tile>>>>;

/// The shared tiles.
pub struct TileStore {
    shelf: Mutex<Shelf<Key, Slot>>,
    idle: Mutex<VecDeque<(Arc<PathBuf>, Dataset)>>,
    decoded: AtomicU64,
    buffers: Arc<Buffers>,
    open_files: usize,
}

impl TileStore {
    /// A store that keeps at most about `budget` bytes of decoded tiles, and `open_files` files open between
    /// reads; others are closed and opened again (about 30 µs each).
    pub fn new(budget: u64, open_files: usize) -> Self {
        Self {
            open_files,
            shelf: Mutex::new(Shelf::new(budget)),
            idle: Mutex::new(VecDeque::new()),
            decoded: AtomicU64::new(0),
            buffers: Arc::default(),
        }
    }

    /// How many tiles were decoded so far, repeats included.
    pub fn decoded(&self) -> u64 {
        self.decoded.load(Ordering::Relaxed)
    }

    /// Reads measurements of `window` (which may reach outside the raster): samples as stored, and 1 where a
    /// pixel is inside, not nodata, not NaN and not masked by the file itself.
    ///
    /// # Errors
    /// [`IoError::Read`] with file, band and block; [`IoError::Changed`].
    ///
    /// # Panics
    /// When an array has not the window's shape in standard layout.
    pub fn read_data(
        &self,
        band: &BandRef,
        window: Window,
        mut values: ArrayViewMut2<'_, f32>,
        mut valid: ArrayViewMut2<'_, u8>,
    ) -> Result<(), IoError> {
        let whole = Window::whole(band.width, band.height);
        let (values, valid) = (contiguous(&mut values), contiguous(&mut valid));
        if window.intersect(whole) != Some(window) {
            values.fill(0.0);
            valid.fill(0);
        }
        self.each_tile(band, false, window, |tile, part| copy_data(tile, part, &band.nodata, values, valid))?;
        if band.mask != MaskSource::None {
            self.each_tile(band, true, window, |tile, part| clear_masked(tile, part, valid))?;
        }
        Ok(())
    }

    /// Reads codes of `window`: as stored (signed ones as their two's complement at the band's width), and 1
    /// where inside the raster. Nodata tags and masks are ignored: codes speak for themselves.
    ///
    /// # Errors
    /// As [`TileStore::read_data`].
    pub fn read_quality(
        &self,
        band: &BandRef,
        window: Window,
        mut codes: ArrayViewMut2<'_, u32>,
        mut inside: ArrayViewMut2<'_, u8>,
    ) -> Result<(), IoError> {
        let (codes, inside) = (contiguous(&mut codes), contiguous(&mut inside));
        if window.intersect(Window::whole(band.width, band.height)) != Some(window) {
            codes.fill(0);
            inside.fill(0);
        }
        self.each_tile(band, false, window, |tile, part| copy_codes(tile, part, codes, inside))
    }

    fn each_tile(
        &self,
        band: &BandRef,
        mask: bool,
        window: Window,
        mut visit: impl FnMut(&Tile, &Part),
    ) -> Result<(), IoError> {
        let Some(inside) = window.intersect(Window::whole(band.width, band.height)) else { return Ok(()) };
        let (tw, th) = (band.tile.0 as i64, band.tile.1 as i64);
        for row in inside.row / th..=(inside.row_end() - 1) / th {
            for col in inside.col / tw..=(inside.col_end() - 1) / tw {
                let tile = band.tile_window(col as usize, row as usize);
                let samples = self.tile(band, mask, tile, window)?;
                let common = tile.intersect(inside).expect("the tile was chosen because it meets the window");
                visit(&samples, &Part { tile, common, window });
            }
        }
        Ok(())
    }

    fn tile(&self, band: &BandRef, mask: bool, at: Window, window: Window) -> Result<Arc<Tile>, IoError> {
        let key = Key { path: band.path.clone(), number: band.number, mask, col: at.col, row: at.row };
        let slot = self.shelf().reach(&key, Need::of(at, window));
        let mut tile = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tile) = &*tile {
            return Ok(tile.clone());
        }
        let decoded = self.decode(band, mask, at).inspect_err(|_| self.shelf().forget(&key))?;
        *tile = Some(decoded.clone());
        self.shelf().fill(&key, decoded.bytes());
        Ok(decoded)
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf<Key, Slot>> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn decode(&self, band: &BandRef, mask: bool, at: Window) -> Result<Arc<Tile>, IoError> {
        self.decoded.fetch_add(1, Ordering::Relaxed);
        let dataset = self.take_dataset(band)?;
        let tile = decode(&self.buffers, &dataset, band, mask, at)?;
        self.give_back(band, dataset);
        Ok(Arc::new(tile))
    }

    fn take_dataset(&self, band: &BandRef) -> Result<Dataset, IoError> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) =
            idle.iter().rposition(|(path, _)| Arc::ptr_eq(path, &band.path) || *path == band.path)
        {
            return Ok(idle.remove(at).expect("the position was just found").1);
        }
        drop(idle);
        if Fingerprint::of(&band.path)? != band.fingerprint {
            return Err(IoError::Changed { path: band.path.to_path_buf() });
        }
        header::open(&band.path)
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
        if Fingerprint::of(&band.path)? == band.fingerprint {
            return Ok(());
        }
        Err(IoError::Changed { path: band.path.to_path_buf() })
    }
}

/// The part of a tile that a window wants; all on the file's grid.
struct Part {
    tile: Window,
    common: Window,
    window: Window,
}

impl Part {
    /// For each row of the common part: its range in the tile's samples and in the window's.
    fn rows(&self) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
        let start = |outer: Window, row: i64| {
            (row - outer.row) as usize * outer.width + (self.common.col - outer.col) as usize
        };
        let width = self.common.width;
        (self.common.row..self.common.row_end()).map(move |row| {
            let (from, to) = (start(self.tile, row), start(self.window, row));
            (from..from + width, to..to + width)
        })
    }
}

fn decode(
    buffers: &Arc<Buffers>,
    dataset: &Dataset,
    band: &BandRef,
    mask: bool,
    at: Window,
) -> Result<Tile, IoError> {
    let failed = |cause| IoError::Read {
        path: band.path.to_path_buf(),
        band: band.number,
        col: at.col as usize,
        row: at.row as usize,
        cause,
    };
    let raster = checked(|| dataset.rasterband(band.number)).map_err(failed)?;
    let dtype = if mask { DataType::UInt8 } else { stored_as(band.dtype) };
    let mut tile = Tile::new(buffers, dtype, at.pixels()).map_err(|e| failed(e.to_string()))?;
    if mask {
        let mask = checked(|| match band.mask {
            MaskSource::Alpha(number) => dataset.rasterband(number),
            _ => raster.open_mask_band(),
        });
        let mask = mask.map_err(failed)?;
        fill::<u8>(&mask, at, &mut tile).map_err(failed)?;
        return Ok(tile);
    }
    match tile.dtype {
        // GDAL before 3.7 hands signed bytes out as unsigned ones: the same bits.
        DataType::UInt8 | DataType::Int8 => fill::<u8>(&raster, at, &mut tile),
        DataType::UInt16 => fill::<u16>(&raster, at, &mut tile),
        DataType::Int16 => fill::<i16>(&raster, at, &mut tile),
        DataType::UInt32 => fill::<u32>(&raster, at, &mut tile),
        DataType::Int32 => fill::<i32>(&raster, at, &mut tile),
        _ => fill::<f32>(&raster, at, &mut tile),
    }
    .map_err(failed)?;
    Ok(tile)
}

/// The type that samples are kept in: their own, or `f32` for what is accepted at single precision.
fn stored_as(dtype: DataType) -> DataType {
    match dtype {
        DataType::UInt64 | DataType::Int64 | DataType::Float64 | DataType::Complex => DataType::Float32,
        other => other,
    }
}

fn fill<T: GdalType + bytemuck::Pod>(
    band: &RasterBand<'_>,
    at: Window,
    tile: &mut Tile,
) -> Result<(), String> {
    let (origin, size) = ((at.col as isize, at.row as isize), (at.width, at.height));
    checked(|| band.read_into_slice(origin, size, size, tile.samples_mut::<T>(), None))
}

fn copy_data(tile: &Tile, part: &Part, nodata: &[f64], values: &mut [f32], valid: &mut [u8]) {
    macro_rules! copy {
        ($type:ty) => {{
            // A float's nodata is compared at single precision, as the samples are.
            let fits = |n: &&f64| !tile.dtype.is_integer() || tile.dtype.holds(**n);
            let missing: Vec<$type> = nodata.iter().filter(fits).map(|n| *n as $type).collect();
            for (from, to) in part.rows() {
                let from = &tile.samples::<$type>()[from];
                copy_row(from, &missing, &mut values[to.clone()], &mut valid[to], |x| x as f32);
            }
        }};
    }
    match tile.dtype {
        DataType::UInt8 => copy!(u8),
        DataType::Int8 => copy!(i8),
        DataType::UInt16 => copy!(u16),
        DataType::Int16 => copy!(i16),
        DataType::UInt32 => copy!(u32),
        DataType::Int32 => copy!(i32),
        _ => copy!(f32),
    }
}

fn copy_row<T: Copy + PartialEq>(
    from: &[T],
    missing: &[T],
    values: &mut [f32],
    valid: &mut [u8],
    widen: impl Fn(T) -> f32,
) {
    // One simple loop per array: the compiler makes vector code of each.
    for (value, sample) in values.iter_mut().zip(from) {
        *value = widen(*sample);
    }
    // Neither NaN nor an infinity is a measurement.
    let is_number = |sample: &T| widen(*sample).is_finite();
    match missing {
        [] => mark(from, valid, is_number),
        [only] => mark(from, valid, |sample| is_number(sample) & (sample != only)),
        several => mark(from, valid, |sample| is_number(sample) && !several.contains(sample)),
    }
}

fn mark<T>(from: &[T], valid: &mut [u8], is_valid: impl Fn(&T) -> bool) {
    for (ok, sample) in valid.iter_mut().zip(from) {
        *ok = u8::from(is_valid(sample));
    }
}

fn clear_masked(tile: &Tile, part: &Part, valid: &mut [u8]) {
    let mask = tile.samples::<u8>();
    for (from, to) in part.rows() {
        for (valid, mask) in valid[to].iter_mut().zip(&mask[from]) {
            *valid &= u8::from(*mask != 0);
        }
    }
}

fn copy_codes(tile: &Tile, part: &Part, codes: &mut [u32], inside: &mut [u8]) {
    for (from, to) in part.rows() {
        inside[to.clone()].fill(1);
        let to = &mut codes[to];
        match tile.dtype {
            DataType::UInt8 => widen(to, &tile.samples::<u8>()[from], u32::from),
            DataType::Int8 => widen(to, &tile.samples::<i8>()[from], |c| u32::from(c as u8)),
            DataType::UInt16 => widen(to, &tile.samples::<u16>()[from], u32::from),
            DataType::Int16 => widen(to, &tile.samples::<i16>()[from], |c| u32::from(c as u16)),
            DataType::Int32 => widen(to, &tile.samples::<i32>()[from], |c| c as u32),
            // Headers have made sure that a quality band is one of these.
            _ => widen(to, &tile.samples::<u32>()[from], |c| c),
        }
    }
}

fn widen<T: Copy>(to: &mut [u32], from: &[T], code: impl Fn(T) -> u32) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = code(*from);
    }
}

/// The samples of an array that callers hand over whole.
fn contiguous<'a, T>(array: &'a mut ArrayViewMut2<'_, T>) -> &'a mut [T] {
    array.as_slice_mut().expect("pixels are read into arrays in standard layout")
}
