//! Landsat: names from the USGS FAQ on product identifiers, values from the USGS product guides
//! LSDS-1368 (C1) and LSDS-1619 (C2).

use super::product::{BandSpec, Part, Preset, Radiometry, Sensor, band, codes, extra, other, wanted};

/// `L1` digital numbers: 0 is fill (Data Format Control Book).
const DN_FILL: &[f64] = &[0.0];
/// C1 surface reflectance, its companions, and the intermediate bands of C2 surface temperature.
const MINUS_9999: &[f64] = &[-9999.0];

/// Everything before Collection 1, as it was distributed until 2017.
pub(super) const PRE_COLLECTION: Preset = Preset {
    name: "landsat-pre-collection",
    doc: "Landsat Level-1 before Collection 1 (until 2017): digital numbers with BQA on Landsat 8.",
    patterns: &[concat!(
        r"(?P<id>(?P<sensor>L[COTE]\d)\d{6}(?P<year>\d{4})(?P<doy>\d{3})[A-Z]{3}\d{2})",
        r"_(?P<band>B\d{1,2}(?:_VCID_[12])?|BQA)\.(?i:tiff?)"
    )],
    example: "LC80290302015343LGN00_B2.TIF",
    date_format: "%Y%m%d",
    sensors: &[
        Sensor { name: "OLI", platforms: &["LC8", "LO8", "LT8"], bands: &OLI_L1_PRE },
        Sensor { name: "ETM+", platforms: &["LE7"], bands: ETM_L1 },
        Sensor { name: "TM", platforms: &["LT4", "LT5"], bands: TM_L1 },
    ],
    nodata: DN_FILL,
    radiometry: Radiometry::Unknown,
};

/// Surface reflectance before Collection 1, as ESPA delivered it until 2017, with `cfmask` (LaSRC and LEDAPS product guides of
/// 2016).
pub(super) const PRE_COLLECTION_SR: Preset = Preset {
    name: "landsat-pre-collection-sr",
    doc: "Landsat surface reflectance before Collection 1 (ESPA orders until 2017): int16 × 0.0001 with cfmask.",
    patterns: &[concat!(
        r"(?P<id>(?P<sensor>L[COTE]\d)\d{6}(?P<year>\d{4})(?P<doy>\d{3})[A-Z]{3}\d{2})",
        r"_(?P<band>sr_band\d|cfmask|sr_cloud|sr_atmos_opacity)(?:_crop)?\.(?i:tiff?|img)"
    )],
    example: "LC80340322016189LGN00_sr_band4.tif",
    date_format: "%Y%m%d",
    sensors: &[
        Sensor { name: "OLI", platforms: &["LC8", "LO8"], bands: &OLI_SR_PRE },
        Sensor { name: "TM/ETM+", platforms: &["LE7", "LT4", "LT5"], bands: &TM_SR_PRE },
    ],
    nodata: MINUS_9999,
    radiometry: Radiometry::Linear(0.0001, 0.0),
};

/// The names may be shortened: `appelmar/gdalcubes:inst/L8NY18` drops all that follows the first date.
pub(super) const C1_L1: Preset = Preset {
    name: "landsat-c1-l1",
    doc: "Landsat Collection 1 Level-1: digital numbers with BQA.",
    patterns: &[concat!(
        r"(?P<id>(?P<sensor>L[COTE]\d{2})_L1(?:TP|GT|GS)_\d{6}_(?P<date>\d{8})",
        r"(?:_\d{8}_01_(?:T1|T2|RT))?)_(?P<band>B\d{1,2}(?:_VCID_[12])?|BQA)\.(?i:tiff?)"
    )],
    example: "LC08_L1TP_014031_20180530_20180614_01_T1_B4.TIF",
    date_format: "%Y%m%d",
    sensors: &[
        Sensor { name: "OLI", platforms: OLI, bands: &OLI_L1_C1 },
        Sensor { name: "ETM+", platforms: ETM, bands: &ETM_L1_C1 },
        Sensor { name: "TM", platforms: TM, bands: &TM_L1_C1 },
    ],
    nodata: DN_FILL,
    radiometry: Radiometry::Unknown,
};

