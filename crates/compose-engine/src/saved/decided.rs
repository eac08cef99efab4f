//! What a plan decided, for a plan file.

use super::form::*;
use super::{found, surveyed};
use crate::error::EngineError;
use crate::fitted::Fitted;
use crate::options::Options;
use crate::plan::{Job, Plan, SceneId, ScenePlan, Stage, Tiling, like_files};
use crate::rules::Rules;
use crate::survey;
use compose_core::{Grid, Window};
use compose_io::align::Alignment;
use compose_io::header::Fingerprint;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Coordinate systems, each once.
#[derive(Default)]
struct Systems(Vec<String>);

impl Systems {
    fn grid(&mut self, of: &Grid) -> SavedGrid {
        let t = of.transform;
        SavedGrid {
            width: of.width,
            height: of.height,
            transform: [t.x0, t.dx, 0.0, t.y0, 0.0, t.dy],
            system: of.crs.as_ref().map(|crs| self.place(&crs.wkt)),
        }
    }

    fn place(&mut self, wkt: &str) -> usize {
        self.0.iter().position(|known| known == wkt).unwrap_or_else(|| {
            self.0.push(wkt.to_owned());
            self.0.len() - 1
        })
    }
}

impl SavedPlan {
    /// All that a plan file holds of a fitted plan. `folder` is the working folder, from which relative paths start.
    ///
    /// # Errors
    /// The name of a file is not UTF-8, or a file is gone.
    pub fn of(folder: &Path, rules: &Rules, options: &Options, fitted: &Fitted) -> Result<Self, EngineError> {
        let survey = surveyed::kept(fitted);
        Ok(Self { survey, ..Self::decided(folder, rules, options, &fitted.plan)? })
    }

    /// The same without what the survey found.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub(super) fn decided(
        folder: &Path,
        rules: &Rules,
        options: &Options,
        plan: &Plan,
    ) -> Result<Self, EngineError> {
        let mut systems = Systems::default();
        let scenes = scenes(plan, &mut systems);
        let (bytes, blocks) = plan.of_one_worker(options)?;
        let outputs = plan.jobs.iter().map(|job| output(plan, job, &mut systems)).collect();
        let plugin = |of: &&'static compose_plugin_host::Plugin| SavedPlugin {
            file: of.path.clone(),
            sha256: of.sha256.clone(),
        };
        let like = like_files(rules, options).into_iter().map(|file| {
            let state = Fingerprint::of(&file)?;
            Ok(file_state(&file, &state))
        });
        let of_area = plan.stack.area.iter().flat_map(|area| area.watched.files());
        let area = of_area.map(|(file, state)| file_state(file, state)).collect();
        let decided = Self {
            plan_version: PLAN_VERSION,
            made_by: MadeBy { compose: env!("CARGO_PKG_VERSION").into(), gdal: compose_io::gdal_version() },
            folder: folder.to_owned(),
            rules: SavedRules { file: rules.file.path.clone(), text: rules.file.text.clone() },
            options: SavedOptions::of(options),
            plugins: plan.plugins.iter().map(plugin).collect(),
            like: like.collect::<Result<_, EngineError>>()?,
            area,
            found: found::kept(&plan.stack.found),
            documents: plan.stack.found.documents.clone(),
            passed_over: plan.stack.found.notes.clone(),
            bands: plan.stack.bands.clone(),
            validity: if plan.stack.validity.planes(2) == 1 { "joint".into() } else { "per-band".into() },
            scenes,
            outputs,
            systems: systems.0,
            work: SavedWork { bytes, blocks },
            survey: SavedSurvey { nodata: Vec::new(), notes: Vec::new(), outputs: Vec::new() },
        };
        decided.refuse_paths()?;
        Ok(decided)
    }

    /// Refuses paths that JSON cannot say.
    fn refuse_paths(&self) -> Result<(), EngineError> {
        let of_found =
            self.found.iter().flat_map(|scene| scene.files.iter().map(|file| &file.file).chain(&scene.mtl));
        let of_scenes = self.scenes.iter().flat_map(|scene| scene.files.iter().map(|file| &file.file));
        let written = self.outputs.iter().flat_map(|output| output.files.iter().map(|file| &file.file));
        let others = [&self.folder, &self.rules.file].into_iter().chain(&self.documents);
        let plugins = self.plugins.iter().map(|plugin| &plugin.file);
        let like = self.like.iter().chain(&self.area).map(|file| &file.file);
        let mut all = of_found.chain(of_scenes).chain(written).chain(others).chain(plugins).chain(like);
        match all.find(|path| path.to_str().is_none()) {
            None => Ok(()),
            Some(path) => Err(EngineError::Plan {
                path: path.clone(),
                message: "its name is not UTF-8, and a plan file cannot say it; rename it".into(),
            }),
        }
    }
}

