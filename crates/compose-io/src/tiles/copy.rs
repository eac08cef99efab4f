//! From the samples of a tile to those of a window.

use super::band::BandRef;
use super::buffer::Tile;
use compose_core::{DataType, Window};
use multiversion::multiversion;
use std::ops::Range;

/// The part of a tile that a window wants; all on the file's grid.
pub(super) struct Part {
    pub tile: Window,
    pub common: Window,
    pub window: Window,
}

impl Part {
    /// For each row of the common part: its range in the tile's samples and in the window's.
    fn rows(&self) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
        let start = |outer: Window, row: i64| {
            (row - outer.row) as usize * outer.width + (self.common.col - outer.col) as usize
        };
        let width = self.common.width;
        (self.common.row..self.common.row_end()).map(move |row| {
            let (from, to) = (start(self.tile, row), start(self.window, row));
            (from..from + width, to..to + width)
        })
    }
}

/// The part of a window where a raster has no pixel.
pub(super) struct Outside {
    window: Window,
    inside: Option<Window>,
}

impl Outside {
    pub fn of(window: Window, band: &BandRef) -> Self {
        Self { window, inside: window.intersect(Window::whole(band.width, band.height)) }
    }

    /// Fills what lies outside.
    pub fn fill<T: Copy>(&self, samples: &mut [T], with: T) {
        let Some(inside) = self.inside else { return samples.fill(with) };
        if inside == self.window {
            return;
        }
        let left = (inside.col - self.window.col) as usize;
        for (row, samples) in (self.window.row..).zip(samples.chunks_mut(self.window.width)) {
            if (inside.row..inside.row_end()).contains(&row) {
                samples[..left].fill(with);
                samples[left + inside.width..].fill(with);
            } else {
                samples.fill(with);
            }
        }
    }
}

/// The destination of validity.
pub enum Valid<'a> {
    /// Overwrites the validity.
    Set(&'a mut [u8]),
    /// Combines with the validity that is there by AND.
    And(&'a mut [u8]),
}

pub(super) fn copy_data(
    tile: &Tile,
    plane: usize,
    part: &Part,
    nodata: &[f64],
    values: &mut [f32],
    valid: &mut Valid<'_>,
) {
    macro_rules! copy {
        ($type:ty) => {{
            // A float's nodata is compared at single precision, as the samples are.
            let fits = |n: &&f64| !tile.dtype.is_integer() || tile.dtype.holds(**n);
            let missing: Vec<$type> = nodata.iter().filter(fits).map(|n| *n as $type).collect();
            let samples = tile.samples::<$type>(plane);
            copy_rows(samples, part, &missing, values, valid, |x| x as f32);
        }};
    }
    match tile.dtype {
        DataType::UInt8 => copy!(u8),
        DataType::Int8 => copy!(i8),
        DataType::UInt16 => copy!(u16),
        DataType::Int16 => copy!(i16),
        DataType::UInt32 => copy!(u32),
        DataType::Int32 => copy!(i32),
        _ => copy!(f32),
    }
}

impl Valid<'_> {
    /// All of them.
    pub(super) fn all(&mut self) -> &mut [u8] {
        match self {
            Self::Set(valid) | Self::And(valid) => valid,
        }
    }

    fn row(&mut self, at: Range<usize>) -> Valid<'_> {
        match self {
            Self::Set(valid) => Valid::Set(&mut valid[at]),
            Self::And(valid) => Valid::And(&mut valid[at]),
        }
    }
}

/// Compiled for several instruction sets; the widest that the machine has is taken.
#[multiversion(targets("x86_64+avx2", "x86_64+sse4.1"))]
fn copy_rows<T: Copy + PartialEq>(
    samples: &[T],
    part: &Part,
    missing: &[T],
    values: &mut [f32],
    valid: &mut Valid<'_>,
    widen: impl Fn(T) -> f32,
) {
    for (from, to) in part.rows() {
        copy_row(&samples[from], missing, &mut values[to.clone()], valid.row(to), &widen);
    }
}

#[inline(always)]
fn copy_row<T: Copy + PartialEq>(
    from: &[T],
    missing: &[T],
    values: &mut [f32],
    valid: Valid<'_>,
    widen: impl Fn(T) -> f32,
) {
    // One simple loop per array: the compiler makes vector code of each.
    for (value, sample) in values.iter_mut().zip(from) {
        *value = widen(*sample);
    }
    // Neither NaN nor an infinity is a measurement.
    let is_number = |sample: &T| widen(*sample).is_finite();
    match missing {
        [] => mark(from, valid, is_number),
        [only] => mark(from, valid, |sample| is_number(sample) & (sample != only)),
        several => mark(from, valid, |sample| is_number(sample) && !several.contains(sample)),
    }
}

#[inline(always)]
fn mark<T>(from: &[T], valid: Valid<'_>, is_valid: impl Fn(&T) -> bool) {
    match valid {
        Valid::Set(valid) => valid.iter_mut().zip(from).for_each(|(ok, s)| *ok = u8::from(is_valid(s))),
        Valid::And(valid) => valid.iter_mut().zip(from).for_each(|(ok, s)| *ok &= u8::from(is_valid(s))),
    }
}

pub(super) fn clear_masked(tile: &Tile, part: &Part, valid: &mut [u8]) {
    let mask = tile.samples::<u8>(0);
    for (from, to) in part.rows() {
        for (valid, mask) in valid[to].iter_mut().zip(&mask[from]) {
            *valid &= u8::from(*mask != 0);
        }
    }
}

pub(super) fn copy_codes(tile: &Tile, plane: usize, part: &Part, codes: &mut [u32], inside: &mut [u8]) {
    for (from, to) in part.rows() {
        inside[to.clone()].fill(1);
        let to = &mut codes[to];
        match tile.dtype {
            DataType::UInt8 => widen(to, &tile.samples::<u8>(plane)[from], u32::from),
            DataType::Int8 => widen(to, &tile.samples::<i8>(plane)[from], |c| u32::from(c as u8)),
            DataType::UInt16 => widen(to, &tile.samples::<u16>(plane)[from], u32::from),
            DataType::Int16 => widen(to, &tile.samples::<i16>(plane)[from], |c| u32::from(c as u16)),
            DataType::Int32 => widen(to, &tile.samples::<i32>(plane)[from], |c| c as u32),
            // Headers have made sure that a quality band is one of these.
            _ => widen(to, &tile.samples::<u32>(plane)[from], |c| c),
        }
    }
}

fn widen<T: Copy>(to: &mut [u32], from: &[T], code: impl Fn(T) -> u32) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = code(*from);
    }
}
