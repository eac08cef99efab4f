//! The scenes as they were found: kept in a plan file, and given back to the plan that is made of it.

use super::assets;
use super::form::{FoundBy, FoundFile, FoundScene, FoundWithout, SavedPlan};
use crate::found::{Found, ScenesTable};
use crate::rules::Rules;
use chrono::NaiveDate;
use compose_core::{Day, Sun};
use compose_io::preset::{self, Preset, Sensor};
use compose_io::scene as io;

/// The scenes for a plan file.
pub fn kept(found: &Found) -> Vec<FoundScene> {
    let file = |of: &io::FoundFile| FoundFile {
        file: of.path.clone(),
        band: of.band.clone(),
        metres: of.metres,
        beside: of.beside,
        number: of.number,
        asset: of.asset.as_ref().map(assets::kept),
    };
    let without = |of: &io::Without| FoundWithout { beside: of.beside, reason: of.reason.clone() };
    let scene = |(table, of): &(ScenesTable, io::FoundScene)| FoundScene {
        id: of.id.clone(),
        date: of.day.map(|day| day.to_string()),
        table: match *table {
            ScenesTable::Scenes(number) => FoundBy::Scenes(number),
            ScenesTable::Scene(number) => FoundBy::Scene(number),
        },
        files: of.files.iter().map(file).collect(),
        sensor: of.sensor.map(|sensor| sensor.name.to_owned()),
        baseline: of.baseline,
        mtl: of.mtl.clone(),
        notes: of.notes.clone(),
        without: of.without.iter().map(without).collect(),
        left_out: of.left_out.clone(),
        preset: of.preset.map(|preset| preset.name.to_owned()),
        sun: of.sun.map(|sun| (sun.elevation, sun.azimuth)),
        item: of.item.as_ref().map(assets::kept_item),
    };
    found.scenes.iter().map(scene).collect()
}

/// The scenes as they were found.
///
/// # Errors
/// They are of other rules: what follows the name of the plan file in a message.
pub fn restored(plan: &SavedPlan, rules: &Rules) -> Result<Found, String> {
    let scenes = plan.found.iter().map(|of| scene(of, rules)).collect::<Result<_, _>>()?;
    Ok(Found { scenes, notes: plan.passed_over.clone(), documents: plan.documents.clone() })
}

fn scene(of: &FoundScene, rules: &Rules) -> Result<(ScenesTable, io::FoundScene), String> {
    let wrong = |what: &str| format!("scene {}: {what} is none that its rules know", of.id);
    let (table, known) = match of.table {
        FoundBy::Scenes(number) => (ScenesTable::Scenes(number), number < rules.scenes.len()),
        FoundBy::Scene(number) => (ScenesTable::Scene(number), number < rules.scene.len()),
    };
    if !known {
        return Err(wrong("its table"));
    }
    let day = match of.date.as_deref().map(day) {
        Some(None) => return Err(wrong("its date")),
        day => day.flatten(),
    };
    let own = match &of.preset {
        Some(name) => Some(preset::find(name).map_err(|_| wrong("its product"))?),
        None => None,
    };
    let sensor = match &of.sensor {
        Some(name) => Some(sensor(name, preset_of(rules, table).or(own)).ok_or_else(|| wrong("its sensor"))?),
        None => None,
    };
    let known = |beside: usize| beside < beside_of(rules, table);
    if !of.files.iter().filter_map(|file| file.beside).chain(of.without.iter().map(|w| w.beside)).all(known) {
        return Err(wrong("a mask beside it"));
    }
    let item = match &of.item {
        Some(item) => Some(assets::restored_item(item).ok_or_else(|| wrong("its time"))?),
        None => None,
    };
    let file = |of: &FoundFile| io::FoundFile {
        path: of.file.clone(),
        band: of.band.clone(),
        metres: of.metres,
        beside: of.beside,
        number: of.number,
        asset: of.asset.as_ref().map(assets::restored),
    };
    let without = |of: &FoundWithout| io::Without { beside: of.beside, reason: of.reason.clone() };
    let scene = io::FoundScene {
        id: of.id.clone(),
        day,
        files: of.files.iter().map(file).collect(),
        sensor,
        baseline: of.baseline,
        mtl: of.mtl.clone(),
        notes: of.notes.clone(),
        without: of.without.iter().map(without).collect(),
        left_out: of.left_out.clone(),
        preset: own,
        sun: of.sun.map(|(elevation, azimuth)| Sun { elevation, azimuth }),
        item,
    };
    Ok((table, scene))
}

/// The day of a date as a [`Day`] is printed.
pub fn day(date: &str) -> Option<Day> {
    date.parse::<NaiveDate>().ok().map(Day::from)
}

/// The preset of a table; a `[[scene]]` has that of the first `[scenes]`.
fn preset_of(rules: &Rules, table: ScenesTable) -> Option<&'static Preset> {
    let number = if let ScenesTable::Scenes(number) = table { number } else { 0 };
    preset::find(rules.scenes.get(number)?.value.preset.as_ref()?).ok()
}

/// The number of masks made by others that a table asks for; a `[[scene]]` has those of the first `[scenes]`.
fn beside_of(rules: &Rules, table: ScenesTable) -> usize {
    let number = if let ScenesTable::Scenes(number) = table { number } else { 0 };
    rules.scenes.get(number).map_or(0, |scenes| scenes.value.beside.len())
}

fn sensor(name: &str, preset: Option<&'static Preset>) -> Option<&'static Sensor> {
    preset?.sensors.iter().find(|sensor| sensor.name == name)
}
