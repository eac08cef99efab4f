//! Exact Euclidean distances in two passes: along columns, then along rows.
//!
//! After A. Meijster, J. Roerdink and W. Hesselink 2000, A general algorithm for computing distance transforms in linear
//! time. Squares are whole numbers, so that no rounding decides and every window gives the same.

use ndarray::Array2;

/// The longer side of a pixel that is not square, in the units of this module; the other is as exact as these allow.
const SIDE: f64 = 16384.0;

/// How far to look on which grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reach {
    /// Pixels to each side beyond which nothing counts.
    pub pixels: usize,
    /// Sides of a pixel (width, height), in units.
    sides: (u64, u64),
    /// Length of a unit.
    unit: f64,
}

impl Reach {
    /// Up to a distance, for pixels with sides of these lengths.
    pub fn new(distance: f64, (width, height): (f64, f64)) -> Self {
        let longer = width.max(height);
        let pixels = (distance / width.min(height)).ceil() as usize;
        if width == height {
            return Self { pixels, sides: (1, 1), unit: longer };
        }
        let side = |length: f64| (length / longer * SIDE).round().max(1.0) as u64;
        Self { pixels, sides: (side(width), side(height)), unit: longer / SIDE }
    }

    /// Rows to the nearest pixel of the same column that is set, for the rows of a window that lie at least
    /// [`Self::pixels`] inside of its upper and lower edge.
    pub fn along_columns(self, set: &Array2<bool>) -> Columns {
        let far = self.pixels as u16 + 1;
        let inner = self.pixels..set.nrows().saturating_sub(self.pixels);
        let mut rows = Array2::from_elem((inner.len(), set.ncols()), far);
        // Plain slices, so that many columns are done at a time.
        let step = |nearest: &mut [u16], row: usize| {
            let set = set.row(row).to_slice().expect("rows without gaps");
            for (nearest, is_set) in nearest.iter_mut().zip(set) {
                *nearest = if *is_set { 0 } else { far.min(*nearest + 1) };
            }
        };
        let mut down = vec![far; set.ncols()];
        for row in 0..inner.end {
            step(&mut down, row);
            if row >= inner.start {
                let rows = rows.row_mut(row - inner.start).into_slice().expect("rows without gaps");
                rows.copy_from_slice(&down);
            }
        }
        let mut up = vec![far; set.ncols()];
        for row in (inner.start..set.nrows()).rev() {
            step(&mut up, row);
            if row < inner.end {
                let rows = rows.row_mut(row - inner.start).into_slice().expect("rows without gaps");
                rows.iter_mut().zip(&up).for_each(|(row, up)| *row = (*row).min(*up));
            }
        }
        Columns { reach: self, rows }
    }

    /// Tells the square of the distance for each column of those at least the reach inside of both ends, where there is
    /// one, counted from the first of them.
    ///
    /// Each column c has a parabola, (x − c)² + its own distance²: what it says for the pixel at x. The smallest at each x
    /// is wanted, their lower envelope.
    fn along_row(&self, rows: &[u16], mut tell: impl FnMut(usize, u64)) {
        let (width, height) = self.sides;
        let square = |x: usize, piece: &Piece| (x.abs_diff(piece.col) as u64 * width).pow(2) + piece.own;
        let mut pieces: Vec<Piece> = Vec::with_capacity(rows.len());
        for (col, row) in rows.iter().enumerate().filter(|(_, row)| usize::from(**row) <= self.pixels) {
            let mut new = Piece { from: 0, col, own: (u64::from(*row) * height).pow(2) };
            while pieces.last().is_some_and(|last| square(last.from, last) > square(last.from, &new)) {
                pieces.pop();
            }
            if let Some(last) = pieces.last() {
                // The first x at which the new parabola is below the last one, which begins below it.
                let above = square(0, &new) - square(0, last);
                let steepness = 2 * (col - last.col) as u64 * width.pow(2);
                // Most neighbours are candidates both, and most pixels square: then without a division.
                let last_x = if steepness == 2 { above / 2 } else { above / steepness };
                new.from = last_x as usize + 1;
            }
            if new.from < rows.len() {
                pieces.push(new);
            }
        }
        let mut end = rows.len().saturating_sub(self.pixels);
        for piece in pieces.iter().rev() {
            let from = piece.from.max(self.pixels);
            (from..end).rev().for_each(|x| tell(x - self.pixels, square(x, piece)));
            end = end.min(from);
        }
    }
}

/// Distances along the columns of a window.
pub(super) struct Columns {
    reach: Reach,
    /// Pixels to the nearest one that is set; more than the reach where there is none.
    rows: Array2<u16>,
}

impl Columns {
    /// The distance of the centre of each pixel in a row from that of the nearest pixel that is set, for the columns that
    /// lie at least the reach inside of both edges; infinite where no pixel of the window is set within the reach.
    pub fn distances(&self, row: usize, distances: &mut [f64]) {
        distances.fill(f64::INFINITY);
        let rows = self.rows.row(row).to_slice().expect("rows without gaps");
        self.reach.along_row(rows, |col, square| distances[col] = (square as f64).sqrt() * self.reach.unit);
    }
}

/// A piece of the lower envelope.
struct Piece {
    /// The first column of it.
    from: usize,
    /// The column whose parabola it is.
    col: usize,
    /// The square of that column's own distance.
    own: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pixels set by a linear congruential generator, one in `rarity`.
    fn scattered(shape: (usize, usize), rarity: u32, seed: u32) -> Array2<bool> {
        let mut state = seed;
        Array2::from_shape_simple_fn(shape, || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16).is_multiple_of(rarity)
        })
    }

    fn plain(set: &Array2<bool>, (width, height): (f64, f64), (row, col): (usize, usize)) -> f64 {
        let away =
            |(r, c): (usize, usize)| (r.abs_diff(row) as f64 * height).hypot(c.abs_diff(col) as f64 * width);
        set.indexed_iter().filter(|(_, set)| **set).map(|(at, _)| away(at)).fold(f64::INFINITY, f64::min)
    }

    #[test]
    fn two_passes_give_what_the_definition_gives() {
        let sizes = [((1, 1), 1), ((9, 1), 4), ((1, 9), 4), ((11, 13), 2), ((19, 17), 40), ((7, 7), 999)];
        for (seed, (shape, rarity)) in sizes.into_iter().enumerate() {
            for (sides, reach) in [((30.0, 30.0), 90.0), ((1.0, 1.0), 30.0), ((30.0, 15.0), 200.0)] {
                let limit = Reach::new(reach, sides);
                let around = limit.pixels;
                let set = scattered((shape.0 + 2 * around, shape.1 + 2 * around), rarity, seed as u32);
                let columns = limit.along_columns(&set);
                let mut distances = vec![0.0; shape.1];
                for row in 0..shape.0 {
                    columns.distances(row, &mut distances);
                    for (col, &found) in distances.iter().enumerate() {
                        let plain = plain(&set, sides, (around + row, around + col));
                        let same = (found - plain).abs() <= 1e-12 * plain;
                        assert!(same || plain > reach && found > reach, "{found} {plain}");
                    }
                }
            }
        }
    }
}
