//! The program as one types it: options, exit codes, what it says, and which files it leaves.

mod area;
mod beside;
mod commands;
mod effort;
mod files;
mod grid;
pub mod implausible;
mod inputs;
mod library;
mod masked;
mod mosaic;
mod place;
mod run;
#[cfg(unix)]
mod scarce;
mod sets;
mod stac;
mod stac_out;
mod texts;
mod trouble;

use crate::support::{Pair, listing, read, sidecar, stderr, stdout, structure};
use gdal::Metadata;

#[test]
fn a_gap_is_filled_from_the_other_date_and_what_nobody_sees_stays_open() {
    let pair = Pair::new();
    let result = pair.result(&[]);
    assert_eq!(result, [100, 201, 102, 103, 104, 105, 0, 107, 108, 109, 110, 111]);
    assert_eq!(listing(pair.folder.path()).iter().filter(|n| n.starts_with("out")).count(), 3);
}

#[test]
fn per_band_validity_makes_provenance_per_band() {
    let pair = Pair::new();
    pair.change("[scenes]\n", "[scenes]\nvalidity = \"per-band\"\n");
    for scene in ["a", "b"] {
        let missing = if scene == "a" { 3 } else { 99 };
        pair.raster(
            &format!("{scene}_b2.tif"),
            (0..12).map(|i| if i == missing { 0 } else { 50 + i }).collect(),
        );
        pair.change(
            &format!("B1 = \"{scene}_b1.tif\""),
            &format!("B1 = \"{scene}_b1.tif\", B2 = \"{scene}_b2.tif\""),
        );
    }
    pair.result(&[]);
    let dataset = gdal::Dataset::open(pair.path("out_provenance.tif")).unwrap();
    let names: Vec<String> = dataset.rasterbands().map(|b| b.unwrap().description().unwrap()).collect();
    assert_eq!(names, ["source B1", "stage B1", "age B1", "source B2", "stage B2", "age B2"]);
    let planes = read::<u16>(&pair.path("out_provenance.tif"));
    assert_eq!((planes[0][3], planes[3][3]), (0, 1), "only the band that misses its pixel is filled");
}

#[test]
fn numbers_of_other_radiometry_are_converted_to_the_targets() {
    let pair = Pair::new();
    pair.change("date = 2020-06-01\n", "date = 2020-06-01\nscale = 0.5\noffset = 0.0\n");
    pair.change("date = 2020-06-17\n", "date = 2020-06-17\nscale = 1.0\noffset = -10.0\n");
    // 201 × 1 − 10 = 191 = 382 × 0.5
    assert_eq!(pair.result(&[])[1], 382);
    let said = sidecar(&pair.path("out.tif"))["scenes"][1]["radiometry"].to_string();
    assert!(said.contains("converted to the numbers of a"), "{said}");
}

#[test]
fn compression_type_and_nodata_can_be_chosen() {
    let pair = Pair::new();
    pair.change("path = \"out.tif\"", "path = \"out.tif\"\ncompress = \"zstd\"\nlevel = 1");
    let output = pair.compose(&["--dtype", "int32", "--nodata", "-1", "--co", "TILED=NO"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(read::<i32>(&pair.path("out.tif"))[0][6], -1);
    assert_eq!(structure(&pair.path("out.tif"), "COMPRESSION").as_deref(), Some("ZSTD"));
}

#[test]
fn every_pixel_is_composed_where_there_is_no_target() {
    let pair = Pair::new();
    pair.change("[target]\nscene = \"a\"\n", "");
    pair.change("strategy = \"nearest-date\"", "strategy = \"mean-stack\"");
    assert_eq!(pair.result(&[])[..4], [150, 201, 152, 153]);
}

#[test]
fn a_pixel_is_explained() {
    let pair = Pair::new();
    let said = stdout(&pair.compose(&["--explain", "405045 4499985"]));
    assert!(said.contains("a: 101 (taken by \"cloud\")"), "{said}");
    assert!(said.contains("→ B1: 201 (from b by fill 1, nearest-date)"), "{said}");
}
