//! Many processes, in any order, killed and resumed, leave the bytes that one leaves.

use super::{Field, STACK, assert_same, report};
use crate::support::{command, listing, signal, stderr, stdout};
use std::process::{Child, Stdio};
use std::time::Duration;

impl Field {
    /// A process of its own.
    fn start(&self, args: &[&str]) -> Child {
        let mut command = command();
        command.current_dir(self.folder.path()).args(args).stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }
}

/// Whether the GDAL that is linked writes and reads tile indexes: it has GTI from 3.9 on.
fn has_tile_indexes() -> bool {
    ["GTI", "FlatGeobuf"].iter().all(|driver| gdal::DriverManager::get_driver_by_name(driver).is_ok())
}

fn succeeds(child: Child) {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}

#[test]
fn parts_in_any_order_by_processes_of_their_own_leave_the_bytes_of_one() {
    let field = Field::repaired(256);
    field.save_plan();
    field.done(&["--rules", "rules.toml", "--quiet"]);
    let one = field.taken();
    let indexes = 2 * usize::from(has_tile_indexes());
    assert_eq!(one.len(), 9 * 3 + 3 + indexes, "{:?}", one.keys());
    field.done(&["--from-plan", "plan.json", "--quiet"]);
    assert_same(&one, &field.taken(), "from the plan");
    for order in [&[1][..], &[2, 3, 1], &[5, 1, 7, 3, 2, 6, 4]] {
        let part = |nth: &usize| format!("{nth}/{}", order.len());
        let start = |nth| field.start(&["--from-plan", "plan.json", "--part", &part(nth), "-q", "-j", "1"]);
        let running: Vec<Child> = order.iter().map(start).collect();
        running.into_iter().for_each(succeeds);
        assert_same(&one, &field.taken(), &format!("{order:?}"));
    }
    // Tile by tile, the last first.
    for (row, col) in (0..9).rev().map(|nth| (nth / 3, nth % 3)) {
        field.done(&["--from-plan", "plan.json", "--tile", &format!("r{row:03}_c{col:03}"), "-q"]);
    }
    assert_same(&one, &field.taken(), "tile by tile");
}

/// Moments from a few milliseconds to more than the run takes, by a generator of Numerical Recipes.
#[test]
fn a_run_that_is_killed_twenty_times_and_resumed_leaves_the_bytes_of_one_that_is_not() {
    let field = Field::repaired(256);
    field.save_plan();
    field.done(&["--from-plan", "plan.json", "--quiet"]);
    let one = field.taken();
    let (mut state, mut killed) = (7_u32, 0);
    for _ in 0..20 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mut child = field.start(&["--from-plan", "plan.json", "--resume", "-q", "-j", "1"]);
        std::thread::sleep(Duration::from_millis(u64::from(state >> 16) % 400));
        killed += usize::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(killed > 0);
    field.done(&["--from-plan", "plan.json", "--resume"]);
    assert_same(&one, &field.files(), "resumed");
}

#[test]
fn two_processes_on_one_tile_both_succeed_with_one_file() {
    let field = Field::repaired(512);
    field.save_plan();
    for _ in 0..5 {
        let start = || field.start(&["--from-plan", "plan.json", "--tile", "r000_c001", "-q", "-j", "1"]);
        let both = [start(), start()];
        both.into_iter().for_each(succeeds);
        let files = listing(&field.path("out"));
        let mut expected = vec![
            "mosaic.vrt",
            "mosaic_provenance.vrt",
            "r000_c001.json",
            "r000_c001.tif",
            "r000_c001_provenance.tif",
        ];
        if has_tile_indexes() {
            expected.extend(["mosaic.gti.fgb", "mosaic_provenance.gti.fgb"]);
            expected.sort_unstable();
        }
        assert_eq!(files, expected);
        field.taken();
    }
    // All of it, by three at a time.
    let running: Vec<Child> =
        (0..3).map(|_| field.start(&["--from-plan", "plan.json", "-q", "-j", "1"])).collect();
    running.into_iter().for_each(succeeds);
    let many = field.taken();
    field.done(&["--from-plan", "plan.json", "-q"]);
    assert_same(&field.taken(), &many, "three at a time");
}

