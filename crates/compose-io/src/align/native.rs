//! Pixels of a native grid, as read.

use compose_core::Window;
use ndarray::ArrayView3;

/// Pixels of one native grid, as read.
#[derive(Clone, Copy, Debug)]
pub struct NativeBlock<'a> {
    /// Where they lie on the native grid.
    pub window: Window,
    /// Samples, (band, row, col).
    pub values: ArrayView3<'a, f32>,
    /// 1 where valid, (plane, row, col), with one plane for all bands or one per band. Samples under a 0 may
    /// be anything, NaN too.
    pub valid: ArrayView3<'a, u8>,
}

impl NativeBlock<'_> {
    /// Shapes are the caller's promise; a wrong one would give wrong pixels.
    pub(super) fn check(&self, target: Window, values: (usize, usize, usize), valid: (usize, usize, usize)) {
        let (bands, planes) = (self.values.dim().0, self.valid.dim().0);
        let (h, w) = (self.window.height, self.window.width);
        assert_eq!(self.values.dim(), (bands, h, w), "native values and their window");
        assert_eq!(self.valid.dim(), (planes, h, w), "native validity and its window");
        assert!(planes == 1 || planes == bands, "{planes} validity planes for {bands} bands");
        assert_eq!(values, (bands, target.height, target.width), "target values and their window");
        assert_eq!(valid, (planes, target.height, target.width), "target validity and its window");
    }
}
