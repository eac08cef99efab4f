//! Finding: paths, names, groups, dates.

use super::names::Names;
use super::testing::{Folder, find, first, plain, shared};
use super::*;
use crate::preset::PRESETS;
use crate::scene::{BandChoice, BandsWanted};

const C2: &str = "LC08_L2SP_034032_20160707_20200906_02_T1";

fn ids(query: &ScenesQuery) -> Vec<String> {
    let scenes = find(query).unwrap_or_else(|e| panic!("{e}")).scenes;
    let day = |s: &FoundScene| s.day.map_or_else(|| "no date".into(), |d| d.to_string());
    scenes.iter().map(|s| format!("{} {}", s.id, day(s))).collect()
}

fn files(scene: &FoundScene, folder: &Folder) -> Vec<String> {
    scene.files.iter().map(|f| folder.stable(&f.path.to_string_lossy())).collect()
}

/// `id band date sensor baseline metres`, `-` for what the name does not say.
fn said(preset: &str, path: &str) -> String {
    let query = ScenesQuery { preset: Some(crate::preset::find(preset).unwrap()), ..ScenesQuery::default() };
    let Some(named) = Names::new(&query).unwrap().read(Path::new(path)) else { return "not like it".into() };
    let n = named.unwrap();
    let or = |text: Option<String>| text.unwrap_or_else(|| "-".into());
    let numbers = [n.baseline, n.metres].map(|v| or(v.map(|v| v.to_string())));
    let day = or(n.day.map(|d| d.to_string()));
    format!("{} {} {day} {} {}", n.id, or(n.band), or(n.sensor), numbers.join(" "))
}

#[test]
fn level_1_of_collection_2_and_reflectance_before_collections_are_read() {
    let scene = "LC08_L1TP_034032_20160707_20200906_02_T1";
    for (preset, path, expected) in [
        ("landsat-c2-l1", format!("{scene}_B4.TIF"), format!("{scene} B4 2016-07-07 LC08 - -")),
        ("landsat-c2-l1", format!("{scene}_QA_PIXEL.TIF"), format!("{scene} QA_PIXEL 2016-07-07 LC08 - -")),
        ("landsat-c2-l1", format!("{scene}_SZA.TIF"), format!("{scene} SZA 2016-07-07 LC08 - -")),
        (
            "landsat-pre-collection-sr",
            "LC80340322016189LGN00_sr_band4.tif".into(),
            "LC80340322016189LGN00 sr_band4 2016-07-07 LC8 - -".into(),
        ),
        (
            "landsat-pre-collection-sr",
            "LE70340322016189EDC00_cfmask.tif".into(),
            "LE70340322016189EDC00 cfmask 2016-07-07 LE7 - -".into(),
        ),
    ] {
        assert_eq!(said(preset, &path), expected, "{preset}: {path}");
    }
}

