//! Scenes of a STAC catalogue.

use crate::support::{Pair, Raster, compose, read, root, run, sidecar, stderr, stdout};
use serde_json::{Value, json};

/// Rules for a catalogue, and [`Pair`]'s files as its items.
struct Catalogue {
    pair: Pair,
}

impl Catalogue {
    fn new() -> Self {
        let pair = Pair::new();
        let catalogue = Self { pair };
        let items: Vec<Value> = ["a", "b"].map(|id| catalogue.item(id)).to_vec();
        catalogue.write("items.json", &json!({ "type": "FeatureCollection", "features": items }));
        catalogue.rules(
            "stac = \"items.json\"\nbands = [\"red\"]\nquality = \"qa\"\nlayout = \"landsat-c2-l89\"\n",
        );
        catalogue
    }

    fn rules(&self, scenes: &str) {
        let text = crate::support::PAIR_RULES;
        let rest = &text[text.find("[target]").unwrap()..];
        std::fs::write(self.pair.path("rules.toml"), format!("[scenes]\n{scenes}\n{rest}")).unwrap();
    }

    fn item(&self, id: &str) -> Value {
        let day = if id == "a" { "2020-06-01" } else { "2020-06-17" };
        json!({
            "type": "Feature", "stac_version": "1.0.0", "id": id, "collection": "ours",
            "geometry": null, "links": [],
            "properties": { "datetime": format!("{day}T10:00:00Z"), "platform": "sat", "view:sun_elevation": 50.0,
                            "view:sun_azimuth": 140.0 },
            "assets": {
                "B1": { "href": format!("./{id}_b1.tif"), "type": "image/tiff; application=geotiff",
                        "eo:bands": [{ "name": "first", "common_name": "red" }], "raster:bands": [{ "nodata": 0 }] },
                "qa": { "href": format!("{id}_qa.tif"), "type": "image/tiff" },
                "far": { "href": "https://nowhere.invalid/x.tif", "type": "image/tiff" },
                "broken": { "href": "rules.toml", "type": "image/tiff" },
                "thumbnail": { "href": "nothing.png", "type": "image/png", "roles": ["thumbnail"] }
            }
        })
    }

    fn write(&self, name: &str, value: &Value) {
        std::fs::write(self.pair.path(name), value.to_string()).unwrap();
    }

    /// The items after a change to the item of a.
    fn change(&self, change: impl FnOnce(&mut Value)) {
        let mut items = json!({ "type": "FeatureCollection", "features": [self.item("a"), self.item("b")] });
        change(&mut items["features"][0]);
        self.write("items.json", &items);
    }

    fn plan(&self) -> String {
        let output = self.pair.compose(&["--plan"]);
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output)
    }
}

const FILLED: [u16; 12] = [100, 201, 102, 103, 104, 105, 0, 107, 108, 109, 110, 111];

#[test]
fn items_are_scenes_and_assets_that_no_one_asks_for_are_not_opened() {
    let catalogue = Catalogue::new();
    assert_eq!(catalogue.pair.result(&[]), FILLED);
    let report = sidecar(&catalogue.pair.path("out.tif"));
    assert_eq!(report["scenes"][0]["date"], "2020-06-01");
    assert!(!catalogue.plan().contains("left out"), "{}", catalogue.plan());
}

#[test]
fn a_band_is_called_by_its_key_its_common_name_or_its_own_name() {
    let catalogue = Catalogue::new();
    for name in ["B1", "red", "first"] {
        catalogue.rules(&format!(
            "stac = \"items.json\"\nbands = [\"{name}\"]\nquality = \"qa\"\nlayout = \"landsat-c2-l89\"\n"
        ));
        assert_eq!(catalogue.pair.result(&["--overwrite"]), FILLED, "{name}");
    }
    catalogue.rules("stac = \"items.json\"\nbands = [\"rot\"]\n");
    let refused = catalogue.pair.refused(&["-o", "other.tif"]);
    assert!(refused.contains("no band \"rot\"") && refused.contains("B1"), "{refused}");
}

