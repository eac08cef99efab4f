//! What all outputs of a run share: scenes in order of (date, id), their bands, and the masks bound to each.

use crate::error::EngineError;
use crate::implausible::Implausible;
use crate::options::Options;
use crate::plan::Job;
use crate::plan::placement::PlannedMask;
use crate::plan::query::{explicit, query};
use crate::plan::select::{Fate, SETTINGS, SceneFate, contradiction, left_out};
use crate::rules::settings::Scenes;
use crate::rules::{At, Mask, Rules};
use compose_core::kind::did_you_mean;
use compose_core::{Grid, KindError, SceneFacts, Spans, ValidityMode};
use compose_io::BandRef;
use compose_io::crs::CrsRegistry;
use compose_io::discover::{DiscoverError, find_explicit, find_scenes, open_scene, wanted_names};
use compose_io::header::companions_of;
use compose_io::preset;
use compose_io::scene::{FoundScene, Nodata, SceneSource, ScenesQuery};
use std::ops::Range;
use std::path::PathBuf;

/// What all outputs of a run share.
pub struct Stack {
    /// How each scene is read.
    pub scenes: Vec<SceneSource>,
    /// What rules and strategies know of each scene.
    pub facts: Vec<SceneFacts>,
    /// Per scene: the product that its preset knows.
    pub products: Vec<Option<&'static str>>,
    /// Per scene: whether its product's numbers depend on a processing baseline.
    pub by_baseline: Vec<bool>,
    /// Every scene found, those left out among them.
    pub fates: Vec<SceneFate>,
    /// Wanted bands, in output order.
    pub bands: Vec<String>,
    /// How a pixel is judged.
    pub validity: ValidityMode,
    /// Per scene: its wanted bands by native grid.
    pub groups: Vec<Vec<Vec<usize>>>,
    /// Per scene: the mask rules bound to it, in the order of `mask_names`.
    pub masks: Vec<Vec<PlannedMask>>,
    /// Names of the mask rules.
    pub mask_names: Vec<String>,
    /// Remarks for the plan.
    pub notes: Vec<String>,
    /// Every file of every scene that was found, those left out among them, and what is read with it.
    pub inputs: Vec<PathBuf>,
    /// Per scene: the bands that are read.
    read: Vec<Vec<usize>>,
}

/// Source codes from 65000 on stand for statistics.
const MOST_SCENES: usize = 65_000;

/// A scene that was found, with how to open it and where the rules file asks for it.
struct Candidate {
    found: FoundScene,
    query: ScenesQuery,
    at: Spans,
}

impl Stack {
    /// Finds, selects and opens the scenes of a rules file.
    pub fn open(rules: &Rules, options: &Options, systems: &CrsRegistry) -> Result<Self, EngineError> {
        refuse_twin_masks(rules)?;
        let mut notes = Vec::new();
        let mut candidates = candidates(rules, systems, &mut notes)?;
        if let Some(nodata) = options.src_nodata {
            candidates.iter_mut().for_each(|c| c.query.nodata = Nodata::Values(vec![nodata]));
        }
        candidates.sort_by(|a, b| order(&a.found).cmp(&order(&b.found)));
        refuse_twins(rules, &candidates)?;
        refuse_too_many(&candidates)?;
        let mut inputs: Vec<PathBuf> = candidates.iter().flat_map(|c| files_of(&c.found)).collect();
        let (candidates, fates) = selected(rules, candidates)?;
        let scenes = opened(rules, options, &candidates, systems)?;
        inputs.extend(scenes.iter().flat_map(|s| s.files.iter().cloned()));
        inputs.sort();
        inputs.dedup();
        notes.extend(without_georeference(rules, &candidates, &scenes)?);
        let facts: Vec<SceneFacts> = scenes.iter().map(|s| s.facts.clone()).collect();
        let bands = facts[0].bands[..facts[0].wanted].iter().map(|b| b.name.clone()).collect();
        notes
            .extend(scenes.iter().flat_map(|s| s.notes.iter().map(|n| format!("scene {}: {n}", s.facts.id))));
        let groups: Vec<Vec<Vec<usize>>> = facts.iter().map(groups_by_grid).collect();
        let mut stack = Self {
            masks: Vec::new(),
            mask_names: rules.masks.iter().map(|m| m.value.name.clone()).collect(),
            validity: validity(rules)?,
            by_baseline: candidates.iter().map(|c| depends_on_baseline(&c.query)).collect(),
            products: candidates.iter().map(|c| c.query.preset.map(|p| p.name)).collect(),
            scenes,
            facts,
            fates,
            bands,
            groups,
            notes,
            inputs,
            read: Vec::new(),
        };
        stack.masks = stack.bind_masks(rules)?;
        let said = stack.masks.iter().flatten().flat_map(|m| m.bound.notes());
        stack.notes.extend(said.collect::<Vec<_>>());
        Ok(stack)
    }

