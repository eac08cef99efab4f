//! What the survey found: kept in a plan file, and made a fitted plan again without a survey.

use super::form::{SavedFit, SavedMask, SavedMasked, SavedNodata, SavedSurvey};
use crate::error::EngineError;
use crate::fitted::{Fitted, FittedJob, FittedMasks, Masks, PlainMasks};
use crate::plan::{BandId, Job, Masked, Plan, SampleLattice, SceneId};
use crate::survey;
use compose_core::{KindError, Learned};
use compose_io::scene::SceneSource;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the survey found, for a plan file.
pub fn kept(fitted: &Fitted) -> SavedSurvey {
    let plan = &fitted.plan;
    let nodata = |scene: SceneId| {
        let bands = plan.stack.scenes[scene].refs.iter().zip(&fitted.sources[scene].refs).enumerate();
        bands.filter_map(move |(band, (planned, learned))| {
            let numbers = learned.nodata[planned.nodata.len()..].to_vec();
            (!numbers.is_empty()).then_some(SavedNodata { scene: scene.index(), band, numbers })
        })
    };
    SavedSurvey {
        nodata: plan.stack.scene_ids().flat_map(nodata).collect(),
        notes: fitted.notes.clone(),
        outputs: plan.jobs.iter().map(|job| kept_of(fitted, job)).collect(),
    }
}

fn kept_of(fitted: &Fitted, job: &Arc<Job>) -> SavedFit {
    let Some(of) = fitted.jobs.iter().find(|of| Arc::ptr_eq(&of.job, job)) else {
        let id = job.target.map(|target| fitted.plan.stack.facts[target].id.as_str());
        let out = fitted.left_out.iter().find(|out| Some(out.id.as_str()) == id);
        let masked = out.map(|out| saved_masked(out.masked));
        return SavedFit { left_out: true, masked, sample: None, masks: Vec::new(), fills: Vec::new() };
    };
    let masks = Masks::All(&of.masks);
    let mask = |comparing: &crate::plan::Comparing| SavedMask {
        scene: comparing.scene.index(),
        rule: comparing.rule.index(),
        learned: masks.rule(comparing.scene, comparing.rule).map(|mask| mask.learned()).unwrap_or_default(),
    };
    SavedFit {
        left_out: false,
        masked: of.masked.map(saved_masked),
        sample: of.lattice.map(|lattice| lattice.to_string()),
        masks: job.comparing.iter().map(mask).collect(),
        fills: of.fills.iter().map(|fill| fill.learned()).collect(),
    }
}

fn saved_masked(of: Masked) -> SavedMasked {
    let Masked { pixels, masked, looked_at, at_least } = of;
    SavedMasked { pixels, masked, looked_at, at_least }
}

/// The plan, fitted to what an earlier survey found.
///
/// # Errors
/// That survey was of another plan. No target is left.
pub fn restored(
    plan: &Plan,
    survey: &SavedSurvey,
    refuse: impl Fn(String) -> EngineError,
) -> Result<Fitted, EngineError> {
    let sources = sources(plan, &survey.nodata).map_err(&refuse)?;
    if survey.outputs.len() != plan.jobs.len() {
        let (found, expected) = (survey.outputs.len(), plan.jobs.len());
        return Err(refuse(format!("its survey is of {found} outputs, and there are {expected}")));
    }
    let jobs = plan.jobs.iter().zip(&survey.outputs);
    let jobs = jobs.map(|(job, of)| restored_job(plan, job, of).map_err(&refuse));
    Fitted::new(plan, sources, jobs.collect::<Result<_, _>>()?, survey.notes.clone())
}

/// How each scene is read, with the nodata that the survey found.
fn sources(plan: &Plan, nodata: &[SavedNodata]) -> Result<Vec<SceneSource>, String> {
    let mut sources = plan.stack.scenes.clone();
    for of in nodata {
        let band = sources.get_mut(of.scene).and_then(|source| source.refs.get_mut(BandId(of.band).index()));
        let Some(band) = band else {
            return Err(format!("its survey found nodata in band {} of scene {}", of.band, of.scene));
        };
        band.nodata.extend(&of.numbers);
    }
    Ok(sources)
}

fn restored_job(plan: &Plan, job: &Arc<Job>, of: &SavedFit) -> Result<FittedJob, String> {
    let masked = of.masked.as_ref().map(|of| Masked {
        pixels: of.pixels,
        masked: of.masked,
        looked_at: of.looked_at,
        at_least: of.at_least,
    });
    let plain = PlainMasks::of(plan, job);
    let left_out =
        FittedMasks::new(plain.clone(), job, |of| Ok(plan.stack.masks[of.scene][of.rule].bound.alone()));
    let left_out = left_out.map_err(|e| e.to_string())?;
    let mut fitted =
        FittedJob { job: job.clone(), masks: Arc::new(left_out), fills: Vec::new(), lattice: None, masked };
    if fitted.is_left_out(plan) {
        return Ok(fitted);
    }
    fitted.masks = Arc::new(masks(plan, job, plain, &of.masks)?);
    if of.fills.len() != job.fills.len() {
        return Err(format!("its survey is of {} fills, and there are {}", of.fills.len(), job.fills.len()));
    }
    for (stage, learned) in job.fills.iter().zip(&of.fills) {
        let told = |e: KindError| format!("fill \"{}\": {e}", stage.name);
        fitted.fills.push(stage.bound.restore(learned).map_err(told)?);
    }
    let surveyed = survey::surveyed(job).len();
    fitted.lattice = (surveyed > 0).then(|| SampleLattice::of(&plan.stack, job, surveyed));
    Ok(fitted)
}

/// The mask rules as an earlier survey made them.
fn masks(plan: &Plan, job: &Job, plain: PlainMasks, saved: &[SavedMask]) -> Result<FittedMasks, String> {
    let learned: BTreeMap<(usize, usize), &Learned> =
        saved.iter().map(|of| ((of.scene, of.rule), &of.learned)).collect();
    let stack = &plan.stack;
    let restored = FittedMasks::new(plain, job, |of| {
        let what = || format!("mask \"{}\" on scene {}", stack.mask_names[of.rule], stack.facts[of.scene].id);
        let wrong = |message: String| EngineError::Bug(format!("{}: {message}", what()));
        let learned = learned
            .get(&(of.scene.index(), of.rule.index()))
            .ok_or_else(|| wrong("its survey says nothing of it".into()))?;
        let bound = &stack.masks[of.scene][of.rule].bound;
        bound.restore(&job.mask_stack(stack, of.scene), learned).map_err(|e| wrong(e.to_string()))
    });
    restored.map_err(|e| match e {
        EngineError::Bug(message) => message,
        other => other.to_string(),
    })
}
