//! The files of one output with their hashes: listed in its report, and compared with the disk by `compose check`.
//!
//! The report gets its name before the files that it lists, with the hash of each. So after a kill every file is either as
//! the report says, or found to differ. Paths start from the report's folder, so that a set can be moved as a whole.

use crate::error::EngineError;
use crate::plan::OutputPlan;
use compose_io::files::{Digest, folder_of, from_folder_of};
use compose_io::write::Pending;
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// No report is larger: 65 000 scenes with ten files each come to less.
const LARGEST: u64 = 512 << 20;

/// Endings of the files that the program writes beside an image.
const BESIDE: [&str; 8] = [
    "_provenance.tif",
    "_masks.tif",
    "_uncertainty.tif",
    "_before.png",
    "_mask.png",
    "_after.png",
    "_sources.png",
    ".stac.json",
];

/// How much of files is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// How long they are.
    Lengths,
    /// All that they hold.
    Contents,
}

/// The state of a file of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is what was written.
    Whole,
    /// It is not there.
    Missing,
    /// It is something else, or cannot be read; how.
    Differs(String),
    /// It has a name of the set, but the report does not list it: it is from another run.
    Foreign,
}

/// A file of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Its path as the report says it.
    pub file: String,
    /// Its state.
    pub found: Found,
}

/// The entries of a report for the files of its set, which still have temporary names.
///
/// # Errors
/// A file cannot be read.
pub fn listed(report: &Path, output: &OutputPlan, files: &[Pending]) -> Result<Value, EngineError> {
    let what = |path: &Path| {
        let setting = output.files_by_setting().find(|(_, file)| *file == path).map_or("", |(s, _)| s);
        if setting == "path" { "image" } else { setting }
    };
    let of = |file: &Pending| entry(report, what(file.path()), file);
    Ok(Value::Array(files.iter().map(of).collect::<Result<_, _>>()?))
}

/// The entry of a report for one file.
///
/// # Errors
/// The file cannot be read.
pub fn entry(report: &Path, what: &str, file: &Pending) -> Result<Value, EngineError> {
    let Digest { bytes, sha256 } = file.digest()?;
    let path = from_folder_of(report, file.path());
    Ok(json!({ "file": path.to_string_lossy(), "is": what, "bytes": bytes, "sha256": sha256 }))
}

/// Compares every file that a report lists with the disk, and looks for files of other runs beside its image.
///
/// # Errors
/// The report cannot be read, or is none.
pub fn check(report: &Path) -> Result<Vec<Checked>, EngineError> {
    let value = read(report)?;
    let none = |why: &str| EngineError::NoReport { path: report.to_owned(), why: why.to_owned() };
    // A tile without any pixel has no files but its report.
    let is_tile = value["tile"].is_object();
    let Some(files) = value["files"].as_array().filter(|files| is_tile || !files.is_empty()) else {
        return Err(none("it lists no files with their hashes"));
    };
    let folder = folder_of(report);
    let (mut checked, mut image) = (Vec::new(), None);
    for file in files {
        let (name, expected) =
            entry_of(file).ok_or_else(|| none("an entry of its files lacks file, bytes or sha256"))?;
        if file["is"] == "image" {
            image = Some(folder.join(name));
        }
        let found = held_against(&folder.join(name), &expected, Look::Contents);
        checked.push(Checked { file: name.to_owned(), found });
    }
    let listed: Vec<PathBuf> = checked.iter().map(|c| folder.join(&c.file)).collect();
    let foreign = image.iter().flat_map(|image| beside(image)).filter(|file| !listed.contains(file));
    let foreign = foreign.filter(|file| file.symlink_metadata().is_ok());
    let told = |file: PathBuf| file.strip_prefix(folder).unwrap_or(&file).display().to_string();
    checked.extend(foreign.map(|file| Checked { file: told(file), found: Found::Foreign }));
    Ok(checked)
}

