//! Values that no scene can have measured: nodata that was not declared. One of them ruins a whole regression.
//!
//! The survey looks for them in the pixels that the masks leave. No regression learns from them. The rules decide whether
//! such a scene is refused, the value is taken for nodata, or it is kept.

use crate::error::EngineError;
use crate::plan::{BandId, Job, Plan, SceneId};
use crate::rules::settings::Implausible;
use compose_core::survey::{DOUBTFUL, SampledScene, UNUSABLE, is_inner};
use compose_core::{BandFacts, Survey};
use compose_io::scene::SceneSource;
use std::ops::RangeInclusive;

/// Reflectances. Products are valid from −0.2 to 1.6 (LSDS-1368, LSDS-1619); 16 bits of Sentinel-2 hold up to 6.55, and
/// sunglint saturates them.
const REFLECTANCE: (f64, f64) = (-0.5, 8.0);
/// Physical values of bands with a scale that are not reflectances: temperatures, angles, heights, percentages.
const ANYTHING: (f64, f64) = (-1e5, 1e5);
/// Names of bands that hold reflectances under a preset.
const REFLECTIVE: [&str; 8] = ["blue", "green", "red", "nir", "swir", "coastal", "rededge", "pan"];
/// The fewest samples that tell the usual range of a band.
const ENOUGH: usize = 30;
/// A repeated value is a spike if its distance from all others is at least this many times their range.
const RANGES: f64 = 10.0;
/// Any value is a spike if its distance from all others is at least this many spreads (1st to 99th percentile).
const SPREADS: f64 = 1e6;
/// Values that usually mean nodata. One that lies at least one spread below all others is taken for nodata.
const CUSTOMARY: [f32; 8] = [-9999.0, -32768.0, -32767.0, -99999.0, -999.0, -9998.0, -28672.0, -3000.0];
/// Largest relative difference between a known nodata value and the sample converted back to stored numbers.
const ROUNDING: f32 = 1e-5;
/// The most values of a band that are reported.
const MOST: usize = 8;
/// The most values of a band that are taken for nodata. More than these are no nodata values.
const MOST_NODATA: usize = 2 * MOST;

/// A value of one band that is no measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    pub value: f32,
    pub count: usize,
    pub why: Why,
}

/// Why a value is no measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Why {
    /// Its physical value is outside the range of reflectance, or of any quantity.
    Physics(f64),
    /// It lies far from all others, whose range this is.
    Spike(f32, f32),
}

/// Scale and meaning of a band's numbers.
#[derive(Clone, Copy)]
pub struct Scaled {
    scale: f64,
    offset: f64,
    reflective: bool,
}

impl Scaled {
    fn of(band: &BandFacts, product: Option<&str>) -> Option<Self> {
        let (scale, offset) = band.scale_offset?;
        let named = |name: &String| REFLECTIVE.iter().any(|of| name.starts_with(of));
        let reflective = product.is_some() && std::iter::once(&band.name).chain(&band.aliases).any(named);
        Some(Self { scale, offset, reflective })
    }

    /// Whether a number can be a reflectance, whatever the name of the band.
    fn may_be_reflectance(self, value: f32) -> bool {
        let (low, high) = REFLECTANCE;
        (low..=high).contains(&(f64::from(value) * self.scale + self.offset))
    }

    /// The physical value of a number, if it is outside the possible range.
    fn nonsense(self, value: f32) -> Option<f64> {
        let physical = f64::from(value) * self.scale + self.offset;
        let (low, high) = if self.reflective { REFLECTANCE } else { ANYTHING };
        (!(low..=high).contains(&physical)).then_some(physical)
    }
}

