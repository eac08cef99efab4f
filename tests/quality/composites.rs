//! What composites of a stack promise beside each other, and masks that look at reflectance and at the sun.

use super::made::{REPAIR, Scene, Stack, Written, fill, land, noise};

const SIZE: (usize, usize) = (150, 120);
const PIXELS: usize = SIZE.0 * SIZE.1;
const BANDS: usize = 3;
const WAYS: [&[&str]; 3] = [
    &["--block-size", "64", "-j", "2", "--force-gdal"],
    &["--block-size", "17", "-j", "1"],
    &["--mem-limit", "200MB", "-j", "1"],
];

/// A target and five dates about it, each with clouds of its own.
fn scenes() -> Vec<Scene> {
    let scene = |id: &str, day: u32| {
        let grain =
            move |x: f64, y: f64, b: usize| 150.0 * noise(x as i64, y as i64, u64::from(day) * 10 + b as u64);
        let at = (f64::from(day * 37 % 150), f64::from(day * 23 % 120));
        Scene::new(id, day, SIZE, BANDS, move |b, x, y| land(b, x, y) + grain(x, y, b) + 5.0 * f64::from(day))
            .clouded(&[(at.0, at.1, 30.0), (75.0, 60.0, 4.0)])
    };
    let mut scenes = vec![scene("target", 30).clouded(&[(75.0, 60.0, 50.0)])];
    scenes.extend([5, 12, 22, 36, 47].map(|day| scene(&format!("day-{day}"), day)));
    scenes
}

fn stack(fills: &str) -> Stack {
    let mut stack = Stack::new(scenes(), REPAIR.to_owned() + fills);
    stack.output.clear();
    stack
}

fn filled(written: &Written) -> Vec<usize> {
    (0..PIXELS).filter(|at| written.stage(*at) == 1).collect()
}

/// The samples of the donors that see a pixel, with their days.
fn looks(stack: &Stack, band: usize, at: usize) -> Vec<(u32, f64)> {
    let donors = stack.scenes.iter().filter(|scene| scene.id != "target" && !scene.cloudy[at]);
    donors.map(|scene| (scene.day, stack.stored(scene.bands[band][at]))).collect()
}

const SEASON: &str = "[[fill]]\nstrategy = \"best-score\"\n\
    score = { kind = \"bap\", day-of-year = [110, 160, 200], clouds = [\"cloud\"], required-distance = \"600 m\" }\n";

#[test]
fn composites_do_not_depend_on_how_they_are_run() {
    let percentile = "[[fill]]\nstrategy = \"percentile\"\npercentile = 30\n".to_owned();
    let interpolate = "[[fill]]\nstrategy = \"interpolate\"\nextrapolate = \"nearest\"\n".to_owned();
    let all =
        [percentile, interpolate, fill("medoid"), fill("medoid-msd"), fill("geomedian"), SEASON.to_owned()];
    for fills in all {
        let stack = stack(&fills);
        let first = stack.run("first", &[]);
        assert!(filled(&first).len() > 1000, "{fills}");
        for way in WAYS {
            first.assert_same(&stack.run("again", way), &format!("{way:?}\n{fills}"));
        }
    }
}

#[test]
fn the_middle_percentile_is_the_median() {
    let percentile = stack("[[fill]]\nstrategy = \"percentile\"\npercentile = 50\n").run("out", &[]);
    let median = stack(&fill("median-stack")).run("out", &[]);
    assert!(percentile.bands == median.bands && percentile.provenance == median.provenance);
}

#[test]
fn the_ends_of_percentiles_are_the_least_and_the_greatest_look() {
    for (percentile, first) in [(0, f64::min as fn(f64, f64) -> f64), (100, f64::max)] {
        let stack = stack(&format!("[[fill]]\nstrategy = \"percentile\"\npercentile = {percentile}\n"));
        let written = stack.run("out", &[]);
        for at in filled(&written) {
            let looks = looks(&stack, 1, at).into_iter().map(|(_, value)| value);
            assert_eq!(Some(written.value(1, at)), looks.reduce(first), "pixel {at}");
        }
    }
}

#[test]
fn medoids_and_best_pixels_are_whole_spectra_of_the_scene_that_is_named() {
    for fills in [fill("medoid"), fill("medoid-msd"), SEASON.to_owned()] {
        let stack = stack(&fills);
        let written = stack.run("out", &[]);
        let filled = filled(&written);
        assert!(filled.len() > 1000, "{fills}");
        for at in filled {
            let scene = stack.of_source(written.source(at));
            assert!(!scene.cloudy[at] && scene.id != "target", "pixel {at}");
            for (band, values) in scene.bands.iter().enumerate() {
                assert_eq!(written.value(band, at), stack.stored(values[at]), "pixel {at}");
            }
        }
    }
}

