//! In which order an output is composed: regions one after the other, in each region some bands after the others, in
//! these block by block.
//!
//! Blocks come in row-major order, so a tile that reaches below a strip of blocks is wanted again by the next strip.
//! A whole row of tiles of every band of every scene may be more than the memory holds. A region that is narrower than
//! the grid has shorter rows; a pass through one band at a time has fewer. Both have a price: tiles on the border of
//! two regions are decoded for each of them, and the masks of the region must be kept from one band to the next.

use crate::plan::tiles::Stream;
use crate::plan::{Job, Stack};
use compose_core::{Temporal, ValidityMode, Window};
use std::ops::Range;

/// The order of work for one output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// They cover the grid, row by row.
    pub regions: Vec<Window>,
    /// They cover the wanted bands. More than one: what is usable is found out first, and kept.
    pub turns: Vec<Range<usize>>,
    /// Whether that needs every band to be looked at first, because a pixel is judged by all of them.
    pub looks_first: bool,
    /// Largest width and height of a block.
    pub block: (usize, usize),
    /// Tiles that the inputs have on the grid.
    pub tiles: u64,
    /// Tiles that will be decoded, if memory holds what the order counts on.
    pub decoded: u64,
    /// Bytes of tiles that it counts on.
    pub held: u64,
    /// Whether memory holds them; otherwise tiles are decoded again, nobody knows how often.
    pub fits: bool,
}

/// What is done with a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// Its masks are made, and kept.
    Mask,
    /// What is not valid in a band joins them.
    Judge(usize),
    /// These bands are composed.
    Compose(Range<usize>),
}

/// One piece of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Number of the region.
    pub region: usize,
    /// Counts the passes over all regions.
    pub turn: usize,
    /// What is done.
    pub task: Task,
    /// The block.
    pub window: Window,
    /// How many items must be done before.
    pub after: usize,
}

/// The work of an order, piece by piece.
pub struct Items<'a> {
    order: &'a Order,
    tasks: Vec<Task>,
    /// Number of the first item of each pass.
    starts: Vec<usize>,
    count: usize,
}

impl Items<'_> {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The item of this number, if there are so many.
    pub fn get(&self, number: usize) -> Option<Item> {
        if number >= self.count {
            return None;
        }
        let turn = self.starts.partition_point(|start| *start <= number) - 1;
        let (start, region) = (self.starts[turn], turn / self.tasks.len());
        let within = self.order.regions[region];
        let (across, (width, height)) = (self.order.blocks(within).0, self.order.block);
        let (col, row) = ((number - start) % across * width, (number - start) / across * height);
        let window = Window {
            col: within.col + col as i64,
            row: within.row + row as i64,
            width: width.min(within.width - col),
            height: height.min(within.height - row),
        };
        // What is kept of a block is changed by one task after the other; masks alone are made when missed.
        let after = if self.order.looks_first { start } else { 0 };
        Some(Item { region, turn, task: self.tasks[turn % self.tasks.len()].clone(), window, after })
    }

    /// All of them.
    #[cfg(test)]
    pub fn all(&self) -> Vec<Item> {
        (0..self.count).filter_map(|number| self.get(number)).collect()
    }
}

/// So many widths of regions are tried one tile apart; wider grids try few of the narrower ones.
const EVERY_WIDTH: usize = 32;
/// Regions whose tiles are counted, at most: of more, as many that are spread over the grid stand for all.
const COUNTED: usize = 512;
/// Regions of an order, at most.
const MOST_REGIONS: usize = 1 << 16;

impl Order {
    /// All bands of all blocks in row-major order.
    pub fn plain(width: usize, height: usize, bands: usize, block: (usize, usize)) -> Self {
        Self {
            regions: vec![Window::whole(width, height)],
            turns: std::iter::once(0..bands).collect(),
            looks_first: false,
            block,
            tiles: 0,
            decoded: 0,
            held: 0,
            fits: true,
        }
    }

    /// Whether masks are made once and kept from turn to turn.
    pub fn keeps_masks(&self) -> bool {
        self.turns.len() > 1
    }

    /// How many tiles are decoded, and how many of them again because memory is short.
    pub fn decoding(&self) -> String {
        let (tiles, again) = (self.tiles, self.decoded - self.tiles);
        match (self.fits, again) {
            (true, 0) => format!("{tiles} tiles, each decoded once"),
            (true, _) => format!("{tiles} tiles, {again} of them decoded again to keep to the memory limit"),
            (false, _) => {
                format!(
                    "{tiles} tiles, many of them decoded again: a higher --mem-limit would be much faster"
                )
            }
        }
    }

