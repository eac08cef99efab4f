//! Least squares with many targets: normal equations in f64, summed in the order of the rows, solved by Cholesky's
//! method with a small ridge. Fills predict a scene from donors with it, and mask rules find what a prediction misses.

/// Ridge on standardised features, per row: no more than keeps constant or repeated features from a singular system.
pub const RIDGE: f64 = 1e-6;

/// What every target is predicted from, pixel by pixel.
pub struct Rows {
    /// Numbers of a row: the features, then the targets.
    pub width: usize,
    /// How many of them are features.
    pub features: usize,
    /// Rows one after the other.
    pub numbers: Vec<f32>,
}

impl Rows {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.numbers.len() / self.width
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    fn iter(&self) -> impl Iterator<Item = &[f32]> {
        self.numbers.chunks_exact(self.width)
    }

    fn means(&self) -> Vec<f64> {
        let mut sums = vec![0.0; self.width];
        self.iter().for_each(|row| sums.iter_mut().zip(row).for_each(|(sum, v)| *sum += f64::from(*v)));
        sums.iter().map(|sum| sum / self.len() as f64).collect()
    }

    /// Upper triangle of the sums of products of centred columns, full rows of `width`; no target by target.
    fn products(&self, means: &[f64]) -> Vec<f64> {
        let mut sums = vec![0.0; self.features * self.width];
        let mut centred = vec![0.0; self.width];
        for row in self.iter() {
            centred
                .iter_mut()
                .zip(row.iter().zip(means))
                .for_each(|(c, (v, mean))| *c = f64::from(*v) - mean);
            for (i, sums) in sums.chunks_exact_mut(self.width).enumerate() {
                let factor = centred[i];
                sums[i..].iter_mut().zip(&centred[i..]).for_each(|(sum, c)| *sum += factor * c);
            }
        }
        sums
    }
}

/// Target = intercept + Σ coefficient × feature.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    /// Per target.
    pub intercepts: Vec<f64>,
    /// Per target, then per feature.
    pub coefficients: Vec<Vec<f64>>,
}

impl Solution {
    /// Per target: the intercept, then the coefficients.
    pub fn lines(&self) -> Vec<Vec<f64>> {
        let lines = self.intercepts.iter().zip(&self.coefficients);
        lines.map(|(intercept, of)| std::iter::once(*intercept).chain(of.iter().copied()).collect()).collect()
    }

    /// The solution with these [lines](Self::lines).
    ///
    /// # Panics
    /// A line is empty.
    pub fn of_lines(lines: &[Vec<f64>]) -> Self {
        let parts = lines.iter().map(|line| (line[0], line[1..].to_vec()));
        let (intercepts, coefficients) = parts.unzip();
        Self { intercepts, coefficients }
    }

    /// Targets less their predictions, (row, target).
    pub fn residuals(&self, rows: &Rows) -> Vec<f64> {
        let of_row = |row: &[f32]| -> Vec<f64> {
            let (features, targets) = row.split_at(rows.features);
            let predicted = self.intercepts.iter().zip(&self.coefficients).map(|(intercept, of)| {
                intercept
                    + of.iter().zip(features).map(|(coefficient, v)| coefficient * f64::from(*v)).sum::<f64>()
            });
            targets.iter().zip(predicted).map(|(target, predicted)| f64::from(*target) - predicted).collect()
        };
        rows.iter().flat_map(of_row).collect()
    }
}

