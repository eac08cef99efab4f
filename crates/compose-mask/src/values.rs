#![doc = include_str!("values.md")]

use crate::{audit, band};
use compose_core::mask_rule::MaskKind;
use compose_core::{
    BandRole, BoundMask, KindError, Layout, MaskBinding, MaskInput, MaskRule, Plane, PlannedMask, Problem,
    SceneFacts, SettingsTable,
};
use ndarray::{ArrayViewMut2, Zip};
use schemars::JsonSchema;
use serde::Deserialize;

/// The kind `values`.
pub const KIND: MaskKind = MaskKind {
    name: "values",
    page: include_str!("values.md"),
    schema: &|| schemars::schema_for!(Settings),
    parse: &parse,
};

/// Settings of `values`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Whole numbers as they stand in the band. A pixel is marked where its number is one of them.
    pub values: Vec<i64>,
    /// The band to read; the scene's main quality band where absent.
    pub band: Option<String>,
    /// The layout to hold the list against; the preset's where absent. It changes remarks, not pixels.
    pub layout: Option<String>,
}

#[derive(Debug)]
struct Values {
    values: Vec<i64>,
    band: Option<String>,
    layout: Option<&'static Layout>,
}

fn parse(table: &SettingsTable<'_>) -> Result<Box<dyn MaskRule>, Vec<Problem>> {
    let Settings { mut values, band, layout } = table.read("values")?;
    if values.is_empty() {
        return Err(vec![table.problem_at("values", "values is empty; list at least one number")]);
    }
    values.sort_unstable();
    values.dedup();
    let layout = band::named_layout(table, layout.as_deref())?;
    Ok(Box::new(Values { values, band, layout }))
}

impl MaskRule for Values {
    fn bind(&self, scene: &SceneFacts) -> Result<MaskBinding, KindError> {
        let index = band::choose(scene, self.band.as_deref())?;
        let facts = &scene.bands[index];
        let code = |v: &i64| band::code_of(*v, facts.dtype);
        let codes: Result<Vec<u32>, String> = self.values.iter().map(code).collect();
        let codes = codes.map_err(|why| KindError::new(format!("{}: {why}", facts.name)).about("values"))?;
        let layout = self.layout.or(facts.layout).filter(|_| facts.role == BandRole::Quality);
        if let Some(layout) = layout {
            band::require_speaking(layout, facts, scene)?;
        }
        Ok(MaskBinding::ready(BoundValues {
            band: [index],
            name: facts.name.clone(),
            role: facts.role,
            values: self.values.clone(),
            set: CodeSet::new(&codes),
            notes: layout.map_or_else(Vec::new, |layout| audit::notes(layout, &codes)),
        }))
    }
}

/// A set of codes that answers in one load below 65536, where nearly all quality codes are.
struct CodeSet {
    low: Box<[u64; 1024]>,
    high: Vec<u32>,
}

impl CodeSet {
    fn new(codes: &[u32]) -> Self {
        let mut low = Box::new([0; 1024]);
        for code in codes.iter().filter(|c| **c < 1 << 16) {
            low[(code >> 6) as usize] |= 1 << (code & 63);
        }
        let mut high: Vec<u32> = codes.iter().copied().filter(|c| *c >= 1 << 16).collect();
        high.sort_unstable();
        Self { low, high }
    }

    fn contains(&self, code: u32) -> bool {
        match self.low.get((code >> 6) as usize) {
            Some(word) => word >> (code & 63) & 1 == 1,
            None => self.high.binary_search(&code).is_ok(),
        }
    }
}

struct BoundValues {
    band: [usize; 1],
    name: String,
    role: BandRole,
    /// Sorted, as the rules file says them.
    values: Vec<i64>,
    set: CodeSet,
    notes: Vec<String>,
}

impl PlannedMask for BoundValues {
    fn bands(&self) -> &[usize] {
        &self.band
    }

    fn describe(&self) -> String {
        let shown: Vec<String> = self.values.iter().take(5).map(i64::to_string).collect();
        let more = if self.values.len() > shown.len() { ", …" } else { "" };
        let (count, plural) = (self.values.len(), if self.values.len() == 1 { "" } else { "s" });
        format!("{}: {count} value{plural} ({}{more})", self.name, shown.join(", "))
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }

