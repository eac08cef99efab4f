//! What fills plan with.

#![allow(unsafe_code)]

use crate::grid::Grid;
use crate::scene::Scene;
use crate::{Error, Host, Level, abi, raw, scene_input};

/// What is known of the stack that a fill works on.
#[derive(Clone, Copy)]
pub struct Stack<'a>(&'a abi::Stack);

impl<'a> Stack<'a> {
    /// # Safety
    /// `stack`, and all it points to, must be as the header says and live unchanged for `'a`.
    pub(crate) unsafe fn new(stack: *const abi::Stack) -> Self {
        debug_assert!(stack.is_aligned() && !stack.is_null(), "the host passed no stack");
        // SAFETY: the caller vouches for the stack.
        Stack(unsafe { &*stack })
    }

    fn raw_scenes(&self) -> &'a [abi::Scene] {
        // SAFETY: the scenes of the stack, see `new`.
        unsafe { raw::slice(self.0.scenes, self.0.scene_count) }
    }

    /// Every scene of the run, by date and then id; those without a date come last.
    pub fn scenes(&self) -> impl ExactSizeIterator<Item = Scene<'a>> + use<'a> {
        // SAFETY: scenes of the stack, see `new`.
        self.raw_scenes().iter().map(|scene| unsafe { Scene::new(scene) })
    }

    /// How many scenes there are.
    pub fn scene_count(&self) -> usize {
        self.0.scene_count as usize
    }

    /// Scene `index`.
    ///
    /// # Panics
    /// Where there is none.
    #[track_caller]
    pub fn scene(&self, index: usize) -> Scene<'a> {
        let scenes = self.raw_scenes();
        assert!(index < scenes.len(), "no scene {index} in a stack of {}", scenes.len());
        // SAFETY: a scene of the stack, see `new`.
        unsafe { Scene::new(&scenes[index]) }
    }

    /// Index of the scene that is repaired; none where every pixel of the result is composed.
    pub fn target(&self) -> Option<usize> {
        usize::try_from(self.0.target).ok()
    }

    /// The day that distances are measured from, in days since 1970-01-01: the target's, or the one that the rules
    /// file says.
    pub fn target_day(&self) -> Option<i32> {
        (self.0.has_target_day != 0).then_some(self.0.target_day)
    }

    /// Number of bands of the result. Band k of the result is band k of every scene.
    pub fn band_count(&self) -> usize {
        self.0.band_count as usize
    }

    /// The scene in whose numbers all planes of a fill are: band k has the scale and offset of its band k. The target,
    /// where there is one.
    pub fn reference(&self) -> Scene<'a> {
        self.scene(self.0.reference as usize)
    }

    /// Whether a pixel is a gap in all bands or in none; else every band has gaps of its own.
    pub fn is_joint(&self) -> bool {
        self.0.joint != 0
    }

    /// Grid of the result.
    pub fn grid(&self) -> Grid<'a> {
        Grid(&self.0.grid)
    }
}

/// What a fill wants of the stack.
pub struct FillPlan<'a> {
    plan: &'a mut abi::FillPlan,
    target: Option<usize>,
    host: Host<'a>,
}

impl<'a> FillPlan<'a> {
    /// # Safety
    /// `plan` must be as the header says, and nobody else's for `'a`.
    pub(crate) unsafe fn new(plan: *mut abi::FillPlan, stack: &Stack<'_>, host: Host<'a>) -> Self {
        debug_assert!(plan.is_aligned() && !plan.is_null(), "the host passed no plan");
        // SAFETY: the caller vouches for the plan.
        let plan = unsafe { &mut *plan };
        plan.threads = abi::THREADS_ANY;
        FillPlan { plan, target: stack.target(), host }
    }

    /// The donors wanted, as indices of scenes, in the order in which they are to come. Where it is not called:
    /// every scene but the target, in the stack's order.
    ///
    /// # Errors
    /// Where one is not in the stack, is the target, or comes twice. Nothing is changed then.
    pub fn donors(&mut self, scenes: impl IntoIterator<Item = usize>) -> Result<(), Error> {
        let capacity = self.plan.donor_capacity as usize;
        let mut donors = Vec::new();
        for scene in scenes {
            let problem = match scene {
                _ if scene >= capacity => format!("not in a stack of {capacity} scenes"),
                _ if Some(scene) == self.target => "the target".into(),
                _ if donors.contains(&(scene as u32)) => "named twice".into(),
                _ => {
                    donors.push(scene as u32);
                    continue;
                }
            };
            return Err(Error::new(format!("donor {scene} is {problem}")));
        }
        // SAFETY: there is room for all scenes, and no scene comes twice.
        unsafe { self.plan.donors.copy_from_nonoverlapping(donors.as_ptr(), donors.len()) };
        self.plan.donor_count = donors.len() as u32;
        Ok(())
    }

    /// Asks to be called with one donor after the other, as long as there are gaps, instead of once with all.
    pub fn one_by_one(&mut self) {
        self.plan.temporal = abi::ONE_BY_ONE;
    }

    /// Tells the user something that is no refusal, such as why a scene is no donor. Equal texts are shown once.
    pub fn log(&self, level: Level, message: &str) {
        self.host.log(level, message);
    }

    /// Asks for pixels of context on each side; 0 where it is not called.
    ///
    /// # Errors
    /// Where it is below 0 or above [`MAX_HALO`](crate::MAX_HALO).
    pub fn halo(&mut self, pixels: impl TryInto<u32>) -> Result<(), Error> {
        self.plan.halo = scene_input::halo(pixels)?;
        Ok(())
    }

    /// Asks for the target's own pixels, where there is a target.
    pub fn wants_target(&mut self) {
        self.plan.wants_target = 1;
    }

    /// Says that two calls with the same pixels may differ, in the last bits, say: the user is told.
    pub fn not_deterministic(&mut self) {
        self.plan.deterministic = 0;
    }
}
