//! Catalogues on disk, whole and broken.

use crate::{Href, Item, Items, read};
use serde_json::{Value, json};
use std::path::PathBuf;
use tempfile::TempDir;

/// A folder of documents that goes away with the test.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn with(self, name: &str, value: &Value) -> Self {
        self.text(name, &value.to_string())
    }

    fn text(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> Items {
        read(&Href::File(self.path(name)), None).unwrap_or_else(|e| panic!("{e}"))
    }

    /// What is wrong, without the folder's changing name.
    fn refused(&self, name: &str) -> String {
        let error = read(&Href::File(self.path(name)), None).expect_err("expected a refusal");
        self.stable(&error.to_string())
    }

    fn stable(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn item(id: &str, day: &str) -> Value {
    json!({
        "type": "Feature", "stac_version": "1.0.0", "id": id, "geometry": null, "links": [],
        "properties": {"datetime": format!("2023-08-{day}T10:00:00Z")},
        "assets": {"red": {"href": "./red.tif"}},
    })
}

fn links(kind: &str, links: &[(&str, &str)]) -> Value {
    let links: Vec<Value> = links.iter().map(|(rel, href)| json!({"rel": rel, "href": href})).collect();
    json!({"type": kind, "stac_version": "1.0.0", "id": "c", "links": links})
}

fn ids(items: &Items) -> Vec<&str> {
    items.items.iter().map(|item| item.id.as_str()).collect()
}

/// An item with some of its members replaced; null members are removed.
fn changed(changes: &Value) -> Value {
    let mut value = item("a", "01");
    for (name, change) in changes.as_object().unwrap() {
        if change == "remove" {
            value.as_object_mut().unwrap().remove(name);
        } else {
            value[name] = change.clone();
        }
    }
    value
}

fn read_one(value: &Value) -> Item {
    Folder::new().with("a.json", value).read("a.json").items.remove(0)
}

#[test]
fn links_are_followed_down_and_each_document_is_read_once() {
    let folder = Folder::new()
        .with(
            "catalog.json",
            &links("Catalog", &[("root", "./catalog.json"), ("child", "./c/collection.json")]),
        )
        .with(
            "c/collection.json",
            &links(
                "Collection",
                &[
                    ("item", "b/b.json"),
                    ("item", "./a.json"),
                    ("item", "../c/a.json"),
                    ("child", "../catalog.json"),
                    ("parent", "nowhere.json"),
                ],
            ),
        )
        .with("c/a.json", &item("a", "09"))
        .with("c/b/b.json", &item("b", "02"));
    let items = folder.read("catalog.json");
    assert_eq!(ids(&items), ["b", "a"], "by time");
    assert_eq!(items.documents.len(), 4);
    assert!(items.remarks.is_empty(), "{:?}", items.remarks);
    assert_eq!(items.items[0].assets[0].href, Href::File(folder.path("c/b/red.tif")));
    assert_eq!(items.items[0].document, Href::File(folder.path("c/b/b.json")));
}

#[test]
fn items_of_one_time_come_by_id_and_an_item_in_two_documents_once() {
    let list = json!({
        "type": "FeatureCollection",
        "features": [item("b", "01"), item("a", "01"), item("b", "01")],
        "links": [{"rel": "next", "href": "https://host/search"}],
    });
    let folder = Folder::new().with("list.json", &list);
    let items = folder.read("list.json");
    assert_eq!(ids(&items), ["a", "b"]);
    let told = "list.json: its link \"next\" says that the search had more items than this page";
    assert_eq!(folder.stable(&items.remarks.join("; ")), told);

    let folder = Folder::new()
        .with("catalog.json", &links("Catalog", &[("item", "a.json"), ("item", "copy.json")]))
        .with("a.json", &item("a", "01"))
        .with("copy.json", &item("a", "02"));
    let items = folder.read("catalog.json");
    assert_eq!(ids(&items), ["a"]);
    let told = "item a is in a.json and again in copy.json: the first is taken";
    assert_eq!(folder.stable(&items.remarks.join("; ")), told);
}

#[test]
fn what_is_missing_or_wrong_is_told_with_document_item_and_field() {
    for (changes, told) in [
        (json!({"id": "remove"}), "a.json: the item has no id; expected text"),
        (json!({"id": 3}), "a.json: the item: id is 3; expected text"),
        (json!({"assets": "remove"}), "a.json: item a has no assets; expected an object of assets"),
        (json!({"assets": []}), "a.json: item a: assets is a list; expected an object of assets"),
        (
            json!({"properties": "remove"}),
            "a.json: item a has no properties; expected an object with datetime",
        ),
        (
            json!({"properties": {}}),
            "a.json: item a has no datetime; expected it, or start_datetime and end_datetime where it is null",
        ),
        (
            json!({"properties": {"datetime": "2023-08-01"}}),
            "a.json: item a: datetime is \"2023-08-01\"; expected a time such as 2023-08-20T09:58:11Z (RFC 3339)",
        ),
        (
            json!({"properties": {"datetime": null, "start_datetime": "2023-08-02T00:00:00Z", "end_datetime": "2023-08-01T00:00:00Z"}}),
            "a.json: item a: end_datetime is \"2023-08-01T00:00:00+00:00\"; expected a time that is not before start_datetime",
        ),
        (
            json!({"properties": {"datetime": "2023-08-01T10:00:00Z", "earthsearch:boa_offset_applied": "maybe"}}),
            "a.json: item a: earthsearch:boa_offset_applied is \"maybe\"; expected true or false",
        ),
    ] {
        let folder = Folder::new().with("a.json", &changed(&changes));
        assert_eq!(folder.refused("a.json"), told);
    }
    let list = json!({"type": "FeatureCollection", "features": [item("a", "01"), {"type": "Feature"}]});
    let folder = Folder::new().with("list.json", &list);
    assert_eq!(folder.refused("list.json"), "list.json: feature 2 has no id; expected text");
    let folder = Folder::new().text("list.json", "{\"type\": \"FeatureCollection\"}");
    assert_eq!(
        folder.refused("list.json"),
        "list.json: the item collection has no features; expected a list of items"
    );
}

/// Whoever asks for such an asset is told.
#[test]
fn an_asset_with_a_wrong_field_has_a_flaw_and_one_without_a_place_is_left_out() {
    for (changes, told) in [
        (
            json!({"assets": {"red": {"href": "r.tif", "raster:bands": [{"nodata": "none"}]}}}),
            "a.json: item a: asset red: nodata is \"none\"; expected a number, \"nan\", \"inf\" or \"-inf\"",
        ),
        (
            json!({"assets": {"red": {"href": "r.tif", "raster:bands": [{"scale": 0}]}}}),
            "a.json: item a: asset red: scale is 0; expected another number: all pixels would be the same",
        ),
        (
            json!({"assets": {"red": {"href": "r.tif", "raster:bands": [{"offset": "inf"}]}}}),
            "a.json: item a: asset red: offset is \"inf\"; expected a finite number",
        ),
        (
            json!({"assets": {"red": {"href": "r.tif", "raster:bands": {}}}}),
            "a.json: item a: asset red: raster:bands is an object; expected a list",
        ),
        (
            json!({"assets": {"qa": {"href": "r.tif", "classification:classes": [{"value": -1, "name": "x"}]}}}),
            "a.json: item a: asset qa: classification:classes: value is -1; expected a whole number from 0 to 4294967295",
        ),
        (
            json!({"assets": {"qa": {"href": "r.tif", "classification:bitfields": [{"offset": 60, "length": 5}]}}}),
            "a.json: item a: asset qa: classification:bitfields: length is 5; expected one bit at least, and bits within 64",
        ),
    ] {
        let folder = Folder::new().with("a.json", &changed(&changes));
        let item = folder.read("a.json").items.remove(0);
        let flaw = item.assets[0].flaw.as_deref().map(|flaw| folder.stable(flaw));
        assert_eq!(flaw.as_deref(), Some(told));
    }
    for (changes, told) in [
        (
            json!({"assets": {"red": {}}}),
            "a.json: item a: asset red has no href; expected a path or an address",
        ),
        (
            json!({"assets": {"red": "x"}}),
            "a.json: item a: asset red: what stands there is \"x\"; expected an object",
        ),
    ] {
        let folder = Folder::new().with("a.json", &changed(&changes));
        let item = folder.read("a.json").items.remove(0);
        assert_eq!(folder.stable(&item.remarks.join("; ")), format!("{told}: left out"));
    }
}

#[test]
fn what_is_not_wanted_may_be_of_any_form() {
    let strange = json!([{"a": [null, 1e300]}]);
    let changes = json!({
        "links": strange, "stac_extensions": strange, "stac_version": strange, "bbox": strange, "collection": strange,
        "properties": {
            "datetime": "2023-08-01T10:00:00Z", "proj:epsg": strange, "platform": strange, "eo:cloud_cover": 200,
            "view:sun_elevation": 40, "view:sun_azimuth": "north", "updated": strange, "s2:sequence": 1.5,
        },
        "assets": {
            "red": {"href": "r.tif", "title": strange, "roles": strange, "gsd": strange, "proj:shape": [1, "x"]},
            "thumbnail": {"href": "t.png", "raster:bands": 3, "nodata": strange},
        },
    });
    let item = read_one(&changed(&changes));
    assert_eq!((item.platform, item.sun, item.bbox, item.collection), (None, None, None, None));
    let expected = [
        "asset red: proj:shape is a list, expected rows and columns: left out",
        "asset red: proj:epsg is a list, expected a number: left out",
        "bbox is not west, south, east and north in degrees: that of the geometry is taken",
        "platform is a list, expected text: left out",
        "eo:cloud_cover is 200, expected 0 to 100 percent: left out",
        "view:sun_azimuth is \"north\", expected -180 to 360 degrees: left out",
        "updated is a list, expected a time: left out",
        "s2:sequence is 1.5, expected a whole number: left out",
    ];
    assert_eq!(item.remarks, expected);
}

#[test]
fn what_cannot_be_opened_is_told_and_nothing_blocks() {
    let folder = Folder::new()
        .with("catalog.json", &links("Catalog", &[("item", "absent.json")]))
        .with("network.json", &links("Catalog", &[("item", "https://user:word@host/a.json?sig=x")]))
        .with("empty.json", &links("Catalog", &[]))
        .with("api.json", &links("Catalog", &[("search", "https://host/search")]))
        .with("pipe.json", &links("Catalog", &[("child", "/dev/zero")]))
        .with("folder.json", &links("Catalog", &[("child", ".")]))
        .text("bytes.json", "x");
    std::fs::write(folder.path("bytes.json"), [0xff, 0xfe, b'{']).unwrap();
    let large = std::fs::File::create(folder.path("large.json")).unwrap();
    large.set_len(crate::limits::DOCUMENT_BYTES + 1).unwrap();
    for (name, told) in [
        (
            "catalog.json",
            "catalog.json: link \"item\" leads nowhere: absent.json: No such file or directory (os error 2)",
        ),
        (
            "network.json",
            "https://host/a.json: lies on the network, and access to the network is not allowed here; allow it, or save the document and name the file",
        ),
        ("empty.json", "empty.json: no item in it"),
        ("api.json", "api.json: no item in it; it belongs to an API, whose items are found by a search"),
        (
            "pipe.json",
            "pipe.json: link \"child\" leads nowhere: /dev/zero: is a pipe, a socket or a device, expected a regular file",
        ),
        ("bytes.json", "bytes.json: is not text in UTF-8"),
        ("large.json", "large.json: is larger than 67108864 bytes, the most that is read of one document"),
    ] {
        assert_eq!(folder.refused(name), told);
    }
    assert!(folder.refused("folder.json").ends_with(": is a folder, expected a regular file"));
}

#[test]
fn bands_of_three_lists_are_merged_by_position() {
    let item = read_one(&changed(&json!({"stac_version": "1.0.0", "assets": {"two": {
        "href": "two.tif", "nodata": 7, "raster:scale": 2,
        "eo:bands": [{"name": "B1", "common_name": "blue"}, {"name": "B2"}],
        "raster:bands": [{"nodata": "nan", "scale": 0.5, "offset": -1, "data_type": "uint16"}, {}],
    }}})));
    let [first, second] = &item.assets[0].bands[..] else { panic!("{:?}", item.assets) };
    assert_eq!((first.name.as_deref(), first.common_name.as_deref()), (Some("B1"), Some("blue")));
    assert!(first.nodata.unwrap().is_nan());
    assert_eq!(
        (first.scale, first.offset, first.data_type.as_deref()),
        (Some(0.5), Some(-1.0), Some("uint16"))
    );
    assert_eq!((second.name.as_deref(), second.nodata, second.scale), (Some("B2"), Some(7.0), Some(2.0)));

    let item = read_one(&changed(&json!({"stac_version": "1.1.0", "assets": {
        "red": {"href": "red.tif", "data_type": "uint16", "nodata": 0, "raster:offset": -0.1, "raster:scale": 1e-4, "eo:common_name": "red"},
        "two": {"href": "two.tif", "nodata": 0, "bands": [{"name": "a", "eo:common_name": "red", "raster:scale": 3}, {"name": "b", "nodata": 255}]},
    }})));
    let red = &item.assets[0].bands[..];
    assert_eq!(
        (red.len(), red[0].nodata, red[0].scale, red[0].offset),
        (1, Some(0.0), Some(1e-4), Some(-0.1))
    );
    assert_eq!(red[0].common_name.as_deref(), Some("red"));
    let two = &item.assets[1].bands[..];
    assert_eq!(
        (two[0].nodata, two[0].scale, two[1].nodata, two[1].scale),
        (Some(0.0), Some(3.0), Some(255.0), None)
    );
}

#[test]
fn numbers_of_bands_refer_to_the_item_or_to_its_collection() {
    let bands = json!([{"name": "B1", "common_name": "coastal"}, {"name": "B2", "common_name": "blue"}]);
    let assets = json!({"B2": {"href": "b2.tif", "eo:bands": [1]}, "x": {"href": "x.tif", "eo:bands": [9]}});
    let mut old = changed(&json!({"stac_version": "0.7.0", "assets": assets, "collection": "remove"}));
    old["links"] = json!([{"rel": "collection", "href": "collection.json"}]);
    let name = |item: &Item| item.assets[0].bands[0].common_name.clone();

    let mut own = old.clone();
    own["properties"]["eo:bands"] = bands.clone();
    own["properties"]["eo:platform"] = "landsat-8".into();
    let item = read_one(&own);
    assert_eq!((name(&item).as_deref(), item.platform.as_deref()), (Some("blue"), Some("landsat-8")));
    assert_eq!(item.assets[1].bands.len(), 1, "a number that refers to nothing is a band without a name");

    let mut collection = links("Collection", &[("item", "a.json")]);
    collection.as_object_mut().unwrap().remove("type");
    collection["properties"] = json!({"eo:bands": bands, "eo:instrument": "OLI"});
    let folder = Folder::new().with("collection.json", &collection).with("a.json", &old);
    for start in ["collection.json", "a.json"] {
        let item = &folder.read(start).items[0];
        assert_eq!(
            (name(item).as_deref(), &item.instruments[..]),
            (Some("blue"), &["OLI".to_owned()][..]),
            "{start}"
        );
    }
    collection["links"] = json!([]);
    collection["id"] = "l8".into();
    let mut named = old.clone();
    named["properties"]["collection"] = "l8".into();
    let saved = json!({"type": "FeatureCollection", "features": [named], "collections": [3, collection]});
    let items = Folder::new().with("saved.json", &saved).read("saved.json");
    assert_eq!(
        (name(&items.items[0]).as_deref(), &items.remarks[..]),
        (Some("blue"), &[][..]),
        "carried along"
    );

    let item = Folder::new().with("a.json", &old).read("a.json");
    assert_eq!(name(&item.items[0]), None);
    assert_eq!(item.items[0].remarks, ["bands have no names: the list that they refer to was not found"]);
    assert!(
        item.remarks[0].starts_with("bands have no names, for the collection cannot be read"),
        "{:?}",
        item.remarks
    );
}

#[test]
fn quality_bands_tell_what_their_bits_mean() {
    let bits = json!([
        {"offset": 3, "length": 1, "name": "cloud", "classes": [{"value": 0, "name": "clear"}, {"value": 1, "description": "cloud"}]},
        {"offset": 8, "length": 2},
    ]);
    let item = read_one(&changed(&json!({"assets": {"qa_pixel": {
        "href": "qa.tif", "classification:bitfields": bits, "raster:bands": [{"nodata": 1, "unit": "bit index"}],
    }}})));
    let band = &item.assets[0].bands[0];
    let fields: Vec<(u32, u32, &str)> =
        band.bitfields.iter().map(|f| (f.offset, f.length, f.name.as_str())).collect();
    assert_eq!(fields, [(3, 1, "cloud"), (8, 2, "bit 8")]);
    let classes: Vec<(u32, &str)> =
        band.bitfields[0].classes.iter().map(|c| (c.value, c.name.as_str())).collect();
    assert_eq!(classes, [(0, "clear"), (1, "cloud")]);
}

#[test]
fn few_words_that_ask_for_much_memory_are_refused() {
    let classes: Vec<Value> = (0..4000).map(|value| json!({"value": value, "name": "x"})).collect();
    let bands: Vec<Value> = (0..1000).map(|_| json!({})).collect();
    let asset = json!({"href": "qa.tif", "bands": bands, "classification:classes": classes});
    let folder = Folder::new().with("a.json", &changed(&json!({"assets": {"qa": asset}})));
    let told = "a.json: item a: asset qa: more than 262144 classes, the most that are read; narrow the source or the search";
    assert_eq!(folder.refused("a.json"), told);
}

#[test]
fn places_and_processing_are_read_in_the_spellings_of_providers() {
    for (properties, code, baseline) in [
        (
            json!({"grid:code": "MGRS-33TWL", "s2:processing_baseline": "05.09"}),
            Some("MGRS-33TWL"),
            Some(509),
        ),
        (
            json!({"mgrs:utm_zone": 5, "mgrs:latitude_band": "Q", "mgrs:grid_square": "KB"}),
            Some("MGRS-5QKB"),
            None,
        ),
        (
            json!({"s2:mgrs_tile": "05QKB", "s2:product_uri": "S2B_MSIL2A_20230820T094549_N0509_R079_T33TWL_20230820T124817.SAFE"}),
            Some("MGRS-5QKB"),
            Some(509),
        ),
        (
            json!({"sentinel:utm_zone": "33", "sentinel:latitude_band": "T", "sentinel:grid_square": "WL", "processing:version": "02.14"}),
            Some("MGRS-33TWL"),
            Some(214),
        ),
        (
            json!({"landsat:wrs_path": "014", "landsat:wrs_row": "031", "processing:version": "LPGS_15.4.0"}),
            Some("WRS2-014031"),
            None,
        ),
        (
            json!({"landsat:wrs_type": "1", "landsat:wrs_path": 5, "landsat:wrs_row": 31}),
            Some("WRS1-005031"),
            None,
        ),
        (json!({"s2:datatake_id": "GS2B_20230820T094549_033710_N05.09"}), None, Some(509)),
    ] {
        let mut value = item("a", "01");
        value["properties"].as_object_mut().unwrap().extend(properties.as_object().unwrap().clone());
        let item = read_one(&value);
        assert_eq!((item.grid_code.as_deref(), item.baseline), (code, baseline), "{properties}");
    }
}

#[test]
fn the_sun_is_read_in_the_spellings_of_providers() {
    for (properties, angles) in [
        (json!({"view:sun_elevation": 54.5, "view:sun_azimuth": 153}), Some((54.5, 153.0))),
        (json!({"eo:sun_elevation": "54.5", "eo:sun_azimuth": -30.0}), Some((54.5, 330.0))),
        (json!({"s2:mean_solar_zenith": 35.5, "s2:mean_solar_azimuth": 153}), Some((54.5, 153.0))),
        (json!({"view:sun_elevation": 54.5}), None),
        (json!({"view:sun_elevation": 95, "view:sun_azimuth": 153}), None),
    ] {
        let mut value = item("a", "01");
        value["properties"].as_object_mut().unwrap().extend(properties.as_object().unwrap().clone());
        let sun = read_one(&value).sun.map(|sun| (sun.elevation, sun.azimuth));
        assert_eq!(sun, angles, "{properties}");
    }
}

#[test]
fn a_range_of_time_gives_its_middle_and_says_so() {
    let item = read_one(&changed(&json!({"geometry": "remove", "properties": {
        "datetime": null, "start_datetime": "2023-08-01T00:00:00Z", "end_datetime": "2023-08-02T00:00:00Z",
    }})));
    assert_eq!(item.datetime.to_rfc3339(), "2023-08-01T12:00:00+00:00");
    let expected = [
        "datetime is null: the middle between start_datetime and end_datetime is taken",
        "it has no geometry",
    ];
    assert_eq!(item.remarks, expected);
}

/// Every value below this one, with all values of some forms in its place.
fn replaced(value: &Value, out: &mut Vec<Value>) {
    let oddities = [
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!("é\u{0}"),
        json!([]),
        json!([null]),
        json!([[[]]]),
        json!({}),
        json!({"": {}}),
        json!(["nan", -1e300, 3, 4, 5, 6]),
    ];
    out.extend(oddities);
    let mut below = |inner: &Value, put: &dyn Fn(&mut Value, Value)| {
        let mut inside = Vec::new();
        replaced(inner, &mut inside);
        for change in inside {
            let mut whole = value.clone();
            put(&mut whole, change);
            out.push(whole);
        }
    };
    match value {
        Value::Object(object) => object
            .iter()
            .for_each(|(name, inner)| below(inner, &|whole, change| whole[name.as_str()] = change)),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .for_each(|(index, inner)| below(inner, &|whole, change| whole[index] = change)),
        _ => {}
    }
}

#[test]
fn no_value_in_any_place_does_more_than_be_refused() {
    let item = json!({
        "type": "Feature", "stac_version": "1.0.0", "id": "a", "bbox": [1, 2, 3, 4], "collection": "c",
        "geometry": {"type": "Polygon", "coordinates": [[[179, 1], [-179, 1], [179, 2]]]},
        "properties": {
            "datetime": "2023-08-01T10:00:00Z", "eo:bands": [{"name": "B1"}], "instruments": ["msi"],
            "view:sun_elevation": 1, "view:sun_azimuth": -10, "eo:cloud_cover": 3, "s2:processing_baseline": "05.09",
            "s2:product_uri": "a_N0509_b", "landsat:wrs_path": "014", "landsat:wrs_row": 31, "updated": "x",
        },
        "assets": {"a": {
            "href": "./a%20b.tif", "type": "image/tiff", "roles": ["data"], "proj:shape": [1, 2],
            "proj:transform": [1, 2, 3, 4, 5, 6], "eo:bands": [0, "B1", {"common_name": "red"}],
            "raster:bands": [{"nodata": 0, "scale": 1, "offset": 2}], "bands": [{"name": "x"}],
            "classification:classes": [{"value": 1, "name": "x"}],
            "classification:bitfields": [{"offset": 1, "length": 2, "classes": [{"value": 1, "name": "x"}]}],
        }},
        "links": [{"rel": "collection", "href": "absent.json"}],
    });
    let mut changed = Vec::new();
    replaced(&item, &mut changed);
    let folder = Folder::new();
    let (mut read_well, path) = (0, folder.path("a.json"));
    for value in &changed {
        std::fs::write(&path, value.to_string()).unwrap();
        match read(&Href::File(path.clone()), None) {
            Ok(_) => read_well += 1,
            Err(error) => assert!(error.to_string().contains("a.json"), "{error}"),
        }
        // Some file systems wait for the disk when a file that is there is written again.
        std::fs::remove_file(&path).unwrap();
    }
    assert!(changed.len() > 800 && read_well > 300, "{read_well} of {}", changed.len());
}

/// The catalogue of Sentinel-2 scenes beside the repository, or in the folder that COMPOSE_SHARED names.
#[test]
fn a_catalogue_of_sentinel_2_is_read_whole() {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = std::env::var_os("COMPOSE_SHARED").map_or_else(beside, PathBuf::from);
    let catalog = shared.join("data/s2_stac_33T/catalog.json");
    if !catalog.is_file() {
        return eprintln!("shared data: s2_stac_33T: absent, not tested");
    }
    let items = read(&Href::File(catalog), None).unwrap();
    assert_eq!((items.items.len(), items.documents.len(), items.remarks.len()), (7, 9, 0));
    let item = items.items.last().unwrap();
    assert_eq!(item.id, "S2B_33TWL_20230820_0_L2A");
    assert_eq!((item.grid_code.as_deref(), item.baseline), (Some("MGRS-33TWL"), Some(509)));
    assert_eq!((item.sequence, item.offset_applied), (Some(0), Some(true)));
    assert_eq!(item.collection.as_deref(), Some("sentinel-2-l2a"));
    assert!((item.sun.unwrap().elevation - 54.3376654004404).abs() < 1e-9);
    let red = item.assets.iter().find(|asset| asset.key == "red").unwrap();
    assert_eq!((red.shape, red.bands[0].offset), (Some([10980, 10980]), Some(-0.1)));
    assert_eq!(red.bands[0].common_name.as_deref(), Some("red"));
    assert!(matches!(&red.href, Href::File(path) if path.is_file()));
    assert!(item.remarks.is_empty(), "{:?}", item.remarks);
}
