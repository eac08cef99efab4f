//! What is known of a scene stays, what is hidden is found again where donors know it, and what is masked is not seen.

use super::made::{Cloud, REPAIR, Scene, Stack, Written, fill, land, noise, under};

const SIZE: (usize, usize) = (300, 260);
const BANDS: usize = 3;
const TARGET: [Cloud; 4] =
    [(80.0, 70.0, 45.0), (210.0, 90.0, 25.0), (150.0, 200.0, 38.0), (285.0, 250.0, 30.0)];

/// What the target shows below its clouds: a mixture of the donor's bands, haze that comes and goes slowly, and another
/// growth on some of the fields, which have edges in the donor.
fn truth(band: usize, x: f64, y: f64) -> f64 {
    let mixture = 0.7 * land(band, x, y) + 0.3 * land((band + 1) % BANDS, x, y);
    let haze = 250.0 * (x / 130.0).sin() * (y / 110.0 + 1.0).cos();
    let region = noise((x / 100.0).floor() as i64, (y / 90.0).floor() as i64, 7);
    500.0 + mixture + haze + if region > 0.6 { 400.0 } else { 0.0 }
}

/// What the first donor shows: the land, and the edges of the regions where growth differs.
fn seen(band: usize, x: f64, y: f64) -> f64 {
    let region = noise((x / 100.0).floor() as i64, (y / 90.0).floor() as i64, 7);
    land(band, x, y) + if region > 0.6 { 900.0 } else { 0.0 }
}

fn donors() -> Vec<Scene> {
    let grain = |x: f64, y: f64, seed: u64| 20.0 * noise(x as i64, y as i64, seed) - 10.0;
    vec![
        Scene::new("near", 25, SIZE, BANDS, |b, x, y| seen(b, x, y) + grain(x, y, 1))
            .clouded(&[(120.0, 60.0, 25.0), (40.0, 200.0, 40.0)]),
        Scene::new("far", 60, SIZE, BANDS, |b, x, y| 600.0 + 0.8 * seen(b, x, y) + grain(x, y, 2))
            .clouded(&[(100.0, 90.0, 25.0), (220.0, 200.0, 40.0)]),
    ]
}

fn stack(fills: &str) -> Stack {
    let target = Scene::new("target", 30, SIZE, BANDS, truth).clouded(&TARGET);
    let scenes = [vec![target], donors()].concat();
    Stack::new(scenes, REPAIR.to_owned() + fills)
}

/// Insists that observed pixels are the target's own.
fn assert_observed(stack: &Stack, written: &Written) {
    let target = stack.scene("target");
    for at in 0..target.cloudy.len() {
        assert_eq!(written.stage(at) == 0, !target.cloudy[at], "pixel {at}");
        for (band, values) in target.bands.iter().enumerate().filter(|_| !target.cloudy[at]) {
            assert_eq!(written.value(band, at), stack.stored(values[at]), "band {band}, pixel {at}");
        }
    }
}

#[test]
fn observed_pixels_stay_to_the_bit_whatever_predicts_the_others() {
    for strategy in ["seamless", "multi-regress", "regress"] {
        let stack = stack(&fill(strategy));
        assert_observed(&stack, &stack.run("out", &[]));
    }
}

#[test]
fn copies_stay_copies_even_after_a_prediction() {
    let some =
        "[[fill]]\nstrategy = \"seamless\"\ndirection = \"after\"\n".to_owned() + &fill("nearest-date");
    let one = "[[fill]]\nstrategy = \"single-donor\"\ndonor = \"far\"\n".to_owned() + &fill("nearest-date");
    for (fills, copying) in [(some, 2), (one, 1)] {
        let stack = stack(&fills);
        let written = stack.run("out", &[]);
        assert_observed(&stack, &written);
        let copied: Vec<usize> =
            (0..SIZE.0 * SIZE.1).filter(|at| (copying..=2).contains(&written.stage(*at))).collect();
        assert!(copied.len() > 500, "{}", copied.len());
        for at in copied {
            let donor = stack.of_source(written.source(at));
            for (band, values) in donor.bands.iter().enumerate() {
                assert_eq!(written.value(band, at), stack.stored(values[at]), "{}, pixel {at}", donor.id);
            }
        }
    }
}

