//! Shapes hide clear pixels only, and not every scene is suited for each.

use ndarray::{Array2, ArrayView2, Zip};

/// Why a scene is not suited for a shape.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unsuited(pub String);

/// Pixels of `shape` that are clear.
pub(crate) fn and_clear(mut shape: Array2<u8>, clear: ArrayView2<'_, u8>) -> Array2<u8> {
    Zip::from(&mut shape).and(clear).for_each(|hide, clear| *hide = u8::from(*hide != 0 && *clear != 0));
    shape
}
