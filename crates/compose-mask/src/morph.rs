//! Morphology of masks with an exact Euclidean disc.
//!
//! A pixel lies within a radius when the distance between pixel *centres* is at most that radius, measured
//! per axis where pixels are not square. *Neutral* pixels (outside the scene, or fill) neither grow nor
//! erode: they never spread a mask, never become part of one, and never eat one away.
//!
//! Two passes, linear in pixels at any radius (Meijster, Roerdink and Hesselink 2000, with the lower envelope
//! replaced by a table, because only "within the radius?" is asked): the distance to the nearest source
//! pixel of the same column; then, along each row, the reach of every column's nearest source.

use ndarray::{Array2, ArrayView2, ArrayViewMut2, Zip};

/// The pixel offsets within a radius: a disc, or an ellipse where pixels are not square.
#[derive(Clone, Debug, PartialEq)]
pub struct Disc {
    /// Radius in pixels, (along columns, along rows).
    radius: (f64, f64),
    /// By row distance: how many columns to either side are covered; [`NOTHING`] one past the last.
    half_widths: Vec<i32>,
}

/// The half-width of a row that is out of reach.
const NOTHING: i32 = i32::MIN / 2;

/// The excess of a radius that rounding may cause: 90 m must be 3 pixels of 29.999999999 m.
const SLACK: f64 = 1e-9;

impl Disc {
    /// A disc whose radius is `cols` pixels along a row and `rows` pixels along a column, both at least 0.
    pub fn new(cols: f64, rows: f64) -> Self {
        let mut disc = Self { radius: (cols, rows), half_widths: Vec::new() };
        let mut half = (cols * (1.0 + SLACK)) as i64;
        let mut row = 0;
        while disc.covers(0, row) {
            while !disc.covers(half, row) {
                half -= 1;
            }
            disc.half_widths.push(half as i32);
            row += 1;
        }
        disc.half_widths.push(NOTHING);
        disc
    }

    /// Whether an offset of whole pixels lies within the radius.
    pub fn covers(&self, cols: i64, rows: i64) -> bool {
        let (rx, ry) = self.radius;
        if rx == ry {
            // Whole numbers on the left: no rounding decides.
            return (cols * cols + rows * rows) as f64 <= rx * rx * (1.0 + SLACK);
        }
        let part = |offset: i64, radius: f64| if offset == 0 { 0.0 } else { offset as f64 / radius };
        part(cols, rx).powi(2) + part(rows, ry).powi(2) <= 1.0 + SLACK
    }

    /// Radius in pixels, (along columns, along rows).
    pub fn radius(&self) -> (f64, f64) {
        self.radius
    }

    /// Whole pixels that an erosion or dilation looks ahead.
    pub fn reach(&self) -> usize {
        self.radius.0.max(self.radius.1).ceil() as usize
    }

    /// Whether it covers nothing but its own centre, so that it changes nothing.
    pub fn is_point(&self) -> bool {
        !self.covers(1, 0) && !self.covers(0, 1)
    }
}

/// A change of a mask's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Morphology {
    /// Shrink, then grow: specks vanish.
    Open,
    /// Grow, then shrink: holes and cracks close.
    Close,
    /// Marked pixels near an unmarked one are released.
    Shrink,
    /// Pixels near a marked one become marked.
    Grow,
}

impl Morphology {
    /// All four, in the order in which a rule applies them.
    pub const ALL: [Self; 4] = [Self::Open, Self::Close, Self::Shrink, Self::Grow];

    /// Key in a rules file.
    pub fn key(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Close => "close",
            Self::Shrink => "shrink",
            Self::Grow => "grow",
        }
    }

    /// Pixels of context needed: opening and closing look twice as far.
    pub fn halo(self, disc: &Disc) -> usize {
        match self {
            Self::Open | Self::Close => 2 * disc.reach(),
            Self::Shrink | Self::Grow => disc.reach(),
        }
    }

    /// Changes `marked` (0 or 1); `neutral` is 1 where pixels neither grow nor erode.
    pub fn apply(self, mut marked: ArrayViewMut2<'_, u8>, neutral: ArrayView2<'_, u8>, disc: &Disc) {
        match self {
            _ if disc.is_point() => {}
            Self::Open => {
                shrink(marked.view_mut(), neutral, disc);
                grow(marked, neutral, disc);
            }
            Self::Close => {
                grow(marked.view_mut(), neutral, disc);
                shrink(marked, neutral, disc);
            }
            Self::Shrink => shrink(marked, neutral, disc),
            Self::Grow => grow(marked, neutral, disc),
        }
    }
}

fn grow(mut marked: ArrayViewMut2<'_, u8>, neutral: ArrayView2<'_, u8>, disc: &Disc) {
    let mut near = Array2::zeros(marked.dim());
    Zip::from(&mut near)
        .and(&marked)
        .and(neutral)
        .for_each(|s, m, n| *s = u8::from(*m != 0) & u8::from(*n == 0));
    if dilate_disc(&mut near, disc) {
        Zip::from(&mut marked).and(&near).and(neutral).for_each(|m, s, n| *m |= s & u8::from(*n == 0));
    }
}

