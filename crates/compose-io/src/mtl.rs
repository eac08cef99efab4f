//! `*_MTL.txt`: the metadata that comes with a Landsat scene, read by group.
//!
//! A Level-2 file repeats Level-1 groups, so that a key alone does not say which value is meant:
//! `REFLECTANCE_MULT_BAND_4` is 2.75e-05 in `LEVEL2_SURFACE_REFLECTANCE_PARAMETERS` and 2.0E-05 in
//! `LEVEL1_RADIOMETRIC_RESCALING` (groups: USGS Landsat 8-9 Collection 2 Level 2 Data Format Control Book,
//! LSDS-1328; numbers: `LC08_L2SP_047027_20201204_20210313_02_T1_MTL.txt` in stactools-packages/landsat). Hence
//! no look-up without a group.

mod grid;

use crate::IoError;
use crate::text::{LARGEST_TEXT, read_bytes};
use compose_core::Sun;
use std::path::Path;

/// The ending of the file's name.
pub const ENDING: &str = "_MTL.txt";

/// Groups that state the acquisition: Collection 2, then Collection 1 and before.
const ACQUISITION: [&str; 2] = ["IMAGE_ATTRIBUTES", "PRODUCT_METADATA"];
/// Groups that state the sun's position: both collections, then files written before 2012.
const SUN: [&str; 2] = ["IMAGE_ATTRIBUTES", "PRODUCT_PARAMETERS"];

/// The items of an MTL file, each with the innermost group that it stands in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mtl {
    items: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Item {
    group: String,
    key: String,
    value: String,
}

impl Mtl {
    /// Reads a file; bytes that are not UTF-8 are replaced.
    ///
    /// # Errors
    /// As [`read_bytes`].
    pub fn read(path: &Path) -> Result<Self, IoError> {
        Ok(Self::parse(&String::from_utf8_lossy(&read_bytes(path, LARGEST_TEXT)?)))
    }

    /// Reads text; lines that are not `KEY = VALUE` are passed over.
    pub fn parse(text: &str) -> Self {
        let mut groups: Vec<&str> = Vec::new();
        let mut items = Vec::new();
        for line in text.lines().map(str::trim).take_while(|l| *l != "END") {
            let Some((key, value)) = line.split_once('=') else { continue };
            let (key, value) = (key.trim(), value.trim().trim_matches('"'));
            match key {
                "GROUP" => groups.push(value),
                "END_GROUP" => close(&mut groups, value),
                _ => items.push(Item {
                    group: groups.last().copied().unwrap_or_default().to_owned(),
                    key: key.to_owned(),
                    value: value.to_owned(),
                }),
            }
        }
        Self { items }
    }

    /// The value of `key` in `group`, without quotes; the first one if it is repeated there.
    pub fn get(&self, group: &str, key: &str) -> Option<&str> {
        self.items.iter().find(|i| i.group == group && i.key == key).map(|i| i.value.as_str())
    }

    /// The date of acquisition as written (`2016-07-07`).
    pub fn date_acquired(&self) -> Option<&str> {
        // ACQUISITION_DATE is what files written before 2012 call it.
        ["DATE_ACQUIRED", "ACQUISITION_DATE"].iter().find_map(|key| self.first(&ACQUISITION, key))
    }

    /// Where the sun stood over the scene's centre, where both angles are there and are angles.
    pub fn sun(&self) -> Option<Sun> {
        let angle = |key| self.first(&SUN, key)?.parse().ok();
        let sun = Sun { elevation: angle("SUN_ELEVATION")?, azimuth: angle("SUN_AZIMUTH")? };
        // The azimuth is written from -180 to 180, in other products from 0 to 360.
        let is_angle = sun.elevation.abs() <= 90.0 && sun.azimuth.abs() <= 360.0;
        is_angle.then_some(sun)
    }

    fn first(&self, groups: &[&str], key: &str) -> Option<&str> {
        groups.iter().find_map(|group| self.get(group, key))
    }
}

