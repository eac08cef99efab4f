//! The STAC item beside an image, and the collection over tiles.

use crate::support::{Pair, read, root, run, shared_python, stderr};
use serde_json::Value;
use sha2::Digest;
use std::path::Path;

fn json(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap()
}

fn sha256(path: &Path) -> String {
    let hash = sha2::Sha256::digest(std::fs::read(path).unwrap());
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The example with its images in a folder of the test's own.
fn example(more: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let rules = root().join("examples/stac/repair.toml");
    let image = folder.path().join("slovenia.tif");
    let mut args = vec!["--rules", rules.to_str().unwrap(), "--output", image.to_str().unwrap()];
    args.extend(more);
    run(&args);
    folder
}

#[test]
fn an_item_tells_the_grid_the_bands_the_files_and_where_they_come_from() {
    let folder = example(&["--quicklook"]);
    let item = json(&folder.path().join("slovenia.stac.json"));
    assert_eq!(
        (&item["type"], &item["stac_version"], &item["id"]),
        (&"Feature".into(), &"1.1.0".into(), &"slovenia".into())
    );
    let properties = &item["properties"];
    assert_eq!(properties["datetime"], "2023-08-10T09:58:11.590Z", "the target's");
    assert_eq!((&properties["proj:code"], properties["gsd"].as_f64()), (&"EPSG:32633".into(), Some(120.0)));
    assert_eq!(properties["proj:shape"], serde_json::json!([200, 240]));
    assert_eq!(
        properties["proj:transform"],
        serde_json::json!([120.0, 0.0, 528_780.0, 0.0, -120.0, 5_100_000.0])
    );
    let rules = std::fs::read_to_string(root().join("examples/stac/repair.toml")).unwrap();
    assert_eq!(properties["processing:expression"]["expression"], rules);
    for (name, asset) in item["assets"].as_object().unwrap() {
        let path = folder.path().join(asset["href"].as_str().unwrap());
        assert!(path.is_file(), "{name}");
        if name != "report" {
            assert_eq!(asset["file:checksum"], format!("1220{}", sha256(&path)), "{name}");
            assert_eq!(asset["file:size"], std::fs::metadata(&path).unwrap().len(), "{name}");
        }
    }
    let bands = item["assets"]["image"]["bands"].as_array().unwrap();
    let told: Vec<_> = bands
        .iter()
        .map(|b| (b["name"].as_str().unwrap(), b["eo:common_name"].as_str(), b["nodata"].as_f64()))
        .collect();
    assert_eq!(told[3], ("nir", Some("nir"), Some(0.0)));
    // Scale of the item, and no offset: it was applied.
    assert_eq!(
        (bands[0]["raster:scale"].as_f64(), bands[0]["raster:offset"].as_f64()),
        (Some(0.0001), Some(0.0))
    );
    assert_eq!(item["assets"]["thumbnail"]["roles"], serde_json::json!(["thumbnail"]));
}

/// Every code of the provenance has a class, and every class of a scene its link with its share.
#[test]
fn an_item_explains_every_code_and_counts_what_each_scene_gave() {
    let folder = example(&[]);
    let item = json(&folder.path().join("slovenia.stac.json"));
    let planes = read::<u16>(&folder.path().join("slovenia_provenance.tif"));
    let bands = item["assets"]["provenance"]["bands"].as_array().unwrap();
    for (band, plane) in bands.iter().zip(&planes).take(2) {
        let classes = band["classification:classes"].as_array().unwrap();
        let known: Vec<u64> = classes.iter().map(|class| class["value"].as_u64().unwrap()).collect();
        assert!(plane.iter().all(|code| known.contains(&u64::from(*code))), "{}", band["name"]);
    }
    let links: Vec<&Value> =
        item["links"].as_array().unwrap().iter().filter(|l| l["rel"] == "derived_from").collect();
    assert_eq!(links.len(), 7);
    for link in links {
        let title = link["title"].as_str().unwrap();
        let class = bands[0]["classification:classes"].as_array().unwrap().iter();
        let code = class
            .filter(|c| c["description"] == title || c["name"] == title)
            .map(|c| c["value"].as_u64().unwrap())
            .next();
        let count = planes[0].iter().filter(|source| Some(u64::from(**source)) == code).count();
        let percent = 100.0 * count as f64 / planes[0].len() as f64;
        assert!((link["compose:percent"].as_f64().unwrap() - percent).abs() < 0.001, "{title}: {percent}");
        assert!(folder.path().join(link["href"].as_str().unwrap()).is_file(), "{title}");
    }
    let report = folder.path().join("slovenia.json");
    assert!(json(&report)["files"].as_array().unwrap().iter().any(|file| file["is"] == "stac"));
    run(&["check", report.to_str().unwrap()]);
}

#[test]
fn a_composite_takes_the_time_from_its_first_scene_to_its_last() {
    let pair = Pair::new();
    pair.change("[target]\nscene = \"a\"\n", "");
    pair.change("nearest-date\"", "median-stack\"");
    pair.append("stac = true\n");
    pair.result(&[]);
    let item = json(&pair.path("out.stac.json"));
    let properties = &item["properties"];
    assert_eq!(properties["datetime"], Value::Null);
    assert_eq!(
        (&properties["start_datetime"], &properties["end_datetime"]),
        (&"2020-06-01T00:00:00Z".into(), &"2020-06-17T23:59:59Z".into())
    );
    let links = item["links"].as_array().unwrap();
    assert!(links.len() == 2 && links.iter().all(|link| link["compose:percent"] == 0.0), "{links:?}");
    assert!(pair.path(links[0]["href"].as_str().unwrap()).is_file());
}

#[test]
fn an_item_without_a_time_is_refused() {
    let pair = Pair::new();
    pair.change("date = 2020-06-01\n", "");
    pair.change("date = 2020-06-17\n", "");
    pair.change("nearest-date\"", "median-stack\"");
    pair.append("stac = true\n");
    assert!(pair.refused(&[]).contains("which must have a time, and no scene has a date"));
}

#[test]
fn tiles_have_items_and_a_collection_over_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let examples = root().join("examples/stac");
    // The target is larger than a tile only with the other tile of the pass: both are composed without one.
    let text = std::fs::read_to_string(examples.join("repair.toml")).unwrap();
    let text = text.replace("catalog.json", &format!("{}/catalog.json", examples.display()));
    let text = text.replace("sentinel-2-l2a/{id}", &format!("{}/sentinel-2-l2a/{{id}}", examples.display()));
    let text = text.replace(
        "[target]\nscene = \"S2B_33TWL_20230810_0_L2A\"",
        "[grid]\ncrs = \"EPSG:32633\"\nresolution = 120\nsnap = true\ntile-size = 256",
    );
    let text = text.replace("out/{id}_filled.tif", "out_{tile}.tif").replace("nearest-date", "median-stack");
    std::fs::write(path("rules.toml"), text).unwrap();
    let compose =
        |more: &[&str]| crate::support::compose().current_dir(folder.path()).args(more).output().unwrap();
    let output = compose(&["--rules", "rules.toml"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let collection = json(&path("out_mosaic.stac.json"));
    assert_eq!((&collection["type"], &collection["id"]), (&"Collection".into(), &"out_mosaic".into()));
    let items: Vec<&Value> =
        collection["links"].as_array().unwrap().iter().filter(|l| l["rel"] == "item").collect();
    assert_eq!(items.len(), 2);
    for link in items {
        let item = json(&path(link["href"].as_str().unwrap()));
        assert_eq!(item["collection"], "out_mosaic");
        let back = item["links"].as_array().unwrap().iter().find(|l| l["rel"] == "collection").unwrap();
        assert_eq!(back["href"], "out_mosaic.stac.json");
    }
    let again = compose(&["--rules", "rules.toml", "--resume"]);
    assert!(again.status.success(), "{}", stderr(&again));
    assert_eq!(json(&path("out_mosaic.stac.json")), collection);
    let check = compose(&["check", "out_mosaic.json"]);
    assert!(check.status.success(), "{}", stderr(&check));
}

/// Other readers: pystac finds the item valid, odc-stac reads the image's pixels through it.
#[test]
fn pystac_and_odc_stac_read_the_item() {
    let Some(python) = shared_python(&["pystac", "jsonschema", "odc.stac"]) else { return };
    let folder = example(&[]);
    let script = "\
import sys, pystac, odc.stac, rasterio
item = pystac.Item.from_file(sys.argv[1])
item.make_asset_hrefs_absolute()
pystac.validation.validate_dict(item.to_dict(), stac_object_type=pystac.STACObjectType.ITEM, stac_version='1.1.0', extensions=[])
read = odc.stac.load([item], bands=['image.1', 'image.4'])
image = rasterio.open(item.assets['image'].href).read()
assert (read['image.1'].values[0] == image[0]).all() and (read['image.4'].values[0] == image[3]).all()
print('same')
";
    let item = folder.path().join("slovenia.stac.json");
    let output =
        std::process::Command::new(python).args(["-W", "ignore", "-c", script]).arg(&item).output().unwrap();
    assert!(
        output.status.success() && crate::support::stdout(&output).contains("same"),
        "{}",
        stderr(&output)
    );
}
