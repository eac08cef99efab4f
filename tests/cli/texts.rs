//! Texts that are none: pipes, devices, folders, huge files, bytes that are no UTF-8. One line each, at once.

use crate::support::{Pair, compose, stderr};
use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Each is refused in one line that ends like this.
fn nothing_to_read(folder: &Path) -> Vec<(String, &'static str)> {
    let at = |name: &str| folder.join(name).display().to_string();
    assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    File::create(at("huge")).unwrap().set_len(3 << 30).unwrap();
    std::fs::write(at("latin1"), b"# one\n# caf\xe9\n").unwrap();
    vec![
        (at("pipe"), "is a device, a pipe or a socket; expected a file"),
        ("/dev/zero".into(), "is a device, a pipe or a socket; expected a file"),
        (folder.display().to_string(), "is a folder; expected a file"),
        (at("huge"), "has 3221225472 bytes; at most 4194304 are read"),
        (at("latin1"), ":2: not UTF-8 (byte 0xE9 at byte 6 of the line); save the file as UTF-8"),
        (at("none"), "no such file"),
    ]
}

#[test]
fn what_is_no_text_is_refused_at_once_in_one_line() {
    let (pair, texts) = (Pair::new(), tempfile::tempdir().unwrap());
    for (text, reason) in nothing_to_read(texts.path()) {
        let commands = [
            vec!["--rules", &text],
            vec!["--rules", &text, "--plan"],
            vec!["inspect", "a_b1.tif", "--rules", &text],
            vec!["evaluate", "--rules", &text],
            vec!["evaluate", "--rules", "rules.toml", "--cases", &text],
        ];
        for command in commands {
            let began = Instant::now();
            let output = compose().current_dir(pair.folder.path()).args(&command).output().unwrap();
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(2), "{command:?}: {said}");
            let ends = said.starts_with("error: ") && said.trim_end().ends_with(reason);
            assert!(ends && said.lines().count() == 1 && said.contains(&text), "{command:?}: {said}");
            assert!(began.elapsed() < Duration::from_secs(20), "{command:?}");
        }
    }
}

#[test]
fn what_stands_in_a_file_cannot_break_a_message_into_lines() {
    let pair = Pair::new();
    let odd = "\u{1b}[31mx\r\ny";
    std::fs::write(pair.path("a_b1.tif"), format!("<VRTDataset rasterXSize=\"4\" rasterYSize=\"3\"><{odd}"))
        .unwrap();
    let said = pair.refused(&[]);
    assert!(said.lines().count() == 1 && !said.contains('\u{1b}'), "{said:?}");
    pair.change("a_b1.tif", "a\\n\\u001bb.tif");
    let said = pair.refused(&[]);
    assert!(said.lines().count() == 1 && !said.contains('\u{1b}'), "{said:?}");
}

#[test]
fn an_mtl_file_without_end_is_not_read() {
    let pair = Pair::new();
    pair.change("date = 2020-06-01\n", "");
    File::create(pair.path("a_MTL.txt")).unwrap().set_len(3 << 30).unwrap();
    let said = pair.refused(&[]);
    assert!(said.contains("a_MTL.txt: has 3221225472 bytes; at most 4194304 are read"), "{said}");
}

#[test]
fn a_warning_of_gdal_is_a_remark_with_the_files_name() {
    let pair = Pair::new();
    let sound = std::fs::read(pair.path("a_b1.tif")).unwrap();
    // Tags out of their order: libtiff warns, and reads them.
    let swapped = [&sound[..10], &sound[22..34], &sound[10..22], &sound[34..]].concat();
    std::fs::write(pair.path("a_b1.tif"), swapped).unwrap();
    let output = pair.compose(&[]);
    let said = stderr(&output);
    assert!(output.status.success(), "{said}");
    let told =
        said.lines().filter(|l| l.starts_with("note: ") && l.contains("a_b1.tif: GDAL warns: ")).count();
    assert_eq!(told, 1, "{said}");
    let sidecar = std::fs::read_to_string(pair.path("out.json")).unwrap();
    assert!(sidecar.contains("a_b1.tif: GDAL warns: "), "{sidecar}");
    let output = compose().current_dir(pair.folder.path()).args(["inspect", "a_b1.tif"]).output().unwrap();
    assert!(stderr(&output).contains("note: a_b1.tif: GDAL warns: "), "{}", stderr(&output));
}

#[test]
fn a_header_that_lost_its_system_or_nodata_is_refused_with_its_name() {
    let pair = Pair::new();
    let sound = std::fs::read(pair.path("a_b1.tif")).unwrap();
    // GeoKeyDirectory, GeoASCIIParams and GDALNoDataValue under other numbers.
    for (number, other) in [(34735_u16, 34734_u16), (34737, 34753), (42113, 42115)] {
        let at = sound.windows(2).position(|two| two == number.to_le_bytes()).unwrap();
        let mut bytes = sound.clone();
        bytes[at..at + 2].copy_from_slice(&other.to_le_bytes());
        std::fs::write(pair.path("a_b1.tif"), bytes).unwrap();
        let said = pair.refused(&[]);
        assert!(said.contains("a_b1.tif: its header is damaged: ") && said.lines().count() == 1, "{said}");
    }
}
