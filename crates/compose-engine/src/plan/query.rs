//! From the rules file's tables to what discovery is asked.

use crate::error::EngineError;
use crate::rules::settings::{Georeference, Precision, Scene, Scenes};
use crate::rules::values::{BandChoice as SaidChoice, Bands};
use crate::rules::{At, Rules};
use compose_io::preset;
use compose_io::scene::{BandChoice, BandsWanted, ExplicitFiles, ExplicitScene, Nodata, ScenesQuery};

/// `[scenes]` as discovery asks for it.
pub(super) fn query(rules: &Rules, scenes: &At<Scenes>) -> Result<ScenesQuery, EngineError> {
    let said = &scenes.value;
    let preset = match &said.preset {
        None => None,
        Some(name) => Some(preset::find(name).map_err(|message| {
            let span = scenes.spans.of("preset");
            EngineError::at(&rules.file, &span, &format!("[scenes] {message}"))
        })?),
    };
    Ok(ScenesQuery {
        base: rules.file.folder().to_owned(),
        preset,
        paths: said.path.clone().unwrap_or_default().0,
        pattern: said.pattern.clone(),
        date_format: said.date_format.clone(),
        date_from: said.date_from.clone(),
        bands: bands_wanted(said.bands.as_ref()),
        quality: said.quality.clone(),
        layout: said.layout.clone(),
        nodata: nodata(said.nodata.as_ref()),
        scale: said.scale.map(|s| s.0),
        offset: said.offset.map(|o| o.0),
        precision_f32: said.precision == Some(Precision::F32),
        access: rules.access(),
        georeference_none: said.georeference == Some(Georeference::None),
    })
}

fn bands_wanted(said: Option<&Bands>) -> BandsWanted {
    match said {
        None => BandsWanted::Default,
        Some(Bands::Names(names)) => BandsWanted::List(names.clone()),
        Some(Bands::Table(table)) => BandsWanted::Table(
            table
                .iter()
                .map(|(name, choice)| {
                    let choice = match choice {
                        SaidChoice::Number(n) => BandChoice::Number(*n),
                        SaidChoice::Description(d) => BandChoice::Description(d.clone()),
                    };
                    (name.clone(), choice)
                })
                .collect(),
        ),
    }
}

fn nodata(said: Option<&crate::rules::values::NodataValues>) -> Nodata {
    match said {
        None => Nodata::Default,
        Some(values) if values.0.is_empty() => Nodata::None,
        Some(values) => Nodata::Values(values.0.clone()),
    }
}

/// A `[[scene]]` with what `[scenes]` says for it.
pub(super) fn explicit(rules: &Rules, scene: &At<Scene>) -> Result<ExplicitScene, EngineError> {
    let said = &scene.value;
    let shared = rules.scenes.first();
    let mut query = match shared {
        Some(scenes) => query(rules, scenes)?,
        None => ScenesQuery { base: rules.file.folder().to_owned(), ..ScenesQuery::default() },
    };
    if said.bands.is_some() {
        query.bands = bands_wanted(said.bands.as_ref());
    }
    if said.nodata.is_some() {
        query.nodata = nodata(said.nodata.as_ref());
    }
    query.quality = said.quality.clone().or(query.quality);
    query.layout = said.layout.clone().or(query.layout);
    query.scale = said.scale.map(|s| s.0).or(query.scale);
    query.offset = said.offset.map(|o| o.0).or(query.offset);
    if said.files.is_none() && said.file.is_none() {
        let message = "[[scene]] has neither files nor file; expected files = { B2 = \"a.tif\", … } or file = \
                       \"stack.tif\"";
        return Err(EngineError::at(&rules.file, &scene.spans.of("file"), message));
    }
    let per_band = said.files.as_ref().map(|files| files.0.clone()).unwrap_or_default();
    let files = ExplicitFiles { stack: said.file.clone(), per_band };
    Ok(ExplicitScene { id: said.id.clone(), day: said.date.map(|d| d.0), files, query })
}
