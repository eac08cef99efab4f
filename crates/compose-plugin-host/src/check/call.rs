//! One look at a window: what is shown to a kind, and what it answers.

use super::buffers::{MemoryLayout, ReadPlane};
use super::fixtures::Fixture;
use super::random;
use crate::planes::Sample;
use compose_core::{BandRole, Grid, Window};
use compose_plugin::abi;
use std::io;

/// The input of a call.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub window: Window,
    /// The layout of data, validity and outputs in memory.
    pub lay: [MemoryLayout; 3],
    pub beyond: Surroundings,
    pub invalid: Invalid,
    pub shown: ValidityPattern,
    pub gaps: Gaps,
    /// The number of repeated calls, which must give the same answer.
    pub repeat: usize,
}

/// The content of memory around the pixels that may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surroundings {
    Nothing,
    Bright,
    Mixed,
}

/// Samples that are not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalid {
    Stored,
    NotANumber,
    Infinite,
    Huge,
    Noise,
}

impl Invalid {
    pub fn describe(self) -> &'static str {
        match self {
            Self::Stored => "ordinary numbers",
            Self::NotANumber => "NaN",
            Self::Infinite => "infinite numbers",
            Self::Huge => "huge numbers",
            Self::Noise => "random numbers",
        }
    }
}

/// The amount of valid pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValidityPattern {
    All,
    /// A few valid pixels far from each other.
    Sparse,
    /// Pixels, none of which is valid.
    NothingValid,
    /// No donor.
    NoDonor,
    /// All but the donor of this index in the plan.
    Without(usize),
    /// All, but the donor of this index in the plan sees nothing.
    Blind(usize),
}

/// The gaps among the pixels that may be gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gaps {
    All,
    Some(u64),
    One,
}

impl Call {
    pub fn of(window: Window) -> Self {
        let lay = MemoryLayout { pad: 0, margin: 2, fenced: false };
        Self {
            window,
            lay: [lay; 3],
            beyond: Surroundings::Nothing,
            invalid: Invalid::Stored,
            shown: ValidityPattern::All,
            gaps: Gaps::All,
            repeat: 0,
        }
    }

    pub fn with_beyond(self, beyond: Surroundings) -> Self {
        // Far enough for whoever looks a good deal too far.
        let lay = self.lay.map(|lay| MemoryLayout { margin: 40, ..lay });
        Self { lay, beyond, ..self }
    }

    pub fn with_pads(self, data: usize, valid: usize, out: usize) -> Self {
        let [a, b, c] = self.lay;
        Self {
            lay: [
                MemoryLayout { pad: data, ..a },
                MemoryLayout { pad: valid, ..b },
                MemoryLayout { pad: out, ..c },
            ],
            ..self
        }
    }

    pub fn fenced(self) -> Self {
        Self { lay: self.lay.map(|lay| MemoryLayout { fenced: true, ..lay }), ..self }
    }
}

/// The output of a kind without its halo.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub window: Window,
    pub planes: Vec<Vec<Cell>>,
}

/// The output for one pixel.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// It does not count.
    Any,
    Mark(u8),
    Score(f32),
    Gap,
    /// The pixel of the donor of this index in the plan.
    Donor(usize),
    Computed(Vec<f32>),
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => f.write_str("anything"),
            Self::Mark(mark) => write!(f, "{mark}"),
            Self::Score(score) => write!(f, "{score}"),
            Self::Gap => f.write_str("a gap"),
            Self::Donor(donor) => write!(f, "donor {donor}'s pixel"),
            Self::Computed(values) => write!(f, "computed {values:?}"),
        }
    }
}

impl Answer {
    /// The first place at which both answers count and differ.
    pub fn differs(&self, other: &Self) -> Option<String> {
        let common = self.window.intersect(other.window)?;
        for (mine, theirs) in self.planes.iter().zip(&other.planes) {
            for row in common.row..common.row_end() {
                for col in common.col..common.col_end() {
                    let (a, b) =
                        (&mine[place(self.window, col, row)], &theirs[place(other.window, col, row)]);
                    if *a != Cell::Any && *b != Cell::Any && a != b {
                        return Some(format!("at column {col}, row {row} {a} and then {b}"));
                    }
                }
            }
        }
        None
    }
}

