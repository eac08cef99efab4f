//! The tile cache: it chooses the tiles that are kept when not all fit.
//!
//! Blocks come in row-major order, so where a tile lies on the target grid tells when it is wanted next: by a block to
//! the right, by the strip of blocks below, or never. What is wanted last goes first (L. A. Belady, "A study of
//! replacement algorithms for a virtual-storage computer", IBM Systems Journal 5, 1966). A plain "least recently used"
//! would throw away exactly the tiles that the next strip starts with.

use super::reading::{Extent, RunPosition};
use std::collections::HashMap;
use std::hash::Hash;

/// The fewest rows by which a tile that was cut before is cut again.
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
    /// The first row that the next strip needs, if it is worth a copy of the rest to drop the rows above it: the tile
    /// is whole, or at least LEAST_CUT rows go.
    fn cuttable(&self) -> Option<i64> {
        let row = self.extent.next_row?;
        (self.first_row.is_none_or(|first| row >= first + LEAST_CUT)).then_some(row)
    }
}

/// When a tile is wanted next, the soonest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum NextUse {
    /// By a worker that is behind the foremost one.
    Now,
    /// In this strip, from this column on.
    InStrip(i64),
    /// In the next strip, from this column on.
    NextStrip(i64),
    Never,
}

/// What makes room for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evicted {
    /// It is cut: the rows from this one on stay.
    Cut(i64),
    /// It is needed again: the caller stores it elsewhere, and its bytes no longer count here.
    Moved,
}

/// Items by key, up to a budget of bytes. Making room for an item never evicts that item itself.
pub(super) struct TileCache<K, T> {
    entries: HashMap<K, Entry<T>>,
    /// Items that are stored elsewhere until they are needed again.
    moved: HashMap<K, (T, Extent)>,
    budget: u64,
    bytes: u64,
    clock: u64,
    /// The position of the foremost worker.
    now: Option<RunPosition>,
    /// The position of each worker, by its number.
    workers: Vec<Option<RunPosition>>,
}

impl<K: Clone + Eq + Hash, T: Clone + Default> TileCache<K, T> {
    /// An empty cache.
    pub(super) fn new(budget: u64) -> Self {
        Self {
            entries: HashMap::new(),
            moved: HashMap::new(),
            budget,
            bytes: 0,
            clock: 0,
            now: None,
            workers: Vec::new(),
        }
    }

    /// The item of this key; a new one without bytes if there is none.
    pub(super) fn get_or_insert(&mut self, key: &K, extent: Extent, place: RunPosition) -> T {
        self.clock += 1;
        self.workers.resize(self.workers.len().max(place.worker + 1), None);
        self.workers[place.worker] = Some(place);
        let order = |p: &RunPosition| (p.pass, p.block.row, p.block.col);
        if self.now.as_ref().is_none_or(|now| order(now) < order(&place)) {
            let strip = |p: &RunPosition| (p.pass, p.block.row);
            let same = self.now.as_ref().is_some_and(|now| strip(now) == strip(&place));
            self.now = Some(place);
            if !same {
                self.forget_unused_moved();
            }
        }
        let used = self.clock;
        if let Some((item, last)) = self.moved.get_mut(key) {
            *last = last.and(extent);
            return item.clone();
        }
        let entry = self.entries.entry(key.clone()).or_insert_with(|| Entry {
            item: T::default(),
            bytes: 0,
            used,
            extent,
            first_row: None,
        });
        (entry.used, entry.extent) = (used, entry.extent.and(extent));
        entry.item.clone()
    }

