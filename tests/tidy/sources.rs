//! Sizes of files and functions, and words that do not belong into the project.

use super::{below, files, none_of, text};
use crate::support::root;

const LONGEST_FILE: usize = 600;
const LONGEST_FUNCTION: usize = 60;
/// In tests, which hold tables.
const LONGEST_TEST: usize = 70;

/// Files that are longer, and functions (as `file: name`), and why.
const REASONS: [(&str, &str); 1] = [(
    "crates/compose-io/src/discover/tests.rs: every_preset_reads_the_names_of_its_product",
    "one table with a row for each kind of name",
)];

/// A function of a source file as rustfmt lays it out: its name, its line and how many lines it has.
fn functions(text: &str) -> Vec<(String, usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line.trim_start()) else { continue };
        let indent = &line[..line.len() - line.trim_start().len()];
        if let Some(last) = last_line(&lines[at..], indent) {
            found.push((name, at + 1, last + 1));
        }
    }
    found
}

/// The name of the function that a line begins.
fn function_name(line: &str) -> Option<String> {
    let mut words = line.split(' ').skip_while(|word| {
        word.starts_with("pub") || ["const", "async", "unsafe", "extern", "\"C\""].contains(word)
    });
    if words.next() != Some("fn") {
        return None;
    }
    let name: String = words.next()?.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// Where a function ends, counted from its first line; `None` for a declaration without a body.
fn last_line(lines: &[&str], indent: &str) -> Option<usize> {
    let opens = |line: &str| line.ends_with('{');
    let head = lines.iter().position(|l| opens(l) || l.ends_with('}') || l.ends_with(';'))?;
    match lines[head] {
        line if line.ends_with(';') => None,
        line if line.ends_with('}') => Some(head),
        _ => lines.iter().position(|l| *l == format!("{indent}}}")),
    }
}

#[test]
fn the_measure_of_functions_sees_them() {
    let text = "impl A {\n    pub(crate) fn a(\n        b: u8,\n    ) {\n        fn c() {}\n    }\n    fn d(&self);\n}\n";
    let expected = [("a".to_owned(), 2, 5), ("c".to_owned(), 5, 1)];
    assert_eq!(functions(text), expected);
}

/// Files and functions that are too long: their key in the tables of reasons, and what to say.
fn too_long() -> Vec<(String, String)> {
    let mut long = Vec::new();
    for file in below("crates", ".rs").into_iter().chain(below("tests", ".rs")) {
        let text = text(&file);
        let lines = text.lines().count();
        if lines > LONGEST_FILE {
            long.push((file.clone(), format!("{file} has {lines} lines, more than {LONGEST_FILE}")));
        }
        let most = if file.contains("tests") { LONGEST_TEST } else { LONGEST_FUNCTION };
        for (name, at, lines) in functions(&text).into_iter().filter(|f| f.2 > most) {
            let told = format!("{file}:{at}: {name} has {lines} lines, more than {most}");
            long.push((format!("{file}: {name}"), told));
        }
    }
    long
}

#[test]
fn files_and_functions_are_short_or_say_why_not() {
    let long = too_long();
    let excused = |key: &String| REASONS.iter().any(|(known, _)| known == key);
    let stale = REASONS.iter().filter(|(known, _)| !long.iter().any(|(key, _)| key == known));
    let stale = stale.map(|(known, _)| format!("{known} is not too long: take it from the table of reasons"));
    let wrong = long.iter().filter(|(key, _)| !excused(key)).map(|(_, told)| told.clone());
    none_of(&wrong.chain(stale).collect::<Vec<_>>());
}

/// Words that speak of something else than the project, taken apart so that this file may be tested too.
const WORDS: [(&str, &str); 9] = [
    ("/wo", "rk/"),
    ("ses", "sion"),
    ("sub-", "agent"),
    ("sub", "agent"),
    ("language ", "model"),
    ("issues ", "show"),
    ("issue ", "#"),
    ("mile", "stone"),
    ("/ro", "ot/"),
];

/// Where packages come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

#[test]
fn the_project_speaks_of_the_project_alone() {
    let Some(files) = files() else { return };
    let mut wrong = Vec::new();
    for file in files {
        // What is no text has no words.
        let Ok(text) = std::fs::read_to_string(root().join(&file)) else { continue };
        for (number, line) in text.lines().enumerate() {
            let lower = line.to_lowercase();
            let found = WORDS.iter().map(|(a, b)| format!("{a}{b}")).filter(|word| lower.contains(word));
            wrong.extend(found.map(|word| format!("{file}:{}: \"{word}\"", number + 1)));
        }
    }
    none_of(&wrong);
}

#[test]
fn packages_come_from_the_public_registry() {
    let lock = text("Cargo.lock");
    let sources = lock.lines().filter_map(|line| line.strip_prefix("source = "));
    let others: Vec<String> =
        sources.filter(|s| s.trim_matches('"') != REGISTRY).map(str::to_owned).collect();
    none_of(&others);
}
