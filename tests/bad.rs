//! Mistakes: one clear error, exit status 2, nothing left behind.

use crate::support::inside::{carry_out, options};
use crate::support::{CLEAR, Pair, Raster, compose, listing, root, stderr};
use compose_engine::EngineError;
use gdal::spatial_ref::SpatialRef;
use gdal::{Dataset, DatasetOptions, GdalOpenFlags};
use std::collections::BTreeSet;
use std::path::Path;

/// `tests/bad/*.toml` are rules files that must be refused, each for one mistake; the `.txt` beside each holds
/// what must be said, a line or part of a line each, and nothing else may be said.
#[test]
fn every_bad_rules_file_is_refused_with_its_line_and_suggestion() {
    let folder = root().join("tests/bad");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "toml"));
    files.sort();
    assert!(files.len() >= 150, "only {} files in tests/bad", files.len());
    // The program says what the engine answers: it is started for one file of each sort of mistake.
    let sort =
        |file: &Path| file.file_name().unwrap().to_str().unwrap().split('-').next().unwrap().to_owned();
    let mut sorts = BTreeSet::new();
    let wrong: Vec<String> =
        files.iter().filter_map(|file| wrongly_refused(file, sorts.insert(sort(file)))).collect();
    assert!(sorts.len() >= 15, "{sorts:?}");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), files.len(), wrong.join("\n"));
}

/// What the folder of the scenes tells is a mistake of the rules file as well.
#[test]
fn a_mistake_about_scenes_has_line_and_column_and_is_drawn_with_a_caret() {
    for (from, to, wrong) in [
        ("quality = ", "bands = [\"B7\"]\nquality = ", "[\"B7\"]"),
        ("\"b_b1.tif\"", "\"gone.tif\"", "{ B1 = \"gone.tif\", QA = \"b_qa.tif\" }"),
    ] {
        let pair = Pair::new();
        pair.change(from, to);
        let text = std::fs::read_to_string(pair.path("rules.toml")).unwrap();
        let refused = carry_out(&pair.path("rules.toml"), &options(&[]).unwrap());
        let Err(EngineError::Rules(mistakes)) = &refused else { panic!("{to}: {refused:?}") };
        let [mistake] = &mistakes[..] else { panic!("{to}: {mistakes:?}") };
        let line = text.lines().nth(mistake.line - 1).unwrap();
        assert_eq!(line.find(wrong), Some(mistake.column - 1), "{to}: {mistakes:?}");
        let drawn = mistake.drawn(false);
        assert!(drawn.contains(&"^".repeat(wrong.len())), "{drawn}");
    }
}

fn wrongly_refused(file: &Path, by_the_program: bool) -> Option<String> {
    let expected = std::fs::read_to_string(file.with_extension("txt")).unwrap();
    let expected: Vec<&str> = expected.lines().filter(|l| !l.is_empty()).collect();
    assert!(!expected.is_empty(), "{}", file.with_extension("txt").display());
    let pair = Pair::new();
    std::fs::copy(file, pair.path("rules.toml")).unwrap();
    let before = listing(pair.folder.path());
    let rules = pair.path("rules.toml");
    let said = match carry_out(&rules, &options(&[]).unwrap()) {
        Ok(()) => String::from("wrote an image"),
        Err(error) => format!("error: {error}\n"),
    };
    if by_the_program {
        let output = compose().arg("--rules").arg(&rules).output().unwrap();
        assert_eq!((output.status.code(), stderr(&output)), (Some(2), said.clone()), "{}", file.display());
    }
    // As it is said in the folder itself; where even then it depends on the folder, by the program.
    let mut said = said.replace(pair.folder.path().to_str().unwrap(), ".");
    if !expected.iter().all(|e| said.contains(e)) {
        let output = pair.compose(&[]);
        assert_eq!(output.status.code(), Some(2), "{}", file.display());
        said = stderr(&output);
    }
    let refused = listing(pair.folder.path()) == before;
    let complete = expected.iter().all(|e| said.contains(e));
    let nothing_else = said.lines().all(|line| expected.iter().any(|e| line.contains(e)));
    // Words of the libraries that read TOML, which tell a user nothing.
    let jargon =
        ["untagged enum", "variant", "f64", "u32", "panicked"].into_iter().find(|w| said.contains(w));
    if refused && complete && nothing_else && jargon.is_none() {
        return None;
    }
    let what = if refused { "" } else { " (files left behind)" };
    Some(format!("{}{what}:\nexpected: {}\nsaid: {said}", file.display(), expected.join("\n          ")))
}

