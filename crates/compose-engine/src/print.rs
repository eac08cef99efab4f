//! The plan as text: what will be done, and why.

use crate::fitted::{Fitted, FittedJob};
use crate::plan::specs::rasters;
use crate::plan::{Bytes, Job, RuleId, SceneId, SceneStatus, ScorePieces, Status, Tile};
use crate::survey;
use compose_core::{BoundFill, Grid};
use compose_io::write::RasterSpec;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::path::Path;

/// A halo in pixels from which on a rule is most of the work.
const WIDE: usize = 1500;

impl Fitted {
    /// The role of a scene in one output: `target`, `donor`, `unused`, `skipped`.
    pub fn role(&self, of: &FittedJob, scene: &SceneStatus) -> &'static str {
        let Some(index) = self.plan.stack.find(&scene.id) else {
            return "skipped";
        };
        let job = &of.job;
        if job.target == Some(index) {
            return "target";
        }
        let gives = of.fills.iter().any(|fill| fill.donors().iter().any(|d| d.scene == index.index()));
        match (job.view.scenes[index].overlaps, gives) {
            (false, _) => "skipped",
            (true, true) => "donor",
            (true, false) => "unused",
        }
    }

    /// The conversion of a scene's numbers to the target's.
    pub fn radiometry_text(&self, job: &Job, scene: SceneId) -> String {
        let bands = &self.plan.stack.facts[scene].bands;
        let converted = job.view.scenes[scene].radiometry.iter().zip(bands);
        let texts: Vec<String> = converted
            .filter_map(|(r, band)| r.map(|(gain, bias)| format!("{}: number × {gain} + {bias}", band.name)))
            .collect();
        if !texts.is_empty() {
            let reference = &self.plan.stack.facts[job.reference()].id;
            return format!("converted to the numbers of {reference}: {}", texts.join(", "));
        }
        let known = bands[..self.plan.stack.bands.len()].iter().any(|b| b.scale_offset.is_some());
        if known { "as stored".into() } else { "as stored; scale and offset are unknown".into() }
    }

    /// Remarks that the user should see: doubtful value lists, ignored donor masks, files passed over.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.plan.stack.notes.clone();
        notes.extend(self.notes.clone());
        notes.extend(self.mask_remarks());
        notes.extend(self.plan.stack.widest_rule().filter(|(_, halo)| *halo > WIDE).map(|(name, halo)| {
            format!("mask \"{name}\" looks {halo} px around every block, which is most of the work")
        }));
        for of in &self.jobs {
            notes.extend(self.resampled_target(&of.job));
            notes.extend(of.fills.iter().flat_map(|fill| fill.notes()));
            // Known only after the survey, which tells each rule its scenes to compare with.
            notes.extend(of.masks.notes());
        }
        let mut seen = std::collections::HashSet::new();
        notes.retain(|n| seen.insert(n.clone()));
        notes
    }

    /// Warns where the target is resampled: its observed pixels are then not the measured values.
    fn resampled_target(&self, job: &Job) -> Option<String> {
        let how = job.resampled.as_ref()?;
        let id = &self.plan.stack.facts[job.target?].id;
        let advice = if job.on_resolution_multiples {
            "; without snap (--tap) the grid keeps to the target's pixels"
        } else {
            ""
        };
        Some(format!("scene {id}, the target: {how}: its observed values are computed, not copied{advice}"))
    }

    fn print_scenes(&self, out: &mut String, of: &FittedJob) -> fmt::Result {
        let job = &of.job;
        for found in &self.plan.stack.statuses {
            let day = found.day.map_or_else(|| "no date   ".to_owned(), |d| d.to_string());
            write!(out, "  {day}  {:<8} {}", self.role(of, found), found.id)?;
            if let Status::Skipped(reason) = &found.status {
                write!(out, "  ({reason})")?;
            }
            writeln!(out)?;
            let Some(index) = self.plan.stack.find(&found.id) else { continue };
            for group in &job.view.scenes[index].groups {
                writeln!(out, "      {}", group.reason)?;
            }
            for reason in self.plan.stack.mask_alignments(index) {
                writeln!(out, "      {reason}")?;
            }
            if job.view.scenes[index].radiometry.iter().any(Option::is_some) {
                writeln!(out, "      {}", self.radiometry_text(job, index))?;
            }
        }
        Ok(())
    }

    fn print_job(&self, out: &mut String, of: &FittedJob) -> fmt::Result {
        let job = &of.job;
        let grid: &Grid = &job.view.grid;
        writeln!(out, "output {}", job.output.path.display())?;
        let nodata = job.cast.nodata.map_or_else(|| "none".to_owned(), |n| n.to_string());
        writeln!(
            out,
            "  {} bands ({}), {}, nodata {nodata}",
            self.plan.stack.bands.len(),
            self.plan.stack.bands.join(", "),
            job.cast.dtype
        )?;
        writeln!(out, "  grid: {grid}\n        {}", job.grid_reason)?;
        self.print_size(out, job)?;
        self.print_area(out, job)?;
        if let Some(masked) = &of.masked {
            writeln!(out, "  target: {}", masked.words())?;
        }
        if let Some(day) = job.target_day {
            writeln!(out, "  dates are measured from {day}")?;
        }
        writeln!(out, "scenes")?;
        self.print_scenes(out, of)?;
        writeln!(out, "fills, in order")?;
        if job.fills.is_empty() {
            writeln!(out, "  none: masked pixels stay open")?;
        }
        for (number, (stage, fill)) in job.fills.iter().zip(&of.fills).enumerate() {
            let donors: Vec<&str> =
                fill.donors().iter().map(|d| self.plan.stack.facts[d.scene].id.as_str()).collect();
            writeln!(
                out,
                "  {} {}: {} donor{}",
                number + 1,
                stage.name,
                donors.len(),
                if donors.len() == 1 { "" } else { "s" }
            )?;
            for donor in donors {
                writeln!(out, "      {donor}")?;
            }
            for (scene, reason) in fill.skipped() {
                writeln!(out, "      skipped {}: {reason}", self.plan.stack.facts[scene].id)?;
            }
            self.print_fit_summary(out, &**fill)?;
        }
        if let Some(lattice) = of.lattice {
            writeln!(out, "{lattice}")?;
        }
        Ok(())
    }

    /// Pixels and bytes of what is written.
    fn print_size(&self, out: &mut String, job: &Job) -> fmt::Result {
        let pixels = job.view.grid.width as f64 * job.view.grid.height as f64;
        let rasters = rasters(&self.plan.stack, job, &self.plan.plugins, self.plan.memory.compressors);
        let of = |spec: &RasterSpec| pixels * (spec.bands.len() * spec.dtype.bytes()) as f64;
        let (image, all) = (Bytes(of(&rasters[0])), Bytes(rasters.iter().map(of).sum()));
        let (width, height) = (job.view.grid.width, job.view.grid.height);
        writeln!(out, "  size: {width} × {height} pixels, image {image}, all rasters {all}, uncompressed")?;
        self.print_tiles(out, job)
    }

    /// The area, and how much of the grid it takes.
    fn print_area(&self, out: &mut String, job: &Job) -> fmt::Result {
        let Some((area, source)) = job.area.as_ref().zip(self.plan.stack.area.as_ref()) else {
            return Ok(());
        };
        let all = job.view.grid.width as f64 * job.view.grid.height as f64;
        let (polygons, plural) = (area.polygons, if area.polygons == 1 { "" } else { "s" });
        let how = if source.touch { "are touched" } else { "have their centre inside" };
        let share = 100.0 * area.pixels as f64 / all;
        writeln!(out, "  area: {}: {polygons} polygon{plural}", source.told())?;
        writeln!(out, "        {} pixels {how}, {share:.1} % of the grid; the others are nodata", area.pixels)
    }

    /// The tiles, and which of them are left out.
    fn print_tiles(&self, out: &mut String, job: &Job) -> fmt::Result {
        let Some(tiling) = &job.tiling else { return Ok(()) };
        let ((width, height), (across, down)) = (tiling.size, tiling.count);
        write!(out, "  tiles: {across} × {down} of {width} × {height} pixels")?;
        if let Some(how) = &tiling.rounded {
            write!(out, " ({how})")?;
        }
        let reached: BTreeSet<Tile> = job.tiles().collect();
        let empty: Vec<String> =
            tiling.tiles().filter(|tile| !reached.contains(tile)).map(|tile| tiling.id(tile)).collect();
        if !empty.is_empty() {
            let what = if job.area.is_some() { "no scene or no part of the area" } else { "no scene" };
            write!(out, "; {} that {what} reaches are not written: {}", empty.len(), first_few(&empty))?;
        }
        let surveyed = surveyed(job);
        if surveyed > 0 {
            write!(out, "; every tile depends on the {surveyed} scenes that the survey reads")?;
        }
        writeln!(out)
    }

    /// The fit summary of a strategy, in short; the sidecar has all coefficients.
    fn print_fit_summary(&self, out: &mut String, fill: &dyn BoundFill) -> fmt::Result {
        let Some(fit_summary) = fill.fit_summary() else { return Ok(()) };
        for (nth, (scene, how)) in fit_summary.ranking.iter().enumerate() {
            writeln!(out, "      rank {}: {}, {how}", nth + 1, self.plan.stack.facts[*scene].id)?;
        }
        writeln!(out, "      {} regressions", fit_summary.models.len())?;
        for why in &fit_summary.fallbacks {
            writeln!(out, "      fallback: {why}")?;
        }
        Ok(())
    }

    fn print(&self, out: &mut String) -> fmt::Result {
        for of in &self.jobs {
            self.print_job(out, of)?;
        }
        writeln!(out, "masks (any of them makes a pixel unusable)")?;
        for (rule, name) in self.plan.stack.mask_names.iter().enumerate() {
            writeln!(out, "  {name}: {}", self.plan.stack.mask_description(RuleId(rule)))?;
        }
        if self.plan.stack.mask_names.is_empty() {
            writeln!(out, "  none: only nodata is unusable")?;
        }
        for plugin in &self.plan.plugins {
            writeln!(out, "plugin {}", plugin.path.display())?;
            writeln!(out, "  supplies {}", plugin.describe().join(", "))?;
            writeln!(out, "  SHA-256 {}", plugin.sha256)?;
        }
        for note in self.notes() {
            writeln!(out, "note: {note}")?;
        }
        self.print_memory(out)
    }

    /// The number of files read without GDAL, and the reasons for the others.
    fn print_readers(&self, out: &mut String) -> fmt::Result {
        let mut files: BTreeMap<&Path, Option<&str>> = BTreeMap::new();
        files.extend(self.plan.stack.refs_read().map(|band| (band.path.as_path(), band.left_to_gdal())));
        let direct = files.values().filter(|why| why.is_none()).count();
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        let by_gdal = files.len() - direct;
        writeln!(out, "reading: {direct} file{} directly, {by_gdal} by GDAL", plural(direct))?;
        let mut reasons: BTreeMap<&str, Vec<&Path>> = BTreeMap::new();
        for (path, why) in &files {
            if let Some(why) = why {
                reasons.entry(why).or_default().push(path);
            }
        }
        for (why, paths) in reasons {
            writeln!(out, "  by GDAL: {why}")?;
            for path in paths {
                writeln!(out, "      {}", path.display())?;
            }
        }
        Ok(())
    }

    fn print_memory(&self, out: &mut String) -> fmt::Result {
        self.print_readers(out)?;
        let m = &self.plan.memory;
        let mb = |bytes: u64| bytes.div_ceil(1 << 20);
        writeln!(
            out,
            "memory: limit {} MB; {} workers × {} MB, writer {} MB, shared tiles {} MB",
            mb(m.limit),
            m.threads,
            mb(m.per_worker),
            mb(m.writer),
            mb(m.tiles)
        )?;
        for of in &self.jobs {
            let order = &of.job.order;
            let (width, height) = order.block;
            let of_tile = if of.job.tiling.is_some() { " (of the costliest tile)" } else { "" };
            write!(out, "order{of_tile}: blocks of {width}×{height} px")?;
            if order.regions.len() > 1 {
                let first = order.regions[0];
                write!(out, " in {} regions of {}×{} px", order.regions.len(), first.width, first.height)?;
            }
            if let Some(ScorePieces { size: (width, height), .. }) = order.score_pieces {
                write!(out, ", scores in pieces of {width}×{height} px")?;
            }
            if order.keeps_masks() {
                write!(out, ", one band after the other")?;
            }
            if order.validity_first {
                write!(out, " when all have been judged")?;
            }
            writeln!(out, "; {}", order.decoding())?;
            let met = if of.job.area.is_some() { "a scene and the area" } else { "a scene" };
            if let Some(said) = order.left_out(met) {
                writeln!(out, "       {said}")?;
            }
        }
        Ok(())
    }
}

/// The number of scenes that a survey reads.
fn surveyed(job: &Job) -> usize {
    let scenes = survey::compared(job).into_iter().chain(survey::surveyed(job));
    scenes.collect::<BTreeSet<SceneId>>().len()
}

/// The first few names, and how many more there are.
pub fn first_few(names: &[String]) -> String {
    const FEW: usize = 5;
    let first = names[..names.len().min(FEW)].join(", ");
    if names.len() > FEW { format!("{first} and {} more", names.len() - FEW) } else { first }
}

impl fmt::Display for Fitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        self.print(&mut out)?;
        f.write_str(out.trim_end())
    }
}
