//! The command line: names that users of rasterio and GDAL already know.

// The doc comments are the help texts: `[output]` means a table of the rules file, not an item.
#![allow(rustdoc::broken_intra_doc_links)]

use clap::{ArgAction, Args, Parser, Subcommand};
use compose_engine::options::BlockSize;
use compose_engine::run::Share;
use std::path::PathBuf;

/// Masks, aligns and fills dated satellite scenes as a rules file says.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, arg_required_else_help = true)]
#[command(
    after_help = "Exit status: 0 done; 1 done, but gaps remain and --require-complete was given; 2 refused or failed."
)]
pub struct Cli {
    /// What to do instead of a run.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// A run.
    #[command(flatten)]
    pub run: RunArgs,
}

/// What to do instead of a run.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Hides clear pixels of the target, lets every strategy fill them, and compares with what was there
    Evaluate(EvaluateArgs),
    /// Says whether files are what the run wrote that their report is of
    Check(CheckSetsArgs),
    /// Says which tiles of a plan are done, running and missing
    Status(StatusArgs),
    /// Shows grid, date and bands of files; for quality bands each code, its share and its meaning
    Inspect(InspectArgs),
    /// Lists mask rules, scores and fill strategies, or shows the page of one
    Kinds(KindsArgs),
    /// Prints the JSON schema of rules files, or of plan files
    Schema(SchemaArgs),
    /// Checks a plugin, or starts a new one
    Plugin(PluginArgs),
}

/// `compose check`.
#[derive(Debug, Args)]
pub struct CheckSetsArgs {
    /// Reports that runs left beside their images; the files that they list are looked for from where they lie
    #[arg(required = true, value_name = "REPORT.json")]
    pub reports: Vec<PathBuf>,
}

/// `compose status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// The plan file
    #[arg(value_name = "PLAN.json")]
    pub plan: PathBuf,
}

/// `compose kinds`.
#[derive(Debug, Args)]
pub struct KindsArgs {
    /// A kind, such as `bits` or `nearest-date`
    pub name: Option<String>,
    /// Plugins whose kinds count too
    #[command(flatten)]
    pub plugins: PluginsArgs,
}

/// Which plugins to load.
#[derive(Debug, Default, Args)]
pub struct PluginsArgs {
    /// Also load this plugin
    #[arg(long = "plugin", value_name = "LIBRARY")]
    pub files: Vec<PathBuf>,
    /// Also load the plugins that this rules file names
    #[arg(long, value_name = "RULES.toml")]
    pub rules: Option<PathBuf>,
}

/// `compose schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// That of plan files
    #[arg(long, conflicts_with_all = ["files", "rules"])]
    pub plan: bool,
    /// Plugins whose kinds count too
    #[command(flatten)]
    pub plugins: PluginsArgs,
}

/// `compose plugin`.
#[derive(Debug, Args)]
pub struct PluginArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: PluginCommand,
}

/// What to do with plugins.
#[derive(Debug, Subcommand)]
pub enum PluginCommand {
    /// Tries a plugin in a process of its own: descriptors, settings, plans, pixels; says what is wrong
    Check(CheckArgs),
    /// Writes a folder with a mask rule that builds and passes the check, to be changed
    New(NewArgs),
}

/// `compose plugin check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The library
    #[arg(value_name = "LIBRARY")]
    pub file: PathBuf,
    /// Settings for the trials: those of the first table of each kind in this rules file
    #[arg(long, value_name = "RULES.toml")]
    pub rules: Option<PathBuf>,
    /// Seconds that one trial may take
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86400))]
    pub timeout: u64,
    /// Does one trial in this process, and says nothing but its findings (how `check` starts itself)
    #[arg(long, hide = true, value_name = "KIND/TRIAL")]
    pub trial: Option<String>,
    /// Does trials in this process, this one and those after it until one finds a fault
    #[arg(long, hide = true, value_name = "KIND/TRIAL", conflicts_with = "trial")]
    pub trials_from: Option<String>,
}

/// `compose plugin new`.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// Name of the rule, and of the folder that is made
    pub name: String,
    /// The language
    #[arg(long)]
    pub lang: Language,
}

/// What a plugin can be started in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// C11
    C,
    /// Rust
    Rust,
}

