//! A plan file gives the bits that its rules give: images, records, pictures, and reports.

use super::Work;
use crate::plugins::compile;
use crate::support::{listing, root, stderr, stdout};
use serde_json::Value;
use std::path::Path;

/// Two predictions: the mask `donor-residual` compares with them, `tdom` learns nothing; the target lies between pixels of
/// two of its donors.
const EXETER: &str = r#"
[scenes]
path        = "scenes"
pattern     = '(?P<id>exe_(?P<date>\d{4}-\d{2}-\d{2}))_.*\.tif'
date-format = "%Y-%m-%d"
bands       = { B02 = "B02", B04 = "B04", B08 = "B08", SCL = "SCL" }
quality     = "SCL"
layout      = "sentinel-2-scl"
scale       = 0.0001
offset      = -0.1
[target]
scene = "exe_2024-08-26"
[[mask]]
name   = "cloud"
kind   = "values"
values = [0, 1, 3, 8, 9, 10]
grow   = "60 m"
[[mask]]
name = "dark"
any  = [{ kind = "donor-residual", infrared = ["B08"], visible = ["B04"] }, { kind = "tdom", nir = "B08", swir1 = "B04", at-least = 2 }]
[[fill]]
strategy    = "seamless"
within-days = 30
[[fill]]
strategy = "multi-regress"
[[fill]]
strategy = "median-stack"
[output]
path        = "out/{id}.tif"
mask        = true
uncertainty = true
count       = true
quicklook   = true
"#;

/// A part of it, for tests that run the program often.
pub fn small() -> String {
    format!("{EXETER}[grid]\nbounds = [-3540.0, 1340.0, -1540.0, 3340.0]\n")
}

/// Insists on the same files from the rules and from the plan, which is carried out in other blocks.
fn assert_same(work: &Work, environment: Option<(&str, &Path)>) {
    let with = |args: &[&str]| {
        let mut program = work.program(args);
        environment.map(|(name, value)| program.env(name, value));
        program
    };
    let direct = work.outputs(&mut with(&["--rules", "rules.toml"]));
    let saved = with(&["--rules", "rules.toml", "--save-plan", "plan.json"]).output().unwrap();
    assert!(saved.status.success(), "{}", stderr(&saved));
    for more in [&[][..], &["--block-size", "100", "-j", "2"]] {
        let planned = work.outputs(&mut with(&[&["--from-plan", "plan.json"], more].concat()));
        assert_eq!(
            direct.keys().collect::<Vec<_>>(),
            planned.keys().collect::<Vec<_>>(),
            "the same files are written"
        );
        for (name, content) in &direct {
            assert!(planned[name] == *content, "{name} differs, {more:?}");
        }
    }
}

#[test]
fn surveys_of_masks_and_fills_come_back_to_the_bit() {
    assert_same(&Work::with_scenes_of("sentinel2", EXETER), None);
}

#[test]
fn each_target_is_an_output_of_one_plan_and_those_that_are_left_out_stay_out() {
    let rules = small()
        .replace("scene = \"exe_2024-08-26\"", "scene = \"each\"\nskip-above = 60")
        .replace("[scenes]", "[scenes]\nfrom = 2024-08-01")
        .replace("quicklook   = true", "quicklook = false");
    let work = Work::with_scenes_of("sentinel2", &rules);
    assert_same(&work, None);
    let plan = stdout(&work.compose(&["--from-plan", "plan.json", "--plan"]));
    assert!(plan.contains("note: target exe_2024-08-26 is left out: "), "{plan}");
    assert!(plan.contains("output out/exe_2024-08-01.tif"), "{plan}");
}

