//! Which tiles are kept when not all fit.
//!
//! Blocks come in row-major order, so a tile and the window that last wanted it tell when it is wanted next:
//! by the next block, by the next strip of blocks, or never. A plain "least recently used" would throw away
//! exactly the tiles that the next strip starts with.

use compose_core::Window;
use std::collections::HashMap;
use std::hash::Hash;

/// When a tile is wanted next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Need {
    /// Not again: the window reached its right and its lower edge.
    Over,
    /// By the strip of blocks below.
    NextStrip,
    /// By the block to the right.
    NextBlock,
}

impl Need {
    /// The need for the tile at `tile` after `window` was read.
    pub(super) fn of(tile: Window, window: Window) -> Self {
        if tile.col_end() > window.col_end() {
            Self::NextBlock
        } else if tile.row_end() > window.row_end() {
            Self::NextStrip
        } else {
            Self::Over
        }
    }
}

struct Entry<T> {
    item: T,
    bytes: u64,
    need: Need,
    used: u64,
}

/// Items by key, up to a budget of bytes. An item that was just reached for is never thrown away by filling it.
pub(super) struct Shelf<K, T> {
    entries: HashMap<K, Entry<T>>,
    budget: u64,
    bytes: u64,
    clock: u64,
}

impl<K: Clone + Eq + Hash, T: Clone + Default> Shelf<K, T> {
    /// An empty shelf.
    pub(super) fn new(budget: u64) -> Self {
        Self { entries: HashMap::new(), budget, bytes: 0, clock: 0 }
    }

    /// The item of this key, made anew (and weightless so far) where it is not here.
    pub(super) fn reach(&mut self, key: &K, need: Need) -> T {
        self.clock += 1;
        let used = self.clock;
        let entry = self.entries.entry(key.clone()).or_insert_with(|| Entry {
            item: T::default(),
            bytes: 0,
            need,
            used,
        });
        (entry.need, entry.used) = (need, used);
        entry.item.clone()
    }

    /// Says how much an item weighs, and makes room for it.
    pub(super) fn fill(&mut self, key: &K, bytes: u64) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        self.bytes += bytes - entry.bytes;
        entry.bytes = bytes;
        while self.bytes > self.budget {
            let Some(victim) = self.least_needed(key) else { return };
            self.forget(&victim);
        }
    }

    /// Lets an item go.
    pub(super) fn forget(&mut self, key: &K) {
        if let Some(entry) = self.entries.remove(key) {
            self.bytes -= entry.bytes;
        }
    }

    /// What is over goes first. Of what the next strip wants, the last used goes first: the strip comes to it
    /// last. Then the longest unused.
    fn least_needed(&self, except: &K) -> Option<K> {
        let weighing = self.entries.iter().filter(|(key, entry)| entry.bytes > 0 && *key != except);
        let rank = |entry: &Entry<T>| match entry.need {
            Need::NextStrip => (entry.need, u64::MAX - entry.used),
            _ => (entry.need, entry.used),
        };
        weighing.min_by_key(|(_, entry)| rank(entry)).map(|(key, _)| key.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(col: i64, row: i64) -> Window {
        Window { col, row, width: 10, height: 10 }
    }

    #[test]
    fn a_tile_is_wanted_again_where_it_reaches_beyond_the_window() {
        assert_eq!(Need::of(window(5, 5), window(0, 0)), Need::NextBlock);
        assert_eq!(Need::of(window(0, 5), window(0, 0)), Need::NextStrip);
        assert_eq!(Need::of(window(0, 0), window(0, 0)), Need::Over);
    }

    #[test]
    fn what_is_over_goes_first_then_what_the_next_strip_comes_to_last() {
        let mut shelf = Shelf::<u8, u8>::new(3);
        for (key, need) in [(1, Need::NextBlock), (2, Need::NextStrip), (3, Need::NextStrip)] {
            shelf.reach(&key, need);
            shelf.fill(&key, 1);
        }
        let keys = |shelf: &Shelf<u8, u8>| {
            let mut keys: Vec<u8> = shelf.entries.keys().copied().collect();
            keys.sort_unstable();
            keys
        };
        shelf.reach(&4, Need::Over);
        shelf.fill(&4, 1);
        assert_eq!(keys(&shelf), [1, 2, 4]);
        shelf.reach(&5, Need::NextBlock);
        shelf.fill(&5, 1);
        assert_eq!(keys(&shelf), [1, 2, 5]);
    }

    #[test]
    fn an_item_larger_than_the_budget_is_still_handed_out() {
        let mut shelf = Shelf::<u8, u8>::new(3);
        shelf.reach(&1, Need::Over);
        shelf.fill(&1, 10);
        assert!(shelf.entries.contains_key(&1));
        shelf.reach(&2, Need::Over);
        shelf.fill(&2, 1);
        assert!(!shelf.entries.contains_key(&1));
        assert_eq!(shelf.bytes, 1);
    }
}
