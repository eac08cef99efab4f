//! After a change the tiles that it touches are done again, and only those.

use super::{Field, assert_same, report};

/// Plans anew and resumes; insists that so many tiles were written, so many kept, and that all is as from nothing.
fn resumed(field: &Field, expected: &str) {
    field.save_plan();
    let said = field.done(&["--from-plan", "plan.json", "--resume"]);
    assert!(said.contains(expected), "expected {expected}:\n{said}");
    assert_eq!(said.contains("still valid"), said.contains("note: an earlier plan made r0"), "{said}");
    let resumed = field.taken();
    field.done(&["--from-plan", "plan.json", "--quiet"]);
    assert_same(&field.files(), &resumed, expected);
}

#[test]
fn a_new_scene_changes_the_tiles_that_it_reaches() {
    let field = Field::side_by_side();
    field.save_plan();
    let plan = field.done(&["--rules", "rules.toml", "--plan"]);
    assert!(!plan.contains("survey"), "{plan}");
    field.done(&["--from-plan", "plan.json", "--quiet"]);
    let all = report(&field.path("out/mosaic.json"))["tiles"]["written"].as_u64().unwrap();
    assert_eq!(all, 21);
    // The latest of all, so that no other scene gets another number: 600 × 540 px from (700, 560) on.
    field.add_scene((28, (700.0, 560.0)));
    resumed(&field, "12 of 28 tiles written (16 were there, 16 of an earlier plan are still valid)");
    // One whose date comes first moves the numbers of all, and all records hold numbers.
    field.add_scene((1, (0.0, 0.0)));
    resumed(&field, "28 of 28 tiles written");
    // Nothing has changed.
    resumed(&field, "0 of 28 tiles written (28 were there)");
}

#[test]
fn a_scene_that_is_written_anew_changes_the_tiles_that_it_reaches() {
    let field = Field::side_by_side();
    field.save_plan();
    field.done(&["--from-plan", "plan.json", "--quiet"]);
    let scene = field.path("s20200614.tif");
    let said = field.done(&["status", "plan.json"]);
    assert!(said.contains("21 of 21 tiles done"), "{said}");
    let bytes = std::fs::read(&scene).unwrap();
    std::fs::write(&scene, bytes).unwrap();
    assert!(
        field
            .fails(&["--from-plan", "plan.json", "--resume"])
            .contains("s20200614.tif has been written since")
    );
    // 600 × 540 px from (0, 500) on.
    resumed(&field, "12 of 21 tiles written (9 were there, 9 of an earlier plan are still valid)");
}

#[test]
fn a_survey_makes_every_tile_depend_on_every_scene_that_it_reads() {
    let field = Field::repaired(256);
    field.save_plan();
    let plan = field.done(&["--rules", "rules.toml", "--plan"]);
    assert!(plan.contains("every tile depends on the 4 scenes that the survey reads"), "{plan}");
    field.done(&["--from-plan", "plan.json", "--quiet"]);
    field.add_scene((28, (0.0, 0.0)));
    resumed(&field, "9 of 9 tiles written");
}

#[test]
fn other_rules_change_every_tile_and_other_words_none() {
    let field = Field::side_by_side();
    field.save_plan();
    field.done(&["--from-plan", "plan.json", "--quiet"]);
    let change = |from: &str, to: &str| {
        let text = std::fs::read_to_string(field.path("rules.toml")).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(field.path("rules.toml"), text.replace(from, to)).unwrap();
    };
    change("[target]", "# The middle of the month.\n[target]");
    resumed(&field, "0 of 21 tiles written (21 were there, 21 of an earlier plan are still valid)");
    change("\"nearest-date\"", "\"median-stack\"");
    resumed(&field, "21 of 21 tiles written");
    // Without --resume nothing of another plan is touched.
    change("\"median-stack\"", "\"nearest-date\"");
    field.save_plan();
    let before = field.files();
    let said = field.fails(&["--from-plan", "plan.json"]);
    assert!(
        said.contains("tile r000_c000: out/r000_c000.json is of another plan (") && said.contains("--resume"),
        "{said}"
    );
    assert_same(&before, &field.files(), "refused");
}

/// A layout of one scene alone changes what its codes mean.
#[test]
fn what_rules_say_of_one_scene_changes_the_tiles_that_it_reaches() {
    let field = Field::side_by_side();
    let listed = |layout: &str| {
        let scenes = std::fs::read_to_string(field.path("rules.toml")).unwrap();
        let rest = &scenes[scenes.find("[target]").unwrap()..];
        let scene = |day: u32, layout: &str| {
            format!(
                "[[scene]]\nid = \"s202006{day:02}\"\nfile = \"s202006{day:02}.tif\"\ndate = 2020-06-{day:02}\n\
                 bands = {{ blue = 1, green = 2, red = 3, nir = 4, QA = 5 }}\nquality = \"QA\"\nlayout = \"{layout}\"\n\
                 nodata = 0\nscale = 0.0001\noffset = 0.0\n"
            )
        };
        let scenes =
            [(3, "landsat-c2-l89"), (9, layout), (14, "landsat-c2-l89")].map(|(day, of)| scene(day, of));
        std::fs::write(field.path("rules.toml"), format!("{}{rest}", scenes.concat())).unwrap();
    };
    listed("landsat-c2-l89");
    field.save_plan();
    field.done(&["--from-plan", "plan.json", "--quiet"]);
    listed("landsat-c1-sr-l8");
    field.save_plan();
    let said = field.done(&["--from-plan", "plan.json", "--resume"]);
    assert!(
        said.contains("of an earlier plan are still valid)") && !said.contains("0 of 21 tiles written"),
        "{said}"
    );
    let resumed = field.taken();
    field.done(&["--from-plan", "plan.json", "--quiet"]);
    assert_same(&field.files(), &resumed, "another layout");
}

