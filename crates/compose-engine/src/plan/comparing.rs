//! Mask rules that compare their scene with others: which, and how those get to the grid on which the rule runs.

use crate::error::EngineError;
use crate::plan::Stack;
use crate::plan::ids::{RuleId, SceneId};
use crate::plan::view::{Conversion, View, ViewId};
use compose_core::MaskStack;
use std::sync::Arc;

/// A rule of a scene that compares.
#[derive(Clone)]
pub struct Comparing {
    /// Index of the scene.
    pub scene: SceneId,
    /// Number of the rule.
    pub rule: RuleId,
    /// The scenes that it compares with.
    pub others: Vec<SceneId>,
    /// The stack on the grid on which the rule runs.
    pub view: Arc<View>,
}

/// Decides for every rule that compares.
pub fn comparing(stack: &Stack, own: &View, conversion: Conversion) -> Result<Vec<Comparing>, EngineError> {
    let (mut all, mut views) = (Vec::<Comparing>::new(), 0);
    for scene in stack.scene_ids() {
        for (rule, mask) in stack.masks[scene].iter().enumerate() {
            let mut others = mask.bound.planned().compares(&MaskStack {
                scenes: &stack.facts,
                scene: scene.index(),
                reference: conversion.reference.index(),
            });
            others.retain(|other| *other != scene.index() && *other < stack.facts.len());
            if others.is_empty() {
                continue;
            }
            let grid = &mask.runs_on.grid;
            let known = all.iter().find(|c| c.view.grid.same(grid)).map(|c| c.view.clone());
            let view = match known {
                Some(view) => view,
                None => {
                    views += 1;
                    let id = ViewId { number: views, ..own.id };
                    Arc::new(View::new(id, stack, (grid.clone(), own.georeferenced), conversion)?)
                }
            };
            all.push(Comparing {
                scene,
                rule: RuleId(rule),
                others: others.into_iter().map(SceneId).collect(),
                view,
            });
        }
    }
    Ok(all)
}
