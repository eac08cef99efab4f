//! What the files hold: types, tags, compression, overviews, pictures, the report.

use crate::support::{Pair, Raster, change, listing, read, sidecar, stderr, structure, tag};
use gdal::raster::GdalDataType;
use gdal::{Dataset, Metadata};
use std::path::Path;

fn ok(pair: &Pair, more: &[&str]) {
    let output = pair.compose(more);
    assert!(output.status.success(), "{more:?}: {}", stderr(&output));
}

fn data_type(path: &Path) -> GdalDataType {
    Dataset::open(path).unwrap().rasterband(1).unwrap().band_type()
}

fn nodata(path: &Path) -> Option<f64> {
    Dataset::open(path).unwrap().rasterband(1).unwrap().no_data_value()
}

#[test]
fn the_image_has_the_targets_type_nodata_scale_and_band_names() {
    let pair = Pair::new();
    for name in ["a_b1.tif", "b_b1.tif"] {
        change(&pair.path(name), |dataset| {
            let mut band = dataset.rasterband(1).unwrap();
            band.set_scale(2.75e-5).unwrap();
            band.set_offset(-0.2).unwrap();
        });
    }
    ok(&pair, &[]);
    let image = pair.path("out.tif");
    let dataset = Dataset::open(&image).unwrap();
    let band = dataset.rasterband(1).unwrap();
    assert_eq!((band.band_type(), band.no_data_value()), (GdalDataType::UInt16, Some(0.0)));
    assert_eq!((band.scale(), band.offset()), (Some(2.75e-5), Some(-0.2)));
    assert_eq!(band.description().unwrap(), "B1");
    assert_eq!(dataset.geo_transform().unwrap(), [405_000.0, 30.0, 0.0, 4_500_000.0, 0.0, -30.0]);
    assert_eq!(dataset.spatial_ref().unwrap().auth_code().unwrap(), 32613);
    assert_eq!(tag(&image, "COMPOSE_TARGET").as_deref(), Some("a"));
    assert_eq!(tag(&image, "COMPOSE_TARGET_DATE").as_deref(), Some("2020-06-01"));
    assert_eq!(tag(&image, "COMPOSE_SCENES").as_deref(), Some("0 2020-06-01 a; 1 2020-06-17 b"));
    assert_eq!(tag(&image, "COMPOSE_FILLS").as_deref(), Some("1 nearest-date"));
    assert_eq!(tag(&image, "COMPOSE_VERSION").as_deref(), Some(env!("CARGO_PKG_VERSION")));
    // Only the image and what was announced: no auxiliary files.
    let files = ["out.json", "out.tif", "out_provenance.tif"];
    let written: Vec<String> =
        listing(pair.folder.path()).into_iter().filter(|n| n.contains("out")).collect();
    assert_eq!(written, files);
}

#[test]
fn the_image_carries_names_nodata_dates_and_scene_ids() {
    let pair = Pair::new();
    pair.change("[scenes]\n", "[scenes]\nscale = 0.5\noffset = -1.0\n");
    pair.result(&[]);
    let dataset = gdal::Dataset::open(pair.path("out.tif")).unwrap();
    let band = dataset.rasterband(1).unwrap();
    assert_eq!((band.description().unwrap().as_str(), band.no_data_value()), ("B1", Some(0.0)));
    assert_eq!((band.scale(), band.offset()), (Some(0.5), Some(-1.0)));
    assert_eq!(tag(&pair.path("out.tif"), "COMPOSE_SCENES").unwrap(), "0 2020-06-01 a; 1 2020-06-17 b");
    assert_eq!(tag(&pair.path("out.tif"), "COMPOSE_TARGET_DATE").unwrap(), "2020-06-01");
}

#[test]
fn the_provenance_file_names_its_bands_and_codes() {
    let pair = Pair::new();
    pair.append("count = true\n");
    ok(&pair, &[]);
    let path = pair.path("out_provenance.tif");
    let dataset = Dataset::open(&path).unwrap();
    let names: Vec<String> = dataset.rasterbands().map(|b| b.unwrap().description().unwrap()).collect();
    assert_eq!(names, ["source", "stage", "age", "count"]);
    assert!(dataset.rasterbands().all(|b| b.unwrap().no_data_value() == Some(65535.0)));
    assert!(tag(&path, "COMPOSE_CODES").unwrap().contains("65535"));
    let planes = read::<u16>(&path);
    // Pixel 1 is b's, pixel 6 nobody's, pixel 7 a's own and masked in b.
    let of = |at: usize| [planes[0][at], planes[1][at], planes[2][at], planes[3][at]];
    assert_eq!([of(0), of(1)], [[0, 0, 0, 2], [1, 1, 16, 1]]);
    assert_eq!([of(6), of(7)], [[65535, 65535, 65535, 0], [0, 0, 0, 1]]);
}

