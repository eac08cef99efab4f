//! One raster out of many tiles, as GDAL reads it: a VRT, and a tile index where GDAL knows those.
//!
//! GDAL's own drivers write both. No tile is opened for it: what they are is in the specification, and a tile is
//! a window of one grid.

use super::{Draft, Pending, RasterSpec, Sample, WriteError, close, describe};
use crate::files::Drafts;
use crate::files::from_folder_of;
use crate::messages::checked;
use compose_core::{DataType, Grid, Transform, Window};
use gdal::errors::GdalError;
use gdal::spatial_ref::SpatialRef;
use gdal::vector::{
    Feature, FieldDefn, Geometry, LayerAccess, LayerOptions, OGRFieldType, OGRwkbGeometryType,
};
use gdal::{Dataset, DriverManager, Metadata};
use std::path::{Path, PathBuf};

/// The field of a tile index that holds the path of a tile; GDAL's default.
const LOCATION: &str = "location";

/// The tag of a VRT over tiles: how many there are.
pub const MOSAIC_TAG: &str = "COMPOSE_TILES";

/// A tile that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MosaicTile {
    /// Its file.
    pub path: PathBuf,
    /// The pixels of the mosaic that it holds.
    pub window: Window,
}

/// Writes a VRT of the tiles at `spec.path`. It has the size of the whole grid; where no tile is, readers see nodata, or
/// 0 where there is none. `spec` is that of the image as one file; its format says how the tiles are stored.
///
/// Paths in it start from its folder, so that folder and tiles can be moved together. It has no overviews of its own: what
/// is read smaller is read from those of the tiles. Its bytes do not depend on the order of the tiles.
///
/// # Errors
/// As [`Draft::new`]; a tile is outside the grid or its path is not UTF-8; GDAL cannot write the file.
pub fn write_vrt(spec: &RasterSpec, tiles: &[MosaicTile], drafts: &Drafts) -> Result<Pending, WriteError> {
    let tiles = sorted(spec, tiles)?;
    let draft = Draft::new(&spec.path, drafts)?;
    let failed = |cause: String| WriteError::refused(&spec.path, draft.file(), &cause);
    let dataset = match spec.dtype {
        DataType::UInt8 => vrt::<u8>(&draft, spec, &tiles),
        DataType::UInt16 => vrt::<u16>(&draft, spec, &tiles),
        DataType::Int16 => vrt::<i16>(&draft, spec, &tiles),
        DataType::UInt32 => vrt::<u32>(&draft, spec, &tiles),
        DataType::Int32 => vrt::<i32>(&draft, spec, &tiles),
        DataType::Float32 => vrt::<f32>(&draft, spec, &tiles),
        DataType::Float64 => vrt::<f64>(&draft, spec, &tiles),
        dtype => return Err(WriteError::SampleType { path: spec.path.clone(), dtype }),
    };
    dataset.and_then(close).map_err(failed)?;
    draft.finish()
}

/// The first GDAL that has the driver GTI.
const FIRST_WITH_GTI: u32 = 3_090_000;

/// Writes a tile index for GDAL's GTI driver at `spec.path`, whose name ends in `.gti.fgb`: a FlatGeobuf of the extents and
/// paths of the tiles, with size, transform, sample type, nodata, scale and offset of the mosaic. It is faster than a VRT
/// where there are many tiles. It cannot hold descriptions of bands or metadata.
///
/// `None`, and nothing is written, where the GDAL in use has no GTI (before 3.9) or no FlatGeobuf, and where the
/// mosaic has no place on the map, or rows that run northward.
///
/// # Errors
/// As [`write_vrt`].
///
/// Format: <https://gdal.org/en/stable/drivers/raster/gti.html>.
pub fn write_tile_index(
    spec: &RasterSpec,
    tiles: &[MosaicTile],
    drafts: &Drafts,
) -> Result<Option<Pending>, WriteError> {
    // The driver is of GDAL's core; scenes are not opened by it, so that the program may have taken it away from GDAL.
    let version = gdal::version::version_info("VERSION_NUM").parse().unwrap_or(0);
    let Transform { dx, dy, .. } = spec.grid.transform;
    let known = version >= FIRST_WITH_GTI && DriverManager::get_driver_by_name("FlatGeobuf").is_ok();
    if !known || !spec.georeferenced || dx <= 0.0 || dy >= 0.0 {
        return Ok(None);
    }
    let tiles = sorted(spec, tiles)?;
    let draft = Draft::new(&spec.path, drafts)?;
    // The driver takes a name without its ending for a folder.
    let file = draft.beside("index.fgb");
    let written = checked(|| index(&file, spec, &tiles)).and_then(close);
    written.map_err(|cause| WriteError::refused(&spec.path, &file, &cause))?;
    std::fs::rename(&file, draft.file())
        .map_err(|cause| WriteError::System { path: spec.path.clone(), cause })?;
    draft.finish().map(Some)
}

/// A tile, with its path as it stands in the file.
struct Placed {
    location: String,
    window: Window,
}

/// The tiles, row by row.
fn sorted(spec: &RasterSpec, tiles: &[MosaicTile]) -> Result<Vec<Placed>, WriteError> {
    let whole = Window::whole(spec.grid.width, spec.grid.height);
    let failed = |tile: &MosaicTile, why: &str| WriteError::Write {
        path: spec.path.clone(),
        cause: format!("the tile {} {why}", tile.path.display()),
    };
    let placed = |tile: &MosaicTile| {
        if tile.window.intersect(whole) != Some(tile.window) {
            return Err(failed(tile, "is not inside the grid of the mosaic"));
        }
        let location = from_folder_of(&spec.path, &tile.path).into_os_string().into_string();
        let location = location.map_err(|_| failed(tile, "has a name that is not UTF-8"))?;
        Ok(Placed { location, window: tile.window })
    };
    let mut tiles = tiles.iter().map(placed).collect::<Result<Vec<_>, _>>()?;
    tiles.sort_by(|a, b| {
        let key = |tile: &Placed| (tile.window.row, tile.window.col);
        key(a).cmp(&key(b)).then_with(|| a.location.cmp(&b.location))
    });
    Ok(tiles)
}

