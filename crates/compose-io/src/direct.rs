//! Blocks of plain GeoTIFF files, read without GDAL: the same samples, sooner.
//!
//! Most of a run is decoding, and for the common files there is little to decide in it: fetch the bytes of a
//! block, inflate them, undo the predictor. [`DirectFile::open`] decides, before a pixel is read, whether a
//! file is one of those, and says why where it is not. What is not certain is left to GDAL; so is, while
//! pixels are read, a single block that is not as expected ([`LeftToGdal`]). Errors are therefore GDAL's own,
//! and no pixel comes from here that GDAL would not give (`every_file_at_hand_is_read_as_gdal_reads_it`).
//!
//! | module | for |
//! |---|---|
//! | `layout` | how samples lie in blocks |
//! | `left_to_gdal` | a block that GDAL is to read |
//! | `structure` | from the tags of a file to its layout, or why it is left to GDAL |
//! | `block_table` | where the blocks lie in the file |
//! | `unpack` | the codecs |
//! | `samples` | from stored bytes to samples: byte order, predictors, bands apart |

mod block_table;
mod layout;
mod left_to_gdal;
mod samples;
mod structure;
mod unpack;

#[cfg(any(test, fuzzing))]
mod compared;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_damage;

use self::block_table::{BlockLocation, BlockTable};
use self::layout::{Codec, Layout, Predictor, with_word};
use self::unpack::unpack;
use crate::FileHeader;
use crate::header::Fingerprint;
use compose_core::DataType;
use std::fs::File;

pub(crate) use self::left_to_gdal::LeftToGdal;
pub(crate) use self::unpack::Scratch;
#[cfg(fuzzing)]
pub use compared::fuzz_direct;

/// A GeoTIFF whose blocks are read without GDAL. It holds no open file.
#[derive(Debug)]
pub(crate) struct DirectFile {
    layout: Layout,
    places: BlockTable,
    /// For each band, the bytes of a sample in a block that was never written; `None`: GDAL knows.
    missing: Vec<Option<[u8; 4]>>,
}

impl DirectFile {
    /// Decides from the file's own structure, checked against what GDAL says of it.
    ///
    /// # Errors
    /// Why the file is left to GDAL, as plain text: `compressed with JPEG`.
    pub(crate) fn open(header: &FileHeader) -> Result<Self, String> {
        let (layout, places) = structure::read(header)?;
        let missing = header.bands.iter().map(|band| missing(band.dtype, band.nodata)).collect();
        if Fingerprint::of(&header.path).ok().as_ref() != Some(&header.fingerprint) {
            return Err("it has changed since its header was read".into());
        }
        Ok(Self { layout, places, missing })
    }

