//! Grids whose pixels coincide: nothing is computed, pixels are copied.

/// A place in target pixels and the same place in native pixels (NaN where there is none).
pub(super) struct Sample {
    pub target: (f64, f64),
    pub native: (f64, f64),
}

/// Largest deviation of a shift from a whole number of pixels, anywhere on the target grid, at which pixels are pasted.
///
/// Transforms in files are rounded: to a millimetre (5e-5 of a 10 m pixel), or to 12 decimals of a degree
/// (2e-5 px of drift over 10 000 pixels). That is less than this. A resampling by less than this would change
/// fewer than one 16-bit sample in a hundred, by 1; a shift that is meant is more than this.
pub(super) const PASTE_TOLERANCE: f64 = 1e-4;

/// The whole-pixel shift (native = target + shift) that all samples agree on, if there is one.
pub(super) fn whole_pixel_shift(samples: &[Sample]) -> Option<(i64, i64)> {
    let first = samples.first()?;
    let cols = (first.native.0 - first.target.0).round();
    let rows = (first.native.1 - first.target.1).round();
    let agrees = |s: &Sample| {
        (s.native.0 - s.target.0 - cols).abs() <= PASTE_TOLERANCE
            && (s.native.1 - s.target.1 - rows).abs() <= PASTE_TOLERANCE // false for NaN
    };
    samples.iter().all(agrees).then_some((cols as i64, rows as i64))
}
