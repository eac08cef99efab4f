//! From a plan to files: the only threads of the program.
//!
//! Workers take blocks in row-major order and compose them; the calling thread writes them in that order.
//! A worker may be at most a few blocks ahead of the writer, so memory does not grow with the image.

mod compose;
mod report;
mod sidecar;
mod sink;

pub use report::{JobReport, RunReport, SceneShare};

use crate::error::EngineError;
use crate::pixels::SceneReader;
use crate::plan::{Job, Plan};
use crate::rules::Rules;
use compose::Composed;
pub(crate) use compose::compose_block;
use compose_core::Window;
use compose_io::TileStore;
use compose_io::write::Pending;
use sink::Sink;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How far a run is, in pixels of all outputs together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Progress {
    pub done: u64,
    pub total: u64,
}

/// What a run is told from outside while it goes on.
pub struct Control<'a> {
    /// Set to stop: no output is left behind.
    pub cancelled: &'a AtomicBool,
    /// Called after every block.
    pub progress: &'a dyn Fn(Progress),
}

/// Carries out a plan; files appear under their names only when everything has succeeded.
///
/// # Errors
/// Whatever goes wrong with pixels, files or the machine; nothing is left behind then.
pub fn run(rules: &Rules, plan: &Plan, control: &Control<'_>) -> Result<RunReport, EngineError> {
    compose_io::limit_gdal_cache(crate::plan::GDAL_CACHE);
    let store = TileStore::new(plan.memory.tiles, plan.memory.open_files);
    let marked: Vec<AtomicU64> = plan.stack.mask_names.iter().map(|_| AtomicU64::new(0)).collect();
    let total = plan.jobs.iter().map(|j| (j.grid.width * j.grid.height) as u64).sum();
    let mut pending: Vec<Pending> = Vec::new();
    let mut reports: Vec<JobReport> = Vec::new();
    let mut done = 0;
    for job in &plan.jobs {
        let reader = SceneReader { store: &store, stack: &plan.stack, job, marked: &marked };
        let mut sink = Sink::create(plan, job)?;
        compose_job(plan, job, &reader, control, &mut |composed| {
            done += composed.canvas.window.pixels() as u64;
            sink.take(composed)?;
            (control.progress)(Progress { done, total });
            Ok(())
        })?;
        let (files, report) = sink.finish(plan, job)?;
        pending.extend(files);
        reports.push(report);
    }
    for band in plan.stack.scenes.iter().flat_map(|s| &s.refs) {
        store.check_unchanged(band)?;
    }
    for plugin in &plan.plugins {
        plugin.check_unchanged()?;
    }
    let report = RunReport::new(plan, reports, &marked, store.decoded());
    for (job, report_of_job) in plan.jobs.iter().zip(&report.jobs) {
        if let Some(path) = &job.output.sidecar {
            pending.push(sidecar::write(path, rules, plan, job, report_of_job, &report)?);
        }
    }
    if control.cancelled.load(Ordering::Relaxed) {
        return Err(EngineError::Interrupted);
    }
    commit(plan, pending)?;
    Ok(report)
}

/// Gives every file its name, the images last: whoever sees an image finds its record beside it.
fn commit(plan: &Plan, pending: Vec<Pending>) -> Result<(), EngineError> {
    // A file may have come to an output's place since the plan was made.
    for file in &pending {
        compose_io::write::refuse_existing(file.path(), plan.overwrite)?;
    }
    let is_image = |p: &Pending| plan.jobs.iter().any(|j| j.output.path == p.path());
    let (images, extras): (Vec<_>, Vec<_>) = pending.into_iter().partition(is_image);
    compose_io::files::commit_all(extras.into_iter().chain(images).collect())?;
    Ok(())
}

/// The blocks of a grid in row-major order.
fn blocks(width: usize, height: usize, block: (usize, usize)) -> Vec<Window> {
    let mut windows = Vec::new();
    for row in (0..height).step_by(block.1) {
        for col in (0..width).step_by(block.0) {
            let size = (block.0.min(width - col), block.1.min(height - row));
            windows.push(Window { col: col as i64, row: row as i64, width: size.0, height: size.1 });
        }
    }
    windows
}

/// What workers and writer share: which block is next, and how far the writer is.
struct Line<'a> {
    windows: &'a [Window],
    next: AtomicUsize,
    written: Mutex<usize>,
    moved: Condvar,
    ahead: usize,
    stop: AtomicBool,
    cancelled: &'a AtomicBool,
}

