//! Whole-scene facts, found out once before the run: a sample of every scene that a strategy asks for, and what the
//! strategies make of it.
//!
//! The sample lies on a fixed lattice of the target grid and is put together in its order, so that nothing that is
//! made of it depends on blocks, threads or memory.

use crate::control::{Control, Progress};
use crate::error::EngineError;
use crate::masked;
use crate::pixels::{Hidden, SceneReader, Spare};
use crate::plan::{Job, Plan, Stage, bytes_compared, pieces};
use crate::workers::{self, caught};
use compose_core::survey::{CLEAR, DOUBTFUL, RIM, SATURATED, SIDE, SQUARE, SampledScene, UNUSABLE};
use compose_core::{Block, BoundFill, Survey, Window};
use compose_io::{Place, TileStore};
use ndarray::Array2;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Side of the pieces of the grid that are looked at: that of most tiles.
const PATCH: usize = 512;
/// The same where mask rules compare scenes, all of which are then held at once.
const SMALL_PATCH: usize = 128;
/// Up to so many pixels, all pieces are looked at.
const WHOLE: usize = 1 << 20;
/// Beyond that, their inner part alone, in which fewer tiles have a share; and in the largest grids that of one piece in
/// so many.
const SPARSEST: usize = 9;
/// What is left out around the inner part.
const FRAME: usize = PATCH / 8;
/// Pixels of a square that count, along a side.
const INNER: usize = SIDE - 2;
/// Bytes of samples at most.
pub const SAMPLE_BYTES: usize = 32 << 20;

/// How often progress is told.
const TOLD_EVERY: Duration = Duration::from_millis(5);
/// Pieces that are looked at, at most.
const MOST_PIECES: usize = 1024;

/// Where the sample lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lattice {
    /// The part of the grid that is looked at: where scenes lie, in whole pieces.
    within: Window,
    /// Pixels of the grid.
    grid: (usize, usize),
    /// Whether the inner quarter of a piece stands for it.
    inner: bool,
    /// One piece in a square of so many is looked at, if at all.
    apart: usize,
    /// Of these, one in so many.
    every: usize,
    /// In a piece, one square in a square of so many.
    stride: usize,
    scenes: usize,
}

impl Lattice {
    /// The lattice for a survey of so many scenes.
    fn of(plan: &Plan, job: usize, scenes: usize) -> Self {
        let job = &plan.jobs[job];
        let grid = (job.view.grid.width, job.view.grid.height);
        Self::new(grid, job.covered(&plan.stack), scenes, plan.stack.bands.len())
    }

    /// The lattice for so many scenes and bands, which lie in a part of the grid.
    fn new(grid: (usize, usize), covered: Window, scenes: usize, bands: usize) -> Self {
        let within = whole_pieces(covered).intersect(Window::whole(grid.0, grid.1)).unwrap_or(covered);
        let pixels = within.pixels();
        let inner = pixels > WHOLE;
        let every = if inner { (pixels / WHOLE).clamp(1, SPARSEST) } else { 1 };
        let (across, down) = (within.width.div_ceil(PATCH), within.height.div_ceil(PATCH));
        let looked_at = |apart: usize| across.div_ceil(apart) * down.div_ceil(apart) / every;
        let mut wider = std::iter::successors(Some(1_usize), |n| Some(n + n.div_ceil(8)));
        let apart = wider.find(|n| looked_at(*n) <= MOST_PIECES).unwrap_or(1);
        let all = if apart == 1 { pixels / every } else { looked_at(apart) * PATCH * PATCH };
        let seen = all * if inner { 9 } else { 16 } / 16;
        let most = SAMPLE_BYTES / (scenes * (4 * bands + 1)).max(1);
        let most = most.max(SQUARE);
        // Where pieces are a few pixels high, a square is no less.
        let squares = |length: usize, stride: usize| length.min(PATCH).div_ceil(INNER * stride);
        let taken = |stride: usize| {
            looked_at(apart) * squares(within.width, stride) * squares(within.height, stride) * SQUARE
        };
        let fits = |s: &usize| seen / (s * s) * SQUARE / INNER / INNER <= most && taken(*s) <= 3 * most;
        let stride = (1..=PATCH).find(fits).unwrap_or(PATCH);
        Self { within, grid, inner, apart, every, stride, scenes }
    }

