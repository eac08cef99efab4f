//! `compose`: arguments, messages, exit codes.

mod args;
mod check;
mod evaluate;
mod inspect;
mod kinds;
mod plugin;
mod screen;
mod stop;
mod stray;

use args::{Cli, Command, RunArgs};
use clap::Parser;
use compose_engine::Control;
use compose_engine::run::RunReport;
use compose_engine::{EngineError, Fitted, Options, Plan, Registry, Rules, RulesFile};
use compose_io::access::confine;
use compose_io::text::{LARGEST_TEXT, read_text};
use compose_plugin_host::PluginHost;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Done, but gaps remain and `--require-complete` was given.
const INCOMPLETE: u8 = 1;
/// Refused or failed.
const FAILED: u8 = 2;

fn main() -> ExitCode {
    // Before it is taken for the image to write, or as one word too many.
    if let Some(message) = stray::first_word() {
        screen::tell_error(&EngineError::Stray(message));
        return ExitCode::from(FAILED);
    }
    Cli::try_parse().map_or_else(|said| told(&said), carry_out).unwrap_or_else(|error| {
        screen::tell_error(&error);
        ExitCode::from(FAILED)
    })
}

/// Help, the version, or a mistake in the arguments.
fn told(said: &clap::Error) -> Result<ExitCode, EngineError> {
    screen::say_of_arguments(said)?;
    Ok(if said.use_stderr() { ExitCode::from(FAILED) } else { ExitCode::SUCCESS })
}

fn carry_out(cli: Cli) -> Result<ExitCode, EngineError> {
    match cli.command {
        Some(Command::Check(args)) => check::check(&args),
        Some(Command::Evaluate(args)) => evaluate::evaluate(&args),
        Some(Command::Inspect(args)) => inspect::inspect(&args),
        Some(Command::Kinds(args)) => kinds::show(&args),
        Some(Command::Schema(args)) => kinds::schema(&args),
        Some(Command::Plugin(args)) => plugin::plugin(&args),
        None => run(&cli.run),
    }
}

/// The built-in kinds, and what loads plugins; `cancelled` asks these to stop.
fn registry(cancelled: &Arc<AtomicBool>, quiet: bool) -> Registry {
    let log = move |said: &str| {
        if !quiet {
            screen::tell(&format!("note: {said}"));
        }
    };
    Registry::built_in(PluginHost::new(cancelled.clone(), log))
}

/// Reads and parses a rules file, and loads the plugins that it names. From here on scene files may open what it lets
/// them open, and nothing else.
fn read_rules(path: &Path, registry: &Registry) -> Result<Rules, EngineError> {
    let file = RulesFile { path: path.to_owned(), text: read_text(path, LARGEST_TEXT)? };
    let rules = Rules::parse(file, registry).map_err(EngineError::Rules)?;
    confine(rules.access().map_err(EngineError::Rules)?);
    Ok(rules)
}

fn run(args: &RunArgs) -> Result<ExitCode, EngineError> {
    if let Some(message) = args.positional_output.as_ref().and_then(|word| stray::refused(word.as_os_str())) {
        return Err(EngineError::Stray(message));
    }
    let cancelled = Arc::new(AtomicBool::new(false));
    let registry = registry(&cancelled, args.quiet);
    stop::on_signals(&cancelled, registry.host.busy())?;
    let _watch = registry.host.watch_exit(stop::ended_by_plugin);
    let path = args.rules.as_ref().expect("clap requires --rules");
    let rules = read_rules(path, &registry)?;
    let options = options(args);
    let fitted = fit(&Plan::make(&rules, &options)?, &cancelled, args.quiet)?;
    if args.plan {
        screen::say(&fitted.to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some((x, y)) = args.explain {
        screen::say(&compose_engine::explain(&fitted, x, y)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if args.verbose > 0 {
        screen::tell(&fitted.to_string());
    } else if !args.quiet {
        fitted.notes().iter().for_each(|note| screen::tell(&format!("note: {note}")));
    }
    let bar = screen::progress_bar(args.quiet);
    let control = Control { cancelled: &cancelled, progress: &|p| screen::show(&bar, p) };
    let result = compose_engine::run::run(&rules, &fitted, &control);
    bar.finish_and_clear();
    let report = result?;
    if !args.quiet {
        tell_report(&fitted.plan, &report);
    }
    match report.tiles_decoded {
        _ if args.quiet => {}
        (times, 0) if args.verbose > 0 => screen::tell(&format!("{times} tiles were decoded, each once")),
        (_, 0) => {}
        (times, again) => screen::tell(&format!(
            "{times} tiles were decoded, {again} of them again: a higher --mem-limit saves that"
        )),
    }
    let incomplete = args.require_complete && report.jobs.iter().any(|j| j.has_gaps());
    Ok(if incomplete { ExitCode::from(INCOMPLETE) } else { ExitCode::SUCCESS })
}

/// Takes the survey, with a bar of its own.
fn fit(plan: &Plan, cancelled: &AtomicBool, quiet: bool) -> Result<Fitted, EngineError> {
    let bar = screen::survey_bar(quiet);
    let control = Control { cancelled, progress: &|p| screen::show(&bar, p) };
    let fitted = compose_engine::survey::fit(plan, &control);
    bar.finish_and_clear();
    fitted
}

fn tell_report(plan: &Plan, report: &RunReport) {
    report.taken_over.iter().for_each(|note| screen::tell(&format!("note: {note}")));
    for name in &report.idle_rules {
        let rule = plan.stack.mask_names.iter().position(|n| n == name);
        let does = rule.map_or_else(String::new, |rule| plan.stack.mask_description(rule));
        screen::tell(&format!("note: mask \"{name}\" ({does}) took no pixel of anything that was read"));
    }
    for job in &report.jobs {
        job.remark.iter().for_each(|remark| screen::tell(&format!("note: {remark}")));
        screen::tell(&format!("wrote {}", job.path));
        screen::tell(&job.to_string());
    }
}

fn options(args: &RunArgs) -> Options {
    Options {
        command_line: std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect(),
        output: args.output.clone().or_else(|| args.positional_output.clone()),
        overwrite: args.overwrite,
        plan_only: args.plan || args.explain.is_some(),
        without_output: false,
        quicklook: args.quicklook,
        no_provenance: args.no_provenance,
        threads: threads(args.threads),
        fewer_threads: args.threads.is_none(),
        mem_limit: args.mem_limit,
        force_gdal: args.force_gdal,
        block_size: args.block_size.unwrap_or_default(),
        target: args.target.clone(),
        date: args.date.map(Into::into),
        src_nodata: args.src_nodata,
        bounds: args.bounds,
        bounds_crs: args.bounds_crs.clone(),
        crs: args.dst_crs.clone(),
        resolution: args.res,
        like: args.like.clone(),
        snap: args.tap,
        resampling: args.resampling.clone(),
        format: args.format.clone(),
        dtype: args.dtype.clone(),
        nodata: args.nodata,
        creation_options: args.creation_options.clone(),
    }
}

/// `-j`, else `GDAL_NUM_THREADS`, else one more than there are cores.
fn threads(stated: Option<u16>) -> usize {
    let from_gdal = || std::env::var("GDAL_NUM_THREADS").ok()?.parse::<usize>().ok().filter(|n| *n >= 1);
    // Workers wait for each other's tiles now and then: one more keeps the cores busy.
    let cores = || std::thread::available_parallelism().map_or(1, usize::from) + 1;
    stated.map(usize::from).or_else(from_gdal).unwrap_or_else(cores)
}
