//! Pixels against the definition, tap by tap.

use super::*;
use proptest::prelude::*;

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
        let (xs, ys) = exact_positions(&target, &native, Window::whole(target.width, target.height));
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
        let resampler = resampler(&target, &native, Resampling::Bilinear);
        resampler.nearest(whole, native_whole, codes.view(), u32::MAX, out.view_mut());
        let (xs, ys) = positions(&resampler, whole);
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

/// `(30, 0)` as numbers.
fn shift((_, words): (&str, &str)) -> (i64, i64) {
    let (cols, rows) = words.trim_matches(['(', ')']).split_once(", ").unwrap();
    (cols.parse().unwrap(), rows.parse().unwrap())
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
        let decision = decide(&target, &native, method).unwrap();
        prop_assert_eq!(decision.reason.split_once("shift ").map_or((0, 0), shift), (cols, rows));
        let mapping = Mapping::affine(&target.transform, &native.transform);
        let out = bring_whole(&Resampler::new(mapping, method, Window::whole(40, 30)), &target, &scene);
        for ((band, row, col), &value) in out.values.indexed_iter() {
            let from = (row as i64 + rows, col as i64 + cols);
            let inside = (0..30).contains(&from.0) && (0..40).contains(&from.1);
            let (row_from, col_from) = if inside { (from.0 as usize, from.1 as usize) } else { (0, 0) };
            let valid = u8::from(inside) * scene.valid[[0, row_from, col_from]];
            prop_assert_eq!(out.valid[[0, row, col]], valid);
            prop_assert_eq!(value, f32::from(valid) * scene.values[[band, row_from, col_from]]);
        }
    }

    #[test]
    fn a_bilinear_pixel_lies_between_the_valid_pixels_around_it(
        x in 0.0..6.0_f64, y in 0.0..5.0_f64, seed in 0..1_000_000_i64,
    ) {
        let native = grid("", (0.0, 1.0), (0.0, 1.0), (6, 5));
        let mut scene = scene(&native, 1, ValidityMode::Joint, f32::NAN);
        for ((_, r, c), valid) in scene.valid.indexed_iter_mut() {
            *valid = u8::from(noise(9, r as i64 + seed, c as i64).is_multiple_of(2));
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
