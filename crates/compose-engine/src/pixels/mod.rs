//! One scene's pixels on a window of the target grid: read, mask on the native grid, align.
//!
//! | module | for |
//! |---|---|
//! | `context` | what all readers of a run share, and what each is told |
//! | `compared` | other scenes, for the mask rules that compare |
//! | `held_out` | pixels that are held out |
//! | `reader` | reading, masking and aligning; the other modules add to it |
//! | `planes` | one band's pixels on the grid of a mask rule or a score |
//! | `masks` | which pixels of a scene the mask rules take |
//! | `unusable` | the answer |
//! | `mask_cache` | the same, kept for a pass in which bands come one after the other |
//! | `scores` | how good a scene's pixels are |
//! | `buffers` | memory that is used again |

mod buffers;
mod compared;
mod context;
mod held_out;
mod mask_cache;
mod masks;
mod planes;
mod reader;
mod scores;
mod unusable;

pub use context::{ReadContext, Scope, Worker};
pub use held_out::HeldOut;
pub use mask_cache::MaskCache;
pub use reader::{Look, SceneReader};
