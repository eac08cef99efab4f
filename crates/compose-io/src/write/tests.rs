//! Files are written, read back with GDAL, and compared.

mod cog;
mod mosaic;
mod sparse;

use super::*;
use compose_core::{Crs, CrsUnit, Transform};
use ndarray::{Array2, Array3, s};
use std::fs;
use std::sync::Arc;
use tempfile::TempDir;

const UTM: &str = r#"PROJCS["UTM 13N",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",-105],PARAMETER["scale_factor",0.9996],PARAMETER["false_easting",500000],PARAMETER["false_northing",0],UNIT["metre",1]]"#;

/// A folder with nothing in it but the output.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.0.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn spec(path: PathBuf, (bands, height, width): (usize, usize, usize), dtype: DataType) -> RasterSpec {
    let transform = Transform { x0: 400_020.0, dx: 30.0, y0: 4_500_000.0, dy: -30.0 };
    let crs = Crs { wkt: UTM.into(), label: "UTM 13N".into(), unit: CrsUnit::Metres(1.0) };
    let band = |n| OutputBand { description: format!("band {n}"), scale_offset: None };
    RasterSpec {
        path,
        grid: Grid { width, height, transform, crs: Some(Arc::new(crs)) },
        georeferenced: true,
        dtype,
        nodata: None,
        bands: (0..bands).map(band).collect(),
        format: Format::GTiff,
        compression: Compression::Deflate,
        level: None,
        creation_options: vec![],
        tags: vec![],
        threads: 1,
        categorical: false,
        block: 64,
    }
}

fn create(spec: RasterSpec) -> Result<RasterWriter, WriteError> {
    let order = WriteOrder::plain(spec.grid.width, spec.grid.height, spec.bands.len());
    RasterWriter::create(spec, &order, &Drafts::default())
}

fn option(name: &str, value: &str) -> (String, String) {
    (name.into(), value.into())
}

/// Noise on a slope, all of it exact in the smallest type.
fn scene(shape: (usize, usize, usize)) -> Array3<f32> {
    Array3::from_shape_fn(shape, |(b, r, c)| {
        let noise = ((r * 7919 + c * 104_729 + b * 31) * 2_654_435_761) >> 7;
        ((r + c + noise % 16) % 200 + b) as f32
    })
}

fn write_in_strips(spec: &RasterSpec, pixels: &Array3<f32>, rows: usize) -> Result<Pending, WriteError> {
    let mut writer = create(spec.clone())?;
    let (_, height, width) = pixels.dim();
    for row in (0..height).step_by(rows) {
        let end = (row + rows).min(height);
        let window = Window { col: 0, row: row as i64, width, height: end - row };
        writer.write_bands(0, window, pixels.slice(s![.., row..end, ..]))?;
    }
    writer.finish()
}

fn write_whole(spec: &RasterSpec, pixels: &Array3<f32>) {
    write_in_strips(spec, pixels, pixels.dim().1).unwrap().commit().unwrap();
}

fn read(path: &Path, band: usize) -> Array2<f64> {
    let dataset = Dataset::open(path).unwrap();
    let (width, height) = dataset.raster_size();
    let buffer = dataset.rasterband(band).unwrap().read_band_as::<f64>().unwrap();
    Array2::from_shape_vec((height, width), buffer.data().to_vec()).unwrap()
}

/// Whether the GDAL in use was built with this codec; says so plainly where it was not.
fn has(compression: Compression) -> bool {
    let has = options::driver_accepts(Format::GTiff, "COMPRESS", compression.name());
    if !has {
        eprintln!("GDAL {} was built without {}: not tested", crate::gdal_version(), compression.name());
    }
    has
}

fn error(result: Result<impl Sized, WriteError>) -> String {
    result.err().expect("refused").to_string()
}

