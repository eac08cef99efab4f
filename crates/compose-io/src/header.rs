//! The header of a raster file, read before any pixel; headers that cannot be used are refused by name.

mod geotiff;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_damage;
mod trust;
mod words;

use crate::IoError;
use crate::access::{self, Access};
use crate::crs::{CrsError, CrsRegistry};
use crate::messages::{checked, heard};
use compose_core::{DataType, Grid, Transform};
use gdal::raster::RasterBand;
use gdal::{Dataset, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use words::Words;

/// The Earth at 60 cm is 67 million pixels around: a header that claims more is broken, and would keep a run
/// busy for days.
const LARGEST_SIDE: usize = 1 << 26;

/// Size and time of change: tells whether a file is still the one that was planned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    length: u64,
    modified: Option<SystemTime>,
}

impl Fingerprint {
    /// The fingerprint that `path` has now.
    ///
    /// # Errors
    /// [`IoError::Missing`] or [`IoError::System`].
    pub fn of(path: &Path) -> Result<Self, IoError> {
        let meta = std::fs::metadata(path).map_err(|cause| match cause.kind() {
            std::io::ErrorKind::NotFound => IoError::Missing { path: path.to_owned() },
            _ => IoError::System { path: path.to_owned(), cause },
        })?;
        Ok(Self { length: meta.len(), modified: meta.modified().ok() })
    }

    /// Its size in bytes.
    pub fn bytes(&self) -> u64 {
        self.length
    }

    /// When it was changed, in nanoseconds since 1970; `None` where the file system does not tell, or the number has more
    /// than 64 bits.
    pub fn modified_ns(&self) -> Option<i64> {
        let modified = self.modified?;
        match modified.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_nanos()).ok(),
            Err(before) => i64::try_from(before.duration().as_nanos()).ok().map(|ns| -ns),
        }
    }
}

/// The source of a band's own validity, besides nodata values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskSource {
    /// Nothing but nodata values.
    None,
    /// An alpha band or a mask (`.msk`, internal): 0 means invalid.
    Mask,
    /// The alpha band of this number.
    Alpha(usize),
}

/// One band, from the header.
#[derive(Clone, Debug)]
pub struct BandHeader {
    /// Number, from 1.
    pub number: usize,
    /// The band's description, where it has one.
    pub description: Option<String>,
    /// Sample type.
    pub dtype: DataType,
    /// The nodata tag.
    pub nodata: Option<f64>,
    /// Scale and offset as stated by the file; `None` where it states none (or 1 and 0, which GDAL reports
    /// for files that say nothing).
    pub scale_offset: Option<(f64, f64)>,
    /// Mask or alpha.
    pub mask: MaskSource,
    /// Whether this band is itself an alpha band.
    pub is_alpha: bool,
    /// Natural block, width × height.
    pub block: (usize, usize),
    /// Whether a block on disk holds all bands of the file.
    pub pixel_interleaved: bool,
}

/// A metadata item: domain ("" is the default one), key, value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Tag {
    pub domain: String,
    pub key: String,
    pub value: String,
}

/// The header of a file.
#[derive(Clone, Debug)]
pub struct FileHeader {
    /// The file.
    pub path: PathBuf,
    /// GDAL's short driver name.
    pub driver: String,
    /// Size, transform, coordinate system.
    pub grid: Grid,
    /// Whether the file has a geotransform; without one the grid counts pixels.
    pub georeferenced: bool,
    /// The files that it may open besides local ones.
    pub access: Access,
    /// Files that the raster is made of besides itself: masks, overviews and metadata beside it, the sources
    /// of a VRT.
    pub companions: Vec<PathBuf>,
    /// Its bands, alpha included.
    pub bands: Vec<BandHeader>,
    /// Metadata items of the default and the `IMAGERY` domain.
    pub tags: Vec<Tag>,
    /// GDAL's warnings while it read the header, each once.
    pub remarks: Vec<String>,
    /// Size and time of change when the header was read.
    pub fingerprint: Fingerprint,
}

/// Files that are read with `path`; none where it may not be opened.
pub fn companions_of(path: &Path, access: &Access) -> Vec<PathBuf> {
    access::check_references(path, access).unwrap_or_default()
}

impl FileHeader {
    /// Reads the header of `path`.
    ///
    /// # Errors
    /// A file that is missing, not a raster, without bands, of a sample type that is not known, rotated, or with ground
    /// control points only; one that may not be opened, or names such; one of whose header GDAL reports an error, or warns
    /// that a part of it is lost.
    pub fn read(path: &Path, systems: &CrsRegistry, access: &Access) -> Result<Self, IoError> {
        let (header, said) = heard(|| Self::read_listening(path, systems, access));
        let mut header = header?;
        let damaged = |cause| IoError::Header { path: path.to_owned(), cause };
        header.remarks = trust::remarks(path, &said).map_err(damaged)?;
        if header.driver == "GTiff" {
            header.remarks.extend(geotiff::check(path, &header.grid, header.georeferenced).map_err(damaged)?);
        }
        Ok(header)
    }

    fn read_listening(path: &Path, systems: &CrsRegistry, access: &Access) -> Result<Self, IoError> {
        let fingerprint = Fingerprint::of(path)?;
        let named = access::check_references(path, access)?;
        let dataset = access::open(path, access)?;
        if dataset.raster_count() == 0 {
            return Err(IoError::NoBands { path: path.to_owned(), hint: subdataset_hint(&dataset) });
        }
        let (grid, georeferenced) = grid(path, &dataset, systems)?;
        let words = words::of(&dataset).map_err(|cause| IoError::Open { path: path.to_owned(), cause })?;
        let bands = (1..=dataset.raster_count()).map(|n| band_header(path, &dataset, n, &words));
        Ok(Self {
            path: path.to_owned(),
            access: access.clone(),
            companions: named,
            driver: dataset.driver().short_name(),
            grid,
            georeferenced,
            bands: bands.collect::<Result<_, _>>()?,
            tags: tags(&dataset),
            remarks: Vec::new(),
            fingerprint,
        })
    }

