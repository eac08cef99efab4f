//! The answer of what predicts depends on nothing but scenes and rules: not on blocks, threads, memory or readers.

use super::made::{Kind, REPAIR, Scene, Stack, Written, fill, land, noise};
use crate::support::inside::composed;
use crate::support::{root, stderr};
use std::path::Path;

/// Five ways to compose that have nothing to do with the answer.
const WAYS: [&[&str]; 5] = [
    &["--block-size", "64", "-j", "1"],
    &["--block-size", "100", "-j", "2", "--force-gdal"],
    &["--block-size", "512", "-j", "1"],
    &["--block-size", "whole", "-j", "1", "--mem-limit", "1024MB"],
    &["--mem-limit", "200MB", "-j", "1"],
];

/// More than one block of 512 px, more than four of 100 px.
const SIZE: (usize, usize) = (540, 430);

/// A target under clouds and three donors under others; one lies whole pixels away and one parts of a pixel.
pub fn shifted_stack(rules: String) -> Stack {
    let grain = |x: f64, y: f64, seed: u64| 50.0 * noise(x.floor() as i64, y.floor() as i64, seed);
    let haze = |x: f64, y: f64| 200.0 * (x / 210.0).sin() + 150.0 * (y / 170.0).cos();
    let target = Scene::new("target", 30, SIZE, 2, |b, x, y| 300.0 + 0.8 * land(b, x, y) + haze(x, y))
        .clouded(&[(120.0, 140.0, 90.0), (400.0, 220.0, 110.0), (500.0, 380.0, 70.0), (256.0, 384.0, 40.0)]);
    let near = Scene::new("near", 20, SIZE, 2, |b, x, y| land(b, x, y) + grain(x, y, 1)).clouded(&[
        (180.0, 160.0, 60.0),
        (420.0, 240.0, 70.0),
        (500.0, 380.0, 30.0),
    ]);
    let whole = Scene::shifted("whole", 41, SIZE, (-13.0, 9.0), 2, |b, x, y| {
        0.7 * land(b, x, y) + 900.0 + grain(x, y, 2)
    })
    .clouded(&[(90.0, 100.0, 60.0), (430.0, 240.0, 55.0), (500.0, 380.0, 30.0)]);
    let part = Scene::shifted("part", 50, (560, 450), (-6.4, -8.3), 2, |b, x, y| {
        1.2 * land(b, x, y) + grain(x, y, 3)
    })
    .clouded(&[(120.0, 240.0, 70.0), (430.0, 190.0, 75.0), (500.0, 380.0, 30.0)]);
    Stack::new(vec![target, near, whole, part], rules)
}

/// Composes in several ways; all give what the first gave, which is handed back.
fn assert_same(stack: &Stack, ways: &[&[&str]]) -> Written {
    let first = stack.run("first", &[]);
    for way in ways {
        first.assert_same(&stack.run("again", way), &format!("{way:?}"));
    }
    first
}

/// Insists that the first fill gave pixels, and all that a donor sees.
fn assert_filled(written: &Written) {
    let stages = &written.report["result"]["stages"];
    assert!(stages[1]["pixels"].as_u64().unwrap() > 1000, "{stages}");
}

#[test]
fn seamless_of_donors_between_pixels_does_not_depend_on_how_it_is_run() {
    let mut stack = shifted_stack(REPAIR.to_owned() + &fill("seamless"));
    stack.output += "mask = true\ncount = true\n";
    let written = assert_same(&stack, &WAYS);
    assert_filled(&written);
    assert!(written.masks[0].contains(&1) && written.provenance[0].contains(&65535));
}

#[test]
fn regressions_of_donors_between_pixels_do_not_depend_on_how_they_are_run() {
    for strategy in ["regress", "multi-regress"] {
        let stack = shifted_stack(REPAIR.to_owned() + &fill(strategy));
        assert_filled(&assert_same(&stack, &[WAYS[0], WAYS[1], WAYS[4]]));
    }
}

#[test]
fn fills_that_follow_seamless_do_not_depend_on_how_they_are_run() {
    let several =
        ["[[fill]]\nstrategy = \"seamless\"\nwithin-days = 10\n".to_owned(), fill("multi-regress")].concat();
    let stack = shifted_stack(REPAIR.to_owned() + &several + &fill("nearest-date"));
    let written = assert_same(&stack, &[WAYS[0], WAYS[3]]);
    let stages = &written.report["result"]["stages"];
    assert!((1..=2).all(|stage| stages[stage]["pixels"].as_u64().unwrap() > 1000), "{stages}");
}

