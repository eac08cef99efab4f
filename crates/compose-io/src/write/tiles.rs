//! Rows are kept here until a row of tiles is whole, and then go to GDAL tile by tile.

use crate::messages::checked;
use compose_core::{DataType, Window};
use gdal::Dataset;
use gdal::raster::{Buffer, GdalType};
use ndarray::{ArrayView1, ArrayView2, s};
use std::collections::VecDeque;

/// The sample types that are written. Signed bytes and 64-bit integers are not known to every GDAL from 3.4.
pub const TYPES: [DataType; 7] = [
    DataType::UInt8,
    DataType::UInt16,
    DataType::Int16,
    DataType::UInt32,
    DataType::Int32,
    DataType::Float32,
    DataType::Float64,
];

/// Samples on their way into a file: data, or codes such as provenance.
#[derive(Clone, Debug)]
#[allow(missing_docs)]
pub enum Samples<'a> {
    F32(ArrayView2<'a, f32>),
    U16(ArrayView2<'a, u16>),
}

impl<'a> From<ArrayView2<'a, f32>> for Samples<'a> {
    fn from(view: ArrayView2<'a, f32>) -> Self {
        Self::F32(view)
    }
}

impl<'a> From<ArrayView2<'a, u16>> for Samples<'a> {
    fn from(view: ArrayView2<'a, u16>) -> Self {
        Self::U16(view)
    }
}

impl Samples<'_> {
    /// Rows and columns.
    pub fn dim(&self) -> (usize, usize) {
        match self {
            Self::F32(view) => view.dim(),
            Self::U16(view) => view.dim(),
        }
    }
}

/// A type of samples on disk.
pub(super) trait Sample: GdalType + Copy + Default + Send + 'static {
    fn from_f32(value: f32) -> Self;
    fn from_u16(value: u16) -> Self;
}

macro_rules! sample {
    ($($type:ty)*) => {$(
        impl Sample for $type {
            fn from_f32(value: f32) -> Self {
                value as $type
            }
            fn from_u16(value: u16) -> Self {
                value as $type
            }
        }
    )*};
}
sample!(u8 u16 i16 u32 i32 f32 f64);

/// [`TileRows`] of any sample type.
pub(super) trait Tiles: Send {
    /// Takes samples of a band. False when there are more of them than pixels.
    fn put(&mut self, band: usize, window: Window, samples: Samples<'_>) -> bool;
    /// Writes the rows of tiles that are whole, from the top.
    fn flush(&mut self, dataset: &Dataset) -> Result<(), String>;
    /// First row that is not written yet.
    fn first_row(&self) -> usize;
    /// First row below the row of tiles that `row` is in.
    fn end_of_tile_row(&self, row: usize) -> usize;
}

/// The rows of tiles from the first that is not whole to the last that has a sample.
pub(super) struct TileRows<T> {
    size: (usize, usize),
    bands: usize,
    tile: (usize, usize),
    /// Number of `rows[0]`.
    first: usize,
    rows: VecDeque<TileRow<T>>,
}

/// One row of tiles: for each tile its bands, as GDAL takes them. Beyond the raster's edge samples are 0.
struct TileRow<T> {
    tiles: Vec<Buffer<T>>,
    missing: usize,
}

impl<T: Sample> TileRows<T> {
    pub(super) fn new(size: (usize, usize), bands: usize, tile: (usize, usize)) -> Self {
        Self { size, bands, tile, first: 0, rows: VecDeque::new() }
    }

    fn tiles_across(&self) -> usize {
        self.size.0.div_ceil(self.tile.0)
    }

    fn empty_row(&self, number: usize) -> TileRow<T> {
        let height = self.end_of_tile_row(number * self.tile.1) - number * self.tile.1;
        let tile = || Buffer::new(self.tile, vec![T::default(); self.tile.0 * self.tile.1]);
        TileRow {
            tiles: (0..self.tiles_across() * self.bands).map(|_| tile()).collect(),
            missing: self.size.0 * height * self.bands,
        }
    }

    /// Makes room for a row of pixels and counts its new samples.
    fn row_of_tiles(&mut self, row: usize, samples: usize) -> Option<&mut TileRow<T>> {
        let index = (row / self.tile.1).checked_sub(self.first)?;
        while self.rows.len() <= index {
            let new = self.empty_row(self.first + self.rows.len());
            self.rows.push_back(new);
        }
        let tiles = &mut self.rows[index];
        tiles.missing = tiles.missing.checked_sub(samples)?;
        Some(tiles)
    }

    fn put_row<S: Copy>(
        &mut self,
        band: usize,
        (row, col): (usize, usize),
        samples: ArrayView1<'_, S>,
        cast: impl Fn(S) -> T,
    ) -> bool {
        let (bands, (width, height), end) = (self.bands, self.tile, col + samples.len());
        let Some(tiles) = self.row_of_tiles(row, samples.len()) else { return false };
        for tile in col / width..end.div_ceil(width) {
            let (from, to) = (col.max(tile * width), end.min((tile + 1) * width));
            let start = row % height * width;
            let buffer = &mut tiles.tiles[tile * bands + band].data_mut()[start..start + width];
            let buffer = &mut buffer[from - tile * width..to - tile * width];
            for (to, from) in buffer.iter_mut().zip(samples.slice(s![from - col..to - col])) {
                *to = cast(*from);
            }
        }
        true
    }
}

impl<T: Sample> Tiles for TileRows<T> {
    fn put(&mut self, band: usize, window: Window, samples: Samples<'_>) -> bool {
        let (row, col) = (window.row as usize, window.col as usize);
        (0..window.height).all(|i| match &samples {
            Samples::F32(view) => self.put_row(band, (row + i, col), view.row(i), T::from_f32),
            Samples::U16(view) => self.put_row(band, (row + i, col), view.row(i), T::from_u16),
        })
    }

    fn flush(&mut self, dataset: &Dataset) -> Result<(), String> {
        while self.rows.front().is_some_and(|row| row.missing == 0) {
            let mut row = self.rows.pop_front().expect("there is a front");
            // All bands of a tile before the next tile: with INTERLEAVE=PIXEL they are compressed together.
            for (index, tile) in row.tiles.iter_mut().enumerate() {
                let (col, band) = (index / self.bands, index % self.bands + 1);
                checked(|| dataset.rasterband(band)?.write_block((col, self.first), tile))?;
            }
            self.first += 1;
        }
        Ok(())
    }

    fn first_row(&self) -> usize {
        (self.first * self.tile.1).min(self.size.1)
    }

    fn end_of_tile_row(&self, row: usize) -> usize {
        ((row / self.tile.1 + 1) * self.tile.1).min(self.size.1)
    }
}
