//! Name → kind: what a rules file can ask for.

use compose_core::fill_strategy::FillKind;
use compose_core::mask_rule::MaskKind;

/// Every kind that a rules file can name.
pub struct Registry {
    /// Mask rules.
    pub masks: Vec<&'static MaskKind>,
    /// Fill strategies.
    pub fills: Vec<&'static FillKind>,
}

impl Registry {
    /// The built-in kinds.
    pub fn built_in() -> Self {
        Self { masks: compose_mask::KINDS.iter().collect(), fills: compose_fill::KINDS.iter().collect() }
    }
}
