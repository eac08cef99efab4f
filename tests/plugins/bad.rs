//! Broken plugins: each is refused by name, with version, scene and block, and leaves nothing behind.

use super::compile;
use crate::support::{Pair, listing, root, signal, stderr};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

const MASK: &str = "kind = \"broken-mask\"";
const SCORE: &str = "strategy = \"best-score\"\nscore = { kind = \"broken-score\" }";
const FILL: &str = "strategy = \"broken-fill\"";

/// The pair of scenes with tests/plugins/broken.c, broken by these definitions.
fn broken(defines: &[&str]) -> Pair {
    let pair = Pair::new();
    compile(&root().join("tests/plugins/broken.c"), &pair.path("libbroken.so"), defines);
    let rules = std::fs::read_to_string(pair.path("rules.toml")).unwrap();
    std::fs::write(pair.path("rules.toml"), rules + "\n[[plugin]]\npath = \"libbroken.so\"\n").unwrap();
    pair
}

/// With a mask rule of the plugin beside the one that is there; `settings` are further lines of its table.
fn with_mask(defines: &[&str], settings: &str) -> Pair {
    let pair = broken(defines);
    pair.change("[[fill]]", &format!("[[mask]]\nname = \"mine\"\n{MASK}\n{settings}\n\n[[fill]]"));
    pair
}

/// With another fill in place of the one that is there.
fn with_fill(defines: &[&str], fill: &str) -> Pair {
    let pair = broken(defines);
    pair.change("strategy = \"nearest-date\"", fill);
    pair
}

/// Refused with all these words, and nothing left behind.
fn refused(pair: &Pair, words: &[&str]) {
    let said = pair.refused(&[]);
    for word in words {
        assert!(said.contains(word), "\"{word}\" is not in: {said}");
    }
}

const PLUGIN: &str = "plugin \"broken-mask\" 1.2.3: ";
const WHERE: &str = "mask \"mine\" on scene a, block at column 0, row 0 (4×3): ";

#[test]
fn what_is_broken_on_purpose_works_when_it_is_not_broken() {
    assert_eq!(with_mask(&[], "").result(&[])[1], 201);
    assert_eq!(with_fill(&[], SCORE).result(&[])[1], 201);
    assert_eq!(with_fill(&["VALUE=42.4f", "SOURCE=COMPOSE_COMPUTED"], FILL).result(&[])[1], 42);
    let copies = "SOURCE=compose_valid_row(&input->donors[0].planes[0],row)[col]?0:COMPOSE_GAP";
    let copied = with_fill(&[copies], FILL).result(&["--block-size", "2"]);
    assert_eq!((copied[1], copied[6]), (201, 0));
}

#[test]
fn what_is_no_plugin_is_refused_with_the_cause() {
    let pair = broken(&[]);
    std::fs::remove_file(pair.path("libbroken.so")).unwrap();
    refused(&pair, &["rules.toml:30: [[plugin]] ", "/libbroken.so: No such file"]);
    std::fs::write(pair.path("libbroken.so"), "these are words").unwrap();
    refused(&pair, &["libbroken.so cannot be loaded as a shared library: ", "file too short"]);
    std::fs::create_dir(pair.path("libfolder.so")).unwrap();
    pair.change("libbroken.so", "libfolder.so");
    refused(&pair, &["/libfolder.so: is no regular file"]);
    let nothing = broken(&[]);
    compile(Path::new("/dev/null"), &nothing.path("libbroken.so"), &["-xc"]);
    refused(&nothing, &["is a shared library, but no plugin", "undefined symbol: compose_plugin_entry"]);
}

#[test]
fn a_symbol_that_is_nowhere_is_told_before_a_pixel_is_read() {
    refused(&broken(&["MISSING_SYMBOL"]), &["rules.toml:30: ", "undefined symbol: compose_test_nowhere"]);
}

#[test]
fn an_id_does_not_lead_out_of_the_search_path() {
    for id in ["../broken", "/tmp/broken", "Broken"] {
        let pair = broken(&[]);
        pair.change("path = \"libbroken.so\"", &format!("id = {id:?}"));
        refused(&pair, &["rules.toml:30: ", "cannot be the name of a kind"]);
    }
}

#[test]
fn a_plugin_that_ends_the_program_does_not_end_it_with_success() {
    let pair = with_mask(&["EXIT"], "");
    refused(
        &pair,
        &["plugin \"broken-mask\" 1.2.3, scene a, block at column 0, row 0 (4×3): ended the program"],
    );
}

