//! The grid of the output: the target's, like a file, stated outright, or the union of aligned scenes.

mod anchor;
mod size;

use crate::error::EngineError;
use crate::options::Options;
use crate::plan::Stack;
use crate::plan::area::{self, AreaSource};
use crate::plan::ids::SceneId;
use crate::rules::Rules;
use anchor::{Anchor, moves};
use compose_core::{Crs, CrsUnit, DataType, Grid, SceneFacts, Transform};
use compose_io::FileHeader;
use compose_io::access::Access;
use compose_io::align::{Alignment, Resampling, decide};
use compose_io::area::{Onto, Polygon};
use compose_io::crs::{CrsRegistry, Transformer};
pub use size::Bytes;
use size::{LARGEST_SIDE, short, unit_of};
use std::path::Path;
use std::sync::Arc;

/// The grid of an output and the reason for it.
pub struct Chosen {
    /// The grid.
    pub grid: Grid,
    /// `the target's`, `like a.tif`, ….
    pub reason: String,
    /// Whether `snap = true` put the grid on multiples of the resolution although it could have kept the pixel edges
    /// of the target or, without a target, of the scenes.
    pub on_resolution_multiples: bool,
    /// Whether it has a geotransform.
    pub georeferenced: bool,
    /// The polygons of the area on its map, where the grid is that around an area.
    pub area: Option<Vec<Polygon>>,
}

/// What `[grid]` and the command line say together.
struct Wanted {
    like: Option<std::path::PathBuf>,
    crs: Option<String>,
    bounds: Option<[f64; 4]>,
    resolution: Option<(f64, f64)>,
    /// `true`: to multiples of the resolution; `false`: bounds stay as they are stated.
    snap: Option<bool>,
}