fn place(window: Window, col: i64, row: i64) -> usize {
    (row - window.row) as usize * window.width + (col - window.col) as usize
}

/// A band's pixels, and where they are valid.
pub struct Look {
    samples: Samples,
    valid: ReadPlane<u8>,
    band: usize,
}

enum Samples {
    Data(ReadPlane<f32>),
    Codes(ReadPlane<u32>),
}

impl Look {
    /// The plane as the other side sees it; `valid` may be that of another look.
    pub fn plane(&self, halo: usize, valid: &Self) -> abi::Plane {
        let (data, stride, kind) = match &self.samples {
            Samples::Data(slab) => (slab.at(halo).cast(), slab.stride_bytes(), f32::KIND),
            Samples::Codes(slab) => (slab.at(halo).cast(), slab.stride_bytes(), u32::KIND),
        };
        let (valid_at, valid_stride) = (valid.valid.at(halo), valid.valid.stride_bytes());
        abi::Plane { data, valid: valid_at, stride, valid_stride, kind, band: self.band as u32 }
    }

    pub fn is_valid(&self, halo: usize, row: usize, col: usize) -> bool {
        self.valid.get(row + halo, col + halo) == 1
    }

    /// All there is, bit for bit.
    pub fn bytes(&self) -> [Vec<u8>; 2] {
        let samples = match &self.samples {
            Samples::Data(slab) => slab.bytes(),
            Samples::Codes(slab) => slab.bytes(),
        };
        [samples, self.valid.bytes()]
    }
}

/// The planes that a look shows: a band of a scene on a grid.
pub struct Subject<'a> {
    pub fixture: &'a Fixture,
    pub scene: usize,
    pub band: usize,
    /// The grid of the planes.
    pub grid: &'a Grid,
    pub halo: usize,
    /// Whether masked pixels are not valid, as strategies see them.
    pub masked: bool,
}

/// Makes the planes of a band for a call.
pub fn look(at: &Subject<'_>, call: &Call) -> io::Result<Look> {
    let facts = &at.fixture.scenes[at.scene].bands[at.band];
    let tile = at.fixture.tile(at.scene, at.band);
    let seen = at.masked.then(|| at.fixture.seen(at.scene, at.band));
    let reach = call.window.expand(at.halo);
    // Bands of another resolution are brought onto the grid by nearest neighbour.
    let columns =
        nearest(reach.col, reach.width, (at.grid.transform.dx, facts.grid.transform.dx), facts.grid.width);
    let rows =
        nearest(reach.row, reach.height, (at.grid.transform.dy, facts.grid.transform.dy), facts.grid.height);
    let place = |row: usize, col: usize| Some(rows[row]? * facts.grid.width + columns[col]?);
    let shown = |row: usize, col: usize| match call.shown {
        ValidityPattern::All
        | ValidityPattern::NoDonor
        | ValidityPattern::Without(_)
        | ValidityPattern::Blind(_) => true,
        ValidityPattern::Sparse => random::at(5, reach.col + col as i64, reach.row + row as i64) < 0.02,
        ValidityPattern::NothingValid => false,
    };
    let valid = |row: usize, col: usize| -> bool {
        shown(row, col) && place(row, col).is_some_and(|p| seen.map_or(tile.valid[p], |seen| seen[p]) == 1)
    };
    let size = (reach.height, reach.width);
    let samples = match facts.role {
        BandRole::Data => {
            let sample = |row: usize, col: usize| match (valid(row, col), place(row, col)) {
                (true, Some(p)) => tile.values[p],
                (_, p) => invalid(call.invalid, p.map_or(0.0, |p| tile.values[p]), row * 8191 + col),
            };
            Samples::Data(ReadPlane::new(size, call.lay[0], sample, |n| beyond(call.beyond, n).0)?)
        }
        BandRole::Quality => {
            let code = |row: usize, col: usize| match (valid(row, col), place(row, col)) {
                (true, Some(p)) => tile.codes[p],
                (_, p) => invalid_code(call.invalid, p.map_or(0, |p| tile.codes[p]), row * 8191 + col),
            };
            Samples::Codes(ReadPlane::new(size, call.lay[0], code, |n| beyond(call.beyond, n).1)?)
        }
    };
    let valid = ReadPlane::new(
        size,
        call.lay[1],
        |row, col| u8::from(valid(row, col)),
        |n| beyond(call.beyond, n).2,
    )?;
    Ok(Look { samples, valid, band: at.band })
}