#[test]
fn a_plugin_that_is_changed_while_it_is_in_use_is_refused() {
    let pair = with_mask(&["PATIENT"], "");
    let before = listing(pair.folder.path());
    let mut command = crate::support::command();
    command.current_dir(pair.folder.path()).args(["--rules", "rules.toml"]).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    // Another file of the same name: what is loaded is not touched.
    std::fs::remove_file(pair.path("libbroken.so")).unwrap();
    std::fs::write(pair.path("libbroken.so"), "another").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), listing(pair.folder.path())), (Some(2), before));
    assert!(
        stderr(&output).contains("libbroken.so: the plugin was changed while it was in use"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn another_version_of_the_interface_is_refused_with_both_numbers() {
    let both = "was built against version 2.0 of the plugin interface, and this program speaks 1.0";
    refused(&broken(&["MAJOR=2"]), &["rules.toml:30: [[plugin]] ", "libbroken.so", both]);
    refused(&broken(&["MINOR=1"]), &["was built against version 1.1"]);
    // Nothing else of it is looked at: not even its null function.
    refused(&broken(&["MAJOR=2", "NULL_FACTORY"]), &[both]);
}

#[test]
fn descriptors_that_make_no_sense_are_refused() {
    for (defines, words) in [
        (&["NULL_FACTORY"][..], "its entry has a null get_factory"),
        (&["NOTHING"], "it supplies no mask rule, no score and no fill strategy"),
        (&["NULL_MARK"], "\"broken-mask\" 1.2.3: its function mark is null"),
        (&["KINDS=2"], "two of its kinds are called \"broken-mask\""),
        (
            &["MASK_ID=\"broken-fill\""],
            "two of its kinds are called \"broken-fill\": a mask rule and a fill strategy",
        ),
        (&["MASK_ID=\"bits\""], "its mask rule is called \"bits\", and there is a kind of this name already"),
        (
            &["MASK_ID=\"best-score\""],
            "its mask rule is called \"best-score\", and there is a kind of this name",
        ),
        (&["MASK_ID=\"br\\xf6ken\""], "mask rule 0: its id is not UTF-8"),
        (&["MASK_ID=\"Broken Mask\""], "its id is \"Broken Mask\", expected a-z, 0-9 and -"),
        (&["MASK_ID=NULL"], "mask rule 0: its id is NULL"),
        (
            &["RESERVED_KEY"],
            "\"broken-mask\": setting \"grow\": the tables of rules files have a key of this name",
        ),
    ] {
        refused(&broken(defines), &["rules.toml:30: [[plugin]] ", "libbroken.so", words]);
    }
}

#[test]
fn one_library_twice_is_refused() {
    let pair = broken(&[]);
    pair.change("path = \"libbroken.so\"", "path = \"libbroken.so\"\n[[plugin]]\npath = \"libbroken.so\"");
    refused(
        &pair,
        &["rules.toml:32: ", "is called \"broken-mask\", and there is a kind of this name already"],
    );
}

#[test]
fn a_library_that_is_not_the_one_pinned_is_refused() {
    let pair = broken(&[]);
    let other = "5A".repeat(32);
    pair.change("path = \"libbroken.so\"", &format!("path = \"libbroken.so\"\nsha256 = \"{other}\""));
    refused(&pair, &["rules.toml:31: ", "its SHA-256 is ", &format!(", expected {other}")]);
    pair.change(&other, "5A1f");
    refused(&pair, &["rules.toml:31: ", "sha256 is no hash: expected 64 hexadecimal digits"]);
}

#[test]
fn a_plugin_table_names_one_library() {
    let pair = broken(&[]);
    pair.change("path = \"libbroken.so\"", "");
    refused(&pair, &["rules.toml:29: [[plugin]] says neither path nor id"]);
    let pair = broken(&[]);
    pair.change("path = \"libbroken.so\"", "path = \"libbroken.so\"\nid = \"broken-mask\"");
    refused(&pair, &["rules.toml:31: [[plugin]] says both path and id"]);
}

#[test]
fn settings_are_held_to_their_declaration() {
    for (settings, words) in [
        ("limit = \"x\"", "limit is the string \"x\", expected a number"),
        ("limit = 11", "limit is 11, expected 0 to 10"),
        ("limit = nan", "limit is the number nan, expected a finite number"),
        (
            "level = \"hihg\"",
            "level is the string \"hihg\", expected one of low, high; did you mean \"high\"?",
        ),
        ("level = 1", "level is the integer 1, expected one of low, high"),
        ("months = 3", "months is the integer 3, expected a list"),
        ("band = \"B\\u0000\"", "expected text without a zero byte"),
        ("months = [3, 13]", "months is 13, expected 1 to 12"),
        ("months = [3, 1.5]", "months holds the number 1.5, expected a whole number"),
        ("limti = 3", "unknown key \"limti\"; did you mean \"limit\"?"),
        ("band = \"B2\"", "no band \"B2\"; bands: B1, QA"),
    ] {
        refused(&with_mask(&[], settings), &["rules.toml:26: mask \"mine\": ", words]);
    }
    refused(
        &with_mask(&["REFUSE_SETTINGS"], ""),
        &["rules.toml:23: mask \"mine\": ", PLUGIN, "limit and level do not go together"],
    );
}

#[test]
fn plans_that_cannot_be_are_refused() {
    let plan = |defines: &[&str], words: &str| {
        refused(&with_mask(defines, ""), &["rules.toml:23: mask \"mine\": ", PLUGIN, "plan: ", words]);
    };
    plan(&["HALO=100000"], "asks for a halo of 100000 px; at most 1024 are given");
    plan(&["BAND=99"], "asks for band 99; the scene has bands 0 to 1");
    plan(&["OWN_ARRAY"], "has changed the pointer bands or its capacity");
    plan(&["BAND_COUNT=2"], "asks for 2 bands and does not write the index of band 1 of them");
    plan(&["BAND_COUNT=3"], "asks for 3 bands; expected 1 to 2");
    plan(&["THREADS=7"], "threads = 7, which is no enum compose_threads");
    let fill = |defines: &[&str], words: &str| {
        refused(
            &with_fill(defines, FILL),
            &["rules.toml:23: ", "plugin \"broken-fill\" 1.2.3: plan: ", words],
        );
    };
    fill(&["DONOR=99"], "asks for scene 99; there are scenes 0 to 1");
    fill(&["DONOR=0"], "asks for scene a, the target, as a donor");
    fill(&["OWN_DONORS"], "has changed the pointer donors or its capacity");
    fill(&["DONOR_COUNT=2"], "asks for 2 donors and does not write the index of donor 1 of them");
    fill(&["FILL_HALO=100000"], "asks for a halo of 100000 px");
}

#[test]
fn a_call_that_fails_is_told_with_plugin_version_scene_and_block() {
    refused(&with_mask(&["FAIL"], ""), &[WHERE, PLUGIN, "the model file is missing"]);
    refused(&with_mask(&["FAIL_SILENTLY"], ""), &[WHERE, PLUGIN, "failed without saying why (status 7)"]);
    refused(&with_mask(&["CANCEL"], ""), &[WHERE, PLUGIN, "gave up as if asked to stop, but was not"]);
    let place = "fill 1 (broken-fill), block at column 1, row 0 (2×2): ";
    let plugin = "plugin \"broken-fill\" 1.2.3: ";
    refused(&with_fill(&["FILL_FAIL"], FILL), &[place, plugin, "singular system"]);
    refused(&with_fill(&["FILL_FAIL", "ONE_BY_ONE"], FILL), &[place, "scene b: ", plugin]);
}

#[test]
fn pixels_that_cannot_be_are_refused() {
    refused(&with_mask(&["SKIP"], ""), &[WHERE, PLUGIN, "wrote no mark for the pixel at column 2, row 1"]);
    refused(
        &with_mask(&["MARK=2"], ""),
        &[WHERE, PLUGIN, "wrote 2 for the pixel at column 0, row 0; a mark is 0 or 1"],
    );
    refused(&with_mask(&["BEYOND"], ""), &[WHERE, PLUGIN, "wrote outside the pixels that it was asked for"]);
    let scored =
        ["score on scene b, block at column 1, row 0 (2×2): ", "plugin \"broken-score\" 1.2.3: wrote NaN"];
    refused(&with_fill(&["SCORE=NAN"], SCORE), &scored);
    let fill = |defines: &[&str], words: &str| {
        let place = "fill 1 (broken-fill), block at column 1, row 0 (2×2): plugin \"broken-fill\" 1.2.3: ";
        refused(&with_fill(defines, FILL), &[place, words]);
    };
    fill(&["SOURCE=COMPOSE_COMPUTED"], "wrote NaN, or nothing, in band 1 for the pixel at column 1, row 0");
    fill(&["SOURCE=COMPOSE_COMPUTED", "VALUE=INFINITY"], "wrote inf in band 1");
    fill(&["SOURCE=1"], "says that the pixel at column 1, row 0 is donor 1's; there are 1");
    fill(&["SOURCE=0"], "says that the pixel at column 2, row 1 is donor 0's, which does not see it");
}

#[test]
fn a_rule_that_marks_nothing_is_remarked_on() {
    let pair = with_mask(&[], "");
    let output = pair.compose(&[]);
    assert!(output.status.success(), "{}", stderr(&output));
    let words = "note: mask \"mine\" (broken-mask 1.2.3 (limit 5, level \"low\")) took no pixel of anything";
    assert!(stderr(&output).contains(words), "{}", stderr(&output));
}

#[test]
fn a_score_of_never_leaves_the_gap() {
    let pair = with_fill(&["SCORE=-HUGE_VALF"], SCORE);
    assert_eq!(pair.result(&[])[1], 0);
}

#[test]
fn what_a_plugin_says_is_shown_once_and_answers_that_may_differ_are_noted() {
    let pair = with_mask(&["LOG", "NOT_DETERMINISTIC"], "");
    let said = stderr(&pair.compose(&["--block-size", "2"]));
    assert_eq!(said.matches("note: warning: the band is very dark").count(), 1, "{said}");
    assert!(said.contains("plugin \"broken-mask\" 1.2.3 says that its answers may differ"), "{said}");
}

/// Ctrl-C while a call goes on: how long the program takes to end, and what it says.
fn interrupted(pair: &Pair) -> (Duration, String) {
    let before = listing(pair.folder.path());
    let mut command = crate::support::command();
    command.current_dir(pair.folder.path()).args(["--rules", "rules.toml", "-j", "2"]).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    let start = Instant::now();
    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.status.signal()), (Some(2), None), "{}", stderr(&output));
    assert_eq!(listing(pair.folder.path()), before, "something was left behind");
    (start.elapsed(), stderr(&output))
}

