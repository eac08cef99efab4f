//! From `path` settings to files: sorted, each once, companions left out.

use super::DiscoverError;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Files that stand beside rasters and are none, by the end of their names.
const COMPANIONS: [&str; 11] = [
    ".aux.xml",
    ".msk",
    ".ovr",
    ".hdr",
    "_mtl.txt",
    "_mtl.xml",
    "_mtl.json",
    "_ang.txt",
    "_stac.json",
    ".md5",
    ".tfw",
];

/// A file and whether it was named outright rather than met in a folder or by a glob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub path: PathBuf,
    pub outright: bool,
}

/// The files that `paths` name, sorted by path.
pub(super) fn expand(base: &Path, paths: &[String]) -> Result<Vec<Listed>, DiscoverError> {
    if paths.is_empty() {
        return Err(DiscoverError::NoPath);
    }
    let mut files = Vec::new();
    for path in paths {
        files.extend(expand_one(base, path)?);
    }
    // One file may be reached twice, by two paths or by a link. Named outright counts more.
    files.sort_by(|a, b| (&a.path, b.outright).cmp(&(&b.path, a.outright)));
    let mut seen = BTreeSet::new();
    files.retain(|f| seen.insert(real(&f.path)));
    Ok(files)
}

/// The path without links and dots in its folder. A link to a file stays what it is: its name says something.
fn real(path: &Path) -> PathBuf {
    let folder = path.parent().and_then(|f| f.canonicalize().ok());
    folder.zip(path.file_name()).map_or_else(|| path.to_owned(), |(folder, name)| folder.join(name))
}

fn expand_one(base: &Path, path: &str) -> Result<Vec<Listed>, DiscoverError> {
    let nothing = |found| DiscoverError::NothingThere { path: path.into(), found, base: base.to_owned() };
    // Without the dots of `./x` and `.`, which no message needs.
    let at: PathBuf = base.join(path).components().collect();
    let found = if at.is_dir() {
        walk(&at)?
    } else if at.exists() {
        return Ok(vec![Listed { path: at, outright: true }]);
    } else if path.contains(['*', '?', '[']) {
        globbed(base, path)?
    } else {
        return Err(nothing("nothing of this name"));
    };
    if found.is_empty() {
        return Err(nothing(if at.is_dir() { "a folder without files" } else { "nothing that matches" }));
    }
    Ok(found.into_iter().map(|path| Listed { path, outright: false }).collect())
}

/// The files that a glob fits, in no order.
pub(super) fn globbed(base: &Path, path: &str) -> Result<Vec<PathBuf>, DiscoverError> {
    let wrong = |cause: String| DiscoverError::Glob { path: path.into(), cause };
    // Only the user's part is a pattern: the folder of the rules file may well contain brackets.
    let pattern = if Path::new(path).is_absolute() {
        path.to_owned()
    } else {
        Path::new(&glob::Pattern::escape(&base.to_string_lossy())).join(path).to_string_lossy().into_owned()
    };
    let mut files = Vec::new();
    for entry in glob::glob(&pattern).map_err(|e| wrong(e.to_string()))? {
        let entry = entry
            .map_err(|e| DiscoverError::Folder { path: e.path().to_owned(), cause: e.error().to_string() })?;
        let inner = entry.strip_prefix(base).unwrap_or(&entry);
        if !asks_for_hidden(path) && inner.iter().any(|part| is_hidden(Path::new(part))) {
            continue;
        }
        if entry.is_dir() {
            files.extend(walk(&entry)?);
        } else if is_candidate(&entry) {
            files.push(entry);
        }
    }
    Ok(files)
}

