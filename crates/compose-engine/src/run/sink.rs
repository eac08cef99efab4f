//! Takes finished blocks: image, provenance, pictures, numbers.

use crate::error::EngineError;
use crate::fitted::FittedJob;
use crate::plan::specs::{image_spec, mask_layout, provenance_spec, uncertainty_layout};
use crate::plan::{Job, Picture, Plan};
use crate::run::composed::{Composed, UNDEFINED};
use crate::run::report::{JobReport, Tally};
use compose_core::{Day, GAP, OUTSIDE, STATISTIC, ValidityMode, Window};
use compose_io::files::Drafts;
use compose_io::quicklook::{self, Canvas, LONGEST_SIDE, Sampler, Stretch};
use compose_io::write::{Draft, Holes, Pending, RasterSpec, RasterWriter, WriteOrder};
use ndarray::{Array2, ArrayView2, Axis, Zip};
use std::ops::Range;
use std::path::PathBuf;

/// Takes the blocks of one output in order.
pub struct Sink {
    image: RasterWriter,
    provenance: Option<RasterWriter>,
    uncertainty: Option<RasterWriter>,
    mask: Option<RasterWriter>,
    pictures: Option<Pictures>,
    drafts: Drafts,
    /// Column and row of the grid at which the files begin.
    corner: (i64, i64),
    tally: Tally,
    validity: ValidityMode,
    /// |days| between each scene and the target date.
    ages: Vec<Option<u16>>,
}

impl Sink {
    /// Opens the files of `job` under temporary names.
    pub fn create(plan: &Plan, job: &Job, drafts: &Drafts) -> Result<Self, EngineError> {
        let (files, threads) = (Files { job, come: job.order.composed(), drafts }, plan.memory.compressors);
        let band_ranges = || job.order.band_ranges.clone();
        let provenance =
            job.output.provenance.as_ref().map(|path| provenance_writer(plan, &files, path.clone()));
        let uncertainty = job.output.uncertainty.as_ref().map(|path| {
            let spec = uncertainty_layout(&plan.stack, job, threads, path.clone());
            files.create(spec, band_ranges(), |_| f64::NAN)
        });
        let mask = job.output.mask.as_ref().map(|path| {
            let spec = mask_layout(&plan.stack, job, threads, path.clone());
            files.create(spec, std::iter::once(0..2).collect(), |_| f64::from(UNDEFINED))
        });
        // As gaps are composed.
        let gap = job.cast.nodata.map_or(0.0, |nodata| f64::from(nodata as f32));
        Ok(Self {
            image: files.create(
                image_spec(&plan.stack, job, &plan.plugins, threads),
                band_ranges(),
                |_| gap,
            )?,
            provenance: provenance.transpose()?,
            uncertainty: uncertainty.transpose()?,
            mask: mask.transpose()?,
            pictures: (!job.output.quicklooks.is_empty()).then(|| Pictures::new(plan, job)),
            drafts: drafts.clone(),
            corner: (job.part.col, job.part.row),
            tally: Tally::new(job),
            validity: plan.stack.validity,
            ages: plan.stack.facts.iter().map(|f| age(f.day, job.target_day)).collect(),
        })
    }

    /// Writes one block.
    pub fn take(&mut self, composed: Composed) -> Result<(), EngineError> {
        let window = composed.canvas.window.shift(-self.corner.0, -self.corner.1);
        // Where all bands are judged together, each range of bands brings the same record.
        let is_record = self.validity == ValidityMode::PerBand || composed.wanted.start == 0;
        if is_record {
            self.tally.add(&composed);
        }
        self.image.write_bands(composed.wanted.start, window, composed.canvas.values.view())?;
        if let (Some(writer), Some(sigma)) = (&mut self.uncertainty, &composed.canvas.sigma) {
            writer.write_bands(composed.wanted.start, window, sigma.view())?;
        }
        if let (Some(writer), Some(reasons)) = (&mut self.mask, &composed.reasons) {
            writer.write_bands(0, window, reasons.view())?;
        }
        if let Some(writer) = self.provenance.as_mut().filter(|_| is_record) {
            write_provenance(writer, window, &composed, &self.ages)?;
        }
        if let Some(pictures) = &mut self.pictures {
            pictures.add(&composed, window);
        }
        Ok(())
    }

    /// Closes the files; they wait for their names.
    pub fn finish(self, plan: &Plan, fitted: &FittedJob) -> Result<(Vec<Pending>, JobReport), EngineError> {
        let mut files = Vec::new();
        if let Some(pictures) = self.pictures {
            files.extend(pictures.write(&fitted.job, &self.drafts)?);
        }
        for writer in self.provenance.into_iter().chain(self.uncertainty).chain(self.mask) {
            files.push(writer.finish()?);
        }
        files.push(self.image.finish()?);
        Ok((files, JobReport::new(plan, fitted, &self.tally)))
    }
}

