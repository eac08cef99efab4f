//! The summary of a fit, for the plan and the report.

use super::sample::Sample;
use super::several::Several;
use super::single::Single;
use compose_core::FitSummary;

/// The results of the survey: the order of donors, models, and simpler models that were taken.
pub(super) fn fit_summary(
    sample: &Sample<'_>,
    singles: &[Single],
    joint: &[Several],
    refused: usize,
) -> FitSummary {
    let by_date =
        sample.donors.iter().filter_map(|donor| singles.iter().find(|single| single.scene == *donor));
    let mut fallbacks: Vec<String> = by_date.filter_map(|single| single.fit.fallback()).collect();
    if refused > 0 {
        fallbacks.push(format!(
            "{refused} sets of donors share too few clear pixels with the target; fewer donors are used there"
        ));
    }
    let scenes = |ranks: &[u16]| -> Vec<usize> {
        ranks.iter().map(|rank| singles[usize::from(*rank)].scene).collect()
    };
    let alone = singles.iter().map(|single| single.fit.surveyed(vec![single.scene]));
    FitSummary {
        ranking: singles.iter().map(|single| (single.scene, words(single))).collect(),
        models: alone
            .chain(joint.iter().map(|several| several.fit.surveyed(scenes(&several.ranks))))
            .collect(),
        fallbacks,
    }
}

fn words(single: &Single) -> String {
    let pixels = single.fit.pixels;
    if single.disagreement.is_infinite() {
        return format!("{pixels} clear pixels in common, too few to judge");
    }
    format!(
        "{:.1} % of the target's spread unexplained, {pixels} clear pixels in common",
        single.disagreement * 100.0
    )
}
