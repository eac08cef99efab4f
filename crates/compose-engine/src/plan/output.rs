//! Files to write: names, types, and what is refused about them before a pixel is read.

use crate::error::EngineError;
use crate::options::Options;
use crate::plan::ids::SceneId;
use crate::plan::tiles::{WORDS, names_tiles};
use crate::plan::{Stack, mosaic_path, path_of};
use crate::rules::Rules;
use crate::rules::settings::{Compress, Format as FormatSetting};
use crate::rules::values::Extra;
use compose_core::suggest::did_you_mean;
use compose_core::{Cast, DataType};
use compose_io::write::{Compression, Format, SAMPLE_TYPES};
use std::path::{Path, PathBuf};

/// The files of one output, and how the image is stored.
#[derive(Clone, Debug)]
pub struct OutputPlan {
    /// The image.
    pub path: PathBuf,
    /// The record of where every pixel came from.
    pub provenance: Option<PathBuf>,
    /// Whether the record counts clear looks.
    pub count: bool,
    /// Which mask rule took each pixel of the target.
    pub mask: Option<PathBuf>,
    /// The standard deviation of computed values.
    pub uncertainty: Option<PathBuf>,
    /// The JSON report.
    pub sidecar: Option<PathBuf>,
    /// The STAC item.
    pub stac: Option<PathBuf>,
    /// The STAC collection of all tiles, where the output comes in tiles.
    pub collection: Option<PathBuf>,
    /// Pictures: before, mask, after, sources.
    pub quicklooks: Vec<(Picture, PathBuf)>,
    /// GeoTIFF or COG.
    pub format: Format,
    /// Compression of the image.
    pub compression: Compression,
    /// Compression level.
    pub level: Option<u32>,
    /// `--co NAME=VALUE`.
    pub creation_options: Vec<(String, String)>,
}

/// One of the quicklook pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picture {
    /// The target as it is.
    Before,
    /// What is masked, and what has no data.
    Mask,
    /// The result.
    After,
    /// Where each pixel came from.
    Sources,
}

impl OutputPlan {
    /// The files of the output for `target`.
    pub fn make(
        rules: &Rules,
        options: &Options,
        stack: &Stack,
        target: Option<SceneId>,
    ) -> Result<Self, EngineError> {
        let said = &rules.output.value;
        let path = image_path(rules, options, stack, target)?;
        let beside = |ending: &str| with_ending(&path, ending);
        let extra = |key, extra: &Option<Extra>, ending: &str| match extra {
            Some(Extra::Wanted(false)) => Ok(None),
            Some(Extra::Path(p)) => {
                expand(rules, options, key, p, stack, target).map(|p| Some(rules.file.resolve(p)))
            }
            _ => Ok(Some(beside(ending))),
        };
        let provenance = if options.no_provenance {
            None
        } else {
            extra("provenance", &said.provenance, "_provenance.tif")?
        };
        let mask = match &said.mask {
            None | Some(Extra::Wanted(false)) => None,
            wanted => {
                refuse_mask(rules, options, stack, target)?;
                extra("mask", wanted, "_masks.tif")?
            }
        };
        let uncertainty = match &said.uncertainty {
            None => None,
            wanted => extra("uncertainty", wanted, "_uncertainty.tif")?,
        };
        let sidecar = extra("sidecar", &said.sidecar, ".json")?;
        let stac = if said.stac.is_some() { extra("stac", &said.stac, ".stac.json")? } else { None };
        refuse_item_without_time(rules, options, stack, stac.is_some())?;
        let tiled = rules.grid.value.tile_size.is_some();
        if sidecar.is_none() && tiled {
            let message = "sidecar is false, and with tile-size every tile needs its report: it says whether the tile is whole";
            return Err(refuse(rules, options, "sidecar", message));
        }
        let wanted = options.quicklook || said.quicklook.unwrap_or(false);
        let quicklooks = pictures(target.is_some()).filter(|_| wanted);
        Ok(Self {
            provenance,
            count: said.count.unwrap_or(false),
            mask,
            uncertainty,
            sidecar,
            collection: stac.as_deref().filter(|_| tiled).map(|path| mosaic_path(path, "json")),
            stac,
            quicklooks: quicklooks.map(|(p, ending)| (p, beside(ending))).collect(),
            format: format(rules, options)?,
            compression: compression(rules)?,
            level: said.level,
            creation_options: options.creation_options.clone(),
            path,
        })
    }

