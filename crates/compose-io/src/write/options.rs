//! Creation options: ours, the user's, and which of them GDAL knows.
//!
//! GDAL itself only warns of an option it does not know, or of a value it does not understand, and then
//! writes something else. Its drivers publish what they take as XML, so both are refused before a pixel is read.

use super::error::WriteError;
use super::spec::{Compression, Format, RasterSpec};
use gdal::errors::GdalError;
use gdal::raster::RasterCreationOptions;
use gdal::{DriverManager, Metadata};

/// Options that would make the file something else than the plan says.
const REFUSED: [(&str, &str); 13] = [
    ("TFW", "it writes a second file"),
    ("RPB", "it writes a second file"),
    ("RPCTXT", "it writes a second file"),
    ("PROFILE", "it would leave tags out of the file"),
    ("NBITS", "it changes the samples; set dtype instead"),
    ("DISCARD_LSB", "it changes the samples"),
    ("PIXELTYPE", "it changes the samples; set dtype instead"),
    ("TILING_SCHEME", "it moves the pixels to another grid; set [grid] instead"),
    ("TARGET_SRS", "it moves the pixels to another grid; set [grid] instead"),
    ("RES", "it moves the pixels to another grid; set [grid] instead"),
    ("EXTENT", "it moves the pixels to another grid; set [grid] instead"),
    ("ADD_ALPHA", "it adds a band"),
    ("STREAMABLE_OUTPUT", "tiles could then not be checked"),
];

/// GDAL's option: blocks that were never written, or hold nothing but nodata, are not in the file.
const SPARSE: &str = "SPARSE_OK";

/// Side of the largest tile. One of float64 takes 128 MB, and a row of tiles is kept while it fills.
const LARGEST_TILE: i64 = 4096;

/// The options for the driver of `spec`: ours, with the user's in place of or after them.
pub fn merged(spec: &RasterSpec) -> Vec<(String, String)> {
    let ours = match spec.format {
        Format::GTiff => gtiff(spec),
        Format::Cog => cog(spec),
    };
    let mut all: Vec<_> = ours.into_iter().filter(|(name, _)| said(spec, name).is_none()).collect();
    all.extend(spec.creation_options.iter().cloned());
    all
}

/// About what a compressor keeps for itself while it compresses a tile: for zstd what `ZSTD_estimateCCtxSize` says of
/// the level, rounded up; a COG that GDAL's driver makes is first written by zstd at level 1.
pub(super) fn codec_bytes(spec: &RasterSpec) -> u64 {
    const MB: u64 = 1 << 20;
    match (used(spec), spec.level.unwrap_or(9)) {
        (Some(Compression::Zstd), ..4) => 2 * MB,
        (Some(Compression::Zstd), ..10) => 10 * MB,
        (Some(Compression::Zstd), ..16) => 32 * MB,
        (Some(Compression::Zstd), _) => 100 * MB,
        _ if spec.format == Format::Cog => 2 * MB,
        _ => MB,
    }
}

/// Width and height of the blocks that a GeoTIFF of `spec` gets.
pub(super) fn block_size(spec: &RasterSpec) -> (usize, usize) {
    let options = merged(spec);
    let side = |name: &str| {
        let value = options.iter().rfind(|(known, _)| known.eq_ignore_ascii_case(name));
        value.and_then(|(_, value)| value.parse().ok())
    };
    let width = if tiled(spec) { side("BLOCKXSIZE") } else { None };
    (width.unwrap_or(spec.grid.width), side("BLOCKYSIZE").unwrap_or(spec.block))
}

/// With tiles that hold nothing left out, unless the user says otherwise.
pub(super) fn sparse(mut spec: RasterSpec) -> RasterSpec {
    if said(&spec, SPARSE).is_none() && driver_accepts(spec.format, SPARSE, "TRUE") {
        spec.creation_options.push((SPARSE.to_owned(), "TRUE".to_owned()));
    }
    spec
}

/// Whether tiles that hold nothing are left out.
pub(super) fn is_sparse(spec: &RasterSpec) -> bool {
    said(spec, SPARSE)
        .is_some_and(|said| ["YES", "TRUE", "ON", "1"].iter().any(|yes| said.eq_ignore_ascii_case(yes)))
}

/// Whether an option has this value.
pub(super) fn is(spec: &RasterSpec, option: &str, value: &str) -> bool {
    let known = |(name, _): &&(String, String)| name.eq_ignore_ascii_case(option);
    merged(spec).iter().rfind(known).is_some_and(|(_, said)| said.eq_ignore_ascii_case(value))
}

