//! Pixels that a trial hides: whether a fill finds them again tells how good it is.

use compose_core::{Block, Window};
use ndarray::{Array2, s};

/// Clear pixels of a scene that are taken for masked.
#[derive(Clone, Debug)]
pub struct Hidden {
    /// Index of the scene.
    pub scene: usize,
    /// 1 where hidden, on the target grid.
    pub pixels: Array2<u8>,
    /// What stands there instead; no result may depend on it.
    pub poison: f32,
    /// Pixels of the scene that are darkened to a part of their values, as by a shadow that the masks missed.
    pub shadow: Option<(Array2<u8>, f32)>,
    /// Scenes that are not there.
    pub absent: Vec<usize>,
}

impl Hidden {
    /// Puts the poison into a block of the scene; its pixels become invalid where masks apply.
    pub(super) fn hide(&self, block: &mut Block, window: Window, masked: bool) {
        if let Some((pixels, part)) = &self.shadow {
            each(pixels, window, |row, col| {
                block.values.slice_mut(s![.., row, col]).mapv_inplace(|value| value * part);
            });
        }
        self.each(window, |row, col| {
            for band in 0..block.values.dim().0 {
                block.values[[band, row, col]] = self.poison;
            }
            for plane in (0..block.valid.dim().0).filter(|_| masked) {
                block.valid[[plane, row, col]] = 0;
            }
        });
    }

    /// Calls `visit` with the place in `window` of every hidden pixel.
    pub(super) fn each(&self, window: Window, visit: impl FnMut(usize, usize)) {
        each(&self.pixels, window, visit);
    }
}

fn each(pixels: &Array2<u8>, window: Window, mut visit: impl FnMut(usize, usize)) {
    let (height, width) = pixels.dim();
    let Some(part) = window.intersect(Window::whole(width, height)) else { return };
    for row in part.row..part.row_end() {
        for col in part.col..part.col_end() {
            if pixels[[row as usize, col as usize]] != 0 {
                visit((row - window.row) as usize, (col - window.col) as usize);
            }
        }
    }
}