impl<'a> Line<'a> {
    fn new(windows: &'a [Window], ahead: usize, cancelled: &'a AtomicBool) -> Self {
        Self {
            windows,
            next: AtomicUsize::new(0),
            written: Mutex::new(0),
            moved: Condvar::new(),
            ahead,
            stop: AtomicBool::new(false),
            cancelled,
        }
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.cancelled.load(Ordering::Relaxed)
    }

    /// The next block to compose, once the writer is near enough; `None` at the end or when stopped.
    fn take(&self) -> Option<usize> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        if index >= self.windows.len() {
            return None;
        }
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        while index >= *written + self.ahead && !self.stopped() {
            let wait = self.moved.wait_timeout(written, Duration::from_millis(100));
            written = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
        (!self.stopped()).then_some(index)
    }

    fn wrote(&self, count: usize) {
        *self.written.lock().unwrap_or_else(PoisonError::into_inner) = count;
        self.moved.notify_all();
    }

    fn halt(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.moved.notify_all();
    }
}

type Outcome = (usize, Result<Composed, EngineError>);

fn compose_job(
    plan: &Plan,
    job: &Job,
    reader: &SceneReader<'_>,
    control: &Control<'_>,
    write: &mut dyn FnMut(Composed) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let windows = blocks(job.grid.width, job.grid.height, plan.memory.block);
    let threads = plan.memory.threads.min(windows.len());
    let line = Line::new(&windows, threads + 1, control.cancelled);
    let (sender, receiver) = sync_channel(threads + 1);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (sender, line) = (sender.clone(), &line);
            scope.spawn(move || work(line, reader, &sender));
        }
        drop(sender);
        let result = collect(&line, &receiver, write);
        // Who was asked to stop may fail of it.
        let result =
            if line.cancelled.load(Ordering::Relaxed) { Err(EngineError::Interrupted) } else { result };
        line.halt();
        // Workers that wait to hand over a block must not wait for ever.
        drop(receiver);
        result
    })
}

fn work(line: &Line<'_>, reader: &SceneReader<'_>, sender: &SyncSender<Outcome>) {
    while let Some(index) = line.take() {
        let composed =
            catch_unwind(AssertUnwindSafe(|| compose_block(reader, line.windows[index], line.cancelled)));
        let result = composed.unwrap_or_else(|panic| Err(EngineError::Bug(panic_text(panic.as_ref()))));
        let failed = result.is_err();
        if sender.send((index, result)).is_err() || failed {
            return;
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without a message").to_owned()
}

/// Writes blocks in order as they come.
fn collect(
    line: &Line<'_>,
    receiver: &Receiver<Outcome>,
    write: &mut dyn FnMut(Composed) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let mut early = BTreeMap::new();
    let mut written = 0;
    while written < line.windows.len() {
        if line.cancelled.load(Ordering::Relaxed) {
            return Err(EngineError::Interrupted);
        }
        match receiver.recv_timeout(Duration::from_millis(100)) {
            Ok((index, result)) => early.insert(index, result?),
            Err(RecvTimeoutError::Timeout) => continue,
            // Interrupted: the workers saw it first.
            Err(RecvTimeoutError::Disconnected) if line.cancelled.load(Ordering::Relaxed) => continue,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(EngineError::Bug("the workers ended before the last block".into()));
            }
        };
        while let Some(composed) = early.remove(&written) {
            write(composed)?;
            written += 1;
            line.wrote(written);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_cover_the_grid_once_in_row_major_order() {
        let windows = blocks(5, 3, (2, 2));
        assert_eq!(windows.iter().map(|w| w.pixels()).sum::<usize>(), 15);
        assert_eq!(windows[2], Window { col: 4, row: 0, width: 1, height: 2 });
        assert_eq!(windows[5], Window { col: 4, row: 2, width: 1, height: 1 });
    }

    /// The signal comes while the writer waits for a block.
    #[test]
    fn a_run_whose_workers_see_the_interrupt_first_is_interrupted_and_not_at_fault() {
        let (windows, cancelled) = (blocks(1, 1, (1, 1)), AtomicBool::new(false));
        let line = Line::new(&windows, 1, &cancelled);
        let (sender, receiver) = sync_channel(1);
        let result = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(20));
                cancelled.store(true, Ordering::Relaxed);
                drop(sender);
            });
            collect(&line, &receiver, &mut |_| Ok(()))
        });
        assert!(matches!(result, Err(EngineError::Interrupted)), "{result:?}");
    }
}
