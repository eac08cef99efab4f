//! Executes the examples on the kinds' pages: what a user reads is what a test has run.
//!
//! A `toml` fence with `[[fill]]` tables is followed by the stack and by what must come out of it:
//! - `scene [day N] [id NAME] [target]`: one scene of one band; `.` is unusable, `(7)` is masked.
//!   Its id is `day-N` if not said.
//! - `target day N`: no scene is the target, every pixel is composed; days are measured from day N.
//! - `expect`: the samples (as `uint16`); `expect source`: the scene that each came from, or `statistic`;
//!   `expect skipped` and `expect notes`: what the plan says; `expect fallbacks`: what the survey made of too few
//!   pixels; `expect error`: the refusal.
//!
//! Strategies that ask for a survey get every pixel of the scenes. Those that take the first observations, or work in
//! cells, are given the whole scene for every few columns.

use crate::{KINDS, SCORES, parse_fill, recipe, testing};
use compose_core::page::{Case, Fence, cases};
use compose_core::survey::{CLEAR, SIDE, SQUARE, UNUSABLE};
use compose_core::{
    Block, BoundFill, Canvas, Cast, DataType, Day, Donor, DonorPart, DonorUse, FillBinding, FillInput, GAP,
    Needs, Observations, Plane, STATISTIC, SampledScene, SceneFacts, ScoreInput, SettingsTable, StackFacts,
    Survey, Temporal, ValidityMode, Window,
};
use ndarray::{Array2, Array3, Axis};
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

struct Scene {
    facts: SceneFacts,
    masked: Block,
    unmasked: Block,
}

type Fills = Result<Vec<Arc<dyn BoundFill>>, String>;

#[test]
fn every_example_on_a_page_gives_what_the_page_says() {
    let fills = KINDS.iter().chain([&recipe::KIND]).map(|kind| (kind.name, kind.page));
    for (name, page) in fills.chain(SCORES.iter().map(|kind| (kind.name, kind.page))) {
        let cases = cases(page);
        assert!(cases.iter().any(|case| !case.rest.is_empty()), "{name}: its page has no example");
        cases.iter().for_each(|case| check(&format!("{}.md", name.replace('-', "_")), case));
    }
}

fn check(page: &str, case: &Case<'_>) {
    let (mut stack, mut target, mut target_day) = (Vec::<Scene>::new(), None, None);
    for fence in &case.rest {
        match fence.info.split(' ').collect::<Vec<_>>()[..] {
            ["scene", ref words @ ..] => {
                let scene = read_scene(words, fence.body);
                if words.contains(&"target") {
                    (target, target_day) = (Some(scene.facts.id.clone()), scene.facts.day);
                }
                stack.push(scene);
            }
            ["target", "day", day] => target_day = Some(Day(day.parse().unwrap())),
            ["expect", ..] => {}
            _ => panic!("{page}:{}: a fence \"{}\" has no meaning", fence.line, fence.info),
        }
    }
    // As the engine orders them: scenes without a date come last.
    stack.sort_by(|Scene { facts: a, .. }, Scene { facts: b, .. }| {
        (a.day.is_none(), a.day, &a.id).cmp(&(b.day.is_none(), b.day, &b.id))
    });
    let scenes: Vec<_> = stack.iter().map(|scene| scene.facts.clone()).collect();
    let target = scenes.iter().position(|scene| Some(&scene.id) == target.as_ref());
    let bound = bind_all(case.toml.body, &testing::stack(target, target_day, &scenes));
    let fills = bound.map(|bound| bound.iter().map(|fill| fitted(fill, &stack)).collect());
    for Fence { info, body, line } in &case.rest {
        let Some(what) = info.strip_prefix("expect") else { continue };
        for (size, columns) in [("1", 1), ("2", 2), ("all", usize::MAX)] {
            let found = outcome(what.trim(), &fills, &stack, target, columns);
            assert_eq!(words(&found), words(body), "{page}:{line}: {size} columns at a time");
        }
    }
}

/// The strategy with its survey, if it needs one.
fn fitted(fill: &FillBinding, stack: &[Scene]) -> Arc<dyn BoundFill> {
    let (_, height, width) = stack[0].masked.values.dim();
    let corners =
        (0..height).step_by(SIDE - 2).flat_map(|row| (0..width).step_by(SIDE - 2).map(move |col| (row, col)));
    // Corners lie outside; what wraps around is outside, too.
    let square = |(row, col): (usize, usize)| {
        (0..SQUARE).map(move |n| ((row + n / SIDE).wrapping_sub(1), (col + n % SIDE).wrapping_sub(1)))
    };
    let places: Vec<(usize, usize)> = corners.flat_map(square).collect();
    let sampled = |scene: &Scene| {
        let seen = |(row, col): &(usize, usize)| {
            *row < height && *col < width && scene.masked.valid[[0, *row, *col]] != 0
        };
        let value = |at: &(usize, usize)| if seen(at) { scene.masked.values[[0, at.0, at.1]] } else { 0.0 };
        let state = places.iter().map(|at| if seen(at) { CLEAR } else { UNUSABLE }).collect();
        let values = Array2::from_shape_vec((places.len(), 1), places.iter().map(value).collect()).unwrap();
        Some(SampledScene { values, state })
    };
    let survey = Survey { scenes: stack.iter().map(sampled).collect(), pixels: places.len() };
    fill.fit(&survey).unwrap()
}

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

