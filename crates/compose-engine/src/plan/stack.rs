//! What all outputs of a run share: scenes in order of (date, id), their bands, and the masks bound to each.

use crate::error::EngineError;
use crate::found::Found;
use crate::options::Options;
use crate::plan::area::AreaSource;
use crate::plan::ids::{BandId, RuleId, SceneId};
use crate::plan::placement::PlacedMask;
use crate::plan::scenes::{Selected, select};
use crate::plan::select::{SceneStatus, Status};
use crate::rules::{At, Mask, Rules};
use compose_core::suggest::did_you_mean;
use compose_core::{Grid, KindError, SceneFacts, ValidityMode};
use compose_io::BandRef;
use compose_io::crs::CrsRegistry;
use compose_io::files::Watched;
use compose_io::scene::SceneSource;
use std::path::PathBuf;

/// What all outputs of a run share.
pub struct Stack {
    /// How each scene is read.
    pub scenes: Vec<SceneSource>,
    /// The facts of each scene that rules and strategies see.
    pub facts: Vec<SceneFacts>,
    /// Per scene: the product that its preset knows.
    pub products: Vec<Option<&'static str>>,
    /// Per scene: whether its product's numbers depend on a processing baseline.
    pub by_baseline: Vec<bool>,
    /// Every scene found, those left out among them.
    pub statuses: Vec<SceneStatus>,
    /// Wanted bands, in output order.
    pub bands: Vec<String>,
    /// Whether validity is joint or per band.
    pub validity: ValidityMode,
    /// Per scene: its wanted bands by native grid.
    pub groups: Vec<Vec<Vec<BandId>>>,
    /// Per scene: the mask rules bound to it, in the order of `mask_names`.
    pub masks: Vec<Vec<PlacedMask>>,
    /// Names of the mask rules.
    pub mask_names: Vec<String>,
    /// Remarks for the plan.
    pub notes: Vec<String>,
    /// Every scene as it was found, those left out among them.
    pub found: Found,
    /// Every file of every scene that was found, those left out among them, and what is read with it.
    pub inputs: Vec<PathBuf>,
    /// Files beside those of the bands that must stay as they are until the end of the run.
    pub watched: Watched,
    /// The polygons that outputs are limited to.
    pub area: Option<AreaSource>,
    /// Per scene: the bands that are read.
    read: Vec<Vec<BandId>>,
}

impl Stack {
    /// Opens the scenes of a rules file, and binds the mask rules to them.
    pub fn open(rules: &Rules, options: &Options, systems: &CrsRegistry) -> Result<Self, EngineError> {
        refuse_twin_masks(rules)?;
        let Selected { scenes, products, by_baseline, statuses, inputs, watched, mut notes, found } =
            select(rules, options, systems)?;
        let facts: Vec<SceneFacts> = scenes.iter().map(|s| s.facts.clone()).collect();
        let bands = facts[0].bands[..facts[0].wanted].iter().map(|b| b.name.clone()).collect();
        let groups: Vec<Vec<Vec<BandId>>> = facts.iter().map(groups_by_grid).collect();
        let masks = bind_masks(rules, &facts, &groups)?;
        notes.extend(masks.iter().flatten().flat_map(|m| m.bound.planned().notes()));
        notes.extend(unread(&facts, &masks));
        Ok(Self {
            mask_names: rules.masks.iter().map(|m| m.value.name.clone()).collect(),
            validity: validity(rules)?,
            masks,
            products,
            by_baseline,
            scenes,
            facts,
            statuses,
            bands,
            groups,
            notes,
            found,
            inputs,
            watched,
            area: AreaSource::read(rules, options, systems)?,
            read: Vec::new(),
        })
    }

