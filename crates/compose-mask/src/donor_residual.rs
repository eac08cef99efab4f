#![doc = include_str!("donor_residual.md")]

mod model;

use crate::comparing::{Fitted, nearest_first, output_band, outside, ranked, seen};
use crate::morph::{Disc, Morphology};
use compose_core::mask_rule::{Compared, MaskKind};
use compose_core::{
    BoundMask, KindError, Learned, MaskBinding, MaskInput, MaskRule, MaskStack, PlannedMask, Problem,
    SceneFacts, SettingsTable, Survey, UnfittedMask,
};
use model::Model;
use ndarray::{Array2, ArrayViewMut2, Zip};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

/// The kind `donor-residual`.
pub const KIND: MaskKind = MaskKind {
    name: "donor-residual",
    page: include_str!("donor_residual.md"),
    schema: &|| schemars::schema_for!(Settings),
    parse: &parse,
};

/// Settings of `donor-residual`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// Robust standard deviations by which a shadow is darker than expected in the infrared; a third of it in the
    /// visible.
    pub k: f64,
    /// Scenes that a scene is compared with, the nearest in time.
    pub donors: usize,
    /// Visible bands; where absent those called `coastal`, `blue`, `green` and `red`.
    pub visible: Option<Vec<String>>,
    /// Infrared bands; where absent those called `nir`, `nir08`, `nir-narrow`, `swir1` and `swir2`.
    pub infrared: Option<Vec<String>>,
    /// Radius in pixels of the specks that are dropped.
    pub clean: f64,
    /// Pixels by which a shadow grows, onto pixels that are darker than half of the limit in all infrared bands.
    pub margin: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { k: 1.5, donors: 4, visible: None, infrared: None, clean: 1.0, margin: 2.0 }
    }
}

/// The names of bands of these colours in presets.
const VISIBLE: [&str; 4] = ["coastal", "blue", "green", "red"];
const INFRARED: [&str; 5] = ["nir", "nir08", "nir-narrow", "swir1", "swir2"];
/// Longest radius in pixels.
const LONGEST: f64 = 100.0;
/// Pixels to each side of those that vote on a pixel: 5 × 5.
const AROUND: usize = 2;

fn parse(table: &SettingsTable<'_>) -> Result<Box<dyn MaskRule>, Vec<Problem>> {
    let settings: Settings = table.read("donor-residual")?;
    let none = |key: &str, what: &str| Some(table.problem_at(key, format!("{key} {what}")));
    let empty = |names: &Option<Vec<String>>| names.as_ref().is_some_and(Vec::is_empty);
    let problems: Vec<Problem> = [
        outside(table, "k", settings.k, 0.01..=100.0),
        (settings.donors == 0).then(|| none("donors", "is 0, expected 1 or more")).flatten(),
        empty(&settings.infrared).then(|| none("infrared", "is empty; name at least one band")).flatten(),
        outside(table, "clean", settings.clean, 0.0..=LONGEST),
        outside(table, "margin", settings.margin, 0.0..=LONGEST),
    ]
    .into_iter()
    .flatten()
    .collect();
    if problems.is_empty() { Ok(Box::new(settings)) } else { Err(problems) }
}

impl MaskRule for Settings {
    fn bind(&self, scene: &SceneFacts) -> Result<MaskBinding, KindError> {
        let infrared = chosen(scene, self.infrared.as_deref(), &INFRARED, "infrared")?;
        if infrared.is_empty() {
            let bands: Vec<&str> = scene.bands[..scene.wanted].iter().map(|b| b.name.as_str()).collect();
            return Err(KindError::new(format!(
                "no infrared band among those of the output ({}), and shadows are darkest there; add one to bands, or name \
                 them with infrared = [\"…\"]",
                bands.join(", ")
            )));
        }
        let mut visible = chosen(scene, self.visible.as_deref(), &VISIBLE, "visible")?;
        visible.retain(|band| !infrared.contains(band));
        let bands = infrared.iter().chain(&visible).copied().collect();
        Ok(MaskBinding::NeedsSurvey(Arc::new(Bound {
            k: self.k,
            donors: self.donors,
            output_bands: (0..scene.wanted).collect(),
            bands,
            infrared: infrared.len(),
            clean: Disc::new(self.clean, self.clean),
            margin: Disc::new(self.margin, self.margin),
        })))
    }
}

