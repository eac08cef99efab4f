//! Stacks made up for tests, and the plain way to a statistic that the fast one is held to.

use compose_core::{
    BandFacts, BandRole, Block, BoundFill, Canvas, Cast, DataType, Day, Donor, FillBinding, FillInput,
    FillStrategy, GAP, Grid, KindError, PlannedFill, STATISTIC, SceneFacts, SettingsTable, StackFacts,
    Transform, ValidityMode, Window,
};
use ndarray::{Array3, s};
use std::sync::Arc;
use toml::de::DeTable;

/// A scene with one band, known by id and day.
pub(crate) fn scene(id: &str, day: Option<i32>) -> SceneFacts {
    let grid = ONE_PIXEL.clone();
    let band = BandFacts {
        name: "B1".into(),
        aliases: Vec::new(),
        role: BandRole::Data,
        grid: grid.clone(),
        dtype: DataType::UInt16,
        scale_offset: None,
        layout: None,
        beside: false,
    };
    SceneFacts {
        id: id.into(),
        day: day.map(Day),
        sensor: None,
        sun: None,
        grid,
        bands: vec![band],
        wanted: 1,
        quality: None,
    }
}

/// The settings as the rules file's `[[fill]]` would state them; the messages of its mistakes.
pub(crate) fn strategy(toml: &str) -> Result<Box<dyn FillStrategy>, Vec<String>> {
    let table = SettingsTable::new(0..toml.len(), DeTable::parse(toml).unwrap().into_inner());
    let (kinds, scores): (Vec<_>, Vec<_>) = (crate::KINDS.iter().collect(), crate::SCORES.iter().collect());
    let parsed = crate::parse_fill(table, "fill 1", &kinds, &scores);
    parsed.map(|(_, fill)| fill).map_err(|problems| problems.into_iter().map(|p| p.message).collect())
}

/// The settings bound to scenes of these ids and days; the target is one of them, or none.
pub(crate) fn bind(
    toml: &str,
    scenes: &[(&str, Option<i32>)],
    target: Option<usize>,
) -> Result<Arc<dyn BoundFill>, KindError> {
    let scenes: Vec<SceneFacts> = scenes.iter().map(|&(id, day)| scene(id, day)).collect();
    let target_day = target.and_then(|t| scenes[t].day);
    strategy(toml).unwrap().bind(&stack(target, target_day, &scenes)).map(ready)
}

fn ready(binding: FillBinding) -> Arc<dyn BoundFill> {
    binding.without_survey().expect("the strategy needs no survey")
}

/// The settings bound to no scenes at all, whose bands are judged one by one.
pub(crate) fn bind_per_band(toml: &str) -> Result<Arc<dyn BoundFill>, KindError> {
    let stack = StackFacts { validity: ValidityMode::PerBand, ..stack(None, None, &[]) };
    strategy(toml).unwrap().bind(&stack).map(ready)
}

/// The stack of these scenes, on a grid of one pixel.
pub(crate) fn stack(target: Option<usize>, target_day: Option<Day>, scenes: &[SceneFacts]) -> StackFacts<'_> {
    StackFacts { target, target_day, scenes, grid: &ONE_PIXEL, validity: ValidityMode::Joint }
}

const TRANSFORM: Transform = Transform { x0: 0.0, dx: 30.0, y0: 0.0, dy: -30.0 };
static ONE_PIXEL: Grid = Grid { width: 1, height: 1, transform: TRANSFORM, crs: None };

/// The ids' numbers of the donors, in order.
pub(crate) fn donors(bound: &dyn PlannedFill) -> Vec<usize> {
    bound.donors().iter().map(|donor| donor.scene).collect()
}

/// Facts of a random stack: what it depends on, and nothing else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Random {
    pub seed: u64,
    /// Share of valid samples.
    pub percent_valid: u64,
    pub mode: ValidityMode,
    pub cast: Cast,
}

