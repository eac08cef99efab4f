//! What is asked of the scenes ([`ScenesQuery`], [`ExplicitScene`]), what their names say ([`FoundScene`]),
//! and what their headers add ([`SceneSource`]). [`crate::discover`] leads from one to the next.

use crate::access::Access;
use crate::header::Tag;
use crate::preset::{Preset, Sensor};
use crate::tiles::BandRef;
use chrono::{DateTime, Utc};
use compose_core::quality::{self, OwnField};
use compose_core::{Day, Layout, SceneFacts, Sun};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// The places and names of scenes: `[scenes]` of a rules file.
#[derive(Clone, Debug, Default)]
pub struct ScenesQuery {
    /// Folder that relative paths start from.
    pub base: PathBuf,
    /// The product.
    pub preset: Option<&'static Preset>,
    /// Files, folders and globs.
    pub paths: Vec<String>,
    /// Regular expression that replaces the preset's.
    pub pattern: Option<String>,
    /// strptime format of the group `date`.
    pub date_format: Option<String>,
    /// `name`, `mtl`, or the name of a metadata item.
    pub date_from: Option<String>,
    /// The data bands wanted.
    pub bands: BandsWanted,
    /// Name of the main quality band.
    pub quality: Option<String>,
    /// Layout of the main quality band.
    pub layout: Option<String>,
    /// Values that mean "no data".
    pub nodata: Nodata,
    /// Value = number × scale + offset.
    pub scale: Option<f64>,
    /// Value = number × scale + offset.
    pub offset: Option<f64>,
    /// Whether samples that single precision cannot hold exactly are accepted.
    pub precision_f32: bool,
    /// The files that they may open besides local ones.
    pub access: Access,
    /// Whether files without a georeference stay without one, and may be put on each other pixel by pixel.
    pub georeference_none: bool,
    /// Rasters that others made of the scenes.
    pub beside: Vec<Beside>,
    /// The catalogue that lists the scenes, in place of paths.
    pub stac: Option<StacSource>,
    /// The names that rules may ask bands by. Of a catalogue's assets that are not wanted only these are opened; `None`:
    /// all of them.
    pub mentioned: Option<BTreeSet<String>>,
}

/// Where the items of a STAC catalogue come from.
#[derive(Clone, Debug, PartialEq)]
pub enum StacSource {
    /// An item, an item collection, a collection or a catalogue: a path or an address.
    Document(String),
    /// What an API answers.
    Search(Box<compose_stac::Search>),
}

/// A raster that others made of each scene, such as a cloud mask: `[[scenes.beside]]` of a rules file.
#[derive(Clone, Debug)]
pub struct Beside {
    /// Where it is.
    pub place: BesidePlace,
    /// Name of the band that it gives to the scene.
    pub band: String,
    /// Number of that band in the raster, from 1; `None`: the only one.
    pub number: Option<usize>,
    /// The meaning of its codes; without one its numbers are measurements.
    pub layout: Option<&'static Layout>,
    /// Values that mean "no data".
    pub nodata: Nodata,
    /// Whether scenes without it are left out; otherwise they are refused.
    pub skip: bool,
}

/// The place of a raster that others made of a scene.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BesidePlace {
    /// A glob with `{id}` for the scene's id.
    Files(String),
    /// The key of an asset of the scene's item.
    Asset(String),
}

/// The data bands wanted, in output order.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum BandsWanted {
    /// The bands of the preset, or those of the file.
    #[default]
    Default,
    /// By name, alias or description.
    List(Vec<String>),
    /// New names, each with where the band is found.
    Table(Vec<(String, BandChoice)>),
}

impl BandsWanted {
    /// The names, where they are said.
    pub fn names(&self) -> Option<Vec<String>> {
        match self {
            Self::Default => None,
            Self::List(names) => Some(names.clone()),
            Self::Table(table) => Some(table.iter().map(|(name, _)| name.clone()).collect()),
        }
    }
}

/// Where a band of a [`BandsWanted::Table`] is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BandChoice {
    /// The band of this number, from 1, of the file with many bands.
    Number(usize),
    /// The band of this description, or the file of this band name.
    Description(String),
}

/// The nodata of the inputs, as the rules file sets it.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Nodata {
    /// Nothing: the file's tag and the preset's values both count.
    #[default]
    Default,
    /// No value means "no data".
    None,
    /// These values, and no others.
    Values(Vec<f64>),
}

/// A scene said outright: `[[scene]]` of a rules file.
#[derive(Clone, Debug)]
pub struct ExplicitScene {
    /// Its name; the name of its first file says it otherwise.
    pub id: Option<String>,
    /// Day of acquisition; found like any other scene's otherwise.
    pub day: Option<Day>,
    /// Where its pixels are.
    pub files: ExplicitFiles,
    /// All other settings, its own before those of `[scenes]`; `paths` is not read.
    pub query: ScenesQuery,
}

/// The files of an [`ExplicitScene`]: a file with many bands, files with one band each, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExplicitFiles {
    /// The file with many bands; `query.bands` says which is which.
    pub stack: Option<String>,
    /// The files with one band each: band name and path.
    pub per_band: Vec<(String, String)>,
}

