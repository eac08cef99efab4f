//! The files of one run belong together: locks, the order of their names, what `compose check` tells.

use crate::support::{Pair, Slow, compose, fitted, listing, sidecar, signal, stderr, stdout, wait};
use compose_engine::run::run_watched;
use compose_engine::{Control, Options, Plan, Rules, RulesFile};
use compose_io::files::Drafts;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Output;
use std::sync::atomic::AtomicBool;

/// Plans the pair and runs it; `named` is called after each name. The message, where it fails.
fn run(pair: &Pair, overwrite: bool, named: &dyn Fn(&Path)) -> Result<(), String> {
    let path = pair.path("rules.toml");
    let file = RulesFile { text: std::fs::read_to_string(&path).unwrap(), path };
    let rules = Rules::parse(file, &crate::support::registry()).unwrap();
    let options = Options { threads: 1, quicklook: true, overwrite, ..Options::default() };
    let plan = Plan::make(&rules, &options).unwrap();
    let control =
        Control { cancelled: &AtomicBool::new(false), progress: &|_| (), drafts: &Drafts::default() };
    let fitted = fitted(&plan);
    run_watched(&rules, &fitted, &control, named).map(drop).map_err(|e| e.to_string())
}

fn check(folder: &Path, reports: &[&str]) -> Output {
    compose().current_dir(folder).arg("check").args(reports).output().unwrap()
}

/// Every file that is no input, and its bytes.
fn outputs(pair: &Pair) -> BTreeMap<String, Vec<u8>> {
    let names = listing(pair.folder.path()).into_iter();
    let names = names.filter(|name| !name.starts_with("a_b1") && !name.starts_with("b_b1"));
    let names = names.filter(|name| !name.contains("_qa") && name != "rules.toml");
    names.map(|name| (name.clone(), std::fs::read(pair.path(&name)).unwrap())).collect()
}

/// A pair with every kind of output for each of its two scenes.
fn two_sets() -> Pair {
    let pair = Pair::new();
    pair.change("scene = \"a\"", "scene = \"each\"");
    pair.change("out.tif", "{id}.tif");
    pair.append("mask = true\nuncertainty = true\n");
    pair
}

/// Other pixels, so that every file becomes another.
fn change_scenes(pair: &Pair) {
    pair.raster("a_b1.tif", (0..12).map(|i| 900 - 7 * i).collect());
    pair.raster("b_b1.tif", (0..12).map(|i| 50 + i * i).collect());
    pair.change("date = 2020-06-17", "date = 2020-07-17");
}

/// Whether `check` tells of each set what is so, where `new` is what the run would have written.
fn holds(pair: &Pair, old: &BTreeMap<String, Vec<u8>>, new: &BTreeMap<String, Vec<u8>>, when: &str) {
    let now = outputs(pair);
    for id in ["a", "b"] {
        let set = |of: &BTreeMap<String, Vec<u8>>| -> BTreeMap<String, Vec<u8>> {
            let own = of.iter().filter(|(name, _)| {
                name.starts_with(&format!("{id}.")) || name.starts_with(&format!("{id}_"))
            });
            own.map(|(name, bytes)| (name.clone(), bytes.clone())).collect()
        };
        let (now, old, new) = (set(&now), set(old), set(new));
        let report = format!("{id}.json");
        if now.is_empty() {
            continue;
        }
        let output = check(pair.folder.path(), &[&report]);
        let said = stdout(&output);
        assert!(now.contains_key(&report), "{when}: files without a report: {:?}", now.keys());
        assert_eq!(output.status.code() == Some(0), now == old || now == new, "{when}: {said}");
        // The report is the first to be named: it is of the new set as soon as anything is.
        for name in new.keys().filter(|name| **name != report && now != old) {
            let word = match now.get(name) {
                None => "missing",
                Some(bytes) if *bytes == new[name] => "ok     ",
                Some(_) => "differs",
            };
            assert!(said.contains(&format!("  {word}  {name}")), "{when}: {word} {name}: {said}");
        }
    }
}