#[test]
fn the_record_of_sources_and_the_report_can_be_switched_off_or_go_elsewhere() {
    let outputs = |pair: &Pair| -> Vec<String> {
        listing(pair.folder.path()).into_iter().filter(|n| !n.starts_with(['a', 'b', 'r'])).collect()
    };
    let pair = Pair::new();
    ok(&pair, &["--no-provenance"]);
    assert_eq!(outputs(&pair), ["out.json", "out.tif"]);
    let pair = Pair::new();
    pair.append("provenance = false\nsidecar = false\n");
    ok(&pair, &[]);
    assert_eq!(outputs(&pair), ["out.tif"]);
    let pair = Pair::new();
    pair.append("sidecar = false\n");
    ok(&pair, &["--no-provenance"]);
    assert_eq!(outputs(&pair), ["out.tif"]);
    let pair = Pair::new();
    pair.append("provenance = \"where.tif\"\nsidecar = \"what.json\"\n");
    ok(&pair, &[]);
    assert_eq!(outputs(&pair), ["out.tif", "what.json", "where.tif"]);
}

#[test]
fn the_report_holds_rules_scenes_versions_and_shares() {
    let pair = Pair::new();
    pair.change("[target]", "[[scene]]\nid = \"c\"\ndate = 2019-01-01\nfiles = { B1 = \"b_b1.tif\", QA = \"b_qa.tif\" }\n\n[target]");
    pair.change("layout = \"landsat-c2-l89\"", "layout = \"landsat-c2-l89\"\nfrom = 2020-01-01");
    Raster {
        width: 4,
        bands: vec![(200..212_u16).collect()],
        shift: (-1.0, 0.0),
        nodata: Some(0.0),
        options: &[],
    }
    .write(&pair.path("b_b1.tif"));
    ok(&pair, &[]);
    let report = sidecar(&pair.path("out.tif"));
    assert_eq!(report["compose"], env!("CARGO_PKG_VERSION"));
    assert!(report["gdal"].as_str().unwrap().starts_with("3."), "{}", report["gdal"]);
    assert_eq!(report["rules"]["tables"]["mask"][0]["any"][0], "cloud");
    assert_eq!(report["rules"]["tables"]["scene"][0]["date"], "2020-06-01");
    let scene = |id: &str| {
        let scenes = report["scenes"].as_array().unwrap();
        scenes.iter().find(|s| s["id"] == id).unwrap_or_else(|| panic!("{id}: {scenes:?}")).clone()
    };
    assert_eq!(
        (&scene("a")["fate"], &scene("b")["fate"], &scene("c")["fate"]),
        (&"target".into(), &"donor".into(), &"skipped".into())
    );
    assert_eq!(scene("c")["reason"], "2019-01-01 is before from = 2020-01-01");
    assert_eq!(scene("a")["alignment"][0], "paste: same grid");
    assert_eq!(scene("b")["alignment"][0], "paste: whole-pixel shift (1, 0)");
    assert!(scene("b")["files"][0].as_str().unwrap().ends_with("b_b1.tif"));
    let result = &report["result"];
    assert_eq!((&result["pixels"], &result["masked"], &result["left"]), (&12.into(), &2.into(), &1.into()));
    let shares: f64 =
        result["stages"].as_array().unwrap().iter().map(|s| s["percent"].as_f64().unwrap()).sum();
    assert!((shares + result["left-percent"].as_f64().unwrap() - 100.0).abs() < 1e-9);
    assert_eq!(result["stages"][1]["scenes"][0]["id"], "b");
}

