//! Scenes of a STAC catalogue: each item is one, its assets are its files.

use super::names::Names;
use super::{DiscoverError, superseded};
use crate::preset::{self, BandSpec, Preset, Sensor};
use crate::scene::{
    AssetFacts, BesidePlace, Codes, Found, FoundFile, FoundScene, ItemFacts, Offset, ScenesQuery, StacSource,
    Without,
};
use compose_core::quality::{self, OwnField, word};
use compose_core::{Day, Sun};
use compose_stac::{Asset, Band, Client, Href, Item, Items, Options};
use std::path::PathBuf;

/// Collections of items, and the products that they hold: Earth Search, Planetary Computer, USGS, LP DAAC.
const COLLECTIONS: [(&str, &str); 11] = [
    ("sentinel-2-l2a", "sentinel-2-l2a"),
    ("sentinel-2-c1-l2a", "sentinel-2-l2a"),
    ("sentinel-2-pre-c1-l2a", "sentinel-2-l2a"),
    ("sentinel-s2-l2a-cogs", "sentinel-2-l2a"),
    ("landsat-c2-l2", "landsat-c2-l2"),
    ("landsat-c2l2-sr", "landsat-c2-l2"),
    ("landsat-c2l2alb-sr", "landsat-c2-l2"),
    ("landsat-c2-l1", "landsat-c2-l1"),
    ("hls2-l30", "hls-v2"),
    ("hls2-s30", "hls-v2"),
    ("hlsl30", "hls-v2"),
];

/// Common names of the `eo` extension, and what the presets call the same bands.
const COMMON: [(&str, &[&str]); 11] = [
    ("nir08", &["nir-narrow", "nir"]),
    ("nir09", &["water-vapour"]),
    ("rededge071", &["rededge1"]),
    ("rededge074", &["rededge2"]),
    ("rededge078", &["rededge3"]),
    ("swir16", &["swir1"]),
    ("swir22", &["swir2"]),
    ("lwir", &["thermal1"]),
    ("lwir11", &["thermal1"]),
    ("lwir12", &["thermal2"]),
    ("pixel_qa", &["QA_PIXEL"]),
];

/// Finds the scenes of a catalogue. No asset is opened.
///
/// # Errors
/// A document that cannot be read, or an item that is not understood.
pub(super) fn find(query: &ScenesQuery, source: &StacSource) -> Result<Found, DiscoverError> {
    let Items { items, remarks, documents } = match source {
        StacSource::Document(text) => {
            let href = match Href::parse(text) {
                Href::File(path) => Href::File(query.base.join(path)),
                address => address,
            };
            // An address that the rules file names is asked for; what a document on disk links to there is not.
            let client = matches!(href, Href::Url(_)).then(|| Client::new(Options::default()));
            compose_stac::read(&href, client.as_ref())?
        }
        StacSource::Search(search) => compose_stac::search(search, &Client::new(Options::default()))?,
    };
    let left_out = superseded::of(&items);
    let mut scenes = Vec::with_capacity(items.len());
    for (item, left_out) in items.iter().zip(left_out) {
        scenes.push(FoundScene { left_out, ..scene(item, query)? });
    }
    let documents = documents.into_iter().filter_map(|document| match document {
        Href::File(path) => Some(path),
        Href::Url(_) => None,
    });
    Ok(Found { scenes, notes: remarks, documents: documents.collect() })
}

/// The product of a collection; names of collections carry versions, as in `HLSL30.v2.0`.
fn preset_of(item: &Item) -> Option<&'static Preset> {
    let collection = item.collection.as_deref()?.to_lowercase();
    let name = collection.split(['.', '_']).next().unwrap_or(&collection);
    let is = |known: &&(&str, &str)| {
        known.0 == collection || known.0 == name || (known.0 == "hlsl30" && name == "hlss30")
    };
    let (_, product) = COLLECTIONS.iter().find(is)?;
    preset::find(product).ok()
}

