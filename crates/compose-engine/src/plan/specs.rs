//! How the image and the record of sources are stored.

use crate::error::EngineError;
use crate::plan::{Job, SceneId, Stack};
use compose_core::{DataType, SceneFacts};
use compose_io::write::{Compression, OutputBand, RasterSpec};
use compose_plugin_host::Plugin;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Side of an output tile.
const TILE: usize = 512;
/// In the provenance file: no pixel, or no age.
const UNDEFINED: u16 = u16::MAX;

/// How the image is stored.
pub fn image_spec(stack: &Stack, job: &Job, plugins: &[&Plugin], threads: usize) -> RasterSpec {
    RasterSpec { tags: tags(stack, job, plugins), ..image_layout(stack, job, threads) }
}

/// The same without its tags, which can be said before the plan is made.
pub fn image_layout(stack: &Stack, job: &Job, threads: usize) -> RasterSpec {
    let reference = &stack.facts[job.reference()];
    let bands = reference.bands[..reference.wanted].iter();
    let output = &job.output;
    RasterSpec {
        path: output.path.clone(),
        grid: job.file_grid(),
        georeferenced: job.view.georeferenced,
        dtype: job.cast.dtype,
        nodata: job.cast.nodata,
        bands: bands
            .map(|b| OutputBand { description: b.name.clone(), scale_offset: b.scale_offset })
            .collect(),
        format: output.format,
        compression: output.compression,
        level: output.level,
        creation_options: output.creation_options.clone(),
        tags: Vec::new(),
        threads,
        categorical: false,
        block: TILE,
    }
}

fn tags(stack: &Stack, job: &Job, plugins: &[&Plugin]) -> Vec<(String, String)> {
    // A tile names the scenes that can have a part in it.
    let near = job.tile.map(|_| job.scenes_on(job.part).map(SceneId::index).collect::<BTreeSet<_>>());
    let scene = |(index, facts): (usize, &SceneFacts)| {
        let day = facts.day.map_or_else(|| "undated".to_owned(), |d| d.to_string());
        format!("{index} {day} {}", facts.id)
    };
    let taking_part =
        |(index, _): &(usize, &SceneFacts)| near.as_ref().is_none_or(|near| near.contains(index));
    let scenes: Vec<String> = stack.facts.iter().enumerate().filter(taking_part).map(scene).collect();
    let fills: Vec<String> =
        job.fills.iter().enumerate().map(|(i, f)| format!("{} {}", i + 1, f.name)).collect();
    let mut tags = vec![
        ("COMPOSE_VERSION".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("COMPOSE_SCENES".to_owned(), scenes.join("; ")),
        ("COMPOSE_FILLS".to_owned(), fills.join("; ")),
    ];
    if !plugins.is_empty() {
        let plugin = |p: &&Plugin| format!("{} (SHA-256 {})", p.describe().join(", "), p.sha256);
        let plugins: Vec<String> = plugins.iter().map(plugin).collect();
        tags.push(("COMPOSE_PLUGINS".to_owned(), plugins.join("; ")));
    }
    if let Some(target) = job.target {
        tags.push(("COMPOSE_TARGET".to_owned(), stack.facts[target].id.clone()));
    }
    if let Some(how) = &job.resampled {
        tags.push(("COMPOSE_OBSERVED".to_owned(), how.clone()));
    }
    if let Some(area) = stack.area.as_ref().filter(|_| job.area.is_some()) {
        tags.push(("COMPOSE_AREA".to_owned(), area.told()));
    }
    if let Some(day) = job.target_day {
        tags.push(("COMPOSE_TARGET_DATE".to_owned(), day.to_string()));
    }
    tags
}

/// What else a code for nothing stands for.
fn or_outside(job: &Job) -> &'static str {
    if job.area.is_some() { ", or outside the area" } else { "" }
}