    /// The same for a tile: its name in every path.
    pub fn for_tile(&self, id: &str) -> Self {
        let of = |path: &PathBuf| path_of(path, id);
        let pictures = self.quicklooks.iter().map(|(picture, path)| (*picture, of(path)));
        Self {
            path: of(&self.path),
            provenance: self.provenance.as_ref().map(of),
            mask: self.mask.as_ref().map(of),
            uncertainty: self.uncertainty.as_ref().map(of),
            sidecar: self.sidecar.as_ref().map(of),
            stac: self.stac.as_ref().map(of),
            quicklooks: pictures.collect(),
            ..self.clone()
        }
    }

    /// Every file that will be written.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files_by_setting().map(|(_, path)| path)
    }

    /// Every file that will be written, and the setting that asks for it.
    pub(crate) fn files_by_setting(&self) -> impl Iterator<Item = (&'static str, &Path)> + Clone {
        let provenance = self.provenance.iter().map(|p| ("provenance", p));
        let mask = self.mask.iter().map(|p| ("mask", p));
        let uncertainty = self.uncertainty.iter().map(|p| ("uncertainty", p));
        let sidecar = self.sidecar.iter().map(|p| ("sidecar", p));
        let stac = self.stac.iter().map(|p| ("stac", p));
        let pictures = self.quicklooks.iter().map(|(_, p)| ("quicklook", p));
        let all = std::iter::once(("path", &self.path))
            .chain(provenance)
            .chain(mask)
            .chain(uncertainty)
            .chain(sidecar)
            .chain(stac)
            .chain(pictures);
        all.map(|(setting, path)| (setting, path.as_path()))
    }
}

/// The pictures, and how their names end.
const PICTURES: [(Picture, &str); 4] = [
    (Picture::Before, "_before.png"),
    (Picture::Mask, "_mask.png"),
    (Picture::After, "_after.png"),
    (Picture::Sources, "_sources.png"),
];

/// The pictures of an output with a target, or without one.
fn pictures(with_target: bool) -> impl Iterator<Item = (Picture, &'static str)> {
    PICTURES.into_iter().filter(move |(p, _)| with_target || matches!(p, Picture::After | Picture::Sources))
}

/// Refuses a STAC item where nothing tells a time, which it must have.
fn refuse_item_without_time(
    rules: &Rules,
    options: &Options,
    stack: &Stack,
    wanted: bool,
) -> Result<(), EngineError> {
    if !wanted || stack.facts.iter().any(|facts| facts.day.is_some()) {
        return Ok(());
    }
    let message = "stac asks for an item, which must have a time, and no scene has a date";
    Err(refuse(rules, options, "stac", message))
}

/// Mask rules that 16 bits can tell apart.
const MOST_RULES: usize = 16;

/// Refuses a record of masks where there is nothing to tell, or too much.
fn refuse_mask(
    rules: &Rules,
    options: &Options,
    stack: &Stack,
    target: Option<SceneId>,
) -> Result<(), EngineError> {
    let message = match (target, stack.mask_names.len()) {
        (None, _) => {
            "mask tells which rule took a pixel of the target, and [target] names no scene".to_owned()
        }
        (_, n) if n > MOST_RULES => {
            format!("mask tells at most {MOST_RULES} mask rules apart, and there are {n}")
        }
        _ => return Ok(()),
    };
    Err(refuse(rules, options, "mask", &message))
}

fn image_path(
    rules: &Rules,
    options: &Options,
    stack: &Stack,
    target: Option<SceneId>,
) -> Result<PathBuf, EngineError> {
    // A path on the command line starts from where the user is, one in the file from where the file is.
    if let Some(path) = &options.output {
        // Neither GDAL nor the report could say another name as it is.
        let Some(path) = path.to_str() else {
            let message = format!("path: {} is not UTF-8; expected a path that is", path.display());
            return Err(refuse(rules, options, "path", &message));
        };
        return Ok(PathBuf::from(expand(rules, options, "path", path, stack, target)?));
    }
    let Some(path) = &rules.output.value.path else {
        let message = "has no path; say path = \"result.tif\" there, or --output";
        return Err(refuse(rules, options, "path", message));
    };
    Ok(rules.file.resolve(expand(rules, options, "path", path, stack, target)?))
}