    /// Pieces of the grid, row by row: those of a row are shifted against those of the row above.
    fn patches(&self) -> Vec<Window> {
        let step = PATCH * self.apart;
        let (across, down) = (self.within.width.div_ceil(step), self.within.height.div_ceil(step));
        let all = (0..down).flat_map(|row| (0..across).map(move |col| (row, col)));
        // A grid that is hardly wider than a frame has no inner part.
        let part = |length: usize| match self.inner && length > 2 * FRAME {
            true => (FRAME, PATCH - 2 * FRAME),
            false => (0, PATCH),
        };
        let ((left, width), (top, height)) = (part(self.within.width), part(self.within.height));
        all.filter(|(row, col)| (col + 5 * row).is_multiple_of(self.every))
            .filter_map(|(row, col)| {
                let (col, row) = ((col * step + left) as i64, (row * step + top) as i64);
                let piece = Window { col, row, width, height };
                piece.shift(self.within.col, self.within.row).intersect(self.within)
            })
            .collect()
    }

    /// The pixels of a piece, square by square; their frames lie around it.
    fn pixels(&self, patch: Window) -> impl Iterator<Item = (i64, i64)> + use<> {
        let step = INNER * self.stride;
        let corners =
            move |from: i64, length: usize| (0..length).step_by(step).map(move |n| from + n as i64 - 1);
        let square = |row: i64, col: i64| {
            (0..SQUARE).map(move |pixel| (row + (pixel / SIDE) as i64, col + (pixel % SIDE) as i64))
        };
        corners(patch.row, patch.height)
            .flat_map(move |row| corners(patch.col, patch.width).flat_map(move |col| square(row, col)))
    }
}

/// The window, widened to whole pieces of the grid.
fn whole_pieces(window: Window) -> Window {
    let side = PATCH as i64;
    let (col, row) = (window.col.div_euclid(side) * side, window.row.div_euclid(side) * side);
    let whole = |first: i64, end: i64| ((end - first) as usize).next_multiple_of(PATCH);
    Window { col, row, width: whole(col, window.col_end()), height: whole(row, window.row_end()) }
}

impl fmt::Display for Lattice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let patches = self.patches();
        let seen: usize = patches.iter().map(|patch| patch.pixels()).sum();
        let share = 100.0 * seen as f64 / (self.grid.0 * self.grid.1) as f64;
        match share {
            0.05.. => write!(f, "survey: {share:.1} % of the grid")?,
            _ => write!(f, "survey: {seen} pixels of the grid")?,
        }
        if self.inner {
            write!(f, " in pieces of {} px", PATCH - 2 * FRAME)?;
        }
        match self.stride {
            1 => write!(f, ", every pixel of it")?,
            stride => write!(f, ", one pixel in {} of it", stride * stride)?,
        }
        write!(f, ", of {} scenes", self.scenes)
    }
}

impl Stage {
    fn before_survey(&self) -> &dyn BoundFill {
        self.unsettled.as_deref().unwrap_or(&*self.bound)
    }
}

/// Gives every strategy that wants one its survey. Targets of which the masks take more than the rules allow are left
/// out.
///
/// It is told how far it is in pixels of scenes that are looked at: of one survey after the other.
///
/// # Errors
/// Pixels cannot be read, or a strategy cannot work with what they are; no target is left.
pub fn settle(plan: &mut Plan, control: &Control<'_>) -> Result<(), EngineError> {
    let settled = (0..plan.jobs.len()).try_for_each(|job| {
        settle_masks(plan, job, None, control)?;
        plan.jobs[job].masked = masked::judge(plan, job, control)?;
        if plan.leaves_out(job) { Ok(()) } else { settle_fills(plan, job, None, control) }
    });
    // Cancelled workers may return errors: the interruption is reported.
    if control.cancelled.load(Ordering::Relaxed) {
        return Err(EngineError::Interrupted);
    }
    settled?;
    plan.leave_out()
}

/// The same for one output; with some pixels of its target hidden.
pub fn settle_job(
    plan: &mut Plan,
    job: usize,
    hidden: Option<&Hidden>,
    control: &Control<'_>,
) -> Result<(), EngineError> {
    settle_masks(plan, job, hidden, control)?;
    settle_fills(plan, job, hidden, control)
}

