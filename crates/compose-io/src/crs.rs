//! Coordinate systems: one [`Crs`] per distinct system, and the way of points from one to another.
//!
//! Axes are in the traditional order of GIS everywhere: x is easting or longitude, y northing or latitude,
//! whatever the authority says.

mod database;

use crate::messages::checked;
use compose_core::{Crs, CrsUnit};
use gdal::spatial_ref::{AxisMappingStrategy, CoordTransform, SpatialRef};
use regex::Regex;
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// Why a coordinate system cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CrsError {
    /// No system can be used, because PROJ's database is missing or belongs to another PROJ.
    #[error("PROJ cannot use its database of coordinate systems ({why})")]
    NoDatabase {
        /// PROJ's own words, where it looked, and what to do.
        why: String,
    },
    /// Neither an authority's code, nor WKT, nor a PROJ string that PROJ understands.
    #[error(
        "CRS \"{text}\" is not understood ({why}); expected a code such as EPSG:32613, WKT or a PROJ string"
    )]
    NotUnderstood {
        /// What was given, shortened.
        text: String,
        /// GDAL's own words.
        why: String,
    },
    /// Text that PROJ or GDAL would open a file or an address for.
    #[error(
        "CRS \"{text}\" is {found}, which is not opened; expected a code such as EPSG:32613, WKT or a PROJ string"
    )]
    Elsewhere {
        /// What was given, shortened.
        text: String,
        /// What it is taken for.
        found: &'static str,
    },
    /// A system without the two map axes that a raster needs.
    #[error("{label} is a {kind} CRS; expected a projected, geographic or local one")]
    NotAMap {
        /// Name of the system.
        label: String,
        /// What it is instead.
        kind: &'static str,
    },
    /// PROJ knows no way from one to the other.
    #[error("no coordinate operation leads from {from} to {to} ({why}); bring the scene to {from} first")]
    NoOperation {
        /// Name of the system that points come from.
        from: String,
        /// Name of the system that points go to.
        to: String,
        /// GDAL's own words.
        why: String,
    },
}

/// Hands out one [`Crs`] per distinct system, so that two grids have the same system exactly when they hold
/// the same pointer. Two definitions are the same where GDAL's `OSRIsSame` says so.
#[derive(Debug, Default)]
pub struct CrsRegistry {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    systems: Vec<Arc<Crs>>,
    /// Files of one product repeat one text: comparing systems is then done once.
    by_text: HashMap<String, Arc<Crs>>,
}

impl CrsRegistry {
    /// A registry that knows no system yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The system that this WKT (of any edition) defines.
    pub fn from_wkt(&self, wkt: &str) -> Result<Arc<Crs>, CrsError> {
        self.intern(wkt, || {
            refuse_grids_elsewhere(wkt)?;
            parse_wkt(wkt).map(|srs| (srs, Some(wkt.to_owned())))
        })
    }

    /// The system that a person names: `EPSG:32613`, WKT or a PROJ string. No file and no address is opened for it.
    pub fn from_user_input(&self, text: &str) -> Result<Arc<Crs>, CrsError> {
        self.intern(text, || {
            refuse_elsewhere(text)?;
            refuse_grids_elsewhere(text)?;
            let srs =
                checked(|| SpatialRef::from_definition(text)).map_err(|why| not_understood(text, why))?;
            Ok((traditional(srs), None))
        })
    }

    fn intern(
        &self,
        text: &str,
        parse: impl FnOnce() -> Result<(SpatialRef, Option<String>), CrsError>,
    ) -> Result<Arc<Crs>, CrsError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(crs) = known.by_text.get(text) {
            return Ok(Arc::clone(crs));
        }
        database::usable().map_err(|why| CrsError::NoDatabase { why })?;
        let (srs, wkt) = parse()?;
        let same = known.systems.iter().find(|k| parse_wkt(&k.wkt).is_ok_and(|other| other == srs));
        let crs = match same {
            Some(crs) => Arc::clone(crs),
            None => {
                let crs = Arc::new(describe(text, &srs, wkt)?);
                known.systems.push(Arc::clone(&crs));
                crs
            }
        };
        known.by_text.insert(text.to_owned(), Arc::clone(&crs));
        Ok(crs)
    }
}

fn traditional(mut srs: SpatialRef) -> SpatialRef {
    srs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    srs
}

fn parse_wkt(wkt: &str) -> Result<SpatialRef, CrsError> {
    checked(|| SpatialRef::from_wkt(wkt)).map(traditional).map_err(|why| not_understood(wkt, why))
}

fn not_understood(text: &str, why: String) -> CrsError {
    CrsError::NotUnderstood { text: shortened(text), why }
}

