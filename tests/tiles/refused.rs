//! What is in the way of tiles is refused by name, and nothing is lost.

use super::{Field, assert_same, files};
use crate::support::{command, listing, stderr};
use std::process::Command;

/// Text of `rules.toml` replaced; what is said, which is one line.
fn said(field: &Field, from: &str, to: &str, args: &[&str]) -> String {
    let path = field.path("rules.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from}");
    std::fs::write(&path, text.replace(from, to)).unwrap();
    let before = listing(field.folder.path());
    let said = field.fails(&[&["--rules", "rules.toml"], args].concat());
    assert_eq!((listing(field.folder.path()), field.files().len()), (before, 0), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
    std::fs::write(&path, text).unwrap();
    said
}

#[test]
fn sizes_and_names_that_make_no_tiles_are_refused() {
    let field = Field::repaired(256);
    let size = "tile-size = 256";
    for (to, expected) in [
        (
            "tile-size = 0",
            "tile-size is the integer 0, expected pixels such as 4096, or a length such as \"100 km\"",
        ),
        ("tile-size = -256", "tile-size is the integer -256, expected"),
        ("tile-size = 256.0", "tile-size is the number 256, expected"),
        ("tile-size = 1", "tile-size is 1, expected a multiple of 256 pixels, such as 256"),
        ("tile-size = 500", "tile-size is 500, expected a multiple of 256 pixels, such as 256 or 512"),
        ("tile-size = \"100 miles\"", "tile-size is the string \"100 miles\", expected"),
        ("tile-size = \"-1 km\"", "tile-size is the string \"-1 km\", expected"),
        ("tile_size = 256", "unknown key"),
        ("", "path \"out/{tile}.tif\" is for tiles, and [grid] has no tile-size"),
    ] {
        let said = said(&field, size, to, &[]);
        assert!(said.contains(expected), "{to}: {said}");
    }
    for (to, expected) in [
        (
            "out/a.tif",
            "path \"out/a.tif\" does not tell tiles apart; put {tile}, or {row} and {col}, into the name",
        ),
        ("out/{tile}.vrt", "ends in .vrt; expected a name that ends in .tif or .tiff"),
        ("out/{row}.tif", "path \"out/{row}.tif\" does not tell tiles apart"),
        ("{tile}/a.tif", "path \"{tile}/a.tif\" does not tell tiles apart"),
        ("{row}/{tile}.tif", "has a folder for each tile; put {tile} into the name of the file alone"),
        ("gone/{tile}.tif", "there is no folder"),
        ("out/{tile}.png", "ends in .png; expected a name that ends in .tif or .tiff"),
    ] {
        let said = said(&field, "out/{tile}.tif", to, &[]);
        assert!(said.contains(expected), "{to}: {said}");
    }
    let sidecar = said(&field, "[output]\n", "[output]\nsidecar = false\n", &[]);
    assert!(
        sidecar.contains("[output] sidecar is false, and with tile-size every tile needs its report"),
        "{sidecar}"
    );
    let huge = said(&field, size, "tile-size = 9223372036854775807", &[]);
    assert!(huge.contains("expected a multiple of 256 pixels"), "{huge}");
}

#[test]
fn a_size_in_kilometres_is_rounded_and_says_so() {
    let field = Field::repaired(256);
    let path = field.path("rules.toml");
    let text = std::fs::read_to_string(&path).unwrap().replace("tile-size = 256", "tile-size = \"8 km\"");
    std::fs::write(&path, text).unwrap();
    let plan = field.done(&["--rules", "rules.toml", "--plan"]);
    let expected = "tiles: 2 × 2 of 512 × 512 pixels (\"8 km\", rounded up to multiples of 256 pixels)";
    assert!(plan.contains(expected), "{plan}");
}

#[test]
fn parts_and_tiles_that_are_not_there_are_refused() {
    let field = Field::side_by_side();
    field.save_plan();
    for (args, expected) in [
        (&["--part", "0/3"][..], "there is no part 0 of 3; expected 1/3 to 3/3"),
        (&["--part", "4/3"], "there is no part 4 of 3"),
        (&["--part", "1/0"], "\"1/0\" is no part; expected one such as 3/40"),
        (&["--part", "three"], "is no part; expected one such as 3/40"),
        (
            &["--tile", "r000_c006"],
            "--tile: there is no tile \"r000_c006\"; expected one from r000_c000 to r004_c005",
        ),
        (&["--tile", "r004_c005"], "--tile: no scene reaches tile r004_c005 of 6 × 5, so it is not written"),
        (&["--tile", ""], "there is no tile \"\""),
    ] {
        let said = field.fails(&[&["--from-plan", "plan.json"], args].concat());
        assert!(said.contains(expected), "{args:?}: {said}");
        assert!(field.files().is_empty());
    }
    for option in [&["--resume"][..], &["--part", "1/2"], &["--tile", "r000_c000"]] {
        let said = field.fails(&[&["--rules", "whole.toml"], option].concat());
        assert!(
            said.contains("[grid] has no tile-size, so there are no tiles") && said.contains(option[0]),
            "{said}"
        );
    }
    // A plan without tiles, whose image is there: it is not replaced in the name of a part.
    field.done(&["--rules", "whole.toml", "-q"]);
    field.done(&["--rules", "whole.toml", "--save-plan", "whole-plan.json", "-q"]);
    let said = field.fails(&["--from-plan", "whole-plan.json", "--part", "1/2"]);
    assert!(said.contains("[grid] has no tile-size"), "{said}");
    let said = field.fails(&["--rules", "rules.toml", "--save-plan", "other.json", "--part", "1/2"]);
    assert!(said.contains("cannot be used with"), "{said}");
    for taken in ["out/r000_c000.json", "out/mosaic.json"] {
        let said = field.fails(&["--rules", "rules.toml", "--save-plan", taken]);
        assert!(said.contains("is written by a run of this plan"), "{said}");
    }
    // More parts than tiles: some have nothing to do.
    let said = field.done(&["--from-plan", "plan.json", "--part", "90/90"]);
    assert!(said.contains("no tile is in this share"), "{said}");
}

#[test]
fn what_is_no_tile_of_the_plan_is_not_replaced_unasked() {
    let field = Field::repaired(256);
    field.save_plan();
    for (name, content, expected) in [
        ("r001_c001.tif", "somebody's", "tile r001_c001: out/r001_c001.tif is there without its report"),
        ("r002_c000.json", "{}", "tile r002_c000: out/r002_c000.json is no report of a tile"),
        ("mosaic.vrt", "<VRTDataset/>", "out/mosaic.vrt"),
        ("mosaic.json", "{\"compose\": 1}", "out/mosaic.json"),
    ] {
        std::fs::write(field.path("out").join(name), content).unwrap();
        let before = field.files();
        let said = field.fails(&["--from-plan", "plan.json"]);
        assert!(said.contains(expected), "{name}: {said}");
        assert_same(&before, &field.files(), name);
        field.taken();
    }
    // A tile that was changed after it was written.
    field.done(&["--from-plan", "plan.json", "-q"]);
    let whole = field.files();
    let tile = field.path("out/r001_c001.tif");
    let mut bytes = std::fs::read(&tile).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&tile, bytes).unwrap();
    let said = field.fails(&["--from-plan", "plan.json"]);
    assert!(
        said.contains("tile r001_c001: out/r001_c001.json: r001_c001.tif is not as it was written"),
        "{said}"
    );
    let said = field.done(&["--from-plan", "plan.json", "--resume"]);
    assert!(said.contains("1 of 9 tiles written (8 were there)"), "{said}");
    assert_same(&whole, &field.files(), "resumed");
    let said = field.done(&["--from-plan", "plan.json", "--overwrite"]);
    assert!(said.contains("9 of 9 tiles written"), "{said}");
    assert_same(&whole, &field.files(), "overwritten");
}

