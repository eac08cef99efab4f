//! A kind under trial: how its functions are called, and what their status says.

#![allow(unsafe_code)]

use super::call::Call;
use super::findings::{FENCED, Fault, Line};
use super::setup::Setup;
use super::stop::Stop;
use crate::call::PluginHost;
use crate::descriptor::{Declared, Value};
use crate::instance::Instance;
use crate::open::{KindSort, RawKind};
use crate::settings::Values;
use compose_plugin::abi;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A kind under trial.
pub struct Kind {
    pub host: PluginHost,
    /// The answer to a plugin that asks whether to stop.
    pub cancelled: Arc<AtomicBool>,
    pub sort: KindSort,
    pub declared: &'static Declared,
    pub raw: RawKind,
    /// Whether steps are not printed: many threads make too many of them.
    pub quiet: AtomicBool,
}

// SAFETY: the pointers in `raw.about` are not followed any more, and what is called from several threads is called so
// as the header and the plan allow.
unsafe impl Sync for Kind {}

impl Kind {
    /// Makes a call and judges its status; `step` says which.
    pub fn call(
        &self,
        step: &str,
        function: impl FnOnce(*const abi::Host) -> abi::Status,
    ) -> Result<(), Stop> {
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
            return Err(Stop::Internal("a function is null".into()));
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

    /// The subject of a call for pixels.
    pub fn step(&self, function: &str, setup: &Setup, call: &Call) -> String {
        let (block, theme) = (crate::planes::block(call.window), setup.fixture.theme.describe());
        let fenced = if call.lay[0].fenced { format!(", {FENCED}") } else { String::new() };
        format!("{function}, {block}, {theme}{fenced}, {}", self.described(&setup.settings))
    }
}
