use super::refusal;
use compose_core::DataType;
use std::path::{Path, PathBuf};

/// An output that cannot be written, and why.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum WriteError {
    /// The run was abandoned while it went on.
    #[error("interrupted; nothing was written")]
    Abandoned,
    #[error("{}: exists already; pass --overwrite to replace it, or choose another path", path.display())]
    Exists { path: PathBuf },
    #[error("{}: is left from an earlier {}, and would be read as part of the new one; remove it or pass --overwrite", path.display(), of.display())]
    Stale { path: PathBuf, of: PathBuf },
    #[error("{}: is a folder or a device; expected the path of a file to write", path.display())]
    NotAFile { path: PathBuf },
    #[error("{}: {} is no lock of a run, and lies where its lock would; move it, or choose another path", path.display(), lock.display())]
    NotALock { path: PathBuf, lock: PathBuf },
    #[error("{}{why}", path.display())]
    IsRead { path: PathBuf, why: String },
    #[error("{}: is being written by another run ({by}); wait for it, or choose another path", path.display())]
    Locked { path: PathBuf, by: String },
    #[error("{}: is written by {by}, and from here it cannot be told whether that run goes on; if it has ended, remove {}", path.display(), lock.display())]
    LockedElsewhere { path: PathBuf, by: String, lock: PathBuf },
    /// Another run counted this one as ended, and writes the output now.
    #[error("{}: was taken over by {by}, because this run gave no sign for minutes; that run writes it", path.display())]
    TakenOver { path: PathBuf, by: String },
    #[error("{}: there is no folder {}; create it first", path.display(), folder.display())]
    NoFolder { path: PathBuf, folder: PathBuf },
    #[error("{}: cannot write into {}: {}", path.display(), folder.display(), cause.kind())]
    Folder { path: PathBuf, folder: PathBuf, cause: std::io::Error },
    #[error("{}: {dtype} samples cannot be written; expected uint8, uint16, int16, uint32, int32, float32 or float64", path.display())]
    SampleType { path: PathBuf, dtype: DataType },
    #[error("{}: {dtype} has no sample {nodata} that could mean nodata; expected a number from {} to {}", path.display(), dtype.range().0, dtype.range().1)]
    Nodata { path: PathBuf, nodata: f64, dtype: DataType },
    #[error("{}: the GDAL in use has no {driver} driver; set another format", path.display())]
    NoDriver { path: PathBuf, driver: &'static str },
    #[error("{}: the GDAL in use was built without {codec}; set compress to one of {others}", path.display())]
    NoCodec { path: PathBuf, codec: &'static str, others: String },
    #[error("{}: compression level {level} of {codec}; expected {expected}", path.display())]
    Level { path: PathBuf, level: u32, codec: &'static str, expected: &'static str },
    #[error("{}: the {driver} driver has no creation option {option}; it has: {known}", path.display())]
    UnknownOption { path: PathBuf, driver: &'static str, option: String, known: String },
    #[error("{}: creation option {option}={value}; expected {expected}", path.display())]
    OptionValue { path: PathBuf, option: String, value: String, expected: String },
    #[error("{}: creation option {option} is not taken here: {reason}", path.display())]
    RefusedOption { path: PathBuf, option: String, reason: &'static str },
    #[error("{}: cannot be created: {cause}", path.display())]
    Create { path: PathBuf, cause: String },
    #[error("{}: cannot be written: {cause}; nothing was left behind", path.display())]
    Write { path: PathBuf, cause: String },
    #[error("{}: {what} is not whole after writing; nothing was left behind", path.display())]
    Incomplete { path: PathBuf, what: String },
    #[error("{}: pixels of row {row} were written twice; this is a fault of compose", path.display())]
    Twice { path: PathBuf, row: i64 },
    #[error("{}: row {row} and what follows was never written; this is a fault of compose", path.display())]
    MissingRows { path: PathBuf, row: usize },
    #[error("{}: cannot be moved there from {}: {cause}", path.display(), temporary.display())]
    Commit { path: PathBuf, temporary: PathBuf, cause: std::io::Error },
    #[error("{}: {cause}", path.display())]
    System { path: PathBuf, cause: std::io::Error },
}

impl WriteError {
    /// A file that cannot be made where `path` shall be.
    pub(crate) fn folder(path: &Path, cause: std::io::Error) -> Self {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let (path, folder) = (path.to_owned(), folder.to_owned());
        match cause.kind() {
            std::io::ErrorKind::NotFound => Self::NoFolder { path, folder },
            _ => Self::Folder { path, folder, cause },
        }
    }

    pub(crate) fn create(path: &Path, cause: &str) -> Self {
        Self::Create { path: path.to_owned(), cause: plain(cause) }
    }

    pub(crate) fn write(path: &Path, cause: &str) -> Self {
        Self::Write { path: path.to_owned(), cause: plain(cause) }
    }

    /// GDAL could not write `file`, which was to become the file at `path`.
    pub(super) fn refused(path: &Path, file: &Path, cause: &str) -> Self {
        Self::Write { path: path.to_owned(), cause: refusal::explain(file, &plain(cause)) }
    }
}

/// libtiff names the function that met the error, which tells a user nothing.
fn plain(cause: &str) -> String {
    ["_tiffWriteProc:", "_tiffSeekProc:"]
        .iter()
        .find_map(|name| cause.strip_prefix(name))
        .unwrap_or(cause)
        .trim()
        .to_owned()
}
