//! What a scene file may open besides itself: local files, unless the rules say otherwise.
//!
//! A raster can name others, and GDAL follows every name, into networks as well. Hence three fences:
//!
//! 1. a file is opened by a driver of [`DRIVERS`] or by none: descriptions of map services, catalogues and pipelines
//!    are no scenes;
//! 2. what a VRT, an overview or a mask names is looked at before GDAL opens it, to the last file (`look`);
//! 3. [`confine`] takes all other drivers away from GDAL for the rest of the process, and tells it to make no request.
//!
//! The rules are `network` and `drivers` in `[scenes]`. Scenes that lie elsewhere can be let in here.

mod look;
mod vrt;

pub(crate) use look::look;

use crate::IoError;
use crate::messages::checked;
use gdal::{Dataset, DatasetOptions, DriverManager, GdalOpenFlags, Metadata, config};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Drivers of rasters that are files and hold their own pixels, by GDAL's short names; and VRT, which names others
/// that are looked at.
pub const DRIVERS: [&str; 35] = [
    "AAIGrid",
    "BMP",
    "COG",
    "DTED",
    "ECW",
    "EHdr",
    "ENVI",
    "FITS",
    "GIF",
    "GRIB",
    "GTiff",
    "HDF4",
    "HDF4Image",
    "HDF5",
    "HDF5Image",
    "HFA",
    "JP2ECW",
    "JP2KAK",
    "JP2Lura",
    "JP2MrSID",
    "JP2OpenJPEG",
    "JPEG",
    "JPEGXL",
    "KEA",
    "LIBERTIFF",
    "MrSID",
    "NITF",
    "PNG",
    "PNM",
    "RST",
    "SRTMHGT",
    "USGSDEM",
    "VRT",
    "WEBP",
    "netCDF",
];

/// What the writer of images needs besides.
const OF_THE_WRITER: &str = "MEM";

/// A name that no file at an address has: none is allowed.
const NO_ADDRESS: &str = "none, unless [scenes] says network = true";

/// What VRTs look like to GDAL, which looks for this in the text of a file's first bytes.
const VRT_MARK: &[u8] = b"<vrtdataset";
/// How many bytes those are; GDAL looks at fewer.
const HEAD: u64 = 64 * 1024;

/// Words that begin or stand in files of drivers that are not taken, and the driver.
const STRANGERS: [(&str, &str); 22] = [
    ("<gdal_wms", "WMS"),
    ("<wms_", "WMS"),
    ("<wmt_ms_capabilities", "WMS"),
    ("<tilemap", "WMS"),
    ("<gdal_wmts", "WMTS"),
    ("<capabilities", "WMTS"),
    ("<wcs_gdal", "WCS"),
    ("<mrf_meta", "MRF"),
    ("<gdaltileindexdataset", "GTI"),
    ("gdal_streamed_alg", "GDALG"),
    ("stac_version", "STACIT"),
    ("stac_extensions", "STACTA"),
    ("zarr_format", "Zarr"),
    (".zarray", "Zarr"),
    ("<dimap_document", "DIMAP"),
    ("<product_observational", "PDS4"),
    ("pds_version_id", "PDS"),
    ("isiscube", "ISIS3"),
    ("datasetheader begin", "ERS"),
    ("pcidsk", "PCIDSK"),
    ("sqlite format 3", "GPKG"),
    ("%pdf-", "PDF"),
];

/// What the rules say that scene files may open besides local files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// VRTs may have their sources at addresses.
    pub network: bool,
    /// Drivers that are taken besides [`DRIVERS`]; what they open is their affair.
    pub drivers: Vec<String>,
}

/// What was said last; a setting of the process, as GDAL's own are.
static CURRENT: Mutex<Access> = Mutex::new(Access { network: false, drivers: Vec::new() });

