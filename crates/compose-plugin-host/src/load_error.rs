//! Why a plugin cannot be used.

use compose_plugin::abi;
use std::error::Error;
use std::fmt;
use std::path::PathBuf;

/// The folders in which plugins are looked for by id.
pub const SEARCH_VARIABLE: &str = "COMPOSE_PLUGIN_PATH";

/// Why a plugin cannot be used.
#[derive(Debug)]
#[allow(missing_docs)]
pub enum LoadError {
    /// The file cannot be read.
    File { path: PathBuf, cause: std::io::Error },
    /// The system does not take it for a library.
    Open { path: PathBuf, cause: libloading::Error },
    /// It is a library, but no plugin.
    NoEntry { path: PathBuf, cause: libloading::Error },
    /// It speaks another version of the interface.
    Version { path: PathBuf, found: (u32, u32) },
    /// Its descriptor makes no sense.
    Malformed { path: PathBuf, message: String },
    /// The file is not the one that was pinned, or changed while it was loaded.
    Hash { path: PathBuf, found: String, wanted: String },
    /// The file was changed while the program was running.
    Changed { path: PathBuf },
    /// No file for an id.
    NotFound { id: String, names: Vec<String>, folders: Vec<PathBuf> },
    /// An id that no kind can have.
    BadId { id: String },
    /// A folder of the search path that is not absolute.
    RelativeFolder { folder: PathBuf },
}

/// All causes: libloading's own text says no more than that dlopen failed.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text += &format!(": {cause}");
        next = cause.source();
    }
    text
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, cause } => write!(f, "{}: {cause}", path.display()),
            Self::Open { path, cause } => {
                write!(f, "{} cannot be loaded as a shared library: {}", path.display(), causes(cause))
            }
            Self::NoEntry { path, cause } => write!(
                f,
                "{} is a shared library, but no plugin: it does not export {}: {}",
                path.display(),
                abi::ENTRY.to_string_lossy(),
                causes(cause)
            ),
            Self::Version { path, found: (major, minor) } => write!(
                f,
                "{} was built against version {major}.{minor} of the plugin interface, and this program speaks {}.{}; \
                 build it again with the header of this program",
                path.display(),
                abi::ABI_MAJOR,
                abi::ABI_MINOR
            ),
            Self::Malformed { path, message } => write!(f, "{}: {message}", path.display()),
            Self::Hash { path, found, wanted } => write!(
                f,
                "{} is not the file that was asked for: its SHA-256 is {found}, expected {wanted}",
                path.display()
            ),
            Self::Changed { path } => {
                write!(
                    f,
                    "{}: the plugin was changed while it was in use; what was computed with it was not written",
                    path.display()
                )
            }
            Self::BadId { id } => write!(
                f,
                "\"{id}\" cannot be the name of a kind: expected a-z, 0-9 and -, beginning with a letter"
            ),
            Self::NotFound { id, names, folders } => {
                let list: Vec<String> = folders.iter().map(|p| p.display().to_string()).collect();
                let folders = match list.is_empty() {
                    true => format!("{} names no folder to look in", SEARCH_VARIABLE),
                    false => format!("looked in {} ({})", list.join(", "), SEARCH_VARIABLE),
                };
                write!(f, "no plugin \"{id}\" ({}): {folders}", names.join(", "))
            }
            Self::RelativeFolder { folder } => write!(
                f,
                "{}: the folder {:?} is not absolute, so what is loaded would depend on where the program is started",
                SEARCH_VARIABLE, folder
            ),
        }
    }
}

impl Error for LoadError {}
