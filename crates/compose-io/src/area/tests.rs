use super::*;
use gdal::spatial_ref::SpatialRef;
use gdal::vector::{Geometry, LayerAccess, LayerOptions, OGRwkbGeometryType};
use gdal::{DriverManager, Metadata};
use std::path::PathBuf;
use tempfile::TempDir;

fn written(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("region.geojson");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn feature(geometry: &str) -> String {
    format!(
        r#"{{"type":"FeatureCollection","features":[{{"type":"Feature","properties":{{"crop":"wheat"}},"geometry":{geometry}}}]}}"#
    )
}

fn polygon(rings: &str) -> String {
    feature(&format!(r#"{{"type":"Polygon","coordinates":[{rings}]}}"#))
}

fn read(text: &str, choice: &Choice) -> Result<AreaFile, String> {
    let (folder, path) = written(text);
    let found = AreaFile::read(&path, choice, &CrsRegistry::new());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something was left behind");
    found.map_err(|e| e.to_string().replace(path.to_str().unwrap(), "region.geojson"))
}

const SQUARE: &str = "[[0,0],[4,0],[4,4],[0,4],[0,0]]";

#[test]
fn rings_and_holes_are_read_in_their_order() {
    let file =
        read(&polygon(&format!("{SQUARE},[[1,1],[1,2],[2,2],[2,1],[1,1]]")), &Choice::default()).unwrap();
    assert_eq!((file.layer.as_str(), file.crs.label.as_str()), ("region", "EPSG:4326"));
    let [of] = &file.polygons[..] else { panic!("{:?}", file.polygons) };
    assert_eq!((of.name.as_str(), of.rings.len(), of.rings[0][1]), ("feature 1 (FID 0)", 2, (4.0, 0.0)));
}

#[test]
fn what_is_no_area_is_refused_in_one_line_that_names_file_layer_and_feature() {
    let many = |geometry: &str| feature(&format!(r#"{{"type":"MultiPolygon","coordinates":[{geometry}]}}"#));
    for (text, said) in [
        ("", "region.geojson: not a vector file that GDAL can open"),
        ("<html><body>404</body></html>", "not a vector file that GDAL can open"),
        ("II*\0", "not a vector file that GDAL can open"),
        (
            r#"{"type":"FeatureCollection","features":[]}"#,
            "layer \"region\": it has no feature; expected polygons",
        ),
        (&feature("null"), "it has 1 feature and no geometry"),
        (&feature(r#"{"type":"Polygon","coordinates":[]}"#), "it has 1 feature and no geometry"),
        (
            &feature(r#"{"type":"Point","coordinates":[1,2]}"#),
            "feature 1 (FID 0) is a Point; expected polygons",
        ),
        (
            &feature(r#"{"type":"LineString","coordinates":[[1,2],[3,4]]}"#),
            "feature 1 (FID 0) is a Line String; expected polygons or multipolygons",
        ),
        (
            &feature(
                r#"{"type":"GeometryCollection","geometries":[{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,0]]]},{"type":"Point","coordinates":[1,2]}]}"#,
            ),
            "feature 1 (FID 0), part 2 is a Point",
        ),
        (
            &polygon("[[0,0],[4,4],[4,0],[0,4],[0,0]]"),
            "layer \"region\": feature 1 (FID 0): its polygon is not valid: Self-intersection at or near point 2 2",
        ),
        (
            &many(&format!("[{SQUARE}],[[[0,0],[4,4],[4,0],[0,4],[0,0]]]")),
            "feature 1 (FID 0), part 2: its polygon is not valid",
        ),
        (&polygon("[[0,0],[4,0],[4,4],[0,4]]"), "a ring is not closed"),
        (&polygon("[[0,0],[4,0],[0,0]]"), "a ring has 3 vertices"),
        (
            &polygon("[[405000,4400000],[405100,4400000],[405100,4400100],[405000,4400000]]"),
            "a vertex lies at (405000, 4400000), which is no longitude and latitude",
        ),
        (&polygon("[[0,80],[90,80],[179,80],[-90,80],[0,80]]"), "a ring goes around a pole"),
    ] {
        let told = read(text, &Choice::default()).unwrap_err();
        assert!(told.starts_with("region.geojson: ") && told.contains(said), "{said}\n{told}");
        assert_eq!(told.lines().count(), 1, "{told}");
    }
}

#[test]
fn a_filter_chooses_features_and_says_when_it_fits_none() {
    let choice = |filter: &str| Choice { filter: Some(filter.into()), ..Choice::default() };
    let text = polygon(SQUARE);
    assert_eq!(read(&text, &choice("crop = 'wheat'")).unwrap().polygons.len(), 1);
    let told = read(&text, &choice("crop = 'rye'")).unwrap_err();
    assert!(told.ends_with("layer \"region\": filter \"crop = 'rye'\" fits none of its 1 feature"), "{told}");
    let told = read(&text, &choice("field = 1")).unwrap_err();
    assert!(told.contains("filter \"field = 1\" is not understood: "), "{told}");
    let told = read(&text, &Choice { layer: Some("regions".into()), ..Choice::default() }).unwrap_err();
    assert!(
        told.contains("no layer \"regions\" in it; did you mean \"region\"? layers: \"region\""),
        "{told}"
    );
}

/// A file of some layers, each of one square.
fn layers(driver: &str, path: &Path, layers: &[(&str, Option<u32>)]) {
    let driver = DriverManager::get_driver_by_name(driver).unwrap();
    let mut dataset = driver.create_vector_only(path).unwrap();
    for (name, code) in layers {
        let srs = code.map(|code| SpatialRef::from_epsg(code).unwrap());
        let ty = OGRwkbGeometryType::wkbPolygon;
        let mut layer =
            dataset.create_layer(LayerOptions { name, srs: srs.as_ref(), ty, options: None }).unwrap();
        layer
            .create_feature(Geometry::bbox(405_000.0, 4_400_000.0, 405_300.0, 4_400_600.0).unwrap())
            .unwrap();
    }
    dataset.set_metadata_item("made", "for a test", "").unwrap();
    dataset.close().unwrap();
}

#[test]
fn a_geopackage_of_several_layers_asks_for_one_and_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fields.gpkg");
    layers("GPKG", &path, &[("west", Some(32613)), ("east", Some(32613))]);
    // Newer GDALs may leave files of the one that wrote it.
    let names = || {
        let entries = std::fs::read_dir(folder.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = (std::fs::read(&path).unwrap(), names());
    let read = |layer: Option<&str>| {
        let choice = Choice { layer: layer.map(Into::into), filter: None };
        AreaFile::read(&path, &choice, &CrsRegistry::new()).map_err(|e| e.to_string())
    };
    let told = read(None).unwrap_err();
    assert!(told.contains("2 layers in it have geometries: \"west\", \"east\"; say which one"), "{told}");
    let file = read(Some("east")).unwrap();
    assert_eq!(
        (file.layer.as_str(), file.crs.label.as_str(), file.polygons.len()),
        ("east", "EPSG:32613", 1)
    );
    assert!(std::fs::read(&path).unwrap() == before.0, "the file has changed");
    assert_eq!(names(), before.1, "something was left behind");
}

#[test]
fn a_shapefile_brings_its_files_and_without_a_system_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("field.shp");
    layers("ESRI Shapefile", &path, &[("field", Some(32613))]);
    let read = || AreaFile::read(&path, &Choice::default(), &CrsRegistry::new()).map_err(|e| e.to_string());
    assert_eq!(read().unwrap().crs.label, "EPSG:32613");
    let names: Vec<String> =
        files_of(&path).iter().map(|f| f.file_name().unwrap().to_str().unwrap().to_owned()).collect();
    assert!(
        ["field.shp", "field.shx", "field.dbf", "field.prj"].iter().all(|n| names.contains(&(*n).to_owned()))
    );
    std::fs::remove_file(folder.path().join("field.prj")).unwrap();
    let told = read().unwrap_err();
    assert!(
        told.contains("layer \"field\": it has no coordinate system (a Shapefile keeps it in a .prj file)"),
        "{told}"
    );
    std::fs::remove_file(&path).unwrap();
    assert!(read().unwrap_err().ends_with("field.shp: no such file"));
}

fn onto(registry: &CrsRegistry, code: &str, pixel: f64, near: Option<f64>) -> Onto {
    Onto { crs: registry.from_user_input(code).unwrap(), pixel: (pixel, pixel), near }
}

/// The largest distance of the parallel of 40° from the edge that stands for it, in pixels.
fn apart(ring: &[(f64, f64)], by: &Transformer, pixel: f64) -> f64 {
    let (mut xs, mut ys): (Vec<f64>, Vec<f64>) =
        (0..=1000).map(|i| (-107.0 + f64::from(i) * 0.003, 40.0)).unzip();
    by.transform(&mut xs, &mut ys);
    let height = |x: f64| {
        let ends = ring.windows(2).find(|ends| ends[0].0 <= x && x <= ends[1].0).unwrap();
        let ((x0, y0), (x1, y1)) = (ends[0], ends[1]);
        y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    };
    xs.iter().zip(&ys).map(|(x, y)| (height(*x) - y).abs() / pixel).fold(0.0, f64::max)
}

#[test]
fn an_edge_along_a_parallel_is_bent_as_the_parallel_is() {
    let registry = CrsRegistry::new();
    let (_folder, path) = written(&polygon("[[-107,40],[-104,40],[-104,41],[-107,41],[-107,40]]"));
    let file = AreaFile::read(&path, &Choice::default(), &registry).unwrap();
    let utm = onto(&registry, "EPSG:32613", 30.0, None);
    let brought = file.on(&utm).unwrap();
    let by = Transformer::new(&file.crs, &utm.crs).unwrap();
    let ring = &brought[0].rings[0];
    assert!((50..2000).contains(&ring.len()), "{}", ring.len());
    assert!(apart(ring, &by, 30.0) <= 0.0101, "{}", apart(ring, &by, 30.0));
    assert_eq!(ring.first(), ring.last());
    // The straight edge is far off.
    let corners: Vec<_> = ring.iter().filter(|p| (p.1 - ring[0].1).abs() < 1e-3).copied().collect();
    assert!(corners.len() < 4);
    let same = file.on(&onto(&registry, "EPSG:4326", 0.001, None)).unwrap();
    assert_eq!(same[0].rings, file.polygons[0].rings);
}

#[test]
fn polygons_over_the_antimeridian_are_whole_on_every_map() {
    let registry = CrsRegistry::new();
    let jumps = polygon("[[179,-17],[-179,-17],[-179,-16],[179,-16],[179,-17]]");
    let split = feature(
        r#"{"type":"MultiPolygon","coordinates":[[[[179,-17],[180,-17],[180,-16],[179,-16],[179,-17]]],[[[-180,-17],[-179,-17],[-179,-16],[-180,-16],[-180,-17]]]]}"#,
    );
    let beyond = polygon("[[179,-17],[181,-17],[181,-16],[179,-16],[179,-17]]");
    for text in [&jumps, &split, &beyond] {
        let (_folder, path) = written(text);
        let file = AreaFile::read(&path, &Choice::default(), &registry).unwrap();
        for (code, pixel, near, width) in [
            ("EPSG:32760", 30.0, None, 213_000.0..216_000.0),
            ("EPSG:4326", 0.001, Some(179.5), 1.999..2.001),
            ("EPSG:4326", 0.001, Some(-179.5), 1.999..2.001),
            ("EPSG:4269", 0.001, Some(180.0), 1.999..2.001),
        ] {
            let brought = file.on(&onto(&registry, code, pixel, near)).unwrap();
            let xs = || brought.iter().flat_map(|of| of.rings.iter().flatten()).map(|point| point.0);
            let (west, east) = (xs().fold(f64::INFINITY, f64::min), xs().fold(f64::NEG_INFINITY, f64::max));
            assert!(width.contains(&(east - west)), "{code}: {west} to {east}\n{text}");
            assert!(near.is_none_or(|near| west < near && near < east), "{code}: {west} to {east}\n{text}");
        }
    }
}

#[test]
fn what_has_no_place_on_the_map_is_refused_by_name() {
    let registry = CrsRegistry::new();
    let (_folder, path) = written(&polygon("[[0,-60],[10,-60],[10,-50],[0,-50],[0,-60]]"));
    let file = AreaFile::read(&path, &Choice::default(), &registry).unwrap();
    let told = file.on(&onto(&registry, "+proj=gnom +lat_0=90", 30.0, None)).unwrap_err().to_string();
    assert!(told.contains("layer \"region\": feature 1 (FID 0): ("), "{told}");
    assert!(told.contains("the system of the grid"), "{told}");
}
