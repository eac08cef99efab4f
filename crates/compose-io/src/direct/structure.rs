//! From the tags of a file to its layout, or why it is left to GDAL.
//!
//! Numbers of tags and of their values: TIFF 6.0 (part 1, "TIFF tags sorted by number"), and the registry of
//! the libtiff manual for codecs that came later. A tag counts only where GDAL agrees with it: whatever GDAL
//! repairs, splits or interprets shows as a difference between the tags and its own header.

use super::block_table::BlockTable;
use super::layout::{Codec, Layout, Predictor};
use crate::messages::checked;
use crate::{FileHeader, access};
use compose_core::DataType;
use gdal::{Dataset, Metadata};
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use tiff::TiffError;
use tiff::decoder::Decoder;
use tiff::tags::{ByteOrder, Tag, Type};

/// Larger blocks are read in pieces, which GDAL does.
const LARGEST_BLOCK: usize = 4096 * 4096;
/// A block with this many bytes in all bands is a whole file: GDAL reads it.
const MOST_BYTES: usize = 256 << 20;
/// Their places alone would take 12 MB.
const MOST_BLOCKS: usize = 1 << 20;

/// Tags that change what samples are and that nobody writes (SGI's, in the libtiff manual: DataType,
/// ImageDepth, TileDepth).
const STRANGE: [u16; 3] = [32996, 32997, 32998];

/// Reads the structure of the file behind `header`.
///
/// # Errors
/// Why the file is left to GDAL.
pub(super) fn read(header: &FileHeader) -> Result<(Layout, BlockTable), String> {
    if cfg!(not(unix)) {
        return Err("files are read directly on Unix only".into());
    }
    if !["GTiff", "COG"].contains(&header.driver.as_str()) {
        return Err(format!("not a GeoTIFF but {}", header.driver));
    }
    let file = File::open(&header.path).map_err(|_| "not a plain file")?;
    let length = file.metadata().ok().filter(|m| m.is_file()).ok_or("not a plain file")?.len();
    // The limits that the decoder starts with hold for hostile files too: a list takes up to 256 MB of
    // addresses, and as much memory as there are values in the file.
    let mut tags = Tags(Decoder::new(BufReader::new(&file)).map_err(unusual)?);
    let layout = tags.layout()?;
    let places = tags.places(&layout, length)?;
    agrees(&layout, &places, header)?;
    Ok((layout, places))
}

fn unusual(error: TiffError) -> String {
    format!("its structure is unusual: {error}")
}

/// The tags of the first image, which is the one that GDAL opens.
struct Tags<R: Read + Seek>(Decoder<R>);

impl<R: Read + Seek> Tags<R> {
    fn layout(&mut self) -> Result<Layout, String> {
        self.each_tag_once()?;
        let codec = codec(self.number(Tag::Compression, 1)?)?;
        if self.number(Tag::FillOrder, 1)? != 1 {
            return Err("FillOrder 2".into());
        }
        if let Some(tag) = STRANGE.iter().find(|tag| self.has(Tag::Unknown(**tag))) {
            return Err(format!("it has the tag {tag}"));
        }
        self.photometric()?;
        let dtype = self.sample_type()?;
        let bands = self.number(Tag::SamplesPerPixel, 1)?;
        let (width, height) = (self.number(Tag::ImageWidth, 0)?, self.number(Tag::ImageLength, 0)?);
        let tiled = self.has(Tag::TileWidth);
        let block = if tiled {
            (self.number(Tag::TileWidth, 0)?, self.number(Tag::TileLength, 0)?)
        } else {
            (width, self.number(Tag::RowsPerStrip, height)?.min(height))
        };
        // A predictor belongs to a codec, and there is none (TIFF 6.0, section 14).
        let stated = if codec == Codec::None { 1 } else { self.number(Tag::Predictor, 1)? };
        let layout = Layout {
            width,
            height,
            block,
            tiled,
            bands,
            interleaved: bands > 1 && self.number(Tag::PlanarConfiguration, 1)? == 1,
            dtype,
            codec,
            predictor: predictor(stated, dtype)?,
            swapped: (self.0.byte_order() == ByteOrder::BigEndian) != cfg!(target_endian = "big"),
        };
        reasonable(&layout)?;
        Ok(layout)
    }

