//! Mask rules.

use crate::outputs::Marks;
use crate::scene_input::{SceneInput, ScenePlan};
use crate::{About, Error, Host, Scene, Settings};

/// A mask rule: says which pixels of a scene are unusable.
///
/// It is called on the scene's native grid. An instance serves one scene from its `plan` on, and is called from
/// several threads at a time. What is marked may depend on the settings, the scene, the pixel and its neighbours
/// within the halo, and on nothing else: blocks come in any size and order.
pub trait MaskRule: Send + Sync + Sized + 'static {
    /// Declared with [`settings!`](crate::settings!), or `()` where there are none.
    type Settings: Settings;

    /// What it says of itself.
    const ABOUT: About;

    /// Makes an instance. compose has checked types and ranges; this may refuse combinations.
    ///
    /// # Errors
    /// Why the settings are refused.
    fn new(settings: Self::Settings) -> Result<Self, Error>;

    /// Asks for bands and halo, before a pixel is read. Called once.
    ///
    /// # Errors
    /// Why this scene cannot be masked.
    fn plan(&mut self, scene: &Scene<'_>, plan: &mut ScenePlan<'_>) -> Result<(), Error>;

    /// Writes 1 or 0 to every pixel of `marks`.
    ///
    /// # Errors
    /// Why it failed, or [`Error::cancelled`].
    fn mark(&self, input: &SceneInput<'_>, marks: &mut Marks<'_>, host: &Host<'_>) -> Result<(), Error>;
}
