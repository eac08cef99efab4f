//! Decisions, and pixels against a reference that transforms every centre and weighs every tap plainly.

use super::*;
use crate::crs::CrsRegistry;
use compose_core::{Transform, ValidityMode};
use ndarray::{Array2, Array3, s};
use proptest::prelude::*;
use std::sync::LazyLock;

static SYSTEMS: LazyLock<CrsRegistry> = LazyLock::new(CrsRegistry::new);

/// A grid of `width` × `height` pixels of `dx` × `dy` from (`x0`, `y0`); `crs` "" for none.
fn grid(crs: &str, (x0, dx): (f64, f64), (y0, dy): (f64, f64), (width, height): (usize, usize)) -> Grid {
    let crs = (!crs.is_empty()).then(|| SYSTEMS.from_user_input(crs).unwrap());
    Grid { width, height, transform: Transform { x0, dx, y0, dy }, crs }
}

/// A Landsat-like scene of UTM zone 13, 200 × 160 pixels.
fn landsat() -> Grid {
    grid("EPSG:32613", (452_385.0, 30.0), (4_427_415.0, -30.0), (200, 160))
}

fn moved(base: &Grid, cols: f64, rows: f64) -> Grid {
    let mut grid = base.clone();
    (grid.transform.x0, grid.transform.y0) = base.transform.to_map(cols, rows);
    grid
}

fn reason(target: &Grid, native: &Grid) -> String {
    decide(target, native, Resampling::Bilinear).unwrap().reason
}

fn refusal(target: &Grid, native: &Grid) -> String {
    decide(target, native, Resampling::Bilinear).unwrap_err().to_string()
}

fn resampler(target: &Grid, native: &Grid, method: Resampling) -> Resampler {
    match decide(target, native, method).unwrap() {
        Decision { alignment: Alignment::Resample(resampler), .. } => resampler,
        other => panic!("{other:?}"),
    }
}

// ---- decisions ----

#[test]
fn equal_grids_are_pasted() {
    assert_eq!(reason(&landsat(), &landsat()), "paste: same grid");
    let mut plain = landsat();
    plain.crs = None;
    assert_eq!(reason(&plain, &plain), "paste: same grid");
}

#[test]
fn a_whole_pixel_shift_is_pasted_and_rounding_noise_is_no_shift() {
    let target = landsat();
    for noise in [0.0, 1e-9, -3e-5, 9e-5] {
        let native = moved(&target, -30.0 + noise, noise);
        let decision = decide(&target, &native, Resampling::Cubic).unwrap();
        assert_eq!(decision.reason, "paste: whole-pixel shift (30, 0)", "{noise}");
        assert!(matches!(decision.alignment, Alignment::Paste { cols: 30, rows: 0 }));
        let whole = Window::whole(200, 160);
        let expected = Window { col: 30, row: 0, width: 170, height: 160 };
        assert_eq!(decision.alignment.native_window(whole, &native), Some(expected));
    }
}

#[test]
fn a_pixel_size_that_drifts_is_pasted_only_while_the_drift_is_not_visible() {
    let mut native = landsat();
    native.transform.dx = 30.0 * (1.0 + 0.9e-4 / 200.0);
    assert_eq!(reason(&landsat(), &native), "paste: same grid");
    native.transform.dx = 30.0 * (1.0 + 1.2e-4 / 200.0);
    assert_eq!(reason(&landsat(), &native), "resample: pixel 30.000018 × 30 m to 30 m");
}