#[test]
fn every_compression_keeps_the_pixels_and_says_its_name() {
    let plain = Pair::new().result(&[]);
    for (compress, name) in
        [("deflate", Some("DEFLATE")), ("zstd", Some("ZSTD")), ("lzw", Some("LZW")), ("none", None)]
    {
        for format in ["gtiff", "cog"] {
            let pair = Pair::new();
            pair.append(&format!("compress = \"{compress}\"\nformat = \"{format}\"\n"));
            assert_eq!(pair.result(&[]), plain, "{compress} {format}");
            let image = pair.path("out.tif");
            assert_eq!(structure(&image, "COMPRESSION").as_deref(), name, "{compress} {format}");
            let is_cog = structure(&image, "LAYOUT").as_deref() == Some("COG");
            assert_eq!(is_cog, format == "cog", "{compress} {format}");
        }
    }
}

/// Two scenes of 1200 × 1100 pixels: enough for overviews.
fn large() -> Pair {
    let pair = Pair::new();
    let (width, pixels) = (1200, 1200 * 1100);
    let write = |name: &str, values: Vec<u16>, nodata| {
        Raster { width, bands: vec![values], shift: (0.0, 0.0), nodata, options: &["COMPRESS=LZW"] }
            .write(&pair.path(name));
    };
    let cloudy = |every: usize| {
        let code = |i: usize| {
            if (i % 1200 / 7 + i / 1200 / 5).is_multiple_of(every) { crate::support::CLOUD } else { 21824 }
        };
        (0..pixels).map(code).collect::<Vec<u16>>()
    };
    write("a_b1.tif", (0..pixels).map(|i| 1000 + (i % 977) as u16).collect(), Some(0.0));
    write("b_b1.tif", (0..pixels).map(|i| 5000 + (i % 991) as u16).collect(), Some(0.0));
    write("a_qa.tif", cloudy(3), None);
    write("b_qa.tif", cloudy(4), None);
    pair
}

#[test]
fn a_cog_has_its_layout_and_overviews_and_the_record_of_sources_the_nearest_code() {
    let pair = large();
    let plain = pair.result(&[]);
    assert_eq!(pair.result(&["--overwrite", "--format", "cog"]), plain);
    for name in ["out.tif", "out_provenance.tif"] {
        let path = pair.path(name);
        assert_eq!(structure(&path, "LAYOUT").as_deref(), Some("COG"), "{name}");
        let dataset = Dataset::open(&path).unwrap();
        let band = dataset.rasterband(1).unwrap();
        assert!(band.overview_count().unwrap() >= 1, "{name} has no overview");
        let overview = band.overview(0).unwrap();
        assert_eq!(overview.size(), (600, 550), "{name}");
        if name == "out_provenance.tif" {
            let full = band.read_band_as::<u16>().unwrap();
            let half = overview.read_band_as::<u16>().unwrap();
            for (at, code) in half.data().iter().enumerate() {
                let (col, row) = (2 * (at % 600), 2 * (at / 600));
                let among = [0, 1, 1200, 1201].map(|k| full.data()[row * 1200 + col + k]);
                assert!(among.contains(code), "{code} at {col}, {row} is none of {among:?}");
            }
        }
    }
}

#[test]
fn creation_options_win_and_unknown_ones_are_refused_by_name() {
    let pair = large();
    let options = ["--co", "BLOCKXSIZE=64", "--co", "blockysize=32", "--co", "COMPRESS=LZW"];
    ok(&pair, &options);
    let image = pair.path("out.tif");
    assert_eq!(Dataset::open(&image).unwrap().rasterband(1).unwrap().block_size(), (64, 32));
    assert_eq!(structure(&image, "COMPRESSION").as_deref(), Some("LZW"));
    let pair = Pair::new();
    for (option, said) in [
        ("COMPRES=LZW", "COMPRES"),
        ("COMPRESS=SHRINK", "SHRINK"),
        ("NBITS=12", "NBITS"),
        ("BLOCKXSIZE=many", "many"),
        ("nonsense", "NAME=VALUE"),
    ] {
        let text = pair.refused(&["--co", option]);
        assert!(text.contains(said), "{option}: {text}");
    }
}

