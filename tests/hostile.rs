//! Odd and broken rasters: each composed with itself, or refused by name. No panic, no hang, nothing left behind.

use crate::support::{Raster, compose, listing, read, shared, stderr};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Two scenes of one file, the first repaired from the second.
fn rules(file: &Path) -> String {
    let scene = |id: &str, date: &str| {
        format!("[[scene]]\nid = \"{id}\"\ndate = {date}\nfile = '{}'\n", file.display())
    };
    format!(
        "[scenes]\nprecision = \"f32\"\n{}{}[target]\nscene = \"a\"\n[[fill]]\nstrategy = \"nearest-date\"\n\
         [output]\npath = \"out.tif\"\n",
        scene("a", "2020-01-01"),
        scene("b", "2020-01-09")
    )
}

/// Composes a file with itself within 4 GB of address space and a minute; gives the output and its folder.
fn with_itself(file: &Path) -> (Output, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rules.toml"), rules(file)).unwrap();
    let script = "ulimit -v 4194304; cd \"$1\" && exec timeout 60 \"$2\" --rules rules.toml -q -j 2";
    let program = env!("CARGO_BIN_EXE_compose");
    let output =
        Command::new("sh").args(["-c", script, "sh"]).arg(folder.path()).arg(program).output().unwrap();
    (output, folder)
}

/// Exit status 0 with an image, or 2 with one clear message and nothing left behind.
fn assert_composed_or_refused(file: &Path) -> Option<tempfile::TempDir> {
    let (output, folder) = with_itself(file);
    let said = stderr(&output);
    assert!(!said.contains("panicked"), "{}: {said}", file.display());
    if output.status.code() == Some(0) {
        assert!(folder.path().join("out.tif").exists(), "{}", file.display());
        return Some(folder);
    }
    assert_eq!(output.status.code(), Some(2), "{}: {said}", file.display());
    assert!(said.starts_with("error: ") && said.trim().lines().count() == 1, "{}: {said}", file.display());
    assert_eq!(listing(folder.path()), ["rules.toml"], "{}: something was left behind", file.display());
    None
}

/// A line of the manifest: the file, and whether GDAL could read it.
fn manifest(folder: &Path) -> Vec<(PathBuf, bool)> {
    let text = std::fs::read_to_string(folder.join("MANIFEST.csv")).unwrap();
    let line = |line: &str| {
        // Names with commas are quoted; what follows the name and the size is the verdict.
        let (name, rest) = match line.strip_prefix('"') {
            Some(quoted) => quoted.split_once("\",").unwrap(),
            None => line.split_once(',').unwrap(),
        };
        (folder.join(name), rest.split(',').nth(1) == Some("ok"))
    };
    text.lines().skip(1).map(line).collect()
}

#[test]
fn every_hostile_file_is_composed_with_itself_or_refused_by_name() {
    let Some(folder) = shared("hostile") else { return };
    let files = manifest(&folder);
    assert!(files.len() >= 300, "{} files in the manifest", files.len());
    let (mut composed, mut readable) = (0, 0);
    for (file, reads) in &files {
        readable += usize::from(*reads);
        if let Some(result) = assert_composed_or_refused(file) {
            composed += 1;
            if *reads {
                assert_first_band_is_the_inputs(file, &result.path().join("out.tif"));
            }
        }
    }
    eprintln!("hostile: {composed} of {} composed with themselves, {readable} readable", files.len());
    assert!(composed * 10 >= readable * 8, "only {composed} of {readable} readable files were composed");
}

/// The first band came through unchanged wherever the output has data.
fn assert_first_band_is_the_inputs(input: &Path, output: &Path) {
    let (a, b) = (read::<f64>(input), read::<f64>(output));
    let nodata = gdal::Dataset::open(output).unwrap().rasterband(1).unwrap().no_data_value();
    let differs = |(a, b): (&f64, &f64)| {
        let gap = b.is_nan() || Some(*b) == nodata;
        // Samples pass through single precision where the rules allow it.
        !gap && *a as f32 != *b as f32
    };
    let count = a[0].iter().zip(&b[0]).filter(|(a, b)| differs((a, b))).count();
    assert_eq!(count, 0, "{}: samples differ", input.display());
}

#[test]
fn a_header_that_claims_a_huge_raster_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("huge.vrt");
    let band = "<VRTRasterBand dataType=\"Byte\" band=\"1\"/>";
    std::fs::write(
        &path,
        format!("<VRTDataset rasterXSize=\"2000000000\" rasterYSize=\"3\">{band}</VRTDataset>"),
    )
    .unwrap();
    let (output, _keep) = with_itself(&path);
    let said = stderr(&output);
    assert!(said.contains("huge.vrt: claims 2000000000×3 pixels"), "{said}");
}

