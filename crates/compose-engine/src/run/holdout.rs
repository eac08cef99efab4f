//! A run in memory, with clear pixels of the target hidden: nothing is written.

use super::strips::{Work, compose_job, kept_masks};
use crate::control::Control;
use crate::error::EngineError;
use crate::pixels::{Hidden, SceneReader, Spare};
use crate::plan::{Order, Plan};
use crate::survey::settle_job;
use compose_core::{Block, Window};
use compose_io::{Place, TileStore};
use ndarray::{Array3, s};
use std::sync::atomic::{AtomicBool, AtomicU64};

/// An output as a whole.
pub struct Image {
    /// Samples, NaN where there is none, (band, row, col).
    pub values: Array3<f32>,
    /// Where they come from, as in [`compose_core::Canvas::source`], (plane, row, col).
    pub source: Array3<u16>,
    /// The standard deviation that computed samples were given, (band, row, col); 0 where observed.
    pub sigma: Array3<f32>,
}

/// The pixels of `scene` that no mask takes, on the whole grid of a job.
///
/// # Errors
/// Pixels cannot be read.
pub fn observe(plan: &Plan, job: usize, scene: usize) -> Result<Block, EngineError> {
    compose_io::limit_gdal_cache(crate::plan::GDAL_CACHE);
    let job = &plan.jobs[job];
    let whole = Window::whole(job.view.grid.width, job.view.grid.height);
    let marked: Vec<AtomicU64> = plan.stack.mask_names.iter().map(|_| AtomicU64::new(0)).collect();
    let reader = SceneReader {
        store: &TileStore::new(plan.memory.tiles, plan.memory.open_files),
        stack: &plan.stack,
        view: &job.view,
        job,
        plain: false,
        marked: &marked,
        place: Place { turn: 0, region: whole, block: whole },
        bands: 0..plan.stack.bands.len(),
        kept: None,
        spare: &Spare::default(),
        worker: (0, 1),
        hidden: None,
    };
    reader.read(scene, whole, true)
}

/// Makes the image of a job with some pixels of its target hidden, survey included.
///
/// # Errors
/// Whatever a run could fail of.
pub fn compose_hidden(
    plan: &mut Plan,
    job: usize,
    hidden: &Hidden,
    cancelled: &AtomicBool,
) -> Result<Image, EngineError> {
    let control = Control { cancelled, progress: &|_| () };
    settle_job(plan, job, Some(hidden), &control)?;
    let bands = plan.stack.bands.len();
    let of = &mut plan.jobs[job];
    // Kept masks know nothing of hidden pixels.
    of.order = Order::plain(of.view.grid.width, of.view.grid.height, bands, of.order.block);
    // What stays open is counted, not refused.
    of.cast.nodata = Some(f64::NAN);
    of.output.uncertainty.get_or_insert_default();
    let job = &plan.jobs[job];
    let (width, height) = (job.view.grid.width, job.view.grid.height);
    let mut image = Image {
        values: Array3::from_elem((bands, height, width), f32::NAN),
        source: Array3::from_elem((plan.stack.validity.planes(bands), height, width), compose_core::GAP),
        sigma: Array3::from_elem((bands, height, width), f32::NAN),
    };
    let store = TileStore::new(plan.memory.tiles, plan.memory.open_files);
    let marked: Vec<AtomicU64> = plan.stack.mask_names.iter().map(|_| AtomicU64::new(0)).collect();
    let work = Work {
        plan,
        job,
        store: &store,
        marked: &marked,
        kept: kept_masks(job),
        first_turn: 0,
        hidden: Some(hidden),
    };
    compose_job(&work, &control, &mut |composed| {
        let canvas = composed.canvas;
        let (row, col) = (canvas.window.row as usize, canvas.window.col as usize);
        let place = s![.., row..row + canvas.window.height, col..col + canvas.window.width];
        image.values.slice_mut(place).assign(&canvas.values);
        image.source.slice_mut(place).assign(&canvas.source);
        if let Some(sigma) = &canvas.sigma {
            image.sigma.slice_mut(place).assign(sigma);
        }
        Ok(())
    })?;
    Ok(image)
}