/// What GDAL cannot write is refused with the plan, in words that name the option.
#[test]
fn a_tile_width_that_tiff_cannot_have_is_refused_by_name() {
    let pair = Pair::new();
    for more in [
        &["--co", "BLOCKXSIZE=17"][..],
        &["--co", "BLOCKXSIZE=17", "--plan"],
        &["--co", "BLOCKXSIZE=17", "--explain", "405045 4499985"],
    ] {
        let said = pair.refused(more);
        let expected = "creation option BLOCKXSIZE=17; expected a multiple of 16 from 16 to 4096\n";
        assert_eq!(said, format!("error: out.tif: {expected}"), "{more:?}");
    }
    for side in ["0", "17"] {
        let said = pair.refused(&["--format", "cog", "--co", &format!("BLOCKSIZE={side}")]);
        assert!(said.contains(&format!("BLOCKSIZE={side}; expected a multiple of 16")), "{said}");
    }
}

#[test]
fn another_sample_type_and_nodata_can_be_asked_for() {
    let pair = Pair::new();
    let image = pair.path("out.tif");
    for (dtype, expected) in [
        ("float32", GdalDataType::Float32),
        ("FLOAT64", GdalDataType::Float64),
        ("int32", GdalDataType::Int32),
        ("int16", GdalDataType::Int16),
        ("uint8", GdalDataType::UInt8),
    ] {
        ok(&pair, &["--dtype", dtype, "--overwrite"]);
        assert_eq!((data_type(&image), nodata(&image)), (expected, Some(0.0)), "{dtype}");
        let values = read::<f64>(&image).swap_remove(0);
        assert_eq!(values[..7], [100.0, 201.0, 102.0, 103.0, 104.0, 105.0, 0.0], "{dtype}");
    }
    ok(&pair, &["--nodata", "65535", "--overwrite"]);
    assert_eq!((nodata(&image), read::<u16>(&image)[0][6]), (Some(65535.0), 65535));
    ok(&pair, &["--nodata", "-9999", "-t", "int16", "--overwrite"]);
    assert_eq!((nodata(&image), read::<i16>(&image)[0][6]), (Some(-9999.0), -9999));
    ok(&pair, &["--nodata", "nan", "--ot", "float32", "--overwrite"]);
    assert!(nodata(&image).unwrap().is_nan() && read::<f32>(&image)[0][6].is_nan());
    for (more, said) in [
        (&["--nodata", "nan"][..], "NaN"),
        (&["--nodata", "-1"], "-1"),
        (&["--nodata", "0.5"], "0.5"),
        (&["--dtype", "uint8", "--nodata", "300"], "300"),
        (&["--dtype", "int64"], "int64"),
        (&["--dtype", "float16"], "float16"),
    ] {
        let text = pair.refused(&[more, &["--overwrite"]].concat());
        assert!(text.to_lowercase().contains(&said.to_lowercase()), "{more:?}: {text}");
    }
}

#[test]
fn an_observed_value_that_the_type_cannot_hold_is_refused() {
    let pair = Pair::new();
    pair.raster("a_b1.tif", (0..12).map(|i| 250 + i).collect());
    // Scene b's 201 would fit; a's own 256 does not, and 255 would read as nodata.
    let text = pair.refused(&["--dtype", "uint8", "--nodata", "255"]);
    assert!(text.contains("scene a") && text.contains("25"), "{text}");
    let halves = (0..12_u8).map(|i| f32::from(i) + 0.5).collect::<Vec<f32>>();
    for name in ["a_b1.tif", "b_b1.tif"] {
        Raster { width: 4, bands: vec![halves.clone()], shift: (0.0, 0.0), nodata: None, options: &[] }
            .write(&pair.path(name));
    }
    let text = pair.refused(&["--dtype", "int16", "--nodata", "-1"]);
    assert!(text.contains("0.5"), "{text}");
}

#[test]
fn computed_values_are_rounded_and_clamped_to_the_type() {
    let pair = Pair::new();
    for (name, values) in [("a_b1.tif", [0.0, 1.0, -7.0, 250.0]), ("b_b1.tif", [1.0, 2.0, -8.0, 400.0])] {
        let values: Vec<f32> = values.iter().copied().cycle().take(12).collect();
        Raster { width: 4, bands: vec![values], shift: (0.0, 0.0), nodata: None, options: &[] }
            .write(&pair.path(name));
    }
    for name in ["a_qa.tif", "b_qa.tif"] {
        pair.raster(name, vec![crate::support::CLEAR; 12]);
    }
    pair.change("[target]\nscene = \"a\"\n", "");
    pair.change("nearest-date", "mean-stack");
    ok(&pair, &["--dtype", "uint8", "--nodata", "1"]);
    // 0.5 is 1, which is nodata, so 2; 1.5 is 2; -7.5 is clamped to 0 and 325 to 255.
    assert_eq!(read::<u8>(&pair.path("out.tif"))[0][..4], [2, 2, 0, 255]);
    ok(&pair, &["--dtype", "int16", "--nodata", "-8", "--overwrite"]);
    assert_eq!(read::<i16>(&pair.path("out.tif"))[0][..4], [1, 2, -7, 325]);
}

