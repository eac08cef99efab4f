//! Round gaps, laid where a scene is clear.

use super::suited::{Unsuited, and_clear};
use compose_core::random;
use ndarray::{Array2, ArrayView2};

/// Pixels that a disc keeps clear of the scene's edge, so that there is truth all around it.
pub const MARGIN: usize = 8;

/// Places that are looked at, at most: enough to find one, few enough for the largest scene.
const PLACES: usize = 20_000;

/// If no place is completely clear, the clearest is taken, provided that this share of it is clear.
const CLEAR_ENOUGH: f64 = 0.9;

/// A disc `diameter` pixels across: pixels whose centres lie within half of it from its centre.
///
/// The seed says where to look first. The first place is taken whose pixels are all clear, those [`MARGIN`] pixels
/// around it included; else the clearest of all that were looked at.
///
/// # Errors
/// It does not fit with its margin, or no place is clear enough.
pub fn disc(clear: ArrayView2<'_, u8>, diameter: usize, seed: u64) -> Result<Array2<u8>, Unsuited> {
    discs(clear, diameter, 1, seed)
}

/// Several discs of one size, as [`disc`]; no two are nearer than [`MARGIN`] pixels.
///
/// # Errors
/// Fewer of them have a place.
pub fn discs(
    clear: ArrayView2<'_, u8>,
    diameter: usize,
    count: usize,
    seed: u64,
) -> Result<Array2<u8>, Unsuited> {
    let mut shape = Array2::zeros(clear.dim());
    let mut laid: Vec<(usize, usize)> = Vec::new();
    let sums = RowSums::of(clear);
    for nth in 0..count {
        let at = place(&sums, diameter, random::number(seed, nth as u64), &laid)
            .map_err(|Unsuited(why)| Unsuited(told(why, nth, count)))?;
        paint(&mut shape, at, diameter);
        laid.push(at);
    }
    Ok(and_clear(shape, clear))
}

fn told(why: String, nth: usize, count: usize) -> String {
    if count == 1 { why } else { format!("{nth} of {count} discs have a place: {why}") }
}

/// The first row and column of a disc's bounding box.
fn place(
    sums: &RowSums,
    diameter: usize,
    seed: u64,
    laid: &[(usize, usize)],
) -> Result<(usize, usize), Unsuited> {
    let (height, width) = sums.size;
    let wide = diameter + 2 * MARGIN;
    if wide > height.min(width) {
        return Err(Unsuited(format!(
            "a disc of {diameter} pixels with {MARGIN} around it does not fit into {height} × {width}"
        )));
    }
    let (rows, cols) = (height - wide + 1, width - wide + 1);
    let chords = chords(wide);
    let mut best: Option<(f64, (usize, usize))> = None;
    for (row, col) in walk(rows * cols, seed).map(|at| (at / cols, at % cols)) {
        if laid.iter().any(|other| too_near(*other, (row + MARGIN, col + MARGIN), diameter)) {
            continue;
        }
        let share = sums.share(&chords, (row, col));
        if best.is_none_or(|(most, _)| share > most) {
            best = Some((share, (row + MARGIN, col + MARGIN)));
        }
        if share == 1.0 {
            break;
        }
    }
    match best {
        Some((share, at)) if share >= CLEAR_ENOUGH => Ok(at),
        Some((share, _)) => Err(Unsuited(format!(
            "the clearest place for a disc of {diameter} pixels with {MARGIN} around it is {:.0} % clear, expected {:.0} %",
            (100.0 * share).floor(),
            100.0 * CLEAR_ENOUGH
        ))),
        None => Err(Unsuited(format!("no room for another disc of {diameter} pixels"))),
    }
}

/// Whether two discs of one size overlap or have fewer than [`MARGIN`] pixels between them.
fn too_near(a: (usize, usize), b: (usize, usize), diameter: usize) -> bool {
    a.0.abs_diff(b.0).pow(2) + a.1.abs_diff(b.1).pow(2) < (diameter + MARGIN).pow(2)
}

/// Numbers below `count`, each at most once, from one that the seed chooses: all of them where there are no more
/// than [`PLACES`]. Steps of the golden section spread evenly however many are taken.
fn walk(count: usize, seed: u64) -> impl Iterator<Item = usize> {
    let start = (random::number(seed, 0) % count as u64) as usize;
    let golden = (count as f64 * 0.618_033_988_749_895) as usize;
    // Without a common divisor, no number comes twice before all have come.
    let step = (golden.max(1)..).find(|step| divisor(*step, count) == 1).unwrap_or(1) % count.max(2);
    std::iter::successors(Some(start), move |at| Some((at + step) % count)).take(count.min(PLACES))
}

/// The greatest common divisor.
fn divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { divisor(b, a % b) }
}

/// First and last column (one past it) of each row of a disc in its bounding box. Twice the distance of a pixel's
/// centre from the disc's is a whole number: no rounding decides.
fn chords(diameter: usize) -> Vec<(usize, usize)> {
    let off = |at: usize| (2 * at + 1).abs_diff(diameter);
    let within = |row: usize, col: usize| off(row).pow(2) + off(col).pow(2) <= diameter.pow(2);
    (0..diameter)
        .map(|row| {
            let first = (0..diameter).find(|col| within(row, *col)).unwrap_or(diameter / 2);
            (first, diameter - first)
        })
        .collect()
}

