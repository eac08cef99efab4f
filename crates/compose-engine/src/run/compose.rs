//! One block: the target's own pixels, then the fills in order until no gap is left.

use crate::error::EngineError;
use crate::pixels::{Look, SceneReader};
use crate::plan::Stage;
use compose_core::fill_strategy::{Donor, DonorUse, FillInput, Temporal};
use compose_core::{Block, Canvas, GAP, KindError, Looks, STATISTIC, Window};
use ndarray::{Array2, Array3, Axis, Zip, s};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

/// In the stage plane: observed in the target scene.
pub const OBSERVED: u16 = 0;
/// In the stage and source planes: no pixel; in the age plane: no age.
pub const UNDEFINED: u16 = u16::MAX;
/// In the source plane: computed from several scenes by stage `k` is `STATISTIC_BASE + k`.
pub const STATISTIC_BASE: u16 = 65000;

/// A finished block.
pub struct Composed {
    /// Which of the wanted bands it holds.
    pub wanted: Range<usize>,
    /// Output samples, and where they came from.
    pub canvas: Canvas,
    /// 0 observed, k the k-th fill, [`UNDEFINED`] a gap, (plane, row, col).
    pub stage: Array3<u16>,
    /// Clear looks per pixel, on request, (plane, row, col).
    pub count: Option<Array3<u16>>,
    /// The target scene before masking and filling.
    pub before: Option<Before>,
    /// Which rules took the target's pixels, on request: the first one's number, and a bit for each; [`UNDEFINED`] where
    /// it has no data, (2, row, col).
    pub reasons: Option<Array3<u16>>,
}

/// The target's own pixels: samples, where they have data, and where the masks took them.
pub struct Before {
    /// Samples and validity without the mask rules.
    pub block: Block,
    /// 1 where a mask rule took a pixel that has data, (plane, row, col).
    pub masked: Array3<u8>,
}

/// Composes the reader's block.
pub fn compose_block(reader: &SceneReader<'_>, cancelled: &AtomicBool) -> Result<Composed, EngineError> {
    let (job, window) = (reader.job, reader.place.block);
    let mode = reader.stack.validity;
    let mut canvas = Canvas::new(window, reader.bands.len(), mode, job.cast);
    canvas.sigma = job.output.uncertainty.is_some().then(|| Array3::from_elem(canvas.values.dim(), f32::NAN));
    let mut stage = Array3::from_elem(canvas.source.dim(), UNDEFINED);
    let mut before = None;
    if let Some(target) = job.target {
        before = Some(copy_target(reader, target, &mut canvas)?);
        mark_stage(&canvas, &mut stage, OBSERVED);
        mark_certain(&mut canvas);
    }
    for (number, fill) in job.fills.iter().enumerate() {
        if cancelled.load(Ordering::Relaxed) {
            return Err(EngineError::Interrupted);
        }
        let Some(gap) = gap_window(&canvas) else { break };
        fill_gap(reader, number, fill, &mut canvas, gap)?;
        mark_stage(&canvas, &mut stage, number as u16 + 1);
    }
    let count = if job.output.count { Some(clear_looks(reader, window)?) } else { None };
    let reasons = match (&before, &job.output.mask, job.target) {
        (Some(before), Some(_), Some(target)) => Some(reasons(reader, target, window, before)?),
        _ => None,
    };
    refuse_unfit(reader, &canvas)?;
    close_gaps(reader, &mut canvas)?;
    Ok(Composed { wanted: reader.bands.clone(), canvas, stage, count, before, reasons })
}

/// Copies the target's own clear pixels.
fn copy_target(reader: &SceneReader<'_>, target: usize, canvas: &mut Canvas) -> Result<Before, EngineError> {
    let Look { block, clear_values, clear } = reader.look(target, canvas.window)?;
    let Block { values, valid } = block;
    let mut masked = valid.clone();
    Zip::from(&mut masked).and(&clear).for_each(|m, c| *m &= 1 - *c);
    let exact = reader.job.view.scenes[target].is_exact();
    let copy = |values: Array3<f32>| {
        let clear = Block { values, valid: clear };
        canvas.copy_from(target, &clear, canvas.window, exact);
        clear.values
    };
    let values = match clear_values {
        None => copy(values),
        Some(clear) => {
            copy(clear);
            values
        }
    };
    Ok(Before { block: Block { values, valid }, masked })
}