fn read_scene(words: &[&str], body: &str) -> Scene {
    let after = |word| words.iter().position(|w| *w == word).map(|at| words[at + 1]);
    let id = after("id").map_or_else(|| format!("day-{}", after("day").unwrap()), str::to_string);
    let rows: Vec<Vec<&str>> = body.lines().map(self::words).collect();
    let sample = |cell: &str| cell.trim_matches(['(', ')']).parse::<f32>().ok();
    let shape = (1, rows.len(), rows[0].len());
    let values = Array3::from_shape_fn(shape, |(_, row, col)| sample(rows[row][col]).unwrap_or(9999.0));
    let inside = Array3::from_shape_fn(shape, |(_, row, col)| u8::from(sample(rows[row][col]).is_some()));
    let valid = Array3::from_shape_fn(shape, |(_, row, col)| u8::from(rows[row][col].parse::<f32>().is_ok()));
    Scene {
        facts: testing::scene(&id, after("day").map(|day| day.parse().unwrap())),
        masked: Block { values: values.clone(), valid },
        unmasked: Block { values, valid: inside },
    }
}

fn bind_all(toml: &str, stack: &StackFacts<'_>) -> Result<Vec<FillBinding>, String> {
    let file = DeTable::parse(toml).unwrap().into_inner();
    let DeValue::Array(tables) = file["fill"].get_ref() else { panic!("no [[fill]] in {toml}") };
    let (kinds, scores): (Vec<_>, Vec<_>) =
        (KINDS.iter().chain([&recipe::KIND]).collect(), SCORES.iter().collect());
    let bind = |(nth, table)| {
        let what = format!("fill {}", nth + 1);
        let parsed = parse_fill(SettingsTable::from_value(table, &what).unwrap(), &what, &kinds, &scores);
        let (_, fill) = parsed.map_err(|problems| problems[0].message.clone())?;
        fill.bind(stack).map_err(|e| e.to_string())
    };
    tables.iter().enumerate().map(bind).collect()
}

fn outcome(what: &str, fills: &Fills, stack: &[Scene], target: Option<usize>, columns: usize) -> String {
    let fills = match (fills, what) {
        (Err(message), "error") => return message.clone(),
        (Err(message), _) => return format!("refused: {message}"),
        (Ok(fills), _) => fills,
    };
    let skipped = || fills.iter().flat_map(|fill| fill.skipped());
    match what {
        "skipped" => skipped().map(|(scene, why)| format!("{}: {why}\n", stack[scene].facts.id)).collect(),
        "fallbacks" => fills
            .iter()
            .filter_map(|fill| fill.fit_summary())
            .flat_map(|f| f.fallbacks)
            .collect::<Vec<_>>()
            .join("\n"),
        "notes" => fills.iter().flat_map(|fill| fill.notes()).collect::<Vec<_>>().join("\n"),
        "error" => "not refused".into(),
        what => picture(what, fills, stack, target, columns),
    }
}

/// The image, or where it came from, composed a few columns at a time.
fn picture(
    what: &str,
    fills: &[Arc<dyn BoundFill>],
    stack: &[Scene],
    target: Option<usize>,
    columns: usize,
) -> String {
    let (_, height, width) = stack[0].masked.values.dim();
    let mut cells = vec![vec![String::new(); width]; height];
    for col in (0..width).step_by(columns.min(width)) {
        let window = Window { col: col as i64, row: 0, width: columns.min(width - col), height };
        let canvas = compose(fills, stack, target, window);
        for ((_, row, col), &source) in canvas.source.indexed_iter() {
            cells[row][col + window.col as usize] = match (source, what) {
                (GAP, _) => ".".into(),
                (_, "") => canvas.values[[0, row, col]].to_string(),
                (STATISTIC, _) => "statistic".into(),
                (scene, _) => stack[usize::from(scene)].facts.id.clone(),
            };
        }
    }
    cells.iter().map(|row| row.join(" ") + "\n").collect()
}

