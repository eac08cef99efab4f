//! The positions of the centres of target pixels on the native grid.
//!
//! A position counts native pixels from the grid's corner: pixel (0, 0) spans 0..1 in both axes. Within one
//! coordinate system it is an affine function. Between two it is transformed exactly at the nodes of a
//! lattice and interpolated by a quadratic between them. The lattice is fixed to the target grid and each
//! node's value depends on its index alone, so no position depends on the window it was asked for.

use crate::crs::Transformer;
use compose_core::{Grid, Transform, Window};
use std::ops::Range;

/// Distances between nodes that are tried, in target pixels. Where none serves, every centre is transformed.
const STEPS: [i64; 4] = [16, 8, 4, 2];
/// Largest error of an interpolated position, in native pixels. It is measured at points and not proven
/// between them, so it stays far from the 2e-5 that is promised; a finer lattice costs little.
const LARGEST_ERROR: f64 = 1e-6;
/// A position this near to the middle or the edge of a pixel (native pixels) is taken to lie on it. Target
/// centres often fall exactly on edges (10 m to 20 m), where rounding noise (some 1e-12) would otherwise
/// decide pixel by pixel which neighbour is the nearest.
const SNAP: f64 = 1e-7;

/// From target pixels to native positions.
#[derive(Clone, Debug)]
pub(super) enum Mapping {
    Affine(Affine),
    Exact(Exact),
    Lattice(CoordinateLattice),
}

impl Mapping {
    /// The affine function between two grids of one coordinate system.
    pub(super) fn affine(target: &Transform, native: &Transform) -> Self {
        Self::Affine(Affine {
            col: Axis { origin: (target.x0 - native.x0) / native.dx, scale: target.dx / native.dx },
            row: Axis { origin: (target.y0 - native.y0) / native.dy, scale: target.dy / native.dy },
        })
    }

    /// The coarsest lattice whose error over the target grid is within the bound, but for a few cells.
    pub(super) fn between(exact: Exact, target: &Grid) -> Self {
        for step in STEPS {
            let errors = exact.lattice_errors(step, target).into_iter().flatten();
            let (good, bad): (Vec<f64>, Vec<f64>) = errors.partition(|e| *e <= LARGEST_ERROR);
            // Some cells are bad at any step, because a border of the map crosses them. Their pixels are
            // transformed one by one, which a tenth of the pixels can well afford.
            if bad.len() * 10 <= good.len() {
                let error = good.into_iter().fold(0.0, f64::max);
                return Self::Lattice(CoordinateLattice { exact, step, error });
            }
        }
        Self::Exact(exact)
    }

    /// Native positions of the centres of these target pixels (col, row); NaN where there is none.
    pub(super) fn positions(&self, pixels: impl Iterator<Item = (i64, i64)>) -> (Vec<f64>, Vec<f64>) {
        match self {
            Self::Affine(affine) => {
                pixels.map(|(col, row)| (affine.col.centre(col), affine.row.centre(row))).unzip()
            }
            Self::Exact(exact) => exact.positions(pixels),
            Self::Lattice(lattice) => lattice.exact.positions(pixels),
        }
    }

    /// Positions of a window's pixels, row by row.
    pub(super) fn rows(&self, window: Window) -> Rows<'_> {
        let of = match self {
            Self::Affine(affine) => Source::Affine(affine),
            Self::Exact(exact) => Source::Exact(exact),
            Self::Lattice(lattice) => Source::Lattice(lattice.cells(window)),
        };
        Rows { window, of }
    }
}

/// Two independent linear functions.
#[derive(Clone, Debug)]
pub(super) struct Affine {
    pub(super) col: Axis,
    pub(super) row: Axis,
}

/// `origin + scale * target position`, in native pixels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    pub(super) origin: f64,
    pub(super) scale: f64,
}

impl Axis {
    pub(super) fn at(self, position: f64) -> f64 {
        self.origin + self.scale * position
    }

    fn centre(self, pixel: i64) -> f64 {
        snap(self.at(pixel as f64 + 0.5))
    }
}