#[test]
fn one_item_a_catalogue_and_a_collection_are_read_with_what_they_link_to() {
    let catalogue = Catalogue::new();
    let folder = catalogue.pair.path("c/items");
    std::fs::create_dir_all(&folder).unwrap();
    for id in ["a", "b"] {
        let mut item = catalogue.item(id);
        for asset in ["B1", "qa"] {
            let href = item["assets"][asset]["href"].as_str().unwrap().trim_start_matches("./").to_owned();
            item["assets"][asset]["href"] = json!(format!("../../{href}"));
        }
        catalogue.write(&format!("c/items/{id}.json"), &item);
    }
    let link = |rel: &str, href: &str| json!({ "rel": rel, "href": href });
    let links =
        json!([link("item", "items/a.json"), link("item", "./items/b.json"), link("child", "catalog.json")]);
    let of = |links: &Value| json!({ "type": "Catalog", "id": "c", "stac_version": "1.1.0", "description": "", "links": links });
    catalogue.write("c/catalog.json", &of(&links));
    let rules = |source: &str| {
        catalogue.rules(&format!(
            "stac = \"{source}\"\nbands = [\"red\"]\nquality = \"qa\"\nlayout = \"landsat-c2-l89\"\n"
        ));
    };
    rules("c/catalog.json");
    assert_eq!(catalogue.pair.result(&[]), FILLED);
    rules("c/items/a.json");
    assert_eq!(catalogue.pair.result(&["--overwrite"])[1], 0, "one scene fills nothing");
    catalogue.write("c/catalog.json", &of(&json!([link("item", "items/none.json")])));
    rules("c/catalog.json");
    let refused = catalogue.pair.refused(&["-o", "other.tif"]);
    assert!(refused.contains("none.json") && refused.contains("rules.toml:2"), "{refused}");
}

#[test]
fn codes_are_what_the_catalogue_says_of_them() {
    let catalogue = Catalogue::new();
    let bits = json!([{ "name": "fill", "offset": 0, "length": 1, "classes": [{ "name": "fill", "value": 1 }] },
                      { "name": "cloud", "offset": 3, "length": 1, "classes": [{ "name": "no", "value": 0 }, { "name": "cloud", "value": 1 }] }]);
    catalogue.rules("stac = \"items.json\"\nbands = [\"red\"]\n");
    let items: Vec<Value> = ["a", "b"]
        .map(|id| {
            let mut item = catalogue.item(id);
            item["assets"]["qa"]["classification:bitfields"] = bits.clone();
            item
        })
        .to_vec();
    catalogue.write("items.json", &json!({ "type": "FeatureCollection", "features": items }));
    assert_eq!(catalogue.pair.result(&[]), FILLED);
    assert!(catalogue.plan().contains("cloud: qa: cloud (bit 3)"), "{}", catalogue.plan());
}

/// What marks "no data" hides, whichever way it is said; a bit that says "not cloud" is no flag `cloud`.
#[test]
fn codes_that_mean_no_data_hide_and_a_bit_the_other_way_round_is_no_flag() {
    let catalogue = Catalogue::new();
    catalogue.rules("stac = \"items.json\"\nbands = [\"red\"]\n");
    let with = |key: &str, value: Value, nodata: Option<u32>| {
        let items: Vec<Value> = ["a", "b"]
            .map(|id| {
                let mut item = catalogue.item(id);
                item["assets"]["qa"][key] = value.clone();
                if let Some(nodata) = nodata {
                    item["assets"]["qa"]["raster:bands"] = json!([{ "nodata": nodata }]);
                }
                item
            })
            .to_vec();
        catalogue.write("items.json", &json!({ "type": "FeatureCollection", "features": items }));
    };
    let clear = json!([{ "value": 22280, "name": "cloud" }, { "value": 21824, "name": "clear" }]);
    with("classification:classes", clear, None);
    assert_eq!(catalogue.pair.result(&["--overwrite"]), FILLED);
    let marked = json!([{ "value": 22280, "name": "cloud" }, { "value": 21824, "name": "never seen", "nodata": true }]);
    with("classification:classes", marked, None);
    assert_eq!(catalogue.pair.result(&["--overwrite"]), [0; 12]);
    with("classification:classes", json!([{ "value": 22280, "name": "cloud" }]), Some(21824));
    assert_eq!(catalogue.pair.result(&["--overwrite"]), [0; 12]);
    let inverted = json!([{ "name": "cloud", "offset": 3, "length": 1, "classes": [{ "name": "cloud", "value": 0 }, { "name": "not_cloud", "value": 1 }] }]);
    with("classification:bitfields", inverted, None);
    let refused = catalogue.pair.refused(&["--overwrite"]);
    assert!(refused.contains("cloud"), "{refused}");
}