#[test]
fn other_shifts_and_sizes_are_resampled_and_say_so() {
    let target = landsat();
    let words = |cols, rows| reason(&target, &moved(&target, cols, rows));
    assert_eq!(words(-0.31, 0.0), "resample: sub-pixel shift of 0.31, 0.00");
    assert_eq!(words(-30.31, 7.5), "resample: sub-pixel shift of 0.31, 0.50");
    assert_eq!(words(0.0002, 0.0), "resample: sub-pixel shift of -0.0002, 0.00");
    let fine = grid("EPSG:32613", (452_385.0, 10.0), (4_427_415.0, -10.0), (600, 480));
    let coarse = grid("EPSG:32613", (452_385.0, 20.0), (4_427_415.0, -20.0), (300, 240));
    assert_eq!(reason(&coarse, &fine), "resample: pixel 10 m to 20 m");
    let degrees = grid("EPSG:4326", (-105.0, 0.00025), (40.0, -0.0005), (100, 100));
    assert_eq!(
        reason(&degrees, &grid("EPSG:4326", (-105.0, 0.0005), (40.0, -0.0005), (100, 100))),
        "resample: pixel 0.0005° to 0.00025 × 0.0005°"
    );
    let upside_down = grid("EPSG:32613", (452_385.0, 30.0), (4_427_415.0 - 4800.0, 30.0), (200, 160));
    assert_eq!(reason(&target, &upside_down), "resample: the rows or columns run the other way");
}

#[test]
fn grids_without_a_common_pixel_are_told_apart_before_a_pixel_is_read() {
    let target = landsat();
    assert_eq!(reason(&target, &moved(&target, 200.0, 0.0)), words("-200 to 0 and rows 0 to 160"));
    assert_eq!(reason(&target, &moved(&target, 0.5, -1000.0)), words("-1 to 200 and rows 1000 to 1160"));
    let far = grid("EPSG:32612", (300_000.0, 30.0), (4_427_415.0, -30.0), (200, 160));
    let decision = decide(&target, &far, Resampling::Bilinear).unwrap();
    assert!(matches!(decision.alignment, Alignment::Disjoint), "{decision:?}");
    assert!(decision.reason.starts_with("no overlap: the target lies on columns"), "{}", decision.reason);
    let beyond = grid("EPSG:4326", (75.0, 0.01), (99.0, -0.01), (300, 300));
    let reason = reason(&beyond, &target);
    assert_eq!(reason, "no overlap: no pixel of the target has a place in EPSG:32613");

    fn words(columns: &str) -> String {
        format!("no overlap: the target lies on columns {columns} of 200 × 160 pixels")
    }
}

