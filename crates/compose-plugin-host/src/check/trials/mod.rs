//! The trials, in the order in which they are done.

mod pixels;
mod threads;
mod words;

use super::bench::Bench;
use super::stop::End;
use crate::open::KindSort;

/// A trial.
pub struct Trial {
    pub name: &'static str,
    /// Whether it is for fill strategies alone.
    fills_only: bool,
    pub run: fn(&Bench) -> Result<(), End>,
}

impl Trial {
    pub fn is_for(&self, sort: KindSort) -> bool {
        !self.fills_only || sort == KindSort::Fill
    }
}

const fn trial(name: &'static str, run: fn(&Bench) -> Result<(), End>) -> Trial {
    Trial { name, fills_only: false, run }
}

/// In the order in which they are done: what later ones build upon comes first.
pub const TRIALS: [Trial; 18] = [
    trial("descriptor", words::descriptor),
    trial("settings", words::settings),
    trial("plan", words::plan),
    trial("facts", words::facts),
    trial("written", pixels::written),
    trial("repeat", pixels::repeat),
    trial("guards", pixels::guards),
    trial("fences", pixels::fences),
    trial("halo", pixels::halo),
    trial("strides", pixels::strides),
    trial("invalid", pixels::invalid),
    trial("masked", pixels::masked),
    trial("blocks", pixels::blocks),
    trial("one", pixels::one),
    Trial { name: "gaps", fills_only: true, run: pixels::gaps },
    Trial { name: "left-out", fills_only: true, run: pixels::left_out },
    trial("threads", threads::threads),
    trial("cancelled", threads::cancelled),
];