fn settle_fills(
    plan: &mut Plan,
    job: usize,
    hidden: Option<&Hidden>,
    control: &Control<'_>,
) -> Result<(), EngineError> {
    let stages = plan.jobs[job].fills.iter();
    let mut scenes: Vec<usize> = stages.flat_map(|stage| stage.before_survey().surveys()).collect();
    scenes.sort_unstable();
    scenes.dedup();
    if scenes.is_empty() {
        return Ok(());
    }
    let lattice = Lattice::of(plan, job, scenes.len());
    let survey = plausible(plan, job, |plan| {
        let (job, cancelled) = (&plan.jobs[job], control.cancelled);
        Sampling { plan, job, lattice, hidden, plain: false, cancelled }.take(&scenes, control.progress)
    })?;
    let job = &mut plan.jobs[job];
    for (number, stage) in job.fills.iter_mut().enumerate() {
        if stage.before_survey().surveys().is_empty() {
            continue;
        }
        let settled = stage.before_survey().settle(&survey).map_err(|e| EngineError::Fill {
            stage: number + 1,
            strategy: stage.name.clone(),
            window: Window::whole(job.view.grid.width, job.view.grid.height),
            message: e.to_string(),
        })?;
        if let Some(bound) = settled {
            let before = std::mem::replace(&mut stage.bound, bound);
            stage.unsettled.get_or_insert(before);
        }
    }
    job.lattice = Some(lattice);
    Ok(())
}

/// Gives every mask rule that compares its survey: of what the other rules left.
fn settle_masks(
    plan: &mut Plan,
    job: usize,
    hidden: Option<&Hidden>,
    control: &Control<'_>,
) -> Result<(), EngineError> {
    let comparing = &plan.jobs[job].comparing;
    let mut scenes: Vec<usize> =
        comparing.iter().flat_map(|c| c.others.iter().copied().chain([c.scene])).collect();
    scenes.sort_unstable();
    scenes.dedup();
    if scenes.is_empty() {
        return Ok(());
    }
    let lattice = Lattice::of(plan, job, scenes.len());
    let survey = plausible(plan, job, |plan| {
        let (job, cancelled) = (&plan.jobs[job], control.cancelled);
        Sampling { plan, job, lattice, hidden, plain: true, cancelled }.take(&scenes, control.progress)
    })?;
    let Plan { stack, jobs, .. } = plan;
    let mut settled = Vec::new();
    for of in &jobs[job].comparing {
        let known = jobs[job].mask_stack(stack, of.scene);
        let bound = &stack.masks[of.scene][of.rule].bound;
        let rule = bound.settle(&known, &survey).map_err(|e| EngineError::Mask {
            rule: stack.mask_names[of.rule].clone(),
            scene: stack.facts[of.scene].id.clone(),
            window: Window::whole(lattice.grid.0, lattice.grid.1),
            message: e.to_string(),
        })?;
        settled.push(rule);
    }
    for (of, rule) in jobs[job].comparing.iter_mut().zip(settled) {
        of.settled = rule;
    }
    Ok(())
}

/// A survey of some scenes, again where it told of nodata that nobody declared.
fn plausible(
    plan: &mut Plan,
    job: usize,
    take: impl Fn(&Plan) -> Result<Survey, EngineError>,
) -> Result<Survey, EngineError> {
    loop {
        let mut survey = take(plan)?;
        if !plan.judge_survey(job, &mut survey)? {
            return Ok(survey);
        }
    }
}

