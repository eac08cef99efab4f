//! `compose kinds`, `compose schema`, `compose inspect`.

use crate::support::{CLEAR, CLOUD, Pair, Raster, compose, read, root, run, stderr, stdout};

const KINDS: [&str; 7] =
    ["bits", "values", "range", "single-donor", "nearest-date", "median-stack", "mean-stack"];

#[test]
fn every_kind_is_listed_with_a_sentence_and_has_a_page() {
    let list = stdout(&run(&["kinds"]));
    for kind in KINDS {
        let line = list.lines().find(|l| l.trim_start().starts_with(&format!("{kind} ")));
        assert!(line.is_some_and(|l| l.ends_with('.')), "{kind}: {list}");
        let page = stdout(&run(&["kinds", kind]));
        assert!(page.starts_with(&format!("# {kind}")), "{page}");
        for heading in ["## What it does", "## Settings", "## Example", "## Edge cases"] {
            assert!(page.contains(heading), "{kind} has no {heading}");
        }
    }
}

#[test]
fn an_unknown_kind_is_answered_with_the_nearest() {
    let output = compose().args(["kinds", "nearest-dat"]).output().unwrap();
    assert_eq!((output.status.code(), stdout(&output)), (Some(2), String::new()));
    assert!(stderr(&output).contains("did you mean \"nearest-date\"?"), "{}", stderr(&output));
}

#[test]
fn the_schema_is_json_and_knows_every_table_and_kind() {
    let text = stdout(&run(&["schema"]));
    let schema: serde_json::Value = serde_json::from_str(&text).unwrap();
    for table in ["scenes", "scene", "target", "grid", "mask", "fill", "output"] {
        assert!(schema["properties"].get(table).is_some(), "{table}");
    }
    for kind in KINDS {
        assert!(text.contains(&format!("\"{kind}\"")), "{kind}");
    }
    for key in ["within-days", "donor-mask", "at-least", "quicklook", "days-of-year", "resampling"] {
        assert!(text.contains(&format!("\"{key}\"")), "{key}");
    }
}

fn inspect(pair: &Pair, args: &[&str]) -> String {
    let output = compose().current_dir(pair.folder.path()).arg("inspect").args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    stdout(&output)
}

