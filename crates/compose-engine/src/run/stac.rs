//! A STAC item beside an image, and a collection over tiles: `[output] stac`.
//!
//! What is written where: STAC 1.1.0 with its extensions `projection` 2, `classification`, `processing` and `file`
//! (<https://github.com/radiantearth/stac-spec>, <https://github.com/stac-extensions>).

use super::composed::{STATISTIC_BASE, UNDEFINED};
use super::report::JobReport;
use crate::error::EngineError;
use crate::fitted::Fitted;
use crate::plan::{BandId, Job, Picture, SceneId};
use crate::rules::Rules;
use chrono::{DateTime, NaiveTime, Utc};
use compose_core::{Day, Grid};
use compose_io::crs::{CrsRegistry, Transformer};
use compose_io::files::{Digest, Drafts, from_folder_of};
use compose_io::scene::ItemFacts;
use compose_io::write::Pending;
use compose_stac::write::{
    Asset, Band, Collection, Extent, Fields, Item, Link, Processing, Projection, Time,
};
use compose_stac::{Bitfield, Class};
use compose_stac::{Footprint, footprint};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Points along each edge of the grid, for the footprint: a straight edge is a curve in degrees.
const POINTS: usize = 8;

/// Writes the item of an output under a temporary name. `files` are those of the output, which have theirs still.
///
/// # Errors
/// A file cannot be read, or the item cannot be written.
pub fn write(
    (path, drafts): (&Path, &Drafts),
    rules: &Rules,
    fitted: &Fitted,
    (index, counts): (usize, &JobReport),
    files: &[Pending],
) -> Result<Pending, EngineError> {
    let item = Made { path, rules, fitted, job: &fitted.jobs[index].job, counts, files }.item()?;
    put(path, drafts, &item.to_json())
}

/// Writes the collection of the tiles of an output under a temporary name. `items`: the name of each tile that has an image,
/// and its item.
///
/// # Errors
/// It cannot be written.
pub fn write_collection(
    (path, drafts): (&Path, &Drafts),
    (rules, fitted, index, counts): (&Rules, &Fitted, usize, &JobReport),
    items: Vec<(String, PathBuf)>,
) -> Result<Pending, EngineError> {
    let made = Made { path, rules, fitted, job: &fitted.jobs[index].job, counts, files: &[] };
    let mut collection = made.collection(items).to_json();
    // Another run tells by this that it may replace the file.
    collection["compose"] = json!(env!("CARGO_PKG_VERSION"));
    put(path, drafts, &collection)
}

fn put(path: &Path, drafts: &Drafts, json: &Value) -> Result<Pending, EngineError> {
    let text = serde_json::to_string_pretty(json)
        .map_err(|e| EngineError::Sidecar { path: path.to_owned(), cause: e.into() })?;
    Ok(compose_io::files::text_file(path, &(text + "\n"), drafts)?)
}

/// The name of a file without `.stac.json`.
fn stem(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".json").unwrap_or(&name);
    name.strip_suffix(".stac").unwrap_or(name).to_owned()
}

/// An output of which an item is made.
struct Made<'a> {
    path: &'a Path,
    rules: &'a Rules,
    fitted: &'a Fitted,
    job: &'a Job,
    counts: &'a JobReport,
    files: &'a [Pending],
}

