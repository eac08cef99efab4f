//! Fill strategies.

use crate::{About, Error, FillInput, FillOutput, FillPlan, Host, Settings, Stack};

/// A fill strategy: computes or chooses replacements.
///
/// It is called on the grid of the result, after every donor was masked and brought onto it. An instance serves one
/// output from its `plan` on, and is called from several threads at a time. What is written may depend on the
/// settings, the stack, the pixel and its neighbours within the halo, and on nothing else: blocks come in any size
/// and order.
pub trait Fill: Send + Sync + Sized + 'static {
    /// Declared with [`settings!`](crate::settings!), or `()` where there are none.
    type Settings: Settings;

    /// What it says of itself.
    const ABOUT: About;

    /// Makes an instance. compose has checked types and ranges; this may refuse combinations.
    ///
    /// # Errors
    /// Why the settings are refused.
    fn new(settings: Self::Settings) -> Result<Self, Error>;

    /// Asks for donors and halo, before a pixel is read. Called once. All scenes but the target are donors, and come
    /// all at once, where nothing else is said.
    ///
    /// # Errors
    /// Why this stack cannot be filled.
    fn plan(&mut self, stack: &Stack<'_>, plan: &mut FillPlan<'_>) -> Result<(), Error>;

    /// Fills gaps. A gap that cannot be filled is left as it is, for the next strategy.
    ///
    /// # Errors
    /// Why it failed, or [`Error::cancelled`].
    fn fill(&self, input: &FillInput<'_>, out: &mut FillOutput<'_>, host: &Host<'_>) -> Result<(), Error>;
}
