//! The JSON report beside an image: resolved rules, scenes with their fate, versions, shares.

use crate::error::EngineError;
use crate::fitted::{Fitted, FittedJob};
use crate::plan::{Fate, Job, Plan, Stage};
use crate::rules::Rules;
use crate::run::RunReport;
use compose_core::{BoundFill, FitSummary, SurveyedModel};
use compose_io::files::Drafts;
use compose_io::write::Pending;
use compose_plugin_host::{Plugin, PluginKind};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;

/// Writes the report of an output under a temporary name; `files` is what [`super::set`] says of those of its set.
pub fn write(
    (path, drafts): (&Path, &Drafts),
    rules: &Rules,
    fitted: &Fitted,
    index: usize,
    run: &RunReport,
    files: Value,
) -> Result<Pending, EngineError> {
    let (plan, of, report) = (&fitted.plan, &fitted.jobs[index], &run.jobs[index]);
    let (job, mut notes) = (&of.job, fitted.notes());
    notes.extend(report.remark.clone());
    let value = json!({
        "compose": env!("CARGO_PKG_VERSION"),
        "gdal": compose_io::gdal_version(),
        "files": files,
        "rules": { "file": text(&rules.file.path), "tables": tables(&rules.file.text) },
        "command-line": plan.command_line,
        "target": report.target,
        "target-masked": of.masked.map(|masked| masked.words()),
        "left-out": left_out(fitted),
        "target-date": job.target_day.map(|d| d.to_string()),
        "grid": grid(job),
        "bands": plan.stack.bands,
        "validity": if plan.stack.validity.planes(2) == 1 { "joint" } else { "per-band" },
        "output": output(job),
        "plugins": plugins(plan),
        "masks": masks(plan, run),
        "fills": fills(plan, of),
        "survey": of.lattice.map(|lattice| lattice.to_string()),
        "scenes": scenes(fitted, of),
        "result": report,
        "notes": notes,
    });
    let text = serde_json::to_string_pretty(&value)
        .map_err(|e| EngineError::Sidecar { path: path.to_owned(), cause: e.into() })?;
    Ok(compose_io::files::text_file(path, &(text + "\n"), drafts)?)
}

/// Targets of which the masks take too much.
fn left_out(fitted: &Fitted) -> Value {
    let out = |of: &crate::plan::LeftOut| json!({ "id": of.id, "reason": of.masked.words() });
    fitted.left_out.iter().map(out).collect()
}

/// The rules file as it was read.
fn tables(text: &str) -> Value {
    text.parse::<toml::Table>().map_or(Value::Null, |t| plain(toml::Value::Table(t)))
}

/// TOML as JSON; dates become strings.
fn plain(value: toml::Value) -> Value {
    match value {
        toml::Value::Datetime(date) => json!(date.to_string()),
        toml::Value::Array(items) => items.into_iter().map(plain).collect(),
        toml::Value::Table(table) => table.into_iter().map(|(key, v)| (key, plain(v))).collect(),
        toml::Value::String(s) => json!(s),
        toml::Value::Integer(i) => json!(i),
        toml::Value::Float(f) => json!(f),
        toml::Value::Boolean(b) => json!(b),
    }
}

fn grid(job: &Job) -> Value {
    let t = job.view.grid.transform;
    json!({
        "width": job.view.grid.width, "height": job.view.grid.height,
        "transform": [t.x0, t.dx, 0.0, t.y0, 0.0, t.dy],
        "crs": job.view.grid.crs_label(), "reason": job.grid_reason,
    })
}

fn output(job: &Job) -> Value {
    json!({
        "path": text(&job.output.path), "dtype": job.cast.dtype.name(),
        "nodata": job.cast.nodata.map(|n| if n.is_finite() { json!(n) } else { json!(n.to_string()) }),
        "provenance": job.output.provenance.as_deref().map(text), "mask": job.output.mask.as_deref().map(text),
        "uncertainty": job.output.uncertainty.as_deref().map(text),
    })
}

