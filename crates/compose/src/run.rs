//! A run: the plan, the survey, the pixels, and what is said of them.

use crate::args::{RunArgs, threads};
use crate::exit_code::INCOMPLETE;
use crate::plan_file::{self, Planned};
use crate::rules::{read_rules, refuse_tile_options, registry};
use crate::survey::fit;
use crate::{screen, stop, tiles, unknown_word};
use compose_engine::plan::RuleId;
use compose_engine::run::RunReport;
use compose_engine::{Control, EngineError, Options, Plan};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Does a run, or shows its plan, or explains a pixel.
pub fn run(args: &RunArgs) -> Result<ExitCode, EngineError> {
    if let Some(message) =
        args.positional_output.as_ref().and_then(|word| unknown_word::refused(word.as_os_str()))
    {
        return Err(EngineError::Stray(message));
    }
    let cancelled = Arc::new(AtomicBool::new(false));
    let registry = registry(&cancelled, args.quiet);
    let drafts = stop::on_signals(&cancelled, registry.host.busy())?;
    let _watch = registry.host.watch_exit(stop::ended_by_plugin);
    let planned = match &args.from_plan {
        Some(path) => plan_file::read(path, options(args), &registry, args)?,
        None => {
            let path = args.rules.as_ref().expect("clap requires --rules or --from-plan");
            let (rules, options) = (read_rules(path, &registry)?, options(args));
            refuse_tile_options(args, &rules)?;
            let fitted = fit(&Plan::make(&rules, &options)?, &cancelled, args.quiet)?;
            Planned { rules, options, fitted }
        }
    };
    if let Some(path) = &args.save_plan {
        plan_file::save(path, &planned, &drafts, args)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Planned { rules, fitted, .. } = &planned;
    if args.plan {
        screen::say(&fitted.to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some((x, y)) = args.explain {
        screen::say(&compose_engine::explain(fitted, x, y)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if args.verbose > 0 {
        screen::tell(&fitted.to_string());
    } else if !args.quiet {
        fitted.notes().iter().for_each(|note| screen::tell(&format!("note: {note}")));
    }
    let bar = screen::progress_bar(args.quiet);
    let control = Control { cancelled: &cancelled, progress: &|p| screen::show(&bar, p), drafts: &drafts };
    if fitted.plan.jobs.iter().any(|job| job.tiling.is_some()) {
        let result = tiles::run(args, &planned, &control);
        bar.finish_and_clear();
        return result;
    }
    let result = compose_engine::run::run(rules, fitted, &control);
    bar.finish_and_clear();
    let report = result?;
    if !args.quiet {
        tell_report(&fitted.plan, &report);
    }
    tell_decodes(args, &report);
    let incomplete = args.require_complete && report.jobs.iter().any(|j| j.has_gaps());
    Ok(if incomplete { ExitCode::from(INCOMPLETE) } else { ExitCode::SUCCESS })
}

/// Says how often tiles of the inputs were decoded.
fn tell_decodes(args: &RunArgs, report: &RunReport) {
    if report.bytes_waited > 0 && args.verbose > 0 {
        let waited = report.bytes_waited.div_ceil(1 << 20);
        screen::tell(&format!("{waited} MB of decoded tiles waited in a scratch file"));
    }
    match report.tiles_decoded {
        _ if args.quiet => {}
        (times, 0) if args.verbose > 0 => screen::tell(&format!("{times} tiles were decoded, each once")),
        (_, 0) => {}
        (times, again) => screen::tell(&format!(
            "{times} tiles were decoded, {again} of them again: a higher --mem-limit saves that"
        )),
    }
}

fn tell_report(plan: &Plan, report: &RunReport) {
    report.taken_over.iter().for_each(|note| screen::tell(&format!("note: {note}")));
    for name in &report.idle_rules {
        let rule = plan.stack.mask_names.iter().position(|n| n == name);
        let does = rule.map_or_else(String::new, |rule| plan.stack.mask_description(RuleId(rule)));
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
        plan_only: args.plan || args.explain.is_some() || args.save_plan.is_some(),
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
        area: args.area.area.clone(),
        area_layer: args.area.area_layer.clone(),
        area_filter: args.area.area_filter.clone(),
        area_touch: args.area.area_touch,
        snap: args.tap,
        resampling: args.resampling.clone(),
        format: args.format.clone(),
        dtype: args.dtype.clone(),
        nodata: args.nodata,
        creation_options: args.creation_options.clone(),
        earlier: None,
    }
}
