#![doc = include_str!("spectral.md")]

use crate::band;
use compose_core::mask_rule::MaskKind;
use compose_core::{
    BandFacts, BoundMask, KindError, MaskBinding, MaskInput, MaskRule, Plane, PlannedMask, Problem,
    SceneFacts, SettingsTable,
};
use ndarray::{ArrayView2, ArrayViewMut2, Zip};
use schemars::JsonSchema;
use serde::Deserialize;

/// The kind `spectral`.
pub const KIND: MaskKind = MaskKind {
    name: "spectral",
    page: include_str!("spectral.md"),
    schema: &|| schemars::schema_for!(Settings),
    parse: &parse,
};

/// Settings of `spectral`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// The blue band.
    pub blue: String,
    /// The green band.
    pub green: String,
    /// The red band.
    pub red: String,
    /// The near-infrared band.
    pub nir: String,
    /// The short-wave infrared band near 1.6 µm.
    pub swir1: String,
    /// The short-wave infrared band near 2.2 µm.
    pub swir2: String,
    /// A cloud's reflectance in `swir2` is above this.
    pub swir2_above: f64,
    /// (green − swir1) / (green + swir1) is below this: snow is above.
    pub ndsi_below: f64,
    /// (nir − red) / (nir + red) is below this: vegetation is above.
    pub ndvi_below: f64,
    /// Σ |band − mean| / mean of blue, green and red is below this: a cloud is white.
    pub whiteness_below: f64,
    /// blue − red / 2 is above this: haze and cloud are brighter in the blue than the land's colour tells.
    pub hot_above: f64,
    /// nir / swir1 is above this: bright rock and soil are below.
    pub nir_swir1_above: f64,
}

impl Default for Settings {
    /// Band names of the presets, thresholds of Zhu and Woodcock 2012, equations 1 to 4.
    fn default() -> Self {
        Self {
            blue: "blue".into(),
            green: "green".into(),
            red: "red".into(),
            nir: "nir".into(),
            swir1: "swir1".into(),
            swir2: "swir2".into(),
            swir2_above: 0.03,
            ndsi_below: 0.8,
            ndvi_below: 0.8,
            whiteness_below: 0.7,
            hot_above: 0.08,
            nir_swir1_above: 0.75,
        }
    }
}

fn parse(table: &SettingsTable<'_>) -> Result<Box<dyn MaskRule>, Vec<Problem>> {
    let settings: Settings = table.read("spectral")?;
    let wrong: Vec<Problem> = settings
        .thresholds()
        .into_iter()
        .filter(|(_, value)| !value.is_finite())
        .map(|(key, value)| table.problem_at(key, format!("{key} is {value}, expected a finite number")))
        .collect();
    if wrong.is_empty() { Ok(Box::new(settings)) } else { Err(wrong) }
}

impl MaskRule for Settings {
    fn bind(&self, scene: &SceneFacts) -> Result<MaskBinding, KindError> {
        let mut bound =
            Bound { bands: Vec::new(), inputs: Vec::new(), names: String::new(), test: self.clone() };
        for (key, name) in self.band_names() {
            let index = band::data(scene, name, key)?;
            let facts = &scene.bands[index];
            let scale_offset = facts.scale_offset.ok_or_else(|| no_scale(facts, key))?;
            let plane = bound.bands.iter().position(|b| *b == index).unwrap_or_else(|| {
                bound.bands.push(index);
                bound.bands.len() - 1
            });
            bound.inputs.push(Input { plane, scale_offset });
        }
        let names: Vec<&str> = bound.bands.iter().map(|b| scene.bands[*b].name.as_str()).collect();
        bound.names = names.join(", ");
        Ok(MaskBinding::ready(bound))
    }
}

