//! Small scenes on disk, the program run on them, and its files read back.

pub mod inside;
pub mod program;

use gdal::raster::{Buffer, GdalType};
use gdal::spatial_ref::SpatialRef;
use gdal::{Dataset, DatasetOptions, DriverManager, GdalOpenFlags, Metadata};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The shared data beside the repository, or the folder that COMPOSE_SHARED names; says plainly when absent.
pub fn shared(what: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("COMPOSE_SHARED").map_or_else(|| root().join("../shared"), PathBuf::from);
    let folder = folder.join("data").join(what);
    if folder.exists() {
        eprintln!("shared data: {what}: tested");
        return Some(folder);
    }
    eprintln!("shared data: {what}: absent, not tested");
    None
}

/// A Python that has these modules: the one that COMPOSE_PYTHON names, or `python3`; says plainly when there is none.
pub fn shared_python(modules: &[&str]) -> Option<PathBuf> {
    let python = PathBuf::from(std::env::var_os("COMPOSE_PYTHON").unwrap_or_else(|| "python3".into()));
    let imports = format!("import {}", modules.join(", "));
    let has =
        Command::new(&python).args(["-c", &imports]).output().is_ok_and(|output| output.status.success());
    eprintln!("python with {}: {}", modules.join(", "), if has { "tested" } else { "absent, not tested" });
    has.then_some(python)
}

/// The program, for tests that ask what it says and leaves behind.
pub fn compose() -> program::Program {
    program::Program::new()
}

/// The program, for tests that need the process itself.
pub fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_compose"))
}

/// A plan with its surveys.
pub fn fitted(plan: &compose_engine::Plan) -> compose_engine::Fitted {
    let cancelled = std::sync::atomic::AtomicBool::new(false);
    let control = compose_engine::Control {
        cancelled: &cancelled,
        progress: &|_| (),
        drafts: &compose_io::files::Drafts::default(),
    };
    compose_engine::survey::fit(plan, &control).unwrap()
}

/// The built-in kinds, and a host that never stops a plugin.
pub fn registry() -> compose_engine::Registry {
    compose_engine::Registry::built_in(compose_plugin_host::PluginHost::new(Default::default(), |_| ()))
}

/// Runs the program and insists on success.
pub fn run(args: &[&str]) -> Output {
    let output = compose().args(args).output().unwrap();
    assert!(output.status.success(), "{args:?}\n{}", stderr(&output));
    output
}

/// What it said on standard error.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What it said on standard output.
pub fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A raster to write: pixels (band, row, col) on a UTM grid with 30 m pixels.
pub struct Raster<'a, T> {
    pub width: usize,
    pub bands: Vec<Vec<T>>,
    /// Shift of the origin in pixels, east and south.
    pub shift: (f64, f64),
    pub nodata: Option<f64>,
    pub options: &'a [&'a str],
}

impl<T: GdalType + Copy> Raster<'_, T> {
    /// Writes it to `path`.
    pub fn write(&self, path: &Path) {
        let height = self.bands[0].len() / self.width;
        let options = self.options.iter().copied().collect::<gdal::cpl::CslStringList>();
        let driver = DriverManager::get_driver_by_name("GTiff").unwrap();
        let mut dataset = driver
            .create_with_band_type_with_options::<T, _>(path, self.width, height, self.bands.len(), &options)
            .unwrap();
        dataset.set_spatial_ref(&SpatialRef::from_epsg(32613).unwrap()).unwrap();
        let (x, y) = (405_000.0 + 30.0 * self.shift.0, 4_500_000.0 - 30.0 * self.shift.1);
        dataset.set_geo_transform(&[x, 30.0, 0.0, y, 0.0, -30.0]).unwrap();
        for (index, pixels) in self.bands.iter().enumerate() {
            let mut band = dataset.rasterband(index + 1).unwrap();
            if self.nodata.is_some() {
                band.set_no_data_value(self.nodata).unwrap();
            }
            let mut buffer = Buffer::new((self.width, height), pixels.clone());
            band.write((0, 0), (self.width, height), &mut buffer).unwrap();
        }
        dataset.close().unwrap();
    }
}

