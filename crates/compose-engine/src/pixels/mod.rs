//! One scene's pixels on a window of the target grid: read, mask on the native grid, align.
//!
//! | module | for |
//! |---|---|
//! | `context` | the state that all readers share, and the scope of each |
//! | `compared` | other scenes, for the mask rules that compare |
//! | `held_out` | pixels that are held out |
//! | `reader` | reading, masking and aligning; the other modules add to it |
//! | `wanted` | the part of a scene that shows wanted pixels |
//! | `planes` | one band's pixels on the grid of a mask rule or a score |
//! | `masks` | the pixels of a scene that the mask rules mask |
//! | `unusable` | these pixels, as bytes or bits |
//! | `mask_cache` | masks kept while bands are composed one after the other |
//! | `scores` | scores of a scene's pixels |
//! | `score_cache` | scores that look far, kept in pieces |
//! | `buffers` | a pool of buffers |

mod buffers;
mod compared;
mod context;
mod held_out;
mod mask_cache;
mod masks;
mod planes;
mod reader;
mod score_cache;
mod scores;
mod unusable;
mod wanted;

pub use context::{ReadContext, Scope, Worker};
pub use held_out::HeldOut;
pub use mask_cache::MaskCache;
pub use reader::{Look, SceneReader};
pub use scores::WantedScore;
pub use wanted::within;
