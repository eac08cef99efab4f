//! The bands of a scene: their names, and the wanted ones.

use super::DiscoverError;
use super::headers::Headers;
use crate::preset::{BandSpec, Part, Preset};
use crate::scene::{BandChoice, BandsWanted, FoundFile, FoundScene, ScenesQuery};
use crate::{FileHeader, IoError};
use compose_core::suggest::did_you_mean;
use std::collections::BTreeSet;

/// A band of a scene before it is known whether it can be read.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub name: String,
    pub aliases: Vec<String>,
    /// The band in the preset.
    pub spec: Option<BandSpec>,
    /// Index into the scene's files.
    pub file: usize,
    /// Band number in a file of many; `None` for the one band of its file.
    pub number: Option<usize>,
    /// Nominal pixel size.
    pub metres: Option<u32>,
    /// Number in [`ScenesQuery::beside`], for a raster that others made.
    pub beside: Option<usize>,
}

impl Slot {
    fn new(name: &str, spec: Option<BandSpec>, file: usize, number: Option<usize>) -> Self {
        let names = spec.iter().flat_map(|s| std::iter::once(s.name).chain(s.aliases()));
        let aliases = names.filter(|a| *a != name).map(str::to_owned).collect();
        Self {
            name: name.into(),
            aliases,
            spec,
            file,
            number,
            metres: spec.and_then(|s| s.metres),
            beside: None,
        }
    }

    /// A band of a raster that others made: what the product calls so is another one.
    fn beside(number: usize, file: usize, query: &ScenesQuery) -> Self {
        let of = &query.beside[number];
        Self { beside: Some(number), ..Self::new(&of.band, None, file, of.number) }
    }

    pub(super) fn part(&self) -> Option<Part> {
        self.spec.map(|s| s.part)
    }

    /// Whether it holds codes by what the product, the rules and the catalogue say of it.
    pub(super) fn is_codes(&self, found: &FoundScene, query: &ScenesQuery) -> bool {
        let layout = self.beside.and_then(|number| query.beside[number].layout);
        let asset = found.files[self.file].asset.as_ref();
        self.part() == Some(Part::Quality)
            || layout.is_some_and(|layout| layout.percent_of.is_none())
            || (asset.is_some_and(|asset| asset.codes.is_some()) && layout.is_none())
    }

    /// Whether rules may ask for it.
    pub(super) fn is_mentioned(&self, query: &ScenesQuery) -> bool {
        let names = || std::iter::once(&self.name).chain(&self.aliases);
        query.mentioned.as_ref().is_none_or(|mentioned| names().any(|name| mentioned.contains(name)))
    }

    /// `B4 (red)`.
    fn label(&self) -> String {
        let common = self.spec.and_then(|s| s.common).filter(|c| *c != self.name);
        common.map_or_else(|| self.name.clone(), |c| format!("{} ({c})", self.name))
    }
}

/// Every band that the scene's names and, for files of many bands, headers speak of; names are unique.
pub(super) fn slots(
    found: &FoundScene,
    query: &ScenesQuery,
    headers: &mut Headers<'_>,
) -> Result<Vec<Slot>, DiscoverError> {
    let spec = |name: &str| query.preset.and_then(|p| p.band(found.sensor, name));
    let mut slots: Vec<Slot> = Vec::new();
    for (index, file) in found.files.iter().enumerate() {
        let fresh = match &file.band {
            Some(_) if let Some(number) = file.beside => vec![Slot::beside(number, index, query)],
            Some(band) => {
                let mut slot = Slot::new(band, spec(band), index, file.number);
                let said = file.asset.iter().flat_map(|asset| &asset.aliases);
                let new: Vec<String> = said.filter(|name| !slot.aliases.contains(name)).cloned().collect();
                slot.aliases.extend(new);
                vec![Slot { metres: file.metres.or(slot.metres), ..slot }]
            }
            None => {
                let header = headers.get(index)?;
                let bands = stack_names(&header).into_iter();
                // A mere number says nothing about the product's bands.
                bands
                    .map(|b| Slot::new(&b.name, spec(&b.name).filter(|_| b.described), index, Some(b.number)))
                    .collect()
            }
        };
        for slot in fresh {
            no_repeat(found, &slots, &slot, file)?;
            slots.push(slot);
        }
    }
    match &query.bands {
        BandsWanted::Table(table) => renamed(found, query.preset, slots, table),
        _ => Ok(slots),
    }
}

fn no_repeat(found: &FoundScene, slots: &[Slot], new: &Slot, file: &FoundFile) -> Result<(), DiscoverError> {
    let Some(old) = slots.iter().find(|s| s.name == new.name) else { return Ok(()) };
    let (first, second) = (found.files[old.file].path.clone(), file.path.clone());
    let (band, scene) = (new.name.clone(), found.id.clone());
    if old.number.is_some() && new.number.is_none() {
        return Err(DiscoverError::InBoth { band, scene, stack: first, own: second });
    }
    Err(DiscoverError::Twice { what: format!("band {band} of scene {scene}"), first, second })
}

