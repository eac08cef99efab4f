//! `compose evaluate`: clear pixels of the target are hidden, filled by each strategy, and compared with the truth.

mod files;
mod strategies;
mod target;

use crate::args::EvaluateArgs;
use crate::{screen, stop};
use compose_core::GAP;
use compose_engine::run::compose_hidden;
use compose_engine::{EngineError, Fitted, Hidden};
use compose_evaluate::cases::{self, Case};
use compose_evaluate::metrics::{Compared, Scores};
use compose_evaluate::table::{Report, Row};
use compose_io::text::{LARGEST_TEXT, read_text};
use files::Files;
use ndarray::{Array2, Array3, Axis};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use strategies::{COPY, Strategy};
use target::Target;

/// What stands in hidden pixels: no result may depend on it.
const POISON: f32 = 12345.0;

/// Runs every case with every strategy, and tells how they did.
pub fn evaluate(args: &EvaluateArgs) -> Result<ExitCode, EngineError> {
    let cancelled = Arc::new(AtomicBool::new(false));
    let registry = crate::registry(&cancelled, args.quiet);
    stop::on_signals(&cancelled, registry.host.busy())?;
    let (cases, text) = cases_of(args)?;
    let (strategies, left_out) = strategies::make(args, &registry)?;
    // The truth is what the masks leave while nothing is hidden.
    let open = crate::fit(&strategies::without_fills(args, &registry)?, &cancelled, args.quiet)?;
    left_out.iter().for_each(|why| tell(args, why));
    let new = |folder| Files::new(folder, args.overwrite, open.plan.inputs.clone(), args.cases.as_deref());
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
            let trial = Trial::new(&target, &open, &case)?;
            let fills: Vec<Filled> =
                strategies.iter().map(|s| trial.fill(s, &cancelled)).collect::<Result<_, _>>()?;
            if let Some(files) = &mut files {
                files.strip(&name, &trial, &fills)?;
            }
            rows.extend(trial.rows(&name, &fills));
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

/// One case on one target.
struct Trial<'a> {
    target: &'a Target,
    hidden: Hidden,
    /// 1 where the target is clear and stays as it is.
    clear: Array2<u8>,
}

/// What one strategy made of it.
struct Filled {
    strategy: String,
    /// In the units of the truth, (band, row, col).
    values: Array3<f32>,
    /// 1 where there is a value.
    got: Array2<u8>,
}

impl<'a> Trial<'a> {
    fn new(target: &'a Target, open: &Fitted, case: &Case) -> Result<Self, EngineError> {
        let mask = target.mask_for(open, case)?;
        let pixels = case
            .hide(target.clear.view(), mask.as_ref().map(|mask| mask.view()))
            .map_err(|why| EngineError::Bug(format!("a case that was suited is not: {why}")))?;
        let strip = case.shadow_strip(pixels.view(), target.clear.view());
        let clear = &target.clear - &pixels - &strip;
        let absent = target.donors.iter().copied().skip(case.donors.unwrap_or(usize::MAX)).collect();
        let shadow = case.shadow.map(|part| (strip, part));
        let hidden = Hidden { scene: target.index, pixels, poison: POISON, shadow, absent };
        Ok(Self { target, hidden, clear })
    }

    fn fill(&self, strategy: &Strategy, cancelled: &AtomicBool) -> Result<Filled, EngineError> {
        // No target is left out of a strategy's own plan.
        let job = strategy.plan.jobs.iter().position(|job| job.target == Some(self.target.index));
        let job = job.ok_or_else(|| EngineError::Bug(format!("{} has no target", strategy.name)))?;
        let image = compose_hidden(&strategy.plan, job, &self.hidden, cancelled)?;
        let mut values = image.values;
        self.target.to_units(&mut values);
        let got =
            image.source.map_axis(Axis(0), |planes| u8::from(planes.iter().all(|source| *source != GAP)));
        Ok(Filled { strategy: strategy.name.clone(), values, got })
    }

    /// The figures of every strategy, and the ratio to the plain copy on the pixels that both filled.
    fn rows(&self, case: &str, fills: &[Filled]) -> Vec<Row> {
        let copy = fills.iter().find(|fill| fill.strategy == COPY);
        let row = |fill: &Filled| {
            let scores = self.scores(fill, &fill.got);
            let ratio_to_copy = copy.and_then(|copy| {
                let both = &fill.got & &copy.got;
                if both == fill.got {
                    return scores.ratio_to(&self.scores(copy, &both));
                }
                self.scores(fill, &both).ratio_to(&self.scores(copy, &both))
            });
            Row { case: case.to_owned(), strategy: fill.strategy.clone(), ratio_to_copy, scores }
        };
        fills.iter().map(row).collect()
    }

    fn scores(&self, fill: &Filled, got: &Array2<u8>) -> Scores {
        let compared = Compared {
            truth: self.target.values.view(),
            filled: fill.values.view(),
            hidden: self.hidden.pixels.view(),
            clear: self.clear.view(),
            got: got.view(),
        };
        compared.scores()
    }
}
