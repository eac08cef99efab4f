//! The JSON report beside an image: rules, scenes and their roles, versions, shares.

use crate::error::EngineError;
use crate::fitted::{Fitted, FittedJob, TileIdentity};
use crate::plan::{Job, Plan, RuleId, SceneId, SceneStatus, Status};
use crate::rules::{Rules, tables};
use crate::run::report::JobReport;
use compose_core::{BoundFill, FitSummary, SurveyedModel};
use compose_io::files::Drafts;
use compose_io::write::Pending;
use compose_plugin_host::{Plugin, PluginKind};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::path::Path;

/// The report, in its order.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Sidecar<'a> {
    compose: &'static str,
    gdal: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tiles: Option<TilesTold>,
    files: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    tile: Option<&'a TileIdentity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<RulesRead>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command_line: Option<&'a [String]>,
    target: &'a Option<String>,
    target_masked: Option<String>,
    left_out: Vec<LeftOut>,
    target_date: Option<String>,
    grid: Grid<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    area: Option<AreaTold<'a>>,
    bands: &'a [String],
    validity: &'static str,
    output: Output,
    plugins: Vec<PluginUsed<'a>>,
    masks: Vec<MaskUsed<'a>>,
    fills: Vec<FillUsed<'a>>,
    survey: Option<String>,
    scenes: Vec<Scene<'a>>,
    result: &'a JobReport,
    notes: Vec<String>,
}

/// The rules file as it was read.
#[derive(Serialize)]
struct RulesRead {
    file: String,
    tables: Value,
}

/// A target of which the masks take too much.
#[derive(Serialize)]
struct LeftOut {
    id: String,
    reason: String,
}

#[derive(Serialize)]
struct Grid<'a> {
    width: usize,
    height: usize,
    transform: [f64; 6],
    crs: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

/// The area that the output is limited to.
#[derive(Serialize)]
struct AreaTold<'a> {
    file: String,
    layer: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<&'a str>,
    touch: bool,
    polygons: usize,
    sha256: &'a str,
}

#[derive(Serialize)]
struct Output {
    path: String,
    dtype: &'static str,
    nodata: Option<Value>,
    provenance: Option<String>,
    mask: Option<String>,
    uncertainty: Option<String>,
}

/// A plugin that took part.
#[derive(Serialize)]
struct PluginUsed<'a> {
    file: String,
    sha256: &'a str,
    interface: String,
    kinds: Vec<PluginKindUsed<'a>>,
}

#[derive(Serialize)]
struct PluginKindUsed<'a> {
    sort: String,
    id: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct MaskUsed<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    does: Option<String>,
    took_nothing: bool,
}

#[derive(Serialize)]
struct FillUsed<'a> {
    stage: usize,
    strategy: &'a str,
    donors: Vec<&'a str>,
    skipped: Vec<Skipped<'a>>,
    notes: Vec<String>,
    survey: Option<Summary<'a>>,
}

#[derive(Serialize)]
struct Skipped<'a> {
    scene: &'a str,
    reason: String,
}

/// The fit summary of a strategy.
#[derive(Serialize)]
struct Summary<'a> {
    ranking: Vec<Ranked<'a>>,
    fallbacks: Vec<String>,
    models: Vec<Model<'a>>,
}

#[derive(Serialize)]
struct Ranked<'a> {
    scene: &'a str,
    agreement: String,
}

/// Coefficients: the intercept, then the bands of the first donor, of the second, ….
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Model<'a> {
    donors: Vec<&'a str>,
    method: &'static str,
    pixels: usize,
    bands: Map<String, Value>,
    donor_mean: Option<Vec<f64>>,
    donor_deviation: Option<Vec<f64>>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Scene<'a> {
    index: Option<usize>,
    id: &'a str,
    date: Option<String>,
    fate: &'static str,
    reason: Option<&'a str>,
    alignment: Option<Vec<&'a str>>,
    quality_alignment: Option<Vec<String>>,
    radiometry: Option<String>,
    files: Option<Vec<String>>,
}

/// The results of an output: what its report tells beside the plan.
pub struct Results<'a> {
    /// The counts.
    pub counts: &'a JobReport,
    /// Mask rules that took no pixel.
    pub idle_rules: &'a [String],
    /// What [`super::set`] says of the files of its set.
    pub files: Value,
}

/// Tiles as the report of all of them tells them.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct TilesTold {
    /// Width and height of a tile in pixels.
    pub size: (usize, usize),
    /// Tiles across and down.
    pub count: (usize, usize),
    /// Tiles with an image.
    pub written: usize,
    /// Tiles on which scenes lie, but no pixel came of them.
    pub empty: Vec<String>,
    /// Tiles that no scene reaches.
    pub not_reached: usize,
}

