//! The driver of a file, from its first bytes.

use crate::IoError;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What VRTs look like to GDAL, which looks for this in the text of a file's first bytes.
const VRT_MARK: &[u8] = b"<vrtdataset";
/// The number of bytes that are examined; GDAL examines fewer.
const HEAD: u64 = 64 * 1024;

/// Words that begin or stand in files of drivers that are not taken, and the driver.
const FOREIGN_DRIVERS: [(&str, &str); 22] = [
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

/// The first bytes of a file that is one: not a folder, not a device, not a pipe.
pub(super) fn first_bytes(path: &Path) -> Result<Vec<u8>, IoError> {
    crate::text::regular(path)?;
    let wrong = |cause| IoError::System { path: path.to_owned(), cause };
    let mut head = Vec::new();
    File::open(path).and_then(|file| file.take(HEAD).read_to_end(&mut head)).map_err(wrong)?;
    Ok(head)
}

/// Whether GDAL may take a file for a VRT. What stands behind a zero byte is no text to it.
pub(super) fn is_vrt(head: &[u8]) -> bool {
    let text = head.split(|byte| *byte == 0).next().unwrap_or_default();
    text.to_ascii_lowercase().windows(VRT_MARK.len()).any(|window| window == VRT_MARK)
}

/// The driver that a file seems to be for.
pub(super) fn foreign_driver(head: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(&head[..head.len().min(4096)]).to_lowercase();
    FOREIGN_DRIVERS.iter().find(|(words, _)| text.contains(words)).map(|(_, driver)| *driver)
}
