//! One output: its target, its grid, its fills, its files.

use crate::error::EngineError;
use crate::options::Options;
use crate::plan::area::{self, Area, OnGrid};
use crate::plan::comparing::{Comparing, comparing};
use crate::plan::ids::{RuleId, SceneId};
use crate::plan::order::Order;
use crate::plan::output::{OutputPlan, cast};
use crate::plan::placement::{PlacedScore, placed_scores};
use crate::plan::view::{BandGroup, Conversion, ScenePlan, View, ViewId};
use crate::plan::{Stack, Tile, Tiling, grid};
use crate::rules::Rules;
use compose_core::fill_strategy::{FillBinding, StackFacts};
use compose_core::{Cast, Day, Grid, MaskStack, Transform, Window};
use compose_io::align::{Alignment, Resampling};
use compose_io::area::Polygon;
use compose_io::crs::CrsRegistry;
use std::sync::Arc;

/// Blocks per worker that may wait for the writer. Some blocks take much longer, because they decode tiles.
const AHEAD: usize = 4;
/// The same for fills that work in cells: all their blocks take long, and memory is better spent on tiles.
const AHEAD_OF_CELLS: usize = 2;

/// One output.
#[derive(Clone)]
pub struct Job {
    /// Index of the scene being repaired; `None` where every pixel is composed.
    pub target: Option<SceneId>,
    /// The date that distances are measured from.
    pub target_day: Option<Day>,
    /// The tiles that it comes in, each a file; `None` where it is one image.
    pub tiling: Option<Tiling>,
    /// The tile that it is narrowed to.
    pub tile: Option<Tile>,
    /// The grid, and how each scene gets to it.
    pub view: Arc<View>,
    /// The part of the grid that the output holds: all of it, or a tile.
    pub part: Window,
    /// The pixels that the output is limited to; `None` where it holds all of the grid.
    pub area: Option<Arc<Area>>,
    /// `the target's`, `like a.tif`, ….
    pub grid_reason: String,
    /// Whether the grid was moved to multiples of its resolution though scenes have pixels of that size.
    pub on_resolution_multiples: bool,
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
    /// The mask rules that compare scenes.
    pub comparing: Vec<Comparing>,
}

impl Job {
    /// Decides everything about the output of this number, except for the order in which it is composed.
    pub fn make(
        rules: &Rules,
        options: &Options,
        stack: &Stack,
        (number, target): (usize, Option<SceneId>),
        systems: &CrsRegistry,
    ) -> Result<Self, EngineError> {
        let resampling = resampling(rules, options)?;
        let grid::Chosen {
            grid,
            reason: grid_reason,
            on_resolution_multiples,
            georeferenced,
            area: polygons,
        } = grid::choose(rules, options, stack, target, systems)?;
        let reference = reference(target);
        let cast = cast(rules, options, stack, reference)?;
        grid::refuse_size(rules, options, stack, &grid, cast.dtype)?;
        let conversion = Conversion { reference, resampling, dtype: cast.dtype };
        let id = ViewId { job: number, number: 0 };
        let view = View::new(id, stack, (grid, georeferenced), conversion)?;
        refuse_miss((rules, options), stack, target, &view)?;
        let View { grid, scenes, .. } = &view;
        let tiling = tiling(rules, grid)?;
        let area = polygons.map(|of| area((rules, options), stack, (&view, tiling.as_ref(), cast), &of));
        let area = area.transpose()?;
        let target_day = match target {
            Some(t) => stack.facts[t].day,
            None => options.date.or(rules.target.value.date.map(|d| d.0)),
        };
        let fills = stages(rules, stack, (target, target_day), &view)?;
        if target.is_none() && fills.is_empty() {
            let message = "no [target] scene and no [[fill]]: nothing would be composed; say one of them";
            return Err(EngineError::at(&rules.file, &(0..0), message));
        }
        let resampled = target.and_then(|t| resampled(stack, t, &scenes[t], resampling));
        let output = OutputPlan::make(rules, options, stack, target)?;
        // The order is chosen when all outputs are known: they share the memory.
        let part = Window::whole(grid.width, grid.height);
        let order = Order::plain(part, stack.bands.len(), (1, 1));
        let comparing = comparing(stack, &view, conversion)?;
        Ok(Self {
            target,
            target_day,
            tiling,
            tile: None,
            view: Arc::new(view),
            part,
            area,
            grid_reason,
            on_resolution_multiples,
            fills,
            cast,
            output,
            order,
            resampled,
            comparing,
        })
    }