/// Which rules took the target's pixels.
fn reasons(
    reader: &SceneReader<'_>,
    target: usize,
    window: Window,
    before: &Before,
) -> Result<Array3<u16>, EngineError> {
    let mut reasons = Array3::zeros((2, window.height, window.width));
    for rule in 0..reader.stack.mask_names.len() {
        let marks = reader.marks(target, rule, window)?;
        for ((row, col), _) in marks.indexed_iter().filter(|(_, mark)| **mark != 0) {
            if reasons[[0, row, col]] == 0 {
                reasons[[0, row, col]] = rule as u16 + 1;
            }
            reasons[[1, row, col]] |= 1 << rule;
        }
    }
    for plane in before.block.valid.outer_iter() {
        for ((row, col), _) in plane.indexed_iter().filter(|(_, valid)| **valid == 0) {
            (reasons[[0, row, col]], reasons[[1, row, col]]) = (UNDEFINED, UNDEFINED);
        }
    }
    Ok(reasons)
}

/// What is observed is certain.
fn mark_certain(canvas: &mut Canvas) {
    let Some(sigma) = &mut canvas.sigma else { return };
    let planes = canvas.source.dim().0;
    for (band, mut sigma) in sigma.outer_iter_mut().enumerate() {
        let source = canvas.source.index_axis(Axis(0), if planes == 1 { 0 } else { band });
        Zip::from(&mut sigma)
            .and(source)
            .for_each(|sigma, source| *sigma = if *source == GAP { f32::NAN } else { 0.0 });
    }
}

/// Pixels that got a source since the last call belong to this stage.
fn mark_stage(canvas: &Canvas, stage: &mut Array3<u16>, number: u16) {
    Zip::from(stage).and(&canvas.source).for_each(|stage, source| {
        if *stage == UNDEFINED && *source != GAP {
            *stage = number;
        }
    });
}

/// The smallest window around the gaps: donors are read no further than that.
fn gap_window(canvas: &Canvas) -> Option<Window> {
    let (_, height, width) = canvas.source.dim();
    let (mut top, mut bottom, mut left, mut right) = (height, 0, width, 0);
    for plane in canvas.source.outer_iter() {
        for (row, sources) in plane.outer_iter().enumerate() {
            let Some(first) = sources.iter().position(|s| *s == GAP) else { continue };
            let last = width - 1 - sources.iter().rev().position(|s| *s == GAP).unwrap_or(0);
            (top, bottom) = (top.min(row), bottom.max(row + 1));
            (left, right) = (left.min(first), right.max(last + 1));
        }
    }
    (top < bottom).then(|| Window {
        col: canvas.window.col + left as i64,
        row: canvas.window.row + top as i64,
        width: right - left,
        height: bottom - top,
    })
}

fn fill_gap(
    reader: &SceneReader<'_>,
    number: usize,
    fill: &Stage,
    canvas: &mut Canvas,
    gap: Window,
) -> Result<(), EngineError> {
    if gap == canvas.window {
        return fill_canvas(reader, number, fill, canvas);
    }
    let (rows, cols) = place(canvas.window, gap);
    let mut part = Canvas::new(gap, canvas.bands(), reader.stack.validity, canvas.cast);
    part.values.assign(&canvas.values.slice(s![.., rows.clone(), cols.clone()]));
    part.source.assign(&canvas.source.slice(s![.., rows.clone(), cols.clone()]));
    part.sigma =
        canvas.sigma.as_ref().map(|sigma| sigma.slice(s![.., rows.clone(), cols.clone()]).to_owned());
    fill_canvas(reader, number, fill, &mut part)?;
    if let (Some(sigma), Some(part)) = (&mut canvas.sigma, &part.sigma) {
        sigma.slice_mut(s![.., rows.clone(), cols.clone()]).assign(part);
    }
    canvas.values.slice_mut(s![.., rows.clone(), cols.clone()]).assign(&part.values);
    canvas.source.slice_mut(s![.., rows, cols]).assign(&part.source);
    Ok(())
}

