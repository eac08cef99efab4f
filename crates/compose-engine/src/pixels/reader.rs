//! Reads one scene on a window of a view's grid: its pixels, without those that the mask rules take, aligned.

use super::buffers::AlignedGroup;
use super::context::{ReadContext, Scope, Worker};
use super::mask_cache::MaskCache;
use super::planes::{LAYOUT, Owned};
use super::unusable::Unusable;
use crate::error::EngineError;
use crate::plan::{BandGroup, BandId, EvaluationGrid, GroupId, SceneId, View};
use compose_core::{Block, ValidityMode, Window};
use compose_io::align::{Alignment, NativeBlock};
use compose_io::{BandRef, IoError, Reading, RunPosition, Valid};
use ndarray::{Array3, ArrayView2, Axis, Zip};
use std::ops::Range;

/// Reads scenes for one block of a job. Each worker has its own.
#[derive(Clone)]
pub struct SceneReader<'a> {
    /// Shared by all readers.
    pub context: &'a ReadContext<'a>,
    /// The output and its rules.
    pub scope: Scope<'a>,
    /// The grid that scenes are brought to, and how.
    pub view: &'a View,
    /// The position of the run, with the block that is being composed.
    pub place: RunPosition,
    /// From the grid of the view to that of the output, in pixels.
    pub shift: (i64, i64),
    /// Pixels that every block needs beyond its own, on each side.
    pub halo: i64,
    /// The wanted bands that it is composed of.
    pub bands: Range<usize>,
    /// The masks of the pass, where it comes to every block more than once.
    pub kept: Option<&'a MaskCache>,
    /// The worker that reads.
    pub worker: &'a Worker,
}

/// A scene with and without the mask rules.
pub struct Look {
    /// Samples, and where the scene has data.
    pub block: Block,
    /// Samples, resampled without the pixels that the rules mark; `None` where they are the same.
    pub clear_values: Option<Array3<f32>>,
    /// 1 where the scene has data and no rule has marked it.
    pub clear: Array3<u8>,
}

impl<'a> ReadContext<'a> {
    /// Reads scenes on the grid of an output, in all bands, for the block of `place`.
    pub fn reader(&'a self, scope: Scope<'a>, place: RunPosition, worker: &'a Worker) -> SceneReader<'a> {
        let bands = 0..self.stack.bands.len();
        let view = &scope.job.view;
        SceneReader { context: self, scope, view, place, shift: (0, 0), halo: 0, bands, kept: None, worker }
    }
}

impl SceneReader<'_> {
    /// The pixels of `scene` on `window`, with the mask rules applied where `masked`.
    pub fn read(&self, scene: SceneId, window: Window, masked: bool) -> Result<Block, EngineError> {
        let block = self.read_where(scene, window, masked, None)?;
        Ok(block.unwrap_or_else(|| self.nothing(window)))
    }

    /// As [`SceneReader::read`]; `None` if no pixel is clear (or none where `wanted` is 1).
    pub fn read_where(
        &self,
        scene: SceneId,
        window: Window,
        masked: bool,
        wanted: Option<ArrayView2<'_, u8>>,
    ) -> Result<Option<Block>, EngineError> {
        if self.scope.held_out.is_some_and(|h| h.absent.contains(&scene)) || !self.reaches(scene, window) {
            return Ok(None);
        }
        let mut block = self.read_all(scene, window, masked, wanted)?;
        if let (Some(held_out), Some(block)) = (self.scope.held_out.filter(|h| h.scene == scene), &mut block)
        {
            held_out.hide(block, window, masked);
        }
        Ok(block)
    }

    /// As [`SceneReader::read_where`], without held-out pixels being replaced.
    fn read_all(
        &self,
        scene: SceneId,
        window: Window,
        masked: bool,
        wanted: Option<ArrayView2<'_, u8>>,
    ) -> Result<Option<Block>, EngineError> {
        let plan = &self.view.scenes[scene];
        let mut block: Option<Block> = None;
        for (index, group) in plan.groups.iter().enumerate() {
            let bands: Vec<BandId> =
                group.bands.iter().copied().filter(|b| self.bands.contains(&b.index())).collect();
            if bands.is_empty() {
                continue;
            }
            let Some(at) = self.native_reading(scene, GroupId(index), window) else { return Ok(None) };
            let unusable = if masked { self.unusable(scene, GroupId(index), at)? } else { None };
            // `wanted` holds target pixels: it fits native pixels only where these are pasted.
            let wanted = wanted.filter(|_| matches!(group.alignment, Alignment::Paste { .. }));
            if unusable.as_ref().is_some_and(|u| u.hides_all(at.window, wanted)) {
                self.worker.buffers.give_unusable(unusable);
                // With joint validity, or in a single group, no pixel of the scene is left.
                if self.context.stack.validity == ValidityMode::Joint || bands.len() == self.bands.len() {
                    return Ok(None);
                }
                block.get_or_insert_with(|| self.nothing(window));
                continue;
            }
            let native = self.native(scene, &bands, at, unusable.as_ref())?;
            self.worker.buffers.give_unusable(unusable);
            let aligned = self.align(group, window, at.window, native);
            if bands.len() == self.bands.len() {
                return Ok(Some(aligned));
            }
            let first = block.is_none();
            self.place(block.get_or_insert_with(|| self.nothing(window)), &bands, aligned, first);
        }
        Ok(block)
    }

