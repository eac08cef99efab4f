//! Files at hand, broken ones among them, and files that are broken on purpose: what is read directly is what
//! GDAL reads, and the rest is left to it.

use super::compared::compare;
use super::tests::Written;
use compose_core::DataType;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The shared data beside the repository, or the folder that COMPOSE_SHARED names; says plainly when absent.
fn shared() -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("COMPOSE_SHARED").map_or_else(beside, PathBuf::from).join("data");
    if folder.exists() {
        eprintln!("shared data: direct: tested");
        return Some(folder);
    }
    eprintln!("shared data: direct: absent, not tested");
    None
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

#[test]
fn every_file_at_hand_is_read_as_gdal_reads_it() {
    let Some(folder) = shared() else { return };
    let mut files = Vec::new();
    files_below(&folder, &mut files);
    let (mut direct, mut blocks, mut asked) = (0, 0, 0);
    let mut left = BTreeMap::<String, usize>::new();
    for file in &files {
        match compare(file, 200) {
            Ok(seen) => {
                direct += usize::from(seen.direct > 0);
                blocks += seen.direct;
                asked += seen.asked;
            }
            Err(reason) => {
                let reason = if reason.starts_with("refused") { "refused by its header" } else { &reason };
                *left.entry(reason.to_owned()).or_default() += 1;
            }
        }
    }
    eprintln!("{} files: {direct} directly, {blocks} blocks; GDAL was asked for {asked}", files.len());
    left.iter().for_each(|(reason, count)| eprintln!("{count:4} left: {reason}"));
    assert!(direct > 20, "hardly any file was read directly");
}

/// Small files of all kinds that are read directly.
fn sound() -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let tiles = ["TILED=YES", "BLOCKXSIZE=32", "BLOCKYSIZE=32"];
    let mut files = Vec::new();
    for (dtype, options) in [
        (DataType::UInt16, &["COMPRESS=DEFLATE", "PREDICTOR=2"][..]),
        (DataType::UInt16, &["COMPRESS=ZSTD", "PREDICTOR=2", "INTERLEAVE=BAND"]),
        (DataType::UInt8, &["INTERLEAVE=BAND", "ENDIANNESS=BIG"]),
        (DataType::Float32, &["COMPRESS=DEFLATE", "PREDICTOR=3", "BIGTIFF=YES"]),
        (DataType::Int32, &["COMPRESS=ZSTD", "SPARSE_OK=YES", "ENDIANNESS=BIG", "BIGTIFF=YES"]),
        (DataType::Int16, &[]),
    ] {
        if options.contains(&"COMPRESS=ZSTD") && !super::tests::has_zstd() {
            continue;
        }
        for blocks in [&tiles[..], &["BLOCKYSIZE=11"]] {
            let mut file = Written::new(dtype, &[blocks, options].concat());
            file.until = (40, 40);
            files.push(std::fs::read(file.write(folder.path(), "a.tif")).unwrap());
        }
    }
    files
}

/// What happens to a file: bytes that become others, and where it ends.
fn damage() -> impl Strategy<Value = (Vec<(prop::sample::Index, u8)>, Option<prop::sample::Index>)> {
    let flips = prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 0..6);
    (flips, prop::option::weighted(0.2, any::<prop::sample::Index>()))
}

/// Where tags are likely: GDAL writes them first. Half of the damage goes there.
const HEAD: usize = 700;

#[test]
fn damaged_files_are_read_as_gdal_reads_them_or_left_to_it() {
    let (folder, files) = (tempfile::tempdir().unwrap(), sound());
    let path = folder.path().join("a.tif");
    let (direct, asked) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
    let which = (0..files.len(), any::<bool>(), damage());
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4000) };
    proptest!(config, |((file, head, (flips, end)) in which)| {
        let mut bytes = files[file].clone();
        for (at, flip) in flips {
            let within = if head { HEAD.min(bytes.len()) } else { bytes.len() };
            bytes[at.index(within)] ^= flip;
        }
        if let Some(end) = end {
            bytes.truncate(end.index(bytes.len()));
        }
        std::fs::write(&path, bytes).unwrap();
        if let Ok(seen) = compare(&path, 16) {
            direct.set(direct.get() + seen.direct);
            asked.set(asked.get() + seen.asked);
        }
    });
    eprintln!("blocks of damaged files: {} directly, GDAL was asked for {}", direct.get(), asked.get());
    // A test in which one or the other never happens says nothing.
    assert!(direct.get() > 1000 && asked.get() > 100);
}
