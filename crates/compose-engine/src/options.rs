//! Settings of the command line, which override the rules file.

use crate::found::EarlierPlan;
use std::path::PathBuf;
use std::sync::Arc;

/// Edge of the blocks that workers compose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum BlockSize {
    /// As much as stays near the processor, 512 pixels at most, and less where memory is short.
    #[default]
    Auto,
    /// This many pixels.
    Pixels(usize),
    /// The whole grid in one block.
    Whole,
}

/// Settings of the command line; they override the rules file.
#[derive(Clone, Debug, Default)]
#[allow(missing_docs)]
pub struct Options {
    /// As typed, for the report.
    pub command_line: Vec<String>,
    pub output: Option<PathBuf>,
    pub overwrite: bool,
    /// Only the plan is wanted: files that exist are remarked on, not refused.
    pub plan_only: bool,
    /// The plan is not for what `[output]` names, which may be anything.
    pub without_output: bool,
    pub quicklook: bool,
    pub no_provenance: bool,
    pub threads: usize,
    /// Nobody said how many threads, so that there may be fewer where memory is short.
    pub fewer_threads: bool,
    /// Bytes; `None` is the default limit.
    pub mem_limit: Option<u64>,
    pub block_size: BlockSize,
    /// Every file is read by GDAL, even where it could be read directly.
    pub force_gdal: bool,
    pub target: Option<String>,
    pub date: Option<compose_core::Day>,
    pub src_nodata: Option<f64>,
    pub bounds: Option<[f64; 4]>,
    pub bounds_crs: Option<String>,
    pub crs: Option<String>,
    pub resolution: Option<(f64, f64)>,
    pub like: Option<PathBuf>,
    pub area: Option<PathBuf>,
    pub area_layer: Option<String>,
    pub area_filter: Option<String>,
    pub area_touch: bool,
    pub snap: bool,
    pub resampling: Option<String>,
    pub format: Option<String>,
    pub dtype: Option<String>,
    pub nodata: Option<f64>,
    pub creation_options: Vec<(String, String)>,
    /// The plan file that is carried out, if it is one.
    pub earlier: Option<Arc<EarlierPlan>>,
}

impl Options {
    /// Whether the command line says a grid, which replaces the one in the rules file as a whole, so that the two never
    /// mix.
    pub fn says_grid(&self) -> bool {
        self.like.is_some()
            || self.area.is_some()
            || self.bounds.is_some()
            || self.resolution.is_some()
            || self.crs.is_some()
    }
}

/// Memory that a run keeps to unless told otherwise.
pub const DEFAULT_MEM_LIMIT: u64 = 384 << 20;
