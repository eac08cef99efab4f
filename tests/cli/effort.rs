//! Work and memory have a bound, and are told before they are spent.

use crate::support::{Pair, Raster, stderr, stdout};

#[test]
fn a_survey_looks_where_scenes_lie_however_long_the_grid_is() {
    let pair = Pair::new();
    pair.change("nearest-date", "regress");
    let long = ["--bounds", "405000 4499910 240405000 4500000", "--plan"];
    let output = pair.compose(&long);
    assert!(output.status.success(), "{}", stderr(&output));
    let plan = stdout(&output);
    assert!(plan.contains("size: 8000000 × 3 pixels, image 45.8 MB"), "{plan}");
    assert!(plan.contains("survey: 1536 pixels of the grid, every pixel of it, of 2 scenes"), "{plan}");
}

#[test]
fn a_rule_that_looks_far_around_is_named_where_it_takes_the_memory() {
    let pair = Pair::new();
    pair.change(
        "name = \"cloud\"\nkind = \"bits\"\nany = [\"cloud\"]",
        "name = \"shadow\"\nkind = \"shadow-geometry\"\nbands = [\"B1\"]\nsun-elevation = 12\nsun-azimuth = 100\n\
         clouds = { kind = \"bits\", any = [\"cloud\"] }",
    );
    let said = pair.refused(&["--mem-limit", "120MB", "--plan"]);
    assert!(said.contains("px around them, which mask \"shadow\" looks at"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    let plan = stdout(&pair.compose(&["--mem-limit", "8GB", "--plan"]));
    assert!(plan.contains("note: mask \"shadow\" looks ") && plan.contains("most of the work"), "{plan}");
}

#[test]
fn a_file_of_which_one_block_is_more_than_the_memory_is_refused_by_name() {
    let pair = Pair::new();
    let options = ["TILED=YES", "BLOCKXSIZE=4096", "BLOCKYSIZE=4096"];
    Raster {
        width: 4,
        bands: vec![vec![7_u16; 12]],
        shift: (0.0, 0.0),
        nodata: Some(0.0),
        options: &options,
    }
    .write(&pair.path("b_b1.tif"));
    let said = pair.refused(&["--force-gdal", "--mem-limit", "40MB", "--plan"]);
    assert!(
        said.contains("b_b1.tif: it is stored in blocks of 4096 × 4096 pixels, and decoding one"),
        "{said}"
    );
    assert!(said.contains("takes 48.1 MB, more than the memory limit of 40.0 MB"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}
