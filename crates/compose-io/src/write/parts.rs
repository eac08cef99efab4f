//! Parts of overview tiles wait in a file without a name until the tile is whole.

use bytemuck::Pod;
use std::fs::File;
use std::io::{Read, Result, Seek, SeekFrom, Write};
use std::path::Path;

/// Places of one length in a file. The system removes it when the program ends, however it ends.
pub(super) struct Parts {
    file: File,
    length: u64,
    free: Vec<u64>,
    end: u64,
}

impl Parts {
    /// Makes the file in `folder`, with places of `length` bytes.
    ///
    /// # Errors
    /// The file cannot be made.
    pub(super) fn new(folder: &Path, length: usize) -> Result<Self> {
        Ok(Self { file: tempfile::tempfile_in(folder)?, length: length as u64, free: Vec::new(), end: 0 })
    }

    /// Keeps samples, and says where.
    ///
    /// # Errors
    /// The disk is full.
    pub(super) fn put<T: Pod>(&mut self, samples: &[T]) -> Result<u64> {
        let bytes: &[u8] = bytemuck::cast_slice(samples);
        assert!(bytes.len() as u64 <= self.length, "a part is longer than its place");
        let offset = self.free.pop().unwrap_or(self.end);
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.write_all(bytes)?;
        self.end = self.end.max(offset + self.length);
        Ok(offset)
    }

    /// Gives samples back; their place is free then.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn take<T: Pod>(&mut self, offset: u64, samples: &mut [T]) -> Result<()> {
        self.file.seek(SeekFrom::Start(offset))?;
        self.file.read_exact(bytemuck::cast_slice_mut(samples))?;
        self.free.push(offset);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut parts = Parts::new(folder.path(), 8).unwrap();
        let (a, b) = (parts.put(&[1_u16, 2]).unwrap(), parts.put(&[3_u16, 4, 5, 6]).unwrap());
        let mut found = [0_u16; 4];
        parts.take(a, &mut found[..2]).unwrap();
        assert_eq!((found, parts.put(&[9_u16; 4]).unwrap()), ([1, 2, 0, 0], a));
        parts.take(b, &mut found).unwrap();
        assert_eq!((found, parts.end), ([3, 4, 5, 6], 16));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
