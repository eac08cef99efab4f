//! The kinds that may stand inside another kind, such as the clouds of `shadow-geometry`.

use crate::{bits, donor_residual, hot_jump, range, spectral, tdom, values};
use compose_core::mask_rule::MaskKind;

/// Every kind of this crate but those that hold a rule themselves.
pub(crate) static NESTABLE: &[MaskKind] = &[
    bits::KIND,
    values::KIND,
    range::KIND,
    spectral::KIND,
    donor_residual::KIND,
    hot_jump::KIND,
    tdom::KIND,
];
