//! Trees: bands, grids, halos, and the same answer in windows of any size.

use crate::stage::{Pixels, Stage, grid};
use compose_core::{BandFacts, Crs, CrsUnit, DataType, Grid};
use compose_mask::evaluation_grid;
use ndarray::{Array2, array};
use proptest::prelude::*;
use std::sync::Arc;

const CLOUD: &str = "kind = 'bits', any = ['cloud']";
const SHADOW: &str = "kind = 'bits', any = ['cloud-shadow']";

/// Bands `B4` (data) and `QA` (HLS) on a 30-m grid.
fn two_bands() -> Stage {
    let mut stage = Stage::new(grid(4, 1, 30.0, 30.0), None);
    stage.add("B4", DataType::Int16, Pixels::Data(array![[1., 2., 3., 4.]], array![[1, 1, 1, 0]]));
    let codes = Pixels::Codes(array![[0, 2, 8, 2]], array![[1, 1, 1, 1]]);
    stage.add("QA", DataType::UInt8, codes).layout = compose_core::quality::find("hls-v2").ok();
    stage
}

fn marked(stage: &Stage, toml: &str) -> Vec<u8> {
    let rule = stage.bind(toml).unwrap();
    stage.marked(&*rule, (stage.scene.grid.height, stage.scene.grid.width)).into_raw_vec_and_offset().0
}

#[test]
fn any_all_and_not_join_rules() {
    let stage = two_bands();
    let low = "kind = 'range', band = 'B4', max = 2";
    assert_eq!(marked(&stage, &format!("any = [{{ {CLOUD} }}, {{ {SHADOW} }}]")), [0, 1, 1, 1]);
    assert_eq!(marked(&stage, &format!("all = [{{ {CLOUD} }}, {{ {low} }}]")), [0, 1, 0, 0]);
    assert_eq!(marked(&stage, &format!("not = {{ {CLOUD} }}")), [1, 0, 1, 0]);
    let three = format!("all = [{{ {low} }}, {{ not = {{ {SHADOW} }} }}, {{ not = {{ {CLOUD} }} }}]");
    assert_eq!(marked(&stage, &three), [1, 0, 0, 0]);
}

#[test]
fn not_leaves_pixels_without_data_and_fill_unmarked() {
    let stage = two_bands();
    assert_eq!(marked(&stage, "not = { kind = 'range', band = 'B4', max = 2 }"), [0, 0, 1, 0]);
    let mut stage = Stage::of_codes(&array![[0, 255, 2]], "hls-v2", 30.0, 30.0);
    assert_eq!(marked(&stage, &format!("not = {{ {SHADOW} }}")), [1, 0, 1]);
    stage.pixels[0] = Pixels::Codes(array![[0, 0, 2]], array![[1, 0, 1]]);
    assert_eq!(marked(&stage, &format!("not = {{ {SHADOW} }}")), [1, 0, 1]);
}

#[test]
fn bands_are_asked_for_once_in_the_order_of_the_rules_file() {
    let stage = two_bands();
    let low = "kind = 'range', band = 'B4', max = 2";
    let rule = stage.bind(&format!("any = [{{ {CLOUD} }}, {{ {low} }}, {{ {SHADOW} }}]")).unwrap();
    assert_eq!(rule.bands(), [1, 0]);
}

#[test]
fn halos_add_along_a_branch_and_the_widest_branch_counts() {
    let stage = two_bands();
    let halo = |toml: &str| stage.bind(toml).unwrap().halo();
    assert_eq!(halo(&format!("any = [{{ {CLOUD} }}]")), 0);
    assert_eq!(halo("kind = 'bits'\nany = ['cloud']\ngrow = '2.5 px'"), 3);
    assert_eq!(
        halo("kind = 'bits'\nany = ['cloud']\nopen = '1 px'\nclose = '2 px'\nshrink = 1\ngrow = '90 m'"),
        10
    );
    let nested = format!("grow = 2\nany = [{{ {CLOUD}, open = 1 }}, {{ not = {{ {SHADOW}, grow = 5 }} }}]");
    assert_eq!(halo(&nested), 7);
}

#[test]
fn neutral_pixels_are_asked_for_only_where_shapes_change() {
    let stage = two_bands();
    assert!(!stage.bind(&format!("not = {{ {CLOUD} }}")).unwrap().needs_neutral());
    assert!(stage.bind(&format!("not = {{ {CLOUD}, grow = 1 }}")).unwrap().needs_neutral());
}

