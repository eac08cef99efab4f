//! Outputs in tiles: by one process or many, interrupted, resumed, after a change of scenes.
//!
//! | module | asks |
//! |---|---|
//! | `whole` | has every tile the pixels of that window of the single image? |
//! | `parts` | do many processes, killed and resumed, leave the bytes that one leaves? |
//! | `changed` | are the tiles done again that a change touches, and only those? |
//! | `refused` | is everything refused by name that is in the way of tiles? |
//! | `area` | the same of an output that is limited to polygons |
//! | `recipes` | do the recipes of docs/scale.md do what they say? |

mod area;
mod changed;
mod parts;
mod recipes;
mod refused;
mod whole;

use crate::support::{CLEAR, CLOUD, Raster, compose, listing, stderr, stdout};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;

/// Columns and rows of a scene.
const SIZE: (usize, usize) = (600, 540);

/// A folder with scenes, `rules.toml` in tiles that are written to `out`, and `whole.toml`, the same as one image.
struct Field {
    folder: tempfile::TempDir,
}

/// A scene: its day in June 2020, and how far it lies from the first, in pixels.
type Placed = (u32, (f64, f64));

/// Three that lie on one another, a little apart.
const STACK: [Placed; 4] = [(3, (0.0, 0.0)), (9, (7.0, 0.0)), (14, (0.0, 11.0)), (21, (3.0, 2.0))];

impl Field {
    /// `rules` are all tables but `[scenes]`, `[[scene]]`, `[grid]` and `[output]`; `grid` and `output` what these say.
    fn new(scenes: &[Placed], side: usize, rules: &str, grid: &str, output: &str) -> Self {
        let field = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(field.path("out")).unwrap();
        for scene in scenes {
            field.add_scene(*scene);
        }
        for (name, size, path) in [
            ("rules.toml", format!("tile-size = {side}"), "out/{tile}.tif"),
            ("whole.toml", String::new(), "whole.tif"),
        ] {
            let text = format!(
                "[scenes]\npath = \"s*.tif\"\npattern = '(?P<id>s(?P<date>\\d{{8}}))\\.tif'\n\
                 bands = {{ blue = 1, green = 2, red = 3, nir = 4, QA = 5 }}\nquality = \"QA\"\nlayout = \"landsat-c2-l89\"\n\
                 nodata = 0\nscale = 0.0001\noffset = 0.0\n{rules}\n[grid]\n{size}\n{grid}\n[output]\npath = \"{path}\"\n{output}\n"
            );
            std::fs::write(field.path(name), text).unwrap();
        }
        field
    }

    /// Land that differs from day to day, and clouds.
    fn add_scene(&self, (day, shift): Placed) {
        let (width, height) = SIZE;
        let at = |index: usize| ((index % width) as f64 + shift.0, (index / width) as f64 + shift.1);
        let land = |index: usize, band: usize| {
            let (x, y) = at(index);
            let fields = ((x / 37.0).sin() * (y / 29.0).cos() * 900.0) + ((x * 13.0 + y * 7.0) % 31.0) * 9.0;
            let season = f64::from(day) * (11.0 + 3.0 * band as f64);
            (1200.0 + 400.0 * band as f64 + fields * (0.6 + 0.2 * band as f64) + season) as u16
        };
        let cloud = |index: usize| {
            let (x, y) = at(index);
            let (cx, cy) = (f64::from(day * 53 % 500), f64::from(day * 97 % 430));
            ((x - cx) / 90.0).powi(2) + ((y - cy) / 70.0).powi(2) < 1.0
        };
        let band = |band: usize| {
            (0..width * height).map(|i| land(i, band) + if cloud(i) { 4000 } else { 0 }).collect()
        };
        let mut bands: Vec<Vec<u16>> = (0..4).map(band).collect();
        bands.push((0..width * height).map(|i| if cloud(i) { CLOUD } else { CLEAR }).collect());
        let options = &["TILED=YES", "BLOCKXSIZE=128", "BLOCKYSIZE=128", "COMPRESS=DEFLATE"];
        Raster { width, bands, shift, nodata: None, options }
            .write(&self.path(&format!("s202006{day:02}.tif")));
    }

    /// As most tests want it: the target is repaired by what a survey learned.
    fn repaired(side: usize) -> Self {
        let rules = "[target]\nscene = \"s20200614\"\n[[mask]]\nname = \"cloud\"\nkind = \"bits\"\nany = [\"cloud\"]\n\
                     [[fill]]\nstrategy = \"regress\"\n[[fill]]\nstrategy = \"median-stack\"\n";
        Self::new(&STACK, side, rules, "", "nodata = 0")
    }

    /// Scenes side by side, of which no survey is taken: each reaches few tiles.
    fn side_by_side() -> Self {
        let scenes = [(3, (0.0, 0.0)), (9, (560.0, 0.0)), (14, (0.0, 500.0))];
        let rules = "[target]\ndate = 2020-06-10\n[[mask]]\nname = \"cloud\"\nkind = \"bits\"\nany = [\"cloud\"]\n\
                     [[fill]]\nstrategy = \"nearest-date\"\n";
        let bounds = format!(
            "bounds = [405000, {}, {}, 4500000]\nresolution = 30",
            4_500_000 - 30 * 1100,
            405_000 + 30 * 1300
        );
        Self::new(&scenes, 256, rules, &bounds, "nodata = 0")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn compose(&self, args: &[&str]) -> Output {
        compose().current_dir(self.folder.path()).args(args).output().unwrap()
    }

    /// Runs, and insists on success; what was said.
    fn done(&self, args: &[&str]) -> String {
        let output = self.compose(args);
        assert!(output.status.success(), "{args:?}\n{}", stderr(&output));
        stderr(&output) + &stdout(&output)
    }

    fn save_plan(&self) {
        self.done(&["--rules", "rules.toml", "--save-plan", "plan.json", "--quiet"]);
    }

    /// Insists on exit status 2; what was said.
    fn fails(&self, args: &[&str]) -> String {
        let output = self.compose(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}\n{}", stderr(&output));
        stderr(&output)
    }

    /// Every file of `out`, hidden ones too.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        files(&self.path("out"))
    }

    /// The same, and `out` is empty again.
    fn taken(&self) -> BTreeMap<String, Vec<u8>> {
        let files = self.files();
        std::fs::remove_dir_all(self.path("out")).unwrap();
        std::fs::create_dir(self.path("out")).unwrap();
        files
    }
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    listing(folder)
        .into_iter()
        .map(|name| {
            let bytes = std::fs::read(folder.join(&name)).unwrap_or_else(|e| panic!("{name}: {e}"));
            (name, bytes)
        })
        .collect()
}

/// Insists on the same files.
fn assert_same(a: &BTreeMap<String, Vec<u8>>, b: &BTreeMap<String, Vec<u8>>, when: &str) {
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>(), "{when}");
    let different: Vec<&String> = a.keys().filter(|name| a[*name] != b[*name]).collect();
    assert!(different.is_empty(), "{when}: {different:?}");
}

/// A report as JSON.
fn report(path: &Path) -> serde_json::Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}
