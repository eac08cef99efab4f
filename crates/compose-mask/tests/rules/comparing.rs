//! Rules that compare a scene with others: the same answer in windows of any size, and nothing without others.

use crate::stage::{Pixels, Stage, grid};
use compose_core::{DataType, Day, Learned, ValidityMode};
use ndarray::{Array2, Array3, s};
use proptest::prelude::*;

const BANDS: [&str; 4] = ["blue", "red", "nir", "swir1"];
const SHAPE: (usize, usize, usize) = (4, 14, 17);

/// Samples and validity, (band, row, col).
type Scene = (Array3<f32>, Array3<u8>);

fn pixels((values, valid): &Scene, band: usize) -> Pixels {
    let part = s![band, .., ..];
    Pixels::Data(values.slice(part).to_owned(), valid.slice(part).to_owned())
}

/// The first scene on the day of its number times 9, as all are; the rule's own is the one in the middle.
fn stage(scenes: &[Scene], validity: ValidityMode) -> Stage {
    let own = scenes.len() / 2;
    let day = |nth: usize| Some(Day(9 * nth as i32));
    let mut stage = Stage::new(grid(SHAPE.2, SHAPE.1, 30.0, 30.0), day(own));
    stage.validity = validity;
    for (band, name) in BANDS.iter().enumerate() {
        stage.add(name, DataType::Int16, pixels(&scenes[own], band)).scale_offset = Some((0.0001, 0.0));
    }
    for (nth, scene) in scenes.iter().enumerate().filter(|(nth, _)| *nth != own) {
        let other = stage.other(&format!("s{nth}"), day(nth));
        other.pixels = (0..BANDS.len()).map(|band| pixels(scene, band)).collect();
    }
    stage
}

/// Scenes that are alike but for noise, holes, and a square that one of them shows dark and hazy.
fn scenes(count: usize) -> impl Strategy<Value = Vec<Scene>> {
    let size = SHAPE.0 * SHAPE.1 * SHAPE.2;
    let noise = proptest::collection::vec(0.0..300.0f32, size);
    let holes = proptest::collection::vec(prop_oneof![9 => Just(1u8), 1 => Just(0)], size);
    let square = (0..10usize, 0..12usize, -1500.0..1500.0f32);
    let scene = (noise, holes, square).prop_map(|(noise, holes, (row, col, by))| {
        let mut values = Array3::from_shape_vec(SHAPE, noise).unwrap();
        values
            .indexed_iter_mut()
            .for_each(|((b, r, c), v)| *v += 1500.0 + (400 * b + 90 * ((r * 5 + c * 3) % 11)) as f32);
        values.slice_mut(s![.., row..row + 4, col..col + 5]).mapv_inplace(|v| v + by);
        (values, Array3::from_shape_vec(SHAPE, holes).unwrap())
    });
    proptest::collection::vec(scene, count)
}