/// ESPA orders name bands `sr_band4`, the ARD tiles `SRB4`; `_crop` is what the Earth Lab lesson adds.
pub(super) const C1_SR: Preset = Preset {
    name: "landsat-c1-sr",
    doc: "Landsat Collection 1 surface reflectance (ESPA orders and U.S. ARD): int16 × 0.0001 with pixel_qa.",
    patterns: &[
        concat!(
            r"(?P<id>(?P<sensor>L[COTE]\d{2})_L1(?:TP|GT|GS)_\d{6}_(?P<date>\d{8})_\d{8}_01_(?:T1|T2|RT))",
            r"_(?P<band>[a-z][a-z0-9_]*?)(?:_crop)?\.(?i:tiff?|img)"
        ),
        concat!(
            r"(?P<id>(?P<sensor>L[COTE]\d{2})_(?:CU|AK|HI)_\d{6}_(?P<date>\d{8})_\d{8}_C01_V\d{2})",
            r"_(?P<band>[A-Z][A-Z0-9]*)\.(?i:tiff?)"
        ),
    ],
    example: "LC08_L1TP_034032_20160707_20170221_01_T1_sr_band4.tif",
    date_format: "%Y%m%d",
    sensors: &[
        Sensor { name: "OLI", platforms: OLI, bands: &OLI_SR_C1 },
        Sensor { name: "TM/ETM+", platforms: TM_ETM, bands: &TM_SR_C1 },
    ],
    nodata: MINUS_9999,
    radiometry: Radiometry::Linear(0.0001, 0.0),
};

/// `L2SP` holds reflectance and temperature, `L2SR` reflectance only; U.S. ARD has no processing level.
pub(super) const C2_L2: Preset = Preset {
    name: "landsat-c2-l2",
    doc: "Landsat Collection 2 Level-2: uint16 × 0.0000275 − 0.2 with QA_PIXEL.",
    patterns: &[concat!(
        r"(?P<id>(?P<sensor>L[COTEM]\d{2})_(?:L2S[PR]_\d{6}_(?P<date>\d{8})_\d{8}_02_(?:T1|T2|RT)",
        r"|(?:CU|AK|HI)_\d{6}_(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})_\d{8}_02))",
        r"_(?P<band>(?:SR|ST|QA)_[A-Z0-9_]+)\.(?i:tiff?)"
    )],
    example: "LC08_L2SP_034032_20160707_20200906_02_T1_SR_B4.TIF",
    date_format: "%Y%m%d",
    sensors: &[
        Sensor { name: "OLI", platforms: OLI, bands: &OLI_SR_C2 },
        Sensor { name: "ETM+", platforms: ETM, bands: &ETM_SR_C2 },
        Sensor { name: "TM", platforms: TM, bands: &TM_SR_C2 },
        Sensor { name: "MSS", platforms: &["LM01", "LM02", "LM03", "LM04", "LM05"], bands: MSS_C2 },
    ],
    nodata: DN_FILL,
    radiometry: Radiometry::Linear(2.75e-5, -0.2),
};