    fn takes_code(&self, band: usize, code: u32) -> Option<bool> {
        (band == self.band[0] && self.role == BandRole::Quality).then(|| self.set.contains(code))
    }
}

impl BoundMask for BoundValues {
    fn mark(&self, input: &MaskInput<'_>, mut marked: ArrayViewMut2<'_, u8>) -> Result<(), KindError> {
        match input.planes {
            [Plane::Quality { codes, inside }] => Zip::from(&mut marked)
                .and(codes)
                .and(inside)
                .for_each(|m, code, inside| *m = u8::from(self.set.contains(*code)) & inside),
            [Plane::Data { values, valid }] => Zip::from(&mut marked)
                .and(values)
                .and(valid)
                .for_each(|m, value, valid| *m = u8::from(self.lists(*value)) & valid),
            _ => return Err(KindError::new(format!("{} did not come as one band", self.name))),
        }
        Ok(())
    }
}

impl BoundValues {
    /// Whether a sample is a listed number; NaN and fractions are not.
    fn lists(&self, sample: f32) -> bool {
        sample.fract() == 0.0 && self.values.binary_search(&(sample as i64)).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::scene;
    use compose_core::DataType;
    use std::sync::Arc;

    fn rule(toml: &str) -> Result<Box<dyn MaskRule>, String> {
        let table = toml::de::DeTable::parse(toml).unwrap().into_inner();
        parse(&SettingsTable::new(0..toml.len(), table)).map_err(|mut p| p.remove(0).message)
    }

    fn bound(toml: &str, dtype: DataType) -> Result<Arc<dyn BoundMask>, String> {
        rule(toml)
            .unwrap()
            .bind(&scene("landsat-c1-sr-l8", dtype))
            .map(|bound| bound.alone())
            .map_err(|e| e.to_string())
    }

    fn taken(rule: &dyn BoundMask, codes: &[u32]) -> Vec<u32> {
        codes.iter().copied().filter(|c| rule.takes_code(1, *c) == Some(true)).collect()
    }

    #[test]
    fn order_and_repeats_do_not_matter() {
        let a = bound("values = [328, 352, 328]", DataType::UInt16).unwrap();
        let b = bound("values = [352, 328]", DataType::UInt16).unwrap();
        assert_eq!(taken(&*a, &[322, 328, 352, 480]), taken(&*b, &[322, 328, 352, 480]));
        assert_eq!(a.describe(), "QA_PIXEL: 2 values (328, 352)");
    }

    #[test]
    fn a_negative_number_is_the_same_bits_in_a_signed_band() {
        let rule = bound("values = [-10940]", DataType::Int16).unwrap();
        assert_eq!(taken(&*rule, &[54596, 54597]), [54596]);
    }

    #[test]
    fn what_the_band_cannot_hold_is_refused() {
        let message = bound("values = [70000, 328]", DataType::UInt16).err().unwrap();
        assert_eq!(message, "QA_PIXEL: 70000 does not fit uint16 (0 to 65535)");
        assert!(bound("values = [256]", DataType::UInt8).is_err());
    }

    #[test]
    fn codes_beyond_16_bits_are_found_too() {
        let rule = bound("values = [65535, 65536, 4294967295]", DataType::UInt32).unwrap();
        let codes = [0, 65535, 65536, 65537, u32::MAX];
        assert_eq!(taken(&*rule, &codes), [65535, 65536, u32::MAX]);
    }

    #[test]
    fn an_empty_list_and_a_fraction_are_refused() {
        assert_eq!(rule("values = []").err().unwrap(), "values is empty; list at least one number");
        assert!(rule("values = [1.5]").err().unwrap().starts_with("values: values holds the number 1.5"));
    }

    #[test]
    fn the_lessons_list_is_held_against_the_bits() {
        let shadow = bound("values = [328, 392, 840, 904, 1350]", DataType::UInt16).unwrap();
        assert_eq!(
            shadow.notes()[0],
            "1350 decodes to clear + water + terrain-occlusion, not cloud-shadow; 1352 (cloud-shadow + \
             terrain-occlusion) is not listed"
        );
        let silent = bound("values = [328]\nband = 'B4'", DataType::UInt16).unwrap();
        assert_eq!(silent.notes(), Vec::<String>::new());
    }
}
