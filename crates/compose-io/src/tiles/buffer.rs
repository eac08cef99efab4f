//! The memory of decoded tiles.

use compose_core::{DataType, Window};
use memmap2::MmapMut;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Decoded samples of one tile, band by band, in a type that keeps them exact.
///
/// The buffer comes from [`Buffers`] and goes back there. It is mapped memory: tiles are made by one thread and
/// dropped by another, come in a few sizes and live long, which leaves an allocator's heap full of holes.
pub(super) struct Tile {
    /// `None` only while it is dropped.
    buffer: Option<MmapMut>,
    /// The part of the file's raster that it holds.
    pub window: Window,
    pub dtype: DataType,
    buffers: Arc<Buffers>,
}

/// Buffers of tiles that were dropped, to be used again, the oldest first.
#[derive(Default)]
pub(super) struct Buffers(Mutex<VecDeque<MmapMut>>);

/// Bytes of buffers that wait to be used again: few tiles are dropped before the next is decoded.
pub(super) const SPARE_BYTES: usize = 8 << 20;

impl Buffers {
    fn take(&self, bytes: usize) -> std::io::Result<MmapMut> {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = spare.iter().rposition(|b| b.len() == bytes) {
            return Ok(spare.swap_remove_back(at).expect("the position was just found"));
        }
        drop(spare);
        MmapMut::map_anon(bytes)
    }

    /// Gives all of them back to the system.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn give_back(&self, buffer: MmapMut) {
        let mut spare = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        spare.push_back(buffer);
        let mut gone = Vec::new();
        while spare.iter().map(|b| b.len()).sum::<usize>() > SPARE_BYTES {
            gone.extend(spare.pop_front());
        }
        // Given back to the system while nobody waits.
        drop(spare);
    }
}

impl Tile {
    /// A tile whose samples are arbitrary.
    pub fn new(
        buffers: &Arc<Buffers>,
        dtype: DataType,
        bands: usize,
        window: Window,
    ) -> std::io::Result<Self> {
        let buffer = Some(buffers.take(window.pixels() * bands * dtype.bytes())?);
        Ok(Self { buffer, window, dtype, buffers: buffers.clone() })
    }

    /// The samples of one band, counted as they lie in the tile.
    pub fn samples<T: bytemuck::Pod>(&self, plane: usize) -> &[T] {
        // A mapping starts on a page, so it suits every sample type.
        let all = self.buffer.as_deref().map_or(&[][..], bytemuck::cast_slice);
        &all[plane * self.window.pixels()..][..self.window.pixels()]
    }

    /// The samples of one band, to be filled in.
    pub fn samples_mut<T: bytemuck::Pod>(&mut self, plane: usize) -> &mut [T] {
        let all = self.buffer.as_deref_mut().map_or(&mut [][..], bytemuck::cast_slice_mut);
        &mut all[plane * self.window.pixels()..][..self.window.pixels()]
    }

    /// The rows from `row` on, as a tile of its own; `None` where that is all or nothing of it.
    pub fn below(&self, row: i64) -> std::io::Result<Option<Self>> {
        if row <= self.window.row || row >= self.window.row_end() {
            return Ok(None);
        }
        let gone = (row - self.window.row) as usize;
        let window = Window { row, height: self.window.height - gone, ..self.window };
        let (all, bytes) = (self.buffer.as_deref().unwrap_or_default(), self.dtype.bytes());
        let plane = self.window.pixels() * bytes;
        let mut rest = Self::new(&self.buffers, self.dtype, all.len() / plane, window)?;
        let part = window.pixels() * bytes;
        for (to, from) in rest.bytes_mut().chunks_mut(part).zip(all.chunks(plane)) {
            to.copy_from_slice(&from[plane - part..]);
        }
        Ok(Some(rest))
    }

    /// All bytes, band by band.
    pub fn all(&self) -> &[u8] {
        self.buffer.as_deref().unwrap_or_default()
    }

    /// All bytes, band by band.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.buffer.as_deref_mut().unwrap_or_default()
    }

    pub fn bytes(&self) -> u64 {
        self.buffer.as_ref().map_or(0, |b| b.len() as u64)
    }
}

impl Drop for Tile {
    fn drop(&mut self) {
        if let Some(buffer) = self.buffer.take() {
            self.buffers.give_back(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_below_are_the_same_samples() {
        let window = Window { col: 4, row: 10, width: 2, height: 3 };
        let mut tile = Tile::new(&Arc::default(), DataType::UInt16, 2, window).unwrap();
        tile.samples_mut::<u16>(0).copy_from_slice(&[1, 2, 3, 4, 5, 6]);
        tile.samples_mut::<u16>(1).copy_from_slice(&[7, 8, 9, 10, 11, 12]);
        let rest = tile.below(11).unwrap().unwrap();
        assert_eq!(rest.window, Window { col: 4, row: 11, width: 2, height: 2 });
        assert_eq!(rest.samples::<u16>(0), [3, 4, 5, 6]);
        assert_eq!(rest.samples::<u16>(1), [9, 10, 11, 12]);
        assert!(tile.below(10).unwrap().is_none() && tile.below(13).unwrap().is_none());
    }
}
