//! Pixels that never come: tiles of nothing else are left out, and read as if they were there.

use super::*;
use std::collections::BTreeSet;

const SIZE: (usize, usize) = (333, 290);

/// Where pixels come: a part of some tiles, the whole of others, the lower right corner.
fn come() -> Vec<Window> {
    let window = |col, row, width, height| Window { col, row, width, height };
    vec![window(70, 10, 40, 30), window(64, 128, 64, 64), window(300, 270, 33, 20), window(20, 40, 5, 200)]
}

fn is_in(windows: &[Window], row: usize, col: usize) -> bool {
    let pixel = Window { col: col as i64, row: row as i64, width: 1, height: 1 };
    windows.iter().any(|w| w.intersect(pixel).is_some())
}

/// What the file holds: noise where pixels come, `rest` of each band elsewhere. A whole tile comes as nothing but nodata.
fn wanted(rest: &[f64]) -> Array3<f32> {
    let mut pixels = scene((rest.len(), SIZE.1, SIZE.0)) + 1.0;
    for ((band, row, col), value) in pixels.indexed_iter_mut() {
        if !is_in(&come(), row, col) || ((64..128).contains(&col) && (128..192).contains(&row)) {
            *value = rest[band] as f32;
        }
    }
    pixels
}

fn holes(rest: &[f64]) -> Holes {
    Holes { come: come(), samples: rest.to_vec() }
}

fn sparse_spec(path: PathBuf, bands: usize) -> RasterSpec {
    RasterSpec { nodata: Some(0.0), ..spec(path, (bands, SIZE.1, SIZE.0), DataType::UInt16) }
}

/// Writes what comes in pieces of this size, and nothing else.
fn write_sparse(spec: &RasterSpec, rest: &[f64], piece: (usize, usize)) -> Result<Pending, WriteError> {
    let order = WriteOrder::plain(SIZE.0, SIZE.1, rest.len());
    let mut writer = RasterWriter::create_with(spec.clone(), &order, Some(&holes(rest)), &Drafts::default())?;
    let pixels = wanted(rest);
    for window in come() {
        for row in (window.row..window.row_end()).step_by(piece.1) {
            for col in (window.col..window.col_end()).step_by(piece.0) {
                let part = Window { col, row, width: piece.0, height: piece.1 }.intersect(window).unwrap();
                let (r, c) = (part.row as usize, part.col as usize);
                let samples = pixels.slice(s![.., r..r + part.height, c..c + part.width]);
                writer.write_bands(0, part, samples)?;
            }
        }
    }
    writer.finish()
}

/// The tiles (column, row) that a band of a file has.
fn there(path: &Path, band: usize) -> BTreeSet<(usize, usize)> {
    let dataset = Dataset::open(path).unwrap();
    let band = dataset.rasterband(band).unwrap();
    let (across, down) =
        (band.size().0.div_ceil(band.block_size().0), band.size().1.div_ceil(band.block_size().1));
    let tiles = (0..down).flat_map(|row| (0..across).map(move |col| (col, row)));
    tiles
        .filter(|(col, row)| band.metadata_item(&format!("BLOCK_OFFSET_{col}_{row}"), "TIFF").is_some())
        .collect()
}

