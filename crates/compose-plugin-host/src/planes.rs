//! Pixels across the border: planes to read are borrowed, planes to write are the host's own and watched.

use compose_core::{KindError, Window};
use compose_plugin::abi;
use ndarray::{ArrayView2, CowArray, Ix2};

/// A plane that can be read with pointers: its rows are whole in memory.
pub(crate) struct Readable<'a, T> {
    samples: CowArray<'a, T, Ix2>,
    valid: CowArray<'a, u8, Ix2>,
}

/// The type tag of samples.
pub(crate) trait Sample: Copy + PartialEq + 'static {
    const KIND: u32;
    /// The value of guards: no sensible sample equals it, and it is not NaN, which differs from itself.
    const GUARD: Self;
}

impl Sample for u8 {
    const KIND: u32 = abi::PLANE_U8;
    const GUARD: Self = 0xA5;
}

impl Sample for u32 {
    const KIND: u32 = abi::PLANE_U32;
    const GUARD: Self = 0xA5A5_A5A5;
}

impl Sample for f32 {
    const KIND: u32 = abi::PLANE_F32;
    const GUARD: Self = f32::from_bits(0x25A5_A5A5);
}

impl<'a, T: Sample> Readable<'a, T> {
    pub fn new(samples: ArrayView2<'a, T>, valid: ArrayView2<'a, u8>) -> Self {
        Self { samples: in_rows(samples), valid: in_rows(valid) }
    }

    /// The plane whose first output pixel is (row, col) of the arrays.
    pub fn plane(&self, row: usize, col: usize, band: usize) -> abi::Plane {
        let width = self.samples.ncols();
        abi::Plane {
            data: self.samples.as_ptr().wrapping_add(row * width + col).cast(),
            valid: self.valid.as_ptr().wrapping_add(row * width + col),
            stride: (width * size_of::<T>()) as i64,
            valid_stride: width as i64,
            kind: T::KIND,
            band: band as u32,
        }
    }
}

/// The view itself where its rows follow one another in memory, else a copy.
fn in_rows<T: Clone>(view: ArrayView2<'_, T>) -> CowArray<'_, T, Ix2> {
    if view.is_standard_layout() { view.into() } else { view.as_standard_layout().into_owned().into() }
}

/// A plane that the other side writes, between guards that tell where it wrote too much.
pub(crate) struct Writable<T> {
    /// Guard, rows, guard.
    memory: Vec<T>,
    width: usize,
    height: usize,
}

impl<T: Sample> Writable<T> {
    /// A plane that holds `start` everywhere.
    pub fn new(width: usize, height: usize, start: T) -> Self {
        let mut new = Self { memory: Vec::new(), width: 0, height: 0 };
        new.reset(width, height, start);
        new
    }

    /// Makes it a plane of this size that holds `start` everywhere; memory is used again.
    pub fn reset(&mut self, width: usize, height: usize, start: T) {
        (self.width, self.height) = (width, height);
        let (guard, pixels) = (self.guard(), width * height);
        self.memory.clear();
        self.memory.resize(guard, T::GUARD);
        self.memory.resize(guard + pixels, start);
        self.memory.resize(pixels + 2 * guard, T::GUARD);
    }

    /// A row too many, forwards or backwards, lies in a guard.
    fn guard(&self) -> usize {
        self.width.max(16)
    }

    /// The plane as the other side sees it.
    pub fn output(&mut self) -> abi::Output {
        let guard = self.guard();
        abi::Output {
            data: self.memory.as_mut_ptr().wrapping_add(guard).cast(),
            stride: (self.width * size_of::<T>()) as i64,
            kind: T::KIND,
            reserved: 0,
        }
    }

    pub fn row(&self, row: usize) -> &[T] {
        let start = self.guard() + row * self.width;
        &self.memory[start..start + self.width]
    }

    pub fn rows(&self) -> impl Iterator<Item = (usize, &[T])> {
        (0..self.height).map(|row| (row, self.row(row)))
    }

    /// Refuses what was written before the first or after the last pixel.
    pub fn check_guards(&self) -> Result<(), KindError> {
        let (guard, end) = (self.guard(), self.memory.len() - self.guard());
        let intact = |part: &[T]| part.iter().all(|v| *v == T::GUARD);
        if intact(&self.memory[..guard]) && intact(&self.memory[end..]) {
            return Ok(());
        }
        Err(KindError::new("wrote outside the pixels that it was asked for"))
    }
}

/// The position of a pixel of an output on its grid, for messages.
pub(crate) fn place(window: Window, row: usize, col: usize) -> String {
    format!("column {}, row {}", window.col + col as i64, window.row + row as i64)
}

/// `block at column 0, row 512 (512×512)`
pub(crate) fn block(window: Window) -> String {
    format!("block at column {}, row {} ({}×{})", window.col, window.row, window.width, window.height)
}

/// A window as the other side sees it.
pub(crate) fn raw_window(window: Window) -> abi::Window {
    abi::Window { col: window.col, row: window.row, width: window.width as i64, height: window.height as i64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array2, s};

    #[test]
    fn a_plane_of_a_cut_out_array_has_the_pixels_of_the_cut() {
        let all = Array2::from_shape_fn((4, 6), |(r, c)| (10 * r + c) as u32);
        let valid = Array2::<u8>::ones((4, 6));
        let (cut, valid) = (all.slice(s![.., 1..5]), valid.slice(s![.., 1..5]));
        let readable = Readable::new(cut, valid);
        assert_eq!(readable.samples[[1, 1]], 12);
        assert_eq!((readable.plane(1, 1, 3).stride, readable.plane(1, 1, 3).band), (16, 3));
    }

    #[test]
    fn a_write_past_either_end_is_told() {
        for at in [0, 15, 16 + 6, 16 + 6 + 15] {
            let mut plane = Writable::<u8>::new(3, 2, 0);
            assert!(plane.check_guards().is_ok());
            plane.memory[at] = 1;
            assert!(plane.check_guards().is_err(), "{at}");
        }
        let mut plane = Writable::<u8>::new(3, 2, 0);
        plane.memory[16..16 + 6].fill(1);
        assert!(plane.check_guards().is_ok());
    }
}
