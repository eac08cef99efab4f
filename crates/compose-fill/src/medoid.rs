#![doc = include_str!("medoid.md")]

use crate::donors::{Choice, Direction, Reach};
use crate::spectra::{FillSpectra, Group, Spectra, Spectral};
use crate::statistic::{LANES, Lanes, at_least_one};
use compose_core::fill_strategy::FillKind;
use compose_core::{FillBinding, FillStrategy, KindError, StackFacts};
use schemars::JsonSchema;
use serde::Deserialize;

/// The kind `medoid`.
pub const KIND: FillKind = FillKind {
    name: "medoid",
    page: include_str!("medoid.md"),
    schema: &|| schemars::schema_for!(Medoid),
    parse: &|table, _| {
        let settings: Medoid = table.read("fill \"medoid\"")?;
        at_least_one(table, "fill \"medoid\"", settings.at_least)?;
        Ok(Box::new(settings))
    },
};

/// Settings of `medoid`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Medoid {
    /// The fewest clear looks that make a medoid; pixels with fewer stay gaps.
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

impl FillStrategy for Medoid {
    fn bind(&self, stack: &StackFacts<'_>) -> Result<FillBinding, KindError> {
        let reach = Reach { within_days: self.within_days, direction: self.direction };
        let choice = Choice::nearest_first_if_dated(reach, stack)?;
        Ok(FillBinding::ready(FillSpectra::new(
            KIND.name,
            stack,
            choice,
            self.at_least,
            SumOfDistances::default(),
        )?))
    }
}

/// The look with the smallest sum of Euclidean distances to all others: N. Flood 2013, Seasonal composite Landsat
/// TM/ETM+ images using the medoid, Remote Sensing 5 (12), equation 1.
#[derive(Clone, Default)]
struct SumOfDistances {
    /// Per look.
    sums: Vec<Lanes<f64>>,
}

impl Spectral for SumOfDistances {
    #[inline(always)]
    fn fill(&mut self, spectra: &Spectra, takes: &mut [bool], group: &mut Group<'_>) {
        self.sums.clear();
        self.sums.resize(spectra.donors.len(), [0.0; LANES]);
        for j in 1..spectra.donors.len() {
            for i in 0..j {
                let distances = distances(spectra, i, j);
                let (head, tail) = self.sums.split_at_mut(j);
                for l in 0..LANES {
                    head[i][l] += distances[l];
                    tail[0][l] += distances[l];
                }
            }
        }
        copy_least(spectra, &self.sums, takes, group);
    }
}

/// Between two looks; 0 where one of them does not see the pixel.
#[inline(always)]
fn distances(spectra: &Spectra, i: usize, j: usize) -> Lanes<f64> {
    let mut squares = [0.0; LANES];
    for (a, b) in spectra.look(i).iter().zip(spectra.look(j)) {
        for l in 0..LANES {
            let difference = f64::from(a[l]) - f64::from(b[l]);
            squares[l] += difference * difference;
        }
    }
    let (a, b) = (&spectra.valid[i], &spectra.valid[j]);
    let mut distances = [0.0; LANES];
    for l in 0..LANES {
        distances[l] = if a[l] & b[l] != 0 { squares[l].sqrt() } else { 0.0 };
    }
    distances
}

/// Largest relative difference of two sums that are equal but for rounding.
const SAME: f64 = 1e-12;

/// Copies for each pixel the look with the least cost; of looks that cost the same the first. A cost that is no number
/// (∞ − ∞) is as bad as one without end.
#[inline(always)]
pub(crate) fn copy_least(spectra: &Spectra, costs: &[Lanes<f64>], takes: &[bool], group: &mut Group<'_>) {
    let mut least = [f64::INFINITY; LANES];
    for (cost, valid) in costs.iter().zip(&spectra.valid) {
        for l in 0..LANES {
            least[l] = if valid[l] != 0 && cost[l] < least[l] { cost[l] } else { least[l] };
        }
    }
    for (l, _) in takes.iter().enumerate().filter(|(_, takes)| **takes) {
        let bound = least[l] * (1.0 + SAME);
        let wins = |look: &usize| {
            spectra.valid[*look][l] != 0 && (costs[*look][l] <= bound || bound == f64::INFINITY)
        };
        if let Some(look) = (0..costs.len()).find(wins) {
            group.copy(l, spectra.donors[look]);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Look, Plain, Random, bind, bind_per_band, check_spectra_against_plain, donors};
    use proptest::prelude::*;

    /// The definition, one pixel at a time; ties by the order of the looks.
    fn plain(looks: &[Look<'_>]) -> Plain {
        let distance = |a: &Look<'_>, b: &Look<'_>| {
            let squares = a.samples.iter().zip(b.samples.iter());
            squares.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>().sqrt()
        };
        let costs: Vec<f64> = looks
            .iter()
            .map(|a| looks.iter().filter(|b| b.donor != a.donor).map(|b| distance(a, b)).sum::<f64>())
            .map(|cost| if cost.is_nan() { f64::INFINITY } else { cost })
            .collect();
        let least = costs.iter().copied().fold(f64::INFINITY, f64::min);
        let wins = |cost: &f64| *cost <= least * (1.0 + super::SAME);
        costs.iter().position(wins).map_or(Plain::Gap, |look| Plain::Copy(looks[look].donor))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_fast_medoid_is_the_plain_one(random in Random::strategy()) {
            check_spectra_against_plain("strategy = \"medoid\"", random, &[0, 1, 2, 3, 4, 7, 12, 60], plain);
        }
    }

    #[test]
    fn ties_go_to_the_nearest_date_and_then_to_the_earlier() {
        let scenes = [("a", Some(2)), ("b", Some(8)), ("t", Some(10)), ("c", Some(12))];
        assert_eq!(donors(&*bind("strategy = \"medoid\"", &scenes, Some(2)).unwrap()), [1, 3, 0]);
        assert_eq!(donors(&*bind("strategy = \"medoid\"", &scenes, None).unwrap()), [0, 1, 2, 3]);
    }

    #[test]
    fn bands_that_are_judged_one_by_one_are_refused() {
        let message = "strategy \"medoid\" compares whole spectra, which validity = \"per-band\" takes apart; leave \
                       validity away, or take median-stack";
        assert_eq!(bind_per_band("strategy = \"medoid\"").err().unwrap().to_string(), message);
    }
}