#[test]
fn tiles_of_nothing_are_not_in_the_file_and_read_as_nodata() {
    let place = Folder::new();
    let kinds: [&[(&str, &str)]; 5] = [
        &[],
        &[("INTERLEAVE", "PIXEL")],
        &[("COMPRESS", "NONE")],
        &[("TILED", "NO"), ("BLOCKYSIZE", "10")],
        &[("SPARSE_OK", "FALSE")],
    ];
    for (format, options) in
        kinds.map(|kind| (Format::GTiff, kind)).into_iter().chain([(Format::Cog, kinds[0])])
    {
        let creation_options: Vec<_> = options.iter().map(|(name, value)| option(name, value)).collect();
        let path = place.path("a.tif");
        let spec = RasterSpec { format, creation_options, ..sparse_spec(path.clone(), 2) };
        write_sparse(&spec, &[0.0, 0.0], (1000, 1000)).unwrap().commit().unwrap();
        for band in 0..2 {
            let found = read(&path, band + 1);
            assert_eq!(
                found,
                wanted(&[0.0; 2]).slice(s![band, .., ..]).mapv(f64::from),
                "{format:?} {options:?}"
            );
        }
        let tiles = there(&path, 1).len();
        let wanted = if options.contains(&("SPARSE_OK", "FALSE")) {
            30
        } else if options.contains(&("TILED", "NO")) {
            25
        } else {
            7
        };
        assert_eq!(tiles, wanted, "{format:?} {options:?}");
        let bytes = fs::read(&path).unwrap();
        write_sparse(&spec, &[0.0, 0.0], (33, 7)).unwrap().commit().unwrap();
        assert!(fs::read(&path).unwrap() == bytes, "{format:?} {options:?}: pieces make a difference");
    }
}

#[test]
fn a_band_whose_empty_pixels_are_not_nodata_is_written_whole() {
    let place = Folder::new();
    for interleave in ["BAND", "PIXEL"] {
        let path = place.path("a.tif");
        let spec = RasterSpec {
            creation_options: vec![option("INTERLEAVE", interleave)],
            ..sparse_spec(path.clone(), 2)
        };
        write_sparse(&spec, &[0.0, 9.0], (50, 50)).unwrap().commit().unwrap();
        assert_eq!(read(&path, 1), wanted(&[0.0, 9.0]).slice(s![0, .., ..]).mapv(f64::from));
        assert_eq!(read(&path, 2), wanted(&[0.0, 9.0]).slice(s![1, .., ..]).mapv(f64::from));
        assert_eq!(there(&path, 2).len(), 30);
        assert_eq!(there(&path, 1).len(), if interleave == "BAND" { 7 } else { 30 });
    }
}

#[test]
fn nan_is_nothing_where_it_is_nodata() {
    let place = Folder::new();
    let path = place.path("a.tif");
    let spec =
        RasterSpec { nodata: Some(f64::NAN), dtype: DataType::Float32, ..sparse_spec(path.clone(), 1) };
    write_sparse(&spec, &[f64::NAN], (50, 50)).unwrap().commit().unwrap();
    let (found, wanted) = (read(&path, 1), wanted(&[f64::NAN]));
    assert!(found.iter().zip(&wanted).all(|(a, b)| *a == f64::from(*b) || (a.is_nan() && b.is_nan())));
    assert_eq!(there(&path, 1).len(), 7);
}

/// A tile that should be there, and one of an overview, is missed; one that holds nothing is not.
#[test]
fn a_tile_that_is_really_missing_is_found_among_those_that_are_left_out() {
    let place = Folder::new();
    let (tiles, copied) = (place.path("a.tif"), place.path("b.tif"));
    for (path, format) in [(&tiles, Format::GTiff), (&copied, Format::Cog)] {
        let spec = RasterSpec { format, ..sparse_spec(path.clone(), 1) };
        write_sparse(&spec, &[0.0], (50, 50)).unwrap().commit().unwrap();
    }
    let empty = |except: Option<(usize, usize)>| {
        let tiles = (0..5).flat_map(|row| (0..6).map(move |col| (col, row)));
        let there = there(&tiles_of(&place), 1);
        let empty = tiles.map(|tile| !there.contains(&tile) || Some(tile) == except).collect();
        holes::LeftOut { size: SIZE, tile: (64, 64), bands: 1, interleaved: false, empty }
    };
    let spec = |path: &Path| sparse_spec(path.to_owned(), 1);
    verify::whole(&tiles, &spec(&tiles), &[empty(None)], None).unwrap();
    verify::whole(&copied, &spec(&copied), &[empty(None)], Some(&tiles)).unwrap();
    // Nothing is said to be left out: what is not there is missed.
    let none = holes::LeftOut { empty: vec![false; 30], ..empty(None) };
    let said = error(verify::whole(&tiles, &spec(&tiles), std::slice::from_ref(&none), None));
    assert!(said.contains("band 1, tile 2, 0 is not whole"), "{said}");
    // The copy lacks a tile that its source has.
    let whole = place.path("whole.tif");
    write_whole(&spec(&whole), &(scene((1, SIZE.1, SIZE.0)) + 1.0));
    let said = error(verify::whole(&copied, &spec(&copied), &[none], Some(&whole)));
    assert!(said.contains("band 1, tile 2, 0 is not whole"), "{said}");
}

