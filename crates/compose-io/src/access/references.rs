//! Checks every file that a file refers to, directly or through others, before GDAL opens it.

use super::drivers::Access;
use super::first_bytes::{first_bytes, is_vrt};
use super::local::{inside, local, quoted};
use super::open::open;
use super::vrt;
use crate::IoError;
use crate::text::{read_text, regular};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The longest text of a VRT, in bytes: about 30 000 sources.
const LARGEST_VRT: u64 = 16 << 20;
/// The largest `.aux.xml`, in bytes; GDAL reads it whole.
const LARGEST_AUX: u64 = 64 << 20;
/// The deepest nesting of VRTs in VRTs.
const DEEPEST: usize = 8;

/// Rasters that GDAL opens beside a file, by what is added to the file's name.
const RASTERS_BESIDE: [&str; 4] = [".msk", ".MSK", ".ovr", ".OVR"];
/// Extensions of small text files that GDAL reads beside a raster: world files, which hold its place, and headers of
/// raw samples. They replace the raster's own extension.
const TEXTS_IN_PLACE: [&str; 8] = ["tfw", "tifw", "TFW", "wld", "WLD", "j2w", "hdr", "HDR"];
/// Texts that GDAL reads beside a file, by what is added to the file's name.
const TEXTS_BESIDE: [&str; 2] = [".aux.xml", ".AUX.XML"];

/// Everything that GDAL will open with the raster at `path`, each file once, without itself.
///
/// # Errors
/// A file that may not be opened, by name; a VRT with too many or too deeply nested sources.
pub(crate) fn check_references(path: &Path, access: &Access) -> Result<Vec<PathBuf>, IoError> {
    let mut checker = Checker { access, way: Vec::new(), seen: HashMap::new(), files: Vec::new() };
    checker.file(path).map_err(|refused| match refused {
        Refused::Io(error) => error,
        Refused::Message(message) => IoError::Access { path: path.to_owned(), message },
    })?;
    checker.files.retain(|file| file != path);
    checker.files.sort();
    checker.files.dedup();
    Ok(checker.files)
}

enum Refused {
    /// About another file.
    Io(IoError),
    /// About the file that is looked at.
    Message(String),
}

impl From<IoError> for Refused {
    fn from(error: IoError) -> Self {
        Self::Io(error)
    }
}

struct Checker<'a> {
    access: &'a Access,
    /// The files that lead to the present one, each named by the one before; links are resolved.
    way: Vec<PathBuf>,
    /// Files that were checked, each with the number of files that are read through it, itself included.
    seen: HashMap<PathBuf, usize>,
    files: Vec<PathBuf>,
}