    /// The value of the metadata item `key`, in any domain read.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find(|t| t.key.eq_ignore_ascii_case(key)).map(|t| t.value.as_str())
    }
}

fn subdataset_hint(dataset: &Dataset) -> String {
    let items = dataset.metadata_domain("SUBDATASETS").unwrap_or_default();
    let first = items.iter().find_map(|i| i.split_once("_NAME="));
    first.map_or_else(String::new, |(_, name)| {
        format!("; it holds subdatasets such as {name}: convert the one you want to a file")
    })
}

fn grid(path: &Path, dataset: &Dataset, systems: &CrsRegistry) -> Result<(Grid, bool), IoError> {
    let (width, height) = dataset.raster_size();
    if width.max(height) > LARGEST_SIDE {
        return Err(IoError::Size { path: path.to_owned(), width, height, limit: LARGEST_SIDE });
    }
    let stated = checked(|| dataset.geo_transform()).ok();
    let gcps = dataset.gcps().len();
    if stated.is_none() && gcps > 0 {
        return Err(IoError::GcpsOnly { path: path.to_owned(), count: gcps });
    }
    let [x0, dx, shear_x, y0, shear_y, dy] = stated.unwrap_or([0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    // Rounding noise in a transform is not a rotation: less than a thousandth of a pixel over the raster.
    let drift = (shear_x * height as f64 / dx).abs().max((shear_y * width as f64 / dy).abs());
    if drift > 1e-3 || (dx == 0.0 && shear_x != 0.0) {
        return Err(IoError::Rotated { path: path.to_owned(), shear_x, shear_y });
    }
    if ![x0, dx, y0, dy].iter().all(|v| v.is_finite()) || dx == 0.0 || dy == 0.0 {
        return Err(IoError::PixelSize { path: path.to_owned(), dx, dy });
    }
    let wkt = dataset.projection();
    let crs = if wkt.trim().is_empty() {
        None
    } else {
        // PROJ's messages are about the system, not about this file, and come only once: they are dropped.
        let (crs, _) = heard(|| systems.from_wkt(&wkt));
        Some(crs.map_err(|why| not_understood(path, &why))?)
    };
    Ok((Grid { width, height, transform: Transform { x0, dx, y0, dy }, crs }, stated.is_some()))
}

fn not_understood(path: &Path, why: &CrsError) -> IoError {
    let (path, cause) = (path.to_owned(), why.to_string());
    match why {
        // No fault of the file's.
        CrsError::NoDatabase { .. } => IoError::NoCrsDatabase { path, cause },
        _ => IoError::Crs { path, cause },
    }
}

fn band_header(
    path: &Path,
    dataset: &Dataset,
    number: usize,
    words: &[Words],
) -> Result<BandHeader, IoError> {
    let unreadable = |cause| IoError::Open { path: path.to_owned(), cause };
    let band = checked(|| dataset.rasterband(number)).map_err(unreadable)?;
    let flags = checked(|| band.mask_flags()).map_err(unreadable)?;
    let is_alpha = words[number - 1].is_alpha;
    let masked = (flags.is_alpha() && !is_alpha) || (flags.is_per_dataset() && !flags.is_alpha());
    let scale_offset = (band.scale().unwrap_or(1.0), band.offset().unwrap_or(0.0));
    // A scale of 0 or NaN is no statement about the numbers.
    let says_something = |(scale, offset): &(f64, f64)| {
        scale.is_normal() && offset.is_finite() && (*scale, *offset) != (1.0, 0.0)
    };
    Ok(BandHeader {
        number,
        description: band.description().ok().filter(|d| !d.is_empty()),
        dtype: data_type(&band, &words[number - 1].type_name).ok_or_else(|| IoError::UnknownType {
            path: path.to_owned(),
            band: number,
            name: words[number - 1].type_name.clone(),
        })?,
        nodata: band.no_data_value(),
        scale_offset: Some(scale_offset).filter(says_something),
        mask: if masked { MaskSource::Mask } else { alpha_beside(words, is_alpha) },
        is_alpha,
        block: band.block_size(),
        pixel_interleaved: dataset.metadata_item("INTERLEAVE", "IMAGE_STRUCTURE").as_deref() == Some("PIXEL"),
    })
}

/// An alpha band of which GDAL says nothing, because it lets a nodata tag hide it: both count.
fn alpha_beside(words: &[Words], is_alpha: bool) -> MaskSource {
    match words.iter().position(|band| band.is_alpha) {
        Some(index) if !is_alpha => MaskSource::Alpha(index + 1),
        _ => MaskSource::None,
    }
}

fn data_type(band: &RasterBand<'_>, name: &str) -> Option<DataType> {
    // Before GDAL 3.7 signed bytes are unsigned ones with a note in the metadata.
    let signed_byte = band.metadata_item("PIXELTYPE", "IMAGE_STRUCTURE").as_deref() == Some("SIGNEDBYTE");
    if signed_byte { Some(DataType::Int8) } else { words::data_type(name) }
}

fn tags(dataset: &Dataset) -> Vec<Tag> {
    let mut tags = Vec::new();
    for domain in ["", "IMAGERY"] {
        for item in dataset.metadata_domain(domain).unwrap_or_default() {
            if let Some((key, value)) = item.split_once('=') {
                tags.push(Tag { domain: domain.into(), key: key.into(), value: value.into() });
            }
        }
    }
    tags
}
