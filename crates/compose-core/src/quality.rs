//! Quality-band layouts: what the bits of a code mean.
//!
//! [`LAYOUTS`] is the one table; [`find`] looks a layout up by the name that a rules file uses. A code is
//! never tested with `v & bits != 0` on a field of two bits or more ("high" would match "low"): every test is
//! a [`CodeTest`], which shifts and masks first.

mod layouts;
#[cfg(test)]
mod vectors;

pub use layouts::LAYOUTS;

use crate::Day;
use crate::kind::did_you_mean;

/// A named field of a quality code: `width` bits from bit `offset` (0 = least significant).
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Name used in rules files, such as `cloud-confidence`.
    pub name: &'static str,
    /// Lowest bit.
    pub offset: u32,
    /// Number of bits; 32 where the whole code is one class number.
    pub width: u32,
    /// Names of the field's values, by value; empty for a plain flag, where 1 means the field's name.
    pub classes: &'static [Class],
    /// Whether the classes are a ladder, so that `at-least` makes sense.
    pub ladder: bool,
    /// The smallest value worth telling: [`Layout::decode`] is silent below it (`low`, `none`, `not-set`) where there is
    /// anything else to tell.
    pub told_from: u32,
}

/// A named value of a field.
#[derive(Debug, PartialEq, Eq)]
pub struct Class {
    /// The field's value.
    pub value: u32,
    /// Its name, such as `medium` or `cloud-shadow`; [`RESERVED`] where the document gives the value none.
    pub name: &'static str,
}

/// The name of a value that the document reserves, such as 2 of C2's shadow confidence.
pub const RESERVED: &str = "reserved";

/// The name under which rules files ask for fill, in every layout that knows it by a whole code.
const FILL: &str = "fill";

/// How a layout says that a pixel is fill (outside the acquisition).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// It does not.
    Unknown,
    /// The flag at this bit is set.
    Bit(u32),
    /// The whole code is this number, whatever its bits would mean otherwise.
    Code(u32),
}

/// The meaning of a quality band.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    /// Name used in rules files, such as `landsat-c2-l89`.
    pub name: &'static str,
    /// The document that the bits were taken from.
    pub source: &'static str,
    /// The fields, by offset.
    pub fields: &'static [Field],
    /// How fill is said.
    pub fill: Fill,
    /// Codes that the documents print or that real scenes hold, to hold a list of values against.
    pub seen: &'static [u32],
    /// First and last day on which the band is empty in every scene, so that it says nothing.
    pub silent: Option<(Day, Day)>,
    /// Traps that whoever reads the band should be told of.
    pub caveats: &'static [Caveat],
}

/// A trap of a layout.
#[derive(Debug, PartialEq, Eq)]
pub struct Caveat {
    /// The flag that it is about; `None` where it concerns every reader.
    pub flag: Option<&'static str>,
    /// What to know.
    pub text: &'static str,
}

/// A yes-or-no question to a code: is `(code >> offset) & mask` from `low` to `high`?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeTest {
    /// Lowest bit of the field.
    pub offset: u32,
    /// The field's bits after the shift.
    pub mask: u32,
    /// Smallest value taken.
    pub low: u32,
    /// Largest value taken.
    pub high: u32,
}

impl CodeTest {
    /// The answer for one code.
    pub fn takes(self, code: u32) -> bool {
        (self.low..=self.high).contains(&((code >> self.offset) & self.mask))
    }
}

impl Field {
    /// The field's bits after the shift.
    pub fn mask(&self) -> u32 {
        u32::MAX >> (32 - self.width)
    }

    /// The field's value in a code.
    pub fn value(&self, code: u32) -> u32 {
        (code >> self.offset) & self.mask()
    }

    /// Whether it is a plain flag: one bit whose 1 means the field's name.
    pub fn is_flag(&self) -> bool {
        self.classes.is_empty()
    }

