//! Errors of files.

use compose_core::DataType;
use std::path::PathBuf;

/// A file that cannot be used, and why.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum IoError {
    #[error("{}: no such file", path.display())]
    Missing { path: PathBuf },
    #[error("{}: {cause}", path.display())]
    System { path: PathBuf, cause: std::io::Error },
    #[error("{}: is {found}; expected a file", path.display())]
    NoFile { path: PathBuf, found: &'static str },
    #[error("{}: has {bytes} bytes; at most {limit} are read", path.display())]
    TooLarge { path: PathBuf, bytes: u64, limit: u64 },
    #[error("{}:{line}: not UTF-8 (byte 0x{byte:02X} at byte {column} of the line); save the file as UTF-8", path.display())]
    NotUtf8 { path: PathBuf, line: usize, column: usize, byte: u8 },
    #[error("{}: {message}", path.display())]
    Access { path: PathBuf, message: String },
    #[error("{}: {message}", path.display())]
    Area { path: PathBuf, message: String },
    #[error("{}: not a raster that GDAL can open: {cause}", path.display())]
    Open { path: PathBuf, cause: String },
    #[error("{}: its header is damaged: {cause}; get the file anew, or write it anew, e.g. with gdal_translate, and set what is lost", path.display())]
    Header { path: PathBuf, cause: String },
    #[error("{}: no raster bands in it{}", path.display(), hint)]
    NoBands { path: PathBuf, hint: String },
    #[error("{}: its grid is rotated or sheared (geotransform terms {shear_x}, {shear_y}); straighten it first, e.g. with gdalwarp", path.display())]
    Rotated { path: PathBuf, shear_x: f64, shear_y: f64 },
    #[error("{}: has {count} ground control points and no geotransform; georeference it first, e.g. with gdalwarp", path.display())]
    GcpsOnly { path: PathBuf, count: usize },
    #[error("{}: its geotransform has a pixel size of {dx} × {dy}; expected finite numbers other than 0", path.display())]
    PixelSize { path: PathBuf, dx: f64, dy: f64 },
    #[error("{}: claims {width}×{height} pixels; more than {limit} on a side are taken for a broken header", path.display())]
    Size { path: PathBuf, width: usize, height: usize, limit: usize },
    #[error("{}: its coordinate system cannot be understood: {cause}", path.display())]
    Crs { path: PathBuf, cause: String },
    #[error("{}: {cause}", path.display())]
    NoCrsDatabase { path: PathBuf, cause: String },
    #[error("{}: band {band} has {dtype} samples, which single precision cannot hold exactly; set precision = \"f32\" in [scenes] to accept that, or convert the file", path.display())]
    Precision { path: PathBuf, band: usize, dtype: DataType },
    #[error("{}: band {band} has {dtype} samples, which cannot be composed; expected integers or floats", path.display())]
    SampleType { path: PathBuf, band: usize, dtype: DataType },
    #[error("{}: band {band} has {name} samples, which are not known here; expected integers or floats (convert it, e.g. with gdal_translate -ot Float32)", path.display())]
    UnknownType { path: PathBuf, band: usize, name: String },
    #[error("{}: quality band {band} has {dtype} samples; expected integer codes of up to 32 bits (convert it, e.g. with gdal_translate -ot UInt16)", path.display())]
    QualityType { path: PathBuf, band: usize, dtype: DataType },
    #[error("{}: band {band}, block at column {col}, row {row}: cannot be read: {cause}", path.display())]
    Read { path: PathBuf, band: usize, col: usize, row: usize, cause: String },
    #[error("{}: has changed since the plan was made; run again", path.display())]
    Changed { path: PathBuf },
}
