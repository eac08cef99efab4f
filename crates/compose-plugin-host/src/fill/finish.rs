//! Checks the output of a strategy against the header, and copies it into the canvas. (`check/` makes the same tests with
//! made-up scenes, for `compose plugin check`.)

use crate::planes::{Writable, place};
use compose_core::canvas::has_gap;
use compose_core::{Canvas, FillInput, GAP, STATISTIC, Window};
use compose_plugin::abi;
use multiversion::multiversion;
use std::ops::Range;

/// The planes that a strategy writes; memory is used again from call to call.
#[derive(Default)]
pub(super) struct Answer {
    pub values: Vec<Writable<f32>>,
    pub sources: Vec<Writable<u32>>,
}

impl Answer {
    /// Samples that are not written are NaN, pixels that are not filled stay gaps.
    pub fn reset(&mut self, bands: usize, planes: usize, window: Window) {
        self.values.resize_with(bands, || Writable::new(0, 0, f32::NAN));
        self.sources.resize_with(planes, || Writable::new(0, 0, abi::GAP));
        self.values.iter_mut().for_each(|v| v.reset(window.width, window.height, f32::NAN));
        self.sources.iter_mut().for_each(|s| s.reset(window.width, window.height, abi::GAP));
    }
}

/// Takes an answer over into `rows` of the canvas, whose first pixel is at `offset` in the input's blocks.
///
/// # Errors
/// A mistake in the output, and its place.
pub(super) fn finish(
    input: &FillInput<'_>,
    canvas: &mut Canvas,
    rows: Range<usize>,
    answer: &Answer,
    offset: (usize, usize),
) -> Result<(), String> {
    answer.values.iter().try_for_each(Writable::check_guards).map_err(|e| e.to_string())?;
    answer.sources.iter().try_for_each(Writable::check_guards).map_err(|e| e.to_string())?;
    for plane in 0..canvas.planes() {
        for (nth, row) in rows.clone().enumerate() {
            if all_gaps(canvas.source_row(plane, row)) && all_computed(answer.sources[plane].row(nth)) {
                whole_row(canvas, answer, plane, (nth, row))?;
            } else if has_gap(canvas.source_row(plane, row)) {
                pixel_by_pixel(input, canvas, answer, plane, (nth, row), offset)?;
            }
        }
    }
    Ok(())
}

/// Without an early end, so that it is one pass of vector instructions; so is the next.
fn all_gaps(sources: &[u16]) -> bool {
    sources.iter().fold(true, |all, s| all & (*s == GAP))
}

fn all_computed(sources: &[u32]) -> bool {
    sources.iter().fold(true, |all, s| all & (*s == abi::COMPUTED))
}

/// The common case in composites: every pixel of a row was a gap and was computed.
fn whole_row(
    canvas: &mut Canvas,
    answer: &Answer,
    plane: usize,
    (nth, row): (usize, usize),
) -> Result<(), String> {
    let cast = canvas.cast;
    for band in canvas.bands_of(plane) {
        let values = answer.values[band].row(nth);
        if !cast_row(cast, values, canvas.values_row_mut(band, row)) {
            let col = values.iter().position(|v| !v.is_finite()).unwrap_or(0);
            return Err(not_finite(canvas.window, band, values[col], (row, col)));
        }
    }
    canvas.source_row_mut(plane, row).fill(STATISTIC);
    Ok(())
}

/// Casts computed values; false where one of them is not finite. Compiled for several instruction sets, for
/// rounding is slow without the right one.
#[multiversion(targets("x86_64+avx2", "x86_64+sse4.1"))]
fn cast_row(cast: compose_core::Cast, values: &[f32], samples: &mut [f32]) -> bool {
    let mut finite = true;
    for (sample, value) in samples.iter_mut().zip(values) {
        finite &= value.is_finite();
        *sample = cast.computed(f64::from(*value));
    }
    finite
}

fn pixel_by_pixel(
    input: &FillInput<'_>,
    canvas: &mut Canvas,
    answer: &Answer,
    plane: usize,
    (nth, row): (usize, usize),
    (row0, col0): (usize, usize),
) -> Result<(), String> {
    let cast = canvas.cast;
    for (col, source) in answer.sources[plane].row(nth).iter().enumerate() {
        if canvas.source_row(plane, row)[col] != GAP || *source == abi::GAP {
            continue;
        }
        if *source == abi::COMPUTED {
            for band in canvas.bands_of(plane) {
                let value = answer.values[band].row(nth)[col];
                if !value.is_finite() {
                    return Err(not_finite(canvas.window, band, value, (row, col)));
                }
                canvas.values_row_mut(band, row)[col] = cast.computed(f64::from(value));
            }
            canvas.source_row_mut(plane, row)[col] = STATISTIC;
            continue;
        }
        let at = place(canvas.window, row, col);
        let Some(donor) = input.donors.get(*source as usize) else {
            let donors = input.donors.len();
            return Err(format!("says that the pixel at {at} is donor {source}'s; there are {donors}"));
        };
        if donor.block.valid_row(plane, row + row0)[col + col0] == 0 {
            return Err(format!("says that the pixel at {at} is donor {source}'s, which does not see it"));
        }
        canvas.copy_pixel(donor, plane, (row, col), (row0, col0));
    }
    Ok(())
}

fn not_finite(window: Window, band: usize, value: f32, (row, col): (usize, usize)) -> String {
    let wrote = if value.is_nan() { "NaN, or nothing,".to_owned() } else { value.to_string() };
    let at = place(window, row, col);
    format!("wrote {wrote} in band {} for the pixel at {at}, which it says that it computed", band + 1)
}
