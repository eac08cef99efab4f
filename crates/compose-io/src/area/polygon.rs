//! A polygon of a feature: its rings, and what is refused of it.

use super::turns::{Point, gather, unwrap};
use crate::messages::heard;
use gdal::vector::{Geometry, OGRwkbGeometryType as Type, geometry_type_flatten, geometry_type_to_name};
use gdal::version::VersionInfo;

/// A latitude beyond this is none, nor is a longitude beyond twice a turn.
const LARGEST: (f64, f64) = (540.0, 90.0 + 1e-9);

/// A polygon: where a point lies within an odd number of rings, it is inside.
#[derive(Clone, Debug, PartialEq)]
pub struct Polygon {
    /// The feature that it is of, in words.
    pub name: String,
    /// The outer ring, then holes; the last vertex of a ring is its first.
    pub rings: Vec<Vec<Point>>,
}

/// The polygons of a geometry, in its order. Empty ones are left out.
///
/// # Errors
/// Something else is among them; a polygon is not valid.
pub fn polygons_of(geometry: &Geometry, name: &str, geographic: bool) -> Result<Vec<Polygon>, String> {
    let kind = geometry_type_flatten(geometry.geometry_type());
    if geometry.is_empty() && is_of_polygons(kind) {
        return Ok(Vec::new());
    }
    match kind {
        Type::wkbPolygon => polygon(geometry, name, geographic).map(|polygon| vec![polygon]),
        Type::wkbMultiPolygon | Type::wkbGeometryCollection => {
            let count = geometry.geometry_count();
            let of_part = |nth: usize| {
                let part = if count == 1 { name.to_owned() } else { format!("{name}, part {}", nth + 1) };
                polygons_of(&geometry.get_geometry(nth), &part, geographic)
            };
            Ok((0..count).map(of_part).collect::<Result<Vec<_>, _>>()?.concat())
        }
        other => {
            let advice = match other {
                Type::wkbCurvePolygon | Type::wkbMultiSurface => {
                    "with straight edges; ogr2ogr -nlt CONVERT_TO_LINEAR makes them"
                }
                _ => "or multipolygons",
            };
            Err(format!("{name} is a {}; expected polygons {advice}", geometry_type_to_name(other)))
        }
    }
}

fn is_of_polygons(kind: Type::Type) -> bool {
    [Type::wkbPolygon, Type::wkbMultiPolygon, Type::wkbGeometryCollection].contains(&kind)
}

fn polygon(geometry: &Geometry, name: &str, geographic: bool) -> Result<Polygon, String> {
    let ring = |nth: usize| {
        let mut points = Vec::new();
        geometry.get_geometry(nth).get_points(&mut points);
        points.into_iter().map(|(x, y, _)| (x, y)).collect::<Vec<Point>>()
    };
    let mut rings: Vec<Vec<Point>> = (0..geometry.geometry_count()).map(ring).collect();
    rings.retain(|ring| !ring.is_empty());
    let told = |message: String| format!("{name}: {message}");
    refuse_points(&rings, geographic).map_err(told)?;
    if geographic {
        unwrap(&mut rings).map_err(told)?;
        gather(&mut rings, None);
    }
    refuse_invalid(&rings).map_err(told)?;
    Ok(Polygon { name: name.to_owned(), rings })
}

/// Refuses vertices that cannot be meant.
fn refuse_points(rings: &[Vec<Point>], geographic: bool) -> Result<(), String> {
    for (x, y) in rings.iter().flatten() {
        if !x.is_finite() || !y.is_finite() {
            return Err(format!("a vertex lies at ({x}, {y}); expected numbers"));
        }
        if geographic && (x.abs() > LARGEST.0 || y.abs() > LARGEST.1) {
            return Err(format!(
                "a vertex lies at ({x}, {y}), which is no longitude and latitude; does the file lack its coordinate system? \
                 (GeoJSON without one is WGS 84)"
            ));
        }
    }
    match rings.iter().find(|ring| ring.len() < 4 || ring.first() != ring.last()) {
        None => Ok(()),
        Some(ring) if ring.len() < 4 => {
            Err(format!("a ring has {} vertices; expected four or more, the last as the first", ring.len()))
        }
        Some(_) => Err("a ring is not closed: its last vertex is not its first".into()),
    }
}

/// Refuses a polygon that is not valid by the rules of Simple Features (OGC 06-103r4, 6.1.11), as GEOS judges it.
fn refuse_invalid(rings: &[Vec<Point>]) -> Result<(), String> {
    if !VersionInfo::has_geos() {
        return Ok(());
    }
    let (valid, said) = heard(|| geometry_of(rings).map(|polygon| polygon.is_valid()));
    match valid {
        Ok(true) => Ok(()),
        Ok(false) => {
            let why = said.first().map_or("it crosses or touches itself", |message| message.text.as_str());
            Err(format!("its polygon is not valid: {why}; ogr2ogr -makevalid mends it"))
        }
        Err(error) => Err(error.to_string()),
    }
}

fn geometry_of(rings: &[Vec<Point>]) -> gdal::errors::Result<Geometry> {
    let mut polygon = Geometry::empty(Type::wkbPolygon)?;
    for points in rings {
        let mut ring = Geometry::empty(Type::wkbLinearRing)?;
        // From the last, so that memory is set aside once.
        for (nth, point) in points.iter().enumerate().rev() {
            ring.set_point_2d(nth, *point);
        }
        polygon.add_geometry(ring)?;
    }
    Ok(polygon)
}