/// The values of a band that are no measurements, the furthest out first, at most [`MOST`] of them; and all other values.
/// `values` must be rising.
pub fn find(values: &[f32], scaled: Option<Scaled>) -> (Vec<Found>, &[f32]) {
    let (mut rest, mut found) = (values, Vec::new());
    loop {
        let next = [true, false].into_iter().find_map(|high| {
            let value = *if high { rest.last() } else { rest.first() }?;
            let at = rest.partition_point(|v| if high { *v < value } else { *v <= value });
            let (others, count) = if high { (&rest[..at], rest.len() - at) } else { (&rest[at..], at) };
            why(value, count, others, scaled).map(|why| (Found { value, count, why }, others))
        });
        let Some((value, others)) = next else { break };
        if found.len() < MOST {
            found.push(value);
        }
        rest = others;
    }
    (found, rest)
}

fn why(value: f32, count: usize, others: &[f32], scaled: Option<Scaled>) -> Option<Why> {
    if let Some(nonsense) = scaled.and_then(|scaled| scaled.nonsense(value)) {
        return Some(Why::Physics(nonsense));
    }
    let (&first, &last) = (others.first()?, others.last()?);
    if others.len() < ENOUGH {
        return None;
    }
    let far = f64::from(if value > last { value - last } else { first - value });
    let range = f64::from(last) - f64::from(first);
    let hundredth = others.len() / 100;
    let spread = f64::from(others[others.len() - 1 - hundredth]) - f64::from(others[hundredth]);
    let customary = CUSTOMARY.contains(&value) && first >= value && far >= spread;
    // A possible reflectance is a measurement: saturated roofs of Collection 1 all have 20000.
    let reflectance = scaled.is_some_and(|scaled| scaled.may_be_reflectance(value));
    let spike = !reflectance && count > 1 && range > 0.0 && far >= RANGES * range;
    let absurd = spread > 0.0 && far >= SPREADS * spread;
    (spread > 0.0 && customary || spike || absurd).then_some(Why::Spike(first, last))
}

/// The output whose survey is looked at.
pub struct Suspicion<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The output.
    pub job: &'a Job,
}

/// Results of surveys that change how scenes are read.
pub struct Learned {
    /// Per scene: how it is read, with the nodata that was found.
    pub sources: Vec<SceneSource>,
    /// Remarks for the user.
    pub notes: Vec<String>,
}

