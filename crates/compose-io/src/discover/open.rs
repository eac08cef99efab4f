//! From names to headers: everything that reading pixels needs.

use super::DiscoverError;
use super::bands::{self, Slot};
use super::headers::Headers;
use crate::crs::CrsRegistry;
use crate::mtl::Mtl;
use crate::preset::{Part, Radiometry, UNOFFICIAL_BASELINE};
use crate::scene::{Beside, FoundScene, Nodata, Offset, SceneSource, ScenesQuery};
use crate::{BandHeader, BandRef, FileHeader, IoError};
use compose_core::{BandFacts, BandRole, DataType, Layout, SceneFacts, Sun, quality};
use std::sync::Arc;

/// A band that can be read.
struct Opened {
    header: Arc<FileHeader>,
    facts: BandFacts,
    band: BandRef,
}

/// Reads the headers of a scene. `wanted` names the data bands in output order; without it the query does,
/// or else the preset or the file.
///
/// A wanted band or the main quality band that cannot be used is an error; any other band is then left out,
/// with a note.
///
/// # Errors
/// A wanted band that is not there, is named twice or has samples that cannot be composed; a file that
/// cannot be opened.
pub fn open_scene(
    found: &FoundScene,
    query: &ScenesQuery,
    wanted: Option<&[String]>,
    systems: &CrsRegistry,
) -> Result<SceneSource, DiscoverError> {
    let mut notes = found.notes.clone();
    let mut headers = Headers::new(found, query, systems);
    let mut slots = bands::slots(found, query, &mut headers)?;
    let main = bands::main_quality(found, &slots, query, &mut notes);
    let wanted = bands::wanted(found, query, wanted, &mut slots, main, &mut notes)?;
    let mut opener = Opener { found, query, headers, main, wanted: &wanted, sizes: Vec::new() };
    let (mut opened, mut quality) = (Vec::new(), None);
    for index in order(found, query, &slots, &wanted, main) {
        match opener.open(index, &slots[index]) {
            Ok(band) => {
                quality = quality.or((Some(index) == main).then_some(opened.len()));
                opened.push(band);
            }
            // A mask that cannot be read would leave the scene as if it were clear.
            Err(error) if Some(index) == main || wanted.contains(&index) || slots[index].beside.is_some() => {
                return Err(error);
            }
            Err(error) => notes.push(format!("{} is left out: {error}", slots[index].name)),
        }
    }
    notes.append(&mut opener.headers.notes);
    notes.extend(opener.sizes.iter().map(OtherSize::note));
    notes.extend(unknown_radiometry(found, query, &opened[0].facts));
    Ok(source(found, opened, wanted.len(), quality, notes))
}

/// Wanted bands, the main quality band, other quality bands, and the rest: of a catalogue what rules may ask for.
fn order(
    found: &FoundScene,
    query: &ScenesQuery,
    slots: &[Slot],
    wanted: &[usize],
    main: Option<usize>,
) -> Vec<usize> {
    let mut order = wanted.to_vec();
    order.extend(main);
    let asked =
        |i: &usize| found.item.is_none() || slots[*i].beside.is_some() || slots[*i].is_mentioned(query);
    let mut rest: Vec<usize> = (0..slots.len()).filter(|i| !order.contains(i)).filter(asked).collect();
    rest.sort_by_key(|&i| slots[i].part() != Some(Part::Quality) && slots[i].beside.is_none());
    order.extend(rest);
    order
}

/// The position of the sun. Few rules need it, so a file that cannot be read is no error here.
fn sun(found: &FoundScene, notes: &mut Vec<String>) -> Option<Sun> {
    if found.sun.is_some() {
        return found.sun;
    }
    let mtl = Mtl::read(found.mtl.as_ref()?).inspect_err(|e| notes.push(format!("no sun angles: {e}")));
    mtl.ok()?.sun()
}

