//! Headers that newer versions of GDAL know more of.

use super::*;
use crate::{BandRef, Reading, TileStore, Valid};
use compose_core::Window;
use std::sync::Arc;
use tempfile::TempDir;
use tiff::encoder::colortype::{ColorType, Gray16};
use tiff::encoder::{TiffEncoder, TiffValue};
use tiff::tags::{PhotometricInterpretation, SampleFormat, Tag as TiffTag};

fn header(path: &Path) -> Result<FileHeader, IoError> {
    FileHeader::read(path, &CrsRegistry::new(), &Access::default())
}

/// A TIFF of 4 × 1 pixels; `metadata` is the text of its tag 42112 (GDAL_METADATA).
fn tiff<C: ColorType>(folder: &TempDir, samples: &[C::Inner], metadata: &str) -> PathBuf
where
    [C::Inner]: TiffValue,
{
    let path = folder.path().join("a.tif");
    let mut encoder = TiffEncoder::new(std::fs::File::create(&path).unwrap()).unwrap();
    let mut image = encoder.new_image::<C>(4, 1).unwrap();
    if !metadata.is_empty() {
        image.encoder().write_tag(TiffTag::Unknown(42112), metadata).unwrap();
    }
    image.write_data(samples).unwrap();
    path
}

/// Samples of the first band, and which are valid, read by GDAL.
fn samples(path: &Path) -> (Vec<f32>, Vec<u8>) {
    let file = Arc::new(header(path).unwrap());
    let band = BandRef::new(file.clone(), &file.bands[0], file.bands[0].nodata.into_iter().collect());
    let (mut values, mut valid) = (vec![0.0; 4], vec![0; 4]);
    let at = Reading::once(Window::whole(4, 1));
    TileStore::new(1 << 20, 1).read_data(&band, at, &mut values, Valid::Set(&mut valid)).unwrap();
    (values, valid)
}

#[test]
fn a_tiff_with_a_colour_of_gdal_3_10_is_read_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    for colour in ["NIR", "RedEdge", "SWIR", "Pan", "Coastal", "SAR_Ka", "NotThought Of"] {
        let metadata = format!(
            r#"<GDALMetadata><Item name="COLORINTERP" sample="0" role="colorinterp">{colour}</Item></GDALMetadata>"#
        );
        let header = header(&tiff::<Gray16>(&folder, &[1, 2, 3, 4], &metadata)).unwrap();
        let band = &header.bands[0];
        assert_eq!((band.dtype, band.is_alpha, band.mask), (DataType::UInt16, false, MaskSource::None));
    }
}

#[test]
fn an_alpha_band_is_found_behind_colours_of_any_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.vrt");
    let band = |number: usize, colour: &str| {
        format!(
            "<VRTRasterBand dataType=\"UInt16\" band=\"{number}\"><NoDataValue>0</NoDataValue>\
             <ColorInterp>{colour}</ColorInterp></VRTRasterBand>"
        )
    };
    let bands = ["Red", "RedEdge", "NIR", "MWIR", "Alpha"].iter().enumerate();
    let bands: String = bands.map(|(index, colour)| band(index + 1, colour)).collect();
    std::fs::write(&path, format!("<VRTDataset rasterXSize=\"4\" rasterYSize=\"1\">{bands}</VRTDataset>"))
        .unwrap();
    let header = header(&path).unwrap();
    let alpha: Vec<bool> = header.bands.iter().map(|b| b.is_alpha).collect();
    assert_eq!(alpha, [false, false, false, false, true]);
    assert!(header.bands[..4].iter().all(|b| b.mask == MaskSource::Alpha(5)));
}

/// Floats of 16 bits (IEEE 754-2008, binary16).
struct Half;

impl ColorType for Half {
    type Inner = u16;
    const TIFF_VALUE: PhotometricInterpretation = PhotometricInterpretation::BlackIsZero;
    const BITS_PER_SAMPLE: &'static [u16] = &[16];
    const SAMPLE_FORMAT: &'static [SampleFormat] = &[SampleFormat::IEEEFP];
    fn horizontal_predict(_: &[u16], _: &mut Vec<u16>) {
        unreachable!("nothing is compressed")
    }
}

#[test]
fn half_floats_are_single_ones_to_every_gdal() {
    let folder = tempfile::tempdir().unwrap();
    let path = tiff::<Half>(&folder, &[0x3C00, 0xC000, 0x7BFF, 0x0001], "");
    assert_eq!(header(&path).unwrap().bands[0].dtype, DataType::Float32);
    let smallest = 2.0_f32.powi(-24);
    assert_eq!(samples(&path).0, [1.0, -2.0, 65504.0, smallest]);
}

/// Signed whole numbers of 8 bits.
struct Signed;

impl ColorType for Signed {
    type Inner = i8;
    const TIFF_VALUE: PhotometricInterpretation = PhotometricInterpretation::BlackIsZero;
    const BITS_PER_SAMPLE: &'static [u16] = &[8];
    const SAMPLE_FORMAT: &'static [SampleFormat] = &[SampleFormat::Int];
    fn horizontal_predict(_: &[i8], _: &mut Vec<i8>) {
        unreachable!("nothing is compressed")
    }
}

#[test]
fn signed_bytes_keep_what_is_below_zero_in_every_gdal() {
    let folder = tempfile::tempdir().unwrap();
    let path = tiff::<Signed>(&folder, &[-128, -1, 0, 127], "");
    assert_eq!(header(&path).unwrap().bands[0].dtype, DataType::Int8);
    assert_eq!(samples(&path), (vec![-128.0, -1.0, 0.0, 127.0], vec![1; 4]));
}
