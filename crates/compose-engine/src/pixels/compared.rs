//! Other scenes, for the mask rules that compare.

use super::buffers::ComparedPixels;
use super::context::Scope;
use super::reader::SceneReader;
use crate::error::EngineError;
use crate::plan::{BandGroup, Comparing, RuleId, SceneId, View};
use compose_core::mask_rule::{Compared, OtherScene};
use compose_core::{Block, Window};
use compose_io::Reading;
use compose_io::align::Alignment;
use std::sync::Arc;

/// Blocks of the scenes that a rule compares.
pub(super) struct Blocks {
    own: Arc<Block>,
    others: Vec<(SceneId, Arc<Block>)>,
}

impl Blocks {
    pub fn view<'a>(&'a self, reader: &SceneReader<'_>) -> Compared<'a> {
        let other = |(scene, block): &'a (SceneId, Arc<Block>)| OtherScene {
            scene: scene.index(),
            day: reader.context.stack.facts[*scene].day,
            block,
        };
        Compared { own: &self.own, others: self.others.iter().map(other).collect() }
    }
}

impl SceneReader<'_> {
    /// The rules of a scene that are applied.
    pub(super) fn rules(&self, scene: SceneId) -> impl Iterator<Item = RuleId> {
        let all = (0..self.context.stack.masks[scene].len()).map(RuleId);
        all.filter(move |rule| self.scope.masks.rule(scene, *rule).is_some())
    }

    /// The blocks that a rule compares where it reads; `None` if it compares none.
    pub(super) fn blocks(
        &self,
        scene: SceneId,
        rule: RuleId,
        at: Reading,
    ) -> Result<Option<Blocks>, EngineError> {
        let mut comparing = self.scope.job.comparing.iter();
        let Some(comparing) = comparing.find(|c| (c.scene, c.rule) == (scene, rule)) else { return Ok(None) };
        let own = self.plain_block(comparing, scene, at)?;
        let others =
            comparing.others.iter().map(|other| Ok((*other, self.plain_block(comparing, *other, at)?)));
        Ok(Some(Blocks { own, others: others.collect::<Result<_, EngineError>>()? }))
    }

    fn plain_block(
        &self,
        comparing: &Comparing,
        scene: SceneId,
        at: Reading,
    ) -> Result<Arc<Block>, EngineError> {
        let window = at.window;
        let view: &View = &comparing.view;
        let (of, shown) = (self.scope.job.view.id.job, self.compared_pixels(view, scene, window));
        if let Some(block) = self.worker.buffers.compared(of, scene, shown) {
            return Ok(block);
        }
        let scope = Scope { masks: self.scope.masks.plain(), held_out: None, ..self.scope };
        let bands = 0..self.context.stack.bands.len();
        // Windows are of the view's grid now: tiles are kept by where they lie on the output's.
        let shift = (at.target.col - window.col, at.target.row - window.row);
        let reader = SceneReader { scope, view, bands, kept: None, shift, halo: at.halo, ..self.clone() };
        let mut block = reader.read(scene, window, true)?;
        if let Some(held_out) = self.scope.held_out {
            held_out.hide_elsewhere(scene, &mut block, window, &view.grid, &self.view.grid);
        }
        let block = Arc::new(block);
        self.worker.buffers.keep_compared(of, scene, shown, block.clone());
        Ok(block)
    }

    /// The key of a scene's pixels on a window of a view. Where the scene is pasted, the key is the window on the
    /// scene's own grid, so that views which are whole pixels apart share one block. Held-out pixels depend on the
    /// view: with them the key always names the view.
    fn compared_pixels(&self, view: &View, scene: SceneId, window: Window) -> ComparedPixels {
        match view.scenes[scene].groups[..] {
            [BandGroup { alignment: Alignment::Paste { cols, rows }, .. }]
                if self.scope.held_out.is_none() =>
            {
                ComparedPixels::OfScene(window.shift(cols, rows))
            }
            _ => ComparedPixels::OfView(view.id, window),
        }
    }
}
