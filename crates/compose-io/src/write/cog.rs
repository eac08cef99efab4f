//! The file layout of a Cloud Optimised GeoTIFF, made of GeoTIFFs whose tiles are copied as they are, compressed.
//!
//! Header, ghost area, the directories of the raster and of its overviews, the largest first; then the tiles of the
//! overviews, the smallest first, and those of the raster. Each tile stands between its size and its last four bytes again.
//! GDAL's documentation of the COG driver (docs/drivers/raster/cog, "File format details") has all of this; directories are
//! those of TIFF 6.0 (section 2) and of BigTIFF (the libtiff manual, "The BigTIFF file format").

use super::refusal;
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Result as IoResult, Seek, SeekFrom, Write};
use std::path::Path;
use tiff::decoder::{Decoder, Limits};
use tiff::tags::{ByteOrder, Tag, Type, ValueBuffer};

/// What GDAL may count on. The space after NO leaves room for YES.
const LAYOUT: &str = "LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\n\
                      BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n ";
/// Bytes that are copied at a time where tiles are small.
const BUFFER: usize = 1 << 20;
/// NewSubfileType (TIFF 6.0, section 8): a reduced version of another image.
const REDUCED: u32 = 1;
/// Number of a nodata value's tag (GDAL_NODATA).
const NODATA: u16 = 42113;

/// Puts a raster and its overviews, the largest first, together at `to`. As BigTIFF where one of them is, or where offsets
/// want it and `may_grow`.
///
/// # Errors
/// A file cannot be read or written, or is none of ours.
pub(super) fn assemble(to: &Path, raster: &Path, overviews: &[&Path], may_grow: bool) -> Result<(), String> {
    let mut images = vec![Image::read(raster, false)?];
    for overview in overviews {
        images.push(Image::read(overview, true)?);
    }
    let mut layout = Layout::of(&images, images.iter().any(|image| image.big));
    if !layout.big && layout.end > u64::from(u32::MAX) {
        if !may_grow {
            return Err(format!("{} bytes are too many for a TIFF; leave out BIGTIFF=NO", layout.end));
        }
        layout = Layout::of(&images, true);
    }
    layout.write(to, &mut images).map_err(|cause| refusal::in_words(&cause))
}

/// A tag with its values, in the machine's byte order.
#[derive(Clone)]
struct Field {
    tag: u16,
    kind: u16,
    count: u64,
    bytes: Vec<u8>,
}

/// One image of a file, and where its tiles are.
struct Image {
    file: File,
    big: bool,
    /// All tags but those of the places of tiles.
    fields: Vec<Field>,
    /// Offset and size in bytes of each tile; 0 where it was left out.
    tiles: Vec<(u64, u64)>,
}

impl Image {
    fn read(path: &Path, is_overview: bool) -> Result<Self, String> {
        let said = |cause: tiff::TiffError| format!("{}: {cause}", path.display());
        let file = File::open(path).map_err(|cause| refusal::in_words(&cause))?;
        let decoder = Decoder::new(BufReader::new(&file)).map_err(said)?;
        let mut decoder = decoder.with_limits(Limits::unlimited());
        if decoder.byte_order() != ByteOrder::native() {
            return Err(format!("{}: not in the machine's byte order", path.display()));
        }
        let places = |decoder: &mut Decoder<_>, tag| decoder.get_tag_u64_vec(tag).map_err(said);
        let offsets = places(&mut decoder, Tag::TileOffsets)?;
        let sizes = places(&mut decoder, Tag::TileByteCounts)?;
        let mut fields = fields(&mut decoder).map_err(said)?;
        if is_overview {
            fields.retain(|field| of_pixels(field.tag));
            fields.push(Field::long(Tag::NewSubfileType, &[REDUCED]));
        }
        decoder.goto_offset_u64(2).map_err(|cause| refusal::in_words(&cause))?;
        let big = decoder.read_short().map_err(|cause| refusal::in_words(&cause))? == 43;
        Ok(Self { big, fields, tiles: offsets.into_iter().zip(sizes).collect(), file })
    }

    /// Bytes that the tiles take, each with its size and its last bytes.
    fn tile_bytes(&self) -> u64 {
        self.tiles.iter().filter(|tile| tile.1 > 0).map(|tile| tile.1 + 8).sum()
    }
}

/// Tags that say how pixels are stored, and nodata: those of an overview.
fn of_pixels(tag: u16) -> bool {
    let tags = [
        Tag::ImageWidth,
        Tag::ImageLength,
        Tag::BitsPerSample,
        Tag::Compression,
        Tag::PhotometricInterpretation,
        Tag::SamplesPerPixel,
        Tag::PlanarConfiguration,
        Tag::Predictor,
        Tag::TileWidth,
        Tag::TileLength,
        Tag::ExtraSamples,
        Tag::SampleFormat,
    ];
    tag == NODATA || tags.iter().any(|known| known.to_u16() == tag)
}

fn fields<R: Read + Seek>(decoder: &mut Decoder<R>) -> tiff::TiffResult<Vec<Field>> {
    let mut directory = decoder.image_ifd();
    let tags: Vec<Tag> = directory.directory().iter().map(|(tag, _)| tag).collect();
    let mut fields = Vec::new();
    for tag in tags.into_iter().filter(|tag| ![Tag::TileOffsets, Tag::TileByteCounts].contains(tag)) {
        let mut value = ValueBuffer::empty(Type::BYTE);
        directory.find_tag_buf(tag, &mut value)?;
        value.set_byte_order(ByteOrder::native());
        let (kind, count) = (value.data_type().to_u16(), value.count());
        fields.push(Field { tag: tag.to_u16(), kind, count, bytes: value.as_bytes().to_vec() });
    }
    Ok(fields)
}