fn scene(item: &Item, query: &ScenesQuery) -> Result<FoundScene, DiscoverError> {
    if item.id.chars().any(char::is_control) {
        let id = item.id.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        return Err(DiscoverError::ItemId { id });
    }
    let preset = query.preset.or_else(|| preset_of(item));
    let sensor = preset.and_then(|preset| preset.sensor(&item.id));
    let mut notes = item.remarks.clone();
    let product = preset.map(|preset| Product::new(preset, sensor)).transpose()?;
    let mut files = Vec::new();
    for (asset, spec) in rasters(item, product.as_ref()) {
        files.extend(files_of(item, asset, spec, &mut notes));
    }
    // Of two that are called alike, the one with a file of its own counts.
    files.sort_by_key(|file| file.number.is_some());
    let without = beside(item, query, &mut files, &mut notes);
    if query.offset.is_none()
        && item.offset_applied == Some(true)
        && files.iter().any(|f| f.asset.as_ref().is_some_and(|a| a.offset == Offset::Applied))
    {
        notes.push(
            "earthsearch:boa_offset_applied is true: its numbers have the offset already, and the offset that its bands \
             state is taken for 0"
                .into(),
        );
    }
    let time = item.datetime;
    Ok(FoundScene {
        id: item.id.clone(),
        day: Some(Day::from(time.date_naive())),
        files,
        sensor,
        baseline: item.baseline,
        mtl: None,
        notes,
        without,
        left_out: None,
        preset: preset.filter(|_| query.preset.is_none()),
        sun: item.sun.map(|sun| Sun { elevation: sun.elevation, azimuth: sun.azimuth }),
        item: Some(ItemFacts {
            document: item.document.to_string(),
            time,
            platform: item.platform.clone(),
            constellation: item.constellation.clone(),
            grid_code: item.grid_code.clone(),
        }),
    })
}

/// A product, and how the names of its files are read.
struct Product {
    preset: &'static Preset,
    sensor: Option<&'static Sensor>,
    names: Names,
}

impl Product {
    fn new(preset: &'static Preset, sensor: Option<&'static Sensor>) -> Result<Self, DiscoverError> {
        let names = Names::new(&ScenesQuery { preset: Some(preset), ..ScenesQuery::default() })?;
        Ok(Self { preset, sensor, names })
    }

    /// The band of the product that an asset holds: by its key, the name of its band, the name of its file, its common
    /// name.
    fn band(&self, asset: &Asset) -> Option<BandSpec> {
        let band = asset.bands.first();
        let file = match &asset.href {
            Href::File(path) => path.clone(),
            Href::Url(address) => PathBuf::from(address.split(['?', '#']).next().unwrap_or_default()),
        };
        let in_file = self.names.read(&file).and_then(Result::ok).and_then(|named| named.band);
        let common = band.and_then(|band| band.common_name.clone());
        let names =
            [Some(asset.key.clone()), band.and_then(|band| band.name.clone()), in_file, common.clone()];
        let known = names.into_iter().flatten().find_map(|name| self.named(&name));
        known.or_else(|| {
            [Some(asset.key.clone()), common].into_iter().flatten().find_map(|name| self.common(&name))
        })
    }

    fn named(&self, name: &str) -> Option<BandSpec> {
        self.preset.band(self.sensor, name)
    }

    fn common(&self, name: &str) -> Option<BandSpec> {
        let (_, others) = COMMON.iter().find(|(common, _)| common.eq_ignore_ascii_case(name))?;
        others.iter().find_map(|name| self.named(name))
    }
}

/// The assets that are rasters of one grid, each with the band of the product that it holds. Where two hold the same band
/// (a JPEG 2000 beside the GeoTIFF), it is the first whose key says so; pictures in colour are left out.
fn rasters<'a>(item: &'a Item, product: Option<&Product>) -> Vec<(&'a Asset, Option<BandSpec>)> {
    let is_picture =
        |asset: &&Asset| asset.roles.iter().any(|role| role == "visual") && asset.bands.len() != 1;
    let assets: Vec<&Asset> =
        item.assets.iter().filter(|a| a.is_raster()).filter(|a| !is_picture(a)).collect();
    let Some(product) = product else { return assets.into_iter().map(|asset| (asset, None)).collect() };
    let by_key = |asset: &Asset| product.named(&asset.key).or_else(|| product.common(&asset.key));
    let mut taken: Vec<&str> =
        assets.iter().filter_map(|asset| by_key(asset)).map(|spec| spec.name).collect();
    let mut all = Vec::with_capacity(assets.len());
    for asset in assets {
        let spec = by_key(asset).or_else(|| {
            let spec = product.band(asset).filter(|spec| !taken.contains(&spec.name))?;
            taken.push(spec.name);
            Some(spec)
        });
        all.push((asset, spec));
    }
    all
}

/// The bands of an asset, one file each.
fn files_of(item: &Item, asset: &Asset, spec: Option<BandSpec>, notes: &mut Vec<String>) -> Vec<FoundFile> {
    let path = path_of(asset);
    let none = Band::default();
    let bands: Vec<&Band> = if asset.bands.is_empty() { vec![&none] } else { asset.bands.iter().collect() };
    let many = bands.len() > 1;
    let file = |(nth, band): (usize, &&Band)| {
        let own = band.name.clone().unwrap_or_else(|| format!("{}", nth + 1));
        let key = if many { format!("{}:{own}", asset.key) } else { asset.key.clone() };
        let name = spec.filter(|_| !many).map_or_else(|| key.clone(), |spec| spec.name.to_owned());
        let mut aliases = vec![key];
        aliases.extend(band.common_name.clone());
        aliases.extend(band.name.clone());
        aliases.retain(|alias| *alias != name);
        aliases.dedup();
        FoundFile {
            number: many.then_some(nth + 1),
            asset: Some(AssetFacts {
                key: asset.key.clone(),
                flaw: asset.flaw.clone(),
                aliases,
                nodata: band.nodata,
                scale: band.scale,
                offset: offset(item, band),
                codes: codes(asset, band, notes),
                shape: asset.shape,
                transform: asset.transform,
                crs: asset.crs.clone(),
            }),
            ..FoundFile::new(path.clone(), Some(name))
        }
    };
    bands.iter().enumerate().map(file).collect()
}

