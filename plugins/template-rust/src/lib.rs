//! `my-rule`: a mask rule for compose.
//!
//! It marks a pixel where the mean reflectance of the pixels around it is larger than a limit. Change it from top
//! to bottom: settings, plan, mark.

#![forbid(unsafe_code)]

use compose_plugin::{About, Band, DataPlane, Error, Host, Marks, MaskRule, Scene, SceneInput, ScenePlan};

// 1. Settings: the keys of the rules file. compose checks types and ranges before `new`.
compose_plugin::settings! {
    /// Settings of `my-rule`.
    pub struct Settings {
        /// The band to read.
        band: Band;
        /// Pixels with a larger mean reflectance are marked.
        limit: f64 = 0.3, in 0.0..=1.0;
    }
}

/// Pixels that are looked at on each side: 1 is a square of 3 by 3.
const RADIUS: isize = 1;

/// Marks pixels of bright surroundings. Made by `new`, completed by `plan`, then only read.
pub struct MyRule {
    settings: Settings,
    /// The plane of the band, as `plan` was told.
    band: usize,
}

impl MaskRule for MyRule {
    type Settings = Settings;

    const ABOUT: About = About {
        id: "my-rule",
        version: env!("CARGO_PKG_VERSION"),
        summary: "Marks pixels whose surroundings are brighter than a limit.",
        page: None,
    };

    fn new(settings: Settings) -> Result<Self, Error> {
        Ok(MyRule { settings, band: 0 })
    }

    // 2. Plan: which bands are read, and how far around a pixel. No pixel has been read yet.
    fn plan(&mut self, scene: &Scene<'_>, plan: &mut ScenePlan<'_>) -> Result<(), Error> {
        let band = scene.find(&self.settings.band)?;
        if scene.band(band).scale().is_none() {
            return Err(format!("the scale of band \"{}\" is not known", self.settings.band).into());
        }
        self.band = plan.band(band);
        plan.halo(RADIUS)
    }

    // 3. Mark: 1 or 0 for every pixel of a block.
    fn mark(&self, input: &SceneInput<'_>, marks: &mut Marks<'_>, host: &Host<'_>) -> Result<(), Error> {
        let plane = input.data(self.band)?;
        for (row, marks) in marks.rows().enumerate() {
            host.check_cancelled()?;
            for (col, mark) in marks.iter_mut().enumerate() {
                *mark = u8::from(self.is_marked(&plane, row as isize, col as isize));
            }
        }
        Ok(())
    }
}

impl MyRule {
    /// Whether a pixel is to be marked. Rows and columns may be read that are `RADIUS` pixels outside the block.
    fn is_marked(&self, plane: &DataPlane<'_>, row: isize, col: isize) -> bool {
        let (mut sum, mut count) = (0.0, 0.0);
        for r in row - RADIUS..=row + RADIUS {
            for c in col - RADIUS..=col + RADIUS {
                // None where the pixel is not valid (nodata, outside the scene).
                if let Some(reflectance) = plane.get(r, c).and_then(|sample| plane.physical(sample)) {
                    sum += reflectance;
                    count += 1.0;
                }
            }
        }
        plane.get(row, col).is_some() && sum > self.settings.limit * count
    }
}

// 4. What the library has: one mask rule.
compose_plugin::export! { mask_rules: [MyRule], scores: [], fills: [] }
