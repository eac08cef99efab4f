//! Scores.

use crate::outputs::Scores;
use crate::scene_input::{SceneInput, ScenePlan};
use crate::{About, Error, Host, Scene, Settings};

/// A score: says how good each pixel of a scene is.
///
/// It is called on the scene's native grid; the fill strategy `best-score` takes, of all donors that see a pixel,
/// the one with the highest score. An instance serves one scene from its `plan` on, and is called from several
/// threads at a time. A score may depend on the settings, the scene, the pixel and its neighbours within the halo,
/// and on nothing else: blocks come in any size and order.
pub trait Score: Send + Sync + Sized + 'static {
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
    /// Why this scene cannot be rated.
    fn plan(&mut self, scene: &Scene<'_>, plan: &mut ScenePlan<'_>) -> Result<(), Error>;

    /// Writes a number to every pixel of `scores`: higher is better, `f32::NEG_INFINITY` is "never take this one".
    /// NaN is an error, except where a plane that was asked for is not valid.
    ///
    /// # Errors
    /// Why it failed, or [`Error::cancelled`].
    fn rate(&self, input: &SceneInput<'_>, scores: &mut Scores<'_>, host: &Host<'_>) -> Result<(), Error>;
}