    /// Where a tag comes twice GDAL takes the first, the decoder the last; it leaves out those of unknown
    /// types.
    fn each_tag_once(&mut self) -> Result<(), String> {
        let at = self.0.ifd_pointer().ok_or("no image in it")?.0;
        let mut count = || {
            // 42, or 43 in a BigTIFF, whose directories count in 8 bytes.
            self.0.goto_offset_u64(2)?;
            let big = self.0.read_short()? == 43;
            self.0.goto_offset_u64(at)?;
            if big { self.0.read_long8() } else { self.0.read_short().map(u64::from) }
        };
        let count = count().map_err(|e| e.to_string())?;
        if count != self.0.image_ifd().directory().len() as u64 {
            return Err("a tag comes twice, or is of an unknown type".into());
        }
        Ok(())
    }

    fn photometric(&mut self) -> Result<(), String> {
        match self.number(Tag::PhotometricInterpretation, 1)? {
            // White or black is zero, RGB, palette: GDAL gives the numbers as they are.
            0..=3 => Ok(()),
            5 => Err("photometric CMYK".into()),
            6 => Err("photometric YCbCr".into()),
            8..=10 => Err("photometric Lab".into()),
            other => Err(format!("photometric interpretation {other}")),
        }
    }

    fn sample_type(&mut self) -> Result<DataType, String> {
        let bits = self.numbers(Tag::BitsPerSample)?.unwrap_or(vec![1]);
        let formats = self.numbers(Tag::SampleFormat)?.unwrap_or(vec![1]);
        let (Some(first), Some(format)) = (bits.first(), formats.first()) else {
            return Err("its sample type is not stated".into());
        };
        if bits.iter().any(|b| b != first) || formats.iter().any(|f| f != format) {
            return Err("samples of several types".into());
        }
        match (format, first) {
            (1, 8) => Ok(DataType::UInt8),
            (2, 8) => Ok(DataType::Int8),
            (1, 16) => Ok(DataType::UInt16),
            (2, 16) => Ok(DataType::Int16),
            (1, 32) => Ok(DataType::UInt32),
            (2, 32) => Ok(DataType::Int32),
            (3, 32) => Ok(DataType::Float32),
            (1 | 2, bits) => Err(format!("{bits} bits per sample")),
            (3, bits) => Err(format!("floats of {bits} bits")),
            (5 | 6, _) => Err("complex samples".into()),
            (other, _) => Err(format!("sample format {other}")),
        }
    }

    fn places(&mut self, layout: &Layout, file_length: u64) -> Result<BlockTable, String> {
        let (offsets, lengths) = if layout.tiled {
            (Tag::TileOffsets, Tag::TileByteCounts)
        } else {
            (Tag::StripOffsets, Tag::StripByteCounts)
        };
        let mut table = |tag: Tag| {
            let entry = self.0.image_ifd().find_entry(tag);
            match entry.map(|e| e.field_type()) {
                Some(Type::SHORT | Type::LONG | Type::LONG8) => {
                    self.numbers(tag)?.ok_or_else(|| "the places of its blocks are missing".to_owned())
                }
                _ => Err("the places of its blocks are of an unusual type".to_owned()),
            }
        };
        let (offsets, lengths) = (table(offsets)?, table(lengths)?);
        let (across, down) = layout.blocks();
        let expected = across * down * if layout.interleaved { 1 } else { layout.bands };
        if offsets.len() != expected || lengths.len() != expected {
            return Err(format!("it has the places of {} blocks, not {expected}", offsets.len()));
        }
        BlockTable::new(offsets, &lengths, file_length)
    }

    fn has(&mut self, tag: Tag) -> bool {
        self.0.image_ifd().directory().contains(tag)
    }

    fn number(&mut self, tag: Tag, default: usize) -> Result<usize, String> {
        self.0.find_tag_unsigned(tag).map(|n| n.unwrap_or(default)).map_err(unusual)
    }

    fn numbers(&mut self, tag: Tag) -> Result<Option<Vec<u64>>, String> {
        self.0.find_tag_unsigned_vec(tag).map_err(unusual)
    }
}

