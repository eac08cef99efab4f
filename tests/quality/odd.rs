//! Scenes that hardly teach anything, or too much: the documented fallback, an ordinary exit, no wild number.

use super::made::{Kind, REPAIR, Scene, Stack, Written, fill, land, noise};
use crate::support::{change, stderr};

const SIZE: (usize, usize) = (48, 40);
const STRATEGIES: [&str; 3] = ["regress", "multi-regress", "seamless"];

fn target(bands: usize) -> Scene {
    Scene::new("target", 30, SIZE, bands, |b, x, y| 200.0 + 0.9 * land(b, x, y)).clouded(&[(20.0, 18.0, 9.0)])
}

fn donor(id: &str, day: u32, bands: usize) -> Scene {
    let seed = u64::from(day);
    Scene::new(id, day, SIZE, bands, |b, x, y| land(b, x, y) + 30.0 * noise(x as i64, y as i64, seed))
}

/// A scene of which a mask leaves these pixels alone.
fn clear_only(mut scene: Scene, clear: impl Fn(usize, usize) -> bool) -> Scene {
    let width = scene.width;
    scene.cloudy.iter_mut().enumerate().for_each(|(at, cloudy)| *cloudy = !clear(at % width, at / width));
    scene
}

/// Every computed sample lies in the range of what the scenes show, and so does its uncertainty; gives how many
/// pixels were filled.
fn assert_tame(stack: &Stack, written: &Written, what: &str) -> usize {
    let pixels = stack.scenes[0].cloudy.len();
    let filled: Vec<usize> = (0..pixels).filter(|at| written.stage(*at) == 1).collect();
    for band in 0..stack.scenes[0].bands.len() {
        let clear = |scene: &Scene| -> Vec<f64> {
            let samples = scene.bands[band].iter().zip(&scene.cloudy);
            let shown = |v: &f64| !v.is_nan() && Some(*v) != stack.nodata;
            samples.filter(|(v, cloudy)| !**cloudy && shown(v)).map(|(v, _)| stack.stored(*v)).collect()
        };
        let seen: Vec<f64> = stack.scenes.iter().flat_map(clear).collect();
        let (least, most) =
            (seen.iter().copied().fold(f64::MAX, f64::min), seen.iter().copied().fold(f64::MIN, f64::max));
        for at in &filled {
            let value = written.value(band, *at);
            assert!(
                (least..=most).contains(&value),
                "{what}: {value} is not in {least}..={most}, band {band}, {at}"
            );
            let sigma = f64::from(written.sigma(band, *at));
            // Of what is copied blindly nobody knows how wrong it is.
            if sigma.is_nan() && fallbacks(written).contains(COPIED) {
                continue;
            }
            assert!((0.0..=2.0 * (most - least) + 1.0).contains(&sigma), "{what}: uncertainty {sigma}");
        }
    }
    filled.len()
}

fn fallbacks(written: &Written) -> String {
    written.report["fills"][0]["survey"]["fallbacks"].to_string()
}

/// Runs each of the strategies that predict; what is computed is tame and the report tells these fallbacks.
fn check(scenes: &[Scene], kind: Kind, nodata: Option<f64>, told: &[&str]) -> Vec<(Stack, Written, usize)> {
    let each = STRATEGIES.iter().map(|strategy| {
        let stack = Stack::of(scenes.to_vec(), kind, nodata, REPAIR.to_owned() + &fill(strategy));
        let written = stack.run("out", &[]);
        let said = fallbacks(&written);
        for told in told {
            assert!(said.contains(told), "{strategy}: {said}");
        }
        assert!(!told.is_empty() || said == "[]", "{strategy}: {said}");
        let filled = assert_tame(&stack, &written, strategy);
        (stack, written, filled)
    });
    each.collect()
}

/// Numbers of 16 bits.
fn check_numbers(scenes: &[Scene], told: &[&str]) -> Vec<(Stack, Written, usize)> {
    check(scenes, Kind::U16, Some(0.0), told)
}

fn gap(scene: &Scene) -> usize {
    scene.cloudy.iter().filter(|cloudy| **cloudy).count()
}

const COPIED: &str = "clear pixels in common with the target: copied as it is";

#[test]
fn a_donor_with_one_pixel_or_none_in_common_is_copied() {
    for shared in [0, 1] {
        let target = target(2);
        let cloudy = target.cloudy.clone();
        let one = 5 * SIZE.0 + 5;
        let donor = clear_only(donor("donor", 20, 2), |col, row| {
            let at = row * SIZE.0 + col;
            cloudy[at] || (shared == 1 && at == one)
        });
        for (stack, written, filled) in check_numbers(&[target.clone(), donor], &[COPIED]) {
            assert_eq!(filled, gap(&target));
            let at = 18 * SIZE.0 + 20;
            assert_eq!(written.value(0, at), stack.stored(stack.scene("donor").bands[0][at]), "a copy");
        }
    }
}

