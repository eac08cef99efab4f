//! The STAC catalogue or search that a `[scenes]` asks for.

use crate::error::EngineError;
use crate::rules::settings::{Scenes, StacSearch};
use crate::rules::{At, Rules};
use compose_io::scene::StacSource;
use compose_io::text::{LARGEST_TEXT, read_text};
use compose_stac::Search;
use serde_json::Value;

/// The source of the items; what is about names of files is refused beside it.
pub(super) fn source(rules: &Rules, scenes: &At<Scenes>) -> Result<Option<StacSource>, EngineError> {
    let said = &scenes.value;
    let refuse = |key: &str, message: String| {
        Err(EngineError::at(&rules.file, &scenes.spans.of(key), &format!("[scenes] {message}")))
    };
    let (name, source) = match (&said.stac, &said.stac_search) {
        (None, None) => return Ok(None),
        (Some(_), Some(_)) => return refuse("stac-search", "says both stac and stac-search".into()),
        (Some(document), None) if has_user(document) => return refuse("stac", format!("stac {PASSWORD}")),
        (Some(document), None) => ("stac", StacSource::Document(document.clone())),
        (None, Some(asked)) => match search(rules, asked) {
            Ok(search) => ("stac-search", StacSource::Search(Box::new(search))),
            Err(message) => return refuse("stac-search", format!("stac-search: {message}")),
        },
    };
    let of_files = [
        ("path", said.path.is_some()),
        ("pattern", said.pattern.is_some()),
        ("date-format", said.date_format.is_some()),
        ("date-from", said.date_from.is_some()),
    ];
    match of_files.into_iter().find(|(_, is_said)| *is_said) {
        Some((key, _)) => {
            refuse(key, format!("says both {name} and {key}; a catalogue lists files and dates itself"))
        }
        None => Ok(Some(source)),
    }
}

/// Why an address with a user is refused.
const PASSWORD: &str = "names a user, and reports and plan files hold the rules as they are: a password would be published; \
                        leave it out";

/// Whether an address names a user: `https://user:password@host`.
fn has_user(address: &str) -> bool {
    let host = address
        .split_once("://")
        .map_or("", |(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or_default());
    host.contains('@')
}

fn search(rules: &Rules, asked: &StacSearch) -> Result<Search, String> {
    let Some(url) = asked.url.clone().filter(|url| url.starts_with("https://") || url.starts_with("http://"))
    else {
        return Err(
            "url is no address; expected such as \"https://earth-search.aws.element84.com/v1\"".into()
        );
    };
    if has_user(&url) {
        return Err(format!("url {PASSWORD}"));
    }
    if asked.bbox.is_some() && asked.intersects.is_some() {
        return Err("says both bbox and intersects; an API takes one of them".into());
    }
    if asked.collections.is_none()
        && asked.bbox.is_none()
        && asked.intersects.is_none()
        && asked.datetime.is_none()
    {
        return Err("asks for everything; say collections, bbox, intersects or datetime".into());
    }
    let intersects = asked.intersects.as_ref().map(|file| geometry(rules, file)).transpose()?;
    let query = asked.query.as_ref().map(serde_json::to_value).transpose().map_err(|e| e.to_string())?;
    Ok(Search {
        url,
        collections: asked.collections.clone().unwrap_or_default().0,
        bbox: asked.bbox.map(|bbox| bbox.0),
        intersects,
        datetime: asked.datetime.clone(),
        query,
        limit: asked.limit,
        max_items: None,
    })
}

/// The geometry of a GeoJSON file: a geometry, a feature, or a collection of one feature.
fn geometry(rules: &Rules, file: &str) -> Result<Value, String> {
    let path = rules.file.resolve(file);
    let text = read_text(&path, LARGEST_TEXT).map_err(|e| format!("intersects: {e}"))?;
    let value: Value = serde_json::from_str(&text).map_err(|e| format!("intersects: {file}: {e}"))?;
    let wrong =
        |what: &str| format!("intersects: {file}: {what}; expected a GeoJSON geometry, or one feature");
    let feature = match value["type"].as_str() {
        Some("FeatureCollection") => match value["features"].as_array().map(Vec::as_slice) {
            Some([only]) => only.clone(),
            Some(features) => return Err(wrong(&format!("it has {} features", features.len()))),
            None => return Err(wrong("it has no features")),
        },
        _ => value,
    };
    let geometry = if feature["type"] == "Feature" { feature["geometry"].clone() } else { feature };
    const GEOMETRIES: [&str; 6] =
        ["Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"];
    match geometry["type"].as_str() {
        Some(kind) if GEOMETRIES.contains(&kind) => Ok(geometry),
        _ => Err(wrong("it is no geometry")),
    }
}