/// Where GDAL finds an asset. What may be a signature or a password is left out, as this path is printed and saved: the query
/// and the user of an address, and a query behind the name of a file that is not there.
fn path_of(asset: &Asset) -> PathBuf {
    match &asset.href {
        Href::File(path) => match path.to_str().and_then(|text| text.split_once('?')) {
            Some((plain, _)) if !path.exists() => PathBuf::from(plain),
            _ => path.clone(),
        },
        address => {
            let plain = address.to_string();
            PathBuf::from(Href::Url(plain.clone()).gdal_path().unwrap_or(plain))
        }
    }
}

fn offset(item: &Item, band: &Band) -> Offset {
    match (band.offset, item.offset_applied) {
        (Some(offset), Some(true)) if offset != 0.0 => Offset::Applied,
        (Some(offset), Some(false)) => Offset::NotApplied(offset),
        (Some(offset), _) => Offset::Stated(offset),
        (None, Some(true)) => Offset::Applied,
        (None, _) => Offset::Unknown,
    }
}

/// What the item says of the codes of a band: its bit fields before its classes.
fn codes(asset: &Asset, band: &Band, notes: &mut Vec<String>) -> Option<Codes> {
    let classes =
        |of: &[compose_stac::Class]| of.iter().map(|c| (c.value, word(&c.name))).collect::<Vec<_>>();
    let codes = if !band.bitfields.is_empty() {
        let field = |of: &compose_stac::Bitfield| OwnField {
            name: word(&of.name),
            offset: of.offset,
            width: of.length,
            classes: levels(word(&of.name), of.length, classes(&of.classes)),
        };
        Codes::Fields(band.bitfields.iter().map(field).collect())
    } else if !band.classes.is_empty() {
        let mut classes = classes(&band.classes);
        // The nodata of a band is none of its classes, unless one has its number.
        let nodata = band.nodata.filter(|n| n.fract() == 0.0 && (0.0..f64::from(u32::MAX)).contains(n));
        if let Some(nodata) = nodata.map(|n| n as u32).filter(|n| classes.iter().all(|(value, _)| value != n))
        {
            classes.push((nodata, quality::nodata_class(nodata)));
        }
        Codes::Classes(classes)
    } else {
        return None;
    };
    match codes.layout(&asset.key) {
        Ok(_) => Some(codes),
        Err(why) => {
            notes.push(format!(
                "asset {}: what its codes mean is not understood: the description {why}",
                asset.key
            ));
            None
        }
    }
}

/// The classes of a field. A single bit is a flag, whose 1 means its name; one whose 0 does keeps its classes, so that nobody takes
/// it for a flag.
fn levels(name: String, width: u32, classes: Vec<(u32, String)>) -> Vec<(u32, String)> {
    let of = |value: u32| classes.iter().find(|(v, _)| *v == value).map_or("", |(_, name)| name.as_str());
    let (off, on) = (of(0), of(1));
    let inverted = quality::is_negation(on) || off == name || (on != name && quality::means_fill(off));
    if width == 1 && !inverted { Vec::new() } else { classes }
}

/// Adds the assets that `[[scenes.beside]]` names; gives those that the item does not have.
fn beside(
    item: &Item,
    query: &ScenesQuery,
    files: &mut Vec<FoundFile>,
    notes: &mut Vec<String>,
) -> Vec<Without> {
    let mut without = Vec::new();
    for (number, beside) in query.beside.iter().enumerate() {
        let BesidePlace::Asset(key) = &beside.place else { continue };
        let Some(asset) = item.assets.iter().find(|asset| asset.key == *key) else {
            without.push(Without { beside: number, reason: format!("it has no asset {key}") });
            continue;
        };
        let nth = beside.number.unwrap_or(1).saturating_sub(1);
        let band = files_of(item, asset, None, notes).into_iter().nth(nth);
        // The asset may have been taken for one of the scene's own.
        files.retain(|file| {
            file.beside.is_some() || file.asset.as_ref().is_none_or(|facts| facts.key != *key)
        });
        let path = path_of(asset);
        let asset = band.and_then(|band| band.asset);
        files.push(FoundFile {
            beside: Some(number),
            asset,
            ..FoundFile::new(path, Some(beside.band.clone()))
        });
    }
    without
}
