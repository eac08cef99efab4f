mod domain;
mod exact;
mod speed;

use super::solver::Solver;
use crate::lanes::{LANES, Lanes};
use domain::{Domain, donor_weight, noise};
use proptest::prelude::*;

/// An error of r that is not seen in whole numbers.
const TOLERANCE: f32 = 0.05;

/// Weights of 0.003 and 1.003, three and seven in ten, in disorder.
fn mixed(a: (usize, usize), b: (usize, usize)) -> f32 {
    if noise(a.0 + b.0, a.1 + b.1, 5) < 0.3 { 0.003 } else { 1.003 }
}

fn disc(radius: f32) -> impl Fn(usize, usize) -> bool {
    move |col, row| (col as f32 - 160.0).hypot(row as f32 - 160.0) < radius
}

/// Unknown pixels in clusters of some pixels.
fn specks(col: usize, row: usize) -> bool {
    noise(col, row, 9) < 0.4
}

fn solve(domain: &Domain) -> Vec<Lanes> {
    let (system, mut values) = domain.system();
    let steps = Solver::default().solve(&system, &mut values, |_| true, TOLERANCE);
    assert!(steps < 200, "{steps} steps");
    values
}

/// The largest difference to the exact solution in some bands.
fn error(domain: &Domain, solution: &[Lanes], bands: &[usize]) -> f64 {
    let (system, b) = domain.system();
    let errors = bands.iter().flat_map(|&band| {
        let b: Vec<f64> = b.iter().map(|b| f64::from(b[band])).collect();
        let exact = exact::solve(&system, &b);
        exact.into_iter().zip(solution).map(move |(exact, r)| (exact - f64::from(r[band])).abs())
    });
    errors.fold(0.0, f64::max)
}

#[test]
fn small_domains_are_within_the_tolerance_of_elimination() {
    for (kind, weight) in [mixed, |_, _| 1.003, |_, _| 0.003].into_iter().enumerate() {
        for part in [0.1, 0.5, 0.9, 1.0] {
            let domain = Domain::new(14, 11, |col, row| noise(col, row, 3) < part, weight);
            let (solution, (system, b)) = (solve(&domain), domain.system());
            for band in 0..LANES {
                let b: Vec<f64> = b.iter().map(|b| f64::from(b[band])).collect();
                for (exact, r) in exact::eliminate(&system, &b).into_iter().zip(&solution) {
                    let error = (exact - f64::from(r[band])).abs();
                    assert!(
                        error < 2.0 * f64::from(TOLERANCE),
                        "weights {kind}, {part} unknown, band {band}: {error}"
                    );
                }
            }
        }
    }
}

#[test]
fn wide_gaps_are_within_the_tolerance_of_the_exact_solution() {
    for (kind, weight) in [mixed, donor_weight, |_, _| 1.003].into_iter().enumerate() {
        let domain = Domain::new(320, 230, disc(66.0), weight);
        let error = error(&domain, &solve(&domain), &[0]);
        assert!(error < f64::from(TOLERANCE), "weights {kind}: {error}");
    }
}

/// Gaps of every kind, from specks to nearly all, with weights of every kind.
fn varied(seed: u32) -> Domain {
    let of_this = |kind| noise(seed as usize, kind, 2);
    let weight = |a: (usize, usize), b: (usize, usize)| match (seed % 3, noise(a.0 + b.0, a.1 + b.1, seed)) {
        (0, _) => 0.003,
        (1, n) if n < 0.3 + 0.6 * of_this(0) => 0.003,
        (1, _) => 1.003,
        (_, n) => 0.003 + n.powi(4),
    };
    let size = 4 + (seed as usize / 7) % 30;
    let part = 0.2 + 0.75 * of_this(1);
    Domain::new(size, size, |col, row| noise(col, row, seed + 77) < part, weight)
}

#[test]
fn whatever_the_gaps_and_weights_errors_are_about_the_tolerance_at_most() {
    for seed in 0..400 {
        let domain = varied(seed);
        let error = error(&domain, &solve(&domain), &[0]);
        assert!(error < 2.0 * f64::from(TOLERANCE), "domain {seed}: {error}");
    }
}

#[test]
fn numbers_of_a_million_keep_five_digits() {
    let mut domain = Domain::new(320, 230, disc(66.0), mixed);
    domain.known.iter_mut().flatten().for_each(|known| *known *= 1000.0);
    let error = error(&domain, &solve(&domain), &[0]);
    assert!(error < 10.0, "{error}");
}

#[test]
fn nothing_is_larger_than_the_largest_that_is_known() {
    for weight in [mixed, donor_weight] {
        let domain = Domain::new(90, 90, |col, row| noise(col / 7, row / 7, 8) < 0.6, weight);
        let solution = solve(&domain);
        let largest = |values: &[Lanes], band: usize| {
            values.iter().map(|values| values[band].abs()).fold(0.0, f32::max)
        };
        for band in 0..LANES {
            assert!(largest(&solution, band) <= largest(&domain.known, band) + TOLERANCE, "band {band}");
        }
    }
}

#[test]
fn influence_fades_with_distance_and_at_edges() {
    // A row whose left end is known; the edge from pixel 100 to 101 is weak.
    let weight = |a: (usize, usize), _| if a.0 == 100 { 0.003 } else { 1.0 };
    let mut domain = Domain::new(320, 1, |col, _| col > 0, weight);
    domain.known.fill([1000.0; LANES]);
    let r: Vec<f32> = solve(&domain).iter().map(|r| r[0]).collect();
    assert!(r[1..].windows(2).all(|r| r[0] + TOLERANCE > r[1]));
    assert!((r[32] / 1000.0 - (-1.0f32).exp()).abs() < 0.02, "{} after √(w/λ) pixels", r[32]);
    assert!(r[101] < r[100] / 5.0, "{} beyond the weak edge after {}", r[101], r[100]);
}

