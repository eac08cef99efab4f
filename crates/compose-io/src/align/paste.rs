//! Grids whose pixels coincide: nothing is computed, pixels are copied.

use super::{NativeBlock, Sample};
use compose_core::{Block, Window};
use ndarray::{ArrayView2, ArrayViewMut2, Axis, s};

/// How far from a whole number of pixels a shift may be anywhere on the target grid for pixels to be pasted.
///
/// Transforms in files are rounded: to a millimetre (3e-5 px of 30 m), or to 12 digits of a degree (4e-5 px
/// of drift over 10 000 pixels). That is less than this. A resampling by less than this would change fewer
/// than one 16-bit sample in a hundred, by 1, and blur nothing visibly; a shift that is meant (a tenth or a
/// thousandth of a pixel) is more than this.
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

/// Copies values and validity to the target window; native pixel = target pixel + `shift`. Where `native`
/// has no pixel, nothing is valid (and values are 0).
///
/// # Panics
/// When the shapes disagree.
pub fn paste(shift: (i64, i64), target: Window, native: &NativeBlock, out: &mut Block) {
    native.check(target, out.values.dim(), out.valid.dim());
    for (from, to) in native.values.axis_iter(Axis(0)).zip(out.values.axis_iter_mut(Axis(0))) {
        paste_plane(shift, target, native.window, from, 0.0, to);
    }
    for (from, to) in native.valid.axis_iter(Axis(0)).zip(out.valid.axis_iter_mut(Axis(0))) {
        paste_plane(shift, target, native.window, from, 0, to);
    }
}

/// Copies one plane to the target window; native pixel = target pixel + `shift`. Where `native_window` has no
/// pixel, `outside` is put.
///
/// # Panics
/// When a plane and its window differ in size.
pub fn paste_plane<T: Copy>(
    shift: (i64, i64),
    target: Window,
    native_window: Window,
    plane: ArrayView2<T>,
    outside: T,
    mut out: ArrayViewMut2<T>,
) {
    assert_eq!(plane.dim(), (native_window.height, native_window.width), "native plane and its window");
    assert_eq!(out.dim(), (target.height, target.width), "target plane and its window");
    let wanted = target.shift(shift.0, shift.1);
    let common = wanted.intersect(native_window);
    if common != Some(wanted) {
        out.fill(outside);
    }
    let Some(common) = common else { return };
    let piece = |of: Window| {
        let (row, col) = ((common.row - of.row) as usize, (common.col - of.col) as usize);
        s![row..row + common.height, col..col + common.width]
    };
    out.slice_mut(piece(wanted)).assign(&plane.slice(piece(native_window)));
}
