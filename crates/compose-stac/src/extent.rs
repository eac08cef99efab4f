//! Where a scene lies: its bounding box and the longitude of its middle, right across the antimeridian.

use crate::fields::finite;
use serde_json::Value;

/// West, south, east, north in degrees; west is larger than east where the antimeridian is crossed.
pub(crate) type Bounds = [f64; 4];

/// A box of four or six numbers; `None` if it is none.
pub(crate) fn of_box(value: &Value) -> Option<Bounds> {
    let numbers: Option<Vec<f64>> = value.as_array().filter(|n| n.len() <= 6)?.iter().map(finite).collect();
    let bounds = match numbers?[..] {
        [west, south, east, north] | [west, south, _, east, north, _] => [west, south, east, north],
        _ => return None,
    };
    let [west, south, east, north] = bounds;
    let possible = [west, east].iter().all(|x| x.abs() <= 360.0) && south <= north;
    (possible && south >= -90.0 && north <= 90.0).then_some(bounds)
}

/// The box around a geometry; `None` if it has no coordinates.
pub(crate) fn of_geometry(geometry: &Value) -> Option<Bounds> {
    let mut points = Vec::new();
    collect(geometry, &mut points);
    let range = |values: &mut dyn Iterator<Item = f64>| {
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(x), high.max(x)))
    };
    let (south, north) = range(&mut points.iter().map(|p| p[1]));
    let (west, east) = range(&mut points.iter().map(|p| p[0]));
    if points.is_empty() {
        return None;
    }
    // Parts on both sides of the antimeridian: seen from there they are near to each other.
    let (west_of, east_of) = range(&mut points.iter().map(|p| if p[0] < 0.0 { p[0] + 360.0 } else { p[0] }));
    let crosses = east - west > 180.0 && east_of > west_of && east_of - west_of < 180.0;
    Some(if crosses { [west_of, south, east_of - 360.0, north] } else { [west, south, east, north] })
}

/// Positions of a geometry or a collection of them. The depth is bounded where JSON is read.
fn collect(value: &Value, points: &mut Vec<[f64; 2]>) {
    match value {
        Value::Object(object) => {
            for part in ["coordinates", "geometries"].iter().filter_map(|name| object.get(*name)) {
                collect(part, points);
            }
        }
        Value::Array(list) => match list[..] {
            [Value::Number(ref x), Value::Number(ref y), ..] => {
                let point = x.as_f64().zip(y.as_f64());
                points
                    .extend(point.filter(|(x, y)| x.abs() <= 360.0 && y.abs() <= 90.0).map(|(x, y)| [x, y]));
            }
            _ => list.iter().for_each(|part| collect(part, points)),
        },
        _ => {}
    }
}

/// The box of an item, from its box and its geometry. A box that spans the globe because it was put around parts on
/// both sides of the antimeridian is replaced by that of the geometry.
pub(crate) fn of_item(bbox: Option<Bounds>, geometry: Option<&Value>) -> Option<Bounds> {
    match bbox {
        Some([west, _, east, _]) if east - west > 180.0 => {
            geometry.and_then(of_geometry).filter(|[west, _, east, _]| west > east).or(bbox)
        }
        Some(_) => bbox,
        None => geometry.and_then(of_geometry),
    }
}

/// The longitude of the middle, −180 to 180 degrees.
pub(crate) fn middle([west, _, east, _]: Bounds) -> f64 {
    let east = if west > east { east + 360.0 } else { east };
    let middle = (west + east) / 2.0;
    if (-180.0..=180.0).contains(&middle) { middle } else { (middle + 180.0).rem_euclid(360.0) - 180.0 }
}