    /// The scene whose numbers the output has: the target, or without one the first scene.
    pub fn reference(&self) -> SceneId {
        reference(self.target)
    }

    /// The grid of the files: that of the part.
    pub fn file_grid(&self) -> Grid {
        let (grid, part) = (&self.view.grid, self.part);
        if part == Window::whole(grid.width, grid.height) {
            return grid.clone();
        }
        let (x0, y0) = grid.transform.to_map(part.col as f64, part.row as f64);
        let transform = Transform { x0, y0, ..grid.transform };
        Grid { width: part.width, height: part.height, transform, crs: grid.crs.clone() }
    }

    /// A window of the grid in pixels of the files.
    pub fn in_files(&self, window: Window) -> Window {
        window.shift(-self.part.col, -self.part.row)
    }

    /// Pixels around the part on each side that its fills may look at.
    pub fn margin(&self) -> usize {
        let needs = self.fills.iter().map(|stage: &Stage| stage.bound.planned().needs());
        needs.map(|needs| needs.halo + needs.cell.unwrap_or(0)).max().unwrap_or(0)
    }

    /// Whether the part begins where cells of this side do.
    pub fn begins_with_cells(&self, side: usize) -> bool {
        let side = side as i64;
        self.part.col % side == 0 && self.part.row % side == 0
    }

    /// Whether pixels of a scene may lie on a part of the grid or within the margin around it.
    pub fn reaches(&self, scene: SceneId, part: Window) -> bool {
        let plan = &self.view.scenes[scene];
        plan.overlaps && plan.reaches(part.expand(self.margin()))
    }

    /// The scenes whose pixels may be read: the target and the donors, as far as they meet the part.
    pub fn scenes_read(&self) -> impl Iterator<Item = SceneId> + use<> {
        let donors = self
            .fills
            .iter()
            .flat_map(|fill| fill.bound.planned().donors())
            .map(|donor| SceneId(donor.scene));
        let mut scenes: Vec<SceneId> =
            donors.chain(self.target).filter(|scene| self.reaches(*scene, self.part)).collect();
        scenes.sort_unstable();
        scenes.dedup();
        scenes.into_iter()
    }

    /// Where in the part the scenes that are read lie, rather more than less; the whole part where none does.
    pub fn covered(&self) -> Window {
        let reaches = self.scenes_read().filter_map(|scene| self.view.scenes[scene].reach);
        let inside = reaches.filter_map(|reach| reach.intersect(self.part));
        inside.reduce(Window::around).unwrap_or(self.part)
    }

    /// Whether a rule of a scene compares it with others.
    pub fn compares(&self, scene: SceneId, rule: RuleId) -> bool {
        self.comparing.iter().any(|c| (c.scene, c.rule) == (scene, rule))
    }

    /// The stack as a rule of a scene sees it.
    pub fn mask_stack<'a>(&self, stack: &'a Stack, scene: SceneId) -> MaskStack<'a> {
        MaskStack { scenes: &stack.facts, scene: scene.index(), reference: self.reference().index() }
    }

    /// Blocks for each worker that may wait for the writer.
    pub fn ahead(&self) -> usize {
        if self.fills.iter().any(|stage| stage.bound.planned().needs().cell.is_some()) {
            AHEAD_OF_CELLS
        } else {
            AHEAD
        }
    }
}

