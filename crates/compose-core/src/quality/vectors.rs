//! Test vectors: codes whose meaning the documents or real scenes state.

use super::{LAYOUTS, Layout, find};
use crate::Day;
use chrono::NaiveDate;

fn layout(name: &str) -> &'static Layout {
    find(name).unwrap()
}

fn assert_decodes(name: &str, vectors: &[(u32, &str)]) {
    for &(code, words) in vectors {
        assert_eq!(layout(name).decode(code), words, "{name}: {code}");
    }
}

#[test]
fn landsat_c2_codes_decode_as_documented() {
    assert_decodes(
        "landsat-c2-l89",
        &[
            (1, "fill"),
            (21824, "clear"),
            (21952, "clear + water"),
            (21888, "water"),
            (21762, "dilated-cloud"),
            (21826, "dilated-cloud + clear"),
            (22080, "clear + cloud-confidence medium"),
            (22280, "cloud + cloud-confidence high"),
            (23888, "cloud-shadow + clear + cloud-shadow-confidence high"),
            (24088, "cloud + cloud-shadow + cloud-confidence medium + cloud-shadow-confidence high"),
            (24344, "cloud + cloud-shadow + cloud-confidence high + cloud-shadow-confidence high"),
            (30048, "snow + clear + snow-ice-confidence high"),
            (54596, "cirrus + clear + cirrus-confidence high"),
            (54852, "cirrus + clear + cloud-confidence medium + cirrus-confidence high"),
            (55052, "cirrus + cloud + cloud-confidence high + cirrus-confidence high"),
        ],
    );
    // 5504 is what Landsat 4-7 hold over open water: bit 7 without bit 6 (USGS, C2 known issues, February 2021).
    assert_decodes("landsat-c2-l47", &[(5440, "clear"), (5504, "water")]);
    assert_decodes("landsat-c2-mss", &[(1, "fill"), (0x308, "cloud + cloud-confidence high")]);
}

#[test]
fn landsat_c1_surface_reflectance_codes_decode_by_their_bits_and_not_by_the_printed_lists() {
    assert_decodes(
        "landsat-c1-sr-l8",
        &[
            (1, "fill"),
            (322, "clear"),
            (324, "water"),
            (328, "cloud-shadow"),
            (336, "snow"),
            (352, "cloud"),
            (368, "snow + cloud"),
            (386, "clear + cloud-confidence medium"),
            (480, "cloud + cloud-confidence high"),
            (834, "clear + cirrus-confidence high"),
            (992, "cloud + cloud-confidence high + cirrus-confidence high"),
            (1346, "clear + terrain-occlusion"),
            (1348, "water + terrain-occlusion"),
            (1350, "clear + water + terrain-occlusion"),
            (1352, "cloud-shadow + terrain-occlusion"),
            (1376, "cloud + terrain-occlusion"),
        ],
    );
    assert_decodes(
        "landsat-c1-sr-l47",
        &[
            (66, "clear"),
            (72, "cloud-shadow"),
            (130, "clear + cloud-confidence medium"),
            (112, "snow + cloud"),
        ],
    );
}

#[test]
fn earthpys_lists_hold_against_the_bits_except_for_two_codes() {
    let lists: [(&str, &[u32]); 6] = [
        ("clear", &[322, 386, 834, 898, 1346]),
        ("water", &[324, 388, 836, 900, 1348]),
        ("cloud-shadow", &[328, 392, 840, 904, 1350]),
        ("snow", &[336, 368, 400, 432, 848, 880, 912, 944, 1352]),
        ("cloud", &[352, 368, 416, 432, 480, 864, 880, 928, 944, 992]),
        ("terrain-occlusion", &[1346, 1348, 1350, 1352]),
    ];
    let wrong: Vec<u32> = lists
        .iter()
        .flat_map(|(flag, codes)| codes.iter().map(move |c| (flag, *c)))
        .filter(|(flag, code)| !layout("landsat-c1-sr-l8").flag(flag).unwrap().takes(*code))
        .map(|(_, code)| code)
        .collect();
    assert_eq!(wrong, [1350, 1352]);
}

/// The flags of nearly every clear pixel of Collection 1: only `low` levels, which are left out beside other flags.
const LOW_C1: &str =
    "cloud-confidence low + cloud-shadow-confidence low + snow-ice-confidence low + cirrus-confidence low";

#[test]
fn level_1_codes_decode_as_documented() {
    assert_decodes(
        "landsat-c1-l1-oli",
        &[
            (1, "fill"),
            (2720, LOW_C1),
            (2800, "cloud + cloud-confidence high"),
            (2976, "cloud-shadow-confidence high"),
            (3744, "snow-ice-confidence high"),
            (6816, "cirrus-confidence high"),
            (2724, "saturation 1-to-2-bands"),
        ],
    );
    assert_decodes("landsat-c1-l1-tm", &[(2, "dropped-pixel")]);
}

#[test]
fn pre_collection_codes_decode_as_documented() {
    assert_decodes(
        "landsat-pre-collection",
        &[
            (1, "fill"),
            (20480, "cirrus no + cloud no"),
            (20512, "water maybe"),
            (36864, "cloud maybe"),
            (53248, "cloud yes"),
            (23552, "snow yes"),
        ],
    );
}

