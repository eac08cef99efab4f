//! Documents: links, tests that they name, rules files that they print, keys that they must tell.

use super::{below, files, none_of, quoted, rows, text};
use crate::support::{Raster, compose, root, run, stderr, stdout};
use compose_core::page::fences;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// Documents whose `toml` fences are rules files, whole or in part.
fn manuals() -> Vec<String> {
    let mut manuals = below("docs", ".md");
    manuals.retain(|path| !path.starts_with("docs/rules/"));
    manuals.push("README.md".into());
    manuals
}

/// A document without its fenced parts.
fn prose(markdown: &str) -> String {
    markdown.split("\n```").step_by(2).collect::<Vec<_>>().join("\n")
}

#[test]
fn links_lead_to_files_that_exist() {
    let Some(files) = files() else { return };
    let mut wrong = Vec::new();
    for file in files.iter().filter(|f| f.ends_with(".md")) {
        let folder = root().join(Path::new(file).parent().unwrap());
        for part in prose(&text(file)).split("](").skip(1) {
            let link = part.split(')').next().unwrap_or_default();
            let path = link.split('#').next().unwrap_or_default();
            if !link.contains("://") && !path.is_empty() && !folder.join(path).exists() {
                wrong.push(format!("{file}: a link to {link}, which does not exist"));
            }
        }
    }
    none_of(&wrong);
}

#[test]
fn tests_that_documents_name_exist() {
    let sources = below("crates", ".rs").into_iter().chain(below("tests", ".rs"));
    let sources: String = sources.map(|file| text(&file)).collect();
    let mut wrong = Vec::new();
    for document in ["ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = prose(&text(document));
        let names = quoted(&text).into_iter().filter(|name| {
            let word = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            word && name.matches('_').count() >= 3
        });
        let unknown = names.filter(|name| !sources.contains(&format!("fn {name}(")));
        wrong.extend(unknown.map(|name| format!("{document}: there is no test {name}")));
    }
    none_of(&wrong);
}

/// The code of the recipes, and their pages, are files that tests compile and run.
#[test]
fn what_the_recipes_show_is_what_is_compiled() {
    let of_recipe = |file: &String| file.contains("/recipe/");
    let files = below("crates", ".rs").into_iter().chain(below("crates", ".md")).filter(of_recipe);
    let files: Vec<String> = files.map(|file| text(&file)).collect();
    let contributing = text("CONTRIBUTING.md");
    let mut shown = 0;
    for (opening, closing) in [("\n```rust\n", "\n```\n"), ("\n````markdown\n", "\n````\n")] {
        for after in contributing.split(opening).skip(1) {
            let block = after.split(closing).next().unwrap();
            let line = block.lines().next().unwrap_or_default();
            assert!(files.iter().any(|file| file.contains(block)), "the block that begins with {line}");
            shown += 1;
        }
    }
    assert_eq!((shown, files.len()), (4, 4));
}

#[test]
fn the_architecture_fits_on_two_sheets() {
    assert!(text("ARCHITECTURE.md").lines().count() <= 150);
}

/// What a rules file without its scenes may be told: that they are not there.
const NOT_THERE: [&str; 5] = [
    "nothing of this name in ",
    "nothing that matches in ",
    "no scenes: expected a [scenes] table",
    "catalog.json: No such file",
    "stac.example.org/v1/search: no such host",
];

#[test]
fn rules_files_in_documents_are_accepted() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for document in manuals() {
        let page = text(&document);
        for fence in fences(&page).into_iter().filter(|f| f.info == "toml") {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("rules.toml"), fence.body).unwrap();
            let arguments = ["--rules", "rules.toml", "--plan"];
            let output = compose().current_dir(folder.path()).args(arguments).output().unwrap();
            let said = stderr(&output);
            let only_missing = said.lines().count() == 1 && NOT_THERE.iter().any(|text| said.contains(text));
            if !output.status.success() && !only_missing {
                wrong.push(format!("{document}:{}: {said}", fence.line));
            }
            count += 1;
        }
    }
    none_of(&wrong);
    assert!(count >= 7, "only {count} rules files in the documents");
}

