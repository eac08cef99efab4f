#![doc = include_str!("tdom.md")]

use crate::comparing::{Fitted, nearest_first, output_band, outside, ranked, scales};
use crate::morph::{Disc, Morphology};
use compose_core::mask_rule::{Compared, MaskKind};
use compose_core::{
    Block, BoundMask, KindError, Learned, MaskBinding, MaskInput, MaskRule, MaskStack, PlannedMask, Problem,
    SceneFacts, SettingsTable, Survey, UnfittedMask,
};
use ndarray::{Array2, ArrayViewMut2, Axis};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// The kind `tdom`.
pub const KIND: MaskKind = MaskKind {
    name: "tdom",
    page: include_str!("tdom.md"),
    schema: &|| schemars::schema_for!(Settings),
    parse: &parse,
};

/// Settings of `tdom`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// The near-infrared band.
    pub nir: String,
    /// The first short-wave infrared band.
    pub swir1: String,
    /// Standard deviations from the mean of the looks; what lies below it in both bands is dark.
    pub z: f64,
    /// Reflectance of both bands together that a shadow stays below.
    pub sum: f64,
    /// Clear looks that a pixel needs.
    pub at_least: usize,
    /// Pixels by which what was found shrinks.
    pub erode: f64,
    /// Pixels by which it then grows.
    pub dilate: f64,
    /// Scenes further away are not looked at; no limit where absent.
    pub within_days: Option<u32>,
}

impl Default for Settings {
    /// Those of Housman, Chastain and Finco (2018), with a floor of five looks.
    fn default() -> Self {
        Self {
            nir: "nir".into(),
            swir1: "swir1".into(),
            z: -1.0,
            sum: 0.35,
            at_least: 5,
            erode: 1.5,
            dilate: 3.5,
            within_days: None,
        }
    }
}

/// Longest radius in pixels.
const LONGEST: f64 = 100.0;
/// A standard deviation is taken for no less, in reflectance: looks that agree by chance would make shadows of noise.
const FLOOR: f64 = 0.005;

fn parse(table: &SettingsTable<'_>) -> Result<Box<dyn MaskRule>, Vec<Problem>> {
    let settings: Settings = table.read("tdom")?;
    let few = (settings.at_least < 2).then(|| {
        let found = settings.at_least;
        table.problem_at(
            "at-least",
            format!("at-least is {found}, expected 2 or more: a mean needs several looks"),
        )
    });
    let problems: Vec<Problem> = [
        outside(table, "z", settings.z, -100.0..=0.0),
        outside(table, "sum", settings.sum, 0.0..=10.0),
        few,
        outside(table, "erode", settings.erode, 0.0..=LONGEST),
        outside(table, "dilate", settings.dilate, 0.0..=LONGEST),
    ]
    .into_iter()
    .flatten()
    .collect();
    if problems.is_empty() { Ok(Box::new(settings)) } else { Err(problems) }
}

impl MaskRule for Settings {
    fn bind(&self, scene: &SceneFacts) -> Result<MaskBinding, KindError> {
        let bands = [output_band(scene, &self.nir, "nir")?, output_band(scene, &self.swir1, "swir1")?];
        scales(scene, bands, KIND.name)?;
        let names = bands.map(|band| scene.bands[band].name.as_str());
        let words = format!("{}: darker than at other times", names.join(", "));
        let (erode, dilate) = (Disc::new(self.erode, self.erode), Disc::new(self.dilate, self.dilate));
        let bound = Bound { settings: self.clone(), bands, words, erode, dilate };
        Ok(MaskBinding::NeedsSurvey(Arc::new(bound)))
    }
}

#[derive(Clone)]
struct Bound {
    settings: Settings,
    /// Near infrared, first short-wave infrared.
    bands: [usize; 2],
    words: String,
    erode: Disc,
    dilate: Disc,
}

/// The facts from the stack.
struct Known {
    /// Scale and offset of the two bands.
    scales: Vec<(f64, f64)>,
    others: Vec<usize>,
}

impl PlannedMask for Bound {
    fn bands(&self) -> &[usize] {
        &self.bands
    }

    fn halo(&self) -> usize {
        Morphology::Shrink.halo(&self.erode) + Morphology::Grow.halo(&self.dilate)
    }

    fn compares(&self, stack: &MaskStack<'_>) -> Vec<usize> {
        let mut others = nearest_first(stack, self.settings.within_days);
        others.sort_unstable();
        others
    }

    fn needs_neutral(&self) -> bool {
        !self.dilate.is_point()
    }

    fn describe(&self) -> String {
        self.words.clone()
    }
}

impl UnfittedMask for Bound {
    fn fit(&self, stack: &MaskStack<'_>, _: &Survey) -> Result<Arc<dyn BoundMask>, KindError> {
        let scales = scales(&stack.scenes[stack.reference], self.bands, KIND.name)?;
        let known = Known { scales, others: self.compares(stack) };
        Ok(Arc::new(Fitted { bound: self.clone(), known: Some(known), notes: Vec::new() }))
    }

