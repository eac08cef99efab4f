//! `compose plugin new`: a folder with a mask rule that builds and passes the check, to be changed.

use crate::args::{Language, NewArgs};
use crate::rules::registry;
use crate::screen::say;
use compose_engine::EngineError;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// A file of a template: where it goes, and its text.
type File = (&'static str, &'static str);

macro_rules! files {
    ($folder:literal: $($path:literal),* $(,)?) => { [$(($path, include_str!(concat!($folder, $path)))),*] };
}

const HEADER: File = ("compose_plugin.h", include_str!("../../../compose-plugin/include/compose_plugin.h"));

const C: [File; 4] =
    files!["../../../../plugins/template-c/": "my_rule.c", "Makefile", "README.md", "my-rule.toml"];

const RUST: [File; 4] =
    files!["../../../../plugins/template-rust/": "Cargo.toml", "src/lib.rs", "README.md", "my-rule.toml"];

/// The crate that a plugin in Rust is written with comes along, so that it builds wherever it is put.
pub const AUTHORS_CRATE: &[File] = &files!["../../../compose-plugin/":
    "src/abi.rs", "src/error.rs", "src/export.rs", "src/fill.rs", "src/fill_input.rs", "src/grid.rs", "src/host.rs",
    "src/kind.rs", "src/lib.rs", "src/mask_rule.rs", "src/outputs.rs", "src/panics.rs", "src/planes.rs",
    "src/raw.rs", "src/scene.rs", "src/scene_input.rs", "src/score.rs", "src/settings/declare.rs",
    "src/settings/default_value.rs", "src/settings/key.rs", "src/settings/limits.rs", "src/settings/mod.rs",
    "src/settings/types.rs", "src/settings/value.rs", "src/settings/values.rs", "src/shims.rs", "src/stack.rs",
    "include/compose_plugin.h",
];

/// Its manifest outside of this repository.
const AUTHORS_MANIFEST: &str = concat!(
    "[package]\nname = \"compose-plugin\"\n",
    "description = \"Mask rules, scores and fill strategies for compose, from a shared library\"\n",
    "version = \"",
    env!("CARGO_PKG_VERSION"),
    "\"\nedition = \"2024\"\nrust-version = \"1.95\"\nlicense = \"MIT OR Apache-2.0\"\npublish = false\n"
);

/// Names that a crate of Rust or a struct of C cannot have, or that the templates use for something else.
const TAKEN: &str = "\
    abstract alloc as async auto await become box break build case char compose-plugin const continue core crate default \
    deps do double dyn else enum error examples extern false final float fn for gen goto host if impl in incremental inline \
    int let long loop macro main marks match mod move mut override plugin priv proc-macro pub ref register restrict return \
    scene self settings short signed sizeof static std struct super switch target test trait true try type typedef typeof \
    union unsafe unsigned unsized use virtual void volatile where while yield about mask-rule scene-input scene-plan \
    data-plane";

/// Writes the folder and says how to go on.
pub fn new(args: &NewArgs) -> Result<ExitCode, EngineError> {
    check_name(&args.name)?;
    let folder = PathBuf::from(&args.name);
    fs::create_dir(&folder).map_err(|cause| refuse(format!("{}: {cause}", folder.display())))?;
    if let Err(error) = write_all(&folder, args) {
        // A plugin of which files are missing is removed.
        let _ = fs::remove_dir_all(&folder);
        return Err(error);
    }
    say(&how_to_go_on(args))?;
    Ok(ExitCode::SUCCESS)
}

fn refuse(message: String) -> EngineError {
    EngineError::Option { option: "plugin new".into(), message }
}

/// The name becomes that of a kind, of files and of identifiers.
fn check_name(name: &str) -> Result<(), EngineError> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(fits) || name.ends_with('-') {
        return Err(refuse(format!(
            "\"{name}\" cannot be the name of a kind; expected a-z, 0-9 and -, beginning with a letter, such as \
             snow-line"
        )));
    }
    let registry = registry(&Arc::default(), true);
    if registry.knows(name) {
        return Err(refuse(format!("there is a built-in kind \"{name}\"; choose another name")));
    }
    if TAKEN.split_whitespace().any(|taken| taken == name) {
        return Err(refuse(format!("a crate or folder cannot be called \"{name}\"; choose another name")));
    }
    Ok(())
}

fn write_all(folder: &Path, args: &NewArgs) -> Result<(), EngineError> {
    let template: &[File] = if args.lang == Language::C { &C } else { &RUST };
    for (path, text) in template {
        write(&folder.join(renamed(path, &args.name)), &renamed(text, &args.name))?;
    }
    if args.lang == Language::C {
        return write(&folder.join(HEADER.0), HEADER.1);
    }
    let beside = folder.join("compose-plugin");
    write(&beside.join("Cargo.toml"), AUTHORS_MANIFEST)?;
    AUTHORS_CRATE.iter().try_for_each(|(path, text)| write(&beside.join(path), text))
}

fn write(path: &Path, text: &str) -> Result<(), EngineError> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| fs::write(path, text)).map_err(|cause| refuse(format!("{}: {cause}", path.display())))
}

/// The template's text under another name, in each of its spellings.
fn renamed(text: &str, name: &str) -> String {
    let camel: String = name.split('-').map(capitalised).collect();
    text.replace("my-rule", name).replace("my_rule", &name.replace('-', "_")).replace("MyRule", &camel)
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

fn how_to_go_on(args: &NewArgs) -> String {
    let (name, library) = (&args.name, args.name.replace('-', "_"));
    let (build, library) = match args.lang {
        Language::C => ("make", format!("lib{library}.so")),
        Language::Rust => ("cargo build --release", format!("target/release/lib{library}.so")),
    };
    format!(
        "wrote {name}/: a mask rule \"{name}\" to be changed\n\n  cd {name}\n  {build}\n  compose plugin check \
         {library}\n\n{name}/README.md says how it goes on."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_written_in_each_of_its_spellings() {
        assert_eq!(renamed("my-rule my_rule MyRule", "snow-line-2"), "snow-line-2 snow_line_2 SnowLine2");
    }

    #[test]
    fn a_name_that_cannot_be_is_refused() {
        for name in
            ["", "Snow", "2snow", "../snow", "snow_line", "snow-", "bits", "std", "double", "scene-plan"]
        {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert!(check_name("snow-line").is_ok());
    }

    #[test]
    fn the_whole_of_the_authors_crate_comes_along() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../compose-plugin");
        let mut there: Vec<String> = Vec::new();
        let mut waiting = vec!["src".to_owned(), "include".to_owned()];
        while let Some(part) = waiting.pop() {
            for file in fs::read_dir(folder.join(&part)).unwrap().map(Result::unwrap) {
                let path = format!("{part}/{}", file.file_name().to_string_lossy());
                if file.path().is_dir() { waiting.push(path) } else { there.push(path) }
            }
        }
        let mut listed: Vec<&str> = AUTHORS_CRATE.iter().map(|(path, _)| *path).collect();
        there.sort();
        listed.sort_unstable();
        assert_eq!(there, listed);
    }
}
