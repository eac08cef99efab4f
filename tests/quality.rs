//! Do the fills that predict, the composites, and what judges them keep what they promise?
//!
//! No number of a prediction is held here, but what any good one has: it is the same however it is computed, changes no
//! observed pixel, stays in the range of what was seen, and finds what can be found.

mod composites;
mod evaluate;
mod made;
mod odd;
mod outputs;
mod same;
mod truth;
