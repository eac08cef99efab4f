//! Made-up scenes: a land of fields, hills and grain, seen on several days through clouds.

use crate::support::inside::composed;
use crate::support::{CLEAR, CLOUD, Raster, compose, read, sidecar};
use std::fmt::Write;
use std::path::PathBuf;
use std::process::Output;

/// A number from 0 to 1 that is always the same for the same three (the last step of splitmix64).
pub fn noise(x: i64, y: i64, seed: u64) -> f64 {
    let mixed =
        (x as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (y as u64).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
    let mut z = mixed ^ seed.wrapping_mul(0x1656_67B1_9E37_79F9);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// The land in a band, at a place in pixels: fields with edges, hills and grain, from about 400 to 4000.
pub fn land(band: usize, x: f64, y: f64) -> f64 {
    let field =
        noise(((x + 0.3 * y) / 31.0).floor() as i64, ((y - 0.2 * x) / 23.0).floor() as i64, band as u64);
    let hills = (x / 47.0 + band as f64).sin() * (y / 39.0).cos();
    let grain = noise(x.floor() as i64, y.floor() as i64, 99 + band as u64 % 2);
    800.0 + 100.0 * (band % 5) as f64 + 1500.0 * field + 300.0 * hills + 60.0 * grain
}

/// A round cloud: column, row, radius.
pub type Cloud = (f64, f64, f64);

/// Whether one of the clouds is over a pixel.
pub fn under(clouds: &[Cloud], x: f64, y: f64) -> bool {
    clouds.iter().any(|(col, row, radius)| (x - col).hypot(y - row) <= *radius)
}

/// Sample type of the data bands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    U8,
    U16,
    I16,
    F32,
}

/// A scene: samples per band and row by row, and which pixels are cloudy.
#[derive(Clone, Debug)]
pub struct Scene {
    pub id: String,
    /// 1 is the first of May 2020, 61 the last of June.
    pub day: u32,
    pub width: usize,
    /// Shift of the origin in pixels, east and south.
    pub shift: (f64, f64),
    pub bands: Vec<Vec<f64>>,
    pub cloudy: Vec<bool>,
}

impl Scene {
    /// A scene of the land as `see` changes it: from (band, x, y) to a sample.
    pub fn new(
        id: &str,
        day: u32,
        size: (usize, usize),
        bands: usize,
        see: impl Fn(usize, f64, f64) -> f64,
    ) -> Self {
        Self::shifted(id, day, size, (0.0, 0.0), bands, see)
    }

    /// The same with its origin elsewhere: `see` is given places of the unshifted grid.
    pub fn shifted(
        id: &str,
        day: u32,
        (width, height): (usize, usize),
        shift: (f64, f64),
        bands: usize,
        see: impl Fn(usize, f64, f64) -> f64,
    ) -> Self {
        let place = |at: usize| ((at % width) as f64 + shift.0, (at / width) as f64 + shift.1);
        let band = |band: usize| (0..width * height).map(&place).map(|(x, y)| see(band, x, y)).collect();
        let bands = (0..bands).map(band).collect();
        Self { id: id.into(), day, width, shift, bands, cloudy: vec![false; width * height] }
    }

    /// The same under clouds, which are bright.
    pub fn clouded(mut self, clouds: &[Cloud]) -> Self {
        for at in 0..self.cloudy.len() {
            let (x, y) = ((at % self.width) as f64 + self.shift.0, (at / self.width) as f64 + self.shift.1);
            self.cloudy[at] = under(clouds, x, y);
        }
        self
    }

    /// Other numbers in the cloudy pixels.
    pub fn poisoned(mut self, poison: impl Fn(usize) -> f64) -> Self {
        for at in (0..self.cloudy.len()).filter(|at| self.cloudy[*at]) {
            self.bands.iter_mut().for_each(|band| band[at] = poison(at));
        }
        self
    }
}

/// Scenes on disk, the first of them the target, and what the rules say of them.
pub struct Stack {
    pub scenes: Vec<Scene>,
    pub kind: Kind,
    pub nodata: Option<f64>,
    /// Tables of the rules file besides the scenes: target, masks, fills.
    pub rules: String,
    /// More keys of `[scenes]`.
    pub of_scenes: String,
    /// Keys of the output.
    pub output: String,
    pub folder: tempfile::TempDir,
}

/// The target and the mask of most stacks.
pub const REPAIR: &str =
    "[target]\nscene = \"target\"\n[[mask]]\nname = \"cloud\"\nkind = \"bits\"\nany = [\"cloud\"]\n";

/// A fill with its defaults.
pub fn fill(strategy: &str) -> String {
    format!("[[fill]]\nstrategy = {strategy:?}\n")
}

/// What the program wrote for one output, as numbers.
#[derive(PartialEq)]
pub struct Written {
    /// Samples per band, as bits: a NaN is equal to itself.
    pub bands: Vec<Vec<u64>>,
    pub provenance: Vec<Vec<u16>>,
    pub uncertainty: Vec<Vec<u32>>,
    pub masks: Vec<Vec<u16>>,
    /// The report's fills, with all that the survey told them, and its counts.
    pub report: serde_json::Value,
}

impl Written {
    /// Of an image and the files beside it, as far as they are there.
    pub fn read(image: &std::path::Path) -> Self {
        let stem = image.with_extension("").to_string_lossy().into_owned();
        let beside =
            |name: &str| Some(PathBuf::from(format!("{stem}_{name}.tif"))).filter(|path| path.exists());
        let report = sidecar(image);
        let mut result = report["result"].clone();
        result.as_object_mut().unwrap().remove("path");
        let bits = |band: Vec<f32>| band.into_iter().map(f32::to_bits).collect();
        Self {
            bands: read::<f64>(image)
                .into_iter()
                .map(|b| b.into_iter().map(f64::to_bits).collect())
                .collect(),
            provenance: beside("provenance").map_or_else(Vec::new, |path| read(&path)),
            uncertainty: beside("uncertainty")
                .map_or_else(Vec::new, |path| read::<f32>(&path).into_iter().map(bits).collect()),
            masks: beside("masks").map_or_else(Vec::new, |path| read(&path)),
            report: serde_json::json!({ "fills": report["fills"], "result": result, "survey": report["survey"] }),
        }
    }

    pub fn value(&self, band: usize, at: usize) -> f64 {
        f64::from_bits(self.bands[band][at])
    }

    pub fn sigma(&self, band: usize, at: usize) -> f32 {
        f32::from_bits(self.uncertainty[band][at])
    }

    /// Index of the scene that gave a pixel.
    pub fn source(&self, at: usize) -> u16 {
        self.provenance[0][at]
    }

    /// 0 where observed, k where filled by the k-th fill, 65535 where open.
    pub fn stage(&self, at: usize) -> u16 {
        self.provenance[1][at]
    }

    /// Insists on the same samples, sources, uncertainties, masks and findings.
    pub fn assert_same(&self, other: &Self, what: &str) {
        let part = |same: bool, name: &str| assert!(same, "{name} differ: {what}");
        part(self.bands == other.bands, "samples");
        part(self.provenance == other.provenance, "sources");
        part(self.uncertainty == other.uncertainty, "uncertainties");
        part(self.masks == other.masks, "masks");
        assert_eq!(self.report, other.report, "{what}");
    }
}

impl Stack {
    /// Scenes of whole numbers with 0 for no data.
    pub fn new(scenes: Vec<Scene>, rules: String) -> Self {
        Self::of(scenes, Kind::U16, Some(0.0), rules)
    }

    pub fn of(scenes: Vec<Scene>, kind: Kind, nodata: Option<f64>, rules: String) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stack = Self {
            scenes,
            kind,
            nodata,
            rules,
            of_scenes: String::new(),
            output: "uncertainty = true\n".into(),
            folder,
        };
        stack.scenes.iter().for_each(|scene| stack.write(scene));
        stack
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the files of a scene, or writes them anew.
    pub fn write(&self, scene: &Scene) {
        let path = self.path(&format!("{}.tif", scene.id));
        let stored = |v: f64| v.round();
        match self.kind {
            Kind::U8 => self.write_as(&path, scene, |v| stored(v) as u8),
            Kind::U16 => self.write_as(&path, scene, |v| stored(v) as u16),
            Kind::I16 => self.write_as(&path, scene, |v| stored(v) as i16),
            Kind::F32 => self.write_as(&path, scene, |v| v as f32),
        }
        let codes = scene.cloudy.iter().map(|cloudy| if *cloudy { CLOUD } else { CLEAR }).collect();
        let raster =
            Raster { width: scene.width, bands: vec![codes], shift: scene.shift, nodata: None, options: &[] };
        raster.write(&self.path(&format!("{}_qa.tif", scene.id)));
    }

    fn write_as<T: gdal::raster::GdalType + Copy>(
        &self,
        path: &std::path::Path,
        scene: &Scene,
        sample: impl Fn(f64) -> T,
    ) {
        let bands = scene.bands.iter().map(|band| band.iter().map(|v| sample(*v)).collect()).collect();
        Raster { width: scene.width, bands, shift: scene.shift, nodata: self.nodata, options: &[] }
            .write(path);
    }

    /// The sample that the file of a scene holds.
    pub fn stored(&self, value: f64) -> f64 {
        if self.kind == Kind::F32 { f64::from(value as f32) } else { value.round() }
    }

    /// The rules file, which writes images called `name`.
    pub fn text(&self, name: &str) -> String {
        let bands = self.scenes[0].bands.len();
        let names: Vec<String> = (1..=bands).map(|n| format!("B{n}")).collect();
        let head = format!("[scenes]\nquality = \"QA\"\nlayout = \"landsat-c2-l89\"\nbands = {names:?}\n");
        let mut text = head + &self.of_scenes;
        for Scene { id, day, .. } in &self.scenes {
            let (month, day) = if *day <= 31 { (5, *day) } else { (6, day - 31) };
            let numbers: Vec<String> =
                names.iter().enumerate().map(|(i, b)| format!("{b} = {}", i + 1)).collect();
            let numbers = numbers.join(", ");
            writeln!(text, "[[scene]]\nid = {id:?}\ndate = 2020-{month:02}-{day:02}\nfile = \"{id}.tif\"")
                .unwrap();
            writeln!(text, "files = {{ QA = \"{id}_qa.tif\" }}\nbands = {{ {numbers} }}").unwrap();
        }
        format!("{text}{}[output]\npath = \"{name}.tif\"\n{}", self.rules, self.output)
    }

    /// Composes into `name`.tif.
    pub fn compose(&self, name: &str, more: &[&str]) -> Output {
        std::fs::write(self.path("rules.toml"), self.text(name)).unwrap();
        compose().arg("--rules").arg(self.path("rules.toml")).args(more).output().unwrap()
    }

    /// Composes, insists on success, and reads what was written.
    pub fn run(&self, name: &str, more: &[&str]) -> Written {
        std::fs::write(self.path("rules.toml"), self.text(name)).unwrap();
        composed(&self.path("rules.toml"), &[more, &["--overwrite"]].concat(), &|| self.text(name));
        Written::read(&self.path(&format!("{name}.tif")))
    }

    /// The scene with an id.
    pub fn scene(&self, id: &str) -> &Scene {
        self.scenes.iter().find(|scene| scene.id == id).unwrap()
    }

    /// The scene with an index in the record of sources: they are in order of date, then id.
    pub fn of_source(&self, source: u16) -> &Scene {
        let mut scenes: Vec<&Scene> = self.scenes.iter().collect();
        scenes.sort_by_key(|scene| (scene.day, &scene.id));
        scenes[usize::from(source)]
    }
}
