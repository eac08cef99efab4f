//! Where an output can have pixels. Blocks that no scene overlaps, or that lie outside the area, are not composed, and
//! tiles of such blocks alone are not written into the files.

use crate::plan::overlapping_pieces::overlapping_pieces;
use crate::plan::{Area, Job, ScenePlan, Stage};
use compose_core::Window;
use std::ops::Range;

/// Pieces along each side of a tile of the image in which is asked whether the area takes a pixel.
const PIECES: usize = 8;

/// The windows in which an output may have pixels; `None` where every block is composed.
pub fn composable(job: &Job, tile: (usize, usize)) -> Option<Vec<Window>> {
    let of_scenes = where_scenes_lie(job, tile);
    match &job.area {
        None => of_scenes,
        Some(area) => in_area(area, job.part, of_scenes, tile),
    }
}

/// The parts of windows (of the whole part of the grid, where there are none) in which the area takes pixels.
fn in_area(
    area: &Area,
    part: Window,
    windows: Option<Vec<Window>>,
    tile: (usize, usize),
) -> Option<Vec<Window>> {
    let size = (tile.0.div_ceil(PIECES), tile.1.div_ceil(PIECES));
    let across = part.width.div_ceil(size.0);
    let of_area = area.inside.pieces(part, size);
    let met = match &windows {
        Some(windows) => common(&of_area, &overlapping_pieces(windows, part, size)),
        None => of_area,
    };
    if met.iter().map(Range::len).sum::<usize>() == across * part.height.div_ceil(size.1) {
        return None;
    }
    let window = |pieces: Range<usize>| {
        let (row, col) = (pieces.start / across, pieces.start % across);
        let place = Window {
            col: (col * size.0) as i64,
            row: (row * size.1) as i64,
            width: pieces.len() * size.0,
            height: size.1,
        };
        place.shift(part.col, part.row).intersect(part)
    };
    Some(met.into_iter().flat_map(|range| rows_of(range, across)).filter_map(window).collect())
}

/// What two lists of rising ranges have in common.
fn common(a: &[Range<usize>], b: &[Range<usize>]) -> Vec<Range<usize>> {
    let (mut both, mut from) = (Vec::new(), 0);
    for range in a {
        from += b[from..].partition_point(|other| other.end <= range.start);
        let meeting = b[from..].iter().take_while(|other| other.start < range.end);
        both.extend(meeting.map(|other| range.start.max(other.start)..range.end.min(other.end)));
    }
    both
}

/// A range of pieces that are numbered row by row, cut at the ends of rows of so many.
fn rows_of(range: Range<usize>, across: usize) -> impl Iterator<Item = Range<usize>> {
    let rows = range.start / across..range.end.div_ceil(across);
    rows.map(move |row| range.start.max(row * across)..range.end.min((row + 1) * across))
}

/// The windows in which scenes may give pixels to an output, widened by what its fills read around them. `None` where
/// every block is composed: every tile overlaps a scene, there is no value for gaps, or a fill is called without any
/// donor.
fn where_scenes_lie(job: &Job, tile: (usize, usize)) -> Option<Vec<Window>> {
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
