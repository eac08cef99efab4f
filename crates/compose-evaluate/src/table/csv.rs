//! The figures as CSV (RFC 4180).

use super::report::{Report, Row};
use crate::metrics::{BandScores, Scores};

/// A heading, then a line for each case, strategy and band.
pub(super) fn csv(report: &Report) -> String {
    let mut csv = String::from(
        "case,strategy,band,hidden,filled,fill_rate,rmse,mae,bias,correlation,ssim,jump,whole_rmse,sam,ergas,\
         ratio_to_copy\n",
    );
    for row in &report.rows {
        let Scores { mean, bands, sam, ergas, .. } = &row.scores;
        line(&mut csv, row, "mean", mean, [*sam, *ergas, row.ratio_to_copy]);
        for (band, scores) in report.bands.iter().zip(bands) {
            line(&mut csv, row, band, scores, [None; 3]);
        }
    }
    csv
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

/// A text as CSV wants it.
fn cell(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_csv_would_take_apart_is_quoted() {
        assert_eq!(
            (cell("a"), cell("a,b"), cell("5\" disc")),
            ("a".into(), "\"a,b\"".into(), "\"5\"\" disc\"".into())
        );
    }
}
