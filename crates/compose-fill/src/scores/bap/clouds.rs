//! The distance of a pixel from the clouds of the quality band.

use super::distance::{Columns, Reach};
use compose_core::quality::CodeTest;
use compose_core::suggest::did_you_mean;
use compose_core::{Grid, KindError, Layout, SceneFacts};
use ndarray::{Array2, ArrayView2};

/// The farthest that is looked, in pixels: more is a slip of the unit, and the halo would swallow the scene.
const FARTHEST_PX: f64 = 10_000.0;

/// Pixels whose codes are compared at a time.
const PIECE: usize = 32;
/// The reason why an array can be taken as a slice.
const STANDARD: &str = "an array in standard layout";

/// A distance as the rules file states it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Length {
    Pixels(f64),
    Metres(f64),
}

impl Length {
    /// Reads `"3000 m"` or `"100 px"`.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let (number, unit): (&str, fn(f64) -> Self) = match text.strip_suffix("px") {
            Some(number) => (number, Self::Pixels),
            None => (text.strip_suffix('m')?, Self::Metres),
        };
        let number = number.trim().parse::<f64>().ok()?;
        (number.is_finite() && number > 0.0).then(|| unit(number))
    }

    /// The length, and the reach of it on a grid, in the same unit.
    fn on(self, grid: &Grid) -> Result<(f64, Reach), String> {
        let (length, sides) = match self {
            Self::Pixels(n) => (n, (1.0, 1.0)),
            Self::Metres(n) => {
                let why = "the pixels have no fixed size in metres; say required-distance in pixels, such as \"100 px\"";
                (n, grid.pixel_metres().ok_or(why)?)
            }
        };
        let pixels = length / sides.0.min(sides.1);
        if pixels > FARTHEST_PX {
            return Err(format!("required-distance is {pixels:.0} px here, longer than {FARTHEST_PX} px"));
        }
        Ok((length, Reach::new(length, sides)))
    }
}

/// The band that marks clouds, and the distance from which on they do no harm.
#[derive(Clone, Debug)]
pub(super) struct Clouds {
    /// Index of the quality band.
    pub band: usize,
    tests: Vec<CodeTest>,
    required: f64,
    pub reach: Reach,
}

impl Clouds {
    /// # Errors
    /// A scene without a quality band, a layout that is not known, a flag that it lacks, metres without a size.
    pub fn bind(flags: &[String], required: Length, scene: &SceneFacts) -> Result<Self, KindError> {
        let band = scene.quality.ok_or_else(|| {
            KindError::new("the scene has no quality band; say quality and layout in [scenes]")
                .about("clouds")
        })?;
        let facts = &scene.bands[band];
        let layout = facts.layout.ok_or_else(|| {
            KindError::new(format!("the layout of {} is unknown; say it in [scenes]", facts.name))
                .about("clouds")
        })?;
        if let (Some((first, last)), Some(day)) = (layout.silent, scene.day)
            && (first..=last).contains(&day)
        {
            let message = format!(
                "{} is empty in every scene from {first} to {last}, and this one is of {day}",
                facts.name
            );
            return Err(KindError::new(message).about("clouds"));
        }
        let test = |flag: &String| {
            flag_test(flag, layout, &facts.name).map_err(|e| KindError::new(e).about("clouds"))
        };
        let tests = flags.iter().map(test).collect::<Result<_, _>>()?;
        let (required, reach) =
            required.on(&facts.grid).map_err(|e| KindError::new(e).about("required-distance"))?;
        Ok(Self { band, tests, required, reach })
    }

    /// What the scores of a window are found from: the distances from its clouds along the columns; `None` if it has none.
    pub fn along_columns(&self, codes: ArrayView2<'_, u32>, inside: ArrayView2<'_, u8>) -> Option<Columns> {
        let mut clouds = Array2::from_elem(codes.dim(), false);
        let (codes, inside) = (codes.as_standard_layout(), inside.as_standard_layout());
        let (codes, inside) = (codes.as_slice().expect(STANDARD), inside.as_slice().expect(STANDARD));
        // Neighbours mostly have the same code.
        let mut last = (0, self.is_cloud(0));
        let mut any = false;
        let pieces = clouds.as_slice_mut().expect(STANDARD).chunks_mut(PIECE);
        for ((clouds, codes), inside) in pieces.zip(codes.chunks(PIECE)).zip(inside.chunks(PIECE)) {
            let same = codes.iter().fold(true, |same, code| same & (*code == last.0));
            if same && !last.1 {
                continue;
            }
            for ((cloud, code), inside) in clouds.iter_mut().zip(codes).zip(inside) {
                if last.0 != *code {
                    last = (*code, self.is_cloud(*code));
                }
                *cloud = last.1 && *inside != 0;
                any |= *cloud;
            }
        }
        any.then(|| self.reach.along_columns(&clouds))
    }

    /// The scores, 0 to 1, of the pixels of a row that lie at least the reach inside of each edge. The row is counted from
    /// the first such row.
    pub fn scores(&self, columns: Option<&Columns>, row: usize, scores: &mut [f64]) {
        // From here on the score does not grow.
        let far = score(self.required, self.required);
        let Some(columns) = columns else { return scores.fill(far) };
        columns.distances(row, scores);
        for of in scores {
            *of = if *of < self.required { score(*of, self.required) } else { far };
        }
    }

    fn is_cloud(&self, code: u32) -> bool {
        self.tests.iter().any(|test| test.takes(code))
    }
}

/// The score at a distance from the nearest cloud: P. Griffiths et al. 2013 (doi:10.1109/JSTARS.2012.2228167), with the
/// numbers of FORCE (David Frantz).
pub(super) fn score(distance: f64, required: f64) -> f64 {
    1.0 / (1.0 + (-10.0 / required * (distance.min(required) - required / 2.0)).exp())
}

fn flag_test(flag: &str, layout: &Layout, band: &str) -> Result<CodeTest, String> {
    layout.flag(flag).ok_or_else(|| {
        let flags = layout.flags();
        let hint = did_you_mean(flag, flags.iter().copied());
        let separator = if hint.is_empty() { ";" } else { "" };
        format!("{band} has no flag \"{flag}\"{hint}{separator} flags: {}", flags.join(", "))
    })
}
