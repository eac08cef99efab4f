//! A run in tiles: the share of this process, and what is said of it.

use crate::args::RunArgs;
use crate::exit_code::INCOMPLETE;
use crate::plan_file::{self, Planned};
use crate::{screen, stop};
use compose_engine::print::first_few;
use compose_engine::run::{Existing, JobReport, Mosaic, Share, TiledRun, TilesReport};
use compose_engine::{Control, EngineError};
use std::process::ExitCode;

/// Carries out the share of this process.
pub fn run(args: &RunArgs, planned: &Planned, control: &Control<'_>) -> Result<ExitCode, EngineError> {
    let Planned { rules, fitted, .. } = planned;
    let units = plan_file::units(planned)?;
    let share = match (&args.part, &args.tile) {
        (Some(part), _) => part.clone(),
        (None, Some(id)) => Share::One(id.clone()),
        (None, None) => Share::All,
    };
    let existing = match (args.resume, args.overwrite) {
        (true, _) => Existing::Resume,
        (false, true) => Existing::Replace,
        (false, false) => Existing::Refuse,
    };
    let tiled = TiledRun { rules, fitted, units: &units, share, existing };
    let early = |error| stop::in_tiles(error, control.drafts);
    let report = tiled.run(control).map_err(early)?;
    let mosaics = tiled.write_mosaics(control).map_err(early)?;
    if !args.quiet {
        tell(&report, &mosaics);
    }
    let gaps = report.counts.iter().flatten().any(JobReport::has_gaps);
    Ok(if args.require_complete && gaps { ExitCode::from(INCOMPLETE) } else { ExitCode::SUCCESS })
}

fn tell(report: &TilesReport, mosaics: &[Mosaic]) {
    report.taken_over.iter().for_each(|note| screen::tell(&format!("note: {note}")));
    if !report.empty.is_empty() {
        let names = first_few(&report.empty);
        screen::tell(&format!("note: no pixel came of {names}: a report is written, and no image"));
    }
    if !report.revised.is_empty() {
        let names = first_few(&report.revised);
        screen::tell(&format!(
            "note: an earlier plan made {names}, and this plan does not change them: they are kept"
        ));
    }
    if !report.removed.is_empty() {
        let names = first_few(&report.removed);
        screen::tell(&format!("note: {names} of an earlier plan were removed: this plan has no such tiles"));
    }
    let of_share = match report.share {
        0 => "no tile is in this share".to_owned(),
        share => format!("{} of {share} tiles written", report.written),
    };
    let also = [
        (report.kept, "were there"),
        (report.revised.len(), "of an earlier plan are still valid"),
        (report.others, "came from other processes"),
    ];
    let also: Vec<String> =
        also.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let also = if also.is_empty() { String::new() } else { format!(" ({})", also.join(", ")) };
    screen::tell(&format!("{of_share}{also}"));
    for (mosaic, tiles) in mosaics.iter().zip(&report.counts) {
        let what = match mosaic.missing {
            0 => "all tiles".to_owned(),
            missing => format!("{missing} tiles are not there yet"),
        };
        screen::tell(&format!("wrote {} ({what})", mosaic.index.display()));
        let counts = mosaic.counts.clone().or_else(|| JobReport::together(tiles));
        counts.iter().for_each(|counts| screen::tell(&counts.to_string()));
    }
}
