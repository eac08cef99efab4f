//! The engine as a library: many runs in one process, of which some fail and some are cancelled.

use crate::support::{Pair, listing, read, registry};
use compose_engine::run::run;
use compose_engine::survey::fit;
use compose_engine::{Control, EngineError, Options, Plan, Progress, Rules, RulesFile};
use compose_io::files::Drafts;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is to become of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Done,
    /// A value reads as the output's nodata.
    Refused,
    /// A donor is gone when it is read.
    InputGone,
    /// The progress call of the program panics.
    Panic,
    CancelledBefore,
    CancelledAfterTheFirstBlock,
}

const RIGHT: [u16; 12] = [100, 201, 102, 103, 104, 105, 0, 107, 108, 109, 110, 111];

/// Carries out a pair of scenes of its own, and insists on its end and on what is then in its folder.
fn carry_out(end: End) {
    let pair = Pair::new();
    if end == End::Refused {
        pair.append("nodata = 100\n");
    }
    let path = pair.path("rules.toml");
    let file = RulesFile { text: std::fs::read_to_string(&path).unwrap(), path };
    let rules = Rules::parse(file, &registry()).unwrap();
    let cancelled = AtomicBool::new(end == End::CancelledBefore);
    let told = |_: Progress| match end {
        End::CancelledAfterTheFirstBlock => cancelled.store(true, Ordering::Relaxed),
        End::Panic => panic!("the progress call is broken"),
        _ => {}
    };
    let drafts = Drafts::default();
    let plan = Plan::make(&rules, &Options { threads: 2, ..Options::default() }).unwrap();
    let fitted =
        fit(&plan, &Control { cancelled: &AtomicBool::new(false), progress: &|_| (), drafts: &drafts });
    let fitted = fitted.unwrap();
    if end == End::InputGone {
        std::fs::remove_file(pair.path("b_b1.tif")).unwrap();
    }
    let before = listing(pair.folder.path());
    let carried_out =
        || run(&rules, &fitted, &Control { cancelled: &cancelled, progress: &told, drafts: &drafts });
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(carried_out));
    match (end, &result) {
        (End::Done, Ok(Ok(_))) => return assert_eq!(read::<u16>(&pair.path("out.tif"))[0], RIGHT),
        (End::Refused, Ok(Err(EngineError::NodataObserved { .. })))
        | (End::InputGone, Ok(Err(EngineError::Io(_))))
        | (End::Panic, Err(_))
        | (End::CancelledBefore | End::CancelledAfterTheFirstBlock, Ok(Err(EngineError::Interrupted))) => {}
        _ => panic!("{end:?} ended otherwise: {:?}", result.map(|result| result.map(drop))),
    }
    assert_eq!(listing(pair.folder.path()), before, "{end:?} left something behind");
}

#[test]
fn of_ten_runs_in_one_process_three_fail_and_two_are_cancelled_and_the_rest_is_right() {
    let ends = [
        End::Done,
        End::Refused,
        End::Done,
        End::CancelledBefore,
        End::InputGone,
        End::Done,
        End::Panic,
        End::CancelledAfterTheFirstBlock,
        End::Done,
        End::Done,
    ];
    ends.into_iter().for_each(carry_out);
}

#[test]
fn runs_beside_each_other_in_one_process_do_not_disturb_each_other() {
    std::thread::scope(|scope| {
        for ends in [[End::Done, End::Refused, End::Done], [End::CancelledBefore, End::Done, End::InputGone]]
        {
            scope.spawn(move || ends.into_iter().for_each(carry_out));
        }
    });
}
