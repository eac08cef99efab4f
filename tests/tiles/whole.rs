//! Every tile has the pixels that its window of the single image has.

use super::{Field, STACK, report};
use crate::support::{listing, read};
use std::path::Path;

/// Bands, row by row, and the number of columns.
pub struct Pixels {
    pub bands: Vec<Vec<f64>>,
    pub width: usize,
}

impl Pixels {
    pub fn of(path: &Path) -> Self {
        Self { bands: read::<f64>(path), width: gdal::Dataset::open(path).unwrap().raster_size().0 }
    }

    fn height(&self) -> usize {
        self.bands[0].len() / self.width
    }

    /// Bits of a window: a NaN is equal to itself.
    fn window(&self, (col, row0): (usize, usize), (width, height): (usize, usize)) -> Vec<u64> {
        let rows = |band: &Vec<f64>| -> Vec<u64> {
            let row = |nth: usize| band[nth * self.width + col..][..width].iter().map(|v| v.to_bits());
            (row0..row0 + height).flat_map(row).collect()
        };
        self.bands.iter().flat_map(rows).collect()
    }
}

/// Compares every raster of every tile with the single image, and the files over all tiles with it; gives the number of
/// tiles.
pub fn assert_tiles(field: &Field, side: usize) -> usize {
    field.done(&["--rules", "whole.toml", "--quiet"]);
    field.done(&["--rules", "rules.toml", "--quiet"]);
    let mut tiles = 0;
    for ending in ["", "_provenance", "_masks", "_uncertainty"] {
        let whole = field.path(&format!("whole{ending}.tif"));
        if !whole.exists() {
            continue;
        }
        let all = Pixels::of(&whole);
        let size = (all.width, all.height());
        for row in 0..size.1.div_ceil(side) {
            for col in 0..size.0.div_ceil(side) {
                let path = field.path(&format!("out/r{row:03}_c{col:03}{ending}.tif"));
                let place = (col * side, row * side);
                let part = (side.min(size.0 - place.0), side.min(size.1 - place.1));
                if !path.exists() {
                    continue;
                }
                let tile = Pixels::of(&path);
                assert_eq!((tile.width, tile.height()), part, "{}", path.display());
                assert!(tile.window((0, 0), part) == all.window(place, part), "{} differs", path.display());
                tiles += usize::from(ending.is_empty());
            }
        }
        let mosaic = Pixels::of(&field.path(&format!("out/mosaic{ending}.vrt")));
        assert!(mosaic.window((0, 0), size) == all.window((0, 0), size), "mosaic{ending}.vrt differs");
    }
    let (mut one, mut many) = (report(&field.path("whole.json")), report(&field.path("out/mosaic.json")));
    for report in [&mut one, &mut many] {
        report["result"].as_object_mut().unwrap().remove("path");
    }
    for key in ["result", "scenes", "fills", "masks", "survey", "grid"] {
        assert_eq!(one[key], many[key], "{key}");
    }
    assert_eq!(many["tiles"]["written"], tiles);
    let checked = field.compose(&["check", "out/mosaic.json"]);
    assert!(checked.status.success(), "{}", crate::support::stdout(&checked));
    tiles
}

const CLOUDS: &str = "[[mask]]\nname = \"cloud\"\nkind = \"bits\"\nany = [\"cloud\"]\ngrow = \"3 px\"\n";

/// The membrane works in cells, the masks compare scenes, and both learned from a survey of the whole grid.
#[test]
fn tiles_of_a_repaired_scene_have_no_seams() {
    let rules = format!(
        "[target]\nscene = \"s20200614\"\n{CLOUDS}[[mask]]\nname = \"shadow\"\nkind = \"donor-residual\"\n\
         [[mask]]\nname = \"dark\"\nkind = \"tdom\"\nnir = \"nir\"\nswir1 = \"red\"\n\
         [[fill]]\nstrategy = \"seamless\"\n[[fill]]\nstrategy = \"median-stack\"\n"
    );
    for (side, tiles) in [(256, 9), (512, 4), (1024, 1)] {
        let field =
            Field::new(&STACK, side, &rules, "", "nodata = 0\nmask = true\nuncertainty = true\ncount = true");
        assert_eq!(assert_tiles(&field, side), tiles);
    }
}