    /// Whether a scene may have pixels on a window.
    pub fn reaches(&self, scene: SceneId, window: Window) -> bool {
        self.view.scenes[scene].reaches(window)
    }

    /// The pixels of `scene` on `window` with and without the mask rules.
    pub fn look(&self, scene: SceneId, window: Window) -> Result<Look, EngineError> {
        let groups = &self.view.scenes[scene].groups;
        let block = self.read(scene, window, false)?;
        if !self.reaches(scene, window) {
            return Ok(Look { clear_values: None, clear: block.valid.clone(), block });
        }
        if let [BandGroup { alignment: Alignment::Paste { cols, rows }, .. }] = groups[..] {
            let at = self.reading(window).shift(cols, rows);
            let unusable = self.unusable(scene, GroupId(0), at)?;
            let mut clear = block.valid.clone();
            if let Some(unusable) = &unusable {
                unusable.clear(at.window, clear.as_slice_mut().expect(LAYOUT));
            }
            self.worker.buffers.give_unusable(unusable);
            if let Some(held_out) = self.scope.held_out.filter(|h| h.scene == scene) {
                let planes = clear.dim().0;
                held_out.each(window, |row, col| (0..planes).for_each(|plane| clear[[plane, row, col]] = 0));
            }
            return Ok(Look { block, clear_values: None, clear });
        }
        let clear = self.read(scene, window, true)?;
        Ok(Look { block, clear_values: Some(clear.values), clear: clear.valid })
    }

    /// Name of a band by its number among those that are read.
    pub fn band_name(&self, band: usize) -> String {
        self.context.stack.bands[self.bands.start + band].clone()
    }

    /// Per band that is read: the largest sample of its type, for integers whose values are not converted.
    pub fn full_scale(&self, scene: SceneId) -> Vec<Option<f32>> {
        let plan = &self.view.scenes[scene];
        let full = |band: BandId| {
            let dtype = self.context.stack.facts[scene].bands[band].dtype;
            (dtype.is_integer() && plan.radiometry[band].is_none()).then(|| dtype.range().1 as f32)
        };
        self.bands.clone().map(BandId).map(full).collect()
    }

    /// Takes back the memory of a block that is no longer needed.
    pub fn give_back(&self, block: Block) {
        self.worker.buffers.give_block(block);
    }

    /// The numbers below `count`, starting at another one for each worker. Neighbouring blocks need the same tiles: workers
    /// that asked for them in the same order would wait for each other at every tile.
    pub fn apart(&self, count: usize) -> impl Iterator<Item = usize> + use<> {
        let (worker, workers) = (self.worker.number, self.context.workers);
        let start = worker * count / workers.max(1);
        (start..count).chain(0..start)
    }

    fn nothing(&self, window: Window) -> Block {
        self.worker.buffers.empty_block(self.bands.len(), self.context.stack.validity, window)
    }

    /// A window of the view's grid as a part of the pass.
    pub(super) fn reading(&self, window: Window) -> Reading {
        let target = window.shift(self.shift.0, self.shift.1);
        Reading { window, target, halo: self.halo, place: self.place }
    }

    /// The native window of a band group that a window of the view needs; `None` if it needs none.
    pub(super) fn native_reading(&self, scene: SceneId, group: GroupId, window: Window) -> Option<Reading> {
        match &self.view.scenes[scene].groups[group].alignment {
            Alignment::Paste { cols, rows } => Some(self.reading(window).shift(*cols, *rows)),
            Alignment::Resample(resampler) => {
                let who = AlignedGroup { view: self.view.id, scene, group };
                Some(self.reading(window).by(self.worker.buffers.native_window(who, resampler, window)?))
            }
            Alignment::Disjoint => None,
        }
    }

    /// Samples and validity (one plane per band, or one) on the group's own grid.
    pub(super) fn native(
        &self,
        scene: SceneId,
        bands: &[BandId],
        at: Reading,
        unusable: Option<&Unusable>,
    ) -> Result<Block, EngineError> {
        let (pixels, mode) = (at.window.pixels(), self.context.stack.validity);
        let mut block = self.worker.buffers.block(bands.len(), mode, at.window);
        let values = block.values.as_slice_mut().expect(LAYOUT);
        let valid = block.valid.as_slice_mut().expect(LAYOUT);
        for (nth, i) in self.apart(bands.len()).enumerate() {
            let (band, samples) = (&bands[i], &mut values[i * pixels..][..pixels]);
            let valid = match mode {
                ValidityMode::Joint if nth > 0 => Valid::And(valid),
                ValidityMode::Joint => Valid::Set(valid),
                ValidityMode::PerBand => Valid::Set(&mut valid[i * pixels..][..pixels]),
            };
            self.context.store.read_data(&self.context.sources[scene].refs[*band], at, samples, valid)?;
            if let Some((gain, bias)) = self.view.scenes[scene].radiometry[*band] {
                samples.iter_mut().for_each(|v| *v = (f64::from(*v) * gain + bias) as f32);
            }
        }
        if let Some(unusable) = unusable {
            unusable.clear(at.window, valid);
        }
        Ok(block)
    }

