//! Edges between crates, and what must be absent from a crate.

use super::{below, none_of, quoted, rows, text};
use crate::support::root;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Which crate may use which. An edge that is not here is a decision: say why in ARCHITECTURE.md.
const EDGES: [(&str, &[&str]); 16] = [
    ("compose", &["compose-core", "compose-engine", "compose-evaluate", "compose-io", "compose-plugin-host"]),
    ("compose-core", &[]),
    (
        "compose-engine",
        &[
            "compose-core",
            "compose-fill",
            "compose-io",
            "compose-mask",
            "compose-plugin-host",
            "compose-stac",
        ],
    ),
    ("compose-evaluate", &["compose-core"]),
    ("compose-fill", &["compose-core", "compose-regression"]),
    ("compose-io", &["compose-core", "compose-stac"]),
    ("compose-mask", &["compose-core", "compose-regression"]),
    ("compose-regression", &[]),
    ("compose-stac", &[]),
    ("compose-plugin", &[]),
    ("compose-plugin-host", &["compose-core", "compose-plugin"]),
    ("kernels", &["compose-core", "compose-fill", "compose-io", "compose-mask"]),
    // Plugins see nothing but the border.
    ("cloud-distance", &["compose-plugin"]),
    ("hot-haze", &["compose-plugin"]),
    ("linear-in-time", &["compose-plugin"]),
    ("plain-mean", &["compose-plugin"]),
];

/// The only crates that may hold unsafe code.
const AT_THE_BORDER: [&str; 2] = ["crates/compose-plugin/", "crates/compose-plugin-host/"];

/// One call to the C library, for which there is no safe way.
const HEAP: &str = "crates/compose/src/heap.rs";

/// Further edges that only tests use.
const EDGES_OF_TESTS: [(&str, &[&str]); 2] =
    [("compose", &["compose-fill", "compose-mask"]), ("compose-plugin-host", &["compose-fill"])];

/// Where plugins are tried by several threads, and against the clock.
const CHECK: &str = "crates/compose-plugin-host/src/check/trials/threads.rs";

/// What no shipped line below a folder may say, except in the files named, and why.
const ABSENT: [(&str, &[&str], &[&str], &str); 6] = [
    (
        "crates",
        &["crates/compose-engine/src/workers.rs", "crates/compose/src/stop.rs", CHECK],
        &["thread::spawn", "spawn_scoped", "Builder::new().spawn", "thread::Builder"],
        "the workers of the strip loop and the survey are the only threads, beside one of the program that waits for signals; the check of plugins has some to try them with",
    ),
    (
        "crates/compose-core",
        &[],
        &["std::fs", "std::env", "std::thread", "std::time", "gdal::"],
        "the words touch no file",
    ),
    ("crates/compose-mask", &[], &["std::fs", "std::env", "std::thread", "std::time"], "a rule is pure"),
    ("crates/compose-fill", &[], &["std::fs", "std::env", "std::thread", "std::time"], "a strategy is pure"),
    (
        "crates/compose-engine/src/plan",
        &[],
        &["TileStore", "read_data", "read_quality", "compose_block"],
        "the plan is made before a pixel is read",
    ),
    (
        "crates",
        &[CHECK],
        &["Instant::now", "SystemTime::now", "Utc::now", "Local::now", "rand::"],
        "the answer depends on the scenes and the rules alone; the check of plugins measures how soon they stop",
    ),
];

fn metadata() -> Value {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let arguments = ["metadata", "--format-version", "1", "--no-deps", "--offline"];
    let output = Command::new(cargo).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn names(packages: &Value) -> BTreeSet<String> {
    packages.as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap().to_owned()).collect()
}

/// Crate → names of what it depends on, for tests or otherwise.
fn dependencies(packages: &Value, for_tests: bool) -> BTreeMap<String, BTreeSet<String>> {
    let of = |package: &Value| {
        let all = package["dependencies"].as_array().unwrap().iter();
        let wanted = all.filter(|d| (d["kind"] == "dev") == for_tests);
        wanted.map(|d| d["name"].as_str().unwrap().to_owned()).collect()
    };
    let packages = packages.as_array().unwrap().iter();
    packages.map(|p| (p["name"].as_str().unwrap().to_owned(), of(p))).collect()
}

fn edges(packages: &Value, for_tests: bool) -> BTreeMap<String, BTreeSet<String>> {
    let members = names(packages);
    let inner = |(name, used): (String, BTreeSet<String>)| (name, &used & &members);
    dependencies(packages, for_tests).into_iter().map(inner).filter(|(_, used)| !used.is_empty()).collect()
}

fn table(edges: &[(&str, &[&str])]) -> BTreeMap<String, BTreeSet<String>> {
    let set = |used: &[&str]| used.iter().map(|u| (*u).to_owned()).collect();
    edges
        .iter()
        .filter(|(_, used)| !used.is_empty())
        .map(|(name, used)| ((*name).into(), set(used)))
        .collect()
}

