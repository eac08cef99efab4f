//! Where an output can have pixels. Blocks that no scene overlaps are not composed, and tiles of such blocks alone are
//! not written into the files.

use crate::plan::overlapping_pieces::overlapping_pieces;
use crate::plan::{Job, ScenePlan, Stage};
use compose_core::Window;
use std::ops::Range;

/// The windows in which scenes may give pixels to an output, widened by what its fills read around them. `None` where
/// every block is composed: every tile overlaps a scene, there is no value for gaps, or a fill is called without any
/// donor.
pub fn composable(job: &Job, tile: (usize, usize)) -> Option<Vec<Window>> {
    let mut needs = job.fills.iter().map(|stage: &Stage| stage.bound.planned().needs());
    if job.cast.nodata.is_none() || needs.any(|needs| needs.all_donors) {
        return None;
    }
    let (whole, margin) = (job.part, job.margin());
    // Clear observations are counted in scenes that no fill uses, too.
    let plans: Vec<&ScenePlan> = match job.output.count {
        true => job.view.scenes.iter().collect(),
        false => job.scenes_read().map(|scene| &job.view.scenes[scene]).collect(),
    };
    let plans = plans.into_iter().filter(|plan| plan.overlaps);
    let reaches = plans.filter_map(|plan| plan.reach?.expand(margin).intersect(whole));
    let windows: Vec<Window> = reaches.collect();
    let tiles = whole.width.div_ceil(tile.0) * whole.height.div_ceil(tile.1);
    let met: usize = overlapping_pieces(&windows, whole, tile).iter().map(Range::len).sum();
    (met < tiles).then_some(windows)
}
