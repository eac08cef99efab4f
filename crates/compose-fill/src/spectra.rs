//! The bound half of every strategy that looks at all bands of a pixel together, and the walk over the gaps.
//!
//! As in `statistic`, pixels are worked on in groups of neighbours of a row. What becomes of a pixel never depends on
//! the others of its group.

use crate::donors::Choice;
use crate::statistic::{LANES, Lanes, lanes, mark_filled, mark_gaps, too_few};
use compose_core::canvas::has_gap;
use compose_core::{
    BoundFill, Canvas, DonorUse, FillInput, KindError, Needs, PlannedFill, StackFacts, ValidityMode,
};
use multiversion::multiversion;

/// Computes a group of pixels. Each block gets its own clone, which may own scratch memory.
pub(crate) trait Spectral: Clone + Send + Sync {
    /// Fills the pixels that are taken, or clears `takes` where that cannot be. Each of them is seen by at least one
    /// donor.
    fn fill(&mut self, spectra: &Spectra, takes: &mut [bool], group: &mut Group<'_>);
}

/// Fills each gap from the spectra of all donors that see it.
pub(crate) struct FillSpectra<S> {
    choice: Choice,
    at_least: u32,
    spectral: S,
}

impl<S: Spectral> FillSpectra<S> {
    /// # Errors
    /// Bands that are judged one by one: they have no spectra.
    pub fn new(
        kind: &str,
        stack: &StackFacts<'_>,
        choice: Choice,
        at_least: u32,
        spectral: S,
    ) -> Result<Self, KindError> {
        match stack.validity {
            ValidityMode::Joint => Ok(Self { choice, at_least, spectral }),
            ValidityMode::PerBand => Err(KindError::new(format!(
                "strategy \"{kind}\" compares whole spectra, which validity = \"per-band\" takes apart; leave \
                 validity away, or take median-stack"
            ))),
        }
    }
}

impl<S: Spectral> PlannedFill for FillSpectra<S> {
    fn donors(&self) -> &[DonorUse] {
        &self.choice.donors
    }

    fn needs(&self) -> Needs {
        Needs::default()
    }

    fn skipped(&self) -> Vec<(usize, String)> {
        self.choice.skipped.clone()
    }

    fn notes(&self) -> Vec<String> {
        too_few(self.choice.donors.len(), self.at_least)
    }
}

impl<S: Spectral> BoundFill for FillSpectra<S> {
    fn fill(&self, input: &FillInput<'_>, canvas: &mut Canvas) -> Result<(), KindError> {
        fill_gaps(input, canvas, self.at_least, self.spectral.clone());
        Ok(())
    }
}

/// The walk, compiled for several instruction sets; the widest that the machine has is taken. All below is inlined
/// into it. Rust never fuses `*` and `+`, so every version gives the same bits.
#[multiversion(targets("x86_64+avx2", "x86_64+sse4.1"))]
fn fill_gaps<S: Spectral>(input: &FillInput<'_>, canvas: &mut Canvas, at_least: u32, mut spectral: S) {
    let mut spectra = Spectra { bands: canvas.bands(), ..Spectra::default() };
    let mut takes = vec![false; canvas.window.width];
    for row in 0..canvas.window.height {
        if !has_gap(canvas.source_row(0, row)) {
            continue;
        }
        mark_gaps(canvas.source_row(0, row), &mut takes);
        for (nth, takes) in takes.chunks_mut(LANES).enumerate() {
            let mut group = Group { input, canvas: &mut *canvas, row, col: nth * LANES };
            if takes.contains(&true) {
                spectra.gather(&group, takes, at_least);
            }
            if takes.contains(&true) {
                spectral.fill(&spectra, takes, &mut group);
            }
        }
    }
}

/// A group of pixels: its place in the input, and the canvas for its fills.
pub(crate) struct Group<'a> {
    input: &'a FillInput<'a>,
    canvas: &'a mut Canvas,
    row: usize,
    col: usize,
}

impl Group<'_> {
    /// Copies the whole pixel `lane` from a look's donor.
    #[inline(always)]
    pub fn copy(&mut self, lane: usize, donor: usize) {
        let offset = self.canvas.offset_in(self.input.window);
        self.canvas.copy_pixel(&self.input.donors[donor], 0, (self.row, self.col + lane), offset);
    }

    /// Writes computed numbers: per band, one for each pixel. A pixel that has a number that is none stays a gap.
    #[inline(always)]
    pub fn put(&mut self, values: &[Lanes<f64>], takes: &mut [bool]) {
        for (l, takes) in takes.iter_mut().enumerate() {
            *takes &= !values.iter().any(|values| values[l].is_nan());
        }
        let cast = self.canvas.cast;
        for (band, values) in values.iter().enumerate() {
            let samples = &mut self.canvas.values_row_mut(band, self.row)[self.col..][..takes.len()];
            for ((sample, &takes), &value) in samples.iter_mut().zip(&*takes).zip(values) {
                *sample = if takes { cast.computed(value) } else { *sample };
            }
        }
        mark_filled(takes, &mut self.canvas.source_row_mut(0, self.row)[self.col..][..takes.len()]);
    }
}

/// The looks of the donors at some neighbouring pixels, in all bands.
#[derive(Default)]
pub(crate) struct Spectra {
    pub bands: usize,
    /// Looks per pixel.
    pub counts: Lanes<u32>,
    /// The place of each look among the donors; only donors that are clear at any of the pixels have one.
    pub donors: Vec<usize>,
    /// Per look, 1 where the pixel is seen.
    pub valid: Vec<Lanes<u8>>,
    /// Per look and band, its samples; 0 where the pixel is not seen.
    pub samples: Vec<Lanes<f32>>,
}

impl Spectra {
    /// The samples of one look, band by band.
    #[inline(always)]
    pub fn look(&self, look: usize) -> &[Lanes<f32>] {
        &self.samples[look * self.bands..][..self.bands]
    }

    /// Reads the pixels of a group; those that fewer than `at_least` donors see are not taken.
    #[inline(always)]
    fn gather(&mut self, group: &Group<'_>, takes: &mut [bool], at_least: u32) {
        self.counts = [0; LANES];
        self.donors.clear();
        self.valid.clear();
        self.samples.clear();
        let (row0, col0) = group.canvas.offset_in(group.input.window);
        let (row, start) = (group.row + row0, group.col + col0);
        let at = start..start + takes.len();
        for (nth, donor) in group.input.donors.iter().enumerate() {
            let valid = lanes(&donor.block.valid_row(0, row)[at.clone()]).map(|valid| u8::from(valid != 0));
            if valid == [0; LANES] {
                continue;
            }
            for (count, &valid) in self.counts.iter_mut().zip(&valid) {
                *count += u32::from(valid);
            }
            self.donors.push(nth);
            self.valid.push(valid);
            for band in 0..self.bands {
                let mut samples = lanes(&donor.block.values_row(band, row)[at.clone()]);
                for l in 0..LANES {
                    samples[l] = if valid[l] != 0 { samples[l] } else { 0.0 };
                }
                self.samples.push(samples);
            }
        }
        for (takes, &count) in takes.iter_mut().zip(&self.counts) {
            *takes &= count >= at_least;
        }
    }
}