/// How the files of an output are begun.
struct Files<'a> {
    job: &'a Job,
    /// Where blocks are composed, if that is not everywhere.
    come: Option<Vec<Window>>,
    drafts: &'a Drafts,
}

impl Files<'_> {
    /// Tiles lie in the file in the order in which their pixels come. `rest` is what a band holds where no block is
    /// composed.
    fn create(
        &self,
        spec: RasterSpec,
        band_ranges: Vec<Range<usize>>,
        rest: impl Fn(usize) -> f64,
    ) -> Result<RasterWriter, EngineError> {
        let in_files = |windows: &[Window]| windows.iter().map(|of| self.job.in_files(*of)).collect();
        let order = WriteOrder { regions: in_files(&self.job.order.regions), band_ranges };
        let samples = (0..spec.bands.len()).map(rest).collect();
        let holes = self.come.as_ref().map(|come| Holes { come: in_files(come), samples });
        Ok(RasterWriter::create_with(spec, &order, holes.as_ref(), self.drafts)?)
    }
}

fn provenance_writer(plan: &Plan, files: &Files<'_>, path: PathBuf) -> Result<RasterWriter, EngineError> {
    let job = files.job;
    let spec = provenance_spec(&plan.stack, job, &plan.plugins, plan.memory.compressors, path);
    let planes = plan.stack.validity.planes(plan.stack.bands.len());
    let per_plane = spec.bands.len() / planes;
    let band_ranges = match planes {
        1 => std::iter::once(0..per_plane).collect(),
        _ => job.order.band_ranges.iter().map(|t| t.start * per_plane..t.end * per_plane).collect(),
    };
    // The fourth, where there is one, counts clear checks.
    files.create(spec, band_ranges, |band| if band % per_plane < 3 { f64::from(UNDEFINED) } else { 0.0 })
}

fn age(day: Option<Day>, target: Option<Day>) -> Option<u16> {
    let days = day?.distance(target?);
    // 65535 means "undefined": a scene 179 years away is as good as that.
    u16::try_from(days).ok().filter(|d| *d != UNDEFINED)
}

fn write_provenance(
    writer: &mut RasterWriter,
    window: Window,
    composed: &Composed,
    ages: &[Option<u16>],
) -> Result<(), EngineError> {
    let per_plane = if composed.count.is_some() { 4 } else { 3 };
    for plane in 0..composed.canvas.planes() {
        // With one plane for all bands only those of the first range come here.
        let first = (composed.wanted.start + plane) * per_plane;
        writer.write(first, window, composed.source(plane).view())?;
        writer.write(first + 1, window, composed.stage.index_axis(Axis(0), plane))?;
        writer.write(first + 2, window, composed.age(ages, plane).view())?;
        if let Some(count) = &composed.count {
            writer.write(first + 3, window, count.index_axis(Axis(0), plane))?;
        }
    }
    Ok(())
}

/// Every k-th pixel of what the pictures show.
struct Pictures {
    /// The bands for red, green and blue; one band alone is grey.
    bands: Vec<usize>,
    before: Vec<Sampler>,
    has_data: Sampler<u8>,
    masked: Sampler<u8>,
    after: Vec<Sampler>,
    filled: Sampler<u8>,
    source: Sampler<u16>,
}

impl Pictures {
    fn new(plan: &Plan, job: &Job) -> Self {
        let bands = picture_bands(&plan.stack.facts[job.reference()]);
        let (width, height) = (job.part.width, job.part.height);
        let samplers = |n: usize| (0..n).map(|_| Sampler::new(width, height, LONGEST_SIDE)).collect();
        Self {
            before: samplers(bands.len()),
            after: samplers(bands.len()),
            bands,
            has_data: Sampler::new(width, height, LONGEST_SIDE),
            masked: Sampler::new(width, height, LONGEST_SIDE),
            filled: Sampler::new(width, height, LONGEST_SIDE),
            source: Sampler::new(width, height, LONGEST_SIDE).filled_with(GAP),
        }
    }