fn rules() -> impl Strategy<Value = String> {
    let tail = prop_oneof![Just(""), Just("\ngrow = 1"), Just("\nopen = 1")];
    let kind = prop_oneof![
        Just("kind = 'donor-residual'\nk = 0.5"),
        Just("kind = 'donor-residual'\nk = 1\nclean = 0\nmargin = 1.5\ndonors = 1"),
        Just("kind = 'hot-jump'\njump = 0.01\nper-30-days = 0"),
        Just("kind = 'hot-jump'\njump = 0\nper-30-days = 0\ncorrelation = 0.3\nwithin-days = 9"),
        Just("kind = 'tdom'\nz = -0.1\nsum = 1\nat-least = 3\nerode = 1"),
        Just("kind = 'tdom'\nz = -0.3\nat-least = 2\nerode = 0\nsum = 1"),
    ];
    (kind, tail).prop_map(|(kind, tail)| format!("{kind}{tail}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn rules_that_compare_give_the_same_answer_in_windows_of_any_size(
        scenes in scenes(5),
        toml in rules(),
        tile in (1..9usize, 1..9usize),
        joint in any::<bool>(),
    ) {
        let stage = stage(&scenes, if joint { ValidityMode::Joint } else { ValidityMode::PerBand });
        let rule = stage.fitted(&toml).unwrap();
        prop_assert_eq!(stage.marked(&*rule, tile), stage.marked(&*rule, (SHAPE.1, SHAPE.2)), "{}", toml);
    }

    #[test]
    fn a_restored_rule_marks_the_same_pixels_and_says_the_same(
        scenes in scenes(5),
        toml in rules(),
        other in rules(),
        joint in any::<bool>(),
    ) {
        let stage = stage(&scenes, if joint { ValidityMode::Joint } else { ValidityMode::PerBand });
        let leaf = |toml: &str| toml.replace('\n', ", ");
        let tree = format!("any = [{{ {} }}, {{ not = {{ {} }} }}]", leaf(&toml), leaf(&other));
        for toml in [toml, tree] {
            let (fitted, restored) = (stage.fitted(&toml).unwrap(), stage.restored(&toml).unwrap());
            let whole = (SHAPE.1, SHAPE.2);
            prop_assert_eq!(stage.marked(&*fitted, whole), stage.marked(&*restored, whole), "{}", toml);
            prop_assert_eq!(fitted.notes(), restored.notes());
            prop_assert_eq!(fitted.learned(), restored.learned());
        }
    }
}

/// The state of one rule is none of another.
#[test]
fn a_state_that_is_not_of_the_rule_is_refused() {
    let flat = || (Array3::from_elem(SHAPE, 900.0), Array3::ones(SHAPE));
    let stage = stage(&[flat(), flat(), flat()], ValidityMode::Joint);
    let learned = stage.fitted("kind = 'donor-residual'").unwrap().learned();
    let refused = |toml: &str| stage.restored_from(toml, &learned).err().unwrap();
    let two = "any = [{ kind = 'donor-residual' }, { kind = 'tdom' }]";
    assert_eq!(refused(two), "it has 2 kinds, and what they learned is of 1");
    let other = "kind = 'donor-residual'\nvisible = []";
    assert_eq!(refused(other), "what it learned from the survey is of other donors or bands");
    assert_eq!(stage.fitted("kind = 'tdom'").unwrap().learned(), Learned::default());
}

#[test]
fn a_scene_alone_is_not_compared_and_nothing_is_marked() {
    let scene = (Array3::from_elem(SHAPE, 900.0), Array3::ones(SHAPE));
    let stage = stage(&[scene], ValidityMode::Joint);
    for kind in ["donor-residual", "hot-jump", "tdom"] {
        let rule = stage.fitted(&format!("kind = '{kind}'")).unwrap();
        assert_eq!(stage.marked(&*rule, (14, 17)), Array2::<u8>::zeros((14, 17)), "{kind}");
    }
}

#[test]
fn rules_that_compare_stand_in_trees_like_all_others() {
    let of = |by: f32| {
        let mut values =
            Array3::from_shape_fn(SHAPE, |(b, r, c)| 2000.0 + (b * 7 + (r * 5 + c * 3) % 11 * 90) as f32);
        values.slice_mut(s![.., 4..10, 4..10]).mapv_inplace(|v| v * by);
        (values, Array3::ones(SHAPE))
    };
    let stage = stage(&[of(1.0), of(0.5)], ValidityMode::Joint);
    let rule = |toml: &str| stage.marked(&*stage.fitted(toml).unwrap(), (14, 17));
    let shadow = rule("kind = 'donor-residual'");
    assert_eq!((shadow[[6, 6]], shadow[[1, 1]]), (1, 0));
    assert_eq!(
        rule("all = [{ kind = 'donor-residual' }, { kind = 'range', band = 'nir', max = 32000 }]"),
        shadow
    );
    assert_eq!(rule("not = { kind = 'donor-residual' }"), shadow.mapv(|m| 1 - m));
}
