//! One piece of the unknown: conjugate gradients with a modified incomplete factor.
//!
//! With D the diagonal and −L − Lᵀ the rest of the matrix A, the factor is M = (S − L) S⁻¹ (S − Lᵀ), where S
//! is diagonal and such that M and A have the same sums of rows: I. Gustafsson, "A class of first order
//! factorization methods", BIT 18 (1978), 142–156. Everything is scaled by 1/√S on both sides, so that S is 1.
//!
//! The iteration runs on (1 − L)⁻¹ A (1 − Lᵀ)⁻¹. Its product with a direction p is t + s and costs two sweeps:
//! t = (1 − Lᵀ)⁻¹ p, s = (1 − L)⁻¹ (p + (D − 2) t). S. C. Eisenstat, "Efficient implementation of a class of
//! preconditioned conjugate gradient methods", SIAM J. Sci. Stat. Comput. 2 (1981), 1–4.
//!
//! A − M is the Laplacian of a graph, so A ≥ M, and the square of the residual r that the iteration carries along
//! bounds the error e of the solution: e·Ae = r·A⁻¹r ≤ r·M⁻¹r. That bounds the error of each pixel:
//! e_p² ≤ A⁻¹_pp · e·Ae. The largest A⁻¹_pp is not known. It is large in a cluster that only weak edges hold,
//! but there the last pivot of S is small, too: the iteration stops when r·M⁻¹r / min S is small.

use super::bands::{Bands, Sums};
use super::system::System;
use crate::lanes::{LANES, Lanes};
use multiversion::multiversion;

/// Never reached: on 320 × 320 pixels and with λ = 0.001 some 100 steps are the most, with 0.0001 some 170.
const MOST_STEPS: usize = 1000;

/// The matrix, and the vectors of the iteration. All but `links` have one entry more than there are pixels: it stands
/// for neighbours that are not there. In a vector it stays 0.
#[derive(Default)]
pub(super) struct Piece {
    links: Vec<Links>,
    /// 1/√S.
    scale: Vec<f64>,
    solution: Vec<Bands>,
    residual: Vec<Bands>,
    /// p.
    direction: Vec<Bands>,
    /// t, found from the last pixel to the first.
    upward: Vec<Bands>,
    /// s, found from the first pixel to the last.
    downward: Vec<Bands>,
}

/// A pixel's row of the matrix. Its left and right neighbours are the previous and the next pixel of the piece, where
/// the weight is not 0.
#[derive(Clone, Copy)]
struct Links {
    left: f32,
    right: f32,
    up: f32,
    down: f32,
    /// D − 2.
    excess: f32,
    /// Number of the upper neighbour.
    above: u32,
    /// Number of the lower neighbour.
    below: u32,
}

impl Piece {
    /// Becomes the piece of these pixels, given row by row; `number` tells where in `pixels` a pixel is.
    pub fn set(&mut self, system: &System, pixels: &[u32], number: &[u32]) {
        self.link(system, pixels, number);
        self.factor(system, pixels);
        self.scale_links(system, pixels);
        let vectors = [
            &mut self.solution,
            &mut self.residual,
            &mut self.direction,
            &mut self.upward,
            &mut self.downward,
        ];
        for vector in vectors {
            vector.clear();
            vector.resize(pixels.len() + 1, Bands::default());
        }
    }

    /// The neighbours, and the weights as given.
    fn link(&mut self, system: &System, pixels: &[u32], number: &[u32]) {
        let nobody = pixels.len() as u32;
        let alone =
            Links { left: 0.0, right: 0.0, up: 0.0, down: 0.0, excess: 0.0, above: nobody, below: nobody };
        self.links.clear();
        self.links.resize(pixels.len(), alone);
        for (nth, pixel) in pixels.iter().map(|&pixel| pixel as usize).enumerate() {
            let (right, down) = (system.right[pixel], system.down[pixel]);
            if right > 0.0 {
                self.links[nth].right = right;
                self.links[nth + 1].left = right;
            }
            if down > 0.0 {
                let below = number[pixel + system.width];
                (self.links[nth].down, self.links[nth].below) = (down, below);
                let lower = &mut self.links[below as usize];
                (lower.up, lower.above) = (down, nth as u32);
            }
        }
    }

    /// Elimination from the first pixel to the last. What it would put between a pixel's right and lower
    /// neighbours is taken from their diagonals instead. Every S is then at least λ + right + down.
    fn factor(&mut self, system: &System, pixels: &[u32]) {
        let pivots = &mut self.scale;
        pivots.clear();
        pivots.extend(pixels.iter().map(|&pixel| f64::from(system.diagonal[pixel as usize])));
        pivots.push(1.0);
        for (nth, links) in self.links.iter().enumerate() {
            let (right, down) = (f64::from(links.right), f64::from(links.down));
            let share = (right + down) / pivots[nth];
            pivots[nth + 1] -= right * share;
            pivots[links.below as usize] -= down * share;
        }
        for pivot in pivots {
            *pivot = 1.0 / pivot.sqrt();
        }
    }

