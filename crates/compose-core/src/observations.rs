//! The first few clear observations of each pixel, in the order in which a strategy ranks its donors.

use ndarray::Array2;

/// No observation.
pub const NONE: u16 = u16::MAX;

/// Up to so many clear observations per pixel. However many donors there are, it takes the same memory. The bands of an
/// observation lie side by side, since all of them are read together.
#[derive(Clone, Debug, PartialEq)]
pub struct Observations {
    most: usize,
    bands: usize,
    width: usize,
    /// Per pixel, row by row, and observation: which donor it is of.
    ranks: Vec<u16>,
    /// Per pixel, observation and band.
    values: Vec<f32>,
}

impl Observations {
    /// No observation yet.
    pub fn new(most: usize, bands: usize, height: usize, width: usize) -> Self {
        let observations = height * width * most;
        Self { most, bands, width, ranks: vec![NONE; observations], values: vec![0.0; observations * bands] }
    }

    /// The donors of the observations of a pixel (row, col), by their places in [`crate::PlannedFill::donors`], rising;
    /// [`NONE`] after the last observation.
    #[inline]
    pub fn ranks(&self, (row, col): (usize, usize)) -> &[u16] {
        &self.ranks[(row * self.width + col) * self.most..][..self.most]
    }

    /// The samples of an observation of a pixel, band by band; arbitrary if there is no such observation.
    #[inline]
    pub fn observation(&self, (row, col): (usize, usize), observation: usize) -> &[f32] {
        &self.values[((row * self.width + col) * self.most + observation) * self.bands..][..self.bands]
    }

    /// Adds an observation of a pixel for a donor; the caller writes its samples. `None` if the pixel has enough.
    #[inline]
    pub fn take(&mut self, (row, col): (usize, usize), rank: usize) -> Option<&mut [f32]> {
        let pixel = row * self.width + col;
        let observation =
            self.ranks[pixel * self.most..][..self.most].iter().position(|rank| *rank == NONE)?;
        self.ranks[pixel * self.most + observation] = rank as u16;
        Some(&mut self.values[(pixel * self.most + observation) * self.bands..][..self.bands])
    }

    /// Leaves of the wanted pixels (1) those that have fewer observations than they may have; returns whether there are any.
    pub fn keep_lacking(&self, wanted: &mut Array2<u8>) -> bool {
        let mut left = 0;
        for (wanted, ranks) in wanted.iter_mut().zip(self.ranks.chunks_exact(self.most)) {
            *wanted &= u8::from(ranks[self.most - 1] == NONE);
            left |= *wanted;
        }
        left != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[test]
    fn the_first_observations_are_kept_whoever_comes_later() {
        let mut observations = Observations::new(2, 1, 1, 2);
        for (rank, cols) in [(0, 0..1), (1, 0..2), (4, 0..2)] {
            assert!(observations.keep_lacking(&mut ndarray::arr2(&[[0, 1]])));
            for col in cols {
                observations
                    .take((0, col), rank)
                    .into_iter()
                    .for_each(|observation| observation[0] = rank as f32);
            }
        }
        assert_eq!((observations.ranks((0, 0)), observations.ranks((0, 1))), (&[0, 1][..], &[1, 4][..]));
        assert_eq!(
            (observations.observation((0, 0), 1), observations.observation((0, 1), 1)),
            (&[1.0][..], &[4.0][..])
        );
        let mut wanted = ndarray::arr2(&[[1, 1]]);
        assert!(!observations.keep_lacking(&mut wanted));
        assert_eq!(wanted, ndarray::arr2(&[[0, 0]]));
    }
}
