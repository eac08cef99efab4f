use super::*;

fn sensor(preset: &str, name: &str) -> &'static Sensor {
    find(preset).unwrap().sensor(name).unwrap_or_else(|| panic!("{preset}: {name}"))
}

fn called(preset: &str, platform: &str, name: &str) -> &'static str {
    sensor(preset, platform).band(name).map_or("none", |b| b.name)
}

#[test]
fn a_mistyped_preset_is_answered_with_the_nearest_and_all_names() {
    let message = find("landsat-c2-l3").unwrap_err();
    assert!(
        message.starts_with("unknown preset \"landsat-c2-l3\"; did you mean \"landsat-c2-l2\"? presets: ")
    );
    assert!(
        find("modis").unwrap_err().starts_with("unknown preset \"modis\"; presets: landsat-pre-collection, ")
    );
}

#[test]
fn every_layout_that_a_preset_names_exists() {
    for band in PRESETS.iter().flat_map(|p| p.sensors).flat_map(|s| s.bands) {
        assert_eq!(band.layout.is_some(), band.part == Part::Quality, "{}", band.name);
        assert_eq!(band.layout.is_some(), band.layout().is_some(), "{}: {:?}", band.name, band.layout);
    }
}

#[test]
fn no_name_means_two_bands_of_a_sensor() {
    for sensor in PRESETS.iter().flat_map(|p| p.sensors) {
        let all = sensor.bands.iter().flat_map(|b| std::iter::once(b.name).chain(b.aliases()));
        let mut names: Vec<String> = all.map(str::to_lowercase).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{}: {names:?}", sensor.name);
    }
}

#[test]
fn the_same_colour_has_another_number_by_sensor() {
    let red = [
        ("landsat-pre-collection", "LC8", "B4"),
        ("landsat-pre-collection", "LE7", "B3"),
        ("landsat-c1-l1", "LT05", "B3"),
        ("landsat-c1-sr", "LC08", "B4"),
        ("landsat-pre-collection-sr", "LE7", "B3"),
        ("landsat-c2-l1", "LC08", "B4"),
        ("landsat-c2-l1", "LM05", "B2"),
        ("landsat-c2-l1", "LM02", "B5"),
        ("landsat-c2-l2", "LC09", "B4"),
        ("landsat-c2-l2", "LT04", "B3"),
        ("sentinel-2-l2a", "S2A", "B04"),
        ("hls-v2", "S30", "B04"),
    ];
    for (preset, platform, band) in red {
        assert_eq!(called(preset, platform, "red"), band, "{preset} {platform}");
    }
    assert_eq!(called("hls-v2", "L30", "nir"), "B05");
    assert_eq!(called("hls-v2", "S30", "nir"), "B8A");
    assert_eq!(called("sentinel-2-l2a", "S2B", "nir"), "B08");
}

#[test]
fn names_in_files_lead_to_the_same_band() {
    for name in ["SR_B4", "sr_band4", "SRB4", "B4", "red"] {
        assert_eq!(called("landsat-c2-l2", "LC08", name), "B4");
    }
    assert_eq!(called("landsat-c1-sr", "LC08", "PIXELQA"), "pixel_qa");
    assert_eq!(called("landsat-c2-l2", "LE07", "B6"), "ST_B6");
}

#[test]
fn the_layout_of_a_quality_band_goes_by_sensor() {
    let layout = |preset, platform, band| sensor(preset, platform).band(band).and_then(|b| b.layout);
    assert_eq!(layout("landsat-c1-l1", "LC08", "BQA"), Some("landsat-c1-l1-oli"));
    assert_eq!(layout("landsat-c1-l1", "LE07", "BQA"), Some("landsat-c1-l1-tm"));
    assert_eq!(layout("landsat-c1-sr", "LT05", "pixel_qa"), Some("landsat-c1-sr-l47"));
    assert_eq!(layout("landsat-c2-l2", "LC08", "QA_PIXEL"), Some("landsat-c2-l89"));
    assert_eq!(layout("landsat-c2-l2", "LE07", "QA_PIXEL"), Some("landsat-c2-l47"));
    assert_eq!(layout("landsat-c2-l2", "LM05", "QA_PIXEL"), Some("landsat-c2-mss"));
}

