//! The plan with the results of the survey: all that a run needs before its first block.

use crate::error::EngineError;
use crate::plan::{
    Comparing, Job, LeftOut, MOSTLY, Masked, PlacedMask, Plan, RuleId, SampleLattice, SceneId, Tile,
};
use compose_core::{BoundFill, BoundMask};
use compose_io::scene::SceneSource;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A plan whose kinds are fitted to their surveys.
pub struct Fitted {
    /// The decisions from headers and text.
    pub plan: Plan,
    /// Per scene of the stack: how it is read, with the nodata that the survey found.
    pub sources: Arc<[SceneSource]>,
    /// The outputs that are composed.
    pub jobs: Vec<FittedJob>,
    /// Targets that are not composed.
    pub left_out: Vec<LeftOut>,
    /// Remarks of the survey.
    pub notes: Vec<String>,
    /// The tile that it is narrowed to.
    pub tile: Option<TileIdentity>,
}

/// A tile of a plan, as its report names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TileIdentity {
    /// Its name: `r003_c012`.
    pub id: String,
    /// The hash of the plan.
    pub plan: String,
    /// The hash of all that decides the pixels of this tile: two plans that have it in common give the same tile.
    pub hash: String,
}

/// A tile of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Index of the output in [`Fitted::jobs`].
    pub output: usize,
    /// The tile.
    pub tile: Tile,
    /// As its report names it.
    pub identity: TileIdentity,
}

/// An output with the results of the survey.
#[derive(Clone)]
pub struct FittedJob {
    /// The output as planned.
    pub job: Arc<Job>,
    /// The mask rules.
    pub masks: Arc<FittedMasks>,
    /// The strategies of the job's fills, in their order.
    pub fills: Vec<Arc<dyn BoundFill>>,
    /// The places of the sample for the fills, if there was one.
    pub lattice: Option<SampleLattice>,
    /// The count of masked pixels of the target, if it was made.
    pub masked: Option<Masked>,
}

/// The mask rules of every scene, ready for pixels: per scene, in the order of the rules file.
pub struct FittedMasks {
    /// All of them.
    all: Vec<Vec<Arc<dyn BoundMask>>>,
    /// The same without those that compare scenes.
    plain: PlainMasks,
}

/// The mask rules that judge a scene by itself; `None` stands for one that compares scenes.
#[derive(Clone)]
pub struct PlainMasks(Vec<Vec<Option<Arc<dyn BoundMask>>>>);

/// The rules that are applied.
#[derive(Clone, Copy)]
pub enum Masks<'a> {
    /// All.
    All(&'a FittedMasks),
    /// The rules that do not compare scenes.
    Plain(&'a PlainMasks),
}

impl PlainMasks {
    /// The rules that can be applied before the survey: all but those that compare with other scenes.
    pub fn of(plan: &Plan, job: &Job) -> Self {
        let of_scene = |(scene, masks): (usize, &Vec<PlacedMask>)| {
            let plain = |(rule, mask): (usize, &PlacedMask)| {
                (!job.compares(SceneId(scene), RuleId(rule))).then(|| mask.bound.alone())
            };
            masks.iter().enumerate().map(plain).collect()
        };
        Self(plan.stack.masks.iter().enumerate().map(of_scene).collect())
    }
}

impl FittedMasks {
    /// Plain rules, and those that compare, as `fit` makes them of the job's comparisons.
    ///
    /// # Errors
    /// `fit` fails.
    pub fn new(
        plain: PlainMasks,
        job: &Job,
        fit: impl Fn(&Comparing) -> Result<Arc<dyn BoundMask>, EngineError>,
    ) -> Result<Self, EngineError> {
        let fitted = job.comparing.iter().map(|of| Ok(((of.scene, of.rule), fit(of)?)));
        let fitted = fitted.collect::<Result<BTreeMap<_, _>, EngineError>>()?;
        let rule = |scene: SceneId, (nth, plain): (usize, &Option<Arc<dyn BoundMask>>)| {
            let compared = || fitted.get(&(scene, RuleId(nth))).cloned();
            let missing =
                || EngineError::Bug(format!("rule {nth} of scene {} was not fitted", scene.index()));
            plain.clone().or_else(compared).ok_or_else(missing)
        };
        let of_scene = |(scene, masks): (usize, &Vec<Option<Arc<dyn BoundMask>>>)| {
            masks.iter().enumerate().map(|mask| rule(SceneId(scene), mask)).collect()
        };
        let all = plain.0.iter().enumerate().map(of_scene).collect::<Result<_, EngineError>>()?;
        Ok(Self { all, plain })
    }

    /// Remarks of the rules.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        self.all.iter().flatten().flat_map(|mask| mask.notes())
    }
}

impl<'a> Masks<'a> {
    /// A rule of a scene; `None` if it is not applied.
    pub fn rule(self, scene: SceneId, rule: RuleId) -> Option<&'a dyn BoundMask> {
        match self {
            Self::All(masks) => Some(&*masks.all[scene][rule]),
            Self::Plain(masks) => masks.0[scene][rule].as_deref(),
        }
    }

    /// The same rules without those that compare scenes.
    pub fn plain(self) -> Self {
        match self {
            Self::All(masks) => Self::Plain(&masks.plain),
            plain @ Self::Plain(_) => plain,
        }
    }

    /// Whether rules that compare scenes are among them.
    pub fn compare(self) -> bool {
        matches!(self, Self::All(_))
    }
}

impl FittedJob {
    /// Whether the rules leave the target out.
    pub fn is_left_out(&self, plan: &Plan) -> bool {
        plan.skip_above.as_ref().zip(self.masked).is_some_and(|(skip, masked)| masked.is_above(skip.percent))
    }
}

impl Fitted {
    /// Collects the jobs that are composed, and lists the targets that are left out.
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
        Ok(Self { plan: plan.clone(), sources: sources.into(), jobs, left_out, notes, tile: None })
    }

    /// One output, narrowed to a tile: with the results of the survey of the whole.
    ///
    /// # Errors
    /// The memory limit is too small.
    pub fn narrowed(
        &self,
        output: usize,
        tile: Tile,
        identity: TileIdentity,
        overwrite: bool,
    ) -> Result<Self, EngineError> {
        let of = &self.jobs[output];
        let plan = self.plan.narrowed(&of.job, tile, overwrite)?;
        let jobs = plan.jobs.iter().map(|job| FittedJob { job: job.clone(), ..of.clone() }).collect();
        let (left_out, notes) = (Vec::new(), Vec::new());
        Ok(Self { plan, sources: self.sources.clone(), jobs, left_out, notes, tile: Some(identity) })
    }

    /// Remarks about targets that are left out, and about targets of which almost every pixel is masked.
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

/// Refuses a run in which the rules leave every target out.
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
    Err(EngineError::Rules(vec![skip.at.saying(message)]))
}
