//! What the border costs: a fill that a plugin does beside the built-in one that does the same, on blocks of
//! 512² pixels, 6 bands and 12 dates:
//! `cargo run --release -p compose-plugin-host --example border_cost -- LIBRARY`.
//!
//! The best of many rounds of each, several at a turn (so that each finds the caches as it leaves them), and their
//! ratio.

use compose_core::{
    BandFacts, BandRole, Block, BoundFill, Canvas, Cast, DataType, Donor, FillInput, Grid, SceneFacts,
    SettingsTable, StackFacts, Transform, ValidityMode, Window,
};
use compose_plugin_host::PluginHost;
use std::path::Path;
use std::time::Instant;
use toml::de::DeTable;

const BANDS: usize = 6;
const DATES: usize = 12;
const SIDE: usize = 512;
const TURNS: usize = 8;
const ROUNDS: usize = 8;

/// A cheap generator of numbers that look random.
fn noise(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

/// 16-bit samples, of which about 30 % are unusable.
fn block(mode: ValidityMode, state: &mut u64) -> Block {
    let mut block = Block::empty(BANDS, mode, SIDE, SIDE);
    block.values.iter_mut().for_each(|v| *v = (noise(state) % 20_000) as f32);
    block.valid.iter_mut().for_each(|v| *v = u8::from(noise(state) % 10 >= 3));
    block
}

fn grid() -> Grid {
    let transform = Transform { x0: 0.0, dx: 30.0, y0: 0.0, dy: -30.0 };
    Grid { width: SIDE, height: SIDE, transform, crs: None }
}

fn scene(id: usize) -> SceneFacts {
    let band = |n: usize| BandFacts {
        name: format!("B{n}"),
        aliases: Vec::new(),
        role: BandRole::Data,
        grid: grid(),
        dtype: DataType::UInt16,
        scale_offset: None,
        layout: None,
        beside: false,
    };
    let bands = (1..=BANDS).map(band).collect();
    let id = id.to_string();
    SceneFacts { id, day: None, sensor: None, sun: None, grid: grid(), bands, wanted: BANDS, quality: None }
}

/// Milliseconds of one fill of a whole block.
fn once(fill: &dyn BoundFill, input: &FillInput<'_>, empty: &Canvas) -> f64 {
    let mut canvas = empty.clone();
    let start = Instant::now();
    fill.fill(input, &mut canvas).unwrap();
    start.elapsed().as_secs_f64() * 1e3
}

fn main() {
    let library = std::env::args().nth(1).expect("the plugin's library");
    let plugin = PluginHost::new(Default::default(), |said| eprintln!("{said}"));
    let plugin = plugin.load(Path::new(&library), None).unwrap_or_else(|e| panic!("{e}"));
    let (scenes, grid): (Vec<SceneFacts>, Grid) = ((0..DATES).map(scene).collect(), grid());
    for mode in [ValidityMode::Joint, ValidityMode::PerBand] {
        let stack =
            StackFacts { target: None, target_day: None, scenes: &scenes, grid: &grid, validity: mode };
        let table = || SettingsTable::new(0..0, DeTable::new());
        let (theirs, built_in) = (plugin.fills[0], &compose_fill::mean_stack::KIND);
        let bind = |kind: &compose_core::fill_strategy::FillKind| {
            (kind.parse)(&table(), &[]).unwrap().bind(&stack).unwrap().without_survey().unwrap()
        };
        let (ours, theirs) = (bind(built_in), bind(theirs));
        let state = &mut 1;
        let blocks: Vec<Block> = (0..DATES).map(|_| block(mode, state)).collect();
        let donor = |(scene, block)| Donor { scene, day: None, block, exact: true, score: None };
        let donors: Vec<Donor<'_>> = blocks.iter().enumerate().map(donor).collect();
        let window = Window::whole(SIDE, SIDE);
        let input = FillInput { window, target: None, donors: &donors, observations: None };
        let empty = Canvas::new(window, BANDS, mode, Cast { dtype: DataType::UInt16, nodata: Some(0.0) });
        let (mut best_ours, mut best_theirs) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..TURNS {
            (0..ROUNDS).for_each(|_| best_ours = best_ours.min(once(&*ours, &input, &empty)));
            (0..ROUNDS).for_each(|_| best_theirs = best_theirs.min(once(&*theirs, &input, &empty)));
        }
        let ratio = best_theirs / best_ours;
        println!("{mode:?}: built-in {best_ours:.2} ms, plugin {best_theirs:.2} ms, ratio {ratio:.3}");
    }
}
