//! A kind's functions, called as the header allows, and judged at once.

#![allow(unsafe_code)]

mod fills;
mod scenes;

use super::findings::{FENCED, Fault, Line};
use super::shot::{Answer, Shot};
use super::worlds::World;
use crate::call::PluginHost;
use crate::descriptor::{Declared, Value};
use crate::fill::FillPlan;
use crate::instance::{Instance, Threads};
use crate::open::{KindSort, RawKind};
use crate::planes::Sample;
use crate::scene_rule::ScenePlan;
use crate::settings::Values;
use compose_plugin::abi;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Why a call, or a trial, goes no further.
#[derive(Debug)]
pub enum Stop {
    /// The kind cannot work with this, and says why.
    Refused(String),
    /// It gave up because it was asked to.
    Cancelled,
    /// Something is wrong.
    Fault(Fault),
    /// Something is wrong here, not there.
    Ours(String),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Ours(error.to_string())
    }
}

/// A kind under trial.
pub struct Kind {
    pub host: PluginHost,
    /// What the plugin is told when it asks whether to stop.
    pub cancelled: Arc<AtomicBool>,
    pub sort: KindSort,
    pub declared: &'static Declared,
    pub raw: RawKind,
    /// Whether steps go untold: threads are many, and fast.
    pub quiet: AtomicBool,
}

// SAFETY: the pointers in `raw.about` are not followed any more, and what is called from several threads is called so
// as the header and the plan allow.
unsafe impl Sync for Kind {}

/// What an instance wants.
#[derive(Clone, PartialEq)]
pub enum Plan {
    Scene(ScenePlan),
    Fill(FillPlan),
}

impl Plan {
    pub fn halo(&self) -> usize {
        match self {
            Self::Scene(plan) => plan.halo,
            Self::Fill(plan) => plan.halo,
        }
    }

    pub fn threads(&self) -> Threads {
        match self {
            Self::Scene(plan) => plan.threads,
            Self::Fill(plan) => plan.threads,
        }
    }

    pub fn deterministic(&self) -> bool {
        match self {
            Self::Scene(plan) => plan.deterministic,
            Self::Fill(plan) => plan.deterministic,
        }
    }
}

/// Settings, a world, and what the kind has planned for them.
#[derive(Clone)]
pub struct Setup {
    pub settings: Vec<Option<Value>>,
    pub world: Arc<World>,
    pub plan: Plan,
}

/// What came of a call for pixels.
pub struct Taken {
    pub answer: Answer,
    /// What is wrong with what was written.
    pub content: Option<Fault>,
    /// Something was written where nothing may be.
    pub trespass: Option<Fault>,
    /// Where one of the repeated calls gave another answer than the first.
    pub wavering: Option<String>,
}

impl Kind {
    /// Makes a call and judges its status; `step` says which.
    fn call(&self, step: &str, function: impl FnOnce(*const abi::Host) -> abi::Status) -> Result<(), Stop> {
        if !self.quiet.load(Ordering::Relaxed) {
            Line::Step(step.to_owned()).say();
        }
        let (status, reason) = self.host.bare(step.to_owned(), function);
        let fault =
            |found: String, expected: &str, advice: &str| Err(Fault::new(found, expected, advice).into());
        match (status, reason) {
            (abi::OK, _) => Ok(()),
            (abi::CANCELLED, _) if self.cancelled.load(Ordering::Relaxed) => Err(Stop::Cancelled),
            (abi::CANCELLED, _) => fault(
                format!("returned COMPOSE_CANCELLED and was not asked to stop: {step}"),
                "COMPOSE_CANCELLED only once host->cancelled has returned 1",
                "return COMPOSE_ERROR, and say why with host->set_error",
            ),
            // The layer for authors in Rust says so; whatever the call is for, that is no refusal.
            (abi::ERROR, Some(reason)) if reason.starts_with("panicked at ") => fault(
                format!("{reason}: {step}"),
                "an answer, or an error that says what is wrong with settings or scenes",
                "look at that line: an index, an unwrap or an arithmetic that the author did not think of",
            ),
            (abi::ERROR, Some(reason)) => Err(Stop::Refused(reason)),
            (abi::ERROR, None) => fault(
                format!("failed without saying why: {step}"),
                "a reason, by host->set_error, before COMPOSE_ERROR is returned",
                "call host->set_error on the way out of every failure",
            ),
            (other, reason) => fault(
                format!(
                    "returned the status {other}{}: {step}",
                    reason.map_or_else(|| " without saying why".into(), |r| format!(" (\"{r}\")"))
                ),
                "COMPOSE_OK, COMPOSE_ERROR or COMPOSE_CANCELLED",
                "return COMPOSE_ERROR, and say why with host->set_error",
            ),
        }
    }

    /// The settings as messages name them.
    pub fn described(&self, settings: &[Option<Value>]) -> String {
        match Values::new(settings.to_vec()).describe(self.declared) {
            said if said.is_empty() => "no settings".into(),
            said => said,
        }
    }

    /// Makes an instance. What it was passed is spoiled afterwards: it was lent for the call.
    pub fn create(&self, settings: &[Option<Value>]) -> Result<Instance, Stop> {
        let (instance, mut values) = self.create_and_keep(settings)?;
        values.spoil();
        Ok(instance)
    }

