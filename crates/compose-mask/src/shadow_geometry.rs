#![doc = include_str!("shadow_geometry.md")]

mod cell_cover;
mod darkness;
mod pieces;
mod shadow_offset;

use crate::band;
use crate::morph::{Disc, Morphology};
use crate::nestable::NESTABLE;
use crate::tree::{Node, evaluation_grid, nested};
use cell_cover::{CELL, CellCover};
use compose_core::mask_rule::MaskKind;
use compose_core::{
    BandFacts, BoundMask, KindError, Layout, MaskBinding, MaskInput, MaskRule, Plane, PlannedMask, Problem,
    SceneFacts, SettingsTable, Sun,
};
use darkness::{AROUND, DarkBand};
use ndarray::{Array2, ArrayViewMut2, Zip, s};
use pieces::{BESIDE, Search};
use schemars::JsonSchema;
use serde::Deserialize;
use shadow_offset::ShadowOffset;
use std::sync::Arc;

/// The kind `shadow-geometry`.
pub const KIND: MaskKind = MaskKind {
    name: "shadow-geometry",
    page: include_str!("shadow_geometry.md"),
    schema: &|| schemars::schema_for!(Settings),
    parse: &parse,
};

/// Settings of `shadow-geometry`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// A rule that marks the clouds: a table as in `[[mask]]`.
    #[schemars(schema_with = "any_rule")]
    pub clouds: serde::de::IgnoredAny,
    /// The bands in which a shadow is dark, in each of them.
    #[serde(default = "nir")]
    pub bands: Vec<String>,
    /// A pixel is dark below this share of the median of the clear pixels around it.
    #[serde(default = "three_quarters")]
    pub dark_below: f64,
    /// The share of dark pixels that a shadow has more than.
    #[serde(default = "three_tenths")]
    pub similarity: f64,
    /// Heights of the lowest and the highest cloud above the ground, metres.
    #[serde(default = "heights")]
    pub heights: [f64; 2],
    /// Height of the sun above the horizon, degrees; that of the scene's metadata where absent.
    pub sun_elevation: Option<f64>,
    /// Direction of the sun, degrees clockwise from north; that of the scene's metadata where absent.
    pub sun_azimuth: Option<f64>,
}

/// Every rule is described in one place of the schema of rules files.
fn any_rule(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::Schema::new_ref("#/$defs/rule".into())
}

fn nir() -> Vec<String> {
    vec!["nir".into()]
}

fn three_quarters() -> f64 {
    0.75
}

fn three_tenths() -> f64 {
    0.3
}

fn heights() -> [f64; 2] {
    [200.0, 12_000.0]
}

/// Pixels that a shadow may lie beside the place where it is looked for: a cloud's edge is thin, and its height
/// is not the same all over.
const GROW: f64 = 2.0;
/// Bright specks in a shadow that are narrower than this are closed: the pixels that touch one another.
const CLOSE: f64 = 1.5;

fn parse(table: &SettingsTable<'_>) -> Result<Box<dyn MaskRule>, Vec<Problem>> {
    let kinds: Vec<&MaskKind> = NESTABLE.iter().collect();
    let clouds = nested(table, "clouds", &kinds);
    if let (None, Err(missing)) = (table.get("clouds"), &clouds) {
        return Err(missing.clone());
    }
    let settings: Settings = table.read("shadow-geometry")?;
    let mut problems = settings.problems(table);
    match clouds {
        Ok(clouds) if problems.is_empty() => Ok(Box::new(Rule { clouds, settings })),
        Ok(_) => Err(problems),
        Err(more) => {
            problems.extend(more);
            Err(problems)
        }
    }
}

