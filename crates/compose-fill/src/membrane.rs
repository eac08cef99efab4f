//! The membrane: spreads what is known around gaps into them, along what belongs together. It is a screened Poisson
//! equation with edge-aware weights.
//!
//! With weights w of the edges between neighbours, r solves for each unknown pixel p
//!
//! > (λ + Σ w_pq) r_p − Σ w_pq r_q = b_p
//!
//! where the first sum is over all kept edges of p, the second over those to unknown q, and b_p is the sum of w_pq r_q
//! over those to known q. For λ > 0 this matrix is a symmetric positive definite M-matrix: no |r_p| is larger than the
//! largest known |r_q|, and influence fades within some √(w/λ) pixels. It is the same for every band, so all bands are
//! solved in one go. [`system`] holds the matrix, [`solver`] goes through it piece by piece, [`piece`] solves one.
//! [`cell`] makes a system of the pixels of one cell, with the weights of [`tension`], and [`fill`] goes from cell to
//! cell.

mod bands;
mod cell;
mod fill;
mod piece;
mod solver;
mod system;
mod tension;
#[cfg(test)]
mod tests;

pub(crate) use cell::Cell;
pub(crate) use fill::{fill, wants_observations};
pub(crate) use tension::Tension;
