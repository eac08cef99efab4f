//! Everything decided for a run, and how it is decided.

use crate::error::EngineError;
use crate::options::Options;
use crate::plan::clashes::{inputs, refuse_clashes};
use crate::plan::ids::SceneId;
use crate::plan::masked::SkipAbove;
use crate::plan::memory::{Memory, may_go_by_band};
use crate::plan::reads::bands_of_all;
use crate::plan::specs::refuse_unwritable;
use crate::plan::{Job, Stack, Tile};
use crate::rules::Rules;
use crate::rules::settings::Implausible;
use compose_io::crs::CrsRegistry;
use compose_io::files::Inputs;
use compose_plugin_host::Plugin;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Everything decided for a run.
#[derive(Clone)]
pub struct Plan {
    /// What all outputs share.
    pub stack: Arc<Stack>,
    /// One per output.
    pub jobs: Vec<Arc<Job>>,
    /// The treatment of scenes with values that are no measurements.
    pub implausible: Implausible,
    /// The limit above which targets are not composed.
    pub skip_above: Option<SkipAbove>,
    /// Memory and blocks.
    pub memory: Memory,
    /// The plugins that the rules file names.
    pub plugins: Vec<&'static Plugin>,
    /// The command line, for the report.
    pub command_line: Vec<String>,
    /// The hash of the plan file that is carried out, if it is one.
    pub hash: Option<String>,
    /// Whether files that exist may be replaced.
    pub overwrite: bool,
    /// Every file that is read.
    pub inputs: Inputs,
    /// The folder where decoded tiles wait that memory has no room for; `None`: they are decoded again.
    pub scratch: Option<PathBuf>,
    /// The settings of the command line.
    pub options: Arc<Options>,
}

impl Plan {
    /// Decides everything that a run of `rules` will do.
    ///
    /// # Errors
    /// All mistakes that text and headers show.
    pub fn make(rules: &Rules, options: &Options) -> Result<Self, EngineError> {
        let systems = CrsRegistry::new();
        let mut stack = Stack::open(rules, options, &systems)?;
        let mut jobs = Vec::new();
        let targets = stack.targets(rules, options)?;
        let skip_above = skip_above(rules, &targets)?;
        for target in targets.into_iter().enumerate() {
            jobs.push(Job::make(rules, options, &stack, target, &systems)?);
        }
        let inputs = inputs(rules, &stack, options);
        if !options.without_output {
            stack.notes.extend(refuse_clashes(rules, &jobs, &inputs, options)?);
        }
        stack.share_tiles(bands_of_all(&stack, &jobs), options);
        let scratch = scratch_folder(rules, options, &jobs)?;
        // Of tiles the costliest: the others need less.
        let sized: Vec<Job> = jobs.iter().map(Job::costliest).collect();
        let (memory, orders) = Memory::plan(&stack, &sized, options, scratch.is_some())?;
        for job in &sized {
            refuse_unwritable(&stack, job, &rules.plugins, memory.compressors)?;
        }
        let jobs: Vec<Job> = jobs.into_iter().zip(orders).map(|(job, order)| Job { order, ..job }).collect();
        Ok(Self {
            stack: Arc::new(stack),
            jobs: jobs.into_iter().map(Arc::new).collect(),
            implausible: implausible(rules)?,
            skip_above,
            memory,
            plugins: rules.plugins.clone(),
            command_line: options.command_line.clone(),
            hash: options.earlier.as_ref().map(|earlier| earlier.hash.clone()),
            overwrite: options.overwrite,
            inputs,
            scratch,
            options: Arc::new(options.clone()),
        })
    }

    /// The plan with one output, narrowed to a tile: with the memory, the order of work and the files that this has.
    ///
    /// # Errors
    /// The memory limit is too small.
    pub fn narrowed(&self, job: &Job, tile: Tile, overwrite: bool) -> Result<Self, EngineError> {
        let job = job.narrowed(tile);
        let scratch = self.scratch.is_some();
        let (memory, orders) = Memory::plan(&self.stack, std::slice::from_ref(&job), &self.options, scratch)?;
        let jobs = orders.into_iter().map(|order| Arc::new(Job { order, ..job.clone() })).collect();
        Ok(Self { jobs, memory, overwrite, ..self.clone() })
    }

    /// As one worker would carry it out: the bytes that it needs at most, and per job the size of its blocks (columns,
    /// rows). It does not depend on how many cores there are.
    ///
    /// # Errors
    /// The memory limit is too small for one worker.
    pub fn of_one_worker(&self, options: &Options) -> Result<(u64, Vec<(usize, usize)>), EngineError> {
        let one = Options { threads: 1, fewer_threads: false, ..options.clone() };
        let jobs: Vec<Job> = self.jobs.iter().map(|job| job.costliest()).collect();
        let (memory, orders) = Memory::plan(&self.stack, &jobs, &one, self.scratch.is_some())?;
        Ok((memory.per_worker, orders.iter().map(|order| order.block).collect()))
    }

    /// Whether the bands of a job can be composed one after the other.
    pub fn may_go_by_band(&self, job: usize) -> bool {
        may_go_by_band(&self.stack, &self.jobs[job])
    }
}

/// Where decoded tiles wait that memory has no room for: beside the first image unless the rules say otherwise.
fn scratch_folder(rules: &Rules, options: &Options, jobs: &[Job]) -> Result<Option<PathBuf>, EngineError> {
    let said = rules.output.value.scratch.as_deref().unwrap_or("auto");
    if said == "none" || (said == "auto" && options.without_output) {
        return Ok(None);
    }
    if said == "auto" {
        let image = jobs.first().map(|job| job.output.path.as_path());
        let beside = image.and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty());
        return Ok(Some(beside.map_or_else(|| PathBuf::from("."), Path::to_path_buf)));
    }
    let folder = rules.file.resolve(said);
    if !folder.is_dir() {
        let message = format!(
            "[output] scratch: {} is no folder; expected one, \"auto\" or \"none\"",
            folder.display()
        );
        return Err(EngineError::at(&rules.file, &rules.output.spans.of("scratch"), &message));
    }
    // By trying: the plan counts on the file.
    compose_io::write::check_folder(&folder.join("scratch")).map_err(|cause| {
        EngineError::at(&rules.file, &rules.output.spans.of("scratch"), &format!("[output] scratch: {cause}"))
    })?;
    Ok(Some(folder))
}

/// The share of masked pixels above which a target is left out.
fn skip_above(rules: &Rules, targets: &[Option<SceneId>]) -> Result<Option<SkipAbove>, EngineError> {
    let Some(percent) = rules.target.value.skip_above else { return Ok(None) };
    let span = rules.target.spans.of("skip-above");
    if targets.iter().all(Option::is_none) {
        let message = "[target] skip-above needs a target scene, and none is given; set scene in [target], or remove skip-above";
        return Err(EngineError::at(&rules.file, &span, message));
    }
    Ok(Some(SkipAbove { percent: percent.0, at: rules.file.mistake_at(&span, "") }))
}

/// The treatment of values that are no measurements: the same for all scenes.
pub fn implausible(rules: &Rules) -> Result<Implausible, EngineError> {
    let mut said = rules.scenes.iter().filter_map(|s| s.value.implausible.map(|v| (v, &s.spans)));
    let Some((first, _)) = said.next() else { return Ok(Implausible::default()) };
    match said.find(|(v, _)| *v != first) {
        None => Ok(first),
        Some((_, spans)) => {
            let message =
                "[scenes] implausible differs from that of another [[scenes]]; it holds for all of them";
            Err(EngineError::at(&rules.file, &spans.of("implausible"), message))
        }
    }
}
