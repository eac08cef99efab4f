//! Ranges that numbers are held to.

use super::types::NoNumber;
use std::ops::{RangeFrom, RangeInclusive, RangeToInclusive};

/// A range of numbers, its ends included.
#[diagnostic::on_unimplemented(message = "a setting of `{N}` has no range of type `{Self}`")]
pub trait Limits<N> {
    /// Smallest and largest number, infinite where the range is open.
    fn limits(self) -> (f64, f64);
}

/// A type of numbers that have ranges.
pub trait Number {
    /// As the header has it.
    fn limit(self) -> f64;
}
impl Number for i64 {
    fn limit(self) -> f64 {
        self as f64
    }
}
impl Number for f64 {
    fn limit(self) -> f64 {
        self
    }
}
impl Number for NoNumber {
    fn limit(self) -> f64 {
        match self {}
    }
}

impl<N: Number> Limits<N> for RangeInclusive<N> {
    fn limits(self) -> (f64, f64) {
        let (min, max) = self.into_inner();
        (min.limit(), max.limit())
    }
}
impl<N: Number> Limits<N> for RangeFrom<N> {
    fn limits(self) -> (f64, f64) {
        (self.start.limit(), f64::INFINITY)
    }
}
impl<N: Number> Limits<N> for RangeToInclusive<N> {
    fn limits(self) -> (f64, f64) {
        (f64::NEG_INFINITY, self.end.limit())
    }
}