fn snap(position: f64) -> f64 {
    // Adding 1.5 * 2^52 rounds to a whole number; unlike `f64::round` it is no call on plain x86-64.
    const WHOLE: f64 = 6_755_399_441_055_744.0;
    let halves = (2.0 * position + WHOLE) - WHOLE;
    if (2.0 * position - halves).abs() <= 2.0 * SNAP { 0.5 * halves } else { position }
}

/// The transformation itself, pixel by pixel.
#[derive(Clone, Debug)]
pub(super) struct Exact {
    transformer: Transformer,
    target: Transform,
    native: Transform,
}

impl Exact {
    pub(super) fn new(transformer: Transformer, target: Transform, native: Transform) -> Self {
        Self { transformer, target, native }
    }

    /// Native positions of the centres of these target pixels (col, row); NaN where there is none.
    pub(super) fn positions(&self, pixels: impl Iterator<Item = (i64, i64)>) -> (Vec<f64>, Vec<f64>) {
        let (mut xs, mut ys): (Vec<f64>, Vec<f64>) =
            pixels.map(|(col, row)| self.target.to_map(col as f64 + 0.5, row as f64 + 0.5)).unzip();
        self.transformer.transform(&mut xs, &mut ys);
        for (x, y) in xs.iter_mut().zip(&mut ys) {
            (*x, *y) = self.native.to_pixel(*x, *y);
        }
        (xs, ys)
    }

    fn fill(&self, row: i64, cols: Range<i64>, xs: &mut [f64], ys: &mut [f64]) {
        let (px, py) = self.positions(cols.map(|col| (col, row)));
        for (out, p) in xs.iter_mut().zip(px).chain(ys.iter_mut().zip(py)) {
            *out = snap(p);
        }
    }

    /// Largest error of a lattice with this step, in native pixels, in each of up to 17 × 17 cells spread over
    /// the grid: at the quarter points, where the error of a quadratic is greatest. Infinite where some places
    /// of a cell have no position, `None` where no node has one.
    fn lattice_errors(&self, step: i64, target: &Grid) -> Vec<Option<f64>> {
        const QUARTERS: [(i64, i64); 4] = [(1, 1), (3, 1), (1, 3), (3, 3)];
        let (rows, cols) = (cells_to_check(target.height, step), cells_to_check(target.width, step));
        let firsts = rows.iter().flat_map(|&row| cols.iter().map(move |&col| (col, row)));
        let (xs, ys) = self.positions(firsts.flat_map(|(col, row)| {
            let nodes = (0..9).map(move |n| (col + n % 3 * step, row + n / 3 * step));
            nodes.chain(QUARTERS.map(|(c, r)| (col + c * step / 2, row + r * step / 2)))
        }));
        let worst = |known: &[f64]| {
            let (nodes, quarters) = known.split_at(9);
            let off = |((c, r), exact): (&(i64, i64), &f64)| {
                (quadratic_at(nodes, *c as f64 * 0.25, *r as f64 * 0.25) - exact).abs()
            };
            let finite = |off: f64| if off.is_nan() { f64::INFINITY } else { off };
            QUARTERS.iter().zip(quarters).map(off).map(finite).fold(0.0, f64::max)
        };
        let cells = xs.chunks_exact(13).zip(ys.chunks_exact(13));
        let nowhere = |x: &[f64]| x[..9].iter().all(|v| v.is_nan());
        cells.map(|(x, y)| (!nowhere(x)).then(|| worst(x).max(worst(y)))).collect()
    }
}

/// First pixels of up to 17 cells, evenly spread over an axis from the first cell to the last.
fn cells_to_check(pixels: usize, step: i64) -> Vec<i64> {
    let cells = (pixels as i64 + 2 * step - 1) / (2 * step);
    let shown = cells.min(17);
    (0..shown).map(|i| if shown > 1 { i * (cells - 1) / (shown - 1) * 2 * step } else { 0 }).collect()
}

