//! In whatever order the plan composes, the image is the same: regions of any size, all bands together or one after
//! the other. Small stacks fit into any memory, so the orders are chosen here and not by the plan.

use super::random::Random;
use super::stack::{Case, Fill, Reach, Target};
use super::{Trial, properties, seeds};
use crate::support::registry;
use compose_core::{ValidityMode, Window};
use compose_engine::Control;
use compose_engine::plan::Order;
use compose_engine::{Options, Plan, Rules, RulesFile};
use compose_io::files::Drafts;
use std::sync::atomic::AtomicBool;

/// A stack whose bands may come one after the other.
fn separable(seed: u64) -> Case {
    let mut case = properties::any_case(seed);
    let reach = Reach { within_days: None, direction: 0 };
    case.fills = vec![Fill::Median(2, reach), Fill::Mean(1, reach)];
    case.target = Target::None(None);
    case.like = Some(case.scenes[0].id.clone());
    case.per_band = !seed.is_multiple_of(3) && case.wanted > 1;
    case
}

/// Composes in an order that this makes of the plan's; false where bands cannot take band_ranges.
fn compose(trial: &Trial, name: &str, by_band: bool, random: &mut Random) -> bool {
    let output = if matches!(trial.case.target, Target::None(_)) { "all" } else { "{id}" };
    let text = trial.case.rules(&trial.in_order(), &format!("{name}_{output}.tif"));
    let registry = registry();
    let rules = Rules::parse(RulesFile { path: trial.path("rules.toml"), text }, &registry).ok().unwrap();
    let options = Options { threads: 1 + random.below(3), overwrite: true, ..Options::default() };
    let mut plan = Plan::make(&rules, &options).unwrap();
    let bands = plan.stack.bands.len();
    if by_band && (0..plan.jobs.len()).any(|job| !plan.may_go_by_band(job)) {
        return false;
    }
    let validity_first = by_band && plan.stack.validity == ValidityMode::Joint;
    for job in plan.jobs.iter_mut().map(std::sync::Arc::make_mut) {
        let (width, height) = (job.view.grid.width, job.view.grid.height);
        let regions = tiles((width, height), (1 + random.below(width), 1 + random.below(height)));
        let block = (1 + random.below(40), 1 + random.below(40));
        let band_ranges =
            if by_band { (0..bands).map(|b| b..b + 1).collect() } else { job.order.band_ranges.clone() };
        job.order = Order { regions, band_ranges, validity_first, block, ..job.order.clone() };
    }
    let control =
        Control { cancelled: &AtomicBool::new(false), progress: &|_| (), drafts: &Drafts::default() };
    let fitted = crate::support::fitted(&plan);
    compose_engine::run::run(&rules, &fitted, &control).unwrap_or_else(|e| panic!("{e}{}", trial.told()));
    true
}

fn tiles((width, height): (usize, usize), (across, down): (usize, usize)) -> Vec<Window> {
    let rows = (0..height).step_by(down);
    let at = |row: usize, col: usize| {
        let (width, height) = (across.min(width - col), down.min(height - row));
        Window { col: col as i64, row: row as i64, width, height }
    };
    rows.flat_map(|row| (0..width).step_by(across).map(move |col| at(row, col))).collect()
}

#[test]
fn regions_of_any_size_give_the_same_image() {
    for seed in seeds(601, 8) {
        let trial = Trial::new(properties::any_case(seed));
        trial.run("first", &trial.in_order(), &[]);
        let random = &mut Random::new(seed);
        assert!(compose(&trial, "again", false, random));
        assert!(trial.read_all("again") == trial.read_all("first"), "{}", trial.told());
    }
}

/// With so little memory for tiles that hardly one is kept; what it says of tiles that were decoded again, and of bytes
/// that waited on the disk.
fn compose_with_nothing(trial: &Trial, name: &str, scratch: bool) -> (u64, u64) {
    let output = if matches!(trial.case.target, Target::None(_)) { "all" } else { "{id}" };
    let text = trial.case.rules(&trial.in_order(), &format!("{name}_{output}.tif"));
    let registry = registry();
    let rules = Rules::parse(RulesFile { path: trial.path("rules.toml"), text }, &registry).ok().unwrap();
    let mut plan =
        Plan::make(&rules, &Options { threads: 2, overwrite: true, ..Options::default() }).unwrap();
    plan.memory.tiles = 0;
    for job in plan.jobs.iter_mut().map(std::sync::Arc::make_mut) {
        job.order.block = (7, 5);
    }
    plan.scratch = plan.scratch.filter(|_| scratch);
    let control =
        Control { cancelled: &AtomicBool::new(false), progress: &|_| (), drafts: &Drafts::default() };
    let fitted = crate::support::fitted(&plan);
    let report = compose_engine::run::run(&rules, &fitted, &control);
    let report = report.unwrap_or_else(|e| panic!("{e}{}", trial.told()));
    (report.tiles_decoded.1, report.bytes_waited)
}

#[test]
fn wherever_tiles_wait_the_image_is_the_same() {
    let (mut saved, mut waited) = (0, 0);
    for seed in seeds(701, 8) {
        let trial = Trial::new(properties::any_case(seed));
        trial.run("first", &trial.in_order(), &[]);
        let (again, none) = compose_with_nothing(&trial, "again", false);
        assert_eq!(none, 0, "{}", trial.told());
        assert!(trial.read_all("again") == trial.read_all("first"), "{}", trial.told());
        let (with, bytes) = compose_with_nothing(&trial, "with", true);
        assert!(trial.read_all("with") == trial.read_all("first"), "{}", trial.told());
        (saved, waited) = (saved + again - with.min(again), waited + bytes);
    }
    assert!(
        (saved > 0 && waited > 0) || std::env::var("COMPOSE_SEED").is_ok(),
        "{saved} tiles, {waited} bytes"
    );
}

#[test]
fn bands_one_after_the_other_give_the_same_image() {
    let mut in_turns = 0;
    for seed in seeds(651, 24) {
        let trial = Trial::new(separable(seed));
        trial.run("first", &trial.in_order(), &[]);
        let random = &mut Random::new(seed);
        if compose(&trial, "again", true, random) {
            in_turns += 1;
            for (first, again) in trial.read_all("first").iter().zip(trial.read_all("again")) {
                let same = (first.bands == again.bands, first.provenance == again.provenance);
                assert_eq!(same, (true, true), "samples, provenance{}", trial.told());
                assert_eq!(first.result, again.result, "{}", trial.told());
            }
        }
    }
    assert!(in_turns > 5 || std::env::var("COMPOSE_SEED").is_ok(), "{in_turns} stacks went band by band");
}
