//! The outline of an image as GeoJSON, cut at the antimeridian as RFC 7946 (section 3.1.9) asks.

use serde_json::{Value, json};

/// Where an image lies.
#[derive(Debug, Clone, PartialEq)]
pub struct Footprint {
    /// A polygon; several where the antimeridian cuts it. Rings run counterclockwise (RFC 7946, section 3.1.6).
    pub geometry: Value,
    /// West, south, east, north in degrees; west is larger than east where the antimeridian cuts.
    pub bbox: [f64; 4],
}

type Point = [f64; 2];

/// Decimals of degrees that are written: a centimetre.
const DECIMALS: f64 = 1e7;

/// The footprint of a ring of longitudes and latitudes in degrees, closed or not. From point to point it goes the
/// shorter way around the globe: a ring of a wide image needs points along its edges. A ring around a pole gets the
/// pole.
///
/// `None` if a point is none on the globe, or the ring has no area.
pub fn footprint(ring: &[Point]) -> Option<Footprint> {
    let on_globe = |[x, y]: &Point| x.is_finite() && y.is_finite() && x.abs() <= 720.0 && y.abs() <= 90.0;
    if !ring.iter().all(on_globe) {
        return None;
    }
    let ring = with_pole(unwrapped(ring));
    let west = ring.iter().map(|p| p[0]).reduce(f64::min)?;
    let east = ring.iter().map(|p| p[0]).reduce(f64::max)?;
    let first = ((west + 180.0) / 360.0).floor();
    let last = (((east + 180.0) / 360.0).ceil() - 1.0).max(first);
    let turns = (0..).map(|turn| first + f64::from(turn)).take_while(|turn| *turn <= last);
    let parts: Vec<Vec<Point>> = turns.filter_map(|turn| part(&ring, turn)).collect();
    let latitudes = || parts.iter().flatten().map(|p| p[1]);
    let (south, north) = (latitudes().reduce(f64::min)?, latitudes().reduce(f64::max)?);
    let around = east - west >= 360.0;
    let [west, east] = if around { [-180.0, 180.0] } else { [west - 360.0 * first, east - 360.0 * last] };
    let geometry = match &parts[..] {
        [one] => json!({"type": "Polygon", "coordinates": [one]}),
        several => {
            let several: Vec<_> = several.iter().map(|part| [part]).collect();
            json!({"type": "MultiPolygon", "coordinates": several})
        }
    };
    Some(Footprint { geometry, bbox: [rounded(west), south, rounded(east), north] })
}

/// The ring without jumps: longitudes run on past 180 degrees. The last point leads back to the first one, or to its
/// place after a turn around a pole.
fn unwrapped(ring: &[Point]) -> Vec<Point> {
    let mut out: Vec<Point> = Vec::with_capacity(ring.len() + 1);
    for &[x, y] in ring.iter().chain(ring.first()) {
        let before = out.last().map_or(x, |p| p[0]);
        out.push([x - 360.0 * ((x - before) / 360.0).round(), y]);
    }
    out
}

/// A ring that has gone around a pole goes to the pole, along it and back.
fn with_pole(mut ring: Vec<Point>) -> Vec<Point> {
    let (Some(&first), Some(&last)) = (ring.first(), ring.last()) else { return ring };
    if (last[0] - first[0]).abs() > 180.0 {
        let pole = 90.0_f64.copysign(ring.iter().map(|p| p[1]).sum());
        ring.extend([[last[0], pole], [first[0], pole]]);
    }
    ring
}

/// What lies in one turn of the globe, as a closed ring within −180 and 180 degrees; `None` if nothing does.
fn part(ring: &[Point], turn: f64) -> Option<Vec<Point>> {
    let (west, east) = (360.0 * turn - 180.0, 360.0 * turn + 180.0);
    let right = cut(ring, west, |x| x >= west);
    let within = cut(&right, east, |x| x <= east);
    let mut points: Vec<Point> =
        within.iter().map(|p| [rounded(p[0] - 360.0 * turn), rounded(p[1])]).collect();
    points.dedup();
    while points.len() > 1 && points.first() == points.last() {
        points.pop();
    }
    let area = doubled_area(&points);
    if area == 0.0 {
        return None;
    }
    if area < 0.0 {
        points.reverse();
    }
    points.push(*points.first()?);
    Some(points)
}

/// The part of a ring on one side of a meridian (Sutherland and Hodgman 1974, for one edge).
fn cut(ring: &[Point], meridian: f64, inside: impl Fn(f64) -> bool) -> Vec<Point> {
    let mut out = Vec::with_capacity(ring.len() + 4);
    let Some(mut before) = ring.last().copied() else { return out };
    for &point in ring {
        if inside(before[0]) != inside(point[0]) {
            let share = (meridian - before[0]) / (point[0] - before[0]);
            out.push([meridian, before[1] + share * (point[1] - before[1])]);
        }
        if inside(point[0]) {
            out.push(point);
        }
        before = point;
    }
    out
}

/// Twice the area of a ring that is not closed, positive if it runs counterclockwise.
fn doubled_area(ring: &[Point]) -> f64 {
    let next = ring.iter().cycle().skip(1);
    ring.iter().zip(next).map(|(a, b)| a[0] * b[1] - b[0] * a[1]).sum()
}

