//! One cell: predicts the pixels of the gaps, and solves for a smooth correction (the membrane) that carries the residuals
//! at the border of a gap into it.

use super::solver::Solver;
use super::system::System;
use super::tension::Tension;
use crate::lanes::{LANES, Lanes};
use crate::predict::{MOST_DONORS, Predictor, observation_of, put, ranks_at, source};
use compose_core::{Block, Canvas, DonorUse, FillInput, GAP, Observations, Window};
use std::ops::Range;

/// Width of the Gaussian by which similar pixels of the border are averaged, in the units of `sigma`.
const ALIKE: f32 = 0.4;
/// The most that counts as noise of a border pixel, in standard deviations of the difference between neighbours: with 0
/// the border of a rough scene comes out smoother than it is, with 1.5 the border is visible.
const NOISE: f32 = 1.0;
/// The error that the solver may have, as a share of the range of the target's values: 0.05 of 10,000.
const TOLERANCE: f32 = 5e-6;

/// A pixel of the cell or its halo.
#[derive(Clone, Copy, PartialEq)]
enum Pixel {
    /// The target does not show it, and donors do: predicted by this model.
    Open(u32),
    /// The target shows it.
    Seen,
    /// Neither.
    Nothing,
}

/// A cell with its halo.
pub(crate) struct Cell<'a> {
    tension: &'a Tension,
    predictor: &'a Predictor,
    observations: &'a Observations,
    target: &'a Block,
    /// Its corner in the observations and the target.
    origin: (usize, usize),
    width: usize,
    height: usize,
    pixels: Vec<Pixel>,
    /// The rows and columns of the cell itself.
    inner: (Range<usize>, Range<usize>),
}

/// A kept connection of an open pixel with a neighbour.
struct Edge {
    pixel: u32,
    other: u32,
    /// The model of the donors that both have in common.
    model: u32,
    weight: f32,
}

impl Cell<'_> {
    /// Side of a cell: solved for itself, wherever the run's blocks lie.
    pub const SIDE: usize = 128;
    /// Pixels around a cell that are solved along with it and then dropped: the membrane's reach.
    pub const HALO: usize = 32;
    /// Pixels around a cell that are read: the halo, and what is looked at around its border.
    pub const READS: usize = Self::HALO + Self::BESIDE + 1;
    /// The distance up to which other pixels tell the noise of a pixel of the border.
    pub const BESIDE: usize = 2;
    /// Bytes for the pixels of a cell with its halo, all of them open: values, pulls, edges, and the solver's.
    pub const MEMORY: usize = (Self::SIDE + 2 * Self::HALO).pow(2) * 350;
}

impl<'a> Cell<'a> {
    /// The pixels of a cell, and those of `area` around it, which lies within the input's window.
    pub fn new(
        tension: &'a Tension,
        predictor: &'a Predictor,
        input: &FillInput<'a>,
        (cell, area): (Window, Window),
    ) -> Self {
        let observations = input.observations.expect("the strategy takes first observations");
        let target = input.target.expect("the strategy needs the target");
        let origin = ((area.row - input.window.row) as usize, (area.col - input.window.col) as usize);
        let (width, height) = (area.width, area.height);
        let (row, col) = ((cell.row - area.row) as usize, (cell.col - area.col) as usize);
        let inner = (row..row + cell.height, col..col + cell.width);
        let mut cell = Self {
            tension,
            predictor,
            observations,
            target,
            origin,
            width,
            height,
            pixels: Vec::new(),
            inner,
        };
        cell.pixels = (0..width * height).map(|pixel| cell.judge(cell.at(pixel))).collect();
        cell
    }

    /// Whether a pixel belongs to the cell itself.
    fn is_inner(&self, pixel: usize) -> bool {
        self.inner.0.contains(&(pixel / self.width)) && self.inner.1.contains(&(pixel % self.width))
    }

    /// The position of a pixel in the observations and the target.
    fn at(&self, pixel: usize) -> (usize, usize) {
        (self.origin.0 + pixel / self.width, self.origin.1 + pixel % self.width)
    }

    fn judge(&self, at: (usize, usize)) -> Pixel {
        if self.target.valid[[0, at.0, at.1]] != 0 {
            return if self.is_saturated(at) { Pixel::Nothing } else { Pixel::Seen };
        }
        self.predictor
            .model_of(ranks_at(self.observations, at))
            .map_or(Pixel::Nothing, |model| Pixel::Open(model as u32))
    }

