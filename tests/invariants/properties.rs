//! What must hold whatever the stack is: no dependence on blocks, threads, memory or order; masks only add;
//! nothing under a mask is seen; observed pixels stay.

use super::cases::{self, Shape};
use super::random::Random;
use super::stack::{Band, Bit, Case, Fill, Kind, Length, Mask, Place, Reach, Rule, Scene, Target};
use super::{Trial, reference, seeds};
use crate::support::stderr;

/// Every shape of stack in turn.
pub fn any_case(seed: u64) -> Case {
    let shapes = [Shape::Shifts, Shape::Between, Shape::CoarseQuality, Shape::TwoResolutions];
    cases::random(seed, shapes[seed as usize % 4])
}

#[test]
fn nothing_depends_on_blocks_threads_memory_or_the_order_of_scenes() {
    for seed in seeds(401, 16) {
        let trial = Trial::new(any_case(seed));
        let order = trial.in_order();
        let mut shuffled = order.clone();
        Random::new(seed).shuffle(&mut shuffled);
        trial.run("first", &order, &[]);
        let first = trial.read_all("first");
        let ways: [(&[usize], &[&str]); 8] = [
            (&order, &["--block-size", "64", "-j", "1"]),
            (&order, &["--block-size", "100", "-j", "2"]),
            (&order, &["--block-size", "17", "-j", "2"]),
            (&order, &["--block-size", "17", "-j", "1"]),
            (&order, &["--block-size", "whole", "-j", "1"]),
            (&shuffled, &["-j", "2"]),
            (&order, &["--mem-limit", "200MB", "-j", "1"]),
            (&order, &["--force-gdal", "-j", "2"]),
        ];
        for (order, more) in ways {
            trial.run("again", order, &[more, &["--overwrite"]].concat());
            for (first, again) in first.iter().zip(trial.read_all("again")) {
                let same = (first.bands == again.bands, first.provenance == again.provenance);
                assert_eq!(same, (true, true), "samples, provenance with {order:?} {more:?}{}", trial.told());
                assert_eq!(first.result, again.result, "{order:?} {more:?}{}", trial.told());
            }
        }
    }
}

/// The least memory that will do gives the same image, and less is refused before anything is written.
#[test]
fn the_smallest_memory_limit_that_is_taken_gives_the_same_image() {
    for seed in seeds(451, 2) {
        let trial = Trial::new(any_case(seed));
        let order = trial.in_order();
        trial.run("first", &order, &[]);
        let taken = |mb: u32| {
            let limit = format!("{mb}MB");
            trial.compose("small", &order, &["--plan", "-j", "1", "--mem-limit", &limit]).status.success()
        };
        let (mut too_small, mut enough) = (1, 400);
        assert!(taken(enough) && !taken(too_small), "{}", trial.told());
        while enough - too_small > 1 {
            let middle = too_small.midpoint(enough);
            if taken(middle) { enough = middle } else { too_small = middle }
        }
        trial.run("small", &order, &["-j", "1", "--mem-limit", &format!("{enough}MB")]);
        assert!(trial.read_all("small") == trial.read_all("first"), "{enough} MB{}", trial.told());
        let refused = trial.compose("less", &order, &["-j", "1", "--mem-limit", &format!("{too_small}MB")]);
        assert!(
            refused.status.code() == Some(2) && stderr(&refused).contains("too small"),
            "{}",
            stderr(&refused)
        );
    }
}

#[test]
fn observed_pixels_are_the_targets_own_to_the_bit() {
    for seed in seeds(501, 6) {
        let mut case = cases::random(seed, Shape::Shifts);
        let target = case.scenes[0].clone();
        case.target = Target::Scene(target.id.clone());
        case.fills.retain(|f| !matches!(f, Fill::Single { donor, .. } if *donor == target.id));
        let trial = Trial::new(case);
        trial.run("out", &trial.in_order(), &[]);
        let written = trial.read("out", Some(&target.id));
        let fields = if trial.case.count { 4 } else { 3 };
        for (band, samples) in written.bands.iter().enumerate() {
            let stage = &written.provenance[if trial.case.per_band { fields * band } else { 0 } + 1];
            for (at, sample) in samples.iter().enumerate().filter(|(at, _)| stage[*at] == 0) {
                let own = target.bands[band].values[at];
                assert_eq!(*sample, (own + 0.0).to_bits(), "band {band}, pixel {at}{}", trial.told());
            }
        }
    }
}

