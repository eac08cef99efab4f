//! From the JSON of an item to an [`Item`].

use crate::bands::{self, Budget};
use crate::error::{StacError, shown};
use crate::extent;
use crate::fields::{Layers, Lenient, Object, Place, finite, told, whole};
use crate::href::Href;
use crate::item::{Asset, Item, SunAngles};
use crate::time;
use chrono::{DateTime, Utc};
use serde_json::Value;

/// Reads an item. `what` names it while its id is not known; `commons` are the properties that a collection before
/// STAC 1.0 has for all its items.
///
/// # Errors
///
/// If something that is wanted is missing or wrong.
pub(crate) fn item(
    value: &Value,
    document: &Href,
    what: &str,
    commons: Option<&Object>,
) -> Result<Item, StacError> {
    let place = Place { document, item: what.into() };
    let object = value.as_object().ok_or_else(|| place.wrong("what stands there", value, "an item"))?;
    let id = id(object, &place)?;
    let place = Place { document, item: format!("item {}", shown(&id)) };
    let properties = match object.get("properties") {
        Some(Value::Object(properties)) => properties,
        None | Some(Value::Null) => return Err(place.missing("properties", "an object with datetime")),
        Some(other) => return Err(place.wrong("properties", other, "an object with datetime")),
    };
    let layers = Layers(std::iter::once(properties).chain(commons).collect());
    let mut fields = Lenient { layers: layers.clone(), remarks: Vec::new() };
    let datetime = datetime(&mut fields, &place)?;
    let assets = assets(object, &layers, &place, &mut fields.remarks)?;
    let geometry = geometry(object, &mut fields.remarks);
    let bbox = bbox(object, geometry.as_ref(), &mut fields.remarks);
    Ok(Item {
        collection: collection(object, &layers),
        document: document.clone(),
        datetime,
        platform: fields.text(&["platform", "eo:platform"]),
        constellation: fields.text(&["constellation", "eo:constellation"]),
        instruments: fields
            .take(&["instruments", "eo:instrument", "instrument"], "a list of text", texts)
            .unwrap_or_default(),
        cloud_cover: fields.take(&["eo:cloud_cover"], "0 to 100 percent", |value| {
            finite(value).filter(|percent| (0.0..=100.0).contains(percent))
        }),
        sun: sun(&mut fields),
        bbox,
        centroid_longitude: bbox.map(extent::middle),
        baseline: baseline(&layers),
        grid_code: grid_code(&layers),
        datatake: fields.text(&["s2:datatake_id"]),
        processed: processed(&mut fields),
        sequence: fields.take(&["s2:sequence", "sentinel:sequence"], "a whole number", whole),
        offset_applied: offset_applied(&layers, &place)?,
        id,
        geometry,
        assets,
        remarks: fields.remarks,
    })
}

/// The id of what is an item by its type; before STAC 1.0 some had none.
fn id(object: &Object, place: &Place<'_>) -> Result<String, StacError> {
    match object.get("type") {
        None | Some(Value::Null) => {}
        Some(Value::String(kind)) if kind == "Feature" => {}
        Some(other) => return Err(place.wrong("type", other, "\"Feature\"")),
    }
    match object.get("id") {
        None | Some(Value::Null) => Err(place.missing("id", "text")),
        Some(Value::String(id)) if !id.is_empty() => Ok(id.clone()),
        Some(other) => Err(place.wrong("id", other, "text")),
    }
}

/// Whether bands of the item refer to a list that neither the item nor these properties have.
pub(crate) fn lacks_bands(value: &Value) -> bool {
    let has = value.get("properties").and_then(|properties| properties.get("eo:bands")).is_some();
    let assets = value.get("assets").and_then(Value::as_object);
    !has && assets.is_some_and(|assets| assets.values().filter_map(Value::as_object).any(bands::refers))
}

/// Whether the offset of the bands was already added. It decides numbers: what is not understood is refused.
fn offset_applied(layers: &Layers<'_>, place: &Place<'_>) -> Result<Option<bool>, StacError> {
    let names = ["earthsearch:boa_offset_applied", "sentinel:boa_offset_applied"];
    let Some((name, value)) = layers.get(&names) else { return Ok(None) };
    let said = match value {
        Value::Bool(said) => Some(*said),
        Value::String(text) => text.trim().to_ascii_lowercase().parse().ok(),
        Value::Number(number) => {
            [Some(0), Some(1)].iter().position(|n| *n == number.as_u64()).map(|n| n == 1)
        }
        _ => None,
    };
    said.map(Some).ok_or_else(|| place.wrong(name, value, "true or false"))
}

fn collection(object: &Object, layers: &Layers<'_>) -> Option<String> {
    let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let own = object.get("collection").and_then(text);
    own.or_else(|| layers.get(&["collection", "c:id"]).and_then(|(_, value)| text(value)))
}