#[test]
fn a_sensor_is_recognised_by_a_word_of_the_name() {
    assert_eq!(sensor("landsat-pre-collection", "LC80290302015343LGN00").name, "OLI");
    assert_eq!(sensor("landsat-pre-collection", "july/LE70350322012273EDC00_B1.TIF").name, "ETM+");
    assert_eq!(sensor("landsat-c2-l2", "LT05_L2SP_034032").name, "TM");
    assert_eq!(sensor("hls-v2", "HLS.S30.T19LDD").name, "S30");
    assert_eq!(sensor("sentinel-2-l2a", "any").name, "MSI");
    assert!(find("landsat-c2-l2").unwrap().sensor("LC080_x_LC8_xLC08").is_some());
    assert!(find("landsat-c2-l2").unwrap().sensor("xLC08_LC0_july").is_none());
}

#[test]
fn without_a_sensor_only_what_all_agree_on_is_known() {
    let c2 = find("landsat-c2-l2").unwrap();
    let qa = c2.band(None, "QA_PIXEL").unwrap();
    // Landsat 4-7 and MSS use fewer of the bits, and those in the same way.
    assert_eq!((qa.part, qa.layout), (Part::Quality, Some("landsat-c2-l89")));
    // Bit 9 is a dropped pixel on one sensor, bit 11 terrain on another; bits 8 differ.
    assert_eq!(c2.band(None, "QA_RADSAT").unwrap().layout, None);
    let c1 = find("landsat-c1-sr").unwrap();
    assert_eq!(c1.band(None, "pixel_qa").unwrap().layout, Some("landsat-c1-sr-l8"));
    // Bit 1 of Level 1 is terrain occlusion on OLI and a dropped pixel on TM.
    assert_eq!(find("landsat-c1-l1").unwrap().band(None, "BQA").unwrap().layout, None);
    let b7 = c2.band(None, "B7").unwrap();
    assert_eq!((b7.common, b7.part), (Some("swir2"), Part::Wanted));
    assert_eq!(c2.band(None, "B4").unwrap().common, None);
    assert_eq!(find("hls-v2").unwrap().band(None, "Fmask").unwrap().layout, Some("hls-v2"));
}

#[test]
fn warmth_cirrus_pan_and_the_air_are_not_wanted_by_default() {
    for name in ["thermal1", "thermal2", "cirrus", "pan", "water-vapour"] {
        let bands = PRESETS.iter().flat_map(|p| p.sensors).filter_map(|s| s.band(name));
        assert!(bands.clone().count() > 0 && bands.clone().all(|b| b.part == Part::Extra), "{name}");
    }
}

#[test]
fn the_offset_of_sentinel_2_goes_by_baseline() {
    let radiometry = find("sentinel-2-l2a").unwrap().radiometry;
    assert_eq!(radiometry.scale_offset(Some(301)), (Some(0.0001), Some(0.0)));
    assert_eq!(radiometry.scale_offset(Some(400)), (Some(0.0001), Some(-0.1)));
    assert_eq!(radiometry.scale_offset(None), (Some(0.0001), None));
    // Made with Sen2Cor by others: of either kind.
    assert_eq!(radiometry.scale_offset(Some(9999)), (Some(0.0001), None));
}

#[test]
fn the_main_quality_band_is_the_first_one() {
    let names: Vec<_> = PRESETS.iter().map(|p| p.quality().unwrap()).collect();
    assert_eq!(names, ["BQA", "cfmask", "BQA", "pixel_qa", "QA_PIXEL", "QA_PIXEL", "SCL", "Fmask"]);
}