/// Leaves `name` and whatever inside it was not closed; an end without a beginning changes nothing.
fn close(groups: &mut Vec<&str>, name: &str) {
    if let Some(at) = groups.iter().rposition(|g| *g == name) {
        groups.truncate(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVEL_2: &str = r#"GROUP = LANDSAT_METADATA_FILE
  GROUP = IMAGE_ATTRIBUTES
    DATE_ACQUIRED = 2020-12-04
    SUN_AZIMUTH = 163.31
    SUN_ELEVATION = 18.39
  END_GROUP = IMAGE_ATTRIBUTES
  GROUP = LEVEL2_SURFACE_REFLECTANCE_PARAMETERS
    REFLECTANCE_MULT_BAND_4 = 2.75e-05
  END_GROUP = LEVEL2_SURFACE_REFLECTANCE_PARAMETERS
  GROUP = LEVEL1_RADIOMETRIC_RESCALING
    REFLECTANCE_MULT_BAND_4 = 2.0000E-05
  END_GROUP = LEVEL1_RADIOMETRIC_RESCALING
  AFTER = "x"
END_GROUP = LANDSAT_METADATA_FILE
END
DATE_ACQUIRED = 1999-01-01
"#;

    #[test]
    fn a_key_that_is_repeated_is_told_apart_by_its_group() {
        let mtl = Mtl::parse(LEVEL_2);
        let key = "REFLECTANCE_MULT_BAND_4";
        assert_eq!(mtl.get("LEVEL2_SURFACE_REFLECTANCE_PARAMETERS", key), Some("2.75e-05"));
        assert_eq!(mtl.get("LEVEL1_RADIOMETRIC_RESCALING", key), Some("2.0000E-05"));
        assert_eq!(mtl.get("IMAGE_ATTRIBUTES", key), None);
    }

    #[test]
    fn date_and_sun_are_read_from_both_collections() {
        let l2 = Mtl::parse(LEVEL_2);
        assert_eq!(l2.date_acquired(), Some("2020-12-04"));
        assert_eq!(l2.sun(), Some(Sun { elevation: 18.39, azimuth: 163.31 }));
        let c1 = Mtl::parse("GROUP = PRODUCT_METADATA\r\n  DATE_ACQUIRED = \"2016-07-07\"\r\n");
        assert_eq!((c1.date_acquired(), c1.sun()), (Some("2016-07-07"), None));
    }

    #[test]
    fn a_sun_that_is_told_in_part_or_by_no_angle_is_none() {
        let sun = |elevation: &str, azimuth: &str| {
            let lines = format!("SUN_ELEVATION = {elevation}\nSUN_AZIMUTH = {azimuth}\n");
            Mtl::parse(&format!("GROUP = PRODUCT_PARAMETERS\n{lines}")).sun()
        };
        assert_eq!(sun("45.5", "-20"), Some(Sun { elevation: 45.5, azimuth: -20.0 }));
        for (elevation, azimuth) in [("45", ""), ("nan", "0"), ("91", "0"), ("45", "361"), ("45", "inf")] {
            assert_eq!(sun(elevation, azimuth), None);
        }
    }

    #[test]
    fn items_after_a_nested_group_belong_to_the_outer_one() {
        let mtl = Mtl::parse(LEVEL_2);
        assert_eq!(mtl.get("LANDSAT_METADATA_FILE", "AFTER"), Some("x"));
    }

    #[test]
    fn malformed_lines_and_stray_bytes_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x_MTL.txt");
        let text = b"\xff\xfe\nEND_GROUP = A\nGROUP = B\nnonsense\n = \nC = \"caf\xe9\"\nGROUP =\n";
        std::fs::write(&path, text).unwrap();
        let mtl = Mtl::read(&path).unwrap();
        assert_eq!(mtl.get("B", "C"), Some("caf\u{fffd}"));
        assert!(matches!(Mtl::read(&folder.path().join("none")), Err(IoError::Missing { .. })));
    }
}
