//! What the built-in mean-stack does, as a plugin: for measuring what the border costs.

use compose_plugin::{
    About, COMPUTED, DataPlane, Error, Fill, FillInput, FillOutput, FillPlan, GAP, Gaps, Host, Stack,
};
use multiversion::multiversion;

/// Pixels worked on at a time, as in the built-in.
const LANES: usize = 32;

/// The strategy `plain-mean`.
pub struct PlainMean;

impl Fill for PlainMean {
    type Settings = ();

    const ABOUT: About = About {
        id: "plain-mean",
        version: env!("CARGO_PKG_VERSION"),
        summary: "Fills each gap with the mean of all donors that see it.",
        page: None,
    };

    fn new((): ()) -> Result<Self, Error> {
        Ok(Self)
    }

    fn plan(&mut self, _: &Stack<'_>, _: &mut FillPlan<'_>) -> Result<(), Error> {
        Ok(())
    }

    fn fill(&self, input: &FillInput<'_>, out: &mut FillOutput<'_>, host: &Host<'_>) -> Result<(), Error> {
        for band in 0..input.band_count() {
            let (looks, gaps) = (input.looks(band)?, input.gaps(band));
            for row in 0..input.height() {
                host.check_cancelled()?;
                let (values, sources) = out.band_row(band, row);
                mean_row(&looks, &gaps, row, values, sources);
            }
        }
        Ok(())
    }
}

/// Means of a row, a group of pixels at a time; those that are no gaps are not looked at.
#[multiversion(targets("x86_64+avx2", "x86_64+sse4.1"))]
fn mean_row(looks: &[DataPlane<'_>], gaps: &Gaps<'_>, row: usize, values: &mut [f32], sources: &mut [u32]) {
    let rows = values.chunks_mut(LANES).zip(sources.chunks_mut(LANES)).zip(gaps.row(row).chunks(LANES));
    for (nth, ((values, sources), gaps)) in rows.enumerate() {
        if !gaps.contains(&1) {
            continue;
        }
        let (mut sums, mut counts) = ([0.0f64; LANES], [0u32; LANES]);
        for look in looks {
            let at = nth * LANES..nth * LANES + values.len();
            add(&look.row(row)[at.clone()], &look.valid_row(row)[at], &mut sums, &mut counts);
        }
        for (l, (value, source)) in values.iter_mut().zip(sources).enumerate() {
            *value = (sums[l] / f64::from(counts[l])) as f32;
            *source = if counts[l] > 0 { COMPUTED } else { GAP };
        }
    }
}

#[inline(always)]
fn add(samples: &[f32], valid: &[u8], sums: &mut [f64; LANES], counts: &mut [u32; LANES]) {
    let (samples, valid) = (lanes(samples), lanes(valid));
    for l in 0..LANES {
        sums[l] += if valid[l] != 0 { f64::from(samples[l]) } else { 0.0 };
        counts[l] += u32::from(valid[l] != 0);
    }
}

/// The pixels as one group; lanes past the end of the row are zeros.
#[inline(always)]
fn lanes<T: Copy + Default>(pixels: &[T]) -> [T; LANES] {
    pixels.try_into().unwrap_or_else(|_| {
        let mut lanes = [T::default(); LANES];
        lanes[..pixels.len()].copy_from_slice(pixels);
        lanes
    })
}

compose_plugin::export! { mask_rules: [], scores: [], fills: [PlainMean] }
