//! Pixels of one piece of the target grid.

use crate::{Cast, Window};
use ndarray::{Array3, s};
use std::ops::Range;

/// How a pixel is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ValidityMode {
    /// Valid when valid in every wanted band: one validity plane.
    #[default]
    Joint,
    /// Each band by itself: one validity plane per band.
    PerBand,
}

impl ValidityMode {
    /// Number of validity planes for this many bands.
    pub fn planes(self, bands: usize) -> usize {
        match self {
            Self::Joint => 1,
            Self::PerBand => bands,
        }
    }
}

/// A scene's pixels: samples (band, row, col), and 1 where valid (plane, row, col) with one plane (joint) or
/// one per band. Samples under a 0 are arbitrary.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Samples, (band, row, col).
    pub values: Array3<f32>,
    /// 1 where valid, (plane, row, col).
    pub valid: Array3<u8>,
}

impl Block {
    /// A block without a valid pixel.
    pub fn empty(bands: usize, mode: ValidityMode, height: usize, width: usize) -> Self {
        Self {
            values: Array3::zeros((bands, height, width)),
            valid: Array3::zeros((mode.planes(bands), height, width)),
        }
    }
}

/// In [`Canvas::source`]: no pixel yet.
pub const GAP: u16 = u16::MAX;
/// In [`Canvas::source`]: computed from several scenes.
pub const STATISTIC: u16 = u16::MAX - 1;

/// The piece of output being composed.
#[derive(Clone, Debug, PartialEq)]
pub struct Canvas {
    /// Where it lies on the target grid.
    pub window: Window,
    /// Output samples, (band, row, col); arbitrary where there is a gap.
    pub values: Array3<f32>,
    /// Scene index, [`STATISTIC`] or [`GAP`], (plane, row, col).
    pub source: Array3<u16>,
    /// How computed values become samples.
    pub cast: Cast,
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
        self.source.iter().any(|&s| s == GAP)
    }

    /// Copies every gap pixel that is valid in `block` and says it came from `scene`.
    ///
    /// `block` lies on `window`, which contains the canvas's own. Values that are not `exact` (resampled, or
    /// of converted radiometry) are cast as computed ones.
    pub fn copy_from(&mut self, scene: usize, block: &Block, window: Window, exact: bool) {
        let (dr, dc) = ((self.window.row - window.row) as usize, (self.window.col - window.col) as usize);
        let (height, width) = (self.window.height, self.window.width);
        for plane in 0..self.planes() {
            for row in 0..height {
                let valid = block.valid.slice(s![plane, row + dr, dc..dc + width]);
                let mut source = self.source.slice_mut(s![plane, row, ..]);
                let takes: Vec<usize> = (0..width).filter(|&c| source[c] == GAP && valid[c] != 0).collect();
                for &c in &takes {
                    source[c] = scene as u16;
                }
                if takes.is_empty() {
                    continue;
                }
                for band in self.bands_of(plane) {
                    for &c in &takes {
                        let v = block.values[[band, row + dr, c + dc]];
                        self.values[[band, row, c]] =
                            if exact { v } else { self.cast.computed(f64::from(v)) };
                    }
                }
            }
        }
    }
}