fn paint(shape: &mut Array2<u8>, (top, left): (usize, usize), diameter: usize) {
    for (row, (from, to)) in chords(diameter).into_iter().enumerate() {
        (from..to).for_each(|col| shape[[top + row, left + col]] = 1);
    }
}

/// The number of clear pixels of each row before a column.
struct RowSums {
    size: (usize, usize),
    sums: Array2<u32>,
}

impl RowSums {
    fn of(clear: ArrayView2<'_, u8>) -> Self {
        let (height, width) = clear.dim();
        let mut sums = Array2::zeros((height, width + 1));
        for (clear, mut sums) in clear.outer_iter().zip(sums.outer_iter_mut()) {
            for (col, clear) in clear.iter().enumerate() {
                sums[col + 1] = sums[col] + u32::from(*clear != 0);
            }
        }
        Self { size: (height, width), sums }
    }

    /// The clear share of a disc at this row and column.
    fn share(&self, chords: &[(usize, usize)], (top, left): (usize, usize)) -> f64 {
        let (mut clear, mut all) = (0, 0);
        for (row, (from, to)) in chords.iter().enumerate() {
            clear += u64::from(self.sums[[top + row, left + to]] - self.sums[[top + row, left + from]]);
            all += (to - from) as u64;
        }
        clear as f64 / all as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::s;
    use std::collections::HashSet;

    /// First and last marked row, then column.
    fn bounds(hidden: &Array2<u8>) -> [usize; 4] {
        let marked: Vec<_> = hidden.indexed_iter().filter(|(_, h)| **h != 0).map(|(at, _)| at).collect();
        let of = |axis: fn(&(usize, usize)) -> usize| {
            (marked.iter().map(axis).min().unwrap(), marked.iter().map(axis).max().unwrap())
        };
        let ((top, bottom), (left, right)) = (of(|at| at.0), of(|at| at.1));
        [top, bottom, left, right]
    }

    #[test]
    fn a_disc_is_as_wide_and_as_high_as_asked_and_keeps_its_margin() {
        for diameter in [1, 2, 3, 40, 41, 160] {
            for seed in 0..5 {
                let hidden = disc(Array2::ones((180, 200)).view(), diameter, seed).unwrap();
                let [top, bottom, left, right] = bounds(&hidden);
                assert_eq!((bottom + 1 - top, right + 1 - left), (diameter, diameter));
                assert!(top >= 8 && left >= 8 && bottom < 172 && right < 192, "{diameter} {seed}");
            }
        }
        let area = disc(Array2::ones((180, 200)).view(), 160, 1).unwrap().mapv(u32::from).sum();
        assert!((f64::from(area) / (std::f64::consts::PI * 6400.0) - 1.0).abs() < 0.005, "{area}");
    }

    #[test]
    fn seeds_choose_places() {
        let clear = Array2::ones((100, 100));
        let places: HashSet<_> = (0..10).map(|seed| bounds(&disc(clear.view(), 20, seed).unwrap())).collect();
        assert!(places.len() > 8);
        assert_eq!(disc(clear.view(), 20, 3), disc(clear.view(), 20, 3));
    }

    #[test]
    fn the_only_clear_place_is_found() {
        let mut clear = Array2::zeros((100, 100));
        clear.slice_mut(s![31..67, 50..86]).fill(1);
        assert_eq!(bounds(&disc(clear.view(), 20, 9).unwrap()), [39, 58, 58, 77]);
    }

    #[test]
    fn a_disc_that_does_not_fit_says_why() {
        let told =
            |clear: &Array2<u8>, diameter, count| discs(clear.view(), diameter, count, 1).unwrap_err().0;
        assert_eq!(
            told(&Array2::ones((50, 200)), 40, 1),
            "a disc of 40 pixels with 8 around it does not fit into 50 × 200"
        );
        let mut clear = Array2::ones((60, 60));
        clear.slice_mut(s![.., ..;2]).fill(0);
        assert_eq!(
            told(&clear, 40, 1),
            "the clearest place for a disc of 40 pixels with 8 around it is 50 % clear, expected 90 %"
        );
        assert_eq!(
            told(&Array2::ones((56, 56)), 40, 2),
            "1 of 2 discs have a place: no room for another disc of 40 pixels"
        );
    }

    #[test]
    fn discs_keep_away_from_each_other() {
        let clear = Array2::ones((120, 120));
        let hidden = discs(clear.view(), 20, 6, 5).unwrap();
        let one = disc(clear.view(), 20, 5).unwrap();
        assert_eq!(hidden.mapv(u32::from).sum(), 6 * one.mapv(u32::from).sum());
    }

    #[test]
    fn a_walk_meets_every_place_once_where_there_are_few() {
        for count in [1, 2, 3, 10, 97, 100, 19_999] {
            let seen: HashSet<usize> = walk(count, 11).collect();
            assert_eq!(seen.len(), count);
        }
        assert_eq!(walk(1_000_000, 1).collect::<HashSet<_>>().len(), PLACES);
    }
}