#[test]
fn inspect_tells_grid_bands_nodata_and_blocks() {
    let pair = Pair::new();
    let said = inspect(&pair, &["a_b1.tif"]);
    for expected in ["a_b1.tif", "GTiff", "4×3 px", "EPSG:32613", "band 1: uint16, nodata 0", "blocks of"] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[test]
fn inspect_tells_each_code_its_share_its_meaning_and_who_takes_it() {
    let pair = Pair::new();
    let codes = [vec![CLEAR; 6], vec![CLOUD; 3], vec![23888; 2], vec![1]].concat();
    pair.raster("a_qa.tif", codes);
    let said = inspect(&pair, &["a_qa.tif", "--layout", "landsat-c2-l89"]);
    for expected in [
        "4 of them",
        "21824  50.000 %  clear",
        "22280  25.000 %  cloud + cloud-confidence high",
        "23888  16.667 %  cloud-shadow",
        "1   8.333 %  fill",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let said = inspect(&pair, &["a_qa.tif", "--rules", "rules.toml"]);
    let line = |code: &str| said.lines().find(|l| l.trim_start().starts_with(code)).unwrap().to_owned();
    assert!(said.contains("scene a, 2020-06-01 (by the rules file)"), "{said}");
    assert!(line("22280").ends_with("→ taken by cloud"), "{said}");
    assert!(line("21824").ends_with("→ kept"), "{said}");
    // By neighbours a rule may take what its code alone does not say.
    pair.change("any = [\"cloud\"]", "any = [\"cloud\"]\ngrow = 1");
    let said = inspect(&pair, &["a_qa.tif", "--rules", "rules.toml"]);
    let line = |code: &str| said.lines().find(|l| l.trim_start().starts_with(code)).unwrap().to_owned();
    assert!(line("22280").ends_with("→ taken by cloud"), "{said}");
    assert!(line("21824").ends_with("→ taken by cloud (only by growing)"), "{said}");
    pair.change("grow = 1", "open = 1");
    let said = inspect(&pair, &["a_qa.tif", "--rules", "rules.toml"]);
    let line = |code: &str| said.lines().find(|l| l.trim_start().starts_with(code)).unwrap().to_owned();
    assert!(line("22280").ends_with("→ taken by cloud (not by the code alone)"), "{said}");
    assert!(line("21824").ends_with("→ kept"), "{said}");
}

/// Where a rule reads a quality band, fill is unusable whatever the rule looks for.
#[test]
fn inspect_calls_fill_unusable_as_a_run_does() {
    let pair = Pair::new();
    pair.raster("a_qa.tif", [vec![CLEAR; 11], vec![1]].concat());
    let fate = |code: u16| {
        let said = inspect(&pair, &["a_qa.tif", "--rules", "rules.toml"]);
        let line = said.lines().find(|l| l.trim_start().starts_with(&format!("{code} "))).unwrap();
        line.split_once('→').unwrap().1.trim().to_owned()
    };
    assert_eq!((fate(1), fate(CLEAR)), ("unusable (fill)".into(), "kept".into()));
    // The run agrees: the last pixel is not observed, but filled.
    pair.result(&[]);
    assert_eq!(read::<u16>(&pair.path("out_provenance.tif"))[1][11], 1);
    // Neighbours do not change it, and who asks for it by name is told.
    pair.change("any = [\"cloud\"]", "any = [\"cloud\"]\ngrow = 1");
    assert_eq!((fate(1), fate(CLEAR)), ("unusable (fill)".into(), "taken by cloud (only by growing)".into()));
    pair.change("any = [\"cloud\"]\ngrow = 1", "any = [\"fill\"]");
    assert_eq!(fate(1), "unusable (fill), taken by cloud");
    // No rule, no judgement: a band that nobody reads keeps nothing out.
    pair.change("[[mask]]\nname = \"cloud\"\nkind = \"bits\"\nany = [\"fill\"]\n", "");
    assert_eq!(fate(1), "kept");
    assert_eq!(pair.result(&["--overwrite"])[11], 111);
    assert_eq!(read::<u16>(&pair.path("out_provenance.tif"))[1][11], 0);
}

#[test]
fn inspect_knows_products_by_their_names() {
    let folder = root().join("examples/landsat8/scenes/LC80530722013137LGN01");
    let said = stdout(&run(&["inspect", folder.join("LC80530722013137LGN01_BQA.TIF").to_str().unwrap()]));
    for expected in ["LC80530722013137LGN01", "2013-05-17", "landsat-pre-collection", "cloud"] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let scenes = root().join("examples/sentinel2/scenes");
    let one = std::fs::read_dir(scenes)
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.extension().is_some_and(|e| e == "tif"));
    let said = stdout(&run(&["inspect", one.unwrap().to_str().unwrap()]));
    assert!(said.contains("SCL") && said.contains("codes of band 5"), "{said}");
}

#[test]
fn inspect_names_what_it_cannot_read_and_fails() {
    let pair = Pair::new();
    std::fs::write(pair.path("text.tif"), "no raster").unwrap();
    Raster { width: 4, bands: vec![vec![0.5_f32; 12]], shift: (0.0, 0.0), nodata: None, options: &[] }
        .write(&pair.path("float.tif"));
    let fails = |args: &[&str], said: &str| {
        let output = compose().current_dir(pair.folder.path()).arg("inspect").args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(stderr(&output).contains(said), "{args:?}: {}", stderr(&output));
    };
    fails(&["nowhere.tif"], "nowhere.tif: no such file");
    fails(&["text.tif"], "text.tif");
    fails(&["a_b1.tif", "--layout", "landsat-c3"], "landsat-c3");
    fails(&["a_b1.tif", "--quality", "QB"], "QB");
    fails(&["float.tif", "--layout", "landsat-c2-l89"], "float.tif");
    fails(&["a_b1.tif", "--rules", "nowhere.toml"], "nowhere.toml");
}

#[test]
fn subcommands_and_runs_do_not_mix() {
    for args in [&["kinds", "--rules", "a.toml"][..], &["--rules", "a.toml", "schema"], &["inspect"]] {
        assert_eq!(compose().args(args).output().unwrap().status.code(), Some(2), "{args:?}");
    }
}