/// Small scenes with the names of Collection 2 Level-2: three dates of one tile.
fn landsat_scenes(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    for (date, processed, value) in
        [("20160621", "20200906", 8000_u16), ("20160707", "20200906", 9000), ("20160723", "20200906", 10_000)]
    {
        for band in ["SR_B1", "SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B6", "SR_B7", "QA_PIXEL"] {
            let pixel = if band == "QA_PIXEL" { crate::support::CLEAR } else { value };
            let name = format!("LC08_L2SP_034032_{date}_{processed}_02_T1_{band}.TIF");
            Raster { width: 4, bands: vec![vec![pixel; 12]], shift: (0.0, 0.0), nodata: None, options: &[] }
                .write(&folder.join(name));
        }
    }
}

#[test]
fn whole_rules_files_in_documents_are_run_on_made_up_scenes() {
    for document in ["README.md", "docs/rules-file.md"] {
        let page = text(document);
        let whole =
            |body: &str| ["[scenes]", "[target]", "[[mask]]", "[output]"].iter().all(|t| body.contains(t));
        let first = fences(&page).into_iter().find(|f| f.info == "toml" && whole(f.body));
        let rules = first.unwrap_or_else(|| panic!("{document} prints no whole rules file")).body;
        let folder = tempfile::tempdir().unwrap();
        landsat_scenes(&folder.path().join("scenes"));
        let file = folder.path().join("rules.toml");
        std::fs::write(&file, rules).unwrap();
        run(&["--rules", file.to_str().unwrap()]);
    }
}

#[test]
fn files_of_cases_in_documents_are_accepted() {
    let page = text("docs/evaluate.md");
    let cases: Vec<_> = fences(&page).into_iter().filter(|f| f.info == "toml cases").collect();
    assert!(!cases.is_empty(), "docs/evaluate.md prints no file of cases");
    for fence in cases {
        let read = compose_evaluate::cases::parse(&format!("docs/evaluate.md:{}", fence.line), fence.body);
        assert!(read.is_ok(), "{read:?}");
    }
}

fn schema() -> Value {
    serde_json::from_str(&stdout(&run(&["schema"]))).expect("the schema is JSON")
}

fn keys(schema: &Value) -> BTreeSet<String> {
    schema["properties"].as_object().expect("an object with properties").keys().cloned().collect()
}

