//! The seam of scores: how good a pixel of a scene is.
//!
//! Data flow as for mask rules: rules file → [`Score`] → (per scene, headers only) [`BoundScore`] → (per block)
//! numbers on the scene's native grid. A fill strategy that wants scores binds them and hands them to the engine
//! ([`crate::PlannedFill::score`]), which brings the numbers to the target grid by nearest neighbour.

use crate::{Grid, KindError, Plane, Problem, SceneFacts, SettingsTable, Window};
use ndarray::ArrayViewMut2;
use std::fmt;

/// A score as the rules file states it.
pub trait Score: Send + Sync + fmt::Debug {
    /// Decides for one scene from headers alone.
    ///
    /// # Errors
    /// A band that the scene does not have, ….
    fn bind(&self, scene: &SceneFacts) -> Result<Box<dyn BoundScore>, KindError>;
}

/// A score that knows its scene.
pub trait BoundScore: Send + Sync {
    /// Indices into [`SceneFacts::bands`] of the bands to read, without repeats.
    fn bands(&self) -> &[usize];

    /// Pixels of context needed on each side, on the grid of [`ScoreInput::grid`].
    fn halo(&self) -> usize {
        0
    }

    /// Writes how good each pixel is: higher is better, `-inf` is never taken. `scores` comes as `-inf` and has
    /// the shape of the input's planes. Pixels within `halo()` of the edge may come out wrong; the caller drops
    /// them.
    ///
    /// # Errors
    /// The score cannot work with the input; the message reaches the user.
    fn rate(&self, input: &ScoreInput<'_>, scores: ArrayViewMut2<'_, f32>) -> Result<(), KindError>;

    /// Remarks for the plan and the sidecar.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Pixels for [`BoundScore::rate`]: all planes have the same shape and lie on `grid`.
pub struct ScoreInput<'a> {
    /// The scene.
    pub scene: &'a SceneFacts,
    /// The grid on which the score runs.
    pub grid: &'a Grid,
    /// The window of the planes on `grid`, with the halo.
    pub window: Window,
    /// One plane per band asked for.
    pub planes: &'a [Plane<'a>],
}

/// Reads a score's own settings.
pub type ParseScore = dyn Fn(&SettingsTable<'_>) -> Result<Box<dyn Score>, Vec<Problem>> + Sync;

/// A kind of score: its name, its page, and how its table is read.
pub struct ScoreKind {
    /// `score = { kind = "…" }` in the rules file.
    pub name: &'static str,
    /// The page of documentation, with executable examples.
    pub page: &'static str,
    /// JSON schema of the settings struct.
    pub schema: &'static (dyn Fn() -> schemars::Schema + Sync),
    /// Reads the score's own settings.
    pub parse: &'static ParseScore,
}
