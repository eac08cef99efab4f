//! Runs that share the tiles of a folder: each is claimed, and what a dead run held is taken over.

use super::*;
use crate::files::holder::SILENT;
use crate::files::{Inputs, Naming, commit_all, text_file};
use std::process::{Child, Command};
use std::sync::Barrier;

/// Says to a test which folder it works in for another process.
const FOLDER: &str = "COMPOSE_TEST_CLAIMS";
/// What the process does with the first tile that it claims.
const STAYS: &str = "COMPOSE_TEST_STAYS";

fn try_take(folder: &Path, outputs: &[&str]) -> Claim {
    let paths: Vec<PathBuf> = outputs.iter().map(|name| folder.join(name)).collect();
    Locks::try_take(paths.iter().map(PathBuf::as_path), &Drafts::default()).unwrap()
}

fn ours(claim: Claim) -> Locks {
    match claim {
        Claim::Ours(locks) => locks,
        Claim::Others(who) => panic!("{who} has it"),
    }
}

fn others(claim: Claim) -> String {
    match claim {
        Claim::Ours(locks) => panic!("ours: {locks:?}"),
        Claim::Others(who) => who,
    }
}

/// A lock of a run on a host, last touched so long ago.
fn left(folder: &Path, name: &str, host: &str, more: &str, ago: Duration) -> PathBuf {
    let lock = folder.join(name);
    let text = format!("process 4000000\nhost {host}\nsince 2026-01-02 03:04:05 UTC\n{more}");
    fs::write(&lock, text).unwrap();
    set_back(&lock, ago);
    lock
}

fn set_back(lock: &Path, ago: Duration) {
    let file = File::options().append(true).open(lock).unwrap();
    file.set_modified(file.metadata().unwrap().modified().unwrap() - ago).unwrap();
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_another_run_holds_is_skipped_whole() {
    let folder = tempfile::tempdir().unwrap();
    let first = ours(try_take(folder.path(), &["b.tif", "b.json"]));
    first.beat().unwrap();
    let me = format!("process {} on {} since ", std::process::id(), Owner::this_host());
    for wanted in [&["b.tif"][..], &["a.tif", "b.json", "c.tif"]] {
        let who = others(try_take(folder.path(), wanted));
        assert!(who.starts_with(&me), "{who}");
        assert_eq!(names(folder.path()), [".b.json.lock", ".b.tif.lock"]);
    }
    // A run that wants it whatever others do is refused as ever, and the other way round.
    let output = folder.path().join("b.tif");
    let refused = Locks::take([output.as_path()], &Drafts::default()).unwrap_err().to_string();
    assert!(refused.contains("is being written by another run"), "{refused}");
    assert!(Locks::holder(&output).unwrap().starts_with(&me));
    drop(first);
    assert_eq!(Locks::holder(&output), None);
    let plain = Locks::take([output.as_path()], &Drafts::default()).unwrap();
    others(try_take(folder.path(), &["b.tif"]));
    plain.beat().unwrap();
    drop(plain);
    assert!(ours(try_take(folder.path(), &["b.tif"])).notes().is_empty());
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_run_of_this_host_that_ended_is_cleared_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let lock = left(folder.path(), ".a.tif.lock", &Owner::this_host(), "beats\n", Duration::ZERO);
    fs::hard_link(lock, folder.path().join(".a.json.lock")).unwrap();
    fs::create_dir(folder.path().join(".a.json.4000000-abc123.tmp")).unwrap();
    assert_eq!(Locks::holder(&folder.path().join("a.tif")), None);
    let locks = ours(try_take(folder.path(), &["a.tif"]));
    assert!(locks.notes()[0].contains("was stopped before it finished"), "{:?}", locks.notes());
    assert_eq!(names(folder.path()), [".a.tif.lock"]);
}

#[test]
fn a_run_of_another_host_is_left_alone_while_it_beats_and_taken_over_when_it_is_silent() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("a.tif");
    let margin = Duration::from_secs(60);
    let lock = left(folder.path(), ".a.tif.lock", "elsewhere", "beats\n", SILENT - margin);
    fs::hard_link(&lock, folder.path().join(".a.json.lock")).unwrap();
    fs::create_dir(folder.path().join(".a.tif.4000000-abc123.tmp")).unwrap();
    fs::create_dir(folder.path().join(".a.json.4000000-abc123.tmp")).unwrap();
    let who = others(try_take(folder.path(), &["a.tif", "a.json"]));
    assert_eq!(who, "process 4000000 on elsewhere since 2026-01-02 03:04:05 UTC");
    assert_eq!(Locks::holder(&output), Some(who));
    assert_eq!(names(folder.path()).len(), 4, "{:?}", names(folder.path()));
    set_back(&lock, 2 * margin);
    assert_eq!(Locks::holder(&output), None);
    let locks = ours(try_take(folder.path(), &["a.tif", "a.json"]));
    let [note] = locks.notes() else { panic!("{:?}", locks.notes()) };
    assert!(
        note.contains(
            "process 4000000 on elsewhere since 2026-01-02 03:04:05 UTC has given no sign for 6 minutes"
        ),
        "{note}"
    );
    assert_eq!(names(folder.path()), [".a.json.lock", ".a.tif.lock"]);
    drop(locks);
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_run_of_another_host_that_does_not_beat_is_no_tile_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    left(folder.path(), ".a.tif.lock", "elsewhere", "", 10 * SILENT);
    let path = folder.path().join("a.tif");
    let said = Locks::try_take([path.as_path()], &Drafts::default()).unwrap_err().to_string();
    assert!(said.contains("if it has ended, remove "), "{said}");
    // One that has yet to say who it is.
    fs::write(folder.path().join(".b.tif.lock"), "").unwrap();
    assert_eq!(others(try_take(folder.path(), &["b.tif"])), "a run that has just begun");
    set_back(&folder.path().join(".b.tif.lock"), SILENT);
    ours(try_take(folder.path(), &["b.tif"]));
    fs::write(folder.path().join(".c.tif.lock"), "somebody's notes").unwrap();
    let path = folder.path().join("c.tif");
    let said = Locks::try_take([path.as_path()], &Drafts::default()).unwrap_err().to_string();
    assert!(said.contains("is no lock of a run"), "{said}");
    assert_eq!(names(folder.path()), [".a.tif.lock", ".c.tif.lock"]);
}

