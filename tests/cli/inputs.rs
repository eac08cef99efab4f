//! What is read is never written, and a word that names no image becomes none.

use crate::support::{Pair, compose, inside, listing, stderr};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Every setting that names a file to write, with what follows from it; `{}` is the path.
const OUTPUTS: [(&str, &[&str]); 6] = [
    ("path = \"{}\"\n", &[]),
    ("path = \"free.tif\"\nprovenance = \"{}\"\n", &[]),
    ("path = \"free.tif\"\nmask = \"{}\"\n", &[]),
    ("path = \"free.tif\"\nuncertainty = \"{}\"\n", &[]),
    ("path = \"free.tif\"\nsidecar = \"{}\"\n", &[]),
    ("path = \"{stem}.tif\"\n", &["--quicklook"]),
];

/// Everything that a run may read, by what it is.
const INPUTS: [&str; 12] = [
    "a_b1.tif",
    "a_qa.tif",
    "a_b1.tif.msk",
    "a_b1.tif.ovr",
    "a_b1.tif.aux.xml",
    "b.vrt",
    "source.tif",
    "source.tif.ovr",
    "a_MTL.txt",
    "rules.toml",
    "like.tif",
    "late_b1.tif",
];

/// Scenes with companions, a VRT with a source, an MTL file, a grid to be like, and a scene that is left out.
fn everything() -> Pair {
    let pair = Pair::new();
    pair.raster("source.tif", (0..12).map(|i| 200 + i).collect());
    pair.raster("like.tif", vec![1; 12]);
    pair.raster("late_b1.tif", vec![1; 12]);
    for (name, of) in
        [("a_b1.tif.msk", "a_qa.tif"), ("a_b1.tif.ovr", "a_b1.tif"), ("source.tif.ovr", "source.tif")]
    {
        // Of the size of the scene, so that it is neither a mask nor an overview that matters.
        std::fs::copy(pair.path(of), pair.path(name)).unwrap();
    }
    std::fs::write(pair.path("a_b1.tif.aux.xml"), "<PAMDataset></PAMDataset>").unwrap();
    let mtl = "GROUP = IMAGE_ATTRIBUTES\n  DATE_ACQUIRED = 2020-06-01\nEND_GROUP = IMAGE_ATTRIBUTES\nEND\n";
    std::fs::write(pair.path("a_MTL.txt"), mtl).unwrap();
    let vrt = "<VRTDataset rasterXSize=\"4\" rasterYSize=\"3\"><SRS>EPSG:32613</SRS>\
               <GeoTransform>405000, 30, 0, 4500000, 0, -30</GeoTransform>\
               <VRTRasterBand dataType=\"UInt16\" band=\"1\"><NoDataValue>0</NoDataValue><SimpleSource>\
               <SourceFilename relativeToVRT=\"1\">source.tif</SourceFilename><SourceBand>1</SourceBand>\
               </SimpleSource></VRTRasterBand></VRTDataset>";
    std::fs::write(pair.path("b.vrt"), vrt).unwrap();
    pair.change("b_b1.tif", "b.vrt");
    pair.change("date = 2020-06-01\n", "");
    pair.change("layout = \"landsat-c2-l89\"", "layout = \"landsat-c2-l89\"\nto = 2020-12-31");
    let late =
        "[[scene]]\nid = \"late\"\ndate = 2021-06-01\nfiles = { B1 = \"late_b1.tif\", QA = \"b_qa.tif\" }\n";
    pair.change("[target]", &format!("{late}\n[grid]\nlike = \"like.tif\"\n\n[target]"));
    pair.change("path = \"out.tif\"\n", "");
    pair
}

/// Every file of a folder and its bytes.
fn bytes(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let read = |name: String| (name.clone(), std::fs::read(folder.join(name)).unwrap_or_default());
    listing(folder).into_iter().map(read).collect()
}

/// How a path may lead to an input, besides its name.
#[derive(Clone, Copy, Debug)]
enum Way {
    Plain,
    Roundabout,
    Symbolic,
    Hard,
}

/// A path with this ending that leads to `input`.
fn led(pair: &Pair, input: &str, ending: &str, way: Way) -> String {
    let link = format!("link{ending}");
    let (from, to): (PathBuf, PathBuf) = (pair.path(input), pair.path(&link));
    match way {
        Way::Plain => return input.to_owned(),
        Way::Roundabout => {
            return format!("../{}/{input}", pair.folder.path().file_name().unwrap().display());
        }
        Way::Symbolic => std::os::unix::fs::symlink(from, to).unwrap(),
        Way::Hard => std::fs::hard_link(from, to).unwrap(),
    }
    link
}