#[test]
fn metres_are_refused_where_they_stand_on_a_geographic_grid() {
    let pair = Pair::new();
    for name in ["a_b1.tif", "a_qa.tif", "b_b1.tif", "b_qa.tif"] {
        let options = DatasetOptions { open_flags: GdalOpenFlags::GDAL_OF_UPDATE, ..Default::default() };
        let mut dataset = Dataset::open_ex(pair.path(name), options).unwrap();
        dataset.set_spatial_ref(&SpatialRef::from_epsg(4326).unwrap()).unwrap();
        dataset.set_geo_transform(&[-105.0, 0.001, 0.0, 40.0, 0.0, -0.001]).unwrap();
        dataset.close().unwrap();
    }
    pair.change("any = [\"cloud\"]", "any = [\"cloud\"]\ngrow = \"90 m\"");
    let said = pair.refused(&[]);
    let expected = "rules.toml:22: mask \"cloud\": grow = 90 m has no fixed size in pixels, because EPSG:4326 is \
                    geographic; say it in pixels, such as \"3 px\"";
    assert!(said.contains(expected), "{said}");
    pair.change("90 m", "1 px");
    pair.result(&[]);
}

#[test]
fn a_mask_that_only_one_scene_refuses_names_the_scene() {
    let pair = Pair::new();
    pair.change(", QA = \"b_qa.tif\"", "");
    let said = pair.refused(&[]);
    let expected = "rules.toml:18: mask \"cloud\": scene b: the scene has no quality band";
    assert!(said.contains(expected), "{said}");
}

#[test]
fn a_missing_file_is_named() {
    let pair = Pair::new();
    std::fs::remove_file(pair.path("b_qa.tif")).unwrap();
    let said = pair.refused(&[]);
    assert!(said.contains("rules.toml:13: file \"b_qa.tif\": nothing of this name"), "{said}");
}

#[test]
fn an_empty_file_and_a_text_file_are_no_rasters() {
    for content in ["", "these are not pixels"] {
        let pair = Pair::new();
        std::fs::write(pair.path("b_b1.tif"), content).unwrap();
        let said = pair.refused(&[]);
        assert!(said.contains("b_b1.tif"), "{said}");
    }
}

#[test]
fn a_truncated_file_is_named_with_band_and_block() {
    let pair = Pair::new();
    let pixels: Vec<u16> = (0..256 * 256).map(|i| (i * 7919 % 60000) as u16 + 1).collect();
    let options = ["TILED=YES", "BLOCKXSIZE=64", "BLOCKYSIZE=64", "COMPRESS=DEFLATE"];
    for (name, nodata) in [("a_b1.tif", Some(0.0)), ("b_b1.tif", Some(0.0))] {
        Raster { width: 256, bands: vec![pixels.clone()], shift: (0.0, 0.0), nodata, options: &options }
            .write(&pair.path(name));
    }
    for name in ["a_qa.tif", "b_qa.tif"] {
        Raster {
            width: 256,
            bands: vec![vec![CLEAR; 256 * 256]],
            shift: (0.0, 0.0),
            nodata: None,
            options: &[],
        }
        .write(&pair.path(name));
    }
    let path = pair.path("a_b1.tif");
    let bytes = std::fs::read(&path).unwrap();
    // Zeros in the middle: a corrupt tile in an otherwise whole file.
    let mut corrupt = bytes.clone();
    let middle = bytes.len() / 2;
    corrupt[middle..middle + 3000].fill(0);
    std::fs::write(&path, corrupt).unwrap();
    let said = pair.refused(&[]);
    assert!(said.contains("a_b1.tif: band 1, block at column"), "{said}");
    std::fs::write(&path, &bytes[..bytes.len() * 2 / 3]).unwrap();
    let said = pair.refused(&[]);
    assert!(said.contains("a_b1.tif"), "{said}");
}

#[test]
fn two_scenes_with_one_id_are_refused() {
    let pair = Pair::new();
    pair.change("id = \"b\"", "id = \"a\"");
    let said = pair.refused(&[]);
    assert!(said.contains("two scenes have this id"), "{said}");
}

#[test]
fn a_scene_without_a_date_is_named_where_a_date_is_needed() {
    let pair = Pair::new();
    pair.change("date = 2020-06-17\n", "");
    let said = pair.refused(&[]);
    assert!(said.contains('b') && said.contains("date"), "{said}");
}

#[test]
fn a_donor_of_another_sample_type_is_refused() {
    let pair = Pair::new();
    let pixels = (0..12).map(|i| f32::from(i as u8) + 0.5).collect();
    Raster::<f32> { width: 4, bands: vec![pixels], shift: (0.0, 0.0), nodata: None, options: &[] }
        .write(&pair.path("b_b1.tif"));
    let said = pair.refused(&[]);
    assert!(said.contains("scene b") && said.contains("float32") && said.contains("uint16"), "{said}");
}

#[test]
fn a_donor_without_the_targets_bands_is_refused() {
    let pair = Pair::new();
    pair.change("files = { B1 = \"b_b1.tif\"", "files = { B2 = \"b_b1.tif\"");
    let said = pair.refused(&[]);
    assert!(said.contains("scene b has no band \"B1\""), "{said}");
}