/// `compose evaluate`.
#[derive(Debug, Args)]
pub struct EvaluateArgs {
    /// The rules file: scenes, target, masks; its fills are tried one by one
    #[arg(long, value_name = "RULES.toml")]
    pub rules: PathBuf,
    /// What is hidden (see the manual); stripes, discs, clouds and the donors' masks where this is not said
    #[arg(long, value_name = "CASES.toml")]
    pub cases: Option<PathBuf>,
    /// Strategies to try with their defaults besides the rules file's fills and a plain copy of the nearest date; or
    /// "none"
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "median-stack,regress,multi-regress,seamless"
    )]
    pub strategies: Vec<String>,
    /// Folder for the table as CSV and JSON, the cases, and a picture of each case
    #[arg(short, long, visible_alias = "out", value_name = "FOLDER")]
    pub output: Option<PathBuf>,
    /// Replace files that exist
    #[arg(long)]
    pub overwrite: bool,
    /// The scene to hide pixels of, or "each" (instead of [target] scene)
    #[arg(long, value_name = "ID")]
    pub target: Option<String>,
    /// Bounds of the grid: "left bottom right top", spaces or commas
    #[arg(long, visible_alias = "bbox", value_name = "L B R T", value_parser = bounds, allow_hyphen_values = true)]
    pub bounds: Option<[f64; 4]>,
    /// The area, which pixels are limited to
    #[command(flatten)]
    pub area: AreaArgs,
    /// Workers; where this is not said one more than cores, or what memory lets
    #[arg(short = 'j', long = "threads", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Memory that a fill keeps to, such as 500MB or 2GB; truth and fills of a case come on top
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub mem_limit: Option<u64>,
    /// Say nothing but the table and errors
    #[arg(short, long)]
    pub quiet: bool,
}

/// The area that an output is limited to.
#[derive(Debug, Default, Args)]
pub struct AreaArgs {
    /// Take the grid around the polygons of this file (GeoJSON, GeoPackage, Shapefile, FlatGeobuf); pixels whose centre lies
    /// outside are nodata
    #[arg(long = "area", value_name = "FILE")]
    pub area: Option<PathBuf>,
    /// The layer of --area, where the file has several
    #[arg(long, value_name = "NAME", requires = "area")]
    pub area_layer: Option<String>,
    /// The features of --area, by a condition as that of WHERE in SQL
    #[arg(long, value_name = "CONDITION", requires = "area")]
    pub area_filter: Option<String>,
    /// Also take pixels that the polygons of --area touch
    #[arg(long, requires = "area")]
    pub area_touch: bool,
}

/// `compose inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// Raster files
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Also say which mask rules of this rules file would take each code
    #[arg(long, value_name = "RULES.toml")]
    pub rules: Option<PathBuf>,
    /// The quality band: its name, description or number
    #[arg(long, value_name = "BAND")]
    pub quality: Option<String>,
    /// Bit layout of the quality band, such as landsat-c2-l89
    #[arg(long)]
    pub layout: Option<String>,
}

/// The options that decide the answer, or which files are written: a plan file has them.
const DECIDING: [&str; 24] = [
    "rules",
    "save_plan",
    "positional_output",
    "output",
    "quicklook",
    "no_provenance",
    "target",
    "date",
    "src_nodata",
    "bounds",
    "bounds_crs",
    "dst_crs",
    "res",
    "like",
    "area",
    "area_layer",
    "area_filter",
    "area_touch",
    "tap",
    "resampling",
    "format",
    "dtype",
    "nodata",
    "creation_options",
];

