//! What is taken from items.

use crate::href::Href;
use chrono::{DateTime, Utc};
use serde_json::Value;

/// Items of a source, by time and then by id.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Items {
    /// Each once.
    pub items: Vec<Item>,
    /// What was unusual about the source, not about an item.
    pub remarks: Vec<String>,
    /// Every document that was read, in that order.
    pub documents: Vec<Href>,
}

/// A scene as a STAC document describes it. What concerns no pixel is left out where it is not understood, with a
/// remark.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// `id`, unique within a collection.
    pub id: String,
    /// `collection`.
    pub collection: Option<String>,
    /// The document that it was read from.
    pub document: Href,
    /// `datetime`, or the middle between `start_datetime` and `end_datetime`, with a remark.
    pub datetime: DateTime<Utc>,
    /// `platform`, such as `sentinel-2b`.
    pub platform: Option<String>,
    /// `constellation`, such as `sentinel-2`.
    pub constellation: Option<String>,
    /// `instruments`.
    pub instruments: Vec<String>,
    /// `eo:cloud_cover`, 0 to 100 percent.
    pub cloud_cover: Option<f64>,
    /// `view:sun_elevation` and `view:sun_azimuth` (else `s2:mean_solar_zenith` and `_azimuth`), if both are there.
    pub sun: Option<SunAngles>,
    /// West, south, east, north in degrees: `bbox`, else around the geometry. West is larger than east where the
    /// antimeridian is crossed.
    pub bbox: Option<[f64; 4]>,
    /// The longitude of the middle of the box, −180 to 180 degrees, right across the antimeridian.
    pub centroid_longitude: Option<f64>,
    /// The processing baseline of Sentinel-2 products as a number: `05.09` is 509.
    pub baseline: Option<u32>,
    /// `grid:code` or made from the fields that say the same: `MGRS-33TWL`, `WRS2-014031`.
    pub grid_code: Option<String>,
    /// `s2:datatake_id`.
    pub datatake: Option<String>,
    /// When it was processed: `s2:generation_time`, else `updated`, else `created`.
    pub processed: Option<DateTime<Utc>>,
    /// `s2:sequence`.
    pub sequence: Option<u32>,
    /// `earthsearch:boa_offset_applied`: whether the offset of the bands was already added to the pixels.
    pub offset_applied: Option<bool>,
    /// `geometry`, as GeoJSON, if it is an object.
    pub geometry: Option<Value>,
    /// In the order of the document.
    pub assets: Vec<Asset>,
    /// What was unusual about the item.
    pub remarks: Vec<String>,
}

/// The sun as seen from the middle of the scene.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SunAngles {
    /// Degrees above the horizon.
    pub elevation: f64,
    /// Degrees clockwise from north, 0 to 360.
    pub azimuth: f64,
}

/// A file of an item.
#[derive(Debug, Clone, PartialEq)]
pub struct Asset {
    /// Its name in `assets`.
    pub key: String,
    /// Where it is; it was not looked at.
    pub href: Href,
    /// Why it cannot be used: a field that decides pixels is wrong. No band of it is told then.
    pub flaw: Option<String>,
    /// `title`.
    pub title: Option<String>,
    /// `type`.
    pub media_type: Option<String>,
    /// `roles`.
    pub roles: Vec<String>,
    /// `proj:shape` (rows, columns) of the asset or the item. The file's header may say something else.
    pub shape: Option<[usize; 2]>,
    /// `proj:transform` of the asset or the item, row by row as in the document (an affine matrix, not GDAL's order).
    pub transform: Option<[f64; 6]>,
    /// `proj:code`, else `proj:epsg` as a code, else `proj:wkt2`, of the asset or the item.
    pub crs: Option<String>,
    /// One for each band of the file, from `bands` (STAC 1.1), `eo:bands` and `raster:bands` (before), by position.
    /// Empty where the document says nothing of them, and of what is no raster.
    pub bands: Vec<Band>,
}

