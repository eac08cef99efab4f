//! The form of a plan file: what stands in it, in its order.

use compose_core::{Learned, exact};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::PathBuf;

/// The version of this form, and of what is made of it: a program that may give other bits for the same plan has another
/// number. A plan of another version is refused.
pub const PLAN_VERSION: u32 = 2;

/// A plan that is carried out elsewhere, or later: everything that was decided, and what the survey found.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SavedPlan {
    /// The version of the form.
    pub plan_version: u32,
    /// Versions of the programs that made it.
    pub made_by: MadeBy,
    /// The folder that relative paths start from, absolute.
    pub folder: PathBuf,
    /// The rules file.
    pub rules: SavedRules,
    /// The options of the command line that stand above the rules file.
    pub options: SavedOptions,
    /// The plugins that the rules file names.
    pub plugins: Vec<SavedPlugin>,
    /// The file whose grid is taken, and what is read with it.
    pub like: Vec<FileState>,
    /// The file of the area, and what is read with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub area: Vec<FileState>,
    /// Every scene as it was found, those left out among them, in order of (date, id).
    pub found: Vec<FoundScene>,
    /// The documents of the catalogues that list them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<PathBuf>,
    /// Notes about files that were passed over.
    pub passed_over: Vec<String>,
    /// The coordinate systems of all grids, as WKT.
    pub systems: Vec<String>,
    /// The bands of the outputs.
    pub bands: Vec<String>,
    /// Whether validity is `joint` or `per-band`.
    pub validity: String,
    /// The scenes that take part, by index: what their headers say.
    pub scenes: Vec<SavedScene>,
    /// The outputs, left-out ones among them.
    pub outputs: Vec<SavedOutput>,
    /// What one worker needs. It changes no result, and is not compared.
    pub work: SavedWork,
    /// What the survey found.
    pub survey: SavedSurvey,
}

/// Versions of the programs that made a plan; for information.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[allow(missing_docs)]
pub struct MadeBy {
    pub compose: String,
    pub gdal: String,
}

/// The rules file as it was read.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SavedRules {
    /// As given on the command line.
    pub file: PathBuf,
    /// Its text.
    pub text: String,
}

/// The options of the command line that stand above the rules file. What was not said is not there.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[allow(missing_docs)]
pub struct SavedOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<PathBuf>,
    #[serde(skip_serializing_if = "is_false")]
    pub quicklook: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub no_provenance: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", with = "exact")]
    #[schemars(with = "Option<Value>")]
    pub src_nodata: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none", with = "exact")]
    #[schemars(with = "Option<Value>")]
    pub bounds: Option<[f64; 4]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounds_crs: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dst_crs: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub res: Option<(f64, f64)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub like: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area_layer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area_filter: Option<String>,
    #[serde(skip_serializing_if = "is_false")]
    pub area_touch: bool,
    #[serde(skip_serializing_if = "is_false")]
    pub tap: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resampling: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dtype: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", with = "exact")]
    #[schemars(with = "Option<Value>")]
    pub nodata: Option<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub creation_options: Vec<(String, String)>,
}

fn is_false(said: &bool) -> bool {
    !said
}

/// A plugin.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SavedPlugin {
    /// The library.
    pub file: PathBuf,
    /// Its SHA-256, in hexadecimal digits.
    pub sha256: String,
}

/// A file that is read, and what it was like.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FileState {
    /// Its path.
    pub file: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// When it was changed, in nanoseconds since 1970; null where the file system does not tell.
    pub modified: Option<i64>,
}

/// A scene as far as names and MTL files say.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FoundScene {
    /// Its name.
    pub id: String,
    /// Day of acquisition, YYYY-MM-DD.
    pub date: Option<String>,
    /// The table that asks for it.
    pub table: FoundBy,
    /// Its files: that with many bands first, then by band.
    pub files: Vec<FoundFile>,
    /// The sensor, under a preset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensor: Option<String>,
    /// Processing baseline: 400 for `N0400`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<u32>,
    /// The MTL file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtl: Option<PathBuf>,
    /// Notes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The masks made by others that it does not have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<FoundWithout>,
    /// Why it does not take part, where finding it told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<String>,
    /// The product, where its collection told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<String>,
    /// The sun as a catalogue has it: elevation and azimuth in degrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sun: Option<(f64, f64)>,
    /// What a catalogue says of it, if one lists it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<FoundItem>,
}

/// What a catalogue says of a scene beside its files.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FoundItem {
    /// The document that describes it.
    pub document: String,
    /// When it was taken, RFC 3339.
    pub time: String,
    /// The satellite.
    pub platform: Option<String>,
    /// Its family of satellites.
    pub constellation: Option<String>,
    /// The tile or frame that it covers.
    pub grid_code: Option<String>,
}

