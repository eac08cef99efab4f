//! Goes through a system piece by piece: unknown pixels that no chain of edges joins have nothing to do with each other.

use super::piece::Piece;
use super::system::System;
use crate::lanes::Lanes;

/// A pixel that is in no piece, or in none yet.
const NONE: u32 = u32::MAX;

/// Solves one system after the other in the same memory.
#[derive(Default)]
pub(crate) struct Solver {
    /// Per pixel of the domain: its place in its piece, or [`NONE`].
    number: Vec<u32>,
    /// The pixels of a piece, row by row.
    pixels: Vec<u32>,
    piece: Piece,
}

impl Solver {
    /// Turns b into r where pixels are unknown; `values` has an entry for every pixel. Returns the steps that the
    /// slowest piece took.
    ///
    /// No pixel of r is further from the exact solution than about `tolerance`, plus some 3e-6 of the largest
    /// known number for rounding. ("About": why is told in [`super::piece`], but not proved to the end. Over 4000 small
    /// domains the largest error was 1.05 `tolerance`, in wide gaps it is less than half of it. A bound on the residual
    /// alone would say little: errors can be 1/λ times as large.)
    ///
    /// To the bit, a band is independent of other bands, and a piece of other pieces and of its position.
    ///
    /// Pieces of which no pixel is `wanted` are left as they are.
    pub fn solve(
        &mut self,
        system: &System,
        values: &mut [Lanes],
        wanted: impl Fn(usize) -> bool,
        tolerance: f32,
    ) -> usize {
        self.number.clear();
        self.number.resize(system.diagonal.len(), NONE);
        let mut steps = 0;
        for start in 0..system.diagonal.len() {
            if system.diagonal[start] > 0.0 && self.number[start] == NONE {
                self.collect(system, start);
                if !self.pixels.iter().any(|pixel| wanted(*pixel as usize)) {
                    continue;
                }
                self.piece.set(system, &self.pixels, &self.number);
                steps = steps.max(self.piece.solve(values, &self.pixels, tolerance));
            }
        }
        steps
    }

    /// Numbers, row by row, the pixels that a chain of edges joins to `start`.
    fn collect(&mut self, system: &System, start: usize) {
        let Self { number, pixels, .. } = self;
        pixels.clear();
        pixels.push(start as u32);
        number[start] = 0;
        let mut looked_at = 0;
        while let Some(&pixel) = pixels.get(looked_at) {
            looked_at += 1;
            for next in system.joined_to(pixel as usize).into_iter().flatten() {
                if number[next] == NONE {
                    number[next] = 0;
                    pixels.push(next as u32);
                }
            }
        }
        pixels.sort_unstable();
        for (nth, &pixel) in pixels.iter().enumerate() {
            number[pixel as usize] = nth as u32;
        }
    }
}