#[test]
fn quicklooks_are_pictures_of_the_scenes_size() {
    let pair = large();
    ok(&pair, &["--quicklook"]);
    for picture in ["before", "mask", "after", "sources"] {
        let path = pair.path(&format!("out_{picture}.png"));
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes[..8], *b"\x89PNG\r\n\x1a\n", "{picture}");
        let dataset = Dataset::open(&path).unwrap();
        assert_eq!(dataset.driver().short_name(), "PNG");
        // Every second pixel: no side is longer than 1024.
        assert_eq!(dataset.raster_size(), (600, 550), "{picture}");
        let bands: Vec<Vec<u8>> =
            dataset.rasterbands().map(|b| b.unwrap().read_band_as::<u8>().unwrap().data().to_vec()).collect();
        assert!(bands.iter().any(|b| b.iter().any(|v| *v != b[0])), "{picture} is one flat colour");
    }
    assert!(!listing(pair.folder.path()).iter().any(|n| n.ends_with(".aux.xml")));
}

#[test]
fn without_a_target_there_is_no_picture_of_before() {
    let pair = Pair::new();
    pair.change("[target]\nscene = \"a\"\n", "[target]\ndate = 2020-06-02\n");
    ok(&pair, &["--quicklook"]);
    let pictures: Vec<String> =
        listing(pair.folder.path()).into_iter().filter(|n| n.ends_with(".png")).collect();
    assert_eq!(pictures, ["out_after.png", "out_sources.png"]);
    assert_eq!(tag(&pair.path("out.tif"), "COMPOSE_TARGET"), None);
    assert_eq!(tag(&pair.path("out.tif"), "COMPOSE_TARGET_DATE").as_deref(), Some("2020-06-02"));
}

#[test]
fn overwrite_replaces_every_file_and_what_gdal_would_read_with_them() {
    let pair = Pair::new();
    ok(&pair, &["--quicklook"]);
    std::fs::write(pair.path("out.tif.ovr"), "stale").unwrap();
    let text = pair.refused(&["--quicklook"]);
    assert!(text.contains("--overwrite"), "{text}");
    for name in ["out.json", "out_before.png", "out_provenance.tif"] {
        std::fs::write(pair.path(name), "old").unwrap();
    }
    ok(&pair, &["--quicklook", "--overwrite"]);
    assert!(!pair.path("out.tif.ovr").exists());
    for name in ["out.json", "out_before.png", "out_provenance.tif"] {
        assert_ne!(std::fs::read(pair.path(name)).unwrap(), b"old", "{name}");
    }
}

#[test]
fn each_of_the_files_of_a_run_is_refused_where_it_exists() {
    for name in
        ["out.tif", "out_provenance.tif", "out.json", "out_before.png", "out_mask.png", "out_sources.png"]
    {
        let pair = Pair::new();
        std::fs::write(pair.path(name), "mine").unwrap();
        let text = pair.refused(&["--quicklook"]);
        assert!(text.contains(name), "{name}: {text}");
        assert_eq!(std::fs::read(pair.path(name)).unwrap(), b"mine");
    }
}

/// A statistics tag of the input would be wrong for the output.
#[test]
fn statistics_of_the_source_scenes_do_not_come_along() {
    let pair = Pair::new();
    change(&pair.path("a_b1.tif"), |dataset| {
        let mut band = dataset.rasterband(1).unwrap();
        band.set_metadata_item("STATISTICS_MEAN", "105.5", "").unwrap();
    });
    ok(&pair, &[]);
    let mean = |name: &str| {
        let dataset = Dataset::open(pair.path(name)).unwrap();
        dataset.rasterband(1).unwrap().metadata_item("STATISTICS_MEAN", "")
    };
    assert_eq!((mean("a_b1.tif").as_deref(), mean("out.tif")), (Some("105.5"), None));
}
