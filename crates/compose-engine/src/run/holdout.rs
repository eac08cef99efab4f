//! A run in memory with held-out pixels of the target: nothing is written.

use super::work_queue::{Work, compose_job};
use crate::control::Control;
use crate::error::EngineError;
use crate::fitted::Fitted;
use crate::pixels::{HeldOut, ReadContext, Scope, Worker};
use crate::plan::{Job, Order, Plan, SceneId};
use crate::survey::fit_held_out;
use compose_core::{Block, Cast, GAP, OUTSIDE, Window};
use compose_io::RunPosition;
use compose_io::files::Drafts;
use ndarray::{Array3, s};
use std::sync::atomic::AtomicBool;

/// An output as a whole.
pub struct Image {
    /// Samples, NaN where there is none, (band, row, col).
    pub values: Array3<f32>,
    /// The source of each pixel, as in [`compose_core::Canvas::source`], (plane, row, col).
    pub source: Array3<u16>,
    /// The standard deviation that computed samples were given, (band, row, col); 0 where observed.
    pub sigma: Array3<f32>,
}

/// The pixels of `scene` that no mask takes, on the whole grid of a job; of its target none outside its area.
///
/// # Errors
/// Pixels cannot be read.
pub fn observe(fitted: &Fitted, job: usize, scene: SceneId) -> Result<Block, EngineError> {
    let (plan, job) = (&fitted.plan, &fitted.jobs[job]);
    let whole = Window::whole(job.job.view.grid.width, job.job.view.grid.height);
    let place = RunPosition { pass: 0, region: whole, block: whole, worker: 0 };
    let (context, worker) = (ReadContext::new(plan, &fitted.sources, plan.memory.tiles, 1), Worker::new(0));
    let mut block = context.reader(Scope::of(job), place, &worker).read(scene, whole, true)?;
    // What another scene shows there is no gap of it.
    if let Some(area) = job.job.area.as_ref().filter(|_| job.job.target == Some(scene)) {
        area.inside.spans(whole).set_outside(&mut block.valid, 0);
    }
    Ok(block)
}

/// Composes a job, survey included, with some pixels of its target held out.
///
/// # Errors
/// As for a run.
pub fn compose_held_out(
    plan: &Plan,
    job: usize,
    held_out: &HeldOut,
    cancelled: &AtomicBool,
) -> Result<Image, EngineError> {
    // No file is written.
    let control = Control { cancelled, progress: &|_| (), drafts: &Drafts::default() };
    let bands = plan.stack.bands.len();
    let fitted = fit_held_out(plan, job_held_out(&plan.jobs[job], bands), held_out, &control)?;
    let job = &fitted.jobs[0];
    let (width, height) = (job.job.view.grid.width, job.job.view.grid.height);
    let mut image = Image {
        values: Array3::from_elem((bands, height, width), f32::NAN),
        source: Array3::from_elem((plan.stack.validity.planes(bands), height, width), GAP),
        sigma: Array3::from_elem((bands, height, width), f32::NAN),
    };
    let context = ReadContext::new(plan, &fitted.sources, plan.memory.tiles, plan.memory.threads);
    let work = Work::new(job, &context, 0, Some(held_out));
    compose_job(&work, &control, &mut |composed| {
        let canvas = composed.canvas;
        let (row, col) = (canvas.window.row as usize, canvas.window.col as usize);
        let place = s![.., row..row + canvas.window.height, col..col + canvas.window.width];
        image.values.slice_mut(place).assign(&canvas.values);
        let source = canvas.source.mapv(|source| if source == OUTSIDE { GAP } else { source });
        image.source.slice_mut(place).assign(&source);
        if let Some(sigma) = &canvas.sigma {
            image.sigma.slice_mut(place).assign(sigma);
        }
        Ok(())
    })?;
    Ok(image)
}

/// The job as it is composed while pixels are held out.
fn job_held_out(job: &Job, bands: usize) -> Job {
    let mut output = job.output.clone();
    output.uncertainty.get_or_insert_default();
    Job {
        // Kept masks know nothing of held-out pixels.
        order: Order::plain(job.part, bands, job.order.block),
        // Open gaps are counted, not refused.
        cast: Cast { nodata: Some(f64::NAN), ..job.cast },
        output,
        ..job.clone()
    }
}