#[test]
fn a_crs_on_one_side_only_is_refused_by_name() {
    let (stated, mut silent) = (landsat(), landsat());
    silent.crs = None;
    let message = refusal(&stated, &silent);
    assert!(
        message.starts_with("the scene grid states no CRS, the target grid is in EPSG:32613"),
        "{message}"
    );
    let message = refusal(&silent, &stated);
    assert!(
        message.starts_with("the target grid states no CRS, the scene grid is in EPSG:32613"),
        "{message}"
    );
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let mut flat = landsat();
    flat.transform.dy = 0.0;
    assert!(refusal(&landsat(), &flat).starts_with("the scene grid has pixels of 30 × 0 from"));
    let local = grid(r#"LOCAL_CS["Test site",UNIT["metre",1]]"#, (0.0, 30.0), (0.0, -30.0), (9, 9));
    assert!(refusal(&landsat(), &local).starts_with("no coordinate operation leads from EPSG:32613 to Test"));
    assert_eq!(reason(&local, &local), "paste: same grid");
    let message = "lanczos".parse::<Resampling>().unwrap_err().to_string();
    assert_eq!(message, "resampling \"lanczos\" is unknown; expected nearest, bilinear or cubic");
}

#[test]
fn methods_are_known_by_their_names() {
    for method in [Resampling::Nearest, Resampling::Bilinear, Resampling::Cubic] {
        assert_eq!(method.to_string().parse::<Resampling>().unwrap(), method);
    }
    assert_eq!("near".parse::<Resampling>().unwrap(), Resampling::Nearest);
}

#[test]
fn two_names_of_one_map_are_pasted() {
    let target = landsat();
    let mut native = moved(&target, -2.0, 1.0);
    native.crs = Some(SYSTEMS.from_user_input("+proj=utm +zone=13 +ellps=WGS84 +units=m").unwrap());
    let reason = reason(&target, &native);
    assert!(reason.starts_with("paste: whole-pixel shift (2, -1) ("), "{reason}");
}

#[test]
fn the_reason_between_systems_names_both_and_the_method() {
    let (target, native) = pair(Case::Zones);
    let decision = decide(&target, &native, Resampling::Bilinear).unwrap();
    assert_eq!(decision.reason, "resample: EPSG:32612 to EPSG:32613, bilinear");
}

// ---- positions ----

#[derive(Clone, Copy, Debug, PartialEq)]
enum Case {
    SubPixel,
    Coarser,
    Finer,
    UpsideDown,
    Zones,
    Britain,
    Geographic,
    Antimeridian,
    DomainEdge,
}

const CASES: [Case; 9] = [
    Case::SubPixel,
    Case::Coarser,
    Case::Finer,
    Case::UpsideDown,
    Case::Zones,
    Case::Britain,
    Case::Geographic,
    Case::Antimeridian,
    Case::DomainEdge,
];

/// (target, native)
fn pair(case: Case) -> (Grid, Grid) {
    let utm = |dx: f64, size| grid("EPSG:32613", (452_385.0, dx), (4_427_415.0, -dx), size);
    match case {
        Case::SubPixel => (utm(30.0, (90, 70)), moved(&utm(30.0, (80, 75)), 3.31, -2.0)),
        Case::Coarser => (utm(20.0, (45, 40)), utm(10.0, (88, 77))),
        Case::Finer => (utm(10.0, (90, 80)), moved(&utm(20.0, (50, 44)), -1.0, 2.0)),
        Case::UpsideDown => (
            utm(30.0, (90, 70)),
            grid("EPSG:32613", (452_385.0 + 2700.0, -30.0), (4_427_415.0 - 2100.0, 30.0), (90, 70)),
        ),
        Case::Zones => (
            grid("EPSG:32613", (200_000.0, 30.0), (4_427_415.0, -30.0), (90, 70)),
            grid("EPSG:32612", (712_900.0, 30.0), (4_424_500.0, -30.0), (100, 60)),
        ),
        Case::Britain => (
            grid("EPSG:27700", (290_000.0, 20.0), (95_000.0, -20.0), (90, 70)),
            grid("EPSG:3035", (3_370_300.0, 20.0), (3_158_700.0, -20.0), (80, 90)),
        ),
        Case::Geographic => (
            grid("EPSG:4326", (-106.0, 0.03), (40.5, -0.03), (60, 50)),
            grid("EPSG:32613", (440_000.0, 1000.0), (4_470_000.0, -1000.0), (100, 120)),
        ),
        Case::Antimeridian => (
            grid("EPSG:32601", (160_000.0, 2000.0), (5_600_000.0, -2000.0), (90, 70)),
            grid("EPSG:4326", (-180.0, 0.02), (51.0, -0.02), (150, 140)),
        ),
        Case::DomainEdge => (
            grid("EPSG:4326", (-108.0, 0.05), (90.8, -0.03), (90, 70)),
            grid("EPSG:32613", (499_500.0, 100.0), (9_990_000.0, -2000.0), (90, 70)),
        ),
    }
}

/// Native positions of all target pixels, each transformed by itself.
fn exact_positions(target: &Grid, native: &Grid) -> (Array2<f64>, Array2<f64>) {
    let shape = (target.height, target.width);
    let pixels = (0..target.height as i64).flat_map(|r| (0..target.width as i64).map(move |c| (c, r)));
    let (xs, ys): (Vec<f64>, Vec<f64>) = if target.same_crs(native) {
        let place = |(c, r)| {
            let (x, y) = target.transform.to_map(c as f64 + 0.5, r as f64 + 0.5);
            native.transform.to_pixel(x, y)
        };
        pixels.map(place).unzip()
    } else {
        let (from, to) = (target.crs.as_ref().unwrap(), native.crs.as_ref().unwrap());
        let transformer = Transformer::new(from, to).unwrap();
        Exact::new(transformer, target.transform, native.transform).positions(pixels)
    };
    (Array2::from_shape_vec(shape, xs).unwrap(), Array2::from_shape_vec(shape, ys).unwrap())
}

/// Positions as the resampler has them.
fn positions(resampler: &Resampler, window: Window) -> (Array2<f64>, Array2<f64>) {
    let shape = (window.height, window.width);
    let (mut xs, mut ys) = (Array2::zeros(shape), Array2::zeros(shape));
    let rows = resampler.mapping().rows(window);
    for r in 0..window.height {
        let (mut x, mut y) = (xs.row_mut(r), ys.row_mut(r));
        rows.fill(r, x.as_slice_mut().unwrap(), y.as_slice_mut().unwrap());
    }
    (xs, ys)
}

fn largest_error(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    let off = |(a, b): (&f64, &f64)| {
        assert_eq!(a.is_nan(), b.is_nan());
        if a.is_nan() { 0.0 } else { (a - b).abs() }
    };
    a.iter().zip(b).map(off).fold(0.0, f64::max)
}

#[test]
fn positions_are_within_the_bound_of_the_exact_ones() {
    for case in CASES {
        let (target, native) = pair(case);
        let resampler = resampler(&target, &native, Resampling::Bilinear);
        let (xs, ys) = positions(&resampler, Window::whole(target.width, target.height));
        let (exact_xs, exact_ys) = exact_positions(&target, &native);
        let error = largest_error(&xs, &exact_xs).max(largest_error(&ys, &exact_ys));
        println!("{case:?}: lattice {:?}, largest error {error:.1e} px", resampler.lattice());
        assert!(error <= 2e-5, "{case:?}: {error}");
    }
}

#[test]
fn coarser_pixels_fall_on_corners_without_rounding_noise() {
    // 1e6 / 3 metres from the origin: every position carries noise of some 1e-11.
    let native = grid("EPSG:32613", (1e6 / 3.0, 10.0), (4e6 / 3.0, -10.0), (400, 400));
    let target = grid("EPSG:32613", (1e6 / 3.0 + 20.0 / 1.0, 20.0), (4e6 / 3.0 - 20.0, -20.0), (190, 190));
    let resampler = resampler(&target, &native, Resampling::Nearest);
    let (xs, ys) = positions(&resampler, Window::whole(190, 190));
    for ((r, c), &x) in xs.indexed_iter() {
        assert_eq!((x, ys[[r, c]]), (2.0 * c as f64 + 3.0, 2.0 * r as f64 + 3.0));
    }
}

// ---- pixels ----

/// Samples between 0 and 20 000 that look random and depend on the place alone.
fn noise(band: usize, row: i64, col: i64) -> u64 {
    let mut x = (band as u64) << 40 ^ (row as u64) << 20 ^ col as u64;
    for _ in 0..3 {
        x = (x ^ (x >> 29)).wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678_9abc_def1);
    }
    x >> 33
}

