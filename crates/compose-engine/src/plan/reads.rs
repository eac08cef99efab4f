//! The bands that a job reads, and the tiles of them that a part of the grid needs. Headers are enough to know both.

use crate::plan::ids::{BandId, GroupId, SceneId};
use crate::plan::placement::covering;
use crate::plan::{BandGroup, Job, Stack};
use compose_core::{Grid, Window};
use compose_io::BandRef;
use compose_io::align::{Alignment, Resampler};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

/// The bands of a scene that a job reads, the wanted ones first, and whether a mask rule reads them.
pub fn bands_read(stack: &Stack, job: &Job, scene: SceneId) -> Vec<(BandId, bool)> {
    let facts = &stack.facts[scene];
    let masks = &stack.masks[scene];
    let by_mask = |band: BandId| {
        masks.iter().any(|m| {
            m.bound.planned().bands().contains(&band.index())
                || (m.bound.planned().needs_neutral() && band.index() < facts.wanted)
        })
    };
    let scores = job.fills.iter().filter_map(|fill| fill.bound.planned().score(scene.index()));
    let scored: Vec<usize> = scores.flat_map(|score| score.bands().to_vec()).collect();
    let read =
        |band: &BandId| band.index() < facts.wanted || by_mask(*band) || scored.contains(&band.index());
    (0..facts.bands.len()).map(BandId).filter(read).map(|band| (band, by_mask(band))).collect()
}

/// The bands that any job reads, scene by scene, rising.
pub fn bands_of_all(stack: &Stack, jobs: &[Job]) -> Vec<Vec<BandId>> {
    let of_scene = |scene: SceneId| {
        let bands = jobs.iter().flat_map(|job| bands_read(stack, job, scene)).map(|(band, _)| band);
        bands.collect::<BTreeSet<BandId>>().into_iter().collect()
    };
    stack.scene_ids().map(of_scene).collect()
}

/// If width and height of a grid are together more than this, the native windows of its regions are estimated from a
/// few points: the time for a plan does not grow with the grid.
const LONGEST_LINES: usize = 1 << 15;

/// The tiles of one band (or of several that are decoded together) of one scene.
pub struct TileSource<'a> {
    band: &'a BandRef,
    /// The band group whose alignment leads to the scene's grid.
    group: &'a BandGroup,
    /// Numbers of the scene and of that group.
    place: (SceneId, GroupId),
    /// From a window of that group's grid to one of the band's.
    from_group: Option<(&'a Grid, &'a Grid)>,
    /// The wanted bands among those of the tiles.
    pub wanted: Vec<BandId>,
    /// Whether a mask rule reads it.
    pub masks: bool,
    native_windows: Rc<NativeWindows>,
    /// Whether native windows are estimated from a few points, not from lines of pixels, because the grid is larger
    /// than LONGEST_LINES.
    from_few_points: bool,
}

/// Native windows of regions, by scene and band group: sources of one scene ask for the same again and again.
type NativeWindows = RefCell<HashMap<(SceneId, GroupId, Window), Option<Window>>>;

impl<'a> TileSource<'a> {
    /// Every source that a job reads.
    pub fn all(stack: &'a Stack, job: &'a Job) -> Vec<Self> {
        let native_windows = Rc::new(NativeWindows::default());
        job.scenes_read().flat_map(|scene| Self::of_scene(stack, job, scene, &native_windows)).collect()
    }

