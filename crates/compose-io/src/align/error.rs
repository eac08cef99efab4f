//! Why two grids cannot be brought together.

use crate::crs::CrsError;

/// Why two grids cannot be brought together.
#[derive(Debug, thiserror::Error)]
pub enum AlignError {
    /// A coordinate system on one side only: any answer would be a guess.
    #[error(
        "the {without} grid states no CRS, the {other} grid is in {label}; write the CRS into the file (gdal_edit.py -a_srs), or compose files that all have none"
    )]
    NoCrs {
        /// The side that has none: `target` or `scene`.
        without: &'static str,
        /// The side that has one.
        other: &'static str,
        /// Name of the one there is.
        label: String,
    },
    /// A pixel without extent.
    #[error(
        "the {side} grid has pixels of {dx} × {dy} from ({x0}, {y0}); expected finite numbers and no size of 0"
    )]
    BadTransform {
        /// Whose grid it is: `target` or `scene`.
        side: &'static str,
        /// Pixel width.
        dx: f64,
        /// Pixel height.
        dy: f64,
        /// Left edge.
        x0: f64,
        /// Upper edge.
        y0: f64,
    },
    /// Not the name of a method.
    #[error("resampling \"{got}\" is unknown; expected nearest, bilinear or cubic")]
    UnknownResampling {
        /// What was given.
        got: String,
    },
    /// The two systems cannot be connected.
    #[error(transparent)]
    Crs(#[from] CrsError),
}
