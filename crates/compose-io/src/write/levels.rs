//! The levels of a Cloud Optimised GeoTIFF: their sizes, and which pixels of one a pixel of the next stands for.

use std::ops::Range;

/// Sizes of the overviews of a raster of `size`, the largest first: halved and rounded down until both sides are at most
/// `tile` (GDAL, cogdriver.cpp: the dimensions of overviews).
pub(super) fn sizes(size: (usize, usize), tile: usize) -> Vec<(usize, usize)> {
    let half = |&(width, height): &(usize, usize)| {
        (width > tile || height > tile).then(|| ((width / 2).max(1), (height / 2).max(1)))
    };
    std::iter::successors(Some(size), half).skip(1).collect()
}

/// The columns of two levels that follow each other, or their rows.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    /// Pixels of the finer level.
    pub fine: usize,
    /// Pixels of the coarser level.
    pub coarse: usize,
    /// Whether a pixel is the average of those that it stands for, not the nearest of them.
    pub averages: bool,
}

/// The pixels of the finer level that one of the coarser is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub first: usize,
    pub end: usize,
    /// The weight of the first; those in the middle weigh 1.
    pub first_weight: f64,
    /// The weight of the last, if it is not the first.
    pub last_weight: f64,
}

impl Axis {
    fn ratio(&self) -> f64 {
        self.fine as f64 / self.coarse as f64
    }

    /// Whether each pixel stands for exactly two.
    pub(super) fn is_half(&self) -> bool {
        self.fine == 2 * self.coarse
    }

    /// What pixel `at` is made of: as in GDAL (overview.cpp: `GDALResampleChunk_AverageOrRMS_T`, `GDALResampleChunk_Near`),
    /// with its allowance of 1e-8 pixels.
    pub(super) fn span(&self, at: usize) -> Span {
        let ratio = self.ratio();
        if !self.averages {
            let first = ((0.5 + at as f64 * ratio) as usize).min(self.fine - 1);
            return Span { first, end: first + 1, first_weight: 1.0, last_weight: 1.0 };
        }
        let (from, to) = (at as f64 * ratio, (at + 1) as f64 * ratio);
        let first = (from + 1e-8) as usize;
        let end = ((to - 1e-8).ceil() as usize).max(first + 1).min(self.fine);
        let first_weight = if end == first + 1 { 1.0 } else { 1.0 - (from - first as f64) };
        Span { first, end, first_weight, last_weight: 1.0 - (end as f64 - to) }
    }

    /// The number of pixels that can be made of the first `end` pixels of the finer level.
    fn made_of(&self, end: usize) -> usize {
        let (mut low, mut high) = (0, self.coarse);
        while low < high {
            let middle = low.midpoint(high);
            if self.span(middle).end <= end { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// The pixels whose last pixel of the finer level lies in a part of it.
    pub(super) fn completed_by(&self, fine: Range<usize>) -> Range<usize> {
        self.made_of(fine.start)..self.made_of(fine.end)
    }

    /// The number of pixels before `end` on the finer level that are still needed for what comes after it.
    pub(super) fn kept(&self, end: usize) -> usize {
        let next = self.made_of(end);
        if next == self.coarse { 0 } else { end.saturating_sub(self.span(next).first) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sides_are_halved_until_they_fit_into_a_tile() {
        assert_eq!(sizes((2048, 1025), 512), [(1024, 512), (512, 256)]);
        assert_eq!(sizes((1027, 3), 256), [(513, 1), (256, 1)]);
        assert!(sizes((512, 512), 512).is_empty());
    }

    proptest! {
        /// Every pixel is completed by one part, whatever the parts, and needs no more before a part than was kept.
        #[test]
        fn every_pixel_is_completed_once(fine in 1_usize..2000, tile in 16_usize..300, averages: bool) {
            let axis = Axis { fine, coarse: (fine / 2).max(1), averages };
            let mut next = 0;
            for from in (0..fine).step_by(tile) {
                let end = (from + tile).min(fine);
                let completed = axis.completed_by(from..end);
                prop_assert_eq!(completed.start, next);
                next = completed.end;
                for at in completed {
                    let span = axis.span(at);
                    prop_assert!(span.first + axis.kept(from) >= from && span.end <= end && span.first < span.end);
                }
            }
            prop_assert_eq!(next, axis.coarse);
        }

        /// Averages leave no pixel out: the weights of all add up to the finer level.
        #[test]
        fn all_weights_add_up(coarse in 1_usize..700, odd in 0_usize..2) {
            let axis = Axis { fine: 2 * coarse + odd, coarse, averages: true };
            let weight = |span: Span| span.first_weight + (span.end - span.first - 2) as f64 + span.last_weight;
            let sum: f64 = (0..coarse).map(|at| weight(axis.span(at))).sum();
            prop_assert!((sum - axis.fine as f64).abs() < 1e-6, "{}", sum);
        }
    }
}
