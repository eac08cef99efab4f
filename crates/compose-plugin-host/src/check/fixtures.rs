//! Made-up scenes: facts as presets give them, and pixels for every place.

use super::random;
use crate::facts::OneStack;
use compose_core::{
    BandFacts, BandRole, Crs, CrsUnit, DataType, Day, Grid, SceneFacts, StackFacts, Transform, ValidityMode,
};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Size of every scene. Small, and no multiple of anything.
pub const SIZE: (usize, usize) = (127, 101);
/// Scenes of a stack.
pub const SCENES: usize = 5;
/// The scene that is repaired, where one is.
pub const TARGET: usize = 2;

/// The properties of a fixture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Theme {
    /// Landsat 8, QA_PIXEL, all that can be known.
    Landsat,
    /// Sentinel-2, SCL at half the resolution.
    Sentinel,
    /// Every band is judged by itself.
    PerBand,
    /// No scene is repaired: every pixel is composed.
    Composed,
    /// No quality band.
    NoQuality,
    /// No dates, no sensor.
    NoDay,
    /// No scale, no offset, floats on disk.
    NoScale,
    /// A grid in degrees.
    Degrees,
    /// No coordinate system.
    NoCrs,
    /// One band, without other names.
    OneBand,
    /// One scene alone.
    OneScene,
}

impl Theme {
    /// Fixtures of the trials with pixels, the one that fits most kinds first. Mask rules and scores get the first two
    /// only: validity and target make no difference to them.
    pub const USUAL: [Self; 4] = [Self::Landsat, Self::Sentinel, Self::PerBand, Self::Composed];
    /// Fixtures that a kind may refuse.
    pub const POOR: [Self; 7] = [
        Self::NoQuality,
        Self::NoDay,
        Self::NoScale,
        Self::Degrees,
        Self::NoCrs,
        Self::OneBand,
        Self::OneScene,
    ];

    pub fn describe(self) -> &'static str {
        match self {
            Self::Landsat => "scenes like Landsat 8",
            Self::Sentinel => "scenes like Sentinel-2",
            Self::PerBand => "bands with gaps of their own",
            Self::Composed => "no target",
            Self::NoQuality => "scenes without a quality band",
            Self::NoDay => "scenes without a date",
            Self::NoScale => "bands without a scale",
            Self::Degrees => "a grid in degrees",
            Self::NoCrs => "a grid without a coordinate system",
            Self::OneBand => "scenes with one band",
            Self::OneScene => "one scene",
        }
    }
}

/// Scenes, and what the other side sees of them.
pub struct Fixture {
    pub theme: Theme,
    pub scenes: Vec<SceneFacts>,
    pub target: Option<usize>,
    pub joint: bool,
    pub raw: OneStack,
    /// The cover of the ground in a scene, made on request.
    covers: Vec<OnceLock<Vec<Cover>>>,
    /// Pixels of (scene, band), likewise.
    tiles: Vec<Vec<OnceLock<Tile>>>,
    /// The pixels that a strategy sees (scene, band of the result).
    seen: Vec<Vec<OnceLock<Vec<u8>>>>,
}

/// The fixtures of a process: each is made once for all its trials.
#[derive(Default)]
pub struct Fixtures(Mutex<Vec<(Vec<String>, Arc<Fixture>)>>);

impl Fixtures {
    /// The fixture of a theme whose scenes also have bands of these names.
    pub fn of(&self, theme: Theme, named: &[String]) -> Arc<Fixture> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, fixture)) = made.iter().find(|(names, f)| f.theme == theme && names == named) {
            return fixture.clone();
        }
        let fixture = Arc::new(Fixture::new(theme, named));
        made.push((named.to_vec(), fixture.clone()));
        fixture
    }
}

/// The pixels of a band.
pub struct Tile {
    /// For data bands.
    pub values: Vec<f32>,
    /// For quality bands.
    pub codes: Vec<u32>,
    pub valid: Vec<u8>,
}

