//! From the survey to predictions: each donor translated into the target's terms, donors ranked by how well that
//! explains the target, and a regression for every set of donors that pixels are likely to be seen by.

mod sets;
mod told;

use super::translation::{Features, Scale, describe};
use super::{Lanes, Model, Predictor, Translation, in_lanes, key, weights};
use compose_core::survey::{AROUND, CLEAR, DOUBTFUL, SATURATED, SQUARE, SampledScene, UNUSABLE, is_inner};
use compose_core::{Findings, Survey};
use compose_regression::{RIDGE, Rows, Solution, solve};
use told::Told;

/// The most donors that one prediction rests on.
pub(crate) const MOST_DONORS: usize = 4;
/// Pixels that a regression needs for each of its features.
const PER_FEATURE: usize = 10;
/// Pixels that a regression of a band on itself needs.
const FOR_A_LINE: usize = 30;
/// Pixels that the difference of two scenes needs.
const FOR_AN_OFFSET: usize = 5;
/// How many times the range of the sample a pixel may lie beyond it.
const RANGES_BEYOND: f32 = 20.0;
/// Pixels that a regression rests on at most: more would cost time and change nothing.
const ENOUGH: usize = 1 << 14;
/// Ridge where there are many features, and where they are much alike: of the donors' translations none is to be
/// weighed against another for nothing.
const RIDGE_OF_SURROUNDINGS: f64 = 1e-3;
const RIDGE_OF_SEVERAL: f64 = 1e-2;

/// What is fitted: the target, and donors that come nearest in time first.
pub(crate) struct Fit<'a> {
    pub survey: &'a Survey,
    pub target: usize,
    pub donors: &'a [usize],
    /// Donors that a prediction may rest on.
    pub most: usize,
    /// Per band: the greatest sample that the target's type holds.
    pub full: &'a [f32],
}

/// Scenes in the order in which they are to be taken, and their predictions.
pub(crate) struct Fitted {
    pub donors: Vec<usize>,
    pub predictor: Predictor,
    pub findings: Findings,
}

/// One donor by itself.
struct Single {
    scene: usize,
    translation: Translation,
    /// What it makes of the sample, (pixel, band); arbitrary where the donor is unusable, and in frames.
    translated: Vec<f32>,
    told: Told,
    disagreement: f64,
}

/// Several donors, by rank.
struct Several {
    ranks: Vec<u16>,
    solution: Solution,
    told: Told,
}

/// Ranks donors and fits models.
pub(crate) fn fit(of: &Fit<'_>) -> Fitted {
    let (low, high) = of.range();
    let range: Vec<(Lanes, Lanes)> = in_lanes(&low, 0.0).into_iter().zip(in_lanes(&high, 0.0)).collect();
    let mut singles: Vec<Single> = of.donors.iter().map(|donor| of.single(*donor, &range)).collect();
    // Donors come by date, and the sort is stable: of two that agree equally well the nearer goes first.
    singles.sort_by(|a, b| a.disagreement.total_cmp(&b.disagreement));
    let mut refused = 0;
    let mut joint = Vec::new();
    for ranks in of.sets(&singles) {
        match of.several(&singles, &ranks) {
            Some(several) => joint.push(several),
            None => refused += 1,
        }
    }
    let findings = told::findings(of, &singles, &joint, refused);
    let donors = singles.iter().map(|single| single.scene).collect();
    Fitted { donors, predictor: of.predictor(singles, joint, range), findings }
}