/// Digital numbers; reflectance needs the sun and the coefficients of the MTL file (LSDS-1822).
pub(super) const C2_L1: Preset = Preset {
    name: "landsat-c2-l1",
    doc: "Landsat Collection 2 Level-1: digital numbers with QA_PIXEL.",
    patterns: &[concat!(
        r"(?P<id>(?P<sensor>L[COTEM]\d{2})_L1(?:TP|GT|GS)_\d{6}_(?P<date>\d{8})_\d{8}_02_(?:T1|T2|RT))",
        r"_(?P<band>B\d{1,2}(?:_VCID_[12])?|QA_PIXEL|QA_RADSAT|[SV][AZ]A)\.(?i:tiff?)"
    )],
    example: "LC08_L1TP_034032_20160707_20200906_02_T1_B4.TIF",
    date_format: "%Y%m%d",
    sensors: &[
        Sensor { name: "OLI", platforms: OLI, bands: &OLI_L1_C2 },
        Sensor { name: "ETM+", platforms: ETM, bands: &ETM_L1_C2 },
        Sensor { name: "TM", platforms: TM, bands: &TM_L1_C2 },
        Sensor { name: "MSS", platforms: &["LM04", "LM05"], bands: &MSS_L1_C2 },
        Sensor { name: "MSS of Landsat 1 to 3", platforms: &["LM01", "LM02", "LM03"], bands: &MSS_L1_C2_OLD },
    ],
    nodata: DN_FILL,
    radiometry: Radiometry::Unknown,
};

const OLI: &[&str] = &["LC08", "LC09", "LO08", "LO09", "LT08", "LT09"];
const ETM: &[&str] = &["LE07"];
const TM: &[&str] = &["LT04", "LT05"];
const TM_ETM: &[&str] = &["LE07", "LT04", "LT05"];

/// `N` tables after one another.
const fn joined<const N: usize>(tables: &[&[BandSpec]]) -> [BandSpec; N] {
    let mut all = [band("", Part::Extra); N];
    let (mut table, mut at) = (0, 0);
    while table < tables.len() {
        let mut i = 0;
        while i < tables[table].len() {
            all[at] = tables[table][i];
            (i, at) = (i + 1, at + 1);
        }
        table += 1;
    }
    assert!(at == N, "the length of the joined table is wrong");
    all
}

/// B8 has 15 m; B9 sees cirrus and B10, B11 warmth rather than the ground's reflectance.
const OLI_L1: &[BandSpec] = &[
    wanted("B1", "coastal", &[]),
    wanted("B2", "blue", &[]),
    wanted("B3", "green", &[]),
    wanted("B4", "red", &[]),
    wanted("B5", "nir", &[]),
    wanted("B6", "swir1", &[]),
    wanted("B7", "swir2", &[]),
    extra("B8", "pan").at(15),
    extra("B9", "cirrus"),
    extra("B10", "thermal1"),
    extra("B11", "thermal2"),
];
const TM_L1: &[BandSpec] = &[
    wanted("B1", "blue", &[]),
    wanted("B2", "green", &[]),
    wanted("B3", "red", &[]),
    wanted("B4", "nir", &[]),
    wanted("B5", "swir1", &[]),
    wanted("B7", "swir2", &[]),
    extra("B6", "thermal1"),
];
/// Band 6 comes twice, at low and high gain.
const ETM_L1: &[BandSpec] = &[
    wanted("B1", "blue", &[]),
    wanted("B2", "green", &[]),
    wanted("B3", "red", &[]),
    wanted("B4", "nir", &[]),
    wanted("B5", "swir1", &[]),
    wanted("B7", "swir2", &[]),
    extra("B8", "pan").at(15),
    band("B6_VCID_1", Part::Extra).also(Some("thermal1"), &["B61"]),
    band("B6_VCID_2", Part::Extra).also(None, &["B62"]),
];

static OLI_L1_PRE: [BandSpec; 12] = joined(&[OLI_L1, &[codes("BQA", &[], "landsat-pre-collection")]]);
static OLI_L1_C1: [BandSpec; 12] = joined(&[OLI_L1, &[codes("BQA", &[], "landsat-c1-l1-oli")]]);
static ETM_L1_C1: [BandSpec; 10] = joined(&[ETM_L1, &[codes("BQA", &[], "landsat-c1-l1-tm")]]);
static TM_L1_C1: [BandSpec; 8] = joined(&[TM_L1, &[codes("BQA", &[], "landsat-c1-l1-tm")]]);

