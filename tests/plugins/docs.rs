//! Runs docs/plugins.md from top to bottom, as a newcomer would type it.
//!
//! A fence with `file=NAME` is written to that file; a fence `sh` is run (`sh fails`: and must fail), and a `text`
//! fence after it is what was said.

use crate::support::{compose, read, root};
use compose_core::page::{Fence, fences};
use std::path::Path;
use std::process::{Command, Output};

/// Runs a shell fence in `folder` with the program on the path.
fn shell(folder: &Path, script: &str) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_compose")).parent().unwrap().to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(program).chain(std::env::split_paths(&path))).unwrap();
    Command::new("bash")
        .args(["-euo", "pipefail", "-c", script])
        .current_dir(folder)
        .env("PATH", path)
        .env("REPO", root())
        .env("CARGO_NET_OFFLINE", "true")
        // The newcomer's own folder gets what is built, not the one of this test.
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .unwrap()
}

fn both(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Does what one fence says; what was said goes to the next.
fn follow(folder: &Path, fence: &Fence<'_>, said: String) -> String {
    let words: Vec<&str> = fence.info.split(' ').collect();
    let at = format!("docs/plugins.md:{}", fence.line);
    if let Some(file) = words.iter().find_map(|word| word.strip_prefix("file=")) {
        std::fs::write(folder.join(file), fence.body).unwrap_or_else(|e| panic!("{at}: {file}: {e}"));
        return said;
    }
    match words[..] {
        ["sh"] => {
            let output = shell(folder, fence.body);
            assert!(output.status.success(), "{at}: {}", both(&output));
            both(&output)
        }
        ["sh", "fails"] => {
            let output = shell(folder, fence.body);
            assert!(!output.status.success(), "{at}: {}", both(&output));
            both(&output)
        }
        ["text"] => {
            assert_eq!(said.trim(), fence.body.trim(), "{at}");
            said
        }
        _ => panic!("{at}: a fence \"{}\" is neither written nor run", fence.info),
    }
}

#[test]
fn a_newcomer_gets_from_nothing_to_a_running_plugin_in_each_language() {
    let folder = tempfile::tempdir().unwrap();
    let page = crate::tidy::text("docs/plugins.md");
    let mut said = String::new();
    for fence in fences(&page) {
        said = follow(folder.path(), &fence, said);
    }
    let image = |rule: &str| read::<u16>(&folder.path().join(rule).join("without_cloud.tif"));
    let (in_c, in_rust) = (image("white-cloud"), image("pale-cloud"));
    assert_eq!(in_c, in_rust, "the same rule in both languages");
    let gaps = in_c[0].iter().filter(|value| **value == 0).count();
    let share = gaps as f64 / in_c[0].len() as f64;
    assert!((0.2..0.7).contains(&share), "{share} of the scene is cloud");
}

#[test]
fn a_new_plugin_is_refused_where_something_is_already() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine"), "").unwrap();
    let new = |name: &str| {
        let output =
            compose().current_dir(folder.path()).args(["plugin", "new", name, "--lang", "c"]).output();
        let output = output.unwrap();
        (output.status.code(), both(&output))
    };
    let (status, said) = new("mine");
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("mine: File exists"), "{said}");
    let (status, said) = new("bits");
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("there is a built-in kind \"bits\""), "{said}");
    assert_eq!(crate::support::listing(folder.path()), ["mine"]);
}
