#![doc = include_str!("hot_jump.md")]

use crate::comparing::{Fitted, nearest_first, output_band, outside, ranked, scales, seen};
use compose_core::mask_rule::{Compared, MaskKind};
use compose_core::{
    Block, BoundMask, KindError, Learned, MaskBinding, MaskInput, MaskRule, MaskStack, PlannedMask, Problem,
    SceneFacts, SettingsTable, Survey, UnfittedMask,
};
use ndarray::{Array2, ArrayViewMut2};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// The kind `hot-jump`.
pub const KIND: MaskKind = MaskKind {
    name: "hot-jump",
    page: include_str!("hot_jump.md"),
    schema: &|| schemars::schema_for!(Settings),
    parse: &parse,
};

/// Settings of `hot-jump`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// The blue band.
    pub blue: String,
    /// The red band.
    pub red: String,
    /// The near-infrared band.
    pub nir: String,
    /// The most growth of haze between two scenes of one day, in reflectance.
    pub jump: f64,
    /// Added to `jump` for each 30 days between the two scenes.
    pub per_30_days: f64,
    /// The upper limit of `jump` and what the days add to it.
    pub jump_at_most: f64,
    /// Pixels around which both scenes are more highly correlated than this are not marked; 1 keeps every mark.
    pub correlation: f64,
    /// Scenes further away are not compared; no limit where absent.
    pub within_days: Option<u32>,
}

impl Default for Settings {
    /// The numbers of MAJA.
    fn default() -> Self {
        Self {
            blue: "blue".into(),
            red: "red".into(),
            nir: "nir".into(),
            jump: 0.03,
            per_30_days: 0.03,
            jump_at_most: 0.09,
            correlation: 0.9,
            within_days: None,
        }
    }
}

fn parse(table: &SettingsTable<'_>) -> Result<Box<dyn MaskRule>, Vec<Problem>> {
    let settings: Settings = table.read("hot-jump")?;
    let problems: Vec<Problem> = [
        outside(table, "jump", settings.jump, 0.0..=1.0),
        outside(table, "per-30-days", settings.per_30_days, 0.0..=1.0),
        outside(table, "jump-at-most", settings.jump_at_most, 0.0..=1.0),
        outside(table, "correlation", settings.correlation, -1.0..=1.0),
    ]
    .into_iter()
    .flatten()
    .collect();
    if problems.is_empty() { Ok(Box::new(settings)) } else { Err(problems) }
}

impl MaskRule for Settings {
    fn bind(&self, scene: &SceneFacts) -> Result<MaskBinding, KindError> {
        let bands = [
            output_band(scene, &self.blue, "blue")?,
            output_band(scene, &self.red, "red")?,
            output_band(scene, &self.nir, "nir")?,
        ];
        scales(scene, bands, KIND.name)?;
        require_day(scene)?;
        let names = bands.map(|band| scene.bands[band].name.as_str());
        let words = format!("{}: haze that another look does not show", names.join(", "));
        Ok(MaskBinding::NeedsSurvey(Arc::new(Bound { settings: self.clone(), bands, words })))
    }
}

/// Limits depend on how much time lies between two looks.
fn require_day(scene: &SceneFacts) -> Result<(), KindError> {
    scene.day.map(|_| ()).ok_or_else(|| {
        KindError::new(format!(
            "no date where one is needed: scene \"{}\" has none; give it a date in [[scene]], or say where to find it \
             with date-from in [scenes]",
            scene.id
        ))
    })
}

#[derive(Clone)]
struct Bound {
    settings: Settings,
    /// Blue, red, near infrared.
    bands: [usize; 3],
    words: String,
}

/// The facts from the stack.
struct Known {
    /// Scale and offset of the three bands.
    scales: Vec<(f64, f64)>,
    /// Other scenes with the days between, the nearest first.
    others: Vec<(usize, u32)>,
}

/// Pixels to each side within which two looks are held against each other: 7 × 7.
const AROUND: usize = 3;
/// Pixels that a correlation is made of at least.
const ENOUGH: usize = 10;