/// Keys that the tables of a section of docs/rules-file.md tell.
fn told(page: &str, table: &str) -> BTreeSet<String> {
    let heading = |line: &&str| line.starts_with("## ") && line.contains(&format!("`{table}`"));
    let start = page.lines().position(|line| heading(&line));
    let start = start.unwrap_or_else(|| panic!("docs/rules-file.md has no section `{table}`"));
    let lines: Vec<&str> = page.lines().skip(start + 1).take_while(|l| !l.starts_with("## ")).collect();
    let cells = rows(&lines.join("\n")).into_iter();
    cells.flat_map(|cells| quoted(&cells[0]).into_iter().map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn every_key_is_told_and_no_other() {
    let (page, schema) = (text("docs/rules-file.md"), schema());
    let tables = &schema["properties"];
    assert_eq!(told(&page, "[scenes]"), keys(&tables["scenes"]["anyOf"][0]), "(told) (known)");
    assert_eq!(told(&page, "[[scene]]"), keys(&tables["scene"]["items"]), "(told) (known)");
    let beside = &tables["scenes"]["anyOf"][0]["properties"]["beside"]["items"];
    assert_eq!(told(&page, "[[scenes.beside]]"), keys(beside), "(told) (known)");
    for table in ["target", "grid", "output"] {
        assert_eq!(told(&page, &format!("[{table}]")), keys(&tables[table]), "(told) (known)");
    }
    assert_eq!(told(&page, "[[plugin]]"), keys(&tables["plugin"]["items"]), "(told) (known)");
    // A rule's own settings stand on its page: here are those that every rule has.
    let rules = schema["$defs"]["rule"]["anyOf"].as_array().unwrap();
    let lists: BTreeSet<String> =
        rules.iter().filter(|r| r["properties"]["kind"].is_null()).flat_map(keys).collect();
    let with_kind: BTreeSet<String> = lists.into_iter().chain(["kind".to_owned()]).collect();
    assert_eq!(told(&page, "[[mask]]"), with_kind, "(told) (known)");
    assert_eq!(told(&page, "[[fill]]"), BTreeSet::from(["strategy".to_owned()]), "(told) (known)");
}

#[test]
fn the_schema_lists_every_kind() {
    let (schema, registry) = (schema(), crate::support::registry());
    let listed = |kinds: &Value, key: &str| -> BTreeSet<String> {
        let names = kinds.as_array().unwrap().iter();
        names.filter_map(|k| k["properties"][key]["const"].as_str()).map(str::to_owned).collect()
    };
    let masks: BTreeSet<String> = registry.masks.iter().map(|k| k.name.to_owned()).collect();
    let fills: BTreeSet<String> = registry.fills.iter().map(|k| k.name.to_owned()).collect();
    assert_eq!(listed(&schema["$defs"]["rule"]["anyOf"], "kind"), masks);
    assert_eq!(listed(&schema["properties"]["fill"]["items"]["anyOf"], "strategy"), fills);
    let scores: BTreeSet<String> = registry.scores.iter().map(|k| k.name.to_owned()).collect();
    assert_eq!(listed(&schema["$defs"]["score"]["anyOf"], "kind"), scores);
}

#[test]
fn options_that_documents_name_exist() {
    let commands: [&[&str]; 7] =
        [&[], &["evaluate"], &["inspect"], &["kinds"], &["schema"], &["plugin", "check"], &["plugin", "new"]];
    let help: String = commands.map(|command| stdout(&run(&[command, &["--help"]].concat()))).concat();
    let mut wrong = Vec::new();
    for document in manuals().into_iter().chain(["CHANGELOG.md".to_owned()]) {
        let text = prose(&text(&document));
        let words = quoted(&text).into_iter().flat_map(str::split_whitespace);
        let options = words.filter(|word| word.starts_with("--")).map(|w| w.split('=').next().unwrap_or(w));
        let unknown =
            options.filter(|option| !help.split([' ', ',', ']', '\n']).any(|known| known == *option));
        wrong.extend(unknown.map(|option| format!("{document}: there is no option {option}")));
    }
    none_of(&wrong);
}

#[test]
fn every_example_has_its_page_and_is_run() {
    let (tests, index) = (text("tests/examples.rs"), text("examples/README.md"));
    let mut wrong = Vec::new();
    let folders = std::fs::read_dir(root().join("examples")).unwrap().map(|e| e.unwrap());
    for folder in folders.filter(|e| e.path().is_dir()).map(|e| e.file_name().into_string().unwrap()) {
        if !root().join(format!("examples/{folder}/README.md")).is_file() {
            wrong.push(format!("examples/{folder} has no README.md"));
        }
        let inside = std::fs::read_dir(root().join("examples").join(&folder)).unwrap();
        let inside = inside.map(|e| e.unwrap().file_name().into_string().unwrap());
        let rules: Vec<String> = inside.filter(|name| name.ends_with(".toml")).collect();
        if rules.is_empty() {
            wrong.push(format!("examples/{folder} has no rules file"));
        }
        for file in rules.iter().map(|name| format!("{folder}/{name}")) {
            let places = [("tests/examples.rs", &tests), ("examples/README.md", &index)];
            let missing = places.iter().filter(|(_, text)| !text.contains(&file));
            wrong.extend(missing.map(|(place, _)| format!("{place} does not name {file}")));
        }
    }
    none_of(&wrong);
}
