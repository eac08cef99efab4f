//! All outputs of a run: locks, composing, the check of inputs, final names.

use super::report::{JobReport, RunReport};
use super::sink::Sink;
use super::work_queue::{Work, compose_job};
use super::{set, sidecar, stac};
use crate::control::{Control, Progress};
use crate::error::EngineError;
use crate::fitted::Fitted;
use crate::pixels::ReadContext;
use crate::rules::Rules;
use compose_io::files::{Locks, Naming, commit_all};
use compose_io::write::{Pending, refuse_existing};
use std::path::Path;
use std::sync::atomic::Ordering;

/// Carries out a plan; files appear under their names only when everything has succeeded.
///
/// # Errors
/// Reading, composing or writing fails, or another run writes one of the files. Nothing is left behind then.
pub fn run(rules: &Rules, fitted: &Fitted, control: &Control<'_>) -> Result<RunReport, EngineError> {
    run_watched(rules, fitted, control, &|_| ())
}

/// As [`run`]; `named` is called whenever a file has got its name.
///
/// # Errors
/// As [`run`].
pub fn run_watched(
    rules: &Rules,
    fitted: &Fitted,
    control: &Control<'_>,
    named: &dyn Fn(&Path),
) -> Result<RunReport, EngineError> {
    let plan = &fitted.plan;
    let outputs = || fitted.jobs.iter().flat_map(|of| of.job.output.files());
    let mut locks = Locks::take(outputs(), control.drafts)?;
    // Another run may have ended since the plan was made.
    outputs().try_for_each(|path| refuse_existing(path, plan.overwrite))?;
    carry_out(rules, fitted, control, &mut locks, named)
}

/// As [`run_watched`], with the locks of all outputs, which the caller holds until all files have their names. A tile of
/// which no file would say anything is a report alone.
///
/// # Errors
/// As [`run`].
pub(super) fn carry_out(
    rules: &Rules,
    fitted: &Fitted,
    control: &Control<'_>,
    locks: &mut Locks,
    named: &dyn Fn(&Path),
) -> Result<RunReport, EngineError> {
    let plan = &fitted.plan;
    let context = ReadContext::new(plan, &fitted.sources, plan.memory.tiles, plan.memory.threads);
    let (sets, reports) = compose_all(fitted, control, &context, locks)?;
    locks.beat()?;
    for band in fitted.sources.iter().flat_map(|s| &s.refs) {
        context.store.check_unchanged(band)?;
    }
    plan.stack.watched.check_unchanged()?;
    plan.stack.area.iter().try_for_each(|area| area.watched.check_unchanged())?;
    for plugin in &plan.plugins {
        plugin.check_unchanged()?;
    }
    let mut report = RunReport::new(plan, reports, &context);
    report.taken_over = locks.notes().to_vec();
    let mut pending: Vec<Pending> = Vec::new();
    for (index, mut files) in sets.into_iter().enumerate() {
        let job = &fitted.jobs[index].job;
        if fitted.tile.is_some() && report.jobs[index].blank {
            files.clear();
        }
        if let Some(path) = job.output.stac.as_ref().filter(|_| !files.is_empty()) {
            let counts = (index, &report.jobs[index]);
            let item = stac::write((path, control.drafts), rules, fitted, counts, &files)?;
            files.insert(0, item);
        }
        // The report gets its name first: it tells which files are not yet the new ones. The image gets its name last: beside
        // a new image lies its record.
        if let Some(path) = &job.output.sidecar {
            locks.beat()?;
            let files = set::listed(path, &job.output, &files)?;
            let results =
                sidecar::Results { counts: &report.jobs[index], idle_rules: &report.idle_rules, files };
            pending.push(sidecar::write((path, control.drafts), rules, fitted, index, results)?);
        }
        pending.extend(files);
    }
    if control.cancelled.load(Ordering::Relaxed) {
        return Err(EngineError::Interrupted);
    }
    let naming = Naming { overwrite: plan.overwrite, inputs: &plan.inputs, locks, named };
    commit_all(pending, naming)?;
    Ok(report)
}

/// Composes every output under temporary names: per job its files, the image last, and what was counted.
fn compose_all(
    fitted: &Fitted,
    control: &Control<'_>,
    context: &ReadContext<'_>,
    locks: &Locks,
) -> Result<(Vec<Vec<Pending>>, Vec<JobReport>), EngineError> {
    let (plan, bands) = (&fitted.plan, fitted.plan.stack.bands.len() as u64);
    let total = fitted.jobs.iter().map(|of| of.job.order.pixels()).sum();
    let (mut sets, mut reports) = (Vec::new(), Vec::new());
    let (mut done, mut passes) = (0, 0);
    for of in &fitted.jobs {
        let mut sink = Sink::create(plan, &of.job, control.drafts)?;
        let work = Work::new(of, context, passes, None);
        passes += of.job.order.passes();
        compose_job(&work, control, &mut |composed| {
            done += composed.canvas.window.pixels() as u64 * composed.wanted.len() as u64;
            sink.take(composed)?;
            locks.beat()?;
            (control.progress)(Progress { done: done / bands, total });
            Ok(())
        })?;
        if reports.len() + 1 == fitted.jobs.len() {
            // The last steps need memory but no tiles: the cache is emptied.
            context.store.let_go();
        }
        locks.beat()?;
        let (files, report) = sink.finish(plan, of)?;
        sets.push(files);
        reports.push(report);
    }
    Ok((sets, reports))
}
