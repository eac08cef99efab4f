//! The figures of an evaluation as a table for the terminal, as CSV, and as JSON.
//!
//! The table for the terminal has a line for each strategy first, with its means over cases, then one for each case
//! and strategy; CSV has one for each case, strategy and band, and one (`mean`) for the bands together; JSON is
//! [`Report`] itself. What is not defined is `-` in the table, empty in CSV and `null` in JSON.

mod csv;
mod report;
mod text;

pub use report::{Report, Row, Summary};

impl Report {
    /// The table for the terminal.
    pub fn text(&self) -> String {
        text::text(self)
    }

    /// Every figure, with all its digits.
    pub fn csv(&self) -> String {
        csv::csv(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{BandScores, Scores};

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
