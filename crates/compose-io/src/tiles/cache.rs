//! The tile cache: it chooses the tiles that are kept when not all fit.
//!
//! Blocks come in row-major order, so where a tile lies on the target grid tells when it is wanted next: by a block to
//! the right, by the strip of blocks below, or never. What is wanted last goes first (L. A. Belady, "A study of
//! replacement algorithms for a virtual-storage computer", IBM Systems Journal 5, 1966). A plain "least recently used"
//! would throw away exactly the tiles that the next strip starts with.

use super::reading::{Extent, RunPosition};
use std::collections::HashMap;
use std::hash::Hash;

/// Blocks that a worker may be behind the foremost one: their tiles are still wanted.
const BEHIND: i64 = 2;
/// Rows that a tile must lose to be cut again.
const LEAST_CUT: i64 = 64;

struct Entry<T> {
    item: T,
    bytes: u64,
    used: u64,
    extent: Extent,
    /// The first row that is still there, where others have gone.
    first_row: Option<i64>,
}

impl<T> Entry<T> {
    /// The row below which all is wanted, where enough lies above it to be worth a copy of the rest.
    fn cuttable(&self) -> Option<i64> {
        let row = self.extent.next_row?;
        (self.first_row.is_none_or(|first| row >= first + LEAST_CUT)).then_some(row)
    }
}

/// When a tile is wanted next, the soonest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// In this strip, from this column on.
    InStrip(i64),
    /// In the next strip, from this column on.
    NextStrip(i64),
    Never,
}

/// Items by key, up to a budget of bytes. An item that was just reached for is never thrown away by filling it.
pub(super) struct TileCache<K, T> {
    entries: HashMap<K, Entry<T>>,
    budget: u64,
    bytes: u64,
    clock: u64,
    /// The position of the foremost worker.
    now: Option<RunPosition>,
}

impl<K: Clone + Eq + Hash, T: Clone + Default> TileCache<K, T> {
    /// An empty cache.
    pub(super) fn new(budget: u64) -> Self {
        Self { entries: HashMap::new(), budget, bytes: 0, clock: 0, now: None }
    }

    /// The item of this key, made anew (and weightless so far) where it is not here.
    pub(super) fn reach(&mut self, key: &K, extent: Extent, place: RunPosition) -> T {
        self.clock += 1;
        let order = |p: &RunPosition| (p.pass, p.block.row, p.block.col);
        if self.now.as_ref().is_none_or(|now| order(now) < order(&place)) {
            self.now = Some(place);
        }
        let used = self.clock;
        let entry = self.entries.entry(key.clone()).or_insert_with(|| Entry {
            item: T::default(),
            bytes: 0,
            used,
            extent,
            first_row: None,
        });
        (entry.used, entry.extent) = (used, extent);
        entry.item.clone()
    }

    /// Says how much an item weighs, and makes room for it. Returns the items to be cut: each with the first row
    /// that is to stay.
    #[must_use]
    pub(super) fn make_room(&mut self, key: &K, bytes: u64) -> Vec<(K, T, i64)> {
        let mut cut = Vec::new();
        let Some(entry) = self.entries.get_mut(key) else { return cut };
        self.bytes = self.bytes + bytes - entry.bytes;
        (entry.bytes, entry.first_row) = (bytes, None);
        let mut over = self.bytes.saturating_sub(self.budget);
        while over > 0 {
            let Some(victim) = self.last_wanted(key) else { return cut };
            let (due, entry) = (self.due(&self.entries[&victim]), self.entries.get_mut(&victim));
            let entry = entry.expect("it was just found");
            if let (Due::NextStrip(_), Some(row)) = (due, entry.cuttable()) {
                entry.first_row = Some(row);
                cut.push((victim, entry.item.clone(), row));
                // How much that will free is not known yet: half, on average.
                over = over.saturating_sub(entry.bytes / 2);
            } else {
                over = over.saturating_sub(entry.bytes);
                self.forget(&victim);
            }
        }
        cut
    }

    /// Says what an item weighs that was cut at `row`, unless it was filled anew meanwhile.
    pub(super) fn shrink(&mut self, key: &K, row: i64, bytes: u64) {
        if let Some(entry) = self.entries.get_mut(key).filter(|entry| entry.first_row == Some(row)) {
            self.bytes = self.bytes + bytes - entry.bytes;
            entry.bytes = bytes;
        }
    }

    /// Lets all items go.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }

    /// Lets an item go.
    pub(super) fn forget(&mut self, key: &K) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= entry.bytes;
        }
    }

    fn due(&self, entry: &Entry<T>) -> Due {
        let Some(now) = self.now else { return Due::Never };
        let Extent { pass, left, right, bottom, .. } = entry.extent;
        let at = now.block.col - BEHIND * now.block.width as i64;
        if pass != now.pass || bottom <= now.block.row {
            Due::Never
        } else if right > at {
            Due::InStrip(left.max(at))
        } else if bottom > now.block.row_end() {
            Due::NextStrip(left)
        } else {
            Due::Never
        }
    }

    /// What is never wanted goes first. Then what the next strip wants is cut, the longest unused first, and then it
    /// goes, what it wants last first. Then what this strip wants last.
    fn last_wanted(&self, except: &K) -> Option<K> {
        let weighing = self.entries.iter().filter(|(key, entry)| entry.bytes > 0 && *key != except);
        let rank = |entry: &Entry<T>| match (self.due(entry), entry.cuttable()) {
            (Due::Never, ..) => (3, 0, u64::MAX - entry.used),
            (Due::NextStrip(_), Some(_)) => (2, 0, u64::MAX - entry.used),
            (Due::NextStrip(col), ..) => (1, col, u64::MAX - entry.used),
            (Due::InStrip(col), ..) => (0, col, u64::MAX - entry.used),
        };
        weighing.max_by_key(|(_, entry)| rank(entry)).map(|(key, _)| key.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use compose_core::Window;

    /// Blocks of 10 × 10 in a region of 100 × 100.
    fn place(pass: usize, col: i64, row: i64) -> RunPosition {
        let block = Window { col, row, width: 10, height: 10 };
        RunPosition { pass, region: Window::whole(100, 100), block }
    }

    fn extent(left: i64, right: i64, bottom: i64) -> Extent {
        Extent { pass: 0, left, right, bottom, next_row: Some(5) }
    }

    const TO_THE_RIGHT: Extent = Extent { pass: 0, left: 50, right: 90, bottom: 10, next_row: Some(5) };

    /// Puts items of weight 2 on the cache, one after the other, and cuts what is to be cut to weight 1.
    fn put(cache: &mut TileCache<u8, u8>, items: &[(u8, Extent)]) -> Vec<u8> {
        let mut all = Vec::new();
        for (key, extent) in items {
            cache.reach(key, *extent, place(0, 50, 0));
            for (cut, _, row) in cache.make_room(key, 2) {
                assert_eq!(row, 5);
                cache.shrink(&cut, row, 1);
                all.push(cut);
            }
        }
        all
    }

    fn keys(cache: &TileCache<u8, u8>) -> Vec<u8> {
        let mut keys: Vec<u8> = cache.entries.keys().copied().collect();
        keys.sort_unstable();
        keys
    }

    #[test]
    fn where_a_tile_lies_tells_when_it_is_wanted() {
        let mut cache = TileCache::<u8, u8>::new(10);
        cache.reach(&1, TO_THE_RIGHT, place(0, 50, 0));
        let due = |extent| {
            let entry = Entry { item: 0, bytes: 0, used: 0, extent, first_row: None };
            cache.due(&entry)
        };
        assert_eq!(due(TO_THE_RIGHT), Due::InStrip(50));
        assert_eq!(due(extent(0, 30, 20)), Due::NextStrip(0));
        assert_eq!(due(extent(0, 30, 10)), Due::Never);
        // A worker that is behind may still want it.
        assert_eq!(due(extent(0, 35, 10)), Due::InStrip(30));
        assert_eq!(due(Extent { pass: 1, ..TO_THE_RIGHT }), Due::Never);
        // The run goes on: what was passed over without a look is waited for no longer.
        cache.reach(&1, extent(0, 30, 20), place(0, 0, 10));
        let due = |extent| {
            let entry = Entry { item: 0, bytes: 0, used: 0, extent, first_row: None };
            cache.due(&entry)
        };
        assert_eq!(due(TO_THE_RIGHT), Due::Never);
        assert_eq!(due(extent(0, 30, 20)), Due::InStrip(0));
    }

    #[test]
    fn what_is_never_wanted_goes_first_then_what_is_wanted_last() {
        let mut cache = TileCache::new(6);
        let (below, passed) = (extent(0, 30, 20), extent(0, 30, 10));
        assert!(put(&mut cache, &[(1, TO_THE_RIGHT), (2, below), (3, passed)]).is_empty());
        assert!(put(&mut cache, &[(4, extent(10, 30, 20))]).is_empty());
        assert_eq!(keys(&cache), [1, 2, 4]);
        // Both are cut before one goes.
        assert_eq!(put(&mut cache, &[(5, TO_THE_RIGHT)]), [2, 4]);
        assert_eq!(keys(&cache), [1, 2, 4, 5]);
        // The next strip comes to 4 after it has come to 2.
        assert!(put(&mut cache, &[(6, extent(40, 60, 10))]).is_empty());
        assert_eq!(keys(&cache), [1, 5, 6]);
        assert_eq!(cache.bytes, 6);
    }

    #[test]
    fn what_was_cut_is_whole_again_when_it_is_filled_again() {
        let mut cache = TileCache::new(3);
        assert_eq!(put(&mut cache, &[(1, extent(0, 30, 20)), (2, TO_THE_RIGHT)]), [1]);
        assert_eq!((keys(&cache), cache.bytes), (vec![1, 2], 3));
        assert!(put(&mut cache, &[(1, TO_THE_RIGHT)]).is_empty());
        assert_eq!((keys(&cache), cache.bytes), (vec![1], 2));
        // Word of the earlier cut comes late.
        cache.shrink(&1, 5, 1);
        assert_eq!(cache.bytes, 2);
    }

    #[test]
    fn an_item_larger_than_the_budget_is_still_handed_out() {
        let mut cache = TileCache::<u8, u8>::new(3);
        cache.reach(&1, extent(0, 30, 10), place(0, 50, 0));
        assert!(cache.make_room(&1, 10).is_empty());
        assert!(cache.entries.contains_key(&1));
        cache.reach(&2, TO_THE_RIGHT, place(0, 50, 0));
        assert!(cache.make_room(&2, 1).is_empty());
        assert!(!cache.entries.contains_key(&1));
        assert_eq!(cache.bytes, 1);
    }
}