/// A scene on the whole native grid: a fifth of the pixels is not valid and holds `poison`.
fn scene(native: &Grid, bands: usize, mode: ValidityMode, poison: f32) -> Block {
    let mut block = Block::empty(bands, mode, native.height, native.width);
    let planes = block.valid.dim().0;
    for ((plane, row, col), valid) in block.valid.indexed_iter_mut() {
        *valid = u8::from(noise(100 + plane, row as i64, col as i64) % 5 != 0);
    }
    for ((band, row, col), value) in block.values.indexed_iter_mut() {
        let valid = block.valid[[band.min(planes - 1), row, col]] != 0;
        *value = if valid { (noise(band, row as i64, col as i64) % 20_000) as f32 } else { poison };
    }
    block
}

/// Brings one window over, reading no more than the native window.
fn bring(resampler: &Resampler, target: Window, scene: &Block, out: &mut Block) {
    let Some(window) = resampler.native_window(target) else { return };
    let (row, col) = (window.row as usize, window.col as usize);
    let piece = s![.., row..row + window.height, col..col + window.width];
    let native = NativeBlock { window, values: scene.values.slice(piece), valid: scene.valid.slice(piece) };
    resampler.resample(target, &native, out);
}

fn bring_whole(resampler: &Resampler, target: &Grid, scene: &Block) -> Block {
    let (bands, planes) = (scene.values.dim().0, scene.valid.dim().0);
    let (h, w) = (target.height, target.width);
    let mut out = Block { values: Array3::zeros((bands, h, w)), valid: Array3::zeros((planes, h, w)) };
    bring(resampler, Window::whole(w, h), scene, &mut out);
    out
}