/// The pixels of a band under those of a grid that shares its corner; `None` outside.
fn nearest(first: i64, count: usize, (to, from): (f64, f64), size: usize) -> Vec<Option<usize>> {
    let one = |n: i64| {
        let place = ((n as f64 + 0.5) * to / from).floor();
        (place >= 0.0 && place < size as f64).then_some(place as usize)
    };
    (first..first + count as i64).map(one).collect()
}

fn invalid(kind: Invalid, stored: f32, n: usize) -> f32 {
    match kind {
        Invalid::Stored => stored,
        Invalid::NotANumber => f32::NAN,
        Invalid::Infinite => {
            if n.is_multiple_of(2) {
                f32::INFINITY
            } else {
                f32::NEG_INFINITY
            }
        }
        Invalid::Huge => f32::MAX,
        Invalid::Noise => (random::at(3, n as i64, 0) * 65_535.0) as f32,
    }
}

fn invalid_code(kind: Invalid, stored: u32, n: usize) -> u32 {
    match kind {
        Invalid::Stored => stored,
        Invalid::NotANumber | Invalid::Infinite => 0,
        Invalid::Huge => u32::MAX,
        Invalid::Noise => random::mixed(n as u64) as u32,
    }
}

/// Sample, code and validity of what may not be read.
fn beyond(kind: Surroundings, n: usize) -> (f32, u32, u8) {
    let random = random::at(11, n as i64, 0);
    match kind {
        Surroundings::Nothing => (0.0, 0, 0),
        Surroundings::Bright => ((30_000.0 + 30_000.0 * random) as f32, 22_280, 1),
        Surroundings::Mixed => {
            ((20_000.0 * random) as f32, random::mixed(n as u64) as u32 & 0xFFFF, u8::from(random < 0.5))
        }
    }
}

/// 1 where a plane of the result has a gap.
pub fn gaps(fixture: &Fixture, plane: usize, call: &Call) -> io::Result<ReadPlane<u8>> {
    let window = call.window;
    let seen = fixture.target.map(|target| fixture.seen(target, plane));
    let grid = &fixture.scenes[0].grid;
    let open = |col: i64, row: i64| {
        let inside = (0..grid.width as i64).contains(&col) && (0..grid.height as i64).contains(&row);
        !(inside && seen.is_some_and(|seen| seen[row as usize * grid.width + col as usize] == 1))
    };
    // One gap must be where there may be one.
    let first = (0..window.width * window.height)
        .map(|p| (window.col + (p % window.width) as i64, window.row + (p / window.width) as i64))
        .skip(window.width * (window.height / 2))
        .find(|(col, row)| open(*col, *row));
    let gap = |row: usize, col: usize| {
        let (col, row) = (window.col + col as i64, window.row + row as i64);
        u8::from(
            open(col, row)
                && match call.gaps {
                    Gaps::All => true,
                    Gaps::Some(seed) => random::at(seed, col, row) < 0.4,
                    Gaps::One => first == Some((col, row)),
                },
        )
    };
    ReadPlane::new((window.height, window.width), MemoryLayout { margin: 0, ..call.lay[1] }, gap, |_| {
        u8::GUARD
    })
}
