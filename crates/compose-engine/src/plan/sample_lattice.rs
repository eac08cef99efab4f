//! The places of the grid that a survey samples. They follow from headers alone.

use crate::plan::{Job, Stack};
use compose_core::Window;
use compose_core::survey::{SIDE, SQUARE};
use std::fmt;

/// Side in pixels of the pieces that the grid is divided into: that of most tiles.
pub const PATCH: usize = 512;
/// Grids of up to this many pixels are sampled in all pieces.
const SAMPLED_FULLY_UP_TO: usize = 1 << 20;
/// Of larger grids only every n-th piece is sampled, n = pixels / SAMPLED_FULLY_UP_TO, at most this number; and of
/// each piece only the part without its FRAME, which touches fewer tiles.
const SPARSEST: usize = 9;
/// Width of the frame around the inner part, which is left out.
const FRAME: usize = PATCH / 8;
/// Side of a sampled square in pixels; the frame of one pixel around it is read for neighbours only.
pub const INNER: usize = SIDE - 2;
/// The most bytes of samples.
pub const SAMPLE_BYTES: usize = 32 << 20;

/// The most pieces that are sampled.
const MOST_PIECES: usize = 1024;

/// The places of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SampleLattice {
    /// The part of the grid that is sampled: where scenes lie, in whole pieces.
    within: Window,
    /// Pixels of the grid.
    pub grid: (usize, usize),
    /// Whether only the inner part of a piece is sampled, without its frame.
    inner: bool,
    /// Spacing of the sampled pieces along each axis, in pieces.
    piece_step: usize,
    /// Every n-th of these pieces is sampled.
    every_nth_piece: usize,
    /// Spacing of the sampled squares in a piece along each axis, in squares.
    pub stride: usize,
    scenes: usize,
}

impl SampleLattice {
    /// The lattice for a survey of so many scenes.
    pub fn of(stack: &Stack, job: &Job, scenes: usize) -> Self {
        let grid = (job.view.grid.width, job.view.grid.height);
        Self::new(grid, job.covered(), scenes, stack.bands.len())
    }

    /// The lattice for so many scenes and bands, which lie in a part of the grid.
    pub fn new(grid: (usize, usize), covered: Window, scenes: usize, bands: usize) -> Self {
        let within = whole_pieces(covered).intersect(Window::whole(grid.0, grid.1)).unwrap_or(covered);
        let pixels = within.pixels();
        let inner = pixels > SAMPLED_FULLY_UP_TO;
        let every = if inner { (pixels / SAMPLED_FULLY_UP_TO).clamp(1, SPARSEST) } else { 1 };
        let (across, down) = (within.width.div_ceil(PATCH), within.height.div_ceil(PATCH));
        let looked_at = |apart: usize| across.div_ceil(apart) * down.div_ceil(apart) / every;
        let mut wider = std::iter::successors(Some(1_usize), |n| Some(n + n.div_ceil(8)));
        let apart = wider.find(|n| looked_at(*n) <= MOST_PIECES).unwrap_or(1);
        let all = if apart == 1 { pixels / every } else { looked_at(apart) * PATCH * PATCH };
        let seen = all * if inner { 9 } else { 16 } / 16;
        let most = SAMPLE_BYTES / (scenes * (4 * bands + 1)).max(1);
        let most = most.max(SQUARE);
        // A square stays whole in pieces that are a few pixels high.
        let squares = |length: usize, stride: usize| length.min(PATCH).div_ceil(INNER * stride);
        let taken = |stride: usize| {
            looked_at(apart) * squares(within.width, stride) * squares(within.height, stride) * SQUARE
        };
        let fits = |s: &usize| seen / (s * s) * SQUARE / INNER / INNER <= most && taken(*s) <= 3 * most;
        let stride = (1..=PATCH).find(fits).unwrap_or(PATCH);
        Self { within, grid, inner, piece_step: apart, every_nth_piece: every, stride, scenes }
    }

    /// Pieces of the grid, row by row: those of a row are shifted against those of the row above.
    pub fn patches(&self) -> Vec<Window> {
        let step = PATCH * self.piece_step;
        let (across, down) = (self.within.width.div_ceil(step), self.within.height.div_ceil(step));
        let all = (0..down).flat_map(|row| (0..across).map(move |col| (row, col)));
        // A grid that is hardly wider than a frame has no inner part.
        let part = |length: usize| match self.inner && length > 2 * FRAME {
            true => (FRAME, PATCH - 2 * FRAME),
            false => (0, PATCH),
        };
        let ((left, width), (top, height)) = (part(self.within.width), part(self.within.height));
        all.filter(|(row, col)| (col + 5 * row).is_multiple_of(self.every_nth_piece))
            .filter_map(|(row, col)| {
                let (col, row) = ((col * step + left) as i64, (row * step + top) as i64);
                let piece = Window { col, row, width, height };
                piece.shift(self.within.col, self.within.row).intersect(self.within)
            })
            .collect()
    }