fn place(outer: Window, inner: Window) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
    let (row, col) = ((inner.row - outer.row) as usize, (inner.col - outer.col) as usize);
    (row..row + inner.height, col..col + inner.width)
}

fn fill_canvas(
    reader: &SceneReader<'_>,
    number: usize,
    fill: &Stage,
    canvas: &mut Canvas,
) -> Result<(), EngineError> {
    let window = context_window(reader, fill, canvas.window);
    let context = match reader.job.target {
        Some(t) if fill.bound.needs_target() => Some(reader.read(t, window, true)?),
        _ => None,
    };
    let apply = |donors: &[Donor<'_>], canvas: &mut Canvas| {
        let input = FillInput { window, target: context.as_ref(), donors, looks: None };
        fill.bound.fill(&input, canvas).map_err(|e| failed(number, fill, canvas.window, &e))
    };
    let near: Vec<DonorUse> =
        fill.bound.donors().iter().copied().filter(|d| reader.job.view.scenes[d.scene].overlaps).collect();
    match fill.bound.temporal() {
        Temporal::OneByOne => {
            for donor in near {
                // Who only copies has no use for a donor that sees none of the gaps.
                let gaps = (fill.bound.only_copies() && fill.bound.halo() == 0).then(|| gaps(canvas));
                let wanted = gaps.as_ref().map(|g| g.view());
                let Some(block) = reader.read_where(donor.scene, window, donor.masked, wanted)? else {
                    continue;
                };
                let score = rated(reader, fill, donor.scene, window)?;
                apply(&[seen(reader, donor.scene, &block, score.as_ref())], canvas)?;
                reader.give_back(block);
                if !canvas.has_gap() {
                    break;
                }
            }
            Ok(())
        }
        Temporal::FirstLooks(_) => {
            let looks = first_looks(reader, fill, window, context.as_ref())?;
            let input = FillInput { window, target: context.as_ref(), donors: &[], looks: Some(&looks) };
            fill.bound.fill(&input, canvas).map_err(|e| failed(number, fill, canvas.window, &e))
        }
        Temporal::WholeStack => {
            let mut blocks: Vec<Option<Block>> = vec![None; near.len()];
            for nth in reader.apart(near.len()) {
                blocks[nth] = Some(reader.read(near[nth].scene, window, near[nth].masked)?);
            }
            let blocks: Vec<Block> = blocks.into_iter().flatten().collect();
            let scores: Result<Vec<_>, _> =
                near.iter().map(|d| rated(reader, fill, d.scene, window)).collect();
            let scores = scores?;
            let looks = near.iter().zip(blocks.iter().zip(&scores));
            let donors: Vec<Donor<'_>> =
                looks.map(|(d, (block, score))| seen(reader, d.scene, block, score.as_ref())).collect();
            apply(&donors, canvas)?;
            blocks.into_iter().for_each(|block| reader.give_back(block));
            Ok(())
        }
    }
}

fn failed(number: usize, fill: &Stage, window: Window, why: &KindError) -> EngineError {
    EngineError::Fill { stage: number + 1, strategy: fill.name.clone(), window, message: why.to_string() }
}

/// What a fill reads to fill a window: with its halo, or in whole cells.
fn context_window(reader: &SceneReader<'_>, fill: &Stage, window: Window) -> Window {
    let Some(cell) = fill.bound.cell() else { return window.expand(fill.bound.halo()) };
    let cell = cell as i64;
    let (col, row) = (window.col.div_euclid(cell) * cell, window.row.div_euclid(cell) * cell);
    let length = |from: i64, end: i64| (-(-end).div_euclid(cell) * cell - from) as usize;
    let cells =
        Window { col, row, width: length(col, window.col_end()), height: length(row, window.row_end()) };
    let grid = Window::whole(reader.job.view.grid.width, reader.job.view.grid.height);
    cells.expand(fill.bound.halo()).intersect(grid).expect("a block lies in the grid")
}

