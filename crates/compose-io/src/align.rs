//! The alignment of a scene's grid with the target grid, and the transfer of its pixels.
//!
//! [`decide`] compares two grids and answers with a [`Decision`]: the pixels coincide and are pasted, or they
//! are resampled, or the grids have nothing in common; and the reason, in words for the plan. The same answer
//! serves a scene on the target grid and a quality band on the grid of the scene's data.
//!
//! Masks are made before, on the native grid: what comes here are values with their validity, and a pixel
//! that is not valid gives nothing to its neighbours. `docs/alignment.md` has the definitions.

mod error;
mod lattice;
mod method;
mod native;
mod paste;
mod resample;
mod spread;
mod taps;

#[cfg(test)]
mod tests;

pub use error::AlignError;
pub use method::Resampling;
pub use native::NativeBlock;
pub use resample::Resampler;

use crate::crs::Transformer;
use compose_core::{Grid, Window};
use lattice::{Exact, Mapping};
use paste::{PASTE_TOLERANCE, Sample, whole_pixel_shift};

/// The alignment of two grids, and its reason.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The alignment.
    pub alignment: Alignment,
    /// Why, for the plan: `paste: whole-pixel shift (30, 0)`.
    pub reason: String,
}

/// The way from native to target pixels.
#[derive(Clone, Debug)]
pub enum Alignment {
    /// They coincide: native pixel = target pixel + shift.
    Paste {
        /// Columns to add to a target pixel's.
        cols: i64,
        /// Rows to add to a target pixel's.
        rows: i64,
    },
    /// They do not.
    Resample(Resampler),
    /// No target pixel lies on the native grid.
    Disjoint,
}

/// Decides how pixels of the `native` grid become pixels of the `target` grid. Reads no pixel.
///
/// # Errors
/// When one side alone has a coordinate system, when no way leads from one system to the other, and when a
/// transform is no transform.
pub fn decide(target: &Grid, native: &Grid, method: Resampling) -> Result<Decision, AlignError> {
    check_transform("target", target)?;
    check_transform("scene", native)?;
    match (&target.crs, &native.crs) {
        (Some(from), Some(to)) if !target.same_crs(native) => {
            let transformer = Transformer::new(from, to)?;
            Ok(decide_between(transformer, target, native, method))
        }
        (Some(crs), None) => {
            Err(AlignError::NoCrs { without: "scene", other: "target", label: crs.label.clone() })
        }
        (None, Some(crs)) => {
            Err(AlignError::NoCrs { without: "target", other: "scene", label: crs.label.clone() })
        }
        _ => Ok(decide_within(target, native, method)),
    }
}

fn check_transform(side: &'static str, grid: &Grid) -> Result<(), AlignError> {
    let t = grid.transform;
    let finite = [t.x0, t.dx, t.y0, t.dy].iter().all(|v| v.is_finite());
    if finite && t.dx != 0.0 && t.dy != 0.0 {
        return Ok(());
    }
    Err(AlignError::BadTransform { side, dx: t.dx, dy: t.dy, x0: t.x0, y0: t.y0 })
}

/// Two grids of one coordinate system: the four corners tell everything about an affine function.
fn decide_within(target: &Grid, native: &Grid, method: Resampling) -> Decision {
    let mapping = Mapping::affine(&target.transform, &native.transform);
    let Mapping::Affine(affine) = &mapping else { unreachable!("`affine` makes an affine mapping") };
    let (w, h) = (target.width as f64, target.height as f64);
    let corners = [(0.0, 0.0), (w, 0.0), (0.0, h), (w, h)]
        .map(|(col, row)| Sample { target: (col, row), native: (affine.col.at(col), affine.row.at(row)) });
    if let Some(disjoint) = nothing_in_common(&corners, 0.0, native) {
        return disjoint;
    }
    if let Some(shift) = whole_pixel_shift(&corners) {
        let same = shift == (0, 0) && (target.width, target.height) == (native.width, native.height);
        return pasted(shift, target, native, if same { "same grid".to_owned() } else { shift_words(shift) });
    }
    let size = |scale: f64, pixels: f64| ((scale - 1.0) * pixels).abs() > PASTE_TOLERANCE;
    let reason = if affine.col.scale < 0.0 || affine.row.scale < 0.0 {
        "resample: the rows or columns run the other way".to_owned()
    } else if size(affine.col.scale, w) || size(affine.row.scale, h) {
        format!("resample: pixel {} to {}", pixel_words(native), pixel_words(target))
    } else {
        let part = |shift: f64| fraction_words(shift - shift.round());
        format!("resample: sub-pixel shift of {}, {}", part(affine.col.origin), part(affine.row.origin))
    };
    let resampler = Resampler::new(mapping, method, whole(native));
    Decision { alignment: Alignment::Resample(resampler), reason }
}