fn vrt<T: Sample>(draft: &Draft, spec: &RasterSpec, tiles: &[Placed]) -> Result<Dataset, String> {
    let (Grid { width, height, .. }, bands) = (&spec.grid, spec.bands.len());
    checked(|| {
        let driver = DriverManager::get_driver_by_name("VRT")?;
        let mut dataset = driver.create_with_band_type::<T, _>(draft.file(), *width, *height, bands)?;
        describe(&mut dataset, spec)?;
        dataset.set_metadata_item(MOSAIC_TAG, &tiles.len().to_string(), "")?;
        for band in 1..=bands {
            let mut to = dataset.rasterband(band)?;
            for (nth, tile) in tiles.iter().enumerate() {
                to.set_metadata_item(&format!("source_{nth}"), &source(spec, tile, band), "new_vrt_sources")?;
            }
        }
        Ok(dataset)
    })
}

/// A tile as the source of a band (from 1) of a VRT. With its properties, GDAL opens the file when it is read.
fn source(spec: &RasterSpec, tile: &Placed, band: usize) -> String {
    let Window { col, row, width, height } = tile.window;
    let grid = Grid { width, height, ..spec.grid.clone() };
    let (across, down) = RasterSpec { grid, ..spec.clone() }.tile();
    let relative = u8::from(Path::new(&tile.location).is_relative());
    let (location, dtype) = (escaped(&tile.location), gdal_name(spec.dtype));
    format!(
        "<SimpleSource><SourceFilename relativeToVRT=\"{relative}\">{location}</SourceFilename>\
         <SourceBand>{band}</SourceBand>\
         <SourceProperties RasterXSize=\"{width}\" RasterYSize=\"{height}\" DataType=\"{dtype}\" \
         BlockXSize=\"{across}\" BlockYSize=\"{down}\"/>\
         <SrcRect xOff=\"0\" yOff=\"0\" xSize=\"{width}\" ySize=\"{height}\"/>\
         <DstRect xOff=\"{col}\" yOff=\"{row}\" xSize=\"{width}\" ySize=\"{height}\"/></SimpleSource>"
    )
}

/// GDAL's name of a sample type.
fn gdal_name(dtype: DataType) -> String {
    if dtype == DataType::UInt8 { "Byte".into() } else { format!("{dtype:?}") }
}

/// A text in an XML element.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn index(file: &Path, spec: &RasterSpec, tiles: &[Placed]) -> Result<Dataset, GdalError> {
    let srs = spec.grid.crs.as_ref().map(|crs| SpatialRef::from_wkt(&crs.wkt)).transpose()?;
    let driver = DriverManager::get_driver_by_name("FlatGeobuf")?;
    let mut dataset = driver.create_vector_only(file)?;
    let mut layer = dataset.create_layer(LayerOptions {
        name: "tiles",
        srs: srs.as_ref(),
        ty: OGRwkbGeometryType::wkbPolygon,
        options: None,
    })?;
    for (key, value) in items(spec) {
        layer.set_metadata_item(&key, &value, "")?;
    }
    FieldDefn::new(LOCATION, OGRFieldType::OFTString)?.add_to_layer(&layer)?;
    for Placed { location, window } in tiles {
        let corner = |col: i64, row: i64| spec.grid.transform.to_map(col as f64, row as f64);
        let ((west, north), (east, south)) =
            (corner(window.col, window.row), corner(window.col_end(), window.row_end()));
        let mut feature = Feature::new(layer.defn())?;
        feature.set_field_string(0, location)?;
        feature.set_geometry(Geometry::bbox(west, south, east, north)?)?;
        feature.create(&layer)?;
    }
    Ok(dataset)
}

/// What the GTI driver reads of a layer.
fn items(spec: &RasterSpec) -> Vec<(String, String)> {
    let Grid { width, height, transform: Transform { x0, dx, y0, dy }, .. } = spec.grid;
    let (across, down) = spec.tile();
    let mut items = vec![
        ("XSIZE".to_owned(), width.to_string()),
        ("YSIZE".to_owned(), height.to_string()),
        ("GEOTRANSFORM".to_owned(), format!("{x0},{dx},0,{y0},0,{dy}")),
        ("BAND_COUNT".to_owned(), spec.bands.len().to_string()),
        ("DATA_TYPE".to_owned(), gdal_name(spec.dtype)),
        ("BLOCKXSIZE".to_owned(), across.to_string()),
        ("BLOCKYSIZE".to_owned(), down.to_string()),
        ("LOCATION_FIELD".to_owned(), LOCATION.to_owned()),
    ];
    items.extend(spec.nodata.map(|nodata| ("NODATA".to_owned(), nodata.to_string())));
    for (nth, (scale, offset)) in
        spec.bands.iter().enumerate().filter_map(|(nth, band)| Some((nth + 1, band.scale_offset?)))
    {
        items.push((format!("BAND_{nth}_SCALE"), scale.to_string()));
        items.push((format!("BAND_{nth}_OFFSET"), offset.to_string()));
    }
    items
}
