//! The plan with what the survey told: all that a run needs to know before its first block.

use crate::error::EngineError;
use crate::plan::{Comparing, Job, Lattice, LeftOut, MOSTLY, Masked, Plan};
use crate::rules::Mistake;
use compose_core::{BoundFill, BoundMask};
use compose_io::scene::SceneSource;
use std::sync::Arc;

/// A plan whose kinds have got the surveys that they wanted.
pub struct Fitted {
    /// What was decided from headers and text.
    pub plan: Plan,
    /// Per scene of the stack: how it is read, with the nodata that the survey found.
    pub sources: Vec<SceneSource>,
    /// The outputs that are composed.
    pub jobs: Vec<FittedJob>,
    /// Targets that are not composed.
    pub left_out: Vec<LeftOut>,
    /// What the survey has to remark.
    pub notes: Vec<String>,
}

/// An output with what the survey told.
pub struct FittedJob {
    /// What was decided.
    pub job: Job,
    /// The mask rules that compare scenes.
    pub masks: FittedMasks,
    /// The strategies of the job's fills, in their order.
    pub fills: Vec<Arc<dyn BoundFill>>,
    /// Where the survey of the fills took its sample, if there was one.
    pub lattice: Option<Lattice>,
    /// How much of the target the masks take, once that was counted.
    pub masked: Option<Masked>,
}

/// Mask rules that compare scenes, in the order of [`Job::comparing`].
#[derive(Default)]
pub struct FittedMasks(pub Vec<Arc<dyn BoundMask>>);

impl FittedMasks {
    /// A rule of a scene, and what it compares; `None` where it compares nothing.
    pub fn rule<'a>(
        &'a self,
        job: &'a Job,
        scene: usize,
        rule: usize,
    ) -> Option<(&'a Comparing, &'a dyn BoundMask)> {
        let place = job.comparing.iter().position(|c| (c.scene, c.rule) == (scene, rule))?;
        Some((&job.comparing[place], &**self.0.get(place)?))
    }
}

impl FittedJob {
    /// Whether the rules leave the target out.
    pub fn is_left_out(&self, plan: &Plan) -> bool {
        plan.skip_above.as_ref().zip(self.masked).is_some_and(|(skip, masked)| masked.is_above(skip.percent))
    }
}

impl Fitted {
    /// Puts the jobs that are composed together, and tells which targets are left out.
    ///
    /// # Errors
    /// No target is left.
    pub fn new(
        plan: &Plan,
        sources: Vec<SceneSource>,
        jobs: Vec<FittedJob>,
        notes: Vec<String>,
    ) -> Result<Self, EngineError> {
        let (out, jobs): (Vec<FittedJob>, Vec<FittedJob>) =
            jobs.into_iter().partition(|job| job.is_left_out(plan));
        let told = |out: &FittedJob| {
            let target = &plan.stack.facts[out.job.target?];
            Some(LeftOut { id: target.id.clone(), masked: out.masked? })
        };
        let left_out: Vec<LeftOut> = out.iter().filter_map(told).collect();
        if jobs.is_empty() {
            refuse_nothing(plan, &left_out)?;
        }
        Ok(Self { plan: plan.clone(), sources, jobs, left_out, notes })
    }

    /// Targets that are left out, and those of whose own pixels next to nothing is left.
    pub fn mask_remarks(&self) -> Vec<String> {
        let skip = self.plan.skip_above.as_ref();
        let limit = skip.map_or(MOSTLY, |skip| skip.percent);
        let out = |of: &LeftOut| match of.masked.percent() {
            None => format!("target {} is left out: {}", of.id, of.masked.words()),
            Some(_) => {
                format!("target {} is left out: {}, more than skip-above = {limit}", of.id, of.masked.words())
            }
        };
        let left_out = self.left_out.iter().map(out);
        let remark = |of: &FittedJob| of.masked?.remark(&self.plan.stack.facts[of.job.target?].id, skip);
        left_out.chain(self.jobs.iter().filter_map(remark)).collect()
    }
}

/// Refuses a run of which the rules leave every target out.
fn refuse_nothing(plan: &Plan, left_out: &[LeftOut]) -> Result<(), EngineError> {
    let (Some(skip), [first, ..]) = (&plan.skip_above, left_out) else { return Ok(()) };
    let which = match left_out.len() {
        1 => "the only target out,".to_owned(),
        count => format!("all {count} targets out, the first of them"),
    };
    let message = format!(
        "[target] skip-above = {} leaves {which} {}: {}; raise it, or name another scene",
        skip.percent,
        first.id,
        first.masked.words()
    );
    Err(EngineError::Rules(vec![Mistake { message, ..skip.at.clone() }]))
}
