//! Gives every kind that wants one its survey: a plan becomes a fitted plan.

use super::implausible::{Learned, Suspicion};
use super::sample::Sampling;
use super::{masked, offset_step};
use crate::control::Control;
use crate::error::EngineError;
use crate::fitted::{Fitted, FittedJob, FittedMasks, Masks, PlainMasks};
use crate::pixels::{HeldOut, Scope};
use crate::plan::{Job, Plan, SampleLattice, SceneId};
use compose_core::{BoundFill, Survey, Window};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Takes the surveys that the kinds of a plan want, and fits the kinds to them. Targets of which the masks take more than
/// the rules allow are left out.
///
/// Progress is counted in pixels of scenes, and begins anew with each survey.
///
/// # Errors
/// Pixels cannot be read, or a kind cannot work with what they are; no target is left; cancelled.
pub fn fit(plan: &Plan, control: &Control<'_>) -> Result<Fitted, EngineError> {
    let mut fitting = Fitting::new(plan, None, control);
    let jobs: Result<Vec<FittedJob>, EngineError> = plan.jobs.iter().map(|job| fitting.job(job)).collect();
    // Cancelled workers may return errors: the interruption is reported.
    if control.cancelled.load(Ordering::Relaxed) {
        return Err(EngineError::Interrupted);
    }
    let Learned { sources, notes } = fitting.learned;
    Fitted::new(plan, sources, jobs?, notes)
}

/// The same for one output, some pixels of which are hidden; its target is not left out, however much is masked.
///
/// # Errors
/// As [`fit`].
pub fn fit_held_out(
    plan: &Plan,
    job: Job,
    held_out: &HeldOut,
    control: &Control<'_>,
) -> Result<Fitted, EngineError> {
    let mut fitting = Fitting::new(plan, Some(held_out), control);
    let job = Arc::new(job);
    let masks = fitting.masks(&job)?;
    let (fills, lattice) = fitting.fills(&job, &masks)?;
    let job = FittedJob { job, masks, fills, lattice, masked: None };
    let Learned { sources, notes } = fitting.learned;
    Fitted::new(plan, sources, vec![job], notes)
}

/// The strategies of a job, ready for blocks, and the lattice of their survey, if one was taken.
type Fills = (Vec<Arc<dyn BoundFill>>, Option<SampleLattice>);

/// The scenes of which the fills of a job want samples, rising.
pub fn surveyed(job: &Job) -> Vec<SceneId> {
    each_once(job.fills.iter().flat_map(|stage| stage.bound.surveys()).map(SceneId))
}

/// The scenes of which the mask rules of a job want samples, rising.
pub fn compared(job: &Job) -> Vec<SceneId> {
    each_once(job.comparing.iter().flat_map(|c| c.others.iter().copied().chain([c.scene])))
}

fn each_once(scenes: impl Iterator<Item = SceneId>) -> Vec<SceneId> {
    let mut scenes: Vec<SceneId> = scenes.collect();
    scenes.sort_unstable();
    scenes.dedup();
    scenes
}

/// A plan while it is fitted.
struct Fitting<'a> {
    plan: &'a Plan,
    held_out: Option<&'a HeldOut>,
    control: &'a Control<'a>,
    learned: Learned,
}

impl<'a> Fitting<'a> {
    fn new(plan: &'a Plan, held_out: Option<&'a HeldOut>, control: &'a Control<'a>) -> Self {
        let learned = Learned { sources: plan.stack.scenes.clone(), notes: Vec::new() };
        Self { plan, held_out, control, learned }
    }

    fn job(&mut self, job: &Arc<Job>) -> Result<FittedJob, EngineError> {
        let masks = self.masks(job)?;
        let masked = masked::count((self.plan, &self.learned.sources), (job, &masks), self.control)?;
        let mut fitted = FittedJob { job: job.clone(), masks, fills: Vec::new(), lattice: None, masked };
        if !fitted.is_left_out(self.plan) {
            (fitted.fills, fitted.lattice) = self.fills(job, &fitted.masks)?;
        }
        Ok(fitted)
    }

    /// Fits the mask rules. Those that compare get a survey of the pixels that plain rules leave unmasked.
    fn masks(&mut self, job: &Job) -> Result<Arc<FittedMasks>, EngineError> {
        let plain = PlainMasks::of(self.plan, job);
        let survey = self.survey(job, Masks::Plain(&plain), compared(job))?;
        let survey = survey.map_or_else(Survey::default, |(survey, _)| survey);
        let (stack, grid) = (&self.plan.stack, &job.view.grid);
        let fitted = FittedMasks::new(plain, job, |of| {
            let bound = &stack.masks[of.scene][of.rule].bound;
            bound.fit(&job.mask_stack(stack, of.scene), &survey).map_err(|e| EngineError::Mask {
                rule: stack.mask_names[of.rule].clone(),
                scene: stack.facts[of.scene].id.clone(),
                window: Window::whole(grid.width, grid.height),
                message: e.to_string(),
            })
        });
        fitted.map(Arc::new)
    }

    /// Fits the strategies of a job. Those that need a survey get one with all mask rules applied; its lattice comes back
    /// too.
    fn fills(&mut self, job: &Job, masks: &FittedMasks) -> Result<Fills, EngineError> {
        let surveyed = self.survey(job, Masks::All(masks), surveyed(job))?;
        let (survey, lattice) = surveyed.map_or_else(|| (Survey::default(), None), |(s, l)| (s, Some(l)));
        let mut fills = Vec::with_capacity(job.fills.len());
        for (number, stage) in job.fills.iter().enumerate() {
            fills.push(stage.bound.fit(&survey).map_err(|e| EngineError::Fill {
                stage: number + 1,
                strategy: stage.name.clone(),
                window: Window::whole(job.view.grid.width, job.view.grid.height),
                message: e.to_string(),
            })?);
        }
        Ok((fills, lattice))
    }

    /// Surveys scenes; `None` if there are none. Where it finds nodata that nobody declared, the value is added to how the
    /// scene is read, and the survey is taken again.
    fn survey(
        &mut self,
        job: &Job,
        masks: Masks<'_>,
        scenes: Vec<SceneId>,
    ) -> Result<Option<(Survey, SampleLattice)>, EngineError> {
        if scenes.is_empty() {
            return Ok(None);
        }
        let (plan, cancelled) = (self.plan, self.control.cancelled);
        let lattice = SampleLattice::of(&plan.stack, job, scenes.len());
        let scope = Scope { job, masks, held_out: self.held_out };
        loop {
            let sources = &self.learned.sources;
            let sampling = Sampling { plan, sources, scope, lattice, cancelled };
            let mut survey = sampling.take(&scenes, self.control.progress)?;
            if !(Suspicion { plan, job }).judge(&mut self.learned, &mut survey)? {
                let remark = offset_step::remark(plan, job.reference(), &survey);
                let new = remark.filter(|remark| !self.learned.notes.contains(remark));
                self.learned.notes.extend(new);
                return Ok(Some((survey, lattice)));
            }
        }
    }
}