fn datetime(fields: &mut Lenient<'_>, place: &Place<'_>) -> Result<DateTime<Utc>, StacError> {
    let layers = fields.layers.clone();
    let mut read = |names: &[&str]| -> Result<Option<DateTime<Utc>>, StacError> {
        let Some((name, value)) = layers.get(names) else { return Ok(None) };
        let time = value.as_str().and_then(time::utc);
        let (time, zoneless) = time.ok_or_else(|| place.wrong(name, value, time::EXPECTED))?;
        if zoneless {
            fields.remarks.push(format!("{name} has no zone: taken as UTC"));
        }
        Ok(Some(time))
    };
    if let Some(time) = read(&["datetime"])? {
        return Ok(time);
    }
    let start = read(&["start_datetime", "dtr:start_datetime"])?;
    let end = read(&["end_datetime", "dtr:end_datetime"])?;
    let expected = "it, or start_datetime and end_datetime where it is null";
    let (start, end) = start.zip(end).ok_or_else(|| place.missing("datetime", expected))?;
    if end < start {
        let found = Value::from(end.to_rfc3339());
        return Err(place.wrong("end_datetime", &found, "a time that is not before start_datetime"));
    }
    fields
        .remarks
        .push("datetime is null: the middle between start_datetime and end_datetime is taken".into());
    Ok(start + (end - start) / 2)
}

fn assets(
    object: &Object,
    layers: &Layers<'_>,
    place: &Place<'_>,
    remarks: &mut Vec<String>,
) -> Result<Vec<Asset>, StacError> {
    let assets = match object.get("assets") {
        Some(Value::Object(assets)) => assets,
        None | Some(Value::Null) => return Err(place.missing("assets", "an object of assets")),
        Some(other) => return Err(place.wrong("assets", other, "an object of assets")),
    };
    let mut budget = Budget::new();
    let mut all = Vec::with_capacity(assets.len());
    for (key, value) in assets {
        let place = Place { document: place.document, item: format!("{}: asset {}", place.item, shown(key)) };
        let href = value.get("href").and_then(Value::as_str).filter(|href| !href.trim().is_empty());
        match (asset(key, value, layers, &place, &mut budget, remarks), href) {
            (Ok(asset), _) => all.push(asset),
            (Err(limit @ (StacError::TooMany { .. } | StacError::TooLarge { .. })), _) => return Err(limit),
            // Whoever asks for it is told; a provider's slip in another asset is in nobody's way.
            (Err(flaw), Some(href)) => {
                let href = place.document.resolve(href);
                all.push(Asset { flaw: Some(flaw.to_string()), ..Asset::new(key, href) });
            }
            (Err(wrong), None) => remarks.push(format!("{wrong}: left out")),
        }
    }
    Ok(all)
}

fn asset(
    key: &str,
    value: &Value,
    layers: &Layers<'_>,
    place: &Place<'_>,
    budget: &mut Budget,
    remarks: &mut Vec<String>,
) -> Result<Asset, StacError> {
    let object = value.as_object().ok_or_else(|| place.wrong("what stands there", value, "an object"))?;
    let href = match object.get("href") {
        Some(Value::String(href)) if !href.trim().is_empty() => place.document.resolve(href),
        None | Some(Value::Null) => return Err(place.missing("href", "a path or an address")),
        Some(other) => return Err(place.wrong("href", other, "a path or an address")),
    };
    let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut asset = Asset {
        title: text("title"),
        media_type: text("type"),
        roles: object.get("roles").and_then(texts).unwrap_or_default(),
        ..Asset::new(key, href)
    };
    if asset.is_raster() {
        let inherited = std::iter::once(object).chain(layers.0.iter().copied()).collect();
        let mut fields = Lenient { layers: Layers(inherited), remarks: Vec::new() };
        asset.shape = fields.take(&["proj:shape"], "rows and columns", shape);
        asset.transform = fields.take(&["proj:transform"], "6 or 9 numbers", transform);
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let number = |value: &Value| whole(value).map(|code| format!("EPSG:{code}"));
        asset.crs = fields
            .take(&["proj:code"], "a code such as EPSG:32633", text)
            .or_else(|| fields.take(&["proj:epsg"], "a number", number))
            .or_else(|| fields.take(&["proj:wkt2"], "WKT", text));
        remarks.extend(fields.remarks.iter().map(|remark| format!("asset {}: {remark}", shown(key))));
        asset.bands = bands::of_asset(object, layers, place, budget, remarks)?;
    }
    Ok(asset)
}

fn shape(value: &Value) -> Option<[usize; 2]> {
    let sizes: Option<Vec<usize>> = value.as_array()?.iter().map(|n| Some(whole(n)? as usize)).collect();
    sizes?.try_into().ok().filter(|[rows, columns]: &[usize; 2]| *rows > 0 && *columns > 0)
}

fn transform(value: &Value) -> Option<[f64; 6]> {
    let list = value.as_array().filter(|list| matches!(list.len(), 6 | 9))?;
    let numbers: Option<Vec<f64>> = list.iter().map(finite).collect();
    numbers?.get(..6)?.try_into().ok()
}