fn shortened(text: &str) -> String {
    const SHOWN: usize = 80;
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// GDAL opens what is neither code nor definition as a file, and what begins like an address at the address.
fn refuse_elsewhere(text: &str) -> Result<(), CrsError> {
    const ADDRESSES: [&str; 5] = ["http:", "https:", "ftp:", "file:", "/vsi"];
    let (start, definition) = (text.trim().to_lowercase(), text.contains(['[', '{']));
    let found = if ADDRESSES.iter().any(|s| start.starts_with(s)) || (!definition && start.contains("://")) {
        "an address"
    } else if start.starts_with("dict:")
        || start.starts_with(['/', '.', '~'])
        || Path::new(text.trim()).exists()
    {
        "the name of a file"
    } else {
        return Ok(());
    };
    Err(CrsError::Elsewhere { text: shortened(text), found })
}

/// Grids of shifts are PROJ's own; a definition may not name them at an address.
fn refuse_grids_elsewhere(text: &str) -> Result<(), CrsError> {
    static GRIDS: LazyLock<Regex> = LazyLock::new(|| {
        let at = r#"(?i)(grids=|,|parameterfile\[[^\]]*,\s*")@?(https?:|ftp:|/vsi)"#;
        Regex::new(at).expect("a pattern of ours")
    });
    if GRIDS.is_match(text) {
        return Err(CrsError::Elsewhere { text: shortened(text), found: "at an address in part" });
    }
    Ok(())
}

fn describe(text: &str, srs: &SpatialRef, wkt: Option<String>) -> Result<Crs, CrsError> {
    let label = label(text, srs);
    let unit = unit(srs).map_err(|kind| CrsError::NotAMap { label: label.clone(), kind })?;
    let wkt = match wkt {
        Some(wkt) => wkt,
        None => checked(|| srs.to_wkt()).map_err(|why| not_understood(text, why))?,
    };
    Ok(Crs { wkt, label, unit })
}

/// `EPSG:32613` where the definition holds its code; else its own name, or what PROJ would call it.
fn label(text: &str, srs: &SpatialRef) -> String {
    if let Ok(code) = srs.authority() {
        return code;
    }
    let name = srs.name().filter(|name| !name.is_empty());
    let says_nothing = |name: &String| ["unknown", "unnamed"].contains(&name.to_lowercase().as_str());
    let proj = || srs.to_proj4().ok().filter(|p| !p.is_empty());
    name.clone().filter(|n| !says_nothing(n)).or_else(proj).or(name).unwrap_or_else(|| text.to_owned())
}

fn unit(srs: &SpatialRef) -> Result<CrsUnit, &'static str> {
    if srs.is_geographic() {
        Ok(CrsUnit::Angle)
    } else if srs.is_projected() || srs.is_local() {
        Ok(CrsUnit::Metres(srs.linear_units()))
    } else if srs.is_geocentric() {
        Err("geocentric")
    } else if srs.is_vertical() {
        Err("vertical")
    } else {
        Err("non-map")
    }
}

/// Brings points from one coordinate system to another.
///
/// A point's result depends on the point alone, to the bit: not on its batch nor on the thread.
#[derive(Clone, Debug)]
pub struct Transformer {
    pair: Arc<Pair>,
}

#[derive(Debug, PartialEq)]
struct Pair {
    from: String,
    to: String,
}

thread_local! {
    /// GDAL's operations belong to the thread that made them; one is kept per pair of systems.
    static OPERATIONS: RefCell<Vec<(Arc<Pair>, CoordTransform)>> = {
        // Thread-locals die in the reverse order of their birth. An operation needs GDAL's own per-thread
        // context when it is dropped, so that context must be born first.
        let _ = SpatialRef::from_epsg(4326);
        RefCell::new(Vec::new())
    };
}

impl Transformer {
    /// The way `from` one system `to` another, as PROJ chooses it (with its grids, where they are installed).
    pub fn new(from: &Crs, to: &Crs) -> Result<Self, CrsError> {
        let pair = Arc::new(Pair { from: from.wkt.clone(), to: to.wkt.clone() });
        let transformer = Self { pair };
        transformer.with_operation(|_| ()).map_err(|why| CrsError::NoOperation {
            from: from.label.clone(),
            to: to.label.clone(),
            why,
        })?;
        Ok(transformer)
    }

    /// Replaces each (x, y) by its place in the other system, or by NaN where it has none.
    ///
    /// # Panics
    /// When the slices differ in length.
    pub fn transform(&self, xs: &mut [f64], ys: &mut [f64]) {
        if xs.is_empty() {
            return;
        }
        let done = self
            .with_operation(|operation| checked(|| operation.transform_coords(xs, ys, &mut [])).is_ok())
            .expect("`new` made this operation on another thread");
        // On failure GDAL marks the failed points as infinite and brings the others over. Were none marked,
        // nothing is known of any.
        let none_marked = xs.iter().chain(ys.iter()).all(|v| v.is_finite());
        for (x, y) in xs.iter_mut().zip(ys) {
            if (!done && none_marked) || !x.is_finite() || !y.is_finite() {
                (*x, *y) = (f64::NAN, f64::NAN);
            }
        }
    }

