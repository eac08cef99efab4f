//! Bands side by side, as vector registers want them.

/// Bands that are computed side by side.
pub(crate) const LANES: usize = 8;

/// One number for each of [`LANES`] bands; those past the last band are zeros.
pub(crate) type Lanes = [f32; LANES];
