//! From a rules file to a plan, and from a plan to an image.
//!
//! [`rules`] (what TOML may say) → [`plan`] (what was decided, from headers alone) → [`run`] (pixels: the
//! strip loop). [`registry`] maps names to kinds, built-in ones and those of plugins.

mod control;
mod error;
mod explain;
mod fitted;
mod found;
pub mod options;
mod pixels;
pub mod plan;
pub mod print;
pub mod registry;
pub mod rules;
pub mod run;
pub mod saved;
pub mod survey;
mod workers;

pub use control::{Control, Progress};
pub use error::{EngineError, WHOLE_TILES_STAY};
pub use explain::explain;
pub use fitted::{Fitted, FittedJob, TileIdentity, Unit};
pub use found::{EarlierPlan, Found, ScenesTable};
pub use options::Options;
pub use pixels::HeldOut;
pub use plan::Plan;
pub use registry::Registry;
pub use rules::settings::Implausible;
pub use rules::{Rules, RulesFile};
pub use saved::{PlanFile, SavedPlan};
pub use workers::available as threads_available;
