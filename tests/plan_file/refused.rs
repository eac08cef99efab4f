//! Every plan file that does not fit what is there is refused: one line that names what is wrong, and nothing is left.

use super::Work;
use super::same::small;
use crate::plugins::compile;
use crate::support::{Pair, listing, root, stderr};
use sha2::Digest;
use std::path::{Path, PathBuf};

/// A saved plan of two small scenes.
struct Saved {
    pair: Pair,
}

impl Saved {
    fn new() -> Self {
        Self::of(Pair::new())
    }

    fn of(pair: Pair) -> Self {
        let output = pair.compose(&["--save-plan", "plan.json"]);
        assert!(output.status.success(), "{}", stderr(&output));
        Self { pair }
    }

    fn plan(&self) -> PathBuf {
        self.pair.path("plan.json")
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.plan()).unwrap()
    }

    /// What is said of `plan.json`: one line, which it begins.
    fn refused(&self) -> String {
        let said = refused(&self.pair, &["--from-plan", "plan.json"]);
        said.strip_prefix("error: plan.json: ").unwrap_or_else(|| panic!("{said}")).to_owned()
    }

    /// What is said of this text in `plan.json`.
    fn refused_as(&self, text: impl AsRef<[u8]>) -> String {
        std::fs::write(self.plan(), text).unwrap();
        self.refused()
    }
}

/// Insists on exit status 2, one line, and nothing left behind.
fn refused(pair: &Pair, args: &[&str]) -> String {
    let before = listing(pair.folder.path());
    let mut program = crate::support::compose();
    let output = program.current_dir(pair.folder.path()).args(args).output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    assert_eq!(listing(pair.folder.path()), before, "{said}");
    said
}

/// The same plan with some text changed, and the hash that belongs to it.
fn forged(plan: &str, from: &str, to: &str) -> String {
    assert!(plan.contains(from), "{from}");
    let plan = plan.replacen(from, to, 1);
    let body = &plan[..plan.rfind("  \"sha256\"").unwrap()];
    let digest = sha2::Sha256::digest(body.as_bytes());
    let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{body}  \"sha256\": \"{hash}\"\n}}\n")
}

#[test]
fn a_plan_of_another_version_is_refused_whatever_else_is_in_it() {
    let saved = Saved::new();
    let expected = "is a plan of version 3, and this program carries out version 2; make the plan anew with --save-plan\n";
    let other = saved.text().replacen("\"plan-version\": 2", "\"plan-version\": 3", 1);
    assert_eq!(saved.refused_as(&other), expected);
    assert_eq!(saved.refused_as("{\n  \"plan-version\": 3,\n  \"new\": 7\n}\n"), expected);
}

#[test]
fn a_plan_that_is_cut_off_anywhere_is_refused() {
    let saved = Saved::new();
    let text = saved.text();
    let cut =
        "is cut off, or was changed: its last line is not its hash; copy it anew, or make the plan anew";
    for length in [30, 200, text.len() / 2, text.len() - 90, text.len() - 70, text.len() - 2, text.len() - 1]
    {
        let said = saved.refused_as(&text[..length]);
        assert!(said.starts_with(cut), "{length}: {said}");
    }
    assert_eq!(saved.refused_as(""), "is empty; expected a file that --save-plan wrote\n");
}

#[test]
fn a_plan_with_one_byte_changed_is_refused() {
    let saved = Saved::new();
    let text = saved.text().into_bytes();
    let end = text.len() - 81;
    for at in (40..end).step_by(end / 40).chain([end - 1]) {
        let mut edited = text.clone();
        edited[at] = if edited[at] == b'7' { b'8' } else { b'7' };
        let said = saved.refused_as(&edited);
        assert!(said.starts_with("has been changed since it was written: its hash is "), "{at}: {said}");
    }
    // The hash itself.
    let mut edited = text.clone();
    edited[end + 20] = if edited[end + 20] == b'7' { b'8' } else { b'7' };
    assert!(saved.refused_as(&edited).starts_with("has been changed since it was written"));
    // Lines of another system.
    let dos = String::from_utf8(text).unwrap().replace('\n', "\r\n");
    assert!(saved.refused_as(&dos).starts_with("is no plan file (it was written anew by another program)"));
}

