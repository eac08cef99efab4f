//! `compose status`: how far the runs of a plan are.

use crate::args::StatusArgs;
use crate::exit_code::INCOMPLETE;
use crate::{plan_file, screen};
use compose_engine::print::first_few;
use compose_engine::run::{OutputStatus, status};
use compose_engine::{EngineError, PlanFile};
use std::process::ExitCode;

/// Says what is done, running and missing.
pub fn show(args: &StatusArgs) -> Result<ExitCode, EngineError> {
    let file = PlanFile::read(&args.plan)?;
    plan_file::go_to(&file, true)?;
    let outputs = status(&file)?;
    for output in &outputs {
        screen::say(&told(output))?;
    }
    let done = outputs.iter().all(OutputStatus::is_done);
    Ok(if done { ExitCode::SUCCESS } else { ExitCode::from(INCOMPLETE) })
}

fn told(of: &OutputStatus) -> String {
    let what = if of.tiled { " tiles" } else { "" };
    let mut text = format!("{}: {} of {}{what} done", of.image.display(), of.done, of.all());
    for (names, what) in
        [(of.running.len(), "running"), (of.missing.len(), "missing"), (of.foreign.len(), "of another plan")]
    {
        if names > 0 {
            text += &format!(", {names} {what}");
        }
    }
    for (name, by) in &of.running {
        text += &format!("\n  running: {name}, by {by}");
    }
    for (what, names) in
        [("missing", &of.missing), ("of another plan", &of.foreign), ("without any pixel", &of.empty)]
    {
        if of.tiled && !names.is_empty() {
            text += &format!("\n  {what}: {}", first_few(names));
        }
    }
    if let Some(counts) = &of.counts {
        text += &format!("\n{counts}");
    }
    text
}
