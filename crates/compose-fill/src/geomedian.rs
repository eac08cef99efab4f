#![doc = include_str!("geomedian.md")]

use crate::donors::{Choice, Direction, Reach};
use crate::median_stack::Medians;
use crate::spectra::{FillSpectra, Group, Spectra, Spectral};
use crate::statistic::{Lanes, at_least_one};
use crate::weiszfeld::{CHUNK, Chunk};
use compose_core::fill_strategy::FillKind;
use compose_core::{FillBinding, FillStrategy, KindError, StackFacts};
use schemars::JsonSchema;
use serde::Deserialize;

/// The kind `geomedian`.
pub const KIND: FillKind = FillKind {
    name: "geomedian",
    page: include_str!("geomedian.md"),
    schema: &|| schemars::schema_for!(Geomedian),
    parse: &|table, _| {
        let settings: Geomedian = table.read("fill \"geomedian\"")?;
        at_least_one(table, "fill \"geomedian\"", settings.at_least)?;
        Ok(Box::new(settings))
    },
};

/// Settings of `geomedian`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Geomedian {
    /// The fewest clear looks that make a geometric median; pixels with fewer stay gaps.
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

impl FillStrategy for Geomedian {
    fn bind(&self, stack: &StackFacts<'_>) -> Result<FillBinding, KindError> {
        let reach = Reach { within_days: self.within_days, direction: self.direction };
        let choice = Choice::within(reach, stack)?;
        Ok(FillBinding::ready(FillSpectra::new(
            KIND.name,
            stack,
            choice,
            self.at_least,
            Weiszfeld::default(),
        )?))
    }
}

/// The point with the smallest sum of distances, from the median of each band.
#[derive(Clone, Default)]
struct Weiszfeld {
    medians: Medians,
    chunk: Chunk,
    /// By band.
    values: Vec<Lanes<f64>>,
}

/// With one or two looks the median of each band is a geometric median as well.
const FEWEST: u32 = 3;

impl Spectral for Weiszfeld {
    #[inline(always)]
    fn fill(&mut self, spectra: &Spectra, takes: &mut [bool], group: &mut Group<'_>) {
        self.values.clear();
        self.values.extend_from_slice(self.medians.of(spectra));
        for start in (0..takes.len()).step_by(CHUNK) {
            let end = takes.len().min(start + CHUNK);
            let mut wanted = [false; CHUNK];
            for (wanted, l) in wanted.iter_mut().zip(start..end) {
                *wanted = takes[l] && spectra.counts[l] >= FEWEST;
            }
            if wanted.contains(&true) {
                self.chunk.read(spectra, start, &self.values);
                self.chunk.solve(wanted);
                self.chunk.write(start, &mut self.values);
            }
        }
        group.put(&self.values, takes);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Random, bind_per_band, fill_spectra, looks_at};
    use compose_core::{Cast, DataType, GAP, STATISTIC};
    use ndarray::s;
    use proptest::prelude::*;

    fn cost(looks: &[Vec<f64>], point: &[f64]) -> f64 {
        let distance =
            |look: &Vec<f64>| look.iter().zip(point).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
        looks.iter().map(distance).sum()
    }

    /// The cost where Weiszfeld's iteration ends from the mean of all looks, or at the best look, in double precision.
    fn plain_cost(looks: &[Vec<f64>]) -> f64 {
        let bands = looks[0].len();
        let mean = |weights: &[f64]| -> Vec<f64> {
            let total: f64 = weights.iter().sum();
            let sum = |band: usize| looks.iter().zip(weights).map(|(look, w)| w * look[band]).sum::<f64>();
            (0..bands).map(|band| sum(band) / total).collect()
        };
        let mut point = mean(&vec![1.0; looks.len()]);
        for _ in 0..3000 {
            let weights: Vec<f64> =
                looks.iter().map(|look| 1.0 / cost(std::slice::from_ref(look), &point).max(1e-9)).collect();
            point = mean(&weights);
        }
        looks.iter().map(|look| cost(looks, look)).fold(cost(looks, &point), f64::min)
    }

    fn plain_median(looks: &[Vec<f64>], band: usize) -> f64 {
        let mut samples: Vec<f64> = looks.iter().map(|look| look[band]).collect();
        samples.sort_by(f64::total_cmp);
        let n = samples.len();
        (samples[(n - 1) / 2] + samples[n / 2]) / 2.0
    }

    fn check(random: Random, size: usize) {
        let cast = Cast { dtype: DataType::Float32, nodata: None };
        let (start, filled, blocks) =
            fill_spectra("strategy = \"geomedian\"", Random { cast, ..random }, size);
        for ((_, row, col), &before) in start.source.indexed_iter() {
            let looks: Vec<Vec<f64>> = looks_at(&blocks, row, col)
                .into_iter()
                .map(|(_, samples)| samples.into_iter().map(f64::from).collect())
                .collect();
            let found: Vec<f64> =
                filled.values.slice(s![.., row, col]).iter().map(|sample| f64::from(*sample)).collect();
            let source = filled.source[[0, row, col]];
            if before != GAP {
                assert_eq!(start.values.slice(s![.., row, col]), filled.values.slice(s![.., row, col]));
            } else if looks.is_empty() {
                assert_eq!(source, GAP);
            } else if looks.len() < 3 || !looks.iter().flatten().all(|sample| sample.is_finite()) {
                let medians: Vec<f64> = (0..3).map(|band| plain_median(&looks, band)).collect();
                assert_eq!(source == GAP, medians.iter().any(|median| median.is_nan()));
                let single = |value: &f64| f64::from(*value as f32);
                assert!(source == GAP || found == medians.iter().map(single).collect::<Vec<_>>());
            } else {
                assert_eq!(source, STATISTIC);
                let (found, plain) = (cost(&looks, &found), plain_cost(&looks));
                assert!(found <= plain * (1.0 + 1e-6), "{found} > {plain}: {looks:?}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(6))]
        #[test]
        fn no_plain_iteration_finds_a_smaller_sum_of_distances(random in Random::strategy()) {
            for size in [0, 1, 2, 3, 4, 5, 7, 12, 60] {
                check(Random { percent_valid: 60, ..random }, size);
            }
        }
    }

    #[test]
    fn a_pixel_does_not_depend_on_its_neighbours() {
        let cast = Cast { dtype: DataType::Float32, nodata: None };
        let random = Random { seed: 5, percent_valid: 70, mode: Default::default(), cast };
        let fill = |settings: &str| fill_spectra(settings, random, 12).1;
        // With more looks wanted, other pixels of a group are worked on.
        let (all, some) = (fill("strategy = \"geomedian\""), fill("strategy = \"geomedian\"\nat-least = 9"));
        let filled = some.source.indexed_iter().filter(|(_, source)| **source == STATISTIC);
        for ((_, row, col), _) in filled {
            assert_eq!(all.values.slice(s![.., row, col]), some.values.slice(s![.., row, col]));
        }
    }

    #[test]
    fn bands_that_are_judged_one_by_one_are_refused() {
        assert!(bind_per_band("strategy = \"geomedian\"").is_err());
    }
}
