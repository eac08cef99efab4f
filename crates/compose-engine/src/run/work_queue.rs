//! Workers take blocks in the plan's order and compose them; the calling thread writes them in that order.
//!
//! A worker is at most a few blocks ahead of the writer, so that memory does not grow with the image.

use super::block::compose_block;
use super::composed::Composed;
use crate::control::Control;
use crate::error::EngineError;
use crate::fitted::FittedJob;
use crate::pixels::{HeldOut, MaskCache, ReadContext, SceneReader, Scope, Worker};
use crate::plan::{Item, Items, Task};
use crate::workers::{self, caught};
use compose_core::Needs;
use compose_io::RunPosition;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// The state that all workers share.
pub struct Work<'a> {
    /// The output that is composed.
    pub fitted: &'a FittedJob,
    /// Shared by all readers.
    pub context: &'a ReadContext<'a>,
    /// Per region: its masks, where bands come one after the other.
    kept: Vec<MaskCache>,
    /// Number of passes of the earlier outputs: the tile cache counts passes of the whole run.
    first_pass: usize,
    /// Pixels that are held out.
    held_out: Option<&'a HeldOut>,
}

impl<'a> Work<'a> {
    /// The work of an output, after so many passes of other outputs, with some pixels held out.
    pub fn new(
        fitted: &'a FittedJob,
        context: &'a ReadContext<'a>,
        first_pass: usize,
        held_out: Option<&'a HeldOut>,
    ) -> Self {
        let kept = fitted.job.order.regions.iter().map(|_| MaskCache::default()).collect();
        Self { fitted, context, kept, first_pass, held_out }
    }

    fn reader(&'a self, item: &Item, worker: &'a Worker) -> SceneReader<'a> {
        let order = &self.fitted.job.order;
        let region = order.regions[item.region];
        let pass = self.first_pass + item.pass;
        let place = RunPosition { pass, region, block: item.window, worker: worker.number };
        let scope = Scope { held_out: self.held_out, ..Scope::of(self.fitted) };
        let bands = match &item.task {
            Task::Compose(bands) => bands.clone(),
            Task::Mask | Task::CheckValidity(_) => 0..0,
        };
        let kept = order.keeps_masks().then(|| &self.kept[item.region]);
        SceneReader { bands, kept, halo: self.around() as i64, ..self.context.reader(scope, place, worker) }
    }

    /// Pixels around a block that its fills read at most: tiles are kept for blocks that only come near them.
    fn around(&self) -> usize {
        let (width, height) = self.fitted.job.order.block;
        let of = |needs: Needs| match needs.cell {
            // A block that is not made of whole cells is read in all that it touches.
            Some(cell)
                if !(width.is_multiple_of(cell)
                    && height.is_multiple_of(cell)
                    && self.fitted.job.begins_with_cells(cell)) =>
            {
                needs.halo + cell - 1
            }
            _ => needs.halo,
        };
        self.fitted.fills.iter().map(|fill| of(fill.needs())).max().unwrap_or(0)
    }

    /// Does the work of an item; `None` if it composes nothing.
    fn carry_out(
        &self,
        item: &Item,
        worker: &Worker,
        cancelled: &AtomicBool,
    ) -> Result<Option<Composed>, EngineError> {
        let reader = self.reader(item, worker);
        match item.task {
            Task::Mask => reader.keep_masks().map(|()| None),
            Task::CheckValidity(band) => reader.keep_validity(band).map(|()| None),
            Task::Compose(_) => compose_block(&reader, &self.fitted.fills, cancelled).map(Some),
        }
    }
}

/// The queue between workers and writer: the next item, and the number of items written.
struct WorkQueue<'a> {
    items: &'a Items<'a>,
    next: AtomicUsize,
    written: Mutex<usize>,
    progressed: Condvar,
    ahead: usize,
    stop: AtomicBool,
    cancelled: &'a AtomicBool,
}

