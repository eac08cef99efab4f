//! The tables of a rules file, one struct each. Doc comments become the JSON schema's descriptions.

use super::values::{
    Bands, Date, Exactly, Extra, Files, Finite, LayoutOrClasses, NodataValues, NumberOrNan, Percent,
    Resolution, Scale, Strings, TileSize,
};
use compose_core::ValidityMode;
use schemars::JsonSchema;
use serde::Deserialize;

/// `[scenes]`: where the scenes are, and what they look like.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Scenes {
    /// A product whose names, bands, nodata, scale and quality layout are known.
    pub preset: Option<String>,
    /// A file, a folder or a glob, or a list of these.
    pub path: Option<Strings>,
    /// Regular expression on the file's name with named groups id, date (or year, month, day, doy), band.
    pub pattern: Option<String>,
    /// strptime format of the group `date`.
    pub date_format: Option<String>,
    /// `name`, `mtl`, or the name of a metadata item such as `TIFFTAG_DATETIME`.
    pub date_from: Option<String>,
    /// The data bands wanted, in output order.
    pub bands: Option<Bands>,
    /// Name of the quality band.
    pub quality: Option<String>,
    /// Bit layout of the quality band.
    pub layout: Option<String>,
    /// Nodata of the inputs; replaces the preset's and the files' own.
    pub nodata: Option<NodataValues>,
    /// Physical value = number × scale + offset.
    pub scale: Option<Scale>,
    /// Physical value = number × scale + offset.
    pub offset: Option<Finite>,
    /// `f32` accepts 32-bit integers and 64-bit floats at single precision.
    pub precision: Option<Precision>,
    /// `none`: files without a georeference are put on each other pixel by pixel.
    pub georeference: Option<Georeference>,
    /// Whether VRTs may have their sources at addresses.
    pub network: Option<bool>,
    /// GDAL drivers that scenes may be read by besides those for plain files, by short name.
    pub drivers: Option<Vec<String>>,
    /// Whether a pixel is judged by all wanted bands together or each band by itself.
    pub validity: Option<Validity>,
    /// What becomes of a scene with values that no scene can have shown.
    pub implausible: Option<Implausible>,
    /// First date.
    pub from: Option<Date>,
    /// Last date.
    pub to: Option<Date>,
    /// Months, 1 to 12.
    pub months: Option<Vec<u32>>,
    /// First and last day of the year; may go over New Year.
    pub days_of_year: Option<Exactly<u32, 2>>,
    /// Masks that others made of the scenes.
    pub beside: Vec<Beside>,
    /// A STAC catalogue in place of `path`: an item, an item collection, a collection or a catalogue.
    pub stac: Option<String>,
    /// A search of a STAC API in place of `path`.
    pub stac_search: Option<StacSearch>,
}

/// `stac-search`: what is asked of a STAC API.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct StacSearch {
    /// Address of the API.
    pub url: Option<String>,
    /// Collections, any of which.
    pub collections: Option<Strings>,
    /// West, south, east, north in degrees.
    pub bbox: Option<Exactly<f64, 4>>,
    /// A GeoJSON file with a geometry that items touch.
    pub intersects: Option<String>,
    /// A time or a range, such as `2023-08-01/2023-08-31`; `..` for an open end.
    pub datetime: Option<String>,
    /// Conditions on properties, such as `{ "eo:cloud_cover" = { lt = 50 } }`.
    #[schemars(with = "Option<serde_json::Map<String, serde_json::Value>>")]
    pub query: Option<toml::Table>,
    /// Items per page.
    pub limit: Option<u32>,
}

/// `[[scenes.beside]]`: a raster that others made of each scene, such as a cloud mask.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Beside {
    /// Where they are: a glob with `{id}` for the scene's id.
    pub files: Option<String>,
    /// Of scenes from a catalogue: the key of the item's asset.
    pub asset: Option<String>,
    /// Name of the band that it gives to the scene, for rules.
    pub band: Option<String>,
    /// Number of that band in the raster, from 1; a raster of one band needs none.
    pub number: Option<usize>,
    /// Meaning of its codes: a layout by name, or classes such as `{ 1 = "cloud" }`.
    pub layout: Option<LayoutOrClasses>,
    /// Numbers that mean "no data"; the raster's own otherwise.
    pub nodata: Option<NodataValues>,
    /// What becomes of a scene without it.
    pub missing: Option<Missing>,
}

/// `missing`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Missing {
    /// It is refused.
    #[default]
    Error,
    /// It is left out.
    Skip,
}