pub(super) fn for_gdal(spec: &RasterSpec) -> Result<RasterCreationOptions, GdalError> {
    let mut list = RasterCreationOptions::new();
    for (name, value) in merged(spec) {
        list.set_name_value(&name, &value)?;
    }
    Ok(list)
}

fn gtiff(spec: &RasterSpec) -> Vec<(String, String)> {
    // A raster smaller than a tile gets a smaller tile; TIFF wants multiples of 16.
    let side = |length: usize| spec.block.min(length.next_multiple_of(16)).to_string();
    let mut options = pairs(&[
        ("BIGTIFF", "IF_SAFER"),
        // One band is read more often than all of them, and a band alone compresses better.
        ("INTERLEAVE", "BAND"),
        // GDAL would take three or four uint8 bands for red, green, blue and alpha: the fourth, e.g. near
        // infrared, would then be read as transparency.
        ("PHOTOMETRIC", "MINISBLACK"),
    ]);
    if tiled(spec) {
        options.extend(pairs(&[("TILED", "YES"), ("BLOCKXSIZE", &side(spec.grid.width))]));
    }
    options.extend(pairs(&[("BLOCKYSIZE", &side(spec.grid.height))]));
    options.extend(compression(spec, &["PREDICTOR"]));
    options
}

/// A width of blocks is no option of a file in strips.
fn tiled(spec: &RasterSpec) -> bool {
    let is_no = |value: &str| ["NO", "FALSE", "OFF", "0"].iter().any(|no| value.eq_ignore_ascii_case(no));
    !said(spec, "TILED").is_some_and(is_no)
}

/// The user's value of an option. As for GDAL, the last one counts.
pub(super) fn said<'a>(spec: &'a RasterSpec, option: &str) -> Option<&'a str> {
    let same = |(name, _): &&(String, String)| name.eq_ignore_ascii_case(option);
    spec.creation_options.iter().rfind(same).map(|(_, value)| value.as_str())
}

fn cog(spec: &RasterSpec) -> Vec<(String, String)> {
    let resampling = if spec.categorical { "NEAREST" } else { "AVERAGE" };
    let mut options = pairs(&[
        ("BIGTIFF", "IF_SAFER"),
        ("BLOCKSIZE", &spec.block.to_string()),
        ("OVERVIEW_RESAMPLING", resampling),
    ]);
    options.extend(compression(spec, &["PREDICTOR", "OVERVIEW_PREDICTOR"]));
    options
}

/// Options of the COG driver that a COG made of compressed tiles keeps to; one with others is left to the driver.
const STAGED: [&str; 9] = [
    "BIGTIFF",
    "BLOCKSIZE",
    "COMPRESS",
    "LEVEL",
    "NUM_THREADS",
    "OVERVIEW_PREDICTOR",
    "OVERVIEW_RESAMPLING",
    "PREDICTOR",
    SPARSE,
];

/// How the overviews of a COG are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overviews {
    Nearest,
    Average,
}

/// The overviews of a COG whose tiles are compressed as they come; `None`: GDAL's COG driver makes the file.
pub(super) fn staged(spec: &RasterSpec) -> Option<Overviews> {
    let known = |name: &str| STAGED.iter().any(|staged| staged.eq_ignore_ascii_case(name));
    let is_ours = spec.creation_options.iter().all(|(name, _)| known(name)) && used(spec).is_some();
    if spec.format != Format::Cog || !is_ours {
        return None;
    }
    let all = [("NEAREST", Overviews::Nearest), ("AVERAGE", Overviews::Average)];
    all.into_iter().find(|(name, _)| is(spec, "OVERVIEW_RESAMPLING", name)).map(|(_, overviews)| overviews)
}

/// The GeoTIFF that takes the tiles of such a COG, or those of an overview of it: stored as they will be in the COG.
pub(super) fn stage(spec: &RasterSpec, is_overview: bool) -> RasterSpec {
    let options = merged(spec);
    let value = |name: &str| {
        let found = options.iter().rfind(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.to_uppercase())
    };
    let mut ours = pairs(&[("TILED", "YES"), ("INTERLEAVE", "PIXEL")]);
    let mut take =
        |name: &str, value: Option<String>| ours.extend(value.map(|value| (name.to_owned(), value)));
    take("BLOCKXSIZE", value("BLOCKSIZE"));
    take("BLOCKYSIZE", value("BLOCKSIZE"));
    ["BIGTIFF", "COMPRESS", "NUM_THREADS", SPARSE].iter().for_each(|name| take(name, value(name)));
    if let Some((level, ..)) = used(spec).and_then(Compression::level_option) {
        take(level, value("LEVEL"));
    }
    let predictor = value(if is_overview { "OVERVIEW_PREDICTOR" } else { "PREDICTOR" });
    let of_type = if spec.dtype.is_integer() { "2" } else { "3" };
    take(
        "PREDICTOR",
        predictor.filter(|_| used(spec) != Some(Compression::None)).map(|said| {
            let number = match said.as_str() {
                "STANDARD" | "2" => "2",
                "FLOATING_POINT" | "3" => "3",
                "YES" | "ON" | "TRUE" => of_type,
                _ => "1",
            };
            number.to_owned()
        }),
    );
    RasterSpec { format: Format::GTiff, level: None, creation_options: ours, ..spec.clone() }
}

