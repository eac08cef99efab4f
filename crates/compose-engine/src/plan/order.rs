//! In which order an output is composed: regions one after the other, in each region some bands after the others, in
//! these block by block.
//!
//! Blocks come in row-major order, so a tile that reaches below a strip of blocks is wanted again by the next strip.
//! A whole row of tiles of every band of every scene may be more than the memory holds. A region that is narrower than
//! the grid has shorter rows; a pass through one band at a time has fewer. Both have a price: tiles on the border of
//! two regions are decoded for each of them, and the masks of the region must be kept from one band to the next.

use crate::plan::ids::BandId;
use crate::plan::overlapping_pieces::overlapping_pieces;
use compose_core::Window;
use std::ops::Range;

/// The order of work for one output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The regions; they cover the part of the grid that is composed, row by row.
    pub regions: Vec<Window>,
    /// The ranges of bands that are composed one after the other; they cover the wanted bands. With more than one range, the
    /// masks are made first and kept.
    pub band_ranges: Vec<Range<usize>>,
    /// Whether the validity of every band is read before the first is composed: with joint validity a pixel is valid
    /// only where all bands are.
    pub validity_first: bool,
    /// Largest width and height of a block.
    pub block: (usize, usize),
    /// The windows in which pixels may be composed: blocks that overlap none of them are left out. `None` where that
    /// is the whole grid.
    pub composable: Option<Vec<Window>>,
    /// Tiles that the inputs have on the grid.
    pub tiles: u64,
    /// Tiles that will be decoded, if memory holds the `tile_bytes`.
    pub decoded: u64,
    /// Bytes of tiles that are in use at once.
    pub tile_bytes: u64,
    /// Whether memory holds them; otherwise tiles wait in the scratch file, or are decoded again an unknown number of times.
    pub fits: bool,
    /// Bytes of them that wait in the scratch file.
    pub waiting: u64,
    /// The pieces in which scores that look far are found; `None` where they are found block by block, or there is none.
    pub score_pieces: Option<ScorePieces>,
}

/// The pieces of a scene in which scores that look far around a pixel are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScorePieces {
    /// Width and height.
    pub size: (usize, usize),
    /// Bytes of the pieces that are kept.
    pub kept: u64,
    /// Bytes that a worker needs to find the scores of one.
    pub making: u64,
}

impl ScorePieces {
    /// Bytes of all, with so many workers.
    pub fn bytes(&self, threads: usize) -> u64 {
        self.kept + self.making * threads as u64
    }
}

/// The work on a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// The masks are made and kept.
    Mask,
    /// The pixels that are not valid in a band are added to the kept masks.
    CheckValidity(BandId),
    /// These bands are composed.
    Compose(Range<usize>),
}

/// One piece of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Number of the region.
    pub region: usize,
    /// Counts the passes over all regions.
    pub pass: usize,
    /// The work.
    pub task: Task,
    /// The block.
    pub window: Window,
    /// The item can begin when so many items are written.
    pub written_before: usize,
}

/// The work of an order, piece by piece.
pub struct Items<'a> {
    order: &'a Order,
    tasks: Vec<Task>,
    /// Per region: its blocks that are composed.
    spans: Vec<Vec<Span>>,
    /// Number of the first item of each pass.
    starts: Vec<usize>,
    count: usize,
}

/// Blocks of a region that follow each other.
struct Span {
    /// Number of the first among those that are composed.
    nth: usize,
    /// Its number among all, row by row.
    block: usize,
}

impl Items<'_> {
    /// The number of items.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The item of this number, if there are so many.
    pub fn get(&self, number: usize) -> Option<Item> {
        if number >= self.count {
            return None;
        }
        let pass = self.starts.partition_point(|start| *start <= number) - 1;
        let (start, region) = (self.starts[pass], pass / self.tasks.len());
        let spans = &self.spans[region];
        let span = &spans[spans.partition_point(|span| span.nth <= number - start) - 1];
        let window = self.order.block_at(region, span.block + number - start - span.nth);
        // Tasks change the kept masks of a block one after the other. Without `CheckValidity`, missing masks are made
        // when they are needed.
        let written_before = if self.order.validity_first { start } else { 0 };
        Some(Item { region, pass, task: self.tasks[pass % self.tasks.len()].clone(), window, written_before })
    }

    /// All of them.
    #[cfg(test)]
    pub fn all(&self) -> Vec<Item> {
        (0..self.count).filter_map(|number| self.get(number)).collect()
    }
}