/// A setting of `[grid]` and what is wrong with it.
type Wrong = (&'static str, String);

/// The grid of an output.
pub fn choose(
    rules: &Rules,
    options: &Options,
    stack: &Stack,
    target: Option<SceneId>,
    systems: &CrsRegistry,
) -> Result<Chosen, EngineError> {
    let wanted = wanted(rules, options);
    let refuse = |(key, message): Wrong| {
        if key == "area" {
            return area::refuse(rules, options, key, &message);
        }
        let options = [
            ("resolution", "--res", options.resolution.is_some()),
            ("bounds", "--bounds", options.bounds.is_some()),
            ("crs", "--dst-crs", options.crs.is_some()),
        ];
        // Bounds that nobody stated are the target's: the mistake is that of the resolution, which does not divide them.
        let keys = [key, if key == "bounds" { "resolution" } else { key }];
        let option = |key: &str| options.iter().find(|(of, _, said)| *said && *of == key);
        if let Some((_, option, _)) = keys.into_iter().find_map(option) {
            return EngineError::Option { option: (*option).into(), message };
        }
        let spans = &rules.grid.spans;
        let span = keys.into_iter().find_map(|key| spans.get(key)).unwrap_or(spans.table.clone());
        EngineError::at(&rules.file, &span, &format!("[grid] {message}"))
    };
    let stated = stack.area.is_some()
        || wanted.crs.is_some()
        || wanted.resolution.is_some()
        || wanted.bounds.is_some()
        || wanted.snap == Some(true);
    if let Some(like) = &wanted.like {
        if stated {
            let message = "says like and also crs, bounds, resolution or snap; expected one or the other";
            return Err(refuse(("like", message.into())));
        }
        let found = like_file(like, systems, &rules.access());
        let in_rules = options.like.is_none();
        return found.map_err(|e| if in_rules { refuse(("like", format!("like: {e}"))) } else { e });
    }
    if stated {
        return outright(&wanted, options, stack, target, systems).map_err(refuse);
    }
    match target {
        Some(t) => Ok(Chosen {
            grid: stack.facts[t].grid.clone(),
            reason: format!("the target's ({})", stack.facts[t].id),
            on_resolution_multiples: false,
            georeferenced: stack.scenes[t].georeferenced,
            area: None,
        }),
        None => {
            union(stack).map_err(|message| EngineError::at(&rules.file, &rules.grid.spans.table, &message))
        }
    }
}

fn wanted(rules: &Rules, options: &Options) -> Wanted {
    let said = &rules.grid.value;
    let in_rules = said.like.as_ref().map(|l| rules.file.resolve(l));
    if options.says_grid() {
        return Wanted {
            like: options.like.clone(),
            crs: options.crs.clone(),
            bounds: options.bounds,
            resolution: options.resolution,
            snap: options.snap.then_some(true),
        };
    }
    Wanted {
        like: in_rules,
        crs: said.crs.clone(),
        bounds: said.bounds.map(|b| b.0),
        resolution: said.resolution.map(|r| (r.0, r.1)),
        snap: if options.snap { Some(true) } else { said.snap },
    }
}

/// A grid that the target has no pixel in.
pub fn misses(
    (rules, options): (&Rules, &Options),
    (grid, area): (&Grid, Option<&AreaSource>),
    whom: &str,
    scene: &SceneFacts,
) -> EngineError {
    let message =
        format!("does not meet {whom} {}: the grid is {grid}, the scene is {}", scene.id, scene.grid);
    if let Some(area) = area {
        return area::refuse(rules, options, "area", &format!("area: {} {message}", area.told()));
    }
    if options.bounds.is_some() || options.like.is_some() {
        return EngineError::Option { option: "the grid".into(), message };
    }
    let spans = &rules.grid.spans;
    let span = ["bounds", "like"].into_iter().find_map(|key| spans.get(key)).unwrap_or(spans.table.clone());
    EngineError::at(&rules.file, &span, &format!("[grid] {message}"))
}

/// Refuses a grid that is too large to be meant, before anything is spent on it.
pub fn refuse_size(
    rules: &Rules,
    options: &Options,
    stack: &Stack,
    grid: &Grid,
    dtype: DataType,
) -> Result<(), EngineError> {
    let Err(message) = size::check(grid, stack, stack.bands.len(), dtype) else { return Ok(()) };
    let said = [
        ("--res", options.resolution.is_some()),
        ("--bounds", options.bounds.is_some()),
        ("--like", options.like.is_some()),
        ("--area", options.area.is_some()),
    ];
    if let Some((option, _)) = said.into_iter().find(|(_, said)| *said) {
        return Err(EngineError::Option { option: option.into(), message: format!("the grid {message}") });
    }
    let spans = &rules.grid.spans;
    let at = ["resolution", "bounds", "like", "area"].into_iter().find_map(|key| spans.get(key));
    let span = at.unwrap_or(spans.table.clone());
    Err(EngineError::at(&rules.file, &span, &format!("[grid] {message}")))
}

fn like_file(path: &Path, systems: &CrsRegistry, access: &Access) -> Result<Chosen, EngineError> {
    let header = FileHeader::read(path, systems, access)?;
    Ok(Chosen {
        grid: header.grid,
        reason: format!("like {}", path.display()),
        on_resolution_multiples: false,
        georeferenced: header.georeferenced,
        area: None,
    })
}

fn outright(
    wanted: &Wanted,
    options: &Options,
    stack: &Stack,
    target: Option<SceneId>,
    systems: &CrsRegistry,
) -> Result<Chosen, Wrong> {
    let base = target.map(|t| &stack.facts[t].grid).or_else(|| stack.common_crs_grid());
    let crs = match (&wanted.crs, base) {
        (Some(text), _) => Some(systems.from_user_input(text).map_err(|e| ("crs", format!("crs: {e}")))?),
        (None, Some(grid)) => grid.crs.clone(),
        (None, None) => {
            let message = "has no crs, and the scenes do not share one; expected crs = \"EPSG:…\"";
            return Err(("", message.into()));
        }
    };
    let same_system = base.is_some_and(|b| same(b.crs.as_ref(), crs.as_ref()));
    let resolution = match (wanted.resolution, base) {
        (Some(r), _) => r,
        (None, Some(b)) if same_system => (b.transform.dx.abs(), b.transform.dy.abs()),
        _ => {
            return Err(("", "has no resolution; expected resolution = 30, in units of the crs".into()));
        }
    };
    let area = on_map(stack, target, crs.as_ref(), resolution)?;
    let bounds = match &area {
        Some(polygons) => around(polygons),
        None => bounds(wanted, options, crs.as_ref(), stack, target, systems)
            .map_err(|message| (if wanted.bounds.is_some() { "bounds" } else { "crs" }, message))?,
    };
    check_bounds(bounds)?;
    if wanted.resolution.is_some() {
        refuse_giants(resolution, crs.as_ref(), stack, target)?;
    }
    let anchor = edges(stack, target).filter(|_| same_system).and_then(|grid| Anchor::of(grid, resolution));
    let (grid, how) = match (anchor, wanted.snap) {
        (Some(anchor), None) => on_edges(bounds, anchor, target.is_some(), crs)?,
        // The bounds of an area are no whole number of pixels.
        (anchor, snap) if snap == Some(true) || (area.is_some() && anchor.is_none()) => {
            let grid = of_bounds(to_multiples(bounds, resolution), resolution, "", crs)?;
            (grid, "bounds snapped outward to whole multiples of the resolution".to_owned())
        }
        (Some(_), _) => {
            let keep = "; without snap = false they are moved outward to the pixels that are there";
            (of_bounds(bounds, resolution, keep, crs)?, "bounds as stated".to_owned())
        }
        (None, _) => (of_bounds(bounds, resolution, ", or snap = true", crs)?, "bounds as stated".to_owned()),
    };
    let on_resolution_multiples = wanted.snap == Some(true) && anchor.is_some_and(|anchor| anchor.own_pixels);
    // Where the bounds of an area were before tells nobody anything.
    let reason = match &area {
        Some(_) => format!("around the area, {}", how.split(": ").next().unwrap_or_default()),
        None => format!("stated outright, {how}"),
    };
    Ok(Chosen { grid, reason, on_resolution_multiples, georeferenced: true, area })
}

/// The polygons of the area, if there is one, on the map of the output.
fn on_map(
    stack: &Stack,
    target: Option<SceneId>,
    crs: Option<&Arc<Crs>>,
    pixel: (f64, f64),
) -> Result<Option<Vec<Polygon>>, Wrong> {
    let Some(area) = &stack.area else { return Ok(None) };
    let Some(crs) = crs else {
        let message = format!(
            "area: {}: the scenes have no coordinate system, so that it has no place on them",
            area.told()
        );
        return Err(("area", message));
    };
    let near = match crs.unit {
        CrsUnit::Angle => {
            extent(Some(crs), stack, target).ok().map(|[left, _, right, _]| f64::midpoint(left, right))
        }
        CrsUnit::Metres(_) => None,
    };
    let onto = Onto { crs: Arc::clone(crs), pixel, near };
    area.file.on(&onto).map(Some).map_err(|e| ("area", format!("area: {e}")))
}

/// The bounds of polygons.
fn around(polygons: &[Polygon]) -> [f64; 4] {
    let points = polygons.iter().flat_map(|polygon| polygon.rings.iter().flatten());
    let nowhere = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    points.fold(nowhere, |[l, b, r, t], (x, y)| [l.min(*x), b.min(*y), r.max(*x), t.max(*y)])
}

/// A grid whose pixels bounds can be moved to: the target's, or that of scenes which share pixels.
fn edges(stack: &Stack, target: Option<SceneId>) -> Option<&Grid> {
    let first = &stack.facts[0].grid;
    match target {
        Some(t) => Some(&stack.facts[t].grid),
        None => stack.facts.iter().all(|f| whole_shift(first, &f.grid).is_some()).then_some(first),
    }
}

/// The grid of the pixels that meet these bounds, and how it was found.
fn on_edges(
    bounds: [f64; 4],
    anchor: Anchor,
    of_target: bool,
    crs: Option<Arc<Crs>>,
) -> Result<(Grid, String), Wrong> {
    let around = anchor.around(bounds);
    let grid = sized(around.size, around.transform, crs)?;
    let whose = if of_target { "the target's pixels" } else { "the pixels that all scenes share" };
    let edges = match anchor.own_pixels {
        true => whose.to_owned(),
        false => {
            let (x, y) = anchor.step();
            format!("pixels of {x} × {y} from the corner of {whose}")
        }
    };
    let moved = moves(bounds, grid.bounds(), anchor.step());
    let how = match moved.as_str() {
        "" => format!("bounds on the edges of {edges}"),
        _ => format!("bounds snapped outward to {edges}: {moved}"),
    };
    Ok((grid, how))
}

fn same(a: Option<&Arc<Crs>>, b: Option<&Arc<Crs>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => Arc::ptr_eq(a, b),
        (None, None) => true,
        _ => false,
    }
}