#[test]
fn what_is_no_plan_is_refused_with_what_it_is() {
    let saved = Saved::new();
    let rules = std::fs::read_to_string(saved.pair.path("rules.toml")).unwrap();
    let expected = "expected a file that --save-plan wrote\n";
    for (text, said) in [
        (rules.as_str(), "is a rules file, no plan; pass it as --rules, or "),
        ("{ nonsense", "is no plan file (it is no JSON: key must be a string at line 1 column 3); "),
        ("{\"a\": 1}", "is no plan file (it has no plan-version); "),
        ("[1, 2]", "is no plan file (it does not begin with {); "),
        ("= 7", "is no plan file (it does not begin with {); "),
    ] {
        assert_eq!(saved.refused_as(text), format!("{said}{expected}"));
    }
    saved.pair.result(&[]);
    let report = std::fs::read(saved.pair.path("out.json")).unwrap();
    assert_eq!(saved.refused_as(report), format!("is no plan file (it is the report of a run); {expected}"));
    assert!(refused(&saved.pair, &["--from-plan", "nowhere.json"]).contains("nowhere.json: no such file"));
    assert!(refused(&saved.pair, &["--from-plan", "."]).contains("is a folder; expected a file"));
    let binary = std::fs::read(saved.pair.path("a_b1.tif")).unwrap();
    std::fs::write(saved.plan(), [&b"{\xff"[..], &binary].concat()).unwrap();
    assert!(refused(&saved.pair, &["--from-plan", "plan.json"]).contains("plan.json:1: not UTF-8"));
    // Neither is read to its end.
    let begun = std::fs::File::options().write(true).open(saved.plan()).unwrap();
    begun.set_len(9 << 30).unwrap();
    let none = saved.refused();
    let expected = "is no plan file (it has 9663676416 bytes, and does not begin like one); expected a file that --save-plan wrote\n";
    assert_eq!(none, expected);
    std::fs::write(saved.plan(), "{\n  \"plan-version\": 2,\n").unwrap();
    begun.set_len(9 << 30).unwrap();
    let huge = refused(&saved.pair, &["--from-plan", "plan.json"]);
    assert!(huge.contains("plan.json: has 9663676416 bytes; at most 2147483648 are read"), "{huge}");
}

#[test]
fn a_scene_that_was_touched_resized_or_taken_away_is_named() {
    let touch = |path: &Path| {
        let file = std::fs::File::options().write(true).open(path).unwrap();
        let later = file.metadata().unwrap().modified().unwrap() + std::time::Duration::from_nanos(1000);
        file.set_modified(later).unwrap();
    };
    let append = |path: &Path| {
        let mut bytes = std::fs::read(path).unwrap();
        bytes.push(0);
        std::fs::write(path, bytes).unwrap();
    };
    let remove = |path: &Path| std::fs::remove_file(path).unwrap();
    let said_after = |change: fn(&Path)| {
        let saved = Saved::new();
        change(&saved.pair.path("b_qa.tif"));
        saved.refused()
    };
    let anew = "make the plan anew with --save-plan\n";
    let written = "scene b: ./b_qa.tif has been written since the plan was made; ";
    assert_eq!(said_after(touch), format!("{written}{anew}"));
    let gone = "scene b: ./b_qa.tif: no such file, and there was one when the plan was made; ";
    assert_eq!(said_after(remove), format!("{gone}{anew}"));
    let resized = said_after(append);
    assert!(resized.starts_with("scene b: ./b_qa.tif has ") && resized.ends_with(anew), "{resized}");
    // A file that is read with the scene's, and was not there.
    let saved = Saved::new();
    std::fs::write(saved.pair.path("a_b1.tif.aux.xml"), "<PAMDataset/>").unwrap();
    let said = saved.refused();
    assert!(said.starts_with("scene a: files is [") && said.contains("a_b1.tif.aux.xml"), "{said}");
}

#[test]
fn a_grid_file_that_was_changed_is_named() {
    let pair = Pair::new();
    std::fs::copy(pair.path("a_b1.tif"), pair.path("grid.tif")).unwrap();
    pair.append("[grid]\nlike = \"grid.tif\"\n");
    let saved = Saved::of(pair);
    saved.pair.raster("grid.tif", vec![1; 24]);
    let said = saved.refused();
    assert!(said.starts_with("the grid is that of grid.tif has "), "{said}");
}

#[test]
fn a_plugin_that_was_changed_is_named_and_not_loaded() {
    let rules = std::fs::read_to_string(root().join("plugins/ndvi-max/ndvi-max.toml")).unwrap();
    let rules = rules.replace("../../examples/sentinel2/scenes", "scenes");
    let work =
        Work::with_scenes_of("sentinel2", &rules.replace("id = \"ndvi-max\"", "path = \"libndvi_max.so\""));
    let (source, library) = (root().join("plugins/ndvi-max/ndvi_max.c"), work.path("libndvi_max.so"));
    compile(&source, &library, &["-lm"]);
    work.save(&[]);
    compile(&source, &library, &["-lm", "-O2", "-g"]);
    let said = work.refused(&["--from-plan", "plan.json"]);
    assert!(
        said.contains("libndvi_max.so is another than when the plan was made: its SHA-256 is "),
        "{said}"
    );
    std::fs::remove_file(library).unwrap();
    assert!(work.refused(&["--from-plan", "plan.json"]).contains("libndvi_max.so: No such file"));
}

