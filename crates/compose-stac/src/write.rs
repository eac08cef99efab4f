//! Items and collections of STAC 1.1.0 to write.
//!
//! Bands are those of the core (`bands`), the grid that of projection 2.0.0. The list of extensions is made of the
//! prefixes that are used. Sources: <https://github.com/radiantearth/stac-spec/tree/v1.1.0> and the extensions at
//! <https://github.com/stac-extensions>.

use crate::extent;
use crate::footprint::Footprint;
use crate::item::{Bitfield, Class};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// A JSON object: fields that have no member here.
pub type Fields = Map<String, Value>;

/// What is written as `stac_version`.
pub const VERSION: &str = "1.1.0";

/// Prefixes of fields with the schemas of their extensions. A prefix that is not here needs none.
const EXTENSIONS: [(&str, &str); 12] = [
    ("classification", "classification/v2.0.0"),
    ("eo", "eo/v2.0.0"),
    ("file", "file/v2.1.0"),
    ("grid", "grid/v1.1.0"),
    ("landsat", "landsat/v2.0.0"),
    ("mgrs", "mgrs/v1.0.0"),
    ("processing", "processing/v1.2.0"),
    ("proj", "projection/v2.0.0"),
    ("raster", "raster/v2.0.0"),
    ("sat", "sat/v1.1.0"),
    ("sci", "scientific/v1.0.0"),
    ("view", "view/v1.1.0"),
];

/// When an image was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// `datetime`: one scene.
    At(DateTime<Utc>),
    /// `datetime` is null, with `start_datetime` and `end_datetime`: a composite.
    Between(DateTime<Utc>, DateTime<Utc>),
}

/// An item.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// `id`.
    pub id: String,
    /// `collection`; STAC asks for a link `collection` then.
    pub collection: Option<String>,
    /// `geometry` and `bbox`; without it the geometry is null.
    pub footprint: Option<Footprint>,
    /// When.
    pub time: Time,
    /// `title`.
    pub title: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// `created`.
    pub created: Option<DateTime<Utc>>,
    /// `platform`, where all scenes agree.
    pub platform: Option<String>,
    /// `constellation`, where all scenes agree.
    pub constellation: Option<String>,
    /// `instruments`.
    pub instruments: Vec<String>,
    /// `gsd`: metres per pixel.
    pub gsd: Option<f64>,
    /// `grid:code`.
    pub grid_code: Option<String>,
    /// The grid of all assets that have none of their own.
    pub projection: Option<Projection>,
    /// How it was made.
    pub processing: Processing,
    /// Further properties.
    pub properties: Fields,
    /// Files by key, in this order.
    pub assets: Vec<(String, Asset)>,
    /// Links, in this order.
    pub links: Vec<Link>,
}

/// A grid: the projection extension.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Projection {
    /// `proj:code`, such as `EPSG:32633`; null if not given.
    pub code: Option<String>,
    /// `proj:wkt2`, where there is no code.
    pub wkt2: Option<String>,
    /// `proj:shape`: rows and columns.
    pub shape: Option<[usize; 2]>,
    /// `proj:transform`: from column and row to x and y, row by row. GDAL's order (c, a, b, f, d, e) is another.
    pub transform: Option<[f64; 6]>,
    /// `proj:bbox`: least x, least y, largest x, largest y.
    pub bbox: Option<[f64; 4]>,
}

/// How an item was made: the processing extension.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Processing {
    /// `processing:level`.
    pub level: Option<String>,
    /// `processing:lineage`, in words.
    pub lineage: Option<String>,
    /// `processing:software`: names and versions.
    pub software: Vec<(String, String)>,
    /// `processing:expression`: its format, and what it is.
    pub expression: Option<(String, Value)>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Asset {
    /// `href`, relative to the item.
    pub href: String,
    /// `title`.
    pub title: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// `type`.
    pub media_type: Option<String>,
    /// `roles`.
    pub roles: Vec<String>,
    /// `bands`, in the file's order.
    pub bands: Vec<Band>,
    /// Its own grid, where it is not the item's.
    pub projection: Option<Projection>,
    /// The SHA-256 of the file in hexadecimal digits, written as a multihash (`file:checksum`).
    pub sha256: Option<String>,
    /// `file:size`: bytes.
    pub size: Option<u64>,
    /// Further fields.
    pub fields: Fields,
}

