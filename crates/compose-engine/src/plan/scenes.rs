//! The scenes of a rules file: found by name, selected by date, opened.

use crate::error::EngineError;
use crate::found::{Found, ScenesTable};
use crate::options::Options;
use crate::plan::query::{explicit, query};
use crate::plan::select::{SETTINGS, SceneStatus, Status, contradiction, left_out};
use crate::rules::Rules;
use crate::rules::settings::Scenes;
use compose_core::Spans;
use compose_core::suggest::did_you_mean;
use compose_io::access::Access;
use compose_io::crs::CrsRegistry;
use compose_io::discover::{DiscoverError, find_explicit, find_scenes, open_scene, wanted_names};
use compose_io::files::Watched;
use compose_io::header::companions_of;
use compose_io::preset;
use compose_io::scene::{FoundScene, Nodata, SceneSource, ScenesQuery};
use std::ops::Range;
use std::path::PathBuf;

/// Source codes from 65000 on stand for statistics.
const MOST_SCENES: usize = 65_000;

/// The most scenes that a note names one by one.
const SHOWN: usize = 3;

/// A scene that was found, with how to open it and where the rules file asks for it.
struct Candidate {
    table: ScenesTable,
    found: FoundScene,
    query: ScenesQuery,
    at: Spans,
}

/// The scenes that take part, in order of (date, id), and what was learned on the way.
pub struct Selected {
    /// How each scene is read.
    pub scenes: Vec<SceneSource>,
    /// Per scene: the product that its preset knows.
    pub products: Vec<Option<&'static str>>,
    /// Per scene: whether its product's numbers depend on a processing baseline.
    pub by_baseline: Vec<bool>,
    /// Every scene found, those left out among them.
    pub statuses: Vec<SceneStatus>,
    /// Every file of every scene that was found, those left out among them, and what is read with it.
    pub inputs: Vec<PathBuf>,
    /// The files of the scenes that take part, in the state before they were opened.
    pub watched: Watched,
    /// Remarks for the plan.
    pub notes: Vec<String>,
    /// Every scene as it was found, in order of (date, id).
    pub found: Found,
}

/// Finds, selects and opens the scenes of a rules file.
pub fn select(rules: &Rules, options: &Options, systems: &CrsRegistry) -> Result<Selected, EngineError> {
    let found = match &options.earlier {
        Some(earlier) => earlier.found.clone(),
        None => find(rules, systems)?,
    };
    let (mut notes, documents) = (found.notes.clone(), found.documents.clone());
    let mut candidates = candidates(rules, found)?;
    if let Some(nodata) = options.src_nodata {
        candidates.iter_mut().for_each(|c| c.query.nodata = Nodata::Values(vec![nodata]));
    }
    candidates.sort_by(|a, b| order(&a.found).cmp(&order(&b.found)));
    refuse_twins(rules, &candidates)?;
    refuse_too_many(&candidates)?;
    let found = Found {
        scenes: candidates.iter().map(|c| (c.table, c.found.clone())).collect(),
        notes: notes.clone(),
        documents: documents.clone(),
    };
    let mut inputs: Vec<PathBuf> =
        candidates.iter().flat_map(|c| files_of(&c.found, &c.query.access)).chain(documents).collect();
    let (candidates, statuses) = selected(rules, candidates)?;
    // Before any of them is opened: a change from now on is an error.
    let mut watched = Watched::new(inputs.iter().cloned());
    let scenes = opened(rules, options, &candidates, systems)?;
    watched.retain(|path| {
        // Overviews are not read.
        let overview = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("ovr"));
        let of_scene = |(c, s): (&Candidate, &SceneSource)| {
            c.found.mtl.as_deref() == Some(path) || s.files.iter().any(|file| file == path)
        };
        !overview && candidates.iter().zip(&scenes).any(of_scene)
    });
    inputs.extend(scenes.iter().flat_map(|s| s.files.iter().cloned()));
    inputs.sort();
    inputs.dedup();
    notes.extend(without_georeference(rules, &candidates, &scenes)?);
    notes.extend(gathered(&scenes));
    let by_baseline = candidates.iter().map(|c| depends_on_baseline(&c.query)).collect();
    let products = candidates.iter().map(|c| c.query.preset.map(|p| p.name)).collect();
    Ok(Selected { scenes, products, by_baseline, statuses, inputs, watched, notes, found })
}

