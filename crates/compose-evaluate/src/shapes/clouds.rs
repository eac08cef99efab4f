//! Cloud-like gaps: where fractal noise is high.

use compose_core::random;
use ndarray::{Array2, ArrayView2};

/// Layers of noise; each has half the size and half the weight of the one before.
const OCTAVES: u32 = 4;

/// Hides this share of the clear pixels (0 to 1, to the pixel) under clouds whose largest parts are about `size`
/// pixels across: those where value noise of four octaves is highest. Of equal ones the first in rows is hidden.
pub fn clouds(clear: ArrayView2<'_, u8>, share: f64, size: f64, seed: u64) -> Array2<u8> {
    let places = || clear.indexed_iter().filter(|(_, clear)| **clear != 0).map(|(at, _)| at).enumerate();
    let mut keys: Vec<u64> = places().map(|(nth, at)| key(noise(at, size, seed), nth)).collect();
    let wanted = ((keys.len() as f64 * share).round() as usize).min(keys.len());
    let mut hidden = Array2::zeros(clear.dim());
    if wanted == 0 {
        return hidden;
    }
    let last = *keys.select_nth_unstable_by(wanted - 1, |a, b| b.cmp(a)).1;
    for (nth, at) in places() {
        hidden[at] = u8::from(key(noise(at, size, seed), nth) >= last);
    }
    hidden
}

/// Height and place in one number: the larger, the sooner hidden, and no two alike. A whole scene of them has to
/// be kept.
fn key(noise: f64, nth: usize) -> u64 {
    const PLACES: u64 = (1 << 36) - 1;
    let height = (noise * f64::from(1_u32 << 26)) as u64;
    (height << 36) | (PLACES - (nth as u64 & PLACES))
}

/// Fractal noise at a pixel.
fn noise((row, col): (usize, usize), size: f64, seed: u64) -> f64 {
    let layer = |octave: u32| {
        let scale = f64::from(1_u32 << octave);
        layer(row as f64 * scale / size, col as f64 * scale / size, random::number(seed, octave.into()))
            / scale
    };
    (0..OCTAVES).map(layer).sum()
}

/// Value noise: a number at every node of a lattice, and a smooth surface (3t² − 2t³) through them.
fn layer(row: f64, col: f64, seed: u64) -> f64 {
    let (row0, col0) = (row.floor(), col.floor());
    let (down, right) = (smooth(row - row0), smooth(col - col0));
    let node = |rows: u64, cols: u64| {
        let line = random::number(seed, row0 as u64 + rows);
        random::unit(line, col0 as u64 + cols)
    };
    let above = node(0, 0) + (node(0, 1) - node(0, 0)) * right;
    let below = node(1, 0) + (node(1, 1) - node(1, 0)) * right;
    above + (below - above) * down
}

fn smooth(t: f64) -> f64 {
    t * t * (3.0 - 2.0 * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_clear_pixels_is_met_to_the_pixel() {
        let mut clear = Array2::ones((60, 80));
        clear.indexed_iter_mut().for_each(|((row, col), c)| *c = u8::from((row + col) % 3 != 0));
        let all = clear.iter().filter(|c| **c != 0).count();
        for share in [0.0, 0.08, 0.4, 1.0] {
            let hidden = clouds(clear.view(), share, 30.0, 2).mapv(usize::from).sum();
            assert_eq!(hidden, (all as f64 * share).round() as usize, "{share}");
        }
    }

    #[test]
    fn clouds_hang_together() {
        let hidden = clouds(Array2::ones((120, 120)).view(), 0.3, 40.0, 3);
        let pairs = hidden
            .outer_iter()
            .flat_map(|row| row.to_vec().windows(2).map(|w| (w[0], w[1])).collect::<Vec<_>>());
        let edges = pairs.filter(|(a, b)| a != b).count();
        assert!(edges < 120 * 119 / 20, "{edges} edges along rows");
    }

    #[test]
    fn seeds_and_sizes_give_other_clouds_and_the_same_ones_the_same() {
        let clear = Array2::ones((50, 50));
        let of = |size, seed| clouds(clear.view(), 0.2, size, seed);
        assert_eq!(of(20.0, 1), of(20.0, 1));
        assert_ne!(of(20.0, 1), of(20.0, 2));
        assert_ne!(of(20.0, 1), of(10.0, 1));
    }

    #[test]
    fn a_scene_without_clear_pixels_hides_none() {
        assert_eq!(clouds(Array2::zeros((5, 5)).view(), 0.5, 3.0, 1).sum(), 0);
    }
}
