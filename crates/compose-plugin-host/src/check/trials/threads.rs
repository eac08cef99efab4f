//! Trials with threads and clocks.

use super::pixels::{MIDDLE, taken};
use crate::check::bench::Bench;
use crate::check::call::{Answer, Call};
use crate::check::findings::Fault;
use crate::check::setup::Setup;
use crate::check::stop::{End, Stop};
use crate::instance::{Instance, Threads};
use compose_core::Window;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The number of threads that call at the same time.
const WORKERS: usize = 4;
/// The time for which they call.
const TRY: Duration = Duration::from_millis(150);
/// A plugin that is asked to stop must return within this time.
const SOON: Duration = Duration::from_secs(5);

pub fn threads(bench: &Bench) -> Result<(), End> {
    let setups = bench.comparable()?;
    for (setup, instance) in setups.iter().take(2) {
        // Workers have blocks of their own.
        let window = |nth: usize| Window {
            width: MIDDLE.width - 7 * nth,
            ..MIDDLE.shift(11 * nth as i64, 9 * nth as i64)
        };
        let calls: Vec<Call> = (0..WORKERS).map(|nth| Call::of(window(nth))).collect();
        let alone = calls.iter().map(|call| Ok(taken(&bench.kind, instance, setup, call)?.answer));
        let alone: Vec<Answer> = alone.collect::<Result<_, End>>()?;
        bench.kind.quiet.store(true, Ordering::Relaxed);
        crate::check::findings::Line::Step(format!(
            "{WORKERS} threads at once, {}",
            bench.kind.described(&setup.settings)
        ))
        .say();
        match setup.plan.threads() {
            Threads::One => one_after_the_other(bench, setup, instance, (&calls, &alone))?,
            Threads::PerInstance => at_once(bench, setup, None, (&calls, &alone))?,
            Threads::Any => at_once(bench, setup, Some(instance), (&calls, &alone))?,
        }
        bench.kind.quiet.store(false, Ordering::Relaxed);
    }
    Ok(())
}

fn other_answer(place: &str, threads: Threads) -> End {
    let declared = match threads {
        Threads::One => "COMPOSE_THREADS_ONE",
        Threads::PerInstance => "COMPOSE_THREADS_PER_INSTANCE",
        Threads::Any => "COMPOSE_THREADS_ANY",
    };
    let advice = "look for static and shared memory that calls write; else plan fewer threads";
    let found = format!("the answer is another with {WORKERS} threads, planned as {declared}: {place}");
    Fault::new(found, "the same answer from as many threads as planned", advice).into()
}

/// Every call from another thread, never two at a time.
fn one_after_the_other(
    bench: &Bench,
    setup: &Setup,
    instance: &Instance,
    (calls, alone): (&[Call], &[Answer]),
) -> Result<(), End> {
    for (call, alone) in calls.iter().zip(alone) {
        let answer = std::thread::scope(|scope| {
            let worker = scope.spawn(|| taken(&bench.kind, instance, setup, call));
            worker.join().map_err(|_| End::Untried("the trial itself failed".into()))?
        })?;
        if let Some(place) = alone.differs(&answer.answer) {
            return Err(other_answer(&place, Threads::One));
        }
    }
    Ok(())
}

/// All workers at a time, on one instance or each on one that it makes itself.
fn at_once(
    bench: &Bench,
    setup: &Setup,
    shared: Option<&Instance>,
    (calls, alone): (&[Call], &[Answer]),
) -> Result<(), End> {
    let done = AtomicBool::new(false);
    let work = |nth: usize| -> Result<(), End> {
        let threads = if shared.is_some() { Threads::Any } else { Threads::PerInstance };
        let started = Instant::now();
        let call = Call { repeat: 20, ..calls[nth] };
        while started.elapsed() < TRY && !done.load(Ordering::Relaxed) {
            let own = bench.kind.instance(setup)?;
            let answer = taken(&bench.kind, shared.unwrap_or(&own), setup, &call)?;
            let wavering = answer.wavering.or_else(|| alone[nth].differs(&answer.answer));
            if let Some(place) = wavering.or_else(|| answer.content.map(|fault| fault.found)) {
                done.store(true, Ordering::Relaxed);
                return Err(other_answer(&place, threads));
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|nth| scope.spawn(move || work(nth))).collect();
        let mut ends = workers.into_iter().map(|worker| worker.join());
        ends.try_for_each(|end| end.unwrap_or_else(|_| Err(End::Untried("the trial itself failed".into()))))
    })
}

pub fn cancelled(bench: &Bench) -> Result<(), End> {
    for (setup, instance) in &bench.setups()? {
        let large = Window { width: 400, height: 300, ..MIDDLE };
        bench.kind.cancelled.store(true, Ordering::Relaxed);
        let started = Instant::now();
        let result = bench.kind.take(instance, setup, &Call::of(large));
        let taken = started.elapsed();
        bench.kind.cancelled.store(false, Ordering::Relaxed);
        match result {
            Ok(_) | Err(Stop::Cancelled | Stop::Refused(_)) => {}
            Err(other) => return Err(other.into()),
        }
        if taken > SOON {
            let found = format!("took {} s after it was asked to stop", taken.as_secs());
            let advice = "ask host->cancelled every few rows, and return COMPOSE_CANCELLED";
            return Err(Fault::new(found, "an end within milliseconds", advice).into());
        }
    }
    Ok(())
}