#[test]
fn geometric_medians_lie_among_the_looks() {
    let stack = stack(&fill("geomedian"));
    let written = stack.run("out", &[]);
    for at in filled(&written) {
        for band in 0..BANDS {
            let looks = looks(&stack, band, at);
            let ends = looks.iter().fold((f64::MAX, f64::MIN), |(a, b), (_, v)| (a.min(*v), b.max(*v)));
            assert!((ends.0..=ends.1).contains(&written.value(band, at)), "pixel {at}, {looks:?}");
        }
    }
}

#[test]
fn interpolated_pixels_lie_on_the_line_between_the_looks_before_and_after() {
    let stack = stack(&fill("interpolate"));
    let written = stack.run("out", &[]);
    let filled = filled(&written);
    assert!(filled.len() > 1000);
    for at in filled {
        let looks = looks(&stack, 2, at);
        let before = looks.iter().filter(|(day, _)| *day < 30).max_by_key(|(day, _)| *day).unwrap();
        let after = looks.iter().filter(|(day, _)| *day > 30).min_by_key(|(day, _)| *day).unwrap();
        let part = f64::from(30 - before.0) / f64::from(after.0 - before.0);
        let expected = before.1 + part * (after.1 - before.1);
        assert!((written.value(2, at) - expected).abs() <= 0.5 + 1e-3, "pixel {at}: {expected}");
    }
}

#[test]
fn best_pixels_are_those_nearest_to_the_best_day_where_nothing_else_counts() {
    // The best day is the 15th of the stack, 15 May: day 136 of 2020.
    let score = "score = { kind = \"bap\", day-of-year = [100, 136, 172] }\n";
    let stack = stack(&format!("[[fill]]\nstrategy = \"best-score\"\n{score}"));
    let written = stack.run("out", &[]);
    for at in filled(&written) {
        let nearest = looks(&stack, 0, at).into_iter().map(|(day, _)| day.abs_diff(15)).min();
        assert_eq!(Some(stack.of_source(written.source(at)).day.abs_diff(15)), nearest, "pixel {at}");
    }
}

/// The distance from the nearest cloud of a scene, in pixels.
fn from_clouds(scene: &Scene, (col, row): (i64, i64)) -> f64 {
    let place = |at: usize| ((at % scene.width) as i64, (at / scene.width) as i64);
    let clouds = (0..scene.cloudy.len()).filter(|at| scene.cloudy[*at]).map(place);
    let squares = clouds.map(|(x, y)| (x - col).pow(2) + (y - row).pow(2));
    squares.min().map_or(f64::INFINITY, |square| (square as f64).sqrt())
}

/// The scene that `bap` takes at a pixel by its page: by the season around 29 May, and by the distance from clouds.
fn best_by_definition(stack: &Stack, required: f64, at: usize) -> Option<&str> {
    let mut best = (f32::NEG_INFINITY, None);
    let mut donors: Vec<&Scene> = stack.scenes.iter().filter(|scene| scene.id != "target").collect();
    donors.sort_by_key(|scene| scene.day.abs_diff(30));
    for scene in donors {
        // The scene's pixel in which the centre of the target's lies.
        let own = |at: usize, shift: f64| (at as f64 + 0.5 - shift).floor() as i64;
        let (col, row) = (own(at % SIZE.0, scene.shift.0), own(at / SIZE.0, scene.shift.1));
        let height = scene.cloudy.len() / scene.width;
        let inside = (0..scene.width as i64).contains(&col) && (0..height as i64).contains(&row);
        if !inside || scene.cloudy[row as usize * scene.width + col as usize] {
            continue;
        }
        let season = 0.99 * (0.01_f64 / 0.99).powf((f64::from(scene.day as i32 - 29) / 50.0).powi(2));
        let distance = from_clouds(scene, (col, row)).min(required);
        let part = 1.0 / (1.0 + (-10.0 / required * (distance - required / 2.0)).exp());
        let score = ((season + 0.4 * part) / 1.4) as f32;
        if part >= 0.01 && score > best.0 {
            best = (score, Some(scene.id.as_str()));
        }
    }
    best.1
}

