//! The grid on which a tree runs.

use compose_core::{BandFacts, Grid, SceneFacts};

/// The scene as a leaf sees it, whose planes are all brought onto one grid.
pub(super) fn on_one_grid(scene: &SceneFacts, grid: &Grid) -> SceneFacts {
    let bands = scene.bands.iter().map(|band| BandFacts { grid: grid.clone(), ..band.clone() });
    SceneFacts { grid: grid.clone(), bands: bands.collect(), ..scene.clone() }
}

/// The grid on which a rule that reads these bands runs: the grid that they share, else the scene's own, onto
/// which the engine brings every plane by nearest neighbour.
pub fn evaluation_grid<'a>(scene: &'a SceneFacts, bands: &[usize]) -> &'a Grid {
    let mut grids = bands.iter().map(|band| &scene.bands[*band].grid);
    let Some(first) = grids.next() else { return &scene.grid };
    if grids.all(|grid| grid.same(first)) { first } else { &scene.grid }
}
