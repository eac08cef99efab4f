//! Trials of pixels: what is written, where, and what it depends on.

use crate::check::bench::Bench;
use crate::check::call::{Answer, Call, Gaps, Invalid, Surroundings, ValidityPattern};
use crate::check::findings::Fault;
use crate::check::fixtures::SIZE;
use crate::check::kind::Kind;
use crate::check::setup::{Plan, Setup, Taken};
use crate::check::stop::{End, Stop};
use crate::instance::Instance;
use compose_core::{Temporal, Window};

/// In the middle of the scene.
pub(super) const MIDDLE: Window = Window { col: 31, row: 22, width: 67, height: 45 };
/// Partly, or wholly, outside the scene.
const OUTSIDE: [Window; 4] = [
    Window { col: -11, row: -7, width: 31, height: 24 },
    Window { col: SIZE.0 as i64 - 9, row: SIZE.1 as i64 - 13, width: 23, height: 19 },
    Window { col: -3000, row: 40, width: 8, height: 5 },
    Window { col: 1 << 33, row: -(1 << 33), width: 5, height: 8 },
];

/// An answer to a look that must not be refused, once the plan was accepted.
pub(super) fn taken(kind: &Kind, instance: &Instance, setup: &Setup, call: &Call) -> Result<Taken, End> {
    kind.take(instance, setup, call).map_err(|stop| match stop {
        Stop::Refused(why) => Fault::new(
            format!("refuses pixels of scenes that its plan accepted: {why}"),
            "an answer for all that the plan accepts; a run ends at such an error",
            "refuse in plan what can be known there, and leave pixels that cannot be judged",
        )
        .into(),
        other => other.into(),
    })
}

/// An answer to a variation of a look that was answered.
fn varied(kind: &Kind, instance: &Instance, setup: &Setup, call: &Call, what: &str) -> Result<Taken, End> {
    kind.take(instance, setup, call).map_err(|stop| match stop {
        Stop::Refused(why) => Fault::new(
            format!("refuses {what}, and not what it is held against: {why}"),
            "a call that succeeds or fails whatever the block",
            "refuse in plan what can be known there",
        )
        .into(),
        other => other.into(),
    })
}

/// A call that others are compared with, and its answer.
struct Reference<'a> {
    kind: &'a Kind,
    setup: &'a Setup,
    instance: &'a Instance,
    call: Call,
    answer: Answer,
}

impl<'a> Reference<'a> {
    fn new(bench: &'a Bench, (setup, instance): &'a (Setup, Instance), call: Call) -> Result<Self, End> {
        let answer = taken(&bench.kind, instance, setup, &call)?.answer;
        Ok(Self { kind: &bench.kind, setup, instance, call, answer })
    }

    /// Refuses an answer that differs; `told` says what it depends on, what was expected, what to do.
    fn same(&self, other: &Answer, told: [&str; 3]) -> Result<(), End> {
        let Some(place) = self.answer.differs(other) else { return Ok(()) };
        // A plugin that answers by chance is told for that alone.
        let again = taken(self.kind, self.instance, self.setup, &self.call)?.answer;
        if let Some(place) = self.answer.differs(&again) {
            return Err(End::Fault(Fault::new(format!("{WAVERS}: {place}"), DEPENDS, STATE)));
        }
        let [what, expected, advice] = told;
        Err(Fault::new(format!("{what}: {place}"), expected, advice).into())
    }
}

const WAVERS: &str = "the same call gives another answer the next time";
const DEPENDS: &str =
    "what is written for a pixel depends on settings, facts, the pixel and its neighbours alone";
const STATE: &str =
    "look for memory that is not set, and for state that outlives a call; else plan deterministic = 0";

fn whole(fault: Option<Fault>) -> Result<(), End> {
    fault.map_or(Ok(()), |fault| Err(fault.into()))
}

pub fn written(bench: &Bench) -> Result<(), End> {
    for (setup, instance) in &bench.setups()? {
        for window in [MIDDLE].into_iter().chain(OUTSIDE) {
            whole(taken(&bench.kind, instance, setup, &Call::of(window))?.content)?;
        }
    }
    Ok(())
}

pub fn guards(bench: &Bench) -> Result<(), End> {
    let shapes = [(67, 45), (64, 3), (1, 1), (1, 9), (17, 1)];
    for (setup, instance) in &bench.setups()? {
        for (width, height) in shapes {
            for shown in [ValidityPattern::All, ValidityPattern::NothingValid] {
                let call = Call { shown, ..Call::of(Window { width, height, ..MIDDLE }) };
                for call in [call, call.with_pads(3, 13, 5)] {
                    whole(refusable(taken(&bench.kind, instance, setup, &call), shown)?)?;
                }
            }
        }
    }
    Ok(())
}

