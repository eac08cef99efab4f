//! The summary of a fit, for the plan and the report.

use super::learned::Learned;
use super::sample::Sample;
use super::single::Single;
use compose_core::FitSummary;

/// Simpler models that were taken, and why. `refused` sets of donors share too few pixels.
pub(super) fn fallbacks(sample: &Sample<'_>, singles: &[Single], refused: usize) -> Vec<String> {
    let by_date =
        sample.donors.iter().filter_map(|donor| singles.iter().find(|single| single.scene == *donor));
    let mut fallbacks: Vec<String> = by_date.filter_map(|single| single.fit.fallback()).collect();
    if refused > 0 {
        fallbacks.push(format!(
            "{refused} sets of donors share too few clear pixels with the target; fewer donors are used there"
        ));
    }
    fallbacks
}

/// How a donor was judged.
pub(super) fn agreement(single: &Single) -> String {
    let pixels = single.fit.pixels;
    if single.disagreement.is_infinite() {
        return format!("{pixels} clear pixels in common, too few to judge");
    }
    format!(
        "{:.1} % of the target's spread unexplained, {pixels} clear pixels in common",
        single.disagreement * 100.0
    )
}

impl Learned {
    /// The results of the survey: the order of donors, models, and simpler models that were taken.
    pub fn fit_summary(&self) -> FitSummary {
        let scenes = |ranks: &[u16]| -> Vec<usize> {
            ranks.iter().map(|rank| self.donors[usize::from(*rank)].scene).collect()
        };
        let alone = self.donors.iter().map(|donor| donor.fit.surveyed(vec![donor.scene]));
        let joint = self.sets.iter().map(|set| set.fit.surveyed(scenes(&set.ranks)));
        FitSummary {
            ranking: self.donors.iter().map(|donor| (donor.scene, donor.agreement.clone())).collect(),
            models: alone.chain(joint).collect(),
            fallbacks: self.fallbacks.clone(),
        }
    }
}
