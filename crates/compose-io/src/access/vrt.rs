//! The files that a VRT names, and the elements that are refused in it.
//!
//! GDAL looks for elements and attributes of a name alike, and takes capitals for small letters; so does this. What is
//! looked for follows GDAL's description of the format, <https://gdal.org/en/stable/drivers/raster/vrt.html>, and the
//! options of warped VRTs that are written down with them.

use roxmltree::{Document, Node, ParsingOptions};

/// Elements and attributes whose text is the name of a raster.
const NAMES: [&str; 3] = ["SourceFilename", "SourceDataset", "DEMPath"];
/// Keys of metadata items in `GDALWarpOptions` whose value is the name of a raster.
const KEYS: [&str; 2] = ["X_DATASET", "Y_DATASET"];
/// Values of `subClass`.
const CLASSES: [&str; 9] = [
    "VRTWarpedDataset",
    "VRTPansharpenedDataset",
    "VRTProcessedDataset",
    "VRTSourcedRasterBand",
    "VRTDerivedRasterBand",
    "VRTRawRasterBand",
    "VRTWarpedRasterBand",
    "VRTPansharpenedRasterBand",
    "VRTProcessedRasterBand",
];
/// Elements of VRTs that are no plain raster.
const REFUSED: [(&str, &str); 3] = [
    ("PixelFunctionCode", "a pixel function in Python"),
    ("Group", "a multidimensional group"),
    ("ArraySource", "a multidimensional source"),
];
/// Beginnings of names that are addresses in a network.
const REMOTE: [&str; 16] = [
    "http:",
    "https:",
    "ftp:",
    "/vsicurl",
    "/vsis3",
    "/vsigs",
    "/vsiaz",
    "/vsiadls",
    "/vsioss",
    "/vsiswift",
    "/vsiwebhdfs",
    "/vsihdfs",
    "s3:",
    "gs:",
    "az:",
    "abfs:",
];
/// More nodes than this are a bomb: a source has about 10.
const MOST_NODES: u32 = 1_000_000;

/// Sources in all, each counted as often as it is read.
pub(super) const MOST_SOURCES: usize = 10_000;

/// The message about more sources.
pub(super) fn too_many() -> String {
    format!("reads more than {MOST_SOURCES} sources; join them to one raster")
}

/// A file that a VRT names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    /// As written.
    pub text: String,
    /// Whether it starts from the folder of the VRT.
    pub relative: bool,
    /// Whether the file is read as it is, by no driver.
    pub raw: bool,
}