/// The notes of all scenes: each once, with the scenes that it is about.
fn gathered(scenes: &[SceneSource]) -> Vec<String> {
    let mut notes: Vec<(&str, Vec<&str>)> = Vec::new();
    for scene in scenes {
        for note in &scene.notes {
            match notes.iter_mut().find(|(text, _)| text == note) {
                Some((_, ids)) => ids.push(&scene.facts.id),
                None => notes.push((note, vec![&scene.facts.id])),
            }
        }
    }
    let told = |(text, ids): &(&str, Vec<&str>)| match &ids[..] {
        [only] => format!("scene {only}: {text}"),
        [first, .., last] if ids.len() > SHOWN => format!("{} scenes ({first} to {last}): {text}", ids.len()),
        _ => format!("scenes {}: {text}", ids.join(", ")),
    };
    notes.iter().map(told).collect()
}

fn depends_on_baseline(query: &ScenesQuery) -> bool {
    query.preset.is_some_and(|p| matches!(p.radiometry, preset::Radiometry::ByBaseline { .. }))
}

/// The files of a scene, as far as names tell: its bands, the files read with each, and its MTL file.
fn files_of(found: &FoundScene, access: &Access) -> impl Iterator<Item = PathBuf> {
    let with_file = |path: &PathBuf| std::iter::once(path.clone()).chain(companions_of(path, access));
    let files: Vec<PathBuf> = found.files.iter().flat_map(|file| with_file(&file.path)).collect();
    files.into_iter().chain(found.mtl.clone())
}

/// Scenes without a date come last.
fn order(scene: &FoundScene) -> (bool, Option<compose_core::Day>, &str) {
    (scene.day.is_none(), scene.day, &scene.id)
}

/// Looks for the scenes of every table.
fn find(rules: &Rules, systems: &CrsRegistry) -> Result<Found, EngineError> {
    let mut all = Found::default();
    for (number, scenes) in rules.scenes.iter().enumerate() {
        let query = query(rules, scenes)?;
        if let Some((key, wrong)) = contradiction(&scenes.value) {
            return Err(EngineError::at(&rules.file, &scenes.spans.of(key), &format!("[scenes] {wrong}")));
        }
        if query.paths.is_empty() && query.stac.is_none() && !rules.scene.is_empty() {
            continue;
        }
        let found = find_scenes(&query, systems).map_err(|e| discover_error(rules, &scenes.spans, e))?;
        all.notes.extend(found.notes);
        all.documents.extend(found.documents);
        all.scenes.extend(found.scenes.into_iter().map(|found| (ScenesTable::Scenes(number), found)));
    }
    for (number, scene) in rules.scene.iter().enumerate() {
        let explicit = explicit(rules, scene)?;
        let found = find_explicit(&explicit, systems).map_err(|e| discover_error(rules, &scene.spans, e))?;
        all.scenes.push((ScenesTable::Scene(number), found));
    }
    Ok(all)
}

/// The scenes that were found, with what their tables say.
fn candidates(rules: &Rules, found: Found) -> Result<Vec<Candidate>, EngineError> {
    let of_scenes: Vec<ScenesQuery> =
        rules.scenes.iter().map(|scenes| query(rules, scenes)).collect::<Result<_, _>>()?;
    let candidate = |(table, found): (ScenesTable, FoundScene)| {
        let (query, at) = match table {
            ScenesTable::Scenes(number) => (of_scenes[number].clone(), &rules.scenes[number].spans),
            ScenesTable::Scene(number) => {
                let scene = &rules.scene[number];
                (explicit(rules, scene)?.query, &scene.spans)
            }
        };
        let query = ScenesQuery { preset: query.preset.or(found.preset), ..query };
        Ok(Candidate { table, found, query, at: at.clone() })
    };
    found.scenes.into_iter().map(candidate).collect()
}

