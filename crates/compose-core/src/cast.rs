//! Conversion of computed values to output samples, done once.

use crate::DataType;

/// Output sample type and its nodata value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cast {
    /// Type of the output's samples.
    pub dtype: DataType,
    /// The value that means "no data"; NaN is allowed for floats.
    pub nodata: Option<f64>,
}

impl Cast {
    /// The sample for a *computed* value: rounded half away from zero and clamped for integers; moved by
    /// one (towards the range's inside) where it would read as nodata.
    #[inline]
    pub fn computed(&self, value: f64) -> f32 {
        let (low, high) = self.dtype.range();
        if !self.dtype.is_integer() {
            return self.computed_float(value as f32);
        }
        let sample = value.round().clamp(low, high);
        if self.nodata == Some(sample) {
            return if sample >= high { sample - 1.0 } else { sample + 1.0 } as f32;
        }
        sample as f32
    }

    /// A value is compared with nodata after rounding to single precision, as it is stored.
    fn computed_float(&self, sample: f32) -> f32 {
        if self.nodata.is_none_or(|nodata| nodata as f32 != sample) {
            return sample;
        }
        // Large numbers are further apart than 1: the next one is taken.
        if sample + 1.0 > sample { sample + 1.0 } else { sample.next_up() }
    }

    /// Whether an *observed* value would be taken for nodata in the output.
    pub fn collides(&self, value: f32) -> bool {
        self.nodata == Some(f64::from(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_round_away_from_zero_and_nodata_is_stepped_over() {
        let cast = Cast { dtype: DataType::Int16, nodata: Some(-2.0) };
        assert_eq!([cast.computed(0.5), cast.computed(-0.5), cast.computed(-1.5)], [1.0, -1.0, -1.0]);
        assert_eq!([cast.computed(4e4), cast.computed(-4e4)], [32767.0, -32768.0]);
    }

    #[test]
    fn a_float_that_rounds_to_nodata_moves_aside_and_so_does_a_huge_one() {
        let cast = |nodata| Cast { dtype: DataType::Float32, nodata: Some(nodata) };
        assert_eq!(cast(100.0).computed(100.000_000_1), 101.0);
        assert_ne!(cast(-3.4e38).computed(-3.4e38), -3.4e38);
    }

    #[test]
    fn at_the_type_maximum_nodata_is_stepped_under() {
        let cast = Cast { dtype: DataType::UInt8, nodata: Some(255.0) };
        assert_eq!(cast.computed(300.0), 254.0);
    }
}
