//! A window seen as whole cells of a lattice that is fixed to the grid, and planes of bits over it.
//!
//! Cells begin at multiples of [`CELL`] from the grid's first pixel, whatever the window: what is decided cell by
//! cell is then the same in every window that holds the cell and what it looks at.

use compose_core::Window;
use ndarray::{Array2, ArrayView2, s};
use std::ops::Range;

/// Pixels along a side of a cell; one row of a cell is one half of a word.
pub(super) const CELL: usize = 32;

/// The cells that a window touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CellCover {
    /// Columns of the first cells that lie before the window.
    pub left: usize,
    /// Rows of the first cells that lie above the window.
    pub top: usize,
    /// Cells across.
    pub across: usize,
    /// Cells down.
    pub down: usize,
}

impl CellCover {
    pub fn under(window: Window) -> Self {
        let before = |at: i64| at.rem_euclid(CELL as i64) as usize;
        let (left, top) = (before(window.col), before(window.row));
        let cells = |before: usize, length: usize| (before + length).div_ceil(CELL);
        Self { left, top, across: cells(left, window.width), down: cells(top, window.height) }
    }

    /// The cell (down, across) of a pixel of the window.
    pub fn cell(self, row: usize, col: usize) -> (usize, usize) {
        ((row + self.top) / CELL, (col + self.left) / CELL)
    }

    /// The columns of the window, which is so wide, in the cells so far across.
    pub fn columns(self, across: usize, width: usize) -> Range<usize> {
        let column = |cell: usize| (cell * CELL).saturating_sub(self.left).min(width);
        column(across)..column(across + 1)
    }

    /// The cells at most `far` from a cell, as ranges (down, across).
    pub fn around(self, (down, across): (usize, usize), far: usize) -> (Range<usize>, Range<usize>) {
        let range = |at: usize, cells: usize| at.saturating_sub(far)..(at + far + 1).min(cells);
        (range(down, self.down), range(across, self.across))
    }
}

/// One bit per pixel of a lattice; nothing is set outside the window.
pub(super) struct Bits {
    words: Vec<u64>,
    /// Words of a row.
    stride: usize,
    /// Columns without a pixel before the first cell of a row, and at least as many after its last.
    margin: usize,
    rows: usize,
}

impl Bits {
    /// The bits of a plane of zeros and ones; may be read up to `reach` columns beside the lattice.
    pub fn of(plane: ArrayView2<'_, u8>, lattice: CellCover, reach: usize) -> Self {
        let margin = (reach + 64).next_multiple_of(64);
        let stride = (2 * margin + lattice.across * CELL).div_ceil(64) + 1;
        let rows = lattice.down * CELL;
        let mut words = vec![0; stride * rows];
        for (row, line) in plane.rows().into_iter().enumerate() {
            let words = &mut words[(row + lattice.top) * stride..][..stride];
            for across in 0..lattice.across {
                let part = lattice.columns(across, line.len());
                let at = margin + lattice.left + part.start;
                let bits =
                    line.slice(s![part]).iter().rev().fold(0, |bits, set| bits << 1 | u64::from(*set != 0));
                // A cell is one half of a word.
                words[at / 64] |= bits << (at % 64);
            }
        }
        Self { words, stride, margin, rows }
    }

    /// The [`CELL`] bits of a row that begin at a column, both counted from the first cell; the first is the
    /// lowest.
    pub fn read(&self, row: i64, col: i64) -> u32 {
        let Some(row) = usize::try_from(row).ok().filter(|row| *row < self.rows) else { return 0 };
        let at = (col + self.margin as i64) as usize;
        let words = &self.words[row * self.stride + at / 64..][..2];
        // A shift by 64 in two steps.
        (words[0] >> (at % 64) | words[1] << 1 << (63 - at % 64)) as u32
    }

    /// The rows of a cell.
    pub fn cell(&self, (down, across): (usize, usize)) -> [u32; CELL] {
        std::array::from_fn(|row| self.read((down * CELL + row) as i64, (across * CELL) as i64))
    }
}

/// Sets the pixels of a cell's rows, moved by an offset (cols, rows), where they are in the window.
pub(super) fn paint(
    onto: &mut Array2<u8>,
    lattice: CellCover,
    (down, across): (usize, usize),
    cell: &[u32; CELL],
    (cols, rows): (i64, i64),
) {
    let row = (down * CELL) as i64 - lattice.top as i64 + rows;
    let col = (across * CELL) as i64 - lattice.left as i64 + cols;
    for (nth, mut bits) in cell.iter().copied().enumerate() {
        let Ok(row) = usize::try_from(row + nth as i64) else { continue };
        while bits != 0 {
            let at = usize::try_from(col + i64::from(bits.trailing_zeros()));
            if let Some(pixel) = at.ok().and_then(|col| onto.get_mut((row, col))) {
                *pixel = 1;
            }
            bits &= bits - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_begin_at_multiples_from_the_first_pixel_of_the_grid() {
        let under = |col, row, width, height| CellCover::under(Window { col, row, width, height });
        assert_eq!(under(0, 0, 32, 33), CellCover { left: 0, top: 0, across: 1, down: 2 });
        assert_eq!(under(-1, 70, 2, 1), CellCover { left: 31, top: 6, across: 2, down: 1 });
        assert_eq!(under(-1, 70, 2, 1).cell(0, 1), (0, 1));
    }

    #[test]
    fn bits_are_read_at_any_column_and_nothing_is_set_outside() {
        let window = Window { col: 5, row: 40, width: 90, height: 3 };
        let lattice = CellCover::under(window);
        let plane = Array2::from_shape_fn((3, 90), |(row, col)| u8::from((7 * col + row) % 3 == 0));
        let bits = Bits::of(plane.view(), lattice, 100);
        for (row, col) in (-2..35).flat_map(|row| (-100..190).map(move |col| (row, col))) {
            let read = bits.read(row, col);
            for nth in 0..32 {
                let at = (row - 8, col + nth - 5);
                let within = (0..3).contains(&at.0) && (0..90).contains(&at.1);
                let set = within && plane[[at.0 as usize, at.1 as usize]] != 0;
                assert_eq!(read >> nth & 1 != 0, set, "{row} {col} {nth}");
            }
        }
    }

    #[test]
    fn a_cell_is_painted_where_its_offset_brings_it() {
        let window = Window { col: 30, row: 0, width: 40, height: 40 };
        let lattice = CellCover::under(window);
        let mut plane = Array2::zeros((40, 40));
        (plane[[1, 4]], plane[[31, 33]]) = (1, 1);
        let bits = Bits::of(plane.view(), lattice, 8);
        let mut moved = Array2::zeros((40, 40));
        paint(&mut moved, lattice, (0, 1), &bits.cell((0, 1)), (5, -1));
        let set: Vec<_> = moved.indexed_iter().filter(|(_, m)| **m != 0).map(|(at, _)| at).collect();
        assert_eq!(set, [(0, 9), (30, 38)]);
    }
}