/// Weights of the nodes at 0, ½ and 1 for a quadratic at `t`.
fn quadratic(t: f64) -> [f64; 3] {
    [(1.0 - t) * (1.0 - 2.0 * t), 4.0 * t * (1.0 - t), t * (2.0 * t - 1.0)]
}

fn weigh(nodes: [f64; 3], weights: [f64; 3]) -> f64 {
    nodes[0] * weights[0] + nodes[1] * weights[1] + nodes[2] * weights[2]
}

/// The quadratic through 3 × 3 nodes (row by row) at (u, v).
fn quadratic_at(nodes: &[f64], u: f64, v: f64) -> f64 {
    let row = |r: usize| weigh([nodes[3 * r], nodes[3 * r + 1], nodes[3 * r + 2]], quadratic(u));
    weigh([row(0), row(1), row(2)], quadratic(v))
}

/// Exact nodes at the centres of those target pixels whose column and row are multiples of `step`. A cell is
/// two steps wide and high and has 3 × 3 nodes.
#[derive(Clone, Debug)]
pub(super) struct CoordinateLattice {
    exact: Exact,
    step: i64,
    error: f64,
}

impl CoordinateLattice {
    /// Distance between nodes in target pixels, and the error measured in native pixels.
    pub(super) fn facts(&self) -> (i64, f64) {
        (self.step, self.error)
    }

    fn cells(&self, window: Window) -> Cells<'_> {
        let size = 2 * self.step;
        let (col, row) = (window.col.div_euclid(size), window.row.div_euclid(size));
        let count = |first: i64, end: i64| ((end - 1).div_euclid(size) - first + 1).max(0);
        let (cols, rows) = (count(col, window.col_end()), count(row, window.row_end()));
        let (nodes_x, nodes_y) = self.exact.positions(
            (0..=2 * rows)
                .flat_map(|r| (0..=2 * cols).map(move |c| (c, r)))
                .map(|(c, r)| (col * size + c * self.step, row * size + r * self.step)),
        );
        let (cols, rows) = (cols as usize, rows as usize);
        let mut cells = Cells { lattice: self, col, row, cols, nodes_x, nodes_y, states: Vec::new() };
        cells.states = cells.judge(rows);
        cells
    }
}

/// The lattice's cells under a window.
pub(super) struct Cells<'a> {
    lattice: &'a CoordinateLattice,
    /// Index of the first cell, counted from the target grid's corner.
    col: i64,
    row: i64,
    cols: usize,
    nodes_x: Vec<f64>,
    nodes_y: Vec<f64>,
    states: Vec<State>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum State {
    /// Interpolated.
    Smooth,
    /// Cut by the edge of the projection's domain, by a border between PROJ's operations, or by a jump of
    /// longitude: transformed pixel by pixel.
    Broken,
    /// No node has a position.
    Nowhere,
}