#[test]
fn every_sample_type_reads_back_as_written() {
    let folder = Folder::new();
    let shape = (2, 70, 133);
    let pixels = scene(shape);
    for dtype in tiles::TYPES {
        for format in [Format::GTiff, Format::Cog] {
            let path = folder.path(&format!("{dtype}{format:?}.tif"));
            write_whole(&RasterSpec { format, ..spec(path.clone(), shape, dtype) }, &pixels);
            for band in 0..2 {
                assert_eq!(read(&path, band + 1), pixels.slice(s![band, .., ..]).mapv(f64::from));
            }
            let dataset = Dataset::open(&path).unwrap();
            assert_eq!(
                dataset.rasterband(1).unwrap().band_type().name().to_lowercase().replace("byte", "uint8"),
                dtype.name()
            );
        }
    }
    assert_eq!(folder.names().len(), 14, "no .aux.xml or other helper files");
}

#[test]
fn large_and_negative_integers_survive() {
    let folder = Folder::new();
    let path = folder.path("a.tif");
    let spec = RasterSpec { nodata: Some(-9999.0), ..spec(path.clone(), (1, 1, 3), DataType::Int32) };
    write_whole(
        &spec,
        &Array3::from_shape_vec((1, 1, 3), vec![-9999.0, 16_777_216.0, -2_147_483_648.0]).unwrap(),
    );
    assert_eq!(read(&path, 1).into_raw_vec_and_offset().0, [-9999.0, 16_777_216.0, -2_147_483_648.0]);
    assert_eq!(Dataset::open(&path).unwrap().rasterband(1).unwrap().no_data_value(), Some(-9999.0));
}

#[test]
fn nan_nodata_tags_descriptions_and_scales_read_back() {
    for format in [Format::GTiff, Format::Cog] {
        let folder = Folder::new();
        let path = folder.path("a.tif");
        let mut spec =
            RasterSpec { format, nodata: Some(f64::NAN), ..spec(path.clone(), (2, 3, 4), DataType::Float32) };
        spec.tags =
            vec![option("COMPOSE_TARGET", "scene é"), option("TIFFTAG_DATETIME", "2016:07:07 00:00:00")];
        spec.bands[1] = OutputBand { description: "SR_B2".into(), scale_offset: Some((0.0000275, -0.2)) };
        let mut pixels = scene((2, 3, 4));
        pixels[[1, 2, 3]] = f32::NAN;
        write_whole(&spec, &pixels);
        let dataset = Dataset::open(&path).unwrap();
        assert_eq!(dataset.metadata_item("COMPOSE_TARGET", "").unwrap(), "scene é");
        assert_eq!(dataset.metadata_item("TIFFTAG_DATETIME", "").unwrap(), "2016:07:07 00:00:00");
        assert_eq!(dataset.geo_transform().unwrap(), [400_020.0, 30.0, 0.0, 4_500_000.0, 0.0, -30.0]);
        assert!(dataset.projection().contains("13N"));
        let band = dataset.rasterband(2).unwrap();
        assert!(band.no_data_value().unwrap().is_nan());
        assert_eq!(band.description().unwrap(), "SR_B2");
        assert_eq!((band.scale(), band.offset()), (Some(0.0000275), Some(-0.2)));
        assert!(read(&path, 2)[[2, 3]].is_nan());
        assert_eq!(folder.names(), ["a.tif"]);
    }
}

#[test]
fn a_grid_that_only_counts_pixels_gets_no_transform() {
    for format in [Format::GTiff, Format::Cog] {
        let folder = Folder::new();
        let path = folder.path("a.tif");
        let mut spec =
            RasterSpec { format, georeferenced: false, ..spec(path.clone(), (1, 3, 4), DataType::UInt8) };
        spec.grid.crs = None;
        write_whole(&spec, &scene((1, 3, 4)));
        let dataset = Dataset::open(&path).unwrap();
        assert!(dataset.geo_transform().is_err() && dataset.projection().is_empty());
    }
}

#[test]
fn a_fourth_byte_band_is_not_transparency() {
    for format in [Format::GTiff, Format::Cog] {
        let folder = Folder::new();
        let path = folder.path("a.tif");
        let shape = (4, 20, 20);
        write_whole(&RasterSpec { format, ..spec(path.clone(), shape, DataType::UInt8) }, &scene(shape));
        let dataset = Dataset::open(&path).unwrap();
        let band = dataset.rasterband(4).unwrap();
        assert_ne!(band.color_interpretation(), gdal::raster::ColorInterpretation::AlphaBand);
        assert!(dataset.rasterband(1).unwrap().mask_flags().unwrap().is_all_valid());
    }
}

