//! The membrane: spreads what is known around gaps into them, along what belongs together.
//!
//! With weights w of the edges between neighbours, r solves for each unknown pixel p
//!
//! > (λ + Σ w_pq) r_p − Σ w_pq r_q = b_p
//!
//! where the first sum is over all kept edges of p, the second over those to unknown q, and b_p is the sum of
//! w_pq r_q over those to known q. For λ > 0 this matrix is a symmetric positive definite M-matrix: no |r_p| is
//! larger than the largest known |r_q|, and influence fades within some √(w/λ) pixels. It is the same for every
//! band, so all bands are solved in one go. Unknown pixels that no chain of edges joins have nothing to do with
//! each other: [`System::solve`] goes piece by piece, and [`piece`] solves one.

mod bands;
mod piece;
#[cfg(test)]
mod tests;

use piece::Piece;

/// Bands solved together; those that are not wanted are zeros.
pub(crate) const LANES: usize = 8;

#[cfg(test)]
/// An error of r that is not seen in whole numbers.
pub(crate) const TOLERANCE: f32 = 0.05;

/// A pixel that is in no piece, or in none yet.
const NONE: u32 = u32::MAX;

/// The matrix on a domain of pixels, row by row.
pub(crate) struct System {
    /// Pixels in a row.
    pub width: usize,
    /// Unknown pixels: λ (1e-4 or more) + the weights of all kept edges, also of those to known pixels. Others: 0.
    pub diagonal: Vec<f32>,
    /// Weight of the edge to the right neighbour where both pixels are unknown and the edge is kept, else 0.
    pub right: Vec<f32>,
    /// The same of the edge to the lower neighbour.
    pub down: Vec<f32>,
}

/// Memory that is used again by the next solution.
#[derive(Default)]
pub(crate) struct Scratch {
    /// Per pixel of the domain: its place in its piece, or [`NONE`].
    number: Vec<u32>,
    /// The pixels of a piece, row by row.
    pixels: Vec<u32>,
    piece: Piece,
}

impl System {
    /// Turns b into r where pixels are unknown; `values` has an entry for every pixel. Returns the steps that the
    /// slowest piece took.
    ///
    /// No pixel of r is further from the exact solution than about `tolerance`, plus some 3e-6 of the largest
    /// known number for rounding. ("About": why is told in [`piece`], but not proved to the end. Over 4000 small
    /// domains the largest error was 1.05 `tolerance`, in wide gaps it is less than half of it. A bound on the residual
    /// alone would say little: errors can be 1/λ times as large.)
    ///
    /// A band's bits do not depend on other bands, a piece's neither on other pieces nor on where it is.
    ///
    /// Pieces of which no pixel is `wanted` are left as they are.
    pub fn solve(
        &self,
        values: &mut [[f32; LANES]],
        wanted: impl Fn(usize) -> bool,
        tolerance: f32,
        scratch: &mut Scratch,
    ) -> usize {
        scratch.number.clear();
        scratch.number.resize(self.diagonal.len(), NONE);
        let mut steps = 0;
        for start in 0..self.diagonal.len() {
            if self.diagonal[start] > 0.0 && scratch.number[start] == NONE {
                self.collect(start, scratch);
                if !scratch.pixels.iter().any(|pixel| wanted(*pixel as usize)) {
                    continue;
                }
                scratch.piece.set(self, &scratch.pixels, &scratch.number);
                steps = steps.max(scratch.piece.solve(values, &scratch.pixels, tolerance));
            }
        }
        steps
    }

    /// Numbers, row by row, the pixels that a chain of edges joins to `start`.
    fn collect(&self, start: usize, scratch: &mut Scratch) {
        let Scratch { number, pixels, .. } = scratch;
        pixels.clear();
        pixels.push(start as u32);
        number[start] = 0;
        let mut looked_at = 0;
        while let Some(&pixel) = pixels.get(looked_at) {
            looked_at += 1;
            for next in self.joined_to(pixel as usize).into_iter().flatten() {
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

    /// The neighbours that an edge joins to a pixel.
    fn joined_to(&self, pixel: usize) -> [Option<usize>; 4] {
        let [left, up] = [1, self.width].map(|step| pixel.checked_sub(step));
        [
            left.filter(|&left| self.right[left] > 0.0),
            up.filter(|&up| self.down[up] > 0.0),
            (self.right[pixel] > 0.0).then_some(pixel + 1),
            (self.down[pixel] > 0.0).then_some(pixel + self.width),
        ]
    }
}