    /// Records the bytes of an item and makes room for it. Returns the items to cut or to move. Items that are wanted again
    /// are moved if `may_move`, and dropped otherwise.
    #[must_use]
    pub(super) fn make_room(&mut self, key: &K, bytes: u64, may_move: bool) -> Vec<(K, T, Evicted)> {
        let mut evicted = Vec::new();
        if let Some((item, extent)) = self.moved.remove(key) {
            let entry = Entry { item, bytes: 0, used: self.clock, extent, first_row: None };
            self.entries.insert(key.clone(), entry);
        }
        let Some(entry) = self.entries.get_mut(key) else { return evicted };
        self.bytes = self.bytes + bytes - entry.bytes;
        (entry.bytes, entry.first_row) = (bytes, None);
        let mut over = self.bytes.saturating_sub(self.budget);
        while over > 0 {
            let Some(victim) = self.eviction_candidate(key) else { return evicted };
            let (next_use, entry) = (self.next_use(&self.entries[&victim]), self.entries.get_mut(&victim));
            let entry = entry.expect("it was just found");
            if let (NextUse::NextStrip(_), Some(row)) = (next_use, entry.cuttable()) {
                entry.first_row = Some(row);
                evicted.push((victim, entry.item.clone(), Evicted::Cut(row)));
                // How much that will free is not known yet: half, on average.
                over = over.saturating_sub(entry.bytes / 2);
                continue;
            }
            over = over.saturating_sub(entry.bytes);
            if next_use != NextUse::Never && may_move {
                let (item, extent) = (entry.item.clone(), entry.extent);
                evicted.push((victim.clone(), item.clone(), Evicted::Moved));
                self.forget(&victim);
                self.moved.insert(victim, (item, extent));
            } else {
                self.forget(&victim);
            }
        }
        evicted
    }

    /// Records the bytes of an item that was cut at `row`, unless it was filled anew meanwhile.
    pub(super) fn shrink(&mut self, key: &K, row: i64, bytes: u64) {
        if let Some(entry) = self.entries.get_mut(key).filter(|entry| entry.first_row == Some(row)) {
            self.bytes = self.bytes + bytes - entry.bytes;
            entry.bytes = bytes;
        }
    }

