//! The table of layouts. Every layout names the document that its bit positions come from.

use super::layout::{Caveat, Class, Field, Fill, Layout, RESERVED};
use crate::Day;

const fn flag(name: &'static str, offset: u32) -> Field {
    Field { name, offset, width: 1, classes: &[], ladder: false, told_from: 1 }
}

/// A field of two bits whose values rise from "nothing" to "certain".
const fn ladder(name: &'static str, offset: u32, classes: &'static [Class], told_from: u32) -> Field {
    Field { name, offset, width: 2, classes, ladder: true, told_from }
}

/// A field whose values are classes without an order.
const fn choice(name: &'static str, offset: u32, width: u32, classes: &'static [Class]) -> Field {
    Field { name, offset, width, classes, ladder: false, told_from: 1 }
}

/// A band whose whole code is a class number; every class is told, 0 too.
const fn classes(names: &'static [Class]) -> Field {
    Field { name: "class", offset: 0, width: 32, classes: names, ladder: false, told_from: 0 }
}

const fn class(value: u32, name: &'static str) -> Class {
    Class { value, name }
}

const fn levels(names: [&'static str; 4]) -> [Class; 4] {
    [class(0, names[0]), class(1, names[1]), class(2, names[2]), class(3, names[3])]
}

const PERCENT: &[Class] = &levels(["not-determined", "no", "maybe", "yes"]);
const DETERMINED: &[Class] = &levels(["not-determined", "low", "medium", "high"]);
const CONFIDENCE: &[Class] = &levels(["not-set", "low", "medium", "high"]);
const NO_MEDIUM: &[Class] = &levels(["not-set", "low", RESERVED, "high"]);
const CLOUD_C1_SR: &[Class] = &levels(["none", "low", "medium", "high"]);
const AEROSOL: &[Class] = &levels(["climatology", "low", "medium", "high"]);
const AEROSOL_HLS: &[Class] = &levels(["climatology", "low", "moderate", "high"]);
const AEROSOL_MODIS: &[Class] = &levels(["climatology", "low", "average", "high"]);
const CIRRUS_MODIS: &[Class] = &levels(["none", "small", "average", "high"]);
const SATURATION: &[Class] = &levels(["none", "1-to-2-bands", "3-to-4-bands", "5-or-more-bands"]);

/// Bits 0-5 of `sr_cloud_qa`, the same in Collection 1 and 2.
const SR_CLOUD_QA: &[Field] = &[
    flag("dark-dense-vegetation", 0),
    flag("cloud", 1),
    flag("cloud-shadow", 2),
    flag("adjacent-to-cloud", 3),
    flag("snow", 4),
    flag("water", 5),
];

const BASE: Layout = Layout {
    name: "",
    source: "",
    fields: &[],
    fill: Fill::Unknown,
    known_codes: &[],
    silent: None,
    caveats: &[],
    percent_of: None,
};

/// A layout in which bit 0 means fill.
const fn filled(name: &'static str, source: &'static str, fields: &'static [Field]) -> Layout {
    Layout { name, source, fields, fill: Fill::Bit(0), ..BASE }
}

/// A layout in which a whole code means fill.
const fn filled_by(fill: u32, name: &'static str, source: &'static str, fields: &'static [Field]) -> Layout {
    Layout { name, source, fields, fill: Fill::Code(fill), ..BASE }
}

/// A layout that does not say what is fill.
const fn unfilled(name: &'static str, source: &'static str, fields: &'static [Field]) -> Layout {
    Layout { name, source, fields, ..BASE }
}

const C2_PIXEL: &str = "stactools-packages/landsat: fragments/*/sr-assets.json, QA_PIXEL";
const C2_RADSAT: &str = "stactools-packages/landsat: fragments/*/sr-assets.json, QA_RADSAT";
const C1_SR: &str = "USGS pixel_qa.h; Landsat QA tools lookup_dict.py 1.2; LSDS-1368";
const C1_L1: &str = "mapbox/rio-l8qa qa.py; Landsat QA tools lookup_dict.py 1.2";

/// Every layout that rules files can name.
pub static LAYOUTS: &[Layout] = &[
    PRE_COLLECTION,
    PRE_COLLECTION_SR_CLOUD,
    CFMASK,
    C1_L1_OLI,
    C1_L1_TM,
    C1_SR_L8,
    C1_SR_L47,
    C1_RADSAT_L8,
    C1_RADSAT_L47,
    C1_SR_AEROSOL,
    unfilled("landsat-c1-sr-cloud-qa", "ESPA metadata XML, sr_cloud_qa", SR_CLOUD_QA),
    C2_L89,
    C2_L47,
    C2_MSS,
    C2_RADSAT_L89,
    C2_RADSAT_L7,
    C2_RADSAT_L45,
    C2_RADSAT_MSS,
    C2_SR_AEROSOL,
    unfilled("landsat-c2-sr-cloud-qa", C2_PIXEL, SR_CLOUD_QA),
    HLS_V2,
    SCL,
    QA60,
    MODIS_STATE,
    FMASK,
    FMASK_GERSL,
    FMASK_PYTHON,
    FORCE_QAI,
    OMNICLOUDMASK,
    CLOUDSEN12,
    S2CLOUDLESS,
];

const C2_CLEAR: &[Caveat] = &[Caveat {
    flag: Some("clear"),
    text: "clear says only that neither cloud nor dilated-cloud is set; shadow, snow and cirrus carry it too",
}];

/// `BQA` before 2017. It holds no shadow information at all: bits 6-7 are reserved and never set.
const PRE_COLLECTION: Layout = Layout {
    known_codes: &[1, 20480, 20512, 23552, 36864, 53248],
    caveats: &[Caveat { flag: None, text: "this layout knows no cloud shadow: shadows stay" }],
    ..filled(
        "landsat-pre-collection",
        "USGS Landsat 8 Data Format Control Book, BQA",
        &[
            flag("fill", 0),
            flag("dropped-frame", 1),
            flag("terrain-occlusion", 2),
            ladder("water", 4, PERCENT, 2),
            ladder("vegetation", 8, PERCENT, 2),
            ladder("snow", 10, PERCENT, 2),
            ladder("cirrus", 12, PERCENT, 2),
            ladder("cloud", 14, PERCENT, 2),
        ],
    )
};

/// `sr_cloud` of LaSRC before Collection 1.
const PRE_COLLECTION_SR_CLOUD: Layout = unfilled(
    "landsat-pre-collection-sr-cloud",
    "ESPA metadata XML, sr_cloud",
    &[
        flag("cirrus", 0),
        flag("cloud", 1),
        flag("adjacent-to-cloud", 2),
        flag("cloud-shadow", 3),
        ladder("aerosol", 4, AEROSOL, 1),
        flag("internal-test", 7),
    ],
);

/// `cfmask` of ESPA before Collection 1.
const CFMASK: Layout = filled_by(
    255,
    "landsat-cfmask",
    "ESPA metadata XML, cfmask",
    &[classes(&[
        class(0, "clear"),
        class(1, "water"),
        class(2, "cloud-shadow"),
        class(3, "snow"),
        class(4, "cloud"),
        class(255, "fill"),
    ])],
);

const C1_L1_OLI: Layout = Layout {
    known_codes: &[1, 2720, 2800, 2976, 3744, 6816],
    ..filled(
        "landsat-c1-l1-oli",
        C1_L1,
        &[
            flag("fill", 0),
            flag("terrain-occlusion", 1),
            ladder("saturation", 2, SATURATION, 1),
            flag("cloud", 4),
            ladder("cloud-confidence", 5, DETERMINED, 2),
            ladder("cloud-shadow-confidence", 7, DETERMINED, 2),
            ladder("snow-ice-confidence", 9, DETERMINED, 2),
            ladder("cirrus-confidence", 11, DETERMINED, 2),
        ],
    )
};

/// TM and ETM+: bit 1 is a dropped pixel, and there is no cirrus band.
const C1_L1_TM: Layout = filled(
    "landsat-c1-l1-tm",
    C1_L1,
    &[
        flag("fill", 0),
        flag("dropped-pixel", 1),
        ladder("saturation", 2, SATURATION, 1),
        flag("cloud", 4),
        ladder("cloud-confidence", 5, DETERMINED, 2),
        ladder("cloud-shadow-confidence", 7, DETERMINED, 2),
        ladder("snow-ice-confidence", 9, DETERMINED, 2),
    ],
);

/// `pixel_qa` of Landsat 8. Its codes as earthpy's `pixel_flags["pixel_qa"]["L8"]` lists them.
const C1_SR_L8: Layout = Layout {
    known_codes: &[
        1, 322, 324, 328, 336, 352, 368, 386, 388, 392, 400, 416, 432, 480, 834, 836, 840, 848, 864, 880,
        898, 900, 904, 912, 928, 944, 992, 1346, 1348, 1350, 1352,
    ],
    ..filled(
        "landsat-c1-sr-l8",
        C1_SR,
        &[
            flag("fill", 0),
            flag("clear", 1),
            flag("water", 2),
            flag("cloud-shadow", 3),
            flag("snow", 4),
            flag("cloud", 5),
            ladder("cloud-confidence", 6, CLOUD_C1_SR, 2),
            ladder("cirrus-confidence", 8, CONFIDENCE, 2),
            flag("terrain-occlusion", 10),
        ],
    )
};

/// `pixel_qa` of Landsat 4-7. Its codes as earthpy's `pixel_flags["pixel_qa"]["L47"]` lists them.
const C1_SR_L47: Layout = Layout {
    known_codes: &[1, 66, 68, 72, 80, 96, 112, 130, 132, 136, 144, 160, 176, 224],
    ..filled(
        "landsat-c1-sr-l47",
        C1_SR,
        &[
            flag("fill", 0),
            flag("clear", 1),
            flag("water", 2),
            flag("cloud-shadow", 3),
            flag("snow", 4),
            flag("cloud", 5),
            ladder("cloud-confidence", 6, CLOUD_C1_SR, 2),
        ],
    )
};

const C1_RADSAT_L8: Layout = filled(
    "landsat-c1-radsat-l8",
    "ESPA metadata XML, radsat_qa",
    &[
        flag("fill", 0),
        flag("saturated-b1", 1),
        flag("saturated-b2", 2),
        flag("saturated-b3", 3),
        flag("saturated-b4", 4),
        flag("saturated-b5", 5),
        flag("saturated-b6", 6),
        flag("saturated-b7", 7),
        flag("saturated-b9", 9),
        flag("saturated-b10", 10),
        flag("saturated-b11", 11),
    ],
);

const C1_RADSAT_L47: Layout = filled(
    "landsat-c1-radsat-l47",
    "ESPA metadata XML, radsat_qa",
    &[
        flag("fill", 0),
        flag("saturated-b1", 1),
        flag("saturated-b2", 2),
        flag("saturated-b3", 3),
        flag("saturated-b4", 4),
        flag("saturated-b5", 5),
        flag("saturated-b6", 6),
        flag("saturated-b7", 7),
    ],
);

/// `sr_aerosol` of Landsat 8; bits 4-5 are in none of our sources.
const C1_SR_AEROSOL: Layout = filled(
    "landsat-c1-sr-aerosol",
    "ESPA metadata XML, sr_aerosol",
    &[
        flag("fill", 0),
        flag("valid-retrieval", 1),
        flag("interpolated", 2),
        flag("water", 3),
        ladder("aerosol", 6, AEROSOL, 1),
    ],
);

/// `QA_PIXEL` of Landsat 8 and 9. Bit 6 says only "neither cloud nor dilated cloud": shadow, snow and cirrus
/// carry it too (23888, 30048, 54596).
const C2_L89: Layout = Layout {
    known_codes: &[
        1, 21762, 21824, 21826, 21888, 21952, 22080, 22280, 23888, 24088, 24344, 30048, 54596, 54852, 55052,
    ],
    caveats: C2_CLEAR,
    ..filled(
        "landsat-c2-l89",
        C2_PIXEL,
        &[
            flag("fill", 0),
            flag("dilated-cloud", 1),
            flag("cirrus", 2),
            flag("cloud", 3),
            flag("cloud-shadow", 4),
            flag("snow", 5),
            flag("clear", 6),
            flag("water", 7),
            ladder("cloud-confidence", 8, CONFIDENCE, 2),
            ladder("cloud-shadow-confidence", 10, NO_MEDIUM, 2),
            ladder("snow-ice-confidence", 12, NO_MEDIUM, 2),
            ladder("cirrus-confidence", 14, NO_MEDIUM, 2),
        ],
    )
};

/// `QA_PIXEL` of Landsat 4-7: no cirrus band, bits 2 and 14-15 unused.
const C2_L47: Layout = Layout {
    known_codes: &[1, 5440, 5504],
    caveats: C2_CLEAR,
    ..filled(
        "landsat-c2-l47",
        C2_PIXEL,
        &[
            flag("fill", 0),
            flag("dilated-cloud", 1),
            flag("cloud", 3),
            flag("cloud-shadow", 4),
            flag("snow", 5),
            flag("clear", 6),
            flag("water", 7),
            ladder("cloud-confidence", 8, CONFIDENCE, 2),
            ladder("cloud-shadow-confidence", 10, NO_MEDIUM, 2),
            ladder("snow-ice-confidence", 12, NO_MEDIUM, 2),
        ],
    )
};

const C2_MSS: Layout = filled(
    "landsat-c2-mss",
    C2_PIXEL,
    &[flag("fill", 0), flag("cloud", 3), ladder("cloud-confidence", 8, NO_MEDIUM, 2)],
);

const C2_RADSAT_L89: Layout = unfilled(
    "landsat-c2-radsat-l89",
    C2_RADSAT,
    &[
        flag("saturated-b1", 0),
        flag("saturated-b2", 1),
        flag("saturated-b3", 2),
        flag("saturated-b4", 3),
        flag("saturated-b5", 4),
        flag("saturated-b6", 5),
        flag("saturated-b7", 6),
        flag("saturated-b9", 8),
        flag("terrain-occlusion", 11),
    ],
);

/// ETM+: band 6 twice, at low gain (bit 5) and at high gain (bit 8).
const C2_RADSAT_L7: Layout = unfilled(
    "landsat-c2-radsat-l7",
    C2_RADSAT,
    &[
        flag("saturated-b1", 0),
        flag("saturated-b2", 1),
        flag("saturated-b3", 2),
        flag("saturated-b4", 3),
        flag("saturated-b5", 4),
        flag("saturated-b6l", 5),
        flag("saturated-b7", 6),
        flag("saturated-b6h", 8),
        flag("dropped-pixel", 9),
    ],
);

const RADSAT_SEVEN: &[Field] = &[
    flag("saturated-b1", 0),
    flag("saturated-b2", 1),
    flag("saturated-b3", 2),
    flag("saturated-b4", 3),
    flag("saturated-b5", 4),
    flag("saturated-b6", 5),
    flag("saturated-b7", 6),
    flag("dropped-pixel", 9),
];

const C2_RADSAT_L45: Layout = unfilled("landsat-c2-radsat-l45", C2_RADSAT, RADSAT_SEVEN);
const C2_RADSAT_MSS: Layout = unfilled("landsat-c2-radsat-mss", C2_RADSAT, RADSAT_SEVEN);

const C2_SR_AEROSOL: Layout = filled(
    "landsat-c2-sr-aerosol",
    "stactools-packages/landsat: fragments/oli_tirs/sr-assets.json, SR_QA_AEROSOL",
    &[
        flag("fill", 0),
        flag("valid-retrieval", 1),
        flag("water", 2),
        flag("interpolated", 5),
        ladder("aerosol", 6, AEROSOL, 1),
    ],
);

/// `Fmask` of HLS v2. Bit 0 (cirrus) is reserved and not used. 255 sets every bit and is fill.
const HLS_V2: Layout = filled_by(
    255,
    "hls-v2",
    "google/earthengine-catalog: NASA_HLS_v2.libsonnet; NASA-IMPACT/hls-vi generate_indices.py:190",
    &[
        flag("cloud", 1),
        flag("adjacent-to-cloud", 2),
        flag("cloud-shadow", 3),
        flag("snow", 4),
        flag("water", 5),
        ladder("aerosol", 6, AEROSOL_HLS, 1),
    ],
);

/// The scene classification of Sentinel-2 L2A, 20 m. Class 7 is "cloud of low probability or unclassified".
const SCL: Layout = filled_by(
    0,
    "sentinel-2-scl",
    "google/earthengine-catalog: COPERNICUS S2_SR.libsonnet, SCL",
    &[classes(&[
        class(0, "no-data"),
        class(1, "saturated"),
        class(2, "dark-area"),
        class(3, "cloud-shadow"),
        class(4, "vegetation"),
        class(5, "bare-soil"),
        class(6, "water"),
        class(7, "unclassified"),
        class(8, "cloud-medium"),
        class(9, "cloud-high"),
        class(10, "cirrus"),
        class(11, "snow"),
    ])],
);

/// `QA60` of Sentinel-2, 60 m. Empty from 2022-01-25 to 2024-02-28, rebuilt from MSK_CLASSI since.
const QA60: Layout = Layout {
    silent: Some((Day(19017), Day(19781))),
    ..unfilled(
        "sentinel-2-qa60",
        "google/earthengine-catalog: COPERNICUS S2_SR.libsonnet, QA60",
        &[flag("cloud", 10), flag("cirrus", 11)],
    )
};

/// `state_1km` of MOD09 and MYD09. Cloud state 3, "not set", is by definition assumed clear. Bit 14 is
/// "BRDF performed" in Collection 5 and "salt pan" in Collection 6.
const MODIS_STATE: Layout = filled_by(
    65535,
    "modis-state-1km",
    "google/earthengine-catalog: MODIS_006_MOD09GA.libsonnet, state_1km; MOD09 HDF attributes",
    &[
        choice("cloud-state", 0, 2, &levels(["clear", "cloudy", "mixed", "not-set"])),
        flag("cloud-shadow", 2),
        Field { told_from: 0, ..choice("land-water", 3, 3, LAND_WATER) },
        ladder("aerosol", 6, AEROSOL_MODIS, 1),
        ladder("cirrus", 8, CIRRUS_MODIS, 1),
        flag("internal-cloud", 10),
        flag("internal-fire", 11),
        flag("snow", 12),
        flag("adjacent-to-cloud", 13),
        flag("brdf-or-salt-pan", 14),
        flag("internal-snow", 15),
    ],
);

const LAND_WATER: &[Class] = &[
    class(0, "shallow-ocean"),
    class(1, "land"),
    class(2, "coast"),
    class(3, "shallow-inland-water"),
    class(4, "ephemeral-water"),
    class(5, "deep-inland-water"),
    class(6, "moderate-ocean"),
    class(7, "deep-ocean"),
];

/// Class raster that Fmask 4 and 5 write.
const FMASK: Layout = filled_by(
    255,
    "fmask",
    "GERSL Fmask 4 and 5 readme",
    &[classes(&[
        class(0, "clear"),
        class(1, "water"),
        class(2, "cloud-shadow"),
        class(3, "snow"),
        class(4, "cloud"),
        class(255, "fill"),
    ])],
);

/// Class raster of the GERSL (Matlab) Fmask; the codings of Fmask rasters do not agree with each other.
const FMASK_GERSL: Layout = filled_by(
    255,
    "fmask-gersl",
    "GERSL Fmask 4 readme",
    &[classes(&[
        class(0, "land"),
        class(1, "water"),
        class(2, "cloud-shadow"),
        class(3, "snow"),
        class(4, "cloud"),
        class(255, "fill"),
    ])],
);

/// Class raster of python-fmask, also Digital Earth Australia's.
const FMASK_PYTHON: Layout = filled_by(
    0,
    "fmask-python",
    "ubarsc/python-fmask: fmask/fmask.py:83-93",
    &[classes(&[
        class(0, "null"),
        class(1, "clear"),
        class(2, "cloud"),
        class(3, "cloud-shadow"),
        class(4, "snow"),
        class(5, "water"),
    ])],
);

/// `QAI` of FORCE. Cloud state 3 is cirrus, not "very cloudy": the field is no ladder.
const FORCE_QAI: Layout = Layout {
    fill: Fill::Bit(0),
    ..unfilled(
        "force-qai",
        "davidfrantz/force: lower-level/level2/format.rst:300",
        &[
            flag("nodata", 0),
            choice("cloud-state", 1, 2, &levels(["clear", "buffered", "opaque", "cirrus"])),
            flag("cloud-shadow", 3),
            flag("snow", 4),
            flag("water", 5),
            choice("aerosol", 6, 2, &levels(["estimated", "interpolated", "high", "fill"])),
            flag("subzero", 8),
            flag("saturation", 9),
            flag("low-sun", 10),
            ladder("illumination", 11, &levels(["good", "medium", "poor", "shadow"]), 1),
            flag("slope", 13),
            flag("water-vapor", 14),
        ],
    )
};

/// The classes of CloudSEN12, which networks that were trained on it share.
const CLOUDS: &[Field] = &[classes(&[
    class(0, "clear"),
    class(1, "thick-cloud"),
    class(2, "thin-cloud"),
    class(3, "cloud-shadow"),
])];

/// `*_OCM_v*.tif` of OmniCloudMask. Where the scene had no data, it writes 0 as well.
const OMNICLOUDMASK: Layout = unfilled("omnicloudmask", "DPIRD-DMA/OmniCloudMask: README.md", CLOUDS);

const CLOUDSEN12: Layout =
    unfilled("cloudsen12", "huggingface.co/datasets/csaybar/CloudSEN12-scribble: README.md", CLOUDS);

/// Cloud probability of s2cloudless, and `MSK_CLDPRB` of Sentinel-2. Its binary masks are classes of one's own.
const S2CLOUDLESS: Layout = Layout {
    percent_of: Some("cloud-probability"),
    ..unfilled("s2cloudless", "sentinel-hub/sentinel2-cloud-detector: README.md", &[])
};