fn rounded(degrees: f64) -> f64 {
    // Without the sign of −0.
    (degrees * DECIMALS).round() / DECIMALS + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(ring: &[Point]) -> (Value, [f64; 4]) {
        let found = footprint(ring).unwrap();
        (found.geometry, found.bbox)
    }

    #[test]
    fn a_ring_is_closed_and_runs_counterclockwise() {
        let square = json!({"type": "Polygon", "coordinates": [[[0.0, 0.0], [1.0, 0.0], [1.0, 2.0], [0.0, 2.0], [0.0, 0.0]]]});
        let counterclockwise = [[0.0, 0.0], [1.0, 0.0], [1.0, 2.0], [0.0, 2.0]];
        let (geometry, bbox) = of(&counterclockwise);
        assert_eq!((&geometry, bbox), (&square, [0.0, 0.0, 1.0, 2.0]));
        let mut clockwise = counterclockwise.to_vec();
        clockwise.reverse();
        clockwise.push(clockwise[0]);
        let (geometry, _) = of(&clockwise);
        let ring = geometry["coordinates"][0].as_array().unwrap().clone();
        let points: Vec<Point> =
            ring[1..].iter().map(|p| [p[0].as_f64().unwrap(), p[1].as_f64().unwrap()]).collect();
        assert_eq!((ring.len(), ring.first() == ring.last(), doubled_area(&points)), (5, true, 4.0));
    }

    #[test]
    fn the_antimeridian_cuts_a_ring_in_two() {
        for ring in [
            [[179.0, 0.0], [-179.5, 0.0], [-179.5, 2.0], [179.0, 2.0]],
            [[179.0, 0.0], [180.5, 0.0], [180.5, 2.0], [179.0, 2.0]],
            [[-181.0, 0.0], [-179.5, 0.0], [-179.5, 2.0], [-181.0, 2.0]],
        ] {
            let (geometry, bbox) = of(&ring);
            assert_eq!(geometry["type"], "MultiPolygon");
            let part = |index: usize| {
                let ring = geometry["coordinates"][index][0].as_array().unwrap();
                let x = || ring.iter().map(|p| p[0].as_f64().unwrap());
                (x().reduce(f64::min).unwrap(), x().reduce(f64::max).unwrap(), ring.len())
            };
            assert_eq!((part(0), part(1)), ((179.0, 180.0, 5), (-180.0, -179.5, 5)), "{ring:?}");
            assert_eq!(bbox, [179.0, 0.0, -179.5, 2.0], "{ring:?}");
        }
        // One that ends there is not cut.
        let (geometry, bbox) = of(&[[179.0, 0.0], [180.0, 0.0], [-180.0, 2.0], [179.0, 2.0]]);
        assert_eq!((&geometry["type"], bbox), (&json!("Polygon"), [179.0, 0.0, 180.0, 2.0]));
    }

    #[test]
    fn a_ring_around_a_pole_holds_the_pole() {
        let ring: Vec<Point> = (0..36).map(|step| [f64::from(step) * 10.0 - 175.0, 80.0]).collect();
        let (geometry, bbox) = of(&ring);
        assert_eq!(bbox, [-180.0, 80.0, 180.0, 90.0]);
        let parts = geometry["coordinates"].as_array().unwrap();
        let rings: Vec<&Value> = if geometry["type"] == "Polygon" {
            parts.iter().collect()
        } else {
            parts.iter().map(|p| &p[0]).collect()
        };
        let area = |ring: &&Value| {
            let points: Vec<Point> = ring
                .as_array()
                .unwrap()
                .iter()
                .map(|p| [p[0].as_f64().unwrap(), p[1].as_f64().unwrap()])
                .collect();
            doubled_area(&points[1..]) / 2.0
        };
        assert!((rings.iter().map(area).sum::<f64>() - 3600.0).abs() < 1e-6, "{geometry}");
        let south: Vec<Point> = ring.iter().map(|p| [p[0], -80.0]).collect();
        assert_eq!(of(&south).1, [-180.0, -90.0, 180.0, -80.0]);
    }

    #[test]
    fn the_whole_globe_is_one_polygon() {
        let steps = || (0..=36).map(|step| f64::from(step) * 10.0 - 180.0);
        let ring: Vec<Point> = steps().map(|x| [x, -90.0]).chain(steps().rev().map(|x| [x, 90.0])).collect();
        let (geometry, bbox) = of(&ring);
        assert_eq!((&geometry["type"], bbox), (&json!("Polygon"), [-180.0, -90.0, 180.0, 90.0]));
    }

    #[test]
    fn what_is_no_ring_has_no_footprint() {
        for ring in [
            &[][..],
            &[[0.0, 0.0]],
            &[[0.0, 0.0], [1.0, 1.0]],
            &[[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]],
            &[[0.0, 0.0], [1.0, f64::NAN], [2.0, 0.0]],
            &[[0.0, 0.0], [1.0, 91.0], [2.0, 0.0]],
            &[[f64::INFINITY, 0.0], [1.0, 1.0], [2.0, 0.0]],
        ] {
            assert_eq!(footprint(ring), None, "{ring:?}");
        }
    }
}