/// What GDAL or PROJ answers is not what they answered.
#[test]
fn what_is_decided_otherwise_now_is_named() {
    let work = Work::with_scenes_of("sentinel2", &small());
    work.save(&[]);
    let plan = std::fs::read_to_string(work.path("plan.json")).unwrap();
    let refused = |from: &str, to: &str| {
        std::fs::write(work.path("plan.json"), forged(&plan, from, to)).unwrap();
        let said = work.refused(&["--from-plan", "plan.json"]);
        said.strip_prefix("error: plan.json: ").unwrap().trim_end().to_owned()
    };
    let anew = "when the plan was made; make the plan anew with --save-plan";
    assert_eq!(
        refused(
            "\"grid\":{\"width\":354,\"height\":335,\"transform\":[-3540.0",
            "\"grid\":{\"width\":354,\"height\":335,\"transform\":[-3540.5"
        ),
        format!("scene exe_2024-08-01: bands 0 grid transform 0 is -3540.0 now, and was -3540.5 {anew}")
    );
    let alignment = "\"alignment\":[\"resample: EPSG:27700";
    let said = refused(alignment, "\"alignment\":[\"resample: EPSG:2770");
    let expected =
        "output out/exe_2024-08-26.tif: scene exe_2024-06-02: alignment 0 is \"resample: EPSG:27700 ";
    assert!(said.starts_with(expected) && said.ends_with(anew), "{said}");
    let said = refused("\"corners\":[[[", "\"corners\":[[[1");
    let expected = "output out/exe_2024-08-26.tif: scene exe_2024-06-02: corners 0 0 0 is ";
    assert!(said.starts_with(expected) && said.ends_with(anew), "{said}");
    let said = refused("\"work\": {", "\"what\": {");
    assert!(said.starts_with("is no plan that this program wrote (unknown field `what`"), "{said}");
    // What decides nothing may differ.
    std::fs::write(work.path("plan.json"), forged(&plan, "\"compose\": \"", "\"compose\": \"9")).unwrap();
    work.outputs(&mut work.program(&["--from-plan", "plan.json"]));
}

#[test]
fn a_survey_of_something_else_is_refused_by_name() {
    let work = Work::with_scenes_of("sentinel2", &small());
    work.save(&[]);
    let plan = std::fs::read_to_string(work.path("plan.json")).unwrap();
    for (from, to, expected) in [
        (
            "\"low\":[",
            "\"low\":[1.0,",
            "fill \"seamless\": what it learned from the survey is of other donors or bands",
        ),
        (
            "\"contrast\":",
            "\"contrasts\":",
            "fill \"seamless\": what it learned from the survey cannot be read (",
        ),
        (
            "\"masks\":[{\"scene\":0,\"rule\":1,",
            "\"masks\":[{\"scene\":0,\"rule\":7,",
            "mask \"dark\" on scene exe_2024-06-02: its survey says nothing of it",
        ),
        (
            "\"nodata\": [],\n    \"notes\"",
            "\"nodata\": [{\"scene\":9,\"band\":0,\"numbers\":[1.0]}],\n    \"notes\"",
            "its survey found nodata in band 0 of scene 9",
        ),
        (
            "\"table\":{\"scenes\":0}",
            "\"table\":{\"scenes\":5}",
            "scene exe_2024-06-02: its table is none that its rules know",
        ),
        (
            "\"date\":\"2024-06-02\"",
            "\"date\":\"2024-06-32\"",
            "scene exe_2024-06-02: its date is none that its rules know",
        ),
    ] {
        std::fs::write(work.path("plan.json"), forged(&plan, from, to)).unwrap();
        let said = work.refused(&["--from-plan", "plan.json"]);
        assert!(said.starts_with(&format!("error: plan.json: {expected}")), "{said}");
    }
}

