//! Resampling from one UTM zone to the next.

use crate::stack::{Noise, block};
use crate::{Size, Work};
use compose_core::{Block, Grid, Transform, ValidityMode, Window};
use compose_io::align::{Alignment, NativeBlock, Resampler, Resampling, decide};
use compose_io::crs::{CrsRegistry, Transformer};
use ndarray::Array2;
use std::ops::RangeInclusive;

pub(crate) struct Resample {
    resampler: Resampler,
    cubic: bool,
    /// Where the answer lies on the target grid, and the pixels that it needs on the native one.
    window: Window,
    read: Window,
    native: Block,
    /// Exact places of the answer's pixels in `native`, made once: the plain way is about the sums.
    places: Array2<(f64, f64)>,
    out: Block,
}

pub(crate) fn between_zones(method: &str, size: Size) -> Resample {
    let systems = CrsRegistry::new();
    let grid = |crs: &str, (x0, y0): (f64, f64), side: usize| Grid {
        width: side,
        height: side,
        transform: Transform { x0, dx: 30.0, y0, dy: -30.0 },
        crs: Some(systems.from_user_input(crs).expect("a system that is known")),
    };
    let target = grid("EPSG:32613", (200_000.0, 4_427_415.0), 7000);
    let native = grid("EPSG:32612", (705_000.0, 4_427_500.0), 7400);
    let parsed: Resampling = method.parse().expect("a method that is known");
    let decision = decide(&target, &native, parsed).expect("a way between the zones");
    let Alignment::Resample(resampler) = decision.alignment else { panic!("{}", decision.reason) };
    let window = Window { col: 512, row: 1024, width: size.side, height: size.side };
    let read = resampler.native_window(window).expect("a window on the native grid");
    Resample {
        cubic: method == "cubic",
        window,
        read,
        native: block(ValidityMode::Joint, size.bands, (read.height, read.width), &mut Noise(1)),
        places: places(&target, &native, window, read),
        out: Block::empty(size.bands, ValidityMode::Joint, size.side, size.side),
        resampler,
    }
}

/// Exact places of the pixels' centres of `window`, counted from the corner of `read`.
fn places(target: &Grid, native: &Grid, window: Window, read: Window) -> Array2<(f64, f64)> {
    let (from, to) = (target.crs.as_ref().expect("a system"), native.crs.as_ref().expect("a system"));
    let there = Transformer::new(from, to).expect("a way between the zones");
    let centres = (0..window.height).flat_map(|row| (0..window.width).map(move |col| (row, col)));
    let (mut xs, mut ys): (Vec<f64>, Vec<f64>) = centres
        .map(|(row, col)| (window.col as f64 + col as f64 + 0.5, window.row as f64 + row as f64 + 0.5))
        .map(|(col, row)| target.transform.to_map(col, row))
        .unzip();
    there.transform(&mut xs, &mut ys);
    let native = |(x, y): (&f64, &f64)| {
        let (col, row) = native.transform.to_pixel(*x, *y);
        (col - read.col as f64, row - read.row as f64)
    };
    let all = xs.iter().zip(&ys).map(native).collect();
    Array2::from_shape_vec((window.height, window.width), all).expect("a place for each pixel")
}

/// Keys' cubic convolution with a = -1/2.
fn keys(distance: f64) -> f64 {
    match distance.abs() {
        d if d <= 1.0 => 1.5 * d.powi(3) - 2.5 * d.powi(2) + 1.0,
        d => -0.5 * d.powi(3) + 2.5 * d.powi(2) - 4.0 * d + 2.0,
    }
}

fn linear(distance: f64) -> f64 {
    1.0 - distance.abs()
}

impl Resample {
    fn tap(&self, band: usize, row: i64, col: i64) -> Option<f64> {
        let (_, height, width) = self.native.valid.dim();
        let inside = (0..height as i64).contains(&row) && (0..width as i64).contains(&col);
        let at = (row.max(0) as usize, col.max(0) as usize);
        let valid = inside && self.native.valid[[0, at.0, at.1]] != 0;
        valid.then(|| f64::from(self.native.values[[band, at.0, at.1]]))
    }

    /// The weighted mean over the valid taps, and whether all of them are.
    fn sum(
        &self,
        band: usize,
        place: (f64, f64),
        reach: RangeInclusive<i64>,
        weight: fn(f64) -> f64,
    ) -> (f64, bool) {
        let (x, y) = place;
        let (col, row) = ((x - 0.5).floor(), (y - 0.5).floor());
        let (fx, fy) = (x - 0.5 - col, y - 0.5 - row);
        let (mut sum, mut weights, mut whole) = (0.0, 0.0, true);
        for (dr, dc) in reach.clone().flat_map(|r| reach.clone().map(move |c| (r, c))) {
            match self.tap(band, row as i64 + dr, col as i64 + dc) {
                Some(value) => {
                    let w = weight(fx - dc as f64) * weight(fy - dr as f64);
                    (sum, weights) = (sum + w * value, weights + w);
                }
                None => whole = false,
            }
        }
        (sum / weights, whole)
    }

    fn pixel(&self, band: usize, (x, y): (f64, f64)) -> Option<f64> {
        self.tap(band, y.floor() as i64, x.floor() as i64)?;
        if self.cubic
            && let (value, true) = self.sum(band, (x, y), -1..=2, keys)
        {
            return Some(value);
        }
        Some(self.sum(band, (x, y), 0..=1, linear).0)
    }
}

impl Work for Resample {
    fn fast(&mut self) {
        let Self { resampler, window, read, native, out, .. } = self;
        let native = NativeBlock { window: *read, values: native.values.view(), valid: native.valid.view() };
        resampler.resample(*window, &native, out);
    }

    fn plain(&mut self) {
        for band in 0..self.out.values.dim().0 {
            for (row, col) in
                (0..self.window.height).flat_map(|r| (0..self.window.width).map(move |c| (r, c)))
            {
                let value = self.pixel(band, self.places[[row, col]]);
                self.out.valid[[0, row, col]] = u8::from(value.is_some());
                self.out.values[[band, row, col]] = value.unwrap_or(0.0) as f32;
            }
        }
    }

    fn answer(&self) -> Vec<Option<f32>> {
        let all = self.out.values.indexed_iter();
        all.map(|((_, row, col), v)| (self.out.valid[[0, row, col]] != 0).then_some(*v)).collect()
    }

    /// Noise of 20000 from pixel to pixel, places within 1e-6 of the exact ones.
    fn tolerance(&self) -> f32 {
        0.05
    }

    fn samples(&self) -> usize {
        self.out.values.len()
    }
}
