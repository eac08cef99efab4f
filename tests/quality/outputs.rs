//! The outputs beside the image: which mask took a pixel, how sure a fill is, what the survey found.

use super::made::{REPAIR, Scene, Stack, Written, fill, land, noise};
use crate::support::{Raster, listing, stderr, stdout, tag};
use gdal::Metadata;

const SIZE: (usize, usize) = (120, 100);
const CENTRE: (f64, f64) = (60.0, 50.0);
const RADIUS: f64 = 30.0;

fn target() -> Scene {
    let haze = |x: f64, y: f64| 300.0 * (x / 40.0).sin() * (y / 30.0).cos();
    Scene::new("target", 30, SIZE, 2, |b, x, y| 200.0 + land(b, x, y) + haze(x, y))
        .clouded(&[(CENTRE.0, CENTRE.1, RADIUS)])
}

/// A donor that does not see everything.
fn donor() -> Scene {
    Scene::new("donor", 20, SIZE, 2, |b, x, y| land(b, x, y) + 80.0 * noise(x as i64, y as i64, 3))
        .clouded(&[(60.0, 25.0, 6.0)])
}

fn other() -> Scene {
    Scene::new("other", 50, SIZE, 2, |b, x, y| 0.8 * land(b, x, y) + 80.0 * noise(x as i64, y as i64, 4))
        .clouded(&[(45.0, 60.0, 6.0), (60.0, 27.0, 2.0)])
}

fn stack(rules: &str) -> Stack {
    Stack::new(vec![target(), donor(), other()], rules.to_owned())
}

const TWO_RULES: &str = "[target]\nscene = \"target\"\n\
    [[mask]]\nname = \"bright\"\nkind = \"range\"\nband = \"B1\"\nmin = 2400\n\
    [[mask]]\nname = \"cloud\"\nkind = \"bits\"\nany = [\"cloud\"]\n";

/// The mask rules that take a pixel of the target by hand: bright, cloud.
fn taken(target: &Scene, at: usize) -> [bool; 2] {
    [target.bands[0][at].round() >= 2400.0, target.cloudy[at]]
}

#[test]
fn the_record_of_masks_tells_the_first_rule_and_all_of_them() {
    let mut stack = stack(&(TWO_RULES.to_owned() + &fill("seamless")));
    // A corner without data, on which rules have nothing to say.
    let mut torn = target();
    (0..8).for_each(|at| torn.bands.iter_mut().for_each(|band| band[at] = 0.0));
    stack.write(&torn);
    stack.output += "mask = true\n";
    let written = stack.run("out", &[]);
    let [reason, rules] = &written.masks[..] else { panic!("{} bands", written.masks.len()) };
    let mut seen = [0; 4];
    for at in 8..reason.len() {
        let [bright, cloud] = taken(&torn, at);
        let first = if bright { 1 } else { 2 * u16::from(cloud) };
        assert_eq!((reason[at], rules[at]), (first, u16::from(bright) + 2 * u16::from(cloud)), "pixel {at}");
        assert_eq!(written.stage(at) == 0, first == 0, "pixel {at}");
        seen[usize::from(rules[at])] += 1;
    }
    assert!(seen.iter().all(|count| *count > 50), "{seen:?}");
    assert!((0..8).all(|at| (reason[at], rules[at]) == (65535, 65535)));
    let path = stack.path("out_masks.tif");
    assert_eq!(tag(&path, "COMPOSE_MASKS").unwrap(), "1 bright; 2 cloud");
    assert!(tag(&path, "COMPOSE_CODES").unwrap().contains("65535: no data"));
}

#[test]
fn the_record_of_masks_is_written_where_it_is_said_and_does_not_depend_on_fills() {
    let all = |fills: &str, output: &str| -> Written {
        let mut stack = stack(&(TWO_RULES.to_owned() + fills));
        stack.output = output.to_owned();
        let mut written = stack.run("out", &[]);
        if output.contains("why.tif") {
            assert!(!stack.path("out_masks.tif").exists());
            written.masks = crate::support::read(&stack.path("why.tif"));
        }
        written
    };
    let with = all(&fill("seamless"), "mask = true\n");
    let none = all("", "mask = true\n");
    let elsewhere = all(&fill("nearest-date"), "mask = \"why.tif\"\n");
    assert!(with.masks == none.masks && with.masks == elsewhere.masks);
}

