//! Domains to solve on: the same at every run.

use crate::lanes::{LANES, Lanes};
use crate::membrane::system::System;
use std::ops::Range;

/// A domain with what a strategy knows of it.
#[derive(Clone)]
pub struct Domain {
    pub width: usize,
    pub lambda: f32,
    pub unknown: Vec<bool>,
    /// Weights of the edges to the right and to the lower neighbours, 0 where dropped.
    pub right: Vec<f32>,
    pub down: Vec<f32>,
    /// r where it is known: ±1000, half smooth and half noise; nothing in the last band.
    pub known: Vec<Lanes>,
}

impl Domain {
    pub fn new(
        width: usize,
        height: usize,
        unknown: impl Fn(usize, usize) -> bool,
        weight: impl Fn((usize, usize), (usize, usize)) -> f32,
    ) -> Self {
        let pixels = || (0..width * height).map(|pixel| (pixel % width, pixel / width));
        let right = |(x, y)| if x + 1 < width { weight((x, y), (x + 1, y)) } else { 0.0 };
        let down = |(x, y)| if y + 1 < height { weight((x, y), (x, y + 1)) } else { 0.0 };
        let known = |x, y, band: usize| match band as u32 {
            7 => 0.0,
            band => 1000.0 * (smooth(x, y, 60, 50 + band) + noise(x, y, 60 + band) - 1.0),
        };
        Self {
            width,
            lambda: 0.001,
            unknown: pixels().map(|(x, y)| unknown(x, y)).collect(),
            right: pixels().map(right).collect(),
            down: pixels().map(down).collect(),
            known: pixels().map(|(x, y)| std::array::from_fn(|band| known(x, y, band))).collect(),
        }
    }

    /// The matrix and b.
    pub fn system(&self) -> (System, Vec<Lanes>) {
        let pixels = self.unknown.len();
        let mut b = vec![[0.0; LANES]; pixels];
        let mut diagonal: Vec<f32> =
            self.unknown.iter().map(|u| if *u { self.lambda } else { 0.0 }).collect();
        let mut add = |p: usize, q: usize, weight: f32| {
            if weight > 0.0 && self.unknown[p] {
                diagonal[p] += weight;
                if !self.unknown[q] {
                    b[p].iter_mut().zip(self.known[q]).for_each(|(b, known)| *b += weight * known);
                }
            }
        };
        for p in 0..pixels {
            for (q, weight) in [(p + 1, self.right[p]), (p + self.width, self.down[p])] {
                if weight > 0.0 {
                    add(p, q, weight);
                    add(q, p, weight);
                }
            }
        }
        let kept = |weights: &[f32], step: usize| -> Vec<f32> {
            let both = |p: usize| weights[p] > 0.0 && self.unknown[p] && self.unknown[p + step];
            (0..pixels).map(|p| if both(p) { weights[p] } else { 0.0 }).collect()
        };
        let (right, down) = (kept(&self.right, 1), kept(&self.down, self.width));
        (System { width: self.width, diagonal, right, down }, b)
    }

    /// A part of the domain; nothing may be unknown at its rim.
    pub fn window(&self, cols: Range<usize>, rows: Range<usize>) -> Self {
        let at: Vec<usize> =
            rows.clone().flat_map(|row| cols.clone().map(move |col| row * self.width + col)).collect();
        let last = |p: &usize| (p % self.width + 1 == cols.end, p / self.width + 1 == rows.end);
        Self {
            width: cols.len(),
            lambda: self.lambda,
            unknown: at.iter().map(|&p| self.unknown[p]).collect(),
            right: at.iter().map(|p| if last(p).0 { 0.0 } else { self.right[*p] }).collect(),
            down: at.iter().map(|p| if last(p).1 { 0.0 } else { self.down[*p] }).collect(),
            known: at.iter().map(|&p| self.known[p]).collect(),
        }
    }
}

/// A number in 0..=1 for each place and kind, without any pattern.
pub fn noise(x: usize, y: usize, kind: u32) -> f32 {
    let mixed = (x as u32).wrapping_mul(0x9E37_79B1) ^ (y as u32).wrapping_mul(0x85EB_CA77);
    let mut hash = mixed ^ kind.wrapping_mul(0xC2B2_AE3D);
    for factor in [0x2C1B_3C6D, 0x297A_2D39, 0x1B56_C4E9] {
        hash = (hash ^ (hash >> 15)).wrapping_mul(factor);
    }
    (hash ^ (hash >> 15)) as f32 / u32::MAX as f32
}

/// The same, smooth over `size` pixels.
pub fn smooth(x: usize, y: usize, size: usize, kind: u32) -> f32 {
    let ease = |at: usize| {
        let part = (at % size) as f32 / size as f32;
        part * part * (3.0 - 2.0 * part)
    };
    let (col, row, right, down) = (x / size, y / size, ease(x), ease(y));
    let along = |row| noise(col, row, kind) * (1.0 - right) + noise(col + 1, row, kind) * right;
    along(row) * (1.0 - down) + along(row + 1) * down
}

/// Weights as those of a scene of fields (ε + exp(−½ · mean square difference / σ²), ε = 0.003, σ = 0.2): slopes and
/// a little noise within fields some 10 to 20 px wide, steps between them.
pub fn donor_weight(a: (usize, usize), b: (usize, usize)) -> f32 {
    let bands = 6;
    let square = |band| (donor(a.0, a.1, band) - donor(b.0, b.1, band)).powi(2);
    let mean = (0..bands).map(square).sum::<f32>() / bands as f32;
    0.003 + (-0.5 * mean / 0.04).exp()
}

fn donor(x: usize, y: usize, band: u32) -> f32 {
    let [field, plot] = [11, 12].map(|kind| (smooth(x, y, 40, kind) * 9.0) as usize);
    3.0 * noise(field, plot, 20 + band) + smooth(x, y, 30, 30 + band) + 0.15 * noise(x, y, 40 + band)
}