/// The definition, tap by tap, for one pixel of one band; `None` where it is not valid.
fn plainly(method: Resampling, scene: &Block, band: usize, x: f64, y: f64) -> Option<f64> {
    let (planes, height, width) = scene.valid.dim();
    let tap = |row: i64, col: i64| -> Option<f64> {
        let inside = row >= 0 && row < height as i64 && col >= 0 && col < width as i64;
        let at = (row.max(0) as usize, col.max(0) as usize);
        let valid = inside && scene.valid[[band.min(planes - 1), at.0, at.1]] != 0;
        valid.then(|| f64::from(scene.values[[band, at.0, at.1]]))
    };
    if x.is_nan() {
        return None;
    }
    let nearest = tap(y.floor() as i64, x.floor() as i64)?;
    let (col, row) = ((x - 0.5).floor() as i64, (y - 0.5).floor() as i64);
    let (fx, fy) = (x - 0.5 - col as f64, y - 0.5 - row as f64);
    let keys = |d: f64| match d.abs() {
        d if d <= 1.0 => 1.5 * d.powi(3) - 2.5 * d.powi(2) + 1.0,
        d => -0.5 * d.powi(3) + 2.5 * d.powi(2) - 4.0 * d + 2.0,
    };
    let sum = |reach: std::ops::RangeInclusive<i64>, weight: &dyn Fn(f64) -> f64| {
        let (mut sum, mut weights, mut whole) = (0.0, 0.0, true);
        for (dr, dc) in reach.clone().flat_map(|r| reach.clone().map(move |c| (r, c))) {
            match tap(row + dr, col + dc) {
                Some(v) => {
                    let w = weight(fx - dc as f64) * weight(fy - dr as f64);
                    (sum, weights) = (sum + w * v, weights + w);
                }
                None => whole = false,
            }
        }
        (sum / weights, whole)
    };
    Some(match method {
        Resampling::Nearest => nearest,
        Resampling::Bilinear => sum(0..=1, &|d| 1.0 - d.abs()).0,
        Resampling::Cubic => match sum(-1..=2, &keys) {
            (value, true) => value,
            (_, false) => sum(0..=1, &|d| 1.0 - d.abs()).0,
        },
    })
}

#[test]
fn pixels_equal_the_plain_definition_with_exact_coordinates() {
    for (case, method, mode) in everything() {
        let (target, native) = pair(case);
        let scene = scene(&native, 2, mode, f32::NAN);
        let out = bring_whole(&resampler(&target, &native, method), &target, &scene);
        let (xs, ys) = exact_positions(&target, &native);
        let (mut compared, mut different) = (0, 0);
        for ((band, row, col), &value) in out.values.indexed_iter() {
            let (x, y) = (xs[[row, col]], ys[[row, col]]);
            let near_an_edge = |p: f64| p.is_finite() && (2.0 * p - (2.0 * p).round()).abs() < 1e-4;
            if target.crs_label() != native.crs_label() && (near_an_edge(x) || near_an_edge(y)) {
                continue; // where the last digits decide which pixel is the nearest
            }
            let expected = plainly(method, &scene, band, x, y);
            let valid = out.valid[[band.min(mode.planes(2) - 1), row, col]] != 0;
            assert_eq!(valid, expected.is_some(), "{case:?} {method} at {col}, {row}");
            if let Some(expected) = expected {
                compared += 1;
                let off = (f64::from(value) - expected).abs();
                assert!(off < 0.5, "{case:?} {method} at {col}, {row}: {value}, not {expected}");
                different += u32::from(f64::from(value).round() != expected.round());
            }
        }
        assert!(compared > 2000, "{case:?}: {compared}");
        assert!(f64::from(different) <= 0.002 * f64::from(compared), "{case:?} {method}: {different}");
    }
}

