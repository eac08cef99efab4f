//! `linear-in-time`: a fill strategy for compose that interpolates between the looks before and after a day.
//!
//! For a day between two looks, value = before + (after − before) · days since before / days between.

mod looks;

use compose_plugin::{
    About, COMPUTED, Choice, DataPlane, Error, Fill, FillInput, FillOutput, FillPlan, Host, Level, Stack,
};
use looks::{Answer, Looks};

compose_plugin::settings! {
    /// Settings of `linear-in-time`.
    pub struct Settings {
        /// The most days between the look before and the look after; where there are more, the gap is left. No
        /// limit where it is not said.
        max_gap_days: Option<i64>, in 1..;
        /// What becomes of a gap that only looks before, or only looks after, see: it is left, or the nearest look
        /// is copied.
        ends: Choice = "leave", of ["leave", "nearest"];
    }
}

/// Interpolates between the looks before and after.
pub struct LinearInTime {
    settings: Settings,
    target_day: i32,
}

impl Fill for LinearInTime {
    type Settings = Settings;

    const ABOUT: About = About {
        id: "linear-in-time",
        version: env!("CARGO_PKG_VERSION"),
        summary: "Interpolates linearly between the nearest look before and the nearest look after the target's day.",
        page: Some(include_str!("../README.md")),
    };

    fn new(settings: Settings) -> Result<Self, Error> {
        Ok(LinearInTime { settings, target_day: 0 })
    }

    fn plan(&mut self, stack: &Stack<'_>, plan: &mut FillPlan<'_>) -> Result<(), Error> {
        self.target_day = stack.target_day().ok_or(
            "there is no day to interpolate for: say scene or date in [target]; a scene must have a date",
        )?;
        let mut donors = Vec::new();
        for (index, scene) in stack.scenes().enumerate().filter(|(index, _)| Some(*index) != stack.target()) {
            match scene.day() {
                Some(day) => donors.push((day.abs_diff(self.target_day), index)),
                None => {
                    plan.log(Level::Warning, &format!("scene {} has no date and is left out", scene.id()))
                }
            }
        }
        // The nearest first; of two that are equally near, the one that comes first in the stack.
        donors.sort();
        plan.donors(donors.into_iter().map(|(_, index)| index))
    }

    fn fill(&self, input: &FillInput<'_>, out: &mut FillOutput<'_>, host: &Host<'_>) -> Result<(), Error> {
        let looks = self.looks(input)?;
        for plane in 0..input.gap_count() {
            // One plane of gaps speaks for all bands, or each for its own.
            let bands = if input.gap_count() == 1 { 0..input.band_count() } else { plane..plane + 1 };
            let samples: Vec<_> = bands.clone().map(|band| input.looks(band)).collect::<Result<_, _>>()?;
            for row in 0..input.height() {
                host.check_cancelled()?;
                let answers = answer_row(&looks, &samples[0], input.gaps(plane).row(row), row);
                for (band, samples) in bands.clone().zip(&samples) {
                    write_row(&answers, samples, row, out.band_row(band, row));
                }
            }
        }
        Ok(())
    }
}

impl LinearInTime {
    /// When the donors of a block were taken: some of those that were planned may not reach it.
    fn looks(&self, input: &FillInput<'_>) -> Result<Looks, Error> {
        let day = |day: i32| i64::from(day) - i64::from(self.target_day);
        let days =
            input.donors().map(|donor| donor.scene().day().map(day).ok_or("a donor has lost its date"));
        Ok(Looks {
            days: days.collect::<Result<_, _>>()?,
            max_gap_days: self.settings.max_gap_days,
            takes_nearest: self.settings.ends == "nearest",
        })
    }
}

/// What becomes of the pixels of a row, as far as they are gaps. All bands of `samples` are valid alike.
fn answer_row(looks: &Looks, samples: &[DataPlane<'_>], gaps: &[u8], row: usize) -> Vec<(usize, Answer)> {
    let valid: Vec<_> = samples.iter().map(|plane| plane.valid_row(row)).collect();
    let gaps = gaps.iter().enumerate().filter(|(_, gap)| **gap == 1);
    gaps.map(|(col, _)| (col, looks.answer(|donor| valid[donor][col] == 1))).collect()
}

fn write_row(
    answers: &[(usize, Answer)],
    samples: &[DataPlane<'_>],
    row: usize,
    (values, sources): (&mut [f32], &mut [u32]),
) {
    let rows: Vec<_> = samples.iter().map(|plane| plane.row(row)).collect();
    for &(col, answer) in answers {
        match answer {
            // Sources say "gap" from the beginning.
            Answer::Leave => {}
            // compose copies the sample itself, so that not a bit of it changes.
            Answer::Copy(donor) => sources[col] = donor as u32,
            Answer::Between { before, after, share } => {
                let (before, after) = (f64::from(rows[before][col]), f64::from(rows[after][col]));
                values[col] = (before + (after - before) * share) as f32;
                sources[col] = COMPUTED;
            }
        }
    }
}

compose_plugin::export! { mask_rules: [], scores: [], fills: [LinearInTime] }
