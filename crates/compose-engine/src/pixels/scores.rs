//! Scores of the pixels of a scene.

use super::planes::Owned;
use super::reader::SceneReader;
use crate::error::EngineError;
use crate::plan::{BandId, PlacedScore, SceneId, looks_far};
use compose_core::{BoundScore, Plane, ScoreInput, Window};
use compose_io::Reading;
use compose_io::align::Alignment;
use ndarray::{Array2, s};

/// The score that a fill wants of a scene.
#[derive(Clone, Copy)]
pub struct WantedScore<'a> {
    /// The number of the fill, from 0.
    pub fill: usize,
    /// The scene.
    pub scene: SceneId,
    /// The score, bound to it.
    pub score: &'a dyn BoundScore,
    /// The grid on which it runs.
    pub placed: &'a PlacedScore,
}

impl SceneReader<'_> {
    /// The score of the pixels of a scene on `window`; `-inf` where there is none.
    pub fn rate(&self, wanted: WantedScore<'_>, window: Window) -> Result<Array2<f32>, EngineError> {
        let mut out = Array2::from_elem((window.height, window.width), f32::NEG_INFINITY);
        match &wanted.placed.to_target {
            Alignment::Paste { cols, rows } => {
                // Pieces are as high as blocks, and begin where a strip of blocks does.
                let bounds = self.place.region.expand(self.halo as usize);
                let first = (self.place.region.col + cols, self.place.region.row + rows);
                let at = self.reading(window).shift(*cols, *rows);
                self.rate_in_pieces(wanted, at, (bounds.shift(*cols, *rows), first))
            }
            Alignment::Disjoint => Ok(out),
            Alignment::Resample(resampler) => {
                if let Some(native) = resampler.native_window(window) {
                    let grid = &wanted.placed.runs_on.grid;
                    let bounds = Window::whole(grid.width, grid.height);
                    let scores =
                        self.rate_in_pieces(wanted, self.reading(window).by(native), (bounds, (0, 0)))?;
                    resampler.nearest(window, native, scores.view(), f32::NEG_INFINITY, out.view_mut());
                }
                Ok(out)
            }
        }
    }

    /// A score that looks far is found in pieces larger than a block, which are kept for the blocks beside it.
    ///
    /// Pieces begin at `first`, and end at the `bounds` where the window does not reach beyond these.
    fn rate_in_pieces(
        &self,
        wanted: WantedScore<'_>,
        at: Reading,
        (bounds, first): (Window, (i64, i64)),
    ) -> Result<Array2<f32>, EngineError> {
        let Some(pieces) = self.scope.job.order.score_pieces.filter(|_| looks_far(wanted.score)) else {
            return self.rate_native(wanted, at);
        };
        let (window, bounds) = (at.window, bounds.around(at.window));
        let mut out = Array2::from_elem((window.height, window.width), f32::NEG_INFINITY);
        for piece in pieces_over(window, first, pieces.size) {
            let piece = piece.intersect(bounds).expect("the window lies within the bounds");
            let key = (self.view.id, wanted.fill, wanted.scene, piece);
            let scores = self.context.scores.get(key, || self.rate_native(wanted, at.of_same_grid(piece)))?;
            let part = piece.intersect(window).expect("a piece over the window");
            let of = |outer: Window| {
                let (row, col) = ((part.row - outer.row) as usize, (part.col - outer.col) as usize);
                s![row..row + part.height, col..col + part.width]
            };
            out.slice_mut(of(window)).assign(&scores.slice(of(piece)));
        }
        Ok(out)
    }

    fn rate_native(&self, wanted: WantedScore<'_>, at: Reading) -> Result<Array2<f32>, EngineError> {
        let WantedScore { scene, score, placed: planned, .. } = wanted;
        let window = at.window;
        let (facts, halo) = (&self.context.stack.facts[scene], score.halo());
        let wide = window.expand(halo);
        let mut owned = Vec::with_capacity(score.bands().len());
        for band in score.bands() {
            owned.push(self.band_at(scene, &planned.runs_on, BandId(*band), at.expand(halo))?);
        }
        let planes: Vec<Plane<'_>> = owned.iter().map(Owned::plane).collect();
        let input = ScoreInput { scene: facts, grid: &planned.runs_on.grid, window: wide, planes: &planes };
        let mut scores = Array2::from_elem((wide.height, wide.width), f32::NEG_INFINITY);
        score.rate(&input, scores.view_mut()).map_err(|e| EngineError::Score {
            scene: facts.id.clone(),
            window,
            message: e.to_string(),
        })?;
        Ok(scores.slice(s![halo..halo + window.height, halo..halo + window.width]).to_owned())
    }
}

/// The pieces of this size, counted from a first one, that lie over a window.
fn pieces_over(window: Window, first: (i64, i64), size: (usize, usize)) -> impl Iterator<Item = Window> {
    let starts = |from: i64, end: i64, first: i64, length: usize| {
        let start = first + (from - first).div_euclid(length as i64) * length as i64;
        (start..end).step_by(length)
    };
    let cols = starts(window.col, window.col_end(), first.0, size.0);
    let rows = starts(window.row, window.row_end(), first.1, size.1);
    rows.flat_map(move |row| cols.clone().map(move |col| Window { col, row, width: size.0, height: size.1 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_cover_a_window_and_lie_on_one_lattice() {
        let window = Window { col: -7, row: 3, width: 12, height: 4 };
        let pieces: Vec<Window> = pieces_over(window, (1, -2), (5, 6)).collect();
        let at = |col, row| Window { col, row, width: 5, height: 6 };
        assert_eq!(pieces, [at(-9, -2), at(-4, -2), at(1, -2), at(-9, 4), at(-4, 4), at(1, 4)]);
        let covered: usize = pieces.iter().filter_map(|p| p.intersect(window)).map(Window::pixels).sum();
        assert_eq!(covered, window.pixels());
    }
}
