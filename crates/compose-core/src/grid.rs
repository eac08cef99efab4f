//! Size, transform and coordinate reference system of a raster.

use std::fmt;
use std::sync::Arc;

/// A north-up (or south-up) affine transform without rotation:
/// `x = x0 + col * dx`, `y = y0 + row * dy`, at pixel corners; `dy` is usually negative.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Transform {
    pub x0: f64,
    pub dx: f64,
    pub y0: f64,
    pub dy: f64,
}

impl Transform {
    /// Map coordinates of a pixel position (corners are whole numbers).
    pub fn to_map(&self, col: f64, row: f64) -> (f64, f64) {
        (self.x0 + col * self.dx, self.y0 + row * self.dy)
    }

    /// Pixel position (col, row) of map coordinates.
    pub fn to_pixel(&self, x: f64, y: f64) -> (f64, f64) {
        ((x - self.x0) / self.dx, (y - self.y0) / self.dy)
    }
}

/// The unit of map coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum CrsUnit {
    /// Degrees (or another angle): metres have no fixed size in pixels.
    Angle,
    /// This many metres per map unit.
    Metres(f64),
}

/// A coordinate reference system. `compose-io` hands out one `Arc` per distinct system, so that two grids
/// have the same system when the pointers are the same.
#[derive(Debug)]
pub struct Crs {
    /// Full definition, WKT.
    pub wkt: String,
    /// Short name for messages: `EPSG:32613`, or the system's own name.
    pub label: String,
    /// Unit of the map's axes.
    pub unit: CrsUnit,
}

/// The pixels of a raster on the map.
#[derive(Clone, Debug)]
pub struct Grid {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// Pixel to map.
    pub transform: Transform,
    /// Coordinate system; `None` for a file that states none.
    pub crs: Option<Arc<Crs>>,
}

impl Grid {
    /// Whether both use the same coordinate system (two grids without one count as the same).
    pub fn same_crs(&self, other: &Self) -> bool {
        match (&self.crs, &other.crs) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b) || a.wkt == b.wkt,
            (None, None) => true,
            _ => false,
        }
    }

    /// Short name of the coordinate system.
    pub fn crs_label(&self) -> &str {
        self.crs.as_ref().map_or("no CRS", |c| &c.label)
    }

    /// Pixel size in metres (x, y), both positive, or `None` for a geographic or unknown system.
    pub fn pixel_metres(&self) -> Option<(f64, f64)> {
        match self.crs.as_ref()?.unit {
            CrsUnit::Angle => None,
            CrsUnit::Metres(m) => Some((self.transform.dx.abs() * m, self.transform.dy.abs() * m)),
        }
    }

    /// `[left, bottom, right, top]` in map units.
    pub fn bounds(&self) -> [f64; 4] {
        let (xa, ya) = self.transform.to_map(0.0, 0.0);
        let (xb, yb) = self.transform.to_map(self.width as f64, self.height as f64);
        [xa.min(xb), ya.min(yb), xa.max(xb), ya.max(yb)]
    }

    /// Same size, transform and system, to the bit.
    pub fn same(&self, other: &Self) -> bool {
        self.width == other.width
            && self.height == other.height
            && self.transform == other.transform
            && self.same_crs(other)
    }
}

impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let t = &self.transform;
        write!(
            f,
            "{}×{} px of {} × {} from ({}, {}), {}",
            self.width,
            self.height,
            t.dx,
            t.dy.abs(),
            t.x0,
            t.y0,
            self.crs_label()
        )
    }
}
