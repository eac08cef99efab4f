//! Everything that touches GDAL: finding scenes, reading headers and pixels, alignment, writing.
//!
//! | module | for |
//! |---|---|
//! | [`preset`] | products whose names, bands, nodata, scale and quality layout are known |
//! | [`discover`] | from paths and names to scenes with their headers read ([`scene`], [`mtl`]) |
//! | [`header`] | what a file says before a pixel is read, and what is refused by name |
//! | [`access`] | what a scene file may open besides itself |
//! | [`crs`] | coordinate systems and transformation between them |
//! | [`tiles`] | pixels: every tile decoded once and shared by the workers, within a budget |
//! | `direct` | blocks of plain GeoTIFF files, read without GDAL |
//! | [`area`] | the polygons of a vector file, on the map of an output |
//! | [`align`] | from a scene's grid to the target grid: paste or resample |
//! | [`mod@write`] | GeoTIFF and COG, under temporary names until all is done ([`files`]) |
//! | [`quicklook`] | PNG pictures |
//! | [`text`] | text files of a bounded size |
//! | [`inspect`] | what a file is, as far as it and its name can tell |
//!
//! Nodata exists only here: outside this crate a pixel is valid or it is not.

pub mod access;
pub mod align;
pub mod area;
pub mod crs;
mod direct;
pub mod discover;
mod error;
pub mod files;
pub mod header;
pub mod inspect;
mod messages;
pub mod mtl;
pub mod preset;
pub mod quicklook;
pub mod scene;
pub mod text;
pub mod tiles;
pub mod write;

#[cfg(fuzzing)]
pub use direct::fuzz_direct;
pub use error::IoError;
pub use header::{BandHeader, FileHeader};
pub use tiles::{BandRef, Reading, RunPosition, TileStore, Valid};

/// The version of the GDAL library that is running, such as `3.6.2`.
pub fn gdal_version() -> String {
    gdal::version::version_info("RELEASE_NAME")
}

/// Limits GDAL's own block cache, which decoded tiles only pass through.
pub fn limit_gdal_cache(bytes: u64) {
    // Setting an option that every GDAL knows cannot fail; if it did, only memory would be larger.
    let _ = gdal::config::set_config_option("GDAL_CACHEMAX", &bytes.to_string());
}
