//! Memory under a limit: how large the blocks are, and how much is left for shared tiles.

use crate::error::EngineError;
use crate::options::{BlockSize, DEFAULT_MEM_LIMIT, Options};
use crate::plan::empty::composable;
use crate::plan::footprint::{Work, bytes_per_pixel, native_share, resamples, rule_needs, stage_needs};
use crate::plan::ids::SceneId;
use crate::plan::order::ScorePieces;
use crate::plan::sample_lattice::SAMPLE_BYTES;
use crate::plan::schedule::OrderSearch;
use crate::plan::score_pieces::score_pieces;
use crate::plan::specs::{image_layout, mask_layout, provenance_layout, uncertainty_layout};
use crate::plan::{Bytes, Job, Order, Stack, Stage};
use crate::workers;
use compose_core::fill_strategy::Temporal;
use compose_core::{ValidityMode, Window};
use compose_io::BandRef;
use compose_io::write::RasterSpec;
use std::collections::BTreeMap;
use std::path::Path;

/// Program, libraries, GDAL's tables and open files.
const BASE: u64 = 72 << 20;
/// Size of GDAL's block cache. It is small, because decoded tiles are kept in our own cache.
pub const GDAL_CACHE: u64 = 8 << 20;
/// Edge of a block where memory allows.
const EDGE: usize = 512;
/// Blocks with more columns or rows than these may become smaller.
const SMALLEST: (usize, usize) = (64, 16);
/// Share of the limit for what GDAL keeps of open files.
const OPEN_SHARE: u64 = 16;
/// Share of the limit for gaps in the heap where rules compare scenes: blocks of many sizes come and go, and the C library
/// keeps what lies between them (3 % of 384 MB with 80 scenes).
const GAPS_SHARE: u64 = 25;
/// Files kept open at most: more save no time.
const MOST_OPEN: u64 = 64;
/// A block with all that a worker needs for it is to stay near the processor: more is slower even where memory allows.
const BLOCK_BYTES: u64 = 16 << 20;

/// The shares of the memory limit.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// The limit, in bytes.
    pub limit: u64,
    /// Whether `limit` is below the requested one because the address space (`ulimit -v`) is smaller.
    pub scarce: bool,
    /// Workers.
    pub threads: usize,
    /// Threads in which GDAL compresses.
    pub compressors: usize,
    /// For each worker, at most.
    pub per_worker: u64,
    /// For the writer, at most.
    pub writer: u64,
    /// For decoded tiles, at least.
    pub tiles: u64,
    /// Files kept open between reads.
    pub open_files: usize,
}

impl Memory {
    /// Bytes for tiles during the survey, which needs memory for its sample (twice while its pieces are put together) and
    /// for what each worker compares, but none for blocks.
    pub fn for_survey(&self, stack: &Stack, per_worker: u64) -> u64 {
        let threads = self.threads as u64;
        let least = stack.largest_tile().map_or(0, |t| t.tile_bytes()) * threads;
        let blocks = self.per_worker * threads + self.writer;
        (self.tiles + blocks).saturating_sub(2 * SAMPLE_BYTES as u64 + per_worker * threads).max(least)
    }

    /// Bytes of what a worker of the survey may compare at a time.
    pub fn to_compare(&self) -> u64 {
        self.limit / 4 / self.threads as u64
    }

    /// Shares the limit out over workers, writer and tiles, and chooses an order of work for each job.
    ///
    /// `scratch`: whether tiles may wait in a file.
    pub fn plan(
        stack: &Stack,
        jobs: &[Job],
        options: &Options,
        scratch: bool,
    ) -> Result<(Self, Vec<Order>), EngineError> {
        let wanted = options.threads.max(1);
        // First of all: every thread that is tried takes some of the address space for good.
        let (limit, scarce) = limit(options);
        refuse_block(stack, limit)?;
        // GDAL hangs if it cannot start a compression thread: it is asked for threads only if all can be started.
        let compress = workers::has_room(limit, 2 * wanted) && workers::available(2 * wanted) == 2 * wanted;
        let mut threads = wanted;
        loop {
            let compressors = if compress { threads } else { 1 };
            let memory = Self {
                limit,
                scarce,
                threads,
                compressors,
                per_worker: 0,
                writer: 0,
                tiles: u64::MAX,
                open_files: 0,
            };
            match memory.shared_out(stack, jobs, options, scratch) {
                Err(EngineError::Memory(_)) if options.fewer_threads && threads > 1 => threads -= 1,
                planned => return planned,
            }
        }
    }

