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
//! | `holdout` | a run in memory with hidden pixels |

mod block;
mod composed;
mod files;
mod fill;
mod holdout;
mod report;
pub mod set;
mod sidecar;
mod sink;
mod work_queue;

pub(crate) use block::compose_block;
pub use files::{run, run_watched};
pub use holdout::{Image, compose_held_out, observe};
pub use report::{JobReport, RunReport, SceneShare};