#[test]
fn without_advisory_locks_the_beats_decide_on_this_host_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    let none = |_: &File| Err(TryLockError::Error(ErrorKind::Unsupported.into()));
    let manner = Manner { lock: none, ..Manner::CLAIM };
    let take = || Locks::take_by(manner, [path.as_path()], &Drafts::default());
    let first = take().unwrap();
    assert!(matches!(take(), Err(WriteError::Locked { .. })));
    let lock = folder.path().join(".a.tif.lock");
    set_back(&lock, SILENT);
    first.beat().unwrap();
    assert!(matches!(take(), Err(WriteError::Locked { .. })), "it beats again");
    set_back(&lock, SILENT);
    let second = take().unwrap();
    assert!(second.notes()[0].contains("has given no sign for 5 minutes"), "{:?}", second.notes());
    drop(second);
    assert!(!lock.exists());
    drop(first);
    // Of many that find a lock silent, one has it in the end; who was taken over knows it.
    left(folder.path(), ".a.tif.lock", "elsewhere", "beats\n", SILENT);
    let start = Barrier::new(6);
    let racer = || {
        start.wait();
        let taken = take();
        start.wait();
        taken.is_ok_and(|locks| locks.beat().is_ok())
    };
    let still: u32 = std::thread::scope(|scope| {
        let racers: Vec<_> = (0..6).map(|_| scope.spawn(racer)).collect();
        racers.into_iter().map(|racer| u32::from(racer.join().unwrap())).sum()
    });
    assert_eq!(still, 1);
    assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));
}

#[test]
fn who_was_taken_over_names_nothing_and_leaves_the_lock_of_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    let lock = folder.path().join(".a.tif.lock");
    for abandoned in [false, true] {
        let drafts = Drafts::default();
        let Claim::Ours(mut locks) = Locks::try_take([path.as_path()], &drafts).unwrap() else { panic!() };
        let pending = text_file(&path, "mine", &drafts).unwrap();
        locks.beat().unwrap();
        // As another host does it.
        fs::remove_file(&lock).unwrap();
        left(folder.path(), ".a.tif.lock", "elsewhere", "beats\n", Duration::ZERO);
        let said = locks.beat().unwrap_err().to_string();
        assert!(said.contains("a.tif: was taken over by process 4000000 on elsewhere since"), "{said}");
        let inputs = Inputs::default();
        let how = Naming { overwrite: true, inputs: &inputs, locks: &mut locks, named: &|_| () };
        assert!(matches!(commit_all(vec![pending], how), Err(WriteError::TakenOver { .. })));
        assert!(!abandoned || drafts.abandon());
        drop(locks);
        assert_eq!(names(folder.path()), [".a.tif.lock"]);
        fs::remove_file(&lock).unwrap();
    }
}