/// `[[scene]]`: a scene said outright.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Scene {
    /// Unique name.
    pub id: Option<String>,
    /// Day of acquisition.
    pub date: Option<Date>,
    /// One file per band: band name = path.
    pub files: Option<Files>,
    /// One file with many bands.
    pub file: Option<String>,
    /// Where the bands are in `file`, or which of `files` are wanted.
    pub bands: Option<Bands>,
    /// Name of the quality band.
    pub quality: Option<String>,
    /// Bit layout of the quality band.
    pub layout: Option<String>,
    /// Nodata of the inputs; replaces the preset's and the files' own.
    pub nodata: Option<NodataValues>,
    /// Physical value = number × scale + offset.
    pub scale: Option<Scale>,
    /// Physical value = number × scale + offset.
    pub offset: Option<Finite>,
}

/// `precision`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Precision {
    /// Single precision is enough.
    F32,
}

/// `georeference`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Georeference {
    /// Files have none, and need none.
    None,
}

/// `implausible`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Implausible {
    /// It is refused.
    #[default]
    Error,
    /// They are taken for nodata.
    Nodata,
    /// They stay what they are; nothing is fitted to them.
    Keep,
}

/// `validity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Validity {
    /// All wanted bands together.
    Joint,
    /// Each band by itself.
    PerBand,
}

impl From<Validity> for ValidityMode {
    fn from(validity: Validity) -> Self {
        match validity {
            Validity::Joint => Self::Joint,
            Validity::PerBand => Self::PerBand,
        }
    }
}

/// `[target]`: what is repaired.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Target {
    /// A scene's id, or `each`: every scene is repaired from the others.
    pub scene: Option<String>,
    /// Without a scene: the date that distances are measured from.
    pub date: Option<Date>,
    /// Leaves a target out of whose own pixels the masks take more than so many percent.
    pub skip_above: Option<Percent>,
}

/// `[grid]`: the grid of the result.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct GridSettings {
    /// A file whose grid is taken.
    pub like: Option<String>,
    /// Coordinate system: `EPSG:32613`, WKT or PROJ text.
    pub crs: Option<String>,
    /// Left, bottom, right, top in map units.
    pub bounds: Option<Exactly<f64, 4>>,
    /// A vector file: pixels outside its polygons are nodata, and the grid is that around them.
    pub area: Option<String>,
    /// The layer of the area's file.
    pub layer: Option<String>,
    /// The features of the area, by a condition as that of WHERE in SQL.
    pub filter: Option<String>,
    /// `true`: every pixel that a polygon of the area touches is in it, not only where its centre lies within.
    pub touch: Option<bool>,
    /// Pixel size in map units.
    pub resolution: Option<Resolution>,
    /// `true`: bounds are moved outward to whole multiples of the resolution; `false`: they stay as they are; otherwise
    /// they are moved outward to the target's pixels.
    pub snap: Option<bool>,
    /// How scenes that are no whole-pixel shift away are brought to the grid.
    pub resampling: Option<String>,
    /// The image comes in tiles of this side, a file each: pixels, or a length such as `100 km`.
    pub tile_size: Option<TileSize>,
}

/// `[[plugin]]`: a shared library that supplies kinds.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct PluginSettings {
    /// The library's file.
    pub path: Option<String>,
    /// The name of one of its kinds; the file is looked for in the folders of COMPOSE_PLUGIN_PATH.
    pub id: Option<String>,
    /// SHA-256 of the file; another file is refused.
    pub sha256: Option<String>,
}

/// `[output]`: what is written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Output {
    /// The image; with target `each` a pattern with `{id}` or `{date}`.
    pub path: Option<String>,
    /// Kind of GeoTIFF.
    pub format: Option<Format>,
    /// Compression.
    pub compress: Option<Compress>,
    /// Compression level.
    pub level: Option<u32>,
    /// Sample type.
    pub dtype: Option<String>,
    /// The value of pixels that stay open.
    pub nodata: Option<NumberOrNan>,
    /// The record of where every pixel came from.
    pub provenance: Option<Extra>,
    /// Adds the number of clear looks to the provenance file; reads every scene.
    pub count: Option<bool>,
    /// Which mask rule took each pixel of the target.
    pub mask: Option<Extra>,
    /// How sure computed values are: one standard deviation for each band, in numbers as stored.
    pub uncertainty: Option<Extra>,
    /// The JSON report.
    pub sidecar: Option<Extra>,
    /// PNG pictures beside the image.
    pub quicklook: Option<bool>,
    /// A STAC item beside the image.
    pub stac: Option<Extra>,
    /// Where decoded tiles wait that memory has no room for: `auto` (beside the image), `none`, or a folder.
    pub scratch: Option<String>,
}

/// `format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Tiled GeoTIFF.
    Gtiff,
    /// Cloud-optimised GeoTIFF with overviews.
    Cog,
}

/// `compress`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Compress {
    Deflate,
    Zstd,
    Lzw,
    None,
}
