#![doc = include_str!("medoid_msd.md")]

use crate::donors::{Choice, Direction, Reach};
use crate::median_stack::Medians;
use crate::medoid::copy_least;
use crate::spectra::{FillSpectra, Group, Spectra, Spectral};
use crate::statistic::{LANES, Lanes, at_least_one};
use compose_core::fill_strategy::FillKind;
use compose_core::{FillBinding, FillStrategy, KindError, StackFacts};
use schemars::JsonSchema;
use serde::Deserialize;

/// The kind `medoid-msd`.
pub const KIND: FillKind = FillKind {
    name: "medoid-msd",
    page: include_str!("medoid_msd.md"),
    schema: &|| schemars::schema_for!(MedoidMsd),
    parse: &|table, _| {
        let settings: MedoidMsd = table.read("fill \"medoid-msd\"")?;
        at_least_one(table, "fill \"medoid-msd\"", settings.at_least)?;
        Ok(Box::new(settings))
    },
};

/// Settings of `medoid-msd`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MedoidMsd {
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

impl FillStrategy for MedoidMsd {
    fn bind(&self, stack: &StackFacts<'_>) -> Result<FillBinding, KindError> {
        let reach = Reach { within_days: self.within_days, direction: self.direction };
        let choice = Choice::nearest_first_if_dated(reach, stack)?;
        Ok(FillBinding::ready(FillSpectra::new(
            KIND.name,
            stack,
            choice,
            self.at_least,
            FromMedian::default(),
        )?))
    }
}

/// The look nearest to the median of each band, by squared Euclidean distance.
#[derive(Clone, Default)]
struct FromMedian {
    medians: Medians,
    /// Per look.
    squares: Vec<Lanes<f64>>,
}

impl Spectral for FromMedian {
    #[inline(always)]
    fn fill(&mut self, spectra: &Spectra, takes: &mut [bool], group: &mut Group<'_>) {
        let medians = self.medians.of(spectra);
        self.squares.clear();
        for look in 0..spectra.donors.len() {
            let mut squares = [0.0; LANES];
            for (samples, medians) in spectra.look(look).iter().zip(medians) {
                for l in 0..LANES {
                    let difference = f64::from(samples[l]) - medians[l];
                    squares[l] += difference * difference;
                }
            }
            self.squares.push(squares);
        }
        copy_least(spectra, &self.squares, takes, group);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Look, Plain, Random, bind_per_band, check_spectra_against_plain};
    use proptest::prelude::*;

    fn median(looks: &[Look<'_>], band: usize) -> f64 {
        let mut samples: Vec<f32> = looks.iter().map(|look| look.samples[band]).collect();
        samples.sort_by(f32::total_cmp);
        let n = samples.len();
        (f64::from(samples[(n - 1) / 2]) + f64::from(samples[n / 2])) / 2.0
    }

    /// The definition, one pixel at a time; ties by the order of the looks.
    fn plain(looks: &[Look<'_>]) -> Plain {
        let square = |look: &Look<'_>| {
            let bands = look.samples.iter().enumerate();
            let squares = bands.map(|(band, sample)| (f64::from(*sample) - median(looks, band)).powi(2));
            let square: f64 = squares.sum();
            if square.is_nan() { f64::INFINITY } else { square }
        };
        let squares: Vec<f64> = looks.iter().map(square).collect();
        let least = squares.iter().copied().fold(f64::INFINITY, f64::min);
        let wins = |square: &f64| *square <= least * (1.0 + 1e-12);
        squares.iter().position(wins).map_or(Plain::Gap, |look| Plain::Copy(looks[look].donor))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_fast_one_is_the_plain_one(random in Random::strategy()) {
            check_spectra_against_plain("strategy = \"medoid-msd\"", random, &[0, 1, 2, 3, 4, 7, 12, 60], plain);
        }
    }

    #[test]
    fn bands_that_are_judged_one_by_one_are_refused() {
        assert!(bind_per_band("strategy = \"medoid-msd\"").is_err());
    }
}
