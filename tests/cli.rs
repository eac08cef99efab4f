//! Options, exit codes, and the files that a run leaves.

use crate::support::{CLOUD, Pair, compose, listing, read, run, stderr, stdout, tag};
use gdal::Metadata;
use serde_json::Value;

fn sidecar(pair: &Pair) -> Value {
    serde_json::from_str(&std::fs::read_to_string(pair.path("out.json")).unwrap()).unwrap()
}

#[test]
fn a_gap_is_filled_from_the_other_date_and_what_nobody_sees_stays_open() {
    let pair = Pair::new();
    let result = pair.result(&[]);
    assert_eq!(result, [100, 201, 102, 103, 104, 105, 0, 107, 108, 109, 110, 111]);
    assert_eq!(listing(pair.folder.path()).iter().filter(|n| n.starts_with("out")).count(), 3);
}

#[test]
fn the_last_line_says_what_was_filled_by_what() {
    let pair = Pair::new();
    let said = stderr(&pair.compose(&[]));
    assert_eq!(said.lines().last(), Some("filled 50.0 % · nearest-date 50.0 · left 50.0"), "{said}");
}

#[test]
fn a_fully_clear_scene_is_a_success() {
    let pair = Pair::new();
    pair.raster("a_qa.tif", vec![crate::support::CLEAR; 12]);
    let output = pair.compose(&["--require-complete"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("nothing to fill"), "{}", stderr(&output));
}

#[test]
fn gaps_that_remain_are_exit_status_1_only_where_completeness_is_required() {
    let pair = Pair::new();
    assert_eq!(pair.compose(&[]).status.code(), Some(0));
    assert_eq!(pair.compose(&["--overwrite", "--require-complete"]).status.code(), Some(1));
    assert!(pair.path("out.tif").exists());
}

#[test]
fn quiet_says_nothing_and_no_progress_is_shown_without_a_terminal() {
    let pair = Pair::new();
    let output = pair.compose(&["-q"]);
    assert_eq!((stderr(&output), stdout(&output)), (String::new(), String::new()));
    let loud = stderr(&pair.compose(&["--overwrite"]));
    assert!(!loud.contains('%') || !loud.contains("Mpixel/s"), "{loud}");
}

#[test]
fn the_plan_says_what_would_be_done_and_why_and_writes_nothing() {
    let pair = Pair::new();
    let before = listing(pair.folder.path());
    let output = pair.compose(&["--plan"]);
    let plan = stdout(&output);
    for part in [
        "2020-06-01  target   a",
        "2020-06-17  donor    b",
        "paste: same grid",
        "nearest-date: 1 donor\n",
        "cloud: QA: cloud (bit 3)",
        "memory: limit",
        "4×3 px",
    ] {
        assert!(plan.contains(part), "{part}\n{plan}");
    }
    assert_eq!(listing(pair.folder.path()), before);
}

#[test]
fn the_output_may_be_named_by_option_or_last() {
    for arguments in [vec!["-o", "other.tif"], vec!["--output", "other.tif"], vec!["other.tif"]] {
        let pair = Pair::new();
        let output = pair.compose(&arguments);
        assert!(output.status.success(), "{}", stderr(&output));
        assert!(pair.path("other.tif").exists() && !pair.path("out.tif").exists());
    }
}

#[test]
fn provenance_tells_source_stage_and_age_of_every_pixel() {
    let pair = Pair::new();
    pair.change("path = \"out.tif\"", "path = \"out.tif\"\ncount = true");
    pair.result(&[]);
    let planes = read::<u16>(&pair.path("out_provenance.tif"));
    let at = |pixel: usize| planes.iter().map(|p| p[pixel]).collect::<Vec<_>>();
    assert_eq!(at(0), [0, 0, 0, 2]);
    assert_eq!(at(1), [1, 1, 16, 1]);
    assert_eq!(at(6), [65535, 65535, 65535, 0]);
    assert_eq!(at(7), [0, 0, 0, 1]);
    let dataset = gdal::Dataset::open(pair.path("out_provenance.tif")).unwrap();
    let names: Vec<String> = dataset.rasterbands().map(|b| b.unwrap().description().unwrap()).collect();
    assert_eq!(names, ["source", "stage", "age", "count"]);
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
fn provenance_and_sidecar_can_be_switched_off() {
    let pair = Pair::new();
    pair.change("path = \"out.tif\"", "path = \"out.tif\"\nsidecar = false");
    pair.result(&["--no-provenance"]);
    assert!(!pair.path("out_provenance.tif").exists() && !pair.path("out.json").exists());
}

#[test]
fn the_sidecar_holds_rules_scenes_versions_and_shares() {
    let pair = Pair::new();
    pair.result(&[]);
    let sidecar = sidecar(&pair);
    assert_eq!(sidecar["compose"], env!("CARGO_PKG_VERSION"));
    assert_eq!(sidecar["rules"]["tables"]["scene"][0]["date"], "2020-06-01");
    assert_eq!(sidecar["scenes"][1]["fate"], "donor");
    assert_eq!(sidecar["scenes"][1]["alignment"][0], "paste: same grid");
    assert_eq!(sidecar["result"]["stages"][1]["scenes"][0]["id"], "b");
    assert_eq!((&sidecar["result"]["masked"], &sidecar["result"]["left"]), (&2.into(), &1.into()));
}

#[test]
fn the_image_carries_names_nodata_dates_and_scene_ids() {
    let pair = Pair::new();
    pair.change("[scenes]\n", "[scenes]\nscale = 0.5\noffset = -1.0\n");
    pair.result(&[]);
    let dataset = gdal::Dataset::open(pair.path("out.tif")).unwrap();
    let band = dataset.rasterband(1).unwrap();
    assert_eq!((band.description().unwrap().as_str(), band.no_data_value()), ("B1", Some(0.0)));
    assert_eq!((band.scale(), band.offset()), (Some(0.5), Some(-1.0)));
    assert_eq!(tag(&pair.path("out.tif"), "COMPOSE_SCENES").unwrap(), "0 2020-06-01 a; 1 2020-06-17 b");
    assert_eq!(tag(&pair.path("out.tif"), "COMPOSE_TARGET_DATE").unwrap(), "2020-06-01");
}

#[test]
fn numbers_of_other_radiometry_are_converted_to_the_targets() {
    let pair = Pair::new();
    pair.change("date = 2020-06-01\n", "date = 2020-06-01\nscale = 0.5\noffset = 0.0\n");
    pair.change("date = 2020-06-17\n", "date = 2020-06-17\nscale = 1.0\noffset = -10.0\n");
    // 201 × 1 − 10 = 191 = 382 × 0.5
    assert_eq!(pair.result(&[])[1], 382);
    let said = sidecar(&pair)["scenes"][1]["radiometry"].to_string();
    assert!(said.contains("converted to the numbers of a"), "{said}");
}

#[test]
fn a_cog_has_its_layout_and_nearest_overviews_of_codes() {
    let pair = Pair::new();
    let output = pair.compose(&["--format", "cog"]);
    assert!(output.status.success(), "{}", stderr(&output));
    for name in ["out.tif", "out_provenance.tif"] {
        let dataset = gdal::Dataset::open(pair.path(name)).unwrap();
        assert_eq!(dataset.metadata_item("LAYOUT", "IMAGE_STRUCTURE").as_deref(), Some("COG"), "{name}");
    }
    assert_eq!(read::<u16>(&pair.path("out.tif"))[0][1], 201);
}

#[test]
fn compression_type_and_nodata_can_be_chosen() {
    let pair = Pair::new();
    pair.change("path = \"out.tif\"", "path = \"out.tif\"\ncompress = \"zstd\"\nlevel = 1");
    let output = pair.compose(&["--dtype", "int32", "--nodata", "-1", "--co", "TILED=NO"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(read::<i32>(&pair.path("out.tif"))[0][6], -1);
    let dataset = gdal::Dataset::open(pair.path("out.tif")).unwrap();
    assert_eq!(dataset.metadata_item("COMPRESSION", "IMAGE_STRUCTURE").as_deref(), Some("ZSTD"));
}

/// What GDAL cannot write is refused with the plan, in words that name the option.
#[test]
fn a_tile_width_that_tiff_cannot_have_is_refused_by_name() {
    let pair = Pair::new();
    for more in [
        &["--co", "BLOCKXSIZE=17"][..],
        &["--co", "BLOCKXSIZE=17", "--plan"],
        &["--co", "BLOCKXSIZE=17", "--explain", "405045 4499985"],
    ] {
        let said = pair.refused(more);
        let expected = "creation option BLOCKXSIZE=17; expected a multiple of 16 from 16 to 4096\n";
        assert_eq!(said, format!("error: out.tif: {expected}"), "{more:?}");
    }
    for side in ["0", "17"] {
        let said = pair.refused(&["--format", "cog", "--co", &format!("BLOCKSIZE={side}")]);
        assert!(said.contains(&format!("BLOCKSIZE={side}; expected a multiple of 16")), "{said}");
    }
}

#[test]
fn each_scene_is_repaired_under_a_name_of_its_own() {
    let pair = Pair::new();
    let output = pair.compose(&["--target", "each", "-o", "{id}_{date}.tif"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(read::<u16>(&pair.path("a_2020-06-01.tif"))[0][1], 201);
    assert_eq!(read::<u16>(&pair.path("b_2020-06-17.tif"))[0][7], 107);
}

#[test]
fn the_grid_can_be_stated_on_the_command_line() {
    let pair = Pair::new();
    let output = pair.compose(&["--bounds", "405030,4499940,405090,4500000", "--res", "30"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(read::<u16>(&pair.path("out.tif")), [[201, 102, 105, 0]]);
    let output =
        pair.compose(&["--overwrite", "--bounds", "405031 4499941 405089 4499999", "--res", "30", "--tap"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(read::<u16>(&pair.path("out.tif")), [[201, 102, 105, 0]]);
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

#[test]
fn inspect_tells_codes_shares_meanings_and_which_rules_take_them() {
    let pair = Pair::new();
    let rules = pair.path("rules.toml");
    let file = pair.path("a_qa.tif");
    let said = stdout(&run(&["inspect", file.to_str().unwrap(), "--rules", rules.to_str().unwrap()]));
    let line = said.lines().find(|l| l.contains(&CLOUD.to_string())).unwrap_or_default();
    assert!(line.contains("16.667 %") && line.contains("cloud confidence high"), "{said}");
    assert!(line.contains("taken by cloud"), "{said}");
    assert!(said.contains("scene a, 2020-06-01"), "{said}");
}

/// Where a rule reads a quality band, fill is unusable whatever the rule looks for.
#[test]
fn inspect_calls_fill_unusable_as_a_run_does() {
    use crate::support::CLEAR;
    let pair = Pair::new();
    pair.raster("a_qa.tif", [vec![CLEAR; 11], vec![1]].concat());
    let fate = |code: u16| {
        let args = ["inspect", "a_qa.tif", "--rules", "rules.toml"];
        let output = compose().current_dir(pair.folder.path()).args(args).output().unwrap();
        let said = stdout(&output);
        let line = said.lines().find(|l| l.trim_start().starts_with(&format!("{code} "))).unwrap();
        line.split_once('→').unwrap().1.trim().to_owned()
    };
    assert_eq!((fate(1), fate(CLEAR)), ("unusable (fill)".into(), "kept".into()));
    // The run agrees: the last pixel is not observed, but filled.
    pair.result(&[]);
    assert_eq!(read::<u16>(&pair.path("out_provenance.tif"))[1][11], 1);
    // Neighbours do not change it, and who asks for it by name is told.
    pair.change("any = [\"cloud\"]", "any = [\"cloud\"]\ngrow = 1");
    assert_eq!(
        (fate(1), fate(CLEAR)),
        ("unusable (fill)".into(), "taken by cloud (not by the code alone)".into())
    );
    pair.change("any = [\"cloud\"]\ngrow = 1", "any = [\"fill\"]");
    assert_eq!(fate(1), "unusable (fill), taken by cloud");
    // No rule, no judgement: a band that nobody reads keeps nothing out.
    pair.change("[[mask]]\nname = \"cloud\"\nkind = \"bits\"\nany = [\"fill\"]\n", "");
    assert_eq!(fate(1), "kept");
    assert_eq!(pair.result(&["--overwrite"])[11], 111);
    assert_eq!(read::<u16>(&pair.path("out_provenance.tif"))[1][11], 0);
}

/// Everything that prints to standard output, with a pair of scenes to print about.
const PRINTING: [&[&str]; 6] = [
    &["schema"],
    &["kinds"],
    &["kinds", "bits"],
    &["inspect", "a_qa.tif", "--rules", "rules.toml"],
    &["--rules", "rules.toml", "--plan"],
    &["--rules", "rules.toml", "--explain", "405045 4499985"],
];

/// A schema or a plan that a full disk cut off is no success.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_standard_output_is_a_failure_and_says_so() {
    let pair = Pair::new();
    for args in PRINTING {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = compose().current_dir(pair.folder.path()).args(args).stdout(full).output().unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {said}");
        assert_eq!(said, "error: standard output: No space left on device (os error 28)\n", "{args:?}");
    }
}

#[test]
fn a_reader_that_has_gone_away_is_no_failure() {
    let pair = Pair::new();
    for args in PRINTING {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = compose().current_dir(pair.folder.path()).args(args).stdout(writer).output().unwrap();
        assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()), "{args:?}");
    }
}

#[test]
fn kinds_lists_all_and_shows_the_page_of_one() {
    let all = stdout(&run(&["kinds"]));
    for name in ["bits", "values", "range", "single-donor", "nearest-date", "median-stack", "mean-stack"] {
        assert!(all.contains(name), "{name}\n{all}");
        assert!(stdout(&run(&["kinds", name])).contains("## Settings"), "{name}");
    }
    let output = compose().args(["kinds", "nearst-date"]).output().unwrap();
    assert!(stderr(&output).contains("did you mean \"nearest-date\"?"), "{}", stderr(&output));
}

#[test]
fn paths_start_from_the_rules_file_wherever_the_user_is() {
    let pair = Pair::new();
    let odd = pair.path("Zürich 2020");
    std::fs::create_dir(&odd).unwrap();
    for name in ["a_b1.tif", "a_qa.tif", "b_b1.tif", "b_qa.tif", "rules.toml"] {
        std::fs::rename(pair.path(name), odd.join(name)).unwrap();
    }
    let rules = odd.join("rules.toml");
    let output = compose().current_dir("/").arg("--rules").arg(&rules).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(odd.join("out.tif").exists());
}

#[test]
fn a_file_that_changes_between_plan_and_run_is_noticed() {
    use compose_engine::run::Control;
    use compose_engine::{Options, Plan, Registry, Rules, RulesFile};
    let pair = Pair::new();
    let path = pair.path("rules.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let rules = Rules::parse(RulesFile { path, text }, &Registry::built_in()).unwrap();
    let plan = Plan::make(&rules, &Options { threads: 1, ..Options::default() }).unwrap();
    let before = listing(pair.folder.path());
    let file = std::fs::File::options().append(true).open(pair.path("b_b1.tif")).unwrap();
    file.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(60)).unwrap();
    let cancelled = std::sync::atomic::AtomicBool::new(false);
    let error =
        compose_engine::run::run(&rules, &plan, &Control { cancelled: &cancelled, progress: &|_| {} });
    let said = error.err().map(|e| e.to_string()).unwrap_or_default();
    assert!(said.contains("b_b1.tif") && said.contains("has changed"), "{said}");
    assert_eq!(listing(pair.folder.path()), before);
}

#[test]
fn a_run_that_is_interrupted_leaves_nothing_behind() {
    use compose_engine::run::Control;
    use compose_engine::{EngineError, Options, Plan, Registry, Rules, RulesFile};
    let pair = Pair::new();
    let path = pair.path("rules.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let rules = Rules::parse(RulesFile { path, text }, &Registry::built_in()).unwrap();
    let plan = Plan::make(&rules, &Options { threads: 2, ..Options::default() }).unwrap();
    let before = listing(pair.folder.path());
    let cancelled = std::sync::atomic::AtomicBool::new(false);
    // As Ctrl-C does, once the first block is there.
    let stop = |_| cancelled.store(true, std::sync::atomic::Ordering::Relaxed);
    let result = compose_engine::run::run(&rules, &plan, &Control { cancelled: &cancelled, progress: &stop });
    assert!(matches!(result, Err(EngineError::Interrupted)));
    assert_eq!(listing(pair.folder.path()), before);
}

/// The plan found the place free; the file comes after the last block, just before the outputs get their names.
#[test]
fn a_file_that_appears_while_a_run_goes_on_is_not_replaced_without_overwrite() {
    use compose_engine::run::{Control, Progress};
    use compose_engine::{Options, Plan, Registry, Rules, RulesFile};
    for name in ["out.tif", "out_provenance.tif", "out.json", "out_after.png"] {
        for overwrite in [false, true] {
            let pair = Pair::new();
            let path = pair.path("rules.toml");
            let text = std::fs::read_to_string(&path).unwrap();
            let rules = Rules::parse(RulesFile { path, text }, &Registry::built_in()).unwrap();
            let options = Options { threads: 1, overwrite, quicklook: true, ..Options::default() };
            let plan = Plan::make(&rules, &options).unwrap();
            let mut expected = listing(pair.folder.path());
            let appear = |at: Progress| {
                if at.done == at.total {
                    std::fs::write(pair.path(name), "mine").unwrap();
                }
            };
            let cancelled = std::sync::atomic::AtomicBool::new(false);
            let control = Control { cancelled: &cancelled, progress: &appear };
            let said = compose_engine::run::run(&rules, &plan, &control).err().map(|e| e.to_string());
            let is_mine = std::fs::read(pair.path(name)).unwrap() == b"mine";
            assert_eq!(is_mine, !overwrite, "{name}: {said:?}");
            if overwrite {
                assert_eq!(said, None, "{name}");
                continue;
            }
            assert!(said.is_some_and(|s| s.contains(&format!("{name}: exists already"))), "{name}");
            expected.push(name.to_owned());
            expected.sort();
            assert_eq!(listing(pair.folder.path()), expected, "something else was left behind");
        }
    }
}