struct StackBand {
    name: String,
    number: usize,
    described: bool,
}

/// Names of a file's bands, alpha left out: the description where no other band has the same, else `B` and
/// the number.
fn stack_names(header: &FileHeader) -> Vec<StackBand> {
    let bands = || header.bands.iter().filter(|b| !b.is_alpha);
    let description = |d: &Option<String>| d.as_deref().map(str::trim).unwrap_or_default().to_owned();
    let all: Vec<String> = bands().map(|b| description(&b.description)).collect();
    let mut taken: BTreeSet<String> = all.iter().cloned().collect();
    let mut names = Vec::new();
    for (band, text) in bands().zip(&all) {
        let described = !text.is_empty() && all.iter().filter(|t| *t == text).count() == 1;
        let name = if described { text.clone() } else { free_name(band.number, &mut taken) };
        names.push(StackBand { name, number: band.number, described });
    }
    names
}

/// `B2`, or `band2` and so on where another band is described as `B2`.
fn free_name(number: usize, taken: &mut BTreeSet<String>) -> String {
    let mut candidates = [format!("B{number}"), format!("band{number}")].into_iter();
    let name = candidates.find(|c| !taken.contains(c)).unwrap_or_else(|| format!("number{number}"));
    taken.insert(name.clone());
    name
}

/// The bands of a table under their new names, in its order, then those that it does not name.
fn renamed(
    found: &FoundScene,
    preset: Option<&Preset>,
    slots: Vec<Slot>,
    table: &[(String, BandChoice)],
) -> Result<Vec<Slot>, DiscoverError> {
    let mut named = Vec::new();
    let mut used = BTreeSet::new();
    for (name, choice) in table {
        let index = chosen(found, &slots, name, choice)?;
        let old = &slots[index];
        let spec = preset.and_then(|p| p.band(found.sensor, name)).or(old.spec);
        let spec = spec.filter(|_| old.beside.is_none());
        let mut new =
            Slot { metres: old.metres, beside: old.beside, ..Slot::new(name, spec, old.file, old.number) };
        new.aliases.extend([old.name.clone()].into_iter().filter(|old| old != name));
        used.insert(index);
        named.push(new);
    }
    let rest = slots.into_iter().enumerate().filter(|(i, _)| !used.contains(i)).map(|(_, slot)| slot);
    // A name that the table gives away is not used for another band.
    let free: Vec<Slot> = rest.filter(|s| !table.iter().any(|(name, _)| *name == s.name)).collect();
    named.extend(free);
    Ok(named)
}

fn chosen(
    found: &FoundScene,
    slots: &[Slot],
    name: &str,
    choice: &BandChoice,
) -> Result<usize, DiscoverError> {
    match choice {
        BandChoice::Description(text) => {
            let at = position(slots, text);
            at.ok_or_else(|| unknown(found, slots, text))
        }
        BandChoice::Number(number) => slots
            .iter()
            .position(|s| s.number == Some(*number))
            .ok_or_else(|| wrong_number(found, slots, name, *number)),
    }
}

fn wrong_number(found: &FoundScene, slots: &[Slot], name: &str, number: usize) -> DiscoverError {
    let count = slots.iter().filter_map(|s| s.number).max();
    let path = found.files.first().map(|f| f.path.clone()).unwrap_or_default();
    match count {
        Some(count) => DiscoverError::BandNumber { name: name.into(), number, path, count },
        None => {
            let example = slots.first().map_or_else(|| "B1".into(), |s| s.name.clone());
            DiscoverError::NumberOfFiles { name: name.into(), number, scene: found.id.clone(), example }
        }
    }
}

/// The slot of this name, or else of this alias.
fn position(slots: &[Slot], name: &str) -> Option<usize> {
    let by_name = slots.iter().position(|s| s.name == name);
    by_name.or_else(|| slots.iter().position(|s| s.aliases.iter().any(|a| a == name)))
}

fn unknown(found: &FoundScene, slots: &[Slot], name: &str) -> DiscoverError {
    let names = slots.iter().flat_map(|s| std::iter::once(&s.name).chain(&s.aliases)).map(String::as_str);
    let hint = did_you_mean(name, names);
    let known = slots.iter().map(Slot::label).collect();
    DiscoverError::Band { scene: found.id.clone(), name: name.into(), hint, known }
}

/// Index of the main quality band: the one that the rules name, else the preset's, else the only one whose codes the
/// catalogue explains.
pub(super) fn main_quality(
    found: &FoundScene,
    slots: &[Slot],
    query: &ScenesQuery,
    notes: &mut Vec<String>,
) -> Option<usize> {
    let Some(name) = &query.quality else {
        let name = query.preset.and_then(Preset::quality);
        let known = name.and_then(|n| slots.iter().position(|s| s.spec.is_some_and(|spec| spec.name == n)));
        let explained =
            |slot: &&Slot| found.files[slot.file].asset.as_ref().is_some_and(|a| a.codes.is_some());
        let only = slots.iter().filter(explained).count() == 1;
        return known.or_else(|| slots.iter().position(|slot| explained(&slot)).filter(|_| only));
    };
    let index = position(slots, name);
    if index.is_none() {
        let hint = did_you_mean(name, slots.iter().map(|s| s.name.as_str()));
        let known: Vec<String> = slots.iter().map(Slot::label).collect();
        notes.push(format!("no quality band \"{name}\"{hint}; bands: {}", known.join(", ")));
    }
    index
}

