//! `compose inspect`: grid, date and bands of files; for a quality band each code, its share, its meaning, and
//! which mask rules would take it.

use crate::args::InspectArgs;
use crate::rules::{read_rules, registry};
use crate::screen::{say, tell};
use compose_core::{BandRole, Day, Layout, quality};
use compose_engine::plan::{BandId, SceneId, Stack};
use compose_engine::{EngineError, Options, Rules};
use compose_io::access::{Access, confine};
use compose_io::crs::CrsRegistry;
use compose_io::header::MaskSource;
use compose_io::inspect::{Recognised, code_counts, layout_of_description, recognise};
use compose_io::{BandHeader, FileHeader};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Codes listed per band; the rest is summed up.
const LISTED: usize = 40;

/// A band of codes: which one, and what its codes mean.
struct Quality<'a> {
    band: &'a BandHeader,
    layout: Option<&'static Layout>,
}

/// Shows every file.
pub fn inspect(args: &InspectArgs) -> Result<ExitCode, EngineError> {
    let systems = CrsRegistry::new();
    let layout = args.layout.as_ref().map(|name| quality::find(name)).transpose();
    let layout = layout.map_err(|message| EngineError::Option { option: "--layout".into(), message })?;
    let (access, stack) = match &args.rules {
        Some(path) => {
            let rules = rules(path)?;
            (rules.access(), Some(Stack::open(&rules, &Options::default(), &systems)?))
        }
        None => {
            confine(&Access::default());
            (Access::default(), None)
        }
    };
    for path in &args.files {
        let header = FileHeader::read(path, &systems, &access)?;
        header.remarks.iter().for_each(|remark| tell(&format!("note: {}: {remark}", path.display())));
        let known = recognise(path, &systems, &access);
        say_place(&header)?;
        say_scene(&header, known.as_ref(), stack.as_ref())?;
        header.bands.iter().try_for_each(|band| say(&band_line(band)))?;
        if let Some(quality) = quality_band(args, &header, known.as_ref(), stack.as_ref(), layout)? {
            say_codes(&header, &quality, stack.as_ref())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn rules(path: &Path) -> Result<Rules, EngineError> {
    read_rules(path, &registry(&Arc::default(), false))
}

fn say_place(header: &FileHeader) -> Result<(), EngineError> {
    let grid = &header.grid;
    let place = if header.georeferenced {
        grid.to_string()
    } else {
        format!("{}×{} px, no georeference", grid.width, grid.height)
    };
    say(&format!("{}\n  {}, {place}", header.path.display(), header.driver))
}

/// Scene and date: as the rules file has it, else as a preset reads the name, else what the metadata say.
fn say_scene(
    header: &FileHeader,
    known: Option<&Recognised>,
    stack: Option<&Stack>,
) -> Result<(), EngineError> {
    let date = |day: Option<Day>| day.map_or_else(|| "no date".to_owned(), |d| d.to_string());
    let in_rules = stack.and_then(|s| scene_of(s, &header.path).map(|scene| &s.facts[scene]));
    if let Some(facts) = in_rules {
        return say(&format!("  scene {}, {} (by the rules file)", facts.id, date(facts.day)));
    }
    if let Some(known) = known {
        let band = known.band.as_ref().map_or_else(String::new, |b| format!(", band {b}"));
        let (id, day, preset) = (&known.id, date(known.day), known.preset.name);
        return say(&format!("  scene {id}{band}, {day} (preset {preset})"));
    }
    let is_date = |key: &str| ["DATE", "TIME"].iter().any(|w| key.to_uppercase().contains(w));
    let mut tags = header.tags.iter().filter(|t| is_date(&t.key));
    tags.try_for_each(|tag| say(&format!("  metadata {} = {}", tag.key, tag.value)))
}

fn band_line(band: &BandHeader) -> String {
    let mut line = format!("  band {}: {}", band.number, band.dtype);
    if let Some(description) = &band.description {
        line += &format!(", {description}");
    }
    if band.is_alpha {
        line += ", alpha";
    }
    if band.mask != MaskSource::None {
        line += ", masked by the file itself";
    }
    if let Some(nodata) = band.nodata {
        line += &format!(", nodata {nodata}");
    }
    if let Some((scale, offset)) = band.scale_offset {
        line += &format!(", scale {scale}, offset {offset}");
    }
    line + &format!(", blocks of {}×{}", band.block.0, band.block.1)
}

fn quality_band<'a>(
    args: &InspectArgs,
    header: &'a FileHeader,
    known: Option<&Recognised>,
    stack: Option<&Stack>,
    layout: Option<&'static Layout>,
) -> Result<Option<Quality<'a>>, EngineError> {
    let described = |b: &BandHeader| b.description.as_deref().and_then(layout_of_description);
    if let Some(wanted) = &args.quality {
        let is = |b: &&BandHeader| b.description.as_ref() == Some(wanted) || wanted.parse() == Ok(b.number);
        let alone = header.bands.len() == 1 && known.is_some_and(|k| k.band.as_ref() == Some(wanted));
        let band = header.bands.iter().find(is).or_else(|| header.bands.first().filter(|_| alone));
        let Some(band) = band else {
            let message = format!("{} has no band \"{wanted}\"", header.path.display());
            return Err(EngineError::Option { option: "--quality".into(), message });
        };
        return Ok(Some(Quality {
            band,
            layout: layout.or_else(|| known.and_then(|k| k.layout)).or_else(|| described(band)),
        }));
    }
    if let Some((number, of_rules)) = stack.and_then(|s| quality_in_rules(s, &header.path)) {
        let band = header.bands.iter().find(|b| b.number == number);
        return Ok(band.map(|band| Quality { band, layout: layout.or(of_rules) }));
    }
    if known.is_some_and(|k| k.layout.is_some()) || (layout.is_some() && header.bands.len() == 1) {
        let found = layout.or_else(|| known.and_then(|k| k.layout));
        return Ok(header.bands.first().map(|band| Quality { band, layout: found }));
    }
    let by_description = header.bands.iter().find(|b| described(b).is_some());
    Ok(by_description.map(|band| Quality { band, layout: layout.or_else(|| described(band)) }))
}

/// The band of `path` that the rules file takes for codes.
fn quality_in_rules(stack: &Stack, path: &Path) -> Option<(usize, Option<&'static Layout>)> {
    let (scene, band) = place_in_rules(stack, path)?;
    Some((stack.scenes[scene].refs[band].number, stack.facts[scene].bands[band].layout))
}

fn is_file(path: &Path, other: &Path) -> bool {
    matches!((path.canonicalize(), other.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// The scene that reads `path`.
fn scene_of(stack: &Stack, path: &Path) -> Option<SceneId> {
    stack.scene_ids().find(|scene| stack.scenes[*scene].files.iter().any(|f| is_file(f, path)))
}

/// Scene and band index of the quality band in `path`.
fn place_in_rules(stack: &Stack, path: &Path) -> Option<(SceneId, BandId)> {
    let scene = scene_of(stack, path)?;
    let facts = &stack.facts[scene];
    let codes = |b: &BandId| facts.bands[*b].role == BandRole::Quality;
    let band = (0..facts.bands.len())
        .map(BandId)
        .filter(codes)
        .find(|b| is_file(&stack.scenes[scene].refs[*b].path, path))?;
    Some((scene, band))
}

fn say_codes(header: &FileHeader, quality: &Quality<'_>, stack: Option<&Stack>) -> Result<(), EngineError> {
    let counts = code_counts(header, quality.band)?;
    let total: u64 = counts.values().sum();
    let name = quality.layout.map_or("layout unknown: say --layout", |l| l.name);
    say(&format!("  codes of band {} ({name}), {} of them", quality.band.number, counts.len()))?;
    let mut rows: Vec<(u32, u64)> = counts.into_iter().collect();
    rows.sort_by_key(|(code, count)| (std::cmp::Reverse(*count), *code));
    let place = stack.and_then(|s| place_in_rules(s, &header.path).map(|at| (s, at)));
    if stack.is_some() && place.is_none() {
        say("  (the rules file does not read this band)")?;
    }
    for (code, count) in rows.iter().take(LISTED) {
        let share = *count as f64 * 100.0 / total as f64;
        let meaning = quality.layout.map_or_else(String::new, |l| l.decode(*code));
        let fate = place.map_or_else(String::new, |(s, (scene, band))| fate(s, scene, band, *code));
        say(&format!("  {code:>7} {share:>7.3} %  {meaning}{fate}"))?;
    }
    if rows.len() > LISTED {
        let rest: u64 = rows[LISTED..].iter().map(|(_, count)| count).sum();
        let share = rest as f64 * 100.0 / total as f64;
        say(&format!("  {:>7} {share:>7.3} %  {} more codes", "others", rows.len() - LISTED))?;
    }
    Ok(())
}

/// The effect of the rules on a code. Fill is unusable wherever any rule reads the band.
fn fate(stack: &Stack, scene: SceneId, band: BandId, code: u32) -> String {
    let masks =
        stack.masks[scene].iter().zip(&stack.mask_names).map(|(mask, name)| (mask.bound.planned(), name));
    let readers: Vec<_> = masks.filter(|(mask, _)| mask.bands().contains(&band.index())).collect();
    let layout = stack.facts[scene].bands[band].layout.filter(|_| !readers.is_empty());
    let is_fill = layout.is_some_and(|l| l.is_fill(code));
    let mut names = Vec::new();
    for (mask, name) in readers {
        match mask.takes_code(band.index(), code) {
            Some(true) => names.push(name.clone()),
            None if mask.takes_code_only_by_growing(band.index(), code) => {
                names.push(format!("{name} (only by growing)"));
            }
            // No neighbour changes what becomes of fill.
            None if !is_fill => names.push(format!("{name} (not by the code alone)")),
            _ => {}
        }
    }
    let mut words = if is_fill { vec!["unusable (fill)".to_owned()] } else { Vec::new() };
    if !names.is_empty() {
        words.push(format!("taken by {}", names.join(", ")));
    }
    if words.is_empty() { "  → kept".into() } else { format!("  → {}", words.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use compose_core::DataType;

    fn line(mask: MaskSource, is_alpha: bool) -> String {
        band_line(&BandHeader {
            number: 1,
            description: None,
            dtype: DataType::UInt8,
            nodata: None,
            scale_offset: None,
            mask,
            is_alpha,
            block: (4, 3),
            pixel_interleaved: false,
        })
    }

    #[test]
    fn a_band_says_whether_the_file_masks_it_and_whether_it_is_alpha() {
        assert_eq!(line(MaskSource::None, false), "  band 1: uint8, blocks of 4×3");
        assert_eq!(line(MaskSource::None, true), "  band 1: uint8, alpha, blocks of 4×3");
        let masked = "  band 1: uint8, masked by the file itself, blocks of 4×3";
        assert_eq!(line(MaskSource::Mask, false), masked);
    }
}
