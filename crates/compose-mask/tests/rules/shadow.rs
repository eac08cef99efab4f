//! Shadows by geometry: found where they are known to lie, on any grid, in windows of any size.

use crate::stage::{Pixels, Stage, grid};
use compose_core::{DataType, Sun, quality};
use ndarray::Array2;
use proptest::prelude::*;

const RULE: &str = "kind = 'shadow-geometry'\nclouds = { kind = 'bits', any = ['cloud'] }";
const HEIGHT: usize = 260;
const WIDTH: usize = 320;

/// Centre (row, col), half axes (rows, cols), height in metres.
type Cloud = ((f64, f64), (f64, f64), f64);

const CLOUDS: [Cloud; 5] = [
    ((70.0, 90.0), (14.0, 22.0), 900.0),
    ((80.0, 240.0), (9.0, 7.0), 1500.0),
    ((180.0, 70.0), (5.0, 6.0), 600.0),
    ((190.0, 180.0), (20.0, 34.0), 2000.0),
    ((130.0, 290.0), (3.0, 4.0), 1000.0),
];

struct Known {
    stage: Stage,
    shadow: Array2<u8>,
}

/// Land with a lake and forests, clouds, and the shadows that they throw.
fn known(sun: Sun, south_up: bool) -> Known {
    let mut codes = Array2::zeros((HEIGHT, WIDTH));
    let mut shadow = Array2::zeros((HEIGHT, WIDTH));
    let length = 1.0 / sun.elevation.to_radians().tan() / 30.0;
    let (sin, cos) = sun.azimuth.to_radians().sin_cos();
    for row in 0..HEIGHT {
        for col in 0..WIDTH {
            let within = |(mid, axes, _): &&Cloud| {
                ((row as f64 - mid.0) / axes.0).powi(2) + ((col as f64 - mid.1) / axes.1).powi(2) <= 1.0
            };
            let Some((_, _, height)) = CLOUDS.iter().find(within) else { continue };
            codes[[row, col]] = 2;
            let south = if south_up { -cos } else { cos };
            let to = (row as f64 + south * height * length, col as f64 - sin * height * length);
            let to = (to.0.round() as i64, to.1.round() as i64);
            if (0..HEIGHT as i64).contains(&to.0) && (0..WIDTH as i64).contains(&to.1) {
                shadow[[to.0 as usize, to.1 as usize]] = 1;
            }
        }
    }
    shadow.zip_mut_with(&codes, |s, code| *s &= u8::from(*code == 0));
    let nir = Array2::from_shape_fn((HEIGHT, WIDTH), |at| nir(at, codes[at] != 0, shadow[at] != 0));
    let mut stage = Stage::new(grid(WIDTH, HEIGHT, 30.0, if south_up { -30.0 } else { 30.0 }), None);
    stage.scene.sun = Some(sun);
    let band = stage.add("nir", DataType::Int16, Pixels::Data(nir, Array2::ones((HEIGHT, WIDTH))));
    band.scale_offset = Some((0.0001, 0.0));
    let inside = Array2::ones((HEIGHT, WIDTH));
    stage.add("Fmask", DataType::UInt8, Pixels::Codes(codes, inside)).layout = quality::find("hls-v2").ok();
    Known { stage, shadow }
}

/// Numbers that look like land, without chance.
fn nir((row, col): (usize, usize), cloud: bool, shadow: bool) -> f32 {
    let noise = ((row * 7919 + col * 104_729) % 601) as f32 - 300.0;
    let lake = (120..150).contains(&row) && (120..150).contains(&col);
    let forest = (row / 50 + col / 60) % 3 == 0;
    match (cloud, lake, forest) {
        (true, ..) => 7000.0 + noise,
        (_, true, _) => 250.0,
        (.., forest) => (if forest { 2600.0 } else { 3200.0 } + noise) * if shadow { 0.4 } else { 1.0 },
    }
}

/// Shares of the known shadow that is found, and of what is found that is shadow.
fn recall_and_precision(known: &Known, toml: &str) -> (f64, f64) {
    let rule = known.stage.bind(toml).unwrap();
    let found = known.stage.marked(&*rule, (HEIGHT, WIDTH));
    let count = |plane: &Array2<u8>| plane.iter().filter(|m| **m != 0).count() as f64;
    let both = count(&(&found & &known.shadow));
    (both / count(&known.shadow), both / count(&found).max(1.0))
}

#[test]
fn known_shadows_are_found_wherever_the_sun_stands() {
    for azimuth in [20.0, 97.0, 135.0, 225.0, -60.0] {
        for elevation in [35.0, 60.0] {
            let known = known(Sun { elevation, azimuth }, false);
            let (recall, precision) = recall_and_precision(&known, RULE);
            assert!(recall > 0.97 && precision > 0.93, "{elevation} {azimuth}: {recall:.3} {precision:.3}");
        }
    }
}

#[test]
fn shadows_are_found_on_a_grid_that_counts_rows_from_the_south() {
    let (recall, precision) =
        recall_and_precision(&known(Sun { elevation: 45.0, azimuth: 140.0 }, true), RULE);
    assert!(recall > 0.97 && precision > 0.93, "{recall:.3} {precision:.3}");
}

#[test]
fn a_sun_that_stands_elsewhere_finds_little() {
    let known = known(Sun { elevation: 50.0, azimuth: 135.0 }, false);
    let (recall, _) = recall_and_precision(&known, &format!("{RULE}\nsun-elevation = 50\nsun-azimuth = 315"));
    assert!(recall < 0.3, "{recall:.3}");
}

