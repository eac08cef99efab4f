//! From the survey to models: donors ranked by how well they explain the target, and a regression for every set of
//! donors that pixels are likely to be seen by.

use super::{Lanes, Model, Predictor, in_lanes, key};
use compose_core::survey::{CLEAR, DOUBTFUL, SampledScene, UNUSABLE};
use compose_core::{Findings, Survey, SurveyedModel};
use compose_regression::{Rows, Solution, solve};
use std::collections::{BTreeSet, HashMap};

/// The most donors that one prediction rests on.
pub(crate) const MOST_DONORS: usize = 4;
/// Pixels that a regression needs for each of its features.
const PER_FEATURE: usize = 10;
/// Pixels that a regression of a band on itself needs.
const FOR_A_LINE: usize = 30;
/// Pixels that the difference of two scenes needs.
const FOR_AN_OFFSET: usize = 5;
/// Pixels that a regression rests on at most: more would cost time and change nothing.
const ENOUGH: usize = 1 << 15;
/// Sets of several donors that get a model of their own, the commonest first.
const MOST_SETS: usize = 64;

/// What is fitted: the target, and donors that come nearest in time first.
pub(crate) struct Fit<'a> {
    pub survey: &'a Survey,
    pub target: usize,
    pub donors: &'a [usize],
    /// Donors that a prediction may rest on.
    pub most: usize,
}

/// Scenes in the order in which they are to be taken, and their predictions.
pub(crate) struct Fitted {
    pub donors: Vec<usize>,
    pub predictor: Predictor,
    pub findings: Findings,
}

/// A regression with all that is told of it.
struct Regression {
    scenes: Vec<usize>,
    method: &'static str,
    pixels: usize,
    solution: Solution,
    sigma: Vec<f64>,
    roughness: Vec<f64>,
}

