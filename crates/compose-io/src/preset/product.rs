//! A product: its sensors, their bands, and the meaning of their numbers.

use compose_core::{Layout, quality};

/// A product.
#[derive(Debug)]
pub struct Preset {
    /// Name in rules files.
    pub name: &'static str,
    /// What it is, in one sentence.
    pub doc: &'static str,
    /// Regular expressions, tried in order; one with a `/` is matched on the end of the path (from the start
    /// of a folder's name), any other on the file's name. Named groups as in rules files, and `sensor`,
    /// `baseline` (processing baseline) and `resolution` (metres).
    pub patterns: &'static [&'static str],
    /// A file name that matches, for messages.
    pub example: &'static str,
    /// strptime format of the group `date`.
    pub date_format: &'static str,
    /// The sensors that the product comes from.
    pub sensors: &'static [Sensor],
    /// Values that mean "no data" in reflectance bands.
    pub nodata: &'static [f64],
    /// The meaning of the numbers of reflectance bands.
    pub radiometry: Radiometry,
}

/// The meaning of the numbers of a band.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Radiometry {
    /// The product does not say it per band (digital numbers).
    Unknown,
    /// Value = number × scale + offset.
    Linear(f64, f64),
    /// The offset was introduced with a processing baseline.
    ByBaseline {
        /// Scale in every baseline.
        scale: f64,
        /// First baseline with the offset, as in `N0400`.
        from: u32,
        /// Offset from that baseline on, 0 before.
        offset: f64,
    },
}

/// The baseline of Sentinel-2 products that others than the ground segment made with Sen2Cor: `N9999`, processor version
/// 99.99. Whether their numbers carry the offset follows from the Level-1C product and the Sen2Cor behind them
/// (documentation.dataspace.copernicus.eu, "Sentinel-2 L2A Baselines").
pub const UNOFFICIAL_BASELINE: u32 = 9999;

impl Radiometry {
    /// Scale and offset, each where known.
    pub fn scale_offset(self, baseline: Option<u32>) -> (Option<f64>, Option<f64>) {
        match self {
            Self::Unknown => (None, None),
            Self::Linear(scale, offset) => (Some(scale), Some(offset)),
            Self::ByBaseline { scale, from, offset } => {
                let known = baseline.filter(|b| *b != UNOFFICIAL_BASELINE);
                (Some(scale), known.map(|b| if b >= from { offset } else { 0.0 }))
            }
        }
    }
}

/// An instrument and the platforms that carry it, with its bands in this product.
#[derive(Debug)]
pub struct Sensor {
    /// Name for messages.
    pub name: &'static str,
    /// How names of scenes say it: `LC08`, `L30`.
    pub platforms: &'static [&'static str],
    /// Its bands, in output order.
    pub bands: &'static [BandSpec],
}

/// The role of a band.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Wanted in the output unless the rules say otherwise.
    Wanted,
    /// Measurements that rules may ask for.
    Extra,
    /// Codes.
    Quality,
}

/// A band of a product.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BandSpec {
    /// Name in rules files.
    pub name: &'static str,
    /// Name shared between sensors, such as `red`.
    pub common: Option<&'static str>,
    /// Other names, those in file names among them.
    pub others: &'static [&'static str],
    /// Its role.
    pub part: Part,
    /// Layout of a quality band, where there is one.
    pub layout: Option<&'static str>,
    /// Nominal pixel size in metres, where bands of one scene differ.
    pub metres: Option<u32>,
    /// Nodata and radiometry where they are not the product's.
    pub own: Option<Own>,
}

/// Nodata and radiometry of a band that is no reflectance band.
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs)]
pub struct Own {
    pub nodata: &'static [f64],
    pub radiometry: Radiometry,
}

pub(super) const fn band(name: &'static str, part: Part) -> BandSpec {
    BandSpec { name, common: None, others: &[], part, layout: None, metres: None, own: None }
}

pub(super) const fn wanted(
    name: &'static str,
    common: &'static str,
    others: &'static [&'static str],
) -> BandSpec {
    BandSpec { common: Some(common), others, ..band(name, Part::Wanted) }
}

