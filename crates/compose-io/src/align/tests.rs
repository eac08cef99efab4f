//! Pairs of grids and scenes to try alignment on.

use super::*;
use crate::crs::CrsRegistry;
use compose_core::{Block, Transform, ValidityMode};
use ndarray::{Array2, Array3, ArrayView3, s};
use std::sync::LazyLock;

mod decisions;
mod pixels;
mod positions;
mod speed;

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

/// Native positions of all pixels of a target window, each transformed by itself.
fn exact_positions(target: &Grid, native: &Grid, window: Window) -> (Array2<f64>, Array2<f64>) {
    let shape = (window.height, window.width);
    let pixels =
        (window.row..window.row_end()).flat_map(|r| (window.col..window.col_end()).map(move |c| (c, r)));
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
        *valid = u8::from(!noise(100 + plane, row as i64, col as i64).is_multiple_of(5));
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
