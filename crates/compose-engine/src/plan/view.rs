//! A grid, and how each scene of the stack reaches it.

use crate::error::EngineError;
use crate::plan::Stack;
use crate::plan::ids::{BandId, SceneId};
use compose_core::{DataType, Grid, Window};
use compose_io::align::{Alignment, Resampling, decide};

/// The identity of a view in a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ViewId {
    /// The output for which scenes are brought to a grid.
    pub job: usize,
    /// 0: its own grid; above: those of mask rules that compare scenes.
    pub number: usize,
}

/// A grid and how each scene reaches it: the grid of an output, or that of a mask rule that compares scenes.
pub struct View {
    /// Its identity.
    pub id: ViewId,
    /// The grid.
    pub grid: Grid,
    /// Whether it has a geotransform.
    pub georeferenced: bool,
    /// Per scene of the stack: how it gets to the grid.
    pub scenes: Vec<ScenePlan>,
}

/// Conversion of samples on the way to a grid.
#[derive(Clone, Copy)]
pub struct Conversion {
    /// The scene to whose scale and offset the numbers of all are brought.
    pub reference: SceneId,
    /// The resampling method.
    pub resampling: Resampling,
    /// The sample type of the output.
    pub dtype: DataType,
}

impl View {
    /// Decides how every scene of a stack reaches a grid.
    ///
    /// # Errors
    /// A scene cannot be brought to the grid, or its numbers not to those of the reference.
    pub fn new(
        id: ViewId,
        stack: &Stack,
        (grid, georeferenced): (Grid, bool),
        conversion: Conversion,
    ) -> Result<Self, EngineError> {
        let of_scene = |scene| {
            let mut plan = scene_plan(stack, scene, (&grid, georeferenced), conversion)?;
            let whole = Window::whole(grid.width, grid.height);
            let native = |group: &BandGroup| &stack.facts[scene].bands[group.bands[0]].grid;
            let of_group = |group: &BandGroup| extent_on_grid(&group.alignment, native(group), whole, id);
            plan.reach = plan.groups.iter().filter_map(of_group).reduce(Window::around);
            Ok(plan)
        };
        let scenes = stack.scene_ids().map(of_scene).collect::<Result<_, EngineError>>()?;
        Ok(Self { id, grid, georeferenced, scenes })
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
    /// A window of the grid that holds all pixels of the scene (it may be too large, never too small). `None` where
    /// the scene has no pixel on the grid.
    pub reach: Option<Window>,
    /// Whether values arrive as they are stored, in a type whose values the output may not be able to hold.
    pub may_not_fit: bool,
}

impl ScenePlan {
    /// Whether values arrive as they are stored.
    pub fn is_exact(&self) -> bool {
        self.radiometry.iter().all(Option::is_none)
            && self.groups.iter().all(|g| matches!(g.alignment, Alignment::Paste { .. }))
    }

    /// Whether it may have pixels on a window.
    pub fn reaches(&self, window: Window) -> bool {
        self.reach.is_some_and(|reach| reach.intersect(window).is_some())
    }
}

/// Where a scene with the grid `native` may have pixels, in pixels of the grid of the view; the window may extend
/// beyond the edges of that grid.
fn extent_on_grid(alignment: &Alignment, native: &Grid, whole: Window, view: ViewId) -> Option<Window> {
    match alignment {
        Alignment::Paste { cols, rows } => {
            Some(Window::whole(native.width, native.height).shift(-cols, -rows))
        }
        // A rule that compares has a view for each scene: a search for all other scenes would cost more than it saves.
        Alignment::Resample(_) if view.number > 0 => Some(extend_past_edges(whole, whole)),
        Alignment::Resample(resampler) => {
            resampler.target_window(whole).map(|found| extend_past_edges(found, whole))
        }
        Alignment::Disjoint => None,
    }
}

/// Extends `found` by 2⁴⁰ px beyond each edge of `whole` that it touches: the search looked inside the grid only, and
/// the scene may continue outside.
fn extend_past_edges(found: Window, whole: Window) -> Window {
    const FAR: i64 = 1 << 40;
    let low = |at: i64, edge: i64| if at <= edge { at - FAR } else { at };
    let high = |at: i64, edge: i64| if at >= edge { at + FAR } else { at };
    let (col, row) = (low(found.col, whole.col), low(found.row, whole.row));
    let right = high(found.col_end(), whole.col_end());
    let bottom = high(found.row_end(), whole.row_end());
    Window { col, row, width: (right - col) as usize, height: (bottom - row) as usize }
}

/// Wanted bands of a scene that share a native grid.
pub struct BandGroup {
    /// Indices of wanted bands.
    pub bands: Vec<BandId>,
    /// Native grid to target grid.
    pub alignment: Alignment,
    /// Why: `paste: whole-pixel shift (30, 0)`.
    pub reason: String,
}

fn scene_plan(
    stack: &Stack,
    scene: SceneId,
    (grid, georeferenced): (&Grid, bool),
    Conversion { reference, resampling, dtype }: Conversion,
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
    let mut plan = ScenePlan { groups, overlaps, reach: None, radiometry, may_not_fit: false };
    let fits = facts.bands[..facts.wanted].iter().all(|b| dtype.holds_all(b.dtype));
    plan.may_not_fit = plan.is_exact() && !fits;
    Ok(plan)
}

/// Gain and bias that bring each wanted band to the reference's scale and offset. Where both are unknown, the
/// numbers of one product are taken to mean the same; those of two products are not.
fn radiometry(
    stack: &Stack,
    scene: SceneId,
    reference: SceneId,
) -> Result<Vec<Option<(f64, f64)>>, EngineError> {
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
