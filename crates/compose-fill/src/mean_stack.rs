#![doc = include_str!("mean_stack.md")]

use crate::donors::{Choice, Direction, Reach};
use crate::statistic::{FillWith, LANES, Lanes, Statistic, at_least_one};
use compose_core::fill_strategy::FillKind;
use compose_core::{FillBinding, FillStrategy, KindError, StackFacts};
use schemars::JsonSchema;
use serde::Deserialize;

/// The kind `mean-stack`.
pub const KIND: FillKind = FillKind {
    name: "mean-stack",
    page: include_str!("mean_stack.md"),
    schema: &|| schemars::schema_for!(MeanStack),
    parse: &|table, _| {
        let settings: MeanStack = table.read("fill \"mean-stack\"")?;
        at_least_one(table, "fill \"mean-stack\"", settings.at_least)?;
        Ok(Box::new(settings))
    },
};

/// Settings of `mean-stack`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct MeanStack {
    /// The fewest clear looks that make a mean; pixels with fewer stay gaps.
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

impl FillStrategy for MeanStack {
    fn bind(&self, stack: &StackFacts<'_>) -> Result<FillBinding, KindError> {
        let reach = Reach { within_days: self.within_days, direction: self.direction };
        let choice = Choice::within(reach, stack)?;
        Ok(FillBinding::ready(FillWith::new(choice, self.at_least, Mean)))
    }
}

/// The arithmetic mean, summed in f64 in stack order.
#[derive(Clone)]
struct Mean;

impl Statistic for Mean {
    type Look = f32;

    /// Zeros change no sum.
    const STAND_INS: [f32; 2] = [0.0, 0.0];

    #[inline(always)]
    fn look(sample: f32) -> f32 {
        sample
    }

    #[inline(always)]
    fn reduce(&mut self, looks: &mut [Lanes<f32>], counts: &Lanes<u32>) -> Lanes<f64> {
        let mut means = [0.0; LANES];
        for look in looks {
            for l in 0..LANES {
                means[l] += f64::from(look[l]);
            }
        }
        for l in 0..LANES {
            means[l] /= f64::from(counts[l]);
        }
        means
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{Random, check_against_plain};
    use proptest::prelude::*;

    fn plain(looks: &mut [f32]) -> f64 {
        looks.iter().fold(0.0, |sum, &look| sum + f64::from(look)) / looks.len() as f64
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_fast_mean_is_the_plain_one_to_the_bit(random in Random::strategy()) {
            check_against_plain("strategy = \"mean-stack\"", random, &[0, 1, 2, 3, 12, 40], plain);
        }
    }
}