/// A file of several bands, each by its name, its common name, or the key of the asset with it.
#[test]
fn bands_of_one_asset_are_asked_for_as_others_are() {
    let catalogue = Catalogue::new();
    for id in ["a", "b"] {
        let bands = [format!("{id}_b1.tif"), format!("{id}_qa.tif")]
            .map(|name| read::<u16>(&catalogue.pair.path(&name)).remove(0));
        Raster { width: 4, bands: bands.to_vec(), shift: (0.0, 0.0), nodata: Some(0.0), options: &[] }
            .write(&catalogue.pair.path(&format!("{id}_all.tif")));
    }
    let items: Vec<Value> = ["a", "b"]
        .map(|id| {
            let mut item = catalogue.item(id);
            item["assets"] = json!({ "all": { "href": format!("{id}_all.tif"), "type": "image/tiff",
                "bands": [{ "name": "r", "eo:common_name": "red" }, { "name": "q" }] } });
            item
        })
        .to_vec();
    catalogue.write("items.json", &json!({ "type": "FeatureCollection", "features": items }));
    for name in ["red", "r", "all:r"] {
        catalogue.rules(&format!(
            "stac = \"items.json\"\nbands = [\"{name}\"]\nquality = \"q\"\nlayout = \"landsat-c2-l89\"\n"
        ));
        assert_eq!(catalogue.pair.result(&["--overwrite"]), FILLED, "{name}");
    }
}

#[test]
fn nodata_scale_and_offset_come_from_the_item() {
    let catalogue = Catalogue::new();
    catalogue.change(|item| {
        item["assets"]["B1"]["raster:bands"] = json!([{ "nodata": 104, "scale": 0.5, "offset": 0.0 }])
    });
    let refused = catalogue.pair.refused(&[]);
    assert!(refused.contains("different radiometry"), "{refused}");
    catalogue.change(|item| item["assets"]["B1"]["raster:bands"] = json!([{ "nodata": 104 }]));
    assert_eq!(catalogue.pair.result(&[])[4], 204);
}

#[test]
fn an_offset_that_was_applied_is_not_applied_again() {
    let catalogue = Catalogue::new();
    let both = |applied: [Option<bool>; 2]| {
        let items: Vec<Value> = ["a", "b"]
            .iter()
            .zip(applied)
            .map(|(id, applied)| {
                let mut item = catalogue.item(id);
                item["assets"]["B1"]["raster:bands"] =
                    json!([{ "nodata": 0, "scale": 0.5, "offset": -50.0 }]);
                if let Some(applied) = applied {
                    item["properties"]["earthsearch:boa_offset_applied"] = json!(applied);
                }
                item
            })
            .collect();
        catalogue.write("items.json", &json!({ "type": "FeatureCollection", "features": items }));
        catalogue.pair.result(&["--overwrite"])[1]
    };
    assert_eq!(both([Some(true), Some(true)]), 201);
    assert_eq!(both([None, None]), 201);
    // Numbers of b are 100 higher by its offset than those of a.
    assert_eq!(both([Some(true), None]), 101);
    let plan = catalogue.plan();
    assert!(plan.contains("scene a: earthsearch:boa_offset_applied is true"), "{plan}");
}

