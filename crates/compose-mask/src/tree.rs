//! A mask rule as a tree: kinds at the leaves, `any`, `all` and `not` above them, morphology at every node.
//!
//! ```toml
//! [[mask]]
//! name = "dark shadow"
//! open = "1 px"                       # at every node: open, close, shrink, grow, in this order
//! grow = "90 m"
//! all  = [
//!   { kind = "bits", any = ["cloud-shadow"], grow = "2 px" },
//!   { not = { kind = "range", band = "nir", min = 2000 } },
//! ]
//! ```
//!
//! A table is a kind with its settings, or exactly one of the three lists. (`any` beside `kind = "bits"` is
//! that kind's own setting.) The tree runs on one grid, the [`evaluation_grid`] of all bands that it reads.

mod bind;
mod bound;
mod grid;
mod node;
mod parse;

pub use grid::evaluation_grid;
pub(crate) use node::Node;
pub(crate) use parse::nested;
pub use parse::parse_rule;
