//! The scenes of a run as finding them gave them, before any header was read.

use compose_io::scene::FoundScene;
use std::path::PathBuf;

/// A table of the rules file that asks for scenes, by its number from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScenesTable {
    /// `[scenes]`, or one of several.
    Scenes(usize),
    /// `[[scene]]`.
    Scene(usize),
}

/// All scenes that were found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Each with the table that asks for it.
    pub scenes: Vec<(ScenesTable, FoundScene)>,
    /// Notes about files that were passed over.
    pub notes: Vec<String>,
    /// The documents of the catalogues that list scenes.
    pub documents: Vec<PathBuf>,
}

/// What an earlier plan was made of: no other scenes are looked for.
#[derive(Clone, Debug)]
pub struct EarlierPlan {
    /// The plan file.
    pub file: PathBuf,
    /// Its hash, which the reports of its runs say.
    pub hash: String,
    /// The scenes that it found, those left out among them.
    pub found: Found,
}
