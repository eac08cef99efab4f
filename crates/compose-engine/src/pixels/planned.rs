//! Where mask rules and scores run, as the plan decided.

use crate::plan::ScenePlan;
use compose_core::{BoundMask, Grid};
use compose_io::align::Alignment;

/// Where a mask rule or a score runs, and how the scene's bands get there.
pub struct NativePlace {
    /// The grid it runs on.
    pub grid: Grid,
    /// From that grid to each band of the scene (it is the target of these alignments).
    pub from_band: Vec<Alignment>,
}

/// What a bound score needs to be evaluated.
pub struct PlannedScore {
    /// Where it runs.
    pub place: NativePlace,
    /// From its grid to the target grid.
    pub to_target: Alignment,
}

/// What a bound mask needs to be evaluated.
pub struct PlannedMask {
    /// The rule, bound to its scene.
    pub bound: Box<dyn BoundMask>,
    /// Where it runs.
    pub place: NativePlace,
    /// From each band group's grid to the mask's grid.
    pub from_group: Vec<Alignment>,
    /// How the rule's bands get to band groups on other grids, for the plan.
    pub reasons: Vec<String>,
}

impl ScenePlan {
    /// Whether values arrive as they are stored.
    pub fn is_exact(&self) -> bool {
        self.radiometry.iter().all(Option::is_none)
            && self.groups.iter().all(|g| matches!(g.alignment, Alignment::Paste { .. }))
    }
}