/// The narrowest box around boxes, which may cross the antimeridian; `None` around none.
pub(crate) fn around(boxes: &[Bounds]) -> Option<Bounds> {
    let south = boxes.iter().map(|b| b[1]).reduce(f64::min)?;
    let north = boxes.iter().map(|b| b[3]).reduce(f64::max)?;
    // Eastwards from its west each box has a width; what no box covers most of is left out.
    let width = |b: &Bounds| if b[0] > b[2] { b[2] + 360.0 - b[0] } else { b[2] - b[0] };
    let mut spans: Vec<(f64, f64)> = boxes.iter().map(|b| (b[0], b[0] + width(b))).collect();
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (first, mut reached) = *spans.first()?;
    let (mut gap, mut west, mut east) = (f64::NEG_INFINITY, first, first);
    for &(start, end) in &spans[1..] {
        if start - reached > gap {
            (gap, west, east) = (start - reached, start, reached);
        }
        reached = reached.max(end);
    }
    if first + 360.0 - reached >= gap {
        (gap, west, east) = (first + 360.0 - reached, first, reached);
    }
    if gap <= 0.0 {
        return Some([-180.0, south, 180.0, north]);
    }
    let within = |x: f64| if x > 180.0 { x - 360.0 } else { x };
    Some([west, south, within(east), north])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn boxes_have_four_or_six_numbers() {
        assert_eq!(of_box(&json!([1, 2, 3, 4])), Some([1.0, 2.0, 3.0, 4.0]));
        assert_eq!(of_box(&json!([1, 2, 0, 3, 4, 100])), Some([1.0, 2.0, 3.0, 4.0]));
        assert_eq!(of_box(&json!([179, 2, -179, 4])), Some([179.0, 2.0, -179.0, 4.0]));
        for wrong in
            [json!([1, 2, 3]), json!([1, 4, 3, 2]), json!([1, 2, 3, 91]), json!([1, 2, null, 4]), json!("x")]
        {
            assert_eq!(of_box(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_box_around_boxes_is_the_narrowest() {
        let boxes = |west_east: &[(f64, f64)]| {
            let boxes: Vec<Bounds> = west_east.iter().map(|(west, east)| [*west, 1.0, *east, 2.0]).collect();
            around(&boxes).map(|b| (b[0], b[2]))
        };
        assert_eq!(boxes(&[]), None);
        assert_eq!(boxes(&[(10.0, 20.0)]), Some((10.0, 20.0)));
        assert_eq!(boxes(&[(10.0, 20.0), (-5.0, 12.0), (11.0, 13.0)]), Some((-5.0, 20.0)));
        assert_eq!(boxes(&[(170.0, 175.0), (-179.0, -170.0)]), Some((170.0, -170.0)));
        assert_eq!(boxes(&[(179.0, -179.0), (175.0, 178.0)]), Some((175.0, -179.0)));
        assert_eq!(boxes(&[(-180.0, 0.0), (-10.0, 180.0)]), Some((-180.0, 180.0)));
        assert_eq!(boxes(&[(179.0, -179.0), (-180.0, -170.0)]), Some((179.0, -170.0)));
    }

    #[test]
    fn the_middle_is_right_across_the_antimeridian() {
        assert_eq!(middle([10.0, 0.0, 20.0, 1.0]), 15.0);
        assert_eq!(middle([179.0, 0.0, -178.0, 1.0]), -179.5);
        assert_eq!(middle([178.0, 0.0, -179.0, 1.0]), 179.5);
        assert_eq!(middle([179.0, 0.0, 182.0, 1.0]), -179.5);
    }

    #[test]
    fn a_geometry_in_two_parts_lies_at_the_antimeridian() {
        let part = |a: f64, b: f64| json!([[[a, 1], [b, 1], [b, 2], [a, 2], [a, 1]]]);
        let split =
            json!({"type": "MultiPolygon", "coordinates": [part(179.0, 180.0), part(-180.0, -179.5)]});
        assert_eq!(of_geometry(&split), Some([179.0, 1.0, -179.5, 2.0]));
        // The box around both parts goes round the globe.
        let around = of_box(&json!([-180, 1, 180, 2]));
        assert_eq!(of_item(around, Some(&split)), Some([179.0, 1.0, -179.5, 2.0]));
        let globe = json!({"type": "Polygon", "coordinates": part(-180.0, 180.0)});
        assert_eq!(of_item(around, Some(&globe)), Some([-180.0, 1.0, 180.0, 2.0]));
        assert_eq!(
            of_item(None, Some(&json!({"type": "Point", "coordinates": [3, 4]}))),
            Some([3.0, 4.0, 3.0, 4.0])
        );
        assert_eq!(of_item(None, Some(&json!({"type": "Polygon", "coordinates": []}))), None);
    }
}
