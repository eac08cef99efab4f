//! Files are written by GDAL in all variants, read block by block, and compared with what GDAL reads.

use super::compared::{Seen, compare};
use super::*;
use crate::access::Access;
use crate::crs::CrsRegistry;
use gdal::cpl::CslStringList;
use gdal::raster::{Buffer, GdalType};
use gdal::{Dataset, DriverManager, Metadata};
use proptest::prelude::*;
use std::path::{Path, PathBuf};

const TYPES: [DataType; 6] = [
    DataType::UInt8,
    DataType::UInt16,
    DataType::Int16,
    DataType::UInt32,
    DataType::Int32,
    DataType::Float32,
];

/// A file to write.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub size: (usize, usize),
    pub bands: usize,
    pub dtype: DataType,
    pub nodata: Option<f64>,
    pub options: Vec<String>,
    /// Pixels from here on, downwards and to the right, are never written.
    pub until: (usize, usize),
    pub seed: u64,
}

impl Written {
    pub(super) fn new(dtype: DataType, options: &[&str]) -> Self {
        Self {
            size: (70, 50),
            bands: 2,
            dtype,
            nodata: None,
            options: options.iter().map(|o| (*o).to_owned()).collect(),
            until: (usize::MAX, usize::MAX),
            seed: 1,
        }
    }

    /// Writes it as `name` below `folder`.
    pub(super) fn write(&self, folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        match self.dtype {
            DataType::UInt8 => self.samples(&path, |n| n as u8),
            DataType::UInt16 => self.samples(&path, |n| n as u16),
            DataType::Int16 => self.samples(&path, |n| n as i16),
            DataType::UInt32 => self.samples(&path, |n| n),
            DataType::Int32 => self.samples(&path, |n| n as i32),
            DataType::Float32 => self.samples(&path, |n| (n as f32 - 2e9) / 97.0),
            _ => self.samples(&path, f64::from),
        }
        path
    }

    fn samples<T: GdalType + Copy>(&self, path: &Path, sample: impl Fn(u32) -> T) {
        let mut options = CslStringList::new();
        self.options.iter().for_each(|option| options.add_string(option).unwrap());
        let driver = DriverManager::get_driver_by_name("GTiff").unwrap();
        let (width, height) = self.size;
        let dataset = driver
            .create_with_band_type_with_options::<T, _>(path, width, height, self.bands, &options)
            .unwrap();
        let size = (width.min(self.until.0), height.min(self.until.1));
        let mut random = self.seed | 1;
        for number in 1..=self.bands {
            let mut band = dataset.rasterband(number).unwrap();
            band.set_no_data_value(self.nodata).unwrap();
            // Slopes with some noise: a codec finds something to do in them, and every bit is used.
            let mut value = |i: usize| {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                sample((i as u32).wrapping_mul(7_654_321).wrapping_add(random as u32 % 90))
            };
            let samples = (0..size.0 * size.1).map(&mut value).collect();
            band.write((0, 0), size, &mut Buffer::new(size, samples)).unwrap();
        }
        dataset.close().unwrap();
    }
}

/// Whether this GDAL packs with zstd; says so where it does not.
pub(super) fn has_zstd() -> bool {
    let driver = DriverManager::get_driver_by_name("GTiff").unwrap();
    let options = driver.metadata_item("DMD_CREATIONOPTIONLIST", "").unwrap_or_default();
    let has = options.contains("ZSTD");
    if !has {
        eprintln!("this GDAL has no zstd: not tested");
    }
    has
}

fn reason(path: &Path) -> String {
    let header = FileHeader::read(path, &CrsRegistry::new(), &Access::default()).unwrap();
    DirectFile::open(&header).map(|_| ()).expect_err("it is left to GDAL")
}

/// Blocks of a random file: tiles, or strips of up to more rows than there are.
fn blocks() -> impl Strategy<Value = Vec<String>> {
    let tiles = (1..6_usize, 1..6_usize).prop_map(|(w, h)| {
        vec!["TILED=YES".into(), format!("BLOCKXSIZE={}", 16 * w), format!("BLOCKYSIZE={}", 16 * h)]
    });
    prop_oneof![tiles, (1..150_usize).prop_map(|rows| vec![format!("BLOCKYSIZE={rows}")])]
}