/// The bands that are named, else those of the output that are called so; each once.
fn chosen(
    scene: &SceneFacts,
    named: Option<&[String]>,
    usual: &[&str],
    setting: &'static str,
) -> Result<Vec<usize>, KindError> {
    let mut bands: Vec<usize> = match named {
        Some(names) => {
            names.iter().map(|name| output_band(scene, name, setting)).collect::<Result<_, _>>()?
        }
        None => {
            let wanted = &scene.bands[..scene.wanted];
            usual.iter().filter_map(|name| wanted.iter().position(|b| b.is_called(name))).collect()
        }
    };
    bands.sort_unstable();
    bands.dedup();
    Ok(bands)
}

#[derive(Clone)]
struct Bound {
    k: f64,
    donors: usize,
    output_bands: Vec<usize>,
    /// The bands that are compared: infrared, then visible.
    bands: Vec<usize>,
    /// The number of infrared bands among them.
    infrared: usize,
    clean: Disc,
    margin: Disc,
}

impl PlannedMask for Bound {
    fn bands(&self) -> &[usize] {
        &self.bands
    }

    fn halo(&self) -> usize {
        AROUND + Morphology::Open.halo(&self.clean) + Morphology::Grow.halo(&self.margin)
    }

    fn compares(&self, stack: &MaskStack<'_>) -> Vec<usize> {
        let mut donors = nearest_first(stack, None);
        donors.truncate(self.donors);
        donors
    }

    fn needs_neutral(&self) -> bool {
        !self.margin.is_point()
    }

    fn describe(&self) -> String {
        format!("darker by {} standard deviations than other scenes make one expect", self.k)
    }
}

impl UnfittedMask for Bound {
    fn fit(&self, stack: &MaskStack<'_>, survey: &Survey) -> Result<Arc<dyn BoundMask>, KindError> {
        let (own, id) = (stack.scene, |scene: usize| &stack.scenes[scene].id);
        let (mut models, mut notes) = (Vec::new(), Vec::new());
        for donor in self.compares(stack) {
            match Model::learn(survey, own, donor, &self.bands) {
                Ok(model) => models.push(model),
                Err((found, needed)) => notes.push(format!(
                    "{}: {} is no donor of donor-residual: {found} clear pixels in common, {needed} needed",
                    id(own),
                    id(donor)
                )),
            }
        }
        if models.is_empty() {
            notes.push(format!("{}: donor-residual has no donor and marks nothing", id(own)));
        }
        // Donors come by date, and the sort is stable: of two that agree equally well the nearer goes first.
        models.sort_by(|a, b| a.unexplained.total_cmp(&b.unexplained));
        Ok(Arc::new(Fitted { bound: self.clone(), known: models, notes }))
    }

    fn restore(&self, stack: &MaskStack<'_>, learned: &Learned) -> Result<Arc<dyn BoundMask>, KindError> {
        let (known, notes): (Vec<Model>, Vec<String>) = learned.read()?;
        let donors = self.compares(stack);
        let fits = |model: &Model| {
            donors.contains(&model.donor) && model.has(self.bands.len(), self.output_bands.len())
        };
        if !known.iter().all(fits) {
            return Err(KindError::new("what it learned from the survey is of other donors or bands"));
        }
        Ok(Arc::new(Fitted { bound: self.clone(), known, notes }))
    }

    fn alone(&self) -> Arc<dyn BoundMask> {
        Arc::new(Fitted { bound: self.clone(), known: Vec::<Model>::new(), notes: Vec::new() })
    }
}

impl BoundMask for Fitted<Bound, Vec<Model>> {
    fn mark(&self, input: &MaskInput<'_>, mut marked: ArrayViewMut2<'_, u8>) -> Result<(), KindError> {
        let Some(stack) = input.stack else { return Ok(()) };
        let looks = self.bound.look(&self.known, stack);
        self.bound.vote(&looks, marked.view_mut());
        // Pixels that could not be judged do not erode a shadow.
        Morphology::Open.apply(marked.view_mut(), looks.unjudged.view(), &self.bound.clean);
        let core = marked.to_owned();
        Morphology::Grow.apply(marked.view_mut(), input.neutral, &self.bound.margin);
        // A shadow fades at its edge: pixels as bright as expected are not part of it.
        Zip::from(&mut marked)
            .and(&core)
            .and(&looks.half)
            .and(&looks.unjudged)
            .for_each(|mark, core, half, unjudged| *mark &= core | half | unjudged);
        Ok(())
    }