    /// All that is to be done, in order: made one by one, for a large grid has many.
    pub fn items(&self) -> Items<'_> {
        let tasks = self.tasks();
        let mut starts = Vec::with_capacity(self.passes() + 1);
        let mut next = 0;
        for region in &self.regions {
            let (across, down) = self.blocks(*region);
            for _ in &tasks {
                starts.push(next);
                next += across * down;
            }
        }
        Items { order: self, tasks, starts, count: next }
    }

    /// How many blocks a region has across and down.
    fn blocks(&self, region: Window) -> (usize, usize) {
        (region.width.div_ceil(self.block.0.max(1)), region.height.div_ceil(self.block.1.max(1)))
    }

    /// How often it comes to a region, all regions together.
    pub fn passes(&self) -> usize {
        self.regions.len() * self.tasks().len()
    }

    /// What is done in each region, one after the other.
    fn tasks(&self) -> Vec<Task> {
        let bands = self.turns.last().map_or(0, |last| last.end);
        let masks = if self.keeps_masks() { vec![Task::Mask] } else { Vec::new() };
        let looks = if self.looks_first { 0..bands } else { 0..0 };
        let compose = self.turns.iter().cloned().map(Task::Compose);
        masks.into_iter().chain(looks.map(Task::Judge)).chain(compose).collect()
    }
}

/// Pieces of this size in row-major order; those at the right and lower edge are smaller.
pub fn pieces(of: Window, (width, height): (usize, usize)) -> impl Iterator<Item = Window> {
    let rows = (0..of.height).step_by(height.max(1));
    rows.flat_map(move |row| {
        (0..of.width).step_by(width.max(1)).map(move |col| Window {
            col: of.col + col as i64,
            row: of.row + row as i64,
            width: width.min(of.width - col),
            height: height.min(of.height - row),
        })
    })
}

/// What an order is chosen from and for.
pub struct Choice<'a> {
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
    /// How many bands at a time: all, or one.
    pub bands: usize,
    /// What is left for tiles and kept masks where regions have this width.
    pub left: &'a dyn Fn(usize) -> u64,
}

/// An order with the memory that its tiles may have.
struct Candidate {
    order: Order,
    budget: u64,
}

