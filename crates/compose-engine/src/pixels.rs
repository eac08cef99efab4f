//! One scene's pixels on a window of the target grid: read, mask on the native grid, align.

use crate::error::EngineError;
use crate::plan::{BandGroup, Job, ScenePlan, Stack};
use compose_core::{
    BandRole, Block, BoundMask, BoundScore, Grid, MaskInput, Plane, ScoreInput, ValidityMode, Window,
};
use compose_io::align::{Alignment, NativeBlock};
use compose_io::{IoError, TileStore};
use ndarray::{Array2, Array3, ArrayView2, Axis, Zip, s};
use std::sync::atomic::{AtomicU64, Ordering};

/// Reads scenes for the blocks of one job.
pub struct SceneReader<'a> {
    /// Decoded tiles, shared with the other workers.
    pub store: &'a TileStore,
    /// Scenes and bound masks.
    pub stack: &'a Stack,
    /// Grid and alignments.
    pub job: &'a Job,
    /// Marked pixels per mask rule, over all that was read.
    pub marked: &'a [AtomicU64],
}

/// A group's samples and validity (one plane per band of the group, or one) on its own grid.
struct Native {
    values: Array3<f32>,
    valid: Array3<u8>,
}

/// The planes of one band on a mask's grid.
enum Owned {
    Data(Array2<f32>, Array2<u8>),
    Quality(Array2<u32>, Array2<u8>),
}

