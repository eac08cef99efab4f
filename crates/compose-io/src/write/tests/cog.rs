//! A COG whose tiles are compressed as they come, beside the one that GDAL's driver makes of the same pixels.

use super::*;
use crate::write::levels::sizes;
use tiff::decoder::Decoder;
use tiff::tags::Tag;

/// Writes a COG in the one way or the other, a row of tiles at a time.
fn write_by(route: Route, spec: &RasterSpec, pixels: &Array3<f32>, holes: Option<&Holes>) {
    let (bands, height, width) = pixels.dim();
    let order = WriteOrder::plain(width, height, bands);
    let mut writer = RasterWriter::create_by(route, spec.clone(), &order, holes, &Drafts::default()).unwrap();
    let all = [Window::whole(width, height)];
    for window in holes.map_or(&all[..], |holes| &holes.come) {
        let (row, col) = (window.row as usize, window.col as usize);
        let part = pixels.slice(s![.., row..row + window.height, col..col + window.width]);
        writer.write_bands(0, *window, part).unwrap();
    }
    writer.finish().unwrap().commit().unwrap();
}

fn staged(spec: &RasterSpec) -> Route {
    let route = Route::of(spec);
    assert!(matches!(route, Route::Staged(_)), "{:?}", spec.creation_options);
    route
}

/// The samples of a band of every level, the raster first.
fn levels(path: &Path, number: usize) -> Vec<((usize, usize), Vec<f64>)> {
    let dataset = Dataset::open(path).unwrap();
    let band = dataset.rasterband(number).unwrap();
    let all = |band: &gdal::raster::RasterBand<'_>| {
        (band.size(), band.read_band_as::<f64>().unwrap().data().to_vec())
    };
    let overviews = 0..band.overview_count().unwrap();
    std::iter::once(all(&band))
        .chain(overviews.map(|nth| all(&band.overview(nth as usize).unwrap())))
        .collect()
}

/// What GDAL says of a file and its first band, but for the places of tiles.
fn described(path: &Path) -> Vec<String> {
    let dataset = Dataset::open(path).unwrap();
    let item = |key: &str, domain: &str| format!("{key}: {:?}", dataset.metadata_item(key, domain));
    let mut all: Vec<String> =
        ["LAYOUT", "INTERLEAVE", "COMPRESSION", "PREDICTOR"].map(|key| item(key, "IMAGE_STRUCTURE")).to_vec();
    all.extend(dataset.metadata_domain("").unwrap_or_default());
    all.push(format!("{} {:?}", dataset.projection(), dataset.geo_transform()));
    for number in 1..=dataset.raster_count() {
        let band = dataset.rasterband(number).unwrap();
        let blocks: Vec<_> = (0..band.overview_count().unwrap())
            .map(|nth| band.overview(nth as usize).unwrap().block_size())
            .collect();
        all.push(format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {blocks:?}",
            band.description(),
            band.no_data_value(),
            band.scale(),
            band.offset(),
            band.band_type(),
            band.color_interpretation(),
            band.block_size(),
        ));
    }
    all
}

/// Pixels with holes of nodata, and negative ones where the type has them.
fn holed(shape: (usize, usize, usize), nodata: Option<f64>, signed: bool) -> Array3<f32> {
    let mut pixels = scene(shape);
    for ((band, row, col), value) in pixels.indexed_iter_mut() {
        if signed && (row / 3 + col / 5) % 2 == 0 {
            *value = -*value;
        }
        let is_hole = (row / 7 + col / 11 + band) % 3 == 0 || (row * 31 + col * 17) % 13 == 0;
        if let Some(nodata) = nodata.filter(|_| is_hole) {
            *value = nodata as f32;
        }
    }
    pixels
}

/// Whether two samples are the same. GDAL 3.6 averages float64 and int32, here numbers below 256, in single precision.
fn same(ours: f64, drivers: f64, dtype: DataType) -> bool {
    let allowed = match dtype {
        DataType::Float64 => 1e-4,
        DataType::Int32 => 1.0,
        _ => 0.0,
    };
    (ours - drivers).abs() <= allowed || (ours.is_nan() && drivers.is_nan())
}

