//! The grid of the output, from the command line and from `[grid]`.

use crate::support::{CLEAR, Pair, Raster, change, read, sidecar, stderr, stdout, tag};
use gdal::Dataset;
use gdal::spatial_ref::SpatialRef;
use std::path::Path;

/// Origin and pixel size (x, y, dx, dy), columns and rows.
type Place = ([f64; 4], (usize, usize));

fn grid(path: &Path) -> Place {
    let dataset = Dataset::open(path).unwrap();
    let [x, dx, _, y, _, dy] = dataset.geo_transform().unwrap();
    ([x, y, dx, dy], dataset.raster_size())
}

/// Runs with these arguments and reads grid and first band.
fn run(pair: &Pair, more: &[&str]) -> (Place, Vec<u16>) {
    let output = pair.compose(&[more, &["--overwrite"]].concat());
    assert!(output.status.success(), "{more:?}: {}", stderr(&output));
    (grid(&pair.path("out.tif")), read::<u16>(&pair.path("out.tif")).swap_remove(0))
}

/// A 6 × 5 raster two pixels west and one north of the scenes.
fn other(pair: &Pair) {
    Raster { width: 6, bands: vec![vec![1_u8; 30]], shift: (-2.0, -1.0), nodata: None, options: &[] }
        .write(&pair.path("other.tif"));
}

#[test]
fn the_grid_of_another_file_is_taken_with_like() {
    let pair = Pair::new();
    other(&pair);
    let (place, values) = run(&pair, &["--like", "other.tif"]);
    assert_eq!(place, ([404_940.0, 4_500_030.0, 30.0, -30.0], (6, 5)));
    // A row and two columns beyond the scenes, then the target's first row.
    assert_eq!(values[..14], [0, 0, 0, 0, 0, 0, 0, 0, 100, 201, 102, 103, 0, 0]);
    pair.change("[target]", "[grid]\nlike = \"other.tif\"\n\n[target]");
    let (in_rules, same) = run(&pair, &[]);
    assert_eq!((in_rules, same), (place, values));
    assert!(stdout(&pair.compose(&["--plan", "--overwrite"])).contains("like"));
    assert!(pair.refused(&["--like", "nowhere.tif", "--overwrite"]).contains("nowhere.tif"));
    assert!(pair.refused(&["--like", "other.tif", "--res", "30", "--overwrite"]).contains("like"));
}

#[test]
fn bounds_are_taken_with_spaces_or_commas_and_by_their_other_name() {
    let pair = Pair::new();
    let wanted = ([405_030.0, 4_499_970.0, 30.0, -30.0], (2, 2));
    for bounds in
        ["405030 4499910 405090 4499970", "405030,4499910,405090,4499970", "405030, 4499910, 405090, 4499970"]
    {
        for option in ["--bounds", "--bbox"] {
            let (place, values) = run(&pair, &[option, bounds]);
            assert_eq!((place, values), (wanted, vec![105, 0, 109, 110]), "{option} {bounds}");
        }
    }
    let (place, _) =
        run(&pair, &["--bounds", "405030 4499910 405090 4499970", "--res", "30", "--dst-crs", "EPSG:32613"]);
    assert_eq!(place, wanted);
}