/// The first clear looks at each pixel of a window, in the order of the donors. Reading ends when every pixel that the
/// target lacks has its number: what comes later would change none of them.
fn first_looks(
    reader: &SceneReader<'_>,
    fill: &Stage,
    window: Window,
    target: Option<&Block>,
) -> Result<Looks, EngineError> {
    let Temporal::FirstLooks(most) = fill.bound.temporal() else {
        return Err(EngineError::Bug(format!("{} takes no first looks", fill.name)));
    };
    let lacks = |block: &Block| block.valid.index_axis(Axis(0), 0).mapv(|valid| 1 - valid);
    let lacking = match (target, reader.job.target) {
        (Some(target), _) => lacks(target),
        (None, Some(target)) => {
            let block = reader.read(target, window, true)?;
            let lacking = lacks(&block);
            reader.give_back(block);
            lacking
        }
        (None, None) => Array2::ones((window.height, window.width)),
    };
    let wanted = fill.bound.wants_looks(&lacking);
    let mut looks = Looks::new(most, reader.bands.len(), window.height, window.width);
    for (rank, donor) in fill.bound.donors().iter().enumerate() {
        if !reader.job.view.scenes[donor.scene].overlaps {
            continue;
        }
        if let Some(block) = reader.read_where(donor.scene, window, donor.masked, None)? {
            fill.bound.look(rank, &block, &wanted, &mut looks);
            reader.give_back(block);
        }
        if looks.are_enough(lacking.view()) {
            break;
        }
    }
    Ok(looks)
}

/// 1 where any plane has a gap.
fn gaps(canvas: &Canvas) -> Array2<u8> {
    let mut gaps = Array2::zeros((canvas.window.height, canvas.window.width));
    for plane in canvas.source.outer_iter() {
        Zip::from(&mut gaps).and(&plane).for_each(|gap, source| *gap |= u8::from(*source == GAP));
    }
    gaps
}

/// How good a donor's pixels are, where the strategy wants to know.
fn rated(
    reader: &SceneReader<'_>,
    fill: &Stage,
    scene: usize,
    window: Window,
) -> Result<Option<Array2<f32>>, EngineError> {
    match (fill.bound.score(scene), &fill.scores[scene]) {
        (Some(score), Some(planned)) => reader.rate(scene, score, planned, window).map(Some),
        _ => Ok(None),
    }
}

fn seen<'a>(
    reader: &SceneReader<'_>,
    scene: usize,
    block: &'a Block,
    score: Option<&'a Array2<f32>>,
) -> Donor<'a> {
    Donor {
        scene,
        day: reader.stack.facts[scene].day,
        block,
        exact: reader.job.view.scenes[scene].is_exact(),
        score,
    }
}

/// Puts nodata into gaps, and refuses an observed value that would be taken for it.
///
/// Computed values step over nodata when they are cast, so a pixel that equals it is an observed one.
fn close_gaps(reader: &SceneReader<'_>, canvas: &mut Canvas) -> Result<(), EngineError> {
    let Some(nodata) = canvas.cast.nodata else { return refuse_gaps(canvas) };
    for plane in 0..canvas.planes() {
        for band in canvas.bands_of(plane) {
            let sources = canvas.source.index_axis(Axis(0), plane);
            let mut values = canvas.values.index_axis_mut(Axis(0), band);
            let mut observed = None;
            Zip::indexed(&mut values).and(sources).for_each(|at, value, source| {
                if *source == GAP {
                    *value = nodata as f32;
                } else if f64::from(*value) == nodata {
                    observed = Some((at, *source));
                }
            });
            if let Some(((row, col), source)) = observed {
                return Err(nodata_observed(reader, canvas, band, nodata, (row, col), source));
            }
        }
    }
    Ok(())
}

