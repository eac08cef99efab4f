//! The specification of an output raster, decided before any pixel.

use compose_core::{DataType, Grid};
use std::path::PathBuf;

/// The file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A tiled GeoTIFF.
    GTiff,
    /// A cloud-optimised GeoTIFF: overviews first; put together from temporary GeoTIFFs when all pixels are there.
    Cog,
}

impl Format {
    /// GDAL's short driver name.
    pub fn driver(self) -> &'static str {
        match self {
            Self::GTiff => "GTiff",
            Self::Cog => "COG",
        }
    }
}

/// The compression of tiles. All are lossless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Compression {
    Deflate,
    Zstd,
    Lzw,
    None,
}

impl Compression {
    /// GDAL's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deflate => "DEFLATE",
            Self::Zstd => "ZSTD",
            Self::Lzw => "LZW",
            Self::None => "NONE",
        }
    }

    /// The levels there are, if any.
    pub fn levels(self) -> Option<std::ops::RangeInclusive<u32>> {
        self.level_option().map(|(_, levels, _)| levels)
    }

    /// The GTiff driver's option for the level, with the levels there are.
    pub(super) fn level_option(self) -> Option<(&'static str, std::ops::RangeInclusive<u32>, &'static str)> {
        match self {
            // With libdeflate, which every packaged GDAL since 3.2 has; without it GDAL takes 10 to 12 as 9.
            Self::Deflate => Some(("ZLEVEL", 1..=12, "a level from 1 to 12")),
            Self::Zstd => Some(("ZSTD_LEVEL", 1..=22, "a level from 1 to 22")),
            Self::Lzw | Self::None => None,
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        [Self::Deflate, Self::Zstd, Self::Lzw, Self::None]
            .into_iter()
            .find(|c| c.name().eq_ignore_ascii_case(name))
    }
}

/// The description of one band of an output.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputBand {
    /// Its description.
    pub description: String,
    /// Scale and offset tags: measurement = sample × scale + offset.
    pub scale_offset: Option<(f64, f64)>,
}

/// The specification of an output raster, decided before any pixel.
#[derive(Clone, Debug)]
pub struct RasterSpec {
    /// The final path.
    pub path: PathBuf,
    /// Size, transform, coordinate system.
    pub grid: Grid,
    /// Whether the grid's transform means something; without, none is written.
    pub georeferenced: bool,
    /// Type of the samples on disk.
    pub dtype: DataType,
    /// The nodata tag.
    pub nodata: Option<f64>,
    /// The bands, in order.
    pub bands: Vec<OutputBand>,
    /// The file format.
    pub format: Format,
    /// The compression of tiles.
    pub compression: Compression,
    /// Compression level; GDAL's own without.
    pub level: Option<u32>,
    /// The user's creation options. They win over ours.
    pub creation_options: Vec<(String, String)>,
    /// Metadata items of the default domain.
    pub tags: Vec<(String, String)>,
    /// Threads that compress.
    pub threads: usize,
    /// Samples are codes, not amounts: overviews take the nearest one, and no predictor is used, because
    /// differences of codes compress no better than codes.
    pub categorical: bool,
    /// Side of a tile in pixels, a multiple of 16.
    pub block: usize,
}