    /// The targets of the run: one output each.
    pub fn targets(&self, rules: &Rules, options: &Options) -> Result<Vec<Option<SceneId>>, EngineError> {
        let target = &rules.target;
        let Some(wanted) = options.target.as_ref().or(target.value.scene.as_ref()) else {
            return Ok(vec![None]);
        };
        let refuse =
            |key: &str, message: String| EngineError::at(&rules.file, &target.spans.of(key), &message);
        if target.value.date.is_some() || options.date.is_some() {
            let message = "[target] says both scene and date; a scene has its own date";
            return Err(refuse("date", message.into()));
        }
        if wanted == "each" {
            return Ok(self.scene_ids().map(Some).collect());
        }
        if let Some(scene) = self.find(wanted) {
            return Ok(vec![Some(scene)]);
        }
        let skipped = self.statuses.iter().find(|f| f.id == *wanted).map(|f| &f.status);
        let message = match skipped {
            Some(Status::Skipped(reason)) => {
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

    /// The numbers of all scenes, in their order.
    pub fn scene_ids(&self) -> impl Iterator<Item = SceneId> + use<> {
        (0..self.facts.len()).map(SceneId)
    }

    /// The number of the scene of this name, if it takes part.
    pub fn find(&self, id: &str) -> Option<SceneId> {
        self.facts.iter().position(|facts| facts.id == id).map(SceneId)
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
        let halo = |rule: RuleId| {
            self.masks.iter().map(|of_scene| of_scene[rule].bound.planned().halo()).max().unwrap_or(0)
        };
        let rules =
            self.mask_names.iter().enumerate().map(|(rule, name)| (name.as_str(), halo(RuleId(rule))));
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

    /// Decides whether GDAL reads each file, and which bands share its tiles. `read` holds the bands that are read, scene by
    /// scene, rising.
    pub fn share_tiles(&mut self, read: Vec<Vec<BandId>>, options: &Options) {
        let gdal = options.force_gdal.then_some("asked for by --force-gdal");
        for (scene, read) in self.scenes.iter_mut().zip(&read) {
            let mut shared: Vec<BandRef> = read.iter().map(|band| scene.refs[*band].clone()).collect();
            BandRef::share(&mut shared, gdal);
            read.iter().zip(shared).for_each(|(band, shared)| scene.refs[*band] = shared);
        }
        self.read = read;
    }

    /// The bands that are read by any job, scene by scene.
    pub fn refs_read(&self) -> impl Iterator<Item = &BandRef> {
        let scenes = self.read.iter().zip(&self.scenes);
        scenes.flat_map(|(read, scene)| read.iter().map(|band| &scene.refs[*band]))
    }

    /// The alignments of a scene's quality bands to bands on other grids, each once.
    pub fn mask_alignments(&self, scene: SceneId) -> Vec<String> {
        let mut reasons: Vec<String> = Vec::new();
        for reason in self.masks[scene].iter().flat_map(|m| &m.reasons) {
            if !reasons.contains(reason) {
                reasons.push(reason.clone());
            }
        }
        reasons
    }

    /// The description of a mask rule for the first scene, and for others where it differs.
    pub fn mask_description(&self, rule: RuleId) -> String {
        let mut texts: Vec<String> = Vec::new();
        for masks in &self.masks {
            let text = masks[rule].bound.planned().describe();
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        texts.join("; or ")
    }
}

/// Binds the mask rules to every scene.
fn bind_masks(
    rules: &Rules,
    scenes: &[SceneFacts],
    groups: &[Vec<Vec<BandId>>],
) -> Result<Vec<Vec<PlacedMask>>, EngineError> {
    let mut all = Vec::with_capacity(scenes.len());
    for (facts, groups) in scenes.iter().zip(groups) {
        let mut of_scene = Vec::with_capacity(rules.masks.len());
        for mask in &rules.masks {
            let bound = mask.value.rule.bind(facts).map_err(|e| refused(rules, mask, scenes, facts, &e))?;
            of_scene.push(PlacedMask::new(bound, facts, groups)?);
        }
        all.push(of_scene);
    }
    Ok(all)
}

/// Remarks on masks made by others that no rule reads.
fn unread(scenes: &[SceneFacts], masks: &[Vec<PlacedMask>]) -> Vec<String> {
    let mut bands: Vec<(&str, bool)> = Vec::new();
    for (facts, masks) in scenes.iter().zip(masks) {
        for (index, band) in facts.bands.iter().enumerate().filter(|(_, band)| band.beside) {
            let read = masks.iter().any(|mask| mask.bound.planned().bands().contains(&index));
            match bands.iter_mut().find(|(name, _)| *name == band.name) {
                Some((_, any)) => *any |= read,
                None => bands.push((&band.name, read)),
            }
        }
    }
    let unread = bands.into_iter().filter(|(_, read)| !read);
    unread
        .map(|(name, _)| format!("no mask rule reads {name} of [[scenes.beside]]: it masks nothing"))
        .collect()
}

/// Refuses a rule. If every scene refuses it for the same reason, the message names the rule alone; otherwise the scene too.
fn refused(
    rules: &Rules,
    mask: &At<Mask>,
    scenes: &[SceneFacts],
    facts: &SceneFacts,
    why: &KindError,
) -> EngineError {
    let of_rule = scenes.iter().all(|f| mask.value.rule.bind(f).err().as_ref() == Some(why));
    let scene = if of_rule { String::new() } else { format!("scene {}: ", facts.id) };
    let message = format!("mask \"{}\": {scene}{why}", mask.value.name);
    EngineError::at(&rules.file, &why.span_in(&mask.spans), &message)
}

/// Wanted bands that lie on the same grid are read, masked and aligned together.
fn groups_by_grid(facts: &SceneFacts) -> Vec<Vec<BandId>> {
    let mut groups: Vec<Vec<BandId>> = Vec::new();
    for band in (0..facts.wanted).map(BandId) {
        let grid = &facts.bands[band].grid;
        match groups.iter_mut().find(|g| facts.bands[g[0]].grid.same(grid)) {
            Some(group) => group.push(band),
            None => groups.push(vec![band]),
        }
    }
    groups
}

/// Joint or per-band validity: the same for all scenes.
fn validity(rules: &Rules) -> Result<ValidityMode, EngineError> {
    let mut said = rules.scenes.iter().filter_map(|s| s.value.validity.map(|v| (v, &s.spans)));
    let Some((first, _)) = said.next() else { return Ok(ValidityMode::default()) };
    match said.find(|(v, _)| *v != first) {
        None => Ok(first.into()),
        Some((_, spans)) => {
            let message =
                "[scenes] validity differs from that of another [[scenes]]; it holds for all of them";
            Err(EngineError::at(&rules.file, &spans.of("validity"), message))
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
        Err(EngineError::at(&rules.file, &mask.spans.of("name"), &message))
    })
}