#[test]
fn wherever_a_run_is_stopped_among_its_names_the_check_tells_what_is_whole() {
    let pair = two_sets();
    for first in [BTreeMap::new(), {
        run(&pair, false, &|_| ()).unwrap();
        outputs(&pair)
    }] {
        let restore = || {
            outputs(&pair).keys().for_each(|name| std::fs::remove_file(pair.path(name)).unwrap());
            first.iter().for_each(|(name, bytes)| std::fs::write(pair.path(name), bytes).unwrap());
        };
        if !first.is_empty() {
            change_scenes(&pair);
        }
        restore();
        run(&pair, true, &|_| ()).unwrap();
        let new = outputs(&pair);
        assert_eq!(new.len(), 18, "{:?}", new.keys());
        assert!(first.iter().filter(|(name, bytes)| new[*name] != **bytes).count() >= 12 || first.is_empty());
        for stop in 1..=new.len() {
            restore();
            let count = Cell::new(0);
            let stopped = catch_unwind(AssertUnwindSafe(|| {
                run(&pair, true, &|_| {
                    count.set(count.get() + 1);
                    assert!(count.get() < stop, "stopped on purpose");
                })
            }));
            assert!(stopped.is_err());
            holds(&pair, &first, &new, &format!("after {stop} names"));
        }
        holds(&pair, &first, &new, "at the end");
    }
}

#[test]
fn a_file_that_comes_while_files_get_their_names_is_not_replaced_without_overwrite() {
    for name in ["out.tif", "out_provenance.tif", "out_after.png"] {
        let pair = Pair::new();
        let appear = |_: &Path| std::fs::write(pair.path(name), "mine").unwrap();
        let said = run(&pair, false, &appear).unwrap_err();
        assert!(said.contains(&format!("{name}: exists already")), "{said}");
        assert_eq!(outputs(&pair), BTreeMap::from([(name.to_owned(), b"mine".to_vec())]));
    }
}

#[test]
fn an_error_among_the_names_puts_back_what_was_replaced() {
    let pair = Pair::new();
    run(&pair, false, &|_| ()).unwrap();
    std::fs::write(pair.path("out_provenance.tif.ovr"), "old overviews").unwrap();
    let mut old = outputs(&pair);
    change_scenes(&pair);
    let obstruct = |_: &Path| {
        if !pair.path("out.tif").is_dir() {
            std::fs::remove_file(pair.path("out.tif")).unwrap();
            std::fs::create_dir(pair.path("out.tif")).unwrap();
        }
    };
    run(&pair, true, &obstruct).unwrap_err();
    std::fs::remove_dir(pair.path("out.tif")).unwrap();
    old.remove("out.tif");
    assert_eq!(outputs(&pair), old);
}

#[cfg(unix)]
#[test]
fn a_link_to_an_input_that_comes_to_an_outputs_place_is_refused_before_any_file_has_its_name() {
    let pair = Pair::new();
    let path = pair.path("rules.toml");
    let file = RulesFile { text: std::fs::read_to_string(&path).unwrap(), path };
    let rules = Rules::parse(file, &crate::support::registry()).unwrap();
    let options = Options { threads: 1, overwrite: true, ..Options::default() };
    let plan = Plan::make(&rules, &options).unwrap();
    let before = std::fs::read(pair.path("b_b1.tif")).unwrap();
    let come = |_| {
        let _ = std::os::unix::fs::symlink("b_b1.tif", pair.path("out_provenance.tif"));
    };
    let control = Control { cancelled: &AtomicBool::new(false), progress: &come, drafts: &Drafts::default() };
    let fitted = fitted(&plan);
    let said = compose_engine::run::run(&rules, &fitted, &control).unwrap_err().to_string();
    assert!(said.contains("out_provenance.tif is read by this run as "), "{said}");
    assert_eq!(std::fs::read(pair.path("b_b1.tif")).unwrap(), before);
    assert_eq!(outputs(&pair).keys().collect::<Vec<_>>(), ["out_provenance.tif"]);
}

