//! Memory under a limit: how large the blocks are, and how much is left for shared tiles.

use crate::error::EngineError;
use crate::options::{BlockSize, DEFAULT_MEM_LIMIT, Options};
use crate::plan::{Job, Stack, Stage};
use compose_core::fill_strategy::Temporal;
use compose_io::align::Alignment;

/// Program, libraries, GDAL's tables and open files.
const BASE: u64 = 80 << 20;
/// GDAL's own block cache: only passing through, since decoded tiles are kept by us.
pub const GDAL_CACHE: u64 = 8 << 20;
/// Edge of a block where memory allows.
const EDGE: usize = 512;
/// Share of the limit for what GDAL keeps of open files.
const OPEN_SHARE: u64 = 16;
/// Files kept open at most: more save no time.
const MOST_OPEN: u64 = 64;
/// Rows of tiles that the writer collects.
const WRITER_ROWS: usize = 512;

/// How memory is shared out.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// The limit, in bytes.
    pub limit: u64,
    /// Workers.
    pub threads: usize,
    /// Block size, width × height.
    pub block: (usize, usize),
    /// For each worker.
    pub per_worker: u64,
    /// For the writer.
    pub writer: u64,
    /// For decoded tiles.
    pub tiles: u64,
    /// Files kept open between reads.
    pub open_files: usize,
}

impl Memory {
    /// Shares the limit out over workers, writer and tiles.
    pub fn plan(stack: &Stack, jobs: &[Job], options: &Options) -> Result<Self, EngineError> {
        let limit = options.mem_limit.unwrap_or(DEFAULT_MEM_LIMIT);
        let threads = options.threads.max(1);
        let largest = |f: &dyn Fn(&Job) -> u64| jobs.iter().map(f).max().unwrap_or(0);
        let writer = largest(&|j| writer_bytes(stack, j));
        let per_file = stack.largest_open().max(1);
        // Each worker has one file in hand besides those that wait.
        let open_files = (limit / OPEN_SHARE / per_file).clamp(1, MOST_OPEN);
        let base = BASE + GDAL_CACHE + (open_files + threads as u64) * per_file;
        let left = limit.saturating_sub(base + writer);
        let per_pixel = largest(&|j| bytes_per_pixel(stack, j));
        let work = Work { rules: rules(stack, jobs), stages: stages(stack, jobs) };
        let needs = |columns, rows| per_pixel * (columns * rows) as u64 + work.bytes(columns, rows);
        let (width, height) =
            (largest(&|j| j.grid.width as u64) as usize, largest(&|j| j.grid.height as u64) as usize);
        let block = match options.block_size {
            BlockSize::Pixels(n) => (n.min(width), n.min(height)),
            BlockSize::Whole => (width, height),
            // A quarter for the workers, the rest for tiles: a tile decoded twice costs more than a small block.
            BlockSize::Auto => automatic(width, height, left / 4 / threads as u64, needs),
        };
        let per_worker = needs(block.0, block.1);
        let workers = per_worker * threads as u64;
        let tile = stack.largest_tile();
        let smallest = tile.map_or(0, |t| t.tile_bytes()) * threads as u64;
        let Some(tiles) = left.checked_sub(workers).filter(|t| *t >= smallest) else {
            let mb = |bytes: u64| bytes.div_ceil(1 << 20);
            let of_tile = tile.map_or_else(String::new, |t| {
                let (w, h) = t.tile_size();
                format!(
                    ", {} MB for one tile of {w}×{h} pixels of {} per worker",
                    mb(smallest),
                    t.path.display()
                )
            });
            return Err(EngineError::Memory(format!(
                "a memory limit of {} MB is too small for a grid of {width}×{height} pixels: {} MB for the program and the \
                 writer, {} MB for {threads} workers with blocks of {}×{} pixels{of_tile}; raise --mem-limit, or use fewer \
                 threads (-j) or smaller blocks (--block-size)",
                mb(limit),
                mb(base + writer),
                mb(workers),
                block.0,
                block.1,
            )));
        };
        Ok(Self { limit, threads, block, per_worker, writer, tiles, open_files: open_files as usize })
    }
}

/// Blocks keep their height as long as they can: a strip that is as high as the tiles decodes most of them
/// once, however narrow its blocks are.
fn automatic(
    width: usize,
    height: usize,
    budget: u64,
    needs: impl Fn(usize, usize) -> u64,
) -> (usize, usize) {
    let fits = |columns: usize, rows: usize| needs(columns, rows) <= budget;
    let (mut columns, mut rows) = (EDGE.min(width), EDGE.min(height));
    while columns > 64 && !fits(columns, rows) {
        columns /= 2;
    }
    while rows > 16 && !fits(columns, rows) {
        rows /= 2;
    }
    (columns, rows)
}

fn writer_bytes(stack: &Stack, job: &Job) -> u64 {
    let bands = stack.bands.len() as u64;
    let planes = stack.validity.planes(stack.bands.len()) as u64;
    let provenance =
        if job.output.provenance.is_some() { planes * if job.output.count { 4 } else { 3 } * 2 } else { 0 };
    // A row of tiles as samples, and once more on its way through the encoder.
    let row = (job.grid.width * WRITER_ROWS) as u64;
    row * (bands * job.cast.dtype.bytes() as u64 * 2 + provenance * 2)
}