impl SavedOptions {
    /// The options that stand above the rules file.
    fn of(options: &Options) -> Self {
        Self {
            output: options.output.clone(),
            quicklook: options.quicklook,
            no_provenance: options.no_provenance,
            target: options.target.clone(),
            date: options.date.map(|day| day.to_string()),
            src_nodata: options.src_nodata,
            bounds: options.bounds,
            bounds_crs: options.bounds_crs.clone(),
            dst_crs: options.crs.clone(),
            res: options.resolution,
            like: options.like.clone(),
            area: options.area.clone(),
            area_layer: options.area_layer.clone(),
            area_filter: options.area_filter.clone(),
            area_touch: options.area_touch,
            tap: options.snap,
            resampling: options.resampling.clone(),
            format: options.format.clone(),
            dtype: options.dtype.clone(),
            nodata: options.nodata,
            creation_options: options.creation_options.clone(),
        }
    }

    /// The options of a run: these, and what is said anew of memory, reading, and files that exist.
    pub(super) fn above(&self, anew: Options) -> Options {
        Options {
            output: self.output.clone(),
            quicklook: self.quicklook,
            no_provenance: self.no_provenance,
            target: self.target.clone(),
            date: self.date.as_deref().and_then(found::day),
            src_nodata: self.src_nodata,
            bounds: self.bounds,
            bounds_crs: self.bounds_crs.clone(),
            crs: self.dst_crs.clone(),
            resolution: self.res,
            like: self.like.clone(),
            area: self.area.clone(),
            area_layer: self.area_layer.clone(),
            area_filter: self.area_filter.clone(),
            area_touch: self.area_touch,
            snap: self.tap,
            resampling: self.resampling.clone(),
            format: self.format.clone(),
            dtype: self.dtype.clone(),
            nodata: self.nodata,
            creation_options: self.creation_options.clone(),
            ..anew
        }
    }
}

fn file_state(file: &Path, state: &Fingerprint) -> FileState {
    FileState { file: file.to_owned(), bytes: state.bytes(), modified: state.modified_ns() }
}

fn scenes(plan: &Plan, systems: &mut Systems) -> Vec<SavedScene> {
    let stack = &plan.stack;
    let watched: HashMap<&Path, &Fingerprint> = stack.watched.files().collect();
    let found: HashMap<&str, Option<&PathBuf>> =
        stack.found.scenes.iter().map(|(_, of)| (of.id.as_str(), of.mtl.as_ref())).collect();
    let scene = |scene: SceneId| {
        let (source, facts) = (&stack.scenes[scene], &stack.facts[scene]);
        let mtl = found.get(facts.id.as_str()).copied().flatten();
        let files = source.files.iter().chain(mtl);
        let state = |file: &PathBuf| watched.get(file.as_path()).map(|state| file_state(file, state));
        let bands = facts.bands.iter().zip(&source.refs).map(|(band, of)| SavedBand {
            name: band.name.clone(),
            file: (*of.path).clone(),
            number: of.number,
            dtype: of.dtype.name().into(),
            nodata: of.nodata.clone(),
            scale_offset: band.scale_offset,
            grid: systems.grid(&band.grid),
        });
        SavedScene {
            index: scene.index(),
            id: facts.id.clone(),
            date: facts.day.map(|day| day.to_string()),
            georeferenced: source.georeferenced,
            sun: facts.sun.map(|sun| (sun.elevation, sun.azimuth)),
            bands: bands.collect(),
            quality_alignment: stack.mask_alignments(scene),
            files: files.filter_map(state).collect(),
        }
    };
    stack.scene_ids().map(scene).collect()
}

