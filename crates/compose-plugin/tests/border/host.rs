//! A host of a few lines, which calls a plugin as C does.

use compose_plugin::abi;
use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char, c_void};
use std::ptr;
use std::rc::Rc;

/// What a plugin said to the host.
#[derive(Default)]
pub struct Heard {
    pub error: RefCell<String>,
    pub log: RefCell<Vec<(u32, String)>>,
    pub cancelled: Cell<bool>,
}

pub struct Host {
    pub heard: Rc<Heard>,
    raw: Box<abi::Host>,
}

unsafe fn heard<'a>(host: *const abi::Host) -> &'a Heard {
    unsafe { &*(*host).context.cast::<Heard>() }
}

unsafe fn owned(text: *const c_char) -> String {
    unsafe { CStr::from_ptr(text) }.to_str().unwrap().into()
}

unsafe extern "C" fn set_error(host: *const abi::Host, message: *const c_char) {
    unsafe { heard(host).error.replace(owned(message)) };
}

unsafe extern "C" fn log(host: *const abi::Host, level: u32, message: *const c_char) {
    unsafe { heard(host).log.borrow_mut().push((level, owned(message))) };
}

unsafe extern "C" fn cancelled(host: *const abi::Host) -> u32 {
    unsafe { heard(host) }.cancelled.get().into()
}

impl Host {
    pub fn new() -> Self {
        let heard = Rc::<Heard>::default();
        let raw = Box::new(abi::Host {
            abi_major: abi::ABI_MAJOR,
            abi_minor: abi::ABI_MINOR,
            name: c"host".as_ptr(),
            version: c"0".as_ptr(),
            context: Rc::as_ptr(&heard).cast_mut().cast(),
            set_error: Some(set_error),
            log: Some(log),
            cancelled: Some(cancelled),
            get_extension: None,
        });
        Host { heard, raw }
    }

    pub fn raw(&self) -> *const abi::Host {
        &*self.raw
    }

    /// What a call gave: the message where it failed.
    pub fn answer(&self, status: abi::Status) -> Result<(), String> {
        match status {
            abi::OK => Ok(()),
            abi::ERROR => Err(self.heard.error.take()),
            abi::CANCELLED => Err(format!("status 2{}", self.heard.error.take())),
            other => panic!("status {other}"),
        }
    }
}

/// The kind of that id among those of a factory.
pub fn kind<T>(
    entry: &abi::Entry,
    factory: &CStr,
    about: fn(&T) -> &abi::Descriptor,
    id: &str,
) -> &'static T {
    unsafe {
        let factory = entry.get_factory.unwrap()(factory.as_ptr()).cast::<abi::Factory<T>>();
        let (count, get) = ((*factory).count.unwrap()(), (*factory).get.unwrap());
        assert!(get(count).is_null(), "no kind behind the last");
        let kind = (0..count).map(|i| &*get(i)).find(|kind| owned(about(kind).id) == id).unwrap();
        assert!((0..count).any(|i| ptr::eq(get(i), kind)), "the same pointer each time");
        kind
    }
}

/// An instance of a kind, destroyed at the end.
pub struct Instance {
    pub raw: *mut c_void,
    destroy: abi::Destroy,
}

impl Instance {
    pub fn new(
        host: &Host,
        create: Option<abi::Create>,
        destroy: Option<abi::Destroy>,
        values: &[abi::Value],
    ) -> Result<Self, String> {
        let mut raw = ptr::null_mut();
        let status = unsafe { create.unwrap()(host.raw(), values.as_ptr(), values.len() as u32, &mut raw) };
        host.answer(status).map(|()| Instance { raw, destroy: destroy.unwrap() })
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        unsafe { (self.destroy)(self.raw) };
    }
}

pub const UNSET: abi::Value =
    abi::Value { is_set: 0, count: 0, integer: 0, number: 0.0, text: ptr::null(), items: ptr::null() };

