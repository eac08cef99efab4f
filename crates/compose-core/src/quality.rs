//! Quality-band layouts: what the bits of a code mean.

/// A named field of a quality code: `width` bits from bit `offset` (0 = least significant).
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Name used in rules files, such as `cloud-confidence`.
    pub name: &'static str,
    /// Lowest bit.
    pub offset: u32,
    /// Number of bits.
    pub width: u32,
    /// Names of the field's values, by value; empty for a plain flag, where 1 means the field's name.
    pub classes: &'static [Class],
    /// Whether the classes are a ladder, so that `at-least` makes sense.
    pub ladder: bool,
}

/// A named value of a field.
#[derive(Debug, PartialEq, Eq)]
pub struct Class {
    /// The field's value.
    pub value: u32,
    /// Its name, such as `medium` or `cloud-shadow`.
    pub name: &'static str,
}

/// The meaning of a quality band.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    /// Name used in rules files, such as `landsat-c2`.
    pub name: &'static str,
    /// The document that the bits were taken from.
    pub source: &'static str,
    /// The fields, by offset.
    pub fields: &'static [Field],
    /// Field and value that mean fill (outside the acquisition), where the layout knows one.
    pub fill: Option<(&'static str, u32)>,
}