    /// Makes an instance; what it was passed is as it was for as long as the values are kept.
    pub fn create_and_keep(&self, settings: &[Option<Value>]) -> Result<(Instance, Values), Stop> {
        let (create, destroy) = match &self.raw {
            RawKind::Scene(raw) => (raw.create, raw.destroy),
            RawKind::Fill(raw) => (raw.create, raw.destroy),
        };
        let (Some(create), Some(destroy)) = (create, destroy) else {
            return Err(Stop::Ours("a function is null".into()));
        };
        let values = Values::new(settings.to_vec());
        let mut at = std::ptr::null_mut();
        let step = format!("create with {}", self.described(settings));
        self.call(&step, |host| {
            let raw = values.as_raw();
            // SAFETY: all pointers are valid for the call; there are as many values as settings are declared.
            unsafe { create(host, raw.as_ptr(), raw.len() as u32, &raw mut at) }
        })?;
        Ok((Instance::new(at, destroy), values))
    }

    /// Has an instance plan for a world.
    pub fn plan(&self, instance: &Instance, world: &World) -> Result<Plan, Stop> {
        match &self.raw {
            RawKind::Scene(raw) => scenes::plan(self, raw, instance, world).map(Plan::Scene),
            RawKind::Fill(raw) => fills::plan(self, raw, instance, world).map(Plan::Fill),
        }
    }

    /// Tries settings on a world.
    pub fn set_up(&self, settings: &[Option<Value>], world: &Arc<World>) -> Result<(Setup, Instance), Stop> {
        self.check_bands(settings, world)?;
        let instance = self.create(settings)?;
        let plan = self.plan(&instance, world)?;
        Ok((Setup { settings: settings.to_vec(), world: world.clone(), plan }, instance))
    }

    /// A setting of type `band` is held against the scenes by the host, so a plan need not do it.
    fn check_bands(&self, settings: &[Option<Value>], world: &World) -> Result<(), Stop> {
        let values = Values::new(settings.to_vec());
        let all = match self.raw {
            RawKind::Scene(_) => &world.scenes[..1],
            RawKind::Fill(_) => &world.scenes[..],
        };
        all.iter().try_for_each(|scene| {
            let among = if matches!(self.raw, RawKind::Fill(_)) { scene.wanted } else { scene.bands.len() };
            values.check_bands(self.declared, scene, among).map_err(|e| Stop::Refused(e.to_string()))
        })
    }

    /// One more instance, which must plan as the others did.
    pub fn instance(&self, setup: &Setup) -> Result<Instance, Stop> {
        let (again, instance) = self.set_up(&setup.settings, &setup.world)?;
        if again.plan != setup.plan {
            let found = format!(
                "two instances with the same settings and scenes plan differently ({})",
                self.described(&setup.settings)
            );
            let advice = "look for memory that is not set, and for globals that change";
            return Err(Fault::new(found, "the same plan for the same settings and scenes", advice).into());
        }
        Ok(instance)
    }

    /// Has an instance look at pixels.
    pub fn take(&self, instance: &Instance, setup: &Setup, shot: &Shot) -> Result<Taken, Stop> {
        let at = instance.as_ptr();
        match (&self.raw, &setup.plan) {
            (RawKind::Scene(raw), Plan::Scene(plan)) => scenes::take(self, raw, at, (setup, plan), shot),
            (RawKind::Fill(raw), Plan::Fill(plan)) => fills::take(self, raw, at, (setup, plan), shot),
            _ => Err(Stop::Ours("a plan of another sort".into())),
        }
    }

    /// What a call for pixels is about.
    fn step(&self, function: &str, setup: &Setup, shot: &Shot) -> String {
        let (block, theme) = (crate::planes::block(shot.window), setup.world.theme.describe());
        let fenced = if shot.lay[0].fenced { format!(", {FENCED}") } else { String::new() };
        format!("{function}, {block}, {theme}{fenced}, {}", self.described(&setup.settings))
    }
}

fn plan_fault(message: String) -> Stop {
    Fault::new(
        format!("plan: {message}"),
        "a plan within the limits of the header",
        "correct the plan; refuse settings that it cannot work with",
    )
    .into()
}

/// What is wrong with planes that were written beside.
fn trespass<T: Sample>(planes: &[super::buffers::Guarded<T>], step: &str) -> Option<Fault> {
    let place = planes.iter().find_map(super::buffers::Guarded::trespass)?;
    Some(Fault::new(
        format!("wrote outside the pixels that it was asked for, {place}: {step}"),
        "rows 0 to height - 1, columns 0 to width - 1; rows are `stride` bytes apart",
        "check the loops' ends, and step from row to row by `stride`",
    ))
}

/// What is wrong where an input has changed.
fn changed(before: &[[Vec<u8>; 2]], after: &[[Vec<u8>; 2]], step: &str) -> Option<Fault> {
    (before != after).then(|| {
        Fault::new(
            format!("changed the pixels that it was given to read: {step}"),
            "planes of the input are read only",
            "copy what has to be changed",
        )
    })
}

/// Numbers past the room that a plan has for indices.
const ROOM: usize = 64;
const UNTOUCHED: u32 = 0xA5A5_A5A5;

/// Room for indices, and guards behind.
fn room(mut indices: Vec<u32>) -> Vec<u32> {
    indices.extend([UNTOUCHED; ROOM]);
    indices
}

fn check_room(indices: &[u32], capacity: usize, what: &str) -> Result<(), Stop> {
    if indices[capacity..].iter().all(|n| *n == UNTOUCHED) {
        return Ok(());
    }
    Err(Fault::new(
        format!("plan: wrote more {what} than there is room for ({capacity})"),
        format!("at most {capacity} indices"),
        "compare with the capacity before writing",
    )
    .into())
}