/// A band of a file, as the document describes it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Band {
    /// `name`.
    pub name: Option<String>,
    /// `common_name` or `eo:common_name`.
    pub common_name: Option<String>,
    /// `data_type`.
    pub data_type: Option<String>,
    /// `nodata`, which may be NaN or infinite.
    pub nodata: Option<f64>,
    /// `scale` of `raster:bands` or `raster:scale`: value = number × scale + offset. Finite and not 0.
    pub scale: Option<f64>,
    /// `offset` of `raster:bands` or `raster:offset`. Finite.
    pub offset: Option<f64>,
    /// `classification:classes` of the band or the asset.
    pub classes: Vec<Class>,
    /// `classification:bitfields` of the band or the asset.
    pub bitfields: Vec<Bitfield>,
}

/// What a pixel's value means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// The value, of the pixel or of the bit field.
    pub value: u32,
    /// `name`, else `title`, else `description`; `nodata-255` where the class is marked as "no data".
    pub name: String,
}

/// Bits of a pixel's value that mean something together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bitfield {
    /// The lowest bit; 0 is the least significant one.
    pub offset: u32,
    /// How many bits; with the offset 64 at most.
    pub length: u32,
    /// `name`, else `title`, else `description`, else `bit 3`.
    pub name: String,
    /// What its values mean.
    pub classes: Vec<Class>,
}

/// Roles of assets that no one computes with.
const NO_DATA: [&str; 3] = ["thumbnail", "overview", "metadata"];
/// Media types of rasters that GDAL reads as one grid, without their parameters.
const RASTERS: [&str; 8] = [
    "image/tiff",
    "image/jp2",
    "image/jpx",
    "image/vnd.stac.geotiff",
    "image/x.geotiff",
    "image/geotiff",
    "application/x-geotiff",
    "application/geotiff",
];
/// Media types that tell nothing.
const VAGUE: [&str; 2] = ["application/octet-stream", "binary/octet-stream"];
/// Endings of rasters where no type is given.
const ENDINGS: [&str; 7] = [".tif", ".tiff", ".jp2", ".j2k", ".img", ".vrt", ".gtiff"];

impl Asset {
    pub(crate) fn new(key: &str, href: Href) -> Self {
        Self {
            key: key.into(),
            href,
            flaw: None,
            title: None,
            media_type: None,
            roles: Vec::new(),
            shape: None,
            transform: None,
            crs: None,
            bands: Vec::new(),
        }
    }

    /// Whether it is a raster of pixels to compute with, as far as the document tells: by its media type, else by its
    /// ending. Thumbnails, overviews and pictures are none.
    pub fn is_raster(&self) -> bool {
        if self.roles.iter().any(|role| NO_DATA.contains(&role.as_str())) {
            return false;
        }
        let media = self.media_type.as_deref().unwrap_or_default();
        let media = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if media.is_empty() || VAGUE.contains(&media.as_str()) {
            let name = self.href.file_name().to_ascii_lowercase();
            return ENDINGS.iter().any(|ending| name.ends_with(ending));
        }
        RASTERS.contains(&media.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asset(href: &str, media_type: Option<&str>, role: &str) -> Asset {
        Asset {
            key: "a".into(),
            href: Href::parse(href),
            flaw: None,
            title: None,
            media_type: media_type.map(str::to_owned),
            roles: vec![role.into()],
            shape: None,
            transform: None,
            crs: None,
            bands: Vec::new(),
        }
    }

    #[test]
    fn rasters_are_known_by_type_then_by_ending_and_thumbnails_are_none() {
        for (href, media, role, expected) in [
            ("https://h/B04", Some("image/tiff; application=geotiff; profile=cloud-optimized"), "data", true),
            ("s3://b/B04.jp2", Some("image/jp2"), "data", true),
            ("B4.TIF", Some("image/vnd.stac.geotiff; cloud-optimized=true"), "data", true),
            ("B4.TIF", None, "data", true),
            ("https://h/B4.tif?sig=a.png", Some("application/octet-stream"), "data", true),
            ("B4.tif", Some("image/png"), "data", false),
            ("B4.tif", Some("image/tiff"), "thumbnail", false),
            ("B4.tif", Some("image/tiff"), "overview", false),
            ("B4.nc", Some("application/netcdf"), "data", false),
            ("B4.nc", None, "data", false),
            ("MTL.xml", Some("application/xml"), "metadata", false),
        ] {
            assert_eq!(asset(href, media, role).is_raster(), expected, "{href} {media:?} {role}");
        }
    }
}
