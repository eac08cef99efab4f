//! The largest number of scenes that one block can overlap, wherever it lies: in a mosaic much less than the number of
//! scenes.

use compose_core::Window;

/// The largest number of these windows that one window of so many columns and rows can overlap, wherever it lies.
pub fn max_overlap(reaches: &[Window], columns: usize, rows: usize) -> usize {
    // The range of first columns (rows) of windows that overlap `r`.
    let across = |r: &Window| (r.col - columns as i64 + 1, r.col_end());
    let down = |r: &Window| (r.row - rows as i64 + 1, r.row_end());
    let share = |spans: &dyn Fn(&Window) -> (i64, i64)| {
        let last = reaches.iter().map(|r| spans(r).0).max();
        let first = reaches.iter().map(|r| spans(r).1).min();
        last < first
    };
    // One window can overlap all of them: so it is in every stack of one place.
    if share(&across) && share(&down) {
        return reaches.len();
    }
    let at = |col: i64| {
        let here = reaches.iter().filter(|r| (across(r).0..across(r).1).contains(&col));
        max_spans_at_once(here.map(down))
    };
    reaches.iter().map(|r| at(across(r).0)).max().unwrap_or(0)
}

/// The largest number of these spans (first, end) that contain the same number.
fn max_spans_at_once(spans: impl Iterator<Item = (i64, i64)>) -> usize {
    let (mut firsts, mut ends): (Vec<i64>, Vec<i64>) = spans.unzip();
    firsts.sort_unstable();
    ends.sort_unstable();
    let ended = |first: i64| ends.partition_point(|end| *end <= first);
    firsts.iter().enumerate().map(|(nth, first)| nth + 1 - ended(*first)).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every place of the window is tried.
    fn tried(reaches: &[Window], columns: usize, rows: usize) -> usize {
        let meets = |col, row| {
            let window = Window { col, row, width: columns, height: rows };
            reaches.iter().filter(|r| r.intersect(window).is_some()).count()
        };
        (-20..60).flat_map(|col| (-20..60).map(move |row| meets(col, row))).max().unwrap_or(0)
    }

    #[test]
    fn the_most_that_a_window_overlaps_is_what_trying_every_place_finds() {
        let side_by_side = |n: i64, step: i64, side: usize| -> Vec<Window> {
            let place = |nth: i64| (nth % n * step, nth / n * step);
            let window = |(col, row)| Window { col, row, width: side, height: side };
            (0..n * n).map(place).map(window).collect()
        };
        let mut odd = side_by_side(3, 9, 10);
        odd.extend([Window { col: 5, row: -3, width: 30, height: 2 }, Window::whole(1, 40)]);
        for reaches in [side_by_side(4, 8, 10), side_by_side(3, 10, 10), side_by_side(3, 0, 7), odd] {
            for (columns, rows) in [(1, 1), (1, 9), (4, 3), (12, 12), (40, 2)] {
                let wanted = tried(&reaches, columns, rows);
                assert_eq!(max_overlap(&reaches, columns, rows), wanted, "{columns} × {rows}");
            }
        }
        assert_eq!(max_overlap(&side_by_side(10, 778, 1000), 512, 512), 4);
        assert_eq!(max_overlap(&[], 5, 5), 0);
    }
}
