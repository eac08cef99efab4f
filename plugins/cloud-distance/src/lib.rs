//! `cloud-distance`: a score for compose that prefers looks far from clouds and their shadows.
//!
//! What a mask misses (rims, haze, shadow) lies near what it has found. Griffiths et al. 2013
//! (doi:10.1109/JSTARS.2012.2228167) therefore rate a pixel by its distance from the nearest cloud, up to a reach
//! beyond which all are equally good. The rating here rises in a straight line.

mod distance;

use compose_plugin::{
    About, CodePlane, Error, Field, Host, Scene, SceneBand, SceneInput, ScenePlan, Score, Scores,
};

compose_plugin::settings! {
    /// Settings of `cloud-distance`.
    pub struct Settings {
        /// Flags, fields or classes of the quality band's layout that say "cloud".
        flags: Vec<String> = ["cloud", "cloud-shadow"];
        /// Of a field of several bits, such as a confidence, the smallest number that says "cloud".
        at_least: i64 = 1, in 1..=255;
        /// Pixels that are farther than this from any cloud are equally good, in pixels.
        reach: i64 = 50, in 1..=500;
    }
}

/// Rates pixels by their distance from clouds.
pub struct CloudDistance {
    settings: Settings,
    /// The plane of the quality band, as `plan` was told.
    quality: usize,
}

impl Score for CloudDistance {
    type Settings = Settings;

    const ABOUT: About = About {
        id: "cloud-distance",
        version: env!("CARGO_PKG_VERSION"),
        summary: "Rates a pixel by its distance from the nearest cloud or shadow: the farther, the better.",
        page: Some(include_str!("../README.md")),
    };

    fn new(settings: Settings) -> Result<Self, Error> {
        if settings.flags.is_empty() {
            return Err("flags is empty; expected at least one field, such as \"cloud\"".into());
        }
        Ok(CloudDistance { settings, quality: 0 })
    }

    fn plan(&mut self, scene: &Scene<'_>, plan: &mut ScenePlan<'_>) -> Result<(), Error> {
        let index =
            scene.quality().ok_or("the scene has no quality band; say quality and layout in [scenes]")?;
        self.flags(&scene.band(index))?;
        self.quality = plan.band(index);
        // A cloud that is farther away than the reach changes nothing.
        plan.halo(self.settings.reach)
    }

    fn rate(&self, input: &SceneInput<'_>, scores: &mut Scores<'_>, host: &Host<'_>) -> Result<(), Error> {
        let codes = input.codes(self.quality)?;
        let flags = self.flags(&input.scene().band(codes.band()))?;
        let reach = input.halo() as u32;
        let columns =
            distance::along_columns(&self.clouds(&codes, &flags), codes.width() + 2 * codes.halo(), reach);
        let rows = columns.chunks_exact(codes.width() + 2 * codes.halo()).skip(codes.halo());
        for (scores, columns) in scores.rows().zip(rows) {
            host.check_cancelled()?;
            let squares = distance::squared_in_row(columns, reach);
            for (score, square) in scores.iter_mut().zip(&squares[codes.halo()..]) {
                *score = (f64::from(*square).sqrt().min(f64::from(reach)) / f64::from(reach)) as f32;
            }
        }
        Ok(())
    }
}

/// Codes that say "cloud": those whose field has a value from `low` to `high`.
struct Cloud<'a> {
    field: Field<'a>,
    low: u32,
    high: u32,
}

impl Cloud<'_> {
    fn is(&self, code: u32) -> bool {
        (self.low..=self.high).contains(&self.field.of(code))
    }
}

impl CloudDistance {
    /// What says "cloud". A flag that the layout lacks is refused: the others alone would miss clouds.
    fn flags<'a>(&self, band: &SceneBand<'a>) -> Result<Vec<Cloud<'a>>, Error> {
        let flag = |name: &String| {
            self.flag(band, name).ok_or_else(|| {
                let names: Vec<_> = band.fields().flat_map(|field| names(&field)).collect();
                let (band, layout, names) = (band.name(), band.layout(), names.join(", "));
                format!("band {band} of layout \"{layout}\" knows no \"{name}\" for flags; it knows {names}")
                    .into()
            })
        };
        self.settings.flags.iter().map(flag).collect()
    }

    /// A field of that name, or a class of that name.
    fn flag<'a>(&self, band: &SceneBand<'a>, name: &str) -> Option<Cloud<'a>> {
        if let Some(field) = band.field(name) {
            // A flag of one bit has no number above 1.
            let low = if field.bits == 1 { 1 } else { self.settings.at_least as u32 };
            return Some(Cloud { field, low, high: u32::MAX });
        }
        let class =
            |field: Field<'a>| field.value(name).map(|value| Cloud { field, low: value, high: value });
        band.fields().find_map(class)
    }

    /// Whether there is a cloud, for each pixel of the block and its halo. Codes that are not valid say nothing.
    fn clouds(&self, codes: &CodePlane<'_>, flags: &[Cloud<'_>]) -> Vec<bool> {
        let halo = codes.halo() as isize;
        let rows = -halo..codes.height() as isize + halo;
        rows.flat_map(|row| codes.wide_row(row).iter().zip(codes.wide_valid_row(row)))
            .map(|(code, valid)| *valid == 1 && flags.iter().any(|flag| flag.is(*code)))
            .collect()
    }
}

/// What a field can be called: by its own name, or where it has but one meaning for each value by these.
fn names<'a>(field: &Field<'a>) -> Vec<&'a str> {
    if field.bits < 32 { vec![field.name] } else { field.classes().map(|(_, name)| name).collect() }
}

compose_plugin::export! { mask_rules: [], scores: [CloudDistance], fills: [] }