/// `compose --rules FILE`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// The rules file
    #[arg(long, value_name = "RULES.toml", required_unless_present = "from_plan")]
    pub rules: Option<PathBuf>,
    /// Write everything that was decided, and what the survey found, to a plan file, and end
    #[arg(long, value_name = "PLAN.json", conflicts_with_all = ["plan", "explain", "part", "tile", "resume"])]
    pub save_plan: Option<PathBuf>,
    /// Carry out a plan file: no survey, and the same bits as from the rules file. What decides the answer cannot be said
    /// anew
    #[arg(long, value_name = "PLAN.json", conflicts_with_all = DECIDING)]
    pub from_plan: Option<PathBuf>,
    /// The image to write (instead of [output] path)
    #[arg(value_name = "OUTPUT", conflicts_with = "output")]
    pub positional_output: Option<PathBuf>,
    /// The image to write (instead of [output] path)
    #[arg(short, long, visible_alias = "out", value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Print what would be done, and why; write nothing
    #[arg(long, visible_alias = "dry-run")]
    pub plan: bool,
    /// Explain the output pixel at map coordinates "x y": what every scene has there, and what became of it
    #[arg(long, value_name = "X Y", value_parser = point, allow_hyphen_values = true, conflicts_with = "plan")]
    pub explain: Option<(f64, f64)>,
    /// Replace files that exist
    #[arg(long)]
    pub overwrite: bool,
    /// Of the tiles of [grid] tile-size do one part of several, such as 3/40; parts cost about the same
    #[arg(long, value_name = "K/N", conflicts_with_all = ["plan", "explain"])]
    pub part: Option<Share>,
    /// Do one tile, such as r003_c012
    #[arg(long, value_name = "TILE", conflicts_with_all = ["plan", "explain", "part"])]
    pub tile: Option<String>,
    /// Keep tiles of the same plan that are whole, and do all others again
    #[arg(long, conflicts_with_all = ["plan", "explain", "overwrite"])]
    pub resume: bool,
    /// Write PNG pictures beside the image: before, mask, after, sources
    #[arg(long)]
    pub quicklook: bool,
    /// Write no provenance file
    #[arg(long)]
    pub no_provenance: bool,
    /// Exit with status 1 when gaps remain
    #[arg(long)]
    pub require_complete: bool,
    /// Workers; where this is not said one more than cores, or what memory lets
    #[arg(short = 'j', long = "threads", visible_alias = "num-threads", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Memory to keep to, such as 500MB or 2GB
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub mem_limit: Option<u64>,
    /// Edge of the blocks that are composed at a time, in pixels, or "whole"; never changes the result
    #[arg(long, value_name = "N", value_parser = block_size)]
    pub block_size: Option<BlockSize>,
    /// Read every file by GDAL, even where it could be read directly; never changes the result
    #[arg(long)]
    pub force_gdal: bool,
    /// The scene to repair, or "each" (instead of [target] scene)
    #[arg(long, value_name = "ID")]
    pub target: Option<String>,
    /// Without a scene to repair: the date that distances are measured from (instead of [target] date)
    #[arg(short, long, value_name = "YYYY-MM-DD")]
    pub date: Option<chrono::NaiveDate>,
    /// Nodata value of the inputs (instead of [scenes] nodata and the files' own)
    #[arg(long, value_name = "NUMBER", value_parser = number, allow_hyphen_values = true)]
    pub src_nodata: Option<f64>,
    /// Bounds of the grid: "left bottom right top", spaces or commas; moved outward to the target's pixels
    #[arg(long, visible_alias = "bbox", value_name = "L B R T", value_parser = bounds, allow_hyphen_values = true)]
    pub bounds: Option<[f64; 4]>,
    /// Coordinate system of --bounds, where it is not that of the grid
    #[arg(long, visible_alias = "bbox-crs", value_name = "CRS", requires = "bounds")]
    pub bounds_crs: Option<String>,
    /// Coordinate system of the grid
    #[arg(long, visible_alias = "output-crs", value_name = "CRS")]
    pub dst_crs: Option<String>,
    /// Pixel size of the grid: one number, or "x,y"
    #[arg(long, visible_alias = "resolution", value_name = "SIZE", value_parser = resolution, allow_hyphen_values = true)]
    pub res: Option<(f64, f64)>,
    /// Take the grid of this file
    #[arg(long, value_name = "FILE")]
    pub like: Option<PathBuf>,
    /// The area, which pixels are limited to
    #[command(flatten)]
    pub area: AreaArgs,
    /// Move the bounds outward to whole multiples of the resolution, not to the target's pixels: it is then resampled
    /// where these lie between
    #[arg(long, visible_alias = "target-aligned-pixels")]
    pub tap: bool,
    /// nearest, bilinear or cubic, for scenes that are no whole-pixel shift away
    #[arg(short, long, value_name = "METHOD")]
    pub resampling: Option<String>,
    /// gtiff or cog
    #[arg(short, long, visible_alias = "of", value_name = "FORMAT")]
    pub format: Option<String>,
    /// Sample type of the output
    #[arg(short = 't', long, visible_alias = "ot", value_name = "TYPE")]
    pub dtype: Option<String>,
    /// Nodata value of the output: a number or "nan"
    #[arg(long, value_name = "NUMBER", value_parser = number, allow_hyphen_values = true)]
    pub nodata: Option<f64>,
    /// GDAL creation option of the image, NAME=VALUE
    #[arg(long = "co", visible_alias = "creation-option", value_name = "NAME=VALUE", value_parser = creation_option)]
    pub creation_options: Vec<(String, String)>,
    /// Say more: print the plan before the run
    #[arg(short, long, action = ArgAction::Count, conflicts_with = "quiet")]
    pub verbose: u8,
    /// Say nothing but errors
    #[arg(short, long)]
    pub quiet: bool,
}