    fn shared_out(
        mut self,
        stack: &Stack,
        jobs: &[Job],
        options: &Options,
        scratch: bool,
    ) -> Result<(Self, Vec<Order>), EngineError> {
        let (limit, threads) = (self.limit, self.threads);
        let per_file = stack.largest_open();
        // Each worker has one file in hand besides those that wait.
        let open_files = (limit / OPEN_SHARE / per_file.max(1)).clamp(1, MOST_OPEN);
        let compares = jobs.iter().any(|job| !job.comparing.is_empty());
        let gaps = if compares { limit / GAPS_SHARE } else { 0 };
        let files = (open_files + threads as u64) * per_file + readers(stack, threads as u64);
        let areas: u64 =
            jobs.iter().filter_map(|job| job.area.as_ref()).map(|area| area.inside.bytes()).sum();
        let base = BASE + GDAL_CACHE + gaps + files + areas;
        self.open_files = open_files as usize;
        let mut orders = Vec::new();
        for job in jobs {
            let share = Share {
                stack,
                job,
                base,
                memory: &self,
                scratch,
                block_size: options.block_size,
                native: native_share(job),
                covered: job.covered(),
                composable: composable(job, image_layout(stack, job, self.compressors).tile()),
            };
            let chosen = share.choose()?;
            self.per_worker = self.per_worker.max(chosen.per_worker);
            self.writer = self.writer.max(chosen.writer);
            self.tiles = self.tiles.min(chosen.tiles);
            orders.push(chosen.order);
        }
        Ok((self, orders))
    }
}

/// Refuses a file with a block larger than the memory limit: GDAL decodes a block as a whole.
fn refuse_block(stack: &Stack, limit: u64) -> Result<(), EngineError> {
    let Some(band) = stack.largest_block().filter(|band| band.open_bytes() > limit) else { return Ok(()) };
    let (width, height) = band.block_size();
    Err(EngineError::Memory(format!(
        "{}: it is stored in blocks of {width} × {height} pixels, and decoding one takes {}, more than the memory limit of \
         {}; write it in smaller blocks (gdal_translate -co TILED=YES), or raise --mem-limit",
        band.path.display(),
        Bytes(band.open_bytes() as f64),
        Bytes(limit as f64)
    )))
}

/// The limit that is asked for, or what the address space has room for where that is less.
fn limit(options: &Options) -> (u64, bool) {
    let asked = options.mem_limit.unwrap_or(DEFAULT_MEM_LIMIT);
    // The program is there already; half is for stacks, and for what the C library sets aside.
    let room = workers::address_space_left().map_or(u64::MAX, |left| BASE + left / 2);
    (asked.min(room), room < asked)
}

/// The share of one job.
struct Chosen {
    order: Order,
    per_worker: u64,
    writer: u64,
    tiles: u64,
}

/// One job's share of the memory.
struct Share<'a> {
    stack: &'a Stack,
    job: &'a Job,
    base: u64,
    memory: &'a Memory,
    scratch: bool,
    block_size: BlockSize,
    /// Pixels of a scene for one of the target.
    native: f64,
    /// The part of the grid that scenes lie in.
    covered: Window,
    /// The windows in which pixels may be composed; `None` where that is the whole grid.
    composable: Option<Vec<Window>>,
}