impl SceneReader<'_> {
    /// The pixels of `scene` on `window`, with the mask rules applied where `masked`.
    pub fn read(&self, scene: usize, window: Window, masked: bool) -> Result<Block, EngineError> {
        let plan = &self.job.scenes[scene];
        let mode = self.stack.validity;
        let mut block = Block::empty(self.stack.bands.len(), mode, window.height, window.width);
        for (index, group) in plan.groups.iter().enumerate() {
            let Some(native_window) = native_window(&group.alignment, window) else {
                return Ok(Block::empty(self.stack.bands.len(), mode, window.height, window.width));
            };
            let native = self.native(scene, index, group, native_window, masked)?;
            let aligned = align(group, window, native_window, native, mode);
            place(&mut block, group, aligned, index == 0);
        }
        Ok(block)
    }

    /// Whether `rule` takes (or cannot see) any pixel of `scene` on `window` of the target grid.
    pub fn takes(&self, scene: usize, rule: usize, window: Window) -> Result<bool, EngineError> {
        let mut taken = false;
        for (index, group) in self.job.scenes[scene].groups.iter().enumerate() {
            let Some(native) = native_window(&group.alignment, window) else { continue };
            let marked = self.marked_on_group(scene, rule, index, native)?;
            taken |= match &group.alignment {
                Alignment::Resample(resampler) => {
                    let mut aligned = Array2::zeros((window.height, window.width));
                    resampler.nearest(window, native, marked.view(), 0, aligned.view_mut());
                    aligned.iter().any(|m| *m != 0)
                }
                _ => marked.iter().any(|m| *m != 0),
            };
        }
        Ok(taken)
    }

    /// How good the pixels of `scene` are on `window`; `-inf` where there is no telling.
    pub fn rate(
        &self,
        scene: usize,
        score: &dyn BoundScore,
        planned: &PlannedScore,
        window: Window,
    ) -> Result<Array2<f32>, EngineError> {
        let mut out = Array2::from_elem((window.height, window.width), f32::NEG_INFINITY);
        match &planned.to_target {
            Alignment::Paste { cols, rows } => {
                self.rate_native(scene, score, planned, window.shift(*cols, *rows))
            }
            Alignment::Disjoint => Ok(out),
            Alignment::Resample(resampler) => {
                if let Some(native) = resampler.native_window(window) {
                    let scores = self.rate_native(scene, score, planned, native)?;
                    resampler.nearest(window, native, scores.view(), f32::NEG_INFINITY, out.view_mut());
                }
                Ok(out)
            }
        }
    }

    fn rate_native(
        &self,
        scene: usize,
        score: &dyn BoundScore,
        planned: &PlannedScore,
        window: Window,
    ) -> Result<Array2<f32>, EngineError> {
        let (facts, halo) = (&self.stack.facts[scene], score.halo());
        let wide = window.expand(halo);
        let mut owned = Vec::with_capacity(score.bands().len());
        for band in score.bands() {
            owned.push(self.band_at(scene, &planned.place, *band, wide)?);
        }
        let planes: Vec<Plane<'_>> = owned.iter().map(Owned::plane).collect();
        let input = ScoreInput { scene: facts, grid: &planned.place.grid, window: wide, planes: &planes };
        let mut scores = Array2::from_elem((wide.height, wide.width), f32::NEG_INFINITY);
        score.rate(&input, scores.view_mut()).map_err(|e| EngineError::Score {
            scene: facts.id.clone(),
            window,
            message: e.to_string(),
        })?;
        Ok(scores.slice(s![halo..halo + window.height, halo..halo + window.width]).to_owned())
    }

    fn native(
        &self,
        scene: usize,
        index: usize,
        group: &BandGroup,
        window: Window,
        masked: bool,
    ) -> Result<Native, EngineError> {
        let shape = (group.bands.len(), window.height, window.width);
        let (mut values, mut valid) = (Array3::zeros(shape), Array3::zeros(shape));
        for (i, band) in group.bands.iter().enumerate() {
            let mut samples = values.index_axis_mut(Axis(0), i);
            let source = &self.stack.scenes[scene].refs[*band];
            self.store.read_data(source, window, samples.view_mut(), valid.index_axis_mut(Axis(0), i))?;
            if let Some((gain, bias)) = self.job.scenes[scene].radiometry[*band] {
                samples.mapv_inplace(|v| (f64::from(v) * gain + bias) as f32);
            }
        }
        if self.stack.validity == ValidityMode::Joint {
            valid = all_of(valid);
        }
        if masked {
            for rule in 0..self.stack.masks[scene].len() {
                let marked = self.marked_on_group(scene, rule, index, window)?;
                for mut plane in valid.outer_iter_mut() {
                    Zip::from(&mut plane).and(&marked).for_each(|v, m| *v &= 1 - *m);
                }
            }
        }
        Ok(Native { values, valid })
    }

    /// 1 where `rule` takes a pixel (or cannot see it) on a window of the group's grid.
    fn marked_on_group(
        &self,
        scene: usize,
        rule: usize,
        group: usize,
        window: Window,
    ) -> Result<Array2<u8>, EngineError> {
        let mask = &self.stack.masks[scene][rule];
        match &mask.from_group[group] {
            Alignment::Paste { cols, rows } => self.marked(scene, rule, window.shift(*cols, *rows)),
            Alignment::Disjoint => Ok(Array2::ones((window.height, window.width))),
            Alignment::Resample(resampler) => {
                let mut out = Array2::ones((window.height, window.width));
                if let Some(on_mask) = resampler.native_window(window) {
                    let marked = self.marked(scene, rule, on_mask)?;
                    resampler.nearest(window, on_mask, marked.view(), 1, out.view_mut());
                }
                Ok(out)
            }
        }
    }

    /// 1 where `rule` takes a pixel, or where it is outside, on a window of the mask's own grid.
    fn marked(&self, scene: usize, rule: usize, window: Window) -> Result<Array2<u8>, EngineError> {
        let mask = &self.stack.masks[scene][rule];
        let facts = &self.stack.facts[scene];
        let halo = mask.bound.halo();
        let wide = window.expand(halo);
        let mut owned = Vec::with_capacity(mask.bound.bands().len());
        for band in mask.bound.bands() {
            owned.push(self.band_at(scene, &mask.place, *band, wide)?);
        }
        let planes: Vec<Plane<'_>> = owned.iter().map(Owned::plane).collect();
        let outside = self.outside_of(scene, mask.bound.bands(), &owned, wide);
        let neutral = self.neutral(scene, rule, wide, &outside)?;
        let mut marked = Array2::zeros((wide.height, wide.width));
        let input = MaskInput {
            scene: facts,
            grid: &mask.place.grid,
            window: wide,
            planes: &planes,
            neutral: neutral.view(),
        };
        mask.bound.mark(&input, marked.view_mut()).map_err(|e| EngineError::Mask {
            rule: self.stack.mask_names[rule].clone(),
            scene: facts.id.clone(),
            window,
            message: e.to_string(),
        })?;
        let inner = s![halo..halo + window.height, halo..halo + window.width];
        let mut inner_marked = marked.slice(inner).to_owned();
        let hits: u64 = inner_marked.iter().map(|m| u64::from(*m != 0)).sum();
        self.marked[rule].fetch_add(hits, Ordering::Relaxed);
        Zip::from(&mut inner_marked).and(outside.slice(inner)).for_each(|m, o| *m = u8::from(*m != 0) | *o);
        Ok(inner_marked)
    }

    /// One band on the grid of a mask rule or a score.
    fn band_at(
        &self,
        scene: usize,
        place: &NativePlace,
        band: usize,
        window: Window,
    ) -> Result<Owned, EngineError> {
        let shape = (window.height, window.width);
        match &place.from_band[band] {
            Alignment::Paste { cols, rows } => Ok(self.band(scene, band, window.shift(*cols, *rows))?),
            Alignment::Disjoint => Ok(Owned::nothing(self.stack.facts[scene].bands[band].role, shape)),
            Alignment::Resample(resampler) => {
                let Some(native) = resampler.native_window(window) else {
                    return Ok(Owned::nothing(self.stack.facts[scene].bands[band].role, shape));
                };
                let mut out = Owned::nothing(self.stack.facts[scene].bands[band].role, shape);
                match (&mut out, self.band(scene, band, native)?) {
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

    fn band(&self, scene: usize, band: usize, window: Window) -> Result<Owned, IoError> {
        let source = &self.stack.scenes[scene].refs[band];
        let mut out = Owned::nothing(self.stack.facts[scene].bands[band].role, (window.height, window.width));
        match &mut out {
            Owned::Data(values, valid) => {
                self.store.read_data(source, window, values.view_mut(), valid.view_mut())?
            }
            Owned::Quality(codes, inside) => {
                self.store.read_quality(source, window, codes.view_mut(), inside.view_mut())?;
            }
        }
        Ok(out)
    }

    /// 1 outside the acquisition, and where every wanted band is missing.
    fn neutral(
        &self,
        scene: usize,
        rule: usize,
        window: Window,
        outside: &Array2<u8>,
    ) -> Result<Array2<u8>, EngineError> {
        let mask = &self.stack.masks[scene][rule];
        if !mask.bound.needs_neutral() {
            return Ok(Array2::zeros((window.height, window.width)));
        }
        let facts = &self.stack.facts[scene];
        let mut missing = Array2::ones((window.height, window.width));
        for (group, bands) in self.stack.groups[scene].iter().enumerate() {
            let native = &facts.bands[bands[0]].grid;
            let on = &mask.place.grid;
            if native.same_crs(on) && native.transform.dx.abs() < on.transform.dx.abs() {
                self.clear_covered(scene, rule, group, window, &mut missing)?;
                continue;
            }
            for band in bands {
                if let Owned::Data(_, valid) = self.band_at(scene, &mask.place, *band, window)? {
                    Zip::from(&mut missing).and(&valid).for_each(|m, v| *m &= 1 - *v);
                }
            }
        }
        Zip::from(&mut missing).and(outside).for_each(|m, o| *m |= *o);
        Ok(missing)
    }

    /// Clears `missing` where any of the finer pixels that a coarse mask pixel covers has data.
    fn clear_covered(
        &self,
        scene: usize,
        rule: usize,
        group: usize,
        window: Window,
        missing: &mut Array2<u8>,
    ) -> Result<(), EngineError> {
        let mask = &self.stack.masks[scene][rule];
        let bands = &self.stack.groups[scene][group];
        let fine = covering(&self.stack.facts[scene].bands[bands[0]].grid, &mask.place.grid, window);
        // Which mask pixel each fine pixel belongs to: the alignment itself says so.
        // A fine pixel at the edge may belong to the mask pixel beyond it, which is nobody's here.
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
            let Owned::Data(_, valid) = self.band(scene, *band, fine)? else { continue };
            for (cell, _) in cell_of.iter().zip(&valid).filter(|(c, v)| **c != u32::MAX && **v != 0) {
                missing[(*cell as usize / window.width, *cell as usize % window.width)] = 0;
            }
        }
        Ok(())
    }

    /// 1 where a quality band that the rule reads has no pixel, or says that there was no acquisition: what
    /// cannot be judged is unusable.
    fn outside_of(&self, scene: usize, bands: &[usize], owned: &[Owned], window: Window) -> Array2<u8> {
        let mut outside = Array2::zeros((window.height, window.width));
        for (band, plane) in bands.iter().zip(owned) {
            let Owned::Quality(codes, inside) = plane else { continue };
            Zip::from(&mut outside).and(inside).for_each(|o, i| *o |= 1 - *i);
            if let Some(layout) = self.stack.facts[scene].bands[*band].layout {
                Zip::from(&mut outside).and(codes).for_each(|o, c| *o |= u8::from(layout.is_fill(*c)));
            }
        }
        outside
    }
}

impl Owned {
    fn nothing(role: BandRole, shape: (usize, usize)) -> Self {
        match role {
            BandRole::Data => Self::Data(Array2::zeros(shape), Array2::zeros(shape)),
            BandRole::Quality => Self::Quality(Array2::zeros(shape), Array2::zeros(shape)),
        }
    }

    fn plane(&self) -> Plane<'_> {
        match self {
            Self::Data(values, valid) => Plane::Data { values: values.view(), valid: valid.view() },
            Self::Quality(codes, inside) => Plane::Quality { codes: codes.view(), inside: inside.view() },
        }
    }
}

/// The window of `fine` that covers `window` of `coarse`; both are grids of one scene, in one system.
fn covering(fine: &Grid, coarse: &Grid, window: Window) -> Window {
    let corner = |col: i64, row: i64| {
        let (x, y) = coarse.transform.to_map(col as f64, row as f64);
        fine.transform.to_pixel(x, y)
    };
    let (a, b) = (corner(window.col, window.row), corner(window.col_end(), window.row_end()));
    let (left, right) = (a.0.min(b.0).floor() as i64, a.0.max(b.0).ceil() as i64);
    let (top, bottom) = (a.1.min(b.1).floor() as i64, a.1.max(b.1).ceil() as i64);
    Window { col: left, row: top, width: (right - left) as usize, height: (bottom - top) as usize }
}

fn native_window(alignment: &Alignment, window: Window) -> Option<Window> {
    match alignment {
        Alignment::Paste { cols, rows } => Some(window.shift(*cols, *rows)),
        Alignment::Resample(resampler) => resampler.native_window(window),
        Alignment::Disjoint => None,
    }
}

fn align(
    group: &BandGroup,
    window: Window,
    native_window: Window,
    native: Native,
    mode: ValidityMode,
) -> Block {
    match &group.alignment {
        Alignment::Resample(resampler) => {
            let mut out = Block::empty(group.bands.len(), mode, window.height, window.width);
            let native = NativeBlock {
                window: native_window,
                values: native.values.view(),
                valid: native.valid.view(),
            };
            resampler.resample(window, &native, &mut out);
            out
        }
        _ => Block { values: native.values, valid: native.valid },
    }
}

/// Puts a group's aligned bands where they belong; jointly, a pixel must be valid in every group.
fn place(block: &mut Block, group: &BandGroup, aligned: Block, first: bool) {
    if group.bands.len() == block.values.dim().0 {
        *block = aligned;
        return;
    }
    for (i, band) in group.bands.iter().enumerate() {
        block.values.index_axis_mut(Axis(0), *band).assign(&aligned.values.index_axis(Axis(0), i));
    }
    if block.valid.dim().0 == 1 {
        if first {
            block.valid.assign(&aligned.valid);
        } else {
            Zip::from(&mut block.valid).and(&aligned.valid).for_each(|a, b| *a &= *b);
        }
        return;
    }
    for (i, band) in group.bands.iter().enumerate() {
        block.valid.index_axis_mut(Axis(0), *band).assign(&aligned.valid.index_axis(Axis(0), i));
    }
}

/// One plane that is 1 where all planes are.
fn all_of(planes: Array3<u8>) -> Array3<u8> {
    let mut outer = planes.outer_iter();
    let mut joint: Array2<u8> = outer.next().expect("a scene has at least one wanted band").to_owned();
    for plane in outer {
        and(&mut joint, plane);
    }
    joint.insert_axis(Axis(0))
}

fn and(joint: &mut Array2<u8>, plane: ArrayView2<'_, u8>) {
    Zip::from(joint).and(plane).for_each(|a, b| *a &= *b);
}

/// Where a mask rule or a score runs, and how the scene's bands get there.
pub struct NativePlace {
    /// The grid it runs on.
    pub grid: Grid,
    /// From that grid to each band of the scene (it is the target of these alignments).
    pub from_band: Vec<Alignment>,
}

/// What a bound score needs to be evaluated.
pub struct PlannedScore {
    /// Where it runs.
    pub place: NativePlace,
    /// From its grid to the target grid.
    pub to_target: Alignment,
}

/// What a bound mask needs to be evaluated.
pub struct PlannedMask {
    /// The rule, bound to its scene.
    pub bound: Box<dyn BoundMask>,
    /// Where it runs.
    pub place: NativePlace,
    /// From each band group's grid to the mask's grid.
    pub from_group: Vec<Alignment>,
    /// How the rule's bands get to band groups on other grids, for the plan.
    pub reasons: Vec<String>,
}

impl ScenePlan {
    /// Whether values arrive as they are stored.
    pub fn is_exact(&self) -> bool {
        self.radiometry.iter().all(Option::is_none)
            && self.groups.iter().all(|g| matches!(g.alignment, Alignment::Paste { .. }))
    }
}
