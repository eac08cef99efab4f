//! Where documents and assets are.

use crate::error::{StacError, shown};
use std::fmt;
use std::path::{Component, Path, PathBuf};
use url::Url;

/// Where a document or an asset is. It is shown without query, fragment and user: they may hold a signature or a
/// password.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Href {
    /// A path on this machine.
    File(PathBuf),
    /// An address as given: `https://…`, `s3://…`, `gs://…`, `az://…`; `file://…` only where a document of the network
    /// names one, which is never opened.
    Url(String),
}

/// Schemes with GDAL's file systems (<https://gdal.org/en/stable/user/virtual_file_systems.html>). `/vsicurl/` keeps
/// the address whole.
const SCHEMES: [(&str, &str); 9] = [
    ("https", "/vsicurl/"),
    ("http", "/vsicurl/"),
    ("s3", "/vsis3/"),
    ("gs", "/vsigs/"),
    ("az", "/vsiaz/"),
    ("azure", "/vsiaz/"),
    ("abfs", "/vsiaz/"),
    ("abfss", "/vsiaz/"),
    ("oss", "/vsioss/"),
];

impl Href {
    /// From what a user writes: an address, or a path, relative to the working folder.
    pub fn parse(text: &str) -> Self {
        match scheme(text) {
            Some("file") => file_url(text).unwrap_or_else(|| Self::Url(text.into())),
            Some(_) => Self::Url(text.into()),
            None => Self::File(text.into()),
        }
    }

    /// From what this document writes: an address or an absolute path, else relative to the document's folder.
    pub(crate) fn resolve(&self, text: &str) -> Self {
        let text = text.trim();
        if let Some(address) = from_gdal(text) {
            return Self::Url(address);
        }
        match (self, scheme(text)) {
            (Self::File(_), Some("file")) => file_url(text).unwrap_or_else(|| Self::Url(text.into())),
            (_, Some(_)) => Self::Url(text.into()),
            (Self::File(document), None) => {
                let folder = document.parent().unwrap_or(Path::new(""));
                Self::File(as_on_disk(folder, text))
            }
            // What cannot be joined stays as it is, and is refused where it is opened.
            (Self::Url(base), None) => Self::Url(
                Url::parse(base).and_then(|base| base.join(text)).map_or_else(|_| text.into(), String::from),
            ),
        }
    }

    /// The path under which GDAL opens it.
    ///
    /// # Errors
    ///
    /// If GDAL has no file system for the address.
    pub fn gdal_path(&self) -> Result<String, StacError> {
        let unknown = || StacError::Address { href: self.to_string() };
        let address = match self {
            Self::File(path) => return path.to_str().map(str::to_owned).ok_or_else(unknown),
            Self::Url(address) => address,
        };
        let known = scheme(address).map(str::to_ascii_lowercase);
        let known = SCHEMES.iter().find(|(name, _)| Some(*name) == known.as_deref());
        let (name, system) = known.ok_or_else(unknown)?;
        if *system == "/vsicurl/" {
            return Ok(format!("{system}{address}"));
        }
        let (_, rest) = address.split_once("://").ok_or_else(unknown)?;
        let rest = rest.trim_start_matches('/');
        // abfs://container@account.dfs.core.windows.net/path: the account is in GDAL's environment.
        let path = match rest.split_once('/') {
            Some((authority, path)) if name.starts_with("abfs") => {
                format!("{}/{path}", authority.split('@').next().unwrap_or(authority))
            }
            _ => rest.to_owned(),
        };
        if path.is_empty() { Err(unknown()) } else { Ok(format!("{system}{path}")) }
    }

    /// The last part of the path, without a query: where a copy of an asset may lie beside its item.
    pub fn file_name(&self) -> &str {
        match self {
            Self::File(path) => path.file_name().and_then(|name| name.to_str()).unwrap_or_default(),
            Self::Url(address) => public(address).rsplit('/').next().unwrap_or_default(),
        }
    }
}

impl fmt::Display for Href {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.write_str(&shown_path(path)),
            Self::Url(address) => f.write_str(&redacted(address)),
        }
    }
}

/// As it is displayed: what is printed for debugging must not hold a signature either.
impl fmt::Debug for Href {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Href({self})")
    }
}

fn shown_path(path: &Path) -> String {
    path.to_string_lossy().chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// An address without query, fragment and user.
pub(crate) fn redacted(address: &str) -> String {
    let address = public(address);
    let Some((scheme, rest)) = address.split_once("://") else { return shown(address) };
    let authority = rest.split(['/', '\\']).next().unwrap_or_default();
    // The user of abfs:// is the container, which is no secret.
    let secret = if scheme.starts_with("abfs") { None } else { authority.rfind('@') };
    shown(&format!("{scheme}://{}", &rest[secret.map_or(0, |at| at + 1)..]))
}

fn public(address: &str) -> &str {
    address.split(['?', '#']).next().unwrap_or_default()
}

/// The scheme of an address. A single letter is a drive, and `name:part` without slashes is a file's name.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    let whole = scheme.len() > 1 && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    (whole && scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && rest.starts_with('/'))
        .then_some(scheme)
}

fn file_url(text: &str) -> Option<Href> {
    Url::parse(text).ok()?.to_file_path().ok().map(Href::File)
}

