//! The same without the collection: odd files made here, byte by byte where GDAL would refuse to write them.

use super::{Outcome, Validity, difference, with_itself};
use crate::support::{Pair, Raster, change, listing, read, stderr};
use gdal::raster::{Buffer, ColorInterpretation};
use gdal::{Dataset, DriverManager};
use std::path::{Path, PathBuf};

/// A folder with one raster of 16 × 12 samples, 1, 2, 3, …
struct Odd {
    folder: tempfile::TempDir,
}

const WIDTH: usize = 16;
const PIXELS: usize = 16 * 12;

impl Odd {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("odd.tif")
    }

    fn plain() -> Self {
        let odd = Self::new();
        odd.raster::<u16>((1..=PIXELS as u16).collect(), Some(0.0));
        odd
    }

    fn raster<T: gdal::raster::GdalType + Copy>(&self, values: Vec<T>, nodata: Option<f64>) {
        Raster { width: WIDTH, bands: vec![values], shift: (0.0, 0.0), nodata, options: &[] }
            .write(&self.path());
    }

    fn bytes(content: &[u8]) -> Self {
        let odd = Self::new();
        std::fs::write(odd.path(), content).unwrap();
        odd
    }

    fn run(&self, more: &[&str]) -> Outcome {
        let before = listing(self.folder.path());
        let outcome = with_itself(&self.path(), Validity::PerBand, more);
        assert_eq!(outcome.faults(), None, "{}", outcome.said);
        assert_eq!(listing(self.folder.path()), before, "something was left beside the input");
        outcome
    }

    /// Refused, with the file and each of these in the message.
    fn refused(&self, said: &[&str]) {
        let outcome = self.run(&[]);
        assert_eq!(outcome.code, Some(2), "{}", outcome.said);
        for expected in said.iter().chain(&["odd.tif"]) {
            assert!(outcome.said.contains(expected), "{expected}: {}", outcome.said);
        }
    }

    /// Composed, with the same samples.
    fn composed(&self) -> Outcome {
        let outcome = self.run(&[]);
        assert_eq!(outcome.code, Some(0), "{}", outcome.said);
        assert_eq!(difference(&self.path(), &outcome.image(), Validity::PerBand), Ok(()));
        outcome
    }
}

/// A TIFF of one strip of 8-bit samples whose header claims this size.
fn tiff(width: u32, height: u32, samples: &[u8]) -> Vec<u8> {
    let entries = [
        (256_u16, width),
        (257, height),
        (258, 8),
        (259, 1),
        (262, 1),
        (273, 8 + 2 + 9 * 12 + 4),
        (277, 1),
        (278, height),
        (279, samples.len() as u32),
    ];
    let mut bytes = b"II*\0\x08\0\0\0\x09\0".to_vec();
    for (tag, value) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend([4, 0, 1, 0, 0, 0]);
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 4]);
    bytes.extend(samples);
    bytes
}

#[test]
fn a_plain_file_is_composed_as_it_is() {
    Odd::plain().composed();
    let odd = Odd::bytes(&tiff(4, 3, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]));
    odd.composed();
}

#[test]
fn what_is_no_raster_is_refused_by_name() {
    for content in [
        &b""[..],
        b"II",
        b"II*\0",
        b"these are not pixels",
        b"\x89PNG\r\n\x1a\n",
        &[0; 4096],
        b"MM\0+\0\x08\0\0",
    ] {
        Odd::bytes(content).refused(&[]);
    }
}

#[test]
fn a_file_cut_off_anywhere_is_refused_or_whole() {
    let odd = Odd::plain();
    let bytes = std::fs::read(odd.path()).unwrap();
    for length in [1, 7, 8, 9, 50, 100, 200, bytes.len() / 2, bytes.len() - 1] {
        let cut = Odd::bytes(&bytes[..length.min(bytes.len())]);
        let outcome = cut.run(&[]);
        assert!(outcome.code == Some(2) && outcome.said.contains("odd.tif"), "{length}: {}", outcome.said);
    }
}