impl Settings {
    fn band_names(&self) -> [(&'static str, &str); 6] {
        [
            ("blue", &self.blue),
            ("green", &self.green),
            ("red", &self.red),
            ("nir", &self.nir),
            ("swir1", &self.swir1),
            ("swir2", &self.swir2),
        ]
    }

    fn thresholds(&self) -> [(&'static str, f64); 6] {
        [
            ("swir2-above", self.swir2_above),
            ("ndsi-below", self.ndsi_below),
            ("ndvi-below", self.ndvi_below),
            ("whiteness-below", self.whiteness_below),
            ("hot-above", self.hot_above),
            ("nir-swir1-above", self.nir_swir1_above),
        ]
    }

    /// Whether a reflectance (blue, green, red, nir, swir1) is that of a cloud, as far as these five tell.
    ///
    /// "Potential cloud pixels", Zhu and Woodcock 2012, equations 1 (without the temperature), 2, 3 and 4. A
    /// ratio with a denominator of 0 or less is no cloud: ratios are compared by multiplication.
    fn is_cloud(&self, [blue, green, red, nir, swir1]: [f64; 5]) -> bool {
        let mean = (blue + green + red) / 3.0;
        let deviation = (blue - mean).abs() + (green - mean).abs() + (red - mean).abs();
        let bright = mean > 0.0 && swir1 > 0.0 && green + swir1 > 0.0 && nir + red > 0.0;
        bright
            && green - swir1 < self.ndsi_below * (green + swir1)
            && nir - red < self.ndvi_below * (nir + red)
            && deviation < self.whiteness_below * mean
            && blue - 0.5 * red > self.hot_above
            && nir > self.nir_swir1_above * swir1
    }
}

fn no_scale(band: &BandFacts, key: &'static str) -> KindError {
    KindError::new(format!(
        "reflectance is compared, but the scale of {} is unknown; say scale and offset in [scenes]",
        band.name
    ))
    .about(key)
}

/// A band of reflectance: its plane, scale and offset.
struct Input {
    plane: usize,
    scale_offset: (f64, f64),
}

impl Input {
    fn reflectance(&self, number: f32) -> f64 {
        f64::from(number) * self.scale_offset.0 + self.scale_offset.1
    }
}

struct Bound {
    /// Each band once.
    bands: Vec<usize>,
    /// Blue, green, red, nir, swir1, swir2.
    inputs: Vec<Input>,
    names: String,
    test: Settings,
}

impl Bound {
    fn plane<'a>(&self, planes: &[Plane<'a>], nth: usize) -> Result<Samples<'a>, KindError> {
        match planes.get(self.inputs[nth].plane) {
            Some(Plane::Data { values, valid }) => Ok((*values, *valid)),
            _ => Err(KindError::new(format!("{} did not come as data bands", self.names))),
        }
    }
}

/// Numbers as stored, and 1 where they are valid.
type Samples<'a> = (ArrayView2<'a, f32>, ArrayView2<'a, u8>);

impl PlannedMask for Bound {
    fn bands(&self) -> &[usize] {
        &self.bands
    }

    fn describe(&self) -> String {
        format!("{}: white, bright and blue as a cloud is", self.names)
    }
}