fn source(
    found: &FoundScene,
    opened: Vec<Opened>,
    wanted: usize,
    quality: Option<usize>,
    mut notes: Vec<String>,
) -> SceneSource {
    let sun = sun(found, &mut notes);
    let tags = opened[0].header.tags.clone();
    let georeferenced = opened[..wanted].iter().all(|o| o.header.georeferenced);
    notes.extend(warned(&opened));
    let mut files = Vec::new();
    for file in opened.iter().flat_map(|o| std::iter::once(&o.header.path).chain(&o.header.companions)) {
        if !files.contains(file) {
            files.push(file.clone());
        }
    }
    let (bands, refs): (Vec<_>, Vec<_>) = opened.into_iter().map(|o| (o.facts, o.band)).unzip();
    let grid = bands[0].grid.clone();
    let facts = SceneFacts {
        id: found.id.clone(),
        day: found.day,
        sensor: found.sensor.map(|s| s.name),
        sun,
        grid,
        bands,
        wanted,
        quality,
    };
    SceneSource { facts, refs, georeferenced, notes, files, tags }
}

/// GDAL's warnings, file by file.
fn warned(opened: &[Opened]) -> Vec<String> {
    let mut notes = Vec::new();
    for header in opened.iter().map(|o| &o.header) {
        for note in header.remarks.iter().map(|remark| format!("{}: {remark}", header.path.display())) {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
    }
    notes
}

/// Opens bands one by one.
struct Opener<'a> {
    found: &'a FoundScene,
    query: &'a ScenesQuery,
    headers: Headers<'a>,
    main: Option<usize>,
    wanted: &'a [usize],
    /// Sizes that the catalogue says otherwise than the files.
    sizes: Vec<OtherSize>,
}

/// A size that the catalogue says otherwise than the files: rows and columns.
struct OtherSize {
    said: [usize; 2],
    found: [usize; 2],
    bands: Vec<String>,
}

impl OtherSize {
    fn note(&self) -> String {
        let ([rows, columns], [height, width]) = (self.said, self.found);
        let bands = self.bands.join(", ");
        format!(
            "the catalogue says {columns}×{rows} px of {bands}, and the file has {width}×{height}: the file counts"
        )
    }
}

