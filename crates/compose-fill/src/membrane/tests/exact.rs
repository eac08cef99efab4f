//! Solutions in double precision, one band at a time.

use crate::membrane::system::System;

/// The neighbours of each pixel to the right and below, with their weights.
fn edges(system: &System) -> impl Iterator<Item = (usize, usize, f64)> {
    let right = system.right.iter().enumerate().map(|(p, w)| (p, p + 1, f64::from(*w)));
    let down = system.down.iter().enumerate().map(|(p, w)| (p, p + system.width, f64::from(*w)));
    right.chain(down).filter(|edge| edge.2 > 0.0)
}

/// The plain way: Gauss on the whole matrix, which needs no exchange of rows; known pixels get 0.
pub fn eliminate(system: &System, b: &[f64]) -> Vec<f64> {
    let n = b.len();
    let mut rows = vec![vec![0.0; n + 1]; n];
    for (p, row) in rows.iter_mut().enumerate() {
        row[p] = if system.diagonal[p] > 0.0 { f64::from(system.diagonal[p]) } else { 1.0 };
        row[n] = b[p];
    }
    for (p, q, weight) in edges(system) {
        (rows[p][q], rows[q][p]) = (-weight, -weight);
    }
    for p in 0..n {
        let pivot = rows[p].clone();
        for row in rows[p + 1..].iter_mut().filter(|row| row[p] != 0.0) {
            let factor = row[p] / pivot[p];
            (p..=n).for_each(|col| row[col] -= factor * pivot[col]);
        }
    }
    let mut solution = vec![0.0; n];
    for p in (0..n).rev() {
        let rest: f64 = (p + 1..n).map(|q| rows[p][q] * solution[q]).sum();
        solution[p] = (rows[p][n] - rest) / rows[p][p];
    }
    solution
}

/// Conjugate gradients, scaled by the diagonal, to the last digits.
pub fn solve(system: &System, b: &[f64]) -> Vec<f64> {
    let scaled = |r: &[f64]| -> Vec<f64> {
        let diagonal = system.diagonal.iter().map(|d| if *d > 0.0 { f64::from(*d) } else { f64::INFINITY });
        r.iter().zip(diagonal).map(|(r, diagonal)| r / diagonal).collect()
    };
    let (mut solution, mut residual) = (vec![0.0; b.len()], b.to_vec());
    let mut direction = scaled(&residual);
    let mut square = dot(&residual, &direction);
    let enough = square * 1e-22;
    while square > enough {
        let product = product(system, &direction);
        let length = square / dot(&direction, &product);
        for p in 0..b.len() {
            solution[p] += length * direction[p];
            residual[p] -= length * product[p];
        }
        let next = scaled(&residual);
        let turn = dot(&residual, &next) / square;
        square *= turn;
        direction.iter_mut().zip(next).for_each(|(p, next)| *p = next + turn * *p);
    }
    solution
}

fn product(system: &System, r: &[f64]) -> Vec<f64> {
    let mut product: Vec<f64> = r.iter().zip(&system.diagonal).map(|(r, d)| r * f64::from(*d)).collect();
    for (p, q, weight) in edges(system) {
        product[p] -= weight * r[q];
        product[q] -= weight * r[p];
    }
    product
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
