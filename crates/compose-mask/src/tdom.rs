#![doc = include_str!("tdom.md")]

use crate::comparing::{nearest_first, output_band, outside, ranked, scales, seen, unsettled};
use crate::morph::{Disc, Morphology};
use compose_core::mask_rule::{Compared, MaskKind};
use compose_core::{
    Block, BoundMask, KindError, MaskInput, MaskRule, MaskStack, Problem, SceneFacts, SettingsTable, Survey,
};
use ndarray::{Array2, ArrayViewMut2};
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
    fn bind(&self, scene: &SceneFacts) -> Result<Box<dyn BoundMask>, KindError> {
        let bands = [output_band(scene, &self.nir, "nir")?, output_band(scene, &self.swir1, "swir1")?];
        scales(scene, bands, KIND.name)?;
        let names = bands.map(|band| scene.bands[band].name.as_str());
        let words = format!("{}: darker than at other times", names.join(", "));
        let (erode, dilate) = (Disc::new(self.erode, self.erode), Disc::new(self.dilate, self.dilate));
        Ok(Box::new(Bound { settings: self.clone(), bands, words, erode, dilate, known: None }))
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
    known: Option<Known>,
}

/// What the stack tells.
#[derive(Clone)]
struct Known {
    /// Scale and offset of the two bands.
    scales: Vec<(f64, f64)>,
    others: Vec<usize>,
}

impl BoundMask for Bound {
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

    fn settle(&self, stack: &MaskStack<'_>, _: &Survey) -> Result<Option<Arc<dyn BoundMask>>, KindError> {
        let scales = scales(&stack.scenes[stack.reference], self.bands, KIND.name)?;
        let known = Known { scales, others: self.compares(stack) };
        Ok(Some(Arc::new(Self { known: Some(known), ..self.clone() })))
    }

    fn needs_neutral(&self) -> bool {
        !self.dilate.is_point()
    }

    fn mark(&self, input: &MaskInput<'_>, mut marked: ArrayViewMut2<'_, u8>) -> Result<(), KindError> {
        let Some(stack) = input.stack else { return Ok(()) };
        let known = self.known.as_ref().ok_or_else(|| unsettled(KIND.name))?;
        let mut unjudged = Array2::ones(marked.dim());
        self.judge(known, stack, marked.view_mut(), &mut unjudged);
        // What cannot be judged is no edge of a shadow.
        Morphology::Shrink.apply(marked.view_mut(), unjudged.view(), &self.erode);
        Morphology::Grow.apply(marked, input.neutral, &self.dilate);
        Ok(())
    }

    fn describe(&self) -> String {
        self.words.clone()
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
        let blocks = [stack.own].into_iter().chain(others.iter().map(|other| other.block));
        let looks: Vec<(&Block, Array2<u8>)> =
            blocks.map(|block| (block, seen(block, &self.bands))).collect();
        let mut values: Vec<[f64; 2]> = Vec::with_capacity(looks.len());
        for (at, mark) in marked.indexed_iter_mut().filter(|(at, _)| looks[0].1[*at] != 0) {
            values.clear();
            values.extend(
                looks.iter().filter(|(_, seen)| seen[at] != 0).map(|(b, _)| self.pixel(known, b, at)),
            );
            if values.len() >= self.settings.at_least {
                unjudged[at] = 0;
                *mark = u8::from(self.is_dark(&values));
            }
        }
    }

    fn pixel(&self, known: &Known, block: &Block, (row, col): (usize, usize)) -> [f64; 2] {
        let of = |i: usize| {
            let (scale, offset) = known.scales[i];
            f64::from(block.values[[self.bands[i], row, col]]) * scale + offset
        };
        [of(0), of(1)]
    }

    /// Whether the first of these looks is a dark outlier (Housman, Chastain and Finco 2018).
    fn is_dark(&self, looks: &[[f64; 2]]) -> bool {
        let count = looks.len() as f64;
        let below = |band: usize| {
            let mean = looks.iter().map(|look| look[band]).sum::<f64>() / count;
            let variance = looks.iter().map(|look| (look[band] - mean).powi(2)).sum::<f64>() / count;
            (looks[0][band] - mean) / variance.sqrt().max(FLOOR) < self.settings.z
        };
        looks[0][0] + looks[0][1] < self.settings.sum && below(0) && below(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::scene;
    use compose_core::{DataType, SceneFacts};

    fn bound(settings: Settings) -> Bound {
        let disc = Disc::new(0.0, 0.0);
        Bound {
            settings,
            bands: [0, 1],
            words: String::new(),
            erode: disc.clone(),
            dilate: disc,
            known: None,
        }
    }

    #[test]
    fn dark_in_one_band_alone_is_no_shadow() {
        let bound = bound(Settings::default());
        let with = |first: [f64; 2]| [first, [0.3, 0.2], [0.31, 0.21], [0.29, 0.19], [0.3, 0.2]];
        assert!(bound.is_dark(&with([0.15, 0.1])));
        assert!(!bound.is_dark(&with([0.15, 0.2])) && !bound.is_dark(&with([0.3, 0.1])));
    }

    #[test]
    fn a_bright_surface_that_darkens_a_little_is_no_shadow() {
        let bound = bound(Settings::default());
        let with = |first: [f64; 2]| [first, [0.4, 0.4], [0.4, 0.4], [0.4, 0.4], [0.4, 0.4]];
        assert!(!bound.is_dark(&with([0.18, 0.18])) && bound.is_dark(&with([0.17, 0.17])));
    }

    #[test]
    fn looks_that_agree_to_the_last_digit_make_no_shadow_of_noise() {
        let bound = bound(Settings::default());
        let with = |first: [f64; 2]| [first, [0.1, 0.1], [0.1, 0.1], [0.1, 0.1], [0.1, 0.1]];
        assert!(!bound.is_dark(&with([0.094, 0.094])) && bound.is_dark(&with([0.093, 0.093])));
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
        assert_eq!(bound.settle(&stack, &Survey::default()).err().unwrap().to_string(), message);
    }
}
