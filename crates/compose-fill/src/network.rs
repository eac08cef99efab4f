//! Selection networks: which pairs to compare and exchange so that the middle of n values, or all, end up in place.
//!
//! A network does the same steps whatever the values are, so it runs on many pixels side by side.

use std::sync::LazyLock;

/// The largest stack that has a network; beyond it a network loses to a partial sort of each pixel.
pub(crate) const LARGEST: usize = 128;

/// Positions to compare: the smaller value goes to the first, the larger to the second.
type Network = Vec<(u8, u8)>;

static MIDDLE: LazyLock<Vec<Network>> = LazyLock::new(|| (0..=LARGEST).map(middle_of).collect());

/// The network that puts the values of ranks `n / 2 - 1` and `n / 2` (from 0) at these positions, for n up
/// to [`LARGEST`].
pub(crate) fn middle(n: usize) -> &'static [(u8, u8)] {
    &MIDDLE[n]
}

static SORTED: LazyLock<Vec<Network>> = LazyLock::new(|| (0..=LARGEST).map(sorted_of).collect());

/// The network that puts every value in place, for n up to [`LARGEST`].
pub(crate) fn sorted(n: usize) -> &'static [(u8, u8)] {
    &SORTED[n]
}

fn sorted_of(n: usize) -> Network {
    merge_exchange(n).into_iter().map(|(a, b)| (a as u8, b as u8)).collect()
}

/// A sorting network less the steps that cannot reach the two middle outputs.
fn middle_of(n: usize) -> Network {
    let mut wanted = vec![false; n];
    for rank in [(n / 2).saturating_sub(1), n / 2] {
        if let Some(wanted) = wanted.get_mut(rank) {
            *wanted = true;
        }
    }
    let mut kept: Network = Vec::new();
    for (a, b) in merge_exchange(n).into_iter().rev() {
        if wanted[a] || wanted[b] {
            (wanted[a], wanted[b]) = (true, true);
            kept.push((a as u8, b as u8));
        }
    }
    kept.reverse();
    kept
}

/// Batcher's merge exchange for any n: D. E. Knuth, The Art of Computer Programming, volume 3, 2nd edition,
/// section 5.2.2, Algorithm M.
fn merge_exchange(n: usize) -> Vec<(usize, usize)> {
    let mut steps = Vec::new();
    let top = n.next_power_of_two() / 2;
    let mut p = top;
    while p > 0 {
        let (mut q, mut r, mut d) = (top, 0, p);
        loop {
            steps.extend((0..n.saturating_sub(d)).filter(|i| i & p == r).map(|i| (i, i + d)));
            if q == p {
                break;
            }
            (d, q, r) = (q - p, q / 2, p);
        }
        p /= 2;
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(network: &[(u8, u8)], values: &mut [u32]) {
        for &(a, b) in network {
            let (a, b) = (usize::from(a), usize::from(b));
            (values[a], values[b]) = (values[a].min(values[b]), values[a].max(values[b]));
        }
    }

    #[test]
    fn up_to_16_values_every_row_of_zeros_and_ones_gets_its_middle() {
        // The 0-1 principle (Knuth, 5.3.4, Theorem Z): a network that is right for these is right for all.
        for n in 1..=16usize {
            for bits in 0..1u32 << n {
                let mut values: Vec<u32> = (0..n).map(|i| bits >> i & 1).collect();
                let mut sorted = values.clone();
                sorted.sort_unstable();
                run(middle(n), &mut values);
                let middle = (n / 2).saturating_sub(1)..=n / 2;
                assert_eq!(values[middle.clone()], sorted[middle], "{n} values, bits {bits:b}");
            }
        }
    }

    proptest! {
        #[test]
        fn the_middle_ranks_are_those_of_a_sort(values in proptest::collection::vec(0..50u32, 1..=LARGEST)) {
            let (n, mut sorted, mut values) = (values.len(), values.clone(), values);
            sorted.sort_unstable();
            run(middle(n), &mut values);
            let middle = (n / 2).saturating_sub(1)..=n / 2;
            prop_assert_eq!(&values[middle.clone()], &sorted[middle]);
        }

        #[test]
        fn every_rank_is_that_of_a_sort(values in proptest::collection::vec(0..50u32, 0..=LARGEST)) {
            let (mut sorted, mut values) = (values.clone(), values);
            sorted.sort_unstable();
            run(super::sorted(values.len()), &mut values);
            prop_assert_eq!(&values, &sorted);
        }
    }
}