impl Checker<'_> {
    /// Checks a file and all files that it refers to; returns their number.
    fn file(&mut self, path: &Path) -> Result<usize, Refused> {
        regular(path)?;
        let wrong = |cause| IoError::System { path: path.to_owned(), cause };
        let real = path.canonicalize().map_err(wrong)?;
        if self.way.contains(&real) {
            return Err(Refused::Message(format!("names itself by way of {}", path.display())));
        }
        self.files.push(path.to_owned());
        if let Some(count) = self.seen.get(&real) {
            return Ok(*count);
        }
        if self.way.len() > DEEPEST {
            return Err(Refused::Message(format!("names files that name files, more than {DEEPEST} deep")));
        }
        self.way.push(real.clone());
        self.beside(path)?;
        let count = if is_vrt(&first_bytes(path)?) { self.sources(path)? } else { 1 };
        if self.way.len() > 1 && count == 1 {
            // GDAL opens a source by any driver.
            match open(path, self.access) {
                // Nothing is read of overviews, so that broken ones do no harm.
                Err(IoError::Open { .. }) if is_overview(path) => {}
                other => drop(other?),
            }
        }
        self.way.pop();
        self.seen.insert(real, count);
        Ok(count)
    }

    fn beside(&mut self, path: &Path) -> Result<(), Refused> {
        let add = |ending: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(ending);
            PathBuf::from(name)
        };
        for text in TEXTS_BESIDE.map(add).into_iter().filter(|p| p.exists()) {
            let bytes = regular(&text)?;
            if bytes > LARGEST_AUX {
                return Err(IoError::TooLarge { path: text, bytes, limit: LARGEST_AUX }.into());
            }
            self.files.push(text);
        }
        let in_place = TEXTS_IN_PLACE.map(|ending| path.with_extension(ending));
        for text in in_place.into_iter().filter(|p| p != path && p.exists()) {
            regular(&text)?;
            self.files.push(text);
        }
        for raster in RASTERS_BESIDE.map(add).into_iter().filter(|p| p.exists()) {
            self.file(&raster)?;
        }
        Ok(())
    }

    /// Checks the sources of a VRT; returns the number of files that are read through it.
    fn sources(&mut self, vrt: &Path) -> Result<usize, Refused> {
        let text = read_text(vrt, LARGEST_VRT)?;
        // For a VRT within a VRT, the message says which of them names the file.
        let at = if self.way.len() > 1 { format!("{}: ", vrt.display()) } else { String::new() };
        let refused = |why: String| Refused::Message(format!("{at}{why}"));
        let named = vrt::names(&text, self.access.network).map_err(refused)?;
        let mut count = 1;
        for named in named {
            let what = quoted(&named.text);
            let wrong = |why: String| Refused::Message(format!("{at}names {what} as a source: {why}"));
            let Some(file) = local(&named, vrt, self.access.network).map_err(wrong)? else { continue };
            if named.raw {
                inside(&file, vrt).map_err(wrong)?;
                self.files.push(file);
                count += 1;
            } else {
                let inner = self.file(&file).map_err(|refused| match refused {
                    Refused::Io(error) => wrong(error.to_string()),
                    message @ Refused::Message(_) => message,
                })?;
                count += inner;
            }
            if count > vrt::MOST_SOURCES {
                return Err(refused(vrt::too_many()));
            }
        }
        Ok(count)
    }
}

fn is_overview(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("ovr"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &Path) -> Vec<String> {
        let name = |p: PathBuf| p.file_name().unwrap().to_str().unwrap().to_owned();
        check_references(path, &Access::default()).unwrap().into_iter().map(name).collect()
    }

    fn raster(path: &Path) {
        let driver = gdal::DriverManager::get_driver_by_name("GTiff").unwrap();
        driver.create(path, 2, 2, 1).unwrap();
    }

    #[test]
    fn masks_and_overviews_beside_a_file_are_its_companions() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.tif", "a.tif.msk", "a.tif.ovr", "b.tif.msk"] {
            raster(&folder.path().join(name));
        }
        for name in ["a.tif.aux.xml", "a.tif.bak"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(names(&folder.path().join("a.tif")), ["a.tif.aux.xml", "a.tif.msk", "a.tif.ovr"]);
    }

    #[test]
    fn sources_of_a_vrt_of_vrts_are_its_companions() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let vrt = format!("<VRTDataset rasterXSize=\"2\" rasterYSize=\"2\">{text}</VRTDataset>");
            std::fs::write(folder.path().join(name), vrt).unwrap();
        };
        let absolute = folder.path().join("absolute.tif");
        [&absolute, &folder.path().join("a & b.tif"), &folder.path().join("a & b.tif.msk")]
            .into_iter()
            .for_each(|path| raster(path));
        write(
            "inner.vrt",
            &format!(
                "<SourceFilename shared=\"0\" relativeToVRT=\"1\">a &amp; b.tif</SourceFilename>\
                 <SourceDataset relativeToVRT=\"0\">{}</SourceDataset>",
                absolute.display()
            ),
        );
        write("outer.vrt", "<SourceFilename relativeToVRT=\"1\">inner.vrt</SourceFilename>");
        let outer = folder.path().join("outer.vrt");
        assert_eq!(names(&outer), ["a & b.tif", "a & b.tif.msk", "absolute.tif", "inner.vrt"]);
        write("outer.vrt", "<SourceFilename relativeToVRT=\"1\">gone.tif</SourceFilename>");
        assert!(
            check_references(&outer, &Access::default())
                .unwrap_err()
                .to_string()
                .ends_with("gone.tif: no such file")
        );
    }
}
