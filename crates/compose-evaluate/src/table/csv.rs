//! The figures as CSV (RFC 4180).

use super::report::{Report, Row};
use crate::metrics::{BandScores, Scores};
use ::csv::Writer;

const HEADING: [&str; 16] = [
    "case",
    "strategy",
    "band",
    "hidden",
    "filled",
    "fill_rate",
    "rmse",
    "mae",
    "bias",
    "correlation",
    "ssim",
    "jump",
    "whole_rmse",
    "sam",
    "ergas",
    "ratio_to_copy",
];

/// A heading, then a line for each case, strategy and band.
pub(super) fn csv(report: &Report) -> String {
    let mut csv = Writer::from_writer(Vec::new());
    let mut write = |cells: &[String]| csv.write_record(cells).expect("memory takes every line of 16 cells");
    write(&HEADING.map(str::to_owned));
    for row in &report.rows {
        let Scores { mean, bands, sam, ergas, .. } = &row.scores;
        write(&cells(row, "mean", mean, [*sam, *ergas, row.ratio_to_copy]));
        for (band, scores) in report.bands.iter().zip(bands) {
            write(&cells(row, band, scores, [None; 3]));
        }
    }
    let bytes = csv.into_inner().expect("memory takes every line");
    String::from_utf8(bytes).expect("cells are text")
}

fn cells(row: &Row, band: &str, scores: &BandScores, of_all: [Option<f64>; 3]) -> Vec<String> {
    let Scores { hidden, filled, fill_rate, .. } = &row.scores;
    let names = [&row.case, &row.strategy, band].map(str::to_owned);
    let counts = [hidden.to_string(), filled.to_string()];
    let numbers = std::iter::once(*fill_rate).chain(figures(scores)).chain(of_all);
    let numbers = numbers.map(|number| number.map_or_else(String::new, |n| n.to_string()));
    names.into_iter().chain(counts).chain(numbers).collect()
}

/// The figures of a band in the order of the columns.
fn figures(scores: &BandScores) -> [Option<f64>; 7] {
    let BandScores { rmse, mae, bias, correlation, ssim, jump, whole_rmse } = *scores;
    [rmse, mae, bias, correlation, ssim, jump, whole_rmse]
}

#[cfg(test)]
mod tests {
    use super::super::tests::row;
    use super::*;

    #[test]
    fn what_csv_would_take_apart_is_quoted() {
        let names = ["a b", "a,b", "5\" disc", "two\nlines"];
        let rows = names.map(|name| row(name, "copy", 4.0, None));
        let csv = Report::new(Vec::new(), rows.into()).csv();
        let of = csv.split(",copy,mean,200,150,0.75,4,3,-0.5,0.9,,1.5,2,2.5,12.25,\n").collect::<Vec<_>>();
        let heading = HEADING.join(",");
        let expected = [
            format!("{heading}\na b"),
            "\"a,b\"".into(),
            "\"5\"\" disc\"".into(),
            "\"two\nlines\"".into(),
            String::new(),
        ];
        assert_eq!(of, expected);
    }
}
