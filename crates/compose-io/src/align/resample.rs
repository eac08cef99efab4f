//! Values on the target grid from values on another grid; masked pixels contribute nothing.

use super::lattice::{Mapping, Rows};
use super::method::Resampling;
use super::native::NativeBlock;
use super::spread::Spread;
use super::taps::{Field, Taps};
use compose_core::{Block, Window};
use ndarray::{ArrayView2, ArrayViewMut1, ArrayViewMut2, CowArray, Dimension, s};

/// Brings values, validity and masks from a native grid to the target grid.
///
/// Every result depends on the target pixel alone, to the bit: not on the window it was asked for.
#[derive(Clone, Debug)]
pub struct Resampler {
    mapping: Mapping,
    method: Resampling,
    native: Window,
}

impl Resampler {
    pub(super) fn new(mapping: Mapping, method: Resampling, native: Window) -> Self {
        Self { mapping, method, native }
    }

    #[cfg(test)]
    pub(super) fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// The lattice of coordinates: distance between nodes (target pixels) and the error
    /// measured over the target grid (native pixels). `None` where every coordinate is exact.
    pub fn lattice(&self) -> Option<(i64, f64)> {
        match &self.mapping {
            Mapping::Lattice(lattice) => Some(lattice.facts()),
            Mapping::Affine(_) | Mapping::Exact(_) => None,
        }
    }

    /// Where the centres of some target pixels (col, row) lie on the native grid, in pixels from its corner (x, y), as the
    /// transformation itself says; NaN where it has no answer.
    pub fn positions(&self, pixels: &[(i64, i64)]) -> Vec<(f64, f64)> {
        let (xs, ys) = self.mapping.positions(pixels.iter().copied());
        xs.into_iter().zip(ys).collect()
    }

    /// The native pixels that this target window needs, with those around them that the method's kernel
    /// touches, clipped to the native grid. `None` where no pixel of the window lies on the native grid.
    pub fn native_window(&self, target: Window) -> Option<Window> {
        let (right, bottom) = (self.native.width as f64, self.native.height as f64);
        let (mut least, mut most) = ((f64::MAX, f64::MAX), (f64::MIN, f64::MIN));
        let mut row = Row::new(self.mapping.rows(target), target);
        for r in 0..target.height {
            row.go_to(r);
            for (x, y) in row.positions() {
                if x >= 0.0 && x < right && y >= 0.0 && y < bottom {
                    // Not `f64::min`, which is slower because it heeds NaN.
                    least.0 = if x < least.0 { x } else { least.0 };
                    least.1 = if y < least.1 { y } else { least.1 };
                    most.0 = if x > most.0 { x } else { most.0 };
                    most.1 = if y > most.1 { y } else { most.1 };
                }
            }
        }
        let (col, row) = (least.0 as i64, least.1 as i64);
        let bounds = (most.0 >= 0.0).then(|| Window {
            col,
            row,
            width: (most.0 as i64 - col + 1) as usize,
            height: (most.1 as i64 - row + 1) as usize,
        })?;
        bounds.expand(self.method.reach()).intersect(self.native)
    }

    /// About the same for a window of any size, from a few places that are spread over it.
    pub fn native_window_about(&self, target: Window) -> Option<Window> {
        let about = Spread::over(&self.mapping, target)?.native()?;
        about.expand(self.method.reach()).intersect(self.native)
    }

    /// About where the native raster lies on a window of the target grid, from a few places of it: rather more than
    /// less. `None` where nothing of it lies there.
    pub fn target_window(&self, target: Window) -> Option<Window> {
        super::spread::target_window(&self.mapping, target, self.native)
    }

    /// Resamples every band of `native` to the target window. `out` has the window's size, and the bands and
    /// validity planes of `native`; each of its pixels is set (values under a 0 to 0).
    ///
    /// # Panics
    /// When the shapes disagree, or `native` does not cover [`Self::native_window`].
    pub fn resample(&self, target: Window, native: &NativeBlock, out: &mut Block) {
        let Block { values, valid } = out;
        native.check(target, values.dim(), valid.dim());
        let (samples, usable) = (native.values.as_standard_layout(), native.valid.as_standard_layout());
        let (samples, usable) = (contiguous(&samples), contiguous(&usable));
        let (pixels, planes) = (native.window.pixels(), native.valid.dim().0);
        let mut row = Row::new(self.mapping.rows(target), target);
        let mut taps = Taps::new(self.method, Field { grid: self.native, window: native.window });
        for r in 0..target.height {
            row.go_to(r);
            taps.place(row.positions());
            for plane in 0..planes {
                let usable = &usable[plane * pixels..][..pixels];
                taps.judge(usable, line(valid.slice_mut(s![plane, r, ..])));
                for band in if planes == 1 { 0..values.dim().0 } else { plane..plane + 1 } {
                    let samples = &samples[band * pixels..][..pixels];
                    taps.apply(samples, usable, line(values.slice_mut(s![band, r, ..])));
                }
            }
        }
    }

    /// Brings a plane of codes or masks to the target window, each pixel from the native pixel that holds its
    /// centre, and `outside` where there is none. Codes are never mixed, whatever the method.
    ///
    /// # Panics
    /// When the shapes disagree, or `native_window` does not cover the pixels needed.
    pub fn nearest<T: Copy>(
        &self,
        target: Window,
        native_window: Window,
        plane: ArrayView2<T>,
        outside: T,
        mut out: ArrayViewMut2<T>,
    ) {
        assert_eq!(plane.dim(), (native_window.height, native_window.width), "native plane and its window");
        assert_eq!(out.dim(), (target.height, target.width), "target plane and its window");
        let plane = plane.as_standard_layout();
        let codes = contiguous(&plane);
        let field = Field { grid: self.native, window: native_window };
        let mut row = Row::new(self.mapping.rows(target), target);
        for r in 0..target.height {
            row.go_to(r);
            for (out, (x, y)) in out.row_mut(r).iter_mut().zip(row.positions()) {
                *out = field.holding(x, y).map_or(outside, |(col, row)| codes[field.index(col, row)]);
            }
        }
    }
}

/// Positions of one row of target pixels after another, in the same two buffers.
struct Row<'a> {
    rows: Rows<'a>,
    xs: Vec<f64>,
    ys: Vec<f64>,
}

impl<'a> Row<'a> {
    fn new(rows: Rows<'a>, target: Window) -> Self {
        Self { rows, xs: vec![0.0; target.width], ys: vec![0.0; target.width] }
    }

    fn go_to(&mut self, row: usize) {
        self.rows.fill(row, &mut self.xs, &mut self.ys);
    }

    fn positions(&self) -> impl Iterator<Item = (f64, f64)> {
        self.xs.iter().copied().zip(self.ys.iter().copied())
    }
}

fn contiguous<'a, T, D: Dimension>(array: &'a CowArray<'_, T, D>) -> &'a [T] {
    array.as_slice().expect("arrays in standard layout are contiguous")
}

fn line<T>(row: ArrayViewMut1<'_, T>) -> &mut [T] {
    row.into_slice().expect("the pixels of a target row lie one beside the other")
}