fn current() -> Access {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

/// Keeps GDAL from opening anything else, whatever the environment says, until the end of the process. Only before
/// threads use GDAL; who never calls this has the first two fences and no `network` or `drivers`.
pub fn confine(access: Access) {
    // Setting options that are strings cannot fail.
    let set = |key: &str, value: &str| drop(config::set_config_option(key, value));
    set("GDAL_VRT_ENABLE_PYTHON", "NO");
    set("GDAL_VRT_RAWRASTERBAND_ALLOWED_SOURCE", "SIBLING_OR_CHILD_OF_VRT_PATH");
    set("GDAL_MEM_ENABLE_OPEN", "NO");
    if !access.network {
        set("CPL_VSIL_CURL_ALLOWED_FILENAME", NO_ADDRESS);
    }
    DriverManager::register_all();
    let mine = |name: &str| name == OF_THE_WRITER || access.takes(name);
    let others: Vec<_> = DriverManager::all().filter(|driver| !mine(&driver.short_name())).collect();
    others.iter().for_each(DriverManager::deregister_driver);
    *CURRENT.lock().unwrap_or_else(PoisonError::into_inner) = access;
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

impl Access {
    fn takes(&self, driver: &str) -> bool {
        DRIVERS.contains(&driver) || self.drivers.iter().any(|name| name == driver)
    }

    /// The drivers that may open a file. VRT alone opens VRTs: what they name was looked at.
    fn openers(&self, is_vrt: bool) -> Vec<&str> {
        let more = self.drivers.iter().map(String::as_str);
        DRIVERS.into_iter().chain(more).filter(|name| (*name == "VRT") == is_vrt).collect()
    }
}

/// Opens a raster read-only by a driver that may, GDAL's message in the error. What it names must have been looked at.
pub(crate) fn open(path: &Path) -> Result<Dataset, IoError> {
    let access = current();
    let head = head(path)?;
    let openers = access.openers(is_vrt(&head));
    let options = DatasetOptions {
        open_flags: GdalOpenFlags::GDAL_OF_RASTER | GdalOpenFlags::GDAL_OF_VERBOSE_ERROR,
        allowed_drivers: Some(&openers),
        ..Default::default()
    };
    let name = plain_name(path)?;
    let dataset = checked(|| Dataset::open_ex(&name, options)).map_err(|cause| {
        let Some(driver) = stranger(&head).filter(|driver| !access.takes(driver)) else {
            return IoError::Open { path: path.to_owned(), cause };
        };
        let message = format!(
            "looks like a file of GDAL's driver {driver}, which is not among those for scenes: it may open more than \
             the file; convert it to a GeoTIFF, or set drivers = [\"{driver}\"] in [scenes]"
        );
        IoError::Access { path: path.to_owned(), message }
    })?;
    // GDAL opens it without a further look when it wants a mask or an overview.
    match dataset.metadata_item("OVERVIEW_FILE", "OVERVIEWS") {
        Some(named) => look::overview(path, &named).map(|()| dataset),
        None => Ok(dataset),
    }
}

/// The path as GDAL takes it for one on disk: what is `http:/x` or `NETCDF:x` on disk is none to it.
fn plain_name(path: &Path) -> Result<PathBuf, IoError> {
    let text = path.to_string_lossy();
    if text.starts_with("/vsi") {
        let message = "GDAL takes this path for a virtual file; move the file to another folder".into();
        return Err(IoError::Access { path: path.to_owned(), message });
    }
    let odd = text.contains(':') || text.starts_with(['<', '{', '[']);
    Ok(if odd && path.is_relative() { Path::new(".").join(path) } else { path.to_owned() })
}

/// The first bytes of a file that is one: not a folder, not a device, not a pipe.
fn head(path: &Path) -> Result<Vec<u8>, IoError> {
    crate::text::regular(path)?;
    let wrong = |cause| IoError::System { path: path.to_owned(), cause };
    let mut head = Vec::new();
    File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head)).map_err(wrong)?;
    Ok(head)
}

/// Whether GDAL may take a file for a VRT. What stands behind a zero byte is no text to it.
fn is_vrt(head: &[u8]) -> bool {
    let text = head.split(|byte| *byte == 0).next().unwrap_or_default();
    text.to_ascii_lowercase().windows(VRT_MARK.len()).any(|window| window == VRT_MARK)
}

/// The driver that a file seems to be for.
fn stranger(head: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(&head[..head.len().min(4096)]).to_lowercase();
    STRANGERS.iter().find(|(words, _)| text.contains(words)).map(|(_, driver)| *driver)
}