#[test]
fn one_more_mask_takes_pixels_and_changes_no_other_observed_one() {
    for seed in seeds(551, 6) {
        let mut case = any_case(seed);
        let (target, bands) = (case.scenes[0].id.clone(), case.scenes[0].bands.clone());
        case.target = Target::Scene(target.clone());
        case.like = None;
        case.fills.retain(|f| !matches!(f, Fill::Single { donor, .. } if *donor == target));
        let with = Trial::new(cases::random(seed + 1000, Shape::Shifts)).case.masks.swap_remove(0);
        let without = Trial::new(case.clone());
        without.run("out", &without.in_order(), &[]);
        case.masks.push(only_codes(with));
        let more = Trial::new(case);
        more.run("out", &more.in_order(), &[]);
        let (before, after) = (without.read("out", Some(&target)), more.read("out", Some(&target)));
        let fields = if more.case.count { 4 } else { 3 };
        for (band, samples) in after.bands.iter().enumerate() {
            let plane = if more.case.per_band { fields * band } else { 0 } + 1;
            for (at, sample) in samples.iter().enumerate() {
                if after.provenance[plane][at] == 0 {
                    assert_eq!(before.provenance[plane][at], 0, "pixel {at} became observed{}", more.told());
                    // A coarser band is resampled: what is masked no longer has a part in its neighbours.
                    let same = *sample == before.bands[band][at] || bands[band].place != bands[0].place;
                    assert!(same, "band {band}, pixel {at}{}", more.told());
                }
            }
        }
    }
}

/// The rule without its ranges of data bands, which another stack does not have.
fn only_codes(mask: Mask) -> Mask {
    let each = |masks: Vec<Mask>| masks.into_iter().map(only_codes).collect();
    let rule = match mask.rule {
        Rule::Range { .. } => Rule::Values(vec![22280]),
        Rule::Any(masks) => Rule::Any(each(masks)),
        Rule::All(masks) => Rule::All(each(masks)),
        Rule::Not(mask) => Rule::Not(Box::new(only_codes(*mask))),
        other => other,
    };
    Mask { rule, ..mask }
}

#[test]
fn what_lies_under_a_mask_does_not_influence_the_output() {
    for seed in seeds(601, 12) {
        let mut case = any_case(seed);
        case.masks = case.masks.into_iter().map(only_codes).collect();
        for fill in &mut case.fills {
            if let Fill::Single { masked, .. } = fill {
                *masked = true;
            }
        }
        let mut dirty = case.clone();
        let poisoned = poison(&mut dirty, &mut Random::new(seed));
        assert!(poisoned > 0, "nothing is masked in seed {seed}");
        let (clean, dirty) = (Trial::new(case), Trial::new(dirty));
        clean.run("out", &clean.in_order(), &[]);
        dirty.run("out", &dirty.in_order(), &[]);
        for (clean, dirty_one) in clean.read_all("out").iter().zip(dirty.read_all("out")) {
            let same = (clean.bands == dirty_one.bands, clean.provenance == dirty_one.provenance);
            assert_eq!(same, (true, true), "samples, provenance{}", dirty.told());
        }
    }
}

/// Other values in every pixel that a mask takes, and beside a missing band where all are judged together.
/// What has data keeps having data. Gives how many pixels got the poison.
fn poison(case: &mut Case, random: &mut Random) -> usize {
    let plain = case.clone();
    let mut count = 0;
    for (scene, old) in case.scenes.iter_mut().zip(&plain.scenes) {
        let unusable: Vec<_> =
            plain.masks.iter().map(|mask| reference::unusable(&plain, old, mask)).collect();
        for band in &mut scene.bands[..plain.wanted] {
            for at in 0..band.place.pixels() {
                let taken = unusable.iter().any(|(place, unusable)| {
                    let there = reference::nearest(
                        band.place,
                        *place,
                        (at % band.place.width, at / band.place.width),
                    );
                    there.is_none_or(|there| unusable[there])
                });
                let beside = |other: &Band| other.place == band.place && !other.has_data(at);
                let alone = !plain.per_band && old.bands[..plain.wanted].iter().any(beside);
                let value = random.within(1, 30_000) as f64;
                if (taken || alone) && band.has_data(at) && band.nodata != Some(value) {
                    band.values[at] = value;
                    count += 1;
                }
            }
        }
    }
    count
}

// ---- by hand --------------------------------------------------------------------------------------------

const PLACE: Place = Place { x: 405_000.0, y: 4_500_000.0, dx: 30.0, dy: -30.0, width: 32, height: 24 };

fn flag(name: &str, offset: u32) -> Bit {
    Bit { toml: format!("{name:?}"), offset, mask: 1, low: 1, high: 1 }
}

fn cloud_mask() -> Mask {
    Mask { rule: Rule::Bits(vec![flag("cloud", 3)]), steps: [None; 4] }
}

fn band(name: &str, place: Place, value: impl Fn(usize) -> f64, nodata: Option<f64>) -> Band {
    Band { name: name.into(), place, values: (0..place.pixels()).map(value).collect(), nodata }
}

/// A scene of one band: `value` + pixel number, and one code everywhere.
fn plain_scene(id: &str, day: i32, value: f64, code: f64) -> Scene {
    Scene {
        id: id.into(),
        day: Some(day),
        bands: vec![band("B1", PLACE, |at| value + at as f64, Some(0.0))],
        quality: band("QA", PLACE, |_| code, None),
        scale_offset: None,
        one_file: None,
        options: Vec::new(),
    }
}

