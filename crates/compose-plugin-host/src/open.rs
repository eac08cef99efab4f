//! Opening a shared library: the file, its entry, its versions, its factories.

#![allow(unsafe_code)]

use crate::descriptor::{Declared, check_callbacks};
use crate::library_context::leak;
use crate::load_error::LoadError;
use compose_plugin::abi;
use libloading::Library;
use sha2::{Digest, Sha256};
use std::ffi::CStr;
use std::fmt;
use std::path::{Path, PathBuf};

/// The sort of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum KindSort {
    MaskRule,
    Score,
    Fill,
}

impl fmt::Display for KindSort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MaskRule => "mask rule",
            Self::Score => "score",
            Self::Fill => "fill strategy",
        })
    }
}

/// A library whose versions fit and whose descriptors make sense; nothing is made of it yet.
pub(crate) struct Opened {
    pub path: PathBuf,
    pub sha256: String,
    pub entry: abi::Entry,
    pub supplied: Vec<Supplied>,
}

/// A kind as the library supplies it.
#[derive(Clone, Copy)]
pub(crate) struct Supplied {
    pub sort: KindSort,
    pub declared: &'static Declared,
    pub raw: RawKind,
}

/// The functions of a kind.
#[derive(Clone, Copy)]
pub(crate) enum RawKind {
    /// The table of a mask rule or score.
    Scene(abi::SceneKind),
    /// The table of a fill strategy.
    Fill(abi::FillKind),
}

/// Opens the library at `path`, which is never closed again, and reads what it supplies.
pub(crate) fn open(path: &Path, sha256: Option<&str>) -> Result<Opened, LoadError> {
    // An absolute path is opened as it is; the loader's search path has no say.
    let missing = |cause| {
        // Said in full: it starts from the folder of the rules file, which need not be where one is.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        LoadError::File { path, cause }
    };
    let path = path.canonicalize().map_err(missing)?;
    if !path.is_file() {
        // A pipe would keep us waiting for ever.
        let cause = std::io::Error::other("is no regular file");
        return Err(LoadError::File { path, cause });
    }
    let found = hash(&path)?;
    if let Some(wanted) = sha256.filter(|wanted| !wanted.eq_ignore_ascii_case(&found)) {
        return Err(LoadError::Hash { path, found, wanted: wanted.to_owned() });
    }
    // SAFETY: initialisers of a library may do anything; the user has named it to be run.
    let library = unsafe { load(&path) };
    let library = library.map_err(|cause| LoadError::Open { path: path.clone(), cause })?;
    let library: &'static Library = Box::leak(Box::new(library));
    let after = hash(&path)?;
    if after != found {
        return Err(LoadError::Hash { path, found: after, wanted: found });
    }
    let entry = entry(library, &path)?;
    let supplied =
        supplied(&entry).map_err(|message| LoadError::Malformed { path: path.clone(), message })?;
    Ok(Opened { path, sha256: found, entry, supplied })
}

/// Reads the factories of a library whose versions fit.
fn supplied(entry: &abi::Entry) -> Result<Vec<Supplied>, String> {
    let mut supplied = Vec::new();
    for (sort, factory, run) in
        [(KindSort::MaskRule, abi::MASK_RULES, "mark"), (KindSort::Score, abi::SCORES, "rate")]
    {
        for raw in kinds::<abi::SceneKind>(entry, factory)? {
            let declared = declared(&raw.about, sort, &supplied)?;
            let there = [raw.create.is_some(), raw.destroy.is_some(), raw.plan.is_some()];
            check_callbacks(declared, there, (run, raw.run.is_some()))?;
            supplied.push(Supplied { sort, declared, raw: RawKind::Scene(raw) });
        }
    }
    for raw in kinds::<abi::FillKind>(entry, abi::FILLS)? {
        let declared = declared(&raw.about, KindSort::Fill, &supplied)?;
        let there = [raw.create.is_some(), raw.destroy.is_some(), raw.plan.is_some()];
        check_callbacks(declared, there, ("fill", raw.run.is_some()))?;
        supplied.push(Supplied { sort: KindSort::Fill, declared, raw: RawKind::Fill(raw) });
    }
    if supplied.is_empty() {
        return Err("it supplies no mask rule, no score and no fill strategy".into());
    }
    Ok(supplied)
}

