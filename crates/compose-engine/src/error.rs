//! Errors, by their cause.

use crate::rules::{Mistake, RulesFile};
use compose_core::Window;
use std::ops::Range;
use std::path::PathBuf;

/// Why a run was refused or failed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum EngineError {
    /// The rules file: every mistake found in it.
    #[error("{}", lines(.0))]
    Rules(Vec<Mistake>),
    /// An option on the command line.
    #[error("{option}: {message}")]
    Option { option: String, message: String },
    /// A word on the command line that is neither a command nor an image.
    #[error("{0}")]
    Stray(String),
    /// A scene file.
    #[error(transparent)]
    Io(#[from] compose_io::IoError),
    /// The combination of scenes, grids, dates and bands.
    #[error("scene {scene}: {message}")]
    Scene { scene: String, message: String },
    /// A mask rule on a block.
    #[error("mask \"{rule}\" on scene {scene}, {}: {message}", place(.window))]
    Mask { rule: String, scene: String, window: Window, message: String },
    /// A plugin's file.
    #[error(transparent)]
    Plugin(#[from] compose_plugin_host::LoadError),
    /// A score on a block.
    #[error("score on scene {scene}, {}: {message}", place(.window))]
    Score { scene: String, window: Window, message: String },
    /// A fill strategy on a block.
    #[error("fill {stage} ({strategy}), {}: {message}", place(.window))]
    Fill { stage: usize, strategy: String, window: Window, message: String },
    /// An observed value that would read as nodata.
    #[error(
        "scene {scene}, band {band}: the observed value {value} at column {col}, row {row} equals the output's nodata; \
         set nodata in [output] to a value that does not occur, such as {suggestion}, or dtype to one with more room \
         than {dtype}"
    )]
    NodataObserved {
        scene: String,
        band: String,
        value: f64,
        col: i64,
        row: i64,
        suggestion: String,
        dtype: compose_core::DataType,
    },
    /// An observed value that the output's type cannot hold.
    #[error(
        "scene {scene}, band {band}: the observed value {value} at column {col}, row {row} is no {dtype} sample; observed \
         values are not changed: say another dtype in [output]"
    )]
    NotASample { scene: String, band: String, value: f64, col: i64, row: i64, dtype: compose_core::DataType },
    /// A gap that cannot be written.
    #[error(
        "the pixel at column {col}, row {row} stays open, and there is no nodata value to write: the scenes state none; \
         set nodata in [output] to a value that does not occur, such as {suggestion}"
    )]
    GapWithoutNodata { col: i64, row: i64, suggestion: String },
    /// The machine's memory.
    #[error("{0}")]
    Memory(String),
    /// The machine's threads.
    #[error(
        "no thread can be started to watch for Ctrl-C ({0}); let this user have more processes and threads (ulimit -u), or \
         the program more memory (ulimit -v)"
    )]
    Threads(std::io::Error),
    /// The output.
    #[error(transparent)]
    Write(#[from] compose_io::write::WriteError),
    /// The sidecar.
    #[error("{}: {cause}", path.display())]
    Sidecar { path: PathBuf, cause: std::io::Error },
    /// The report given to `compose check`.
    #[error("{}: is no report of a run ({why}); expected the JSON file that a run leaves beside its image", path.display())]
    NoReport { path: PathBuf, why: String },
    /// Something is where a tile is to be written.
    #[error(
        "tile {tile}: {why}; --resume keeps tiles of this plan that are whole and does all others again, --overwrite does all \
         of them again"
    )]
    Tile { tile: String, why: String },
    /// A plan file, or what it cannot say.
    #[error("{}: {message}", path.display())]
    Plan { path: PathBuf, message: String },
    /// Printing a plan, an explanation or a list.
    #[error("standard output: {0}")]
    StandardOutput(std::io::Error),
    /// Ctrl-C or a termination signal.
    #[error("interrupted; nothing was written")]
    Interrupted,
    /// The same in a run in tiles, when files have their names already.
    #[error("interrupted; {}", WHOLE_TILES_STAY)]
    InterruptedInTiles,
    /// A mistake of ours.
    #[error(
        "internal error in a worker ({0}); the output at work was not written. Please report it with the rules file"
    )]
    Bug(String),
}

/// What is said when a run in tiles ends early.
pub const WHOLE_TILES_STAY: &str = "the tiles that were finished stay, and --resume does the others";

fn lines(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn place(window: &Window) -> String {
    format!("block at column {}, row {} ({}×{})", window.col, window.row, window.width, window.height)
}

impl EngineError {
    /// A mistake at some bytes of a rules file.
    pub fn at(file: &RulesFile, span: &Range<usize>, message: &str) -> Self {
        Self::Rules(vec![file.mistake_at(span, message)])
    }

    /// A refusal about one scene.
    pub fn scene(scene: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Scene { scene: scene.into(), message: message.into() }
    }
}
