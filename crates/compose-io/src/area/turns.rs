//! Longitudes that jump: a ring over the antimeridian goes on beyond 180° instead.

/// A point: x and y, or longitude and latitude.
pub type Point = (f64, f64);

/// A whole turn, in degrees.
const TURN: f64 = 360.0;

/// A longitude, moved by whole turns to where it is nearest to another.
pub fn near(longitude: f64, other: f64) -> f64 {
    longitude - TURN * turns(longitude, other)
}

/// By how many whole turns a longitude is nearest to another.
fn turns(longitude: f64, other: f64) -> f64 {
    ((longitude - other) / TURN).round()
}

/// Moves the vertices of rings by whole turns, so that an edge of more than half a turn goes the short way. One of a whole
/// turn stays: it goes around the globe along a parallel.
///
/// # Errors
/// A ring goes once around the globe.
pub fn unwrap<'a>(rings: impl IntoIterator<Item = &'a mut Vec<Point>>) -> Result<(), String> {
    for ring in rings {
        let (mut by, mut before) = (0.0, ring.first().map_or(0.0, |point| point.0));
        for point in ring.iter_mut() {
            let step = point.0 - before;
            if step.abs() > TURN / 2.0 && (step.abs() - TURN).abs() > 1e-9 {
                by += TURN * turns(step, 0.0);
            }
            before = point.0;
            point.0 -= by;
        }
        if let (Some(first), Some(last)) = (ring.first(), ring.last())
            && (first.0 - last.0).abs() > TURN / 2.0
        {
            return Err("a ring goes around a pole; expected polygons that hold none".into());
        }
    }
    Ok(())
}

/// Moves the rings of a polygon by whole turns: the first to where it is nearest to a longitude, holes to it.
pub fn gather(rings: &mut [Vec<Point>], longitude: Option<f64>) {
    let Some(outer) = rings.first().map(|ring| middle(ring)) else { return };
    let centre = longitude.map_or(outer, |longitude| near(outer, longitude));
    for ring in rings {
        let by = TURN * turns(middle(ring), centre);
        ring.iter_mut().for_each(|point| point.0 -= by);
    }
}

/// The longitude halfway between the westernmost and the easternmost vertex.
fn middle(ring: &[Point]) -> f64 {
    let (west, east) = ring.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(west, east), point| {
        (west.min(point.0), east.max(point.0))
    });
    f64::midpoint(west, east)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_over_the_antimeridian_goes_on_and_one_around_the_globe_stays() {
        let mut rings = [vec![(179.0, 0.0), (-179.0, 0.0), (-179.0, 1.0), (179.0, 1.0), (179.0, 0.0)]];
        unwrap(&mut rings).unwrap();
        assert_eq!(rings[0].iter().map(|p| p.0).collect::<Vec<_>>(), [179.0, 181.0, 181.0, 179.0, 179.0]);
        let world = vec![(-180.0, 0.0), (180.0, 0.0), (180.0, 1.0), (-180.0, 1.0), (-180.0, 0.0)];
        let mut rings = [world.clone()];
        unwrap(&mut rings).unwrap();
        assert_eq!(rings[0], world);
        let pole = vec![(0.0, 80.0), (90.0, 80.0), (179.0, 80.0), (-90.0, 80.0), (0.0, 80.0)];
        assert!(unwrap(&mut vec![pole]).unwrap_err().contains("around a pole"));
    }

    #[test]
    fn holes_come_to_their_ring_and_both_to_the_scenes() {
        let square =
            |west: f64, side: f64| vec![(west, 0.0), (west + side, 0.0), (west + side, side), (west, 0.0)];
        let mut rings = [square(179.0, 4.0), square(-179.0, 1.0)];
        gather(&mut rings, None);
        assert_eq!((rings[0][0].0, rings[1][0].0), (179.0, 181.0));
        gather(&mut rings, Some(-170.0));
        assert_eq!((rings[0][0].0, rings[1][0].0), (-181.0, -179.0));
    }
}
