//! Numbers that look random and are the same in every run.

use compose_core::random::{STEP, mix};

/// Well mixed bits of a number.
pub fn mixed(n: u64) -> u64 {
    mix(n.wrapping_add(STEP))
}

/// From 0 to 1, for a place.
pub fn at(seed: u64, col: i64, row: i64) -> f64 {
    let place = (col as u64).wrapping_mul(0x1_0000_0001).wrapping_add((row as u64) << 16);
    (mixed(seed ^ mixed(place)) >> 11) as f64 / (1u64 << 53) as f64
}

/// A sequence.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mixed(self.0)
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// From 0 to 1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}
