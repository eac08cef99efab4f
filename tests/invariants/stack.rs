//! What a case consists of: scenes as plain tables of numbers, and the rules, with their files and their TOML.

use gdal::DriverManager;
use gdal::raster::{Buffer, GdalType};
use gdal::spatial_ref::SpatialRef;
use std::fmt::Write;
use std::path::Path;

/// Sample type of a band.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    U16,
    I16,
    F32,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::U16 => "uint16",
            Self::I16 => "int16",
            Self::F32 => "float32",
        }
    }

    pub fn range(self) -> (f64, f64) {
        match self {
            Self::U16 => (0.0, 65535.0),
            Self::I16 => (-32768.0, 32767.0),
            Self::F32 => (f64::from(f32::MIN), f64::from(f32::MAX)),
        }
    }
}

/// A grid: left edge, top edge, pixel width, pixel height (negative where north is up), columns and rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    pub x: f64,
    pub y: f64,
    pub dx: f64,
    pub dy: f64,
    pub width: usize,
    pub height: usize,
}

impl Place {
    pub fn pixels(&self) -> usize {
        self.width * self.height
    }
}

/// A band: its grid and its samples, row by row.
#[derive(Clone, Debug)]
pub struct Band {
    pub name: String,
    pub place: Place,
    pub values: Vec<f64>,
    pub nodata: Option<f64>,
}

impl Band {
    /// Whether the file itself calls this pixel valid.
    pub fn has_data(&self, at: usize) -> bool {
        !self.values[at].is_nan() && self.nodata != Some(self.values[at])
    }
}

#[derive(Clone, Debug)]
pub struct Scene {
    pub id: String,
    /// Days since 1970.
    pub day: Option<i32>,
    /// Data bands; the wanted ones first.
    pub bands: Vec<Band>,
    /// Codes of landsat-c2-l89.
    pub quality: Band,
    /// Tags of the data bands.
    pub scale_offset: Option<(f64, f64)>,
    /// All bands, the quality band among them, in one file, in this order of band numbers.
    pub one_file: Option<Vec<usize>>,
    /// Creation options.
    pub options: Vec<String>,
}

/// One flag or level of `bits`: its TOML, and `(code >> offset) & mask` from `low` to `high`.
#[derive(Clone, Debug)]
pub struct Bit {
    pub toml: String,
    pub offset: u32,
    pub mask: u32,
    pub low: u32,
    pub high: u32,
}

#[derive(Clone, Debug)]
pub enum Rule {
    Bits(Vec<Bit>),
    Values(Vec<u32>),
    Range { band: String, min: Option<f64>, max: Option<f64> },
    Any(Vec<Mask>),
    All(Vec<Mask>),
    Not(Box<Mask>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Length {
    Pixels(f64),
    Metres(f64),
}

/// A rule and its changes of shape: open, close, shrink, grow.
#[derive(Clone, Debug)]
pub struct Mask {
    pub rule: Rule,
    pub steps: [Option<Length>; 4],
}

pub const STEPS: [&str; 4] = ["open", "close", "shrink", "grow"];

/// Which donors: at most this far away, and only before (-1) or after (1) the target.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reach {
    pub within_days: Option<u32>,
    pub direction: i32,
}

#[derive(Clone, Debug)]
pub enum Fill {
    Single { donor: String, masked: bool },
    Nearest(Reach),
    Median(u32, Reach),
    Mean(u32, Reach),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    Scene(String),
    Each,
    /// Every pixel is composed, for this date if there is one.
    None(Option<i32>),
}

#[derive(Clone, Debug)]
pub struct Case {
    pub seed: u64,
    pub kind: Kind,
    pub scenes: Vec<Scene>,
    /// Data bands that are composed: the first so many of each scene.
    pub wanted: usize,
    pub masks: Vec<Mask>,
    pub fills: Vec<Fill>,
    pub target: Target,
    pub per_band: bool,
    pub resampling: &'static str,
    /// Take the grid of this scene.
    pub like: Option<String>,
    /// Sample type and nodata of the output, where they are said.
    pub dtype: Option<Kind>,
    pub nodata: Option<f64>,
    pub count: bool,
}

impl Case {
    /// The order of (date, id), undated scenes last: the order of indices in the provenance file.
    pub fn sorted(&self) -> Vec<&Scene> {
        let mut scenes: Vec<&Scene> = self.scenes.iter().collect();
        scenes.sort_by(|a, b| (a.day.is_none(), a.day, &a.id).cmp(&(b.day.is_none(), b.day, &b.id)));
        scenes
    }

