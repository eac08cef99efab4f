//! Opening: bands, nodata, radiometry, types, layouts.

use super::testing::{
    Band, Folder, Raster, described, find, first, names, opened, opened_as, plain, shared, single,
};
use crate::crs::CrsRegistry;
use crate::discover::{find_explicit, open_scene};
use crate::scene::{
    AssetFacts, BandChoice, BandsWanted, Beside, BesidePlace, ExplicitFiles, ExplicitScene, Nodata, Offset,
    SceneSource, ScenesQuery,
};
use compose_core::{BandRole, Sun};

const C2: &str = "LC08_L2SP_034032_20160707_20200906_02_T1";

fn c2(bands: &[&str]) -> Folder {
    let names: Vec<String> = bands.iter().map(|b| format!("{C2}_{b}.TIF")).collect();
    Folder::with(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

fn list(names: &[&str]) -> BandsWanted {
    BandsWanted::List(names.iter().map(|&n| n.into()).collect())
}

fn table(bands: &[(&str, BandChoice)]) -> BandsWanted {
    BandsWanted::Table(bands.iter().map(|(name, choice)| ((*name).into(), choice.clone())).collect())
}

fn text(text: &str) -> BandChoice {
    BandChoice::Description(text.into())
}

fn nodata(source: &SceneSource, band: &str) -> Vec<f64> {
    source.refs[source.facts.band(band).unwrap()].nodata.clone()
}

fn scale_offset(source: &SceneSource, band: &str) -> Option<(f64, f64)> {
    source.facts.bands[source.facts.band(band).unwrap()].scale_offset
}

#[test]
fn a_preset_wants_its_reflectance_bands_and_keeps_the_others_for_rules() {
    let folder =
        c2(&["SR_B10", "SR_B2", "SR_B1", "ST_B10", "ST_QA", "QA_RADSAT", "QA_PIXEL", "SR_QA_AEROSOL"]);
    let source = opened(&folder.query("landsat-c2-l2"));
    assert_eq!(names(&source), "B1 B2 | QA_PIXEL QA_RADSAT SR_QA_AEROSOL SR_B10 ST_B10 ST_QA");
    let facts = &source.facts;
    assert_eq!((facts.id.as_str(), facts.day.unwrap().to_string().as_str()), (C2, "2016-07-07"));
    assert_eq!((facts.quality, facts.band("blue"), facts.band("SR_B1")), (Some(2), Some(1), Some(0)));
    let qa = &facts.bands[2];
    assert_eq!(
        (qa.role, qa.layout.unwrap().name, qa.scale_offset),
        (BandRole::Quality, "landsat-c2-l89", None)
    );
    assert_eq!((source.refs.len(), source.files.len(), source.georeferenced), (8, 8, true));
    assert_eq!(nodata(&source, "QA_PIXEL"), Vec::<f64>::new());
}

#[test]
fn bands_may_be_listed_by_any_of_their_names_and_are_then_called_so() {
    let folder = c2(&["SR_B5", "SR_B4", "QA_PIXEL"]);
    let query = ScenesQuery { bands: list(&["nir", "SR_B4"]), ..folder.query("landsat-c2-l2") };
    let source = opened(&query);
    assert_eq!(names(&source), "nir SR_B4 | QA_PIXEL");
    assert_eq!((source.facts.band("B5"), source.facts.band("red")), (Some(0), Some(1)));
    assert_eq!(names(&opened_as(&query, Some(&["red"]))), "red | QA_PIXEL B5");
}

#[test]
fn a_band_that_is_not_there_is_refused_with_the_nearest_and_all_names() {
    let folder = c2(&["SR_B5", "SR_B4", "QA_PIXEL"]);
    let refused = |names: &[&str]| {
        folder.not_opened(&ScenesQuery { bands: list(names), ..folder.query("landsat-c2-l2") })
    };
    assert_eq!(
        refused(&["rde"]),
        format!("scene {C2} has no band \"rde\"; did you mean \"red\"? it has B4 (red), B5 (nir), QA_PIXEL")
    );
    assert_eq!(refused(&["B4", "red"]), "bands: \"red\" is named twice");
}

#[test]
fn codes_are_never_output() {
    let folder = c2(&["SR_B4", "QA_PIXEL"]);
    let source = opened(&ScenesQuery { bands: list(&["B4", "QA_PIXEL"]), ..folder.query("landsat-c2-l2") });
    assert_eq!(names(&source), "B4 | QA_PIXEL");
    assert_eq!(source.notes, ["QA_PIXEL holds codes: it is read by rules and not composed"]);
    let only_codes = c2(&["QA_PIXEL"]);
    let refused = only_codes.not_opened(&only_codes.query("landsat-c2-l2"));
    assert_eq!(refused, format!("scene {C2}: no data band is left; it has QA_PIXEL"));
}

#[test]
fn a_scene_without_its_quality_band_is_a_scene_all_the_same() {
    let folder = c2(&["SR_B4"]);
    assert_eq!(opened(&folder.query("landsat-c2-l2")).facts.quality, None);
    let source = opened(&ScenesQuery { quality: Some("SR_B".into()), ..folder.query("landsat-c2-l2") });
    assert_eq!(source.facts.quality, None);
    assert_eq!(source.notes, ["no quality band \"SR_B\"; bands: B4 (red)"]);
}

#[test]
fn a_layout_that_is_said_goes_before_the_presets() {
    let folder = c2(&["SR_B4", "QA_PIXEL", "QA_RADSAT"]);
    let query = ScenesQuery { layout: Some("hls-v2".into()), ..folder.query("landsat-c2-l2") };
    let layouts: Vec<_> =
        opened(&query).facts.bands.iter().filter_map(|b| b.layout).map(|l| l.name).collect();
    assert_eq!(layouts, ["hls-v2", "landsat-c2-radsat-l89"]);
}

#[test]
fn bands_of_one_file_are_named_by_description_or_number_and_alpha_is_none_of_them() {
    let alpha = Band { alpha: true, ..Band::default() };
    let mut raster = described(&["red", "", "grey", "grey", "B2"]);
    raster.bands.push(alpha);
    let folder = Folder::new().raster("a.tif", &raster);
    let source = opened(&folder.query(""));
    assert_eq!(names(&source), "red band2 B3 B4 B2 |");
    assert_eq!(source.refs.iter().map(|r| r.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(
        names(&opened(&ScenesQuery { quality: Some("B2".into()), ..folder.query("") })),
        "red band2 B3 B4 | B2"
    );
}

#[test]
fn a_table_gives_bands_new_names_by_number_or_description() {
    let folder = Folder::new().raster("a.tif", &described(&["B02", "B08", "SCL", ""]));
    let bands = table(&[("nir", text("B08")), ("B4", BandChoice::Number(1)), ("scl", text("SCL"))]);
    let query = ScenesQuery { bands, quality: Some("scl".into()), ..folder.query("") };
    let source = opened(&query);
    assert_eq!(names(&source), "nir B4 | scl", "the unnamed fourth band must not take the name B4");
    assert_eq!((source.facts.quality, source.facts.band("B08")), (Some(2), Some(0)));
    assert!(source.notes.is_empty());
    assert_eq!(source.refs.iter().map(|r| r.number).collect::<Vec<_>>(), [2, 1, 3]);
}

#[test]
fn a_table_that_points_nowhere_is_refused() {
    let folder = Folder::new().raster("a.tif", &described(&["B02", "B08"]));
    let wrong =
        |choice| folder.not_opened(&ScenesQuery { bands: table(&[("nir", choice)]), ..folder.query("") });
    assert_eq!(
        wrong(BandChoice::Number(3)),
        "band \"nir\" = 3: a.tif has 2 bands; expected a number from 1 to 2"
    );
    assert_eq!(wrong(text("B8")), "scene a has no band \"B8\"; did you mean \"B08\"? it has B02, B08");
    let folder = c2(&["SR_B5"]);
    let query =
        ScenesQuery { bands: table(&[("nir", BandChoice::Number(1))]), ..folder.query("landsat-c2-l2") };
    assert_eq!(
        folder.not_opened(&query),
        format!(
            "band \"nir\" = 1: scene {C2} has a file per band; say which one by its name, e.g. nir = \"B5\""
        )
    );
    assert_eq!(names(&opened(&ScenesQuery { bands: table(&[("n", text("SR_B5"))]), ..query })), "n |");
}

#[test]
fn a_stack_and_a_quality_file_may_make_one_scene() {
    let folder = Folder::with(&["a_QA.tif"]).raster("a.tif", &described(&["red", "nir"]));
    let pattern = Some(r"(?P<id>[a-z]+)(?:_(?P<band>QA))?\.tif".into());
    let source = opened(&ScenesQuery { pattern, quality: Some("QA".into()), ..folder.query("") });
    assert_eq!((names(&source).as_str(), source.files.len()), ("red nir | QA", 2));
}

#[test]
fn a_file_that_is_said_to_be_one_band_must_hold_one() {
    let folder = Folder::new().raster("a_B1.tif", &described(&["x", "y"]));
    let query = ScenesQuery { pattern: Some(r"(?P<id>a)_(?P<band>B\d)\.tif".into()), ..folder.query("") };
    assert!(
        folder
            .not_opened(&query)
            .starts_with("a_B1.tif: holds 2 bands, expected one, as the name says that it is band \"B1\"")
    );
    let mut with_alpha = plain();
    with_alpha.bands.push(Band { alpha: true, ..Band::default() });
    let folder = Folder::new().raster("a_B1.tif", &with_alpha);
    assert_eq!(names(&opened(&ScenesQuery { base: folder.path(""), ..query })), "B1 |");
}

#[test]
fn nodata_of_file_and_preset_both_count_unless_the_rules_say_otherwise() {
    let c1 = "LC08_L1TP_034032_20160707_20170221_01_T1";
    let tagged = single(Band { dtype: Some("Int16"), nodata: Some(-32768.0), ..Band::default() });
    let folder = Folder::new().raster(&format!("{c1}_sr_band4.tif"), &tagged);
    let folder = folder.raster(&format!("{c1}_bt_band10.tif"), &tagged);
    let with = |nodata| opened(&ScenesQuery { nodata, ..folder.query("landsat-c1-sr") });
    assert_eq!(nodata(&with(Nodata::Default), "B4"), [-32768.0, -9999.0]);
    assert_eq!(nodata(&with(Nodata::None), "B4"), Vec::<f64>::new());
    assert_eq!(nodata(&with(Nodata::Values(vec![1.0])), "B4"), [1.0]);
    assert_eq!(nodata(&with(Nodata::Values(vec![1.0])), "bt_band10"), [-32768.0, -9999.0], "not reflectance");
}

#[test]
fn what_is_no_reflectance_has_nodata_and_scale_of_its_own() {
    let at = |band: &str| format!("R20m/T22HBD_20210122T133229_{band}_20m.jp2");
    let folder = Folder::with(&[&at("B02"), &at("AOT"), &at("SCL")]);
    let source =
        opened(&ScenesQuery { scale: Some(1e-4), offset: Some(-0.1), ..folder.query("sentinel-2-l2a") });
    assert_eq!(
        (scale_offset(&source, "B02"), scale_offset(&source, "AOT")),
        (Some((1e-4, -0.1)), Some((0.001, 0.0)))
    );
    let folder = c2(&["SR_B4", "ST_B10", "ST_QA"]);
    let source = opened(&folder.query("landsat-c2-l2"));
    assert_eq!(scale_offset(&source, "B4"), Some((2.75e-5, -0.2)));
    assert_eq!(scale_offset(&source, "thermal1"), Some((0.00341802, 149.0)));
    assert_eq!((nodata(&source, "B4"), nodata(&source, "ST_QA")), (vec![0.0], vec![-9999.0]));
    let asked = ScenesQuery { bands: list(&["ST_B10"]), scale: Some(0.1), ..folder.query("landsat-c2-l2") };
    assert_eq!(scale_offset(&opened(&asked), "ST_B10"), Some((0.1, 149.0)));
}

#[test]
fn scale_and_offset_come_from_rules_then_file_then_preset() {
    let tagged = single(Band { scale_offset: Some((0.5, 3.0)), ..Band::default() });
    let folder = Folder::new()
        .raster(&format!("{C2}_SR_B4.TIF"), &tagged)
        .raster(&format!("{C2}_SR_B5.TIF"), &plain());
    let with = |scale, offset| {
        let source = opened(&ScenesQuery { scale, offset, ..folder.query("landsat-c2-l2") });
        (scale_offset(&source, "B4").unwrap(), scale_offset(&source, "B5").unwrap())
    };
    assert_eq!(with(None, None), ((0.5, 3.0), (2.75e-5, -0.2)));
    assert_eq!(with(Some(2.0), None), ((2.0, 3.0), (2.0, -0.2)));
    assert_eq!(with(Some(2.0), Some(1.0)), ((2.0, 1.0), (2.0, 1.0)));
}

#[test]
fn without_a_preset_what_is_not_said_changes_nothing() {
    let folder = Folder::with(&["a.tif"]);
    let with =
        |scale, offset| scale_offset(&opened(&ScenesQuery { scale, offset, ..folder.query("") }), "B1");
    assert_eq!(with(None, None), None);
    assert_eq!(with(Some(0.1), None), Some((0.1, 0.0)));
    assert_eq!(with(None, Some(5.0)), Some((1.0, 5.0)));
}

#[test]
fn the_offset_of_sentinel_2_goes_by_the_baseline_in_the_path_and_is_unknown_without() {
    let file = "T22HBD_20220222T133229_B02_10m.jp2";
    let with = |folder: &str, offset| {
        let folder = Folder::with(&[&format!("{folder}/{file}")]);
        let source = opened(&ScenesQuery { offset, ..folder.query("sentinel-2-l2a") });
        (scale_offset(&source, "B02"), source.notes.len())
    };
    assert_eq!(with("x_N0400_y", None), (Some((1e-4, -0.1)), 0));
    assert_eq!(with("x_N0301_y", None), (Some((1e-4, 0.0)), 0));
    assert_eq!(with("x", None), (None, 1));
    assert_eq!(with("x", Some(-0.1)), (Some((1e-4, -0.1)), 0));
}

/// `N9999` is larger than 0400, and says nothing of the offset.
#[test]
fn a_baseline_of_9999_does_not_tell_the_offset_and_it_is_asked_for() {
    let safe = "S2B_MSIL2A_20180602T110619_N9999_R137_T30UVB_20230811T100202.SAFE";
    let image = "GRANULE/L2A_T30UVB_A006467/IMG_DATA/R10m/T30UVB_20180602T110619_B02_10m.jp2";
    let folder = Folder::with(&[&format!("{safe}/{image}")]);
    let query = folder.query("sentinel-2-l2a");
    let source = opened(&query);
    assert_eq!(scale_offset(&source, "B02"), None);
    assert!(
        source.notes[0].contains("N9999") && source.notes[0].contains("offset = -0.1"),
        "{:?}",
        source.notes
    );
    let said = opened(&ScenesQuery { offset: Some(0.0), ..query });
    assert_eq!((scale_offset(&said, "B02"), said.notes.len()), (Some((1e-4, 0.0)), 0));
}

/// A pattern of one's own says nothing of the sensor.
#[test]
fn with_a_pattern_of_ones_own_the_quality_band_keeps_the_layout_of_the_preset() {
    let folder = Folder::with(&["july_20160707_sr_band4.tif", "july_20160707_pixel_qa.tif"]);
    let pattern = r"(?P<id>july_(?P<date>\d{8}))_(?P<band>\w+)\.tif".to_owned();
    let source = opened(&ScenesQuery { pattern: Some(pattern), ..folder.query("landsat-c1-sr") });
    let quality = &source.facts.bands[source.facts.quality.unwrap()];
    assert_eq!(quality.layout.map(|l| l.name), Some("landsat-c1-sr-l8"));
}

#[test]
fn the_default_bands_are_those_of_the_finest_resolution() {
    let at = |bands: &[&str]| -> Vec<String> {
        bands.iter().map(|b| format!("S2A_20HNG_20220302_0_L2A/{b}.tif")).collect()
    };
    let all = at(&["B01", "B02", "B04", "B05", "B08", "B11", "SCL"]);
    let folder = Folder::with(&all.iter().map(String::as_str).collect::<Vec<_>>());
    let source = opened(&folder.query("sentinel-2-l2a"));
    assert_eq!(names(&source), "B02 B04 B08 | SCL B01 B05 B11");
    assert_eq!(source.notes[0], "bands of 10 m are taken; coarser ones only by name: B05, B11");
    let coarse = at(&["B05", "B11"]);
    let folder = Folder::with(&coarse.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(names(&opened(&folder.query("sentinel-2-l2a"))), "B05 B11 |");
}

#[test]
fn the_native_grid_is_that_of_the_first_wanted_band() {
    let fine = Raster { pixel: Some(10.0), ..plain() };
    let folder = Folder::new().raster("a_fine.tif", &fine).raster("a_coarse.tif", &plain());
    let pattern = Some(r"(?P<id>a)_(?P<band>\w+)\.tif".into());
    let query = ScenesQuery { pattern, bands: list(&["fine", "coarse"]), ..folder.query("") };
    let facts = opened(&query).facts;
    assert_eq!((facts.grid.transform.dx, facts.bands[1].grid.transform.dx), (10.0, 30.0));
}

#[test]
fn samples_that_single_precision_cannot_hold_are_refused_unless_accepted() {
    let of = |dtype| single(Band { dtype: Some(dtype), ..Band::default() });
    for dtype in ["Int32", "UInt32", "Float64"] {
        let folder = Folder::new().raster("a.tif", &of(dtype));
        let refused = folder.not_opened(&folder.query(""));
        assert!(
            refused.contains("which single precision cannot hold exactly; set precision = \"f32\""),
            "{refused}"
        );
        assert_eq!(names(&opened(&ScenesQuery { precision_f32: true, ..folder.query("") })), "B1 |");
    }
    let folder = Folder::new().raster("a.tif", &of("CFloat32"));
    let refused = folder.not_opened(&ScenesQuery { precision_f32: true, ..folder.query("") });
    assert!(refused.contains("band 1 has complex samples, which cannot be composed"), "{refused}");
}

#[test]
fn a_quality_band_must_hold_integer_codes() {
    let band = |dtype, description| Band { dtype: Some(dtype), description, ..Band::default() };
    let with = |dtype| Raster { bands: vec![band("UInt16", "red"), band(dtype, "QA")], ..Raster::default() };
    let folder = Folder::new().raster("a.tif", &with("Float32"));
    let query = ScenesQuery { quality: Some("QA".into()), ..folder.query("") };
    assert!(folder.not_opened(&query).contains("quality band 2 has float32 samples; expected integer codes"));
    let folder = Folder::new().raster("a.tif", &with("UInt32"));
    assert_eq!(opened(&ScenesQuery { base: folder.path(""), ..query }).facts.quality, Some(1));
}

#[test]
fn a_band_that_nobody_asked_for_is_left_out_with_a_note_if_it_cannot_be_used() {
    let folder = c2(&["SR_B4"]).file(&format!("{C2}_ST_B10.TIF"), "no raster");
    let complex = single(Band { dtype: Some("CInt16"), ..Band::default() });
    let folder = folder.raster(&format!("{C2}_ST_QA.TIF"), &complex);
    let source = opened(&folder.query("landsat-c2-l2"));
    assert_eq!((names(&source).as_str(), source.notes.len()), ("B4 |", 2));
    assert!(
        source.notes[0].starts_with("ST_B10 is left out: ") && source.notes[1].contains("complex samples")
    );
    let wanted = ScenesQuery { bands: list(&["ST_B10"]), ..folder.query("landsat-c2-l2") };
    assert!(folder.not_opened(&wanted).contains("not a raster that GDAL can open"));
}

#[test]
fn one_colour_is_taken_from_another_number_by_sensor() {
    let l7 = C2.replace("LC08", "LE07");
    let folder =
        Folder::with(&[&format!("{C2}_SR_B4.TIF"), &format!("{l7}_SR_B3.TIF"), &format!("{l7}_SR_B4.TIF")]);
    let query = folder.query("landsat-c2-l2");
    let path = |index: usize| {
        let scene = &find(&query).unwrap().scenes[index];
        let source = open_scene(scene, &query, Some(&["red".into()]), &CrsRegistry::new()).unwrap();
        assert_eq!(source.facts.bands[0].name, "red");
        source.files[0].file_name().unwrap().to_string_lossy().into_owned()
    };
    assert_eq!([path(0), path(1)], [format!("{C2}_SR_B4.TIF"), format!("{l7}_SR_B3.TIF")]);
}

#[test]
fn an_outright_scene_has_its_preset_bands_by_the_names_given() {
    let folder = Folder::with(&["a.tif", "b.tif"]);
    let files = [("B4", "a.tif"), ("QA_PIXEL", "b.tif")].map(|(b, f)| (b.to_owned(), f.to_owned()));
    let scene = ExplicitScene {
        id: Some("LC09_july".into()),
        day: None,
        files: ExplicitFiles { stack: None, per_band: files.to_vec() },
        query: folder.query("landsat-c2-l2"),
    };
    let systems = CrsRegistry::new();
    let found = find_explicit(&scene, &systems).unwrap();
    let source = open_scene(&found, &scene.query, None, &systems).unwrap();
    assert_eq!((names(&source).as_str(), source.facts.band("red")), ("B4 | QA_PIXEL", Some(0)));
    assert_eq!(source.facts.bands[1].layout.unwrap().name, "landsat-c2-l89");
    let unknown = crate::scene::FoundScene { sensor: None, ..found };
    let source = open_scene(&unknown, &scene.query, None, &systems).unwrap();
    assert_eq!(
        (source.facts.quality, source.facts.bands[1].layout.map(|l| l.name), nodata(&source, "B4")),
        (Some(1), Some("landsat-c2-l89"), vec![0.0])
    );
}

/// A scene with bands `red` and `nir` in one file, and one band in `qa.tif`.
fn stack_and(band: &str, folder: &Folder) -> ExplicitScene {
    ExplicitScene {
        id: None,
        day: None,
        files: ExplicitFiles {
            stack: Some("stack.tif".into()),
            per_band: vec![(band.to_owned(), "qa.tif".to_owned())],
        },
        query: ScenesQuery { quality: Some(band.into()), ..folder.query("") },
    }
}

#[test]
fn an_outright_scene_may_have_a_file_of_many_bands_and_further_bands_in_files_of_their_own() {
    let folder = Folder::with(&["qa.tif"]).raster("stack.tif", &described(&["red", "nir"]));
    let scene = stack_and("QA", &folder);
    let systems = CrsRegistry::new();
    let found = find_explicit(&scene, &systems).unwrap();
    let source = open_scene(&found, &scene.query, None, &systems).unwrap();
    assert_eq!((found.id.as_str(), names(&source).as_str()), ("stack", "red nir | QA"));
    assert_eq!(source.files, [folder.path("stack.tif"), folder.path("qa.tif")]);
    let bands = table(&[("one", BandChoice::Number(2))]);
    let source = open_scene(&found, &ScenesQuery { bands, ..scene.query }, None, &systems).unwrap();
    assert_eq!((names(&source).as_str(), source.refs[0].number), ("one | QA red", 2));
}

#[test]
fn a_band_in_the_file_of_many_and_in_one_of_its_own_is_refused() {
    let folder = Folder::with(&["qa.tif"]).raster("stack.tif", &described(&["red", "nir"]));
    let scene = stack_and("nir", &folder);
    let systems = CrsRegistry::new();
    let found = find_explicit(&scene, &systems).unwrap();
    let error = open_scene(&found, &scene.query, None, &systems).map(|_| ()).unwrap_err();
    let expected = "band nir of scene stack is in stack.tif and again in a file of its own, qa.tif; leave one of \
                    them out or give it another name";
    assert_eq!((folder.stable(&error.to_string()).as_str(), error.setting()), (expected, Some("files")));
}

#[test]
fn what_a_raster_is_made_of_is_among_the_files_of_its_scene() {
    let folder = Folder::with(&["a.tif"]).file("a.tif.aux.xml", "<PAMDataset></PAMDataset>");
    assert_eq!(opened(&folder.query("")).files, [folder.path("a.tif"), folder.path("a.tif.aux.xml")]);
}

#[test]
fn tags_of_the_file_are_handed_on() {
    let folder = Folder::new().raster("a.tif", &plain().tagged("", "cloud_coverage", "17"));
    let source = opened(&folder.query(""));
    assert!(source.tags.iter().any(|t| t.key == "cloud_coverage" && t.value == "17"));
    assert_eq!(first(&folder.query("")).files[0].band, None);
}

#[test]
fn real_scenes_are_opened_if_they_are_there() {
    let query = |base: std::path::PathBuf, preset: &str| ScenesQuery {
        base,
        preset: (!preset.is_empty()).then(|| crate::preset::find(preset).unwrap()),
        paths: vec![".".into()],
        ..ScenesQuery::default()
    };
    if let Some(folder) = shared("l8ny18_bqa") {
        let source = opened(&query(folder, "landsat-c1-l1"));
        assert_eq!(names(&source), "B1 B2 B3 B4 B5 B6 B7 | BQA B8 B9 B10 B11");
        assert_eq!(source.facts.bands[7].layout.unwrap().name, "landsat-c1-l1-oli");
        assert_eq!(nodata(&source, "B4"), [0.0]);
    }
    if let Some(folder) = shared("xlandsat_brumadinho") {
        let source = opened(&query(folder, "landsat-c2-l2"));
        assert_eq!((names(&source).as_str(), source.facts.quality), ("B2 B3 B4 B5 B6 B7 |", None));
    }
    if let Some(folder) = shared("s2_exeter_scl") {
        let bands = ["B02", "B03", "B04", "B08", "SCL"].map(|b| (b, text(b)));
        let source = opened(&ScenesQuery {
            paths: vec!["*.tif".into()],
            pattern: Some(r"(?P<id>exe_(?P<date>\d{4}-\d{2}-\d{2}))_.*\.tif".into()),
            date_format: Some("%Y-%m-%d".into()),
            bands: table(&bands),
            quality: Some("SCL".into()),
            layout: Some("sentinel-2-scl".into()),
            ..query(folder, "")
        });
        assert_eq!(
            (source.facts.id.as_str(), names(&source).as_str()),
            ("exe_2024-06-02", "B02 B03 B04 B08 | SCL")
        );
    }
    if let Some(folder) = shared("hls_exeter_fmask") {
        let bands = table(&[("red", text("B04"))]);
        let date_from = Some("datetime".into());
        let source = opened(&ScenesQuery { bands, date_from, ..query(folder, "") });
        assert_eq!(
            (scale_offset(&source, "red"), nodata(&source, "red")),
            (Some((0.0001, 0.0)), vec![-9999.0])
        );
        assert_eq!(source.facts.day.unwrap().to_string(), "2021-06-08");
    }
}

#[test]
fn the_sun_stands_where_the_mtl_file_of_the_scene_says() {
    let mtl =
        "GROUP = IMAGE_ATTRIBUTES\nSUN_AZIMUTH = 90.98\nSUN_ELEVATION = 58.47\nEND_GROUP = IMAGE_ATTRIBUTES";
    let folder = c2(&["SR_B4"]);
    assert_eq!(opened(&folder.query("landsat-c2-l2")).facts.sun, None);
    let folder = folder.file(&format!("{C2}_MTL.txt"), mtl);
    let query = folder.query("landsat-c2-l2");
    assert_eq!(opened(&query).facts.sun, Some(Sun { elevation: 58.47, azimuth: 90.98 }));
}

#[test]
fn an_mtl_file_that_cannot_be_read_is_remarked_upon() {
    let folder = c2(&["SR_B4"]);
    std::fs::create_dir(folder.path(&format!("{C2}_MTL.txt"))).unwrap();
    let source = opened(&folder.query("landsat-c2-l2"));
    assert_eq!(source.facts.sun, None);
    assert!(source.notes[0].starts_with("no sun angles: "), "{:?}", source.notes);
}

/// The tag on a class is a slip; what the item states is none, and counts beside any tag.
#[test]
fn what_an_item_states_as_nodata_of_a_mask_counts_whatever_its_tag_is() {
    let with = |tag: f64| {
        let mask = single(Band { dtype: Some("Byte"), nodata: Some(tag), ..Band::default() });
        let folder = Folder::with(&["s/a.tif"]).raster("m/a_OCM.tif", &mask);
        let beside = Beside {
            place: BesidePlace::Files("m/{id}_OCM.tif".into()),
            band: "OCM".into(),
            number: None,
            layout: compose_core::quality::find("omnicloudmask").ok(),
            nodata: Nodata::Default,
            skip: false,
        };
        let query = ScenesQuery { paths: vec!["s".into()], beside: vec![beside], ..folder.query("") };
        let mut scene = first(&query);
        scene.files.last_mut().unwrap().asset = Some(AssetFacts {
            key: "ocm".into(),
            flaw: None,
            aliases: Vec::new(),
            nodata: Some(255.0),
            scale: None,
            offset: Offset::Unknown,
            codes: None,
            shape: None,
            transform: None,
            crs: None,
        });
        nodata(&open_scene(&scene, &query, None, &CrsRegistry::new()).unwrap(), "OCM")
    };
    assert_eq!(with(0.0), [255.0], "0 is clear");
    assert_eq!(with(9.0), [255.0, 9.0]);
    assert_eq!(with(255.0), [255.0]);
}
