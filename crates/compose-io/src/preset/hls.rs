//! Harmonized Landsat and Sentinel-2, version 2: names and values from the HLS User Guide v2.

use super::product::{BandSpec, Preset, Radiometry, Sensor, codes, extra, other, wanted};

/// Both products are harmonized, so that common names may be mixed.
pub(super) const V2: Preset = Preset {
    name: "hls-v2",
    doc: "HLS version 2, L30 and S30: int16 × 0.0001 with Fmask.",
    patterns: &[concat!(
        r"(?P<id>HLS\.(?P<sensor>[LS]30)\.T[0-9A-Z]{5}\.(?P<year>\d{4})(?P<doy>\d{3})T\d{6}\.v2\.\d)",
        r"\.(?P<band>\w+)\.(?i:tiff?)"
    )],
    example: "HLS.L30.T19LDD.2022165T144027.v2.0.B04.tif",
    date_format: "%Y%m%d",
    sensors: &[
        Sensor { name: "L30", platforms: &["L30"], bands: L30 },
        Sensor { name: "S30", platforms: &["S30"], bands: S30 },
    ],
    nodata: FILL,
    radiometry: Radiometry::Linear(0.0001, 0.0),
};

const FILL: &[f64] = &[-9999.0];

/// Angles: 0.01 degrees, 40000 where there is none (HLS User Guide v2).
const fn angle(name: &'static str) -> BandSpec {
    other(name, &[40000.0], 0.01, 0.0)
}

/// Brightness temperature: 0.01 °C (HLS User Guide v2).
const fn celsius(name: &'static str, common: &'static str) -> BandSpec {
    other(name, FILL, 0.01, 0.0).also(Some(common), &[])
}

const L30: &[BandSpec] = &[
    wanted("B01", "coastal", &[]),
    wanted("B02", "blue", &[]),
    wanted("B03", "green", &[]),
    wanted("B04", "red", &[]),
    wanted("B05", "nir", &[]),
    wanted("B06", "swir1", &[]),
    wanted("B07", "swir2", &[]),
    extra("B09", "cirrus"),
    celsius("B10", "thermal1"),
    celsius("B11", "thermal2"),
    codes("Fmask", &[], "hls-v2"),
    angle("SZA"),
    angle("SAA"),
    angle("VZA"),
    angle("VAA"),
];

/// The counterpart of L30's B05 is the narrow B8A (`NASA-IMPACT/hls-vi:hls_vi/generate_indices.py`, S30Band).
const S30: &[BandSpec] = &[
    wanted("B01", "coastal", &[]),
    wanted("B02", "blue", &[]),
    wanted("B03", "green", &[]),
    wanted("B04", "red", &[]),
    wanted("B05", "rededge1", &[]),
    wanted("B06", "rededge2", &[]),
    wanted("B07", "rededge3", &[]),
    wanted("B08", "nir-broad", &[]),
    wanted("B8A", "nir", &[]),
    wanted("B11", "swir1", &[]),
    wanted("B12", "swir2", &[]),
    extra("B09", "water-vapour"),
    extra("B10", "cirrus"),
    codes("Fmask", &[], "hls-v2"),
    angle("SZA"),
    angle("SAA"),
    angle("VZA"),
    angle("VAA"),
];
