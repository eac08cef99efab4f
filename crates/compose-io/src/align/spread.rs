//! Finds windows on another grid from a few positions in them; the cost does not grow with their size.

use super::lattice::Mapping;
use compose_core::Window;

/// Places along each side of a window.
const PLACES: usize = 9;
/// Cells along each side of a window in which the native raster is looked for.
const CELLS: usize = 8;
/// The most rounds of the search; each divides the window that was found before into up to 8 × 8 cells.
const LOOKS: usize = 24;

/// Native positions of places that are spread over a target window: the box around them.
pub(super) struct Spread {
    least: (f64, f64),
    most: (f64, f64),
    /// The greatest distance (native pixels, by axis) between neighbours.
    gap: f64,
    /// Whether every place has a position.
    whole: bool,
}

impl Spread {
    /// `None` where no place has a position.
    pub(super) fn over(mapping: &Mapping, target: Window) -> Option<Self> {
        let (cols, rows) = (places(target.col, target.width), places(target.row, target.height));
        let pixels = rows.iter().flat_map(|row| cols.iter().map(move |col| (*col, *row)));
        let (xs, ys) = mapping.positions(pixels);
        let across = cols.len();
        let (mut least, mut most) = ((f64::INFINITY, f64::INFINITY), (f64::NEG_INFINITY, f64::NEG_INFINITY));
        let (mut gap, mut whole) = (1.0_f64, true);
        for (nth, (x, y)) in xs.iter().zip(&ys).enumerate() {
            if !(x.is_finite() && y.is_finite()) {
                whole = false;
                continue;
            }
            least = (least.0.min(*x), least.1.min(*y));
            most = (most.0.max(*x), most.1.max(*y));
            let right = ((nth + 1) % across != 0).then_some(nth + 1);
            for other in right.into_iter().chain([nth + across]) {
                if let (Some(a), Some(b)) = (xs.get(other), ys.get(other)) {
                    gap = gap.max((a - x).abs()).max((b - y).abs()); // `max` passes over NaN
                }
            }
        }
        (least.0 <= most.0).then_some(Self { least, most, gap, whole })
    }

    /// The native pixels in the box.
    pub(super) fn native(&self) -> Option<Window> {
        let (col, row) = (self.least.0.floor() as i64, self.least.1.floor() as i64);
        let side = |first: i64, most: f64| {
            usize::try_from((most.floor() as i64).checked_sub(first)?.checked_add(1)?).ok()
        };
        Some(Window { col, row, width: side(col, self.most.0)?, height: side(row, self.most.1)? })
    }

    /// Whether the raster may lie in the box, or in the half step around it.
    fn may_meet(&self, native: Window) -> bool {
        let apart = |least: f64, most: f64, first: i64, end: i64| {
            most + self.gap < first as f64 || least - self.gap > end as f64
        };
        let (least, most) = (self.least, self.most);
        !self.whole
            || !(apart(least.0, most.0, native.col, native.col_end())
                || apart(least.1, most.1, native.row, native.row_end()))
    }
}

/// About where the native raster lies in a target window.
pub(super) fn target_window(mapping: &Mapping, target: Window, native: Window) -> Option<Window> {
    let mut found = target;
    for _ in 0..LOOKS {
        let cells =
            cells(found).filter(|cell| Spread::over(mapping, *cell).is_none_or(|s| s.may_meet(native)));
        let nearer = cells.reduce(Window::around)?;
        let shrunk = nearer.width * 4 <= found.width * 3 || nearer.height * 4 <= found.height * 3;
        found = nearer;
        if !shrunk {
            break;
        }
    }
    Some(found)
}

/// Up to nine pixels from the first to the last.
fn places(first: i64, length: usize) -> Vec<i64> {
    let count = length.min(PLACES);
    (0..count)
        .map(|nth| first + (nth as u128 * (length - 1) as u128 / (count.max(2) - 1) as u128) as i64)
        .collect()
}

/// Up to eight by eight pieces of a window.
fn cells(of: Window) -> impl Iterator<Item = Window> {
    let (width, height) = (of.width.div_ceil(CELLS).max(1), of.height.div_ceil(CELLS).max(1));
    (0..of.height).step_by(height).flat_map(move |row| {
        (0..of.width).step_by(width).map(move |col| Window {
            col: of.col + col as i64,
            row: of.row + row as i64,
            width: width.min(of.width - col),
            height: height.min(of.height - row),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use compose_core::Transform;

    /// 30 m to 0.3 m, a scene of 400 × 300 px far inside.
    fn fine() -> Mapping {
        let native = Transform { x0: 3_000_015.0, dx: 30.0, y0: -1_500_015.0, dy: -30.0 };
        Mapping::affine(&Transform { x0: 0.0, dx: 0.3, y0: 0.0, dy: -0.3 }, &native)
    }

    #[test]
    fn a_small_scene_is_found_on_a_grid_of_any_size() {
        let native = Window::whole(400, 300);
        let huge = Window::whole(1 << 31, 1 << 31);
        let found = target_window(&fine(), huge, native).unwrap();
        let truth = Window { col: 10_000_050, row: 5_000_050, width: 40_000, height: 30_000 };
        assert_eq!(found.intersect(truth), Some(truth), "{found:?}");
        assert!(found.width < 2 * truth.width && found.height < 2 * truth.height, "{found:?}");
        assert_eq!(target_window(&fine(), Window::whole(1_000_000, 1_000_000), native), None);
    }

    #[test]
    fn a_window_of_any_size_needs_about_what_its_edges_tell() {
        let window = Window { col: 10_000_050, row: 5_000_050, width: 40_000, height: 3_000 };
        assert_eq!(Spread::over(&fine(), window).unwrap().native(), Some(Window::whole(400, 30)));
        let pixel = Window { width: 1, height: 1, ..window };
        assert_eq!(Spread::over(&fine(), pixel).unwrap().native(), Some(Window::whole(1, 1)));
    }
}