#[test]
fn the_check_knows_a_set_wherever_it_is_moved_and_tells_what_is_missing_or_changed() {
    let pair = Pair::new();
    std::fs::create_dir_all(pair.path("made/records")).unwrap();
    pair.change("path = \"out.tif\"", "path = \"made/out.tif\"\nprovenance = \"made/records/where.tif\"");
    assert!(pair.compose(&["--quicklook"]).status.success());
    std::fs::rename(pair.path("made"), pair.path("moved")).unwrap();
    let folder = pair.path("moved");
    let output = check(&folder, &["out.json"]);
    let whole = "out.json: whole\n  ok       out_before.png\n  ok       out_mask.png\n  ok       out_after.png\n  \
                 ok       out_sources.png\n  ok       records/where.tif\n  ok       out.tif\n";
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(0), whole));
    let report = sidecar(&folder.join("out.tif"));
    let image = report["files"].as_array().unwrap().iter().find(|f| f["is"] == "image").unwrap().clone();
    assert_eq!(image["bytes"], std::fs::metadata(folder.join("out.tif")).unwrap().len());
    // One bit, a file that is gone, and one of another run.
    let mut bytes = std::fs::read(folder.join("out.tif")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(folder.join("out.tif"), &bytes).unwrap();
    std::fs::remove_file(folder.join("records/where.tif")).unwrap();
    std::fs::write(folder.join("out_masks.tif"), "of another run").unwrap();
    let output = check(pair.folder.path(), &["moved/out.json", "moved/out.json"]);
    let said = stdout(&output);
    assert_eq!((output.status.code(), said.matches("not whole").count()), (Some(2), 2), "{said}");
    for line in [
        "  missing  records/where.tif\n",
        "  differs  out.tif: SHA-256 ",
        "  foreign  out_masks.tif: of another run",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    std::fs::write(folder.join("out.tif"), "short").unwrap();
    assert!(stdout(&check(&folder, &["out.json"])).contains("  differs  out.tif: 5 bytes, "));
}

#[test]
fn what_is_no_report_is_refused_by_the_check_and_the_others_are_checked() {
    let pair = Pair::new();
    assert!(pair.compose(&[]).status.success());
    let output = check(pair.folder.path(), &["out.tif", "nowhere.json", "out.json", "/dev/zero", "."]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stdout(&output).starts_with("out.json: whole\n"));
    let said = stderr(&output);
    assert_eq!(said.lines().count(), 4, "{said}");
    assert!(said.lines().all(|l| l.starts_with("error: ") && l.contains("is no report of a run")), "{said}");
    assert_eq!(check(pair.folder.path(), &[]).status.code(), Some(2));
}

#[test]
fn a_second_run_to_any_of_the_same_files_is_refused_by_name_and_a_killed_one_is_taken_over() {
    let slow = Slow::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let before = listing(slow.folder.path());
    let mut first = slow.start(&elsewhere.path().join("said"));
    let rules = std::fs::read_to_string(slow.path("rules.toml")).unwrap();
    let second = |output: &str, more: &[&str]| {
        let text = rules.replace("path = \"out.tif\"\n", output);
        std::fs::write(slow.path("second.toml"), text).unwrap();
        let mut command = compose();
        command.current_dir(slow.folder.path()).args(["--rules", "second.toml"]).args(more).output().unwrap()
    };
    for output in [
        "path = \"out.tif\"\n",
        "path = \"other.tif\"\nprovenance = \"out.tif\"\n",
        "path = \"other.tif\"\nprovenance = \"out_provenance.tif\"\n",
        "path = \"other.tif\"\nsidecar = \"./out.json\"\n",
    ] {
        let refused = second(output, &["--overwrite"]);
        let said = stderr(&refused);
        let holder = format!("is being written by another run (process {} on ", first.id());
        assert_eq!(refused.status.code(), Some(2), "{output}: {said}");
        assert!(said.contains(&holder) && said.lines().count() == 1, "{output}: {said}");
        assert!(!listing(slow.folder.path()).iter().any(|name| name.contains("other")), "{output}");
        assert!(second(output, &["--plan"]).status.success());
    }
    assert!(second("path = \"free.tif\"\n", &["--bounds", "405000 4499700 405300 4500000"]).status.success());
    signal(&first, "KILL");
    wait(&mut first);
    let left = listing(slow.folder.path());
    assert!(left.iter().any(|name| name == ".out.tif.lock"), "{left:?}");
    let taken = second("path = \"out.tif\"\n", &["--bounds", "405000 4499700 405300 4500000"]);
    let said = stderr(&taken);
    assert!(taken.status.success(), "{said}");
    assert!(said.contains(&format!("note: out.json: the run of process {}, started ", first.id())), "{said}");
    let mut expected = before;
    expected.extend(
        [
            "free.json",
            "free.tif",
            "free_provenance.tif",
            "out.json",
            "out.tif",
            "out_provenance.tif",
            "second.toml",
        ]
        .map(str::to_owned),
    );
    expected.sort();
    assert_eq!(listing(slow.folder.path()), expected);
}
