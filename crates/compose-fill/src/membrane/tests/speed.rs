//! Speed and accuracy.

use super::domain::smooth;
use super::*;

/// Time on a processor, in seconds: other work on the machine does not count.
fn seconds_of_this_thread() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").expect("a measurement for Linux");
    stat.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// Clouds over half of a domain of 320 × 320 pixels.
fn clouds(col: usize, row: usize) -> bool {
    0.6 * smooth(col, row, 80, 1) + 0.3 * smooth(col, row, 27, 2) + 0.1 * smooth(col, row, 9, 3) < 0.465
}

fn stripes(col: usize, row: usize) -> bool {
    (row + col / 4) % 20 < 8
}

/// `cargo test --release -p compose-fill membrane -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
fn how_fast() {
    let even = |_: (usize, usize), _: (usize, usize)| 1.003;
    let weak = |_: (usize, usize), _: (usize, usize)| 0.003;
    let domains = [
        ("clouds, weights of fields", Domain::new(320, 320, clouds, donor_weight)),
        ("clouds, weights 1", Domain::new(320, 320, clouds, even)),
        ("clouds, mixed weights", Domain::new(320, 320, clouds, mixed)),
        ("disc, weights of fields", Domain::new(320, 320, disc(114.0), donor_weight)),
        ("disc, weights 1", Domain::new(320, 320, disc(114.0), even)),
        ("disc, mixed weights", Domain::new(320, 320, disc(114.0), mixed)),
        ("disc, weights 0.003", Domain::new(320, 320, disc(114.0), weak)),
        ("stripes, weights of fields", Domain::new(320, 320, stripes, donor_weight)),
        ("specks, weights of fields", Domain::new(320, 320, specks, donor_weight)),
        ("all but a corner, mixed", Domain::new(320, 320, |col, row| col + row > 0, mixed)),
    ];
    for (name, domain) in &domains {
        let ((system, b), mut solver) = (domain.system(), Solver::default());
        let (times, mut seconds, mut steps, mut values) = (20, 0.0, 0, Vec::new());
        for _ in 0..times {
            values.clone_from(&b);
            seconds -= seconds_of_this_thread();
            steps = solver.solve(&system, &mut values, |_| true, TOLERANCE);
            seconds += seconds_of_this_thread();
        }
        let unknown = domain.unknown.iter().filter(|unknown| **unknown).count();
        let (ms, error) = (seconds * 1e3 / f64::from(times), error(domain, &values, &[0]));
        println!("{name:27} {unknown:6} unknown: {ms:5.1} ms, {steps:3} steps at most, error {error:.3}");
    }
}
