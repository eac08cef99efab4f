//! Fills the gaps of a canvas with fitted predictions, one cell of the lattice after the other.

use super::cell::Cell;
use super::solver::Solver;
use super::tension::Tension;
use crate::predict::Predictor;
use compose_core::{Canvas, DonorUse, FillInput, GAP, Window};
use ndarray::{Array2, Axis, Slice};

/// Observations are wanted where the target lacks a pixel, and around: the border tells what predictions are off by.
pub(crate) fn wants_observations(lacking: &Array2<u8>) -> Array2<u8> {
    let reach = 1 + Cell::BESIDE;
    dilate_along(&dilate_along(lacking, Axis(0), reach), Axis(1), reach)
}

/// Fills the gaps of the canvas, cell by cell.
pub(crate) fn fill(
    tension: &Tension,
    predictor: &Predictor,
    donors: &[DonorUse],
    input: &FillInput<'_>,
    canvas: &mut Canvas,
) {
    let mut solver = Solver::default();
    for cell in cells(canvas.window) {
        if !has_gap(canvas, cell) {
            continue;
        }
        let area = cell.expand(Cell::HALO).intersect(input.window).expect("the window holds the cell");
        let domain = Cell::new(tension, predictor, input, (cell, area));
        let values = domain.solve(&mut solver);
        domain.write(&values, donors, input, cell, canvas);
    }
}

/// Pixels (1) that are marked, or within `reach` of a marked one along an axis.
fn dilate_along(marked: &Array2<u8>, axis: Axis, reach: usize) -> Array2<u8> {
    let mut wide = marked.clone();
    for step in 1..=reach.min(marked.len_of(axis)) {
        let (before, after) = (Slice::from(..-(step as isize)), Slice::from(step..));
        wide.slice_axis_mut(axis, after).zip_mut_with(&marked.slice_axis(axis, before), |a, b| *a |= b);
        wide.slice_axis_mut(axis, before).zip_mut_with(&marked.slice_axis(axis, after), |a, b| *a |= b);
    }
    wide
}

/// The cells of the lattice that a window touches.
fn cells(window: Window) -> impl Iterator<Item = Window> {
    let side = Cell::SIDE as i64;
    let firsts =
        move |from: i64, to: i64| (from.div_euclid(side)..=(to - 1).div_euclid(side)).map(move |n| n * side);
    firsts(window.row, window.row_end()).flat_map(move |row| {
        firsts(window.col, window.col_end()).map(move |col| Window {
            col,
            row,
            width: Cell::SIDE,
            height: Cell::SIDE,
        })
    })
}

fn has_gap(canvas: &Canvas, cell: Window) -> bool {
    let Some(part) = cell.intersect(canvas.window) else { return false };
    let (row, col) = ((part.row - canvas.window.row) as usize, (part.col - canvas.window.col) as usize);
    (row..row + part.height).any(|row| canvas.source_row(0, row)[col..col + part.width].contains(&GAP))
}
