//! The figures of an evaluation as a table for the terminal, as CSV, and as JSON.
//!
//! The table for the terminal has a line for each strategy first, with its means over cases, then one for each case
//! and strategy; CSV has one for each case, strategy and band, and one (`mean`) for the bands together; JSON is
//! [`Report`] itself. What is not defined is `-` in the table, empty in CSV and `null` in JSON.

mod text;

use crate::metrics::{BandScores, Scores, mean_of};
use serde::{Deserialize, Serialize};

/// One strategy on one case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The case's name.
    pub case: String,
    /// The strategy's name.
    pub strategy: String,
    /// What is measured of its fill.
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

    /// The table for the terminal.
    pub fn text(&self) -> String {
        text::text(self)
    }

    /// Every figure, with all its digits.
    pub fn csv(&self) -> String {
        let mut csv = String::from(
            "case,strategy,band,hidden,filled,fill_rate,rmse,mae,bias,correlation,ssim,jump,whole_rmse,sam,ergas,\
             ratio_to_copy\n",
        );
        for row in &self.rows {
            let Scores { mean, bands, sam, ergas, .. } = &row.scores;
            line(&mut csv, row, "mean", mean, [*sam, *ergas, row.ratio_to_copy]);
            for (band, scores) in self.bands.iter().zip(bands) {
                line(&mut csv, row, band, scores, [None; 3]);
            }
        }
        csv
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

/// The figures of a band in the order of the columns.
fn figures(scores: &BandScores) -> [Option<f64>; 7] {
    let BandScores { rmse, mae, bias, correlation, ssim, jump, whole_rmse } = *scores;
    [rmse, mae, bias, correlation, ssim, jump, whole_rmse]
}

fn line(csv: &mut String, row: &Row, band: &str, scores: &BandScores, of_all: [Option<f64>; 3]) {
    let Scores { hidden, filled, fill_rate, .. } = &row.scores;
    let names = [&row.case, &row.strategy, band].map(cell);
    let counts = [hidden.to_string(), filled.to_string()];
    let numbers = std::iter::once(*fill_rate).chain(figures(scores)).chain(of_all);
    let numbers = numbers.map(|number| number.map_or_else(String::new, |n| n.to_string()));
    let cells: Vec<String> = names.into_iter().chain(counts).chain(numbers).collect();
    csv.push_str(&cells.join(","));
    csv.push('\n');
}

/// A text as CSV wants it (RFC 4180).
fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn row(case: &str, strategy: &str, rmse: f64, ratio: Option<f64>) -> Row {
        let band = |rmse: f64| BandScores {
            rmse: Some(rmse),
            mae: Some(rmse * 0.75),
            bias: Some(-rmse / 8.0),
            correlation: Some(0.9),
            ssim: None,
            jump: Some(1.5),
            whole_rmse: Some(rmse / 2.0),
        };
        let scores = Scores {
            hidden: 200,
            filled: 150,
            fill_rate: Some(0.75),
            mean: band(rmse),
            sam: Some(2.5),
            ergas: Some(12.25),
            bands: vec![band(rmse - 1.0), band(rmse + 1.0)],
        };
        Row { case: case.into(), strategy: strategy.into(), scores, ratio_to_copy: ratio }
    }

    pub(super) fn report() -> Report {
        let rows = vec![
            row("disc", "copy", 400.0, Some(1.0)),
            row("disc", "seamless", 200.0, Some(0.5)),
            row("clouds", "copy", 40.0, Some(1.0)),
            row("clouds", "seamless", 30.0, Some(0.75)),
            row("stripes", "seamless", 100.0, None),
        ];
        Report::new(vec!["red".into(), "nir, broad".into()], rows)
    }

    #[test]
    fn means_are_over_the_cases_that_have_the_figure() {
        let report = report();
        let names: Vec<_> = report.strategies.iter().map(|s| (s.strategy.as_str(), s.cases)).collect();
        assert_eq!(names, [("copy", 2), ("seamless", 3)]);
        let seamless = &report.strategies[1];
        assert_eq!((seamless.ratio_mean, seamless.ratio_worst), (Some(0.625), Some(0.75)));
        assert_eq!((seamless.mean.rmse, seamless.mean.ssim), (Some(110.0), None));
    }

    #[test]
    fn csv_has_a_line_for_each_band_and_their_mean_and_every_digit() {
        let csv = report().csv();
        let lines: Vec<&str> = csv.lines().collect();
        assert_eq!(lines.len(), 1 + 5 * 3);
        assert_eq!(lines[1], "disc,copy,mean,200,150,0.75,400,300,-50,0.9,,1.5,200,2.5,12.25,1");
        let band = "disc,copy,\"nir, broad\",200,150,0.75,401,300.75,-50.125,0.9,,1.5,200.5,,,";
        assert_eq!(lines[3], band);
        let quoted = |line: &&str| line.contains('"');
        let columns: Vec<usize> = lines.iter().filter(|l| !quoted(l)).map(|l| l.split(',').count()).collect();
        assert!(columns.iter().all(|count| *count == 16), "{columns:?}");
    }

    #[test]
    fn what_csv_would_take_apart_is_quoted() {
        assert_eq!(
            (cell("a"), cell("a,b"), cell("5\" disc")),
            ("a".into(), "\"a,b\"".into(), "\"5\"\" disc\"".into())
        );
    }

    #[test]
    fn json_is_read_back_as_it_was_written() {
        let report = report();
        let text = serde_json::to_string_pretty(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    }

    #[test]
    fn nothing_was_tried() {
        let report = Report::new(Vec::new(), Vec::new());
        assert_eq!((report.strategies.len(), report.csv().lines().count()), (0, 1));
        assert_eq!(report.text(), "no case was tried\n");
    }
}
