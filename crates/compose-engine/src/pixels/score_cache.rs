//! Scores kept in pieces of a scene's grid: neighbouring blocks need those of the same pieces.

use crate::plan::{SceneId, ViewId};
use compose_core::Window;
use ndarray::Array2;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The key of a piece: view, number of the fill, scene, and the window of the score's grid.
pub type Key = (ViewId, usize, SceneId, Window);

/// A place for the scores of a piece. The worker that holds the lock of an empty one rates the piece.
type Place = Arc<Mutex<Option<Arc<Array2<f32>>>>>;

/// The scores of the pieces that were used last.
pub struct ScoreCache {
    pieces: Mutex<Pieces>,
    /// Bytes that they may have.
    room: u64,
}

#[derive(Default)]
struct Pieces {
    places: HashMap<Key, (Place, Use)>,
    /// Counts the uses of all pieces.
    uses: u64,
    bytes: u64,
}

/// When a piece was used last, and its bytes; 0 as long as it has no scores.
struct Use {
    last: u64,
    bytes: u64,
}

impl ScoreCache {
    /// Keeps so many bytes.
    pub fn new(room: u64) -> Self {
        Self { pieces: Mutex::default(), room }
    }

    /// The scores of this key. Missing ones are made; other workers that want them wait.
    pub fn get<E>(
        &self,
        key: Key,
        make: impl FnOnce() -> Result<Array2<f32>, E>,
    ) -> Result<Arc<Array2<f32>>, E> {
        let place = self.place(key);
        let mut scores = place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(scores) = &*scores {
            return Ok(scores.clone());
        }
        let made = Arc::new(make()?);
        *scores = Some(made.clone());
        drop(scores);
        self.count(key, &place, size_of_val(made.as_slice().unwrap_or_default()) as u64);
        Ok(made)
    }

    fn place(&self, key: Key) -> Place {
        let mut pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        pieces.uses += 1;
        let last = pieces.uses;
        let (place, used) =
            pieces.places.entry(key).or_insert_with(|| (Place::default(), Use { last, bytes: 0 }));
        used.last = last;
        place.clone()
    }

    /// Counts the bytes of a piece that has just been made, and drops those not used for the longest time.
    fn count(&self, key: Key, place: &Place, bytes: u64) {
        let mut guard = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        let pieces = &mut *guard;
        let Some((_, used)) = pieces.places.get_mut(&key).filter(|(kept, _)| Arc::ptr_eq(kept, place)) else {
            return;
        };
        used.bytes = bytes;
        pieces.bytes += bytes;
        while pieces.bytes > self.room {
            let made = pieces.places.iter().filter(|(_, (_, used))| used.bytes > 0);
            let Some((&oldest, _)) = made.min_by_key(|(_, (_, used))| used.last) else { return };
            pieces.bytes -= pieces.places.remove(&oldest).map_or(0, |(_, used)| used.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(col: i64) -> Key {
        (ViewId { job: 0, number: 0 }, 0, SceneId(0), Window { col, row: 0, width: 2, height: 1 })
    }

    #[test]
    fn the_piece_used_longest_ago_goes_where_there_is_no_room() {
        let kept = ScoreCache::new(16);
        let score = |col: i64, score: f32| {
            let made = kept.get(key(col), || Ok::<_, ()>(Array2::from_elem((1, 2), score)));
            made.unwrap()[[0, 0]]
        };
        assert_eq!([score(0, 1.0), score(2, 2.0), score(0, 3.0)], [1.0, 2.0, 1.0]);
        // The third piece takes the place of the second.
        assert_eq!([score(4, 4.0), score(0, 5.0), score(2, 6.0)], [4.0, 1.0, 6.0]);
        assert_eq!([score(4, 7.0), kept.pieces.lock().unwrap().bytes as f32], [7.0, 16.0]);
    }

    #[test]
    fn what_could_not_be_rated_is_tried_again_and_what_has_no_room_is_not_kept() {
        let kept = ScoreCache::new(4);
        assert!(kept.get(key(0), || Err(())).is_err());
        for score in [1.0, 2.0] {
            let made = kept.get(key(0), || Ok::<_, ()>(Array2::from_elem((1, 2), score))).unwrap();
            assert_eq!(made[[0, 1]], score);
        }
    }
}
