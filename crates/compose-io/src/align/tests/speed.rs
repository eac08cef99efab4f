//! Speed.

use super::*;

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
