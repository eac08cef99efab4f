//! One block: the target's own pixels, then the fills in order until no gap is left.

use super::composed::{Before, Composed, OBSERVED, UNDEFINED};
use super::fill::Filling;
use crate::error::EngineError;
use crate::pixels::{Look, SceneReader};
use crate::plan::{Area, RuleId, SceneId};
use compose_core::{Block, BoundFill, Canvas, GAP, OUTSIDE, Window};
use ndarray::{Array3, Axis, Zip};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Composes the reader's block with the strategies of its output, in their order.
pub fn compose_block(
    reader: &SceneReader<'_>,
    fills: &[Arc<dyn BoundFill>],
    cancelled: &AtomicBool,
) -> Result<Composed, EngineError> {
    let (job, window) = (reader.scope.job, reader.place.block);
    let mode = reader.context.stack.validity;
    let mut canvas = Canvas::new(window, reader.bands.len(), mode, job.cast);
    canvas.sigma = job.output.uncertainty.is_some().then(|| Array3::from_elem(canvas.values.dim(), f32::NAN));
    let mut stage = Array3::from_elem(canvas.source.dim(), UNDEFINED);
    let mut before = None;
    if let Some(target) = job.target {
        before = Some(copy_target(reader, target, &mut canvas)?);
    }
    if let Some(area) = &job.area {
        leave_outside(area, &mut canvas, before.as_mut());
    }
    if job.target.is_some() {
        mark_stage(&canvas, &mut stage, OBSERVED);
        mark_certain(&mut canvas);
    }
    for (number, (of, fill)) in job.fills.iter().zip(fills).enumerate() {
        if cancelled.load(Ordering::Relaxed) {
            return Err(EngineError::Interrupted);
        }
        let Some(gap) = gap_window(&canvas) else { break };
        Filling { reader, number, stage: of, fill: &**fill }.fill_gap(&mut canvas, gap)?;
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

/// Takes what lies outside the area from a canvas, and from what was there before.
fn leave_outside(area: &Area, canvas: &mut Canvas, before: Option<&mut Before>) {
    let inside = area.inside.spans(canvas.window);
    inside.set_outside(&mut canvas.source, OUTSIDE);
    if let Some(Before { block, masked }) = before {
        inside.set_outside(&mut block.valid, 0);
        inside.set_outside(masked, 0);
    }
}

/// Copies the target's own clear pixels.
fn copy_target(
    reader: &SceneReader<'_>,
    target: SceneId,
    canvas: &mut Canvas,
) -> Result<Before, EngineError> {
    let Look { block, clear_values, clear } = reader.look(target, canvas.window)?;
    let Block { values, valid } = block;
    let mut masked = valid.clone();
    Zip::from(&mut masked).and(&clear).for_each(|m, c| *m &= 1 - *c);
    let exact = reader.scope.job.view.scenes[target].is_exact();
    let copy = |values: Array3<f32>| {
        let clear = Block { values, valid: clear };
        canvas.copy_from(target.index(), &clear, canvas.window, exact);
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

/// The rules that masked each pixel of the target.
fn reasons(
    reader: &SceneReader<'_>,
    target: SceneId,
    window: Window,
    before: &Before,
) -> Result<Array3<u16>, EngineError> {
    let mut reasons = Array3::zeros((2, window.height, window.width));
    for rule in 0..reader.context.stack.mask_names.len() {
        let marks = reader.marks(target, RuleId(rule), window)?;
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

/// Whether a pixel has no value: a gap, or outside the area.
fn is_open(source: u16) -> bool {
    source == GAP || source == OUTSIDE
}

/// Sets the deviation of observed pixels to 0.
fn mark_certain(canvas: &mut Canvas) {
    let Some(sigma) = &mut canvas.sigma else { return };
    let planes = canvas.source.dim().0;
    for (band, mut sigma) in sigma.outer_iter_mut().enumerate() {
        let source = canvas.source.index_axis(Axis(0), if planes == 1 { 0 } else { band });
        Zip::from(&mut sigma)
            .and(source)
            .for_each(|sigma, source| *sigma = if is_open(*source) { f32::NAN } else { 0.0 });
    }
}

/// Pixels that got a source since the last call belong to this stage.
fn mark_stage(canvas: &Canvas, stage: &mut Array3<u16>, number: u16) {
    Zip::from(stage).and(&canvas.source).for_each(|stage, source| {
        if *stage == UNDEFINED && !is_open(*source) {
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

/// Puts nodata into gaps and what is outside the area, and refuses an observed value that equals it.
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
                if is_open(*source) {
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
    let scenes = reader.context.stack.scene_ids();
    let unfit: Vec<SceneId> = scenes.filter(|s| reader.scope.job.view.scenes[*s].may_not_fit).collect();
    if unfit.is_empty() {
        return Ok(());
    }
    for plane in 0..canvas.planes() {
        for ((row, col), source) in canvas.source.index_axis(Axis(0), plane).indexed_iter() {
            if !unfit.contains(&SceneId::from(*source)) {
                continue;
            }
            let mut bands = canvas.bands_of(plane);
            if let Some(band) = bands.find(|b| !dtype.holds(f64::from(canvas.values[[*b, row, col]]))) {
                return Err(EngineError::NotASample {
                    scene: reader.context.stack.facts[SceneId::from(*source)].id.clone(),
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
    let scene = reader.context.stack.facts.get(usize::from(source));
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

/// The number of scenes, the target among them, in which each pixel is clear; 0 outside the area.
fn clear_looks(reader: &SceneReader<'_>, window: Window) -> Result<Array3<u16>, EngineError> {
    let planes = reader.context.stack.validity.planes(reader.bands.len());
    let mut count = Array3::<u16>::zeros((planes, window.height, window.width));
    let plans = &reader.scope.job.view.scenes;
    for scene in reader.context.stack.scene_ids().filter(|s| plans[*s].overlaps && plans[*s].reaches(window))
    {
        let block = reader.read(scene, window, true)?;
        Zip::from(&mut count).and(&block.valid).for_each(|n, v| *n += u16::from(*v));
    }
    if let Some(area) = &reader.scope.job.area {
        area.inside.spans(window).set_outside(&mut count, 0);
    }
    Ok(count)
}
