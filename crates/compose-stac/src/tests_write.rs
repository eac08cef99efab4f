//! What is written: its form, and that it can be read.

use crate::write::{self, Asset, Band, Collection, Extent, Fields, Item, Link, Processing, Projection, Time};
use crate::{Bitfield, Class, Href, footprint, read};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn fields(value: Value) -> Fields {
    value.as_object().unwrap().clone()
}

fn class(value: u32, name: &str) -> Class {
    Class { value, name: name.into() }
}

fn image() -> Asset {
    let red = Band {
        name: Some("B04".into()),
        common_name: Some("red".into()),
        center_wavelength: Some(0.665),
        data_type: Some("uint16".into()),
        nodata: Some(0.0),
        scale: Some(0.0001),
        offset: Some(-0.1),
        unit: Some("1".into()),
        ..Band::default()
    };
    let index = Band {
        name: Some("ndvi".into()),
        nodata: Some(f64::NAN),
        data_type: Some("float32".into()),
        ..Band::default()
    };
    Asset {
        href: "./image.tif".into(),
        media_type: Some("image/tiff; application=geotiff; profile=cloud-optimized".into()),
        roles: vec!["data".into()],
        bands: vec![red, index],
        sha256: Some("AB".repeat(32)),
        size: Some(1234),
        ..Asset::default()
    }
}

fn provenance() -> Asset {
    let flag = Bitfield { offset: 0, length: 1, name: "cloud rule".into(), classes: Vec::new() };
    Asset {
        href: "./provenance.tif".into(),
        media_type: Some("image/tiff".into()),
        roles: vec!["data".into()],
        bands: vec![
            Band {
                name: Some("source".into()),
                classes: vec![class(0, "none"), class(1, "a")],
                ..Band::default()
            },
            Band { name: Some("rules".into()), bitfields: vec![flag], ..Band::default() },
        ],
        ..Asset::default()
    }
}

fn composite() -> Item {
    Item {
        id: "composite".into(),
        collection: Some("tiles".into()),
        footprint: footprint(&[[179.0, 45.0], [-179.0, 45.0], [-179.0, 46.0], [179.0, 46.0]]),
        time: Time::Between(time("2023-08-10T09:58:11Z"), time("2023-08-20T09:58:11.5Z")),
        title: None,
        description: None,
        created: Some(time("2026-01-01T00:00:00Z")),
        platform: None,
        constellation: Some("sentinel-2".into()),
        instruments: vec!["msi".into()],
        gsd: Some(10.0),
        grid_code: Some("MGRS-33TWL".into()),
        projection: Some(Projection {
            code: Some("EPSG:32633".into()),
            shape: Some([100, 200]),
            transform: Some([10.0, 0.0, 499_980.0, 0.0, -10.0, 5_100_000.0]),
            bbox: Some([499_980.0, 5_099_000.0, 501_980.0, 5_100_000.0]),
            wkt2: None,
        }),
        processing: Processing {
            lineage: Some("a composite of two scenes".into()),
            software: vec![("compose".into(), "0.1.0".into())],
            expression: Some(("compose".into(), json!("[output]"))),
            level: None,
        },
        properties: fields(json!({"eo:cloud_cover": 0.5})),
        assets: vec![("image".into(), image()), ("provenance".into(), provenance())],
        links: vec![
            Link { rel: "collection".into(), href: "./collection.json".into(), ..Link::default() },
            Link {
                rel: "derived_from".into(),
                href: "https://host/a.json".into(),
                fields: fields(json!({"compose:share": 0.75})),
                ..Link::default()
            },
        ],
    }
}

