//! The sample types that a raster band can have.

use std::fmt;
use std::str::FromStr;

/// Sample type of a raster band, by its usual name (`uint16`, `float32`, …).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum DataType {
    UInt8,
    Int8,
    UInt16,
    Int16,
    UInt32,
    Int32,
    UInt64,
    Int64,
    Float32,
    Float64,
    /// Complex samples: known, never composed.
    Complex,
}

impl DataType {
    const NAMES: [(&'static str, Self); 10] = [
        ("uint8", Self::UInt8),
        ("int8", Self::Int8),
        ("uint16", Self::UInt16),
        ("int16", Self::Int16),
        ("uint32", Self::UInt32),
        ("int32", Self::Int32),
        ("uint64", Self::UInt64),
        ("int64", Self::Int64),
        ("float32", Self::Float32),
        ("float64", Self::Float64),
    ];

    /// The usual name.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, t)| *t == self).map_or("complex", |(name, _)| name)
    }

    /// All names that [`FromStr`] accepts.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::NAMES.iter().map(|(name, _)| *name)
    }

    /// Bytes per sample.
    pub fn bytes(self) -> usize {
        match self {
            Self::UInt8 | Self::Int8 => 1,
            Self::UInt16 | Self::Int16 => 2,
            Self::UInt32 | Self::Int32 | Self::Float32 => 4,
            Self::UInt64 | Self::Int64 | Self::Float64 => 8,
            Self::Complex => 16,
        }
    }

    /// Whether samples are integers.
    #[inline]
    pub fn is_integer(self) -> bool {
        !matches!(self, Self::Float32 | Self::Float64 | Self::Complex)
    }

    /// Whether every sample of this type is exactly a `f32`.
    pub fn fits_f32(self) -> bool {
        matches!(self, Self::UInt8 | Self::Int8 | Self::UInt16 | Self::Int16 | Self::Float32)
    }

    /// Smallest and largest sample.
    #[inline]
    pub fn range(self) -> (f64, f64) {
        match self {
            Self::UInt8 => (0.0, f64::from(u8::MAX)),
            Self::Int8 => (f64::from(i8::MIN), f64::from(i8::MAX)),
            Self::UInt16 => (0.0, f64::from(u16::MAX)),
            Self::Int16 => (f64::from(i16::MIN), f64::from(i16::MAX)),
            Self::UInt32 => (0.0, f64::from(u32::MAX)),
            Self::Int32 => (f64::from(i32::MIN), f64::from(i32::MAX)),
            Self::UInt64 => (0.0, u64::MAX as f64),
            Self::Int64 => (i64::MIN as f64, i64::MAX as f64),
            Self::Float32 => (f64::from(f32::MIN), f64::from(f32::MAX)),
            Self::Float64 | Self::Complex => (f64::MIN, f64::MAX),
        }
    }

    /// Whether every sample of `other` can be stored without change.
    pub fn holds_all(self, other: Self) -> bool {
        let (low, high) = other.range();
        match self {
            Self::Float64 => other != Self::UInt64 && other != Self::Int64 && other != Self::Complex,
            Self::Float32 => other.fits_f32(),
            _ => other == self || (other.is_integer() && self.holds(low) && self.holds(high)),
        }
    }

    /// Whether `value` can be stored without change.
    pub fn holds(self, value: f64) -> bool {
        let (low, high) = self.range();
        match self {
            Self::Float64 | Self::Complex => true,
            Self::Float32 => !value.is_finite() || f64::from(value as f32) == value,
            _ => value.fract() == 0.0 && (low..=high).contains(&value),
        }
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for DataType {
    type Err = ();
    fn from_str(s: &str) -> Result<Self, ()> {
        let s = if s == "byte" { "uint8" } else { s };
        Self::NAMES.iter().find(|(name, _)| *name == s).map(|(_, t)| *t).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wider_type_holds_all_of_a_narrower_one_and_not_the_other_way() {
        assert!(DataType::Int32.holds_all(DataType::UInt16) && !DataType::Int16.holds_all(DataType::UInt16));
        assert!(
            DataType::Float32.holds_all(DataType::Int16) && !DataType::Float32.holds_all(DataType::Int32)
        );
        assert!(!DataType::UInt16.holds_all(DataType::Float32) && DataType::UInt8.holds_all(DataType::UInt8));
    }
}