/// Also where the rules name the file as a scene, or as what their grid is like.
#[test]
fn no_tile_replaces_a_file_that_is_read() {
    let field = Field::repaired(256);
    for name in ["r001_c002.tif", "mosaic.tif"] {
        let ours = field.path("out").join(name);
        std::fs::copy(field.path("s20200603.tif"), &ours).unwrap();
    }
    let before = files(&field.path("out"));
    let path = field.path("rules.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("tile-size", "like = \"out/r001_c002.tif\"\ntile-size")).unwrap();
    for more in [&[][..], &["--overwrite"], &["--resume"]] {
        let said = field.fails(&[&["--rules", "rules.toml"], more].concat());
        assert!(said.contains("out/r001_c002.tif is read by this run; it would be overwritten"), "{said}");
        assert_same(&before, &files(&field.path("out")), "refused");
    }
}

/// The disk is full at the seventh tile: by a limit on the size of a file, which only this tile's noise exceeds.
#[test]
fn a_full_disk_in_one_tile_leaves_the_others_and_nothing_of_it() {
    let field = Field::repaired(256);
    field.save_plan();
    field.done(&["--from-plan", "plan.json", "-q"]);
    let whole = field.taken();
    let image = |name: &str| whole[name].len();
    let largest = (0..9)
        .map(|nth| format!("r{:03}_c{:03}.tif", nth / 3, nth % 3))
        .max_by_key(|name| image(name))
        .unwrap();
    let limit = (image(&largest) - 1) / 512;
    let smaller: Vec<&String> = whole
        .iter()
        .filter(|(name, bytes)| name.ends_with(".tif") && bytes.len() / 512 < limit)
        .map(|(name, _)| name)
        .collect();
    assert!(!smaller.is_empty() && image(&largest) > limit * 512);
    let program = command().get_program().to_owned();
    let mut shell = Command::new("sh");
    shell.current_dir(field.folder.path()).arg("-c");
    shell.arg(format!("ulimit -f {limit}; exec \"$0\" --from-plan plan.json -q -j 1")).arg(program);
    let output = shell.output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    // libtiff of GDAL 3.10 prints lines of its own before ours, and needs more room while it writes: a tile that is
    // nearly as large may fail first.
    let last = said.trim_end().lines().last().unwrap();
    let failed = last
        .strip_prefix("error: out/")
        .and_then(|last| last.split_once(".tif: cannot be written"))
        .unwrap()
        .0;
    let left = field.files();
    assert!(!left.keys().any(|name| name.starts_with('.') || name.starts_with(failed)), "{:?}", left.keys());
    assert!(left.iter().all(|(name, bytes)| whole[name] == *bytes), "what is there is whole");
    let said = field.done(&["--from-plan", "plan.json", "--resume"]);
    assert!(said.contains("were there)") || failed == "r000_c000", "{said}");
    assert_same(&whole, &field.files(), "resumed");
}
