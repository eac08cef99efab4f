//! Tags of a TIFF file that GDAL passes over in silence where their numbers or counts are damaged.
//!
//! Numbers and types: TIFF 6.0; GeoTIFF 1.1 (OGC 19-008r4), 7.1; GDAL's own two as in its GeoTIFF driver's page.

use compose_core::Grid;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// A tag that says what pixels mean or where they lie.
struct Meant {
    number: u16,
    kind: u16,
    name: &'static str,
}

const ASCII: u16 = 2;
const SHORT: u16 = 3;
const DOUBLE: u16 = 12;
const NODATA: u16 = 42113;
const METADATA: u16 = 42112;
const SCALE: u16 = 33550;
const TIES: u16 = 33922;
const MATRIX: u16 = 34264;
const KEYS: u16 = 34735;
const KEYS_DOUBLES: u16 = 34736;
const KEYS_TEXT: u16 = 34737;

const MEANT: [Meant; 8] = [
    Meant { number: SCALE, kind: DOUBLE, name: "GeoPixelScale" },
    Meant { number: TIES, kind: DOUBLE, name: "GeoTiePoints" },
    Meant { number: MATRIX, kind: DOUBLE, name: "GeoTransformationMatrix" },
    Meant { number: KEYS, kind: SHORT, name: "GeoKeyDirectory" },
    Meant { number: KEYS_DOUBLES, kind: DOUBLE, name: "GeoDoubleParams" },
    Meant { number: KEYS_TEXT, kind: ASCII, name: "GeoASCIIParams" },
    Meant { number: METADATA, kind: ASCII, name: "GDALMetadata" },
    Meant { number: NODATA, kind: ASCII, name: "GDALNoDataValue" },
];

/// Tags of others that are one bit away from these: Intergraph's, TIFF registry.
const OF_OTHERS: [u16; 3] = [33918, 33919, 33920];

/// More tags than any directory has.
const MOST_TAGS: u64 = 4096;
/// A nodata value is no longer, in bytes.
const LONGEST_NODATA: u64 = 256;
/// Metadata that are looked at, in bytes.
const LONGEST_METADATA: u64 = 4 << 20;

/// An entry of the first directory.
struct Tag {
    number: u16,
    kind: u16,
    count: u64,
    /// The last field as it stands: the value, or where it is.
    place: Vec<u8>,
}

/// What is wrong with the tags of a GeoTIFF, as an error; or as remarks. Files that are no TIFF, and those whose
/// directory cannot be read here, have nothing wrong.
///
/// # Errors
/// A tag that is lost.
pub(super) fn check(path: &Path, grid: &Grid, georeferenced: bool) -> Result<Vec<String>, String> {
    let Some(mut tiff) = Tiff::open(path) else { return Ok(Vec::new()) };
    let tags = tiff.tags().unwrap_or_default();
    renumbered(&tags)?;
    let has = |number| tags.iter().any(|tag| tag.number == number);
    if has(SCALE) && !georeferenced {
        return Err("it has GeoPixelScale, and GDAL finds no place in it".into());
    }
    if grid.crs.is_none() && (has(KEYS_DOUBLES) || has(KEYS_TEXT)) {
        return Err(
            "it has tags of a coordinate system, but GDAL cannot read a coordinate system from them".into()
        );
    }
    if let Some(tag) = tags.iter().find(|tag| tag.number == NODATA) {
        let text = tiff.text(tag, LONGEST_NODATA).unwrap_or_default();
        if !is_number(&text) {
            return Err(format!("its nodata value is \"{}\", which is no number", text.escape_debug()));
        }
    }
    let metadata =
        tags.iter().find(|tag| tag.number == METADATA).and_then(|t| tiff.text(t, LONGEST_METADATA));
    let wrong = metadata.and_then(|text| roxmltree::Document::parse(text.trim()).err());
    let lost = wrong.map(|e| {
        format!("its tag GDALMetadata is no XML ({e}): scale, offset or names of bands may be lost")
    });
    Ok(lost.into_iter().chain(local_system(grid).filter(|_| has(KEYS))).collect())
}

/// A remark if the coordinate system is a local one: damaged GeoKeys often turn a projected system into such a one.
fn local_system(grid: &Grid) -> Option<String> {
    let crs = grid.crs.as_ref()?;
    let is_local = ["LOCAL_CS", "ENGCRS", "ENGINEERINGCRS"].iter().any(|word| crs.wkt.starts_with(word));
    is_local.then(|| {
        format!(
            "its coordinate system \"{}\" is a local one, and nothing says where on Earth that lies",
            crs.label
        )
    })
}