/// Opens a library with all its symbols: one that is missing is told now, and not in the middle of a run.
///
/// # Safety
/// Initialisers of the library are run.
#[cfg(unix)]
unsafe fn load(path: &Path) -> Result<Library, libloading::Error> {
    use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
    // SAFETY: passed on.
    unsafe { Library::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map(Into::into)
}

/// Opens a library.
///
/// # Safety
/// Initialisers of the library are run.
#[cfg(not(unix))]
unsafe fn load(path: &Path) -> Result<Library, libloading::Error> {
    // SAFETY: passed on.
    unsafe { Library::new(path) }
}

/// SHA-256 of a file, in hexadecimal digits.
pub(crate) fn hash(path: &Path) -> Result<String, LoadError> {
    let file = std::fs::File::open(path);
    let mut digest = Sha256::new();
    let copied = file.and_then(|mut file| std::io::copy(&mut file, &mut digest));
    copied.map_err(|cause| LoadError::File { path: path.to_owned(), cause })?;
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The entry, once its versions are known to fit; nothing of the library has been called.
fn entry(library: &'static Library, path: &Path) -> Result<abi::Entry, LoadError> {
    // SAFETY: the symbol of that name is by the header's contract a `compose_entry`, which is read as such only
    // after its first two numbers were.
    let symbol = unsafe { library.get::<*const u32>(abi::ENTRY.to_bytes_with_nul()) };
    let symbol = symbol.map_err(|cause| LoadError::NoEntry { path: path.to_owned(), cause })?;
    let at: *const u32 = *symbol;
    // SAFETY: versions come first in every version of the entry, and the library is never unloaded.
    let found = unsafe { (at.read_unaligned(), at.add(1).read_unaligned()) };
    if found.0 != abi::ABI_MAJOR || found.1 > abi::ABI_MINOR {
        return Err(LoadError::Version { path: path.to_owned(), found });
    }
    // SAFETY: the version is ours, so the struct is ours.
    Ok(unsafe { at.cast::<abi::Entry>().read_unaligned() })
}

/// Copies of the descriptors of one factory; none where the plugin has no such factory.
fn kinds<T: Copy>(entry: &abi::Entry, factory: &CStr) -> Result<Vec<T>, String> {
    let name = factory.to_string_lossy();
    let get_factory = entry.get_factory.ok_or("its entry has a null get_factory")?;
    // SAFETY: called as the header says.
    let factory = unsafe { get_factory(factory.as_ptr()) }.cast::<abi::Factory<T>>();
    if factory.is_null() {
        return Ok(Vec::new());
    }
    // SAFETY: what get_factory returns for this name is by contract a factory of this sort.
    let factory = unsafe { factory.read() };
    let (Some(count), Some(get)) = (factory.count, factory.get) else {
        return Err(format!("its factory {name} has a null function"));
    };
    // SAFETY: called as the header says.
    let count = unsafe { count() };
    if count > 1000 {
        return Err(format!("its factory {name} claims to have {count} kinds"));
    }
    let copy = |index| {
        // SAFETY: called as the header says, with an index below the count.
        let kind = unsafe { get(index) };
        if kind.is_null() {
            return Err(format!("its factory {name} returns NULL for kind {index}"));
        }
        // SAFETY: not null, and by contract a descriptor of this sort.
        Ok(unsafe { kind.read() })
    };
    (0..count).map(copy).collect()
}

/// Reads and checks what a kind says of itself; `before` are the kinds that came before it.
fn declared(raw: &abi::Descriptor, sort: KindSort, before: &[Supplied]) -> Result<&'static Declared, String> {
    let nth = before.iter().filter(|k| k.sort == sort).count();
    // SAFETY: the descriptor comes from the plugin's factory, whose pointers the header asks to be valid.
    let read = unsafe { Declared::read(raw) };
    let declared = read.map_err(|message| format!("{sort} {nth}: {message}"))?;
    if let Some(twin) = before.iter().find(|k| k.declared.id == declared.id) {
        return Err(format!("two of its kinds are called \"{}\": a {} and a {sort}", declared.id, twin.sort));
    }
    Ok(leak(declared))
}
