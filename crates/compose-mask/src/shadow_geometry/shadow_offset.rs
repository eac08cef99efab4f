//! The direction and length of shadows.

use compose_core::{Grid, Sun};

/// The farthest that a shadow may fall, in pixels: every block is read with as much around it.
pub(super) const FARTHEST_PX: f64 = 2000.0;

/// The offset of a cloud's shadow, in pixels of a grid for each metre of the cloud's height.
///
/// A cloud at height H throws its shadow H·tan(90° − elevation) away from the sun, the ground being flat and the
/// view straight down (Zhu and Woodcock 2012, figure 5). The grid's north is taken for north.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ShadowOffset {
    cols: f64,
    rows: f64,
}

impl ShadowOffset {
    /// # Errors
    /// A sun that is not above the horizon, pixels without a size in metres.
    pub fn new(sun: Sun, grid: &Grid) -> Result<Self, String> {
        if sun.elevation <= 0.0 {
            return Err(format!("the sun is {}° high, and throws no shadows", sun.elevation));
        }
        let (width, height) = grid.pixel_metres().ok_or_else(|| no_metres(grid))?;
        let length = (90.0 - sun.elevation).to_radians().tan();
        let (east, north) = {
            let (sin, cos) = sun.azimuth.to_radians().sin_cos();
            (-sin * length, -cos * length)
        };
        let (dx, dy) = (grid.transform.dx.signum() * width, grid.transform.dy.signum() * height);
        Ok(Self { cols: east / dx, rows: north / dy })
    }

    fn fastest(self) -> f64 {
        self.cols.abs().max(self.rows.abs())
    }

    /// The offsets (cols, rows) of shadows of clouds from the lowest to the highest, in steps of one pixel.
    ///
    /// # Errors
    /// Shadows that fall farther than [`FARTHEST_PX`].
    pub fn offsets(self, [low, high]: [f64; 2]) -> Result<Vec<(i64, i64)>, String> {
        let fastest = self.fastest();
        if high * fastest > FARTHEST_PX {
            let fits = (FARTHEST_PX / fastest).floor();
            return Err(format!(
                "shadows of clouds {high} m high fall {:.0} px away, farther than {FARTHEST_PX} px; heights up to {fits} \
                 fit this sun and these pixels",
                high * fastest
            ));
        }
        let steps = ((high - low) * fastest).ceil() as usize;
        let height = |step: usize| if step == steps { high } else { low + step as f64 / fastest };
        let offset = |height: f64| ((height * self.cols).round() as i64, (height * self.rows).round() as i64);
        let mut offsets: Vec<_> = (0..=steps).map(|step| offset(height(step))).collect();
        offsets.dedup();
        Ok(offsets)
    }
}

fn no_metres(grid: &Grid) -> String {
    let why = match &grid.crs {
        Some(crs) => format!("{} is geographic", crs.label),
        None => "the scene states no CRS".into(),
    };
    format!(
        "heights in metres have no fixed length in pixels, because {why}; use scenes in a system of metres"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{geographic, utm};
    use compose_core::Transform;

    fn offsets(elevation: f64, azimuth: f64, grid: &Grid, heights: [f64; 2]) -> Vec<(i64, i64)> {
        ShadowOffset::new(Sun { elevation, azimuth }, grid).unwrap().offsets(heights).unwrap()
    }

    fn turned(grid: Grid) -> Grid {
        let transform = Transform { dy: -grid.transform.dy, ..grid.transform };
        Grid { transform, ..grid }
    }

    #[test]
    fn shadows_fall_away_from_the_sun() {
        let grid = utm(30.0, 30.0);
        let far = |azimuth| offsets(45.0, azimuth, &grid, [300.0, 300.0])[0];
        assert_eq!([0.0, 90.0, 180.0, 270.0].map(far), [(0, 10), (-10, 0), (0, -10), (10, 0)]);
        assert_eq!((far(135.0), far(-45.0)), ((-7, -7), (7, 7)));
        let south_up = turned(utm(30.0, 30.0));
        assert_eq!(offsets(45.0, 0.0, &south_up, [300.0, 300.0]), [(0, -10)]);
    }

    #[test]
    fn the_lower_the_sun_the_longer_the_shadow() {
        let far = |elevation| offsets(elevation, 270.0, &utm(30.0, 30.0), [3000.0, 3000.0])[0].0;
        // 100 px at 45°; tan 30° = 0.577, tan 60° = 1.732.
        assert_eq!([90.0, 60.0, 45.0, 30.0].map(far), [0, 58, 100, 173]);
    }

    #[test]
    fn pixels_that_are_not_square_are_counted_per_axis() {
        assert_eq!(offsets(45.0, 225.0, &utm(30.0, 60.0), [600.0, 600.0]), [(14, -7)]);
    }

    #[test]
    fn heights_go_up_one_pixel_at_a_time_and_none_is_left_out() {
        for azimuth in [0.0, 33.0, 90.0, 123.4, 225.0, 301.0] {
            let all = offsets(40.0, azimuth, &utm(30.0, 30.0), [200.0, 12000.0]);
            let step = |pair: &[(i64, i64)]| (pair[1].0 - pair[0].0).abs().max((pair[1].1 - pair[0].1).abs());
            assert!(all.windows(2).all(|pair| step(pair) == 1), "{azimuth}");
        }
        assert_eq!(offsets(90.0, 0.0, &utm(30.0, 30.0), [0.0, 12000.0]), [(0, 0)]);
    }

    #[test]
    fn what_throws_no_shadow_or_too_long_a_one_is_refused() {
        let sun = |elevation| Sun { elevation, azimuth: 90.0 };
        let night = ShadowOffset::new(sun(-3.0), &utm(30.0, 30.0)).unwrap_err();
        assert_eq!(night, "the sun is -3° high, and throws no shadows");
        let degrees = ShadowOffset::new(sun(45.0), &geographic()).unwrap_err();
        assert!(degrees.contains("because EPSG:4326 is geographic"), "{degrees}");
        let long =
            ShadowOffset::new(sun(5.0), &utm(30.0, 30.0)).unwrap().offsets([200.0, 12000.0]).unwrap_err();
        let expected = "shadows of clouds 12000 m high fall 4572 px away, farther than 2000 px; heights up to 5249 fit \
                        this sun and these pixels";
        assert_eq!(long, expected);
    }
}