/// All samples of all levels of two files.
fn compare_levels(ours: &Path, drivers: &Path, spec: &RasterSpec, said: &str) {
    for band in 1..=spec.bands.len() {
        let (ours, drivers) = (levels(ours, band), levels(drivers, band));
        let side = options::block_size(&options::stage(spec, false)).0;
        assert_eq!(ours.len(), 1 + sizes((spec.grid.width, spec.grid.height), side).len(), "{said}");
        assert_eq!(ours.len(), drivers.len(), "{said}");
        for (level, (ours, drivers)) in ours.iter().zip(&drivers).enumerate() {
            assert_eq!(ours.0, drivers.0, "{said}");
            let mut pairs = ours.1.iter().zip(&drivers.1).enumerate();
            let differs = pairs.find(|(_, (ours, drivers))| !same(**ours, **drivers, spec.dtype));
            assert!(differs.is_none(), "{said}, level {level}: {differs:?}");
        }
    }
}

/// An average that is rounded to nodata is no data for GDAL where it works in floats, so none of these comes near it.
#[test]
fn every_level_has_the_pixels_that_gdals_driver_gives() {
    let folder = Folder::new();
    let (ours, drivers) = (folder.path("ours.tif"), folder.path("drivers.tif"));
    let shapes = [(1, 256, 384), (3, 290, 333), (2, 131, 1027), (2, 600, 70), (1, 5, 700)];
    let kinds: [(DataType, Option<f64>); 8] = [
        (DataType::UInt16, None),
        (DataType::UInt16, Some(0.0)),
        (DataType::UInt8, Some(255.0)),
        (DataType::UInt8, Some(100.0)),
        (DataType::Int16, Some(-9999.0)),
        (DataType::Int32, Some(-9999.0)),
        (DataType::Float32, Some(f64::NAN)),
        (DataType::Float64, Some(-9999.0)),
    ];
    for ((shape, (dtype, nodata)), categorical) in shapes
        .iter()
        .flat_map(|shape| kinds.iter().map(move |kind| (*shape, *kind)))
        .zip([false, false, true].into_iter().cycle())
    {
        let signed = ![DataType::UInt8, DataType::UInt16].contains(&dtype);
        let pixels = holed(shape, nodata, signed);
        let of = |path: &Path| RasterSpec {
            format: Format::Cog,
            nodata,
            categorical,
            tags: vec![option("COMPOSE_TARGET", "scene é")],
            ..spec(path.to_owned(), shape, dtype)
        };
        write_by(staged(&of(&ours)), &of(&ours), &pixels, None);
        write_by(Route::Driver, &of(&drivers), &pixels, None);
        let said = format!("{shape:?} {dtype} {nodata:?} {categorical}");
        compare_levels(&ours, &drivers, &of(&ours), &said);
        assert_eq!(described(&ours), described(&drivers), "{said}");
        check_layout(&ours, shape.0 > 1);
    }
}

/// The rules of the layout, read from the bytes: directories first, then the tiles of overviews, the smallest first, then
/// those of the raster, row by row, each between its size and its last four bytes again.
fn check_layout(path: &Path, several_bands: bool) {
    let all = fs::read(path).unwrap();
    let bytes = |at: u64, count: usize| all[at as usize..at as usize + count].to_vec();
    let word = |at: u64| u32::from_le_bytes(bytes(at, 4).try_into().unwrap());
    let big = bytes(2, 1) == [43];
    let ghost = if big { 16 } else { 8 };
    let first_line = String::from_utf8(bytes(ghost, 43)).unwrap();
    let length: u64 = first_line["GDAL_STRUCTURAL_METADATA_SIZE=".len()..][..6].parse().unwrap();
    assert!(first_line.starts_with("GDAL_STRUCTURAL_METADATA_SIZE=") && first_line.ends_with(" bytes\n"));
    let said = String::from_utf8(bytes(ghost + 43, length as usize)).unwrap();
    assert!(
        said.starts_with("LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\n") && said.ends_with("=NO\n "),
        "{said}"
    );
    let mut decoder = Decoder::new(std::io::Cursor::new(&all)).unwrap();
    let mut images = Vec::new();
    loop {
        let at = decoder.ifd_pointer().unwrap().0;
        let offsets = decoder.get_tag_u64_vec(Tag::TileOffsets).unwrap();
        let sizes = decoder.get_tag_u64_vec(Tag::TileByteCounts).unwrap();
        let kind = decoder.find_tag_unsigned::<u32>(Tag::NewSubfileType).unwrap().unwrap_or(0);
        assert_eq!(kind, u32::from(!images.is_empty()));
        let planar = decoder.find_tag_unsigned::<u16>(Tag::PlanarConfiguration).unwrap();
        assert!(!several_bands || planar == Some(1));
        images.push((at, decoder.dimensions().unwrap(), offsets.into_iter().zip(sizes).collect::<Vec<_>>()));
        if !decoder.more_images() {
            break;
        }
        decoder.next_image().unwrap();
    }
    assert_eq!(
        images[0].0,
        (ghost + 43 + length).next_multiple_of(2),
        "the first directory follows the ghost area"
    );
    let at: Vec<_> = images.iter().map(|image| image.0).collect();
    assert!(at.is_sorted() && images.is_sorted_by_key(|image| std::cmp::Reverse(image.1)));
    let mut end = None;
    for (offset, size) in images.iter().rev().flat_map(|image| &image.2).filter(|tile| tile.1 > 0) {
        assert!(
            *offset > *at.last().unwrap() && end.is_none_or(|end| *offset == end + 4),
            "{offset} after {end:?}"
        );
        assert_eq!(u64::from(word(offset - 4)), *size);
        assert_eq!(word(offset + size), word(offset + size - 4));
        end = Some(offset + size + 4);
    }
    assert_eq!(end.unwrap(), all.len() as u64, "nothing else is in the file");
}