/// Scores that look far are found in pieces of their scene.
#[test]
fn best_pixels_far_from_clouds_are_those_of_the_definition_in_blocks_of_any_size() {
    let mut scenes = scenes();
    // Whole pixels, parts of pixels, and a scene that ends within the grid.
    for (nth, shift) in [(1, (-20.0, 11.0)), (2, (7.3, -4.2)), (3, (61.0, -35.0))] {
        let Scene { id, day, .. } = scenes[nth].clone();
        let cloud = [(90.0, 50.0 + f64::from(day), 6.0)];
        scenes[nth] = Scene::shifted(&id, day, (131, 97), shift, BANDS, land).clouded(&cloud);
    }
    let grid = "[grid]\nresampling = \"nearest\"\n";
    for required in [35, 400] {
        let fill = format!(
            "[[fill]]\nstrategy = \"best-score\"\nscore = {{ kind = \"bap\", day-of-year = [100, 150, 200], \
             clouds = [\"cloud\"], required-distance = \"{required} px\" }}\n"
        );
        let mut stack = Stack::new(scenes.clone(), REPAIR.to_owned() + grid + &fill);
        stack.output.clear();
        let first = stack.run("first", &[]);
        let plan = stack.compose("first", &["--plan"]);
        assert!(String::from_utf8_lossy(&plan.stdout).contains("scores in pieces of 900×120 px"), "{plan:?}");
        for at in 0..PIXELS {
            let taken = (first.stage(at) == 1).then(|| stack.of_source(first.source(at)).id.as_str());
            let best = best_by_definition(&stack, f64::from(required), at);
            assert!(first.stage(at) == 0 || taken == best, "pixel {at}: {taken:?} {best:?}");
        }
        assert!(filled(&first).len() > 1000);
        for way in WAYS.into_iter().chain([&["--block-size", "whole"][..], &["-j", "5"]]) {
            first.assert_same(&stack.run("again", way), &format!("{way:?} {required}"));
        }
    }
}

// ---- masks that look at the reflectance -------------------------------------------------------------------

/// Where clouds are, and where a sun in the south-east, 45° high, throws the shadow of clouds 1200 m high: 40 px away.
const CLOUDS: [(f64, f64, f64); 3] = [(120.0, 110.0, 14.0), (60.0, 90.0, 9.0), (170.0, 60.0, 11.0)];
const SHADOW: f64 = 28.284_271;

/// Six bands of reflectance in 1e-4, with clouds in them and their shadows, and without any quality band that tells.
fn sunny(day: u32, id: &str, clouds: &[(f64, f64, f64)]) -> Scene {
    let ground = [400.0, 700.0, 600.0, 2600.0, 1900.0, 1200.0];
    let cloud = [4500.0, 4500.0, 4500.0, 5000.0, 3500.0, 2800.0];
    let over = |x: f64, y: f64| super::made::under(clouds, x, y);
    Scene::new(id, day, (220, 170), 6, |b, x, y| {
        let lit = if over(x + SHADOW, y + SHADOW) { 0.35 } else { 1.0 };
        let seen = if over(x, y) { cloud[b] } else { ground[b] * lit };
        seen + 60.0 * noise(x as i64, y as i64, b as u64) + land(b, x, y) / 40.0
    })
}

const REFLECTANCE: &str = "[target]\nscene = \"target\"\n\
    [[mask]]\nname = \"cloud\"\nkind = \"spectral\"\nblue = \"B1\"\ngreen = \"B2\"\nred = \"B3\"\nnir = \"B4\"\nswir1 = \"B5\"\n\
    swir2 = \"B6\"\n\
    [[mask]]\nname = \"shadow\"\nkind = \"shadow-geometry\"\nbands = [\"B4\", \"B5\"]\nsun-elevation = 45\nsun-azimuth = 135\n\
    heights = [200, 2500]\n\
    clouds = { kind = \"spectral\", blue = \"B1\", green = \"B2\", red = \"B3\", nir = \"B4\", swir1 = \"B5\", swir2 = \"B6\" }\n";

#[test]
fn clouds_are_found_by_their_colour_and_shadows_by_the_sun_and_both_are_filled() {
    let scenes = vec![sunny(30, "target", &CLOUDS), sunny(20, "donor", &[(40.0, 40.0, 8.0)])];
    let mut stack = Stack::new(scenes, REFLECTANCE.to_owned() + &fill("seamless"));
    stack.output = "mask = true\nuncertainty = true\n".into();
    stack.of_scenes = "scale = 0.0001\noffset = 0\n".into();
    let first = stack.run("first", &[]);
    let (mut clouds, mut shadows, mut wrong) = ([0, 0], [0, 0], 0);
    for at in 0..220 * 170 {
        let (x, y) = ((at % 220) as f64, (at / 220) as f64);
        let (over, in_shadow) =
            (super::made::under(&CLOUDS, x, y), super::made::under(&CLOUDS, x + SHADOW, y + SHADOW));
        let rules = first.masks[1][at];
        assert_eq!(rules & 1 == 1, over, "cloud at {x}, {y}");
        clouds[usize::from(rules & 1 == 1)] += usize::from(over);
        if in_shadow && !over {
            shadows[usize::from(rules & 2 == 2)] += 1;
        } else {
            wrong += usize::from(rules & 2 == 2);
        }
    }
    assert!(shadows[1] > 9 * shadows[0] && wrong < shadows[1] / 4, "{shadows:?} {wrong} {clouds:?}");
    assert!(
        first.report["result"]["stages"][1]["pixels"].as_u64().unwrap() > 1500,
        "{}",
        first.report["result"]
    );
    for way in [WAYS[0], WAYS[2], &["--block-size", "whole", "-j", "1"]] {
        first.assert_same(&stack.run("again", way), &format!("{way:?}"));
    }
}