#[test]
fn a_grid_of_another_system_and_options_above_the_rules_are_part_of_the_plan() {
    let rules =
        EXETER.replace("[target]\nscene = \"exe_2024-08-26\"\n", "").replace("mask        = true", "");
    let rules = rules.split("[[fill]]").next().unwrap().to_owned()
        + "[[fill]]\nstrategy = \"geomedian\"\n[output]\npath = \"out/x.tif\"\n";
    let work = Work::with_scenes_of("sentinel2", &rules);
    let options = [
        "--dst-crs",
        "EPSG:4326",
        "--res",
        "0.0003",
        "--tap",
        "--date",
        "2024-08-20",
        "-r",
        "cubic",
        "-t",
        "float32",
        "--nodata",
        "nan",
        "-f",
        "cog",
        "-o",
        "out/y.tif",
        "--co",
        "OVERVIEWS=NONE",
        "--no-provenance",
    ];
    let direct = work.outputs(&mut work.program(&[&["--rules", "rules.toml"], &options[..]].concat()));
    work.save(&options);
    assert_eq!(direct.keys().collect::<Vec<_>>(), ["y.json", "y.tif"]);
    assert!(work.outputs(&mut work.program(&["--from-plan", "plan.json"])) == direct);
}

#[test]
fn the_kinds_of_a_plugin_take_part() {
    let rules = std::fs::read_to_string(root().join("plugins/ndvi-max/ndvi-max.toml")).unwrap();
    let rules = rules.replace("../../examples/sentinel2/scenes", "scenes");
    let work = Work::with_scenes_of("sentinel2", &rules);
    compile(&root().join("plugins/ndvi-max/ndvi_max.c"), &work.path("libndvi_max.so"), &["-lm"]);
    assert_same(&work, Some(("COMPOSE_PLUGIN_PATH", work.folder.path())));
}

#[test]
fn nodata_that_the_survey_found_is_in_the_plan() {
    let pair = crate::cli::implausible::with(-9999.0, 9);
    pair.change("[scenes]", "[scenes]\nimplausible = \"nodata\"");
    pair.result(&[]);
    let direct = std::fs::read(pair.path("out.tif")).unwrap();
    assert!(pair.compose(&["--save-plan", "plan.json", "--overwrite"]).status.success());
    let run = crate::support::compose()
        .current_dir(pair.folder.path())
        .args(["--from-plan", "plan.json", "--overwrite"])
        .output()
        .unwrap();
    assert!(stderr(&run).contains("-9999 is taken for nodata there"), "{}", stderr(&run));
    assert!(std::fs::read(pair.path("out.tif")).unwrap() == direct);
}

/// The bytes of a plan follow from the rules and the scenes; not from the machine, and not from what is said of memory.
#[test]
fn two_plans_of_the_same_rules_are_the_same_bytes() {
    let work = Work::with_scenes_of("sentinel2", &small());
    let said = work.save(&["-j", "1"]);
    let first = std::fs::read(work.path("plan.json")).unwrap();
    let hash = String::from_utf8_lossy(&first[first.len() - 68..first.len() - 56]).into_owned();
    assert_eq!(said, format!("wrote plan.json: {} kB, plan {hash}\n", first.len().div_ceil(1024)));
    // An earlier plan is replaced, and outputs that exist are no part of a plan.
    std::fs::write(work.path("out/exe_2024-08-26.tif"), "").unwrap();
    let again = ["--rules", "rules.toml", "--save-plan", "plan.json", "-j", "3", "-q"];
    let output = work.compose(&again);
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
    assert!(std::fs::read(work.path("plan.json")).unwrap() == first);
}

#[test]
fn a_plan_is_carried_out_from_any_folder_and_new_scenes_and_rules_do_not_matter() {
    let work = Work::with_scenes_of("sentinel2", &small());
    let direct = work.outputs(&mut work.program(&["--rules", "rules.toml"]));
    work.save(&[]);
    // A scene that comes later, and rules that are written anew.
    let scenes = work.path("scenes");
    let newest = listing(&scenes).into_iter().find(|name| name.contains("2024-08-16")).unwrap();
    std::fs::copy(scenes.join(&newest), scenes.join(newest.replace("08-16", "08-17"))).unwrap();
    std::fs::write(work.path("rules.toml"), "nonsense").unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let mut program = crate::support::compose();
    program.current_dir(elsewhere.path()).arg("--from-plan").arg(work.path("plan.json"));
    let said = stderr(&program.output().unwrap());
    let folder = work.folder.path().canonicalize().unwrap();
    let note = format!("note: paths start from {}, where the plan was made\n", folder.display());
    assert!(said.starts_with(&note) && said.contains("wrote out/exe_2024-08-26.tif"), "{said}");
    assert!(work.outputs(program.arg("--overwrite")) == direct);
    assert_eq!(listing(elsewhere.path()), [""; 0]);
}