#[test]
fn a_rule_runs_on_the_grid_that_its_bands_share_else_on_the_scenes_own() {
    let mut stage = two_bands();
    let coarse = grid(2, 1, 60.0, 60.0);
    stage.scene.bands[1].grid = coarse.clone();
    assert!(evaluation_grid(&stage.scene, &[1]).same(&coarse));
    assert!(evaluation_grid(&stage.scene, &[1, 0]).same(&stage.scene.grid));
    assert!(evaluation_grid(&stage.scene, &[]).same(&stage.scene.grid));
    let grown = "kind = 'bits'\nany = ['cloud']\ngrow = '120 m'";
    assert_eq!(stage.bind(grown).unwrap().describe(), "QA: cloud (bit 1); grow 120 m (2 px)");
    let low = "kind = 'range', band = 'B4', max = 2";
    let mixed = stage.bind(&format!("grow = '120 m'\nany = [{{ {CLOUD} }}, {{ {low} }}]")).unwrap();
    assert_eq!(mixed.describe(), "(QA: cloud (bit 1) or B4: at most 2); grow 120 m (4 px)");
}

#[test]
fn metres_on_a_geographic_grid_are_refused_by_name() {
    let mut stage = two_bands();
    let crs = Crs { wkt: "wgs84".into(), label: "EPSG:4326".into(), unit: CrsUnit::Angle };
    let degrees = Grid { crs: Some(Arc::new(crs)), ..stage.scene.grid.clone() };
    stage.scene.bands[1] = BandFacts { grid: degrees, ..stage.scene.bands[1].clone() };
    let message = stage.bind("kind = 'bits'\nany = ['cloud']\ngrow = '90 m'").err().unwrap();
    let expected = "grow = 90 m has no fixed size in pixels, because EPSG:4326 is geographic; say it in pixels, such as \
                    \"3 px\"";
    assert_eq!(message, expected);
    assert!(stage.bind("kind = 'bits'\nany = ['cloud']\ngrow = '3 px'").is_ok());
}

#[test]
fn metres_are_measured_per_axis() {
    let mut codes = Array2::zeros((5, 5));
    codes[[2, 2]] = 2;
    let stage = Stage::of_codes(&codes, "hls-v2", 30.0, 60.0);
    let rule = stage.bind("kind = 'bits'\nany = ['cloud']\ngrow = '60 m'").unwrap();
    assert_eq!(rule.describe(), "QA: cloud (bit 1); grow 60 m (2 × 1 px)");
    let expected =
        array![[0, 0, 0, 0, 0], [0, 0, 1, 0, 0], [1, 1, 1, 1, 1], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0],];
    assert_eq!(stage.marked(&*rule, (5, 5)), expected);
}

#[test]
fn a_radius_too_small_to_reach_anything_is_remarked_upon() {
    let rule = two_bands().bind("kind = 'bits'\nany = ['cloud']\ngrow = '20 m'").unwrap();
    assert_eq!(rule.notes(), ["grow 20 m (0.667 px) reaches no other pixel and changes nothing"]);
}

#[test]
fn codes_decide_alone_unless_a_neighbour_or_another_band_has_a_say() {
    let stage = two_bands();
    let takes = |toml: &str, code| stage.bind(toml).unwrap().takes_code(1, code);
    let (any, all) =
        (format!("any = [{{ {CLOUD} }}, {{ {SHADOW} }}]"), format!("all = [{{ {CLOUD} }}, {{ {SHADOW} }}]"));
    assert_eq!([2, 8, 0].map(|c| takes(&any, c)), [Some(true), Some(true), Some(false)]);
    assert_eq!([10, 8].map(|c| takes(&all, c)), [Some(true), Some(false)]);
    let turned = format!("not = {{ {CLOUD} }}");
    assert_eq!([2, 8, 255].map(|c| takes(&turned, c)), [Some(false), Some(true), Some(false)]);
    assert_eq!(takes("kind = 'bits'\nany = ['cloud']\ngrow = 1", 2), Some(true));
    assert_eq!(
        ["grow", "open"].map(|step| takes(&format!("{step} = 1\nkind = 'bits'\nany = ['cloud']"), 8)),
        [None, Some(false)]
    );
    assert_eq!(
        ["close", "open"].map(|step| takes(&format!("{step} = 1\nkind = 'bits'\nany = ['cloud']"), 2)),
        [Some(true), None]
    );
    let low = "kind = 'range', band = 'B4', max = 2";
    let mixed = format!("any = [{{ {CLOUD} }}, {{ {low} }}]");
    assert_eq!([2, 0].map(|c| takes(&mixed, c)), [Some(true), None]);
    assert_eq!(stage.bind(&mixed).unwrap().takes_code(0, 2), None);
}