impl BoundMask for Bound {
    fn mark(&self, input: &MaskInput<'_>, mut marked: ArrayViewMut2<'_, u8>) -> Result<(), KindError> {
        let planes = (0..6).map(|nth| self.plane(input.planes, nth)).collect::<Result<Vec<_>, _>>()?;
        let (swir2, valid) = &planes[5];
        Zip::from(&mut marked).and(swir2).and(valid).for_each(|m, number, valid| {
            *m = u8::from(self.inputs[5].reflectance(*number) > self.test.swir2_above) & valid;
        });
        for (_, valid) in &planes[..5] {
            Zip::from(&mut marked).and(valid).for_each(|m, valid| *m &= valid);
        }
        let [blue, green, red, nir, swir1] = std::array::from_fn(|nth| &planes[nth].0);
        Zip::from(&mut marked).and(blue).and(green).and(red).and(nir).and(swir1).for_each(
            |m, blue, green, red, nir, swir1| {
                if *m != 0 {
                    let numbers = [blue, green, red, nir, swir1];
                    let reflectance = std::array::from_fn(|nth| self.inputs[nth].reflectance(*numbers[nth]));
                    *m = u8::from(self.test.is_cloud(reflectance));
                }
            },
        );
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::scene;
    use compose_core::DataType;

    const CLOUD: [f64; 5] = [0.5, 0.5, 0.5, 0.55, 0.4];

    fn rule(toml: &str) -> Result<Box<dyn MaskRule>, String> {
        let table = toml::de::DeTable::parse(toml).unwrap().into_inner();
        parse(&SettingsTable::new(0..toml.len(), table)).map_err(|mut p| p.remove(0).message)
    }

    #[test]
    fn each_test_alone_can_tell_that_a_pixel_is_no_cloud() {
        let test = Settings::default();
        assert!(test.is_cloud(CLOUD));
        for (what, reflectance) in [
            ("snow", [0.8, 0.8, 0.8, 0.75, 0.08]),
            ("vegetation", [0.2, 0.2, 0.2, 2.0, 0.3]),
            ("colour", [0.3, 0.1, 0.05, 0.2, 0.2]),
            ("no haze", [0.3, 0.4, 0.5, 0.5, 0.5]),
            ("rock", [0.5, 0.5, 0.5, 0.5, 0.7]),
        ] {
            assert!(!test.is_cloud(reflectance), "{what}");
        }
    }

    #[test]
    fn the_ratios_are_those_of_the_paper() {
        let with = |change: fn(&mut Settings)| {
            let mut test =
                Settings { ndsi_below: 2.0, ndvi_below: 2.0, whiteness_below: 9.0, ..Settings::default() };
            change(&mut test);
            test.is_cloud([0.4, 0.3, 0.2, 0.3, 0.1])
        };
        // NDSI 0.5, NDVI 0.2, whiteness 2/3, HOT 0.3, NIR/SWIR1 3.
        assert!(with(|t| t.ndsi_below = 0.501) && !with(|t| t.ndsi_below = 0.499));
        assert!(with(|t| t.ndvi_below = 0.201) && !with(|t| t.ndvi_below = 0.199));
        assert!(with(|t| t.whiteness_below = 0.667) && !with(|t| t.whiteness_below = 0.666));
        assert!(with(|t| t.hot_above = 0.299) && !with(|t| t.hot_above = 0.301));
        assert!(with(|t| t.nir_swir1_above = 2.99) && !with(|t| t.nir_swir1_above = 3.01));
    }

    #[test]
    fn a_ratio_over_nothing_or_without_a_number_is_no_clouds() {
        let test = Settings { ndsi_below: 1e9, ndvi_below: 1e9, hot_above: -9.0, ..Settings::default() };
        for band in 0..5 {
            let mut reflectance = CLOUD;
            reflectance[band] = f64::NAN;
            assert!(!test.is_cloud(reflectance), "{band}");
        }
        assert!(!test.is_cloud([0.0; 5]));
        assert!(!test.is_cloud([0.5, 0.5, 0.5, 0.5, 0.0]) && !test.is_cloud([0.5, 0.5, 0.5, -0.5, 0.4]));
        assert!(!test.is_cloud([-0.5, -0.5, -0.5, 0.9, 0.9]));
    }

    #[test]
    fn a_band_that_is_not_there_or_holds_codes_is_refused_by_name() {
        let scene = scene("landsat-c2-l89", DataType::UInt16);
        let refused = |toml: &str| rule(toml).unwrap().bind(&scene).err().unwrap();
        let error = refused("");
        assert_eq!(error.message, "no band \"blue\"; bands: B4, QA_PIXEL; say which it is with blue = \"…\"");
        assert_eq!(error.subject, Some(compose_core::kind::Subject::Setting("blue")));
        let codes = "QA_PIXEL holds codes, and blue is a band of measurements; say which with blue = \"…\"";
        assert_eq!(refused("blue = 'QA_PIXEL'").message, codes);
    }

    #[test]
    fn thresholds_that_are_no_numbers_are_refused() {
        assert_eq!(rule("ndsi-below = nan").err().unwrap(), "ndsi-below is NaN, expected a finite number");
        assert!(rule("hot-above = inf").is_err() && rule("hot-above = 0").is_ok());
    }

    #[test]
    fn bands_that_are_named_twice_are_asked_for_once() {
        let scene = scene("landsat-c2-l89", DataType::UInt16);
        let toml = "blue = 'red'\ngreen = 'red'\nnir = 'red'\nswir1 = 'red'\nswir2 = 'B4'";
        let bound = rule(toml).unwrap().bind(&scene).unwrap().alone();
        assert_eq!((bound.bands(), bound.halo(), bound.needs_neutral()), (&[0][..], 0, false));
    }
}