#[test]
fn the_newest_processing_of_an_acquisition_counts() {
    let catalogue = Catalogue::new();
    let of = |id: &str, baseline: &str, file: &str| {
        let mut item = catalogue.item(file);
        item["id"] = json!(id);
        for (key, value) in [("s2:processing_baseline", baseline), ("grid:code", "MGRS-33TWL")] {
            item["properties"][key] = json!(value);
        }
        item["properties"]["s2:datatake_id"] = json!(format!("GS2B_20200617T094549_033567_N{baseline}"));
        item
    };
    let items = [catalogue.item("a"), of("b_0", "04.00", "a"), of("b_1", "05.09", "b")];
    let mut old = items[1].clone();
    old["properties"]["datetime"] = items[2]["properties"]["datetime"].clone();
    catalogue
        .write("items.json", &json!({ "type": "FeatureCollection", "features": [items[0], old, items[2]] }));
    assert_eq!(catalogue.pair.result(&[]), FILLED);
    let plan = catalogue.plan();
    assert!(
        plan.contains("b_0") && plan.contains("b_1 is a newer processing of the same acquisition"),
        "{plan}"
    );
}

#[test]
fn what_is_missing_on_disk_or_lies_elsewhere_is_told_by_item_and_asset() {
    let catalogue = Catalogue::new();
    std::fs::remove_file(catalogue.pair.path("b_b1.tif")).unwrap();
    let refused = catalogue.pair.refused(&[]);
    assert!(
        refused.contains("scene b: asset B1: no such file: ") && refused.contains("b_b1.tif"),
        "{refused}"
    );
    catalogue.change(|item| item["assets"]["B1"]["href"] = json!("s3://bucket/key/a.tif"));
    let refused = catalogue.pair.refused(&[]);
    assert!(
        refused.contains("scene a: asset B1: it is at an address (/vsis3/bucket/key/a.tif)"),
        "{refused}"
    );
    catalogue.change(|item| item["assets"]["B1"]["href"] = json!("https://u:SECRET@h/a.tif?sig=SECRET"));
    let refused = catalogue.pair.refused(&[]);
    assert!(refused.contains("/vsicurl/https://h/a.tif") && !refused.contains("SECRET"), "{refused}");
    // Of assets that no one asks for, nothing secret gets into a plan file either.
    std::fs::copy(catalogue.pair.path("a_b1.tif"), catalogue.pair.path("b_b1.tif")).unwrap();
    catalogue.change(|item| {
        for (asset, href) in [
            ("far", "https://u:SECRET@h/x.tif?sig=SECRET"),
            ("broken", "x.tif?sig=SECRET"),
            ("odd", "ftp://h/x.tif"),
        ] {
            item["assets"][asset] =
                json!({ "href": href, "type": "image/tiff", "raster:bands": [{ "scale": 0 }] });
        }
    });
    assert!(catalogue.pair.compose(&["--save-plan", "plan.json"]).status.success());
    let plan = std::fs::read_to_string(catalogue.pair.path("plan.json")).unwrap();
    assert!(plan.contains("https://h/x.tif") && !plan.contains("SECRET"), "{plan}");
}

#[test]
fn a_broken_document_is_refused_by_name_and_place() {
    let catalogue = Catalogue::new();
    let mut wrong: Vec<(&str, String, &str)> = vec![
        ("not JSON", "{\"type\": ".into(), "is not JSON"),
        ("HTML", "<!DOCTYPE html><html></html>".into(), "is HTML"),
        ("nothing", String::new(), "is empty"),
        ("another kind", "{\"type\": \"Topology\"}".into(), "expected a STAC item"),
        ("no items", "{\"type\": \"FeatureCollection\", \"features\": []}".into(), "no item in it"),
    ];
    for field in ["id", "assets", "properties"] {
        let mut item = catalogue.item("a");
        item.as_object_mut().unwrap().remove(field);
        wrong.push(("a field", item.to_string(), if field == "properties" { "datetime" } else { field }));
    }
    for (what, text, said) in wrong {
        std::fs::write(catalogue.pair.path("items.json"), text).unwrap();
        let refused = catalogue.pair.refused(&[]);
        assert!(refused.contains("rules.toml:2") && refused.contains("items.json"), "{what}: {refused}");
        assert!(refused.contains(said), "{what}: {refused}");
    }
    std::fs::remove_file(catalogue.pair.path("items.json")).unwrap();
    assert!(catalogue.pair.refused(&[]).contains("items.json"));
}