#[test]
fn bytes_do_not_depend_on_strips_order_or_threads() {
    let folder = Folder::new();
    let shape = (3, 200, 150);
    let pixels = scene(shape);
    for (format, extra) in [
        (Format::GTiff, vec![]),
        (Format::GTiff, vec![option("INTERLEAVE", "PIXEL")]),
        (Format::GTiff, vec![option("TILED", "NO"), option("BLOCKYSIZE", "7")]),
        (Format::Cog, vec![]),
    ] {
        let path = folder.path("a.tif");
        let spec =
            RasterSpec { format, creation_options: extra, ..spec(path.clone(), shape, DataType::UInt16) };
        write_whole(&spec, &pixels);
        let wanted = fs::read(&path).unwrap();
        for (rows, threads) in [(64, 1), (100, 1), (1, 3), (33, 2), (200, 4)] {
            write_in_strips(&RasterSpec { threads, ..spec.clone() }, &pixels, rows)
                .unwrap()
                .commit()
                .unwrap();
            assert!(
                fs::read(&path).unwrap() == wanted,
                "{format:?}, strips of {rows} rows, {threads} threads"
            );
        }
        write_in_odd_blocks(&spec, &pixels);
        assert!(fs::read(&path).unwrap() == wanted, "{format:?}, odd blocks");
    }
}

/// Bands one after the other, blocks of 50 × 40 from the bottom right.
fn write_in_odd_blocks(spec: &RasterSpec, pixels: &Array3<f32>) {
    let mut writer = create(spec.clone()).unwrap();
    let whole = Window::whole(spec.grid.width, spec.grid.height);
    for band in 0..spec.bands.len() {
        for row in (0..spec.grid.height).step_by(40).rev() {
            for col in (0..spec.grid.width).step_by(50).rev() {
                let block = Window { col: col as i64, row: row as i64, width: 50, height: 40 };
                let block = block.intersect(whole).unwrap();
                let part = pixels.slice(s![band, row..row + block.height, col..col + block.width]);
                writer.write(band, block, part).unwrap();
            }
        }
    }
    writer.finish().unwrap().commit().unwrap();
}

/// Where each tile of each band lies in the file.
fn offsets(path: &Path, bands: usize, (across, down): (usize, usize)) -> Vec<(u64, usize, usize, usize)> {
    let dataset = Dataset::open(path).unwrap();
    let mut all = Vec::new();
    for number in 0..bands {
        let band = dataset.rasterband(number + 1).unwrap();
        for (row, col) in (0..down).flat_map(|row| (0..across).map(move |col| (row, col))) {
            let offset = band.metadata_item(&format!("BLOCK_OFFSET_{col}_{row}"), "TIFF").unwrap();
            all.push((offset.parse().unwrap(), number, col, row));
        }
    }
    all.sort_unstable();
    all
}

#[test]
fn tiles_lie_in_the_order_that_was_asked_for_whatever_comes_first() {
    let folder = Folder::new();
    let path = folder.path("a.tif");
    let shape = (3, 130, 200);
    let (pixels, spec) = (scene(shape), spec(path.clone(), shape, DataType::UInt16));
    let lane = |col: i64, width: usize| Window { col, row: 0, width, height: 130 };
    let order = WriteOrder { regions: vec![lane(0, 128), lane(128, 72)], band_ranges: vec![0..1, 1..3] };
    let mut writer = RasterWriter::create(spec, &order, &Drafts::default()).unwrap();
    writer.write_bands(0, Window::whole(200, 130), pixels.view()).unwrap();
    writer.finish().unwrap().commit().unwrap();
    for band in 0..3 {
        assert_eq!(read(&path, band + 1), pixels.slice(s![band, .., ..]).mapv(f64::from));
    }
    let found: Vec<_> =
        offsets(&path, 3, (4, 3)).into_iter().map(|(_, band, col, row)| (band, col, row)).collect();
    let first_lane = (0..3).flat_map(|row| [(0, 0, row), (0, 1, row)]);
    let next_turn = (0..3).flat_map(|row| [(1, 0, row), (2, 0, row), (1, 1, row), (2, 1, row)]);
    let wanted: Vec<_> = first_lane.chain(next_turn).collect();
    assert_eq!(found[..18], wanted);
    assert_eq!(found[18..20], [(0, 2, 0), (0, 3, 0)]);
}

