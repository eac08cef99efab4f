//! A rectangle of pixels on some grid.

/// `width` × `height` pixels whose upper-left pixel is (`col`, `row`). Both may lie outside the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Column of the left-most pixel.
    pub col: i64,
    /// Row of the top-most pixel.
    pub row: i64,
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
}

impl Window {
    /// The window of a whole raster of this size.
    pub fn whole(width: usize, height: usize) -> Self {
        Self { col: 0, row: 0, width, height }
    }

    /// The same window with `halo` more pixels on every side.
    pub fn expand(self, halo: usize) -> Self {
        let h = halo as i64;
        Self {
            col: self.col - h,
            row: self.row - h,
            width: self.width + 2 * halo,
            height: self.height + 2 * halo,
        }
    }

    /// The same size, moved by whole pixels.
    pub fn shift(self, cols: i64, rows: i64) -> Self {
        Self { col: self.col + cols, row: self.row + rows, ..self }
    }

    /// First column to the right of the window.
    pub fn col_end(self) -> i64 {
        self.col + self.width as i64
    }

    /// First row below the window.
    pub fn row_end(self) -> i64 {
        self.row + self.height as i64
    }

    /// The common part, or `None` where there is none.
    pub fn intersect(self, other: Self) -> Option<Self> {
        let (col, row) = (self.col.max(other.col), self.row.max(other.row));
        let (right, bottom) = (self.col_end().min(other.col_end()), self.row_end().min(other.row_end()));
        (right > col && bottom > row).then(|| Self {
            col,
            row,
            width: (right - col) as usize,
            height: (bottom - row) as usize,
        })
    }

    /// The smallest window that holds both.
    pub fn around(self, other: Self) -> Self {
        let (col, row) = (self.col.min(other.col), self.row.min(other.row));
        let (right, bottom) = (self.col_end().max(other.col_end()), self.row_end().max(other.row_end()));
        Self { col, row, width: (right - col) as usize, height: (bottom - row) as usize }
    }

    /// Number of pixels.
    pub fn pixels(self) -> usize {
        self.width * self.height
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_that_only_touch_have_nothing_in_common() {
        let a = Window { col: 0, row: 0, width: 4, height: 4 };
        assert_eq!(a.intersect(a.shift(4, 0)), None);
        assert_eq!(a.intersect(a.shift(3, -2)), Some(Window { col: 3, row: 0, width: 1, height: 2 }));
    }
}
