//! Files without a georeference: as their MTL file says, or refused.

use crate::support::{Pair, Raster, compose, read, root, stderr, stdout};
use gdal::raster::Buffer;
use gdal::{Dataset, DriverManager};
use std::path::Path;
use std::process::Output;

const SCENES: [&str; 2] =
    ["LC08_L2SP_218074_20190114_20200829_02_T1", "LC08_L2SP_218074_20190130_20200829_02_T1"];
const BAND: &str = "SR_B4.TIF";

/// A folder with the red bands of two real scenes that lie 30 px apart, without what says where, and their MTL files.
fn stripped() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for scene in SCENES {
        let source = root().join("examples/lesson/source").join(scene);
        let (from, to) =
            (source.join(format!("{scene}_{BAND}")), folder.path().join(format!("{scene}_{BAND}")));
        let mtl = format!("{scene}_MTL.txt");
        std::fs::copy(source.join(&mtl), folder.path().join(&mtl)).unwrap();
        plain_copy(&from, &to);
    }
    folder
}

/// The pixels of a file's first band, and nothing else.
fn plain_copy(from: &Path, to: &Path) {
    let source = Dataset::open(from).unwrap();
    let size = source.raster_size();
    let pixels = source.rasterband(1).unwrap().read_band_as::<u16>().unwrap().data().to_vec();
    let driver = DriverManager::get_driver_by_name("GTiff").unwrap();
    let copy = driver.create_with_band_type::<u16, _>(to, size.0, size.1, 1).unwrap();
    copy.rasterband(1).unwrap().write((0, 0), size, &mut Buffer::new(size, pixels)).unwrap();
    copy.close().unwrap();
}

fn rules(folder: &Path, scenes: &Path, more: &str) {
    let text = format!(
        "[scenes]\npreset = \"landsat-c2-l2\"\npath = \"{}/*_{BAND}\"\nbands = [\"red\"]\n{more}\n[target]\nscene = \"{}\"\n\
         [[mask]]\nkind = \"range\"\nband = \"red\"\nmin = 9000\n[[fill]]\nstrategy = \"nearest-date\"\n\
         [output]\npath = \"out.tif\"\n",
        scenes.display(),
        SCENES[1]
    );
    std::fs::write(folder.join("rules.toml"), text).unwrap();
}

fn run(folder: &Path, more: &[&str]) -> Output {
    compose().current_dir(folder).args(["--rules", "rules.toml", "--overwrite"]).args(more).output().unwrap()
}

#[test]
fn files_without_a_georeference_lie_as_their_mtl_file_says() {
    let folder = stripped();
    rules(folder.path(), folder.path(), "");
    let output = run(folder.path(), &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    let image = folder.path().join("out.tif");
    let place = |path: &Path| {
        let dataset = Dataset::open(path).unwrap();
        (dataset.geo_transform().unwrap(), dataset.spatial_ref().unwrap().auth_code().unwrap())
    };
    let (placed, pixels) = (place(&image), read::<u16>(&image));
    let plan = stdout(&run(folder.path(), &["--plan"]));
    assert!(plan.contains("paste: whole-pixel shift (30, 0)"), "{plan}");
    assert!(plan.contains(&format!("{}_MTL.txt says", SCENES[0])), "{plan}");
    // The same scenes with their georeference.
    rules(folder.path(), &root().join("examples/lesson/source/*"), "");
    let output = run(folder.path(), &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!((placed, pixels), (place(&image), read::<u16>(&image)));
}

#[test]
fn an_mtl_file_that_does_not_fit_its_file_is_refused_by_name() {
    let folder = stripped();
    rules(folder.path(), folder.path(), "");
    let mtl = folder.path().join(format!("{}_MTL.txt", SCENES[0]));
    let text = std::fs::read_to_string(&mtl).unwrap();
    std::fs::write(&mtl, text.replace("_LINES = 300", "_LINES = 301")).unwrap();
    let output = run(folder.path(), &[]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("400 × 301 (reflective)") && said.contains("400 × 300"), "{said}");
    assert!(said.contains(&format!("{}_{BAND}", SCENES[0])) && said.lines().count() == 1, "{said}");
}

#[test]
fn scenes_of_which_nothing_says_where_they_lie_are_put_on_each_other_only_when_told() {
    let folder = stripped();
    for scene in SCENES {
        std::fs::remove_file(folder.path().join(format!("{scene}_MTL.txt"))).unwrap();
    }
    rules(folder.path(), folder.path(), "");
    let output = run(folder.path(), &[]);
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.starts_with("error: rules.toml:3: ") && said.contains("georeference = \"none\""), "{said}");
    rules(folder.path(), folder.path(), "georeference = \"none\"");
    let plan = stdout(&run(folder.path(), &["--plan"]));
    assert!(plan.contains("2 scenes without one are put on each other pixel by pixel"), "{plan}");
    let output = run(folder.path(), &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(Dataset::open(folder.path().join("out.tif")).unwrap().geo_transform().is_err());
}

#[test]
fn scenes_put_on_each_other_have_one_size_and_one_scene_needs_no_word() {
    let pair = Pair::new();
    for name in ["a_b1.tif", "a_qa.tif", "b_b1.tif", "b_qa.tif"] {
        std::fs::rename(pair.path(name), pair.path("old.tif")).unwrap();
        plain_copy(&pair.path("old.tif"), &pair.path(name));
    }
    assert!(pair.refused(&[]).contains("scenes a and b have no georeference"));
    pair.change("[scenes]", "[scenes]\nnodata = 0\ngeoreference = \"none\"");
    assert_eq!(pair.result(&[])[..4], [100, 201, 102, 103]);
    Raster { width: 3, bands: vec![vec![7_u16; 9]], shift: (0.0, 0.0), nodata: None, options: &[] }
        .write(&pair.path("old.tif"));
    plain_copy(&pair.path("old.tif"), &pair.path("b_b1.tif"));
    let said = pair.refused(&["--overwrite"]);
    assert!(said.contains("scene a has 4 × 3 pixels and scene b 3 × 3; expected one size"), "{said}");
    pair.change(
        "\n[[scene]]\nid = \"b\"\ndate = 2020-06-17\nfiles = { B1 = \"b_b1.tif\", QA = \"b_qa.tif\" }\n",
        "",
    );
    pair.change("georeference = \"none\"", "");
    pair.result(&["--overwrite"]);
}
