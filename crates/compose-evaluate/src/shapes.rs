//! Gaps of known shape: which clear pixels of a scene are hidden.
//!
//! Every shape is a mask with 1 = hide, and hides clear pixels only: of the others no truth is known. It is
//! determined by its arguments; where a seed is one of them, it feeds [`compose_core::random`].

mod clouds;
mod discs;
mod suited;

pub use clouds::clouds;
pub use discs::{MARGIN, disc, discs};
pub use suited::Unsuited;

use compose_core::random;
use ndarray::{Array2, ArrayView2};
use suited::and_clear;

/// Parallel stripes like those of a scan line corrector that is off: `width` of every `period` pixels, measured
/// across the stripes, which run at `angle` degrees from the rows (above 0 they rise to the right). The seed says
/// where the first one lies.
pub fn stripes(clear: ArrayView2<'_, u8>, width: f64, period: f64, angle: f64, seed: u64) -> Array2<u8> {
    let (sin, cos) = angle.to_radians().sin_cos();
    let start = random::unit(seed, 0) * period;
    let shape = Array2::from_shape_fn(clear.dim(), |(row, col)| {
        let across = row as f64 * cos + col as f64 * sin + start;
        u8::from(across.rem_euclid(period) < width)
    });
    and_clear(shape, clear)
}

/// The mask of another scene on the same grid, moved by `shift` (rows down, columns to the right); what leaves on
/// one side comes back on the other.
///
/// # Errors
/// The mask is of another size.
pub fn like(
    clear: ArrayView2<'_, u8>,
    mask: ArrayView2<'_, u8>,
    shift: [i64; 2],
) -> Result<Array2<u8>, Unsuited> {
    let (height, width) = clear.dim();
    if mask.dim() != clear.dim() {
        let (rows, cols) = mask.dim();
        let message = format!("the mask is of {rows} × {cols} pixels, the scene of {height} × {width}");
        return Err(Unsuited(message));
    }
    let from = |at: usize, shift: i64, size: usize| {
        (at as i64 - shift % size as i64).rem_euclid(size as i64) as usize
    };
    let shape = Array2::from_shape_fn((height, width), |(row, col)| {
        mask[[from(row, shift[0], height), from(col, shift[1], width)]]
    });
    Ok(and_clear(shape, clear))
}

/// The clear pixels beside a gap that a shadow would darken which a mask missed: the gap grown by `reach` pixels
/// (all within that distance) and moved by `shift` (rows down, columns to the right), less the gap itself.
pub fn shadow_strip(
    hidden: ArrayView2<'_, u8>,
    clear: ArrayView2<'_, u8>,
    reach: usize,
    shift: [i64; 2],
) -> Array2<u8> {
    let grown = grown(hidden, reach);
    let shape = Array2::from_shape_fn(hidden.dim(), |(row, col)| {
        let (from_row, from_col) = (row as i64 - shift[0], col as i64 - shift[1]);
        let inside = usize::try_from(from_row).ok().zip(usize::try_from(from_col).ok());
        let shaded = inside.and_then(|at| grown.get(at)).is_some_and(|g| *g != 0);
        u8::from(shaded && hidden[[row, col]] == 0)
    });
    and_clear(shape, clear)
}

/// All pixels within `reach` of a marked one, between centres.
fn grown(mask: ArrayView2<'_, u8>, reach: usize) -> Array2<u8> {
    let (height, width) = mask.dim();
    let mut grown = Array2::zeros((height, width));
    for (down, half) in half_widths(reach).into_iter().enumerate() {
        for (row, marks) in mask.outer_iter().enumerate() {
            let spread = dilate_row(marks.iter().copied(), width, half);
            let rows = [row.checked_sub(down), Some(row + down).filter(|row| *row < height)];
            for to in rows.into_iter().flatten() {
                grown.row_mut(to).iter_mut().zip(&spread).for_each(|(g, s)| *g |= s);
            }
        }
    }
    grown
}

/// By row distance: how many columns to either side lie within `reach`.
fn half_widths(reach: usize) -> Vec<usize> {
    (0..=reach).map(|down| (reach * reach - down * down).isqrt()).collect()
}

