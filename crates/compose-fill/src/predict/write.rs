//! Puts predictions into a canvas.

use super::predictor::Predictor;
use compose_core::{Canvas, DonorUse, STATISTIC};
use std::ops::Range;

/// Writes computed values of some bands.
pub(crate) fn put(canvas: &mut Canvas, (row, col): (usize, usize), bands: Range<usize>, values: &[f32]) {
    for (band, value) in bands.zip(values) {
        canvas.values[[band, row, col]] = canvas.cast.computed(f64::from(*value));
    }
}

/// The scene that a prediction rests on; a statistic where there are several.
pub(crate) fn source(predictor: &Predictor, model: usize, donors: &[DonorUse]) -> u16 {
    match predictor.model(model).ranks[..] {
        [rank] => donors[usize::from(rank)].scene as u16,
        _ => STATISTIC,
    }
}