/// The violations of a call. Without a valid pixel a failure is a permitted answer.
fn refusable(result: Result<Taken, End>, shown: ValidityPattern) -> Result<Option<Fault>, End> {
    match result {
        Ok(taken) => Ok(taken.trespass),
        Err(End::Untried(_)) if shown != ValidityPattern::All => Ok(None),
        Err(end) => Err(end),
    }
}

pub fn fences(bench: &Bench) -> Result<(), End> {
    for (setup, instance) in &bench.setups()? {
        for (width, height) in [(67, 45), (1, 1), (13, 1)] {
            let call = Call::of(Window { width, height, ..MIDDLE });
            taken(&bench.kind, instance, setup, &call)?;
            taken(&bench.kind, instance, setup, &call.fenced())?;
        }
    }
    Ok(())
}

pub fn halo(bench: &Bench) -> Result<(), End> {
    for made in &bench.comparable()? {
        for window in [MIDDLE, Window { width: 5, height: 4, ..MIDDLE }] {
            let (setup, instance) = made;
            let call = Call::of(window);
            let reference = Reference::new(bench, made, call.with_beyond(Surroundings::Nothing))?;
            for beyond in [Surroundings::Bright, Surroundings::Mixed] {
                let other = taken(&bench.kind, instance, setup, &call.with_beyond(beyond))?;
                let what = format!("the answer depends on pixels beyond the halo of {}", setup.plan.halo());
                let expected =
                    "rows and columns from -halo to the output's size + halo - 1 are read, no others";
                let advice = "ask for a larger halo in plan, or look at fewer neighbours";
                reference.same(&other.answer, [&what, expected, advice])?;
            }
        }
    }
    Ok(())
}

pub fn strides(bench: &Bench) -> Result<(), End> {
    for made in &bench.comparable()? {
        let reference = Reference::new(bench, made, Call::of(MIDDLE))?;
        for (data, valid, out) in [(0, 13, 0), (3, 0, 0), (0, 0, 5), (7, 1, 1)] {
            let call = reference.call.with_pads(data, valid, out);
            let other = varied(&bench.kind, &made.1, &made.0, &call, "rows that are farther apart")?;
            let what = "the answer is another where rows are farther apart in memory";
            let expected = "rows are `stride` bytes apart, those of validity `valid_stride`";
            let advice = "go from row to row by the plane's own strides (compose_f32_row and its kin)";
            reference.same(&other.answer, [what, expected, advice])?;
        }
    }
    Ok(())
}

pub fn invalid(bench: &Bench) -> Result<(), End> {
    let kinds = [Invalid::NotANumber, Invalid::Infinite, Invalid::Huge, Invalid::Noise];
    for made in &bench.comparable()? {
        for shown in [ValidityPattern::All, ValidityPattern::Sparse] {
            let reference = Reference::new(bench, made, Call { shown, ..Call::of(MIDDLE) })?;
            for invalid in kinds {
                let call = Call { invalid, ..reference.call };
                let other =
                    varied(&bench.kind, &made.1, &made.0, &call, "other samples where none is valid")?;
                let what =
                    format!("the answer depends on samples that are not valid ({})", invalid.describe());
                let expected = "samples are looked at where `valid` is 1, and nowhere else";
                let advice = "look at `valid` before the sample, for neighbours too";
                reference.same(&other.answer, [&what, expected, advice])?;
                whole(other.content)?;
            }
        }
    }
    Ok(())
}

pub fn masked(bench: &Bench) -> Result<(), End> {
    for (setup, instance) in &bench.setups()? {
        let mut shown = vec![ValidityPattern::Sparse, ValidityPattern::NothingValid];
        // A strategy that takes one donor after the other is not called without one.
        if matches!(&setup.plan, Plan::Fill(plan) if plan.temporal == Temporal::WholeStack) {
            shown.push(ValidityPattern::NoDonor);
        }
        for shown in shown {
            for window in [MIDDLE, Window { width: 1, height: 1, ..MIDDLE }] {
                let call = Call { shown, ..Call::of(window) };
                match bench.kind.take(instance, setup, &call) {
                    Ok(taken) => whole(taken.content.or(taken.trespass))?,
                    Err(Stop::Refused(_)) if shown != ValidityPattern::Sparse => {}
                    Err(other) => return Err(other.into()),
                }
            }
        }
    }
    Ok(())
}

pub fn repeat(bench: &Bench) -> Result<(), End> {
    for (setup, instance) in &bench.comparable()? {
        let call = Call { repeat: 60, ..Call::of(MIDDLE) };
        let first = taken(&bench.kind, instance, setup, &call)?;
        let told =
            |what: &str, place: &str| End::Fault(Fault::new(format!("{what}: {place}"), DEPENDS, STATE));
        if let Some(place) = first.wavering {
            return Err(told(WAVERS, &place));
        }
        taken(&bench.kind, instance, setup, &Call::of(OUTSIDE[0]))?;
        let second = taken(&bench.kind, instance, setup, &call)?;
        if let Some(place) = first.answer.differs(&second.answer) {
            return Err(told("a call gives another answer after a call for another block", &place));
        }
        let other = bench.kind.instance(setup)?;
        let third = taken(&bench.kind, &other, setup, &call)?;
        if let Some(place) = first.answer.differs(&third.answer) {
            return Err(told("another instance with the same settings gives another answer", &place));
        }
    }
    Ok(())
}

