//! Exact Euclidean distances in two passes: along columns, then along rows.
//!
//! After A. Meijster, J. Roerdink and W. Hesselink 2000, A general algorithm for computing distance transforms in linear
//! time. Squares are whole numbers, so that no rounding decides and every window gives the same.

use ndarray::{Array2, ArrayView2};

/// The longer side of a pixel in the units of this module; the other is as exact as these allow.
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
        let (unit, side) =
            (width.max(height) / SIDE, |length: f64| (length / width.max(height) * SIDE).round().max(1.0));
        let pixels = (distance / width.min(height)).ceil() as usize;
        Self { pixels, sides: (side(width) as u64, side(height) as u64), unit }
    }

    /// The distance of each pixel's centre from that of the nearest pixel that is set; any large number where that is
    /// farther away than the reach.
    pub fn distances(&self, set: ArrayView2<'_, bool>) -> Array2<f64> {
        let rows = self.along_columns(set);
        let mut distances = Array2::from_elem(set.dim(), f64::INFINITY);
        for (rows, mut distances) in rows.rows().into_iter().zip(distances.rows_mut()) {
            let rows: Vec<u64> = rows.iter().copied().collect();
            self.along_row(&rows, |col, square| distances[col] = (square as f64).sqrt() * self.unit);
        }
        distances
    }

    /// Rows to the nearest pixel of the same column that is set; more than the reach where there is none.
    fn along_columns(&self, set: ArrayView2<'_, bool>) -> Array2<u64> {
        let far = self.pixels as u64 + 1;
        let mut rows = set.map(|is_set| if *is_set { 0 } else { far });
        for row in 1..rows.nrows() {
            for col in 0..rows.ncols() {
                rows[[row, col]] = rows[[row, col]].min(rows[[row - 1, col]] + 1);
            }
        }
        for row in (1..rows.nrows()).rev() {
            for col in 0..rows.ncols() {
                rows[[row - 1, col]] = rows[[row - 1, col]].min(rows[[row, col]] + 1);
            }
        }
        rows
    }

    /// Tells the square of the distance for each column where there is one.
    ///
    /// Each column c has a parabola, (x − c)² + its own distance²: what it says for the pixel at x. The smallest at each x
    /// is wanted, their lower envelope.
    fn along_row(&self, rows: &[u64], mut tell: impl FnMut(usize, u64)) {
        let square = |x: usize, c: usize| {
            (x.abs_diff(c) as u64 * self.sides.0).pow(2) + (rows[c] * self.sides.1).pow(2)
        };
        // Pieces of the envelope: from which x on, and which column's parabola it is.
        let mut pieces: Vec<(usize, usize)> = Vec::new();
        for c in (0..rows.len()).filter(|c| rows[*c] <= self.pixels as u64) {
            while pieces.last().is_some_and(|&(from, last)| square(from, last) > square(from, c)) {
                pieces.pop();
            }
            // The first x at which the new parabola is below the last one, which begins below it.
            let from = pieces.last().map_or(0, |&(_, last)| {
                let steepness = 2 * (c - last) as u64 * self.sides.0.pow(2);
                ((square(0, c) - square(0, last)) / steepness) as usize + 1
            });
            if from < rows.len() {
                pieces.push((from, c));
            }
        }
        let mut end = rows.len();
        for &(from, c) in pieces.iter().rev() {
            (from..end).for_each(|x| tell(x, square(x, c)));
            end = from;
        }
    }
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
                let set = scattered(shape, rarity, seed as u32);
                let found = Reach::new(reach, sides).distances(set.view());
                for (at, &found) in found.indexed_iter() {
                    let plain = plain(&set, sides, at);
                    let same = (found - plain).abs() <= 1e-12 * plain;
                    assert!(same || plain > reach && found > reach, "{found} {plain}");
                }
            }
        }
    }
}
