//! Fill strategies over a stack whose every pixel is a gap.

use crate::stack::{Noise, block, grid, scene};
use crate::{Size, Work};
use compose_core::{
    Block, BoundFill, Canvas, Cast, DataType, Day, Donor, FillInput, GAP, SceneFacts, SettingsTable,
    StackFacts, Temporal, ValidityMode, Window,
};
use std::sync::Arc;
use toml::de::DeTable;

/// What is measured from; no two scenes are equally near.
const TARGET_DAY: i32 = 61;

/// The plain way to the pixel of one band from the samples of the donors that see it, in order of donors.
type Plain = fn(&mut Vec<f32>) -> f64;

pub(crate) struct Fill {
    bound: Arc<dyn BoundFill>,
    blocks: Vec<Block>,
    canvas: Canvas,
    plain: Plain,
}

pub(crate) fn median(dates: usize, mode: ValidityMode, size: Size) -> Fill {
    Fill::new("median-stack", dates, mode, size, |seen| {
        seen.sort_by(f32::total_cmp);
        (f64::from(seen[(seen.len() - 1) / 2]) + f64::from(seen[seen.len() / 2])) / 2.0
    })
}

pub(crate) fn mean(dates: usize, size: Size) -> Fill {
    Fill::new("mean-stack", dates, ValidityMode::PerBand, size, |seen| {
        seen.iter().map(|v| f64::from(*v)).sum::<f64>() / seen.len() as f64
    })
}

pub(crate) fn nearest_date(dates: usize, size: Size) -> Fill {
    Fill::new("nearest-date", dates, ValidityMode::Joint, size, |seen| f64::from(seen[0]))
}

impl Fill {
    fn new(strategy: &str, dates: usize, mode: ValidityMode, size: Size, plain: Plain) -> Self {
        let grid = grid(size.side);
        let scenes: Vec<SceneFacts> =
            (0..dates).map(|nth| scene(nth, 10 * nth as i32, &grid, size)).collect();
        let stack = StackFacts {
            target: None,
            target_day: Some(Day(TARGET_DAY)),
            scenes: &scenes,
            grid: &grid,
            validity: mode,
        };
        let kind = compose_fill::KINDS.iter().find(|k| k.name == strategy).expect("a strategy that is known");
        let settings =
            (kind.parse)(&SettingsTable::new(0..0, DeTable::new()), &[]).expect("no settings are needed");
        let bound = settings.bind(&stack).expect("every scene has a date");
        let bound = bound.without_survey().expect("a strategy that needs no survey");
        let noise = &mut Noise(1);
        let shape = (size.side, size.side);
        let blocks = (0..dates).map(|_| block(mode, size.bands, shape, noise)).collect();
        let cast = Cast { dtype: DataType::UInt16, nodata: Some(0.0) };
        let canvas = Canvas::new(Window::whole(size.side, size.side), size.bands, mode, cast);
        Self { bound, blocks, canvas, plain }
    }

    /// Numbers of the donors, in the order in which the strategy takes them.
    fn order(&self) -> Vec<usize> {
        self.bound.donors().iter().map(|donor| donor.scene).collect()
    }
}

impl Work for Fill {
    fn fast(&mut self) {
        self.canvas.source.fill(GAP);
        let donor = |scene: usize| Donor {
            scene,
            day: Some(Day(10 * scene as i32)),
            block: &self.blocks[scene],
            exact: true,
            score: None,
        };
        let donors: Vec<Donor<'_>> = self.order().into_iter().map(donor).collect();
        let window = self.canvas.window;
        let turns: Vec<&[Donor<'_>]> = match self.bound.needs().temporal {
            Temporal::OneByOne => donors.chunks(1).collect(),
            Temporal::WholeStack | Temporal::FirstObservations(_) => vec![&donors],
        };
        for donors in turns {
            if self.canvas.has_gap() {
                let input = FillInput { window, target: None, donors, observations: None };
                self.bound.fill(&input, &mut self.canvas).expect("a strategy that fails at nothing here");
            }
        }
    }

    fn plain(&mut self) {
        let order = self.order();
        self.canvas.source.fill(GAP);
        let (bands, height, width) = self.canvas.values.dim();
        let planes = self.canvas.planes();
        let mut seen = Vec::new();
        for band in 0..bands {
            let plane = band.min(planes - 1);
            for (row, col) in (0..height).flat_map(|row| (0..width).map(move |col| (row, col))) {
                seen.clear();
                let seeing =
                    order.iter().map(|d| &self.blocks[*d]).filter(|b| b.valid[[plane, row, col]] != 0);
                seen.extend(seeing.map(|b| b.values[[band, row, col]]));
                if !seen.is_empty() {
                    self.canvas.values[[band, row, col]] = self.canvas.cast.computed((self.plain)(&mut seen));
                    self.canvas.source[[plane, row, col]] = 0;
                }
            }
        }
    }

    fn answer(&self) -> Vec<Option<f32>> {
        let planes = self.canvas.planes();
        let filled = |band: usize, row, col| self.canvas.source[[band.min(planes - 1), row, col]] != GAP;
        let all = self.canvas.values.indexed_iter();
        all.map(|((band, row, col), value)| filled(band, row, col).then_some(*value)).collect()
    }

    fn samples(&self) -> usize {
        self.canvas.values.len()
    }
}
