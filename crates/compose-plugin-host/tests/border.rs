//! Pixels across the border: a library in C driven through the seams, without files and without GDAL, so that the
//! address sanitizer can watch. What it writes follows from an expression that each test compiles into it.

use compose_core::{
    BandFacts, BandRole, Block, Canvas, Cast, DataType, Donor, FillInput, Grid, MaskInput, Plane, STATISTIC,
    SceneFacts, ScoreInput, SettingsTable, StackFacts, Transform, ValidityMode, Window,
};
use compose_plugin_host::{Plugin, PluginHost};
use ndarray::{Array2, Array3};
use std::path::Path;
use std::process::Command;
use toml::de::DeTable;

/// tests/plugins/broken.c, with these definitions.
fn library(defines: &[&str]) -> &'static Plugin {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("libbroken.so");
    let output = Command::new(std::env::var("CC").unwrap_or_else(|_| "cc".into()))
        .args(["-std=c11", "-D_DEFAULT_SOURCE", "-O1", "-fPIC", "-shared"])
        .args(defines.iter().map(|define| format!("-D{define}")))
        .arg(format!("-I{}", here.join("../compose-plugin/include").display()))
        .arg("-o")
        .args([&path, &here.join("../../tests/plugins/broken.c")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Loaded libraries need no file any more.
    PluginHost::new(Default::default(), |_| ()).load(&path, None).unwrap_or_else(|e| panic!("{e}"))
}

fn grid() -> Grid {
    let transform = Transform { x0: 0.0, dx: 30.0, y0: 0.0, dy: -30.0 };
    Grid { width: 40, height: 30, transform, crs: None }
}

fn scene(id: &str, bands: usize) -> SceneFacts {
    let band = |n: usize| BandFacts {
        name: format!("B{n}"),
        aliases: vec![format!("alias-{n}")],
        role: BandRole::Data,
        grid: grid(),
        dtype: DataType::UInt16,
        scale_offset: Some((0.1, -1.0)),
        layout: None,
        beside: false,
    };
    let bands: Vec<BandFacts> = (1..=bands).map(band).collect();
    SceneFacts {
        id: id.into(),
        day: None,
        sensor: None,
        sun: None,
        grid: grid(),
        wanted: bands.len(),
        bands,
        quality: None,
    }
}

fn no_settings() -> SettingsTable<'static> {
    SettingsTable::new(0..0, DeTable::new())
}

/// A number that tells where it is: band, row and column of the grid.
fn number(band: usize, row: i64, col: i64) -> f32 {
    (band as i64 * 10_000 + (row + 50) * 100 + (col + 50)) as f32
}

/// Samples of a window, every seventh of them not valid (and then huge).
fn block(bands: usize, window: Window) -> Block {
    let mut block = Block::empty(bands, ValidityMode::Joint, window.height, window.width);
    for ((band, row, col), value) in block.values.indexed_iter_mut() {
        *value = number(band, window.row + row as i64, window.col + col as i64);
    }
    for ((_, row, col), valid) in block.valid.indexed_iter_mut() {
        *valid = u8::from((window.row + row as i64 + 3 * (window.col + col as i64)).rem_euclid(7) != 0);
    }
    block
}

#[test]
fn a_mask_rule_sees_the_neighbours_that_it_planned_for() {
    let above = "MARK=(compose_f32_row(&input->planes[0],row-2)[col+1]>=3000)";
    let rule = (library(&["HALO=2", above]).masks[0].parse)(&no_settings()).unwrap();
    let bound = rule.bind(&scene("s", 1)).unwrap().alone();
    assert_eq!((bound.halo(), bound.bands()), (2, &[0][..]));
    let window = Window { col: -5, row: -4, width: 23, height: 17 };
    let pixels = block(1, window);
    let (values, valid) = (pixels.values.index_axis(ndarray::Axis(0), 0), Array2::<u8>::ones((17, 23)));
    let mut marked = Array2::zeros((17, 23));
    let neutral = Array2::zeros((17, 23));
    let planes = [Plane::Data { values, valid: valid.view() }];
    let (facts, grid) = (scene("s", 1), grid());
    let input = MaskInput {
        scene: &facts,
        grid: &grid,
        window,
        planes: &planes,
        neutral: neutral.view(),
        stack: None,
    };
    bound.mark(&input, marked.view_mut()).unwrap();
    for ((row, col), mark) in
        marked.indexed_iter().filter(|((r, c), _)| (2..15).contains(r) && (2..21).contains(c))
    {
        let sample = number(0, window.row + row as i64 - 2, window.col + col as i64 + 1);
        assert_eq!(*mark, u8::from(sample >= 3000.0), "row {row}, column {col}");
    }
}

