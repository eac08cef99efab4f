//! Which layer and which features of a vector file are the area.

use super::polygon::{Polygon, polygons_of};
use crate::messages::checked;
use compose_core::suggest::did_you_mean;
use gdal::Dataset;
use gdal::vector::{Feature, Layer, LayerAccess, OGRwkbGeometryType};

/// What is chosen of a vector file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// The layer; the only one that has geometries where this is not said.
    pub layer: Option<String>,
    /// The features, by a condition as that of `WHERE` in SQL; all where this is not said.
    pub filter: Option<String>,
}

/// The layer that is chosen.
///
/// # Errors
/// There is no such layer, or more than one without a choice.
pub fn choose<'a>(dataset: &'a Dataset, choice: &Choice) -> Result<Layer<'a>, String> {
    let mut layers: Vec<Layer<'a>> = dataset.layers().collect();
    let names: Vec<String> = layers.iter().map(name).collect();
    let known = |of: &[String]| of.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    if let Some(wanted) = &choice.layer {
        let at = names.iter().position(|name| name == wanted).ok_or_else(|| {
            let hint = did_you_mean(wanted, names.iter().map(String::as_str));
            let separator = if hint.is_empty() { ";" } else { "" };
            format!("there is no layer \"{wanted}\" in it{hint}{separator} layers: {}", known(&names))
        })?;
        return Ok(layers.swap_remove(at));
    }
    layers.retain(|layer| layer.defn().geom_fields().next().is_some());
    match layers.len() {
        0 => Err("no layer in it has geometries; expected polygons".into()),
        1 => Ok(layers.swap_remove(0)),
        count => {
            let names: Vec<String> = layers.iter().map(name).collect();
            Err(format!(
                "{count} layers in it have geometries: {}; say which one is the area with layer",
                known(&names)
            ))
        }
    }
}

/// The name of a layer.
pub fn name(layer: &Layer<'_>) -> String {
    layer.name()
}

/// The coordinate system of a layer.
///
/// # Errors
/// It has none.
pub fn wkt(layer: &Layer<'_>) -> Result<String, String> {
    let srs = layer.spatial_ref().ok_or(
        "it has no coordinate system (a Shapefile keeps it in a .prj file); expected one, as ogr2ogr -a_srs sets it",
    )?;
    checked(|| srs.to_wkt()).map_err(|why| format!("its coordinate system cannot be understood: {why}"))
}

/// The polygons of the chosen features.
///
/// # Errors
/// The filter is not understood, or no feature fits; a feature is something else than polygons, or not valid; there is no
/// polygon.
pub fn polygons(layer: &mut Layer<'_>, choice: &Choice, geographic: bool) -> Result<Vec<Polygon>, String> {
    let all = layer.feature_count();
    let filtered = |why: String| match &choice.filter {
        Some(filter) => format!("filter \"{filter}\" is not understood: {why}"),
        None => why,
    };
    if let Some(filter) = &choice.filter {
        checked(|| layer.set_attribute_filter(filter)).map_err(filtered)?;
    }
    let (mut polygons, mut count) = (Vec::new(), 0);
    let mut features = layer.features();
    // Some drivers look at the filter when the first feature is read. A feature that cannot be read is not the last.
    let unread = |why: String, count: usize| if count == 0 { filtered(why) } else { why };
    while let Some(feature) = checked(|| Ok(features.next())).map_err(|why| unread(why, count))? {
        count += 1;
        polygons.extend(of_feature(&feature, count, geographic)?);
    }
    let plural = if all == 1 { "" } else { "s" };
    match (&choice.filter, count) {
        (_, 0) if all == 0 => Err("it has no feature; expected polygons".into()),
        (Some(filter), 0) => Err(format!("filter \"{filter}\" fits none of its {all} feature{plural}")),
        _ if polygons.is_empty() => {
            Err(format!("it has {count} feature{plural} and no geometry; expected polygons"))
        }
        _ => Ok(polygons),
    }
}

fn of_feature(feature: &Feature<'_>, number: usize, geographic: bool) -> Result<Vec<Polygon>, String> {
    let name = match feature.fid() {
        Some(fid) => format!("feature {number} (FID {fid})"),
        None => format!("feature {number}"),
    };
    // That of a feature without one is of no type.
    let geometry = feature.geometry().filter(|of| of.geometry_type() != OGRwkbGeometryType::wkbUnknown);
    geometry.map_or(Ok(Vec::new()), |geometry| polygons_of(geometry, &name, geographic))
}
