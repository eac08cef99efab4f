//! The examples, held against an independent implementation (`examples/reference.py`, numpy and rasterio).

use crate::support::{read, root, run};
use serde_json::Value;
use sha2::Digest;
use std::path::{Path, PathBuf};

fn expected(example: &str) -> Value {
    let text = std::fs::read_to_string(root().join("examples/expected.json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()[example].clone()
}

/// Runs an example's rules file with its images in a folder of the test's own.
fn compose_example(rules: &str, output: &str, more: &[&str]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(output);
    let rules = root().join("examples").join(rules);
    let mut args = vec!["--rules", rules.to_str().unwrap(), "--output", path.to_str().unwrap()];
    args.extend(more);
    run(&args);
    let folder_path = folder.path().to_owned();
    (folder, folder_path)
}

fn sidecar(image: &Path) -> Value {
    let text = std::fs::read_to_string(image.with_extension("json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn sha256(bytes: impl IntoIterator<Item = u8>) -> String {
    let bytes: Vec<u8> = bytes.into_iter().collect();
    sha2::Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect()
}

fn sha256_u16(path: &Path) -> String {
    sha256(read::<u16>(path).into_iter().flatten().flat_map(u16::to_le_bytes))
}

fn sha256_i16(path: &Path) -> String {
    sha256(read::<i16>(path).into_iter().flatten().flat_map(i16::to_le_bytes))
}

/// Observed, filled per stage and open pixels agree with the reference.
fn assert_shares(image: &Path, expected: &Value) {
    let result = &sidecar(image)["result"];
    assert_eq!(result["left"], expected["open"], "open pixels of {}", image.display());
    assert_eq!(result["stages"][0]["pixels"], expected["observed"]);
    for (stage, filled) in expected["stages"].as_array().unwrap().iter().enumerate() {
        assert_eq!(result["stages"][stage + 1]["pixels"], filled["filled"], "stage {}", stage + 1);
    }
}

#[test]
fn each_tahiti_scene_is_repaired_from_the_other() {
    let (_keep, folder) = compose_example("landsat8/landsat8.toml", "{id}_filled.tif", &["--quicklook"]);
    let expected = expected("landsat8");
    for (scene, percent) in expected["scenes"].as_array().unwrap().iter().zip([9.68, 5.37]) {
        let name = format!("{}_filled", scene["id"].as_str().unwrap());
        let image = folder.join(format!("{name}.tif"));
        assert_eq!(sha256_u16(&image), expected["images"][&name]["sha256"], "{name}");
        assert_shares(&image, &expected["images"][&name]);
        let result = &sidecar(&image)["result"];
        assert_eq!(result["masked"], scene["masked"]);
        let share = result["masked"].as_f64().unwrap() * 100.0 / result["pixels"].as_f64().unwrap();
        assert!((share - percent).abs() < 0.005, "{share} % masked, expected {percent}");
        assert_eq!(result["left"], 300);
        for picture in ["before", "mask", "after", "sources"] {
            assert!(folder.join(format!("{name}_{picture}.png")).exists(), "{picture}");
        }
    }
}

#[test]
fn the_provenance_of_the_tahiti_pair_agrees_with_the_reference() {
    let (_keep, folder) = compose_example("landsat8/landsat8.toml", "{id}_filled.tif", &[]);
    let expected = expected("landsat8");
    for (name, image) in expected["images"].as_object().unwrap() {
        let planes = read::<u16>(&folder.join(format!("{name}_provenance.tif")));
        // The reference writes -1 for a gap, which is 65535 in 16 bits.
        let hash = sha256(planes[0].iter().flat_map(|s| s.to_le_bytes()));
        assert_eq!(hash, image["source_sha256"], "{name}");
        for ((source, stage), age) in planes[0].iter().zip(&planes[1]).zip(&planes[2]) {
            let known = [(65535, 65535), (0, 0), (1, 96)];
            assert!(known.contains(&(*stage, *age)), "source {source}, stage {stage}, age {age}");
            assert_eq!(*source == 65535, *stage == 65535);
        }
    }
}

#[test]
fn a_scene_of_a_catalogue_is_repaired_as_the_reference_does() {
    let (_keep, folder) = compose_example("stac/repair.toml", "{id}_filled.tif", &[]);
    let (name, expected) = ("S2B_33TWL_20230810_0_L2A_filled", expected("stac-repair"));
    let (image, expected) = (folder.join(format!("{name}.tif")), &expected["images"][name]);
    assert_eq!(sha256_u16(&image), expected["sha256"]);
    assert_shares(&image, expected);
    let sources = read::<u16>(&folder.join(format!("{name}_provenance.tif"))).swap_remove(0);
    assert_eq!(sha256(sources.iter().flat_map(|s| s.to_le_bytes())), expected["source_sha256"]);
}

#[test]
fn the_lesson_is_reproduced_sample_by_sample() {
    for (example, rules, output) in [
        ("lesson", "lesson/lesson.toml", "lesson_filled"),
        ("lesson-bits", "lesson/lesson-bits.toml", "lesson_bits_filled"),
    ] {
        let (_keep, folder) = compose_example(rules, &format!("{output}.tif"), &[]);
        let image = folder.join(format!("{output}.tif"));
        let expected = &expected(example)["images"][output];
        assert_eq!(sha256_i16(&image), expected["sha256"], "{example}");
        assert_shares(&image, expected);
    }
}

#[test]
fn the_lesson_says_what_its_value_list_gets_wrong() {
    let rules = root().join("examples/lesson/lesson.toml");
    let plan = crate::support::stdout(&run(&["--rules", rules.to_str().unwrap(), "--plan"]));
    assert!(plan.contains("1350") && plan.contains("clear + water + terrain-occlusion"), "{plan}");
    assert!(plan.contains("1352"), "{plan}");
    assert!(plan.contains("paste: whole-pixel shift (110, 110)"), "{plan}");
}

/// Compares an image with every third row of the reference's: equal but for a few samples, none off by more
/// than one, and no gap moved.
fn assert_within_bound(image: &Path, expected: &Value) {
    let (ours, width) = (read::<u16>(image), expected["width"].as_u64().unwrap() as usize);
    let theirs = read::<u16>(&root().join("examples").join(expected["file"].as_str().unwrap()));
    let (first, step) = (expected["first_row"].as_u64().unwrap(), expected["row_step"].as_u64().unwrap());
    let (mut equal, mut all) = (0_u64, 0_u64);
    for (ours, theirs) in ours.iter().zip(&theirs) {
        for (k, row) in theirs.chunks(width).enumerate() {
            let start = (first as usize + k * step as usize) * width;
            for (a, b) in ours[start..start + width].iter().zip(row) {
                assert!(a.abs_diff(*b) <= 1, "{a} instead of {b}");
                assert_eq!(*a == 0, *b == 0, "a gap has moved");
                equal += u64::from(a == b);
                all += 1;
            }
        }
    }
    assert!(all > 100_000 && equal as f64 >= 0.998 * all as f64, "{equal} of {all} are equal");
}

#[test]
fn exeter_is_repaired_from_four_dates_on_three_grids() {
    let (_keep, folder) = compose_example("sentinel2/repair.toml", "exe.tif", &[]);
    let expected = &expected("sentinel2-repair")["images"]["exe_2024-08-26_filled"];
    assert_shares(&folder.join("exe.tif"), expected);
    assert_within_bound(&folder.join("exe.tif"), expected);
}

#[test]
fn exeter_is_composed_as_a_median_of_all() {
    let (_keep, folder) = compose_example("sentinel2/median.toml", "exe.tif", &[]);
    let expected = &expected("sentinel2-median")["images"]["exe_summer_2024_median"];
    assert_shares(&folder.join("exe.tif"), expected);
    assert_within_bound(&folder.join("exe.tif"), expected);
}

#[test]
fn examples_do_not_depend_on_blocks_or_threads() {
    // The Sentinel-2 scenes are smaller than a block of 512 px: that is the whole.
    let small = [("64", "1"), ("100", "2"), ("whole", "1")];
    let large = [("64", "1"), ("100", "2"), ("512", "2"), ("whole", "1")];
    for (rules, ways) in [
        ("sentinel2/repair.toml", &small[..]),
        ("sentinel2/seamless.toml", &small[..]),
        ("brumadinho/brumadinho.toml", &large[..]),
    ] {
        let outputs: Vec<Vec<Vec<u16>>> = ways
            .iter()
            .map(|(block, threads)| {
                let more = ["--block-size", block, "-j", threads];
                let (_keep, folder) = compose_example(rules, "{id}.tif", &more);
                let mut images =
                    std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect::<Vec<_>>();
                images.retain(|path| path.extension().is_some_and(|e| e == "tif"));
                images.sort();
                images.iter().flat_map(|path| read::<u16>(path)).collect()
            })
            .collect();
        assert!(outputs.windows(2).all(|pair| pair[0] == pair[1]), "{rules}");
    }
}

/// Runs an example, and the same rules with each gap copied from the nearest date.
fn beside_a_copy(rules: &str, output: &str) -> (tempfile::TempDir, PathBuf, PathBuf) {
    let (keep, filled) = compose_example(rules, output, &["-j", "2"]);
    let folder = root().join("examples").join(rules);
    let text = std::fs::read_to_string(&folder).unwrap();
    let (before, after) = text.split_once("\npath").expect("a path in [scenes]");
    let absolute = format!("\"{}/", folder.parent().unwrap().display());
    let text = format!("{before}\npath{}", after.replacen('"', &absolute, 1));
    let text = text.replacen("\"seamless\"", "\"nearest-date\"", 1);
    assert!(text.contains("strategy = \"nearest-date\""), "{text}");
    let (rules, copied) = (filled.join("copy.toml"), filled.join("copied"));
    std::fs::create_dir(&copied).unwrap();
    std::fs::write(&rules, text).unwrap();
    let path = copied.join(output);
    run(&["--rules", rules.to_str().unwrap(), "--output", path.to_str().unwrap(), "-j", "2"]);
    (keep, filled, copied)
}

/// Holds an image against one whose gaps were copied: gaps are where no date sees anything, and what is observed is as it
/// is in `files`. Returns how many samples were filled, and how many of them are no copies.
fn assert_only_gaps_differ(name: &str, folders: (&Path, &Path), observed: &[Vec<u16>]) -> (usize, usize) {
    let (filled, copied) = folders;
    let path = |folder: &Path, what: &str| folder.join(format!("{name}{what}.tif"));
    let stages = read::<u16>(&path(filled, "_provenance"))[1].clone();
    assert_eq!(stages, read::<u16>(&path(copied, "_provenance"))[1], "{name}: gaps are elsewhere");
    let (ours, copies) = (read::<u16>(&path(filled, "")), read::<u16>(&path(copied, "")));
    let (masks, sigma) = (read::<u16>(&path(filled, "_masks")), read::<f32>(&path(filled, "_uncertainty")));
    assert_eq!(ours.len(), observed.len());
    let (mut all, mut other) = (0, 0);
    for (band, truth) in observed.iter().enumerate() {
        for (pixel, stage) in stages.iter().enumerate() {
            let (sample, sigma) = (ours[band][pixel], sigma[band][pixel]);
            match stage {
                0 => assert_eq!(
                    (sample, sigma, masks[0][pixel]),
                    (truth[pixel], 0.0, 0),
                    "{name}: pixel {pixel}"
                ),
                1 => {
                    assert!(sample != 0 && sigma > 0.0, "{name}: pixel {pixel}: {sample} ± {sigma}");
                    (all, other) = (all + 1, other + usize::from(sample != copies[band][pixel]));
                }
                _ => assert!(sample == 0 && sigma.is_nan(), "{name}: pixel {pixel}: {sample} ± {sigma}"),
            }
        }
    }
    (all, other)
}

/// The bands of a scene, each in a file of its own.
fn files(scene: &Path, bands: &[&str]) -> Vec<Vec<u16>> {
    let id = scene.file_name().unwrap().to_str().unwrap();
    bands.iter().flat_map(|band| read::<u16>(&scene.join(format!("{id}_{band}.TIF")))).collect()
}

#[test]
fn tahiti_without_seams_has_the_gaps_of_a_copy_and_its_own_pixels() {
    let (_keep, filled, copied) = beside_a_copy("landsat8/seamless.toml", "{id}.tif");
    for id in ["LC80530722013137LGN01", "LC80530722013233LGN00"] {
        let scene = root().join("examples/landsat8/scenes").join(id);
        let observed = files(&scene, &["B1", "B2", "B3", "B4", "B5", "B6", "B7"]);
        let (all, other) = assert_only_gaps_differ(id, (&filled, &copied), &observed);
        assert!(all > 1000 && other > all / 2, "{other} of {all} samples are no copies");
    }
}

#[test]
fn exeter_without_seams_has_the_gaps_of_a_copy_and_its_own_pixels() {
    let (_keep, filled, copied) = beside_a_copy("sentinel2/seamless.toml", "exe.tif");
    let mut observed = read::<u16>(&root().join("examples/sentinel2/scenes/exe_2024-08-26_12-21-11.tif"));
    observed.truncate(4);
    let (all, other) = assert_only_gaps_differ("exe", (&filled, &copied), &observed);
    assert!(all > 100_000 && other > all / 2, "{other} of {all} samples are no copies");
}

#[test]
fn brumadinho_loses_clouds_and_their_shadows() {
    let (_keep, filled, copied) = beside_a_copy("brumadinho/brumadinho.toml", "{id}.tif");
    for id in ["LC08_L2SP_218074_20190114_20200829_02_T1", "LC08_L2SP_218074_20190130_20200829_02_T1"] {
        let scene = root().join("examples/lesson/source").join(id);
        let observed = files(&scene, &["SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B6", "SR_B7"]);
        let (all, other) = assert_only_gaps_differ(id, (&filled, &copied), &observed);
        assert!(all > 1000 && other > all / 2, "{other} of {all} samples are no copies");
        let rules = read::<u16>(&filled.join(format!("{id}_masks.tif")))[0].clone();
        let count = |rule: u16| rules.iter().filter(|r| **r == rule).count();
        assert!(count(1) > 500 && count(2) > 500, "{} cloud, {} shadow", count(1), count(2));
    }
}
