//! One fill on one window: what it reads, and in which order.

use crate::error::EngineError;
use crate::pixels::SceneReader;
use crate::plan::Stage;
use compose_core::fill_strategy::{Donor, DonorUse, FillInput, Temporal};
use compose_core::{Block, Canvas, GAP, KindError, Looks, Window};
use ndarray::{Array2, Axis, Zip, s};

/// Fills the gaps of a canvas, all of which lie in the window `gap`.
pub fn fill_gap(
    reader: &SceneReader<'_>,
    number: usize,
    fill: &Stage,
    canvas: &mut Canvas,
    gap: Window,
) -> Result<(), EngineError> {
    if gap == canvas.window {
        return fill_canvas(reader, number, fill, canvas);
    }
    let (rows, cols) = place(canvas.window, gap);
    let mut part = Canvas::new(gap, canvas.bands(), reader.stack.validity, canvas.cast);
    part.values.assign(&canvas.values.slice(s![.., rows.clone(), cols.clone()]));
    part.source.assign(&canvas.source.slice(s![.., rows.clone(), cols.clone()]));
    part.sigma =
        canvas.sigma.as_ref().map(|sigma| sigma.slice(s![.., rows.clone(), cols.clone()]).to_owned());
    fill_canvas(reader, number, fill, &mut part)?;
    if let (Some(sigma), Some(part)) = (&mut canvas.sigma, &part.sigma) {
        sigma.slice_mut(s![.., rows.clone(), cols.clone()]).assign(part);
    }
    canvas.values.slice_mut(s![.., rows.clone(), cols.clone()]).assign(&part.values);
    canvas.source.slice_mut(s![.., rows, cols]).assign(&part.source);
    Ok(())
}

fn place(outer: Window, inner: Window) -> (std::ops::Range<usize>, std::ops::Range<usize>) {
    let (row, col) = ((inner.row - outer.row) as usize, (inner.col - outer.col) as usize);
    (row..row + inner.height, col..col + inner.width)
}

fn fill_canvas(
    reader: &SceneReader<'_>,
    number: usize,
    fill: &Stage,
    canvas: &mut Canvas,
) -> Result<(), EngineError> {
    let window = context_window(reader, fill, canvas.window);
    let context = match reader.job.target {
        Some(t) if fill.bound.needs_target() => Some(reader.read(t, window, true)?),
        _ => None,
    };
    let apply = |donors: &[Donor<'_>], canvas: &mut Canvas| {
        let input = FillInput { window, target: context.as_ref(), donors, looks: None };
        fill.bound.fill(&input, canvas).map_err(|e| failed(number, fill, canvas.window, &e))
    };
    let near: Vec<DonorUse> =
        fill.bound.donors().iter().copied().filter(|d| reader.job.view.scenes[d.scene].overlaps).collect();
    match fill.bound.temporal() {
        Temporal::OneByOne => {
            for donor in near {
                // Who only copies has no use for a donor that sees none of the gaps.
                let gaps = (fill.bound.only_copies() && fill.bound.halo() == 0).then(|| gaps(canvas));
                let wanted = gaps.as_ref().map(|g| g.view());
                let Some(block) = reader.read_where(donor.scene, window, donor.masked, wanted)? else {
                    continue;
                };
                let score = rated(reader, fill, donor.scene, window)?;
                apply(&[seen(reader, donor.scene, &block, score.as_ref())], canvas)?;
                reader.give_back(block);
                if !canvas.has_gap() {
                    break;
                }
            }
            Ok(())
        }
        Temporal::FirstLooks(_) => {
            let looks = first_looks(reader, fill, window, context.as_ref())?;
            let input = FillInput { window, target: context.as_ref(), donors: &[], looks: Some(&looks) };
            fill.bound.fill(&input, canvas).map_err(|e| failed(number, fill, canvas.window, &e))
        }
        Temporal::WholeStack => {
            let mut blocks: Vec<Option<Block>> = vec![None; near.len()];
            for nth in reader.apart(near.len()) {
                blocks[nth] = Some(reader.read(near[nth].scene, window, near[nth].masked)?);
            }
            let blocks: Vec<Block> = blocks.into_iter().flatten().collect();
            let scores: Result<Vec<_>, _> =
                near.iter().map(|d| rated(reader, fill, d.scene, window)).collect();
            let scores = scores?;
            let looks = near.iter().zip(blocks.iter().zip(&scores));
            let donors: Vec<Donor<'_>> =
                looks.map(|(d, (block, score))| seen(reader, d.scene, block, score.as_ref())).collect();
            apply(&donors, canvas)?;
            blocks.into_iter().for_each(|block| reader.give_back(block));
            Ok(())
        }
    }
}

