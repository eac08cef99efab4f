//! Pixels that a trial hides: whether a fill finds them again tells how good it is.

use compose_core::{Block, Grid, Window};
use compose_io::align::{Alignment, Resampling, decide};
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

    /// The same for a block of any scene on another grid: a pixel is hidden where the nearest of the target grid is, or one
    /// beside it, of which it may be made.
    pub(super) fn hide_elsewhere(
        &self,
        scene: usize,
        block: &mut Block,
        window: Window,
        on: &Grid,
        target: &Grid,
    ) {
        if self.absent.contains(&scene) {
            block.valid.fill(0);
        }
        if scene != self.scene {
            return;
        }
        let moved = |pixels: &Array2<u8>| brought(pixels, window, on, target);
        let shadow = self.shadow.as_ref().map(|(pixels, part)| (moved(pixels), *part));
        let (poison, absent) = (self.poison, Vec::new());
        let here = Self { scene, pixels: moved(&grown(&self.pixels)), poison, shadow, absent };
        here.hide(block, Window::whole(window.width, window.height), true);
    }

    /// Calls `visit` with the place in `window` of every hidden pixel.
    pub(super) fn each(&self, window: Window, visit: impl FnMut(usize, usize)) {
        each(&self.pixels, window, visit);
    }
}

/// Marks of the target grid on a window of another one, by the nearest pixel.
fn brought(pixels: &Array2<u8>, window: Window, on: &Grid, target: &Grid) -> Array2<u8> {
    let mut out = Array2::zeros((window.height, window.width));
    match decide(on, target, Resampling::Nearest).map(|decision| decision.alignment) {
        Ok(Alignment::Paste { cols, rows }) => {
            each(pixels, window.shift(cols, rows), |row, col| out[[row, col]] = 1);
        }
        Ok(Alignment::Resample(resampler)) => {
            if let Some(native) = resampler.native_window(window) {
                let mut cut = Array2::zeros((native.height, native.width));
                each(pixels, native, |row, col| cut[[row, col]] = 1);
                resampler.nearest(window, native, cut.view(), 0, out.view_mut());
            }
        }
        // The plan has brought the one to the other before.
        Ok(Alignment::Disjoint) | Err(_) => {}
    }
    out
}

/// Marks (1) with the eight pixels around each.
fn grown(pixels: &Array2<u8>) -> Array2<u8> {
    let (height, width) = pixels.dim();
    let mut wide = pixels.clone();
    each(pixels, Window::whole(width, height), |row, col| {
        let rows = row.saturating_sub(1)..(row + 2).min(height);
        wide.slice_mut(s![rows, col.saturating_sub(1)..(col + 2).min(width)]).fill(1);
    });
    wide
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
