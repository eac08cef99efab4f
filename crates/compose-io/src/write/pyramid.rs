//! Overviews are made of tiles as they are written: a tile brings the pixels of the next level whose last pixel it holds.
//!
//! A tile of an overview is whole when its last pixel has come; then it is written, and brings pixels of the level above
//! it. Until then what has come of it lies on the disk ([`super::parts`]): a wide raster has a row of them at each level.

use super::holes::LeftOut;
use super::levels::Axis;
use super::parts::Parts;
use super::reduce::{Resampling, reduce};
use super::sample::Sample;
use super::seams::{Key, Placed, Seams};
use crate::messages::checked;
use compose_core::Window;
use gdal::Dataset;
use gdal::raster::Buffer;
use std::collections::HashMap;
use std::ops::Range;

/// The overviews of a raster that is being written.
pub(super) struct Pyramid<T> {
    levels: Vec<Level<T>>,
    parts: Parts,
    how: Resampling<T>,
    /// What a reader sees of a tile that is left out; `None`: no tile is.
    implied: Option<T>,
    bands: usize,
    tile: (usize, usize),
}

/// An overview.
struct Level<T> {
    dataset: Dataset,
    across: Axis,
    down: Axis,
    seams: Seams<T>,
    begun: HashMap<(usize, usize), Begun>,
    left_out: LeftOut,
}

/// A tile that is not whole, in all its bands.
struct Begun {
    missing: usize,
    parts: Vec<Part>,
}

/// A part of a band of a tile.
struct Part {
    band: usize,
    /// Within the tile.
    window: Window,
    at: u64,
}

/// Columns and rows.
type Ranges = (Range<usize>, Range<usize>);

impl<T: Sample> Pyramid<T> {
    /// For a raster of `size`, whose overviews go into `datasets`, the largest first.
    pub(super) fn new(
        (size, bands, tile): ((usize, usize), usize, (usize, usize)),
        datasets: Vec<Dataset>,
        parts: Parts,
        how: Resampling<T>,
        implied: Option<T>,
    ) -> Self {
        let averages = matches!(how, Resampling::Average { .. });
        let mut fine = size;
        let levels = datasets.into_iter().map(|dataset| {
            let size = dataset.raster_size();
            let axis = |fine, coarse| Axis { fine, coarse, averages };
            let (across, down) = (axis(fine.0, size.0), axis(fine.1, size.1));
            fine = size;
            let tiles = size.0.div_ceil(tile.0) * size.1.div_ceil(tile.1) * bands;
            let left_out = LeftOut { size, tile, bands, interleaved: true, empty: vec![false; tiles] };
            Level { dataset, across, down, seams: Seams::new(), begun: HashMap::new(), left_out }
        });
        Self { levels: levels.collect(), parts, how, implied, bands, tile }
    }

    /// Bytes of the largest part of a tile.
    pub(super) fn part_bytes(tile: (usize, usize)) -> usize {
        (tile.0 / 2 + 2) * (tile.1 / 2 + 2) * size_of::<T>()
    }

    /// Takes a tile of the raster, `None` where it was left out. Tiles come after those on their left and above them.
    ///
    /// # Errors
    /// A tile of an overview cannot be written.
    pub(super) fn take(&mut self, key: Key, samples: Option<&[T]>) -> Result<(), String> {
        self.climb(0, key, samples)
    }

    /// The overviews, with what may be missing of each.
    pub(super) fn finish(&mut self) -> Vec<(Dataset, LeftOut)> {
        self.levels.drain(..).map(|level| (level.dataset, level.left_out)).collect()
    }

    /// Takes a tile of the level below `nth`.
    fn climb(&mut self, nth: usize, key: Key, samples: Option<&[T]>) -> Result<(), String> {
        let (tile, implied) = (self.tile, self.implied);
        let Some(level) = self.levels.get_mut(nth) else { return Ok(()) };
        let window = part_of((level.across.fine, level.down.fine), tile, (key.1, key.2));
        let axes = (&level.across, &level.down);
        let placed = Placed { key, window, samples, stride: tile.0 };
        let patch = level.seams.join(placed, axes, implied.unwrap_or_default());
        let cols = axes.0.completed_by(window.col as usize..window.col_end() as usize);
        let rows = axes.1.completed_by(window.row as usize..window.row_end() as usize);
        let reduced = patch.map(|patch| reduce(&patch, axes, (cols.clone(), rows.clone()), self.how));
        for whole in self.put(nth, key.0, (cols, rows), reduced)? {
            self.write(nth, whole)?;
        }
        Ok(())
    }