#[test]
fn the_size_of_blocks_is_known_before_there_is_a_file() {
    let folder = Folder::new();
    let shape = (1, 130, 200);
    for extra in [
        vec![],
        vec![option("BLOCKXSIZE", "32"), option("BLOCKYSIZE", "128")],
        vec![option("TILED", "NO"), option("BLOCKYSIZE", "7")],
        vec![option("TILED", "NO")],
    ] {
        let spec =
            RasterSpec { creation_options: extra, ..spec(folder.path("a.tif"), shape, DataType::UInt16) };
        write_whole(&spec, &scene(shape));
        let blocks = Dataset::open(&spec.path).unwrap().rasterband(1).unwrap().block_size();
        assert_eq!(spec.tile(), (blocks.0.min(200), blocks.1.min(130)), "{:?}", spec.creation_options);
        let _ = fs::remove_file(&spec.path);
    }
}

#[test]
fn a_tile_is_compressed_exactly_once() {
    let folder = Folder::new();
    let path = folder.path("a.tif");
    let shape = (3, 200, 150);
    let pixels = scene(shape);
    for interleave in ["BAND", "PIXEL"] {
        let mut spec = spec(path.clone(), shape, DataType::UInt16);
        spec.creation_options = vec![option("INTERLEAVE", interleave)];
        write_in_strips(&spec, &pixels, 33).unwrap().commit().unwrap();
        let dataset = Dataset::open(&path).unwrap();
        let bands = if interleave == "BAND" { 3 } else { 1 };
        let mut tiles = 0;
        for band in (1..=bands).map(|n| dataset.rasterband(n).unwrap()) {
            for (row, col) in (0..4).flat_map(|row| (0..3).map(move |col| (row, col))) {
                let size = band.metadata_item(&format!("BLOCK_SIZE_{col}_{row}"), "TIFF").unwrap();
                tiles += size.parse::<u64>().unwrap();
            }
        }
        // A tile written again leaves the space of its first form behind.
        let rest = fs::metadata(&path).unwrap().len() - tiles;
        assert!(rest < 2500, "{rest} bytes of {interleave} file are not tiles");
    }
}

#[test]
fn provenance_is_written_from_u16() {
    let folder = Folder::new();
    let path = folder.path("a.tif");
    let spec = RasterSpec { categorical: true, ..spec(path.clone(), (1, 2, 2), DataType::UInt16) };
    let mut writer = create(spec).unwrap();
    let codes = ndarray::arr2(&[[0_u16, 1], [65534, 65535]]);
    writer.write(0, Window::whole(2, 2), codes.view()).unwrap();
    writer.finish().unwrap().commit().unwrap();
    assert_eq!(read(&path, 1), codes.mapv(f64::from));
}

#[test]
fn overviews_of_a_cog_average_data_and_pick_codes() {
    let folder = Folder::new();
    let shape = (1, 600, 600);
    // Columns alternate: only an average makes 20.
    let pixels = Array3::from_shape_fn(shape, |(_, _, col)| if col % 2 == 0 { 10.0 } else { 30.0 });
    for (categorical, wanted) in [(false, [20.0, 20.0]), (true, [10.0, 30.0])] {
        let path = folder.path("a.tif");
        let spec = spec(path.clone(), shape, DataType::UInt16);
        let spec = RasterSpec { format: Format::Cog, categorical, block: 256, ..spec };
        write_in_strips(&spec, &pixels, 100).unwrap().commit().unwrap();
        let dataset = Dataset::open(&path).unwrap();
        assert_eq!(dataset.metadata_item("LAYOUT", "IMAGE_STRUCTURE").as_deref(), Some("COG"));
        let band = dataset.rasterband(1).unwrap();
        assert_eq!(band.overview_count().unwrap(), 2);
        let overview = band.overview(0).unwrap();
        assert_eq!((overview.size(), overview.block_size()), ((300, 300), (256, 256)));
        let seen = overview.read_band_as::<f64>().unwrap();
        assert!(seen.data().iter().all(|v| wanted.contains(v)), "{categorical}: {:?}", &seen.data()[..4]);
        assert_eq!(folder.names(), ["a.tif"]);
    }
}