    /// Forgets all items.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.moved.clear();
        self.bytes = 0;
    }

    /// Forgets an item.
    pub(super) fn forget(&mut self, key: &K) {
        self.moved.remove(key);
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= entry.bytes;
        }
    }

    /// Forgets moved items that are never needed again.
    fn forget_unused_moved(&mut self) {
        let mut moved = std::mem::take(&mut self.moved);
        moved.retain(|_, (_, extent)| self.next_use_at(extent) != NextUse::Never);
        self.moved = moved;
    }

    fn next_use(&self, entry: &Entry<T>) -> NextUse {
        self.next_use_at(&entry.extent)
    }

    fn next_use_at(&self, extent: &Extent) -> NextUse {
        let Some(now) = self.now else { return NextUse::Never };
        let Extent { pass, left, right, bottom, .. } = *extent;
        let there = pass == now.pass && bottom > now.block.row;
        if there && right > now.block.col {
            NextUse::InStrip(left.max(now.block.col))
        } else if self.workers.iter().flatten().any(|place| extent.meets(place)) {
            NextUse::Now
        } else if there && bottom > now.block.row_end() {
            NextUse::NextStrip(left)
        } else {
            NextUse::Never
        }
    }

    /// The key of the tile to evict or to cut next. The order: (1) tiles that are never needed again, the least
    /// recently used first; (2) tiles for the next strip that can be cut, the least recently used first; (3) other
    /// tiles for the next strip, the furthest right first; (4) tiles for this strip, the furthest right first; (5)
    /// tiles that a worker behind the foremost one needs. Of equals in 3 to 5 the most recently used goes first: every
    /// block reads the scenes in the same order, so that tile is needed last.
    fn eviction_candidate(&self, except: &K) -> Option<K> {
        let weighing = self.entries.iter().filter(|(key, entry)| entry.bytes > 0 && *key != except);
        let rank = |entry: &Entry<T>| match (self.next_use(entry), entry.cuttable()) {
            (NextUse::Never, ..) => (4, 0, u64::MAX - entry.used),
            (NextUse::NextStrip(_), Some(_)) => (3, 0, u64::MAX - entry.used),
            (NextUse::NextStrip(col), ..) => (2, col, entry.used),
            (NextUse::InStrip(col), ..) => (1, col, entry.used),
            (NextUse::Now, ..) => (0, 0, entry.used),
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
        RunPosition { pass, region: Window::whole(100, 100), block, worker: 0 }
    }

    fn extent(left: i64, right: i64, bottom: i64) -> Extent {
        Extent { pass: 0, strip: 0, left, right, bottom, next_row: Some(5) }
    }

    const TO_THE_RIGHT: Extent =
        Extent { pass: 0, strip: 0, left: 50, right: 90, bottom: 10, next_row: Some(5) };

    /// Puts items of weight 2 on the cache, one after the other, and cuts what is to be cut to weight 1.
    fn put(cache: &mut TileCache<u8, u8>, items: &[(u8, Extent)]) -> Vec<u8> {
        let mut all = Vec::new();
        for (key, extent) in items {
            cache.get_or_insert(key, *extent, place(0, 50, 0));
            for (cut, _, evicted) in cache.make_room(key, 2, false) {
                assert_eq!(evicted, Evicted::Cut(5));
                cache.shrink(&cut, 5, 1);
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
        cache.get_or_insert(&1, TO_THE_RIGHT, place(0, 50, 0));
        let next_use = |extent| {
            let entry = Entry { item: 0, bytes: 0, used: 0, extent, first_row: None };
            cache.next_use(&entry)
        };
        assert_eq!(next_use(TO_THE_RIGHT), NextUse::InStrip(50));
        assert_eq!(next_use(extent(0, 30, 20)), NextUse::NextStrip(0));
        assert_eq!(next_use(extent(0, 30, 10)), NextUse::Never);
        assert_eq!(next_use(extent(0, 50, 10)), NextUse::Never);
        assert_eq!(next_use(Extent { pass: 1, ..TO_THE_RIGHT }), NextUse::Never);
        // The run goes on: a tile that was passed over without a read is not waited for.
        cache.get_or_insert(&1, extent(0, 30, 20), place(0, 0, 10));
        let next_use = |extent| {
            let entry = Entry { item: 0, bytes: 0, used: 0, extent, first_row: None };
            cache.next_use(&entry)
        };
        assert_eq!(next_use(TO_THE_RIGHT), NextUse::Never);
        assert_eq!(next_use(extent(0, 30, 20)), NextUse::InStrip(0));
    }

    #[test]
    fn what_a_worker_that_is_behind_works_on_is_wanted_still() {
        let mut cache = TileCache::<u8, u8>::new(10);
        cache.get_or_insert(&1, TO_THE_RIGHT, RunPosition { worker: 1, ..place(0, 80, 0) });
        cache.get_or_insert(&2, TO_THE_RIGHT, place(1, 0, 0));
        assert_eq!(cache.next_use_at(&TO_THE_RIGHT), NextUse::Now);
        assert_eq!(cache.next_use_at(&extent(0, 80, 10)), NextUse::Never);
        cache.get_or_insert(&2, TO_THE_RIGHT, RunPosition { worker: 1, ..place(1, 10, 0) });
        assert_eq!(cache.next_use_at(&TO_THE_RIGHT), NextUse::Never);
    }

    #[test]
    fn what_is_moved_is_found_again_until_nobody_wants_it() {
        let mut cache = TileCache::<u8, u8>::new(3);
        let (ahead, below) = (extent(90, 95, 10), extent(0, 30, 20));
        for (key, extent) in [(1, ahead), (2, below)] {
            cache.get_or_insert(&key, Extent { next_row: None, ..extent }, place(0, 50, 0));
            assert!(cache.make_room(&key, 1, true).is_empty());
        }
        cache.get_or_insert(&3, TO_THE_RIGHT, place(0, 50, 0));
        let moved: Vec<_> =
            cache.make_room(&3, 2, true).into_iter().map(|(key, _, how)| (key, how)).collect();
        assert_eq!((moved, cache.bytes), (vec![(2, Evicted::Moved)], 3));
        // What was reached for while it waits is kept for the strip that wants it.
        cache.get_or_insert(&2, below, place(0, 0, 10));
        assert!(cache.moved.contains_key(&2) && !cache.entries.contains_key(&2));
        // Filled again, it is here.
        assert!(cache.make_room(&2, 1, true).is_empty());
        assert!(cache.moved.is_empty() && cache.bytes <= 3);
        cache.get_or_insert(&4, TO_THE_RIGHT, place(1, 0, 0));
        assert!(cache.entries.contains_key(&4));
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
        cache.get_or_insert(&1, extent(0, 30, 10), place(0, 50, 0));
        assert!(cache.make_room(&1, 10, false).is_empty());
        assert!(cache.entries.contains_key(&1));
        cache.get_or_insert(&2, TO_THE_RIGHT, place(0, 50, 0));
        assert!(cache.make_room(&2, 1, false).is_empty());
        assert!(!cache.entries.contains_key(&1));
        assert_eq!(cache.bytes, 1);
    }
}
