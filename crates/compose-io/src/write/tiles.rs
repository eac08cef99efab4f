//! Samples are kept here until a tile is whole and its turn has come, and then the tile goes to GDAL.

use super::holes::{Expected, LeftOut};
use super::pyramid::Pyramid;
use super::sample::Sample;
use super::seams::Key;
use crate::messages::checked;
use compose_core::{DataType, Window};
use gdal::Dataset;
use gdal::raster::Buffer;
use ndarray::{ArrayView1, ArrayView2, s};
use std::collections::HashMap;
use std::ops::Range;

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

/// The order of tiles in the file: region by region, in each region one range of bands after the other, in each range
/// in row-major order, a tile's bands side by side.
///
/// Pixels may come in any order, but pixels that come early are kept in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteOrder {
    /// They cover the raster; edges that are no edges of tiles cost memory.
    pub regions: Vec<Window>,
    /// They cover the bands (from 0).
    pub band_ranges: Vec<Range<usize>>,
}

impl WriteOrder {
    /// From the top to the bottom, all bands together.
    pub fn plain(width: usize, height: usize, bands: usize) -> Self {
        Self { regions: vec![Window::whole(width, height)], band_ranges: std::iter::once(0..bands).collect() }
    }

    /// Whether tiles come after those on their left and above them: regions follow each other row by row.
    pub(super) fn is_right_and_down(&self, width: usize) -> bool {
        let follows = |a: &Window, b: &Window| match b.row == a.row {
            true => b.col == a.col_end() && b.height == a.height,
            false => b.col == 0 && b.row == a.row_end() && a.col_end() == width as i64,
        };
        self.regions.windows(2).all(|pair| follows(&pair[0], &pair[1]))
    }

    /// The tiles whose upper left corner is in the region, as (band, column, row) of tiles.
    fn tiles(&self, tile: (usize, usize)) -> impl Iterator<Item = Key> + use<> {
        let band_ranges = self.band_ranges.clone();
        self.regions.clone().into_iter().flat_map(move |region| {
            let across = corners(region.col, region.col_end(), tile.0);
            let down = corners(region.row, region.row_end(), tile.1);
            band_ranges.clone().into_iter().flat_map(move |bands| {
                let across = across.clone();
                down.clone().flat_map(move |row| {
                    let bands = bands.clone();
                    across.clone().flat_map(move |col| bands.clone().map(move |band| (band, col, row)))
                })
            })
        })
    }
}

/// The numbers of the tiles that begin in `from..to`.
fn corners(from: i64, to: i64, side: usize) -> Range<usize> {
    (from as usize).div_ceil(side)..(to as usize).div_ceil(side)
}

/// [`TileBoard`] of any sample type.
pub(super) trait Tiles: Send {
    /// Takes samples of a band. False when there are more of them than pixels.
    fn put(&mut self, band: usize, window: Window, samples: Samples<'_>) -> bool;
    /// Writes the tiles that are whole and whose turn has come.
    fn flush(&mut self, dataset: &Dataset) -> Result<(), String>;
    /// First row of the next tile in turn, if any is left.
    fn unwritten(&mut self) -> Option<usize>;
    /// The tiles that need not be in the file.
    fn left_out(&mut self) -> LeftOut;
    /// The overviews that were made of the tiles, with the tiles that need not be in them.
    fn overviews(&mut self) -> Vec<(Dataset, LeftOut)>;
}

/// The tiles from the next in turn to the last that has a sample.
pub(super) struct TileBoard<T> {
    size: (usize, usize),
    bands: usize,
    tile: (usize, usize),
    turn: std::iter::Peekable<Box<dyn Iterator<Item = Key> + Send>>,
    begun: HashMap<Key, Begun<T>>,
    written: Vec<bool>,
    spare: Vec<Buffer<T>>,
    expected: Expected<T>,
    left_out: LeftOut,
    overviews: Option<Pyramid<T>>,
}

/// A tile as GDAL takes it. Beyond the raster's edge samples are 0.
struct Begun<T> {
    samples: Buffer<T>,
    missing: usize,
}

impl<T: Sample> TileBoard<T> {
    /// For a raster of `size` in so many bands. `interleaved`: a block of the file holds all of them.
    pub(super) fn new(
        (size, bands, interleaved): ((usize, usize), usize, bool),
        tile: (usize, usize),
        order: &WriteOrder,
        expected: Expected<T>,
        overviews: Option<Pyramid<T>>,
    ) -> Self {
        let turn: Box<dyn Iterator<Item = Key> + Send> = Box::new(order.tiles(tile));
        let tiles = size.0.div_ceil(tile.0) * size.1.div_ceil(tile.1) * bands;
        let (begun, spare) = (HashMap::new(), Vec::new());
        let left_out = LeftOut { size, tile, bands, interleaved, empty: vec![false; tiles] };
        let (turn, written) = (turn.peekable(), vec![false; tiles]);
        Self { size, bands, tile, turn, begun, written, spare, expected, left_out, overviews }
    }

    /// A tile less what lies beyond the raster, in pixels.
    fn window(&self, key: Key) -> Window {
        let (width, height) = self.extent(key);
        Window { col: (key.1 * self.tile.0) as i64, row: (key.2 * self.tile.1) as i64, width, height }
    }

    /// A tile in which every pixel is one that never comes.
    fn empty(&self, key: Key) -> Buffer<T> {
        let mut samples = Buffer::new(self.tile, vec![T::default(); self.tile.0 * self.tile.1]);
        if let Some(rest) = self.expected.rest(key.0) {
            let (width, height) = self.extent(key);
            samples.data_mut().chunks_mut(self.tile.0).take(height).for_each(|line| line[..width].fill(rest));
        }
        samples
    }

