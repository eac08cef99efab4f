//! Floating-point numbers in JSON, to the bit: `#[serde(with = "compose_core::exact")]`.
//!
//! JSON has no word for infinities and NaN; they are strings here: `"inf"`, `"-inf"`, `"NaN"`, and `"NaN:"` with the bits in
//! hexadecimal digits for any other NaN. All other numbers are written with as many digits as tell them apart, those of
//! single precision as the same number in double precision.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Number, Value};

/// Writes numbers.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<T: Exact, S: Serializer>(numbers: &T, to: S) -> Result<S::Ok, S::Error> {
    numbers.to_json().serialize(to)
}

/// Reads numbers back, to the bit.
///
/// # Errors
/// Those of the deserializer, or what stands there is something else.
pub fn deserialize<'de, T: Exact, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    let value = Value::deserialize(from)?;
    T::from_json(&value).ok_or_else(|| D::Error::custom("expected numbers, or \"inf\", \"-inf\" or \"NaN\""))
}

/// A number, or several in a list.
pub trait Exact: Sized {
    /// As JSON.
    fn to_json(&self) -> Value;

    /// The same numbers; `None` where this is something else.
    fn from_json(value: &Value) -> Option<Self>;
}

impl Exact for f64 {
    fn to_json(&self) -> Value {
        let bits = self.to_bits();
        match Number::from_f64(*self) {
            Some(number) => Value::Number(number),
            None if self.is_infinite() => Value::from(if *self > 0.0 { "inf" } else { "-inf" }),
            None if bits == Self::NAN.to_bits() => Value::from("NaN"),
            None => Value::from(format!("NaN:{bits:016x}")),
        }
    }

    fn from_json(value: &Value) -> Option<Self> {
        match value {
            Value::Number(number) => number.as_f64(),
            Value::String(word) => match word.as_str() {
                "inf" => Some(Self::INFINITY),
                "-inf" => Some(Self::NEG_INFINITY),
                "NaN" => Some(Self::NAN),
                other => {
                    let bits = u64::from_str_radix(other.strip_prefix("NaN:")?, 16).ok()?;
                    Some(Self::from_bits(bits)).filter(|number| number.is_nan())
                }
            },
            _ => None,
        }
    }
}

impl Exact for f32 {
    fn to_json(&self) -> Value {
        match (self.is_nan(), self.to_bits() == Self::NAN.to_bits()) {
            // A conversion need not keep the bits of a NaN.
            (true, false) => Value::from(format!("NaN:{:08x}", self.to_bits())),
            _ => f64::from(*self).to_json(),
        }
    }

    fn from_json(value: &Value) -> Option<Self> {
        if let Some(bits) = value.as_str().and_then(|word| word.strip_prefix("NaN:")) {
            let bits = u32::from_str_radix(bits, 16).ok()?;
            return Some(Self::from_bits(bits)).filter(|number| number.is_nan());
        }
        let wide = f64::from_json(value)?;
        let narrow = if wide.is_nan() { Self::NAN } else { wide as Self };
        (wide.is_nan() || f64::from(narrow) == wide).then_some(narrow)
    }
}

impl<T: Exact> Exact for Vec<T> {
    fn to_json(&self) -> Value {
        Value::Array(self.iter().map(T::to_json).collect())
    }

    fn from_json(value: &Value) -> Option<Self> {
        value.as_array()?.iter().map(T::from_json).collect()
    }
}

impl<T: Exact, const N: usize> Exact for [T; N] {
    fn to_json(&self) -> Value {
        Value::Array(self.iter().map(T::to_json).collect())
    }

    fn from_json(value: &Value) -> Option<Self> {
        Vec::from_json(value)?.try_into().ok()
    }
}

impl<T: Exact> Exact for (T, T) {
    fn to_json(&self) -> Value {
        Value::Array(vec![self.0.to_json(), self.1.to_json()])
    }

    fn from_json(value: &Value) -> Option<Self> {
        <[T; 2]>::from_json(value).map(|[first, second]| (first, second))
    }
}

impl<T: Exact> Exact for Option<T> {
    fn to_json(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_json)
    }

    fn from_json(value: &Value) -> Option<Self> {
        if value.is_null() { Some(None) } else { T::from_json(value).map(Some) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Deserialize, Serialize)]
    struct Numbers {
        #[serde(with = "super")]
        wide: Vec<f64>,
        #[serde(with = "super")]
        narrow: Vec<(f32, f32)>,
        #[serde(with = "super")]
        none: Option<[Vec<f64>; 2]>,
    }

    fn there_and_back(numbers: &Numbers) -> Numbers {
        let text = serde_json::to_string(numbers).unwrap();
        let again: Numbers = serde_json::from_str(&text).unwrap();
        // By way of a value, too, as a kind's state goes.
        let value = serde_json::to_value(numbers).unwrap();
        assert_eq!(serde_json::to_string(&value).unwrap(), text);
        again
    }

    proptest! {
        #[test]
        fn every_number_comes_back_to_the_bit(wide: Vec<u64>, narrow: Vec<(u32, u32)>) {
            let special = [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, f64::MIN_POSITIVE, 5e-324];
            let numbers = Numbers {
                wide: wide.into_iter().map(f64::from_bits).chain(special).collect(),
                narrow: narrow
                    .into_iter()
                    .map(|(a, b)| (f32::from_bits(a), f32::from_bits(b)))
                    .chain([(f32::NAN, -f32::NAN), (f32::INFINITY, -0.0), (1e-45, 0.1)])
                    .collect(),
                none: None,
            };
            let again = there_and_back(&numbers);
            let bits = |of: &[f64]| of.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&again.wide), bits(&numbers.wide));
            let bits = |of: &[(f32, f32)]| of.iter().map(|v| (v.0.to_bits(), v.1.to_bits())).collect::<Vec<_>>();
            prop_assert_eq!(bits(&again.narrow), bits(&numbers.narrow));
            prop_assert!(again.none.is_none());
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for wrong in ["\"one\"", "true", "{}", "\"NaN:7\"", "\"NaN:zz\"", "null", "[1.0]"] {
            let value = serde_json::from_str(wrong).unwrap();
            assert!(f64::from_json(&value).is_none() && f32::from_json(&value).is_none(), "{wrong}");
        }
        // Not a number of single precision.
        assert!(f32::from_json(&Value::from(0.1)).is_none() && f32::from_json(&Value::from(1e300)).is_none());
        assert!(<[f64; 2]>::from_json(&serde_json::json!([1.0])).is_none());
    }
}