/// Ranks donors and fits models.
pub(crate) fn fit(of: &Fit<'_>) -> Fitted {
    let mut singles: Vec<(f64, Regression)> = of
        .donors
        .iter()
        .map(|donor| {
            let single = of.single(*donor);
            (of.disagreement(&single), single)
        })
        .collect();
    // Donors come by date, and the sort is stable: of two that agree equally well the nearer goes first.
    singles.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    let donors: Vec<usize> = singles.iter().map(|(_, single)| single.scenes[0]).collect();
    let ranking = singles.iter().map(|(how, single)| (single.scenes[0], of.words(*how, single))).collect();
    let mut fallbacks: Vec<(usize, String)> =
        singles.iter().filter_map(|(_, s)| s.fallback().map(|why| (s.scenes[0], why))).collect();
    fallbacks.sort();
    let mut regressions: Vec<(Vec<u16>, Regression)> =
        singles.into_iter().enumerate().map(|(rank, (_, single))| (vec![rank as u16], single)).collect();
    let mut refused = 0;
    for ranks in of.sets(&donors) {
        let scenes: Vec<usize> = ranks.iter().map(|rank| donors[usize::from(*rank)]).collect();
        match of.joint(&scenes) {
            Some(joint) => regressions.push((ranks, joint)),
            None => refused += 1,
        }
    }
    let mut fallbacks: Vec<String> = fallbacks.into_iter().map(|(_, why)| why).collect();
    if refused > 0 {
        fallbacks.push(format!(
            "{refused} sets of donors share too few clear pixels with the target; fewer donors are used there"
        ));
    }
    let models = regressions.iter().map(|(_, regression)| regression.told()).collect();
    let predictor = of.predictor(&donors, &regressions);
    Fitted { donors, predictor, findings: Findings { ranking, models, fallbacks } }
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
            (0..self.survey.pixels).filter(|i| scenes.iter().all(|s| s.state[*i] >= level)).collect()
        };
        let clear = at_least(CLEAR);
        let pixels = if clear.len() >= needed { clear } else { at_least(DOUBTFUL) };
        // Whole squares go or stay, evenly over the scene.
        let every = pixels.len().div_ceil(ENOUGH).max(1);
        pixels.into_iter().filter(|pixel| (pixel / 4).is_multiple_of(every)).collect()
    }

    fn rows(&self, donors: &[usize], pixels: &[usize]) -> Rows {
        let features = donors.len() * self.bands();
        let width = features + self.bands();
        let mut numbers = Vec::with_capacity(pixels.len() * width);
        for pixel in pixels {
            for scene in donors.iter().chain([&self.target]) {
                numbers.extend_from_slice(self.scene(*scene).pixel(*pixel));
            }
        }
        Rows { width, features, numbers }
    }

    /// One donor, in the best way that its common pixels allow.
    fn single(&self, donor: usize) -> Regression {
        let bands = self.bands();
        let needed = PER_FEATURE * (bands + 1);
        let pixels = self.common(&[donor], needed);
        let rows = self.rows(&[donor], &pixels);
        let (method, solution) = match pixels.len() {
            n if n >= needed => ("linear", solve(&rows)),
            n if n >= FOR_A_LINE => ("per-band", band_by_band(&rows, |one| solve(one))),
            n if n >= FOR_AN_OFFSET => ("offset", band_by_band(&rows, offset)),
            _ => ("copy", band_by_band(&rows, |_| line(0.0, 1.0))),
        };
        Regression::new(vec![donor], method, &pixels, &rows, solution)
    }

    /// Several donors at once; `None` where they share too few pixels.
    fn joint(&self, donors: &[usize]) -> Option<Regression> {
        let needed = PER_FEATURE * (donors.len() * self.bands() + 1);
        let pixels = self.common(donors, needed);
        if pixels.len() < needed {
            return None;
        }
        let rows = self.rows(donors, &pixels);
        let solution = solve(&rows);
        Some(Regression::new(donors.to_vec(), "linear", &pixels, &rows, solution))
    }

    /// Share of the target's spread that a donor leaves unexplained, mean over the bands; infinite where too few pixels
    /// tell.
    fn disagreement(&self, single: &Regression) -> f64 {
        if single.pixels < FOR_A_LINE {
            return f64::INFINITY;
        }
        let spread = self.spread(self.target);
        let shares =
            single.sigma.iter().zip(&spread).map(|(sigma, sd)| if *sd > 0.0 { sigma / sd } else { 0.0 });
        shares.sum::<f64>() / spread.len() as f64
    }

    fn words(&self, disagreement: f64, single: &Regression) -> String {
        if disagreement.is_infinite() {
            return format!("{} clear pixels in common, too few to judge", single.pixels);
        }
        format!(
            "{:.1} % of the target's spread unexplained, {} clear pixels in common",
            disagreement * 100.0,
            single.pixels
        )
    }

    /// Standard deviation of each band over the scene's clear pixels.
    fn spread(&self, scene: usize) -> Vec<f64> {
        let scene = self.scene(scene);
        let clear = || (0..self.survey.pixels).filter(|i| scene.state[*i] == CLEAR);
        let count = clear().count().max(1) as f64;
        let deviation = |band: usize| {
            let value = |i: usize| f64::from(scene.pixel(i)[band]);
            let mean = clear().map(value).sum::<f64>() / count;
            (clear().map(|i| (value(i) - mean).powi(2)).sum::<f64>() / count).sqrt()
        };
        (0..self.bands()).map(deviation).collect()
    }

    /// Sets of ranks that gaps are seen by, with what is left of them without their last: the commonest, and those of
    /// the first few donors.
    fn sets(&self, donors: &[usize]) -> BTreeSet<Vec<u16>> {
        let target = self.scene(self.target);
        let mut counts: HashMap<Vec<u16>, usize> = HashMap::new();
        for pixel in (0..self.survey.pixels).filter(|i| target.state[*i] == UNUSABLE) {
            let sees = |rank: &usize| self.scene(donors[*rank]).state[pixel] != UNUSABLE;
            let ranks: Vec<u16> =
                (0..donors.len()).filter(sees).take(self.most).map(|rank| rank as u16).collect();
            if ranks.len() > 1 {
                *counts.entry(ranks).or_default() += 1;
            }
        }
        let mut common: Vec<(Vec<u16>, usize)> = counts.into_iter().collect();
        common.sort_by(|(a, n), (b, m)| m.cmp(n).then(a.cmp(b)));
        let first = subsets(donors.len().min(MOST_DONORS), self.most);
        let seen = common.into_iter().take(MOST_SETS).map(|(ranks, _)| ranks);
        seen.chain(first).flat_map(|ranks| (2..=ranks.len()).map(move |n| ranks[..n].to_vec())).collect()
    }

    /// Least and greatest value of each band that the target shows; where it shows next to nothing, that any scene does.
    fn range(&self, donors: &[usize]) -> (Vec<f64>, Vec<f64>) {
        let level = |scene: &SampledScene| if scene.state.contains(&CLEAR) { CLEAR } else { DOUBTFUL };
        let target = self.scene(self.target);
        let shown = target.state.iter().filter(|state| **state >= level(target)).count();
        let others = if shown < FOR_A_LINE { donors } else { &[] };
        let mut range = vec![(f64::INFINITY, f64::NEG_INFINITY); self.bands()];
        for scene in others.iter().chain([&self.target]).map(|scene| self.scene(*scene)) {
            let level = level(scene);
            for pixel in (0..self.survey.pixels).filter(|i| scene.state[*i] >= level) {
                for ((low, high), v) in range.iter_mut().zip(scene.pixel(pixel)) {
                    (*low, *high) = (low.min(f64::from(*v)), high.max(f64::from(*v)));
                }
            }
        }
        let nothing = |(low, high): (f64, f64)| {
            if low <= high { (low, high) } else { (f64::NEG_INFINITY, f64::INFINITY) }
        };
        range.into_iter().map(nothing).unzip()
    }

    fn predictor(&self, donors: &[usize], regressions: &[(Vec<u16>, Regression)]) -> Predictor {
        let (low, high) = self.range(donors);
        let contrast = |sd: f64| if sd > 0.0 { (1.0 / sd) as f32 } else { 0.0 };
        let of_donor = |donor: &usize| self.spread(*donor).into_iter().map(contrast).collect();
        Predictor {
            models: regressions.iter().map(|(ranks, regression)| regression.model(ranks)).collect(),
            by_ranks: regressions
                .iter()
                .enumerate()
                .map(|(number, (ranks, _))| (key(ranks), number))
                .collect(),
            bands: self.bands(),
            range: in_lanes(&low, 0.0).into_iter().zip(in_lanes(&high, 0.0)).collect(),
            contrast: donors.iter().map(of_donor).collect(),
        }
    }
}