#[test]
fn every_preset_reads_the_names_of_its_product() {
    let safe = "x/S2B_MSIL2A_20201126T154319_N0212_R125_T11CMM_20201127T152008.SAFE/GRANULE/L2A_T11CMM_A019_20201126T154401";
    let cases = [
        (
            "landsat-pre-collection",
            "LC80290302015343LGN00_B2.TIF",
            "LC80290302015343LGN00 B2 2015-12-09 LC8 - -",
        ),
        (
            "landsat-pre-collection",
            "LE70350322012273EDC00_B6_VCID_1.tif",
            "LE70350322012273EDC00 B6_VCID_1 2012-09-29 LE7 - -",
        ),
        (
            "landsat-c1-l1",
            "LC08_L1TP_014031_20180530_20180614_01_T1_B4.TIF",
            "LC08_L1TP_014031_20180530_20180614_01_T1 B4 2018-05-30 LC08 - -",
        ),
        (
            "landsat-c1-l1",
            "LC08_L1TP_013032_20180131_BQA.TIF",
            "LC08_L1TP_013032_20180131 BQA 2018-01-31 LC08 - -",
        ),
        (
            "landsat-c1-sr",
            "LC08_L1TP_034032_20160707_20170221_01_T1_sr_band4_crop.tif",
            "LC08_L1TP_034032_20160707_20170221_01_T1 sr_band4 2016-07-07 LC08 - -",
        ),
        (
            "landsat-c1-sr",
            "LE07_L1TP_034032_20160707_20170221_01_T1_sr_atmos_opacity.tif",
            "LE07_L1TP_034032_20160707_20170221_01_T1 sr_atmos_opacity 2016-07-07 LE07 - -",
        ),
        (
            "landsat-c1-sr",
            "LC08_CU_027009_20130701_20170729_C01_V01_PIXELQA.tif",
            "LC08_CU_027009_20130701_20170729_C01_V01 PIXELQA 2013-07-01 LC08 - -",
        ),
        (
            "landsat-c2-l2",
            "LT05_L2SR_034032_19990707_20200906_02_T2_SR_CLOUD_QA.TIF",
            "LT05_L2SR_034032_19990707_20200906_02_T2 SR_CLOUD_QA 1999-07-07 LT05 - -",
        ),
        (
            "landsat-c2-l2",
            "LC09_CU_003010_20220601_20220612_02_QA_PIXEL.TIF",
            "LC09_CU_003010_20220601_20220612_02 QA_PIXEL 2022-06-01 LC09 - -",
        ),
        (
            "sentinel-2-l2a",
            &format!("{safe}/IMG_DATA/R10m/T11CMM_20201126T154319_B04_10m.jp2"),
            "S2B_MSIL2A_20201126T154319_N0212_R125_T11CMM_20201127T152008 B04 2020-11-26 S2B 212 10",
        ),
        (
            "sentinel-2-l2a",
            &format!("{safe}/QI_DATA/MSK_CLDPRB_20m.jp2"),
            "S2B_MSIL2A_20201126T154319_N0212_R125_T11CMM_20201127T152008 CLDPRB 2020-11-26 S2B 212 20",
        ),
        (
            "sentinel-2-l2a",
            "T22HBD_20210122T133229_B8A_20m.jp2",
            "T22HBD_20210122T133229 B8A 2021-01-22 - - 20",
        ),
        ("sentinel-2-l2a", "T22HBD_20210122T133229_B04.tif", "T22HBD_20210122T133229 B04 2021-01-22 - - -"),
        (
            "sentinel-2-l2a",
            "s/S2A_20HNG_20220302_0_L2A/B04.tif",
            "S2A_20HNG_20220302_0_L2A B04 2022-03-02 S2A - -",
        ),
        (
            "sentinel-2-l2a",
            "S2A_20HNG_20220302_0_L2A_SCL.tif",
            "S2A_20HNG_20220302_0_L2A SCL 2022-03-02 S2A - -",
        ),
        (
            "hls-v2",
            "HLS.L30.T19LDD.2022165T144027.v2.0.B04.tif",
            "HLS.L30.T19LDD.2022165T144027.v2.0 B04 2022-06-14 L30 - -",
        ),
        (
            "hls-v2",
            "HLS.S30.T19LDD.2022165T144027.v2.0.Fmask.tif",
            "HLS.S30.T19LDD.2022165T144027.v2.0 Fmask 2022-06-14 S30 - -",
        ),
    ];
    for (preset, path, expected) in cases {
        assert_eq!(said(preset, path), expected, "{preset}: {path}");
    }
}

#[test]
fn a_name_belongs_to_one_product_and_other_levels_belong_to_none() {
    for preset in PRESETS {
        for example in preset.example.split(" or ") {
            let takers = PRESETS.iter().filter(|p| said(p.name, example) != "not like it");
            assert_eq!(takers.map(|p| p.name).collect::<Vec<_>>(), [preset.name], "{example}");
        }
    }
    // Level-1C of Sentinel-2, another level of Collection 2, a browse picture.
    for other in [
        "T22HBD_20210122T133229_B04.jp2",
        "LC08_L3BA_034032_20160707_20200906_02_T1_B4.TIF",
        "LC80290302015343LGN00.jpg",
    ] {
        assert!(PRESETS.iter().all(|p| said(p.name, other) == "not like it"), "{other}");
    }
}

