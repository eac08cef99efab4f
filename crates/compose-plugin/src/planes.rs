//! Planes of pixels to read.

#![allow(unsafe_code)]

use crate::scene::SceneBand;
use crate::{Error, abi};
use std::marker::PhantomData;

/// A plane of measurements, as stored: neither scaled nor rounded.
pub type DataPlane<'a> = Plane<'a, f32>;

/// A plane of codes.
pub type CodePlane<'a> = Plane<'a, u32>;

/// The types of samples: `f32`, `u32`, `u8`.
pub trait Sample: sealed::Sample {}
impl<T: sealed::Sample> Sample for T {}

pub(crate) mod sealed {
    use crate::abi;

    pub trait Sample: Copy + 'static {
        const TYPE: u32;
        /// What a plane of such samples is called, and how it is asked for.
        const CALLED: &'static str;
    }
    impl Sample for u8 {
        const TYPE: u32 = abi::PLANE_U8;
        const CALLED: &'static str = "marks";
    }
    impl Sample for f32 {
        const TYPE: u32 = abi::PLANE_F32;
        const CALLED: &'static str = "data";
    }
    impl Sample for u32 {
        const TYPE: u32 = abi::PLANE_U32;
        const CALLED: &'static str = "codes";
    }
}

/// Size of an output and its halo, in pixels.
#[derive(Clone, Copy)]
pub(crate) struct Area {
    pub width: usize,
    pub height: usize,
    pub halo: usize,
}

/// Samples in rows of the host's memory.
///
/// It keeps pointers and makes a slice of one row at a time: what lies between rows belongs to others.
#[derive(Clone, Copy)]
struct Rows<'a, T> {
    first: *const T,
    stride: isize,
    area: Area,
    life: PhantomData<&'a [T]>,
}

impl<'a, T: Copy> Rows<'a, T> {
    /// # Safety
    /// Rows and columns of `area`, its halo included, must be samples that live unchanged for `'a`, `stride`
    /// bytes from row to row, with `first` at row 0 and column 0.
    unsafe fn new(first: *const T, stride: i64, area: Area) -> Self {
        debug_assert!(!first.is_null() && first.is_aligned(), "the host passed a bad pointer");
        debug_assert!(stride % align_of::<T>() as i64 == 0, "the host passed rows that are not aligned");
        Rows { first, stride: stride as isize, area, life: PhantomData }
    }

    /// # Safety
    /// (row, col) must lie within the area and its halo.
    #[inline]
    unsafe fn at(&self, row: isize, col: isize) -> *const T {
        // SAFETY: the pixel is there, as the caller says, in the same allocation as the first one.
        unsafe { self.first.byte_offset(row * self.stride).offset(col) }
    }

    #[inline]
    #[track_caller]
    fn row(&self, row: usize) -> &'a [T] {
        if row >= self.area.height {
            no_row(row as isize, self.area, 0);
        }
        // SAFETY: the row is within the area; its samples live unchanged for 'a, see `new`.
        unsafe { std::slice::from_raw_parts(self.at(row as isize, 0), self.area.width) }
    }

    #[inline]
    #[track_caller]
    fn wide_row(&self, row: isize) -> &'a [T] {
        let Area { width, height, halo } = self.area;
        if !within(row, height, halo) {
            no_row(row, self.area, halo);
        }
        // SAFETY: the row is within the area and its halo; its samples live unchanged for 'a, see `new`.
        unsafe { std::slice::from_raw_parts(self.at(row, -(halo as isize)), width + 2 * halo) }
    }
}

#[inline]
fn within(index: isize, size: usize, halo: usize) -> bool {
    index >= -(halo as isize) && index < (size + halo) as isize
}

#[cold]
#[track_caller]
pub(crate) fn no_row(row: isize, area: Area, halo: usize) -> ! {
    let Area { width, height, .. } = area;
    panic!("no row {row} in a plane of {height} rows and {width} columns with a halo of {halo}")
}

#[cold]
#[track_caller]
fn no_pixel(row: isize, col: isize, Area { width, height, halo }: Area) -> ! {
    panic!(
        "no pixel (row {row}, column {col}) in a plane of {height} rows and {width} columns with a halo of {halo}"
    )
}

/// A plane of pixels to read: row 0 and column 0 are the first of the output.
///
/// A sample counts only where its pixel is valid; elsewhere it is arbitrary. A valid `f32` is finite. Rows are
/// slices: loops over several of one length run fast where they begin by cutting them to that length, or zip them.
#[derive(Clone, Copy)]
pub struct Plane<'a, T> {
    samples: Rows<'a, T>,
    valid: Rows<'a, u8>,
    band: usize,
    scale: Option<(f64, f64)>,
}