/// GDAL's own spelling of an address, as some items have it. Other virtual paths (archives, memory) stay as they are:
/// no scheme fits them, so nothing opens them.
fn from_gdal(text: &str) -> Option<String> {
    let lower = text.get(..4).map(str::to_ascii_lowercase);
    if lower.as_deref() != Some("/vsi") {
        return None;
    }
    let known = SCHEMES.iter().find_map(|(name, system)| Some((name, system, text.strip_prefix(system)?)));
    Some(match known {
        Some((_, system, rest)) if *system == "/vsicurl/" => rest.to_owned(),
        Some((name, _, rest)) => format!("{name}://{rest}"),
        None => text.to_owned(),
    })
}

/// The path as written; where only that is there, decoded, for STAC's hrefs are references in which blanks may be
/// `%20`, or with slashes for the backslashes of some writers.
fn as_on_disk(folder: &Path, text: &str) -> PathBuf {
    let path = plain(&folder.join(text));
    if !text.contains(['%', '\\']) || path.exists() {
        return path;
    }
    let others = [decoded(text), Some(text.replace('\\', "/"))];
    let others = others.into_iter().flatten().map(|text| plain(&folder.join(text)));
    others.into_iter().find(|other| other.exists()).unwrap_or(path)
}

/// A reference with `%20` and the like decoded; `None` if that is no text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = |digit: u8| char::from(digit).to_digit(16);
        match after {
            [a, b, others @ ..] if *first == b'%' => {
                bytes.push(u8::try_from(hex(*a)? * 16 + hex(*b)?).ok()?);
                rest = others;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

/// The path without `.`, and without `..` after a name.
fn plain(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> Href {
        Href::File(path.into())
    }

    #[test]
    fn relative_references_are_beside_their_document() {
        let document = file("/data/items/a.json");
        assert_eq!(document.resolve("./B04.tif"), file("/data/items/B04.tif"));
        assert_eq!(document.resolve("../tiles/B04.tif"), file("/data/tiles/B04.tif"));
        assert_eq!(document.resolve("/other/B04.tif"), file("/other/B04.tif"));
        assert_eq!(document.resolve("file:///other/a%20b.tif"), file("/other/a b.tif"));
        assert_eq!(file("a.json").resolve("../B04.tif"), file("../B04.tif"));
        assert_eq!(document.resolve("a:b.tif"), file("/data/items/a:b.tif"));
        let page = Href::Url("https://host/v1/items/a.json?token=x".into());
        assert_eq!(page.resolve("../B04.tif"), Href::Url("https://host/v1/B04.tif".into()));
        assert_eq!(page.resolve("s3://bucket/key"), Href::Url("s3://bucket/key".into()));
        assert_eq!(page.resolve("/vsis3/bucket/key"), Href::Url("s3://bucket/key".into()));
    }

    #[test]
    fn a_document_of_the_network_names_no_file_of_this_machine() {
        let page = Href::Url("https://host/a.json".into());
        let named = page.resolve("file:///etc/passwd");
        assert_eq!(named, Href::Url("file:///etc/passwd".into()));
        assert!(named.gdal_path().is_err());
        for inside in ["/vsizip//etc/a.zip", "/vsimem/x", "/VSIcurl/https://host"] {
            assert!(file("/data/a.json").resolve(inside).gdal_path().is_err(), "{inside}");
        }
    }

    #[test]
    fn blanks_may_be_written_as_in_addresses_and_slashes_as_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a b.tif"), "").unwrap();
        std::fs::create_dir(folder.path().join("c")).unwrap();
        let document = Href::File(folder.path().join("c/item.json"));
        assert_eq!(document.resolve("../a%20b.tif"), Href::File(folder.path().join("a b.tif")));
        assert_eq!(document.resolve("..\\a b.tif"), Href::File(folder.path().join("a b.tif")));
        assert_eq!(document.resolve("./c%20d.tif"), Href::File(folder.path().join("c/c%20d.tif")));
        assert_eq!(document.resolve("./%zz%"), Href::File(folder.path().join("c/%zz%")));
    }

    #[test]
    fn gdal_has_a_path_for_every_store() {
        for (address, path) in [
            ("https://host/a.tif?sig=b", "/vsicurl/https://host/a.tif?sig=b"),
            ("s3://bucket/a/b.tif", "/vsis3/bucket/a/b.tif"),
            ("gs://bucket/b.tif", "/vsigs/bucket/b.tif"),
            ("az://container/b.tif", "/vsiaz/container/b.tif"),
            ("abfs://container/b.tif", "/vsiaz/container/b.tif"),
            ("abfs://container@account.dfs.core.windows.net/b.tif", "/vsiaz/container/b.tif"),
            ("/data/b.tif", "/data/b.tif"),
        ] {
            assert_eq!(Href::parse(address).gdal_path().as_deref(), Ok(path), "{address}");
        }
        for address in ["ftp://host/a.tif", "s3://", "file://host/a.tif"] {
            assert!(Href::parse(address).gdal_path().is_err(), "{address}");
        }
    }

    #[test]
    fn no_signature_and_no_password_is_shown() {
        for (address, told) in [
            ("https://me:secret@host/a.tif?sig=secret#secret", "https://host/a.tif"),
            ("https://a@b@host", "https://host"),
            ("https://host?sig=secret", "https://host"),
            ("https://host/a@b", "https://host/a@b"),
        ] {
            let href = Href::parse(address);
            assert_eq!(href.to_string(), told);
            assert_eq!(format!("{href:?}"), format!("Href({told})"));
        }
    }
}