/// A table of the rules file that asks for scenes, by its number from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FoundBy {
    /// `[scenes]`.
    Scenes(usize),
    /// `[[scene]]`.
    Scene(usize),
}

/// A file of a scene.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FoundFile {
    /// Its path.
    pub file: PathBuf,
    /// The band that it holds; absent where the file itself says which it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<String>,
    /// Pixel size in metres, where the name says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metres: Option<u32>,
    /// Number of the `[[scenes.beside]]` that it answers, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<usize>,
    /// Number of the band in the file, from 1; absent for the one band of its file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<usize>,
    /// What a catalogue says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset: Option<FoundAsset>,
}

/// What a catalogue says of an asset, or of one of its bands.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FoundAsset {
    /// Its key in the item.
    pub key: String,
    /// Why it cannot be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flaw: Option<String>,
    /// Other names of the band.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// The number that means "no data".
    #[serde(with = "exact", default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Value>")]
    pub nodata: Option<f64>,
    /// Value = number × scale + offset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<f64>,
    /// The offset that the band states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<f64>,
    /// Whether its numbers have the offset already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset_applied: Option<bool>,
    /// Its codes that are classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<(u32, String)>>,
    /// The bits of its codes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bits: Option<Vec<FoundBits>>,
    /// Rows and columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<[usize; 2]>,
    /// From column and row to x and y.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transform: Option<[f64; 6]>,
    /// Its coordinate system: a code or WKT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crs: Option<String>,
}

/// Bits of a code that mean something together.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FoundBits {
    /// Their name.
    pub name: String,
    /// The lowest bit.
    pub offset: u32,
    /// How many bits.
    pub width: u32,
    /// What their values mean; none for a flag.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<(u32, String)>,
}

/// A mask made by others that a scene does not have.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FoundWithout {
    /// Number of the `[[scenes.beside]]`, from 0.
    pub beside: usize,
    /// What was looked for.
    pub reason: String,
}

/// A scene that takes part: everything in its headers that decides pixels, whatever the output.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SavedScene {
    /// Its place in the order of (date, id), as in the provenance file.
    pub index: usize,
    /// Its name.
    pub id: String,
    /// Day of acquisition, YYYY-MM-DD.
    pub date: Option<String>,
    /// Every file that its pixels come from.
    pub files: Vec<FileState>,
    /// Whether its grids have a place on the map.
    pub georeferenced: bool,
    /// Position of the sun: elevation and azimuth in degrees.
    #[serde(with = "exact")]
    #[schemars(with = "Option<(Value, Value)>")]
    pub sun: Option<(f64, f64)>,
    /// Its bands: those of the output first.
    pub bands: Vec<SavedBand>,
    /// How the bands that mask rules read come to the grids of the bands of the output.
    pub quality_alignment: Vec<String>,
}

/// A band of a scene.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SavedBand {
    /// Its name.
    pub name: String,
    /// The file that holds it.
    pub file: PathBuf,
    /// Its number there, from 1.
    pub number: usize,
    /// Its sample type.
    #[serde(rename = "type")]
    pub dtype: String,
    /// The numbers that mean "no data", those that the survey found not among them.
    #[serde(with = "exact")]
    #[schemars(with = "Vec<Value>")]
    pub nodata: Vec<f64>,
    /// Value = number × scale + offset, where known.
    #[serde(with = "exact")]
    #[schemars(with = "Option<(Value, Value)>")]
    pub scale_offset: Option<(f64, f64)>,
    /// Its grid.
    pub grid: SavedGrid,
}

/// A grid.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SavedGrid {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// Pixel to map, in GDAL's order: x of the left edge, width of a pixel, 0, y of the upper edge, 0, height of a pixel
    /// (negative where north is up).
    pub transform: [f64; 6],
    /// Its coordinate system, by its place in `systems`; null where there is none.
    pub system: Option<usize>,
}

/// An output: what was decided before a pixel was read.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SavedOutput {
    /// The scene that is repaired, where there is one.
    pub target: Option<String>,
    /// The date that distances are measured from.
    pub target_date: Option<String>,
    /// Its grid.
    pub grid: SavedGrid,
    /// Why this grid.
    pub grid_reason: String,
    /// The area that it is limited to, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub area: Option<SavedArea>,
    /// The sample type.
    #[serde(rename = "type")]
    pub dtype: String,
    /// The value that means "no data".
    #[serde(with = "exact")]
    #[schemars(with = "Option<Value>")]
    pub nodata: Option<f64>,
    /// The files that are written; with tiles a pattern for each.
    pub files: Vec<SavedFile>,
    /// The tiles that it comes in, where it is not one image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tiles: Option<SavedTiles>,
    /// The strategies, in their order.
    pub fills: Vec<String>,
    /// The scenes that the survey reads, by index: a change of one of them may change any pixel.
    pub surveyed: Vec<usize>,
    /// How each scene comes to the grid, by index.
    pub scenes: Vec<SavedPlace>,
}

