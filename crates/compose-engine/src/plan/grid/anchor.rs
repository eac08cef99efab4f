//! Moves bounds outward to the edges of the pixels of an existing grid, mostly the target's. (The key `snap = true`
//! does something else: it moves bounds to whole multiples of the resolution.)

use compose_core::{Grid, Transform};

/// Tolerance, in pixels, when bounds are compared with the edges of pixels. Bounds that are typed, or printed by
/// `gdalinfo`, are rounded: to seven decimals of a degree, which are 6e-4 of a pixel of 10 m.
const ON_EDGE: f64 = 1e-3;
/// Relative tolerance when a resolution is compared with a whole multiple or fraction of the pixel size: a number
/// typed with five digits is off by about this much.
const SAME_SIZE: f64 = 1e-5;

/// The edges of pixels, unbounded in every direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Anchor {
    /// From steps to the map.
    steps: Transform,
    /// Whether steps are the pixels of the grid that it was made of.
    pub own_pixels: bool,
}

/// A grid on the edges of an anchor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Anchored {
    /// Its transform.
    pub transform: Transform,
    /// Pixels across and down: more than a grid can have, perhaps.
    pub size: (f64, f64),
}

impl Anchor {
    /// The edges of `base` for pixels of this size: its own, or those of pixels that are a whole number of times as large
    /// or as small and begin at its corner. `None` where the sizes have nothing to do with each other.
    pub fn of(base: &Grid, (x, y): (f64, f64)) -> Option<Self> {
        let t = base.transform;
        let (dx, dy) = (step(t.dx, x)?, step(t.dy, y)?);
        Some(Self { steps: Transform { dx, dy, ..t }, own_pixels: (dx, dy) == (t.dx, t.dy) })
    }

    /// Size of a step, both numbers positive.
    pub fn step(&self) -> (f64, f64) {
        (self.steps.dx.abs(), self.steps.dy.abs())
    }

    /// The smallest grid that holds these bounds (left, bottom, right, top).
    pub fn around(&self, [left, bottom, right, top]: [f64; 4]) -> Anchored {
        let t = self.steps;
        let (first_col, width) = outward((left - t.x0) / t.dx, (right - t.x0) / t.dx);
        let (first_row, height) = outward((bottom - t.y0) / t.dy, (top - t.y0) / t.dy);
        // The same sum as for a window of whole pixels of the file: the same numbers.
        let (x0, y0) = t.to_map(first_col, first_row);
        Anchored { transform: Transform { x0, y0, ..t }, size: (width, height) }
    }
}

/// The size of a pixel, signed like `own`, where it is `own`, a multiple of it, or a fraction.
fn step(own: f64, wanted: f64) -> Option<f64> {
    let times = wanted / own.abs();
    let near = |value: f64| {
        (value.round() >= 1.0 && (value - value.round()).abs() <= SAME_SIZE).then(|| value.round())
    };
    near(times).map(|n| own * n).or_else(|| near(1.0 / times).map(|n| own / n))
}

/// The first pixel and the number of pixels between two positions in any order.
fn outward(a: f64, b: f64) -> (f64, f64) {
    let (first, last) = ((a.min(b) + ON_EDGE).floor(), (a.max(b) - ON_EDGE).ceil());
    (first, (last - first).max(1.0))
}

/// How bounds were moved, for the plan: `left 405001 to 405000`; nothing where none was moved by more than rounding.
pub fn moves(from: [f64; 4], to: [f64; 4], (x, y): (f64, f64)) -> String {
    let sides =
        ["left", "bottom", "right", "top"].into_iter().zip(from.into_iter().zip(to)).zip([x, y, x, y]);
    let moved = sides.filter(|((_, (from, to)), step)| (from - to).abs() > ON_EDGE * step);
    moved.map(|((side, (from, to)), _)| format!("{side} {from} to {to}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(x0: f64, dx: f64, y0: f64, dy: f64) -> Grid {
        Grid { width: 400, height: 300, transform: Transform { x0, dx, y0, dy }, crs: None }
    }

    #[test]
    fn bounds_go_outward_to_edges_that_are_no_multiples_of_the_pixel() {
        let landsat = grid(583_485.0, 30.0, -2_222_685.0, -30.0);
        let anchor = Anchor::of(&landsat, (30.0, 30.0)).unwrap();
        let around = anchor.around([585_000.0, -2_226_000.0, 587_000.0, -2_224_010.0]);
        assert!(anchor.own_pixels);
        assert_eq!(around.transform, Transform { x0: 584_985.0, y0: -2_224_005.0, ..landsat.transform });
        assert_eq!(around.size, (68.0, 67.0));
        assert_eq!(anchor.around(landsat.bounds()).size, (400.0, 300.0));
        assert_eq!(anchor.around(landsat.bounds()).transform, landsat.transform);
    }

    #[test]
    fn noise_of_typing_and_of_transforms_adds_no_pixel() {
        let third = 1.0 / 3600.0;
        let dem = grid(-105.000_138_888_888_9, third, 40.000_138_888_888_89, -third);
        let anchor = Anchor::of(&dem, (0.000_277_777_777_8, 0.000_277_777_777_8)).unwrap();
        assert!(anchor.own_pixels);
        let t = dem.transform;
        let ((left, top), (right, bottom)) = (t.to_map(17.0, 33.0), t.to_map(117.0, 83.0));
        let rounded = [left, bottom, right, top].map(|v| (v * 1e7).round() / 1e7);
        let around = anchor.around(rounded);
        assert_eq!(around.size, (100.0, 50.0));
        assert_eq!((around.transform.x0, around.transform.y0), (left, top));
        // Bounds within one pixel are that pixel.
        assert_eq!(
            anchor
                .around([left + third / 3.0, top - third / 2.0, left + third / 2.0, top - third / 3.0])
                .size,
            (1.0, 1.0)
        );
    }

    #[test]
    fn multiples_and_fractions_begin_at_the_corner_and_other_sizes_have_no_edges() {
        let landsat = grid(583_485.0, 30.0, -2_222_685.0, -30.0);
        let coarse = Anchor::of(&landsat, (60.0, 60.0)).unwrap();
        assert!(!coarse.own_pixels);
        let around = coarse.around([583_500.0, -2_222_800.0, 583_600.0, -2_222_700.0]);
        assert_eq!(
            (around.transform.x0, around.transform.y0, around.size),
            (583_485.0, -2_222_685.0, (2.0, 2.0))
        );
        assert_eq!(Anchor::of(&landsat, (15.0, 10.0)).unwrap().step(), (15.0, 10.0));
        for other in [20.0, 50.0, 29.97, 1e7] {
            assert_eq!(Anchor::of(&landsat, (other, 30.0)), None, "{other}");
        }
    }

    #[test]
    fn a_grid_keeps_the_way_its_rows_run() {
        let south_up = grid(0.0, 10.0, 0.0, 10.0);
        let around = Anchor::of(&south_up, (10.0, 10.0)).unwrap().around([11.0, 21.0, 29.0, 39.0]);
        assert_eq!(around.transform, Transform { x0: 10.0, dx: 10.0, y0: 20.0, dy: 10.0 });
        assert_eq!(around.size, (2.0, 2.0));
    }

    #[test]
    fn what_was_moved_is_told_side_by_side_and_noise_is_not() {
        let text =
            moves([405_001.0, 90.0, 405_030.0, 120.000_1], [405_000.0, 90.0, 405_030.0, 120.0], (30.0, 30.0));
        assert_eq!(text, "left 405001 to 405000");
    }
}
