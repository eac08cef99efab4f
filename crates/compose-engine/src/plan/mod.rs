//! What was decided: no pixels.
//!
//! [`Stack`] is what all outputs of a run share (scenes, bands, bound masks); a [`Job`] is one output. All
//! that can be refused from text and headers is refused here, before a pixel is read.

mod clashes;
mod comparing;
mod grid;
mod memory;
mod order;
mod output;
mod placement;
mod print;
mod query;
mod reads;
mod schedule;
mod select;
pub(crate) mod specs;
mod stack;

pub use comparing::Comparing;
pub use grid::Bytes;
pub use memory::{GDAL_CACHE, Memory, bytes_compared};
pub use order::{Item, Items, Order, Task, pieces};
pub use output::{OutputPlan, Picture};
pub use placement::{NativePlace, PlannedMask, PlannedScore, covering};
pub use select::{Fate, SceneFate};
pub use stack::Stack;

use crate::error::EngineError;
use crate::implausible::Implausible;
use crate::masked::{LeftOut, Masked, SkipAbove};
use crate::options::Options;
use crate::rules::Rules;
use crate::survey::Lattice;
use compose_core::fill_strategy::{BoundFill, StackFacts};
use compose_core::{Cast, DataType, Day, Grid, Window};
use compose_io::align::{Alignment, Resampling, decide};
use compose_io::crs::CrsRegistry;
use compose_io::files::Inputs;
use compose_plugin_host::Plugin;

/// Everything decided for a run.
pub struct Plan {
    /// What all outputs share.
    pub stack: Stack,
    /// One per output.
    pub jobs: Vec<Job>,
    /// What becomes of scenes with values that cannot be.
    pub implausible: Implausible,
    /// Which targets are not to be composed.
    pub skip_above: Option<SkipAbove>,
    /// Those that are not.
    pub left_out: Vec<LeftOut>,
    /// Memory and blocks.
    pub memory: Memory,
    /// The plugins that the rules file names.
    pub plugins: Vec<&'static Plugin>,
    /// What was typed, for the report.
    pub command_line: Vec<String>,
    /// Whether files that exist may be replaced.
    pub overwrite: bool,
    /// Every file that is read.
    pub inputs: Inputs,
}

/// One output.
pub struct Job {
    /// Index of the scene being repaired; `None` where every pixel is composed.
    pub target: Option<usize>,
    /// The date that distances are measured from.
    pub target_day: Option<Day>,
    /// The grid of the output, and where it comes from.
    pub grid: Grid,
    /// `the target's`, `like a.tif`, ….
    pub grid_reason: String,
    /// Whether the grid was moved to multiples of its resolution though scenes have pixels of that size.
    pub snapped: bool,
    /// Whether the grid has a geotransform.
    pub georeferenced: bool,
    /// Per scene of the stack: how it gets to the grid.
    pub scenes: Vec<ScenePlan>,
    /// The fills, in order.
    pub fills: Vec<Stage>,
    /// Sample type and nodata of the output.
    pub cast: Cast,
    /// Files to write.
    pub output: OutputPlan,
    /// In which order it is composed.
    pub order: Order,
    /// How the target's pixels came to the grid where they are not copied: `resampled (bilinear): …`.
    pub resampled: Option<String>,
    /// Where the survey took its sample, if there was one.
    pub lattice: Option<Lattice>,
    /// The mask rules that compare scenes.
    pub comparing: Vec<Comparing>,
    /// How much of the target the masks take, once that was counted.
    pub masked: Option<Masked>,
}

impl Job {
    /// The scenes whose pixels may be read: the target and the donors, as far as they meet the grid.
    pub fn scenes_read(&self) -> impl Iterator<Item = usize> + use<> {
        let donors = self.fills.iter().flat_map(|fill| fill.bound.donors()).map(|donor| donor.scene);
        let mut scenes: Vec<usize> =
            donors.chain(self.target).filter(|scene| self.scenes[*scene].overlaps).collect();
        scenes.sort_unstable();
        scenes.dedup();
        scenes.into_iter()
    }
}