    /// Whether a pixel of the target must not take part in the correction: a band is saturated, or its value is
    /// implausible.
    fn is_saturated(&self, (row, col): (usize, usize)) -> bool {
        let limits = self.predictor.full.iter().zip(&self.predictor.believed).enumerate();
        limits.into_iter().any(|(band, (full, (low, high)))| {
            let value = self.target.values[[band, row, col]];
            value >= *full || value < *low || value > *high
        })
    }

    /// The connection of an open pixel with a neighbour; `None` where they have no donor in common.
    fn edge(&self, model: u32, pixel: usize, other: usize) -> Option<Edge> {
        let model = match self.pixels[other] {
            Pixel::Nothing => return None,
            Pixel::Open(same) if same == model => model,
            _ => self.common_model(model, self.at(other))?,
        };
        let unlike = self.unlikeness(model, self.at(pixel), self.at(other));
        let weight = self.tension.weight(unlike);
        Some(Edge { pixel: pixel as u32, other: other as u32, model, weight })
    }

    /// The model of those donors of `model` that see the pixel `other`, too; `None` if there is none.
    fn common_model(&self, model: u32, other: (usize, usize)) -> Option<u32> {
        let seen = ranks_at(self.observations, other);
        let mut common = [0; MOST_DONORS];
        let mut shared = 0;
        for rank in self.ranks(model).iter().filter(|rank| seen.contains(rank)) {
            common[shared] = *rank;
            shared += 1;
        }
        self.predictor.model_of(&common[..shared]).map(|model| model as u32)
    }

    fn ranks(&self, model: u32) -> &[u16] {
        &self.predictor.model(model as usize).ranks
    }

    /// Mean square of the difference of two pixels in what the donors say, each band in units of the target's spread.
    fn unlikeness(&self, model: u32, a: (usize, usize), b: (usize, usize)) -> f32 {
        let ranks = self.ranks(model);
        let mut sum = 0.0;
        for rank in ranks {
            let observation =
                |at| observation_of(self.observations, *rank, at).expect("common donors see both");
            for ((a, b), contrast) in observation(a).iter().zip(observation(b)).zip(&self.predictor.contrast)
            {
                let difference = (a - b) * contrast;
                sum += difference * difference;
            }
        }
        sum / (self.target.values.dim().0 * ranks.len()) as f32
    }

    /// The neighbours to the right and below, then those to the left and above.
    fn neighbours(&self, pixel: usize) -> [Option<usize>; 4] {
        let (row, col) = (pixel / self.width, pixel % self.width);
        [
            (col + 1 < self.width).then(|| pixel + 1),
            (row + 1 < self.height).then(|| pixel + self.width),
            (col > 0).then(|| pixel - 1),
            (row > 0).then(|| pixel - self.width),
        ]
    }

    /// Value of every open pixel, for a group of bands after the other.
    pub fn solve(&self, solver: &mut Solver) -> Vec<Vec<Lanes>> {
        let edges = self.edges();
        let system = self.system(&edges);
        (0..self.predictor.groups()).map(|group| self.solve_group(&system, &edges, group, solver)).collect()
    }

    /// Every connection of an open pixel, each pair of open pixels once.
    fn edges(&self) -> Vec<Edge> {
        let mut edges = Vec::new();
        for (pixel, kind) in self.pixels.iter().enumerate() {
            let Pixel::Open(model) = *kind else { continue };
            for (side, other) in self.neighbours(pixel).into_iter().enumerate() {
                let Some(other) = other else { continue };
                // The left and upper open neighbours have seen to it.
                if side >= 2 && matches!(self.pixels[other], Pixel::Open(_)) {
                    continue;
                }
                edges.extend(self.edge(model, pixel, other));
            }
        }
        edges
    }

