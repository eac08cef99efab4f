//! The geometric median of some pixels side by side: the point with the smallest sum of distances to all looks.
//!
//! With w = 1 / d the inverse distances of the looks x from a point y, η the number of looks at y itself (which have no w),
//! and R = Σ w (x − y) over the others, Weiszfeld's iteration with the step of Vardi and Zhang goes on to
//! y + max(0, 1 − η / |R|) · R / Σ w, and the sum of distances never grows (Y. Vardi and C.-H. Zhang 2000, The multivariate
//! L1-median and associated data depth, PNAS 97 (4)). Where bands rise and fall together, as they do, that takes hundreds
//! of steps. So Newton's step is tried first, max(0, 1 − η / |R|) · H⁻¹ R with H = Σ w (1 − u uᵀ) and u = (x − y) w;
//! if the sum of distances has grown, the step is made shorter, and at last Weiszfeld's step is taken. After 1, 4, 16
//! and 64 steps the nearest observation itself is tried as the solution: the optimum is often an observation, which
//! both steps approach slowly.

use crate::spectra::Spectra;
use crate::statistic::Lanes;

/// Pixels that are worked on until the last of them is done: 64 bytes, a line of the cache.
pub(crate) const CHUNK: usize = 16;

/// One number for each pixel.
type Numbers = [f32; CHUNK];

const ZEROS: Numbers = [0.0; CHUNK];

/// The most steps.
const MOST_STEPS: usize = 200;

/// After so many steps the nearest look is tried.
const VISITS: [usize; 4] = [1, 4, 16, 64];

/// The iteration ends when a step can make the sum of distances smaller by no more than this part of it.
const ENOUGH: f32 = 1e-9;

/// Looks that are nearer than this part of the mean distance are at the point itself: 2⁻²², single precision less two
/// bits. It moves the sum of distances by less than a part in 10⁶ / looks.
const AT: f32 = 1.0 / 4_194_304.0;

/// A sum of distances that is larger by this part or less has not grown: it may be rounding.
const SAME: f32 = 1e-7;

/// Newton's step is made shorter, each time to a quarter, as long as it is no less than this part.
const SHORTEST: f32 = 1e-3;

/// The least curvature, as a part of Σ w: looks on a line have none across it.
const FLATTEST: f32 = 1e-6;

/// Looks at some pixels, and the point of each.
#[derive(Clone, Default)]
pub(crate) struct Chunk {
    bands: usize,
    /// Per look and band, less the median where the iteration starts: small numbers, so that single precision is enough.
    looks: Vec<Numbers>,
    /// Per look, 1 where the pixel is seen.
    valid: Vec<Numbers>,
    /// By band: where the iteration starts.
    start: Vec<Numbers>,
    /// By band: the point, less the start.
    point: Vec<Numbers>,
    /// By band: R.
    pull: Vec<Numbers>,
    /// By band: the last point that was better than those before, and the step that is tried from it.
    base: Vec<Numbers>,
    stride: Vec<Numbers>,
    /// By band: where Weiszfeld's step leads from there.
    safe: Vec<Numbers>,
    /// The lower triangle, row by row: Σ w u uᵀ, then the Cholesky factor of H with the inverse of its diagonal.
    curvature: Vec<Numbers>,
    /// By band: x − y of one look, then H⁻¹ R.
    step: Vec<Numbers>,
}

/// The state of the step to the next points.
struct Turn {
    /// The sum of distances has grown: a shorter step is taken.
    worse: [bool; CHUNK],
    /// The share of the stride that is tried next.
    part: Numbers,
    /// Whether other steps than Weiszfeld's may be tried.
    tries: bool,
    /// Whether the nearest look is tried.
    visits: bool,
}

/// Sums over the looks.
struct Sums {
    /// Σ w.
    weights: Numbers,
    /// Σ d.
    distances: Numbers,
    /// η.
    at: Numbers,
    /// The distance of the nearest look, and which it is.
    nearest: (Numbers, [u32; CHUNK]),
}

