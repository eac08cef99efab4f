#![doc = include_str!("median_stack.md")]

use crate::donors::{Choice, Direction, Reach};
use crate::spectra::Spectra;
use crate::statistic::{FillWith, LANES, Lanes, Statistic, at_least_one};
use crate::{network, ordered, statistic};
use compose_core::fill_strategy::FillKind;
use compose_core::{FillBinding, FillStrategy, KindError, StackFacts};
use schemars::JsonSchema;
use serde::Deserialize;

/// The kind `median-stack`.
pub const KIND: FillKind = FillKind {
    name: "median-stack",
    page: include_str!("median_stack.md"),
    schema: &|| schemars::schema_for!(MedianStack),
    parse: &|table, _| {
        let settings: MedianStack = table.read("fill \"median-stack\"")?;
        at_least_one(table, "fill \"median-stack\"", settings.at_least)?;
        Ok(Box::new(settings))
    },
};

/// Settings of `median-stack`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MedianStack {
    /// The fewest clear looks that make a median; pixels with fewer stay gaps.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub at_least: u32,
    /// The most days between the target and a donor; no limit where absent.
    pub within_days: Option<u32>,
    /// On which side of the target date donors are looked for.
    #[serde(default)]
    pub direction: Direction,
}

fn one() -> u32 {
    1
}

impl FillStrategy for MedianStack {
    fn bind(&self, stack: &StackFacts<'_>) -> Result<FillBinding, KindError> {
        let reach = Reach { within_days: self.within_days, direction: self.direction };
        let choice = Choice::within(reach, stack)?;
        Ok(FillBinding::ready(FillWith::new(choice, self.at_least, Median::default())))
    }
}

/// The median; of an even number of looks, the mean of the two in the middle.
#[derive(Clone, Default)]
pub(crate) struct Median {
    /// Looks at one pixel, for stacks too large for a network.
    column: Vec<i32>,
}

impl Statistic for Median {
    /// An integer in the order of the samples.
    type Look = i32;

    /// Missing looks are replaced by the largest and the smallest integer in alternation. Of T values in all, the median of
    /// the real looks is then at the ranks T/2 − 1 and T/2 (from 0): at both if the number of real looks is even; if
    /// it is odd, at the lower for an even T and at the upper for an odd T.
    const STAND_INS: [i32; 2] = [i32::MAX, i32::MIN];

    #[inline(always)]
    fn look(sample: f32) -> i32 {
        ordered::look(sample)
    }

    #[inline(always)]
    fn reduce(&mut self, looks: &mut [Lanes<i32>], counts: &Lanes<u32>) -> Lanes<f64> {
        let total = looks.len();
        if total <= network::LARGEST {
            ordered::exchange(looks, network::middle(total));
        } else {
            self.select(looks);
        }
        let (lower, upper) = (&looks[(total / 2).saturating_sub(1)], &looks[total / 2]);
        let single = if total.is_multiple_of(2) { lower } else { upper };
        let mut medians = [0.0; LANES];
        for l in 0..LANES {
            let odd = counts[l] % 2 == 1;
            let (a, b) = if odd { (single[l], single[l]) } else { (lower[l], upper[l]) };
            medians[l] = (ordered::sample(a) + ordered::sample(b)) / 2.0;
        }
        medians
    }
}

impl Median {
    /// Puts the two middle ranks of each lane in place, one lane at a time.
    fn select(&mut self, looks: &mut [Lanes<i32>]) {
        let upper = looks.len() / 2;
        for l in 0..LANES {
            self.column.clear();
            self.column.extend(looks.iter().map(|look| look[l]));
            let (below, &mut middle, _) = self.column.select_nth_unstable(upper);
            let lower = below.iter().copied().max().unwrap_or(middle);
            (looks[upper - 1][l], looks[upper][l]) = (lower, middle);
        }
    }
}

/// The median of each band of whole spectra.
#[derive(Clone, Default)]
pub(crate) struct Medians {
    median: Median,
    /// The looks at one band, with stand-ins.
    looks: Vec<Lanes<i32>>,
    medians: Vec<Lanes<f64>>,
}

impl Medians {
    /// By band.
    #[inline(always)]
    pub fn of(&mut self, spectra: &Spectra) -> &[Lanes<f64>] {
        self.medians.clear();
        for band in 0..spectra.bands {
            let (mut counts, mut look) = ([0; LANES], [0; LANES]);
            self.looks.clear();
            for (nth, valid) in spectra.valid.iter().enumerate() {
                let samples = &spectra.look(nth)[band];
                statistic::look::<Median>(samples, valid, nth as u32, &mut counts, &mut look);
                self.looks.push(look);
            }
            self.medians.push(self.median.reduce(&mut self.looks, &counts));
        }
        &self.medians
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Random, bind, check_against_plain, donors};
    use proptest::prelude::*;

    fn plain(looks: &mut [f32]) -> f64 {
        looks.sort_by(f32::total_cmp);
        let n = looks.len();
        if n == 0 { f64::NAN } else { (f64::from(looks[(n - 1) / 2]) + f64::from(looks[n / 2])) / 2.0 }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_fast_median_is_the_plain_one_for_every_size_of_stack(random in Random::strategy()) {
            let sizes: Vec<usize> = (0..=70).chain(network::LARGEST - 1..=network::LARGEST + 2).collect();
            check_against_plain("strategy = \"median-stack\"", random, &sizes, plain);
        }
    }

    #[test]
    fn the_target_gives_nothing_and_undated_scenes_do() {
        let bound = bind("strategy = \"median-stack\"", &[("a", None), ("b", Some(3)), ("c", None)], Some(1));
        assert_eq!(donors(&*bound.unwrap()), [0, 2]);
    }

    #[test]
    fn dates_are_asked_for_only_where_they_matter() {
        let refused = |settings: &str| {
            bind(&format!("strategy = \"median-stack\"\n{settings}"), &[("a", None), ("b", Some(3))], Some(1))
                .err()
        };
        assert!(refused("direction = \"both\"").is_none());
        assert!(refused("direction = \"after\"").is_some());
        assert!(refused("within-days = 9").is_some());
    }
}