fn everything() -> impl Iterator<Item = (Case, Resampling, ValidityMode)> {
    CASES.into_iter().flat_map(|case| {
        [Resampling::Nearest, Resampling::Bilinear, Resampling::Cubic].into_iter().flat_map(move |method| {
            [ValidityMode::Joint, ValidityMode::PerBand].map(move |mode| (case, method, mode))
        })
    })
}

#[test]
fn a_masked_pixel_gives_nothing_to_its_neighbours() {
    for (case, method, mode) in everything() {
        let (target, native) = pair(case);
        let resampler = resampler(&target, &native, method);
        let brought = |poison| bring_whole(&resampler, &target, &scene(&native, 2, mode, poison));
        let clean = brought(0.0);
        for poison in [f32::NAN, f32::INFINITY, -1e30] {
            assert_eq!(brought(poison), clean, "{case:?} {method} {poison}");
        }
    }
}

#[test]
fn equal_pixels_stay_equal_to_the_bit() {
    for (case, method, mode) in everything() {
        let (target, native) = pair(case);
        let mut scene = scene(&native, 1, mode, 0.0);
        scene.values.fill(0.1);
        let out = bring_whole(&resampler(&target, &native, method), &target, &scene);
        for (value, valid) in out.values.iter().zip(&out.valid) {
            assert_eq!(*value, 0.1 * f32::from(*valid), "{case:?} {method}");
        }
    }
}

#[test]
fn rows_that_run_the_other_way_are_turned_without_loss() {
    let (target, native) = pair(Case::UpsideDown);
    let scene = scene(&native, 1, ValidityMode::Joint, 7.0);
    let out = bring_whole(&resampler(&target, &native, Resampling::Bilinear), &target, &scene);
    for ((_, row, col), &valid) in out.valid.indexed_iter() {
        let at = [0, native.height - 1 - row, native.width - 1 - col];
        assert_eq!(
            (valid, out.values[[0, row, col]]),
            (scene.valid[at], scene.values[at] * f32::from(valid))
        );
    }
}

#[test]
fn a_window_that_misses_the_native_grid_needs_no_pixel_of_it() {
    let (target, native) = pair(Case::SubPixel);
    let resampler = resampler(&target, &native, Resampling::Cubic);
    assert_eq!(resampler.native_window(Window { col: 86, row: 0, width: 4, height: 9 }), None);
    let mut out = Block::empty(1, ValidityMode::Joint, 1, 4);
    let native = NativeBlock {
        window: Window::whole(0, 0),
        values: ArrayView3::from_shape((1, 0, 0), &[]).unwrap(),
        valid: ArrayView3::from_shape((1, 0, 0), &[]).unwrap(),
    };
    resampler.resample(Window { col: 86, row: 3, width: 4, height: 1 }, &native, &mut out);
    assert!(out.valid.iter().all(|&v| v == 0));
}

#[test]
#[should_panic(expected = "is needed but")]
fn a_native_block_that_is_too_small_is_not_taken_for_a_masked_one() {
    let (target, native) = pair(Case::SubPixel);
    let scene = scene(&native, 1, ValidityMode::Joint, 0.0);
    let small = Window::whole(5, 5);
    let piece = s![.., ..5, ..5];
    let block =
        NativeBlock { window: small, values: scene.values.slice(piece), valid: scene.valid.slice(piece) };
    let mut out = Block::empty(1, ValidityMode::Joint, 70, 90);
    resampler(&target, &native, Resampling::Bilinear).resample(Window::whole(90, 70), &block, &mut out);
}

