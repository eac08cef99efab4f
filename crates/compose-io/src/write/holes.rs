//! Parts of a raster that are never written. Of a file that has such parts, tiles of nothing but nodata are not stored
//! (GDAL's SPARSE_OK).

use super::sample::Sample;
use compose_core::Window;

/// Where pixels of a raster are written, and the value of all others.
#[derive(Clone, Debug, PartialEq)]
pub struct Holes {
    /// Where pixels are written: windows that have no pixel in common.
    pub come: Vec<Window>,
    /// Per band: the sample of every other pixel.
    pub samples: Vec<f64>,
}

/// What a board of tiles is given: where samples are written, and the value of all others.
pub(super) struct Expected<T> {
    /// Windows from the top to the bottom; `None`: every pixel is written.
    come: Option<Vec<Window>>,
    highest: usize,
    samples: Vec<T>,
    /// What a reader sees of a tile that is left out; `None`: no tile is.
    implied: Option<T>,
}

impl<T: Sample> Expected<T> {
    /// Without holes every pixel is written; a tile is then left out if `implied` is given and all its samples equal it.
    pub(super) fn new(holes: Option<&Holes>, implied: Option<f64>) -> Self {
        let mut come = holes.map(|holes| holes.come.clone());
        come.iter_mut().for_each(|windows| windows.sort_unstable_by_key(|w| (w.row, w.col)));
        let highest = come.iter().flatten().map(|w| w.height).max().unwrap_or(0);
        let samples = holes.map_or_else(Vec::new, |h| h.samples.iter().map(|s| T::from_f64(*s)).collect());
        Self { come, highest, samples, implied: implied.map(T::from_f64) }
    }

    /// How many pixels of a window are written.
    pub(super) fn pixels(&self, window: Window) -> usize {
        let Some(come) = &self.come else { return window.pixels() };
        let first = come.partition_point(|w| w.row + self.highest as i64 <= window.row);
        let near = come[first..].iter().take_while(|w| w.row < window.row_end());
        near.filter_map(|w| w.intersect(window)).map(Window::pixels).sum()
    }

    /// The sample of pixels that never come in a band.
    pub(super) fn rest(&self, band: usize) -> Option<T> {
        self.samples.get(band).copied()
    }

    /// Whether a band has nothing to tell where no pixel comes.
    pub(super) fn is_implied(&self, band: usize) -> bool {
        self.rest(band).zip(self.implied).is_some_and(|(rest, implied)| rest.same(implied))
    }

    /// Whether all of these samples are what a reader sees of a tile that is left out.
    pub(super) fn holds_nothing<'a>(&self, mut samples: impl Iterator<Item = &'a T>) -> bool {
        self.implied.is_some_and(|implied| samples.all(|sample| sample.same(implied)))
    }
}

/// The tiles that hold nothing, and that need not be in the file.
#[derive(Default)]
pub(super) struct LeftOut {
    /// Width and height of the raster, and of a tile.
    pub size: (usize, usize),
    pub tile: (usize, usize),
    pub bands: usize,
    /// Whether a block of the file holds all bands.
    pub interleaved: bool,
    /// By row, column and band of tiles.
    pub empty: Vec<bool>,
}

impl LeftOut {
    /// Whether a tile may be missing.
    pub(super) fn has(&self, band: usize, (col, row): (usize, usize)) -> bool {
        let first = (row * self.size.0.div_ceil(self.tile.0) + col) * self.bands;
        match self.interleaved {
            true => self.empty[first..first + self.bands].iter().all(|empty| *empty),
            false => self.empty[first + band],
        }
    }

    /// Whether a part of the raster lies in tiles that may be missing.
    pub(super) fn covers(&self, band: usize, part: Window) -> bool {
        if self.empty.is_empty() {
            return false;
        }
        let tiles = |from: i64, end: i64, side: usize| from as usize / side..(end as usize).div_ceil(side);
        let mut rows = tiles(part.row, part.row_end(), self.tile.1);
        let cols = tiles(part.col, part.col_end(), self.tile.0);
        rows.all(|row| cols.clone().all(|col| self.has(band, (col, row))))
    }
}