#[test]
fn a_record_of_masks_is_refused_where_there_is_nothing_or_too_much_to_tell() {
    let rule = |n: usize| {
        format!("[[mask]]\nname = \"rule {n}\"\nkind = \"range\"\nband = \"B1\"\nmin = {}\n", 9000 + n)
    };
    let rules = |count: usize| (1..=count).map(rule).collect::<String>();
    let of = "[target]\nscene = \"target\"\n";
    for (rules, told) in [
        ("[target]\ndate = 2020-05-30\n".to_owned() + &rules(2), Some("[target] names no scene")),
        (of.to_owned() + &rules(17), Some("at most 16 mask rules apart, and there are 17")),
        (of.to_owned() + &rules(16), None),
    ] {
        let mut stack = stack(&(rules + &fill("nearest-date")));
        stack.output += "mask = true\n";
        let before = listing(stack.folder.path());
        let output = stack.compose("out", &[]);
        let said = stderr(&output);
        let Some(told) = told else {
            assert_eq!(output.status.code(), Some(0), "{said}");
            continue;
        };
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(told) && said.contains("mask"), "{said}");
        let left: Vec<String> =
            listing(stack.folder.path()).into_iter().filter(|n| !before.contains(n)).collect();
        assert_eq!(left, ["rules.toml"]);
    }
}

#[test]
fn uncertainty_is_nothing_where_observed_and_grows_into_a_gap() {
    let stack = stack(&(REPAIR.to_owned() + &fill("seamless")));
    let written = stack.run("out", &[]);
    let target = stack.scene("target");
    for band in 0..2 {
        // By distance from the border, in steps of 5 px.
        let mut sums = [(0.0, 0); 6];
        for at in 0..target.cloudy.len() {
            let sigma = f64::from(written.sigma(band, at));
            match written.stage(at) {
                0 => assert_eq!(sigma, 0.0, "pixel {at} is observed"),
                1 => {
                    assert!(sigma > 0.0 && sigma.is_finite(), "{sigma} at {at}");
                    let (x, y) = ((at % SIZE.0) as f64 - CENTRE.0, (at / SIZE.0) as f64 - CENTRE.1);
                    let ring = &mut sums[((RADIUS - x.hypot(y)) / 5.0) as usize % 6];
                    (ring.0, ring.1) = (ring.0 + sigma, ring.1 + 1);
                }
                _ => assert!(sigma.is_nan(), "{sigma} at {at}, which is open"),
            }
        }
        let means: Vec<f64> = sums.iter().map(|(sum, count)| sum / f64::from(*count)).collect();
        assert!(means.windows(2).all(|pair| pair[0] < pair[1]), "{means:?}");
    }
}

#[test]
fn uncertainty_tells_about_how_far_a_fill_is_off() {
    let written = stack(&(REPAIR.to_owned() + &fill("seamless"))).run("out", &[]);
    let (truth, mut squares, mut told) = (target(), 0.0, 0.0);
    for at in (0..truth.cloudy.len()).filter(|at| written.stage(*at) == 1) {
        squares += (written.value(0, at) - truth.bands[0][at]).powi(2);
        told += f64::from(written.sigma(0, at)).powi(2);
    }
    let ratio = (squares / told).sqrt();
    assert!((0.4..=2.5).contains(&ratio), "{ratio}");
}

#[test]
fn what_is_copied_has_no_uncertainty_and_what_is_regressed_has_that_of_its_regression() {
    for strategy in ["nearest-date", "single-donor\"\ndonor = \"other"] {
        let fills = format!("[[fill]]\nstrategy = \"{strategy}\"\n");
        let written = stack(&(REPAIR.to_owned() + &fills)).run("out", &[]);
        let copied = (0..SIZE.0 * SIZE.1).filter(|at| written.stage(*at) == 1);
        assert!(copied.clone().count() > 1000);
        copied.for_each(|at| assert!(written.sigma(0, at).is_nan(), "{strategy}, pixel {at}"));
    }
    let written = stack(&(REPAIR.to_owned() + &fill("regress"))).run("out", &[]);
    let models = written.report["fills"][0]["survey"]["models"].as_array().unwrap().clone();
    let known: Vec<f64> = models.iter().map(|m| m["bands"]["B2"]["sigma"].as_f64().unwrap()).collect();
    for at in (0..SIZE.0 * SIZE.1).filter(|at| written.stage(*at) == 1) {
        let sigma = f64::from(written.sigma(1, at));
        assert!(known.iter().any(|known| (known - sigma).abs() <= 1e-4 * known), "{sigma}, {known:?}");
    }
}