impl PlannedMask for Bound {
    fn bands(&self) -> &[usize] {
        &self.bands
    }

    fn halo(&self) -> usize {
        AROUND
    }

    fn compares(&self, stack: &MaskStack<'_>) -> Vec<usize> {
        // A scene without a date is asked for as well: [`UnfittedMask::fit`] then says that it has none.
        let undated = (0..stack.scenes.len()).filter(|s| *s != stack.scene && stack.scenes[*s].day.is_none());
        let mut others = nearest_first(stack, self.settings.within_days);
        let more: Vec<usize> = undated.filter(|scene| !others.contains(scene)).collect();
        others.extend(more);
        others
    }

    fn describe(&self) -> String {
        self.words.clone()
    }
}

impl UnfittedMask for Bound {
    fn fit(&self, stack: &MaskStack<'_>, _: &Survey) -> Result<Arc<dyn BoundMask>, KindError> {
        stack.scenes.iter().try_for_each(require_day)?;
        let scales = scales(&stack.scenes[stack.reference], self.bands, KIND.name)?;
        let days = |scene: usize| Some(stack.scenes[scene].day?.distance(stack.scenes[stack.scene].day?));
        let others = nearest_first(stack, self.settings.within_days);
        let others = others.into_iter().filter_map(|scene| Some((scene, days(scene)?))).collect();
        Ok(Arc::new(Fitted { bound: self.clone(), known: Some(Known { scales, others }), notes: Vec::new() }))
    }

    fn restore(&self, stack: &MaskStack<'_>, _: &Learned) -> Result<Arc<dyn BoundMask>, KindError> {
        self.fit(stack, &Survey::default())
    }

    fn alone(&self) -> Arc<dyn BoundMask> {
        Arc::new(Fitted { bound: self.clone(), known: None::<Known>, notes: Vec::new() })
    }
}

impl BoundMask for Fitted<Bound, Option<Known>> {
    fn mark(&self, input: &MaskInput<'_>, marked: ArrayViewMut2<'_, u8>) -> Result<(), KindError> {
        if let Some((stack, known)) = input.stack.zip(self.known.as_ref()) {
            self.bound.compare(known, stack, marked);
        }
        Ok(())
    }
}

/// One scene's pixels, and 1 where all three bands are valid.
struct Look<'a> {
    block: &'a Block,
    seen: Array2<u8>,
    days: u32,
}

impl Bound {
    fn compare(&self, known: &Known, stack: &Compared<'_>, mut marked: ArrayViewMut2<'_, u8>) {
        let look = |block, days| Look { block, seen: seen(block, &self.bands), days };
        let own = look(stack.own, 0);
        let days_to = |scene| known.others.iter().find(|(s, _)| *s == scene).map_or(0, |(_, days)| *days);
        let scenes: Vec<usize> = known.others.iter().map(|(scene, _)| *scene).collect();
        let others: Vec<Look<'_>> =
            ranked(stack, &scenes).into_iter().map(|other| look(other.block, days_to(other.scene))).collect();
        for (at, mark) in marked.indexed_iter_mut().filter(|(at, _)| own.seen[*at] != 0) {
            let Some(other) = others.iter().find(|other| other.seen[at] != 0) else { continue };
            let jumps =
                self.jumps(other.days, self.reflectance(known, &own, at), self.reflectance(known, other, at));
            *mark = u8::from(jumps && !self.are_alike(&own, other, at));
        }
    }

    fn reflectance(&self, known: &Known, look: &Look<'_>, (row, col): (usize, usize)) -> [f64; 3] {
        let of = |i: usize| {
            let (scale, offset) = known.scales[i];
            f64::from(look.block.values[[self.bands[i], row, col]]) * scale + offset
        };
        [of(0), of(1), of(2)]
    }