    /// Whether all pixels of a tile have come that ever come.
    fn is_whole(&self, key: Key) -> bool {
        match self.begun.get(&key) {
            Some(begun) => begun.missing == 0,
            None => self.expected.pixels(self.window(key)) == 0,
        }
    }

    /// The samples of a tile that is whole; `None` where it is left out of the file.
    fn whole(&mut self, key: Key) -> Option<Buffer<T>> {
        let (number, (band, ..)) = (self.number(key), key);
        let Some(begun) = self.begun.remove(&key) else {
            let implied = |band| self.expected.is_implied(band);
            self.left_out.empty[number] = implied(band);
            let all = if self.left_out.interleaved { (0..self.bands).all(implied) } else { implied(band) };
            return (!all).then(|| self.empty(key));
        };
        let (width, height) = self.extent(key);
        let lines = begun.samples.data().chunks(self.tile.0).take(height);
        let nothing = self.expected.holds_nothing(lines.flat_map(|line| &line[..width]));
        self.left_out.empty[number] = nothing;
        // Blocks of several bands are always passed on: GDAL itself leaves out those without data.
        (self.left_out.interleaved || !nothing).then_some(begun.samples)
    }

    fn number(&self, (band, col, row): Key) -> usize {
        (row * self.size.0.div_ceil(self.tile.0) + col) * self.bands + band
    }

    /// Size of a tile less what lies beyond the raster.
    fn extent(&self, (_, col, row): Key) -> (usize, usize) {
        let part = |size: usize, tile: usize, at: usize| tile.min(size - at * tile);
        (part(self.size.0, self.tile.0, col), part(self.size.1, self.tile.1, row))
    }

    /// The tile to put `samples` more into. `None` when it has no room for them.
    fn begin(&mut self, key: Key, samples: usize) -> Option<&mut Begun<T>> {
        let (tile, (width, height)) = (self.tile, self.extent(key));
        if self.written[self.number(key)] {
            return None;
        }
        if !self.begun.contains_key(&key) {
            let missing = self.expected.pixels(self.window(key));
            let used =
                if (width, height) == tile && missing == width * height { self.spare.pop() } else { None };
            let samples = used.unwrap_or_else(|| self.empty(key));
            self.begun.insert(key, Begun { samples, missing });
        }
        let begun = self.begun.get_mut(&key)?;
        begun.missing = begun.missing.checked_sub(samples)?;
        Some(begun)
    }

    fn put_part<S: Copy>(
        &mut self,
        key: Key,
        (row, col): (usize, usize),
        part: ArrayView2<'_, S>,
        cast: impl Fn(S) -> T,
    ) -> bool {
        let width = self.tile.0;
        let Some(tile) = self.begin(key, part.len()) else { return false };
        for (line, samples) in tile.samples.data_mut().chunks_mut(width).skip(row).zip(part.outer_iter()) {
            cast_row(&mut line[col..col + samples.len()], samples, &cast);
        }
        true
    }

    fn put_as<S: Copy>(
        &mut self,
        band: usize,
        window: Window,
        samples: ArrayView2<'_, S>,
        cast: impl Fn(S) -> T,
    ) -> bool {
        let (width, height) = self.tile;
        let (top, left) = (window.row as usize, window.col as usize);
        let (bottom, right) = (top + window.height, left + window.width);
        (top / height..bottom.div_ceil(height)).all(|row| {
            let (from, to) = (top.max(row * height), bottom.min((row + 1) * height));
            let rows = samples.slice(s![from - top..to - top, ..]);
            (left / width..right.div_ceil(width)).all(|col| {
                let (first, end) = (left.max(col * width), right.min((col + 1) * width));
                let part = rows.slice(s![.., first - left..end - left]);
                self.put_part((band, col, row), (from - row * height, first - col * width), part, &cast)
            })
        })
    }
}

fn cast_row<S: Copy, T>(to: &mut [T], from: ArrayView1<'_, S>, cast: impl Fn(S) -> T) {
    match from.as_slice() {
        // Side by side in memory, as nearly always: vector code.
        Some(from) => to.iter_mut().zip(from).for_each(|(to, from)| *to = cast(*from)),
        None => to.iter_mut().zip(from).for_each(|(to, from)| *to = cast(*from)),
    }
}

impl<T: Sample> Tiles for TileBoard<T> {
    fn put(&mut self, band: usize, window: Window, samples: Samples<'_>) -> bool {
        match samples {
            Samples::F32(view) => self.put_as(band, window, view, T::from_f32),
            Samples::U16(view) => self.put_as(band, window, view, T::from_u16),
        }
    }

    fn flush(&mut self, dataset: &Dataset) -> Result<(), String> {
        while let Some(key) = self.turn.peek().copied() {
            if !self.is_whole(key) {
                break;
            }
            let (number, (band, col, row)) = (self.number(key), key);
            let whole = self.whole(key);
            let empty = self.left_out.empty[number];
            if let Some(overviews) = &mut self.overviews {
                overviews.take(key, whole.as_ref().filter(|_| !empty).map(Buffer::data))?;
            }
            if let Some(mut samples) = whole {
                checked(|| dataset.rasterband(band + 1)?.write_block((col, row), &mut samples))?;
                if self.extent(key) == self.tile {
                    self.spare.push(samples);
                }
            }
            self.written[number] = true;
            self.turn.next();
        }
        Ok(())
    }

    fn unwritten(&mut self) -> Option<usize> {
        self.turn.peek().map(|(_, _, row)| row * self.tile.1)
    }

    fn left_out(&mut self) -> LeftOut {
        std::mem::take(&mut self.left_out)
    }

    fn overviews(&mut self) -> Vec<(Dataset, LeftOut)> {
        self.overviews.take().map_or_else(Vec::new, |mut overviews| overviews.finish())
    }
}