#[test]
fn crates_use_only_those_that_they_may_use() {
    let packages = &metadata()["packages"];
    assert_eq!(names(packages), EDGES.iter().map(|(name, _)| (*name).to_owned()).collect(), "members");
    assert_eq!(edges(packages, false), table(&EDGES), "(found) (allowed)");
    assert_eq!(edges(packages, true), table(&EDGES_OF_TESTS), "in tests (found) (allowed)");
}

#[test]
fn gdal_is_known_to_compose_io_alone() {
    let users = dependencies(&metadata()["packages"], false).into_iter();
    let users: Vec<String> = users.filter(|(_, used)| used.contains("gdal")).map(|(name, _)| name).collect();
    assert_eq!(users, ["compose-io"]);
}

#[test]
fn only_the_two_plugin_crates_have_unsafe_code() {
    let mut wrong = Vec::new();
    let plugins = below("plugins", "Cargo.toml").into_iter().filter(|m| !m.contains("template"));
    for manifest in below("crates", "Cargo.toml").into_iter().chain(plugins) {
        if !text(&manifest).contains("[lints]\nworkspace = true") {
            wrong.push(format!("{manifest}: expected [lints] workspace = true"));
        }
    }
    let files = below("crates", ".rs").into_iter().chain(below("plugins", ".rs"));
    let elsewhere = |f: &String| f != HEAP && !AT_THE_BORDER.iter().any(|crate_| f.starts_with(crate_));
    assert_eq!(text(HEAP).matches("unsafe {").count(), 1);
    for file in files.filter(elsewhere) {
        let text = text(&file);
        if ["allow", "expect", "warn"].iter().any(|level| text.contains(&format!("{level}(unsafe_code"))) {
            wrong.push(format!("{file}: switches the lint unsafe_code off"));
        }
    }
    assert!(text("Cargo.toml").contains("unsafe_code = \"deny\""));
    for crate_ in AT_THE_BORDER {
        let root = text(&format!("{crate_}src/lib.rs"));
        assert!(
            root.contains("#![warn(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]"),
            "{crate_}"
        );
    }
    none_of(&wrong);
}

/// The part of a source file that is in the program: modules of tests left out.
fn shipped(file: &str) -> Option<String> {
    let is_test = ["/examples/", "/tests", "/testing.rs", "/fixture.rs", "/vectors.rs", "/pages.rs"]
        .iter()
        .any(|part| file.contains(part));
    let text = if is_test { return None } else { text(file) };
    Some(text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default().to_owned())
}

#[test]
fn what_must_be_absent_is_absent() {
    let mut wrong = Vec::new();
    for (folder, except, words, why) in ABSENT {
        assert!(except.iter().all(|file| root().join(file).is_file()), "{except:?}");
        let files = below(folder, ".rs").into_iter().filter(|f| !except.contains(&f.as_str()));
        for file in files {
            let Some(text) = shipped(&file) else { continue };
            let found = words.iter().filter(|word| text.contains(**word));
            wrong.extend(found.map(|word| format!("{file}: {word}, but {why}")));
        }
    }
    none_of(&wrong);
}

/// Where a process is what counts: a plugin may end it, and its signals come to one place.
const OF_THE_PROCESS: [&str; 3] = [
    "crates/compose/src/stop.rs",
    "crates/compose-plugin-host/src/exit.rs",
    "crates/compose-core/src/quality/own.rs",
];

/// A library does many runs in one process: what belongs to a run lies in a value that the run owns.
#[test]
fn no_run_leaves_anything_in_a_library() {
    assert!(OF_THE_PROCESS.iter().all(|file| root().join(file).is_file()));
    let mut wrong = Vec::new();
    for file in below("crates", ".rs").into_iter().filter(|file| !OF_THE_PROCESS.contains(&file.as_str())) {
        let shipped = shipped(&file).unwrap_or_default();
        let statics = shipped.lines().map(str::trim_start).filter(|line| line.contains("static "));
        let changes =
            |line: &&str| ["Mutex", "RwLock", "Atomic", "static mut"].iter().any(|word| line.contains(word));
        let is_item = |line: &&str| {
            ["static ", "pub static ", "pub(crate) static "].iter().any(|w| line.starts_with(w))
        };
        wrong.extend(statics.filter(is_item).filter(changes).map(|line| format!("{file}: {line}")));
    }
    none_of(&wrong);
}

#[test]
fn the_readme_lists_every_crate() {
    let readme = text("README.md");
    let section = readme.split("## Crates").nth(1).expect("README.md has a section Crates");
    let section = section.split("\n## ").next().unwrap_or_default();
    let listed: BTreeSet<String> = rows(section)
        .iter()
        .map(|cells| (*quoted(&cells[0]).first().expect("a crate's name in backticks")).to_owned())
        .collect();
    let members = below("crates", "Cargo.toml");
    let members = members.iter().filter_map(|m| m.strip_prefix("crates/")?.strip_suffix("/Cargo.toml"));
    assert_eq!(listed, members.map(str::to_owned).collect(), "(in README.md) (in crates)");
}