    /// Takes what the pictures show of a block; `window` is its place in the files.
    fn add(&mut self, composed: &Composed, window: Window) {
        for (sampler, band) in self.after.iter_mut().zip(&self.bands) {
            sampler.add(window, composed.canvas.values.index_axis(Axis(0), *band));
        }
        self.filled.add(window, all_planes(composed, |stage| stage != UNDEFINED).view());
        self.source.add(window, picture_source(composed).view());
        let Some(before) = &composed.before else { return };
        for (sampler, band) in self.before.iter_mut().zip(&self.bands) {
            sampler.add(window, before.block.values.index_axis(Axis(0), *band));
        }
        let every =
            |planes: &ndarray::Array3<u8>| planes.map_axis(Axis(0), |p| u8::from(p.iter().all(|v| *v != 0)));
        let any =
            |planes: &ndarray::Array3<u8>| planes.map_axis(Axis(0), |p| u8::from(p.iter().any(|v| *v != 0)));
        self.has_data.add(window, every(&before.block.valid).view());
        self.masked.add(window, any(&before.masked).view());
    }

    /// 1 where a pixel of the pictures lies outside the area of an output.
    fn outside(&self, job: &Job) -> Option<Array2<u8>> {
        let area = job.area.as_ref()?;
        let (step, (top, left)) = (self.source.step() as i64, (job.part.row, job.part.col));
        let mut outside = Array2::ones(self.source.picture().dim());
        for (nth, mut row) in outside.outer_iter_mut().enumerate() {
            let spans = area.inside.row(top + nth as i64 * step);
            let is_in = |col: usize| spans.iter().any(|span| span.contains(&(left + col as i64 * step)));
            row.iter_mut().enumerate().filter(|(col, _)| is_in(*col)).for_each(|(_, outside)| *outside = 0);
        }
        Some(outside)
    }

    fn write(&self, job: &Job, drafts: &Drafts) -> Result<Vec<Pending>, EngineError> {
        let outside = self.outside(job);
        let outside = outside.as_ref().map(|outside| outside.view());
        let (before, after) = (pictures(&self.before), pictures(&self.after));
        let (has_data, filled) = (self.has_data.picture(), self.filled.picture());
        // Before and after share one stretch, so that what changed is the pixels and not the colours.
        let mut clear = has_data.to_owned();
        Zip::from(&mut clear).and(self.masked.picture()).for_each(|c, m| *c &= 1 - *m);
        let stretch = Stretch::of(&before, clear.view())
            .or_else(|| Stretch::of(&after, filled))
            .unwrap_or_else(|| Stretch { ranges: vec![(0.0, 1.0); self.bands.len()] });
        let mut files = Vec::new();
        for (picture, path) in &job.output.quicklooks {
            let draft = Canvas { draft: Draft::new(path, drafts)?, outside };
            files.push(match picture {
                Picture::Before => draw(draft, &before, has_data, &stretch)?,
                Picture::After => draw(draft, &after, filled, &stretch)?,
                Picture::Mask => {
                    quicklook::mask(draft, before[0], has_data, self.masked.picture(), &stretch)?
                }
                Picture::Sources => quicklook::sources(draft, self.source.picture())?,
            });
        }
        Ok(files)
    }
}

fn pictures(samplers: &[Sampler]) -> Vec<ArrayView2<'_, f32>> {
    samplers.iter().map(Sampler::picture).collect()
}

fn draw(
    draft: Canvas<'_>,
    bands: &[ArrayView2<'_, f32>],
    valid: ArrayView2<'_, u8>,
    stretch: &Stretch,
) -> Result<Pending, EngineError> {
    Ok(match bands {
        [red, green, blue] => quicklook::rgb(draft, [*red, *green, *blue], valid, stretch)?,
        _ => quicklook::grey(draft, bands[0], valid, stretch)?,
    })
}

/// Red, green and blue by name where the scene has them, else the first band as grey.
fn picture_bands(facts: &compose_core::SceneFacts) -> Vec<usize> {
    let wanted = &facts.bands[..facts.wanted];
    let named = |name: &str| wanted.iter().position(|b| b.is_called(name));
    match (named("red"), named("green"), named("blue")) {
        (Some(r), Some(g), Some(b)) => vec![r, g, b],
        // Bands without common names, three or more: blue, green, red is the order of every sensor.
        _ if wanted.len() >= 3 => vec![2, 1, 0],
        _ => vec![0],
    }
}

fn all_planes(composed: &Composed, test: impl Fn(u16) -> bool) -> Array2<u8> {
    composed.stage.map_axis(Axis(0), |stages| u8::from(stages.iter().all(|s| test(*s))))
}

/// The source of the first plane, in the codes of [`quicklook::source_colour`].
fn picture_source(composed: &Composed) -> Array2<u16> {
    let mut source = composed.canvas.source.index_axis(Axis(0), 0).to_owned();
    Zip::from(&mut source).and(composed.stage.index_axis(Axis(0), 0)).for_each(|source, stage| {
        match *source {
            STATISTIC => *source -= stage - 1,
            // It is drawn otherwise.
            OUTSIDE => *source = GAP,
            _ => {}
        }
    });
    source
}