impl Share<'_> {
    fn choose(&self) -> Result<Chosen, EngineError> {
        let tile = image_layout(self.stack, self.job, self.memory.compressors).tile();
        let bands = self.stack.bands.len();
        // All bands together make one region at least.
        let together = self.order(bands, tile);
        let (mut order, mut budget) =
            together.ok_or_else(|| EngineError::Bug("no order for all bands together".into()))?;
        let by_band = may_go_by_band(self.stack, self.job).then(|| self.order(1, tile)).flatten();
        if let Some((one, of_one)) = by_band {
            // All bands together are simpler, and find each resampled pixel's place once; where memory is scarce, tiles
            // would be cut and copied for that.
            let scarce = order.tile_bytes > budget / 2 && !resamples(self.job);
            let better = match (one.is_certain(), order.is_certain()) {
                (true, true) => one.cost() < order.cost() || (scarce && one.cost() == order.cost()),
                (certain, _) => certain || !order.is_certain(),
            };
            if better {
                (order, budget) = (one, of_one);
            }
        }
        let bands = order.band_ranges[0].len();
        let workers = self.workers(order.block, bands, order.score_pieces);
        let per_worker = workers / self.memory.threads as u64;
        let writer = self.writer(order.regions[0].width, bands);
        if budget < self.smallest() || budget == 0 {
            return Err(self.refusal(&order, per_worker, writer));
        }
        Ok(Chosen { order, per_worker, writer, tiles: budget })
    }

    /// The best order with so many bands at a time, and the bytes it leaves for tiles.
    fn order(&self, bands: usize, tile: (usize, usize)) -> Option<(Order, u64)> {
        let (block, score_pieces) = self.block(bands);
        let workers = self.workers(block, bands, score_pieces);
        let left =
            |width: usize| self.memory.limit.saturating_sub(self.base + self.writer(width, bands) + workers);
        let choice = OrderSearch {
            stack: self.stack,
            job: self.job,
            threads: self.memory.threads,
            tile,
            block,
            in_one: self.block_size == BlockSize::Whole,
            covered: self.covered,
            composable: self.composable.as_deref(),
            bands,
            scratch: self.scratch,
            left: &left,
        };
        choice.best().map(|(order, budget)| (Order { score_pieces, ..order }, budget))
    }

    /// Width and height of a block, and the pieces for scores that look far. Where memory has no room for these, such
    /// scores are found block by block.
    fn block(&self, bands: usize) -> ((usize, usize), Option<ScorePieces>) {
        let block = self.block_size(bands, false);
        let needed = self.base
            + self.writer(EDGE, bands)
            + self.per_worker(block, bands, false) * self.memory.threads as u64;
        let left = self.memory.limit.saturating_sub(needed);
        let pieces = |room| score_pieces(self.job, block, self.memory.threads, (self.native, room));
        // A quarter as for blocks, but rather half of what is left than no pieces.
        match pieces(left / 4).or_else(|| pieces(left / 2)) {
            None => (self.block_size(bands, true), None),
            pieces => (block, pieces),
        }
    }

    /// `far`: whether scores that look far are found block by block.
    fn block_size(&self, bands: usize, far: bool) -> (usize, usize) {
        let Window { width, height, .. } = self.job.part;
        let left = self.memory.limit.saturating_sub(self.base + self.writer(EDGE, bands));
        let threads = self.memory.threads as u64;
        match self.block_size {
            BlockSize::Pixels(n) => (n.min(width), n.min(height)),
            BlockSize::Whole => (width, height),
            // A quarter for the workers at most, the rest for tiles: a tile decoded twice costs more than a small block.
            BlockSize::Auto => {
                let needs = |columns, rows| self.per_worker((columns, rows), bands, far);
                let cell = self.job.fills.iter().filter_map(|stage| stage.bound.planned().needs().cell).max();
                let budget = match need_if_mostly_halo(width, height, needs).filter(|_| cell.is_none()) {
                    // Neighbouring blocks read their surroundings again: a few times the memory allows a much larger block.
                    Some(least) => (left / 2 / threads).min(BLOCK_BYTES.max(4 * least)),
                    None => (left / 4 / threads).min(BLOCK_BYTES),
                };
                automatic((width, height), cell, budget, needs)
            }
        }
    }

    /// Bytes that all workers need, with the pieces of scores.
    fn workers(&self, block: (usize, usize), bands: usize, pieces: Option<ScorePieces>) -> u64 {
        let threads = self.memory.threads;
        let blocks = self.per_worker(block, bands, pieces.is_none()) * threads as u64;
        blocks + pieces.map_or(0, |pieces| pieces.bytes(threads))
    }

    /// Bytes that a worker needs for a block. `far`: whether scores that look far are found block by block.
    fn per_worker(&self, (columns, rows): (usize, usize), bands: usize, far: bool) -> u64 {
        let work = Work {
            grid: (self.job.view.grid.width, self.job.view.grid.height),
            rules: rule_needs(self.stack, self.job, self.native, far),
            stages: stage_needs(self.stack, self.job, bands, self.native),
        };
        let of_strategies =
            self.job.fills.iter().map(|stage| stage.bound.planned().needs().memory).max().unwrap_or(0) as u64;
        bytes_per_pixel(self.stack, self.job, bands) * (columns * rows) as u64
            + work.bytes(columns, rows)
            + of_strategies
    }

    /// Bytes of the writer: the tiles that are being put together, of so many bands on so many columns.
    fn writer(&self, width: usize, bands: usize) -> u64 {
        let image = image_layout(self.stack, self.job, self.memory.compressors);
        let of = |spec: &RasterSpec, bands: usize| spec.buffer_bytes(width, bands);
        let record = self.job.output.provenance.as_ref().map_or(0, |path| {
            let spec = provenance_layout(self.stack, self.job, self.memory.compressors, path.clone());
            let per_plane = spec.bands.len() / self.stack.validity.planes(self.stack.bands.len());
            of(&spec, per_plane * self.stack.validity.planes(bands))
        });
        let uncertainty = self.job.output.uncertainty.as_ref().map_or(0, |path| {
            of(&uncertainty_layout(self.stack, self.job, self.memory.compressors, path.clone()), bands)
        });
        let mask = self.job.output.mask.as_ref().map_or(0, |path| {
            of(&mask_layout(self.stack, self.job, self.memory.compressors, path.clone()), 2)
        });
        of(&image, bands) + record + uncertainty + mask + self.tile_index_bytes()
    }

    /// Bytes that libtiff keeps of the places and lengths of tiles in all rasters together, for the image and its record
    /// twice as many bands as are wanted at most.
    fn tile_index_bytes(&self) -> u64 {
        let tile = image_layout(self.stack, self.job, self.memory.compressors).tile();
        let tiles =
            self.job.part.width.div_ceil(tile.0) as u64 * self.job.part.height.div_ceil(tile.1) as u64;
        let bands = self.stack.bands.len();
        let of_record = 3 * self.stack.validity.planes(bands);
        16 * tiles * (bands + of_record) as u64
    }

    /// The least that tiles need: one for each worker.
    fn smallest(&self) -> u64 {
        self.stack.largest_tile().map_or(0, |t| t.tile_bytes()) * self.memory.threads as u64
    }

    fn refusal(&self, order: &Order, per_worker: u64, writer: u64) -> EngineError {
        let mb = |bytes: u64| bytes.div_ceil(1 << 20);
        let of_tile = self.stack.largest_tile().map_or_else(String::new, |t| {
            let (w, h) = t.tile_size();
            let smallest = mb(self.smallest());
            format!(", {smallest} MB for one tile of {w}×{h} pixels of {} per worker", t.path.display())
        });
        let around = match self.stack.widest_rule() {
            Some((name, halo)) if halo > order.block.0.max(order.block.1) => {
                format!(" and {halo} px around them, which mask \"{name}\" looks at")
            }
            _ => String::new(),
        };
        let (what, more) = if self.memory.scarce {
            ("an address space (ulimit -v) with room for", "allow more of it")
        } else {
            ("a memory limit of", "raise --mem-limit")
        };
        EngineError::Memory(format!(
            "{what} {} MB is too small for a grid of {}×{} pixels: {} MB for the program and the \
             writer, {} MB for {} workers with blocks of {}×{} pixels{around}{of_tile}; {more}, or use fewer \
             threads (-j) or smaller blocks (--block-size)",
            mb(self.memory.limit),
            self.job.part.width,
            self.job.part.height,
            mb(self.base + writer),
            mb(per_worker * self.memory.threads as u64),
            self.memory.threads,
            order.block.0,
            order.block.1,
        ))
    }
}