#[test]
fn the_grid_can_be_stated_on_the_command_line() {
    let pair = Pair::new();
    let output = pair.compose(&["--bounds", "405030,4499940,405090,4500000", "--res", "30"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(read::<u16>(&pair.path("out.tif")), [[201, 102, 105, 0]]);
    let output =
        pair.compose(&["--overwrite", "--bounds", "405031 4499941 405089 4499999", "--res", "30", "--tap"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(read::<u16>(&pair.path("out.tif")), [[201, 102, 105, 0]]);
}

#[test]
fn tap_moves_bounds_outward_to_whole_multiples() {
    let pair = Pair::new();
    let (place, values) = run(&pair, &["--bounds", "405001 4499911 405119 4499999", "--tap"]);
    assert_eq!(place, ([405_000.0, 4_500_000.0, 30.0, -30.0], (4, 3)));
    assert_eq!(values, Pair::new().result(&[]));
    // Bounds of pixels that have nothing to do with those of the scenes are not moved unasked.
    let text = pair.refused(&["--bounds", "405001 4499911 405119 4499999", "--res", "40", "--overwrite"]);
    assert!(text.contains("whole") && text.contains("snap"), "{text}");
    // 405 000 is no multiple of 100 m: the grid begins before it.
    let (place, _) = run(&pair, &["--res", "100,50", "--tap"]);
    assert_eq!(place, ([405_000.0, 4_500_000.0, 100.0, -50.0], (2, 2)));
    let (place, _) = run(&pair, &["--res", "70", "--tap"]);
    assert_eq!(place.0[0] % 70.0, 0.0);
    assert!(place.0[0] <= 405_000.0 && place.0[1] >= 4_500_000.0);
}

/// The scenes half a pixel off the multiples of their resolution, as Landsat's are.
fn off_the_multiples() -> Pair {
    let pair = Pair::new();
    for name in ["a_b1.tif", "b_b1.tif", "a_qa.tif", "b_qa.tif"] {
        change(&pair.path(name), |file| {
            let x = 405_015.0 - 1e-7;
            file.set_geo_transform(&[x, 30.0, 0.0, 4_499_985.0, 0.0, -30.0]).unwrap();
        });
    }
    pair
}

#[test]
fn a_crop_is_the_window_of_whole_pixels_of_the_target() {
    let pair = off_the_multiples();
    let inside = "405046 4499926 405104 4499954";
    let (place, values) = run(&pair, &["--bounds", inside]);
    assert_eq!(place, ([405_045.0 - 1e-7, 4_499_955.0, 30.0, -30.0], (2, 1)));
    // Pixel 6 is a cloud in both scenes.
    assert_eq!(values, [105, 0]);
    // Multiples of the resolution that are a whole number of pixels apart are not the target's pixels.
    let (place, values) = run(&pair, &["--bounds", "405000 4499880 405150 4500000", "--res", "30"]);
    assert_eq!(place, ([404_985.0 - 1e-7, 4_500_015.0, 30.0, -30.0], (6, 5)));
    assert_eq!(values[7..11], [100, 201, 102, 103]);
    let plan = stdout(&pair.compose(&["--plan", "--overwrite", "--bounds", inside]));
    let moved = "bounds snapped outward to the target's pixels: left 405046 to 405044.9999999";
    assert!(plan.contains(moved) && !plan.contains("resample"), "{plan}");
    assert!(plan.contains("size: 2 × 1 pixels, image 4 B"), "{plan}");
    pair.change("[target]", "[grid]\nbounds = [405046, 4499926, 405104, 4499954]\n\n[target]");
    assert_eq!(run(&pair, &[]), (([405_045.0 - 1e-7, 4_499_955.0, 30.0, -30.0], (2, 1)), vec![105, 0]));
}

#[test]
fn a_target_that_is_resampled_is_a_remark_everywhere() {
    let pair = off_the_multiples();
    let tap = ["--bounds", "405046 4499926 405104 4499954", "--tap", "--overwrite", "--nodata", "9"];
    let output = pair.compose(&tap);
    assert!(output.status.success(), "{}", stderr(&output));
    let how = "resampled (bilinear), sub-pixel shift of -0.50, -0.50";
    let said = stderr(&output);
    assert!(said.contains(&format!("note: scene a, the target: {how}")) && said.contains("--tap"), "{said}");
    let report = sidecar(&pair.path("out.tif"));
    assert_eq!(report["result"]["observed"], how);
    assert_eq!(tag(&pair.path("out_provenance.tif"), "COMPOSE_OBSERVED").as_deref(), Some(how));
    run(&pair, &[]);
    assert_eq!(sidecar(&pair.path("out.tif"))["result"]["observed"], "copied");
    assert_eq!(tag(&pair.path("out_provenance.tif"), "COMPOSE_OBSERVED"), None);
}

#[test]
fn a_crop_in_thirds_of_a_degree_and_bounds_in_another_system_keep_to_the_targets_pixels() {
    let pair = Pair::new();
    let step = 1.0 / 3600.0;
    let (x, y) = (-105.000_138_888_888_9, 40.000_138_888_888_89);
    for name in ["a_b1.tif", "b_b1.tif", "a_qa.tif", "b_qa.tif"] {
        change(&pair.path(name), |file| {
            file.set_spatial_ref(&SpatialRef::from_epsg(4326).unwrap()).unwrap();
            file.set_geo_transform(&[x, step, 0.0, y, 0.0, -step]).unwrap();
        });
    }
    let bounds = format!("{:.7} {:.7} {:.7} {:.7}", x + step, y - 3.0 * step, x + 3.0 * step, y - step);
    for size in ["0.000277777777778", "0.00027778"] {
        let (place, values) = run(&pair, &["--bounds", &bounds, "--res", size]);
        assert_eq!(place, ([x + step, y - step, step, -step], (2, 2)), "{bounds}");
        assert_eq!(values, [105, 0, 109, 110]);
    }
    let in_metres = ["--bounds", "500000 4427730 500010 4427740", "--bounds-crs", "EPSG:32613"];
    let (([left, top, ..], size), _) = run(&pair, &in_metres);
    assert_eq!(size, (1, 1));
    let whole = |pixels: f64| (pixels - pixels.round()).abs() < 1e-6;
    assert!(whole((left - x) / step) && whole((top - y) / step), "{left} {top}");
}

#[test]
fn without_a_target_bounds_keep_to_the_pixels_that_all_scenes_share() {
    let pair = off_the_multiples();
    pair.change("scene = \"a\"", "date = 2020-06-01");
    let (place, _) = run(&pair, &["--bounds", "405046 4499926 405104 4499954"]);
    assert_eq!(place, ([405_045.0 - 1e-7, 4_499_955.0, 30.0, -30.0], (2, 1)));
    // A multiple of their size begins at their corner.
    let (place, _) = run(&pair, &["--res", "60"]);
    assert_eq!(place, ([405_015.0 - 1e-7, 4_499_985.0, 60.0, -60.0], (2, 2)));
}

#[test]
fn a_size_that_cannot_be_meant_is_refused_before_anything_is_spent_on_it() {
    let pair = Pair::new();
    for (more, said) in [
        (&["--res", "0.0003"][..], "400000 × 300000 pixels, 223.5 GB, more than 1000000 times the 24 pixels"),
        (&["--res", "0.0000001"], "pixels"),
        (&["--res", "30000"], "a pixel of 30000 × 30000 is larger than the target, 120 × 90"),
        (&["--bounds", "405000 4499910 4294967296 4500000"], "143152077 × 3 pixels"),
    ] {
        let text = pair.refused(&[more, &["--plan"]].concat());
        assert!(text.contains(said) && text.lines().count() == 1, "{more:?}: {text}");
        pair.refused(more);
    }
}

/// The rules file says nothing of a grid: nothing in it is wrong.
#[test]
fn a_resolution_on_the_command_line_that_does_not_divide_the_target_is_its_mistake() {
    let pair = Pair::new();
    for more in [&["--res", "70"][..], &["--dst-crs", "EPSG:4326", "--res", "0.0001"]] {
        let text = pair.refused(more);
        assert!(text.contains("--res: bounds are") && !text.contains("rules.toml"), "{more:?}: {text}");
    }
    let elsewhere = "+proj=gnom +lat_0=-40 +lon_0=75";
    let text = pair.refused(&["--dst-crs", elsewhere, "--res", "30"]);
    assert!(text.contains("--dst-crs: bounds"), "{text}");
}

#[test]
fn another_resolution_is_resampled_with_the_method_asked_for() {
    let pair = Pair::new();
    pair.raster("a_qa.tif", vec![CLEAR; 12]);
    // 15 m from 30 m: each pixel four times.
    let (place, nearest) = run(&pair, &["--res", "15", "--resampling", "nearest"]);
    assert_eq!(place, ([405_000.0, 4_500_000.0, 15.0, -15.0], (8, 6)));
    assert_eq!(nearest[..8], [100, 100, 101, 101, 102, 102, 103, 103]);
    let (_, near) = run(&pair, &["--res", "15", "-r", "near"]);
    assert_eq!(near, nearest);
    // At quarter points between 100 and 101: 100.25 and 100.75 are 100 and 101.
    let (_, bilinear) = run(&pair, &["--res", "15"]);
    assert_eq!(bilinear[..4], [100, 100, 101, 101]);
    assert_eq!(bilinear[16..20], [103, 103, 104, 104]);
    let (_, cubic) = run(&pair, &["--res", "15", "-r", "cubic"]);
    assert_eq!(cubic.len(), 48);
    assert!(pair.refused(&["-r", "lanczos", "--overwrite"]).contains("lanczos"));
}

#[test]
fn another_coordinate_system_needs_a_resolution_and_takes_the_scenes_bounds() {
    let pair = Pair::new();
    let text = pair.refused(&["--dst-crs", "EPSG:32612"]);
    assert!(text.contains("resolution"), "{text}");
    let (([x, y, dx, dy], (width, height)), values) =
        run(&pair, &["--dst-crs", "EPSG:32612", "--res", "30", "--tap", "--nodata", "9"]);
    assert!((dx, dy) == (30.0, -30.0) && x % 30.0 == 0.0 && y % 30.0 == 0.0);
    // Zone 12's central meridian is 4.9° to the west: the scene is turned and keeps its size, more or less.
    assert!((4..=7).contains(&width) && (3..=6).contains(&height), "{width} × {height}");
    assert!(values.iter().filter(|v| **v != 9).count() >= 9, "{values:?}");
    let dataset = Dataset::open(pair.path("out.tif")).unwrap();
    assert_eq!(dataset.spatial_ref().unwrap().auth_code().unwrap(), 32612);
    assert!(pair.refused(&["--dst-crs", "EPSG:1", "--res", "30", "--overwrite"]).contains("EPSG:1"));
    let plan =
        stdout(&pair.compose(&["--plan", "--dst-crs", "EPSG:32612", "--res", "30", "--tap", "--overwrite"]));
    assert!(plan.contains("resample: EPSG:32613 to EPSG:32612, bilinear"), "{plan}");
}

#[test]
fn bounds_may_be_in_another_system_than_the_grid() {
    let pair = Pair::new();
    let geographic = "-106.1235 40.6447 -106.1222 40.6454";
    let (place, _) = run(&pair, &["--bounds", geographic, "--bounds-crs", "EPSG:4326", "--tap"]);
    let ([x, y, dx, _], (width, height)) = place;
    assert_eq!((dx, x % 30.0, y % 30.0), (30.0, 0.0, 0.0));
    assert!((404_900.0..405_200.0).contains(&x) && width < 8 && height < 8, "{place:?}");
    assert!(pair.refused(&["--bounds-crs", "EPSG:4326", "--overwrite"]).contains("--bounds"));
}

#[test]
fn a_grid_that_cannot_be_is_refused() {
    let pair = Pair::new();
    for (more, said) in [
        (&["--bounds", "405090 4499910 405030 4499970"][..], "left < right"),
        (&["--bounds", "1 2 3"], "four numbers"),
        (&["--bounds", "0 0 inf 30"], "inf"),
        (&["--res", "0"], "positive"),
        (&["--res=-30"], "positive"),
        (&["--res", "1e-9"], "pixels"),
        (&["--bounds", "0 0 30 30"], "does not meet"),
    ] {
        let text = pair.refused(more);
        assert!(text.contains(said), "{more:?}: {text}");
    }
}

#[test]
fn a_negative_resolution_is_told_to_be_positive() {
    let text = Pair::new().refused(&["--res", "-30"]);
    assert!(text.contains("positive"), "{text}");
}

#[test]
fn each_scene_is_repaired_under_a_name_of_its_own() {
    let pair = Pair::new();
    let output = pair.compose(&["--target", "each", "-o", "{id}_{date}.tif"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(read::<u16>(&pair.path("a_2020-06-01.tif"))[0][1], 201);
    assert_eq!(read::<u16>(&pair.path("b_2020-06-17.tif"))[0][7], 107);
}

#[test]
fn each_target_is_repaired_on_its_own_grid_and_named_by_the_pattern() {
    let pair = Pair::new();
    Raster {
        width: 3,
        bands: vec![(200..206_u16).collect()],
        shift: (1.0, 1.0),
        nodata: Some(0.0),
        options: &[],
    }
    .write(&pair.path("b_b1.tif"));
    Raster { width: 3, bands: vec![vec![CLEAR; 6]], shift: (1.0, 1.0), nodata: None, options: &[] }
        .write(&pair.path("b_qa.tif"));
    let output = pair.compose(&["--target", "each", "-o", "{id} of {date}.tif"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(grid(&pair.path("a of 2020-06-01.tif")).1, (4, 3));
    assert_eq!(grid(&pair.path("b of 2020-06-17.tif")).1, (3, 2));
    for name in ["a of 2020-06-01", "b of 2020-06-17"] {
        assert!(
            pair.path(&format!("{name}.json")).exists()
                && pair.path(&format!("{name}_provenance.tif")).exists()
        );
    }
    // Pixel 6 of a lies under pixel 1 of b.
    assert_eq!(read::<u16>(&pair.path("a of 2020-06-01.tif"))[0][6], 201);
    let text = pair.refused(&["--target", "each", "-o", "same.tif"]);
    assert!(text.contains("same.tif") && text.contains("{id}"), "{text}");
}

#[test]
fn each_target_may_be_brought_to_one_grid() {
    let pair = Pair::new();
    other(&pair);
    let output = pair.compose(&["--target", "each", "-o", "{id}.tif", "--like", "other.tif"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(grid(&pair.path("a.tif")), grid(&pair.path("other.tif")));
    assert_eq!(grid(&pair.path("b.tif")), grid(&pair.path("other.tif")));
}

#[test]
fn a_target_on_the_command_line_wins_and_must_be_there() {
    let pair = Pair::new();
    let (_, values) = run(&pair, &["--target", "b"]);
    assert_eq!(values[5..9], [205, 0, 107, 208]);
    let text = pair.refused(&["--target", "c", "--overwrite"]);
    assert!(text.contains("\"c\"") && text.contains("a, b"), "{text}");
}

#[test]
fn a_date_and_the_inputs_nodata_may_be_said_on_the_command_line() {
    let pair = Pair::new();
    pair.change("[target]\nscene = \"a\"\n", "");
    // From b's date, b comes first.
    let (_, values) = run(&pair, &["--date", "2020-06-17"]);
    assert_eq!(values[5..9], [205, 0, 107, 208]);
    let (_, values) = run(&pair, &["-d", "2020-06-02", "--src-nodata", "100"]);
    assert_eq!(values[..2], [200, 201]);
    assert!(pair.refused(&["--date", "2020-13-01", "--overwrite"]).contains("2020-13-01"));
}

#[test]
fn a_pixel_outside_the_grid_is_not_explained_but_refused() {
    let text = Pair::new().refused(&["--explain", "0 0"]);
    assert!(text.contains("0") && text.contains("outside"), "{text}");
}