    /// The number of blocks, across × down.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn blocks(&self) -> (usize, usize) {
        self.layout.blocks()
    }

    /// Width × height in pixels of the block in column `col` and row `row` of blocks, cut at the raster's
    /// right and lower edge.
    pub(crate) fn block_size(&self, (col, row): (usize, usize)) -> (usize, usize) {
        self.layout.block_size((col, row))
    }

    /// Bytes that this value takes: mostly 8 for each block, 12 in files of more than 4 GB.
    pub(crate) fn bytes(&self) -> u64 {
        size_of::<Self>() as u64 + self.places.bytes() + size_of_val(&self.missing[..]) as u64
    }

    /// Bytes that a [`Scratch`] takes at most after blocks of this file were read with it, besides 200 KB for
    /// the codecs.
    pub(crate) fn scratch_bytes(&self) -> u64 {
        let packed = match self.layout.codec {
            Codec::None => 0,
            _ => self.places.longest(self.layout.stored_bytes(0)),
        };
        // Zstd unpacks into a window of its own, of which a block never uses more than its size.
        let window = if self.layout.codec == Codec::Zstd { self.layout.stored_bytes(0) } else { 0 };
        (self.layout.most_rearranged_bytes() + packed + window) as u64
    }

    /// Reads the block in column and row `at` of blocks. `planes` has one place for each band of the file:
    /// bytes for exactly the samples of [`DirectFile::block_size`], row by row, of the stored type, in the
    /// machine's byte order; or `None` for a band that is not wanted. `file` is the file at the header's
    /// path, still the one that was opened.
    ///
    /// # Errors
    /// [`LeftToGdal`]: GDAL is to read this block; what is in `planes` means nothing.
    ///
    /// # Panics
    /// When there is no such block, or `planes` are not as described.
    pub(crate) fn read_block(
        &self,
        file: &File,
        scratch: &mut Scratch,
        at: (usize, usize),
        planes: &mut [Option<&mut [u8]>],
    ) -> Result<(), LeftToGdal> {
        let layout = &self.layout;
        let (across, down) = layout.blocks();
        assert!(at.0 < across && at.1 < down && planes.len() == layout.bands, "no such block or bands");
        let (width, height) = layout.block_size(at);
        let bytes = width * height * layout.dtype.bytes();
        assert!(planes.iter().flatten().all(|p| p.len() == bytes), "a plane is not of the block's size");
        let index = at.1 * across + at.0;
        if layout.interleaved {
            return self.read_stored(file, scratch, (at, index), 0, planes);
        }
        // Band after band, each with all its blocks (TIFF 6.0, section 15, StripOffsets; page 68,
        // TileOffsets).
        for (band, plane) in planes.iter_mut().enumerate().filter(|(_, plane)| plane.is_some()) {
            let index = band * across * down + index;
            self.read_stored(file, scratch, (at, index), band, std::slice::from_mut(plane))?;
        }
        Ok(())
    }

    /// Reads one block as stored: the bands from `first` on, one or all.
    fn read_stored(
        &self,
        file: &File,
        scratch: &mut Scratch,
        (at, index): ((usize, usize), usize),
        first: usize,
        planes: &mut [Option<&mut [u8]>],
    ) -> Result<(), LeftToGdal> {
        let (layout, bytes) = (&self.layout, self.layout.stored_bytes(at.1));
        let place = match self.places.get(index, bytes)? {
            BlockLocation::Missing => return self.fill_missing(first, planes),
            BlockLocation::At { offset, length } => (offset, length),
        };
        let (width, height) = layout.block_size(at);
        match planes {
            // The stored samples are the wanted ones: they are unpacked into place.
            [Some(plane)] if layout.predictor != Predictor::Float && plane.len() == bytes => {
                unpack(layout.codec, file, place, &mut scratch.packed, &mut scratch.inflate, plane)?;
                let row = width * layout.dtype.bytes();
                with_word!(layout.dtype, T => samples::restore::<T>(plane, row, layout));
            }
            _ => {
                let stored = unpack::grown(&mut scratch.stored, bytes);
                unpack(layout.codec, file, place, &mut scratch.packed, &mut scratch.inflate, stored)?;
                with_word!(layout.dtype, T => samples::deinterleave::<T>(stored, (width, height), layout, planes));
            }
        }
        Ok(())
    }

    fn fill_missing(&self, first: usize, planes: &mut [Option<&mut [u8]>]) -> Result<(), LeftToGdal> {
        for (plane, sample) in planes.iter_mut().zip(&self.missing[first..]) {
            let Some(plane) = plane else { continue };
            let sample = &sample.as_ref().ok_or(LeftToGdal)?[..self.layout.dtype.bytes()];
            plane.chunks_exact_mut(sample.len()).for_each(|to| to.copy_from_slice(sample));
        }
        Ok(())
    }
}

/// The sample that GDAL gives where a block was never written: nodata, or 0 where there is none
/// (`GTiffRasterBand::NullBlock`). What the type does not hold, GDAL clamps and rounds: its own business.
fn missing(dtype: DataType, nodata: Option<f64>) -> Option<[u8; 4]> {
    let value = nodata.unwrap_or(0.0);
    // GDAL before 3.7 takes signed bytes for unsigned ones here.
    if !dtype.holds(value) || (dtype == DataType::Int8 && value < 0.0) {
        return None;
    }
    let mut sample = [0; 4];
    match dtype {
        DataType::UInt8 | DataType::Int8 => sample[..1].copy_from_slice(&[value as u8]),
        DataType::UInt16 => sample[..2].copy_from_slice(&(value as u16).to_ne_bytes()),
        DataType::Int16 => sample[..2].copy_from_slice(&(value as i16).to_ne_bytes()),
        DataType::UInt32 => sample = (value as u32).to_ne_bytes(),
        DataType::Int32 => sample = (value as i32).to_ne_bytes(),
        _ => sample = (value as f32).to_ne_bytes(),
    }
    Some(sample)
}
