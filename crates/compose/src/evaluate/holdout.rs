//! One case on one target: pixels are held out, filled and compared with the truth.

use super::strategies::{COPY, Strategy};
use super::target::Target;
use compose_core::GAP;
use compose_engine::run::compose_held_out;
use compose_engine::{EngineError, Fitted, HeldOut};
use compose_evaluate::cases::Case;
use compose_evaluate::metrics::{Compared, Scores};
use compose_evaluate::table::Row;
use ndarray::{Array2, Array3, Axis};
use std::sync::atomic::AtomicBool;

/// The sample in hidden pixels: no result may depend on it.
const POISON: f32 = 12345.0;

/// One case on one target.
pub struct Holdout<'a> {
    pub target: &'a Target,
    pub hidden: HeldOut,
    /// 1 where the target is clear and stays as it is.
    pub clear: Array2<u8>,
}

/// The result of one strategy.
pub struct Filled {
    pub strategy: String,
    /// In the units of the truth, (band, row, col).
    pub values: Array3<f32>,
    /// 1 where there is a value.
    pub got: Array2<u8>,
}

impl<'a> Holdout<'a> {
    pub fn new(target: &'a Target, open: &Fitted, case: &Case) -> Result<Self, EngineError> {
        let mask = target.mask_for(open, case)?;
        let pixels = case
            .hide(target.clear.view(), mask.as_ref().map(|mask| mask.view()))
            .map_err(|why| EngineError::Bug(format!("a case that was suited is not: {why}")))?;
        let strip = case.shadow_strip(pixels.view(), target.clear.view());
        let clear = &target.clear - &pixels - &strip;
        let absent = target.donors.iter().copied().skip(case.donors.unwrap_or(usize::MAX)).collect();
        let shadow = case.shadow.map(|part| (strip, part));
        let hidden = HeldOut { scene: target.scene, pixels, poison: POISON, shadow, absent };
        Ok(Self { target, hidden, clear })
    }

    pub fn fill(&self, strategy: &Strategy, cancelled: &AtomicBool) -> Result<Filled, EngineError> {
        // No target is left out of a strategy's own plan.
        let job = strategy.plan.jobs.iter().position(|job| job.target == Some(self.target.scene));
        let job = job.ok_or_else(|| EngineError::Bug(format!("{} has no target", strategy.name)))?;
        let image = compose_held_out(&strategy.plan, job, &self.hidden, cancelled)?;
        let mut values = image.values;
        self.target.to_units(&mut values);
        let got =
            image.source.map_axis(Axis(0), |planes| u8::from(planes.iter().all(|source| *source != GAP)));
        Ok(Filled { strategy: strategy.name.clone(), values, got })
    }

    /// The figures of every strategy, and the ratio to the plain copy on the pixels that both filled.
    pub fn rows(&self, case: &str, fills: &[Filled]) -> Vec<Row> {
        let copy = fills.iter().find(|fill| fill.strategy == COPY);
        let row = |fill: &Filled| {
            let scores = self.scores(fill, &fill.got);
            let ratio_to_copy = copy.and_then(|copy| {
                let both = &fill.got & &copy.got;
                if both == fill.got {
                    return scores.ratio_to(&self.scores(copy, &both));
                }
                self.scores(fill, &both).ratio_to(&self.scores(copy, &both))
            });
            Row { case: case.to_owned(), strategy: fill.strategy.clone(), ratio_to_copy, scores }
        };
        fills.iter().map(row).collect()
    }

    fn scores(&self, fill: &Filled, got: &Array2<u8>) -> Scores {
        let compared = Compared {
            truth: self.target.values.view(),
            filled: fill.values.view(),
            hidden: self.hidden.pixels.view(),
            clear: self.clear.view(),
            got: got.view(),
        };
        compared.scores()
    }
}
