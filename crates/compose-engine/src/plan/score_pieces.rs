//! Pieces of a scene in which scores that look far around a pixel are found: larger than a block, because each needs
//! the pixels around it, and kept for the blocks beside it.

use crate::plan::footprint::{reaches, resamples, score_bytes};
use crate::plan::order::ScorePieces;
use crate::plan::overlap_count::max_overlap;
use crate::plan::placement::looks_far;
use crate::plan::{Job, Stage};
use compose_core::BoundScore;

/// Widths of pieces to try, in pixels.
const WIDTHS: [usize; 4] = [1024, 512, 256, 128];
/// Bytes of a score.
const SCORE: usize = 4;

/// Chooses the widest pieces that take no more than `room` bytes; `None` if there are none, or no score looks far.
///
/// `block`: columns and rows; `native`: pixels of a scene for one of the target.
pub fn score_pieces(
    job: &Job,
    block: (usize, usize),
    threads: usize,
    (native, room): (f64, u64),
) -> Option<ScorePieces> {
    let of_width = |width: usize| {
        let size = ((width / block.0 * block.0).max(block.0), block.1);
        let stages = job
            .fills
            .iter()
            .filter_map(|stage| Some((kept(job, stage, threads * block.0, size), making(job, stage, size)?)));
        let (kept, making) = stages.reduce(|a, b| (a.0.max(b.0), a.1.max(b.1)))?;
        Some(ScorePieces { size, kept: (kept as f64 * native) as u64, making })
    };
    WIDTHS.into_iter().filter_map(of_width).find(|pieces| pieces.bytes(threads) <= room)
}

/// Bytes that a worker needs to find the scores of a piece; `None` if the fill has no score that looks far.
fn making(job: &Job, stage: &Stage, size: (usize, usize)) -> Option<u64> {
    let scores = (0..job.view.scenes.len()).filter_map(|scene| stage.bound.planned().score(scene));
    let of_piece = |score: &dyn BoundScore| {
        let around = 2 * score.halo();
        ((size.0 + around) * (size.1 + around)) as u64 * score_bytes(score)
    };
    scores.filter(|score| looks_far(*score)).map(of_piece).max()
}

/// Bytes of the pieces under the columns of a strip that are worked on, and of one more piece; of two rows of pieces where
/// blocks may lie across them.
fn kept(job: &Job, stage: &Stage, worked_on: usize, size: (usize, usize)) -> u64 {
    let columns = worked_on.next_multiple_of(size.0) + size.0;
    let rows = if resamples(job) { 2 * size.1 } else { size.1 };
    max_overlap(&reaches(job, stage), columns, rows) as u64 * (columns * rows * SCORE) as u64
}
