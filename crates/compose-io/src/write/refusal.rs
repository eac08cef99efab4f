//! Why a file could not be written, in the system's words: GDAL's differ from version to version, and those of 3.10 and
//! newer name a scanline but not the full disk.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// Bytes that are tried: more than a disk that is full to the last tile has left.
const TRIED: usize = 1 << 20;

/// The message of GDAL, after the error of the system if that takes no more bytes at the end of `file`.
///
/// The file has failed: what is tried spoils it.
pub(super) fn explain(file: &Path, gdal: &str) -> String {
    let Some(system) = ask(file) else { return gdal.to_owned() };
    let system = in_words(&system);
    if gdal.contains(&system) { gdal.to_owned() } else { format!("{system} (GDAL: {gdal})") }
}

/// An error of the system without its number, as in "File too large (os error 27)": that tells a user nothing.
pub(super) fn in_words(cause: &std::io::Error) -> String {
    let text = cause.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

fn ask(file: &Path) -> Option<std::io::Error> {
    let mut file = OpenOptions::new().append(true).create(true).open(file).ok()?;
    // Quotas and delayed allocation refuse when the bytes go to the disk.
    file.write_all(&vec![0; TRIED]).and_then(|()| file.sync_data()).err()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_the_system_takes_more_the_words_are_those_of_gdal() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(explain(&folder.path().join("a"), "no such tile"), "no such tile");
        assert_eq!(explain(&folder.path().join("none/a"), "no such tile"), "no such tile");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn where_the_system_takes_no_more_its_reason_comes_first_and_once() {
        let full = Path::new("/dev/full");
        let message = explain(full, "TIFFAppendToStrip:Write error at scanline 192");
        let wanted = "No space left on device (GDAL: TIFFAppendToStrip:Write error at scanline 192)";
        assert_eq!(message, wanted);
        let said = "_tiffWriteProc:No space left on device";
        assert_eq!(explain(full, said), said);
    }
}
