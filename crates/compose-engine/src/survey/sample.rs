//! A sample of whole scenes, on a fixed lattice of the target grid.
//!
//! The samples are joined in the order of the lattice, so no result depends on blocks, threads or memory.

use super::pieces::{Looking, compared, in_pieces};
use crate::control::Progress;
use crate::error::EngineError;
use crate::pixels::Scope;
use crate::plan::{INNER, PATCH, Plan, SampleLattice, SceneId, pieces};
use compose_core::survey::{CLEAR, DOUBTFUL, RIM, SATURATED, SampledScene, UNUSABLE};
use compose_core::{Block, Survey, Window};
use compose_io::RunPosition;
use compose_io::scene::SceneSource;
use ndarray::Array2;
use std::sync::atomic::{AtomicBool, Ordering};

/// Side of the pieces where mask rules compare scenes: all compared scenes are then held at once.
const SMALL_PATCH: usize = 128;
/// One piece's samples, scene by scene.
type Piece = Vec<(Vec<f32>, Vec<u8>)>;

/// The input of a sample.
pub struct Sampling<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// How each scene is read.
    pub sources: &'a [SceneSource],
    /// The output, and by which rules its scenes are masked.
    pub scope: Scope<'a>,
    /// The places of the sample.
    pub lattice: SampleLattice,
    /// Set to stop.
    pub cancelled: &'a AtomicBool,
}

impl Sampling<'_> {
    /// Samples the scenes. Workers take pieces, which are joined in their order.
    pub fn take(&self, scenes: &[SceneId], progress: &dyn Fn(Progress)) -> Result<Survey, EngineError> {
        let patches = self.pieces();
        let total = patches.iter().map(|patch| (patch.pixels() * scenes.len()) as u64).sum();
        let pieces = in_pieces(
            (self.plan, self.sources),
            &patches,
            self.bytes_compared(self.rows()),
            (total, progress),
            |looking, patch| self.piece(looking, patch, scenes),
        );
        self.join(scenes, pieces.into_iter())
    }

    /// Whether rules compare scenes, all of which are then held at once.
    fn compares(&self) -> bool {
        self.scope.masks.compare() && !self.scope.job.comparing.is_empty()
    }

    /// Splits the sampled part of the grid into pieces. Their size depends on whether rules compare scenes, never on the
    /// machine.
    fn pieces(&self) -> Vec<Window> {
        let patches = self.lattice.patches();
        if !self.compares() {
            return patches;
        }
        patches.into_iter().flat_map(|patch| pieces(patch, (SMALL_PATCH, SMALL_PATCH))).collect()
    }

    /// Rows of a piece that are read at a time: as many whole squares as memory has room for.
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
        if self.compares() { compared(self.plan, self.scope.job, (SMALL_PATCH, rows)) } else { 0 }
    }

    fn join(
        &self,
        scenes: &[SceneId],
        pieces: impl Iterator<Item = Result<Piece, EngineError>>,
    ) -> Result<Survey, EngineError> {
        let pieces = pieces.collect::<Result<Vec<Piece>, EngineError>>()?;
        let (stack, bands) = (&self.plan.stack, self.plan.stack.bands.len());
        let pixels = pieces.iter().filter_map(|piece| Some(piece.first()?.1.len())).sum();
        // Allocated in the final size: the pieces are in memory at the same time.
        let room = |_: &SceneId| (Vec::with_capacity(pixels * bands), Vec::with_capacity(pixels));
        let mut joined: Piece = scenes.iter().map(room).collect();
        for piece in pieces {
            for ((values, state), (more, states)) in joined.iter_mut().zip(piece) {
                values.extend(more);
                state.extend(states);
            }
        }
        let mut survey = Survey { scenes: stack.facts.iter().map(|_| None).collect(), pixels };
        for (scene, (values, state)) in scenes.iter().zip(joined) {
            let values = Array2::from_shape_vec((pixels, bands), values);
            survey.scenes[*scene] =
                Some(SampledScene { values: values.expect("as many samples as pixels"), state });
        }
        Ok(survey)
    }

    fn piece(&self, looking: &Looking<'_>, patch: Window, scenes: &[SceneId]) -> Result<Piece, EngineError> {
        let lattice = self.lattice;
        let whole = Window::whole(lattice.grid.0, lattice.grid.1);
        let wide = patch.expand(RIM).intersect(whole).expect("a patch lies in the grid");
        // Tiles are kept for the patches that come next: pieces of them do not come row by row.
        let holds = |of: &Window| of.intersect(patch) == Some(patch);
        let block = lattice.patches().into_iter().find(holds).unwrap_or(patch);
        let place = RunPosition { pass: 0, region: whole, block, worker: looking.worker.number };
        let reader = looking.context.reader(self.scope, place, looking.worker);
        let (samples, bands) = (lattice.pixels(patch).count(), self.plan.stack.bands.len());
        let room = |_: &SceneId| (Vec::with_capacity(samples * bands), Vec::with_capacity(samples));
        let mut piece: Piece = scenes.iter().map(room).collect();
        for strip in pieces(patch, (patch.width, self.rows())) {
            // Includes the frame of the squares, and the surroundings by which pixels are judged.
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

/// Judges the pixels of a scene.
struct Judge<'a> {
    block: &'a Block,
    window: Window,
    /// Per band: the greatest sample that its type holds.
    full: Vec<Option<f32>>,
}

impl Judge<'_> {
    /// Samples and states of the pixels of a patch that lie on the lattice.
    fn samples(&self, lattice: SampleLattice, patch: Window) -> (Vec<f32>, Vec<u8>) {
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

    /// Rules that compare hold all their scenes on a strip at a time: memory decides how high it is, and nothing else.
    #[test]
    fn strips_of_whole_squares_are_the_piece_in_its_order() {
        let whole = Window::whole(700, 300);
        for scenes in [80, 2000] {
            let lattice = SampleLattice::new((700, 300), whole, scenes, 6);
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
}