    /// The pixels of a piece, square by square; their frames lie around it.
    pub fn pixels(&self, patch: Window) -> impl Iterator<Item = (i64, i64)> + use<> {
        let step = INNER * self.stride;
        let corners =
            move |from: i64, length: usize| (0..length).step_by(step).map(move |n| from + n as i64 - 1);
        let square = |row: i64, col: i64| {
            (0..SQUARE).map(move |pixel| (row + (pixel / SIDE) as i64, col + (pixel % SIDE) as i64))
        };
        corners(patch.row, patch.height)
            .flat_map(move |row| corners(patch.col, patch.width).flat_map(move |col| square(row, col)))
    }
}

/// The window, widened to whole pieces of the grid.
fn whole_pieces(window: Window) -> Window {
    let side = PATCH as i64;
    let (col, row) = (window.col.div_euclid(side) * side, window.row.div_euclid(side) * side);
    let whole = |first: i64, end: i64| ((end - first) as usize).next_multiple_of(PATCH);
    Window { col, row, width: whole(col, window.col_end()), height: whole(row, window.row_end()) }
}

impl fmt::Display for SampleLattice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patches = self.patches();
        let seen: usize = patches.iter().map(|patch| patch.pixels()).sum();
        let share = 100.0 * seen as f64 / (self.grid.0 * self.grid.1) as f64;
        match share {
            0.05.. => write!(f, "survey: {share:.1} % of the grid")?,
            _ => write!(f, "survey: {seen} pixels of the grid")?,
        }
        if self.inner {
            write!(f, " in pieces of {} px", PATCH - 2 * FRAME)?;
        }
        match self.stride {
            1 => write!(f, ", every pixel of it")?,
            stride => write!(f, ", one pixel in {} of it", stride * stride)?,
        }
        write!(f, ", of {} scenes", self.scenes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use compose_core::survey::is_inner;
    use std::collections::BTreeSet;

    #[test]
    fn small_grids_are_sampled_whole_and_large_ones_at_least_in_part() {
        let whole = |width, height, scenes, bands| {
            SampleLattice::new((width, height), Window::whole(width, height), scenes, bands)
        };
        let small = whole(400, 300, 2, 6);
        assert_eq!((small.every_nth_piece, small.stride, small.patches().len()), (1, 1, 1));
        let inner = small.pixels(small.patches()[0]).enumerate().filter(|(nth, _)| is_inner(*nth));
        let places: BTreeSet<(i64, i64)> = inner.map(|(_, place)| place).collect();
        assert_eq!(
            places.iter().filter(|(row, col)| (0..300).contains(row) && (0..400).contains(col)).count(),
            400 * 300
        );
        assert_eq!(small.to_string(), "survey: 100.0 % of the grid, every pixel of it, of 2 scenes");
        let large = whole(7600, 7800, 12, 7);
        let seen: usize = large.patches().iter().map(|p| p.pixels()).sum();
        let share = seen as f64 / (7600.0 * 7800.0);
        assert!((0.05..0.08).contains(&share), "{share}");
        let sampled: usize = large.patches().iter().map(|p| large.pixels(*p).count()).sum();
        assert!(sampled * 12 * 29 <= SAMPLE_BYTES * 11 / 10, "{sampled}");
    }

    #[test]
    fn what_is_looked_at_has_a_bound_and_lies_where_scenes_do() {
        let grid = (143_148_000, 100);
        let covered = Window { col: 70_000, row: 0, width: 400, height: 100 };
        let few = SampleLattice::new(grid, covered, 2, 6);
        assert_eq!((few.inner, few.every_nth_piece, few.piece_step), (false, 1, 1));
        let patches = few.patches();
        assert!(patches.iter().any(|p| p.col <= 70_000 && p.col_end() >= 70_144), "{patches:?}");
        assert!(patches.iter().map(|p| p.pixels()).sum::<usize>() <= 1024 * 100);
        for (width, height) in [grid, (1 << 31, 1), (1 << 30, 1 << 30), (300_000, 400_000)] {
            let all = SampleLattice::new((width, height), Window::whole(width, height), 2, 6);
            let patches = all.patches();
            assert!((MOST_PIECES / 2..=MOST_PIECES * 5 / 4).contains(&patches.len()), "{}", patches.len());
            let sampled: usize = patches.iter().map(|p| all.pixels(*p).count()).sum();
            assert!(sampled * 2 * 25 <= SAMPLE_BYTES * 3, "{sampled}");
            // Spread over all of it.
            assert!(patches.iter().any(|p| p.col > width as i64 * 9 / 10), "{width} × {height}");
        }
    }

    #[test]
    fn a_line_of_pixels_lies_within_its_squares() {
        let lattice = SampleLattice::new((61, 1), Window::whole(61, 1), 40, 6);
        let pixels: Vec<_> = lattice.pixels(lattice.patches()[0]).collect();
        assert_eq!(pixels.len(), 11 * SQUARE);
        assert_eq!((pixels[0], pixels[SIDE + 1]), ((-1, -1), (0, 0)));
        assert!(is_inner(SIDE + 1) && !is_inner(SIDE) && !is_inner(1));
    }
}
