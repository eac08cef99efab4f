//! The pixels of a scene that the mask rules mask.

use super::mask_cache::Bits;
use super::planes::{LAYOUT, Owned};
use super::reader::SceneReader;
use super::unusable::Unusable;
use crate::error::EngineError;
use crate::plan::{BandId, GroupId, RuleId, SceneId, covering};
use compose_core::quality;
use compose_core::{BandFacts, MaskInput, Plane, Window};
use compose_io::Reading;
use compose_io::align::Alignment;
use ndarray::{Array2, Zip, s};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl SceneReader<'_> {
    /// 1 where `rule` masks (or cannot judge) a pixel of `scene` on `window` of the target grid.
    pub fn marks(&self, scene: SceneId, rule: RuleId, window: Window) -> Result<Array2<u8>, EngineError> {
        let mut marks = Array2::zeros((window.height, window.width));
        if !self.reaches(scene, window) {
            return Ok(marks);
        }
        for (index, group) in self.view.scenes[scene].groups.iter().enumerate() {
            let Some(at) = self.native_reading(scene, GroupId(index), window) else { continue };
            let mut marked = Array2::zeros((at.window.height, at.window.width));
            self.mark_group(scene, rule, GroupId(index), at, marked.as_slice_mut().expect(LAYOUT))?;
            if let Alignment::Resample(resampler) = &group.alignment {
                let mut aligned = Array2::zeros((window.height, window.width));
                resampler.nearest(window, at.window, marked.view(), 0, aligned.view_mut());
                marked = aligned;
            }
            marks |= &marked;
        }
        Ok(marks)
    }

    /// The pixels that any rule masks (or cannot judge) on a window of the group's grid; `None` without rules.
    pub(super) fn unusable(
        &self,
        scene: SceneId,
        group: GroupId,
        at: Reading,
    ) -> Result<Option<Unusable>, EngineError> {
        if self.rules(scene).next().is_none()
            && self.kept.is_none_or(|_| !self.scope.job.order.validity_first)
        {
            return Ok(None);
        }
        if let Some(whole) = self.kept.and_then(|_| self.whole_block(scene, group, at)) {
            return self.keep(scene, group, whole).map(|bits| Some(Unusable::Kept(bits)));
        }
        self.union(scene, group, at).map(|marks| Some(Unusable::Marks(marks)))
    }

    /// The scenes that are read and may have pixels on the block.
    fn scenes_here(&self) -> Vec<SceneId> {
        self.scope.job.scenes_read().filter(|scene| self.reaches(*scene, self.place.block)).collect()
    }

    /// Makes the masks of the block for all scenes that may be read, and keeps them.
    pub fn keep_masks(&self) -> Result<(), EngineError> {
        let scenes = self.scenes_here();
        for scene in self.apart(scenes.len()).map(|nth| scenes[nth]) {
            for group in (0..self.view.scenes[scene].groups.len()).map(GroupId) {
                if let Some(at) = self.native_reading(scene, group, self.place.block) {
                    self.keep(scene, group, at)?;
                }
            }
        }
        Ok(())
    }

    /// Adds the pixels that are not valid in a band to the kept masks.
    pub fn keep_validity(&self, band: BandId) -> Result<(), EngineError> {
        let kept = self.kept.expect("masks are kept in this pass");
        let scenes = self.scenes_here();
        for scene in self.apart(scenes.len()).map(|nth| scenes[nth]) {
            let groups = self.view.scenes[scene].groups.iter().enumerate();
            for (nth, _) in groups.filter(|(_, g)| g.bands.contains(&band)) {
                let group = GroupId(nth);
                let Some(at) = self.native_reading(scene, group, self.place.block) else { continue };
                let block = self.native(scene, &[band], at, None)?;
                let mut marks = self.worker.buffers.marks(at.window.pixels());
                let valid = block.valid.as_slice().expect(LAYOUT);
                marks.iter_mut().zip(valid).for_each(|(mark, valid)| *mark = 1 - *valid);
                kept.add((scene, group, at.window), &marks);
                self.worker.buffers.give_marks(Some(marks));
                self.give_back(block);
            }
        }
        Ok(())
    }

    /// The whole block on the group's grid, where that holds the window.
    fn whole_block(&self, scene: SceneId, group: GroupId, at: Reading) -> Option<Reading> {
        let whole = self.native_reading(scene, group, self.place.block)?;
        (whole.window.intersect(at.window) == Some(at.window)).then_some(whole)
    }

    fn keep(&self, scene: SceneId, group: GroupId, at: Reading) -> Result<Arc<Bits>, EngineError> {
        let kept = self.kept.expect("masks are kept in this pass");
        kept.get((scene, group, at.window), || {
            let marks = self.union(scene, group, at)?;
            let bits = Bits::pack(at.window, &marks);
            self.worker.buffers.give_marks(Some(marks));
            Ok(bits)
        })
    }

    fn union(&self, scene: SceneId, group: GroupId, at: Reading) -> Result<Vec<u8>, EngineError> {
        let mut marks = self.worker.buffers.marks(at.window.pixels());
        marks.fill(0);
        for rule in self.rules(scene) {
            self.mark_group(scene, rule, group, at, &mut marks)?;
        }
        Ok(marks)
    }

    /// Marks (1) the pixels that `rule` masks (or cannot judge) on a window of the group's grid.
    fn mark_group(
        &self,
        scene: SceneId,
        rule: RuleId,
        group: GroupId,
        at: Reading,
        marks: &mut [u8],
    ) -> Result<(), EngineError> {
        let mask = &self.context.stack.masks[scene][rule];
        match &mask.from_group[group] {
            Alignment::Paste { cols, rows } => self.mark(scene, rule, at.shift(*cols, *rows), marks),
            Alignment::Disjoint => {
                marks.fill(1);
                Ok(())
            }
            Alignment::Resample(resampler) => {
                let mut out = Array2::ones((at.window.height, at.window.width));
                if let Some(on_mask) = resampler.native_window(at.window) {
                    let mut marked = Array2::zeros((on_mask.height, on_mask.width));
                    let of_mask = marked.as_slice_mut().expect(LAYOUT);
                    self.mark(scene, rule, at.by(on_mask), of_mask)?;
                    resampler.nearest(at.window, on_mask, marked.view(), 1, out.view_mut());
                }
                marks.iter_mut().zip(&out).for_each(|(mark, out)| *mark |= out);
                Ok(())
            }
        }
    }

    /// Marks (1) the pixels that `rule` masks, and those outside, on a window of the mask's own grid.
    fn mark(&self, scene: SceneId, rule: RuleId, at: Reading, marks: &mut [u8]) -> Result<(), EngineError> {
        let mask = &self.context.stack.masks[scene][rule];
        let Some(bound) = self.scope.masks.rule(scene, rule) else { return Ok(()) };
        let facts = &self.context.stack.facts[scene];
        let halo = bound.halo();
        let (window, wide) = (at.window, at.window.expand(halo));
        let mut owned = Vec::with_capacity(bound.bands().len());
        for band in bound.bands() {
            owned.push(self.band_at(scene, &mask.runs_on, BandId(*band), at.expand(halo))?);
        }
        let planes: Vec<Plane<'_>> = owned.iter().map(Owned::plane).collect();
        let outside = self.outside_of(scene, bound.bands(), &owned, wide);
        let neutral = self.neutral(scene, rule, at.expand(halo), &outside)?;
        let blocks = self.blocks(scene, rule, at.expand(halo))?;
        let compared = blocks.as_ref().map(|blocks| blocks.view(self));
        let mut marked = Array2::zeros((wide.height, wide.width));
        let input = MaskInput {
            scene: facts,
            grid: &mask.runs_on.grid,
            window: wide,
            planes: &planes,
            neutral: neutral.view(),
            stack: compared.as_ref(),
        };
        bound.mark(&input, marked.view_mut()).map_err(|e| EngineError::Mask {
            rule: self.context.stack.mask_names[rule].clone(),
            scene: facts.id.clone(),
            window,
            message: e.to_string(),
        })?;
        let (marked, outside) = (rows(&marked, halo), rows(&outside, halo));
        let mut hits = 0;
        for (marks, (marked, outside)) in marks.chunks_mut(window.width.max(1)).zip(marked.zip(outside)) {
            hits += join(marks, marked, outside);
        }
        self.context.marked[rule].fetch_add(hits, Ordering::Relaxed);
        Ok(())
    }

    /// 1 outside the acquisition, and where every wanted band is missing.
    fn neutral(
        &self,
        scene: SceneId,
        rule: RuleId,
        at: Reading,
        outside: &Array2<u8>,
    ) -> Result<Array2<u8>, EngineError> {
        let window = at.window;
        let mask = &self.context.stack.masks[scene][rule];
        if !mask.bound.planned().needs_neutral() {
            return Ok(Array2::zeros((window.height, window.width)));
        }
        let facts = &self.context.stack.facts[scene];
        let mut missing = Array2::ones((window.height, window.width));
        for (group, bands) in self.context.stack.groups[scene].iter().enumerate() {
            let native = &facts.bands[bands[0]].grid;
            let on = &mask.runs_on.grid;
            if native.same_crs(on) && native.transform.dx.abs() < on.transform.dx.abs() {
                self.clear_covered(scene, rule, GroupId(group), at, &mut missing)?;
                continue;
            }
            for band in bands {
                if let Owned::Data(_, valid) = self.band_at(scene, &mask.runs_on, *band, at)? {
                    Zip::from(&mut missing).and(&valid).for_each(|m, v| *m &= 1 - *v);
                }
            }
        }
        Zip::from(&mut missing).and(outside).for_each(|m, o| *m |= *o);
        Ok(missing)
    }

    /// Clears `missing` at coarse mask pixels that cover a finer pixel with data.
    fn clear_covered(
        &self,
        scene: SceneId,
        rule: RuleId,
        group: GroupId,
        at: Reading,
        missing: &mut Array2<u8>,
    ) -> Result<(), EngineError> {
        let window = at.window;
        let mask = &self.context.stack.masks[scene][rule];
        let bands = &self.context.stack.groups[scene][group];
        let fine =
            covering(&self.context.stack.facts[scene].bands[bands[0]].grid, &mask.runs_on.grid, window);
        // The alignment tells to which mask pixel each fine pixel belongs. A fine pixel at the edge may belong to a mask
        // pixel outside the window: it is left out.
        let wider = window.expand(1);
        let mut cells = Array2::from_elem((wider.height, wider.width), u32::MAX);
        let inner = s![1..=window.height, 1..=window.width];
        cells
            .slice_mut(inner)
            .indexed_iter_mut()
            .for_each(|((r, c), cell)| *cell = (r * window.width + c) as u32);
        let mut cell_of = Array2::from_elem((fine.height, fine.width), u32::MAX);
        match &mask.from_group[group] {
            Alignment::Resample(resampler) => {
                resampler.nearest(fine, wider, cells.view(), u32::MAX, cell_of.view_mut());
            }
            // Grids of different pixel sizes are never pasted.
            _ => return Ok(()),
        }
        for band in bands {
            let Owned::Data(_, valid) = self.band(scene, *band, at.by(fine))? else { continue };
            for (cell, _) in cell_of.iter().zip(&valid).filter(|(c, v)| **c != u32::MAX && **v != 0) {
                missing[(*cell as usize / window.width, *cell as usize % window.width)] = 0;
            }
        }
        Ok(())
    }

    /// 1 where a quality band of the rule, or a mask made by others, has no pixel, or marks it as fill: a pixel that cannot
    /// be judged is unusable.
    fn outside_of(&self, scene: SceneId, bands: &[usize], owned: &[Owned], window: Window) -> Array2<u8> {
        let mut outside = Array2::zeros((window.height, window.width));
        for (band, plane) in bands.iter().zip(owned) {
            let facts = &self.context.stack.facts[scene].bands[*band];
            let (codes, inside) = match plane {
                Owned::Quality(codes, inside) => (codes, inside),
                Owned::Data(values, valid) => {
                    if facts.beside {
                        Zip::from(&mut outside).and(valid).for_each(|o, v| *o |= 1 - *v);
                        no_probability(facts, values, &mut outside);
                    }
                    continue;
                }
            };
            Zip::from(&mut outside).and(inside).for_each(|o, i| *o |= 1 - *i);
            if let Some(layout) = facts.layout {
                Zip::from(&mut outside).and(codes).for_each(|o, c| *o |= u8::from(layout.is_fill(*c)));
            }
            // A code that a network's layout does not know is none of its answers.
            if let Some(layout) =
                facts.layout.filter(|layout| facts.beside && quality::is_of_the_table(layout))
            {
                Zip::from(&mut outside).and(codes).for_each(|o, c| *o |= u8::from(!layout.knows_code(*c)));
            }
        }
        outside
    }
}

