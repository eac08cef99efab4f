//! The words that every other crate speaks: [`Grid`], [`Window`], [`Block`], [`SceneFacts`],
//! the settings of kinds, and the seams [`mask_rule`], [`score`] and [`fill_strategy`]; and what several crates compute
//! alike, such as [`random`].
//!
//! Nothing here touches a file. Arrays are `(row, col)` or `(band, row, col)`.

pub mod block;
pub mod canvas;
pub mod cast;
pub mod date;
pub mod donor;
pub mod dtype;
pub mod exact;
pub mod fill_strategy;
pub mod grid;
pub mod kind;
pub mod learned;
pub mod mask_rule;
pub mod observations;
pub mod page;
pub mod picture;
pub mod quality;
pub mod random;
pub mod scene;
pub mod score;
pub mod settings;
pub mod suggest;
pub mod survey;
pub mod window;

pub use block::{Block, ValidityMode};
pub use canvas::{Canvas, GAP, OUTSIDE, STATISTIC};
pub use cast::Cast;
pub use date::Day;
pub use donor::Donor;
pub use dtype::DataType;
pub use fill_strategy::{
    BoundFill, DonorPart, DonorUse, FillBinding, FillInput, FillStrategy, FitSummary, Needs, PlannedFill,
    StackFacts, SurveyedModel, Temporal, UnfittedFill,
};
pub use grid::{Crs, CrsUnit, Grid, Transform};
pub use kind::KindError;
pub use learned::Learned;
pub use mask_rule::{
    BoundMask, MaskBinding, MaskInput, MaskRule, MaskStack, Plane, PlannedMask, UnfittedMask,
};
pub use observations::Observations;
pub use quality::Layout;
pub use scene::{BandFacts, BandRole, SceneFacts, Sun};
pub use score::{BoundScore, Score, ScoreInput, ScoreKind};
pub use settings::{Problem, SettingsTable, Spans};
pub use survey::{SampledScene, Survey};
pub use window::Window;
