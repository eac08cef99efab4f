//! Items that are older processings of an acquisition that another item has as well.

use compose_stac::Item;
use std::collections::BTreeMap;

/// Two processings of one acquisition may state times that differ by rounding.
const SAME_MILLISECONDS: i64 = 1000;

/// For each item why it is left out, if another is the newer processing of the same acquisition.
///
/// An acquisition is a tile or frame (`grid:code`) of one datatake of one platform; of Landsat, a frame on a day. Two parts of a
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
        for &nth in &group {
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
    let (platform, code) = (item.platform.as_deref().unwrap_or_default(), item.grid_code.as_deref()?);
    let what = match &item.datatake {
        // GS2B_20230810T094549_033567_N05.09: the last part is the baseline.
        Some(datatake) => datatake.rsplit_once("_N").map_or(datatake.as_str(), |(stem, _)| stem).to_owned(),
        None if code.starts_with("WRS") => item.datetime.date_naive().to_string(),
        None => item.datetime.to_rfc3339(),
    };
    Some(format!("{platform} {code} {what}"))
}

fn age(item: &Item) -> (Option<u32>, Option<chrono::DateTime<chrono::Utc>>, Option<u32>, &str) {
    (item.baseline, item.processed, item.sequence, &item.id)
}

fn supersedes(new: &Item, old: &Item) -> bool {
    let apart = (new.datetime - old.datetime).num_milliseconds().abs() > SAME_MILLISECONDS;
    // Parts of one datatake, processed together.
    let parts = new.datatake.is_some() && new.baseline == old.baseline && apart;
    !parts && age(new) > age(old)
}