#[test]
fn what_a_catalogue_says_itself_is_not_asked_for_beside_it() {
    let catalogue = Catalogue::new();
    for line in ["path = \"a_b1.tif\"", "pattern = \"x\"", "date-from = \"name\"", "date-format = \"%Y\""] {
        catalogue.rules(&format!("stac = \"items.json\"\n{line}\n"));
        let key = line.split(' ').next().unwrap();
        let refused = catalogue.pair.refused(&[]);
        assert!(refused.contains(&format!("[scenes] says both stac and {key}")), "{refused}");
    }
    catalogue.rules("stac = \"https://me:SECRET@127.0.0.1:1/items.json\"\n");
    assert!(catalogue.pair.refused(&[]).contains("a password would be published"));
    catalogue.rules("stac-search = { url = \"https://me:SECRET@127.0.0.1:1\", collections = \"x\" }\n");
    assert!(catalogue.pair.refused(&[]).contains("a password would be published"));
    catalogue.rules("stac-search = { url = \"http://127.0.0.1:1\", collections = \"x\" }\n");
    assert!(catalogue.pair.refused(&[]).contains("http://127.0.0.1:1/search"));
    catalogue.rules("stac-search = { url = \"http://127.0.0.1:1\" }\n");
    assert!(catalogue.pair.refused(&[]).contains("asks for everything"));
    catalogue.rules("stac = \"items.json\"\nquality = \"qa\"\nlayout = \"landsat-c2-l89\"\n");
    let refused = catalogue.pair.refused(&[]);
    assert!(
        refused.contains("its collection is none that a preset knows") && refused.contains("B1"),
        "{refused}"
    );
}

