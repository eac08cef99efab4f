//! Files that are read, known by what they are: a link, another spelling of the path or other letters do not hide them.

use super::beside::{companions, place};
use crate::write::WriteError;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Files that a run reads. No output may replace one of them, nor take one away with an earlier file of its name.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    paths: Vec<PathBuf>,
    by_number: HashMap<(u64, u64), usize>,
    by_place: HashMap<PathBuf, usize>,
}

impl Inputs {
    /// The files at these paths. One that is not there yet is known by its place.
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut inputs = Self::default();
        paths.into_iter().for_each(|path| inputs.add(path));
        inputs
    }

    /// One more.
    pub fn add(&mut self, path: PathBuf) {
        let index = self.paths.len();
        if let Some(number) = number(&path) {
            self.by_number.entry(number).or_insert(index);
        }
        for place in place(&path).into_iter().chain(path.canonicalize()) {
            self.by_place.entry(place).or_insert(index);
        }
        self.paths.push(path);
    }

    /// The input that `path` leads to.
    pub fn find(&self, path: &Path) -> Option<&Path> {
        let by_number = number(path).and_then(|number| self.by_number.get(&number));
        let by_place = || place(path).and_then(|place| self.by_place.get(&place));
        by_number.or_else(by_place).map(|index| self.paths[*index].as_path())
    }

    /// Why no file may be written to `path`: what follows the path in a message; `None` where it may.
    pub fn clash(&self, path: &Path) -> Option<String> {
        if let Some(input) = self.find(path) {
            return Some(format!(" is read by this run{}; it would be overwritten", other_name(path, input)));
        }
        let (helper, input) = companions(path).find_map(|c| self.find(&c).map(|input| (c.clone(), input)))?;
        let name = other_name(&helper, input);
        let helper = helper.file_name().unwrap_or_default().display();
        Some(format!(
            " has {helper} beside it, which is read by this run{name} and would be taken for a part of it; choose \
             another path"
        ))
    }

    /// Refuses to write to `path`, or to take away what GDAL would read with it, where that is read.
    ///
    /// # Errors
    /// [`WriteError::IsRead`].
    pub fn refuse(&self, path: &Path) -> Result<(), WriteError> {
        let refuse = |why| Err(WriteError::IsRead { path: path.to_owned(), why });
        self.clash(path).map_or(Ok(()), refuse)
    }
}

/// Under which other name `path` is read, where it is another.
fn other_name(path: &Path, input: &Path) -> String {
    if place(path) == place(input) { String::new() } else { format!(" as {}", input.display()) }
}

/// Device and number of the file that a path leads to.
#[cfg(unix)]
fn number(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn number(_: &Path) -> Option<(u64, u64)> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn an_input_is_known_under_every_name_that_leads_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir(at("real")).unwrap();
        std::fs::write(at("real/a.tif"), "a").unwrap();
        std::fs::write(at("other.tif"), "a").unwrap();
        std::os::unix::fs::symlink(at("real"), at("linked")).unwrap();
        std::os::unix::fs::symlink("real/a.tif", at("link.tif")).unwrap();
        std::os::unix::fs::symlink("link.tif", at("link-of-link.tif")).unwrap();
        std::fs::hard_link(at("real/a.tif"), at("hard.tif")).unwrap();
        let inputs = Inputs::new([at("real/a.tif"), at("gone.tif")]);
        for name in
            ["real/a.tif", "real/../real/./a.tif", "linked/a.tif", "link.tif", "link-of-link.tif", "hard.tif"]
        {
            let said = inputs.clash(&at(name)).unwrap_or_else(|| panic!("{name}"));
            assert!(said.contains("is read by this run"), "{said}");
        }
        assert!(inputs.clash(&at("linked/../gone.tif")).is_some(), "one that is not there yet");
        assert_eq!(inputs.clash(&at("other.tif")), None);
        assert_eq!(inputs.clash(&at("nowhere/a.tif")), None);
        // Through a link to it, its own name is an input too.
        assert!(Inputs::new([at("link.tif")]).clash(&at("real/a.tif")).is_some());
        assert!(Inputs::new([at("link.tif")]).clash(&at("link.tif")).is_some());
    }

    #[test]
    fn an_input_that_would_be_taken_away_with_an_earlier_output_is_a_clash() {
        let folder = tempfile::tempdir().unwrap();
        for helper in ["out.tif.msk", "out.tif.ovr", "out.tif.aux.xml"] {
            let path = folder.path().join(helper);
            std::fs::write(&path, "").unwrap();
            let said = Inputs::new([path]).refuse(&folder.path().join("out.tif")).unwrap_err().to_string();
            assert!(said.contains(&format!("out.tif has {helper} beside it")), "{said}");
        }
    }
}