#[test]
fn tiles_of_a_composite_are_windows_of_it() {
    let rules = format!("[target]\ndate = 2020-06-10\n{CLOUDS}[[fill]]\nstrategy = \"median-stack\"\n");
    for output in ["nodata = 0\nformat = \"cog\"", "dtype = \"float32\"\nuncertainty = true"] {
        let field = Field::new(&STACK, 256, &rules, "resampling = \"cubic\"", output);
        assert_eq!(assert_tiles(&field, 256), 9, "{output}");
    }
}

/// Scenes between pixels, and most of the grid is empty.
#[test]
fn a_tile_that_no_scene_reaches_is_not_written_and_is_told() {
    let scenes = [(3, (0.4, 0.3)), (9, (20.0, 0.0)), (14, (1500.2, 900.7))];
    let rules = format!("[target]\ndate = 2020-06-10\n{CLOUDS}[[fill]]\nstrategy = \"nearest-date\"\n");
    let bounds = "bounds = [405000, 4454000, 470280, 4500000]\nsnap = true\nresolution = 30";
    let field = Field::new(&scenes, 512, &rules, bounds, "nodata = 0");
    let plan = field.done(&["--rules", "rules.toml", "--plan"]);
    let tiles = assert_tiles(&field, 512);
    let files = listing(&field.path("out"));
    let images = files
        .iter()
        .filter(|name| name.starts_with('r') && name.len() == "r000_c000.tif".len() && name.ends_with("tif"));
    assert_eq!(images.count(), tiles);
    assert!(tiles < 15, "{tiles}");
    let not_reached = report(&field.path("out/mosaic.json"))["tiles"]["not-reached"].as_u64().unwrap();
    assert!(plan.contains(&format!("; {not_reached} that no scene reaches are not written: r00")), "{plan}");
    assert!(not_reached > 3);
}

/// Each target has tiles of its own.
#[test]
fn every_target_has_its_tiles() {
    let rules = format!("[target]\nscene = \"each\"\n{CLOUDS}[[fill]]\nstrategy = \"regress\"\n");
    let field = Field::new(&STACK[..3], 512, &rules, "", "nodata = 0");
    let path = field.path("rules.toml");
    let text = std::fs::read_to_string(&path).unwrap().replace("out/{tile}", "out/{id}_{tile}");
    std::fs::write(path, text).unwrap();
    let path = field.path("whole.toml");
    let text = std::fs::read_to_string(&path).unwrap().replace("whole.tif", "{id}_whole.tif");
    std::fs::write(path, text).unwrap();
    field.done(&["--rules", "rules.toml", "--quiet"]);
    field.done(&["--rules", "whole.toml", "--quiet"]);
    for id in ["s20200603", "s20200609", "s20200614"] {
        let all = Pixels::of(&field.path(&format!("out/{id}_mosaic.vrt")));
        let size = (all.width, all.height());
        assert_eq!(size, super::SIZE);
        let whole = Pixels::of(&field.path(&format!("{id}_whole.tif")));
        assert!(all.window((0, 0), size) == whole.window((0, 0), size), "{id}");
        let one = report(&field.path(&format!("out/{id}_mosaic.json")));
        assert_eq!((one["target"].as_str(), one["tiles"]["written"].as_u64()), (Some(id), Some(4)));
    }
}

/// Ground that is masked everywhere and never filled has no pixel, and its record says which rule took it.
#[test]
fn a_tile_without_a_pixel_keeps_its_record_of_the_masks() {
    let rules = "[target]\nscene = \"s20200614\"\n[[mask]]\nname = \"all\"\nkind = \"range\"\nband = \"red\"\nmin = 0\n";
    let field = Field::new(&STACK, 256, rules, "", "nodata = 0\nmask = true");
    assert_eq!(assert_tiles(&field, 256), 9);
}
