#![doc = include_str!("interpolate.md")]

use crate::donors::{Choice, Reach, notes_of};
use compose_core::canvas::has_gap;
use compose_core::fill_strategy::FillKind;
use compose_core::{
    BoundFill, Canvas, Day, DonorUse, FillBinding, FillInput, FillStrategy, GAP, KindError, Needs,
    PlannedFill, STATISTIC, StackFacts,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// The kind `interpolate`.
pub const KIND: FillKind = FillKind {
    name: "interpolate",
    page: include_str!("interpolate.md"),
    schema: &|| schemars::schema_for!(Interpolate),
    parse: &|table, _| Ok(Box::new(table.read::<Interpolate>("fill \"interpolate\"")?)),
};

/// Settings of `interpolate`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Interpolate {
    /// The most days between the target and a donor, on each side; no limit where absent.
    pub within_days: Option<u32>,
    /// What becomes of a gap that is seen on one side of the target date alone.
    #[serde(default)]
    pub extrapolate: Extrapolate,
}

/// What becomes of a gap that is seen on one side of the target date alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Extrapolate {
    /// It stays a gap.
    #[default]
    None,
    /// The nearest look is copied.
    Nearest,
}

impl FillStrategy for Interpolate {
    fn bind(&self, stack: &StackFacts<'_>) -> Result<FillBinding, KindError> {
        let reach = Reach { within_days: self.within_days, ..Reach::default() };
        let choice = Choice::nearest_first(reach, stack)?;
        let target = stack.target_day.expect("without it there is no nearest first");
        Ok(FillBinding::ready(Bound { choice, target, extrapolate: self.extrapolate }))
    }
}

struct Bound {
    /// Nearest first; of the same day by id.
    choice: Choice,
    target: Day,
    extrapolate: Extrapolate,
}

impl PlannedFill for Bound {
    fn donors(&self) -> &[DonorUse] {
        &self.choice.donors
    }

    fn needs(&self) -> Needs {
        Needs { by_band: true, ..Needs::default() }
    }

    fn skipped(&self) -> Vec<(usize, String)> {
        self.choice.skipped.clone()
    }

    fn notes(&self) -> Vec<String> {
        notes_of(&self.choice.donors)
    }
}

impl BoundFill for Bound {
    fn fill(&self, input: &FillInput<'_>, canvas: &mut Canvas) -> Result<(), KindError> {
        let day = |donor: &compose_core::Donor<'_>| {
            donor.day.ok_or_else(|| KindError::new("a donor has lost its date"))
        };
        let days = input.donors.iter().map(|donor| Ok(day(donor)?.0 - self.target.0));
        let days = days.collect::<Result<Vec<i32>, KindError>>()?;
        let mut looks = vec![Looks::default(); canvas.window.width];
        for plane in 0..canvas.planes() {
            for row in 0..canvas.window.height {
                if has_gap(canvas.source_row(plane, row)) {
                    find_looks(input, canvas, (plane, row), &days, &mut looks);
                    self.fill_row(input, canvas, (plane, row), &days, &looks);
                }
            }
        }
        Ok(())
    }
}

/// The donors that a pixel is filled from, by their place; each the nearest in time that sees it.
#[derive(Clone, Copy, Default)]
struct Looks {
    before: Option<usize>,
    /// On the target date itself.
    same: Option<usize>,
    after: Option<usize>,
}

/// Finds the looks at each gap of a row.
fn find_looks(
    input: &FillInput<'_>,
    canvas: &Canvas,
    (plane, row): (usize, usize),
    days: &[i32],
    looks: &mut [Looks],
) {
    let (row0, col0) = canvas.offset_in(input.window);
    looks.fill(Looks::default());
    for (nth, donor) in input.donors.iter().enumerate() {
        let valid = &donor.block.valid_row(plane, row + row0)[col0..];
        let gaps = canvas.source_row(plane, row).iter().zip(valid);
        for (looks, (source, valid)) in looks.iter_mut().zip(gaps) {
            if *source == GAP && *valid != 0 {
                let side = match days[nth] {
                    ..0 => &mut looks.before,
                    0 => &mut looks.same,
                    1.. => &mut looks.after,
                };
                side.get_or_insert(nth);
            }
        }
    }
}

impl Bound {
    fn fill_row(
        &self,
        input: &FillInput<'_>,
        canvas: &mut Canvas,
        (plane, row): (usize, usize),
        days: &[i32],
        looks: &[Looks],
    ) {
        let offset = canvas.offset_in(input.window);
        for (col, looks) in looks.iter().enumerate() {
            match (looks.same, looks.before, looks.after) {
                (Some(only), _, _) => canvas.copy_pixel(&input.donors[only], plane, (row, col), offset),
                (None, Some(before), Some(after)) => {
                    let pair = [before, after].map(|donor| (donor, f64::from(days[donor].unsigned_abs())));
                    interpolate(input, canvas, plane, (row, col), pair);
                }
                (None, Some(only), None) | (None, None, Some(only))
                    if self.extrapolate == Extrapolate::Nearest =>
                {
                    canvas.copy_pixel(&input.donors[only], plane, (row, col), offset);
                }
                _ => {}
            }
        }
    }
}