    /// The class of this name.
    pub fn class(&self, name: &str) -> Option<&'static Class> {
        self.classes.iter().find(|c| c.name == name)
    }

    /// Asks for values from `low` to `high`.
    pub fn test(&self, low: u32, high: u32) -> CodeTest {
        CodeTest { offset: self.offset, mask: self.mask(), low, high }
    }

    /// Where the field stands: `bit 3`, `bits 8-9`, or nothing where it is the whole code.
    pub fn bits(&self) -> String {
        match self.width {
            32 => String::new(),
            1 => format!("bit {}", self.offset),
            _ => format!("bits {}-{}", self.offset, self.offset + self.width - 1),
        }
    }

    /// What this field tells of a code, from a value on, in the words of rules files: `cloud`, `cloud-confidence high`,
    /// `cloud-state: mixed`.
    fn told(&self, code: u32, from: u32) -> Option<String> {
        let value = self.value(code);
        if value < from {
            return None;
        }
        if self.is_flag() {
            return Some(self.name.to_owned());
        }
        let class = self.classes.iter().find(|c| c.value == value);
        let class = class.map_or_else(|| format!("{value} (unknown)"), |c| c.name.to_owned());
        Some(match (self.width, self.ladder) {
            (32, _) => class,
            (_, true) => format!("{} {class}", self.name),
            (_, false) => format!("{}: {class}", self.name),
        })
    }
}

impl Layout {
    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|f| f.name == name)
    }

    /// The one field of a layout whose codes are class numbers rather than bits.
    pub fn class_field(&self) -> Option<&'static Field> {
        self.fields.first().filter(|f| f.width == 32)
    }

    /// Everything that can be asked for by its bare name: flags, or the classes of a class-valued layout,
    /// and `fill` where a whole code says it.
    pub fn flags(&self) -> Vec<&'static str> {
        let mut names: Vec<&str> = match self.class_field() {
            Some(field) => field.classes.iter().map(|c| c.name).collect(),
            None => self.fields.iter().filter(|f| f.is_flag()).map(|f| f.name).collect(),
        };
        if matches!(self.fill, Fill::Code(_)) && self.class_field().is_none() {
            names.push(FILL);
        }
        names
    }

    /// The question that the bare name of a flag asks.
    pub fn flag(&self, name: &str) -> Option<CodeTest> {
        if let Some(field) = self.class_field() {
            return field.class(name).map(|c| field.test(c.value, c.value));
        }
        match (self.field(name).filter(|f| f.is_flag()), self.fill) {
            (Some(field), _) => Some(field.test(1, 1)),
            (None, Fill::Code(c)) if name == FILL => {
                Some(CodeTest { offset: 0, mask: u32::MAX, low: c, high: c })
            }
            _ => None,
        }
    }

    /// The fields that have levels or classes rather than being flags.
    pub fn levelled(&self) -> impl Iterator<Item = &'static Field> {
        self.fields.iter().filter(|f| !f.is_flag())
    }

    /// Whether the code means fill (outside the acquisition).
    pub fn is_fill(&self, code: u32) -> bool {
        match self.fill {
            Fill::Unknown => false,
            Fill::Code(fill) => code == fill,
            Fill::Bit(bit) => code >> bit & 1 == 1,
        }
    }

    /// Whether every field of `other` is one of its own, by the same name at the same bits, and fill is the same.
    pub fn knows(&self, other: &Self) -> bool {
        let same = |a: &Field, b: &Field| (a.name, a.offset, a.width) == (b.name, b.offset, b.width);
        self.fill == other.fill && other.fields.iter().all(|of| self.fields.iter().any(|own| same(own, of)))
    }

    /// The flag that means fill, in a layout that has one.
    pub fn fill_field(&self) -> Option<&'static Field> {
        match self.fill {
            Fill::Bit(bit) => self.fields.iter().find(|f| f.is_flag() && f.offset == bit),
            _ => None,
        }
    }

    /// What a code says, in the names that rules files use: the flags that are set and the levels above the quiet ones.
    /// Where these are all that it says, it says them.
    ///
    /// ```
    /// let layout = compose_core::quality::find("landsat-c2-l89").unwrap();
    /// assert_eq!(layout.decode(22280), "cloud + cloud-confidence high");
    /// assert_eq!(layout.decode(256), "cloud-confidence low");
    /// ```
    pub fn decode(&self, code: u32) -> String {
        if matches!(self.fill, Fill::Code(_)) && self.class_field().is_none() && self.is_fill(code) {
            return FILL.into();
        }
        let loud = self.told(code, |field| field.told_from);
        let told = if loud.is_empty() { self.told(code, |_| 1) } else { loud };
        if told.is_empty() { "nothing set".into() } else { told.join(" + ") }
    }

    /// What each field tells from its value on, and bits that belong to none.
    fn told(&self, code: u32, from: impl Fn(&Field) -> u32) -> Vec<String> {
        let fields = self.fields.iter().filter_map(|f| f.told(code, from(f)));
        fields.chain(self.unused_bits(code).map(|bit| format!("unused bit {bit}"))).collect()
    }

    /// Set bits that belong to no field.
    fn unused_bits(&self, code: u32) -> impl Iterator<Item = u32> {
        let used = self.fields.iter().fold(0, |bits, f| bits | (f.mask() << f.offset));
        (0..32).filter(move |bit| (code & !used) >> bit & 1 == 1)
    }
}