impl Fit<'_> {
    fn scene(&self, scene: usize) -> &SampledScene {
        self.survey.scenes[scene].as_ref().expect("the survey has every scene that was asked for")
    }

    fn bands(&self) -> usize {
        self.scene(self.target).values.dim().1
    }

    /// Pixels that the target and all these donors show: those beyond doubt where there are enough, else all.
    fn common(&self, donors: &[usize], needed: usize) -> Vec<usize> {
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

    /// One donor, in the best way that its common pixels allow.
    fn single(&self, donor: usize, range: &[(Lanes, Lanes)]) -> Single {
        let bands = self.bands();
        let needed = |features: Features| PER_FEATURE * (features.count(bands) + 1);
        let pixels = self.common(&[donor], needed(Features::Surroundings));
        let rich = pixels.len() >= needed(Features::Surroundings);
        let features = if rich { Features::Surroundings } else { Features::Bands };
        let scale = self.scale(donor, &pixels);
        let rows = self.rows(donor, &pixels, features, &scale);
        let (method, solution) = match pixels.len() {
            _ if rich => ("surroundings", beyond_lines(&rows, bands)),
            n if n >= needed(Features::Bands) => ("linear", solve(&rows, RIDGE)),
            n if n >= FOR_A_LINE => ("per-band", band_by_band(&rows, |one| solve(one, RIDGE))),
            n if n >= FOR_AN_OFFSET => ("offset", band_by_band(&rows, offset)),
            _ => ("copy", band_by_band(&rows, |_| line(0.0, 1.0))),
        };
        let range = (method != "copy").then(|| range.to_vec());
        let believed = self.believed(donor);
        let translation = Translation::new(features, scale, &solution, range, believed);
        let translated = self.translated(donor, &translation);
        let mut told = Told::new(method, &pixels, &solution, bands, |pixel, band| {
            f64::from(self.scene(self.target).pixel(pixel)[band])
                - f64::from(translated[pixel * bands + band])
        });
        told.standard = rich.then(|| translation.standard());
        let disagreement = self.disagreement(&told);
        Single { scene: donor, translation, translated, told, disagreement }
    }

    /// Mean and spread of a donor's bands over some pixels.
    fn scale(&self, donor: usize, pixels: &[usize]) -> Scale {
        let (mean, deviation): (Vec<f64>, Vec<f64>) =
            (0..self.bands()).map(|band| moments(self.scene(donor), band, pixels.iter().copied())).unzip();
        let factor = deviation.iter().map(|sd| if *sd > 0.0 { (1.0 / sd) as f32 } else { 0.0 });
        Scale { factor: factor.collect(), mean: mean.iter().map(|mean| *mean as f32).collect() }
    }

    /// The bands of a neighbour, where the donor is clear there.
    fn neighbour(&self, scene: usize, pixel: usize, neighbour: usize) -> Option<&[f32]> {
        let scene = self.scene(scene);
        let at = pixel.checked_add_signed(AROUND[neighbour])?;
        (scene.state[at] != UNUSABLE).then(|| scene.pixel(at))
    }

    fn rows(&self, donor: usize, pixels: &[usize], features: Features, scale: &Scale) -> Rows {
        let count = features.count(self.bands());
        let width = count + self.bands();
        let (mut numbers, mut row) = (Vec::with_capacity(pixels.len() * width), Vec::new());
        for pixel in pixels {
            let centre = self.scene(donor).pixel(*pixel);
            describe(features, scale, centre, |nth| self.neighbour(donor, *pixel, nth), &mut row);
            numbers.extend_from_slice(&row);
            numbers.extend_from_slice(self.scene(self.target).pixel(*pixel));
        }
        Rows { width, features: count, numbers }
    }

    fn translated(&self, donor: usize, translation: &Translation) -> Vec<f32> {
        let (bands, scene) = (self.bands(), self.scene(donor));
        let mut translated = vec![0.0; self.survey.pixels * bands];
        let mut features = Vec::new();
        for (pixel, out) in translated.chunks_exact_mut(bands).enumerate() {
            if is_inner(pixel) && scene.state[pixel] != UNUSABLE {
                let around = |nth| self.neighbour(donor, pixel, nth);
                translation.translate(scene.pixel(pixel), around, &mut features, out);
            }
        }
        translated
    }

    /// Several donors at once; `None` where they share too few pixels.
    fn several(&self, singles: &[Single], ranks: &[u16]) -> Option<Several> {
        let donors: Vec<&Single> = ranks.iter().map(|rank| &singles[usize::from(*rank)]).collect();
        let scenes: Vec<usize> = donors.iter().map(|donor| donor.scene).collect();
        let bands = self.bands();
        let features = donors.len() * bands;
        let pixels = self.common(&scenes, PER_FEATURE * (features + 1));
        if pixels.len() < PER_FEATURE * (features + 1) {
            return None;
        }
        let shares = shares(&donors, bands);
        let mut numbers = Vec::with_capacity(pixels.len() * (features + bands));
        for pixel in &pixels {
            let of = |donor: &Single, band: usize| donor.translated[pixel * bands + band];
            numbers.extend(donors.iter().flat_map(|donor| (0..bands).map(move |band| of(donor, band))));
            let mean = |band: usize| -> f64 {
                donors
                    .iter()
                    .zip(&shares)
                    .map(|(donor, shares)| shares[band] * f64::from(of(donor, band)))
                    .sum()
            };
            let target = self.scene(self.target).pixel(*pixel);
            numbers.extend((0..bands).map(|band| (f64::from(target[band]) - mean(band)) as f32));
        }
        let rows = Rows { width: features + bands, features, numbers };
        let mut solution = solve(&rows, RIDGE_OF_SEVERAL);
        let residuals = solution.residuals(&rows);
        for (band, of_band) in solution.coefficients.iter_mut().enumerate() {
            shares.iter().enumerate().for_each(|(nth, shares)| of_band[nth * bands + band] += shares[band]);
        }
        let nth = |pixel: usize| pixels.binary_search(&pixel).expect("asked of its own pixels");
        let told =
            Told::new("joint", &pixels, &solution, bands, |pixel, band| residuals[nth(pixel) * bands + band]);
        Some(Several { ranks: ranks.to_vec(), solution, told })
    }

    /// Share of the target's spread that a donor leaves unexplained, mean over the bands; infinite where too few pixels
    /// tell.
    fn disagreement(&self, told: &Told) -> f64 {
        if told.pixels < FOR_A_LINE {
            return f64::INFINITY;
        }
        let spread = self.spread();
        let shares =
            told.sigma.iter().zip(&spread).map(|(sigma, sd)| if *sd > 0.0 { sigma / sd } else { 0.0 });
        shares.sum::<f64>() / spread.len() as f64
    }

    /// Standard deviation of each band of the target.
    fn spread(&self) -> Vec<f64> {
        let target = self.scene(self.target);
        (0..self.bands()).map(|band| moments(target, band, self.judged(target)).1).collect()
    }

    /// Least and greatest value of each band that the target shows; where it shows next to nothing, that any scene does.
    fn range(&self) -> (Vec<f64>, Vec<f64>) {
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

    /// What each band of a scene may show: as much as the sample does, or beyond by many times its range. A sample misses
    /// bright roofs; it also misses single pixels of nodata that nobody declared, and these would ruin what is around them.
    fn believed(&self, scene: usize) -> Vec<(f32, f32)> {
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

    fn predictor(&self, singles: Vec<Single>, joint: Vec<Several>, range: Vec<(Lanes, Lanes)>) -> Predictor {
        let alone = |(rank, single): (usize, &Single)| Model {
            ranks: vec![rank as u16],
            weights: Vec::new(),
            sigma: single_precision(&single.told.sigma),
            roughness: single_precision(&single.told.roughness),
            noise: single_precision(&single.told.noise),
        };
        let models: Vec<Model> =
            singles.iter().enumerate().map(alone).chain(joint.iter().map(Several::model)).collect();
        let contrast = |sd: &f64| if *sd > 0.0 { (1.0 / sd) as f32 } else { 0.0 };
        Predictor {
            by_ranks: models.iter().enumerate().map(|(number, model)| (key(&model.ranks), number)).collect(),
            models,
            bands: self.bands(),
            full: self.full.to_vec(),
            believed: self.believed(self.target),
            range,
            contrast: self.spread().iter().map(contrast).collect(),
            translations: singles.into_iter().map(|single| single.translation).collect(),
        }
    }
}

impl Several {
    fn model(&self) -> Model {
        Model {
            ranks: self.ranks.clone(),
            weights: weights(&self.solution),
            sigma: single_precision(&self.told.sigma),
            roughness: single_precision(&self.told.roughness),
            noise: single_precision(&self.told.noise),
        }
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

/// As samples are: what no sample can hold is not known.
fn single_precision(of: &[f64]) -> Vec<f32> {
    of.iter().map(|v| *v as f32).map(|v| if v.is_finite() { v } else { f32::NAN }).collect()
}

/// How much each donor counts in each band before the regression: by the inverse of what it leaves unexplained, squared.
fn shares(donors: &[&Single], bands: usize) -> Vec<Vec<f64>> {
    let weight = |donor: &&Single, band: usize| 1.0 / donor.told.sigma[band].powi(2).max(1e-30);
    let sums: Vec<f64> =
        (0..bands).map(|band| donors.iter().map(|donor| weight(donor, band)).sum()).collect();
    donors.iter().map(|donor| (0..bands).map(|band| weight(donor, band) / sums[band]).collect()).collect()
}

/// Mean and standard deviation of a band over some pixels; 0 without any.
fn moments(scene: &SampledScene, band: usize, pixels: impl Iterator<Item = usize> + Clone) -> (f64, f64) {
    let value = |i: usize| f64::from(scene.pixel(i)[band]);
    let count = pixels.clone().count().max(1) as f64;
    let mean = pixels.clone().map(value).sum::<f64>() / count;
    let variance = pixels.map(|i| (value(i) - mean).powi(2)).sum::<f64>() / count;
    // What rounding alone makes of a constant is no spread.
    (mean, if variance.sqrt() > 1e-9 * mean.abs() { variance.sqrt() } else { 0.0 })
}

fn line(intercept: f64, coefficient: f64) -> Solution {
    Solution { intercepts: vec![intercept], coefficients: vec![vec![coefficient]] }
}

/// The mean difference.
fn offset(one: &Rows) -> Solution {
    let differences = one.numbers.chunks_exact(2).map(|pair| f64::from(pair[1]) - f64::from(pair[0]));
    line(differences.sum::<f64>() / one.len() as f64, 1.0)
}

/// The donor's own bands, the first of the features, explain all that they can; the ridge holds back only what the other
/// features add to that.
fn beyond_lines(rows: &Rows, bands: usize) -> Solution {
    let features = rows.features;
    let pairs = rows.numbers.chunks_exact(rows.width).map(|row| (&row[..bands], &row[features..]));
    let numbers = pairs.flat_map(|(own, targets)| own.iter().chain(targets).copied()).collect();
    let lines = Rows { width: 2 * bands, features: bands, numbers };
    let plain = solve(&lines, RIDGE);
    let mut rest = Rows { width: rows.width, features, numbers: rows.numbers.clone() };
    let left = plain.residuals(&lines);
    for (row, left) in rest.numbers.chunks_exact_mut(rows.width).zip(left.chunks_exact(bands)) {
        row[features..].iter_mut().zip(left).for_each(|(target, left)| *target = *left as f32);
    }
    let mut all = solve(&rest, RIDGE_OF_SURROUNDINGS);
    for (band, of_band) in all.coefficients.iter_mut().enumerate() {
        all.intercepts[band] += plain.intercepts[band];
        of_band.iter_mut().zip(&plain.coefficients[band]).for_each(|(all, plain)| *all += plain);
    }
    all
}

/// Each band from the same band of the only donor.
fn band_by_band(rows: &Rows, of: impl Fn(&Rows) -> Solution) -> Solution {
    let bands = rows.features;
    let mut all = Solution { intercepts: Vec::new(), coefficients: vec![vec![0.0; bands]; bands] };
    for band in 0..bands {
        let pairs = rows.numbers.chunks_exact(rows.width).flat_map(|row| [row[band], row[bands + band]]);
        let one = of(&Rows { width: 2, features: 1, numbers: pairs.collect() });
        all.intercepts.push(one.intercepts[0]);
        all.coefficients[band][band] = one.coefficients[0][0];
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use compose_core::{Block, Looks};
    use ndarray::{Array2, Array3};

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

    /// One band; nothing is beyond doubt but one pixel of the middle value.
    fn doubtful(of: impl Fn(usize) -> f32) -> SampledScene {
        let pixels = 60 * SQUARE;
        let values = Array2::from_shape_fn((pixels, 1), |(i, _)| of(i));
        let state = (0..pixels).map(|i| if i == SQUARE + 9 { CLEAR } else { DOUBTFUL }).collect();
        SampledScene { values, state }
    }

    #[test]
    fn a_pixel_beyond_doubt_does_not_speak_for_all() {
        let land = |i: usize| (i * 37 % 101) as f32;
        let noise = doubtful(|i| (i * 61 % 97) as f32);
        let scenes =
            [doubtful(|i| 100.0 + 2.0 * land(i)), noise, doubtful(land)].map(Some).into_iter().collect();
        let survey = Survey { scenes, pixels: 60 * SQUARE };
        let fitted =
            fit(&Fit { survey: &survey, target: 0, donors: &[1, 2], most: 1, full: &[f32::INFINITY] });
        assert_eq!(fitted.donors, [2, 1]);
        let (low, high) = fitted.predictor.range[0];
        assert_eq!((low[0], high[0]), (100.0, 300.0));
        assert!(fitted.predictor.contrast[0] > 0.0);
    }

    /// A sample misses single pixels of nodata that nobody declared: no prediction may come of them, nor of them as
    /// neighbours.
    #[test]
    fn a_value_far_beyond_the_sample_is_no_look_and_no_neighbour() {
        let land = |i: usize| (i * 37 % 101) as f32;
        let scenes = [doubtful(|i| 100.0 + 2.0 * land(i)), doubtful(land)].map(Some).into_iter().collect();
        let survey = Survey { scenes, pixels: 60 * SQUARE };
        let fitted = fit(&Fit { survey: &survey, target: 0, donors: &[1], most: 1, full: &[f32::INFINITY] });
        let looks = |stray: f32, valid: u8| {
            let mut values =
                Array3::from_shape_fn((1, 3, 3), |(_, row, col)| (20 + 7 * row + 3 * col) as f32);
            values[[0, 1, 1]] = stray;
            let mut block = Block { values, valid: Array3::ones((1, 3, 3)) };
            block.valid[[0, 1, 1]] = valid;
            let mut looks = Looks::new(1, 1, 3, 3);
            fitted.predictor.translations[0].look(0, &block, &Array2::ones((3, 3)), &mut looks);
            looks
        };
        let (stray, without) = (looks(1e30, 1), looks(0.0, 0));
        for at in (0..9).map(|i| (i / 3, i % 3)) {
            assert_eq!(stray.ranks(at), without.ranks(at), "{at:?}");
            assert_eq!(stray.look(at, 0), without.look(at, 0), "{at:?}");
        }
        // A roof that the sample missed is one all the same.
        assert_eq!(looks(900.0, 1).ranks((1, 1)), [0]);
    }
}
