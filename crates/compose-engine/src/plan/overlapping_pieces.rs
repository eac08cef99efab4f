//! Lists the pieces of a region that overlap at least one of some windows. The cost grows with the number of windows
//! and of rows of pieces, not with the number of pieces.

use compose_core::Window;
use std::ops::Range;

/// The pieces of this size of the region `of` that overlap at least one of the windows: ranges of their numbers, row
/// by row.
pub fn overlapping_pieces(
    windows: &[Window],
    of: Window,
    (width, height): (usize, usize),
) -> Vec<Range<usize>> {
    let (width, height) = (width.max(1), height.max(1));
    let across = of.width.div_ceil(width);
    let mut met: Vec<Range<usize>> = Vec::new();
    for row in 0..of.height.div_ceil(height) {
        let strip = Window {
            row: of.row + (row * height) as i64,
            height: height.min(of.height - row * height),
            ..of
        };
        let in_strip = windows.iter().filter_map(|window| window.intersect(strip));
        let mut cols: Vec<Range<usize>> = in_strip
            .map(|part| {
                (part.col - of.col) as usize / width..((part.col_end() - of.col) as usize).div_ceil(width)
            })
            .collect();
        cols.sort_unstable_by_key(|range| range.start);
        for range in cols {
            let (start, end) = (row * across + range.start, row * across + range.end);
            match met.last_mut() {
                Some(last) if start <= last.end => last.end = last.end.max(end),
                _ => met.push(start..end),
            }
        }
    }
    met
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_overlap_where_they_have_a_pixel_in_common_with_a_window() {
        let of = Window { col: 10, row: 20, width: 95, height: 47 };
        let window = |col, row, width, height| Window { col, row, width, height };
        let windows = [
            window(0, 0, 31, 21),
            window(29, 20, 2, 11),
            window(104, 0, 9, 99),
            window(50, 66, 11, 9),
            window(300, 30, 5, 5),
        ];
        for size in [(1, 1), (10, 10), (7, 30), (95, 47), (200, 200)] {
            let tried = crate::plan::pieces(of, size).enumerate();
            let tried = tried.filter(|(_, piece)| windows.iter().any(|w| w.intersect(*piece).is_some()));
            let tried: Vec<usize> = tried.map(|(number, _)| number).collect();
            assert_eq!(
                overlapping_pieces(&windows, of, size).into_iter().flatten().collect::<Vec<_>>(),
                tried,
                "{size:?}"
            );
        }
        assert!(overlapping_pieces(&[], of, (10, 10)).is_empty());
    }
}
