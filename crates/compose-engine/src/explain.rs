//! Explains one pixel: its value in every scene, the rules that mask it, and its value in the output.

use crate::error::EngineError;
use crate::fitted::{Fitted, FittedJob};
use crate::pixels::{ReadContext, SceneReader, Scope, Worker};
use crate::plan::{Job, Plan, RuleId, SceneId};
use crate::run::compose_block;
use compose_core::{GAP, OUTSIDE, STATISTIC, Window};
use compose_io::RunPosition;
use std::fmt::Write;
use std::sync::atomic::AtomicBool;

/// Text that explains the output pixel at map coordinates (x, y), for every output of the plan.
///
/// # Errors
/// The point is outside a grid; pixels cannot be read.
pub fn explain(fitted: &Fitted, x: f64, y: f64) -> Result<String, EngineError> {
    let (plan, mut text) = (&fitted.plan, String::new());
    let (context, worker) = (ReadContext::new(plan, &fitted.sources, plan.memory.tiles, 1), Worker::new(0));
    for fitted in &fitted.jobs {
        let job = &fitted.job;
        let window = pixel_at(job, x, y)?;
        let place = RunPosition { pass: 0, region: window, block: window, worker: 0 };
        let reader = context.reader(Scope::of(fitted), place, &worker);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}: column {}, row {}", job.output.path.display(), window.col, window.row);
        for scene in plan.stack.scene_ids() {
            text += &scene_line(plan, &reader, scene, window)?;
        }
        text += &outcome(plan, &reader, fitted)?;
    }
    Ok(text.trim_end().to_owned())
}

fn pixel_at(job: &Job, x: f64, y: f64) -> Result<Window, EngineError> {
    let (col, row) = job.view.grid.transform.to_pixel(x, y);
    let window = Window { col: col.floor() as i64, row: row.floor() as i64, width: 1, height: 1 };
    let whole = Window::whole(job.view.grid.width, job.view.grid.height);
    window.intersect(whole).ok_or_else(|| EngineError::Option {
        option: "--explain".into(),
        message: format!(
            "({x}, {y}) is outside the grid, whose bounds are {:?} in {}",
            job.view.grid.bounds(),
            job.view.grid.crs_label()
        ),
    })
}

fn scene_line(
    plan: &Plan,
    reader: &SceneReader<'_>,
    scene: SceneId,
    window: Window,
) -> Result<String, EngineError> {
    let facts = &plan.stack.facts[scene];
    let day = facts.day.map_or_else(|| "no date   ".to_owned(), |d| d.to_string());
    let block = reader.read(scene, window, false)?;
    if block.valid.iter().all(|v| *v == 0) {
        return Ok(format!("  {day}  {}: no data\n", facts.id));
    }
    let values: Vec<String> = block.values.iter().map(ToString::to_string).collect();
    let mut takers = Vec::new();
    for (rule, name) in plan.stack.mask_names.iter().enumerate() {
        if reader.marks(scene, RuleId(rule), window)?.iter().any(|mark| *mark != 0) {
            takers.push(format!("\"{name}\""));
        }
    }
    let verdict =
        if takers.is_empty() { "clear".to_owned() } else { format!("taken by {}", takers.join(", ")) };
    Ok(format!("  {day}  {}: {} ({verdict})\n", facts.id, values.join(" ")))
}

fn outcome(plan: &Plan, reader: &SceneReader<'_>, fitted: &FittedJob) -> Result<String, EngineError> {
    let composed = compose_block(reader, &fitted.fills, &AtomicBool::new(false))?;
    let mut text = String::new();
    for (plane, (source, stage)) in composed.canvas.source.iter().zip(&composed.stage).enumerate() {
        let bands = composed.canvas.bands_of(plane);
        let names = plan.stack.bands[bands.clone()].join(" ");
        let values: Vec<String> = bands.map(|b| composed.canvas.values[[b, 0, 0]].to_string()).collect();
        let origin = match (*source, *stage) {
            (GAP, _) => "stays open".to_owned(),
            (OUTSIDE, _) => "outside the area".to_owned(),
            (STATISTIC, stage) => {
                format!("computed by fill {stage}, {}", fitted.job.fills[usize::from(stage) - 1].name)
            }
            (scene, 0) => format!("observed in {}", plan.stack.facts[SceneId::from(scene)].id),
            (scene, stage) => {
                let fill = &fitted.job.fills[usize::from(stage) - 1].name;
                format!("from {} by fill {stage}, {fill}", plan.stack.facts[SceneId::from(scene)].id)
            }
        };
        let _ = writeln!(text, "  → {names}: {} ({origin})", values.join(" "));
    }
    Ok(text)
}
