//! The setup of a trial of a kind, and its outcome.

use super::call::Answer;
use super::findings::Fault;
use super::fixtures::Fixture;
use crate::descriptor::Value;
use crate::fill::FillPlan;
use crate::instance::Threads;
use crate::scene_rule::ScenePlan;
use std::sync::Arc;

/// The needs of an instance.
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

/// Settings, a fixture, and what the kind has planned for them.
#[derive(Clone)]
pub struct Setup {
    pub settings: Vec<Option<Value>>,
    pub fixture: Arc<Fixture>,
    pub plan: Plan,
}

/// The outcome of a call for pixels.
pub struct Taken {
    pub answer: Answer,
    /// The mistakes in the output.
    pub content: Option<Fault>,
    /// Something was written where nothing may be.
    pub trespass: Option<Fault>,
    /// The place where a repeated call gave another answer than the first.
    pub wavering: Option<String>,
}