fn failed(number: usize, fill: &Stage, window: Window, why: &KindError) -> EngineError {
    EngineError::Fill { stage: number + 1, strategy: fill.name.clone(), window, message: why.to_string() }
}

/// What a fill reads to fill a window: with its halo, or in whole cells.
fn context_window(reader: &SceneReader<'_>, fill: &Stage, window: Window) -> Window {
    let Some(cell) = fill.bound.cell() else { return window.expand(fill.bound.halo()) };
    let cell = cell as i64;
    let (col, row) = (window.col.div_euclid(cell) * cell, window.row.div_euclid(cell) * cell);
    let length = |from: i64, end: i64| (-(-end).div_euclid(cell) * cell - from) as usize;
    let cells =
        Window { col, row, width: length(col, window.col_end()), height: length(row, window.row_end()) };
    let grid = Window::whole(reader.job.view.grid.width, reader.job.view.grid.height);
    cells.expand(fill.bound.halo()).intersect(grid).expect("a block lies in the grid")
}

/// The first clear looks at each pixel of a window, in the order of the donors. Reading ends when every pixel that the
/// target lacks has its number: what comes later would change none of them.
fn first_looks(
    reader: &SceneReader<'_>,
    fill: &Stage,
    window: Window,
    target: Option<&Block>,
) -> Result<Looks, EngineError> {
    let Temporal::FirstLooks(most) = fill.bound.temporal() else {
        return Err(EngineError::Bug(format!("{} takes no first looks", fill.name)));
    };
    let lacks = |block: &Block| block.valid.index_axis(Axis(0), 0).mapv(|valid| 1 - valid);
    let lacking = match (target, reader.job.target) {
        (Some(target), _) => lacks(target),
        (None, Some(target)) => {
            let block = reader.read(target, window, true)?;
            let lacking = lacks(&block);
            reader.give_back(block);
            lacking
        }
        (None, None) => Array2::ones((window.height, window.width)),
    };
    let wanted = fill.bound.wants_looks(&lacking);
    let mut looks = Looks::new(most, reader.bands.len(), window.height, window.width);
    for (rank, donor) in fill.bound.donors().iter().enumerate() {
        if !reader.job.view.scenes[donor.scene].overlaps {
            continue;
        }
        if let Some(block) = reader.read_where(donor.scene, window, donor.masked, None)? {
            fill.bound.look(rank, &block, &wanted, &mut looks);
            reader.give_back(block);
        }
        if looks.are_enough(lacking.view()) {
            break;
        }
    }
    Ok(looks)
}

/// 1 where any plane has a gap.
fn gaps(canvas: &Canvas) -> Array2<u8> {
    let mut gaps = Array2::zeros((canvas.window.height, canvas.window.width));
    for plane in canvas.source.outer_iter() {
        Zip::from(&mut gaps).and(&plane).for_each(|gap, source| *gap |= u8::from(*source == GAP));
    }
    gaps
}

/// How good a donor's pixels are, where the strategy wants to know.
fn rated(
    reader: &SceneReader<'_>,
    fill: &Stage,
    scene: usize,
    window: Window,
) -> Result<Option<Array2<f32>>, EngineError> {
    match (fill.bound.score(scene), &fill.scores[scene]) {
        (Some(score), Some(planned)) => reader.rate(scene, score, planned, window).map(Some),
        _ => Ok(None),
    }
}

fn seen<'a>(
    reader: &SceneReader<'_>,
    scene: usize,
    block: &'a Block,
    score: Option<&'a Array2<f32>>,
) -> Donor<'a> {
    Donor {
        scene,
        day: reader.stack.facts[scene].day,
        block,
        exact: reader.job.view.scenes[scene].is_exact(),
        score,
    }
}
