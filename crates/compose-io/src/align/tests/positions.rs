//! Coordinates against those of every centre transformed by itself.

use super::*;

fn largest_error(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    let off = |(a, b): (&f64, &f64)| {
        assert_eq!(a.is_nan(), b.is_nan());
        if a.is_nan() { 0.0 } else { (a - b).abs() }
    };
    a.iter().zip(b).map(off).fold(0.0, f64::max)
}

/// Largest error of the resampler's positions over a window, in native pixels.
fn error_on(resampler: &Resampler, target: &Grid, native: &Grid, window: Window) -> f64 {
    let (xs, ys) = positions(resampler, window);
    let (exact_xs, exact_ys) = exact_positions(target, native, window);
    largest_error(&xs, &exact_xs).max(largest_error(&ys, &exact_ys))
}

#[test]
fn positions_are_within_the_bound_of_the_exact_ones() {
    for case in CASES {
        let (target, native) = pair(case);
        let resampler = resampler(&target, &native, Resampling::Bilinear);
        let error = error_on(&resampler, &target, &native, Window::whole(target.width, target.height));
        println!("{case:?}: lattice {:?}, largest error {error:.1e} px", resampler.lattice());
        assert!(error <= 2e-5, "{case:?}: {error}");
    }
}

/// Sizes of the scenes that people have; the figures in `docs/alignment.md` are from here.
#[test]
fn whole_scenes_between_common_systems_are_within_the_bound() {
    let square = |crs, x0, y0, size: f64, pixels| grid(crs, (x0, size), (y0, -size), (pixels, pixels));
    let sinusoidal = "+proj=sinu +R=6371007.181 +units=m +no_defs";
    let pairs = [
        (
            square("EPSG:32613", 200_000.0, 4_580_000.0, 30.0, 7600),
            square("EPSG:32612", 700_000.0, 4_600_000.0, 30.0, 7600),
        ),
        (
            square("EPSG:32630", 399_960.0, 5_700_000.0, 10.0, 10980),
            square("EPSG:32631", 0.0, 5_700_000.0, 10.0, 10980),
        ),
        (
            square("EPSG:27700", 250_000.0, 150_000.0, 10.0, 10000),
            square("EPSG:3035", 3_330_000.0, 3_210_000.0, 10.0, 12000),
        ),
        (
            square("EPSG:5070", -900_000.0, 2_000_000.0, 30.0, 5000),
            square("EPSG:32613", 350_000.0, 4_700_000.0, 30.0, 7600),
        ),
        (
            square("EPSG:32613", 300_000.0, 4_500_000.0, 463.0, 600),
            square(sinusoidal, -9_600_000.0, 4_600_000.0, 463.312_716_5, 2400),
        ),
        (
            square("EPSG:4326", -106.0, 40.5, 0.000_25, 8000),
            square("EPSG:32613", 400_000.0, 4_500_000.0, 30.0, 7600),
        ),
        (
            square("EPSG:4326", -106.0, 40.5, 0.03, 60),
            square("EPSG:32613", 400_000.0, 4_500_000.0, 30.0, 7600),
        ),
        (
            square("EPSG:3413", -200_000.0, -2_000_000.0, 60.0, 4000),
            square("EPSG:32624", 300_000.0, 8_000_000.0, 60.0, 4000),
        ),
    ];
    for (target, native) in &pairs {
        let resampler = resampler(target, native, Resampling::Bilinear);
        let mut error = 0.0_f64;
        for i in 0..64 {
            let at = |pixels: usize, k: usize| (k * (pixels - pixels.min(50)) / 7) as i64;
            let window =
                Window { col: at(target.width, i % 8), row: at(target.height, i / 8), width: 50, height: 50 };
            error = error.max(error_on(&resampler, target, native, window));
        }
        println!("{native} to {target}: {:?}, {error:.1e} px", resampler.lattice());
        assert!(error <= 2e-5, "{native} to {target}: {error}");
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

/// Blocks that a scene is said not to meet are composed without it.
#[test]
fn a_scene_has_no_pixel_outside_the_window_in_which_it_is_looked_for() {
    let mut smaller = 0;
    for case in CASES {
        let (small, native) = pair(case);
        for margin in [0, 40, 300] {
            let mut target = moved(&small, -f64::from(margin), -f64::from(margin) / 2.0);
            (target.width, target.height) =
                (small.width + 2 * margin as usize, small.height + margin as usize);
            let Ok(Decision { alignment: Alignment::Resample(resampler), .. }) =
                decide(&target, &native, Resampling::Cubic)
            else {
                continue;
            };
            let whole = Window::whole(target.width, target.height);
            let found = resampler.target_window(whole);
            smaller += usize::from(found.is_none_or(|found| found.pixels() * 4 < whole.pixels()));
            let (xs, ys) = positions(&resampler, whole);
            for (((row, col), x), y) in xs.indexed_iter().zip(&ys) {
                let inside = *x >= 0.0 && *y >= 0.0 && *x < native.width as f64 && *y < native.height as f64;
                let pixel = Window { col: col as i64, row: row as i64, width: 1, height: 1 };
                let told = found.is_some_and(|found| found.intersect(pixel).is_some());
                assert!(told || !inside, "{case:?}, {margin}: {col}, {row} is not in {found:?}");
            }
        }
    }
    assert!(smaller >= 5, "{smaller}");
}
