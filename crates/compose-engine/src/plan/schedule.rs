//! Chooses the order of work that decodes the fewest tiles within the memory limit.

use crate::plan::ids::{BandId, SceneId};
use crate::plan::order::{Order, pieces};
use crate::plan::reads::TileSource;
use crate::plan::{Job, Stack};
use compose_core::{Temporal, ValidityMode, Window};
use std::ops::Range;

/// Number of region widths that are tried one tile apart; beyond that, widths are tried in larger steps.
const EVERY_WIDTH: usize = 32;
/// The most regions whose tiles are counted: of more regions, every n-th is counted, and the sum is multiplied by n.
const COUNTED: usize = 512;
/// Regions of an order, at most.
const MOST_REGIONS: usize = 1 << 16;

/// The input of the choice of an order.
pub struct OrderSearch<'a> {
    /// The scenes.
    pub stack: &'a Stack,
    /// The output.
    pub job: &'a Job,
    /// Workers.
    pub threads: usize,
    /// Size of the output's own tiles: regions end between them.
    pub tile: (usize, usize),
    /// Largest width and height of a block.
    pub block: (usize, usize),
    /// Whether there is to be one region.
    pub in_one: bool,
    /// The part of the grid that scenes lie in.
    pub covered: Window,
    /// The windows in which pixels may be composed; `None` where that is the whole grid.
    pub composable: Option<&'a [Window]>,
    /// Number of bands composed at a time: all, or one.
    pub bands: usize,
    /// Whether tiles that do not fit into memory may wait in a scratch file.
    pub scratch: bool,
    /// Bytes left for tiles and kept masks if regions have this width.
    pub left: &'a dyn Fn(usize) -> u64,
}

/// An order with the memory that its tiles may have.
struct Candidate {
    order: Order,
    budget: u64,
}