#[test]
fn overviews_of_a_cog_leave_nodata_out_of_the_average() {
    let folder = Folder::new();
    let path = folder.path("a.tif");
    let shape = (1, 300, 300);
    let pixels = Array3::from_shape_fn(shape, |(_, _, col)| if col % 2 == 0 { 0.0 } else { 30.0 });
    let spec = spec(path.clone(), shape, DataType::UInt16);
    write_whole(&RasterSpec { format: Format::Cog, nodata: Some(0.0), block: 128, ..spec }, &pixels);
    let dataset = Dataset::open(&path).unwrap();
    let seen = dataset.rasterband(1).unwrap().overview(0).unwrap().read_band_as::<f64>().unwrap();
    assert!(seen.data().iter().all(|v| *v == 30.0));
}

#[test]
fn compression_and_predictor_are_as_asked_and_the_user_wins() {
    let folder = Folder::new();
    let found = |spec: RasterSpec| {
        write_whole(&spec, &scene((1, 40, 40)));
        let dataset = Dataset::open(&spec.path).unwrap();
        let item = |name: &str| dataset.metadata_item(name, "IMAGE_STRUCTURE");
        let band = dataset.rasterband(1).unwrap().block_size();
        (item("COMPRESSION").unwrap_or_default(), item("PREDICTOR").unwrap_or_default(), band)
    };
    let base = |dtype| spec(folder.path("a.tif"), (1, 40, 40), dtype);
    let whole = (48, 48);
    assert_eq!(found(base(DataType::UInt16)), ("DEFLATE".into(), "2".into(), whole));
    assert_eq!(found(base(DataType::Float32)), ("DEFLATE".into(), "3".into(), whole));
    if has(Compression::Zstd) {
        let zstd = RasterSpec { compression: Compression::Zstd, level: Some(3), ..base(DataType::Float64) };
        assert_eq!(found(zstd), ("ZSTD".into(), "3".into(), whole));
    }
    let lzw = RasterSpec { compression: Compression::Lzw, categorical: true, ..base(DataType::UInt16) };
    assert_eq!(found(lzw), ("LZW".into(), String::new(), whole));
    let none = RasterSpec { compression: Compression::None, ..base(DataType::UInt16) };
    assert_eq!(found(none), (String::new(), String::new(), whole));
    let theirs = vec![option("compress", "Lzw"), option("BLOCKXSIZE", "16"), option("Predictor", "1")];
    let theirs = RasterSpec { creation_options: theirs, level: Some(9), ..base(DataType::UInt16) };
    assert_eq!(found(theirs), ("LZW".into(), String::new(), (16, 48)));
}