/// Whether a file may become a BigTIFF where it turns out larger than expected.
pub(super) fn may_grow(spec: &RasterSpec) -> bool {
    !["NO", "FALSE", "OFF", "0"].iter().any(|no| is(spec, "BIGTIFF", no))
}

fn compression(spec: &RasterSpec, predictors: &[&str]) -> Vec<(String, String)> {
    let threads = spec.threads.max(1).to_string();
    let mut options = pairs(&[("COMPRESS", spec.compression.name()), ("NUM_THREADS", &threads)]);
    // Predictor and level belong to the method that is used in the end, and not every one has them.
    let Some(method) = used(spec) else { return options };
    if let Some(predictor) = predictor(spec, method) {
        options.extend(predictors.iter().map(|name| ((*name).to_owned(), predictor.to_owned())));
    }
    let level = spec.level.filter(|_| method == spec.compression).or_else(|| level(spec, method));
    if let (Some(level), Some((name, ..))) = (level, method.level_option()) {
        let name = if spec.format == Format::Cog { "LEVEL" } else { name };
        options.push((name.to_owned(), level.to_string()));
    }
    options
}

/// The level where none is asked for, if not GDAL's own.
///
/// Differences of neighbouring measurements are mostly noise, in which a search for repetitions finds chance ones: level 1
/// of deflate makes files 2 to 3 % smaller than level 6 does, in less time (docs/performance.md).
fn level(spec: &RasterSpec, method: Compression) -> Option<u32> {
    (method == Compression::Deflate && predictor(spec, method).is_some()).then_some(1)
}

/// The method in use, if it is one of ours: the user's option wins.
fn used(spec: &RasterSpec) -> Option<Compression> {
    said(spec, "COMPRESS").map_or(Some(spec.compression), Compression::from_name)
}

/// TIFF 6.0 section 14 (2, differences of neighbours) and TIFF Technical Note 3 (3, floating point).
fn predictor(spec: &RasterSpec, method: Compression) -> Option<&'static str> {
    let wanted = !spec.categorical && method != Compression::None;
    wanted.then_some(match (spec.format, spec.dtype.is_integer()) {
        // The COG driver chooses between the same two by sample type.
        (Format::Cog, _) => "YES",
        (Format::GTiff, true) => "2",
        (Format::GTiff, false) => "3",
    })
}

