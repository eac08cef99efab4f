//! Files with one bit changed, or cut short: refused, remarked on, or what they were.

use super::*;
use crate::{BandRef, Reading, TileStore, Valid};
use compose_core::Window;
use gdal::DriverManager;
use gdal::cpl::CslStringList;
use gdal::raster::Buffer;
use gdal::spatial_ref::SpatialRef;
use std::collections::BTreeMap;
use std::sync::Arc;

const SIZE: (usize, usize) = (16, 12);

/// A small file with all that a header of ours has; its own parameters of a projection need doubles in its tags.
fn write(path: &Path, system: &str, options: &[&str]) {
    let driver = DriverManager::get_driver_by_name("GTiff").unwrap();
    let options: CslStringList = options.iter().copied().collect();
    let mut dataset =
        driver.create_with_band_type_with_options::<u16, _>(path, SIZE.0, SIZE.1, 1, &options).unwrap();
    dataset.set_spatial_ref(&SpatialRef::from_definition(system).unwrap()).unwrap();
    dataset.set_geo_transform(&[405_000.0, 30.0, 0.0, 4_500_000.0, 0.0, -30.0]).unwrap();
    let mut band = dataset.rasterband(1).unwrap();
    band.set_no_data_value(Some(7.0)).unwrap();
    band.set_scale(2.75e-5).unwrap();
    band.set_offset(-0.2).unwrap();
    let mut samples = Buffer::new(SIZE, (0..192).collect());
    band.write((0, 0), SIZE, &mut samples).unwrap();
    dataset.close().unwrap();
}

/// What a run would take from the file.
#[derive(Debug, PartialEq)]
struct Taken {
    grid: (usize, usize, Transform, bool),
    crs: Option<String>,
    nodata: Option<f64>,
    scale_offset: Option<(f64, f64)>,
    kind: (DataType, MaskSource, bool, usize),
    pixels: Vec<f32>,
}

impl Taken {
    fn of(header: &FileHeader) -> Result<Self, IoError> {
        let band = &header.bands[0];
        let grid = &header.grid;
        let mut pixels = vec![0.0; SIZE.0 * SIZE.1];
        let mut valid = vec![0; SIZE.0 * SIZE.1];
        let (window, store) = (Window::whole(SIZE.0, SIZE.1), TileStore::new(1 << 20, 1));
        let source = BandRef::new(Arc::new(header.clone()), band, Vec::new());
        store.read_data(&source, Reading::once(window), &mut pixels, Valid::Set(&mut valid))?;
        Ok(Self {
            grid: (grid.width, grid.height, grid.transform, header.georeferenced),
            crs: grid.crs.as_ref().map(|crs| crs.wkt.clone()),
            nodata: band.nodata,
            scale_offset: band.scale_offset,
            kind: (band.dtype, band.mask, band.is_alpha, header.bands.len()),
            pixels,
        })
    }

    /// What is different, in a word.
    fn difference(&self, other: &Self) -> Option<&'static str> {
        let lost = |a: bool, b: bool, lost, changed| if a && !b { lost } else { changed };
        if self.grid.3 != other.grid.3 || self.grid != other.grid {
            return Some(lost(self.grid.3, other.grid.3, "place lost", "place"));
        }
        if self.crs != other.crs {
            return Some(lost(self.crs.is_some(), other.crs.is_some(), "system lost", "system"));
        }
        if self.nodata != other.nodata {
            return Some(lost(self.nodata.is_some(), other.nodata.is_some(), "nodata lost", "nodata"));
        }
        let scaled = |t: &Self| t.scale_offset.is_some();
        if self.scale_offset != other.scale_offset {
            return Some(lost(scaled(self), scaled(other), "scale lost", "scale"));
        }
        if self.kind != other.kind {
            return Some("kind");
        }
        (self.pixels != other.pixels).then_some("pixels")
    }
}

/// What became of damaged files, with an example of each: the byte, or where the file ends.
type Fates = BTreeMap<&'static str, Vec<String>>;

fn fate(path: &Path, bytes: &[u8], sound: &Taken, systems: &CrsRegistry) -> &'static str {
    std::fs::write(path, bytes).unwrap();
    match FileHeader::read(path, systems, &Access::default()) {
        Err(_) => "refused",
        Ok(header) if !header.remarks.is_empty() => "remarked",
        Ok(header) => match Taken::of(&header) {
            Err(_) => "refused",
            Ok(taken) => sound.difference(&taken).unwrap_or("same"),
        },
    }
}

/// Each of `bits` bits of every byte but the samples', and every end.
fn fates_of(system: &str, options: &[&str], bits: usize) -> Fates {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    write(&path, system, options);
    let sound = std::fs::read(&path).unwrap();
    let systems = CrsRegistry::new();
    let header = FileHeader::read(&path, &systems, &Access::default()).unwrap();
    assert_eq!(header.remarks, Vec::<String>::new());
    let taken = Taken::of(&header).unwrap();
    let mut fates = Fates::new();
    let samples = SIZE.0 * SIZE.1 * 2;
    for at in 0..sound.len() - samples {
        for bit in (at % 8..).step_by(3).take(bits).map(|bit| bit % 8) {
            let mut bytes = sound.clone();
            bytes[at] ^= 1 << bit;
            let fate = fate(&path, &bytes, &taken, &systems);
            fates.entry(fate).or_default().push(format!("{at}.{bit}"));
        }
    }
    for end in 0..sound.len() {
        fates.entry(fate(&path, &sound[..end], &taken, &systems)).or_default().push(format!("to {end}"));
    }
    fates
}