    fn with_operation<T>(&self, work: impl FnOnce(&CoordTransform) -> T) -> Result<T, String> {
        OPERATIONS.with_borrow_mut(|operations| {
            let at = match operations.iter().position(|(p, _)| Arc::ptr_eq(p, &self.pair) || *p == self.pair)
            {
                Some(at) => at,
                None => {
                    operations.push((Arc::clone(&self.pair), operation(&self.pair)?));
                    operations.len() - 1
                }
            };
            Ok(work(&operations[at].1))
        })
    }
}

fn operation(pair: &Pair) -> Result<CoordTransform, String> {
    let parse = |wkt| parse_wkt(wkt).map_err(|e| e.to_string());
    let (from, to) = (parse(&pair.from)?, parse(&pair.to)?);
    checked(|| CoordTransform::new(&from, &to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_system_told_in_two_ways_is_one_pointer() {
        let registry = CrsRegistry::new();
        let a = registry.from_user_input("EPSG:32613").unwrap();
        let b = registry.from_wkt(&SpatialRef::from_epsg(32613).unwrap().to_pretty_wkt().unwrap()).unwrap();
        let c = registry.from_user_input("+proj=utm +zone=13 +datum=WGS84 +units=m +no_defs").unwrap();
        assert!(Arc::ptr_eq(&a, &b));
        assert!(Arc::ptr_eq(&a, &c));
        assert!(!Arc::ptr_eq(&a, &registry.from_user_input("EPSG:32612").unwrap()));
        assert_eq!((a.label.as_str(), a.unit), ("EPSG:32613", CrsUnit::Metres(1.0)));
    }

    #[test]
    fn a_system_without_a_code_is_named_by_itself() {
        let registry = CrsRegistry::new();
        let utm = SpatialRef::from_epsg(32613)
            .unwrap()
            .to_wkt()
            .unwrap()
            .replace(r#"AUTHORITY["EPSG","32613"]"#, "");
        assert_eq!(registry.from_wkt(&utm.replace(",]", "]")).unwrap().label, "WGS 84 / UTM zone 13N");
        let sinusoidal = registry.from_user_input("+proj=sinu +R=6371007.181 +units=m").unwrap();
        assert!(sinusoidal.label.contains("+proj=sinu"), "{}", sinusoidal.label);
        let local = registry.from_wkt(r#"LOCAL_CS["Test site",UNIT["foot",0.3048]]"#).unwrap();
        assert_eq!((local.label.as_str(), local.unit), ("Test site", CrsUnit::Metres(0.3048)));
    }

    #[test]
    fn units_are_angles_or_metres() {
        let registry = CrsRegistry::new();
        assert_eq!(registry.from_user_input("EPSG:4326").unwrap().unit, CrsUnit::Angle);
        let feet = registry.from_user_input("EPSG:2249").unwrap().unit;
        assert!(matches!(feet, CrsUnit::Metres(m) if (m - 0.3048006096).abs() < 1e-9), "{feet:?}");
    }

    #[test]
    fn a_system_without_a_name_of_its_own_is_called_by_its_proj_string() {
        let registry = CrsRegistry::new();
        let srs = SpatialRef::from_proj4("+proj=tmerc +lon_0=7 +k=0.9 +ellps=GRS80 +units=m").unwrap();
        let wkt = srs.to_wkt().unwrap();
        for name in ["unnamed", "Unknown", ""] {
            let renamed = wkt.replacen("\"unknown\"", &format!("\"{name}\""), 1);
            let label = registry.from_wkt(&renamed).unwrap().label.clone();
            assert!(label.starts_with("+proj=tmerc "), "{name}: {label}");
        }
        let local = registry.from_wkt(r#"LOCAL_CS["unnamed",UNIT["metre",1]]"#).unwrap();
        assert_eq!(local.label, "unnamed", "PROJ has no string for it");
    }

    #[test]
    fn what_is_no_map_is_refused_by_name() {
        let registry = CrsRegistry::new();
        let message = registry.from_user_input("EPSG:4978").unwrap_err().to_string();
        assert_eq!(message, "EPSG:4978 is a geocentric CRS; expected a projected, geographic or local one");
        let message = registry.from_user_input("EPSG:none").unwrap_err().to_string();
        assert!(message.starts_with("CRS \"EPSG:none\" is not understood"), "{message}");
        assert!(registry.from_wkt("").is_err());
    }

    #[test]
    fn x_is_longitude_even_where_the_authority_says_latitude_first() {
        let registry = CrsRegistry::new();
        let (geo, utm) =
            (registry.from_user_input("EPSG:4326").unwrap(), registry.from_user_input("EPSG:32613").unwrap());
        let (mut xs, mut ys) = ([-105.0], [40.0]);
        Transformer::new(&geo, &utm).unwrap().transform(&mut xs, &mut ys);
        assert!((xs[0] - 500_000.0).abs() < 1e-6 && (ys[0] - 4_427_757.218_739).abs() < 1e-3);
    }

    #[test]
    fn a_point_that_has_no_place_is_nan_and_spoils_no_other() {
        let registry = CrsRegistry::new();
        let (geo, utm) =
            (registry.from_user_input("EPSG:4326").unwrap(), registry.from_user_input("EPSG:32613").unwrap());
        let (mut xs, mut ys) = ([-105.0, 75.0, f64::NAN, -105.0], [40.0, 100.0, 1.0, 40.0]);
        Transformer::new(&geo, &utm).unwrap().transform(&mut xs, &mut ys);
        assert!(xs[1].is_nan() && ys[1].is_nan() && xs[2].is_nan());
        assert!(xs[0].is_finite() && xs[0] == xs[3] && ys[0] == ys[3]);
    }

    #[test]
    fn a_point_does_not_depend_on_its_batch_or_thread() {
        let registry = CrsRegistry::new();
        // Great Britain in LAEA: PROJ has several operations with areas of their own to choose from.
        let (laea, bng) =
            (registry.from_user_input("EPSG:3035").unwrap(), registry.from_user_input("EPSG:27700").unwrap());
        let transformer = Transformer::new(&laea, &bng).unwrap();
        let points = || -> (Vec<f64>, Vec<f64>) {
            (0..2000).map(|i| (2.9e6 + f64::from(i) * 1000.0, 3.0e6 + f64::from(i % 97) * 11_000.0)).unzip()
        };
        let (mut xs, mut ys) = points();
        transformer.transform(&mut xs, &mut ys);
        let same = |batch: usize| {
            let (mut a, mut b) = points();
            for (x, y) in a.chunks_mut(batch).zip(b.chunks_mut(batch)) {
                transformer.transform(x, y);
            }
            let bits = |v: &[f64]| v.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
            assert_eq!((bits(&a), bits(&b)), (bits(&xs), bits(&ys)), "in batches of {batch}");
        };
        same(1);
        same(7);
        std::thread::scope(|threads| {
            for batch in [1, 64, 500, 2000] {
                threads.spawn(move || same(batch));
            }
        });
    }

    #[test]
    fn no_file_and_no_address_is_opened_for_a_system() {
        let registry = CrsRegistry::new();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "EPSG:32613").unwrap();
        let file = file.path().to_str().unwrap();
        let told = |text: &str| registry.from_user_input(text).unwrap_err().to_string();
        let addresses =
            ["http://127.0.0.1:9/x", "HTTPS://x/y", " ftp://x", "/vsicurl/http://x", "/vsistdin/", "x://y"];
        for text in addresses {
            assert!(
                told(text).contains("is an address, which is not opened; expected a code"),
                "{}",
                told(text)
            );
        }
        for text in [file, "/vsistdin", "/no/such", "./x", "~/x", "DICT:pci.txt,1", "Cargo.toml"] {
            assert!(told(text).contains(", which is not opened"), "{}", told(text));
        }
        let grids =
            ["+proj=longlat +nadgrids=http://x/y.gsb", "+proj=longlat +nadgrids=@null,@https://x/y.gsb"];
        grids.iter().for_each(|text| assert!(told(text).contains("which is not opened"), "{}", told(text)));
        let wkt = registry.from_user_input("EPSG:32613").unwrap().wkt.clone();
        assert!(registry.from_wkt(&wkt).is_ok());
        let grid = r#"EXTENSION["PROJ4","+proj=longlat +nadgrids=http://x/y +no_defs"]]"#;
        let with_grid = format!("{},{grid}", wkt.trim_end_matches(']'));
        assert!(registry.from_wkt(&with_grid).unwrap_err().to_string().contains("at an address in part"));
        for text in ["urn:ogc:def:crs:EPSG::32613", "WGS84", "+proj=utm +zone=13", "EPSG:32613+5773"] {
            assert!(registry.from_user_input(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_local_system_leads_nowhere() {
        let registry = CrsRegistry::new();
        let local = registry.from_wkt(r#"LOCAL_CS["Test site",UNIT["metre",1]]"#).unwrap();
        let utm = registry.from_user_input("EPSG:32613").unwrap();
        let message = Transformer::new(&utm, &local).unwrap_err().to_string();
        assert!(
            message.starts_with("no coordinate operation leads from EPSG:32613 to Test site"),
            "{message}"
        );
    }
}
