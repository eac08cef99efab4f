//! Mpixel/s of each statistic (samples: pixels × bands), one thread:
//! `cargo run --release -p compose-fill --example median_speed`.

use compose_core::{
    Block, Canvas, Cast, DataType, Donor, FillInput, Grid, SettingsTable, StackFacts, Transform,
    ValidityMode, Window,
};
use compose_fill::{KINDS, parse_fill};
use std::time::Instant;
use toml::de::DeTable;

const BANDS: usize = 6;
const SIDE: usize = 512;

/// A cheap generator of numbers that look random.
fn noise(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

/// A block of 16-bit samples with about 30 % unusable pixels, singly (the hardest case) or in runs.
fn block(mode: ValidityMode, state: &mut u64) -> Block {
    let mut block = Block::empty(BANDS, mode, SIDE, SIDE);
    block.values.iter_mut().for_each(|v| *v = (noise(state) % 20_000) as f32);
    block.valid.iter_mut().for_each(|v| *v = u8::from(noise(state) % 10 >= 3));
    block
}

fn measure(strategy: &str, dates: usize, mode: ValidityMode) -> f64 {
    let text = format!("strategy = \"{strategy}\"");
    let table = SettingsTable::new(0..text.len(), DeTable::parse(&text).unwrap().into_inner());
    let kinds: Vec<_> = KINDS.iter().collect();
    let (_, fill) = parse_fill(table, "fill", &kinds, &[]).unwrap();
    let transform = Transform { x0: 0.0, dx: 1.0, y0: 0.0, dy: -1.0 };
    let grid = Grid { width: SIDE, height: SIDE, transform, crs: None };
    let bound = fill
        .bind(&StackFacts { target: None, target_day: None, scenes: &[], grid: &grid, validity: mode })
        .unwrap()
        .without_survey()
        .unwrap();
    let state = &mut 1;
    let blocks: Vec<Block> = (0..dates).map(|_| block(mode, state)).collect();
    let donors: Vec<_> = blocks
        .iter()
        .enumerate()
        .map(|(scene, block)| Donor { scene, day: None, block, exact: true, score: None })
        .collect();
    let window = Window::whole(SIDE, SIDE);
    let input = FillInput { window, target: None, donors: &donors, observations: None };
    let empty = Canvas::new(window, BANDS, mode, Cast { dtype: DataType::UInt16, nodata: Some(0.0) });
    let mut best = f64::INFINITY;
    for _ in 0..9 {
        let mut canvas = empty.clone();
        let start = Instant::now();
        bound.fill(&input, &mut canvas).unwrap();
        best = best.min(start.elapsed().as_secs_f64());
    }
    (SIDE * SIDE * BANDS) as f64 / best / 1e6
}

/// Everything, or what the arguments name, such as `median-stack Joint 12`.
fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    for mode in [ValidityMode::Joint, ValidityMode::PerBand] {
        for strategy in ["median-stack", "mean-stack"] {
            for dates in [3, 8, 12, 16, 32, 64, 65] {
                let words = [strategy.to_string(), format!("{mode:?}"), dates.to_string()];
                if wanted.iter().all(|w| words.contains(w)) {
                    println!("{}: {:.0} Mpixel/s", words.join(" "), measure(strategy, dates, mode));
                }
            }
        }
    }
}