impl Suspicion<'_> {
    /// Looks for such values in a survey of the job. Returns `true` if some are now taken for nodata, so that the survey must
    /// be taken again. Where the rules keep them, their pixels become unusable in this survey.
    ///
    /// # Errors
    /// The rules refuse them, or their number in the file is unknown.
    pub fn judge(&self, learned: &mut Learned, survey: &mut Survey) -> Result<bool, EngineError> {
        let mut again = false;
        for scene in self.plan.stack.scene_ids() {
            let Some(sampled) = &survey.scenes[scene] else { continue };
            let found = self.implausible_in(scene, sampled);
            let values =
                found.iter().flat_map(|(band, found, _)| found.iter().map(move |value| (band, value)));
            for (band, value) in values {
                let told = self.tell(scene, *band, value);
                match self.plan.implausible {
                    Implausible::Error => {
                        let or = ", or implausible = \"nodata\" or \"keep\" in [scenes]";
                        return Err(self.refuse_implausible(scene, told, value, or));
                    }
                    Implausible::Nodata => {
                        let stored = self.stored(scene, *band, value.value);
                        let Some(stored) = stored else {
                            let or = "; implausible = \"nodata\" cannot tell which number of the file it was";
                            return Err(self.refuse_implausible(scene, told, value, or));
                        };
                        let nodata = &mut learned.sources[scene].refs[*band].nodata;
                        if nodata.contains(&stored) || nodata.len() >= MOST_NODATA {
                            let or = "; there are too many such numbers to take each for nodata (implausible = \"nodata\")";
                            return Err(self.refuse_implausible(scene, told, value, or));
                        }
                        nodata.push(stored);
                        learned
                            .notes
                            .push(format!("{told}; {} is taken for nodata there", number(stored as f32)));
                        again = true;
                    }
                    Implausible::Keep => {
                        learned.notes.push(format!("{told}; nothing is fitted to such pixels"));
                    }
                }
            }
            if self.plan.implausible == Implausible::Keep
                && let Some(sampled) = &mut survey.scenes[scene]
            {
                found.iter().for_each(|(band, _, possible)| leave_out(sampled, *band, possible));
            }
        }
        Ok(again)
    }

    /// Per band with such values: the values, and the least and greatest of the others.
    fn implausible_in(
        &self,
        scene: SceneId,
        sampled: &SampledScene,
    ) -> Vec<(BandId, Vec<Found>, RangeInclusive<f32>)> {
        // Samples are in the numbers of the target; without one, of the first scene.
        let reference = self.job.reference();
        let (facts, product) = (&self.plan.stack.facts[reference], self.plan.stack.products[scene]);
        let mut all = Vec::new();
        for band in (0..self.plan.stack.bands.len()).map(BandId) {
            let seen = (0..sampled.state.len()).filter(|i| is_inner(*i) && sampled.state[*i] >= DOUBTFUL);
            let mut values: Vec<f32> = seen.map(|pixel| sampled.pixel(pixel)[band]).collect();
            values.sort_unstable_by(f32::total_cmp);
            let scaled = Scaled::of(&facts.bands[band], product);
            let (found, rest) = find(&values, scaled);
            if !found.is_empty() {
                // Without a possible value, the range is empty.
                let (low, high) = (rest.first().unwrap_or(&f32::MAX), rest.last().unwrap_or(&f32::MIN));
                all.push((band, found, *low..=*high));
            }
        }
        all
    }

    /// `scene a: band B4 holds 1e30 in 812 of the pixels that were sampled, …`
    fn tell(&self, scene: SceneId, band: BandId, found: &Found) -> String {
        let Found { value, count, why } = found;
        let why = match why {
            Why::Physics(physical) => {
                format!("which means {}, and that is no measurement", number(*physical as f32))
            }
            Why::Spike(low, high) => {
                let (low, high) = (number(*low), number(*high));
                format!("far from all others, which go from {low} to {high}")
            }
        };
        let converted = self.job.view.scenes[scene].radiometry[band].is_some();
        let of = if converted { " (in the target's numbers)" } else { "" };
        let pixels = if *count == 1 { "pixel" } else { "pixels" };
        format!(
            "scene {}: band {} holds {}{of} in {count} sampled {pixels}, {why}",
            self.plan.stack.facts[scene].id,
            self.plan.stack.bands[band],
            number(*value)
        )
    }

    fn refuse_implausible(&self, scene: SceneId, told: String, found: &Found, or: &str) -> EngineError {
        let id = &self.plan.stack.facts[scene].id;
        let told = told.strip_prefix(&format!("scene {id}: ")).unwrap_or(&told).to_owned();
        let message = format!(
            "{told}: it looks like nodata that nobody declared, and fills would be fitted to it; say nodata = {} in \
             [scenes] or [[scene]]{or}",
            number(found.value)
        );
        EngineError::scene(id, message)
    }

    /// The number in the file that a sample comes from; `None` if resampling or conversion made it unrecognisable.
    fn stored(&self, scene: SceneId, band: BandId, value: f32) -> Option<f64> {
        let plan = &self.job.view.scenes[scene];
        if plan.is_exact() && plan.radiometry[band].is_none() {
            return Some(f64::from(value));
        }
        let (gain, bias) = plan.radiometry[band].unwrap_or((1.0, 0.0));
        let back = ((f64::from(value) - bias) / gain) as f32;
        let others = [1e20, 1e30, f32::MAX, f32::MIN, 9.969_21e36, -1e20, -1e30];
        let known = CUSTOMARY.into_iter().chain(others);
        known.into_iter().find(|k| (back - k).abs() <= ROUNDING * k.abs()).map(f64::from)
    }
}

/// A number as text; large and small ones with a power of ten.
fn number(value: f32) -> String {
    if value != 0.0 && !(1e-4..1e9).contains(&value.abs()) {
        format!("{value:e}")
    } else {
        format!("{value}")
    }
}

