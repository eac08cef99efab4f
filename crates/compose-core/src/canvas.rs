//! The piece of output being composed, and how pixels get into its gaps.

use crate::block::{LAYOUT, row_span};
use crate::{Block, Cast, Donor, ValidityMode, Window};
use ndarray::Array3;
use std::ops::Range;

/// In [`Canvas::source`]: no pixel yet.
pub const GAP: u16 = u16::MAX;
/// In [`Canvas::source`]: computed from several scenes.
pub const STATISTIC: u16 = u16::MAX - 1;

/// In [`Canvas::source`]: outside the area of the output. It is no gap, so that nothing fills it. No scene has this index:
/// a stack has fewer scenes.
pub const OUTSIDE: u16 = u16::MAX - 2;

/// The piece of output being composed.
#[derive(Clone, Debug, PartialEq)]
pub struct Canvas {
    /// Its window of the target grid.
    pub window: Window,
    /// Output samples, (band, row, col); arbitrary where there is a gap.
    pub values: Array3<f32>,
    /// Scene index, [`STATISTIC`], [`GAP`] or [`OUTSIDE`], (plane, row, col).
    pub source: Array3<u16>,
    /// The conversion of computed values to samples.
    pub cast: Cast,
    /// On request: the standard deviation that a computed sample is given, (band, row, col); 0 where observed, NaN where
    /// nobody says.
    pub sigma: Option<Array3<f32>>,
}

impl Canvas {
    /// A canvas that is one large gap.
    pub fn new(window: Window, bands: usize, mode: ValidityMode, cast: Cast) -> Self {
        let (h, w) = (window.height, window.width);
        Self {
            window,
            values: Array3::zeros((bands, h, w)),
            source: Array3::from_elem((mode.planes(bands), h, w), GAP),
            cast,
            sigma: None,
        }
    }

    /// Number of bands.
    pub fn bands(&self) -> usize {
        self.values.dim().0
    }

    /// Number of validity planes: one (joint) or one per band.
    pub fn planes(&self) -> usize {
        self.source.dim().0
    }

    /// The bands that validity plane `plane` speaks for.
    pub fn bands_of(&self, plane: usize) -> Range<usize> {
        if self.planes() == 1 { 0..self.bands() } else { plane..plane + 1 }
    }

    /// Whether any pixel of any plane is still a gap.
    pub fn has_gap(&self) -> bool {
        has_gap(self.source.as_slice().expect(LAYOUT))
    }

    /// Provenance of one row of one plane.
    pub fn source_row(&self, plane: usize, row: usize) -> &[u16] {
        &self.source.as_slice().expect(LAYOUT)[row_span(self.source.dim(), plane, row)]
    }

    /// Provenance of one row of one plane, to be changed together with the row's samples.
    pub fn source_row_mut(&mut self, plane: usize, row: usize) -> &mut [u16] {
        let span = row_span(self.source.dim(), plane, row);
        &mut self.source.as_slice_mut().expect(LAYOUT)[span]
    }

    /// Samples of one row of one band.
    pub fn values_row_mut(&mut self, band: usize, row: usize) -> &mut [f32] {
        let span = row_span(self.values.dim(), band, row);
        &mut self.values.as_slice_mut().expect(LAYOUT)[span]
    }

    /// Rows and columns from the corner of `window`, which contains the canvas's own, to the canvas's corner.
    pub fn offset_in(&self, window: Window) -> (usize, usize) {
        debug_assert_eq!(self.window.intersect(window), Some(self.window), "{window:?} contains the canvas");
        ((self.window.row - window.row) as usize, (self.window.col - window.col) as usize)
    }