impl Job {
    /// The part of the grid in which the scenes that are read lie, rather more than less; the whole grid where none does.
    pub fn covered(&self, stack: &Stack) -> Window {
        let whole = Window::whole(self.grid.width, self.grid.height);
        let of_group = |scene: usize, group: &BandGroup| {
            let native = &stack.facts[scene].bands[group.bands[0]].grid;
            match &group.alignment {
                Alignment::Paste { cols, rows } => {
                    Window::whole(native.width, native.height).shift(-cols, -rows).intersect(whole)
                }
                Alignment::Resample(resampler) => resampler.target_window(whole),
                Alignment::Disjoint => None,
            }
        };
        let groups = self.scenes_read().flat_map(|scene| {
            let groups = &self.scenes[scene].groups;
            groups.iter().filter_map(move |group| of_group(scene, group)).collect::<Vec<_>>()
        });
        groups.reduce(Window::around).unwrap_or(whole)
    }
}

/// How one scene gets to the target grid.
pub struct ScenePlan {
    /// Its wanted bands, by native grid.
    pub groups: Vec<BandGroup>,
    /// Per wanted band: gain and bias to the target's radiometry, where they differ.
    pub radiometry: Vec<Option<(f64, f64)>>,
    /// Whether it meets the grid at all.
    pub overlaps: bool,
    /// Whether values arrive as they are stored, in a type whose values the output may not be able to hold.
    pub may_not_fit: bool,
}

impl ScenePlan {
    /// Whether values arrive as they are stored.
    pub fn is_exact(&self) -> bool {
        self.radiometry.iter().all(Option::is_none)
            && self.groups.iter().all(|g| matches!(g.alignment, Alignment::Paste { .. }))
    }
}

/// Wanted bands of a scene that share a native grid.
pub struct BandGroup {
    /// Indices of wanted bands.
    pub bands: Vec<usize>,
    /// Native grid to target grid.
    pub alignment: Alignment,
    /// Why: `paste: whole-pixel shift (30, 0)`.
    pub reason: String,
}

/// One `[[fill]]`, bound to the stack.
pub struct Stage {
    /// Its strategy.
    pub name: String,
    /// The strategy, bound; after the survey, with what that told.
    pub bound: Box<dyn BoundFill>,
    /// The strategy as it was before the survey, if there was one.
    pub unsettled: Option<Box<dyn BoundFill>>,
    /// Per scene of the stack: where its score runs, if the strategy wants one.
    pub scores: Vec<Option<PlannedScore>>,
}

impl Plan {
    /// Decides everything that a run of `rules` will do.
    ///
    /// # Errors
    /// Whatever can be refused from text and headers.
    pub fn make(rules: &Rules, options: &Options) -> Result<Self, EngineError> {
        let systems = CrsRegistry::new();
        let mut stack = Stack::open(rules, options, &systems)?;
        let mut jobs = Vec::new();
        let targets = stack.targets(rules, options)?;
        let skip_above = skip_above(rules, &targets)?;
        for target in targets {
            jobs.push(job(rules, options, &stack, target, &systems)?);
        }
        let inputs = clashes::inputs(rules, &stack, options);
        if !options.without_output {
            stack.notes.extend(clashes::refuse_clashes(rules, &jobs, &inputs, options)?);
        }
        stack.share_tiles(&jobs, options);
        let (memory, orders) = Memory::plan(&stack, &jobs, options)?;
        jobs.iter_mut().zip(orders).for_each(|(job, order)| job.order = order);
        let plan = Self {
            stack,
            jobs,
            implausible: stack::implausible(rules)?,
            skip_above,
            left_out: Vec::new(),
            memory,
            plugins: rules.plugins.clone(),
            command_line: options.command_line.clone(),
            overwrite: options.overwrite,
            inputs,
        };
        for job in &plan.jobs {
            job.output.check(&plan, job)?;
        }
        Ok(plan)
    }

    /// Whether the bands of a job can be composed one after the other.
    pub fn bands_may_take_turns(&self, job: usize) -> bool {
        memory::may_go_by_band(&self.stack, &self.jobs[job])
    }
}