    fn restore(&self, stack: &MaskStack<'_>, _: &Learned) -> Result<Arc<dyn BoundMask>, KindError> {
        self.fit(stack, &Survey::default())
    }

    fn alone(&self) -> Arc<dyn BoundMask> {
        Arc::new(Fitted { bound: self.clone(), known: None::<Known>, notes: Vec::new() })
    }
}

impl BoundMask for Fitted<Bound, Option<Known>> {
    fn mark(&self, input: &MaskInput<'_>, mut marked: ArrayViewMut2<'_, u8>) -> Result<(), KindError> {
        let Some((stack, known)) = input.stack.zip(self.known.as_ref()) else { return Ok(()) };
        let mut unjudged = Array2::ones(marked.dim());
        self.bound.judge(known, stack, marked.view_mut(), &mut unjudged);
        // Pixels that cannot be judged do not erode a shadow.
        Morphology::Shrink.apply(marked.view_mut(), unjudged.view(), &self.bound.erode);
        Morphology::Grow.apply(marked, input.neutral, &self.bound.dilate);
        Ok(())
    }
}

impl Bound {
    /// Marks what is dark, and says where that could not be told.
    fn judge(
        &self,
        known: &Known,
        stack: &Compared<'_>,
        mut marked: ArrayViewMut2<'_, u8>,
        unjudged: &mut Array2<u8>,
    ) {
        let others = ranked(stack, &known.others);
        let planes = [0, 1].map(|i| if stack.own.valid.dim().0 == 1 { 0 } else { self.bands[i] });
        let seen = |block: &Block, row: usize, seen: &mut [u8]| {
            let [first, second] = planes.map(|plane| block.valid_row(plane, row));
            seen.iter_mut().zip(first.iter().zip(second)).for_each(|(seen, (a, b))| *seen = a & b);
        };
        let (height, width) = marked.dim();
        let (mut own_seen, mut look) = (vec![0; width], vec![0; width]);
        let mut sums = RowSums::new(width);
        for row in 0..height {
            seen(stack.own, row, &mut own_seen);
            let own = self.bands.map(|band| stack.own.values_row(band, row));
            sums.clear();
            for other in &others {
                seen(other.block, row, &mut look);
                sums.add(own, self.bands.map(|band| other.block.values_row(band, row)), &look);
            }
            let mut marks = marked.index_axis_mut(Axis(0), row);
            for col in (0..width).filter(|col| own_seen[*col] != 0) {
                if sums.count[col] + 1 >= self.settings.at_least as u32 {
                    unjudged[[row, col]] = 0;
                    marks[col] = u8::from(self.is_dark(known, own.map(|own| own[col]), &sums, col));
                }
            }
        }
    }

    /// Whether a look is a dark outlier among all at its pixel (Housman, Chastain and Finco 2018).
    fn is_dark(&self, known: &Known, own: [f32; 2], sums: &RowSums, col: usize) -> bool {
        let count = f64::from(sums.count[col] + 1);
        let reflectance = |i: usize| f64::from(own[i]) * known.scales[i].0 + known.scales[i].1;
        let below = |i: usize| {
            let (scale, mean) = (known.scales[i].0, sums.differences[i][col] / count);
            let variance = (sums.squares[i][col] / count - mean * mean).max(0.0);
            -mean * scale / (variance.sqrt() * scale.abs()).max(FLOOR) < self.settings.z
        };
        reflectance(0) + reflectance(1) < self.settings.sum && below(0) && below(1)
    }
}

/// Sums over the other looks at the pixels of a row, of their differences to the own look: nothing is lost where values are
/// large beside their spread. Each pixel's are taken in the order of the scenes.
struct RowSums {
    /// Looks.
    count: Vec<u32>,
    /// Per band.
    differences: [Vec<f64>; 2],
    squares: [Vec<f64>; 2],
}

impl RowSums {
    fn new(width: usize) -> Self {
        let zeros = || [vec![0.0; width], vec![0.0; width]];
        Self { count: vec![0; width], differences: zeros(), squares: zeros() }
    }

    fn clear(&mut self) {
        self.count.fill(0);
        self.differences.iter_mut().chain(&mut self.squares).for_each(|sums| sums.fill(0.0));
    }

