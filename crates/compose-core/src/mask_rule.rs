//! The interface of mask rules, which say what makes a pixel unusable.
//!
//! A [`MaskRule`] is what the rules file says. Bound to a scene it answers cheap questions (which bands, what halo), and
//! says whether it needs a survey; fitted to that it marks pixels on the grid of the bands that it reads.
//! Data flow: rules file → `MaskRule` → (per scene, headers only) `MaskBinding` → (survey) `BoundMask` → (per block)
//! marked pixels.

use crate::{Block, Day, Grid, KindError, Learned, SceneFacts, SettingsTable, Survey, Window};
use ndarray::{ArrayView2, ArrayViewMut2};
use std::fmt;
use std::sync::Arc;

/// A mask rule as the rules file states it.
pub trait MaskRule: Send + Sync + fmt::Debug {
    /// Decides for one scene from headers alone.
    ///
    /// # Errors
    /// A band or flag that the scene does not have, a radius in metres on a geographic grid, ….
    fn bind(&self, scene: &SceneFacts) -> Result<MaskBinding, KindError>;
}

/// A mask rule that knows its scene, as the plan asks it: with or without a survey.
pub trait PlannedMask: Send + Sync {
    /// Indices into [`SceneFacts::bands`] of the bands to read, without repeats.
    fn bands(&self) -> &[usize];

    /// Pixels of context needed on each side, on the grid of [`MaskInput::grid`].
    fn halo(&self) -> usize {
        0
    }

    /// The scenes of the stack that the rule compares its own with; their pixels come in [`MaskInput::stack`]. A
    /// comparing rule gets all scenes with the plain rules applied. Marks of other comparing rules are never applied
    /// to its input.
    fn compares(&self, stack: &MaskStack<'_>) -> Vec<usize> {
        let _ = stack;
        Vec::new()
    }

    /// Whether [`MaskInput::neutral`] is read (it costs reading every wanted band).
    fn needs_neutral(&self) -> bool {
        false
    }

    /// Its description for this scene, for the plan, e.g. `QA_PIXEL: cloud (bit 3)`.
    fn describe(&self) -> String;

    /// Remarks for the plan and the sidecar, e.g. a listed value that does not mean what it seems to mean.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether a single quality code is taken by this rule; `None` where codes alone do not decide.
    fn takes_code(&self, band: usize, code: u32) -> Option<bool> {
        let _ = (band, code);
        None
    }

    /// Whether a pixel of this code is marked only where a mark beside it grows over it.
    fn takes_code_only_by_growing(&self, band: usize, code: u32) -> bool {
        let _ = (band, code);
        false
    }
}

/// A mask rule that has all that it needs to know, and waits for pixels.
pub trait BoundMask: PlannedMask {
    /// Sets `marked` to 1 where a pixel is unusable; it comes as zeros and has the shape of the input's planes.
    /// Pixels within `halo()` of the edge of the input may come out wrong; the caller drops them.
    ///
    /// # Errors
    /// The rule cannot work with the input; the message reaches the user.
    fn mark(&self, input: &MaskInput<'_>, marked: ArrayViewMut2<'_, u8>) -> Result<(), KindError>;

    /// What it learned from the survey, for a plan file; nothing where it reads none. [`UnfittedMask::restore`] makes the
    /// same rule of it.
    fn learned(&self) -> Learned {
        Learned::default()
    }
}