/// 1 where a mark lies at most `half` columns away.
fn dilate_row(marks: impl Iterator<Item = u8>, width: usize, half: usize) -> Vec<u8> {
    let mut changes = vec![0_i32; width + 1];
    for (col, _) in marks.enumerate().filter(|(_, mark)| *mark != 0) {
        changes[col.saturating_sub(half)] += 1;
        changes[(col + half + 1).min(width)] -= 1;
    }
    let mut depth = 0;
    changes[..width]
        .iter()
        .map(|change| {
            depth += change;
            u8::from(depth > 0)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr2;
    use proptest::prelude::*;

    #[test]
    fn level_stripes_are_whole_rows() {
        let clear = Array2::ones((20, 3));
        let hidden = stripes(clear.view(), 2.0, 5.0, 0.0, 4);
        assert!(hidden.outer_iter().all(|row| row.iter().all(|h| *h == row[0])));
        let rows: Vec<u8> = hidden.column(0).to_vec();
        assert_eq!(rows.iter().map(|r| usize::from(*r)).sum::<usize>(), 8);
        assert_eq!(rows[..5], rows[5..10]);
    }

    #[test]
    fn slanted_stripes_keep_their_share_and_rise_to_the_right() {
        let clear = Array2::ones((200, 300));
        let hidden = stripes(clear.view(), 8.0, 33.0, 10.0, 1);
        let share = hidden.iter().filter(|h| **h != 0).count() as f64 / 60_000.0;
        assert!((share - 8.0 / 33.0).abs() < 0.01, "{share}");
        let steep = stripes(clear.view(), 1.0, 50.0, 45.0, 1);
        let (row, col) = steep.indexed_iter().find(|((r, c), h)| **h != 0 && *r > 0 && *c < 299).unwrap().0;
        assert!(steep[[row - 1, col + 1]] != 0);
    }

    #[test]
    fn a_mask_is_moved_and_comes_back_on_the_other_side() {
        let mask = arr2(&[[1, 0, 0], [0, 0, 0]]);
        let clear = Array2::ones((2, 3));
        let moved = |shift| like(clear.view(), mask.view(), shift).unwrap();
        assert_eq!(moved([0, 0]), mask);
        assert_eq!(moved([1, 2]), arr2(&[[0, 0, 0], [0, 0, 1]]));
        assert_eq!(moved([-1, -1]), arr2(&[[0, 0, 0], [0, 0, 1]]));
        assert_eq!(moved([i64::MIN, i64::MAX]).sum(), 1);
    }

    #[test]
    fn a_mask_of_another_size_is_refused() {
        let told = like(Array2::ones((2, 3)).view(), Array2::ones((4, 5)).view(), [0, 0]).unwrap_err();
        assert_eq!(told.to_string(), "the mask is of 4 × 5 pixels, the scene of 2 × 3");
    }

    #[test]
    fn a_shadow_lies_on_one_side_of_the_gap_and_not_in_it() {
        let mut hidden = Array2::zeros((5, 7));
        hidden[[2, 3]] = 1;
        let mut clear = Array2::ones((5, 7));
        clear[[2, 5]] = 0;
        let strip = shadow_strip(hidden.view(), clear.view(), 1, [0, 1]);
        let expected = arr2(&[
            [0, 0, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 1, 0, 0],
            [0, 0, 0, 0, 1, 0, 0],
            [0, 0, 0, 0, 1, 0, 0],
            [0, 0, 0, 0, 0, 0, 0],
        ]);
        assert_eq!(strip, expected);
    }

    proptest! {
        #[test]
        fn growing_marks_all_within_reach_and_no_other(
            marks in proptest::collection::vec(0_u8..8, 9 * 11),
            reach in 0_usize..5,
        ) {
            let mask = Array2::from_shape_vec((9, 11), marks.iter().map(|m| u8::from(*m == 0)).collect()).unwrap();
            let near = |a: (usize, usize), b: (usize, usize)| {
                a.0.abs_diff(b.0).pow(2) + a.1.abs_diff(b.1).pow(2) <= reach * reach
            };
            let plain = Array2::from_shape_fn((9, 11), |at| {
                u8::from(mask.indexed_iter().any(|(from, m)| *m != 0 && near(from, at)))
            });
            prop_assert_eq!(grown(mask.view(), reach), plain);
        }

        #[test]
        fn only_clear_pixels_are_hidden(seed in any::<u64>(), marks in proptest::collection::vec(0_u8..2, 40 * 50)) {
            let clear = Array2::from_shape_vec((40, 50), marks).unwrap();
            let shapes = [
                stripes(clear.view(), 3.0, 9.0, 20.0, seed),
                clouds(clear.view(), 0.3, 16.0, seed),
                like(clear.view(), clear.view(), [3, 4]).unwrap(),
            ];
            for hidden in shapes {
                prop_assert!(hidden.iter().zip(&clear).all(|(hide, clear)| *hide <= *clear));
            }
        }
    }
}