    /// Puts pixels of a band into the tiles that they lie in. Those that are whole then, row by row.
    fn put(
        &mut self,
        nth: usize,
        band: usize,
        (cols, rows): Ranges,
        samples: Option<Vec<T>>,
    ) -> Result<Vec<(usize, usize)>, String> {
        let (tile, bands, level) = (self.tile, self.bands, &mut self.levels[nth]);
        let size = level.left_out.size;
        let mut whole = Vec::new();
        let all = window(&cols, &rows);
        for row in rows.start / tile.1..rows.end.div_ceil(tile.1) {
            for col in cols.start / tile.0..cols.end.div_ceil(tile.0) {
                let place = part_of(size, tile, (col, row));
                let Some(here) = place.intersect(all) else { continue };
                let begun = level
                    .begun
                    .entry((col, row))
                    .or_insert_with(|| Begun { missing: place.pixels() * bands, parts: Vec::new() });
                begun.missing -= here.pixels();
                let part = samples.as_ref().map(|samples| cut(samples, all, here));
                if let Some(part) = part.filter(|part| !holds_nothing(part, self.implied)) {
                    let at = self.parts.put(&part).map_err(|cause| super::refusal::in_words(&cause))?;
                    begun.parts.push(Part { band, window: here.shift(-place.col, -place.row), at });
                }
                if begun.missing == 0 {
                    whole.push((col, row));
                }
            }
        }
        Ok(whole)
    }

    /// Writes a tile that is whole, in all bands, and takes it to the level above.
    fn write(&mut self, nth: usize, (col, row): (usize, usize)) -> Result<(), String> {
        let level = &mut self.levels[nth];
        let begun = level.begun.remove(&(col, row)).map(|begun| begun.parts).unwrap_or_default();
        let across = level.left_out.size.0.div_ceil(self.tile.0);
        let is_left_out = self.implied.is_some() && begun.is_empty();
        for band in 0..self.bands {
            let of_band: Vec<&Part> = begun.iter().filter(|part| part.band == band).collect();
            let empty = self.implied.is_some() && of_band.is_empty();
            let samples = if is_left_out { None } else { Some(self.assemble(nth, (col, row), &of_band)?) };
            let level = &mut self.levels[nth];
            level.left_out.empty[(row * across + col) * self.bands + band] = empty;
            if let Some(mut samples) = samples {
                let write = || level.dataset.rasterband(band + 1)?.write_block((col, row), &mut samples);
                checked(write)?;
                self.climb(nth + 1, (band, col, row), Some(samples.data()).filter(|_| !empty))?;
            } else {
                self.climb(nth + 1, (band, col, row), None)?;
            }
        }
        Ok(())
    }

    /// A band of a tile, put together from its parts. Beyond the raster's edge samples are 0.
    fn assemble(&mut self, nth: usize, tile: (usize, usize), parts: &[&Part]) -> Result<Buffer<T>, String> {
        let stride = self.tile.0;
        let place = part_of(self.levels[nth].left_out.size, self.tile, tile);
        let mut samples = vec![T::default(); stride * self.tile.1];
        if let Some(nothing) = self.implied {
            let lines = samples.chunks_exact_mut(stride).take(place.height);
            lines.for_each(|line| line[..place.width].fill(nothing));
        }
        let mut kept = Vec::new();
        for part in parts {
            let (window, left) = (part.window, part.window.col as usize);
            kept.resize(window.pixels(), T::default());
            self.parts.take(part.at, &mut kept).map_err(|cause| super::refusal::in_words(&cause))?;
            let lines = samples.chunks_exact_mut(stride).skip(window.row as usize);
            let rows = lines.zip(kept.chunks_exact(window.width));
            rows.for_each(|(line, row)| line[left..left + window.width].copy_from_slice(row));
        }
        Ok(Buffer::new(self.tile, samples))
    }
}

/// Whether a reader sees the same where the samples are left out.
fn holds_nothing<T: Sample>(samples: &[T], implied: Option<T>) -> bool {
    implied.is_some_and(|nothing| samples.iter().all(|sample| sample.same(nothing)))
}

/// A tile less what lies beyond the raster, in pixels.
fn part_of(size: (usize, usize), tile: (usize, usize), (col, row): (usize, usize)) -> Window {
    let (left, top) = (col * tile.0, row * tile.1);
    window(&(left..size.0.min(left + tile.0)), &(top..size.1.min(top + tile.1)))
}

fn window(cols: &Range<usize>, rows: &Range<usize>) -> Window {
    Window { col: cols.start as i64, row: rows.start as i64, width: cols.len(), height: rows.len() }
}

/// The samples of a part of a window.
fn cut<T: Copy>(samples: &[T], of: Window, part: Window) -> Vec<T> {
    let left = (part.col - of.col) as usize;
    let lines = samples.chunks_exact(of.width).skip((part.row - of.row) as usize).take(part.height);
    lines.flat_map(|line| &line[left..left + part.width]).copied().collect()
}
