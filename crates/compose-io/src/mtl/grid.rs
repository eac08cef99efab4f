//! The grid of a scene, from its MTL file.
//!
//! Groups and keys: USGS Landsat 8-9 Collection 2 Level 1 and 2 Data Format Control Books (LSDS-1822, LSDS-1328) for
//! `PROJECTION_ATTRIBUTES`; LSDS-809 for Collection 1, which has corners and sizes in `PRODUCT_METADATA` and the rest in
//! `PROJECTION_PARAMETERS`. Corners are the centres of corner pixels, whatever the size of the pixels; zones are northern
//! ones, with negative northings in the south.

use super::Mtl;
use crate::crs::CrsRegistry;
use compose_core::{Grid, Transform};

/// Groups that state corners and sizes, with those that state the projection: Collection 2, then 1 and before.
const GROUPS: [(&str, &str); 2] =
    [("PROJECTION_ATTRIBUTES", "PROJECTION_ATTRIBUTES"), ("PRODUCT_METADATA", "PROJECTION_PARAMETERS")];
/// Sorts of bands that have sizes of their own.
const SORTS: [&str; 3] = ["REFLECTIVE", "THERMAL", "PANCHROMATIC"];

/// The groups of one MTL file that tell where its scene lies.
struct GridGroups<'a> {
    mtl: &'a Mtl,
    corners: &'static str,
    projection: &'static str,
}

impl Mtl {
    /// The grid of a file of this size; `None` where nothing is said of corners.
    ///
    /// # Errors
    /// Why what is said makes no grid for such a file.
    pub fn grid(
        &self,
        (width, height): (usize, usize),
        systems: &CrsRegistry,
    ) -> Option<Result<Grid, String>> {
        let told =
            |(corners, _): &&(&str, &str)| self.get(corners, "CORNER_UL_PROJECTION_X_PRODUCT").is_some();
        let (corners, projection) = *GROUPS.iter().find(told)?;
        Some(GridGroups { mtl: self, corners, projection }.grid((width, height), systems))
    }
}

