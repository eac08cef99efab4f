//! The counts of a run, for the last line on the screen and for the sidecar.

use crate::fitted::FittedJob;
use crate::pixels::ReadContext;
use crate::plan::{Job, Masked, Plan};
use crate::run::composed::{Composed, OBSERVED, UNDEFINED};
use compose_core::{GAP, OUTSIDE, STATISTIC};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::Ordering;

/// Samples of validity planes by where they came from.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// By stage (0 = observed), then by scene; the last entry of each row is the statistic.
    by_stage: Vec<Vec<u64>>,
    left: u64,
    masked: u64,
    missing: u64,
    /// Whether the record of the masks, or of clear looks, says something.
    recorded: bool,
}

impl Tally {
    /// Room for the stages and scenes of `job`.
    pub fn new(job: &Job) -> Self {
        Self { by_stage: vec![vec![0; job.view.scenes.len() + 1]; job.fills.len() + 1], ..Self::default() }
    }

    /// The counts of some tiles of `job` together.
    pub fn of_tiles(job: &Job, tiles: &[JobReport]) -> Self {
        let mut tally = Self::new(job);
        for tile in tiles {
            tally.left += tile.left;
            tally.masked += tile.masked;
            tally.missing += tile.missing;
            for stage in &tile.stages {
                let Some(row) = tally.by_stage.get_mut(stage.stage) else { continue };
                for scene in &stage.scenes {
                    let at = scene.index.unwrap_or(row.len() - 1);
                    if let Some(count) = row.get_mut(at) {
                        *count += scene.pixels;
                    }
                }
            }
        }
        tally
    }

    fn add_run(&mut self, stage: u16, source: u16, pixels: u64) {
        if source == OUTSIDE {
            return;
        }
        if stage == UNDEFINED || source == GAP {
            self.left += pixels;
            return;
        }
        let row = &mut self.by_stage[usize::from(stage)];
        let at = if source == STATISTIC { row.len() - 1 } else { usize::from(source) };
        row[at] += pixels;
    }

    /// Counts a finished block.
    pub fn add(&mut self, composed: &Composed) {
        let stages = composed.stage.as_slice().expect("arrays that are made are in standard layout");
        let sources = composed.canvas.source.as_slice().expect("arrays that are made are in standard layout");
        // Neighbours mostly come from one source: runs are counted, not pixels.
        let mut from = 0;
        while from < stages.len() {
            let first = (stages[from], sources[from]);
            let same =
                stages[from..].iter().zip(&sources[from..]).take_while(|pair| (*pair.0, *pair.1) == first);
            let run = same.count();
            self.add_run(first.0, first.1, run as u64);
            from += run;
        }
        if let Some(before) = &composed.before {
            self.masked += before.masked.iter().map(|m| u64::from(*m)).sum::<u64>();
            let pixels = before.block.valid.iter().zip(sources);
            self.missing +=
                pixels.filter(|(valid, source)| **valid == 0 && **source != OUTSIDE).count() as u64;
        }
        self.recorded |= composed.reasons.iter().flatten().any(|reason| *reason != UNDEFINED)
            || composed.count.iter().flatten().any(|count| *count > 0);
    }
}

/// One stage's share of an output.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StageShare {
    /// 0 is the target itself; k the k-th fill.
    pub stage: usize,
    /// `observed`, or the strategy.
    pub name: String,
    /// Pixels (with per-band validity: band samples).
    pub pixels: u64,
    /// Percent of the output.
    pub percent: f64,
    /// The scenes that gave them.
    pub scenes: Vec<SceneShare>,
}

/// One scene's share of a stage.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SceneShare {
    /// Index of the scene, as in the provenance file; `None` for a statistic over several.
    pub index: Option<usize>,
    /// Its id.
    pub id: String,
    /// Pixels (with per-band validity: band samples).
    pub pixels: u64,
    /// Percent of the output.
    pub percent: f64,
}

