//! The interface of fill strategies, which say where replacements come from.
//!
//! A [`FillStrategy`] is what the rules file says. Bound to the stack it becomes a [`FillBinding`], which names
//! its donors in order and says whether it needs a survey; fitted to that it is a [`BoundFill`]. The engine reads only its
//! donors, and stops reading as soon as no gap is left where the strategy takes donors one at a time.

use crate::score::{BoundScore, ScoreKind};
use crate::{
    Block, Canvas, Day, Donor, Grid, KindError, Learned, Observations, SceneFacts, SettingsTable, Survey,
    ValidityMode, Window,
};
use ndarray::{Array2, s};
use std::fmt;
use std::sync::Arc;

/// The stack from headers alone. Scenes are in order of (date, id).
pub struct StackFacts<'a> {
    /// Index of the scene being repaired; `None` where every pixel is composed.
    pub target: Option<usize>,
    /// The date that distances are measured from.
    pub target_day: Option<Day>,
    /// Every scene of the run.
    pub scenes: &'a [SceneFacts],
    /// The grid of the result.
    pub grid: &'a Grid,
    /// Joint or per-band validity.
    pub validity: ValidityMode,
}

impl StackFacts<'_> {
    /// Index of the scene whose scale and offset the numbers of all donors are brought to: the target, or the
    /// first scene where there is none.
    pub fn reference(&self) -> usize {
        self.target.unwrap_or(0)
    }
}

/// A fill strategy as the rules file states it.
pub trait FillStrategy: Send + Sync + fmt::Debug {
    /// Decides for this stack from headers alone.
    ///
    /// # Errors
    /// A donor that does not exist, a missing date, ….
    fn bind(&self, stack: &StackFacts<'_>) -> Result<FillBinding, KindError>;
}

/// The way in which a strategy takes its donors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Temporal {
    /// [`BoundFill::fill`] is called with one donor after the other until no gap is left.
    OneByOne,
    /// [`BoundFill::fill`] is called once with all donors, in the order named.
    #[default]
    WholeStack,
    /// [`BoundFill::fill`] is called once with the first so many clear observations at each pixel, in the order named:
    /// [`FillInput::observations`]. Donors are read until every pixel that the target lacks has as many.
    FirstObservations(usize),
}

/// A donor by its index in the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DonorUse {
    /// Index into [`StackFacts::scenes`].
    pub scene: usize,
    /// Whether the mask rules apply to it (they do, unless the rules file says to ignore them).
    pub masked: bool,
}

/// The needs of a strategy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// One donor at a time, or all at once.
    pub temporal: Temporal,
    /// Pixels of context on each side.
    pub halo: usize,
    /// Side of the cells, in pixels, in which the strategy works: squares of a lattice that starts at the corner of the
    /// target grid. [`FillInput::window`] is then made of whole cells, with the halo around them, as far as the grid
    /// goes, so that the result of a cell does not depend on blocks.
    pub cell: Option<usize>,
    /// With [`Temporal::FirstObservations`]: pixels around an observed one that [`BoundFill::observe`] looks at, on each
    /// side.
    pub beside: usize,
    /// Bytes for itself while it fills a block.
    pub memory: usize,
    /// Whether [`FillInput::target`] is read (it costs reading the target again).
    pub target: bool,
    /// Whether it only copies pixels of donors and has no halo: a donor without a pixel on any gap need not be read
    /// then.
    pub only_copies: bool,
    /// Whether the result of a band depends on that band and on validity alone: with per-band validity, bands can then
    /// be filled one after the other.
    pub by_band: bool,
    /// With [`Temporal::WholeStack`]: if true, `fill` gets all donors, also those without a pixel on the window, and
    /// is called even if none has one. A strategy whose result depends on the number of donors needs it: the result
    /// would otherwise depend on blocks.
    pub all_donors: bool,
}

/// A fill strategy that knows its stack, as the plan asks it: with or without a survey.
pub trait PlannedFill: Send + Sync {
    /// Donors in the order in which they are wanted; never the target.
    fn donors(&self) -> &[DonorUse];

    /// Its needs; the engine plans by them.
    fn needs(&self) -> Needs;

    /// The score of a donor's pixels, where the strategy wants one: [`Donor::score`].
    fn score(&self, scene: usize) -> Option<&dyn BoundScore> {
        let _ = scene;
        None
    }

    /// Scenes left out, with the reason (`61 days away, limit 32`).
    fn skipped(&self) -> Vec<(usize, String)> {
        Vec::new()
    }

