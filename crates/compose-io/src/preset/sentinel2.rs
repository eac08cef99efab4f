//! Sentinel-2 Level-2A: names and values from ESA's Sentinel-2 Products Specification Document, names of COG
//! folders as Element 84 gives them; reflectance = (number + BOA_ADD_OFFSET) / 10000, the offset −1000 from
//! baseline N0400 on.

use super::product::{BandSpec, Part, Preset, Radiometry, Sensor, band, codes, extra, other, wanted};

/// By baseline and never by date: archives are processed again, and then carry the offset too.
pub(super) const L2A: Preset = Preset {
    name: "sentinel-2-l2a",
    doc: "Sentinel-2 Level-2A: SAFE folders or Element 84's COG folders, with SCL.",
    patterns: &[
        concat!(
            r"(?P<id>(?P<sensor>S2[A-D])_MSIL2A_(?P<date>\d{8})T\d{6}_N(?P<baseline>\d{4})_R\d{3}_T[0-9A-Z]{5}",
            r"_\d{8}T\d{6})(?:\.SAFE)?/GRANULE/[^/]+/(?:IMG_DATA/(?:R\d\dm/)?(?:L2A_)?T[0-9A-Z]{5}_\d{8}T\d{6}",
            r"_|QI_DATA/MSK_)(?P<band>[A-Z0-9]{3,6})_(?P<resolution>\d\d)m\.(?i:jp2|tiff?)"
        ),
        concat!(
            r"(?:L2A_)?(?P<id>T[0-9A-Z]{5}_(?P<date>\d{8})T\d{6})_(?P<band>B\d[0-9A]|SCL|AOT|WVP|TCI)",
            r"_(?P<resolution>\d\d)m\.(?i:jp2|tiff?)"
        ),
        // Converted files drop the resolution; a JPEG 2000 without it is Level-1C.
        r"(?P<id>T[0-9A-Z]{5}_(?P<date>\d{8})T\d{6})_(?P<band>B\d[0-9A]|SCL|AOT|WVP)\.(?i:tiff?)",
        concat!(
            r"(?P<id>(?P<sensor>S2[A-D])_T?\d{1,2}[A-Z]{3}_(?P<date>\d{8})(?:T\d{6})?(?:_\d+)?_L2A)",
            r"/(?P<band>B\d[0-9A]|SCL|AOT|WVP|TCI)\.(?i:tiff?|jp2)"
        ),
        concat!(
            r"(?P<id>(?P<sensor>S2[A-D])_T?\d{1,2}[A-Z]{3}_(?P<date>\d{8})(?:T\d{6})?(?:_\d+)?_L2A)",
            r"_(?P<band>B\d[0-9A]|SCL|AOT|WVP|TCI)\.(?i:tiff?|jp2)"
        ),
    ],
    example: "T22HBD_20210122T133229_B04_10m.jp2 or S2A_20HNG_20220302_0_L2A/B04.tif",
    date_format: "%Y%m%d",
    sensors: &[Sensor { name: "MSI", platforms: &["S2A", "S2B", "S2C", "S2D"], bands: MSI }],
    nodata: &[0.0],
    radiometry: Radiometry::ByBaseline { scale: 0.0001, from: 400, offset: -0.1 },
};

/// B01 and B09 have 60 m and see the air. AOT and WVP: their quantification value is 1000 (MTD_MSIL2A.xml).
const MSI: &[BandSpec] = &[
    wanted("B02", "blue", &[]).at(10),
    wanted("B03", "green", &[]).at(10),
    wanted("B04", "red", &[]).at(10),
    wanted("B08", "nir", &[]).at(10),
    wanted("B05", "rededge1", &[]).at(20),
    wanted("B06", "rededge2", &[]).at(20),
    wanted("B07", "rededge3", &[]).at(20),
    wanted("B8A", "nir-narrow", &[]).at(20),
    wanted("B11", "swir1", &[]).at(20),
    wanted("B12", "swir2", &[]).at(20),
    extra("B01", "coastal").at(60),
    extra("B09", "water-vapour").at(60),
    codes("SCL", &[], "sentinel-2-scl").at(20),
    other("AOT", &[0.0], 0.001, 0.0),
    other("WVP", &[0.0], 0.001, 0.0),
    // Percent; 0 is a probability.
    other("CLDPRB", &[], 1.0, 0.0),
    other("SNWPRB", &[], 1.0, 0.0),
    band("TCI", Part::Extra),
];
