#![doc = include_str!("percentile.md")]

use crate::donors::{Choice, Direction, Reach};
use crate::statistic::{FillWith, LANES, Lanes, Statistic, at_least_one};
use crate::{network, ordered};
use compose_core::fill_strategy::FillKind;
use compose_core::{FillBinding, FillStrategy, KindError, Problem, SettingsTable, StackFacts};
use schemars::JsonSchema;
use serde::Deserialize;

/// The kind `percentile`.
pub const KIND: FillKind = FillKind {
    name: "percentile",
    page: include_str!("percentile.md"),
    schema: &|| schemars::schema_for!(Percentile),
    parse: &|table, _| parse(table),
};

/// Settings of `percentile`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Percentile {
    /// Which percentile: 0 is the smallest look, 50 the median, 100 the largest.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub percentile: f64,
    /// The fewest clear looks that make a percentile; pixels with fewer stay gaps.
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

fn parse(table: &SettingsTable<'_>) -> Result<Box<dyn FillStrategy>, Vec<Problem>> {
    let what = "fill \"percentile\"";
    let settings: Percentile = table.read(what)?;
    at_least_one(table, what, settings.at_least)?;
    let percentile = settings.percentile;
    if !(0.0..=100.0).contains(&percentile) {
        let message = format!("{what}: percentile is {percentile}, expected a number from 0 to 100");
        return Err(vec![table.problem_at("percentile", message)]);
    }
    Ok(Box::new(settings))
}

impl FillStrategy for Percentile {
    fn bind(&self, stack: &StackFacts<'_>) -> Result<FillBinding, KindError> {
        let reach = Reach { within_days: self.within_days, direction: self.direction };
        let choice = Choice::within(reach, stack)?;
        Ok(FillBinding::ready(FillWith::new(choice, self.at_least, Ranked::new(self.percentile))))
    }
}

/// The percentile with linear interpolation between ranks: type 7 of R. J. Hyndman and Y. Fan 1996, Sample
/// quantiles in statistical packages, The American Statistician 50 (4).
#[derive(Clone)]
struct Ranked {
    percentile: f64,
    /// Looks at one pixel, for stacks too large for a network.
    column: Vec<i32>,
}

impl Ranked {
    fn new(percentile: f64) -> Self {
        Self { percentile, column: Vec::new() }
    }

    /// Sorts each lane, one at a time.
    fn sort(&mut self, looks: &mut [Lanes<i32>]) {
        for l in 0..LANES {
            self.column.clear();
            self.column.extend(looks.iter().map(|look| look[l]));
            self.column.sort_unstable();
            for (look, &sorted) in looks.iter_mut().zip(&self.column) {
                look[l] = sorted;
            }
        }
    }
}

/// The rank below (from 0) of so many values, and how many hundredths of the way to the next rank the percentile lies.
///
/// In hundredths because these are exact where the percentile is a whole number: a fraction would be a little off,
/// and halves be rounded to the wrong side.
#[inline(always)]
fn rank(percentile: f64, count: u32) -> (usize, f64) {
    let hundredths = f64::from(count.saturating_sub(1)) * percentile;
    let below = (hundredths / 100.0).floor();
    (below as usize, (hundredths - 100.0 * below).max(0.0))
}

/// Linear interpolation between two samples. Infinite samples have no difference.
#[inline(always)]
fn between(low: f64, high: f64, hundredths: f64) -> f64 {
    if hundredths == 0.0 {
        low
    } else if hundredths == 50.0 {
        (low + high) / 2.0
    } else {
        (low * (100.0 - hundredths) + high * hundredths) / 100.0
    }
}

impl Statistic for Ranked {
    /// An integer in the order of the samples.
    type Look = i32;

    /// The largest go behind all real ones.
    const STAND_INS: [i32; 2] = [i32::MAX, i32::MAX];

    #[inline(always)]
    fn look(sample: f32) -> i32 {
        ordered::look(sample)
    }

    #[inline(always)]
    fn reduce(&mut self, looks: &mut [Lanes<i32>], counts: &Lanes<u32>) -> Lanes<f64> {
        let last = looks.len() - 1;
        if last < network::LARGEST {
            ordered::exchange(looks, network::sorted(last + 1));
        } else {
            self.sort(looks);
        }
        let mut values = [0.0; LANES];
        for l in 0..LANES {
            let (below, hundredths) = rank(self.percentile, counts[l]);
            let (low, high) = (looks[below][l], looks[(below + 1).min(last)][l]);
            values[l] = between(ordered::sample(low), ordered::sample(high), hundredths);
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Random, check_against_plain, strategy};
    use proptest::prelude::*;

    /// The definition: h = (n − 1) p, then linear between the ranks below and above h.
    fn plain(percentile: f64, looks: &mut [f32]) -> f64 {
        looks.sort_by(f32::total_cmp);
        let (below, hundredths) = rank(percentile, looks.len() as u32);
        match (looks.get(below), looks.get(below + 1)) {
            (None, _) => f64::NAN,
            (Some(&low), None) => f64::from(low),
            (Some(&low), Some(&high)) => between(f64::from(low), f64::from(high), hundredths),
        }
    }

    fn plain_median(looks: &mut [f32]) -> f64 {
        looks.sort_by(f32::total_cmp);
        let n = looks.len();
        if n == 0 { f64::NAN } else { (f64::from(looks[(n - 1) / 2]) + f64::from(looks[n / 2])) / 2.0 }
    }

    const SIZES: [usize; 12] = [0, 1, 2, 3, 4, 5, 12, 13, 40, 60, 128, 129];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_fast_percentile_is_the_plain_one(random in Random::strategy(), tenths in 0..=1000u32) {
            let percentile = f64::from(tenths) / 10.0;
            let settings = format!("strategy = \"percentile\"\npercentile = {percentile}");
            check_against_plain(&settings, random, &SIZES, |looks| plain(percentile, looks));
        }

        #[test]
        fn the_50th_is_the_median_to_the_bit(random in Random::strategy()) {
            let settings = "strategy = \"percentile\"\npercentile = 50";
            check_against_plain(settings, random, &SIZES, plain_median);
            check_against_plain("strategy = \"median-stack\"", random, &SIZES, plain_median);
        }
    }

    #[test]
    fn ranks_of_whole_percentiles_are_exact() {
        assert_eq!(rank(30.0, 11), (3, 0.0));
        assert_eq!(rank(30.0, 12), (3, 30.0));
        assert_eq!(rank(100.0, 60), (59, 0.0));
        assert_eq!((rank(75.0, 1), rank(75.0, 0)), ((0, 0.0), (0, 0.0)));
    }

    #[test]
    fn a_percentile_is_needed_and_lies_from_0_to_100() {
        let refused = |settings: &str| strategy(settings).unwrap_err().remove(0);
        let kind = "strategy = \"percentile\"";
        assert_eq!(refused(kind), "fill \"percentile\": percentile is missing");
        for (wrong, found) in [("-1", "-1"), ("100.5", "100.5"), ("nan", "NaN")] {
            let message =
                format!("fill \"percentile\": percentile is {found}, expected a number from 0 to 100");
            assert_eq!(refused(&format!("{kind}\npercentile = {wrong}")), message);
        }
    }
}