#[test]
fn files_of_a_scene_are_found_whatever_folder_they_lie_in() {
    let folder = Folder::with(&[
        &format!("sr/{C2}_SR_B10.TIF"),
        &format!("sr/{C2}_SR_B4.TIF"),
        &format!("qa/{C2}_QA_PIXEL.TIF"),
    ]);
    let scene = first(&folder.query("landsat-c2-l2"));
    assert_eq!((scene.id.as_str(), scene.sensor.unwrap().name), (C2, "OLI"));
    let bands: Vec<_> = scene.files.iter().map(|f| f.band.as_deref().unwrap()).collect();
    assert_eq!(bands, ["B4", "QA_PIXEL", "SR_B10"]);
}

#[test]
fn scenes_come_by_date_and_then_by_name_and_undated_ones_last() {
    let folder = Folder::with(&["b_20160101.tif", "a_20160101.tif", "c_20150101.tif", "0_undated.tif"]);
    let pattern = Some(r"(?P<id>[a-z0-9]+)_(?:(?P<date>\d{8})|undated)\.tif".into());
    let query = ScenesQuery { pattern, ..folder.query("") };
    assert_eq!(ids(&query), ["c 2015-01-01", "a 2016-01-01", "b 2016-01-01", "0 no date"]);
}

#[test]
fn without_preset_and_pattern_every_raster_is_a_scene() {
    let folder = Folder::with(&["a.tif", "sub/b.jp2"]).file("readme.txt", "");
    let found = find(&folder.query("")).unwrap();
    assert_eq!(found.scenes.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(
        found.notes,
        ["1 file passed over, not named like that of a raster (.tif, .jp2, .vrt, …): readme.txt"]
    );
}

#[test]
fn files_that_match_nothing_are_counted_and_the_first_are_named() {
    let folder = Folder::with(&[&format!("{C2}_SR_B4.TIF"), "e.tif", "d.tif", "c.tif", "b.tif"]);
    let folder = folder.file(&format!("{C2}_MTL.txt"), "").file(&format!("{C2}_SR_B4.TIF.aux.xml"), "");
    let found = find(&folder.query("landsat-c2-l2")).unwrap();
    assert_eq!(
        found.notes,
        ["4 files passed over, not named like LC08_L2SP_034032_20160707_20200906_02_T1_SR_B4.TIF \
          (preset landsat-c2-l2): b.tif, c.tif, d.tif, …"]
    );
}

#[test]
fn a_file_that_is_listed_outright_must_match() {
    let folder = Folder::with(&[&format!("{C2}_SR_B4.TIF"), "e.tif"]);
    let paths = vec![format!("{C2}_SR_B4.TIF"), "e.tif".into()];
    let query = ScenesQuery { paths, ..folder.query("landsat-c2-l2") };
    assert_eq!(
        folder.refused(&query),
        "e.tif: the file's name is not like LC08_L2SP_034032_20160707_20200906_02_T1_SR_B4.TIF (preset landsat-c2-l2)"
    );
    assert_eq!(find(&query).unwrap_err().setting(), Some("path"));
}

#[test]
fn where_nothing_matches_a_name_and_the_pattern_are_shown() {
    let folder = Folder::with(&["exe_2024-08-01_x.tif", "exe_2024-08-02_x.tif"]);
    let query = ScenesQuery { pattern: Some(r"exe_(?P<date>[\d-]{10})".into()), ..folder.query("") };
    assert_eq!(
        folder.refused(&query),
        r#"none of 2 files has a name like pattern "exe_(?P<date>[\d-]{10})"; found for example exe_2024-08-01_x.tif; a pattern must match the whole name: write .* where anything may stand"#
    );
}

#[test]
fn a_band_that_is_there_twice_is_refused_with_both_files() {
    let name = format!("{C2}_SR_B4.TIF");
    let folder = Folder::with(&[&format!("old/{name}"), &format!("new/{name}")]);
    assert_eq!(
        folder.refused(&folder.query("landsat-c2-l2")),
        format!(
            "band B4 of scene {C2} is found twice: new/{name} and old/{name}; narrow path or pattern so that one of them is left"
        )
    );
    let folder = Folder::with(&["a/x.tif", "b/x.tif"]);
    assert!(folder.refused(&folder.query("")).starts_with("scene x is found twice: a/x.tif and b/x.tif; "));
}

#[test]
fn of_a_band_at_several_resolutions_the_finest_is_taken() {
    let at = |band: &str, metres| format!("R{metres}m/T22HBD_20210122T133229_{band}_{metres}m.jp2");
    let names = [at("B02", 60), at("B02", 20), at("B02", 10), at("B05", 20), at("B05", 60), at("SCL", 20)];
    let folder = Folder::with(&names.each_ref().map(String::as_str));
    let scene = first(&folder.query("sentinel-2-l2a"));
    assert_eq!(files(&scene, &folder), [at("B02", 10), at("B05", 20), at("SCL", 20)]);
    assert_eq!(scene.notes, ["of files at several resolutions the finest are taken: B02 10 m, B05 20 m"]);
}

#[test]
fn the_processing_baseline_is_read_from_any_folder() {
    let folder = Folder::with(&["S2A_N0509_R1/T22HBD_20210122T133229_B02_10m.jp2"]);
    assert_eq!(first(&folder.query("sentinel-2-l2a")).baseline, Some(509));
    let folder = Folder::with(&["N12/T22HBD_20210122T133229_B02_10m.jp2"]);
    assert_eq!(first(&folder.query("sentinel-2-l2a")).baseline, None);
}

#[test]
fn a_pattern_with_a_slash_is_matched_on_folders_too() {
    let folder = Folder::with(&["20160707/B1.tif", "20160707/B2.tif", "20160708/B1.tif"]);
    let query =
        ScenesQuery { pattern: Some(r"(?P<date>\d{8})/(?P<band>B\d)\.tif".into()), ..folder.query("") };
    assert_eq!(ids(&query), ["20160707 2016-07-07", "20160708 2016-07-08"]);
}

#[test]
fn dates_may_be_written_by_format_or_in_parts() {
    let folder = Folder::with(&["x2016189.tif"]);
    let with = |pattern: &str, format: Option<&str>| {
        let (pattern, date_format) = (Some(pattern.into()), format.map(str::to_owned));
        ids(&ScenesQuery { pattern, date_format, ..folder.query("") })
    };
    assert_eq!(with(r"x(?P<date>\d{7})\.tif", Some("%Y%j")), ["x2016189 2016-07-07"]);
    assert_eq!(with(r"x(?P<year>\d{4})(?P<doy>\d{3})\.tif", None), ["x2016189 2016-07-07"]);
    let month = r"x(?P<year>\d{4})(?P<month>\d)(?P<day>\d)9\.tif";
    assert_eq!(with(month, None), ["x2016189 2016-01-08"]);
}

#[test]
fn a_malformed_date_is_refused_with_file_and_text() {
    let folder = Folder::with(&["x20161301.tif"]);
    let query = ScenesQuery { pattern: Some(r"x(?P<date>\d{8})\.tif".into()), ..folder.query("") };
    assert_eq!(
        folder.refused(&query),
        r#"x20161301.tif: "20161301" in its name is not a valid date; expected date-format %Y%m%d (date-from says where else to take dates from)"#
    );
    let _folder = folder.file("x20161301_MTL.txt", &mtl("2016-12-30"));
    let elsewhere = ScenesQuery { date_from: Some("mtl".into()), ..query };
    assert_eq!(ids(&elsewhere), ["x20161301 2016-12-30"]);
}

#[test]
fn files_of_one_scene_must_agree_about_the_date() {
    let folder = Folder::with(&["t_20160707_a.tif", "t_20160708_b.tif"]);
    let query = ScenesQuery {
        pattern: Some(r"(?P<id>t)_(?P<date>\d{8})_(?P<band>.)\.tif".into()),
        ..folder.query("")
    };
    assert!(
        folder
            .refused(&query)
            .starts_with("scene t: its files give different dates, 2016-07-07 and 2016-07-08; ")
    );
}

#[test]
fn a_wrong_pattern_is_refused_with_what_is_wrong() {
    let folder = Folder::with(&["a.tif"]);
    let wrong =
        |pattern: &str| folder.refused(&ScenesQuery { pattern: Some(pattern.into()), ..folder.query("") });
    assert_eq!(wrong("(?P<id>.*"), "pattern \"(?P<id>.*\": unclosed group");
    assert!(
        wrong(r"(?P<id>.*)(?P<bnad>x)")
            .contains("it has a group \"bnad\"; did you mean \"band\"? named groups: id, ")
    );
    assert!(
        wrong(r"(?P<year>\d{4})(?P<month>\d\d).*")
            .contains("its date is incomplete; expected year with doy, ")
    );
    assert!(
        wrong(r".*_(?P<band>B\d)\.tif")
            .contains("nothing in it tells scenes apart; expected a group id or date")
    );
    let format = ScenesQuery { date_format: Some("YYYY".into()), ..folder.query("") };
    assert!(
        folder
            .refused(&format)
            .starts_with("date-format \"YYYY\": its fields do not make a day; expected strptime")
    );
    assert_eq!(find(&format).unwrap_err().setting(), Some("date-format"));
}

#[test]
fn an_unknown_layout_is_refused_before_any_file_is_looked_for() {
    let folder = Folder::new();
    let query = ScenesQuery { layout: Some("landsat-c2-l98".into()), ..folder.query("") };
    assert!(
        folder
            .refused(&query)
            .starts_with("unknown layout \"landsat-c2-l98\"; did you mean \"landsat-c2-l89\"?")
    );
    assert!(
        folder.refused(&folder.query("")).starts_with("path \".\": a folder without files in DIR; expected ")
    );
}

fn mtl(date: &str) -> String {
    format!("GROUP = IMAGE_ATTRIBUTES\n  DATE_ACQUIRED = {date}\nEND_GROUP = IMAGE_ATTRIBUTES\nEND\n")
}

#[test]
fn a_date_that_no_name_gives_comes_from_the_mtl_file_of_the_scene() {
    let folder = Folder::with(&["a_B1.tif", "ab_B1.tif", "c_B1.tif"]);
    let folder = folder.file("a_MTL.txt", &mtl("2016-07-07")).file("ab_x_MTL.txt", &mtl("2016-07-08"));
    let query =
        ScenesQuery { pattern: Some(r"(?P<id>[abc]+)_(?P<band>B\d)\.tif".into()), ..folder.query("") };
    assert_eq!(ids(&query), ["a 2016-07-07", "ab 2016-07-08", "c no date"]);
}

#[test]
fn an_mtl_file_of_another_name_counts_only_where_one_scene_is() {
    let folder = Folder::with(&["one/a.tif", "two/b.tif", "two/c.tif"]);
    let folder = folder.file("one/x_MTL.txt", &mtl("2016-07-07")).file("two/x_MTL.txt", &mtl("2016-07-07"));
    assert_eq!(ids(&folder.query("")), ["a 2016-07-07", "b no date", "c no date"]);
}

#[test]
fn date_from_mtl_goes_before_the_name() {
    let folder =
        Folder::with(&[&format!("{C2}_SR_B4.TIF")]).file(&format!("{C2}_MTL.txt"), &mtl("2016-07-09"));
    assert_eq!(ids(&folder.query("landsat-c2-l2")), [format!("{C2} 2016-07-07")]);
    let query = ScenesQuery { date_from: Some("mtl".into()), ..folder.query("landsat-c2-l2") };
    assert_eq!(ids(&query), [format!("{C2} 2016-07-09")]);
    let folder = folder.file(&format!("{C2}_MTL.txt"), &mtl("yesterday"));
    let refused = folder.refused(&ScenesQuery { base: folder.path(""), ..query });
    let expected =
        format!("{C2}_MTL.txt: \"yesterday\" in DATE_ACQUIRED is not a valid date; expected 2016-07-07, ");
    assert!(refused.starts_with(&expected), "{refused}");
}

#[test]
fn the_acquisition_date_of_the_imagery_domain_comes_last() {
    let folder = Folder::new()
        .raster("a.tif", &plain().tagged("IMAGERY", "ACQUISITIONDATETIME", "2016-07-07 17:42:05"));
    assert_eq!(ids(&folder.query("")), ["a 2016-07-07"]);
    let by_name = ScenesQuery { date_from: Some("name".into()), ..folder.query("") };
    assert_eq!(ids(&by_name), ["a no date"]);
}

#[test]
fn an_mtl_file_that_is_asked_for_the_date_must_be_there_and_have_it() {
    let folder = Folder::with(&["a.tif"]);
    let query = query_of(&folder, "mtl");
    assert_eq!(folder.refused(&query), "scene a has no *_MTL.txt beside its files (date-from)");
    assert_eq!(find(&query).unwrap_err().setting(), Some("date-from"));
    let folder = folder.file("a_MTL.txt", "GROUP = IMAGE_ATTRIBUTES\nEND_GROUP = IMAGE_ATTRIBUTES\nEND\n");
    let expected = "scene a has no DATE_ACQUIRED (date-from) in a_MTL.txt";
    assert_eq!(folder.refused(&query_of(&folder, "mtl")), expected);
}

fn query_of(folder: &Folder, date_from: &str) -> ScenesQuery {
    ScenesQuery { date_from: Some(date_from.into()), ..folder.query("") }
}

#[test]
fn any_metadata_item_may_give_the_date() {
    let folder =
        Folder::new().raster("a.tif", &plain().tagged("", "TIFFTAG_DATETIME", "2016:07:07 17:42:05"));
    let from = |item: &str| ScenesQuery { date_from: Some(item.into()), ..folder.query("") };
    assert_eq!(ids(&from("TIFFTAG_DATETIME")), ["a 2016-07-07"]);
    assert_eq!(ids(&folder.query("")), ["a no date"]);
    let mistyped = "scene a has no TIFFTAG_DATETIM (date-from) in a.tif; did you mean \"TIFFTAG_DATETIME\"?";
    assert_eq!(folder.refused(&from("TIFFTAG_DATETIM")), mistyped);
    let folder = Folder::new().raster("a.tif", &plain().tagged("", "WHEN", "today"));
    let query = ScenesQuery { date_from: Some("WHEN".into()), ..folder.query("") };
    assert!(
        folder
            .refused(&query)
            .starts_with("a.tif: \"today\" in WHEN is not a valid date; expected 2016-07-07, ")
    );
}

fn explicit(folder: &Folder, preset: &str, files: ExplicitFiles) -> ExplicitScene {
    ExplicitScene { id: None, day: None, files, query: folder.query(preset) }
}

fn per_band(files: &[(&str, &str)]) -> ExplicitFiles {
    let per_band = files.iter().map(|(b, f)| ((*b).into(), (*f).into())).collect();
    ExplicitFiles { stack: None, per_band }
}

fn stack(path: &str) -> ExplicitFiles {
    ExplicitFiles { stack: Some(path.into()), per_band: Vec::new() }
}

#[test]
fn a_scene_may_be_said_outright() {
    let folder = Folder::with(&["a.tif", "b.tif", "x_20160707.tif"]);
    let systems = CrsRegistry::new();
    let day = compose_core::Day(17000);
    let files = per_band(&[("B2", "a.tif"), ("QA_PIXEL", "b.tif")]);
    let said =
        ExplicitScene { id: Some("july".into()), day: Some(day), ..explicit(&folder, "", files.clone()) };
    let scene = find_explicit(&said, &systems).unwrap();
    assert_eq!((scene.id.as_str(), scene.day, scene.files.len()), ("july", Some(day), 2));
    let unnamed = find_explicit(&explicit(&folder, "", files), &systems).unwrap_err();
    assert_eq!(unnamed.setting(), Some("id"));
    let mut stack = explicit(&folder, "", stack("x_20160707.tif"));
    assert_eq!(find_explicit(&stack, &systems).unwrap().id, "x_20160707");
    stack.query.pattern = Some(r"(?P<id>.+)_(?P<date>\d{8})\.tif".into());
    let named = find_explicit(&stack, &systems).unwrap();
    assert_eq!((named.id.as_str(), named.day.unwrap().to_string().as_str()), ("x", "2016-07-07"));
}

#[test]
fn a_file_of_an_outright_scene_must_be_there() {
    let folder = Folder::with(&["sub/a.tif"]);
    let wrong = |path: &str| {
        let scene = explicit(&folder, "", stack(path));
        folder.stable(&find_explicit(&scene, &CrsRegistry::new()).unwrap_err().to_string())
    };
    assert!(wrong("a.tif").starts_with("file \"a.tif\": nothing of this name in DIR; "));
    assert!(wrong("sub").starts_with("file \"sub\": a folder in DIR; "));
}

#[test]
fn an_outright_scene_under_a_preset_takes_its_sensor_from_id_or_file_name() {
    let folder = Folder::with(&["a.tif", &format!("{C2}_SR_B4.TIF")]);
    let systems = CrsRegistry::new();
    let by_id = ExplicitScene {
        id: Some("LE07 x LC0".into()),
        ..explicit(&folder, "landsat-c2-l2", per_band(&[("B4", "a.tif")]))
    };
    assert!(find_explicit(&by_id, &systems).unwrap().sensor.is_none());
    let by_id = ExplicitScene { id: Some("LE07_july".into()), ..by_id };
    assert_eq!(find_explicit(&by_id, &systems).unwrap().sensor.unwrap().name, "ETM+");
    let by_file = explicit(&folder, "landsat-c2-l2", per_band(&[("B4", &format!("{C2}_SR_B4.TIF"))]));
    let found = find_explicit(&by_file, &systems).unwrap();
    assert_eq!((found.id.as_str(), found.sensor.unwrap().name), (C2, "OLI"));
}

#[test]
fn a_name_that_means_two_things_by_sensor_is_refused_and_colours_are_shared() {
    let l7 = C2.replace("LC08", "LE07");
    let names = |id: &str| ["SR_B1", "SR_B4", "SR_B5", "QA_PIXEL"].map(|b| format!("{id}_{b}.TIF"));
    let all: Vec<String> = names(C2).into_iter().chain(names(&l7)).collect();
    let folder = Folder::with(&all.iter().map(String::as_str).collect::<Vec<_>>());
    let query = folder.query("landsat-c2-l2");
    let found = find(&query).unwrap();
    let scenes: Vec<&FoundScene> = found.scenes.iter().collect();
    let asked = |bands: BandsWanted, scenes: &[&FoundScene]| {
        wanted_names(scenes[0], scenes, &ScenesQuery { bands, ..query.clone() }).map_err(|e| e.to_string())
    };
    let list = |names: &[&str]| BandsWanted::List(names.iter().map(|&n| n.into()).collect());
    let shared = asked(BandsWanted::Default, &scenes).unwrap().unwrap();
    assert_eq!(shared, ["red", "nir"], "L8 has coastal, red and nir here, and L7 has no coastal");
    assert_eq!(asked(BandsWanted::Default, &scenes[..1]), Ok(None));
    assert_eq!(
        asked(list(&["red", "B4"]), &scenes).unwrap_err(),
        format!("bands: \"B4\" is red in {C2} and nir in {l7}; say which is meant by its common name")
    );
    assert_eq!(asked(list(&["B4"]), &scenes[1..]), Ok(Some(vec!["B4".into()])));
    let table = BandsWanted::Table(vec![("B4".into(), BandChoice::Number(1))]);
    assert_eq!(asked(table, &scenes), Ok(Some(vec!["B4".into()])));
}

#[test]
fn real_landsat_folders_are_found_if_they_are_there() {
    let query = |base: &Path, preset| ScenesQuery {
        base: base.into(),
        preset: Some(crate::preset::find(preset).unwrap()),
        paths: vec![".".into()],
        ..ScenesQuery::default()
    };
    if let Some(folder) = shared("l8ny18_bqa") {
        let scenes = ids(&query(&folder, "landsat-c1-l1"));
        assert_eq!((scenes.len(), scenes[0].as_str()), (19, "LC08_L1TP_014031_20180106 2018-01-06"));
    }
    if let Some(folder) = shared("tahiti_l8_bqa") {
        let scenes = ids(&query(&folder, "landsat-pre-collection"));
        assert_eq!(scenes, ["LC80530722013137LGN01 2013-05-17", "LC80530722013233LGN00 2013-08-21"]);
    }
    if let Some(folder) = shared("xlandsat_brumadinho") {
        let query = query(&folder, "landsat-c2-l2");
        let by_mtl = ScenesQuery { date_from: Some("mtl".into()), ..query.clone() };
        let expected = ["20190114", "20190130"]
            .map(|d| format!("LC08_L2SP_218074_{d}_20200829_02_T1 {}-{}-{}", &d[..4], &d[4..6], &d[6..]));
        assert_eq!((ids(&query), ids(&by_mtl)), (expected.to_vec(), expected.to_vec()));
    }
}
