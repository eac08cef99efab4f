//! Masks made by others: rasters that join a scene by its id.

use crate::support::{Pair, Raster, read, sidecar, stderr, stdout};

const OCM: &str =
    "\n[[scenes.beside]]\nfiles = \"masks/{id}_OCM*.tif\"\nband = \"OCM\"\nlayout = \"omnicloudmask\"\n";
const RULE: &str = "\n[[mask]]\nname = \"network\"\nkind = \"bits\"\nband = \"OCM\"\nany = [\"thick-cloud\", \"cloud-shadow\"]\n";

/// Scene a has thick cloud at pixel 3 and thin cloud at 4 by the network, scene b a shadow at 3.
fn pair() -> Pair {
    let pair = Pair::new();
    std::fs::create_dir(pair.path("masks")).unwrap();
    mask(&pair, "a", vec![0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0], 4, None);
    mask(&pair, "b", vec![0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0], 4, None);
    pair.change(
        "[scenes]\nquality = \"QA\"\nlayout = \"landsat-c2-l89\"\n",
        &format!("[scenes]\nquality = \"QA\"\nlayout = \"landsat-c2-l89\"\n{OCM}"),
    );
    pair.change("[[fill]]", &format!("{RULE}\n[[fill]]"));
    pair
}

fn mask(pair: &Pair, id: &str, codes: Vec<u8>, width: usize, nodata: Option<f64>) {
    let name = pair.path(&format!("masks/{id}_OCM_v1_8_1.tif"));
    Raster { width, bands: vec![codes], shift: (0.0, 0.0), nodata, options: &[] }.write(&name);
}

#[test]
fn a_mask_beside_a_scene_masks_with_its_own_quality_band() {
    let pair = pair();
    let result = pair.result(&[]);
    // Pixel 1 is cloud by QA and comes from b; 3 is cloud in a and shadow in b; 4 is thin cloud, which no rule takes.
    assert_eq!(result, [100, 201, 102, 0, 104, 105, 0, 107, 108, 109, 110, 111]);
    let report = sidecar(&pair.path("out.tif"));
    assert_eq!(report["result"]["masked"], 3);
    let plan = stdout(&pair.compose(&["--plan", "--overwrite"]));
    assert!(plan.contains("network: OCM: thick-cloud (code 1), cloud-shadow (code 3)"), "{plan}");
}

#[test]
fn classes_of_ones_own_have_names_and_one_may_mean_fill() {
    let pair = pair();
    pair.change("layout = \"omnicloudmask\"", "layout = { 1 = \"Wolke\", 3 = \"shadow\", 2 = \"nodata\" }");
    pair.change("any = [\"thick-cloud\", \"cloud-shadow\"]", "any = [\"wolke\", \"shadow\"]");
    // What the network could not judge at 4 is unusable.
    assert_eq!(pair.result(&[])[3..5], [0, 204]);
    let said = stdout(&crate::support::run(&[
        "inspect",
        "--rules",
        pair.path("rules.toml").to_str().unwrap(),
        pair.path("masks/a_OCM_v1_8_1.tif").to_str().unwrap(),
    ]));
    assert!(said.contains("wolke") && said.contains("taken by network"), "{said}");
    pair.change("any = [\"wolke\", \"shadow\"]", "any = [\"cloud\"]");
    let refused = pair.refused(&["-o", "other.tif"]);
    assert!(refused.contains("\"cloud\"") && refused.contains("wolke"), "{refused}");
}

/// The mask of a has the first two columns alone: what it does not cover cannot be judged.
#[test]
fn a_mask_on_another_grid_is_brought_to_the_scene_and_hides_what_it_does_not_cover() {
    let pair = pair();
    mask(&pair, "a", vec![0, 0, 1, 0, 0, 0], 2, None);
    assert_eq!(pair.result(&[]), [100, 201, 202, 0, 204, 105, 0, 0, 108, 109, 210, 211]);
    let path = pair.path("masks/b_OCM_v1_8_1.tif");
    Raster { width: 4, bands: vec![vec![0_u8; 12]], shift: (900.0, 0.0), nodata: None, options: &[] }
        .write(&path);
    let refused = pair.refused(&["-o", "other.tif"]);
    assert!(refused.contains("scene b: band OCM lies elsewhere than B1"), "{refused}");
}

