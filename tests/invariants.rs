//! Does the answer depend on scenes and rules alone, and is it the right one?
//!
//! Random stacks are composed by the program and by a plain reference, pixel by pixel. Seeds are fixed; a
//! failure says the seed, and `COMPOSE_SEED=n` runs that one alone.

mod cases;
mod orders;
mod properties;
mod random;
mod reference;
mod stack;

use crate::support::inside::composed;
use crate::support::{compose, read};
use cases::Shape;
use reference::Expected;
use stack::{Case, Target};
use std::path::{Path, PathBuf};
use std::process::Output;

/// A case on disk.
struct Trial {
    case: Case,
    folder: tempfile::TempDir,
}

/// What the program wrote for one output, as numbers.
#[derive(PartialEq)]
struct Written {
    /// Samples per band, as bits: a NaN is equal to itself.
    bands: Vec<Vec<u64>>,
    provenance: Vec<Vec<u16>>,
    result: serde_json::Value,
}

impl Trial {
    fn new(case: Case) -> Self {
        let folder = tempfile::tempdir().unwrap();
        case.write_scenes(folder.path());
        Self { case, folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Composes into files that begin with `name`.
    fn compose(&self, name: &str, order: &[usize], more: &[&str]) -> Output {
        compose().arg("--rules").arg(self.rules(name, order)).args(more).output().unwrap()
    }

    fn run(&self, name: &str, order: &[usize], more: &[&str]) {
        composed(&self.rules(name, order), more, &|| self.told());
    }

    /// Writes the rules file.
    fn rules(&self, name: &str, order: &[usize]) -> PathBuf {
        let output = if matches!(self.case.target, Target::None(_)) { "all" } else { "{id}" };
        let rules = self.case.rules(order, &format!("{name}_{output}.tif"));
        std::fs::write(self.path("rules.toml"), rules).unwrap();
        self.path("rules.toml")
    }

    fn in_order(&self) -> Vec<usize> {
        (0..self.case.scenes.len()).collect()
    }

    fn image(&self, name: &str, id: Option<&str>) -> PathBuf {
        self.path(&format!("{name}_{}.tif", id.unwrap_or("all")))
    }

    fn read(&self, name: &str, id: Option<&str>) -> Written {
        let image = self.image(name, id);
        let stem = image.with_extension("").to_string_lossy().into_owned();
        let sidecar = std::fs::read_to_string(format!("{stem}.json")).unwrap();
        let mut sidecar: serde_json::Value = serde_json::from_str(&sidecar).unwrap();
        let mut result = sidecar["result"].take();
        result.as_object_mut().unwrap().remove("path");
        let bits = |band: Vec<f64>| band.into_iter().map(|v| (v + 0.0).to_bits()).collect();
        Written {
            bands: read::<f64>(&image).into_iter().map(bits).collect(),
            provenance: read::<u16>(Path::new(&format!("{stem}_provenance.tif"))),
            result,
        }
    }

    fn read_all(&self, name: &str) -> Vec<Written> {
        match &self.case.target {
            Target::Each => self.case.sorted().iter().map(|s| self.read(name, Some(&s.id))).collect(),
            Target::Scene(id) => vec![self.read(name, Some(id))],
            Target::None(_) => vec![self.read(name, None)],
        }
    }

    /// Sample type of the output.
    fn kind(&self) -> stack::Kind {
        self.case.dtype.unwrap_or(self.case.kind)
    }

    /// What a failure has to say.
    fn told(&self) -> String {
        let rules = std::fs::read_to_string(self.path("rules.toml")).unwrap_or_default();
        format!("\nseed {}; rules:\n{rules}", self.case.seed)
    }
}

/// Seeds to run: these, or those that the environment names (`COMPOSE_SEED=7`, `COMPOSE_SEED=100..200`).
fn seeds(from: u64, count: u64) -> Vec<u64> {
    let Ok(said) = std::env::var("COMPOSE_SEED") else { return (from..from + count).collect() };
    let number = |text: &str| text.parse().expect("COMPOSE_SEED is a number or a range such as 1..9");
    match said.split_once("..") {
        Some((first, end)) => (number(first)..number(end)).collect(),
        None => vec![number(&said)],
    }
}

// ---- against the reference --------------------------------------------------------------------------------

/// Compares every sample of every output with the reference, and says how many are equal, and of how many.
fn assert_as_expected(trial: &Trial, name: &str) -> (u64, u64) {
    let (mut equal, mut all) = (0, 0);
    for expected in reference::compose(&trial.case) {
        let written = trial.read(name, expected.id.as_deref());
        let (e, a) = assert_samples(trial, &expected, &written);
        assert_provenance(trial, &expected, &written);
        assert_result(trial, &expected, &written);
        (equal, all) = (equal + e, all + a);
    }
    (equal, all)
}

fn assert_samples(trial: &Trial, expected: &Expected, written: &Written) -> (u64, u64) {
    let what = |band: usize, at: usize| {
        let (col, row) = (at % expected.place.width, at / expected.place.width);
        format!("output {:?}, band {band}, column {col}, row {row}{}", expected.id, trial.told())
    };
    assert_eq!(written.bands.len(), expected.bands.len(), "bands{}", trial.told());
    let (mut equal, mut all) = (0, 0);
    for (band, (ours, theirs)) in written.bands.iter().zip(&expected.bands).enumerate() {
        assert_eq!(ours.len(), theirs.len(), "pixels{}", trial.told());
        for (at, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
            let ours = f64::from_bits(*ours);
            let same = ours == *theirs || (ours.is_nan() && theirs.is_nan());
            // Single precision of the largest samples.
            let slack = if trial.kind() == stack::Kind::F32 { 2e-7 * theirs.abs().max(1250.0) } else { 1.0 };
            let near = !expected.exact && (ours - theirs).abs() <= slack;
            assert!(same || near, "{ours} instead of {theirs}: {}", what(band, at));
            equal += u64::from(same || (near && slack < 1.0));
            all += 1;
        }
    }
    (equal, all)
}

fn assert_provenance(trial: &Trial, expected: &Expected, written: &Written) {
    let names: &[&str] =
        if trial.case.count { &["source", "stage", "age", "count"] } else { &["source", "stage", "age"] };
    assert_eq!(written.provenance.len(), names.len() * expected.planes.len(), "provenance{}", trial.told());
    for (index, ours) in written.provenance.iter().enumerate() {
        let (plane, which) = (index / names.len(), index % names.len());
        for (at, (ours, theirs)) in ours.iter().zip(&expected.planes[plane]).enumerate() {
            let (col, row) = (at % expected.place.width, at / expected.place.width);
            assert_eq!(
                *ours,
                theirs[which],
                "{} of plane {plane}, column {col}, row {row}, output {:?}{}",
                names[which],
                expected.id,
                trial.told()
            );
        }
    }
}

fn assert_result(trial: &Trial, expected: &Expected, written: &Written) {
    let stages = |stage: u16| expected.planes.iter().flatten().filter(|r| r[1] == stage).count() as u64;
    let result = &written.result;
    assert_eq!(result["left"], stages(65535), "left{}", trial.told());
    assert_eq!(result["masked"], expected.masked, "masked{}", trial.told());
    assert_eq!(result["missing"], expected.missing, "missing{}", trial.told());
    for stage in 0..=trial.case.fills.len() {
        assert_eq!(result["stages"][stage]["pixels"], stages(stage as u16), "stage {stage}{}", trial.told());
    }
}

fn check(seeds: Vec<u64>, shape: Shape) {
    let (mut equal, mut all) = (0, 0);
    for seed in seeds {
        let trial = Trial::new(cases::random(seed, shape));
        trial.run("out", &trial.in_order(), &[]);
        let (e, a) = assert_as_expected(&trial, "out");
        (equal, all) = (equal + e, all + a);
    }
    // Sums in another order may fall on the other side of a half.
    assert!(equal as f64 >= 0.998 * all as f64, "{equal} of {all} are equal");
}

#[test]
fn whole_pixel_shifts_give_what_the_reference_gives() {
    check(seeds(1, 24), Shape::Shifts);
}

#[test]
fn scenes_between_pixels_give_what_the_reference_gives() {
    check(seeds(101, 12), Shape::Between);
}

#[test]
fn a_quality_band_of_half_the_resolution_gives_what_the_reference_gives() {
    check(seeds(201, 5), Shape::CoarseQuality);
}

#[test]
fn data_bands_of_two_resolutions_give_what_the_reference_gives() {
    check(seeds(301, 5), Shape::TwoResolutions);
}
