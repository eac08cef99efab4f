//! Products whose names, bands, nodata, scale and quality layouts are known: `preset = "…"` in a rules file.
//!
//! A [`Preset`] is a table, nothing more: patterns of file names, and for each [`Sensor`] its bands. The same
//! name may mean different things by sensor (`B4` is red on Landsat 8 and near infrared on Landsat 7), so
//! every band also has a common name, and only common names may be used across sensors.

mod hls;
mod landsat;
mod product;
mod sentinel2;

pub use product::{BandSpec, Own, Part, Preset, Radiometry, Sensor, UNOFFICIAL_BASELINE};

use compose_core::suggest::did_you_mean;

/// Every preset, in the order of the documentation.
pub static PRESETS: &[Preset] = &[
    landsat::PRE_COLLECTION,
    landsat::PRE_COLLECTION_SR,
    landsat::C1_L1,
    landsat::C1_SR,
    landsat::C2_L2,
    landsat::C2_L1,
    sentinel2::L2A,
    hls::V2,
];

/// The preset of this name.
///
/// # Errors
/// A message with the nearest name and all names.
pub fn find(name: &str) -> Result<&'static Preset, String> {
    PRESETS.iter().find(|p| p.name == name).ok_or_else(|| {
        let names: Vec<&str> = PRESETS.iter().map(|p| p.name).collect();
        let hint = did_you_mean(name, names.iter().copied());
        let separator = if hint.is_empty() { ";" } else { "" };
        format!("unknown preset \"{name}\"{hint}{separator} presets: {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests;
