//! From the pixels of a level to those of the next: averages, or the nearest.

use super::levels::{Axis, Span};
use super::sample::Sample;
use multiversion::multiversion;
use std::borrow::Cow;
use std::ops::Range;

/// How a pixel of an overview is made.
#[derive(Clone, Copy, Debug)]
pub(super) enum Resampling<T> {
    /// The nearest pixel.
    Nearest,
    /// The average of those that are not `nodata`.
    Average { nodata: Option<T> },
}

/// A part of a level, row by row.
pub(super) struct Patch<'a, T: Clone> {
    pub samples: Cow<'a, [T]>,
    /// Samples from a row to the next.
    pub stride: usize,
    /// Column and row on the level of the first sample.
    pub at: (usize, usize),
}

impl<T: Sample> Patch<'_, T> {
    fn row(&self, row: usize, cols: Range<usize>) -> &[T] {
        let start = (row - self.at.1) * self.stride;
        &self.samples[start + cols.start - self.at.0..start + cols.end - self.at.0]
    }
}

/// The pixels `cols` × `rows` of the next level, row by row. The patch must hold all that they are made of.
pub(super) fn reduce<T: Sample>(
    patch: &Patch<'_, T>,
    (across, down): (&Axis, &Axis),
    (cols, rows): (Range<usize>, Range<usize>),
    how: Resampling<T>,
) -> Vec<T> {
    let width = cols.len();
    let mut reduced = vec![T::default(); width * rows.len()];
    if width == 0 {
        return reduced;
    }
    let halves = across.is_half() && down.is_half();
    let spans: Vec<Span> =
        if halves { Vec::new() } else { cols.clone().map(|col| across.span(col)).collect() };
    for (row, to) in rows.zip(reduced.chunks_exact_mut(width)) {
        match how {
            Resampling::Nearest => {
                let from = down.span(row).first;
                to.iter_mut().zip(cols.clone()).for_each(|(to, col)| {
                    let col = across.span(col).first;
                    *to = patch.row(from, col..col + 1)[0];
                });
            }
            Resampling::Average { nodata } if halves => {
                let pair = |row: usize| patch.row(row, 2 * cols.start..2 * cols.end);
                average_pairs(pair(2 * row), pair(2 * row + 1), nodata, to);
            }
            Resampling::Average { nodata } => {
                let span = down.span(row);
                to.iter_mut().zip(&spans).for_each(|(to, col)| *to = average(patch, col, &span, nodata));
            }
        }
    }
    reduced
}

/// The average of a rectangle, weighted by the part of each pixel that lies in it.
fn average<T: Sample>(patch: &Patch<'_, T>, cols: &Span, rows: &Span, nodata: Option<T>) -> T {
    let (mut total, mut weight) = (0.0, 0.0);
    for row in rows.first..rows.end {
        let (mut of_row, mut weight_of_row) = (0.0, 0.0);
        let samples = patch.row(row, cols.first..cols.end);
        for (nth, sample) in samples.iter().enumerate().filter(|(_, sample)| !is(**sample, nodata)) {
            let weight = weight_at(cols, nth);
            of_row += sample.to_f64() * weight;
            weight_of_row += weight;
        }
        let weight_of = weight_at(rows, row - rows.first);
        total += of_row * weight_of;
        weight += weight_of_row * weight_of;
    }
    if weight == 0.0 { nodata.unwrap_or_default() } else { beside(T::mean(total, weight), nodata) }
}

fn weight_at(span: &Span, nth: usize) -> f64 {
    match nth {
        0 => span.first_weight,
        _ if span.first + nth + 1 == span.end => span.last_weight,
        _ => 1.0,
    }
}

