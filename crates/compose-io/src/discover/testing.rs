//! Folders of tiny rasters for tests. A raster is a VRT without sources, which GDAL recognises by its
//! content whatever the name: names, types and tags can then be anything.

use crate::crs::CrsRegistry;
use crate::scene::{Found, FoundScene, SceneSource, ScenesQuery};
use crate::{discover, preset};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// One band of a [`Raster`].
#[derive(Clone, Default)]
pub struct Band {
    pub dtype: Option<&'static str>,
    pub description: &'static str,
    pub nodata: Option<f64>,
    pub scale_offset: Option<(f64, f64)>,
    pub alpha: bool,
}

/// What a file is to look like.
#[derive(Clone, Default)]
pub struct Raster {
    pub pixel: Option<f64>,
    pub bands: Vec<Band>,
    /// Domain, key, value.
    pub tags: Vec<(&'static str, &'static str, &'static str)>,
}

/// A raster with one band.
pub fn single(band: Band) -> Raster {
    Raster { bands: vec![band], ..Raster::default() }
}

/// A raster with one band of 16 bits.
pub fn plain() -> Raster {
    single(Band::default())
}

/// A raster with these descriptions.
pub fn described(descriptions: &[&'static str]) -> Raster {
    let bands = descriptions.iter().map(|&description| Band { description, ..Band::default() });
    Raster { bands: bands.collect(), ..Raster::default() }
}

impl Raster {
    pub fn tagged(self, domain: &'static str, key: &'static str, value: &'static str) -> Self {
        Self { tags: vec![(domain, key, value)], ..self }
    }

    fn xml(&self) -> String {
        let pixel = self.pixel.unwrap_or(30.0);
        let mut xml = format!(
            "<VRTDataset rasterXSize=\"4\" rasterYSize=\"3\"><SRS>EPSG:32613</SRS>\
             <GeoTransform>455655, {pixel}, 0, 4428465, 0, -{pixel}</GeoTransform>"
        );
        for (domain, key, value) in &self.tags {
            write!(xml, "<Metadata domain=\"{domain}\"><MDI key=\"{key}\">{value}</MDI></Metadata>").unwrap();
        }
        for (index, band) in self.bands.iter().enumerate() {
            band.write(&mut xml, index + 1);
        }
        xml + "</VRTDataset>"
    }
}

impl Band {
    fn write(&self, xml: &mut String, number: usize) {
        let dtype = self.dtype.unwrap_or("UInt16");
        write!(xml, "<VRTRasterBand dataType=\"{dtype}\" band=\"{number}\">").unwrap();
        if !self.description.is_empty() {
            write!(xml, "<Description>{}</Description>", self.description).unwrap();
        }
        if let Some(nodata) = self.nodata {
            write!(xml, "<NoDataValue>{nodata}</NoDataValue>").unwrap();
        }
        if let Some((scale, offset)) = self.scale_offset {
            write!(xml, "<Offset>{offset}</Offset><Scale>{scale}</Scale>").unwrap();
        }
        if self.alpha {
            xml.push_str("<ColorInterp>Alpha</ColorInterp>");
        }
        xml.push_str("</VRTRasterBand>");
    }
}

/// A folder that goes away with the test.
pub struct Folder(TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A folder with plain rasters of these names.
    pub fn with(names: &[&str]) -> Self {
        names.iter().fold(Self::new(), |folder, name| folder.raster(name, &plain()))
    }

    pub fn raster(self, name: &str, raster: &Raster) -> Self {
        self.file(name, &raster.xml())
    }

    pub fn file(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A query for the whole folder.
    pub fn query(&self, preset: &str) -> ScenesQuery {
        ScenesQuery {
            base: self.0.path().to_owned(),
            preset: (!preset.is_empty()).then(|| preset::find(preset).unwrap()),
            paths: vec![".".into()],
            ..ScenesQuery::default()
        }
    }

    /// The text without the folder's own, changing, name; `DIR` where it stands alone.
    pub fn stable(&self, text: &str) -> String {
        let folder = self.0.path().display().to_string();
        text.replace(&format!("{folder}/"), "").replace(&folder, "DIR")
    }

    /// What is wrong with finding.
    pub fn refused(&self, query: &ScenesQuery) -> String {
        self.stable(&find(query).expect_err("expected a refusal").to_string())
    }

    /// What is wrong with opening the first scene.
    pub fn not_opened(&self, query: &ScenesQuery) -> String {
        let scene = first(query);
        let error = discover::open_scene(&scene, query, None, &CrsRegistry::new()).map(|_| ());
        self.stable(&error.expect_err("expected a refusal").to_string())
    }
}

pub fn find(query: &ScenesQuery) -> Result<Found, discover::DiscoverError> {
    discover::find_scenes(query, &CrsRegistry::new())
}

pub fn first(query: &ScenesQuery) -> FoundScene {
    find(query).unwrap_or_else(|e| panic!("{e}")).scenes.remove(0)
}

/// The first scene, opened.
pub fn opened(query: &ScenesQuery) -> SceneSource {
    opened_as(query, None)
}

pub fn opened_as(query: &ScenesQuery, wanted: Option<&[&str]>) -> SceneSource {
    let wanted: Option<Vec<String>> = wanted.map(|w| w.iter().map(|&n| n.into()).collect());
    let scene = discover::open_scene(&first(query), query, wanted.as_deref(), &CrsRegistry::new());
    scene.unwrap_or_else(|e| panic!("{e}"))
}

/// Names of the wanted bands, a bar, and names of the others.
pub fn names(source: &SceneSource) -> String {
    let names: Vec<&str> = source.facts.bands.iter().map(|b| b.name.as_str()).collect();
    let (wanted, others) = names.split_at(source.facts.wanted);
    format!("{} | {}", wanted.join(" "), others.join(" ")).trim().to_owned()
}

/// The shared data beside the repository, or in the folder that COMPOSE_SHARED names; says plainly when absent.
pub fn shared(set: &str) -> Option<PathBuf> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("COMPOSE_SHARED").map_or_else(beside, PathBuf::from);
    let folder = folder.join("data").join(set);
    if folder.exists() {
        eprintln!("shared data: {set}: tested");
        return Some(folder);
    }
    eprintln!("shared data: {set}: absent, not tested");
    None
}
