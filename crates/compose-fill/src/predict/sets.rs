//! The sets of donors that get a regression of their own.

use super::donors::MOST_DONORS;
use super::sample::Sample;
use super::single::Single;
use compose_core::survey::{UNUSABLE, is_inner};
use std::collections::{BTreeSet, HashMap};

/// Sets of several donors that get a model of their own, the commonest first.
const MOST_SETS: usize = 64;

/// The sets of donors, by rank, that get a model of their own: the sets that see most of the sampled gaps, all sets of the
/// first few donors, and of each of these its beginnings with two or more ranks.
pub(super) fn sets(sample: &Sample<'_>, singles: &[Single], most: usize) -> BTreeSet<Vec<u16>> {
    let target = sample.scene(sample.target);
    let mut counts: HashMap<Vec<u16>, usize> = HashMap::new();
    for pixel in (0..sample.survey.pixels).filter(|i| is_inner(*i) && target.state[*i] == UNUSABLE) {
        let sees = |rank: &usize| sample.scene(singles[*rank].scene).state[pixel] != UNUSABLE;
        let ranks: Vec<u16> = (0..singles.len()).filter(sees).take(most).map(|rank| rank as u16).collect();
        if ranks.len() > 1 {
            *counts.entry(ranks).or_default() += 1;
        }
    }
    let mut common: Vec<(Vec<u16>, usize)> = counts.into_iter().collect();
    common.sort_by(|(a, n), (b, m)| m.cmp(n).then(a.cmp(b)));
    let first = subsets(singles.len().min(MOST_DONORS), most);
    let seen = common.into_iter().take(MOST_SETS).map(|(ranks, _)| ranks);
    seen.chain(first).flat_map(|ranks| (2..=ranks.len()).map(move |n| ranks[..n].to_vec())).collect()
}

/// All sets of two to `most` of the first `count` ranks.
fn subsets(count: usize, most: usize) -> impl Iterator<Item = Vec<u16>> {
    let set = move |bits: u32| (0..count as u16).filter(|rank| bits >> rank & 1 == 1).collect::<Vec<_>>();
    (0..1u32 << count).map(set).filter(move |set| (2..=most).contains(&set.len()))
}