/// Refuses an unknown tag whose number differs in one bit from an expected tag that is missing: its number is probably
/// damaged.
fn renumbered(tags: &[Tag]) -> Result<(), String> {
    let has = |number| tags.iter().any(|tag| tag.number == number);
    for meant in MEANT.iter().filter(|meant| !has(meant.number)) {
        let is = |tag: &&Tag| {
            let known =
                MEANT.iter().any(|other| other.number == tag.number) || OF_OTHERS.contains(&tag.number);
            tag.kind == meant.kind && !known && (tag.number ^ meant.number).count_ones() == 1
        };
        if let Some(tag) = tags.iter().find(is) {
            let (name, number) = (meant.name, meant.number);
            return Err(format!("tag {} is unknown, and one bit away from {name} ({number})", tag.number));
        }
    }
    Ok(())
}

/// As GDAL writes nodata values, and everything that it reads to the end.
fn is_number(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    let text = text.trim_start_matches(['-', '+']);
    ["nan", "inf", "infinity", "1.#inf", "1.#qnan", "1.#ind"].contains(&text)
        || text.starts_with("nan(")
        || text.parse::<f64>().is_ok()
}

struct Tiff {
    file: File,
    big: bool,
    little: bool,
}

impl Tiff {
    fn open(path: &Path) -> Option<Self> {
        let mut start = [0; 4];
        let mut file = File::open(path).ok()?;
        file.read_exact(&mut start).ok()?;
        let (little, big) = match &start {
            b"II*\0" => (true, false),
            b"MM\0*" => (false, false),
            b"II+\0" => (true, true),
            b"MM\0+" => (false, true),
            _ => return None,
        };
        Some(Self { file, big, little })
    }

    fn bytes(&mut self, at: u64, count: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.file.seek(SeekFrom::Start(at)).ok()?;
        self.file.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }

    /// A number of as many bytes as there are.
    fn number(&self, bytes: &[u8]) -> u64 {
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        if self.little { bytes.iter().rev().fold(0, add) } else { bytes.iter().fold(0, add) }
    }

    fn tags(&mut self) -> Option<Vec<Tag>> {
        let (at, word, counted) = if self.big { (8, 8, 8) } else { (4, 4, 2) };
        let start = self.bytes(at, word)?;
        let start = self.number(&start);
        let count = self.bytes(start, counted)?;
        let count = self.number(&count).min(MOST_TAGS) as usize;
        let size = 4 + 2 * word;
        let entries = self.bytes(start + counted as u64, count * size)?;
        let tag = |entry: &[u8]| Tag {
            number: self.number(&entry[..2]) as u16,
            kind: self.number(&entry[2..4]) as u16,
            count: self.number(&entry[4..4 + word]),
            place: entry[4 + word..].to_vec(),
        };
        Some(entries.chunks_exact(size).map(tag).collect())
    }

    /// The text of a tag up to its first zero byte, where it is text and not longer than `longest`.
    fn text(&mut self, tag: &Tag, longest: u64) -> Option<String> {
        if tag.kind != ASCII || tag.count > longest {
            return None;
        }
        let count = tag.count as usize;
        let bytes = if count <= tag.place.len() {
            tag.place[..count].to_vec()
        } else {
            let at = self.number(&tag.place);
            self.bytes(at, count)?
        };
        let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        Some(String::from_utf8_lossy(text).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_one_bit_away_is_damaged_unless_it_is_known_to_be_another_tag() {
        let tags = |numbers: &[(u16, u16)]| -> Vec<Tag> {
            let tag = |(number, kind): &(u16, u16)| Tag {
                number: *number,
                kind: *kind,
                count: 6,
                place: Vec::new(),
            };
            numbers.iter().map(tag).collect()
        };
        let said = renumbered(&tags(&[(SCALE, DOUBLE), (TIES ^ 1, DOUBLE)])).unwrap_err();
        assert_eq!(said, "tag 33923 is unknown, and one bit away from GeoTiePoints (33922)");
        // Intergraph's matrix is one bit away from the tie points, too, and is a tag of its own.
        assert_eq!((TIES ^ 33920).count_ones(), 1);
        assert!(
            OF_OTHERS.iter().all(|other| renumbered(&tags(&[(*other, DOUBLE), (MATRIX, DOUBLE)])).is_ok())
        );
        // Where the tag itself is there, another number means something else.
        assert!(renumbered(&tags(&[(TIES, DOUBLE), (TIES ^ 1, DOUBLE)])).is_ok());
        // The type must fit as well.
        assert!(renumbered(&tags(&[(TIES ^ 1, ASCII)])).is_ok());
    }
}