#[test]
fn an_observed_value_that_reads_as_nodata_is_an_error_that_proposes_another() {
    let pair = Pair::new();
    pair.change("path = \"out.tif\"", "path = \"out.tif\"\nnodata = 105");
    let said = pair.refused(&[]);
    assert!(said.contains("105") && said.contains("65535"), "{said}");
}

#[test]
fn a_missing_output_folder_is_refused_before_any_pixel_is_read() {
    let pair = Pair::new();
    pair.change("out.tif", "nowhere/out.tif");
    let said = pair.refused(&[]);
    assert!(said.contains("nowhere"), "{said}");
}

#[test]
fn an_existing_file_is_refused_without_overwrite_and_replaced_with_it() {
    let pair = Pair::new();
    std::fs::write(pair.path("out.tif"), "mine").unwrap();
    let said = pair.refused(&[]);
    assert!(said.contains("out.tif") && said.contains("--overwrite"), "{said}");
    assert_eq!(std::fs::read(pair.path("out.tif")).unwrap(), b"mine");
    assert_eq!(pair.result(&["--overwrite"]).len(), 12);
}

#[test]
fn an_output_that_is_an_input_is_refused_even_with_overwrite() {
    let pair = Pair::new();
    pair.change("out.tif", "b_b1.tif");
    let said = pair.refused(&["--overwrite"]);
    assert!(said.contains("read by this run"), "{said}");
}

#[test]
fn a_mask_that_needs_a_quality_band_is_refused_without_one() {
    let pair = Pair::new();
    pair.change("quality = \"QA\"\nlayout = \"landsat-c2-l89\"\n", "");
    pair.change(", QA = \"a_qa.tif\"", "");
    pair.change(", QA = \"b_qa.tif\"", "");
    let said = pair.refused(&[]);
    assert!(said.contains("rules.toml:") && said.contains("mask \"cloud\""), "{said}");
}

#[test]
fn no_quality_band_is_needed_where_no_rule_reads_one() {
    let pair = Pair::new();
    pair.change("quality = \"QA\"\nlayout = \"landsat-c2-l89\"\n", "");
    pair.change(", QA = \"a_qa.tif\"", "");
    pair.change(", QA = \"b_qa.tif\"", "");
    pair.change(
        "kind = \"bits\"\nany = [\"cloud\"]",
        "kind = \"range\"\nband = \"B1\"\nmin = 105\nmax = 106",
    );
    let result = pair.result(&[]);
    assert_eq!(result[4..8], [104, 205, 206, 107]);
}

#[test]
fn a_full_disk_leaves_nothing_behind() {
    let pair = Pair::new();
    // Squares of a hash: what no predictor makes small.
    let noise = |i: u32| (i.wrapping_mul(2_654_435_761) ^ i >> 7).wrapping_pow(2) >> 16;
    let pixels: Vec<u16> = (0..512 * 512).map(|i| noise(i) as u16 | 1).collect();
    for name in ["a_b1.tif", "b_b1.tif"] {
        Raster {
            width: 512,
            bands: vec![pixels.clone()],
            shift: (0.0, 0.0),
            nodata: Some(0.0),
            options: &[],
        }
        .write(&pair.path(name));
    }
    for name in ["a_qa.tif", "b_qa.tif"] {
        Raster {
            width: 512,
            bands: vec![vec![CLEAR; 512 * 512]],
            shift: (0.0, 0.0),
            nodata: None,
            options: &[],
        }
        .write(&pair.path(name));
    }
    let before = listing(pair.folder.path());
    // A file-size limit stands for a full disk: writing more than 64 kB fails.
    let script = format!(
        "ulimit -f 128; cd '{}' && exec '{}' --rules rules.toml",
        pair.folder.path().display(),
        env!("CARGO_BIN_EXE_compose")
    );
    let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("out.tif"), "{said}");
    assert_eq!(listing(pair.folder.path()), before);
}

#[test]
fn a_read_only_folder_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let pair = Pair::new();
    let folder = pair.path("locked");
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o555)).unwrap();
    if std::fs::write(folder.join("probe"), "").is_ok() {
        eprintln!("read-only folder: this user may write anywhere, not tested");
        return;
    }
    pair.change("out.tif", "locked/out.tif");
    assert!(pair.refused(&[]).contains("locked"));
}

#[test]
fn an_unknown_option_value_is_refused_by_name() {
    let pair = Pair::new();
    for (option, value) in
        [("--mem-limit", "plenty"), ("--format", "bmp"), ("--dtype", "uint17"), ("--resampling", "magic")]
    {
        let said = pair.refused(&[option, value]);
        assert!(said.contains(value), "{option}: {said}");
    }
    let said = pair.refused(&["--mem-limit", "10MB"]);
    assert!(said.contains("too small"), "{said}");
}
