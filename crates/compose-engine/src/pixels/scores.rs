//! Scores of the pixels of a scene.

use super::planes::Owned;
use super::reader::SceneReader;
use crate::error::EngineError;
use crate::plan::{BandId, PlacedScore, SceneId};
use compose_core::{BoundScore, Plane, ScoreInput, Window};
use compose_io::Reading;
use compose_io::align::Alignment;
use ndarray::{Array2, s};

impl SceneReader<'_> {
    /// The score of the pixels of `scene` on `window`; `-inf` where there is none.
    pub fn rate(
        &self,
        scene: SceneId,
        score: &dyn BoundScore,
        planned: &PlacedScore,
        window: Window,
    ) -> Result<Array2<f32>, EngineError> {
        let mut out = Array2::from_elem((window.height, window.width), f32::NEG_INFINITY);
        match &planned.to_target {
            Alignment::Paste { cols, rows } => {
                self.rate_native(scene, score, planned, self.reading(window).shift(*cols, *rows))
            }
            Alignment::Disjoint => Ok(out),
            Alignment::Resample(resampler) => {
                if let Some(native) = resampler.native_window(window) {
                    let scores = self.rate_native(scene, score, planned, self.reading(window).by(native))?;
                    resampler.nearest(window, native, scores.view(), f32::NEG_INFINITY, out.view_mut());
                }
                Ok(out)
            }
        }
    }

    fn rate_native(
        &self,
        scene: SceneId,
        score: &dyn BoundScore,
        planned: &PlacedScore,
        at: Reading,
    ) -> Result<Array2<f32>, EngineError> {
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
