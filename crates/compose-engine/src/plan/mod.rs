//! The plan: all decisions, no pixels.
//!
//! [`Stack`] is what all outputs of a run share (scenes, bands, bound masks); a [`Job`] is one output. All
//! that can be refused from text and headers is refused here, before a pixel is read.

mod area;
mod catalogue;
mod clashes;
mod comparing;
mod empty;
mod footprint;
mod grid;
mod ids;
mod inside;
mod job;
mod make;
mod masked;
mod memory;
mod order;
mod output;
mod overlap_count;
mod overlapping_pieces;
mod placement;
mod query;
mod reads;
mod sample_lattice;
mod scenes;
mod schedule;
mod score_pieces;
mod select;
pub mod specs;
mod stack;
mod tile_jobs;
mod tiles;
mod view;

pub use area::{Area, AreaSource};
pub use clashes::like_files;
pub use comparing::Comparing;
pub use footprint::bytes_compared;
pub use grid::Bytes;
pub use ids::{BandId, GroupId, RuleId, SceneId};
pub use job::{Job, Stage};
pub use make::Plan;
pub use masked::{LeftOut, MOSTLY, Masked, SkipAbove};
pub use memory::{GDAL_CACHE, Memory};
pub use order::{Item, Items, Order, ScorePieces, Task, pieces};
pub use output::{OutputPlan, Picture};
pub use placement::{EvaluationGrid, PlacedMask, PlacedScore, covering, looks_far};
pub use sample_lattice::{INNER, PATCH, SampleLattice};
pub use select::{SETTINGS as SELECTION, SceneStatus, Status};
pub use stack::Stack;
pub use tile_jobs::{TILE_INDEX, VRT};
pub use tiles::{Tile, Tiling, mosaic_path, path_of};
pub use view::{BandGroup, ScenePlan, View, ViewId};