/// The name of a file and what it is to hold, as an entry of a report says.
pub(super) fn entry_of(file: &Value) -> Option<(&str, Digest)> {
    let sha256 = file["sha256"].as_str()?.to_lowercase();
    Some((file["file"].as_str()?, Digest { bytes: file["bytes"].as_u64()?, sha256 }))
}

/// The paths of the files that the program may write beside an image.
pub(super) fn beside(image: &Path) -> Vec<PathBuf> {
    let stem = image.file_stem().unwrap_or_default().to_string_lossy();
    BESIDE.iter().map(|ending| image.with_file_name(format!("{stem}{ending}"))).collect()
}

/// A report as JSON.
///
/// # Errors
/// It cannot be read, or is none.
pub(super) fn read(report: &Path) -> Result<Value, EngineError> {
    let none = |why: String| EngineError::NoReport { path: report.to_owned(), why };
    let metadata = std::fs::metadata(report).map_err(|cause| none(cause.to_string()))?;
    if !metadata.is_file() {
        return Err(none("it is a folder or a device".into()));
    }
    if metadata.len() > LARGEST {
        return Err(none(format!("it has {} bytes, and no report has more than {LARGEST}", metadata.len())));
    }
    let bytes = std::fs::read(report).map_err(|cause| none(cause.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|cause| none(format!("it is no JSON: {cause}")))
}

/// Compares a file with what was written.
pub(super) fn held_against(path: &Path, expected: &Digest, look: Look) -> Found {
    match std::fs::metadata(path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Found::Missing,
        Err(cause) => return Found::Differs(cause.to_string()),
        Ok(metadata) if !metadata.is_file() => return Found::Differs("it is a folder or a device".into()),
        Ok(metadata) if metadata.len() != expected.bytes => {
            return Found::Differs(format!("{} bytes, {} were written", metadata.len(), expected.bytes));
        }
        Ok(_) if look == Look::Lengths => return Found::Whole,
        Ok(_) => {}
    }
    match Digest::of(path) {
        Err(cause) => Found::Differs(cause.to_string()),
        Ok(found) if found == *expected => Found::Whole,
        Ok(found) => {
            let short = |hash: &str| hash.chars().take(12).collect::<String>();
            let (found, written) = (short(&found.sha256), short(&expected.sha256));
            Found::Differs(format!("SHA-256 {found}…, {written}… was written"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_start_from_the_reports_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("reports/2020")).unwrap();
        std::fs::create_dir_all(folder.path().join("images")).unwrap();
        let seen = |report: &str, file: &str| {
            from_folder_of(&folder.path().join(report), &folder.path().join(file)).display().to_string()
        };
        assert_eq!(seen("a.json", "a.tif"), "a.tif");
        assert_eq!(seen("a.json", "images/a.tif"), "images/a.tif");
        assert_eq!(seen("reports/2020/a.json", "images/a.tif"), "../../images/a.tif");
        assert_eq!(seen("reports/a.json", "reports/../images/a.tif"), "../images/a.tif");
    }

    #[test]
    fn what_is_no_report_is_refused_in_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        let says = |text: &str| {
            std::fs::write(&path, text).unwrap();
            check(&path).unwrap_err().to_string()
        };
        for (text, said) in [
            ("", "it is no JSON"),
            ("II*\0", "it is no JSON"),
            ("[1, 2]", "it lists no files"),
            ("{}", "it lists no files"),
            ("{\"files\": 7}", "it lists no files"),
            ("{\"files\": []}", "it lists no files"),
            ("{\"files\": [{\"file\": \"a.tif\"}]}", "lacks file, bytes or sha256"),
            (
                "{\"files\": [{\"file\": \"a.tif\", \"bytes\": -1, \"sha256\": \"\"}]}",
                "lacks file, bytes or sha256",
            ),
        ] {
            let told = says(text);
            assert!(told.contains(said) && told.lines().count() == 1, "{text}: {told}");
        }
        assert!(check(folder.path()).unwrap_err().to_string().contains("a folder or a device"));
        let gone = check(&folder.path().join("no.json")).unwrap_err().to_string();
        assert!(gone.contains("no.json: is no report of a run (No such file"), "{gone}");
    }
}
