//! The survey's sample as a fit reads it: which pixels scenes have in common, and what their bands show.

use compose_core::Survey;
use compose_core::survey::{AROUND, CLEAR, DOUBTFUL, SATURATED, SQUARE, SampledScene, UNUSABLE, is_inner};

/// Pixels that a regression needs for each of its features.
pub(super) const PER_FEATURE: usize = 10;
/// Pixels that a regression of a band on itself needs.
pub(super) const FOR_A_LINE: usize = 30;
/// Pixels that the difference of two scenes needs.
pub(super) const FOR_AN_OFFSET: usize = 5;
/// The distance beyond the range of the sample that a pixel may have, in multiples of that range.
const RANGES_BEYOND: f32 = 20.0;
/// Pixels that a regression rests on at most: more would cost time and change nothing.
const ENOUGH: usize = 1 << 14;

/// The data of the fit: the target, and donors with the nearest in time first.
pub(crate) struct Sample<'a> {
    pub survey: &'a Survey,
    pub target: usize,
    pub donors: &'a [usize],
}

impl Sample<'_> {
    pub(super) fn scene(&self, scene: usize) -> &SampledScene {
        self.survey.scenes[scene].as_ref().expect("the survey has every scene that was asked for")
    }

    pub(super) fn bands(&self) -> usize {
        self.scene(self.target).values.dim().1
    }

    /// Pixels that the target and all these donors show: those beyond doubt where there are enough, else all.
    pub(super) fn common(&self, donors: &[usize], needed: usize) -> Vec<usize> {
        let scenes: Vec<&SampledScene> =
            donors.iter().chain([&self.target]).map(|scene| self.scene(*scene)).collect();
        let at_least = |level: u8| -> Vec<usize> {
            let seen = |i: &usize| is_inner(*i) && scenes.iter().all(|s| s.state[*i] >= level);
            (0..self.survey.pixels).filter(seen).collect()
        };
        let mut pixels = at_least(CLEAR);
        if pixels.len() < needed {
            pixels = at_least(DOUBTFUL);
        }
        if pixels.len() < FOR_AN_OFFSET {
            pixels = at_least(SATURATED);
        }
        thinned(pixels, needed)
    }

    /// The bands of a neighbour, where the donor is clear there.
    pub(super) fn neighbour(&self, scene: usize, pixel: usize, neighbour: usize) -> Option<&[f32]> {
        let scene = self.scene(scene);
        let at = pixel.checked_add_signed(AROUND[neighbour])?;
        (scene.state[at] != UNUSABLE).then(|| scene.pixel(at))
    }

    /// Standard deviation of each band of the target.
    pub(super) fn deviations(&self) -> Vec<f64> {
        let target = self.scene(self.target);
        (0..self.bands()).map(|band| moments(target, band, self.judged(target)).1).collect()
    }

    /// Least and greatest value of each band of the target; of all scenes, if the target has too few clear pixels.
    pub(super) fn range(&self) -> (Vec<f64>, Vec<f64>) {
        let target = self.scene(self.target);
        let shown = self.judged(target).count();
        let others = if shown < FOR_A_LINE { self.donors } else { &[] };
        let mut range = vec![(f64::INFINITY, f64::NEG_INFINITY); self.bands()];
        for scene in others.iter().chain([&self.target]).map(|scene| self.scene(*scene)) {
            for pixel in self.judged(scene) {
                for ((low, high), v) in range.iter_mut().zip(scene.pixel(pixel)) {
                    (*low, *high) = (low.min(f64::from(*v)), high.max(f64::from(*v)));
                }
            }
        }
        let anything = (f64::NEG_INFINITY, f64::INFINITY);
        range.into_iter().map(|(low, high)| if low <= high { (low, high) } else { anything }).unzip()
    }

    /// The plausible range of each band of a scene: that of the sample, widened by many times its width. A sample misses
    /// bright roofs, which are real; it also misses single pixels of nodata that nobody declared, which would ruin what is
    /// around them.
    pub(super) fn believed(&self, scene: usize) -> Vec<(f32, f32)> {
        let scene = self.scene(scene);
        let anything = (f32::NEG_INFINITY, f32::INFINITY);
        if self.judged(scene).count() < FOR_A_LINE {
            return vec![anything; self.bands()];
        }
        let of_band = |band: usize| {
            let start = (f32::INFINITY, f32::NEG_INFINITY);
            let (low, high) = self
                .judged(scene)
                .map(|pixel| scene.pixel(pixel)[band])
                .fold(start, |(low, high), v| (low.min(v), high.max(v)));
            let more = RANGES_BEYOND * (high - low);
            if more > 0.0 { (low - more, high + more) } else { anything }
        };
        (0..self.bands()).map(of_band).collect()
    }

    /// The pixels that tell what a scene shows: all that are not saturated, if there are any.
    fn judged<'b>(&'b self, scene: &'b SampledScene) -> impl Iterator<Item = usize> + Clone + use<'b> {
        let level = if scene.state.iter().any(|state| *state >= DOUBTFUL) { DOUBTFUL } else { SATURATED };
        (0..self.survey.pixels).filter(move |i| is_inner(*i) && scene.state[*i] >= level)
    }
}

/// So many pixels as are enough: whole squares go or stay, scattered over the scene; single pixels, where too few of them
/// would stay.
fn thinned(pixels: Vec<usize>, needed: usize) -> Vec<usize> {
    let every = pixels.len().div_ceil(ENOUGH).max(1);
    // Squares come in rows: their numbers are mixed up (Fibonacci hashing), or whole columns would go.
    let mixed = |square: usize| (square as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
    let kept: Vec<usize> =
        pixels.iter().copied().filter(|pixel| mixed(pixel / SQUARE).is_multiple_of(every as u64)).collect();
    if kept.len() >= needed.min(pixels.len()) { kept } else { pixels.into_iter().step_by(every).collect() }
}

/// Mean and standard deviation of a band over some pixels; 0 without any.
pub(super) fn moments(
    scene: &SampledScene,
    band: usize,
    pixels: impl Iterator<Item = usize> + Clone,
) -> (f64, f64) {
    let value = |i: usize| f64::from(scene.pixel(i)[band]);
    let count = pixels.clone().count().max(1) as f64;
    let mean = pixels.clone().map(value).sum::<f64>() / count;
    let variance = pixels.map(|i| (value(i) - mean).powi(2)).sum::<f64>() / count;
    // The deviation of a constant that comes from rounding counts as 0.
    (mean, if variance.sqrt() > 1e-9 * mean.abs() { variance.sqrt() } else { 0.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_takes_from_wherever_pixels_are() {
        // All that is clear lies in one column of squares, 86 of which are a row of the sample.
        let column: Vec<usize> =
            (0..4000).map(|row| (row * 86 + 5) * SQUARE).flat_map(|first| first + 9..first + 15).collect();
        let kept = thinned(column.clone(), 500);
        assert!((500..=ENOUGH * 2).contains(&kept.len()), "{}", kept.len());
        assert!(kept.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(thinned(column[..600].to_vec(), 500).len(), 600);
    }
}