/// Three scenes, each repaired from the others.
fn small_stack(rules: String) -> Stack {
    let size = (190, 150);
    let clouds = [[(50.0, 60.0, 30.0), (150.0, 40.0, 25.0)], [(60.0, 70.0, 30.0), (20.0, 130.0, 25.0)]];
    let scene = |id: &str, day: u32, gain: f64| {
        Scene::new(id, day, size, 3, |b, x, y| gain * land(b, x, y) + 100.0 * (x / 60.0).sin())
    };
    let third = Scene::shifted("c", 33, size, (3.5, -2.0), 3, |b, x, y| 0.6 * land(b, x, y))
        .clouded(&[(100.0, 75.0, 40.0)]);
    let scenes =
        vec![scene("a", 10, 1.0).clouded(&clouds[0]), scene("b", 20, 0.8).clouded(&clouds[1]), third];
    Stack::of(scenes, Kind::U16, Some(0.0), rules)
}

#[test]
fn each_of_several_targets_does_not_depend_on_how_it_is_run() {
    let each = REPAIR.replace("\"target\"", "\"each\"");
    for strategy in ["seamless", "multi-regress"] {
        let mut stack = small_stack(each.clone() + &fill(strategy));
        stack.output += "mask = true\n";
        let all = |name: &str, way: &[&str]| -> Vec<Written> {
            let output = stack.compose(&format!("{name}_{{id}}"), &[way, &["--overwrite"]].concat());
            assert!(output.status.success(), "{}", stderr(&output));
            ["a", "b", "c"].iter().map(|id| Written::read(&stack.path(&format!("{name}_{id}.tif")))).collect()
        };
        let first = all("first", &[]);
        first.iter().for_each(assert_filled);
        for way in [WAYS[0], WAYS[1], WAYS[3]] {
            for (first, again) in first.iter().zip(all("again", way)) {
                first.assert_same(&again, &format!("{strategy} {way:?}"));
            }
        }
        // A run for one of them gives what the run for all gave.
        let alone = stack.compose("alone", &["--target", "b", "--overwrite"]);
        assert!(alone.status.success(), "{}", stderr(&alone));
        first[1].assert_same(&Written::read(&stack.path("alone.tif")), strategy);
    }
}

// ---- real scenes ------------------------------------------------------------------------------------------

/// The Sentinel-2 example, repaired by other strategies.
fn sentinel(folder: &Path, target: &str, fills: &str) {
    let example = root().join("examples/sentinel2");
    let text = std::fs::read_to_string(example.join("repair.toml")).unwrap();
    let scenes = format!("path = {:?}", example.join("scenes"));
    let (before, _) = text.split_once("[[fill]]").unwrap();
    let text = before
        .replace("path        = \"scenes\"", &scenes)
        .replace("exe_2024-08-26\"", &format!("{target}\""));
    assert!(text.contains(&scenes) && text.contains(&format!("scene = \"{target}\"")), "{text}");
    let output = "[output]\npath = \"{id}.tif\"\nuncertainty = true\nmask = true\n";
    std::fs::write(folder.join("rules.toml"), format!("{text}{fills}{output}")).unwrap();
}

/// Runs it and reads what it wrote for some targets.
fn run_sentinel(folder: &Path, ids: &[&str], more: &[&str]) -> Vec<Written> {
    composed(&folder.join("rules.toml"), &[&["--overwrite"], more].concat(), &String::new);
    ids.iter().map(|id| Written::read(&folder.join(format!("{id}.tif")))).collect()
}

#[test]
fn real_scenes_are_predicted_the_same_however_it_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let ids = ["exe_2024-08-26"];
    // The scenes are smaller than a block of 512 px.
    let ways = [WAYS[0], WAYS[1], WAYS[3], WAYS[4]];
    for (strategy, ways) in [("seamless", &ways[..]), ("multi-regress", &ways[1..2]), ("regress", &ways[..1])]
    {
        sentinel(folder.path(), ids[0], &fill(strategy));
        let first = run_sentinel(folder.path(), &ids, &[]);
        assert_filled(&first[0]);
        for way in ways {
            let again = run_sentinel(folder.path(), &ids, way);
            first[0].assert_same(&again[0], &format!("{strategy} {way:?}"));
        }
    }
}

#[test]
fn each_of_the_real_scenes_is_predicted_the_same_however_it_is_run() {
    let folder = tempfile::tempdir().unwrap();
    sentinel(folder.path(), "each", "[[fill]]\nstrategy = \"seamless\"\nwithin-days = 30\n");
    // Those that have a donor so near.
    let ids = ["exe_2024-06-02", "exe_2024-08-01", "exe_2024-08-16", "exe_2024-08-26"];
    let first = run_sentinel(folder.path(), &ids, &["-j", "2"]);
    let again = run_sentinel(folder.path(), &ids, WAYS[0]);
    for (first, again) in first.iter().zip(&again) {
        first.assert_same(again, &format!("{:?}", WAYS[0]));
    }
}
