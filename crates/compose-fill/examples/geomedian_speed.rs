//! Time and answers of `geomedian`, one thread, to be held against another implementation:
//! `cargo run --release -p compose-fill --example geomedian_speed -- WIDTH HEIGHT BANDS LOOKS IN [OUT] [STRATEGY]`.
//!
//! IN holds float32 samples, look by look, band by band, row by row; a pixel with a NaN in any band is not seen. OUT gets
//! the result in the same form, for one look.

use compose_core::{
    Block, Canvas, Cast, DataType, Donor, FillInput, Grid, SettingsTable, StackFacts, Transform,
    ValidityMode, Window,
};
use compose_fill::{KINDS, parse_fill};
use ndarray::{Array3, Axis, s};
use std::time::Instant;
use toml::de::DeTable;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [width, height, bands, looks] = [0, 1, 2, 3].map(|at| words[at].parse::<usize>().expect("a number"));
    let bytes = std::fs::read(&words[4]).expect("IN can be read");
    let mut samples = bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let blocks: Vec<Block> = (0..looks).map(|_| block((bands, height, width), &mut samples)).collect();
    let strategy = words.get(6).map_or("geomedian", String::as_str);
    let (best, values) = measure(strategy, &blocks);
    println!("{:.4} us per pixel", best * 1e6 / (width * height) as f64);
    if let Some(out) = words.get(5) {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        std::fs::write(out, bytes).expect("OUT can be written");
    }
}

fn block(shape: (usize, usize, usize), samples: &mut impl Iterator<Item = f32>) -> Block {
    let values = Array3::from_shape_simple_fn(shape, || samples.next().expect("IN is long enough"));
    let seen = values.map_axis(Axis(0), |spectrum| u8::from(!spectrum.iter().any(|v| v.is_nan())));
    Block { values: values.mapv(|v| if v.is_nan() { 0.0 } else { v }), valid: seen.insert_axis(Axis(0)) }
}

/// The best of some runs in seconds, and the result; NaN where there is none.
fn measure(strategy: &str, blocks: &[Block]) -> (f64, Array3<f32>) {
    let text = format!("strategy = \"{strategy}\"");
    let table = SettingsTable::new(0..text.len(), DeTable::parse(&text).unwrap().into_inner());
    let (_, fill) = parse_fill(table, "fill", &KINDS.iter().collect::<Vec<_>>(), &[]).expect("a strategy");
    let (bands, height, width) = blocks[0].values.dim();
    let transform = Transform { x0: 0.0, dx: 1.0, y0: 0.0, dy: -1.0 };
    let grid = Grid { width, height, transform, crs: None };
    let (validity, scenes) = (ValidityMode::Joint, &[]);
    let bound = fill
        .bind(&StackFacts { target: None, target_day: None, scenes, grid: &grid, validity })
        .unwrap()
        .without_survey()
        .unwrap();
    let donors: Vec<_> = blocks
        .iter()
        .enumerate()
        .map(|(scene, block)| Donor { scene, day: None, block, exact: true, score: None })
        .collect();
    let window = Window::whole(width, height);
    let input = FillInput { window, target: None, donors: &donors, observations: None };
    let cast = Cast { dtype: DataType::Float32, nodata: None };
    let (mut best, mut canvas) = (f64::INFINITY, Canvas::new(window, bands, validity, cast));
    for _ in 0..5 {
        canvas = Canvas::new(window, bands, validity, cast);
        let start = Instant::now();
        bound.fill(&input, &mut canvas).unwrap();
        best = best.min(start.elapsed().as_secs_f64());
    }
    for ((_, row, col), _) in canvas.source.indexed_iter().filter(|(_, source)| **source == compose_core::GAP)
    {
        canvas.values.slice_mut(s![.., row, col]).fill(f32::NAN);
    }
    (best, canvas.values)
}
