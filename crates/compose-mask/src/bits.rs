#![doc = include_str!("bits.md")]

use crate::band;
use compose_core::mask_rule::MaskKind;
use compose_core::quality::{CodeTest, Field, RESERVED};
use compose_core::suggest::did_you_mean;
use compose_core::{
    BoundMask, KindError, Layout, MaskBinding, MaskInput, MaskRule, Plane, PlannedMask, Problem, SceneFacts,
    SettingsTable,
};
use ndarray::{ArrayViewMut2, Zip};
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use toml::Spanned;

/// The kind `bits`.
pub const KIND: MaskKind = MaskKind {
    name: "bits",
    page: include_str!("bits.md"),
    schema: &|| schemars::schema_for!(Settings),
    parse: &parse,
};

/// Settings of `bits`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// Flags by name, and levels such as `{ field = "cloud-confidence", at-least = "medium" }`. A pixel is
    /// marked where any of them holds.
    #[schemars(with = "Vec<Item>")]
    pub any: Vec<Spanned<Item>>,
    /// The quality band to read; the scene's main one where absent.
    pub band: Option<String>,
    /// The layout of that band's bits; the preset's where absent.
    pub layout: Option<String>,
}

/// One thing to look for in a code.
#[derive(Clone, Debug, PartialEq, JsonSchema)]
#[schemars(untagged)]
pub enum Item {
    /// A flag, or a class of a band whose codes are classes.
    Flag(String),
    /// A field of several values.
    Level(Level),
}

/// A condition on a field of several values: exactly one of `at-least` and `is`.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Level {
    /// The field, such as `cloud-confidence`.
    pub field: String,
    /// This level or a higher one.
    pub at_least: Option<String>,
    /// Exactly this level or class.
    pub is: Option<String>,
}