/// The blocks of a size that make up a window.
fn cut(window: Window, (width, height): (usize, usize)) -> Vec<Window> {
    let rows = (0..window.height).step_by(height);
    let places = rows.flat_map(|row| (0..window.width).step_by(width).map(move |col| (col, row)));
    let block = |(col, row): (usize, usize)| Window {
        width: width.min(window.width - col),
        height: height.min(window.height - row),
        ..window.shift(col as i64, row as i64)
    };
    places.map(block).filter_map(|block| block.intersect(window)).collect()
}

pub fn blocks(bench: &Bench) -> Result<(), End> {
    for made in &bench.comparable()? {
        let small = if made.0.plan.halo() > 40 { (3, 2) } else { (9, 6) };
        let small = Window { width: small.0, height: small.1, ..MIDDLE };
        let tried =
            [(MIDDLE, &[(16, 16), (64, 1), (31, 7)][..]), (OUTSIDE[0], &[(7, 5)]), (small, &[(1, 1)])];
        for (window, sizes) in tried {
            let reference = Reference::new(bench, made, Call::of(window))?;
            for (nth, size) in sizes.iter().enumerate() {
                let mut blocks = cut(window, *size);
                // In another order, too.
                if nth % 2 == 1 {
                    blocks.reverse();
                }
                for block in blocks {
                    let what = crate::planes::block(block);
                    let other = varied(&bench.kind, &made.1, &made.0, &Call::of(block), &what)?;
                    let what = format!("{what} gives another answer than {}", crate::planes::block(window));
                    reference.same(&other.answer, [&what, DEPENDS, BLOCK])?;
                }
            }
        }
    }
    Ok(())
}

const BLOCK: &str = "let nothing depend on the block's place or size; ask for a halo in plan";

pub fn one(bench: &Bench) -> Result<(), End> {
    for made in &bench.setups()? {
        let reference = Reference::new(bench, made, Call::of(MIDDLE))?;
        for (width, height) in [(1, 1), (1, 23), (29, 1), (2, 2)] {
            for (col, row) in [(0, 0), (13, 9), (31, 20)] {
                let window = Window { width, height, ..MIDDLE.shift(col, row) };
                let what = crate::planes::block(window);
                let other = varied(&bench.kind, &made.1, &made.0, &Call::of(window), &what)?;
                if made.0.plan.deterministic() {
                    let what = format!("{what} gives another answer than {}", crate::planes::block(MIDDLE));
                    reference.same(&other.answer, [&what, DEPENDS, BLOCK])?;
                }
                whole(other.content.or(other.trespass))?;
            }
        }
    }
    Ok(())
}

/// A donor that sees nothing, and one that does not meet the grid and so is left out, are the same to a strategy.
pub fn left_out(bench: &Bench) -> Result<(), End> {
    for (setup, instance) in &bench.comparable()? {
        let Plan::Fill(plan) = &setup.plan else { continue };
        for nth in [0, plan.donors.len() / 2] {
            let call = |shown: ValidityPattern| Call { shown, ..Call::of(MIDDLE) };
            let blind = taken(&bench.kind, instance, setup, &call(ValidityPattern::Blind(nth)))?;
            let there = Reference {
                kind: &bench.kind,
                setup,
                instance,
                call: call(ValidityPattern::Blind(nth)),
                answer: blind.answer,
            };
            let without =
                varied(&bench.kind, instance, setup, &call(ValidityPattern::Without(nth)), "fewer donors")?;
            let what = "the answer differs between a donor that is left out, because it does not meet the grid, and one without a valid pixel";
            let expected = "donors[k] need not be the k-th that was planned";
            let advice = "ask donors[k].scene_index whose pixels they are";
            there.same(&without.answer, [what, expected, advice])?;
        }
    }
    Ok(())
}

pub fn gaps(bench: &Bench) -> Result<(), End> {
    for made in &bench.comparable()? {
        let reference = Reference::new(bench, made, Call::of(MIDDLE))?;
        for gaps in [Gaps::Some(1), Gaps::Some(2), Gaps::One] {
            let call = Call { gaps, ..reference.call };
            let other = varied(&bench.kind, &made.1, &made.0, &call, "fewer gaps")?;
            let what = "what is filled in depends on which other pixels are gaps";
            reference.same(&other.answer, [what, DEPENDS, "look at `gaps` only for the pixel itself"])?;
        }
    }
    Ok(())
}
