//! Bands of an asset: three lists that describe the same bands are merged by position.

use crate::error::{StacError, shown};
use crate::fields::{Layers, Object, Place, finite, number, whole};
use crate::item::{Band, Bitfield, Class};
use crate::limits;
use serde_json::Value;

/// The lists, the first that has a field wins: STAC 1.1, then the extensions before it.
const LISTS: [&str; 3] = ["bands", "raster:bands", "eo:bands"];

/// Fields of an asset that tell of its bands, without a list.
const DIRECT: [&str; 6] = [
    "data_type",
    "nodata",
    "raster:scale",
    "raster:offset",
    "classification:classes",
    "classification:bitfields",
];

/// How many more bands and classes an item may have.
pub(crate) struct Budget {
    bands: usize,
    classes: usize,
}

impl Budget {
    pub(crate) fn new() -> Self {
        Self { bands: limits::BANDS, classes: limits::CLASSES }
    }
}

/// The bands of an asset. `shared` has the `eo:bands` of the item or its collection, to which numbers and names in the
/// asset's list refer (STAC 0.4 to 0.8).
pub(crate) fn of_asset(
    asset: &Object,
    shared: &Layers<'_>,
    place: &Place<'_>,
    budget: &mut Budget,
    remarks: &mut Vec<String>,
) -> Result<Vec<Band>, StacError> {
    let mut lists = Vec::new();
    for name in LISTS {
        match asset.get(name) {
            None | Some(Value::Null) => lists.push(Vec::new()),
            Some(Value::Array(list)) => lists.push(resolved(name, list, shared, place)?),
            Some(other) => return Err(place.wrong(name, other, "a list")),
        }
    }
    let direct = DIRECT.iter().any(|name| asset.get(*name).is_some_and(|value| !value.is_null()));
    let count = lists.iter().map(Vec::len).max().unwrap_or(0).max(usize::from(direct));
    let used: Vec<(&str, usize)> =
        LISTS.iter().zip(&lists).map(|(name, list)| (*name, list.len())).filter(|(_, n)| *n > 0).collect();
    if let Some((name, fewer)) = used.iter().find(|(_, n)| *n != count) {
        remarks.push(format!("{}: {name} tells of {fewer} bands, another list of {count}", place.item));
    }
    budget.bands = budget.bands.checked_sub(count).ok_or_else(|| too_many(place, "bands", limits::BANDS))?;
    let mut bands = Vec::with_capacity(count);
    for index in 0..count {
        let own = lists.iter().filter_map(|list| *list.get(index)?).collect();
        bands.push(band(&Layers(own), asset, place, budget)?);
    }
    Ok(bands)
}

/// The objects of a list; `None` for what refers to nothing.
fn resolved<'a>(
    field: &str,
    list: &'a [Value],
    shared: &Layers<'a>,
    place: &Place<'_>,
) -> Result<Vec<Option<&'a Object>>, StacError> {
    let known = shared.get(&["eo:bands"]).map(|(_, value)| value);
    let one = |entry: &'a Value| match entry {
        Value::Object(band) => Ok(Some(band)),
        Value::Number(_) if field == "eo:bands" => {
            let band = whole(entry).and_then(|index| known?.as_array()?.get(index as usize)?.as_object());
            Ok(band)
        }
        Value::String(name) if field == "eo:bands" => Ok(named(name, known)),
        other => Err(place.wrong(field, other, "a list of objects")),
    };
    list.iter().map(one).collect()
}

/// A band of the item's list by its name; in the oldest documents the list is a map.
fn named<'a>(name: &str, known: Option<&'a Value>) -> Option<&'a Object> {
    match known? {
        Value::Object(map) => map.get(name)?.as_object(),
        Value::Array(list) => {
            let mut bands = list.iter().filter_map(Value::as_object);
            bands.find(|band| band.get("name").and_then(Value::as_str) == Some(name))
        }
        _ => None,
    }
}

/// Whether an asset's `eo:bands` are numbers or names, which need the list of the item or its collection.
pub(crate) fn refers(asset: &Object) -> bool {
    let list = asset.get("eo:bands").and_then(Value::as_array);
    list.is_some_and(|list| list.iter().any(|entry| entry.is_number() || entry.is_string()))
}