fn bounds(
    wanted: &Wanted,
    options: &Options,
    crs: Option<&Arc<Crs>>,
    stack: &Stack,
    target: Option<SceneId>,
    systems: &CrsRegistry,
) -> Result<[f64; 4], String> {
    if let Some(bounds) = wanted.bounds {
        let Some((text, to)) = options.bounds_crs.as_ref().zip(crs) else { return Ok(bounds) };
        let from = systems.from_user_input(text).map_err(|e| format!("--bounds-crs: {e}"))?;
        return moved(bounds, &from, to);
    }
    extent(crs, stack, target)
}

/// The bounds of the target, or of all scenes.
fn extent(crs: Option<&Arc<Crs>>, stack: &Stack, target: Option<SceneId>) -> Result<[f64; 4], String> {
    let grids: Vec<&Grid> = match target {
        Some(t) => vec![&stack.facts[t].grid],
        None => stack.facts.iter().map(|f| &f.grid).collect(),
    };
    let mut all = [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY];
    for grid in grids {
        let b = match (grid.crs.as_ref(), crs) {
            (Some(from), Some(to)) if !Arc::ptr_eq(from, to) => moved(grid.bounds(), from, to)?,
            _ => grid.bounds(),
        };
        all = [all[0].min(b[0]), all[1].min(b[1]), all[2].max(b[2]), all[3].max(b[3])];
    }
    Ok(all)
}