#[test]
fn codes_are_brought_by_the_nearest_pixel_and_never_mixed() {
    for case in CASES {
        let (target, native) = pair(case);
        let codes = Array2::from_shape_fn((native.height, native.width), |(r, c)| {
            noise(3, r as i64, c as i64) as u32
        });
        let whole = Window::whole(target.width, target.height);
        let native_whole = Window::whole(native.width, native.height);
        let mut out = Array2::zeros((target.height, target.width));
        let decision = decide(&target, &native, Resampling::Bilinear).unwrap();
        decision.alignment.bring_codes(whole, native_whole, codes.view(), u32::MAX, out.view_mut());
        let (xs, ys) = positions(&resampler(&target, &native, Resampling::Nearest), whole);
        for ((row, col), &code) in out.indexed_iter() {
            let (x, y) = (xs[[row, col]].floor(), ys[[row, col]].floor());
            let inside = x >= 0.0 && y >= 0.0 && x < native.width as f64 && y < native.height as f64;
            let expected = if inside { codes[[y as usize, x as usize]] } else { u32::MAX };
            assert_eq!(code, expected, "{case:?} at {col}, {row}");
        }
    }
}

/// Cuts an axis at the given places (taken modulo its length).
fn cuts(length: usize, places: &[usize]) -> Vec<(usize, usize)> {
    let mut at: Vec<usize> = places.iter().map(|p| p % length).chain([0, length]).collect();
    at.sort_unstable();
    at.dedup();
    at.windows(2).map(|w| (w[0], w[1] - w[0])).collect()
}

fn methods() -> impl Strategy<Value = Resampling> {
    prop::sample::select(vec![Resampling::Nearest, Resampling::Bilinear, Resampling::Cubic])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_partition_into_blocks_gives_the_same_bits(
        case in prop::sample::select(CASES.to_vec()),
        method in methods(),
        per_band in any::<bool>(),
        cols in prop::collection::vec(0..1000_usize, 0..6),
        rows in prop::collection::vec(0..1000_usize, 0..6),
    ) {
        let (target, native) = pair(case);
        let mode = if per_band { ValidityMode::PerBand } else { ValidityMode::Joint };
        let scene = scene(&native, 2, mode, f32::NAN);
        let resampler = resampler(&target, &native, method);
        let whole = bring_whole(&resampler, &target, &scene);
        for (row, height) in cuts(target.height, &rows) {
            for (col, width) in cuts(target.width, &cols) {
                let window = Window { col: col as i64, row: row as i64, width, height };
                let mut block = Block::empty(2, mode, height, width);
                bring(&resampler, window, &scene, &mut block);
                let piece = s![.., row..row + height, col..col + width];
                prop_assert_eq!(&block.valid, &whole.valid.slice(piece));
                prop_assert_eq!(&block.values, &whole.values.slice(piece));
            }
        }
    }

    #[test]
    fn resampling_by_whole_pixels_is_pasting(
        method in methods(), cols in -20..20_i64, rows in -20..20_i64, far in -1e6..1e6_f64,
    ) {
        let target = grid("", (far, 30.0), (far * 3.0, -30.0), (40, 30));
        let native = moved(&target, -cols as f64, -rows as f64);
        let scene = scene(&native, 2, ValidityMode::Joint, 0.0);
        let window = Window::whole(40, 30);
        let block = NativeBlock { window, values: scene.values.view(), valid: scene.valid.view() };
        let decision = decide(&target, &native, method).unwrap();
        let shift = match decision.alignment {
            Alignment::Paste { cols, rows } => Some((cols, rows)),
            _ => None,
        };
        prop_assert_eq!(shift, Some((cols, rows)));
        let mapping = Mapping::affine(&target.transform, &native.transform);
        let mut pasted = Block::empty(2, ValidityMode::Joint, 30, 40);
        let mut resampled = pasted.clone();
        decision.alignment.bring(window, &block, &mut pasted);
        Resampler::new(mapping, method, window).resample(window, &block, &mut resampled);
        prop_assert_eq!(pasted, resampled);
    }

    #[test]
    fn a_bilinear_pixel_lies_between_the_valid_pixels_around_it(
        x in 0.0..6.0_f64, y in 0.0..5.0_f64, seed in 0..1_000_000_i64,
    ) {
        let native = grid("", (0.0, 1.0), (0.0, 1.0), (6, 5));
        let mut scene = scene(&native, 1, ValidityMode::Joint, f32::NAN);
        for ((_, r, c), valid) in scene.valid.indexed_iter_mut() {
            *valid = u8::from(noise(9, r as i64 + seed, c as i64) % 2 == 0);
            scene.values[[0, r, c]] = if *valid == 1 { noise(8, r as i64, c as i64 + seed) as f32 } else { f32::NAN };
        }
        let target = grid("", (x - 0.05, 0.1), (y - 0.05, 0.1), (1, 1));
        let mapping = Mapping::affine(&target.transform, &native.transform);
        let resampler = Resampler::new(mapping, Resampling::Bilinear, Window::whole(6, 5));
        let out = bring_whole(&resampler, &target, &scene);
        let (row, col) = (y as usize, x as usize);
        prop_assert_eq!(out.valid[[0, 0, 0]], scene.valid[[0, row, col]]);
        if out.valid[[0, 0, 0]] == 1 {
            let around = s![0, row.saturating_sub(1)..(row + 2).min(5), col.saturating_sub(1)..(col + 2).min(6)];
            let valid = scene.values.slice(around).iter().copied().filter(|v| !v.is_nan()).collect::<Vec<_>>();
            let least = valid.iter().copied().fold(f32::INFINITY, f32::min);
            let most = valid.iter().copied().fold(0.0, f32::max);
            let value = out.values[[0, 0, 0]];
            prop_assert!(least <= value && value <= most, "{} not in {}..{}", value, least, most);
        }
    }
}

