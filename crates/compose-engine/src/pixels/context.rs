//! The state that all readers of a run share, and the scope of each.

use super::buffers::BufferPool;
use super::held_out::HeldOut;
use super::score_cache::ScoreCache;
use crate::fitted::{FittedJob, Masks};
use crate::plan::{GDAL_CACHE, Job, Plan, Stack};
use compose_io::TileStore;
use compose_io::scene::SceneSource;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// The state that all readers of a run share.
pub struct ReadContext<'a> {
    /// Scenes and bound masks.
    pub stack: &'a Stack,
    /// Per scene: how it is read.
    pub sources: &'a [SceneSource],
    /// Decoded tiles.
    pub store: TileStore,
    /// Scores that look far.
    pub scores: ScoreCache,
    /// Marked pixels per mask rule, over all that was read.
    pub marked: Vec<AtomicU64>,
    /// The number of workers that read at a time.
    pub workers: usize,
}

/// The state of one worker.
pub struct Worker {
    /// Its number.
    pub number: usize,
    /// Memory that it uses again.
    pub buffers: BufferPool,
}

/// The output for which scenes are read, and the rules that mask them.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The output.
    pub job: &'a Job,
    /// The mask rules that are applied.
    pub masks: Masks<'a>,
    /// Pixels that are taken for masked.
    pub held_out: Option<&'a HeldOut>,
}

impl<'a> Scope<'a> {
    /// All rules of an output.
    pub fn of(fitted: &'a FittedJob) -> Self {
        Self { job: &fitted.job, masks: Masks::All(&fitted.masks), held_out: None }
    }
}

impl Worker {
    /// A worker that has used no memory yet.
    pub fn new(number: usize) -> Self {
        Self { number, buffers: BufferPool::default() }
    }
}

impl<'a> ReadContext<'a> {
    /// For a number of workers that share `tiles` bytes of decoded tiles.
    pub fn new(plan: &'a Plan, sources: &'a [SceneSource], tiles: u64, workers: usize) -> Self {
        compose_io::limit_gdal_cache(GDAL_CACHE);
        let of_scores = |job: &Arc<Job>| job.order.score_pieces.map_or(0, |pieces| pieces.kept);
        Self {
            stack: &plan.stack,
            sources,
            store: TileStore::new(tiles, plan.memory.open_files).with_scratch(plan.scratch.clone()),
            scores: ScoreCache::new(plan.jobs.iter().map(of_scores).max().unwrap_or(0)),
            marked: plan.stack.mask_names.iter().map(|_| AtomicU64::new(0)).collect(),
            workers,
        }
    }
}