/// By hand, because an untagged enum answers "did not match any variant".
impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Item;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a flag such as \"cloud\" or { field = \"cloud-confidence\", at-least = \"medium\" }",
                )
            }
            fn visit_str<E: Error>(self, flag: &str) -> Result<Item, E> {
                Ok(Item::Flag(flag.into()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Item, A::Error> {
                Level::deserialize(MapAccessDeserializer::new(map)).map(Item::Level)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[derive(Debug)]
struct Bits {
    any: Vec<Spanned<Item>>,
    band: Option<String>,
    layout: Option<&'static Layout>,
}

fn parse(table: &SettingsTable<'_>) -> Result<Box<dyn MaskRule>, Vec<Problem>> {
    let settings: Settings = table.read("bits")?;
    if settings.any.is_empty() {
        return Err(vec![table.problem_at("any", "any is empty; name at least one flag")]);
    }
    let layout = band::named_layout(table, settings.layout.as_deref())?;
    // Without a layout of its own the rule is judged when it meets a scene.
    let problems = layout.map_or_else(Vec::new, |layout| problems(&settings.any, layout));
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Box::new(Bits { any: settings.any, band: settings.band, layout }))
}

fn problems(any: &[Spanned<Item>], layout: &Layout) -> Vec<Problem> {
    let wrong = |item: &Spanned<Item>| {
        let message = condition(item.get_ref(), layout, layout.name).err()?;
        Some(Problem::new(item.span(), message))
    };
    any.iter().filter_map(wrong).collect()
}

impl MaskRule for Bits {
    fn bind(&self, scene: &SceneFacts) -> Result<MaskBinding, KindError> {
        let index = band::choose(scene, self.band.as_deref())?;
        let facts = &scene.bands[index];
        band::require_quality(facts, KIND.name)?;
        let layout = self.layout.or(facts.layout).ok_or_else(|| {
            KindError::new(format!("the layout of {} is unknown; say it with layout = \"…\"", facts.name))
        })?;
        band::require_speaking(layout, facts, scene)?;
        let conditions = self.any.iter().map(|item| {
            let wrong = |why| KindError::new(why).at(item.span());
            condition(item.get_ref(), layout, &facts.name).map_err(wrong)
        });
        let conditions = conditions.collect::<Result<Vec<_>, _>>()?;
        let notes = self.caveats(layout).map(|text| format!("{}: {text}", facts.name)).collect();
        Ok(MaskBinding::ready(BoundBits { band: [index], name: facts.name.clone(), conditions, notes }))
    }
}

impl Bits {
    /// The layout's traps that this rule may fall into.
    fn caveats(&self, layout: &Layout) -> impl Iterator<Item = &'static str> {
        let names = |flag: &str| self.any.iter().any(|i| *i.get_ref() == Item::Flag(flag.into()));
        layout.caveats.iter().filter(move |c| c.flag.is_none_or(names)).map(|c| c.text)
    }
}

/// A test of a code, and its words.
#[derive(Debug)]
struct Condition {
    test: CodeTest,
    words: String,
}

/// Finds a flag or level in a layout; `band` is the name in messages.
fn condition(item: &Item, layout: &Layout, band: &str) -> Result<Condition, String> {
    match item {
        Item::Flag(name) => flag(name, layout, band),
        Item::Level(level) => self::level(level, layout, band),
    }
}

fn flag(name: &str, layout: &Layout, band: &str) -> Result<Condition, String> {
    let Some(test) = layout.flag(name) else { return Err(no_flag(name, layout, band)) };
    let place = match (layout.class_field(), layout.field(name)) {
        (None, Some(field)) => field.bits(),
        _ => format!("code {}", test.low),
    };
    Ok(Condition { test, words: format!("{name} ({place})") })
}

fn no_flag(name: &str, layout: &Layout, band: &str) -> String {
    if let Some(field) = layout.field(name).filter(|f| !f.is_flag()) {
        let (by, level) = if field.ladder { ("at-least", 2) } else { ("is", 1) };
        let example = field.classes.get(level).map_or("…", |c| c.name);
        return format!(
            "{band} has no flag \"{name}\" but a field of several values; write {{ field = \"{name}\", {by} = \
             \"{example}\" }}; values: {}",
            values_of(field)
        );
    }
    let flags = layout.flags();
    let hint = did_you_mean(name, flags.iter().copied());
    let (separator, more) = match (hint.is_empty(), fields_of(layout)) {
        (false, _) => ("", String::new()),
        (true, fields) if fields.is_empty() => (";", fields),
        (true, fields) => (";", format!("; fields of several values: {fields}")),
    };
    format!("{band} has no flag \"{name}\"{hint}{separator} flags: {}{more}", flags.join(", "))
}

fn level(level: &Level, layout: &Layout, band: &str) -> Result<Condition, String> {
    let name = &level.field;
    let Some(field) = layout.field(name) else {
        let hint = did_you_mean(name, layout.levelled().map(|f| f.name));
        let separator = if hint.is_empty() { ";" } else { "" };
        return Err(format!("{band} has no field \"{name}\"{hint}{separator} fields: {}", fields_of(layout)));
    };
    if field.is_flag() {
        return Err(format!("{name} of {band} is a flag and has no levels; write \"{name}\" alone"));
    }
    let (test, words) = match (&level.at_least, &level.is) {
        (Some(low), None) => (at_least(field, low)?, format!("{name} at least {low}")),
        (None, Some(is)) => {
            let value = value(field, is)?;
            (field.test(value, value), format!("{name} {is}"))
        }
        _ => return Err(format!("{{ field = \"{name}\" }} needs exactly one of at-least and is")),
    };
    let place = field.bits();
    let words = if place.is_empty() { words } else { format!("{words} ({place})") };
    Ok(Condition { test, words })
}

fn at_least(field: &Field, name: &str) -> Result<CodeTest, String> {
    if !field.ladder {
        let (field, values) = (field.name, values_of(field));
        return Err(format!("the values of {field} have no order; use is = instead of at-least: {values}"));
    }
    match value(field, name)? {
        _ if name == RESERVED => Err(format!(
            "at-least cannot start at a reserved value of {}; levels: {}",
            field.name,
            values_of(field)
        )),
        0 => {
            Err(format!("{} is at least \"{name}\" in every pixel; levels: {}", field.name, values_of(field)))
        }
        low => Ok(field.test(low, field.mask())),
    }
}

fn value(field: &Field, name: &str) -> Result<u32, String> {
    field.class(name).map(|c| c.value).ok_or_else(|| {
        let hint = did_you_mean(name, field.classes.iter().map(|c| c.name));
        let separator = if hint.is_empty() { ";" } else { "" };
        format!("{} has no value \"{name}\"{hint}{separator} values: {}", field.name, values_of(field))
    })
}

fn values_of(field: &Field) -> String {
    let names = field.classes.iter().map(|c| c.name).filter(|n| *n != RESERVED);
    names.collect::<Vec<_>>().join(", ")
}

fn fields_of(layout: &Layout) -> String {
    layout.levelled().map(|f| f.name).collect::<Vec<_>>().join(", ")
}

/// The bits of all tests for a flag that is set, which are one test together, and the other tests.
fn flags_together(tests: impl Iterator<Item = CodeTest>) -> (u32, Vec<CodeTest>) {
    let (flags, others): (Vec<_>, Vec<_>) = tests.partition(|t| (t.mask, t.low, t.high) == (1, 1, 1));
    (flags.iter().fold(0, |bits, flag| bits | 1 << flag.offset), others)
}

struct BoundBits {
    band: [usize; 1],
    name: String,
    conditions: Vec<Condition>,
    notes: Vec<String>,
}

impl PlannedMask for BoundBits {
    fn bands(&self) -> &[usize] {
        &self.band
    }

    fn describe(&self) -> String {
        let words: Vec<&str> = self.conditions.iter().map(|c| c.words.as_str()).collect();
        format!("{}: {}", self.name, words.join(", "))
    }

    fn notes(&self) -> Vec<String> {
        self.notes.clone()
    }

    fn takes_code(&self, band: usize, code: u32) -> Option<bool> {
        (band == self.band[0]).then(|| self.conditions.iter().any(|c| c.test.takes(code)))
    }
}

impl BoundMask for BoundBits {
    fn mark(&self, input: &MaskInput<'_>, mut marked: ArrayViewMut2<'_, u8>) -> Result<(), KindError> {
        let [Plane::Quality { codes, inside }] = input.planes else {
            return Err(KindError::new(format!("{} did not come as one quality band", self.name)));
        };
        let (flags, others) = flags_together(self.conditions.iter().map(|c| c.test));
        if flags != 0 {
            Zip::from(&mut marked).and(codes).and(inside).for_each(|m, code, inside| {
                *m |= u8::from(code & flags != 0) & inside;
            });
        }
        for CodeTest { offset, mask, low, high } in others {
            // One compare instead of two, without a branch: `value - low` wraps around below `low`.
            let span = high - low;
            Zip::from(&mut marked).and(codes).and(inside).for_each(|m, code, inside| {
                let taken = ((code >> offset) & mask).wrapping_sub(low) <= span;
                *m |= u8::from(taken) & inside;
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::scene;
    use compose_core::DataType;
    use compose_core::quality::find;
    use std::sync::Arc;

    fn bits(toml: &str) -> Result<Box<dyn MaskRule>, Vec<String>> {
        let table = toml::de::DeTable::parse(toml).unwrap().into_inner();
        let messages = |problems: Vec<Problem>| problems.into_iter().map(|p| p.message).collect();
        parse(&SettingsTable::new(0..toml.len(), table)).map_err(messages)
    }

    fn bound(toml: &str, layout: &str) -> Result<Arc<dyn BoundMask>, String> {
        bits(toml)
            .unwrap()
            .bind(&scene(layout, DataType::UInt16))
            .map(|bound| bound.alone())
            .map_err(|e| e.to_string())
    }

    fn refused(toml: &str, layout: &str) -> String {
        bound(toml, layout).err().expect("refused")
    }

    #[test]
    fn flags_tested_together_take_what_each_takes_alone() {
        let test = |offset, mask, low, high| CodeTest { offset, mask, low, high };
        let tests =
            [test(3, 1, 1, 1), test(31, 1, 1, 1), test(4, 1, 0, 0), test(8, 3, 2, 3), test(0, 1, 1, 1)];
        let (flags, others) = flags_together(tests.into_iter());
        assert_eq!((flags, others.len()), (1 << 3 | 1 << 31 | 1, 2));
        for code in (0..1024).chain([1 << 31, u32::MAX]) {
            let together = code & flags != 0 || others.iter().any(|t| t.takes(code));
            assert_eq!(together, tests.iter().any(|t| t.takes(code)), "{code}");
        }
    }

    #[test]
    fn an_unknown_flag_is_answered_with_the_nearest_and_all_flags() {
        assert_eq!(
            refused("any = ['clowd']", "landsat-c2-l89"),
            "QA_PIXEL has no flag \"clowd\"; did you mean \"cloud\"? flags: fill, dilated-cloud, cirrus, cloud, \
             cloud-shadow, snow, clear, water"
        );
        assert!(refused("any = ['haze']", "landsat-c2-l89").contains(
            "\"haze\"; flags: fill, dilated-cloud, cirrus, cloud, cloud-shadow, snow, clear, water; fields of several \
             values: cloud-confidence, "
        ));
    }

    #[test]
    fn a_flag_that_has_levels_is_answered_with_how_to_write_it() {
        assert_eq!(
            refused("any = ['cloud']", "landsat-pre-collection"),
            "QA_PIXEL has no flag \"cloud\" but a field of several values; write { field = \"cloud\", at-least = \
             \"maybe\" }; values: not-determined, no, maybe, yes"
        );
    }

    #[test]
    fn levels_are_refused_where_they_make_no_sense() {
        let refused = |level: &str| refused(&format!("any = [{{ {level} }}]"), "landsat-c2-l89");
        assert!(
            refused("field = 'cloud-confidence', at-least = 'meduim'").contains("did you mean \"medium\"?")
        );
        assert!(
            refused("field = 'cloud-confidense', is = 'high'").contains("did you mean \"cloud-confidence\"?")
        );
        assert!(refused("field = 'cloud', is = 'high'").contains("is a flag and has no levels"));
        assert!(
            refused("field = 'cloud-shadow-confidence', at-least = 'reserved'").contains("reserved value")
        );
        assert!(
            refused("field = 'cloud-shadow-confidence', is = 'medium'")
                .contains("values: not-set, low, high")
        );
        assert!(refused("field = 'cloud-confidence', at-least = 'not-set'").contains("in every pixel"));
        assert!(refused("field = 'cloud-confidence'").contains("exactly one of at-least and is"));
        let both = "field = 'cloud-confidence', is = 'low', at-least = 'low'";
        assert!(refused(both).contains("exactly one of at-least and is"));
    }

    #[test]
    fn at_least_is_refused_where_values_have_no_order() {
        let message = refused("any = [{ field = 'cloud-state', at-least = 'opaque' }]", "force-qai");
        assert!(
            message.ends_with("use is = instead of at-least: clear, buffered, opaque, cirrus"),
            "{message}"
        );
    }

    #[test]
    fn a_wrong_item_is_answered_with_what_an_item_is() {
        let message = bits("any = [3]").unwrap_err().remove(0);
        let expected = "a flag such as \"cloud\" or { field = \"cloud-confidence\", at-least = \"medium\" }";
        assert_eq!(message, format!("bits: any holds the integer 3, expected {expected}"));
        assert!(
            bits("any = [{ field = 'a', atleast = 'b' }]").unwrap_err()[0]
                .contains("unknown key \"atleast\"; did you mean \"at-least\"?")
        );
        assert_eq!(bits("any = []").unwrap_err(), ["any is empty; name at least one flag"]);
    }

    #[test]
    fn with_its_own_layout_a_rule_is_judged_before_any_scene_is_known() {
        let problems = bits("any = ['clowd', 'cloud', 'snov']\nlayout = 'hls-v2'").unwrap_err();
        assert_eq!(problems.len(), 2);
        assert!(problems[0].starts_with("hls-v2 has no flag \"clowd\"; did you mean \"cloud\"?"));
        assert!(
            bits("any = ['cloud']\nlayout = 'hls'").unwrap_err()[0].starts_with("unknown layout \"hls\"")
        );
    }

    #[test]
    fn an_unknown_layout_of_the_band_is_asked_for() {
        assert!(
            refused("any = ['cloud']", "").contains("layout of QA_PIXEL is unknown; say it with layout =")
        );
        assert!(refused("any = ['cloud']\nband = 'B4'", "").contains("B4 is a data band"));
    }

    #[test]
    fn classes_of_a_class_valued_band_are_flags() {
        let rule = bound("any = ['cloud-shadow', 'cloud-high']", "sentinel-2-scl").unwrap();
        assert_eq!(rule.describe(), "QA_PIXEL: cloud-shadow (code 3), cloud-high (code 9)");
        let taken: Vec<u32> = (0..12).filter(|c| rule.takes_code(1, *c) == Some(true)).collect();
        assert_eq!((taken, rule.takes_code(0, 3)), (vec![3, 9], None));
    }

    #[test]
    fn the_description_says_which_bits_are_read() {
        let toml = "any = ['cloud', { field = 'cloud-confidence', at-least = 'medium' }]";
        let rule = bound(toml, "landsat-c2-l89").unwrap();
        assert_eq!(rule.describe(), "QA_PIXEL: cloud (bit 3), cloud-confidence at least medium (bits 8-9)");
    }

    #[test]
    fn the_page_names_every_layout() {
        for layout in compose_core::quality::LAYOUTS {
            assert!(KIND.page.contains(&format!("`{}`", layout.name)), "bits.md: {}", layout.name);
        }
    }

    #[test]
    fn every_flag_and_level_of_every_layout_is_found_and_agrees_with_the_code_test() {
        for layout in compose_core::quality::LAYOUTS {
            for name in layout.flags() {
                assert_eq!(
                    flag(name, layout, "QA").unwrap().test,
                    find(layout.name).unwrap().flag(name).unwrap()
                );
            }
            for (field, class) in layout.levelled().flat_map(|f| f.classes.iter().map(move |c| (f, c))) {
                let item = Level { field: field.name.into(), at_least: None, is: Some(class.name.into()) };
                assert!(level(&item, layout, "QA").unwrap().test.takes(class.value << field.offset));
            }
        }
    }
}