impl Made<'_> {
    fn item(&self) -> Result<Item, EngineError> {
        let grid = self.job.file_grid();
        let (used, items) = (self.used(), self.items());
        let (collection, link) = self.of_collection().unzip();
        let agreed = |of: &dyn Fn(&ItemFacts) -> Option<String>| {
            let mut all = items.iter().map(|item| of(item));
            let first = all.next()??;
            (items.len() == used.len() && all.all(|other| other.as_ref() == Some(&first))).then_some(first)
        };
        Ok(Item {
            id: self.id(),
            collection,
            footprint: place(&grid),
            time: self.time(),
            title: None,
            description: None,
            created: None,
            platform: agreed(&|item| item.platform.clone()),
            constellation: agreed(&|item| item.constellation.clone()),
            instruments: Vec::new(),
            gsd: grid.pixel_metres().map(|(x, y)| x.min(y)),
            grid_code: agreed(&|item| item.grid_code.clone()),
            projection: Some(projection(&grid)),
            processing: self.processing(),
            properties: Fields::new(),
            assets: self.assets()?,
            links: link
                .into_iter()
                .chain(used.iter().map(|(scene, percent)| self.derived_from(*scene, *percent)))
                .collect(),
        })
    }

    /// The collection of all tiles.
    fn collection(&self, items: Vec<(String, PathBuf)>) -> Collection {
        let grid = self.job.file_grid();
        let interval = match self.time() {
            Time::At(time) => (time, time),
            Time::Between(start, end) => (start, end),
        };
        let link = |(title, item): (String, PathBuf)| Link {
            rel: "item".into(),
            href: from_folder_of(self.path, &item).to_string_lossy().into_owned(),
            media_type: Some("application/geo+json".into()),
            title: Some(title),
            fields: Fields::new(),
        };
        let mut summaries = Fields::new();
        if let Some(code) = projection(&grid).code {
            summaries.insert("proj:code".into(), json!([code]));
        }
        let sources = self.used().into_iter().map(|(scene, percent)| self.derived_from(scene, percent));
        Collection {
            id: stem(self.path),
            description: self.processing().lineage.unwrap_or_default(),
            license: "other".into(),
            extent: Extent { bbox: place(&grid).map(|place| place.bbox), interval: Some(interval) },
            summaries,
            links: items.into_iter().map(link).chain(sources).collect(),
            ..Collection::default()
        }
    }

    /// The link from the item of a tile to the collection of all, and the collection's name.
    fn of_collection(&self) -> Option<(String, Link)> {
        let path = self.job.output.collection.clone()?;
        let link = Link {
            rel: "collection".into(),
            href: from_folder_of(self.path, &path).to_string_lossy().into_owned(),
            media_type: Some("application/json".into()),
            ..Link::default()
        };
        Some((stem(&path), link))
    }

    fn id(&self) -> String {
        self.job.output.path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// The scenes that gave pixels, or whose statistic did, each with the percent of the pixels that are its own.
    fn used(&self) -> Vec<(SceneId, f64)> {
        let mut shares: BTreeMap<SceneId, f64> = BTreeMap::new();
        for stage in &self.counts.stages {
            for scene in &stage.scenes {
                match scene.index {
                    Some(index) => *shares.entry(SceneId(index)).or_default() += scene.percent,
                    None => {
                        let fill = stage.stage.checked_sub(1).and_then(|nth| self.job.fills.get(nth));
                        let donors = fill.iter().flat_map(|fill| fill.bound.planned().donors());
                        for donor in donors.map(|donor| SceneId(donor.scene)) {
                            if self.job.reaches(donor, self.job.part) {
                                shares.entry(donor).or_default();
                            }
                        }
                    }
                }
            }
        }
        shares.into_iter().collect()
    }

    /// What catalogues say of the scenes that were used.
    fn items(&self) -> Vec<&ItemFacts> {
        self.used().iter().filter_map(|(scene, _)| self.item_of(*scene)).collect()
    }

    fn item_of(&self, scene: SceneId) -> Option<&ItemFacts> {
        let stack = &self.fitted.plan.stack;
        let found = stack.found.scenes.iter().find(|(_, found)| found.id == stack.facts[scene].id);
        found.and_then(|(_, found)| found.item.as_ref())
    }

    /// The target's time; of a composite the time from its first scene to its last. A scene of which only the day is known
    /// takes all of it.
    fn time(&self) -> Time {
        let stack = &self.fitted.plan.stack;
        let of = |scene: SceneId| match (self.item_of(scene), stack.facts[scene].day) {
            (Some(item), _) => Some((item.time, item.time)),
            (None, day) => day.map(whole_day),
        };
        let scenes: Vec<SceneId> = match self.job.target {
            Some(target) => vec![target],
            None => self.used().into_iter().map(|(scene, _)| scene).collect(),
        };
        let around = |scenes: Vec<SceneId>| {
            scenes.into_iter().filter_map(of).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
        };
        let all = || around(stack.scene_ids().collect());
        let (start, end) =
            around(scenes).or(self.job.target_day.map(whole_day)).or_else(all).unwrap_or_default();
        if start == end { Time::At(start) } else { Time::Between(start, end) }
    }

    fn processing(&self) -> Processing {
        let strategies: Vec<&str> = self.job.fills.iter().map(|fill| fill.name.as_str()).collect();
        let masks = self.fitted.plan.stack.mask_names.join(", ");
        let lineage = match &self.counts.target {
            Some(target) => {
                format!("scene {target}, masked by {masks}; gaps filled by {}", strategies.join(", "))
            }
            None => format!("composed of scenes masked by {masks}, by {}", strategies.join(", ")),
        };
        Processing {
            level: None,
            lineage: Some(lineage),
            software: vec![
                ("compose".into(), env!("CARGO_PKG_VERSION").into()),
                ("gdal".into(), compose_io::gdal_version()),
            ],
            expression: Some(("compose-rules-toml".into(), json!(self.rules.file.text))),
        }
    }

    /// The link to a scene, with its share: to its item, else to its first file.
    fn derived_from(&self, scene: SceneId, percent: f64) -> Link {
        let stack = &self.fitted.plan.stack;
        let document = self.item_of(scene).map(|item| item.document.clone());
        let href =
            document.or_else(|| Some(stack.scenes[scene].files.first()?.to_string_lossy().into_owned()));
        let local = |href: String| match Path::new(&href) {
            _ if href.contains("://") => href,
            path => from_folder_of(self.path, path).to_string_lossy().into_owned(),
        };
        let media_type = self.item_of(scene).map(|_| "application/geo+json".to_owned());
        let mut fields = Fields::new();
        fields.insert("compose:percent".into(), json!((percent * 1000.0).round() / 1000.0));
        Link {
            rel: "derived_from".into(),
            href: href.map(local).unwrap_or_default(),
            media_type,
            title: Some(stack.facts[scene].id.clone()),
            fields,
        }
    }

    fn assets(&self) -> Result<Vec<(String, Asset)>, EngineError> {
        let output = &self.job.output;
        let mut assets = Vec::new();
        let mut add = |key: &str, path: &Path, roles: &[&str], bands: Vec<Band>| -> Result<(), EngineError> {
            let mut asset = Asset {
                href: from_folder_of(self.path, path).to_string_lossy().into_owned(),
                media_type: Some(media_type(path, output.format == compose_io::write::Format::Cog).into()),
                roles: roles.iter().map(|role| (*role).to_owned()).collect(),
                bands,
                ..Asset::default()
            };
            if let Some(file) = self.files.iter().find(|file| file.path() == path) {
                let Digest { bytes, sha256 } = file.digest()?;
                (asset.size, asset.sha256) = (Some(bytes), Some(sha256));
            }
            assets.push((key.to_owned(), asset));
            Ok(())
        };
        add("image", &output.path, &["data"], self.image_bands(true))?;
        if let Some(path) = &output.provenance {
            add("provenance", path, &["metadata", "provenance"], self.provenance_bands())?;
        }
        if let Some(path) = &output.mask {
            add("masks", path, &["metadata", "mask"], self.mask_bands())?;
        }
        if let Some(path) = &output.uncertainty {
            add("uncertainty", path, &["data", "uncertainty"], self.image_bands(false))?;
        }
        if let Some(path) = &output.sidecar {
            add("report", path, &["metadata"], Vec::new())?;
        }
        for (picture, path) in &output.quicklooks {
            let (key, role) = match picture {
                Picture::After => ("thumbnail", "thumbnail"),
                Picture::Before => ("before", "overview"),
                Picture::Mask => ("mask-picture", "overview"),
                Picture::Sources => ("sources-picture", "overview"),
            };
            add(key, path, &[role], Vec::new())?;
        }
        Ok(assets)
    }

    /// The bands of the image, or of their deviations.
    fn image_bands(&self, measured: bool) -> Vec<Band> {
        let stack = &self.fitted.plan.stack;
        let reference = self.job.reference();
        let band = |(nth, name): (usize, &String)| {
            let facts = &stack.facts[reference].bands[BandId(nth)];
            let common =
                std::iter::once(name).chain(&facts.aliases).find(|name| COMMON.contains(&name.as_str()));
            let (scale, offset) = facts.scale_offset.map_or((None, None), |(s, o)| (Some(s), Some(o)));
            Band {
                name: Some(name.clone()),
                common_name: common.cloned(),
                data_type: Some(if measured { self.job.cast.dtype.name() } else { "float32" }.into()),
                nodata: if measured { self.job.cast.nodata } else { Some(f64::NAN) },
                scale,
                offset: offset.filter(|_| measured),
                ..Band::default()
            }
        };
        stack.bands.iter().enumerate().map(band).collect()
    }

    fn provenance_bands(&self) -> Vec<Band> {
        let stack = &self.fitted.plan.stack;
        let gap = || Class { value: u32::from(UNDEFINED), name: "gap".into() };
        let mut sources: Vec<Class> = Vec::new();
        for (scene, _) in self.used() {
            sources.push(Class { value: scene.index() as u32, name: stack.facts[scene].id.clone() });
        }
        let mut stages = vec![Class { value: 0, name: "observed".into() }];
        for (nth, fill) in self.job.fills.iter().enumerate() {
            let stage = nth as u32 + 1;
            stages.push(Class { value: stage, name: format!("{stage}-{}", fill.name) });
            let statistic = u32::from(STATISTIC_BASE) + stage;
            sources.push(Class { value: statistic, name: format!("statistic-of-stage-{stage}") });
        }
        sources.push(gap());
        stages.push(gap());
        let planes = stack.validity.planes(stack.bands.len());
        let mut bands = Vec::new();
        for plane in 0..planes {
            let name = |what: &str| {
                if planes == 1 { what.to_owned() } else { format!("{what} {}", stack.bands[plane]) }
            };
            let band = |what: &str, classes: Vec<Class>| Band {
                name: Some(name(what)),
                data_type: Some("uint16".into()),
                classes,
                ..Band::default()
            };
            bands.push(band("source", sources.clone()));
            bands.push(band("stage", stages.clone()));
            bands.push(Band {
                unit: Some("d".into()),
                nodata: Some(f64::from(UNDEFINED)),
                ..band("age", Vec::new())
            });
            if self.job.output.count {
                bands.push(band("count", Vec::new()));
            }
        }
        bands
    }

    fn mask_bands(&self) -> Vec<Band> {
        let names = &self.fitted.plan.stack.mask_names;
        let mut reasons = vec![Class { value: 0, name: "not masked".into() }];
        reasons.extend(names.iter().zip(1..).map(|(name, value)| Class { value, name: name.clone() }));
        reasons.push(Class { value: u32::from(UNDEFINED), name: "no data".into() });
        let bit = |(name, offset): (&String, u32)| Bitfield {
            offset,
            length: 1,
            name: name.clone(),
            classes: vec![
                Class { value: 0, name: "not marked".into() },
                Class { value: 1, name: "marked".into() },
            ],
        };
        let band = |name: &str| Band {
            name: Some(name.into()),
            data_type: Some("uint16".into()),
            nodata: Some(f64::from(UNDEFINED)),
            ..Band::default()
        };
        vec![
            Band { classes: reasons, ..band("reason") },
            Band { bitfields: names.iter().zip(0..).map(bit).collect(), ..band("rules") },
        ]
    }
}

