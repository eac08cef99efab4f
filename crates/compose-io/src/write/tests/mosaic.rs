//! Mosaics are read by GDAL, and give what the one image gives.

use super::*;

/// Bands, height and width of the mosaic, and the side of its tiles.
const SHAPE: (usize, usize, usize) = (2, 300, 200);
const SIDE: usize = 128;

fn mosaic(path: PathBuf, dtype: DataType, nodata: Option<f64>) -> RasterSpec {
    let mut spec = spec(path, SHAPE, dtype);
    spec.nodata = nodata;
    spec.bands[1].scale_offset = Some((2.75e-5, -0.2));
    spec.bands[0].description = "red & <blue>".into();
    spec.tags = vec![("PLAN".into(), "a & b".into())];
    spec
}

/// Writes the tiles of a mosaic as files of their own; all but that of the second row, first column.
fn tiles(folder: &Folder, spec: &RasterSpec, pixels: &Array3<f32>) -> Vec<MosaicTile> {
    fs::create_dir_all(folder.path("tiles & more")).unwrap();
    let (_, rows, cols) = SHAPE;
    let mut tiles = Vec::new();
    for (row, col) in
        (0..rows).step_by(SIDE).flat_map(|row| (0..cols).step_by(SIDE).map(move |col| (row, col)))
    {
        if (row, col) == (SIDE, 0) {
            continue;
        }
        let (width, height) = (SIDE.min(cols - col), SIDE.min(rows - row));
        let (x0, y0) = spec.grid.transform.to_map(col as f64, row as f64);
        let path = folder.path(&format!("tiles & more/{row}_{col}.tif"));
        let grid = Grid {
            width,
            height,
            transform: Transform { x0, y0, ..spec.grid.transform },
            crs: spec.grid.crs.clone(),
        };
        let part = pixels.slice(s![.., row..row + height, col..col + width]).to_owned();
        write_whole(&RasterSpec { path: path.clone(), grid, ..spec.clone() }, &part);
        let window = Window { col: col as i64, row: row as i64, width, height };
        tiles.push(MosaicTile { path, window });
    }
    tiles
}

/// The whole image, with what an absent tile gives.
fn expected(pixels: &Array3<f32>, band: usize, nodata: f64) -> Array2<f64> {
    let mut whole = pixels.slice(s![band, .., ..]).mapv(f64::from);
    whole.slice_mut(s![SIDE..2 * SIDE, 0..SIDE]).fill(nodata);
    whole
}

fn assert_same(a: &Array2<f64>, b: &Array2<f64>) {
    assert_eq!(a.dim(), b.dim());
    let differs = a.iter().zip(b).filter(|(a, b)| a != b && !(a.is_nan() && b.is_nan())).count();
    assert_eq!(differs, 0, "pixels differ");
}

#[test]
fn a_vrt_gives_what_the_tiles_hold_and_nodata_where_there_is_none() {
    for (dtype, nodata) in tiles::TYPES
        .into_iter()
        .map(|dtype| (dtype, Some(7.0)))
        .chain([(DataType::Float32, Some(f64::NAN)), (DataType::Int16, None)])
    {
        let folder = Folder::new();
        let spec = mosaic(folder.path("mosaic.vrt"), dtype, nodata);
        let pixels = scene(SHAPE);
        let tiles = tiles(&folder, &spec, &pixels);
        write_vrt(&spec, &tiles, &Drafts::default()).unwrap().commit().unwrap();
        assert_eq!(folder.names(), ["mosaic.vrt", "tiles & more"]);
        for band in 0..2 {
            assert_same(&read(&spec.path, band + 1), &expected(&pixels, band, nodata.unwrap_or(0.0)));
        }
        let vrt = Dataset::open(&spec.path).unwrap();
        let t = spec.grid.transform;
        assert_eq!(vrt.geo_transform().unwrap(), [t.x0, t.dx, 0.0, t.y0, 0.0, t.dy]);
        assert!(vrt.projection().contains("UTM 13N"));
        assert_eq!(vrt.metadata_item("PLAN", "").unwrap(), "a & b");
        let bands = [vrt.rasterband(1).unwrap(), vrt.rasterband(2).unwrap()];
        assert_eq!(bands[0].description().unwrap(), "red & <blue>");
        assert_eq!((bands[1].scale(), bands[1].offset()), (Some(2.75e-5), Some(-0.2)));
        assert_eq!(bands[0].no_data_value().map(|n| n.to_bits()), nodata.map(f64::to_bits));
    }
}

