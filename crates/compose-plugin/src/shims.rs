//! The functions that compose calls: C on the outside, a trait's methods inside. No panic leaves them.

#![allow(unsafe_code)]

use crate::outputs::{Marks, OutputPlane, Scores};
use crate::planes::Sample;
use crate::settings::Values;
use crate::{
    About, Error, Fill, FillInput, FillOutput, FillPlan, Host, MaskRule, SceneInput, ScenePlan, Score,
};
use crate::{Scene, Settings, Stack, abi, panics};
use std::ffi::c_void;

/// What the three traits of authors have in common.
pub(crate) trait Kind: Send + Sync + Sized {
    type Settings: Settings;
    const ABOUT: About;
    fn new(settings: Self::Settings) -> Result<Self, Error>;
}

/// What mask rules and scores have in common.
pub(crate) trait SceneKind: Kind {
    type Output: Sample;
    fn plan(&mut self, scene: &Scene<'_>, plan: &mut ScenePlan<'_>) -> Result<(), Error>;
    fn run(
        &self,
        input: &SceneInput<'_>,
        output: &mut OutputPlane<'_, Self::Output>,
        host: &Host<'_>,
    ) -> Result<(), Error>;
}

/// An author's mask rule.
pub(crate) struct Masks<R>(R);
/// An author's score.
pub(crate) struct Scoring<S>(S);
/// An author's fill.
pub(crate) struct Fills<F>(F);

macro_rules! kind {
    ($adapter:ident, $author:ident) => {
        impl<T: $author> Kind for $adapter<T> {
            type Settings = T::Settings;
            const ABOUT: About = T::ABOUT;
            fn new(settings: Self::Settings) -> Result<Self, Error> {
                T::new(settings).map($adapter)
            }
        }
    };
}
kind!(Masks, MaskRule);
kind!(Scoring, Score);
kind!(Fills, Fill);

impl<R: MaskRule> SceneKind for Masks<R> {
    type Output = u8;
    fn plan(&mut self, scene: &Scene<'_>, plan: &mut ScenePlan<'_>) -> Result<(), Error> {
        self.0.plan(scene, plan)
    }
    fn run(&self, input: &SceneInput<'_>, marks: &mut Marks<'_>, host: &Host<'_>) -> Result<(), Error> {
        self.0.mark(input, marks, host)
    }
}

impl<S: Score> SceneKind for Scoring<S> {
    type Output = f32;
    fn plan(&mut self, scene: &Scene<'_>, plan: &mut ScenePlan<'_>) -> Result<(), Error> {
        self.0.plan(scene, plan)
    }
    fn run(&self, input: &SceneInput<'_>, scores: &mut Scores<'_>, host: &Host<'_>) -> Result<(), Error> {
        self.0.rate(input, scores, host)
    }
}

/// Runs `body`; what goes wrong in it is told to the host.
fn call(host: Host<'_>, body: impl FnOnce() -> Result<(), Error>) -> abi::Status {
    match panics::catch(body) {
        Ok(()) => abi::OK,
        Err(error) if error.is_cancelled() => abi::CANCELLED,
        Err(error) => {
            host.set_error(&error);
            abi::ERROR
        }
    }
}

/// `compose_create`
///
/// # Safety
/// As the header says of its arguments. So for the others.
pub(crate) unsafe extern "C" fn create<K: Kind>(
    host: *const abi::Host,
    values: *const abi::Value,
    count: u32,
    instance: *mut *mut c_void,
) -> abi::Status {
    // SAFETY: the host of this call.
    let host = unsafe { Host::new(host) };
    call(host, || {
        // SAFETY: the host's values live until this function returns.
        let mut values = unsafe { Values::new(values, count) };
        let declarations = K::Settings::declare();
        declarations.iter().try_for_each(|declaration| declaration.check())?;
        if values.left() != declarations.len() {
            let (left, declared) = (values.left(), declarations.len());
            return Err(Error::new(format!("the host passed {left} values for {declared} settings")));
        }
        let kind = K::new(K::Settings::read(&mut values)?)?;
        // SAFETY: the host's place for an instance.
        unsafe { instance.write(Box::into_raw(Box::new(kind)).cast()) };
        Ok(())
    })
}

/// `compose_destroy`
pub(crate) unsafe extern "C" fn destroy<K: Kind>(instance: *mut c_void) {
    // There is nobody to tell of a panic: the instance is gone either way.
    let _ = panics::catch(|| {
        // SAFETY: `create` made it, as a `K`, and no other call is made on it, now or later.
        drop(unsafe { Box::from_raw(instance.cast::<K>()) });
        Ok(())
    });
}

/// `plan` of `compose_mask_rule` and `compose_score`
pub(crate) unsafe extern "C" fn plan_scene<K: SceneKind>(
    instance: *mut c_void,
    host: *const abi::Host,
    scene: *const abi::Scene,
    plan: *mut abi::ScenePlan,
) -> abi::Status {
    // SAFETY: the host of this call.
    let host = unsafe { Host::new(host) };
    call(host, || {
        // SAFETY: `create` made the instance, and no other call is made on it meanwhile; the rest is the host's,
        // lives until this function returns, and the plan is for this call alone.
        let (kind, scene, mut plan) =
            unsafe { (&mut *instance.cast::<K>(), Scene::new(scene), ScenePlan::new(plan, host)) };
        kind.plan(&scene, &mut plan)
    })
}

/// `mark` of `compose_mask_rule`, `rate` of `compose_score`
pub(crate) unsafe extern "C" fn run_scene<K: SceneKind>(
    instance: *mut c_void,
    host: *const abi::Host,
    input: *const abi::SceneInput,
    output: *const abi::Output,
) -> abi::Status {
    // SAFETY: the host of this call.
    let host = unsafe { Host::new(host) };
    call(host, || {
        // SAFETY: `create` made the instance, which is only read from here on; input and output are the host's and
        // live until this function returns, and the output's pixels are for this call alone.
        let (kind, input, mut output) = unsafe {
            let input = SceneInput::new(input);
            (&*instance.cast::<K>(), input, OutputPlane::new(&*output, input.area()))
        };
        kind.run(&input, &mut output, &host)
    })
}

/// `plan` of `compose_fill`
pub(crate) unsafe extern "C" fn plan_fill<F: Fill>(
    instance: *mut c_void,
    host: *const abi::Host,
    stack: *const abi::Stack,
    plan: *mut abi::FillPlan,
) -> abi::Status {
    // SAFETY: the host of this call.
    let host = unsafe { Host::new(host) };
    call(host, || {
        // SAFETY: as in `plan_scene`.
        let (fill, stack, mut plan) = unsafe {
            let stack = Stack::new(stack);
            (&mut *instance.cast::<Fills<F>>(), stack, FillPlan::new(plan, &stack, host))
        };
        fill.0.plan(&stack, &mut plan)
    })
}

/// `fill` of `compose_fill`
pub(crate) unsafe extern "C" fn run_fill<F: Fill>(
    instance: *mut c_void,
    host: *const abi::Host,
    input: *const abi::FillInput,
    output: *const abi::FillOutput,
) -> abi::Status {
    // SAFETY: the host of this call.
    let host = unsafe { Host::new(host) };
    call(host, || {
        // SAFETY: as in `run_scene`.
        let (fill, input, mut output) = unsafe {
            let input = FillInput::new(input);
            (&*instance.cast::<Fills<F>>(), input, FillOutput::new(output, &input))
        };
        fill.0.fill(&input, &mut output, &host)
    })
}
