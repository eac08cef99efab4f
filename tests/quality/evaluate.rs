//! `compose evaluate`: its figures follow from scenes, rules and cases alone, its files are whole, its mistakes named.

use super::made::{REPAIR, Scene, Stack, fill, land};
use crate::support::{compose, listing, registry, root, stderr, stdout};
use compose_engine::plan::SceneId;
use compose_engine::run::compose_held_out;
use compose_engine::{HeldOut, Options, Plan, Rules, RulesFile};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::atomic::AtomicBool;

const CASES: &str = "[[case]]\nname = \"stripes\"\nshape = \"stripes\"\nsize = 6\nperiod = 40\nangle = 10\n\
    [[case]]\nname = \"disc\"\nshape = \"disc\"\nsize = 30\nseed = 2\n\
    [[case]]\nname = \"clouds\"\nshape = \"clouds\"\nshare = 0.2\nsize = 40\nseed = 1\nshadow = 0.6\n\
    [[case]]\nname = \"others\"\nshape = \"mask-of\"\nshift = [40, 20]\n\
    [[case]]\nname = \"huge\"\nshape = \"disc\"\nsize = 5000\n";

/// A rules file, its cases, and a folder for what comes of them.
struct Bench {
    folder: tempfile::TempDir,
    rules: PathBuf,
}