/// A refusal about a setting of `[output]`, or about `path` where another follows from it. `message` follows
/// `[output]` or the option.
pub(super) fn refuse(rules: &Rules, options: &Options, setting: &str, message: &str) -> EngineError {
    let spans = &rules.output.spans;
    let span = spans.get(setting).unwrap_or(spans.of("path"));
    if options.output.is_some() && spans.get(setting).is_none_or(|_| setting == "path") {
        return EngineError::Option { option: "--output".into(), message: message.to_owned() };
    }
    EngineError::at(&rules.file, &span, &format!("[output] {message}"))
}

/// The path with `{id}` and `{date}` of the target filled in.
fn expand(
    rules: &Rules,
    options: &Options,
    setting: &str,
    pattern: &str,
    stack: &Stack,
    target: Option<SceneId>,
) -> Result<String, EngineError> {
    check_tile_words(rules, options, setting, pattern)?;
    let Some(facts) = target.map(|t| &stack.facts[t]) else {
        let Some(found) = ["{id}", "{date}"].into_iter().find(|p| pattern.contains(p)) else {
            return Ok(pattern.to_owned());
        };
        let message = format!("{setting} \"{pattern}\" has {found} in it, but [target] names no scene");
        return Err(refuse(rules, options, setting, &message));
    };
    let day = facts.day.map_or_else(|| "undated".to_owned(), |d| d.to_string());
    // The id of a catalogue's item may be any text: it leads to no other folder.
    let id: String = facts
        .id
        .chars()
        .map(|c| if std::path::is_separator(c) || c.is_control() { '_' } else { c })
        .collect();
    Ok(pattern.replace("{id}", &id).replace("{date}", &day))
}

/// With tiles the name of a file must tell them apart; without them it must not try to.
fn check_tile_words(
    rules: &Rules,
    options: &Options,
    setting: &str,
    pattern: &str,
) -> Result<(), EngineError> {
    let message = match rules.grid.value.tile_size {
        Some(_) if !names_tiles(pattern) => format!(
            "{setting} \"{pattern}\" does not tell tiles apart; put {{tile}}, or {{row}} and {{col}}, into the name of the \
             file, such as \"{{tile}}.tif\""
        ),
        Some(_) if WORDS.iter().any(|word| folder_of(pattern).contains(word)) => {
            format!(
                "{setting} \"{pattern}\" has a folder for each tile; put {{tile}} into the name of the file alone"
            )
        }
        None if WORDS.iter().any(|word| pattern.contains(word)) => {
            format!(
                "{setting} \"{pattern}\" is for tiles, and [grid] has no tile-size; say how large they are there"
            )
        }
        _ => return Ok(()),
    };
    Err(refuse(rules, options, setting, &message))
}

fn folder_of(pattern: &str) -> &str {
    pattern.rfind(std::path::is_separator).map_or("", |end| &pattern[..end])
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}{ending}"))
}

fn format(rules: &Rules, options: &Options) -> Result<Format, EngineError> {
    match (options.format.as_deref().map(str::to_lowercase).as_deref(), rules.output.value.format) {
        (Some("gtiff" | "geotiff"), _) | (None, None | Some(FormatSetting::Gtiff)) => Ok(Format::GTiff),
        (Some("cog"), _) | (None, Some(FormatSetting::Cog)) => Ok(Format::Cog),
        (Some(other), _) => Err(EngineError::Option {
            option: "--format".into(),
            message: format!("\"{other}\" is not written; expected gtiff or cog"),
        }),
    }
}