/// How far a fill is from the truth, and how large steps across the border of the gaps are beside those of the truth.
struct Judged {
    rmse: f64,
    jump: f64,
}

fn judge(written: &Written, clouds: &[Cloud], truth: impl Fn(usize, f64, f64) -> f64) -> Judged {
    let (width, height) = SIZE;
    let true_at = |band: usize, at: usize| truth(band, (at % width) as f64, (at / width) as f64);
    let hidden = |at: usize| under(clouds, (at % width) as f64, (at / width) as f64);
    let (mut squares, mut count, mut steps, mut true_steps) = (0.0, 0.0, 0.0, 0.0);
    for at in (0..width * height).filter(|at| hidden(*at) && written.stage(*at) == 1) {
        let (col, row) = (at % width, at / width);
        let beside = [
            (col > 0, -1),
            (col + 1 < width, 1),
            (row > 0, -(width as i64)),
            (row + 1 < height, width as i64),
        ];
        let clear = beside.iter().filter(|(there, _)| *there).map(|(_, step)| (at as i64 + step) as usize);
        let clear: Vec<usize> = clear.filter(|other| !hidden(*other)).collect();
        for band in 0..BANDS {
            squares += (written.value(band, at) - true_at(band, at)).powi(2);
            count += 1.0;
            for other in &clear {
                steps += (written.value(band, at) - written.value(band, *other)).abs();
                true_steps += (true_at(band, at) - true_at(band, *other)).abs();
            }
        }
    }
    assert!(count > 0.0 && true_steps > 0.0);
    Judged { rmse: f64::sqrt(squares / count), jump: steps / true_steps }
}

#[test]
fn seamless_finds_the_hidden_truth_and_leaves_no_border() {
    let judged = |strategy: &str| judge(&stack(&fill(strategy)).run("out", &[]), &TARGET, truth);
    let [seamless, regress, copy] = ["seamless", "regress", "nearest-date"].map(judged);
    assert!(seamless.rmse < 0.3 * copy.rmse, "{} of a copy's {}", seamless.rmse, copy.rmse);
    assert!(
        seamless.rmse < 0.7 * regress.rmse && regress.rmse < copy.rmse,
        "{} {}",
        seamless.rmse,
        regress.rmse
    );
    assert!((0.85..=1.15).contains(&seamless.jump), "{}", seamless.jump);
}

#[test]
fn what_is_a_mixture_of_donors_and_no_more_is_found() {
    let mixture = |b: usize, x: f64, y: f64| {
        300.0 + 0.5 * land(b, x, y).round() + 0.25 * land((b + 1) % BANDS, x, y).round()
    };
    let target = Scene::new("target", 30, SIZE, BANDS, mixture).clouded(&TARGET);
    let donor = Scene::new("donor", 20, SIZE, BANDS, land);
    for strategy in ["regress", "multi-regress", "seamless"] {
        let scenes = vec![target.clone(), donor.clone()];
        let stack = Stack::new(scenes, REPAIR.to_owned() + &fill(strategy));
        let written = stack.run("out", &[]);
        for (band, values) in target.bands.iter().enumerate() {
            let clear = values.iter().zip(&target.cloudy).filter(|(_, cloudy)| !**cloudy).map(|(v, _)| *v);
            let (least, most) = clear.fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(v), b.max(v)));
            for (at, truth) in values.iter().enumerate() {
                let (found, known) = (written.value(band, at), truth.clamp(least, most).round());
                assert!((found - known).abs() <= 1.0, "{strategy}: {found} instead of {truth}, pixel {at}");
            }
        }
    }
}

#[test]
fn nothing_depends_on_what_stands_in_masked_pixels() {
    for strategy in ["seamless", "multi-regress", "geomedian"] {
        let mut stack = stack(&fill(strategy));
        stack.output += "mask = true\n";
        let clean = stack.run("clean", &[]);
        let poisons: [&dyn Fn(usize) -> f64; 3] =
            [&|_| 1.0, &|_| 65535.0, &|at| (noise(at as i64, 0, 3) * 60000.0).max(1.0)];
        for (number, poison) in poisons.into_iter().enumerate() {
            for scene in &stack.scenes {
                stack.write(&scene.clone().poisoned(poison));
            }
            clean.assert_same(&stack.run("poisoned", &[]), &format!("{strategy}, poison {number}"));
        }
    }
}