/// Fills one pixel from two donors that are so many days away. A value that is no number (−∞ with +∞) is none: the pixel
/// stays a gap.
fn interpolate(
    input: &FillInput<'_>,
    canvas: &mut Canvas,
    plane: usize,
    (row, col): (usize, usize),
    [(before, days_before), (after, days_after)]: [(usize, f64); 2],
) {
    let (row0, col0) = canvas.offset_in(input.window);
    for band in canvas.bands_of(plane) {
        let sample =
            |donor: usize| f64::from(input.donors[donor].block.values_row(band, row + row0)[col + col0]);
        // Divided last, so that whole numbers are exact and halves are rounded to the right side.
        let weighted = sample(before) * days_after + sample(after) * days_before;
        let value = weighted / (days_before + days_after);
        if value.is_nan() {
            return;
        }
        canvas.values_row_mut(band, row)[col] = canvas.cast.computed(value);
    }
    canvas.source_row_mut(plane, row)[col] = STATISTIC;
}

#[cfg(test)]
mod tests {
    use crate::testing::{Random, bind, blocks, donors};
    use compose_core::{Canvas, Day, Donor, FillInput, GAP, STATISTIC, Window};
    use proptest::prelude::*;

    const PLAIN: &str = "strategy = \"interpolate\"";

    /// Days of the target and of the donors, in the order of the fill.
    const TARGET: i32 = 100;
    const DAYS: [i32; 8] = [100, 100, 98, 103, 95, 95, 107, 120];

    /// The definition for one sample: what the looks that see it (day, sample) give, and whether it is computed.
    fn plain(looks: &[(i32, f32)], extrapolates: bool) -> Option<(f64, bool)> {
        let nearest = |side: fn(i32) -> bool| {
            looks.iter().filter(|(day, _)| side(day - TARGET)).min_by_key(|(day, _)| (day - TARGET).abs())
        };
        if let Some((_, sample)) = nearest(|days| days == 0) {
            return Some((f64::from(*sample), false));
        }
        match (nearest(|days| days < 0), nearest(|days| days > 0)) {
            (Some((d0, x0)), Some((d1, x1))) => {
                let (before, after) = (f64::from(TARGET - d0), f64::from(d1 - TARGET));
                let value = (f64::from(*x0) * after + f64::from(*x1) * before) / (before + after);
                (!value.is_nan()).then_some((value, true))
            }
            (Some((_, only)), None) | (None, Some((_, only))) if extrapolates => {
                Some((f64::from(*only), false))
            }
            _ => None,
        }
    }

    fn check(random: Random, size: usize, extrapolates: bool) {
        let window = Window { col: 5, row: -3, width: 71, height: 2 };
        let blocks = blocks(random, 2, size, window.expand(1));
        let donors: Vec<_> = blocks
            .iter()
            .enumerate()
            .map(|(scene, block)| Donor {
                scene,
                day: Some(Day(DAYS[scene])),
                block,
                exact: true,
                score: None,
            })
            .collect();
        let input = FillInput { window: window.expand(1), target: None, donors: &donors, observations: None };
        let settings =
            if extrapolates { format!("{PLAIN}\nextrapolate = \"nearest\"") } else { PLAIN.into() };
        let bound = bind(&settings, &[("t", Some(TARGET))], Some(0)).unwrap();
        let mut canvas = Canvas::new(window, 2, random.mode, random.cast);
        bound.fill(&input, &mut canvas).unwrap();
        for ((plane, row, col), &source) in canvas.source.indexed_iter() {
            let expected: Vec<_> = canvas
                .bands_of(plane)
                .map(|band| {
                    let seeing =
                        blocks.iter().zip(DAYS).filter(|(b, _)| b.valid[[plane, row + 1, col + 1]] != 0);
                    let looks: Vec<_> =
                        seeing.map(|(b, day)| (day, b.values[[band, row + 1, col + 1]])).collect();
                    plain(&looks, extrapolates)
                })
                .collect();
            if expected.contains(&None) {
                assert_eq!(source, GAP);
                continue;
            }
            for (band, (value, computed)) in canvas.bands_of(plane).zip(expected.into_iter().flatten()) {
                let sample = if computed { random.cast.computed(value) } else { value as f32 };
                assert_eq!(canvas.values[[band, row, col]].to_bits(), sample.to_bits());
                assert_eq!(source == STATISTIC, computed);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn rows_give_what_one_pixel_after_the_other_gives(random in Random::strategy(), extrapolates: bool) {
            for size in 0..=DAYS.len() {
                check(random, size, extrapolates);
            }
        }
    }

    #[test]
    fn the_limit_of_days_is_for_each_side() {
        let scenes = [("a", Some(4)), ("b", Some(5)), ("t", Some(10)), ("c", Some(15)), ("d", Some(16))];
        let bound = bind(&format!("{PLAIN}\nwithin-days = 5"), &scenes, Some(2)).unwrap();
        assert_eq!(donors(&*bound), [1, 3]);
    }
}
