//! The largest size of an output, checked before anything is spent on it.

use crate::plan::Stack;
use compose_core::{Crs, CrsUnit, DataType, Grid};
use std::fmt;

/// A grid larger than this on a side is a slip, not a product (GDAL counts pixels in 32 bits).
pub const LARGEST_SIDE: f64 = i32::MAX as f64;
/// An output with this many times the pixels of all scenes has its resolution in the wrong unit.
const LARGEST_SHARE: f64 = 1e6;
/// Tiles that a GeoTIFF may have: GDAL keeps their places in at most 2 GiB (`GTiffDataset::CreateLL`).
const MOST_TILES: f64 = (1_u64 << 28) as f64;
/// Side of the tiles that are written.
const TILE: usize = 512;

/// A number without the digits that only rounding put there.
pub fn short(n: f64) -> f64 {
    (n * 1e6).round() / 1e6
}

/// Bytes as people say them: `355.8 MB`, 1 MB being 2²⁰ bytes.
pub struct Bytes(pub f64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = ["kB", "MB", "GB", "TB", "PB", "EB"];
        if self.0 < 1024.0 {
            return write!(f, "{} B", self.0);
        }
        let power = ((self.0.log2() / 10.0) as usize).clamp(1, units.len());
        write!(f, "{:.1} {}", self.0 / 1024_f64.powi(power as i32), units[power - 1])
    }
}

/// Refuses a grid that is too large for a file, or larger than anybody means. `bands` samples of `dtype` are written for each pixel.
pub fn check(grid: &Grid, stack: &Stack, bands: usize, dtype: DataType) -> Result<(), String> {
    let of = |grid: &Grid| grid.width as f64 * grid.height as f64;
    let pixels = of(grid);
    let known: f64 = stack.facts.iter().map(|facts| of(&facts.grid)).sum();
    let bytes = Bytes(pixels * (bands * dtype.bytes()) as f64);
    let tiles = grid.width.div_ceil(TILE) as f64 * grid.height.div_ceil(TILE) as f64 * bands as f64;
    let what = format!("is {} × {} pixels, {bytes}", grid.width, grid.height);
    let advice = format!("expected a resolution{} that fits the bounds", unit_of(grid.crs.as_deref()));
    if grid.width as f64 > LARGEST_SIDE || grid.height as f64 > LARGEST_SIDE {
        return Err(format!("{what}; expected 1 to {LARGEST_SIDE} on each side"));
    }
    if pixels > LARGEST_SHARE * known {
        return Err(format!(
            "{what}, more than {LARGEST_SHARE} times the {known} pixels of the scenes; {advice}"
        ));
    }
    if tiles > MOST_TILES {
        return Err(format!(
            "{what} in {tiles} tiles, more than the {MOST_TILES} that a GeoTIFF holds; {advice}"
        ));
    }
    Ok(())
}

/// ` in units of EPSG:32613 (metres)`.
pub fn unit_of(crs: Option<&Crs>) -> String {
    let Some(crs) = crs else { return String::new() };
    let unit = match crs.unit {
        CrsUnit::Angle => "degrees".to_owned(),
        CrsUnit::Metres(1.0) => "metres".to_owned(),
        CrsUnit::Metres(metres) => format!("of {metres} m"),
    };
    format!(" in units of {} ({unit})", crs.label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_said_in_the_unit_that_leaves_few_digits() {
        let said = |bytes| Bytes(bytes).to_string();
        assert_eq!([said(0.0), said(1023.0), said(1024.0)], ["0 B", "1023 B", "1.0 kB"]);
        assert_eq!(said(5e15), "4.4 PB");
        assert_eq!(said(1e30), format!("{:.1} EB", 1e30 / 1024_f64.powi(6)));
    }
}
