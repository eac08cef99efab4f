//! What is known of a scene without reading a pixel.

#![allow(unsafe_code)]

use crate::grid::{Date, Grid};
use crate::{Error, abi, raw};

/// One scene: what is known without reading a pixel.
#[derive(Clone, Copy)]
pub struct Scene<'a>(&'a abi::Scene);

/// What a band holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Measurements, read as [`DataPlane`](crate::DataPlane).
    Data,
    /// Codes, read as [`CodePlane`](crate::CodePlane).
    Quality,
}

/// One band of a scene.
#[derive(Clone, Copy)]
pub struct SceneBand<'a>(&'a abi::Band);

/// A field of a quality band's codes.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    /// Such as `cloud-shadow`.
    pub name: &'a str,
    /// The lowest bit, counted from 0.
    pub first_bit: u32,
    /// How many bits.
    pub bits: u32,
    /// Whether a higher value means more of it, so that "at least medium" makes sense.
    pub is_ladder: bool,
    classes: &'a [abi::Class],
}

impl<'a> Scene<'a> {
    /// # Safety
    /// `scene`, and all it points to, must be as the header says and live unchanged for `'a`.
    pub(crate) unsafe fn new(scene: *const abi::Scene) -> Self {
        debug_assert!(scene.is_aligned() && !scene.is_null(), "the host passed no scene");
        // SAFETY: the caller vouches for the scene.
        Scene(unsafe { &*scene })
    }

    /// What it is called, in messages and in the record of where pixels came from.
    pub fn id(&self) -> &'a str {
        // SAFETY: a text of the scene, see `new`.
        unsafe { raw::text(self.0.id) }
    }

    /// Such as `OLI`; empty where it is not known.
    pub fn sensor(&self) -> &'a str {
        // SAFETY: a text of the scene, see `new`.
        unsafe { raw::text(self.0.sensor) }
    }

    /// The day it was taken, in days since 1970-01-01.
    pub fn day(&self) -> Option<i32> {
        (self.0.has_day != 0).then_some(self.0.day)
    }

    /// The day it was taken, in the calendar.
    pub fn date(&self) -> Option<Date> {
        self.day().map(Date::from_day)
    }

    /// The grid of its first data band.
    pub fn grid(&self) -> Grid<'a> {
        Grid(&self.0.grid)
    }

    fn raw_bands(&self) -> &'a [abi::Band] {
        // SAFETY: the bands of the scene, see `new`.
        unsafe { raw::slice(self.0.bands, self.0.band_count) }
    }

    /// Every band that can be read. Those of the result come first, see [`Scene::wanted_count`].
    pub fn bands(&self) -> impl ExactSizeIterator<Item = SceneBand<'a>> + use<'a> {
        self.raw_bands().iter().map(SceneBand)
    }

    /// How many bands can be read.
    pub fn band_count(&self) -> usize {
        self.0.band_count as usize
    }

    /// How many of the bands, from the first, are those of the result.
    pub fn wanted_count(&self) -> usize {
        self.0.wanted_count as usize
    }

    /// Band `index`.
    ///
    /// # Panics
    /// Where there is none.
    #[track_caller]
    pub fn band(&self, index: usize) -> SceneBand<'a> {
        let bands = self.raw_bands();
        assert!(index < bands.len(), "no band {index} in scene {} of {} bands", self.id(), bands.len());
        SceneBand(&bands[index])
    }

    /// Index of the main quality band.
    pub fn quality(&self) -> Option<usize> {
        usize::try_from(self.0.quality_band).ok()
    }

    /// Index of the band of that name, or else of that alias.
    ///
    /// # Errors
    /// Where there is none; the message lists the bands there are.
    pub fn find(&self, name: &str) -> Result<usize, Error> {
        let by_name = self.bands().position(|band| band.name() == name);
        by_name.or_else(|| self.bands().position(|band| band.aliases().any(|a| a == name))).ok_or_else(|| {
            let bands: Vec<_> = self.bands().map(|band| band.title()).collect();
            Error::new(format!("scene {} has no band \"{name}\"; bands: {}", self.id(), bands.join(", ")))
        })
    }
}

impl<'a> SceneBand<'a> {
    /// As in the rules file: `B4`.
    pub fn name(&self) -> &'a str {
        // SAFETY: a text of the scene, see `Scene::new`.
        unsafe { raw::text(self.0.name) }
    }

    /// Other names: `red`.
    pub fn aliases(&self) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        // SAFETY: texts of the scene, see `Scene::new`.
        let aliases = unsafe { raw::slice(self.0.aliases, self.0.alias_count) };
        // SAFETY: as above.
        aliases.iter().map(|alias| unsafe { raw::text(*alias) })
    }

    /// `B4 (red)`
    fn title(&self) -> String {
        let aliases: Vec<_> = self.aliases().collect();
        if aliases.is_empty() {
            self.name().into()
        } else {
            format!("{} ({})", self.name(), aliases.join(", "))
        }
    }

    /// What it holds.
    pub fn role(&self) -> Role {
        if self.0.role == abi::ROLE_QUALITY { Role::Quality } else { Role::Data }
    }

    /// The type of its samples on disk: `uint16`.
    pub fn sample_type(&self) -> &'a str {
        // SAFETY: a text of the scene, see `Scene::new`.
        unsafe { raw::text(self.0.sample_type) }
    }

    /// The name of a quality band's layout; empty where it is not known.
    pub fn layout(&self) -> &'a str {
        // SAFETY: a text of the scene, see `Scene::new`.
        unsafe { raw::text(self.0.layout) }
    }

    /// The fields of a quality band whose layout is known, else none.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = Field<'a>> + use<'a> {
        // SAFETY: fields of the scene, see `Scene::new`.
        let fields = unsafe { raw::slice(self.0.fields, self.0.field_count) };
        fields.iter().map(|field| Field {
            // SAFETY: a text of the scene, see `Scene::new`.
            name: unsafe { raw::text(field.name) },
            first_bit: field.first_bit,
            bits: field.bits,
            is_ladder: field.is_ladder != 0,
            // SAFETY: classes of the field, see `Scene::new`.
            classes: unsafe { raw::slice(field.classes, field.class_count) },
        })
    }

    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<Field<'a>> {
        self.fields().find(|field| field.name == name)
    }

    /// Scale and offset, where they are known: physical value = sample × scale + offset. Reflectance runs from 0
    /// to 1.
    pub fn scale(&self) -> Option<(f64, f64)> {
        (self.0.has_scale != 0).then_some((self.0.scale, self.0.offset))
    }

    /// The band's own grid.
    pub fn grid(&self) -> Grid<'a> {
        Grid(&self.0.grid)
    }
}

impl<'a> Field<'a> {
    /// Values that have a name, with it; none for a plain flag, where 1 means the field's name.
    pub fn classes(&self) -> impl ExactSizeIterator<Item = (u32, &'a str)> + use<'a> {
        // SAFETY: texts of the scene, see `Scene::new`.
        self.classes.iter().map(|class| (class.value, unsafe { raw::text(class.name) }))
    }

    /// The value of that name.
    pub fn value(&self, class: &str) -> Option<u32> {
        self.classes().find(|(_, name)| *name == class).map(|(value, _)| value)
    }

    /// The field's number in a code.
    #[inline]
    pub fn of(&self, code: u32) -> u32 {
        let mask = 1u32.checked_shl(self.bits).unwrap_or(0).wrapping_sub(1);
        code.checked_shr(self.first_bit).unwrap_or(0) & mask
    }
}