/// JSON is UTF-8, and a path need not be.
fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// What else than this program had a hand in the result.
fn plugins(plan: &Plan) -> Value {
    let kind =
        |kind: &PluginKind| json!({ "sort": kind.sort.to_string(), "id": kind.id, "version": kind.version });
    let plugin = |plugin: &&Plugin| {
        json!({
            "file": plugin.path.display().to_string(), "sha256": plugin.sha256, "interface": format!("{}.{}", plugin.abi.0, plugin.abi.1),
            "kinds": plugin.kinds.iter().map(kind).collect::<Vec<_>>(),
        })
    };
    plan.plugins.iter().map(plugin).collect()
}

fn masks(plan: &Plan, run: &RunReport) -> Value {
    let rule = |(rule, name): (usize, &String)| json!({ "name": name, "does": plan.stack.mask_description(rule), "took-nothing": run.idle_rules.contains(name) });
    plan.stack.mask_names.iter().enumerate().map(rule).collect()
}

fn fills(plan: &Plan, of: &FittedJob) -> Value {
    let fill = |(number, (stage, bound)): (usize, (&Stage, &Arc<dyn BoundFill>))| {
        let id = |index: usize| plan.stack.facts[index].id.clone();
        let donors: Vec<String> = bound.donors().iter().map(|d| id(d.scene)).collect();
        let skipped: Vec<Value> =
            bound.skipped().into_iter().map(|(s, why)| json!({ "scene": id(s), "reason": why })).collect();
        json!({ "stage": number + 1, "strategy": stage.name, "donors": donors, "skipped": skipped, "notes": bound.notes(), "survey": bound.fit_summary().map(|f| fit_summary(plan, &f)) })
    };
    of.job.fills.iter().zip(&of.fills).enumerate().map(fill).collect()
}

/// What the survey told a strategy. Coefficients: the intercept, then the bands of the first donor, of the second, ….
fn fit_summary(plan: &Plan, of: &FitSummary) -> Value {
    let id = |scene: &usize| plan.stack.facts[*scene].id.clone();
    let model = |model: &SurveyedModel| {
        let bands = plan.stack.bands.iter().zip(model.sigma.iter().zip(&model.coefficients));
        let bands: serde_json::Map<String, Value> = bands
            .map(|(band, (sigma, of))| (band.clone(), json!({ "sigma": sigma, "coefficients": of })))
            .collect();
        json!({
            "donors": model.donors.iter().map(id).collect::<Vec<_>>(), "method": model.method, "pixels": model.pixels,
            "bands": bands, "donor-mean": model.standard.as_ref().map(|s| &s[0]),
            "donor-deviation": model.standard.as_ref().map(|s| &s[1]),
        })
    };
    let ranking = of.ranking.iter().map(|(scene, how)| json!({ "scene": id(scene), "agreement": how }));
    json!({
        "ranking": ranking.collect::<Vec<_>>(), "fallbacks": of.fallbacks,
        "models": of.models.iter().map(model).collect::<Vec<_>>(),
    })
}

fn scenes(fitted: &Fitted, of: &FittedJob) -> Value {
    let (plan, job) = (&fitted.plan, &of.job);
    let scene = |fate: &crate::plan::SceneFate| {
        let index = plan.stack.facts.iter().position(|f| f.id == fate.id);
        let alignments =
            index.map(|i| job.view.scenes[i].groups.iter().map(|g| g.reason.clone()).collect::<Vec<_>>());
        let reason = match &fate.fate {
            Fate::Skipped(reason) => Some(reason.clone()),
            Fate::Used => None,
        };
        json!({
            "index": index, "id": fate.id, "date": fate.day.map(|d| d.to_string()),
            "fate": fitted.fate(of, fate), "reason": reason, "alignment": alignments,
            "quality-alignment": index.map(|i| fitted.mask_alignments(i)),
            "radiometry": index.map(|i| fitted.radiometry_text(job, i)),
            "files": index.map(|i| plan.stack.scenes[i].files.iter().map(|f| text(f)).collect::<Vec<_>>()),
        })
    };
    plan.stack.fates.iter().map(scene).collect()
}
