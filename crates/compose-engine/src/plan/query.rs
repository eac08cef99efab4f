//! From the rules file's tables to what discovery is asked.

use crate::error::EngineError;
use crate::plan::catalogue;
use crate::rules::settings::{Beside, Georeference, Missing, Precision, Scene, Scenes};
use crate::rules::values::{BandChoice as SaidChoice, Bands, LayoutOrClasses};
use crate::rules::{At, Rules};
use compose_core::quality;
use compose_io::preset;
use compose_io::scene::{
    self as io, BandChoice, BandsWanted, BesidePlace, ExplicitFiles, ExplicitScene, Nodata, ScenesQuery,
};

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
    let stac = catalogue::source(rules, scenes)?;
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
        mentioned: stac.as_ref().map(|_| rules.mentioned.clone()),
        stac,
        beside: said
            .beside
            .iter()
            .map(|beside| self::beside(rules, scenes, beside))
            .collect::<Result<_, _>>()?,
    })
}

/// A `[[scenes.beside]]`.
fn beside(rules: &Rules, scenes: &At<Scenes>, said: &Beside) -> Result<io::Beside, EngineError> {
    let refuse = |message: String| {
        EngineError::at(&rules.file, &scenes.spans.of("beside"), &format!("[[scenes.beside]] {message}"))
    };
    let place = match (&said.files, &said.asset) {
        (Some(files), None) => BesidePlace::Files(files.clone()),
        (None, Some(_)) if scenes.value.stac.is_none() && scenes.value.stac_search.is_none() => {
            return Err(refuse(
                "has an asset, and only scenes of a catalogue (stac) have such; expected files".into(),
            ));
        }
        (None, Some(key)) => BesidePlace::Asset(key.clone()),
        (Some(_), Some(_)) => return Err(refuse("says both files and asset; a mask has one place".into())),
        (None, None) => {
            return Err(refuse("has no files; expected a glob such as \"masks/{id}_OCM*.tif\"".into()));
        }
    };
    let Some(band) = said.band.as_ref().filter(|band| !band.is_empty()) else {
        return Err(refuse("has no band; say by which name rules ask for it, e.g. band = \"OCM\"".into()));
    };
    if scenes.value.beside.iter().filter(|other| other.band.as_ref() == Some(band)).count() > 1 {
        return Err(refuse(format!("band = \"{band}\" is there twice; each needs a name of its own")));
    }
    if said.number == Some(0) {
        return Err(refuse(format!("{band}: number = 0, expected a number from 1")));
    }
    let layout = match &said.layout {
        None => None,
        Some(LayoutOrClasses::Name(name)) => Some(quality::find(name).map_err(refuse)?),
        Some(LayoutOrClasses::Classes(classes)) => {
            let layout = quality::of_classes("classes of one's own", "the rules file", classes);
            Some(layout.map_err(|why| refuse(format!("{band}: layout {why}")))?)
        }
    };
    Ok(io::Beside {
        place,
        band: band.clone(),
        number: said.number,
        layout,
        nodata: nodata(said.nodata.as_ref()),
        skip: said.missing == Some(Missing::Skip),
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