impl Field {
    fn long(tag: Tag, values: &[u32]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_ne_bytes()).collect();
        Self { tag: tag.to_u16(), kind: Type::LONG.to_u16(), count: values.len() as u64, bytes }
    }

    /// Offsets; 8 bytes each in a BigTIFF.
    fn offsets(values: &[u64], big: bool) -> Self {
        let field =
            Self::long(Tag::TileOffsets, &values.iter().map(|offset| *offset as u32).collect::<Vec<_>>());
        let bytes = || values.iter().flat_map(|value| value.to_ne_bytes()).collect();
        if big { Self { kind: Type::LONG8.to_u16(), bytes: bytes(), ..field } } else { field }
    }
}

/// Where everything lies in the file.
struct Layout {
    big: bool,
    /// Header, ghost area and directories.
    head: Vec<u8>,
    end: u64,
}

impl Layout {
    fn of(images: &[Image], big: bool) -> Self {
        let ghost = format!("GDAL_STRUCTURAL_METADATA_SIZE={:06} bytes\n{LAYOUT}", LAYOUT.len());
        let header_bytes = if big { 16 } else { 8 };
        let first = (header_bytes + ghost.len() as u64).next_multiple_of(2);
        // A directory has the same size wherever the tiles lie.
        let sizes: Vec<u64> = images
            .iter()
            .map(|image| directory(image, &vec![0; image.tiles.len()], (0, 0), big).len() as u64)
            .collect();
        let tiles_at = first + sizes.iter().sum::<u64>();
        let mut head = header(first, big);
        head.extend(ghost.as_bytes());
        head.resize(first as usize, 0);
        let mut at = first;
        for (nth, image) in images.iter().enumerate() {
            let before: u64 = images[nth + 1..].iter().map(Image::tile_bytes).sum();
            let next = if nth + 1 == images.len() { 0 } else { at + sizes[nth] };
            head.extend(directory(image, &offsets(&image.tiles, tiles_at + before), (at, next), big));
            at += sizes[nth];
        }
        Self { big, head, end: tiles_at + images.iter().map(Image::tile_bytes).sum::<u64>() }
    }

    fn write(&self, to: &Path, images: &mut [Image]) -> IoResult<()> {
        let mut file = BufWriter::with_capacity(BUFFER, File::create(to)?);
        file.write_all(&self.head)?;
        let mut bytes = Vec::new();
        for image in images.iter_mut().rev() {
            for (offset, size) in image.tiles.iter().filter(|tile| tile.1 > 0) {
                let length = *size as usize;
                bytes.resize(length + 8, 0);
                bytes[..4].copy_from_slice(&(*size as u32).to_le_bytes());
                image.file.seek(SeekFrom::Start(*offset))?;
                image.file.read_exact(&mut bytes[4..length + 4])?;
                bytes.copy_within(length..length + 4, length + 4);
                file.write_all(&bytes)?;
            }
        }
        file.into_inner()?.flush()
    }
}

/// Where tiles lie that follow each other from `at` on: behind their sizes.
fn offsets(tiles: &[(u64, u64)], mut at: u64) -> Vec<u64> {
    let place = |tile: &(u64, u64)| match tile.1 {
        0 => 0,
        size => {
            at += size + 8;
            at - size - 4
        }
    };
    tiles.iter().map(place).collect()
}

fn header(first: u64, big: bool) -> Vec<u8> {
    let mut bytes = if cfg!(target_endian = "big") { b"MM".to_vec() } else { b"II".to_vec() };
    if big {
        // The version, the size of offsets, and 0.
        [43_u16, 8, 0].iter().for_each(|number| bytes.extend(number.to_ne_bytes()));
        bytes.extend(first.to_ne_bytes());
    } else {
        bytes.extend(42_u16.to_ne_bytes());
        bytes.extend((first as u32).to_ne_bytes());
    }
    bytes
}

/// A directory at an offset, with the values that do not fit into it behind it, and the offset of the next.
fn directory(image: &Image, offsets: &[u64], (at, next): (u64, u64), big: bool) -> Vec<u8> {
    let sizes: Vec<u32> = image.tiles.iter().map(|tile| tile.1 as u32).collect();
    let mut fields = image.fields.clone();
    fields.extend([Field::offsets(offsets, big), Field::long(Tag::TileByteCounts, &sizes)]);
    fields.sort_by_key(|field| field.tag);
    let (word, count) = if big { (8, 8) } else { (4, 2) };
    let number =
        |value: u64| if big { value.to_ne_bytes().to_vec() } else { (value as u32).to_ne_bytes().to_vec() };
    let length = count + fields.len() * (4 + 2 * word) + word;
    let (mut entries, mut values) = (Vec::new(), Vec::new());
    if big {
        entries.extend((fields.len() as u64).to_ne_bytes());
    } else {
        entries.extend((fields.len() as u16).to_ne_bytes());
    }
    for field in &fields {
        entries.extend(field.tag.to_ne_bytes());
        entries.extend(field.kind.to_ne_bytes());
        entries.extend(number(field.count));
        if field.bytes.len() <= word {
            entries.extend(&field.bytes);
            entries.resize(entries.len() + word - field.bytes.len(), 0);
        } else {
            entries.extend(number(at + (length + values.len()) as u64));
            values.extend(&field.bytes);
            // Values begin at even offsets (TIFF 6.0, section 2).
            values.resize(values.len().next_multiple_of(2), 0);
        }
    }
    entries.extend(number(next));
    entries.extend(values);
    entries
}
