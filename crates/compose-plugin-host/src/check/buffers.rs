//! Memory that calls read and write, laid out so that a step out of it shows.

#![allow(unsafe_code)]

use crate::planes::Sample;
use compose_plugin::abi;
use memmap2::{MmapMut, MmapOptions};
use std::io;

/// Larger than, and a multiple of, the pages of any system.
const PAGE: usize = 1 << 16;

/// Samples side by side; either among others on the heap, or with nothing readable behind the last one.
enum Memory<T> {
    Heap(Vec<T>),
    Fenced { map: MmapMut, start: usize, len: usize, _of: std::marker::PhantomData<T> },
}

impl<T: Sample> Memory<T> {
    fn new(fenced: bool, content: Vec<T>) -> io::Result<Self> {
        if !fenced {
            return Ok(Self::Heap(content));
        }
        let bytes = content.len() * size_of::<T>();
        let pages = bytes.div_ceil(PAGE).max(1) * PAGE;
        let file = tempfile::tempfile()?;
        file.set_len(pages as u64)?;
        // SAFETY: the file is ours alone. The mapping is longer than the file, and nothing here touches what lies
        // behind its end: whoever does gets a signal, which is what it is for.
        let map = unsafe { MmapOptions::new().len(pages + PAGE).map_mut(&file) }?;
        let mut new =
            Self::Fenced { map, start: pages - bytes, len: content.len(), _of: std::marker::PhantomData };
        new.as_mut_slice().copy_from_slice(&content);
        Ok(new)
    }

    fn as_slice(&self) -> &[T] {
        match self {
            Self::Heap(samples) => samples,
            // SAFETY: `len` samples from `start` end where the file ends; samples are plain numbers, and the place
            // is aligned, for pages and the length of what lies behind are multiples of a sample's size.
            Self::Fenced { map, start, len, .. } => unsafe {
                std::slice::from_raw_parts(map.as_ptr().add(*start).cast(), *len)
            },
        }
    }

    fn as_mut_slice(&mut self) -> &mut [T] {
        match self {
            Self::Heap(samples) => samples,
            // SAFETY: as above, and borrowed alone.
            Self::Fenced { map, start, len, .. } => unsafe {
                std::slice::from_raw_parts_mut(map.as_mut_ptr().add(*start).cast(), *len)
            },
        }
    }
}

/// The layout of rows in memory.
#[derive(Clone, Copy, Debug)]
pub struct MemoryLayout {
    /// Samples between the end of a row and the beginning of the next.
    pub pad: usize,
    /// Pixels on every side beyond those that may be read.
    pub margin: usize,
    /// Whether nothing may be touched behind the last sample.
    pub fenced: bool,
}

/// A plane to read.
pub struct ReadPlane<T> {
    memory: Memory<T>,
    lay: MemoryLayout,
    rows: usize,
    cols: usize,
}

impl<T: Sample> ReadPlane<T> {
    /// A plane of `rows` × `cols` pixels that may be read; `sample` gives these, and `beyond` what lies around
    /// them, by a running number.
    pub fn new(
        (rows, cols): (usize, usize),
        lay: MemoryLayout,
        sample: impl Fn(usize, usize) -> T,
        beyond: impl Fn(usize) -> T,
    ) -> io::Result<Self> {
        let lay = if lay.fenced { MemoryLayout { margin: 0, ..lay } } else { lay };
        let stride = cols + 2 * lay.margin + lay.pad;
        let mut content: Vec<T> = (0..stride * (rows + 2 * lay.margin)).map(beyond).collect();
        for row in 0..rows {
            let start = (row + lay.margin) * stride + lay.margin;
            content[start..start + cols].iter_mut().enumerate().for_each(|(col, to)| *to = sample(row, col));
        }
        if lay.fenced {
            content.truncate((rows - 1) * stride + cols);
        }
        Ok(Self { memory: Memory::new(lay.fenced, content)?, lay, rows, cols })
    }

    fn stride(&self) -> usize {
        self.cols + 2 * self.lay.margin + self.lay.pad
    }

    /// Bytes from row to row.
    pub fn stride_bytes(&self) -> i64 {
        (self.stride() * size_of::<T>()) as i64
    }

    /// The index of the pixel that is `halo` rows and columns inside.
    pub fn at(&self, halo: usize) -> *const T {
        let depth = halo + self.lay.margin;
        self.memory.as_slice().as_ptr().wrapping_add(depth * self.stride() + depth)
    }

    /// A pixel that may be read.
    pub fn get(&self, row: usize, col: usize) -> T {
        debug_assert!(row < self.rows && col < self.cols);
        self.memory.as_slice()[(row + self.lay.margin) * self.stride() + self.lay.margin + col]
    }