#[test]
fn a_vrt_has_the_same_bytes_whatever_the_order_of_its_tiles_and_is_moved_with_them() {
    let folder = Folder::new();
    let spec = mosaic(folder.path("mosaic.vrt"), DataType::UInt16, Some(0.0));
    let pixels = scene(SHAPE);
    let mut tiles = tiles(&folder, &spec, &pixels);
    write_vrt(&spec, &tiles, &Drafts::default()).unwrap().commit().unwrap();
    let text = fs::read_to_string(&spec.path).unwrap();
    assert!(
        text.contains("relativeToVRT=\"1\"") && !text.contains(folder.0.path().to_str().unwrap()),
        "{text}"
    );
    tiles.reverse();
    write_vrt(&spec, &tiles, &Drafts::default()).unwrap().commit().unwrap();
    assert_eq!(fs::read_to_string(&spec.path).unwrap(), text);
    // One that lies elsewhere finds its way back.
    fs::create_dir_all(folder.path("a/b")).unwrap();
    let elsewhere = RasterSpec { path: folder.path("a/b/mosaic.vrt"), ..spec.clone() };
    write_vrt(&elsewhere, &tiles, &Drafts::default()).unwrap().commit().unwrap();
    assert!(fs::read_to_string(&elsewhere.path).unwrap().contains(">../../tiles &amp; more/0_0.tif<"));
    let moved = tempfile::tempdir().unwrap();
    for name in folder.names() {
        fs::rename(folder.path(&name), moved.path().join(name)).unwrap();
    }
    for vrt in ["mosaic.vrt", "a/b/mosaic.vrt"] {
        assert_same(&read(&moved.path().join(vrt), 1), &expected(&pixels, 0, 0.0));
    }
}

#[test]
fn what_is_read_smaller_comes_from_the_overviews_of_the_tiles() {
    let folder = Folder::new();
    let spec = RasterSpec { format: Format::Cog, ..mosaic(folder.path("mosaic.vrt"), DataType::UInt8, None) };
    let tiles = tiles(&folder, &spec, &scene(SHAPE));
    write_vrt(&spec, &tiles, &Drafts::default()).unwrap().commit().unwrap();
    let half = |path: &Path| {
        let dataset = Dataset::open(path).unwrap();
        dataset
            .rasterband(1)
            .unwrap()
            .read_as::<u8>((0, 0), (SIDE, SIDE), (SIDE / 2, SIDE / 2), None)
            .unwrap()
    };
    let tile = Dataset::open(&tiles[0].path).unwrap();
    let overview = tile.rasterband(1).unwrap().overview(0).unwrap().read_band_as::<u8>().unwrap();
    assert_eq!(half(&spec.path).data(), overview.data());
    let plain = tile.rasterband(1).unwrap().read_band_as::<u8>().unwrap();
    let nearest: Vec<u8> = (0..SIDE / 2)
        .flat_map(|row| (0..SIDE / 2).map(move |col| (2 * row, 2 * col)))
        .map(|at| plain[at])
        .collect();
    assert_ne!(overview.data(), nearest, "the test sees no difference");
}

#[test]
fn a_tile_outside_the_grid_is_refused_and_a_mosaic_of_none_is_nodata() {
    let folder = Folder::new();
    let spec = mosaic(folder.path("mosaic.vrt"), DataType::UInt8, Some(9.0));
    let window = Window { col: 190, row: 0, width: 11, height: 1 };
    let outside = MosaicTile { path: folder.path("a.tif"), window };
    let said = error(write_vrt(&spec, std::slice::from_ref(&outside), &Drafts::default()));
    assert!(said.contains("a.tif is not inside the grid of the mosaic"), "{said}");
    assert!(folder.names().is_empty());
    write_vrt(&spec, &[], &Drafts::default()).unwrap().commit().unwrap();
    assert!(read(&spec.path, 2).iter().all(|sample| *sample == 9.0));
}

#[test]
fn a_tile_index_gives_what_the_tiles_hold_where_gdal_reads_one() {
    let has = |driver| DriverManager::get_driver_by_name(driver).is_ok();
    for (dtype, nodata) in [(DataType::UInt8, 7.0), (DataType::UInt16, 0.0), (DataType::Float32, f64::NAN)] {
        let folder = Folder::new();
        let spec = mosaic(folder.path("mosaic.gti.fgb"), dtype, Some(nodata));
        let pixels = scene(SHAPE);
        let mut tiles = tiles(&folder, &spec, &pixels);
        let Some(index) = write_tile_index(&spec, &tiles, &Drafts::default()).unwrap() else {
            assert!(!has("GTI") || !has("FlatGeobuf"));
            assert_eq!(folder.names(), ["tiles & more"]);
            eprintln!("GDAL {} has no GTI or no FlatGeobuf: not tested", crate::gdal_version());
            return;
        };
        index.commit().unwrap();
        for band in 0..2 {
            assert_same(&read(&spec.path, band + 1), &expected(&pixels, band, nodata));
        }
        let gti = Dataset::open(&spec.path).unwrap();
        let t = spec.grid.transform;
        assert_eq!(gti.geo_transform().unwrap(), [t.x0, t.dx, 0.0, t.y0, 0.0, t.dy]);
        assert!(gti.projection().contains("UTM 13N"));
        let second = gti.rasterband(2).unwrap();
        assert_eq!((second.scale(), second.offset()), (Some(2.75e-5), Some(-0.2)));
        assert_eq!(second.no_data_value().map(|n| n.is_nan()), Some(nodata.is_nan()));
        let bytes = fs::read(&spec.path).unwrap();
        tiles.reverse();
        write_tile_index(&spec, &tiles, &Drafts::default()).unwrap().unwrap().commit().unwrap();
        assert_eq!(fs::read(&spec.path).unwrap(), bytes);
    }
}