    /// Writes every raster of the stack.
    pub fn write_scenes(&self, folder: &Path) {
        for scene in &self.scenes {
            let bands: Vec<&Band> = scene.bands.iter().chain([&scene.quality]).collect();
            match &scene.one_file {
                Some(order) => {
                    let ordered: Vec<&Band> = order.iter().map(|i| bands[*i]).collect();
                    write_file(&folder.join(format!("{}.tif", scene.id)), &ordered, self.kind, scene);
                }
                None => {
                    for band in bands {
                        let kind = if band.name == "QA" { Kind::U16 } else { self.kind };
                        let path = folder.join(format!("{}_{}.tif", scene.id, band.name));
                        write_file(&path, &[band], kind, scene);
                    }
                }
            }
        }
    }

    /// The rules file, with the scenes in this order.
    pub fn rules(&self, order: &[usize], output: &str) -> String {
        let mut text = String::new();
        self.say_scenes(&mut text, order).unwrap();
        self.say_rest(&mut text, output).unwrap();
        text
    }

    fn say_scenes(&self, out: &mut String, order: &[usize]) -> std::fmt::Result {
        writeln!(out, "[scenes]\nquality = \"QA\"\nlayout = \"landsat-c2-l89\"")?;
        if self.per_band {
            writeln!(out, "validity = \"per-band\"")?;
        }
        if self.scenes.iter().all(|s| s.one_file.is_none()) {
            let names: Vec<&str> =
                self.scenes[0].bands[..self.wanted].iter().map(|b| b.name.as_str()).collect();
            writeln!(out, "bands = {names:?}")?;
        }
        for scene in order.iter().map(|i| &self.scenes[*i]) {
            writeln!(out, "\n[[scene]]\nid = {:?}", scene.id)?;
            if let Some(day) = scene.day {
                writeln!(out, "date = {}", date(day))?;
            }
            let names = scene.bands.iter().chain([&scene.quality]).map(|b| &b.name);
            if let Some(order) = &scene.one_file {
                let number = |i: usize| order.iter().position(|o| *o == i).unwrap() + 1;
                let bands: Vec<String> =
                    names.enumerate().map(|(i, name)| format!("{name} = {}", number(i))).collect();
                writeln!(out, "file = \"{}.tif\"\nbands = {{ {} }}", scene.id, bands.join(", "))?;
            } else {
                let files: Vec<String> = names.map(|n| format!("{n} = \"{}_{n}.tif\"", scene.id)).collect();
                writeln!(out, "files = {{ {} }}", files.join(", "))?;
            }
        }
        Ok(())
    }

    fn say_rest(&self, out: &mut String, output: &str) -> std::fmt::Result {
        match &self.target {
            Target::Scene(id) => writeln!(out, "\n[target]\nscene = {id:?}")?,
            Target::Each => writeln!(out, "\n[target]\nscene = \"each\"")?,
            Target::None(Some(day)) => writeln!(out, "\n[target]\ndate = {}", date(*day))?,
            Target::None(None) => {}
        }
        writeln!(out, "\n[grid]\nresampling = {:?}", self.resampling)?;
        if let Some(id) = &self.like {
            let scene = self.scenes.iter().find(|s| s.id == *id).unwrap();
            let ending =
                if scene.one_file.is_some() { String::new() } else { format!("_{}", scene.bands[0].name) };
            writeln!(out, "like = \"{id}{ending}.tif\"")?;
        }
        for (number, mask) in self.masks.iter().enumerate() {
            writeln!(out, "\n[[mask]]\nname = \"rule {number}\"\n{}", self.mask_keys(mask).join("\n"))?;
        }
        for fill in &self.fills {
            writeln!(out, "\n[[fill]]\n{}", fill_keys(fill).join("\n"))?;
        }
        writeln!(out, "\n[output]\npath = {output:?}\ncount = {}", self.count)?;
        if let Some(dtype) = self.dtype {
            writeln!(out, "dtype = {:?}", dtype.name())?;
        }
        match self.nodata {
            Some(n) if n.is_nan() => writeln!(out, "nodata = \"nan\""),
            Some(n) => writeln!(out, "nodata = {n}"),
            None => Ok(()),
        }
    }

