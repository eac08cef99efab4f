//! Numbers without a pattern that are the same on every machine and in every order.

/// The increment of the counter of SplitMix64.
pub const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The number of a counter under a seed: SplitMix64 (Steele, Lea and Flood 2014), which any position of its
/// sequence can be asked of.
pub fn number(seed: u64, counter: u64) -> u64 {
    mix(mix(seed).wrapping_add(counter.wrapping_add(1).wrapping_mul(STEP)))
}

/// The same as a number from 0 up to but not 1.
pub fn unit(seed: u64, counter: u64) -> f64 {
    (number(seed, counter) >> 11) as f64 / (1_u64 << 53) as f64
}

/// The finalizer of SplitMix64: every bit of the input moves every bit of the output.
pub fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    /// Seed 0 is a fixed point of the finalizer, so its sequence is that of the published generator.
    #[test]
    fn the_sequence_of_seed_0_is_the_published_one() {
        let expected = [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f];
        assert_eq!([0, 1, 2].map(|counter| number(0, counter)), expected);
    }

    #[test]
    fn seeds_and_counters_do_not_meet() {
        let seen: HashSet<u64> = (0..100).flat_map(|seed| (0..100).map(move |c| number(seed, c))).collect();
        assert_eq!(seen.len(), 10_000);
    }

    #[test]
    fn units_are_spread_evenly() {
        let mean = (0..10_000).map(|c| unit(7, c)).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.01, "{mean}");
        assert!((0..10_000).all(|c| (0.0..1.0).contains(&unit(7, c))));
    }
}