fn output(plan: &Plan, job: &Job, systems: &mut Systems) -> SavedOutput {
    let mut surveyed = survey::compared(job);
    surveyed.extend(survey::surveyed(job));
    surveyed.sort_unstable();
    surveyed.dedup();
    let file = |(setting, file): (&str, &Path)| SavedFile { setting: setting.into(), file: file.into() };
    SavedOutput {
        target: job.target.map(|target| plan.stack.facts[target].id.clone()),
        target_date: job.target_day.map(|day| day.to_string()),
        grid: systems.grid(&job.view.grid),
        grid_reason: job.grid_reason.clone(),
        area: job.area.as_ref().map(|of| SavedArea {
            polygons: of.polygons,
            pixels: of.pixels,
            of_tiles: of.of_tiles().unwrap_or_default().to_vec(),
            sha256: of.sha256.clone(),
        }),
        dtype: job.cast.dtype.name().into(),
        nodata: job.cast.nodata,
        files: job.output.files_by_setting().map(file).collect(),
        tiles: job.tiling.as_ref().map(|tiling| tiles(job, tiling)),
        fills: job.fills.iter().map(|stage| stage.name.clone()).collect(),
        surveyed: surveyed.into_iter().map(SceneId::index).collect(),
        scenes: plan.stack.scene_ids().map(|scene| place(job, scene)).collect(),
    }
}

fn tiles(job: &Job, tiling: &Tiling) -> SavedTiles {
    let donors = |stage: &Stage| stage.bound.planned().donors().iter().map(|donor| donor.scene).collect();
    SavedTiles {
        width: tiling.size.0,
        height: tiling.size.1,
        margin: job.margin(),
        everywhere: job.may_have_pixels_anywhere(),
        all_donors: job.has_fill_of_all_donors(),
        donors: job.fills.iter().map(donors).collect(),
    }
}

fn place(job: &Job, scene: SceneId) -> SavedPlace {
    let (of, grid): (&ScenePlan, &Grid) = (&job.view.scenes[scene], &job.view.grid);
    let whole = Window::whole(grid.width, grid.height);
    let (right, bottom) = (grid.width as i64 - 1, grid.height as i64 - 1);
    let spread = [(0, 0), (right, 0), (right / 2, bottom / 2), (0, bottom), (right, bottom)];
    let corners = |alignment: &Alignment| match alignment {
        Alignment::Resample(resampler) => resampler.positions(&spread),
        Alignment::Paste { .. } | Alignment::Disjoint => Vec::new(),
    };
    let mut compared: Vec<usize> = job
        .comparing
        .iter()
        .filter(|comparing| comparing.scene == scene)
        .flat_map(|comparing| comparing.others.iter().map(|other| other.index()))
        .collect();
    compared.sort_unstable();
    compared.dedup();
    SavedPlace {
        scene: scene.index(),
        alignment: of.groups.iter().map(|group| group.reason.clone()).collect(),
        corners: of.groups.iter().map(|group| corners(&group.alignment)).collect(),
        reach: of
            .reach
            .and_then(|reach| reach.intersect(whole))
            .map(|w| [w.col, w.row, w.width as i64, w.height as i64]),
        radiometry: of.radiometry.clone(),
        compared_with: compared,
    }
}