/// The report of one output.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct JobReport {
    /// The target, where there is one.
    pub target: Option<String>,
    /// The way of the target's observed pixels into the output: `copied`, or how they were resampled.
    pub observed: Option<String>,
    /// The image.
    pub path: String,
    /// Pixels of the output, those outside its area not among them (with per-band validity: band samples).
    pub pixels: u64,
    /// Pixels of the grid outside the area; no other number counts them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub outside: u64,
    /// Pixels of the target that a mask rule masks.
    pub masked: u64,
    /// Pixels of the target that are outside it, or nodata.
    pub missing: u64,
    /// Percent of the target's pixels with data that a mask rule took; `None` without any.
    pub masked_percent: Option<f64>,
    /// A remark that follows from the pixels, not from the plan.
    #[serde(skip)]
    pub remark: Option<String>,
    /// Pixels that are gaps at the end.
    pub left: u64,
    /// Percent of the pixels that are gaps at the end.
    pub left_percent: f64,
    /// Whether none of its files says anything of any pixel.
    #[serde(skip)]
    pub blank: bool,
    /// The sources of the other pixels.
    pub stages: Vec<StageShare>,
}

/// The report of a run.
#[derive(Clone, Debug, Serialize)]
pub struct RunReport {
    /// One per output.
    pub jobs: Vec<JobReport>,
    /// Mask rules that took no pixel of anything that was read.
    pub idle_rules: Vec<String>,
    /// Tiles decoded, repeats included, and how many of these are repeats. It depends on memory and threads, not on
    /// the rules alone, so it is no part of the record.
    #[serde(skip)]
    pub tiles_decoded: (u64, u64),
    /// Bytes of tiles that waited in the scratch file.
    #[serde(skip)]
    pub bytes_waited: u64,
    /// Earlier runs to the same files that were killed, and what they left.
    #[serde(skip)]
    pub taken_over: Vec<String>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

impl JobReport {
    /// The report of a finished output.
    pub fn new(plan: &Plan, fitted: &FittedJob, tally: &Tally) -> Self {
        let job = &fitted.job;
        let planes = plan.stack.validity.planes(plan.stack.bands.len());
        let all = (job.part.pixels() * planes) as u64;
        let pixels = match (&job.area, job.tile) {
            (None, _) => all,
            (Some(area), None) => area.pixels * planes as u64,
            (Some(area), Some(tile)) => area.in_tile(tile) * planes as u64,
        };
        // Blocks that no scene meets never came by.
        let rest = pixels - (tally.by_stage.iter().flatten().sum::<u64>() + tally.left).min(pixels);
        let (left, missing) =
            (tally.left + rest, tally.missing + if job.target.is_some() { rest } else { 0 });
        let stages = tally.by_stage.iter().enumerate();
        let target = job.target.map(|t| plan.stack.facts[t].id.clone());
        let own = pixels - missing.min(pixels);
        let masked = Masked { pixels: own, masked: tally.masked, looked_at: 100.0, at_least: false };
        let skip = plan.skip_above.as_ref();
        let remark = target.as_ref().and_then(|id| masked.remark(id, skip));
        let told =
            target.as_ref().is_some_and(|id| fitted.masked.is_some_and(|m| m.remark(id, skip).is_some()));
        Self {
            masked_percent: target.as_ref().and(masked.percent()),
            remark: remark.filter(|_| !told),
            observed: target.as_ref().map(|_| job.resampled.clone().unwrap_or_else(|| "copied".to_owned())),
            target,
            path: job.output.path.display().to_string(),
            pixels,
            outside: all - pixels,
            masked: tally.masked,
            missing,
            left,
            left_percent: percent(left, pixels),
            blank: left == pixels && !tally.recorded,
            stages: stages.map(|(stage, row)| stage_share(plan, job, stage, row, pixels)).collect(),
        }
    }

