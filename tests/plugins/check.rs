//! Faults planted in small plugins, each of which `compose plugin check` must find and name.
//!
//! The sources are in tests/plugins/faults. Every one is sound as it stands; a definition plants one fault.

use super::compile;
use crate::support::{compose, root, stderr, stdout};
use std::path::{Path, PathBuf};
use std::process::Output;

/// A source, definitions that plant faults, and the trials that must tell them, with these words.
type Planted = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// Compiles a source of tests/plugins/faults.
fn library(folder: &Path, source: &str, defines: &str) -> PathBuf {
    let library = folder.join(format!("lib{source}.so"));
    let defines: Vec<&str> = defines.split(' ').collect();
    compile(&root().join(format!("tests/plugins/faults/{source}.c")), &library, &defines);
    library
}

fn check(library: &Path, more: &[&str]) -> Output {
    compose().args(["plugin", "check"]).arg(library).args(more).output().unwrap()
}

/// Every fault is found in the trial where it belongs, with its words, what was expected and what to do.
fn all_found(planted: &[Planted]) {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (source, defines, faults) in planted {
        let output = check(&library(folder.path(), source, defines), &["--timeout", "30"]);
        let said = stdout(&output);
        for (trial, words) in *faults {
            let mut lines =
                said.lines().skip_while(|line| !line.starts_with(&format!("  {trial:<11} FAULT ")));
            let told = lines.next().is_some_and(|line| line.contains(words));
            let whole =
                ["expected: ", "to do: "].iter().all(|part| lines.next().is_some_and(|l| l.contains(part)));
            if output.status.code() != Some(1) || !told || !whole {
                let status = output.status;
                wrong.push(format!(
                    "{defines}: expected {trial}: {words}: {status}\n{said}{}",
                    stderr(&output)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn sound_plugins_pass() {
    let folder = tempfile::tempdir().unwrap();
    let sound = [
        ("mask", "SOUND", "planted-mask 1.0.0: 16 trials, no fault"),
        ("score", "SOUND", "planted-score 1.0.0: 16 trials, no fault"),
        ("score", "FAULT_NOT_DETERMINISTIC", "planted-score 1.0.0: 16 trials, no fault"),
        ("fill", "SOUND", "planted-fill 1.0.0: 18 trials, no fault"),
        ("fill", "ONE_BY_ONE", "planted-fill 1.0.0: 18 trials, no fault"),
        ("words", "SOUND", "planted-words 1.0.0: 16 trials, no fault"),
        ("band", "SOUND", "planted-band 1.0.0: 16 trials, no fault"),
    ];
    for (source, define, summary) in sound {
        let output = check(&library(folder.path(), source, define), &[]);
        let said = stdout(&output);
        assert_eq!((output.status.code(), said.lines().last()), (Some(0), Some(summary)), "{said}");
    }
}

#[test]
fn a_plugin_in_c_plus_plus_builds_without_a_warning_and_passes() {
    let pair = crate::support::Pair::new();
    let library = pair.path("libbright.so");
    let build = std::process::Command::new(std::env::var("CXX").unwrap_or_else(|_| "c++".into()))
        .args(["-std=c++17", "-Wall", "-Wextra", "-pedantic", "-Werror", "-fPIC", "-shared"])
        .arg("-fvisibility=hidden")
        .arg(format!("-I{}", root().join("crates/compose-plugin/include").display()))
        .arg("-o")
        .args([&library, &root().join("tests/plugins/bright.cc")])
        .output()
        .unwrap();
    assert!(build.status.success(), "{}", stderr(&build));
    let output = check(&library, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let rules = std::fs::read_to_string(pair.path("rules.toml")).unwrap();
    let more = "\n[[plugin]]\npath = \"libbright.so\"\n[[mask]]\nkind = \"bright\"\n";
    std::fs::write(pair.path("rules.toml"), rules + more).unwrap();
    // Above 105 in both scenes from the seventh pixel on: nothing is left to fill from.
    let result = pair.result(&[]);
    assert_eq!(result[..6], [100, 0, 102, 103, 104, 105]);
    assert!(result[6..].iter().all(|value| *value == 0), "{result:?}");
}

#[test]
fn a_panic_of_a_plugin_in_rust_is_a_fault_with_its_line() {
    let output = check(super::panicking(), &[]);
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("  written     FAULT panicked at src/lib.rs:"), "{said}");
}

#[test]
fn what_a_library_says_of_itself_is_held_against_the_header() {
    let load = |words: &'static str| -> &'static [(&'static str, &'static str)] {
        Box::leak(Box::new([("load", words)]))
    };
    all_found(&[
        ("words", "ID=\"h\\xff\"", load("its id is not UTF-8")),
        ("words", "ID=\"Hot\"", load("its id is \"Hot\", expected a-z")),
        ("words", "ID=\"band\"", load("is called \"band\", as a kind of the program is")),
        ("words", "TWO", load("two of its kinds are called \"planted-words\"")),
        ("words", "MARK=0", load("its function rate is null")),
        ("words", "DEFAULT=9", load("its default: 9, expected 0 to 5")),
        ("words", "KEY=\"kind\"", load("the tables of rules files have a key of this name already")),
        ("words", "MAJOR=2", load("was built against version 2.0 of the plugin interface")),
        ("words", "MINOR=1", load("was built against version 1.1 of the plugin interface")),
        ("words", "ENTRY=other", load("it does not export compose_plugin_entry")),
        (
            "words",
            "DOC=\"\" FAULT_REFUSES_ITS_DEFAULTS",
            &[
                ("descriptor", "setting \"weight\" has an empty doc"),
                ("settings", "refuses its own defaults: weight must be larger"),
            ],
        ),
        ("words", "RESERVED=3", &[("descriptor", "reserved is 3")]),
        (
            "mask",
            "FAULT_ANOTHER_POINTER FAULT_KEEPS_TEXT",
            &[
                ("descriptor", "another pointer the second time"),
                ("settings", "looks at text of its settings after create has returned"),
            ],
        ),
    ]);
}

#[test]
fn plans_that_cannot_be_meant_are_told() {
    all_found(&[
        ("mask", "FAULT_BAND_999", &[("plan", "asks for band 999")]),
        ("mask", "FAULT_SAME_BAND_TWICE", &[("plan", "asks for band B4 twice")]),
        ("mask", "FAULT_NO_BAND", &[("plan", "asks for 0 bands")]),
        ("mask", "FAULT_MORE_BANDS_THAN_ROOM", &[("plan", "wrote more bands than there is room for")]),
        ("mask", "FAULT_HALO_100000", &[("plan", "asks for a halo of 100000 px")]),
        ("mask", "FAULT_THREADS_7", &[("plan", "plan: threads = 7")]),
        ("mask", "FAULT_PLANS_ANOTHER_TIME_OTHERWISE", &[("plan", "plan differently")]),
        ("fill", "FAULT_ASKS_FOR_THE_TARGET", &[("plan", "the target, as a donor")]),
        ("fill", "FAULT_ASKS_FOR_NOTHING", &[("plan", "asks for no donor")]),
    ]);
}

#[test]
fn what_ends_the_program_is_a_finding() {
    all_found(&[
        (
            "mask",
            "FAULT_CRASHES_WHEN_LOADED",
            &[("load", "crashed (signal 6, aborted): while the library was loaded")],
        ),
        (
            "mask",
            "FAULT_CRASHES_AT_THE_END",
            &[("load", "crashed (signal 6, aborted): when the program ended")],
        ),
        (
            "mask",
            "FAULT_CRASH_AT_THE_LARGEST_RADIUS FAULT_NEEDS_A_DATE FAULT_CRASHES_AT_ONE_PIXEL",
            &[
                ("settings", "crashed (signal 6, aborted): create with band \"red\", limit 0.3, radius 20"),
                ("facts", "crashed (signal 11, segmentation fault): plan, scenes without a date"),
                ("one", "crashed (signal 11, segmentation fault): mark, block at column 31, row 22 (1×1)"),
            ],
        ),
        ("mask", "FAULT_FREES_TWICE", &[("settings", "double free")]),
        (
            "mask",
            "FAULT_EXITS",
            &[("written", "ended the program (exit status: 0): mark, block at column 31, row 22 (67×45)")],
        ),
        ("fill", "FAULT_CRASHES_WITHOUT_DONORS", &[("masked", "segmentation fault")]),
    ]);
}

#[test]
fn what_does_not_return_is_stopped_and_told() {
    let folder = tempfile::tempdir().unwrap();
    for (define, trial) in
        [("FAULT_LOOPS_FOR_EVER", "written"), ("FAULT_IGNORES_CANCEL_AND_LOOPS", "cancelled")]
    {
        let output = check(&library(folder.path(), "mask", define), &["--timeout", "1"]);
        let said = stdout(&output);
        let told = format!("  {trial:<11} FAULT did not return within 1 s: mark, block at column 31, row 22");
        assert!(output.status.code() == Some(1) && said.contains(&told), "{said}");
    }
}

#[test]
fn a_status_says_what_it_should() {
    all_found(&[
        (
            "mask",
            "FAULT_FAILS_SILENTLY",
            &[("written", "failed without saying why: mark, block at column 31")],
        ),
        ("mask", "FAULT_STATUS_7", &[("written", "returned the status 7 (\"seven\"): mark")]),
        ("mask", "FAULT_CANCELLED_UNASKED", &[("written", "was not asked to stop: mark")]),
        ("mask", "FAULT_ANY_FACTORY", &[("descriptor", "get_factory(\"\") is not NULL")]),
    ]);
}

#[test]
fn writing_and_reading_outside_is_told_with_its_place() {
    all_found(&[
        (
            "mask",
            "FAULT_WRITES_AFTER_THE_END FAULT_MARKS_WITH_2",
            &[
                ("guards", "1 sample after the last pixel, 1 in all"),
                ("fences", "signal 7, bus error"),
                ("written", "wrote 2, which is neither 0 nor 1"),
            ],
        ),
        (
            "mask",
            "FAULT_WRITES_BEFORE_THE_START FAULT_LEAVES_A_COLUMN",
            &[
                ("guards", "1 sample before the first pixel, 1 in all"),
                ("written", "wrote no mark for the pixel at column 97, row 22"),
            ],
        ),
        ("mask", "FAULT_ROW_TOO_LONG", &[("guards", "wrote outside the pixels that it was asked for")]),
        (
            "mask",
            "FAULT_IGNORES_STRIDE",
            &[
                ("guards", "1 sample after the last pixel of row 0"),
                ("strides", "where rows are farther apart"),
            ],
        ),
        (
            "mask",
            "FAULT_CHANGES_ITS_INPUT FAULT_LEAVES_A_ROW",
            &[
                ("guards", "changed the pixels that it was given to read"),
                ("written", "wrote no mark for the pixel at column 31, row 66"),
            ],
        ),
        (
            "mask",
            "FAULT_READS_PAST_THE_END FAULT_NEEDS_A_SCALE_SILENTLY",
            &[
                ("fences", "planes at the end of memory"),
                ("facts", "failed without saying why: plan, bands without a scale"),
            ],
        ),
        ("mask", "FAULT_HALO_TOO_SMALL", &[("halo", "depends on pixels beyond the halo of 0")]),
        ("score", "FAULT_IGNORES_VALID_STRIDE", &[("strides", "where rows are farther apart")]),
        (
            "fill",
            "FAULT_VALUES_TOO_LONG FAULT_WRITES_INFINITY",
            &[
                ("guards", "wrote outside the pixels that it was asked for"),
                ("written", "wrote inf and COMPOSE_COMPUTED"),
            ],
        ),
        ("fill", "FAULT_SOURCES_WITHOUT_STRIDE", &[("guards", "after the last pixel of row 0")]),
        (
            "fill",
            "FAULT_CHANGES_THE_GAPS FAULT_DONOR_99",
            &[
                ("guards", "changed the pixels that it was given to read"),
                ("written", "named donor 99, and there are 4"),
            ],
        ),
    ]);
}

#[test]
fn answers_that_no_pixel_can_have_are_told() {
    all_found(&[
        ("score", "FAULT_SKIPS_EVERY_FIFTH_ROW", &[("written", "wrote NaN, or nothing, for the pixel")]),
        ("score", "FAULT_NAN_WITHOUT_NEIGHBOURS", &[("masked", "wrote NaN, or nothing, for the pixel")]),
        ("fill", "FAULT_NAMES_A_BLIND_DONOR", &[("written", "named donor 0, which does not see it")]),
        ("fill", "FAULT_NAN_WITHOUT_DONORS", &[("masked", "wrote NaN, or no value, and COMPOSE_COMPUTED")]),
        ("fill", "FAULT_FORGETS_A_BAND", &[("written", "wrote NaN, or no value, and COMPOSE_COMPUTED")]),
    ]);
}

#[test]
fn answers_that_depend_on_what_they_may_not_are_told() {
    all_found(&[
        (
            "mask",
            "FAULT_DEPENDS_ON_THE_ORIGIN FAULT_STATIC_SCRATCH",
            &[
                ("blocks", "gives another answer than block at column 31, row 22"),
                ("threads", "with 4 threads, planned as COMPOSE_THREADS_ANY"),
            ],
        ),
        (
            "mask",
            "FAULT_DEPENDS_ON_THE_SIZE FAULT_READS_INVALID",
            &[
                ("blocks", "gives another answer than block at column 31, row 22"),
                ("invalid", "depends on samples that are not valid (NaN)"),
            ],
        ),
        ("mask", "FAULT_REFUSES_SMALL_BLOCKS", &[("one", "refuses block at column 31, row 22 (1×1)")]),
        ("mask", "FAULT_COUNTS_ITS_CALLS", &[("repeat", "the same call gives another answer the next time")]),
        ("score", "FAULT_DRIFTS", &[("repeat", "gives another answer")]),
        (
            "score",
            "FAULT_STATIC_SUM",
            &[("threads", "with 4 threads, planned as COMPOSE_THREADS_PER_INSTANCE")],
        ),
        ("fill", "FAULT_SHARED_COUNTER", &[("repeat", "gives another answer")]),
        (
            "fill",
            "FAULT_TAKES_DONORS_FOR_THE_PLANNED_ONES",
            &[("left-out", "a donor that is left out, because it does not meet the grid")],
        ),
        (
            "fill",
            "FAULT_READS_INVALID FAULT_LOOKS_AT_OTHER_GAPS",
            &[
                ("invalid", "depends on samples that are not valid"),
                ("gaps", "depends on which other pixels are gaps"),
            ],
        ),
    ]);
}

#[test]
fn a_plugin_that_refuses_every_made_up_scene_is_not_a_checked_one() {
    let folder = tempfile::tempdir().unwrap();
    let output = check(&library(folder.path(), "mask", "FAULT_REFUSES_EVERYTHING"), &[]);
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("refused every made-up scene: \"needs the moon\"; give --rules FILE"), "{said}");
    assert!(said.ends_with("planted-mask 1.0.0: 16 trials, no fault, 13 not tried\n"), "{said}");
}

#[test]
fn settings_of_a_rules_file_are_tried() {
    let folder = tempfile::tempdir().unwrap();
    let library = library(folder.path(), "mask", "FAULT_CRASH_AT_THE_LARGEST_RADIUS");
    let rules = folder.path().join("rules.toml");
    let tried = |settings: &str| {
        let table = format!("[[mask]]\nname = \"a\"\nany = [{{ kind = \"planted-mask\", {settings} }}]\n");
        std::fs::write(&rules, table).unwrap();
        check(&library, &["--rules", rules.to_str().unwrap()])
    };
    let output = tried("radius = 20");
    assert!(
        stdout(&output)
            .contains("crashed (signal 6, aborted): create with band \"red\", limit 0.3, radius 20")
    );
    let output = tried("radius = 21");
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("rules.toml:3: planted-mask: radius is 21, expected 0 to 20"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn what_is_no_library_cannot_be_checked() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.so");
    std::fs::write(&text, "no library").unwrap();
    for (file, words) in
        [(text, "cannot be loaded as a shared library"), (folder.path().join("none.so"), "No such file")]
    {
        let output = check(&file, &[]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
}