    fn system(&self, edges: &[Edge]) -> System {
        let zeros = || vec![0.0; self.pixels.len()];
        let mut system = System { width: self.width, diagonal: zeros(), right: zeros(), down: zeros() };
        for (diagonal, pixel) in system.diagonal.iter_mut().zip(&self.pixels) {
            *diagonal = if matches!(pixel, Pixel::Open(_)) { self.tension.lambda } else { 0.0 };
        }
        for edge in edges {
            let (pixel, other) = (edge.pixel as usize, edge.other as usize);
            system.diagonal[pixel] += edge.weight;
            if matches!(self.pixels[other], Pixel::Open(_)) {
                system.diagonal[other] += edge.weight;
                let side = if other == pixel + 1 { &mut system.right } else { &mut system.down };
                side[pixel] = edge.weight;
            }
        }
        system
    }

    fn solve_group(&self, system: &System, edges: &[Edge], group: usize, solver: &mut Solver) -> Vec<Lanes> {
        let predict = |model: u32, pixel: usize| {
            self.predictor.predict(model as usize, self.observations, self.at(pixel), group)
        };
        let mut values: Vec<Lanes> = self
            .pixels
            .iter()
            .enumerate()
            .map(
                |(pixel, kind)| {
                    if let Pixel::Open(model) = kind { predict(*model, pixel) } else { [0.0; LANES] }
                },
            )
            .collect();
        let mut pull = vec![[0.0; LANES]; self.pixels.len()];
        for edge in edges {
            let (pixel, other) = (edge.pixel as usize, edge.other as usize);
            match self.pixels[other] {
                Pixel::Seen => {
                    // The sample of the target there, plus the difference that the common donors show.
                    let (here, there) = (predict(edge.model, pixel), predict(edge.model, other));
                    let shown = self.shown(self.at(other), group);
                    let noise = self.noise(edge.model, self.at(other), group);
                    for lane in 0..LANES {
                        let wanted = shown[lane] - noise[lane] + here[lane] - there[lane];
                        pull[pixel][lane] += edge.weight * (wanted - values[pixel][lane]);
                    }
                }
                Pixel::Open(model)
                    if Pixel::Open(edge.model) != self.pixels[pixel] || edge.model != model =>
                {
                    // Other donors on the other side: the difference between the two is what those in common see.
                    let (here, there) = (predict(edge.model, pixel), predict(edge.model, other));
                    for lane in 0..LANES {
                        let step = values[pixel][lane] - values[other][lane] - (here[lane] - there[lane]);
                        pull[pixel][lane] -= edge.weight * step;
                        pull[other][lane] += edge.weight * step;
                    }
                }
                _ => {}
            }
        }
        solver.solve(system, &mut pull, |pixel| self.is_inner(pixel), self.tolerance(group));
        for (value, correction) in values.iter_mut().zip(&pull) {
            let predicted = *value;
            value.iter_mut().zip(correction).for_each(|(value, correction)| *value += correction);
            *value = self.predictor.clip_from(*value, Some(&predicted), group);
        }
        values
    }

    /// A small part of what the target's values range over: the solver's tolerance.
    fn tolerance(&self, group: usize) -> f32 {
        let (low, high) = &self.predictor.range[group];
        let range = low.iter().zip(high).map(|(low, high)| high - low).filter(|r| r.is_finite());
        (range.fold(0.0, f32::max) * TOLERANCE).max(f32::MIN_POSITIVE)
    }

    /// The samples of the target, for a group of bands.
    fn shown(&self, (row, col): (usize, usize), group: usize) -> Lanes {
        let mut lanes = [0.0; LANES];
        for (lane, band) in lanes.iter_mut().zip(self.predictor.bands_of(group)) {
            *lane = self.target.values[[band, row, col]];
        }
        lanes
    }

    /// The noise of a border pixel: its residual minus the weighted mean of similar neighbours, limited to the usual noise.
    /// It is not carried into the gap.
    fn noise(&self, model: u32, at: (usize, usize), group: usize) -> Lanes {
        let residual = |at: (usize, usize)| {
            let (mut shown, predicted) =
                (self.shown(at, group), self.predictor.predict(model as usize, self.observations, at, group));
            shown.iter_mut().zip(predicted).for_each(|(shown, predicted)| *shown -= predicted);
            shown
        };
        let own = residual(at);
        let (mut sum, mut weights) = (own, 1.0);
        for beside in self.beside(at).filter(|beside| self.is_known(model, *beside)) {
            let unlike = self.unlikeness(model, at, beside) / (ALIKE * ALIKE);
            let weight = (-0.5 * unlike).exp();
            sum.iter_mut().zip(residual(beside)).for_each(|(sum, residual)| *sum += weight * residual);
            weights += weight;
        }
        let rough = &self.predictor.model(model as usize).noise;
        let mut noise = [0.0; LANES];
        for (lane, band) in self.predictor.bands_of(group).enumerate() {
            let most = NOISE * rough[band];
            noise[lane] = (own[lane] - sum[lane] / weights).max(-most).min(most);
        }
        noise
    }

