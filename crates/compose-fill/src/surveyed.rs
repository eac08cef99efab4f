//! The bound half of every strategy that predicts the target from donors: asked once with the survey, then block by
//! block.

use crate::donors::{Choice, Reach, notes_of};
use crate::membrane::{self, Cell, Tension};
use crate::predict::{Learned, Predictor, Sample, fit, put, ranks_at, source};
use compose_core::{
    BoundFill, Canvas, DataType, DonorPart, DonorUse, FillBinding, FillInput, FitSummary, GAP, KindError,
    Needs, Observations, PlannedFill, StackFacts, Survey, Temporal, UnfittedFill, ValidityMode,
};
use ndarray::Array2;
use std::sync::Arc;

/// The common form of the settings of these strategies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub reach: Reach,
    /// Donors that one prediction may rest on.
    pub most: usize,
    /// The tension of the membrane that fits predictions to the surroundings of the gap, if there is one.
    pub membrane: Option<Tension>,
}

impl Wanted {
    /// A prediction looks at the eight neighbours, a membrane at all that it reaches, and at the target.
    fn needs(self) -> Needs {
        let temporal = Temporal::FirstObservations(self.most);
        match self.membrane {
            None => Needs { temporal, halo: 1, beside: 1, ..Needs::default() },
            Some(_) => Needs {
                temporal,
                halo: Cell::READS,
                beside: 1,
                cell: Some(Cell::SIDE),
                memory: Cell::MEMORY,
                target: true,
                ..Needs::default()
            },
        }
    }
}

/// Before the survey: donors in the order of dates.
struct Unfitted {
    wanted: Wanted,
    target: usize,
    /// Per band: the greatest sample that the target's type holds.
    full: Vec<f32>,
    choice: Choice,
}

/// After it: donors in the order of their agreement with the target.
struct Fitted {
    wanted: Wanted,
    donors: Vec<DonorUse>,
    skipped: Vec<(usize, String)>,
    learned: Learned,
    predictor: Predictor,
}

/// Binds a strategy that predicts.
///
/// # Errors
/// There is no target scene to learn from, or bands are judged one by one; a date is missing.
pub(crate) fn bind(wanted: Wanted, stack: &StackFacts<'_>) -> Result<FillBinding, KindError> {
    let Some(target) = stack.target else {
        return Err(KindError::new(
            "it learns from the clear pixels of the scene that is repaired, and there is none; say [target] scene, or use \
             a strategy such as \"median-stack\"",
        ));
    };
    if stack.validity == ValidityMode::PerBand && stack.scenes[target].wanted > 1 {
        return Err(KindError::new(
            "it predicts each band from all bands of a donor, and validity is \"per-band\"; leave validity at \"joint\", or \
             use a strategy such as \"nearest-date\"",
        ));
    }
    let choice = match stack.target_day {
        Some(_) => Choice::nearest_first(wanted.reach, stack)?,
        None => Choice::within(wanted.reach, stack)?,
    };
    let bands = &stack.scenes[target].bands[..stack.scenes[target].wanted];
    let full = |dtype: DataType| if dtype.is_integer() { dtype.range().1 as f32 } else { f32::INFINITY };
    let full = bands.iter().map(|band| full(band.dtype)).collect();
    Ok(FillBinding::NeedsSurvey(Arc::new(Unfitted { wanted, target, full, choice })))
}

impl PlannedFill for Unfitted {
    fn donors(&self) -> &[DonorUse] {
        &self.choice.donors
    }

    fn needs(&self) -> Needs {
        self.wanted.needs()
    }

    fn skipped(&self) -> Vec<(usize, String)> {
        self.choice.skipped.clone()
    }

    fn notes(&self) -> Vec<String> {
        notes_of(&self.choice.donors)
    }
}

impl UnfittedFill for Unfitted {
    fn surveys(&self) -> Vec<usize> {
        self.choice.donors.iter().map(|donor| donor.scene).chain([self.target]).collect()
    }

    fn fit(&self, survey: &Survey) -> Result<Arc<dyn BoundFill>, KindError> {
        let donors: Vec<usize> = self.choice.donors.iter().map(|donor| donor.scene).collect();
        let sample = Sample { survey, target: self.target, donors: &donors };
        Ok(Arc::new(self.fitted(fit(&sample, self.wanted.most))))
    }

    fn restore(&self, learned: &compose_core::Learned) -> Result<Arc<dyn BoundFill>, KindError> {
        let learned: Learned = learned.read()?;
        let donors: Vec<usize> = self.choice.donors.iter().map(|donor| donor.scene).collect();
        if !learned.fits(self.full.len(), &donors) {
            return Err(KindError::new("what it learned from the survey is of other donors or bands"));
        }
        Ok(Arc::new(self.fitted(learned)))
    }
}

impl Unfitted {
    /// The strategy as the survey makes it.
    fn fitted(&self, learned: Learned) -> Fitted {
        Fitted {
            wanted: self.wanted,
            donors: learned.donors().map(|scene| DonorUse { scene, masked: true }).collect(),
            skipped: self.choice.skipped.clone(),
            predictor: learned.predictor(&self.full),
            learned,
        }
    }
}

impl PlannedFill for Fitted {
    fn donors(&self) -> &[DonorUse] {
        &self.donors
    }

    fn needs(&self) -> Needs {
        self.wanted.needs()
    }

    fn skipped(&self) -> Vec<(usize, String)> {
        self.skipped.clone()
    }

    fn notes(&self) -> Vec<String> {
        notes_of(&self.donors)
    }
}

impl BoundFill for Fitted {
    fn wants_observations(&self, lacking: &Array2<u8>) -> Array2<u8> {
        if self.wanted.membrane.is_some() { membrane::wants_observations(lacking) } else { lacking.clone() }
    }

    fn observe(&self, donor: usize, part: &DonorPart<'_>, observations: &mut Observations) {
        self.predictor.translations[donor].observe(donor, part, observations);
    }

    fn fit_summary(&self) -> Option<FitSummary> {
        Some(self.learned.fit_summary())
    }

    fn learned(&self) -> compose_core::Learned {
        compose_core::Learned::of(&self.learned)
    }

    fn fill(&self, input: &FillInput<'_>, canvas: &mut Canvas) -> Result<(), KindError> {
        match &self.wanted.membrane {
            Some(tension) => membrane::fill(tension, &self.predictor, &self.donors, input, canvas),
            None => self.fill_as_predicted(input, canvas),
        }
        Ok(())
    }
}

impl Fitted {
    /// Every gap that a donor sees gets its prediction.
    fn fill_as_predicted(&self, input: &FillInput<'_>, canvas: &mut Canvas) {
        let observations = input.observations.expect("the strategy takes first observations");
        let (row0, col0) = canvas.offset_in(input.window);
        for row in 0..canvas.window.height {
            for col in 0..canvas.window.width {
                if canvas.source[[0, row, col]] != GAP {
                    continue;
                }
                let at = (row + row0, col + col0);
                let Some(model) = self.predictor.model_of(ranks_at(observations, at)) else { continue };
                for group in 0..self.predictor.groups() {
                    let values = self.predictor.predict(model, observations, at, group);
                    put(canvas, (row, col), self.predictor.bands_of(group), &values);
                }
                let sigma = &self.predictor.model(model).sigma;
                if let Some(of) = &mut canvas.sigma {
                    sigma.iter().enumerate().for_each(|(band, sigma)| of[[band, row, col]] = *sigma);
                }
                canvas.source[[0, row, col]] = source(&self.predictor, model, &self.donors);
            }
        }
    }
}

#[cfg(test)]
mod tests;
