//! Masks kept while bands are composed one after the other: a bit per pixel.

use crate::plan::{GroupId, SceneId};
use compose_core::Window;
use ndarray::ArrayView2;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// One bit per pixel of a window, rows padded to whole bytes.
pub struct Bits {
    window: Window,
    bytes: Vec<u8>,
}

impl Bits {
    /// Packs a mask: 0 or 1 for each pixel of `window`, row by row.
    pub fn pack(window: Window, marks: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(window.width.div_ceil(8) * window.height);
        for row in marks.chunks(window.width.max(1)) {
            let (eights, rest) = row.as_chunks::<8>();
            bytes.extend(eights.iter().map(|eight| pack_eight(*eight)));
            if !rest.is_empty() {
                let mut last = [0; 8];
                last[..rest.len()].copy_from_slice(rest);
                bytes.push(pack_eight(last));
            }
        }
        Self { window, bytes }
    }

    /// The same with more pixels marked: 0 or 1 for each pixel of the window.
    fn and_also(&self, marks: &[u8]) -> Self {
        let mut both = Self::pack(self.window, marks);
        both.bytes.iter_mut().zip(&self.bytes).for_each(|(both, bits)| *both |= bits);
        both
    }

    /// Clears the pixels of `window`, which lies inside, that are marked.
    pub fn clear(&self, window: Window, valid: &mut [u8]) {
        self.each_row(window, valid, |odd, bytes, valid| {
            let (first, rest) = valid.split_at_mut(odd.len().min(valid.len()));
            first.iter_mut().zip(odd).for_each(|(valid, mark)| *valid &= 1 - mark);
            let (eights, last) = rest.as_chunks_mut::<8>();
            for (eight, byte) in eights.iter_mut().zip(bytes) {
                *eight = (u64::from_le_bytes(*eight) & !unpack(*byte)).to_le_bytes();
            }
            let marks = bytes.get(eights.len()).map_or([0; 8], |byte| unpack(*byte).to_le_bytes());
            last.iter_mut().zip(marks).for_each(|(valid, mark)| *valid &= 1 - mark);
        });
    }

    /// Whether every pixel of `window`, which lies inside, is marked (or is not `wanted`, where that is 0).
    pub fn hides(&self, window: Window, wanted: Option<ArrayView2<'_, u8>>) -> bool {
        let mut seen = match wanted {
            Some(wanted) => wanted.iter().copied().collect(),
            None => vec![1; window.pixels()],
        };
        self.clear(window, &mut seen);
        seen.iter().all(|s| *s == 0)
    }

    /// For each row of `window`: the marks of the pixels before the first whole byte, the bytes from there on, and the
    /// row of `pixels`.
    fn each_row(&self, window: Window, pixels: &mut [u8], mut visit: impl FnMut(&[u8], &[u8], &mut [u8])) {
        let stride = self.window.width.div_ceil(8);
        let (top, left) = ((window.row - self.window.row) as usize, (window.col - self.window.col) as usize);
        for (row, pixels) in pixels.chunks_mut(window.width.max(1)).enumerate() {
            let bytes = &self.bytes[(top + row) * stride..][..stride];
            let marks = bytes.get(left / 8).map_or([0; 8], |byte| unpack(*byte).to_le_bytes());
            let odd = if left.is_multiple_of(8) { &[][..] } else { &marks[left % 8..] };
            visit(odd, &bytes[left.div_ceil(8)..], pixels);
        }
    }
}