#[test]
fn constant_bands_teach_nothing_and_harm_nothing() {
    let flat = |id: &str, day: u32, value: f64| Scene::new(id, day, SIZE, 2, |b, _, _| value + b as f64);
    let flat_target = flat("target", 30, 900.0).clouded(&[(20.0, 18.0, 9.0)]);
    for (_, written, filled) in check_numbers(&[flat_target.clone(), flat("donor", 20, 500.0)], &[]) {
        assert!(filled > 200 && (0..SIZE.0 * SIZE.1).all(|at| written.value(1, at) == 901.0));
    }
    check_numbers(&[flat_target, donor("donor", 20, 2)], &[]);
    check_numbers(&[target(2), flat("donor", 20, 500.0)], &[]);
    // One band of two alone is constant.
    let half = |b: usize, x: f64, y: f64| if b == 0 { 700.0 } else { land(b, x, y) };
    check_numbers(&[target(2), Scene::new("donor", 20, SIZE, 2, half)], &[]);
}

#[test]
fn a_donor_given_twice_is_worth_as_much_as_once() {
    let twin = Scene { id: "twin".into(), ..donor("donor", 20, 3) };
    let once = check_numbers(&[target(3), donor("donor", 20, 3)], &[]);
    let twice = check_numbers(&[target(3), donor("donor", 20, 3), twin], &[]);
    for ((_, once, _), (_, twice, _)) in once.iter().zip(&twice) {
        for at in 0..SIZE.0 * SIZE.1 {
            let (once, twice) = (once.value(2, at), twice.value(2, at));
            assert!((once - twice).abs() <= 1.0, "{once} and {twice} at {at}");
        }
    }
}

#[test]
fn a_donor_that_shows_the_same_gives_the_same() {
    let mut same = target(3);
    (same.id, same.day) = ("donor".into(), 20);
    same.cloudy.fill(false);
    for (stack, written, filled) in check_numbers(&[target(3), same], &[]) {
        assert_eq!(filled, gap(&stack.scenes[0]));
        for (at, truth) in stack.scenes[1].bands[1].iter().enumerate() {
            let found = written.value(1, at);
            assert!((found - stack.stored(*truth)).abs() <= 1.0, "{found} instead of {truth} at {at}");
        }
    }
}

#[test]
fn a_donor_of_nothing_but_nan_gives_nothing() {
    let nothing = || Scene::new("nothing", 29, SIZE, 2, |_, _, _| f64::NAN);
    let kind = |scenes: &[Scene], told: &[&str]| check(scenes, Kind::F32, None, told);
    for (_, written, filled) in kind(&[target(2), nothing()], &[COPIED]) {
        assert_eq!(filled, 0);
        assert!(written.value(0, 18 * SIZE.0 + 20).is_nan() && written.sigma(0, 18 * SIZE.0 + 20).is_nan());
    }
    for (stack, _, filled) in kind(&[target(2), nothing(), donor("donor", 20, 2)], &[COPIED]) {
        assert_eq!(filled, gap(&stack.scenes[0]));
    }
}

#[test]
fn a_gap_over_nearly_everything_is_filled_from_the_little_that_is_left() {
    for side in [5, 11, 13] {
        let left = clear_only(target(2), |col, row| col < side && row < side);
        let told: &[&str] = if side == 5 { &["mean difference"] } else { &[] };
        let all = STRATEGIES.map(|strategy| {
            let scenes = vec![left.clone(), donor("donor", 20, 2), donor("other", 50, 2)];
            let stack = Stack::new(scenes, REPAIR.to_owned() + &fill(strategy));
            let written = stack.run("out", &[]);
            assert_eq!(assert_tame(&stack, &written, strategy), gap(&left));
            fallbacks(&written)
        });
        told.iter().for_each(|told| assert!(all.iter().all(|said| said.contains(told)), "{all:?}"));
    }
}