fn job(
    rules: &Rules,
    options: &Options,
    stack: &Stack,
    target: Option<usize>,
    systems: &CrsRegistry,
) -> Result<Job, EngineError> {
    let resampling = resampling(rules, options)?;
    let grid::Chosen { grid, reason: grid_reason, snapped, georeferenced } =
        grid::choose(rules, options, stack, target, systems)?;
    let reference = target.unwrap_or(0);
    let cast = output::cast(rules, options, stack, reference)?;
    grid::refuse_size(rules, options, stack, &grid, cast.dtype)?;
    let mut scenes = Vec::with_capacity(stack.scenes.len());
    for scene in 0..stack.scenes.len() {
        scenes.push(scene_plan(stack, scene, reference, (&grid, georeferenced), resampling, cast.dtype)?);
    }
    if let Some(t) = target.filter(|t| !scenes[*t].overlaps) {
        return Err(grid::misses(rules, options, &grid, "the target, scene", &stack.facts[t]));
    }
    if scenes.iter().all(|s| !s.overlaps) {
        return Err(grid::misses(rules, options, &grid, "any scene; the first is", &stack.facts[reference]));
    }
    let target_day = match target {
        Some(t) => stack.facts[t].day,
        None => options.date.or(rules.target.value.date.map(|d| d.0)),
    };
    let fills = stages(rules, stack, (target, target_day), &grid, &scenes)?;
    if target.is_none() && fills.is_empty() {
        let message = "no [target] scene and no [[fill]]: nothing would be composed; say one of them";
        return Err(EngineError::Rules(vec![rules.file.mistake_at(&(0..0), message)]));
    }
    let resampled = target.and_then(|t| resampled(stack, t, &scenes[t], resampling));
    let output = OutputPlan::make(rules, options, stack, target)?;
    // Chosen when all outputs are known, which share the memory.
    let order = Order::plain(grid.width, grid.height, stack.bands.len(), (1, 1));
    let mut job = Job {
        target,
        target_day,
        grid,
        grid_reason,
        snapped,
        georeferenced,
        scenes,
        fills,
        cast,
        output,
        order,
        resampled,
        lattice: None,
        comparing: Vec::new(),
        masked: None,
    };
    job.comparing = comparing::comparing(stack, &job, resampling)?;
    Ok(job)
}

/// From how many percent on a target is left out.
fn skip_above(rules: &Rules, targets: &[Option<usize>]) -> Result<Option<SkipAbove>, EngineError> {
    let Some(percent) = rules.target.value.skip_above else { return Ok(None) };
    let span = rules.target.spans.of("skip-above");
    if targets.iter().all(Option::is_none) {
        let message = "[target] skip-above leaves scenes out that are to be repaired, and none is; say scene, or leave it out";
        return Err(EngineError::Rules(vec![rules.file.mistake_at(&span, message)]));
    }
    Ok(Some(SkipAbove { percent: percent.0, at: rules.file.mistake_at(&span, "") }))
}

/// How a target's pixels are resampled, and which of its bands; `None` where all are copied.
fn resampled(stack: &Stack, target: usize, plan: &ScenePlan, method: Resampling) -> Option<String> {
    let groups: Vec<&BandGroup> =
        plan.groups.iter().filter(|g| matches!(g.alignment, Alignment::Resample(_))).collect();
    let first = groups.first()?;
    let why = first.reason.trim_start_matches("resample: ");
    let names: Vec<&str> = groups
        .iter()
        .flat_map(|g| &g.bands)
        .map(|band| stack.facts[target].bands[*band].name.as_str())
        .collect();
    let which = if groups.len() == plan.groups.len() {
        String::new()
    } else {
        format!("bands {}: ", names.join(", "))
    };
    Some(format!("{which}resampled ({method}), {why}"))
}

fn resampling(rules: &Rules, options: &Options) -> Result<Resampling, EngineError> {
    let Some(name) = options.resampling.as_ref().or(rules.grid.value.resampling.as_ref()) else {
        return Ok(Resampling::Bilinear);
    };
    name.parse().map_err(|_| {
        let names = ["nearest", "bilinear", "cubic"];
        let hint = compose_core::kind::did_you_mean(name, names);
        let separator = if hint.is_empty() { ";" } else { "" };
        let message =
            format!("resampling is \"{name}\"{hint}{separator} expected one of {}", names.join(", "));
        if options.resampling.is_some() {
            return EngineError::Option { option: "--resampling".into(), message };
        }
        let span = rules.grid.spans.of("resampling");
        EngineError::Rules(vec![rules.file.mistake_at(&span, &format!("[grid] {message}"))])
    })
}

