//! Mask rules, scores and fill strategies for compose, from a shared library.
//!
//! A plugin is a crate of type `cdylib`. It implements [`MaskRule`], [`Score`] or [`Fill`], declares settings with
//! [`settings!`], and names its kinds in [`export!`]. It needs no `unsafe`: what the C side passes comes as views
//! that are checked, and a panic becomes an error that says where.
//!
//! ```toml
//! [lib]
//! crate-type = ["cdylib"]
//!
//! [dependencies]
//! compose-plugin = { path = "…/compose/crates/compose-plugin" }
//! ```
//!
//! A whole plugin, which marks pixels whose reflectance is larger than a limit in the mean of their neighbours:
//!
//! ```
//! #![forbid(unsafe_code)]
//!
//! use compose_plugin::{About, Band, Error, Host, MaskRule, Marks, Scene, SceneInput, ScenePlan};
//!
//! compose_plugin::settings! {
//!     /// Settings of `above`.
//!     pub struct Settings {
//!         /// The band to read.
//!         band: Band;
//!         /// Larger reflectances are marked.
//!         limit: f64 = 0.3, in 0.0..=1.0;
//!         /// Pixels looked at on each side.
//!         radius: i64 = 1, in 0..=100;
//!     }
//! }
//!
//! /// Marks pixels of bright surroundings.
//! pub struct Above {
//!     settings: Settings,
//!     band: usize,
//! }
//!
//! impl MaskRule for Above {
//!     type Settings = Settings;
//!
//!     const ABOUT: About = About {
//!         id: "above",
//!         version: env!("CARGO_PKG_VERSION"),
//!         summary: "Marks pixels whose surroundings are brighter than a limit.",
//!         page: None,
//!     };
//!
//!     fn new(settings: Settings) -> Result<Self, Error> {
//!         Ok(Above { settings, band: 0 })
//!     }
//!
//!     fn plan(&mut self, scene: &Scene<'_>, plan: &mut ScenePlan<'_>) -> Result<(), Error> {
//!         let band = scene.find(&self.settings.band)?;
//!         if scene.band(band).scale().is_none() {
//!             return Err(format!("the scale of {} is not known", self.settings.band).into());
//!         }
//!         self.band = plan.band(band);
//!         plan.halo(self.settings.radius)
//!     }
//!
//!     fn mark(&self, input: &SceneInput<'_>, marks: &mut Marks<'_>, host: &Host<'_>) -> Result<(), Error> {
//!         let plane = input.data(self.band)?;
//!         let radius = input.halo() as isize;
//!         for (row, marks) in marks.rows().enumerate() {
//!             host.check_cancelled()?;
//!             for (col, mark) in marks.iter_mut().enumerate() {
//!                 let (mut sum, mut count) = (0.0, 0.0);
//!                 for r in row as isize - radius..=row as isize + radius {
//!                     for c in col as isize - radius..=col as isize + radius {
//!                         if let Some(reflectance) = plane.get(r, c).and_then(|sample| plane.physical(sample)) {
//!                             sum += reflectance;
//!                             count += 1.0;
//!                         }
//!                     }
//!                 }
//!                 *mark = u8::from(sum > self.settings.limit * count);
//!             }
//!         }
//!         Ok(())
//!     }
//! }
//!
//! compose_plugin::export! { mask_rules: [Above], scores: [], fills: [] }
//! ```
//!
//! A fill that computes works on rows of all donors, here for their mean:
//!
//! ```
//! # use compose_plugin::{About, COMPUTED, Error, Fill, FillInput, FillOutput, FillPlan, Host, Stack};
//! # struct Mean;
//! # impl Fill for Mean {
//! # type Settings = ();
//! # const ABOUT: About = About { id: "plain-mean", version: "1.0.0", summary: "Takes the mean.", page: None };
//! # fn new((): ()) -> Result<Self, Error> { Ok(Mean) }
//! # fn plan(&mut self, _: &Stack<'_>, _: &mut FillPlan<'_>) -> Result<(), Error> { Ok(()) }
//! fn fill(&self, input: &FillInput<'_>, out: &mut FillOutput<'_>, host: &Host<'_>) -> Result<(), Error> {
//!     for band in 0..input.band_count() {
//!         let (looks, gaps) = (input.looks(band)?, input.gaps(band));
//!         for row in 0..input.height() {
//!             host.check_cancelled()?;
//!             let (mut sums, mut counts) = (vec![0.0; input.width()], vec![0u32; input.width()]);
//!             for look in &looks {
//!                 let samples = look.row(row).iter().zip(look.valid_row(row));
//!                 for ((sum, count), (&sample, &valid)) in sums.iter_mut().zip(&mut counts).zip(samples) {
//!                     *sum += if valid == 1 { f64::from(sample) } else { 0.0 };
//!                     *count += u32::from(valid);
//!                 }
//!             }
//!             let (values, sources) = out.band_row(band, row);
//!             for (col, &gap) in gaps.row(row).iter().enumerate() {
//!                 if gap == 1 && counts[col] > 0 {
//!                     (values[col], sources[col]) = ((sums[col] / f64::from(counts[col])) as f32, COMPUTED);
//!                 }
//!             }
//!         }
//!     }
//!     Ok(())
//! }
//! # }
//! ```
//!
//! The header `include/compose_plugin.h` is the specification; [`abi`] mirrors it.

#![warn(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]

pub mod abi;
mod error;
mod export;
mod fill;
mod fill_input;
mod grid;
mod host;
mod kind;
mod mask_rule;
mod outputs;
mod panics;
mod planes;
mod raw;
mod scene;
mod scene_input;
mod score;
mod settings;
mod shims;
mod stack;

pub use error::Error;
pub use fill::Fill;
pub use fill_input::{COMPUTED, Donor, FillInput, FillOutput, FillRow, GAP};
pub use grid::{Date, Grid, Window};
pub use host::{Host, Level};
pub use kind::About;
pub use mask_rule::MaskRule;
pub use outputs::{Marks, OutputPlane, Scores};
pub use planes::{CodePlane, DataPlane, Gaps, Plane, Sample};
pub use scene::{Field, Role, Scene, SceneBand};
pub use scene_input::{SceneInput, ScenePlan};
pub use score::Score;
pub use settings::{Band, Choice, Settings};
pub use stack::{FillPlan, Stack};

/// The largest halo that a plan may ask for, in pixels.
pub const MAX_HALO: u32 = abi::MAX_HALO;

/// What the macros write into an author's crate. Not for use by hand.
#[doc(hidden)]
pub mod macros {
    pub use crate::export::{Kinds, Library, entry, fill, mask_rule, score};
    pub use crate::settings::{Declaration, Declared, Values, check};
}