fn compose(fills: &[Arc<dyn BoundFill>], stack: &[Scene], target: Option<usize>, window: Window) -> Canvas {
    let cast = Cast { dtype: DataType::UInt16, nodata: None };
    let mut canvas = Canvas::new(window, 1, ValidityMode::Joint, cast);
    if let Some(target) = target {
        canvas.copy_from(target, &cut(&stack[target].masked, window), window, true);
    }
    for fill in fills {
        let needs = fill.needs();
        if let Temporal::FirstObservations(most) = needs.temporal {
            fill_from_looks(&**fill, stack, target, most, &mut canvas);
            continue;
        }
        let window = input_window(needs, window, stack);
        let cut_all = |whole: fn(&Scene) -> &Block| stack.iter().map(|s| cut(whole(s), window)).collect();
        let (masked, unmasked): (Vec<Block>, Vec<Block>) = (cut_all(|s| &s.masked), cut_all(|s| &s.unmasked));
        let scores: Vec<_> = (0..stack.len()).map(|scene| score(&**fill, stack, scene, window)).collect();
        let donor = |&DonorUse { scene, masked: apply }: &DonorUse| {
            let block = if apply { &masked[scene] } else { &unmasked[scene] };
            let score = scores[scene].as_ref();
            Donor { scene, day: stack[scene].facts.day, block, exact: true, score }
        };
        let donors: Vec<_> = fill.donors().iter().map(donor).collect();
        let together = if needs.temporal == Temporal::OneByOne { 1 } else { donors.len().max(1) };
        for donors in donors.chunks(together) {
            let input = FillInput { window, target: target.map(|t| &masked[t]), donors, observations: None };
            fill.fill(&input, &mut canvas).unwrap();
        }
    }
    canvas
}

/// The window of the donors: with the halo, or the whole scene for a strategy that works in cells, which are larger.
fn input_window(needs: Needs, window: Window, stack: &[Scene]) -> Window {
    let (_, height, width) = stack[0].masked.values.dim();
    if needs.cell.is_some() { Window::whole(width, height) } else { window.expand(needs.halo) }
}

/// Calls a strategy that wants the first observations with those of the whole scene, which is less than a cell. Where a
/// donor is asked only for pixels that lack observations, as the engine does it, the result must be the same.
fn fill_from_looks(
    fill: &dyn BoundFill,
    stack: &[Scene],
    target: Option<usize>,
    most: usize,
    canvas: &mut Canvas,
) {
    let (_, height, width) = stack[0].masked.values.dim();
    let target = target.map(|t| &stack[t].masked);
    let (mut all, mut enough) =
        (Observations::new(most, 1, height, width), Observations::new(most, 1, height, width));
    let (everywhere, corner) = (Array2::ones((height, width)), (0, 0));
    let mut lacking =
        target.map_or(everywhere.clone(), |t| t.valid.index_axis(Axis(0), 0).mapv(|valid| 1 - valid));
    for (rank, donor) in fill.donors().iter().enumerate() {
        let block = &stack[donor.scene].masked;
        fill.observe(rank, &DonorPart { block, wanted: &everywhere, corner }, &mut all);
        let wanted = fill.wants_observations(&lacking);
        fill.observe(rank, &DonorPart { block, wanted: &wanted, corner }, &mut enough);
        enough.keep_lacking(&mut lacking);
    }
    let window = Window::whole(width, height);
    let filled = |observations: &Observations, mut canvas: Canvas| {
        let input = FillInput { window, target, donors: &[], observations: Some(observations) };
        fill.fill(&input, &mut canvas).unwrap();
        canvas
    };
    let of_all = filled(&all, canvas.clone());
    *canvas = filled(&enough, canvas.clone());
    assert_eq!((&canvas.values, &canvas.source), (&of_all.values, &of_all.source));
}

/// The score of a scene, if the strategy asks for one, as the engine would hand it over.
fn score(fill: &dyn BoundFill, stack: &[Scene], scene: usize, window: Window) -> Option<Array2<f32>> {
    let bound = fill.score(scene)?;
    let Scene { facts, unmasked, .. } = &stack[scene];
    let block = cut(unmasked, window);
    let (values, valid) = (block.values.index_axis(Axis(0), 0), block.valid.index_axis(Axis(0), 0));
    let planes: Vec<_> = bound.bands().iter().map(|_| Plane::Data { values, valid }).collect();
    let mut scores = Array2::from_elem(values.dim(), f32::NEG_INFINITY);
    let input = ScoreInput { scene: facts, grid: &facts.grid, window, planes: &planes };
    bound.rate(&input, scores.view_mut()).unwrap();
    Some(scores)
}

/// The pixels of a window; outside the scene none is valid.
fn cut(block: &Block, window: Window) -> Block {
    let (_, height, width) = block.values.dim();
    let mut cut = Block::empty(1, ValidityMode::Joint, window.height, window.width);
    for (row, col) in (0..window.height).flat_map(|row| (0..window.width).map(move |col| (row, col))) {
        let (from_row, from_col) = (window.row + row as i64, window.col + col as i64);
        if (0..height as i64).contains(&from_row) && (0..width as i64).contains(&from_col) {
            let from = [0, from_row as usize, from_col as usize];
            (cut.values[[0, row, col]], cut.valid[[0, row, col]]) = (block.values[from], block.valid[from]);
        }
    }
    cut
}
