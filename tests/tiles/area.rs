//! Outputs that are limited to polygons: as images, in tiles, from a plan.

use super::whole::{Pixels, assert_tiles};
use super::{Field, STACK, assert_same, report};
use crate::support::{read, stdout};
use std::collections::BTreeSet;

/// A belt across the scenes with a hole, and a part by itself, in pixels from the corner of the first scene.
const BELT: [[(f64, f64); 5]; 3] = [
    [(3.3, 40.2), (560.7, 380.1), (540.2, 500.9), (20.1, 150.0), (3.3, 40.2)],
    [(200.0, 190.0), (240.4, 250.1), (260.5, 300.0), (190.0, 240.0), (200.0, 190.0)],
    [(20.6, 480.0), (60.0, 480.0), (60.0, 520.4), (20.6, 520.4), (20.6, 480.0)],
];

/// The same as GeoJSON in the system of the scenes.
fn belt(shift: f64) -> String {
    let rings = BELT.map(|ring| {
        let points =
            ring.map(|(x, y)| format!("[{},{}]", 405_000.0 + 30.0 * (x + shift), 4_500_000.0 - 30.0 * y));
        format!("[{}]", points.join(","))
    });
    let [outer, hole, part] = rings;
    format!(
        r#"{{"type":"FeatureCollection","crs":{{"type":"name","properties":{{"name":"urn:ogc:def:crs:EPSG::32613"}}}},
        "features":[{{"type":"Feature","properties":{{"name":"belt"}},"geometry":{{"type":"MultiPolygon","coordinates":[[{outer},{hole}],[{part}]]}}}}]}}"#
    )
}

const REPAIRED: &str = "[target]\nscene = \"s20200614\"\n[[mask]]\nname = \"cloud\"\nkind = \"bits\"\nany = [\"cloud\"]\n\
     grow = \"3 px\"\n";
const OUTPUT: &str = "nodata = 0\nmask = true\nuncertainty = true\ncount = true\nquicklook = true";

fn field(fills: &str, grid: &str) -> Field {
    let field = Field::new(&STACK, 256, &format!("{REPAIRED}{fills}"), grid, OUTPUT);
    std::fs::write(field.path("belt.geojson"), belt(0.0)).unwrap();
    field
}

const AREA: &str = "area = \"belt.geojson\"";

/// Writes `bounds.toml`, which is `whole.toml` on the bounds of its image without an area, and carries both out.
fn with_bounds(field: &Field) {
    field.done(&["--rules", "whole.toml", "--quiet"]);
    let image = gdal::Dataset::open(field.path("whole.tif")).unwrap();
    let ([x, dx, _, y, _, dy], (width, height)) = (image.geo_transform().unwrap(), image.raster_size());
    let bounds = [x, y + dy * height as f64, x + dx * width as f64, y];
    let text = std::fs::read_to_string(field.path("whole.toml")).unwrap();
    let text = text.replace(AREA, &format!("bounds = {bounds:?}")).replace("whole.tif", "bounds.tif");
    std::fs::write(field.path("bounds.toml"), text).unwrap();
    field.done(&["--rules", "bounds.toml", "--quiet"]);
}

/// Whether the centre of a pixel lies in the belt, by the plain definition.
fn in_belt(col: f64, row: f64) -> bool {
    let odd = |ring: &[(f64, f64); 5]| {
        let crosses = |ends: &[(f64, f64)]| {
            let ((x0, y0), (x1, y1)) = (ends[0], ends[1]);
            (y0 <= row) != (y1 <= row) && x0 + (x1 - x0) * (row - y0) / (y1 - y0) <= col
        };
        ring.windows(2).filter(|ends| crosses(ends)).count() % 2 == 1
    };
    (odd(&BELT[0]) != odd(&BELT[1])) || odd(&BELT[2])
}

#[test]
fn inside_are_the_pixels_of_the_same_grid_without_an_area_and_outside_there_are_none() {
    for (fills, validity) in [
        ("[[fill]]\nstrategy = \"seamless\"\n[[fill]]\nstrategy = \"median-stack\"\n", "joint"),
        ("[[fill]]\nstrategy = \"nearest-date\"\n", "per-band"),
        ("[[fill]]\nstrategy = \"interpolate\"\n[[fill]]\nstrategy = \"medoid\"\n", "joint"),
    ] {
        let field = field(fills, AREA);
        let path = field.path("whole.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("[scenes]\n", &format!("[scenes]\nvalidity = \"{validity}\"\n")))
            .unwrap();
        with_bounds(&field);
        let mut inside = 0;
        for (ending, outside) in
            [("", 0.0), ("_provenance", 65535.0), ("_masks", 65535.0), ("_uncertainty", f64::NAN)]
        {
            let of = |name: &str| Pixels::of(&field.path(&format!("{name}{ending}.tif")));
            let (cut, all) = (of("whole"), of("bounds"));
            assert_eq!(cut.width, all.width);
            for (nth, (cut, uncut)) in cut.bands.iter().zip(&all.bands).enumerate() {
                // The fourth band of each set counts clear looks.
                let outside = if ending == "_provenance" && nth % 4 == 3 { 0.0 } else { outside };
                for (at, (cut, uncut)) in cut.iter().zip(uncut).enumerate() {
                    let (col, row) = (at % all.width, at / all.width);
                    let is_in = in_belt(3.0 + col as f64 + 0.5, 40.0 + row as f64 + 0.5);
                    inside += usize::from(is_in && ending.is_empty() && nth == 0);
                    let expected = if is_in { *uncut } else { outside };
                    assert_eq!(
                        cut.to_bits(),
                        expected.to_bits(),
                        "{fills}: {ending} band {nth} ({col}, {row})"
                    );
                }
            }
        }
        let (cut, planes) = (report(&field.path("whole.json")), if validity == "joint" { 1 } else { 4 });
        assert_eq!(cut["result"]["pixels"], inside * planes, "{fills}");
        let all = report(&field.path("bounds.json"))["result"]["pixels"].as_u64().unwrap();
        assert_eq!(cut["result"]["outside"], all - (inside * planes) as u64);
        assert_eq!(cut["area"]["polygons"], 2);
    }
}

