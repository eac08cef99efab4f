//! A crate of somebody else, outside the workspace and without `unsafe`, becomes a library that can be loaded.

#![cfg(all(unix, not(miri)))]
#![allow(unsafe_code)]

use compose_plugin::abi;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const MANIFEST: &str = r#"
[package]
name = "somebody-elses"
version = "4.5.6"
edition = "2024"

[lib]
crate-type = ["cdylib"]

[dependencies]
compose-plugin = { path = "PATH" }

[workspace]
"#;

/// The first lines of a crate whose author wants to hear of everything.
const STRICT: &str = "#![forbid(unsafe_code)]\n#![deny(warnings, missing_docs, unused)]\n//! A plugin.\n";

/// A folder that is removed in the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("compose-plugin-{name}-{}", std::process::id()));
        fs::create_dir_all(folder.join("src")).unwrap();
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The example of the crate's documentation.
fn example() -> String {
    let docs = include_str!("../src/lib.rs");
    let lines = docs
        .lines()
        .map_while(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line));
    let code = lines.skip_while(|line| *line != "#![forbid(unsafe_code)]").skip(1);
    code.take_while(|line| *line != "```").collect::<Vec<_>>().join("\n")
}

/// Builds a library in `folder`; what the compiler says where it refuses.
fn build(folder: &Path, code: &str) -> Result<PathBuf, String> {
    fs::write(folder.join("Cargo.toml"), MANIFEST.replace("PATH", env!("CARGO_MANIFEST_DIR"))).unwrap();
    fs::write(folder.join("src/lib.rs"), format!("{STRICT}{code}")).unwrap();
    let mut cargo = Command::new(env!("CARGO"));
    // Flags of this test's own build, such as a sanitizer, are none of the author's.
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_TARGET_DIR", "CARGO_BUILD_TARGET"] {
        cargo.env_remove(variable);
    }
    let output = cargo.args(["build", "--offline"]).current_dir(folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let library = format!("{}somebody_elses{}", env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    if output.status.success() { Ok(folder.join("target/debug").join(library)) } else { Err(said) }
}

unsafe extern "C" {
    fn dlopen(file: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, symbol: *const c_char) -> *mut c_void;
}
const RTLD_NOW: c_int = 2;

#[test]
fn a_crate_that_forbids_unsafe_code_exports_the_entry() {
    let folder = Folder::new("entry");
    let library = build(&folder.0, &example()).unwrap();
    let file = CString::new(library.to_str().unwrap()).unwrap();
    // SAFETY: the library is that of this crate's own documentation; it is never closed.
    let about = unsafe {
        let library = dlopen(file.as_ptr(), RTLD_NOW);
        assert!(!library.is_null(), "{file:?} cannot be loaded");
        let entry = dlsym(library, abi::ENTRY.as_ptr()).cast::<abi::Entry>();
        assert!(!entry.is_null(), "no symbol {:?}", abi::ENTRY);
        assert_eq!(((*entry).abi_major, (*entry).abi_minor), (abi::ABI_MAJOR, abi::ABI_MINOR));
        let factory = (*entry).get_factory.unwrap()(abi::MASK_RULES.as_ptr());
        let factory = factory.cast::<abi::Factory<abi::SceneKind>>();
        assert_eq!((*factory).count.unwrap()(), 1);
        (*(*factory).get.unwrap()(0)).about
    };
    // SAFETY: texts of a library that stays loaded.
    let (id, version) = unsafe { (CStr::from_ptr(about.id), CStr::from_ptr(about.version)) };
    assert_eq!((id, version, about.setting_count), (c"above", c"4.5.6", 3));
}

#[test]
fn what_cannot_be_declared_is_refused_with_the_reason() {
    let folder = Folder::new("refused");
    let refused = |from: &str, to: &str, reason: &str| {
        let code = example();
        assert!(code.contains(from), "{from}");
        let said = build(&folder.0, &code.replace(from, to)).expect_err(to);
        assert!(said.contains(reason), "{to}: {said}");
    };
    refused("radius", "shrink", "tables of rules files have a key of this name themselves");
    refused("/// The band to read.", "", "a setting needs a doc comment");
    refused("= 0.3, in", "= true, in", "a setting of type `f64` has no default of type `bool`");
    refused("0..=100", "0..100", "a setting of `i64` has no range of type `std::ops::Range<{integer}>`");
    refused("radius: i64", "radius: i32", "`i32` is no type of settings");
    refused("id: \"above\"", "id: \"Above\"", "the id of a kind is a-z, 0-9 and -, beginning with a letter");
    refused("surroundings are", "\\0", "the summary of a kind is empty or has a zero byte");
}
