#![doc = include_str!("range.md")]

use crate::band;
use compose_core::mask_rule::MaskKind;
use compose_core::{
    BandFacts, BoundMask, DataType, KindError, MaskBinding, MaskInput, MaskRule, Plane, PlannedMask, Problem,
    SceneFacts, SettingsTable,
};
use ndarray::{ArrayViewMut2, Zip};
use schemars::JsonSchema;
use serde::Deserialize;

/// The kind `range`.
pub const KIND: MaskKind = MaskKind {
    name: "range",
    page: include_str!("range.md"),
    schema: &|| schemars::schema_for!(Settings),
    parse: &parse,
};

/// Settings of `range`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// The band to read, data or quality.
    pub band: String,
    /// Smallest value that is marked; no limit where absent.
    pub min: Option<f64>,
    /// Largest value that is marked; no limit where absent.
    pub max: Option<f64>,
    /// What `min` and `max` are: numbers as stored, or physical values.
    #[serde(default)]
    pub unit: Unit,
}

/// What the limits of a range are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Numbers as stored.
    #[default]
    Dn,
    /// Number × scale + offset, such as reflectance.
    Physical,
}

fn parse(table: &SettingsTable<'_>) -> Result<Box<dyn MaskRule>, Vec<Problem>> {
    let settings: Settings = table.read("range")?;
    let nan =
        [("min", settings.min), ("max", settings.max)].into_iter().find(|(_, v)| v.is_some_and(f64::is_nan));
    if let Some((key, _)) = nan {
        return Err(vec![table.problem_at(key, format!("{key} is nan, expected a number"))]);
    }
    match (settings.min, settings.max) {
        (None, None) => Err(vec![table.problem("a range needs min, max or both")]),
        (Some(min), Some(max)) if min > max => Err(vec![
            table.problem_at("max", format!("max = {max} is below min = {min}: no value is in between")),
        ]),
        _ => Ok(Box::new(settings)),
    }
}

impl MaskRule for Settings {
    fn bind(&self, scene: &SceneFacts) -> Result<MaskBinding, KindError> {
        let index = band::choose(scene, Some(&self.band))?;
        let facts = &scene.bands[index];
        let (low, high) = self.stored(facts)?;
        let words = format!("{}: {}", facts.name, self.words());
        Ok(MaskBinding::ready(BoundRange { band: [index], words, low, high, dtype: facts.dtype }))
    }
}

impl Settings {
    /// The limits as numbers stored in the band.
    fn stored(&self, band: &BandFacts) -> Result<(f64, f64), KindError> {
        let (min, max) = (self.min.unwrap_or(f64::NEG_INFINITY), self.max.unwrap_or(f64::INFINITY));
        let (scale, offset) = match (self.unit, band.scale_offset) {
            (Unit::Dn, _) => (1.0, 0.0),
            (Unit::Physical, Some((scale, offset))) if scale != 0.0 => (scale, offset),
            (Unit::Physical, _) => return Err(no_scale(band)),
        };
        let (a, b) = ((min - offset) / scale, (max - offset) / scale);
        Ok(round_inward(a.min(b), a.max(b), band))
    }

    fn words(&self) -> String {
        let unit = if self.unit == Unit::Physical { " (physical)" } else { "" };
        match (self.min, self.max) {
            (Some(min), Some(max)) => format!("from {min} to {max}{unit}"),
            (Some(min), None) => format!("at least {min}{unit}"),
            (None, max) => format!("at most {}{unit}", max.unwrap_or(f64::INFINITY)),
        }
    }
}

fn no_scale(band: &BandFacts) -> KindError {
    KindError::new(format!(
        "unit = \"physical\", but the scale of {} is unknown; say scale and offset in [scenes], or use unit = \"dn\"",
        band.name
    ))
    .about("unit")
}

/// In a band of whole numbers the limits become whole numbers, so that no rounding of a scale decides
/// whether the number that *is* the limit is inside; otherwise they are rounded as the samples are, to f32.
fn round_inward(low: f64, high: f64, band: &BandFacts) -> (f64, f64) {
    if !band.dtype.is_integer() {
        return (f64::from(low as f32), f64::from(high as f32));
    }
    let slack = |limit: f64| 1e-9 * limit.abs().max(1.0);
    ((low - slack(low)).ceil(), (high + slack(high)).floor())
}

struct BoundRange {
    band: [usize; 1],
    words: String,
    low: f64,
    high: f64,
    dtype: DataType,
}