impl Settings {
    fn problems(&self, table: &SettingsTable<'_>) -> Vec<Problem> {
        let Self { dark_below, similarity, heights: [low, high], .. } = self;
        let (elevation, azimuth) = (self.sun_elevation, self.sun_azimuth);
        // Key, whether it is right, and what is said where it is not.
        let judged = [
            ("bands", !self.bands.is_empty(), "bands is empty; name at least one, such as \"nir\"".into()),
            (
                "dark-below",
                *dark_below > 0.0 && *dark_below <= 1.0,
                format!("dark-below is {dark_below}, expected a share above 0 and up to 1"),
            ),
            (
                "similarity",
                (0.0..1.0).contains(similarity),
                format!("similarity is {similarity}, expected a share from 0 to below 1"),
            ),
            (
                "heights",
                *low >= 0.0 && low < high && high.is_finite(),
                format!(
                    "heights is [{low}, {high}], expected the lowest and the highest in metres, such as [200, 12000]"
                ),
            ),
            (
                "sun-elevation",
                elevation.is_none_or(|e| e > 0.0 && e <= 90.0),
                format!("sun-elevation is {}, expected degrees above 0 and up to 90", number(elevation)),
            ),
            (
                "sun-azimuth",
                azimuth.is_none_or(|a| a.abs() <= 360.0),
                format!("sun-azimuth is {}, expected degrees from -360 to 360", number(azimuth)),
            ),
            ("sun-elevation", elevation.is_none() || azimuth.is_some(), both("sun-elevation", "sun-azimuth")),
            ("sun-azimuth", azimuth.is_none() || elevation.is_some(), both("sun-azimuth", "sun-elevation")),
        ];
        let wrong = judged.into_iter().filter(|(_, is_right, _)| !is_right);
        wrong.map(|(key, _, message)| table.problem_at(key, message)).collect()
    }

    fn sun(&self, scene: &SceneFacts) -> Result<Sun, KindError> {
        match (self.sun_elevation, self.sun_azimuth) {
            (Some(elevation), Some(azimuth)) => Ok(Sun { elevation, azimuth }),
            _ => scene.sun.ok_or_else(|| {
                KindError::new(
                    "nothing says where the sun stood: put the scene's *_MTL.txt beside its files, or say \
                     sun-elevation and sun-azimuth",
                )
            }),
        }
    }
}

fn number(value: Option<f64>) -> f64 {
    value.unwrap_or_default()
}

fn both(said: &str, missing: &str) -> String {
    format!("{said} without {missing}; say both, or neither where the scene's metadata says them")
}

/// Why a rule that compares scenes casts no shadow.
const COMPARES: &str =
    "clouds holds a rule that compares scenes; expected rules that judge a scene by itself, such as bits";

#[derive(Debug)]
struct Rule {
    clouds: Node,
    settings: Settings,
}

impl MaskRule for Rule {
    fn bind(&self, scene: &SceneFacts) -> Result<MaskBinding, KindError> {
        let mut dark = Vec::new();
        for name in &self.settings.bands {
            let band = band::data(scene, name, "bands")?;
            if !dark.contains(&band) {
                dark.push(band);
            }
        }
        let clouds = match self.clouds.bind_beside(scene, &dark)? {
            MaskBinding::Ready(clouds) => clouds,
            MaskBinding::NeedsSurvey(_) => return Err(KindError::new(COMPARES).about("clouds")),
        };
        let grid = evaluation_grid(scene, clouds.bands());
        let sun = self.settings.sun(scene)?;
        let offset = ShadowOffset::new(sun, grid).map_err(KindError::new)?;
        let offsets =
            offset.offsets(self.settings.heights).map_err(|e| KindError::new(e).about("heights"))?;
        let facts: Vec<&BandFacts> = dark.iter().map(|band| &scene.bands[*band]).collect();
        let unknown = facts.iter().filter(|band| darkness::zero(band).is_none());
        let notes = unknown.map(|band| no_scale(band)).chain(clouds.notes()).collect();
        let names: Vec<&str> = facts.iter().map(|band| band.name.as_str()).collect();
        Ok(MaskBinding::ready(Bound {
            zeros: facts.iter().map(|band| darkness::zero(band).unwrap_or(0.0)).collect(),
            fill: clouds.bands().iter().map(|band| scene.bands[*band].layout).collect(),
            words: words(&*clouds, sun, &offsets, &names.join(", ")),
            dark_below: self.settings.dark_below as f32,
            similarity: self.settings.similarity,
            clouds,
            offsets,
            notes,
        }))
    }
}