impl Order {
    /// All bands of all blocks in row-major order.
    pub fn plain(part: Window, bands: usize, block: (usize, usize)) -> Self {
        Self {
            regions: vec![part],
            band_ranges: std::iter::once(0..bands).collect(),
            validity_first: false,
            block,
            composable: None,
            tiles: 0,
            decoded: 0,
            tile_bytes: 0,
            fits: true,
            waiting: 0,
            score_pieces: None,
        }
    }

    /// Whether masks are made once and kept from pass to pass.
    pub fn keeps_masks(&self) -> bool {
        self.band_ranges.len() > 1
    }

    /// How many tiles are decoded, and how many of them again because memory is short.
    pub fn decoding(&self) -> String {
        let (tiles, again) = (self.tiles, self.decoded - self.tiles);
        let waiting = match self.waiting {
            0 => String::new(),
            bytes => {
                format!("; up to {} MB of them wait in a scratch file at a time", bytes.div_ceil(1 << 20))
            }
        };
        match (self.is_certain(), again) {
            (true, 0) => format!("{tiles} tiles, each decoded once{waiting}"),
            (true, _) => {
                format!("{tiles} tiles, {again} of them decoded again to keep to the memory limit{waiting}")
            }
            (false, _) => {
                format!(
                    "{tiles} tiles, many of them decoded again: a higher --mem-limit would be much faster"
                )
            }
        }
    }

    /// Whether tiles are decoded as often as the plan says.
    pub fn is_certain(&self) -> bool {
        self.fits || self.waiting > 0
    }

    /// The cost of its tiles, in tiles that are decoded.
    pub fn cost(&self) -> f64 {
        /// The cost of writing a tile and reading it back, as a share of its decoding.
        const WAITING: f64 = 0.25;
        let share = self.waiting as f64 / self.tile_bytes.max(1) as f64;
        self.decoded as f64 * (1.0 + WAITING * share)
    }