    fn learned(&self) -> Learned {
        Learned::of(&(&self.known, &self.notes))
    }
}

/// The votes of the donors on every pixel.
struct Looks {
    /// 1 where nothing is to be compared.
    unjudged: Array2<u8>,
    /// Per band that is judged: 1 where it is darker than its limit.
    dark: Vec<Array2<u8>>,
    /// 1 where every infrared band is darker than half of its limit.
    half: Array2<u8>,
}

impl Bound {
    /// Compares every pixel with the best donor that shows it.
    fn look(&self, models: &[Model], stack: &Compared<'_>) -> Looks {
        let own = seen(stack.own, &self.bands);
        let nothing = || Array2::zeros(own.dim());
        let mut looks = Looks {
            unjudged: Array2::ones(own.dim()),
            dark: self.bands.iter().map(|_| nothing()).collect(),
            half: nothing(),
        };
        let pairs = models
            .iter()
            .flat_map(|model| ranked(stack, &[model.donor]).into_iter().map(move |d| (model, d)));
        for (model, donor) in pairs {
            let shown = seen(donor.block, &self.output_bands);
            for (at, shown) in shown.indexed_iter() {
                if looks.unjudged[at] & own[at] & shown == 0 {
                    continue;
                }
                looks.unjudged[at] = 0;
                let mut half = 1;
                for (nth, band) in self.bands.iter().enumerate() {
                    let z = model.z(nth, stack.own.values[[*band, at.0, at.1]], donor.block, at);
                    let limit = if nth < self.infrared { -self.k } else { -self.k / 3.0 };
                    looks.dark[nth][at] = u8::from(z < limit);
                    half &= u8::from(nth >= self.infrared || z < limit / 2.0);
                }
                looks.half[at] = half;
            }
        }
        looks
    }

    /// Marks where the median of 5 × 5 pixels is below its limit in every band: where more than half of them are.
    fn vote(&self, looks: &Looks, mut marked: ArrayViewMut2<'_, u8>) {
        let judged = looks.unjudged.mapv(|unjudged| 1 - unjudged);
        let voters = around(&judged);
        marked.assign(&judged);
        for dark in &looks.dark {
            let votes = around(dark);
            Zip::from(&mut marked).and(&votes).and(&voters).for_each(|mark, votes, voters| {
                *mark &= u8::from(2 * votes > *voters);
            });
        }
    }
}

/// For each pixel, how many of those around it are 1.
fn around(plane: &Array2<u8>) -> Array2<u8> {
    let (height, width) = plane.dim();
    let span = |at: usize, end: usize| at.saturating_sub(AROUND)..(at + AROUND + 1).min(end);
    let rows =
        Array2::from_shape_fn((height, width), |(r, c)| span(c, width).map(|c| plane[[r, c]]).sum::<u8>());
    Array2::from_shape_fn((height, width), |(r, c)| span(r, height).map(|r| rows[[r, c]]).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::scene;
    use compose_core::DataType;

    #[test]
    fn around_a_pixel_are_25_and_fewer_at_the_edge() {
        let counts = around(&Array2::ones((6, 7)));
        assert_eq!((counts[[2, 3]], counts[[0, 0]], counts[[5, 3]]), (25, 9, 15));
    }

    #[test]
    fn without_an_infrared_band_it_is_refused() {
        let message = Settings::default().bind(&scene("", DataType::UInt8)).err().unwrap().to_string();
        assert!(message.starts_with("no infrared band among those of the output (B4)"), "{message}");
    }

    #[test]
    fn a_band_is_infrared_rather_than_visible_and_counted_once() {
        let named = Settings {
            infrared: Some(vec!["B4".into(), "red".into()]),
            visible: Some(vec!["B4".into()]),
            ..Settings::default()
        };
        assert_eq!(named.bind(&scene("", DataType::UInt8)).unwrap().planned().bands(), [0]);
    }
}
