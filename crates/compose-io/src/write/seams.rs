//! Pixels at the edges of tiles that pixels of the next level reach back to.

use super::levels::Axis;
use super::reduce::Patch;
use super::sample::Sample;
use compose_core::Window;
use std::borrow::Cow;
use std::collections::HashMap;

/// A tile: band, column, row.
pub(super) type Key = (usize, usize, usize);

/// The last columns and rows of tiles of a level, as far as tiles to the right and below still need them. There are none
/// where two pixels become one: tiles have an even number of them.
///
/// Tiles must come after those on their left and above them.
pub(super) struct Seams<T> {
    right: HashMap<Key, Vec<T>>,
    bottom: HashMap<Key, Vec<T>>,
}

/// A tile on its level; `samples` are `None` where it holds nothing.
#[derive(Clone, Copy)]
pub(super) struct Placed<'a, T> {
    pub key: Key,
    pub window: Window,
    pub samples: Option<&'a [T]>,
    /// Samples from a row to the next.
    pub stride: usize,
}

impl<T: Sample> Seams<T> {
    pub(super) fn new() -> Self {
        Self { right: HashMap::new(), bottom: HashMap::new() }
    }

    /// The tile with what was kept before it; `None` where neither holds anything. Keeps what is needed later.
    pub(super) fn join<'a>(
        &mut self,
        tile: Placed<'a, T>,
        (across, down): (&Axis, &Axis),
        nothing: T,
    ) -> Option<Patch<'a, T>> {
        let ((band, col, row), window) = (tile.key, tile.window);
        let (left, top) = (across.kept(window.col as usize), down.kept(window.row as usize));
        let beside = if col > 0 { self.right.remove(&(band, col - 1, row)) } else { None };
        // The tile on the left was the first to need the row above, and this is the last.
        let corner = if col > 0 && row > 0 { self.bottom.remove(&(band, col - 1, row - 1)) } else { None };
        let above = if row > 0 { self.bottom.get(&(band, col, row - 1)) } else { None };
        let at = (window.col as usize - left, window.row as usize - top);
        let patch = match tile.samples {
            Some(samples) if (left, top) == (0, 0) => {
                Some(Patch { samples: Cow::Borrowed(samples), stride: tile.stride, at })
            }
            None if beside.is_none() && corner.is_none() && above.is_none() => None,
            samples => {
                let stride = left + window.width;
                let mut joined = vec![nothing; stride * (top + window.height)];
                let mut paste =
                    |(x, y): (usize, usize), width: usize, rows: &mut dyn Iterator<Item = &[T]>| {
                        rows.zip(joined.chunks_exact_mut(stride).skip(y)).for_each(|(row, line)| {
                            line[x..x + width].copy_from_slice(&row[row.len() - width..])
                        });
                    };
                if let Some(corner) = corner.filter(|_| left > 0 && top > 0) {
                    paste((0, 0), left, &mut corner.chunks_exact(corner.len() / top));
                }
                if let Some(above) = above.filter(|_| top > 0) {
                    paste((left, 0), window.width, &mut above.chunks_exact(window.width));
                }
                if let Some(beside) = beside.filter(|_| left > 0) {
                    paste((0, top), left, &mut beside.chunks_exact(left));
                }
                if let Some(samples) = samples {
                    let lines = samples.chunks(tile.stride).take(window.height);
                    paste((left, top), window.width, &mut lines.map(|line| &line[..window.width]));
                }
                Some(Patch { samples: Cow::Owned(joined), stride, at })
            }
        };
        if row > 0 && window.col_end() as usize == across.fine {
            self.bottom.remove(&(band, col, row - 1));
        }
        self.keep(tile, (across, down));
        patch
    }

    fn keep(&mut self, tile: Placed<'_, T>, (across, down): (&Axis, &Axis)) {
        let (window, Some(samples)) = (tile.window, tile.samples) else { return };
        let (right, bottom) = (across.kept(window.col_end() as usize), down.kept(window.row_end() as usize));
        let lines = || samples.chunks(tile.stride).take(window.height).map(|line| &line[..window.width]);
        if right > 0 {
            let strip = lines().flat_map(|line| &line[window.width - right..]).copied().collect();
            self.right.insert(tile.key, strip);
        }
        if bottom > 0 {
            self.bottom.insert(tile.key, lines().skip(window.height - bottom).flatten().copied().collect());
        }
    }
}