#[test]
fn a_whole_code_that_means_fill_is_nothing_else() {
    assert_decodes(
        "hls-v2",
        &[(255, "fill"), (0, "nothing set"), (0b1110, "cloud + adjacent-to-cloud + cloud-shadow")],
    );
    assert_decodes("modis-state-1km", &[(65535, "fill"), (8, "land-water: land")]);
    assert_decodes(
        "hls-v2",
        &[(64, "aerosol low"), (66, "cloud + aerosol low"), (224, "water + aerosol high")],
    );
    assert!(layout("hls-v2").is_fill(255) && !layout("hls-v2").is_fill(254));
    assert!(layout("hls-v2").flag("fill").unwrap().takes(255));
    assert_eq!(layout("hls-v2").flags().last(), Some(&"fill"));
}

#[test]
fn unused_bits_and_unknown_classes_are_told() {
    assert_decodes("hls-v2", &[(1, "unused bit 0")]);
    assert_decodes("sentinel-2-scl", &[(12, "12 (unknown)"), (300, "300 (unknown)")]);
}

#[test]
fn class_numbers_decode_to_their_class_and_are_flags() {
    assert_decodes("sentinel-2-scl", &[(0, "no-data"), (3, "cloud-shadow"), (9, "cloud-high"), (11, "snow")]);
    assert_decodes("fmask-gersl", &[(0, "land"), (2, "cloud-shadow"), (4, "cloud"), (255, "fill")]);
    assert_decodes("fmask-python", &[(0, "null"), (2, "cloud"), (3, "cloud-shadow"), (5, "water")]);
    assert_decodes("landsat-cfmask", &[(0, "clear"), (4, "cloud"), (255, "fill")]);
    let test = layout("sentinel-2-scl").flag("cloud-high").unwrap();
    assert_eq!((test.takes(9), test.takes(8), test.takes(11)), (true, false, false));
    assert!(layout("fmask-python").is_fill(0) && layout("fmask-gersl").is_fill(255));
}

#[test]
fn the_remaining_layouts_decode_their_bits() {
    assert_decodes(
        "modis-state-1km",
        &[(0b1010, "cloud-state: mixed + land-water: land"), (11, "cloud-state: not-set + land-water: land")],
    );
    assert_decodes(
        "force-qai",
        &[
            (1, "nodata"),
            (6, "cloud-state: cirrus"),
            (4, "cloud-state: opaque"),
            (3 << 11, "illumination shadow"),
        ],
    );
    assert_decodes("sentinel-2-qa60", &[(1024, "cloud"), (2048, "cirrus"), (0, "nothing set")]);
    assert_decodes("landsat-c1-radsat-l8", &[(1 << 9, "saturated-b9")]);
    assert_decodes("landsat-c2-radsat-l89", &[(1 << 8 | 1 << 11, "saturated-b9 + terrain-occlusion")]);
    assert_decodes("landsat-c2-radsat-l7", &[(1 << 5, "saturated-b6l"), (1 << 8, "saturated-b6h")]);
    assert_decodes("landsat-c2-radsat-l45", &[(1 << 9, "dropped-pixel")]);
    assert_decodes("landsat-c2-sr-aerosol", &[(1, "fill"), (0b1100_0010, "valid-retrieval + aerosol high")]);
    assert_decodes("landsat-c2-sr-aerosol", &[(64, "aerosol low"), (66, "valid-retrieval + aerosol low")]);
    assert_decodes("landsat-c1-sr-aerosol", &[(8, "water"), (4, "interpolated"), (64, "aerosol low")]);
    assert_decodes("landsat-c2-sr-cloud-qa", &[(2, "cloud"), (4, "cloud-shadow"), (8, "adjacent-to-cloud")]);
    assert_decodes("landsat-pre-collection-sr-cloud", &[(1, "cirrus"), (8, "cloud-shadow")]);
}

#[test]
fn a_two_bit_field_is_shifted_before_it_is_compared() {
    let field = layout("landsat-c2-l89").field("cloud-confidence").unwrap();
    let high = field.test(3, 3);
    assert!(high.takes(0x300) && !high.takes(0x100) && !high.takes(0x200));
    assert_eq!((field.bits().as_str(), field.value(22080)), ("bits 8-9", 2));
}

#[test]
fn reserved_levels_are_known_by_that_name() {
    let field = layout("landsat-c2-l89").field("cloud-shadow-confidence").unwrap();
    assert_eq!((field.class("reserved").unwrap().value, field.class("medium")), (2, None));
}

#[test]
fn fill_is_said_by_a_flag_a_code_or_not_at_all() {
    assert_eq!(layout("landsat-c2-l89").fill_field().unwrap().name, "fill");
    assert_eq!((layout("hls-v2").fill_field(), layout("sentinel-2-qa60").fill_field()), (None, None));
    assert!(layout("force-qai").is_fill(1) && !layout("sentinel-2-qa60").is_fill(0));
}

#[test]
fn qa60_is_silent_from_january_2022_to_february_2024() {
    let day = |y, m, d| Day::from(NaiveDate::from_ymd_opt(y, m, d).unwrap());
    assert_eq!(layout("sentinel-2-qa60").silent, Some((day(2022, 1, 25), day(2024, 2, 28))));
    assert_eq!(LAYOUTS.iter().filter(|l| l.silent.is_some()).count(), 1);
}
