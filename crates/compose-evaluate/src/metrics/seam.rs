//! Whether the edge of the gap is visible.

use super::compared::Pixel;
use super::means::ratio;
use ndarray::{Array2, ArrayView2};

/// The jump ratio of one band: mean |f_p − T_q| over mean |T_p − T_q|, over all pairs of 4-neighbours p, q with
/// p in the gap and filled, and q clear. 1 is invisible; above 1.15 an edge is visible, below 0.85 it is blurred.
///
/// Both means are over the same pairs, so this is the quotient of the two sums. Bands are judged each by itself,
/// so that one with strong contrast does not outweigh the others; [`super::Scores::mean`] is the mean of these
/// quotients. `None` without pairs, or where the truth has no step at the edge.
pub(crate) fn jump(
    truth: ArrayView2<'_, f32>,
    filled: ArrayView2<'_, f32>,
    pixels: &Array2<Pixel>,
) -> Option<f64> {
    let (mut steps, mut true_steps) = (0.0, 0.0);
    for (p, _) in pixels.indexed_iter().filter(|(_, pixel)| **pixel == Pixel::Filled) {
        for q in neighbours(p).filter(|q| pixels.get(*q).is_some_and(|pixel| pixel.is_clear())) {
            let beside = f64::from(truth[q]);
            steps += (f64::from(filled[p]) - beside).abs();
            true_steps += (f64::from(truth[p]) - beside).abs();
        }
    }
    ratio(steps, true_steps)
}

/// The 4-neighbours; those outside the scene may wrap to an index that no array has.
fn neighbours((row, col): (usize, usize)) -> impl Iterator<Item = (usize, usize)> {
    [(row.wrapping_sub(1), col), (row, col.wrapping_sub(1)), (row, col + 1), (row + 1, col)].into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Pixel::{Clear as V, Filled as G, Open as O, Unknown as X};
    use ndarray::arr2;

    #[test]
    fn steps_are_taken_to_clear_neighbours_of_the_four() {
        let pixels = arr2(&[[V, X, V], [X, G, V], [V, O, V]]);
        let truth = arr2(&[[100.0, 0.0, 100.0], [0.0, 5.0, 7.0], [100.0, 0.0, 100.0]]);
        let mut filled = truth.clone();
        filled[[1, 1]] = 4.0;
        assert_eq!(jump(truth.view(), filled.view(), &pixels), Some(1.5));
    }

    #[test]
    fn a_pixel_counts_once_for_each_clear_neighbour_and_the_image_edge_is_none() {
        let pixels = arr2(&[[G, V], [V, V]]);
        let truth = arr2(&[[10.0, 11.0], [13.0, 99.0]]);
        let mut filled = truth.clone();
        filled[[0, 0]] = 12.0;
        assert_eq!(jump(truth.view(), filled.view(), &pixels), Some(2.0 / 4.0));
    }

    #[test]
    fn without_pairs_or_without_a_true_step_there_is_no_ratio() {
        let truth = arr2(&[[1.0, 1.0]]);
        let filled = arr2(&[[2.0, 1.0]]);
        assert_eq!(jump(truth.view(), filled.view(), &arr2(&[[G, G]])), None);
        assert_eq!(jump(truth.view(), filled.view(), &arr2(&[[G, V]])), None);
    }
}
