//! What fills read and write.

#![allow(unsafe_code)]

use crate::grid::Window;
use crate::outputs::OutputPlane;
use crate::planes::{Area, DataPlane, Gaps, Plane};
use crate::scene::Scene;
use crate::stack::Stack;
use crate::{Error, abi, raw};

/// In sources: stays a gap. Sources hold it from the beginning.
pub const GAP: u32 = abi::GAP;

/// In sources: computed; the values count.
pub const COMPUTED: u32 = abi::COMPUTED;

/// Pixels for [`Fill::fill`](crate::Fill::fill).
#[derive(Clone, Copy)]
pub struct FillInput<'a>(&'a abi::FillInput);

impl<'a> FillInput<'a> {
    /// # Safety
    /// `input`, and all it points to, must be as the header says and live unchanged for `'a`.
    pub(crate) unsafe fn new(input: *const abi::FillInput) -> Self {
        debug_assert!(input.is_aligned() && !input.is_null(), "the host passed no input");
        // SAFETY: the caller vouches for the input.
        FillInput(unsafe { &*input })
    }

    /// The stack that was planned for.
    pub fn stack(&self) -> Stack<'a> {
        // SAFETY: the input's stack, see `new`.
        unsafe { Stack::new(self.0.stack) }
    }

    /// Where the output lies on the stack's grid.
    pub fn window(&self) -> Window {
        Window::new(&self.0.window)
    }

    /// Columns of the output.
    pub fn width(&self) -> usize {
        self.0.window.width as usize
    }

    /// Rows of the output.
    pub fn height(&self) -> usize {
        self.0.window.height as usize
    }

    /// Pixels of context on each side, as planned.
    pub fn halo(&self) -> usize {
        self.0.halo as usize
    }

    /// Number of bands of the result.
    pub fn band_count(&self) -> usize {
        self.stack().band_count()
    }

    fn area(&self) -> Area {
        Area { width: self.width(), height: self.height(), halo: self.halo() }
    }

    /// One donor or all of them, as planned, in the order planned. Donors that do not meet the grid are left out.
    ///
    /// The place of a donor here is what [`FillOutput::sources`] says of a pixel that is taken from it.
    pub fn donors(&self) -> impl ExactSizeIterator<Item = Donor<'a>> + use<'a> {
        let (area, stack) = (self.area(), self.stack());
        // SAFETY: the input's donors, see `new`.
        let donors = unsafe { raw::slice(self.0.donors, self.0.donor_count) };
        donors.iter().map(move |donor| Donor { donor, area, stack })
    }

    /// How many donors there are.
    pub fn donor_count(&self) -> usize {
        self.0.donor_count as usize
    }

    /// The plane of band `band` of every donor.
    ///
    /// # Errors
    /// Where the result has no such band.
    pub fn looks(&self, band: usize) -> Result<Vec<DataPlane<'a>>, Error> {
        self.donors().map(|donor| donor.data(band)).collect()
    }

    /// The target's own pixels in band `band`, with its mask; none unless planned and there.
    ///
    /// # Errors
    /// Where the result has no such band.
    pub fn target(&self, band: usize) -> Result<Option<DataPlane<'a>>, Error> {
        if self.0.target.is_null() {
            return Ok(None);
        }
        // SAFETY: one plane per band of the result, see `new`.
        unsafe {
            let planes = raw::slice(self.0.target, self.band_count() as u32);
            Plane::new(planes, band, self.area(), |band| Some(self.stack().reference().band(band))).map(Some)
        }
    }

    /// How many planes of gaps, and of sources, there are: one where the stack is joint, else one per band.
    pub fn gap_count(&self) -> usize {
        self.0.gap_count as usize
    }

    /// Gaps of a band of the result. Where the stack is joint, all bands have the same.
    ///
    /// # Panics
    /// Where the result has no such band.
    #[track_caller]
    pub fn gaps(&self, band: usize) -> Gaps<'a> {
        let plane = plane_of(band, self.band_count(), self.gap_count());
        // SAFETY: the input's gaps, see `new`.
        unsafe { Gaps::new(&raw::slice(self.0.gaps, self.0.gap_count)[plane], self.area()) }
    }
}

/// A donor's pixels on the grid of the result, masked.
#[derive(Clone, Copy)]
pub struct Donor<'a> {
    donor: &'a abi::Donor,
    area: Area,
    stack: Stack<'a>,
}

