//! Mask rules that compare their scene with others: which, and how those get to the grid on which the rule runs.

use super::{Job, Order, Stack, scene_plan};
use crate::error::EngineError;
use compose_core::{BoundMask, Grid, MaskStack};
use compose_io::align::Resampling;
use std::sync::Arc;

/// A rule of a scene that compares.
pub struct Comparing {
    /// Index of the scene.
    pub scene: usize,
    /// Number of the rule.
    pub rule: usize,
    /// The scenes that it compares with.
    pub others: Vec<usize>,
    /// The stack on the grid on which the rule runs.
    pub view: Arc<Job>,
    /// The rule with what the survey told, if it asked.
    pub settled: Option<Arc<dyn BoundMask>>,
}

impl Job {
    /// The rule of a scene, if it compares.
    pub fn comparing(&self, scene: usize, rule: usize) -> Option<&Comparing> {
        self.comparing.iter().find(|c| (c.scene, c.rule) == (scene, rule))
    }

    /// The stack as a rule of a scene sees it.
    pub fn mask_stack<'a>(&self, stack: &'a Stack, scene: usize) -> MaskStack<'a> {
        MaskStack { scenes: &stack.facts, scene, reference: self.target.unwrap_or(0) }
    }
}

/// Decides for every rule that compares.
pub fn comparing(stack: &Stack, job: &Job, resampling: Resampling) -> Result<Vec<Comparing>, EngineError> {
    let mut all: Vec<Comparing> = Vec::new();
    for scene in 0..stack.facts.len() {
        for (rule, mask) in stack.masks[scene].iter().enumerate() {
            let mut others = mask.bound.compares(&job.mask_stack(stack, scene));
            others.retain(|other| *other != scene && *other < stack.facts.len());
            if others.is_empty() {
                continue;
            }
            let grid = &mask.place.grid;
            let known = all.iter().find(|c| c.view.grid.same(grid)).map(|c| c.view.clone());
            let view = match known {
                Some(view) => view,
                None => Arc::new(view(stack, job, grid, resampling)?),
            };
            all.push(Comparing { scene, rule, others, view, settled: None });
        }
    }
    Ok(all)
}

/// A job that brings every scene to another grid, and is never composed.
fn view(stack: &Stack, job: &Job, grid: &Grid, resampling: Resampling) -> Result<Job, EngineError> {
    let reference = job.target.unwrap_or(0);
    let to_grid = |scene: usize| {
        scene_plan(stack, scene, reference, (grid, job.georeferenced), resampling, job.cast.dtype)
    };
    Ok(Job {
        target: None,
        target_day: None,
        grid: grid.clone(),
        grid_reason: String::new(),
        snapped: false,
        georeferenced: job.georeferenced,
        scenes: (0..stack.facts.len()).map(to_grid).collect::<Result<_, _>>()?,
        fills: Vec::new(),
        cast: job.cast,
        output: job.output.clone(),
        order: Order::plain(grid.width, grid.height, stack.bands.len(), (1, 1)),
        resampled: None,
        lattice: None,
        comparing: Vec::new(),
        masked: None,
    })
}