impl<'a> WorkQueue<'a> {
    fn new(items: &'a Items<'a>, ahead: usize, cancelled: &'a AtomicBool) -> Self {
        Self {
            items,
            next: AtomicUsize::new(0),
            written: Mutex::new(0),
            progressed: Condvar::new(),
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
        while (index >= *written + self.ahead || *written < item.written_before) && !self.stopped() {
            let wait = self.progressed.wait_timeout(written, Duration::from_millis(100));
            written = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
        (!self.stopped()).then_some((index, item))
    }

    fn wrote(&self, count: usize) {
        *self.written.lock().unwrap_or_else(PoisonError::into_inner) = count;
        self.progressed.notify_all();
    }

    fn halt(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.progressed.notify_all();
    }
}

type Outcome = (usize, Result<Option<Composed>, EngineError>);

/// Composes an output by several workers; the calling thread writes its blocks in the order of work.
///
/// # Errors
/// A worker fails, `write` does, or the run is cancelled.
pub fn compose_job(
    work: &Work<'_>,
    control: &Control<'_>,
    write: &mut dyn FnMut(Composed) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let items = work.fitted.job.order.items();
    let threads = work.context.workers.min(items.count());
    let ahead = threads * work.fitted.job.ahead();
    let queue = WorkQueue::new(&items, ahead, control.cancelled);
    let (sender, receiver) = sync_channel(ahead);
    let mut hand_on = |item: usize, composed: Option<Composed>| {
        let region = |item: usize| items.get(item).map(|item| item.region);
        if let Some(done) = region(item).filter(|done| region(item + 1) != Some(*done)) {
            work.kept[done].clear();
        }
        composed.map_or(Ok(()), &mut *write)
    };
    let result = std::thread::scope(|scope| {
        // Dropped before the workers are joined, after a panic too: a worker that sends a block must not wait for ever.
        let receiver = receiver;
        let started = workers::start(scope, threads, |number| {
            let (sender, queue) = (sender.clone(), &queue);
            move || run(&Worker::new(number), queue, work, &sender)
        });
        drop(sender);
        // After an error or a panic of the writer, workers must not wait for it for ever.
        let _halt = Halt(&queue);
        let result = if started == 0 {
            alone(&queue, work, &mut hand_on)
        } else {
            collect(&queue, &receiver, &mut hand_on)
        };
        drop(receiver);
        result
    });
    // Cancelled workers may return errors: the interruption is reported.
    if queue.cancelled.load(Ordering::Relaxed) { Err(EngineError::Interrupted) } else { result }
}

/// Does all the work on the calling thread, if the system gives no other.
fn alone(
    queue: &WorkQueue<'_>,
    work: &Work<'_>,
    hand_on: &mut dyn FnMut(usize, Option<Composed>) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let worker = Worker::new(0);
    (0..).map_while(|index| Some((index, queue.items.get(index)?))).try_for_each(|(index, item)| {
        if queue.stopped() {
            return Err(EngineError::Interrupted);
        }
        hand_on(index, caught(|| work.carry_out(&item, &worker, queue.cancelled))?)
    })
}

/// Stops the workers when it is dropped.
struct Halt<'a, 'b>(&'a WorkQueue<'b>);

impl Drop for Halt<'_, '_> {
    fn drop(&mut self) {
        self.0.halt();
    }
}

/// Takes items from the queue until it is empty, and sends the result of each.
fn run(worker: &Worker, queue: &WorkQueue<'_>, work: &Work<'_>, sender: &SyncSender<Outcome>) {
    while let Some((index, item)) = queue.take() {
        let result = caught(|| work.carry_out(&item, worker, queue.cancelled));
        let failed = result.is_err();
        if sender.send((index, result)).is_err() || failed {
            return;
        }
    }
}

/// Hands on the results of the items, in their order.
fn collect(
    queue: &WorkQueue<'_>,
    receiver: &Receiver<Outcome>,
    hand_on: &mut dyn FnMut(usize, Option<Composed>) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let mut early = BTreeMap::new();
    let mut written = 0;
    while written < queue.items.count() {
        if queue.cancelled.load(Ordering::Relaxed) {
            return Err(EngineError::Interrupted);
        }
        match receiver.recv_timeout(Duration::from_millis(100)) {
            Ok((index, result)) => early.insert(index, result?),
            Err(RecvTimeoutError::Timeout) => continue,
            // Interrupted: the workers noticed it first.
            Err(RecvTimeoutError::Disconnected) if queue.cancelled.load(Ordering::Relaxed) => continue,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(EngineError::Bug("the workers ended before the last block".into()));
            }
        };
        while let Some(composed) = early.remove(&written) {
            hand_on(written, composed)?;
            written += 1;
            queue.wrote(written);
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
        let order = crate::plan::Order::plain(compose_core::Window::whole(1, 1), 1, (1, 1));
        let items = order.items();
        let cancelled = AtomicBool::new(false);
        let queue = WorkQueue::new(&items, 1, &cancelled);
        let (sender, receiver) = sync_channel(1);
        let result = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(20));
                cancelled.store(true, Ordering::Relaxed);
                drop(sender);
            });
            collect(&queue, &receiver, &mut |_, _| Ok(()))
        });
        assert!(matches!(result, Err(EngineError::Interrupted)), "{result:?}");
    }
}