impl Cells<'_> {
    /// Nodes of a cell along one of its three rows of nodes.
    fn nodes(&self, plane: &[f64], cell_col: usize, node_row: usize) -> [f64; 3] {
        let at = node_row * (2 * self.cols + 1) + 2 * cell_col;
        [plane[at], plane[at + 1], plane[at + 2]]
    }

    /// Checks each cell at two quarter points. The survey of the whole grid has already found that smooth
    /// cells pass; this finds the few that are not.
    fn judge(&self, rows: usize) -> Vec<State> {
        let step = self.lattice.step;
        let checks = [(1, 1), (3, 1)];
        let first = |cell_row: usize, cell_col: usize| {
            ((self.col + cell_col as i64) * 2 * step, (self.row + cell_row as i64) * 2 * step)
        };
        let (xs, ys) = self.lattice.exact.positions(pairs_of(rows, self.cols).flat_map(|(r, c)| {
            let (col, row) = first(r, c);
            checks.map(|(a, b)| (col + a * step / 2, row + b * step / 2))
        }));
        let judge = |(i, (r, c)): (usize, (usize, usize))| {
            let grid = |plane: &[f64]| [0, 1, 2].map(|k| self.nodes(plane, c, 2 * r + k)).concat();
            let (nx, ny) = (grid(&self.nodes_x), grid(&self.nodes_y));
            if nx.iter().all(|v| v.is_nan()) {
                return State::Nowhere;
            }
            let fits = |nodes: &[f64], exact: f64, (a, b): (i64, i64)| {
                (quadratic_at(nodes, a as f64 * 0.25, b as f64 * 0.25) - exact).abs() <= LARGEST_ERROR
            };
            let smooth = (0..2).all(|k| {
                fits(&nx, xs[2 * i + k], checks[k]) && fits(&ny, ys[2 * i + k], checks[k]) // false for NaN
            });
            if smooth { State::Smooth } else { State::Broken }
        };
        pairs_of(rows, self.cols).enumerate().map(judge).collect()
    }

    fn fill(&self, row: i64, cols: Range<i64>, xs: &mut [f64], ys: &mut [f64]) {
        let size = 2 * self.lattice.step;
        let cell_row = (row.div_euclid(size) - self.row) as usize;
        let down = quadratic(row.rem_euclid(size) as f64 / size as f64);
        for cell_col in 0..self.cols {
            let start = (self.col + cell_col as i64) * size;
            let (from, to) = (start.max(cols.start), (start + size).min(cols.end));
            let piece = (from - cols.start) as usize..(to - cols.start) as usize;
            let (xs, ys) = (&mut xs[piece.clone()], &mut ys[piece]);
            match self.states[cell_row * self.cols + cell_col] {
                State::Smooth => {
                    for (out, plane) in [(xs, &self.nodes_x), (ys, &self.nodes_y)] {
                        let across = [0, 1, 2].map(|k| self.nodes(plane, cell_col, 2 * cell_row + k));
                        let nodes = [0, 1, 2].map(|n| weigh(across.map(|row| row[n]), down));
                        fill_quadratic(nodes, size, from - start, out);
                    }
                }
                State::Broken => self.lattice.exact.fill(row, from..to, xs, ys),
                State::Nowhere => {
                    xs.fill(f64::NAN);
                    ys.fill(f64::NAN);
                }
            }
        }
    }
}

fn pairs_of(rows: usize, cols: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..rows).flat_map(move |r| (0..cols).map(move |c| (r, c)))
}

/// Values at the pixels `first`, `first + 1`, … of a cell of `size` pixels.
fn fill_quadratic([a, middle, b]: [f64; 3], size: i64, first: i64, out: &mut [f64]) {
    let per_pixel = 1.0 / size as f64; // a power of two: exact
    let (slope, bend) = (4.0 * middle - 3.0 * a - b, 2.0 * (a + b) - 4.0 * middle);
    // Counted in `i32`, which unlike `i64` becomes `f64` several at a time on plain x86-64.
    for (pixel, out) in (first as i32..).zip(out) {
        let t = f64::from(pixel) * per_pixel;
        *out = snap(a + t * (slope + t * bend));
    }
}

/// Positions of a window's pixels, row by row.
pub(super) struct Rows<'a> {
    window: Window,
    of: Source<'a>,
}

enum Source<'a> {
    Affine(&'a Affine),
    Exact(&'a Exact),
    Lattice(Cells<'a>),
}

impl Rows<'_> {
    /// Native positions of the pixels of the window's `row`-th row (from 0); NaN where there is none.
    pub(super) fn fill(&self, row: usize, xs: &mut [f64], ys: &mut [f64]) {
        let cols = self.window.col..self.window.col_end();
        let row = self.window.row + row as i64;
        match &self.of {
            Source::Affine(affine) => {
                for (x, col) in xs.iter_mut().zip(cols) {
                    *x = affine.col.centre(col);
                }
                ys.fill(affine.row.centre(row));
            }
            Source::Exact(exact) => exact.fill(row, cols, xs, ys),
            Source::Lattice(cells) => cells.fill(row, cols, xs, ys),
        }
    }
}
