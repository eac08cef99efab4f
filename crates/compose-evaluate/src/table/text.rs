//! The table for the terminal.

use super::report::{Report, Row, Summary};
use crate::metrics::BandScores;

/// The text for a figure that is not defined.
const NONE: &str = "-";

/// A column: its heading, and its cells from the top down.
struct Column {
    heading: &'static str,
    cells: Vec<String>,
    left: bool,
}

impl Column {
    /// Words, to the left.
    fn words<'a>(heading: &'static str, cells: impl Iterator<Item = &'a str>) -> Self {
        Self { heading, cells: cells.map(str::to_owned).collect(), left: true }
    }

    /// Numbers with as many decimals, to the right.
    fn numbers(heading: &'static str, decimals: usize, cells: &[Option<f64>]) -> Self {
        let print = |cell: &Option<f64>| cell.map_or_else(|| NONE.to_owned(), |n| fixed(n, decimals));
        Self { heading, cells: cells.iter().map(print).collect(), left: false }
    }

    fn width(&self) -> usize {
        let cells = self.cells.iter().map(|cell| cell.chars().count());
        cells.chain([self.heading.chars().count()]).max().unwrap_or(0)
    }

    fn pad(&self, cell: &str) -> String {
        let width = self.width();
        if self.left { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
    }
}

/// A number with these decimals, without the sign of a zero.
fn fixed(number: f64, decimals: usize) -> String {
    let text = format!("{number:.decimals$}");
    let zero = text.starts_with('-') && text[1..].chars().all(|c| c == '0' || c == '.');
    if zero { text[1..].to_owned() } else { text }
}

/// Both blocks.
pub(super) fn text(report: &Report) -> String {
    if report.rows.is_empty() {
        return "no case was tried\n".into();
    }
    let decimals = decimals(report);
    let summaries = lay_out(&of_strategies(&report.strategies, decimals));
    let rows = lay_out(&of_rows(&report.rows, decimals));
    format!("Mean over cases\n\n{summaries}\nEach case\n\n{rows}")
}

/// Decimals that give the largest error four digits: samples may be reflectance or whole numbers.
fn decimals(report: &Report) -> usize {
    let largest = report.rows.iter().filter_map(|row| row.scores.mean.rmse).fold(0.0, f64::max);
    if largest <= 0.0 {
        return 1;
    }
    (3 - largest.log10().floor() as i64).clamp(0, 9) as usize
}

fn of_strategies(all: &[Summary], decimals: usize) -> Vec<Column> {
    let of = |figure: fn(&Summary) -> Option<f64>| all.iter().map(figure).collect::<Vec<_>>();
    let mut columns = vec![
        Column::words("strategy", all.iter().map(|s| s.strategy.as_str())),
        Column::numbers("cases", 0, &of(|s| Some(s.cases as f64))),
        Column::numbers("fill %", 1, &of(|s| s.fill_rate.map(|r| 100.0 * r))),
    ];
    let means: Vec<&BandScores> = all.iter().map(|s| &s.mean).collect();
    columns.extend(of_scores(&means, &of(|s| s.sam), &of(|s| s.ergas), decimals));
    columns.push(Column::numbers("RMSE/copy", 3, &of(|s| s.ratio_mean)));
    columns.push(Column::numbers("worst", 3, &of(|s| s.ratio_worst)));
    columns
}

fn of_rows(all: &[Row], decimals: usize) -> Vec<Column> {
    let of = |figure: fn(&Row) -> Option<f64>| all.iter().map(figure).collect::<Vec<_>>();
    let mut columns = vec![
        Column::words("case", all.iter().map(|row| row.case.as_str())),
        Column::words("strategy", all.iter().map(|row| row.strategy.as_str())),
        Column::numbers("hidden", 0, &of(|row| Some(row.scores.hidden as f64))),
        Column::numbers("fill %", 1, &of(|row| row.scores.fill_rate.map(|r| 100.0 * r))),
    ];
    let means: Vec<&BandScores> = all.iter().map(|row| &row.scores.mean).collect();
    columns.extend(of_scores(&means, &of(|row| row.scores.sam), &of(|row| row.scores.ergas), decimals));
    columns.push(Column::numbers("RMSE/copy", 3, &of(|row| row.ratio_to_copy)));
    columns
}

