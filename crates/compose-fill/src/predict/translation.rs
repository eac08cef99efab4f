//! Translation of a donor's observation into the numbers of the target.
//!
//! A pixel of the target is predicted from the donor's bands at the same place and at the eight pixels around it, and
//! from the products of its bands: the neighbours capture shifts of less than a pixel and the mixing with what lies around
//! it, the products relations that are not linear.

use super::method::{Features, MOST_BANDS_OF_PRODUCTS, Method};
use super::weights::weights;
use crate::lanes::{LANES, Lanes};
use compose_core::{Block, DonorPart, Observations, exact};
use compose_regression::Solution;
use multiversion::multiversion;
use serde::{Deserialize, Serialize};

/// Standardisation of the donor's numbers.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Scale {
    /// Per band.
    #[serde(with = "exact")]
    pub mean: Vec<f32>,
    /// Per band: one over the standard deviation; 0 where it is constant.
    #[serde(with = "exact")]
    pub factor: Vec<f32>,
}

/// From a donor's pixel to the target's bands.
#[derive(Clone, Debug)]
pub(crate) struct Translation {
    features: Features,
    scale: Scale,
    /// Per group of bands: the intercepts, then a weight for each feature.
    weights: Vec<Vec<Lanes>>,
    /// Per group of bands: the least and the greatest value; `None` where the donor is copied, which clips nothing.
    range: Option<Vec<(Lanes, Lanes)>>,
    /// Per band: the plausible range of the donor. Values beyond it are not used.
    believed: Vec<(f32, f32)>,
}

impl Translation {
    /// A translation in a donor's own way. `range` is that of the target, per group of bands; what is only copied is not
    /// clipped to it.
    pub(super) fn new(
        method: Method,
        scale: Scale,
        solution: &Solution,
        range: &[(Lanes, Lanes)],
        believed: Vec<(f32, f32)>,
    ) -> Self {
        let range = (method != Method::Copy).then(|| range.to_vec());
        Self { features: method.features(), scale, weights: weights(solution), range, believed }
    }

    /// Mean and standard deviation of each donor band (infinite where it is constant, and weighs nothing).
    pub(super) fn standard(&self) -> [Vec<f64>; 2] {
        let of = |numbers: &[f32], f: fn(f64) -> f64| numbers.iter().map(|n| f(f64::from(*n))).collect();
        [of(&self.scale.mean, |mean| mean), of(&self.scale.factor, |factor| 1.0 / factor)]
    }

    /// The target's bands as the features tell.
    #[inline(always)]
    fn weigh(&self, features: &[f32], out: &mut [f32]) {
        for (group, (weights, out)) in self.weights.iter().zip(out.chunks_mut(LANES)).enumerate() {
            let mut sum = sum_of(weights[0], features, &weights[1..]);
            if let Some((low, high)) = self.range.as_ref().map(|range| &range[group]) {
                // Not `clamp`, which would panic of a range without a value.
                for ((sum, low), high) in sum.iter_mut().zip(low).zip(high) {
                    *sum = sum.max(*low).min(*high);
                }
            }
            out.copy_from_slice(&sum[..out.len()]);
        }
    }

    /// The block's pixels one after the other, band by band, as the features want them.
    #[inline(always)]
    fn interleaved(&self, block: &Block) -> Vec<f32> {
        let (bands, height, width) = block.values.dim();
        let mut pixels = vec![0.0; bands * height * width];
        let values = block.values.as_slice().expect(LAYOUT);
        // Row by row: a row of all bands stays in the cache.
        for (row, pixels) in pixels.chunks_exact_mut((bands * width).max(1)).enumerate() {
            for band in 0..bands {
                let (mean, factor) = match self.features {
                    Features::Bands => (0.0, 1.0),
                    Features::Surroundings => (self.scale.mean[band], self.scale.factor[band]),
                };
                let values = &values[(band * height + row) * width..][..width];
                let of_band = pixels[band..].iter_mut().step_by(bands);
                of_band.zip(values).for_each(|(to, value)| *to = (value - mean) * factor);
            }
        }
        pixels
    }

    /// Translates one pixel of a sample; `around` gives a neighbour's bands where it is clear.
    pub fn translate<'a>(
        &self,
        centre: &[f32],
        around: impl Fn(usize) -> Option<&'a [f32]>,
        features: &mut Vec<f32>,
        out: &mut [f32],
    ) {
        describe(self.features, &self.scale, centre, around, features);
        self.weigh(features, out);
    }

    /// The block's valid pixels without those that are not believed; `None` where all are.
    fn without_strays(&self, block: &Block) -> Option<Vec<u8>> {
        let (_, height, width) = block.values.dim();
        let plane = (height * width).max(1);
        let valid = &block.valid.as_slice().expect(LAYOUT)[..height * width];
        let values = block.values.as_slice().expect(LAYOUT);
        let mut kept: Option<Vec<u8>> = None;
        for (values, (low, high)) in values.chunks_exact(plane).zip(&self.believed) {
            let strays =
                |(value, valid): (&f32, &u8)| u32::from(*valid) & u32::from(value < low || value > high);
            if values.iter().zip(valid).map(strays).sum::<u32>() > 0 {
                let kept = kept.get_or_insert_with(|| valid.to_vec());
                kept.iter_mut().zip(values).for_each(|(kept, v)| *kept &= u8::from(v >= low && v <= high));
            }
        }
        kept
    }

    /// Gives a donor's observations where they are wanted (1), it is clear, and there is room.
    pub fn observe(&self, rank: usize, part: &DonorPart<'_>, observations: &mut Observations) {
        observe(self, rank, part, observations);
    }
}