fn plain_case(scenes: Vec<Scene>) -> Case {
    Case {
        seed: 0,
        kind: Kind::U16,
        wanted: 1,
        masks: vec![cloud_mask()],
        fills: vec![Fill::Nearest(Reach::default())],
        target: Target::Scene(scenes[0].id.clone()),
        per_band: false,
        resampling: "bilinear",
        like: None,
        dtype: None,
        nodata: None,
        count: false,
        scenes,
    }
}

#[test]
fn a_fully_clear_scene_is_a_success() {
    let trial = Trial::new(plain_case(vec![
        plain_scene("a", 18_400, 100.0, 21824.0),
        plain_scene("b", 18_410, 5000.0, 22280.0),
    ]));
    let output = trial.compose("out", &[0, 1], &["--require-complete"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).lines().last().unwrap().contains("nothing to fill"), "{}", stderr(&output));
    let written = trial.read("out", Some("a"));
    assert_eq!(written.bands[0][7], 107.0_f64.to_bits());
    assert!(written.provenance[1].iter().all(|stage| *stage == 0));
}

#[test]
fn where_all_is_masked_gaps_hold_nodata_and_only_require_complete_minds() {
    let trial = Trial::new(plain_case(vec![
        plain_scene("a", 18_400, 100.0, 22280.0),
        plain_scene("b", 18_410, 5000.0, 22280.0),
    ]));
    assert_eq!(trial.compose("out", &[0, 1], &[]).status.code(), Some(0));
    let output = trial.compose("again", &[0, 1], &["--require-complete"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("left 100.0"), "{}", stderr(&output));
    for name in ["out", "again"] {
        let written = trial.read(name, Some("a"));
        assert!(written.bands[0].iter().all(|v| *v == 0.0_f64.to_bits()));
        assert!(written.provenance.iter().flatten().all(|v| *v == 65535));
        assert_eq!(written.result["left"], PLACE.pixels());
    }
}

/// A `grow` of nothing changes nothing, whatever else it makes the program compute on the way.
#[test]
fn not_means_the_same_with_and_without_a_change_of_shape() {
    let coarse = Place { dx: 60.0, dy: -60.0, width: 16, height: 12, ..PLACE };
    let mut target = plain_scene("a", 18_400, 100.0, 21824.0);
    // One missing pixel in each two by two of the data: the quality pixel above it is seen all the same.
    target.bands[0].values.iter_mut().enumerate().for_each(|(at, value)| {
        if at % 32 % 2 == 1 && at / 32 % 2 == 1 {
            *value = 0.0;
        }
    });
    target.quality = band("QA", coarse, |at| if at < 96 { 21824.0 } else { 21952.0 }, None);
    let donor = plain_scene("b", 18_410, 5000.0, 21952.0);
    let not = |steps| Mask {
        rule: Rule::Not(Box::new(Mask { rule: Rule::Bits(vec![flag("water", 7)]), steps: [None; 4] })),
        steps,
    };
    let run = |steps| {
        let mut case = plain_case(vec![target.clone(), donor.clone()]);
        case.masks = vec![not(steps)];
        let trial = Trial::new(case);
        trial.run("out", &[0, 1], &[]);
        trial.read("out", Some("a"))
    };
    let (plain, shaped) = (run([None; 4]), run([None, None, None, Some(Length::Pixels(0.0))]));
    let observed = |w: &super::Written| w.provenance[1].iter().filter(|s| **s == 0).count();
    assert_eq!(observed(&plain), observed(&shaped), "observed pixels");
    assert!(plain == shaped);
}

/// 100.000004 is not nodata = 100, but would be read as it once it is stored as float32.
#[test]
fn a_computed_float_that_rounds_to_nodata_moves_aside() {
    let float = |bits: u32| f64::from(f32::from_bits(bits));
    let one_hundred = 100.0_f32.to_bits();
    let scene = |id: &str, day, value: f64| {
        let mut scene = plain_scene(id, day, 0.0, 21824.0);
        scene.bands = vec![band("B1", PLACE, |_| value, Some(100.0))];
        scene
    };
    let mut case = plain_case(vec![
        scene("a", 18_400, float(one_hundred - 1)),
        scene("b", 18_410, float(one_hundred - 1)),
        scene("c", 18_420, float(one_hundred + 3)),
    ]);
    case.kind = Kind::F32;
    case.target = Target::None(None);
    case.fills = vec![Fill::Mean(1, Reach::default())];
    let trial = Trial::new(case);
    let output = trial.compose("out", &[0, 1, 2], &[]);
    assert!(output.status.success(), "a mean is no observed value: {}", stderr(&output));
    let written = trial.read("out", None);
    assert!(
        written.bands[0].iter().all(|v| f64::from_bits(*v) == 101.0),
        "{:?}",
        f64::from_bits(written.bands[0][0])
    );
}