/// Eight bytes of 0 or 1 as the bits of one, the first the lowest.
fn pack_eight(eight: [u8; 8]) -> u8 {
    // Bit 8 i of the number goes to bit 56 + i (times 2^(56 - 7 i)); no other product reaches these bits.
    (u64::from_le_bytes(eight).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u8
}

/// The bits of a byte as eight bytes of 0 or 1, the lowest first.
fn unpack(byte: u8) -> u64 {
    // Byte i keeps bit i alone; adding 127 carries into its top bit unless it is 0.
    let lone = u64::from(byte).wrapping_mul(0x0101_0101_0101_0101) & 0x8040_2010_0804_0201;
    (lone + 0x7f7f_7f7f_7f7f_7f7f) >> 7 & 0x0101_0101_0101_0101
}

/// The key of a mask: scene, band group, and the window of the group's grid.
type Key = (SceneId, GroupId, Window);

/// A place for a mask. The worker that holds the lock of an empty one makes the mask.
type Slot = Arc<Mutex<Option<Arc<Bits>>>>;

/// The masks of a pass.
#[derive(Default)]
pub struct MaskCache(Mutex<HashMap<Key, Slot>>);

impl MaskCache {
    /// The mask of this key. A missing one is made; other workers that want it wait.
    pub fn get<E>(&self, key: Key, make: impl FnOnce() -> Result<Bits, E>) -> Result<Arc<Bits>, E> {
        let slot = self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone();
        let mut place = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bits) = &*place {
            return Ok(bits.clone());
        }
        let bits = Arc::new(make()?);
        *place = Some(bits.clone());
        Ok(bits)
    }

    /// Marks more pixels of a kept mask.
    pub fn add(&self, key: Key, marks: &[u8]) {
        let slot = self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone();
        let mut place = slot.lock().unwrap_or_else(PoisonError::into_inner);
        let more = place.as_ref().map_or_else(|| Bits::pack(key.2, marks), |bits| bits.and_also(marks));
        *place = Some(Arc::new(more));
    }

    /// Drops all masks at the end of a pass.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_packed_is_cleared_in_windows_of_any_place() {
        let window = Window { col: -3, row: 7, width: 21, height: 5 };
        let marks: Vec<u8> = (0..window.pixels()).map(|i| u8::from(i * i % 7 < 3)).collect();
        let bits = Bits::pack(window, &marks);
        for (col, row, width, height) in [(-3, 7, 21, 5), (0, 8, 3, 2), (5, 11, 13, 1), (6, 7, 9, 4)] {
            let part = Window { col, row, width, height };
            let mut seen = vec![1; part.pixels()];
            bits.clear(part, &mut seen);
            let at = |i: usize| ((row - 7) as usize + i / width) * 21 + (col + 3) as usize + i % width;
            let wanted: Vec<u8> = (0..part.pixels()).map(|i| 1 - marks[at(i)]).collect();
            assert_eq!(seen, wanted, "{part:?}");
        }
    }

    #[test]
    fn marks_add_up() {
        let (kept, window) = (MaskCache::default(), Window::whole(3, 1));
        kept.add((SceneId(0), GroupId(0), window), &[0, 1, 0]);
        kept.add((SceneId(0), GroupId(0), window), &[1, 0, 0]);
        let bits = kept.get((SceneId(0), GroupId(0), window), || Err(())).unwrap();
        let mut valid = [1, 0, 1];
        bits.clear(window, &mut valid);
        assert_eq!(valid, [0, 0, 1]);
        assert!(!bits.hides(window, None) && bits.hides(Window { width: 2, ..window }, None));
        assert!(bits.hides(window, Some(ndarray::arr2(&[[1, 1, 0]]).view())));
    }

    #[test]
    fn a_mask_is_made_once() {
        let kept = MaskCache::default();
        let window = Window::whole(1, 1);
        let made = |mark: u8| {
            kept.get((SceneId(0), GroupId(0), window), || Ok::<_, ()>(Bits::pack(window, &[mark])))
        };
        let first = made(1).unwrap();
        assert!(Arc::ptr_eq(&first, &made(0).unwrap()));
        kept.clear();
        assert!(!Arc::ptr_eq(&first, &made(0).unwrap()));
        assert!(kept.get((SceneId(1), GroupId(0), window), || Err(())).is_err());
    }
}
