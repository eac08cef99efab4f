//! The files beside a file: helper files of GDAL, and the temporary folders of its drafts.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};
use tempfile::TempDir;

/// What GDAL reads together with a raster. Left from an earlier file of the same name, it would be taken for
/// the overviews, the mask or the statistics of the new one.
const COMPANIONS: [&str; 3] = [".ovr", ".msk", ".aux.xml"];

pub(crate) fn companions(path: &Path) -> impl Iterator<Item = PathBuf> {
    COMPANIONS.iter().map(move |end| {
        let mut name = OsString::from(path);
        name.push(end);
        PathBuf::from(name)
    })
}

/// The folder that a file lies in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The name in its real folder, whether or not there is a file; a link is not followed.
pub(crate) fn place(path: &Path) -> Option<PathBuf> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Some(folder.canonicalize().ok()?.join(path.file_name()?))
}

/// The path of `to` from the folder of `from`; the whole path where there is none.
pub fn from_folder_of(from: &Path, to: &Path) -> PathBuf {
    let real = |path: &Path| place(path).or_else(|| std::path::absolute(path).ok());
    let (Some(from), Some(to)) = (real(from), real(to)) else { return to.to_owned() };
    let folder: Vec<Component<'_>> = from.parent().unwrap_or(Path::new("")).components().collect();
    let path: Vec<Component<'_>> = to.components().collect();
    let same = folder.iter().zip(&path).take_while(|(a, b)| a == b).count();
    if same == 0 {
        return to;
    }
    let up = folder[same..].iter().map(|_| Component::ParentDir);
    up.chain(path[same..].iter().copied()).collect()
}

/// Makes a folder for a draft of the file called `name`, in the folder where that will be.
pub(crate) fn temporary(name: &str, parent: &Path) -> io::Result<TempDir> {
    tempfile::Builder::new().prefix(&prefix(name, std::process::id())).suffix(".tmp").tempdir_in(parent)
}

/// The beginning of the names of folders with a file's drafts.
fn prefix(name: &str, process: u32) -> String {
    // The whole must stay under 255 bytes, whatever the file's own name is.
    let name: String = name.chars().take(40).collect();
    format!(".{name}.{process}-")
}

/// The folders with drafts of the file at `path` that a process made.
pub(crate) fn drafts_of(path: &Path, process: u32) -> Vec<PathBuf> {
    let prefix = prefix(&path.file_name().unwrap_or_default().to_string_lossy(), process);
    let is_draft = |name: &str| name.starts_with(&prefix) && name.ends_with(".tmp");
    let entries = fs::read_dir(folder_of(path)).into_iter().flatten().flatten();
    entries.filter(|entry| is_draft(&entry.file_name().to_string_lossy())).map(|entry| entry.path()).collect()
}