#[test]
fn a_lone_pixel_is_the_weighted_mean_of_its_neighbours_less_a_little() {
    let weight = |a: (usize, usize), b: (usize, usize)| ((a.0 + b.0 + 2 * a.1 + 3 * b.1) as f32) / 20.0;
    let mut domain = Domain::new(3, 3, |col, row| (col, row) == (1, 1), weight);
    for (pixel, known) in [(1, 10.0), (3, 20.0), (5, 30.0), (7, 40.0)] {
        domain.known[pixel] = [known; LANES];
    }
    // Upper, left, right and lower neighbour.
    let weights = [5.0, 6.0, 8.0, 10.0].map(|w| w / 20.0);
    let sum: f32 = weights.iter().zip([10.0, 20.0, 30.0, 40.0]).map(|(w, r)| w * r).sum();
    let expected = sum / (weights.iter().sum::<f32>() + 0.001);
    assert!((solve(&domain)[4][0] - expected).abs() < 1e-4);
}

#[test]
fn a_pixel_without_edges_and_a_domain_without_known_pixels_are_0() {
    let cut_off = Domain::new(5, 5, |col, row| (col, row) == (2, 2), |_, _| 0.0);
    assert_eq!(solve(&cut_off), [[0.0; LANES]; 25]);
    let all = Domain::new(40, 40, |_, _| true, mixed);
    assert_eq!(solve(&all), [[0.0; LANES]; 1600]);
}

#[test]
fn known_pixels_are_left_as_they_are() {
    let domain = Domain::new(30, 30, specks, mixed);
    let (system, mut values) = domain.system();
    let known = |pixel: &usize| !domain.unknown[*pixel];
    (0..values.len()).filter(known).for_each(|pixel| values[pixel] = [-9999.0; LANES]);
    Solver::default().solve(&system, &mut values, |_| true, TOLERANCE);
    assert!((0..values.len()).filter(known).all(|pixel| values[pixel] == [-9999.0; LANES]));
}

#[test]
fn a_band_gets_the_same_bits_alone_and_at_another_place() {
    let domain = Domain::new(60, 60, |col, row| noise(col / 9, row / 9, 8) < 0.6, mixed);
    let together = solve(&domain);
    for band in 0..LANES {
        let mut alone = Domain { known: vec![[0.0; LANES]; domain.known.len()], ..domain.clone() };
        let place = (band + 3) % LANES;
        for (alone, together) in alone.known.iter_mut().zip(&domain.known) {
            alone[place] = together[band];
        }
        let alone = solve(&alone);
        let same = |(a, b): (&Lanes, &Lanes)| a[place].to_bits() == b[band].to_bits();
        assert!(alone.iter().zip(&together).all(same), "band {band}");
    }
}

#[test]
fn a_piece_gets_the_same_bits_in_any_domain_and_after_any_other() {
    let gap = |col: usize, row: usize| (col as f32 - 60.0).hypot(row as f32 - 50.0) < 30.0;
    let wide = Domain::new(120, 110, |col, row| gap(col, row) || col > 100 && specks(col, row), mixed);
    let (system, mut in_wide) = wide.system();
    let mut solver = Solver::default();
    solver.solve(&system, &mut in_wide, |_| true, TOLERANCE);
    let narrow = wide.window(20..95, 15..85);
    let (system, mut in_narrow) = narrow.system();
    solver.solve(&system, &mut in_narrow, |_| true, TOLERANCE);
    for (row, values) in in_narrow.chunks(75).enumerate() {
        assert_eq!(values, &in_wide[(row + 15) * 120 + 20..][..75], "row {row}");
    }
}

#[test]
fn the_bits_are_these_on_every_machine() {
    // To be changed with the method; every target of `iterate` must give them.
    let domain = Domain::new(70, 70, |col, row| noise(col / 9, row / 9, 8) < 0.6, mixed);
    let bits = solve(&domain).into_iter().flatten().map(f32::to_bits);
    let sum = bits.fold(0u32, |sum, bits| sum.rotate_left(5) ^ bits.wrapping_mul(0x9E37_79B1));
    assert_eq!(format!("{sum:08x}"), "4b2cbd96");
}

proptest! {
    #[test]
    fn any_admissible_system_has_numbers_for_an_answer(
        size in (1..12usize, 1..12usize),
        seed in any::<u32>(),
        part in 0.0..=1.0f32,
        lambda in prop_oneof![Just(1e-4f32), Just(1e-3), 1e-4..2.0f32],
        factor in prop_oneof![Just(0.0f32), Just(1e-30), Just(1.0), Just(1000.0)],
    ) {
        let weight = |a: (usize, usize), b: (usize, usize)| match noise(a.0 + b.0, a.1 + b.1, seed) {
            n if n < 0.2 => 0.0,
            n if n < 0.5 => 0.003,
            n => 0.003 + n * n,
        };
        let mut domain = Domain::new(size.0, size.1, |col, row| noise(col, row, !seed) < part, weight);
        domain.lambda = lambda;
        domain.known.iter_mut().flatten().for_each(|known| *known *= factor);
        prop_assert!(solve(&domain).iter().flatten().all(|r| r.is_finite()));
    }
}
