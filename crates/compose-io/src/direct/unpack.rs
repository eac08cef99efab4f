//! The codecs: from the bytes of a block in the file to its bytes as they were before they were packed.

use super::layout::Codec;
use super::left_to_gdal::LeftToGdal;
use std::fs::File;
use zstd_safe::{DCtx, InBuffer, OutBuffer};

/// Buffers of a thread for reading blocks, kept from block to block.
#[derive(Default)]
pub(crate) struct Scratch {
    /// A block as it is in the file.
    pub(super) packed: Vec<u8>,
    /// A block as it is stored, where that is not how it is wanted.
    pub(super) stored: Vec<u8>,
    pub(super) inflate: Inflate,
}

/// The state of the codecs.
#[derive(Default)]
pub(super) struct Inflate {
    deflate: Option<libdeflater::Decompressor>,
    zstd: Option<DCtx<'static>>,
}

/// The first `length` bytes of `buffer`, which only ever grows: their contents are of earlier blocks.
pub(super) fn grown(buffer: &mut Vec<u8>, length: usize) -> &mut [u8] {
    if buffer.len() < length {
        // Nothing in it is wanted any more, and not a byte more than is planned for.
        buffer.clear();
        buffer.reserve_exact(length);
        buffer.resize(length, 0);
    }
    &mut buffer[..length]
}

/// Reads the bytes at `place` (offset and length) and unpacks them into `to`, which they must fill exactly.
pub(super) fn unpack(
    codec: Codec,
    file: &File,
    (offset, length): (u64, usize),
    packed: &mut Vec<u8>,
    inflate: &mut Inflate,
    to: &mut [u8],
) -> Result<(), LeftToGdal> {
    if codec == Codec::None {
        return if length == to.len() { read_at(file, to, offset) } else { Err(LeftToGdal) };
    }
    let packed = grown(packed, length);
    read_at(file, packed, offset)?;
    let written = match codec {
        Codec::Deflate => inflate.deflate(packed, to)?,
        _ => inflate.zstd(packed, to)?,
    };
    if written == to.len() { Ok(()) } else { Err(LeftToGdal) }
}

impl Inflate {
    /// Checks the checksum, and passes over what follows the stream, as GDAL does.
    fn deflate(&mut self, packed: &[u8], to: &mut [u8]) -> Result<usize, LeftToGdal> {
        // Deflate with the usual window of 32 KB (RFC 1950, section 2.2): libdeflate ignores a smaller one,
        // the zlib of another GDAL would not.
        if packed.first() != Some(&0x78) {
            return Err(LeftToGdal);
        }
        let decompressor = self.deflate.get_or_insert_with(libdeflater::Decompressor::new);
        decompressor.zlib_decompress(packed, to).map_err(|_| LeftToGdal)
    }

    /// Calls what libtiff calls (tif_zstd.c, ZSTDDecode), piece by piece: of damaged frames, which rarely
    /// hold a checksum, unpacking at once makes other samples than this does.
    fn zstd(&mut self, packed: &[u8], to: &mut [u8]) -> Result<usize, LeftToGdal> {
        let context = self.zstd.get_or_insert_with(DCtx::create);
        context.init().map_err(|_| LeftToGdal)?;
        let (length, mut input, mut output) = (to.len(), InBuffer::around(packed), OutBuffer::around(to));
        loop {
            let left = context.decompress_stream(&mut output, &mut input).map_err(|_| LeftToGdal)?;
            if left == 0 || input.pos() == packed.len() || output.pos() == length {
                return Ok(output.pos());
            }
        }
    }
}

#[cfg(unix)]
fn read_at(file: &File, to: &mut [u8], offset: u64) -> Result<(), LeftToGdal> {
    std::os::unix::fs::FileExt::read_exact_at(file, to, offset).map_err(|_| LeftToGdal)
}

/// No other system is tried: `structure` leaves all files to GDAL there.
#[cfg(not(unix))]
fn read_at(_file: &File, _to: &mut [u8], _offset: u64) -> Result<(), LeftToGdal> {
    Err(LeftToGdal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use libdeflater::{CompressionLvl, Compressor};

    const BLOCK: &[u8] = b"a block of samples, a block of samples";

    fn deflated() -> Vec<u8> {
        let mut compressor = Compressor::new(CompressionLvl::default());
        let mut packed = vec![0; 100];
        let length = compressor.zlib_compress(BLOCK, &mut packed).unwrap();
        packed.truncate(length);
        packed
    }

    fn frame(samples: &[u8]) -> Vec<u8> {
        let mut packed = vec![0; 100];
        let length = zstd_safe::compress(&mut packed[..], samples, 1).unwrap();
        packed.truncate(length);
        packed
    }

    /// Unpacks into as many bytes as the block has, and some more.
    fn unpacked(codec: Codec, packed: &[u8], more: usize) -> Option<Vec<u8>> {
        let mut to = vec![0; BLOCK.len() + more];
        let mut inflate = Inflate::default();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), packed).unwrap();
        let place = (0, packed.len());
        unpack(codec, file.as_file(), place, &mut Vec::new(), &mut inflate, &mut to).ok().map(|()| to)
    }

    #[test]
    fn blocks_are_unpacked_when_they_are_exactly_as_long_as_they_should_be() {
        let all = [(Codec::None, BLOCK.to_vec()), (Codec::Deflate, deflated()), (Codec::Zstd, frame(BLOCK))];
        for (codec, packed) in all {
            assert_eq!(unpacked(codec, &packed, 0).as_deref(), Some(BLOCK), "{codec:?}");
            assert!(unpacked(codec, &packed, 1).is_none(), "{codec:?}");
            assert!(unpacked(codec, &packed[..packed.len() - 1], 0).is_none(), "{codec:?}");
        }
    }

    #[test]
    fn wrong_checksums_smaller_windows_and_second_frames_are_left_to_gdal() {
        let mut packed = deflated();
        *packed.last_mut().unwrap() ^= 1;
        assert!(unpacked(Codec::Deflate, &packed, 0).is_none());
        let mut packed = deflated();
        // A window of 256 bytes, and what makes the header a multiple of 31 (RFC 1950, section 2.2).
        (packed[0], packed[1]) = (0x08, 0x1D);
        assert!(unpacked(Codec::Deflate, &packed, 0).is_none());
        let (first, second) = BLOCK.split_at(9);
        assert!(unpacked(Codec::Zstd, &[frame(first), frame(second)].concat(), 0).is_none());
    }
}