impl Sums {
    /// Adds a look at these squared distances; returns its w.
    #[inline(always)]
    fn add(&mut self, look: u32, squares: &Numbers, valid: &Numbers, near: &Numbers) -> Numbers {
        let (mut weights, mut at, mut distances) = (ZEROS, ZEROS, ZEROS);
        for l in 0..CHUNK {
            distances[l] = squares[l].sqrt();
        }
        for l in 0..CHUNK {
            let is_at = distances[l] <= near[l];
            weights[l] = if is_at { 0.0 } else { valid[l] / distances[l] };
            at[l] = if is_at { valid[l] } else { 0.0 };
        }
        add(&mut self.at, &at);
        add(&mut self.weights, &weights);
        add_product(&mut self.distances, valid, &distances);
        note_nearest(&mut self.nearest.0, &mut self.nearest.1, &distances, valid, look);
        weights
    }
}

impl Chunk {
    /// Reads the lanes of a group from `from` on, and starts at their medians.
    #[inline(always)]
    pub fn read(&mut self, spectra: &Spectra, from: usize, medians: &[Lanes<f64>]) {
        self.bands = spectra.bands;
        let part = from..from + CHUNK;
        self.start.clear();
        self.start
            .extend(medians.iter().map(|medians| numbers(&medians[part.clone()], |&median| median as f32)));
        self.valid.clear();
        self.valid.extend(
            spectra.valid.iter().map(|valid| numbers(&valid[part.clone()], |&valid| f32::from(valid))),
        );
        self.looks.clear();
        for look in 0..spectra.valid.len() {
            for (samples, start) in spectra.look(look).iter().zip(&self.start) {
                let look = numbers(&samples[part.clone()], |&sample| sample);
                self.looks.push(difference(&look, start));
            }
        }
        self.point.clear();
        self.point.resize(self.bands, ZEROS);
        let Self { pull, base, stride, safe, step, .. } = self;
        for scratch in [pull, base, stride, safe, step] {
            scratch.resize(self.bands, ZEROS);
        }
        self.curvature.resize(self.bands * (self.bands + 1) / 2, ZEROS);
    }

    /// Moves the points of the pixels that are wanted to where the sum of distances is smallest. A pixel with a sum that
    /// is not finite stays at its median.
    #[inline(always)]
    pub fn solve(&mut self, mut wanted: [bool; CHUNK]) {
        let mut counts = ZEROS;
        for valid in &self.valid {
            add(&mut counts, valid);
        }
        let (mut near, mut last) = (ZEROS, [f32::INFINITY; CHUNK]);
        let mut turn = Turn { worse: [false; CHUNK], part: ZEROS, tries: true, visits: false };
        for nth in 0..MOST_STEPS {
            let sums = self.sum(&near);
            for l in 0..CHUNK {
                turn.worse[l] = wanted[l] & (sums.distances[l] > last[l] * (1.0 + SAME));
                // Weiszfeld's step, which is next, is better for certain: rounding must not hold it back.
                let bound = if turn.part[l] < SHORTEST { f32::INFINITY } else { last[l] };
                last[l] = if turn.worse[l] { bound } else { sums.distances[l] };
                near[l] = AT * sums.distances[l] / counts[l];
            }
            (turn.tries, turn.visits) = (nth + 1 < MOST_STEPS, VISITS.contains(&nth));
            self.turn(&sums, &mut turn, &mut wanted);
            if wanted == [false; CHUNK] {
                break;
            }
        }
    }

    /// The sums over all looks, R and Σ w u uᵀ; looks no farther than `near` are at the point.
    #[inline(always)]
    fn sum(&mut self, near: &Numbers) -> Sums {
        let nearest = ([f32::INFINITY; CHUNK], [0; CHUNK]);
        let mut sums = Sums { weights: ZEROS, distances: ZEROS, at: ZEROS, nearest };
        self.pull.fill(ZEROS);
        self.curvature.fill(ZEROS);
        for (nth, (look, valid)) in self.looks.chunks_exact(self.bands).zip(&self.valid).enumerate() {
            let mut squares = ZEROS;
            for ((look, point), step) in look.iter().zip(&self.point).zip(&mut self.step) {
                *step = difference(look, point);
                add_product(&mut squares, step, step);
            }
            let weights = sums.add(nth as u32, &squares, valid, near);
            let mut curvature = self.curvature.iter_mut();
            for (row, (pull, unit)) in self.pull.iter_mut().zip(&self.step).enumerate() {
                let weighted = product(&weights, unit);
                add(pull, &weighted);
                let squared = product(&weighted, &product(&weights, &weights));
                for (other, curvature) in self.step[..=row].iter().zip(&mut curvature) {
                    add_product(curvature, &squared, other);
                }
            }
        }
        sums
    }