    /// The targets of the run: one output each.
    pub fn targets(&self, rules: &Rules, options: &Options) -> Result<Vec<Option<usize>>, EngineError> {
        let target = &rules.target;
        let Some(wanted) = options.target.as_ref().or(target.value.scene.as_ref()) else {
            return Ok(vec![None]);
        };
        let refuse = |key: &str, message: String| {
            EngineError::Rules(vec![rules.file.mistake_at(&target.spans.of(key), &message)])
        };
        if target.value.date.is_some() || options.date.is_some() {
            let message = "[target] says both scene and date; a scene has its own date";
            return Err(refuse("date", message.into()));
        }
        if wanted == "each" {
            return Ok((0..self.facts.len()).map(Some).collect());
        }
        if let Some(index) = self.facts.iter().position(|f| f.id == *wanted) {
            return Ok(vec![Some(index)]);
        }
        let skipped = self.fates.iter().find(|f| f.id == *wanted).map(|f| &f.fate);
        let message = match skipped {
            Some(Fate::Skipped(reason)) => {
                format!("[target] scene \"{wanted}\" is left out by the selection: {reason}")
            }
            _ => {
                let ids: Vec<&str> = self.facts.iter().map(|f| f.id.as_str()).collect();
                let hint = did_you_mean(wanted, ids.iter().copied());
                let separator = if hint.is_empty() { ";" } else { "" };
                format!(
                    "[target] scene \"{wanted}\" is not among the scenes{hint}{separator} scenes: {}",
                    ids.join(", ")
                )
            }
        };
        Err(if options.target.is_some() {
            EngineError::Option { option: "--target".into(), message: message.replacen("[target] ", "", 1) }
        } else {
            refuse("scene", message)
        })
    }

    /// A grid whose coordinate system all scenes share.
    pub fn common_crs_grid(&self) -> Option<&Grid> {
        let first = &self.facts[0].grid;
        self.facts.iter().all(|f| f.grid.same_crs(first)).then_some(first)
    }

    /// The band with the largest tiles.
    pub fn largest_tile(&self) -> Option<&BandRef> {
        self.refs_read().max_by_key(|r| r.tile_bytes())
    }

    /// The mask rule that looks farthest around a block, and how many pixels.
    pub fn widest_rule(&self) -> Option<(&str, usize)> {
        let halo =
            |rule: usize| self.masks.iter().map(|of_scene| of_scene[rule].bound.halo()).max().unwrap_or(0);
        let rules = self.mask_names.iter().enumerate().map(|(rule, name)| (name.as_str(), halo(rule)));
        rules.max_by_key(|(_, halo)| *halo)
    }

    /// The band whose blocks GDAL needs most bytes for.
    pub fn largest_block(&self) -> Option<&BandRef> {
        self.refs_read().max_by_key(|band| band.open_bytes())
    }

    /// Bytes that GDAL keeps of the largest open file.
    pub fn largest_open(&self) -> u64 {
        self.refs_read().map(BandRef::open_bytes).max().unwrap_or(0)
    }