impl<'a, T: Sample> Plane<'a, T> {
    /// Plane `index` of `planes`, which belong to `bands`.
    ///
    /// # Safety
    /// `planes` must be as the header says, and what they point to must live unchanged for `'a`.
    pub(crate) unsafe fn new(
        planes: &[abi::Plane],
        index: usize,
        area: Area,
        band: impl FnOnce(usize) -> Option<SceneBand<'a>>,
    ) -> Result<Self, Error> {
        let Some(plane) = planes.get(index) else {
            return Err(Error::new(format!("no plane {index}: there are {}", planes.len())));
        };
        if plane.kind != T::TYPE {
            return Err(wrong_type::<T>(index, plane.kind));
        }
        Ok(Plane {
            // SAFETY: samples of that type, for which the caller vouches.
            samples: unsafe { Rows::new(plane.data.cast(), plane.stride, area) },
            // SAFETY: as above.
            valid: unsafe { Rows::new(plane.valid, plane.valid_stride, area) },
            band: plane.band as usize,
            scale: band(plane.band as usize).and_then(|band| band.scale()),
        })
    }

    /// The plane's width without its halo, in pixels.
    #[inline]
    pub fn width(&self) -> usize {
        self.samples.area.width
    }

    /// The plane's height without its halo, in pixels.
    #[inline]
    pub fn height(&self) -> usize {
        self.samples.area.height
    }

    /// Pixels of context on each side.
    #[inline]
    pub fn halo(&self) -> usize {
        self.samples.area.halo
    }

    /// Index of the band, among those of its scene.
    pub fn band(&self) -> usize {
        self.band
    }

    /// The `width` samples of a row.
    ///
    /// # Panics
    /// Where `row` is not below the height.
    #[inline]
    #[track_caller]
    pub fn row(&self, row: usize) -> &'a [T] {
        self.samples.row(row)
    }

    /// For each sample of [`Plane::row`] 1 where it is valid, else 0.
    ///
    /// # Panics
    /// Where `row` is not below the height.
    #[inline]
    #[track_caller]
    pub fn valid_row(&self, row: usize) -> &'a [u8] {
        self.valid.row(row)
    }

    /// The `halo + width + halo` samples of a row from −halo to height + halo − 1: column c is at c + halo.
    ///
    /// # Panics
    /// Where `row` is none of these.
    #[inline]
    #[track_caller]
    pub fn wide_row(&self, row: isize) -> &'a [T] {
        self.samples.wide_row(row)
    }

    /// For each sample of [`Plane::wide_row`] 1 where it is valid, else 0.
    ///
    /// # Panics
    /// Where `row` is not from −halo to height + halo − 1.
    #[inline]
    #[track_caller]
    pub fn wide_valid_row(&self, row: isize) -> &'a [u8] {
        self.valid.wide_row(row)
    }

    /// The sample at a pixel; none where it is not valid. For loops over all pixels, rows are faster.
    ///
    /// # Panics
    /// Where the pixel is farther than the halo from the output.
    #[inline]
    #[track_caller]
    pub fn get(&self, row: isize, col: isize) -> Option<T> {
        let area = self.samples.area;
        if !within(row, area.height, area.halo) || !within(col, area.width, area.halo) {
            no_pixel(row, col, area);
        }
        // SAFETY: the pixel is within the area and its halo, just checked.
        unsafe { (*self.valid.at(row, col) == 1).then(|| *self.samples.at(row, col)) }
    }
}

impl DataPlane<'_> {
    /// The physical value of a sample, such as reflectance from 0 to 1; none where the band's scale is not known.
    ///
    /// Always none in fills, whose samples are in the numbers of the result, whichever scene they come from.
    #[inline]
    pub fn physical(&self, sample: f32) -> Option<f64> {
        self.scale.map(|(scale, offset)| f64::from(sample) * scale + offset)
    }
}

fn wrong_type<T: Sample>(index: usize, found: u32) -> Error {
    let (holds, read) = match found {
        abi::PLANE_F32 => ("data (f32)", "data()"),
        abi::PLANE_U32 => ("codes (u32)", "codes()"),
        _ => return Error::new(format!("plane {index} is of type {found}, which this plugin does not know")),
    };
    Error::new(format!("plane {index} holds {holds}, not {}: read it with {read}", T::CALLED))
}

/// Where a fill is asked for replacements. It has no halo.
#[derive(Clone, Copy)]
pub struct Gaps<'a>(Rows<'a, u8>);

impl<'a> Gaps<'a> {
    /// # Safety
    /// `plane` must be as the header says, and what it points to must live unchanged for `'a`.
    pub(crate) unsafe fn new(plane: &abi::Plane, area: Area) -> Self {
        debug_assert!(plane.kind == abi::PLANE_U8, "the host passed gaps of type {}", plane.kind);
        // SAFETY: the caller vouches for the plane; gaps have no halo.
        Gaps(unsafe { Rows::new(plane.data.cast(), plane.stride, Area { halo: 0, ..area }) })
    }

    /// For each pixel of a row 1 where a replacement is wanted, else 0.
    ///
    /// # Panics
    /// Where `row` is not below the height.
    #[inline]
    #[track_caller]
    pub fn row(&self, row: usize) -> &'a [u8] {
        self.0.row(row)
    }
}