/// Writes the report of all tiles of an output under a temporary name.
pub fn write_of_tiles(
    (path, drafts): (&Path, &Drafts),
    rules: &Rules,
    fitted: &Fitted,
    index: usize,
    (plan, tiles): (&str, TilesTold),
    results: Results<'_>,
) -> Result<Pending, EngineError> {
    let sidecar = sidecar(rules, fitted, index, results);
    put(path, drafts, &Sidecar { plan: Some(plan), tiles: Some(tiles), ..sidecar })
}

/// Writes the report of an output under a temporary name.
pub fn write(
    (path, drafts): (&Path, &Drafts),
    rules: &Rules,
    fitted: &Fitted,
    index: usize,
    results: Results<'_>,
) -> Result<Pending, EngineError> {
    let sidecar = match &fitted.tile {
        Some(tile) => of_tile(rules, fitted, tile, index, results),
        None => sidecar(rules, fitted, index, results),
    };
    put(path, drafts, &sidecar)
}

fn put(path: &Path, drafts: &Drafts, sidecar: &Sidecar<'_>) -> Result<Pending, EngineError> {
    let text = serde_json::to_string_pretty(sidecar)
        .map_err(|e| EngineError::Sidecar { path: path.to_owned(), cause: e.into() })?;
    Ok(compose_io::files::text_file(path, &(text + "\n"), drafts)?)
}

/// The report of a tile: of the scenes that reach it, and without what the report of the whole tells once for all.
fn of_tile<'a>(
    rules: &Rules,
    fitted: &'a Fitted,
    tile: &'a TileIdentity,
    index: usize,
    results: Results<'a>,
) -> Sidecar<'a> {
    let (plan, of) = (&fitted.plan, &fitted.jobs[index]);
    let near: Vec<&str> =
        of.job.scenes_on(of.job.part).map(|scene| plan.stack.facts[scene].id.as_str()).collect();
    let mut all = sidecar(rules, fitted, index, results);
    all.scenes.retain(|scene| near.contains(&scene.id));
    for fill in &mut all.fills {
        fill.donors.retain(|id| near.contains(id));
        fill.skipped.retain(|skipped| near.contains(&skipped.scene));
        fill.survey = None;
        fill.notes.clear();
    }
    all.masks.iter_mut().for_each(|mask| mask.does = None);
    all.grid.reason = None;
    let (left_out, notes) = (Vec::new(), Vec::new());
    Sidecar { tile: Some(tile), plan: None, rules: None, command_line: None, left_out, notes, ..all }
}

fn sidecar<'a>(rules: &Rules, fitted: &'a Fitted, index: usize, results: Results<'a>) -> Sidecar<'a> {
    let Results { counts: report, idle_rules, files } = results;
    let (plan, of) = (&fitted.plan, &fitted.jobs[index]);
    let (job, mut notes) = (&of.job, fitted.notes());
    notes.extend(report.remark.clone());
    Sidecar {
        compose: env!("CARGO_PKG_VERSION"),
        gdal: compose_io::gdal_version(),
        plan: plan.hash.as_deref(),
        tiles: None,
        files,
        tile: None,
        rules: Some(RulesRead { file: text(&rules.file.path), tables: tables(&rules.file.text) }),
        // Many commands may have a part in one mosaic.
        command_line: job.tiling.is_none().then_some(&plan.command_line),
        target: &report.target,
        target_masked: of.masked.map(|masked| masked.words()),
        left_out: left_out(fitted),
        target_date: job.target_day.map(|d| d.to_string()),
        grid: grid(job),
        area: area(plan, job),
        bands: &plan.stack.bands,
        validity: if plan.stack.validity.planes(2) == 1 { "joint" } else { "per-band" },
        output: output(job),
        plugins: plan.plugins.iter().map(|plugin| plugin_used(plugin)).collect(),
        masks: masks(plan, idle_rules),
        fills: fills(plan, of),
        survey: of.lattice.map(|lattice| lattice.to_string()),
        scenes: plan.stack.statuses.iter().map(|found| scene(fitted, of, found)).collect(),
        result: report,
        notes,
    }
}

fn left_out(fitted: &Fitted) -> Vec<LeftOut> {
    fitted.left_out.iter().map(|of| LeftOut { id: of.id.clone(), reason: of.masked.words() }).collect()
}

fn grid(job: &Job) -> Grid<'_> {
    let grid = job.file_grid();
    let t = grid.transform;
    Grid {
        width: grid.width,
        height: grid.height,
        transform: [t.x0, t.dx, 0.0, t.y0, 0.0, t.dy],
        crs: grid.crs_label().to_owned(),
        reason: Some(&job.grid_reason),
    }
}