    /// Copies one pixel of a donor, for the bands that `plane` speaks for; `offset` is where the canvas's corner lies
    /// in the donor's block. Values that are not exact are cast as computed ones.
    pub fn copy_pixel(
        &mut self,
        donor: &Donor<'_>,
        plane: usize,
        (row, col): (usize, usize),
        (row0, col0): (usize, usize),
    ) {
        assert!(
            donor.scene < usize::from(STATISTIC),
            "scene {} has no number of its own in a u16",
            donor.scene
        );
        for band in self.bands_of(plane) {
            let sample = donor.block.values_row(band, row + row0)[col + col0];
            let sample = if donor.exact { sample } else { self.cast.computed(f64::from(sample)) };
            self.values_row_mut(band, row)[col] = sample;
        }
        self.source_row_mut(plane, row)[col] = donor.scene as u16;
    }

    /// Copies every gap pixel that is valid in `block` and says it came from `scene`.
    ///
    /// `block` lies on `window`, which contains the canvas's own. Values that are not `exact` (resampled, or
    /// of converted radiometry) are cast as computed ones.
    pub fn copy_from(&mut self, scene: usize, block: &Block, window: Window, exact: bool) {
        assert!(scene < usize::from(STATISTIC), "scene {scene} has no number of its own in a u16");
        let (row0, col0) = self.offset_in(window);
        let cols = col0..col0 + self.window.width;
        let mut takes = vec![0; self.window.width];
        for plane in 0..self.planes() {
            for row in 0..self.window.height {
                let valid = &block.valid_row(plane, row + row0)[cols.clone()];
                let taken = take_gaps(self.source_row_mut(plane, row), valid, scene as u16, &mut takes);
                if taken == 0 {
                    continue;
                }
                for band in self.bands_of(plane) {
                    let values = &block.values_row(band, row + row0)[cols.clone()];
                    let cast = (!exact).then_some(self.cast);
                    copy_row(self.values_row_mut(band, row), values, &takes, taken, cast);
                }
            }
        }
    }
}

/// Whether a piece of [`Canvas::source`] holds a gap. It looks at whole groups of pixels, so that the search
/// through a full block is one pass of vector instructions (a kept count could be wrong: `source` is public).
pub fn has_gap(source: &[u16]) -> bool {
    source.chunks(64).any(|group| group.iter().fold(false, |any, &s| any | (s == GAP)))
}

/// Gives `scene` every gap that is valid; `takes` is 1 there. Returns how many.
fn take_gaps(source: &mut [u16], valid: &[u8], scene: u16, takes: &mut [u8]) -> usize {
    let mut taken = 0;
    for ((source, &valid), take) in source.iter_mut().zip(valid).zip(takes) {
        *take = u8::from(*source == GAP) & u8::from(valid != 0);
        *source = if *take != 0 { scene } else { *source };
        taken += usize::from(*take);
    }
    taken
}