    fn scale_links(&mut self, system: &System, pixels: &[u32]) {
        let scale = &self.scale;
        let scaled = |weight: f32, a: usize, b: usize| (f64::from(weight) * (scale[a] * scale[b])) as f32;
        for ((nth, links), &pixel) in self.links.iter_mut().enumerate().zip(pixels) {
            links.left = scaled(links.left, nth.saturating_sub(1), nth);
            links.right = scaled(links.right, nth, nth + 1);
            links.up = scaled(links.up, links.above as usize, nth);
            links.down = scaled(links.down, nth, links.below as usize);
            let diagonal = f64::from(system.diagonal[pixel as usize]);
            links.excess = (diagonal * (scale[nth] * scale[nth]) - 2.0) as f32;
        }
    }

    /// Turns b into r at `pixels`; returns how many steps that took.
    pub fn solve(&mut self, values: &mut [Lanes], pixels: &[u32], tolerance: f32) -> usize {
        for ((entry, &pixel), &scale) in self.residual.iter_mut().zip(pixels).zip(&self.scale) {
            *entry = Bands(values[pixel as usize]) * scale as f32;
        }
        let largest = self.scale[..pixels.len()].iter().copied().fold(0.0, f64::max);
        let steps = iterate(self, (f64::from(tolerance) / largest).powi(2));
        for ((&entry, &pixel), &scale) in self.solution.iter().zip(pixels).zip(&self.scale) {
            values[pixel as usize] = (entry * scale as f32).0;
        }
        steps
    }
}

/// Conjugate gradients until the square of the residual is `enough` in every band; returns the number of steps.
/// Every band has its own lengths of steps; one that is done takes steps of length 0.
///
/// Compiled for several instruction sets. Rust never fuses `*` and `+`, so all versions give the same bits.
#[multiversion(targets("x86_64+avx2", "x86_64+sse4.1"))]
fn iterate(piece: &mut Piece, enough: f64) -> usize {
    let mut square = piece.start();
    let mut turn = [0.0; LANES];
    for steps in 0..MOST_STEPS {
        if square.iter().all(|&square| square <= enough) {
            return steps;
        }
        piece.sweep_up(Bands::rounded(&turn));
        let curvature = piece.sweep_down();
        let mut length = [0.0; LANES];
        for l in 0..LANES {
            if square[l] > enough && curvature[l] > 0.0 {
                length[l] = square[l] / curvature[l];
            }
        }
        let next = piece.step(Bands::rounded(&length));
        for l in 0..LANES {
            turn[l] = if length[l] > 0.0 { next[l] / square[l] } else { 0.0 };
        }
        square = next;
    }
    MOST_STEPS
}

impl Piece {
    /// The residual of the solution 0, (1 − L)⁻¹ b; returns its square.
    #[inline(always)]
    fn start(&mut self) -> [f64; LANES] {
        let (mut left, mut sums) = (Bands::default(), Sums::default());
        for (nth, links) in self.links.iter().enumerate() {
            let above = self.residual[links.above as usize];
            left = self.residual[nth] + above * links.up + left * links.left;
            self.residual[nth] = left;
            sums.add(left * left);
        }
        sums.total()
    }

    /// p = residual + turn · p, t = (1 − Lᵀ)⁻¹ p.
    #[inline(always)]
    fn sweep_up(&mut self, turn: Bands) {
        let n = self.links.len();
        let (direction, residual) = (&mut self.direction[..n], &self.residual[..n]);
        let upward = &mut self.upward[..=n];
        let mut right = Bands::default();
        for (nth, links) in self.links.iter().enumerate().rev() {
            let p = residual[nth] + direction[nth] * turn;
            direction[nth] = p;
            right = p + upward[links.below as usize] * links.down + right * links.right;
            upward[nth] = right;
        }
    }

    /// s = (1 − L)⁻¹ (p + (D − 2) t); returns p · (t + s).
    #[inline(always)]
    fn sweep_down(&mut self) -> [f64; LANES] {
        let n = self.links.len();
        let (direction, upward) = (&self.direction[..n], &self.upward[..n]);
        let downward = &mut self.downward[..=n];
        let (mut left, mut sums) = (Bands::default(), Sums::default());
        for (nth, links) in self.links.iter().enumerate() {
            let (p, t) = (direction[nth], upward[nth]);
            left = p + t * links.excess + downward[links.above as usize] * links.up + left * links.left;
            downward[nth] = left;
            sums.add(p * (t + left));
        }
        sums.total()
    }

    /// Goes along t, in which coordinates the solution needs no last sweep; returns the square of the residual.
    #[inline(always)]
    fn step(&mut self, length: Bands) -> [f64; LANES] {
        let n = self.links.len();
        let (solution, residual) = (&mut self.solution[..n], &mut self.residual[..n]);
        let (upward, downward) = (&self.upward[..n], &self.downward[..n]);
        let mut sums = Sums::default();
        for nth in 0..n {
            let (t, s) = (upward[nth], downward[nth]);
            solution[nth] = solution[nth] + t * length;
            let r = residual[nth] - (t + s) * length;
            residual[nth] = r;
            sums.add(r * r);
        }
        sums.total()
    }
}
