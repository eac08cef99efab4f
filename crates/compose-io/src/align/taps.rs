//! Taps: the native pixels that make a target pixel, and their weights. Invalid pixels are left out of the weighted
//! sum, which is divided by the weights of the others.

use super::method::Resampling;
use compose_core::Window;

/// The native grid (from 0, 0) and the window of it that was read.
#[derive(Clone, Copy)]
pub(super) struct Field {
    pub(super) grid: Window,
    pub(super) window: Window,
}

impl Field {
    /// The pixel that holds this position; `None` outside the grid and for NaN.
    pub(super) fn holding(self, x: f64, y: f64) -> Option<(i64, i64)> {
        let on_grid = x >= 0.0 && x < self.grid.width as f64 && y >= 0.0 && y < self.grid.height as f64;
        // Within the grid nothing is negative, where truncation would not be `floor`.
        on_grid.then_some((x as i64, y as i64))
    }

    /// Index of a pixel in the planes that were read.
    ///
    /// A pixel of the grid that was not read would be a hole in the answer that depends on the block.
    pub(super) fn index(self, col: i64, row: i64) -> usize {
        let (c, r) = (col - self.window.col, row - self.window.row);
        let read = c >= 0 && c < self.window.width as i64 && r >= 0 && r < self.window.height as i64;
        assert!(read, "native pixel ({col}, {row}) is needed but {:?} was read", self.window);
        r as usize * self.window.width + c as usize
    }

    fn on_grid(self, col: i64, row: i64) -> bool {
        col >= 0 && col < self.grid.width as i64 && row >= 0 && row < self.grid.height as i64
    }

    /// Index of the upper left of `size` × `size` pixels, if all of them were read.
    fn square(self, col: i64, row: i64, size: i64) -> Option<usize> {
        let (c, r) = (col - self.window.col, row - self.window.row);
        let whole =
            c >= 0 && c + size <= self.window.width as i64 && r >= 0 && r + size <= self.window.height as i64;
        whole.then(|| r as usize * self.window.width + c as usize)
    }
}

/// The position of a target pixel among the native ones; the same for every band.
#[derive(Clone, Copy)]
struct NativePosition {
    /// Index of the pixel that holds the position; [`NOWHERE`] outside the grid.
    nearest: u32,
    /// Index of the first of the four pixels around the position; [`NOWHERE`] where not all four were read.
    first: u32,
    /// Column and row of the first of the four pixels.
    corner: (i32, i32),
    /// How far from the first pixel's centre to the next one's the position lies, in [0, 1].
    share: (f64, f64),
}

const NOWHERE: u32 = u32::MAX;

/// The native pixels that make a target pixel, given validity.
#[derive(Clone, Copy, PartialEq)]
enum Tap {
    /// None: the nearest pixel is not valid.
    None,
    /// The nearest pixel.
    Copy,
    /// The valid ones of the four pixels around it.
    Some,
    /// All four.
    Four,
    /// All of 4 × 4.
    Sixteen,
}

/// The taps of one row of target pixels.
pub(super) struct Taps {
    field: Field,
    method: Resampling,
    places: Vec<NativePosition>,
    taps: Vec<Tap>,
    /// Cubic weights (across, down) per pixel; empty for other methods.
    cubic: Vec<([f64; 4], [f64; 4])>,
}

/// First of two neighbouring pixel centres around a position in pixel `holds`, and how far from it to the
/// other the position lies, in [0, 1]. The pair contains `holds` whatever rounding does.
fn around(position: f64, holds: i64) -> (i64, f64) {
    let within = position - holds as f64;
    if within < 0.5 { (holds - 1, within + 0.5) } else { (holds, within - 0.5) }
}

impl Taps {
    pub(super) fn new(method: Resampling, field: Field) -> Self {
        let limit = NOWHERE as usize;
        assert!(field.window.pixels() < limit, "{:?} is too large to be one block", field.window);
        Self { field, method, places: Vec::new(), taps: Vec::new(), cubic: Vec::new() }
    }

    /// Goes to a row of target pixels, given their native positions.
    pub(super) fn place(&mut self, positions: impl Iterator<Item = (f64, f64)>) {
        let field = self.field;
        self.places.clear();
        self.places.extend(positions.map(|(x, y)| field.place(x, y)));
        if self.method == Resampling::Cubic {
            self.cubic.clear();
            self.cubic.extend(self.places.iter().map(|p| (keys(p.share.0), keys(p.share.1))));
        }
    }