pub(super) const fn extra(name: &'static str, common: &'static str) -> BandSpec {
    BandSpec { common: Some(common), ..band(name, Part::Extra) }
}

pub(super) const fn codes(
    name: &'static str,
    others: &'static [&'static str],
    layout: &'static str,
) -> BandSpec {
    BandSpec { others, layout: Some(layout), ..band(name, Part::Quality) }
}

/// A band that is no reflectance: value = number × scale + offset.
pub(super) const fn other(name: &'static str, nodata: &'static [f64], scale: f64, offset: f64) -> BandSpec {
    let own = Own { nodata, radiometry: Radiometry::Linear(scale, offset) };
    BandSpec { own: Some(own), ..band(name, Part::Extra) }
}

impl BandSpec {
    pub(super) const fn at(self, metres: u32) -> Self {
        Self { metres: Some(metres), ..self }
    }

    pub(super) const fn also(self, common: Option<&'static str>, others: &'static [&'static str]) -> Self {
        Self { common, others, ..self }
    }

    /// Every name besides [`BandSpec::name`].
    pub fn aliases(&self) -> impl Iterator<Item = &'static str> {
        self.others.iter().copied().chain(self.common)
    }

    /// Whether `name`, in any case, is one of its names.
    pub fn is_called(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name) || self.aliases().any(|a| a.eq_ignore_ascii_case(name))
    }

    /// The meaning of its codes.
    pub fn layout(&self) -> Option<&'static Layout> {
        self.layout.and_then(|name| quality::find(name).ok())
    }
}

impl Sensor {
    /// The band of this name or alias, in any case.
    pub fn band(&self, name: &str) -> Option<&'static BandSpec> {
        self.bands.iter().find(|b| b.is_called(name))
    }
}

impl Preset {
    /// The sensor that a scene's or file's name speaks of: a word of it (between `_`, `.`, `-` and `/`) is a
    /// platform, or starts with one that digits follow (`LC8` in `LC80290302015343LGN00`). A product of one
    /// sensor needs no name.
    pub fn sensor(&self, name: &str) -> Option<&'static Sensor> {
        if let [only] = self.sensors {
            return Some(only);
        }
        let is = |word: &str, platform: &str| {
            word.strip_prefix(platform)
                .is_some_and(|rest| rest.bytes().next().is_none_or(|b| b.is_ascii_digit()))
        };
        let mut words = name.split(['_', '.', '-', '/']);
        words.find_map(|word| self.sensors.iter().find(|s| s.platforms.iter().any(|p| is(word, p))))
    }

    /// Name of the main quality band: the first one listed.
    pub fn quality(&self) -> Option<&'static str> {
        let mut bands = self.sensors.iter().flat_map(|s| s.bands);
        bands.find(|b| b.part == Part::Quality).map(|b| b.name)
    }

    /// The band of this name on `sensor`; where the sensor is not known, only what all sensors that have such
    /// a band agree on. Layouts agree where one knows every field of the others.
    pub fn band(&self, sensor: Option<&'static Sensor>, name: &str) -> Option<BandSpec> {
        if let Some(sensor) = sensor {
            return sensor.band(name).copied();
        }
        let mut known = self.sensors.iter().filter_map(|s| s.band(name).copied());
        let first = known.next()?;
        Some(known.fold(first, |a, b| BandSpec {
            common: a.common.filter(|_| a.common == b.common),
            others: if a.others == b.others { a.others } else { &[] },
            layout: wider(a.layout, b.layout),
            ..a
        }))
    }
}

/// The layout that knows every field of the other one: bits that a sensor does not use are never set by it.
fn wider(a: Option<&'static str>, b: Option<&'static str>) -> Option<&'static str> {
    let layout = |name: &str| quality::find(name).ok();
    let (wide, narrow) = (layout(a?)?, layout(b?)?);
    match (wide.knows(narrow), narrow.knows(wide)) {
        (true, _) => a,
        (_, true) => b,
        _ => None,
    }
}
