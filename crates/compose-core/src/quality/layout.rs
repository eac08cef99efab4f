//! A layout: its fields, their values, and the meaning of a code.

use crate::Day;

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
    /// [`Layout::decode`] leaves out values of this field that are smaller (`low`, `none`, `not-set`), unless its text
    /// would be empty without them.
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

/// The flag for fill pixels in layouts in which one whole code means fill.
const FILL: &str = "fill";

/// The way in which a layout marks fill pixels (outside the acquisition).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fill {
    /// It does not.
    Unknown,
    /// The flag at this bit is set.
    Bit(u32),
    /// The whole code is this number, whatever its bits would mean otherwise.
    Code(u32),
    /// `(code >> offset) & mask` is one of these.
    Values {
        /// Lowest bit of the field.
        offset: u32,
        /// The field's bits after the shift.
        mask: u32,
        /// Its values that mean fill.
        values: &'static [u32],
    },
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
    /// The mark of fill pixels.
    pub fill: Fill,
    /// Codes that the documents print or that real scenes hold: a list of codes is compared with them.
    pub known_codes: &'static [u32],
    /// First and last day on which the band is empty in every scene, so that it says nothing.
    pub silent: Option<(Day, Day)>,
    /// Traps for users of the band; they are printed as remarks.
    pub caveats: &'static [Caveat],
    /// What the numbers are percent of, in a layout that has no codes: whole numbers from 0 to 100, or fractions from 0 to 1.
    pub percent_of: Option<&'static str>,
}

/// A trap of a layout.
#[derive(Debug, PartialEq, Eq)]
pub struct Caveat {
    /// The flag that it is about; `None` where it concerns every reader.
    pub flag: Option<&'static str>,
    /// Notes for the user.
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

    /// The bits of the field: `bit 3`, `bits 8-9`, or nothing if it is the whole code.
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
            Fill::Values { offset, mask, values } => values.contains(&(code >> offset & mask)),
            Fill::Bit(bit) => code >> bit & 1 == 1,
        }
    }

    /// Whether a code is a class of it, or fill; layouts of bits know every code.
    pub fn knows_code(&self, code: u32) -> bool {
        let class = |field: &Field| field.classes.iter().any(|class| class.value == code);
        self.percent_of.is_some() || self.is_fill(code) || self.class_field().is_none_or(class)
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

    /// The meaning of a code in the names of rules files: the flags that are set, and the levels above the quiet ones. A code
    /// with quiet levels alone is given by these.
    ///
    /// ```
    /// let layout = compose_core::quality::find("landsat-c2-l89").unwrap();
    /// assert_eq!(layout.decode(22280), "cloud + cloud-confidence high");
    /// assert_eq!(layout.decode(256), "cloud-confidence low");
    /// ```
    pub fn decode(&self, code: u32) -> String {
        if let Some(what) = self.percent_of {
            return format!("{what} {code} %");
        }
        if matches!(self.fill, Fill::Code(_)) && self.class_field().is_none() && self.is_fill(code) {
            return FILL.into();
        }
        let loud = self.told(code, |field| field.told_from);
        let told = if loud.is_empty() { self.told(code, |_| 1) } else { loud };
        if told.is_empty() { "nothing set".into() } else { told.join(" + ") }
    }

    /// The meaning of each field from its value on, and bits that belong to no field.
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
