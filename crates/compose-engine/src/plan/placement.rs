//! The grids on which mask rules and scores are evaluated, and how a scene's bands get there.

use crate::error::EngineError;
use crate::plan::ids::BandId;
use compose_core::{BoundScore, Grid, MaskBinding, PlannedFill, SceneFacts, Window};
use compose_io::align::{Alignment, Decision, Resampling, decide};

/// The grid on which a mask rule or a score is evaluated, and how the scene's bands get there.
pub struct EvaluationGrid {
    /// The grid.
    pub grid: Grid,
    /// From that grid to each band of the scene (it is the target of these alignments).
    pub from_band: Vec<Alignment>,
}

/// A score with a larger halo looks far.
const NEAR: usize = 16;

/// Whether a score looks far around a pixel: then it is not found block by block.
pub fn looks_far(score: &dyn BoundScore) -> bool {
    score.halo() > NEAR
}

/// A bound score with its grid.
pub struct PlacedScore {
    /// The grid on which it is evaluated.
    pub runs_on: EvaluationGrid,
    /// From its grid to the target grid.
    pub to_target: Alignment,
}

/// A bound mask rule with its grid.
pub struct PlacedMask {
    /// The rule, bound to its scene.
    pub bound: MaskBinding,
    /// The grid on which it is evaluated.
    pub runs_on: EvaluationGrid,
    /// From each band group's grid to the mask's grid.
    pub from_group: Vec<Alignment>,
    /// How the rule's bands get to band groups on other grids, for the plan.
    pub reasons: Vec<String>,
}

impl PlacedMask {
    /// Decides where a rule runs, and how what it marks gets to each band group.
    pub fn new(bound: MaskBinding, facts: &SceneFacts, groups: &[Vec<BandId>]) -> Result<Self, EngineError> {
        let runs_on = EvaluationGrid::of(facts, bound.planned().bands())?;
        let name = |band: BandId| &facts.bands[band].name;
        let (mut from_group, mut reasons) = (Vec::new(), Vec::new());
        let read: Vec<&str> = bound.planned().bands().iter().map(|b| name(BandId(*b)).as_str()).collect();
        for group in groups {
            let decision = nearest(facts, &facts.bands[group[0]].grid, &runs_on.grid, group[0])?;
            if matches!(decision.alignment, Alignment::Disjoint) {
                let message = format!(
                    "band {} lies elsewhere than {}: {}",
                    read.join(", "),
                    name(group[0]),
                    decision.reason
                );
                return Err(EngineError::scene(&facts.id, message));
            }
            if !runs_on.grid.same(&facts.bands[group[0]].grid) {
                reasons.push(format!("{} to {}: {}", read.join(", "), name(group[0]), decision.reason));
            }
            from_group.push(decision.alignment);
        }
        Ok(Self { bound, runs_on, from_group, reasons })
    }
}

fn nearest(facts: &SceneFacts, target: &Grid, native: &Grid, band: BandId) -> Result<Decision, EngineError> {
    decide(target, native, Resampling::Nearest)
        .map_err(|e| EngineError::scene(&facts.id, format!("band {}: {e}", facts.bands[band].name)))
}

impl EvaluationGrid {
    /// The grid on which a mask rule or score that reads these bands is evaluated.
    pub fn of(facts: &SceneFacts, bands: &[usize]) -> Result<Self, EngineError> {
        let grid = compose_mask::evaluation_grid(facts, bands).clone();
        let from_band = facts.bands.iter().enumerate();
        let from_band =
            from_band.map(|(index, band)| Ok(nearest(facts, &grid, &band.grid, BandId(index))?.alignment));
        let from_band = from_band.collect::<Result<_, EngineError>>()?;
        Ok(Self { grid, from_band })
    }
}

/// Per scene: where the score that a strategy wants of it runs.
pub fn placed_scores(
    scenes: &[SceneFacts],
    bound: &dyn PlannedFill,
    grid: &Grid,
) -> Result<Vec<Option<PlacedScore>>, EngineError> {
    let planned = |(scene, facts): (usize, &SceneFacts)| {
        let Some(score) = bound.score(scene) else { return Ok(None) };
        let runs_on = EvaluationGrid::of(facts, score.bands())?;
        let decision = decide(grid, &runs_on.grid, Resampling::Nearest);
        let to_target = decision.map_err(|e| EngineError::scene(&facts.id, e.to_string()))?.alignment;
        Ok(Some(PlacedScore { runs_on, to_target }))
    };
    scenes.iter().enumerate().map(planned).collect()
}

/// The window of `fine` that covers `window` of `coarse`; both are grids of one scene, in one system.
pub fn covering(fine: &Grid, coarse: &Grid, window: Window) -> Window {
    let corner = |col: i64, row: i64| {
        let (x, y) = coarse.transform.to_map(col as f64, row as f64);
        fine.transform.to_pixel(x, y)
    };
    let (a, b) = (corner(window.col, window.row), corner(window.col_end(), window.row_end()));
    let (left, right) = (a.0.min(b.0).floor() as i64, a.0.max(b.0).ceil() as i64);
    let (top, bottom) = (a.1.min(b.1).floor() as i64, a.1.max(b.1).ceil() as i64);
    Window { col: left, row: top, width: (right - left) as usize, height: (bottom - top) as usize }
}