impl PlannedMask for BoundRange {
    fn bands(&self) -> &[usize] {
        &self.band
    }

    fn describe(&self) -> String {
        self.words.clone()
    }
}

impl BoundMask for BoundRange {
    fn mark(&self, input: &MaskInput<'_>, mut marked: ArrayViewMut2<'_, u8>) -> Result<(), KindError> {
        match input.planes {
            [Plane::Data { values, valid }] => {
                let (low, high) = (self.low as f32, self.high as f32);
                Zip::from(&mut marked).and(values).and(valid).for_each(|m, v, valid| {
                    *m = u8::from(*v >= low) & u8::from(*v <= high) & valid;
                });
            }
            [Plane::Quality { codes, inside }] => {
                Zip::from(&mut marked).and(codes).and(inside).for_each(|m, code, inside| {
                    let number = band::number_of(*code, self.dtype);
                    *m = u8::from(number >= self.low) & u8::from(number <= self.high) & inside;
                });
            }
            _ => return Err(KindError::new(format!("{} did not come as one band", self.words))),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::scene;

    fn rule(toml: &str) -> Result<Box<dyn MaskRule>, String> {
        let table = toml::de::DeTable::parse(toml).unwrap().into_inner();
        parse(&SettingsTable::new(0..toml.len(), table)).map_err(|mut p| p.remove(0).message)
    }

    fn limits(min: Option<f64>, max: Option<f64>, dtype: DataType, scale_offset: (f64, f64)) -> (f64, f64) {
        let mut scene = scene("landsat-c2-l89", DataType::UInt16);
        scene.bands[0] = BandFacts { dtype, scale_offset: Some(scale_offset), ..scene.bands[0].clone() };
        let settings = Settings { band: "B4".into(), min, max, unit: Unit::Physical };
        settings.stored(&scene.bands[0]).unwrap()
    }

    #[test]
    fn the_number_that_is_the_limit_is_inside_whatever_the_scale_rounds_to() {
        for number in 0..=10_000 {
            let value = f64::from(number) / 10_000.0;
            let (low, high) = limits(Some(value), Some(value), DataType::Int16, (0.0001, 0.0));
            assert_eq!((low, high), (f64::from(number), f64::from(number)));
        }
    }

    #[test]
    fn physical_limits_of_collection_2_reflectance_become_stored_numbers() {
        // (0.1 + 0.2) / 2.75e-5 = 10909.09…
        assert_eq!(limits(None, Some(0.1), DataType::UInt16, (2.75e-5, -0.2)), (f64::NEG_INFINITY, 10909.0));
        assert_eq!(limits(Some(0.1), None, DataType::UInt16, (2.75e-5, -0.2)), (10910.0, f64::INFINITY));
    }

    #[test]
    fn a_negative_scale_turns_the_limits_around() {
        assert_eq!(limits(Some(0.0), Some(1.0), DataType::UInt8, (-0.01, 1.0)), (0.0, 100.0));
    }

    #[test]
    fn in_a_float_band_the_limits_are_rounded_as_its_samples_are() {
        let (_, high) = limits(None, Some(0.3), DataType::Float32, (1.0, 0.0));
        assert_eq!(high, f64::from(0.3f32));
    }

    #[test]
    fn a_range_without_limits_or_with_crossed_ones_is_refused() {
        assert_eq!(rule("band = 'B4'").err().unwrap(), "a range needs min, max or both");
        assert!(
            rule("band = 'B4'\nmin = 3\nmax = 2.5").err().unwrap().contains("max = 2.5 is below min = 3")
        );
        assert!(rule("band = 'B4'\nmin = nan").err().unwrap().contains("min is nan"));
        assert!(rule("min = 1").err().unwrap().contains("band is missing"));
    }

    #[test]
    fn physical_limits_need_a_known_scale() {
        let rule = rule("band = 'QA_PIXEL'\nmax = 1\nunit = 'physical'").unwrap();
        let message = rule.bind(&scene("", DataType::UInt8)).err().unwrap().to_string();
        assert!(message.contains("the scale of QA_PIXEL is unknown"), "{message}");
    }

    #[test]
    fn the_description_says_the_limits() {
        let describe =
            |toml: &str| rule(toml).unwrap().bind(&scene("", DataType::UInt8)).unwrap().planned().describe();
        assert_eq!(describe("band = 'red'\nmin = 1\nmax = 2"), "B4: from 1 to 2");
        assert_eq!(describe("band = 'B4'\nmax = 0.1\nunit = 'physical'"), "B4: at most 0.1 (physical)");
    }
}
