//! A request for samples: the window that is read, and its place on the target grid, by which tiles are kept.

use compose_core::Window;

/// Where a run is: region by region, in each region in one or several passes, in each pass block by block in row-major
/// order.
#[derive(Clone, Copy, Debug)]
pub struct RunPosition {
    /// Counts the passes over a region.
    pub pass: usize,
    /// The region.
    pub region: Window,
    /// The block that is worked on.
    pub block: Window,
    /// Who works on it, counted from 0.
    pub worker: usize,
}

/// A window of a band, and the window of the target grid that it is read for.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// Pixels of the band. They may lie outside its raster.
    pub window: Window,
    /// The window of the target grid for which they are read.
    pub target: Window,
    /// Pixels that every block needs beyond its own, on each side.
    pub halo: i64,
    /// The position of the run.
    pub place: RunPosition,
}

/// The part of the target grid for which a tile is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub pass: usize,
    /// The first row of the strip of blocks that it is needed for.
    pub strip: i64,
    pub left: i64,
    pub right: i64,
    pub bottom: i64,
    /// The first row of the band's raster that the strip of blocks below will need, where that is certain.
    pub next_row: Option<i64>,
}

impl Extent {
    /// Merges the extent with that of a later reading: in the same strip both together, because some readings have a
    /// larger halo; otherwise the later one alone.
    pub(super) fn and(self, later: Self) -> Self {
        if (self.pass, self.strip) != (later.pass, later.strip) {
            return later;
        }
        Self {
            left: self.left.min(later.left),
            right: self.right.max(later.right),
            bottom: self.bottom.max(later.bottom),
            next_row: self.next_row.zip(later.next_row).map(|(row, other)| row.min(other)),
            ..later
        }
    }

    /// Whether the block of a worker may need the tile.
    pub(super) fn meets(&self, place: &RunPosition) -> bool {
        let block = place.block;
        self.pass == place.pass
            && self.bottom > block.row
            && self.right > block.col
            && self.left < block.col_end()
    }
}

impl Reading {
    /// A window of the target grid.
    pub fn of(target: Window, place: RunPosition) -> Self {
        Self { window: target, target, halo: 0, place }
    }

    /// Pixels that are wanted once.
    pub fn once(window: Window) -> Self {
        Self::of(window, RunPosition { pass: 0, region: window, block: window, worker: 0 })
    }

    /// The same on a grid that is shifted by whole pixels.
    pub fn shift(self, cols: i64, rows: i64) -> Self {
        Self { window: self.window.shift(cols, rows), ..self }
    }

    /// The same by other pixels.
    pub fn by(self, window: Window) -> Self {
        Self { window, ..self }
    }

    /// Another window of the same grid, for the pixels of the target grid where it lies by its share of this one.
    pub fn of_same_grid(self, window: Window) -> Self {
        let place = |at: i64, (from, length): (i64, usize), (to, on_target): (i64, usize)| {
            to as f64 + (at - from) as f64 * on_target as f64 / length.max(1) as f64
        };
        let col =
            |col: i64| place(col, (self.window.col, self.window.width), (self.target.col, self.target.width));
        let row = |row: i64| {
            place(row, (self.window.row, self.window.height), (self.target.row, self.target.height))
        };
        let (left, top) = (col(window.col).floor() as i64, row(window.row).floor() as i64);
        let (right, bottom) = (col(window.col_end()).ceil() as i64, row(window.row_end()).ceil() as i64);
        let target =
            Window { col: left, row: top, width: (right - left) as usize, height: (bottom - top) as usize };
        Self { window, target, ..self }
    }

    /// With `halo` more pixels on every side.
    pub fn expand(self, halo: usize) -> Self {
        Self {
            window: self.window.expand(halo),
            target: self.target.expand(halo),
            halo: self.halo + halo as i64,
            place: self.place,
        }
    }