/// Indices of the wanted bands, in output order.
pub(super) fn wanted(
    found: &FoundScene,
    query: &ScenesQuery,
    names: Option<&[String]>,
    slots: &mut [Slot],
    main: Option<usize>,
    notes: &mut Vec<String>,
) -> Result<Vec<usize>, DiscoverError> {
    let names = names.map(<[String]>::to_vec).or_else(|| query.bands.names());
    let mut chosen = match &names {
        None => default_bands(found, slots, main, query, notes)?,
        Some(names) => by_name(found, slots, names)?,
    };
    let is_codes = |i: usize| Some(i) == main || slots[i].is_codes(found, query);
    let codes: Vec<&str> = chosen.iter().filter(|i| is_codes(**i)).map(|i| slots[*i].name.as_str()).collect();
    // The table of bands names the quality band as well: it says where it is, not that it is output.
    if !codes.is_empty() && matches!(query.bands, BandsWanted::List(_)) {
        notes.push(format!("{} holds codes: it is read by rules and not composed", codes.join(", ")));
    }
    chosen.retain(|i| !is_codes(*i));
    if chosen.is_empty() {
        return Err(DiscoverError::NoData {
            scene: found.id.clone(),
            known: slots.iter().map(Slot::label).collect(),
        });
    }
    Ok(chosen)
}

/// The slots of these names. A band that is asked for as `red` is then called so, whatever its number: its
/// name means the same in every scene.
fn by_name(found: &FoundScene, slots: &mut [Slot], names: &[String]) -> Result<Vec<usize>, DiscoverError> {
    let mut chosen = Vec::new();
    for name in names {
        let index = position(slots, name).ok_or_else(|| unknown(found, slots, name))?;
        if chosen.contains(&index) {
            return Err(DiscoverError::BandTwice { name: name.clone() });
        }
        chosen.push(index);
        let slot = &mut slots[index];
        let old = std::mem::replace(&mut slot.name, name.clone());
        slot.aliases.retain(|a| a != name);
        slot.aliases.extend([old].into_iter().filter(|old| old != name));
    }
    Ok(chosen)
}

/// Under a preset the bands that it wants; otherwise every band of the scene itself that holds no codes.
fn default_bands(
    found: &FoundScene,
    slots: &[Slot],
    main: Option<usize>,
    query: &ScenesQuery,
    notes: &mut Vec<String>,
) -> Result<Vec<usize>, DiscoverError> {
    let wanted: Vec<usize> =
        (0..slots.len()).filter(|&i| Some(i) != main && slots[i].part() == Some(Part::Wanted)).collect();
    if wanted.is_empty() {
        let own = |i: &usize| Some(*i) != main && slots[*i].beside.is_none();
        let data = (0..slots.len()).filter(own).filter(|i| !slots[*i].is_codes(found, query));
        // An item has many assets besides bands: masks, angles, pictures.
        if found.item.is_some() {
            let known = data.map(|i| slots[i].label()).collect();
            return Err(DiscoverError::NoBands { scene: found.id.clone(), known });
        }
        return Ok(data.collect());
    }
    let finest = finest(wanted.iter().map(|&i| slots[i].metres));
    let (taken, left): (Vec<_>, Vec<_>) = wanted.into_iter().partition(|&i| slots[i].metres <= finest);
    if let Some(metres) = finest.filter(|_| !left.is_empty()) {
        let names: Vec<&str> = left.iter().map(|&i| slots[i].name.as_str()).collect();
        notes.push(format!("bands of {metres} m are taken; coarser ones only by name: {}", names.join(", ")));
    }
    Ok(taken)
}

/// The smallest pixel size: one composite has one grid, and what is native to it stays untouched.
pub(super) fn finest(metres: impl Iterator<Item = Option<u32>>) -> Option<u32> {
    metres.flatten().min()
}

/// The header's band behind a slot.
pub(super) fn band_of<'a>(
    slot: &Slot,
    header: &'a FileHeader,
) -> Result<&'a crate::BandHeader, DiscoverError> {
    if let Some(number) = slot.number {
        let (count, path) = (header.bands.len(), header.path.clone());
        let none = DiscoverError::BandNumber { name: slot.name.clone(), number, path, count };
        return header.bands.get(number - 1).ok_or(none);
    }
    let mut bands = header.bands.iter().filter(|b| !b.is_alpha);
    match (bands.next(), bands.count()) {
        (Some(only), 0) => Ok(only),
        (None, _) => Err(IoError::NoBands { path: header.path.clone(), hint: " but alpha".into() }.into()),
        (_, more) => Err(DiscoverError::ManyBands {
            path: header.path.clone(),
            band: slot.name.clone(),
            count: more + 1,
        }),
    }
}
