//! Other scenes beside the one of a stage, for rules that compare.

use crate::stage::{Other, Pixels, Stage};
use compose_core::mask_rule::{Compared, OtherScene};
use compose_core::survey::{CLEAR, UNUSABLE};
use compose_core::{Block, BoundMask, Day, Learned, MaskStack, SampledScene, SceneFacts, Survey, Window};
use ndarray::{Array2, Axis};
use std::sync::Arc;

impl Stage {
    /// The other scene of this name; at first without a pixel. Scenes must come in the order of their dates.
    pub fn other(&mut self, id: &str, day: Option<Day>) -> &mut Other {
        if let Some(known) = self.others.iter().position(|other| other.facts.id == id) {
            return &mut self.others[known];
        }
        let facts = SceneFacts { id: id.into(), day, ..self.scene.clone() };
        let shape = (self.scene.grid.height, self.scene.grid.width);
        let nothing = Pixels::Data(Array2::zeros(shape), Array2::zeros(shape));
        self.others.push(Other { facts, pixels: vec![nothing; self.scene.wanted] });
        self.others.last_mut().unwrap()
    }

    /// A rule of the rules file, bound to this scene and fitted to all pixels of the stack.
    pub fn fitted(&self, toml: &str) -> Result<Arc<dyn BoundMask>, String> {
        let rule = self.binding(toml)?;
        let scenes = self.facts();
        let known = self.known(&scenes);
        if rule.planned().compares(&known).is_empty() {
            return Ok(rule.alone());
        }
        rule.fit(&known, &self.survey()).map_err(|e| e.to_string())
    }

    /// The rule that [`Self::fitted`] gives, made anew of what it learned, as a plan file keeps it.
    pub fn restored(&self, toml: &str) -> Result<Arc<dyn BoundMask>, String> {
        let text = serde_json::to_string(&self.fitted(toml)?.learned()).unwrap();
        self.restored_from(toml, &serde_json::from_str(&text).unwrap())
    }

    /// A rule made of what it, or another, learned.
    pub fn restored_from(&self, toml: &str, learned: &Learned) -> Result<Arc<dyn BoundMask>, String> {
        let (rule, scenes) = (self.binding(toml)?, self.facts());
        rule.restore(&self.known(&scenes), learned).map_err(|e| e.to_string())
    }

    /// Blocks of the stack's scenes, where the rule compares.
    pub fn blocks(&self, rule: &dyn BoundMask, window: Window) -> Option<Vec<Block>> {
        let scenes = self.facts();
        let compares = !rule.compares(&self.known(&scenes)).is_empty();
        compares.then(|| (0..scenes.len()).map(|scene| self.block(scene, window)).collect())
    }

    /// The scenes that the rule asked for.
    pub fn compared<'a>(&self, rule: &dyn BoundMask, blocks: &'a [Block]) -> Compared<'a> {
        let scenes = self.facts();
        let mut asked = rule.compares(&self.known(&scenes));
        asked.sort_unstable();
        let other = |scene: usize| OtherScene { scene, day: scenes[scene].day, block: &blocks[scene] };
        Compared { own: &blocks[self.own()], others: asked.into_iter().map(other).collect() }
    }

    /// Where the stage's scene is among all: before those of later days.
    fn own(&self) -> usize {
        let day = |facts: &SceneFacts| facts.day.map_or(i32::MAX, |day| day.0);
        self.others.iter().take_while(|other| day(&other.facts) < day(&self.scene)).count()
    }

    fn facts(&self) -> Vec<SceneFacts> {
        let mut facts: Vec<SceneFacts> = self.others.iter().map(|other| other.facts.clone()).collect();
        facts.insert(self.own(), self.scene.clone());
        facts
    }

    fn known<'a>(&self, scenes: &'a [SceneFacts]) -> MaskStack<'a> {
        MaskStack { scenes, scene: self.own(), reference: self.own() }
    }

    fn block(&self, scene: usize, window: Window) -> Block {
        let own = self.own();
        let pixels = match scene {
            _ if scene == own => &self.pixels,
            _ => &self.others[scene - usize::from(scene > own)].pixels,
        };
        let wanted = self.scene.wanted;
        let mut block = Block::empty(wanted, self.validity, window.height, window.width);
        let planes = block.valid.dim().0;
        block.valid.fill(1);
        for (band, pixels) in pixels[..wanted].iter().enumerate() {
            let Pixels::Data(values, valid) = pixels.cut(window) else { panic!("a data band is wanted") };
            block.values.index_axis_mut(Axis(0), band).assign(&values);
            let mut plane = block.valid.index_axis_mut(Axis(0), if planes == 1 { 0 } else { band });
            plane *= &valid;
        }
        block
    }

    fn survey(&self) -> Survey {
        let (height, width) = (self.scene.grid.height, self.scene.grid.width);
        let sampled = |scene: usize| {
            let block = self.block(scene, Window::whole(width, height));
            let bands = block.values.dim().0;
            let values = Array2::from_shape_fn((height * width, bands), |(i, b)| {
                block.values[[b, i / width, i % width]]
            });
            let clear = |i: usize| {
                block.valid.index_axis(Axis(1), i / width).column(i % width).iter().all(|v| *v != 0)
            };
            let state = (0..height * width).map(|i| if clear(i) { CLEAR } else { UNUSABLE }).collect();
            Some(SampledScene { values, state })
        };
        Survey { scenes: (0..=self.others.len()).map(sampled).collect(), pixels: height * width }
    }
}