#[cfg(unix)]
#[test]
fn no_output_of_any_setting_replaces_a_file_that_is_read() {
    let pair = everything();
    let rules = std::fs::read_to_string(pair.path("rules.toml")).unwrap();
    for (output, more) in OUTPUTS {
        let ending = match output {
            _ if output.contains("sidecar") => ".json",
            _ if output.contains("{stem}") => "_after.png",
            _ => ".tif",
        };
        for input in INPUTS {
            for way in [Way::Plain, Way::Roundabout, Way::Symbolic, Way::Hard] {
                // Pictures have names of their own: only a link can lead from one to an input. Of the other settings
                // one is tried in every way.
                let wanted = match way {
                    Way::Plain => !output.contains("{stem}"),
                    Way::Roundabout => output == OUTPUTS[0].0,
                    Way::Symbolic | Way::Hard => output == OUTPUTS[0].0 || output.contains("{stem}"),
                };
                if !wanted {
                    continue;
                }
                let path = led(&pair, input, ending, way);
                let text = output.replace("{}", &path).replace("{stem}", "link");
                std::fs::write(pair.path("rules.toml"), format!("{rules}{text}")).unwrap();
                let before = bytes(pair.folder.path());
                let options = inside::options(&[&["--overwrite"], more].concat()).unwrap();
                let said = inside::carry_out(&pair.path("rules.toml"), &options).unwrap_err().to_string();
                assert!(said.contains("is read by this run"), "{text} {way:?}: {said}");
                assert_eq!(said.lines().count(), 1, "{said}");
                if input == INPUTS[0] {
                    let told = pair.refused(&[&["--overwrite"], more].concat());
                    assert!(told.contains("is read by this run") && told.lines().count() == 1, "{told}");
                }
                assert_eq!(bytes(pair.folder.path()), before, "{text} {way:?}");
                let _ = std::fs::remove_file(pair.path(&format!("link{ending}")));
            }
        }
    }
    // And where nothing clashes all goes well.
    std::fs::write(pair.path("rules.toml"), format!("{rules}path = \"free.tif\"\nmask = true\n")).unwrap();
    let before = bytes(pair.folder.path());
    let output = pair.compose(&["--overwrite", "--quicklook"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let after = bytes(pair.folder.path());
    assert!(before.iter().all(|(name, bytes)| after[name] == *bytes));
}

#[test]
fn the_command_line_replaces_no_file_that_is_read() {
    let pair = everything();
    for input in INPUTS {
        let before = bytes(pair.folder.path());
        for arguments in [&["-o", input][..], &["--output", input, "--quicklook"]] {
            let said = pair.refused(&[&["--overwrite"], arguments].concat());
            assert!(
                said.starts_with(&format!("error: --output: path: {input} is read by this run")),
                "{said}"
            );
        }
        assert_eq!(bytes(pair.folder.path()), before, "{input}");
    }
}

/// A scene may have the name of what GDAL would take for a part of the output.
#[test]
fn a_scene_is_not_taken_away_as_a_helper_of_an_output() {
    for helper in ["out.tif.msk", "out.tif.ovr", "out_provenance.tif.msk", "out.tif.aux.xml"] {
        let pair = Pair::new();
        std::fs::rename(pair.path("b_b1.tif"), pair.path(helper)).unwrap();
        pair.change("b_b1.tif", helper);
        let before = bytes(pair.folder.path());
        for more in [&["--overwrite"][..], &[], &["--plan"]] {
            let said = pair.refused(more);
            assert!(said.contains(&format!(" has {helper} beside it, which is read by this run")), "{said}");
        }
        assert_eq!(bytes(pair.folder.path()), before, "{helper}");
    }
}

#[test]
fn an_output_has_the_ending_of_what_it_is() {
    for (text, said) in [
        (
            "path = \"x.png\"",
            "rules.toml:27: [output] path: x.png ends in .png; expected a name that ends in .tif or .tiff",
        ),
        ("path = \"x\"", "rules.toml:27: [output] path: x has no ending; expected"),
        ("path = \".tif\"", "path: .tif has no ending"),
        ("path = \"out.\"", "path: out. has no ending"),
        ("path = \"out.tif.gz\"", "path: out.tif.gz ends in .gz"),
        ("path = \".\"", "path: . is a folder"),
        ("path = \"new.tif/\"", "path: new.tif/ is a folder"),
        (
            "path = \"o.tif\"\nprovenance = \"p.txt\"",
            "rules.toml:28: [output] provenance: p.txt ends in .txt",
        ),
        ("path = \"o.tif\"\nmask = \"m.png\"", "rules.toml:28: [output] mask: m.png ends in .png"),
        (
            "path = \"o.tif\"\nuncertainty = \"u.json\"",
            "rules.toml:28: [output] uncertainty: u.json ends in .json",
        ),
        (
            "path = \"o.tif\"\nsidecar = \"s.tif\"",
            "rules.toml:28: [output] sidecar: s.tif ends in .tif; expected a name that ends in .json",
        ),
    ] {
        let pair = Pair::new();
        pair.change("path = \"out.tif\"", text);
        for more in [&["--overwrite"][..], &["--plan"]] {
            let told = pair.refused(more);
            assert!(told.contains(said) && told.lines().count() == 1, "{text}: {told}");
        }
    }
    for name in ["out.TIF", "out.tiff", "out.Tiff"] {
        let pair = Pair::new();
        let output = pair.compose(&["-o", name]);
        assert!(output.status.success() && pair.path(name).exists(), "{name}: {}", stderr(&output));
    }
}

#[test]
fn a_word_that_is_no_command_becomes_no_file_and_a_rules_file_is_not_taken_for_an_image() {
    let pair = Pair::new();
    std::fs::copy(pair.path("rules.toml"), pair.path("other.toml")).unwrap();
    std::fs::create_dir(pair.path("folder")).unwrap();
    let before = bytes(pair.folder.path());
    for (arguments, said) in [
        (&["evalute", "--rules", "rules.toml", "--overwrite"][..], "did you mean `compose evaluate`?"),
        (&["--rules", "rules.toml", "--overwrite", "evalute"], "did you mean `compose evaluate`?"),
        (&["evalute", "--rules", "nowhere.toml"], "did you mean `compose evaluate`?"),
        (&["inspct", "a_b1.tif"], "did you mean `compose inspect`?"),
        (&["pluginx"], "did you mean `compose plugin`?"),
        (&["rules.toml"], "rules.toml: a rules file is no image to write; pass it as --rules rules.toml"),
        (&["rules.toml", "other.toml"], "pass it as --rules rules.toml"),
        (&["rules.toml", "--overwrite", "out.tif"], "pass it as --rules rules.toml"),
        (&["--rules", "rules.toml", "--overwrite", "other.toml"], "other.toml: a rules file is no image"),
        (&["--rules", "rules.toml", "--overwrite", "-o", "other.toml"], "other.toml ends in .toml"),
        (&["--rules", "rules.toml", "--overwrite", "x.png"], "x.png: is neither a command"),
        (&["--rules", "rules.toml", "-o", "folder/", "--overwrite"], "folder/ is a folder"),
        (&["--rules", "rules.toml", "-o", "folder", "--overwrite"], "folder is a folder"),
        (&["elephant"], "elephant: is neither a command (evaluate, "),
    ] {
        let output = compose().current_dir(pair.folder.path()).args(arguments).output().unwrap();
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.starts_with("error: ") && told.contains(said), "{arguments:?}: {told}");
        assert_eq!(told.lines().count(), 1, "{arguments:?}: {told}");
        assert_eq!(bytes(pair.folder.path()), before, "{arguments:?}");
    }
}

/// A name in another encoding would be written as something else.
#[cfg(unix)]
#[test]
fn a_path_that_is_not_utf_8_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let pair = Pair::new();
    let before = listing(pair.folder.path());
    for first in ["-o", "--overwrite"] {
        let name = std::ffi::OsStr::from_bytes(b"caf\xe9.tif");
        let mut command = compose();
        command.current_dir(pair.folder.path()).args(["--rules", "rules.toml", first]).arg(name);
        let output = command.output().unwrap();
        let said = stderr(&output);
        assert_eq!((output.status.code(), said.lines().count()), (Some(2), 1), "{said}");
        assert!(said.contains("is not UTF-8; expected a path that is"), "{said}");
        assert_eq!(listing(pair.folder.path()), before);
    }
}