fn no_scale(band: &BandFacts) -> String {
    format!(
        "the scale of {} is unknown: its number 0 is taken for reflectance 0; if it is not, say scale and offset in [scenes]",
        band.name
    )
}

fn words(clouds: &dyn PlannedMask, sun: Sun, offsets: &[(i64, i64)], dark: &str) -> String {
    let far = |(cols, rows): &(i64, i64)| (*cols as f64).hypot(*rows as f64).round();
    let (near, far) = (offsets.first().map_or(0.0, far), offsets.last().map_or(0.0, far));
    let Sun { elevation, azimuth } = sun;
    format!(
        "shadows of ({}), {near} to {far} px away (sun {elevation:.1}° high in {azimuth:.1}°), where {dark} is dark",
        clouds.describe()
    )
}

struct Bound {
    /// Its bands begin with those in which shadows are dark.
    clouds: Arc<dyn BoundMask>,
    /// For each of these bands, the number that is added to a sample.
    zeros: Vec<f32>,
    /// For each band, the layout that tells which codes are fill.
    fill: Vec<Option<&'static Layout>>,
    offsets: Vec<(i64, i64)>,
    dark_below: f32,
    similarity: f64,
    words: String,
    notes: Vec<String>,
}

impl Bound {
    /// The farthest that a shadow falls along an axis.
    fn reach(&self) -> usize {
        let farthest = self.offsets.iter().map(|(cols, rows)| cols.abs().max(rows.abs())).max();
        farthest.map_or(0, |px| px as usize)
    }

    /// The halo of the search for shadows, in pixels; the halo of the cloud rule is added to it. A shadow pixel
    /// belongs to a cloud up to `reach` away, and GROW more beside it. The cell of that cloud is matched together with
    /// the BESIDE cells on each side of it, whose shadows are compared with dark pixels as well. Whether a pixel is
    /// dark depends on the cells up to AROUND away. The halo is the sum of these distances.
    fn own_halo(&self) -> usize {
        let cells = |far: usize| (far + 1) * CELL - 1;
        GROW as usize + self.reach() + cells(BESIDE) + cells(AROUND)
    }

    /// Removes fill and pixels outside the scene from the clouds; returns the other pixels that all bands of shadows
    /// see.
    fn clear(&self, input: &MaskInput<'_>, clouds: &mut Array2<u8>) -> Array2<u8> {
        let mut clear = Array2::ones(clouds.dim());
        for (nth, (plane, layout)) in input.planes.iter().zip(&self.fill).enumerate() {
            match plane {
                Plane::Data { valid, .. } if nth < self.zeros.len() => {
                    Zip::from(&mut clear).and(valid).for_each(|c, valid| *c &= valid);
                }
                Plane::Data { .. } => {}
                Plane::Quality { codes, inside } => {
                    let fill = |code: u32| layout.is_some_and(|layout| layout.is_fill(code));
                    Zip::from(&mut clear).and(&mut *clouds).and(codes).and(inside).for_each(
                        |c, m, code, inside| {
                            let known = inside & u8::from(!fill(*code));
                            (*c, *m) = (*c & known, *m & known);
                        },
                    );
                }
            }
        }
        Zip::from(&mut clear).and(&*clouds).for_each(|c, cloud| *c &= 1 - cloud);
        clear
    }

    fn dark(
        &self,
        input: &MaskInput<'_>,
        lattice: CellCover,
        clear: &Array2<u8>,
    ) -> Result<Array2<u8>, KindError> {
        let mut dark = clear.clone();
        for (plane, zero) in input.planes.iter().zip(&self.zeros) {
            let Plane::Data { values, .. } = plane else {
                return Err(KindError::new("the bands of shadows did not come as data"));
            };
            let band = DarkBand { values: *values, zero: *zero };
            band.keep_dark(lattice, clear.view(), self.dark_below, dark.view_mut());
        }
        Ok(dark)
    }
}