/// How the record of sources is stored.
pub fn provenance_spec(
    stack: &Stack,
    job: &Job,
    plugins: &[&Plugin],
    threads: usize,
    path: PathBuf,
) -> RasterSpec {
    let mut tags = tags(stack, job, plugins);
    let codes = "source: index of the scene, or 65000 + stage for a statistic over several; stage: 0 observed, k the k-th fill; \
         age: days between the scene and the target date; 65535: none";
    tags.push(("COMPOSE_CODES".to_owned(), format!("{codes}{}", or_outside(job))));
    RasterSpec { tags, ..provenance_layout(stack, job, threads, path) }
}

/// The same without its tags, which can be said before the plan is made.
pub fn provenance_layout(stack: &Stack, job: &Job, threads: usize, path: PathBuf) -> RasterSpec {
    let planes = stack.validity.planes(stack.bands.len());
    let mut bands = Vec::new();
    for plane in 0..planes {
        let ending = if planes == 1 { String::new() } else { format!(" {}", stack.bands[plane]) };
        let mut names = vec!["source", "stage", "age"];
        if job.output.count {
            names.push("count");
        }
        let band = |name: &str| OutputBand { description: format!("{name}{ending}"), scale_offset: None };
        bands.extend(names.into_iter().map(band));
    }
    RasterSpec {
        path,
        grid: job.file_grid(),
        georeferenced: job.view.georeferenced,
        dtype: DataType::UInt16,
        nodata: Some(f64::from(UNDEFINED)),
        bands,
        format: job.output.format,
        compression: Compression::Deflate,
        level: None,
        creation_options: Vec::new(),
        tags: Vec::new(),
        threads,
        categorical: true,
        block: TILE,
    }
}

/// How the record of masks is stored: the first rule that took a pixel, by its number in the rules file, and all that
/// did, a bit each; 0 where none did.
pub fn mask_layout(stack: &Stack, job: &Job, threads: usize, path: PathBuf) -> RasterSpec {
    let band = |name: &str| OutputBand { description: name.to_owned(), scale_offset: None };
    let names = stack.mask_names.iter().enumerate().map(|(rule, name)| format!("{} {name}", rule + 1));
    RasterSpec {
        bands: vec![band("reason"), band("rules")],
        tags: vec![
            ("COMPOSE_MASKS".to_owned(), names.collect::<Vec<_>>().join("; ")),
            (
                "COMPOSE_CODES".to_owned(),
                format!(
                    "reason: number of the first rule that took the pixel; rules: 2^(number - 1) for each that did; 0: none; \
                     65535: no data{}",
                    or_outside(job)
                ),
            ),
        ],
        ..provenance_layout(stack, job, threads, path)
    }
}

/// How the uncertainty is stored: in the image's numbers, 0 where observed, NaN where no strategy says.
pub fn uncertainty_layout(stack: &Stack, job: &Job, threads: usize, path: PathBuf) -> RasterSpec {
    let band =
        |name: &String| OutputBand { description: format!("{name} standard deviation"), scale_offset: None };
    RasterSpec {
        path,
        dtype: DataType::Float32,
        nodata: Some(f64::NAN),
        bands: stack.bands.iter().map(band).collect(),
        compression: Compression::Deflate,
        level: None,
        creation_options: Vec::new(),
        ..image_layout(stack, job, threads)
    }
}

/// The rasters that a job writes, the image first.
pub fn rasters(stack: &Stack, job: &Job, plugins: &[&Plugin], threads: usize) -> Vec<RasterSpec> {
    let output = &job.output;
    let image = std::iter::once(image_spec(stack, job, plugins, threads));
    let provenance =
        output.provenance.iter().map(|path| provenance_spec(stack, job, plugins, threads, path.clone()));
    let mask = output.mask.iter().map(|path| mask_layout(stack, job, threads, path.clone()));
    let uncertainty =
        output.uncertainty.iter().map(|path| uncertainty_layout(stack, job, threads, path.clone()));
    image.chain(provenance).chain(mask).chain(uncertainty).collect()
}

/// Refuses what GDAL could not write as asked: types, codecs, levels, creation options.
pub fn refuse_unwritable(
    stack: &Stack,
    job: &Job,
    plugins: &[&Plugin],
    threads: usize,
) -> Result<(), EngineError> {
    Ok(rasters(stack, job, plugins, threads).iter().try_for_each(RasterSpec::check)?)
}