/// Bits that change one number into another, or one code into another, make a file that is as good as any.
#[test]
fn no_damage_to_a_header_loses_place_system_or_nodata_in_silence() {
    for (system, bits, options) in [
        ("EPSG:32613", 4, &[][..]),
        (
            "+proj=laea +lat_0=52 +lon_0=10 +x_0=4321000 +y_0=3210000 +ellps=GRS80 +units=m",
            1,
            &["BIGTIFF=YES", "ENDIANNESS=BIG"],
        ),
    ] {
        let fates = fates_of(system, options, bits);
        eprintln!("{system} {options:?}");
        for (fate, files) in &fates {
            let some: Vec<_> = files.iter().take(12).map(String::as_str).collect();
            eprintln!("{:6} {fate}: {}", files.len(), some.join(" "));
        }
        let count = |fate: &str| fates.get(fate).map_or(0, Vec::len);
        for lost in ["place lost", "system lost", "nodata lost"] {
            assert_eq!(count(lost), 0, "{lost}: {:?}", fates[lost]);
        }
        assert!(count("refused") > 500 && count("same") > 100, "the damage hardly did any");
        let cut = |fate: &str| {
            let files = fates.get(fate).into_iter().flatten();
            files.filter(|f| f.starts_with("to ")).cloned().collect::<Vec<_>>()
        };
        for fate in fates.keys().filter(|fate| !["refused", "same", "remarked"].contains(fate)) {
            assert_eq!(cut(fate), Vec::<String>::new(), "cut short: {fate}");
        }
    }
}

#[test]
fn what_gdal_warns_of_at_the_header_is_told_with_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    write(&path, "EPSG:32613", &[]);
    let sound = std::fs::read(&path).unwrap();
    // Tags out of their order: libtiff warns, and reads them.
    let swapped = [&sound[..10], &sound[22..34], &sound[10..22], &sound[34..]].concat();
    std::fs::write(&path, swapped).unwrap();
    let header = FileHeader::read(&path, &CrsRegistry::new(), &Access::default()).unwrap();
    assert_eq!(header.remarks.len(), 1, "{:?}", header.remarks);
    assert!(header.remarks[0].starts_with("GDAL warns: "), "{:?}", header.remarks);
}

/// A file's bytes with the only place where eight bytes hold `from` holding `to`.
fn with_double(sound: &[u8], from: f64, to: f64) -> Vec<u8> {
    let places: Vec<usize> =
        (0..sound.len() - 7).filter(|at| sound[*at..at + 8] == from.to_le_bytes()).collect();
    let [place] = places[..] else { panic!("{from} is there {} times", places.len()) };
    let mut bytes = sound.to_vec();
    bytes[place..place + 8].copy_from_slice(&to.to_le_bytes());
    bytes
}

/// The tie point says where the first pixel lies.
#[test]
fn a_tie_point_that_is_no_place_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    write(&path, "EPSG:32613", &[]);
    let sound = std::fs::read(&path).unwrap();
    let read = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        FileHeader::read(&path, &CrsRegistry::new(), &Access::default())
    };
    assert_eq!(read(&sound).unwrap().grid.transform.x0, 405_000.0);
    for value in [405_000.0, 4_500_000.0] {
        for damaged in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let said = read(&with_double(&sound, value, damaged)).unwrap_err().to_string();
            assert!(said.contains("a.tif") && said.lines().count() == 1, "{value} → {damaged}: {said}");
        }
    }
    // Pixels that are not square numbers apart, or of no size.
    let scale = [30.0_f64.to_le_bytes(), 30.0_f64.to_le_bytes()].concat();
    let at = sound.windows(16).position(|bytes| bytes == scale).unwrap();
    for damaged in [0.0, f64::NAN, f64::INFINITY] {
        let mut bytes = sound.clone();
        bytes[at..at + 8].copy_from_slice(&damaged.to_le_bytes());
        let said = read(&bytes).map(|header| header.remarks).unwrap_err().to_string();
        assert!(said.contains("a.tif"), "{damaged}: {said}");
    }
}

/// A system that lies nowhere on Earth is what damaged GeoKeys often leave.
#[test]
fn a_local_system_is_remarked_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.tif");
    write(&path, "LOCAL_CS[\"pit 7\",UNIT[\"metre\",1]]", &[]);
    let header = FileHeader::read(&path, &CrsRegistry::new(), &Access::default()).unwrap();
    assert_eq!(
        header.remarks,
        ["its coordinate system \"pit 7\" is a local one, and nothing says where on Earth that lies"]
    );
    write(&path, "EPSG:32613", &[]);
    let header = FileHeader::read(&path, &CrsRegistry::new(), &Access::default()).unwrap();
    assert_eq!(header.remarks, Vec::<String>::new());
}