/// The pixels that an output is limited to.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SavedArea {
    /// The number of its polygons.
    pub polygons: usize,
    /// The number of pixels that it takes.
    pub pixels: u64,
    /// The same of each tile, row by row; empty where the output is one image.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub of_tiles: Vec<u64>,
    /// The SHA-256 of the vertices in pixels of the grid, and of how pixels are taken: GDAL's and PROJ's answer is in it.
    pub sha256: String,
}

/// How an output is cut into tiles, from the upper left corner of its grid.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SavedTiles {
    /// Columns of a tile; the last may have fewer.
    pub width: usize,
    /// Rows of a tile; the last may have fewer.
    pub height: usize,
    /// Pixels around a tile on each side that its fills may look at.
    pub margin: usize,
    /// Whether a tile may have pixels though no scene reaches it.
    pub everywhere: bool,
    /// Whether a fill depends on donors that do not reach the tile.
    pub all_donors: bool,
    /// The donors of each fill, by index, in their order.
    pub donors: Vec<Vec<usize>>,
}

/// A file that is written.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SavedFile {
    /// The setting that asks for it; `path` is the image.
    pub setting: String,
    /// Its path.
    pub file: PathBuf,
}

/// How a scene comes to the grid of an output: everything about it that decides pixels there.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SavedPlace {
    /// The scene.
    pub scene: usize,
    /// In words, for each grid of its bands.
    pub alignment: Vec<String>,
    /// For each of them, where the centres of the upper left, upper right, middle, lower left and lower right pixel of the
    /// output lie on it, in pixels: GDAL's and PROJ's answer. Empty where pixels are pasted, or nothing is in common.
    #[serde(with = "exact")]
    #[schemars(with = "Vec<Vec<(Value, Value)>>")]
    pub corners: Vec<Vec<(f64, f64)>>,
    /// The part of the output's grid that its pixels may lie in: column, row, width, height; null where none does.
    pub reach: Option<[i64; 4]>,
    /// Per band of the output: gain and bias to the numbers of the target, where they differ.
    #[serde(with = "exact")]
    #[schemars(with = "Vec<Option<(Value, Value)>>")]
    pub radiometry: Vec<Option<(f64, f64)>>,
    /// The scenes that its mask rules compare it with, by index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compared_with: Vec<usize>,
}

/// What one worker needs at most, under the memory limit that was said or the usual one.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SavedWork {
    /// Bytes for a block and all that comes with it.
    pub bytes: u64,
    /// Per output: columns and rows of a block.
    pub blocks: Vec<(usize, usize)>,
}

/// What the survey found.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SavedSurvey {
    /// Numbers that mean "no data" though nobody declared them.
    pub nodata: Vec<SavedNodata>,
    /// Remarks.
    pub notes: Vec<String>,
    /// By output.
    pub outputs: Vec<SavedFit>,
}

/// Numbers of a band that mean "no data" though nobody declared them.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SavedNodata {
    /// The scene.
    pub scene: usize,
    /// The band, by its place among those of the scene.
    pub band: usize,
    /// The numbers, as stored.
    #[serde(with = "exact")]
    #[schemars(with = "Vec<Value>")]
    pub numbers: Vec<f64>,
}

/// What the survey found for an output.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SavedFit {
    /// Whether the target is left out, because the rules let no more of it be masked.
    #[serde(default, skip_serializing_if = "is_false")]
    pub left_out: bool,
    /// The count of the target's masked pixels, if it was made.
    pub masked: Option<SavedMasked>,
    /// The places of the sample, in words.
    pub sample: Option<String>,
    /// What mask rules that compare scenes learned.
    pub masks: Vec<SavedMask>,
    /// What each strategy learned; none where the target is left out.
    pub fills: Vec<Learned>,
}

/// How much of a target is masked.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SavedMasked {
    /// Pixels with data.
    pub pixels: u64,
    /// The masked ones among them.
    pub masked: u64,
    /// Percent of the grid that was counted.
    pub looked_at: f64,
    /// Whether more may be masked.
    pub at_least: bool,
}

/// What a mask rule learned of a scene.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SavedMask {
    /// The scene.
    pub scene: usize,
    /// The rule, by its place in the rules file.
    pub rule: usize,
    /// What it learned.
    pub learned: Learned,
}