impl PlannedMask for Bound {
    fn bands(&self) -> &[usize] {
        self.clouds.bands()
    }

    fn halo(&self) -> usize {
        self.own_halo() + self.clouds.halo()
    }

    fn needs_neutral(&self) -> bool {
        self.clouds.needs_neutral()
    }

    fn describe(&self) -> String {
        self.words.clone()
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }
}

impl BoundMask for Bound {
    fn mark(&self, input: &MaskInput<'_>, mut marked: ArrayViewMut2<'_, u8>) -> Result<(), KindError> {
        let mut clouds = Array2::zeros(marked.dim());
        self.clouds.mark(input, clouds.view_mut())?;
        let clear = self.clear(input, &mut clouds);
        let lattice = CellCover::under(input.window);
        let mut dark = self.dark(input, lattice, &clear)?;
        let planes = [clouds.view(), dark.view(), clear.view()];
        let search = Search::new((lattice, &self.offsets), planes, (self.similarity, GROW as usize));
        let mut shadow = clouds;
        shadow.fill(0);
        // Pixels of the halo are dropped by the caller.
        let inner = |length: usize, margin: usize| {
            let halo = self.halo() - margin;
            halo.min(length)..length.saturating_sub(halo).max(halo.min(length))
        };
        let (rows, cols) = marked.dim();
        search.paint(inner(rows, 0), inner(cols, 0), &mut shadow);
        let (grow, close) = (Disc::new(GROW, GROW), Disc::new(CLOSE, CLOSE));
        let margin = Morphology::Close.halo(&close).max(Morphology::Grow.halo(&grow));
        let part = s![inner(rows, margin), inner(cols, margin)];
        let (mut shadow, mut dark) = (shadow.slice_mut(part), dark.slice_mut(part));
        // Pixels outside the scene are not dark, and not neutral: closing would extend dark areas to the edge otherwise.
        let neutral = Array2::zeros(dark.dim());
        Morphology::Grow.apply(shadow.view_mut(), neutral.view(), &grow);
        Morphology::Close.apply(dark.view_mut(), neutral.view(), &close);
        Zip::from(marked.slice_mut(part))
            .and(&shadow)
            .and(&dark)
            .and(clear.slice(part))
            .for_each(|m, shadow, dark, clear| *m = shadow & dark & clear);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{geographic, scene};
    use compose_core::DataType;
    use compose_core::kind::Subject;

    const CLOUDS: &str = "clouds = { kind = 'bits', any = ['cloud'] }\nbands = ['red']\n";

    /// What is wrong with the settings, and the text that it is about.
    fn refused(toml: &str) -> Vec<(String, String)> {
        let table = toml::de::DeTable::parse(toml).unwrap().into_inner();
        let problems = parse(&SettingsTable::new(0..toml.len(), table)).err().unwrap_or_default();
        problems.into_iter().map(|p| (toml[p.span].to_string(), p.message)).collect()
    }

    fn bind(toml: &str, scene: &SceneFacts) -> Result<std::sync::Arc<dyn BoundMask>, KindError> {
        let table = toml::de::DeTable::parse(toml).unwrap().into_inner();
        parse(&SettingsTable::new(0..toml.len(), table)).ok().unwrap().bind(scene).map(|bound| bound.alone())
    }

    fn sunny() -> SceneFacts {
        let sun = Some(Sun { elevation: 45.0, azimuth: 90.0 });
        SceneFacts { sun, ..scene("landsat-c2-l89", DataType::UInt16) }
    }

    #[test]
    fn each_setting_is_refused_where_it_stands() {
        for (setting, at, message) in [
            (
                "heights = [300, 200]",
                "[300, 200]",
                "heights is [300, 200], expected the lowest and the highest",
            ),
            ("heights = [-1, 200]", "[-1, 200]", "heights is [-1, 200]"),
            ("dark-below = 0", "0", "dark-below is 0, expected a share above 0 and up to 1"),
            ("similarity = 1", "1", "similarity is 1, expected a share from 0 to below 1"),
            ("similarity = nan", "nan", "similarity is NaN"),
            ("sun-elevation = 0\nsun-azimuth = 0", "0", "sun-elevation is 0, expected degrees above 0"),
            ("sun-elevation = 9\nsun-azimuth = 361", "361", "sun-azimuth is 361, expected degrees from -360"),
            ("sun-elevation = 45", "45", "sun-elevation without sun-azimuth; say both, or neither"),
            ("sun-azimuth = 45", "45", "sun-azimuth without sun-elevation; say both, or neither"),
        ] {
            let problems = refused(&format!("{CLOUDS}{setting}"));
            assert_eq!(problems.len(), 1, "{setting}: {problems:?}");
            assert!(problems[0].0 == at && problems[0].1.starts_with(message), "{problems:?}");
        }
        assert_eq!(refused("clouds = { kind = 'values', values = [3] }\nbands = []")[0].0, "[]");
    }

    #[test]
    fn clouds_are_a_rule_and_its_mistakes_are_told_where_they_stand() {
        assert_eq!(
            refused("similarity = 0.5")[0].1,
            "clouds is missing; it is a rule, such as clouds = { kind = \"bits\", any = [\"cloud\"] }"
        );
        assert_eq!(refused("clouds = 'cloud'")[0].1, "clouds is the string \"cloud\", expected a table");
        let (at, message) = refused("clouds = { kind = 'bit', any = ['cloud'] }").remove(0);
        assert!(at == "'bit'" && message.starts_with("clouds: unknown kind \"bit\"; did you mean \"bits\"?"));
        let nested = "clouds = { kind = 'shadow-geometry', clouds = { kind = 'values', values = [3] } }";
        assert!(refused(nested)[0].1.starts_with("clouds: unknown kind \"shadow-geometry\""));
        let both = refused("clouds = { kind = 'bits', any = [] }\nsimilarity = 2");
        assert_eq!(both.iter().map(|(at, _)| at.as_str()).collect::<Vec<_>>(), ["2", "[]"]);
    }

    #[test]
    fn the_sun_of_the_settings_goes_before_that_of_the_scene() {
        let said =
            |toml: &str, scene: &SceneFacts| bind(&format!("{CLOUDS}{toml}"), scene).unwrap().describe();
        let with = |far, sun| {
            format!("shadows of (QA_PIXEL: cloud (bit 3)), {far} px away (sun {sun}°), where B4 is dark")
        };
        let of_scene = said("heights = [300, 600]", &sunny());
        assert_eq!(of_scene, with("10 to 20", "45.0° high in 90.0"));
        let own = said("heights = [300, 600]\nsun-elevation = 30\nsun-azimuth = 180", &sunny());
        assert_eq!(own, with("17 to 35", "30.0° high in 180.0"));
    }

    #[test]
    fn a_scene_that_cannot_be_judged_is_refused_with_what_to_do() {
        let no_sun = bind(CLOUDS, &SceneFacts { sun: None, ..sunny() }).err().unwrap();
        assert!(no_sun.message.ends_with("*_MTL.txt beside its files, or say sun-elevation and sun-azimuth"));
        let night = SceneFacts { sun: Some(Sun { elevation: -4.0, azimuth: 0.0 }), ..sunny() };
        assert_eq!(bind(CLOUDS, &night).err().unwrap().message, "the sun is -4° high, and throws no shadows");
        let mut degrees = sunny();
        degrees.bands.iter_mut().for_each(|band| band.grid = geographic());
        let message = bind(CLOUDS, &degrees).err().unwrap().message;
        assert!(message.contains("because EPSG:4326 is geographic"), "{message}");
        let codes = bind(&CLOUDS.replace("red", "QA_PIXEL"), &sunny()).err().unwrap();
        assert_eq!(codes.subject, Some(Subject::Setting("bands")));
        let far = bind(&format!("{CLOUDS}heights = [200, 100000]"), &sunny()).err().unwrap();
        assert_eq!(far.subject, Some(Subject::Setting("heights")));
    }
}
