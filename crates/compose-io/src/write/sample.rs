//! The types of samples on disk, and how numbers become them.

use bytemuck::Pod;
use gdal::raster::GdalType;

/// A type of samples on disk.
pub(super) trait Sample: GdalType + Pod + Default + PartialEq + Send + 'static {
    fn from_f32(value: f32) -> Self;
    fn from_u16(value: u16) -> Self;
    fn from_f64(value: f64) -> Self;
    fn to_f64(self) -> f64;
    /// Whether four of them add up to a `u32` whatever they are, and none is negative.
    const IS_SMALL: bool;
    fn to_u32(self) -> u32;
    fn from_u32(value: u32) -> Self;
    /// The average of samples of which `total` is the weighted sum: halves are rounded away from 0.
    fn mean(total: f64, weight: f64) -> Self;
    /// The next larger number, or of the largest the next smaller.
    fn next(self) -> Self;
    /// NaN is NaN.
    fn same(self, other: Self) -> bool;
}

macro_rules! sample {
    ($($type:ty: |$mean:ident| $rounded:expr, |$number:ident| $next:expr;)*) => {$(
        impl Sample for $type {
            fn from_f32(value: f32) -> Self {
                value as $type
            }
            fn from_u16(value: u16) -> Self {
                value as $type
            }
            fn from_f64(value: f64) -> Self {
                value as $type
            }
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            const IS_SMALL: bool = <$type>::MIN as f64 == 0.0 && size_of::<$type>() < 4;
            fn to_u32(self) -> u32 {
                self as u32
            }
            fn from_u32(value: u32) -> Self {
                value as $type
            }
            #[inline(always)]
            fn mean(total: f64, weight: f64) -> Self {
                let $mean = total / weight;
                $rounded as $type
            }
            fn next(self) -> Self {
                let $number = self;
                $next
            }
            #[allow(clippy::eq_op)] // NaN alone differs from itself.
            fn same(self, other: Self) -> bool {
                self == other || (self != self && other != other)
            }
        }
    )*};
}
sample! {
    u8: |mean| (mean + 0.5), |n| n.checked_add(1).unwrap_or_else(|| n - 1);
    u16: |mean| (mean + 0.5), |n| n.checked_add(1).unwrap_or_else(|| n - 1);
    // In single precision, as GDAL does: a weighted average may be a half but for the last digit.
    i16: |mean| (mean as f32).round(), |n| n.checked_add(1).unwrap_or_else(|| n - 1);
    u32: |mean| (mean + 0.5), |n| n.checked_add(1).unwrap_or_else(|| n - 1);
    i32: |mean| mean.round(), |n| n.checked_add(1).unwrap_or_else(|| n - 1);
    f32: |mean| mean, |n| if n < f32::MAX { n.next_up() } else { n.next_down() };
    f64: |mean| mean, |n| if n < f64::MAX { n.next_up() } else { n.next_down() };
}
