//! Held-out pixels: known pixels that a fill must find again, to measure how good it is.

use crate::plan::SceneId;
use compose_core::{Block, Grid, Window};
use compose_io::align::{Alignment, Resampling, decide};
use ndarray::{Array2, s};

/// Clear pixels of a scene that are treated as masked.
#[derive(Clone, Debug)]
pub struct HeldOut {
    /// Index of the scene.
    pub scene: SceneId,
    /// 1 where held out, on the target grid.
    pub pixels: Array2<u8>,
    /// The sample that replaces them; no result may depend on it.
    pub poison: f32,
    /// Pixels of the scene that are darkened to a part of their values, as by a shadow that the masks missed.
    pub shadow: Option<(Array2<u8>, f32)>,
    /// Scenes that are treated as missing.
    pub absent: Vec<SceneId>,
}

impl HeldOut {
    /// Puts the poison into a block of the scene. With `masked`, the pixels become invalid.
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

    /// The same for a block of any scene on another grid. A pixel is held out if the nearest pixel of the target grid is, or
    /// one beside it, from which it may be resampled.
    pub(super) fn hide_elsewhere(
        &self,
        scene: SceneId,
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

    /// Calls `visit` with the row and column in `window` of every held-out pixel.
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
        // Cannot happen: the plan has aligned these grids before.
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

#[cfg(test)]
mod tests {
    use super::*;
    use compose_core::{Transform, ValidityMode};

    fn grid(x0: f64) -> Grid {
        Grid { width: 8, height: 6, transform: Transform { x0, dx: 30.0, y0: 180.0, dy: -30.0 }, crs: None }
    }

    fn clear() -> Block {
        let mut block = Block::empty(2, ValidityMode::Joint, 6, 8);
        block.values.fill(7.0);
        block.valid.fill(1);
        block
    }

    fn hidden() -> HeldOut {
        let mut pixels = Array2::zeros((6, 8));
        pixels[[3, 4]] = 1;
        HeldOut { scene: SceneId(1), pixels, poison: 99.0, shadow: None, absent: vec![SceneId(2)] }
    }

    /// Half a pixel apart, a pixel of the one grid is made of two of the other.
    #[test]
    fn hidden_truth_reaches_no_pixel_of_another_grid_that_is_made_of_it() {
        let (whole, target) = (Window::whole(8, 6), grid(0.0));
        for (x0, made_of_it) in
            [(0.0, &[4][..]), (15.0, &[3, 4]), (-15.0, &[4, 5]), (30.0, &[3]), (7.0, &[3, 4])]
        {
            let mut block = clear();
            hidden().hide_elsewhere(SceneId(1), &mut block, whole, &grid(x0), &target);
            for col in made_of_it {
                let here = (block.values[[1, 3, *col]], block.valid[[0, 3, *col]]);
                assert_eq!(here, (99.0, 0), "column {col} of the grid at {x0}");
            }
            assert_eq!((block.values[[0, 0, 0]], block.valid[[0, 0, 0]]), (7.0, 1), "far away");
        }
    }

    #[test]
    fn other_scenes_show_what_is_hidden_in_one_and_absent_ones_show_nothing() {
        let (whole, target) = (Window::whole(8, 6), grid(0.0));
        let (mut other, mut absent) = (clear(), clear());
        hidden().hide_elsewhere(SceneId(0), &mut other, whole, &grid(15.0), &target);
        hidden().hide_elsewhere(SceneId(2), &mut absent, whole, &grid(15.0), &target);
        assert_eq!(other, clear());
        assert!(absent.valid.iter().all(|valid| *valid == 0));
    }
}