#[test]
fn what_gdal_cannot_write_is_refused_before_a_pixel() {
    let folder = Folder::new();
    let base = spec(folder.path("a.tif"), (1, 4, 4), DataType::UInt16);
    let with =
        |name: &str, value: &str| RasterSpec { creation_options: vec![option(name, value)], ..base.clone() };
    let cases = [
        (
            RasterSpec { dtype: DataType::Int8, ..base.clone() },
            "int8 samples cannot be written; expected uint8",
        ),
        (
            RasterSpec { nodata: Some(-9999.0), ..base.clone() },
            "uint16 has no sample -9999 that could mean nodata",
        ),
        (RasterSpec { nodata: Some(f64::NAN), ..base.clone() }, "uint16 has no sample NaN"),
        (
            RasterSpec { level: Some(13), ..base.clone() },
            "level 13 of DEFLATE; expected a level from 1 to 12",
        ),
        (
            RasterSpec { level: Some(1), compression: Compression::Lzw, ..base.clone() },
            "level 1 of LZW; expected none: it has no levels",
        ),
        (with("COMPRES", "ZSTD"), "GTiff driver has no creation option COMPRES; it has: COMPRESS, PREDICTOR"),
        (with("COMPRESS", "ZST"), "creation option COMPRESS=ZST; expected NONE, LZW"),
        (with("BLOCKXSIZE", "big"), "creation option BLOCKXSIZE=big; expected a whole number"),
        (with("tfw", "YES"), "creation option tfw is not taken here: it writes a second file"),
    ];
    for (spec, wanted) in cases {
        let message = error(spec.check());
        assert!(message.contains(wanted), "{message}");
        assert!(error(create(spec)).contains(wanted));
    }
    assert!(folder.names().is_empty());
    RasterSpec { format: Format::Cog, ..with("PREDICTOR", "2") }.check().unwrap();
}

#[test]
fn sides_of_blocks_that_cannot_be_had_are_refused_before_a_pixel() {
    let folder = Folder::new();
    let check = |format, options: &[(&str, &str)]| {
        let creation_options = options.iter().map(|(name, value)| option(name, value)).collect();
        let base = spec(folder.path("a.tif"), (1, 4, 4), DataType::UInt16);
        RasterSpec { format, creation_options, ..base }.check()
    };
    for side in ["0", "-16", "8", "17", "4112", "2147483632", "4294967312"] {
        for (format, name) in
            [(Format::GTiff, "BLOCKXSIZE"), (Format::GTiff, "blockysize"), (Format::Cog, "BLOCKSIZE")]
        {
            let wanted = format!("creation option {name}={side}; expected a multiple of 16 from 16 to 4096");
            let message = error(check(format, &[(name, side)]));
            assert!(message.contains(&wanted), "{message}");
        }
    }
    check(Format::GTiff, &[("BLOCKXSIZE", "16"), ("BLOCKYSIZE", "4096")]).unwrap();
    check(Format::Cog, &[("BLOCKSIZE", "1024")]).unwrap();
    // A strip has any height; whether there are strips, the last word on tiles decides.
    check(Format::GTiff, &[("BLOCKYSIZE", "17"), ("TILED", "YES"), ("TILED", "off")]).unwrap();
    let strips = |side: &str| error(check(Format::GTiff, &[("TILED", "NO"), ("BLOCKYSIZE", side)]));
    assert!(strips("0").contains("BLOCKYSIZE=0; expected a number from 1 to 2147483647"), "{}", strips("0"));
    assert!(strips("4294967297").contains("expected a number from 1"), "{}", strips("4294967297"));
    let tiles = check(Format::GTiff, &[("TILED", "NO"), ("TILED", "YES"), ("BLOCKYSIZE", "17")]);
    assert!(error(tiles).contains("expected a multiple of 16"));
}

#[test]
fn options_of_ours_are_known_to_the_drivers() {
    let folder = Folder::new();
    let base = spec(folder.path("a.tif"), (1, 4, 4), DataType::Float32);
    for format in [Format::GTiff, Format::Cog] {
        for compression in [Compression::Deflate, Compression::Zstd].into_iter().filter(|c| has(*c)) {
            let spec = RasterSpec { format, compression, level: Some(2), ..base.clone() };
            let theirs = RasterSpec { creation_options: options::merged(&spec), ..spec };
            theirs.check().unwrap();
        }
    }
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    for format in [Format::GTiff, Format::Cog] {
        let folder = Folder::new();
        let spec = RasterSpec { format, ..spec(folder.path("a.tif"), (1, 100, 100), DataType::UInt16) };
        let mut writer = create(spec.clone()).unwrap();
        let pixels = scene((1, 64, 100));
        writer.write_bands(0, Window::whole(100, 64), pixels.view()).unwrap();
        let names = folder.names();
        assert!(
            names.len() == 1 && names[0].starts_with(".a.tif.") && names[0].ends_with(".tmp"),
            "{names:?}"
        );
        drop(writer);
        assert!(folder.names().is_empty());
        drop(write_in_strips(&spec, &scene((1, 100, 100)), 10).unwrap());
        assert!(folder.names().is_empty());
    }
}