pub fn integer(integer: i64) -> abi::Value {
    abi::Value { is_set: 1, integer, ..UNSET }
}
pub fn number(number: f64) -> abi::Value {
    abi::Value { is_set: 1, number, ..UNSET }
}
pub fn text(text: &CStr) -> abi::Value {
    abi::Value { is_set: 1, text: text.as_ptr(), ..UNSET }
}
pub fn list(items: &[abi::Value]) -> abi::Value {
    let (count, items) = (items.len() as u32, if items.is_empty() { ptr::null() } else { items.as_ptr() });
    abi::Value { is_set: 1, count, items, ..UNSET }
}

pub fn grid() -> abi::Grid {
    abi::Grid {
        width: 100,
        height: 80,
        geotransform: [500.0, 30.0, 0.0, 900.0, 0.0, -30.0],
        metres_per_unit: 1.0,
        crs_name: c"EPSG:32613".as_ptr(),
        crs_wkt: c"".as_ptr(),
    }
}

struct Aliases([*const c_char; 1]);
unsafe impl Sync for Aliases {}
static RED: Aliases = Aliases([c"red".as_ptr()]);

struct Fields([abi::Field; 1]);
unsafe impl Sync for Fields {}
struct Classes([abi::Class; 1]);
unsafe impl Sync for Classes {}
static CLASSES: Classes = Classes([abi::Class { name: c"likely".as_ptr(), value: 2, reserved: 0 }]);
static FIELDS: Fields = Fields([abi::Field {
    name: c"cloud".as_ptr(),
    first_bit: 3,
    bits: 2,
    classes: CLASSES.0.as_ptr(),
    class_count: 1,
    is_ladder: 1,
}]);

/// B4 (red), with a scale, and the quality band QA with a field `cloud`.
pub fn bands() -> [abi::Band; 2] {
    let red = abi::Band {
        name: c"B4".as_ptr(),
        aliases: RED.0.as_ptr(),
        alias_count: 1,
        role: abi::ROLE_DATA,
        sample_type: c"uint16".as_ptr(),
        layout: c"".as_ptr(),
        fields: ptr::null(),
        field_count: 0,
        has_scale: 1,
        scale: 0.1,
        offset: -0.1,
        grid: grid(),
    };
    let quality = abi::Band {
        name: c"QA".as_ptr(),
        aliases: ptr::null(),
        alias_count: 0,
        role: abi::ROLE_QUALITY,
        layout: c"some-bits".as_ptr(),
        fields: FIELDS.0.as_ptr(),
        field_count: 1,
        has_scale: 0,
        ..red
    };
    [red, quality]
}

pub fn scene(bands: &[abi::Band], day: Option<i32>) -> abi::Scene {
    abi::Scene {
        id: c"S1".as_ptr(),
        sensor: c"".as_ptr(),
        has_day: day.is_some().into(),
        day: day.unwrap_or(0),
        grid: grid(),
        bands: bands.as_ptr(),
        band_count: bands.len() as u32,
        wanted_count: 1,
        quality_band: 1,
        reserved: 0,
    }
}

/// Size of an output, and halo.
#[derive(Clone, Copy)]
pub struct Size {
    pub width: usize,
    pub height: usize,
    pub halo: usize,
}

impl Size {
    pub fn window(self) -> abi::Window {
        abi::Window { col: 7, row: -3, width: self.width as i64, height: self.height as i64 }
    }
}

/// Pixels to read, in allocations that end with the last pixel, with rows of odd lengths.
pub struct Image<T> {
    size: Size,
    samples: Vec<T>,
    valid: Vec<u8>,
}