impl GridGroups<'_> {
    fn grid(&self, (width, height): (usize, usize), systems: &CrsRegistry) -> Result<Grid, String> {
        let orientation = self.text(self.projection, "ORIENTATION");
        if orientation.as_deref().is_some_and(|said| said != "NORTH_UP") {
            return Err(format!("its ORIENTATION is {}, expected NORTH_UP", orientation.unwrap_or_default()));
        }
        let cell = self.cell((width, height))?;
        let corner = |key: &str| self.number(self.corners, &format!("CORNER_{key}_PRODUCT"));
        let (left, top) = (corner("UL_PROJECTION_X")?, corner("UL_PROJECTION_Y")?);
        let (right, bottom) = (corner("LR_PROJECTION_X")?, corner("LR_PROJECTION_Y")?);
        let (across, down) = ((right - left) / cell + 1.0, (top - bottom) / cell + 1.0);
        if (across - width as f64).abs() > 0.5 || (down - height as f64).abs() > 0.5 {
            return Err(format!("its corners are {across} × {down} pixels of {cell} m apart"));
        }
        let crs = systems.from_user_input(&self.system()?).map_err(|e| e.to_string())?;
        let transform = Transform { x0: left - cell / 2.0, dx: cell, y0: top + cell / 2.0, dy: -cell };
        Ok(Grid { width, height, transform, crs: Some(crs) })
    }

    /// Size of a pixel of the bands that have so many, metres.
    fn cell(&self, size: (usize, usize)) -> Result<f64, String> {
        let mut told = Vec::new();
        for sort in SORTS {
            let count = |key: &str| self.number(self.corners, &format!("{sort}_{key}")).ok();
            let (Some(samples), Some(lines)) = (count("SAMPLES"), count("LINES")) else { continue };
            if (samples, lines) != (size.0 as f64, size.1 as f64) {
                told.push(format!("{samples} × {lines} ({})", sort.to_lowercase()));
                continue;
            }
            let cell = self.number(self.projection, &format!("GRID_CELL_SIZE_{sort}"))?;
            return if cell > 0.0 { Ok(cell) } else { Err(format!("its GRID_CELL_SIZE_{sort} is {cell}")) };
        }
        let told = if told.is_empty() { "of no size".to_owned() } else { told.join(", ") };
        Err(format!("it tells of bands of {told} pixels, and the file has {} × {}", size.0, size.1))
    }

    /// The coordinate system, as PROJ reads it.
    fn system(&self) -> Result<String, String> {
        let said = |key: &str| self.text(self.projection, key);
        let datum = said("DATUM").unwrap_or_default();
        if datum != "WGS84" {
            return Err(format!("its DATUM is \"{datum}\", expected WGS84"));
        }
        match said("MAP_PROJECTION").as_deref() {
            Some("UTM") => {
                let zone = self.number(self.projection, "UTM_ZONE")?;
                if zone.fract() != 0.0 || !(1.0..=60.0).contains(&zone) {
                    return Err(format!("its UTM_ZONE is {zone}, expected 1 to 60"));
                }
                Ok(format!("EPSG:{}", 32600 + zone as u32))
            }
            Some("PS") => self.polar(),
            other => {
                let other = other.unwrap_or_default();
                Err(format!("its MAP_PROJECTION is \"{other}\", expected UTM or PS"))
            }
        }
    }

    /// Polar stereographic.
    fn polar(&self) -> Result<String, String> {
        let number = |key: &str| self.number(self.projection, key);
        let (lat, lon) = (number("TRUE_SCALE_LAT")?, number("VERTICAL_LON_FROM_POLE")?);
        let (east, north) = (number("FALSE_EASTING").unwrap_or(0.0), number("FALSE_NORTHING").unwrap_or(0.0));
        if (lat, lon, east, north) == (-71.0, 0.0, 0.0, 0.0) {
            return Ok("EPSG:3031".to_owned());
        }
        let pole = 90.0_f64.copysign(lat);
        Ok(format!(
            "+proj=stere +lat_0={pole} +lat_ts={lat} +lon_0={lon} +x_0={east} +y_0={north} +datum=WGS84 +units=m"
        ))
    }

    fn text(&self, group: &str, key: &str) -> Option<String> {
        self.mtl.get(group, key).map(str::to_owned)
    }

    fn number(&self, group: &str, key: &str) -> Result<f64, String> {
        let text = self.mtl.get(group, key).ok_or_else(|| format!("it has no {key} in {group}"))?;
        let number = text.parse::<f64>().ok().filter(|n| n.is_finite());
        number.ok_or_else(|| format!("its {key} is \"{text}\", expected a number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Brumadinho, 14 January 2019, as in `examples/brumadinho`; a panchromatic band as Level 1 has it.
    fn brumadinho(change: (&str, &str)) -> Mtl {
        let text = "GROUP = PROJECTION_ATTRIBUTES
            MAP_PROJECTION = \"UTM\"
            DATUM = \"WGS84\"
            UTM_ZONE = 23
            GRID_CELL_SIZE_PANCHROMATIC = 15.00
            GRID_CELL_SIZE_REFLECTIVE = 30.00
            PANCHROMATIC_LINES = 599
            PANCHROMATIC_SAMPLES = 799
            REFLECTIVE_LINES = 300	
            REFLECTIVE_SAMPLES = 400
            ORIENTATION = \"NORTH_UP\"
            CORNER_UL_PROJECTION_X_PRODUCT = 583500.000
            CORNER_UL_PROJECTION_Y_PRODUCT = -2222700.000
            CORNER_LR_PROJECTION_X_PRODUCT = 595470.000
            CORNER_LR_PROJECTION_Y_PRODUCT = -2231670.000
            END_GROUP = PROJECTION_ATTRIBUTES\n";
        assert!(text.contains(change.0));
        Mtl::parse(&text.replace(change.0, change.1))
    }

    fn grid(change: (&str, &str), size: (usize, usize)) -> Result<Grid, String> {
        brumadinho(change).grid(size, &CrsRegistry::new()).unwrap()
    }

    #[test]
    fn corners_are_centres_and_zones_are_northern_ones() {
        let of = grid(("UTM", "UTM"), (400, 300)).unwrap();
        assert_eq!(of.transform, Transform { x0: 583_485.0, dx: 30.0, y0: -2_222_685.0, dy: -30.0 });
        assert_eq!(of.crs_label(), "EPSG:32623");
        let fine = grid(("UTM", "UTM"), (799, 599)).unwrap();
        assert_eq!(fine.transform, Transform { x0: 583_492.5, dx: 15.0, y0: -2_222_692.5, dy: -15.0 });
    }

    #[test]
    fn scenes_near_the_pole_are_stereographic() {
        let polar =
            ("\"UTM\"", "\"PS\"\nVERTICAL_LON_FROM_POLE = 0.0\nTRUE_SCALE_LAT = -71.0\nFALSE_EASTING = 0");
        assert_eq!(grid(polar, (400, 300)).unwrap().crs_label(), "EPSG:3031");
        let north = ("\"UTM\"", "\"PS\"\nVERTICAL_LON_FROM_POLE = -45.0\nTRUE_SCALE_LAT = 71.0");
        assert!(grid(north, (400, 300)).unwrap().crs_label().contains("+lat_0=90"));
    }

    #[test]
    fn before_collection_2_other_groups_tell_the_same() {
        let mtl = Mtl::parse(
            "GROUP = PRODUCT_METADATA\nREFLECTIVE_LINES = 3\nREFLECTIVE_SAMPLES = 4\n\
             CORNER_UL_PROJECTION_X_PRODUCT = 300000\nCORNER_UL_PROJECTION_Y_PRODUCT = 4500000\n\
             CORNER_LR_PROJECTION_X_PRODUCT = 300090\nCORNER_LR_PROJECTION_Y_PRODUCT = 4499940\n\
             END_GROUP = PRODUCT_METADATA\nGROUP = PROJECTION_PARAMETERS\nMAP_PROJECTION = \"UTM\"\n\
             DATUM = \"WGS84\"\nUTM_ZONE = 13\nGRID_CELL_SIZE_REFLECTIVE = 30.00\nORIENTATION = \"NORTH_UP\"\n",
        );
        let of = mtl.grid((4, 3), &CrsRegistry::new()).unwrap().unwrap();
        assert_eq!(
            (of.transform.x0, of.transform.y0, of.crs_label()),
            (299_985.0, 4_500_015.0, "EPSG:32613")
        );
        assert!(Mtl::parse("GROUP = A\n").grid((4, 3), &CrsRegistry::new()).is_none());
    }

    #[test]
    fn what_does_not_agree_with_the_file_or_makes_no_grid_is_told() {
        for (change, size, said) in [
            (
                ("UTM", "UTM"),
                (400, 299),
                "it tells of bands of 400 × 300 (reflective), 799 × 599 (panchromatic) pixels, and the file has 400 × 299",
            ),
            (("NORTH_UP", "NOMINAL"), (400, 300), "its ORIENTATION is NOMINAL, expected NORTH_UP"),
            (("\"UTM\"", "\"SOM\""), (400, 300), "its MAP_PROJECTION is \"SOM\", expected UTM or PS"),
            (("WGS84", "NAD27"), (400, 300), "its DATUM is \"NAD27\", expected WGS84"),
            (("= 23", "= 61"), (400, 300), "its UTM_ZONE is 61, expected 1 to 60"),
            (("595470", "595500"), (400, 300), "its corners are 401 × 300 pixels of 30 m apart"),
            (
                ("583500.000", "nan"),
                (400, 300),
                "its CORNER_UL_PROJECTION_X_PRODUCT is \"nan\", expected a number",
            ),
        ] {
            assert_eq!(grid(change, size).unwrap_err(), said);
        }
    }
}
