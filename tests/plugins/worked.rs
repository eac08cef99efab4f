//! The plugins of this repository, held against an independent implementation (`plugins/reference.py`, numpy).

use crate::support::{compose, read, root, stderr};
use serde_json::Value;
use sha2::Digest;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

/// The folder of all plugins, built once as their page says.
fn built() -> &'static Path {
    static BUILT: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        // …/target/<profile>/deps/<this test>
        let test = std::env::current_exe().unwrap();
        let target = test.ancestors().nth(3).unwrap();
        let output = Command::new("make")
            .arg("-C")
            .arg(root().join("plugins"))
            .arg(format!("BUILD={}", folder.path().display()))
            .arg(format!("CARGO={}", std::env::var("CARGO").unwrap_or_else(|_| "cargo".into())))
            .env("CARGO_TARGET_DIR", target)
            .env("CARGO_NET_OFFLINE", "true")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        folder
    });
    folder.path()
}

fn expected(plugin: &str) -> Value {
    let text = std::fs::read_to_string(root().join("plugins/expected.json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()[plugin].clone()
}

fn sha256(bytes: impl IntoIterator<Item = u8>) -> String {
    let bytes: Vec<u8> = bytes.into_iter().collect();
    sha2::Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// As `reference.py` writes it: a statistic of stage k is 1000 + k, a gap -1.
fn source(code: u16) -> i16 {
    match code {
        65535 => -1,
        65000.. => (code - 64000) as i16,
        scene => scene as i16,
    }
}

/// Runs the rules file of a plugin and holds image, sources and counts against the reference.
fn assert_as_expected(plugin: &str, more: &[&str]) {
    let expected = expected(plugin);
    let folder = tempfile::tempdir().unwrap();
    let (name, image) = expected["images"].as_object().unwrap().iter().next().unwrap();
    let path = folder.path().join(format!("{name}.tif"));
    let output = compose()
        .env("COMPOSE_PLUGIN_PATH", built())
        .arg("--rules")
        .arg(root().join("plugins").join(expected["rules"].as_str().unwrap()))
        .arg("--output")
        .arg(&path)
        .args(more)
        .output()
        .unwrap();
    assert!(output.status.success(), "{plugin}: {}", stderr(&output));
    let samples = read::<u16>(&path).into_iter().flatten();
    assert_eq!(sha256(samples.flat_map(u16::to_le_bytes)), image["sha256"], "{plugin}: image");
    let sources = read::<u16>(&folder.path().join(format!("{name}_provenance.tif"))).swap_remove(0);
    let sources = sources.into_iter().map(source).flat_map(i16::to_le_bytes);
    assert_eq!(sha256(sources), image["source_sha256"], "{plugin}: sources");
    let sidecar = std::fs::read_to_string(path.with_extension("json")).unwrap();
    let result = serde_json::from_str::<Value>(&sidecar).unwrap()["result"].clone();
    assert_eq!(result["left"], image["open"], "{plugin}: open");
    assert_eq!(result["stages"][0]["pixels"], image["observed"], "{plugin}: observed");
    assert_eq!(result["stages"][1]["pixels"], image["stages"][0]["filled"], "{plugin}: filled");
}

#[test]
fn every_plugin_gives_what_numpy_gives() {
    for plugin in ["ndvi-max", "hot-haze", "linear-in-time", "cloud-distance"] {
        assert_as_expected(plugin, &[]);
    }
}

#[test]
fn plugins_give_the_same_in_blocks_of_any_size_and_with_several_workers() {
    for plugin in ["ndvi-max", "hot-haze", "linear-in-time", "cloud-distance"] {
        assert_as_expected(plugin, &["--block-size", "16", "-j", "2"]);
        assert_as_expected(plugin, &["--block-size", "whole", "-j", "1"]);
    }
}
