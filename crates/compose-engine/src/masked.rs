//! How much of a target the masks take. One that is taken as a whole comes out as another date, and looks like a success.
//!
//! Where the rules leave such targets out every pixel is counted; for a remark a sample will do, as large for a huge grid
//! as for a large one.

use crate::control::Control;
use crate::error::EngineError;
use crate::pixels::SceneReader;
use crate::plan::{Job, LeftOut, MOSTLY, Masked, Plan, pieces};
use crate::rules::Mistake;
use crate::survey::{compared, in_pieces};
use compose_core::Window;
use compose_io::Place;
use std::sync::atomic::{AtomicU64, Ordering};

/// Up to so many pixels of the grid, all are looked at.
const WHOLE: usize = 1 << 20;
/// Pieces of a larger grid that are looked at, along a side, and their own side.
const SAMPLED: usize = 8;
const PIECE: usize = 256;
/// Side of the pieces where all are counted, and where rules compare scenes, all of which are then held at once.
const COUNTED: usize = 512;
const COMPARED: usize = 128;

impl Plan {
    /// Targets that are left out, and those of whose own pixels next to nothing is left.
    pub fn mask_remarks(&self) -> Vec<String> {
        let limit = self.skip_above.as_ref().map_or(MOSTLY, |skip| skip.percent);
        let out = |of: &LeftOut| match of.masked.percent() {
            None => format!("target {} is left out: {}", of.id, of.masked.words()),
            Some(_) => {
                format!("target {} is left out: {}, more than skip-above = {limit}", of.id, of.masked.words())
            }
        };
        let left_out = self.left_out.iter().map(out);
        let remark =
            |job: &Job| job.masked?.remark(&self.stack.facts[job.target?].id, self.skip_above.as_ref());
        left_out.chain(self.jobs.iter().filter_map(remark)).collect()
    }

    /// Whether the rules leave the target of a job out.
    pub(crate) fn leaves_out(&self, job: usize) -> bool {
        let masked = self.jobs[job].masked;
        self.skip_above.as_ref().zip(masked).is_some_and(|(skip, masked)| masked.is_above(skip.percent))
    }

    /// Takes the jobs away whose targets are left out.
    ///
    /// # Errors
    /// None is left.
    pub(crate) fn leave_out(&mut self) -> Result<(), EngineError> {
        let out: Vec<bool> = (0..self.jobs.len()).map(|job| self.leaves_out(job)).collect();
        for job in self.jobs.iter().zip(&out).filter_map(|(job, out)| out.then_some(job)) {
            if let (Some(target), Some(masked)) = (job.target, job.masked) {
                self.left_out.push(LeftOut { id: self.stack.facts[target].id.clone(), masked });
            }
        }
        let mut out = out.into_iter();
        self.jobs.retain(|_| !out.next().unwrap_or(false));
        match (&self.skip_above, self.left_out.first()) {
            (Some(skip), Some(first)) if self.jobs.is_empty() => {
                let which = match self.left_out.len() {
                    1 => "the only target out,".to_owned(),
                    count => format!("all {count} targets out, the first of them"),
                };
                let message = format!(
                    "[target] skip-above = {} leaves {which} {}: {}; raise it, or name another scene",
                    skip.percent,
                    first.id,
                    first.masked.words()
                );
                Err(EngineError::Rules(vec![Mistake { message, ..skip.at.clone() }]))
            }
            _ => Ok(()),
        }
    }
}

/// Counts the pixels of a job's target, and those that its masks take: all where the rules may leave it out, else a
/// sample. `None` where there is nothing to count.
///
/// # Errors
/// Pixels cannot be read.
pub(crate) fn judge(plan: &Plan, job: usize, control: &Control<'_>) -> Result<Option<Masked>, EngineError> {
    let of = &plan.jobs[job];
    let exact = plan.skip_above.is_some();
    let Some(target) = of.target.filter(|_| exact || !plan.stack.mask_names.is_empty()) else {
        return Ok(None);
    };
    let compares = of.comparing.iter().any(|comparing| comparing.scene == target);
    let windows = windows(of, exact, compares);
    let seen: usize = windows.iter().map(|window| window.pixels()).sum();
    let looked_at = 100.0 * seen as f64 / (of.view.grid.width as f64 * of.view.grid.height as f64);
    // A sample of what other scenes are compared with would cost reading all of them.
    let plain = compares && !exact;
    let mut sum = Masked { pixels: 0, masked: 0, looked_at, at_least: plain };
    let cancelled = control.cancelled;
    let bytes = if compares && exact { compared(plan, of, (COMPARED, COMPARED)) } else { 0 };
    let counted = in_pieces(plan, &windows, bytes, (seen as u64, control.progress), |looking, window| {
        if cancelled.load(Ordering::Relaxed) {
            return Err(EngineError::Interrupted);
        }
        // What is counted here is counted again by the run.
        let marked: Vec<AtomicU64> = plan.stack.mask_names.iter().map(|_| AtomicU64::new(0)).collect();
        let whole = Window::whole(of.view.grid.width, of.view.grid.height);
        let reader = SceneReader {
            store: looking.store,
            stack: &plan.stack,
            view: &of.view,
            job: of,
            plain,
            marked: &marked,
            place: Place { turn: 0, region: whole, block: window },
            bands: 0..plan.stack.bands.len(),
            kept: None,
            spare: looking.spare,
            worker: looking.worker,
            hidden: None,
        };
        let look = reader.look(target, window)?;
        let count = |valid: &ndarray::Array3<u8>| valid.iter().map(|v| u64::from(*v)).sum::<u64>();
        let (pixels, clear) = (count(&look.block.valid), count(&look.clear));
        reader.give_back(look.block);
        looking.done.fetch_add(window.pixels() as u64, Ordering::Relaxed);
        Ok((pixels, pixels - clear.min(pixels)))
    });
    for piece in counted {
        let (pixels, masked) = piece?;
        (sum.pixels, sum.masked) = (sum.pixels + pixels, sum.masked + masked);
    }
    Ok(Some(sum))
}

/// The parts of the grid that are looked at.
fn windows(of: &Job, exact: bool, compares: bool) -> Vec<Window> {
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