/// Bytes for reading without GDAL: the block tables of all files, and one packed block per worker.
fn readers(stack: &Stack, threads: u64) -> u64 {
    /// The state of the codecs.
    const CODECS: u64 = 200 << 10;
    let mut files: BTreeMap<&Path, (u64, u64)> = BTreeMap::new();
    files.extend(stack.refs_read().map(|band| (band.path.as_path(), band.reader_bytes())));
    let tables: u64 = files.values().map(|(table, _)| table).sum();
    tables + threads * (files.values().map(|(_, scratch)| *scratch).max().unwrap_or(0) + CODECS)
}

/// Whether the bands of a job can be composed one after the other: the fills work band by band, no input stores bands
/// interleaved, and no output (pictures, masks, uncertainty, pixel-interleaved image) needs all bands together.
pub fn may_go_by_band(stack: &Stack, job: &Job) -> bool {
    let whole_stack = |stage: &Stage| {
        let needs = stage.bound.planned().needs();
        needs.by_band && needs.temporal == Temporal::WholeStack && needs.halo == 0
    };
    // With joint validity the kept bits combine all bands and the masks, on one grid. Validity without the masks is not
    // kept.
    let masked =
        job.target.is_none() && job.fills.iter().flat_map(|f| f.bound.planned().donors()).all(|d| d.masked);
    let one_grid = job.scenes_read().all(|scene| job.view.scenes[scene].groups.len() == 1);
    let refs = |scene: SceneId| stack.scenes[scene].refs[..stack.facts[scene].wanted].iter();
    stack.bands.len() > 1
        && !job.fills.is_empty()
        && (stack.validity == ValidityMode::PerBand || (masked && one_grid))
        && job.fills.iter().all(whole_stack)
        && job.output.quicklooks.is_empty()
        && job.output.uncertainty.is_none()
        && job.output.mask.is_none()
        && !job.scenes_read().flat_map(refs).any(BandRef::is_shared)
        && !image_layout(stack, job, 1).is_pixel_interleaved()
}