    /// The bands of a scene that a job reads, the wanted ones first, and whether a mask rule reads them.
    pub fn bands_read(&self, job: &Job, scene: usize) -> Vec<(usize, bool)> {
        let facts = &self.facts[scene];
        let masks = &self.masks[scene];
        let by_mask = |band: usize| {
            masks
                .iter()
                .any(|m| m.bound.bands().contains(&band) || (m.bound.needs_neutral() && band < facts.wanted))
        };
        let scores = job.fills.iter().filter_map(|fill| fill.bound.score(scene));
        let scored: Vec<usize> = scores.flat_map(|score| score.bands().to_vec()).collect();
        let read = |band: &usize| *band < facts.wanted || by_mask(*band) || scored.contains(band);
        (0..facts.bands.len()).filter(read).map(|band| (band, by_mask(band))).collect()
    }

    /// Decides what reads each file, and tells the bands that are read which of them lie together in it.
    pub fn share_tiles(&mut self, jobs: &[Job], options: &Options) {
        let gdal = options.force_gdal.then_some("asked for by --force-gdal");
        for scene in 0..self.facts.len() {
            let mut read: Vec<usize> =
                jobs.iter().flat_map(|job| self.bands_read(job, scene)).map(|(band, _)| band).collect();
            read.sort_unstable();
            read.dedup();
            let refs = &mut self.scenes[scene].refs;
            let mut shared: Vec<BandRef> = read.iter().map(|band| refs[*band].clone()).collect();
            BandRef::share(&mut shared, gdal);
            read.iter().zip(shared).for_each(|(band, shared)| refs[*band] = shared);
            self.read.push(read);
        }
    }

    /// The bands that are read by any job, scene by scene.
    pub fn refs_read(&self) -> impl Iterator<Item = &BandRef> {
        let scenes = self.read.iter().zip(&self.scenes);
        scenes.flat_map(|(read, scene)| read.iter().map(|band| &scene.refs[*band]))
    }

    /// What a mask rule does, said for the first scene, and for others where it differs.
    pub fn mask_description(&self, rule: usize) -> String {
        let mut texts: Vec<String> = Vec::new();
        for masks in &self.masks {
            let text = masks[rule].bound.describe();
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        texts.join("; or ")
    }

    fn bind_masks(&self, rules: &Rules) -> Result<Vec<Vec<PlannedMask>>, EngineError> {
        let mut all = Vec::with_capacity(self.facts.len());
        for (facts, groups) in self.facts.iter().zip(&self.groups) {
            let mut of_scene = Vec::with_capacity(rules.masks.len());
            for mask in &rules.masks {
                let bound = mask.value.rule.bind(facts).map_err(|e| self.refused(rules, mask, facts, &e))?;
                of_scene.push(PlannedMask::new(bound, facts, groups)?);
            }
            all.push(of_scene);
        }
        Ok(all)
    }

    /// What every scene refuses for one reason is the rule's fault; otherwise the scene is named.
    fn refused(&self, rules: &Rules, mask: &At<Mask>, facts: &SceneFacts, why: &KindError) -> EngineError {
        let of_rule = self.facts.iter().all(|f| mask.value.rule.bind(f).err().as_ref() == Some(why));
        let scene = if of_rule { String::new() } else { format!("scene {}: ", facts.id) };
        let message = format!("mask \"{}\": {scene}{why}", mask.value.name);
        EngineError::Rules(vec![rules.file.mistake_at(&why.span_in(&mask.spans), &message)])
    }
}

/// Wanted bands that lie on the same grid are read, masked and aligned together.
fn groups_by_grid(facts: &SceneFacts) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for band in 0..facts.wanted {
        let grid = &facts.bands[band].grid;
        match groups.iter_mut().find(|g| facts.bands[g[0]].grid.same(grid)) {
            Some(group) => group.push(band),
            None => groups.push(vec![band]),
        }
    }
    groups
}

fn depends_on_baseline(query: &ScenesQuery) -> bool {
    query.preset.is_some_and(|p| matches!(p.radiometry, preset::Radiometry::ByBaseline { .. }))
}