    /// Adds the look of another scene where it is seen (1).
    fn add(&mut self, own: [&[f32]; 2], other: [&[f32]; 2], seen: &[u8]) {
        self.count.iter_mut().zip(seen).for_each(|(count, seen)| *count += u32::from(*seen));
        for i in [0, 1] {
            let sums = self.differences[i].iter_mut().zip(&mut self.squares[i]);
            let looks = own[i].iter().zip(other[i]).zip(seen);
            for ((difference, square), ((own, other), seen)) in sums.zip(looks) {
                // Invalid samples may be NaN: they are skipped by a choice, not by a multiplication with 0.
                let by = if *seen != 0 { f64::from(*other) - f64::from(*own) } else { 0.0 };
                *difference += by;
                *square += by * by;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::scene;
    use compose_core::{DataType, SceneFacts};

    fn bound(settings: Settings) -> Bound {
        let disc = Disc::new(0.0, 0.0);
        Bound { settings, bands: [0, 1], words: String::new(), erode: disc.clone(), dilate: disc }
    }

    const PLAIN: [(f64, f64); 2] = [(1.0, 0.0); 2];

    /// Of looks at one pixel, whether the first is dark: in one pass, and as it is defined.
    fn is_dark(scales: [(f64, f64); 2], looks: &[[f32; 2]]) -> [bool; 2] {
        let (bound, known) =
            (bound(Settings::default()), Known { scales: scales.into(), others: Vec::new() });
        let row = |look: &[f32; 2]| look.map(|value| [value]);
        let own = row(&looks[0]);
        let mut sums = RowSums::new(1);
        for look in &looks[1..] {
            let other = row(look);
            sums.add([&own[0], &own[1]], [&other[0], &other[1]], &[1]);
            sums.add([&own[0], &own[1]], [&[f32::NAN], &[1e30]], &[0]);
        }
        [bound.is_dark(&known, looks[0], &sums, 0), plainly(&bound.settings, scales, looks)]
    }

    /// Mean and standard deviation as they are defined, in two passes.
    fn plainly(settings: &Settings, scales: [(f64, f64); 2], looks: &[[f32; 2]]) -> bool {
        let count = looks.len() as f64;
        let reflectance = |look: &[f32; 2], i: usize| f64::from(look[i]) * scales[i].0 + scales[i].1;
        let below = |i: usize| {
            let mean = looks.iter().map(|look| reflectance(look, i)).sum::<f64>() / count;
            let variance =
                looks.iter().map(|look| (reflectance(look, i) - mean).powi(2)).sum::<f64>() / count;
            (reflectance(&looks[0], i) - mean) / variance.sqrt().max(FLOOR) < settings.z
        };
        reflectance(&looks[0], 0) + reflectance(&looks[0], 1) < settings.sum && below(0) && below(1)
    }

    /// As stored by Landsat (Collection 2, Level 2), a third of the looks darkened, from two to forty of them.
    #[test]
    fn one_pass_over_the_looks_tells_what_their_mean_and_deviation_tell() {
        let mut state = 7_u64;
        let mut next = |most: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % most
        };
        let mut dark = 0;
        for pixel in 0..20_000 {
            let looks: Vec<[f32; 2]> = (0..2 + next(39))
                .map(|_| {
                    let part = if next(3) == 0 { 0.75 } else { 1.0 };
                    [(13_000 + next(1500)) as f32 * part, (12_000 + next(900)) as f32 * part]
                })
                .collect();
            let [fast, plain] = is_dark([(2.75e-5, -0.2); 2], &looks);
            assert_eq!(fast, plain, "pixel {pixel}: {looks:?}");
            dark += usize::from(fast);
        }
        assert!((2000..10_000).contains(&dark), "{dark}");
    }

    #[test]
    fn dark_in_one_band_alone_is_no_shadow() {
        let dark =
            |first: [f32; 2]| is_dark(PLAIN, &[first, [0.3, 0.2], [0.31, 0.21], [0.29, 0.19], [0.3, 0.2]]);
        assert_eq!(dark([0.15, 0.1]), [true; 2]);
        assert_eq!([dark([0.15, 0.2]), dark([0.3, 0.1])], [[false; 2]; 2]);
    }

    #[test]
    fn a_bright_surface_that_darkens_a_little_is_no_shadow() {
        let dark = |first: f32| is_dark(PLAIN, &[[first; 2], [0.4; 2], [0.4; 2], [0.4; 2], [0.4; 2]]);
        assert_eq!([dark(0.18), dark(0.17)], [[false; 2], [true; 2]]);
    }

    #[test]
    fn looks_that_agree_to_the_last_digit_make_no_shadow_of_noise() {
        let dark = |first: f32| is_dark(PLAIN, &[[first; 2], [0.1; 2], [0.1; 2], [0.1; 2], [0.1; 2]]);
        assert_eq!([dark(0.094), dark(0.093)], [[false; 2], [true; 2]]);
    }

    #[test]
    fn a_scale_that_is_unknown_is_refused_before_the_survey() {
        let mut unknown = scene("", DataType::UInt8);
        unknown.bands[0].scale_offset = None;
        let rule = Settings { nir: "B4".into(), swir1: "B4".into(), ..Settings::default() };
        let known = SceneFacts { id: "known".into(), ..scene("", DataType::UInt8) };
        let message = rule.bind(&unknown).err().unwrap().to_string();
        assert!(message.contains("works in reflectance, but the scale of B4 is unknown"), "{message}");
        let bound = rule.bind(&known).unwrap();
        let scenes = [known, unknown];
        let stack = MaskStack { scenes: &scenes, scene: 0, reference: 1 };
        assert_eq!(bound.fit(&stack, &Survey::default()).err().unwrap().to_string(), message);
    }
}
