//! The first few clear looks at each pixel, in the order in which a strategy ranks its donors.

use ndarray::ArrayView2;

/// No look.
pub const NONE: u16 = u16::MAX;

/// Up to so many looks per pixel. However many donors there are, it takes the same memory. The bands of a look lie side
/// by side: whoever wants one wants all.
#[derive(Clone, Debug, PartialEq)]
pub struct Looks {
    most: usize,
    bands: usize,
    width: usize,
    /// Per pixel, row by row, and look: which donor it is of.
    ranks: Vec<u16>,
    /// Per pixel, look and band.
    values: Vec<f32>,
}

impl Looks {
    /// No look yet.
    pub fn new(most: usize, bands: usize, height: usize, width: usize) -> Self {
        let looks = height * width * most;
        Self { most, bands, width, ranks: vec![NONE; looks], values: vec![0.0; looks * bands] }
    }

    /// Which donors the looks at a pixel (row, col) are of: their places in [`crate::BoundFill::donors`], rising, and
    /// [`NONE`] from the last look on.
    #[inline]
    pub fn ranks(&self, (row, col): (usize, usize)) -> &[u16] {
        &self.ranks[(row * self.width + col) * self.most..][..self.most]
    }

    /// What a look shows at a pixel, band by band; arbitrary where there is no such look.
    #[inline]
    pub fn look(&self, (row, col): (usize, usize), look: usize) -> &[f32] {
        &self.values[((row * self.width + col) * self.most + look) * self.bands..][..self.bands]
    }

    /// Gives a donor a look at a pixel, whose samples are to be written; `None` where there is no room.
    #[inline]
    pub fn take(&mut self, (row, col): (usize, usize), rank: usize) -> Option<&mut [f32]> {
        let pixel = row * self.width + col;
        let look = self.ranks[pixel * self.most..][..self.most].iter().position(|rank| *rank == NONE)?;
        self.ranks[pixel * self.most + look] = rank as u16;
        Some(&mut self.values[(pixel * self.most + look) * self.bands..][..self.bands])
    }

    /// Whether every wanted pixel (1) has all the looks that it may have.
    pub fn are_enough(&self, wanted: ArrayView2<'_, u8>) -> bool {
        wanted
            .iter()
            .zip(self.ranks.chunks_exact(self.most))
            .all(|(wanted, ranks)| *wanted == 0 || ranks[self.most - 1] != NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn the_first_looks_are_kept_whoever_comes_later() {
        let mut looks = Looks::new(2, 1, 1, 2);
        for (rank, cols) in [(0, 0..1), (1, 0..2), (4, 0..2)] {
            assert!(!looks.are_enough(ndarray::arr2(&[[0, 1]]).view()));
            for col in cols {
                looks.take((0, col), rank).into_iter().for_each(|look| look[0] = rank as f32);
            }
        }
        assert_eq!((looks.ranks((0, 0)), looks.ranks((0, 1))), (&[0, 1][..], &[1, 4][..]));
        assert_eq!((looks.look((0, 0), 1), looks.look((0, 1), 1)), (&[1.0][..], &[4.0][..]));
        assert!(looks.are_enough(ndarray::arr2(&[[1, 1]]).view()));
    }
}