/// Observed values are never changed: one that the output's type cannot hold is refused.
fn refuse_unfit(reader: &SceneReader<'_>, canvas: &Canvas) -> Result<(), EngineError> {
    let dtype = canvas.cast.dtype;
    let scenes = 0..reader.stack.facts.len();
    let unfit: Vec<usize> = scenes.filter(|s| reader.job.view.scenes[*s].may_not_fit).collect();
    if unfit.is_empty() {
        return Ok(());
    }
    for plane in 0..canvas.planes() {
        for ((row, col), source) in canvas.source.index_axis(Axis(0), plane).indexed_iter() {
            if !unfit.contains(&usize::from(*source)) {
                continue;
            }
            let mut bands = canvas.bands_of(plane);
            if let Some(band) = bands.find(|b| !dtype.holds(f64::from(canvas.values[[*b, row, col]]))) {
                return Err(EngineError::NotASample {
                    scene: reader.stack.facts[usize::from(*source)].id.clone(),
                    band: reader.band_name(band),
                    value: f64::from(canvas.values[[band, row, col]]),
                    col: canvas.window.col + col as i64,
                    row: canvas.window.row + row as i64,
                    dtype,
                });
            }
        }
    }
    Ok(())
}

/// Without a nodata value there is nothing to put into a gap.
fn refuse_gaps(canvas: &Canvas) -> Result<(), EngineError> {
    let Some(((_, row, col), _)) = canvas.source.indexed_iter().find(|(_, s)| **s == GAP) else {
        return Ok(());
    };
    Err(EngineError::GapWithoutNodata {
        col: canvas.window.col + col as i64,
        row: canvas.window.row + row as i64,
        suggestion: canvas.cast.dtype.range().1.to_string(),
    })
}

fn nodata_observed(
    reader: &SceneReader<'_>,
    canvas: &Canvas,
    band: usize,
    nodata: f64,
    (row, col): (usize, usize),
    source: u16,
) -> EngineError {
    let scene = reader.stack.facts.get(usize::from(source));
    EngineError::NodataObserved {
        scene: scene.map_or_else(|| "several".to_owned(), |f| f.id.clone()),
        band: reader.band_name(band),
        value: nodata,
        col: canvas.window.col + col as i64,
        row: canvas.window.row + row as i64,
        suggestion: other_nodata(canvas.cast, nodata),
        dtype: canvas.cast.dtype,
    }
}

/// Another value that the output's type can hold: NaN, or an end of the range.
fn other_nodata(cast: compose_core::Cast, taken: f64) -> String {
    if !cast.dtype.is_integer() {
        return "\"nan\"".into();
    }
    let (low, high) = cast.dtype.range();
    let other = if taken == high { low } else { high };
    other.to_string()
}

/// In how many scenes each pixel is clear, the target among them.
fn clear_looks(reader: &SceneReader<'_>, window: Window) -> Result<Array3<u16>, EngineError> {
    let planes = reader.stack.validity.planes(reader.bands.len());
    let mut count = Array3::<u16>::zeros((planes, window.height, window.width));
    for scene in (0..reader.stack.facts.len()).filter(|s| reader.job.view.scenes[*s].overlaps) {
        let block = reader.read(scene, window, true)?;
        Zip::from(&mut count).and(&block.valid).for_each(|n, v| *n += u16::from(*v));
    }
    Ok(count)
}

impl Composed {
    /// |days| between each pixel's scene and the target date, for one validity plane.
    pub fn age(&self, reader_days: &[Option<u16>], plane: usize) -> Array2<u16> {
        self.canvas.source.index_axis(Axis(0), plane).mapv(|source| match source {
            GAP | STATISTIC => UNDEFINED,
            scene => reader_days[usize::from(scene)].unwrap_or(UNDEFINED),
        })
    }

    /// The source plane as it is written: scene index, 65000 + stage for a statistic, 65535 for a gap.
    pub fn source(&self, plane: usize) -> Array2<u16> {
        let mut source = self.canvas.source.index_axis(Axis(0), plane).to_owned();
        Zip::from(&mut source).and(self.stage.index_axis(Axis(0), plane)).for_each(|source, stage| {
            if *source == STATISTIC {
                *source = STATISTIC_BASE + stage;
            }
        });
        source
    }
}