/// Angles of the sun and the view, 0.01 degrees (LSDS-1822).
const ANGLES: &[BandSpec] = &[
    other("SAA", &[], 0.01, 0.0),
    other("SZA", &[], 0.01, 0.0),
    other("VAA", &[], 0.01, 0.0),
    other("VZA", &[], 0.01, 0.0),
];
static OLI_L1_C2: [BandSpec; 17] = joined(&[
    OLI_L1,
    &[codes("QA_PIXEL", &[], "landsat-c2-l89"), codes("QA_RADSAT", &[], "landsat-c2-radsat-l89")],
    ANGLES,
]);
static ETM_L1_C2: [BandSpec; 15] = joined(&[
    ETM_L1,
    &[codes("QA_PIXEL", &[], "landsat-c2-l47"), codes("QA_RADSAT", &[], "landsat-c2-radsat-l7")],
    ANGLES,
]);
static TM_L1_C2: [BandSpec; 13] = joined(&[
    TM_L1,
    &[codes("QA_PIXEL", &[], "landsat-c2-l47"), codes("QA_RADSAT", &[], "landsat-c2-radsat-l45")],
    ANGLES,
]);
/// Two bands see near infrared; the second is the one that later sensors have.
static MSS_L1_C2: [BandSpec; 6] = joined(&[
    &[
        wanted("B1", "green", &[]),
        wanted("B2", "red", &[]),
        band("B3", Part::Wanted),
        wanted("B4", "nir", &[]),
    ],
    MSS_C2,
]);
static MSS_L1_C2_OLD: [BandSpec; 6] = joined(&[
    &[
        wanted("B4", "green", &[]),
        wanted("B5", "red", &[]),
        band("B6", Part::Wanted),
        wanted("B7", "nir", &[]),
    ],
    MSS_C2,
]);
static OLI_SR_PRE: [BandSpec; 9] = joined(&[
    OLI_SR,
    &[codes("cfmask", &[], "landsat-cfmask"), codes("sr_cloud", &[], "landsat-pre-collection-sr-cloud")],
]);
static TM_SR_PRE: [BandSpec; 8] = joined(&[
    TM_SR,
    &[codes("cfmask", &[], "landsat-cfmask"), other("sr_atmos_opacity", MINUS_9999, 0.001, 0.0)],
]);

/// Surface reflectance: named `SR_B4` in Collection 2, `sr_band4` by ESPA and `SRB4` in C1 ARD.
const OLI_SR: &[BandSpec] = &[
    wanted("B1", "coastal", &["SR_B1", "sr_band1", "SRB1"]),
    wanted("B2", "blue", &["SR_B2", "sr_band2", "SRB2"]),
    wanted("B3", "green", &["SR_B3", "sr_band3", "SRB3"]),
    wanted("B4", "red", &["SR_B4", "sr_band4", "SRB4"]),
    wanted("B5", "nir", &["SR_B5", "sr_band5", "SRB5"]),
    wanted("B6", "swir1", &["SR_B6", "sr_band6", "SRB6"]),
    wanted("B7", "swir2", &["SR_B7", "sr_band7", "SRB7"]),
];
const TM_SR: &[BandSpec] = &[
    wanted("B1", "blue", &["SR_B1", "sr_band1", "SRB1"]),
    wanted("B2", "green", &["SR_B2", "sr_band2", "SRB2"]),
    wanted("B3", "red", &["SR_B3", "sr_band3", "SRB3"]),
    wanted("B4", "nir", &["SR_B4", "sr_band4", "SRB4"]),
    wanted("B5", "swir1", &["SR_B5", "sr_band5", "SRB5"]),
    wanted("B7", "swir2", &["SR_B7", "sr_band7", "SRB7"]),
];

/// Brightness temperature, 0.1 K (LaSRC and LEDAPS product guides).
const fn brightness(name: &'static str, common: &'static str, others: &'static [&'static str]) -> BandSpec {
    other(name, MINUS_9999, 0.1, 0.0).also(Some(common), others)
}