/// The averages of squares of four pixels, two of each row.
#[multiversion(targets("x86_64+avx2", "x86_64+sse4.1"))]
fn average_pairs<T: Sample>(upper: &[T], lower: &[T], nodata: Option<T>, to: &mut [T]) {
    let pairs = upper.chunks_exact(2).zip(lower.chunks_exact(2));
    let Some(nodata) = nodata else {
        if T::IS_SMALL {
            let sum = |of: &[T]| of[0].to_u32() + of[1].to_u32();
            return to
                .iter_mut()
                .zip(pairs)
                .for_each(|(to, (a, b))| *to = T::from_u32((sum(a) + sum(b) + 2) / 4));
        }
        let sum = |of: &[T]| of[0].to_f64() + of[1].to_f64();
        return to.iter_mut().zip(pairs).for_each(|(to, (a, b))| *to = T::mean(sum(a) + sum(b), 4.0));
    };
    let next = nodata.next();
    if T::IS_SMALL {
        for (to, (a, b)) in to.iter_mut().zip(pairs) {
            let (mut sum, mut count) = (0, 0);
            for sample in [a[0], a[1], b[0], b[1]] {
                let is_data = u32::from(sample != nodata);
                sum += sample.to_u32() * is_data;
                count += is_data;
            }
            // Divisors are constants, so that the loop becomes vector code. Halves are rounded up.
            let mean = match count {
                4 => (sum + 2) / 4,
                3 => (sum + 1) / 3,
                2 => sum.div_ceil(2),
                _ => sum,
            };
            let mean = if mean == nodata.to_u32() { next.to_u32() } else { mean };
            *to = if count == 0 { nodata } else { T::from_u32(mean) };
        }
        return;
    }
    for (to, (a, b)) in to.iter_mut().zip(pairs) {
        let (mut total, mut count) = (0.0, 0.0);
        for sample in [a[0], a[1], b[0], b[1]] {
            let is_data = !sample.same(nodata);
            total += if is_data { sample.to_f64() } else { 0.0 };
            count += if is_data { 1.0 } else { 0.0 };
        }
        let mean = T::mean(total, if count == 0.0 { 1.0 } else { count });
        let mean = if mean == nodata { next } else { mean };
        *to = if count == 0.0 { nodata } else { mean };
    }
}

fn is<T: Sample>(sample: T, nodata: Option<T>) -> bool {
    nodata.is_some_and(|nodata| sample.same(nodata))
}

/// An average is data: where it happens to be the nodata value, the next number is taken, as GDAL does.
fn beside<T: Sample>(mean: T, nodata: Option<T>) -> T {
    if nodata == Some(mean) { mean.next() } else { mean }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NODATA: Option<u16> = Some(7);

    fn averaged(
        samples: &[u16],
        (fine, coarse): ((usize, usize), (usize, usize)),
        nodata: Option<u16>,
    ) -> Vec<u16> {
        let axis = |fine, coarse| Axis { fine, coarse, averages: true };
        let patch = Patch { samples: samples.into(), stride: fine.0, at: (0, 0) };
        let axes = (&axis(fine.0, coarse.0), &axis(fine.1, coarse.1));
        reduce(&patch, axes, (0..coarse.0, 0..coarse.1), Resampling::Average { nodata })
    }

    #[test]
    fn nodata_does_not_count_and_averages_never_become_it() {
        let of = |four: [u16; 4]| averaged(&four, ((2, 2), (1, 1)), NODATA)[0];
        assert_eq!(of([7, 7, 7, 7]), 7);
        assert_eq!(of([7, 7, 10, 13]), 12);
        assert_eq!(of([7, 7, 7, 10]), 10);
        assert_eq!(of([6, 8, 6, 8]), 8);
        assert_eq!(of([65535, 65535, 65535, 65534]), 65535);
        assert_eq!(
            averaged(&[3, 7, 10], ((3, 1), (1, 1)), NODATA),
            [8],
            "6.5 is rounded to 7, which is nodata"
        );
    }

    proptest! {
        /// Squares of four are averaged as any rectangle is.
        #[test]
        fn pairs_give_what_the_definition_gives(
            samples in prop::collection::vec(prop_oneof![0_u16..12, any::<u16>()], 4 * 48),
            has_nodata: bool,
        ) {
            let nodata = NODATA.filter(|_| has_nodata);
            let found = averaged(&samples, ((24, 8), (12, 4)), nodata);
            let patch = Patch { samples: samples.as_slice().into(), stride: 24, at: (0, 0) };
            let axis = |fine, coarse| Axis { fine, coarse, averages: true };
            let (across, down) = (axis(24, 12), axis(8, 4));
            let wanted: Vec<u16> = (0..48)
                .map(|n| average(&patch, &across.span(n % 12), &down.span(n / 12), nodata))
                .collect();
            prop_assert_eq!(found, wanted);
        }
    }
}
