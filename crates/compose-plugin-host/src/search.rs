//! Search for a plugin that the rules file names by its id.

use crate::descriptor::is_name;
use crate::load_error::{LoadError, SEARCH_VARIABLE};
use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The file of the plugin called `id`: `libhot_haze.so` or `hot-haze.so` for `hot-haze`, in the first folder of
/// [`SEARCH_VARIABLE`] that has one. Nothing is opened.
///
/// # Errors
/// A folder that is not absolute (the answer would depend on where the program is started), or no such file.
pub fn find(id: &str) -> Result<PathBuf, LoadError> {
    // Anything else could lead out of the folders.
    if !is_name(id) {
        return Err(LoadError::BadId { id: id.to_owned() });
    }
    let value = env::var_os(SEARCH_VARIABLE).unwrap_or_default();
    let folders = folders(&value)?;
    let names = names(id);
    let candidates = folders.iter().flat_map(|folder| names.iter().map(|name| folder.join(name)));
    let mut found = candidates.filter(|path| path.is_file());
    found.next().ok_or_else(|| LoadError::NotFound { id: id.to_owned(), names, folders })
}

/// Every library in the folders of [`SEARCH_VARIABLE`], by name; none is opened.
///
/// # Errors
/// A folder that is not absolute.
pub fn libraries() -> Result<Vec<PathBuf>, LoadError> {
    let mut found = Vec::new();
    for folder in folders(&env::var_os(SEARCH_VARIABLE).unwrap_or_default())? {
        // A folder that is not there holds no plugin.
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        found.extend(paths.filter(|p| p.extension().is_some_and(|e| e == env::consts::DLL_EXTENSION)));
    }
    found.sort();
    Ok(found)
}

/// Empty entries, which tradition takes for the working directory, count for nothing.
fn folders(value: &OsStr) -> Result<Vec<PathBuf>, LoadError> {
    let folders: Vec<PathBuf> = env::split_paths(value).filter(|p| !p.as_os_str().is_empty()).collect();
    match folders.iter().find(|p| !Path::is_absolute(p)) {
        Some(folder) => Err(LoadError::RelativeFolder { folder: folder.clone() }),
        None => Ok(folders),
    }
}

fn names(id: &str) -> Vec<String> {
    let underscored = id.replace('-', "_");
    let mut stems = vec![format!("lib{underscored}"), format!("lib{id}"), underscored, id.to_owned()];
    stems.dedup();
    let mut names: Vec<String> = Vec::new();
    for name in stems.into_iter().map(|stem| format!("{stem}{}", env::consts::DLL_SUFFIX)) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_folders_are_passed_over_and_relative_ones_refused() {
        assert_eq!(folders(OsStr::new(":/a::/b:")).unwrap(), [PathBuf::from("/a"), PathBuf::from("/b")]);
        let message = folders(OsStr::new("/a:plugins")).unwrap_err().to_string();
        assert!(message.contains("\"plugins\" is not absolute"), "{message}");
    }

    #[test]
    fn a_file_may_be_called_in_either_spelling() {
        let dll = env::consts::DLL_SUFFIX;
        let expected = ["libhot_haze", "libhot-haze", "hot_haze", "hot-haze"].map(|n| format!("{n}{dll}"));
        assert_eq!(names("hot-haze"), expected);
        assert_eq!(names("haze").len(), 2);
    }
}
