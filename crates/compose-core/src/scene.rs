//! The facts of a scene, known before any pixel is read.

use crate::{DataType, Day, Grid, Layout};

/// Whether a band carries measurements or codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BandRole {
    /// Measurements: `f32` inside.
    Data,
    /// Quality codes: `u32` inside, never interpolated.
    Quality,
}

/// One band of a scene, from headers alone.
#[derive(Clone, Debug)]
pub struct BandFacts {
    /// Name in the rules file (`B4`, `QA_PIXEL`).
    pub name: String,
    /// Other names that the preset gives it (`red`).
    pub aliases: Vec<String>,
    /// Data or quality.
    pub role: BandRole,
    /// The band's own grid.
    pub grid: Grid,
    /// Sample type on disk.
    pub dtype: DataType,
    /// Physical value = sample × scale + offset; `None` where unknown.
    pub scale_offset: Option<(f64, f64)>,
    /// Meaning of the codes of a quality band, where known.
    pub layout: Option<&'static Layout>,
    /// Whether a mask made by others holds it: where it has no pixel, a rule that reads it cannot judge.
    pub beside: bool,
}

impl BandFacts {
    /// Whether the rules file's `name` means this band.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.iter().any(|a| a == name)
    }
}

/// The position of the sun over a scene's centre.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sun {
    /// Height above the horizon, degrees.
    pub elevation: f64,
    /// Direction, degrees clockwise from north.
    pub azimuth: f64,
}

/// One acquisition, from headers alone.
#[derive(Clone, Debug)]
pub struct SceneFacts {
    /// Unique name of the scene.
    pub id: String,
    /// Day of acquisition.
    pub day: Option<Day>,
    /// The sensor, such as `OLI`, where a preset tells it.
    pub sensor: Option<&'static str>,
    /// The position of the sun, if the metadata beside the scene tells it.
    pub sun: Option<Sun>,
    /// The native grid: that of the first wanted data band.
    pub grid: Grid,
    /// Every band that rules may read; the wanted data bands first, in output order.
    pub bands: Vec<BandFacts>,
    /// Number of wanted data bands (they are `bands[..wanted]`).
    pub wanted: usize,
    /// Index of the scene's main quality band, where it has one.
    pub quality: Option<usize>,
}

impl SceneFacts {
    /// Index of the band with this name or alias.
    pub fn band(&self, name: &str) -> Option<usize> {
        self.bands
            .iter()
            .position(|b| b.name == name)
            .or_else(|| self.bands.iter().position(|b| b.is_called(name)))
    }
}