/// A band of a file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Band {
    /// `name`.
    pub name: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// `eo:common_name`.
    pub common_name: Option<String>,
    /// `eo:center_wavelength` in micrometres.
    pub center_wavelength: Option<f64>,
    /// `data_type`, such as `uint16`.
    pub data_type: Option<String>,
    /// `nodata`; what JSON has no number for is written as text.
    pub nodata: Option<f64>,
    /// `unit` of the values after scale and offset.
    pub unit: Option<String>,
    /// `raster:scale`.
    pub scale: Option<f64>,
    /// `raster:offset`.
    pub offset: Option<f64>,
    /// `classification:classes`. Names are written with letters, digits, `-` and `_` alone, and whole as descriptions.
    pub classes: Vec<Class>,
    /// `classification:bitfields`. A single bit without classes gets two: the extension asks for some.
    pub bitfields: Vec<Bitfield>,
    /// Further fields.
    pub fields: Fields,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Link {
    /// `rel`.
    pub rel: String,
    /// `href`.
    pub href: String,
    /// `type`.
    pub media_type: Option<String>,
    /// `title`.
    pub title: Option<String>,
    /// Further fields, such as the share of a source in an image.
    pub fields: Fields,
}

/// A collection.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Collection {
    /// `id`.
    pub id: String,
    /// `title`.
    pub title: Option<String>,
    /// `description`, which STAC asks for.
    pub description: String,
    /// `license`: an SPDX expression, or `other`.
    pub license: String,
    /// `keywords`.
    pub keywords: Vec<String>,
    /// `providers`, as STAC has them.
    pub providers: Vec<Value>,
    /// Where and when.
    pub extent: Extent,
    /// `summaries`: values or ranges of the items' properties.
    pub summaries: Fields,
    /// `item_assets`: what the items' assets share, by key.
    pub item_assets: Vec<(String, Asset)>,
    /// Links, those to items too.
    pub links: Vec<Link>,
}

/// Where and when the items of a collection are.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Extent {
    /// West, south, east, north around all; west is larger than east across the antimeridian. The globe if not given.
    pub bbox: Option<[f64; 4]>,
    /// The first and the last time; an open interval if not given.
    pub interval: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Extent {
    /// Around these items.
    pub fn around<'a>(items: impl IntoIterator<Item = &'a Item>) -> Self {
        let mut extent = Self::default();
        let mut boxes = Vec::new();
        for item in items {
            boxes.extend(item.footprint.as_ref().map(|footprint| footprint.bbox));
            let (start, end) = match item.time {
                Time::At(time) => (time, time),
                Time::Between(start, end) => (start, end),
            };
            let (first, last) = extent.interval.unwrap_or((start, end));
            extent.interval = Some((first.min(start), last.max(end)));
        }
        extent.bbox = extent::around(&boxes);
        extent
    }
}

impl Item {
    /// The item as JSON.
    pub fn to_json(&self) -> Value {
        let mut properties = Fields::new();
        time(&mut properties, self.time);
        put(&mut properties, "title", self.title.as_ref());
        put(&mut properties, "description", self.description.as_ref());
        put(&mut properties, "created", self.created.map(timestamp));
        put(&mut properties, "platform", self.platform.as_ref());
        put(&mut properties, "constellation", self.constellation.as_ref());
        put(&mut properties, "instruments", some(&self.instruments));
        put(&mut properties, "gsd", self.gsd.and_then(finite));
        put(&mut properties, "grid:code", self.grid_code.as_ref());
        self.projection.iter().for_each(|projection| projection.put(&mut properties));
        self.processing.put(&mut properties);
        properties.extend(self.properties.clone());
        let assets: Fields = self.assets.iter().map(|(key, asset)| (key.clone(), asset.to_json())).collect();
        let links: Vec<Value> = self.links.iter().map(Link::to_json).collect();

        let mut out = Fields::new();
        put(&mut out, "type", Some("Feature"));
        put(&mut out, "stac_version", Some(VERSION));
        let mut parts = vec![&properties];
        parts.extend(assets.values().chain(&links).flat_map(objects));
        put(&mut out, "stac_extensions", Some(extensions(parts)));
        put(&mut out, "id", Some(&self.id));
        let geometry = self.footprint.as_ref().map_or(Value::Null, |footprint| footprint.geometry.clone());
        out.insert("geometry".into(), geometry);
        put(&mut out, "bbox", self.footprint.as_ref().map(|footprint| footprint.bbox));
        put(&mut out, "properties", Some(&properties));
        put(&mut out, "links", Some(links));
        put(&mut out, "assets", Some(&assets));
        put(&mut out, "collection", self.collection.as_ref());
        Value::Object(out)
    }
}

