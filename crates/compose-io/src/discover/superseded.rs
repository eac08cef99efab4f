//! Items that are older processings of an acquisition that another item has as well.

use chrono::{DateTime, Utc};
use compose_stac::Item;
use std::collections::BTreeMap;

/// Two processings of one acquisition may state times that differ by rounding.
const SAME_MILLISECONDS: i64 = 1000;

/// For each item why it is left out, if another is the newer processing of the same acquisition.
///
/// An acquisition is, within a collection, a tile or frame (`grid:code`) of one datatake of one platform; of Landsat, a frame on a day. Two parts of a
/// datatake (other times, one baseline) are two acquisitions: both stay.
pub(super) fn of(items: &[Item]) -> Vec<Option<String>> {
    let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (nth, item) in items.iter().enumerate() {
        if let Some(key) = acquisition(item) {
            groups.entry(key).or_default().push(nth);
        }
    }
    let mut left_out = vec![None; items.len()];
    for group in groups.into_values().filter(|group| group.len() > 1) {
        let pairs = || group.iter().flat_map(|a| group.iter().map(|b| (&items[*a], &items[*b])));
        let has_parts =
            pairs().any(|(a, b)| a.datatake.is_some() && a.baseline == b.baseline && are_apart(a, b));
        for &nth in &group {
            let supersedes =
                |new: &Item, old: &Item| !(has_parts && are_apart(new, old)) && age(new) > age(old);
            let newer = group.iter().filter(|other| supersedes(&items[**other], &items[nth]));
            // The newest of all is named, not one that is itself left out.
            let newest = newer.max_by_key(|other| age(&items[**other]));
            left_out[nth] = newest
                .map(|other| format!("{} is a newer processing of the same acquisition", items[*other].id));
        }
    }
    left_out
}

fn acquisition(item: &Item) -> Option<String> {
    let platform = item.platform.as_deref().unwrap_or_default().to_lowercase();
    let code = item.grid_code.as_deref()?;
    let what = match &item.datatake {
        // GS2B_20230810T094549_033567_N05.09: the last part is the baseline.
        Some(datatake) => datatake.rsplit_once("_N").map_or(datatake.as_str(), |(stem, _)| stem).to_owned(),
        None if code.starts_with("WRS") => item.datetime.date_naive().to_string(),
        None => item.datetime.to_rfc3339(),
    };
    // One acquisition has items in several collections: reflectance, temperature, another level.
    let collection = item.collection.as_deref().unwrap_or_default();
    Some(format!("{collection} {platform} {code} {what}"))
}

/// Items of one age are of one processing: both stay.
fn age(item: &Item) -> (Option<u32>, Option<DateTime<Utc>>, Option<u32>) {
    (item.baseline, item.processed, item.sequence)
}

fn are_apart(a: &Item, b: &Item) -> bool {
    (a.datetime - b.datetime).num_milliseconds().abs() > SAME_MILLISECONDS
}
