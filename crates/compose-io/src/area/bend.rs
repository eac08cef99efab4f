//! Polygons on another map: edges that are straight on one are bent on the other.

use super::polygon::Polygon;
use super::turns::{Point, gather, near, unwrap};
use crate::crs::Transformer;
use compose_core::{Crs, CrsUnit};
use std::sync::Arc;

/// How far an edge may be from where it is, in pixels.
const TOLERANCE: f64 = 0.01;
/// An edge is halved so many times at most: a million pieces.
const MOST_HALVINGS: usize = 20;
/// The most vertices of all polygons together.
const MOST_VERTICES: usize = 1 << 23;
/// Where along an edge it is looked at.
const BETWEEN: [f64; 3] = [0.25, 0.5, 0.75];

/// The map that polygons are brought to.
#[derive(Clone, Debug)]
pub struct Onto {
    /// Its coordinate system.
    pub crs: Arc<Crs>,
    /// Width and height of a pixel, both positive.
    pub pixel: (f64, f64),
    /// On a map of degrees: the longitude that polygons come to, by whole turns.
    pub near: Option<f64>,
}

impl Onto {
    fn is_geographic(&self) -> bool {
        self.crs.unit == CrsUnit::Angle
    }
}

/// All polygons on another map.
///
/// # Errors
/// A vertex has no place there; there would be too many vertices.
pub fn all(polygons: &[Polygon], by: Option<&Transformer>, onto: &Onto) -> Result<Vec<Polygon>, String> {
    let mut room = MOST_VERTICES;
    let mut brought = Vec::with_capacity(polygons.len());
    for polygon in polygons {
        let mut rings = Vec::with_capacity(polygon.rings.len());
        for points in &polygon.rings {
            let ring = match by {
                None => points.clone(),
                Some(by) => {
                    Bending { by, onto, room }.ring(points).map_err(|e| format!("{}: {e}", polygon.name))?
                }
            };
            room = room.checked_sub(ring.len()).ok_or_else(too_many)?;
            rings.push(ring);
        }
        if onto.is_geographic() {
            gather(&mut rings, onto.near);
        }
        brought.push(Polygon { name: polygon.name.clone(), rings });
    }
    Ok(brought)
}

fn too_many() -> String {
    format!("its polygons have more than {MOST_VERTICES} vertices on the grid; simplify them")
}

/// A vertex on both maps, and whether the edge to the next is followed closely enough.
#[derive(Clone, Copy)]
struct Vertex {
    at: Point,
    to: Point,
    settled: bool,
}

/// The way of a ring to another map.
struct Bending<'a> {
    by: &'a Transformer,
    onto: &'a Onto,
    /// Vertices that it may have.
    room: usize,
}

impl Bending<'_> {
    fn ring(&self, points: &[Point]) -> Result<Vec<Point>, String> {
        let mut placed = self.placed(points)?;
        if self.onto.is_geographic() {
            unwrap([&mut placed])?;
        }
        let vertex = |(at, to): (&Point, Point)| Vertex { at: *at, to, settled: false };
        let mut ring: Vec<Vertex> = points.iter().zip(placed).map(vertex).collect();
        for _ in 0..=MOST_HALVINGS {
            let before = ring.len();
            ring = self.halved(ring)?;
            if ring.len() == before {
                return Ok(ring.into_iter().map(|vertex| vertex.to).collect());
            }
            if ring.len() > self.room {
                return Err(too_many());
            }
        }
        Err(format!("an edge of it cannot be followed into {}, the system of the grid", self.onto.crs.label))
    }

    /// The ring with a vertex more in the middle of each edge that is bent.
    fn halved(&self, ring: Vec<Vertex>) -> Result<Vec<Vertex>, String> {
        let open: Vec<usize> = (0..ring.len() - 1).filter(|edge| !ring[*edge].settled).collect();
        // Two polygons that share an edge, each in its own direction, get the same vertices.
        let along = |edge: usize, part: f64| {
            let (a, b) = (ring[edge].at, ring[edge + 1].at);
            let (a, b) = if a <= b { (a, b) } else { (b, a) };
            (a.0 + (b.0 - a.0) * part, a.1 + (b.1 - a.1) * part)
        };
        let between: Vec<Point> =
            open.iter().flat_map(|edge| BETWEEN.map(|part| along(*edge, part))).collect();
        let mut placed = self.placed(&between)?;
        let mut more = Vec::with_capacity(ring.len() + open.len());
        let mut open = open.into_iter().zip(between.chunks(3).zip(placed.chunks_mut(3))).peekable();
        for (nth, vertex) in ring.iter().enumerate() {
            let Some((_, (between, placed))) = open.next_if(|(edge, _)| *edge == nth) else {
                more.push(*vertex);
                continue;
            };
            let (from, to) = (vertex.to, ring[nth + 1].to);
            if self.onto.is_geographic() {
                // What lies on the edge is known but for whole turns.
                let forth = ring[nth].at <= ring[nth + 1].at;
                for (point, part) in placed.iter_mut().zip(BETWEEN) {
                    let part = if forth { part } else { 1.0 - part };
                    point.0 = near(point.0, from.0 + (to.0 - from.0) * part);
                }
            }
            let bent = placed.iter().any(|point| self.pixels_from(*point, (from, to)) > TOLERANCE);
            more.push(Vertex { settled: !bent, ..*vertex });
            if bent {
                more.push(Vertex { at: between[1], to: placed[1], settled: false });
            }
        }
        Ok(more)
    }

    fn placed(&self, points: &[Point]) -> Result<Vec<Point>, String> {
        let (mut xs, mut ys): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
        self.by.transform(&mut xs, &mut ys);
        let lost = xs.iter().zip(&ys).position(|(x, y)| !x.is_finite() || !y.is_finite());
        match lost {
            None => Ok(xs.into_iter().zip(ys).collect()),
            Some(at) => {
                let (x, y) = points[at];
                Err(format!("({x}, {y}) has no place in {}, the system of the grid", self.onto.crs.label))
            }
        }
    }

    /// How far a point lies from an edge, in pixels.
    fn pixels_from(&self, point: Point, (a, b): (Point, Point)) -> f64 {
        let (width, height) = self.onto.pixel;
        let scaled = |from: Point, to: Point| ((to.0 - from.0) / width, (to.1 - from.1) / height);
        let ((x, y), (dx, dy)) = (scaled(a, point), scaled(a, b));
        let length = dx * dx + dy * dy;
        let part = if length > 0.0 { ((x * dx + y * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
        (x - part * dx).hypot(y - part * dy)
    }
}
