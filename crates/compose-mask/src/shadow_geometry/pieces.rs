//! Clouds cut into cells, each with the height at which its shadow is found.

use super::cell_cover::{Bits, CELL, CellCover, paint};
use ndarray::{Array2, ArrayView2};
use std::ops::Range;

/// The number of cells to each side that are matched together with a cell.
pub(super) const BESIDE: usize = 1;
/// An offset is a candidate if its score is at least this share of the highest score.
const NEAR: f64 = 0.9;

/// The input of the search for shadows.
pub(super) struct Search<'a> {
    pub lattice: CellCover,
    /// The offsets of the shadows of clouds of each height, (cols, rows), the lowest first.
    pub offsets: &'a [(i64, i64)],
    /// The share of dark pixels that a shadow has more than.
    pub similarity: f64,
    /// Pixels that a shadow may lie beside where it is looked for.
    pub grow: usize,
    clouds: Bits,
    dark: Bits,
    seen: Bits,
}

/// For each offset, the number of a cell's cloud pixels whose shadow falls on dark pixels, and on any clear pixels.
#[derive(Clone, Default)]
struct Tally(Vec<(u32, u32)>);

impl<'a> Search<'a> {
    /// Planes of zeros and ones: clouds, dark pixels, and pixels that are seen and no cloud.
    pub fn new(
        (lattice, offsets): (CellCover, &'a [(i64, i64)]),
        [clouds, dark, seen]: [ArrayView2<'_, u8>; 3],
        (similarity, grow): (f64, usize),
    ) -> Self {
        let reach = offsets.iter().map(|(cols, _)| cols.unsigned_abs() as usize).max().unwrap_or(0);
        let [clouds, dark, seen] = [clouds, dark, seen].map(|plane| Bits::of(plane, lattice, reach));
        Self { lattice, offsets, similarity, grow, clouds, dark, seen }
    }

    /// Sets the pixels of `onto` on which a cloud throws its shadow, as far as they lie in `rows` and `cols`.
    pub fn paint(&self, rows: Range<usize>, cols: Range<usize>, onto: &mut Array2<u8>) {
        let across =
            self.cells(cols, self.lattice.left, self.lattice.across, self.offsets.iter().map(|o| o.0));
        let down = self.cells(rows, self.lattice.top, self.lattice.down, self.offsets.iter().map(|o| o.1));
        let tallies = |down: Option<usize>| match down.filter(|d| *d < self.lattice.down) {
            Some(down) => (0..self.lattice.across)
                .map(|cell| match cell + BESIDE >= across.start && cell < across.end + BESIDE {
                    true => self.tally((down, cell)),
                    false => Tally::default(),
                })
                .collect(),
            None => Vec::new(),
        };
        // Three rows of cells at a time.
        let mut three: [Vec<Tally>; 3] =
            [Vec::new(), tallies(down.start.checked_sub(1)), tallies(Some(down.start))];
        for row in down {
            three.rotate_left(1);
            three[2] = tallies(Some(row + 1));
            for cell in across.clone() {
                self.paint_cell((row, cell), &three, onto);
            }
        }
    }

    /// The cells whose shadows may reach pixels `wanted` of the window, along one axis.
    fn cells(
        &self,
        wanted: Range<usize>,
        before: usize,
        cells: usize,
        offsets: impl Iterator<Item = i64> + Clone,
    ) -> Range<usize> {
        let (least, most) = (offsets.clone().min().unwrap_or(0), offsets.max().unwrap_or(0));
        let grow = self.grow as i64;
        let first = (wanted.start + before) as i64 - most - grow;
        let last = (wanted.end + before) as i64 - least + grow;
        let cell = |pixel: i64| (pixel.div_euclid(CELL as i64).max(0) as usize).min(cells);
        if wanted.is_empty() { 0..0 } else { cell(first)..(cell(last) + 1).min(cells) }
    }

    fn tally(&self, cell: (usize, usize)) -> Tally {
        let rows = self.clouds.cell(cell);
        if rows.iter().all(|row| *row == 0) {
            return Tally::default();
        }
        let (row, col) = ((cell.0 * CELL) as i64, (cell.1 * CELL) as i64);
        Tally(
            self.offsets
                .iter()
                .map(|(cols, down)| {
                    let (mut dark, mut seen) = (0, 0);
                    for (nth, cloud) in rows.iter().enumerate().filter(|(_, cloud)| **cloud != 0) {
                        let at = (row + nth as i64 + down, col + cols);
                        dark += (cloud & self.dark.read(at.0, at.1)).count_ones();
                        seen += (cloud & self.seen.read(at.0, at.1)).count_ones();
                    }
                    (dark, seen)
                })
                .collect(),
        )
    }

    fn paint_cell(&self, cell: (usize, usize), three: &[Vec<Tally>; 3], onto: &mut Array2<u8>) {
        if three[1][cell.1].0.is_empty() {
            return;
        }
        let (_, across) = self.lattice.around(cell, BESIDE);
        let beside: Vec<&Tally> = three
            .iter()
            .flat_map(|row| row.get(across.clone()).unwrap_or_default())
            .filter(|t| !t.0.is_empty())
            .collect();
        // The score of an offset: its dark pixels, less the share `similarity` of its clear pixels.
        let score = |nth: usize| {
            let sum = beside.iter().map(|t| t.0[nth]).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
            f64::from(sum.0) - self.similarity * f64::from(sum.1)
        };
        let scores: Vec<f64> = (0..self.offsets.len()).map(score).collect();
        if let Some(nth) = best(&scores) {
            paint(onto, self.lattice, cell, &self.clouds.cell(cell), self.offsets[nth]);
        }
    }
}

/// The index of the offset with the best score. Offsets whose score is at least NEAR × the highest score are
/// candidates. Of the first run of candidates that follow each other (the lowest clouds), the highest score wins, and
/// the first of equals. `None` if no score is above 0.
///
/// The shadow of one cloud also fits the next cloud, somewhat farther away and sometimes a little better.
fn best(scores: &[f64]) -> Option<usize> {
    let highest = scores.iter().copied().fold(0.0, f64::max);
    let is_candidate = |score: &f64| *score > 0.0 && *score >= NEAR * highest;
    let first = scores.iter().position(is_candidate)?;
    let run = scores[first..].iter().take_while(|s| is_candidate(s));
    let mut best = first;
    for (nth, value) in run.enumerate() {
        if *value > scores[best] {
            best = first + nth;
        }
    }
    Some(best)
}

#[cfg(test)]
mod tests {
    use super::*;
    use compose_core::Window;

    #[test]
    fn the_height_for_which_most_speaks_is_taken_and_the_lowest_of_equals() {
        assert_eq!(best(&[1.0, 5.0, 3.0]), Some(1));
        assert_eq!(best(&[1.0, 5.0, 5.0]), Some(1));
        assert_eq!((best(&[]), best(&[0.0, -3.0])), (None, None));
    }

    #[test]
    fn a_lower_height_that_comes_near_goes_before_the_shadow_of_the_next_cloud() {
        assert_eq!(best(&[10.0, 91.0, 96.0, 92.0, 10.0, 99.0, 100.0]), Some(2));
        assert_eq!(best(&[10.0, 85.0, 89.0, 80.0, 10.0, 99.0, 100.0]), Some(6));
    }

    #[test]
    fn a_cell_is_painted_at_the_height_that_it_and_its_neighbours_agree_on() {
        let plane = |pixels: &[(usize, usize)]| {
            let mut plane = Array2::zeros((40, 140));
            pixels.iter().for_each(|at| plane[*at] = 1);
            plane
        };
        // Two pixels of cloud, in two cells; dark pixels 3 and 7 to the left of the second, 7 of the first.
        let (clouds, dark) = (plane(&[(5, 90), (5, 99)]), plane(&[(5, 83), (5, 92), (5, 96)]));
        let seen = clouds.mapv(|cloud: u8| 1 - cloud);
        let lattice = CellCover::under(Window { col: 0, row: 0, width: 140, height: 40 });
        let offsets: Vec<(i64, i64)> = (2..9).map(|px| (-px, 0)).collect();
        let planes = [clouds.view(), dark.view(), seen.view()];
        let search = Search::new((lattice, &offsets), planes, (0.3, 0));
        let mut onto = Array2::zeros((40, 140));
        search.paint(0..40, 0..140, &mut onto);
        assert_eq!(onto, plane(&[(5, 83), (5, 92)]));
        let mut onto = Array2::zeros((40, 140));
        search.paint(0..40, 92..93, &mut onto);
        assert_eq!(onto[[5, 92]], 1);
    }

    #[test]
    fn a_share_that_is_no_more_than_asked_for_is_no_shadow() {
        let ones = Array2::from_elem((4, 40), 1u8);
        let mut dark = Array2::zeros((4, 40));
        dark[[0, 0]] = 1;
        let mut clouds = Array2::zeros((4, 40));
        (clouds[[0, 5]], clouds[[1, 5]]) = (1, 1);
        let lattice = CellCover::under(Window { col: 0, row: 0, width: 40, height: 4 });
        for (similarity, painted) in [(0.5, 0), (0.49, 2)] {
            let planes = [clouds.view(), dark.view(), ones.view()];
            let search = Search::new((lattice, &[(-5, 0)]), planes, (similarity, 0));
            let mut onto = Array2::zeros((4, 40));
            search.paint(0..4, 0..40, &mut onto);
            assert_eq!(onto.iter().map(|m| usize::from(*m)).sum::<usize>(), painted);
        }
    }
}