/// Name, other names: as the presets call them.
type Names = (&'static str, &'static [&'static str]);

const LANDSAT: [Names; 15] = [
    ("B4", &["red", "SR_B4"]),
    ("B5", &["nir", "nir08", "SR_B5"]),
    ("B3", &["green", "SR_B3"]),
    ("B2", &["blue", "SR_B2"]),
    ("B6", &["swir1", "swir16", "SR_B6"]),
    ("B7", &["swir2", "swir22", "SR_B7"]),
    ("B1", &["coastal", "SR_B1"]),
    ("B8", &["pan"]),
    ("B9", &["cirrus"]),
    ("B12", &["water-vapour"]),
    ("re1", &["rededge1"]),
    ("re2", &["rededge2"]),
    ("re3", &["rededge3"]),
    ("B10", &["thermal", "thermal1", "lwir11", "ST_B10"]),
    ("B11", &["thermal2", "lwir12"]),
];

const SENTINEL: [Names; 15] = [
    ("B4", &["red", "B04"]),
    ("B8", &["nir", "B08"]),
    ("B3", &["green", "B03"]),
    ("B2", &["blue", "B02"]),
    ("B11", &["swir1", "swir16"]),
    ("B12", &["swir2", "swir22"]),
    ("B8A", &["nir08"]),
    ("B5", &["rededge1", "B05"]),
    ("B6", &["rededge2", "B06"]),
    ("B7", &["rededge3", "B07"]),
    ("B1", &["coastal", "B01"]),
    ("B9", &["water-vapour", "B09"]),
    ("B10", &["cirrus"]),
    ("st", &["thermal", "thermal1", "lwir11"]),
    ("st2", &["thermal2", "lwir12"]),
];

/// Data bands of the result.
const WANTED: usize = 4;

impl Fixture {
    /// Makes a fixture whose scenes also have bands of these names, which the settings speak of.
    fn new(theme: Theme, named: &[String]) -> Self {
        let count = if theme == Theme::OneScene { 1 } else { SCENES };
        let scenes: Vec<SceneFacts> = (0..count).map(|nth| scene(theme, nth, named)).collect();
        let target = if theme == Theme::Composed { None } else { Some(TARGET.min(count - 1)) };
        let joint = theme != Theme::PerBand;
        let day = target.map_or(Some(FIRST_DAY), |target| scenes[target].day);
        let stack = StackFacts {
            target,
            target_day: day.filter(|_| theme != Theme::NoDay),
            scenes: &scenes,
            grid: &scenes[0].grid,
            validity: if joint { ValidityMode::Joint } else { ValidityMode::PerBand },
        };
        let raw = OneStack::new(&stack);
        let tiles = scenes.iter().map(|s| s.bands.iter().map(|_| OnceLock::new()).collect()).collect();
        let seen = scenes.iter().map(|s| (0..s.wanted).map(|_| OnceLock::new()).collect()).collect();
        let covers = scenes.iter().map(|_| OnceLock::new()).collect();
        Self { theme, scenes, target, joint, raw, covers, tiles, seen }
    }

    fn covers(&self, scene: usize) -> &[Cover] {
        self.covers[scene].get_or_init(|| {
            let cover = |place: usize| cover(scene, (place % SIZE.0) as i64, (place / SIZE.0) as i64);
            (0..SIZE.0 * SIZE.1).map(cover).collect()
        })
    }

    /// The pixels of a band, on its own grid.
    pub fn tile(&self, scene: usize, band: usize) -> &Tile {
        self.tiles[scene][band].get_or_init(|| {
            let facts = &self.scenes[scene].bands[band];
            let mut tile = Tile { values: Vec::new(), codes: Vec::new(), valid: Vec::new() };
            for place in 0..facts.grid.width * facts.grid.height {
                let (col, row) = ((place % facts.grid.width) as i64, (place / facts.grid.width) as i64);
                match facts.role {
                    BandRole::Data => {
                        let value = self.data(scene, band, col, row);
                        tile.valid.push(u8::from(value.is_some()));
                        tile.values.push(value.unwrap_or(0.0));
                    }
                    BandRole::Quality => {
                        tile.valid.push(1);
                        tile.codes.push(self.code(scene, band, col, row));
                    }
                }
            }
            tile
        })
    }

    /// 1 where a donor's, or the target's, pixel is there for a strategy: valid and not masked.
    pub fn seen(&self, scene: usize, band: usize) -> &[u8] {
        self.seen[scene][band].get_or_init(|| {
            let bands = if self.joint { 0..self.wanted() } else { band..band + 1 };
            let covers = self.covers(scene);
            let tiles: Vec<&Tile> = bands.map(|band| self.tile(scene, band)).collect();
            let seen = |place: usize| {
                let (col, row) = ((place % SIZE.0) as i64, (place / SIZE.0) as i64);
                let cloudy = covers[place] != Cover::Clear;
                let open = Some(scene) == self.target && random::at(55, col / 3, row / 3) < 0.5;
                u8::from(!cloudy && !open && tiles.iter().all(|tile| tile.valid[place] == 1))
            };
            (0..SIZE.0 * SIZE.1).map(seen).collect()
        })
    }

    /// Bands of the result.
    pub fn wanted(&self) -> usize {
        self.scenes[0].wanted
    }

    pub fn ids(&self) -> Vec<String> {
        self.scenes.iter().map(|scene| scene.id.clone()).collect()
    }

    /// The grid on which planes of these bands lie: their own where they share one, else the scene's.
    pub fn grid_of(&self, bands: &[usize]) -> &Grid {
        let scene = &self.scenes[0];
        let first = bands.first().map_or(&scene.grid, |band| &scene.bands[*band].grid);
        let shared = bands.iter().all(|band| scene.bands[*band].grid.same(first));
        if shared { first } else { &scene.grid }
    }
}

const FIRST_DAY: Day = Day(19_500);

fn scene(theme: Theme, nth: usize, named: &[String]) -> SceneFacts {
    let grid = grid(theme);
    let known = if theme == Theme::Sentinel { SENTINEL } else { LANDSAT };
    let known = if theme == Theme::OneBand { &known[..1] } else { &known[..] };
    let is_known =
        |name: &String| known.iter().any(|(n, aliases)| n == name || aliases.contains(&name.as_str()));
    let (quality, layout, dtype) = match theme {
        Theme::Sentinel => ("SCL", "sentinel-2-scl", DataType::UInt8),
        _ => ("QA_PIXEL", "landsat-c2-l89", DataType::UInt16),
    };
    let is_quality =
        |name: &&String| ["QA", "SCL", "FMASK", "CLASS"].iter().any(|q| name.to_uppercase().contains(q));
    let data = |name: &str, aliases: &[&str]| BandFacts {
        name: name.to_owned(),
        aliases: if theme == Theme::OneBand {
            Vec::new()
        } else {
            aliases.iter().map(|a| (*a).to_owned()).collect()
        },
        role: BandRole::Data,
        grid: grid.clone(),
        dtype: if theme == Theme::NoScale { DataType::Float32 } else { DataType::UInt16 },
        scale_offset: (theme != Theme::NoScale).then(|| scale(theme, aliases)),
        layout: None,
        beside: false,
    };
    // A strategy can only speak of bands of the result, so those that it speaks of come first.
    let (first, rest): (Vec<&Names>, Vec<&Names>) =
        known.iter().partition(|(n, aliases)| named.iter().any(|w| w == n || aliases.contains(&w.as_str())));
    let added = named.iter().filter(|name| !is_known(name) && !is_quality(name));
    let mut bands: Vec<BandFacts> = added.map(|name| data(name, &[])).collect();
    bands.extend(first.into_iter().map(|(name, aliases)| data(name, aliases)));
    let wanted = bands.len().max(WANTED);
    bands.extend(rest.into_iter().map(|(name, aliases)| data(name, aliases)));
    let wanted = wanted.min(bands.len());
    if theme != Theme::NoQuality && theme != Theme::OneBand {
        let mut names: Vec<&str> = vec![quality];
        names.extend(named.iter().filter(is_quality).map(String::as_str).filter(|name| *name != quality));
        bands.extend(names.into_iter().map(|name| BandFacts {
            name: name.to_owned(),
            aliases: if name == quality { vec!["quality".into()] } else { Vec::new() },
            role: BandRole::Quality,
            scale_offset: None,
            dtype,
            layout: compose_core::quality::find(layout).ok(),
            ..data(name, &[])
        }));
    }
    if theme == Theme::Sentinel {
        coarsen(&mut bands, &grid);
    }
    let quality = bands.iter().position(|band| band.role == BandRole::Quality);
    let sensor = match theme {
        Theme::NoDay => None,
        Theme::Sentinel => Some("Sentinel-2A"),
        _ => Some("Landsat 8"),
    };
    let day = (theme != Theme::NoDay).then_some(Day(FIRST_DAY.0 + [0, 16, 23, 39, 400][nth]));
    SceneFacts { id: format!("made-up-{nth}"), day, sensor, sun: None, grid, bands, wanted, quality }
}

/// Quality at half the resolution, as Sentinel-2 has it.
fn coarsen(bands: &mut [BandFacts], grid: &Grid) {
    let t = grid.transform;
    let transform = Transform { dx: 2.0 * t.dx, dy: 2.0 * t.dy, ..t };
    let (width, height) = (grid.width.div_ceil(2), grid.height.div_ceil(2));
    for band in bands.iter_mut().filter(|band| band.role == BandRole::Quality) {
        band.grid = Grid { width, height, transform, crs: grid.crs.clone() };
    }
}

fn scale(theme: Theme, aliases: &[&str]) -> (f64, f64) {
    let thermal = aliases.iter().any(|alias| alias.starts_with("thermal"));
    match (thermal, theme) {
        (true, _) => (0.003_418_02, 149.0),
        (false, Theme::Sentinel) => (1e-4, -0.1),
        (false, _) => (2.75e-5, -0.2),
    }
}

fn grid(theme: Theme) -> Grid {
    let crs = |label: &str, unit| {
        // Enough of a definition for whoever looks for its name; nothing here transforms coordinates.
        let wkt = match unit {
            CrsUnit::Angle => "GEOGCRS[\"WGS 84\",ID[\"EPSG\",4326]]",
            CrsUnit::Metres(_) => "PROJCRS[\"WGS 84 / UTM zone 13N\",ID[\"EPSG\",32613]]",
        };
        Some(Arc::new(Crs { wkt: wkt.into(), label: label.into(), unit }))
    };
    let (size, corner, crs) = match theme {
        Theme::Degrees => (0.000_27, (-105.3, 40.1), crs("EPSG:4326", CrsUnit::Angle)),
        Theme::NoCrs => (1.0, (0.0, 0.0), None),
        Theme::Sentinel => (10.0, (399_960.0, 4_500_000.0), crs("EPSG:32613", CrsUnit::Metres(1.0))),
        _ => (30.0, (405_000.0, 4_500_000.0), crs("EPSG:32613", CrsUnit::Metres(1.0))),
    };
    let transform = Transform { x0: corner.0, dx: size, y0: corner.1, dy: -size };
    Grid { width: SIZE.0, height: SIZE.1, transform, crs }
}

/// The content of a pixel.
#[derive(Clone, Copy, PartialEq)]
enum Cover {
    Clear,
    Cloud,
    Shadow,
}

/// Clouds drift from scene to scene; their shadows lie south-east of them.
fn cover(scene: usize, col: i64, row: i64) -> Cover {
    let cloud = |col: i64, row: i64| {
        let (x, y) = ((col + 37 * scene as i64) as f64, (row - 23 * scene as i64) as f64);
        (x / 11.0).sin() * (y / 9.0).cos() + 0.4 * (x / 4.0 + y / 5.0).sin() > 0.55
    };
    match (cloud(col, row), cloud(col - 4, row - 5)) {
        (true, _) => Cover::Cloud,
        (false, true) => Cover::Shadow,
        _ => Cover::Clear,
    }
}

impl Fixture {
    /// The sample of a data band, where it has one.
    fn data(&self, scene: usize, band: usize, col: i64, row: i64) -> Option<f32> {
        let facts = &self.scenes[scene].bands[band];
        if slanted_edge(scene, col, row) {
            return None;
        }
        let seed = (scene * 1000 + band) as u64;
        // A few bad pixels, of all bands and of one.
        if random::at(7 + scene as u64, col, row) < 0.02 || random::at(seed ^ 0xBAD, col, row) < 0.01 {
            return None;
        }
        let (x, y, b) = (col as f64, row as f64, band as f64);
        let ground = 0.12 + 0.03 * b.min(8.0) + 0.05 * (x / (7.0 + b)).sin() + 0.04 * (y / 13.0 + b).cos();
        let reflectance = match self.covers(scene)[row as usize * SIZE.0 + col as usize] {
            Cover::Clear => ground,
            Cover::Cloud => 0.45 + 0.5 * ground,
            Cover::Shadow => 0.4 * ground,
        } + 0.03 * (random::at(seed, col, row) - 0.5);
        let Some((scale, offset)) = facts.scale_offset else { return Some(reflectance as f32) };
        let thermal = offset > 100.0;
        let physical = if thermal { 310.0 - 60.0 * reflectance } else { reflectance };
        Some(((physical - offset) / scale).round() as f32)
    }

    /// The code of a quality band.
    fn code(&self, scene: usize, band: usize, col: i64, row: i64) -> u32 {
        let facts = &self.scenes[scene].bands[band];
        let sentinel = facts.layout.is_some_and(|layout| layout.name == "sentinel-2-scl");
        // SCL lies on a grid of half the resolution.
        let (col, row) = if sentinel { (2 * col, 2 * row) } else { (col, row) };
        let nothing = slanted_edge(scene, col, row);
        let odd = random::at(99 + scene as u64, col, row);
        match (sentinel, nothing, cover(scene, col, row)) {
            (true, true, _) => 0,
            (true, _, Cover::Cloud) => {
                if odd < 0.3 {
                    8
                } else {
                    9
                }
            }
            (true, _, Cover::Shadow) => 3,
            (true, _, Cover::Clear) => {
                if odd < 0.1 {
                    6
                } else {
                    4
                }
            }
            // The codes that real scenes of Collection 2 hold for these.
            (false, true, _) => 1,
            (false, _, Cover::Cloud) => {
                if odd < 0.1 {
                    54_596
                } else {
                    22_280
                }
            }
            (false, _, Cover::Shadow) => 23_888,
            (false, _, Cover::Clear) => {
                if odd < 0.1 {
                    21_952
                } else {
                    21_824
                }
            }
        }
    }
}

/// Acquisitions end in a slanted line somewhere.
fn slanted_edge(scene: usize, col: i64, row: i64) -> bool {
    3 * col + row < 20 * scene as i64
}
