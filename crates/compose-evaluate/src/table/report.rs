//! The figures of an evaluation.

use crate::metrics::{BandScores, Scores, mean_of};
use serde::{Deserialize, Serialize};

/// One strategy on one case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The case's name.
    pub case: String,
    /// The strategy's name.
    pub strategy: String,
    /// The figures of its fill.
    pub scores: Scores,
    /// [`Scores::ratio_to`] a plain copy of the nearest donor.
    pub ratio_to_copy: Option<f64>,
}

/// Means of one strategy over cases: each figure over the cases that have it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The strategy's name.
    pub strategy: String,
    /// On how many cases it was tried.
    pub cases: usize,
    /// Part of the hidden pixels that got a value.
    pub fill_rate: Option<f64>,
    /// Means over bands, and then over cases.
    pub mean: BandScores,
    /// Degrees.
    pub sam: Option<f64>,
    /// Percent.
    pub ergas: Option<f64>,
    /// Arithmetic mean of the ratios to a plain copy.
    pub ratio_mean: Option<f64>,
    /// The largest of them.
    pub ratio_worst: Option<f64>,
}

/// All figures of an evaluation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Names of the bands, in the order of [`Scores::bands`].
    pub bands: Vec<String>,
    /// One for each strategy, in the order in which they first come.
    pub strategies: Vec<Summary>,
    /// One for each case and strategy.
    pub rows: Vec<Row>,
}

impl Report {
    /// The rows with their means.
    pub fn new(bands: Vec<String>, rows: Vec<Row>) -> Self {
        let mut names: Vec<&str> = Vec::new();
        for row in &rows {
            if !names.contains(&row.strategy.as_str()) {
                names.push(&row.strategy);
            }
        }
        let strategies = names.into_iter().map(|name| Summary::of(name, &rows)).collect();
        Self { bands, strategies, rows }
    }
}

impl Summary {
    fn of(strategy: &str, rows: &[Row]) -> Self {
        let rows: Vec<&Row> = rows.iter().filter(|row| row.strategy == strategy).collect();
        let scores = || rows.iter().map(|row| &row.scores);
        let means: Vec<BandScores> = scores().map(|s| s.mean.clone()).collect();
        let ratios = || rows.iter().map(|row| row.ratio_to_copy);
        Self {
            strategy: strategy.to_owned(),
            cases: rows.len(),
            fill_rate: mean_of(scores().map(|s| s.fill_rate)),
            mean: BandScores::mean_of(&means),
            sam: mean_of(scores().map(|s| s.sam)),
            ergas: mean_of(scores().map(|s| s.ergas)),
            ratio_mean: mean_of(ratios()),
            ratio_worst: ratios().flatten().max_by(f64::total_cmp),
        }
    }
}