/// Every byte of the header turned around, one after the other: whatever comes of it, no panic and no rest.
#[test]
fn a_header_with_one_wrong_byte_does_no_harm() {
    let bytes = tiff(4, 3, &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    for at in (0..bytes.len() - 12).step_by(3) {
        let mut wrong = bytes.clone();
        wrong[at] ^= 0xFF;
        Odd::bytes(&wrong).run(&[]);
    }
}

#[test]
fn a_header_that_claims_a_huge_or_empty_raster_is_refused_soon() {
    for (width, height) in
        [(0, 3), (4, 0), (u32::MAX, 3), (1 << 31, 1 << 31), (200_000_000, 1), (60_000, 60_000)]
    {
        let began = std::time::Instant::now();
        Odd::bytes(&tiff(width, height, &[7; 12])).refused(&[]);
        assert!(began.elapsed().as_secs() < 20, "{width}×{height}: {:?}", began.elapsed());
    }
}

#[test]
fn grids_that_are_no_grids_are_refused_by_what_is_wrong_with_them() {
    for (transform, said) in [
        ([405_000.0, 30.0, 1.0, 4_500_000.0, 1.0, -30.0], "rotated"),
        ([405_000.0, 0.0, 30.0, 4_500_000.0, 30.0, 0.0], "rotated"),
        ([405_000.0, f64::NAN, 0.0, 4_500_000.0, 0.0, -30.0], "pixel size"),
        ([f64::NAN, 30.0, 0.0, 4_500_000.0, 0.0, -30.0], "geotransform"),
        ([405_000.0, f64::INFINITY, 0.0, 4_500_000.0, 0.0, -30.0], "pixel size"),
    ] {
        let odd = Odd::plain();
        change(&odd.path(), |dataset| dataset.set_geo_transform(&transform).unwrap());
        // GDAL may give the transform back as it was, or none at all.
        let kept = Dataset::open(odd.path()).unwrap().geo_transform();
        if kept.is_ok_and(|t| format!("{t:?}") == format!("{transform:?}")) {
            odd.refused(&[said]);
        } else {
            odd.run(&[]);
        }
    }
}

#[test]
fn a_virtual_raster_without_its_source_is_refused_by_name() {
    let vrt = "<VRTDataset rasterXSize=\"16\" rasterYSize=\"12\"><VRTRasterBand dataType=\"Byte\" band=\"1\">\
               <SimpleSource><SourceFilename relativeToVRT=\"1\">gone.tif</SourceFilename><SourceBand>1</SourceBand>\
               </SimpleSource></VRTRasterBand></VRTDataset>";
    Odd::bytes(vrt.as_bytes()).refused(&[]);
    Odd::bytes(vrt.replace("gone.tif", "odd.tif").as_bytes()).refused(&[]);
}

#[test]
fn a_raster_without_crs_or_without_georeference_composes_with_itself() {
    let odd = Odd::new();
    let driver = DriverManager::get_driver_by_name("GTiff").unwrap();
    let write = |transform: Option<[f64; 6]>| {
        let mut dataset = driver.create_with_band_type::<u8, _>(odd.path(), WIDTH, 12, 1).unwrap();
        if let Some(transform) = transform {
            dataset.set_geo_transform(&transform).unwrap();
        }
        let mut band = dataset.rasterband(1).unwrap();
        band.write((0, 0), (WIDTH, 12), &mut Buffer::new((WIDTH, 12), vec![9_u8; PIXELS])).unwrap();
        dataset.close().unwrap();
    };
    write(Some([10.0, 2.0, 0.0, 20.0, 0.0, -2.0]));
    let outcome = odd.composed();
    let written = Dataset::open(outcome.image()).unwrap();
    assert_eq!(written.geo_transform().unwrap(), [10.0, 2.0, 0.0, 20.0, 0.0, -2.0]);
    assert!(written.projection().is_empty());
    write(None);
    let outcome = odd.composed();
    assert!(Dataset::open(outcome.image()).unwrap().geo_transform().is_err());
    // South up: rows run to the north, and stay so.
    write(Some([10.0, 2.0, 0.0, 20.0, 0.0, 2.0]));
    let outcome = odd.composed();
    assert_eq!(Dataset::open(outcome.image()).unwrap().geo_transform().unwrap()[5], 2.0);
}

#[test]
fn rasters_with_and_without_georeference_do_not_mix() {
    let pair = Pair::new();
    let driver = DriverManager::get_driver_by_name("GTiff").unwrap();
    let plain = |name: &str, transform: Option<[f64; 6]>| {
        let mut dataset = driver.create_with_band_type::<u16, _>(pair.path(name), 4, 3, 1).unwrap();
        if let Some(transform) = transform {
            dataset.set_geo_transform(&transform).unwrap();
        }
        dataset.close().unwrap();
    };
    plain("b_b1.tif", None);
    let text = pair.refused(&[]);
    assert!(text.contains("scene b") && text.contains("no CRS"), "{text}");
    let transform = Some([405_000.0, 30.0, 0.0, 4_500_000.0, 0.0, -30.0]);
    plain("b_b1.tif", transform);
    let text = pair.refused(&[]);
    assert!(text.contains("scene b") && text.contains("no CRS"), "{text}");
    // Nobody has a CRS, and one has no place either.
    for (name, transform) in [("a_b1", transform), ("a_qa", transform), ("b_b1", None), ("b_qa", None)] {
        plain(&format!("{name}.tif"), transform);
    }
    let text = pair.refused(&[]);
    assert!(text.contains("scene b") && text.contains("georeference"), "{text}");
}

#[test]
fn one_pixel_and_one_row_are_rasters() {
    for (width, height) in [(1, 1), (1, 7), (7, 1)] {
        let odd = Odd::new();
        let bands = vec![vec![5_u8; width * height]];
        Raster { width, bands, shift: (0.0, 0.0), nodata: None, options: &[] }.write(&odd.path());
        odd.composed();
    }
}

#[test]
fn wide_types_need_to_be_told_that_single_precision_is_enough() {
    let odd = Odd::new();
    odd.raster::<i32>((0..PIXELS as i32).map(|i| i * 1_000_003).collect(), None);
    odd.composed();
    let pair = Pair::new();
    let write = |name: &str| {
        Raster {
            width: 4,
            bands: vec![(0..12_i32).collect()],
            shift: (0.0, 0.0),
            nodata: None,
            options: &[],
        }
        .write(&pair.path(name));
    };
    write("a_b1.tif");
    write("b_b1.tif");
    let text = pair.refused(&[]);
    for expected in ["a_b1.tif", "int32", "precision = \"f32\""] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    let odd = Odd::new();
    odd.raster::<f64>((0..PIXELS).map(|i| i as f64 / 3.0).collect(), Some(f64::NAN));
    odd.composed();
}

#[test]
fn nan_and_infinite_samples_are_missing() {
    let odd = Odd::new();
    let sample = |i: usize| [f32::NAN, f32::INFINITY, 1.5, f32::NEG_INFINITY, -0.0][i % 5];
    odd.raster::<f32>((0..PIXELS).map(sample).collect(), None);
    let outcome = odd.composed();
    let planes = read::<u16>(&outcome.folder.path().join("out_provenance.tif"));
    let stages: Vec<u16> = planes[1][..5].to_vec();
    assert_eq!(stages, [65535, 65535, 0, 65535, 0]);
}

#[test]
fn neither_nan_nor_infinity_is_a_measurement() {
    let odd = Odd::new();
    let pixels = vec![1.5_f32, f32::NAN, f32::INFINITY, -2.0];
    Raster { width: 2, bands: vec![pixels], shift: (0.0, 0.0), nodata: None, options: &[] }
        .write(&odd.path());
    let band = read::<f32>(&odd.composed().image()).swap_remove(0);
    assert_eq!((band[0], band[3]), (1.5, -2.0));
    assert!(band[1].is_nan() && band[2].is_nan());
}

/// Writes an alpha band after the first one; 0 at every third pixel.
fn add_alpha(odd: &Odd, nodata: Option<f64>) {
    let values: Vec<u8> = (0..PIXELS).map(|i| (i % 200) as u8 + 1).collect();
    let alpha: Vec<u8> = (0..PIXELS).map(|i| if i % 3 == 0 { 0 } else { (i % 3) as u8 * 100 }).collect();
    Raster {
        width: WIDTH,
        bands: vec![values, alpha],
        shift: (0.0, 0.0),
        nodata: None,
        options: &["ALPHA=YES"],
    }
    .write(&odd.path());
    change(&odd.path(), |dataset| {
        dataset.rasterband(2).unwrap().set_color_interpretation(ColorInterpretation::AlphaBand).unwrap();
        if nodata.is_some() {
            dataset.rasterband(1).unwrap().set_no_data_value(nodata).unwrap();
        }
    });
}

/// Which pixels of the image are the target's own, by the record of sources.
fn observed(outcome: &Outcome) -> Vec<bool> {
    let planes = read::<u16>(&outcome.folder.path().join("out_provenance.tif"));
    planes[1].iter().map(|stage| *stage == 0).collect()
}

#[test]
fn where_alpha_is_0_nothing_is_observed_and_anywhere_else_all_is() {
    let odd = Odd::new();
    add_alpha(&odd, None);
    let outcome = odd.run(&["--nodata", "255"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.said);
    assert_eq!(difference(&odd.path(), &outcome.image(), Validity::PerBand), Ok(()));
    let expected: Vec<bool> = (0..PIXELS).map(|i| i % 3 != 0).collect();
    assert!(observed(&outcome) == expected);
    assert_eq!(Dataset::open(outcome.image()).unwrap().raster_count(), 1);
}

/// Both count. (GDAL's own mask knows only one of the two.)
#[test]
fn alpha_and_a_nodata_tag_are_honoured_together() {
    let odd = Odd::new();
    add_alpha(&odd, Some(5.0));
    let outcome = odd.run(&["--nodata", "255"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.said);
    let expected: Vec<bool> = (0..PIXELS).map(|i| i % 3 != 0 && i % 200 != 4).collect();
    let seen = observed(&outcome);
    let wrong: Vec<usize> = (0..PIXELS).filter(|i| seen[*i] != expected[*i]).collect();
    assert!(
        wrong.is_empty(),
        "{} of {PIXELS} pixels, the first of them {:?}",
        wrong.len(),
        &wrong[..wrong.len().min(5)]
    );
}

#[test]
fn an_alpha_band_and_a_mask_decide_validity_and_are_not_composed() {
    let odd = Odd::new();
    let bands = vec![vec![10_u8, 20, 30, 40], vec![255, 0, 255, 0]];
    Raster { width: 2, bands, shift: (0.0, 0.0), nodata: None, options: &["ALPHA=YES"] }.write(&odd.path());
    let outcome = odd.run(&["--nodata", "0"]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.said);
    assert_eq!(read::<u8>(&outcome.image()), [[10, 0, 30, 0]]);
}

#[test]
fn alpha_and_a_nodata_tag_count_together() {
    let odd = Odd::new();
    let bands = vec![vec![10_u8, 20, 5, 40], vec![255, 0, 255, 255]];
    Raster { width: 2, bands, shift: (0.0, 0.0), nodata: Some(5.0), options: &["ALPHA=YES"] }
        .write(&odd.path());
    let outcome = odd.run(&[]);
    assert_eq!(outcome.code, Some(0), "{}", outcome.said);
    assert_eq!(read::<u8>(&outcome.image()), [[10, 5, 5, 40]]);
}

#[test]
fn a_mask_of_the_dataset_and_a_nodata_tag_are_honoured_together() {
    for internal in ["YES", "NO"] {
        let odd = Odd::plain();
        gdal::config::set_thread_local_config_option("GDAL_TIFF_INTERNAL_MASK", internal).unwrap();
        change(&odd.path(), |dataset| {
            dataset.rasterband(1).unwrap().set_no_data_value(Some(7.0)).unwrap();
            let mut band = dataset.rasterband(1).unwrap();
            band.create_mask_band(true).unwrap();
            let mut mask = band.open_mask_band().unwrap();
            let values = (0..PIXELS).map(|i| if i % 4 == 0 { 0 } else { 255 }).collect();
            mask.write((0, 0), (WIDTH, 12), &mut Buffer::new((WIDTH, 12), values)).unwrap();
        });
        let outcome = odd.run(&["--nodata", "9999"]);
        assert_eq!(outcome.code, Some(0), "{}", outcome.said);
        let expected: Vec<bool> = (0..PIXELS).map(|i| i % 4 != 0 && i != 6).collect();
        assert!(observed(&outcome) == expected, "GDAL_TIFF_INTERNAL_MASK={internal}");
    }
}

/// A raster is a file. What never ends, or waits for someone to write, must not be waited for.
#[test]
fn pipes_devices_and_folders_are_refused_and_not_waited_for() {
    let odd = Odd::new();
    assert!(std::process::Command::new("mkfifo").arg(odd.path()).status().unwrap().success());
    odd.refused(&[]);
    std::fs::remove_file(odd.path()).unwrap();
    std::fs::create_dir(odd.path()).unwrap();
    odd.refused(&[]);
    let outcome = with_itself(Path::new("/dev/zero"), Validity::PerBand, &[]);
    assert_eq!((outcome.faults(), outcome.code), (None, Some(2)), "{}", outcome.said);
}

#[test]
fn a_quality_band_of_floats_is_refused_by_name() {
    let pair = Pair::new();
    Raster { width: 4, bands: vec![vec![21824.0_f32; 12]], shift: (0.0, 0.0), nodata: None, options: &[] }
        .write(&pair.path("b_qa.tif"));
    let text = pair.refused(&[]);
    assert!(text.contains("b_qa.tif") && text.contains("float32"), "{text}");
}

#[test]
fn the_nodata_tag_of_a_quality_band_means_nothing() {
    let pair = Pair::new();
    let codes = (0..12).map(|i| if i == 1 { crate::support::CLOUD } else { 21824 }).collect::<Vec<u16>>();
    // Clear is tagged as nodata: it stays clear.
    Raster { width: 4, bands: vec![codes], shift: (0.0, 0.0), nodata: Some(21824.0), options: &[] }
        .write(&pair.path("a_qa.tif"));
    let output = pair.compose(&[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(read::<u16>(&pair.path("out.tif"))[0][..3], [100, 201, 102]);
}

/// A virtual raster of 4 × 3 pixels that has no source and this georeference.
fn vrt(georeference: &str) -> Odd {
    let band = "<VRTRasterBand dataType=\"Byte\" band=\"1\"/>";
    Odd::bytes(
        format!("<VRTDataset rasterXSize=\"4\" rasterYSize=\"3\">{georeference}{band}</VRTDataset>")
            .as_bytes(),
    )
}

#[test]
fn odd_georeferences_of_virtual_rasters_are_refused_by_name() {
    let gcp = |x: u32| format!("<GCP Pixel=\"{x}\" Line=\"{x}\" X=\"{x}\" Y=\"{x}\"/>");
    let gcps = format!("<GCPList Projection=\"EPSG:4326\">{}{}{}</GCPList>", gcp(0), gcp(1), gcp(2));
    for (georeference, word) in [
        ("<GeoTransform>0, 30, 5, 0, 5, -30</GeoTransform>", "rotated"),
        (gcps.as_str(), "ground control points"),
        ("<GeoTransform>0, 0, 0, 0, 0, -30</GeoTransform>", "pixel size"),
    ] {
        vrt(georeference).refused(&[word]);
    }
    // Without any, pixels are counted.
    assert_eq!(read::<u8>(&vrt("").composed().image()), [[0; 12]]);
}

#[test]
fn a_virtual_raster_that_claims_a_huge_size_is_refused_with_it() {
    let band = "<VRTRasterBand dataType=\"Byte\" band=\"1\"/>";
    let text = format!("<VRTDataset rasterXSize=\"2000000000\" rasterYSize=\"3\">{band}</VRTDataset>");
    Odd::bytes(text.as_bytes()).refused(&["claims 2000000000×3 pixels"]);
}