/// Makes pixels outside the possible range unusable.
fn leave_out(sampled: &mut SampledScene, band: BandId, possible: &RangeInclusive<f32>) {
    for pixel in 0..sampled.state.len() {
        if !possible.contains(&sampled.pixel(pixel)[band]) {
            sampled.state[pixel] = UNUSABLE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn land(more: &[f32]) -> Vec<f32> {
        let mut values: Vec<f32> = (0..5000).map(|i| 200.0 + (i * 37 % 3001) as f32).collect();
        values.extend(more);
        values.sort_unstable_by(f32::total_cmp);
        values
    }

    fn found(values: &[f32]) -> Vec<(f32, usize)> {
        find(values, None).0.into_iter().map(|f| (f.value, f.count)).collect()
    }

    #[test]
    fn nodata_that_nobody_declared_is_found_with_its_count() {
        assert_eq!(found(&land(&[1e30; 7])), [(1e30, 7)]);
        assert_eq!(found(&land(&[f32::MIN; 40])), [(f32::MIN, 40)]);
        assert_eq!(found(&land(&[1e20, 1e20, -9999.0, -9999.0])), [(1e20, 2), (-9999.0, 2)]);
        assert_eq!(found(&land(&[-32768.0])), [(-32768.0, 1)]);
        assert_eq!(found(&land(&[1e30])), [(1e30, 1)], "one pixel is enough to ruin a regression");
        // More of them than of anything else.
        assert_eq!(found(&land(&[-9999.0; 9000])), [(-9999.0, 9000)]);
    }

    #[test]
    fn bright_roofs_clouds_snow_and_dark_water_are_measurements() {
        let nothing: Vec<(f32, usize)> = Vec::new();
        assert_eq!(found(&land(&[])), nothing);
        assert_eq!(found(&land(&[9000.0, 9000.0, 8000.0])), nothing);
        assert_eq!(found(&land(&[-700.0, 0.0, 0.0, 12_000.0])), nothing);
        // A lake with two bright boats, in bytes.
        let mut lake: Vec<f32> = (0..900).map(|i| 20.0 + (i % 31) as f32).chain([255.0, 255.0]).collect();
        lake.sort_unstable_by(f32::total_cmp);
        assert_eq!(found(&lake), nothing);
        // A scene of one number, and one of two.
        assert_eq!(
            (found(&[7.0; 500]), found(&[vec![7.0; 500], vec![9.0; 3]].concat())),
            (nothing.clone(), nothing.clone())
        );
        // Decibels of a radar.
        let decibels: Vec<f32> = (0..4000).map(|i| -35.0 + (i % 400) as f32 / 10.0).collect();
        let mut sorted = decibels;
        sorted.sort_unstable_by(f32::total_cmp);
        assert_eq!(found(&sorted), nothing);
    }

    #[test]
    fn what_no_band_of_a_known_scale_can_mean_is_found_however_often_it_comes() {
        let reflectance = Some(Scaled { scale: 0.0001, offset: 0.0, reflective: true });
        assert_eq!(
            find(&land(&[-32768.0]), reflectance).0[0].why,
            Why::Physics(f64::from(-32768.0_f32) * 0.0001)
        );
        let many: Vec<f32> = (0..100).map(|i| 1e9 + i as f32 * 1e6).collect();
        let values = land(&many);
        let (found, rest) = find(&values, reflectance);
        assert_eq!((found.len(), rest.len()), (MOST, 5000), "eight are told, and all are out");
        assert!(find(&land(&[65_535.0, 20_000.0, 20_000.0, -2000.0]), reflectance).0.is_empty());
        // A glint over water, of a band that no product names.
        let unnamed = Some(Scaled { scale: 0.0001, offset: -0.1, reflective: false });
        let mut water: Vec<f32> = (0..900).map(|i| 1050.0 + (i % 250) as f32).chain([15_000.0; 4]).collect();
        water.sort_unstable_by(f32::total_cmp);
        assert!(find(&water, unnamed).0.is_empty());
        // Kelvin.
        let kelvin = Some(Scaled { scale: 0.1, offset: 0.0, reflective: false });
        assert!(find(&land(&[3100.0]), kelvin).0.is_empty() && find(&land(&[2e6]), kelvin).0.len() == 1);
    }
}