/// Every file below `folder`; folders reached twice by links are walked once.
fn walk(folder: &Path) -> Result<Vec<PathBuf>, DiscoverError> {
    let mut files = Vec::new();
    let mut seen = BTreeSet::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        let wrong = |e: std::io::Error| DiscoverError::Folder { path: folder.clone(), cause: e.to_string() };
        if !seen.insert(folder.canonicalize().map_err(wrong)?) {
            continue;
        }
        let entries =
            std::fs::read_dir(&folder).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(wrong)?;
        let visible = entries.iter().map(std::fs::DirEntry::path).filter(|p| !is_hidden(p));
        let (mut folders, found): (Vec<_>, Vec<_>) = visible.partition(|p| p.is_dir());
        // The choice between two paths to a folder must not depend on the order on disk.
        folders.sort_by(|a, b| b.cmp(a));
        waiting.extend(folders);
        files.extend(found.into_iter().filter(|p| is_candidate(p)));
    }
    Ok(files)
}

/// Whether a part of a glob begins with a dot by itself: `*` alone does not mean hidden files.
fn asks_for_hidden(path: &str) -> bool {
    path.split('/').any(|part| is_hidden(Path::new(part)))
}

/// `.` and `..` are no names.
fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'))
}

fn is_candidate(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    !is_hidden(path) && !COMPANIONS.iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(base: &Path, paths: &[&str]) -> Result<Vec<String>, String> {
        let paths: Vec<String> = paths.iter().map(|&p| p.into()).collect();
        let files = expand(base, &paths).map_err(|e| e.to_string())?;
        let name = |f: Listed| f.path.strip_prefix(base).unwrap().to_string_lossy().into_owned();
        Ok(files.into_iter().map(name).collect())
    }

    fn folder_with(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::Builder::new().prefix(".a[0]").tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        folder
    }

    #[test]
    fn a_folder_is_searched_with_its_subfolders_and_companions_are_left_out() {
        let folder = folder_with(&["s/b/y.tif", "s/x.tif", "s/x.tif.aux.xml", "s/x.tif.msk", "s/.h/z.tif"]);
        assert_eq!(names(folder.path(), &["s"]).unwrap(), ["s/b/y.tif", "s/x.tif"]);
    }

    #[test]
    fn a_glob_may_name_files_and_folders_and_a_base_with_brackets_is_taken_literally() {
        let folder = folder_with(&["LC08_a/B1.tif", "LC07_a/B1.tif", "LC09_a.tif", "x/LC08.tif"]);
        assert_eq!(names(folder.path(), &["LC0[89]_*"]).unwrap(), ["LC08_a/B1.tif", "LC09_a.tif"]);
        assert_eq!(names(folder.path(), &["**/LC08.tif"]).unwrap(), ["x/LC08.tif"]);
    }

    #[test]
    fn a_star_does_not_find_what_is_hidden() {
        let folder = folder_with(&[".h/x.tif", "s/x.tif"]);
        assert_eq!(names(folder.path(), &["*/*.tif"]).unwrap(), ["s/x.tif"]);
        assert_eq!(names(folder.path(), &[".h/*.tif"]).unwrap(), [".h/x.tif"]);
    }

    #[test]
    fn a_file_that_is_reached_twice_counts_once() {
        let folder = folder_with(&["s/x.tif"]);
        assert_eq!(names(folder.path(), &["s", "s/*.tif", "s/x.tif"]).unwrap(), ["s/x.tif"]);
    }

    #[test]
    fn a_path_that_matches_nothing_is_named() {
        let folder = folder_with(&["s/.hidden"]);
        let base = folder.path().display();
        let wrong = |path| names(folder.path(), &[path]).unwrap_err();
        let end = format!(" in {base}; expected a file, a folder or a glob that matches something");
        assert_eq!(wrong("none.tif"), format!("path \"none.tif\": nothing of this name{end}"));
        assert_eq!(wrong("s/*.tif"), format!("path \"s/*.tif\": nothing that matches{end}"));
        assert_eq!(wrong("s"), format!("path \"s\": a folder without files{end}"));
        assert!(wrong("a***b").starts_with("path \"a***b\": not a glob: "));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_back_to_the_folder_does_not_lead_in_circles() {
        let folder = folder_with(&["s/x.tif"]);
        std::os::unix::fs::symlink(folder.path().join("s"), folder.path().join("s/again")).unwrap();
        assert_eq!(names(folder.path(), &["s"]).unwrap(), ["s/x.tif"]);
    }
}