/// Bounds in another system: the box around 21 points along each edge.
fn moved(bounds: [f64; 4], from: &Arc<Crs>, to: &Arc<Crs>) -> Result<[f64; 4], String> {
    let transformer = Transformer::new(from, to).map_err(|e| e.to_string())?;
    let [l, b, r, t] = bounds;
    let (mut xs, mut ys) = (Vec::new(), Vec::new());
    for i in 0..=20 {
        let f = f64::from(i) / 20.0;
        for (x, y) in [(l + f * (r - l), b), (l + f * (r - l), t), (l, b + f * (t - b)), (r, b + f * (t - b))]
        {
            xs.push(x);
            ys.push(y);
        }
    }
    transformer.transform(&mut xs, &mut ys);
    if xs.iter().chain(&ys).any(|v| !v.is_finite()) {
        return Err(format!("bounds {bounds:?} cannot be brought from {} to {}", from.label, to.label));
    }
    let min = |v: &[f64]| v.iter().copied().fold(f64::INFINITY, f64::min);
    let max = |v: &[f64]| v.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    Ok([min(&xs), min(&ys), max(&xs), max(&ys)])
}

/// Refuses pixels that are larger along both axes than the target (without one, than all scenes together): the
/// resolution is probably in the wrong unit.
fn refuse_giants(
    (x, y): (f64, f64),
    crs: Option<&Arc<Crs>>,
    stack: &Stack,
    target: Option<SceneId>,
) -> Result<(), Wrong> {
    let Ok([left, bottom, right, top]) = extent(crs, stack, target) else { return Ok(()) };
    let (width, height) = (right - left, top - bottom);
    if x <= width || y <= height {
        return Ok(());
    }
    let whole = if target.is_some() { "the target" } else { "all scenes together" };
    let unit = unit_of(crs.map(|c| &**c));
    let message = format!(
        "a pixel of {x} × {y} is larger than {whole}, {} × {}; expected a resolution{unit}",
        short(width),
        short(height)
    );
    Err(("resolution", message))
}

fn check_bounds(bounds: [f64; 4]) -> Result<(), Wrong> {
    let [l, b, r, t] = bounds;
    if bounds.iter().any(|v| !v.is_finite()) || l >= r || b >= t {
        let expected = "expected [left, bottom, right, top] with left < right and bottom < top";
        return Err(("bounds", format!("bounds {bounds:?}, {expected}")));
    }
    Ok(())
}

/// Bounds moved outward to whole multiples of the resolution.
fn to_multiples([l, b, r, t]: [f64; 4], (rx, ry): (f64, f64)) -> [f64; 4] {
    // Bounds that are whole multiples but for rounding noise stay where they are.
    let down = |v: f64, step: f64| (v / step + 1e-9).floor() * step;
    let up = |v: f64, step: f64| (v / step - 1e-9).ceil() * step;
    [down(l, rx), down(b, ry), up(r, rx), up(t, ry)]
}

