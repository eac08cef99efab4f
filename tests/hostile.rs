//! Odd and broken rasters: composed with themselves, or refused by name; never a panic, a hang or a torn file.

mod made;

use crate::support::{compose, listing, shared, stderr};
use gdal::raster::{ColorInterpretation, RasterBand};
use gdal::{Dataset, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What the program made of a file.
pub struct Outcome {
    pub code: Option<i32>,
    pub said: String,
    folder: tempfile::TempDir,
}

impl Outcome {
    pub fn image(&self) -> PathBuf {
        self.folder.path().join("out.tif")
    }

    /// What is wrong whatever the file is.
    fn faults(&self) -> Option<String> {
        let mut expected = vec!["rules.toml"];
        if self.code == Some(0) {
            expected.splice(0..0, ["out.json", "out.tif", "out_provenance.tif"]);
        }
        let left = listing(self.folder.path());
        match self.code {
            None => Some("did not end within 60 s, or was killed".into()),
            Some(code) if code != 0 && code != 2 => Some(format!("exit status {code}")),
            _ if self.said.contains("panicked") || self.said.contains("internal error") => {
                Some("panicked".into())
            }
            // One clear message.
            Some(2) if !self.said.starts_with("error: ") || self.said.trim().lines().count() != 1 => {
                Some("not one message".into())
            }
            _ if left != expected => Some(format!("left behind {left:?}")),
            _ => None,
        }
    }
}

/// Each band judged alone, or a pixel missing from all bands where it is missing from one.
#[derive(Clone, Copy, PartialEq)]
pub enum Validity {
    PerBand,
    Joint,
}

/// Composes a file with itself: two scenes, one target, under 4 GB and 60 s.
pub fn with_itself(file: &Path, validity: Validity, more: &[&str]) -> Outcome {
    let validity = if validity == Validity::Joint { "joint" } else { "per-band" };
    let folder = tempfile::tempdir().unwrap();
    let file = toml::Value::from(file.to_str().unwrap());
    let scene =
        |id: &str, day: u32| format!("[[scene]]\nid = \"{id}\"\ndate = 2020-06-0{day}\nfile = {file}\n");
    let rules = format!(
        "[scenes]\nprecision = \"f32\"\nvalidity = \"{validity}\"\n{}{}[target]\nscene = \"a\"\n[[fill]]\n\
         strategy = \"nearest-date\"\n[output]\npath = \"out.tif\"\n",
        scene("a", 1),
        scene("b", 2)
    );
    std::fs::write(folder.path().join("rules.toml"), rules).unwrap();
    let mut program = compose();
    program.args(["--rules", "rules.toml", "-q", "-j", "2"]).args(more).current_dir(folder.path());
    let output = program.limits(4 << 30, 60).output().unwrap();
    let said = stderr(&output);
    Outcome { code: output.status.code(), said, folder }
}

/// One row of a band.
fn line(band: &RasterBand<'_>, row: usize) -> Vec<f64> {
    let width = band.size().0;
    let read = band.read_as::<f64>((0, row as isize), (width, 1), (width, 1), None);
    read.unwrap().data().to_vec()
}

/// One row of a band as it must come through, at single precision, and where it is valid: where GDAL's mask and
/// every alpha band say so. (GDAL's mask passes over alpha beside a nodata tag, and over alpha of wide types.)
fn expected(input: &Dataset, number: usize, alphas: &[usize], row: usize) -> (Vec<f64>, Vec<bool>) {
    let band = input.rasterband(number).unwrap();
    // GDAL before 3.7 hands signed bytes out as unsigned ones, with a note.
    let signed = band.metadata_item("PIXELTYPE", "IMAGE_STRUCTURE").as_deref() == Some("SIGNEDBYTE");
    let own = |v: f64| if signed { f64::from(v as u8 as i8) } else { f64::from(v as f32) };
    let samples: Vec<f64> = line(&band, row).into_iter().map(own).collect();
    let mut valid: Vec<bool> = samples.iter().map(|v| v.is_finite()).collect();
    let mut masks = vec![line(&band.open_mask_band().unwrap(), row)];
    masks.extend(alphas.iter().map(|n| line(&input.rasterband(*n).unwrap(), row)));
    for mask in masks {
        valid.iter_mut().zip(mask).for_each(|(valid, mask)| *valid &= mask != 0.0);
    }
    (samples, valid)
}

/// What is different between a file and the image that was composed of it alone, if anything is.
///
/// A sample that is valid must be the same; any other one must be nodata. Of large rasters some rows are compared.
pub fn difference(file: &Path, image: &Path, validity: Validity) -> Result<(), String> {
    let (input, output) = (Dataset::open(file).unwrap(), Dataset::open(image).unwrap());
    let (alphas, bands) = alphas_and_others(&input);
    if (output.raster_size(), output.raster_count()) != (input.raster_size(), bands.len()) {
        return Err(format!("{:?} with {} bands", output.raster_size(), output.raster_count()));
    }
    let (width, height) = input.raster_size();
    let step = (width * height * bands.len()).div_ceil(4_000_000).max(1);
    for row in (0..height).step_by(step) {
        let mut lines: Vec<_> = bands.iter().map(|n| expected(&input, *n, &alphas, row)).collect();
        if validity == Validity::Joint {
            let all: Vec<bool> = (0..width).map(|col| lines.iter().all(|(_, valid)| valid[col])).collect();
            lines.iter_mut().for_each(|(_, valid)| valid.clone_from(&all));
        }
        for (index, (own, valid)) in lines.iter().enumerate() {
            let band = output.rasterband(index + 1).unwrap();
            let is_nodata =
                |v: f64| band.no_data_value().is_some_and(|n| n == v || (n.is_nan() && v.is_nan()));
            let written = line(&band, row);
            let wrong =
                |col: &usize| own[*col] != written[*col] && (valid[*col] || !is_nodata(written[*col]));
            if let Some(col) = (0..width).find(wrong) {
                let (number, written, own) = (bands[index], written[col], own[col]);
                return Err(format!("band {number}, column {col}, row {row}: {written} instead of {own}"));
            }
        }
    }
    Ok(())
}

/// The numbers of the alpha bands, and of the others.
fn alphas_and_others(dataset: &Dataset) -> (Vec<usize>, Vec<usize>) {
    let interpretation = |n: usize| dataset.rasterband(n).unwrap().color_interpretation();
    (1..=dataset.raster_count()).partition(|n| interpretation(*n) == ColorInterpretation::AlphaBand)
}

/// What the message proposes where the file itself is fine and only the output's type or nodata is in the way.
fn remedy(said: &str) -> Option<&'static [&'static str]> {
    if said.contains("there is no nodata value to write") {
        return Some(&["--dtype", "int32", "--nodata", "-1"]);
    }
    said.contains("int8 samples cannot be written")
        .then_some(&["--dtype", "int16"][..])
        .or(said.contains("int64 samples cannot be written").then_some(&["--dtype", "float64"]))
}