/// The columns that both blocks have.
fn of_scores(
    means: &[&BandScores],
    sam: &[Option<f64>],
    ergas: &[Option<f64>],
    decimals: usize,
) -> Vec<Column> {
    let of = |figure: fn(&BandScores) -> Option<f64>| means.iter().map(|m| figure(m)).collect::<Vec<_>>();
    vec![
        Column::numbers("RMSE", decimals, &of(|s| s.rmse)),
        Column::numbers("MAE", decimals, &of(|s| s.mae)),
        Column::numbers("bias", decimals, &of(|s| s.bias)),
        Column::numbers("corr", 3, &of(|s| s.correlation)),
        Column::numbers("SSIM", 3, &of(|s| s.ssim)),
        Column::numbers("SAM°", 2, sam),
        Column::numbers("ERGAS", 2, ergas),
        Column::numbers("jump", 2, &of(|s| s.jump)),
    ]
}

/// Headings, a rule, and a line for each row of cells.
fn lay_out(columns: &[Column]) -> String {
    let line = |cells: Vec<String>| format!("{}\n", cells.join("  ").trim_end());
    let mut text = line(columns.iter().map(|column| column.pad(column.heading)).collect());
    text += &line(columns.iter().map(|column| "─".repeat(column.width())).collect());
    let rows = columns.first().map_or(0, |column| column.cells.len());
    for row in 0..rows {
        text += &line(columns.iter().map(|column| column.pad(&column.cells[row])).collect());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::tests::{report, row};
    use super::*;

    #[test]
    fn the_table_is_aligned_and_has_means_first() {
        let expected = "\
Mean over cases

strategy  cases  fill %   RMSE    MAE   bias   corr  SSIM  SAM°  ERGAS  jump  RMSE/copy  worst
────────  ─────  ──────  ─────  ─────  ─────  ─────  ────  ────  ─────  ────  ─────────  ─────
copy          2    75.0  220.0  165.0  -27.5  0.900     -  2.50  12.25  1.50      1.000  1.000
seamless      3    75.0  110.0   82.5  -13.8  0.900     -  2.50  12.25  1.50      0.625  0.750

Each case

case     strategy  hidden  fill %   RMSE    MAE   bias   corr  SSIM  SAM°  ERGAS  jump  RMSE/copy
───────  ────────  ──────  ──────  ─────  ─────  ─────  ─────  ────  ────  ─────  ────  ─────────
disc     copy         200    75.0  400.0  300.0  -50.0  0.900     -  2.50  12.25  1.50      1.000
disc     seamless     200    75.0  200.0  150.0  -25.0  0.900     -  2.50  12.25  1.50      0.500
clouds   copy         200    75.0   40.0   30.0   -5.0  0.900     -  2.50  12.25  1.50      1.000
clouds   seamless     200    75.0   30.0   22.5   -3.8  0.900     -  2.50  12.25  1.50      0.750
stripes  seamless     200    75.0  100.0   75.0  -12.5  0.900     -  2.50  12.25  1.50          -
";
        assert_eq!(report().text(), expected);
    }

    #[test]
    fn digits_follow_the_size_of_the_samples() {
        let printed = |rmse: f64| decimals(&Report::new(Vec::new(), vec![row("a", "b", rmse, None)]));
        assert_eq!([0.0, 0.0123, 0.5, 7.0, 523.0, 70_000.0].map(printed), [1, 5, 4, 3, 1, 0]);
    }

    #[test]
    fn a_zero_has_no_sign() {
        assert_eq!(
            (fixed(-0.001, 2), fixed(-0.006, 2), fixed(-0.0, 0)),
            ("0.00".into(), "-0.01".into(), "0".into())
        );
    }
}