#[test]
fn what_only_growing_reaches_is_known_from_what_the_code_decides() {
    let stage = two_bands();
    let grown = |toml: &str, code| stage.bind(toml).unwrap().takes_code_only_by_growing(1, code);
    let cloud = |step: &str| format!("kind = 'bits'\nany = ['cloud']\n{step} = 1");
    assert_eq!([2, 8, 0, 255].map(|c| grown(&cloud("grow"), c)), [false, true, true, false]);
    assert!(grown(&cloud("close"), 8) && !grown(&cloud("open"), 8) && !grown(&cloud("shrink"), 2));
    // In a tree: one branch that grows, beside one that takes the code or never does.
    let any = format!("any = [{{ {CLOUD}, grow = 1 }}, {{ {SHADOW} }}]");
    assert_eq!([2, 8, 0].map(|c| grown(&any, c)), [false, false, true]);
    let all = format!("all = [{{ {CLOUD}, grow = 1 }}, {{ {SHADOW} }}]");
    assert_eq!([2, 8, 0].map(|c| grown(&all, c)), [false, true, false]);
    let turned = format!("not = {{ {CLOUD}, grow = 1 }}");
    assert_eq!([2, 8].map(|c| grown(&turned, c)), [false, false]);
    assert_eq!(stage.bind(&turned).unwrap().takes_code(1, 8), None);
}

#[test]
fn the_steps_come_in_their_own_order_whatever_the_order_of_the_keys() {
    let codes = array![[0, 2, 0, 2, 2, 2, 0, 0, 0]];
    let stage = Stage::of_codes(&codes, "hls-v2", 30.0, 30.0);
    let toml = "grow = 1\nkind = 'bits'\nany = ['cloud']\nopen = 1";
    assert_eq!(marked(&stage, toml), [0, 0, 1, 1, 1, 1, 1, 0, 0]);
}

fn rules() -> impl Strategy<Value = String> {
    let radius = prop_oneof!["[0-3] px", "[0-2]\\.5 px", Just("45 m".to_string()), Just("90 m".to_string())];
    let steps = (radius.clone(), radius.clone(), radius.clone(), radius);
    let tail =
        steps.prop_map(|(a, b, c, d)| format!("open = '{a}', close = '{b}', shrink = '{c}', grow = '{d}'"));
    let leaf = prop_oneof![Just(CLOUD), Just(SHADOW), Just("kind = 'values', values = [3, 12, 32]")];
    let leaf = (leaf, tail.clone()).prop_map(|(leaf, tail)| format!("{{ {leaf}, {tail} }}"));
    let tree = leaf.prop_recursive(2, 6, 2, move |inner| {
        let (pair, tail) = ((inner.clone(), inner.clone()), tail.clone());
        prop_oneof![
            (pair.clone(), prop_oneof![Just("any"), Just("all")])
                .prop_map(|((a, b), key)| format!("{{ {key} = [{a}, {b}] }}")),
            (inner, tail).prop_map(|(a, tail)| format!("{{ not = {a}, {tail} }}")),
        ]
    });
    tree.prop_map(|tree| format!("any = [{tree}]"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn a_tree_gives_the_same_answer_in_windows_of_any_size(
        codes in proptest::collection::vec(prop_oneof![Just(0u32), Just(2), Just(8), Just(12), Just(255)], 12 * 15),
        toml in rules(),
        tile in (1..9usize, 1..9usize),
        dy in prop_oneof![Just(30.0), Just(40.0)],
    ) {
        let codes = Array2::from_shape_vec((12, 15), codes).unwrap();
        let stage = Stage::of_codes(&codes, "hls-v2", 30.0, dy);
        let rule = stage.bind(&toml).unwrap();
        prop_assert_eq!(stage.marked(&*rule, tile), stage.marked(&*rule, (12, 15)), "{}", toml);
    }
}
