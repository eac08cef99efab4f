//! A plan in tiles: which of them this process carries out, which are there already, which others are at work on.
//!
//! Every tile is a run of its own: drafts, a report with hashes, names. So any number of processes can work on one folder,
//! and one that is killed loses the tile in hand at most. A tile whose report has this plan's hash and whose files are
//! whole is done, whoever wrote it.

use super::files::carry_out;
use super::report::JobReport;
use super::set::{self, Look};
use super::share::{Share, shares};
use super::tile_state::{TileRecord, TileState, state_of};
use crate::control::{Control, Progress};
use crate::error::EngineError;
use crate::fitted::{Fitted, Unit};
use crate::plan::{OutputPlan, Tile};
use crate::rules::Rules;

use compose_io::files::{Claim, Locks, Naming, commit_all, text_file};
use compose_io::write::WriteError;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often a tile that another process works on is looked at.
const PATIENCE: Duration = Duration::from_millis(200);

/// What becomes of tiles that are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Those of this plan are kept, and any other is refused before the first is begun.
    Refuse,
    /// Those of this plan that are whole are kept, and all others done again.
    Resume,
    /// All are done again.
    Replace,
}

/// What is carried out.
pub struct TiledRun<'a> {
    /// The rules.
    pub rules: &'a Rules,
    /// The plan with the results of its survey.
    pub fitted: &'a Fitted,
    /// Every tile that may have pixels.
    pub units: &'a [Unit],
    /// The share of this process.
    pub share: Share,
    /// What becomes of tiles that are there.
    pub existing: Existing,
}

/// What was done.
#[derive(Clone, Debug, Default)]
pub struct TilesReport {
    /// Tiles of the share.
    pub share: usize,
    /// Tiles that this process wrote.
    pub written: usize,
    /// Those of them without any pixel: they have a report and no image.
    pub empty: Vec<String>,
    /// Tiles that were there already.
    pub kept: usize,
    /// Those of them that an earlier plan made, and that are the same in this one.
    pub revised: Vec<String>,
    /// Tiles of an earlier plan that this one does not have: they were removed.
    pub removed: Vec<String>,
    /// Tiles that another process wrote meanwhile.
    pub others: usize,
    /// Per output: the counts of the tiles of the share.
    pub counts: Vec<Vec<JobReport>>,
    /// Earlier runs that were killed, and what they left.
    pub taken_over: Vec<String>,
}