/// The layout of this name.
///
/// # Errors
/// A message with the nearest name and all names.
pub fn find(name: &str) -> Result<&'static Layout, String> {
    LAYOUTS.iter().find(|l| l.name == name).ok_or_else(|| {
        let hint = did_you_mean(name, LAYOUTS.iter().map(|l| l.name));
        let separator = if hint.is_empty() { ";" } else { "" };
        let names: Vec<&str> = LAYOUTS.iter().map(|l| l.name).collect();
        format!("unknown layout \"{name}\"{hint}{separator} layouts: {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_layout_is_answered_with_the_nearest_and_all_names() {
        let message = find("hls-v3").unwrap_err();
        assert!(message.starts_with("unknown layout \"hls-v3\"; did you mean \"hls-v2\"? layouts: landsat-"));
        assert!(find("nonsense").unwrap_err().starts_with("unknown layout \"nonsense\"; layouts: "));
    }

    #[test]
    fn fields_of_a_layout_do_not_overlap_and_go_by_offset() {
        for layout in LAYOUTS {
            let mut next = 0;
            for field in layout.fields {
                assert!(field.offset >= next, "{}: {} overlaps", layout.name, field.name);
                next = field.offset + field.width;
            }
            assert!(next <= 32, "{}: more than 32 bits", layout.name);
        }
    }

    #[test]
    fn names_are_unique_kebab_case_words() {
        let mut all: Vec<&str> = LAYOUTS.iter().map(|l| l.name).collect();
        assert_unique(&mut all);
        for layout in LAYOUTS {
            assert_unique(&mut layout.fields.iter().map(|f| f.name).collect::<Vec<_>>());
            for field in layout.fields {
                assert_unique(&mut field.classes.iter().map(|c| c.name).collect::<Vec<_>>());
            }
        }
    }

    fn assert_unique(names: &mut Vec<&str>) {
        let kebab = |n: &&str| n.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        assert!(names.iter().all(kebab), "{names:?}");
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{names:?}");
    }

    #[test]
    fn class_values_rise_and_fit_their_field() {
        for field in LAYOUTS.iter().flat_map(|l| l.fields) {
            assert!(field.classes.windows(2).all(|w| w[0].value < w[1].value), "{}", field.name);
            assert!(field.classes.iter().all(|c| c.value <= field.mask()), "{}", field.name);
            assert_eq!(field.is_flag(), field.width == 1, "{}", field.name);
        }
    }

    /// Aerosol "low" of HLS and SR_QA_AEROSOL is 64: a field of two bits that is set says so.
    #[test]
    fn no_value_of_any_field_is_told_as_nothing() {
        for layout in LAYOUTS {
            for field in layout.fields {
                for class in field.classes.iter().filter(|c| c.value > 0) {
                    let told = layout.decode(class.value << field.offset);
                    assert!(
                        told.contains(class.name),
                        "{}: {} {}: {told}",
                        layout.name,
                        field.name,
                        class.name
                    );
                }
            }
        }
    }

    /// `bits` takes every word of a decoded code.
    #[test]
    fn what_a_code_says_is_said_in_the_names_that_rules_use() {
        for layout in LAYOUTS.iter().filter(|l| l.class_field().is_none()) {
            let all = layout.fields.iter().fold(0, |bits, f| bits | (f.mask() << f.offset));
            let code = if layout.is_fill(all) { all & !1 } else { all };
            for said in layout.decode(code).split(" + ") {
                let name = said.split([' ', ':']).next().unwrap();
                assert!(layout.field(name).is_some(), "{}: {said}", layout.name);
            }
        }
    }

    #[test]
    fn flags_of_fill_and_of_caveats_exist() {
        for layout in LAYOUTS {
            let by_bit = matches!(layout.fill, Fill::Bit(_));
            assert_eq!(layout.fill_field().is_some(), by_bit, "{}", layout.name);
            for flag in layout.caveats.iter().filter_map(|c| c.flag) {
                assert!(layout.flag(flag).is_some(), "{}: {flag}", layout.name);
            }
        }
    }
}
