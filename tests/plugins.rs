//! Plugins, from the newcomer's first one to those that are broken on purpose. One module per question:
//!
//! | module | asks |
//! |---|---|
//! | `bad` | is every broken plugin refused by name, and nothing left behind? |
//! | `check` | does `compose plugin check` find faults that were planted? |
//! | `docs` | does docs/plugins.md work as it is printed? |
//! | `worked` | do the plugins of this repository give what an independent implementation gives? |

mod bad;
mod check;
mod docs;
mod worked;

use crate::support::root;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Compiles a plugin in C; `defines` are `NAME` or `NAME=VALUE`, or options that begin with a dash.
pub fn compile(source: &Path, library: &Path, defines: &[&str]) {
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let defines = defines.iter().map(|d| if d.starts_with('-') { (*d).to_owned() } else { format!("-D{d}") });
    let output = Command::new(compiler)
        .args(["-std=c11", "-D_DEFAULT_SOURCE", "-O1", "-fPIC", "-shared", "-fvisibility=hidden"])
        .args(defines)
        .arg(format!("-I{}", root().join("crates/compose-plugin/include").display()))
        .arg("-o")
        .args([library, source])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The library of a plugin in Rust that panics, built once in a crate of its own outside of the workspace.
fn panicking() -> &'static Path {
    static BUILT: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    &BUILT.get_or_init(|| rust_plugin(include_str!("plugins/panics.rs"))).1
}

fn rust_plugin(source: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let manifest = format!(
        "[package]\nname = \"mine\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n[lib]\ncrate-type = \
         [\"cdylib\"]\n[dependencies]\ncompose-plugin = {{ path = {:?} }}\n",
        root().join("crates/compose-plugin")
    );
    std::fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
    std::fs::create_dir(folder.path().join("src")).unwrap();
    std::fs::write(folder.path().join("src/lib.rs"), source).unwrap();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    build.args(["build", "--offline"]).current_dir(folder.path()).env_remove("CARGO_TARGET_DIR");
    let output = build.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let library = folder.path().join("target/debug/libmine.so");
    (folder, library)
}
