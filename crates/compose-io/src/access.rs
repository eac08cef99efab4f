//! The files that a scene file may open besides itself: local ones, unless the rules allow more.
//!
//! A raster can name others, and GDAL follows every name, into networks as well. Hence three fences:
//!
//! 1. a file is opened by a driver of [`DRIVERS`] or by none: descriptions of map services, catalogues and pipelines
//!    are no scenes;
//! 2. every file that a VRT, an overview or a mask refers to is checked before GDAL opens it (`references`);
//! 3. [`confine`] takes all other drivers away from GDAL for the rest of the process, and tells it to make no request.
//!
//! The rules are `network` and `drivers` in `[scenes]`. Scenes that lie elsewhere can be let in here.
//!
//! The polygons of an area are opened by the drivers of [`AREA_DRIVERS`] or by none, from local files. A coordinate system that
//! GDAL would fetch from an address is refused before.

mod crs_link;
mod drivers;
mod first_bytes;
mod local;
mod open;
mod references;
mod vector;
mod vrt;

pub use drivers::{AREA_DRIVERS, Access, DRIVERS};
pub(crate) use open::open;
pub(crate) use references::check_references;
pub(crate) use vector::open_vector;

use gdal::{DriverManager, config};

/// The further drivers that the writer of images needs.
const OF_THE_WRITER: &str = "MEM";

/// A name that no file at an address has: none is allowed.
const NO_ADDRESS: &str = "none, unless [scenes] says network = true";

/// Keeps GDAL from opening anything else, whatever the environment says, until this is called again: a setting of the
/// process, as GDAL's own are. Call it only before threads use GDAL. The first two fences stand without it.
pub fn confine(access: &Access) {
    // Setting options that are strings cannot fail.
    let set = |key: &str, value: &str| drop(config::set_config_option(key, value));
    set("GDAL_VRT_ENABLE_PYTHON", "NO");
    set("GDAL_VRT_RAWRASTERBAND_ALLOWED_SOURCE", "SIBLING_OR_CHILD_OF_VRT_PATH");
    set("GDAL_MEM_ENABLE_OPEN", "NO");
    if access.network {
        drop(config::clear_config_option("CPL_VSIL_CURL_ALLOWED_FILENAME"));
    } else {
        set("CPL_VSIL_CURL_ALLOWED_FILENAME", NO_ADDRESS);
    }
    DriverManager::register_all();
    let mine = |name: &str| name == OF_THE_WRITER || AREA_DRIVERS.contains(&name) || access.takes(name);
    let others: Vec<_> = DriverManager::all().filter(|driver| !mine(&driver.short_name())).collect();
    others.iter().for_each(DriverManager::deregister_driver);
}

/// Whether GDAL has a driver of this short name; else its names.
///
/// # Errors
/// All names that GDAL has.
pub fn driver_exists(name: &str) -> Result<(), Vec<String>> {
    DriverManager::register_all();
    let names: Vec<String> = DriverManager::all().map(|driver| driver.short_name()).collect();
    if names.iter().any(|known| known == name) { Ok(()) } else { Err(names) }
}