fn pairs(items: &[(&str, &str)]) -> Vec<(String, String)> {
    items.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Refuses what the driver does not take.
pub(super) fn check(spec: &RasterSpec) -> Result<(), WriteError> {
    let driver = spec.format.driver();
    let known = known(spec.format).ok_or_else(|| WriteError::NoDriver { path: spec.path.clone(), driver })?;
    check_codec(spec, &known)?;
    check_level(spec)?;
    spec.creation_options.iter().try_for_each(|(name, value)| check_user(spec, &known, name, value))
}

fn check_codec(spec: &RasterSpec, known: &[Known]) -> Result<(), WriteError> {
    let methods = known.iter().find(|k| k.name == "COMPRESS").map_or(&[][..], |k| &k.values);
    let codec = spec.compression.name();
    if methods.iter().any(|m| m == codec) {
        return Ok(());
    }
    let others = methods.iter().filter(|m| Compression::from_name(m).is_some());
    let others: Vec<String> = others.map(|m| format!("\"{}\"", m.to_lowercase())).collect();
    Err(WriteError::NoCodec { path: spec.path.clone(), codec, others: others.join(", ") })
}

fn check_level(spec: &RasterSpec) -> Result<(), WriteError> {
    let (Some(level), codec) = (spec.level, spec.compression) else { return Ok(()) };
    let expected = match codec.level_option() {
        Some((_, range, _)) if range.contains(&level) => return Ok(()),
        Some((.., expected)) => expected,
        None => "none: it has no levels",
    };
    Err(WriteError::Level { path: spec.path.clone(), level, codec: codec.name(), expected })
}

fn check_user(spec: &RasterSpec, known: &[Known], name: &str, value: &str) -> Result<(), WriteError> {
    let (path, option) = (spec.path.clone(), name.to_owned());
    if let Some((_, reason)) = REFUSED.iter().find(|(refused, _)| refused.eq_ignore_ascii_case(name)) {
        return Err(WriteError::RefusedOption { path, option, reason });
    }
    let Some(found) = known.iter().find(|k| k.name.eq_ignore_ascii_case(name)) else {
        let known: Vec<&str> = known.iter().map(|k| k.name.as_str()).collect();
        let driver = spec.format.driver();
        return Err(WriteError::UnknownOption { path, driver, option, known: known.join(", ") });
    };
    match found.refuses(value).or_else(|| refuses_side(spec, name, value)) {
        Some(expected) => Err(WriteError::OptionValue { path, option, value: value.to_owned(), expected }),
        None => Ok(()),
    }
}

/// The expected numbers, if `value` is a side of blocks that is not possible.
///
/// GDAL finds out when it creates the file, takes the number modulo 2^32, and its COG driver divides by it.
fn refuses_side(spec: &RasterSpec, name: &str, value: &str) -> Option<String> {
    let is_side =
        ["BLOCKXSIZE", "BLOCKYSIZE", "BLOCKSIZE"].iter().any(|side| side.eq_ignore_ascii_case(name));
    let pixels: i64 = value.parse().ok().filter(|_| is_side)?;
    // TIFF 6.0 section 15: "TileWidth must be a multiple of 16", and so must TileLength; strips are any height.
    let (step, most) = if tiled(spec) { (16, LARGEST_TILE) } else { (1, i64::from(i32::MAX)) };
    let fits = pixels % step == 0 && (step..=most).contains(&pixels);
    let number = if step == 1 { "a number".to_owned() } else { format!("a multiple of {step}") };
    (!fits).then(|| format!("{number} from {step} to {most}"))
}

/// Whether the driver of `format` takes `value` for `option`.
pub(super) fn driver_accepts(format: Format, option: &str, value: &str) -> bool {
    let known = known(format).unwrap_or_default();
    known.iter().any(|k| k.name == option && k.refuses(value).is_none())
}

/// One option of a driver, as it publishes it.
struct Known {
    name: String,
    kind: String,
    values: Vec<String>,
}

impl Known {
    /// The expected values, if `value` is not one of them.
    fn refuses(&self, value: &str) -> Option<String> {
        let is_one_of = |values: &[&str]| values.iter().any(|v| v.eq_ignore_ascii_case(value));
        match self.kind.as_str() {
            "int" if value.parse::<i64>().is_err() => Some("a whole number".to_owned()),
            "float" if value.parse::<f64>().is_err() => Some("a number".to_owned()),
            "boolean" if !is_one_of(&["YES", "NO", "TRUE", "FALSE", "ON", "OFF", "1", "0"]) => {
                Some("YES or NO".to_owned())
            }
            "string-select" if !self.values.iter().any(|v| v.eq_ignore_ascii_case(value)) => {
                Some(self.values.join(", "))
            }
            _ => None,
        }
    }
}

/// The options of a driver, or `None` without such a driver.
fn known(format: Format) -> Option<Vec<Known>> {
    let driver = DriverManager::get_driver_by_name(format.driver()).ok()?;
    let list = driver.metadata_item("DMD_CREATIONOPTIONLIST", "")?;
    Some(list.split("<Option ").skip(1).map(parse).collect())
}

/// `name="…" type="…"> <Value>A</Value> <Value alias="2">B</Value>`: flat, machine-made XML without escapes
/// in the parts read here.
fn parse(element: &str) -> Known {
    let (head, body) = element.split_once('>').unwrap_or((element, ""));
    let mut values = Vec::new();
    for value in body.split("<Value").skip(1) {
        let (attributes, text) = value.split_once('>').unwrap_or(("", ""));
        values.extend(attribute(attributes, "alias"));
        values.push(text.split('<').next().unwrap_or_default().to_owned());
    }
    Known {
        name: attribute(head, "name").unwrap_or_default(),
        kind: attribute(head, "type").unwrap_or_default(),
        values,
    }
}

fn attribute(text: &str, name: &str) -> Option<String> {
    // "name" also ends "filename": an attribute starts at a space or at the beginning.
    let text = format!(" {text}");
    let after = text.split_once(&format!(" {name}="))?.1;
    let quote = after.chars().next()?;
    after[1..].split_once(quote).map(|(value, _)| value.to_owned())
}