fn number(text: &str) -> Result<f64, String> {
    text.trim().parse().map_err(|_| format!("\"{text}\" is not a number"))
}

fn numbers(text: &str) -> Result<Vec<f64>, String> {
    text.split([',', ' ']).filter(|t| !t.is_empty()).map(number).collect()
}

fn bounds(text: &str) -> Result<[f64; 4], String> {
    numbers(text)?.try_into().map_err(|_| "expected four numbers: left bottom right top".into())
}

fn point(text: &str) -> Result<(f64, f64), String> {
    let pair: [f64; 2] = numbers(text)?.try_into().map_err(|_| "expected two numbers: x y".to_owned())?;
    Ok(pair.into())
}

fn resolution(text: &str) -> Result<(f64, f64), String> {
    let pair = match numbers(text)?[..] {
        [r] => (r, r),
        [x, y] => (x, y),
        _ => return Err("expected one number, or x,y".into()),
    };
    let positive = |v: f64| v.is_finite() && v > 0.0;
    if positive(pair.0) && positive(pair.1) { Ok(pair) } else { Err("expected positive numbers".into()) }
}

fn creation_option(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    pair.map(|(name, value)| (name.to_owned(), value.to_owned())).ok_or_else(|| "expected NAME=VALUE".into())
}

fn block_size(text: &str) -> Result<BlockSize, String> {
    if text == "whole" {
        return Ok(BlockSize::Whole);
    }
    let pixels = text.parse().ok().filter(|n| (1..=65536).contains(n));
    pixels
        .map(BlockSize::Pixels)
        .ok_or_else(|| "expected a number of pixels from 1 to 65536, or whole".into())
}

/// Bytes of `500MB`, `2GB`, `1.5GiB`; a bare number is MB, as for GDAL and rasterio.
fn size(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (value, unit) = text.split_at(digits);
    let factor = match unit.trim().to_lowercase().as_str() {
        "" | "m" | "mb" | "mib" => 1 << 20,
        "k" | "kb" | "kib" => 1 << 10,
        "g" | "gb" | "gib" => 1 << 30,
        "b" => 1,
        _ => return Err(format!("\"{unit}\" is not a unit; expected a size such as 500MB or 2GB")),
    };
    let value: f64 = value.parse().map_err(|_| "expected a size such as 500MB or 2GB".to_owned())?;
    let bytes = value * f64::from(factor);
    if (1.0..1e18).contains(&bytes) {
        Ok(bytes as u64)
    } else {
        Err("expected a size such as 500MB or 2GB".into())
    }
}

/// `-j`, else `GDAL_NUM_THREADS`, else one more than there are cores.
pub fn threads(stated: Option<u16>) -> usize {
    let from_gdal = || std::env::var("GDAL_NUM_THREADS").ok()?.parse::<usize>().ok().filter(|n| *n >= 1);
    // Workers wait for each other's tiles now and then: one more keeps the cores busy.
    let cores = || std::thread::available_parallelism().map_or(1, usize::from) + 1;
    stated.map(usize::from).or_else(from_gdal).unwrap_or_else(cores)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn sizes_are_read_with_and_without_units() {
        assert_eq!([size("200MB"), size("200"), size("2GB")], [Ok(200 << 20), Ok(200 << 20), Ok(2 << 30)]);
        assert!(size("many").is_err() && size("3 parsecs").is_err() && size("0").is_err());
    }

    #[test]
    fn bounds_are_read_with_commas_or_spaces() {
        assert_eq!(bounds("1,-2, 3 4"), Ok([1.0, -2.0, 3.0, 4.0]));
        assert!(bounds("1 2 3").is_err());
    }
}