impl<T: Copy> Image<T> {
    /// Of a function of row and column; none is not valid. Samples that nobody may read are `other`.
    pub fn new(size: Size, other: T, pixel: impl Fn(isize, isize) -> Option<T>) -> Self {
        let Size { width, height, halo } = size;
        let (mut samples, mut valid) = (Vec::new(), Vec::new());
        let end = |size: usize| (size + halo) as isize;
        for row in -(halo as isize)..end(height) {
            let pixels: Vec<_> = (-(halo as isize)..end(width)).map(|col| pixel(row, col)).collect();
            samples.extend(pixels.iter().map(|pixel| pixel.unwrap_or(other)));
            valid.extend(pixels.iter().map(|pixel| u8::from(pixel.is_some())));
            if row + 1 < end(height) {
                samples.extend([other; 3]);
                valid.extend([9; 5]);
            }
        }
        Image { size, samples, valid }
    }

    pub fn plane(&self, kind: u32, band: u32) -> abi::Plane {
        let Size { width, halo, .. } = self.size;
        let (stride, valid_stride) = (width + 2 * halo + 3, width + 2 * halo + 5);
        abi::Plane {
            data: self.samples.as_ptr().wrapping_add(halo * stride + halo).cast(),
            valid: self.valid.as_ptr().wrapping_add(halo * valid_stride + halo),
            stride: (stride * size_of::<T>()) as i64,
            valid_stride: valid_stride as i64,
            kind,
            band,
        }
    }
}

/// Pixels to write, with rows of odd lengths.
pub struct Canvas<T> {
    size: Size,
    all: Vec<T>,
    other: T,
}

impl<T: Copy + PartialEq + std::fmt::Debug> Canvas<T> {
    pub fn new(size: Size, other: T) -> Self {
        let len = (size.width + 3) * (size.height - 1) + size.width;
        Canvas { size, all: vec![other; len], other }
    }

    pub fn output(&mut self, kind: u32) -> abi::Output {
        let stride = ((self.size.width + 3) * size_of::<T>()) as i64;
        abi::Output { data: self.all.as_mut_ptr().cast(), stride, kind, reserved: 0 }
    }

    /// The pixels, row by row. What lies between rows must be as it was.
    pub fn pixels(&self) -> Vec<T> {
        let rows = self.all.chunks(self.size.width + 3);
        rows.flat_map(|row| {
            let (pixels, rest) = row.split_at(self.size.width);
            assert!(rest.iter().all(|&other| other == self.other), "written between rows: {rest:?}");
            pixels.to_vec()
        })
        .collect()
    }
}

/// A text of a descriptor.
pub fn said(text: *const c_char) -> String {
    unsafe { owned(text) }
}

/// A mask rule or score that has been made and planned for a scene.
pub struct Planned {
    pub instance: Instance,
    kind: &'static abi::SceneKind,
    pub bands: Vec<u32>,
    pub plan: abi::ScenePlan,
}

impl Planned {
    pub fn new(
        host: &Host,
        kind: &'static abi::SceneKind,
        values: &[abi::Value],
        scene: &abi::Scene,
    ) -> Result<Self, String> {
        let instance = Instance::new(host, kind.create, kind.destroy, values)?;
        let mut bands = vec![77; scene.band_count as usize];
        let mut plan = abi::ScenePlan {
            bands: bands.as_mut_ptr(),
            band_capacity: scene.band_count,
            band_count: 0,
            halo: 0,
            threads: abi::THREADS_PER_INSTANCE,
            deterministic: 1,
            reserved: 0,
        };
        host.answer(unsafe { kind.plan.unwrap()(instance.raw, host.raw(), scene, &mut plan) })?;
        bands.truncate(plan.band_count as usize);
        Ok(Planned { instance, kind, bands, plan })
    }

    pub fn run(
        &self,
        host: &Host,
        scene: &abi::Scene,
        size: Size,
        planes: &[abi::Plane],
        output: abi::Output,
    ) -> Result<(), String> {
        let input = abi::SceneInput {
            scene,
            grid: &scene.grid,
            window: size.window(),
            halo: size.halo as u32,
            plane_count: planes.len() as u32,
            planes: planes.as_ptr(),
        };
        host.answer(unsafe { self.kind.run.unwrap()(self.instance.raw, host.raw(), &input, &output) })
    }
}