#[test]
fn saturated_samples_teach_nothing() {
    let shown = |b: usize, x: f64, y: f64| (land(b, x, y) / 14.0).round().min(255.0);
    let truth = |b: usize, x: f64, y: f64| (20.0 + 1.4 * shown(b, x, y)).round().min(255.0);
    let target = Scene::new("target", 30, SIZE, 3, truth).clouded(&[(20.0, 18.0, 9.0)]);
    let saturated = target.bands[0].iter().filter(|v| **v == 255.0).count();
    assert!((100..1500).contains(&saturated), "{saturated}");
    let donor = Scene::new("donor", 20, SIZE, 3, shown);
    for (stack, written, filled) in check(&[target, donor.clone()], Kind::U8, Some(0.0), &[]) {
        assert_eq!(filled, gap(&stack.scenes[0]));
        let target = &stack.scenes[0];
        for (at, truth) in target.bands[1].iter().enumerate().filter(|(at, _)| target.cloudy[*at]) {
            let found = written.value(1, at);
            assert!((found - truth).abs() <= 2.0, "{found} instead of {truth} at {at}");
        }
    }
    // Where there is nothing else, even they say something.
    let white = Scene::new("target", 30, SIZE, 3, |_, _, _| 255.0).clouded(&[(20.0, 18.0, 9.0)]);
    for (_, written, filled) in check(&[white, donor], Kind::U8, Some(0.0), &[]) {
        assert!(filled > 200 && written.bands[0].iter().all(|v| f64::from_bits(*v) == 255.0));
    }
}

/// Glare beside the gap, at the end of the sample type: what lies behind it nobody knows, and it may pull nothing.
#[test]
fn a_saturated_border_does_not_pull_the_gap_with_it() {
    let shown = |b: usize, x: f64, y: f64| (land(b, x, y) / 20.0).round();
    let truth = |b: usize, x: f64, y: f64| (20.0 + 0.9 * shown(b, x, y)).round();
    let glare = |x: f64, y: f64| x >= 22.0 && (9.5..14.0).contains(&(x - 20.0).hypot(y - 18.0));
    let seen = |b: usize, x: f64, y: f64| if glare(x, y) { 255.0 } else { truth(b, x, y) };
    let cloud = (20.0, 18.0, 9.5);
    let scenes =
        [Scene::new("target", 30, SIZE, 3, seen).clouded(&[cloud]), Scene::new("donor", 20, SIZE, 3, shown)];
    let stack = Stack::of(scenes.into(), Kind::U8, Some(0.0), REPAIR.to_owned() + &fill("seamless"));
    let written = stack.run("out", &[]);
    for at in (0..SIZE.0 * SIZE.1).filter(|at| stack.scenes[0].cloudy[*at]) {
        let (x, y) = ((at % SIZE.0) as f64, (at / SIZE.0) as f64);
        for band in 0..3 {
            let (found, truth) = (written.value(band, at), truth(band, x, y));
            assert!((found - truth).abs() <= 3.0, "band {band}: {found} instead of {truth} at {x}, {y}");
        }
    }
}

#[test]
fn sixty_donors_are_ranked_and_used() {
    let size = (24, 20);
    let scene = |id: &str, day: u32| {
        Scene::new(id, day, size, 2, |b, x, y| {
            land(b, x, y) + 40.0 * noise(x as i64, y as i64, u64::from(day))
        })
        .clouded(&[(f64::from(day * 7 % 24), f64::from(day * 5 % 20), 4.0)])
    };
    let donors = (1..=60).map(|day| scene(&format!("donor-{day}"), day));
    let scenes: Vec<Scene> =
        std::iter::once(scene("target", 30).clouded(&[(12.0, 10.0, 6.0)])).chain(donors).collect();
    for strategy in STRATEGIES {
        let stack = Stack::new(scenes.clone(), REPAIR.to_owned() + &fill(strategy));
        let written = stack.run("out", &[]);
        assert_eq!(assert_tame(&stack, &written, strategy), gap(&stack.scenes[0]));
        let ranking = written.report["fills"][0]["survey"]["ranking"].as_array().unwrap().len();
        assert_eq!(ranking, 60, "{strategy}");
        written.assert_same(&stack.run("again", &["--block-size", "7", "-j", "2"]), strategy);
    }
}

#[test]
fn one_band_and_thirteen_are_predicted() {
    for bands in [1, 13] {
        for (stack, _, filled) in
            check_numbers(&[target(bands), donor("a", 20, bands), donor("b", 50, bands)], &[])
        {
            assert_eq!(filled, gap(&stack.scenes[0]), "{bands} bands");
        }
    }
}