    /// The report of some tiles of an output together, as if the output were made of them alone; `None` of none.
    pub fn together(tiles: &[Self]) -> Option<Self> {
        let mut all = tiles.first()?.clone();
        let sum = |of: &dyn Fn(&Self) -> u64| tiles.iter().map(of).sum();
        all.pixels = sum(&|tile| tile.pixels);
        all.outside = sum(&|tile| tile.outside);
        all.masked = sum(&|tile| tile.masked);
        all.missing = sum(&|tile| tile.missing);
        all.left = sum(&|tile| tile.left);
        all.left_percent = percent(all.left, all.pixels);
        let own = all.pixels - all.missing.min(all.pixels);
        all.masked_percent = all.target.as_ref().filter(|_| own > 0).map(|_| percent(all.masked, own));
        for (nth, stage) in all.stages.iter_mut().enumerate() {
            let mut scenes: BTreeMap<Option<usize>, SceneShare> = BTreeMap::new();
            for scene in tiles.iter().filter_map(|tile| tile.stages.get(nth)).flat_map(|stage| &stage.scenes)
            {
                let sum =
                    scenes.entry(scene.index).or_insert_with(|| SceneShare { pixels: 0, ..scene.clone() });
                sum.pixels += scene.pixels;
                sum.percent = percent(sum.pixels, all.pixels);
            }
            stage.pixels = scenes.values().map(|scene| scene.pixels).sum();
            stage.percent = percent(stage.pixels, all.pixels);
            stage.scenes = scenes.into_values().collect();
        }
        Some(all)
    }

    /// The same where so many more pixels are gaps, which are outside every scene, and so many lie outside the area.
    #[must_use]
    pub fn with_gaps(mut self, pixels: u64, outside: u64) -> Self {
        self.pixels += pixels;
        self.outside += outside;
        self.left += pixels;
        self.missing += if self.target.is_some() { pixels } else { 0 };
        self.left_percent = percent(self.left, self.pixels);
        for stage in &mut self.stages {
            stage.percent = percent(stage.pixels, self.pixels);
            stage.scenes.iter_mut().for_each(|scene| scene.percent = percent(scene.pixels, self.pixels));
        }
        self
    }

    /// Whether it has no pixel at all.
    pub fn is_empty(&self) -> bool {
        self.left == self.pixels
    }

    /// Whether gaps remain.
    pub fn has_gaps(&self) -> bool {
        self.left > 0
    }
}

fn stage_share(plan: &Plan, job: &Job, stage: usize, row: &[u64], pixels: u64) -> StageShare {
    let observed = usize::from(OBSERVED);
    let name = if stage == observed { "observed".to_owned() } else { job.fills[stage - 1].name.clone() };
    let scene = |(index, count): (usize, &u64)| SceneShare {
        index: (index < plan.stack.facts.len()).then_some(index),
        id: plan.stack.facts.get(index).map_or_else(|| "several".to_owned(), |f| f.id.clone()),
        pixels: *count,
        percent: percent(*count, pixels),
    };
    let total = row.iter().sum();
    StageShare {
        stage,
        name,
        pixels: total,
        percent: percent(total, pixels),
        scenes: row.iter().enumerate().filter(|(_, n)| **n > 0).map(scene).collect(),
    }
}

/// `filled 98.2 % · nearest-date 91.0 · median-stack 7.2 · left 1.8`: shares of what there was to fill.
impl fmt::Display for JobReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let observed = self.stages.first().map_or(0, |s| s.pixels);
        let gap = self.pixels - observed;
        if gap == 0 {
            return write!(f, "nothing to fill: every pixel was clear");
        }
        if self.stages.len() == 1 {
            return write!(f, "{:.1} % of the pixels stay open: there is no fill", percent(gap, self.pixels));
        }
        let filled = gap - self.left;
        write!(f, "filled {:.1} %", percent(filled, gap))?;
        for stage in self.stages.iter().skip(1) {
            write!(f, " · {} {:.1}", stage.name, percent(stage.pixels, gap))?;
        }
        write!(f, " · left {:.1}", percent(self.left, gap))
    }
}

impl RunReport {
    /// The report of a finished run.
    pub fn new(plan: &Plan, jobs: Vec<JobReport>, context: &ReadContext<'_>) -> Self {
        let idle =
            plan.stack.mask_names.iter().zip(&context.marked).filter(|(_, n)| n.load(Ordering::Relaxed) == 0);
        let idle_rules = idle.map(|(name, _)| name.clone()).collect();
        let (tiles_decoded, bytes_waited) = (context.store.decoded(), context.store.waited());
        Self { jobs, idle_rules, tiles_decoded, bytes_waited, taken_over: Vec::new() }
    }
}
