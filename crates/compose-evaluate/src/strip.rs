//! The picture of a case: what was there, what was hidden, and what each strategy made of it, side by side.
//!
//! Panels from left to right, with [`BORDER`] white pixels around and between them, named in [`Strip::panels`]:
//!
//! | panel | shows |
//! |---|---|
//! | `truth` | the scene; grey where no truth is known |
//! | `hidden` | the same with the gap in [`GAP_COLOUR`] |
//! | `NAME` for each fill | the fill; what it left open in [`GAP_COLOUR`] |
//! | `error of NAME` for each fill | mean over bands of \|fill − truth\| in the gap: black, red, yellow, white |
//!
//! All pictures share one stretch, from the 2nd to the 98th percentile of the known truth, and all errors one scale:
//! white is [`Strip::white`], the 98th percentile of the errors of all fills. What looks different is.

use crate::metrics::{Compared, Pixel};
use compose_core::picture::{GAP_COLOUR, percentile, shade, stretch};
use ndarray::{Array2, Array3, ArrayView1, ArrayView2, ArrayView3, s};
use std::ops::Range;

/// White pixels around and between panels.
pub const BORDER: usize = 4;
/// No truth is known.
pub const UNKNOWN_COLOUR: [u8; 3] = [96; 3];
/// Pixels around the gap that are shown.
const MARGIN: usize = 24;
/// A panel whose longer side is shorter is magnified.
const SMALLEST: usize = 160;
/// A panel whose longer side is longer shows every k-th pixel.
const LARGEST: usize = 1024;

/// The input of a picture; arrays as in [`Compared`].
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The truth, (band, row, col).
    pub truth: ArrayView3<'a, f32>,
    /// 1 = in the gap.
    pub hidden: ArrayView2<'a, u8>,
    /// 1 = clear, and not hidden.
    pub clear: ArrayView2<'a, u8>,
    /// The bands that become red, green and blue; the same one three times is grey.
    pub rgb: [usize; 3],
}

/// One strategy's product.
#[derive(Clone, Copy)]
pub struct Fill<'a> {
    /// The strategy's name.
    pub name: &'a str,
    /// The product, (band, row, col).
    pub filled: ArrayView3<'a, f32>,
    /// 1 = it has a value.
    pub got: ArrayView2<'a, u8>,
}

/// A picture, and what it shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Strip {
    /// (row, col, red green blue).
    pub pixels: Array3<u8>,
    /// Names of the panels from left to right.
    pub panels: Vec<String>,
    /// The error that is white, in the unit of the samples; 0 where no fill errs.
    pub white: f32,
    /// Every how many pixels of the scene one is shown.
    pub step: usize,
    /// The width and height of each of them in the picture, in pixels.
    pub zoom: usize,
}

/// Paints a case; `None` where nothing is hidden.
///
/// # Panics
/// When the arrays are not of one size, or `rgb` names a band that is not there.
pub fn strip(scene: &Scene<'_>, fills: &[Fill<'_>]) -> Option<Strip> {
    let (rows, cols) = around(scene.hidden)?;
    let longer = rows.len().max(cols.len());
    let (step, zoom) = (longer.div_ceil(LARGEST), SMALLEST.div_ceil(longer).max(1));
    let part = s![.., rows.start..rows.end;step, cols.start..cols.end;step];
    let flat = s![rows.start..rows.end;step, cols.start..cols.end;step];
    let truth = scene.truth.slice(part);
    let (hidden, clear) = (scene.hidden.slice(flat), scene.clear.slice(flat));
    let known = Compared { truth, filled: truth, hidden, clear, got: hidden }.pixels();
    let stretch = Stretch::of(truth, &known, scene.rgb);
    let parts = fills.iter().map(|fill| {
        let (filled, got) = (fill.filled.slice_move(part), fill.got.slice_move(flat));
        Part { pixels: Compared { truth, filled, hidden, clear, got }.pixels(), filled }
    });
    let parts: Vec<Part<'_>> = parts.collect();
    let errors: Vec<Array2<Option<f32>>> = parts.iter().map(|part| part.errors(truth)).collect();
    let mut all: Vec<f32> = errors.iter().flatten().flatten().copied().collect();
    let white = percentile(&mut all, 98).unwrap_or(0.0);

    let mut panels = vec![stretch.panel(truth, &known, false), stretch.panel(truth, &known, true)];
    panels.extend(parts.iter().map(|part| part.panel(truth, &stretch)));
    panels.extend(errors.iter().map(|errors| errors.map(|error| error.map_or([0; 3], |e| heat(e / white)))));
    let names = ["truth", "hidden"].map(str::to_owned).into_iter();
    let names = names.chain(fills.iter().map(|f| f.name.to_owned()));
    let names = names.chain(fills.iter().map(|f| format!("error of {}", f.name)));
    Some(Strip { pixels: side_by_side(&panels, zoom), panels: names.collect(), white, step, zoom })
}

