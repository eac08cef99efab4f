//! Masks made by others: the raster that belongs to each scene.

use super::{DiscoverError, paths};
use crate::scene::{BesidePlace, FoundFile, FoundScene, ScenesQuery, Without};
use glob::{MatchOptions, Pattern};
use std::path::{Path, PathBuf};

/// Stands for the id of the scene.
const ID: &str = "{id}";

/// `*` does not reach into folders.
const IN_A_FOLDER: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// Adds to each scene the rasters that others made of it, and says which it does not have.
///
/// # Errors
/// A pattern that is wrong, or that fits two files of one scene.
pub(super) fn attach(scenes: &mut [FoundScene], query: &ScenesQuery) -> Result<(), DiscoverError> {
    for (number, beside) in query.beside.iter().enumerate() {
        let BesidePlace::Files(pattern) = &beside.place else { continue };
        let rasters = Rasters::listed(&query.base, pattern)?;
        for scene in scenes.iter_mut() {
            match rasters.of(&scene.id)? {
                Some(path) => scene.files.push(FoundFile {
                    beside: Some(number),
                    ..FoundFile::new(path, Some(beside.band.clone()))
                }),
                None => {
                    let reason = format!("it has no {}: nothing is like {pattern}", beside.band);
                    scene.without.push(Without { beside: number, reason });
                }
            }
        }
    }
    Ok(())
}

/// The rasters of all scenes, listed once.
struct Rasters<'a> {
    /// As the rules file has it.
    pattern: &'a str,
    /// Its parts from the first that is not literal on.
    end: String,
    /// Every file that fits with any id: as many parts at the end of its path, and the path; sorted.
    files: Vec<(String, PathBuf)>,
}

impl<'a> Rasters<'a> {
    fn listed(base: &Path, pattern: &'a str) -> Result<Self, DiscoverError> {
        let wrong = |cause: &str| DiscoverError::Beside { pattern: pattern.into(), cause: cause.into() };
        if !pattern.contains(ID) {
            return Err(wrong("it holds no {id}, so that all scenes would have one raster"));
        }
        if pattern.contains("**") {
            return Err(wrong("** is not taken: say in which folder the rasters are"));
        }
        let parts: Vec<&str> = pattern.split('/').collect();
        let is_literal = |part: &&&str| !part.contains(['*', '?', '[']) && !part.contains(ID);
        let count = parts.len() - parts.iter().take_while(is_literal).count();
        let mut files = Vec::new();
        // `{id}*` is one star, not two.
        let mut any = pattern.replace(ID, "*");
        while any.contains("**") {
            any = any.replace("**", "*");
        }
        for path in paths::globbed(base, &any).map_err(|e| wrong(&e.to_string()))? {
            let names: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
            files.push((names[names.len().saturating_sub(count)..].join("/"), path));
        }
        files.sort();
        Ok(Self { pattern, end: parts[parts.len() - count..].join("/"), files })
    }

    /// The raster of a scene.
    fn of(&self, id: &str) -> Result<Option<PathBuf>, DiscoverError> {
        let wrong = |cause: String| DiscoverError::Beside { pattern: self.pattern.into(), cause };
        let pattern = Pattern::new(&self.end.replace(ID, &Pattern::escape(id)));
        let pattern = pattern.map_err(|e| wrong(e.to_string()))?;
        let mut fitting = self.near(id).iter().filter(|(end, _)| pattern.matches_with(end, IN_A_FOLDER));
        match (fitting.next(), fitting.next()) {
            (Some((_, first)), Some((_, second))) => Err(wrong(format!(
                "two files fit scene {id}: {} and {}; narrow the pattern",
                first.display(),
                second.display()
            ))),
            (first, _) => Ok(first.map(|(_, path)| path.clone())),
        }
    }