impl Choice<'_> {
    /// The order with the fewest tiles to decode among those whose tiles fit into memory; where none does, the one
    /// that lacks least. Of equals the simplest. With it the bytes that are left for tiles. `None` where the grid would be
    /// cut into more regions than anybody could keep account of.
    pub fn best(&self) -> Option<(Order, u64)> {
        let streams = Stream::all(self.stack, self.job);
        let phases = self.phases(&streams);
        let mut best: Option<Candidate> = None;
        for width in self.widths() {
            let Some(candidate) = self.candidate(&streams, &phases, width) else { continue };
            if best.as_ref().is_none_or(|best| candidate.is_better_than(best)) {
                best = Some(candidate);
            }
        }
        best.map(|best| (best.order, best.budget))
    }

    /// Jointly, a pixel is judged by all bands.
    fn looks_first(&self) -> bool {
        self.bands < self.stack.bands.len() && self.stack.validity == ValidityMode::Joint
    }

    /// The streams that are read at a time.
    fn phases(&self, streams: &[Stream<'_>]) -> Vec<Vec<usize>> {
        let bands = self.stack.bands.len();
        let numbers = |test: &dyn Fn(&Stream<'_>) -> bool| -> Vec<usize> {
            (0..streams.len()).filter(|i| test(&streams[*i])).collect()
        };
        if self.bands == bands {
            return vec![numbers(&|_| true)];
        }
        let of_band = |b: usize| numbers(&|s| s.wanted.contains(&b));
        let times = if self.looks_first() { 2 } else { 1 };
        let masks = std::iter::once(numbers(&|s| s.masks));
        masks.chain((0..times).flat_map(|_| 0..bands).map(of_band)).collect()
    }

    /// Widths of regions to try, the widest first, in whole tiles of the output.
    fn widths(&self) -> Vec<usize> {
        let (width, tile) = (self.job.grid.width, self.tile.0);
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

    fn candidate(&self, streams: &[Stream<'_>], phases: &[Vec<usize>], width: usize) -> Option<Candidate> {
        let bands = self.stack.bands.len();
        let turns: Vec<Range<usize>> = (0..bands).step_by(self.bands).map(|b| b..b + self.bands).collect();
        let left = (self.left)(width);
        let kept_per_row = if turns.len() > 1 { self.kept_per_row(width) } else { 0 };
        let height = self.region_height(kept_per_row, left);
        let grid = Window::whole(self.job.grid.width, self.job.grid.height);
        if grid.width.div_ceil(width) * grid.height.div_ceil(height) > MOST_REGIONS {
            return None;
        }
        let regions: Vec<Window> = pieces(grid, (width, height)).collect();
        let tiles: u64 = streams.iter().map(|s| s.tiles(grid)).sum();
        let (decoded, mut need) = self.reads(streams, phases, &regions);
        // Where looks are enough, the donors of low rank are read here and there alone.
        if self.reads_until_enough() {
            need = need / 4 * 3;
        }
        let budget = left.saturating_sub(kept_per_row * height as u64);
        // A quarter more than is counted: workers are not in step, and tiles not of even size.
        let (looks_first, block) = (self.looks_first(), self.block);
        let order = Order {
            regions,
            turns,
            looks_first,
            block,
            tiles,
            // Where regions stand for others, they may have missed some.
            decoded: decoded.max(tiles),
            held: need,
            fits: need / 4 * 5 <= budget,
        };
        Some(Candidate { order, budget })
    }

    /// Tiles that are decoded for all regions, and bytes of tiles that one of them needs at most.
    fn reads(&self, streams: &[Stream<'_>], phases: &[Vec<usize>], regions: &[Window]) -> (u64, u64) {
        let grid = Window::whole(self.job.grid.width, self.job.grid.height);
        let seen: Vec<Window> = regions
            .iter()
            // What a fill reads around its blocks lies in the next region, too.
            .filter(|region| region.expand(self.halo()).intersect(self.covered).is_some())
            .copied()
            .collect();
        let every = seen.len().div_ceil(COUNTED).max(1);
        let (mut decoded, mut need) = (0, 0);
        for phase in phases {
            let streams: Vec<&Stream<'_>> = phase.iter().map(|number| &streams[*number]).collect();
            for region in seen.iter().step_by(every) {
                let wide = region.expand(self.halo()).intersect(grid).expect("a region lies in the grid");
                decoded += streams.iter().map(|s| s.tiles(wide)).sum::<u64>();
                need = need.max(self.held(&streams, *region));
            }
        }
        (decoded * every as u64, need)
    }

    fn reads_until_enough(&self) -> bool {
        self.job.fills.iter().any(|stage| matches!(stage.bound.temporal(), Temporal::FirstLooks(_)))
    }

    /// Pixels that a fill reads around its blocks.
    fn halo(&self) -> usize {
        self.job.fills.iter().map(|stage| stage.bound.halo()).max().unwrap_or(0)
    }

    /// Bytes of tiles that a region needs at most; a few strips tell of all.
    fn held(&self, streams: &[&Stream<'_>], region: Window) -> u64 {
        let halo = 2 * self.halo();
        let wide = (self.block.0 + halo / self.threads, self.block.1 + halo);
        let in_strip = |strip| streams.iter().map(|s| s.held(region, strip, wide, self.threads)).sum();
        (0..region.height.div_ceil(self.block.1).min(8)).map(in_strip).max().unwrap_or(0)
    }

    /// Bytes of kept masks for one row of a region: a bit per pixel of each scene.
    fn kept_per_row(&self, width: usize) -> u64 {
        let groups = |scene: usize| self.job.scenes[scene].groups.len() as u64;
        self.job.scenes_read().map(|s| groups(s) * (width as u64 / 8 + 1)).sum()
    }

    /// As high as a quarter of the memory holds masks for, in whole tiles of the output.
    fn region_height(&self, kept_per_row: u64, left: u64) -> usize {
        let (height, tile) = (self.job.grid.height, self.tile.1);
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
        match (self.order.fits, other.order.fits) {
            (true, true) => self.order.decoded < other.order.decoded,
            (false, false) => self.lack() < other.lack(),
            (fits, _) => fits,
        }
    }

    /// How many times the budget is needed.
    fn lack(&self) -> f64 {
        self.order.held as f64 / self.budget.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_cover_each_band_of_the_grid_once_region_by_region() {
        let mut order = Order::plain(5, 3, 2, (2, 2));
        let windows: Vec<Window> = order.items().all().iter().map(|i| i.window).collect();
        assert_eq!(windows.iter().map(|w| w.pixels()).sum::<usize>(), 15);
        assert_eq!(windows[2], Window { col: 4, row: 0, width: 1, height: 2 });
        assert_eq!(windows[5], Window { col: 4, row: 2, width: 1, height: 1 });
        order.regions = pieces(Window::whole(5, 3), (4, 3)).collect();
        order.turns = vec![0..1, 1..2];
        let items = order.items().all();
        let kinds: Vec<_> = items.iter().map(|i| (i.region, i.task.clone())).collect();
        let tasks = || [Task::Mask, Task::Compose(0..1), Task::Compose(1..2)];
        let of_region = |region, blocks| tasks().into_iter().flat_map(move |t| vec![(region, t); blocks]);
        assert_eq!(kinds, of_region(0, 4).chain(of_region(1, 2)).collect::<Vec<_>>());
        assert!(items.iter().all(|i| i.after == 0));
        assert_eq!(order.passes(), items.last().unwrap().turn + 1);
        assert_eq!(items.last().unwrap().window, Window { col: 4, row: 2, width: 1, height: 1 });
    }

    #[test]
    fn what_is_judged_by_all_bands_waits_until_all_are_looked_at() {
        let mut order = Order::plain(4, 2, 2, (2, 2));
        (order.turns, order.looks_first) = (vec![0..1, 1..2], true);
        let items = order.items().all();
        let of = |task: Task| items.iter().filter(|i| i.task == task).map(|i| i.after).collect::<Vec<_>>();
        assert_eq!(of(Task::Mask), [0, 0]);
        assert_eq!(of(Task::Judge(1)), [4, 4]);
        assert_eq!(of(Task::Compose(0..1)), [6, 6]);
        assert_eq!(items.len(), 10);
    }
}
