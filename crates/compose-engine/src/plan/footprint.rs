//! Bytes per pixel of a block: for mask rules, scores and fills while they run, and for blocks that wait for the
//! writer.
//! `memory.rs` multiplies and adds them up.

use crate::plan::ids::{RuleId, SceneId};
use crate::plan::overlap_count::max_overlap;
use crate::plan::placement::{PlacedMask, looks_far};
use crate::plan::{BandGroup, Job, Stack, Stage};
use compose_core::fill_strategy::Temporal;
use compose_core::{BoundScore, Window};
use compose_io::align::Alignment;
use std::collections::BTreeSet;

/// The memory that a mask rule, a score or a fill needs while it runs.
pub struct MemoryNeed {
    halo: usize,
    /// Side of the squares that it works in, wherever the block begins.
    cell: usize,
    /// Whether a block made of whole cells touches no other cell.
    aligned: bool,
    /// For each pixel of the block and its halo.
    bytes: u64,
    /// Where the scenes lie that are in memory at once, and the bytes of each.
    scenes: (Vec<Window>, u64),
}

/// The memory needs of every mask rule of every scene, and of every score that is found block by block: of those that
/// look far only where `far`.
pub fn rule_needs(stack: &Stack, job: &Job, share: f64, far: bool) -> Vec<MemoryNeed> {
    let rule = |halo: usize, bands: usize| MemoryNeed::plain(halo, (rule_bytes(bands) as f64 * share) as u64);
    // A scene is kept for the rules of the others.
    let compared = bytes_compared(stack, job);
    let comparing = |scene: SceneId, rule: RuleId| if job.compares(scene, rule) { compared } else { 0 };
    let mask = |scene: SceneId, nth: RuleId, mask: &PlacedMask| {
        let plain = rule(mask.bound.planned().halo(), mask.bound.planned().bands().len());
        MemoryNeed { bytes: plain.bytes + (comparing(scene, nth) as f64 * share) as u64, ..plain }
    };
    let of_scene = |(scene, masks): (usize, &Vec<PlacedMask>)| -> Vec<MemoryNeed> {
        masks.iter().enumerate().map(|(nth, of)| mask(SceneId(scene), RuleId(nth), of)).collect()
    };
    let masks = stack.masks.iter().enumerate().flat_map(of_scene);
    let of_stage = |stage: &Stage| -> Vec<MemoryNeed> {
        let scores = (0..stack.facts.len()).filter_map(|scene| stage.bound.planned().score(scene));
        scores
            .filter(|score| far || !looks_far(*score))
            .map(|score| rule(score.halo(), score.bands().len()))
            .collect()
    };
    masks.chain(job.fills.iter().flat_map(of_stage)).collect()
}

/// Bytes per pixel of a mask rule or a score that reads so many bands: samples and validity of each; marks, neutral
/// pixels, pixels outside; a plugin's own answer.
fn rule_bytes(bands: usize) -> usize {
    bands * 5 + 5
}

/// Bytes per pixel of a score, its halo included.
pub fn score_bytes(score: &dyn BoundScore) -> u64 {
    rule_bytes(score.bands().len()) as u64
}

/// The memory needs of every fill: for the donors that are in memory at once, their scores, the target, and the scene
/// that is being read.
pub fn stage_needs(stack: &Stack, job: &Job, bands: usize, share: f64) -> Vec<MemoryNeed> {
    let block = scene_bytes_per_pixel(stack, bands);
    let reading = reading(stack, job, bands, share);
    let fill = |stage: &Stage| {
        let score = if stage.scores.iter().any(Option::is_some) { 4 } else { 0 };
        let needs = stage.bound.planned().needs();
        let (donors, scenes) = match needs.temporal {
            Temporal::OneByOne => (block + score, Vec::new()),
            Temporal::WholeStack if needs.all_donors => {
                (stage.bound.planned().donors().len() as u64 * (block + score), Vec::new())
            }
            Temporal::WholeStack => (0, reaches(job, stage)),
            Temporal::FirstObservations(most) => (most as u64 * (bands as u64 * 4 + 2) + block, Vec::new()),
        };
        let target = if needs.target { block } else { 0 };
        let bytes = donors + target + reading;
        let cell = needs.cell.unwrap_or(1);
        let aligned = job.begins_with_cells(cell);
        MemoryNeed { halo: needs.halo, cell, aligned, bytes, scenes: (scenes, block + score) }
    };
    // The target is read without a fill, too.
    let target = MemoryNeed::plain(0, reading);
    job.fills.iter().map(fill).chain([target]).collect()
}

/// Where the donors of a fill may have pixels.
pub fn reaches(job: &Job, stage: &Stage) -> Vec<Window> {
    let donors = stage.bound.planned().donors().iter().map(|donor| &job.view.scenes[SceneId(donor.scene)]);
    donors.filter(|plan| plan.overlaps).filter_map(|plan| plan.reach).collect()
}

/// Bytes for each pixel of a window, halo included, on which rules compare scenes: for every scene that any of them
/// reads.
pub fn bytes_compared(stack: &Stack, job: &Job) -> u64 {
    let scenes: BTreeSet<SceneId> =
        job.comparing.iter().flat_map(|of| of.others.iter().copied().chain([of.scene])).collect();
    scenes.len() as u64 * scene_bytes_per_pixel(stack, stack.bands.len())
}

/// Samples and validity of one pixel of a scene.
fn scene_bytes_per_pixel(stack: &Stack, bands: usize) -> u64 {
    (bands * 4 + stack.validity.planes(bands)) as u64
}