/// Time on a processor: other work on the machine does not count.
fn seconds_of_this_thread() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("a measurement for Linux");
    stat.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// `cargo test --release -p compose-io align::tests::how_fast -- --ignored --nocapture`
#[test]
#[ignore = "a measurement, for docs/alignment.md"]
fn how_fast() {
    use std::time::Instant;
    let mean = |work: &mut dyn FnMut()| {
        let (start, times) = (seconds_of_this_thread(), 40);
        (0..times).for_each(|_| work());
        (seconds_of_this_thread() - start) / f64::from(times)
    };
    let target = grid("EPSG:32613", (200_000.0, 30.0), (4_427_415.0, -30.0), (7000, 7000));
    let native = grid("EPSG:32612", (705_000.0, 30.0), (4_427_500.0, -30.0), (7400, 7400));
    let window = Window { col: 512, row: 1024, width: 1024, height: 512 };
    let bands = 6;
    for method in [Resampling::Nearest, Resampling::Bilinear, Resampling::Cubic] {
        let start = Instant::now();
        let resampler = resampler(&target, &native, method);
        let decided = start.elapsed();
        let read = resampler.native_window(window).unwrap();
        let per_pixel = mean(&mut || {
            std::hint::black_box(resampler.native_window(window));
        }) / window.pixels() as f64;
        println!("{method}: decided in {decided:.1?}; native window: {:.1} ns per pixel", per_pixel * 1e9);
        for (mode, masked) in [ValidityMode::Joint, ValidityMode::PerBand].map(|m| [(m, 0), (m, 20)]).concat()
        {
            let size = Grid { width: read.width, height: read.height, ..native.clone() };
            let mut scene = scene(&size, bands, mode, f32::NAN);
            if masked == 0 {
                scene.valid.fill(1);
                scene.values.mapv_inplace(|v| if v.is_nan() { 1.0 } else { v });
            }
            let block = NativeBlock { window: read, values: scene.values.view(), valid: scene.valid.view() };
            let mut out = Block::empty(bands, mode, window.height, window.width);
            let seconds = mean(&mut || resampler.resample(window, &block, &mut out));
            let rate = (bands * window.pixels()) as f64 / seconds / 1e6;
            println!("{method} {mode:?}, {masked} % masked: {rate:.0} Mpixel·band/s");
        }
    }
}
