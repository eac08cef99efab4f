//! Counts the masked pixels of a target. A target that is masked completely would be filled from other dates, and nobody
//! would notice.
//!
//! With `skip-above` every pixel is counted. For a remark a sample is enough; its size has a bound.

use super::pieces::{compared, in_pieces};
use crate::control::Control;
use crate::error::EngineError;
use crate::fitted::{FittedMasks, Masks};
use crate::pixels::Scope;
use crate::plan::{Job, Masked, Plan, pieces};
use compose_core::Window;
use compose_io::RunPosition;
use compose_io::scene::SceneSource;
use std::sync::atomic::Ordering;

/// Grids of up to this many pixels are counted whole.
const WHOLE: usize = 1 << 20;
/// Of a larger grid so many pieces are counted along each side.
const SAMPLED: usize = 8;
/// Side of such a piece, in pixels.
const PIECE: usize = 256;
/// Side of the pieces where all pixels are counted.
const COUNTED: usize = 512;
/// Side of the pieces where rules compare scenes, all of which are then in memory at once.
const COMPARED: usize = 128;

/// Counts the pixels of a job's target, and those that its masks take: all where the rules may leave it out, else a
/// sample. `None` where there is nothing to count.
///
/// # Errors
/// Pixels cannot be read.
pub fn count(
    (plan, sources): (&Plan, &[SceneSource]),
    (of, masks): (&Job, &FittedMasks),
    control: &Control<'_>,
) -> Result<Option<Masked>, EngineError> {
    let exact = plan.skip_above.is_some();
    let Some(target) = of.target.filter(|_| exact || !plan.stack.mask_names.is_empty()) else {
        return Ok(None);
    };
    let compares = of.comparing.iter().any(|comparing| comparing.scene == target);
    let windows = windows(of, exact, compares);
    let seen: u64 = windows.iter().map(|window| pixels(of, *window)).sum();
    let all =
        of.area.as_ref().map_or(of.view.grid.width as f64 * of.view.grid.height as f64, |a| a.pixels as f64);
    let looked_at = 100.0 * seen as f64 / all;
    // Rules that compare scenes would have to read all of them: a sample leaves these rules out.
    let plain = compares && !exact;
    let mut sum = Masked { pixels: 0, masked: 0, looked_at, at_least: plain };
    let cancelled = control.cancelled;
    let bytes = if compares && exact { compared(plan, of, (COMPARED, COMPARED)) } else { 0 };
    let counted = in_pieces((plan, sources), &windows, bytes, (seen, control.progress), |looking, window| {
        if cancelled.load(Ordering::Relaxed) {
            return Err(EngineError::Interrupted);
        }
        let all = Masks::All(masks);
        let scope = Scope { job: of, masks: if plain { all.plain() } else { all }, held_out: None };
        let whole = Window::whole(of.view.grid.width, of.view.grid.height);
        let place = RunPosition { pass: 0, region: whole, block: window, worker: looking.worker.number };
        let reader = looking.context.reader(scope, place, looking.worker);
        let mut look = reader.look(target, window)?;
        if let Some(area) = &of.area {
            let inside = area.inside.spans(window);
            inside.set_outside(&mut look.block.valid, 0);
            inside.set_outside(&mut look.clear, 0);
        }
        let count = |valid: &ndarray::Array3<u8>| valid.iter().map(|v| u64::from(*v)).sum::<u64>();
        let (own, clear) = (count(&look.block.valid), count(&look.clear));
        reader.give_back(look.block);
        looking.done.fetch_add(pixels(of, window), Ordering::Relaxed);
        Ok((own, own - clear.min(own)))
    });
    for piece in counted {
        let (pixels, masked) = piece?;
        (sum.pixels, sum.masked) = (sum.pixels + pixels, sum.masked + masked);
    }
    Ok(Some(sum))
}

/// The number of pixels of a window that are counted.
fn pixels(of: &Job, window: Window) -> u64 {
    of.area.as_ref().map_or(window.pixels() as u64, |area| area.inside.count(window))
}

/// The parts of the grid that are counted: of an output with an area those that meet it.
fn windows(of: &Job, exact: bool, compares: bool) -> Vec<Window> {
    let mut windows = on_grid(of, exact, compares);
    let Some(area) = &of.area else { return windows };
    windows.retain(|window| area.inside.meets(*window));
    if windows.is_empty() {
        // None of the places of the sample is in it: then its first pixels are.
        let whole = Window::whole(of.view.grid.width, of.view.grid.height);
        let first =
            (0..of.view.grid.height as i64).find_map(|row| Some((row, area.inside.row(row).first()?.start)));
        let piece = |(row, col)| Window { col, row, width: PIECE, height: PIECE }.intersect(whole);
        windows.extend(first.and_then(piece));
    }
    windows
}

/// The same without regard to an area.
fn on_grid(of: &Job, exact: bool, compares: bool) -> Vec<Window> {
    let (width, height) = (of.view.grid.width, of.view.grid.height);
    let whole = Window::whole(width, height);
    if exact {
        let side = if compares { COMPARED } else { COUNTED };
        return pieces(whole, (side, side)).collect();
    }
    if width.saturating_mul(height) <= WHOLE {
        return pieces(whole, (COUNTED, COUNTED)).collect();
    }
    let at = |length: usize| {
        let cells = length.div_ceil(PIECE).min(SAMPLED);
        // On the lattice on which most files have their tiles.
        (0..cells).map(move |cell| ((2 * cell + 1) * length / (2 * cells)) / PIECE * PIECE)
    };
    let piece = |(row, col): (usize, usize)| {
        Window { col: col as i64, row: row as i64, width: PIECE, height: PIECE }.intersect(whole)
    };
    at(height).flat_map(|row| at(width).map(move |col| (row, col))).filter_map(piece).collect()
}
