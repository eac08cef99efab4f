//! Planes of pixels to write.

#![allow(unsafe_code)]

use crate::abi;
use crate::planes::{Area, Sample, no_row};
use std::marker::PhantomData;

/// What a mask rule writes: 1 where a pixel is unusable, 0 where it is not.
pub type Marks<'a> = OutputPlane<'a, u8>;

/// What a score writes: higher is better, `f32::NEG_INFINITY` is "never take this one", NaN is an error.
pub type Scores<'a> = OutputPlane<'a, f32>;

/// A plane of pixels to write.
///
/// It keeps a pointer and makes a slice of one row at a time: what lies between rows belongs to others.
pub struct OutputPlane<'a, T> {
    first: *mut T,
    stride: isize,
    width: usize,
    height: usize,
    life: PhantomData<&'a mut [T]>,
}

impl<'a, T: Sample> OutputPlane<'a, T> {
    /// # Safety
    /// `output` must be as the header says, its rows must be initialised, disjoint, and for `'a` nobody else's.
    pub(crate) unsafe fn new(output: &abi::Output, area: Area) -> Self {
        let Area { width, height, .. } = area;
        debug_assert!(output.kind == T::TYPE, "the host passed an output of type {}", output.kind);
        debug_assert!(!output.data.is_null() && output.data.cast::<T>().is_aligned());
        debug_assert!(output.stride % align_of::<T>() as i64 == 0);
        debug_assert!(height < 2 || output.stride.unsigned_abs() as usize >= width * size_of::<T>());
        let stride = output.stride as isize;
        OutputPlane { first: output.data.cast(), stride, width, height, life: PhantomData }
    }

    /// The plane's width in pixels.
    #[inline]
    pub fn width(&self) -> usize {
        self.width
    }

    /// The plane's height in pixels.
    #[inline]
    pub fn height(&self) -> usize {
        self.height
    }

    /// The `width` pixels of a row. One row at a time; for several see [`OutputPlane::rows`].
    ///
    /// # Panics
    /// Where `row` is not below the height.
    #[inline]
    #[track_caller]
    pub fn row(&mut self, row: usize) -> &mut [T] {
        if row >= self.height {
            no_row(row as isize, Area { width: self.width, height: self.height, halo: 0 }, 0);
        }
        // SAFETY: the row is there, and borrowed from `self`, so that nobody else has it.
        unsafe { self.slice(row) }
    }

    /// All rows from the first, each of them once, so that several can be held at a time.
    pub fn rows(&mut self) -> impl ExactSizeIterator<Item = &mut [T]> {
        let plane = &*self;
        // SAFETY: rows are disjoint, see `new`; each is given out once, and all are borrowed from `self`.
        (0..plane.height).map(move |row| unsafe { plane.slice(row) })
    }

    /// Writes the same to every pixel.
    pub fn fill(&mut self, value: T) {
        self.rows().for_each(|row| row.fill(value));
    }

    /// # Safety
    /// `row` must be below the height, and for `'s` no other slice of that row may live.
    #[inline]
    unsafe fn slice<'s>(&self, row: usize) -> &'s mut [T]
    where
        'a: 's,
    {
        // SAFETY: the row is there, as the caller says; it is initialised and ours alone, see `new`.
        unsafe {
            std::slice::from_raw_parts_mut(self.first.byte_offset(row as isize * self.stride), self.width)
        }
    }
}
