//! How good is a fill? Clear pixels of a real scene are hidden, filled, and compared with what was there.
//!
//! This is the pure part: nothing here touches a file. In the order of an evaluation:
//!
//! | module | does |
//! |---|---|
//! | [`cases`] | reads the file that says what is hidden, and which of it a scene is suited for |
//! | [`shapes`] | makes the gaps: stripes, discs, clouds, the mask of another scene |
//! | [`metrics`] | holds a fill against the truth |
//! | [`table`] | sets the figures in a table for the terminal, CSV and JSON |
//! | [`strip`] | paints truth, gap, fills and errors side by side |
//!
//! Arrays are `(row, col)` or `(band, row, col)`. Everything is determined by its arguments: "random" shapes
//! come from a hash of their seed, and sums are taken row after row in `f64`.

pub mod cases;
pub mod metrics;
pub mod shapes;
pub mod strip;
pub mod table;
