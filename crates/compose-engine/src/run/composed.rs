//! A finished block, and the codes of its record.

use crate::plan::SceneId;
use compose_core::{Block, Canvas, GAP, OUTSIDE, STATISTIC};
use ndarray::{Array2, Array3, Axis, Zip};
use std::ops::Range;

/// In the stage plane: observed in the target scene.
pub const OBSERVED: u16 = 0;
/// In the stage and source planes: no pixel, a gap or outside the area; in the age plane: no age.
pub const UNDEFINED: u16 = u16::MAX;
/// In the source plane: computed from several scenes by stage `k` is `STATISTIC_BASE + k`.
pub const STATISTIC_BASE: u16 = 65000;

/// A finished block.
pub struct Composed {
    /// The wanted bands that it holds.
    pub wanted: Range<usize>,
    /// Output samples, and where they came from.
    pub canvas: Canvas,
    /// 0 observed, k the k-th fill, [`UNDEFINED`] a gap or outside the area, (plane, row, col).
    pub stage: Array3<u16>,
    /// Clear looks per pixel, on request, (plane, row, col).
    pub count: Option<Array3<u16>>,
    /// The target scene before masking and filling.
    pub before: Option<Before>,
    /// On request, the rules that masked each pixel of the target: the number of the first, and a bit for each; [`UNDEFINED`]
    /// without data; (2, row, col).
    pub reasons: Option<Array3<u16>>,
}

/// The target's own pixels: samples, where they have data, and where the masks took them.
pub struct Before {
    /// Samples and validity without the mask rules.
    pub block: Block,
    /// 1 where a mask rule took a pixel that has data, (plane, row, col).
    pub masked: Array3<u8>,
}

impl Composed {
    /// |days| between each pixel's scene and the target date, for one validity plane.
    pub fn age(&self, days: &[Option<u16>], plane: usize) -> Array2<u16> {
        self.canvas.source.index_axis(Axis(0), plane).mapv(|source| match source {
            GAP | OUTSIDE | STATISTIC => UNDEFINED,
            scene => days[SceneId::from(scene)].unwrap_or(UNDEFINED),
        })
    }

    /// The source plane as it is written: scene index, 65000 + stage for a statistic, 65535 for a gap and outside the
    /// area.
    pub fn source(&self, plane: usize) -> Array2<u16> {
        let mut source = self.canvas.source.index_axis(Axis(0), plane).to_owned();
        Zip::from(&mut source).and(self.stage.index_axis(Axis(0), plane)).for_each(|source, stage| {
            match *source {
                STATISTIC => *source = STATISTIC_BASE + stage,
                OUTSIDE => *source = UNDEFINED,
                _ => {}
            }
        });
        source
    }
}