    fn of_scene(
        stack: &'a Stack,
        job: &'a Job,
        scene: SceneId,
        native_windows: &Rc<NativeWindows>,
    ) -> Vec<Self> {
        let (facts, refs) = (&stack.facts[scene], &stack.scenes[scene].refs);
        let mut sources: Vec<Self> = Vec::new();
        for (band, masks) in bands_read(stack, job, scene) {
            if let Some(source) = sources.iter_mut().find(|s| s.band.lies_with(&refs[band])) {
                source.masks |= masks;
                source.wanted.extend((band.index() < facts.wanted).then_some(band));
                continue;
            }
            let groups = &job.view.scenes[scene].groups;
            let nth = groups.iter().position(|g| g.bands.contains(&band)).unwrap_or(0);
            let group = &groups[nth];
            let (from, to) = (&facts.bands[group.bands[0]].grid, &facts.bands[band].grid);
            let same = from.transform == to.transform && (from.width, from.height) == (to.width, to.height);
            sources.push(Self {
                band: &refs[band],
                group,
                place: (scene, GroupId(nth)),
                from_group: (!same).then_some((from, to)),
                wanted: (band.index() < facts.wanted).then_some(band).into_iter().collect(),
                masks,
                native_windows: Rc::clone(native_windows),
                from_few_points: job.view.grid.width + job.view.grid.height > LONGEST_LINES,
            });
        }
        sources
    }

    /// The number of tiles that meet `region` of the target grid.
    pub fn tiles(&self, region: Window) -> u64 {
        self.native(region).map_or(0, |inside| self.band.tile_count(inside))
    }

    /// Estimates the bytes of tiles to hold while a strip is composed: whole tiles under the blocks that workers
    /// compose, and of the rest of that row of tiles only the rows below the strip.
    pub fn held(&self, region: Window, strip: usize, block: (usize, usize), threads: usize) -> u64 {
        let Some(inside) = self.native(region) else { return 0 };
        let (width, height) = self.band.tile_size();
        let all = self.band.tile_count(inside) as f64;
        let across = (inside.col_end() - 1) as usize / width - inside.col as usize / width + 1;
        // A block is as large on the scene's grid as its share of the region is.
        let share = |pixels: usize, of: usize| pixels.min(of) as f64 / of.max(1) as f64;
        let columns = share(block.0 * threads, region.width) * inside.width as f64 / width as f64 + 1.0;
        let rows = share(block.1, region.height) * inside.height as f64 / height as f64 + 1.0;
        let columns = columns.min(across as f64);
        let tiles = columns * rows
            + self.share_below_strip(inside, (strip + 1) * block.1) * (across as f64 - columns);
        (tiles.min(all) * self.band.tile_bytes() as f64) as u64
    }

    /// The part of a row of tiles that lies below a strip which ends `rows` below the region's upper edge.
    fn share_below_strip(&self, inside: Window, rows: usize) -> f64 {
        let height = self.band.tile_size().1;
        match self.group.alignment {
            Alignment::Paste { .. } => {
                let end = inside.row as usize + rows;
                (end.next_multiple_of(height) - end) as f64 / height as f64
            }
            // Rows of the target cross those of the scene.
            _ => 1.0,
        }
    }

    /// The part of the band's raster that `region` of the target grid needs.
    fn native(&self, region: Window) -> Option<Window> {
        let window = match &self.group.alignment {
            Alignment::Paste { cols, rows } => region.shift(*cols, *rows),
            Alignment::Resample(resampler) => {
                let key = (self.place.0, self.place.1, region);
                (*self.native_windows.borrow_mut().entry(key).or_insert_with(|| {
                    match self.from_few_points {
                        true => resampler.native_window_about(region),
                        false => estimate_native_window(resampler, region),
                    }
                }))?
            }
            Alignment::Disjoint => return None,
        };
        let window = self.from_group.map_or(window, |(from, to)| covering(to, from, window));
        window.intersect(Window::whole(self.band.width, self.band.height))
    }
}

/// Estimates the native window of a region from its border lines and two middle lines; the exact window would need the
/// position of every pixel.
fn estimate_native_window(resampler: &Resampler, region: Window) -> Option<Window> {
    let row = |down: usize| Window { row: region.row + down as i64, height: 1, ..region };
    let col = |across: usize| Window { col: region.col + across as i64, width: 1, ..region };
    let rows = [0, region.height / 2, region.height - 1].map(row);
    let cols = [0, region.width / 2, region.width - 1].map(col);
    let windows = rows.into_iter().chain(cols).filter_map(|line| resampler.native_window(line));
    windows.reduce(Window::around)
}
