//! Is the house in order? One module per question:
//!
//! | module | asks |
//! |---|---|
//! | `crates` | do the crates know only those that they may know, and is what must be absent absent? |
//! | `circles` | does any crate have a circle of files, and does the engine stand in one line? |
//! | `sources` | are files and functions short, and do they speak of the project alone? |
//! | `generated` | are the pages that are made from the code what the code makes? |
//! | `documents` | do links lead somewhere, do named tests exist, are rules files accepted, is every key told? |
//!
//! Pages that are made from the code are written again by [`REPAIR`].

mod circles;
mod crates;
mod documents;
mod generated;
mod sources;

use crate::support::root;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What writes the generated pages again.
const REPAIR: &str = "COMPOSE_BLESS=1 cargo test -p compose --test compose tidy";

/// The text of a file, by its path from the root.
pub fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// Every file that belongs to the repository or would, as a path from the root; `None` outside a checkout.
fn files() -> Option<Vec<String>> {
    let arguments = ["ls-files", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").args(arguments).current_dir(root()).output().ok()?;
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    let there = |path: &&str| root().join(path).is_file();
    let files: Vec<String> = listed.lines().filter(there).map(str::to_owned).collect();
    if output.status.success() && !files.is_empty() {
        return Some(files);
    }
    eprintln!("no git checkout: its files are not tested");
    None
}

/// Files below a folder whose names end so, as paths from the root, sorted.
fn below(folder: &str, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![root().join(folder)];
    while let Some(folder) = waiting.pop() {
        for path in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                waiting.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(from_root(&path));
            }
        }
    }
    found.sort();
    found
}

fn from_root(path: &Path) -> String {
    let relative: PathBuf = path.strip_prefix(root()).unwrap().components().collect();
    relative.to_string_lossy().replace('\\', "/")
}

/// Panics with all that is wrong, if anything is.
fn none_of(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

/// Cells of the rows of a Markdown table, the head and its rule left out.
fn rows(markdown: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| line.trim_matches('|').split('|').map(|c| c.trim().to_owned()).collect();
    let mut rows = Vec::new();
    let mut inside = false;
    for line in markdown.lines() {
        if !line.starts_with('|') {
            inside = false;
        } else if line.starts_with("|---") {
            inside = true;
        } else if inside {
            rows.push(cells(line));
        }
    }
    rows
}

/// What stands between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}