fn shrink(mut marked: ArrayViewMut2<'_, u8>, neutral: ArrayView2<'_, u8>, disc: &Disc) {
    let mut near = Array2::zeros(marked.dim());
    Zip::from(&mut near)
        .and(&marked)
        .and(neutral)
        .for_each(|s, m, n| *s = u8::from(*m == 0) & u8::from(*n == 0));
    if dilate_disc(&mut near, disc) {
        Zip::from(&mut marked).and(&near).for_each(|m, s| *m &= 1 - s);
    }
}

/// Sets every pixel within the disc of a set pixel; false where nothing was set at all.
fn dilate_disc(set: &mut Array2<u8>, disc: &Disc) -> bool {
    let width = set.ncols();
    let cells = set.as_slice_mut().expect("an array just made is in standard layout");
    if cells.iter().all(|s| *s == 0) {
        return false;
    }
    let beyond = (disc.half_widths.len() - 1) as u16;
    let distances = column_distances(cells, width, beyond);
    for (line, out) in distances.chunks_exact(width).zip(cells.chunks_exact_mut(width)) {
        if line.iter().all(|d| *d == beyond) {
            out.fill(0);
        } else {
            cover_row(line, &disc.half_widths, out);
        }
    }
    true
}

/// For each pixel, rows to the nearest set pixel of its column; `beyond` where that is out of reach.
fn column_distances(set: &[u8], width: usize, beyond: u16) -> Vec<u16> {
    let mut distances: Vec<u16> = set.iter().map(|s| if *s == 0 { beyond } else { 0 }).collect();
    let rows = set.len() / width;
    for row in 1..rows {
        let (above, below) = distances.split_at_mut(row * width);
        step(&above[(row - 1) * width..], &mut below[..width]);
    }
    for row in (1..rows).rev() {
        let (above, below) = distances.split_at_mut(row * width);
        step(&below[..width], &mut above[(row - 1) * width..]);
    }
    distances
}

/// Carries distances one row on.
fn step(from: &[u16], to: &mut [u16]) {
    for (t, f) in to.iter_mut().zip(from) {
        *t = (*t).min(f + 1);
    }
}

