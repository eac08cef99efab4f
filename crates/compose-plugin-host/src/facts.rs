//! The facts of scenes and grids in the form of the plugin interface.

#![allow(unsafe_code)]

use crate::call::c_text;
use compose_core::fill_strategy::StackFacts;
use compose_core::{BandFacts, BandRole, CrsUnit, Grid, SceneFacts, quality};
use compose_plugin::abi;
use std::ffi::{CString, c_char};

/// Scenes side by side, and everything that they point to.
pub(crate) struct Scenes {
    raw: Vec<abi::Scene>,
    _keep: Keep,
}

/// Owns what raw structs point to.
#[derive(Default)]
struct Keep {
    texts: Vec<CString>,
    lists: Vec<Vec<*const c_char>>,
    fields: Vec<Vec<abi::Field>>,
    classes: Vec<Vec<abi::Class>>,
    bands: Vec<Vec<abi::Band>>,
}

// SAFETY: the pointers lead to `_keep`, whose contents stay where they are (a vector that moves leaves its items) and never change.
unsafe impl Send for Scenes {}
// SAFETY: as above.
unsafe impl Sync for Scenes {}

impl Scenes {
    pub fn new(scenes: &[SceneFacts]) -> Self {
        let mut keep = Keep::default();
        let raw = scenes.iter().map(|scene| keep.scene(scene)).collect();
        Self { raw, _keep: keep }
    }

    pub fn as_raw(&self) -> &[abi::Scene] {
        &self.raw
    }
}

impl Keep {
    fn text(&mut self, text: &str) -> *const c_char {
        self.texts.push(c_text(text));
        self.texts[self.texts.len() - 1].as_ptr()
    }

    fn scene(&mut self, scene: &SceneFacts) -> abi::Scene {
        let bands: Vec<abi::Band> = scene.bands.iter().map(|band| self.band(band)).collect();
        let raw = abi::Scene {
            id: self.text(&scene.id),
            sensor: self.text(scene.sensor.unwrap_or_default()),
            has_day: u32::from(scene.day.is_some()),
            day: scene.day.map_or(0, |day| day.0),
            grid: self.grid(&scene.grid),
            bands: bands.as_ptr(),
            band_count: bands.len() as u32,
            wanted_count: scene.wanted as u32,
            quality_band: scene.quality.map_or(-1, |band| band as i32),
            reserved: 0,
        };
        self.bands.push(bands);
        raw
    }

    fn band(&mut self, band: &BandFacts) -> abi::Band {
        let aliases: Vec<*const c_char> = band.aliases.iter().map(|alias| self.text(alias)).collect();
        let layout_fields = band.layout.map_or(&[][..], |layout| layout.fields);
        let fields: Vec<abi::Field> = layout_fields.iter().map(|field| self.field(field)).collect();
        let raw = abi::Band {
            name: self.text(&band.name),
            aliases: aliases.as_ptr(),
            alias_count: aliases.len() as u32,
            role: if band.role == BandRole::Data { abi::ROLE_DATA } else { abi::ROLE_QUALITY },
            sample_type: self.text(band.dtype.name()),
            layout: self.text(band.layout.map_or("", |layout| layout.name)),
            fields: fields.as_ptr(),
            field_count: fields.len() as u32,
            has_scale: u32::from(band.scale_offset.is_some()),
            scale: band.scale_offset.map_or(1.0, |(scale, _)| scale),
            offset: band.scale_offset.map_or(0.0, |(_, offset)| offset),
            grid: self.grid(&band.grid),
        };
        self.lists.push(aliases);
        self.fields.push(fields);
        raw
    }

    fn field(&mut self, field: &quality::Field) -> abi::Field {
        let named = field.classes.iter().filter(|class| class.name != quality::RESERVED);
        let class = |class: &quality::Class| abi::Class {
            name: self.text(class.name),
            value: class.value,
            reserved: 0,
        };
        let classes: Vec<abi::Class> = named.map(class).collect();
        let raw = abi::Field {
            name: self.text(field.name),
            first_bit: field.offset,
            bits: field.width,
            classes: classes.as_ptr(),
            class_count: classes.len() as u32,
            is_ladder: u32::from(field.ladder),
        };
        self.classes.push(classes);
        raw
    }

    fn grid(&mut self, grid: &Grid) -> abi::Grid {
        let t = grid.transform;
        let unit = grid.crs.as_ref().map(|crs| crs.unit);
        abi::Grid {
            width: grid.width as i64,
            height: grid.height as i64,
            geotransform: [t.x0, t.dx, 0.0, t.y0, 0.0, t.dy],
            metres_per_unit: if let Some(CrsUnit::Metres(metres)) = unit { metres } else { 0.0 },
            crs_name: self.text(grid.crs.as_ref().map_or("", |crs| &crs.label)),
            crs_wkt: self.text(grid.crs.as_ref().map_or("", |crs| &crs.wkt)),
        }
    }
}

/// A grid, and the text that it points to.
pub(crate) struct OneGrid {
    pub raw: abi::Grid,
    _keep: Keep,
}

// SAFETY: as for `Scenes`.
unsafe impl Send for OneGrid {}
// SAFETY: as above.
unsafe impl Sync for OneGrid {}

impl OneGrid {
    pub fn new(grid: &Grid) -> Self {
        let mut keep = Keep::default();
        Self { raw: keep.grid(grid), _keep: keep }
    }
}

/// The stack that a fill works on.
pub(crate) struct OneStack {
    pub raw: abi::Stack,
    _scenes: Scenes,
    _grid: OneGrid,
}

// SAFETY: as for `Scenes`.
unsafe impl Send for OneStack {}
// SAFETY: as above.
unsafe impl Sync for OneStack {}

impl OneStack {
    pub fn new(stack: &StackFacts<'_>) -> Self {
        let (scenes, grid) = (Scenes::new(stack.scenes), OneGrid::new(stack.grid));
        let raw = abi::Stack {
            scenes: scenes.as_raw().as_ptr(),
            scene_count: scenes.as_raw().len() as u32,
            target: stack.target.map_or(-1, |target| target as i32),
            has_target_day: u32::from(stack.target_day.is_some()),
            target_day: stack.target_day.map_or(0, |day| day.0),
            band_count: stack.scenes.first().map_or(0, |scene| scene.wanted) as u32,
            // As the engine converts radiometry.
            reference: stack.reference() as u32,
            reserved: 0,
            joint: u32::from(stack.validity == compose_core::ValidityMode::Joint),
            grid: grid.raw,
        };
        Self { raw, _scenes: scenes, _grid: grid }
    }
}