fn area<'a>(plan: &'a Plan, job: &'a Job) -> Option<AreaTold<'a>> {
    let (of, source) = job.area.as_ref().zip(plan.stack.area.as_ref())?;
    Some(AreaTold {
        file: text(&source.file.path),
        layer: &source.file.layer,
        filter: source.choice.filter.as_deref(),
        touch: source.touch,
        polygons: of.polygons,
        sha256: &of.sha256,
    })
}

fn output(job: &Job) -> Output {
    let nodata = |n: f64| if n.is_finite() { json!(n) } else { json!(n.to_string()) };
    Output {
        path: text(&job.output.path),
        dtype: job.cast.dtype.name(),
        nodata: job.cast.nodata.map(nodata),
        provenance: job.output.provenance.as_deref().map(text),
        mask: job.output.mask.as_deref().map(text),
        uncertainty: job.output.uncertainty.as_deref().map(text),
    }
}

/// JSON is UTF-8, and a path need not be.
fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn plugin_used(plugin: &Plugin) -> PluginUsed<'_> {
    PluginUsed {
        file: plugin.path.display().to_string(),
        sha256: &plugin.sha256,
        interface: format!("{}.{}", plugin.abi.0, plugin.abi.1),
        kinds: plugin.kinds.iter().map(plugin_kind).collect(),
    }
}

fn plugin_kind(kind: &PluginKind) -> PluginKindUsed<'_> {
    PluginKindUsed { sort: kind.sort.to_string(), id: kind.id, version: kind.version }
}

fn masks<'a>(plan: &'a Plan, idle_rules: &[String]) -> Vec<MaskUsed<'a>> {
    let rule = |(rule, name): (usize, &'a String)| MaskUsed {
        name,
        does: Some(plan.stack.mask_description(RuleId(rule))),
        took_nothing: idle_rules.contains(name),
    };
    plan.stack.mask_names.iter().enumerate().map(rule).collect()
}

fn fills<'a>(plan: &'a Plan, of: &'a FittedJob) -> Vec<FillUsed<'a>> {
    let id = |index: usize| plan.stack.facts[index].id.as_str();
    let skipped = |bound: &dyn BoundFill| {
        bound.skipped().into_iter().map(|(s, reason)| Skipped { scene: id(s), reason }).collect()
    };
    let stages = of.job.fills.iter().zip(&of.fills).enumerate();
    let fills = stages.map(|(number, (stage, bound))| FillUsed {
        stage: number + 1,
        strategy: &stage.name,
        donors: bound.donors().iter().map(|d| id(d.scene)).collect(),
        skipped: skipped(&**bound),
        notes: bound.notes(),
        survey: bound.fit_summary().map(|summary| summarised(plan, &summary)),
    });
    fills.collect()
}

fn summarised<'a>(plan: &'a Plan, of: &FitSummary) -> Summary<'a> {
    let id = |scene: usize| plan.stack.facts[scene].id.as_str();
    let model = |model: &SurveyedModel| {
        let bands = plan.stack.bands.iter().zip(model.sigma.iter().zip(&model.coefficients));
        let band = |(band, (sigma, of)): (&String, (&f64, &Vec<f64>))| {
            (band.clone(), json!({ "sigma": sigma, "coefficients": of }))
        };
        Model {
            donors: model.donors.iter().map(|donor| id(*donor)).collect(),
            method: model.method,
            pixels: model.pixels,
            bands: bands.map(band).collect(),
            donor_mean: model.standard.as_ref().map(|s| s[0].clone()),
            donor_deviation: model.standard.as_ref().map(|s| s[1].clone()),
        }
    };
    let ranked = |(scene, how): &(usize, String)| Ranked { scene: id(*scene), agreement: how.clone() };
    Summary {
        ranking: of.ranking.iter().map(ranked).collect(),
        fallbacks: of.fallbacks.clone(),
        models: of.models.iter().map(model).collect(),
    }
}

fn scene<'a>(fitted: &'a Fitted, of: &'a FittedJob, found: &'a SceneStatus) -> Scene<'a> {
    let (plan, job) = (&fitted.plan, &of.job);
    let index = plan.stack.find(&found.id);
    let alignments = |i: SceneId| job.view.scenes[i].groups.iter().map(|g| g.reason.as_str()).collect();
    Scene {
        index: index.map(SceneId::index),
        id: &found.id,
        date: found.day.map(|d| d.to_string()),
        fate: fitted.role(of, found),
        reason: match &found.status {
            Status::Skipped(reason) => Some(reason),
            Status::Used => None,
        },
        alignment: index.map(alignments),
        quality_alignment: index.map(|i| plan.stack.mask_alignments(i)),
        radiometry: index.map(|i| fitted.radiometry_text(job, i)),
        files: index.map(|i| plan.stack.scenes[i].files.iter().map(|f| text(f)).collect()),
    }
}