    /// Whether the haze between two looks at blue, red and near infrared is that of a cloud (Hagolle et al. 2010; MAJA
    /// ATBD, "multi-temporal cloud detection"): it grows, it is not red, and the blue grows the most for its size.
    fn jumps(&self, days: u32, own: [f64; 3], other: [f64; 3]) -> bool {
        let Settings { jump, per_30_days, jump_at_most, .. } = self.settings;
        let limit = jump_at_most.min(jump + per_30_days * f64::from(days) / 30.0);
        let hot = |[blue, red, _]: [f64; 3]| blue - red / 2.0;
        let change = |i: usize| own[i] - other[i];
        let share = |i: usize| change(i) / (own[i] + other[i]);
        let (blue, red, nir) = (0, 1, 2);
        hot(own) - hot(other) > limit
            && change(red) < 1.5 * change(blue)
            && own[blue] + other[blue] > 0.0
            && own[nir] + other[nir] > 0.0
            && share(nir) < share(blue)
    }

    /// Whether the blue around a pixel has the same pattern in both looks: a cloud would cover it.
    fn are_alike(&self, own: &Look<'_>, other: &Look<'_>, (row, col): (usize, usize)) -> bool {
        let (height, width) = own.seen.dim();
        let mut pairs: Vec<(f64, f64)> = Vec::with_capacity((2 * AROUND + 1).pow(2));
        for r in row.saturating_sub(AROUND)..(row + AROUND + 1).min(height) {
            for c in col.saturating_sub(AROUND)..(col + AROUND + 1).min(width) {
                if own.seen[[r, c]] & other.seen[[r, c]] != 0 {
                    let blue = |look: &Look<'_>| f64::from(look.block.values[[self.bands[0], r, c]]);
                    pairs.push((blue(own), blue(other)));
                }
            }
        }
        pairs.len() >= ENOUGH && correlation(&pairs).is_some_and(|r| r > self.settings.correlation)
    }
}

/// Pearson's; `None` where one of the two is constant.
fn correlation(pairs: &[(f64, f64)]) -> Option<f64> {
    let count = pairs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / count;
    let (a, b) = (mean(|p| p.0), mean(|p| p.1));
    let sum = |of: &dyn Fn(f64, f64) -> f64| pairs.iter().map(|p| of(p.0 - a, p.1 - b)).sum::<f64>();
    let spread = (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt();
    (spread > 0.0).then(|| sum(&|x, y| x * y) / spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound() -> Bound {
        Bound { settings: Settings::default(), bands: [0, 1, 2], words: String::new() }
    }

    #[test]
    fn the_limit_grows_with_time_up_to_a_bound() {
        let grown = |by: f64| [0.1 + by, 0.1 + by / 2.0, 0.3];
        let jumps = |days, by: f64| bound().jumps(days, grown(by), grown(0.0));
        // HOT grows by three quarters of what the blue does.
        assert!(jumps(0, 0.0401) && !jumps(0, 0.0399));
        assert!(jumps(30, 0.0801) && !jumps(30, 0.0799));
        assert!(jumps(60, 0.1201) && jumps(900, 0.1201) && !jumps(900, 0.1199));
    }

    #[test]
    fn what_turns_red_or_bright_in_the_infrared_is_no_cloud() {
        let other = [0.05, 0.05, 0.2];
        assert!(bound().jumps(0, [0.2, 0.2, 0.35], other));
        assert!(!bound().jumps(0, [0.2, 0.2751, 0.35], other));
        assert!(!bound().jumps(0, [0.2, 0.2, 0.81], other));
        assert!(!bound().jumps(0, [0.2, 0.2, 0.1], [0.05, 0.05, -0.1]));
    }

    #[test]
    fn a_constant_neighbourhood_has_no_correlation() {
        let line: Vec<_> = (0..12).map(|i| (f64::from(i), 3.0 - 2.0 * f64::from(i))).collect();
        assert!((correlation(&line).unwrap() + 1.0).abs() < 1e-12);
        assert_eq!(correlation(&[(1.0, 2.0); 12]), None);
    }
}
