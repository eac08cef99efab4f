//! Files to write: names, types, and what is refused about them before a pixel is read.

use crate::error::EngineError;
use crate::options::Options;
use crate::plan::specs::{image_spec, provenance_spec};
use crate::plan::{Job, Plan, Stack};
use crate::rules::settings::{Compress, Format as FormatSetting};
use crate::rules::values::Extra;
use crate::rules::{At, Rules};
use compose_core::kind::did_you_mean;
use compose_core::{Cast, DataType};
use compose_io::write::{Compression, Format, WriteError, check_folder, refuse_existing};
use std::collections::HashMap;
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
    /// The JSON report.
    pub sidecar: Option<PathBuf>,
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
        target: Option<usize>,
    ) -> Result<Self, EngineError> {
        let said = &rules.output.value;
        let path = image_path(rules, options, stack, target)?;
        let beside = |ending: &str| with_ending(&path, ending);
        let extra = |extra: &Option<Extra>, ending: &str| match extra {
            Some(Extra::Wanted(false)) => None,
            Some(Extra::Path(p)) => Some(rules.file.resolve(expand(p, stack, target))),
            _ => Some(beside(ending)),
        };
        let provenance =
            if options.no_provenance { None } else { extra(&said.provenance, "_provenance.tif") };
        let sidecar = extra(&said.sidecar, ".json");
        let wanted = options.quicklook || said.quicklook.unwrap_or(false);
        let pictures = [
            (Picture::Before, "_before.png"),
            (Picture::Mask, "_mask.png"),
            (Picture::After, "_after.png"),
            (Picture::Sources, "_sources.png"),
        ];
        let without_target = |p: Picture| target.is_some() || matches!(p, Picture::After | Picture::Sources);
        let quicklooks = pictures.into_iter().filter(|(p, _)| wanted && without_target(*p));
        Ok(Self {
            provenance,
            count: said.count.unwrap_or(false),
            sidecar,
            quicklooks: quicklooks.map(|(p, ending)| (p, beside(ending))).collect(),
            format: format(rules, options)?,
            compression: compression(said.compress),
            level: said.level,
            creation_options: options.creation_options.clone(),
            path,
        })
    }

    /// Refuses what GDAL could not write as asked: types, codecs, levels, creation options.
    pub fn check(&self, plan: &Plan, job: &Job) -> Result<(), EngineError> {
        image_spec(plan, job).check()?;
        if let Some(path) = &self.provenance {
            provenance_spec(plan, job, path.clone()).check()?;
        }
        Ok(())
    }

    /// Every file that will be written.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let extras =
            self.provenance.iter().chain(&self.sidecar).chain(self.quicklooks.iter().map(|(_, p)| p));
        std::iter::once(&self.path).chain(extras).map(PathBuf::as_path)
    }
}

fn image_path(
    rules: &Rules,
    options: &Options,
    stack: &Stack,
    target: Option<usize>,
) -> Result<PathBuf, EngineError> {
    // A path on the command line starts from where the user is, one in the file from where the file is.
    if let Some(path) = &options.output {
        return Ok(PathBuf::from(expand(&path.to_string_lossy(), stack, target)));
    }
    let Some(path) = &rules.output.value.path else {
        return Err(refuse(
            rules,
            &rules.output,
            "[output] has no path; say path = \"result.tif\" there, or --output",
        ));
    };
    Ok(rules.file.resolve(expand(path, stack, target)))
}

fn refuse<T>(rules: &Rules, at: &At<T>, message: &str) -> EngineError {
    EngineError::Rules(vec![rules.file.mistake_at(&at.span, message)])
}

fn expand(pattern: &str, stack: &Stack, target: Option<usize>) -> String {
    let Some(facts) = target.map(|t| &stack.facts[t]) else { return pattern.to_owned() };
    let day = facts.day.map_or_else(|| "undated".to_owned(), |d| d.to_string());
    pattern.replace("{id}", &facts.id).replace("{date}", &day)
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

fn compression(said: Option<Compress>) -> Compression {
    match said {
        None | Some(Compress::Deflate) => Compression::Deflate,
        Some(Compress::Zstd) => Compression::Zstd,
        Some(Compress::Lzw) => Compression::Lzw,
        Some(Compress::None) => Compression::None,
    }
}

/// Sample type and nodata of the output.
pub fn cast(rules: &Rules, options: &Options, stack: &Stack, reference: usize) -> Result<Cast, EngineError> {
    let said = &rules.output.value;
    let at = |message: String| refuse(rules, &rules.output, &message);
    let stated = match options.dtype.as_ref().or(said.dtype.as_ref()) {
        Some(name) => Some(name.to_lowercase().parse::<DataType>().map_err(|()| {
            let hint = did_you_mean(name, DataType::names());
            let all = DataType::names().collect::<Vec<_>>().join(", ");
            at(format!("[output] dtype is \"{name}\"{hint} expected one of {all}"))
        })?),
        None => None,
    };
    let dtype = match stated {
        Some(dtype) => dtype,
        None => common_dtype(stack, reference)?,
    };
    let nodata = options.nodata.or(said.nodata.map(|n| n.0));
    if let Some(n) = nodata.filter(|n| !dtype.holds(*n)) {
        return Err(at(format!("[output] nodata = {n} is not a {dtype} sample; range {:?}", dtype.range())));
    }
    Ok(Cast { dtype, nodata: nodata.or_else(|| default_nodata(stack, reference, dtype)) })
}

/// The reference's own nodata where the output can hold it; else NaN for floats. An integer output of scenes
/// without nodata has none: any number chosen here might be an observed value.
fn default_nodata(stack: &Stack, reference: usize, dtype: DataType) -> Option<f64> {
    let own = stack.scenes[reference].refs[..stack.bands.len()].iter().flat_map(|r| r.nodata.iter().copied());
    own.into_iter().find(|n| dtype.holds(*n)).or_else(|| (!dtype.is_integer()).then_some(f64::NAN))
}

fn common_dtype(stack: &Stack, reference: usize) -> Result<DataType, EngineError> {
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

/// Refuses outputs that exist, clash with one another or with an input, or cannot be written.
/// Gives remarks where only a plan is wanted.
pub fn refuse_clashes(jobs: &[Job], stack: &Stack, options: &Options) -> Result<Vec<String>, EngineError> {
    let mut seen: HashMap<&Path, &Job> = HashMap::new();
    let inputs: Vec<PathBuf> = stack.files().filter_map(|p| p.canonicalize().ok()).collect();
    for job in jobs {
        for file in job.output.files() {
            let option = || "output".to_owned();
            if seen.insert(file, job).is_some() {
                let message = format!(
                    "{} would be written twice; with target \"each\" the path needs {{id}} in it, such as \
                     \"{{id}}_filled.tif\"",
                    file.display()
                );
                return Err(EngineError::Option { option: option(), message });
            }
            if file.canonicalize().is_ok_and(|f| inputs.contains(&f)) {
                let message = format!("{} is one of the scenes; it would be overwritten", file.display());
                return Err(EngineError::Option { option: option(), message });
            }
        }
    }
    let mut notes = Vec::new();
    for file in jobs.iter().flat_map(|j| j.output.files()) {
        match refuse_existing(file, options.overwrite) {
            Err(WriteError::Exists { path }) if options.plan_only => {
                notes.push(format!("{} exists: a run needs --overwrite", path.display()));
            }
            result => result?,
        }
        check_folder(file)?;
    }
    Ok(notes)
}