/// Sets 1 where a probability is none: beyond 0 and 1.
fn no_probability(facts: &BandFacts, values: &Array2<f32>, outside: &mut Array2<u8>) {
    let is_probability = facts.layout.is_some_and(|layout| layout.percent_of.is_some());
    let Some((scale, _)) = facts.scale_offset.filter(|_| is_probability) else { return };
    // Percent are stored as whole numbers: 100 is still 1.
    let most = (1.0 / scale).round() as f32;
    Zip::from(outside).and(values).for_each(|o, v| *o |= u8::from(!(0.0..=most).contains(v)));
}

/// The rows of a plane less a frame of `halo` pixels.
fn rows(plane: &Array2<u8>, halo: usize) -> impl Iterator<Item = &[u8]> {
    let (height, width) = plane.dim();
    let cells = plane.as_slice().expect(LAYOUT);
    (halo..height - halo).map(move |row| &cells[row * width + halo..(row + 1) * width - halo])
}

/// Adds the pixels that a rule masked and those outside to the marks; returns the number that the rule masked.
fn join(marks: &mut [u8], marked: &[u8], outside: &[u8]) -> u64 {
    for (mark, (marked, outside)) in marks.iter_mut().zip(marked.iter().zip(outside)) {
        *mark |= u8::from(*marked != 0) | *outside;
    }
    // The sum of a piece fits into a byte, so bytes are added as bytes.
    let taken = |piece: &[u8]| u64::from(piece.iter().map(|m| u8::from(*m != 0)).sum::<u8>());
    marked.chunks(255).map(taken).sum()
}