#[test]
fn ctrl_c_does_not_wait_for_a_plugin_that_does_not_look_up() {
    let (elapsed, said) = interrupted(&with_mask(&["SLOW"], ""));
    assert!(elapsed < Duration::from_secs(5), "{elapsed:?}");
    for words in [
        "interrupted; nothing was written",
        "plugin \"broken-mask\" 1.2.3, scene a, block at column 0, row 0",
    ] {
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn ctrl_c_ends_a_plugin_that_looks_up_at_once() {
    let (elapsed, said) = interrupted(&with_mask(&["PATIENT"], ""));
    assert!(elapsed < Duration::from_millis(1500), "{elapsed:?}");
    assert!(said.contains("interrupted; nothing was written") && !said.contains("did not stop"), "{said}");
}

#[test]
fn a_folder_of_the_search_path_that_is_not_absolute_is_refused() {
    let pair = broken(&[]);
    pair.change("path = \"libbroken.so\"", "id = \"broken-mask\"");
    let run = |path: &str| {
        let mut command = crate::support::command();
        let output = command.current_dir(pair.folder.path()).env("COMPOSE_PLUGIN_PATH", path);
        stderr(&output.args(["--rules", "rules.toml"]).output().unwrap())
    };
    assert!(run(".").contains("COMPOSE_PLUGIN_PATH: the folder \".\" is not absolute"), "{}", run("."));
    // An empty entry is not the working directory.
    let said = run(":");
    assert!(said.contains("no plugin \"broken-mask\" (libbroken_mask.so"), "{said}");
    std::fs::copy(pair.path("libbroken.so"), pair.path("libbroken_mask.so")).unwrap();
    assert!(run("").contains("no plugin \"broken-mask\""), "the working directory was searched");
    let said = run(pair.folder.path().to_str().unwrap());
    assert!(said.contains("wrote out.tif"), "{said}");
}

#[test]
fn a_panic_of_a_plugin_in_rust_becomes_an_error() {
    let pair = Pair::new();
    let library = super::panicking();
    let rules = std::fs::read_to_string(pair.path("rules.toml")).unwrap();
    let rules =
        format!("{rules}\n[[plugin]]\npath = {library:?}\n[[mask]]\nname = \"mine\"\nkind = \"panics\"\n");
    std::fs::write(pair.path("rules.toml"), rules).unwrap();
    // `refused` insists that nothing speaks of a panicked thread: the message is the error's.
    let before = listing(pair.folder.path());
    let output = pair.compose(&[]);
    let said = stderr(&output);
    assert_eq!((output.status.code(), listing(pair.folder.path())), (Some(2), before), "{said}");
    for words in [
        "mask \"mine\" on scene a, block at column 0",
        "plugin \"panics\" 0.1.0: panicked at src/lib.rs:",
        "out of bounds",
    ] {
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn no_output_replaces_the_library_of_a_plugin() {
    let pair = broken(&[]);
    let library = pair.path("libbroken.so");
    let before = std::fs::read(&library).unwrap();
    std::os::unix::fs::symlink("libbroken.so", pair.path("soft.tif")).unwrap();
    std::fs::hard_link(&library, pair.path("hard.tif")).unwrap();
    for output in ["libbroken.so", "soft.tif", "hard.tif", "./libbroken.so"] {
        let said = pair.refused(&["--overwrite", "-o", output]);
        assert!(said.contains(&format!("{output} is read by this run")), "{said}");
    }
    assert_eq!(std::fs::read(&library).unwrap(), before);
}