#[test]
fn a_score_counts_where_its_planes_are_valid() {
    let kind = library(&["HALO=1", "SCORE=compose_f32_row(&input->planes[0],row+1)[col-1]"]).scores[0];
    let bound = (kind.parse)(&no_settings()).unwrap().bind(&scene("s", 1)).unwrap();
    let window = Window { col: 3, row: 7, width: 12, height: 9 };
    let pixels = block(1, window);
    let axis = ndarray::Axis(0);
    let (values, valid) = (pixels.values.index_axis(axis, 0), pixels.valid.index_axis(axis, 0));
    let (facts, grid) = (scene("s", 1), grid());
    let input = ScoreInput { scene: &facts, grid: &grid, window, planes: &[Plane::Data { values, valid }] };
    let mut scores = Array2::from_elem((9, 12), f32::NEG_INFINITY);
    bound.rate(&input, scores.view_mut()).unwrap();
    for ((row, col), score) in
        scores.indexed_iter().filter(|((r, c), _)| (1..8).contains(r) && (1..11).contains(c))
    {
        let wanted = match valid[[row, col]] {
            0 => f32::NEG_INFINITY,
            _ => number(0, window.row + row as i64 + 1, window.col + col as i64 - 1),
        };
        assert_eq!(*score, wanted, "row {row}, column {col}");
    }
}

/// A canvas with gaps here and there, or nothing but gaps.
fn canvas(window: Window, bands: usize, mode: ValidityMode, all: bool) -> Canvas {
    let mut canvas = Canvas::new(window, bands, mode, Cast { dtype: DataType::Float32, nodata: None });
    canvas.values.fill(-1.0);
    let filled = |(plane, row, col): (usize, usize, usize)| !all && (plane + row + col) % 3 == 0;
    canvas.source = Array3::from_shape_fn(canvas.source.dim(), |at| if filled(at) { 9 } else { u16::MAX });
    canvas
}

fn check_fill(value: &str, mode: ValidityMode, all: bool) {
    // Wide enough for several strips of rows.
    let (bands, window) = (3, Window { col: 2, row: 5, width: 2000, height: 60 });
    let define = format!("VALUE={value}");
    let defines = [&*define, "SOURCE=COMPOSE_COMPUTED", "FILL_HALO=1"];
    let strategy = (library(&defines).fills[0].parse)(&no_settings(), &[]).unwrap();
    let (scenes, grid) = ([scene("a", bands), scene("b", bands)], grid());
    let stack =
        StackFacts { target: Some(0), target_day: None, scenes: &scenes, grid: &grid, validity: mode };
    let bound = strategy.bind(&stack).unwrap().without_survey().unwrap();
    let wide = window.expand(1);
    let donor = block(bands, wide);
    let mut pixels = Block::empty(bands, mode, wide.height, wide.width);
    pixels.values.assign(&donor.values);
    pixels.valid.fill(1);
    let donors = [Donor { scene: 1, day: None, block: &pixels, exact: true, score: None }];
    let mut canvas = canvas(window, bands, mode, all);
    let before = canvas.clone();
    bound
        .fill(&FillInput { window: wide, target: None, donors: &donors, observations: None }, &mut canvas)
        .unwrap();
    for ((plane, row, col), source) in before.source.indexed_iter() {
        let gap = *source == u16::MAX;
        assert_eq!(canvas.source[[plane, row, col]], if gap { STATISTIC } else { 9 });
        for band in canvas.bands_of(plane) {
            let copied = number(band, window.row + row as i64 + 1, window.col + col as i64);
            assert_eq!(
                canvas.values[[band, row, col]],
                if gap { copied } else { -1.0 },
                "{band} {row} {col}"
            );
        }
    }
}

#[test]
fn a_fill_is_given_and_gives_every_pixel_in_its_place() {
    // Every band's own sample, one row below.
    let value = "0;for(uint32_t b=0;b<input->stack->band_count;b++)compose_f32_out(&output->values[b],row)[col]=\
                 compose_f32_row(&input->donors[0].planes[b],row+1)[col];\
                 for(uint32_t g=0;g<input->gap_count;g++)compose_u32_out(&output->sources[g],row)[col]=COMPOSE_COMPUTED";
    for mode in [ValidityMode::Joint, ValidityMode::PerBand] {
        for all in [false, true] {
            check_fill(value, mode, all);
        }
    }
}