impl OrderSearch<'_> {
    /// The order that costs least among those whose tiles fit into memory or may wait in the scratch file; if there is
    /// none, the one with the smallest ratio of need to budget. Of equals the one with the widest regions. With it the
    /// bytes that are left for tiles. `None` if every width makes more than MOST_REGIONS regions.
    pub fn best(&self) -> Option<(Order, u64)> {
        let sources = TileSource::all(self.stack, self.job);
        let phases = self.phases(&sources);
        let mut best: Option<Candidate> = None;
        for width in self.widths() {
            let Some(candidate) = self.candidate(&sources, &phases, width) else { continue };
            if best.as_ref().is_none_or(|best| candidate.is_better_than(best)) {
                best = Some(candidate);
            }
        }
        best.map(|best| (best.order, best.budget))
    }

    /// Whether the validity of all bands is read before the first band is composed: with joint validity it decides
    /// about every pixel.
    fn validity_first(&self) -> bool {
        self.bands < self.stack.bands.len() && self.stack.validity == ValidityMode::Joint
    }

    /// The sources that are read at a time.
    fn phases(&self, sources: &[TileSource<'_>]) -> Vec<Vec<usize>> {
        let bands = self.stack.bands.len();
        let numbers = |test: &dyn Fn(&TileSource<'_>) -> bool| -> Vec<usize> {
            (0..sources.len()).filter(|i| test(&sources[*i])).collect()
        };
        if self.bands == bands {
            return vec![numbers(&|_| true)];
        }
        let of_band = |b: usize| numbers(&|s| s.wanted.contains(&BandId(b)));
        let times = if self.validity_first() { 2 } else { 1 };
        let masks = std::iter::once(numbers(&|s| s.masks));
        masks.chain((0..times).flat_map(|_| 0..bands).map(of_band)).collect()
    }

    /// Widths of regions to try, the widest first, in whole tiles of the output.
    fn widths(&self) -> Vec<usize> {
        let (width, tile) = (self.job.part.width, self.tile.0);
        if self.in_one {
            return vec![width];
        }
        let tiles = width.div_ceil(tile);
        let further = |n: &usize| Some(if *n < EVERY_WIDTH { n + 1 } else { n + n / 4 });
        let parts = std::iter::successors(Some(1), further).take_while(|n| *n <= tiles);
        let mut widths: Vec<usize> = parts.map(|n| (tiles.div_ceil(n) * tile).min(width)).collect();
        widths.dedup();
        widths
    }

    fn candidate(
        &self,
        sources: &[TileSource<'_>],
        phases: &[Vec<usize>],
        width: usize,
    ) -> Option<Candidate> {
        let bands = self.stack.bands.len();
        let band_ranges: Vec<Range<usize>> =
            (0..bands).step_by(self.bands).map(|b| b..b + self.bands).collect();
        let left = (self.left)(width);
        let kept_per_row = if band_ranges.len() > 1 { self.kept_per_row(width) } else { 0 };
        let height = self.region_height(kept_per_row, left);
        let grid = self.job.part;
        if grid.width.div_ceil(width) * grid.height.div_ceil(height) > MOST_REGIONS {
            return None;
        }
        let regions: Vec<Window> = pieces(grid, (width, height)).collect();
        let tiles: u64 = sources.iter().map(|s| s.tiles(grid)).sum();
        let (decoded, mut need) = self.reads(sources, phases, &regions);
        // Reading stops when pixels have enough observations: donors of low rank are read in few places.
        if self.reads_until_enough() {
            need = need / 4 * 3;
        }
        let budget = left.saturating_sub(kept_per_row * height as u64);
        // A quarter more than is counted: workers are not in step, and tiles not of even size.
        let (validity_first, block) = (self.validity_first(), self.block);
        let fits = need / 4 * 5 <= budget;
        let waiting = if self.scratch && !fits { need.saturating_sub(budget).max(1) } else { 0 };
        let order = Order {
            regions,
            band_ranges,
            validity_first,
            block,
            composable: self.composable.map(<[Window]>::to_vec),
            tiles,
            // Where only some regions were counted, the estimate may be too low.
            decoded: decoded.max(tiles),
            tile_bytes: need,
            fits,
            waiting,
            score_pieces: None,
        };
        Some(Candidate { order, budget })
    }

    /// Tiles that are decoded for all regions, and bytes of tiles that one of them needs at most.
    fn reads(&self, sources: &[TileSource<'_>], phases: &[Vec<usize>], regions: &[Window]) -> (u64, u64) {
        let grid = Window::whole(self.job.view.grid.width, self.job.view.grid.height);
        let with_scenes: Vec<Window> = regions
            .iter()
            // The surroundings that a fill reads may lie in the next region.
            .filter(|region| region.expand(self.halo()).intersect(self.covered).is_some())
            .copied()
            .collect();
        let every = with_scenes.len().div_ceil(COUNTED).max(1);
        let (mut decoded, mut need) = (0, 0);
        for phase in phases {
            let sources: Vec<&TileSource<'_>> = phase.iter().map(|number| &sources[*number]).collect();
            for region in with_scenes.iter().step_by(every) {
                let wide = region.expand(self.halo()).intersect(grid).expect("a region lies in the grid");
                decoded += sources.iter().map(|s| s.tiles(wide)).sum::<u64>();
                need = need.max(self.held(&sources, *region));
            }
        }
        (decoded * every as u64, need)
    }

    fn reads_until_enough(&self) -> bool {
        self.job
            .fills
            .iter()
            .any(|stage| matches!(stage.bound.planned().needs().temporal, Temporal::FirstObservations(_)))
    }

    /// Pixels that a fill reads around its blocks.
    fn halo(&self) -> usize {
        self.job.fills.iter().map(|stage| stage.bound.planned().needs().halo).max().unwrap_or(0)
    }

    /// The most bytes of tiles that a strip of the region needs at once, estimated from its first 8 strips.
    fn held(&self, sources: &[&TileSource<'_>], region: Window) -> u64 {
        let halo = 2 * self.halo();
        let wide = (self.block.0 + halo / self.threads, self.block.1 + halo);
        let in_strip = |strip| sources.iter().map(|s| s.held(region, strip, wide, self.threads)).sum();
        (0..region.height.div_ceil(self.block.1).min(8)).map(in_strip).max().unwrap_or(0)
    }

    /// Bytes of kept masks for one row of a region: a bit per pixel of each scene.
    fn kept_per_row(&self, width: usize) -> u64 {
        let groups = |scene: SceneId| self.job.view.scenes[scene].groups.len() as u64;
        self.job.scenes_read().map(|s| groups(s) * (width as u64 / 8 + 1)).sum()
    }

    /// The height of regions: as many rows as a quarter of the memory can keep masks for, in whole tiles of the
    /// output; the height of the grid where no masks are kept.
    fn region_height(&self, kept_per_row: u64, left: u64) -> usize {
        let (height, tile) = (self.job.part.height, self.tile.1);
        if kept_per_row == 0 {
            return height;
        }
        let rows = (left / 4 / kept_per_row) as usize;
        let most = (rows / tile * tile).max(tile);
        let regions = height.div_ceil(most);
        (height.div_ceil(regions).div_ceil(tile) * tile).min(height)
    }
}

impl Candidate {
    fn is_better_than(&self, other: &Self) -> bool {
        match (self.order.is_certain(), other.order.is_certain()) {
            (true, true) => self.order.cost() < other.order.cost(),
            (false, false) => self.lack() < other.lack(),
            (certain, _) => certain,
        }
    }

    /// The need as a multiple of the budget.
    fn lack(&self) -> f64 {
        self.order.tile_bytes as f64 / self.budget.max(1) as f64
    }
}
