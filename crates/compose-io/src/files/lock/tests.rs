//! Locks of whole runs.

use super::*;
use std::io::Read;

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn take(folder: &Path, outputs: &[&str]) -> Result<Locks, String> {
    let paths: Vec<PathBuf> = outputs.iter().map(|name| folder.join(name)).collect();
    Locks::take(paths.iter().map(PathBuf::as_path), &Drafts::default()).map_err(|e| e.to_string())
}

/// A lock as a run leaves it that was killed: of this host, or of another.
fn stale(folder: &Path, name: &str, host: &str, more: &str) {
    let text = format!("process 4000000\nhost {host}\nsince 2026-01-02 03:04:05 UTC\n{more}");
    fs::write(folder.join(name), text).unwrap();
}

#[test]
fn a_lock_is_held_against_others_and_goes_with_its_holder() {
    let folder = tempfile::tempdir().unwrap();
    let first = take(folder.path(), &["a.tif", "b.tif"]).unwrap();
    assert_eq!(names(folder.path()), [".a.tif.lock", ".b.tif.lock"]);
    // One file of two names.
    assert_eq!(first.held.len(), 1);
    for outputs in [&["a.tif"][..], &["b.tif"], &["0.tif", "b.tif", "c.tif"]] {
        let said = take(folder.path(), outputs).unwrap_err();
        let me = format!("process {} on ", std::process::id());
        assert!(said.contains("is being written by another run") && said.contains(&me), "{said}");
        assert!(said.contains(" since 2"), "{said}");
        assert_eq!(names(folder.path()), [".a.tif.lock", ".b.tif.lock"], "all or none");
    }
    let other = take(folder.path(), &["c.tif"]).unwrap();
    drop(first);
    assert_eq!(names(folder.path()), [".c.tif.lock"]);
    drop(other);
    let again = take(folder.path(), &["a.tif", "c.tif"]).unwrap();
    assert!(again.notes().is_empty());
}

#[test]
fn a_lock_that_a_killed_run_left_is_told_and_taken_over_with_its_drafts() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    stale(folder.path(), ".a.tif.lock", &Owner::this_host(), "");
    fs::hard_link(at(".a.tif.lock"), at(".b.tif.lock")).unwrap();
    fs::create_dir(at(".a.tif.4000000-abc123.tmp")).unwrap();
    fs::write(at(".a.tif.4000000-abc123.tmp/draft"), "half").unwrap();
    fs::create_dir(at(".a.tif.4000001-abc123.tmp")).unwrap();
    fs::create_dir(at(".b.tif.4000000-abc123.tmp")).unwrap();
    let locks = take(folder.path(), &["a.tif"]).unwrap();
    let [note] = locks.notes() else { panic!("{:?}", locks.notes()) };
    let expected =
        "a.tif: the run of process 4000000, started 2026-01-02 03:04:05 UTC, was stopped before it finished";
    assert!(note.contains(expected), "{note}");
    let left = [".a.tif.4000001-abc123.tmp", ".a.tif.lock"];
    assert_eq!(names(folder.path()), left, "what is of others stays");
    drop(locks);
    // One that was killed before it had said who it is.
    fs::write(at(".c.tif.lock"), "").unwrap();
    take(folder.path(), &["c.tif"]).unwrap();
}

#[test]
fn what_is_no_lock_stays_where_a_lock_would_lie() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at(".a.tif.lock"), "somebody's notes").unwrap();
    let said = take(folder.path(), &["a.tif"]).unwrap_err();
    assert!(said.contains(".a.tif.lock is no lock of a run") && said.contains("move it"), "{said}");
    assert_eq!(fs::read(at(".a.tif.lock")).unwrap(), b"somebody's notes");
    fs::create_dir(at(".b.tif.lock")).unwrap();
    assert!(take(folder.path(), &["b.tif"]).unwrap_err().contains("is no lock of a run"));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(at("nowhere"), at(".c.tif.lock")).unwrap();
        assert!(take(folder.path(), &["c.tif"]).unwrap_err().contains("is no lock of a run"));
    }
}

#[test]
fn who_finds_a_lock_stale_is_told_where_files_were_just_being_named() {
    let folder = tempfile::tempdir().unwrap();
    let mut locks = take(folder.path(), &["a.tif"]).unwrap();
    locks.begin_naming().unwrap();
    let mut text = String::new();
    File::open(folder.path().join(".a.tif.lock")).unwrap().read_to_string(&mut text).unwrap();
    drop(locks);
    fs::write(folder.path().join(".a.tif.lock"), text).unwrap();
    let locks = take(folder.path(), &["a.tif"]).unwrap();
    assert!(
        locks.notes()[0].contains("old and new files may be mixed: run compose check"),
        "{:?}",
        locks.notes()
    );
}

#[test]
fn a_lock_of_another_host_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    stale(folder.path(), ".a.tif.lock", "elsewhere", "");
    let said = take(folder.path(), &["a.tif"]).unwrap_err();
    assert!(said.contains("process 4000000 on elsewhere since 2026-01-02"), "{said}");
    assert!(said.contains("if it has ended, remove ") && said.ends_with(".a.tif.lock"), "{said}");
    assert_eq!(names(folder.path()), [".a.tif.lock"]);
}

#[test]
fn of_many_that_race_for_a_stale_lock_one_wins() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..20 {
        stale(folder.path(), ".a.tif.lock", &Owner::this_host(), "");
        let start = std::sync::Barrier::new(6);
        let won = std::thread::scope(|scope| {
            let race = || {
                start.wait();
                let taken = take(folder.path(), &["a.tif"]);
                // Held until all have tried.
                start.wait();
                taken.is_ok()
            };
            let racers: Vec<_> = (0..6).map(|_| scope.spawn(race)).collect();
            racers.into_iter().map(|r| u32::from(r.join().unwrap())).sum::<u32>()
        });
        assert_eq!(won, 1);
        assert!(names(folder.path()).is_empty());
    }
}

#[cfg(unix)]
#[test]
fn a_link_to_a_folder_does_not_hide_a_lock() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("real")).unwrap();
    std::os::unix::fs::symlink("real", folder.path().join("linked")).unwrap();
    let _held = take(folder.path(), &["real/a.tif"]).unwrap();
    assert!(take(folder.path(), &["linked/a.tif"]).is_err());
    assert!(take(folder.path(), &["linked/../real/a.tif"]).is_err());
}

#[test]
fn long_names_have_locks_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let long = |end: &str| format!("{}{end}.tif", "é".repeat(120));
    let _held = take(folder.path(), &[&long("a")]).unwrap();
    assert!(take(folder.path(), &[&long("b")]).is_ok());
    assert!(take(folder.path(), &[&long("a")]).is_err());
}

#[test]
fn a_folder_that_is_missing_is_named() {
    let folder = tempfile::tempdir().unwrap();
    assert!(take(folder.path(), &["no/a.tif"]).unwrap_err().contains("there is no folder"));
}