impl TiledRun<'_> {
    /// Carries out the share; files of a tile appear under their names when the tile is whole.
    ///
    /// # Errors
    /// A tile of another plan is in the way; reading, composing or writing fails. Tiles that are whole by then stay.
    pub fn run(&self, control: &Control<'_>) -> Result<TilesReport, EngineError> {
        self.refuse_foreign_mosaics()?;
        let mine = self.chosen()?;
        let mut report = TilesReport { share: mine.len(), ..TilesReport::default() };
        report.counts = self.fitted.jobs.iter().map(|_| Vec::new()).collect();
        report.removed = self.remove_others(control)?;
        let mut work = Vec::new();
        for unit in mine {
            if self.existing == Existing::Replace {
                work.push(unit);
                continue;
            }
            match self.state(unit, Look::Contents) {
                TileState::Done(record) => self.keep(unit, *record, control, &mut report)?,
                TileState::Other(..) if self.existing == Existing::Refuse => {
                    self.refuse_if_in_the_way(unit, control)?;
                    work.push(unit);
                }
                _ => work.push(unit),
            }
        }
        self.carry_out(work, control, &mut report)?;
        Ok(report)
    }

    /// Refuses what is in the place of a tile, unless another process is just giving the tile its names, or died while it
    /// did.
    fn refuse_if_in_the_way(&self, unit: &Unit, control: &Control<'_>) -> Result<(), EngineError> {
        control.drafts.next_set()?;
        let claim = Locks::try_take(self.output(unit).files(), control.drafts)?;
        let Claim::Ours(locks) = claim else { return Ok(()) };
        match self.state(unit, Look::Contents) {
            TileState::Other(why, record) if locks.notes().is_empty() || !is_of(record.as_deref(), unit) => {
                Err(EngineError::Tile { tile: unit.identity.id.clone(), why })
            }
            _ => Ok(()),
        }
    }

    /// Keeps a tile that is whole; what a process left that was killed behind its last name goes.
    fn keep(
        &self,
        unit: &Unit,
        record: TileRecord,
        control: &Control<'_>,
        report: &mut TilesReport,
    ) -> Result<(), EngineError> {
        let output = self.output(unit);
        if Locks::are_there(output.files()) {
            control.drafts.next_set()?;
            if let Claim::Ours(locks) = Locks::try_take(output.files(), control.drafts)? {
                report.taken_over.extend(locks.notes().iter().cloned());
            }
        }
        if record.tile.plan != unit.identity.plan {
            self.revise(unit, &record.tile.plan, control)?;
            report.revised.push(unit.identity.id.clone());
        }
        report.kept += 1;
        report.counts[unit.output].push(record.result);
        Ok(())
    }

    /// The tiles of the share.
    fn chosen(&self) -> Result<Vec<&Unit>, EngineError> {
        let cost = |unit: &Unit| self.fitted.jobs[unit.output].job.cost_in_area(unit.tile);
        let costs: Vec<u64> = self.units.iter().map(cost).collect();
        match &self.share {
            Share::All => Ok(self.units.iter().collect()),
            Share::Part { number, of } => {
                let shares = shares(&costs, *of);
                let mine = self.units.iter().zip(shares).filter(|(_, share)| share + 1 == *number);
                Ok(mine.map(|(unit, _)| unit).collect())
            }
            Share::One(id) => {
                match self.units.iter().filter(|unit| unit.identity.id == *id).collect::<Vec<_>>() {
                    none if none.is_empty() => Err(self.no_such_tile(id)),
                    found => Ok(found),
                }
            }
        }
    }

    /// Why there is no tile of this name to be done.
    fn no_such_tile(&self, id: &str) -> EngineError {
        let tilings = || self.fitted.jobs.iter().filter_map(|of| of.job.tiling.as_ref());
        let message = match tilings().next() {
            Some(tiling) if tilings().any(|tiling| tiling.find(id).is_some()) => {
                let (across, down) = tiling.count;
                let area = self.fitted.jobs.iter().any(|of| of.job.area.is_some());
                let what = if area { "no scene, or no part of the area," } else { "no scene" };
                format!("{what} reaches tile {id} of {across} × {down}, so it is not written")
            }
            Some(tiling) => {
                let last = Tile { row: tiling.count.1 - 1, col: tiling.count.0 - 1 };
                let first = tiling.id(Tile { row: 0, col: 0 });
                format!("there is no tile \"{id}\"; expected one from {first} to {}", tiling.id(last))
            }
            None => "[grid] has no tile-size, so there are no tiles".to_owned(),
        };
        EngineError::Option { option: "--tile".into(), message }
    }

    /// The files of a tile.
    fn output(&self, unit: &Unit) -> OutputPlan {
        self.fitted.jobs[unit.output].job.output.for_tile(&unit.identity.id)
    }

    fn state(&self, unit: &Unit, look: Look) -> TileState {
        state_of(self.output(unit).files_by_setting(), &unit.identity, look)
    }

    /// Writes the hash of this plan into the report of a tile that an earlier plan made, which is the same in this one.
    fn revise(&self, unit: &Unit, earlier: &str, control: &Control<'_>) -> Result<(), EngineError> {
        let output = self.output(unit);
        let Some(report) = output.sidecar.as_deref() else { return Ok(()) };
        control.drafts.next_set()?;
        let Claim::Ours(mut locks) = Locks::try_take([report], control.drafts)? else { return Ok(()) };
        let text = std::fs::read_to_string(report)
            .map_err(|cause| EngineError::Sidecar { path: report.to_owned(), cause })?;
        let text = text.replacen(&quoted(earlier), &quoted(&unit.identity.plan), 1);
        let pending = vec![text_file(report, &text, control.drafts)?];
        let inputs = &self.fitted.plan.inputs;
        Ok(commit_all(pending, Naming { overwrite: true, inputs, locks: &mut locks, named: &|_| () })?)
    }

    /// Does tile after tile. Those that other processes are at work on come last: they may be done by then.
    fn carry_out(
        &self,
        mut work: Vec<&Unit>,
        control: &Control<'_>,
        report: &mut TilesReport,
    ) -> Result<(), EngineError> {
        let total = work.iter().map(|unit| self.pixels(unit)).sum();
        let mut done = 0;
        let mut waits = false;
        while !work.is_empty() {
            if waits {
                std::thread::sleep(PATIENCE);
            }
            let mut later = Vec::new();
            for unit in work {
                if control.cancelled.load(Ordering::Relaxed) {
                    return Err(EngineError::Interrupted);
                }
                let progress = |of_tile: Progress| {
                    (control.progress)(Progress { done: done + of_tile.done.min(self.pixels(unit)), total });
                };
                let control = Control { progress: &progress, ..*control };
                if self.one(unit, waits, &control, report)? {
                    done += self.pixels(unit);
                } else {
                    later.push(unit);
                }
            }
            (work, waits) = (later, true);
        }
        Ok(())
    }

    fn pixels(&self, unit: &Unit) -> u64 {
        let job = &self.fitted.jobs[unit.output].job;
        job.tiling.as_ref().map_or(0, |tiling| tiling.window(unit.tile, &job.view.grid).pixels() as u64)
    }

    /// Does a tile; false where another process is at work on it. `again`: it was another's before.
    fn one(
        &self,
        unit: &Unit,
        again: bool,
        control: &Control<'_>,
        report: &mut TilesReport,
    ) -> Result<bool, EngineError> {
        let output = self.output(unit);
        control.drafts.next_set()?;
        let mut locks = match Locks::try_take(output.files(), control.drafts)? {
            Claim::Ours(locks) => locks,
            Claim::Others(_) => return Ok(false),
        };
        report.taken_over.extend(locks.notes().iter().cloned());
        // It may have been finished since it was looked at.
        let keeps = again || self.existing != Existing::Replace;
        let look = if keeps { Look::Contents } else { Look::Lengths };
        let (overwrite, earlier) = match self.state(unit, look) {
            TileState::Done(record) if keeps => {
                report.others += 1;
                report.counts[unit.output].push(record.result);
                return Ok(true);
            }
            TileState::Done(record) => (true, Some(record)),
            TileState::Absent => (self.existing != Existing::Refuse, None),
            // What a process left of this tile that died meanwhile is in nobody's way.
            TileState::Other(why, record)
                if self.existing == Existing::Refuse && !is_of(record.as_deref(), unit) =>
            {
                return Err(EngineError::Tile { tile: unit.identity.id.clone(), why });
            }
            TileState::Other(_, record) => (true, record),
        };
        let narrowed = self.fitted.narrowed(unit.output, unit.tile, unit.identity.clone(), overwrite)?;
        let old = earlier.map_or_else(Vec::new, |earlier| old_files(&output, &earlier));
        let mut done = match carry_out(self.rules, &narrowed, control, &mut locks, &|_| ()) {
            // Another process took us for dead, and removed our drafts: whatever failed, the tile is that process's.
            Err(_) if matches!(locks.beat(), Err(WriteError::TakenOver { .. })) => return Ok(false),
            done => done?,
        };
        let counts = done.jobs.swap_remove(0);
        let images: Vec<&Path> =
            output.files().filter(|file| Some(*file) != output.sidecar.as_deref()).collect();
        old.iter().filter(|file| !images.contains(&file.as_path())).try_for_each(|file| self.remove(file))?;
        if counts.blank {
            report.empty.push(unit.identity.id.clone());
            images.into_iter().try_for_each(|file| self.remove(file))?;
        }
        report.written += 1;
        report.counts[unit.output].push(counts);
        Ok(true)
    }
}

/// Whether a report is of this tile as this plan makes it.
fn is_of(record: Option<&TileRecord>, unit: &Unit) -> bool {
    record.is_some_and(|record| record.tile.hash == unit.identity.hash)
}

/// What an earlier run wrote beside the image of a tile.
fn old_files(output: &OutputPlan, earlier: &TileRecord) -> Vec<PathBuf> {
    output.sidecar.as_deref().map_or_else(Vec::new, |report| earlier.own(report, set::beside(&output.path)))
}

/// A text as it stands in JSON, where nothing in it needs an escape.
fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}