    /// Moves the points of wanted pixels, and clears `wanted` where that was enough.
    ///
    /// The sum of distances is convex, so a step s cannot make it smaller by more than its slope along it, which is
    /// max(0, 1 − η / |R|) R · s.
    #[inline(always)]
    fn turn(&mut self, sums: &Sums, turn: &mut Turn, wanted: &mut [bool; CHUNK]) {
        let mut squares = ZEROS;
        for pull in &self.pull {
            add_product(&mut squares, pull, pull);
        }
        let mut keep = ZEROS;
        for l in 0..CHUNK {
            let slope = squares[l].sqrt();
            keep[l] = if sums.at[l] > 0.0 { (1.0 - sums.at[l] / slope).max(0.0) } else { 1.0 };
        }
        self.newton(&sums.weights);
        let mut gains = ZEROS;
        for (step, pull) in self.step.iter().zip(&self.pull) {
            add_product(&mut gains, &product(&keep, step), pull);
        }
        let (mut factors, mut tried) = (ZEROS, [false; CHUNK]);
        for l in 0..CHUNK {
            let factor = keep[l] / sums.weights[l];
            let least = keep[l] * squares[l] * factor;
            let goes = wanted[l] & !turn.worse[l] & (least > 0.0) & (sums.distances[l] < f32::INFINITY);
            let is_newton = gains[l] > least && gains[l] < f32::INFINITY;
            let gain = if is_newton { gains[l] } else { least };
            factors[l] = if goes { factor } else { 0.0 };
            wanted[l] &= turn.worse[l] | (goes & (gain > ENOUGH * sums.distances[l]));
            tried[l] = goes & wanted[l] & turn.tries & is_newton;
        }
        self.go(turn, &tried, &keep, &factors);
        let visits: [bool; CHUNK] = std::array::from_fn(|l| turn.visits & tried[l] & (sums.at[l] == 0.0));
        if visits.contains(&true) {
            self.visit(&sums.nearest.1, &visits);
        }
        turn.part = std::array::from_fn(|l| {
            let next = if turn.worse[l] { turn.part[l] / 4.0 } else { 0.25 };
            if visits[l] { 1.0 } else { next }
        });
    }

    /// H⁻¹ R by Cholesky's decomposition.
    #[inline(always)]
    fn newton(&mut self, weights: &Numbers) {
        let at = |row: usize, col: usize| row * (row + 1) / 2 + col;
        for row in 0..self.bands {
            for col in 0..=row {
                let mut entry = self.curvature[at(row, col)];
                for l in 0..CHUNK {
                    entry[l] = if row == col { weights[l] } else { 0.0 } - entry[l];
                }
                for k in 0..col {
                    subtract_product(&mut entry, &self.curvature[at(row, k)], &self.curvature[at(col, k)]);
                }
                let inverse = self.curvature[at(col, col)];
                for l in 0..CHUNK {
                    let pivot = entry[l].max(FLATTEST * weights[l]);
                    entry[l] = if row == col { 1.0 / pivot.sqrt() } else { entry[l] * inverse[l] };
                }
                self.curvature[at(row, col)] = entry;
            }
        }
        self.step.copy_from_slice(&self.pull);
        for row in 0..self.bands {
            for col in 0..row {
                self.subtract(row, col, at(row, col));
            }
            self.scale(row, at(row, row));
        }
        for row in (0..self.bands).rev() {
            for col in row + 1..self.bands {
                self.subtract(row, col, at(col, row));
            }
            self.scale(row, at(row, row));
        }
    }

    #[inline(always)]
    fn subtract(&mut self, row: usize, other: usize, entry: usize) {
        let other = self.step[other];
        subtract_product(&mut self.step[row], &other, &self.curvature[entry]);
    }

    #[inline(always)]
    fn scale(&mut self, row: usize, entry: usize) {
        self.step[row] = product(&self.step[row], &self.curvature[entry]);
    }

