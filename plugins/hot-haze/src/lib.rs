//! `hot-haze`: a mask rule for compose that marks haze and thin cloud.
//!
//! Over clear land the blue and the red rise and fall together; haze lifts the blue more. Zhang et al. 2002
//! (doi:10.1016/S0034-4257(02)00034-2) turn that into the haze-optimised transformation, and Zhu and Woodcock 2012
//! (Fmask, doi:10.1016/j.rse.2011.10.028) into a test without calibration: blue − 0.5 · red − 0.08 > 0.

mod square;

use compose_plugin::{About, Band, DataPlane, Error, Host, Marks, MaskRule, Scene, SceneInput, ScenePlan};
use square::square_sums;

compose_plugin::settings! {
    /// Settings of `hot-haze`.
    pub struct Settings {
        /// The blue band.
        blue: Band = "blue";
        /// The red band.
        red: Band = "red";
        /// Pixels with a larger blue − 0.5 · red, in reflectance, are marked.
        limit: f64 = 0.08, in 0.0..=1.0;
        /// The number is a mean over a square that reaches so many pixels to each side; 0 is the pixel alone.
        radius: i64 = 1, in 0..=50;
    }
}

/// Marks haze.
pub struct HotHaze {
    settings: Settings,
    /// Planes, as `plan` was told.
    blue: usize,
    red: usize,
}

impl MaskRule for HotHaze {
    type Settings = Settings;

    const ABOUT: About = About {
        id: "hot-haze",
        version: env!("CARGO_PKG_VERSION"),
        summary: "Marks haze and thin cloud: pixels that are too blue for how red they are.",
        page: Some(include_str!("../README.md")),
    };

    fn new(settings: Settings) -> Result<Self, Error> {
        Ok(HotHaze { settings, blue: 0, red: 0 })
    }

    fn plan(&mut self, scene: &Scene<'_>, plan: &mut ScenePlan<'_>) -> Result<(), Error> {
        self.blue = plan.band(reflectance(scene, &self.settings.blue)?);
        self.red = plan.band(reflectance(scene, &self.settings.red)?);
        if self.blue == self.red {
            return Err("blue and red are the same band".into());
        }
        plan.halo(self.settings.radius)
    }

    fn mark(&self, input: &SceneInput<'_>, marks: &mut Marks<'_>, host: &Host<'_>) -> Result<(), Error> {
        let (blue, red) = (input.data(self.blue)?, input.data(self.red)?);
        let (halo, wide) = (input.halo(), input.width() + 2 * input.halo());
        let (hot, valid) = hot(&blue, &red, host)?;
        let (sums, counts) = (square_sums(&hot, wide, halo), square_sums(&valid, wide, halo));
        let means = sums.chunks_exact(input.width()).zip(counts.chunks_exact(input.width()));
        for (row, (marks, (sums, counts))) in marks.rows().zip(means).enumerate() {
            let valid = &valid[(row + halo) * wide + halo..];
            for (col, mark) in marks.iter_mut().enumerate() {
                let is_hazy = sums[col] > self.settings.limit * f64::from(counts[col]);
                *mark = u8::from(is_hazy && valid[col] == 1);
            }
        }
        Ok(())
    }
}

/// The index of a band whose samples can be turned into reflectance, without which the limit means nothing.
fn reflectance(scene: &Scene<'_>, name: &str) -> Result<usize, Error> {
    let index = scene.find(name)?;
    if scene.band(index).scale().is_none() {
        return Err(
            format!("the scale of band \"{name}\" is not known; say scale and offset in [scenes]").into()
        );
    }
    Ok(index)
}

/// For each pixel of the block and its halo: blue − 0.5 · red, or 0 where one of them is not valid; and 1 where
/// both are.
fn hot(blue: &DataPlane<'_>, red: &DataPlane<'_>, host: &Host<'_>) -> Result<(Vec<f64>, Vec<u32>), Error> {
    let (mut hot, mut valid) = (Vec::new(), Vec::new());
    let halo = blue.halo() as isize;
    for row in -halo..blue.height() as isize + halo {
        host.check_cancelled()?;
        let both = blue.wide_valid_row(row).iter().zip(red.wide_valid_row(row)).map(|(b, r)| b & r);
        let samples = blue.wide_row(row).iter().zip(red.wide_row(row));
        for ((&b, &r), is_valid) in samples.zip(both) {
            // Samples that are not valid are arbitrary, even NaN.
            let reflectances = if is_valid == 1 { blue.physical(b).zip(red.physical(r)) } else { None };
            hot.push(reflectances.map_or(0.0, |(b, r)| b - 0.5 * r));
            valid.push(u32::from(is_valid));
        }
    }
    Ok((hot, valid))
}

compose_plugin::export! { mask_rules: [HotHaze], scores: [], fills: [] }