/// Bytes per pixel while one scene is read: samples, validity and masks on its own grid; where scenes are resampled,
/// also the aligned block and what the resampler keeps.
fn reading(stack: &Stack, job: &Job, bands: usize, share: f64) -> u64 {
    let block = scene_bytes_per_pixel(stack, bands);
    let native = ((block + 2) as f64 * share) as u64;
    native + if resamples(job) { block + 48 } else { 0 }
}

/// The largest number of native pixels per target pixel over all scenes, at least 1: a scene may be finer than the
/// grid.
pub fn native_share(job: &Job) -> f64 {
    /// Side of the nine windows, spread over the part, by which the number is estimated.
    const PIECE: usize = 64;
    let Window { col: left, row: top, width, height } = job.part;
    let (across, down) = (PIECE.min(width), PIECE.min(height));
    let starts = |length: usize, piece: usize| [0, 1, 2].map(|n| (n * (length - piece) / 2) as i64);
    let pieces: Vec<Window> = starts(height, down)
        .into_iter()
        .flat_map(|row| starts(width, across).map(|col| (col, row)))
        .map(|(col, row)| Window { col: left + col, row: top + row, width: across, height: down })
        .collect();
    let share = |group: &BandGroup| match &group.alignment {
        Alignment::Resample(resampler) => pieces
            .iter()
            .filter_map(|piece| {
                Some(resampler.native_window(*piece)?.pixels() as f64 / piece.pixels() as f64)
            })
            .fold(1.0, f64::max),
        _ => 1.0,
    };
    let here = job.view.scenes.iter().filter(|scene| scene.reaches(job.part));
    here.flat_map(|s| &s.groups).map(share).fold(1.0, f64::max)
}

pub fn resamples(job: &Job) -> bool {
    job.view.scenes.iter().flat_map(|s| &s.groups).any(|g| matches!(g.alignment, Alignment::Resample(_)))
}

impl MemoryNeed {
    fn plain(halo: usize, bytes: u64) -> Self {
        Self { halo, cell: 1, aligned: true, bytes, scenes: (Vec::new(), 0) }
    }

    /// Pixels along an axis that a piece of this length needs: the whole cells that it touches, and the halo. Cells end with
    /// the grid.
    fn reach(&self, length: usize, grid: usize) -> usize {
        if self.cell == 1 {
            return length + 2 * self.halo;
        }
        let whole = self.aligned && length.is_multiple_of(self.cell);
        let cells = if whole { length } else { (length + self.cell).next_multiple_of(self.cell) };
        (cells + 2 * self.halo).min(grid)
    }
}

/// The kinds that run on a block.
pub struct Work {
    /// Width and height of the grid.
    pub grid: (usize, usize),
    /// Mask rules and scores.
    pub rules: Vec<MemoryNeed>,
    /// Fills.
    pub stages: Vec<MemoryNeed>,
}

impl Work {
    /// Bytes of the stage that needs most. Its halo is read as well, and masked with the halo of the mask rules.
    pub fn bytes(&self, columns: usize, rows: usize) -> u64 {
        let stage = |stage: &MemoryNeed| {
            let (columns, rows) = (stage.reach(columns, self.grid.0), stage.reach(rows, self.grid.1));
            let (reaches, of_each) = &stage.scenes;
            let scenes = max_overlap(reaches, columns, rows) as u64 * of_each;
            (stage.bytes + scenes) * (columns * rows) as u64 + most(&self.rules, columns, rows)
        };
        self.stages.iter().map(stage).max().unwrap_or(0)
    }
}

/// Bytes of the one that needs most for a block of this size: one runs at a time.
fn most(needs: &[MemoryNeed], columns: usize, rows: usize) -> u64 {
    let wide = |r: &MemoryNeed| ((columns + 2 * r.halo) * (rows + 2 * r.halo)) as u64 * r.bytes;
    needs.iter().map(wide).max().unwrap_or(0)
}

/// Bytes that a worker needs per pixel of a block.
pub fn bytes_per_pixel(stack: &Stack, job: &Job, bands: usize) -> u64 {
    let planes = stack.validity.planes(bands) as u64;
    let block = scene_bytes_per_pixel(stack, bands);
    let sigma = if job.output.uncertainty.is_some() { bands as u64 * 4 } else { 0 };
    let mask = if job.output.mask.is_some() { 6 } else { 0 };
    let canvas = bands as u64 * 4 + sigma + mask + planes * 7;
    // The target as it was before masking goes along to the writer; so do clear observations.
    let before = if job.target.is_some() { block + planes } else { 0 };
    let count = if job.output.count { planes * 2 } else { 0 };
    // The canvas once in work, and those that wait for the writer.
    (1 + job.ahead() as u64) * (canvas + before + count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_halo_counts_as_well_as_the_block() {
        let rules = [MemoryNeed::plain(0, 10), MemoryNeed::plain(500, 10)];
        assert_eq!(most(&rules[..1], 200, 100), 200 * 100 * 10);
        assert_eq!(most(&rules, 200, 100), 1200 * 1100 * 10);
        // The halos of a stage and of a rule add up.
        let work = Work { grid: (1000, 1000), rules: rules.into(), stages: vec![MemoryNeed::plain(100, 7)] };
        assert_eq!(work.bytes(200, 100), 400 * 300 * 7 + 1400 * 1300 * 10);
    }
}