#[test]
fn a_composite_is_an_item_of_stac_1_1() {
    let item = composite().to_json();
    assert_eq!((&item["type"], &item["stac_version"]), (&json!("Feature"), &json!("1.1.0")));
    let extensions: Vec<&str> =
        item["stac_extensions"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let expected = [
        "classification/v2.0.0",
        "eo/v2.0.0",
        "file/v2.1.0",
        "grid/v1.1.0",
        "processing/v1.2.0",
        "projection/v2.0.0",
        "raster/v2.0.0",
    ];
    assert_eq!(
        extensions,
        expected.map(|path| format!("https://stac-extensions.github.io/{path}/schema.json"))
    );
    let properties = json!({
        "datetime": null, "start_datetime": "2023-08-10T09:58:11Z", "end_datetime": "2023-08-20T09:58:11.500Z",
        "created": "2026-01-01T00:00:00Z", "constellation": "sentinel-2", "instruments": ["msi"], "gsd": 10.0,
        "grid:code": "MGRS-33TWL", "proj:code": "EPSG:32633", "proj:shape": [100, 200],
        "proj:transform": [10.0, 0.0, 499980.0, 0.0, -10.0, 5100000.0],
        "proj:bbox": [499980.0, 5099000.0, 501980.0, 5100000.0],
        "processing:lineage": "a composite of two scenes", "processing:software": {"compose": "0.1.0"},
        "processing:expression": {"format": "compose", "expression": "[output]"}, "eo:cloud_cover": 0.5,
    });
    assert_eq!(item["properties"], properties);
    assert_eq!(
        (&item["geometry"]["type"], &item["bbox"]),
        (&json!("MultiPolygon"), &json!([179.0, 45.0, -179.0, 46.0]))
    );
    assert_eq!(
        item["links"][1],
        json!({"rel": "derived_from", "href": "https://host/a.json", "compose:share": 0.75})
    );
    let image = &item["assets"]["image"];
    assert_eq!(image["file:checksum"], format!("1220{}", "ab".repeat(32)));
    let red = json!({
        "name": "B04", "eo:common_name": "red", "eo:center_wavelength": 0.665, "data_type": "uint16", "nodata": 0,
        "unit": "1", "raster:scale": 0.0001, "raster:offset": -0.1,
    });
    assert_eq!((&image["bands"][0], &image["bands"][1]["nodata"]), (&red, &json!("nan")));
    let classes = json!([
        {"value": 0, "name": "not-cloud-rule", "description": "not cloud rule"},
        {"value": 1, "name": "cloud-rule", "description": "cloud rule"},
    ]);
    assert_eq!(item["assets"]["provenance"]["bands"][1]["classification:bitfields"][0]["classes"], classes);
    // What is serialized is the same.
    assert_eq!(serde_json::to_value(composite()).unwrap(), item);
}

#[test]
fn an_item_without_place_or_extensions_says_so() {
    let plain = Item {
        footprint: None,
        time: Time::At(time("2023-08-10T09:58:11Z")),
        created: None,
        grid_code: None,
        projection: None,
        processing: Processing::default(),
        properties: Fields::new(),
        assets: Vec::new(),
        links: Vec::new(),
        gsd: Some(f64::NAN),
        ..composite()
    };
    let item = plain.to_json();
    assert_eq!(
        (&item["geometry"], item.get("bbox"), &item["stac_extensions"]),
        (&Value::Null, None, &json!([]))
    );
    assert_eq!(item["properties"]["datetime"], "2023-08-10T09:58:11Z");
    assert_eq!(item["properties"].get("gsd"), None);
}

#[test]
fn a_collection_lies_around_its_items() {
    let mut other = composite();
    other.footprint = footprint(&[[170.0, 44.0], [171.0, 44.0], [171.0, 45.0], [170.0, 45.0]]);
    other.time = Time::At(time("2023-09-01T00:00:00Z"));
    let collection = Collection {
        id: "tiles".into(),
        description: "Tiles.".into(),
        license: "other".into(),
        extent: Extent::around([&composite(), &other]),
        summaries: fields(json!({"proj:code": ["EPSG:32633"]})),
        item_assets: vec![("image".into(), Asset { sha256: None, size: None, ..image() })],
        links: vec![Link { rel: "item".into(), href: "./item.json".into(), ..Link::default() }],
        ..Collection::default()
    };
    let written = collection.to_json();
    let extent = json!({
        "spatial": {"bbox": [[170.0, 44.0, -179.0, 46.0]]},
        "temporal": {"interval": [["2023-08-10T09:58:11Z", "2023-09-01T00:00:00Z"]]},
    });
    assert_eq!(written["extent"], extent);
    assert_eq!(written["item_assets"]["image"].get("href"), None);
    let extensions: Vec<&str> =
        written["stac_extensions"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let expected = ["eo/v2.0.0", "projection/v2.0.0", "raster/v2.0.0"];
    assert_eq!(
        extensions,
        expected.map(|path| format!("https://stac-extensions.github.io/{path}/schema.json"))
    );
    let everywhere = Collection { extent: Extent::around([]), ..collection }.to_json();
    assert_eq!(everywhere["extent"]["spatial"]["bbox"], json!([[-180.0, -90.0, 180.0, 90.0]]));
    assert_eq!(everywhere["extent"]["temporal"]["interval"], json!([[null, null]]));
    assert_eq!(serde_json::to_value(Collection::default()).unwrap()["stac_version"], write::VERSION);
}

#[test]
fn what_is_written_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let write =
        |name: &str, value: &Value| std::fs::write(folder.path().join(name), value.to_string()).unwrap();
    write("item.json", &composite().to_json());
    let links = vec![Link { rel: "item".into(), href: "./item.json".into(), ..Link::default() }];
    let collection = Collection { id: "tiles".into(), links, ..Collection::default() };
    write("collection.json", &collection.to_json());
    let items = read(&Href::File(folder.path().join("collection.json")), None).unwrap();
    let item = &items.items[0];
    assert_eq!((item.id.as_str(), item.collection.as_deref()), ("composite", Some("tiles")));
    assert_eq!(item.datetime, time("2023-08-15T09:58:11.25Z"));
    assert_eq!((item.bbox, item.centroid_longitude), (Some([179.0, 45.0, -179.0, 46.0]), Some(180.0)));
    assert_eq!((item.grid_code.as_deref(), item.cloud_cover), (Some("MGRS-33TWL"), Some(0.5)));
    let [image, provenance] = &item.assets[..] else { panic!("{:?}", item.assets) };
    assert_eq!(image.href, Href::File(folder.path().join("image.tif")));
    assert_eq!((image.shape, image.transform), (Some([100, 200]), composite().projection.unwrap().transform));
    let red = &image.bands[0];
    assert_eq!((red.nodata, red.scale, red.offset), (Some(0.0), Some(0.0001), Some(-0.1)));
    assert_eq!((red.name.as_deref(), red.common_name.as_deref()), (Some("B04"), Some("red")));
    assert!(image.bands[1].nodata.unwrap().is_nan());
    assert_eq!(provenance.bands[0].classes, [class(0, "none"), class(1, "a")]);
    let flag = &provenance.bands[1].bitfields[0];
    assert_eq!((flag.offset, flag.length, flag.classes.len()), (0, 1, 2));
}