impl Random {
    pub fn strategy() -> impl proptest::strategy::Strategy<Value = Self> {
        use proptest::prelude::*;
        let mode = prop_oneof![Just(ValidityMode::Joint), Just(ValidityMode::PerBand)];
        let int16 = Cast { dtype: DataType::Int16, nodata: Some(3.0) };
        let cast = prop_oneof![Just(int16), Just(Cast { dtype: DataType::Float32, nodata: None })];
        (any::<u64>(), 0..=100u64, mode, cast).prop_map(|(seed, percent_valid, mode, cast)| Self {
            seed,
            percent_valid,
            mode,
            cast,
        })
    }

    /// A number that looks random, for the `nth` question of this kind.
    fn noise(self, kind: u64, nth: usize) -> u64 {
        let x = (self.seed ^ kind << 56).wrapping_add(nth as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let x = (x ^ x >> 32).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        x ^ x >> 32
    }

    /// Ties, fractions, both zeros and both infinities.
    fn block(self, bands: usize, scene: usize, window: Window) -> Block {
        let mut block = Block::empty(bands, self.mode, window.height, window.width);
        for (nth, value) in block.values.iter_mut().enumerate() {
            let noise = self.noise(1, scene << 20 | nth);
            *value = match noise % 64 {
                0 => f32::INFINITY,
                1 => f32::NEG_INFINITY,
                2 => -0.0,
                n if n < 32 => (noise >> 8) as u8 as f32 - 100.0,
                _ => (noise >> 8) as u16 as f32 / 7.0 - 3000.0,
            };
        }
        for (nth, valid) in block.valid.iter_mut().enumerate() {
            *valid = u8::from(self.noise(2, scene << 20 | nth) % 100 < self.percent_valid);
        }
        block
    }
}

/// Holds a strategy equal to `of`, which gets the valid samples of one pixel and band in stack order, for
/// stacks of these sizes. Pixels that are no gaps must not change.
pub(crate) fn check_against_plain(
    settings: &str,
    random: Random,
    sizes: &[usize],
    of: impl Fn(&mut [f32]) -> f64,
) {
    let (bands, window) = (2, Window { col: 5, row: -3, width: 71, height: 2 });
    let blocks: Vec<_> =
        (0..*sizes.iter().max().unwrap()).map(|scene| random.block(bands, scene, window.expand(1))).collect();
    let mut start = Canvas::new(window, bands, random.mode, random.cast);
    start.copy_from(999, &Random { seed: !random.seed, ..random }.block(bands, 0, window), window, true);
    for &size in sizes {
        let at_least = 1 + random.noise(3, size) as u32 % 3;
        let donors: Vec<_> = blocks[..size]
            .iter()
            .enumerate()
            .map(|(scene, block)| Donor { scene, day: None, block, exact: true, score: None })
            .collect();
        let input = FillInput { window: window.expand(1), target: None, donors: &donors, observations: None };
        let (mut fast, mut plain) = (start.clone(), start.clone());
        let settings = format!("{settings}\nat-least = {at_least}");
        bind(&settings, &[], None).unwrap().fill(&input, &mut fast).unwrap();
        fill_plainly(&input, &mut plain, at_least as usize, &of);
        assert_eq!(fast.source, plain.source, "{size} donors");
        let known = |canvas: &Canvas| {
            let source = canvas.source.broadcast(canvas.values.dim()).unwrap().to_owned();
            Array3::from_shape_fn(source.dim(), |at| (source[at] != GAP).then(|| canvas.values[at].to_bits()))
        };
        assert_eq!(known(&fast), known(&plain), "{size} donors");
    }
}

/// One pixel after the other: gather, reduce, cast.
fn fill_plainly(
    input: &FillInput<'_>,
    canvas: &mut Canvas,
    at_least: usize,
    of: &impl Fn(&mut [f32]) -> f64,
) {
    let (row0, col0) = canvas.offset_in(input.window);
    let gaps: Vec<_> =
        canvas.source.indexed_iter().filter(|(_, source)| **source == GAP).map(|(at, _)| at).collect();
    for (plane, row, col) in gaps {
        let seeing = input.donors.iter().filter(|d| d.block.valid[[plane, row + row0, col + col0]] != 0);
        let blocks: Vec<&Block> = seeing.map(|d| d.block).collect();
        let values: Vec<f64> = canvas
            .bands_of(plane)
            .map(|band| {
                of(&mut blocks.iter().map(|b| b.values[[band, row + row0, col + col0]]).collect::<Vec<_>>())
            })
            .collect();
        if blocks.len() >= at_least && !values.iter().any(|value| value.is_nan()) {
            for (band, value) in canvas.bands_of(plane).zip(values) {
                canvas.values[[band, row, col]] = canvas.cast.computed(value);
            }
            canvas.source[[plane, row, col]] = STATISTIC;
        }
    }
}

/// What one donor sees of a pixel.
pub(crate) struct Look<'a> {
    pub donor: usize,
    /// By band.
    pub samples: &'a [f32],
}