/// Sets the pixels that some column of the row reaches: those to its right, then those to its left.
fn cover_row(distances: &[u16], half_widths: &[i32], out: &mut [u8]) {
    let mut reach = i32::MIN;
    for (col, (d, o)) in distances.iter().zip(out.iter_mut()).enumerate() {
        reach = reach.max(col as i32 + half_widths[usize::from(*d)]);
        *o = u8::from(col as i32 <= reach);
    }
    reach = i32::MAX;
    for (col, (d, o)) in distances.iter().zip(out.iter_mut()).enumerate().rev() {
        reach = reach.min(col as i32 - half_widths[usize::from(*d)]);
        *o |= u8::from(col as i32 >= reach);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::s;
    use proptest::prelude::*;

    /// The definition, pixel by pixel.
    fn reference(what: Morphology, m: &Array2<u8>, neutral: &Array2<u8>, disc: &Disc) -> Array2<u8> {
        match what {
            Morphology::Open => {
                let shrunk = reference(Morphology::Shrink, m, neutral, disc);
                reference(Morphology::Grow, &shrunk, neutral, disc)
            }
            Morphology::Close => {
                let grown = reference(Morphology::Grow, m, neutral, disc);
                reference(Morphology::Shrink, &grown, neutral, disc)
            }
            Morphology::Shrink => Array2::from_shape_fn(m.dim(), |at| {
                m[at] & u8::from(!near(at, disc, m.dim(), |q| neutral[q] == 0 && m[q] == 0))
            }),
            Morphology::Grow => Array2::from_shape_fn(m.dim(), |at| {
                let reached = near(at, disc, m.dim(), |q| neutral[q] == 0 && m[q] != 0);
                m[at] | u8::from(neutral[at] == 0 && reached)
            }),
        }
    }

    type At = (usize, usize);

    fn near(at: At, disc: &Disc, dim: At, source: impl Fn(At) -> bool) -> bool {
        let offset = |a: usize, b: usize| a as i64 - b as i64;
        let mut all = (0..dim.0).flat_map(|row| (0..dim.1).map(move |col| (row, col)));
        all.any(|q| source(q) && disc.covers(offset(q.1, at.1), offset(q.0, at.0)))
    }

    fn applied(what: Morphology, m: &Array2<u8>, neutral: &Array2<u8>, disc: &Disc) -> Array2<u8> {
        let mut out = m.clone();
        what.apply(out.view_mut(), neutral.view(), disc);
        out
    }

    /// Each tile by itself, with its halo (less where the array ends).
    fn by_tiles(
        what: Morphology,
        m: &Array2<u8>,
        neutral: &Array2<u8>,
        disc: &Disc,
        tile: usize,
    ) -> Array2<u8> {
        let (halo, (height, width)) = (what.halo(disc), m.dim());
        let mut out = Array2::zeros(m.dim());
        for row in (0..height).step_by(tile) {
            for col in (0..width).step_by(tile) {
                let (bottom, right) = ((row + tile).min(height), (col + tile).min(width));
                let (r0, c0) = (row.saturating_sub(halo), col.saturating_sub(halo));
                let wide = s![r0..(bottom + halo).min(height), c0..(right + halo).min(width)];
                let mut part = m.slice(wide).to_owned();
                what.apply(part.view_mut(), neutral.slice(wide), disc);
                let own = part.slice(s![row - r0..bottom - r0, col - c0..right - c0]);
                out.slice_mut(s![row..bottom, col..right]).assign(&own);
            }
        }
        out
    }

    /// A mask, neutral pixels, and a disc: whole, half and odd radii, square and oblong pixels.
    fn cases() -> impl Strategy<Value = (Array2<u8>, Array2<u8>, Disc)> {
        let plane = |h: usize, w: usize, share: f64| {
            proptest::collection::vec(prop::bool::weighted(share), h * w).prop_map(move |cells| {
                Array2::from_shape_vec((h, w), cells.into_iter().map(u8::from).collect()).unwrap()
            })
        };
        let radius = prop_oneof![(0..6u32).prop_map(f64::from), 0.0..7.0f64];
        let aspect = prop_oneof![Just(1.0), Just(1.5), 0.3..3.0f64];
        (1..24usize, 1..24usize, 0.02..0.98f64, 0.0..0.3f64).prop_flat_map(move |(h, w, share, neutral)| {
            let disc = (radius.clone(), aspect.clone()).prop_map(|(r, a)| Disc::new(r, r * a));
            (plane(h, w, share), plane(h, w, neutral), disc)
        })
    }

    proptest! {
        #[test]
        fn two_passes_give_what_the_definition_gives((m, neutral, disc) in cases()) {
            for what in Morphology::ALL {
                let (fast, slow) = (applied(what, &m, &neutral, &disc), reference(what, &m, &neutral, &disc));
                prop_assert_eq!(fast, slow, "{} by {:?}", what.key(), disc.radius());
            }
        }

        #[test]
        fn tiles_with_a_halo_give_what_the_whole_gives((m, neutral, disc) in cases(), tile in 1..9usize) {
            for what in Morphology::ALL {
                let whole = applied(what, &m, &neutral, &disc);
                prop_assert_eq!(by_tiles(what, &m, &neutral, &disc, tile), whole, "{}", what.key());
            }
        }
    }

    #[test]
    fn a_disc_holds_the_pixels_whose_centres_are_within_the_radius() {
        let (one, diagonal, five) = (Disc::new(1.0, 1.0), Disc::new(1.5, 1.5), Disc::new(5.0, 5.0));
        assert!(one.covers(1, 0) && !one.covers(1, 1));
        assert!(diagonal.covers(1, 1) && !diagonal.covers(2, 0));
        assert!(five.covers(3, 4) && five.covers(5, 0) && !five.covers(4, 4));
        assert_eq!(one.half_widths, [1, 0, NOTHING]);
        assert_eq!(five.half_widths[..6], [5, 4, 4, 4, 3, 0]);
    }

    #[test]
    fn rounding_of_the_pixel_size_does_not_lose_the_outermost_pixel() {
        let disc = Disc::new(90.0 / 30.000000001, 90.0 / 30.000000001);
        assert!(disc.covers(3, 0) && !disc.covers(3, 1));
        let oblong = Disc::new(90.0 / 30.000000001, 90.0 / 15.0);
        assert!(oblong.covers(3, 0) && oblong.covers(0, 6) && !oblong.covers(0, 7));
    }

    #[test]
    fn a_radius_below_one_pixel_changes_nothing() {
        assert!(Disc::new(0.0, 0.0).is_point() && Disc::new(0.9, 0.9).is_point());
        assert!(!Disc::new(0.5, 1.0).is_point());
    }

    #[test]
    fn a_mask_does_not_shrink_at_the_edge_of_the_raster() {
        let m = Array2::ones((3, 3));
        assert_eq!(applied(Morphology::Shrink, &m, &Array2::zeros((3, 3)), &Disc::new(2.0, 2.0)), m);
    }

    #[test]
    fn neutral_pixels_neither_spread_nor_receive_nor_eat() {
        let (marked, neutral) = (ndarray::array![[1, 0, 0, 1]], ndarray::array![[1, 0, 1, 0]]);
        let disc = Disc::new(2.0, 2.0);
        assert_eq!(applied(Morphology::Grow, &marked, &neutral, &disc), ndarray::array![[1, 1, 0, 1]]);
        let disc = Disc::new(1.0, 1.0);
        assert_eq!(applied(Morphology::Shrink, &marked, &neutral, &disc), ndarray::array![[0, 0, 0, 1]]);
    }
}
