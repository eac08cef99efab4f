//! From a plan to files.
//!
//! Workers take blocks in row-major order and compose them; the calling thread writes them in that order.
//! A worker may be at most a few blocks ahead of the writer, so memory does not grow with the image.

mod compose;
mod report;
pub mod set;
mod sidecar;
mod sink;
mod trial;

pub use report::{JobReport, RunReport, SceneShare};
pub use trial::{Image, compose_hidden, observe};

use crate::error::EngineError;
use crate::pixels::{Hidden, KeptMasks, SceneReader, Spare};
use crate::plan::{Item, Items, Job, Plan, Task};
use crate::rules::Rules;
use crate::workers::{self, caught};
use compose::Composed;
pub(crate) use compose::compose_block;
use compose_io::files::{Locks, Naming, commit_all};
use compose_io::write::{Pending, refuse_existing};
use compose_io::{Place, TileStore};
use sink::Sink;
use std::collections::BTreeMap;
use std::path::Path;
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
/// Whatever goes wrong with pixels, files or the machine; nothing is left behind then. Another run writes one of the files.
pub fn run(rules: &Rules, plan: &Plan, control: &Control<'_>) -> Result<RunReport, EngineError> {
    run_watched(rules, plan, control, &|_| ())
}

/// As [`run`]; `named` is called whenever a file has got its name.
///
/// # Errors
/// As [`run`].
pub fn run_watched(
    rules: &Rules,
    plan: &Plan,
    control: &Control<'_>,
    named: &dyn Fn(&Path),
) -> Result<RunReport, EngineError> {
    let outputs = || plan.jobs.iter().flat_map(|job| job.output.files());
    // Held until all files have their names.
    let mut locks = Locks::take(outputs())?;
    // Another run may have ended since the plan was made.
    outputs().try_for_each(|path| refuse_existing(path, plan.overwrite))?;
    compose_io::limit_gdal_cache(crate::plan::GDAL_CACHE);
    let store = TileStore::new(plan.memory.tiles, plan.memory.open_files);
    let marked: Vec<AtomicU64> = plan.stack.mask_names.iter().map(|_| AtomicU64::new(0)).collect();
    let (sets, reports) = compose_all(plan, control, &store, &marked)?;
    for band in plan.stack.scenes.iter().flat_map(|s| &s.refs) {
        store.check_unchanged(band)?;
    }
    for plugin in &plan.plugins {
        plugin.check_unchanged()?;
    }
    let mut report = RunReport::new(plan, reports, &marked, store.decoded());
    report.taken_over = locks.notes().to_vec();
    let mut pending: Vec<Pending> = Vec::new();
    for (index, files) in sets.into_iter().enumerate() {
        let job = &plan.jobs[index];
        // The report first: from then on it tells which files are not yet what it says. The image last: whoever sees a
        // new one finds its record beside it.
        if let Some(path) = &job.output.sidecar {
            let files = set::listed(path, &job.output, &files)?;
            pending.push(sidecar::write(path, rules, plan, index, &report, files)?);
        }
        pending.extend(files);
    }
    if control.cancelled.load(Ordering::Relaxed) {
        return Err(EngineError::Interrupted);
    }
    let naming = Naming { overwrite: plan.overwrite, inputs: &plan.inputs, locks: &mut locks, named };
    commit_all(pending, naming)?;
    Ok(report)
}

/// Composes every output under temporary names: per job its files, the image last, and what was counted.
fn compose_all(
    plan: &Plan,
    control: &Control<'_>,
    store: &TileStore,
    marked: &[AtomicU64],
) -> Result<(Vec<Vec<Pending>>, Vec<JobReport>), EngineError> {
    let bands = plan.stack.bands.len() as u64;
    let total = plan.jobs.iter().map(|j| (j.view.grid.width * j.view.grid.height) as u64).sum();
    let (mut sets, mut reports) = (Vec::new(), Vec::new());
    let (mut done, mut turns) = (0, 0);
    for job in &plan.jobs {
        let mut sink = Sink::create(plan, job)?;
        let work = Work { plan, job, store, marked, kept: kept_masks(job), first_turn: turns, hidden: None };
        turns += job.order.passes();
        compose_job(&work, control, &mut |composed| {
            done += composed.canvas.window.pixels() as u64 * composed.wanted.len() as u64;
            sink.take(composed)?;
            (control.progress)(Progress { done: done / bands, total });
            Ok(())
        })?;
        if reports.len() + 1 == plan.jobs.len() {
            // What is done at the end needs memory of its own, and no more tiles.
            store.let_go();
        }
        let (files, report) = sink.finish(plan, job)?;
        sets.push(files);
        reports.push(report);
    }
    Ok((sets, reports))
}

/// What all workers know.
struct Work<'a> {
    plan: &'a Plan,
    job: &'a Job,
    store: &'a TileStore,
    marked: &'a [AtomicU64],
    /// Per region: its masks, where bands come one after the other.
    kept: Vec<KeptMasks>,
    /// Passes of the outputs before: to the shared tiles the run goes on where they ended.
    first_turn: usize,
    /// Pixels that a trial hides.
    hidden: Option<&'a Hidden>,
}

fn kept_masks(job: &Job) -> Vec<KeptMasks> {
    job.order.regions.iter().map(|_| KeptMasks::default()).collect()
}

