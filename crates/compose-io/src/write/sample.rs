//! The types of samples on disk, and how numbers become them.

use gdal::raster::GdalType;

/// A type of samples on disk.
pub(super) trait Sample: GdalType + Copy + Default + Send + 'static {
    fn from_f32(value: f32) -> Self;
    fn from_u16(value: u16) -> Self;
    fn from_f64(value: f64) -> Self;
    /// NaN is NaN.
    fn same(self, other: Self) -> bool;
}

macro_rules! sample {
    ($($type:ty)*) => {$(
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
            #[allow(clippy::eq_op)] // NaN alone differs from itself.
            fn same(self, other: Self) -> bool {
                self == other || (self != self && other != other)
            }
        }
    )*};
}
sample!(u8 u16 i16 u32 i32 f32 f64);
