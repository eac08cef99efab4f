//! Targets that the masks take as a whole, or nearly.

use crate::support::{CLEAR, CLOUD, Pair, listing, read, sidecar, stderr, stdout};

/// Scene a is clouded but for so many pixels.
fn clouded(clear: usize) -> Pair {
    let pair = Pair::new();
    pair.raster("a_qa.tif", [vec![CLEAR; clear], vec![CLOUD; 12 - clear]].concat());
    pair
}

#[test]
fn a_target_that_is_masked_as_a_whole_is_remarked_upon_on_screen_in_the_plan_and_in_the_sidecar() {
    let pair = clouded(0);
    let remark = "target a: 100 % of its pixels are masked; nearly all of its image is made of other dates";
    let plan = stdout(&pair.compose(&["--plan"]));
    assert!(plan.contains("  target: 100 % of its pixels are masked\n"), "{plan}");
    assert!(plan.contains(&format!("note: {remark}")), "{plan}");
    let said = stderr(&pair.compose(&[]));
    assert_eq!(said.matches(&format!("note: {remark}")).count(), 1, "{said}");
    let report = sidecar(&pair.path("out.tif"));
    assert!(report["notes"].to_string().contains(remark), "{report}");
    assert_eq!(report["result"]["masked-percent"], 100.0);
}

#[test]
fn a_target_that_is_clear_in_part_is_told_its_share_and_not_remarked_upon() {
    let pair = clouded(3);
    let plan = stdout(&pair.compose(&["--plan"]));
    assert!(plan.contains("  target: 75 % of its pixels are masked\n"), "{plan}");
    assert!(!plan.contains("note: target a"), "{plan}");
    assert!(!stderr(&pair.compose(&[])).contains("note: target a"));
    assert_eq!(sidecar(&pair.path("out.tif"))["result"]["masked-percent"], 75.0);
}

/// What is outside the scene, or nodata, is not the target's own.
#[test]
fn pixels_without_data_do_not_count_in_the_share() {
    let pair = clouded(3);
    let pixels = (0..12).map(|i| if i < 3 { 0 } else { 100 + i }).collect();
    pair.raster("a_b1.tif", pixels);
    let plan = stdout(&pair.compose(&["--plan"]));
    assert!(plan.contains("  target: 100 % of its pixels are masked\n"), "{plan}");
}

#[test]
fn targets_above_the_limit_are_left_out_and_the_others_are_composed() {
    let pair = clouded(0);
    pair.change("scene = \"a\"", "scene = \"each\"\nskip-above = 95");
    pair.change("out.tif", "{id}_out.tif");
    let remark = "target a is left out: 100 % of its pixels are masked, more than skip-above = 95";
    let plan = stdout(&pair.compose(&["--plan"]));
    assert!(plan.contains(&format!("note: {remark}")) && !plan.contains("output ./a_out.tif"), "{plan}");
    let output = pair.compose(&[]);
    let said = stderr(&output);
    assert!(output.status.success() && said.contains(&format!("note: {remark}")), "{said}");
    let files = listing(pair.folder.path());
    assert!(
        files.contains(&"b_out.tif".into()) && !files.iter().any(|f| f.starts_with("a_out")),
        "{files:?}"
    );
    let report = sidecar(&pair.path("b_out.tif"));
    assert_eq!(report["left-out"][0]["id"], "a");
    assert!(report["notes"].to_string().contains(remark), "{report}");
    // Its clear pixels, if there are any, still go into other dates.
    assert_eq!(report["scenes"][0]["fate"], "donor");
}

#[test]
fn at_the_limit_a_target_stays() {
    let pair = clouded(3);
    pair.change("scene = \"a\"", "scene = \"a\"\nskip-above = 75");
    assert_eq!(pair.result(&[])[..3], [100, 101, 102]);
    pair.change("skip-above = 75", "skip-above = 74.9");
    let said = pair.refused(&["--overwrite"]);
    let expected = "rules.toml:17: [target] skip-above = 74.9 leaves the only target out, a: 75 % of its pixels are masked";
    assert!(said.contains(expected), "{said}");
}

#[test]
fn the_share_is_that_of_the_part_of_the_grid_that_is_composed() {
    // The first three pixels, which are the upper row but one column, are clear.
    let pair = clouded(3);
    pair.change("scene = \"a\"", "scene = \"a\"\nskip-above = 95");
    pair.result(&["--bounds", "405000 4499970 405090 4500000"]);
    assert_eq!(read::<u16>(&pair.path("out.tif"))[0], [100, 101, 102]);
    let said = pair.refused(&["--overwrite", "--bounds", "405000 4499910 405120 4499970"]);
    assert!(said.contains("100 % of its pixels are masked"), "{said}");
}

#[test]
fn a_target_without_any_data_on_the_grid_is_left_out_too() {
    let pair = Pair::new();
    pair.raster("a_b1.tif", vec![0; 12]);
    let plan = stdout(&pair.compose(&["--plan"]));
    assert!(plan.contains("note: target a: it has no data on this grid"), "{plan}");
    pair.change("scene = \"a\"", "scene = \"a\"\nskip-above = 95");
    let said = pair.refused(&[]);
    assert!(said.contains("it has no data on this grid"), "{said}");
}

#[test]
fn a_limit_without_a_scene_to_repair_is_refused() {
    let pair = Pair::new();
    pair.change("scene = \"a\"", "date = 2020-06-01\nskip-above = 95");
    let said = pair.refused(&[]);
    assert!(
        said.contains("rules.toml:17: [target] skip-above needs a target scene, and none is given"),
        "{said}"
    );
}