fn tiles_of(place: &Folder) -> PathBuf {
    place.path("a.tif")
}

/// Where codes end in a strip at the edge, an overview may pick none of them: its tile is missing, and that is no fault.
#[test]
fn a_strip_of_codes_at_the_edge_may_be_missed_by_an_overview() {
    let folder = Folder::new();
    for (width, strip) in [(1026, 1), (1027, 1), (1028, 2), (1030, 3), (1036, 5), (1040, 8)] {
        let path = folder.path(&format!("{width}.tif"));
        let (height, left) = (600, (width - strip) as i64);
        let spec = RasterSpec {
            nodata: Some(0.0),
            format: Format::Cog,
            categorical: true,
            block: 512,
            ..spec(path.clone(), (1, height, width), DataType::UInt16)
        };
        let parts = [Window::whole(200, 200), Window { col: left, row: 0, width: strip, height }];
        let holes = Holes { come: parts.to_vec(), samples: vec![0.0] };
        let order = WriteOrder::plain(width, height, 1);
        let mut writer = RasterWriter::create_with(spec, &order, Some(&holes), &Drafts::default()).unwrap();
        for part in parts {
            let samples = Array3::from_elem((1, part.height, part.width), 5.0_f32);
            writer.write_bands(0, part, samples.view()).unwrap();
        }
        writer.finish().unwrap_or_else(|e| panic!("{width}, {strip}: {e}")).commit().unwrap();
        let read = Dataset::open(&path).unwrap().rasterband(1).unwrap().read_band_as::<f64>().unwrap();
        assert_eq!(read.data().iter().filter(|v| **v == 5.0).count(), 200 * 200 + strip * height);
    }
}

#[test]
fn a_cog_leaves_out_tiles_of_its_overviews_as_well() {
    let place = Folder::new();
    for categorical in [false, true] {
        let path = place.path("a.tif");
        let (width, height) = (2048, 2048);
        let spec = RasterSpec {
            nodata: Some(0.0),
            format: Format::Cog,
            categorical,
            block: 128,
            ..spec(path.clone(), (1, height, width), DataType::UInt16)
        };
        let part = Window { col: 1030, row: 1500, width: 300, height: 77 };
        let holes = Holes { come: vec![part], samples: vec![0.0] };
        let order = WriteOrder::plain(width, height, 1);
        let mut writer = RasterWriter::create_with(spec, &order, Some(&holes), &Drafts::default()).unwrap();
        let samples = Array3::from_elem((1, 77, 300), 5.0_f32);
        writer.write_bands(0, part, samples.view()).unwrap();
        writer.finish().unwrap().commit().unwrap();
        let dataset = Dataset::open(&path).unwrap();
        assert_eq!(dataset.metadata_item("LAYOUT", "IMAGE_STRUCTURE").as_deref(), Some("COG"));
        let band = dataset.rasterband(1).unwrap();
        let overview = band.overview(0).unwrap();
        let seen = overview.read_band_as::<f64>().unwrap();
        assert_eq!(seen.data().iter().filter(|v| **v == 5.0).count(), 150 * 39, "{categorical}");
        let tile =
            |col: usize, row: usize| overview.metadata_item(&format!("BLOCK_OFFSET_{col}_{row}"), "TIFF");
        assert!(tile(4, 6).is_some() && tile(0, 0).is_none(), "{categorical}");
        assert_eq!(there(&path, 1).len(), 6);
    }
}