#[test]
fn heights_that_leave_the_clouds_out_leave_their_shadows_out() {
    let known = known(Sun { elevation: 50.0, azimuth: 135.0 }, false);
    let (recall, _) = recall_and_precision(&known, &format!("{RULE}\nheights = [6000, 9000]"));
    assert!(recall < 0.2, "{recall:.3}");
}

#[test]
fn fill_and_what_is_outside_throw_no_shadow() {
    let mut known = known(Sun { elevation: 50.0, azimuth: 135.0 }, false);
    let Pixels::Codes(codes, _) = &mut known.stage.pixels[1] else { panic!("the second band holds codes") };
    // Fill has every bit set, that of clouds too.
    codes.mapv_inplace(|code| if code == 2 { 255 } else { code });
    let rule = known.stage.bind(RULE).unwrap();
    assert!(known.stage.marked(&*rule, (HEIGHT, WIDTH)).iter().all(|m| *m == 0));
}

#[test]
fn a_leaf_counts_in_pixels_of_the_grid_that_the_tree_runs_on() {
    let mut stage = Stage::new(grid(8, 8, 30.0, 30.0), None);
    stage.scene.sun = Some(Sun { elevation: 45.0, azimuth: 90.0 });
    let data = || Pixels::Data(Array2::zeros((8, 8)), Array2::ones((8, 8)));
    stage.add("B4", DataType::Int16, data());
    for name in ["nir", "nir-fine"] {
        stage.add(name, DataType::Int16, data()).scale_offset = Some((0.0001, 0.0));
    }
    let codes = Pixels::Codes(Array2::zeros((8, 8)), Array2::ones((8, 8)));
    stage.add("Fmask", DataType::UInt8, codes).layout = quality::find("hls-v2").ok();
    for band in [1, 3] {
        stage.scene.bands[band].grid = grid(4, 4, 60.0, 60.0);
    }
    let describe = |toml: &str| stage.bind(toml).unwrap().describe();
    let grown = "kind = 'shadow-geometry', heights = [600, 1200], clouds = { kind = 'bits', any = ['cloud'], grow = '120 m' }";
    let said = |px, far| {
        format!(
            "shadows of (Fmask: cloud (bit 1); grow 120 m ({px} px)), {far} px away (sun 45.0° high in 90.0°), where"
        )
    };
    assert!(
        describe(&grown.replace(", heights", "\nheights").replace(", clouds", "\nclouds"))
            .starts_with(&said(2, "10 to 20"))
    );
    let mixed = describe(&format!("any = [{{ {grown} }}, {{ kind = 'range', band = 'B4', max = 3 }}]"));
    assert!(mixed.starts_with(&format!("({}", said(4, "20 to 40"))), "{mixed}");
    let fine = describe(&format!("any = [{{ {grown}, bands = ['nir-fine'] }}]"));
    assert!(fine.starts_with(&format!("({}", said(4, "20 to 40"))), "{fine}");
}

#[test]
fn context_is_asked_for_by_the_clouds_and_the_shadows_together() {
    let known = known(Sun { elevation: 45.0, azimuth: 90.0 }, false);
    let bound = |toml: &str| known.stage.bind(toml).unwrap();
    // 2 around a shadow, 10 of distance, 63 for the cells beside, 95 for the cells that tell what is dark.
    let plain = bound(&format!("{RULE}\nheights = [30, 300]"));
    assert_eq!((plain.halo(), plain.needs_neutral(), plain.bands()), (170, false, &[0, 1][..]));
    let grown = bound(
        "kind = 'shadow-geometry'\nheights = [30, 300]\ngrow = 1\nclouds = { kind = 'bits', any = ['cloud'], grow = 3 }",
    );
    assert_eq!((grown.halo(), grown.needs_neutral()), (174, true));
}

/// Blotches of several pixels, as clouds and land are, on more pixels than a window has with its halo.
fn blotches(size: usize) -> impl Strategy<Value = Array2<u32>> {
    let coarse = (ROWS.div_ceil(size), COLS.div_ceil(size));
    proptest::collection::vec(0..10u32, coarse.0 * coarse.1).prop_map(move |cells| {
        Array2::from_shape_fn((ROWS, COLS), |(row, col)| cells[row / size * coarse.1 + col / size])
    })
}

const ROWS: usize = 390;
const COLS: usize = 430;

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn windows_of_any_size_give_what_the_whole_gives(
        cloud in blotches(9),
        land in blotches(5),
        missing in blotches(13),
        azimuth in 0.0..360.0f64,
        tile in (50..200usize, 50..200usize),
        grow in 0..3usize,
    ) {
        let codes = cloud.mapv(|n| [2, 2, 255, 0, 0, 0, 0, 0, 0, 0][n as usize]);
        let nir = land.mapv(|n| 500.0 + 400.0 * n as f32);
        let valid = missing.mapv(|n| u8::from(n != 0));
        let mut stage = Stage::new(grid(COLS, ROWS, 30.0, 30.0), None);
        stage.scene.sun = Some(Sun { elevation: 45.0, azimuth });
        stage.add("nir", DataType::Int16, Pixels::Data(nir, valid)).scale_offset = Some((0.0001, 0.01));
        let inside = Array2::ones((ROWS, COLS));
        stage.add("Fmask", DataType::UInt8, Pixels::Codes(codes, inside)).layout = quality::find("hls-v2").ok();
        let toml = format!(
            "kind = 'shadow-geometry'\nheights = [60, 2400]\nclouds = {{ kind = 'bits', any = ['cloud'], grow = {grow} }}"
        );
        let rule = stage.bind(&toml).unwrap();
        let whole = stage.marked(&*rule, (ROWS, COLS));
        prop_assert!(whole.iter().any(|m| *m != 0), "nothing is marked");
        prop_assert_eq!(stage.marked(&*rule, tile), whole);
    }
}