/// A scene that is gone leaves tiles that no other reaches: they are refused, or removed.
#[test]
fn tiles_that_no_scene_reaches_any_more_are_removed() {
    let field = Field::side_by_side();
    field.save_plan();
    field.done(&["--from-plan", "plan.json", "--quiet"]);
    std::fs::remove_file(field.path("s20200609.tif")).unwrap();
    field.save_plan();
    let status = field.compose(&["status", "plan.json"]);
    assert_eq!(status.status.code(), Some(1));
    assert!(crate::support::stdout(&status).contains("of another plan"));
    let said = field.fails(&["--from-plan", "plan.json"]);
    assert!(said.contains("is of another plan"), "{said}");
    let said = field.done(&["--from-plan", "plan.json", "--resume"]);
    assert!(said.contains("note: r00") && said.contains("this plan has no such tiles"), "{said}");
    // The shares that are told are those of the run, with what no scene reaches.
    let shares = said.trim_end().lines().last().unwrap();
    let status = field.done(&["status", "plan.json"]);
    assert_eq!(status.trim_end().lines().last().unwrap(), shares, "{status}");
    let resumed = field.taken();
    field.done(&["--from-plan", "plan.json", "--quiet"]);
    assert_same(&field.files(), &resumed, "without a scene");
}

/// Every file over all tiles may be written again, and files that are no longer asked for go.
#[test]
fn outputs_that_come_and_go_leave_no_file_behind() {
    let field = Field::repaired(256);
    let set = |from: &str, to: &str| {
        let text = std::fs::read_to_string(field.path("rules.toml")).unwrap();
        assert!(text.contains(from));
        std::fs::write(field.path("rules.toml"), text.replace(from, to)).unwrap();
    };
    let output = "[output]\npath = \"out/{tile}.tif\"\n";
    let with = format!("{output}mask = true\nuncertainty = true\nquicklook = true\n");
    set(output, &with);
    field.save_plan();
    for part in ["1/2", "2/2"] {
        field.done(&["--from-plan", "plan.json", "--part", part, "-q"]);
    }
    let said = field.done(&["--from-plan", "plan.json", "--resume"]);
    assert!(said.contains("0 of 9 tiles written (9 were there)"), "{said}");
    assert!(field.path("out/r000_c000_after.png").exists() && field.path("out/mosaic_masks.vrt").exists());
    set(&with, output);
    resumed(&field, "9 of 9 tiles written");
    // A file that nobody of us wrote is nobody's business.
    std::fs::write(field.path("out/r000_c000_after.png"), "a note").unwrap();
    let said = field.done(&["--from-plan", "plan.json", "--resume"]);
    assert!(said.contains("0 of 9 tiles written (9 were there)"), "{said}");
    assert_eq!(std::fs::read(field.path("out/r000_c000_after.png")).unwrap(), b"a note");
}

/// A report that was edited does not vouch for a tile.
#[test]
fn reports_that_were_edited_are_not_believed() {
    let field = Field::repaired(256);
    field.save_plan();
    field.done(&["--from-plan", "plan.json", "-q"]);
    let whole = field.files();
    let path = field.path("out/r001_c001.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    let plan = value["tile"]["plan"].as_str().unwrap();
    let mut without_files = value.clone();
    without_files["files"] = serde_json::json!([]);
    let mut entry = value.clone();
    entry["files"][0] = 3.into();
    for edited in [
        text.replacen(plan, "", 1),
        text.replacen(plan, "c", 1),
        without_files.to_string(),
        entry.to_string(),
        "{}".into(),
    ] {
        std::fs::write(&path, &edited).unwrap();
        assert!(field.fails(&["--from-plan", "plan.json"]).contains("r001_c001"), "{edited}");
        let said = field.done(&["--from-plan", "plan.json", "--resume"]);
        assert!(said.contains("1 of 9 tiles written (8 were there)"), "{edited}\n{said}");
        assert_same(&whole, &field.files(), &edited);
    }
}

/// Tiles of another size have other names in part: those that are left over go.
#[test]
fn tiles_of_another_size_do_not_stay_beside_the_new_ones() {
    let field = Field::repaired(256);
    field.done(&["--rules", "rules.toml", "-q"]);
    let path = field.path("rules.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("tile-size = 256", "tile-size = 512")).unwrap();
    field.save_plan();
    assert!(field.fails(&["--from-plan", "plan.json"]).contains("this one has no such tile"));
    resumed(&field, "4 of 4 tiles written");
}

/// Two tables whose scenes change places: each scene has the other layout then.
#[test]
fn the_table_of_a_scene_decides_its_tiles() {
    let field = Field::side_by_side();
    let path = field.path("rules.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let (scenes, rest) = text.split_once("[target]").unwrap();
    let table = |days: &str, layout: &str| {
        let table = scenes.replace("[scenes]", "[[scenes]]").replace("s*.tif", days);
        table.replace("landsat-c2-l89", layout)
    };
    let write = |(modern, old): (&str, &str)| {
        let tables = table(modern, "landsat-c2-l89") + &table(old, "landsat-c1-sr-l8");
        std::fs::write(&path, format!("{tables}[target]{rest}")).unwrap();
    };
    write(("s2020060*.tif", "s2020061*.tif"));
    field.done(&["--rules", "rules.toml", "-q"]);
    write(("s2020061*.tif", "s2020060*.tif"));
    resumed(&field, "21 of 21 tiles written");
}