/// Opens a raster to be changed.
pub fn change(path: &Path, change: impl FnOnce(&mut Dataset)) {
    let options = DatasetOptions { open_flags: GdalOpenFlags::GDAL_OF_UPDATE, ..Default::default() };
    let mut dataset = Dataset::open_ex(path, options).unwrap();
    change(&mut dataset);
    dataset.close().unwrap();
}

/// All bands of a raster as numbers, band after band.
pub fn read<T: GdalType + Copy>(path: &Path) -> Vec<Vec<T>> {
    let dataset = Dataset::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let bands = dataset.rasterbands().map(|b| b.unwrap().read_band_as::<T>().unwrap());
    bands.map(|b| b.data().to_vec()).collect()
}

/// A metadata item of the default domain.
pub fn tag(path: &Path, key: &str) -> Option<String> {
    Dataset::open(path).unwrap().metadata_item(key, "")
}

/// A metadata item that says how the file is stored, such as `COMPRESSION`.
pub fn structure(path: &Path, key: &str) -> Option<String> {
    Dataset::open(path).unwrap().metadata_item(key, "IMAGE_STRUCTURE")
}

/// The report beside an image.
pub fn sidecar(image: &Path) -> serde_json::Value {
    let path = image.with_extension("json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// Everything in a folder, hidden files among it.
pub fn listing(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// A folder with two 4×3 scenes (values and codes apart) and the rules that fill one from the other.
pub struct Pair {
    pub folder: tempfile::TempDir,
}

/// Rules of [`Pair`]: line numbers matter to the tests.
pub const PAIR_RULES: &str = r#"[scenes]
quality = "QA"
layout = "landsat-c2-l89"

[[scene]]
id = "a"
date = 2020-06-01
files = { B1 = "a_b1.tif", QA = "a_qa.tif" }

[[scene]]
id = "b"
date = 2020-06-17
files = { B1 = "b_b1.tif", QA = "b_qa.tif" }

[target]
scene = "a"

[[mask]]
name = "cloud"
kind = "bits"
any = ["cloud"]

[[fill]]
strategy = "nearest-date"

[output]
path = "out.tif"
"#;

/// Clear land and high-confidence cloud in Collection 2's QA_PIXEL.
pub const CLEAR: u16 = 21824;
pub const CLOUD: u16 = 22280;

impl Pair {
    /// Scene a has clouds at pixels 1 and 6; scene b at 6 and 7.
    pub fn new() -> Self {
        let pair = Self { folder: tempfile::tempdir().unwrap() };
        let codes =
            |cloudy: &[usize]| (0..12).map(|i| if cloudy.contains(&i) { CLOUD } else { CLEAR }).collect();
        pair.raster("a_b1.tif", (0..12).map(|i| 100 + i).collect());
        pair.raster("b_b1.tif", (0..12).map(|i| 200 + i).collect());
        pair.raster("a_qa.tif", codes(&[1, 6]));
        pair.raster("b_qa.tif", codes(&[6, 7]));
        std::fs::write(pair.path("rules.toml"), PAIR_RULES).unwrap();
        pair
    }

    pub fn raster(&self, name: &str, pixels: Vec<u16>) {
        let nodata = if name.contains("qa") { None } else { Some(0.0) };
        Raster { width: 4, bands: vec![pixels], shift: (0.0, 0.0), nodata, options: &[] }
            .write(&self.path(name));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces text of the rules file.
    pub fn change(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path("rules.toml")).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(self.path("rules.toml"), text.replace(from, to)).unwrap();
    }

    /// Adds text at the end of the rules file, where `[output]` stands.
    pub fn append(&self, text: &str) {
        let old = std::fs::read_to_string(self.path("rules.toml")).unwrap();
        std::fs::write(self.path("rules.toml"), old + text).unwrap();
    }

    /// Runs the rules file with further arguments.
    pub fn compose(&self, more: &[&str]) -> Output {
        compose().current_dir(self.folder.path()).args(["--rules", "rules.toml"]).args(more).output().unwrap()
    }

    /// Runs, insists on success, and reads the first band.
    pub fn result(&self, more: &[&str]) -> Vec<u16> {
        let output = self.compose(more);
        assert!(output.status.success(), "{}", stderr(&output));
        read::<u16>(&self.path("out.tif")).swap_remove(0)
    }

    /// Runs, insists on refusal with exit status 2 and nothing left behind; gives the message.
    pub fn refused(&self, more: &[&str]) -> String {
        let before = listing(self.folder.path());
        let output = self.compose(more);
        assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
        assert_eq!(listing(self.folder.path()), before, "something was left behind");
        let text = stderr(&output);
        assert!(!text.contains("panicked"), "{text}");
        text
    }
}

/// A folder with a stack that takes seconds to compose: donors between the target's pixels, cubic, small blocks.
pub struct Slow {
    pub folder: tempfile::TempDir,
}

impl Slow {
    pub fn new() -> Self {
        let slow = Self { folder: tempfile::tempdir().unwrap() };
        const SIDE: usize = 2000;
        let write = |name: &str, value: u16, shift: f64| {
            let bands = vec![vec![value; SIDE * SIDE]];
            let options = ["TILED=YES", "COMPRESS=LZW", "BLOCKXSIZE=512", "BLOCKYSIZE=512"];
            let (shift, nodata) = ((shift, shift), Some(0.0));
            Raster { width: SIDE, bands, shift, nodata, options: &options }.write(&slow.path(name));
        };
        let mut rules = String::from("[grid]\nlike = \"s0.tif\"\nresampling = \"cubic\"\n");
        for scene in 0..5_u16 {
            write(&format!("s{scene}.tif"), 1000 + scene, f64::from(scene) * 0.3);
            rules += &format!(
                "[[scene]]\nid = \"s{scene}\"\ndate = 2020-06-0{}\nfiles = {{ B1 = \"s{scene}.tif\" }}\n",
                scene + 1
            );
        }
        rules += "[[fill]]\nstrategy = \"median-stack\"\n[output]\npath = \"out.tif\"\n";
        std::fs::write(slow.path("rules.toml"), rules).unwrap();
        slow
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts the program with its standard error in a file of another folder, and waits until it writes.
    pub fn start(&self, said: &Path) -> std::process::Child {
        let mut child = command()
            .current_dir(self.folder.path())
            .args(["--rules", "rules.toml", "-j", "1", "--block-size", "8"])
            .stderr(std::fs::File::create(said).unwrap())
            .spawn()
            .unwrap();
        for _ in 0..2000 {
            // Past the plan, which looks whether there is room for a draft, and at work.
            let names = listing(self.folder.path());
            let has = |end: &str| names.iter().any(|n| n.starts_with(".out.tif.") && n.ends_with(end));
            if has("lock") && has(".tmp") {
                return child;
            }
            assert!(child.try_wait().unwrap().is_none(), "{}", std::fs::read_to_string(said).unwrap());
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        child.kill().unwrap();
        panic!("nothing was written in 10 s");
    }
}

/// Sends a signal to a child of ours, such as `INT`.
pub fn signal(child: &std::process::Child, name: &str) {
    // The shell's own: the program of this name is not on every machine.
    let status = Command::new("sh").args(["-c", &format!("kill -{name} {}", child.id())]).status().unwrap();
    assert!(status.success(), "kill -{name}");
}

/// Waits for a child, but not for ever.
pub fn wait(child: &mut std::process::Child) -> std::process::ExitStatus {
    for _ in 0..6000 {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    child.kill().unwrap();
    panic!("still running after 60 s");
}