#[test]
fn a_catalogue_is_never_written_over_and_a_plan_file_keeps_what_it_says() {
    let catalogue = Catalogue::new();
    let refused = catalogue.pair.refused(&["-o", "items.json", "--overwrite"]);
    assert!(refused.contains("items.json is read by this run"), "{refused}");
    let whole = catalogue.pair.result(&[]);
    assert!(catalogue.pair.compose(&["--save-plan", "plan.json", "--overwrite"]).status.success());
    std::fs::remove_file(catalogue.pair.path("items.json")).unwrap();
    let output = compose()
        .current_dir(catalogue.pair.folder.path())
        .args(["--from-plan", "plan.json", "--overwrite"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(read::<u16>(&catalogue.pair.path("out.tif"))[0], whole);
}

/// An id leads to no other folder, and two collections are two sources.
#[test]
fn ids_are_names_and_an_older_processing_is_of_the_same_collection() {
    let catalogue = Catalogue::new();
    catalogue.change(|item| item["id"] = json!("../x/a"));
    catalogue.pair.change("scene = \"a\"", "scene = \"../x/a\"");
    catalogue.pair.change("out.tif", "{id}.tif");
    assert!(catalogue.pair.compose(&[]).status.success());
    assert!(catalogue.pair.path(".._x_a.tif").is_file());
    catalogue.change(|item| item["id"] = json!("a\u{1b}[31m"));
    let refused = catalogue.pair.refused(&["--overwrite"]);
    assert!(refused.contains("its id holds control characters"), "{refused}");
    let wrs = |id: &str, collection: &str| {
        let mut item = catalogue.item(id);
        item["collection"] = json!(collection);
        item["properties"]["grid:code"] = json!("WRS2-190028");
        item["properties"]["datetime"] = json!("2020-06-01T10:00:00Z");
        item
    };
    catalogue.write(
        "items.json",
        &json!({ "type": "FeatureCollection", "features": [wrs("a", "sr"), wrs("b", "st")] }),
    );
    catalogue.pair.change("../x/a", "a");
    assert!(!catalogue.plan().contains("newer processing"), "{}", catalogue.plan());
}

/// An asset of an item as a mask made by others.
#[test]
fn an_asset_masks_as_a_raster_beside_the_scene_does() {
    let catalogue = Catalogue::new();
    catalogue.rules(
        "stac = \"items.json\"\nbands = [\"red\"]\n[[scenes.beside]]\nasset = \"qa\"\nband = \"mask\"\nlayout = { 21824 = \"clear\", 22280 = \"cloud\" }\n",
    );
    catalogue.pair.change("any = [\"cloud\"]", "any = [\"cloud\"]\nband = \"mask\"");
    assert_eq!(catalogue.pair.result(&[]), FILLED);
    // What the item says of it counts: its nodata, and the meaning of its codes.
    catalogue.change(|item| {
        item["assets"]["qa"]["raster:bands"] = json!([{ "nodata": 21824 }]);
        item["assets"]["qa"]["classification:classes"] = json!([{ "value": 22280, "name": "cloud" }]);
    });
    catalogue.pair.change("layout = { 21824 = \"clear\", 22280 = \"cloud\" }", "");
    let refused = catalogue.pair.refused(&["-o", "other.tif"]);
    assert!(refused.contains("mask is a data band") && refused.contains("scene b"), "{refused}");
    catalogue.pair.change("asset = \"qa\"", "asset = \"ocm\"");
    let refused = catalogue.pair.refused(&["-o", "other.tif"]);
    assert!(refused.contains("scene a: it has no asset ocm"), "{refused}");
}

/// The example with one date whose numbers carry the offset, though its item says that they do not.
#[test]
fn a_date_whose_numbers_lie_an_offset_apart_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let copied = std::process::Command::new("cp")
        .args(["-r", "."])
        .arg(folder.path())
        .current_dir(root().join("examples/stac"))
        .status();
    assert!(copied.unwrap().success());
    let rules = folder.path().join("repair.toml");
    let text = std::fs::read_to_string(&rules).unwrap();
    std::fs::write(&rules, text.replace("nearest-date", "regress")).unwrap();
    let plan = || {
        let output = compose().args(["--rules", rules.to_str().unwrap(), "--plan"]).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        stdout(&output) + &stderr(&output)
    };
    let remark =
        "about an offset of 0.1 (1000 numbers) higher in S2A_33TWL_20230815_0_L2A than in the other scenes";
    let plain = plan();
    assert!(!plain.contains("about an offset"), "{plain}");
    for band in ["B02", "B03", "B04", "B08"] {
        let path = folder.path().join(format!("sentinel-2-l2a/S2A_33TWL_20230815_0_L2A/{band}.tif"));
        crate::support::change(&path, |dataset| {
            let mut band = dataset.rasterband(1).unwrap();
            let mut pixels = band.read_band_as::<u16>().unwrap();
            pixels.data_mut().iter_mut().filter(|pixel| **pixel != 0).for_each(|pixel| *pixel += 1000);
            let size = band.size();
            band.write((0, 0), size, &mut pixels).unwrap();
        });
    }
    let told = plan();
    assert!(told.contains(remark), "{told}");
}

/// The catalogue of the example: `proj:shape` speaks of other files, most assets are in the network.
#[test]
fn the_catalogue_of_the_example_is_planned_with_remarks_on_its_traps() {
    let rules = root().join("examples/stac/repair.toml");
    let plan = stdout(&run(&["--rules", rules.to_str().unwrap(), "--plan"]));
    let size = "the catalogue says 10980×10980 px of blue, green, red, nir, and the file has 240×200: the file counts";
    assert!(plan.contains(size), "{plan}");
    assert!(
        plan.contains("7 scenes (S2B_33TWL_20230810_0_L2A to S2B_33TWL_20230820_0_L2A): earthsearch:boa"),
        "{plan}"
    );
}
