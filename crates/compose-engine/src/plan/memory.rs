//! Memory under a limit: how large the blocks are, and how much is left for shared tiles.

use crate::error::EngineError;
use crate::options::{BlockSize, DEFAULT_MEM_LIMIT, Options};
use crate::plan::{Job, Stack};
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
        let (width, height) =
            (largest(&|j| j.grid.width as u64) as usize, largest(&|j| j.grid.height as u64) as usize);
        let block = match options.block_size {
            BlockSize::Pixels(n) => (n.min(width), n.min(height)),
            BlockSize::Whole => (width, height),
            // A quarter for the workers, the rest for tiles: a tile decoded twice costs more than a small block.
            BlockSize::Auto => automatic(width, height, left / 4 / threads as u64, per_pixel),
        };
        let per_worker = per_pixel * (block.0 * block.1) as u64;
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
fn automatic(width: usize, height: usize, budget: u64, per_pixel: u64) -> (usize, usize) {
    let fits = |columns: usize, rows: usize| (columns * rows) as u64 * per_pixel <= budget;
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

/// Bytes that a worker needs per pixel of a block.
fn bytes_per_pixel(stack: &Stack, job: &Job) -> u64 {
    let bands = stack.bands.len() as u64;
    let planes = stack.validity.planes(stack.bands.len()) as u64;
    let block = bands * 4 + planes;
    // Reading one scene: native samples, validity per band, codes, marks; resampled, a copy more.
    let resampled =
        job.scenes.iter().flat_map(|s| &s.groups).any(|g| matches!(g.alignment, Alignment::Resample(_)));
    let reading = bands * 5 + 8 + if resampled { block + 48 } else { 0 };
    let canvas = bands * 4 + planes * 7;
    let at_once = job.fills.iter().map(|f| match f.bound.temporal() {
        Temporal::OneByOne => 1,
        Temporal::WholeStack => f.bound.donors().len() as u64,
    });
    // The target as it was before masking goes along to the writer; so do clear looks.
    let before = if job.target.is_some() { block + planes } else { 0 };
    let count = if job.output.count { planes * 2 } else { 0 };
    // The canvas once in work, and once on its way to the writer.
    2 * (canvas + before + count) + reading + block + block * at_once.max().unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_shrink_until_the_workers_fit() {
        assert_eq!(automatic(2048, 2048, 1 << 30, 400), (512, 512));
        assert_eq!(automatic(2048, 2048, 64 << 20, 400), (256, 512));
        assert_eq!(automatic(2048, 2048, 4 << 20, 400), (64, 128));
        assert_eq!(automatic(100, 50, 1 << 30, 400), (100, 50));
    }
}