/// Rows and columns of the gap and what is shown around it.
fn around(hidden: ArrayView2<'_, u8>) -> Option<(Range<usize>, Range<usize>)> {
    let (height, width) = hidden.dim();
    let any = |line: ArrayView1<'_, u8>| line.iter().any(|h| *h != 0);
    let reach =
        |first: usize, last: usize, size: usize| first.saturating_sub(MARGIN)..(last + MARGIN + 1).min(size);
    let mut rows = (0..height).filter(|row| any(hidden.row(*row)));
    let first = rows.next()?;
    let rows = reach(first, rows.next_back().unwrap_or(first), height);
    let mut cols = (0..width).filter(|col| any(hidden.column(*col)));
    let first = cols.next()?;
    let cols = reach(first, cols.next_back().unwrap_or(first), width);
    Some((rows, cols))
}

/// The panels of a fill.
struct Part<'a> {
    pixels: Array2<Pixel>,
    filled: ArrayView3<'a, f32>,
}

impl Part<'_> {
    /// Mean over bands of |fill − truth| where the gap is filled.
    fn errors(&self, truth: ArrayView3<'_, f32>) -> Array2<Option<f32>> {
        let bands = truth.dim().0;
        let error = |at: (usize, usize)| {
            let of = |band: usize| (self.filled[[band, at.0, at.1]] - truth[[band, at.0, at.1]]).abs();
            (0..bands).map(of).sum::<f32>() / bands as f32
        };
        Array2::from_shape_fn(self.pixels.dim(), |at| (self.pixels[at] == Pixel::Filled).then(|| error(at)))
    }

    /// The gap as filled, and the truth around it.
    fn panel(&self, truth: ArrayView3<'_, f32>, stretch: &Stretch) -> Array2<[u8; 3]> {
        let mut panel = stretch.panel(truth, &self.pixels, true);
        for (at, pixel) in self.pixels.indexed_iter() {
            if *pixel == Pixel::Filled {
                panel[at] = stretch.colour(self.filled, at);
            }
        }
        panel
    }
}

/// For red, green and blue: the band, and which samples become black and which white.
struct Stretch([(usize, (f32, f32)); 3]);

impl Stretch {
    fn of(truth: ArrayView3<'_, f32>, pixels: &Array2<Pixel>, rgb: [usize; 3]) -> Self {
        Self(rgb.map(|band| {
            let places = pixels.indexed_iter().filter(|(_, pixel)| **pixel != Pixel::Unknown);
            let mut samples: Vec<f32> = places.map(|((row, col), _)| truth[[band, row, col]]).collect();
            (band, stretch(&mut samples).unwrap_or((0.0, 1.0)))
        }))
    }

    fn colour(&self, image: ArrayView3<'_, f32>, (row, col): (usize, usize)) -> [u8; 3] {
        self.0.map(|(band, range)| shade(image[[band, row, col]], range))
    }

