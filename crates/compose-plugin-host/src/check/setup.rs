//! What a kind is tried with, and what comes of it.

use super::call::Answer;
use super::findings::Fault;
use super::fixtures::Fixture;
use crate::descriptor::Value;
use crate::fill::FillPlan;
use crate::instance::Threads;
use crate::scene_rule::ScenePlan;
use std::sync::Arc;

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

/// Settings, a fixture, and what the kind has planned for them.
#[derive(Clone)]
pub struct Setup {
    pub settings: Vec<Option<Value>>,
    pub fixture: Arc<Fixture>,
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
