//! All outputs of a run: locks, composing, the check of inputs, names.

use super::report::{JobReport, RunReport};
use super::sink::Sink;
use super::strips::{Work, compose_job, kept_masks};
use super::{set, sidecar};
use crate::control::{Control, Progress};
use crate::error::EngineError;
use crate::plan::{GDAL_CACHE, Plan};
use crate::rules::Rules;
use compose_io::TileStore;
use compose_io::files::{Locks, Naming, commit_all};
use compose_io::write::{Pending, refuse_existing};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

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
    compose_io::limit_gdal_cache(GDAL_CACHE);
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