static OLI_SR_C1: [BandSpec; 12] = joined(&[
    OLI_SR,
    &[
        codes("pixel_qa", &["PIXELQA"], "landsat-c1-sr-l8"),
        codes("radsat_qa", &["RADSATQA"], "landsat-c1-radsat-l8"),
        codes("sr_aerosol", &["SRAEROSOLQA"], "landsat-c1-sr-aerosol"),
        brightness("bt_band10", "thermal1", &["B10", "BTB10"]),
        brightness("bt_band11", "thermal2", &["B11", "BTB11"]),
    ],
]);
static TM_SR_C1: [BandSpec; 11] = joined(&[
    TM_SR,
    &[
        codes("pixel_qa", &["PIXELQA"], "landsat-c1-sr-l47"),
        codes("radsat_qa", &["RADSATQA"], "landsat-c1-radsat-l47"),
        codes("sr_cloud_qa", &["SRCLOUDQA"], "landsat-c1-sr-cloud-qa"),
        other("sr_atmos_opacity", MINUS_9999, 0.001, 0.0).also(None, &["SRATMOSOPACITYQA"]),
        brightness("bt_band6", "thermal1", &["B6", "BTB6"]),
    ],
]);

/// The intermediate bands of surface temperature: `stactools-packages/landsat`,
/// fragments/oli_tirs/st-raster-bands.json.
const ST: &[BandSpec] = &[
    other("ST_ATRAN", MINUS_9999, 0.0001, 0.0),
    other("ST_CDIST", MINUS_9999, 0.01, 0.0),
    other("ST_DRAD", MINUS_9999, 0.001, 0.0),
    other("ST_URAD", MINUS_9999, 0.001, 0.0),
    other("ST_TRAD", MINUS_9999, 0.001, 0.0),
    other("ST_EMIS", MINUS_9999, 0.0001, 0.0),
    other("ST_EMSD", MINUS_9999, 0.0001, 0.0),
    other("ST_QA", MINUS_9999, 0.01, 0.0),
];
/// Surface temperature in kelvin; the same file, `lwir11`.
const fn temperature(name: &'static str, others: &'static [&'static str]) -> BandSpec {
    other(name, DN_FILL, 0.00341802, 149.0).also(Some("thermal1"), others)
}

static OLI_SR_C2: [BandSpec; 19] = joined(&[
    OLI_SR,
    &[
        codes("QA_PIXEL", &[], "landsat-c2-l89"),
        codes("QA_RADSAT", &[], "landsat-c2-radsat-l89"),
        codes("SR_QA_AEROSOL", &[], "landsat-c2-sr-aerosol"),
        temperature("ST_B10", &["B10"]),
    ],
    ST,
]);
static ETM_SR_C2: [BandSpec; 19] = joined(&[
    TM_SR,
    &[
        codes("QA_PIXEL", &[], "landsat-c2-l47"),
        codes("QA_RADSAT", &[], "landsat-c2-radsat-l7"),
        codes("SR_CLOUD_QA", &[], "landsat-c2-sr-cloud-qa"),
        OPACITY_C2,
        temperature("ST_B6", &["B6"]),
    ],
    ST,
]);
static TM_SR_C2: [BandSpec; 19] = joined(&[
    TM_SR,
    &[
        codes("QA_PIXEL", &[], "landsat-c2-l47"),
        codes("QA_RADSAT", &[], "landsat-c2-radsat-l45"),
        codes("SR_CLOUD_QA", &[], "landsat-c2-sr-cloud-qa"),
        OPACITY_C2,
        temperature("ST_B6", &["B6"]),
    ],
    ST,
]);
const OPACITY_C2: BandSpec = other("SR_ATMOS_OPACITY", MINUS_9999, 0.001, 0.0);

/// MSS has no Level-2 reflectance; its quality bands are read like the others'.
const MSS_C2: &[BandSpec] =
    &[codes("QA_PIXEL", &[], "landsat-c2-mss"), codes("QA_RADSAT", &[], "landsat-c2-radsat-mss")];