    fn mask_keys(&self, mask: &Mask) -> Vec<String> {
        let list = |masks: &[Mask]| {
            let items: Vec<String> =
                masks.iter().map(|m| format!("{{ {} }}", self.mask_keys(m).join(", "))).collect();
            items.join(", ")
        };
        let mut keys = match &mask.rule {
            Rule::Bits(bits) => {
                let items: Vec<&str> = bits.iter().map(|b| b.toml.as_str()).collect();
                vec!["kind = \"bits\"".to_owned(), format!("any = [{}]", items.join(", "))]
            }
            Rule::Values(values) => {
                let stored: Vec<i64> = values.iter().map(|v| self.stored_code(*v)).collect();
                vec!["kind = \"values\"".to_owned(), format!("values = {stored:?}")]
            }
            Rule::Range { band, min, max } => {
                let mut keys = vec!["kind = \"range\"".to_owned(), format!("band = {band:?}")];
                keys.extend(min.map(|v| format!("min = {v}")));
                keys.extend(max.map(|v| format!("max = {v}")));
                keys
            }
            Rule::Any(masks) => vec![format!("any = [{}]", list(masks))],
            Rule::All(masks) => vec![format!("all = [{}]", list(masks))],
            Rule::Not(mask) => vec![format!("not = {{ {} }}", self.mask_keys(mask).join(", "))],
        };
        for (name, length) in STEPS.iter().zip(mask.steps) {
            keys.extend(length.map(|length| match length {
                Length::Pixels(n) => format!("{name} = \"{n} px\""),
                Length::Metres(n) => format!("{name} = \"{n} m\""),
            }));
        }
        keys
    }

    /// How a code stands in the file: in a file of int16 the highest bit is a sign.
    fn stored_code(&self, code: u32) -> i64 {
        let signed = self.kind == Kind::I16 && self.scenes.iter().all(|s| s.one_file.is_some());
        if signed { i64::from(code as u16 as i16) } else { i64::from(code) }
    }
}

fn fill_keys(fill: &Fill) -> Vec<String> {
    let reach = |keys: &mut Vec<String>, reach: &Reach| {
        keys.extend(reach.within_days.map(|d| format!("within-days = {d}")));
        if reach.direction != 0 {
            let direction = if reach.direction < 0 { "before" } else { "after" };
            keys.push(format!("direction = {direction:?}"));
        }
    };
    let strategy = |name: &str| vec![format!("strategy = {name:?}")];
    match fill {
        Fill::Single { donor, masked } => {
            let mut keys = strategy("single-donor");
            keys.push(format!("donor = {donor:?}"));
            keys.extend((!masked).then(|| "donor-mask = \"ignore\"".to_owned()));
            keys
        }
        Fill::Nearest(r) => {
            let mut keys = strategy("nearest-date");
            reach(&mut keys, r);
            keys
        }
        Fill::Median(n, r) | Fill::Mean(n, r) => {
            let name = if matches!(fill, Fill::Median(..)) { "median-stack" } else { "mean-stack" };
            let mut keys = strategy(name);
            keys.push(format!("at-least = {n}"));
            reach(&mut keys, r);
            keys
        }
    }
}

/// The ISO date of a day since 1970, from 2000 to 2099 (civil_from_days, Hinnant 2013).
pub fn date(day: i32) -> String {
    let z = day + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (d, m) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    format!("{:04}-{m:02}-{d:02}", yoe + era * 400 + i32::from(m <= 2))
}

fn write_file(path: &Path, bands: &[&Band], kind: Kind, scene: &Scene) {
    match kind {
        Kind::U16 => write_as(path, bands, scene, |v| v as u16),
        Kind::I16 => write_as(path, bands, scene, |v| if v > 32767.0 { v as u16 as i16 } else { v as i16 }),
        Kind::F32 => write_as(path, bands, scene, |v| v as f32),
    }
}

fn write_as<T: GdalType + Copy>(path: &Path, bands: &[&Band], scene: &Scene, sample: impl Fn(f64) -> T) {
    let options = scene.options.iter().map(String::as_str).collect::<gdal::cpl::CslStringList>();
    let place = bands[0].place;
    let driver = DriverManager::get_driver_by_name("GTiff").unwrap();
    let mut dataset = driver
        .create_with_band_type_with_options::<T, _>(path, place.width, place.height, bands.len(), &options)
        .unwrap();
    dataset.set_spatial_ref(&SpatialRef::from_epsg(32613).unwrap()).unwrap();
    dataset.set_geo_transform(&[place.x, place.dx, 0.0, place.y, 0.0, place.dy]).unwrap();
    for (number, band) in bands.iter().enumerate() {
        let mut raster = dataset.rasterband(number + 1).unwrap();
        if band.nodata.is_some() {
            raster.set_no_data_value(band.nodata).unwrap();
        }
        if let Some((scale, offset)) = scene.scale_offset.filter(|_| band.name != "QA") {
            raster.set_scale(scale).unwrap();
            raster.set_offset(offset).unwrap();
        }
        let samples = band.values.iter().map(|v| sample(*v)).collect();
        let size = (place.width, place.height);
        raster.write((0, 0), size, &mut Buffer::new(size, samples)).unwrap();
    }
    dataset.close().unwrap();
}