fn scene_plan(
    stack: &Stack,
    scene: usize,
    reference: usize,
    (grid, georeferenced): (&Grid, bool),
    resampling: Resampling,
    dtype: DataType,
) -> Result<ScenePlan, EngineError> {
    let facts = &stack.facts[scene];
    if stack.scenes[scene].georeferenced != georeferenced {
        let message = if georeferenced {
            "has no georeference, and the grid has one"
        } else {
            "has a georeference, and the grid has none"
        };
        return Err(EngineError::scene(&facts.id, format!("{message}: cannot tell where its pixels belong")));
    }
    let mut groups = Vec::new();
    for bands in &stack.groups[scene] {
        let decision = decide(grid, &facts.bands[bands[0]].grid, resampling)
            .map_err(|e| EngineError::scene(&facts.id, e.to_string()))?;
        groups.push(BandGroup {
            bands: bands.clone(),
            alignment: decision.alignment,
            reason: decision.reason,
        });
    }
    let overlaps = groups.iter().all(|g| !matches!(g.alignment, Alignment::Disjoint));
    let radiometry = radiometry(stack, scene, reference)?;
    let mut plan = ScenePlan { groups, overlaps, radiometry, may_not_fit: false };
    let fits = facts.bands[..facts.wanted].iter().all(|b| dtype.holds_all(b.dtype));
    plan.may_not_fit = plan.is_exact() && !fits;
    Ok(plan)
}

/// Gain and bias that bring each wanted band to the reference's scale and offset. Where both are unknown, the
/// numbers of one product are taken to mean the same; those of two products are not.
fn radiometry(stack: &Stack, scene: usize, reference: usize) -> Result<Vec<Option<(f64, f64)>>, EngineError> {
    let facts = &stack.facts[scene];
    let pairs = facts.bands[..facts.wanted].iter().zip(&stack.facts[reference].bands);
    let mixes = stack.products[scene] != stack.products[reference];
    pairs
        .map(|(band, wanted)| match (band.scale_offset, wanted.scale_offset) {
            (Some(a), Some(b)) if a == b => Ok(None),
            (None, None) if !mixes && (scene == reference || !stack.by_baseline[scene]) => Ok(None),
            (Some((scale, offset)), Some((to_scale, to_offset))) => {
                Ok(Some((scale / to_scale, (offset - to_offset) / to_scale)))
            }
            (None, None) if !mixes => {
                let message = "its processing baseline is not known, and from baseline 04.00 on its numbers are 1000 higher; \
                               say offset = -0.1 (04.00 and later) or offset = 0 (before) in [scenes] or [[scene]]";
                Err(EngineError::scene(&facts.id, message))
            }
            (here, there) => {
                let known = |known: bool| if known { "known" } else { "unknown" };
                let message = format!(
                    "band {}: scale and offset are {}, and {} for {}: values of different radiometry cannot be mixed; say \
                     scale and offset in [scenes] or [[scene]]",
                    band.name,
                    known(here.is_some()),
                    known(there.is_some()),
                    stack.facts[reference].id
                );
                Err(EngineError::scene(&facts.id, message))
            }
        })
        .collect()
}

fn stages(
    rules: &Rules,
    stack: &Stack,
    (target, target_day): (Option<usize>, Option<Day>),
    grid: &Grid,
    scenes: &[ScenePlan],
) -> Result<Vec<Stage>, EngineError> {
    let facts = StackFacts { target, target_day, scenes: &stack.facts, grid, validity: stack.validity };
    let mut stages = Vec::new();
    for fill in &rules.fills {
        let bound = fill.value.strategy.bind(&facts).map_err(|e| {
            let message = format!("fill \"{}\": {e}", fill.value.name);
            EngineError::Rules(vec![rules.file.mistake_at(&e.span_in(&fill.spans), &message)])
        })?;
        if let Some(donor) = bound.donors().iter().find(|d| d.scene >= scenes.len()) {
            return Err(EngineError::Bug(format!("{} names donor {}", fill.value.name, donor.scene)));
        }
        let scores = placement::planned_scores(&stack.facts, &*bound, grid)?;
        stages.push(Stage { name: fill.value.name.clone(), bound, unsettled: None, scores });
    }
    Ok(stages)
}