    /// The items in order. They are made one by one, since a large grid has many.
    pub fn items(&self) -> Items<'_> {
        let tasks = self.tasks();
        let mut starts = Vec::with_capacity(self.passes() + 1);
        let (mut spans, mut next) = (Vec::with_capacity(self.regions.len()), 0);
        for region in &self.regions {
            let (mut of_region, mut nth) = (Vec::new(), 0);
            for blocks in self.composed_of(*region) {
                of_region.push(Span { nth, block: blocks.start });
                nth += blocks.len();
            }
            spans.push(of_region);
            for _ in &tasks {
                starts.push(next);
                next += nth;
            }
        }
        Items { order: self, tasks, spans, starts, count: next }
    }

    /// The blocks of a region that are composed, numbered row by row.
    fn composed_of(&self, region: Window) -> Vec<Range<usize>> {
        match &self.composable {
            Some(windows) => overlapping_pieces(windows, region, self.block),
            None => {
                let (across, down) = self.blocks(region);
                std::iter::once(0..across * down).collect()
            }
        }
    }

    /// A block of a region by its number.
    fn block_at(&self, region: usize, number: usize) -> Window {
        let (within, (width, height)) = (self.regions[region], self.block);
        let across = self.blocks(within).0;
        let (col, row) = (number % across * width, number / across * height);
        Window {
            col: within.col + col as i64,
            row: within.row + row as i64,
            width: width.min(within.width - col),
            height: height.min(within.height - row),
        }
    }

    /// The blocks that are composed side by side, as windows; `None` where that is the whole grid.
    pub fn composed(&self) -> Option<Vec<Window>> {
        self.composable.as_ref()?;
        let mut windows = Vec::new();
        for (number, region) in self.regions.iter().enumerate() {
            let across = self.blocks(*region).0;
            for blocks in self.composed_of(*region) {
                let mut first = blocks.start;
                while first < blocks.end {
                    let end = blocks.end.min((first / across + 1) * across);
                    windows.push(self.block_at(number, first).around(self.block_at(number, end - 1)));
                    first = end;
                }
            }
        }
        Some(windows)
    }

    /// Pixels that are composed.
    pub fn pixels(&self) -> u64 {
        let pixels = |windows: &[Window]| windows.iter().map(|w| w.width as u64 * w.height as u64).sum();
        self.composed().map_or_else(|| pixels(&self.regions), |windows| pixels(&windows))
    }

    /// `120 of 3600 blocks meet a scene, the others are left out`; nothing where all are composed. `what` is what they meet.
    pub fn left_out(&self, what: &str) -> Option<String> {
        self.composable.as_ref()?;
        let met: usize =
            self.regions.iter().flat_map(|region| self.composed_of(*region)).map(|b| b.len()).sum();
        let all: usize = self.regions.iter().map(|region| self.blocks(*region)).map(|(a, d)| a * d).sum();
        Some(format!("{met} of {all} blocks meet {what}, the others are left out"))
    }

    /// How many blocks a region has across and down.
    fn blocks(&self, region: Window) -> (usize, usize) {
        (region.width.div_ceil(self.block.0.max(1)), region.height.div_ceil(self.block.1.max(1)))
    }

    /// The number of passes over all regions.
    pub fn passes(&self) -> usize {
        self.regions.len() * self.tasks().len()
    }

    /// The tasks of each region, in their order.
    fn tasks(&self) -> Vec<Task> {
        let bands = self.band_ranges.last().map_or(0, |last| last.end);
        let masks = if self.keeps_masks() { vec![Task::Mask] } else { Vec::new() };
        let checks = if self.validity_first { 0..bands } else { 0..0 };
        let compose = self.band_ranges.iter().cloned().map(Task::Compose);
        masks.into_iter().chain(checks.map(BandId).map(Task::CheckValidity)).chain(compose).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_cover_each_band_of_the_grid_once_region_by_region() {
        let mut order = Order::plain(Window::whole(5, 3), 2, (2, 2));
        let windows: Vec<Window> = order.items().all().iter().map(|i| i.window).collect();
        assert_eq!(windows.iter().map(|w| w.pixels()).sum::<usize>(), 15);
        assert_eq!(windows[2], Window { col: 4, row: 0, width: 1, height: 2 });
        assert_eq!(windows[5], Window { col: 4, row: 2, width: 1, height: 1 });
        order.regions = pieces(Window::whole(5, 3), (4, 3)).collect();
        order.band_ranges = vec![0..1, 1..2];
        let items = order.items().all();
        let kinds: Vec<_> = items.iter().map(|i| (i.region, i.task.clone())).collect();
        let tasks = || [Task::Mask, Task::Compose(0..1), Task::Compose(1..2)];
        let of_region = |region, blocks| tasks().into_iter().flat_map(move |t| vec![(region, t); blocks]);
        assert_eq!(kinds, of_region(0, 4).chain(of_region(1, 2)).collect::<Vec<_>>());
        assert!(items.iter().all(|i| i.written_before == 0));
        assert_eq!(order.passes(), items.last().unwrap().pass + 1);
        assert_eq!(items.last().unwrap().window, Window { col: 4, row: 2, width: 1, height: 1 });
    }

    #[test]
    fn blocks_that_no_scene_meets_are_no_items() {
        let mut order = Order::plain(Window::whole(100, 60), 2, (10, 10));
        let scenes = [
            Window { col: 5, row: 0, width: 10, height: 11 },
            Window { col: 79, row: 40, width: 30, height: 1 },
        ];
        order.regions = pieces(Window::whole(100, 60), (45, 30)).collect();
        order.band_ranges = vec![0..1, 1..2];
        let all = order.items().all();
        let meets = |item: &Item| scenes.iter().any(|scene| scene.intersect(item.window).is_some());
        let met: Vec<Item> = all.into_iter().filter(meets).collect();
        order.composable = Some(scenes.into());
        let said = |item: &Item| (item.region, item.task.clone(), item.window);
        let items: Vec<_> = order.items().all().iter().map(said).collect();
        assert_eq!(items, met.iter().map(said).collect::<Vec<_>>());
        assert_eq!((items.len(), order.items().count()), (3 * 7, 3 * 7));
        let composed: usize = order.composed().unwrap().iter().map(|w| w.pixels()).sum();
        let one = met.iter().filter(|item| item.task == Task::Mask).map(|item| item.window.pixels());
        assert_eq!((composed, order.pixels()), (one.sum(), composed as u64));
        assert_eq!(
            order.left_out("a scene").unwrap(),
            "7 of 66 blocks meet a scene, the others are left out"
        );
    }

    #[test]
    fn what_is_judged_by_all_bands_waits_until_all_are_looked_at() {
        let mut order = Order::plain(Window::whole(4, 2), 2, (2, 2));
        (order.band_ranges, order.validity_first) = (vec![0..1, 1..2], true);
        let items = order.items().all();
        let of = |task: Task| {
            items.iter().filter(|i| i.task == task).map(|i| i.written_before).collect::<Vec<_>>()
        };
        assert_eq!(of(Task::Mask), [0, 0]);
        assert_eq!(of(Task::CheckValidity(BandId(1))), [4, 4]);
        assert_eq!(of(Task::Compose(0..1)), [6, 6]);
        assert_eq!(items.len(), 10);
    }
}
