//! Names in files, and the local files that they stand for.

use super::vrt::{self, Reference};
use crate::text::regular;
use std::path::{Path, PathBuf};

/// The local file that a name stands for; `None` for an address in a network where `network = true` allows it.
pub(super) fn local(named: &Reference, by: &Path, network: bool) -> Result<Option<PathBuf>, String> {
    let text = named.text.as_str();
    if vrt::is_address(text) {
        let why = "it is an address or a virtual file, and scene files may open local files only; set network = true \
                   in [scenes] to let VRTs read from addresses";
        return if network && vrt::is_remote(text) && !named.raw { Ok(None) } else { Err(why.into()) };
    }
    if vrt::is_connection(text) {
        return Err("expected the path of a file".into());
    }
    let folder = by.parent().unwrap_or(Path::new(""));
    let path = if named.relative { folder.join(text) } else { PathBuf::from(text) };
    regular(&path).map_err(|e| e.to_string()).map(|_| Some(path))
}

/// Raw samples are read from any file, so that only those that lie with the VRT are taken.
pub(super) fn inside(file: &Path, vrt: &Path) -> Result<(), String> {
    let real = |path: &Path| path.canonicalize().map_err(|e| format!("{}: {e}", path.display()));
    let vrt = real(vrt)?;
    let folder = vrt.parent().unwrap_or(Path::new("/"));
    if real(file)?.starts_with(folder) {
        return Ok(());
    }
    Err(format!("raw samples are taken from the folder of the VRT alone ({})", folder.display()))
}

pub(super) fn quoted(name: &str) -> String {
    const SHOWN: usize = 120;
    let mut shown: String = name.chars().take(SHOWN).collect();
    if shown.len() < name.len() {
        shown.push('…');
    }
    format!("\"{shown}\"")
}
