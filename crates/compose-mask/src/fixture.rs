//! Scenes for unit tests: no pixels, only what headers say.

use compose_core::{BandFacts, BandRole, Crs, CrsUnit, DataType, Grid, SceneFacts, Transform};
use std::sync::Arc;

/// A small UTM grid with pixels of this size in metres.
pub(crate) fn utm(x: f64, y: f64) -> Grid {
    grid(x, y, "EPSG:32613", CrsUnit::Metres(1.0))
}

/// A small grid in degrees.
pub(crate) fn geographic() -> Grid {
    grid(0.001, 0.001, "EPSG:4326", CrsUnit::Angle)
}

fn grid(dx: f64, dy: f64, label: &str, unit: CrsUnit) -> Grid {
    let crs = Crs { wkt: label.into(), label: label.into(), unit };
    let transform = Transform { x0: 0.0, dx, y0: 0.0, dy: -dy };
    Grid { width: 8, height: 8, transform, crs: Some(Arc::new(crs)) }
}

/// A scene on a 30-m grid: data band `B4` (int16), quality band `QA_PIXEL` of a layout and type.
pub(crate) fn scene(layout: &str, dtype: DataType) -> SceneFacts {
    let grid = utm(30.0, 30.0);
    let band = |name: &str, role, dtype| BandFacts {
        name: name.into(),
        aliases: Vec::new(),
        role,
        grid: grid.clone(),
        dtype,
        scale_offset: (role == BandRole::Data).then_some((0.0001, 0.0)),
        layout: None,
        beside: false,
    };
    let data = BandFacts { aliases: vec!["red".into()], ..band("B4", BandRole::Data, DataType::Int16) };
    let layout = compose_core::quality::find(layout).ok();
    let quality = BandFacts { layout, ..band("QA_PIXEL", BandRole::Quality, dtype) };
    let bands = vec![data, quality];
    SceneFacts {
        id: "s".into(),
        day: None,
        sensor: None,
        sun: None,
        grid: grid.clone(),
        bands,
        wanted: 1,
        quality: Some(1),
    }
}