/// Intercepts + Σ weight × feature, in four sums that are then added: one would have to wait for itself.
#[inline(always)]
fn sum_of(intercepts: Lanes, features: &[f32], weights: &[Lanes]) -> Lanes {
    let mut sums = [intercepts, [0.0; LANES], [0.0; LANES], [0.0; LANES]];
    let add = |sum: &mut Lanes, feature: f32, weights: &Lanes| {
        sum.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight * feature);
    };
    let (fours, rest) = features.as_chunks::<4>();
    let (weights_of_fours, weights_of_rest) = weights.as_chunks::<4>();
    for (features, weights) in fours.iter().zip(weights_of_fours) {
        for ((sum, feature), weights) in sums.iter_mut().zip(features).zip(weights) {
            add(sum, *feature, weights);
        }
    }
    for (feature, weights) in rest.iter().zip(weights_of_rest) {
        add(&mut sums[0], *feature, weights);
    }
    let [mut sum, b, c, d] = sums;
    for lane in 0..LANES {
        sum[lane] = (sum[lane] + b[lane]) + (c[lane] + d[lane]);
    }
    sum
}

/// The features of a pixel from its bands and those of its neighbours, row by row from the upper left; where one is not
/// clear the pixel stands in for it.
pub(super) fn describe<'a>(
    features: Features,
    scale: &Scale,
    centre: &[f32],
    around: impl Fn(usize) -> Option<&'a [f32]>,
    out: &mut Vec<f32>,
) {
    out.clear();
    if features == Features::Bands {
        out.extend_from_slice(centre);
        return;
    }
    let standard = |(band, value): (usize, &f32)| (value - scale.mean[band]) * scale.factor[band];
    out.extend(centre.iter().enumerate().map(standard));
    for neighbour in 0..8 {
        out.extend(around(neighbour).unwrap_or(centre).iter().enumerate().map(standard));
    }
    products(centre.len(), out);
}

/// Adds the products of any two of the first `bands` features.
#[inline(always)]
fn products(bands: usize, features: &mut Vec<f32>) {
    if bands <= MOST_BANDS_OF_PRODUCTS {
        for a in 0..bands {
            for b in a..bands {
                features.push(features[a] * features[b]);
            }
        }
    }
}

/// The walk over a block, compiled for several instruction sets. Rust never fuses `*` and `+`, so every version gives
/// the same bits.
#[multiversion(targets("x86_64+avx2", "x86_64+sse4.1"))]
fn observe(of: &Translation, rank: usize, part: &DonorPart<'_>, observations: &mut Observations) {
    let DonorPart { block, wanted, corner } = *part;
    let (bands, height, width) = block.values.dim();
    let plane = height * width;
    let believed = of.without_strays(block);
    let valid = believed.as_deref().unwrap_or(&block.valid.as_slice().expect(LAYOUT)[..plane]);
    let wanted = wanted.as_slice().expect(LAYOUT);
    let pixels = of.interleaved(block);
    let bands_at = |pixel: usize| &pixels[pixel * bands..][..bands];
    let mut features: Vec<f32> = Vec::with_capacity(of.features.count(bands));
    for (row, wanted) in wanted.chunks_exact(width).enumerate() {
        for (col, _) in wanted.iter().enumerate().filter(|(_, wanted)| **wanted != 0) {
            let pixel = row * width + col;
            if valid[pixel] == 0 {
                continue;
            }
            let at = (corner.0 + row, corner.1 + col);
            let Some(out) = observations.take(at, rank) else { continue };
            features.clear();
            features.extend_from_slice(bands_at(pixel));
            if of.features == Features::Surroundings {
                for neighbour in neighbours((row, col), (height, width)) {
                    let at = neighbour.filter(|at| valid[*at] != 0).unwrap_or(pixel);
                    features.extend_from_slice(bands_at(at));
                }
                products(bands, &mut features);
            }
            of.weigh(&features, out);
        }
    }
}

const LAYOUT: &str = "arrays of blocks are in standard layout";

/// The eight pixels around one, row by row from the upper left.
#[inline(always)]
fn neighbours((row, col): (usize, usize), (height, width): (usize, usize)) -> [Option<usize>; 8] {
    let at = |down: usize, right: usize| {
        let (row, col) = ((row + down).checked_sub(1)?, (col + right).checked_sub(1)?);
        (row < height && col < width).then_some(row * width + col)
    };
    [at(0, 0), at(0, 1), at(0, 2), at(1, 0), at(1, 2), at(2, 0), at(2, 1), at(2, 2)]
}