    /// Finds each pixel's taps among the valid pixels, and says in `out` which pixels have any.
    pub(super) fn judge(&mut self, valid: &[u8], out: &mut [u8]) {
        let (field, places) = (self.field, self.places.iter());
        self.taps.clear();
        match self.method {
            Resampling::Nearest => self.taps.extend(places.map(|p| field.one(p, valid))),
            Resampling::Bilinear => self.taps.extend(places.map(|p| field.up_to_four(p, valid))),
            Resampling::Cubic => self.taps.extend(places.map(|p| field.up_to_sixteen(p, valid))),
        }
        for (out, tap) in out.iter_mut().zip(&self.taps) {
            *out = u8::from(*tap != Tap::None);
        }
    }

    /// Sets the values of one band; 0 where a pixel has no taps.
    pub(super) fn apply(&self, samples: &[f32], valid: &[u8], out: &mut [f32]) {
        let stride = self.field.window.width;
        for (col, (out, (place, tap))) in out.iter_mut().zip(self.places.iter().zip(&self.taps)).enumerate() {
            *out = match tap {
                Tap::None => 0.0,
                Tap::Copy => samples[place.nearest as usize],
                Tap::Some => round_to_odd(self.field.some(place, samples, valid)),
                Tap::Four => round_to_odd(four(place, samples, stride)),
                Tap::Sixteen => round_to_odd(sixteen(place, &self.cubic[col], samples, stride)),
            };
        }
    }
}

impl Field {
    fn place(self, x: f64, y: f64) -> NativePosition {
        let Some((col, row)) = self.holding(x, y) else {
            return NativePosition { nearest: NOWHERE, first: NOWHERE, corner: (0, 0), share: (0.0, 0.0) };
        };
        let nearest = self.index(col, row) as u32;
        let ((c, fx), (r, fy)) = (around(x, col), around(y, row));
        let first = self.square(c, r, 2).map_or(NOWHERE, |at| at as u32);
        // GDAL counts a raster's pixels in `i32`.
        NativePosition { nearest, first, corner: (c as i32, r as i32), share: (fx, fy) }
    }

    fn one(self, place: &NativePosition, valid: &[u8]) -> Tap {
        let usable = place.nearest != NOWHERE && valid[place.nearest as usize] != 0;
        if usable { Tap::Copy } else { Tap::None }
    }

    fn up_to_four(self, place: &NativePosition, valid: &[u8]) -> Tap {
        if self.one(place, valid) == Tap::None {
            Tap::None
        } else if place.first != NOWHERE && self.all_valid(place.first as usize, 2, valid) {
            Tap::Four
        } else {
            Tap::Some
        }
    }

    fn up_to_sixteen(self, place: &NativePosition, valid: &[u8]) -> Tap {
        let tap = self.up_to_four(place, valid);
        if tap != Tap::Four {
            return tap;
        }
        let (c, r) = (i64::from(place.corner.0), i64::from(place.corner.1));
        match self.square(c - 1, r - 1, 4) {
            Some(first) if self.all_valid(first, 4, valid) => Tap::Sixteen,
            _ => Tap::Four,
        }
    }

    fn all_valid(self, first: usize, size: usize, valid: &[u8]) -> bool {
        let row = |r: usize| &valid[first + r * self.window.width..][..size];
        // No early end: a mask's edge is hard to foretell, and the few bytes are at hand.
        (0..size).map(|r| row(r).iter().fold(true, |all, &v| all & (v != 0))).fold(true, |all, row| all & row)
    }

    /// Bilinear over the valid ones of the four pixels. The nearest is one of them and weighs a quarter at
    /// least. What is not valid is left out, not weighed by 0: it may be NaN.
    fn some(self, place: &NativePosition, samples: &[f32], valid: &[u8]) -> f64 {
        let pixels = match place.first {
            NOWHERE => self.read_of_the_four(place),
            first => {
                let below = first as usize + self.window.width;
                [first as usize, first as usize + 1, below, below + 1].map(Some)
            }
        };
        let (fx, fy) = place.share;
        let across_down = [(1.0 - fx, 1.0 - fy), (fx, 1.0 - fy), (1.0 - fx, fy), (fx, fy)];
        let (mut sum, mut weights) = (0.0, 0.0);
        for (at, (across, down)) in pixels.into_iter().zip(across_down) {
            let Some(at) = at else { continue };
            let (weight, sample) =
                if valid[at] != 0 { (across * down, f64::from(samples[at])) } else { (0.0, 0.0) };
            sum += weight * sample;
            weights += weight;
        }
        sum / weights
    }

    /// The pixels on the grid among the four around a position.
    #[cold]
    fn read_of_the_four(self, place: &NativePosition) -> [Option<usize>; 4] {
        [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(dc, dr)| {
            let (c, r) = (i64::from(place.corner.0) + dc, i64::from(place.corner.1) + dr);
            self.on_grid(c, r).then(|| self.index(c, r))
        })
    }
}

