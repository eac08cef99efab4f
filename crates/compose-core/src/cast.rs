//! How a computed value becomes an output sample: once, at the edge.

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
        let sample = if self.dtype.is_integer() { value.round().clamp(low, high) } else { value };
        if self.nodata == Some(sample) {
            return if sample >= high { sample - 1.0 } else { sample + 1.0 } as f32;
        }
        sample as f32
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
    fn at_the_type_maximum_nodata_is_stepped_under() {
        let cast = Cast { dtype: DataType::UInt8, nodata: Some(255.0) };
        assert_eq!(cast.computed(300.0), 254.0);
    }
}