    /// All there is, bit for bit.
    pub fn bytes(&self) -> Vec<u8> {
        bytes_of(self.memory.as_slice()).to_vec()
    }
}

fn bytes_of<T: Sample>(samples: &[T]) -> &[u8] {
    // SAFETY: samples are plain numbers without padding, so each of their bytes may be read.
    unsafe { std::slice::from_raw_parts(samples.as_ptr().cast::<u8>(), size_of_val(samples)) }
}

/// A plane to write.
pub struct Guarded<T> {
    memory: Memory<T>,
    guard: usize,
    stride: usize,
    width: usize,
    height: usize,
}

impl<T: Sample> Guarded<T> {
    /// A plane that holds `start` everywhere, with guards before it, between its rows and behind it.
    pub fn new((height, width): (usize, usize), lay: MemoryLayout, start: T) -> io::Result<Self> {
        let stride = width + lay.pad;
        let guard = (8 * stride).max(1024);
        let mut content = vec![T::GUARD; guard];
        for row in 0..height {
            content.extend(std::iter::repeat_n(start, width));
            let between = if row + 1 < height { lay.pad } else { 0 };
            content.extend(std::iter::repeat_n(T::GUARD, between));
        }
        if !lay.fenced {
            content.extend(std::iter::repeat_n(T::GUARD, guard));
        }
        Ok(Self { memory: Memory::new(lay.fenced, content)?, guard, stride, width, height })
    }

    /// The plane as the other side sees it.
    pub fn output(&mut self) -> abi::Output {
        let guard = self.guard;
        abi::Output {
            data: self.memory.as_mut_slice().as_mut_ptr().wrapping_add(guard).cast(),
            stride: (self.stride * size_of::<T>()) as i64,
            kind: T::KIND,
            reserved: 0,
        }
    }

    pub fn row(&self, row: usize) -> &[T] {
        let start = self.guard + row * self.stride;
        &self.memory.as_slice()[start..start + self.width]
    }

    /// Whether both hold the same, bit for bit.
    pub fn same(&self, other: &Self) -> bool {
        bytes_of(self.memory.as_slice()) == bytes_of(other.memory.as_slice())
    }

    /// The position of a write outside the pixels of the plane.
    pub fn trespass(&self) -> Option<String> {
        let wrong = |place: &usize| {
            let (before, samples) = (*place < self.guard, self.memory.as_slice());
            let inside = !before && {
                let (row, col) = ((place - self.guard) / self.stride, (place - self.guard) % self.stride);
                row < self.height && col < self.width
            };
            !inside && samples[*place] != T::GUARD
        };
        let places: Vec<usize> = (0..self.memory.as_slice().len()).filter(wrong).collect();
        let first = *places.first()?;
        let end = self.guard + (self.height - 1) * self.stride + self.width;
        let first = if first < self.guard {
            format!(
                "{} before the first pixel",
                samples(self.guard - places.iter().filter(|p| **p < self.guard).max()?)
            )
        } else if first >= end {
            format!("{} after the last pixel", samples(first - end + 1))
        } else {
            let (row, col) = ((first - self.guard) / self.stride, (first - self.guard) % self.stride);
            format!("{} after the last pixel of row {row}", samples(col - self.width + 1))
        };
        Some(format!("{first}, {} in all", places.len()))
    }
}

fn samples(count: usize) -> String {
    if count == 1 { "1 sample".into() } else { format!("{count} samples") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAY: MemoryLayout = MemoryLayout { pad: 3, margin: 2, fenced: false };

    #[test]
    fn pixels_lie_where_stride_and_start_say() {
        for fenced in [false, true] {
            let slab =
                ReadPlane::new((4, 5), MemoryLayout { fenced, ..LAY }, |r, c| (10 * r + c) as f32, |_| -1.0)
                    .unwrap();
            // SAFETY: row 2, column 3 may be read.
            let at = unsafe { slab.at(1).byte_offset(slab.stride_bytes() as isize).add(2).read() };
            assert_eq!((at, slab.get(2, 3)), (23.0, 23.0), "{fenced}");
        }
    }

    #[test]
    fn a_write_beside_the_plane_is_told_with_its_place() {
        let place = |offset: isize| {
            let mut plane = Guarded::<u8>::new((2, 5), LAY, 0).unwrap();
            let at = plane.output().data.cast::<u8>();
            // SAFETY: the guards are ours.
            unsafe { at.offset(offset).write(1) };
            plane.trespass()
        };
        assert_eq!((place(0), place(12)), (None, None));
        assert_eq!(place(-1).as_deref(), Some("1 sample before the first pixel, 1 in all"));
        assert_eq!(place(5).as_deref(), Some("1 sample after the last pixel of row 0, 1 in all"));
        assert_eq!(place(13).as_deref(), Some("1 sample after the last pixel, 1 in all"));
    }
}