/// Fields of a line of CSV with quotes.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().unwrap().push(other),
        }
    }
    fields
}

/// Whether the GDAL that is linked here opens the file and reads all of it.
fn gdal_reads(file: &Path) -> bool {
    let Ok(dataset) = Dataset::open(file) else { return false };
    let read = |band: gdal::errors::Result<gdal::raster::RasterBand<'_>>| band?.read_band_as::<f32>();
    dataset.rasterbands().all(|band| read(band).is_ok())
}

/// Says what is wrong with what became of a file of the manifest; else, whether it was composed.
fn judge(file: &Path, manifest: &str, dtype: &str) -> Result<bool, String> {
    let fault = |outcome: &Outcome| match outcome.faults() {
        Some(fault) => Err(format!("{fault}: {}", outcome.said)),
        None => Ok(()),
    };
    let mut outcome = with_itself(file, Validity::PerBand, &[]);
    let more = remedy(&outcome.said).filter(|_| outcome.code == Some(2)).unwrap_or_default();
    if !more.is_empty() {
        fault(&outcome)?;
        outcome = with_itself(file, Validity::PerBand, more);
    }
    fault(&outcome)?;
    let named = outcome.said.contains(file.file_name().unwrap().to_str().unwrap());
    let known = manifest == "ok" || manifest == "skipped-huge";
    match outcome.code {
        Some(2) if !named => return Err(format!("the message does not name the file: {}", outcome.said)),
        Some(2) => return Ok(false),
        // Another GDAL than the manifest's may know a codec more.
        _ if !known && !gdal_reads(file) => {
            return Err(format!("composed, though the manifest says {manifest}"));
        }
        _ if dtype.starts_with("complex") => return Err("complex samples were composed".into()),
        _ => difference(file, &outcome.image(), Validity::PerBand)?,
    }
    if alphas_and_others(&Dataset::open(file).unwrap()).1.len() > 1 {
        let outcome = with_itself(file, Validity::Joint, more);
        fault(&outcome)?;
        if outcome.code != Some(0) {
            return Err(format!("not composed jointly: {}", outcome.said));
        }
        difference(file, &outcome.image(), Validity::Joint).map_err(|e| format!("jointly, {e}"))?;
    }
    Ok(true)
}

/// A file that opens and reads composes with itself or is refused by name; the others are errors.
#[test]
fn every_file_of_the_hostile_collection_is_composed_as_it_is_or_refused_by_name() {
    let Some(folder) = shared("hostile") else { return };
    let manifest = std::fs::read_to_string(folder.join("MANIFEST.csv")).unwrap();
    let lines: Vec<Vec<String>> = manifest.lines().skip(1).map(fields).collect();
    assert!(lines.len() >= 320, "only {} files", lines.len());
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let (composed, readable) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(line) = lines.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (name, read, dtype) = (&line[0], line[2].split(':').next().unwrap(), &line[7]);
                    readable.fetch_add(usize::from(read == "ok"), Ordering::Relaxed);
                    match judge(&folder.join(name), read, dtype) {
                        Ok(done) => drop(composed.fetch_add(usize::from(done), Ordering::Relaxed)),
                        Err(fault) => wrong.lock().unwrap().push(format!("{name}: {fault}")),
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), lines.len(), wrong.join("\n"));
    // What is really composed must not shrink unseen.
    let (composed, readable) = (composed.into_inner(), readable.into_inner());
    eprintln!("hostile: {composed} of {} composed with themselves, {readable} readable", lines.len());
    assert!(composed * 10 >= readable * 9, "only {composed} of {readable} readable files were composed");
}