    /// Pixels around one, itself not among them.
    fn beside(&self, (row, col): (usize, usize)) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (height, width) = (self.target.valid.dim().1, self.target.valid.dim().2);
        let reach = Self::BESIDE as isize;
        let offsets = (-reach..=reach).flat_map(move |down| (-reach..=reach).map(move |right| (down, right)));
        let near = offsets
            .filter(move |(down, right)| (1..=reach * reach + 1).contains(&(down * down + right * right)));
        near.filter_map(move |(down, right)| {
            let (row, col) = (row.checked_add_signed(down)?, col.checked_add_signed(right)?);
            (row < height && col < width).then_some((row, col))
        })
    }

    /// Whether the target shows a pixel, and all donors of a model do.
    fn is_known(&self, model: u32, at: (usize, usize)) -> bool {
        let seen = ranks_at(self.observations, at);
        self.target.valid[[0, at.0, at.1]] != 0
            && !self.is_saturated(at)
            && self.ranks(model).iter().all(|rank| seen.contains(rank))
    }

    /// Writes the gaps of the canvas that lie in the cell.
    pub fn write(
        &self,
        values: &[Vec<Lanes>],
        donors: &[DonorUse],
        input: &FillInput<'_>,
        cell: Window,
        canvas: &mut Canvas,
    ) {
        let Some(part) = cell.intersect(canvas.window) else { return };
        let distance = canvas.sigma.is_some().then(|| self.distances());
        for row in part.row..part.row_end() {
            for col in part.col..part.col_end() {
                let to = ((row - canvas.window.row) as usize, (col - canvas.window.col) as usize);
                let at = ((row - input.window.row) as usize, (col - input.window.col) as usize);
                let pixel = (at.0 - self.origin.0) * self.width + at.1 - self.origin.1;
                let Pixel::Open(model) = self.pixels[pixel] else { continue };
                if canvas.source[[0, to.0, to.1]] != GAP {
                    continue;
                }
                for (group, values) in values.iter().enumerate() {
                    put(canvas, to, self.predictor.bands_of(group), &values[pixel]);
                }
                if let (Some(of), Some(distance)) = (&mut canvas.sigma, &distance) {
                    let model = self.predictor.model(model as usize);
                    for (band, (sigma, rough)) in model.sigma.iter().zip(&model.roughness).enumerate() {
                        of[[band, to.0, to.1]] = self.tension.uncertainty(*sigma, *rough, distance[pixel]);
                    }
                }
                canvas.source[[0, to.0, to.1]] = source(self.predictor, model as usize, donors);
            }
        }
    }

    /// Distance of every pixel to the nearest that the target shows, at most the halo.
    fn distances(&self) -> Vec<f32> {
        let far = Self::HALO;
        // Along the rows first: the nearest in the row, then the nearest of the rows around.
        let mut along = vec![far; self.pixels.len()];
        for (row, pixels) in self.pixels.chunks_exact(self.width).enumerate() {
            let along = &mut along[row * self.width..][..self.width];
            let mut run = |cols: &mut dyn Iterator<Item = usize>| {
                let mut since = far;
                for col in cols {
                    since = if pixels[col] == Pixel::Seen { 0 } else { (since + 1).min(far) };
                    along[col] = along[col].min(since);
                }
            };
            run(&mut (0..self.width));
            run(&mut (0..self.width).rev());
        }
        let nearest = |pixel: usize| {
            let (row, col) = (pixel / self.width, pixel % self.width);
            let rows = row.saturating_sub(far)..(row + far + 1).min(self.height);
            let squares = rows.map(|r| r.abs_diff(row).pow(2) + along[r * self.width + col].pow(2));
            (squares.min().unwrap_or(far * far) as f32).sqrt().min(far as f32)
        };
        (0..self.pixels.len()).map(nearest).collect()
    }
}
