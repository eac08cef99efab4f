//! The bound half of every strategy that computes one value from many looks, and the walk over the gaps.
//!
//! Pixels are worked on in groups of [`LANES`] neighbours of a row: a statistic does the same steps on every
//! lane of a group, which the compiler turns into vector instructions. Missing looks are replaced by stand-ins that the statistic
//! chooses, so that no lane needs a path of its own.

use crate::donors::Choice;
use compose_core::canvas::has_gap;
use compose_core::{
    BoundFill, Canvas, Cast, Donor, DonorUse, FillInput, GAP, KindError, Needs, PlannedFill, Problem,
    STATISTIC, SettingsTable,
};
use multiversion::multiversion;
use std::ops::Range;

/// Pixels in a group.
pub(crate) const LANES: usize = 32;

/// One number for each pixel of a group.
pub(crate) type Lanes<T> = [T; LANES];

/// A statistic over the looks at one pixel. Each block gets a clone of its own, so it may own scratch.
pub(crate) trait Statistic: Clone + Send + Sync {
    /// A sample in the form that the statistic works on.
    type Look: Copy + Default;

    /// The values that replace a pixel's missing looks: the first and the second in alternation. With these in
    /// place every lane has the same number of values.
    const STAND_INS: [Self::Look; 2];

    /// Brings a sample into that form.
    fn look(sample: f32) -> Self::Look;

    /// The statistic of each lane. `looks` has an entry for every donor that sees a pixel of the group, in
    /// stack order, and may be changed; `counts` says how many of a lane's values are real. Lanes without a
    /// real value may come out as anything.
    fn reduce(&mut self, looks: &mut [Lanes<Self::Look>], counts: &Lanes<u32>) -> Lanes<f64>;
}

/// Fills each gap with the statistic of all donors that see it.
pub(crate) struct FillWith<S> {
    choice: Choice,
    at_least: u32,
    statistic: S,
}

impl<S: Statistic> FillWith<S> {
    pub fn new(choice: Choice, at_least: u32, statistic: S) -> Self {
        Self { choice, at_least, statistic }
    }
}

impl<S: Statistic> PlannedFill for FillWith<S> {
    fn donors(&self) -> &[DonorUse] {
        &self.choice.donors
    }

    fn needs(&self) -> Needs {
        Needs { by_band: true, ..Needs::default() }
    }

    fn skipped(&self) -> Vec<(usize, String)> {
        self.choice.skipped.clone()
    }

    fn notes(&self) -> Vec<String> {
        too_few(self.choice.donors.len(), self.at_least)
    }
}

impl<S: Statistic> BoundFill for FillWith<S> {
    fn fill(&self, input: &FillInput<'_>, canvas: &mut Canvas) -> Result<(), KindError> {
        fill_gaps(input, canvas, self.at_least, self.statistic.clone());
        Ok(())
    }
}

/// The note of the plan about fewer donors than looks wanted.
pub(crate) fn too_few(donors: usize, at_least: u32) -> Vec<String> {
    if donors >= at_least as usize {
        return Vec::new();
    }
    vec![format!("donors that qualify: {donors}, at-least: {at_least}; nothing will be filled")]
}

/// Refuses `at-least = 0`, which would ask for a statistic of nothing.
pub(crate) fn at_least_one(table: &SettingsTable<'_>, what: &str, at_least: u32) -> Result<(), Vec<Problem>> {
    match at_least {
        0 => Err(vec![table.problem_at("at-least", format!("{what}: at-least is 0, expected 1 or more"))]),
        _ => Ok(()),
    }
}

/// The walk, compiled for several instruction sets; the widest that the machine has is taken. All below is
/// inlined into it. Rust never fuses `*` and `+`, so every version gives the same bits.
///
/// It goes band by band within a row, so that memory is read as no more than two streams per donor.
#[multiversion(targets("x86_64+avx2", "x86_64+sse4.1"))]
fn fill_gaps<S: Statistic>(input: &FillInput<'_>, canvas: &mut Canvas, at_least: u32, statistic: S) {
    let (row0, col0) = canvas.offset_in(input.window);
    let (cols, cast) = (col0..col0 + canvas.window.width, canvas.cast);
    let mut group = Group::new(input.donors.len(), statistic);
    let (mut rows, mut takes) = (Vec::new(), vec![false; cols.len()]);
    for plane in 0..canvas.planes() {
        for row in 0..canvas.window.height {
            if !has_gap(canvas.source_row(plane, row)) {
                continue;
            }
            mark_gaps(canvas.source_row(plane, row), &mut takes);
            for band in canvas.bands_of(plane) {
                rows.clear();
                rows.extend(input.donors.iter().map(|d| Row::new(d, plane, band, row + row0, cols.clone())));
                group.fill_row(&rows, at_least, cast, &mut takes, canvas.values_row_mut(band, row));
            }
            mark_filled(&takes, canvas.source_row_mut(plane, row));
        }
    }
}