/// A list of text; what is in it besides is left out. A single text is a list of one.
fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(list) => {
            // As long as it is: a run may hold millions of these lists.
            let texts: Box<[String]> = list.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            Some(texts.into_vec())
        }
        _ => None,
    }
}

fn geometry(object: &Object, remarks: &mut Vec<String>) -> Option<Value> {
    match object.get("geometry") {
        Some(geometry @ Value::Object(_)) => Some(geometry.clone()),
        Some(Value::Null) => None,
        None => {
            remarks.push("it has no geometry".into());
            None
        }
        Some(other) => {
            remarks.push(format!("geometry is {}, expected an object: left out", told(other)));
            None
        }
    }
}

fn bbox(object: &Object, geometry: Option<&Value>, remarks: &mut Vec<String>) -> Option<extent::Bounds> {
    let given = object.get("bbox").filter(|value| !value.is_null());
    let own = given.and_then(extent::of_box);
    if given.is_some() && own.is_none() {
        remarks
            .push("bbox is not west, south, east and north in degrees: that of the geometry is taken".into());
    }
    extent::of_item(own, geometry)
}

/// Both angles or none. Landsat's azimuths run from −180 to 180; some items of Sentinel-2 have the angle from the
/// zenith.
fn sun(fields: &mut Lenient<'_>) -> Option<SunAngles> {
    let mut angle = |names: &[&str], expected: &str, low: f64, high: f64| {
        fields.take(names, expected, |value| finite(value).filter(|angle| (low..=high).contains(angle)))
    };
    let elevation = angle(&["view:sun_elevation", "eo:sun_elevation"], "-90 to 90 degrees", -90.0, 90.0);
    let elevation = elevation.or_else(|| {
        let zenith = angle(&["s2:mean_solar_zenith"], "0 to 180 degrees", 0.0, 180.0);
        zenith.map(|zenith| 90.0 - zenith)
    });
    let azimuth = ["view:sun_azimuth", "eo:sun_azimuth", "s2:mean_solar_azimuth"];
    let azimuth = angle(&azimuth, "-180 to 360 degrees", -180.0, 360.0);
    let around = |azimuth: f64| if azimuth < 0.0 { azimuth + 360.0 } else { azimuth };
    elevation.zip(azimuth).map(|(elevation, azimuth)| SunAngles { elevation, azimuth: around(azimuth) })
}

/// The baseline of Sentinel-2: by its field, else from the names of the product and the datatake.
fn baseline(layers: &Layers<'_>) -> Option<u32> {
    let text = |name: &str| layers.get(&[name]).and_then(|(_, value)| value.as_str());
    let own = ["s2:processing_baseline", "sentinel:processing_baseline", "processing:version"];
    let own = own.iter().find_map(|name| baseline_number(text(name)?));
    own.or_else(|| {
        let product = text("s2:product_uri").or_else(|| text("sentinel:product_id"))?;
        product.split('_').filter(|part| part.starts_with('N')).find_map(baseline_number)
    })
    .or_else(|| baseline_number(text("s2:datatake_id")?.rsplit('_').next()?))
}

/// `05.09`, `0509`, `N0509` and `N05.09` are 509.
fn baseline_number(text: &str) -> Option<u32> {
    let digits = text.trim_start_matches('N').as_bytes();
    match *digits {
        [a, b, b'.', c, d] | [a, b, c, d] if [a, b, c, d].iter().all(u8::is_ascii_digit) => {
            Some([a, b, c, d].iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
        }
        _ => None,
    }
}

fn grid_code(layers: &Layers<'_>) -> Option<String> {
    let text = |name: &str| layers.get(&[name]).and_then(|(_, value)| value.as_str());
    let number = |name: &str| layers.get(&[name]).and_then(|(_, value)| whole(value));
    let mgrs = |prefix: &str| {
        let zone = number(&format!("{prefix}:utm_zone"))?;
        let band = text(&format!("{prefix}:latitude_band"))?;
        Some(format!("MGRS-{zone}{band}{}", text(&format!("{prefix}:grid_square"))?))
    };
    let wrs = || {
        let path = number("landsat:wrs_path").or_else(|| number("landsat:path"))?;
        let row = number("landsat:wrs_row").or_else(|| number("landsat:row"))?;
        let kind = number("landsat:wrs_type").unwrap_or(2);
        Some(format!("WRS{kind}-{path:03}{row:03}"))
    };
    let own = text("grid:code").filter(|code| !code.is_empty()).map(str::to_owned);
    own.or_else(|| mgrs("mgrs"))
        .or_else(|| text("s2:mgrs_tile").map(|tile| format!("MGRS-{}", tile.trim_start_matches(['T', '0']))))
        .or_else(|| mgrs("sentinel"))
        .or_else(wrs)
}

fn processed(fields: &mut Lenient<'_>) -> Option<DateTime<Utc>> {
    let names = ["s2:generation_time", "updated", "created"];
    names.iter().find_map(|name| fields.take(&[name], "a time", |value| Some(time::utc(value.as_str()?)?.0)))
}
