//! Facts of whole scenes, sampled once before the run: a plan becomes a fitted plan.
//!
//! | module | for |
//! |---|---|
//! | `fit` | gives every kind its survey |
//! | `sample` | a sample of whole scenes on a lattice of the grid |
//! | `masked` | how much of a target the masks take |
//! | `implausible` | values that no scene can have shown |
//! | `offset_step` | dates of one product whose numbers lie an offset apart |
//! | `pieces` | workers that look at pieces of a grid |

mod fit;
mod implausible;
mod masked;
mod offset_step;
mod pieces;
mod sample;

pub use fit::{compared, fit, fit_held_out, surveyed};
