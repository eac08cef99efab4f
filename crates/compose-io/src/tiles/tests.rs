//! Tiles are the same wherever they wait, and are decoded once where there is room for them.

use super::*;
use crate::FileHeader;
use crate::crs::CrsRegistry;
use gdal::DriverManager;
use gdal::cpl::CslStringList;
use gdal::raster::Buffer;
use std::path::Path;
use tempfile::TempDir;

const SIZE: (usize, usize) = (300, 200);
const BANDS: usize = 3;

/// A raster of three bands, the first of them and the last for a run.
fn bands(folder: &TempDir, options: &[&str]) -> Vec<BandRef> {
    let path = folder.path().join("a.tif");
    let options: CslStringList = options.iter().copied().collect();
    let driver = DriverManager::get_driver_by_name("GTiff").unwrap();
    let raster = driver.create_with_band_type_with_options::<u16, _>(&path, SIZE.0, SIZE.1, BANDS, &options);
    let raster = raster.unwrap();
    for number in 1..=BANDS {
        let samples = (0..SIZE.0 * SIZE.1).map(|at| (at * 7 + at / 11 * number) as u16).collect();
        raster.rasterband(number).unwrap().write((0, 0), SIZE, &mut Buffer::new(SIZE, samples)).unwrap();
    }
    drop(raster);
    let file = Arc::new(FileHeader::read(&path, &CrsRegistry::new(), &Default::default()).unwrap());
    let mut refs = [0, 2].map(|band| BandRef::new(file.clone(), &file.bands[band], Vec::new()));
    BandRef::share(&mut refs, None);
    refs.to_vec()
}

/// All blocks of both bands, which lie 7 columns and 3 rows beside the raster, in the order of a run.
fn read(store: &TileStore, bands: &[BandRef], block: (usize, usize)) -> Vec<f32> {
    let region = Window::whole(SIZE.0, SIZE.1);
    let mut all = Vec::new();
    for row in (0..SIZE.1).step_by(block.1) {
        for col in (0..SIZE.0).step_by(block.0) {
            let window = Window { col: col as i64, row: row as i64, width: block.0, height: block.1 };
            let block = window.intersect(region).unwrap();
            let at = Reading::of(block, RunPosition { pass: 0, region, block, worker: 0 }).shift(7, 3);
            for band in bands {
                let (mut values, mut valid) = (vec![0.0; block.pixels()], vec![0; block.pixels()]);
                store.read_data(band, at, &mut values, Valid::Set(&mut valid)).unwrap();
                all.extend(
                    values.into_iter().zip(valid).flat_map(|(value, valid)| [value, f32::from(valid)]),
                );
            }
        }
    }
    all
}

fn names(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn without_memory_a_tile_waits_on_the_disk_and_is_decoded_once() {
    let tiles = &["TILED=YES", "BLOCKXSIZE=128", "BLOCKYSIZE=64", "COMPRESS=DEFLATE"][..];
    for layout in [tiles, &[tiles, &["INTERLEAVE=BAND"]].concat(), &["BLOCKYSIZE=5", "INTERLEAVE=BAND"]] {
        let folder = tempfile::tempdir().unwrap();
        let bands = bands(&folder, layout);
        let (plenty, mut waited) = (TileStore::new(1 << 30, 4), 0);
        for block in [(30, 20), (300, 16), (64, 200)] {
            let right = read(&plenty, &bands, block);
            let store = TileStore::new(0, 4).with_scratch(Some(folder.path().to_path_buf()));
            assert!(read(&store, &bands, block) == right, "{layout:?} {block:?}");
            let again = read(&TileStore::new(0, 4), &bands, block);
            assert!(again == right, "{layout:?} {block:?}");
            assert_eq!(store.decoded().1, 0, "{layout:?} {block:?}");
            assert_eq!(names(folder.path()), 1, "the file has a name");
            waited += store.waited();
        }
        assert!(waited > 0, "{layout:?}");
    }
}

#[test]
fn what_the_disk_does_not_take_is_decoded_again() {
    let folder = tempfile::tempdir().unwrap();
    let bands = bands(&folder, &["TILED=YES", "BLOCKXSIZE=128", "BLOCKYSIZE=64", "COMPRESS=DEFLATE"]);
    let right = read(&TileStore::new(1 << 30, 4), &bands, (30, 20));
    for gone in [Some(folder.path().join("nowhere")), None] {
        let store = TileStore::new(0, 4).with_scratch(gone);
        assert!(read(&store, &bands, (30, 20)) == right);
        assert!(store.decoded().1 > 0 && store.waited() == 0);
    }
}
