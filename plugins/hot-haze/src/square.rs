//! Sums over squares.

use std::ops::AddAssign;

/// For each pixel that is `radius` pixels or more from the border of `plane`, the sum over the square around it.
///
/// A column is summed first, then a row of such sums: 2 · (2 · radius + 1) additions for a pixel. Always from the
/// top and from the left, for the last bits of a sum of floats depend on the order. A running sum, which adds a
/// pixel in front and takes one away behind, would make them depend on where the block begins.
pub fn square_sums<T: AddAssign + Copy + Default>(plane: &[T], width: usize, radius: usize) -> Vec<T> {
    let (size, inner) = (2 * radius + 1, width - 2 * radius);
    let rows = plane.len() / width - 2 * radius;
    let mut sums = vec![T::default(); rows * inner];
    let mut columns = vec![T::default(); width];
    for (row, sums) in sums.chunks_exact_mut(inner).enumerate() {
        columns.fill(T::default());
        plane.chunks_exact(width).skip(row).take(size).for_each(|line| add(&mut columns, line));
        (0..size).for_each(|first| add(sums, &columns[first..]));
    }
    sums
}

fn add<T: AddAssign + Copy>(sums: &mut [T], terms: &[T]) {
    for (sum, term) in sums.iter_mut().zip(terms) {
        *sum += *term;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_reaches_its_radius_to_each_side() {
        let plane: Vec<u32> = (1..=20).collect();
        assert_eq!(square_sums(&plane, 5, 1), [63, 72, 81, 108, 117, 126]);
        assert_eq!(square_sums(&plane, 5, 0), plane);
    }

    #[test]
    fn the_last_bit_of_a_sum_does_not_depend_on_where_the_block_begins() {
        let width = 40;
        let plane: Vec<f64> = (0..width * width).map(|i| 0.1 + 1.0 / (i as f64 + 3.0)).collect();
        let all = square_sums(&plane, width, 3);
        for first in 1..20 {
            let part: Vec<f64> = plane.chunks_exact(width).flat_map(|row| row[first..].to_vec()).collect();
            let sums = square_sums(&part, width - first, 3);
            let expected: Vec<f64> =
                all.chunks_exact(width - 6).flat_map(|row| row[first..].to_vec()).collect();
            assert_eq!(sums, expected, "from column {first}");
        }
    }
}
