//! The offsets and lengths of the blocks in a file.

use super::left_to_gdal::LeftToGdal;

/// Offsets and lengths of all blocks.
#[derive(Debug)]
pub(super) struct BlockTable {
    offsets: Offsets,
    lengths: Box<[u32]>,
    file_length: u64,
}

/// A striped file may have ten thousands of blocks, and a run thousands of files: half the size counts.
#[derive(Debug)]
enum Offsets {
    Narrow(Box<[u32]>),
    Wide(Box<[u64]>),
}

/// The location of a block.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BlockLocation {
    /// It was never written.
    Missing,
    At {
        offset: u64,
        length: usize,
    },
}

impl BlockTable {
    /// Takes over the tables of a file of `file_length` bytes.
    ///
    /// # Errors
    /// The reason why the tables cannot be used.
    pub(super) fn new(offsets: Vec<u64>, lengths: &[u64], file_length: u64) -> Result<Self, String> {
        let narrow =
            |values: &[u64]| values.iter().map(|v| u32::try_from(*v).ok()).collect::<Option<Box<_>>>();
        let lengths = narrow(lengths).ok_or("a block of more than 4 GB")?;
        let offsets = narrow(&offsets).map_or_else(|| Offsets::Wide(offsets.into()), Offsets::Narrow);
        Ok(Self { offsets, lengths, file_length })
    }

    /// The location of block `index`, which is `stored` bytes unpacked.
    ///
    /// # Errors
    /// [`LeftToGdal`]: it cannot lie there.
    pub(super) fn get(&self, index: usize, stored: usize) -> Result<BlockLocation, LeftToGdal> {
        let (offset, length) = self.raw(index);
        if (offset, length) == (0, 0) {
            return Ok(BlockLocation::Missing);
        }
        let plausible = length as usize <= most_packed(stored);
        let within = offset.checked_add(length.into()).is_some_and(|end| end <= self.file_length);
        if offset == 0 || length == 0 || !plausible || !within {
            return Err(LeftToGdal);
        }
        Ok(BlockLocation::At { offset, length: length as usize })
    }

    /// Offset and length of block `index`, as the file says.
    pub(super) fn raw(&self, index: usize) -> (u64, u32) {
        let offset = match &self.offsets {
            Offsets::Narrow(offsets) => offsets[index].into(),
            Offsets::Wide(offsets) => offsets[index],
        };
        (offset, self.lengths[index])
    }

    /// The number of blocks.
    pub(super) fn count(&self) -> usize {
        self.lengths.len()
    }

    /// The longest block that is read, packed; unpacked it is at most `stored` bytes.
    pub(super) fn longest(&self, stored: usize) -> usize {
        self.lengths
            .iter()
            .map(|l| *l as usize)
            .filter(|l| *l <= most_packed(stored))
            .max()
            .unwrap_or_default()
    }

    /// Bytes that the tables take.
    pub(super) fn bytes(&self) -> u64 {
        let offset = if matches!(self.offsets, Offsets::Narrow(_)) { 4 } else { 8 };
        (self.count() * (offset + 4)) as u64
    }
}

/// The most bytes of a packed block. No codec doubles the size of a block; a larger length is damage, and is not allocated.
fn most_packed(stored: usize) -> usize {
    2 * stored + 4096
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_more_than_4_gb_have_wider_numbers() {
        let narrow = BlockTable::new(vec![8, 20], &[12, 30], 50).unwrap();
        let far = 1 << 33;
        let wide = BlockTable::new(vec![8, far], &[12, 30], far + 30).unwrap();
        assert_eq!((narrow.bytes(), wide.bytes()), (16, 24));
        assert_eq!(narrow.get(1, 99).unwrap(), BlockLocation::At { offset: 20, length: 30 });
        assert_eq!(wide.get(1, 99).unwrap(), BlockLocation::At { offset: far, length: 30 });
        assert!(BlockTable::new(vec![8], &[1 << 32], u64::MAX).is_err());
    }

    #[test]
    fn what_cannot_be_a_block_is_left_to_gdal() {
        let offsets = vec![0, 0, 9, 90, u64::MAX, 9];
        let places = BlockTable::new(offsets, &[0, 5, 0, 11, 5, 4099], 10_000).unwrap();
        assert_eq!(places.get(0, 1).unwrap(), BlockLocation::Missing);
        for (index, stored) in [(1, 9), (2, 9), (4, 9), (5, 1)] {
            assert!(places.get(index, stored).is_err(), "{index}");
        }
        assert_eq!((places.longest(1), places.longest(2)), (11, 4099));
        assert!(BlockTable::new(vec![90], &[11], 100).unwrap().get(0, 9).is_err());
    }
}