/// Does something with every piece of a grid, by several workers; what comes of it is in the order of the pieces. Of a
/// total that is stated, what was done is told now and then. `compared` bytes are left for what rules compare.
pub(crate) fn in_pieces<T: Send>(
    plan: &Plan,
    patches: &[Window],
    compared: u64,
    (total, progress): (u64, &dyn Fn(Progress)),
    piece: impl Fn(&Looking<'_>, Window) -> Result<T, EngineError> + Sync,
) -> Vec<Result<T, EngineError>> {
    compose_io::limit_gdal_cache(crate::plan::GDAL_CACHE);
    let store = TileStore::new(plan.memory.for_survey(&plan.stack, compared), plan.memory.open_files);
    let pieces: Vec<Mutex<Option<Result<T, EngineError>>>> =
        patches.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let threads = plan.memory.threads.min(patches.len());
    let done = AtomicU64::new(0);
    let work = |number: usize| {
        let spare = Spare::default();
        loop {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            let Some(patch) = patches.get(nth) else { break };
            let looking = Looking { store: &store, spare: &spare, worker: (number, threads), done: &done };
            let result = caught(|| piece(&looking, *patch));
            *pieces[nth].lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        }
    };
    std::thread::scope(|scope| {
        let work = &work;
        let started = workers::start(scope, threads, |number| move || work(number));
        if started == 0 {
            work(0);
        }
        // One piece may hold a block that is large: what is said does not wait for it.
        let all = || next.load(Ordering::Relaxed) >= patches.len() + started;
        while !all() {
            progress(Progress { done: done.load(Ordering::Relaxed), total });
            std::thread::sleep(TOLD_EVERY);
        }
    });
    let pieces = pieces.into_iter().map(|piece| {
        let piece = piece.into_inner().unwrap_or_else(PoisonError::into_inner);
        piece.unwrap_or_else(|| Err(EngineError::Bug("a piece of the survey was left out".into())))
    });
    pieces.collect()
}

/// Bytes of the scenes that rules compare on a window of this size and what lies around it.
pub(crate) fn compared(plan: &Plan, job: &Job, (width, height): (usize, usize)) -> u64 {
    let masks = &plan.stack.masks;
    let halo = job.comparing.iter().map(|of| masks[of.scene][of.rule].bound.halo()).max().unwrap_or(0);
    let around = 2 * (halo + RIM + 1);
    bytes_compared(&plan.stack, job) * ((width + around) * (height + around)) as u64
}

/// One piece's samples, scene by scene.
type Piece = Vec<(Vec<f32>, Vec<u8>)>;

/// What a sample is taken of, and how.
struct Sampling<'a> {
    plan: &'a Plan,
    job: &'a Job,
    lattice: Lattice,
    hidden: Option<&'a Hidden>,
    /// Whether the mask rules that compare are passed over.
    plain: bool,
    cancelled: &'a AtomicBool,
}

impl Sampling<'_> {
    /// Samples the scenes; workers take pieces, which are put together in their order.
    fn take(&self, scenes: &[usize], progress: &dyn Fn(Progress)) -> Result<Survey, EngineError> {
        let patches = self.pieces();
        let total = patches.iter().map(|patch| (patch.pixels() * scenes.len()) as u64).sum();
        let pieces = in_pieces(
            self.plan,
            &patches,
            self.bytes_compared(self.rows()),
            (total, progress),
            |looking, patch| self.piece(looking, patch, scenes),
        );
        self.join(scenes, pieces.into_iter())
    }

    /// Whether rules compare scenes, all of which are then held at once.
    fn compares(&self) -> bool {
        !self.plain && !self.job.comparing.is_empty()
    }

    /// What makes a piece. What rules compare decides, nothing of the machine.
    fn pieces(&self) -> Vec<Window> {
        let patches = self.lattice.patches();
        if !self.compares() {
            return patches;
        }
        patches.into_iter().flat_map(|patch| pieces(patch, (SMALL_PATCH, SMALL_PATCH))).collect()
    }

    /// Rows of a piece that are looked at at a time, whole squares: as many as memory has room for.
    fn rows(&self) -> usize {
        if !self.compares() {
            return PATCH;
        }
        let step = INNER * self.lattice.stride;
        let fits = |rows: &usize| self.bytes_compared(*rows) <= self.plan.memory.to_compare();
        (1..=SMALL_PATCH.div_ceil(step)).map(|n| n * step).rev().find(fits).unwrap_or(step)
    }

    /// Bytes of the scenes that are compared on so many rows of a piece and what lies around them.
    fn bytes_compared(&self, rows: usize) -> u64 {
        if self.compares() { compared(self.plan, self.job, (SMALL_PATCH, rows)) } else { 0 }
    }

    fn join(
        &self,
        scenes: &[usize],
        pieces: impl Iterator<Item = Result<Piece, EngineError>>,
    ) -> Result<Survey, EngineError> {
        let mut joined: Piece = vec![Default::default(); scenes.len()];
        for piece in pieces {
            for ((values, state), (more, states)) in joined.iter_mut().zip(piece?) {
                values.extend(more);
                state.extend(states);
            }
        }
        let stack = &self.plan.stack;
        let pixels = joined.first().map_or(0, |(_, state)| state.len());
        let mut survey = Survey { scenes: stack.facts.iter().map(|_| None).collect(), pixels };
        for (scene, (values, state)) in scenes.iter().zip(joined) {
            let values = Array2::from_shape_vec((pixels, stack.bands.len()), values);
            survey.scenes[*scene] =
                Some(SampledScene { values: values.expect("as many samples as pixels"), state });
        }
        Ok(survey)
    }

    fn piece(&self, looking: &Looking<'_>, patch: Window, scenes: &[usize]) -> Result<Piece, EngineError> {
        let (plan, lattice) = (self.plan, self.lattice);
        let whole = Window::whole(lattice.grid.0, lattice.grid.1);
        let wide = patch.expand(RIM).intersect(whole).expect("a patch lies in the grid");
        // What the rules take of the survey is no news for the report.
        let marked: Vec<AtomicU64> = plan.stack.mask_names.iter().map(|_| AtomicU64::new(0)).collect();
        let reader = SceneReader {
            store: looking.store,
            stack: &plan.stack,
            view: &self.job.view,
            job: self.job,
            plain: self.plain,
            marked: &marked,
            place: Place { turn: 0, region: whole, block: patch },
            bands: 0..plan.stack.bands.len(),
            kept: None,
            spare: looking.spare,
            worker: looking.worker,
            hidden: self.hidden,
        };
        let mut piece: Piece = vec![Default::default(); scenes.len()];
        for strip in pieces(patch, (patch.width, self.rows())) {
            // The frame of a square, and what is around its pixels: all that a pixel of the piece is judged by.
            let window = strip.expand(RIM + 1).intersect(wide).expect("a strip lies in its piece");
            for (scene, (values, states)) in scenes.iter().zip(&mut piece) {
                if self.cancelled.load(Ordering::Relaxed) {
                    return Err(EngineError::Interrupted);
                }
                let block = reader.read(*scene, window, true)?;
                let judge = Judge { block: &block, window, full: reader.full_scale(*scene) };
                let (more, more_states) = judge.samples(lattice, strip);
                values.extend(more);
                states.extend(more_states);
                reader.give_back(block);
                looking.done.fetch_add(strip.pixels() as u64, Ordering::Relaxed);
            }
        }
        Ok(piece)
    }
}