impl Bench {
    fn new(rules: impl FnOnce(&Path) -> PathBuf) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cases.toml"), CASES).unwrap();
        let rules = rules(folder.path());
        Self { folder, rules }
    }

    /// The Landsat 8 example as it is.
    fn landsat() -> Self {
        Self::new(|_| root().join("examples/landsat8/landsat8.toml"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn evaluate(&self, more: &[&str]) -> Output {
        let mut command = compose();
        command.current_dir(self.folder.path()).args(["evaluate", "--rules"]).arg(&self.rules);
        command.args(["--cases", "cases.toml"]).args(more).output().unwrap()
    }

    /// Evaluates into a folder, insists on success, and gives the table and the report.
    fn run(&self, into: &str, more: &[&str]) -> (String, Value) {
        let output = self.evaluate(&[&["--output", into], more].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        let text = std::fs::read_to_string(self.path(into).join("evaluation.json")).unwrap();
        (stdout(&output), serde_json::from_str(&text).unwrap())
    }

    /// Insists on refusal, and gives the message.
    fn refused(&self, more: &[&str]) -> String {
        let before = listing(self.folder.path());
        let output = self.evaluate(more);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(!said.contains("panicked") && stdout(&output).is_empty(), "{said}");
        assert_eq!(listing(self.folder.path()), before, "{said}");
        said
    }
}

/// What a fill makes of pixels that are hidden, where these showed `truth`. The nearest scene is darker than it by far.
fn filled_where_hidden(truth: f64) -> Vec<f32> {
    let size = (40, 30);
    let even = |id: &str, day: u32, shift: f64, value: f64| {
        Scene::shifted(id, day, size, (shift, 0.0), 2, move |_, _, _| value)
    };
    let scenes =
        vec![even("target", 10, 0.0, truth), even("near", 12, 3.0, 1000.0), even("far", 30, 0.0, 1100.0)];
    let dark = "[[mask]]\nname = \"dark\"\nkind = \"tdom\"\nnir = \"B1\"\nswir1 = \"B2\"\nz = -0.5\nat-least = 3\n\
                erode = 0\ndilate = 0\n";
    let mut stack = Stack::new(scenes, REPAIR.to_owned() + dark + &fill("nearest-date"));
    stack.of_scenes = "scale = 0.0001\noffset = 0.0\n".into();
    let file = RulesFile { path: stack.path("rules.toml"), text: stack.text("out") };
    let rules = Rules::parse(file, &registry()).unwrap();
    let plan = Plan::make(&rules, &Options::default()).unwrap();
    let mut pixels = ndarray::Array2::zeros((size.1, size.0));
    pixels.slice_mut(ndarray::s![10..20, 10..25]).fill(1);
    let hidden = HeldOut { scene: SceneId(0), pixels, poison: 60_000.0, shadow: None, absent: Vec::new() };
    let image = compose_held_out(&plan, 0, &hidden, &AtomicBool::new(false)).unwrap();
    image.values.slice(ndarray::s![0, 10..20, 10..25]).iter().copied().collect()
}

/// A rule that compares would take the nearest scene for dark beside the truth; without it, there are too few looks.
#[test]
fn no_truth_that_is_hidden_reaches_a_fill_by_way_of_a_rule_that_compares() {
    for truth in [1000.0, 3000.0] {
        assert_eq!(filled_where_hidden(truth), vec![1000.0; 150], "the truth is {truth}");
    }
}

const ONE: [&str; 2] = ["--target", "LC80530722013137LGN01"];

/// The rows of a report: case, strategy and what is asked of them.
fn rows(report: &Value) -> &Vec<Value> {
    report["evaluation"]["rows"].as_array().unwrap()
}

#[test]
fn an_evaluation_leaves_table_report_cases_and_pictures() {
    let bench = Bench::landsat();
    let output = bench.evaluate(&[&ONE[..], &["-o", "out", "--strategies", "seamless"]].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let said = stderr(&output);
    assert!(said.contains("case stripes") && said.contains("left out: huge:"), "{said}");
    let pictures = ["clouds.png", "disc.png", "others-LC80530722013233LGN00.png", "stripes.png"];
    let names = listing(&bench.path("out"));
    let mut expected: Vec<&str> =
        pictures.iter().copied().chain(["cases.toml", "evaluation.csv", "evaluation.json"]).collect();
    expected.sort_unstable();
    assert_eq!(names, expected);
    assert_eq!(std::fs::read_to_string(bench.path("out/cases.toml")).unwrap(), CASES);
    for picture in pictures {
        let picture = gdal::Dataset::open(bench.path("out").join(picture)).unwrap();
        assert!(picture.raster_size().0 > 300 && picture.raster_count() >= 3);
    }
    let csv = std::fs::read_to_string(bench.path("out/evaluation.csv")).unwrap();
    // Four cases, three strategies, seven bands and their mean.
    assert_eq!(csv.lines().count(), 1 + 4 * 3 * 8);
    assert!(csv.starts_with("case,strategy,band,hidden,filled,"));
    let table = stdout(&output);
    assert!(table.contains("Mean over cases") && table.contains("seamless"), "{table}");
}

#[test]
fn figures_do_not_depend_on_threads_or_blocks() {
    let bench = Bench::landsat();
    let strategies = ["--strategies", "seamless,multi-regress"];
    let with = |into: &str, more: &[&str]| bench.run(into, &[&ONE[..], &strategies, more].concat());
    let first = with("first", &["-j", "1"]);
    // Less memory makes smaller blocks.
    for (into, more) in [("again", &["-j", "2"][..]), ("small", &["-j", "2", "--mem-limit", "200MB"])] {
        let again = with(into, more);
        assert!(first == again, "{more:?}\n{}\n{}", first.0, again.0);
        for name in listing(&bench.path("first")) {
            let read = |folder: &str| std::fs::read(bench.path(folder).join(&name)).unwrap();
            assert!(read("first") == read(into), "{name} {more:?}");
        }
    }
    for row in rows(&first.1) {
        let scores = &row["scores"];
        let copy = row["strategy"] == "copy";
        assert!(!copy || row["ratio_to_copy"].as_f64() == Some(1.0), "{row}");
        assert!(scores["fill_rate"].as_f64().is_some_and(|rate| rate > 0.5 && rate <= 1.0), "{row}");
        assert!(scores["mean"]["rmse"].as_f64().is_some_and(|rmse| rmse > 0.0), "{row}");
    }
    // Where no shadow was missed.
    let ratio = |case: &str, strategy: &str| {
        let row = rows(&first.1).iter().find(|row| row["case"] == case && row["strategy"] == strategy);
        row.unwrap()["ratio_to_copy"].as_f64().unwrap()
    };
    for case in ["stripes", "disc"] {
        assert!(ratio(case, "seamless") < ratio(case, "multi-regress") && ratio(case, "multi-regress") < 1.0);
    }
}

#[test]
fn every_target_and_every_fill_of_the_rules_file_is_tried() {
    let bench = Bench::landsat();
    std::fs::write(bench.path("cases.toml"), "[[case]]\nname = \"disc\"\nshape = \"disc\"\nsize = 30\n")
        .unwrap();
    let (_, report) = bench.run("out", &["--strategies", "none"]);
    let names: Vec<(&str, &str)> = rows(&report)
        .iter()
        .map(|r| (r["case"].as_str().unwrap(), r["strategy"].as_str().unwrap()))
        .collect();
    let [first, second] = ["LC80530722013137LGN01 disc", "LC80530722013233LGN00 disc"];
    assert_eq!(names, [(first, "copy"), (first, "nearest-date"), (second, "copy"), (second, "nearest-date")]);
}

// ---- made-up scenes ---------------------------------------------------------------------------------------

const SIZE: (usize, usize) = (130, 110);

/// A target that is its donor plus a constant.
fn perfect(rules: &str) -> (Stack, Bench) {
    let donor = Scene::new("donor", 20, SIZE, 2, |b, x, y| land(b, x, y).round());
    let target = Scene::new("target", 30, SIZE, 2, |b, x, y| land(b, x, y).round() + 321.0)
        .clouded(&[(20.0, 30.0, 8.0)]);
    let stack = Stack::new(vec![target, donor], rules.to_owned());
    std::fs::write(stack.path("rules.toml"), stack.text("out")).unwrap();
    let rules = stack.path("rules.toml");
    (stack, Bench::new(|_| rules))
}

#[test]
fn a_donor_that_knows_the_truth_but_for_a_constant_gives_it_back() {
    let (_stack, bench) = perfect(&(REPAIR.to_owned() + &fill("regress")));
    let cases = CASES.split("[[case]]\nname = \"clouds\"").next().unwrap();
    std::fs::write(bench.path("cases.toml"), cases).unwrap();
    let (_, report) = bench.run("out", &["--strategies", "seamless,multi-regress"]);
    assert_eq!(rows(&report).len(), 2 * 4);
    for row in rows(&report) {
        let rmse = row["scores"]["mean"]["rmse"].as_f64().unwrap();
        // Clipping to what the target still shows may take a little off its extremes.
        let expected = if row["strategy"] == "copy" { 320.9..321.1 } else { 0.0..6.0 };
        assert!(expected.contains(&rmse), "{row}");
    }
}

#[test]
fn a_rules_file_without_fills_is_tried_with_strategies_by_their_names() {
    let (_stack, bench) = perfect(REPAIR);
    let (_, report) = bench.run("out", &["--strategies", "regress"]);
    let names: Vec<&str> = rows(&report).iter().map(|row| row["strategy"].as_str().unwrap()).collect();
    assert!(names.contains(&"regress") && names.contains(&"copy"), "{names:?}");
    // Nothing is written where the rules file says.
    assert!(!_stack.path("out.tif").exists());
}

#[test]
fn a_strategy_that_needs_more_than_its_name_is_left_out_and_an_unknown_one_is_refused() {
    let (_stack, bench) = perfect(REPAIR);
    let output = bench.evaluate(&["--strategies", "regress,percentile"]);
    let said = stderr(&output);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("left out: strategy percentile: fill \"percentile\": percentile is missing"),
        "{said}"
    );
    assert!(stdout(&output).contains("regress") && !stdout(&output).contains("percentile"));
    let said = bench.refused(&["--strategies", "regress,seemless"]);
    assert!(
        said.contains("--strategies: unknown strategy \"seemless\"; did you mean \"seamless\"?"),
        "{said}"
    );
}

#[test]
fn evaluating_without_a_target_is_refused() {
    let (_stack, bench) = perfect(&("[target]\ndate = 2020-05-30\n".to_owned() + &fill("nearest-date")));
    let said = bench.refused(&["--strategies", "none"]);
    assert!(said.contains("[target] scene") && said.contains("--target"), "{said}");
}

#[test]
fn mistakes_in_cases_are_told_with_file_and_line() {
    let (_stack, bench) = perfect(&(REPAIR.to_owned() + &fill("regress")));
    for (from, to, line, told) in [
        ("shape = \"disc\"\nsize = 30", "shape = \"disk\"\nsize = 30", 9, "disk"),
        ("size = 30", "sise = 30", 10, "did you mean \"size\"?"),
        ("size = 30", "size = -3", 10, "size is -3"),
        ("share = 0.2", "share = 20", 15, "share is 20"),
        ("name = \"disc\"", "name = \"stripes\"", 8, "an earlier case"),
        ("period = 40", "period = 4", 4, "less than period"),
        ("shadow = 0.6", "shadow = 1.5", 18, "shadow is 1.5"),
        ("seed = 2", "angle = 2", 11, "of no use to this shape"),
    ] {
        let text = CASES.replace(from, to);
        assert_ne!(text, CASES, "{from}");
        std::fs::write(bench.path("cases.toml"), text).unwrap();
        let said = bench.refused(&["-o", "out"]);
        assert!(
            said.contains(&format!("cases.toml:{line}: ")) && said.contains(told),
            "{line} {told}: {said}"
        );
    }
    for text in ["", "[[cases]]\nname = \"a\"\n", "[[case]]\n", "[[case\n"] {
        std::fs::write(bench.path("cases.toml"), text).unwrap();
        assert!(bench.refused(&["-o", "out"]).contains("cases.toml:1: "));
    }
    std::fs::remove_file(bench.path("cases.toml")).unwrap();
    assert!(bench.refused(&["-o", "out"]).contains("cases.toml"));
}

#[test]
fn files_that_exist_are_replaced_only_where_that_is_wanted() {
    let (_stack, bench) = perfect(&(REPAIR.to_owned() + &fill("regress")));
    let few = "[[case]]\nname = \"disc\"\nshape = \"disc\"\nsize = 30\n";
    std::fs::write(bench.path("cases.toml"), few).unwrap();
    for name in ["evaluation.csv", "evaluation.json", "cases.toml", "disc.png"] {
        std::fs::create_dir_all(bench.path("out")).unwrap();
        std::fs::write(bench.path("out").join(name), "mine").unwrap();
        let said = bench.refused(&["-o", "out"]);
        assert!(said.contains(name) && said.contains("--overwrite"), "{said}");
        assert_eq!(listing(&bench.path("out")), [name]);
        assert_eq!(std::fs::read_to_string(bench.path("out").join(name)).unwrap(), "mine");
        bench.run("out", &["--overwrite"]);
        assert_eq!(listing(&bench.path("out")).len(), 4);
        std::fs::remove_dir_all(bench.path("out")).unwrap();
    }
}

/// The cases may be those that an earlier evaluation left in its folder.
#[test]
fn cases_that_are_read_from_the_folder_stay_as_they_are_and_the_report_lists_the_files() {
    let (_stack, bench) = perfect(&(REPAIR.to_owned() + &fill("regress")));
    std::fs::create_dir_all(bench.path("out")).unwrap();
    let few = "[[case]]\nname = \"disc\"\nshape = \"disc\"\nsize = 30\n";
    std::fs::rename(bench.path("cases.toml"), bench.path("out/cases.toml")).unwrap();
    std::fs::write(bench.path("out/cases.toml"), few).unwrap();
    std::os::unix::fs::symlink("out/cases.toml", bench.path("cases.toml")).unwrap();
    bench.run("out", &[]);
    assert_eq!(std::fs::read_to_string(bench.path("out/cases.toml")).unwrap(), few);
    let report = bench.path("out/evaluation.json");
    let output = crate::support::compose().arg("check").arg(&report).output().unwrap();
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("  ok       evaluation.csv\n") && said.contains("  ok       disc.png\n"), "{said}");
    // What is read is never replaced: here the picture of a case is a link to it.
    std::fs::remove_file(bench.path("out/disc.png")).unwrap();
    std::os::unix::fs::symlink("cases.toml", bench.path("out/disc.png")).unwrap();
    assert!(bench.refused(&["-o", "out", "--overwrite"]).contains("is read by this run"));
    assert_eq!(std::fs::read_to_string(bench.path("out/cases.toml")).unwrap(), few);
}

#[test]
fn a_scene_too_large_is_refused_and_a_part_of_it_is_not() {
    let size = (2200, 2000);
    let target = Scene::new("target", 30, size, 1, |_, x, _| 1000.0 + x % 50.0);
    let donor = Scene::new("donor", 20, size, 1, |_, x, _| 900.0 + x % 50.0);
    let stack = Stack::new(vec![target, donor], REPAIR.to_owned() + &fill("regress"));
    std::fs::write(stack.path("rules.toml"), stack.text("out")).unwrap();
    let bench = Bench::new(|_| stack.path("rules.toml"));
    let said = bench.refused(&["--strategies", "none"]);
    assert!(said.contains("2200×2000") && said.contains("--bounds"), "{said}");
    let part = "406500 4497000 410400 4499400";
    let output = bench.evaluate(&["--strategies", "none", "--bounds", part]);
    assert!(output.status.success(), "{}", stderr(&output));
}

/// What is hidden, and so what is wrong, differs from case to case: the truth of a later one must not.
#[test]
fn the_truth_under_rules_that_compare_scenes_is_that_of_a_scene_without_gaps() {
    let bench = Bench::new(|_| root().join("examples/landsat8/seamless.toml"));
    let more = [&ONE[..], &["--strategies", "none"]].concat();
    let (_, all) = bench.run("all", &more);
    let cases: Vec<&str> = CASES.split("[[case]]").filter(|case| case.contains("\"clouds\"")).collect();
    std::fs::write(bench.path("cases.toml"), format!("[[case]]{}", cases[0])).unwrap();
    let (_, alone) = bench.run("alone", &more);
    let of_clouds: Vec<&Value> =
        rows(&all).iter().filter(|row| row["case"].as_str().unwrap().ends_with("clouds")).collect();
    assert!(!of_clouds.is_empty() && of_clouds == rows(&alone).iter().collect::<Vec<_>>());
}