/// Copies the `taken` samples of a row where `takes` is 1, cast as computed values where a cast is given.
fn copy_row(to: &mut [f32], from: &[f32], takes: &[u8], taken: usize, cast: Option<Cast>) {
    match cast {
        None if taken == to.len() => to.copy_from_slice(from),
        None => {
            for ((to, &from), &take) in to.iter_mut().zip(from).zip(takes) {
                // Written everywhere, changed or not: a choice of values is a vector instruction, a jump is not.
                *to = if take != 0 { from } else { *to };
            }
        }
        Some(cast) => {
            for ((to, &from), _) in to.iter_mut().zip(from).zip(takes).filter(|(_, take)| **take != 0) {
                *to = cast.computed(f64::from(from));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DataType;
    use proptest::prelude::*;

    const UINT8: Cast = Cast { dtype: DataType::UInt8, nodata: Some(0.0) };

    fn canvas(window: Window, bands: usize, mode: ValidityMode) -> Canvas {
        Canvas::new(window, bands, mode, UINT8)
    }

    /// One row, one band; `None` is unusable.
    fn row(values: &[Option<f32>]) -> Block {
        let shape = (1, 1, values.len());
        let samples = values.iter().map(|v| v.unwrap_or(99.0)).collect();
        let valid = values.iter().map(|v| u8::from(v.is_some())).collect();
        Block {
            values: Array3::from_shape_vec(shape, samples).unwrap(),
            valid: Array3::from_shape_vec(shape, valid).unwrap(),
        }
    }

    #[test]
    fn the_first_copy_that_is_valid_stays() {
        let window = Window::whole(3, 1);
        let mut canvas = canvas(window, 1, ValidityMode::Joint);
        canvas.copy_from(4, &row(&[Some(7.0), None, None]), window, true);
        canvas.copy_from(2, &row(&[Some(8.0), Some(9.0), None]), window, true);
        assert_eq!(canvas.values.as_slice().unwrap()[..2], [7.0, 9.0]);
        assert_eq!(canvas.source.as_slice().unwrap(), [4, 2, GAP]);
        assert!(canvas.has_gap());
        canvas.copy_from(0, &row(&[Some(1.0); 3]), window, true);
        assert!(!canvas.has_gap());
    }

    #[test]
    fn observed_values_are_copied_as_they_are_and_others_are_cast() {
        let window = Window::whole(2, 1);
        let block = row(&[Some(0.0), Some(2.5)]);
        let copied = |exact| {
            let mut canvas = canvas(window, 1, ValidityMode::Joint);
            canvas.copy_from(0, &block, window, exact);
            canvas.values.into_raw_vec_and_offset().0
        };
        assert_eq!(copied(true), [0.0, 2.5]);
        assert_eq!(copied(false), [1.0, 3.0]);
    }

    #[test]
    fn a_block_with_a_halo_is_read_from_under_the_canvas() {
        let window = Window { col: 10, row: 20, width: 2, height: 1 };
        let mut canvas = canvas(window, 1, ValidityMode::Joint);
        let mut block = Block::empty(1, ValidityMode::Joint, 3, 4);
        block.valid.fill(1);
        block.values[[0, 1, 1]] = 5.0;
        block.values[[0, 1, 2]] = 6.0;
        canvas.copy_from(0, &block, window.expand(1), true);
        assert_eq!(canvas.values.as_slice().unwrap(), [5.0, 6.0]);
    }

    #[test]
    fn a_gap_past_the_last_whole_group_is_found() {
        let mut source = [0; 130];
        assert!(!has_gap(&source));
        source[129] = GAP;
        assert!(has_gap(&source));
    }

    fn scenes_of(bands: usize, planes: usize) -> impl Strategy<Value = Vec<(Vec<f32>, Vec<u8>, bool)>> {
        let values = proptest::collection::vec(-9.0..300.0f32, bands * 6);
        let valid = proptest::collection::vec(0..=1u8, planes * 6);
        proptest::collection::vec((values, valid, any::<bool>()), 1..5)
    }

    fn check_copies(mode: ValidityMode, scenes: Vec<(Vec<f32>, Vec<u8>, bool)>) {
        let (bands, planes, window) = (2, mode.planes(2), Window::whole(3, 2));
        let mut canvas = canvas(window, bands, mode);
        for (scene, (values, valid, exact)) in scenes.into_iter().enumerate() {
            let block = Block {
                values: Array3::from_shape_vec((bands, 2, 3), values).unwrap(),
                valid: Array3::from_shape_vec((planes, 2, 3), valid).unwrap(),
            };
            let before = canvas.clone();
            canvas.copy_from(scene, &block, window, exact);
            for ((band, row, col), &old) in before.values.indexed_iter() {
                let at = [if planes == 1 { 0 } else { band }, row, col];
                let takes = before.source[at] == GAP && block.valid[at] != 0;
                let new = block.values[[band, row, col]];
                let new = if exact { new } else { UINT8.computed(f64::from(new)) };
                assert_eq!(canvas.values[[band, row, col]], if takes { new } else { old });
                assert_eq!(canvas.source[at], if takes { scene as u16 } else { before.source[at] });
            }
        }
    }

    proptest! {
        #[test]
        fn only_gaps_that_are_valid_change_under_joint_validity(scenes in scenes_of(2, 1)) {
            check_copies(ValidityMode::Joint, scenes);
        }

        #[test]
        fn only_gaps_that_are_valid_change_under_per_band_validity(scenes in scenes_of(2, 2)) {
            check_copies(ValidityMode::PerBand, scenes);
        }
    }
}