#[test]
fn a_plan_is_shown_and_a_pixel_explained_from_a_plan_file_too() {
    let work = Work::with_scenes_of("sentinel2", &small());
    work.save(&[]);
    for more in [&["--plan"][..], &["--explain", "-3000 3000"]] {
        let of = |source: &[&str]| {
            let output = work.compose(&[source, more].concat());
            assert!(output.status.success(), "{}", stderr(&output));
            stdout(&output)
        };
        assert_eq!(of(&["--from-plan", "plan.json"]), of(&["--rules", "rules.toml"]), "{more:?}");
    }
}

#[test]
fn the_report_says_the_hash_of_its_plan_and_that_of_rules_says_none() {
    let work = Work::with_scenes_of("sentinel2", &small());
    work.save(&[]);
    let report = |args: &[&str]| {
        assert!(work.compose(args).status.success());
        crate::support::sidecar(&work.path("out/exe_2024-08-26.tif"))
    };
    let plan = std::fs::read_to_string(work.path("plan.json")).unwrap();
    let hash = plan.rsplit('"').nth(1).unwrap();
    assert_eq!(report(&["--from-plan", "plan.json"])["plan"], hash);
    assert_eq!(report(&["--rules", "rules.toml", "--overwrite"]).get("plan"), None);
}

#[test]
fn the_schema_tells_every_key_of_a_plan_file() {
    let work = Work::with_scenes_of("sentinel2", &small());
    work.save(&["--bounds", "-3540 1000 0 3340", "--nodata", "7"]);
    let schema: Value = serde_json::from_str(&stdout(&work.compose(&["schema", "--plan"]))).unwrap();
    let plan: Value = serde_json::from_slice(&std::fs::read(work.path("plan.json")).unwrap()).unwrap();
    let mut told = std::collections::BTreeSet::new();
    assert_told(&plan, &schema, &schema["$defs"], &mut told);
    assert!(told.len() > 60 && told.contains("reach") && told.contains("sha256"), "{told:?}");
    let refused = work.compose(&["schema", "--plan", "--rules", "rules.toml"]);
    assert_eq!(refused.status.code(), Some(2), "{}", stderr(&refused));
}

/// Insists that every key of a value is one of its schema, and that no required one is missing.
fn assert_told(value: &Value, schema: &Value, defs: &Value, told: &mut std::collections::BTreeSet<String>) {
    if let Some(name) = schema["$ref"].as_str().and_then(|of| of.strip_prefix("#/$defs/")) {
        return assert_told(value, &defs[name], defs, told);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let choice = choices.iter().find(|choice| choice["type"] != "null");
        if !value.is_null() {
            assert_told(value, choice.unwrap(), defs, told);
        }
        return;
    }
    match (value, schema["properties"].as_object()) {
        (Value::Object(entries), Some(properties)) => {
            for (key, value) in entries {
                let of = properties.get(key).unwrap_or_else(|| panic!("{key} is not told"));
                told.insert(key.clone());
                assert_told(value, of, defs, told);
            }
            let required = schema["required"].as_array().into_iter().flatten();
            required.for_each(|key| assert!(entries.contains_key(key.as_str().unwrap()), "{key}"));
        }
        (Value::Array(items), _) if schema["items"].is_object() => {
            items.iter().for_each(|item| assert_told(item, &schema["items"], defs, told));
        }
        _ => {}
    }
}