    /// Remarks for the plan and the sidecar.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A fill strategy that is ready for pixels.
pub trait BoundFill: PlannedFill {
    /// With [`Temporal::FirstObservations`]: where observations are wanted, given the pixels that the target lacks (1) and
    /// that have not all their observations yet. It is asked again before each donor: no pixel may be wanted that was not
    /// wanted before.
    fn wants_observations(&self, lacking: &Array2<u8>) -> Array2<u8> {
        lacking.clone()
    }

    /// With [`Temporal::FirstObservations`]: takes observations of a donor, given by its place in [`PlannedFill::donors`],
    /// where they are wanted, the donor is clear, and there is room. Without a method of its own, a strategy gets the
    /// samples of pixels that are clear in every band.
    fn observe(&self, donor: usize, part: &DonorPart<'_>, observations: &mut Observations) {
        let DonorPart { block, wanted, corner } = *part;
        for (at, _) in wanted.indexed_iter().filter(|(_, wanted)| **wanted != 0) {
            if block.valid.slice(s![.., at.0, at.1]).iter().all(|valid| *valid != 0)
                && let Some(observation) = observations.take((corner.0 + at.0, corner.1 + at.1), donor)
            {
                let samples = block.values.slice(s![.., at.0, at.1]);
                observation.iter_mut().zip(samples).for_each(|(to, sample)| *to = *sample);
            }
        }
    }

    /// What it learned from the survey, for a plan file; nothing where it needs none. [`UnfittedFill::restore`] makes the
    /// same strategy of it.
    fn learned(&self) -> Learned {
        Learned::default()
    }

    /// The results of the survey, for the plan and the sidecar.
    fn fit_summary(&self) -> Option<FitSummary> {
        None
    }

    /// Fills gaps of `canvas` from `input.donors`; pixels that are not gaps stay as they are.
    ///
    /// # Errors
    /// The strategy cannot work with the input; the message reaches the user.
    fn fill(&self, input: &FillInput<'_>, canvas: &mut Canvas) -> Result<(), KindError>;
}

/// A fill strategy that wants to see samples of whole scenes before it is given pixels.
pub trait UnfittedFill: PlannedFill {
    /// The scenes of which it wants samples.
    fn surveys(&self) -> Vec<usize>;

    /// The strategy, fitted to the survey.
    ///
    /// # Errors
    /// The strategy cannot work with the input; the message reaches the user.
    fn fit(&self, survey: &Survey) -> Result<Arc<dyn BoundFill>, KindError>;

    /// The strategy that an earlier survey made, to the bit, from what that one [learned](BoundFill::learned).
    ///
    /// # Errors
    /// It is nothing that this strategy learns on this stack.
    fn restore(&self, learned: &Learned) -> Result<Arc<dyn BoundFill>, KindError>;
}

/// A fill strategy that knows its stack.
#[derive(Clone)]
pub enum FillBinding {
    /// Headers are enough.
    Ready(Arc<dyn BoundFill>),
    /// It needs a survey.
    NeedsSurvey(Arc<dyn UnfittedFill>),
}

impl FillBinding {
    /// A strategy that needs no survey.
    pub fn ready(bound: impl BoundFill + 'static) -> Self {
        Self::Ready(Arc::new(bound))
    }

    /// The strategy, if it needs no survey.
    pub fn without_survey(self) -> Option<Arc<dyn BoundFill>> {
        match self {
            Self::Ready(bound) => Some(bound),
            Self::NeedsSurvey(_) => None,
        }
    }

    /// The strategy as the plan asks it.
    pub fn planned(&self) -> &dyn PlannedFill {
        match self {
            Self::Ready(bound) => &**bound,
            Self::NeedsSurvey(unfitted) => &**unfitted,
        }
    }

    /// The scenes of which it wants samples: none where it is ready.
    pub fn surveys(&self) -> Vec<usize> {
        match self {
            Self::Ready(_) => Vec::new(),
            Self::NeedsSurvey(unfitted) => unfitted.surveys(),
        }
    }

    /// The strategy; one that needs a survey is fitted to it.
    ///
    /// # Errors
    /// As [`UnfittedFill::fit`].
    pub fn fit(&self, survey: &Survey) -> Result<Arc<dyn BoundFill>, KindError> {
        match self {
            Self::Ready(bound) => Ok(bound.clone()),
            Self::NeedsSurvey(unfitted) => unfitted.fit(survey),
        }
    }