/// What becomes of a pixel.
#[derive(Debug, PartialEq)]
pub(crate) enum Plain {
    Gap,
    Copy(usize),
}

/// Holds a strategy that copies whole pixels equal to `of`, which gets all looks at one pixel in stack order, for
/// stacks of these sizes. Pixels that are no gaps must not change.
pub(crate) fn check_spectra_against_plain(
    settings: &str,
    random: Random,
    sizes: &[usize],
    of: impl Fn(&[Look<'_>]) -> Plain,
) {
    for &size in sizes {
        let at_least = 1 + random.noise(3, size) as u32 % 3;
        let settings = format!("{settings}\nat-least = {at_least}");
        let (start, filled, blocks) = fill_spectra(&settings, random, size);
        for ((_, row, col), &before) in start.source.indexed_iter() {
            let seen: Vec<(usize, Vec<f32>)> = looks_at(&blocks, row, col);
            let looks: Vec<Look<'_>> =
                seen.iter().map(|(donor, samples)| Look { donor: *donor, samples }).collect();
            let expected = if looks.len() < at_least as usize { Plain::Gap } else { of(&looks) };
            let (values, source) = match expected {
                _ if before != GAP => (start.values.slice(s![.., row, col]).to_vec(), before),
                Plain::Gap => (Vec::new(), GAP),
                Plain::Copy(donor) => {
                    (blocks[donor].values.slice(s![.., row + 1, col + 1]).to_vec(), donor as u16)
                }
            };
            let at = format!("{size} donors, row {row}, column {col}");
            assert_eq!(filled.source[[0, row, col]], source, "{at}");
            if source != GAP {
                assert_eq!(filled.values.slice(s![.., row, col]).to_vec(), values, "{at}");
            }
        }
    }
}

/// The blocks of so many donors.
pub(crate) fn blocks(random: Random, bands: usize, size: usize, window: Window) -> Vec<Block> {
    (0..size).map(|scene| random.block(bands, scene, window)).collect()
}

/// A random canvas with gaps, the same after the fill, and the donors' blocks; all under joint validity.
pub(crate) fn fill_spectra(settings: &str, random: Random, size: usize) -> (Canvas, Canvas, Vec<Block>) {
    let (bands, window) = (3, Window { col: 5, row: -3, width: 71, height: 2 });
    let random = Random { mode: ValidityMode::Joint, ..random };
    let blocks = blocks(random, bands, size, window.expand(1));
    let mut start = Canvas::new(window, bands, random.mode, random.cast);
    start.copy_from(999, &Random { seed: !random.seed, ..random }.block(bands, 0, window), window, true);
    let donors: Vec<_> = blocks
        .iter()
        .enumerate()
        .map(|(scene, block)| Donor { scene, day: None, block, exact: true, score: None })
        .collect();
    let input = FillInput { window: window.expand(1), target: None, donors: &donors, observations: None };
    let mut filled = start.clone();
    bind(settings, &[], None).unwrap().fill(&input, &mut filled).unwrap();
    (start, filled, blocks)
}

/// What the donors see of a pixel of the canvas of [`fill_spectra`].
pub(crate) fn looks_at(blocks: &[Block], row: usize, col: usize) -> Vec<(usize, Vec<f32>)> {
    let seeing = blocks.iter().enumerate().filter(|(_, block)| block.valid[[0, row + 1, col + 1]] != 0);
    seeing.map(|(donor, block)| (donor, block.values.slice(s![.., row + 1, col + 1]).to_vec())).collect()
}