    /// The truth, with or without the gap.
    fn panel(&self, truth: ArrayView3<'_, f32>, pixels: &Array2<Pixel>, gap: bool) -> Array2<[u8; 3]> {
        Array2::from_shape_fn(pixels.dim(), |at| match pixels[at] {
            Pixel::Unknown => UNKNOWN_COLOUR,
            Pixel::Filled | Pixel::Open if gap => GAP_COLOUR,
            _ => self.colour(truth, at),
        })
    }
}

/// Black at 0 through red and yellow to white at 1 and above.
fn heat(part: f32) -> [u8; 3] {
    [0.0, 1.0, 2.0].map(|start| ((3.0 * part - start) * 255.0).round() as u8)
}

/// Panels of one size on white.
fn side_by_side(panels: &[Array2<[u8; 3]>], zoom: usize) -> Array3<u8> {
    let (height, width) = panels.first().map_or((0, 0), |panel| (panel.nrows() * zoom, panel.ncols() * zoom));
    let size = (height + 2 * BORDER, panels.len() * (width + BORDER) + BORDER, 3);
    let mut picture = Array3::from_elem(size, 255);
    for (nth, panel) in panels.iter().enumerate() {
        let left = BORDER + nth * (width + BORDER);
        let mut place = picture.slice_mut(s![BORDER..BORDER + height, left..left + width, ..]);
        for ((row, col, channel), sample) in place.indexed_iter_mut() {
            *sample = panel[[row / zoom, col / zoom]][channel];
        }
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (usize, usize) = (100, 120);

    /// A slope of 0 to 99 in each of two bands, with a gap of 4 × 6 pixels at (40, 50).
    fn truth() -> (Array3<f32>, Array2<u8>, Array2<u8>) {
        let truth = Array3::from_shape_fn((2, SIZE.0, SIZE.1), |(_, row, _)| row as f32);
        let mut hidden = Array2::zeros(SIZE);
        hidden.slice_mut(s![40..44, 50..56]).fill(1);
        let clear = hidden.mapv(|h| 1 - h);
        (truth, hidden, clear)
    }

    fn painted(filled: &Array3<f32>, got: &Array2<u8>) -> Strip {
        let (truth, hidden, mut clear) = truth();
        clear[[16, 26]] = 0;
        let scene = Scene { truth: truth.view(), hidden: hidden.view(), clear: clear.view(), rgb: [0, 1, 0] };
        let fill = Fill { name: "it", filled: filled.view(), got: got.view() };
        strip(&scene, &[fill]).unwrap()
    }

    /// The colour that a panel shows of a pixel of the scene; the first shown is (16, 26).
    fn colour(strip: &Strip, panel: usize, (row, col): (usize, usize)) -> [u8; 3] {
        let width = (6 + 2 * MARGIN) * strip.zoom + BORDER;
        let at = |scene: usize, first: usize| BORDER + (scene - first) * strip.zoom;
        let (row, col) = (at(row, 16), at(col, 26) + panel * width);
        [0, 1, 2].map(|channel| strip.pixels[[row, col, channel]])
    }

    #[test]
    fn panels_are_named_and_lie_side_by_side_on_white() {
        let (truth, ..) = truth();
        let strip = painted(&truth, &Array2::ones(SIZE));
        assert_eq!(strip.panels, ["truth", "hidden", "it", "error of it"]);
        // 52 × 54 pixels with the margin, three times as large.
        assert_eq!((strip.zoom, strip.step), (3, 1));
        assert_eq!(strip.pixels.dim(), (52 * 3 + 8, 4 * 54 * 3 + 5 * 4, 3));
        for at in [0, 3, 4 + 162, 7 + 162, strip.pixels.dim().1 - 1] {
            assert!(strip.pixels.slice(s![.., at, ..]).iter().all(|s| *s == 255), "column {at}");
        }
    }

    #[test]
    fn the_gap_is_magenta_where_it_is_hidden_or_open_and_filled_elsewhere() {
        let (mut filled, ..) = truth();
        filled.fill(0.0);
        let mut got = Array2::ones(SIZE);
        got[[40, 50]] = 0;
        let strip = painted(&filled, &got);
        let shown = |panel, at| colour(&strip, panel, at);
        assert_eq!(shown(0, (16, 26)), UNKNOWN_COLOUR);
        assert_eq!(shown(1, (41, 51)), GAP_COLOUR);
        assert_eq!((shown(2, (40, 50)), shown(2, (41, 51))), (GAP_COLOUR, [0; 3]));
        // Around the gap every panel is the truth, whatever the product holds.
        assert_eq!((shown(2, (30, 30)), shown(1, (30, 30))), (shown(0, (30, 30)), shown(0, (30, 30))));
        assert!(shown(0, (41, 51))[0] > 0);
    }

    #[test]
    fn errors_are_means_over_bands_on_one_scale_and_black_outside_the_gap() {
        let (mut filled, ..) = truth();
        filled.slice_mut(s![0, 40, 50..56]).mapv_inplace(|f| f + 8.0);
        filled.slice_mut(s![0, 41, 50..56]).mapv_inplace(|f| f - 4.0);
        let strip = painted(&filled, &Array2::ones(SIZE));
        assert_eq!(strip.white, 4.0);
        let shown = |at| colour(&strip, 3, at);
        assert_eq!(shown((40, 52)), [255; 3]);
        assert_eq!(shown((41, 52)), [255, 128, 0]);
        assert_eq!((shown((42, 52)), shown((39, 52))), ([0; 3], [0; 3]));
    }

    #[test]
    fn fills_share_the_scale_of_errors() {
        let (truth, hidden, clear) = truth();
        let (near, far) = (&truth + 1.0, &truth + 10.0);
        let got = Array2::ones(SIZE);
        let scene = Scene { truth: truth.view(), hidden: hidden.view(), clear: clear.view(), rgb: [0, 0, 0] };
        let fill = |name, filled| Fill { name, filled, got: got.view() };
        let strip = strip(&scene, &[fill("near", near.view()), fill("far", far.view())]).unwrap();
        assert_eq!(strip.panels[2..], ["near", "far", "error of near", "error of far"]);
        assert_eq!(strip.white, 10.0);
        assert_eq!(colour(&strip, 4, (41, 51)), [77, 0, 0]);
        assert_eq!(colour(&strip, 5, (41, 51)), [255; 3]);
    }

    #[test]
    fn a_perfect_fill_and_a_flat_scene_are_black_not_divided_by_zero() {
        let (truth, ..) = truth();
        let strip = painted(&truth, &Array2::ones(SIZE));
        assert_eq!((strip.white, colour(&strip, 3, (41, 51))), (0.0, [0; 3]));
        let flat =
            Stretch::of(Array3::zeros((1, 1, 1)).view(), &Array2::from_elem((1, 1), Pixel::Clear), [0; 3]);
        assert_eq!(flat.colour(Array3::zeros((1, 1, 1)).view(), (0, 0)), [0; 3]);
    }

    #[test]
    fn a_large_gap_shows_every_kth_pixel_and_no_gap_no_picture() {
        let size = (2100, 40);
        let truth = Array3::ones((1, size.0, size.1));
        let clear = Array2::ones(size);
        let mut hidden = Array2::zeros(size);
        let paint = |hidden: &Array2<u8>| {
            strip(
                &Scene { truth: truth.view(), hidden: hidden.view(), clear: clear.view(), rgb: [0; 3] },
                &[],
            )
        };
        assert_eq!(paint(&hidden), None);
        hidden.column_mut(0).fill(1);
        let strip = paint(&hidden).unwrap();
        assert_eq!((strip.step, strip.zoom), (3, 1));
        assert_eq!(strip.pixels.dim(), (700 + 8, 2 * 9 + 12, 3));
    }
}