    /// The files that may be those of a scene: where what stands before `{id}` is literal, they begin with both.
    fn near(&self, id: &str) -> &[(String, PathBuf)] {
        let start = self.end.split(ID).next().unwrap_or_default();
        if start.contains(['*', '?', '[']) {
            return &self.files;
        }
        let start = format!("{start}{id}");
        let first = self.files.partition_point(|(end, _)| *end < start);
        let count = self.files[first..].partition_point(|(end, _)| end.starts_with(&start));
        &self.files[first..first + count]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scene::{Beside, Nodata};

    /// What each of the scenes `a`, `a_1` and `[b]` has, of the files at these paths.
    fn found(files: &[&str], pattern: &str) -> Result<Vec<Option<String>>, String> {
        let folder = tempfile::Builder::new().prefix("x[0]{id}").tempdir().unwrap();
        for file in files {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let beside = Beside {
            place: BesidePlace::Files(pattern.into()),
            band: "OCM".into(),
            number: None,
            layout: None,
            nodata: Nodata::Default,
            skip: false,
        };
        let query =
            ScenesQuery { base: folder.path().into(), beside: vec![beside], ..ScenesQuery::default() };
        let scene = |id: &str| crate::discover::group::scene(&query, id.into(), Vec::new(), None);
        let mut scenes = ["a", "a_1", "[b]"].map(scene);
        attach(&mut scenes, &query)
            .map_err(|e| e.to_string().replace(folder.path().to_str().unwrap(), "."))?;
        let name = |scene: &FoundScene| {
            assert_eq!(scene.files.is_empty(), scene.without.len() == 1);
            let file = scene.files.first()?;
            assert_eq!((file.band.as_deref(), file.beside), (Some("OCM"), Some(0)));
            Some(file.path.strip_prefix(folder.path()).unwrap().to_string_lossy().into_owned())
        };
        Ok(scenes.iter().map(name).collect())
    }

    fn some(names: [&str; 3]) -> Vec<Option<String>> {
        names.iter().map(|name| (!name.is_empty()).then(|| (*name).to_owned())).collect()
    }

    #[test]
    fn each_scene_gets_the_raster_with_its_id() {
        let files = [
            "m/a_OCM_v1.tif",
            "m/a_1_OCM_v1.tif",
            "m/[b]_OCM_v2.tif",
            "m/a_OCM_v1.tif.aux.xml",
            "m/z_OCM.tif",
        ];
        let all = some(["m/a_OCM_v1.tif", "m/a_1_OCM_v1.tif", "m/[b]_OCM_v2.tif"]);
        assert_eq!(found(&files, "m/{id}_OCM*.tif").unwrap(), all);
        assert_eq!(found(&files, "./m/../m/{id}_OCM*.tif").unwrap().iter().flatten().count(), 3);
        let folders = ["x/a/cloud.tif", "x/[b]/cloud.tif"];
        assert_eq!(
            found(&folders, "*/{id}/cloud.tif").unwrap(),
            some(["x/a/cloud.tif", "", "x/[b]/cloud.tif"])
        );
    }

    #[test]
    fn a_scene_without_one_says_so_and_none_gets_two() {
        assert_eq!(found(&["m/a_OCM.tif"], "m/{id}_OCM.tif").unwrap(), some(["m/a_OCM.tif", "", ""]));
        assert_eq!(found(&[], "m/{id}_OCM.tif").unwrap(), some(["", "", ""]));
        let twice = found(&["m/a_OCM.tif", "m/a_1_OCM.tif"], "m/{id}*OCM.tif").unwrap_err();
        let said = "beside m/{id}*OCM.tif: two files fit scene a: ./m/a_1_OCM.tif and ./m/a_OCM.tif; narrow the pattern";
        assert_eq!(twice, said);
        assert!(found(&[], "m/OCM.tif").unwrap_err().contains("holds no {id}"));
        assert!(found(&[], "**/{id}.tif").unwrap_err().contains("** is not taken"));
        assert!(found(&[], "m/{id}[.tif").unwrap_err().contains("not a glob"));
    }
}
