//! A library that has been loaded, and the kinds that are made of it.

use crate::call::PluginHost;
use crate::library_context::LibraryContext;
use crate::load_error::LoadError;
use crate::open::{KindSort, RawKind, Supplied, hash, open};
use crate::{fill, scene_rule};
use compose_core::fill_strategy::FillKind;
use compose_core::mask_rule::MaskKind;
use compose_core::score::ScoreKind;
use std::fmt;
use std::path::{Path, PathBuf};

/// A library that has been loaded, and the kinds that it supplies.
pub struct Plugin {
    /// The file, absolute.
    pub path: PathBuf,
    /// SHA-256 of the file, in hexadecimal digits.
    pub sha256: String,
    /// The version of the interface that it was built against: major, minor.
    pub abi: (u32, u32),
    /// The kinds that it supplies.
    pub kinds: Vec<PluginKind>,
    /// Its mask rules.
    pub masks: Vec<&'static MaskKind>,
    /// Its scores.
    pub scores: Vec<&'static ScoreKind>,
    /// Its fill strategies.
    pub fills: Vec<&'static FillKind>,
}

/// A kind that a plugin supplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PluginKind {
    /// The sort.
    pub sort: KindSort,
    /// The name in the rules file.
    pub id: &'static str,
    /// The plugin's version.
    pub version: &'static str,
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin").field("path", &self.path).field("kinds", &self.kinds).finish_non_exhaustive()
    }
}

impl PluginHost {
    /// Loads the library at `path` and reads what it supplies. `sha256` pins the file, where it is given.
    ///
    /// The library's own initialisers run: a plugin is code. It stays loaded until the program ends.
    ///
    /// # Errors
    /// The file is no library, no plugin, one of another version, or one whose descriptors make no sense.
    pub fn load(&self, path: &Path, sha256: Option<&str>) -> Result<&'static Plugin, LoadError> {
        let opened = open(path, sha256)?;
        let context = LibraryContext { host: *self, lock: Box::leak(Box::default()) };
        let mut plugin = Plugin {
            path: opened.path,
            sha256: opened.sha256,
            abi: (opened.entry.abi_major, opened.entry.abi_minor),
            kinds: Vec::new(),
            masks: Vec::new(),
            scores: Vec::new(),
            fills: Vec::new(),
        };
        for Supplied { sort, declared, raw } in opened.supplied {
            plugin.kinds.push(PluginKind { sort, id: &declared.id, version: &declared.version });
            match (sort, raw) {
                (KindSort::Score, RawKind::Scene(raw)) => {
                    plugin.scores.push(scene_rule::score_kind(context, declared, raw));
                }
                (_, RawKind::Scene(raw)) => plugin.masks.push(scene_rule::mask_kind(context, declared, raw)),
                (_, RawKind::Fill(raw)) => plugin.fills.push(fill::kind(context, declared, raw)),
            }
        }
        Ok(Box::leak(Box::new(plugin)))
    }
}

impl Plugin {
    /// `mask rule hot-haze 1.0.0`, for each kind.
    pub fn describe(&self) -> Vec<String> {
        self.kinds.iter().map(|kind| format!("{} {} {}", kind.sort, kind.id, kind.version)).collect()
    }

    /// Refuses a library whose file is not any more what was loaded: what the run records of it would be false,
    /// and what it did may be.
    ///
    /// # Errors
    /// [`LoadError::Changed`], or the file is gone.
    pub fn check_unchanged(&self) -> Result<(), LoadError> {
        let found = hash(&self.path)?;
        if found == self.sha256 {
            return Ok(());
        }
        Err(LoadError::Changed { path: self.path.clone() })
    }
}
