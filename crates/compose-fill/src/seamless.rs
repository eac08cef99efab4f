#![doc = include_str!("seamless.md")]

mod membrane_fill;

use crate::donors::{Direction, Reach};
use crate::membrane::Scratch;
use crate::multi_regress::checked_donors;
use crate::predict::Predictor;
use crate::surveyed::{Wanted, bind};
use compose_core::fill_strategy::FillKind;
use compose_core::{
    BoundFill, Canvas, DonorUse, FillInput, FillStrategy, GAP, KindError, Problem, SettingsTable, StackFacts,
    Window,
};
use membrane_fill::Cell;
use ndarray::{Array2, Axis, Slice};
use schemars::JsonSchema;
use serde::Deserialize;

/// The kind `seamless`.
pub const KIND: FillKind = FillKind {
    name: "seamless",
    page: include_str!("seamless.md"),
    schema: &|| schemars::schema_for!(Seamless),
    parse: &|table, _| parse(table),
};

/// Settings of `seamless`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Seamless {
    /// The most days between the target and a donor; no limit where absent.
    pub within_days: Option<u32>,
    /// On which side of the target date donors are looked for.
    #[serde(default)]
    pub direction: Direction,
    /// Donors that one pixel may rest on, 1 to 4.
    #[serde(default = "donors")]
    pub donors: usize,
    /// How unlike two neighbours may be to be bound together, in standard deviations of the donors' bands.
    #[serde(default = "sigma")]
    pub sigma: f32,
    /// How strongly the most unlike neighbours still are bound together; the most alike are with 1.
    #[serde(default = "epsilon")]
    pub epsilon: f32,
    /// How soon the correction fades away from the border: its reach is about 1/√lambda pixels.
    #[serde(default = "lambda")]
    pub lambda: f32,
}

/// A third and a fourth donor cost as much as the first two, and change next to nothing once the membrane is there.
fn donors() -> usize {
    2
}

fn sigma() -> f32 {
    0.2
}

fn epsilon() -> f32 {
    0.003
}

fn lambda() -> f32 {
    0.001
}

fn parse(table: &SettingsTable<'_>) -> Result<Box<dyn FillStrategy>, Vec<Problem>> {
    let what = "fill \"seamless\"";
    let settings: Seamless = table.read(what)?;
    let mut problems = Vec::new();
    problems.extend(checked_donors(table, what, settings.donors).err());
    let limits = [
        ("sigma", settings.sigma, 0.01, 100.0),
        ("epsilon", settings.epsilon, 1e-4, 1.0),
        // A reach of 100 px; more would be cut off by the halo.
        ("lambda", settings.lambda, 1e-4, 100.0),
    ];
    for (key, value, least, most) in limits {
        if !(least..=most).contains(&value) {
            let message = format!("{what}: {key} is {value}, expected {least} to {most}");
            problems.push(table.problem_at(key, message));
        }
    }
    if problems.is_empty() { Ok(Box::new(settings)) } else { Err(problems) }
}

impl FillStrategy for Seamless {
    fn bind(&self, stack: &StackFacts<'_>) -> Result<Box<dyn BoundFill>, KindError> {
        let reach = Reach { within_days: self.within_days, direction: self.direction };
        let membrane = Membrane { sigma: self.sigma, epsilon: self.epsilon, lambda: self.lambda };
        bind(Wanted { strategy: "seamless", reach, most: self.donors, membrane: Some(membrane) }, stack)
    }
}

/// The screened, edge-aware membrane over the residual of a prediction: stiff where the donors are smooth, slack across
/// their edges.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Membrane {
    pub sigma: f32,
    pub epsilon: f32,
    pub lambda: f32,
}

impl Membrane {
    /// Side of a cell: solved for itself, wherever the run's blocks lie.
    pub const CELL: usize = 128;
    /// Pixels around a cell that are solved along with it and then dropped: the membrane's reach.
    pub const HALO: usize = 32;
    /// Pixels around a cell that are read: the halo, and what is looked at around its border.
    pub const READS: usize = Self::HALO + Self::BESIDE + 1;
    /// How far from a pixel of the border others are asked what it owes to noise.
    pub const BESIDE: usize = 2;
    /// Bytes for the pixels of a cell with its halo, all of them open: values, pulls, edges, and the solver's.
    pub const MEMORY: usize = (Self::CELL + 2 * Self::HALO).pow(2) * 350;
    /// How alike pixels of the border must be to be held to each other, as `sigma`.
    const ALIKE: f32 = 0.4;
    /// How far noise goes, in standard deviations of what differs between neighbours: with 0 the border of a rough scene
    /// comes out smoother than it is, with 1.5 it is seen.
    const NOISE: f32 = 1.0;
    /// Of the range of the target's values: what the solver may be off by. 0.05 of 10,000.
    const TOLERANCE: f32 = 5e-6;

    /// Looks are wanted where the target lacks a pixel, and around: the border tells what predictions are off by.
    pub fn wants_looks(lacking: &Array2<u8>) -> Array2<u8> {
        let reach = 1 + Self::BESIDE;
        spread(&spread(lacking, Axis(0), reach), Axis(1), reach)
    }

    /// Fills the gaps of the canvas, cell by cell.
    pub fn fill(
        &self,
        predictor: &Predictor,
        donors: &[DonorUse],
        input: &FillInput<'_>,
        canvas: &mut Canvas,
    ) {
        let mut scratch = Scratch::default();
        for cell in cells(canvas.window) {
            if !has_gap(canvas, cell) {
                continue;
            }
            let area = cell.expand(Self::HALO).intersect(input.window).expect("the window holds the cell");
            let domain = Cell::new(self, predictor, input, (cell, area));
            let values = domain.solve(&mut scratch);
            domain.write(&values, donors, input, cell, canvas);
        }
    }

    /// Standard deviation at some distance from what is known: near by, only what differs between neighbours is unknown;
    /// further than the membrane reaches, all that the prediction leaves unexplained. (Simple kriging with an
    /// exponential covariance of the membrane's reach and a nugget, from the nearest pixel alone.)
    fn uncertainty(&self, sigma: f32, roughness: f32, distance: f32) -> f32 {
        // Nobody knows of a copy how wrong it is, and `max` would make 0 of that.
        if sigma.is_nan() {
            return sigma;
        }
        let lost = 1.0 - (-2.0 * distance * self.lambda.sqrt()).exp();
        (roughness * roughness + (sigma * sigma - roughness * roughness).max(0.0) * lost).sqrt()
    }
}

/// Pixels (1) that are marked, or within `reach` of a marked one along an axis.
fn spread(marked: &Array2<u8>, axis: Axis, reach: usize) -> Array2<u8> {
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
    let side = Membrane::CELL as i64;
    let firsts =
        move |from: i64, to: i64| (from.div_euclid(side)..=(to - 1).div_euclid(side)).map(move |n| n * side);
    firsts(window.row, window.row_end()).flat_map(move |row| {
        firsts(window.col, window.col_end()).map(move |col| Window {
            col,
            row,
            width: Membrane::CELL,
            height: Membrane::CELL,
        })
    })
}

fn has_gap(canvas: &Canvas, cell: Window) -> bool {
    let Some(part) = cell.intersect(canvas.window) else { return false };
    let (row, col) = ((part.row - canvas.window.row) as usize, (part.col - canvas.window.col) as usize);
    (row..row + part.height).any(|row| canvas.source_row(0, row)[col..col + part.width].contains(&GAP))
}