impl<'a> Donor<'a> {
    /// The scene.
    pub fn scene(&self) -> Scene<'a> {
        // SAFETY: the donor's scene, see `FillInput::new`.
        unsafe { Scene::new(self.donor.scene) }
    }

    /// The scene's index in the stack.
    pub fn scene_index(&self) -> usize {
        self.donor.scene_index as usize
    }

    /// Whether samples are the donor's own, neither resampled nor converted.
    pub fn is_exact(&self) -> bool {
        self.donor.exact != 0
    }

    /// The plane of a band of the result.
    ///
    /// # Errors
    /// Where the result has no such band.
    pub fn data(&self, band: usize) -> Result<DataPlane<'a>, Error> {
        let reference = self.stack.reference();
        // SAFETY: one plane per band of the result, see `FillInput::new`.
        unsafe {
            let planes = raw::slice(self.donor.planes, self.stack.band_count() as u32);
            Plane::new(planes, band, self.area, |band| Some(reference.band(band)))
        }
    }
}

/// What a fill writes. What it writes where there is no gap is not looked at.
pub struct FillOutput<'a> {
    values: Vec<OutputPlane<'a, f32>>,
    sources: Vec<OutputPlane<'a, u32>>,
}

/// One row of everything that a fill writes.
pub struct FillRow<'a> {
    /// For each band of the result `width` numbers, see [`FillOutput::values`].
    pub values: Vec<&'a mut [f32]>,
    /// `width` sources, see [`FillOutput::sources`]: once where the stack is joint, else for each band.
    pub sources: Vec<&'a mut [u32]>,
}

impl FillRow<'_> {
    /// Values and sources of a band of the result.
    ///
    /// # Panics
    /// Where the result has no such band.
    #[track_caller]
    pub fn band(&mut self, band: usize) -> (&mut [f32], &mut [u32]) {
        let plane = plane_of(band, self.values.len(), self.sources.len());
        (&mut *self.values[band], &mut *self.sources[plane])
    }
}

/// The plane of gaps or sources that speaks for a band: all bands share one, or each has its own.
#[track_caller]
fn plane_of(band: usize, bands: usize, planes: usize) -> usize {
    assert!(band < bands, "no band {band} in a result of {bands} bands");
    if planes == 1 { 0 } else { band }
}

impl<'a> FillOutput<'a> {
    /// # Safety
    /// `output` must be as the header says and belong to `input`; what it points to must be initialised, disjoint,
    /// and for `'a` nobody else's.
    pub(crate) unsafe fn new(output: *const abi::FillOutput, input: &FillInput<'_>) -> Self {
        debug_assert!(output.is_aligned() && !output.is_null(), "the host passed no output");
        let area = input.area();
        // SAFETY: the caller vouches for the output, with as many planes as the input says.
        unsafe {
            let values = raw::slice((*output).values, input.band_count() as u32);
            let sources = raw::slice((*output).sources, input.gap_count() as u32);
            FillOutput {
                values: values.iter().map(|values| OutputPlane::new(values, area)).collect(),
                sources: sources.iter().map(|sources| OutputPlane::new(sources, area)).collect(),
            }
        }
    }

    /// Numbers of a band of the result, in the numbers of the planes. They count where the source is
    /// [`COMPUTED`], and must be finite there. compose rounds and clamps them to the type of the result.
    ///
    /// # Panics
    /// Where the result has no such band.
    #[track_caller]
    pub fn values(&mut self, band: usize) -> &mut OutputPlane<'a, f32> {
        plane_of(band, self.values.len(), 1);
        &mut self.values[band]
    }

    /// Where pixels of a band come from: [`GAP`] (as it comes), [`COMPUTED`], or k: the samples of the k-th of
    /// [`FillInput::donors`], which compose copies itself, and which must be valid.
    ///
    /// Where the stack is joint, all bands have the same sources.
    ///
    /// # Panics
    /// Where the result has no such band.
    #[track_caller]
    pub fn sources(&mut self, band: usize) -> &mut OutputPlane<'a, u32> {
        let plane = plane_of(band, self.values.len(), self.sources.len());
        &mut self.sources[plane]
    }

    /// A row of a band's values and of its sources; quicker than [`FillOutput::row`] where bands are done one by one.
    ///
    /// # Panics
    /// Where the result has no such band, or `row` is not below the height.
    #[inline]
    #[track_caller]
    pub fn band_row(&mut self, band: usize, row: usize) -> (&mut [f32], &mut [u32]) {
        let plane = plane_of(band, self.values.len(), self.sources.len());
        (self.values[band].row(row), self.sources[plane].row(row))
    }

    /// A row of all values and sources at once.
    ///
    /// # Panics
    /// Where `row` is not below the height.
    #[track_caller]
    pub fn row(&mut self, row: usize) -> FillRow<'_> {
        // A loop, not a closure: so a panic names the caller.
        let mut all = FillRow { values: Vec::new(), sources: Vec::new() };
        for plane in &mut self.values {
            all.values.push(plane.row(row));
        }
        for plane in &mut self.sources {
            all.sources.push(plane.row(row));
        }
        all
    }
}
