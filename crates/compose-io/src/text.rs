//! Text files of a bounded size: what a person wrote, or what comes beside a scene.

use crate::IoError;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// More than this is no text that a person wrote.
pub const LARGEST_TEXT: u64 = 4 << 20;

/// Checks that `path` is a file: opening a pipe waits for ever, and a device has no end.
///
/// # Errors
/// [`IoError::Missing`], [`IoError::System`] or [`IoError::NoFile`].
pub fn regular(path: &Path) -> Result<u64, IoError> {
    let meta = std::fs::metadata(path).map_err(|cause| match cause.kind() {
        ErrorKind::NotFound => IoError::Missing { path: path.to_owned() },
        _ => IoError::System { path: path.to_owned(), cause },
    })?;
    if meta.is_file() {
        return Ok(meta.len());
    }
    let found = if meta.is_dir() { "a folder" } else { "a device, a pipe or a socket" };
    Err(IoError::NoFile { path: path.to_owned(), found })
}

/// Opens a file so that reading never waits: some files of the kernel (`/proc/kmsg`) are regular and have no end.
fn open(path: &Path) -> std::io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, rustix::fs::OFlags::NONBLOCK.bits() as i32);
    options.open(path)
}

/// The bytes of a file, `limit` at most.
///
/// # Errors
/// As [`regular`], and [`IoError::TooLarge`].
pub fn read_bytes(path: &Path, limit: u64) -> Result<Vec<u8>, IoError> {
    let too_large = |bytes| IoError::TooLarge { path: path.to_owned(), bytes, limit };
    let length = regular(path)?;
    if length > limit {
        return Err(too_large(length));
    }
    let mut bytes = Vec::new();
    let wrong = |cause| IoError::System { path: path.to_owned(), cause };
    // Files of the kernel have no length and may well have no end.
    open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes)).map_err(wrong)?;
    if bytes.len() as u64 > limit {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(bytes)
}

/// The text of a file in UTF-8, `limit` bytes at most.
///
/// # Errors
/// As [`read_bytes`], and [`IoError::NotUtf8`] with its line.
pub fn read_text(path: &Path, limit: u64) -> Result<String, IoError> {
    String::from_utf8(read_bytes(path, limit)?).map_err(|wrong| {
        let at = wrong.utf8_error().valid_up_to();
        let bytes = wrong.as_bytes();
        let line = 1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count();
        let column = 1 + bytes[..at].iter().rev().take_while(|byte| **byte != b'\n').count();
        IoError::NotUtf8 { path: path.to_owned(), line, column, byte: bytes[at] }
    })
}

/// A text on one line of at most `longest` characters: control characters and runs of blanks become one blank.
pub fn one_line(text: &str, longest: usize) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let plain: String = text.chars().map(plain).collect();
    let mut line = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(longest) {
        line.truncate(end);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_of_bounded_length() {
        assert_eq!(one_line(" a\nb\r\n\tc\u{1b}[31m\0d ", 99), "a b c [31m d");
        assert_eq!(one_line(&"é".repeat(1000), 400).chars().count(), 401);
    }

    #[test]
    fn bytes_that_are_no_utf8_are_told_with_line_and_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules.toml");
        std::fs::write(&path, b"a = 1\nb = \"caf\xe9\"\n").unwrap();
        let told = read_text(&path, LARGEST_TEXT).unwrap_err().to_string();
        let expected = ":2: not UTF-8 (byte 0xE9 at byte 9 of the line); save the file as UTF-8";
        assert!(told.ends_with(expected), "{told}");
    }

    /// The log of the kernel is a regular file whose reader waits for the next message. Others may not open it.
    #[test]
    fn a_file_of_the_kernel_that_has_no_end_is_refused_and_not_waited_for() {
        let log = Path::new("/proc/kmsg");
        match log.exists() {
            true => assert!(matches!(read_text(log, LARGEST_TEXT), Err(IoError::System { .. }))),
            false => println!("not tested: there is no /proc/kmsg here"),
        }
    }

    #[test]
    fn what_is_no_file_or_too_large_is_refused_unread() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large.toml");
        File::create(&path).unwrap().set_len(3 << 30).unwrap();
        let told = |path: &Path| read_text(path, LARGEST_TEXT).unwrap_err().to_string();
        assert!(told(&path).ends_with("has 3221225472 bytes; at most 4194304 are read"), "{}", told(&path));
        assert_eq!(
            told(Path::new("/dev/zero")),
            "/dev/zero: is a device, a pipe or a socket; expected a file"
        );
        assert!(told(folder.path()).ends_with("is a folder; expected a file"));
        assert!(told(&folder.path().join("none")).ends_with("no such file"));
    }
}
