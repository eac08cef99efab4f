//! The survey, with a bar of its own.

use crate::{heap, screen};
use compose_engine::{Control, EngineError, Fitted, Plan};
use compose_io::files::Drafts;
use std::sync::atomic::AtomicBool;

/// Samples whole scenes, and fits the kinds of the plan to them.
pub fn fit(plan: &Plan, cancelled: &AtomicBool, quiet: bool) -> Result<Fitted, EngineError> {
    let bar = screen::survey_bar(quiet);
    // A survey writes no file.
    let control = Control { cancelled, progress: &|p| screen::show(&bar, p), drafts: &Drafts::default() };
    let fitted = compose_engine::survey::fit(plan, &control);
    bar.finish_and_clear();
    heap::give_back();
    fitted
}
