//! A band of a file, and the tiles in which its samples are shared.

use crate::access::Access;
use crate::direct::DirectFile;
use crate::header::{Fingerprint, MaskSource};
use crate::{BandHeader, FileHeader};
use compose_core::{DataType, Window};
use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

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
    /// Bands of this file that are decoded together, this one among them.
    pub(super) together: Arc<[usize]>,
    /// Width of the raster.
    pub width: usize,
    /// Height of the raster.
    pub height: usize,
    pub(super) tile: (usize, usize),
    /// Size of a block on disk.
    block: (usize, usize),
    pub(super) reader: Reader,
    header: Arc<FileHeader>,
    pixel_interleaved: bool,
    open_bytes: u64,
}

/// The reader of the blocks of a file.
#[derive(Clone, Debug)]
pub(super) enum Reader {
    /// This crate itself.
    Direct(Arc<DirectFile>),
    /// GDAL, and why.
    Gdal(Arc<str>),
}

impl BandRef {
    /// A reference to `band` of `file`; `nodata` are the values that count as missing.
    ///
    /// It is read by GDAL unless [`BandRef::share`] finds a better way.
    pub fn new(file: Arc<FileHeader>, band: &BandHeader, nodata: Vec<f64>) -> Self {
        let (width, height) = (file.grid.width, file.grid.height);
        Self {
            path: Arc::new(file.path.clone()),
            number: band.number,
            dtype: band.dtype,
            nodata,
            mask: band.mask,
            together: [band.number].into(),
            width,
            height,
            tile: tile_size(band.block, width, height),
            block: band.block,
            reader: Reader::Gdal("no other way was asked for".into()),
            pixel_interleaved: band.pixel_interleaved,
            open_bytes: open_bytes(&file, band),
            header: file,
        }
    }

    /// Says which bands a run needs: those that lie together in a file's blocks are decoded together. What reads each
    /// file is decided here, too; `gdal` is why it must be GDAL.
    pub fn share(refs: &mut [Self], gdal: Option<&str>) {
        let together: Vec<Arc<[usize]>> = refs.iter().map(|band| band.companions(refs)).collect();
        let mut readers: HashMap<Arc<PathBuf>, Reader> = HashMap::new();
        for (band, numbers) in refs.iter_mut().zip(together) {
            band.together = numbers;
            let reader =
                readers.entry(band.path.clone()).or_insert_with(|| Reader::choose(&band.header, gdal));
            band.reader = reader.clone();
        }
    }

    /// The bands among `refs` that are decoded together with this one.
    fn companions(&self, refs: &[Self]) -> Arc<[usize]> {
        let with = |other: &&Self| {
            let lies_beside = self.pixel_interleaved && other.pixel_interleaved && self.dtype == other.dtype;
            self.path == other.path && (lies_beside || self.number == other.number)
        };
        let numbers: BTreeSet<usize> = refs.iter().filter(with).map(|other| other.number).collect();
        numbers.into_iter().collect()
    }

    /// Why GDAL reads this band; `None` where it is read directly.
    pub fn left_to_gdal(&self) -> Option<&str> {
        match &self.reader {
            Reader::Direct(_) => None,
            Reader::Gdal(why) => Some(why),
        }
    }

    /// Bytes that are kept of the file's structure, and bytes that a worker needs besides to read a block.
    pub fn reader_bytes(&self) -> (u64, u64) {
        match &self.reader {
            Reader::Direct(file) => (file.bytes(), file.scratch_bytes()),
            Reader::Gdal(_) => (0, 0),
        }
    }

    /// Column and row of the first block on disk that a tile is made of.
    pub(super) fn block_at(&self, tile: Window) -> (usize, usize) {
        let (width, height) = self.block;
        (tile.col as usize / width, tile.row as usize / height)
    }

    /// The number of bands of the file.
    pub(super) fn file_bands(&self) -> usize {
        self.header.bands.len()
    }

    /// The files that it may open besides local ones.
    pub(super) fn access(&self) -> &Access {
        &self.header.access
    }

    /// Size and time of the file as they were planned.
    pub(super) fn fingerprint(&self) -> &Fingerprint {
        &self.header.fingerprint
    }

    /// Whether other bands of the run are decoded with this one.
    pub fn is_shared(&self) -> bool {
        self.together.len() > 1
    }

    /// Whether a tile holds the samples of both.
    pub fn lies_with(&self, other: &Self) -> bool {
        self.path == other.path && self.together == other.together
    }

    /// The plane of a tile that holds this band.
    pub(super) fn plane(&self) -> usize {
        self.together.iter().position(|n| *n == self.number).expect("a band lies with itself")
    }

    /// Size of the shared tiles, width × height.
    pub fn tile_size(&self) -> (usize, usize) {
        self.tile
    }

    /// Bytes that GDAL keeps while the file is open: a block on disk, compressed and not. Nothing where GDAL has no
    /// part in it.
    pub fn open_bytes(&self) -> u64 {
        match self.reader {
            Reader::Direct(_) if self.mask == MaskSource::None => 0,
            _ => self.open_bytes,
        }
    }

    /// Size of a block on disk, width × height: no less is decoded at a time.
    pub fn block_size(&self) -> (usize, usize) {
        self.block
    }

    /// Bytes of one decoded tile, with all bands that are decoded together.
    pub fn tile_bytes(&self) -> u64 {
        (self.tile.0 * self.tile.1 * self.dtype.bytes().min(4) * self.together.len()) as u64
    }

    /// The tiles that meet `inside`, which lies in the raster: column and row of each, row by row.
    pub fn tiles_of(&self, inside: Window) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (tw, th) = (self.tile.0 as i64, self.tile.1 as i64);
        let cols = inside.col / tw..=(inside.col_end() - 1) / tw;
        let rows = inside.row / th..=(inside.row_end() - 1) / th;
        rows.flat_map(move |row| cols.clone().map(move |col| (col as usize, row as usize)))
    }

    /// The number of tiles that meet `inside`, which lies in the raster.
    pub fn tile_count(&self, inside: Window) -> u64 {
        let count = |first: i64, end: i64, size: usize| (end - 1) / size as i64 - first / size as i64 + 1;
        let across = count(inside.col, inside.col_end(), self.tile.0);
        let down = count(inside.row, inside.row_end(), self.tile.1);
        across as u64 * down as u64
    }

    pub(super) fn tile_window(&self, col: usize, row: usize) -> Window {
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

impl Reader {
    fn choose(header: &FileHeader, gdal: Option<&str>) -> Self {
        let direct = gdal.map_or_else(|| DirectFile::open(header), |why| Err(why.to_owned()));
        match direct {
            Ok(file) => Self::Direct(Arc::new(file)),
            Err(why) => Self::Gdal(why.into()),
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