/// What a scene is made of, as far as names tell: its files, what is read with each, and its MTL file.
fn files_of(found: &FoundScene) -> impl Iterator<Item = PathBuf> {
    let with_file = |path: &PathBuf| std::iter::once(path.clone()).chain(companions_of(path));
    let files: Vec<PathBuf> = found.files.iter().flat_map(|file| with_file(&file.path)).collect();
    files.into_iter().chain(found.mtl.clone())
}

/// Scenes without a date come last.
fn order(scene: &FoundScene) -> (bool, Option<compose_core::Day>, &str) {
    (scene.day.is_none(), scene.day, &scene.id)
}

/// How a pixel is judged: one answer for all scenes.
fn validity(rules: &Rules) -> Result<ValidityMode, EngineError> {
    let mut said = rules.scenes.iter().filter_map(|s| s.value.validity.map(|v| (v, &s.spans)));
    let Some((first, _)) = said.next() else { return Ok(ValidityMode::default()) };
    match said.find(|(v, _)| *v != first) {
        None => Ok(first.into()),
        Some((_, spans)) => {
            let message =
                "[scenes] validity differs from that of another [[scenes]]; it holds for all of them";
            Err(EngineError::Rules(vec![rules.file.mistake_at(&spans.of("validity"), message)]))
        }
    }
}

/// What becomes of values that cannot be: one answer for all scenes.
pub fn implausible(rules: &Rules) -> Result<Implausible, EngineError> {
    let mut said = rules.scenes.iter().filter_map(|s| s.value.implausible.map(|v| (v, &s.spans)));
    let Some((first, _)) = said.next() else { return Ok(Implausible::default()) };
    match said.find(|(v, _)| *v != first) {
        None => Ok(first.into()),
        Some((_, spans)) => {
            let message =
                "[scenes] implausible differs from that of another [[scenes]]; it holds for all of them";
            Err(EngineError::Rules(vec![rules.file.mistake_at(&spans.of("implausible"), message)]))
        }
    }
}

fn refuse_twin_masks(rules: &Rules) -> Result<(), EngineError> {
    let mut seen = std::collections::HashSet::new();
    let twin = rules.masks.iter().find(|m| !seen.insert(&m.value.name));
    twin.map_or(Ok(()), |mask| {
        let message = format!(
            "mask \"{}\": another mask has this name; reports could not tell them apart",
            mask.value.name
        );
        Err(EngineError::Rules(vec![rules.file.mistake_at(&mask.spans.of("name"), &message)]))
    })
}

fn candidates(
    rules: &Rules,
    systems: &CrsRegistry,
    notes: &mut Vec<String>,
) -> Result<Vec<Candidate>, EngineError> {
    let mut all = Vec::new();
    for scenes in &rules.scenes {
        let query = query(rules, scenes)?;
        if let Some((key, wrong)) = contradiction(&scenes.value) {
            return Err(EngineError::Rules(vec![
                rules.file.mistake_at(&scenes.spans.of(key), &format!("[scenes] {wrong}")),
            ]));
        }
        if query.paths.is_empty() && !rules.scene.is_empty() {
            continue;
        }
        let found = find_scenes(&query, systems).map_err(|e| discover_error(rules, &scenes.spans, e))?;
        notes.extend(found.notes);
        all.extend(found.scenes.into_iter().map(|found| Candidate {
            found,
            query: query.clone(),
            at: scenes.spans.clone(),
        }));
    }
    for scene in &rules.scene {
        let explicit = explicit(rules, scene)?;
        let found = find_explicit(&explicit, systems).map_err(|e| discover_error(rules, &scene.spans, e))?;
        all.push(Candidate { found, query: explicit.query, at: scene.spans.clone() });
    }
    Ok(all)
}

/// Where a setting of a scene stands: in its own table, else in the first [scenes].
fn setting_at(rules: &Rules, at: &Spans, key: &str) -> Range<usize> {
    // A [[scene]] says its path with another word.
    let words = if ["path", "files"].contains(&key) { vec!["files", "file", "path"] } else { vec![key] };
    let tables = std::iter::once(at).chain(rules.scenes.first().map(|s| &s.spans));
    tables.flat_map(|t| words.iter().filter_map(|w| t.get(w))).next().unwrap_or(at.table.clone())
}