impl Opener<'_> {
    fn open(&mut self, index: usize, slot: &Slot) -> Result<Opened, DiscoverError> {
        let header = self.headers.get(slot.file)?;
        self.refuse_contradictions(slot, &header)?;
        let band = bands::band_of(slot, &header)?;
        let is_main = Some(index) == self.main;
        let codes = is_main || slot.is_codes(self.found, self.query);
        let role = if codes { BandRole::Quality } else { BandRole::Data };
        check_type(role, band, &header, self.query.precision_f32)?;
        // The rules' settings are about reflectance; what the preset knows as something else keeps its own,
        // unless it is asked for.
        let settings_apply = self.wanted.contains(&index) || slot.spec.is_none_or(|s| s.own.is_none());
        let facts = BandFacts {
            name: slot.name.clone(),
            aliases: slot.aliases.clone(),
            role,
            grid: header.grid.clone(),
            dtype: band.dtype,
            scale_offset: match slot.beside.map(|number| &self.query.beside[number]) {
                _ if codes => None,
                Some(beside) => probability(beside, band).or(band.scale_offset),
                None => self.scale_offset(slot, band, settings_apply),
            },
            layout: self.layout(slot, is_main),
            beside: slot.beside.is_some(),
        };
        let nodata = match slot.beside.map(|number| &self.query.beside[number]) {
            Some(beside) => self.nodata_beside(slot, beside, band),
            None if codes => Vec::new(),
            None => self.nodata(slot, band, settings_apply),
        };
        let band = BandRef::new(Arc::clone(&header), band, nodata);
        Ok(Opened { header, facts, band })
    }

    /// Refuses what a catalogue says against itself, and remarks on what it says against the file.
    fn refuse_contradictions(&mut self, slot: &Slot, header: &FileHeader) -> Result<(), DiscoverError> {
        let Some(asset) = self.found.files[slot.file].asset.as_ref() else { return Ok(()) };
        let size = [header.grid.height, header.grid.width];
        if let Some(shape) = asset.shape.filter(|shape| *shape != size) {
            match self.sizes.iter_mut().find(|other| (other.said, other.found) == (shape, size)) {
                Some(other) => other.bands.push(slot.name.clone()),
                None => {
                    self.sizes.push(OtherSize { said: shape, found: size, bands: vec![slot.name.clone()] })
                }
            }
        }
        let nth = slot.number.unwrap_or(1).saturating_sub(1);
        let stated = header.bands.get(nth).and_then(|band| band.scale_offset).map(|(_, offset)| offset);
        if let (Some(in_file), Some(offset)) =
            (stated, asset.offset.or(None).filter(|of| Some(*of) != stated))
        {
            self.headers.notes.push(format!(
                "the catalogue says that the offset of {} is {offset}, and its file {in_file}: the catalogue counts",
                slot.name
            ));
        }
        let from_baseline = match self.query.preset.map(|preset| preset.radiometry) {
            Some(Radiometry::ByBaseline { from, .. }) => self.found.baseline.filter(|of| *of >= from),
            _ => None,
        };
        match from_baseline.filter(|_| asset.offset == Offset::NotApplied(0.0) && self.query.offset.is_none())
        {
            None => Ok(()),
            Some(baseline) => Err(DiscoverError::Asset {
                scene: self.found.id.clone(),
                asset: asset.key.clone(),
                why: format!(
                    "earthsearch:boa_offset_applied is false and its offset is 0, but numbers of baseline {:02}.{:02} carry \
                     an offset; say offset = -0.1 or offset = 0 in [scenes]",
                    baseline / 100,
                    baseline % 100
                ),
            }),
        }
    }

    fn layout(&self, slot: &Slot, is_main: bool) -> Option<&'static Layout> {
        let said = self.query.layout.as_deref().filter(|_| is_main).and_then(|name| quality::find(name).ok());
        let beside = slot.beside.and_then(|number| self.query.beside[number].layout);
        let product = slot.spec.and_then(|s| s.layout());
        said.or(beside).or_else(|| self.explained(slot, product)).or(product)
    }

    /// The layout that the catalogue describes. Its classes have the product's names as well.
    fn explained(&self, slot: &Slot, product: Option<&'static Layout>) -> Option<&'static Layout> {
        let asset = self.found.files[slot.file].asset.as_ref()?;
        let layout = asset.codes.as_ref()?.layout(&asset.key).ok()?;
        Some(product.map_or(layout, |product| quality::with_names_of(layout, product)))
    }

    /// The rules' values alone, or the file's, the catalogue's and the preset's together: the Earth Lab lesson's files are
    /// tagged -32768 and filled with -9999.
    fn nodata(&self, slot: &Slot, band: &BandHeader, settings_apply: bool) -> Vec<f64> {
        match &self.query.nodata {
            Nodata::None if settings_apply => return Vec::new(),
            Nodata::Values(values) if settings_apply => return values.clone(),
            _ => {}
        }
        let own = slot.spec.and_then(|s| s.own).map(|o| o.nodata);
        let known = own.or(self.query.preset.map(|p| p.nodata)).unwrap_or_default();
        let asset = self.found.files[slot.file].asset.as_ref().and_then(|asset| asset.nodata);
        let mut values: Vec<f64> = Vec::new();
        for value in band.nodata.into_iter().chain(asset).chain(known.iter().copied()) {
            if !values.iter().any(|v| *v == value || (v.is_nan() && value.is_nan())) {
                values.push(value);
            }
        }
        values
    }

    /// The rules' values; else what the catalogue states, and the file's tag. A tag that the layout gives a meaning is a
    /// slip of the writer, and is passed over.
    fn nodata_beside(&mut self, slot: &Slot, beside: &Beside, band: &BandHeader) -> Vec<f64> {
        match &beside.nodata {
            Nodata::None => return Vec::new(),
            Nodata::Values(values) => return values.clone(),
            Nodata::Default => {}
        }
        let stated = self.found.files[slot.file].asset.as_ref().and_then(|asset| asset.nodata);
        let tag = band.nodata.filter(|tag| Some(*tag) != stated);
        let slip = tag.zip(beside.layout).and_then(|(tag, layout)| {
            let classes = &layout.class_field()?.classes;
            let class = classes.iter().find(|class| f64::from(class.value) == tag)?;
            (!layout.is_fill(class.value)).then_some((tag, class))
        });
        if let Some((tag, class)) = slip {
            self.headers.notes.push(format!(
                "{}: the tag nodata = {tag} is passed over, as {tag} is {}; nodata = {tag} in [[scenes.beside]] would \
                 make it count",
                beside.band, class.name
            ));
        }
        stated.into_iter().chain(tag.filter(|_| slip.is_none())).collect()
    }

    /// The rules' before the catalogue's before the file's before the preset's, scale and offset each for itself.
    fn scale_offset(&self, slot: &Slot, band: &BandHeader, settings_apply: bool) -> Option<(f64, f64)> {
        let own = slot.spec.and_then(|s| s.own).map(|o| o.radiometry);
        let product = own.or(self.query.preset.map(|p| p.radiometry));
        let known = product.unwrap_or(Radiometry::Unknown).scale_offset(self.found.baseline);
        let known = band.scale_offset.map_or(known, |(scale, offset)| (Some(scale), Some(offset)));
        let known = match self.found.files[slot.file].asset.as_ref() {
            Some(asset) => (asset.scale.or(known.0), asset.offset.or(known.1)),
            None => known,
        };
        let query = Some(self.query).filter(|_| settings_apply);
        let scale = query.and_then(|q| q.scale).or(known.0);
        let offset = query.and_then(|q| q.offset).or(known.1);
        match (scale, offset) {
            (Some(scale), Some(offset)) => Some((scale, offset)),
            // Said in part, and nothing else is known: what is not said changes nothing.
            (Some(scale), None) if known.0.is_none() => Some((scale, 0.0)),
            (None, Some(offset)) => Some((1.0, offset)),
            _ => None,
        }
    }
}

