//! Errors between the settings of a rules file and the files on disk.

use crate::IoError;
use std::path::PathBuf;

/// Scenes that cannot be found or understood, and why. [`DiscoverError::setting`] names the key of the rules
/// file at fault, where one is.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)]
pub enum DiscoverError {
    #[error("path \"{path}\": {found} in {}; expected a file, a folder or a glob that matches something", base.display())]
    NothingThere { path: String, found: &'static str, base: PathBuf },
    #[error("file \"{path}\": {found} in {}; expected the path of a raster", base.display())]
    NoFile { path: String, found: &'static str, base: PathBuf, setting: &'static str },
    #[error("path \"{path}\": not a glob: {cause}; write [*] or [?] for the characters themselves")]
    Glob { path: String, cause: String },
    #[error("no path is given; expected a file, a folder or a glob, or a list of these")]
    NoPath,
    #[error("{}: {cause}", path.display())]
    Folder { path: PathBuf, cause: String },
    #[error("pattern \"{pattern}\": {cause}")]
    Pattern { pattern: String, cause: String },
    #[error("date-format \"{format}\": {cause}; expected strptime fields such as %Y%m%d or %Y%j")]
    DateFormat { format: String, cause: String },
    #[error("none of {count} files has a name like {expected}; found for example {found}{hint}")]
    NoMatch { count: usize, found: String, expected: String, hint: String },
    #[error("{}: the file's name is not like {expected}{hint}", path.display())]
    FileName { path: PathBuf, expected: String, hint: String },
    #[error("{what} is found twice: {} and {}; narrow path or pattern so that one of them is left", first.display(), second.display())]
    Twice { what: String, first: PathBuf, second: PathBuf },
    #[error("band {band} of scene {scene} is in {} and again in a file of its own, {}; leave one of them out or give it another name", stack.display(), own.display())]
    InBoth { band: String, scene: String, stack: PathBuf, own: PathBuf },
    #[error("{}: \"{text}\"{at} is not a valid date; expected {expected} (date-from says where else to take dates from)", path.display())]
    Date { path: PathBuf, text: String, at: String, expected: String },
    #[error(
        "scene {id}: its files give different dates, {first} and {second}; a pattern's id must tell acquisitions apart"
    )]
    Dates { id: String, first: String, second: String },
    #[error("scene {scene} has no *{} beside its files (date-from)", crate::mtl::ENDING)]
    NoMtl { scene: String },
    #[error("scene {scene} has no {item} (date-from) in {}{hint}", path.display())]
    NoItem { scene: String, item: String, path: PathBuf, hint: String },
    #[error(
        "{}: has no georeference, and {} does not give it one: {why}; write it into the file, or say georeference = \"none\"",
        path.display(),
        mtl.display()
    )]
    Georeference { path: PathBuf, mtl: PathBuf, why: String },
    #[error("{message}")]
    Layout { message: String },
    #[error("{}: no name for the scene can be taken from the file's name; give the [[scene]] an id", path.display())]
    NoId { path: PathBuf },
    #[error("scene {scene} has no band \"{name}\"{hint}{} it has {}", if hint.is_empty() { ";" } else { "" }, listed(known))]
    Band { scene: String, name: String, hint: String, known: Vec<String> },
    #[error("band \"{name}\" = {number}: {} has {count} bands; expected a number from 1 to {count}", path.display())]
    BandNumber { name: String, number: usize, path: PathBuf, count: usize },
    #[error(
        "band \"{name}\" = {number}: scene {scene} has a file per band; say which one by its name, e.g. {name} = \"{example}\""
    )]
    NumberOfFiles { name: String, number: usize, scene: String, example: String },
    #[error("{}: holds {count} bands, expected one, as the name says that it is band \"{band}\" (leave the group `band` out of pattern to take all of them)", path.display())]
    ManyBands { path: PathBuf, band: String, count: usize },
    #[error("bands: \"{name}\" is {first} and {second}; say which is meant by its common name")]
    Ambiguous { name: String, first: String, second: String },
    #[error("bands: \"{name}\" is named twice")]
    BandTwice { name: String },
    #[error("scene {scene}: no data band is left; it has {}", listed(known))]
    NoData { scene: String, known: Vec<String> },
    #[error("beside {pattern}: {cause}")]
    Beside { pattern: String, cause: String },
    #[error("scene {scene}: asset {asset}: {why}")]
    Asset { scene: String, asset: String, why: String },
    #[error(
        "scene {scene}: its collection is none that a preset knows, so that nothing says which assets are wanted; say bands, such as bands = [\"{}\"]; assets: {}",
        known.first().map_or("red", String::as_str),
        listed(known)
    )]
    NoBands { scene: String, known: Vec<String> },
    #[error("item {id}: its id holds control characters, and it names files and scenes; expected plain text")]
    ItemId { id: String },
    #[error(transparent)]
    Stac(#[from] compose_stac::StacError),
    #[error(transparent)]
    Io(#[from] IoError),
}

impl DiscoverError {
    /// The key of `[scenes]` or `[[scene]]` that the error is about; `None` where a file is at fault.
    pub fn setting(&self) -> Option<&'static str> {
        Some(match self {
            Self::NothingThere { .. } | Self::Glob { .. } | Self::NoPath | Self::Twice { .. } => "path",
            Self::NoMatch { .. } | Self::FileName { .. } => "path",
            Self::InBoth { .. } => "files",
            Self::NoFile { setting, .. } => setting,
            Self::NoMtl { .. } | Self::NoItem { .. } => "date-from",
            Self::Pattern { .. } | Self::Dates { .. } => "pattern",
            Self::DateFormat { .. } => "date-format",
            Self::Layout { .. } => "layout",
            Self::Georeference { .. } => "georeference",
            Self::NoId { .. } => "id",
            Self::Band { .. } | Self::BandNumber { .. } | Self::NumberOfFiles { .. } => "bands",
            Self::Beside { .. } => "beside",
            Self::Asset { .. } | Self::ItemId { .. } | Self::Stac(_) => "stac",
            Self::NoBands { .. } => "bands",
            Self::Ambiguous { .. } | Self::BandTwice { .. } | Self::NoData { .. } => "bands",
            Self::Folder { .. } | Self::Date { .. } | Self::ManyBands { .. } | Self::Io(_) => return None,
        })
    }
}

fn listed(known: &[String]) -> String {
    if known.is_empty() { "none".into() } else { known.join(", ") }
}
