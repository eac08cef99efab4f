//! Blocks that GDAL reads.

/// GDAL must read this block: it is missing in a way of its own, damaged, or packed in an unusual way.
#[derive(Debug)]
pub(crate) struct LeftToGdal;