#[test]
fn blocks_threads_and_memory_change_nothing_of_an_area() {
    let field = field("[[fill]]\nstrategy = \"regress\"\n[[fill]]\nstrategy = \"median-stack\"\n", AREA);
    let args = ["--rules", "whole.toml", "--quiet", "--overwrite"];
    field.done(&args);
    let rasters = ["", "_provenance", "_masks", "_uncertainty"];
    let taken = || rasters.map(|of| read::<f64>(&field.path(&format!("whole{of}.tif"))));
    let bits = |of: [Vec<Vec<f64>>; 4]| {
        of.map(|bands| bands.concat().iter().map(|v| v.to_bits()).collect::<Vec<_>>())
    };
    let (first, counts) = (bits(taken()), report(&field.path("whole.json"))["result"].clone());
    for more in [["--block-size", "37"], ["--block-size", "whole"], ["-j", "1"]] {
        field.done(&[&args[..], &more].concat());
        assert!(bits(taken()) == first, "{more:?}");
        assert_eq!(report(&field.path("whole.json"))["result"], counts, "{more:?}");
    }
}

#[test]
fn tiles_of_an_area_are_windows_of_its_image_and_others_are_not_written() {
    let field = field("[[fill]]\nstrategy = \"seamless\"\n", AREA);
    // The files over all tiles say "no data" where no tile is, and not that nothing is clear.
    for name in ["rules.toml", "whole.toml"] {
        let text = std::fs::read_to_string(field.path(name)).unwrap();
        std::fs::write(field.path(name), text.replace("count = true\n", "")).unwrap();
    }
    let tiles = assert_tiles(&field, 256);
    assert_eq!(tiles, 5);
    let plan = stdout(&field.compose(&["--rules", "rules.toml", "--plan", "--overwrite"]));
    assert!(
        plan.contains("; 1 that no scene or no part of the area reaches are not written: r000_c002"),
        "{plan}"
    );
    assert!(plan.contains("belt.geojson, layer \"belt\": 2 polygons\n"), "{plan}");
    assert!(plan.contains(" pixels have their centre inside, "), "{plan}");
    let said = field.fails(&["--rules", "rules.toml", "--tile", "r000_c002", "--resume"]);
    assert!(said.contains("no scene, or no part of the area, reaches tile r000_c002"), "{said}");
}

#[test]
fn a_plan_keeps_its_area_and_its_parts_make_what_one_process_makes() {
    let field = field("[[fill]]\nstrategy = \"regress\"\n", AREA);
    field.save_plan();
    field.done(&["--from-plan", "plan.json", "--quiet"]);
    let all = field.taken();
    for part in ["2/3", "1/3", "3/3"] {
        field.done(&["--from-plan", "plan.json", "--part", part, "--quiet"]);
    }
    assert_same(&all, &field.files(), "in parts");
    let status = field.done(&["status", "plan.json"]);
    assert!(status.contains("5 of 5 tiles done"), "{status}");
    let mosaic = report(&field.path("out/mosaic.json"));
    field.done(&["--rules", "whole.toml", "--quiet"]);
    let line = |text: &str| text.lines().last().unwrap().to_owned();
    let whole = field.done(&["--rules", "whole.toml", "--overwrite"]);
    assert_eq!(line(&status), line(&whole));
    assert_eq!(mosaic["result"]["pixels"], report(&field.path("whole.json"))["result"]["pixels"]);
    // The same polygons, written anew: another plan is needed, and every tile stays.
    std::fs::write(field.path("belt.geojson"), belt(0.0) + "\n").unwrap();
    let said = field.fails(&["--from-plan", "plan.json"]);
    assert!(said.contains("plan.json: the area is that of belt.geojson has "), "{said}");
    field.save_plan();
    let said = field.done(&["--from-plan", "plan.json", "--resume"]);
    assert!(said.contains("0 of 5 tiles written (5 were there"), "{said}");
    // Other polygons: every tile is done again.
    std::fs::write(field.path("belt.geojson"), belt(0.25)).unwrap();
    field.save_plan();
    let said = field.done(&["--from-plan", "plan.json", "--resume"]);
    assert!(said.contains("5 of 5 tiles written"), "{said}");
}

/// Blocks outside the area are not composed, and tiles of the files that lie outside are not written.
#[test]
fn what_lies_outside_costs_nothing() {
    let field = field("[[fill]]\nstrategy = \"nearest-date\"\n", AREA);
    let plan = field.done(&["--rules", "whole.toml", "--plan", "--block-size", "64"]);
    let left = plan
        .lines()
        .find(|line| line.contains("blocks meet a scene and the area"))
        .unwrap_or_else(|| panic!("{plan}"));
    let numbers: Vec<usize> = left.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    assert!(numbers[0] * 3 < numbers[1] * 2, "{left}");
    field.done(&["--rules", "whole.toml", "--quiet", "--co", "BLOCKXSIZE=128", "--co", "BLOCKYSIZE=128"]);
    let names: BTreeSet<String> = crate::support::listing(field.folder.path()).into_iter().collect();
    assert!(names.contains("whole_after.png") && names.contains("whole_sources.png"));
}
