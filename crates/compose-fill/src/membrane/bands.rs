//! Arithmetic on all bands at once, which the compiler turns into vector instructions.

use crate::lanes::{LANES, Lanes};
use std::ops::{Add, Mul, Sub};

/// One number per band, aligned as vector registers want it.
#[derive(Clone, Copy, Default)]
#[repr(align(32))]
pub(super) struct Bands(pub Lanes);

impl Bands {
    /// Rounds to single precision.
    #[inline(always)]
    pub fn rounded(numbers: &[f64; LANES]) -> Self {
        Self(numbers.map(|number| number as f32))
    }
}

impl Add for Bands {
    type Output = Self;

    #[inline(always)]
    fn add(mut self, other: Self) -> Self {
        for l in 0..LANES {
            self.0[l] += other.0[l];
        }
        self
    }
}

impl Sub for Bands {
    type Output = Self;

    #[inline(always)]
    fn sub(mut self, other: Self) -> Self {
        for l in 0..LANES {
            self.0[l] -= other.0[l];
        }
        self
    }
}

impl Mul for Bands {
    type Output = Self;

    #[inline(always)]
    fn mul(mut self, other: Self) -> Self {
        for l in 0..LANES {
            self.0[l] *= other.0[l];
        }
        self
    }
}

impl Mul<f32> for Bands {
    type Output = Self;

    #[inline(always)]
    fn mul(self, factor: f32) -> Self {
        self * Self([factor; LANES])
    }
}

/// The number of samples that are summed in single precision before their sum is added in double.
const RUN: usize = 64;

/// Sums per band, in the order in which the numbers come.
#[derive(Default)]
pub(super) struct Sums {
    run: Bands,
    length: usize,
    whole_runs: [f64; LANES],
}

impl Sums {
    #[inline(always)]
    pub fn add(&mut self, numbers: Bands) {
        self.run = self.run + numbers;
        self.length += 1;
        if self.length == RUN {
            *self = Self { whole_runs: self.total(), ..Self::default() };
        }
    }

    #[inline(always)]
    pub fn total(&self) -> [f64; LANES] {
        let mut total = self.whole_runs;
        for (total, run) in total.iter_mut().zip(self.run.0) {
            *total += f64::from(run);
        }
        total
    }
}