#[test]
fn a_panic_leaves_nothing() {
    let folder = Folder::new();
    let spec = spec(folder.path("a.tif"), (1, 100, 100), DataType::UInt16);
    let result = std::panic::catch_unwind(|| {
        let _writer = create(spec).unwrap();
        std::panic::resume_unwind(Box::new("as a bug would"));
    });
    assert!(result.is_err() && folder.names().is_empty());
}

#[test]
fn rows_that_never_came_or_came_twice_are_errors() {
    let folder = Folder::new();
    let spec = spec(folder.path("a.tif"), (1, 100, 10), DataType::UInt16);
    let pixels = scene((1, 70, 10));
    let mut writer = create(spec.clone()).unwrap();
    writer.write_bands(0, Window::whole(10, 70), pixels.view()).unwrap();
    assert!(error(writer.finish()).contains("row 64 and what follows was never written"));
    let mut writer = create(spec).unwrap();
    writer.write_bands(0, Window::whole(10, 70), pixels.view()).unwrap();
    assert!(
        error(writer.write_bands(0, Window::whole(10, 70), pixels.view()))
            .contains("row 0 were written twice")
    );
    drop(writer);
    assert!(folder.names().is_empty());
}

#[test]
fn a_file_that_was_cut_short_is_found_out() {
    let folder = Folder::new();
    let path = folder.path("a.tif");
    let spec = spec(path.clone(), (2, 200, 150), DataType::UInt16);
    write_whole(&spec, &scene((2, 200, 150)));
    let whole = || verify::whole(&path, &spec, &[holes::LeftOut::default()], None);
    whole().unwrap();
    let length = fs::metadata(&path).unwrap().len();
    for cut in [1, 5000] {
        fs::File::options().write(true).open(&path).unwrap().set_len(length - cut).unwrap();
        let message = error(whole());
        assert!(message.contains("is not whole after writing"), "{message}");
    }
}

/// Under a limit of file sizes a write fails as on a full disk, with EFBIG instead of ENOSPC. The signal that
/// comes with it (SIGXFSZ, which kills) is ignored by the shell, and a program inherits that.
#[cfg(unix)]
#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    const FOLDER: &str = "COMPOSE_TEST_FULL_DISK";
    if let Ok(folder) = std::env::var(FOLDER) {
        return fill_the_disk(Path::new(&folder));
    }
    let folder = Folder::new();
    let program = std::env::current_exe().unwrap();
    let output = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 60; exec \"$0\" --exact --nocapture \"$1\""])
        .arg(program)
        .arg("write::tests::a_full_disk_is_an_error_and_leaves_nothing")
        .env(FOLDER, folder.0.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 passed"));
    assert!(folder.names().is_empty(), "{:?}", folder.names());
}

#[cfg(unix)]
fn fill_the_disk(folder: &Path) {
    let shape = (2, 300, 300);
    // Noise that no predictor foresees (xorshift).
    let mut state = 1_u32;
    let pixels = Array3::from_shape_simple_fn(shape, || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        f32::from(state as u16)
    });
    for format in [Format::GTiff, Format::Cog] {
        let compressions = [Compression::Deflate, Compression::Zstd, Compression::None];
        for compression in compressions.into_iter().filter(|c| has(*c)) {
            for threads in [1, 4] {
                let spec = spec(folder.join("a.tif"), shape, DataType::UInt16);
                let spec = RasterSpec { format, compression, threads, ..spec };
                let message = error(write_in_strips(&spec, &pixels, 50));
                let told = message.contains("a.tif: cannot be written: File too large");
                assert!(told && !message.contains("os error"), "{message}");
                assert!(message.ends_with("; nothing was left behind") && message.lines().count() == 1);
                assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
            }
        }
    }
}
