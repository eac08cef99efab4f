//! Reading a window that straddles four tiles, all decoded before: from tiles to samples with their validity.

use crate::stack::Noise;
use crate::{Size, Work};
use compose_core::Window;
use compose_io::access::Access;
use compose_io::crs::CrsRegistry;
use compose_io::{BandRef, FileHeader, Reading, TileStore, Valid};
use ndarray::Array2;
use std::path::Path;
use std::sync::Arc;

pub(crate) struct Read {
    store: TileStore,
    band: BandRef,
    window: Window,
    /// All samples of the file.
    samples: Array2<u16>,
    values: Array2<f32>,
    valid: Array2<u8>,
    /// Holds the file for as long as it may be read.
    _folder: tempfile::TempDir,
}

pub(crate) fn window(size: Size) -> Read {
    let folder = tempfile::tempdir().expect("a folder for the file");
    let (path, side) = (folder.path().join("tiles.tif"), 2 * size.side);
    let noise = &mut Noise(1);
    let samples = Array2::from_shape_simple_fn((side, side), || noise.sample() * u16::from(noise.valid()));
    write_tiff(&path, &samples, size.side);
    let file =
        FileHeader::read(&path, &CrsRegistry::new(), &Access::default()).unwrap_or_else(|e| panic!("{e}"));
    let shape = (size.side, size.side);
    let mut read = Read {
        store: TileStore::new(1 << 30, 4),
        band: BandRef::new(Arc::new(file.clone()), &file.bands[0], vec![0.0]),
        window: Window {
            col: size.side as i64 / 3,
            row: size.side as i64 / 5,
            width: size.side,
            height: size.side,
        },
        samples,
        values: Array2::zeros(shape),
        valid: Array2::zeros(shape),
        _folder: folder,
    };
    read.fast();
    read
}

/// The smallest TIFF with tiles: 16-bit samples, not compressed, `side` pixels to a tile's side.
fn write_tiff(path: &Path, samples: &Array2<u16>, side: usize) {
    let (height, width) = samples.dim();
    let (down, across) = (height / side, width / side);
    let (count, bytes) = ((down * across) as u32, (side * side * 2) as u32);
    // (tag, type 3 short or 4 long, count, value): TIFF 6.0, sections 2, 4 and 15. Lists follow the directory.
    const FIELDS: u32 = 10;
    let lists = 8 + 2 + FIELDS * 12 + 4;
    let first = lists + 8 * count;
    let fields: [(u16, u16, u32, u32); FIELDS as usize] = [
        (256, 4, 1, width as u32),
        (257, 4, 1, height as u32),
        (258, 3, 1, 16),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (277, 3, 1, 1),
        (322, 4, 1, side as u32),
        (323, 4, 1, side as u32),
        (324, 4, count, lists),
        (325, 4, count, lists + 4 * count),
    ];
    let mut file = b"II*\0".to_vec();
    file.extend(8u32.to_le_bytes());
    file.extend((FIELDS as u16).to_le_bytes());
    for (tag, kind, count, value) in fields {
        file.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        file.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
    }
    file.extend(0u32.to_le_bytes());
    (0..count).for_each(|tile| file.extend((first + tile * bytes).to_le_bytes()));
    (0..count).for_each(|_| file.extend(bytes.to_le_bytes()));
    for tile in samples.exact_chunks((side, side)) {
        file.extend(tile.iter().flat_map(|sample| sample.to_le_bytes()));
    }
    std::fs::write(path, file).expect("room for the file");
}

impl Work for Read {
    fn fast(&mut self) {
        let (values, valid) = (self.values.as_slice_mut(), self.valid.as_slice_mut());
        let (values, valid) = (values.expect("standard layout"), Valid::Set(valid.expect("standard layout")));
        // More windows might come, so the tiles are kept from one turn to the next.
        let at = Reading::once(self.window);
        self.store.read_data(&self.band, at, values, valid).unwrap_or_else(|e| panic!("{e}"));
    }

    fn plain(&mut self) {
        let (row0, col0) = (self.window.row as usize, self.window.col as usize);
        for (row, col) in (0..self.window.height).flat_map(|r| (0..self.window.width).map(move |c| (r, c))) {
            let sample = self.samples[[row0 + row, col0 + col]];
            self.values[[row, col]] = f32::from(sample);
            self.valid[[row, col]] = u8::from(sample != 0);
        }
    }

    fn answer(&self) -> Vec<Option<f32>> {
        self.values.iter().zip(&self.valid).map(|(value, valid)| (*valid != 0).then_some(*value)).collect()
    }

    fn samples(&self) -> usize {
        self.values.len()
    }
}