/// The memory need of the smallest block, in bytes, if most of it is for the halo: a block with four times the pixels
/// needs less than twice the memory. Else `None`.
fn need_if_mostly_halo(width: usize, height: usize, needs: impl Fn(usize, usize) -> u64) -> Option<u64> {
    let of = |columns: usize, rows: usize| needs(columns.min(width), rows.min(height));
    let least = of(SMALLEST.0, SMALLEST.1);
    (width >= 2 * SMALLEST.0 && height >= 2 * SMALLEST.1 && of(2 * SMALLEST.0, 2 * SMALLEST.1) < 2 * least)
        .then_some(least)
}

/// Blocks keep their height as long as they can: a strip that is as high as the tiles decodes most of them
/// once, however narrow its blocks are.
///
/// For fills that work in cells, blocks are no smaller than a cell: a part of a cell costs as much as the whole.
fn automatic(
    (width, height): (usize, usize),
    cell: Option<usize>,
    budget: u64,
    needs: impl Fn(usize, usize) -> u64,
) -> (usize, usize) {
    let fits = |columns: usize, rows: usize| needs(columns, rows) <= budget;
    let (mut columns, mut rows) = (EDGE.min(width), EDGE.min(height));
    let (narrowest, lowest) = cell.map_or(SMALLEST, |cell| (cell.max(256), cell.max(256)));
    while columns > narrowest && !fits(columns, rows) {
        columns /= 2;
    }
    while rows > lowest && !fits(columns, rows) {
        rows /= 2;
    }
    (columns, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_shrink_until_the_workers_fit() {
        let needs = |columns: usize, rows: usize| (columns * rows * 400) as u64;
        assert_eq!(automatic((2048, 2048), None, 1 << 30, needs), (512, 512));
        assert_eq!(automatic((2048, 2048), None, 64 << 20, needs), (256, 512));
        assert_eq!(automatic((2048, 2048), None, 4 << 20, needs), (64, 128));
        assert_eq!(automatic((2048, 2048), Some(256), 4 << 20, needs), (256, 256));
        assert_eq!(automatic((100, 50), None, 1 << 30, needs), (100, 50));
    }

    #[test]
    fn blocks_that_are_small_beside_what_is_read_around_them_may_become_large() {
        let with = |halo: usize| {
            move |columns: usize, rows: usize| ((columns + 2 * halo) * (rows + 2 * halo)) as u64
        };
        assert_eq!(need_if_mostly_halo(2048, 2048, with(400)), Some(864 * 816));
        assert_eq!(need_if_mostly_halo(2048, 2048, with(0)), None);
        assert_eq!(need_if_mostly_halo(100, 2048, with(400)), None);
        assert_eq!(automatic((2048, 2048), None, 4 * 864 * 816, with(400)), (512, 512));
    }
}