#[test]
fn a_scene_without_its_mask_is_refused_or_left_out_by_name() {
    let pair = pair();
    std::fs::remove_file(pair.path("masks/b_OCM_v1_8_1.tif")).unwrap();
    let refused = pair.refused(&[]);
    let why = "scene b: it has no OCM: nothing is like masks/{id}_OCM*.tif; missing = \"skip\" leaves such scenes out";
    assert!(refused.contains(why) && refused.contains("rules.toml:5"), "{refused}");
    pair.change("layout = \"omnicloudmask\"", "layout = \"omnicloudmask\"\nmissing = \"skip\"");
    assert_eq!(pair.result(&[])[1], 0);
    let scenes = sidecar(&pair.path("out.tif"))["scenes"].clone();
    let b = scenes.as_array().unwrap().iter().find(|scene| scene["id"] == "b").unwrap().to_string();
    assert!(b.contains("it has no OCM"), "{b}");
    std::fs::write(pair.path("masks/b_OCM_1.tif"), "not a raster").unwrap();
    assert!(pair.refused(&["-o", "other.tif"]).contains("b_OCM_1.tif"));
    std::fs::copy(pair.path("masks/a_OCM_v1_8_1.tif"), pair.path("masks/b_OCM_2.tif")).unwrap();
    assert!(pair.refused(&["-o", "other.tif"]).contains("two files fit scene b"));
}

/// 0 is clear: a writer that tags it as nodata did not mean that nothing is known there.
#[test]
fn a_nodata_tag_on_a_class_is_passed_over_and_any_other_hides() {
    let pair = pair();
    let codes = || vec![0, 0, 0, 1, 255, 0, 0, 0, 0, 0, 0, 0];
    mask(&pair, "a", codes(), 4, Some(0.0));
    let output = pair.compose(&[]);
    assert!(
        stderr(&output).contains("OCM: the tag nodata = 0 is passed over, as 0 is clear"),
        "{}",
        stderr(&output)
    );
    assert_eq!(read::<u16>(&pair.path("out.tif"))[0][..5], [100, 201, 102, 0, 204]);
    mask(&pair, "a", codes(), 4, Some(255.0));
    assert_eq!(pair.result(&["--overwrite"])[..5], [100, 201, 102, 0, 204]);
}