#[test]
fn a_line_of_pixels_and_a_handful_are_predicted() {
    for size in [(61, 1), (1, 61), (5, 5), (1, 1)] {
        let see = |id: &str, day: u32| Scene::new(id, day, size, 2, |b, x, y| land(b, x, y) + f64::from(day));
        let clouds = [(size.0 as f64 / 2.0, size.1 as f64 / 2.0, 2.5)];
        let scenes = vec![see("target", 30).clouded(&clouds), see("a", 20), see("b", 50)];
        for strategy in STRATEGIES {
            let stack = Stack::new(scenes.clone(), REPAIR.to_owned() + &fill(strategy));
            let written = stack.run("out", &[]);
            assert_eq!(assert_tame(&stack, &written, strategy), gap(&stack.scenes[0]), "{size:?}");
        }
    }
}

#[test]
fn reflectance_as_a_fraction_is_predicted_as_well_as_whole_numbers() {
    let scale = |mut scene: Scene, by: f64| {
        scene.bands.iter_mut().flatten().for_each(|v| *v = v.round() * by);
        scene
    };
    let scenes =
        |by: f64| vec![scale(target(2), by), scale(donor("a", 20, 2), by), scale(donor("b", 50, 2), by)];
    let fractions = check(&scenes(1e-4), Kind::F32, Some(-9999.0), &[]);
    let numbers = check(&scenes(1.0), Kind::F32, Some(-9999.0), &[]);
    for ((stack, fraction, filled), (_, number, _)) in fractions.iter().zip(&numbers) {
        assert_eq!(*filled, gap(&stack.scenes[0]));
        for at in 0..SIZE.0 * SIZE.1 {
            let (fraction, number) = (1e4 * fraction.value(1, at), number.value(1, at));
            assert!((fraction - number).abs() < 0.5, "{fraction} and {number} at {at}");
        }
    }
}

#[test]
fn donors_of_another_scale_say_the_same_as_in_the_targets_numbers() {
    let even = |mut scene: Scene| {
        scene.bands.iter_mut().flatten().for_each(|v| *v = (*v / 2.0).round() * 2.0);
        scene
    };
    let scenes = [target(2), even(donor("a", 20, 2)), even(donor("b", 50, 2))];
    for strategy in STRATEGIES {
        let stack = Stack::new(scenes.to_vec(), REPAIR.to_owned() + &fill(strategy));
        let scale = |id: &str, scale: f64| {
            change(&stack.path(&format!("{id}.tif")), |file| {
                (1..=2).for_each(|band| file.rasterband(band).unwrap().set_scale(scale).unwrap());
                (1..=2).for_each(|band| file.rasterband(band).unwrap().set_offset(0.0).unwrap());
            });
        };
        ["target", "a", "b"].into_iter().for_each(|id| scale(id, 1e-4));
        let plain = stack.run("plain", &[]);
        let mut halved = scenes[1].clone();
        halved.bands.iter_mut().flatten().for_each(|v| *v /= 2.0);
        stack.write(&halved);
        scale("a", 2e-4);
        let converted = stack.run("converted", &[]);
        for at in 0..SIZE.0 * SIZE.1 {
            let (one, other) = (plain.value(0, at), converted.value(0, at));
            assert!((one - other).abs() <= 1.0, "{strategy}: {one} and {other} at {at}");
        }
    }
}

#[test]
fn negative_numbers_are_predicted() {
    let cold = |mut scene: Scene| {
        scene.bands.iter_mut().flatten().for_each(|v| *v -= 2500.0);
        scene
    };
    let scenes = [cold(target(2)), cold(donor("a", 20, 2)), cold(donor("b", 50, 2))];
    for (stack, written, filled) in check(&scenes, Kind::I16, Some(-9999.0), &[]) {
        assert_eq!(filled, gap(&stack.scenes[0]));
        assert!((0..SIZE.0 * SIZE.1).any(|at| written.stage(at) == 1 && written.value(0, at) < -500.0));
    }
}

#[test]
fn without_a_target_or_with_bands_apart_predicting_is_refused_before_a_pixel() {
    for strategy in STRATEGIES {
        let scenes = || vec![target(2), donor("donor", 20, 2)];
        let no_target = REPAIR.replace("scene = \"target\"", "date = 2020-05-30") + &fill(strategy);
        let no_target = Stack::new(scenes(), no_target);
        let mut apart = Stack::new(scenes(), REPAIR.to_owned() + &fill(strategy));
        apart.of_scenes = "validity = \"per-band\"\n".into();
        for (stack, told) in
            [(no_target, "there is none; say [target] scene"), (apart, "leave validity at \"joint\"")]
        {
            let output = stack.compose("out", &[]);
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{said}");
            assert!(said.contains(told) && said.contains(strategy) && said.contains("rules.toml:"), "{said}");
            assert!(!stack.path("out.tif").exists());
        }
    }
}