/// What a mask rule, a score or a fill needs while it runs: so much for each pixel of the block and its halo.
struct Running {
    halo: usize,
    bytes: u64,
}

/// Every mask rule and score of every scene.
fn rules(stack: &Stack, jobs: &[Job]) -> Vec<Running> {
    // Samples and validity of each band; marks, neutral pixels, pixels outside; a plugin's own answer.
    let rule = |halo: usize, bands: usize| Running { halo, bytes: bands as u64 * 5 + 5 };
    let masks = stack.masks.iter().flatten().map(|mask| rule(mask.bound.halo(), mask.bound.bands().len()));
    let of_stage = |stage: &Stage| -> Vec<Running> {
        let scores = (0..stack.facts.len()).filter_map(|scene| stage.bound.score(scene));
        scores.map(|score| rule(score.halo(), score.bands().len())).collect()
    };
    masks.chain(jobs.iter().flat_map(|job| &job.fills).flat_map(of_stage)).collect()
}

/// Every fill: the donors that it has at once, with their scores, the target, and the scene that is being read.
fn stages(stack: &Stack, jobs: &[Job]) -> Vec<Running> {
    let bands = stack.bands.len() as u64;
    let block = bands * 4 + stack.validity.planes(stack.bands.len()) as u64;
    let fill = |job: &Job, stage: &Stage| {
        let donors = match stage.bound.temporal() {
            Temporal::OneByOne => 1,
            Temporal::WholeStack => stage.bound.donors().len() as u64,
        };
        let score = if stage.scores.iter().any(Option::is_some) { 4 } else { 0 };
        let target = if stage.bound.needs_target() { block } else { 0 };
        Running { halo: stage.bound.halo(), bytes: donors * (block + score) + target + reading(stack, job) }
    };
    // The target is read without a fill, too.
    let target = |job: &Job| Running { halo: 0, bytes: reading(stack, job) };
    let all = |job: &Job| job.fills.iter().map(|s| fill(job, s)).chain([target(job)]).collect::<Vec<_>>();
    jobs.iter().flat_map(all).collect()
}

/// Reading one scene: its block, native samples, validity per band; resampled, a copy more.
fn reading(stack: &Stack, job: &Job) -> u64 {
    let bands = stack.bands.len() as u64;
    let block = bands * 4 + stack.validity.planes(stack.bands.len()) as u64;
    let resampled =
        job.scenes.iter().flat_map(|s| &s.groups).any(|g| matches!(g.alignment, Alignment::Resample(_)));
    block + bands * 5 + if resampled { block + 48 } else { 0 }
}

/// What runs on a block.
struct Work {
    rules: Vec<Running>,
    stages: Vec<Running>,
}

impl Work {
    /// What the neediest stage needs: its halo is read as well, and masked with the halo of the mask rules.
    fn bytes(&self, columns: usize, rows: usize) -> u64 {
        let stage = |stage: &Running| {
            let (columns, rows) = (columns + 2 * stage.halo, rows + 2 * stage.halo);
            stage.bytes * (columns * rows) as u64 + most(&self.rules, columns, rows)
        };
        self.stages.iter().map(stage).max().unwrap_or(0)
    }
}

/// What the neediest needs for a block of this size: one runs at a time.
fn most(running: &[Running], columns: usize, rows: usize) -> u64 {
    let wide = |r: &Running| ((columns + 2 * r.halo) * (rows + 2 * r.halo)) as u64 * r.bytes;
    running.iter().map(wide).max().unwrap_or(0)
}

/// Bytes that a worker needs per pixel of a block.
fn bytes_per_pixel(stack: &Stack, job: &Job) -> u64 {
    let bands = stack.bands.len() as u64;
    let planes = stack.validity.planes(stack.bands.len()) as u64;
    let block = bands * 4 + planes;
    let canvas = bands * 4 + planes * 7;
    // The target as it was before masking goes along to the writer; so do clear looks.
    let before = if job.target.is_some() { block + planes } else { 0 };
    let count = if job.output.count { planes * 2 } else { 0 };
    // The canvas once in work, and once on its way to the writer.
    2 * (canvas + before + count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_shrink_until_the_workers_fit() {
        let needs = |columns: usize, rows: usize| (columns * rows * 400) as u64;
        assert_eq!(automatic(2048, 2048, 1 << 30, needs), (512, 512));
        assert_eq!(automatic(2048, 2048, 64 << 20, needs), (256, 512));
        assert_eq!(automatic(2048, 2048, 4 << 20, needs), (64, 128));
        assert_eq!(automatic(100, 50, 1 << 30, needs), (100, 50));
    }

    #[test]
    fn a_halo_counts_as_well_as_the_block() {
        let rules = [Running { halo: 0, bytes: 10 }, Running { halo: 500, bytes: 10 }];
        assert_eq!(most(&rules[..1], 200, 100), 200 * 100 * 10);
        assert_eq!(most(&rules, 200, 100), 1200 * 1100 * 10);
        // The halos of a stage and of a rule add up.
        let work = Work { rules: rules.into(), stages: vec![Running { halo: 100, bytes: 7 }] };
        assert_eq!(work.bytes(200, 100), 400 * 300 * 7 + 1400 * 1300 * 10);
    }
}