/// Refuses a grid that does not meet the target, or without one any scene.
fn refuse_miss(
    said: (&Rules, &Options),
    stack: &Stack,
    target: Option<SceneId>,
    View { grid, scenes, .. }: &View,
) -> Result<(), EngineError> {
    let misses =
        |what, scene: SceneId| grid::misses(said, (grid, stack.area.as_ref()), what, &stack.facts[scene]);
    if let Some(t) = target.filter(|t| !scenes[*t].overlaps) {
        return Err(misses("the target, scene", t));
    }
    if scenes.iter().all(|s| !s.overlaps) {
        return Err(misses("any scene; the first is", reference(target)));
    }
    Ok(())
}

/// The pixels that an output is limited to.
fn area(
    (rules, options): (&Rules, &Options),
    stack: &Stack,
    (view, tiling, cast): (&View, Option<&Tiling>, Cast),
    polygons: &[Polygon],
) -> Result<Arc<Area>, EngineError> {
    let Some(source) = &stack.area else { return Err(EngineError::Bug("polygons of no area".into())) };
    let refuse =
        |message: String| area::refuse(rules, options, "area", &format!("area: {} {message}", source.told()));
    if cast.nodata.is_none() {
        return Err(refuse(format!(
            "needs a value for the pixels outside it; say nodata in [output], such as {}",
            cast.dtype.range().1
        )));
    }
    let scenes = view.scenes.iter().filter(|scene| scene.overlaps).filter_map(|scene| scene.reach).collect();
    let on = OnGrid { grid: &view.grid, tiling, scenes };
    Area::new(polygons, source.touch, &on).map(Arc::new).map_err(refuse)
}

/// The tiles that the rules ask for.
fn tiling(rules: &Rules, grid: &Grid) -> Result<Option<Tiling>, EngineError> {
    let Some(size) = &rules.grid.value.tile_size else { return Ok(None) };
    let span = rules.grid.spans.of("tile-size");
    let tiling = Tiling::new(size, grid);
    tiling.map(Some).map_err(|message| EngineError::at(&rules.file, &span, &format!("[grid] {message}")))
}

/// One `[[fill]]`, bound to the stack.
#[derive(Clone)]
pub struct Stage {
    /// Its strategy.
    pub name: String,
    /// The strategy, bound.
    pub bound: FillBinding,
    /// Per scene of the stack: where its score runs, if the strategy wants one.
    pub scores: Arc<[Option<PlacedScore>]>,
}

fn reference(target: Option<SceneId>) -> SceneId {
    target.unwrap_or(SceneId(0))
}

/// How a target's pixels are resampled, and which of its bands; `None` where all are copied.
fn resampled(stack: &Stack, target: SceneId, plan: &ScenePlan, method: Resampling) -> Option<String> {
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
        let hint = compose_core::suggest::did_you_mean(name, names);
        let separator = if hint.is_empty() { ";" } else { "" };
        let message =
            format!("resampling is \"{name}\"{hint}{separator} expected one of {}", names.join(", "));
        if options.resampling.is_some() {
            return EngineError::Option { option: "--resampling".into(), message };
        }
        let span = rules.grid.spans.of("resampling");
        EngineError::at(&rules.file, &span, &format!("[grid] {message}"))
    })
}

fn stages(
    rules: &Rules,
    stack: &Stack,
    (target, target_day): (Option<SceneId>, Option<Day>),
    view: &View,
) -> Result<Vec<Stage>, EngineError> {
    let facts = StackFacts {
        target: target.map(SceneId::index),
        target_day,
        scenes: &stack.facts,
        grid: &view.grid,
        validity: stack.validity,
    };
    let mut stages = Vec::new();
    for fill in &rules.fills {
        let bound = fill.value.strategy.bind(&facts).map_err(|e| {
            let message = format!("fill \"{}\": {e}", fill.value.name);
            EngineError::at(&rules.file, &e.span_in(&fill.spans), &message)
        })?;
        if let Some(donor) = bound.planned().donors().iter().find(|d| d.scene >= view.scenes.len()) {
            return Err(EngineError::Bug(format!("{} names donor {}", fill.value.name, donor.scene)));
        }
        let scores = placed_scores(&stack.facts, bound.planned(), &view.grid)?;
        stages.push(Stage { name: fill.value.name.clone(), bound, scores: scores.into() });
    }
    Ok(stages)
}
