//! One donor by itself, translated into the target's terms in the best way that the sample allows.

use super::method::{Features, Method};
use super::model_fit::ModelFit;
use super::sample::{FOR_A_LINE, FOR_AN_OFFSET, PER_FEATURE, Sample, moments};
use super::translation::{Scale, Translation, describe};
use crate::lanes::Lanes;
use compose_core::survey::{UNUSABLE, is_inner};
use compose_regression::{RIDGE, Rows, Solution, solve};

/// Ridge where there are many features.
const RIDGE_OF_SURROUNDINGS: f64 = 1e-3;

/// One donor by itself.
pub(super) struct Single {
    pub scene: usize,
    pub scale: Scale,
    /// Per band: the plausible range of the donor.
    pub believed: Vec<(f32, f32)>,
    /// Its predictions for the sample, (pixel, band); arbitrary where the donor is unusable, and in frames.
    pub translated: Vec<f32>,
    pub fit: ModelFit,
    /// Share of the target's spread that it leaves unexplained.
    pub disagreement: f64,
}

impl Single {
    /// One donor, in the best way that its common pixels allow.
    pub fn of(sample: &Sample<'_>, donor: usize, range: &[(Lanes, Lanes)]) -> Self {
        let bands = sample.bands();
        let needed = |features: Features| PER_FEATURE * (features.count(bands) + 1);
        let pixels = sample.common(&[donor], needed(Features::Surroundings));
        let rich = pixels.len() >= needed(Features::Surroundings);
        let method = match pixels.len() {
            _ if rich => Method::Surroundings,
            n if n >= needed(Features::Bands) => Method::Linear,
            n if n >= FOR_A_LINE => Method::PerBand,
            n if n >= FOR_AN_OFFSET => Method::Offset,
            _ => Method::Copy,
        };
        let scale = scale(sample, donor, &pixels);
        let rows = rows(sample, donor, &pixels, method.features(), &scale);
        let solution = match method {
            Method::Surroundings => beyond_lines(&rows, bands),
            Method::PerBand => band_by_band(&rows, |one| solve(one, RIDGE)),
            Method::Offset => band_by_band(&rows, offset),
            Method::Copy => band_by_band(&rows, |_| line(0.0, 1.0)),
            Method::Linear | Method::Joint => solve(&rows, RIDGE),
        };
        let believed = sample.believed(donor);
        let translation = Translation::new(method, scale.clone(), &solution, range, believed.clone());
        let translated = translated(sample, donor, &translation);
        let mut fit = ModelFit::new(method, &pixels, &solution, bands, |pixel, band| {
            f64::from(sample.scene(sample.target).pixel(pixel)[band])
                - f64::from(translated[pixel * bands + band])
        });
        fit.standard = rich.then(|| translation.standard());
        let disagreement = disagreement(sample, &fit);
        Self { scene: donor, scale, believed, translated, fit, disagreement }
    }
}

/// Mean and spread of a donor's bands over some pixels.
fn scale(sample: &Sample<'_>, donor: usize, pixels: &[usize]) -> Scale {
    let (mean, deviation): (Vec<f64>, Vec<f64>) =
        (0..sample.bands()).map(|band| moments(sample.scene(donor), band, pixels.iter().copied())).unzip();
    let factor = deviation.iter().map(|sd| if *sd > 0.0 { (1.0 / sd) as f32 } else { 0.0 });
    Scale { factor: factor.collect(), mean: mean.iter().map(|mean| *mean as f32).collect() }
}

/// The features and the target's bands of some pixels.
fn rows(sample: &Sample<'_>, donor: usize, pixels: &[usize], features: Features, scale: &Scale) -> Rows {
    let count = features.count(sample.bands());
    let width = count + sample.bands();
    let (mut numbers, mut row) = (Vec::with_capacity(pixels.len() * width), Vec::new());
    for pixel in pixels {
        let centre = sample.scene(donor).pixel(*pixel);
        describe(features, scale, centre, |nth| sample.neighbour(donor, *pixel, nth), &mut row);
        numbers.extend_from_slice(&row);
        numbers.extend_from_slice(sample.scene(sample.target).pixel(*pixel));
    }
    Rows { width, features: count, numbers }
}

/// The predictions of a donor's translation for the sample.
fn translated(sample: &Sample<'_>, donor: usize, translation: &Translation) -> Vec<f32> {
    let (bands, scene) = (sample.bands(), sample.scene(donor));
    let mut translated = vec![0.0; sample.survey.pixels * bands];
    let mut features = Vec::new();
    for (pixel, out) in translated.chunks_exact_mut(bands).enumerate() {
        if is_inner(pixel) && scene.state[pixel] != UNUSABLE {
            let around = |nth| sample.neighbour(donor, pixel, nth);
            translation.translate(scene.pixel(pixel), around, &mut features, out);
        }
    }
    translated
}

/// Share of the target's spread that a donor leaves unexplained, mean over the bands; infinite where too few pixels
/// tell.
fn disagreement(sample: &Sample<'_>, fit: &ModelFit) -> f64 {
    if fit.pixels < FOR_A_LINE {
        return f64::INFINITY;
    }
    let spread = sample.deviations();
    let shares = fit.sigma.iter().zip(&spread).map(|(sigma, sd)| if *sd > 0.0 { sigma / sd } else { 0.0 });
    shares.sum::<f64>() / spread.len() as f64
}

fn line(intercept: f64, coefficient: f64) -> Solution {
    Solution { intercepts: vec![intercept], coefficients: vec![vec![coefficient]] }
}

/// The mean difference.
fn offset(one: &Rows) -> Solution {
    let differences = one.numbers.chunks_exact(2).map(|pair| f64::from(pair[1]) - f64::from(pair[0]));
    line(differences.sum::<f64>() / one.len() as f64, 1.0)
}

/// Two fits: first the donor's own bands, the first of the features, with next to no ridge; then all features, with the
/// ridge, on what the first leaves unexplained. So only neighbours and products are shrunk.
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