    fn align(&self, group: &BandGroup, window: Window, native_window: Window, native: Block) -> Block {
        let Alignment::Resample(resampler) = &group.alignment else { return native };
        let (bands, mode) = (native.values.dim().0, self.context.stack.validity);
        let mut out = self.worker.buffers.empty_block(bands, mode, window);
        let (values, valid) = (native.values.view(), native.valid.view());
        resampler.resample(window, &NativeBlock { window: native_window, values, valid }, &mut out);
        self.give_back(native);
        out
    }

    /// Puts some bands where they belong; jointly, a pixel must be valid in every group.
    fn place(&self, block: &mut Block, bands: &[BandId], aligned: Block, first: bool) {
        for (i, band) in bands.iter().enumerate() {
            let to = band.index() - self.bands.start;
            block.values.index_axis_mut(Axis(0), to).assign(&aligned.values.index_axis(Axis(0), i));
            if self.context.stack.validity == ValidityMode::PerBand {
                block.valid.index_axis_mut(Axis(0), to).assign(&aligned.valid.index_axis(Axis(0), i));
            }
        }
        if self.context.stack.validity == ValidityMode::Joint {
            if first {
                block.valid.assign(&aligned.valid);
            } else {
                Zip::from(&mut block.valid).and(&aligned.valid).for_each(|a, b| *a &= *b);
            }
        }
        self.give_back(aligned);
    }

    /// One band on the grid of a mask rule or a score.
    pub(super) fn band_at(
        &self,
        scene: SceneId,
        runs_on: &EvaluationGrid,
        band: BandId,
        at: Reading,
    ) -> Result<Owned, EngineError> {
        let shape = (at.window.height, at.window.width);
        let role = self.context.stack.facts[scene].bands[band].role;
        match &runs_on.from_band[band] {
            Alignment::Paste { cols, rows } => Ok(self.band(scene, band, at.shift(*cols, *rows))?),
            Alignment::Disjoint => Ok(Owned::nothing(role, shape)),
            Alignment::Resample(resampler) => {
                let (mut out, window) = (Owned::nothing(role, shape), at.window);
                let Some(native) = resampler.native_window(window) else { return Ok(out) };
                match (&mut out, self.band(scene, band, at.by(native))?) {
                    (Owned::Data(values, valid), Owned::Data(v, ok)) => {
                        resampler.nearest(window, native, v.view(), 0.0, values.view_mut());
                        resampler.nearest(window, native, ok.view(), 0, valid.view_mut());
                    }
                    (Owned::Quality(codes, inside), Owned::Quality(c, i)) => {
                        resampler.nearest(window, native, c.view(), 0, codes.view_mut());
                        resampler.nearest(window, native, i.view(), 0, inside.view_mut());
                    }
                    _ => unreachable!("a band keeps its role"),
                }
                Ok(out)
            }
        }
    }

    /// Clears the pixels of a mask made by others that its own mask, alpha or nodata values take.
    fn leave_out_invalid(&self, source: &BandRef, at: Reading, inside: &mut [u8]) -> Result<(), IoError> {
        let (mut samples, mut valid) = (vec![0.0; inside.len()], vec![0; inside.len()]);
        self.context.store.read_data(source, at, &mut samples, Valid::Set(&mut valid))?;
        inside.iter_mut().zip(valid).for_each(|(inside, valid)| *inside &= valid);
        Ok(())
    }

    pub(super) fn band(&self, scene: SceneId, band: BandId, at: Reading) -> Result<Owned, IoError> {
        let source = &self.context.sources[scene].refs[band];
        let shape = (at.window.height, at.window.width);
        let mut out = Owned::nothing(self.context.stack.facts[scene].bands[band].role, shape);
        match &mut out {
            Owned::Data(values, valid) => {
                let values = values.as_slice_mut().expect(LAYOUT);
                let valid = Valid::Set(valid.as_slice_mut().expect(LAYOUT));
                self.context.store.read_data(source, at, values, valid)?;
            }
            Owned::Quality(codes, inside) => {
                let codes = codes.as_slice_mut().expect(LAYOUT);
                let inside = inside.as_slice_mut().expect(LAYOUT);
                self.context.store.read_quality(source, at, codes, inside)?;
                if self.context.stack.facts[scene].bands[band].beside {
                    self.leave_out_invalid(source, at, inside)?;
                }
            }
        }
        Ok(out)
    }
}