fn band(own: &Layers<'_>, asset: &Object, place: &Place<'_>, budget: &mut Budget) -> Result<Band, StacError> {
    // A field of the asset holds for all its bands that do not say otherwise. Its names are not theirs.
    let mut all = own.clone();
    all.0.push(asset);
    let text = |layers: &Layers<'_>, names: &[&str]| {
        let text = layers.get(names).and_then(|(_, value)| value.as_str());
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let factor = |inside: &str, name: &str| match own.get(&[inside]).or_else(|| all.get(&[name])) {
        None => Ok(None),
        Some((name, value)) => {
            finite(value).map(Some).ok_or_else(|| place.wrong(name, value, "a finite number"))
        }
    };
    let nodata = match all.get(&["nodata"]) {
        None => None,
        Some((name, value)) => {
            let number = number(value);
            Some(number.ok_or_else(|| place.wrong(name, value, "a number, \"nan\", \"inf\" or \"-inf\""))?)
        }
    };
    let scale = factor("scale", "raster:scale")?;
    if scale == Some(0.0) {
        return Err(place.wrong("scale", &Value::from(0), "another number: all pixels would be the same"));
    }
    Ok(Band {
        name: text(own, &["name"]),
        common_name: text(own, &["eo:common_name", "common_name"])
            .or_else(|| text(&all, &["eo:common_name"])),
        data_type: text(&all, &["data_type"]),
        nodata,
        scale,
        offset: factor("offset", "raster:offset")?,
        classes: match all.get(&["classification:classes"]) {
            Some((name, value)) => classes(name, value, place, budget)?,
            None => Vec::new(),
        },
        bitfields: match all.get(&["classification:bitfields"]) {
            Some((name, value)) => bitfields(name, value, place, budget)?,
            None => Vec::new(),
        },
    })
}

fn classes(
    field: &str,
    value: &Value,
    place: &Place<'_>,
    budget: &mut Budget,
) -> Result<Vec<Class>, StacError> {
    let list = value.as_array().ok_or_else(|| place.wrong(field, value, "a list of classes"))?;
    let left = budget.classes.checked_sub(list.len());
    budget.classes = left.ok_or_else(|| too_many(place, "classes", limits::CLASSES))?;
    let one = |entry: &Value| {
        let class = entry.as_object().ok_or_else(|| place.wrong(field, entry, "a list of objects"))?;
        let told = class.get("value").unwrap_or(&Value::Null);
        let value = whole(told);
        let value = value.ok_or_else(|| {
            place.wrong(&format!("{field}: value"), told, "a whole number from 0 to 4294967295")
        })?;
        // Version 2 of the extension marks "no data" apart from the name.
        let is_nodata = class.get("nodata") == Some(&Value::Bool(true));
        let name = if is_nodata { format!("nodata-{value}") } else { name_of(class).unwrap_or_default() };
        Ok(Class { value, name: if name.is_empty() { format!("class {value}") } else { name } })
    };
    list.iter().map(one).collect()
}

fn bitfields(
    field: &str,
    value: &Value,
    place: &Place<'_>,
    budget: &mut Budget,
) -> Result<Vec<Bitfield>, StacError> {
    let list = value.as_array().ok_or_else(|| place.wrong(field, value, "a list of bit fields"))?;
    let left = budget.classes.checked_sub(list.len());
    budget.classes = left.ok_or_else(|| too_many(place, "bit fields", limits::CLASSES))?;
    let mut out = Vec::new();
    for entry in list {
        let object = entry.as_object().ok_or_else(|| place.wrong(field, entry, "a list of objects"))?;
        let number = |name: &str| {
            let told = object.get(name).unwrap_or(&Value::Null);
            let wrong = || place.wrong(&format!("{field}: {name}"), told, "bits within 64");
            whole(told).filter(|bit| *bit <= 64).ok_or_else(wrong)
        };
        let (offset, length) = (number("offset")?, number("length")?);
        if length == 0 || offset + length > 64 {
            let told = object.get("length").unwrap_or(&Value::Null);
            return Err(place.wrong(
                &format!("{field}: length"),
                told,
                "one bit at least, and bits within 64",
            ));
        }
        out.push(Bitfield {
            offset,
            length,
            name: name_of(object).unwrap_or_else(|| format!("bit {offset}")),
            classes: match object.get("classes") {
                None | Some(Value::Null) => Vec::new(),
                Some(value) => classes(&format!("{field}: classes"), value, place, budget)?,
            },
        });
    }
    Ok(out)
}

/// Version 1 of the extension asked for a description only.
fn name_of(object: &Object) -> Option<String> {
    let names = ["name", "title", "description"].iter().filter_map(|name| object.get(*name)?.as_str());
    names.map(str::to_owned).find(|name| !name.is_empty())
}

fn too_many(place: &Place<'_>, what: &'static str, limit: usize) -> StacError {
    StacError::TooMany { document: format!("{}: {}", place.document, shown(&place.item)), what, limit }
}
