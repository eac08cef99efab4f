//! Every block of a file read directly and by GDAL, and compared: for tests and for the fuzzer.

use super::{DirectFile, Scratch};
use crate::FileHeader;
use crate::access::{self, Access};
use crate::crs::CrsRegistry;
use crate::messages::checked;
use compose_core::DataType;
use gdal::raster::{GdalType, RasterBand};
use std::fs::File;
use std::path::Path;

/// The number of blocks that were read directly, and of those read by GDAL.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) direct: usize,
    pub(super) asked: usize,
}

/// Compares up to `most` blocks of the file at `path`.
///
/// # Errors
/// Why the file is left to GDAL.
///
/// # Panics
/// A block that is read directly differs from that of GDAL, or GDAL cannot read it.
pub(super) fn compare(path: &Path, most: usize) -> Result<Seen, String> {
    let header = FileHeader::read(path, &CrsRegistry::new(), &Access::default())
        .map_err(|e| format!("refused: {e}"))?;
    let direct = DirectFile::open(&header)?;
    let file = File::open(path).map_err(|e| e.to_string())?;
    let (across, down) = direct.blocks();
    let (mut seen, mut scratch) = (Seen::default(), Scratch::default());
    let largest = direct.block_size((0, 0)).0 * direct.block_size((0, 0)).1 * header.bands.len() * 4;
    if largest > 64 << 20 {
        return Err("too large to compare".into());
    }
    // Every place is read from the file, where it takes 2 bytes at least, and here 8.
    assert!(direct.bytes() <= 1024 + header.bands.len() as u64 * 8 + 4 * file.metadata().unwrap().len());
    let dataset = access::open(path, &Access::default()).map_err(|e| e.to_string())?;
    // GDAL looks at geokeys when it needs nodata for the first missing block, and complains of them once: no
    // matter of the block, and the header was accepted.
    let _ = checked(|| dataset.spatial_ref());
    let every = (across * down).div_ceil(most).max(1);
    for at in (0..across * down).step_by(every).map(|index| (index % across, index / across)) {
        let (width, height) = direct.block_size(at);
        let bytes = width * height * header.bands[0].dtype.bytes();
        // The earlier content of the plane must not show.
        let mut planes = vec![vec![0xA5_u8; bytes]; header.bands.len()];
        let mut places: Vec<_> = planes.iter_mut().map(|p| Some(&mut p[..])).collect();
        if direct.read_block(&file, &mut scratch, at, &mut places).is_err() {
            seen.asked += 1;
            continue;
        }
        seen.direct += 1;
        assert!(direct.scratch_bytes() >= (scratch.packed.len() + scratch.stored.len()) as u64);
        // Blocks on the diagonal once more, with half of the bands.
        if at.0 == at.1 {
            read_half(&direct, &file, &mut scratch, at, &planes);
        }
        for (band, plane) in header.bands.iter().zip(&planes) {
            let origin = (at.0 * header.bands[0].block.0, at.1 * header.bands[0].block.1);
            let raster = dataset.rasterband(band.number).unwrap();
            let said = by_gdal(&raster, band.dtype, origin, (width, height));
            let said = said.unwrap_or_else(|e| panic!("{path:?}: block {at:?}: GDAL refuses it: {e}"));
            assert!(said == *plane, "{path:?}: block {at:?}, band {}: GDAL gives other samples", band.number);
        }
    }
    Ok(seen)
}

/// Every second band alone: the same samples, and nothing of the others.
fn read_half(
    direct: &DirectFile,
    file: &File,
    scratch: &mut Scratch,
    at: (usize, usize),
    planes: &[Vec<u8>],
) {
    let mut half: Vec<_> = planes.iter().map(|p| vec![0x5A_u8; p.len()]).collect();
    let wanted = half.iter_mut().enumerate().map(|(n, p)| (n % 2 == 0).then_some(&mut p[..]));
    direct.read_block(file, scratch, at, &mut wanted.collect::<Vec<_>>()).unwrap();
    for (n, half) in half.iter().enumerate() {
        assert!(if n % 2 == 0 { *half == planes[n] } else { half.iter().all(|b| *b == 0x5A) });
    }
}

/// The bytes of the samples in a window.
fn by_gdal(
    band: &RasterBand<'_>,
    dtype: DataType,
    origin: (usize, usize),
    size: (usize, usize),
) -> Result<Vec<u8>, String> {
    match dtype {
        DataType::UInt8 => window::<u8>(band, origin, size),
        // Before GDAL 3.7 they come as unsigned ones.
        DataType::Int8 => Ok(window::<i16>(band, origin, size)?
            .chunks_exact(2)
            .map(|wide| i16::from_ne_bytes([wide[0], wide[1]]) as u8)
            .collect()),
        DataType::UInt16 => window::<u16>(band, origin, size),
        DataType::Int16 => window::<i16>(band, origin, size),
        DataType::UInt32 => window::<u32>(band, origin, size),
        DataType::Int32 => window::<i32>(band, origin, size),
        _ => window::<f32>(band, origin, size),
    }
}

fn window<T: GdalType + bytemuck::Pod>(
    band: &RasterBand<'_>,
    (col, row): (usize, usize),
    size: (usize, usize),
) -> Result<Vec<u8>, String> {
    let mut samples = vec![T::zeroed(); size.0 * size.1];
    checked(|| band.read_into_slice((col as isize, row as isize), size, size, &mut samples, None))?;
    Ok(bytemuck::cast_slice(&samples).to_vec())
}

/// Takes `bytes` for a file and compares what is read of it directly with what GDAL reads.
///
/// # Panics
/// Where they differ.
#[cfg(fuzzing)]
pub fn fuzz_direct(bytes: &[u8]) {
    use std::io::Write;
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file can be made");
    file.write_all(bytes).expect("a temporary file can be written");
    // Headers of ten thousands of bands take minutes, and find nothing that a few bands do not.
    if access::open(file.path(), &Access::default()).is_ok_and(|dataset| dataset.raster_count() <= 32) {
        let _ = compare(file.path(), 16);
    }
}