    /// Takes Newton's step where it is tried, else Weiszfeld's, which is R times its factor; where the last step was too
    /// long, a part of it.
    #[inline(always)]
    fn go(&mut self, turn: &Turn, tried: &[bool; CHUNK], keep: &Numbers, factors: &Numbers) {
        for band in 0..self.bands {
            let (point, base, stride, safe) =
                (self.point[band], self.base[band], self.stride[band], self.safe[band]);
            let (pull, step) = (self.pull[band], self.step[band]);
            for l in 0..CHUNK {
                let weiszfeld = if factors[l] != 0.0 { factors[l] * pull[l] } else { 0.0 };
                let newton = if tried[l] { keep[l] * step[l] } else { weiszfeld };
                let part = if turn.tries { base[l] + turn.part[l] * stride[l] } else { base[l] };
                let shorter = if turn.part[l] < SHORTEST { safe[l] } else { part };
                self.point[band][l] = if turn.worse[l] { shorter } else { point[l] + newton };
                self.base[band][l] = if turn.worse[l] { base[l] } else { point[l] };
                self.stride[band][l] = if turn.worse[l] { stride[l] } else { newton };
                self.safe[band][l] = if turn.worse[l] { safe[l] } else { point[l] + weiszfeld };
            }
        }
    }

    /// Goes to a look instead.
    #[inline(always)]
    fn visit(&mut self, nearest: &[u32; CHUNK], goes: &[bool; CHUNK]) {
        for (nth, look) in self.looks.chunks_exact(self.bands).enumerate() {
            for (point, look) in self.point.iter_mut().zip(look) {
                for l in 0..CHUNK {
                    point[l] = if goes[l] & (nearest[l] == nth as u32) { look[l] } else { point[l] };
                }
            }
        }
    }

    /// Writes the points that have moved into the lanes of a group from `from` on.
    #[inline(always)]
    pub fn write(&self, from: usize, values: &mut [Lanes<f64>]) {
        for (values, point) in values.iter_mut().zip(&self.point) {
            for (value, &point) in values[from..from + CHUNK].iter_mut().zip(point) {
                *value += f64::from(point);
            }
        }
    }
}

#[inline(always)]
fn note_nearest(
    least: &mut Numbers,
    which: &mut [u32; CHUNK],
    distances: &Numbers,
    valid: &Numbers,
    look: u32,
) {
    for l in 0..CHUNK {
        let is_nearest = (valid[l] != 0.0) & (distances[l] < least[l]);
        least[l] = if is_nearest { distances[l] } else { least[l] };
        which[l] = if is_nearest { look } else { which[l] };
    }
}

// These work on copies, which the compiler knows to be apart: it uses vector instructions then.

#[inline(always)]
fn add(sum: &mut Numbers, a: &Numbers) {
    let (a, mut total) = (*a, *sum);
    for l in 0..CHUNK {
        total[l] += a[l];
    }
    *sum = total;
}

#[inline(always)]
fn add_product(sum: &mut Numbers, a: &Numbers, b: &Numbers) {
    let (a, b, mut total) = (*a, *b, *sum);
    for l in 0..CHUNK {
        total[l] += a[l] * b[l];
    }
    *sum = total;
}

#[inline(always)]
fn subtract_product(from: &mut Numbers, a: &Numbers, b: &Numbers) {
    let (a, b, mut rest) = (*a, *b, *from);
    for l in 0..CHUNK {
        rest[l] -= a[l] * b[l];
    }
    *from = rest;
}

#[inline(always)]
fn product(a: &Numbers, b: &Numbers) -> Numbers {
    let (a, b, mut product) = (*a, *b, ZEROS);
    for l in 0..CHUNK {
        product[l] = a[l] * b[l];
    }
    product
}

#[inline(always)]
fn difference(a: &Numbers, b: &Numbers) -> Numbers {
    let (a, b, mut difference) = (*a, *b, ZEROS);
    for l in 0..CHUNK {
        difference[l] = a[l] - b[l];
    }
    difference
}

#[inline(always)]
fn numbers<T>(lanes: &[T], of: impl Fn(&T) -> f32) -> Numbers {
    std::array::from_fn(|l| of(&lanes[l]))
}