#[test]
fn status_says_what_is_done_and_what_is_missing() {
    let field = Field::repaired(256);
    field.save_plan();
    let status = |expected: i32| {
        let output = field.compose(&["status", "plan.json"]);
        assert_eq!(output.status.code(), Some(expected), "{}{}", stdout(&output), stderr(&output));
        stdout(&output)
    };
    let said = status(1);
    assert!(
        said.starts_with("out/{tile}.tif: 0 of 9 tiles done, 9 missing\n  missing: r000_c000, "),
        "{said}"
    );
    field.done(&["--from-plan", "plan.json", "--part", "1/3", "-q"]);
    let some = listing(&field.path("out"))
        .iter()
        .filter(|name| name.starts_with('r') && name.ends_with("json"))
        .count();
    assert!((2..=4).contains(&some), "{some}");
    let said = status(1);
    assert!(said.contains(&format!(": {some} of 9 tiles done, {} missing", 9 - some)), "{said}");
    assert!(said.lines().count() == 3, "the shares are told: {said}");
    assert!(!field.path("out/mosaic.json").exists(), "the report comes with the last tile");
    field.done(&["--from-plan", "plan.json", "-q"]);
    let said = status(0);
    assert!(said.starts_with("out/{tile}.tif: 9 of 9 tiles done\nfilled "), "{said}");
    // The shares are those of the last line of the run of a single image.
    let one = field.done(&["--rules", "whole.toml"]);
    assert_eq!(said.lines().last(), one.trim_end().lines().last());
    // A file that is shorter than its report says, and one that is gone.
    std::fs::write(field.path("out/r001_c001.tif"), "cut").unwrap();
    std::fs::remove_file(field.path("out/r002_c002_provenance.tif")).unwrap();
    let said = status(1);
    assert!(said.contains("7 of 9 tiles done, 2 missing\n  missing: r001_c001, r002_c002\n"), "{said}");
    let said = field.done(&["--from-plan", "plan.json", "--resume"]);
    assert!(said.contains("2 of 9 tiles written (7 were there)"), "{said}");
    assert_eq!(report(&field.path("out/mosaic.json"))["tiles"]["written"], 9);
    status(0);
}

/// While a run holds a tile, `status` names it.
#[test]
fn status_names_what_a_run_is_at_work_on() {
    use compose_io::files::{Claim, Drafts, Locks};
    let field = Field::repaired(256);
    field.save_plan();
    let report = field.path("out/r001_c002.json");
    let drafts = Drafts::default();
    let Claim::Ours(held) = Locks::try_take([report.as_path()], &drafts).unwrap() else { panic!("held") };
    let said = stdout(&field.compose(&["status", "plan.json"]));
    let me = std::process::id();
    assert!(said.contains("0 of 9 tiles done, 1 running, 8 missing\n"), "{said}");
    assert!(said.contains(&format!("\n  running: r001_c002, by process {me} on ")), "{said}");
    drop(held);
    assert!(stdout(&field.compose(&["status", "plan.json"])).contains("0 of 9 tiles done, 9 missing\n"));
}

/// Ctrl-C in a later tile: what was finished stays, nothing lies half-done, and the message says so.
#[test]
fn an_interrupted_run_says_that_its_tiles_stay() {
    let field = Field::repaired(256);
    field.save_plan();
    field.done(&["--from-plan", "plan.json", "-q"]);
    let whole = field.taken();
    let mut child = field.start(&["--from-plan", "plan.json", "-q", "-j", "1"]);
    while !field.path("out/r000_c000.tif").exists() {
        assert!(child.try_wait().unwrap().is_none(), "it ended before its first tile");
        std::thread::sleep(Duration::from_millis(1));
    }
    signal(&child, "INT");
    let output = child.wait_with_output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    let expected = "error: interrupted; the tiles that were finished stay, and --resume does the others\n";
    assert_eq!(said, expected);
    let left = field.files();
    assert!(left.len() < whole.len() && !left.keys().any(|name| name.starts_with('.')), "{:?}", left.keys());
    assert!(left.iter().all(|(name, bytes)| whole[name] == *bytes), "what is there is whole");
    field.done(&["--from-plan", "plan.json", "--resume", "-q"]);
    assert_same(&whole, &field.files(), "resumed");
}

/// A target that the rules leave out is not missed.
#[test]
fn status_counts_no_target_that_is_left_out() {
    let rules = "[target]\nscene = \"each\"\nskip-above = 5\n[[mask]]\nname = \"cloud\"\nkind = \"bits\"\nany = [\"cloud\"]\n";
    let field = Field::new(&STACK, 256, rules, "", "nodata = 0");
    let text = std::fs::read_to_string(field.path("rules.toml")).unwrap();
    std::fs::write(field.path("rules.toml"), text.replace("out/{tile}", "out/{id}_{tile}")).unwrap();
    field.save_plan();
    field.done(&["--from-plan", "plan.json", "-q"]);
    let outputs = listing(&field.path("out")).iter().filter(|name| name.ends_with("mosaic.json")).count();
    assert!((1..STACK.len()).contains(&outputs), "{outputs}");
    let said = field.done(&["status", "plan.json"]);
    assert_eq!(said.matches(": 9 of 9 tiles done").count(), outputs, "{said}");
}
