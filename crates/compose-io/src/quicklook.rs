//! PNG pictures of a run, small enough to look at: before, after, mask, sources.
//!
//! They are made of every k-th pixel, collected by a [`Sampler`] as blocks come by, so a picture costs the
//! same memory whatever the raster's size. One [`Stretch`] serves before and after: what looks different is.
//!
//! | picture | colours |
//! |---|---|
//! | [`rgb`], [`grey`] | the data, stretched; gaps in [`GAP_COLOUR`] |
//! | [`mask`] | one band in grey, unusable pixels tinted with [`MASK_COLOUR`], gaps in [`GAP_COLOUR`] |
//! | [`sources`] | one colour per scene ([`source_colour`]), statistics in greys, gaps black |
//!
//! What lies outside the area of an output is in [`OUTSIDE_COLOUR`] in each of them.

use crate::write::{Draft, Pending, WriteError};
use compose_core::picture::{GAP_COLOUR, shade, stretch};
use compose_core::{GAP, STATISTIC, Window};
use ndarray::{Array2, ArrayView2, ArrayView3};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Longest side of a quicklook in pixels.
pub const LONGEST_SIDE: usize = 1024;
/// Unusable by a mask: the tint over the grey picture.
pub const MASK_COLOUR: [u8; 3] = [255, 60, 0];

/// What lies outside the area of an output.
pub const OUTSIDE_COLOUR: [u8; 3] = [255; 3];

/// A picture to be drawn.
pub struct Canvas<'a> {
    /// Its file.
    pub draft: Draft,
    /// 1 where a pixel lies outside the area of the output, if it has one: in [`OUTSIDE_COLOUR`], whatever is drawn.
    pub outside: Option<ArrayView2<'a, u8>>,
}

impl From<Draft> for Canvas<'_> {
    fn from(draft: Draft) -> Self {
        Self { draft, outside: None }
    }
}

/// Collects every k-th pixel, with the smallest k that keeps both sides within a length.
#[derive(Clone, Debug)]
pub struct Sampler<T = f32> {
    step: usize,
    picture: Array2<T>,
}

impl<T: Copy + Default> Sampler<T> {
    /// A sampler for a raster of `width` × `height`; the picture's sides are at most `max`.
    pub fn new(width: usize, height: usize, max: usize) -> Self {
        let step = width.max(height).div_ceil(max.max(1)).max(1);
        Self { step, picture: Array2::default((height.div_ceil(step), width.div_ceil(step))) }
    }

    /// The same with this value where nothing comes by.
    #[must_use]
    pub fn filled_with(mut self, value: T) -> Self {
        self.picture.fill(value);
        self
    }

    /// Takes what the picture wants of a block at `window`, which lies inside the raster.
    ///
    /// # Panics
    /// When `values` is not of the window's size, or the window reaches outside.
    pub fn add(&mut self, window: Window, values: ArrayView2<'_, T>) {
        assert_eq!(values.dim(), (window.height, window.width), "as many samples as the window has pixels");
        let (top, left) = (window.row as usize, window.col as usize);
        for row in top.div_ceil(self.step)..(top + window.height).div_ceil(self.step) {
            for col in left.div_ceil(self.step)..(left + window.width).div_ceil(self.step) {
                self.picture[[row, col]] = values[[row * self.step - top, col * self.step - left]];
            }
        }
    }

    /// Every how many pixels one is taken.
    pub fn step(&self) -> usize {
        self.step
    }

    /// The picture so far; what did not come by is `T::default()`.
    pub fn picture(&self) -> ArrayView2<'_, T> {
        self.picture.view()
    }
}

/// For each band, which samples become black and which white.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// Black and white point of each band.
    pub ranges: Vec<(f32, f32)>,
}