/// Scale and offset that make a share of 1 of what is stored as whole percent or as a fraction.
fn probability(beside: &Beside, band: &BandHeader) -> Option<(f64, f64)> {
    beside.layout?.percent_of?;
    Some((if band.dtype.is_integer() { 0.01 } else { 1.0 }, 0.0))
}

fn check_type(role: BandRole, band: &BandHeader, file: &FileHeader, single: bool) -> Result<(), IoError> {
    let (path, number, dtype) = (file.path.clone(), band.number, band.dtype);
    match role {
        BandRole::Quality if dtype.is_integer() && dtype.bytes() <= 4 => Ok(()),
        BandRole::Quality => Err(IoError::QualityType { path, band: number, dtype }),
        BandRole::Data if dtype == DataType::Complex => {
            Err(IoError::SampleType { path, band: number, dtype })
        }
        BandRole::Data if dtype.fits_f32() || single => Ok(()),
        BandRole::Data => Err(IoError::Precision { path, band: number, dtype }),
    }
}

/// The note for a product whose offset depends on a processing baseline that no name tells.
fn unknown_radiometry(found: &FoundScene, query: &ScenesQuery, first: &BandFacts) -> Option<String> {
    let by_baseline = query.preset.is_some_and(|p| matches!(p.radiometry, Radiometry::ByBaseline { .. }));
    if !by_baseline || first.scale_offset.is_some() {
        return None;
    }
    let why = match found.baseline {
        Some(UNOFFICIAL_BASELINE) => {
            "its processing baseline N9999 (Sen2Cor run by others) does not tell its offset; say offset = -0.1 or \
             offset = 0, as BOA_ADD_OFFSET in its MTD_MSIL2A.xml is -1000 or missing, if rules or other products need \
             values"
        }
        _ => {
            "its processing baseline is not in its path, so that its offset is not known; say scale and offset if \
             rules or other products need values"
        }
    };
    Some(why.into())
}
