//! Samples as integers in the same order ([`f32::total_cmp`]): integers have cheaper minima and maxima.

use crate::statistic::Lanes;

/// The integer that stands for a sample.
#[inline(always)]
pub(crate) fn look(sample: f32) -> i32 {
    flip(sample.to_bits().cast_signed())
}

/// The sample that an integer stands for.
#[inline(always)]
pub(crate) fn sample(look: i32) -> f64 {
    f64::from(f32::from_bits(flip(look).cast_unsigned()))
}

/// Turns the order of the negative ones round: IEEE 754 keeps sign and size apart, integers do not.
#[inline(always)]
fn flip(bits: i32) -> i32 {
    bits ^ ((bits >> 31) & i32::MAX)
}

/// Compares and exchanges whole groups of pixels, step by step.
#[inline(always)]
pub(crate) fn exchange(looks: &mut [Lanes<i32>], network: &[(u8, u8)]) {
    for &(low, high) in network {
        let (head, tail) = looks.split_at_mut(usize::from(high));
        sort_two(&mut head[usize::from(low)], &mut tail[0]);
    }
}

#[inline(always)]
fn sort_two(low: &mut Lanes<i32>, high: &mut Lanes<i32>) {
    for (low, high) in low.iter_mut().zip(high) {
        (*low, *high) = ((*low).min(*high), (*low).max(*high));
    }
}