impl Stretch {
    /// From the 2nd to the 98th percentile of the valid pixels of each band: a few clouds or shadows that a
    /// mask missed do not make all else grey. `None` when no pixel is valid.
    pub fn of(bands: &[ArrayView2<'_, f32>], valid: ArrayView2<'_, u8>) -> Option<Self> {
        let ranges = bands.iter().map(|band| range(*band, valid));
        ranges.collect::<Option<Vec<_>>>().map(|ranges| Self { ranges })
    }

    fn shade(&self, band: usize, value: f32) -> u8 {
        shade(value, self.ranges[band])
    }
}

fn range(band: ArrayView2<'_, f32>, valid: ArrayView2<'_, u8>) -> Option<(f32, f32)> {
    let pixels = band.iter().zip(&valid).filter(|(value, ok)| **ok != 0 && value.is_finite());
    let mut values: Vec<f32> = pixels.map(|(value, _)| *value).collect();
    stretch(&mut values)
}

/// Three bands as red, green and blue, in the stretch's order.
///
/// # Errors
/// The file cannot be written.
///
/// # Panics
/// When the arrays are not of one size or the stretch has fewer than three bands.
pub fn rgb(
    canvas: Canvas<'_>,
    bands: [ArrayView2<'_, f32>; 3],
    valid: ArrayView2<'_, u8>,
    stretch: &Stretch,
) -> Result<Pending, WriteError> {
    paint(canvas, valid.dim(), |at| match valid[at] {
        0 => GAP_COLOUR,
        _ => std::array::from_fn(|band| stretch.shade(band, bands[band][at])),
    })
}

/// One band in grey, with the stretch's first range: for outputs of fewer than three bands.
///
/// # Errors
/// The file cannot be written.
///
/// # Panics
/// When the arrays are not of one size.
pub fn grey(
    canvas: Canvas<'_>,
    band: ArrayView2<'_, f32>,
    valid: ArrayView2<'_, u8>,
    stretch: &Stretch,
) -> Result<Pending, WriteError> {
    rgb(canvas, [band; 3], valid, &first_of(stretch))
}

/// One band in grey, tinted where `masked` is not 0.
///
/// # Errors
/// The file cannot be written.
///
/// # Panics
/// When the arrays are not of one size.
pub fn mask(
    canvas: Canvas<'_>,
    band: ArrayView2<'_, f32>,
    valid: ArrayView2<'_, u8>,
    masked: ArrayView2<'_, u8>,
    stretch: &Stretch,
) -> Result<Pending, WriteError> {
    paint(canvas, valid.dim(), |at| {
        let grey = stretch.shade(0, band[at]);
        match (valid[at], masked[at]) {
            (0, _) => GAP_COLOUR,
            (_, 0) => [grey; 3],
            // The picture shines through: was it a cloud, or a white roof?
            _ => MASK_COLOUR.map(|tint| ((2 * u16::from(grey) + 3 * u16::from(tint)) / 5) as u8),
        }
    })
}

/// Where each pixel came from, in the colours of [`source_colour`].
///
/// # Errors
/// The file cannot be written.
pub fn sources(canvas: Canvas<'_>, source: ArrayView2<'_, u16>) -> Result<Pending, WriteError> {
    paint(canvas, source.dim(), |at| source_colour(source[at]))
}

/// The colour of a scene's index, of a statistic ([`STATISTIC`], and the codes just below it for further
/// stages) or of a [`GAP`] in the picture of sources: for legends.
pub fn source_colour(source: u16) -> [u8; 3] {
    if source == GAP {
        return [0; 3];
    }
    let stage = STATISTIC - source;
    if stage < 8 {
        return [240 - 22 * stage as u8; 3];
    }
    // Steps of the golden angle never come back to a hue that was used; neighbours in number, which are
    // often neighbours on the ground, are far apart. Three brightnesses keep later ones apart from earlier.
    let hue = (f64::from(source) * 0.618_033_988_749_895).fract() * 6.0;
    let (saturation, value) = [(0.85, 0.95), (0.55, 0.75), (1.0, 0.6)][usize::from(source % 3)];
    hsv(hue, saturation, value)
}

/// A picture whose colours are given, (row, col, 3).
///
/// # Errors
/// The folder cannot be written to, or the disk is full.
pub fn coloured(draft: Draft, pixels: ArrayView3<'_, u8>) -> Result<Pending, WriteError> {
    let (height, width, _) = pixels.dim();
    paint(draft.into(), (height, width), |[row, col]| [0, 1, 2].map(|channel| pixels[[row, col, channel]]))
}

/// Hue in sixths of a turn.
fn hsv(hue: f64, saturation: f64, value: f64) -> [u8; 3] {
    [5.0, 3.0, 1.0].map(|shift| {
        let k = (shift + hue) % 6.0;
        let part = value - value * saturation * k.min(4.0 - k).clamp(0.0, 1.0);
        (part * 255.0).round() as u8
    })
}

fn first_of(stretch: &Stretch) -> Stretch {
    Stretch { ranges: vec![stretch.ranges[0]; 3] }
}

fn paint(
    Canvas { draft, outside }: Canvas<'_>,
    (height, width): (usize, usize),
    colour: impl Fn([usize; 2]) -> [u8; 3],
) -> Result<Pending, WriteError> {
    let places = (0..height).flat_map(|row| (0..width).map(move |col| [row, col]));
    let is_outside = |at: [usize; 2]| outside.is_some_and(|outside| outside[at] != 0);
    let colour = |at| if is_outside(at) { OUTSIDE_COLOUR } else { colour(at) };
    let pixels: Vec<u8> = places.flat_map(colour).collect();
    encode(draft.file(), (width as u32, height as u32), &pixels)
        .map_err(|cause| WriteError::write(draft.path(), &cause.to_string()))?;
    draft.finish()
}

fn encode(file: &Path, (width, height): (u32, u32), pixels: &[u8]) -> Result<(), png::EncodingError> {
    let mut out = BufWriter::new(File::create(file)?);
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    // A drop would swallow the error of a full disk.
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Drafts;
    use ndarray::{Array2, arr2, s};
    use std::collections::HashSet;

    fn numbered(height: usize, width: usize) -> Array2<f32> {
        Array2::from_shape_fn((height, width), |(row, col)| (row * width + col) as f32)
    }

    fn read(path: &Path) -> (u32, u32, Vec<[u8; 3]>) {
        let decoder = png::Decoder::new(std::io::BufReader::new(File::open(path).unwrap()));
        let mut reader = decoder.read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!(info.color_type, png::ColorType::Rgb);
        (info.width, info.height, bytes.chunks(3).map(|c| [c[0], c[1], c[2]]).collect())
    }

    /// The colours of a picture that is written and read back.
    fn painted(write: impl Fn(Draft) -> Result<Pending, WriteError>) -> Vec<[u8; 3]> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("look.png");
        write(Draft::new(&path, &Drafts::default()).unwrap()).unwrap().commit().unwrap();
        read(&path).2
    }

    #[test]
    fn a_sampler_takes_every_kth_pixel_whatever_the_blocks() {
        let raster = numbered(23, 37);
        let wanted = raster.slice(s![..;4, ..;4]).to_owned();
        for (height, width) in [(23, 37), (1, 37), (5, 7), (8, 16), (3, 1)] {
            let mut sampler = Sampler::new(37, 23, 10);
            for row in (0..23).step_by(height) {
                for col in (0..37).step_by(width) {
                    let block = Window { row: row as i64, col: col as i64, width, height };
                    let block = block.intersect(Window::whole(37, 23)).unwrap();
                    let part = raster.slice(s![row..row + block.height, col..col + block.width]);
                    sampler.add(block, part);
                }
            }
            assert_eq!(sampler.step(), 4);
            assert_eq!(sampler.picture(), wanted, "blocks of {height} × {width}");
        }
    }

    #[test]
    fn a_picture_is_never_larger_than_asked_and_small_rasters_stay_whole() {
        assert_eq!(Sampler::<u8>::new(10980, 7000, 1024).picture().dim(), (637, 999));
        assert_eq!(Sampler::<u8>::new(1025, 1, 1024).picture().dim(), (1, 513));
        assert_eq!(Sampler::<u8>::new(300, 200, 1024).picture().dim(), (200, 300));
    }

    #[test]
    fn the_stretch_runs_between_the_2nd_and_98th_percentile_of_valid_pixels() {
        let mut band = numbered(1, 101);
        let mut valid = Array2::ones((1, 101));
        let stretch = |band: &Array2<f32>, valid: &Array2<u8>| Stretch::of(&[band.view()], valid.view());
        assert_eq!(stretch(&band, &valid).unwrap().ranges, [(2.0, 98.0)]);
        band[[0, 100]] = f32::NAN;
        band[[0, 99]] = 1e9;
        valid.slice_mut(s![0, 50..99]).fill(0);
        assert_eq!(stretch(&band, &valid).unwrap().ranges, [(1.0, 49.0)]);
        valid.fill(0);
        assert_eq!(stretch(&band, &valid), None);
    }

    #[test]
    fn before_and_after_share_a_stretch_and_gaps_are_magenta() {
        let stretch = Stretch { ranges: vec![(0.0, 100.0), (0.0, 200.0), (100.0, 200.0)] };
        let band = arr2(&[[-5.0, 100.0, 150.0]]);
        let valid = arr2(&[[1, 1, 0]]);
        let seen = painted(|draft| rgb(draft.into(), [band.view(); 3], valid.view(), &stretch));
        assert_eq!(seen, [[0, 0, 0], [255, 128, 0], GAP_COLOUR]);
    }

    #[test]
    fn one_band_is_grey_and_a_flat_one_is_black() {
        let (band, valid) = (arr2(&[[7.0, 7.0]]), arr2(&[[1, 1]]));
        let stretch = Stretch::of(&[band.view()], valid.view()).unwrap();
        assert_eq!(painted(|draft| grey(draft.into(), band.view(), valid.view(), &stretch)), [[0; 3]; 2]);
    }

    #[test]
    fn masked_pixels_are_tinted_and_the_picture_shines_through() {
        let (band, valid) = (arr2(&[[0.0, 0.0, 1.0, 1.0]]), arr2(&[[1, 1, 1, 0]]));
        let masked = arr2(&[[0, 1, 1, 1]]);
        let stretch = Stretch { ranges: vec![(0.0, 1.0)] };
        let seen = painted(|draft| mask(draft.into(), band.view(), valid.view(), masked.view(), &stretch));
        assert_eq!(seen, [[0; 3], [153, 36, 0], [255, 138, 102], GAP_COLOUR]);
    }

    #[test]
    fn every_source_has_its_own_colour_and_gaps_are_black() {
        let codes: Vec<u16> = (0..120).chain(STATISTIC - 7..=GAP).collect();
        let colours: HashSet<_> = codes.iter().map(|code| source_colour(*code)).collect();
        assert_eq!(colours.len(), codes.len());
        let seen = painted(|draft| sources(draft.into(), arr2(&[[0, 1], [STATISTIC, GAP]]).view()));
        assert_eq!(seen, [source_colour(0), source_colour(1), [240; 3], [0; 3]]);
    }

    #[test]
    fn a_picture_that_is_not_committed_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let draft = Draft::new(&folder.path().join("look.png"), &Drafts::default()).unwrap();
        drop(sources(draft.into(), arr2(&[[0]]).view()).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
