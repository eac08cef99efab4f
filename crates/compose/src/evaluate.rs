//! `compose evaluate`: clear pixels of the target are hidden, filled by each strategy, and compared with the truth.

mod files;
mod holdout;
mod strategies;
mod target;

use crate::args::EvaluateArgs;
use crate::rules::registry;
use crate::survey::fit;
use crate::{screen, stop};
use compose_engine::EngineError;
use compose_evaluate::cases::{self, Case};
use compose_evaluate::table::Report;
use compose_io::text::{LARGEST_TEXT, read_text};
use files::Files;
use holdout::{Filled, Holdout};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use target::Target;

/// Runs every case with every strategy, and tells how they did.
pub fn evaluate(args: &EvaluateArgs) -> Result<ExitCode, EngineError> {
    let cancelled = Arc::new(AtomicBool::new(false));
    let registry = registry(&cancelled, args.quiet);
    let drafts = stop::on_signals(&cancelled, registry.host.busy())?;
    let (cases, text) = cases_of(args)?;
    let (strategies, left_out) = strategies::make(args, &registry)?;
    // The truth is what the masks leave while nothing is hidden.
    let open = fit(&strategies::without_fills(args, &registry)?, &cancelled, args.quiet)?;
    left_out.iter().for_each(|why| tell(args, why));
    let new = |folder| {
        Files::new((folder, drafts), args.overwrite, open.plan.inputs.clone(), args.cases.as_deref())
    };
    let mut files = args.output.as_ref().map(|folder| new(folder)).transpose()?;
    files.iter().flat_map(Files::notes).for_each(|note| tell(args, &format!("note: {note}")));
    open.mask_remarks().iter().for_each(|remark| tell(args, &format!("note: {remark}")));
    let mut rows = Vec::new();
    let jobs = open.jobs.len();
    for job in 0..jobs {
        let target = Target::new(&open, job)?;
        let prefix = if jobs > 1 { format!("{} ", target.id) } else { String::new() };
        for (case, suited) in target.suited(&open, &cases)? {
            let name = format!("{prefix}{}", case.name);
            if let Err(reason) = suited {
                tell(args, &format!("left out: {name}: {reason}"));
                continue;
            }
            tell(args, &format!("case {name}"));
            let holdout = Holdout::new(&target, &open, &case)?;
            let fills: Vec<Filled> =
                strategies.iter().map(|s| holdout.fill(s, &cancelled)).collect::<Result<_, _>>()?;
            if let Some(files) = &mut files {
                files.strip(&name, &holdout, &fills)?;
            }
            rows.extend(holdout.rows(&name, &fills));
        }
    }
    let report = Report::new(open.plan.stack.bands.clone(), rows);
    screen::say(&report.text())?;
    if let Some(files) = files {
        let folder = files.finish(&report, &text)?;
        tell(args, &format!("wrote {}", folder.display()));
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(args: &EvaluateArgs, text: &str) {
    if !args.quiet {
        screen::tell(text);
    }
}

/// The cases, and the text that they were read from.
fn cases_of(args: &EvaluateArgs) -> Result<(Vec<Case>, String), EngineError> {
    let (name, text) = match &args.cases {
        None => ("the built-in cases".to_owned(), cases::DEFAULT.to_owned()),
        Some(path) => (path.display().to_string(), read_text(path, LARGEST_TEXT)?),
    };
    let wrong = |mistakes: Vec<cases::Mistake>| {
        let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        EngineError::Option { option: "--cases".into(), message: lines.join("\n") }
    };
    Ok((cases::parse(&name, &text).map_err(wrong)?, text))
}