/// The grid of bounds that are a whole number of pixels; `advice` follows what is expected where they are not.
fn of_bounds(
    [l, b, r, t]: [f64; 4],
    (rx, ry): (f64, f64),
    advice: &str,
    crs: Option<Arc<Crs>>,
) -> Result<Grid, Wrong> {
    let (width, height) = ((r - l) / rx, (t - b) / ry);
    if (width - width.round()).abs() > 1e-6 * width.max(1.0)
        || (height - height.round()).abs() > 1e-6 * height.max(1.0)
    {
        let message = format!(
            "bounds are {} × {} pixels of the resolution; expected whole numbers{advice}",
            short(width),
            short(height)
        );
        return Err(("bounds", message));
    }
    sized((width.round(), height.round()), Transform { x0: l, dx: rx, y0: t, dy: -ry }, crs)
}

fn sized((width, height): (f64, f64), transform: Transform, crs: Option<Arc<Crs>>) -> Result<Grid, Wrong> {
    if width < 1.0 || height < 1.0 || width > LARGEST_SIDE || height > LARGEST_SIDE {
        let (width, height) = (short(width), short(height));
        let message = format!("is {width} × {height} pixels; expected 1 to {LARGEST_SIDE} on each side");
        return Err(("bounds", message));
    }
    Ok(Grid { width: width as usize, height: height as usize, transform, crs })
}

/// The smallest grid that holds every scene, where all are whole-pixel shifts of one another.
fn union(stack: &Stack) -> Result<Chosen, String> {
    let first = &stack.facts[0].grid;
    let (mut left, mut top, mut right, mut bottom) = (0_i64, 0_i64, first.width as i64, first.height as i64);
    for facts in &stack.facts {
        let grid = &facts.grid;
        // Against a grid without bounds of its own: shift alone matters here, not overlap.
        let wide = Grid { width: grid.width, height: grid.height, ..first.clone() };
        let shift = whole_shift(&wide, grid).ok_or_else(|| {
            format!(
                "no [target] and no [grid], and the scenes are not whole-pixel shifts of one another ({} is {grid}, {} is \
                 {first}); say [grid] like = \"file\", or crs, bounds and resolution",
                facts.id, stack.facts[0].id
            )
        })?;
        left = left.min(-shift.0);
        top = top.min(-shift.1);
        right = right.max(grid.width as i64 - shift.0);
        bottom = bottom.max(grid.height as i64 - shift.1);
    }
    let t = first.transform;
    let (x0, y0) = t.to_map(left as f64, top as f64);
    let grid = Grid {
        width: (right - left) as usize,
        height: (bottom - top) as usize,
        transform: Transform { x0, y0, ..t },
        crs: first.crs.clone(),
    };
    let reason = format!("the union of {} scenes that share pixels", stack.facts.len());
    let georeferenced = stack.scenes[0].georeferenced;
    Ok(Chosen { grid, reason, on_resolution_multiples: false, georeferenced, area: None })
}

/// The whole-pixel shift between two grids, overlapping or not.
fn whole_shift(target: &Grid, native: &Grid) -> Option<(i64, i64)> {
    let (col, row) = native.transform.to_pixel(target.transform.x0, target.transform.y0);
    let (cols, rows) = (col.round(), row.round());
    let (x0, y0) = target.transform.to_map(-cols, -rows);
    // The native grid moved onto the target must be a paste: the one place that judges this is the alignment.
    let moved = Grid {
        transform: Transform { x0, y0, ..target.transform },
        width: native.width,
        height: native.height,
        crs: target.crs.clone(),
    };
    match decide(&moved, native, Resampling::Nearest).ok()?.alignment {
        Alignment::Paste { cols: 0, rows: 0 } => Some((cols as i64, rows as i64)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapping_moves_bounds_outward_to_whole_multiples() {
        let grid = |bounds| of_bounds(to_multiples(bounds, (30.0, 30.0)), (30.0, 30.0), "", None).unwrap();
        assert_eq!(grid([101.0, 203.0, 199.0, 299.9]).bounds(), [90.0, 180.0, 210.0, 300.0]);
        let noisy = grid([89.999_999_999_9, 180.0, 210.0, 300.0]);
        assert_eq!((noisy.width, noisy.height), (4, 4));
    }

    #[test]
    fn bounds_that_are_no_whole_number_of_pixels_are_refused() {
        let of = |bounds| of_bounds(bounds, (30.0, 30.0), ", or snap = true", None).unwrap_err().1;
        assert!(of([0.0, 0.0, 100.0, 90.0]).contains("snap"));
        assert!(check_bounds([0.0, 0.0, -30.0, 90.0]).unwrap_err().1.contains("left < right"));
    }
}