/// The place of a setting in the rules file: in the table of the scene, else in the first [scenes].
fn setting_at(rules: &Rules, at: &Spans, key: &str) -> Range<usize> {
    // A [[scene]] says its path with another word.
    let words = if ["path", "files"].contains(&key) { vec!["files", "file", "path"] } else { vec![key] };
    let tables = std::iter::once(at).chain(rules.scenes.first().map(|s| &s.spans));
    tables.flat_map(|t| words.iter().filter_map(|w| t.get(w))).next().unwrap_or(at.table.clone())
}

/// A scene that cannot be found or understood: a mistake of the setting that it is about, or of its table.
fn discover_error(rules: &Rules, at: &Spans, cause: DiscoverError) -> EngineError {
    if let DiscoverError::Io(io) = cause {
        return EngineError::Io(io);
    }
    let span = cause.setting().map_or(at.table.clone(), |key| setting_at(rules, at, key));
    EngineError::at(&rules.file, &span, &cause.to_string())
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
            return Err(EngineError::at(&rules.file, &span, &message));
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
) -> Result<(Vec<Candidate>, Vec<SceneStatus>), EngineError> {
    let default = Scenes::default();
    let (mut kept, mut statuses) = (Vec::new(), Vec::new());
    for candidate in candidates {
        // A [[scene]] is selected by the dates of the first [scenes].
        let settings = rules.scenes.iter().find(|s| s.spans == candidate.at).or_else(|| rules.scenes.first());
        let (spans, settings) = settings.map_or((&candidate.at, &default), |s| (&s.spans, &s.value));
        let found = &candidate.found;
        let reason = left_out(settings, found.day).map_err(|e| {
            let message = format!("scene {} {e}", found.id);
            EngineError::at(&rules.file, &selection_at(spans), &message)
        })?;
        let reason = reason.or_else(|| found.left_out.clone());
        let reason = reason.map_or_else(|| without_a_mask(rules, &candidate), |reason| Ok(Some(reason)))?;
        let status = reason.map_or(Status::Used, Status::Skipped);
        let used = status == Status::Used;
        statuses.push(SceneStatus { id: found.id.clone(), day: found.day, status });
        if used {
            kept.push(candidate);
        }
    }
    if kept.is_empty() {
        return Err(none_left(rules, &statuses));
    }
    Ok((kept, statuses))
}

/// Why a scene that lacks a mask made by others is left out; an error where the rules do not say so.
fn without_a_mask(rules: &Rules, candidate: &Candidate) -> Result<Option<String>, EngineError> {
    for without in &candidate.found.without {
        if !candidate.query.beside[without.beside].skip {
            let message = format!(
                "scene {}: {}; missing = \"skip\" leaves such scenes out",
                candidate.found.id, without.reason
            );
            let span = setting_at(rules, &candidate.at, "beside");
            return Err(EngineError::at(&rules.file, &span, &message));
        }
    }
    Ok(candidate.found.without.first().map(|without| without.reason.clone()))
}

/// The first setting that selects by date.
fn selection_at(scenes: &Spans) -> Range<usize> {
    SETTINGS.iter().find_map(|key| scenes.get(key)).unwrap_or(scenes.table.clone())
}

fn none_left(rules: &Rules, statuses: &[SceneStatus]) -> EngineError {
    let span = rules.scenes.first().map_or(0..0, |s| selection_at(&s.spans));
    let first = statuses.iter().find_map(|f| match &f.status {
        Status::Skipped(reason) => Some(format!(", the first of them {}: {reason}", f.id)),
        Status::Used => None,
    });
    let message = format!("[scenes] no scene is left; {} found{}", statuses.len(), first.unwrap_or_default());
    EngineError::at(&rules.file, &span, &message)
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

/// Refuses to overlay scenes without a georeference unless the rules allow it; then returns a note.
fn without_georeference(
    rules: &Rules,
    candidates: &[Candidate],
    scenes: &[SceneSource],
) -> Result<Option<String>, EngineError> {
    let lost: Vec<_> = candidates.iter().zip(scenes).filter(|(_, scene)| !scene.georeferenced).collect();
    let [(candidate, first), others @ ..] = &lost[..] else { return Ok(None) };
    let refuse = |message: String| {
        let span = setting_at(rules, &candidate.at, "path");
        Err(EngineError::at(&rules.file, &span, &message))
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
    Err(EngineError::at(&rules.file, &span, &message))
}
