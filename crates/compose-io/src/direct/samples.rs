//! From stored bytes to samples: byte order, predictors, bands apart.
//!
//! A predictor of differences adds samples as unsigned numbers of their width that wrap, floats as well,
//! after the byte order was put right (TIFF 6.0, section 14). One row is at most some ten KB, so what is done
//! to it in two passes is done within the nearest cache. The sums depend on each other and run at one
//! addition a clock: faster than any codec delivers.

use super::layout::{Layout, Predictor};
use bytemuck::{Pod, bytes_of, pod_read_unaligned};

/// The bits of a sample.
pub(super) trait Word: Pod {
    fn plus(self, other: Self) -> Self;
    fn swapped(self) -> Self;
}

macro_rules! words {
    ($($word:ty)*) => {$(
        impl Word for $word {
            fn plus(self, other: Self) -> Self {
                self.wrapping_add(other)
            }

            fn swapped(self) -> Self {
                self.swap_bytes()
            }
        }
    )*};
}
words!(u8 u16 u32);

/// Makes samples of the bytes of a block of one band, in place; `row_bytes` are those of a row.
pub(super) fn restore<T: Word>(stored: &mut [u8], row_bytes: usize, layout: &Layout) {
    if layout.predictor == Predictor::None {
        swap::<T>(stored, layout);
        return;
    }
    for row in stored.chunks_exact_mut(row_bytes) {
        swap::<T>(row, layout);
        let mut sum = T::zeroed();
        for word in row.chunks_exact_mut(size_of::<T>()) {
            sum = sum.plus(pod_read_unaligned(word));
            word.copy_from_slice(bytes_of(&sum));
        }
    }
}

/// Makes samples of the bytes of a block and puts those within `size` (width × height) into the planes of
/// their bands. What is stored is used up.
pub(super) fn deinterleave<T: Word>(
    stored: &mut [u8],
    (width, height): (usize, usize),
    layout: &Layout,
    planes: &mut [Option<&mut [u8]>],
) {
    let (channels, plane_row) = (layout.channels(), width * size_of::<T>());
    for (y, row) in stored.chunks_exact_mut(layout.row_bytes()).take(height).enumerate() {
        match layout.predictor {
            Predictor::Float => add_bytes(row, channels),
            _ => swap::<T>(row, layout),
        }
        for (channel, plane) in planes.iter_mut().enumerate() {
            let Some(plane) = plane else { continue };
            let to = &mut plane[y * plane_row..][..plane_row];
            match layout.predictor {
                Predictor::None => take::<T, false>(row, (channel, channels), to),
                Predictor::Difference => take::<T, true>(row, (channel, channels), to),
                Predictor::Float => take_float(row, (channel, channels), to),
            }
        }
    }
}

fn swap<T: Word>(samples: &mut [u8], layout: &Layout) {
    if layout.swapped && size_of::<T>() > 1 {
        for word in samples.chunks_exact_mut(size_of::<T>()) {
            let swapped = pod_read_unaligned::<T>(word).swapped();
            word.copy_from_slice(bytes_of(&swapped));
        }
    }
}

/// Copies one of several channels out of a row, adding up differences on the way.
fn take<T: Word, const DIFFERENCES: bool>(row: &[u8], (channel, channels): (usize, usize), to: &mut [u8]) {
    let size = size_of::<T>();
    if channels == 1 && !DIFFERENCES {
        to.copy_from_slice(&row[..to.len()]);
        return;
    }
    let mut sum = T::zeroed();
    let from = row[channel * size..].chunks(channels * size);
    for (to, from) in to.chunks_exact_mut(size).zip(from) {
        let word = pod_read_unaligned(&from[..size]);
        sum = if DIFFERENCES { sum.plus(word) } else { word };
        to.copy_from_slice(bytes_of(&sum));
    }
}

/// First half of the predictor of floats: each byte is the difference to the one `channels` before it (TIFF
/// Technical Note 3, "Decoding").
fn add_bytes(row: &mut [u8], channels: usize) {
    if channels == 1 {
        let mut sum = 0u8;
        for byte in row {
            sum = sum.wrapping_add(*byte);
            *byte = sum;
        }
        return;
    }
    for at in channels..row.len() {
        row[at] = row[at].wrapping_add(row[at - channels]);
    }
}

/// Second half: a row holds the most significant bytes of all its samples first, then the next ones, whatever
/// the file's byte order.
fn take_float(row: &[u8], (channel, channels): (usize, usize), to: &mut [u8]) {
    let quarter = row.len() / 4;
    let [a, b, c, d] = std::array::from_fn(|i| row[i * quarter..][..quarter].iter());
    let words = a.zip(b).zip(c).zip(d).map(|(((a, b), c), d)| u32::from_be_bytes([*a, *b, *c, *d]));
    let put = |(to, word): (&mut [u8], u32)| to.copy_from_slice(&word.to_ne_bytes());
    // Without the step the compiler makes vector code of it.
    if channels == 1 {
        to.chunks_exact_mut(4).zip(words).for_each(put);
    } else {
        to.chunks_exact_mut(4).zip(words.skip(channel).step_by(channels)).for_each(put);
    }
}
