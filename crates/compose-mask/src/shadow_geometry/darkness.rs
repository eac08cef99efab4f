//! Finds pixels that are darker than their surroundings.

use super::cell_cover::CellCover;
use compose_core::BandFacts;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Zip, s};

/// Spacing of the rows and columns of the grid whose clear pixels are sampled.
const STRIDE: usize = 4;
/// The number of cells to each side of a pixel's own that are its surroundings.
pub(super) const AROUND: usize = 2;
/// The fewest clear pixels that tell what is around.
const FEWEST: usize = 4;

/// A band in which shadows are dark.
pub(super) struct DarkBand<'a> {
    pub values: ArrayView2<'a, f32>,
    /// Added to stored numbers, so that 0 means zero reflectance.
    pub zero: f32,
}

/// The number that stands for no reflectance, with its sign turned; `None` where the scale is unknown.
pub(super) fn zero(band: &BandFacts) -> Option<f32> {
    let (scale, offset) = band.scale_offset?;
    (scale > 0.0).then_some((offset / scale) as f32)
}

impl DarkBand<'_> {
    /// Clears `dark` where the number is not below `share` of the median of the clear pixels in the cells around.
    ///
    /// If too few of these are clear, or the median is no reflectance, no pixel is dark.
    pub fn keep_dark(
        &self,
        lattice: CellCover,
        clear: ArrayView2<'_, u8>,
        share: f32,
        mut dark: ArrayViewMut2<'_, u8>,
    ) {
        let samples = self.samples(lattice, clear);
        let limits = Array2::from_shape_fn((lattice.down, lattice.across), |cell| {
            share * median_around(lattice, &samples, cell).unwrap_or(f32::NAN)
        });
        for (row, (mut dark, values)) in dark.rows_mut().into_iter().zip(self.values.rows()).enumerate() {
            // One limit for all pixels of a cell.
            for across in 0..lattice.across {
                let limit = limits[(lattice.cell(row, 0).0, across)];
                let part = lattice.columns(across, dark.len());
                Zip::from(dark.slice_mut(s![part.clone()])).and(values.slice(s![part])).for_each(|d, v| {
                    *d &= u8::from(v + self.zero < limit);
                });
            }
        }
    }

    /// Some of the clear reflectances of every cell, chosen by their place on the grid.
    fn samples(&self, lattice: CellCover, clear: ArrayView2<'_, u8>) -> Array2<Vec<f32>> {
        let mut samples = Array2::default((lattice.down, lattice.across));
        let first = |before: usize| (STRIDE - before % STRIDE) % STRIDE;
        let (rows, cols) = clear.dim();
        for row in (first(lattice.top)..rows).step_by(STRIDE) {
            for col in (first(lattice.left)..cols).step_by(STRIDE) {
                if clear[[row, col]] != 0 {
                    let cell: &mut Vec<f32> = &mut samples[lattice.cell(row, col)];
                    cell.push(self.values[[row, col]] + self.zero);
                }
            }
        }
        samples
    }
}

/// The lower median of the samples around a cell; `None` where these are too few, or it is not above zero.
fn median_around(lattice: CellCover, samples: &Array2<Vec<f32>>, cell: (usize, usize)) -> Option<f32> {
    let (down, across) = lattice.around(cell, AROUND);
    let mut all: Vec<f32> = down
        .flat_map(|d| across.clone().map(move |a| (d, a)))
        .flat_map(|at| samples[at].iter().copied())
        .collect();
    if all.len() < FEWEST {
        return None;
    }
    let middle = (all.len() - 1) / 2;
    let median = *all.select_nth_unstable_by(middle, f32::total_cmp).1;
    (median > 0.0).then_some(median)
}

#[cfg(test)]
mod tests {
    use super::*;
    use compose_core::Window;
    use ndarray::array;

    fn dark(values: Array2<f32>, clear: Array2<u8>, zero: f32) -> Array2<u8> {
        let window = Window { col: 0, row: 0, width: values.ncols(), height: values.nrows() };
        let mut dark = clear.clone();
        let band = DarkBand { values: values.view(), zero };
        band.keep_dark(CellCover::under(window), clear.view(), 0.5, dark.view_mut());
        dark
    }

    #[test]
    fn a_pixel_is_dark_below_a_share_of_the_median_of_clear_pixels_around() {
        let mut values = Array2::from_elem((8, 8), 100.0);
        (values[[1, 1]], values[[1, 2]], values[[1, 3]], values[[1, 4]]) = (49.0, 50.0, 20.0, f32::NAN);
        let mut clear = Array2::ones((8, 8));
        clear[[1, 3]] = 0;
        let dark = dark(values, clear, 0.0);
        assert_eq!(dark.row(1), array![0, 1, 0, 0, 0, 0, 0, 0]);
        assert_eq!(dark.iter().map(|d| u32::from(*d)).sum::<u32>(), 1);
    }

    #[test]
    fn numbers_are_counted_from_no_light() {
        // 100 + 100 is around, and half of it is 100.
        let mut values = Array2::from_elem((8, 8), 100.0);
        (values[[1, 1]], values[[1, 2]]) = (-1.0, 0.0);
        assert_eq!(dark(values, Array2::ones((8, 8)), 100.0).row(1), array![0, 1, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn nothing_is_dark_where_too_little_is_clear_or_no_light_is_around() {
        let mut values = Array2::from_elem((8, 8), 100.0);
        values[[1, 1]] = 0.0;
        let mut clear = Array2::ones((8, 8));
        clear[[4, 4]] = 0;
        assert!(dark(values.clone(), clear, 0.0).iter().all(|d| *d == 0));
        assert!(dark(values.clone(), Array2::ones((8, 8)), -100.0).iter().all(|d| *d == 0));
        assert_eq!(dark(values, Array2::ones((8, 8)), 0.0)[[1, 1]], 1);
    }
}