impl<'a> Work<'a> {
    fn reader(&'a self, item: &Item, worker: &'a Worker) -> SceneReader<'a> {
        let keeps = self.job.order.keeps_masks();
        SceneReader {
            store: self.store,
            stack: &self.plan.stack,
            view: &self.job.view,
            job: self.job,
            plain: false,
            marked: self.marked,
            place: Place {
                turn: self.first_turn + item.turn,
                region: self.job.order.regions[item.region],
                block: item.window,
            },
            bands: match &item.task {
                Task::Compose(bands) => bands.clone(),
                Task::Mask | Task::Judge(_) => 0..0,
            },
            kept: keeps.then(|| &self.kept[item.region]),
            spare: &worker.spare,
            worker: (worker.number, self.plan.memory.threads),
            hidden: self.hidden,
        }
    }

    /// Does what is to be done with a block; `None` where nothing is composed by that.
    fn carry_out(
        &self,
        item: &Item,
        worker: &Worker,
        cancelled: &AtomicBool,
    ) -> Result<Option<Composed>, EngineError> {
        let reader = self.reader(item, worker);
        match item.task {
            Task::Mask => reader.keep_masks().map(|()| None),
            Task::Judge(band) => reader.keep_judgement(band).map(|()| None),
            Task::Compose(_) => compose_block(&reader, cancelled).map(Some),
        }
    }
}

/// What is a worker's own.
struct Worker {
    number: usize,
    spare: Spare,
}

/// What workers and writer share: which item is next, and how far the writer is.
struct Line<'a> {
    items: &'a Items<'a>,
    next: AtomicUsize,
    written: Mutex<usize>,
    moved: Condvar,
    ahead: usize,
    stop: AtomicBool,
    cancelled: &'a AtomicBool,
}

impl<'a> Line<'a> {
    fn new(items: &'a Items<'a>, ahead: usize, cancelled: &'a AtomicBool) -> Self {
        Self {
            items,
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

    /// The next item, once the writer is near enough; `None` at the end or when stopped.
    fn take(&self) -> Option<(usize, Item)> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let item = self.items.get(index)?;
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        while (index >= *written + self.ahead || *written < item.after) && !self.stopped() {
            let wait = self.moved.wait_timeout(written, Duration::from_millis(100));
            written = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
        (!self.stopped()).then_some((index, item))
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

type Outcome = (usize, Result<Option<Composed>, EngineError>);

fn compose_job(
    work: &Work<'_>,
    control: &Control<'_>,
    write: &mut dyn FnMut(Composed) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let items = work.job.order.items();
    let threads = work.plan.memory.threads.min(items.count());
    let ahead = threads * work.job.ahead();
    let line = Line::new(&items, ahead, control.cancelled);
    let (sender, receiver) = sync_channel(ahead);
    let mut hand_on = |item: usize, composed: Option<Composed>| {
        let region = |item: usize| items.get(item).map(|item| item.region);
        if let Some(done) = region(item).filter(|done| region(item + 1) != Some(*done)) {
            work.kept[done].clear();
        }
        composed.map_or(Ok(()), &mut *write)
    };
    let result = std::thread::scope(|scope| {
        // Dropped before the workers are waited for, in a panic too: who wants to hand over a block must not wait.
        let receiver = receiver;
        let started = workers::start(scope, threads, |number| {
            let (sender, line) = (sender.clone(), &line);
            move || Worker::new(number).run(line, work, &sender)
        });
        drop(sender);
        // Whatever happens to the writer, a panic too: workers that wait for it must not wait for ever.
        let _halt = Halt(&line);
        let result = if started == 0 {
            alone(&line, work, &mut hand_on)
        } else {
            collect(&line, &receiver, &mut hand_on)
        };
        drop(receiver);
        result
    });
    // Who was asked to stop may fail of it.
    if line.cancelled.load(Ordering::Relaxed) { Err(EngineError::Interrupted) } else { result }
}

/// Does all the work on the calling thread, where the system gives no other.
fn alone(
    line: &Line<'_>,
    work: &Work<'_>,
    hand_on: &mut dyn FnMut(usize, Option<Composed>) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let worker = Worker::new(0);
    (0..).map_while(|index| Some((index, line.items.get(index)?))).try_for_each(|(index, item)| {
        if line.stopped() {
            return Err(EngineError::Interrupted);
        }
        hand_on(index, caught(|| work.carry_out(&item, &worker, line.cancelled))?)
    })
}

/// Stops the workers when it is dropped.
struct Halt<'a, 'b>(&'a Line<'b>);

impl Drop for Halt<'_, '_> {
    fn drop(&mut self) {
        self.0.halt();
    }
}

impl Worker {
    fn new(number: usize) -> Self {
        Self { number, spare: Spare::default() }
    }

    fn run(&self, line: &Line<'_>, work: &Work<'_>, sender: &SyncSender<Outcome>) {
        while let Some((index, item)) = line.take() {
            let carry_out = || work.carry_out(&item, self, line.cancelled);
            let result = caught(carry_out);
            let failed = result.is_err();
            if sender.send((index, result)).is_err() || failed {
                return;
            }
        }
    }
}

/// Hands on what comes of the items, in their order.
fn collect(
    line: &Line<'_>,
    receiver: &Receiver<Outcome>,
    hand_on: &mut dyn FnMut(usize, Option<Composed>) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let mut early = BTreeMap::new();
    let mut written = 0;
    while written < line.items.count() {
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
            hand_on(written, composed)?;
            written += 1;
            line.wrote(written);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The signal comes while the writer waits for a block.
    #[test]
    fn a_run_whose_workers_see_the_interrupt_first_is_interrupted_and_not_at_fault() {
        let order = crate::plan::Order::plain(1, 1, 1, (1, 1));
        let items = order.items();
        let cancelled = AtomicBool::new(false);
        let line = Line::new(&items, 1, &cancelled);
        let (sender, receiver) = sync_channel(1);
        let result = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(20));
                cancelled.store(true, Ordering::Relaxed);
                drop(sender);
            });
            collect(&line, &receiver, &mut |_, _| Ok(()))
        });
        assert!(matches!(result, Err(EngineError::Interrupted)), "{result:?}");
    }
}
