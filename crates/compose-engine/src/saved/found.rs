//! The scenes as they were found: kept in a plan file, and given back to the plan that is made of it.

use super::form::{FoundBy, FoundFile, FoundScene, FoundWithout};
use crate::found::{Found, ScenesTable};
use crate::rules::Rules;
use chrono::NaiveDate;
use compose_core::Day;
use compose_io::preset::{self, Preset, Sensor};
use compose_io::scene as io;

/// The scenes for a plan file.
pub fn kept(found: &Found) -> Vec<FoundScene> {
    let file = |of: &io::FoundFile| FoundFile {
        file: of.path.clone(),
        band: of.band.clone(),
        metres: of.metres,
        beside: of.beside,
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
    };
    found.scenes.iter().map(scene).collect()
}

/// The scenes as they were found.
///
/// # Errors
/// They are of other rules: what follows the name of the plan file in a message.
pub fn restored(scenes: &[FoundScene], notes: &[String], rules: &Rules) -> Result<Found, String> {
    let scenes = scenes.iter().map(|of| scene(of, rules)).collect::<Result<_, _>>()?;
    Ok(Found { scenes, notes: notes.to_vec() })
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
    let sensor = match &of.sensor {
        Some(name) => Some(sensor(name, preset_of(rules, table)).ok_or_else(|| wrong("its sensor"))?),
        None => None,
    };
    let known = |beside: usize| beside < beside_of(rules, table);
    if !of.files.iter().filter_map(|file| file.beside).chain(of.without.iter().map(|w| w.beside)).all(known) {
        return Err(wrong("a mask beside it"));
    }
    let file = |of: &FoundFile| io::FoundFile {
        path: of.file.clone(),
        band: of.band.clone(),
        metres: of.metres,
        beside: of.beside,
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