    /// The strategy; one that needs a survey is made of what an earlier one learned.
    ///
    /// # Errors
    /// As [`UnfittedFill::restore`].
    pub fn restore(&self, learned: &Learned) -> Result<Arc<dyn BoundFill>, KindError> {
        match self {
            Self::Ready(bound) => Ok(bound.clone()),
            Self::NeedsSurvey(unfitted) => unfitted.restore(learned),
        }
    }
}

/// The part of a donor that [`BoundFill::observe`] is given: it holds the wanted pixels at which the donor is clear, and
/// [`Needs::beside`] pixels around them as far as the window of the observations goes.
#[derive(Clone, Copy)]
pub struct DonorPart<'a> {
    /// Its samples and validity.
    pub block: &'a Block,
    /// 1 where observations are wanted; as large as the block.
    pub wanted: &'a Array2<u8>,
    /// Row and column of its first pixel in the observations.
    pub corner: (usize, usize),
}

/// Pixels for [`BoundFill::fill`].
pub struct FillInput<'a> {
    /// The window of the donors' blocks on the target grid: the canvas's window with the halo.
    pub window: Window,
    /// The target scene's own pixels with its mask, on the same window; `None` unless the strategy needs them and
    /// there is a target.
    pub target: Option<&'a Block>,
    /// The donors: one, or all, by [`Needs::temporal`]; none with [`Temporal::FirstObservations`].
    pub donors: &'a [Donor<'a>],
    /// The first observations at each pixel, on the same window; with [`Temporal::FirstObservations`].
    pub observations: Option<&'a Observations>,
}

/// The results of a strategy's survey.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FitSummary {
    /// Donors in the order in which they are taken, best first, each with how it was judged.
    pub ranking: Vec<(usize, String)>,
    /// The models.
    pub models: Vec<SurveyedModel>,
    /// Simpler ways that were taken instead of the usual one, and why.
    pub fallbacks: Vec<String>,
}

/// A model of the target from some donors: band = intercept + Σ coefficient × feature.
#[derive(Clone, Debug, PartialEq)]
pub struct SurveyedModel {
    /// Scenes, in the order of the coefficients.
    pub donors: Vec<usize>,
    /// `surroundings`, `linear`, `per-band`, `offset`, `copy`, `joint`.
    pub method: &'static str,
    /// Number of pixels that it was fitted to.
    pub pixels: usize,
    /// Per band: standard deviation of the residuals, in numbers as stored.
    pub sigma: Vec<f64>,
    /// Per band: the intercept, then one coefficient for each feature; the strategy's page says which.
    pub coefficients: Vec<Vec<f64>>,
    /// Mean and standard deviation of each donor band, where coefficients belong to standardised ones.
    pub standard: Option<[Vec<f64>; 2]>,
}

/// Reads a fill strategy's own settings; the scores are those that it may be told to use.
pub type ParseFill =
    dyn Fn(&SettingsTable<'_>, &[&ScoreKind]) -> Result<Box<dyn FillStrategy>, Vec<crate::Problem>> + Sync;

/// A kind of fill strategy: its name, its page, and how its table is read.
pub struct FillKind {
    /// `strategy = "…"` in the rules file.
    pub name: &'static str,
    /// The page of documentation, with executable examples.
    pub page: &'static str,
    /// JSON schema of the settings struct.
    pub schema: &'static (dyn Fn() -> schemars::Schema + Sync),
    /// Reads the strategy's own settings.
    pub parse: &'static ParseFill,
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{arr2, arr3};

    struct Plain;

    impl PlannedFill for Plain {
        fn donors(&self) -> &[DonorUse] {
            &[]
        }

        fn needs(&self) -> Needs {
            Needs { temporal: Temporal::FirstObservations(2), ..Needs::default() }
        }
    }

    impl BoundFill for Plain {
        fn fill(&self, _: &FillInput<'_>, _: &mut Canvas) -> Result<(), KindError> {
            Ok(())
        }
    }

    #[test]
    fn without_a_method_of_its_own_a_strategy_observes_the_samples_of_clear_pixels() {
        let block = |first: f32| Block {
            values: arr3(&[[[first, 2.0, 3.0]], [[10.0 * first, 20.0, 30.0]]]),
            valid: arr3(&[[[1, 1, 1]], [[1, 0, 1]]]),
        };
        let mut observations = Observations::new(2, 2, 1, 4);
        for (donor, first) in [(0, 1.0), (3, 4.0), (5, 9.0)] {
            let (block, wanted) = (block(first), arr2(&[[1, 1, 0]]));
            let part = DonorPart { block: &block, wanted: &wanted, corner: (0, 1) };
            Plain.observe(donor, &part, &mut observations);
        }
        assert_eq!(observations.ranks((0, 1)), [0, 3]);
        let seen = [0, 1].map(|nth| observations.observation((0, 1), nth));
        assert_eq!(seen, [[1.0, 10.0], [4.0, 40.0]]);
        let none = crate::observations::NONE;
        assert_eq!([(0, 0), (0, 2), (0, 3)].map(|at| observations.ranks(at)), [&[none; 2][..]; 3]);
    }
}
