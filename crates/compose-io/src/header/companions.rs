//! Files that a raster is made of besides itself. GDAL's own list has no safe wrapper in the gdal crate.

use regex::Regex;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// What GDAL reads beside a file, by what is added to the file's name.
const BESIDE: [&str; 4] = [".msk", ".ovr", ".msk.ovr", ".aux.xml"];

/// Element and text of what a VRT names as a source, that of a warped one among them.
static SOURCE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"<Source(?:Filename|Dataset)\b([^>]*)>([^<]+)<").expect("a pattern of ours")
});

/// The files that exist, each once; of a VRT of VRTs, those of all levels.
pub(super) fn of(path: &Path, driver: &str) -> Vec<PathBuf> {
    let mut found = beside(path);
    let mut sources = if driver == "VRT" { sources(path) } else { Vec::new() };
    while let Some(source) = sources.pop() {
        if source == path || found.contains(&source) {
            continue;
        }
        if source.extension().is_some_and(|e| e.eq_ignore_ascii_case("vrt")) {
            sources.extend(self::sources(&source));
        }
        found.extend(beside(&source));
        found.push(source);
    }
    found.sort();
    found.dedup();
    found
}

fn beside(path: &Path) -> Vec<PathBuf> {
    let add = |ending: &&str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    BESIDE.iter().map(add).filter(|p| p.is_file()).collect()
}

fn sources(vrt: &Path) -> Vec<PathBuf> {
    let text = std::fs::read(vrt).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let folder = vrt.parent().unwrap_or(Path::new(""));
    let resolved = |found: regex::Captures<'_>| {
        let relative = found[1].contains("relativeToVRT=\"1\"");
        let name = unescaped(found[2].trim());
        if relative { folder.join(name) } else { PathBuf::from(name) }
    };
    SOURCE.captures_iter(&text).map(resolved).filter(|p| p.is_file()).collect()
}

fn unescaped(text: &str) -> String {
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    entities.iter().fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &Path, driver: &str) -> Vec<String> {
        let name = |p: PathBuf| p.file_name().unwrap().to_str().unwrap().to_owned();
        of(path, driver).into_iter().map(name).collect()
    }

    #[test]
    fn masks_and_overviews_beside_a_file_are_its_companions() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.tif", "a.tif.msk", "a.tif.ovr", "a.tif.aux.xml", "a.tif.bak", "b.tif.msk"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let expected = ["a.tif.aux.xml", "a.tif.msk", "a.tif.ovr"];
        assert_eq!(names(&folder.path().join("a.tif"), "GTiff"), expected);
    }

    #[test]
    fn sources_of_a_vrt_of_vrts_are_its_companions_even_in_a_circle() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        let absolute = folder.path().join("absolute.tif").display().to_string();
        write("absolute.tif", "");
        write("a & b.tif", "");
        write("a & b.tif.msk", "");
        write(
            "inner.vrt",
            &format!(
                "<SourceFilename shared=\"0\" relativeToVRT=\"1\">a &amp; b.tif</SourceFilename>\
                 <SourceDataset relativeToVRT=\"0\">{absolute}</SourceDataset>\
                 <SourceFilename relativeToVRT=\"1\">outer.vrt</SourceFilename>"
            ),
        );
        write(
            "outer.vrt",
            "<SourceFilename relativeToVRT=\"1\">inner.vrt</SourceFilename>\
             <SourceFilename relativeToVRT=\"1\">gone.tif</SourceFilename>",
        );
        let expected = ["a & b.tif", "a & b.tif.msk", "absolute.tif", "inner.vrt"];
        assert_eq!(names(&folder.path().join("outer.vrt"), "VRT"), expected);
        assert!(names(&folder.path().join("outer.vrt"), "GTiff").is_empty());
    }
}