/// Two grids of different coordinate systems: target pixels are surveyed by sample.
fn decide_between(transformer: Transformer, target: &Grid, native: &Grid, method: Resampling) -> Decision {
    let exact = Exact::new(transformer, target.transform, native.transform);
    let (samples, gap) = survey(&exact, target);
    let systems = format!("{} to {}", native.crs_label(), target.crs_label());
    if let Some(disjoint) = nothing_in_common(&samples, gap, native) {
        return disjoint;
    }
    // Two names can stand for one map: NAD83 and WGS 84 where PROJ knows no shift between them.
    if let Some(shift) = whole_pixel_shift(&samples) {
        return pasted(shift, target, native, format!("{} ({systems} moves no pixel)", shift_words(shift)));
    }
    let resampler = Resampler::new(Mapping::between(exact, target), method, whole(native));
    let reason = format!("resample: {systems}, {method}");
    Decision { alignment: Alignment::Resample(resampler), reason }
}

/// Native places of up to 33 × 33 pixels spread over the target grid, and the greatest distance (native
/// pixels, by axis) between neighbours among them.
fn survey(exact: &Exact, target: &Grid) -> (Vec<Sample>, f64) {
    const SIDE: usize = 33;
    let spread = |pixels: usize| -> Vec<i64> {
        let count = pixels.clamp(1, SIDE);
        (0..count).map(|i| (i * (pixels.max(1) - 1) / (count - 1).max(1)) as i64).collect()
    };
    let (cols, rows) = (spread(target.width), spread(target.height));
    let pixels = || rows.iter().flat_map(|&row| cols.iter().map(move |&col| (col, row)));
    let (xs, ys) = exact.positions(pixels());
    let across = cols.len();
    let mut gap = 1.0_f64;
    for plane in [&xs, &ys] {
        for (i, v) in plane.iter().enumerate() {
            let right = if (i + 1) % across == 0 { None } else { plane.get(i + 1) };
            for neighbour in right.into_iter().chain(plane.get(i + across)) {
                gap = gap.max((v - neighbour).abs()); // `max` passes over NaN
            }
        }
    }
    let sample = |((col, row), native)| Sample { target: (col as f64 + 0.5, row as f64 + 0.5), native };
    (pixels().zip(xs.into_iter().zip(ys)).map(sample).collect(), gap)
}

/// The decision for grids without a common pixel: the box around the samples, wider by `margin`, misses the
/// native grid.
fn nothing_in_common(samples: &[Sample], margin: f64, native: &Grid) -> Option<Decision> {
    let (mut least, mut most) = ((f64::INFINITY, f64::INFINITY), (f64::NEG_INFINITY, f64::NEG_INFINITY));
    for &Sample { native: (x, y), .. } in samples {
        least = (least.0.min(x), least.1.min(y)); // `min` and `max` pass over NaN
        most = (most.0.max(x), most.1.max(y));
    }
    let disjoint = |reason| Some(Decision { alignment: Alignment::Disjoint, reason });
    if least.0 > most.0 {
        return disjoint(format!("no overlap: no pixel of the target has a place in {}", native.crs_label()));
    }
    let words = |least: f64, most: f64| format!("{} to {}", least.round() as i64, most.round() as i64);
    let apart = |least: f64, most: f64, pixels: usize| {
        most + margin <= PASTE_TOLERANCE || least - margin >= pixels as f64 - PASTE_TOLERANCE
    };
    if !apart(least.0, most.0, native.width) && !apart(least.1, most.1, native.height) {
        return None;
    }
    let (col, row) = (words(least.0, most.0), words(least.1, most.1));
    let (width, height) = (native.width, native.height);
    disjoint(format!(
        "no overlap: the target lies on columns {col} and rows {row} of {width} × {height} pixels"
    ))
}

fn pasted((cols, rows): (i64, i64), target: &Grid, native: &Grid, why: String) -> Decision {
    let common = Window::whole(target.width, target.height).shift(cols, rows).intersect(whole(native));
    match common {
        Some(_) => Decision { alignment: Alignment::Paste { cols, rows }, reason: format!("paste: {why}") },
        None => Decision {
            alignment: Alignment::Disjoint,
            reason: format!("no overlap: the grids are ({cols}, {rows}) pixels apart"),
        },
    }
}

fn whole(grid: &Grid) -> Window {
    Window::whole(grid.width, grid.height)
}

fn shift_words((cols, rows): (i64, i64)) -> String {
    format!("whole-pixel shift ({cols}, {rows})")
}

/// Two decimals, and more where two would show a shift as none.
fn fraction_words(shift: f64) -> String {
    let small = shift.abs() < 0.005 && shift.abs() > PASTE_TOLERANCE;
    let words = if small { format!("{shift:.4}") } else { format!("{shift:.2}") };
    if words == "-0.00" { "0.00".to_owned() } else { words }
}

/// `10 m`, `10 × 20 m`, `0.0025°`; plain numbers where the unit is not known.
fn pixel_words(grid: &Grid) -> String {
    let (dx, dy) = (grid.transform.dx.abs(), grid.transform.dy.abs());
    let ((dx, dy), unit) = match (grid.pixel_metres(), &grid.crs) {
        (Some(metres), _) => (metres, " m"),
        (None, Some(_)) => ((dx, dy), "°"),
        (None, None) => ((dx, dy), ""),
    };
    if (dx - dy).abs() <= 1e-9 * dx {
        format!("{}{unit}", number(dx))
    } else {
        format!("{} × {}{unit}", number(dx), number(dy))
    }
}

/// Ten significant digits without trailing zeros: 30, not 30.000000000000004.
fn number(value: f64) -> String {
    let decimals = (9 - value.log10().floor() as i32).clamp(0, 15) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
