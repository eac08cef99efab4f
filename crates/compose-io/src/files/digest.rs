//! Size and SHA-256 of a file.

use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Bytes that are read at a time.
const BUFFER: usize = 1 << 20;

/// Size and hash of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// Its size in bytes.
    pub bytes: u64,
    /// SHA-256 (FIPS 180-4) in 64 hexadecimal digits.
    pub sha256: String,
}

impl Digest {
    /// That of some bytes.
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, sha256: format!("{:x}", Sha256::digest(bytes)) }
    }

    /// Reads the file, a buffer at a time.
    ///
    /// # Errors
    /// Reading fails.
    pub fn of(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let (mut hash, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; BUFFER]);
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(Self { bytes, sha256: format!("{:x}", hash.finalize()) }),
                Ok(read) => {
                    hash.update(&buffer[..read]);
                    bytes += read as u64;
                }
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                Err(cause) => return Err(cause),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 180-2, appendix B.1 and B.3.
    #[test]
    fn a_files_hash_is_that_of_the_standard() {
        let folder = tempfile::tempdir().unwrap();
        let of = |content: &[u8]| {
            std::fs::write(folder.path().join("a"), content).unwrap();
            Digest::of(&folder.path().join("a")).unwrap()
        };
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(of(b"abc"), Digest { bytes: 3, sha256: abc.into() });
        assert_eq!(Digest::of_bytes(b"abc"), of(b"abc"));
        let million = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
        assert_eq!(of(&[b'a'; 1_000_000]).sha256, million);
    }
}
