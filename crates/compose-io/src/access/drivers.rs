//! The drivers that scenes are opened by.

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

/// Drivers of vector files that hold the polygons of an area; no scene is opened by them.
pub const AREA_DRIVERS: [&str; 4] = ["GeoJSON", "GPKG", "ESRI Shapefile", "FlatGeobuf"];

/// The files that scene files may open besides local ones, by the rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// VRTs may have their sources at addresses.
    pub network: bool,
    /// Drivers that are taken besides [`DRIVERS`]; what they open is their affair.
    pub drivers: Vec<String>,
}

impl Access {
    pub(super) fn takes(&self, driver: &str) -> bool {
        DRIVERS.contains(&driver) || self.drivers.iter().any(|name| name == driver)
    }

    /// The drivers that may open a file. VRT alone opens VRTs: what they name was looked at.
    pub(super) fn openers(&self, is_vrt: bool) -> Vec<&str> {
        let more = self.drivers.iter().map(String::as_str);
        DRIVERS.into_iter().chain(more).filter(|name| (*name == "VRT") == is_vrt).collect()
    }
}
