//! Names of bands across sensors: `B4` is red on Landsat 8 and near infrared on Landsat 7.

use super::{DiscoverError, bands};
use crate::preset::{BandSpec, Part, Sensor};
use crate::scene::{BandsWanted, FoundScene, ScenesQuery};

/// The names to ask every scene for, so that one name means one thing in all of them: those that the query
/// says; or, where it says none and the scenes come from several sensors, the common names of `target`'s
/// default bands that every sensor has. `None` where the names of the target's own bands will do.
///
/// # Errors
/// [`DiscoverError::Ambiguous`] where a name means different things by sensor.
pub fn wanted_names(
    target: &FoundScene,
    scenes: &[&FoundScene],
    query: &ScenesQuery,
) -> Result<Option<Vec<String>>, DiscoverError> {
    if let BandsWanted::List(names) = &query.bands {
        names.iter().try_for_each(|name| one_meaning(name, scenes))?;
    }
    Ok(query.bands.names().or_else(|| shared(target, scenes)))
}

fn one_meaning(name: &str, scenes: &[&FoundScene]) -> Result<(), DiscoverError> {
    let mut meanings = scenes.iter().filter_map(|s| Some((s.sensor?.band(name)?.common?, &s.id)));
    let Some((first, earlier)) = meanings.next() else { return Ok(()) };
    match meanings.find(|(common, _)| *common != first) {
        None => Ok(()),
        Some((second, later)) => Err(DiscoverError::Ambiguous {
            name: name.into(),
            first: format!("{first} in {earlier}"),
            second: format!("{second} in {later}"),
        }),
    }
}

fn shared(target: &FoundScene, scenes: &[&FoundScene]) -> Option<Vec<String>> {
    let own = target.sensor?;
    let sensors: Vec<&'static Sensor> = scenes.iter().map(|s| s.sensor).collect::<Option<_>>()?;
    if sensors.iter().all(|s| std::ptr::eq(*s, own)) {
        return None;
    }
    let has = |common: &str| sensors.iter().all(|s| s.bands.iter().any(|b| b.common == Some(common)));
    let common = wanted(target, own).into_iter().filter_map(|b| b.common);
    Some(common.filter(|c| has(c)).map(str::to_owned).collect())
}

/// The default bands of a scene that its file names tell.
fn wanted(scene: &FoundScene, sensor: &'static Sensor) -> Vec<&'static BandSpec> {
    let known = scene.files.iter().filter_map(|file| {
        let spec = sensor.band(file.band.as_deref()?)?;
        (spec.part == Part::Wanted).then(|| (spec, file.metres.or(spec.metres)))
    });
    let known: Vec<_> = known.collect();
    let finest = bands::finest(known.iter().map(|(_, metres)| *metres));
    known.into_iter().filter(|(_, metres)| *metres <= finest).map(|(spec, _)| spec).collect()
}