    /// The part of the target grid for which a tile of the band is needed.
    pub(super) fn extent(self, tile: Window) -> Extent {
        let (window, target, halo) = (self.window, self.target, self.halo);
        let scale = |from: usize, to: usize| to as f64 / from.max(1) as f64;
        let (across, down) = (scale(window.width, target.width), scale(window.height, target.height));
        let col = |col: i64| target.col as f64 + (col - window.col) as f64 * across;
        let row = |row: i64| target.row as f64 + (row - window.row) as f64 * down;
        let region = self.place.region;
        let same_rows = window.height == target.height;
        Extent {
            pass: self.place.pass,
            strip: self.place.block.row,
            left: col(tile.col).floor() as i64 - halo,
            right: (col(tile.col_end()).ceil() as i64 + halo).min(region.col_end()),
            bottom: (row(tile.row_end()).ceil() as i64 + halo).min(region.row_end()),
            next_row: same_rows.then(|| window.row + (self.place.block.row_end() - halo - target.row)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(col: i64, row: i64, width: usize, height: usize) -> Window {
        Window { col, row, width, height }
    }

    #[test]
    fn a_tile_is_needed_where_it_lies_on_the_target_grid_and_no_further_than_the_region() {
        let place =
            RunPosition { pass: 3, region: Window::whole(100, 40), block: window(20, 10, 10, 10), worker: 0 };
        let at = Reading::of(place.block, place).shift(5, -2);
        let extent = at.extent(window(16, 0, 16, 16));
        assert_eq!(
            extent,
            Extent { pass: 3, strip: 10, left: 11, right: 27, bottom: 18, next_row: Some(18) }
        );
        let extent = at.expand(2).extent(window(96, 32, 16, 16));
        assert_eq!((extent.left, extent.right, extent.bottom), (89, 100, 40));
        assert_eq!(extent.next_row, Some(16));
    }

    #[test]
    fn in_one_strip_a_tile_is_needed_as_far_as_any_reading_says() {
        let place = RunPosition {
            pass: 0,
            region: Window::whole(100, 100),
            block: window(20, 20, 10, 10),
            worker: 0,
        };
        let (at, tile) = (Reading::of(place.block, place), window(16, 16, 16, 16));
        let (plain, wide) = (at.extent(tile), at.expand(5).extent(tile));
        assert_eq!((plain.next_row, wide.next_row), (Some(30), Some(25)));
        assert_eq!(wide.and(plain), wide);
        let below = RunPosition { block: window(0, 30, 10, 10), ..place };
        let next = Reading::of(below.block, below).extent(tile);
        assert_eq!(wide.and(next), next);
    }

    #[test]
    fn another_window_of_the_same_grid_is_for_target_pixels_at_its_place() {
        let place = RunPosition {
            pass: 0,
            region: Window::whole(100, 100),
            block: window(20, 20, 10, 10),
            worker: 0,
        };
        let at = Reading::of(place.block, place);
        let pasted = at.shift(5, -3).of_same_grid(window(-1, 40, 64, 32));
        assert_eq!((pasted.window, pasted.target), (window(-1, 40, 64, 32), window(-6, 43, 64, 32)));
        // Pixels of the scene twice as large.
        let coarse = at.by(window(100, 50, 5, 5)).of_same_grid(window(97, 51, 10, 2));
        assert_eq!(coarse.target, window(14, 22, 20, 4));
    }

    #[test]
    fn of_other_pixels_it_is_needed_where_their_share_is() {
        let place = RunPosition {
            pass: 0,
            region: Window::whole(100, 100),
            block: window(20, 20, 10, 10),
            worker: 0,
        };
        let at = Reading::of(place.block, place).by(window(10, 10, 5, 5));
        let extent = at.extent(window(0, 0, 16, 16));
        assert_eq!(extent, Extent { pass: 0, strip: 20, left: 0, right: 32, bottom: 32, next_row: None });
    }
}