#[test]
fn codecs_predictors_and_bigtiff_are_as_asked_in_every_level() {
    let folder = Folder::new();
    let shape = (2, 200, 150);
    let pixels = scene(shape);
    let kinds: [(DataType, &[(&str, &str)]); 8] = [
        (DataType::UInt16, &[("COMPRESS", "DEFLATE"), ("LEVEL", "9")]),
        (DataType::UInt16, &[("COMPRESS", "ZSTD"), ("PREDICTOR", "STANDARD"), ("LEVEL", "3")]),
        (DataType::UInt16, &[("COMPRESS", "LZW"), ("PREDICTOR", "NO")]),
        (DataType::UInt16, &[("COMPRESS", "none")]),
        (DataType::Float32, &[("COMPRESS", "ZSTD"), ("OVERVIEW_PREDICTOR", "NO")]),
        (DataType::Float64, &[("COMPRESS", "LZW")]),
        (DataType::UInt16, &[("BIGTIFF", "YES"), ("BLOCKSIZE", "128"), ("num_threads", "3")]),
        (DataType::Int16, &[("OVERVIEW_RESAMPLING", "nearest"), ("SPARSE_OK", "FALSE")]),
    ];
    for (dtype, options) in kinds {
        let creation_options: Vec<_> = options.iter().map(|(name, value)| option(name, value)).collect();
        if !options
            .iter()
            .all(|(name, value)| *name != "COMPRESS" || Compression::from_name(value).is_some_and(has))
        {
            continue;
        }
        let of = |name: &str| RasterSpec {
            format: Format::Cog,
            creation_options: creation_options.clone(),
            ..spec(folder.path(name), shape, dtype)
        };
        let (ours, drivers) = (of("ours.tif"), of("drivers.tif"));
        write_by(staged(&ours), &ours, &pixels, None);
        write_by(Route::Driver, &drivers, &pixels, None);
        compare_levels(&ours.path, &drivers.path, &ours, &format!("{options:?}"));
        // What is not compressed GDAL 3.6 writes band by band, and not as a COG in all.
        if options[0] != ("COMPRESS", "none") {
            assert_eq!(described(&ours.path), described(&drivers.path), "{options:?}");
        }
        let big = |path: &Path| fs::read(path).unwrap()[2] == 43;
        assert_eq!(big(&ours.path), big(&drivers.path), "{options:?}");
        check_layout(&ours.path, true);
    }
}

#[test]
fn what_is_not_ours_is_left_to_the_driver() {
    let folder = Folder::new();
    let of = |name: &str, value: &str| RasterSpec {
        format: Format::Cog,
        creation_options: vec![option(name, value)],
        ..spec(folder.path("a.tif"), (1, 200, 150), DataType::UInt8)
    };
    for (name, value) in [
        ("COMPRESS", "JPEG"),
        ("OVERVIEW_RESAMPLING", "CUBIC"),
        ("OVERVIEWS", "NONE"),
        ("OVERVIEW_COMPRESS", "LZW"),
    ] {
        assert_eq!(Route::of(&of(name, value)), Route::Driver, "{name}={value}");
    }
    let spec = of("OVERVIEWS", "NONE");
    write_whole(&spec, &scene((1, 200, 150)));
    assert_eq!(levels(&spec.path, 1).len(), 1);
}