/// Bilinear over four valid pixels.
fn four(place: &NativePosition, samples: &[f32], stride: usize) -> f64 {
    let (fx, fy) = place.share;
    let across = |first: usize| {
        let pair = &samples[first..][..2];
        let (left, right) = (f64::from(pair[0]), f64::from(pair[1]));
        left + (right - left) * fx
    };
    let (upper, lower) = (across(place.first as usize), across(place.first as usize + stride));
    upper + (lower - upper) * fy
}

/// Cubic over 4 × 4 valid pixels.
fn sixteen(
    place: &NativePosition,
    (across, down): &([f64; 4], [f64; 4]),
    samples: &[f32],
    stride: usize,
) -> f64 {
    let first = place.first as usize - stride - 1;
    let mut sum = 0.0;
    for (r, down) in down.iter().enumerate() {
        let line = &samples[first + r * stride..][..4];
        let term = |k: usize| across[k] * f64::from(line[k]);
        sum += down * ((term(0) + term(1)) + (term(2) + term(3)));
    }
    sum
}

/// Weights of the pixels at −1, 0, 1 and 2 for a position `t` in [0, 1]: R. G. Keys, "Cubic convolution
/// interpolation for digital image processing", IEEE Trans. ASSP 29 (1981), equation 15 (a = −½).
fn keys(t: f64) -> [f64; 4] {
    let (t2, t3) = (t * t, t * t * t);
    [-0.5 * t3 + t2 - 0.5 * t, 1.5 * t3 - 2.5 * t2 + 1.0, -1.5 * t3 + 2.0 * t2 + 0.5 * t, 0.5 * t3 - 0.5 * t2]
}

/// To `f32` so that a later rounding to whole numbers gives what rounding the `f64` would have given.
///
/// Rounding twice to nearest does not: 20000.4999 becomes 20000.5 in `f32`, then 20001. A value between two
/// `f32`s becomes the one whose last bit is 1, which is never a whole number or a half (below 2^22):
/// S. Boldo, G. Melquiond, "Emulation of FMA and correctly rounded sums: proved algorithms using rounding to
/// odd", IEEE Trans. Computers 57 (2008). Before, the last 9 of 52 bits are rounded off: a value that near to
/// an `f32` is that number with the noise of its sum, as in an area of equal pixels.
fn round_to_odd(value: f64) -> f32 {
    const NOISE: u64 = (1 << 9) - 1;
    /// The bits that an `f64` has and an `f32` has not.
    const REST: u64 = (1 << 29) - 1;
    let bits = value.to_bits().wrapping_add(1 << 8) & !NOISE;
    // The carry into the last bit that stays is 1 unless the rest is 0.
    let carry = ((bits & REST) + REST) & (REST + 1);
    f64::from_bits((bits & !REST) | carry) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_to_odd_and_then_to_whole_is_rounding_once() {
        for value in [20_000.499_9, 20_000.500_1, 40_000.499_999, -40_000.499_999, 0.499_999_999_9, 1e-30] {
            assert_eq!(f64::from(round_to_odd(value)).round(), f64::round(value), "{value}");
        }
    }

    #[test]
    fn exact_values_stay_and_noise_goes() {
        for value in [0.0_f32, 1000.0, -0.1, 65_535.0, f32::MAX, f32::INFINITY] {
            assert_eq!(round_to_odd(f64::from(value)), value);
        }
        assert_eq!(round_to_odd(1000.0 * (1.0 + 4e-16)), 1000.0);
        assert!(round_to_odd(f64::NAN).is_nan());
        assert_eq!(round_to_odd(1.0 + 1e-9), f32::from_bits(1.0_f32.to_bits() + 1));
        assert_eq!(round_to_odd(-1.0 - 1e-9), f32::from_bits((-1.0_f32).to_bits() + 1));
    }

    #[test]
    fn cubic_weights_sum_to_one_and_meet_the_pixels() {
        assert_eq!(keys(0.0), [0.0, 1.0, 0.0, 0.0]);
        assert_eq!(keys(1.0), [0.0, 0.0, 1.0, 0.0]);
        assert_eq!(keys(0.5), [-0.0625, 0.5625, 0.5625, -0.0625]);
    }

    #[test]
    fn the_pair_around_a_position_holds_its_pixel() {
        assert_eq!(around(3.0, 3), (2, 0.5));
        assert_eq!(around(3.5, 3), (3, 0.0));
        let (first, share) = around(3.0_f64.next_down(), 2);
        assert!(first == 2 && share < 0.5);
    }
}