/// A scene as far as names, MTL files, catalogues and (for its date alone) metadata items say.
#[derive(Clone, Debug, Default)]
pub struct FoundScene {
    /// Unique name.
    pub id: String,
    /// Day of acquisition; `None` where nothing says it.
    pub day: Option<Day>,
    /// Its files: that with many bands first, then by band.
    pub files: Vec<FoundFile>,
    /// The sensor, under a preset, where a name says it.
    pub sensor: Option<&'static Sensor>,
    /// Processing baseline, where a name says it: 400 for `N0400`.
    pub baseline: Option<u32>,
    /// The MTL file beside its files.
    pub mtl: Option<PathBuf>,
    /// Notes for the plan.
    pub notes: Vec<String>,
    /// The masks made by others that it does not have.
    pub without: Vec<Without>,
    /// Why it does not take part, where finding it told: a newer processing of the same acquisition is there.
    pub left_out: Option<String>,
    /// The product, where its collection told it.
    pub preset: Option<&'static Preset>,
    /// The position of the sun, where a catalogue says it.
    pub sun: Option<Sun>,
    /// What a catalogue says of it, if one lists it.
    pub item: Option<ItemFacts>,
}

/// What a catalogue says of a scene beside its files.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemFacts {
    /// The document that describes it: a path, or an address without a query.
    pub document: String,
    /// When it was taken.
    pub time: DateTime<Utc>,
    /// The satellite.
    pub platform: Option<String>,
    /// Its family of satellites.
    pub constellation: Option<String>,
    /// The tile or frame that it covers: `MGRS-33TWL`.
    pub grid_code: Option<String>,
}

/// A mask made by others that a scene does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Without {
    /// Number of the mask in [`ScenesQuery::beside`].
    pub beside: usize,
    /// What was looked for.
    pub reason: String,
}

/// A file of a scene.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundFile {
    /// Where it is.
    pub path: PathBuf,
    /// The band that it holds; `None` where the file itself says which bands it has.
    pub band: Option<String>,
    /// Pixel size in metres, where the name says it.
    pub metres: Option<u32>,
    /// Number in [`ScenesQuery::beside`], for a raster that others made of the scene.
    pub beside: Option<usize>,
    /// Number of `band` in the file, from 1; `None` for the one band of its file.
    pub number: Option<usize>,
    /// What a catalogue says of it.
    pub asset: Option<AssetFacts>,
}

impl FoundFile {
    /// A file with a band.
    pub fn new(path: PathBuf, band: Option<String>) -> Self {
        Self { path, band, metres: None, beside: None, number: None, asset: None }
    }
}

/// What a catalogue says of an asset, or of one of its bands.
#[derive(Clone, Debug, PartialEq)]
pub struct AssetFacts {
    /// Its key in the item.
    pub key: String,
    /// Why it cannot be used.
    pub flaw: Option<String>,
    /// Other names of the band.
    pub aliases: Vec<String>,
    /// The number that means "no data".
    pub nodata: Option<f64>,
    /// Value = number × scale + offset.
    pub scale: Option<f64>,
    /// Value = number × scale + offset.
    pub offset: Offset,
    /// The meaning of its codes.
    pub codes: Option<Codes>,
    /// Rows and columns.
    pub shape: Option<[usize; 2]>,
    /// From column and row to x and y: a b c d e f of x = a·column + b·row + c and y = d·column + e·row + f.
    pub transform: Option<[f64; 6]>,
    /// Its coordinate system: a code or WKT.
    pub crs: Option<String>,
}

/// What a catalogue says of the offset of a band.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Offset {
    /// Nothing.
    Unknown,
    /// It is this one.
    Stated(f64),
    /// It is this one, and the numbers do not have it yet (`earthsearch:boa_offset_applied` is false).
    NotApplied(f64),
    /// The numbers have it already (`earthsearch:boa_offset_applied`): it is 0, whatever the band states.
    Applied,
}

impl Offset {
    /// The offset of the numbers as they are stored; `other` where the catalogue says nothing.
    pub fn or(self, other: Option<f64>) -> Option<f64> {
        match self {
            Self::Unknown => other,
            Self::Stated(offset) | Self::NotApplied(offset) => Some(offset),
            Self::Applied => Some(0.0),
        }
    }
}

/// What a catalogue says of the codes of a band (`classification` extension).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Codes {
    /// Each number is a class.
    Classes(Vec<(u32, String)>),
    /// Bits have meanings.
    Fields(Vec<OwnField>),
}

impl Codes {
    /// The layout that they describe.
    ///
    /// # Errors
    /// They contradict themselves: what follows "the description".
    pub fn layout(&self, name: &str) -> Result<&'static Layout, String> {
        const SOURCE: &str = "the item's classification";
        match self {
            Self::Classes(classes) => quality::of_classes(name, SOURCE, classes),
            Self::Fields(fields) => quality::of_fields(name, SOURCE, fields.clone()),
        }
    }
}

/// All that was found for a query.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The scenes, by (day, id); those without a day last.
    pub scenes: Vec<FoundScene>,
    /// Notes about files that were left out, for the plan.
    pub notes: Vec<String>,
    /// The files of the catalogue that lists the scenes.
    pub documents: Vec<PathBuf>,
}

/// A scene with its headers read: all that reading pixels needs.
#[derive(Clone, Debug)]
pub struct SceneSource {
    /// The facts that rules and strategies see.
    pub facts: SceneFacts,
    /// How to read each of `facts.bands`.
    pub refs: Vec<BandRef>,
    /// Whether every wanted band has a geotransform.
    pub georeferenced: bool,
    /// Notes for the plan.
    pub notes: Vec<String>,
    /// The files behind `refs`, each once, and what these are made of besides themselves.
    pub files: Vec<PathBuf>,
    /// Metadata items of the first wanted band's file.
    pub tags: Vec<Tag>,
}