/// Regions side by side and below each other, bands in ranges: the tiles of overviews lie across their borders.
#[test]
fn bytes_do_not_depend_on_regions() {
    let folder = Folder::new();
    let shape = (2, 330, 413);
    let spec = RasterSpec {
        format: Format::Cog,
        nodata: Some(0.0),
        ..spec(folder.path("a.tif"), shape, DataType::UInt16)
    };
    let pixels = holed(shape, Some(0.0), false);
    write_whole(&spec, &pixels);
    let wanted = fs::read(&spec.path).unwrap();
    let beside = [(0, 64), (64, 256), (320, 93)];
    let below = [(0, 192), (192, 138)];
    let window = |(row, height), (col, width)| Window { col, row, width, height };
    let regions: Vec<Window> =
        below.into_iter().flat_map(|rows| beside.map(|columns| window(rows, columns))).collect();
    let order = WriteOrder { regions: regions.clone(), band_ranges: std::iter::once(0..2).collect() };
    assert!(order.is_right_and_down(413));
    let mut writer = RasterWriter::create(spec.clone(), &order, &Drafts::default()).unwrap();
    for window in regions {
        let (row, col) = (window.row as usize, window.col as usize);
        let part = pixels.slice(s![.., row..row + window.height, col..col + window.width]);
        writer.write_bands(0, window, part).unwrap();
    }
    writer.finish().unwrap().commit().unwrap();
    // Tiles lie in the same places, whatever came first.
    assert!(fs::read(&spec.path).unwrap() == wanted);
}

#[test]
fn an_order_that_goes_back_is_left_to_the_driver() {
    let window = |col, row, width, height| Window { col, row, width, height };
    let order = |regions: &[Window]| WriteOrder { regions: regions.to_vec(), band_ranges: vec![] };
    let back = [window(64, 0, 36, 90), window(0, 0, 64, 90)];
    assert!(!order(&back).is_right_and_down(100));
    let uneven = [window(0, 0, 64, 64), window(64, 0, 36, 90), window(0, 64, 64, 26)];
    assert!(!order(&uneven).is_right_and_down(100));
    let down = [window(0, 0, 100, 64), window(0, 64, 100, 26)];
    assert!(order(&down).is_right_and_down(100));
}

/// Sparse tiles of every level are where the driver has them, and nothing else is missing.
#[test]
fn sparse_levels_are_those_of_the_driver() {
    let folder = Folder::new();
    for (shape, categorical) in
        [((2, 512, 640), false), ((2, 517, 643), false), ((1, 512, 640), true), ((2, 517, 643), true)]
    {
        let of = |name: &str| RasterSpec {
            format: Format::Cog,
            nodata: Some(0.0),
            categorical,
            ..spec(folder.path(name), shape, DataType::UInt16)
        };
        let come = vec![
            Window { col: 70, row: 10, width: 40, height: 30 },
            Window { col: 383, row: 300, width: 3, height: 150 },
        ];
        let mut pixels = scene(shape) + 1.0;
        for ((_, row, col), value) in pixels.indexed_iter_mut() {
            let pixel = Window { col: col as i64, row: row as i64, width: 1, height: 1 };
            if !come.iter().any(|window| window.intersect(pixel).is_some()) {
                *value = 0.0;
            }
        }
        let holes = Holes { come, samples: vec![0.0; shape.0] };
        let (ours, drivers) = (of("ours.tif"), of("drivers.tif"));
        write_by(staged(&ours), &ours, &pixels, Some(&holes));
        write_by(Route::Driver, &drivers, &pixels, Some(&holes));
        for band in 1..=shape.0 {
            assert!(levels(&ours.path, band) == levels(&drivers.path, band), "{shape:?} {categorical}");
        }
        let tiles = |path: &Path| -> Vec<Vec<bool>> {
            let file = fs::File::open(path).unwrap();
            let mut decoder = Decoder::new(&file).unwrap();
            let mut all = Vec::new();
            loop {
                let sizes = decoder.get_tag_u64_vec(Tag::TileByteCounts).unwrap();
                all.push(sizes.iter().map(|size| *size > 0).collect());
                if !decoder.more_images() {
                    return all;
                }
                decoder.next_image().unwrap();
            }
        };
        assert_eq!(tiles(&ours.path), tiles(&drivers.path), "{shape:?} {categorical}");
        check_layout(&ours.path, shape.0 > 1);
    }
}

#[test]
fn helper_files_are_gone_before_the_file_has_its_name() {
    let folder = Folder::new();
    let shape = (2, 300, 200);
    let spec = RasterSpec { format: Format::Cog, ..spec(folder.path("a.tif"), shape, DataType::UInt16) };
    let pending = write_in_strips(&spec, &scene(shape), 40).unwrap();
    let draft = folder.path(&folder.names()[0]);
    let within: Vec<_> = fs::read_dir(draft).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(within, ["draft"]);
    drop(pending);
    assert!(folder.names().is_empty());
}