impl Collection {
    /// The collection as JSON.
    pub fn to_json(&self) -> Value {
        let mut out = Fields::new();
        put(&mut out, "type", Some("Collection"));
        put(&mut out, "stac_version", Some(VERSION));
        let definition = |(key, asset): &(String, Asset)| {
            let mut asset = asset.to_json();
            // A definition is of many files, and has no address.
            asset.as_object_mut().map(|asset| asset.shift_remove("href"));
            (key.clone(), asset)
        };
        let item_assets: Fields = self.item_assets.iter().map(definition).collect();
        let links: Vec<Value> = self.links.iter().map(Link::to_json).collect();
        let mut parts = vec![&self.summaries];
        parts.extend(item_assets.values().chain(&links).chain(&self.providers).flat_map(objects));
        put(&mut out, "stac_extensions", Some(extensions(parts)));
        put(&mut out, "id", Some(&self.id));
        put(&mut out, "title", self.title.as_ref());
        put(&mut out, "description", Some(&self.description));
        put(&mut out, "keywords", some(&self.keywords));
        put(&mut out, "license", Some(&self.license));
        put(&mut out, "providers", some(&self.providers));
        let interval = self.extent.interval.map(|(start, end)| [timestamp(start), timestamp(end)]);
        let interval = interval.map_or(json!([null, null]), |interval| json!(interval));
        let bbox = self.extent.bbox.unwrap_or([-180.0, -90.0, 180.0, 90.0]);
        let extent = json!({"spatial": {"bbox": [bbox]}, "temporal": {"interval": [interval]}});
        put(&mut out, "extent", Some(extent));
        put(&mut out, "summaries", (!self.summaries.is_empty()).then_some(&self.summaries));
        put(&mut out, "item_assets", (!item_assets.is_empty()).then_some(&item_assets));
        put(&mut out, "links", Some(links));
        Value::Object(out)
    }
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl Serialize for Collection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(serializer)
    }
}

impl Projection {
    fn put(&self, out: &mut Fields) {
        // Null says that there is no code, as the extension has it.
        out.insert("proj:code".into(), self.code.clone().map_or(Value::Null, Value::String));
        put(out, "proj:wkt2", self.wkt2.as_ref());
        put(out, "proj:shape", self.shape);
        put(out, "proj:transform", self.transform);
        put(out, "proj:bbox", self.bbox);
    }
}

impl Processing {
    fn put(&self, out: &mut Fields) {
        put(out, "processing:level", self.level.as_ref());
        put(out, "processing:lineage", self.lineage.as_ref());
        let software: Fields =
            self.software.iter().map(|(name, version)| (name.clone(), json!(version))).collect();
        put(out, "processing:software", (!software.is_empty()).then_some(software));
        let expression = self.expression.as_ref();
        put(
            out,
            "processing:expression",
            expression.map(|(format, what)| json!({"format": format, "expression": what})),
        );
    }
}

impl Asset {
    fn to_json(&self) -> Value {
        let mut out = Fields::new();
        put(&mut out, "href", Some(&self.href));
        put(&mut out, "title", self.title.as_ref());
        put(&mut out, "description", self.description.as_ref());
        put(&mut out, "type", self.media_type.as_ref());
        put(&mut out, "roles", some(&self.roles));
        self.projection.iter().for_each(|projection| projection.put(&mut out));
        // 12 20: SHA-256 of 32 bytes (<https://github.com/multiformats/multihash>).
        put(
            &mut out,
            "file:checksum",
            self.sha256.as_ref().map(|hash| format!("1220{}", hash.to_ascii_lowercase())),
        );
        put(&mut out, "file:size", self.size);
        let bands: Vec<Value> = self.bands.iter().map(Band::to_json).collect();
        put(&mut out, "bands", some(&bands));
        out.extend(self.fields.clone());
        Value::Object(out)
    }
}