#[test]
fn a_plan_replaces_an_earlier_plan_and_neither_an_input_nor_an_output_nor_another_file() {
    let pair = Pair::new();
    let save = |path: &str, more: &[&str]| {
        refused(&pair, &[&["--rules", "rules.toml", "--save-plan", path], more].concat())
    };
    std::fs::write(pair.path("foreign.json"), "{}").unwrap();
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, pair.path(name)).unwrap();
    link("/dev/full", "full.json");
    link("b_b1.tif", "linked.json");
    std::fs::create_dir(pair.path("folder.json")).unwrap();
    for (path, more, expected) in [
        ("foreign.json", &[][..], "foreign.json: exists already; pass --overwrite to replace it"),
        ("rules.toml", &["--overwrite"], "rules.toml is read by this run; it would be overwritten"),
        ("a_b1.tif", &["--overwrite"], "a_b1.tif is read by this run"),
        ("linked.json", &["--overwrite"], "linked.json is read by this run as ./b_b1.tif"),
        ("out.json", &[], "out.json: is written by a run of this plan, as sidecar"),
        ("./out.tif", &[], "out.tif: is written by a run of this plan, as path"),
        ("plan.tif", &[], "plan.tif: is no name of a plan file; expected one that ends in .json"),
        (
            "full.json",
            &["--overwrite"],
            "full.json: is a folder or a device; expected the path of a file to write",
        ),
        ("folder.json", &["--overwrite"], "folder.json: is a folder or a device"),
        ("nowhere/plan.json", &[], "nowhere/plan.json: there is no folder nowhere; create it first"),
    ] {
        let said = save(path, more);
        assert!(said.contains(expected), "{path}: {said}");
    }
    assert!(pair.compose(&["--save-plan", "foreign.json", "--overwrite"]).status.success());
    assert!(pair.compose(&["--save-plan", "foreign.json"]).status.success());
    // A run of a plan does not replace the plan.
    std::fs::rename(pair.path("foreign.json"), pair.path("out.json")).unwrap();
    let said = refused(&pair, &["--from-plan", "out.json", "--overwrite"]);
    assert!(said.contains("out.json is read by this run"), "{said}");
}

/// A limit on the size of files stands for a full disk.
#[test]
fn a_full_disk_leaves_the_earlier_plan_as_it_was() {
    let saved = Saved::new();
    let (before, text) = (listing(saved.pair.folder.path()), saved.text());
    let script = format!(
        "ulimit -f 1; cd '{}' && exec '{}' --rules rules.toml --save-plan plan.json",
        saved.pair.folder.path().display(),
        env!("CARGO_BIN_EXE_compose")
    );
    let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.starts_with("error: plan.json: ") && said.trim_end().lines().count() == 1, "{said}");
    assert_eq!((listing(saved.pair.folder.path()), saved.text()), (before, text));
}

#[test]
fn an_output_that_exists_is_replaced_with_overwrite_alone() {
    let saved = Saved::new();
    std::fs::write(saved.pair.path("out.tif"), "mine").unwrap();
    let said = refused(&saved.pair, &["--from-plan", "plan.json"]);
    assert!(said.contains("out.tif: exists already; pass --overwrite to replace it"), "{said}");
    let overwrite = ["--from-plan", "plan.json", "--overwrite", "--require-complete"];
    let output =
        crate::support::compose().current_dir(saved.pair.folder.path()).args(overwrite).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "gaps remain: {}", stderr(&output));
}

#[test]
fn what_decides_the_answer_cannot_be_said_anew() {
    let saved = Saved::new();
    let run = |more: &[&str]| {
        let mut program = crate::support::compose();
        let args = [&["--from-plan", "plan.json"], more].concat();
        program.current_dir(saved.pair.folder.path()).args(args).output().unwrap()
    };
    for more in [
        &["--rules", "rules.toml"][..],
        &["-o", "x.tif"],
        &["x.tif"],
        &["--save-plan", "x.json"],
        &["--quicklook"],
        &["--no-provenance"],
        &["--target", "b"],
        &["--date", "2020-01-01"],
        &["--src-nodata", "0"],
        &["--bounds", "1 2 3 4"],
        &["--dst-crs", "EPSG:4326"],
        &["--res", "10"],
        &["--like", "a_b1.tif"],
        &["--tap"],
        &["-r", "cubic"],
        &["-f", "cog"],
        &["-t", "int32"],
        &["--nodata", "1"],
        &["--co", "TILED=NO"],
    ] {
        let output = run(more);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{more:?}");
        assert!(said.contains("'--from-plan <PLAN.json>' cannot be used with '"), "{more:?}: {said}");
    }
    for more in
        [&["-j", "2", "--mem-limit", "200MB", "--block-size", "2", "--force-gdal"][..], &["-q"], &["-v"]]
    {
        let output = run(&[more, &["--overwrite"]].concat());
        assert!(output.status.success(), "{more:?}: {}", stderr(&output));
    }
}

#[test]
fn a_plan_whose_folder_is_gone_says_so() {
    let saved = Saved::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let plan = elsewhere.path().join("plan.json");
    std::fs::rename(saved.plan(), &plan).unwrap();
    let folder = saved.pair.folder.path().canonicalize().unwrap();
    drop(saved);
    let mut program = crate::support::compose();
    let output = program.current_dir(elsewhere.path()).args(["--from-plan", "plan.json"]).output().unwrap();
    let expected = format!(
        "error: plan.json: its paths start from {}, which cannot be entered: No such file or directory (os error 2)\n",
        folder.display()
    );
    assert_eq!((output.status.code(), stderr(&output)), (Some(2), expected));
}