/// One row of one band of a donor, cut to the canvas's columns.
struct Row<'a> {
    samples: &'a [f32],
    valid: &'a [u8],
}

impl<'a> Row<'a> {
    #[inline(always)]
    fn new(donor: &Donor<'a>, plane: usize, band: usize, row: usize, cols: Range<usize>) -> Self {
        Self {
            samples: &donor.block.values_row(band, row)[cols.clone()],
            valid: &donor.block.valid_row(plane, row)[cols],
        }
    }
}

/// The looks of the donors at some neighbouring pixels, in one band.
struct Group<S: Statistic> {
    statistic: S,
    /// Real looks per pixel.
    counts: Lanes<u32>,
    /// Per donor that sees any of the pixels: its samples, with stand-ins where they are not valid.
    looks: Vec<Lanes<S::Look>>,
    /// The number of `looks` in use.
    seen: usize,
}

impl<S: Statistic> Group<S> {
    fn new(donors: usize, statistic: S) -> Self {
        let looks = vec![[S::STAND_INS[0]; LANES]; donors];
        Self { statistic, counts: [0; LANES], looks, seen: 0 }
    }

    /// Fills the pixels of a row that are taken, group by group; `takes` is cleared where that cannot be.
    #[inline(always)]
    fn fill_row(
        &mut self,
        rows: &[Row<'_>],
        at_least: u32,
        cast: Cast,
        takes: &mut [bool],
        samples: &mut [f32],
    ) {
        let groups = takes.chunks_mut(LANES).zip(samples.chunks_mut(LANES));
        for (nth, (takes, samples)) in groups.enumerate() {
            self.gather(rows, nth * LANES, takes, at_least);
            if takes.contains(&true) {
                let values = self.statistic.reduce(&mut self.looks[..self.seen], &self.counts);
                put(&values, takes, cast, samples);
            }
        }
    }

    /// Reads the pixels from column `start` on; those that fewer than `at_least` donors see are not taken.
    #[inline(always)]
    fn gather(&mut self, rows: &[Row<'_>], start: usize, takes: &mut [bool], at_least: u32) {
        self.seen = 0;
        self.counts = [0; LANES];
        if !takes.contains(&true) {
            return;
        }
        let at = start..start + takes.len();
        for row in rows {
            let valid = lanes(&row.valid[at.clone()]);
            if valid != [0; LANES] {
                let samples = lanes(&row.samples[at.clone()]);
                look::<S>(&samples, &valid, self.seen as u32, &mut self.counts, &mut self.looks[self.seen]);
                self.seen += 1;
            }
        }
        for (takes, &count) in takes.iter_mut().zip(&self.counts) {
            *takes &= count >= at_least;
        }
    }
}

/// One donor's look, after `seen` others: its samples where valid, elsewhere the pixel's next stand-in.
#[inline(always)]
pub(crate) fn look<S: Statistic>(
    samples: &Lanes<f32>,
    valid: &Lanes<u8>,
    seen: u32,
    counts: &mut Lanes<u32>,
    look: &mut Lanes<S::Look>,
) {
    for l in 0..LANES {
        let missing = seen - counts[l];
        let stand_in = if missing.is_multiple_of(2) { S::STAND_INS[0] } else { S::STAND_INS[1] };
        look[l] = if valid[l] != 0 { S::look(samples[l]) } else { stand_in };
        counts[l] += u32::from(valid[l] != 0);
    }
}

#[inline(always)]
pub(crate) fn mark_gaps(source: &[u16], takes: &mut [bool]) {
    for (takes, &source) in takes.iter_mut().zip(source) {
        *takes = source == GAP;
    }
}

#[inline(always)]
pub(crate) fn mark_filled(takes: &[bool], source: &mut [u16]) {
    for (source, &takes) in source.iter_mut().zip(takes) {
        *source = if takes { STATISTIC } else { *source };
    }
}

/// Writes the pixels that are taken. A value that is no number (-∞ with +∞) is none: its pixel stays a gap.
#[inline(always)]
fn put(values: &Lanes<f64>, takes: &mut [bool], cast: Cast, samples: &mut [f32]) {
    for ((sample, takes), &value) in samples.iter_mut().zip(takes).zip(values) {
        *takes &= !value.is_nan();
        if *takes {
            *sample = cast.computed(value);
        }
    }
}

/// The pixels as one group; lanes past the end of the row are zeros.
#[inline(always)]
pub(crate) fn lanes<T: Copy + Default>(pixels: &[T]) -> Lanes<T> {
    pixels.try_into().unwrap_or_else(|_| {
        let mut lanes = [T::default(); LANES];
        lanes[..pixels.len()].copy_from_slice(pixels);
        lanes
    })
}
