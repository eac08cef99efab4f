//! Workers read pieces of a grid; their results are joined in the order of the pieces.

use crate::control::Progress;
use crate::error::EngineError;
use crate::pixels::{ReadContext, Worker};
use crate::plan::{Job, Plan, bytes_compared};
use crate::workers::{self, caught};
use compose_core::Window;
use compose_core::survey::RIM;
use compose_io::scene::SceneSource;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Interval between reports of progress.
const TOLD_EVERY: Duration = Duration::from_millis(5);

/// Runs `piece` on every piece of a grid with several workers; results are in the order of the pieces. Reports progress
/// towards `total`. Leaves `compared` bytes of memory for rules that compare scenes.
pub fn in_pieces<T: Send>(
    (plan, sources): (&Plan, &[SceneSource]),
    patches: &[Window],
    compared: u64,
    (total, progress): (u64, &dyn Fn(Progress)),
    piece: impl Fn(&Looking<'_>, Window) -> Result<T, EngineError> + Sync,
) -> Vec<Result<T, EngineError>> {
    let pieces: Vec<Mutex<Option<Result<T, EngineError>>>> =
        patches.iter().map(|_| Mutex::new(None)).collect();
    let next = AtomicUsize::new(0);
    let threads = plan.memory.threads.min(patches.len());
    let tiles = plan.memory.for_survey(&plan.stack, compared);
    let context = ReadContext::new(plan, sources, tiles, threads);
    let done = AtomicU64::new(0);
    let work = |number: usize| {
        let worker = Worker::new(number);
        loop {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            let Some(patch) = patches.get(nth) else { break };
            let looking = Looking { context: &context, worker: &worker, done: &done };
            let result = caught(|| piece(&looking, *patch));
            *pieces[nth].lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        }
    };
    std::thread::scope(|scope| {
        let work = &work;
        let started = workers::start(scope, threads, |number| move || work(number));
        if started == 0 {
            work(0);
        }
        // A piece may take long: progress is reported meanwhile.
        let all = || next.load(Ordering::Relaxed) >= patches.len() + started;
        while !all() {
            progress(Progress { done: done.load(Ordering::Relaxed), total });
            std::thread::sleep(TOLD_EVERY);
        }
    });
    let pieces = pieces.into_iter().map(|piece| {
        let piece = piece.into_inner().unwrap_or_else(PoisonError::into_inner);
        piece.unwrap_or_else(|| Err(EngineError::Bug("a piece of the survey was left out".into())))
    });
    pieces.collect()
}

/// Bytes of the scenes that rules compare on a window of this size and what lies around it.
pub fn compared(plan: &Plan, job: &Job, (width, height): (usize, usize)) -> u64 {
    let masks = &plan.stack.masks;
    let halo =
        job.comparing.iter().map(|of| masks[of.scene][of.rule].bound.planned().halo()).max().unwrap_or(0);
    let around = 2 * (halo + RIM + 1);
    bytes_compared(&plan.stack, job) * ((width + around) * (height + around)) as u64
}

/// The tools of a worker.
pub struct Looking<'a> {
    /// Shared by all workers.
    pub context: &'a ReadContext<'a>,
    /// The worker.
    pub worker: &'a Worker,
    /// Pixels of scenes that all workers have read.
    pub done: &'a AtomicU64,
}