/// Common names of the `eo` extension 2.0 among those of presets.
const COMMON: [&str; 17] = [
    "pan",
    "coastal",
    "blue",
    "green",
    "green05",
    "yellow",
    "red",
    "rededge",
    "rededge071",
    "rededge075",
    "rededge078",
    "nir",
    "nir08",
    "nir09",
    "cirrus",
    "swir16",
    "swir22",
];

fn whole_day(day: Day) -> (DateTime<Utc>, DateTime<Utc>) {
    let date = day.date();
    let last = NaiveTime::from_hms_opt(23, 59, 59).unwrap_or_default();
    (date.and_time(NaiveTime::MIN).and_utc(), date.and_time(last).and_utc())
}

fn media_type(path: &Path, cog: bool) -> &'static str {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("png") => "image/png",
        Some("json") => "application/json",
        _ if cog => "image/tiff; application=geotiff; profile=cloud-optimized",
        _ => "image/tiff; application=geotiff",
    }
}

fn projection(grid: &Grid) -> Projection {
    let t = grid.transform;
    let label = grid.crs_label();
    let code = label.starts_with("EPSG:").then(|| label.to_owned());
    let wkt2 = grid.crs.as_ref().filter(|_| code.is_none()).map(|crs| crs.wkt.to_string());
    Projection {
        code,
        wkt2,
        shape: Some([grid.height, grid.width]),
        transform: Some([t.dx, 0.0, t.x0, 0.0, t.dy, t.y0]),
        bbox: Some(grid.bounds()),
    }
}

/// The grid's outline in degrees; `None` where its system has no place on the globe.
fn place(grid: &Grid) -> Option<Footprint> {
    let systems = CrsRegistry::new();
    let degrees = systems.from_user_input("OGC:CRS84").ok()?;
    let to_degrees = Transformer::new(grid.crs.as_ref()?, &degrees).ok()?;
    let (width, height) = (grid.width as f64, grid.height as f64);
    let corners = [(0.0, 0.0), (0.0, height), (width, height), (width, 0.0), (0.0, 0.0)];
    let (mut xs, mut ys) = (Vec::new(), Vec::new());
    for edge in corners.windows(2) {
        for nth in 0..POINTS {
            let part = nth as f64 / POINTS as f64;
            let along = |from: f64, to: f64| from + (to - from) * part;
            let (x, y) = grid.transform.to_map(along(edge[0].0, edge[1].0), along(edge[0].1, edge[1].1));
            xs.push(x);
            ys.push(y);
        }
    }
    to_degrees.transform(&mut xs, &mut ys);
    let ring: Vec<[f64; 2]> = xs.into_iter().zip(ys).map(|(x, y)| [x, y]).collect();
    footprint(&ring)
}