impl Band {
    fn to_json(&self) -> Value {
        let mut out = Fields::new();
        put(&mut out, "name", self.name.as_ref());
        put(&mut out, "description", self.description.as_ref());
        put(&mut out, "eo:common_name", self.common_name.as_ref());
        put(&mut out, "eo:center_wavelength", self.center_wavelength.and_then(finite));
        put(&mut out, "data_type", self.data_type.as_ref());
        put(&mut out, "nodata", self.nodata.map(nodata));
        put(&mut out, "unit", self.unit.as_ref());
        put(&mut out, "raster:scale", self.scale.and_then(finite));
        put(&mut out, "raster:offset", self.offset.and_then(finite));
        let classes: Vec<Value> = self.classes.iter().map(class).collect();
        put(&mut out, "classification:classes", some(&classes));
        let bitfields: Vec<Value> = self.bitfields.iter().map(bitfield).collect();
        put(&mut out, "classification:bitfields", some(&bitfields));
        out.extend(self.fields.clone());
        Value::Object(out)
    }
}

impl Link {
    fn to_json(&self) -> Value {
        let mut out = Fields::new();
        put(&mut out, "rel", Some(&self.rel));
        put(&mut out, "href", Some(&self.href));
        put(&mut out, "type", self.media_type.as_ref());
        put(&mut out, "title", self.title.as_ref());
        out.extend(self.fields.clone());
        Value::Object(out)
    }
}

fn time(out: &mut Fields, time: Time) {
    match time {
        Time::At(time) => put(out, "datetime", Some(timestamp(time))),
        Time::Between(start, end) => {
            out.insert("datetime".into(), Value::Null);
            put(out, "start_datetime", Some(timestamp(start)));
            put(out, "end_datetime", Some(timestamp(end)));
        }
    }
}

fn class(class: &Class) -> Value {
    json!({"value": class.value, "name": machine_name(&class.name), "description": class.name})
}

fn bitfield(field: &Bitfield) -> Value {
    let flag = |value, name: String| Class { value, name };
    let classes = match (&field.classes[..], field.length) {
        ([], 1) => vec![flag(0, format!("not {}", field.name)), flag(1, field.name.clone())],
        (classes, _) => classes.to_vec(),
    };
    let classes: Vec<Value> = classes.iter().map(class).collect();
    json!({
        "name": machine_name(&field.name), "description": field.name, "offset": field.offset, "length": field.length,
        "classes": classes,
    })
}

/// The classification extension allows letters, digits, `-` and `_` in names.
fn machine_name(name: &str) -> String {
    let allowed = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    name.chars().map(allowed).collect()
}

fn timestamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

fn finite(number: f64) -> Option<f64> {
    number.is_finite().then_some(number)
}

/// A whole number is written without a fraction.
fn nodata(number: f64) -> Value {
    match number {
        n if n.is_nan() => "nan".into(),
        n if n.is_infinite() => if n > 0.0 { "inf" } else { "-inf" }.into(),
        n if n.fract() == 0.0 && n.abs() < 9e15 => json!(n as i64),
        n => json!(n),
    }
}

/// A list, if there is something in it.
fn some<T>(list: &[T]) -> Option<&[T]> {
    (!list.is_empty()).then_some(list)
}

/// Adds a member, if there is a value for it.
fn put<T: Serialize>(out: &mut Fields, name: &str, value: Option<T>) {
    // Texts, numbers and lists of them can always be written.
    if let Some(value) = value.and_then(|value| serde_json::to_value(value).ok()) {
        out.insert(name.into(), value);
    }
}

/// An object and those in its bands.
fn objects(value: &Value) -> Vec<&Fields> {
    let bands = value.get("bands").and_then(Value::as_array).into_iter().flatten();
    std::iter::once(value).chain(bands).filter_map(Value::as_object).collect()
}

/// The schemas of the extensions whose fields are used.
fn extensions(parts: Vec<&Fields>) -> Vec<String> {
    let names = parts.into_iter().flat_map(Fields::keys);
    let used: BTreeSet<&str> =
        names.filter_map(|name| name.split_once(':')).map(|(prefix, _)| prefix).collect();
    let known = EXTENSIONS.iter().filter(|(prefix, _)| used.contains(prefix));
    known.map(|(_, path)| format!("https://stac-extensions.github.io/{path}/schema.json")).collect()
}