fn vrt(folder: &Path, georeference: &str) -> PathBuf {
    let path = folder.join("odd.vrt");
    let band = "<VRTRasterBand dataType=\"Byte\" band=\"1\"/>";
    let text = format!("<VRTDataset rasterXSize=\"4\" rasterYSize=\"3\">{georeference}{band}</VRTDataset>");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn rotated_grids_and_lone_control_points_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let gcp = |x: u32| format!("<GCP Pixel=\"{x}\" Line=\"{x}\" X=\"{x}\" Y=\"{x}\"/>");
    let gcps = format!("<GCPList Projection=\"EPSG:4326\">{}{}{}</GCPList>", gcp(0), gcp(1), gcp(2));
    for (georeference, word) in [
        ("<GeoTransform>0, 30, 5, 0, 5, -30</GeoTransform>", "rotated"),
        (gcps.as_str(), "ground control points"),
        ("<GeoTransform>0, 0, 0, 0, 0, -30</GeoTransform>", "pixel size"),
    ] {
        let (output, _keep) = with_itself(&vrt(folder.path(), georeference));
        let said = stderr(&output);
        assert!(said.contains("odd.vrt") && said.contains(word), "{georeference}: {said}");
    }
}

#[test]
fn files_without_any_georeference_are_composed_pixel_by_pixel() {
    let folder = tempfile::tempdir().unwrap();
    let (output, result) = with_itself(&vrt(folder.path(), ""));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(read::<u8>(&result.path().join("out.tif")), [vec![0; 12]]);
}

#[test]
fn a_single_pixel_is_composed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("one.tif");
    Raster { width: 1, bands: vec![vec![7_u16]], shift: (0.0, 0.0), nodata: Some(0.0), options: &[] }
        .write(&path);
    let result = assert_composed_or_refused(&path).expect("it is composed");
    assert_eq!(read::<u16>(&result.path().join("out.tif")), [[7]]);
}

#[test]
fn neither_nan_nor_infinity_is_a_measurement() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("odd.tif");
    let pixels = vec![1.5_f32, f32::NAN, f32::INFINITY, -2.0];
    Raster { width: 2, bands: vec![pixels], shift: (0.0, 0.0), nodata: None, options: &[] }.write(&path);
    let result = assert_composed_or_refused(&path).expect("it is composed");
    let band = read::<f32>(&result.path().join("out.tif")).swap_remove(0);
    assert_eq!((band[0], band[3]), (1.5, -2.0));
    assert!(band[1].is_nan() && band[2].is_nan());
}

#[test]
fn numbers_that_single_precision_cannot_hold_are_refused_unless_allowed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wide.tif");
    let pixels = vec![16_777_217_i32, 5];
    Raster { width: 2, bands: vec![pixels], shift: (0.0, 0.0), nodata: Some(0.0), options: &[] }.write(&path);
    assert!(assert_composed_or_refused(&path).is_some());
    let strict = rules(&path).replace("precision = \"f32\"\n", "");
    std::fs::write(folder.path().join("rules.toml"), strict).unwrap();
    let output = compose().current_dir(folder.path()).args(["--rules", "rules.toml"]).output().unwrap();
    let said = stderr(&output);
    assert!(said.contains("wide.tif") && said.contains("int32") && said.contains("precision"), "{said}");
}

#[test]
fn an_alpha_band_and_a_mask_decide_validity_and_are_not_composed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alpha.tif");
    let bands = vec![vec![10_u8, 20, 30, 40], vec![255, 0, 255, 0]];
    Raster { width: 2, bands, shift: (0.0, 0.0), nodata: None, options: &["ALPHA=YES"] }.write(&path);
    std::fs::write(folder.path().join("rules.toml"), rules(&path) + "nodata = 0\n").unwrap();
    let output = compose().current_dir(folder.path()).args(["--rules", "rules.toml", "-q"]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(read::<u8>(&folder.path().join("out.tif")), [[10, 0, 30, 0]]);
}

#[test]
fn alpha_and_a_nodata_tag_count_together() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("both.tif");
    let bands = vec![vec![10_u8, 20, 5, 40], vec![255, 0, 255, 255]];
    Raster { width: 2, bands, shift: (0.0, 0.0), nodata: Some(5.0), options: &["ALPHA=YES"] }.write(&path);
    let result = assert_composed_or_refused(&path).expect("it is composed");
    assert_eq!(read::<u8>(&result.path().join("out.tif")), [[10, 5, 5, 40]]);
}