fn compression(rules: &Rules) -> Result<Compression, EngineError> {
    let said = &rules.output.value;
    let compression = match said.compress {
        None | Some(Compress::Deflate) => Compression::Deflate,
        Some(Compress::Zstd) => Compression::Zstd,
        Some(Compress::Lzw) => Compression::Lzw,
        Some(Compress::None) => Compression::None,
    };
    let name = compression.name().to_lowercase();
    let wrong = |message: String| {
        let span = rules.output.spans.of("level");
        Err(EngineError::at(&rules.file, &span, &format!("[output] {message}")))
    };
    match (said.level, compression.levels()) {
        (Some(level), None) => wrong(format!("level is {level}, but {name} has no levels; leave level out")),
        (Some(level), Some(levels)) if !levels.contains(&level) => {
            wrong(format!("level is {level}, expected {} to {} for {name}", levels.start(), levels.end()))
        }
        _ => Ok(compression),
    }
}

/// Sample type and nodata of the output.
pub fn cast(
    rules: &Rules,
    options: &Options,
    stack: &Stack,
    reference: SceneId,
) -> Result<Cast, EngineError> {
    let said = &rules.output.value;
    let wrong = |setting: &'static str, on_command_line: bool, message: String| {
        if on_command_line {
            return EngineError::Option { option: format!("--{setting}"), message };
        }
        let span = rules.output.spans.of(setting);
        EngineError::at(&rules.file, &span, &format!("[output] {message}"))
    };
    let stated = match options.dtype.as_ref().or(said.dtype.as_ref()) {
        Some(name) => {
            Some(sample_type(name).map_err(|message| wrong("dtype", options.dtype.is_some(), message))?)
        }
        None => None,
    };
    let dtype = match stated {
        Some(dtype) => dtype,
        None => common_dtype(stack, reference)?,
    };
    let nodata = options.nodata.or(said.nodata.map(|n| n.0));
    if let Some(n) = nodata.filter(|n| !dtype.holds(*n)) {
        let (low, high) = dtype.range();
        let whole = if dtype.is_integer() { "a whole number" } else { "a number" };
        let n = n.to_string().to_lowercase();
        let message =
            format!("nodata is {n}, which is no {dtype} sample; expected {whole} from {low} to {high}");
        return Err(wrong("nodata", options.nodata.is_some(), message));
    }
    Ok(Cast { dtype, nodata: nodata.or_else(|| default_nodata(stack, reference, dtype)) })
}

/// The sample type of this name, if it can be written.
fn sample_type(name: &str) -> Result<DataType, String> {
    let names = || SAMPLE_TYPES.iter().map(|t| t.name());
    let all = names().collect::<Vec<_>>().join(", ");
    match name.to_lowercase().parse::<DataType>() {
        Ok(dtype) if SAMPLE_TYPES.contains(&dtype) => Ok(dtype),
        Ok(_) => Err(format!("dtype is \"{name}\", which is not written; expected one of {all}")),
        Err(()) => {
            let hint = did_you_mean(name, names());
            let separator = if hint.is_empty() { ";" } else { "" };
            Err(format!("dtype is \"{name}\"{hint}{separator} expected one of {all}"))
        }
    }
}

/// The reference's own nodata where the output can hold it; else NaN for floats. An integer output of scenes
/// without nodata has none: any number chosen here might be an observed value.
fn default_nodata(stack: &Stack, reference: SceneId, dtype: DataType) -> Option<f64> {
    let own = stack.scenes[reference].refs[..stack.bands.len()].iter().flat_map(|r| r.nodata.iter().copied());
    own.into_iter().find(|n| dtype.holds(*n)).or_else(|| (!dtype.is_integer()).then_some(f64::NAN))
}

fn common_dtype(stack: &Stack, reference: SceneId) -> Result<DataType, EngineError> {
    let wanted = &stack.facts[reference].bands[..stack.bands.len()];
    let dtype = wanted[0].dtype;
    for facts in &stack.facts {
        if let Some(other) = facts.bands[..facts.wanted].iter().find(|b| b.dtype != dtype) {
            let message = format!(
                "band {} has {} samples, and band {} of {} has {dtype}; convert one, or say dtype in [output]",
                other.name, other.dtype, wanted[0].name, stack.facts[reference].id
            );
            return Err(EngineError::scene(&facts.id, message));
        }
    }
    Ok(dtype)
}