/// The files that the text names, in its order.
///
/// # Errors
/// The text is no XML or has a DTD, or an element is refused, with its line.
pub(super) fn names(text: &str, network: bool) -> Result<Vec<Reference>, String> {
    let options = ParsingOptions { nodes_limit: MOST_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(|e| format!("is no VRT: {e}"))?;
    let mut names = Vec::new();
    for node in document.descendants().filter(Node::is_element) {
        let line = || document.text_pos_at(node.range().start).row;
        element(&node, network, &mut names).map_err(|why| format!("line {}: {why}", line()))?;
        if names.len() > MOST_SOURCES {
            return Err(too_many());
        }
    }
    Ok(names)
}

fn element(node: &Node<'_, '_>, network: bool, names: &mut Vec<Reference>) -> Result<(), String> {
    let tag = node.tag_name().name();
    if let Some((_, what)) = REFUSED.iter().find(|(name, _)| tag.eq_ignore_ascii_case(name)) {
        return Err(format!("has {what}, which is not taken; write it to a GeoTIFF first"));
    }
    let text = text(node)?;
    let attributes = node.attributes().filter(|a| a.namespace().is_none());
    let said: Vec<(&str, &str)> = attributes.map(|a| (a.name(), a.value())).collect();
    let all = std::iter::once((tag, text.as_str())).chain(said.iter().copied());
    for (name, value) in all {
        let value = value.trim();
        if is(name, "subClass") && !CLASSES.contains(&value) {
            return Err(format!("subClass \"{value}\" is not taken; known are {}", CLASSES.join(", ")));
        }
        if is(name, "PixelFunctionLanguage") && !is(value, "C") {
            return Err(format!("a pixel function in {value} is not taken; write it to a GeoTIFF first"));
        }
        if NAMES.iter().any(|known| is(name, known)) || (name == tag && names_by_key(node)) {
            names.push(Reference { text: value.into(), relative: relative(node), raw: is_raw(node) });
        } else if is_address(value) && !network && !in_metadata(node) {
            return Err(format!("{name} is the address \"{value}\"; scene files may open local files only"));
        }
    }
    Ok(())
}

fn is(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// The text of an element without elements.
fn text(node: &Node<'_, '_>) -> Result<String, String> {
    let texts = node.children().filter(Node::is_text).filter_map(|t| t.text());
    let text: String = texts.collect();
    let name = node.tag_name().name();
    let names_file = NAMES.iter().any(|known| is(name, known));
    // It is unclear how GDAL reads a name in pieces: it is refused.
    if names_file
        && node.children().filter(|c| !c.is_text()).any(|c| !is(c.tag_name().name(), "relativeToVRT"))
    {
        return Err(format!("{name} is no plain text"));
    }
    Ok(text)
}

/// Whether an item of metadata, or an argument of a step of processing, is the name of a raster by its own name.
fn names_by_key(node: &Node<'_, '_>) -> bool {
    let key = |attribute: &str| node.attributes().find(|a| is(a.name(), attribute)).map(|a| a.value());
    let tag = node.tag_name().name();
    if is(tag, "Argument") {
        return key("name").is_some_and(|name| name.to_lowercase().contains("filename"));
    }
    let warped = || node.ancestors().any(|a| is(a.tag_name().name(), "GDALWarpOptions"));
    is(tag, "MDI") && key("key").is_some_and(|key| KEYS.iter().any(|known| is(key, known))) && warped()
}

fn relative(node: &Node<'_, '_>) -> bool {
    let yes = |text: &str| text.trim().parse::<i32>().is_ok_and(|number| number != 0);
    let element = || node.children().find(|c| is(c.tag_name().name(), "relativeToVRT"));
    match node.attributes().find(|a| is(a.name(), "relativeToVRT")) {
        Some(attribute) => yes(attribute.value()),
        None => element().and_then(|e| e.text()).is_some_and(yes),
    }
}

/// Whether the name stands in a band that is read as it is. A source of a mask or an overview in it is not.
fn is_raw(node: &Node<'_, '_>) -> bool {
    let subclass = |n: &Node<'_, '_>| {
        n.attributes().any(|a| is(a.name(), "subClass") && is(a.value().trim(), "VRTRawRasterBand"))
    };
    let band = node.parent().filter(|p| is(p.tag_name().name(), "VRTRasterBand"));
    band.is_some_and(|b| subclass(&b) || is_raw_by_element(&b))
}

fn is_raw_by_element(band: &Node<'_, '_>) -> bool {
    let is_class = |c: &Node<'_, '_>| is(c.tag_name().name(), "subClass");
    band.children().filter(is_class).any(|c| c.text().is_some_and(|t| is(t.trim(), "VRTRawRasterBand")))
}

/// Metadata are copied from any file, addresses among them, and nothing is opened for them.
fn in_metadata(node: &Node<'_, '_>) -> bool {
    let names = ["Metadata", "MDI", "Description", "Category"];
    node.ancestors().any(|around| names.iter().any(|name| is(around.tag_name().name(), name)))
}

/// Whether GDAL looks for it elsewhere than on disk.
pub(super) fn is_address(name: &str) -> bool {
    let name = name.to_lowercase();
    name.starts_with("/vsi") || name.contains("://") || REMOTE.iter().any(|start| name.starts_with(start))
}

/// Whether it lies in a network, and not in an archive or on standard input.
pub(super) fn is_remote(name: &str) -> bool {
    let name = name.to_lowercase();
    REMOTE.iter().any(|start| name.starts_with(start))
}

/// Whether it is no path but the text of a dataset, or `DRIVER:…`.
pub(super) fn is_connection(name: &str) -> bool {
    let scheme = name.split_once(':').map(|(scheme, _)| scheme);
    let is_scheme = |s: &str| s.len() > 1 && s.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    name.is_empty()
        || name.contains('\n')
        || name.starts_with(['<', '{', '['])
        || scheme.is_some_and(is_scheme)
}