/// All sets of two to `most` of the first `count` ranks.
fn subsets(count: usize, most: usize) -> impl Iterator<Item = Vec<u16>> {
    let set = move |bits: u32| (0..count as u16).filter(|rank| bits >> rank & 1 == 1).collect::<Vec<_>>();
    (0..1u32 << count).map(set).filter(move |set| (2..=most).contains(&set.len()))
}

fn line(intercept: f64, coefficient: f64) -> Solution {
    Solution { intercepts: vec![intercept], coefficients: vec![vec![coefficient]] }
}

/// The mean difference.
fn offset(one: &Rows) -> Solution {
    let differences = one.numbers.chunks_exact(2).map(|pair| f64::from(pair[1]) - f64::from(pair[0]));
    line(differences.sum::<f64>() / one.len() as f64, 1.0)
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

impl Regression {
    fn new(
        scenes: Vec<usize>,
        method: &'static str,
        pixels: &[usize],
        rows: &Rows,
        solution: Solution,
    ) -> Self {
        let targets = rows.width - rows.features;
        let residuals = solution.residuals(rows);
        let count = pixels.len().max(1) as f64;
        let rms =
            |t: usize| (residuals.chunks_exact(targets).map(|r| r[t] * r[t]).sum::<f64>() / count).sqrt();
        let sigma: Vec<f64> = (0..targets).map(rms).collect();
        let roughness = (0..targets).map(|t| roughness(pixels, |i| residuals[i * targets + t]));
        let roughness = roughness.zip(&sigma).map(|(rough, sigma)| rough.unwrap_or(*sigma).min(*sigma));
        Self { scenes, method, pixels: pixels.len(), solution, roughness: roughness.collect(), sigma }
    }

    /// What is told of a donor that does not get the usual regression.
    fn fallback(&self) -> Option<String> {
        let why = format!("only {} clear pixels in common with the target", self.pixels);
        match self.method {
            "per-band" => Some(format!("{why}: each band from the same band alone")),
            "offset" => Some(format!("{why}: copied, plus the mean difference")),
            "copy" => Some(format!("{why}: copied as it is")),
            _ => None,
        }
    }

    fn told(&self) -> SurveyedModel {
        let all = self.solution.intercepts.iter().zip(&self.solution.coefficients);
        let all = all.map(|(intercept, of)| std::iter::once(*intercept).chain(of.iter().copied()).collect());
        SurveyedModel {
            donors: self.scenes.clone(),
            method: self.method,
            pixels: self.pixels,
            sigma: self.sigma.clone(),
            coefficients: all.collect(),
        }
    }

    fn model(&self, ranks: &[u16]) -> Model {
        let features = self.solution.coefficients[0].len();
        let of_feature = |feature: usize| -> Vec<f64> {
            self.solution.coefficients.iter().map(|of_band| of_band[feature]).collect()
        };
        let mut weights: Vec<Vec<Lanes>> =
            in_lanes(&self.solution.intercepts, 0.0).into_iter().map(|lanes| vec![lanes]).collect();
        for feature in 0..features {
            let lanes = in_lanes(&of_feature(feature), 0.0);
            weights.iter_mut().zip(lanes).for_each(|(group, lanes)| group.push(lanes));
        }
        let single = |of: &[f64]| of.iter().map(|v| *v as f32).collect();
        Model {
            ranks: ranks.to_vec(),
            weights,
            sigma: single(&self.sigma),
            roughness: single(&self.roughness),
            copies: self.method == "copy",
        }
    }
}

/// Half the mean square of the difference between neighbours in a row, as a standard deviation; `None` without any.
fn roughness(pixels: &[usize], of: impl Fn(usize) -> f64) -> Option<f64> {
    let neighbours = (1..pixels.len()).filter(|i| pixels[*i] % 2 == 1 && pixels[*i - 1] + 1 == pixels[*i]);
    let (mut sum, mut count) = (0.0, 0);
    for i in neighbours {
        sum += (of(i) - of(i - 1)).powi(2) / 2.0;
        count += 1;
    }
    (count > 0).then(|| (sum / f64::from(count)).sqrt())
}
