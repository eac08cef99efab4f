//! A grid that is mostly empty: what no scene meets is neither composed nor written, and reads as if it were.

use crate::support::{CLEAR, CLOUD, Raster, read, registry, structure};
use compose_engine::options::BlockSize;
use compose_engine::run::run;
use compose_engine::{Control, Options, Plan, Rules, RulesFile};
use compose_io::files::Drafts;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Scenes of 90 × 70 px on a grid of 2600 × 1800: two that overlap, one far away, one between pixels.
const PLACES: [(f64, f64); 4] = [(3.0, 0.0), (50.0, 20.0), (2400.0, 1300.0), (1100.4, 900.3)];
const SIZE: (usize, usize) = (90, 70);
const GRID: (usize, usize) = (2600, 1800);

struct Mosaic(tempfile::TempDir);

impl Mosaic {
    fn new(target: &str, output: &str) -> Self {
        let mosaic = Self(tempfile::tempdir().unwrap());
        let mut rules = String::from("[scenes]\nquality = \"QA\"\nlayout = \"landsat-c2-l89\"\n");
        for (nth, shift) in PLACES.into_iter().enumerate() {
            let pixels = |of: &dyn Fn(usize) -> u16| vec![(0..SIZE.0 * SIZE.1).map(of).collect::<Vec<u16>>()];
            let write = |name: String, bands, nodata| {
                Raster { width: SIZE.0, bands, shift, nodata, options: &[] }.write(&mosaic.path(&name));
            };
            write(format!("{nth}_b1.tif"), pixels(&|at| (1000 * (nth + 1) + at % 97) as u16), Some(0.0));
            let cloudy = |at: usize| (20..45).contains(&(at % SIZE.0)) && at / SIZE.0 > 30;
            write(format!("{nth}_qa.tif"), pixels(&|at| if cloudy(at) { CLOUD } else { CLEAR }), None);
            let files = format!("files = {{ B1 = \"{nth}_b1.tif\", QA = \"{nth}_qa.tif\" }}");
            rules += &format!("[[scene]]\nid = \"s{nth}\"\ndate = 2020-06-0{}\n{files}\n", nth + 1);
        }
        let bounds = (405_000, 4_500_000 - 30 * GRID.1, 405_000 + 30 * GRID.0, 4_500_000);
        rules += &format!(
            "[grid]\nbounds = [{}, {}, {}, {}]\nresolution = 30\n",
            bounds.0, bounds.1, bounds.2, bounds.3
        );
        rules += &format!("{target}\n[[mask]]\nname = \"cloud\"\nkind = \"bits\"\nany = [\"cloud\"]\n");
        rules += "[[fill]]\nstrategy = \"median-stack\"\n[output]\npath = \"out.tif\"\n";
        std::fs::write(mosaic.path("rules.toml"), rules + output).unwrap();
        mosaic
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Composes in blocks of a size. `plain`: everywhere, as if scenes were everywhere. Gives how many blocks there were,
    /// how many pixels were composed, and the report.
    fn compose(&self, plain: bool, block: usize) -> (usize, u64, String) {
        let path = self.path("rules.toml");
        let file = RulesFile { text: std::fs::read_to_string(&path).unwrap(), path };
        let rules = Rules::parse(file, &registry()).unwrap();
        let block_size = BlockSize::Pixels(block);
        let options = Options { threads: 2, overwrite: true, block_size, ..Options::default() };
        let mut plan = Plan::make(&rules, &options).unwrap();
        if plain {
            plan.jobs.iter_mut().for_each(|job| Arc::make_mut(job).order.composable = None);
        }
        let (done, blocks) = (AtomicU64::new(0), plan.jobs[0].order.items().count());
        let progress = |p: compose_engine::Progress| done.store(p.done, Ordering::Relaxed);
        let control =
            Control { cancelled: &AtomicBool::new(false), progress: &progress, drafts: &Drafts::default() };
        let report = run(&rules, &crate::support::fitted(&plan), &control).unwrap();
        (blocks, done.load(Ordering::Relaxed), serde_json::to_string(&report.jobs).unwrap())
    }

    /// Every raster of the output: what it holds, and its bytes.
    fn rasters(&self) -> Vec<(String, Vec<Vec<f64>>, Vec<u8>)> {
        let names = ["out.tif", "out_provenance.tif", "out_masks.tif", "out_uncertainty.tif"];
        let there = names.iter().map(|name| self.path(name)).filter(|path| path.exists());
        let raster = |path: PathBuf| {
            let bytes = std::fs::read(&path).unwrap();
            (path.display().to_string(), read::<f64>(&path), bytes)
        };
        there.map(raster).collect()
    }
}

fn same(a: &[Vec<f64>], b: &[Vec<f64>]) -> bool {
    let pairs = a.iter().flatten().zip(b.iter().flatten());
    a.len() == b.len() && pairs.into_iter().all(|(a, b)| a == b || (a.is_nan() && b.is_nan()))
}

/// Bytes of a file that are tiles of its first band.
fn tiles(path: &Path) -> (usize, usize) {
    use gdal::Metadata;
    let dataset = gdal::Dataset::open(path).unwrap();
    let band = dataset.rasterband(1).unwrap();
    let (across, down) =
        (band.size().0.div_ceil(band.block_size().0), band.size().1.div_ceil(band.block_size().1));
    let all = (0..down).flat_map(|row| (0..across).map(move |col| (col, row)));
    let item = |(col, row): &(usize, usize)| band.metadata_item(&format!("BLOCK_OFFSET_{col}_{row}"), "TIFF");
    (all.filter(|tile| item(tile).is_some()).count(), across * down)
}

#[test]
fn blocks_that_no_scene_meets_are_not_composed_and_read_as_if_they_were() {
    const COUNTED: &str = "count = true\n";
    let with_target = "[target]\nscene = \"s0\"";
    let cases = [
        ("", String::new()),
        ("", COUNTED.to_owned()),
        (with_target, "mask = true\nuncertainty = true\n".to_owned()),
        (with_target, "format = \"cog\"\nmask = true\nuncertainty = true\n".to_owned()),
    ];
    for (target, output) in cases {
        let mosaic = Mosaic::new(target, &output);
        let (all, pixels, report) = mosaic.compose(true, 100);
        assert_eq!((all, pixels), (26 * 18, (GRID.0 * GRID.1) as u64));
        let wanted = mosaic.rasters();
        let (blocks, few, found) = mosaic.compose(false, 100);
        assert!(blocks <= 12 && few <= 120_000, "{blocks} blocks, {few} pixels");
        assert_eq!(found, report, "{target} {output}");
        let rasters = mosaic.rasters();
        assert_eq!(rasters.len(), if target.is_empty() { 2 } else { 4 });
        for ((name, found, bytes), (_, wanted, plain)) in rasters.iter().zip(&wanted) {
            assert!(same(found, wanted), "{name} {target} {output}");
            assert!(bytes.len() < plain.len(), "{name}: {} and {} bytes", bytes.len(), plain.len());
        }
        assert_eq!(tiles(&mosaic.path("out.tif")), (3, 24), "{target} {output}");
        if output.starts_with("format") {
            assert_eq!(structure(&mosaic.path("out.tif"), "LAYOUT").as_deref(), Some("COG"));
        }
        mosaic.compose(false, 37);
        for ((name, _, bytes), (_, _, again)) in rasters.iter().zip(mosaic.rasters()) {
            assert!(*bytes == again, "{name} {target} {output}: blocks of another size make other bytes");
        }
    }
}

/// There is no value for a gap: the first one is told, as ever.
#[test]
fn without_nodata_empty_space_is_a_gap_and_an_error() {
    let mosaic = Mosaic::new("", "");
    for scene in 0..PLACES.len() {
        crate::support::change(&mosaic.path(&format!("{scene}_b1.tif")), |dataset| {
            dataset.rasterband(1).unwrap().set_no_data_value(None).unwrap();
        });
    }
    let output = crate::support::compose()
        .current_dir(mosaic.0.path())
        .args(["--rules", "rules.toml"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = crate::support::stderr(&output);
    assert!(said.contains("nodata"), "{said}");
}