fn discover_error(rules: &Rules, at: &Spans, cause: DiscoverError) -> EngineError {
    if let DiscoverError::Io(io) = cause {
        return EngineError::Io(io);
    }
    let span = cause.setting().map_or(at.table.clone(), |key| setting_at(rules, at, key));
    let at = rules.file.mistake_at(&span, "");
    EngineError::Discover { file: at.file, line: at.line, cause: Box::new(cause) }
}

fn refuse_twins(rules: &Rules, sorted: &[Candidate]) -> Result<(), EngineError> {
    let mut seen = std::collections::HashMap::new();
    for candidate in sorted {
        if let Some(other) = seen.insert(&candidate.found.id, candidate) {
            let file = |c: &Candidate| {
                c.found.files.first().map_or_else(String::new, |f| f.path.display().to_string())
            };
            let id = &candidate.found.id;
            let message =
                format!("scene {id}: two scenes have this id: {} and {}", file(other), file(candidate));
            let span = setting_at(rules, &candidate.at, "id");
            return Err(EngineError::Rules(vec![rules.file.mistake_at(&span, &message)]));
        }
    }
    Ok(())
}

/// Provenance tells scenes apart by 16-bit numbers, of which the last few have other meanings.
fn refuse_too_many(candidates: &[Candidate]) -> Result<(), EngineError> {
    let count = candidates.len();
    if count <= MOST_SCENES {
        return Ok(());
    }
    let message =
        format!("{count} scenes were found; at most {MOST_SCENES} can be told apart. Narrow path or dates");
    Err(EngineError::Option { option: "[scenes]".into(), message })
}

fn selected(
    rules: &Rules,
    candidates: Vec<Candidate>,
) -> Result<(Vec<Candidate>, Vec<SceneFate>), EngineError> {
    let default = Scenes::default();
    let (mut kept, mut fates) = (Vec::new(), Vec::new());
    for candidate in candidates {
        // A [[scene]] is selected by the dates of the first [scenes].
        let settings = rules.scenes.iter().find(|s| s.spans == candidate.at).or_else(|| rules.scenes.first());
        let (spans, settings) = settings.map_or((&candidate.at, &default), |s| (&s.spans, &s.value));
        let found = &candidate.found;
        let reason = left_out(settings, found.day).map_err(|e| {
            let message = format!("scene {} {e}", found.id);
            EngineError::Rules(vec![rules.file.mistake_at(&selection_at(spans), &message)])
        })?;
        let fate = reason.map_or(Fate::Used, Fate::Skipped);
        let used = fate == Fate::Used;
        fates.push(SceneFate { id: found.id.clone(), day: found.day, fate });
        if used {
            kept.push(candidate);
        }
    }
    if kept.is_empty() {
        return Err(none_left(rules, &fates));
    }
    Ok((kept, fates))
}

/// The first setting that selects by date.
fn selection_at(scenes: &Spans) -> Range<usize> {
    SETTINGS.iter().find_map(|key| scenes.get(key)).unwrap_or(scenes.table.clone())
}

fn none_left(rules: &Rules, fates: &[SceneFate]) -> EngineError {
    let span = rules.scenes.first().map_or(0..0, |s| selection_at(&s.spans));
    let first = fates.iter().find_map(|f| match &f.fate {
        Fate::Skipped(reason) => Some(format!(", the first of them {}: {reason}", f.id)),
        Fate::Used => None,
    });
    let message = format!("[scenes] no scene is left; {} found{}", fates.len(), first.unwrap_or_default());
    EngineError::Rules(vec![rules.file.mistake_at(&span, &message)])
}

