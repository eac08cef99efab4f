//! From a plan to files.
//!
//! | module | for |
//! |---|---|
//! | `files` | all outputs of a run, from locks to names |
//! | `work_queue` | workers ahead of one writer |
//! | `block` | one block: the target's pixels, then the fills |
//! | `fill` | one fill on one window |
//! | `composed` | a finished block and its codes |
//! | `sink` | the files of one output while they are written |
//! | `report`, `sidecar`, `set` | what was done, in numbers and in the report; files and their hashes |
//! | `stac` | the STAC item beside an image |
//! | `tiles`, `tile_state`, `share` | a plan in tiles; what is there of a tile; tiles shared out over processes |
//! | `old_tiles` | tiles of an earlier plan that this one does not have |
//! | `status` | how far the runs of a plan are |
//! | `mosaic` | the files over all tiles |
//! | `holdout` | a run in memory with hidden pixels |

mod block;
mod composed;
mod files;
mod fill;
mod holdout;
mod mosaic;
mod old_tiles;
mod report;
pub mod set;
mod share;
mod sidecar;
mod sink;
mod stac;
mod status;
mod tile_state;
mod tiles;
mod work_queue;

pub(crate) use block::compose_block;
pub use files::{run, run_watched};
pub use holdout::{Image, compose_held_out, observe};
pub use mosaic::Mosaic;
pub use report::{JobReport, RunReport, SceneShare};
pub use share::Share;
pub use status::{OutputStatus, status};
pub use tiles::{Existing, TiledRun, TilesReport};