/// The best linear prediction of every target; `ridge` is added per row to the squares of the standardised features
/// ([`RIDGE`] at least). Constant features get no coefficient.
pub fn solve(rows: &Rows, ridge: f64) -> Solution {
    let (n, targets) = (rows.features, rows.width - rows.features);
    let means = rows.means();
    let products = rows.products(&means);
    let at = |i: usize, j: usize| products[i * rows.width + j];
    let count = rows.len() as f64;
    // A feature that varies by no more than rounding explains nothing.
    let scale: Vec<f64> = (0..n)
        .map(|i| (at(i, i) / count).sqrt())
        .zip(&means)
        .map(|(sd, mean)| if sd > 1e-9 * mean.abs().max(1e-30) { 1.0 / sd } else { 0.0 })
        .collect();
    let mut matrix = vec![0.0; n * n];
    for i in 0..n {
        for j in i..n {
            matrix[j * n + i] = at(i, j) * scale[i] * scale[j];
        }
        matrix[i * n + i] += ridge * count + if scale[i] == 0.0 { 1.0 } else { 0.0 };
    }
    cholesky(&mut matrix, n);
    let column = |t: usize| {
        let mut b: Vec<f64> = (0..n).map(|i| at(i, n + t) * scale[i]).collect();
        substitute(&matrix, n, &mut b);
        b.iter_mut().zip(&scale).for_each(|(b, s)| *b *= s);
        b
    };
    let coefficients: Vec<Vec<f64>> = (0..targets).map(column).collect();
    let intercept = |(t, of): (usize, &Vec<f64>)| {
        means[n + t] - of.iter().zip(&means).map(|(coefficient, mean)| coefficient * mean).sum::<f64>()
    };
    Solution { intercepts: coefficients.iter().enumerate().map(intercept).collect(), coefficients }
}

/// Lower triangle L with L·Lᵀ = the matrix, in its place. The ridge keeps it positive.
fn cholesky(matrix: &mut [f64], n: usize) {
    for j in 0..n {
        for i in j..n {
            let dot: f64 = (0..j).map(|k| matrix[i * n + k] * matrix[j * n + k]).sum();
            let rest = matrix[i * n + j] - dot;
            matrix[i * n + j] =
                if i == j { rest.max(f64::MIN_POSITIVE).sqrt() } else { rest / matrix[j * n + j] };
        }
    }
}

/// Solves L·Lᵀ x = b in the place of b.
fn substitute(lower: &[f64], n: usize, b: &mut [f64]) {
    for i in 0..n {
        let dot: f64 = (0..i).map(|k| lower[i * n + k] * b[k]).sum();
        b[i] = (b[i] - dot) / lower[i * n + i];
    }
    for i in (0..n).rev() {
        let dot: f64 = (i + 1..n).map(|k| lower[k * n + i] * b[k]).sum();
        b[i] = (b[i] - dot) / lower[i * n + i];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(features: usize, width: usize, of: impl Fn(usize) -> Vec<f32>) -> Rows {
        Rows { width, features, numbers: (0..200).flat_map(of).collect() }
    }

    #[test]
    fn a_linear_rule_is_found_again() {
        let rule = |i: usize| {
            let (a, b) = ((i * 37 % 101) as f32, (i * 53 % 89) as f32);
            vec![a, b, 3.0 + 2.0 * a - 0.5 * b, 7.0 - a]
        };
        let found = solve(&rows(2, 4, rule), RIDGE);
        let near = |found: f64, wanted: f64| assert!((found - wanted).abs() < 1e-3, "{found} {wanted}");
        near(found.intercepts[0], 3.0);
        near(found.coefficients[0][0], 2.0);
        near(found.coefficients[0][1], -0.5);
        near(found.intercepts[1], 7.0);
        near(found.coefficients[1][1], 0.0);
    }

    #[test]
    fn constant_and_repeated_features_do_no_harm() {
        let rule = |i: usize| {
            let a = (i % 17) as f32;
            vec![5.0, a, a, 1.0 + a]
        };
        let found = solve(&rows(3, 4, rule), RIDGE);
        assert_eq!(found.coefficients[0][0], 0.0);
        assert!((found.coefficients[0][1] + found.coefficients[0][2] - 1.0).abs() < 1e-4);
        let constant = solve(&rows(1, 2, |_| vec![2.0, 9.0]), RIDGE);
        assert_eq!((constant.intercepts[0], constant.coefficients[0][0]), (9.0, 0.0));
    }
}