fn one_of(key: &'static str, values: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(values).prop_map(move |value| format!("{key}={value}"))
}

/// A random file of those that are read directly.
fn written() -> impl Strategy<Value = Written> {
    let options = (
        blocks(),
        one_of("INTERLEAVE", &["PIXEL", "BAND"]),
        one_of("COMPRESS", &["NONE", "DEFLATE", "ZSTD"]),
        one_of("ENDIANNESS", &["BIG", "LITTLE"]),
        one_of("BIGTIFF", &["YES", "NO"]),
        1..4_usize,
    );
    let what = (prop::sample::select(&TYPES[..]), 1..150_usize, 1..130_usize, 1..6_usize);
    let gaps = (any::<bool>(), prop::option::of(prop_oneof![Just(0.0), Just(7.0), Just(200.0)]));
    (what, options, gaps, any::<u64>()).prop_map(|(what, options, gaps, seed)| {
        let (dtype, width, height, bands) = what;
        let (mut all, interleave, compress, order, big, predictor) = options;
        let packed = compress != "COMPRESS=NONE" && (has_zstd() || compress != "COMPRESS=ZSTD");
        let predictor = if predictor == 3 && dtype != DataType::Float32 { 2 } else { predictor };
        all.extend([interleave, order, big, "SPARSE_OK=YES".into()]);
        if packed {
            all.extend([compress, format!("PREDICTOR={predictor}")]);
        }
        let until = if gaps.0 { (width.div_ceil(2), height.div_ceil(2)) } else { (width, height) };
        Written { size: (width, height), bands, dtype, nodata: gaps.1, options: all, until, seed }
    })
}

/// Whether GDAL reads a file in blocks of its own: it cuts a single strip that is not packed into several, or
/// into rows (libtiff: strips of more than 8 KB; GTiff driver: more than 2000 rows).
fn cut_by_gdal(file: &Written, path: &Path) -> bool {
    let header = FileHeader::read(path, &CrsRegistry::new(), &Access::default()).unwrap();
    let strips = !file.options.iter().any(|o| o == "TILED=YES");
    let rows =
        file.options.iter().find_map(|o| o.strip_prefix("BLOCKYSIZE=")).unwrap().parse::<usize>().unwrap();
    strips && header.bands[0].block.1 != rows.min(file.size.1)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn files_that_gdal_writes_are_read_directly_and_as_gdal_reads_them(file in written()) {
        let folder = tempfile::tempdir().unwrap();
        let path = file.write(folder.path(), "a.tif");
        match compare(&path, usize::MAX) {
            Ok(seen) => prop_assert!(seen.direct > 0 && seen.asked == 0, "{seen:?}"),
            Err(reason) => prop_assert!(cut_by_gdal(&file, &path), "{reason}"),
        }
    }
}

/// Every codec, predictor, type, order and interleave once, whatever the random files are.
#[test]
fn every_common_variant_is_read_directly() {
    let folder = tempfile::tempdir().unwrap();
    let codecs: &[&str] = if has_zstd() { &["DEFLATE", "ZSTD"] } else { &["DEFLATE"] };
    let mut files = 0;
    for dtype in TYPES {
        for order in ["BIG", "LITTLE"] {
            for interleave in ["PIXEL", "BAND"] {
                for tiles in [&["TILED=YES", "BLOCKXSIZE=32", "BLOCKYSIZE=16"][..], &["BLOCKYSIZE=12"]] {
                    let (order, interleave) =
                        (format!("ENDIANNESS={order}"), format!("INTERLEAVE={interleave}"));
                    let common = [tiles, &[&order, &interleave]].concat();
                    let mut packings = vec![vec!["COMPRESS=NONE".to_owned()]];
                    let predictors = if dtype == DataType::Float32 { 3 } else { 2 };
                    for (codec, predictor) in
                        codecs.iter().flat_map(|c| (1..=predictors).map(move |p| (c, p)))
                    {
                        packings.push(vec![format!("COMPRESS={codec}"), format!("PREDICTOR={predictor}")]);
                    }
                    for packing in packings {
                        let mut file = Written::new(dtype, &common);
                        file.options.extend(packing);
                        let path = file.write(folder.path(), "a.tif");
                        let seen = compare(&path, usize::MAX).unwrap_or_else(|e| panic!("{file:?}: {e}"));
                        assert!(seen.direct >= 5 && seen.asked == 0, "{file:?}: {seen:?}");
                        files += 1;
                    }
                }
            }
        }
    }
    assert_eq!(files, if has_zstd() { 6 * 8 * 5 + 8 * 2 } else { 6 * 8 * 3 + 8 });
}