#[test]
fn uncertainty_is_asked_for_and_changes_nothing_else() {
    let mut stack = stack(&(REPAIR.to_owned() + &fill("seamless")));
    let with = stack.run("with", &[]);
    stack.output = "uncertainty = \"sure.tif\"\n".into();
    let elsewhere = stack.run("elsewhere", &[]);
    stack.output.clear();
    let without = stack.run("without", &[]);
    assert!(!stack.path("elsewhere_uncertainty.tif").exists() && stack.path("sure.tif").exists());
    assert!(without.uncertainty.is_empty() && elsewhere.uncertainty.is_empty());
    assert!(
        with.bands == without.bands && with.provenance == without.provenance && with.bands == elsewhere.bands
    );
    let names: Vec<String> = gdal::Dataset::open(stack.path("sure.tif"))
        .unwrap()
        .rasterbands()
        .map(|band| band.unwrap().description().unwrap())
        .collect();
    assert_eq!(names, ["B1 standard deviation", "B2 standard deviation"]);
}

#[test]
fn existing_files_beside_the_image_are_refused_too() {
    let mut stack = stack(&(REPAIR.to_owned() + &fill("seamless")));
    stack.output += "mask = true\n";
    for name in ["out_masks.tif", "out_uncertainty.tif"] {
        let pixels = vec![vec![1_u16; 4]];
        let path = stack.path(name);
        Raster { width: 2, bands: pixels, shift: (0.0, 0.0), nodata: None, options: &[] }.write(&path);
        let output = stack.compose("out", &[]);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert!(stderr(&output).contains(name), "{}", stderr(&output));
        assert!(!stack.path("out.tif").exists());
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn plan_and_report_tell_what_the_survey_found() {
    let stack = stack(&(REPAIR.to_owned() + &fill("seamless")));
    let plan = stack.compose("out", &["--plan"]);
    let text = stdout(&plan);
    assert!(plan.status.success(), "{}", stderr(&plan));
    assert!(!stack.path("out.tif").exists());
    assert!(text.contains("survey: 100.0 % of the grid, every pixel of it, of 3 scenes"), "{text}");
    let written = stack.run("out", &[]);
    let survey = &written.report["fills"][0]["survey"];
    let ranking = survey["ranking"].as_array().unwrap();
    for (nth, scene) in ranking.iter().enumerate() {
        let (id, how) = (scene["scene"].as_str().unwrap(), scene["agreement"].as_str().unwrap());
        assert!(text.contains(&format!("rank {}: {id}, {how}", nth + 1)), "{text}");
    }
    assert_eq!(ranking.len(), 2);
    let models = survey["models"].as_array().unwrap();
    assert!(text.contains(&format!("{} regressions", models.len())), "{text}");
    for model in models {
        assert!(!model["donors"].as_array().unwrap().is_empty() && model["pixels"].as_u64().unwrap() > 1000);
        for band in ["B1", "B2"] {
            assert!(model["bands"][band]["sigma"].as_f64().unwrap() > 0.0, "{model}");
            let coefficients = model["bands"][band]["coefficients"].as_array().unwrap();
            assert!(
                coefficients.len() > 1 && coefficients.iter().all(|c| c.as_f64().is_some_and(f64::is_finite))
            );
        }
    }
    assert!(written.report["survey"].as_str().unwrap().starts_with("survey: 100.0 %"));
}

#[test]
fn donors_are_ranked_by_agreement_and_not_by_date() {
    // The nearest date shows another land.
    let stranger = Scene::new("stranger", 29, SIZE, 2, |b, x, y| land(b, x + 5000.0, y));
    let stack = Stack::new(vec![target(), stranger, other()], REPAIR.to_owned() + &fill("regress"));
    let written = stack.run("out", &[]);
    let ranking = &written.report["fills"][0]["survey"]["ranking"];
    assert_eq!(
        (ranking[0]["scene"].as_str(), ranking[1]["scene"].as_str()),
        (Some("other"), Some("stranger"))
    );
    let gave = |id: &str| {
        (0..SIZE.0 * SIZE.1)
            .filter(|at| written.stage(*at) == 1 && stack.of_source(written.source(*at)).id == id)
            .count()
    };
    assert!(gave("other") > 2000 && (1..500).contains(&gave("stranger")));
}

#[test]
fn a_pixel_explained_is_the_pixel_that_is_written() {
    for strategy in ["seamless", "multi-regress", "regress"] {
        let stack = stack(&(REPAIR.to_owned() + &fill(strategy)));
        let written = stack.run("out", &[]);
        for (col, row) in [(60, 50), (31, 50), (60, 35), (75, 70), (45, 60)] {
            let at = row * SIZE.0 + col;
            assert_eq!(written.stage(at), 1);
            let (x, y) = (405_015 + 30 * col, 4_499_985 - 30 * row);
            let said = stdout(&stack.compose("out", &["--explain", &format!("{x} {y}")]));
            let (first, second) = (written.value(0, at), written.value(1, at));
            let expected = format!("→ B1 B2: {first} {second} (");
            assert!(said.contains(&expected) && said.contains(strategy), "{expected} {said}");
        }
    }
}