/// A mask rule that wants to see samples of whole scenes before it is given pixels.
pub trait UnfittedMask: PlannedMask {
    /// The rule, fitted to the samples of its own scene and of those that it compares.
    ///
    /// # Errors
    /// The rule cannot work with the input; the message reaches the user.
    fn fit(&self, stack: &MaskStack<'_>, survey: &Survey) -> Result<Arc<dyn BoundMask>, KindError>;

    /// The rule that an earlier survey made, to the bit, from what that one [learned](BoundMask::learned).
    ///
    /// # Errors
    /// It is nothing that this rule learns on this stack.
    fn restore(&self, stack: &MaskStack<'_>, learned: &Learned) -> Result<Arc<dyn BoundMask>, KindError>;

    /// The rule where the stack has no scene to compare with.
    fn alone(&self) -> Arc<dyn BoundMask>;
}

/// A mask rule that knows its scene.
#[derive(Clone)]
pub enum MaskBinding {
    /// Headers are enough.
    Ready(Arc<dyn BoundMask>),
    /// It needs a survey, if there is a scene to compare with.
    NeedsSurvey(Arc<dyn UnfittedMask>),
}

impl MaskBinding {
    /// A rule that needs no survey.
    pub fn ready(bound: impl BoundMask + 'static) -> Self {
        Self::Ready(Arc::new(bound))
    }

    /// The rule as the plan asks it.
    pub fn planned(&self) -> &dyn PlannedMask {
        match self {
            Self::Ready(bound) => &**bound,
            Self::NeedsSurvey(unfitted) => &**unfitted,
        }
    }

    /// The rule; one that needs a survey is fitted to it.
    ///
    /// # Errors
    /// As [`UnfittedMask::fit`].
    pub fn fit(&self, stack: &MaskStack<'_>, survey: &Survey) -> Result<Arc<dyn BoundMask>, KindError> {
        match self {
            Self::Ready(bound) => Ok(bound.clone()),
            Self::NeedsSurvey(unfitted) => unfitted.fit(stack, survey),
        }
    }

    /// The rule; one that needs a survey is made of what an earlier one learned.
    ///
    /// # Errors
    /// As [`UnfittedMask::restore`].
    pub fn restore(&self, stack: &MaskStack<'_>, learned: &Learned) -> Result<Arc<dyn BoundMask>, KindError> {
        match self {
            Self::Ready(bound) => Ok(bound.clone()),
            Self::NeedsSurvey(unfitted) => unfitted.restore(stack, learned),
        }
    }

    /// The rule where there is nothing to compare with.
    pub fn alone(&self) -> Arc<dyn BoundMask> {
        match self {
            Self::Ready(bound) => bound.clone(),
            Self::NeedsSurvey(unfitted) => unfitted.alone(),
        }
    }
}

/// One plane of pixels, in the order of [`PlannedMask::bands`].
#[derive(Clone, Copy)]
pub enum Plane<'a> {
    /// Measurements as stored (not scaled), with 1 where valid (inside the scene, not nodata).
    Data {
        /// Samples as stored.
        values: ArrayView2<'a, f32>,
        /// 1 where valid.
        valid: ArrayView2<'a, u8>,
    },
    /// Codes as stored, with 1 where inside the raster.
    Quality {
        /// Codes as stored; 0 outside.
        codes: ArrayView2<'a, u32>,
        /// 1 inside the raster.
        inside: ArrayView2<'a, u8>,
    },
}

/// Pixels for [`BoundMask::mark`]: all planes have the same shape and lie on `grid`.
pub struct MaskInput<'a> {
    /// The scene.
    pub scene: &'a SceneFacts,
    /// The grid on which the rule runs.
    pub grid: &'a Grid,
    /// The window of the planes on `grid`, with the halo.
    pub window: Window,
    /// One plane per band asked for.
    pub planes: &'a [Plane<'a>],
    /// 1 outside the scene and at fill pixels: they neither grow nor erode. All zeros unless asked for.
    pub neutral: ArrayView2<'a, u8>,
    /// The other scenes, for a rule that compares.
    pub stack: Option<&'a Compared<'a>>,
}

/// The stack from headers alone, as a rule that compares sees it.
#[derive(Clone, Copy)]
pub struct MaskStack<'a> {
    /// Every scene of the run, in order of (date, id).
    pub scenes: &'a [SceneFacts],
    /// The rule's own scene.
    pub scene: usize,
    /// The scene whose scale and offset the numbers of all others are brought to.
    pub reference: usize,
}

/// Pixels of several scenes on the window of [`MaskInput`]: the wanted bands, in the numbers of the reference scene,
/// without pixels masked by rules that do not compare scenes.
pub struct Compared<'a> {
    /// The rule's own scene.
    pub own: &'a Block,
    /// The others that it asked for, in the order of the stack.
    pub others: Vec<OtherScene<'a>>,
}

/// Another scene of [`Compared`].
pub struct OtherScene<'a> {
    /// Index of the scene.
    pub scene: usize,
    /// Its date, where known.
    pub day: Option<Day>,
    /// Its pixels.
    pub block: &'a Block,
}

/// Reads a mask rule's own settings.
pub type ParseMask = dyn Fn(&SettingsTable<'_>) -> Result<Box<dyn MaskRule>, Vec<crate::Problem>> + Sync;

/// A kind of mask rule: its name, its page, and how its table is read.
pub struct MaskKind {
    /// `kind = "…"` in the rules file.
    pub name: &'static str,
    /// The page of documentation, with executable examples.
    pub page: &'static str,
    /// JSON schema of the settings struct.
    pub schema: &'static (dyn Fn() -> schemars::Schema + Sync),
    /// Reads the kind's own settings.
    pub parse: &'static ParseMask,
}