#[test]
fn blocks_that_were_never_written_hold_nodata_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let tiles = ["TILED=YES", "BLOCKXSIZE=16", "BLOCKYSIZE=16", "SPARSE_OK=YES"];
    for (dtype, nodata, direct) in [
        (DataType::UInt16, None, true),
        (DataType::UInt16, Some(65535.0), true),
        (DataType::Int16, Some(-9999.0), true),
        (DataType::Int32, Some(-2_147_483_648.0), true),
        (DataType::Float32, Some(f64::NAN), true),
        (DataType::Float32, Some(f64::NEG_INFINITY), true),
        (DataType::Float32, Some(-9999.0), true),
        // Rounded to single precision when it is set.
        (DataType::Float32, Some(0.1), true),
        // What the type does not hold is GDAL's to fit in.
        (DataType::UInt16, Some(-9999.0), false),
        (DataType::UInt8, Some(0.5), false),
    ] {
        let file = Written { nodata, until: (20, 16), ..Written::new(dtype, &tiles) };
        let seen = compare(&file.write(folder.path(), "a.tif"), usize::MAX).unwrap();
        // Two of 5 × 4 tiles are written.
        let expected = if direct { Seen { direct: 20, asked: 0 } } else { Seen { direct: 2, asked: 18 } };
        assert_eq!(seen, expected, "{dtype} {nodata:?}");
    }
    // Nodata that is stated beside the file counts, for the band that it is stated of.
    let path =
        Written { until: (20, 16), ..Written::new(DataType::UInt8, &tiles) }.write(folder.path(), "b.tif");
    let beside =
        "<PAMDataset><PAMRasterBand band=\"2\"><NoDataValue>7</NoDataValue></PAMRasterBand></PAMDataset>";
    std::fs::write(folder.path().join("b.tif.aux.xml"), beside).unwrap();
    assert_eq!(compare(&path, usize::MAX), Ok(Seen { direct: 20, asked: 0 }));
}

#[test]
fn colours_signed_bytes_and_overviews_do_not_disturb() {
    let folder = tempfile::tempdir().unwrap();
    for (bands, option) in [
        (3, "PHOTOMETRIC=MINISWHITE"),
        (3, "PHOTOMETRIC=RGB"),
        (1, "PHOTOMETRIC=PALETTE"),
        (3, "PIXELTYPE=SIGNEDBYTE"),
        (4, "ALPHA=YES"),
    ] {
        let file = Written { bands, ..Written::new(DataType::UInt8, &[option]) };
        let seen = compare(&file.write(folder.path(), "a.tif"), usize::MAX);
        assert!(seen.as_ref().is_ok_and(|s| s.direct > 0 && s.asked == 0), "{option} {seen:?}");
    }
    let tiles = ["TILED=YES", "COMPRESS=DEFLATE"];
    let path =
        Written { size: (600, 300), ..Written::new(DataType::UInt16, &tiles) }.write(folder.path(), "o.tif");
    let source = Dataset::open(&path).unwrap();
    let driver = DriverManager::get_driver_by_name("COG").unwrap();
    let options = CslStringList::from_iter(["COMPRESS=DEFLATE", "BLOCKSIZE=128", "PREDICTOR=YES"]);
    let cog = folder.path().join("cog.tif");
    drop(source.create_copy(&driver, &cog, &options).unwrap());
    assert_eq!(compare(&cog, usize::MAX), Ok(Seen { direct: 15, asked: 0 }));
}