#[test]
fn a_probability_is_percent_or_a_fraction_and_its_holes_are_not_clear() {
    let pair = pair();
    pair.change("omnicloudmask", "s2cloudless");
    pair.change(
        "kind = \"bits\"\nband = \"OCM\"\nany = [\"thick-cloud\", \"cloud-shadow\"]",
        "kind = \"range\"\nband = \"OCM\"\nmin = 0.4\nunit = \"physical\"",
    );
    let fraction = |id: &str, values: [f32; 12]| {
        let path = pair.path(&format!("masks/{id}_OCM_v1_8_1.tif"));
        Raster { width: 4, bands: vec![values.to_vec()], shift: (0.0, 0.0), nodata: None, options: &[] }
            .write(&path);
    };
    mask(&pair, "b", vec![0; 12], 4, None);
    let nan = f32::NAN;
    fraction("a", [0.0, 0.0, 0.0, 0.4, 0.39, nan, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(pair.result(&[])[3..6], [203, 104, 205]);
    mask(&pair, "a", vec![0, 0, 0, 40, 39, 0, 0, 0, 0, 0, 0, 0], 4, None);
    assert_eq!(pair.result(&["--overwrite"])[3..6], [203, 104, 105]);
}

#[test]
fn what_is_wrong_in_the_table_is_said_where_it_stands() {
    let wrong = |from: &str, to: &str| {
        let pair = pair();
        pair.change(from, to);
        pair.refused(&[])
    };
    for (from, to, said) in [
        ("files = \"masks/{id}_OCM*.tif\"\n", "", "[[scenes.beside]] has no files"),
        ("{id}_OCM", "OCM", "holds no {id}"),
        ("band = \"OCM\"\nlayout", "layout", "has no band; say by which name rules ask for it"),
        ("\"omnicloudmask\"", "\"omnicloud\"", "did you mean \"omnicloudmask\"?"),
        ("\"omnicloudmask\"", "{ one = \"cloud\" }", "\"one\" is no code"),
        ("\"omnicloudmask\"", "{ 1 = \"cloud\", 2 = \"Cloud\" }", "has two classes \"cloud\""),
        ("layout = \"omni", "number = 2\nlayout = \"omni", "band \"OCM\" = 2"),
        (
            "layout = \"omni",
            "missing = \"maybe\"\nlayout = \"omni",
            "unknown variant `maybe`, expected `error` or `skip`",
        ),
        ("band = \"OCM\"\nlayout", "band = \"QA\"\nlayout", "band QA of scene a is found twice"),
    ] {
        let text = wrong(from, to);
        assert!(text.contains(said) && text.contains("rules.toml:"), "{to}: {text}");
    }
}

#[test]
fn a_mask_that_no_rule_reads_is_remarked_on() {
    let pair = pair();
    pair.change(RULE, "");
    let plan = stdout(&pair.compose(&["--plan"]));
    assert!(plan.contains("no mask rule reads OCM of [[scenes.beside]]: it masks nothing"), "{plan}");
}

#[test]
fn a_plan_file_keeps_the_masks_and_refuses_a_changed_one() {
    let pair = pair();
    let first = pair.result(&[]);
    assert!(pair.compose(&["--save-plan", "plan.json", "--overwrite"]).status.success());
    let carried = |more: &[&str]| {
        crate::support::compose()
            .current_dir(pair.folder.path())
            .args(["--from-plan", "plan.json"])
            .args(more)
            .output()
            .unwrap()
    };
    let output = carried(&["--overwrite"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(read::<u16>(&pair.path("out.tif"))[0], first);
    mask(&pair, "a", vec![1; 12], 4, None);
    let output = carried(&["--overwrite"]);
    assert!(!output.status.success() && stderr(&output).contains("a_OCM_v1_8_1.tif"), "{}", stderr(&output));
}

/// Whatever says that nothing is known there: a number of a signed type, a code that the network does not write, a class.
#[test]
fn what_a_mask_cannot_judge_is_never_clear() {
    let signed = |nodata: Option<f64>, said: &str| {
        let pair = pair();
        if !said.is_empty() {
            pair.change("layout = \"omnicloudmask\"", &format!("layout = \"omnicloudmask\"\n{said}"));
        }
        let codes: Vec<i16> = vec![0, 0, 0, 1, -1, 0, 0, 0, 0, 0, 0, 0];
        let path = pair.path("masks/a_OCM_v1_8_1.tif");
        Raster { width: 4, bands: vec![codes], shift: (0.0, 0.0), nodata, options: &[] }.write(&path);
        pair.result(&[])[3..6].to_vec()
    };
    assert_eq!(signed(Some(-1.0), ""), [0, 204, 105]);
    assert_eq!(signed(None, "nodata = -1"), [0, 204, 105]);
    assert_eq!(signed(None, ""), [0, 204, 105], "no class of the layout");
    let two = pair();
    two.change(
        "layout = \"omnicloudmask\"",
        "layout = { 1 = \"thick-cloud\", 3 = \"cloud-shadow\", 7 = \"nodata\", 255 = \"fill\" }",
    );
    mask(&two, "a", vec![0, 0, 0, 1, 255, 7, 0, 0, 0, 0, 0, 0], 4, None);
    assert_eq!(two.result(&[])[3..6], [0, 204, 205]);
    let masked = pair();
    crate::support::change(&masked.path("masks/a_OCM_v1_8_1.tif"), |dataset| {
        let mut band = dataset.rasterband(1).unwrap();
        band.create_mask_band(true).unwrap();
        let mut valid = gdal::raster::Buffer::new(
            (4, 3),
            vec![255_u8, 255, 255, 255, 255, 0, 255, 255, 255, 255, 255, 255],
        );
        band.open_mask_band().unwrap().write((0, 0), (4, 3), &mut valid).unwrap();
    });
    assert_eq!(masked.result(&[])[3..6], [0, 104, 205]);
}