#[test]
fn of_many_that_claim_a_tile_one_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let paths = ["a.tif", "b.tif"].map(|name| folder.path().join(name));
    for round in 0..30 {
        match round % 3 {
            0 => {}
            1 => drop(left(folder.path(), ".a.tif.lock", &Owner::this_host(), "beats\n", Duration::ZERO)),
            _ => drop(left(folder.path(), ".a.tif.lock", "elsewhere", "beats\n", SILENT)),
        }
        let start = Barrier::new(6);
        let race = || {
            start.wait();
            let claim = Locks::try_take(paths.iter().map(PathBuf::as_path), &Drafts::default());
            // Held until all have tried.
            start.wait();
            u32::from(matches!(claim.unwrap(), Claim::Ours(locks) if locks.beat().is_ok()))
        };
        let won: u32 = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..6).map(|_| scope.spawn(race)).collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).sum()
        });
        assert_eq!(won, 1, "round {round}");
        assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));
    }
}

/// What a process does whose part is a whole folder; says how many tiles it wrote.
fn write_tiles(folder: &Path) -> usize {
    let mut written = 0;
    for tile in 0..TILES {
        let path = folder.join(format!("{tile}.tif"));
        let drafts = Drafts::default();
        let Claim::Ours(mut locks) = Locks::try_take([path.as_path()], &drafts).unwrap() else { continue };
        if path.exists() {
            continue;
        }
        let pending = text_file(&path, &format!("{tile}"), &drafts).unwrap();
        if std::env::var_os(STAYS).is_some() {
            fs::write(folder.join("stays"), "").unwrap();
            std::thread::sleep(Duration::from_secs(600));
        }
        locks.beat().unwrap();
        let inputs = Inputs::default();
        let how = Naming { overwrite: false, inputs: &inputs, locks: &mut locks, named: &|_| () };
        commit_all(vec![pending], how).unwrap();
        written += 1;
    }
    written
}

const TILES: usize = 40;

/// This very test in another process.
fn process(folder: &Path, stays: bool) -> Child {
    let name = "files::lock::tests_claims::processes_share_the_tiles_of_a_folder";
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name]).env(FOLDER, folder).stdout(std::process::Stdio::null());
    if stays { command.env(STAYS, "") } else { &mut command }.spawn().unwrap()
}

#[test]
fn processes_share_the_tiles_of_a_folder() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let folder = PathBuf::from(folder);
        let written = write_tiles(&folder);
        fs::write(folder.join(format!("{}.log", std::process::id())), written.to_string()).unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut killed = process(folder.path(), true);
    while !folder.path().join("stays").exists() {
        assert_eq!(killed.try_wait().unwrap(), None, "it ended");
        std::thread::sleep(Duration::from_millis(5));
    }
    // Nobody writes the tile that it holds.
    assert_eq!(write_tiles(folder.path()), TILES - 1);
    assert!(!folder.path().join("0.tif").exists());
    (1..TILES).for_each(|tile| fs::remove_file(folder.path().join(format!("{tile}.tif"))).unwrap());
    killed.kill().unwrap();
    killed.wait().unwrap();
    let processes: Vec<Child> = (0..4).map(|_| process(folder.path(), false)).collect();
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    let names = names(folder.path());
    let text = |name: &String| fs::read_to_string(folder.path().join(name)).unwrap();
    let logs = names.iter().filter(|name| name.ends_with(".log"));
    let written: usize = logs.map(|log| text(log).parse::<usize>().unwrap()).sum();
    assert_eq!(written, TILES, "each once");
    assert_eq!(names.len(), TILES + 4 + 1, "nothing else is left: {names:?}");
    assert!((0..TILES).all(|tile| text(&format!("{tile}.tif")) == tile.to_string()));
}