fn codec(number: usize) -> Result<Codec, String> {
    let name = match number {
        1 => return Ok(Codec::None),
        8 | 32946 => return Ok(Codec::Deflate),
        50000 => return Ok(Codec::Zstd),
        // Measured with weezl 0.2: 374 MB/s before the predictor, GDAL 3.6 with it 420.
        5 => return Err("GDAL decodes LZW faster".into()),
        2..=4 => "a fax code",
        6 => "old-style JPEG",
        7 => "JPEG",
        32773 => "PackBits",
        34887 => "LERC",
        34925 => "LZMA",
        50001 => "WebP",
        50002 => "JPEG XL",
        other => return Err(format!("compressed with method {other}")),
    };
    Err(format!("compressed with {name}"))
}

fn predictor(number: usize, dtype: DataType) -> Result<Predictor, String> {
    match number {
        1 => Ok(Predictor::None),
        2 => Ok(Predictor::Difference),
        3 if dtype == DataType::Float32 => Ok(Predictor::Float),
        other => Err(format!("predictor {other} of {dtype} samples")),
    }
}

fn reasonable(layout: &Layout) -> Result<(), String> {
    let (width, height) = layout.block;
    if [layout.width, layout.height, layout.bands, width, height].contains(&0) {
        return Err("an image without pixels".into());
    }
    let pixels = width.saturating_mul(height);
    let bytes = pixels.saturating_mul(layout.channels() * layout.dtype.bytes());
    if pixels > LARGEST_BLOCK || bytes > MOST_BYTES {
        return Err(format!("its blocks are large: {width}×{height} px"));
    }
    let (across, down) = layout.blocks();
    if across.saturating_mul(down).saturating_mul(layout.bands) > MOST_BLOCKS {
        return Err("it has more than a million blocks".into());
    }
    Ok(())
}

/// Compares with what GDAL says of the file.
fn agrees(layout: &Layout, places: &BlockTable, header: &FileHeader) -> Result<(), String> {
    let differs = |what: &str| Err(format!("its tags differ from GDAL's view of it: {what}"));
    let grid = &header.grid;
    if (grid.width, grid.height) != (layout.width, layout.height) {
        return differs("size");
    }
    if header.bands.len() != layout.bands {
        return differs("bands");
    }
    for band in &header.bands {
        if band.dtype != layout.dtype {
            return differs("sample type");
        }
        // GDAL splits what it takes for too large a strip, and reads a part of it quickly.
        if band.block != layout.block {
            return differs("blocks");
        }
        if band.pixel_interleaved != layout.interleaved {
            return differs("interleave");
        }
    }
    let dataset = access::open(&header.path, &header.access).map_err(|e| e.to_string())?;
    let item = |key: &str| dataset.metadata_item(key, "IMAGE_STRUCTURE");
    let codec = match layout.codec {
        Codec::None => None,
        Codec::Deflate => Some("DEFLATE"),
        Codec::Zstd => Some("ZSTD"),
    };
    if item("COMPRESSION").as_deref() != codec {
        return differs("compression");
    }
    let predictor = layout.predictor as usize + 1;
    // Older versions say nothing about it.
    if item("PREDICTOR").is_some_and(|said| said != predictor.to_string()) {
        return differs("predictor");
    }
    if !same_places(layout, places, &dataset)? {
        return differs("places of blocks");
    }
    Ok(())
}

/// Whether GDAL has the first and the last block where the tags have them.
fn same_places(layout: &Layout, places: &BlockTable, dataset: &Dataset) -> Result<bool, String> {
    let (across, down) = layout.blocks();
    let last_band = if layout.interleaved { 1 } else { layout.bands };
    for (number, col, row, index) in [(1, 0, 0, 0), (last_band, across - 1, down - 1, places.count() - 1)] {
        let band = checked(|| dataset.rasterband(number))?;
        // GDAL says nothing where a block was never written.
        let item = |what: &str| {
            let said = band.metadata_item(&format!("BLOCK_{what}_{col}_{row}"), "TIFF");
            said.and_then(|said| said.parse::<u64>().ok()).unwrap_or(0)
        };
        let (offset, length) = places.raw(index);
        if (item("OFFSET"), item("SIZE")) != (offset, length.into()) {
            return Ok(false);
        }
    }
    Ok(true)
}
