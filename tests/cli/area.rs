//! Outputs that are limited to the polygons of a file, and files that are refused for it.

use crate::support::{Pair, Raster, compose, listing, read, root, sidecar, stderr, stdout, tag};
use compose_core::page::fences;
use gdal::spatial_ref::SpatialRef;
use gdal::vector::{Geometry, LayerAccess, LayerOptions, OGRFieldType, OGRwkbGeometryType};
use gdal::{Dataset, DriverManager};
use serde_json::json;
use std::path::Path;

/// A polygon in pixels of the scenes of a pair, as GeoJSON in their system.
fn region(pair: &Pair, name: &str, corners: &[(f64, f64)]) {
    let points: Vec<String> = corners
        .iter()
        .chain(corners.first())
        .map(|(x, y)| format!("[{},{}]", 405_000.0 + 30.0 * x, 4_500_000.0 - 30.0 * y))
        .collect();
    let crs = r#"{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::32613"}}"#;
    let geometry = format!(r#"{{"type":"Polygon","coordinates":[[{}]]}}"#, points.join(","));
    let text = format!(
        r#"{{"type":"FeatureCollection","crs":{crs},"features":[{{"type":"Feature","properties":{{}},"geometry":{geometry}}}]}}"#
    );
    std::fs::write(pair.path(name), text).unwrap();
}

/// Without the first pixel of its second row.
const STEP: [(f64, f64); 6] = [(0.0, 0.0), (4.0, 0.0), (4.0, 2.0), (1.0, 2.0), (1.0, 1.0), (0.0, 1.0)];

/// A pair with an area.
fn step() -> Pair {
    let pair = Pair::new();
    region(&pair, "step.geojson", &STEP);
    pair.change("[target]", "[grid]\narea = \"step.geojson\"\n\n[target]");
    pair
}

#[test]
fn what_is_outside_is_nodata_and_counts_nowhere() {
    let pair = step();
    pair.append("mask = true\nuncertainty = true\ncount = true\nquicklook = true\n");
    let output = pair.compose(&[]);
    let said = stderr(&output);
    assert!(output.status.success(), "{said}");
    // Pixel 6 is a cloud in both scenes.
    assert_eq!(read::<u16>(&pair.path("out.tif")), [[100, 201, 102, 103, 0, 105, 0, 107]]);
    let [source, stage, age, count] = &read::<u16>(&pair.path("out_provenance.tif"))[..] else { panic!() };
    assert_eq!(source[..], [0, 1, 0, 0, 65535, 0, 65535, 0]);
    assert_eq!(stage[..], [0, 1, 0, 0, 65535, 0, 65535, 0]);
    assert_eq!(age[..], [0, 16, 0, 0, 65535, 0, 65535, 0]);
    assert_eq!(count[..], [2, 1, 2, 2, 0, 2, 0, 1]);
    assert_eq!(read::<u16>(&pair.path("out_masks.tif"))[0], [0, 1, 0, 0, 65535, 0, 1, 0]);
    let sigma = &read::<f32>(&pair.path("out_uncertainty.tif"))[0];
    assert_eq!(sigma.iter().map(|s| s.is_nan()).collect::<Vec<_>>()[4..], [true, false, true, false]);
    let report = sidecar(&pair.path("out.json"));
    let result = &report["result"];
    let number = |key: &str| result[key].as_f64().unwrap();
    assert_eq!(["pixels", "outside", "masked", "missing", "left"].map(number), [7.0, 1.0, 2.0, 0.0, 1.0]);
    assert_eq!((number("masked-percent"), number("left-percent")), (200.0 / 7.0, 100.0 / 7.0));
    assert_eq!(report["area"]["polygons"], 1);
    assert!(said.contains("filled 50.0 % · nearest-date 50.0 · left 50.0"), "{said}");
    for (file, key) in [("out.tif", "COMPOSE_AREA"), ("out_provenance.tif", "COMPOSE_CODES")] {
        let text = tag(&pair.path(file), key).unwrap_or_default();
        assert!(
            text.contains("step.geojson") || text.ends_with("65535: none, or outside the area"),
            "{text}"
        );
    }
    let at = |pixel: (f64, f64)| {
        let place = format!("{} {}", 405_000.0 + 30.0 * pixel.0, 4_500_000.0 - 30.0 * pixel.1);
        stdout(&pair.compose(&["--overwrite", "--explain", &place]))
    };
    assert!(at((0.5, 1.5)).contains("→ B1: 0 (outside the area)"), "{}", at((0.5, 1.5)));
    assert!(at((2.5, 1.5)).contains("→ B1: 0 (stays open)"));
    // A target outside of which nothing lies in the area is not gapless for that: one gap is left.
    assert_eq!(pair.compose(&["--overwrite", "--require-complete"]).status.code(), Some(1));
}

#[test]
fn pictures_show_what_is_outside_in_white_and_gaps_in_their_colour() {
    let pair = step();
    pair.result(&["--quicklook"]);
    let colours = |name: &str| {
        let bands = read::<u8>(&pair.path(name));
        (0..8).map(|at| [bands[0][at], bands[1][at], bands[2][at]]).collect::<Vec<_>>()
    };
    for (name, gap) in [("out_after.png", [255, 0, 255]), ("out_sources.png", [0; 3])] {
        let seen = colours(name);
        assert_eq!((seen[4], seen[6]), ([255; 3], gap), "{name}");
        assert_ne!(seen[0], [255; 3], "{name}");
    }
    assert_eq!([colours("out_before.png")[4], colours("out_mask.png")[4]], [[255; 3]; 2]);
}

#[test]
fn what_is_touched_is_taken_where_that_is_asked_for() {
    let pair = Pair::new();
    // Around the corner that four pixels share: it holds the centre of none.
    region(&pair, "small.geojson", &[(1.6, 1.0), (2.0, 0.6), (2.4, 1.0), (2.0, 1.4)]);
    let said = pair.refused(&["--area", "small.geojson"]);
    let expected = "--area: small.geojson, layer \"small\" takes no pixel: within its polygons lies the centre of none; \
                    touch = true (--area-touch) takes pixels that are touched";
    assert!(said.contains(expected), "{said}");
    assert_eq!(pair.result(&["--area", "small.geojson", "--area-touch"]), [201, 102, 105, 0]);
    pair.change("[target]", "[grid]\narea = \"small.geojson\"\ntouch = true\n\n[target]");
    assert_eq!(pair.result(&["--overwrite"]), [201, 102, 105, 0]);
    assert_eq!(sidecar(&pair.path("out.json"))["result"]["pixels"], 4);
    // Edges along the borders of pixels touch no pixel beyond.
    region(&pair, "small.geojson", &STEP);
    assert_eq!(pair.result(&["--overwrite"]), [100, 201, 102, 103, 0, 105, 0, 107]);
}

#[test]
fn the_grid_around_an_area_keeps_to_the_pixels_of_the_target() {
    let pair = Pair::new();
    region(&pair, "part.geojson", &[(1.2, 0.9), (3.7, 1.1), (3.6, 2.8), (1.1, 2.2)]);
    let grid = |more: &[&str]| {
        pair.result(&[&["--area", "part.geojson", "--overwrite"], more].concat());
        let image = Dataset::open(pair.path("out.tif")).unwrap();
        (image.geo_transform().unwrap(), image.raster_size())
    };
    assert_eq!(grid(&[]), ([405_030.0, 30.0, 0.0, 4_500_000.0, 0.0, -30.0], (3, 3)));
    assert_eq!(grid(&["--res", "15"]), ([405_030.0, 15.0, 0.0, 4_499_985.0, 0.0, -15.0], (6, 5)));
    // Pixels that have nothing to do with those of the target lie on multiples of their size.
    assert_eq!(grid(&["--res", "20"]), ([405_020.0, 20.0, 0.0, 4_499_980.0, 0.0, -20.0], (5, 4)));
    let plan = stdout(&pair.compose(&["--area", "part.geojson", "--plan", "--overwrite"]));
    assert!(plan.contains("around the area, bounds snapped outward to the target's pixels\n"), "{plan}");
    assert!(plan.contains("area: part.geojson, layer \"part\": 1 polygon\n"), "{plan}");
    // An area on the command line stands for the grid of the rules file.
    pair.change("[target]", "[grid]\nbounds = [405000, 4499970, 405030, 4500000]\n\n[target]");
    assert_eq!(grid(&[]).1, (3, 3));
    // So do bounds for the area there.
    pair.change("bounds = [405000, 4499970, 405030, 4500000]", "area = \"part.geojson\"");
    let more = ["--overwrite", "--bounds", "405000 4499970 405120 4500000"];
    assert_eq!(pair.result(&more), [100, 201, 102, 103]);
}

/// Fields with crops, in longitude and latitude.
fn fields(path: &Path) {
    let driver = DriverManager::get_driver_by_name("GPKG").unwrap();
    let mut dataset = driver.create_vector_only(path).unwrap();
    for name in ["fields", "roads"] {
        let srs = SpatialRef::from_epsg(4326).unwrap();
        let ty = OGRwkbGeometryType::wkbUnknown;
        let layer = dataset.create_layer(LayerOptions { name, srs: Some(&srs), ty, options: None }).unwrap();
        layer.create_defn_fields(&[("crop", OGRFieldType::OFTString)]).unwrap();
        // At the upper left corner of the scenes, whose pixels are 0.000355° wide and 0.00027° high.
        let (west, north) = (-106.123_3, 40.645_1);
        for (crop, from, to) in [("wheat", 0.0, 2.2), ("rye", 2.2, 4.4)] {
            let mut feature = gdal::vector::Feature::new(layer.defn()).unwrap();
            let (left, right) = (west + 0.000_355 * from, west + 0.000_355 * to);
            let wkt = match name {
                "fields" => Geometry::bbox(left, north - 0.000_55, right, north + 0.000_1).unwrap(),
                _ => Geometry::from_wkt(&format!("LINESTRING({left} {north}, {right} {north})")).unwrap(),
            };
            feature.set_geometry(wkt).unwrap();
            feature.set_field_string(0, crop).unwrap();
            feature.create(&layer).unwrap();
        }
    }
    dataset.close().unwrap();
}

#[test]
fn a_layer_and_a_filter_choose_the_area_as_the_manual_says() {
    let page = std::fs::read_to_string(root().join("docs/rules-file.md")).unwrap();
    let example = fences(&page).into_iter().find(|f| f.info == "toml" && f.body.contains("filter ")).unwrap();
    let pair = Pair::new();
    fields(&pair.path("fields.gpkg"));
    pair.change("[target]", &format!("{}\n[target]", example.body));
    let before = listing(pair.folder.path());
    let wheat = pair.result(&[]);
    assert!(wheat.iter().any(|v| *v != 0), "{wheat:?}");
    let pixels = |pair: &Pair| sidecar(&pair.path("out.json"))["result"]["pixels"].as_u64().unwrap();
    let of_wheat = pixels(&pair);
    assert_eq!(sidecar(&pair.path("out.json"))["area"]["filter"], json!("crop = 'wheat'"));
    let area = ["--overwrite", "--area", "fields.gpkg", "--area-layer", "fields"];
    pair.result(&area);
    let of_all = pixels(&pair);
    pair.result(&[&area[..], &["--area-filter", "crop = 'rye'"]].concat());
    assert_eq!(of_wheat + pixels(&pair), of_all);
    assert!(of_wheat > 0 && of_wheat < of_all);
    for (more, said) in [
        (&["--area-layer", "field"][..], "there is no layer \"field\" in it; did you mean \"fields\"?"),
        (&[], "fields.gpkg: 2 layers in it have geometries: \"fields\", \"roads\"; say which one"),
        (
            &["--area-layer", "roads"],
            "layer \"roads\": feature 1 (FID 1) is a Line String; expected polygons",
        ),
        (
            &["--area-layer", "fields", "--area-filter", "crop = 'oats'"],
            "filter \"crop = 'oats'\" fits none of its 2",
        ),
        (&["--area-layer", "fields", "--area-filter", "grop = 1"], "filter \"grop = 1\" is not understood"),
    ] {
        let told = pair.refused(&[&["--overwrite", "--area", "fields.gpkg"], more].concat());
        assert!(told.starts_with("error: --area: fields.gpkg: ") && told.contains(said), "{told}");
        assert_eq!(told.trim_end().lines().count(), 1, "{told}");
    }
    let after: Vec<String> =
        listing(pair.folder.path()).into_iter().filter(|n| !n.starts_with("out")).collect();
    assert_eq!(after, before, "something was left beside the area");
}

#[test]
fn what_cannot_be_an_area_of_the_scenes_is_refused() {
    let pair = step();
    let text = std::fs::read_to_string(pair.path("step.geojson")).unwrap();
    let line = "rules.toml:16: [grid] area: ";
    let square = |west: f64, south: f64| {
        let (east, north) = (west + 0.01, south + 0.01);
        format!(
            r#"{{"type":"Polygon","coordinates":[[[{west},{south}],[{east},{south}],[{east},{north}],[{west},{north}],[{west},{south}]]]}}"#
        )
    };
    for (content, said) in [
        (square(-106.3, 40.5), "does not meet the target, scene a: the grid is "),
        (square(-60.0, -40.0), "does not meet the target, scene a: the grid is "),
        (text.replace("EPSG::32613", "EPSG::99999"), ""),
        ("no vector at all".into(), "not a vector file that GDAL can open"),
        (
            text.replace("Polygon\",\"coordinates\":[[", "LineString\",\"coordinates\":[")
                .replace("]]]}", "]]}"),
            "is a Line String",
        ),
    ] {
        std::fs::write(pair.path("step.geojson"), &content).unwrap();
        let told = pair.refused(&[]);
        assert!(
            told.contains(line) && told.contains("step.geojson") && told.contains(said),
            "{said}: {told}"
        );
    }
    std::fs::remove_file(pair.path("step.geojson")).unwrap();
    assert!(pair.refused(&[]).contains("step.geojson: no such file"));
}

#[test]
fn a_file_of_the_area_is_read_and_never_replaced() {
    let pair = Pair::new();
    region(&pair, "out.json", &STEP);
    let said = pair.refused(&["--area", "out.json", "--overwrite"]);
    assert!(said.contains("out.json is read by this run"), "{said}");
}

#[test]
fn an_area_needs_nodata_and_a_place_on_the_map() {
    let pair = step();
    for name in ["a_b1.tif", "b_b1.tif"] {
        let bands = vec![(1..13_u16).collect()];
        Raster { width: 4, bands, shift: (0.0, 0.0), nodata: None, options: &[] }.write(&pair.path(name));
    }
    let said = pair.refused(&[]);
    assert!(
        said.contains("needs a value for the pixels outside it; say nodata in [output], such as 65535"),
        "{said}"
    );
    pair.append("nodata = 65535\n");
    assert_eq!(pair.result(&[])[4], 65535);
}

#[test]
fn an_evaluation_hides_and_counts_what_is_in_the_area_alone() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let ring = "[-149.33,-17.71],[-149.295,-17.72],[-149.30,-17.75],[-149.33,-17.71]";
    std::fs::write(at("part.geojson"), format!(r#"{{"type":"Polygon","coordinates":[[{ring}]]}}"#)).unwrap();
    std::fs::write(at("cases.toml"), "[[case]]\nname = \"others\"\nshape = \"mask-of\"\n").unwrap();
    let rules = root().join("examples/landsat8/landsat8.toml");
    let target = ["--target", "LC80530722013137LGN01"];
    let run = |args: &[&str]| {
        let mut program = compose();
        let output = program.current_dir(folder.path()).args(args).args(target).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    };
    let rules = ["--rules", rules.to_str().unwrap()];
    let evaluated = ["--cases", "cases.toml", "--strategies", "none", "-q", "-o", "found"];
    let hidden = |more: &[&str]| {
        run(&[&["evaluate", "--overwrite"][..], &rules, &evaluated, more].concat());
        let report = std::fs::read_to_string(at("found/evaluation.json")).unwrap();
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        report["evaluation"]["rows"][0]["scores"]["hidden"].as_u64().unwrap()
    };
    let area = ["--area", "part.geojson"];
    let in_area = hidden(&area);
    run(&[&rules[..], &area, &["-o", "all.tif", "-q"]].concat());
    let result = &sidecar(&at("all.tif"))["result"];
    let pixels = |key: &str| result[key].as_u64().unwrap();
    assert_eq!(pixels("pixels") + pixels("outside"), 126 * 147);
    let [x, dx, _, y, _, dy] = Dataset::open(at("all.tif")).unwrap().geo_transform().unwrap();
    let bounds = format!("{x} {} {} {y}", y + 147.0 * dy, x + 126.0 * dx);
    let in_bounds = hidden(&["--bounds", &bounds]);
    assert!(0 < in_area && in_area < in_bounds && in_area < pixels("pixels"), "{in_area} {in_bounds}");
}
