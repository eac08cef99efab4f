//! Few threads, little address space: fewer workers or one clear error, never a hang, a panic or half a file.

use crate::support::{Pair, listing, read, wait};
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs the pair by a shell that first sets a limit, with a time limit of its own; gives status and words.
fn limited(pair: &Pair, limit: &str, run: &str) -> (Option<i32>, String) {
    let said = pair.path("said");
    let script = format!("{limit}; exec {run} --rules rules.toml --overwrite");
    let mut child = Command::new("sh")
        .args(["-c", &script])
        .current_dir(pair.folder.path())
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(&said).unwrap())
        .spawn()
        .unwrap();
    let status = wait(&mut child);
    let text = std::fs::read_to_string(&said).unwrap();
    std::fs::remove_file(said).unwrap();
    (status.code(), text)
}

/// What the run left: all of it, or nothing.
fn assert_whole_or_nothing(pair: &Pair, before: &[String], (code, text): (Option<i32>, String), limit: &str) {
    assert!(!text.contains("panicked"), "{limit}: {text}");
    let left = listing(pair.folder.path());
    if code == Some(0) {
        assert_eq!(read::<u16>(&pair.path("out.tif"))[0][..4], [100, 201, 102, 103], "{limit}");
        left.iter()
            .filter(|name| name.starts_with("out"))
            .for_each(|n| std::fs::remove_file(pair.path(n)).unwrap());
        return;
    }
    assert!(!left.iter().any(|name| name.starts_with("out")), "{limit}: {left:?}");
    // The loader of the system has its own words for libraries that do not fit, and Rust for memory that it is not given.
    let by_others = text.contains("shared libraries") || text.contains("memory allocation of");
    if by_others {
        // Who is ended in the midst of it cannot tidy up.
        let drafts = left.iter().filter(|name| name.starts_with(".out"));
        drafts.for_each(|name| std::fs::remove_dir_all(pair.path(name)).unwrap());
    } else {
        assert_eq!((code, text.lines().count()), (Some(2), 1), "{limit}: {text}");
        assert!(text.starts_with("error: "), "{limit}: {text}");
        assert_eq!(left, before, "{limit}");
    }
}

/// A user without other processes, who may use the folder and a copy of the program: the administrator knows no limit.
fn nobody(pair: &Pair) -> Option<String> {
    use std::os::unix::fs::PermissionsExt;
    let program = pair.path("program");
    std::fs::copy(env!("CARGO_BIN_EXE_compose"), &program).unwrap();
    for (path, mode) in [(pair.folder.path(), 0o777), (&program, 0o755)] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let run = format!("setpriv --reuid=65534 --regid=65534 --clear-groups {}", program.display());
    let able = Command::new("sh").args(["-c", &format!("{run} --version")]).output().unwrap();
    able.status.success().then_some(run)
}

#[test]
fn with_hardly_any_threads_there_are_fewer_workers_or_one_clear_error() {
    let pair = Pair::new();
    let Some(run) = nobody(&pair) else {
        eprintln!("limits of processes: no other user can be had here, not tested");
        return;
    };
    let before = listing(pair.folder.path());
    for processes in 1..=8 {
        // Raised in between by nobody: the shell is the administrator's, the limit binds the user that it becomes.
        let limit = format!("ulimit -u {processes} 2>/dev/null || ulimit -p {processes}");
        let (code, text) = limited(&pair, &limit, &run);
        let refused = processes < 3 && text.contains("no thread can be started");
        assert!(code == Some(0) || refused, "{limit}: {text}");
        assert_whole_or_nothing(&pair, &before, (code, text), &limit);
    }
}

#[test]
fn in_a_small_address_space_a_run_succeeds_or_ends_with_an_error() {
    if !Path::new("/proc/self/limits").exists() {
        eprintln!("limits of the address space: not to be read here, not tested");
        return;
    }
    let pair = Pair::new();
    let before = listing(pair.folder.path());
    let mut codes = Vec::new();
    for kilobytes in [150_000, 250_000, 350_000, 400_000, 500_000, 700_000, 1_000_000, 2_000_000] {
        let limit = format!("ulimit -v {kilobytes}");
        let ended = limited(&pair, &limit, env!("CARGO_BIN_EXE_compose"));
        codes.push(ended.0);
        assert_whole_or_nothing(&pair, &before, ended, &limit);
    }
    assert_eq!(codes.last(), Some(&Some(0)), "{codes:?}");
}