#[test]
fn what_is_left_to_gdal_is_left_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let driver = DriverManager::get_driver_by_name("GTiff").unwrap();
    let known = driver.metadata_item("DMD_CREATIONOPTIONLIST", "").unwrap_or_default();
    let cases: &[(DataType, usize, &[&str], &str)] = &[
        (DataType::UInt8, 3, &["COMPRESS=JPEG"], "compressed with JPEG"),
        (DataType::UInt8, 3, &["COMPRESS=JPEG", "PHOTOMETRIC=YCBCR"], "compressed with JPEG"),
        (DataType::UInt8, 4, &["PHOTOMETRIC=CMYK"], "photometric CMYK"),
        (DataType::UInt16, 1, &["NBITS=12"], "12 bits per sample"),
        (DataType::UInt8, 1, &["NBITS=1"], "1 bits per sample"),
        (DataType::Float32, 1, &["NBITS=16"], "floats of 16 bits"),
        (DataType::UInt16, 1, &["COMPRESS=LERC"], "compressed with LERC"),
        (DataType::UInt16, 1, &["COMPRESS=LZW"], "GDAL decodes LZW faster"),
        (DataType::UInt16, 1, &["COMPRESS=PACKBITS"], "compressed with PackBits"),
        (DataType::UInt16, 1, &["COMPRESS=LZMA"], "compressed with LZMA"),
        (DataType::UInt8, 3, &["COMPRESS=WEBP"], "compressed with WebP"),
        (DataType::Float64, 1, &[], "floats of 64 bits"),
    ];
    for (dtype, bands, options, expected) in cases {
        let codec = options.iter().find_map(|o| o.strip_prefix("COMPRESS="));
        if codec.is_some_and(|codec| !known.contains(codec)) {
            eprintln!("this GDAL has no {}: not tested", codec.unwrap_or_default());
            continue;
        }
        let file = Written { bands: *bands, ..Written::new(*dtype, options) };
        assert_eq!(reason(&file.write(folder.path(), "a.tif")), *expected, "{options:?}");
    }
}

#[test]
fn large_blocks_other_formats_and_other_files_are_left_with_their_reason() {
    let folder = tempfile::tempdir().unwrap();
    let large = ["TILED=YES", "BLOCKXSIZE=8192", "BLOCKYSIZE=4096", "SPARSE_OK=YES"];
    let mut file = Written { bands: 1, until: (1, 1), ..Written::new(DataType::UInt8, &large) };
    file.options.push("COMPRESS=DEFLATE".into());
    assert_eq!(reason(&file.write(folder.path(), "a.tif")), "its blocks are large: 8192×4096 px");
    // GDAL reads a high strip that is not packed row by row.
    let high = Written { size: (3, 2100), ..Written::new(DataType::UInt8, &["BLOCKYSIZE=2100"]) };
    let told = reason(&high.write(folder.path(), "a.tif"));
    assert_eq!(told, "its tags differ from GDAL's view of it: blocks");

    let path = Written::new(DataType::UInt16, &[]).write(folder.path(), "a.tif");
    let source = Dataset::open(&path).unwrap();
    for (name, ending) in [("PNG", "png"), ("VRT", "vrt")] {
        let other = folder.path().join("a").with_extension(ending);
        let driver = DriverManager::get_driver_by_name(name).unwrap();
        drop(source.create_copy(&driver, &other, &CslStringList::new()).unwrap());
        assert_eq!(reason(&other), format!("not a GeoTIFF but {name}"));
    }
    let mut header = FileHeader::read(&path, &CrsRegistry::new(), &Access::default()).unwrap();
    header.bands[1].dtype = DataType::Int16;
    let told = DirectFile::open(&header).unwrap_err();
    assert_eq!(told, "its tags differ from GDAL's view of it: sample type");
    header.path = folder.path().into();
    assert_eq!(DirectFile::open(&header).unwrap_err(), "not a plain file");
    let header = FileHeader::read(&path, &CrsRegistry::new(), &Access::default()).unwrap();
    std::fs::write(&path, [std::fs::read(&path).unwrap(), vec![0]].concat()).unwrap();
    assert_eq!(DirectFile::open(&header).unwrap_err(), "it has changed since its header was read");
}

#[test]
fn bytes_grow_with_the_number_of_blocks_alone() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = |rows: &str| {
        let file = Written { bands: 1, size: (9, 100), ..Written::new(DataType::UInt8, &[rows]) };
        let path = file.write(folder.path(), "a.tif");
        let header = FileHeader::read(&path, &CrsRegistry::new(), &Access::default()).unwrap();
        let direct = DirectFile::open(&header).unwrap();
        assert!(!direct.layout.interleaved);
        direct.bytes()
    };
    assert_eq!(bytes("BLOCKYSIZE=1") - bytes("BLOCKYSIZE=100"), 99 * 8);
}