/// Opens every scene; all must have the bands of the target (or of the first scene).
fn opened(
    rules: &Rules,
    options: &Options,
    candidates: &[Candidate],
    systems: &CrsRegistry,
) -> Result<Vec<SceneSource>, EngineError> {
    let open = |candidate: &Candidate, wanted: Option<&[String]>| {
        open_scene(&candidate.found, &candidate.query, wanted, systems)
            .map_err(|e| discover_error(rules, &candidate.at, e))
    };
    let target = options.target.as_ref().or(rules.target.value.scene.as_ref());
    let first = candidates.iter().position(|c| Some(&c.found.id) == target).unwrap_or(0);
    let reference = &candidates[first];
    // The same name may mean different things on different sensors: what is wanted is settled for all at once.
    let found: Vec<&FoundScene> = candidates.iter().map(|c| &c.found).collect();
    let named = wanted_names(&reference.found, &found, &reference.query)
        .map_err(|e| discover_error(rules, &reference.at, e))?;
    let wanted = match named {
        Some(names) => names,
        None => {
            let facts = open(reference, None)?.facts;
            facts.bands[..facts.wanted].iter().map(|b| b.name.clone()).collect()
        }
    };
    let scenes = candidates.iter().map(|c| open(c, Some(&wanted))).collect::<Result<Vec<_>, _>>()?;
    check_quality(rules, candidates, &scenes)?;
    Ok(scenes)
}

/// Refuses to put scenes on each other of which nobody knows where they lie, unless the rules say so; then says that it
/// is done.
fn without_georeference(
    rules: &Rules,
    candidates: &[Candidate],
    scenes: &[SceneSource],
) -> Result<Option<String>, EngineError> {
    let lost: Vec<_> = candidates.iter().zip(scenes).filter(|(_, scene)| !scene.georeferenced).collect();
    let [(candidate, first), others @ ..] = &lost[..] else { return Ok(None) };
    let refuse = |message: String| {
        let span = setting_at(rules, &candidate.at, "path");
        Err(EngineError::Rules(vec![rules.file.mistake_at(&span, &message)]))
    };
    // One file lies on itself.
    let Some((_, second)) = others.iter().find(|(_, other)| other.files != first.files) else {
        return Ok(None);
    };
    let size = |scene: &SceneSource| (scene.facts.grid.width, scene.facts.grid.height);
    let id = |scene: &SceneSource| scene.facts.id.clone();
    if lost.iter().any(|(candidate, _)| !candidate.query.georeference_none) {
        return refuse(format!(
            "scenes {} and {} have no georeference, so that nothing tells how they lie on each other; put their *_MTL.txt \
             beside them, write it into the files, or say georeference = \"none\" in [scenes] to put them on each other \
             pixel by pixel",
            id(first),
            id(second)
        ));
    }
    if let Some((_, other)) = others.iter().find(|(_, other)| size(other) != size(first)) {
        let ((w, h), (width, height)) = (size(first), size(other));
        return refuse(format!(
            "georeference = \"none\": scene {} has {w} × {h} pixels and scene {} {width} × {height}; expected one size",
            id(first),
            id(other)
        ));
    }
    let count = lost.len();
    Ok(Some(format!(
        "georeference = \"none\": {count} scenes without one are put on each other pixel by pixel"
    )))
}

/// A quality band that no scene has is a slip in its name.
fn check_quality(rules: &Rules, candidates: &[Candidate], scenes: &[SceneSource]) -> Result<(), EngineError> {
    let [first, ..] = candidates else { return Ok(()) };
    let Some(name) =
        first.query.quality.as_ref().filter(|_| scenes.iter().all(|s| s.facts.quality.is_none()))
    else {
        return Ok(());
    };
    let facts = &scenes[0].facts;
    let bands: Vec<&str> = facts.bands.iter().map(|b| b.name.as_str()).collect();
    let hint = did_you_mean(name, bands.iter().copied());
    let separator = if hint.is_empty() { ";" } else { "" };
    let message = format!(
        "quality is \"{name}\", and no scene has such a band{hint}{separator} bands of {}: {}",
        facts.id,
        bands.join(", ")
    );
    let span = setting_at(rules, &first.at, "quality");
    Err(EngineError::Rules(vec![rules.file.mistake_at(&span, &message)]))
}