/// What a worker looks with.
pub(crate) struct Looking<'a> {
    pub(crate) store: &'a TileStore,
    pub(crate) spare: &'a Spare,
    pub(crate) worker: (usize, usize),
    /// Pixels of scenes that were looked at, by all workers.
    pub(crate) done: &'a AtomicU64,
}

/// What the pixels of a scene are worth.
struct Judge<'a> {
    block: &'a Block,
    window: Window,
    /// Per band: the greatest sample that its type holds.
    full: Vec<Option<f32>>,
}

impl Judge<'_> {
    /// Samples and states of the pixels of a patch that lie on the lattice.
    fn samples(&self, lattice: Lattice, patch: Window) -> (Vec<f32>, Vec<u8>) {
        let bands = self.block.values.dim().0;
        let (mut values, mut state) = (Vec::new(), Vec::new());
        for (row, col) in lattice.pixels(patch) {
            let here = Window { col, row, width: 1, height: 1 };
            let at = here
                .intersect(self.window)
                .map(|_| ((row - self.window.row) as usize, (col - self.window.col) as usize));
            state.push(at.map_or(UNUSABLE, |at| self.state(at)));
            values.extend((0..bands).map(|band| at.map_or(0.0, |(r, c)| self.block.values[[band, r, c]])));
        }
        (values, state)
    }

    fn state(&self, (row, col): (usize, usize)) -> u8 {
        let valid = |row: usize, col: usize| {
            (0..self.block.valid.dim().0).all(|p| self.block.valid[[p, row, col]] != 0)
        };
        if !valid(row, col) {
            return UNUSABLE;
        }
        let saturated = |(band, full): (usize, &Option<f32>)| {
            full.is_some_and(|full| self.block.values[[band, row, col]] >= full)
        };
        let rows = row.saturating_sub(RIM)..(row + RIM + 1).min(self.window.height);
        let around = |row: usize| {
            (col.saturating_sub(RIM)..(col + RIM + 1).min(self.window.width)).all(|c| valid(row, c))
        };
        match (self.full.iter().enumerate().any(saturated), rows.into_iter().all(around)) {
            (true, _) => SATURATED,
            (false, true) => CLEAR,
            (false, false) => DOUBTFUL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use compose_core::survey::is_inner;
    use std::collections::BTreeSet;

    /// Rules that compare hold all their scenes on a strip at a time: memory decides how high it is, and nothing else.
    #[test]
    fn strips_of_whole_squares_are_the_piece_in_its_order() {
        let whole = Window::whole(700, 300);
        for scenes in [80, 2000] {
            let lattice = Lattice::new((700, 300), whole, scenes, 6);
            let step = INNER * lattice.stride;
            for piece in lattice.patches().into_iter().flat_map(|p| pieces(p, (SMALL_PATCH, SMALL_PATCH))) {
                let whole: Vec<_> = lattice.pixels(piece).collect();
                for rows in [step, 3 * step, 20 * step] {
                    let strips = pieces(piece, (piece.width, rows)).flat_map(|strip| lattice.pixels(strip));
                    assert!(strips.eq(whole.iter().copied()), "{piece:?} in strips of {rows}");
                }
            }
        }
    }

    #[test]
    fn small_grids_are_sampled_whole_and_large_ones_at_least_in_part() {
        let whole = |width, height, scenes, bands| {
            Lattice::new((width, height), Window::whole(width, height), scenes, bands)
        };
        let small = whole(400, 300, 2, 6);
        assert_eq!((small.every, small.stride, small.patches().len()), (1, 1, 1));
        let inner = small.pixels(small.patches()[0]).enumerate().filter(|(nth, _)| is_inner(*nth));
        let places: BTreeSet<(i64, i64)> = inner.map(|(_, place)| place).collect();
        assert_eq!(
            places.iter().filter(|(row, col)| (0..300).contains(row) && (0..400).contains(col)).count(),
            400 * 300
        );
        assert_eq!(small.to_string(), "survey: 100.0 % of the grid, every pixel of it, of 2 scenes");
        let large = whole(7600, 7800, 12, 7);
        let seen: usize = large.patches().iter().map(|p| p.pixels()).sum();
        let share = seen as f64 / (7600.0 * 7800.0);
        assert!((0.05..0.08).contains(&share), "{share}");
        let sampled: usize = large.patches().iter().map(|p| large.pixels(*p).count()).sum();
        assert!(sampled * 12 * 29 <= SAMPLE_BYTES * 11 / 10, "{sampled}");
    }

    #[test]
    fn what_is_looked_at_has_a_bound_and_lies_where_scenes_do() {
        let grid = (143_148_000, 100);
        let covered = Window { col: 70_000, row: 0, width: 400, height: 100 };
        let few = Lattice::new(grid, covered, 2, 6);
        assert_eq!((few.inner, few.every, few.apart), (false, 1, 1));
        let patches = few.patches();
        assert!(patches.iter().any(|p| p.col <= 70_000 && p.col_end() >= 70_144), "{patches:?}");
        assert!(patches.iter().map(|p| p.pixels()).sum::<usize>() <= 1024 * 100);
        for (width, height) in [grid, (1 << 31, 1), (1 << 30, 1 << 30), (300_000, 400_000)] {
            let all = Lattice::new((width, height), Window::whole(width, height), 2, 6);
            let patches = all.patches();
            assert!((MOST_PIECES / 2..=MOST_PIECES * 5 / 4).contains(&patches.len()), "{}", patches.len());
            let sampled: usize = patches.iter().map(|p| all.pixels(*p).count()).sum();
            assert!(sampled * 2 * 25 <= SAMPLE_BYTES * 3, "{sampled}");
            // Spread over all of it.
            assert!(patches.iter().any(|p| p.col > width as i64 * 9 / 10), "{width} × {height}");
        }
    }

    #[test]
    fn a_line_of_pixels_lies_within_its_squares() {
        let lattice = Lattice::new((61, 1), Window::whole(61, 1), 40, 6);
        let pixels: Vec<_> = lattice.pixels(lattice.patches()[0]).collect();
        assert_eq!(pixels.len(), 11 * SQUARE);
        assert_eq!((pixels[0], pixels[SIDE + 1]), ((-1, -1), (0, 0)));
        assert!(is_inner(SIDE + 1) && !is_inner(SIDE) && !is_inner(1));
    }
}
