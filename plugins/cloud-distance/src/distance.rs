//! Exact Euclidean distances in two passes: along columns, then along rows.
//!
//! After Meijster, Roerdink and Hesselink 2000, "A general algorithm for computing distance transforms in linear
//! time". Distances are whole numbers until the last step, so that no rounding decides.

/// Rows to the nearest set pixel of the same column; `reach + 1` where it is farther away than `reach`.
pub fn along_columns(set: &[bool], width: usize, reach: u32) -> Vec<u32> {
    let mut distances: Vec<u32> = set.iter().map(|is_set| if *is_set { 0 } else { reach + 1 }).collect();
    let rows = set.len() / width;
    for row in 1..rows {
        let (above, below) = distances.split_at_mut(row * width);
        step(&above[(row - 1) * width..], below);
    }
    for row in (1..rows).rev() {
        let (above, below) = distances.split_at_mut(row * width);
        step(below, &mut above[(row - 1) * width..]);
    }
    distances
}

/// Carries the distances of one row on to the next.
fn step(from: &[u32], to: &mut [u32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = (*to).min(from + 1);
    }
}

/// For each pixel of a row, the square of the distance to the nearest set pixel; more than `reach`² where it is
/// farther away than `reach`. `columns` is the row of [`along_columns`].
///
/// Each column c has a parabola, (x − c)² + its own distance²: what it says for the pixel at x. The smallest at each
/// x is wanted, their lower envelope.
pub fn squared_in_row(columns: &[u32], reach: u32) -> Vec<u32> {
    let square = |x: usize, c: usize| (x.abs_diff(c) as u64).pow(2) + u64::from(columns[c]).pow(2);
    // Pieces of the envelope: from which x on, and which column's parabola it is.
    let mut pieces: Vec<(usize, usize)> = Vec::new();
    for c in (0..columns.len()).filter(|c| columns[*c] <= reach) {
        while pieces.last().is_some_and(|&(from, last)| square(from, last) > square(from, c)) {
            pieces.pop();
        }
        let from = pieces.last().map_or(0, |&(_, last)| first_below(columns, last, c));
        if from < columns.len() {
            pieces.push((from, c));
        }
    }
    let mut squares = vec![(reach + 1).pow(2); columns.len()];
    let mut end = columns.len();
    for &(from, c) in pieces.iter().rev() {
        for (x, least) in (from..end).zip(&mut squares[from..end]) {
            *least = square(x, c).min(u64::from(*least)) as u32;
        }
        end = from;
    }
    squares
}

/// The first x at which the parabola of column `right` is below that of column `left`, which begins below it.
fn first_below(columns: &[u32], left: usize, right: usize) -> usize {
    let at_zero = |c: usize| (c as u64).pow(2) + u64::from(columns[c]).pow(2);
    ((at_zero(right) - at_zero(left)) / (2 * (right - left) as u64)) as usize + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pixels set by a linear congruential generator, one in `rarity`.
    fn scattered(count: usize, rarity: u32, seed: u32) -> Vec<bool> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16).is_multiple_of(rarity)
        };
        (0..count).map(|_| next()).collect()
    }

    /// The definition, pixel by pixel.
    fn reference(set: &[bool], width: usize, reach: u32) -> Vec<u32> {
        let place = |i: usize| (i / width, i % width);
        let square = |i: usize, k: usize| {
            let ((row, col), (other_row, other_col)) = (place(i), place(k));
            (row.abs_diff(other_row).pow(2) + col.abs_diff(other_col).pow(2)) as u32
        };
        let nearest = |i| (0..set.len()).filter(|k| set[*k]).map(|k| square(i, k)).min();
        (0..set.len()).map(|i| nearest(i).unwrap_or(u32::MAX).min(reach * reach + 1)).collect()
    }

    #[test]
    fn two_passes_give_what_the_definition_gives() {
        for (seed, (width, rows, rarity, reach)) in [
            (1, 1, 1, 1),
            (1, 9, 4, 3),
            (9, 1, 4, 3),
            (13, 11, 2, 4),
            (17, 19, 40, 30),
            (23, 12, 60, 5),
            (7, 7, 999, 9),
        ]
        .into_iter()
        .enumerate()
        {
            let set = scattered(width * rows, rarity, seed as u32);
            let columns = along_columns(&set, width, reach);
            let squares: Vec<u32> =
                columns.chunks(width).flat_map(|row| squared_in_row(row, reach)).collect();
            let capped: Vec<u32> = squares.into_iter().map(|square| square.min(reach * reach + 1)).collect();
            assert_eq!(capped, reference(&set, width, reach), "{width} × {rows}, one in {rarity}");
        }
    }
}
